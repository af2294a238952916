//! A person's consent where they come back to this very machine (RFC 8252 sections 7.3 and 8).
mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use support::browser::{self, address, get, is_open, log_in, parameter, replaced, say, say_yes};
use support::{
    PATIENCE, assert_error, client_with, is_ended, pause, sandbox, timed, together, token, until,
    until_asked, within,
};
use tokenkeep::{Call, Client, Consent, Kind, Token};
use tokenkeep_sandbox::{Fault, Sandbox};

const REDIRECT: &str = "http://127.0.0.1/callback";

fn desktop(sandbox: &Sandbox) -> Client {
    client_with(sandbox, "pink", &[("redirect_uri", REDIRECT)])
}

fn begin(client: &Client) -> Consent {
    client.consent(&Call::default()).expect("a consent")
}

/// Where the person is sent back to.
fn redirect(consent: &Consent) -> String {
    parameter(consent.url(), "redirect_uri")
}

/// Waits on a thread of its own while a person does something.
fn meanwhile<T>(consent: &Consent, person: impl FnOnce() -> T) -> (tokenkeep::Result<Token>, T) {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| consent.wait(&Call { timeout: Some(PATIENCE), ..Call::default() }));
        let done = person();
        (waiting.join().expect("the wait ends well"), done)
    })
}

#[test]
fn the_person_comes_back_to_a_port_that_was_opened_for_them() {
    let sandbox = sandbox();
    for host in ["127.0.0.1", "127.0.0.1:0", "[::1]", "[::1]:0", "localhost"] {
        let redirect_uri = format!("http://{host}/callback");
        let client = client_with(&sandbox, "pink", &[("redirect_uri", &redirect_uri)]);
        let consent = begin(&client);
        let told = redirect(&consent);
        assert!(is_open(&address(&told)), "{told} is open before anybody waits");
        let (bought, page) = meanwhile(&consent, || log_in(consent.url()));
        assert_eq!(bought.unwrap().value(), token(&client).value(), "{host}");
        assert_eq!(page.status, 200);
        assert!(page.body.contains("You can close this window"), "{}", page.body);
        assert!(!is_open(&address(&told)), "{host}: closed after the one answer");
    }
}

#[test]
fn a_person_who_is_back_before_anybody_waits_is_served_then() {
    let sandbox = sandbox();
    let consent = begin(&desktop(&sandbox));
    let url = say_yes(consent.url());
    let page = std::thread::spawn(move || get(&url, &[]));
    pause(50);
    consent.wait(&Call::default()).unwrap();
    assert_eq!(page.join().unwrap().status, 200);
}

#[test]
fn localhost_is_both_families_on_one_port() {
    let sandbox = sandbox();
    let client = client_with(&sandbox, "pink", &[("redirect_uri", "http://localhost/callback")]);
    for family in ["127.0.0.1", "[::1]"] {
        let consent = begin(&client);
        let back = say_yes(consent.url());
        let (place, query) = back.split_once('?').unwrap();
        let port = address(place).rsplit_once(':').unwrap().1.to_owned();
        let head = format!("GET /callback?{query} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
        let (bought, page) = meanwhile(&consent, || say(&format!("{family}:{port}"), head.as_bytes()));
        bought.unwrap();
        assert_eq!(page.unwrap().status, 200, "{family}");
    }
}

#[test]
fn nobody_but_this_machine_can_knock() {
    let sandbox = sandbox();
    for (host, listening) in [("127.0.0.1", "0100007F"), ("[::1]", "00000000000000000000000001000000")] {
        let redirect_uri = format!("http://{host}/callback");
        let consent = begin(&client_with(&sandbox, "pink", &[("redirect_uri", &redirect_uri)]));
        let port = redirect(&consent).rsplit_once(':').unwrap().1.split('/').next().unwrap().to_owned();
        let wanted = format!("{listening}:{:04X}", port.parse::<u16>().unwrap());
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap());
        let listens = |line: &&str| {
            line.contains(&format!(":{} ", &wanted[listening.len() + 1..])) && line.contains(" 0A ")
        };
        let found: Vec<_> = tables.iter().flat_map(|table| table.lines()).filter(listens).collect();
        assert!(found.len() == 1 && found[0].contains(&wanted), "{wanted}: {found:?}");
    }
}

