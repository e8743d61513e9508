//! The instrument that a recorded market is played on.
//!
//! Invariant: its terms are as wide as the venue admits, so that the recording decides what happens: no fees, bands and
//! collar of half the price, one low tier.

use risk::{FeeRate, InstrumentSpec, Money, Price, Qty, Rate, Tier};

/// Decimals of an instrument's amounts.
pub(crate) struct Decimals {
    pub(crate) price: u8,
    pub(crate) qty: u8,
    pub(crate) money: u8,
}

/// An instrument in lots of 1, without fees, with prices up to `price_max` in steps of `tick`, and with room for
/// `open_interest` in one order as well as in all. `name` beyond 16 octets is cut.
pub(crate) fn instrument(
    name: &str,
    decimals: &Decimals,
    tick: Price,
    price_max: Price,
    open_interest: Qty,
) -> InstrumentSpec {
    let half = Rate::new(500_000_000);
    let mut symbol = [0; 16];
    for (to, from) in symbol.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    InstrumentSpec {
        symbol,
        price_decimals: decimals.price,
        qty_decimals: decimals.qty,
        money_decimals: decimals.money,
        multiplier: 1,
        tick,
        lot: Qty::new(1),
        price_max,
        order_qty_max: open_interest,
        position_max: open_interest,
        open_interest_max: open_interest,
        price_band: half,
        market_collar: half,
        mark_step_max: half,
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: vec![Tier { floor: Money::ZERO, rate: Rate::new(20_000_000) }],
        maintenance_tiers: vec![Tier { floor: Money::ZERO, rate: Rate::new(10_000_000) }],
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}
