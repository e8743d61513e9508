//! How prices fall and what rests in the books meanwhile.
//!
//! Invariant: integers, drawn from the seed alone.

use engine::TimeInForce;
use risk::{InstrumentId, Price, Qty, Side};

use super::Depth;
use super::desk::{Desk, INSTRUMENTS, OTHER, PRICES};
use super::population::{BYSTANDERS, MAKERS, Population, maker};
use crate::flow::random::Random;

/// Where makers' orders stand from the price, in parts per ten thousand.
const DISTANCES: [i64; 6] = [5, 15, 30, 60, 100, 160];
/// How far a price may lie from its line, in parts per ten thousand.
const NOISE: i64 = 6;
/// Orders and cancels of traders who have nothing to do with it, in each interval.
const UNRELATED: u64 = 8;
const TICK: i64 = 10;

/// Falls, or rises, to where it ends: four fifths of it in a line with noise, and a fifth at once half way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// In parts per billion.
    pub(super) shock: i64,
    pub(super) steps: u64,
}

impl Path {
    /// Prices after so many steps. The other underlying moves half as much.
    pub(super) fn at(&self, step: u64, random: &mut Random) -> [i64; 3] {
        let done = i128::from(step.min(self.steps));
        let all = i128::from(self.steps.max(1));
        let done = done * 4 + if 2 * done >= all { all } else { 0 };
        let noise = if step >= self.steps { 0 } else { random.between(-NOISE, NOISE) };
        std::array::from_fn(|place| {
            let shock = if INSTRUMENTS[place] == OTHER { self.shock >> 1 } else { self.shock };
            let whole = i128::from(PRICES[place]) * i128::from(shock) * done;
            let moved = whole.checked_div(1_000_000_000 * 5 * all).unwrap_or(0);
            let moved =
                i64::try_from(moved).unwrap_or(0) + (PRICES[place] * noise).checked_div(10_000).unwrap_or(0);
            on_tick((PRICES[place] + moved).max(TICK))
        })
    }
}

/// The next price below that orders may have.
const fn on_tick(price: i64) -> i64 {
    price - price.rem_euclid(TICK)
}

/// Makers show their depth around the prices, and nothing else.
pub(super) fn quote(desk: &mut Desk, depth: Depth, population: &Population, prices: [i64; 3]) {
    for (instrument, (price, open)) in INSTRUMENTS.into_iter().zip(prices.into_iter().zip(population.open)) {
        let qty = match depth {
            Depth::Empty => return,
            // A thousandth of the open interest on a side, and all of it, twice.
            Depth::Thin => open.div_euclid(1_000),
            Depth::Deep => open * 2,
        };
        let orders = i64::from(MAKERS) * DISTANCES.map(|_| 1).iter().sum::<i64>();
        let qty = qty.div_euclid(orders).max(1);
        for number in 0..MAKERS {
            desk.withdraw(maker(number), instrument);
            ladder(desk, number, instrument, price, Qty::new(qty));
        }
    }
}

fn ladder(desk: &mut Desk, number: u32, instrument: InstrumentId, price: i64, qty: Qty) {
    for distance in DISTANCES {
        let away = on_tick((price * distance).div_euclid(10_000) + i64::from(number) * TICK);
        for (side, at) in [(Side::Buy, price - away - TICK), (Side::Sell, price + away + TICK)] {
            if at >= TICK {
                desk.order(
                    maker(number),
                    instrument,
                    (side, Price::new(at), qty),
                    TimeInForce::GoodTillCancel,
                );
            }
        }
    }
}

/// Orders of traders who hold nothing of what falls, each measured where somebody measures.
pub(super) fn unrelated(desk: &mut Desk, prices: [i64; 3], random: &mut Random) {
    let [one, two] = BYSTANDERS;
    let price = prices[OTHER.index()];
    for number in 0..UNRELATED {
        let away = random.between(1, 20) * TICK;
        let qty = Qty::new(random.between(1, 1_000));
        desk.unrelated(|desk| match number.rem_euclid(4) {
            0 => desk.order(
                one,
                OTHER,
                (Side::Sell, Price::new(price + away), qty),
                TimeInForce::GoodTillCancel,
            ),
            1 => desk.order(
                two,
                OTHER,
                (Side::Buy, Price::new(price + away), qty),
                TimeInForce::ImmediateOrCancel,
            ),
            2 => desk.order(
                one,
                OTHER,
                (Side::Buy, Price::new(price - away), qty),
                TimeInForce::GoodTillCancel,
            ),
            _ => desk.withdraw(one, OTHER),
        });
    }
}
