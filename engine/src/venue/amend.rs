//! Amendments: a smaller quantity at the same price keeps its place; anything else is a new place in the queue.
//!
//! Invariant: an amendment is admitted exactly as the order it would become, with the old one out of the sums; a
//! refused amendment leaves the order as it was.

use super::matching::{Purpose, Taker};
use super::new_order::check_restriction;
use super::phases::Change;
use super::{Venue, Verdict};
use crate::command::{AmendOrder, SessionId};
use crate::event::{Event, Events};
use crate::reject::Reject;
use risk::{AccountState, Candidate, OrderSlot, Price, Qty, Restriction, Weight};

impl Venue {
    pub(super) fn amend_order(
        &mut self,
        session: SessionId,
        amend: &AmendOrder,
        events: &mut Events,
    ) -> Verdict {
        let slot = self.check_amendable(session, amend)?;
        let order = *self.orders.get(slot);
        let filled = self.orders.terms(slot).filled;
        if amend.qty <= filled {
            return Err(Reject::BadQuantity.into());
        }
        self.check_quantity(order.instrument(), amend.qty)?;
        self.check_price(order.instrument(), amend.limit)?;
        let mut leaves = amend.qty - filled;
        let key = self.key_of(order.instrument(), amend.limit);
        let keeps_place = key == order.key && leaves <= order.leaves;
        if !keeps_place {
            self.check_band(order.instrument(), order.side(), amend.limit)?;
            self.check_notional(order.instrument(), amend.qty, amend.limit)?;
        }
        let leg = self.ledger.reservation(slot).leg;
        let position = self.ledger.leg(leg).position;
        if order.reduce_only() {
            leaves = leaves.min(position.size());
        }
        if keeps_place {
            self.amend_in_place(slot, amend.limit, leaves, events);
            return Ok(());
        }
        if amend.post_only && self.markets[order.instrument().index()].book.crosses(order.side(), key) {
            return Err(Reject::PostOnlyWouldCross.into());
        }
        let candidate = Candidate {
            account: order.account,
            instrument: order.instrument(),
            leg: Some(leg),
            side: order.side(),
            price: amend.limit,
            qty: leaves,
            reduce_only: order.reduce_only(),
            replaces: Some(slot),
        };
        self.admit(&candidate)?;

        self.requeue(slot, amend.limit, key, leaves, events);
        Ok(())
    }

    /// Owner, instrument state and the order itself.
    fn check_amendable(&self, session: SessionId, amend: &AmendOrder) -> Result<OrderSlot, Reject> {
        let (state, restriction) = self.user(amend.account)?;
        let slot = self.find_order(session, amend.account, amend.order);
        if let Some(slot) = slot {
            let order = self.orders.get(slot);
            self.check_change(order.instrument(), || Change {
                keeps_place: self.keeps_place(slot, amend),
                post_only: amend.post_only,
                reduce_only: order.reduce_only(),
            })?;
        }
        if state == AccountState::Liquidating {
            return Err(Reject::AccountLiquidating);
        }
        if restriction != Restriction::None {
            check_restriction(restriction, slot.is_none_or(|slot| self.only_reduces(slot, amend)))?;
        }
        slot.ok_or(Reject::UnknownOrder)
    }

    /// Whether the amendment of a resting order cannot raise a position: it only takes from it, or the order itself
    /// only reduces.
    fn only_reduces(&self, slot: OrderSlot, amend: &AmendOrder) -> bool {
        self.keeps_place(slot, amend) || self.orders.get(slot).reduce_only()
    }

    /// Whether the amendment only takes from the order, which then stays where it is.
    fn keeps_place(&self, slot: OrderSlot, amend: &AmendOrder) -> bool {
        let order = self.orders.get(slot);
        let total = self.orders.terms(slot).filled + self.orders.leaves(slot);
        self.price_of(order.instrument(), order.key) == amend.limit && amend.qty <= total
    }

    fn amend_in_place(&mut self, slot: OrderSlot, limit: Price, leaves: Qty, events: &mut Events) {
        let cut = self.orders.get(slot).leaves - leaves;
        self.reduce_resting(slot, cut);
        events.push(self.amended(slot, limit, leaves, true));
    }

    /// Gives the order its new terms at the end of the queue; what crosses is matched first.
    fn requeue(&mut self, slot: OrderSlot, limit: Price, key: u32, leaves: Qty, events: &mut Events) {
        let order = *self.orders.get(slot);
        let (instrument, side) = (order.instrument(), order.side());
        let leg = self.ledger.reservation(slot).leg;
        self.markets[instrument.index()].book.remove(&mut self.orders, slot);
        self.ledger.release(slot);
        self.orders.reprice(slot, key, leaves);
        self.ledger.reserve(slot, leg, side, limit, leaves, Weight::of(order.reduce_only()));
        events.push(self.amended(slot, limit, leaves, false));
        let purpose = Purpose::Order { slot, rests: true };
        let taker =
            Taker { account: order.account, instrument, leg, side, key, leaves, traded: false, purpose };
        self.take_and_settle(taker, events);
    }

    fn amended(&self, slot: OrderSlot, limit: Price, leaves: Qty, priority_kept: bool) -> Event {
        let terms = self.orders.terms(slot);
        Event::Amended {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: self.orders.get(slot).account,
            limit,
            qty: terms.filled + leaves,
            leaves,
            priority_kept,
        }
    }
}
