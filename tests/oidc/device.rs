//! A person's yes on another device (RFC 8628).

use serde_json::json;
use tokenkeep::{Call, Kind};

use crate::authorization_server::authorization_server;
use crate::person::{allows_device, refuses_device};
use crate::support::browser::parameter;
use crate::support::{assert_error, failure, reject, token, within};

#[test]
fn a_yes_on_another_device_is_waited_for_as_patiently_as_the_server_wants() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("device", json!({}));
    let client = registration.client();
    assert_eq!(failure(&client).kind(), Kind::ConsentRequired);
    let consent = client.consent(&Call::default()).expect("a consent");
    let user_code = consent.user_code().expect("a code to be read out").to_owned();
    assert_eq!(parameter(consent.url(), "user_code"), user_code);

    let error = consent.wait(&within(300)).expect_err("nobody has said yes");
    assert_eq!(error.kind(), Kind::Timeout, "{error}");

    allows_device(consent.url());
    let bought = consent.wait(&Call::default()).expect("a token");
    assert!(server.is_alive(bought.value()));
    assert_eq!(token(&client).value(), bought.value());
    // It does not say how often it may be asked, so it is every five seconds.
    let asked = registration.asked("token");
    assert!(
        asked.len() <= 2 && asked.iter().all(|asked| asked.error.as_deref() != Some("slow_down")),
        "{asked:?}"
    );

    reject(&client);
    assert!(server.is_alive(token(&client).value()));
    assert_eq!(registration.refreshes(), 1);
}

#[test]
fn a_no_on_another_device_ends_the_wait() {
    let Some(server) = authorization_server() else { return };
    let registration = server.register("device", json!({}));
    let consent = registration.client().consent(&Call::default()).expect("a consent");
    refuses_device(consent.url());
    let error = consent.wait(&Call::default()).expect_err("a no");
    assert_error(&error, Kind::ConsentRequired, &["said no", "access_denied"]);
}
