//! What an order may say beyond the plain one: which of it goes together, and what price and quantity come of it.
//!
//! Invariant: what a rule here needs is the order, the book and the marks; nothing changes. The order of the checks is
//! the order of the rejects.

use super::Venue;
use super::checks::Checks;
use super::fillable::Walk;
use crate::command::{
    AdvancedOrder, Exit, Instructions, NewOrder, Pricing, ProtectionId, TimeInForce, TimeNs, TriggerKind,
};
use crate::reject::Reject;
use risk::{InstrumentId, Money, OwnerGroupId, Price, Qty, Side};

/// Whether it is to trade at any price inside the collar.
pub(super) const fn is_market(order: &NewOrder, said: &Instructions) -> bool {
    order.limit.is_none() && !matches!(said.pricing, Pricing::MarketToLimit)
}

/// How many orders it counts as: itself and its exits.
pub(super) const fn places(said: &Instructions) -> u32 {
    1 + said.take_profit.is_some() as u32 + said.stop_loss.is_some() as u32
}

/// Whether what an order says contradicts itself.
fn contradicts(order: &NewOrder, said: &Instructions) -> bool {
    let (lasts, market) = (order.time_in_force.rests(), is_market(order, said));
    let rests = lasts && !market;
    let (sleeps, has_exits) = (said.trigger.is_some(), places(said) > 1);
    let has_display = said.display != Qty::ZERO;
    let has_least = said.min_qty != Qty::ZERO;
    let is_whole = order.time_in_force == TimeInForce::FillOrKill;
    let life = (market && lasts && !sleeps)
        || (order.post_only && !rests)
        || (said.slides && (!order.post_only || sleeps))
        || (has_display && !rests)
        || (has_least && (order.post_only || is_whole))
        || (said.expires != TimeNs::default() && !rests && !sleeps);
    let priced = match said.pricing {
        Pricing::Stated => false,
        Pricing::MarketToLimit => order.limit.is_some() || order.post_only || !rests,
        Pricing::QuoteNotional => {
            order.limit.is_some() || lasts || has_display || has_least || sleeps || has_exits
        }
        Pricing::ClosePosition => order.limit.is_some() || !order.reduce_only || has_least || has_exits,
    };
    let is_protected = said.protection != ProtectionId::default();
    life || priced || (has_exits && (order.reduce_only || sleeps || is_protected)) || (is_protected && sleeps)
}

impl Venue {
    /// The order as it will be kept: the end of the day is a time, and a market order that sleeps takes at once when it
    /// fires.
    pub(super) fn resolved(&self, advanced: &AdvancedOrder) -> AdvancedOrder {
        let AdvancedOrder { mut order, mut instructions } = *advanced;
        let sleeps = instructions.trigger.is_some();
        if sleeps && is_market(&order, &instructions) && order.time_in_force.rests() {
            order.time_in_force = TimeInForce::ImmediateOrCancel;
        }
        instructions.expires = instructions.expires_at(self.last.time);
        AdvancedOrder { order, instructions }
    }

    /// Combination, quantity, prices, times and value of an order with instructions; its worst price and its quantity.
    pub(super) fn special_terms(
        &self,
        order: &NewOrder,
        said: &Instructions,
        group: OwnerGroupId,
    ) -> Result<(Price, Qty), Reject> {
        let instrument = order.instrument;
        if contradicts(order, said) {
            return Err(Reject::BadCombination);
        }
        let qty = self.check_special_quantity(order, said)?;
        let exits = [said.take_profit, said.stop_loss];
        let limits = exits.iter().flatten().map(|exit| exit.limit).chain([order.limit]);
        for limit in limits.flatten() {
            self.check_price(instrument, limit)?;
        }
        self.check_triggers(order, said)?;
        if said.expires != TimeNs::default() && said.expires <= self.last.time {
            return Err(Reject::BadExpiry);
        }
        self.mark(instrument).ok_or(Reject::NoMarkPrice)?;
        if let Some(trigger) = said.trigger {
            if trigger.kind == TriggerKind::Trailing && !self.knows_price(instrument, trigger.source) {
                return Err(Reject::NoTriggerPrice);
            }
            return Ok((order.limit.unwrap_or_default(), qty));
        }
        let (limit, qty) = self.priced(order, said, qty, group)?;
        self.check_value(instrument, limit, qty)?;
        Ok((limit, qty))
    }

