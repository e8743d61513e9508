//! Expiry: orders whose time is over, and the timers of a tick.
//!
//! Invariant: an order with a time to expire has a deadline there, whatever stage of its life it is in; between commands,
//! unless work is left over, none lies at or before the last tick. A tick fires dead-man timers by deadline and session,
//! then expiries by time and serial, then the states of instruments by time and instrument.

use super::Venue;
use super::sweep::Budget;
use crate::command::TimeNs;
use crate::deadlines::{HeapPlace, Places};
use crate::event::{CancelReason, Event, Events};
use crate::limits::TIMERS_PER_COMMAND;
use crate::orders::Orders;
use risk::OrderSlot;

impl Places<OrderSlot> for Orders {
    fn place(&self, slot: OrderSlot) -> HeapPlace {
        self.conditions(slot).map_or(HeapPlace::NOWHERE, |conditions| conditions.expiry)
    }

    fn set_place(&mut self, slot: OrderSlot, place: HeapPlace) {
        self.conditions_mut(slot).expiry = place;
    }
}

impl Venue {
    /// Logical time passes: timers may run out.
    #[inline(never)]
    pub(super) fn tick(&mut self, events: &mut Events) {
        events.push(Event::Ticked);
        self.charge_interest_if_due(events);
        self.fire_due(self.last.time, events);
        self.start_round(self.last.time, events);
        self.look_at_margin_changes();
        self.let_paced_go_on();
        self.look_at_deleveragings();
    }

    /// Fires what ran out by `now`, up to the bound of a command; the rest waits.
    pub(super) fn fire_due(&mut self, now: TimeNs, events: &mut Events) {
        let mut budget = Budget::of_command();
        for _ in 0..TIMERS_PER_COMMAND {
            if !self.fire_next(now, &mut budget, events) {
                return;
            }
            if !self.sweeps.is_empty() || self.phase.is_some() {
                break;
            }
        }
        self.firing = self.has_due(now).then_some(now);
        self.left_over |= self.firing.is_some();
    }

    /// Fires the first timer that ran out by `now`; whether there was one.
    fn fire_next(&mut self, now: TimeNs, budget: &mut Budget, events: &mut Events) -> bool {
        if let Some(session) = self.deadlines.due(now) {
            self.fire_dead_man(session, budget, events);
        } else if let Some(slot) = self.expiries.due(now) {
            self.cancel_and_drop_leg(slot, CancelReason::Expired, events);
        } else if let Some(instrument) = self.state_due(now) {
            self.next_state(instrument, now, budget, events);
        } else {
            return false;
        }
        true
    }

    fn has_due(&self, now: TimeNs) -> bool {
        self.deadlines.due(now).is_some() || self.expiries.due(now).is_some() || self.state_due(now).is_some()
    }

    /// Gives an order the deadline its conditions ask for, in the place of its serial: when it was accepted, and when its
    /// serial changed.
    pub(super) fn schedule_expiry(&mut self, slot: OrderSlot) {
        let Some(conditions) = self.orders.conditions(slot) else { return };
        let (expires, serial) = (conditions.instructions.expires, conditions.serial);
        if expires != TimeNs::default() {
            self.expiries.set((expires, serial, slot), &mut self.orders);
        }
    }

    /// An order with conditions is about to be forgotten: no timer and no sweep comes back to it.
    #[cold]
    pub(super) fn leave_timers_and_sweeps(&mut self, slot: OrderSlot) {
        self.expiries.remove(slot, &mut self.orders);
        self.pass_over(slot);
    }

    /// Verifies that orders have the deadlines they ask for, and nothing else has.
    pub(super) fn check_expiries(&self) {
        self.expiries.check(&self.orders);
        let mut timed = 0;
        for (slot, _) in self.orders.live() {
            let Some(conditions) = self.orders.conditions(slot) else { continue };
            let (expires, serial) = (conditions.instructions.expires, conditions.serial);
            let deadline = self.expiries.at(conditions.expiry).copied();
            let wanted = (expires != TimeNs::default()).then_some((expires, serial, slot));
            assert!(deadline == wanted, "an order's deadline is its expiry");
            timed += usize::from(wanted.is_some());
        }
        assert!(timed == self.expiries.len(), "a deadline for every order that expires");
    }
}
