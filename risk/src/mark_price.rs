//! The mark: the median of three prices around the index, none of which a book can lead far from it.
//!
//! Invariant: a mark made here lies inside the band around the index, whatever the book shows; a frozen mark lies no
//! further from where it froze than the time since then allows. Source: `MARGIN.md` 11.

use crate::ema::{Ema, weight_q32};
use crate::limits::PPB;
use crate::rounding::div_floor;
use crate::terms::PricingTerms;
use crate::units::{Mark, Rate};

/// Milliseconds in a minute, which [`PricingTerms::frozen_step`] is counted in.
const MINUTE_MS: i128 = 60_000;

/// What a funding rate (ppb a period) makes of the index over the time left of the period:
/// `index (1 + rate left / period)`, rounded down. A period of 0 is no funding.
///
/// `left` and `period` in one unit, below 2^58 and `left` at most `period`.
#[must_use]
pub fn fair_price(index: Mark, rate: i64, left: u64, period: u64) -> Mark {
    if period == 0 {
        return index;
    }
    // What is left is taken in billionths of the period first: the product of all four would not fit.
    let share = div_floor(i128::from(left) * i128::from(PPB), i128::from(period));
    let premium = div_floor(i128::from(index.get()) * i128::from(rate) * share, BILLION_SQUARED);
    moved(index, premium)
}

const BILLION_SQUARED: i128 = PPB as i128 * PPB as i128;

/// A mark moved by so much, kept in range.
fn moved(mark: Mark, by: i128) -> Mark {
    Mark::new(i64::try_from(i128::from(mark.get()) + by).unwrap_or(i64::MAX))
}

/// The middle one of three.
#[must_use]
pub fn median(a: Mark, b: Mark, c: Mark) -> Mark {
    a.min(b).max(a.max(b).min(c))
}

/// Half way between two, rounded down.
#[must_use]
pub const fn between(a: Mark, b: Mark) -> Mark {
    Mark::new((a.get() + b.get()) >> 1)
}

/// What the book of an instrument says of its price: a best price on each side that do not cross.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quotes {
    /// Best bid.
    pub bid: Mark,
    /// Best ask, above the bid.
    pub ask: Mark,
    /// Price of the last match, where there was one.
    pub last: Option<Mark>,
}

impl Quotes {
    /// Half way between bid and ask, rounded down.
    #[must_use]
    pub const fn mid(self) -> Mark {
        between(self.bid, self.ask)
    }

    /// The median of bid, ask and last match; the middle of the book before the first match.
    #[must_use]
    pub fn book_price(self) -> Mark {
        self.last.map_or_else(|| self.mid(), |last| median(self.bid, self.ask, last))
    }
}

/// The prices a mark is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Components {
    /// Index with what funding makes of it: [`fair_price`].
    pub fair: Mark,
    /// Index with the average of book less index.
    pub smoothed: Mark,
    /// [`Quotes::book_price`]; none where the book has no two sides, or they cross.
    pub book: Option<Mark>,
}

impl Components {
    /// The median of the three, each clamped to the band around the index; without a book the average of the two.
    #[must_use]
    pub fn mark(&self, index: Mark, band: Rate) -> Mark {
        let clamped = |price: Mark| price.clamp(index.lowered_by(band), index.raised_by(band));
        let (fair, smoothed) = (clamped(self.fair), clamped(self.smoothed));
        self.book.map_or_else(|| between(fair, smoothed), |book| median(fair, smoothed, clamped(book)))
    }
}

/// The average of book less index.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Basis {
    average: Ema,
    /// Time of the last sample, in nanoseconds.
    sampled_ns: Option<u64>,
}

impl Default for Basis {
    /// No difference: the book must earn its weight by standing.
    fn default() -> Self {
        Self { average: Ema::at(0), sampled_ns: None }
    }
}

impl Basis {
    /// Takes the difference of now; without a book there is none.
    pub fn sample(&mut self, index: Mark, mid: Option<Mark>, tau_ns: u64, now_ns: u64) {
        let elapsed = self.sampled_ns.map_or(0, |before| now_ns.saturating_sub(before));
        let difference = mid.map_or(0, |mid| mid.get() - index.get());
        self.average.lead(difference, weight_q32(elapsed, tau_ns));
        self.sampled_ns = Some(now_ns);
    }

    /// The average, in sub-units of a mark.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.average.get()
    }
}

/// Where a mark froze, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Frost {
    /// The mark then.
    pub mark: Mark,
    /// The time, in nanoseconds.
    pub since_ns: u64,
}

