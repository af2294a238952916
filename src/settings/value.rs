//! How a setting's text is read.

use std::time::Duration;

use super::list::{Form, has_lines};
use super::{Value, environment, nearest};
use crate::secret::Secret;
use crate::settings::Source;

type Fault = String;

/// Reads a value as its setting is declared. The fault never repeats a secret.
pub(super) fn parse(name: &str, form: Form, text: &str) -> Result<Value, Fault> {
    if text.is_empty() {
        return Err(format!("{name} is empty; leave it out instead"));
    }
    if holds_control(name, text) {
        return Err(format!("{name} holds control characters (a line break?)"));
    }
    match form {
        Form::Secret | Form::Pem => return Ok(Value::Secret(Source::Literal(Secret::new(text)))),
        Form::Text | Form::Path | Form::Pairs => {}
        Form::Word(words) => check_word(name, words, text)?,
        Form::OnOff => return on_off(name, text).map(|word| Value::Plain(word.into())),
        Form::Url => check_url(name, text)?,
        Form::UrlTemplate => {
            check_url(name, &text.replace(['{', '}'], ""))?;
            let host = text.split("://").nth(1).and_then(|rest| rest.split(['/', '?']).next());
            if host.is_none_or(|host| host.contains('{')) {
                return Err(format!("{name} must name its host itself: no setting decides where secrets go"));
            }
        }
        Form::Span => {
            span(text).ok_or_else(|| {
                format!("{name} is no time above none: write 30, 2.5 s, 500 ms, 5 min or 1 h")
            })?;
        }
        Form::Count => {
            text.parse::<u32>()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{name} is no whole number from 1 up"))?;
        }
        Form::List => return Ok(Value::Plain(text.split_whitespace().collect::<Vec<_>>().join(" ").into())),
    }
    Ok(Value::Plain(text.into()))
}

/// Reads where a secret is to be found.
pub(super) fn parse_reference(name: &str, suffix: &str, text: &str) -> Result<Value, Fault> {
    let source = match suffix {
        "_env" => match environment::read(text) {
            Some(value) if !value.expose().is_empty() => {
                if holds_control(name.trim_end_matches(suffix), value.expose()) {
                    return Err(format!("{name}: the environment variable {text} holds control characters"));
                }
                Source::Env { variable: text.into(), value }
            }
            _ => return Err(format!("{name}: the environment variable {text} is not set")),
        },
        "_file" => Source::File(text.into()),
        _ => Source::Command(command(name, text)?),
    };
    Ok(Value::Secret(source))
}

/// Whether a value holds what no value may hold: control characters, but for the line breaks of a PEM text.
pub(super) fn holds_control(name: &str, text: &str) -> bool {
    let is_break = |c: char| has_lines(name) && matches!(c, '\r' | '\n');
    text.chars().any(|c| c.is_control() && !is_break(c))
}

/// A command is a JSON array of words, or words parted by spaces.
fn command(name: &str, text: &str) -> Result<Box<[Box<str>]>, Fault> {
    let words: Box<[Box<str>]> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|_| format!("{name} is no JSON array of texts"))?
    } else {
        text.split_whitespace().map(Box::from).collect()
    };
    if words.is_empty() { Err(format!("{name} names no program")) } else { Ok(words) }
}

/// A switch, in any of the words that people use for one.
fn on_off<'a>(name: &str, text: &str) -> Result<&'a str, Fault> {
    match text {
        "on" | "yes" | "true" => Ok("on"),
        "off" | "no" | "false" => Ok("off"),
        _ => Err(format!("{name} = {text} is neither on nor off (yes nor no)")),
    }
}

fn check_word(name: &str, words: &[&str], text: &str) -> Result<(), Fault> {
    if words.contains(&text) {
        return Ok(());
    }
    let hint = nearest(text, words.iter().copied()).map(|near| format!("; did you mean {near}?"));
    Err(format!("{name} = {text} is none of {}{}", words.join(", "), hint.unwrap_or_default()))
}

/// What is wrong with a URL that secrets go to.
pub(crate) fn check_url(name: &str, text: &str) -> Result<(), Fault> {
    let Ok(url) = text.parse::<http::Uri>() else { return Err(format!("{name} is no URL")) };
    if url.host().is_none_or(str::is_empty) {
        return Err(format!("{name} is no absolute URL: it begins with https://"));
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(format!("{name} must not hold a user name or password"));
    }
    if text.contains('#') {
        return Err(format!("{name} must not have a fragment (RFC 6749 section 3.1)"));
    }
    if is_safe_url(text) {
        Ok(())
    } else {
        Err(format!(
            "{name} must be https: over http anybody on the way can read the secrets; only loopback may be http"
        ))
    }
}

/// Whether secrets may be sent there: https, or http to this very machine.
pub(crate) fn is_safe_url(text: &str) -> bool {
    let Ok(url) = text.parse::<http::Uri>() else { return false };
    match url.scheme_str() {
        Some("https") => true,
        Some("http") => url.host().is_some_and(is_loopback),
        _ => false,
    }
}

/// Whether a host is this very machine by its name alone.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A span of time: a number and a unit, seconds if there is none.
pub(super) fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..unit_at].parse().ok()?;
    let seconds = match text[unit_at..].trim() {
        "" | "s" => number,
        "ms" => number / 1000.0,
        "min" | "m" => number * 60.0,
        "h" => number * 3600.0,
        "d" => number * 86_400.0,
        _ => return None,
    };
    // A century is more than anybody waits, and less than what an Instant overflows at.
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|span| !span.is_zero() && span.as_secs() <= 3_200_000_000)
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn spans_have_units() {
        for (text, millis) in
            [("30", 30_000), ("2.5 s", 2_500), ("500ms", 500), ("5 min", 300_000), ("1h", 3_600_000)]
        {
            assert_eq!(span(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "0", "-1", "soon", "5 x", "1e3", "9999999999999999999"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn only_https_or_loopback_is_safe() {
        for url in ["https://api.example", "http://127.0.0.1:80/x", "http://[::1]:9/", "http://localhost/"] {
            assert!(is_safe_url(url), "{url}");
        }
        for url in
            ["http://api.example", "http://127.0.0.1.example/", "ftp://localhost", "http://10.0.0.1", "x"]
        {
            assert!(!is_safe_url(url), "{url}");
        }
    }

    #[test]
    fn urls_hold_no_credentials_and_no_fragment() {
        for url in
            ["https://user:pass@api.example/", "https://api.example/#x", "api.example", "http://api.example"]
        {
            assert!(parse("token_url", Form::Url, url).is_err(), "{url}");
        }
        let Ok(Value::Plain(kept)) = parse("token_url", Form::Url, "https://a.example/t?tenant=1") else {
            panic!()
        };
        assert_eq!(&*kept, "https://a.example/t?tenant=1");
    }

    #[test]
    fn a_secret_is_never_repeated_in_a_fault() {
        let fault = parse("app_key", Form::Secret, "hush\r\nhush").unwrap_err();
        assert!(!fault.contains("hush"), "{fault}");
    }
}
