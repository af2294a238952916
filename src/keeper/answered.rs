//! Which requests for a person's yes were answered, so that no code is sent twice: a server may take a second use for
//! theft, and revoke what the first one bought (RFC 6749 section 4.1.2).

use std::collections::BTreeMap;

use crate::secret::Digest;

/// How long one is remembered: codes do not live longer, nor do sealed consents.
const KEPT: i64 = 1200 * 1_000_000_000;

/// The requests, and when they were answered, by the running clock. Most keepers have none, and the map is small then.
#[derive(Default)]
pub(super) struct Answered(BTreeMap<Digest, i64>);

impl Answered {
    /// Whether this is the first answer.
    pub(super) fn insert(&mut self, request: Digest, now: i64) -> bool {
        self.0.retain(|_, since| now.saturating_sub(*since) < KEPT);
        let first = !self.0.contains_key(&request);
        self.0.entry(request).or_insert(now);
        first
    }

    /// It was not sent after all.
    pub(super) fn remove(&mut self, request: &Digest) {
        self.0.remove(request);
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn an_answer_is_known_for_as_long_as_its_code_could_live() {
        let mut answered = Answered::default();
        assert!(answered.insert([1; 32], 0) && !answered.insert([1; 32], KEPT - 1));
        assert!(answered.insert([2; 32], KEPT));
        assert_eq!(answered.0.len(), 1, "and no longer");
        answered.remove(&[2; 32]);
        assert!(answered.insert([2; 32], KEPT));
    }
}
