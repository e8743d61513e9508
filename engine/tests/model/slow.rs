//! The slow price of an instrument, with every hour it went through.

use std::collections::BTreeMap;

use risk::Rate;

use super::arith::{PPB, Terms, floor};
use super::prices::{SECOND, rate};

/// A slow price, with every hour's average and what the hour at hand is made of.
#[derive(Clone, Debug)]
pub(super) struct Slow {
    pub(super) price: i128,
    moved: u64,
    /// What the average of an hour was kept at; before the first, the price it began with.
    hours: BTreeMap<u64, i128>,
    began_with: i128,
    hour: u64,
    /// Prices of the hour at hand, and for how long each counts.
    seen: Vec<(i128, u64)>,
}

impl Slow {
    pub(super) fn new(price: i128, now: u64) -> Self {
        let hour = now.div_euclid(3_600 * SECOND);
        Self { price, moved: now, hours: BTreeMap::new(), began_with: price, hour, seen: Vec::new() }
    }

    fn of_hour(&self, hour: u64) -> i128 {
        let first = self.hours.keys().next();
        let known = first.is_some_and(|&first| hour >= first);
        if known { self.hours[&hour] } else { self.began_with }
    }

    pub(super) fn lead(&mut self, price: i128, step: Rate, now: u64) {
        let elapsed = (now - self.moved).min(600 * SECOND);
        if elapsed < 10 * SECOND {
            return;
        }
        self.moved = now;
        self.seen.push((price, elapsed));
        let hour = now.div_euclid(3_600 * SECOND);
        if hour > self.hour {
            let time: i128 = self.seen.iter().map(|&(_, length)| i128::from(length)).sum();
            let sum: i128 = self.seen.iter().map(|&(price, length)| price * i128::from(length)).sum();
            let before = if self.hour == 0 { self.began_with } else { self.of_hour(self.hour - 1) };
            let (low, high) = Terms::around(before, 60_000_000);
            for passed in self.hour..hour {
                self.hours.insert(passed, floor(sum, time).clamp(low, high));
            }
            (self.hour, self.seen) = (hour, Vec::new());
        }
        let yesterday = if hour < 24 { self.began_with } else { self.of_hour(hour - 24) };
        let ratio = floor(self.price.min(yesterday) * PPB, self.price.max(yesterday));
        let most = floor(self.price * rate(step) * i128::from(elapsed), PPB);
        let most = floor(floor(most * ratio, PPB) * ratio, PPB * PPB).min(self.price - 1);
        self.price = price.clamp(self.price - most, self.price + most);
    }
}
