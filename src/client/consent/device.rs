//! The person answers on another device, and the vendor is asked whether they did (RFC 8628).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::pace::{Due, Pace};
use super::{Consent, Stage};
use crate::client::Client;
use crate::client::patience::Patience;
use crate::error::{Error, Result};
use crate::keeper::{Flight, Live};
use crate::scheme::oauth2::device::{self, Refusal};
use crate::sync::Mutex;

pub(super) struct Device {
    codes: Arc<device::Device>,
    polling: Mutex<Polling>,
    given_up: Arc<AtomicBool>,
}

struct Polling {
    pace: Pace,
    question: Question,
    /// Why the last question was not answered.
    trouble: Option<Error>,
}

/// One question at a time, however many wait.
enum Question {
    None,
    /// Somebody is about to ask it.
    Due,
    Asked(Arc<Flight<Arc<Live>>>),
}

/// What one of those who wait does now.
enum Next {
    Put,
    Hear(Arc<Flight<Arc<Live>>>),
    Pause(Duration),
    GiveUp,
}

impl Device {
    /// Asks the vendor for a pair of codes.
    pub(super) fn begin(client: &Client, patience: &Patience<'_>) -> Result<Device> {
        let asked = client.now();
        let flight = client
            .keeper()
            .inquire(false, |exchange| Ok((Arc::new(device::authorize(exchange)?), Vec::new())))?;
        let codes = patience.attend(&flight, "the vendor gave no device code in time")?;
        let pace = Pace::new(codes.interval, asked, codes.life);
        Ok(Device::open(codes, pace))
    }

    pub(super) fn open(codes: Arc<device::Device>, pace: Pace) -> Device {
        let polling = Polling { pace, question: Question::None, trouble: None };
        Device { codes, polling: Mutex::new(polling), given_up: Arc::default() }
    }

    pub(super) fn url(&self) -> &str {
        &self.codes.url
    }

    pub(super) fn user_code(&self) -> &str {
        &self.codes.user_code
    }

    pub(super) fn codes(&self) -> &device::Device {
        &self.codes
    }

    /// Looks at the pace.
    pub(super) fn pace<T>(&self, look: impl FnOnce(&Pace) -> T) -> T {
        look(&self.polling.lock().pace)
    }

    #[cfg(test)]
    pub(super) fn is_asking(&self) -> bool {
        !matches!(self.polling.lock().question, Question::None)
    }

    /// What has not come in time, in words.
    pub(super) fn silence(&self) -> String {
        let polling = self.polling.lock();
        let last = polling.trouble.as_ref().map(|error| format!(" (last: {error})")).unwrap_or_default();
        format!("nobody has said yes within the call's timeout{last}")
    }

    /// Asks if a question is due, and waits a moment for its answer.
    pub(super) fn ask(&self, consent: &Consent, slice: Duration) -> Result<()> {
        let flight = match self.next(consent.client.now()) {
            Next::Put => self.put(consent)?,
            Next::Hear(flight) => flight,
            Next::Pause(span) => {
                consent.bell.wait(slice.min(span));
                return Ok(());
            }
            Next::GiveUp => {
                consent.settle(Stage::Refused(device::expired()));
                return Ok(());
            }
        };
        match flight.wait(slice) {
            Some(outcome) => self.hear(consent, &flight, outcome),
            None => Ok(()),
        }
    }

    fn next(&self, now: i64) -> Next {
        let mut polling = self.polling.lock();
        match (&polling.question, polling.pace.due(now)) {
            (Question::Asked(flight), _) => Next::Hear(Arc::clone(flight)),
            (Question::Due, _) => Next::Pause(Duration::MAX),
            (Question::None, Due::In(span)) => Next::Pause(span),
            (Question::None, Due::Over) => Next::GiveUp,
            (Question::None, Due::Now) => {
                polling.question = Question::Due;
                Next::Put
            }
        }
    }

    /// Puts the question; nobody holds the lock meanwhile, for it may be put on this very thread.
    fn put(&self, consent: &Consent) -> Result<Arc<Flight<Arc<Live>>>> {
        let given_up = Arc::clone(&self.given_up);
        let wanted = move || !given_up.load(Ordering::Acquire);
        let put = consent.client.keeper().poll(Arc::clone(&self.codes), wanted);
        self.polling.lock().question = match &put {
            Ok(flight) => Question::Asked(Arc::clone(flight)),
            Err(_) => Question::None,
        };
        consent.bell.ring();
        put
    }

    /// Takes the answer, for all who wait.
    fn hear(
        &self,
        consent: &Consent,
        flight: &Arc<Flight<Arc<Live>>>,
        outcome: Result<Arc<Live>>,
    ) -> Result<()> {
        let mut polling = self.polling.lock();
        match &polling.question {
            Question::Asked(current) if Arc::ptr_eq(current, flight) => {}
            // Another has taken it.
            _ => return Ok(()),
        }
        polling.question = Question::None;
        polling.trouble = None;
        let now = consent.client.now();
        let Err(error) = outcome else {
            consent.settle(Stage::Sent(Arc::clone(flight)));
            return Ok(());
        };
        match device::meaning(&error) {
            Refusal::Pending => polling.pace.go_on(now),
            Refusal::SlowDown => polling.pace.slow_down(now),
            Refusal::Unreachable => {
                polling.pace.back_off(now, error.retry_after());
                polling.trouble = Some(error);
            }
            Refusal::Unasked => {
                polling.pace.go_on(now);
                return Err(error);
            }
            Refusal::Final(error) => drop(consent.settle(Stage::Refused(error))),
        }
        Ok(())
    }

    /// What a question under way brings is no longer wanted.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }
}
