//! A person's yes in progress: the authorization code grant, or the device grant.

mod device;
mod pace;
mod redirect;
mod sealed;
#[cfg(test)]
mod test;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::patience::Patience;
use super::{Call, Client, Waiting};
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::keeper::{Flight, Live};
use crate::scheme::oauth2;
use crate::scheme::oauth2::authorization::Code;
use crate::sync::{Condvar, Mutex};
use crate::token::Token;
use device::Device;
use redirect::Redirect;

/// A person's yes in progress: send the person to [`url`](Consent::url), and show them the
/// [`user_code`](Consent::user_code) if there is one. Then [`wait`](Consent::wait) for them, where they come back to this
/// machine or to no machine at all; or [`finish`](Consent::finish) with the URL that they came back on.
///
/// It can be used from any thread, and brings a token once.
pub struct Consent {
    client: Client,
    url: Box<str>,
    way: Way,
    stage: ArcSwap<Stage>,
    bell: Bell,
    /// The process that began it, by its fork generation.
    born: u64,
}

/// How the answer comes.
enum Way {
    /// On a URL that the person is sent back to.
    Redirect(Redirect),
    /// By asking for it.
    Device(Device),
}

/// How far it is.
enum Stage {
    /// Nobody has answered yet.
    Open,
    /// A yes has come and is being sent.
    Sending,
    /// What the yes buys is on its way, or there.
    Sent(Arc<Flight<Arc<Live>>>),
    /// The answer was no, or of no use.
    Refused(Error),
    Cancelled,
}

/// Wakes those who wait. One who just misses it looks again soon: waits are sliced.
#[derive(Default)]
struct Bell {
    lock: Mutex<()>,
    rung: Condvar,
}

impl Bell {
    fn wait(&self, at_most: Duration) {
        drop(self.rung.wait(self.lock.lock(), at_most));
    }

    fn ring(&self) {
        self.rung.notify_all();
    }
}

impl Consent {
    /// Begins one; a vendor that must be asked first is waited for as the call says.
    pub(super) fn begin(client: &Client, call: &Call<'_>) -> Result<Consent> {
        let (provider, settings) = (&client.0.provider, &client.0.settings);
        if !oauth2::is_of_person(provider, settings) {
            let why = format!(
                "{}: nobody is asked for consent here; that is for grant = authorization_code or device_code",
                provider.name
            );
            return Err(Error::new(Kind::Unsupported, why));
        }
        if client.is_closed() {
            return Err(client.closed());
        }
        let patience = Patience::new(client, call, "nothing was begun");
        let way = match oauth2::grant(provider, settings) {
            "device_code" => Way::Device(Device::begin(client, &patience)?),
            _ => Way::Redirect(Redirect::begin(client, &patience)?),
        };
        Ok(Consent::open(client, way))
    }

    fn open(client: &Client, way: Way) -> Consent {
        let url = match &way {
            Way::Redirect(redirect) => redirect.url(&client.0.settings),
            Way::Device(device) => device.url().into(),
        };
        let (stage, bell) = (ArcSwap::from_pointee(Stage::Open), Bell::default());
        Consent { client: client.clone(), url, way, stage, bell, born: fork::generation() }
    }

    /// Where the person says yes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The code that the person is to be shown beside the URL, in the device grant. Always show it, also where the URL
    /// holds it: the person compares the two (RFC 8628 section 3.3.1).
    pub fn user_code(&self) -> Option<&str> {
        match &self.way {
            Way::Device(device) => Some(device.user_code()),
            Way::Redirect(_) => None,
        }
    }

    /// Takes the URL that the person came back on and buys the token with the code in it.
    ///
    /// A URL that does not belong to this consent is refused before anything is sent, and the consent stays
    /// open. Once a code was sent the consent is over, whatever came of it (RFC 6749 section 4.1.2).
    pub fn finish(&self, redirected_url: &str, call: &Call<'_>) -> Result<Token> {
        let Way::Redirect(redirect) = &self.way else {
            let why = "in the device grant the person comes back on no URL: call wait";
            return Err(Error::new(Kind::Unsupported, why));
        };
        if !self.is_open() {
            return Err(over());
        }
        let code = redirect.redirected(redirected_url)?;
        if self.client.is_closed() {
            return Err(self.client.closed());
        }
        let patience = Patience::new(&self.client, call, "");
        let flight = self.send(&Arc::new(code))?;
        self.close();
        Waiting::for_consent(&self.client, flight, patience.deadline()).finish(call.interrupt)
    }

