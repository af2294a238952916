//! An OAuth 2 authorization server with a resource behind it. PINK and the plain server are two
//! instances that differ in their clients and grants.

mod assertion;
mod authorize;
mod client;
mod code;
pub(crate) mod device;
mod failure;
mod metadata;
mod parameters;
mod resource;
mod revoke;
mod token;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::routing::MethodFilter;

use crate::behaviour::{Behaviour, ISSUING_SWITCHES};
use crate::control::ControlError;
use crate::desk::{Desk, Setup};
use crate::fixtures::{
    LOOPBACK_REDIRECT_URI, OAUTH2_AWKWARD_CLIENT_ID, OAUTH2_AWKWARD_CLIENT_SECRET, OAUTH2_CLIENT_ID,
    OAUTH2_CLIENT_SECRET, OAUTH2_PUBLIC_CLIENT_ID, OAUTH2_SCOPE, OAUTH2_SIGNING_CLIENT_ID,
    OAUTH2_SIGNING_KEYS, PINK_CLIENT_ID, PINK_CLIENT_SECRET, PINK_PERSONAL_ACCESS_TOKEN,
    PINK_PUBLIC_CLIENT_ID, PINK_SCOPE,
};
use crate::ledger::{Level, Subject};
use crate::vendor::{Route, Settings, Vendor};
use assertion::Assertions;
use client::Client;
use code::Codes;
use device::{DeviceAnswer, Devices};

/// The switches that only an authorization server has.
const OAUTH_SWITCHES: [&str; 10] = [
    "rotate_refresh",
    "reuse_revokes",
    "issue_refresh_token",
    "iss_in_redirect",
    "redirect_iss",
    "require_pkce",
    "deny_consent",
    "basic_encoding",
    "assertion_audience",
    "metadata",
];

/// The switches of one that knows devices.
const DEVICE_SWITCHES: [&str; 3] = ["device_interval", "device_expires_in", "device_complete"];

/// How one instance differs from another.
struct Profile {
    name: &'static str,
    clients: &'static [Client],
    authorize_path: &'static str,
    token_path: &'static str,
    revoke_path: &'static str,
    device_path: &'static str,
    verification_path: &'static str,
    resource_endpoint: &'static str,
    resource_path: &'static str,
    /// The scope of the published settings, and of a request that names none.
    scope: &'static str,
    grants: &'static [&'static str],
    personal_access_token: Option<&'static str>,
}

/// Documented: OAuth 2 with redirect and refresh, bearer tokens, personal access tokens. Not
/// documented by the vendor: every path, scope and answer below, which are the RFCs'.
const PINK: Profile = Profile {
    name: "pink",
    clients: &[
        Client::confidential(PINK_CLIENT_ID, PINK_CLIENT_SECRET),
        Client::public(PINK_PUBLIC_CLIENT_ID),
    ],
    authorize_path: "/oauth/authorize",
    token_path: "/oauth/token",
    revoke_path: "/oauth/revoke",
    device_path: "/oauth/device",
    verification_path: "/oauth/verify",
    resource_endpoint: "me",
    resource_path: "/v1/me",
    scope: PINK_SCOPE,
    grants: &["authorization_code", "refresh_token"],
    personal_access_token: Some(PINK_PERSONAL_ACCESS_TOKEN),
};

const OAUTH2: Profile = Profile {
    name: "oauth2",
    clients: &[
        Client::confidential(OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET),
        Client::confidential(OAUTH2_AWKWARD_CLIENT_ID, OAUTH2_AWKWARD_CLIENT_SECRET),
        Client::public(OAUTH2_PUBLIC_CLIENT_ID),
        Client::signing(OAUTH2_SIGNING_CLIENT_ID, &OAUTH2_SIGNING_KEYS),
    ],
    authorize_path: "/authorize",
    token_path: "/token",
    revoke_path: "/revoke",
    device_path: "/device",
    verification_path: "/verify",
    resource_endpoint: "resource",
    resource_path: "/v1/resource",
    scope: OAUTH2_SCOPE,
    grants: &["client_credentials", "authorization_code", "refresh_token", device::GRANT_TYPE],
    personal_access_token: None,
};

/// One authorization server.
pub(crate) struct AuthorizationServer {
    profile: Profile,
    issuer: String,
    desk: Mutex<Desk>,
    /// Locked before the desk where both are needed.
    codes: Mutex<Codes>,
    /// The same.
    devices: Mutex<Devices>,
    assertions: Mutex<Assertions>,
}

impl AuthorizationServer {
    /// PINK.
    pub(crate) fn pink(origin: &str) -> Self {
        Self::new(origin, PINK)
    }

    /// The plain OAuth 2 server.
    pub(crate) fn oauth2(origin: &str) -> Self {
        Self::new(origin, OAUTH2)
    }

