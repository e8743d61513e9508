//! Views: open orders as others may see them.
//!
//! Invariant: reading only; what a view shows is the state between two commands.

use super::Venue;
use crate::command::{ClientOrderId, OrderId, OrderRef, OrderTag, ProtectionId, SessionId, TimeNs, Trigger};
use crate::conditions::Stage;
use risk::{AccountId, InstrumentId, OrderSlot, Price, Qty, Side};

/// An open order: it rests, sleeps, or its turn comes.
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
    /// What remains to fill, shown and hidden; 0 of an exit whose entry has not filled, and of an order that closes the
    /// position it finds when it fires.
    pub leaves: Qty,
    /// Filled since it was accepted.
    pub filled: Qty,
    /// Whether it only reduces.
    pub reduce_only: bool,
    /// Whether it stays when its session is lost and what protects a position is kept.
    pub persistent: bool,
    /// What an order with instructions has beside.
    pub special: Option<SpecialView>,
}

/// What an open order with instructions has beside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpecialView {
    /// Where it is in its life.
    pub stage: Stage,
    /// What others see of it in the book.
    pub shown: Qty,
    /// What its client finds it by; 0 is nothing.
    pub tag: OrderTag,
    /// When it expires; 0 is never.
    pub expires: TimeNs,
    /// What it waits for, or waited for.
    pub trigger: Option<Trigger>,
    /// Its market-maker protection group; 0 is none.
    pub protection: ProtectionId,
}

impl Venue {
    /// How many accounts are so near to a warning or to liquidation that every price looks at them.
    #[must_use]
    pub fn hot_accounts(&self) -> usize {
        self.index.hot_count()
    }

    /// How often an account was evaluated whole since this venue was made: a gauge for measurements, not state.
    #[must_use]
    pub const fn looks(&self) -> u64 {
        self.index.looks()
    }

    /// Open orders of an account: by ascending instrument, in an instrument the latest to join first. None where
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

    /// An open order of an account by either number; the client's counts in the session it came by.
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
            leaves: self.orders.leaves(slot),
            filled: terms.filled,
            reduce_only: order.reduce_only(),
            persistent: order.persistent(),
            special: self.orders.conditions(slot).map(|conditions| SpecialView {
                stage: conditions.stage,
                shown: if order.is_resting() { order.leaves } else { Qty::ZERO },
                tag: conditions.instructions.tag,
                expires: conditions.instructions.expires,
                trigger: conditions.instructions.trigger,
                protection: conditions.instructions.protection,
            }),
        }
    }
}
