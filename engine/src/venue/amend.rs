//! Amendments: a smaller quantity at the same price keeps its place; anything else is a new place in the queue.
//!
//! Invariant: an amendment is admitted exactly as the order it would become, with the old one out of the sums; a
//! refused amendment leaves the order as it was.

use super::checks::{Checks, check_restriction};
use super::matching::{Purpose, Taker};
use super::phases::Change;
use super::{Venue, Verdict};
use crate::command::{AmendOrder, SessionId, TradingState};
use crate::conditions::Stage;
use crate::event::{Event, Events};
use crate::reject::Reject;
use risk::{Account, AccountState, Candidate, LegId, OrderSlot, Price, Qty, Restriction, Weight};

impl Venue {
    pub(super) fn amend_order(
        &mut self,
        session: SessionId,
        amend: &AmendOrder,
        events: &mut Events,
    ) -> Verdict {
        let slot = self.check_amendable(session, amend)?;
        let order = *self.orders.get(slot);
        let (filled, resting) = (self.orders.terms(slot).filled, self.orders.leaves(slot));
        if order.is_special() {
            self.check_amends(slot, amend)?;
        }
        if amend.qty <= filled {
            return Err(Reject::BadQuantity.into());
        }
        self.check_quantity(order.instrument(), amend.qty)?;
        self.check_price(order.instrument(), amend.limit)?;
        let mut leaves = amend.qty - filled;
        let key = self.key_of(order.instrument(), amend.limit);
        let keeps_place = key == order.key && leaves <= resting;
        if !keeps_place {
            self.check_band(order.instrument(), order.side(), amend.limit)?;
            self.check_value(order.instrument(), amend.limit, amend.qty)?;
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
        let feed = self.admit(&candidate)?;

        self.feed(order.account, feed, events);
        self.requeue(slot, amend.limit, key, leaves, events);
        Ok(())
    }

    /// Owner, instrument state and the order itself.
    fn check_amendable(&self, session: SessionId, amend: &AmendOrder) -> Result<OrderSlot, Reject> {
        self.user(amend.account)?;
        let slot = self.find_order(session, amend.account, amend.order);
        let owner = slot.map_or(amend.account, |slot| self.orders.get(slot).account);
        let &Account { state, restriction, .. } = self.trader(owner)?;
        if let Some(slot) = slot {
            let instrument = self.orders.get(slot).instrument();
            if self.markets[instrument.index()].state != TradingState::Open {
                self.check_change_now(slot, amend)?;
            }
        }
        if state == AccountState::Liquidating {
            return Err(Reject::AccountLiquidating);
        }
        if restriction != Restriction::None {
            check_restriction(restriction, slot.is_none_or(|slot| self.only_reduces(slot, amend)))?;
        }
        slot.ok_or(Reject::UnknownOrder)
    }

    /// Whether an instrument that is not open admits the amendment.
    #[cold]
    fn check_change_now(&self, slot: OrderSlot, amend: &AmendOrder) -> Result<(), Reject> {
        let order = self.orders.get(slot);
        let change = Change {
            keeps_place: self.keeps_place(slot, amend),
            post_only: amend.post_only,
            reduce_only: order.reduce_only(),
        };
        self.check_change(order.instrument(), change)
    }

    /// Whether the amendment of a resting order cannot raise a position: it only takes from it, or the order itself
    /// only reduces.
    fn only_reduces(&self, slot: OrderSlot, amend: &AmendOrder) -> bool {
        self.keeps_place(slot, amend) || self.orders.get(slot).reduce_only()
    }

    /// Whether the amendment only takes from the order, which then stays where it is.
    fn keeps_place(&self, slot: OrderSlot, amend: &AmendOrder) -> bool {
        let order = self.orders.get(slot);
        self.price_of(order.instrument(), order.key) == amend.limit && amend.qty <= self.total(slot)
    }

    /// What an order was accepted for, or last amended to.
    fn total(&self, slot: OrderSlot) -> Qty {
        self.orders.terms(slot).filled + self.orders.leaves(slot)
    }

    /// Whether an order with instructions may be amended: its protection group admits what joins anew, it rests, and
    /// what belongs to it counts on its quantity.
    #[cold]
    fn check_amends(&self, slot: OrderSlot, amend: &AmendOrder) -> Result<(), Reject> {
        let Some(conditions) = self.orders.conditions(slot) else { return Ok(()) };
        if !self.keeps_place(slot, amend) {
            self.check_protection(amend.account, conditions.instructions.protection)?;
        }
        let same_qty = amend.qty == self.total(slot);
        let is_linked =
            conditions.partner.some().is_some() || conditions.exits.iter().any(|exit| exit.some().is_some());
        if conditions.stage != Stage::Live || (is_linked && !same_qty) {
            return Err(Reject::BadCombination);
        }
        Ok(())
    }

    pub(super) fn amend_in_place(&mut self, slot: OrderSlot, limit: Price, leaves: Qty, events: &mut Events) {
        let cut = self.orders.leaves(slot) - leaves;
        self.reduce_hidden_first(slot, cut);
        events.push(self.amended(slot, limit, leaves, true));
    }

    /// Gives the order its new terms at the end of the queue; what crosses is matched first.
    fn requeue(&mut self, slot: OrderSlot, limit: Price, key: u32, leaves: Qty, events: &mut Events) {
        let order = *self.orders.get(slot);
        self.markets[order.instrument().index()].book.remove(&mut self.orders, slot);
        if order.is_special() {
            self.orders.conditions_mut(slot).hidden = Qty::ZERO;
        }
        let leg = self.renew(slot, limit, key, leaves, events);
        self.ledger.stands_as_admitted(leg);
        let taker = Taker {
            account: order.account,
            group: self.group_of(order.account),
            instrument: order.instrument(),
            leg,
            side: order.side(),
            key,
            leaves,
            traded: false,
            first: 0,
            last: 0,
            purpose: Purpose::Order { slot, rests: true },
        };
        self.take_and_settle(taker, events);
    }

    /// Gives an order that is in no book a new price and a new quantity; its leg.
    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    pub(super) fn renew(
        &mut self,
        slot: OrderSlot,
        limit: Price,
        key: u32,
        leaves: Qty,
        events: &mut Events,
    ) -> LegId {
        let order = *self.orders.get(slot);
        let leg = self.ledger.reservation(slot).leg;
        self.ledger.release(slot);
        self.orders.reprice(slot, key, leaves);
        self.ledger.reserve(slot, leg, order.side(), limit, leaves, Weight::of(order.reduce_only()));
        events.push(self.amended(slot, limit, leaves, false));
        leg
    }

    /// Moves an order whose turn has come to the price it slides to.
    pub(super) fn reprice_waiting(&mut self, slot: OrderSlot, limit: Price, events: &mut Events) {
        let order = *self.orders.get(slot);
        let key = self.key_of(order.instrument(), limit);
        self.renew(slot, limit, key, order.leaves, events);
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
