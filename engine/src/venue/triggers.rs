//! Orders that wait for a price: who begins to wait, what a price crosses, and what fires.
//!
//! Invariant: between commands, unless work is left over, no crossed trigger of an open instrument waits. While a crossing
//! is left over nobody takes, so no price comes between it and what it fires.

use super::{Market, Venue};
use crate::command::{TradingState, Trigger, TriggerSource};
use crate::conditions::Stage;
use crate::event::{CancelReason, Event, Events};
use crate::triggers::{Fired, Watch};
use risk::{InstrumentId, Mark, OrderSlot, Price};

impl Venue {
    /// Shows what an accepted order waits for. Once it is more than held, it waits for its trigger from now on.
    pub(super) fn arm(&mut self, slot: OrderSlot, events: &mut Events) {
        let is_dormant = self.stage(slot) == Some(Stage::Dormant);
        let watch = if is_dormant { self.watch(slot) } else { None };
        self.show_armed(slot, events);
        if let Some(source) = watch {
            self.compare(self.orders.get(slot).instrument(), source);
        }
    }

    pub(super) fn show_armed(&self, slot: OrderSlot, events: &mut Events) {
        let (order, terms) = (self.orders.get(slot), self.orders.terms(slot));
        let (Some(conditions), Some(watch)) = (self.orders.conditions(slot), Watch::of(&self.orders, slot))
        else {
            return;
        };
        let Some(trigger) = conditions.instructions.trigger else { return };
        let triggers = &self.markets[order.instrument().index()].triggers;
        let limit = if conditions.is_market { Price::new(0) } else { self.ledger.reservation(slot).price };
        events.push(Event::Armed {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: order.account,
            instrument: order.instrument(),
            trigger: Trigger { price: triggers.trigger(watch, &self.trails), ..trigger },
            limit,
            leaves: self.orders.leaves(slot),
        });
    }

    fn stage(&self, slot: OrderSlot) -> Option<Stage> {
        self.orders.conditions(slot).map(|conditions| conditions.stage)
    }

    /// Puts a dormant order among the triggers; the price it watches.
    pub(super) fn watch(&mut self, slot: OrderSlot) -> Option<TriggerSource> {
        let watch = Watch::of(&self.orders, slot)?;
        let instrument = self.orders.get(slot).instrument();
        let now = self.watched_price(instrument, watch.source());
        let triggers = &mut self.markets[instrument.index()].triggers;
        triggers.join(slot, watch, now, &mut self.orders, &mut self.trails);
        self.refresh_followers(instrument);
        Some(watch.source())
    }

    /// Takes an order that waits for its trigger out of the triggers.
    pub(super) fn disarm(&mut self, slot: OrderSlot) {
        let Some(watch) = Watch::of(&self.orders, slot) else { return };
        let triggers = &mut self.markets[self.orders.get(slot).instrument().index()].triggers;
        triggers.leave(slot, watch, &mut self.orders, &mut self.trails);
    }

    /// A watched price as it is.
    fn watched_price(&self, instrument: InstrumentId, source: TriggerSource) -> Option<Mark> {
        let terms = self.ledger.instrument(instrument);
        match source {
            TriggerSource::Last => {
                let last = self.markets[instrument.index()].last;
                (last != 0).then(|| self.price_of(instrument, last).to_mark())
            }
            TriggerSource::Mark => terms.mark,
            TriggerSource::Index => terms.index,
        }
    }

    /// Whether a watched price is known.
    pub(super) fn knows_price(&self, instrument: InstrumentId, source: TriggerSource) -> bool {
        self.watched_price(instrument, source).is_some()
    }

    /// Watched prices of an instrument, in the order of their sources.
    pub(super) fn watched_prices(&self, instrument: InstrumentId) -> [Option<Mark>; 3] {
        [TriggerSource::Last, TriggerSource::Mark, TriggerSource::Index]
            .map(|source| self.watched_price(instrument, source))
    }

    /// The instrument traded: at `first`, and in the end at `last`, in ticks.
    #[inline]
    pub(super) fn traded(&mut self, instrument: InstrumentId, first: u32, last: u32) {
        let market = &mut self.markets[instrument.index()];
        market.last = last;
        if market.triggers.watches(TriggerSource::Last) {
            self.note_trades(instrument, first, last);
        }
    }

    #[cold]
    fn note_trades(&mut self, instrument: InstrumentId, first: u32, last: u32) {
        for key in [first, last] {
            let price = self.price_of(instrument, key).to_mark();
            self.note(instrument, TriggerSource::Last, price);
        }
    }

    /// Mark and index of an instrument moved, or one of them.
    #[inline]
    pub(super) fn index_moved(&mut self, instrument: InstrumentId) {
        for source in [TriggerSource::Mark, TriggerSource::Index] {
            if self.markets[instrument.index()].triggers.watches(source) {
                self.compare(instrument, source);
            }
        }
    }

    /// The instrument is open from now on: the prices of this moment count.
    pub(super) fn opened(&mut self, instrument: InstrumentId) {
        for &source in TriggerSource::ALL {
            self.compare(instrument, source);
        }
    }

    /// Lets a watched price count as it is.
    #[cold]
    pub(super) fn compare(&mut self, instrument: InstrumentId, source: TriggerSource) {
        if let Some(price) = self.watched_price(instrument, source) {
            self.note(instrument, source, price);
        }
    }

    fn note(&mut self, instrument: InstrumentId, source: TriggerSource, price: Mark) {
        let market = &mut self.markets[instrument.index()];
        let is_queued = market.triggers.has_crossings();
        let fires = market.state == TradingState::Open;
        if market.triggers.note(source, price, fires, &mut self.trails) && !is_queued {
            self.crossed.push_back(instrument);
            self.left_over = true;
        }
    }

    /// The crossed trigger that fires next. Instruments of which everything crossed has fired leave the queue.
    pub(super) fn next_to_fire(&mut self) -> Option<Fired> {
        while let Some(&instrument) = self.crossed.front() {
            let Market { state, triggers, .. } = &mut self.markets[instrument.index()];
            if *state != TradingState::Open {
                triggers.forget_crossings(&mut self.trails);
            } else if let Some(fired) = triggers.next(&self.orders, &mut self.trails) {
                return Some(fired);
            }
            self.crossed.pop_front();
        }
        None
    }

    /// Fires a trigger: its order's turn comes, its pair partner goes.
    pub(super) fn fire_trigger(&mut self, fired: Fired, events: &mut Events) {
        let Fired { slot, trigger, at } = fired;
        self.disarm(slot);
        let (order, terms) = (self.orders.get(slot), self.orders.terms(slot));
        events.push(Event::Triggered {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: order.account,
            instrument: order.instrument(),
            trigger,
            at,
        });
        self.wait_for_turn(slot);
        if let Some(partner) = self.part_from_partner(slot) {
            self.cancel_resting(partner, CancelReason::Contingent, events);
        }
    }
}
