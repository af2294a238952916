//! The credentials that the sandbox accepts.
//!
//! Every secret holds the marker [`SECRET_MARKER`] and every issued token, code included, the
//! marker [`TOKEN_MARKER`], so that a test can search logs, errors and files for leaks.

/// Found in every secret of this module.
pub const SECRET_MARKER: &str = "SANDBOX-SECRET";
/// Found in every access token, refresh token and authorization code that the sandbox issues.
pub const TOKEN_MARKER: &str = "SANDBOX-TOKEN";

/// Acquire: the workspace token shown in the dashboard before anybody regenerates it.
pub const ACQUIRE_ACCESS_TOKEN: &str = "SANDBOX-SECRET-acquire-SANDBOX-TOKEN-0000";

/// Acquired.com: an `app_id`, eight characters as the vendor has it.
pub const ACQUIRED_APP_ID: &str = "sbx00001";
/// Acquired.com: the `app_key` of [`ACQUIRED_APP_ID`], 32 characters as the vendor has it.
pub const ACQUIRED_APP_KEY: &str = "SANDBOX-SECRET-app-key-000000001";
/// Acquired.com: a second account's `app_id`.
pub const ACQUIRED_OTHER_APP_ID: &str = "sbx00002";
/// Acquired.com: the `app_key` of [`ACQUIRED_OTHER_APP_ID`].
pub const ACQUIRED_OTHER_APP_KEY: &str = "SANDBOX-SECRET-app-key-000000002";
/// Acquired.com: a company that may be named in the `Company-Id` header.
pub const ACQUIRED_COMPANY_ID: &str = "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0001";
/// Acquired.com: an acquiring-bank account that may be named in the `Mid` header.
pub const ACQUIRED_MID: &str = "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0002";

/// Frederick: the value of `x-api-key`.
pub const FREDERICK_API_KEY: &str = "SANDBOX-SECRET-frederick-api-key";
/// Frederick: the client's id.
pub const FREDERICK_CLIENT_ID: &str = "sandbox-frederick-client";
/// Frederick: the client's secret.
pub const FREDERICK_CLIENT_SECRET: &str = "SANDBOX-SECRET-frederick-client";
/// Frederick: the location owner's address.
pub const FREDERICK_EMAIL: &str = "owner@frederick.example";
/// Frederick: the location owner's password.
pub const FREDERICK_PASSWORD: &str = "SANDBOX-SECRET-frederick-password";
/// Frederick: a location. Others that look like an id work as well.
pub const FREDERICK_LOCATION_ID: &str = "7d3f0a52-5a8e-4a53-8d7d-7c2f4e1b0001";
/// Frederick: a second location.
pub const FREDERICK_OTHER_LOCATION_ID: &str = "7d3f0a52-5a8e-4a53-8d7d-7c2f4e1b0002";
/// Frederick: a location that does not exist.
pub const FREDERICK_UNKNOWN_LOCATION_ID: &str = "00000000-0000-0000-0000-000000000000";

/// PINK: the confidential client's id.
pub const PINK_CLIENT_ID: &str = "sandbox-pink-client";
/// PINK: the confidential client's secret.
pub const PINK_CLIENT_SECRET: &str = "SANDBOX-SECRET-pink-client";
/// PINK: a public client, which has no secret.
pub const PINK_PUBLIC_CLIENT_ID: &str = "public-client";
/// PINK: the personal access token that is valid from the start.
pub const PINK_PERSONAL_ACCESS_TOKEN: &str = "SANDBOX-SECRET-pink-SANDBOX-TOKEN-personal-0000";
/// PINK: the scope in the sandbox's own settings.
pub const PINK_SCOPE: &str = "profile";

/// OAuth 2: the confidential client's id.
pub const OAUTH2_CLIENT_ID: &str = "sandbox-oauth2-client";
/// OAuth 2: the confidential client's secret.
pub const OAUTH2_CLIENT_SECRET: &str = "SANDBOX-SECRET-oauth2-client";
/// OAuth 2: a client whose id tells form-encoded Basic credentials from raw ones.
pub const OAUTH2_AWKWARD_CLIENT_ID: &str = "awkward: +%/client";
/// OAuth 2: the secret of [`OAUTH2_AWKWARD_CLIENT_ID`].
pub const OAUTH2_AWKWARD_CLIENT_SECRET: &str = "SANDBOX-SECRET: + % / awkward";
/// OAuth 2: a public client, which has no secret.
pub const OAUTH2_PUBLIC_CLIENT_ID: &str = "public-client";
/// OAuth 2: a client that proves itself by signed assertions alone.
pub const OAUTH2_SIGNING_CLIENT_ID: &str = "signing-client";
/// OAuth 2: the private keys of [`OAUTH2_SIGNING_CLIENT_ID`] by their ids: RSA, P-256 and Ed25519, as PKCS#8. The
/// server knows their public halves. They are published here and good for nothing else.
pub const OAUTH2_SIGNING_KEYS: [(&str, &str); 3] = [
    ("rsa", include_str!("keys/rsa.pem")),
    ("p256", include_str!("keys/p256.pem")),
    ("ed25519", include_str!("keys/ed25519.pem")),
];
/// OAuth 2: the scope in the sandbox's own settings.
pub const OAUTH2_SCOPE: &str = "read";

/// Registered for every OAuth client; on loopback any port will do, so port 0 asks the client to
/// choose one.
pub const LOOPBACK_REDIRECT_URI: &str = "http://127.0.0.1:0/callback";
/// Registered for every OAuth client, compared to the letter.
pub const WEB_REDIRECT_URI: &str = "https://app.example/callback";
