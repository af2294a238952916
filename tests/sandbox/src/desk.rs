//! A vendor's desk: its switches and its ledger, from which tokens are issued and checked.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::behaviour::Behaviour;
use crate::control::ControlError;
use crate::ledger::{Entry, Family, Flaw, Ledger, Level, Subject};
use crate::mint;

/// What a desk is like before anybody touches it.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The vendor's name, which its tokens carry.
    pub(crate) vendor: &'static str,
    pub(crate) behaviour: Behaviour,
    /// The switches that may be set.
    pub(crate) switches: Vec<&'static str>,
    /// How long tokens are honoured when the lifetime does not say; `None` is for ever.
    pub(crate) unstated_validity: Option<Duration>,
    /// The tokens that are valid from the start.
    pub(crate) given: Vec<(String, Subject)>,
}

/// One vendor's switches and ledger.
#[derive(Debug)]
pub(crate) struct Desk {
    setup: Setup,
    pub(crate) behaviour: Behaviour,
    pub(crate) ledger: Ledger,
}

impl Desk {
    /// A desk as the setup has it.
    pub(crate) fn new(setup: Setup) -> Self {
        let mut ledger = Ledger::default();
        for (value, subject) in &setup.given {
            ledger.enter(value.clone(), subject.clone(), None, None);
        }
        Self { behaviour: setup.behaviour.clone(), ledger, setup }
    }

    /// Back to the setup: all that was issued is forgotten.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.setup.clone());
    }

    /// Sets switches, all of the patch or nothing.
    pub(crate) fn configure(&mut self, patch: &Map<String, Value>) -> Result<(), ControlError> {
        self.behaviour = self.behaviour.patch(patch, &self.setup.switches)?;
        Ok(())
    }

    /// The switches that may be set, as they stand.
    pub(crate) fn switches(&self) -> Map<String, Value> {
        let mut switches = self.behaviour.to_json();
        switches.retain(|name, _| self.setup.switches.contains(&name.as_str()));
        switches
    }

    /// Issues an access token and describes it as the client is to be told.
    pub(crate) fn grant(&mut self, subject: Subject, family: Option<Family>) -> Map<String, Value> {
        let value = self.access_token(subject, family);
        self.behaviour.token_answer(&value)
    }

    /// Sends a description of tokens to the client, with the extra members over the true ones.
    pub(crate) fn answer(&self, mut description: Map<String, Value>) -> Answer {
        description.extend(self.behaviour.answer_extra.clone());
        Answer::json(StatusCode::OK, &Value::Object(description)).uncached()
    }

    /// Issues a token that lives until it is revoked.
    pub(crate) fn issue_lasting(&mut self, subject: Subject, family: Option<Family>) -> String {
        let value = mint::opaque(&self.label(subject.level), self.ledger.next_serial());
        self.ledger.enter(value.clone(), subject, family, None);
        value
    }

    /// The token's entry, if a resource should honour it.
    pub(crate) fn check(&self, value: &str) -> Result<&Entry, Flaw> {
        if self.behaviour.reject_all_tokens {
            return Err(Flaw::Revoked);
        }
        self.ledger.live(value)
    }

    fn access_token(&mut self, subject: Subject, family: Option<Family>) -> String {
        if self.behaviour.same_token
            && let Some(value) = self.ledger.latest(&subject)
        {
            return value.to_owned();
        }
        let label = self.label(subject.level);
        let serial = self.ledger.next_serial();
        let value = match &self.behaviour.token_claims {
            Some(claims) => mint::jwt(claims, &label, serial),
            None => mint::opaque(&label, serial),
        };
        let validity = self.behaviour.validity(self.setup.unstated_validity);
        self.ledger.enter(value.clone(), subject, family, validity);
        value
    }

    fn label(&self, level: Level) -> String {
        let kind = match level {
            Level::Access => "access",
            Level::Refresh => "refresh",
            Level::User => "user",
            Level::Location => "location",
        };
        format!("{}-{kind}", self.setup.vendor)
    }
}