#[test]
fn what_does_not_answer_is_turned_away_and_the_login_goes_on() {
    let sandbox = sandbox();
    let consent = begin(&desktop(&sandbox));
    let good = say_yes(consent.url());
    let here = address(&good);
    let query = good.split_once('?').unwrap().1.to_owned();
    let stranger = parameter(begin(&desktop(&sandbox)).url(), "state");
    let raw = |method: &str, target: &str, host: &str| {
        say(&here, format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes())
    };
    let whole = format!("/callback?{query}");
    let (bought, ()) = meanwhile(&consent, || {
        for (what, page, status) in [
            ("another path", raw("GET", &format!("/other?{query}"), &here), 404),
            ("a favicon", raw("GET", "/favicon.ico", &here), 404),
            ("another host", raw("GET", &whole, "evil.example"), 400),
            ("another name of this host", raw("GET", &whole, &here.replace("127.0.0.1", "localhost")), 400),
            ("another method", raw("POST", &whole, &here), 405),
            ("a look ahead", raw("HEAD", &whole, &here), 405),
            ("no HTTP", say(&here, b"\x16\x03\x01\x02\x00"), 400),
            ("too much", say(&here, &[b'A'; 100_000]), 400),
            (
                "an endless header",
                say(&here, format!("GET {whole} HTTP/1.1\r\nX: {}", "x".repeat(20_000)).as_bytes()),
                400,
            ),
        ] {
            assert_eq!(page.unwrap_or_else(|| panic!("{what}: no answer")).status, status, "{what}");
        }
        for (what, url) in [
            ("another state", replaced(&good, "state", Some(&stranger))),
            ("no state", replaced(&good, "state", None)),
            ("two states", format!("{good}&state={stranger}")),
            ("a forged no", replaced(&replaced(&good, "state", Some("x")), "error", Some("access_denied"))),
            ("nothing", good.split('?').next().unwrap().to_owned()),
        ] {
            assert_eq!(get(&url, &[]).status, 400, "{what}");
        }
        assert_eq!(sandbox.count("pink/token"), 0, "nothing was sent");
        assert_eq!(get(&good, &[]).status, 200);
    });
    bought.expect("and then the person came");
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    let sandbox = sandbox();
    let consent = begin(&desktop(&sandbox));
    let good = say_yes(consent.url());
    let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(address(&good)).unwrap()).collect();
    let mut slow = TcpStream::connect(address(&good)).unwrap();
    slow.write_all(b"GET /callback?state=").unwrap();
    let (bought, (page, took)) = meanwhile(&consent, || timed(|| get(&good, &[])));
    bought.unwrap();
    assert_eq!(page.status, 200);
    assert!(took < PATIENCE / 4, "{took:?}");
    drop((silent, slow));
}

