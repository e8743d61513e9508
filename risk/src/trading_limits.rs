//! Trading limits of an instrument: what may change while it trades.
//!
//! Invariant: limits lie inside what the instrument's specification proved its arithmetic for.

use crate::instrument::InstrumentSpec;
use crate::limits::{NOTIONAL_MAX, ORDERS_PER_LEG_MAX};
use crate::units::{Money, Qty, Rate};

/// Limits of orders and positions of one instrument. Logged with the command that sets them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct TradingLimits {
    /// Limit buys above `mark x (1 + band)` and sells below `mark x (1 - band)` are refused.
    pub price_band: Rate,
    /// A market order's worst price lies this far from the mark.
    pub market_collar: Rate,
    /// Matching pauses where it would leave `mark x (1 +- band)`; 0 is never.
    pub limit_state_band: Rate,
    /// How long the call auction lasts that ends such a pause, in milliseconds.
    pub limit_state_call_ms: u32,
    /// Largest quantity of one order.
    pub order_qty_max: Qty,
    /// Largest value of one order at its limit price; 0 is none.
    pub order_notional_max: Money,
    /// Largest position an account may reach, its open orders counted in.
    pub position_max: Qty,
    /// Largest open interest.
    pub open_interest_max: Qty,
    /// Most orders of one account in the instrument, those that wait for a trigger counted in.
    pub orders_max: u32,
    /// Largest position all accounts of one owner may reach together, each counted in its worst way; 0 is none.
    pub owner_position_max: Qty,
}

impl TradingLimits {
    /// What a specification asks for: its own limits, no limit state, no largest value.
    #[must_use]
    pub const fn of(spec: &InstrumentSpec) -> Self {
        Self {
            price_band: spec.price_band,
            market_collar: spec.market_collar,
            limit_state_band: Rate::new(0),
            limit_state_call_ms: 0,
            order_qty_max: spec.order_qty_max,
            order_notional_max: Money::ZERO,
            position_max: spec.position_max,
            open_interest_max: spec.open_interest_max,
            orders_max: ORDERS_PER_LEG_MAX,
            owner_position_max: Qty::ZERO,
        }
    }

    /// Whether they may be set on an instrument of this specification: bands up to a half, quantities multiples of the
    /// lot and at most the specification's, a pause with a length.
    #[must_use]
    pub fn admitted_by(&self, spec: &InstrumentSpec) -> bool {
        let half = Rate::new(500_000_000);
        let proper = |rate: Rate| rate.get() > 0 && rate <= half;
        let within =
            |qty: Qty, max: Qty| qty >= spec.lot && qty <= max && qty.get().rem_euclid(spec.lot.get()) == 0;
        proper(self.price_band)
            && proper(self.market_collar)
            && self.limit_state_band <= half
            && (self.limit_state_band.get() == 0) == (self.limit_state_call_ms == 0)
            && within(self.order_qty_max, spec.order_qty_max)
            && within(self.position_max, spec.position_max)
            && within(self.open_interest_max, spec.open_interest_max)
            && self.order_notional_max >= Money::ZERO
            && self.order_notional_max.get() <= NOTIONAL_MAX
            && self.orders_max >= 1
            && self.orders_max <= ORDERS_PER_LEG_MAX
            && (self.owner_position_max == Qty::ZERO
                || within(self.owner_position_max, spec.open_interest_max))
    }
}
