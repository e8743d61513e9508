//! Funding: what keeps a perpetual near its index. Premium, rate, and what the rate makes a lot owe.
//!
//! Invariant: a rate never leaves the bound of its terms, and rounding draws premium, rate and payment toward zero, so
//! that none of them is larger than the exact one. Source: `MARGIN.md` 12.

use crate::limits::PPB;
use crate::rounding::{div_ceil, div_floor};
use crate::terms::FundingTerms;
use crate::unit;
use crate::units::{Mark, Price, Qty, Rate, Side};

unit!(
    /// Funding rate or premium, in parts per billion a rate period; where it is positive, longs pay shorts.
    FundingRate(i64)
);

/// The largest accrual of a lot in one payment, money times 2^32. Terms that could reach it are refused for linear
/// contracts; an inverse one reaches it at an index next to nothing.
pub const ACCRUAL_MAX: i64 = 1 << 62;
/// A premium is kept within this.
const PREMIUM_MAX: i128 = 4 * PPB as i128;

/// Quotient toward zero. `divisor` must be positive.
fn div_toward_zero(dividend: i128, divisor: i128) -> i128 {
    if dividend < 0 { -div_floor(-dividend, divisor) } else { div_floor(dividend, divisor) }
}

fn narrow(value: i128, most: i128) -> i64 {
    i64::try_from(value.clamp(-most, most)).unwrap_or(i64::MAX)
}

/// The average price of the first `qty` of a side's levels, best first; rounded away from the other side, so that the premium
/// comes out smaller. `None` where they do not hold so much, or `qty` is nothing.
#[must_use]
pub fn impact(side: Side, levels: impl Iterator<Item = (Price, Qty)>, qty: Qty) -> Option<Mark> {
    let (mut left, mut value) = (qty, 0_i128);
    for (price, there) in levels {
        let taken = there.min(left);
        value += i128::from(price.to_mark().get()) * i128::from(taken.get());
        left -= taken;
        if left == Qty::ZERO {
            break;
        }
    }
    if left > Qty::ZERO || qty == Qty::ZERO {
        return None;
    }
    let average = match side {
        Side::Buy => div_floor(value, i128::from(qty.get())),
        Side::Sell => div_ceil(value, i128::from(qty.get())),
    };
    i64::try_from(average).ok().map(Mark::new)
}

/// How far the prices of size lie on one side of the index: `((bid - index)+ - (index - ask)+) / index`, toward zero. A side
/// that has not the size says nothing.
#[must_use]
pub fn premium(bid: Option<Mark>, ask: Option<Mark>, index: Mark) -> FundingRate {
    let above = bid.map_or(0, |bid| (bid.get() - index.get()).max(0));
    let below = ask.map_or(0, |ask| (index.get() - ask.get()).max(0));
    let exact =
        div_toward_zero((i128::from(above) - i128::from(below)) * i128::from(PPB), i128::from(index.get()));
    FundingRate::new(narrow(exact, PREMIUM_MAX))
}

/// `clamp(premium + clamp(interest - premium, +-interest_clamp), +-rate_max)`.
#[must_use]
pub fn rate(premium: FundingRate, terms: &FundingTerms) -> FundingRate {
    let (interest, pull, most) = (
        i64::from(terms.interest.get()),
        i64::from(terms.interest_clamp.get()),
        i64::from(terms.rate_max.get()),
    );
    let pulled = premium.get() + (interest - premium.get()).clamp(-pull, pull);
    FundingRate::new(pulled.clamp(-most, most))
}

/// The highest rate that terms may bound funding by: `factor` (ppb) of the distance between initial and maintenance margin,
/// rounded down, so that one payment takes no account from one to the other more than `factor` times.
#[must_use]
pub fn rate_bound(factor: u64, initial: Rate, maintenance: Rate) -> Rate {
    let distance = initial.get().saturating_sub(maintenance.get());
    let bound = div_floor(i128::from(factor) * i128::from(distance), i128::from(PPB));
    Rate::new(u32::try_from(bound).unwrap_or(u32::MAX))
}

/// What a rate makes something worth `value` owe for a part of the rate's period: `value x rate x elapsed / period`,
/// toward zero, in the unit of `value`.
///
/// In one unit of time, `elapsed` at most `period`. `value x rate` stays below 2^95 by [`FundingTerms`]' check.
#[must_use]
pub fn accrual(value: i128, rate: FundingRate, elapsed: u32, period: u32) -> i128 {
    let due = value.saturating_mul(i128::from(rate.get())).saturating_mul(i128::from(elapsed));
    div_toward_zero(due, i128::from(PPB) * i128::from(period.max(1)))
}

/// [`accrual`] of a lot worth `value` (money times 2^32), as it is booked.
#[must_use]
pub fn accrual_of_lot(value: i128, rate: FundingRate, elapsed_s: u32, period_s: u32) -> i64 {
    narrow(accrual(value, rate, elapsed_s, period_s), i128::from(ACCRUAL_MAX))
}

