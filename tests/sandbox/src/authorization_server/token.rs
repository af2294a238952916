//! The token endpoint.

use serde_json::{Map, Value, json};

use super::AuthorizationServer;
use super::client::{Client, authenticate};
use super::code::{Proof, Refusal};
use super::device;
use super::failure::Failure;
use super::parameters::Parameters;
use crate::answer::Answer;
use crate::call::Call;
use crate::desk::Desk;
use crate::ledger::{Family, Flaw, Level, Subject};
use crate::vendor::Vendor;

/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What the client is told about its tokens.
type Description = Map<String, Value>;

impl AuthorizationServer {
    /// Exchanges a grant for tokens.
    pub(super) fn token(&self, call: &Call) -> Result<Answer, Failure> {
        let description = self.exchange(call)?;
        Ok(self.at_desk().answer(description))
    }

    fn exchange(&self, call: &Call) -> Result<Description, Failure> {
        let form = Parameters::of_form(call)?;
        let client = self.client(call, &form)?;
        let grant = form.require("grant_type", "grant_type is missing")?;
        match grant {
            _ if !self.profile.grants.contains(&grant) => {
                let complaint = "this grant type is not supported";
                Err(Failure::new("unsupported_grant_type", complaint))
            }
            "authorization_code" => self.redeem_code(client, &form),
            "refresh_token" => self.refresh(client, &form),
            device::GRANT_TYPE => self.redeem_device_code(client, &form),
            _ => self.client_credentials(client, &form),
        }
    }

    /// The client that calls a token or revocation endpoint.
    pub(super) fn client(&self, call: &Call, form: &Parameters) -> Result<&Client, Failure> {
        let Some(assertion) = form.get("client_assertion") else {
            let encoding = self.at_desk().behaviour.basic_encoding;
            return authenticate(call, form, self.profile.clients, encoding);
        };
        if call.credentials("Basic").is_some() || form.get("client_secret").is_some() {
            return Err(Failure::request("the client authenticates in two ways at once"));
        }
        if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(Failure::request("client_assertion_type is not that of a JWT"));
        }
        let audiences = match &self.at_desk().behaviour.assertion_audience {
            Some(only) => vec![only.clone()],
            None => vec![self.issuer.clone(), self.url(self.profile.token_path)],
        };
        let client = self.assertions().authenticate(assertion, self.profile.clients, &audiences)?;
        match form.get("client_id") {
            Some(named) if named != client.id => {
                Err(Failure::request("client_id names another client than the assertion does"))
            }
            _ => Ok(client),
        }
    }

    /// RFC 6749 section 4.4, though a public client is served too.
    fn client_credentials(&self, client: &Client, form: &Parameters) -> Result<Description, Failure> {
        let subject = Subject {
            scope: form.scope()?.unwrap_or(self.profile.scope).to_owned(),
            audience: form.all("audience"),
            resource: form.all("resource"),
            ..Subject::new(Level::Access, client.id)
        };
        Ok(describe(&mut self.at_desk(), subject, None))
    }

    /// RFC 6749 section 4.1.3. The codes stay locked until the tokens are in the ledger, so that a
    /// second use at the same moment finds something to revoke.
    fn redeem_code(&self, client: &Client, form: &Parameters) -> Result<Description, Failure> {
        let code = form.require("code", "code is missing")?;
        let proof = Proof {
            client_id: client.id,
            redirect_uri: form.get("redirect_uri"),
            verifier: form.get("code_verifier"),
        };
        let mut codes = self.codes();
        let mut desk = self.at_desk();
        match codes.redeem(code, &proof) {
            Ok((subject, family)) => Ok(describe_lasting(&mut desk, subject, family)),
            Err(Refusal::Unfit(failure)) => Err(failure),
            Err(Refusal::Reused(family)) => {
                desk.ledger.revoke_family(family);
                Err(Failure::grant("the code was used before; what it bought is revoked"))
            }
        }
    }

    /// RFC 8628 section 3.4.
    fn redeem_device_code(&self, client: &Client, form: &Parameters) -> Result<Description, Failure> {
        let code = form.require("device_code", "device_code is missing")?;
        let (subject, family) = self.devices().poll(code, client.id)?;
        Ok(describe_lasting(&mut self.at_desk(), subject, family))
    }

    /// RFC 6749 section 6, with rotation and the detection of reuse as in RFC 9700 section 4.14.2.
    fn refresh(&self, client: &Client, form: &Parameters) -> Result<Description, Failure> {
        let token = form.require("refresh_token", "refresh_token is missing")?;
        let mut desk = self.at_desk();
        let (granted, family) = refreshable(&mut desk, token, client)?;
        let subject = Subject {
            level: Level::Access,
            scope: narrowed(&granted.scope, form.scope()?)?.to_owned(),
            ..granted.clone()
        };
        let mut description = describe(&mut desk, subject, Some(family));
        if desk.behaviour.rotate_refresh {
            desk.ledger.spend(token);
            add_refresh_token(&mut desk, &mut description, granted, family);
        }
        Ok(description)
    }
}

/// What a refresh token stands for, if it still does. A spent one takes its family with it.
fn refreshable(desk: &mut Desk, token: &str, client: &Client) -> Result<(Subject, Family), Failure> {
    let unknown = Failure::grant("the refresh token is not known");
    let entry = desk.ledger.find(token).ok_or(unknown.clone())?;
    let family = entry.family.ok_or(unknown.clone())?;
    if entry.subject.level != Level::Refresh || entry.subject.holder != client.id {
        return Err(unknown);
    }
    match desk.ledger.live(token) {
        Ok(entry) => Ok((entry.subject.clone(), family)),
        Err(Flaw::Spent) if desk.behaviour.reuse_revokes => {
            desk.ledger.revoke_family(family);
            Err(Failure::grant("the refresh token was used before; its family is revoked"))
        }
        Err(Flaw::Spent) => Err(Failure::grant("the refresh token was used before")),
        Err(_) => Err(Failure::grant("the refresh token is revoked")),
    }
}

/// The scope asked for, as long as it lies within the one granted.
fn narrowed<'scope>(granted: &'scope str, asked: Option<&'scope str>) -> Result<&'scope str, Failure> {
    let asked = asked.unwrap_or(granted);
    let holds = |token: &str| granted.split(' ').any(|scope| scope == token);
    if asked.split(' ').all(holds) {
        Ok(asked)
    } else {
        Err(Failure::new("invalid_scope", "the scope exceeds the one granted"))
    }
}

fn describe(desk: &mut Desk, subject: Subject, family: Option<Family>) -> Description {
    let scope = subject.scope.clone();
    let mut description = desk.grant(subject, family);
    description.insert("scope".to_owned(), json!(scope));
    description
}

/// With a refresh token, unless switched off.
fn describe_lasting(desk: &mut Desk, subject: Subject, family: Family) -> Description {
    let mut description = describe(desk, subject.clone(), Some(family));
    if desk.behaviour.issue_refresh_token {
        add_refresh_token(desk, &mut description, subject, family);
    }
    description
}

fn add_refresh_token(desk: &mut Desk, description: &mut Description, subject: Subject, family: Family) {
    let subject = Subject { level: Level::Refresh, ..subject };
    let value = desk.issue_lasting(subject, Some(family));
    description.insert("refresh_token".to_owned(), json!(value));
}