    fn new(origin: &str, profile: Profile) -> Self {
        let personal = |value: &str| (value.to_owned(), person(profile.scope));
        let device_switches =
            if profile.grants.contains(&device::GRANT_TYPE) { &DEVICE_SWITCHES[..] } else { &[] };
        let setup = Setup {
            vendor: profile.name,
            behaviour: Behaviour::default(),
            switches: [&ISSUING_SWITCHES[..], &OAUTH_SWITCHES[..], device_switches].concat(),
            unstated_validity: Some(Duration::from_secs(3600)),
            given: profile.personal_access_token.map(personal).into_iter().collect(),
        };
        Self {
            issuer: format!("{origin}/{}", profile.name),
            profile,
            desk: Mutex::new(Desk::new(setup)),
            codes: Mutex::default(),
            assertions: Mutex::default(),
            devices: Mutex::default(),
        }
    }

    fn codes(&self) -> MutexGuard<'_, Codes> {
        self.codes.lock().expect("codes")
    }

    fn assertions(&self) -> MutexGuard<'_, Assertions> {
        self.assertions.lock().expect("assertions")
    }

    fn offers_devices(&self) -> bool {
        self.profile.grants.contains(&device::GRANT_TYPE)
    }

    fn devices(&self) -> MutexGuard<'_, Devices> {
        self.devices.lock().expect("devices")
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}

impl Vendor for AuthorizationServer {
    fn name(&self) -> &'static str {
        self.profile.name
    }

    fn desk(&self) -> &Mutex<Desk> {
        &self.desk
    }

    fn routes(self: Arc<Self>) -> Vec<Route> {
        let (get, post) = (MethodFilter::GET, MethodFilter::POST);
        let profile = &self.profile;
        let inserted = format!("{}/{}", metadata::OAUTH_PATH, profile.name);
        let resource = profile.resource_endpoint;
        let mut routes = vec![
            Route::new(&self, "authorize", get, profile.authorize_path, Self::authorize),
            Route::new(&self, "token", post, profile.token_path, Self::token),
            Route::new(&self, "revoke", post, profile.revoke_path, Self::revoke),
            Route::new(&self, resource, get, profile.resource_path, Self::open_resource),
            Route::new(&self, "admin", get, "/v1/admin", Self::admin_resource),
            Route::new(&self, "metadata", get, metadata::OAUTH_PATH, Self::metadata),
            Route::new(&self, "metadata", get, metadata::OPENID_PATH, Self::metadata),
            Route::new(&self, "metadata", get, "", Self::metadata).outside(inserted),
        ];
        if self.offers_devices() {
            routes.extend([
                Route::new(&self, "device", post, profile.device_path, Self::authorize_device),
                Route::new(&self, "verify", get, profile.verification_path, Self::verify_device),
            ]);
        }
        routes
    }

    fn settings(&self) -> Settings {
        let Client { id, secret, .. } = &self.profile.clients[0];
        let mut settings = Settings::from([
            ("token_url", self.url(self.profile.token_path)),
            ("revoke_url", self.url(self.profile.revoke_path)),
            ("client_id", (*id).to_owned()),
            ("client_secret", secret.unwrap_or_default().to_owned()),
            ("scope", self.profile.scope.to_owned()),
        ]);
        if !self.profile.grants.contains(&"client_credentials") {
            settings.insert("authorize_url", self.url(self.profile.authorize_path));
            settings.insert("redirect_uri", LOOPBACK_REDIRECT_URI.to_owned());
        }
        settings
    }

    fn resource(&self) -> String {
        self.url(self.profile.resource_path)
    }

    fn personal_access_token(&self) -> Option<&'static str> {
        self.profile.personal_access_token
    }

    fn forget(&self) {
        *self.codes() = Codes::default();
        *self.assertions() = Assertions::default();
        *self.devices() = Devices::default();
    }

    fn answer_device(&self, user_code: &str, answer: DeviceAnswer) -> Result<(), ControlError> {
        if !self.offers_devices() {
            return Err(ControlError::Unsupported(self.name()));
        }
        let unknown = || ControlError::Invalid(format!("no user code {user_code:?}"));
        self.devices().decide(user_code, answer).then_some(()).ok_or_else(unknown)
    }

    fn issue_personal_access_token(&self, scope: &str) -> Result<String, ControlError> {
        if self.profile.personal_access_token.is_none() {
            return Err(ControlError::Unsupported(self.name()));
        }
        let scope = if scope.is_empty() { self.profile.scope } else { scope };
        Ok(self.at_desk().issue_lasting(person(scope), None))
    }
}

/// Whom a personal access token speaks for.
fn person(scope: &str) -> Subject {
    Subject { scope: scope.to_owned(), ..Subject::new(Level::Access, "person") }
}
