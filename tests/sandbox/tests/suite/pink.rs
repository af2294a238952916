use serde_json::json;
use tokenkeep_sandbox::Level;
use tokenkeep_sandbox::fixtures::{
    PINK_CLIENT_ID, PINK_CLIENT_SECRET, PINK_PERSONAL_ACCESS_TOKEN, PINK_PUBLIC_CLIENT_ID, TOKEN_MARKER,
    WEB_REDIRECT_URI,
};

use crate::client::{Reply, get, post};
use crate::code_flow::{Pink, REDIRECT, VERIFIER, redirected};

type Parameters = Vec<(&'static str, String)>;

fn with(name: &'static str, value: &str) -> Parameters {
    let mut parameters = without(name);
    parameters.push((name, value.to_owned()));
    parameters
}

fn without(name: &str) -> Parameters {
    let mut parameters = Pink::parameters();
    parameters.retain(|(key, _)| *key != name);
    parameters
}

#[track_caller]
fn assert_error(reply: Reply, error: &str) {
    assert_eq!(reply.expect(400).text("error"), error);
}

#[test]
fn a_consent_becomes_tokens() {
    let pink = Pink::start();
    let reply = pink.authorize(&Pink::parameters()).expect(302);
    assert_eq!(redirected(&reply, "state").unwrap(), "s t&te");
    assert_eq!(redirected(&reply, "iss").unwrap(), pink.sandbox.base("pink"));
    let code = redirected(&reply, "code").unwrap();
    assert!(code.contains(TOKEN_MARKER));

    let reply = pink.redeem(&code).expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let body = reply.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["scope"], "profile");
    assert!(reply.text("refresh_token").contains(TOKEN_MARKER));
    let me = pink.me(&reply.text("access_token")).expect(200);
    assert_eq!(me.json()["subject"], PINK_CLIENT_ID);
}

#[test]
fn a_reused_code_revokes_what_it_bought() {
    let pink = Pink::start();
    let code = pink.code();
    let tokens = pink.redeem(&code).expect(200);
    assert_error(pink.redeem(&code), "invalid_grant");
    pink.me(&tokens.text("access_token")).expect(401);
    assert_error(pink.refresh(&tokens.text("refresh_token")), "invalid_grant");
}

#[test]
fn a_code_needs_the_right_client_redirect_and_verifier() {
    let pink = Pink::start();
    let code = pink.code();
    let code = code.as_str();
    let form = |redirect_uri, verifier| {
        [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ]
    };
    let other = VERIFIER.replace('d', "e");
    assert_error(pink.token(&form(WEB_REDIRECT_URI, VERIFIER)), "invalid_grant");
    assert_error(pink.token(&form(REDIRECT, &other)), "invalid_grant");
    assert_error(pink.token(&form(REDIRECT, "")), "invalid_grant");
    let mut as_public = form(REDIRECT, VERIFIER).to_vec();
    as_public.push(("client_id", PINK_PUBLIC_CLIENT_ID));
    let stolen = post(pink.url("/oauth/token")).form(&as_public).send();
    assert_error(stolen, "invalid_grant");
    pink.redeem(code).expect(200);
}

#[test]
fn errors_come_back_by_redirect() {
    let pink = Pink::start();
    let cases = [
        (with("response_type", "token"), "unsupported_response_type"),
        (without("response_type"), "invalid_request"),
        (without("code_challenge"), "invalid_request"),
        (with("code_challenge_method", "plain"), "invalid_request"),
        (with("scope", "forbidden"), "invalid_scope"),
        (with("deny", "1"), "access_denied"),
    ];
    for (parameters, error) in cases {
        let reply = pink.authorize(&parameters).expect(302);
        assert_eq!(redirected(&reply, "error").unwrap(), error);
        assert_eq!(redirected(&reply, "state").unwrap(), "s t&te");
        assert_eq!(redirected(&reply, "iss").unwrap(), pink.sandbox.base("pink"));
        assert_eq!(redirected(&reply, "code"), None);
    }
}

