//! What tells one credential from another.

use std::collections::BTreeSet;

use ring::hmac;

use crate::provider::{Provider, SchemeName};
use crate::scheme::{self, oauth2};
use crate::secret::{Digest, digest_of};
use crate::settings::{Class, Form, Settings, is_proof};

/// A credential's fingerprint: clients with equal ones share a keeper.
pub(super) type Key = Digest;

/// All identity settings, and a hash of the secrets with a key that is this process's own, so that nothing
/// about them can be learnt from a fingerprint.
pub(super) fn key(provider: &Provider, settings: &Settings, level: usize, process: &hmac::Key) -> Key {
    let sent = scheme::names_sent(provider, settings, level);
    let beyond = beyond(provider, level, &sent);
    let mut secrets = hmac::Context::with_key(process);
    // Here another text is another provider, even at the same path.
    secrets.update(&provider.digest);
    secrets.update(&identity(provider, settings, level));
    for (name, source) in settings.secrets(Class::Secret).chain(settings.secrets(Class::Identity)) {
        if !beyond.contains(&name) {
            secrets.update(&(name.len() as u64).to_le_bytes());
            secrets.update(name.as_bytes());
            for part in source.identity() {
                secrets.update(&(part.len() as u64).to_le_bytes());
                secrets.update(&part);
            }
        }
    }
    digest_of(secrets.sign().as_ref())
}

/// Whose grant it is, the secrets left out: the same in every process and on every machine.
pub(super) fn identity(provider: &Provider, settings: &Settings, level: usize) -> Digest {
    let sent = scheme::names_sent(provider, settings, level);
    let beyond = beyond(provider, level, &sent);
    let mut text = Text(Vec::new());
    text.0.extend_from_slice(&provider.identity);
    text.add("base_url", scheme::base_url(provider, settings).unwrap_or_default());
    text.add("level", &level.to_string());
    if provider.scheme == SchemeName::Oauth2 {
        text.add("grant", oauth2::grant(provider, settings));
    }
    for (name, value) in settings.plain(Class::Identity) {
        if !beyond.contains(&name) && !RESOLVED.contains(&name) {
            text.add(name, value);
        }
    }
    // What buys the grant, or is part of it, tells it apart, whatever else it is for.
    for (name, value) in settings.plain(Class::Presentation).filter(|(name, _)| sent.contains(*name)) {
        text.add(name, value);
    }
    digest_of(&text.0)
}

/// Who says where an OAuth 2 server's endpoints are, and how they are asked: clients with equal ones hear the same.
pub(super) fn server(settings: &Settings) -> Option<Key> {
    let mut text = Text(Vec::new());
    text.add("issuer", settings.text("issuer")?);
    text.add("metadata_issuer", settings.text("metadata_issuer").unwrap_or_default());
    for (name, digest) in kept_by(settings) {
        text.add(&name, "");
        text.0.extend_from_slice(&digest);
    }
    Some(digest_of(&text.0))
}

/// The secrets that prove the identity at that level.
pub(super) fn secrets<'a>(
    provider: &Provider,
    settings: &'a Settings,
    level: usize,
) -> impl Iterator<Item = &'a str> {
    let sent = scheme::names_sent(provider, settings, level);
    let beyond: Vec<String> = beyond(provider, level, &sent).into_iter().map(str::to_owned).collect();
    let names = settings.secrets(Class::Secret).map(|(name, _)| name);
    let proofs = names.filter(|name| is_proof(name, Class::Secret, Form::Secret));
    proofs.filter(move |name| !beyond.iter().any(|other| other == name))
}

/// Identity settings that count by what they come to.
const RESOLVED: [&str; 4] = ["environment", "base_url", "grant", "acts_as"];

/// Settings that only later steps of a chain use: they do not tell this level's tokens apart.
fn beyond<'a>(provider: &'a Provider, level: usize, sent: &BTreeSet<String>) -> Vec<&'a str> {
    let later = provider.step.get(level + 1..).unwrap_or_default();
    let mut beyond: Vec<&str> = later.iter().flat_map(scheme::step_names).collect();
    if beyond.iter().any(|name| name.ends_with("_token_url")) {
        beyond.push("location_id");
    }
    beyond.retain(|name| !sent.contains(*name));
    beyond
}

/// Length-prefixed, so that no two lists look alike.
struct Text(Vec<u8>);

impl Text {
    fn add(&mut self, name: &str, value: &str) {
        for part in [name, value] {
            self.0.extend_from_slice(&(part.len() as u64).to_le_bytes());
            self.0.extend_from_slice(part.as_bytes());
        }
    }
}

/// The keeper settings of which two clients of one credential must agree, as text that holds no secret.
pub(super) fn disagreement(mine: &Settings, theirs: &Settings) -> Option<String> {
    let (mine, theirs) = (kept_by(mine), kept_by(theirs));
    let differs = |pair: &&(String, Digest), others: &[(String, Digest)]| !others.contains(pair);
    mine.iter()
        .find(|pair| differs(pair, &theirs))
        .or_else(|| theirs.iter().find(|pair| differs(pair, &mine)))
        .map(|(name, _)| name.clone())
}

/// The settings of how a grant is kept, as name and digest.
fn kept_by(settings: &Settings) -> Vec<(String, Digest)> {
    let plain =
        settings.plain(Class::Keeper).map(|(name, value)| (name.to_owned(), digest_of(value.as_bytes())));
    let secret = settings.secrets(Class::Keeper).map(|(name, source)| {
        let parts: Vec<u8> = source.identity().iter().flat_map(|part| part.to_vec()).collect();
        (name.to_owned(), digest_of(&parts))
    });
    let store = settings.store().map(|store| ("store".to_owned(), digest_of(&store.place().to_le_bytes())));
    plain.chain(secret).chain(store).collect()
}