    /// Quantity, shown quantity and least quantity; the quantity as it stands, money where the book decides it.
    fn check_special_quantity(&self, order: &NewOrder, said: &Instructions) -> Result<Qty, Reject> {
        let part =
            |part: Qty| part == Qty::ZERO || (self.is_lots(order.instrument, part) && part <= order.qty);
        let qty = match said.pricing {
            Pricing::QuoteNotional if order.qty <= Qty::ZERO => return Err(Reject::BadQuantity),
            Pricing::QuoteNotional => return Ok(order.qty),
            Pricing::ClosePosition if order.qty != Qty::ZERO => return Err(Reject::BadQuantity),
            Pricing::ClosePosition if said.trigger.is_some() => Qty::ZERO,
            Pricing::ClosePosition => self.closable(order),
            Pricing::Stated | Pricing::MarketToLimit => {
                if !self.is_lots(order.instrument, order.qty) || !part(said.display) || !part(said.min_qty) {
                    return Err(Reject::BadQuantity);
                }
                order.qty
            }
        };
        self.check_size(order.instrument, qty)?;
        Ok(qty)
    }

    /// How much of the position an order on its side would close.
    fn closable(&self, order: &NewOrder) -> Qty {
        let position = self.ledger.position(order.account, order.instrument);
        if Side::closing(position) == Some(order.side) { position.size() } else { Qty::ZERO }
    }

    /// Trigger, distance and the triggers of exits are prices; the take-profit lies on the far side of the stop.
    fn check_triggers(&self, order: &NewOrder, said: &Instructions) -> Result<(), Reject> {
        let own = said.trigger.map(|trigger| trigger.price);
        let of_exit = |exit: Option<Exit>| exit.map(|exit| exit.trigger);
        let (profit, stop) = (of_exit(said.take_profit), of_exit(said.stop_loss));
        let is_sound = |price: Price| self.is_price(order.instrument, price);
        let apart = match (profit, stop, order.side) {
            (Some(profit), Some(stop), Side::Buy) => profit > stop,
            (Some(profit), Some(stop), Side::Sell) => profit < stop,
            (None, _, _) | (_, None, _) => true,
        };
        let is_sound = apart && [own, profit, stop].into_iter().flatten().all(is_sound);
        if is_sound { Ok(()) } else { Err(Reject::BadTrigger) }
    }

    /// The worst price and the quantity of an order that takes part in trading at once.
    fn priced(
        &self,
        order: &NewOrder,
        said: &Instructions,
        qty: Qty,
        group: OwnerGroupId,
    ) -> Result<(Price, Qty), Reject> {
        let NewOrder { instrument, side, .. } = *order;
        let limit = match (order.limit, said.pricing) {
            (Some(limit), _) => limit,
            (None, Pricing::MarketToLimit) => {
                let best = self.markets[instrument.index()].book.best(side.opposite());
                self.price_of(instrument, best.ok_or(Reject::NoLiquidity)?)
            }
            (None, Pricing::Stated | Pricing::ClosePosition) => {
                return Ok((self.market_limit(instrument, side)?, qty));
            }
            (None, Pricing::QuoteNotional) => {
                let limit = self.market_limit(instrument, side)?;
                let key = self.key_of(instrument, limit);
                let mode = said.self_trade;
                let walk = Walk { account: order.account, group, instrument, side, key, mode };
                let qty = self.payable(&walk, Money::new(qty.get()));
                if qty == Qty::ZERO {
                    return Err(Reject::NoLiquidity);
                }
                self.check_size(instrument, qty)?;
                return Ok((limit, qty));
            }
        };
        self.check_band(instrument, side, limit)?;
        Ok((limit, qty))
    }

    /// The limit of an order that must not take: one tick short of the best price of the other side, where that is a
    /// price.
    pub(super) fn slid(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        let best = self.markets[instrument.index()].book.best(side.opposite())?;
        let key = match side {
            Side::Buy => best.checked_sub(1)?,
            Side::Sell => best.checked_add(1)?,
        };
        Some(self.price_of(instrument, key)).filter(|&price| self.is_price(instrument, price))
    }
}