#[test]
fn a_request_may_come_in_pieces() {
    let sandbox = sandbox();
    let consent = begin(&desktop(&sandbox));
    let good = say_yes(consent.url());
    let head = format!(
        "GET /callback?{} HTTP/1.1\r\nHost: {}\r\n\r\n",
        good.split_once('?').unwrap().1,
        address(&good)
    );
    let (bought, answer) = meanwhile(&consent, || {
        let mut stream = TcpStream::connect(address(&good)).unwrap();
        for piece in head.as_bytes().chunks(head.len() / 3) {
            stream.write_all(piece).unwrap();
            pause(20);
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    bought.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn the_page_is_fixed_and_nobody_may_keep_or_tell_of_it() {
    let sandbox = sandbox();
    let consent = begin(&desktop(&sandbox));
    let good = format!("{}&x=%3Cscript%3Ealert(1)%3C/script%3E&y=<b>", say_yes(consent.url()));
    let (bought, (page, wrong)) = meanwhile(&consent, || {
        let wrong = get(&replaced(&good, "state", Some("<script>")), &[]);
        (get(&good, &[]), wrong)
    });
    bought.unwrap();
    for page in [page, wrong] {
        for (name, value) in [
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Type", "text/html; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
        ] {
            assert_eq!(page.header(name), Some(value));
        }
        let policy = page.header("Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert_eq!(page.header("Content-Length"), Some(&*page.body.len().to_string()));
        for word in ["script", "<b>", "SANDBOX-TOKEN", "alert", "state"] {
            assert!(!page.body.contains(word), "{}", page.body);
        }
    }
}

#[test]
fn a_no_ends_the_login_with_its_own_error_for_all_who_wait() {
    let sandbox = sandbox();
    sandbox.configure("pink", json!({"deny_consent": true}));
    let consent = begin(&desktop(&sandbox));
    let back = say_yes(consent.url());
    let (error, page) = meanwhile(&consent, || get(&back, &[]));
    let error = error.unwrap_err();
    assert_error(&error, Kind::ConsentRequired, &["said no", "access_denied", "the user said no"]);
    assert_eq!(error.code(), Some("access_denied"));
    assert!(page.body.contains("did not succeed"), "{}", page.body);
    assert!(!is_open(&address(&back)));
    let again = consent.wait(&Call::default()).unwrap_err();
    assert_eq!((again.kind(), again.code()), (Kind::ConsentRequired, Some("access_denied")));
    assert_eq!(sandbox.count("pink/token"), 0);
}

#[test]
fn an_answer_of_another_server_ends_the_login_unsent() {
    let sandbox = sandbox();
    sandbox.configure("pink", json!({"redirect_iss": "https://evil.example"}));
    let issuer = sandbox.base("pink");
    let client = client_with(&sandbox, "pink", &[("redirect_uri", REDIRECT), ("issuer", &issuer)]);
    let consent = begin(&client);
    let (error, page) = meanwhile(&consent, || log_in(consent.url()));
    assert_error(&error.unwrap_err(), Kind::Protocol, &["another issuer", "RFC 9207"]);
    assert!(page.body.contains("did not succeed"), "{}", page.body);
    assert_eq!(sandbox.count("pink/token"), 0);
}

#[test]
fn deadline_close_cancel_and_interruption_end_the_wait_soon() {
    let sandbox = sandbox();
    let client = desktop(&sandbox);
    let consent = begin(&client);
    let soon = PATIENCE / 10;
    let (late, took) = timed(|| consent.wait(&within(150)).unwrap_err());
    assert_error(&late, Kind::Timeout, &["nobody came back", "wait again"]);
    assert!(took < soon, "{took:?}");
    let interrupted = AtomicBool::new(false);
    let interrupt = || interrupted.load(Ordering::Relaxed);
    let call = Call { interrupt: Some(&interrupt), ..Call::default() };
    is_ended(&consent, &call, || interrupted.store(true, Ordering::Relaxed));
    let (bought, _) = meanwhile(&consent, || log_in(consent.url()));
    bought.expect("neither ended the consent");
    let cancelled = begin(&client);
    let back = redirect(&cancelled);
    is_ended(&cancelled, &Call::default(), || cancelled.cancel());
    until("the port is closed", || !is_open(&address(&back)));
    assert_eq!(cancelled.wait(&Call::default()).unwrap_err().kind(), Kind::Cancelled);
    let closed = begin(&client);
    is_ended(&closed, &Call::default(), || client.close());
}

#[test]
fn a_look_never_waits_and_brings_what_came_meanwhile() {
    let sandbox = sandbox();
    sandbox.fault(Fault { delay_ms: 300, ..Fault::on("pink/token") });
    let consent = begin(&desktop(&sandbox));
    let (outcome, took) = timed(|| consent.look());
    assert!(outcome.is_none() && took < PATIENCE / 10, "{took:?}");
    let url = consent.url().to_owned();
    let person = std::thread::spawn(move || log_in(&url));
    let mut longest = std::time::Duration::ZERO;
    let mut had = None;
    until("the token", || {
        let (outcome, took) = timed(|| consent.look());
        longest = longest.max(took);
        had = outcome;
        had.is_some()
    });
    had.unwrap().unwrap();
    assert!(longest < std::time::Duration::from_millis(250), "{longest:?}");
    assert_eq!(person.join().unwrap().status, 200);
}

#[test]
fn all_who_wait_get_the_token_of_the_one_request() {
    let sandbox = sandbox();
    sandbox.fault(Fault { delay_ms: 100, ..Fault::on("pink/token") });
    let client = desktop(&sandbox);
    let consent = Arc::new(begin(&client));
    let waiting = Arc::clone(&consent);
    let waiting = std::thread::spawn(move || together(4, |_| waiting.wait(&Call::default()).unwrap()));
    pause(100);
    log_in(consent.url());
    let had = waiting.join().unwrap();
    assert!(had.iter().all(|token| token.value() == had[0].value()));
    assert_eq!(sandbox.count("pink/token"), 1);
    assert_eq!(consent.wait(&within(1)).unwrap().value(), had[0].value(), "also for who comes later");
}

#[test]
fn a_wait_that_ends_while_the_token_is_bought_is_taken_up_by_the_next() {
    let sandbox = sandbox();
    sandbox.fault(Fault { delay_ms: 400, ..Fault::on("pink/token") });
    let consent = Arc::new(begin(&desktop(&sandbox)));
    let other = Arc::clone(&consent);
    let waiting = std::thread::spawn(move || other.wait(&within(300)).unwrap_err());
    log_in(consent.url());
    until_asked(&sandbox, "pink/token", 1);
    assert_eq!(waiting.join().unwrap().kind(), Kind::Timeout);
    consent.wait(&Call::default()).unwrap();
    assert_eq!(sandbox.count("pink/token"), 1);
}

#[test]
fn the_port_dies_with_the_consent() {
    let sandbox = sandbox();
    let client = desktop(&sandbox);
    let dropped = begin(&client);
    let back = redirect(&dropped);
    drop(dropped);
    assert!(!is_open(&address(&back)));
    let finished = begin(&client);
    let url = say_yes(finished.url());
    finished.finish(&url, &Call::default()).expect("the URL may be given by hand as well");
    assert!(!is_open(&address(&url)));
}

#[test]
fn a_port_that_the_settings_name_is_opened_by_the_first_wait() {
    let sandbox = sandbox();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let redirect_uri = format!("http://{free}/callback");
    let client = client_with(&sandbox, "pink", &[("redirect_uri", &redirect_uri)]);
    let consent = begin(&client);
    assert_eq!(redirect(&consent), redirect_uri);
    assert!(!is_open(&free.to_string()), "until then it may be a web server's");
    assert_eq!(consent.wait(&within(10)).unwrap_err().kind(), Kind::Timeout);
    assert!(is_open(&free.to_string()));
    let (bought, page) = meanwhile(&consent, || log_in(consent.url()));
    bought.unwrap();
    assert_eq!(page.status, 200);
    let taken = TcpListener::bind(free).unwrap();
    let web = begin(&client);
    let error = web.wait(&Call::default()).unwrap_err();
    assert_error(&error, Kind::Config, &[&redirect_uri, "another program listens", "finish"]);
    web.finish(&say_yes(web.url()), &Call::default()).expect("that program hands over the URL");
    drop(taken);
}

#[test]
fn another_program_in_one_family_of_localhost_is_not_shared_with() {
    let sandbox = sandbox();
    let taken = TcpListener::bind("[::1]:0").unwrap();
    let redirect_uri = format!("http://localhost:{}/callback", taken.local_addr().unwrap().port());
    let consent = begin(&client_with(&sandbox, "pink", &[("redirect_uri", &redirect_uri)]));
    assert_eq!(consent.wait(&within(50)).unwrap_err().kind(), Kind::Config);
}

#[test]
fn a_consent_that_leads_elsewhere_cannot_be_waited_for() {
    let sandbox = sandbox();
    for redirect_uri in ["https://app.example/callback", "com.example.app:/callback"] {
        let consent = begin(&client_with(&sandbox, "pink", &[("redirect_uri", redirect_uri)]));
        let error = consent.wait(&Call::default()).unwrap_err();
        assert_error(&error, Kind::Unsupported, &[redirect_uri, "finish"]);
        assert_eq!(consent.user_code(), None);
    }
}

#[test]
fn several_servers_in_one_program_are_not_mixed_up() {
    let (one, two) = (sandbox(), sandbox());
    let clients = [desktop(&one), desktop(&two)];
    let consents = [begin(&clients[0]), begin(&clients[1])];
    let backs = [say_yes(consents[0].url()), say_yes(consents[1].url())];
    assert_ne!(
        address(&backs[0]),
        address(&backs[1]),
        "each has a redirect URI of its own (RFC 8252 section 8.10)"
    );
    // The other's answer, delivered here.
    let crossed = backs[1].replace(&address(&backs[1]), &address(&backs[0]));
    assert_error(
        &consents[0].finish(&crossed, &Call::default()).unwrap_err(),
        Kind::Protocol,
        &["state is not this consent's"],
    );
    let (bought, ()) = meanwhile(&consents[0], || {
        assert_eq!(browser::get(&crossed, &[]).status, 400);
        assert_eq!(browser::get(&backs[0], &[]).status, 200);
    });
    bought.unwrap();
    assert_eq!((one.count("pink/token"), two.count("pink/token")), (1, 0));
    consents[1].finish(&backs[1], &Call::default()).unwrap();
}
