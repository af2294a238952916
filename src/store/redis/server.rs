//! The Redis of a store: what is asked of it, again where that was interrupted, and where it is.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use once_cell::unsync::OnceCell;

use super::address::{Address, Place};
use super::connection::{Connection, Deadline};
use super::fault;
use super::protocol::{Answer, Fault};
use super::tls::Tls;
use crate::error::{Error, Kind, Result};
use crate::fork;
use crate::settings::Settings;

/// How long one answer may take, connecting included.
pub(super) const ANSWER: Duration = Duration::from_secs(2);
/// How long a Redis is waited for that was there a moment ago, or says that it will be in a moment.
const PATIENCE: Duration = Duration::from_secs(3);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a cluster may send a question on.
const MOVES: u32 = 3;

pub(super) struct Server {
    pub(super) settings: Arc<Settings>,
    /// The connection of the flight under way, between two of its calls.
    parked: ArcSwapOption<Parked>,
    /// Which node of a cluster has the record, as another one said.
    node: ArcSwapOption<Place>,
}

struct Parked {
    connection: Connection,
    born: u64,
}

/// What is done on a connection. It may be done twice, for an answer can be lost.
pub(super) type Work<'a> = &'a dyn Fn(&mut Connection) -> std::result::Result<Answer, Fault>;

impl Server {
    pub(super) fn new(settings: &Arc<Settings>) -> Server {
        Server {
            settings: Arc::clone(settings),
            parked: ArcSwapOption::empty(),
            node: ArcSwapOption::empty(),
        }
    }

    /// What a script answers.
    pub(super) fn run(
        &self,
        within: Duration,
        script: &'static str,
        keys: &[&str],
        arguments: &[&[u8]],
    ) -> Result<String> {
        let answer = self.call(within, &|connection| connection.run(script, keys, arguments))?;
        answer.text().map_err(|_| strange())
    }

    /// Does some work on the flight's connection.
    pub(super) fn call(&self, within: Duration, work: Work<'_>) -> Result<Answer> {
        // Read only to connect, and once: it may be the output of a command.
        let address = OnceCell::new();
        let patience = Deadline::after(within.min(PATIENCE));
        let mut was_there = false;
        let mut moves = 0;
        loop {
            let (place, fault) = match self.attempt(&address, Deadline::after(within.min(ANSWER)), work)? {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if let Some(node) = fault::moved_to(&fault, &place)
                && moves < MOVES
            {
                moves += 1;
                self.rest();
                self.node.store(Some(Arc::new(node)));
                continue;
            }
            if !matches!(fault, Fault::Refused(_)) {
                // The record may be on another node by now.
                self.node.store(None);
            }
            let passes = fault::is_passing(&fault) || (was_there && fault::is_absent(&fault));
            if !passes || patience.left() < PAUSE {
                return Err(fault::error(&place, &fault));
            }
            was_there = true;
            std::thread::sleep(PAUSE);
        }
    }

    /// Done on the parked connection if there is one. Or where it failed, and how.
    fn attempt(
        &self,
        address: &OnceCell<Address>,
        deadline: Deadline,
        work: Work<'_>,
    ) -> Result<std::result::Result<Answer, (Place, Fault)>> {
        let mut connection = match self.unpark(deadline) {
            Some(connection) => connection,
            None => match self.connect(address.get_or_try_init(|| self.address())?, deadline) {
                Ok(connection) => connection,
                Err(failed) => return Ok(Err(failed)),
            },
        };
        let outcome = work(&mut connection);
        let place = connection.place.clone();
        if connection.is_usable() {
            self.parked.store(Some(Arc::new(Parked { connection, born: fork::generation() })));
        }
        Ok(outcome.map_err(|fault| (place, fault)))
    }

    /// Does some work on a connection of its own, while the flight's may be in use; once.
    pub(super) fn call_aside(&self, within: Duration, work: Work<'_>) -> Result<Answer> {
        let outcome = self.connect(&self.address()?, Deadline::after(within)).and_then(|mut connection| {
            work(&mut connection).map_err(|fault| (connection.place.clone(), fault))
        });
        outcome.map_err(|(place, fault)| fault::error(&place, &fault))
    }

    fn connect(
        &self,
        address: &Address,
        deadline: Deadline,
    ) -> std::result::Result<Connection, (Place, Fault)> {
        let place = self.node.load_full().map_or_else(|| address.place.clone(), |node| (*node).clone());
        let opened = Connection::open(&place, address, &Tls(&self.settings), deadline);
        opened.map_err(|fault| (place, fault))
    }

    fn address(&self) -> Result<Address> {
        let Some(source) = self.settings.secret("store_url") else {
            return Err(Error::new(Kind::Config, "store = redis needs store_url"));
        };
        let url = source.read("store_url", ANSWER)?;
        Address::parse(url.expose()).map_err(|fault| Error::new(Kind::Config, fault))
    }

    fn unpark(&self, deadline: Deadline) -> Option<Connection> {
        let parked = Arc::into_inner(self.parked.swap(None)?)?;
        let mut connection = parked.connection;
        connection.set_deadline(deadline);
        // A parent's is not touched; its copy here is closed.
        (parked.born == fork::generation()).then_some(connection)
    }

    /// Whether it answered when it was last asked in this flight.
    pub(super) fn is_at_hand(&self) -> bool {
        self.parked.load().is_some()
    }

    /// Closes the flight's connection.
    pub(super) fn rest(&self) {
        self.parked.store(None);
    }
}

pub(super) fn strange() -> Error {
    super::super::unusable("the store", "what it answers is not what a Redis answers")
}
