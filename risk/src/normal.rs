//! The normal distribution in integers: how likely a price touches a level within a time.
//!
//! Invariant: fixed point with 60 binary digits throughout; every function names its error bound, and the tests measure
//! it. Nothing here decides anything: it is shown beside a distance to liquidation. Source: `MARGIN.md` 15.

use crate::limits::PPB;
use crate::rounding::{div_ceil, div_floor};

/// Binary digits of a distance in standard deviations.
pub const SIGMAS_SHIFT: u32 = 32;
/// Binary digits of what is found here.
pub const NORMAL_SHIFT: u32 = 60;
/// What [`upper_tail`] may be off by, in units of `2^-60`: `2^-44`.
pub const NORMAL_ERROR: i128 = 1 << (NORMAL_SHIFT - 44);

const ONE: i128 = 1 << NORMAL_SHIFT;
/// `ln 2`, rounded to nearest.
const LN_2: i128 = 799_144_290_325_165_979;
/// `1 / sqrt(2 pi)`, rounded to nearest.
const DENSITY_AT_0: i128 = 459_949_134_171_706_403;
/// Terms of the exponential series: `ln(2)^20 / 20!` is below `2^-60`.
const EXP_TERMS: i128 = 20;
/// Beyond this many standard deviations the tail is below `2^-55`, and 0 is near enough.
const FARTHEST: i128 = 17 << (NORMAL_SHIFT - 1);
/// Up to this many the series is summed, beyond the continued fraction is.
const SERIES_TO: i128 = 5 << (NORMAL_SHIFT - 1);
/// Depth of the continued fraction: enough from there on, and below 2^7, so that an order fits twice [`NORMAL_SHIFT`] up.
const FRACTION_DEPTH: i128 = 120;

const fn product(a: i128, b: i128) -> i128 {
    (a * b) >> NORMAL_SHIFT
}

/// `e^-x` for `x` from 0 to 64, within `2^-50`. All numbers are in units of `2^-60`.
fn exp_neg(x: i128) -> i128 {
    let halvings = div_floor(x, LN_2);
    let rest = x - halvings * LN_2;
    let (mut term, mut sum) = (ONE, ONE);
    for order in 1..=EXP_TERMS {
        term = -div_floor(product(term, rest), order);
        sum += term;
    }
    u32::try_from(halvings).ok().and_then(|halvings| sum.checked_shr(halvings)).unwrap_or(0)
}

/// The probability that a standard normal variable is above `distance` (not negative, in units of `2^-32`): in units of
/// `2^-60`, within [`NORMAL_ERROR`].
#[must_use]
pub fn upper_tail(distance: u64) -> i128 {
    let x = i128::from(distance) << (NORMAL_SHIFT - SIGMAS_SHIFT);
    if x >= FARTHEST {
        return 0;
    }
    let density = product(DENSITY_AT_0, exp_neg(product(x, x) >> 1));
    if x <= SERIES_TO { (ONE >> 1) - series(x, density) } else { fraction(x, density) }
}

/// `Phi(x) - 1/2 = density x sum of x^(2k+1) / (1 x 3 x ... x (2k+1))`: every term is positive, so nothing cancels.
fn series(x: i128, density: i128) -> i128 {
    let square = product(x, x);
    let (mut term, mut sum, mut odd) = (x, x, 1);
    while term > 0 {
        odd += 2;
        term = div_floor(product(term, square), odd);
        sum += term;
    }
    product(density, sum)
}

/// `density / (x + 1 / (x + 2 / (x + 3 / ...)))`.
fn fraction(x: i128, density: i128) -> i128 {
    let mut under = x;
    for order in (1..=FRACTION_DEPTH).rev() {
        let over = div_floor(order << (2 * NORMAL_SHIFT), under);
        under = x + over;
    }
    div_floor(density << NORMAL_SHIFT, under)
}

/// The probability, in billionths, that a price without drift touches a level `distance` standard deviations away (in
/// units of `2^-32`) before the time is over: `2 Phi(-distance)`, the reflection principle. Rounded up: at most two
/// billionths above what it is, never below.
#[must_use]
pub fn touch_probability(distance: u64) -> u32 {
    let tail = 2 * (upper_tail(distance) + NORMAL_ERROR);
    let billionths = div_ceil(tail * i128::from(PPB), ONE).clamp(0, i128::from(PPB));
    u32::try_from(billionths).unwrap_or(u32::MAX)
}

