//! The stable price: what the mark is worth to somebody who has to hold it, for initial margin.
//!
//! Invariant: it moves by at most [`PricingTerms::stable_step`] of itself a second, and the slower the further it is from
//! where the price was a day ago, so that a price pushed for minutes lends no margin. Source: `MARGIN.md` 11; the model
//! is Mango's, with its delay price weighed by the time that is counted.

use crate::limits::PPB;
use crate::rounding::div_floor;
use crate::terms::PricingTerms;
use crate::units::{Mark, Rate};

/// Hours whose average prices are kept.
const HOURS: usize = 24;
/// Nanoseconds in one.
const HOUR_NS: u64 = 3_600_000_000_000;
/// The average of an hour is kept to within this of the one before.
const GROWTH_AN_HOUR: Rate = Rate::new(60_000_000);
/// Less time than this between updates waits for more.
const STEP_MIN_NS: u64 = 10_000_000_000;
/// More time than this between updates counts as this.
const STEP_MAX_NS: u64 = 600_000_000_000;

/// `stable` led toward `price` for so long by at most `step` of itself a second, times the square of the ratio of `stable`
/// and `delayed`, the smaller over the larger. Rounded toward `stable`. `elapsed_ns` is at most ten minutes.
#[must_use]
pub fn stable_step(stable: Mark, delayed: Mark, price: Mark, elapsed_ns: u64, step: Rate) -> Mark {
    let (near, far) = (stable.min(delayed).get(), stable.max(delayed).get());
    let ratio = div_floor(i128::from(near) * i128::from(PPB), i128::from(far));
    let elapsed = i128::from(elapsed_ns.min(STEP_MAX_NS));
    let most = div_floor(i128::from(stable.get()) * i128::from(step.get()) * elapsed, i128::from(PPB));
    // Of a billionth of a sub-unit, then by the ratio twice.
    let most = div_floor(div_floor(most * ratio, i128::from(PPB)) * ratio, i128::from(PPB) * i128::from(PPB));
    let most = i64::try_from(most).unwrap_or(i64::MAX).min(stable.get() - 1);
    price.clamp(Mark::new(stable.get() - most), Mark::new(stable.get().saturating_add(most)))
}

/// A stable price with what it needs to move.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode)]
pub struct StablePrice {
    stable: Mark,
    /// Average price of each hour of the day, the latest known.
    hours: [Mark; HOURS],
    /// The hour since 1970 that is being averaged.
    hour: u64,
    /// Price times nanoseconds of that hour so far.
    sum: i128,
    /// Nanoseconds in it.
    counted_ns: u64,
    updated_ns: u64,
}

impl StablePrice {
    /// One that has seen nothing but `price`, which is above zero.
    #[must_use]
    pub const fn at(price: Mark, now_ns: u64) -> Self {
        let hour = now_ns.div_euclid(HOUR_NS);
        Self { stable: price, hours: [price; HOURS], hour, sum: 0, counted_ns: 0, updated_ns: now_ns }
    }

    /// The price.
    #[must_use]
    pub const fn get(&self) -> Mark {
        self.stable
    }

    /// Leads it toward `price`, which is above zero, for the time since it last moved.
    pub fn lead(&mut self, price: Mark, terms: &PricingTerms, now_ns: u64) {
        let elapsed = now_ns.saturating_sub(self.updated_ns).min(STEP_MAX_NS);
        if elapsed < STEP_MIN_NS {
            return;
        }
        self.updated_ns = now_ns;
        self.sum += i128::from(price.get()) * i128::from(elapsed);
        self.counted_ns += elapsed;
        let hour = now_ns.div_euclid(HOUR_NS);
        if hour != self.hour {
            self.end_hour(hour);
        }
        let delayed = self.hours[slot(hour)];
        self.stable = stable_step(self.stable, delayed, price, elapsed, terms.stable_step);
    }

    /// Keeps the average of the hour that is over, for the hours passed over too.
    fn end_hour(&mut self, next: u64) {
        let before = self.hours[slot(self.hour + HOURS as u64 - 1)];
        let average = div_floor(self.sum, i128::from(self.counted_ns));
        let average = Mark::new(i64::try_from(average).unwrap_or(i64::MAX));
        let kept = average.clamp(before.lowered_by(GROWTH_AN_HOUR), before.raised_by(GROWTH_AN_HOUR));
        for passed in (self.hour..next).take(HOURS) {
            self.hours[slot(passed)] = kept;
        }
        (self.hour, self.sum, self.counted_ns) = (next, 0, 0);
    }
}

/// The place of an hour of the day.
#[expect(clippy::cast_possible_truncation, reason = "below 24")]
const fn slot(hour: u64) -> usize {
    hour.rem_euclid(HOURS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mark(price: i64) -> Mark {
        Mark::new(price << 10)
    }

    /// 0.03 % a second.
    const TERMS: PricingTerms = PricingTerms { stable_step: Rate::new(300_000), ..PricingTerms::DIRECT };
    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn one_step_is_bounded_by_time_and_by_the_distance_from_yesterday() {
        let step = |stable, delayed, price, seconds| {
            stable_step(mark(stable), mark(delayed), mark(price), seconds * SECOND, TERMS.stable_step)
        };
        assert_eq!(step(1_000, 1_000, 10_000, 60), mark(1_018));
        assert_eq!(step(1_000, 1_000, 1, 60), mark(982));
        assert_eq!(step(1_000, 1_000, 1_003, 60), mark(1_003));
        // Twice as dear as yesterday, or half as dear: a quarter of the step.
        assert_eq!(step(2_000, 1_000, 10_000, 60), mark(2_009));
        assert_eq!(step(1_000, 2_000, 10_000, 60), Mark::new((1_000 << 10) + (18 << 8)));
        assert_eq!(step(1_000, 1_000, 10_000, 86_400), step(1_000, 1_000, 10_000, 600));
    }

    #[test]
    fn a_price_pushed_for_minutes_moves_it_little_and_one_that_stays_moves_it_there() {
        let mut stable = StablePrice::at(mark(1_000), 0);
        for second in 1..=300 {
            stable.lead(mark(5_000), &TERMS, second * SECOND);
        }
        assert!(stable.get() > mark(1_080) && stable.get() < mark(1_095), "{}", stable.get());
        for minute in 6..=9 * 24 * 60 {
            stable.lead(mark(1_500), &TERMS, minute * 60 * SECOND);
        }
        assert_eq!(stable.get(), mark(1_500));
    }

    #[test]
    fn an_hour_is_kept_near_the_one_before_and_weighed_by_the_time_that_counts() {
        let mut stable = StablePrice::at(mark(1_000), 0);
        // A gap of 50 minutes weighs ten, at 2,000; then ten at 1,000: the average is 1,500, kept to 6 %.
        stable.lead(mark(2_000), &TERMS, 3_000 * SECOND);
        stable.lead(mark(1_000), &TERMS, 3_600 * SECOND);
        assert_eq!(stable.hours[0], mark(1_060));
        stable.lead(mark(1_030), &TERMS, 3_700 * SECOND);
        stable.lead(mark(1_030), &TERMS, 7_200 * SECOND);
        assert_eq!(stable.hours[1], mark(1_030), "within 6 % it is the average");
        assert_eq!(stable.hours[2], mark(1_000), "of yesterday");
    }
}
