//! What is said to a Redis and what it answers: RESP2, as far as a store needs it.

use std::io::{self, Read};

use ring::digest;
use zeroize::Zeroizing;

/// Longer than any record; shorter than what could hurt.
const LIMIT: usize = 8 * 1024 * 1024;
/// A line is a number, a short word or an error.
const LINE: usize = 64 * 1024;
/// How deep lists may lie in lists.
const DEPTH: u32 = 4;

/// One command, as it is sent. It may hold a password, and is wiped.
pub(super) struct Command(pub(super) Zeroizing<Vec<u8>>);

impl Command {
    pub(super) fn new(words: &[&[u8]]) -> Command {
        // Room for all of it: what grows leaves copies behind.
        let length = words.iter().map(|word| word.len() + 16).sum::<usize>() + 16;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        Command(bytes)
    }
}

/// What Redis does in one step: a text in Lua, which it knows by its digest once it has seen it.
pub(super) struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Script {
        let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        Script { text, digest: digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect() }
    }

    /// By its digest.
    pub(super) fn call(&self, keys: &[&str], arguments: &[&[u8]]) -> Command {
        Script::command("EVALSHA", &self.digest, keys, arguments)
    }

    /// By its text, for a Redis that does not know it yet.
    pub(super) fn introduce(&self, keys: &[&str], arguments: &[&[u8]]) -> Command {
        Script::command("EVAL", self.text, keys, arguments)
    }

    fn command(name: &str, script: &str, keys: &[&str], arguments: &[&[u8]]) -> Command {
        let count = keys.len().to_string();
        let head = [name.as_bytes(), script.as_bytes(), count.as_bytes()];
        let keys = keys.iter().map(|key| key.as_bytes());
        Command::new(&head.into_iter().chain(keys).chain(arguments.iter().copied()).collect::<Vec<_>>())
    }
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Text(Vec<u8>),
    Number(i64),
    Nothing,
    List(Vec<Answer>),
    Refusal(Refusal),
}

/// An error of Redis's own: "OOM command not allowed ...".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) detail: String,
}

/// Why a command brought nothing.
#[derive(Debug)]
pub(super) enum Fault {
    Io(io::Error),
    Refused(Refusal),
    /// It refused the user or the password, with this code.
    Locked(String),
    /// This is no answer of a Redis.
    Strange,
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

impl Answer {
    /// Reads one answer. Nothing behind it is read.
    pub(super) fn read(from: &mut impl Read) -> Result<Answer, Fault> {
        Answer::read_within(from, DEPTH)
    }

    fn read_within(from: &mut impl Read, depth: u32) -> Result<Answer, Fault> {
        let line = read_line(from)?;
        let (kind, rest) = line.split_first().ok_or(Fault::Strange)?;
        let rest = std::str::from_utf8(rest).map_err(|_| Fault::Strange);
        let number = || rest.as_ref().ok().and_then(|rest| rest.parse::<i64>().ok()).ok_or(Fault::Strange);
        Ok(match kind {
            b'+' => Answer::Text(line[1..].to_vec()),
            b':' => Answer::Number(number()?),
            b'-' => {
                let said = String::from_utf8_lossy(&line[1..]);
                let (code, detail) = said.split_once(' ').unwrap_or((&said, ""));
                Answer::Refusal(Refusal { code: code.to_owned(), detail: detail.to_owned() })
            }
            b'$' => match length(number()?)? {
                None => Answer::Nothing,
                Some(length) => Answer::Text(read_text(from, length)?),
            },
            b'*' => match length(number()?)? {
                None => Answer::Nothing,
                Some(_) if depth == 0 => return Err(Fault::Strange),
                Some(length) => {
                    let all = (0..length).map(|_| Answer::read_within(from, depth - 1));
                    Answer::List(all.collect::<Result<_, _>>()?)
                }
            },
            _ => return Err(Fault::Strange),
        })
    }

    /// The answer, if it is no refusal.
    pub(super) fn accepted(self) -> Result<Answer, Fault> {
        match self {
            Answer::Refusal(refusal) => Err(Fault::Refused(refusal)),
            answer => Ok(answer),
        }
    }

    pub(super) fn text(self) -> Result<String, Fault> {
        match self {
            Answer::Text(bytes) => String::from_utf8(bytes).map_err(|_| Fault::Strange),
            _ => Err(Fault::Strange),
        }
    }
}

/// Up to the end of a line, byte by byte: what is behind it belongs to the next answer. The reader below has a buffer.
fn read_line(from: &mut impl Read) -> Result<Vec<u8>, Fault> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        if line.len() > LINE {
            return Err(Fault::Strange);
        }
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    Ok(line)
}

fn read_text(from: &mut impl Read, length: usize) -> Result<Vec<u8>, Fault> {
    let mut text = Vec::new();
    from.take(length as u64).read_to_end(&mut text)?;
    let mut end = [0; 2];
    from.read_exact(&mut end)?;
    if text.len() == length && end == *b"\r\n" { Ok(text) } else { Err(Fault::Strange) }
}

/// None for what is not there.
fn length(number: i64) -> Result<Option<usize>, Fault> {
    match usize::try_from(number) {
        Ok(length) if length <= LIMIT => Ok(Some(length)),
        Err(_) if number == -1 => Ok(None),
        _ => Err(Fault::Strange),
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Answer, Fault> {
        Answer::read(&mut &bytes[..])
    }

    fn text(text: &str) -> Answer {
        Answer::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn a_command_is_a_list_of_texts() {
        let command = Command::new(&[b"SET", b"key", b"a\r\nb\0"]);
        assert_eq!(command.0.as_slice(), b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\na\r\nb\0\r\n");
    }

    #[test]
    fn a_script_is_called_by_the_digest_of_its_text() {
        let script = Script::new("return KEYS[1]");
        let called = script.call(&["dummy"], &[b"1"]);
        let expected = "*5\r\n$7\r\nEVALSHA\r\n$40\r\n4a2267357833227dd98abdedb8cf24b15a986445\r\n$1\r\n1\r\n$5\r\ndummy\r\n$1\r\n1\r\n";
        assert_eq!(std::str::from_utf8(&called.0).unwrap(), expected);
    }

    #[test]
    fn every_kind_of_answer_is_read_and_nothing_behind_it() {
        let bytes = b"*5\r\n+OK\r\n:-7\r\n$2\r\n\r\n\r\n$-1\r\n*1\r\n-OOM too much\r\n+next\r\n";
        let mut rest = &bytes[..];
        let refusal = Refusal { code: "OOM".into(), detail: "too much".into() };
        let inner = Answer::List(vec![Answer::Refusal(refusal)]);
        let all = vec![text("OK"), Answer::Number(-7), text("\r\n"), Answer::Nothing, inner];
        assert_eq!(Answer::read(&mut rest).unwrap(), Answer::List(all));
        assert_eq!(Answer::read(&mut rest).unwrap(), text("next"));
    }

    #[test]
    fn what_is_no_answer_is_strange_and_half_of_one_is_an_end() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"\r\n",
            b"$x\r\n",
            b"$-2\r\n",
            b"$99999999999\r\n",
            b"*99999999999\r\n",
            b"$1\r\nabc\r\n",
            b"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        ] {
            assert!(matches!(read(bytes), Err(Fault::Strange)), "{}", bytes.escape_ascii());
        }
        let whole = b"*2\r\n$3\r\nabc\r\n:12\r\n";
        for length in 0..whole.len() {
            let Err(Fault::Io(error)) = read(&whole[..length]) else { panic!("{length} bytes") };
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
