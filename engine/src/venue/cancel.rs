//! Cancels: one order, or all of an account.
//!
//! Invariant: a trader may always cancel, whatever the instrument's state or the account's; a cancel frees its
//! reservation in the same command.

use super::sweep::{Asked, Budget, Scope, Sweep};
use super::{Venue, Verdict};
use crate::command::{CancelOrder, ClientOrderId, MassCancel, OrderRef, SessionId};
use crate::conditions::Stage;
use crate::event::{CancelReason, Event, Events};
use crate::reject::Reject;
use risk::{AccountId, LegId, OrderSlot};

impl Venue {
    #[inline]
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

    #[inline(never)]
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

        let MassCancel { account, instrument, side, tag } = *cancel;
        let scope = Scope { instrument, side, tag, ..Scope::of_family(account, CancelReason::MassCancel) };
        let sweep = Sweep::asked_by(scope, Asked { session, client_order_id });
        self.sweep_within(sweep, &mut Budget::of_command(), events);
        Ok(())
    }

    /// A resting order of this account.
    #[inline]
    pub(super) fn find_order(
        &self,
        session: SessionId,
        account: AccountId,
        order: OrderRef,
    ) -> Option<OrderSlot> {
        match order {
            OrderRef::Id(id) => self
                .orders
                .find_of(id, account)
                .or_else(|| self.find_isolated(self.orders.find(id)?, account)),
            OrderRef::Client(client) => self.find_named(session, account, client),
        }
    }

    /// A resting order of this account by the client's number.
    #[inline(never)]
    fn find_named(&self, session: SessionId, account: AccountId, client: ClientOrderId) -> Option<OrderSlot> {
        let slot = self.clients.find(&self.orders, session, client)?;
        if self.orders.get(slot).account == account { Some(slot) } else { self.find_isolated(slot, account) }
    }

    /// An order, where it is one of an isolated position of this account.
    #[cold]
    fn find_isolated(&self, slot: OrderSlot, account: AccountId) -> Option<OrderSlot> {
        (self.principal(self.orders.get(slot).account) == account).then_some(slot)
    }

    pub(super) fn cancel_and_drop_leg(&mut self, slot: OrderSlot, reason: CancelReason, events: &mut Events) {
        let leg: LegId = self.ledger.reservation(slot).leg;
        self.cancel_resting(slot, reason, events);
        self.drop_leg_if_empty(leg);
    }

    /// Cancels an order that rests, sleeps or waits for its turn. Its leg stays, even empty.
    #[inline]
    pub(super) fn cancel_resting(&mut self, slot: OrderSlot, reason: CancelReason, events: &mut Events) {
        let order = self.orders.get(slot);
        if order.is_resting() {
            let instrument = order.instrument();
            self.markets[instrument.index()].book.remove(&mut self.orders, slot);
        } else {
            self.leave_queue(slot);
        }
        self.end(slot, reason, events);
    }

    /// Takes an order that is in no book out of where it waits.
    #[cold]
    fn leave_queue(&mut self, slot: OrderSlot) {
        let Some(conditions) = self.orders.conditions(slot) else { return };
        match conditions.stage {
            Stage::Waiting => self.waiting.remove(slot, &mut self.orders),
            Stage::Dormant => self.disarm(slot),
            Stage::Held | Stage::Live => {}
        }
    }

    /// Cancels an order that is in no book.
    #[inline(never)]
    pub(super) fn cancel(&mut self, slot: OrderSlot, reason: CancelReason, events: &mut Events) {
        self.end(slot, reason, events);
    }

    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    fn end(&mut self, slot: OrderSlot, reason: CancelReason, events: &mut Events) {
        let (order, terms) = (*self.orders.get(slot), *self.orders.terms(slot));
        events.push(Event::Cancelled {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: order.account,
            instrument: order.instrument(),
            qty: self.orders.leaves(slot),
            reason,
        });
        if order.is_special() {
            self.forget_special(slot, Some(reason), events);
        } else {
            self.forget(slot);
        }
    }
}
