//! Views: resting orders as others may see them.
//!
//! Invariant: reading only; what a view shows is the state between two commands.

use super::Venue;
use crate::command::{ClientOrderId, OrderId, OrderRef, SessionId};
use risk::{AccountId, InstrumentId, OrderSlot, Price, Qty, Side};

/// A resting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenOrderView {
    /// Venue's number.
    pub id: OrderId,
    /// Client's number.
    pub client_order_id: ClientOrderId,
    /// Session it came by.
    pub session: SessionId,
    /// Where.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Limit price.
    pub price: Price,
    /// What remains to fill.
    pub leaves: Qty,
    /// Filled since it was accepted.
    pub filled: Qty,
    /// Whether it only reduces.
    pub reduce_only: bool,
    /// Whether it stays when its session is lost and what protects a position is kept.
    pub persistent: bool,
}

impl Venue {
    /// Resting orders of an account: by ascending instrument, in an instrument the latest to join first. None where
    /// there is no such account.
    pub fn open_orders(&self, account: AccountId) -> impl Iterator<Item = OpenOrderView> + '_ {
        self.open_orders_in(account, None)
    }

    /// The same in one instrument, where one is given: the others are not walked over.
    pub fn open_orders_in(
        &self,
        account: AccountId,
        instrument: Option<InstrumentId>,
    ) -> impl Iterator<Item = OpenOrderView> + '_ {
        let known = self.ledger.account(account).map(|_| account);
        let mut next = known.and_then(|account| self.ledger.first_order(account, instrument));
        core::iter::from_fn(move || {
            let slot = next?;
            next = self.ledger.order_after(slot, instrument);
            Some(self.view(slot))
        })
    }

    /// A resting order of an account by either number; the client's counts in the session it came by.
    #[must_use]
    pub fn find_open(
        &self,
        session: SessionId,
        account: AccountId,
        order: OrderRef,
    ) -> Option<OpenOrderView> {
        self.find_order(session, account, order).map(|slot| self.view(slot))
    }

    fn view(&self, slot: OrderSlot) -> OpenOrderView {
        let (order, terms) = (self.orders.get(slot), self.orders.terms(slot));
        OpenOrderView {
            id: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            instrument: order.instrument(),
            side: order.side(),
            price: self.price_of(order.instrument(), order.key),
            leaves: order.leaves,
            filled: terms.filled,
            reduce_only: order.reduce_only(),
            persistent: order.persistent(),
        }
    }
}
