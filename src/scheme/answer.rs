//! What an answer says: a grant, or why there is none.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::access_token::is_sendable;
use super::{Exchange, Failure, Granted};
use crate::error::{Error, Kind};
use crate::provider::{Absent, AnswerRules, ErrorRules, Unit};
use crate::secret::Secret;
use crate::token::{Grant, Life};
use crate::transport::{Answer, Request};

/// Longer lives are mistakes (milliseconds for seconds, an end for a span): a hundred years.
const LONGEST: f64 = 3.2e9;

/// A JSON object, read where it lies: nothing is copied but what is asked for, and an absurd number costs nothing
/// but itself.
pub(super) struct Body<'a>(&'a RawValue);

impl<'a> Body<'a> {
    pub(super) fn read(answer: &'a Answer) -> Result<Body<'a>, &'static str> {
        let text = answer.body.trim_ascii();
        if text.is_empty() {
            return Err("an empty body");
        }
        if text.starts_with(b"<") || answer.content_type.starts_with("text/html") {
            return Err("an HTML page, as gateways and login pages send it");
        }
        match serde_json::from_slice::<&RawValue>(text) {
            Ok(value) if value.get().starts_with('{') => Ok(Body(value)),
            Ok(_) => Err("JSON that is no object"),
            Err(error) if error.is_eof() => Err("JSON that breaks off"),
            Err(_) => Err("a body that is no JSON"),
        }
    }

    /// What stands at a path; null counts as absent.
    pub(super) fn at(&self, path: &str) -> Option<&'a RawValue> {
        let found = path.split('.').try_fold(self.0, member)?;
        (found.get() != "null").then_some(found)
    }

    pub(super) fn text(&self, path: &str) -> Option<Secret> {
        self.at(path).and_then(text).filter(|text| !text.expose().is_empty())
    }
}

/// A member of an object by its name, or of a list by its number.
fn member<'a>(value: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    if value.get().starts_with('{') {
        return serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(value.get()).ok()?.remove(name);
    }
    list(value)?.get(name.parse::<usize>().ok()?).copied()
}