#[test]
fn switches_change_the_consent() {
    let pink = Pink::start();
    let authorize = |patch, parameters: &Parameters| {
        pink.sandbox.configure("pink", patch);
        pink.authorize(parameters).expect(302)
    };
    let proper = Pink::parameters();
    let denied = authorize(json!({"deny_consent": true}), &proper);
    assert_eq!(redirected(&denied, "error").unwrap(), "access_denied");
    let silent = authorize(json!({"deny_consent": false, "iss_in_redirect": false}), &proper);
    assert_eq!(redirected(&silent, "iss"), None);
    let patch = json!({"iss_in_redirect": true, "redirect_iss": "https://evil.example"});
    let false_iss = authorize(patch, &proper);
    assert_eq!(redirected(&false_iss, "iss").unwrap(), "https://evil.example");
    let mut bare = without("code_challenge");
    bare.retain(|(name, _)| *name != "code_challenge_method");
    let bare = authorize(json!({"require_pkce": false}), &bare);
    let code = redirected(&bare, "code").unwrap();
    assert_error(pink.redeem(&code), "invalid_grant");
}

#[test]
fn only_registered_redirects_are_followed() {
    let pink = Pink::start();
    let allowed = [
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:65535/callback",
        "http://localhost:8080/callback",
        WEB_REDIRECT_URI,
    ];
    for uri in allowed {
        let reply = pink.authorize(&with("redirect_uri", uri)).expect(302);
        assert!(reply.header("location").unwrap().starts_with(uri));
    }
    let refused = [
        "http://127.0.0.1:1/other",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1.evil.example/callback",
        "https://127.0.0.1/callback",
        "https://app.example:444/callback",
        "http://127.0.0.1:1/callback#fragment",
    ];
    for uri in refused {
        assert_error(pink.authorize(&with("redirect_uri", uri)), "invalid_request");
    }
    assert_error(pink.authorize(&with("client_id", "nobody")), "invalid_request");
}

#[test]
fn a_refresh_rotates_and_reuse_kills_the_family() {
    let pink = Pink::start();
    let first = pink.redeem(&pink.code()).expect(200);
    let second = pink.refresh(&first.text("refresh_token")).expect(200);
    assert_ne!(first.text("refresh_token"), second.text("refresh_token"));
    pink.me(&second.text("access_token")).expect(200);
    assert_error(pink.refresh(&first.text("refresh_token")), "invalid_grant");
    pink.me(&second.text("access_token")).expect(401);
    assert_error(pink.refresh(&second.text("refresh_token")), "invalid_grant");
}

#[test]
fn rotation_and_the_detection_of_reuse_are_switches() {
    let pink = Pink::start();
    pink.sandbox.configure("pink", json!({"reuse_revokes": false}));
    let first = pink.redeem(&pink.code()).text("refresh_token");
    let second = pink.refresh(&first).expect(200).text("refresh_token");
    assert_error(pink.refresh(&first), "invalid_grant");
    pink.sandbox.configure("pink", json!({"rotate_refresh": false}));
    let reply = pink.refresh(&second).expect(200);
    assert_eq!(reply.json().get("refresh_token"), None);
    pink.refresh(&second).expect(200);
    pink.sandbox.configure("pink", json!({"issue_refresh_token": false}));
    let reply = pink.redeem(&pink.code()).expect(200);
    assert_eq!(reply.json().get("refresh_token"), None);
}

#[test]
fn a_refresh_may_narrow_the_scope_and_not_widen_it() {
    let pink = Pink::start();
    let code = pink.authorize(&with("scope", "profile admin")).expect(302);
    let tokens = pink.redeem(&redirected(&code, "code").unwrap()).expect(200);
    get(pink.url("/v1/admin")).bearer(&tokens.text("access_token")).send().expect(200);
    let refresh_token = tokens.text("refresh_token");
    let refresh = |scope| {
        let grant = ("grant_type", "refresh_token");
        pink.token(&[grant, ("refresh_token", &refresh_token), ("scope", scope)])
    };
    assert_error(refresh("profile other"), "invalid_scope");
    assert_eq!(refresh("profile").expect(200).text("scope"), "profile");
}

