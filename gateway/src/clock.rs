//! Time: the only place that reads it.
//!
//! Invariant: the readings of one clock never run backward, also across restarts: recovery seeds the clock with the
//! last logged time. Where the system's time steps back, a clock stands still until the system has caught up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::TimeNs;

/// A source of time whose readings never run backward.
pub trait Clock: Clone + Send + 'static {
    /// Nanoseconds since the Unix epoch, UTC.
    fn now(&mut self) -> TimeNs;

    /// No reading from now on is below `floor`.
    fn never_before(&mut self, floor: TimeNs);
}

/// The system's time.
#[derive(Clone, Debug, Default)]
pub struct WallClock {
    last: TimeNs,
}

impl Clock for WallClock {
    #[inline]
    fn now(&mut self) -> TimeNs {
        #[expect(clippy::disallowed_methods, reason = "this module is the one that reads time")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock before 1970 is broken and stands still; u64 holds nanoseconds until the year 2554.
        let now = since_epoch.map_or(0, |age| u64::try_from(age.as_nanos()).unwrap_or(u64::MAX));
        self.last = self.last.max(TimeNs::new(now));
        self.last
    }

    fn never_before(&mut self, floor: TimeNs) {
        self.last = self.last.max(floor);
    }
}

/// Time that moves only when told; all clones show the same. For tests and simulation.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    now: Arc<AtomicU64>,
    last: TimeNs,
}

impl VirtualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: TimeNs) -> Self {
        Self { now: Arc::new(AtomicU64::new(now.get())), last: now }
    }

    /// Lets time pass.
    pub fn advance(&self, nanoseconds: u64) {
        self.now.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Sets the time, also backward, as a system's time may step.
    pub fn set(&self, now: TimeNs) {
        self.now.store(now.get(), Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    #[inline]
    fn now(&mut self) -> TimeNs {
        self.last = self.last.max(TimeNs::new(self.now.load(Ordering::Relaxed)));
        self.last
    }

    fn never_before(&mut self, floor: TimeNs) {
        self.last = self.last.max(floor);
    }
}

/// Measures how long something takes; independent of steps of the system's time.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    /// Starts measuring.
    #[must_use]
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this module is the one that reads time")]
        Self { started: Instant::now() }
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_never_run_backward() {
        let mut wall = WallClock::default();
        let mut last = wall.now();
        for _ in 0..10_000 {
            let now = wall.now();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn a_step_back_makes_time_stand_still() {
        let mut clock = VirtualClock::at(TimeNs::new(1_000));
        clock.set(TimeNs::new(400));
        assert_eq!(clock.now(), TimeNs::new(1_000));
        clock.advance(601);
        assert_eq!(clock.now(), TimeNs::new(1_001));
    }

    #[test]
    fn recovery_seeds_the_floor() {
        let far = TimeNs::new(u64::MAX - 1);
        let mut wall = WallClock::default();
        wall.never_before(far);
        assert_eq!(wall.now(), far);
    }
}
