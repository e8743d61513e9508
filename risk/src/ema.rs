//! Exponential averages over irregular steps of time, in integers.
//!
//! Invariant: an average lies between the values it was led toward, and the weight of a step depends on its length alone.
//! It keeps 32 binary digits below what it is asked for, so that many small steps are not rounded away. Source:
//! `MARGIN.md` 11.

/// All of it, as a weight.
pub const WEIGHT_ONE: u64 = 1 << 32;
/// Binary digits of the exponential while it is computed.
const DIGITS: u32 = 62;
const ONE: u128 = 1 << DIGITS;
/// `ln 2` with [`DIGITS`] binary digits.
const LN_2: u128 = 3_196_577_161_300_663_915;
/// Terms of the series: the first left out is below `0.7^21 / 21!`, which is below 2^-76.
const TERMS: u128 = 20;
/// From here on `e^-x` is below half a unit of a weight.
const FAR: u128 = 23;

/// The weight of a step of `elapsed` in an average with time constant `tau`, both in one unit: `2^32 (1 - e^(-elapsed/tau))`.
/// Off by at most 0.51: half a unit of rounding, and less than 2^-20 for the series. A `tau` of 0 weighs all.
///
/// `e^-x = 2^-k e^-f` with `f = x - k ln 2` below `ln 2`; `e^-f` by Horner's rule, `1 - f (1 - f/2 (1 - f/3 (...)))`.
#[must_use]
pub fn weight_q32(elapsed: u64, tau: u64) -> u64 {
    let (elapsed, tau) = (u128::from(elapsed), u128::from(tau));
    if elapsed >= FAR * tau {
        return if elapsed == 0 { 0 } else { WEIGHT_ONE };
    }
    let exponent = (elapsed << DIGITS).div_euclid(tau);
    let (halvings, rest) = (exponent.div_euclid(LN_2), exponent.rem_euclid(LN_2));
    let mut power = ONE;
    for term in (1..=TERMS).rev() {
        power = ONE - ((rest * power) >> DIGITS).div_euclid(term);
    }
    let half_unit = 1 << (DIGITS - 33);
    let weight = (ONE - (power >> halvings) + half_unit) >> (DIGITS - 32);
    u64::try_from(weight).unwrap_or(WEIGHT_ONE)
}

/// An average.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Ema {
    /// 2^32 times what is asked for.
    scaled: i128,
}

impl Ema {
    /// One that has seen nothing but `value`; below 2^60 in size, as all that follows.
    #[must_use]
    pub const fn at(value: i64) -> Self {
        Self { scaled: (value as i128) << 32 }
    }

    /// Leads it toward `value` by a weight of [`weight_q32`]: `ema += ((value - ema) weight) >> 32`, rounded down.
    pub fn lead(&mut self, value: i64, weight: u64) {
        let distance = (i128::from(value) << 32) - self.scaled;
        self.scaled += (distance * i128::from(weight)) >> 32;
    }

    /// The average, rounded down.
    #[must_use]
    pub fn get(self) -> i64 {
        i64::try_from(self.scaled >> 32).expect("between values that fit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elapsed, tau, and the weight to 80 digits rounded to even, computed apart from this code.
    const EXACT: &[(u64, u64, u64)] = &[
        (1, 30, 140_805_776),
        (1, 3, 1_217_488_751),
        (100, 30_000, 14_292_723),
        (30, 30, 2_714_937_127),
        (60, 30, 3_713_706_681),
        (20, 1, 4_294_967_287),
        (22, 1, 4_294_967_295),
        (1, 1_000_000_000, 4),
        (1, 4_000_000_000, 1),
        (1, 20_000_000_000, 0),
        (693_147_180, 1_000_000_000, 2_147_483_647),
        (693_147_181, 1_000_000_000, 2_147_483_649),
        (5, 7, 2_192_401_878),
        (1_386_294_361, 1_000_000_000, 3_221_225_472),
        (123_456_789, 987_654_321, 504_671_956),
        (15, 2, 4_292_591_817),
    ];

    #[test]
    fn weights_are_the_exact_ones_rounded() {
        for &(elapsed, tau, exact) in EXACT {
            assert_eq!(weight_q32(elapsed, tau), exact, "{elapsed} of {tau}");
        }
    }

    #[test]
    fn nothing_weighs_nothing_and_long_weighs_all() {
        assert_eq!((weight_q32(0, 7), weight_q32(0, 0), weight_q32(1, 0)), (0, 0, WEIGHT_ONE));
        assert_eq!((weight_q32(23, 1), weight_q32(u64::MAX, 1)), (WEIGHT_ONE, WEIGHT_ONE));
        assert_eq!(weight_q32(u64::MAX, u64::MAX), weight_q32(1, 1));
    }

    #[test]
    fn a_longer_step_never_weighs_less() {
        let mut last = 0;
        for elapsed in 0..5_000 {
            let weight = weight_q32(elapsed, 211);
            assert!(weight >= last && weight <= WEIGHT_ONE, "at {elapsed}");
            last = weight;
        }
    }

    /// `(1 - a)(1 - b)` is what two steps leave; the step of both leaves as much, but for the roundings.
    #[test]
    fn two_steps_weigh_what_their_sum_weighs() {
        let left = |elapsed| u128::from(WEIGHT_ONE - weight_q32(elapsed, 1_000));
        for first in (0..9_000).step_by(37) {
            for second in (0..9_000).step_by(911) {
                let both = (left(first) * left(second)) >> 32;
                assert!(both.abs_diff(left(first + second)) <= 2, "{first} and {second}");
            }
        }
    }

    #[test]
    fn an_average_moves_by_the_weight_and_loses_no_small_step() {
        let mut ema = Ema::at(0);
        ema.lead(1_000_000, WEIGHT_ONE >> 2);
        assert_eq!(ema.get(), 250_000);
        ema.lead(1_000_000, WEIGHT_ONE >> 2);
        assert_eq!(ema.get(), 437_500);
        let mut slow = Ema::at(0);
        for _ in 0..2_000_000 {
            slow.lead(1, WEIGHT_ONE >> 17);
        }
        slow.lead(2, WEIGHT_ONE >> 1);
        assert_eq!(slow.get(), 1, "it had come near 1");
    }
}
