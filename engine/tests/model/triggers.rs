//! Triggers: what prices are watched, what they cross, and in which order it fires.

use engine::{
    AmendTrigger, OrderId, Pricing, Reject, SessionId, TradingState, Trigger, TriggerKind, TriggerSource,
};
use risk::{InstrumentId, Side};

use super::arith::{MARKS, ceil, floor, wide};
use super::state::{Order, Stage, Taker};
use super::{Model, Refusal};

/// The sources in the order in which they fire.
const SOURCES: [TriggerSource; 3] = [TriggerSource::Last, TriggerSource::Mark, TriggerSource::Index];

fn place_of(source: TriggerSource) -> usize {
    SOURCES.iter().position(|&known| known == source).expect("all three are listed")
}

/// Whether a rising price fires it.
fn rises(side: Side, kind: TriggerKind) -> bool {
    match kind {
        TriggerKind::Stop | TriggerKind::Trailing => side == Side::Buy,
        TriggerKind::TakeProfit => side == Side::Sell,
    }
}

fn trigger_of(order: &Order) -> Trigger {
    order.said.trigger.expect("what sleeps has a trigger")
}

impl Model {
    /// The watched price as it stands, with sub-units.
    pub(crate) fn watched(&self, instrument: InstrumentId, source: TriggerSource) -> Option<i128> {
        let known = &self.instruments[instrument.index()];
        match source {
            TriggerSource::Last => known.last.map(|last| last * MARKS),
            TriggerSource::Mark => known.mark,
            TriggerSource::Index => known.index,
        }
    }

    /// The price that fires an order as things stand.
    pub(crate) fn trigger_price(&self, order: &Order) -> i128 {
        let trigger = trigger_of(order);
        let price = wide(trigger.price);
        let (TriggerKind::Trailing, Some(best)) = (trigger.kind, order.best) else { return price };
        let terms = &self.instruments[order.instrument.index()].terms;
        let step = MARKS * terms.tick;
        match order.side {
            Side::Buy => (ceil(best, step) * terms.tick + price).min(terms.price_max),
            Side::Sell => (floor(best, step) * terms.tick - price).max(terms.tick),
        }
    }

    /// Whether a price with sub-units fires it.
    fn fires(&self, order: &Order, at: i128) -> bool {
        let trigger = self.trigger_price(order) * MARKS;
        if rises(order.side, trigger_of(order).kind) { at >= trigger } else { at <= trigger }
    }

    /// What waits in an instrument for a source.
    fn watching(&self, instrument: InstrumentId, source: TriggerSource) -> Vec<&Order> {
        let from = (instrument, OrderId::new(0));
        let all = self.asleep.range(from..=(instrument, OrderId::new(u64::MAX)));
        let all = all.map(|(_, id)| &self.orders[id]);
        all.filter(|order| order.stage == Stage::Dormant && trigger_of(order).source == source).collect()
    }

    /// A price of a source counts: trailing stops follow, and what it crosses waits to fire.
    pub(crate) fn watch(&mut self, instrument: InstrumentId, source: TriggerSource, at: i128) {
        let ids: Vec<OrderId> = self.watching(instrument, source).into_iter().map(|order| order.id).collect();
        for id in ids {
            let order = self.order_mut(id);
            if trigger_of(order).kind == TriggerKind::Trailing && !order.crossed {
                order.best = Some(match (order.side, order.best) {
                    (Side::Buy, best) => best.unwrap_or(at).min(at),
                    (Side::Sell, best) => best.unwrap_or(at).max(at),
                });
            }
            self.cross(id, at);
        }
    }

    /// Holds one trigger against a price.
    fn cross(&mut self, id: OrderId, at: i128) {
        let order = self.orders[&id];
        let instrument = order.instrument;
        let known = &self.instruments[instrument.index()];
        if known.state != TradingState::Open || !self.fires(&order, at) {
            return;
        }
        self.order_mut(id).crossed = true;
        let Trigger { source, kind, .. } = trigger_of(&order);
        let (high, low) = &mut self.instruments[instrument.index()].crossed[place_of(source)];
        if rises(order.side, kind) {
            *high = Some(high.map_or(at, |high| high.max(at)));
        } else {
            *low = Some(low.map_or(at, |low| low.min(at)));
        }
        if !self.crossed.contains(&instrument) {
            self.crossed.push(instrument);
        }
    }

    /// A match is the last price from now on.
    pub(crate) fn note_match(&mut self, instrument: InstrumentId, price: i128) {
        self.instruments[instrument.index()].last = Some(price);
    }

    /// After a taker the first and the last of its matches count.
    pub(crate) fn watch_taker(&mut self, taker: &Taker) {
        if let Some((first, last)) = taker.prices {
            self.watch(taker.instrument, TriggerSource::Last, first * MARKS);
            self.watch(taker.instrument, TriggerSource::Last, last * MARKS);
        }
    }

