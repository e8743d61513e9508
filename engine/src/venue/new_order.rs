//! New orders: from the client's words to a taker, and from what is left of the taker to the book.
//!
//! Invariant: checks run in reject order, so the first that fails is the reject; nothing is modified before the last
//! has passed, but the session's numbers, which every command uses up.

use super::matching::{Purpose, Taker};
use super::{Market, Venue, Verdict};
use crate::command::{ClientOrderId, NewOrder, SessionId, TimeInForce};
use crate::event::{Event, Events};
use crate::limits::FOK_MAKERS_MAX;
use crate::orders::{NewSlot, Terms};
use crate::reject::Reject;
use risk::{
    AccountId, AccountState, Candidate, Instrument, InstrumentId, LegId, Money, OrderSlot, Position, Price,
    Prospect, Qty, Restriction, Side, Weight,
};

impl Venue {
    pub(super) fn new_order(
        &mut self,
        session: SessionId,
        client_order_id: ClientOrderId,
        order: &NewOrder,
        events: &mut Events,
    ) -> Verdict {
        let (limit, leg) = self.check_terms(order)?;
        let position = leg.map_or(Position::ZERO, |leg| self.ledger.leg(leg).position);
        let qty = check_reduce_only(order, position)?;
        let candidate = Candidate {
            account: order.account,
            instrument: order.instrument,
            leg,
            side: order.side,
            price: limit,
            qty,
            reduce_only: order.reduce_only,
            replaces: None,
        };
        let key = self.key_of(order.instrument, limit);
        self.check_crossing(order, key, qty)?;
        self.admit(&candidate)?;

        let slot = self.store(session, client_order_id, order, key, qty);
        let leg = leg.unwrap_or_else(|| self.ledger.leg_for(order.account, order.instrument));
        self.ledger.reserve(slot, leg, order.side, limit, qty, Weight::of(order.reduce_only));
        events.push(Event::Accepted {
            order: self.orders.id(slot),
            client_order_id,
            session,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            limit,
            qty,
            time_in_force: order.time_in_force,
            reduce_only: order.reduce_only,
        });
        let purpose = Purpose::Order { slot, rests: order.time_in_force.rests() };
        let taker = Taker {
            account: order.account,
            instrument: order.instrument,
            leg,
            side: order.side,
            key,
            leaves: qty,
            traded: false,
            purpose,
        };
        self.take_and_settle(taker, events);
        Ok(())
    }

    /// Everything about an order that needs no look at the account's position; its worst price, and the account's leg.
    fn check_terms(&self, order: &NewOrder) -> Result<(Price, Option<LegId>), Reject> {
        let (state, restriction) = self.user(order.account)?;
        self.check_market(order, None)?;
        if state == AccountState::Liquidating {
            return Err(Reject::AccountLiquidating);
        }
        check_restriction(restriction, order.reduce_only)?;
        let is_market = order.limit.is_none();
        let rests = order.time_in_force.rests();
        if (is_market && rests) || (order.post_only && !rests) {
            return Err(Reject::BadCombination);
        }
        self.check_quantity(order.instrument, order.qty)?;
        let limit = match order.limit {
            Some(limit) => {
                self.check_price(order.instrument, limit)?;
                self.check_band(order.instrument, order.side, limit)?;
                limit
            }
            None => self.market_limit(order.instrument, order.side)?,
        };
        self.check_notional(order.instrument, order.qty, limit)?;
        let leg = self.check_room(order.account, order.instrument)?;
        Ok((limit, leg))
    }

    pub(super) fn check_quantity(&self, instrument: InstrumentId, qty: Qty) -> Result<(), Reject> {
        let Instrument { spec, limits, .. } = self.ledger.instrument(instrument);
        if qty <= Qty::ZERO || qty.get().rem_euclid(spec.lot.get()) != 0 {
            return Err(Reject::BadQuantity);
        }
        if qty > limits.order_qty_max { Err(Reject::QuantityTooLarge) } else { Ok(()) }
    }

    pub(super) fn check_price(&self, instrument: InstrumentId, price: Price) -> Result<(), Reject> {
        let spec = &self.ledger.instrument(instrument).spec;
        let sound =
            price.get() > 0 && price.get().rem_euclid(spec.tick.get()) == 0 && price <= spec.price_max;
        if sound { Ok(()) } else { Err(Reject::BadPrice) }
    }

    /// Limit buys may not lie above the band around the mark, sells not below it.
    pub(super) fn check_band(
        &self,
        instrument: InstrumentId,
        side: Side,
        price: Price,
    ) -> Result<(), Reject> {
        let mark = self.mark(instrument).ok_or(Reject::NoMarkPrice)?;
        let band = self.ledger.instrument(instrument).limits.price_band;
        let inside = match side {
            Side::Buy => price.to_mark() <= mark.raised_by(band),
            Side::Sell => price.to_mark() >= mark.lowered_by(band),
        };
        if inside { Ok(()) } else { Err(Reject::PriceBand) }
    }

    /// The value at the limit may not be above the instrument's order maximum.
    #[inline]
    pub(super) fn check_notional(
        &self,
        instrument: InstrumentId,
        qty: Qty,
        limit: Price,
    ) -> Result<(), Reject> {
        let instrument = self.ledger.instrument(instrument);
        let most = instrument.limits.order_notional_max;
        let admitted = most == Money::ZERO || instrument.value(qty, limit) <= most;
        if admitted { Ok(()) } else { Err(Reject::NotionalTooLarge) }
    }

