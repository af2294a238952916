//! The server's description of itself (RFC 8414).

use axum::http::StatusCode;
use serde_json::json;

use super::AuthorizationServer;
use crate::answer::Answer;
use crate::call::Call;
use crate::vendor::Vendor;

/// Belongs between host and path of the issuer; found after the path as well, where some look.
pub(super) const OAUTH_PATH: &str = "/.well-known/oauth-authorization-server";
/// Belongs after the path of the issuer.
pub(super) const OPENID_PATH: &str = "/.well-known/openid-configuration";

impl AuthorizationServer {
    /// The metadata document.
    pub(super) fn metadata(&self, _call: &Call) -> Answer {
        let profile = &self.profile;
        let methods = json!([
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "none"
        ]);
        let mut body = json!({
            "issuer": self.issuer,
            "authorization_endpoint": self.url(profile.authorize_path),
            "token_endpoint": self.url(profile.token_path),
            "revocation_endpoint": self.url(profile.revoke_path),
            "response_types_supported": ["code"],
            "grant_types_supported": profile.grants,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": ["HS256", "RS256", "PS256", "ES256", "EdDSA"],
            "scopes_supported": [profile.scope, "admin"],
            "authorization_response_iss_parameter_supported":
                self.at_desk().behaviour.iss_in_redirect,
        });
        if self.offers_devices() {
            body["device_authorization_endpoint"] = json!(self.url(profile.device_path));
        }
        for (name, value) in &self.at_desk().behaviour.metadata {
            body[name] = value.clone();
        }
        if let Some(members) = body.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        Answer::json(StatusCode::OK, &body)
    }
}