fn list(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

fn text(value: &RawValue) -> Option<Secret> {
    serde_json::from_str::<String>(value.get()).ok().map(Secret::from)
}

/// Reads the grant out of a successful answer. `asked` is the scope that was asked for.
pub(super) fn granted(
    exchange: &Exchange<'_>,
    request: &Request,
    answer: &Answer,
    asked: Option<&str>,
) -> Result<Granted, Failure> {
    let rules = &exchange.provider.answer;
    let fail = |why: String| {
        let message = format!(
            "{}: {} answered {} with {why}",
            exchange.provider.title,
            request.describe(),
            answer.status
        );
        Failure::new(Error::new(Kind::Protocol, message).with_http_status(answer.status))
    };
    let body = Body::read(answer).map_err(|why| fail(format!("{why}, not a token")))?;
    let mut warnings = Vec::new();
    // First what must not be lost, then what may be odd.
    let refresh_token = body.text(&rules.refresh_token);
    let scope = scope(&body, rules);
    warnings.extend(scope.as_deref().and_then(|scope| narrowed(exchange, asked?, scope)));
    match access_token(&body, rules) {
        Ok((access_token, token_type)) => {
            let told = told_life(exchange, &body, &mut warnings);
            let own = || jwt_life(access_token.expose(), answer.made).map(Life::For);
            let life = told.or_else(own);
            Ok(Granted {
                grant: Grant {
                    life: life.unwrap_or_else(|| default_life(exchange)),
                    access_token,
                    token_type,
                    refresh_token,
                    id_token: body.text("id_token").filter(|token| is_sendable(token.expose())),
                    scope: scope.or(asked.map(Into::into)),
                    companions: Vec::new(),
                },
                life_is_its_own: told.is_none() && life.is_some(),
                warnings,
            })
        }
        Err(why) => Err(Failure { rotated: refresh_token, ..fail(why) }),
    }
}

fn access_token(body: &Body<'_>, rules: &AnswerRules) -> Result<(Secret, Box<str>), String> {
    let Some(token) = body.text(&rules.access_token) else {
        return Err(format!("no {} in it", rules.access_token));
    };
    if !is_sendable(token.expose()) {
        return Err(format!("an {} that cannot be sent in a header", rules.access_token));
    }
    match body.at(&rules.token_type).map(text) {
        None if rules.token_type_absent.is_some() => {}
        None => return Err(format!("no {} in it (RFC 6749 section 5.1 demands one)", rules.token_type)),
        Some(Some(kind)) if kind.expose().eq_ignore_ascii_case("bearer") => {}
        Some(_) => {
            return Err(format!("a {} other than Bearer, which tokenkeep cannot use", rules.token_type));
        }
    }
    Ok((token, "Bearer".into()))
}

/// Names parted by spaces; some servers answer with a list of them.
fn scope(body: &Body<'_>, rules: &AnswerRules) -> Option<Box<str>> {
    let value = body.at(&rules.scope)?;
    let names = match text(value) {
        Some(names) => names.expose().to_owned(),
        None => serde_json::from_str::<Vec<String>>(value.get()).ok()?.join(" "),
    };
    (!names.is_empty() && !names.chars().any(char::is_control)).then(|| names.into())
}

/// Tells of a scope that is smaller than what was asked for, unless that is no news.
fn narrowed(exchange: &Exchange<'_>, asked: &str, granted: &str) -> Option<String> {
    if exchange.granted_scope == Some(granted) {
        return None;
    }
    let lacks = |name: &&str| !granted.split(' ').any(|other| other == *name);
    let lacking: Vec<&str> = asked.split(' ').filter(lacks).collect();
    let title = &exchange.provider.title;
    (!lacking.is_empty()).then(|| format!("{title}: the scope that was granted lacks {}", lacking.join(", ")))
}

/// How long the token lives, as the answer or the provider's file says.
fn told_life(exchange: &Exchange<'_>, body: &Body<'_>, warnings: &mut Vec<String>) -> Option<Life> {
    let rules = &exchange.provider.answer;
    let Some(value) = body.at(&rules.expires_in) else {
        return (rules.lifetime_absent == Absent::Never).then_some(Life::Never);
    };
    if let Some(life) = expires_in(value, rules.expires_in_unit) {
        return Some(Life::For(life));
    }
    let otherwise = default_life(exchange);
    warnings.push(format!(
        "{}: {} is {}, which is no lifetime; it counts as {}",
        exchange.provider.title,
        rules.expires_in,
        shown(value),
        if otherwise == Life::Unknown { "unknown" } else { "default_lifetime" }
    ));
    Some(otherwise)
}

fn default_life(exchange: &Exchange<'_>) -> Life {
    exchange.settings.span("default_lifetime").map_or(Life::Unknown, Life::For)
}

/// The oddity itself, unless it could be anything.
fn shown(value: &RawValue) -> &str {
    match value.get().as_bytes() {
        [b'-' | b'0'..=b'9', ..] if value.get().len() < 20 => value.get(),
        [b'"', ..] => "a text",
        _ => "no number",
    }
}

/// A span in the answer: a number or a number as text, more than none and less than absurd.
pub(super) fn expires_in(value: &RawValue, unit: Unit) -> Option<Duration> {
    let number = match text(value) {
        Some(text) => text.expose().trim().parse::<f64>().ok()?,
        None => value.get().parse::<f64>().ok()?,
    };
    let seconds = match unit {
        Unit::Milliseconds => number / 1000.0,
        Unit::Seconds => number,
        Unit::Minutes => number * 60.0,
    };
    (seconds > 0.0 && seconds <= LONGEST).then(|| Duration::from_secs_f64(seconds))
}

#[derive(Deserialize)]
struct Claims {
    exp: f64,
    iat: f64,
}

/// What is left of a JWT's own life, exp - iat (RFC 7519 section 4.1), in an answer that was `made` then. It may have
/// been issued long before. Where its end has passed, that clock is another than the issuer's and says nothing.
fn jwt_life(token: &str, made: SystemTime) -> Option<Duration> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let whole = claims.exp - claims.iat;
    let made = made.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let left = claims.exp - made;
    let life = if left > 0.0 { whole.min(left) } else { whole };
    (life > 0.0 && life <= LONGEST).then(|| Duration::from_secs_f64(life))
}

