//! A record as it lies in a store: a short plain head, and a sealed body.

use zeroize::Zeroizing;

use crate::error::Result;
use crate::seal::SealKey;

const MAGIC: &[u8; 9] = b"tokenkeep";
/// How what follows is to be read.
const VERSION: u8 = 1;
/// Magic, version, counter, expiry.
const HEAD: usize = MAGIC.len() + 1 + 8 + 8;
const NEVER: i64 = i64::MAX;

/// One record. Its head is what a store may know: that it is ours, how many there were before it, and when it is of no
/// more use. The head is bound to the body, and the body to the record's name.
#[derive(Debug)]
pub(crate) struct Record {
    /// It grows with every record of that name.
    pub(crate) counter: u64,
    /// From when on nobody needs it, in milliseconds from the Unix epoch; None for never.
    pub(crate) expires: Option<i64>,
    sealed: Vec<u8>,
}

/// Why bytes are no record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// They are damaged, or somebody else's.
    Foreign,
    /// A newer tokenkeep wrote them.
    Newer,
}

impl Record {
    /// Seals a body for the record of that name.
    pub(crate) fn seal(
        key: &SealKey,
        name: &str,
        counter: u64,
        expires: Option<i64>,
        body: &[u8],
    ) -> Result<Record> {
        let mut record = Record { counter, expires, sealed: Vec::new() };
        record.sealed = key.seal(&record.place(name), body)?;
        Ok(record)
    }

    /// The body; None if it was not sealed with this key, for that name and under this head.
    pub(crate) fn open(&self, key: &SealKey, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        key.open(&self.place(name), &self.sealed)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        [self.head().as_slice(), &self.sealed].concat()
    }

    pub(crate) fn read(bytes: &[u8]) -> std::result::Result<Record, Unreadable> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(Unreadable::Foreign)?;
        match rest.first() {
            Some(&VERSION) => {}
            Some(version) if *version > VERSION => return Err(Unreadable::Newer),
            _ => return Err(Unreadable::Foreign),
        }
        let (counter, rest) = rest[1..].split_first_chunk().ok_or(Unreadable::Foreign)?;
        let (expires, sealed) = rest.split_first_chunk().ok_or(Unreadable::Foreign)?;
        Ok(Record {
            counter: u64::from_be_bytes(*counter),
            expires: Some(i64::from_be_bytes(*expires)).filter(|expires| *expires != NEVER),
            sealed: sealed.to_vec(),
        })
    }

    fn head(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        let (magic, rest) = head.split_at_mut(MAGIC.len());
        magic.copy_from_slice(MAGIC);
        rest[0] = VERSION;
        rest[1..9].copy_from_slice(&self.counter.to_be_bytes());
        rest[9..].copy_from_slice(&self.expires.unwrap_or(NEVER).to_be_bytes());
        head
    }

    fn place(&self, name: &str) -> Vec<u8> {
        [self.head().as_slice(), name.as_bytes()].concat()
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn record(key: &SealKey) -> Record {
        Record::seal(key, "name", 7, Some(1234), b"hush").unwrap()
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        let key = SealKey::random().unwrap();
        let read = Record::read(&record(&key).write()).unwrap();
        assert_eq!((read.counter, read.expires), (7, Some(1234)));
        assert_eq!(read.open(&key, "name").unwrap().as_slice(), b"hush");
        let never = Record::seal(&key, "name", 0, None, b"").unwrap();
        assert_eq!(Record::read(&never.write()).unwrap().expires, None);
    }

    #[test]
    fn a_record_under_another_name_or_with_another_head_does_not_open() {
        let key = SealKey::random().unwrap();
        let bytes = record(&key).write();
        assert!(Record::read(&bytes).unwrap().open(&key, "another").is_none());
        for at in MAGIC.len() + 1..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            assert!(Record::read(&bent).unwrap().open(&key, "name").is_none(), "byte {at}");
        }
    }

    #[test]
    fn what_is_no_record_is_known_as_such() {
        let key = SealKey::random().unwrap();
        let bytes = record(&key).write();
        for length in 0..HEAD {
            assert_eq!(Record::read(&bytes[..length]).unwrap_err(), Unreadable::Foreign, "{length} bytes");
        }
        let mut newer = bytes.clone();
        newer[MAGIC.len()] = VERSION + 1;
        assert_eq!(Record::read(&newer).unwrap_err(), Unreadable::Newer);
        let mut older = bytes;
        older[MAGIC.len()] = 0;
        assert_eq!(Record::read(&older).unwrap_err(), Unreadable::Foreign);
    }
}
