//! Orders that fired, when their turn comes: from what sleeps without weight to an order like any other.
//!
//! Invariant: an order that fired is admitted exactly as a new one with its quantity and its limit of the moment; until
//! then it reserves nothing.

use super::Venue;
use super::checks::Checks;
use crate::command::{Pricing, TimeInForce};
use crate::event::{CancelReason, Event, Events};
use crate::reject::Reject;
use risk::{Candidate, OrderSlot, Price, Qty, Side, Weight};

impl Venue {
    /// Makes a fired order one like any other, with its limit, its quantity and its reservation; why it cannot be.
    pub(super) fn admit_fired(&mut self, slot: OrderSlot, events: &mut Events) -> Result<(), CancelReason> {
        let order = *self.orders.get(slot);
        let (account, instrument, side) = (order.account, order.instrument(), order.side());
        let leg = self.ledger.reservation(slot).leg;
        let qty = self.fired_qty(slot)?;
        let price = self.fired_limit(slot).ok_or(CancelReason::Unfillable)?;
        self.check_fired(slot, price, qty).map_err(|_| CancelReason::Limit)?;
        let candidate = Candidate {
            account,
            instrument,
            leg: Some(leg),
            side,
            price,
            qty,
            reduce_only: order.reduce_only(),
            replaces: None,
        };
        let feed = self.admit(&candidate).map_err(|refusal| {
            if refusal.reject == Reject::InsufficientMargin {
                CancelReason::Margin
            } else {
                CancelReason::Limit
            }
        })?;

        self.feed(account, feed, events);
        let key = self.key_of(instrument, price);
        self.ledger.release(slot);
        self.orders.reprice(slot, key, qty);
        self.ledger.reserve(slot, leg, side, price, qty, Weight::of(order.reduce_only()));
        let conditions = self.orders.conditions_mut(slot);
        if conditions.is_market && conditions.time_in_force.rests() {
            conditions.time_in_force = TimeInForce::ImmediateOrCancel;
        }
        let terms = self.orders.terms(slot);
        events.push(Event::Activated {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account,
            instrument,
            limit: price,
            leaves: qty,
        });
        Ok(())
    }

    /// The quantity of a fired order: the position's size where it closes the position, cut to it where it only reduces.
    fn fired_qty(&self, slot: OrderSlot) -> Result<Qty, CancelReason> {
        let order = self.orders.get(slot);
        if !order.reduce_only() {
            return Ok(order.leaves);
        }
        let position = self.ledger.leg(self.ledger.reservation(slot).leg).position;
        if Side::closing(position) != Some(order.side()) {
            return Err(CancelReason::ReduceOnly);
        }
        let pricing = self.orders.conditions(slot).map(|conditions| conditions.instructions.pricing);
        let closes = pricing == Some(Pricing::ClosePosition);
        Ok(if closes { position.size() } else { order.leaves.min(position.size()) })
    }

    /// The limit of a fired order: as given, at the collar, or the best price of the other side where there is one.
    fn fired_limit(&self, slot: OrderSlot) -> Option<Price> {
        let (order, conditions) = (self.orders.get(slot), self.orders.conditions(slot)?);
        let (instrument, side) = (order.instrument(), order.side());
        match conditions.instructions.pricing {
            Pricing::MarketToLimit => {
                let best = self.markets[instrument.index()].book.best(side.opposite())?;
                Some(self.price_of(instrument, best))
            }
            Pricing::Stated | Pricing::QuoteNotional | Pricing::ClosePosition if conditions.is_market => {
                self.market_limit(instrument, side).ok()
            }
            Pricing::Stated | Pricing::QuoteNotional | Pricing::ClosePosition => {
                Some(self.price_of(instrument, order.key))
            }
        }
    }

    /// The rules of acceptance on price, quantity and value.
    fn check_fired(&self, slot: OrderSlot, limit: Price, qty: Qty) -> Result<(), Reject> {
        let order = self.orders.get(slot);
        let (instrument, side) = (order.instrument(), order.side());
        if self.orders.conditions(slot).is_some_and(|conditions| !conditions.is_market) {
            self.check_band(instrument, side, limit)?;
        }
        self.check_size(instrument, qty)?;
        self.check_value(instrument, limit, qty)
    }
}