#[test]
fn resources_challenge() {
    let pink = Pink::start();
    let challenge = |reply: Reply| reply.header("www-authenticate").unwrap().to_owned();
    let bare = challenge(get(pink.url("/v1/me")).send().expect(401));
    assert_eq!(bare, "Bearer realm=\"sandbox\"");
    let unknown = challenge(pink.me("unknown").expect(401));
    assert!(unknown.contains("error=\"invalid_token\""), "{unknown}");
    let token = pink.redeem(&pink.code()).text("access_token");
    let admin = get(pink.url("/v1/admin")).bearer(&token).send().expect(403);
    let admin = challenge(admin);
    assert!(admin.contains("error=\"insufficient_scope\""), "{admin}");
    assert!(admin.contains("scope=\"admin\""), "{admin}");
    pink.sandbox.expire("pink");
    let expired = challenge(pink.me(&token).expect(401));
    assert!(expired.contains("expired"), "{expired}");
    get(pink.url("/v1/me?access_token=x")).bearer(&token).send().expect(400);
}

#[test]
fn revocation_reaches_the_family_through_the_refresh_token() {
    let pink = Pink::start();
    let tokens = pink.redeem(&pink.code()).expect(200);
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    pink.revoke(&access).expect(200);
    pink.me(&access).expect(401);
    let access = pink.refresh(&refresh).expect(200);
    pink.revoke(&access.text("refresh_token")).expect(200);
    pink.me(&access.text("access_token")).expect(401);
    pink.revoke("unknown").expect(200);
    let nameless = post(pink.url("/oauth/revoke")).form(&[("token", "x")]);
    assert_eq!(nameless.send().expect(401).text("error"), "invalid_client");
}

#[test]
fn the_control_revokes_refresh_tokens_apart() {
    let pink = Pink::start();
    let tokens = pink.redeem(&pink.code()).expect(200);
    assert_eq!(pink.sandbox.revoke_level("pink", Level::Refresh), 1);
    pink.me(&tokens.text("access_token")).expect(200);
    assert_error(pink.refresh(&tokens.text("refresh_token")), "invalid_grant");
}

#[test]
fn personal_access_tokens_are_issued_and_revoked() {
    let pink = Pink::start();
    pink.me(PINK_PERSONAL_ACCESS_TOKEN).expect(200);
    let admin = pink.sandbox.issue_personal_access_token("admin");
    get(pink.url("/v1/admin")).bearer(&admin).send().expect(200);
    assert!(pink.sandbox.revoke("pink", &admin));
    pink.me(&admin).expect(401);
    pink.me(PINK_PERSONAL_ACCESS_TOKEN).expect(200);
}

#[test]
fn metadata_lies_where_rfc_8414_puts_it() {
    let pink = Pink::start();
    let inserted = format!("{}/.well-known/oauth-authorization-server/pink", pink.sandbox.url());
    let document = get(inserted).send().expect(200).json();
    assert_eq!(document["issuer"], pink.sandbox.base("pink"));
    assert_eq!(document["token_endpoint"], pink.url("/oauth/token"));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    for path in ["oauth-authorization-server", "openid-configuration"] {
        let appended = get(pink.url(&format!("/.well-known/{path}"))).send();
        assert_eq!(appended.expect(200).json(), document);
    }
}

#[test]
fn malformed_token_requests_are_refused() {
    let pink = Pink::start();
    let token = || post(pink.url("/oauth/token"));
    let basic = || token().basic(PINK_CLIENT_ID, PINK_CLIENT_SECRET);
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    assert_error(basic().json(&json!({})).send(), "invalid_request");
    assert_error(basic().form(&[]).send(), "invalid_request");
    let twice = [refresh[0], refresh[0]];
    assert_error(basic().form(&twice).send(), "invalid_request");
    let both = [refresh[0], ("client_secret", PINK_CLIENT_SECRET)];
    assert_error(basic().form(&both).send(), "invalid_request");
    let other = [("grant_type", "client_credentials")];
    assert_error(basic().form(&other).send(), "unsupported_grant_type");
    assert_error(basic().form(&refresh).send(), "invalid_grant");
    let wrong = token().basic(PINK_CLIENT_ID, "wrong").form(&refresh).send();
    assert!(wrong.header("www-authenticate").unwrap().starts_with("Basic"));
    assert_eq!(wrong.expect(401).text("error"), "invalid_client");
}
