//! The throttle: a leaky bucket that knows only when it will be empty.
//!
//! Invariant: at most `capacity` at once and one more every `1 / rate` of a second after that; integers only. A bucket
//! is one number, so it lasts as long as its session, whatever becomes of connections.

use engine::TimeNs;

const SECOND: u64 = 1_000_000_000;

/// What a bucket admits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowance {
    /// Requests at once; at least 1.
    pub capacity: u32,
    /// Requests a second after that; 1 to 10^9.
    pub rate: u32,
}

impl Allowance {
    /// Nanoseconds that one request keeps its place for, rounded up.
    const fn drip(self) -> u64 {
        let rate = if self.rate == 0 { 1 } else { self.rate };
        SECOND.div_ceil(rate as u64)
    }
}

/// When the bucket will be empty.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Bucket {
    empty_at: u64,
}

impl Bucket {
    /// Takes one request at `now`.
    ///
    /// # Errors
    /// How many nanoseconds from now there is room for one.
    pub(super) fn take(&mut self, allowance: Allowance, now: TimeNs) -> Result<(), u64> {
        let drip = allowance.drip();
        let full_after = drip.saturating_mul(u64::from(allowance.capacity.max(1)));
        let empty_at = self.empty_at.max(now.get()).saturating_add(drip);
        match empty_at.saturating_sub(now.get()).checked_sub(full_after) {
            None | Some(0) => {
                self.empty_at = empty_at;
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Allowance = Allowance { capacity: 10, rate: 1_000 };

    #[test]
    fn a_burst_fits_and_then_one_a_drip() {
        let mut bucket = Bucket::default();
        let now = TimeNs::new(5 * SECOND);
        for _ in 0..10 {
            assert_eq!(bucket.take(ALLOWANCE, now), Ok(()));
        }
        assert_eq!(bucket.take(ALLOWANCE, now), Err(1_000_000));
        let later = TimeNs::new(now.get() + 400_000);
        assert_eq!(bucket.take(ALLOWANCE, later), Err(600_000), "a refusal takes nothing");
        let later = TimeNs::new(now.get() + 1_000_000);
        assert_eq!(bucket.take(ALLOWANCE, later), Ok(()));
        assert_eq!(bucket.take(ALLOWANCE, later), Err(1_000_000));
    }

    #[test]
    fn the_rate_holds_over_a_long_time() {
        let mut bucket = Bucket::default();
        let mut taken = 0;
        // Asked ten times as often as admitted, for ten seconds.
        for step in 0..100_000_u64 {
            taken += u32::from(bucket.take(ALLOWANCE, TimeNs::new(SECOND + step * 100_000)).is_ok());
        }
        assert_eq!(taken, 10_000 + 10 - 1);
    }
}
