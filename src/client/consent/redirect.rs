//! The person comes back on a URL: somebody else's, or one of this machine's that can be waited at.

use std::sync::Arc;
use std::time::Duration;

use super::{Consent, Stage};
use crate::client::Client;
use crate::client::patience::Patience;
use crate::error::{Error, Kind, Result};
use crate::loopback::{Address, Listener, Page};
use crate::scheme::oauth2;
use crate::scheme::oauth2::authorization::{Authorization, Code};
use crate::scheme::oauth2::discovery::Endpoint;
use crate::settings::Settings;
use crate::sync::Leader;

pub(super) struct Redirect {
    authorization: Arc<Authorization>,
    /// Where to listen, if the person comes back to this machine.
    address: Option<Address>,
    /// One of those who wait listens, the others wait for that one.
    ear: Leader<Ear>,
}

#[derive(Default)]
struct Ear {
    listener: Option<Listener>,
    /// A code that came and could not be sent for want of a thread: it will not come again.
    held: Option<Arc<Code>>,
}

impl Redirect {
    /// Begins: a port that the redirect URI leaves open is opened first, because the URL names it (RFC 8252 section 8.3).
    pub(super) fn begin(client: &Client, patience: &Patience<'_>) -> Result<Redirect> {
        let settings = &client.0.settings;
        let mut redirect_uri = settings.text("redirect_uri").unwrap_or_default().to_owned();
        let address = Address::of(&redirect_uri);
        let mut ear = Ear::default();
        if let Some(address) = address.as_ref().filter(|address| address.is_open()) {
            let listener = Listener::bind(address, client.keeper().clock())?;
            redirect_uri = listener.redirect_uri();
            ear.listener = Some(listener);
        }
        // Only a server's own description of itself has to be asked for.
        let here = settings.text("issuer").is_none();
        let flight = client.keeper().inquire(here, move |exchange| {
            let mut endpoints = oauth2::endpoints(exchange, Endpoint::Authorize)?;
            let warnings = std::mem::take(&mut endpoints.warnings);
            Ok((Arc::new(Authorization::new(&endpoints, &redirect_uri)?), warnings))
        })?;
        let authorization = patience.attend(&flight, "the vendor did not tell its addresses in time")?;
        Ok(Redirect { authorization, address, ear: Leader::over(ear) })
    }

    /// Goes on with a request that another process made.
    pub(super) fn resume(authorization: Authorization) -> Redirect {
        let address = Address::of(authorization.redirect_uri());
        Redirect { authorization: Arc::new(authorization), address, ear: Leader::over(Ear::default()) }
    }

    pub(super) fn url(&self, settings: &Settings) -> Box<str> {
        self.authorization.url(settings).expose().into()
    }

    pub(super) fn redirected(&self, url: &str) -> Result<Code> {
        self.authorization.redirected(url)
    }

    pub(super) fn authorization(&self) -> &Authorization {
        &self.authorization
    }

    /// Whether the port was chosen for this consent, so that it lives and dies with it.
    pub(super) fn is_bound_here(&self) -> bool {
        self.address.as_ref().is_some_and(Address::is_open)
    }

    pub(super) fn check_waitable(&self) -> Result<()> {
        if self.address.is_some() {
            return Ok(());
        }
        let why = format!(
            "redirect_uri ({}) does not lead to a loopback address that can be waited at: give the URL that the person came \
             back on to finish",
            self.authorization.redirect_uri()
        );
        Err(Error::new(Kind::Unsupported, why))
    }

    /// Listens for a moment, or waits for the one who does.
    pub(super) fn listen(&self, consent: &Consent, slice: Duration) -> Result<()> {
        let Some(mut ear) = self.ear.try_lead() else {
            consent.bell.wait(slice);
            return Ok(());
        };
        // It may have ended before the lead was free.
        if !consent.is_open() {
            return Ok(());
        }
        if ear.held.is_none() {
            ear.held = match self.heard(consent, &mut ear, slice)? {
                Some(Ok(code)) => Some(Arc::new(code)),
                Some(Err(error)) => {
                    consent.settle(Stage::Refused(error));
                    None
                }
                None => return Ok(()),
            };
            ear.listener = None;
        }
        if let Some(code) = &ear.held {
            let sent = consent.send(code);
            // Where another has ended it meanwhile, its stage says what those who wait get.
            if consent.is_open() {
                sent?;
            }
            ear.held = None;
        }
        Ok(())
    }

    /// The person's answer, if it comes in time. A port that the settings name is opened only now: until somebody waits,
    /// it may be a web server's.
    fn heard(&self, consent: &Consent, ear: &mut Ear, slice: Duration) -> Result<Option<Result<Code>>> {
        let listener = match (&mut ear.listener, &self.address) {
            (Some(listener), _) => listener,
            (empty, Some(address)) => empty.insert(Listener::bind(address, consent.client.keeper().clock())?),
            (None, None) => return Ok(None),
        };
        let place = listener.redirect_uri();
        let place = place.split('?').next().unwrap_or_default();
        Ok(listener.serve(slice, |query| {
            if !self.authorization.is_answered_by(query) {
                return (Page::Unasked, None);
            }
            match self.authorization.redirected(&format!("{place}?{query}")) {
                Ok(code) => (Page::Arrived, Some(Ok(code))),
                Err(error) => (Page::Declined, Some(Err(error))),
            }
        }))
    }

    /// Closes the port, unless somebody listens there just now: that one closes it once he sees that it is over.
    pub(super) fn close(&self) {
        if let Some(mut ear) = self.ear.try_lead() {
            *ear = Ear::default();
        }
    }
}
