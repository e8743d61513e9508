//! How much a mark moves: the variance of its returns of one second, averaged at two speeds.
//!
//! Invariant: a pure function of marks and of when they came, in integers; at most one sample a second, so that a burst of
//! marks does not pass for volatility, and O(log seconds) however long nothing came. It is shown beside distances to
//! liquidation and moves no margin. Source: `MARGIN.md` 15.

use crate::ledger::Ledger;
use crate::limits::PPB;
use crate::rounding::{div_floor, wide_mul};
use crate::units::{InstrumentId, Mark};

/// Length of a return.
pub const RETURN_NS: u64 = 1_000_000_000;
/// Binary digits of the share of a variance that is left after a second.
const KEPT_SHIFT: u32 = 32;
/// Binary digits of a variance below one billionth squared.
const VARIANCE_SHIFT: u32 = 16;
/// `2^32 x 2^(-1/600)`: half is left after ten minutes.
const FAST: u64 = 4_290_008_420;
/// `2^32 x 2^(-1/86400)`: half is left after a day.
const SLOW: u64 = 4_294_932_840;
/// A return is cut off at this, in billionths: a mark can multiply, and its square must fit.
const RETURN_MAX: i128 = 4 * PPB as i128;

/// Variance of the returns of a mark. What has not been sampled for a while is not decayed before it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, bincode::Encode)]
pub struct Volatility {
    /// When the last sample was taken, on a grid of seconds from the first; 0 before the first.
    sampled_ns: u64,
    /// The mark then.
    mark: Mark,
    /// Billionths squared, with [`VARIANCE_SHIFT`] digits below.
    fast: u128,
    slow: u128,
}

impl Volatility {
    /// Takes a mark at a time. Where a second or more has passed since the last sample, the move since then is the return
    /// of the last of these seconds, and nothing moved in the others.
    #[inline]
    pub fn observe(&mut self, now_ns: u64, mark: Mark) {
        let is_sampled = now_ns.saturating_sub(self.sampled_ns) < RETURN_NS;
        if !is_sampled || self.mark == Mark::default() {
            self.sample(now_ns, mark);
        }
    }

    #[inline(never)]
    fn sample(&mut self, now_ns: u64, mark: Mark) {
        if self.mark == Mark::default() {
            (self.sampled_ns, self.mark) = (now_ns, mark);
            return;
        }
        let seconds = self.seconds_until(now_ns);
        let moved = wide_mul(mark.get() - self.mark.get(), PPB);
        let moved = div_floor(moved.abs(), i128::from(self.mark.get())).min(RETURN_MAX);
        let square = (moved * moved).unsigned_abs() << VARIANCE_SHIFT;
        for (variance, kept) in [(&mut self.fast, FAST), (&mut self.slow, SLOW)] {
            let rest = (1 << KEPT_SHIFT) - u128::from(kept);
            *variance = decayed(*variance, kept, seconds) + ((square * rest) >> KEPT_SHIFT);
        }
        self.sampled_ns += seconds * RETURN_NS;
        self.mark = mark;
    }

    /// Standard deviation over a time from now on, in billionths of the price: the larger of the two speeds, grown with
    /// the root of the time. Rounded up.
    #[must_use]
    pub fn sigma(&self, now_ns: u64, horizon_ns: u64) -> u64 {
        let [fast, slow] = self.variances(now_ns);
        over(fast.max(slow), horizon_ns)
    }

    /// Standard deviation over a time at each speed, fast first, as [`Self::sigma`].
    #[must_use]
    pub fn sigmas(&self, now_ns: u64, horizon_ns: u64) -> [u64; 2] {
        self.variances(now_ns).map(|variance| over(variance, horizon_ns))
    }

    fn variances(&self, now_ns: u64) -> [u128; 2] {
        let seconds = self.seconds_until(now_ns);
        [decayed(self.fast, FAST, seconds), decayed(self.slow, SLOW, seconds)]
    }

    /// Whole seconds since the last sample.
    fn seconds_until(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.sampled_ns).div_euclid(RETURN_NS)
    }
}

/// Root of a variance of a second, times a time; rounded up.
fn over(variance: u128, horizon_ns: u64) -> u64 {
    // A variance is below 2^80 and a time below 2^64: seconds first, with what is below a second rounded up.
    let seconds = u128::from(horizon_ns.div_ceil(RETURN_NS));
    let square = variance.saturating_mul(seconds).div_ceil(1 << VARIANCE_SHIFT);
    let root = square.isqrt();
    let root = if root * root < square { root + 1 } else { root };
    u64::try_from(root).unwrap_or(u64::MAX)
}

/// What is left of a variance after so many seconds.
fn decayed(variance: u128, kept: u64, mut seconds: u64) -> u128 {
    let (mut left, mut power) = (1_u64 << KEPT_SHIFT, kept);
    while seconds > 0 && left > 0 {
        if seconds & 1 == 1 {
            left = scaled(left, power);
        }
        power = scaled(power, power);
        seconds >>= 1;
    }
    // The variance is below 2^81 (a return's square below 2^64, and 16 digits), what is left at most 2^32.
    (variance * u128::from(left)) >> KEPT_SHIFT
}

