//! Ratios that are shown: leverage and margin ratio.
//!
//! Invariant: decisions never use these. They compare products of integers; a ratio is rounded only to be looked at.

use core::cmp::Ordering;
use fixed::types::I80F48;

use crate::fraction::Fraction;
use crate::limits::PPB;
use crate::rounding::{div_ceil, div_floor};
use crate::units::{Money, Requirement};

/// An exact fraction of a requirement over positive money.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    over: Requirement,
    under: Requirement,
}

impl Ratio {
    /// `over / under`; `None` when `under` is not positive.
    #[must_use]
    pub fn new(over: Requirement, under: Money) -> Option<Self> {
        (under > Money::ZERO).then(|| Self { over, under: Requirement::of_money(under) })
    }

    /// The ratio itself.
    #[must_use]
    pub fn exact(self) -> Fraction {
        Fraction::new(self.over.ppb(), self.under.ppb())
    }

    /// The ratio in billionths, rounded up; the largest number where it does not fit.
    #[must_use]
    pub fn billionths(self) -> i64 {
        // A requirement counts billionths of a money unit, so dividing by whole units gives billionths.
        let under = div_floor(self.under.ppb(), i128::from(PPB));
        i64::try_from(div_ceil(self.over.ppb(), under)).unwrap_or(i64::MAX)
    }

    /// The ratio in binary fixed point, rounded up (shown riskier than real, never safer); `None` when it does not fit.
    #[must_use]
    pub fn to_fixed(self) -> Option<I80F48> {
        let whole = self.over.ppb().div_euclid(self.under.ppb());
        let rest = self.over.ppb().rem_euclid(self.under.ppb());
        let whole = I80F48::checked_from_num(whole)?;
        // rest < under < 2^92, so rest x 2^32 would not fit with room: shift both down to keep 48 fraction bits.
        let excess = 128_u32.saturating_sub(self.under.ppb().leading_zeros()).saturating_sub(78);
        let (rest, under) = (rest >> excess, self.under.ppb() >> excess);
        let fraction = div_ceil(rest << 48, under);
        whole.checked_add(I80F48::from_bits(fraction))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        self.exact().cmp(&other.exact())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(over: i64, under: i64) -> Ratio {
        Ratio::new(Requirement::of_money(Money::new(over)), Money::new(under)).expect("positive")
    }

    #[test]
    fn ratios_order_exactly() {
        assert!(ratio(1, 3) < ratio(334, 1000));
        assert!(ratio(1, 3) > ratio(333, 1000));
        assert_eq!(ratio(2, 6), ratio(1, 3));
        assert_eq!(ratio(0, 6), ratio(0, 3));
        assert!(ratio(0, 6) < ratio(1, i64::MAX));
        assert!(ratio(i64::MAX, i64::MAX - 1) > ratio(i64::MAX - 1, i64::MAX - 1));
    }

    #[test]
    fn display_rounds_up_within_one_ulp() {
        assert_eq!(ratio(5, 2).to_fixed(), Some(I80F48::from_num(25) / I80F48::from_num(10)));
        let third = ratio(1, 3).to_fixed().expect("fits");
        assert!(third * 3 >= I80F48::ONE && (third - I80F48::DELTA) * 3 < I80F48::ONE);
    }
}
