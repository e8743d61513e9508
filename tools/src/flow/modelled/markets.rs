//! The instruments of modelled flow and the price each is thought to be worth.
//!
//! Invariant: the price path depends on the seed and the number of steps alone, never on what traded.

use engine::{Action, Command};
use risk::{FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Tier};

use crate::flow::random::Random;

/// Money units per price unit and quantity unit, the same in every instrument here: 10^(6 - price - quantity decimals).
pub(super) const VALUE_MUL: i64 = 10;
/// Micro-dollars in a dollar.
pub(super) const DOLLAR: i64 = 1_000_000;

/// An instrument and its fair price.
#[derive(Clone, Debug)]
pub(super) struct Market {
    pub(super) instrument: InstrumentId,
    pub(super) tick: i64,
    /// Quantity that stands for one share of the recorded flow: about 60 dollars.
    pub(super) share: i64,
    /// Fair price, with sub-units; published as index price from time to time.
    pub(super) fair: Mark,
    /// Size of one jump of the slump, per mille.
    jump: i64,
    pub(super) spec: InstrumentSpec,
}

/// What is different between the instruments.
struct Terms {
    symbol: &'static [u8],
    price_decimals: u8,
    qty_decimals: u8,
    tick: i64,
    price: i64,
    share: i64,
    jump: i64,
}

const TERMS: [Terms; 3] = [
    Terms {
        symbol: b"BTC-PERP",
        price_decimals: 1,
        qty_decimals: 4,
        tick: 10,
        price: 600_000,
        share: 10,
        jump: 20,
    },
    Terms {
        symbol: b"ETH-PERP",
        price_decimals: 2,
        qty_decimals: 3,
        tick: 5,
        price: 250_000,
        share: 24,
        jump: 28,
    },
    Terms {
        symbol: b"SOL-PERP",
        price_decimals: 3,
        qty_decimals: 2,
        tick: 5,
        price: 150_000,
        share: 40,
        jump: 35,
    },
];

/// Three perpetuals, settled in micro-dollars.
pub(super) fn markets() -> Vec<Market> {
    (0..).zip(&TERMS).map(|(number, terms)| market(InstrumentId::new(number), terms)).collect()
}

fn market(instrument: InstrumentId, terms: &Terms) -> Market {
    let Terms { tick, price, share, jump, .. } = *terms;
    Market { instrument, tick, share, fair: Price::new(price).to_mark(), jump, spec: spec(terms) }
}

fn spec(terms: &Terms) -> InstrumentSpec {
    let mut symbol = [0; 16];
    symbol[..terms.symbol.len()].copy_from_slice(terms.symbol);
    let price_max = terms.price * 8;
    let open_interest = risk::limits::NOTIONAL_MAX.div_euclid(2 * price_max * VALUE_MUL);
    let tiers = |rates: [u32; 4]| {
        [0, 1_000_000, 5_000_000, 20_000_000]
            .into_iter()
            .zip(rates)
            .map(|(dollars, rate)| Tier { floor: Money::new(dollars * DOLLAR), rate: Rate::new(rate) })
            .collect()
    };
    InstrumentSpec {
        symbol,
        price_decimals: terms.price_decimals,
        qty_decimals: terms.qty_decimals,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(terms.tick),
        lot: Qty::new(1),
        price_max: Price::new(price_max),
        order_qty_max: Qty::new(open_interest >> 4),
        position_max: Qty::new(open_interest >> 1),
        open_interest_max: Qty::new(open_interest),
        price_band: Rate::new(100_000_000),
        market_collar: Rate::new(50_000_000),
        mark_step_max: Rate::new(50_000_000),
        maker_fee: FeeRate::new(-50_000),
        taker_fee: Rate::new(450_000),
        liquidation_fee: Rate::new(5_000_000),
        // 50x at first, half of it again as maintenance.
        initial_tiers: tiers([20_000_000, 50_000_000, 100_000_000, 200_000_000]),
        maintenance_tiers: tiers([10_000_000, 25_000_000, 50_000_000, 100_000_000]),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

impl Market {
    /// The small change between two index prices: up to 2 basis points either way.
    pub(super) fn wander(&mut self, random: &mut Random) {
        self.move_by(random.between(-200, 200));
    }

    /// A jump: `jump` per mille down in the slump, two thirds of it up in the rebound, 10 % more or less.
    pub(super) fn jump(&mut self, random: &mut Random, up: bool) {
        let millionths = self.jump * random.between(900, 1100);
        self.move_by(if up { (millionths * 2).div_euclid(3) } else { -millionths });
    }

    fn move_by(&mut self, millionths: i64) {
        let fair = self.fair.get();
        let lowest = self.spec.tick.to_mark().get() * 100;
        let highest = self.spec.price_max.to_mark().get() >> 1;
        self.fair = Mark::new((fair + (fair * millionths).div_euclid(1_000_000)).clamp(lowest, highest));
    }

    /// The index price as a command of the oracle.
    pub(super) fn index_command(&self) -> Command {
        Command::venue(Action::index_price(self.instrument, self.fair))
    }

    /// The tick at or below the fair price.
    pub(super) fn fair_tick(&self) -> i64 {
        self.on_tick(self.fair.floor_price().get())
    }

    /// The tick at or below a price, inside what the instrument admits.
    pub(super) fn on_tick(&self, price: i64) -> i64 {
        let price = price - price.rem_euclid(self.tick);
        price.clamp(self.tick, self.spec.price_max.get())
    }

    /// Value of a quantity at the fair price.
    pub(super) fn value(&self, qty: i64) -> i64 {
        qty * self.fair.floor_price().get() * VALUE_MUL
    }

    /// Quantity that is worth `value` at the fair price, rounded down.
    pub(super) fn qty_of(&self, value: i64) -> i64 {
        value.div_euclid((self.fair.floor_price().get() * VALUE_MUL).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instrument_compiles() {
        for market in markets() {
            let instrument = market.spec.clone().compile().expect("sound terms");
            assert_eq!(instrument.size_of_value(Qty::new(3), Price::new(7)).get(), 3 * 7 * VALUE_MUL);
            let share = market.value(market.share);
            assert!((50 * DOLLAR..70 * DOLLAR).contains(&share), "a share is about 60 dollars: {share}");
        }
    }
}
