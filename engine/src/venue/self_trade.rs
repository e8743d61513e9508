//! Orders that meet their own: of the same account, or of the same owner group.
//!
//! Invariant: no match between orders of one owner. The taker's mode decides what goes, and what is left of the taker
//! never rests where its mode would have it cancelled.

use super::Venue;
use super::matching::{Purpose, Taker, WalkEnd};
use crate::command::SelfTrade;
use crate::event::{CancelReason, Event, Events, TrimReason};
use risk::{AccountId, OrderSlot, OwnerGroupId, Qty};

impl Venue {
    /// Whether the account is the owner, or of the owner's group.
    #[inline]
    pub(super) fn is_of_owner(&self, account: AccountId, owner: (AccountId, OwnerGroupId)) -> bool {
        let (same, group) = owner;
        account == same || (group != OwnerGroupId::default() && self.group_of(account) == group)
    }

    /// A taker meets its own order; how its walk ends, or that it goes on.
    #[cold]
    pub(super) fn meet_own(
        &mut self,
        taker: &mut Taker,
        maker: OrderSlot,
        events: &mut Events,
    ) -> Option<WalkEnd> {
        let (id, mode) = match taker.purpose {
            Purpose::Order { slot, .. } => (Some(self.orders.id(slot)), self.self_trade_of(slot)),
            Purpose::Liquidation { .. } => (None, SelfTrade::CancelMaker),
        };
        match mode {
            SelfTrade::CancelTaker => return Some(WalkEnd::SelfTrade),
            SelfTrade::CancelMaker | SelfTrade::CancelBoth => {
                self.cancel_own(maker, taker, events);
            }
            SelfTrade::Decrement => return self.decrement(taker, maker, events),
        }
        // A pair of which both orders met went with the maker.
        if id.is_some_and(|id| self.orders.find(id).is_none()) {
            return Some(WalkEnd::Gone);
        }
        (mode == SelfTrade::CancelBoth).then_some(WalkEnd::SelfTrade)
    }

    /// What happens when an order meets its own.
    pub(super) fn self_trade_of(&self, slot: OrderSlot) -> SelfTrade {
        self.orders
            .conditions(slot)
            .map_or(SelfTrade::CancelTaker, |conditions| conditions.instructions.self_trade)
    }

    /// Both lose what they would have matched.
    fn decrement(&mut self, taker: &mut Taker, maker: OrderSlot, events: &mut Events) -> Option<WalkEnd> {
        let Purpose::Order { slot, .. } = taker.purpose else { return Some(WalkEnd::SelfTrade) };
        let id = self.orders.id(slot);
        let qty = taker.leaves.min(self.orders.get(maker).leaves);
        if qty == self.orders.leaves(maker) {
            self.cancel_own(maker, taker, events);
        } else {
            self.decrement_resting(maker, qty, events);
        }
        if self.orders.find(id).is_none() {
            return Some(WalkEnd::Gone);
        }
        if taker.leaves == qty {
            self.cancel(slot, CancelReason::SelfTrade, events);
            return Some(WalkEnd::Gone);
        }
        taker.leaves -= qty;
        self.orders.reduce(slot, qty);
        self.ledger.reduce_reservation(slot, qty);
        events.push(self.trimmed(slot, TrimReason::SelfTrade));
        None
    }

    /// Cancels an order that its owner's taker met. The taker's own leg stays, even empty: the taker may go with its partner.
    fn cancel_own(&mut self, maker: OrderSlot, taker: &Taker, events: &mut Events) {
        let leg = self.ledger.reservation(maker).leg;
        self.cancel_resting(maker, CancelReason::SelfTrade, events);
        if leg != taker.leg {
            self.drop_leg_if_empty(leg);
        }
    }

    /// Takes `qty`, at most what it shows, off a resting order that met its own.
    pub(super) fn decrement_resting(&mut self, slot: OrderSlot, qty: Qty, events: &mut Events) {
        if qty == self.orders.leaves(slot) {
            self.cancel_and_drop_leg(slot, CancelReason::SelfTrade, events);
            return;
        }
        self.reduce_shown(slot, qty);
        events.push(self.trimmed(slot, TrimReason::SelfTrade));
        if self.orders.get(slot).leaves == Qty::ZERO {
            self.refresh(slot, events);
        }
    }

    /// An order became smaller without a fill.
    pub(super) fn trimmed(&self, slot: OrderSlot, reason: TrimReason) -> Event {
        let terms = self.orders.terms(slot);
        Event::Trimmed {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: self.orders.get(slot).account,
            leaves: self.orders.leaves(slot),
            reason,
        }
    }
}
