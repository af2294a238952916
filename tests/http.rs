//! The shapes that HTTP has for an answer, good and bad: compressed, in pieces, broken off, from somebody else.
mod support;

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use support::server::Server;
use support::{always, assert_error, client, client_of, failure, open, pause, sandbox, token};
use tokenkeep::{Config, Kind};
use tokenkeep_sandbox::Fault;

#[test]
fn a_gateways_page_is_no_word_of_the_vendors() {
    let page = "<html><head><title>400 No required SSL certificate was sent</title></head></html>";
    let length = page.len();
    for status in [400, 502, 503, 504] {
        let server = Server::saying(&format!(
            "HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{page}"
        ));
        let kind = if status == 400 { Kind::Protocol } else { Kind::Server };
        let mut config = Config::new("oauth2");
        config.set("token_url", &server.url("/token")).set("client_id", "id").set("max_attempts", "1");
        let error = failure(&open(config.set("client_secret", "SANDBOX-SECRET-id")));
        assert_error(&error, kind, &[&status.to_string(), "an HTML page"]);
    }
}

#[test]
fn no_redirect_is_followed_with_credentials() {
    for status in [301, 302, 303, 307, 308] {
        let (sandbox, elsewhere) = (sandbox(), Server::granting(r#"{"access_token": "SANDBOX-TOKEN-evil"}"#));
        let redirect = Some(elsewhere.url("/token"));
        sandbox.fault(Fault { redirect, status: Some(status), ..always("acquired/login") });
        let error = failure(&client(&sandbox, "acquired"));
        assert_error(&error, Kind::Protocol, &[&status.to_string(), "Redirects are not followed"]);
        pause(50);
        assert_eq!((elsewhere.count(), sandbox.count("acquired/login")), (0, 1));
    }
}

#[test]
fn answers_of_every_shape_that_http_allows_are_read() {
    let body = r#"{"access_token":"SANDBOX-TOKEN-shape","token_type":"bearer","iat":1,"more":{"x":[1]}}"#;
    let (front, back) = body.split_at(20);
    let chunked = format!(
        "{:x}\r\n{front}\r\n{:X};ext=1\r\n{back}\r\n0\r\nTrailer: x\r\n\r\n",
        front.len(),
        back.len()
    );
    for head_and_body in [
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"),
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}"),
        format!("HTTP/1.1 200 \r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        format!("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\n \n{body}\n"),
        format!("HTTP/1.1 201 Created\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
    ] {
        let server = Server::saying(&head_and_body);
        assert_eq!(token(&client_of(&server)).value(), "SANDBOX-TOKEN-shape", "{head_and_body}");
    }
}

/// A body as `Content-Encoding: gzip` has it.
fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn zipped(status: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn a_compressed_answer_is_read_whatever_was_asked_for() {
    let grant = br#"{"access_token":"SANDBOX-TOKEN-zipped","token_type":"bearer"}"#;
    let server = Server::start(move |_| zipped("200 OK", &gzip(grant)));
    assert_eq!(token(&client_of(&server)).value(), "SANDBOX-TOKEN-zipped");
    assert_eq!(
        server.requests()[0].header("accept-encoding"),
        None,
        "it saves nothing where answers are small"
    );
    let chunked = Server::start(move |_| {
        let body = gzip(grant);
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
        let size = format!("{:x}\r\n", body.len());
        [head.as_bytes(), size.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat()
    });
    assert_eq!(token(&client_of(&chunked)).value(), "SANDBOX-TOKEN-zipped");
    let refusal = Server::start(|_| zipped("401 X", &gzip(br#"{"error":"invalid_client"}"#)));
    assert_error(&failure(&client_of(&refusal)), Kind::Denied, &["invalid_client"]);
}

#[test]
fn what_a_compressed_answer_unpacks_to_is_capped() {
    // Thirty megabytes in thirty kilobytes.
    let bomb = gzip(&vec![b' '; 30 << 20]);
    assert!(
        bomb.len() < 256 * 1024,
        "{} bytes: it does not show that the cap is on what is unpacked",
        bomb.len()
    );
    let server = Server::start(move |_| zipped("200 OK", &bomb));
    let (error, took) = support::timed(|| failure(&client_of(&server)));
    assert_error(&error, Kind::Protocol, &["longer than 262144 bytes"]);
    assert!(took < support::PATIENCE / 2, "{took:?}");
    let sent = Server::start(|_| zipped("200 OK", &vec![0; 300 * 1024]));
    assert_error(&failure(&client_of(&sent)), Kind::Protocol, &[]);
}

#[test]
fn a_compressed_answer_that_is_spoilt_is_no_token() {
    let good = gzip(br#"{"access_token":"SANDBOX-TOKEN","token_type":"bearer"}"#);
    let mut spoilt = good.clone();
    let last = spoilt.len() - 6;
    spoilt[last] ^= 1;
    for body in [&good[..good.len() / 2], &spoilt, b"{}"] {
        let answer = zipped("200 OK", body);
        let server = Server::start(move |_| answer.clone());
        let error = failure(&client_of(&server));
        assert_error(&error, Kind::Protocol, &["/token"]);
    }
    let other = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nxxxx";
    assert_error(&failure(&client_of(&Server::saying(other))), Kind::Protocol, &["no JSON"]);
}

#[test]
fn an_answer_that_ends_too_early_or_says_nothing_is_never_a_token() {
    for (answer, kind) in [
        ("HTTP/1.1 200 OK\r\nContent-Le", Kind::Network),
        ("HTTP/1.1 200 OK\r\n", Kind::Network),
        ("HTTP/1.1 200", Kind::Network),
        ("", Kind::Network),
        ("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"access_token\":\"a\"", Kind::Network),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"ac", Kind::Network),
        ("HTTP/1.1 200 OK\r\n\r\n", Kind::Protocol),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Kind::Protocol),
        ("HTTP/1.1 204 No Content\r\n\r\n", Kind::Protocol),
    ] {
        let server = Server::saying(answer);
        let mut config = Config::new("oauth2");
        config.set("token_url", &server.url("/token")).set("client_id", "id").set("max_attempts", "1");
        let error = failure(&open(config.set("client_secret", "SANDBOX-SECRET-id")));
        assert_error(&error, kind, &["/token"]);
    }
}

#[test]
fn an_endpoint_is_asked_as_it_is_written() {
    let server = Server::granting(r#"{"access_token":"SANDBOX-TOKEN","token_type":"Bearer"}"#);
    for path in ["//oauth//token/", "/token/?tenant=a%2Fb&x=1", "/?", "/token;v=1"] {
        let mut config = Config::new("oauth2");
        config
            .set("token_url", &server.url(path))
            .set("revoke_url", &server.url(path))
            .set("client_id", "id");
        let client = open(config.set("client_secret", "SANDBOX-SECRET-id"));
        token(&client);
        client.revoke(&tokenkeep::Call::default()).unwrap();
        for request in &server.requests()[server.count() - 2..] {
            assert!(request.head.starts_with(&format!("POST {path} HTTP/1.1")), "{}", request.head);
        }
    }
}
