//! Exact fractions: what a figure is before it is rounded.
//!
//! Invariant: the divisor is above zero. Nothing is rounded until [`Fraction::floor`] or [`Fraction::ceil`] says which
//! way.

use core::cmp::Ordering;

use crate::rounding::{div_ceil, div_floor};

/// `over / under` with `under` above zero.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub struct Fraction {
    over: i128,
    under: i128,
}

impl Fraction {
    /// `over / under`; `under` must be above zero.
    #[inline]
    #[must_use]
    pub const fn new(over: i128, under: i128) -> Self {
        debug_assert!(under > 0);
        Self { over, under }
    }

    /// A whole number.
    #[must_use]
    pub const fn whole(number: i128) -> Self {
        Self::new(number, 1)
    }

    /// What is divided.
    #[inline]
    #[must_use]
    pub const fn over(self) -> i128 {
        self.over
    }

    /// What it is divided by.
    #[inline]
    #[must_use]
    pub const fn under(self) -> i128 {
        self.under
    }

    /// Rounded toward minus infinity.
    #[inline]
    #[must_use]
    pub fn floor(self) -> i128 {
        div_floor(self.over, self.under)
    }

    /// Rounded toward plus infinity.
    #[inline]
    #[must_use]
    pub fn ceil(self) -> i128 {
        div_ceil(self.over, self.under)
    }

    /// `2^shift` times it, rounded toward minus infinity; the nearest there is where that is out of range.
    #[must_use]
    pub fn floor_shifted(self, shift: u32) -> i128 {
        let under = self.under.unsigned_abs();
        // By long division: what is left times two is below 2^128, while a shifted dividend may not fit.
        let (mut whole, mut left) = (self.floor(), self.part().over.unsigned_abs());
        for _ in 0..shift {
            left *= 2;
            let Some(doubled) = whole.checked_mul(2) else {
                return if whole < 0 { i128::MIN } else { i128::MAX };
            };
            whole = doubled;
            if left >= under {
                whole += 1;
                left -= under;
            }
        }
        whole
    }

    /// What flooring takes away, as a fraction of the same divisor.
    #[must_use]
    pub const fn part(self) -> Self {
        Self::new(self.over.rem_euclid(self.under), self.under)
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Fraction {}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    /// By continued fractions, so that no product of two wide numbers is needed.
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut a, mut b) = (self.over, self.under);
        let (mut c, mut d) = (other.over, other.under);
        loop {
            let order = a.div_euclid(b).cmp(&c.div_euclid(d));
            if order != Ordering::Equal {
                return order;
            }
            (a, c) = (a.rem_euclid(b), c.rem_euclid(d));
            if a == 0 || c == 0 {
                return a.cmp(&c);
            }
            // a/b < c/d exactly when d/c < b/a.
            (a, b, c, d) = (d, c, b, a);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_order_and_round_exactly() {
        let third = Fraction::new(1, 3);
        assert!(third < Fraction::new(334, 1000) && third > Fraction::new(333, 1000));
        assert_eq!(Fraction::new(-2, 6), Fraction::new(-1, 3));
        assert!(Fraction::new(-1, 3) < Fraction::whole(0) && Fraction::whole(-1) < Fraction::new(-1, 3));
        assert_eq!((Fraction::new(-1, 3).floor(), Fraction::new(-1, 3).ceil()), (-1, 0));
        assert_eq!(Fraction::new(-1, 3).part(), Fraction::new(2, 3));
        let wide = i128::MAX;
        assert!(Fraction::new(wide, wide - 1) < Fraction::new(wide - 1, wide - 2));
    }
}