    /// Waits for the person, and then for the token: at the loopback port that `redirect_uri` names, or by asking the
    /// vendor at the pace that it sets (RFC 8628 section 3.5).
    ///
    /// A timeout leaves the consent as it is: wait again. Any number of threads may wait at once; all get what comes. A
    /// no, or an answer that cannot be used, ends it.
    pub fn wait(&self, call: &Call<'_>) -> Result<Token> {
        self.check_waitable()?;
        let patience = Patience::new(&self.client, call, "the consent stays open: wait again");
        let mut slice = Duration::ZERO;
        let flight = loop {
            if let Some(flight) = self.step(slice)? {
                break flight;
            }
            slice = patience.slice(|| match &self.way {
                Way::Redirect(_) => "nobody came back within the call's timeout".into(),
                Way::Device(device) => device.silence(),
            })?;
        };
        Waiting::for_consent(&self.client, flight, patience.deadline()).finish(call.interrupt)
    }

    /// Like [`wait`](Consent::wait), but never waits: None if nobody has come yet. For event loops, which call it again
    /// and again; what came meanwhile waits its turn.
    pub fn look(&self) -> Option<Result<Token>> {
        match self.check_waitable().and_then(|()| self.step(Duration::ZERO)) {
            Ok(Some(flight)) => Waiting::for_consent(&self.client, flight, i64::MAX).wait(Duration::ZERO),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Goes on for at most that long: listens, or asks. What a yes buys, once there is one.
    fn step(&self, slice: Duration) -> Result<Option<Arc<Flight<Arc<Live>>>>> {
        if matches!(**self.stage.load(), Stage::Open | Stage::Sending) {
            match &self.way {
                Way::Redirect(redirect) => redirect.listen(self, slice)?,
                Way::Device(device) => device.ask(self, slice)?,
            }
        }
        let stage = self.stage.load();
        if !matches!(**stage, Stage::Open | Stage::Sending) {
            // Whoever ended it could not close the port while this thread listened there.
            self.close();
        }
        match &**stage {
            Stage::Open | Stage::Sending => Ok(None),
            Stage::Sent(flight) => Ok(Some(Arc::clone(flight))),
            Stage::Refused(error) => Err(error.clone()),
            Stage::Cancelled => Err(Error::new(Kind::Cancelled, "the consent was cancelled")),
        }
    }

    fn check_waitable(&self) -> Result<()> {
        if let Way::Redirect(redirect) = &self.way {
            redirect.check_waitable()?;
        }
        if self.born != fork::generation() {
            let why = "this process was forked after the consent was begun, and its parent waits for the person: \
                       begin another here";
            return Err(Error::new(Kind::Unsupported, why));
        }
        match self.client.is_closed() {
            true => Err(self.client.closed()),
            false => Ok(()),
        }
    }

    /// Ends it: nothing that arrives later is taken.
    pub fn cancel(&self) {
        self.settle(Stage::Cancelled);
        if let Way::Device(device) = &self.way {
            device.give_up();
        }
        self.close();
    }

    /// The loopback port has no more to wait for.
    fn close(&self) {
        if let Way::Redirect(redirect) = &self.way {
            redirect.close();
        }
    }

    /// The consent as text, for the person's own session cookie: another process with the same settings goes on with it by
    /// [`Client::resume`]. It can be opened for ten minutes, with the `store_key` of the settings, by a client whose identity
    /// settings are the same.
    ///
    /// Whoever has the text and the key can finish it, so it is bound to the person by where it is kept. Within one process a
    /// consent is finished at most once. Across processes only the vendor can prevent a second use, by taking each code once.
    pub fn seal(&self) -> Result<String> {
        if !self.is_open() {
            return Err(over());
        }
        sealed::seal(self)
    }

    /// Goes on with a consent that was sealed.
    pub(super) fn resume(client: &Client, text: &str) -> Result<Consent> {
        Ok(Consent::open(client, sealed::open(client, text)?))
    }

    fn is_open(&self) -> bool {
        matches!(**self.stage.load(), Stage::Open)
    }

    /// Sends a code; only one caller gets to do that. Where it was not sent, the consent stays open.
    fn send(&self, code: &Arc<Code>) -> Result<Arc<Flight<Arc<Live>>>> {
        if !self.settle(Stage::Sending) {
            return Err(over());
        }
        let outcome = self.client.keeper().redeem(Arc::clone(code));
        self.stage.store(Arc::new(match &outcome {
            Ok(flight) => Stage::Sent(Arc::clone(flight)),
            Err(_) => Stage::Open,
        }));
        self.bell.ring();
        outcome
    }

    /// Goes on from the open stage; false if it is open no more.
    fn settle(&self, stage: Stage) -> bool {
        let before = self.stage.load();
        if !matches!(**before, Stage::Open) {
            return false;
        }
        let found = self.stage.compare_and_swap(&before, Arc::new(stage));
        self.bell.ring();
        Arc::ptr_eq(&found, &before)
    }
}

fn over() -> Error {
    Error::new(Kind::InvalidArgument, "this consent is finished or was cancelled: begin another")
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consent").field("open", &self.is_open()).finish_non_exhaustive()
    }
}
