//! What crowding adds to initial margin: the ramp with open interest, and the add-on for a position that is large beside
//! the depth of the book.
//!
//! Invariant: both never fall as open interest or notional grows, and both move initial margin alone. Source:
//! `MARGIN.md` 3.

use crate::fraction::Fraction;
use crate::limits::PPB;
use crate::rounding::{div_ceil, div_floor, wide_mul};
use crate::units::{Money, Rate, Requirement};

/// The initial rate at an open interest, exactly: `base` up to `lower`, all of it (`one`) from `upper` on, and a straight
/// line between. `base` and the result count in parts of `one`. `upper` zero is no ramp.
#[must_use]
pub fn ramp(base: Rate, one: Rate, interest: Money, lower: Money, upper: Money) -> Fraction {
    let whole = |rate: Rate| Fraction::whole(i128::from(rate.get()));
    if upper <= Money::ZERO || interest <= lower {
        return whole(base);
    }
    if interest >= upper {
        return whole(one.max(base));
    }
    let span = (upper - lower).get();
    let rise = i64::from(one.get().saturating_sub(base.get()));
    let over = wide_mul(span, i64::from(base.get())) + wide_mul((interest - lower).get(), rise);
    Fraction::new(over, i128::from(span))
}

/// [`ramp`] in parts per billion, rounded up as requirements are.
#[must_use]
pub fn scaled_rate(base: Rate, interest: Money, lower: Money, upper: Money) -> Rate {
    let rate = ramp(base, Rate::ONE, interest, lower, upper).ceil();
    Rate::new(u32::try_from(rate).unwrap_or(u32::MAX))
}

/// Bounds of the ramp as multiples, in parts per billion, of a measured depth of the book. Rounded down: the rate rises
/// no later than it should.
#[must_use]
pub fn depth_bounds(depth: Money, lower: u64, upper: u64) -> (Money, Money) {
    let bound = |multiple: u64| {
        let exact = div_floor(i128::from(depth.get()) * i128::from(multiple), i128::from(PPB));
        Money::new(i64::try_from(exact).unwrap_or(i64::MAX))
    };
    (bound(lower), bound(upper))
}

/// What a position of `notional` requires beyond the table because it is large beside the depth:
/// `notional x slope x (notional - free x depth)+ / depth`, rounded up, at most the whole notional. `free` counts
/// multiples of the depth in parts per billion. Depth zero is no add-on.
#[must_use]
pub fn concentration(notional: Money, depth: Money, free: u64, slope: Rate) -> Requirement {
    let (free, _) = depth_bounds(depth, free, free);
    if depth <= Money::ZERO || notional <= free {
        return Requirement::ZERO;
    }
    let excess = wide_mul(notional.get(), (notional - free).get());
    // Bounded before the rate is applied: beyond, the whole notional is asked for at any slope.
    let excess = div_ceil(excess, i128::from(depth.get())).min(1 << 92);
    Requirement::from_ppb(excess * i128::from(slope.get())).min(Requirement::of_money(notional))
}

// A notional at the smallest slope reaches the whole of itself well below that bound.
const _: () = assert!(crate::limits::NOTIONAL_MAX.ilog2() + PPB.ilog2() < 92 && 92 + 32 < 127);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_joins_its_ends_and_never_falls() {
        let base = Rate::new(200_000_000);
        let rate = |interest| scaled_rate(base, Money::new(interest), Money::new(1_000), Money::new(2_000));
        assert_eq!([rate(0), rate(1_000)], [base; 2]);
        assert_eq!([rate(2_000), rate(i64::MAX)], [Rate::ONE; 2]);
        assert_eq!(rate(1_500), Rate::new(600_000_000));
        assert!((0..3_000).all(|interest| rate(interest) <= rate(interest + 1)));
        assert_eq!(scaled_rate(base, Money::new(5), Money::ZERO, Money::ZERO), base);
        // Between two parts: 200,000,000 + 800,000,000 / 3 has a part of two thirds.
        let third = scaled_rate(base, Money::new(1), Money::ZERO, Money::new(3));
        assert_eq!(third, Rate::new(466_666_667));
    }

    #[test]
    fn concentration_begins_at_what_is_free_and_is_bounded() {
        let (depth, free, slope) = (Money::new(1_000), 2_000_000_000, Rate::new(10_000_000));
        let add_on = |notional| concentration(Money::new(notional), depth, free, slope);
        assert_eq!(add_on(2_000), Requirement::ZERO);
        // 3,000 x 1 % x 1,000 / 1,000
        assert_eq!(add_on(3_000), Requirement::of_money(Money::new(30)));
        assert_eq!(add_on(1 << 58), Requirement::of_money(Money::new(1 << 58)));
        assert!((0..200_000).step_by(997).all(|notional| add_on(notional) <= add_on(notional + 997)));
        assert_eq!(concentration(Money::new(9), Money::ZERO, free, slope), Requirement::ZERO);
    }
}
