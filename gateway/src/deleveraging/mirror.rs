//! A second venue that is given the same stamped commands as the first.
//!
//! Invariant: the same code over the same commands, so that after the same sequence it is the same venue. What it adds, who
//! holds what, follows from the events.

use engine::{Capacity, Command, DeleveragingPlan, Event, Events, OpenCall, Seq, Stamp, Venue};
use risk::deleveraging::{Holder, allocate};
use risk::{AccountId, InstrumentId, Position};

use super::commitment::{Occasion, Tree};
use super::holders::Holders;
use super::secret::Secret;

/// The venue as far as it was followed.
#[derive(Debug)]
pub struct Mirror {
    venue: Venue,
    /// Room of the venue once it is followed; before, it has none.
    capacity: Capacity,
    events: Events,
    holders: Holders,
}

/// A plan, and what it commits to.
#[derive(Debug)]
pub struct Plan {
    /// Its parts, the first first; at least one.
    pub parts: Vec<Box<DeleveragingPlan>>,
    /// Everybody it looked at.
    pub tree: Tree,
}

impl Mirror {
    /// The venue before its first command. `capacity` is that of the venue it follows.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self {
            venue: Venue::new(Capacity { accounts: 0, legs: 0, orders: 0 }),
            capacity,
            events: Events::with_capacity(0),
            holders: Holders::default(),
        }
    }

    /// Applies the next command; what it brought about.
    pub fn apply(&mut self, stamp: Stamp, command: &Command) -> &[Event] {
        if self.venue.last_stamp().seq == Seq::default() {
            self.venue = Venue::new(self.capacity);
        }
        self.events.clear();
        self.venue.apply(stamp, command, &mut self.events);
        let ledger = self.venue.ledger();
        for event in self.events.as_slice() {
            self.holders.note(event, |account, instrument| ledger.position(account, instrument));
        }
        self.events.as_slice()
    }

    /// The venue.
    #[must_use]
    pub const fn venue(&self) -> &Venue {
        &self.venue
    }

    /// Stamp of the last command applied.
    #[must_use]
    pub const fn last(&self) -> Stamp {
        self.venue.last_stamp()
    }

    /// The calls whose basis is the last command: only now can they be planned for.
    pub fn calls(&self) -> impl Iterator<Item = OpenCall> {
        let now = self.last().seq;
        self.venue.open_calls().filter(move |call| call.basis == now)
    }

    /// Who can give up against what is called for, by ascending account.
    pub fn holders_against(&self, call: &OpenCall) -> impl Iterator<Item = Holder> {
        let OpenCall { instrument, position, policy, .. } = *call;
        let ledger = self.venue.ledger();
        let accounts = self.holders.against(instrument, position);
        accounts.filter_map(move |account| ledger.holder(account, instrument, position, policy))
    }

    /// Accounts of the side that gives up against `position`, ascending.
    pub(super) fn accounts_against(
        &self,
        instrument: InstrumentId,
        position: Position,
    ) -> impl Iterator<Item = AccountId> {
        self.holders.against(instrument, position)
    }

    /// Accounts with a position of a side.
    #[must_use]
    pub fn holder_count(&self, instrument: InstrumentId, is_long: bool) -> usize {
        self.holders.count(instrument, is_long)
    }

    /// A plan for a call whose basis is the last command.
    #[must_use]
    pub fn plan(&self, call: &OpenCall, secret: &Secret) -> Plan {
        debug_assert!(call.basis == self.last().seq, "a plan is of its basis");
        let holders: Vec<Holder> = self.holders_against(call).collect();
        let occasion = Occasion { request: call.request, basis: call.basis };
        let tree = Tree::build(secret, occasion, &holders);
        let allocation = allocate(call.policy, call.demand, holders);
        let parts = call.parts(&allocation, tree.root()).map(Box::new).collect();
        Plan { parts, tree }
    }
}
