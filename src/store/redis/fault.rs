//! What a Redis says or does not say, in words for whoever has to mend it.

use std::io::{self, ErrorKind};

use super::address::Place;
use super::protocol::{Fault, Refusal};
use crate::error::Error;
use crate::store::unusable;

/// The error for a caller. There is nothing in it but the place, what came back and what to do.
pub(super) fn error(place: &Place, fault: &Fault) -> Error {
    unusable(&format!("the store at {place}"), words(fault))
}

/// Whether it passes by itself, and soon.
pub(super) fn is_passing(fault: &Fault) -> bool {
    const CODES: [&str; 6] = ["LOADING", "BUSY", "TRYAGAIN", "ASK", "CLUSTERDOWN", "MASTERDOWN"];
    match fault {
        Fault::Io(error) => is_cut(error),
        Fault::Refused(refusal) => {
            CODES.contains(&&*refusal.code) || refusal.detail.contains("number of clients")
        }
        Fault::Locked(_) | Fault::Strange => false,
    }
}

/// Whether nobody takes connections.
pub(super) fn is_absent(fault: &Fault) -> bool {
    matches!(fault, Fault::Io(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound))
}

/// The node that a cluster names for what it was asked: "MOVED slot host:port".
pub(super) fn moved_to(fault: &Fault, from: &Place) -> Option<Place> {
    let Place::Port { host: here, tls, .. } = from else { return None };
    let Fault::Refused(refusal) = fault else { return None };
    let node = refusal.detail.split(' ').nth(1).filter(|_| refusal.code == "MOVED")?;
    // An IPv6 address has no brackets there, and without a host it is the same one.
    let (host, port) = node.rsplit_once(':')?;
    let host = if host.is_empty() { here.clone() } else { host.to_owned() };
    Some(Place::Port { host, port: port.parse().ok()?, tls: *tls })
}

/// Whether somebody was there, and hung up.
fn is_cut(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
}

fn words(fault: &Fault) -> String {
    match fault {
        Fault::Refused(Refusal { code, detail }) => {
            format!("it answers {} {}{}", shown(code), shown(detail), advice(code))
        }
        Fault::Locked(code) => {
            format!("it refuses the user or the password ({}): check them in store_url", shown(code))
        }
        Fault::Strange => "what it answers is not what a Redis answers".into(),
        Fault::Io(error) => match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                "no answer in time: is it stopped, paused or overloaded?".into()
            }
            _ if is_absent(fault) => format!("nobody takes connections there ({error})"),
            _ if is_cut(error) => {
                format!(
                    "the connection broke ({error}): is it ending, or has it too many clients (maxclients)?"
                )
            }
            _ => shown(&error.to_string()),
        },
    }
}

fn advice(code: &str) -> &'static str {
    match code {
        "NOAUTH" => ": it demands a password; write it into store_url",
        "NOPERM" => {
            ": let its user do +get +set +del +exists +rename +getrange +pexpire +pexpireat +pttl +time +select \
             +eval +evalsha on ~tokenkeep:*"
        }
        "OOM" => ": its memory is full; raise maxmemory, and leave maxmemory-policy at noeviction",
        "READONLY" => ": it is a replica; store_url must lead to the primary",
        "MISCONF" => ": it cannot write to its disk, and so takes nothing more",
        "CROSSSLOT" | "MOVED" => ": it is a cluster that is being changed",
        _ => "",
    }
}

/// As much of a foreign text as can be shown: it may repeat bytes that were sent.
fn shown(text: &str) -> String {
    const ENOUGH: usize = 200;
    text.chars().take(ENOUGH).map(|letter| if letter.is_control() { '.' } else { letter }).collect()
}
