//! The stable price: slow, and slower the further it is from the price of a day ago.

use std::collections::BTreeMap;

use risk::PricingTerms;

use super::arith::{PPB, Terms, floor};

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// An hour's average is kept to within this of the one before.
const GROWTH: i128 = 60_000_000;

/// A stable price and all it has seen.
#[derive(Clone, Debug)]
pub(crate) struct Stable {
    pub(crate) now: i128,
    first: i128,
    /// Average of each hour that is over.
    hours: BTreeMap<u64, i128>,
    /// Price and time that counts of each move in the hour.
    moves: Vec<(i128, i128)>,
    moved: u64,
}

impl Stable {
    pub(crate) fn new(first: i128, now: u64) -> Self {
        Self { now: first, first, hours: BTreeMap::new(), moves: Vec::new(), moved: now }
    }

    fn of_hour(&self, hour: u64) -> i128 {
        self.hours.get(&hour).copied().unwrap_or(self.first)
    }

    /// Moves toward a price.
    pub(crate) fn lead(&mut self, price: i128, terms: &PricingTerms, now: u64) {
        let counts = (now - self.moved).min(600 * SECOND);
        if counts < 10 * SECOND {
            return;
        }
        let (last, hour) = (self.moved.div_euclid(HOUR), now.div_euclid(HOUR));
        self.moved = now;
        self.moves.push((price, i128::from(counts)));
        if last != hour {
            let time: i128 = self.moves.iter().map(|(_, time)| time).sum();
            let average = floor(self.moves.iter().map(|(price, time)| price * time).sum(), time);
            let (low, high) = Terms::around(self.of_hour(last.wrapping_sub(1)), GROWTH);
            for over in last..hour {
                self.hours.insert(over, average.clamp(low, high));
            }
            self.moves.clear();
        }
        let before = self.of_hour(hour.wrapping_sub(24));
        let (near, far) = (self.now.min(before), self.now.max(before));
        let ratio = floor(near * PPB, far);
        let step = i128::from(terms.stable_step.get());
        // A share of itself a second, in billionths of a sub-unit, by the ratio twice.
        let most = floor(self.now * step * i128::from(counts), PPB);
        let most = floor(floor(most * ratio, PPB) * ratio, PPB * PPB).min(self.now - 1);
        self.now = price.clamp(self.now - most, self.now + most);
    }
}
