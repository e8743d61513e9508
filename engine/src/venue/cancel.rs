//! Cancels: one order, or all of an account.
//!
//! Invariant: a trader may always cancel, whatever the instrument's state or the account's; a cancel frees its
//! reservation in the same command.

use super::{Venue, Verdict};
use crate::command::{CancelOrder, ClientOrderId, MassCancel, OrderRef, SessionId};
use crate::event::{CancelReason, Event, Events};
use crate::limits::CANCELS_PER_COMMAND;
use crate::reject::Reject;
use risk::{AccountId, InstrumentId, LegId, OrderSlot};

/// A mass cancel that met the bound of its command.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct MassCancelRest {
    session: SessionId,
    client_order_id: ClientOrderId,
    account: AccountId,
    instrument: Option<InstrumentId>,
    /// Cancelled so far.
    count: u32,
}

impl Venue {
    pub(super) fn cancel_order(
        &mut self,
        session: SessionId,
        cancel: &CancelOrder,
        events: &mut Events,
    ) -> Verdict {
        self.user(cancel.account)?;
        let slot = self.find_order(session, cancel.account, cancel.order).ok_or(Reject::UnknownOrder)?;

        self.cancel_and_drop_leg(slot, CancelReason::Requested, events);
        Ok(())
    }

    pub(super) fn mass_cancel(
        &mut self,
        session: SessionId,
        client_order_id: ClientOrderId,
        cancel: &MassCancel,
        events: &mut Events,
    ) -> Verdict {
        self.user(cancel.account)?;
        if cancel.instrument.is_some_and(|instrument| self.ledger.find_instrument(instrument).is_none()) {
            return Err(Reject::UnknownInstrument.into());
        }

        let (account, instrument) = (cancel.account, cancel.instrument);
        let rest = MassCancelRest { session, client_order_id, account, instrument, count: 0 };
        self.go_on_cancelling(rest, events);
        Ok(())
    }

    /// Cancels up to the bound of a command; the rest waits.
    pub(super) fn go_on_cancelling(&mut self, mut rest: MassCancelRest, events: &mut Events) {
        rest.count += self.cancel_some(rest.account, rest.instrument, CancelReason::MassCancel, events);
        if self.first_order(rest.account, rest.instrument).is_some() {
            self.mass_cancel = Some(rest);
        } else {
            let MassCancelRest { session, client_order_id, account, count, .. } = rest;
            events.push(Event::MassCancelled { session, client_order_id, account, count });
        }
    }

    /// Cancels an account's orders, legs by ascending instrument, in a leg the latest to join first, up to the bound of
    /// one command; how many.
    pub(super) fn cancel_some(
        &mut self,
        account: AccountId,
        instrument: Option<InstrumentId>,
        reason: CancelReason,
        events: &mut Events,
    ) -> u32 {
        let mut count = 0;
        for _ in 0..CANCELS_PER_COMMAND {
            let Some(slot) = self.first_order(account, instrument) else { break };
            self.cancel_and_drop_leg(slot, reason, events);
            count += 1;
        }
        count
    }

    /// The next order a mass cancel takes.
    pub(super) fn first_order(
        &self,
        account: AccountId,
        instrument: Option<InstrumentId>,
    ) -> Option<OrderSlot> {
        let legs = self.ledger.legs_of(account);
        let mut wanted =
            legs.filter(|(_, leg)| instrument.is_none_or(|instrument| leg.instrument == instrument));
        wanted.find_map(|(leg, _)| self.ledger.orders_of(leg).next().map(|(slot, _)| slot))
    }

    /// A resting order of this account.
    pub(super) fn find_order(
        &self,
        session: SessionId,
        account: AccountId,
        order: OrderRef,
    ) -> Option<OrderSlot> {
        let slot = match order {
            OrderRef::Id(id) => self.orders.find(id),
            OrderRef::Client(client) => self.clients.find(&self.orders, session, client),
        }?;
        (self.orders.get(slot).account == account).then_some(slot)
    }

    pub(super) fn cancel_and_drop_leg(&mut self, slot: OrderSlot, reason: CancelReason, events: &mut Events) {
        let leg: LegId = self.ledger.reservation(slot).leg;
        self.cancel_resting(slot, reason, events);
        self.drop_leg_if_empty(leg);
    }

    /// Cancels a resting order. Its leg stays, even empty.
    pub(super) fn cancel_resting(&mut self, slot: OrderSlot, reason: CancelReason, events: &mut Events) {
        let instrument = self.orders.get(slot).instrument();
        self.markets[instrument.index()].book.remove(&mut self.orders, slot);
        self.cancel(slot, reason, events);
    }

    /// Cancels an order that is in no book.
    pub(super) fn cancel(&mut self, slot: OrderSlot, reason: CancelReason, events: &mut Events) {
        let (order, terms) = (*self.orders.get(slot), *self.orders.terms(slot));
        events.push(Event::Cancelled {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: order.account,
            instrument: order.instrument(),
            qty: order.leaves,
            reason,
        });
        self.forget(slot);
    }
}
