//! Where a secret comes from: given, or read when it is needed and dropped after use.

use std::fs::File;
use std::io::{Read, Take};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::list::has_lines;
use super::value::holds_control;
use crate::error::{Error, Kind, Result};
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
fn run(name: &str, argv: &[Box<str>], at_most: Duration) -> Result<Secret> {
    let fail = |why: String| unusable(name, &Source::Command(argv.into()), &why);
    let Some((program, arguments)) = argv.split_first() else { return Err(fail("it is empty".into())) };
    let mut command = Command::new(&**program);
    command.args(arguments.iter().map(|word| &**word));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| fail(error.to_string()))?;
    let Some(output) = child.stdout.take() else { return Err(fail("its output was not connected".into())) };
    let (tell, hear) = mpsc::sync_channel(1);
    let lines = has_lines(name);
    let read = fork::spawn_worker(move || drop(tell.send(read_output(output.take(LIMIT), lines))));
    let line = match read {
        Ok(()) => hear.recv_timeout(at_most),
        Err(error) => {
            fork::kill_group(&child);
            drop(child.wait());
            return Err(fail(format!("no thread to read its output: {error}")));
        }
    };
    if line.is_err() {
        fork::kill_group(&child);
    }
    let status = wait_for_exit(&mut child, at_most).map_err(|error| fail(error.to_string()))?;
    match line {
        Err(_) => Err(fail(format!("it gave no line within {} s and was killed", at_most.as_secs_f32()))),
        Ok(Err(error)) => Err(fail(error.to_string())),
        Ok(Ok(_)) if !status.success() => Err(fail(format!("it ended with {status}"))),
        Ok(Ok(line)) => Ok(line),
    }
}

/// Waits for a command that has closed its output; kills it if it stays.
fn wait_for_exit(child: &mut Child, at_most: Duration) -> std::io::Result<ExitStatus> {
    const LOOK: Duration = Duration::from_millis(5);
    let mut left = at_most;
    while left > Duration::ZERO {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(LOOK);
        left = left.saturating_sub(LOOK);
    }
    fork::kill_group(child);
    child.wait()
}

/// The first line, or all of them; what is not wanted is read and dropped, so that the command can end.
fn read_output(mut output: Take<impl Read>, lines: bool) -> std::io::Result<Secret> {
    let mut text = Zeroizing::new(String::with_capacity(LIMIT as usize + 1));
    output.read_to_string(&mut text)?;
    Ok(Secret::new(if lines { &text } else { text.lines().next().unwrap_or_default() }))
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
        let hung = command(&["sh", "-c", "sleep 600 & sleep 600"]);
        let error = hung.read("app_key", Duration::from_millis(50)).unwrap_err();
        assert!(error.message().contains("was killed"), "{error}");
    }
}
