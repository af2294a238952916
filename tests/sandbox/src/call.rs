//! An HTTP request as the vendors read it.

use axum::body::{Bytes, to_bytes};
use axum::extract::{RawPathParams, Request};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::Value;

/// Far above any request that a token client sends.
const BODY_LIMIT: usize = 1024 * 1024;

/// Method, address, headers and the whole body.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    parameters: Vec<(String, String)>,
}

impl Call {
    /// Reads the request to its end. A body that breaks off or is over the limit counts as empty.
    pub(crate) async fn read(request: Request, parameters: &RawPathParams) -> Self {
        let (head, body) = request.into_parts();
        Self {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            body: to_bytes(body, BODY_LIMIT).await.unwrap_or_default(),
            parameters: parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        }
    }

    /// A header's text, when it has one that is plain ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The decoded query, in order.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        decode_pairs(self.uri.query().unwrap_or_default().as_bytes())
    }

    /// The first query parameter of that name.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        let found = self.query().into_iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value)
    }

    /// The decoded form body, in order.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        decode_pairs(&self.body)
    }

    /// The JSON body, when it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// A variable part of the path, such as `location_id`.
    pub(crate) fn path_parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// What follows the given scheme in the Authorization header; schemes ignore case.
    pub(crate) fn credentials(&self, scheme: &str) -> Option<&str> {
        let (given, rest) = self.header(AUTHORIZATION.as_str())?.split_once(' ')?;
        given.eq_ignore_ascii_case(scheme).then(|| rest.trim_start_matches(' '))
    }

    /// The bearer token in the Authorization header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.credentials("Bearer")
    }
}

fn decode_pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}
