//! Follow-up: orders whose turn comes because of what a command brought about, a bounded piece per command.
//!
//! Invariant: while anything of higher rank is left over (a taker, a sweep, timers, a price move) nothing fires and no
//! order's turn comes. The next trigger fires before the next order takes, so orders take in the order they fired.

use super::Venue;
use super::matching::{Purpose, Taker};
use super::phases::PhaseWork;
use crate::conditions::Stage;
use crate::event::Events;
use risk::OrderSlot;

impl Venue {
    /// Whether an order waits for its turn, or a price has crossed a trigger.
    #[inline]
    pub(super) fn has_follow_up(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether work of higher rank is left over.
    fn is_held_up(&self) -> bool {
        self.suspended.is_some()
            || !self.sweeps.is_empty()
            || self.phase.as_ref().is_some_and(PhaseWork::is_urgent)
            || self.firing.is_some()
            || self.wake.is_some()
    }

    /// Fires what was crossed and lets orders take, until the work of the command is used up.
    #[cold]
    pub(super) fn follow_up(&mut self, events: &mut Events) {
        while self.work > 0 && !self.is_held_up() {
            let Some(slot) = self.waiting.pop_front() else { return };
            self.work -= 1;
            self.activate(slot, events);
        }
    }

    /// Lets an accepted order take, whose margin is reserved.
    fn activate(&mut self, slot: OrderSlot, events: &mut Events) {
        let order = *self.orders.get(slot);
        let leg = self.ledger.reservation(slot).leg;
        let conditions = self.orders.conditions_mut(slot);
        conditions.stage = Stage::Live;
        let rests = conditions.time_in_force.rests();
        let taker = Taker {
            account: order.account,
            instrument: order.instrument(),
            leg,
            side: order.side(),
            key: order.key,
            leaves: order.leaves,
            traded: false,
            purpose: Purpose::Order { slot, rests },
        };
        self.take_and_settle(taker, events);
    }
}
