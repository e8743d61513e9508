//! The venue: ledger, books and everything that happens between them.

use crate::command::{Command, Stamp};
use crate::event::Events;
use risk::{Capacity, Ledger};

/// The state of the venue.
#[derive(Debug)]
pub struct Venue {
    ledger: Ledger,
}

impl Venue {
    /// An empty venue.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self { ledger: Ledger::new(capacity) }
    }

    /// Applies one command: the only function that changes state. Appends its events.
    pub fn apply(&mut self, stamp: Stamp, command: &Command, events: &mut Events) {
        let _used = (stamp, command, events);
        self.ledger.assert_conserved();
    }

    /// Whether work is left over that [`crate::Action::Continue`] must take up before any other command.
    #[must_use]
    pub fn pending(&self) -> bool {
        false
    }

    /// 128 bits that depend on the whole state and nothing else.
    #[must_use]
    pub fn digest(&self) -> u128 {
        0
    }

    /// Accounts, positions, marks: exact queries.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
