//! One request with the credentials in it, JSON or form.

use super::{Exchange, Failure, Granted, answer, form};
use crate::error::Result;
use crate::provider::{Encoding, Step};
use crate::secret::Secret;
use crate::transport::Request;

/// Sends a step's request with some headers more.
pub(super) fn acquire(
    exchange: &Exchange<'_>,
    step: &Step,
    headers: Vec<(Box<str>, Secret)>,
) -> std::result::Result<Granted, Failure> {
    let request = request(exchange, step, headers)?;
    let answer = exchange.transport.send(&request)?;
    if (200..300).contains(&answer.status) {
        answer::granted(exchange, &request, &answer, None)
    } else {
        Err(answer::refused(exchange, &request, &answer, &step.denied_hint))
    }
}

fn request(exchange: &Exchange<'_>, step: &Step, mut headers: Vec<(Box<str>, Secret)>) -> Result<Request> {
    let credentials = exchange.credentials;
    for (name, template) in &step.headers {
        if let Some(value) = credentials.fill(template)? {
            headers.push((name.as_str().into(), value));
        }
    }
    let mut fields = Vec::new();
    for (name, template) in &step.fields {
        if let Some(value) = credentials.fill(template)? {
            fields.push((name.as_str(), value));
        }
    }
    let pairs = fields.iter().map(|(name, value)| (*name, value.expose()));
    let (content_type, body) = match step.encoding {
        Encoding::Json => ("application/json", form::json(pairs)),
        Encoding::Form => ("application/x-www-form-urlencoded", form::body(pairs)),
    };
    let url = credentials.url(&step.url)?;
    let shown = credentials.scrub(url.expose()).into();
    Ok(Request { url, shown, headers, content_type, body })
}
