use serde_json::json;
use tokenkeep_sandbox::fixtures::{
    FREDERICK_API_KEY, FREDERICK_CLIENT_ID, FREDERICK_CLIENT_SECRET, FREDERICK_EMAIL, FREDERICK_LOCATION_ID,
    FREDERICK_OTHER_LOCATION_ID, FREDERICK_PASSWORD, FREDERICK_UNKNOWN_LOCATION_ID,
};
use tokenkeep_sandbox::{Level, Sandbox};

use crate::client::{Reply, Request, get, post};

struct Frederick {
    sandbox: Sandbox,
}

impl Frederick {
    fn start() -> Self {
        let sandbox = Sandbox::start().unwrap();
        Self { sandbox }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base("frederick"))
    }

    fn user_token(&self) -> String {
        let body = json!({
            "email": FREDERICK_EMAIL,
            "password": FREDERICK_PASSWORD,
            "client_id": FREDERICK_CLIENT_ID,
            "client_secret": FREDERICK_CLIENT_SECRET,
        });
        let request = post(self.url("/v1/user_access_token")).json(&body);
        keyed(request).expect(200).text("access_token")
    }

    fn buy(&self, user_token: &str, location_id: &str) -> Reply {
        let body = json!({"client_id": FREDERICK_CLIENT_ID, "client_secret": FREDERICK_CLIENT_SECRET});
        let url = self.url(&format!("/v1/locations/{location_id}/access_token"));
        keyed(post(url).bearer(user_token).json(&body))
    }

    fn appointments(&self, location_id: &str) -> Request {
        get(self.url(&format!("/v1/locations/{location_id}/appointments")))
    }
}

fn keyed(request: Request) -> Reply {
    request.header("x-api-key", FREDERICK_API_KEY).send()
}

#[test]
fn a_user_token_buys_a_location_token_that_opens_that_location() {
    let frederick = Frederick::start();
    let user = frederick.user_token();
    let reply = frederick.buy(&user, FREDERICK_LOCATION_ID).expect(200);
    assert_eq!(reply.json().as_object().unwrap().len(), 1, "access_token only");
    let location = reply.text("access_token");
    let here = |token: &str| keyed(frederick.appointments(FREDERICK_LOCATION_ID).bearer(token));
    here(&location).expect(200);
    here(&user).expect(401);
    let there = frederick.appointments(FREDERICK_OTHER_LOCATION_ID);
    keyed(there.bearer(&location)).expect(401);
    keyed(get(frederick.url("/v1/users/me")).bearer(&user)).expect(200);
    keyed(get(frederick.url("/v1/users/me")).bearer(&location)).expect(401);
}

#[test]
fn a_token_may_stand_in_the_query() {
    let frederick = Frederick::start();
    let user = frederick.user_token();
    let token = frederick.buy(&user, FREDERICK_LOCATION_ID).text("access_token");
    let resource = frederick.sandbox.resource("frederick");
    keyed(get(format!("{resource}?access_token={token}"))).expect(200);
    frederick.sandbox.configure("frederick", json!({"query_parameter": "token"}));
    keyed(get(format!("{resource}?access_token={token}"))).expect(401);
    keyed(get(format!("{resource}?token={token}"))).expect(200);
}

#[test]
fn the_api_key_goes_with_everything() {
    let frederick = Frederick::start();
    let user = frederick.user_token();
    let token = frederick.buy(&user, FREDERICK_LOCATION_ID).text("access_token");
    let requests = [
        post(frederick.url("/v1/user_access_token")),
        post(frederick.url("/v1/locations/x/access_token")).bearer(&user),
        frederick.appointments(FREDERICK_LOCATION_ID).bearer(&token),
        get(frederick.url("/v1/users/me")).bearer(&user),
    ];
    for request in requests {
        for request in [request.clone(), request.header("x-api-key", "wrong")] {
            let reply = request.send().expect(403);
            assert_eq!(reply.json(), json!({"message": "Forbidden"}));
        }
    }
}

#[test]
fn wrong_credentials_are_unauthorized() {
    let frederick = Frederick::start();
    for wrong in ["email", "password", "client_id", "client_secret"] {
        let mut body = json!({
            "email": FREDERICK_EMAIL,
            "password": FREDERICK_PASSWORD,
            "client_id": FREDERICK_CLIENT_ID,
            "client_secret": FREDERICK_CLIENT_SECRET,
        });
        body[wrong] = json!("wrong");
        let request = post(frederick.url("/v1/user_access_token"));
        keyed(request.json(&body)).expect(401);
    }
    let unread = post(frederick.url("/v1/user_access_token")).json(&json!([]));
    keyed(unread).expect(400);
    frederick.buy("wrong", FREDERICK_LOCATION_ID).expect(401);
}

#[test]
fn several_locations_exist_and_one_does_not() {
    let frederick = Frederick::start();
    let user = frederick.user_token();
    for location_id in [FREDERICK_LOCATION_ID, FREDERICK_OTHER_LOCATION_ID, "salon-3"] {
        let token = frederick.buy(&user, location_id).expect(200).text("access_token");
        keyed(frederick.appointments(location_id).bearer(&token)).expect(200);
    }
    frederick.buy(&user, FREDERICK_UNKNOWN_LOCATION_ID).expect(404);
    keyed(frederick.appointments("a%20b").bearer("any")).expect(404);
}

#[test]
fn each_level_can_be_revoked_alone() {
    let frederick = Frederick::start();
    let user = frederick.user_token();
    let token = frederick.buy(&user, FREDERICK_LOCATION_ID).text("access_token");
    let open = || keyed(frederick.appointments(FREDERICK_LOCATION_ID).bearer(&token)).status;
    assert_eq!(frederick.sandbox.revoke_level("frederick", Level::User), 1);
    frederick.buy(&user, FREDERICK_LOCATION_ID).expect(401);
    assert_eq!(open(), 200);
    assert_eq!(frederick.sandbox.revoke_level("frederick", Level::Location), 1);
    assert_eq!(open(), 401);
}