    /// A trigger begins to wait, or anew: a condition that holds already fires it.
    pub(crate) fn look_at_trigger(&mut self, id: OrderId) {
        let Order { instrument, .. } = self.orders[&id];
        if let Some(now) = self.watched(instrument, trigger_of(&self.orders[&id]).source) {
            self.cross(id, now);
        }
    }

    /// An instrument opens: the prices of this moment count.
    pub(crate) fn watch_opening(&mut self, instrument: InstrumentId) {
        for source in SOURCES {
            if let Some(now) = self.watched(instrument, source) {
                self.watch(instrument, source, now);
            }
        }
    }

    /// An instrument is not open any more: what was crossed is forgotten.
    pub(crate) fn forget_crossed(&mut self, instrument: InstrumentId) {
        self.instruments[instrument.index()].crossed = [(None, None); 3];
        self.crossed.retain(|&other| other != instrument);
        for source in SOURCES {
            let ids: Vec<OrderId> =
                self.watching(instrument, source).into_iter().map(|order| order.id).collect();
            for id in ids {
                self.order_mut(id).crossed = false;
            }
        }
    }

    /// The next of what a source of an instrument has crossed.
    fn next_of(&self, instrument: InstrumentId, source: TriggerSource) -> Option<OrderId> {
        let mut crossed = self.watching(instrument, source);
        crossed.retain(|order| order.crossed);
        let turn = |order: &&Order| {
            let (rising, at) = (rises(order.side, trigger_of(order).kind), self.trigger_price(order));
            (!rising, if rising { at } else { -at }, order.serial)
        };
        crossed.into_iter().min_by_key(turn).map(|order| order.id)
    }

    /// The trigger that fires next.
    pub(crate) fn next_crossed(&mut self) -> Option<OrderId> {
        self.forget_crossings();
        let instrument = *self.crossed.first()?;
        SOURCES.into_iter().find_map(|source| self.next_of(instrument, source))
    }

    /// A crossing of which everything has fired is none.
    pub(crate) fn forget_crossings(&mut self) {
        for instrument in self.crossed.clone() {
            for source in SOURCES {
                if self.next_of(instrument, source).is_none() {
                    self.instruments[instrument.index()].crossed[place_of(source)] = (None, None);
                }
            }
        }
        let instruments = &self.instruments;
        let some = |place: &InstrumentId| {
            let all = &instruments[place.index()].crossed;
            all.iter().any(|(high, low)| high.is_some() || low.is_some())
        };
        self.crossed.retain(some);
    }

    /// The price that fires an order that was crossed.
    pub(crate) fn crossing_price(&self, order: &Order) -> i128 {
        let trigger = trigger_of(order);
        let (high, low) = self.instruments[order.instrument.index()].crossed[place_of(trigger.source)];
        let at = if rises(order.side, trigger.kind) { high } else { low };
        at.expect("it was crossed")
    }

    /// Every rule an amendment of a trigger can break; the order as it will be.
    fn check_amend_trigger(&self, session: SessionId, amend: &AmendTrigger) -> Result<Order, Refusal> {
        self.user_account(amend.account)?;
        let known = self.resolve(session, amend.account, amend.order);
        if let Some(order) = known {
            let state = self.instruments[order.instrument.index()].state;
            if !matches!(state, TradingState::Open | TradingState::PreOpen | TradingState::Auction) {
                return Err(Reject::NotTrading.into());
            }
        }
        let owner = known.map_or(amend.account, |old| old.account);
        self.not_liquidating(owner)?;
        self.unrestricted(owner, known.is_none_or(|order| order.reduce_only))?;
        let Some(old) = known else { return Err(Reject::UnknownOrder.into()) };
        let mut order = old;
        order.price = amend.limit.map_or(0, wide);
        order.leaves = i128::from(amend.qty.get());
        let bound = old.partner.is_some() || old.exits.iter().any(Option::is_some);
        if old.stage != Stage::Dormant || (bound && order.leaves != old.leaves) {
            return Err(Reject::BadCombination.into());
        }
        let mut said = order.said;
        said.trigger = said.trigger.map(|trigger| Trigger { price: amend.trigger, ..trigger });
        order.said = said;
        Self::check_kind(&order, amend.limit.is_some())?;
        self.check_qty(&order, order.leaves)?;
        self.check_prices(&order, amend.limit.map(wide))?;
        self.check_trigger_price(&order)?;
        Ok(order)
    }

    pub(crate) fn amend_trigger(&mut self, session: SessionId, amend: &AmendTrigger) -> Result<(), Refusal> {
        let mut order = self.check_amend_trigger(session, amend)?;
        order.serial = self.next_serial();
        order.crossed = false;
        order.placed = self.next_place();
        order.best = self.watched(order.instrument, trigger_of(&order).source);
        self.orders.insert(order.id, order);
        self.emit_armed(order.id);
        self.look_at_trigger(order.id);
        Ok(())
    }

    /// Whether the quantity is the position when it takes.
    pub(crate) fn closes_position(order: &Order) -> bool {
        order.said.pricing == Pricing::ClosePosition
    }
}
