//! Where a secret comes from: given, or read when it is needed and dropped after use.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::list::has_lines;
use super::value::holds_control;
#[cfg(unix)]
use crate::clock;
use crate::error::{Error, Kind, Result};
#[cfg(unix)]
use crate::fork;
use crate::secret::Secret;

/// Longer than any credential; shorter than a file named by mistake.
const LIMIT: u64 = 64 * 1024;

/// A secret, or how to get it.
#[derive(Debug)]
pub(crate) enum Source {
    /// The secret itself.
    Literal(Secret),
    /// An environment variable, read once when the client is made.
    Env { variable: Box<str>, value: Secret },
    /// A file, read again at each renewal.
    File(PathBuf),
    /// A command, run again at each renewal: its first line of output, or all of it for a PEM text.
    Command(Box<[Box<str>]>),
}

impl Source {
    /// The secret, now. `name` is the setting's, for the error.
    pub(crate) fn read(&self, name: &str, at_most: Duration) -> Result<Secret> {
        let secret = match self {
            Source::Literal(secret) | Source::Env { value: secret, .. } => return Ok(secret.duplicate()),
            Source::File(path) => read_file(name, path)?,
            Source::Command(argv) => run(name, argv, at_most)?,
        };
        if secret.expose().is_empty() {
            return Err(unusable(name, self, "it is empty"));
        }
        if holds_control(name, secret.expose()) {
            return Err(unusable(name, self, "it holds control characters; only the first line may count"));
        }
        Ok(secret)
    }

    /// Whether reading it again may give another secret.
    pub(crate) fn may_change(&self) -> bool {
        matches!(self, Source::File(_) | Source::Command(_))
    }

    /// What tells this source from another: the secret where it is known, else the reference.
    pub(crate) fn identity(&self) -> Vec<Zeroizing<Vec<u8>>> {
        let part = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        match self {
            Source::Literal(secret) | Source::Env { value: secret, .. } => {
                vec![part("is"), part(secret.expose())]
            }
            Source::File(path) => vec![part("file"), part(&path.to_string_lossy())],
            Source::Command(argv) => {
                std::iter::once(part("command")).chain(argv.iter().map(|word| part(word))).collect()
            }
        }
    }

    /// The setting that gives the same secret in another process, or None for a literal one.
    pub(crate) fn reference(&self, name: &str) -> Option<(String, String)> {
        match self {
            Source::Literal(_) => None,
            Source::Env { variable, .. } => Some((format!("{name}_env"), variable.to_string())),
            Source::File(path) => Some((format!("{name}_file"), path.to_string_lossy().into_owned())),
            Source::Command(argv) => Some((format!("{name}_command"), serde_json::json!(argv).to_string())),
        }
    }

    fn describe(&self, name: &str) -> String {
        match self {
            Source::Literal(_) => name.to_owned(),
            Source::Env { variable, .. } => format!("{name}_env ({variable})"),
            Source::File(path) => format!("{name}_file ({})", path.display()),
            Source::Command(argv) => format!("{name}_command ({})", argv.first().map_or("", |word| word)),
        }
    }
}

fn unusable(name: &str, source: &Source, why: &str) -> Error {
    Error::new(Kind::Config, format!("{} cannot be used: {why}", source.describe(name)))
}

fn read_file(name: &str, path: &Path) -> Result<Secret> {
    let fail = |why: String| unusable(name, &Source::File(path.to_owned()), &why);
    let file = File::open(path).map_err(|error| fail(error.to_string()))?;
    // Room for all of it: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(LIMIT as usize + 1));
    file.take(LIMIT + 1).read_to_string(&mut text).map_err(|error| fail(error.to_string()))?;
    if text.len() as u64 > LIMIT {
        return Err(fail(format!("it is longer than {LIMIT} bytes")));
    }
    Ok(Secret::new(text.strip_suffix('\n').map_or(&text, |text| text.strip_suffix('\r').unwrap_or(text))))
}

/// Runs without a shell, in a process group of its own that is killed at the deadline.
#[cfg(unix)]
fn run(name: &str, argv: &[Box<str>], at_most: Duration) -> Result<Secret> {
    const LOOK: Duration = Duration::from_millis(5);
    let fail = |why: String| unusable(name, &Source::Command(argv.into()), &why);
    let clock = clock::Clock::System;
    let deadline = clock.now().running.saturating_add(clock::nanos(at_most));
    let mut command =
        fork::Command::start(argv, std::env::vars_os()).map_err(|error| fail(error.to_string()))?;
    let mut said = Said::new(has_lines(name));
    let progress = loop {
        let listened = said.listen(&mut command, LOOK);
        match listened.and_then(|()| command.progress()) {
            Ok(fork::Progress::Runs) if clock.now().running < deadline => {}
            Ok(fork::Progress::Runs) => {
                command.kill();
                let limit = at_most.as_secs_f32();
                return Err(fail(format!("it had not ended within {limit} s and was killed")));
            }
            Ok(ended) => break ended,
            Err(error) => {
                command.kill();
                return Err(fail(error.to_string()));
            }
        }
    };
    // What it left behind may hold its output open, and is not waited for.
    said.listen_to_the_rest(&mut command).map_err(|error| fail(error.to_string()))?;
    match progress {
        fork::Progress::Ended(status) if !status.success() => Err(fail(format!("it ended with {status}"))),
        _ => said.secret().ok_or_else(|| fail("its output is no UTF-8 text".into())),
    }
}