/// The premiums seen since the last payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, bincode::Encode)]
pub struct Premiums {
    sum: i64,
    count: u32,
}

impl Premiums {
    /// Takes a sample. Each is below 2^33, and one a second for eighty years still fits.
    pub fn take(&mut self, premium: FundingRate) {
        self.sum = self.sum.saturating_add(premium.get());
        self.count = self.count.saturating_add(1);
    }

    /// Their average, toward zero; `None` where there was none.
    #[must_use]
    pub fn average(&self) -> Option<FundingRate> {
        let average = || div_toward_zero(i128::from(self.sum), i128::from(self.count));
        (self.count > 0).then(|| FundingRate::new(narrow(average(), PREMIUM_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accrual::FUNDING_SHIFT;
    use crate::units::Money;

    const TERMS: FundingTerms = FundingTerms {
        interval_ns: 3_600_000_000_000,
        rate_period_ns: 28_800_000_000_000,
        impact_notional: Money::new(1_000),
        interest: Rate::new(100_000),
        interest_clamp: Rate::new(500_000),
        rate_max: Rate::new(40_000_000),
    };

    #[test]
    fn interest_pulls_the_premium_and_the_rate_is_bounded() {
        let of = |premium| rate(FundingRate::new(premium), &TERMS).get();
        assert_eq!(of(10_000_000), 9_500_000);
        assert_eq!(of(-10_000_000), -9_500_000);
        assert_eq!(of(0), 100_000);
        assert_eq!(of(400_000), 100_000, "inside the clamp interest is all");
        assert_eq!((of(900_000_000), of(-900_000_000)), (40_000_000, -40_000_000));
        assert_eq!(
            rate_bound(6_000_000_000, Rate::new(150_000_000), Rate::new(120_000_000)),
            Rate::new(180_000_000)
        );
        assert_eq!(rate_bound(6_000_000_000, Rate::new(1), Rate::new(2)), Rate::new(0));
    }

    #[test]
    fn a_premium_needs_size_beyond_the_index() {
        let mark = |price: i64| Some(Mark::new(price));
        let index = Mark::new(30_000);
        assert_eq!(premium(mark(30_003), mark(30_010), index), FundingRate::new(100_000));
        assert_eq!(premium(mark(29_000), mark(29_991), index), FundingRate::new(-300_000));
        assert_eq!(premium(mark(29_000), mark(31_000), index), FundingRate::new(0));
        assert_eq!(premium(None, None, index), FundingRate::new(0));
        assert_eq!(premium(mark(30_001), None, index), FundingRate::new(33_333), "toward zero");
        assert_eq!(premium(None, mark(29_999), index), FundingRate::new(-33_333), "toward zero");
        assert_eq!(premium(mark(i64::MAX), None, Mark::new(1)), FundingRate::new(4_000_000_000));
    }

    #[test]
    fn the_impact_price_is_the_average_of_the_size() {
        let levels = [(10, 3), (9, 2), (7, 9)].map(|(price, qty)| (Price::new(price), Qty::new(qty)));
        let of = |side, qty| impact(side, levels.iter().copied(), Qty::new(qty)).map(Mark::get);
        assert_eq!(of(Side::Buy, 3), Some(10 << 10));
        // 55 / 6 and 111 / 14 of a price, down for bids and up for asks.
        assert_eq!((of(Side::Buy, 6), of(Side::Sell, 6)), (Some(9_386), Some(9_387)));
        assert_eq!((of(Side::Buy, 14), of(Side::Sell, 14)), (Some(8_118), Some(8_119)));
        assert_eq!((of(Side::Buy, 15), of(Side::Sell, 0)), (None, None));
    }

    #[test]
    fn a_lot_owes_its_share_of_the_period_toward_zero() {
        let of = |value, rate, elapsed, period| accrual(value, FundingRate::new(rate), elapsed, period);
        assert_eq!(of(1_000, -1_001_999_000, 28_800, 28_800), -1_001);
        assert_eq!(of(1_000, 1_001_999_000, 28_800, 28_800), 1_001);
        assert_eq!(of(10_000_000_000_000, -1_001_999_000, 14_400, 28_800), -5_009_995_000_000);
        // A lot worth 10,000 at 0.95 % a period, an eighth of it: 11.875.
        let lot = accrual_of_lot(10_000 << FUNDING_SHIFT, FundingRate::new(9_500_000), 3_600, 28_800);
        assert_eq!(i128::from(lot) * 1_000, 11_875 << FUNDING_SHIFT);
        assert_eq!(accrual_of_lot(i128::MAX, FundingRate::new(1), 1, 1), ACCRUAL_MAX);
    }

    #[test]
    fn the_average_is_of_all_samples() {
        let mut premiums = Premiums::default();
        assert_eq!(premiums.average(), None);
        for sample in [10, -5, -4] {
            premiums.take(FundingRate::new(sample));
        }
        assert_eq!(premiums.average(), Some(FundingRate::new(0)));
        premiums.take(FundingRate::new(-9));
        assert_eq!(premiums.average(), Some(FundingRate::new(-2)));
    }
}
