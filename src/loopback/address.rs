//! Where a redirect to this very machine goes (RFC 8252 section 7.3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;

/// A redirect URI that this process can listen at: `http://127.0.0.1/path`, `http://[::1]/path` or
/// `http://localhost/path`, with a port or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    host: Box<str>,
    /// None: any port that is free will do.
    port: Option<NonZeroU16>,
    path: Box<str>,
    /// With its question mark; empty if there is none.
    query: Box<str>,
}

impl Address {
    /// None for a URI that leads elsewhere, or that no listener can serve.
    pub(crate) fn of(redirect_uri: &str) -> Option<Address> {
        let uri: http::Uri = redirect_uri.parse().ok()?;
        let host = uri.host()?.to_ascii_lowercase();
        let authority = uri.authority()?.as_str();
        let is_loopback = host == "localhost" || ip(&host).is_some_and(|ip| ip.is_loopback());
        if uri.scheme_str() != Some("http") || !is_loopback || authority.contains('@') {
            return None;
        }
        // "host:" is a port left empty, which says nothing.
        let port = match authority[host.len()..].strip_prefix(':') {
            None | Some("") => None,
            Some(port) => NonZeroU16::new(port.parse().ok()?),
        };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(Address { host: host.into(), port, path: uri.path().into(), query: query.into() })
    }

    /// Whether the port is left to the listener.
    pub(crate) fn is_open(&self) -> bool {
        self.port.is_none()
    }

    pub(super) fn port(&self) -> u16 {
        self.port.map_or(0, NonZeroU16::get)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The same place with this port.
    pub(super) fn at(&self, port: NonZeroU16) -> Address {
        Address { port: Some(port), ..self.clone() }
    }

    /// As the vendor is told it.
    pub(super) fn uri(&self) -> String {
        format!("http://{}:{}{}{}", self.host, self.port(), self.path, self.query)
    }

    /// Where to listen: `localhost` is both families, for a browser may choose either.
    pub(super) fn sockets(&self, port: u16) -> Vec<SocketAddr> {
        let ips = match ip(&self.host) {
            Some(ip) => vec![ip],
            None => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        };
        ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
    }

    /// Whether a Host header names this place. Another name may lead here too, by somebody else's DNS.
    pub(super) fn is_host(&self, header: &str) -> bool {
        let bare = header.strip_suffix(":80").unwrap_or(header);
        match self.port() {
            80 => bare.eq_ignore_ascii_case(&self.host),
            port => header.eq_ignore_ascii_case(&format!("{}:{port}", self.host)),
        }
    }
}

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_loopback_uri_is_one_of_three_hosts_over_http() {
        for (uri, open, path) in [
            ("http://127.0.0.1/callback", true, "/callback"),
            ("http://127.0.0.1:0/callback", true, "/callback"),
            ("http://127.0.0.1:8400/callback?a=1", false, "/callback"),
            ("http://[::1]/x", true, "/x"),
            ("http://[::1]:80/x", false, "/x"),
            ("http://localhost", true, "/"),
            ("http://LOCALHOST:/", true, "/"),
        ] {
            let address = Address::of(uri).unwrap_or_else(|| panic!("{uri}"));
            assert_eq!((address.is_open(), address.path()), (open, path), "{uri}");
        }
        for uri in [
            "https://127.0.0.1/x",
            "http://app.example/x",
            "http://10.0.0.1/x",
            "http://127.0.0.1.example/x",
            "http://me@127.0.0.1/x",
            "http://127.0.0.1:70000/x",
            "com.example.app:/callback",
            "callback",
            "",
        ] {
            assert_eq!(Address::of(uri), None, "{uri}");
        }
    }

    #[test]
    fn the_uri_is_told_with_the_port_that_was_chosen() {
        let port = NonZeroU16::new(4711).unwrap();
        let told = |uri: &str| Address::of(uri).unwrap().at(port).uri();
        assert_eq!(told("http://127.0.0.1/cb?a=1"), "http://127.0.0.1:4711/cb?a=1");
        assert_eq!(told("http://[::1]:0/cb"), "http://[::1]:4711/cb");
        assert_eq!(told("http://localhost"), "http://localhost:4711/");
    }

    #[test]
    fn a_host_header_must_name_this_very_place() {
        let address = |uri: &str| Address::of(uri).unwrap();
        let here = address("http://localhost:4711/");
        assert!(here.is_host("localhost:4711") && here.is_host("LocalHost:4711"));
        for other in
            ["localhost", "localhost:4712", "127.0.0.1:4711", "evil.example:4711", "", "evil.example"]
        {
            assert!(!here.is_host(other), "{other}");
        }
        let eighty = address("http://[::1]:80/");
        assert!(eighty.is_host("[::1]") && eighty.is_host("[::1]:80") && !eighty.is_host("[::1]:81"));
    }
}
