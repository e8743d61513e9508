//! Follow-up: orders whose turn comes because of what a command brought about, a bounded piece per command.
//!
//! Invariant: while anything of higher rank is left over (a taker, a sweep, timers, a price move) nothing fires and no
//! order's turn comes. The next trigger fires before the next order takes, so orders take in the order they fired.

use super::Venue;
use super::checks::check_restriction;
use super::fillable::Walk;
use super::matching::{Purpose, Taker};
use super::phases::PhaseWork;
use crate::command::{SelfTrade, TimeInForce};
use crate::conditions::Stage;
use crate::event::{CancelReason, Events};
use risk::{AccountState, OrderSlot, Qty, Weight};

impl Venue {
    /// Whether an order waits for its turn, or a price has crossed a trigger.
    #[inline]
    pub(super) fn has_follow_up(&self) -> bool {
        !self.waiting.is_empty() || !self.crossed.is_empty()
    }

    /// Whether work of higher rank is left over.
    fn is_held_up(&self) -> bool {
        self.suspended.is_some()
            || !self.sweeps.is_empty()
            || self.phase.as_ref().is_some_and(PhaseWork::is_urgent)
            || self.firing.is_some()
            || !self.wakes.is_empty()
    }

    /// Lets an order that is in no book and no queue join the end of those whose turn comes.
    pub(super) fn wait_for_turn(&mut self, slot: OrderSlot) {
        self.orders.conditions_mut(slot).stage = Stage::Waiting;
        self.ledger.begin_resting(slot);
        self.waiting.push_back(slot, &mut self.orders);
        self.left_over = true;
    }

    /// Fires what was crossed and lets orders take, until the work of the command is used up.
    #[cold]
    pub(super) fn follow_up(&mut self, events: &mut Events) {
        while !self.is_held_up() {
            // Each turn may be in another instrument.
            self.ledger.assert_conserved();
            let fires = self.next_to_fire();
            if self.work == 0 {
                return;
            }
            self.work -= 1;
            if let Some(fired) = fires {
                self.fire_trigger(fired, events);
            } else if let Some(slot) = self.waiting.pop_front(&mut self.orders) {
                self.take_turn(slot, events);
            } else {
                return;
            }
        }
    }

    /// An order's turn: it takes, or is cancelled.
    fn take_turn(&mut self, slot: OrderSlot, events: &mut Events) {
        self.orders.conditions_mut(slot).stage = Stage::Live;
        match self.check_turn(slot, events) {
            Ok(()) => self.take_order(slot, events),
            Err(reason) => self.cancel_and_drop_leg(slot, reason, events),
        }
    }

    /// Checks an accepted order anew whose turn has come; why it cannot take.
    fn check_turn(&mut self, slot: OrderSlot, events: &mut Events) -> Result<(), CancelReason> {
        let order = *self.orders.get(slot);
        let (state, restriction) = self
            .trader(order.account)
            .map(|owner| (owner.state, owner.restriction))
            .map_err(|_| CancelReason::Limit)?;
        if state == AccountState::Liquidating {
            return Err(CancelReason::Liquidation);
        }
        check_restriction(restriction, order.reduce_only()).map_err(|_| CancelReason::Suspended)?;
        if !self.admits_turn(slot) {
            return Err(CancelReason::TradingState);
        }
        if self.ledger.reservation(slot).weight == Weight::None {
            self.admit_fired(slot, events)?;
        }
        self.check_crossing_now(slot, events)
    }

    /// Whether the order takes where it must not, or cannot take what it must, as the book stands now.
    fn check_crossing_now(&mut self, slot: OrderSlot, events: &mut Events) -> Result<(), CancelReason> {
        let order = *self.orders.get(slot);
        let Some(&conditions) = self.orders.conditions(slot) else { return Ok(()) };
        let (instrument, side, said) = (order.instrument(), order.side(), conditions.instructions);
        if conditions.post_only && self.markets[instrument.index()].book.crosses(side, order.key) {
            let slid = if said.slides { self.slid(instrument, side) } else { None };
            self.reprice_waiting(slot, slid.ok_or(CancelReason::PostOnly)?, events);
        }
        let is_whole = conditions.time_in_force == TimeInForce::FillOrKill;
        let least = if is_whole { order.leaves } else { said.min_qty };
        let walk = self.walk_of(slot, said.self_trade);
        if least > Qty::ZERO && (least > order.leaves || !self.can_fill(&walk, least)) {
            return Err(CancelReason::Unfillable);
        }
        Ok(())
    }

    /// The makers an order would walk over.
    fn walk_of(&self, slot: OrderSlot, mode: SelfTrade) -> Walk {
        let order = self.orders.get(slot);
        Walk {
            account: order.account,
            group: self.group_of(order.account),
            instrument: order.instrument(),
            side: order.side(),
            key: order.key,
            mode,
        }
    }

    /// Lets an accepted order take, whose margin is reserved.
    pub(super) fn take_order(&mut self, slot: OrderSlot, events: &mut Events) {
        let order = *self.orders.get(slot);
        let rests = self.orders.conditions(slot).is_none_or(|conditions| conditions.time_in_force.rests());
        let taker = Taker {
            account: order.account,
            group: self.group_of(order.account),
            instrument: order.instrument(),
            leg: self.ledger.reservation(slot).leg,
            side: order.side(),
            key: order.key,
            leaves: order.leaves,
            traded: false,
            first: 0,
            last: 0,
            purpose: Purpose::Order { slot, rests },
        };
        self.take_and_settle(taker, events);
    }
}