#[cfg(not(unix))]
fn run(name: &str, argv: &[Box<str>], _at_most: Duration) -> Result<Secret> {
    Err(unusable(name, &Source::Command(argv.into()), "commands are run on Unix alone"))
}

/// What a command has said so far: what is wanted of it. The rest is heard and dropped, so that the command can end.
#[cfg(unix)]
struct Said {
    text: Zeroizing<Vec<u8>>,
    /// All lines are wanted, and not the first alone.
    lines: bool,
    /// It will say no more.
    over: bool,
}

#[cfg(unix)]
impl Said {
    fn new(lines: bool) -> Said {
        // Room for all of it: a text that grows leaves copies behind.
        Said { text: Zeroizing::new(Vec::with_capacity(LIMIT as usize)), lines, over: false }
    }

    /// Hears what is said next, if something is within this time; true if something was.
    fn hear(&mut self, command: &mut fork::Command, at_most: Duration) -> std::io::Result<bool> {
        let mut room = Zeroizing::new([0; 4096]);
        let Some(news) = command.hear(&mut *room, at_most)? else {
            self.over = true;
            return Ok(false);
        };
        let free = if self.is_enough() { 0 } else { LIMIT as usize - self.text.len() };
        self.text.extend_from_slice(&news[..news.len().min(free)]);
        Ok(!news.is_empty())
    }

    fn listen(&mut self, command: &mut fork::Command, at_most: Duration) -> std::io::Result<()> {
        match self.over {
            true => std::thread::sleep(at_most),
            false => drop(self.hear(command, at_most)?),
        }
        Ok(())
    }

    /// Hears what was said before the end.
    fn listen_to_the_rest(&mut self, command: &mut fork::Command) -> std::io::Result<()> {
        while !self.over && !self.is_enough() && self.hear(command, Duration::ZERO)? {}
        Ok(())
    }

    fn is_enough(&self) -> bool {
        self.text.len() == LIMIT as usize || (!self.lines && self.text.contains(&b'\n'))
    }

    fn secret(&self) -> Option<Secret> {
        let text = match self.lines {
            true => &*self.text,
            false => self.text.split(|byte| *byte == b'\n').next().unwrap_or_default(),
        };
        let text = std::str::from_utf8(text).ok()?;
        Some(Secret::new(if self.lines { text } else { text.strip_suffix('\r').unwrap_or(text) }))
    }
}

#[cfg(all(test, unix))]
mod test {
    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    fn command(argv: &[&str]) -> Source {
        Source::Command(argv.iter().map(|word| Box::from(*word)).collect())
    }

    #[test]
    fn a_file_loses_one_trailing_newline_and_is_read_again() {
        let path = std::env::temp_dir().join(format!("tokenkeep-source-{}", std::process::id()));
        let source = Source::File(path.clone());
        for (text, secret) in [("one\n", "one"), ("two\r\n", "two"), ("three", "three")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(source.read("app_key", SOON).unwrap().expose(), secret);
        }
        std::fs::write(&path, "").unwrap();
        let error = source.read("app_key", SOON).unwrap_err();
        assert!(error.message().contains("app_key_file") && error.message().contains("empty"), "{error}");
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_command_gives_its_first_line_without_a_shell() {
        let source = command(&["printf", "%s\n%s\n", "$HOME;", "second"]);
        assert_eq!(source.read("app_key", SOON).unwrap().expose(), "$HOME;");
    }

    #[test]
    fn a_command_that_fails_or_hangs_is_an_error_and_its_output_is_not_shown() {
        let failed = command(&["sh", "-c", "echo hush; exit 3"]).read("app_key", SOON).unwrap_err();
        assert!(
            failed.message().contains("exit status: 3") && !failed.message().contains("hush"),
            "{failed}"
        );
        let hung = command(&["sh", "-c", "echo hush; sleep 600 & sleep 600"]);
        let error = hung.read("app_key", Duration::from_millis(50)).unwrap_err();
        assert!(error.message().contains("was killed"), "{error}");
    }

    #[test]
    fn a_command_takes_signals_although_the_thread_that_starts_it_takes_none() {
        let (tell, hear) = std::sync::mpsc::channel();
        let blocked = command(&["sed", "-n", "s/SigBlk:.//p", "/proc/self/status"]);
        fork::spawn_worker(move || tell.send(blocked.read("app_key", SOON)).unwrap()).unwrap();
        assert_eq!(hear.recv().unwrap().unwrap().expose(), "0000000000000000");
    }

    #[test]
    fn a_command_that_leaves_a_daemon_on_its_output_has_given_its_line() {
        let left = command(&["sh", "-c", "sleep 30 & echo line; echo more"]);
        assert_eq!(left.read("app_key", SOON).unwrap().expose(), "line");
    }

    #[test]
    fn a_command_may_say_more_than_anybody_wants_to_hear() {
        let chatty = command(&["sh", "-c", "echo line; head -c 300000 /dev/zero"]);
        assert_eq!(chatty.read("app_key", SOON).unwrap().expose(), "line");
    }
}