    /// The worst price of a market order: the collar around the mark, on the tick, inside the instrument's range.
    fn market_limit(&self, instrument: InstrumentId, side: Side) -> Result<Price, Reject> {
        let mark = self.mark(instrument).ok_or(Reject::NoMarkPrice)?;
        let Instrument { spec, limits, .. } = self.ledger.instrument(instrument);
        let tick = spec.tick.get();
        let price = match side {
            Side::Buy => mark.raised_by(limits.market_collar).floor_price().get().div_euclid(tick) * tick,
            Side::Sell => {
                (mark.lowered_by(limits.market_collar).ceil_price().get() + tick - 1).div_euclid(tick) * tick
            }
        };
        Ok(Price::new(price.clamp(tick, spec.price_max.get())))
    }

    /// Whether stores and limits leave room for the order; the account's leg.
    fn check_room(&self, account: AccountId, instrument: InstrumentId) -> Result<Option<LegId>, Reject> {
        let leg = self.ledger.find_leg(account, instrument);
        let orders = leg.map_or(0, |leg| self.ledger.leg(leg).orders);
        if orders >= self.ledger.instrument(instrument).limits.orders_max || !self.orders.has_room() {
            return Err(Reject::TooManyOrders);
        }
        if leg.is_none() && !self.ledger.has_room_for_leg(account, instrument) {
            return Err(Reject::TooManyLegs);
        }
        Ok(leg)
    }

    fn check_crossing(&mut self, order: &NewOrder, key: u32, qty: Qty) -> Result<(), Reject> {
        if order.post_only && self.markets[order.instrument.index()].book.crosses(order.side, key) {
            return Err(Reject::PostOnlyWouldCross);
        }
        if order.time_in_force == TimeInForce::FillOrKill && !self.can_fill(order, key, qty) {
            return Err(Reject::FokNotFillable);
        }
        Ok(())
    }

    /// Walks the makers a fill-or-kill order would meet, as matching would.
    fn can_fill(&mut self, order: &NewOrder, key: u32, qty: Qty) -> bool {
        let Market { book, reach, .. } = &self.markets[order.instrument.index()];
        let key = reach.cut(order.side, key);
        let mut left = qty;
        let mut next = book.front(order.side, key);
        for _ in 0..FOK_MAKERS_MAX {
            let Some(slot) = next else { return false };
            let maker = *self.orders.get(slot);
            if maker.account == order.account {
                return false;
            }
            let liquidating = self
                .ledger
                .account(maker.account)
                .is_some_and(|owner| owner.state == AccountState::Liquidating);
            if !liquidating {
                left -= left.min(maker.leaves);
                if left == Qty::ZERO {
                    return true;
                }
            }
            next = book.behind(&mut self.orders, slot, order.side, key);
        }
        false
    }

    /// Position limit, open-interest limit, margin: what a candidate would make of its account and instrument.
    pub(super) fn admit(&mut self, candidate: &Candidate) -> Verdict {
        let prospect = self.ledger.prospect(candidate);
        self.check_exposure(candidate, &prospect)?;
        self.ledger.admit(&prospect)?;
        Ok(())
    }

    /// Position and open-interest limits; orders that only reduce pass.
    fn check_exposure(&self, candidate: &Candidate, prospect: &Prospect) -> Result<(), Reject> {
        let limits = &self.ledger.instrument(candidate.instrument).limits;
        let worst = prospect.worst_then();
        if worst > limits.position_max && worst > prospect.worst_now() {
            return Err(Reject::PositionLimit);
        }
        if candidate.reduce_only {
            return Ok(());
        }
        let position = prospect.position();
        let closes = Side::closing(position) == Some(candidate.side);
        let closing = if closes { candidate.qty.min(position.size()) } else { Qty::ZERO };
        if self.ledger.open_interest(candidate.instrument) + candidate.qty - closing
            > limits.open_interest_max
        {
            return Err(Reject::OpenInterestLimit);
        }
        Ok(())
    }

    fn store(
        &mut self,
        session: SessionId,
        client_order_id: ClientOrderId,
        order: &NewOrder,
        key: u32,
        qty: Qty,
    ) -> OrderSlot {
        let terms = Terms::new(session, client_order_id);
        let slot = self.orders.allocate(&NewSlot {
            instrument: order.instrument,
            account: order.account,
            side: order.side,
            key,
            qty,
            reduce_only: order.reduce_only,
            persistent: order.persistent,
            terms,
        });
        self.clients.insert(session, client_order_id, slot);
        slot
    }
}

/// Whether the operator lets the account place an order, or change one, that only `reduces` or does not.
#[inline]
pub(super) const fn check_restriction(restriction: Restriction, reduces: bool) -> Result<(), Reject> {
    match restriction {
        Restriction::None => Ok(()),
        Restriction::ReduceOnly if reduces => Ok(()),
        Restriction::ReduceOnly => Err(Reject::AccountReduceOnly),
        Restriction::Suspended => Err(Reject::AccountSuspended),
    }
}

/// The quantity of an order, a reduce-only order's cut to the position.
fn check_reduce_only(order: &NewOrder, position: Position) -> Result<Qty, Reject> {
    if !order.reduce_only {
        return Ok(order.qty);
    }
    if Side::closing(position) != Some(order.side) {
        return Err(Reject::ReduceOnlyWouldIncrease);
    }
    Ok(order.qty.min(position.size()))
}
