//! Where a Redis is, and as whom to go there: what `store_url` says.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::secret::Secret;

const PORT: u16 = 6379;

/// A Redis, and who is to be let in.
pub(super) struct Address {
    pub(super) place: Place,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: u32,
}

/// Where a Redis is. There is no secret in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Port { host: String, port: u16, tls: bool },
    Socket(PathBuf),
}

impl Address {
    /// Reads a URL. The fault does not repeat any of it: a password may stand anywhere in a URL that is wrong.
    pub(super) fn parse(url: &str) -> Result<Address, String> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| unreadable("it has no ://"))?;
        if rest.contains('#') {
            return Err(unreadable("it has a #; in a password that is written %23"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (who, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let mut address = Address {
            place: match scheme {
                "redis" | "valkey" => port(host, false)?,
                "rediss" | "valkeys" => port(host, true)?,
                "unix" | "redis+unix" | "valkey+unix" => socket(host, path)?,
                _ => return Err(unreadable("it begins with none of redis://, rediss:// and unix://")),
            },
            user: Some(decoded(user)?.into_owned()).filter(|user| !user.is_empty()),
            password: secret(password)?,
            database: 0,
        };
        match &address.place {
            Place::Socket(_) => address.read_query(query)?,
            Place::Port { .. } if !query.is_empty() => {
                return Err(unreadable("it has a ?; in a password that is written %3F"));
            }
            Place::Port { .. } => address.database = database(path.trim_matches('/'))?,
        }
        if address.user.is_some() && address.password.is_none() {
            return Err(unreadable("it names a user and no password"));
        }
        Ok(address)
    }

    /// Behind the path of a socket there is no other place for these.
    fn read_query(&mut self, query: &str) -> Result<(), String> {
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "db" => self.database = database(value)?,
                "user" | "username" => self.user = Some(decoded(value)?.into_owned()),
                "pass" | "password" => self.password = secret(value)?,
                _ => return Err(unreadable("behind the ? stand other names than db, user and pass")),
            }
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Port { host, port, tls } => {
                let scheme = if *tls { "rediss" } else { "redis" };
                match host.contains(':') {
                    true => write!(f, "{scheme}://[{host}]:{port}"),
                    false => write!(f, "{scheme}://{host}:{port}"),
                }
            }
            Place::Socket(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// A host and a port.
fn port(written: &str, tls: bool) -> Result<Place, String> {
    let (host, port) = match written.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(|| unreadable("its [ is not closed"))?,
        None => written.split_at(written.find(':').unwrap_or(written.len())),
    };
    if host.is_empty() {
        return Err(unreadable("it names no host"));
    }
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| unreadable("its port is no number"))?,
        None if port.is_empty() => PORT,
        None => return Err(unreadable("behind the ] stands no port")),
    };
    Ok(Place::Port { host: host.to_owned(), port, tls })
}

fn socket(host: &str, path: &str) -> Result<Place, String> {
    if !cfg!(unix) {
        return Err(unreadable("there are no such sockets on this platform"));
    }
    if !host.is_empty() || path.len() < 2 {
        return Err(unreadable("the path of a socket is absolute: unix:///run/redis.sock"));
    }
    Ok(Place::Socket(decoded(path)?.into_owned().into()))
}

fn database(written: &str) -> Result<u32, String> {
    if written.is_empty() {
        Ok(0)
    } else {
        written.parse().map_err(|_| unreadable("its database is no number"))
    }
}

fn secret(written: &str) -> Result<Option<Secret>, String> {
    Ok((!written.is_empty()).then_some(decoded(written)?).map(|text| match text {
        Cow::Borrowed(text) => Secret::new(text),
        Cow::Owned(text) => Secret::from(text),
    }))
}

fn decoded(written: &str) -> Result<Cow<'_, str>, String> {
    percent_decode_str(written).decode_utf8().map_err(|_| unreadable("what it writes with % is no text"))
}

fn unreadable(why: &str) -> String {
    format!(
        "store_url is no URL of a Redis: {why} (write redis://user:password@host:6379/0, rediss:// for TLS, or \
         unix:///path?db=0&user=user&pass=password)"
    )
}

#[cfg(test)]
mod test {
    use super::*;

    fn read(url: &str) -> (String, Option<String>, Option<String>, u32) {
        let address = Address::parse(url).unwrap_or_else(|fault| panic!("{url}: {fault}"));
        let password = address.password.map(|password| password.expose().to_owned());
        (address.place.to_string(), address.user, password, address.database)
    }

    #[test]
    fn every_form_is_read() {
        let some = |text: &str| Some(text.to_owned());
        for (url, place, user, password, database) in [
            ("redis://localhost", "redis://localhost:6379", None, None, 0),
            ("rediss://r.example:7000/3", "rediss://r.example:7000", None, None, 3),
            ("redis://:p@[::1]:7/", "redis://[::1]:7", None, some("p"), 0),
            ("valkey://u:p%40%2F%3a@host/1", "redis://host:6379", some("u"), some("p@/:"), 1),
            ("redis://u:a@b@host", "redis://host:6379", some("u"), some("a@b"), 0),
            ("unix:///run/r.sock", "unix:///run/r.sock", None, None, 0),
            ("redis+unix:///a%20b?db=2&user=u&pass=p%26", "unix:///a b", some("u"), some("p&"), 2),
        ] {
            assert_eq!(read(url), (place.to_owned(), user, password, database), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_a_word_of_it() {
        for url in [
            "hush",
            "http://u:hush@host",
            "redis://u:hush@",
            "redis://u:hush@host:port",
            "redis://u:hush@host/zero",
            "redis://u:hush@host?db=1",
            "redis://u:hush@host#insecure",
            "redis://u:hush@[::1",
            "redis://hush@host",
            "unix://u:hush@host/path",
            "unix:///path?secret=hush",
            "unix://",
            "redis://u:%ffhush@host",
        ] {
            let fault = Address::parse(url).err().unwrap_or_else(|| panic!("{url} is read"));
            assert!(fault.contains("store_url") && !fault.contains("hush"), "{url}: {fault}");
        }
    }
}