/// Reads why there is no grant out of an answer that is no success.
pub(super) fn refused(exchange: &Exchange<'_>, request: &Request, answer: &Answer, hint: &str) -> Failure {
    let rules = &exchange.provider.errors;
    let body = Body::read(answer);
    let readable = body.as_ref().ok();
    let clean = |text: &str| shorten(&exchange.credentials.scrub(text));
    let code = readable.and_then(|body| first(body, &rules.code)).map(|code| clean(code.expose()));
    let word = match &body {
        Ok(_) => Word::Told,
        Err(_) if answer.body.trim_ascii().is_empty() => Word::Bare,
        Err(_) => Word::Foreign,
    };
    let (kind, final_word) = verdict(answer.status, code.as_deref(), word);
    let mut message =
        format!("{}: {} answered {}", exchange.provider.title, request.describe(), answer.status);
    if let Some(code) = &code {
        message.push_str(&format!(" {code}"));
    }
    match &body {
        Ok(body) => {
            if let Some(text) = first(body, &rules.message) {
                message.push_str(&format!(": \"{}\"", clean(text.expose())));
            }
            for detail in details(body, rules) {
                message.push_str(&format!("; {}", clean(&detail)));
            }
        }
        Err(why) => message.push_str(&format!(" with {why}")),
    }
    if let Some(advice) = advice(kind, answer, hint) {
        message.push_str(&format!(". {advice}"));
    }
    if kind == Kind::Denied && !exchange.provider.docs.is_empty() {
        message.push_str(&format!(" ({})", exchange.provider.docs));
    }
    let error = Error::new(kind, message)
        .with_http_status(answer.status)
        .with_code(code)
        .with_retry_after(answer.retry_after);
    let repeatable = error.is_retryable();
    Failure { final_word, repeatable, ..Failure::new(error) }
}

/// What a refusal's body is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// The vendor's own, in JSON.
    Told,
    /// Nothing: some servers refuse without a word.
    Bare,
    /// Somebody else's, such as a gateway's page.
    Foreign,
}

/// What a status and a code mean, and whether the vendor itself has refused these credentials.
fn verdict(status: u16, code: Option<&str>, word: Word) -> (Kind, bool) {
    let kind = match (status, code) {
        (429, _) | (_, Some("slow_down")) => Kind::RateLimited,
        (408 | 425 | 500.., _) | (_, Some("temporarily_unavailable" | "server_error")) => Kind::Server,
        (407, _) => Kind::Network,
        (404 | 405 | 410, _) => Kind::Config,
        (300..400, _) => Kind::Protocol,
        (
            400..500,
            Some("invalid_grant" | "consent_required" | "login_required" | "interaction_required"),
        ) => Kind::ConsentRequired,
        (
            400..500,
            Some("invalid_scope" | "invalid_target" | "unsupported_grant_type" | "invalid_request"),
        ) => Kind::Config,
        (401 | 403, _) => Kind::Denied,
        (400..500, Some(_)) | (400 | 422, None) if word != Word::Foreign => Kind::Denied,
        _ => Kind::Protocol,
    };
    let found = !matches!(status, 404 | 405 | 410);
    let final_word =
        word == Word::Told && found && matches!(kind, Kind::Denied | Kind::Config | Kind::ConsentRequired);
    (kind, final_word)
}