/// A product of two shares.
fn scaled(a: u64, b: u64) -> u64 {
    // Both are at most 2^32, so that the product is too.
    u64::try_from((u128::from(a) * u128::from(b)) >> KEPT_SHIFT).unwrap_or(u64::MAX)
}

impl Ledger {
    /// Lets the volatility of an instrument see its mark at a time.
    #[inline]
    pub fn observe_mark(&mut self, instrument: InstrumentId, now_ns: u64) {
        let terms = &mut self.instruments[instrument.index()];
        if let Some(mark) = terms.mark {
            terms.volatility.observe(now_ns, mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_NS: u64 = 3_600 * RETURN_NS;

    /// Feeds one mark a second.
    fn fed(marks: impl Iterator<Item = i64>) -> (Volatility, u64) {
        let (mut volatility, mut now) = (Volatility::default(), 17);
        for mark in marks {
            volatility.observe(now, Mark::new(mark));
            now += RETURN_NS;
        }
        (volatility, now - RETURN_NS)
    }

    #[test]
    fn half_of_a_variance_is_left_after_its_half_life() {
        let one = 1_u128 << 80;
        for left in [decayed(one, FAST, 600), decayed(one, SLOW, 86_400)] {
            assert!(left.abs_diff(one >> 1) < one >> 20, "half: {left}");
        }
        assert!(decayed(one, FAST, 6_000) <= one >> 10, "a 1024th after ten of them");
        assert_eq!(decayed(one, SLOW, u64::MAX), 0, "however long");
        assert_eq!(decayed(one, SLOW, 0), one);
    }

    #[test]
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 digits are more than the bound that is measured asks for"
    )]
    fn what_is_left_is_never_more_and_hardly_less_than_it_is() {
        let one = 1_u128 << 80;
        for (kept, half_life) in [(FAST, 600.0_f64), (SLOW, 86_400.0)] {
            for seconds in (0..200_000_u64).step_by(97).chain(0..700) {
                let exact = (-(seconds as f64) / half_life).exp2();
                let found = decayed(one, kept, seconds) as f64 / one as f64;
                let below = exact - found;
                // The constants are rounded to nearest, which may be up: by half of 2^-32 a second.
                assert!((-0.5_f64.powi(16)..0.5_f64.powi(15)).contains(&below), "{seconds}: {below:e}");
            }
        }
    }

    #[test]
    fn constant_returns_are_found_at_their_size() {
        // A mark that goes up and down by a thousandth each second, for three hours: many half-lives of the fast one.
        let (volatility, now) =
            fed((0..10_800).map(|second| if second % 2 == 0 { 1_000_000 } else { 1_001_000 }));
        let [fast, slow] = volatility.sigmas(now, RETURN_NS);
        // Returns of 1,000,000 and 999,000 billionths.
        assert!((998_500..=1_000_000).contains(&fast), "{fast}");
        // An eighth of the slow half-life has passed: 1 - 2^(-1/8) of the variance, whose root is 0.288.
        assert!((280_000..=295_000).contains(&slow), "{slow}");
        let [hour, _] = volatility.sigmas(now, HOUR_NS);
        assert!((59 * fast..=60 * fast).contains(&hour), "the root of 3,600 is 60: {hour}");
    }

    #[test]
    fn a_burst_within_a_second_is_one_sample() {
        let mut volatility = Volatility::default();
        volatility.observe(5, Mark::new(1_000_000));
        let first = volatility;
        for step in 0..1_000 {
            volatility.observe(6 + step, Mark::new(500_000 + 1_000 * i64::try_from(step).expect("small")));
        }
        assert_eq!(volatility, first, "no second has passed");
        volatility.observe(5 + RETURN_NS, Mark::new(1_000_000));
        assert_eq!(
            volatility.sigmas(5 + RETURN_NS, RETURN_NS),
            [0, 0],
            "and at its end the mark is where it was"
        );
    }

    #[test]
    fn silence_decays_as_if_the_mark_had_been_told_every_second() {
        let moves = [1_000_000_i64, 1_010_000, 1_005_000];
        let (mut told, mut now) = fed(moves.into_iter());
        let mut silent = told;
        for _ in 0..100 {
            now += RETURN_NS;
            told.observe(now, Mark::new(1_005_000));
        }
        assert_eq!(told.sampled_ns, now);
        for ([told, silent], speed) in
            [[told.fast, silent.variances(now)[0]], [told.slow, silent.variances(now)[1]]]
                .iter()
                .copied()
                .zip(["fast", "slow"])
        {
            // Each second of the one rounds down.
            assert!(told.abs_diff(silent) <= 200 + (silent >> 24), "{speed}: {told} {silent}");
        }
        silent.observe(now, Mark::new(1_005_000));
        assert_eq!(silent.sampled_ns, now);
    }

    #[test]
    fn a_mark_that_multiplies_stays_in_range() {
        let mut volatility = Volatility::default();
        volatility.observe(1, Mark::new(1));
        for second in 1..1_000 {
            let mark = if second % 2 == 0 { 1 } else { i64::MAX >> 2 };
            volatility.observe(1 + second * RETURN_NS, Mark::new(mark));
        }
        assert!(volatility.sigma(2_000 * RETURN_NS, u64::MAX) > 0);
    }
}