impl Frost {
    /// How far toward `target` the mark may be by now: `mark x step` a minute since it froze, rounded down.
    #[must_use]
    pub fn clamp(&self, target: Mark, terms: &PricingTerms, now_ns: u64) -> Mark {
        // Whole milliseconds, and 30 years of them are as good as for ever: the product stays below 2^126.
        let elapsed_ms = i128::from(now_ns.saturating_sub(self.since_ns).div_euclid(1_000_000).min(1 << 40));
        let a_minute = i128::from(self.mark.get()) * i128::from(terms.frozen_step.get());
        let reach = div_floor(a_minute * elapsed_ms, i128::from(PPB) * MINUTE_MS);
        let (low, high) =
            (moved(self.mark, -reach.min(i128::from(self.mark.get()) - 1)), moved(self.mark, reach));
        target.clamp(low, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mark(price: i64) -> Mark {
        Mark::new(price << 10)
    }

    #[test]
    fn funding_due_moves_the_fair_price() {
        // 10,000 with 0.03 % due over 4 of 8 hours.
        assert_eq!(fair_price(mark(10_000), 300_000, 4, 8), Mark::new(20_003 << 9));
        assert_eq!(fair_price(mark(10_000), -300_000, 4, 8), Mark::new(19_997 << 9));
        assert_eq!(fair_price(mark(10_000), 300_000, 0, 8), mark(10_000));
        assert_eq!(fair_price(mark(10_000), 300_000, 0, 0), mark(10_000));
    }

    #[test]
    fn the_median_is_the_middle_in_every_order() {
        let (low, middle, high) = (mark(10_006), mark(10_012), mark(10_020));
        for (a, b, c) in [
            (low, middle, high),
            (low, high, middle),
            (middle, low, high),
            (middle, high, low),
            (high, low, middle),
            (high, middle, low),
        ] {
            assert_eq!(median(a, b, c), middle);
        }
        assert_eq!(median(low, high, high), high);
    }

    #[test]
    fn no_book_moves_the_mark_beyond_the_band() {
        let (index, band) = (mark(1_000), Rate::new(20_000_000));
        for pushed in [1, 500, 1_500, 1_000_000] {
            let book = Some(mark(pushed));
            let all = Components { fair: index, smoothed: mark(pushed), book };
            let at = all.mark(index, band);
            assert_eq!(at, mark(if pushed > 1_000 { 1_020 } else { 980 }));
            // One component alone does not move it at all.
            assert_eq!(Components { smoothed: index, ..all }.mark(index, band), index);
            assert_eq!(Components { book: Some(index), ..all }.mark(index, band), index);
        }
    }

    #[test]
    fn without_a_book_it_is_the_average_of_two() {
        let index = mark(1_000);
        let two = Components { fair: mark(1_001), smoothed: mark(1_010), book: None };
        assert_eq!(two.mark(index, Rate::new(20_000_000)), Mark::new((1_001 + 1_010) << 9));
        let one_clamped = Components { smoothed: mark(2_000), ..two };
        assert_eq!(one_clamped.mark(index, Rate::new(20_000_000)), Mark::new((1_001 + 1_020) << 9));
    }

    #[test]
    fn the_book_earns_its_weight_by_standing() {
        let mut basis = Basis::default();
        basis.sample(mark(100), Some(mark(104)), 30, 1_000);
        assert_eq!(basis.get(), 0, "the first look is no time");
        basis.sample(mark(100), Some(mark(104)), 30, 1_030);
        // 4 x 2^10 x (1 - 1/e)
        assert_eq!(basis.get(), 2_589);
        basis.sample(mark(100), None, 30, 1_060);
        assert_eq!(basis.get(), 952, "no book is no difference");
    }

    #[test]
    fn a_frozen_mark_moves_by_its_step_a_minute() {
        let terms = PricingTerms { frozen_step: Rate::new(10_000_000), ..PricingTerms::DIRECT };
        let frost = Frost { mark: mark(1_000), since_ns: 5 };
        let after = |ms: u64, target| frost.clamp(target, &terms, 5 + ms * 1_000_000);
        assert_eq!(after(0, mark(2_000)), mark(1_000));
        assert_eq!(after(30_000, mark(2_000)), mark(1_005));
        assert_eq!(after(120_000, mark(500)), mark(980));
        assert_eq!(after(120_000, mark(990)), mark(990));
        assert_eq!(after(1 << 43, mark(1)), mark(1), "in time it may be anywhere above nothing");
        let standing = PricingTerms { frozen_step: Rate::new(0), ..terms };
        assert_eq!(frost.clamp(mark(1), &standing, u64::MAX), mark(1_000));
    }
}
