//! The end of a grant (RFC 7009).

use serde_json::json;
use tokenkeep::{Call, Kind};

use crate::authorization_server::authorization_server;
use crate::person::says_yes;
use crate::support::{failure, token};

#[test]
fn revoking_ends_both_tokens_the_refresh_token_first() {
    let Some(server) = authorization_server() else { return };
    for kind in ["native", "web"] {
        let registration = server.register(kind, json!({}));
        let client = registration.client();
        let consent = client.consent(&Call::default()).expect("a consent");
        let had = consent.finish(&says_yes(consent.url()), &Call::default()).expect("a token");
        let refresh_token = registration.newest("refresh_token");
        assert!(server.is_alive(had.value()) && server.is_alive(&refresh_token));

        client.revoke(&Call::default()).expect("the server listens");
        assert!(!server.is_alive(had.value()) && !server.is_alive(&refresh_token));
        let hints = registration.asked("revocation").into_iter().map(|asked| asked.token_type_hint);
        let hints: Vec<_> = hints.flatten().collect();
        assert_eq!(hints, ["refresh_token", "access_token"], "the refresh token could buy others");
        assert!(client.peek().is_none());
        assert_eq!(failure(&client).kind(), Kind::ConsentRequired);
        assert_eq!(registration.refreshes(), 0);
    }
}

#[test]
fn a_program_revokes_its_own_token_and_gets_another() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("basic", json!({}));
    let client = registration.client();
    let had = token(&client);
    client.revoke(&Call::default()).expect("the server listens");
    assert!(!server.is_alive(had.value()));
    assert!(server.is_alive(token(&client).value()));
}
