//! What an order may say beyond the plain one: which combinations make sense, in the order of the rejects.

use engine::{Exit, Instructions, Pricing, Reject, TimeInForce, TriggerKind};
use risk::Side;

use super::arith::wide;
use super::state::Order;
use super::{Model, Refusal};

/// Nanoseconds in a day.
const DAY: u64 = 86_400_000_000_000;

fn exits(said: &Instructions) -> [Option<Exit>; 2] {
    [said.take_profit, said.stop_loss]
}

fn has_exits(said: &Instructions) -> bool {
    exits(said).iter().any(Option::is_some)
}

/// Whether instructions contradict each other or the order; `limited` is whether it states a limit.
fn contradicts(order: &Order, limited: bool) -> bool {
    let said = &order.said;
    let life = order.time_in_force;
    let lasting = life == TimeInForce::GoodTillCancel;
    let triggered = said.trigger.is_some();
    let to_limit = said.pricing == Pricing::MarketToLimit;
    let notional = said.pricing == Pricing::QuoteNotional;
    let closing = said.pricing == Pricing::ClosePosition;
    let market = !limited && !to_limit;
    let rests = lasting && !market;
    let display = said.display.get() != 0;
    let minimum = said.min_qty.get() != 0;
    [
        market && lasting && !triggered,
        order.post_only && !rests,
        said.slides && !order.post_only,
        display && !rests,
        minimum && (order.post_only || life == TimeInForce::FillOrKill),
        said.expires.get() != 0 && !rests && !triggered,
        said.pricing != Pricing::Stated && limited,
        to_limit && (order.post_only || !lasting),
        notional && (lasting || display || minimum || triggered || has_exits(said)),
        closing && (!order.reduce_only || minimum || has_exits(said)),
        has_exits(said) && (order.reduce_only || triggered || said.protection.get() != 0),
        said.protection.get() != 0 && triggered,
        triggered && order.post_only && said.slides,
    ]
    .contains(&true)
}

impl Model {
    pub(crate) fn check_kind(&self, order: &Order, limited: bool) -> Result<(), Refusal> {
        if contradicts(order, limited) { Err(Reject::BadCombination.into()) } else { Ok(()) }
    }

    /// The rules on the stated quantity and its parts.
    pub(crate) fn check_qty(&self, order: &Order, asked: i128) -> Result<(), Refusal> {
        let terms = &self.instruments[order.instrument.index()].terms;
        let said = &order.said;
        let lots = |qty: i128| qty > 0 && qty % terms.lot == 0;
        let part = |qty: i128| qty == 0 || (lots(qty) && qty <= asked);
        let sound = match said.pricing {
            Pricing::QuoteNotional => asked > 0,
            Pricing::ClosePosition => asked == 0,
            Pricing::Stated | Pricing::MarketToLimit => {
                lots(asked) && part(i128::from(said.display.get())) && part(i128::from(said.min_qty.get()))
            }
        };
        if !sound {
            return Err(Reject::BadQuantity.into());
        }
        if said.pricing != Pricing::QuoteNotional && asked > terms.order_qty_max {
            return Err(Reject::QuantityTooLarge.into());
        }
        Ok(())
    }

    /// Limits and triggers: on the grid, in range, and exits on the right sides of each other.
    pub(crate) fn check_prices(&self, order: &Order, limit: Option<i128>) -> Result<(), Refusal> {
        let terms = &self.instruments[order.instrument.index()].terms;
        let said = &order.said;
        let limits = exits(said).into_iter().flatten().filter_map(|exit| exit.limit).map(wide);
        if !limits.chain(limit).all(|price| terms.admits_price(price)) {
            return Err(Reject::BadPrice.into());
        }
        let own = said.trigger.map(|trigger| wide(trigger.price));
        let of_exits = exits(said).into_iter().flatten().map(|exit| wide(exit.trigger));
        let apart = match (said.take_profit, said.stop_loss) {
            (Some(profit), Some(stop)) => match order.side {
                Side::Buy => profit.trigger > stop.trigger,
                Side::Sell => profit.trigger < stop.trigger,
            },
            _ => true,
        };
        if !apart || !of_exits.chain(own).all(|price| terms.admits_price(price)) {
            return Err(Reject::BadTrigger.into());
        }
        Ok(())
    }

    pub(crate) fn check_expiry(&self, order: &Order) -> Result<(), Refusal> {
        let over = (1..=self.now).contains(&order.said.expires.get());
        if over { Err(Reject::BadExpiry.into()) } else { Ok(()) }
    }

    /// A trailing stop needs a price to follow.
    pub(crate) fn check_trigger_price(&self, order: &Order) -> Result<(), Refusal> {
        let Some(trigger) = order.said.trigger else { return Ok(()) };
        let unknown = self.watched(order.instrument, trigger.source).is_none();
        if trigger.kind == TriggerKind::Trailing && unknown {
            return Err(Reject::NoTriggerPrice.into());
        }
        Ok(())
    }

    /// Instructions with the end of the day resolved.
    pub(crate) fn resolved(&self, said: &Instructions) -> Instructions {
        let mut said = *said;
        if said.expires == Instructions::END_OF_DAY {
            said.expires = engine::TimeNs::new((self.now.div_euclid(DAY) + 1) * DAY);
        }
        said
    }
}
