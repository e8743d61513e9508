//! Orders that wait for a price.
//!
//! Invariant: between commands, unless work is left over, no crossed trigger waits.

use super::{Venue, Verdict};
use crate::command::{AmendTrigger, SessionId, TriggerSource};
use crate::event::{CancelReason, Event, Events};
use crate::reject::Reject;
use risk::{InstrumentId, OrderSlot, Price};

impl Venue {
    /// Shows what an accepted order waits for. Once it is more than held, it waits for its trigger from now on.
    pub(super) fn arm(&mut self, slot: OrderSlot, events: &mut Events) {
        let order = self.orders.get(slot);
        let (terms, leaves) = (self.orders.terms(slot), self.orders.leaves(slot));
        let Some(conditions) = self.orders.conditions(slot) else { return };
        let Some(trigger) = conditions.instructions.trigger else { return };
        let limit = if conditions.is_market { Price::new(0) } else { self.ledger.reservation(slot).price };
        events.push(Event::Armed {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: order.account,
            instrument: order.instrument(),
            trigger,
            limit,
            leaves,
        });
    }

    /// The instrument is open from now on: the prices of this moment count.
    pub(super) const fn opened(&mut self, _instrument: InstrumentId) {}

    /// Takes an order that waits for its trigger out of the triggers.
    pub(super) const fn disarm(&mut self, _slot: OrderSlot) {}

    /// Makes a fired order one like any other, with its limit, its quantity and its reservation; why it cannot be.
    pub(super) const fn admit_fired(
        &mut self,
        _slot: OrderSlot,
        _events: &mut Events,
    ) -> Result<(), CancelReason> {
        Ok(())
    }

    /// Whether a watched price is known.
    pub(super) fn knows_price(&self, instrument: InstrumentId, source: TriggerSource) -> bool {
        let instrument = self.ledger.instrument(instrument);
        match source {
            TriggerSource::Last => false,
            TriggerSource::Mark => instrument.mark.is_some(),
            TriggerSource::Index => instrument.index.is_some(),
        }
    }

    pub(super) fn amend_trigger(
        &mut self,
        _session: SessionId,
        _amend: &AmendTrigger,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }
}
