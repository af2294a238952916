//! What is in a record's body: a grant, when it was asked for, and what must not come back.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::secret::{Digest, Secret};
use crate::token::{Grant, Life};

/// A grant as it outlives a process. Companion headers are made anew from the settings.
#[derive(Default)]
pub(crate) struct StoredGrant {
    /// The access token and what belongs to it. None where a refresh brought a new refresh token and nothing else.
    pub(crate) grant: Option<Grant>,
    /// When it was asked for, by the store's wall clock or else the machine's, in nanoseconds.
    pub(crate) asked: i64,
    pub(crate) refresh_token: Option<Secret>,
    /// The refresh token of the settings that it grew from.
    pub(crate) seed: Option<Digest>,
    /// Access tokens that resources refused, and when, by the same wall clock.
    pub(crate) refused: Vec<(Digest, i64)>,
}

/// What a field is. A number that is not known is passed over, so that older libraries read newer records.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    AccessToken = 1,
    TokenType = 2,
    Scope = 3,
    /// Nanoseconds.
    Life = 4,
    /// Empty: it never ends. Neither this nor `Life`: nobody said.
    NeverEnds = 5,
    Asked = 6,
    RefreshToken = 7,
    Seed = 8,
    /// A digest and a time.
    Refused = 9,
    IdToken = 10,
}

impl StoredGrant {
    /// A list of fields: a tag, a length and so many bytes each.
    pub(crate) fn write(&self) -> Zeroizing<Vec<u8>> {
        let (asked, life);
        let mut fields: Vec<(Tag, &[u8])> = Vec::new();
        if let Some(grant) = &self.grant {
            fields.push((Tag::AccessToken, grant.access_token.expose().as_bytes()));
            fields.push((Tag::TokenType, grant.token_type.as_bytes()));
            fields.extend(grant.scope.as_deref().map(|scope| (Tag::Scope, scope.as_bytes())));
            let id_token = grant.id_token.as_ref().map(Secret::expose);
            fields.extend(id_token.map(|token| (Tag::IdToken, token.as_bytes())));
            match grant.life {
                Life::For(span) => {
                    life = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX).to_be_bytes();
                    fields.push((Tag::Life, &life));
                }
                Life::Never => fields.push((Tag::NeverEnds, &[])),
                Life::Unknown => {}
            }
        }
        asked = self.asked.to_be_bytes();
        fields.push((Tag::Asked, &asked));
        fields
            .extend(self.refresh_token.as_ref().map(|token| (Tag::RefreshToken, token.expose().as_bytes())));
        fields.extend(self.seed.as_ref().map(|seed| (Tag::Seed, seed.as_slice())));
        let refused: Vec<Vec<u8>> =
            self.refused.iter().map(|(token, since)| [&token[..], &since.to_be_bytes()].concat()).collect();
        fields.extend(refused.iter().map(|refused| (Tag::Refused, refused.as_slice())));

        // Room for all of it: what grows leaves copies behind.
        let length = fields.iter().map(|(_, bytes)| 1 + 4 + bytes.len()).sum();
        let mut body = Zeroizing::new(Vec::with_capacity(length));
        for (tag, bytes) in fields {
            body.push(tag as u8);
            body.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            body.extend_from_slice(bytes);
        }
        body
    }

    /// None if it is not what [`write`](StoredGrant::write) makes.
    pub(crate) fn read(body: &[u8]) -> Option<StoredGrant> {
        let mut fields = Vec::new();
        let mut rest = body;
        while let Some((tag, after)) = rest.split_first() {
            let (length, after) = after.split_first_chunk()?;
            let (bytes, after) =
                after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            fields.push((*tag, bytes));
            rest = after;
        }
        let all =
            |tag: Tag| fields.iter().filter(move |(found, _)| *found == tag as u8).map(|(_, bytes)| *bytes);
        let one = |tag: Tag| all(tag).next();
        let text = |tag: Tag| one(tag).map(std::str::from_utf8).transpose().ok();
        let life = match one(Tag::Life) {
            Some(life) => Life::For(Duration::from_nanos(u64::from_be_bytes(life.try_into().ok()?))),
            None if one(Tag::NeverEnds).is_some() => Life::Never,
            None => Life::Unknown,
        };
        let grant = match text(Tag::AccessToken)? {
            Some(token) => Some(Grant {
                access_token: Secret::new(token),
                token_type: text(Tag::TokenType)??.into(),
                life,
                refresh_token: None,
                id_token: text(Tag::IdToken)?.map(Secret::new),
                scope: text(Tag::Scope)?.map(Box::from),
                companions: Vec::new(),
            }),
            None => None,
        };
        let refused = |bytes: &[u8]| {
            let (token, since) = bytes.split_first_chunk()?;
            Some((*token, i64::from_be_bytes(since.try_into().ok()?)))
        };
        Some(StoredGrant {
            grant,
            asked: i64::from_be_bytes(one(Tag::Asked)?.try_into().ok()?),
            refresh_token: text(Tag::RefreshToken)?.map(Secret::new),
            seed: one(Tag::Seed).map(Digest::try_from).transpose().ok()?,
            refused: all(Tag::Refused).map(refused).collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn stored(life: Life) -> StoredGrant {
        StoredGrant {
            grant: Some(Grant {
                access_token: Secret::new("access"),
                token_type: "Bearer".into(),
                life,
                refresh_token: None,
                id_token: Some(Secret::new("who")),
                scope: Some("read write".into()),
                companions: Vec::new(),
            }),
            asked: 1_700_000_000_123_456_789,
            refresh_token: Some(Secret::new("refresh")),
            seed: Some([3; 32]),
            refused: vec![([1; 32], 5), ([2; 32], -6)],
        }
    }

    #[test]
    fn a_grant_comes_back_as_it_was() {
        for life in [Life::For(Duration::from_millis(3_600_001)), Life::Never, Life::Unknown] {
            let read = StoredGrant::read(&stored(life).write()).unwrap();
            let grant = read.grant.unwrap();
            assert_eq!((grant.access_token.expose(), &*grant.token_type), ("access", "Bearer"));
            assert_eq!((grant.life, grant.scope.as_deref()), (life, Some("read write")));
            assert_eq!(grant.id_token.unwrap().expose(), "who");
            assert_eq!(read.asked, 1_700_000_000_123_456_789);
            assert_eq!(read.refresh_token.unwrap().expose(), "refresh");
            assert_eq!((read.seed, read.refused), (Some([3; 32]), vec![([1; 32], 5), ([2; 32], -6)]));
        }
    }

    #[test]
    fn what_is_left_out_stays_out() {
        let bare =
            StoredGrant { grant: None, asked: 1, refresh_token: None, seed: None, refused: Vec::new() };
        let read = StoredGrant::read(&bare.write()).unwrap();
        assert!(read.grant.is_none() && read.refresh_token.is_none() && read.seed.is_none());
        assert!(read.refused.is_empty());
    }

    #[test]
    fn half_a_body_is_none_and_an_unknown_field_is_passed_over() {
        let body = stored(Life::Never).write();
        let whole = |body: &[u8]| StoredGrant::read(body).is_some_and(|read| read.refused.len() == 2);
        for length in 0..body.len() {
            assert!(!whole(&body[..length]), "{length} bytes");
        }
        let newer = [&body[..], &[200, 0, 0, 0, 2, 1, 1]].concat();
        assert!(whole(&newer));
    }
}