/// How many standard deviations (in units of `2^-32`) `distance` is where one is `sigma`; `None` where that is 0, since
/// then nothing moves. Rounded down: nearer than it is, never farther.
#[must_use]
pub fn in_sigmas(distance: u64, sigma: u64) -> Option<u64> {
    let wide = u128::from(distance) << SIGMAS_SHIFT;
    let sigmas = wide.checked_div(u128::from(sigma))?;
    Some(u64::try_from(sigmas).unwrap_or(u64::MAX))
}

#[cfg(test)]
#[expect(clippy::float_arithmetic, reason = "the reference is computed independently, in floating point")]
#[expect(clippy::cast_precision_loss, reason = "53 digits are more than the bound that is measured asks for")]
mod tests {
    use super::*;

    fn real(fixed: i128) -> f64 {
        fixed as f64 / ONE as f64
    }

    /// `Phi(-x)` another way: Simpson's rule over the density, from `x` to where nothing is left.
    fn integrated(x: f64) -> f64 {
        let density = |at: f64| (-at * at / 2.0).exp() / (2.0 * core::f64::consts::PI).sqrt();
        let (steps, end) = (20_000_u32, x + 12.0);
        let width = (end - x) / f64::from(steps);
        let inner: f64 = (1..steps)
            .map(|step| {
                let weight = if step % 2 == 1 { 4.0 } else { 2.0 };
                weight * density(f64::from(step).mul_add(width, x))
            })
            .sum();
        (density(x) + density(end) + inner) * width / 3.0
    }

    #[test]
    fn the_tail_is_within_its_bound_everywhere() {
        // Every 1/64 of a standard deviation to beyond the cut, and both sides of where the method changes.
        let edge = 5_u64 << (SIGMAS_SHIFT - 1);
        let dense = (0..=10 * 64).map(|step| step << (SIGMAS_SHIFT - 6));
        let mut worst = 0.0_f64;
        for distance in dense.chain([edge - 1, edge + 1, (17 << (SIGMAS_SHIFT - 1)) - 1]) {
            let x = distance as f64 / (1_u64 << SIGMAS_SHIFT) as f64;
            worst = worst.max((real(upper_tail(distance)) - integrated(x)).abs());
        }
        assert!(worst < real(NORMAL_ERROR), "{worst:e}");
    }

    #[test]
    fn published_quantiles() {
        for (distance, tail) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_05),
            (2.0, 0.022_750_131_948_179_21),
            (3.0, 0.001_349_898_031_630_094_5),
            (4.0, 3.167_124_183_311_992e-5),
            (5.0, 2.866_515_718_791_939e-7),
            (6.0, 9.865_876_450_376_98e-10),
        ] {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small and not negative"
            )]
            let fixed = (distance * (1_u64 << SIGMAS_SHIFT) as f64) as u64;
            assert!((real(upper_tail(fixed)) - tail).abs() < real(NORMAL_ERROR), "{distance}");
        }
    }

    #[test]
    fn the_exponential_is_within_its_bound() {
        for step in 0..=64 * 64_i128 {
            let x = step << (NORMAL_SHIFT - 6);
            assert!((real(exp_neg(x)) - (-real(x)).exp()).abs() < (0.5_f64).powi(50), "{step}");
        }
    }

    #[test]
    fn the_tail_never_rises_and_probabilities_are_rounded_up() {
        let mut last = (upper_tail(0), touch_probability(0));
        assert_eq!(last.1, 1_000_000_000, "where it stands it is touched");
        for step in 1..=9 * 64 {
            let distance = step << (SIGMAS_SHIFT - 6);
            let now = (upper_tail(distance), touch_probability(distance));
            assert!(now.0 <= last.0 + 2 * NORMAL_ERROR && now.1 <= last.1, "{step}");
            let exact = 2.0 * integrated(distance as f64 / (1_u64 << SIGMAS_SHIFT) as f64) * 1e9;
            let shown = f64::from(now.1);
            assert!(shown >= exact && shown <= exact + 2.0, "{step}: {shown} for {exact}");
            last = now;
        }
        assert_eq!(touch_probability(u64::MAX), 1);
    }

    #[test]
    fn distances_in_standard_deviations_are_rounded_down() {
        assert_eq!(in_sigmas(3, 2), Some(3 << (SIGMAS_SHIFT - 1)));
        assert_eq!(in_sigmas(1, 3), Some(0x5555_5555));
        assert_eq!(in_sigmas(1, 0), None);
        assert_eq!(in_sigmas(u64::MAX, 1), Some(u64::MAX));
    }
}