fn advice(kind: Kind, answer: &Answer, hint: &str) -> Option<String> {
    match kind {
        Kind::Config if matches!(answer.status, 404 | 405 | 410) => {
            Some("Check the URL, and the ids in it".into())
        }
        Kind::Denied | Kind::Config | Kind::ConsentRequired if !hint.is_empty() => Some(capital(hint)),
        Kind::RateLimited => Some(match answer.retry_after {
            Some(wait) => format!("It asks to wait {} s", wait.as_secs()),
            None => "It asks to slow down".into(),
        }),
        Kind::Protocol if (300..400).contains(&answer.status) => Some(
            "Redirects are not followed with credentials: set the URL that it leads to, if you trust it"
                .into(),
        ),
        Kind::Network => Some("Check the proxy and its credentials".into()),
        _ => None,
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn first(body: &Body<'_>, paths: &[String]) -> Option<Secret> {
    paths.iter().find_map(|path| body.text(path))
}

/// The single faults that some vendors list, as "name: reason".
fn details(body: &Body<'_>, rules: &ErrorRules) -> Vec<String> {
    let Some(value) = body.at(&rules.details) else { return Vec::new() };
    let first = |item: &RawValue, names: &[String]| {
        names.iter().find_map(|name| member(item, name).and_then(text)).map(|text| text.expose().to_owned())
    };
    let items = list(value).unwrap_or_else(|| vec![value]);
    let described = items.into_iter().filter_map(|item| {
        Some(format!("{}: {}", first(item, &rules.detail_name)?, first(item, &rules.detail_reason)?))
    });
    described.take(8).collect()
}

/// Fit to be shown: one line, not too long.
pub(crate) fn shorten(text: &str) -> String {
    const LIMIT: usize = 300;
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LIMIT).collect();
    if text.chars().count() > LIMIT { format!("{line}...") } else { line }
}

#[cfg(test)]
mod test {
    use super::*;

    fn seconds(json: &str) -> Option<f64> {
        let value: &RawValue = serde_json::from_str(json).unwrap();
        expires_in(value, Unit::Seconds).map(|span| span.as_secs_f64())
    }

    #[test]
    fn expires_in_is_a_number_or_a_number_as_text() {
        for (json, wanted) in [("3600", 3600.0), ("\"3600\"", 3600.0), ("\" 60 \"", 60.0), ("0.05", 0.05)] {
            assert_eq!(seconds(json), Some(wanted), "{json}");
        }
        for json in
            ["-1", "0", "1e99", "1e999", "\"NaN\"", "\"inf\"", "\"soon\"", "true", "[]", "{}", "null", "\"\""]
        {
            assert_eq!(seconds(json), None, "{json}");
        }
    }

    #[test]
    fn units_are_counted() {
        let hour = Some(Duration::from_secs(3600));
        let number = |text| serde_json::from_str::<&RawValue>(text).unwrap();
        assert_eq!(expires_in(number("3600000"), Unit::Milliseconds), hour);
        assert_eq!(expires_in(number("60"), Unit::Minutes), hour);
    }

    #[test]
    fn a_jwt_lives_from_iat_to_exp_less_what_went_by_before_the_answer() {
        let life = |claims: &str, made: u64| {
            let token = format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(claims));
            jwt_life(&token, UNIX_EPOCH + Duration::from_secs(made)).map(|life| life.as_secs())
        };
        let claims = r#"{"iat":1000,"exp":1600}"#;
        for (made, left) in [(900, 600), (1000, 600), (1500, 100), (1599, 1)] {
            assert_eq!(life(claims, made), Some(left), "{made}");
        }
        for made in [1600, 2_000_000_000] {
            assert_eq!(life(claims, made), Some(600), "{made}: by a clock that is wrong");
        }
        for claims in [r#"{"exp":1600}"#, r#"{"iat":2000,"exp":1000}"#, "[]", "{"] {
            assert_eq!(life(claims, 0), None, "{claims}");
        }
        assert_eq!(jwt_life("opaque", UNIX_EPOCH), None);
    }

    #[test]
    fn only_the_vendors_own_word_is_final() {
        use Word::{Bare, Foreign, Told};
        assert_eq!(verdict(401, Some("unauthorized"), Told), (Kind::Denied, true));
        assert_eq!(verdict(400, Some("invalid_grant"), Told), (Kind::ConsentRequired, true));
        assert_eq!(verdict(400, None, Told), (Kind::Denied, true));
        assert_eq!(verdict(400, None, Bare), (Kind::Denied, false));
        assert_eq!(verdict(400, None, Foreign), (Kind::Protocol, false));
        assert_eq!(verdict(403, None, Bare), (Kind::Denied, false));
        assert_eq!(verdict(403, None, Foreign), (Kind::Denied, false));
        assert_eq!(verdict(429, Some("invalid_client"), Told), (Kind::RateLimited, false));
        assert_eq!(verdict(503, None, Told), (Kind::Server, false));
        assert_eq!(verdict(302, None, Foreign), (Kind::Protocol, false));
        assert_eq!(verdict(404, None, Foreign), (Kind::Config, false));
    }
}
