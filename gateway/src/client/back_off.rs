//! When to connect again.
//!
//! Invariant: the pause doubles from one failure to the next up to a bound, and starts anew once a logon has succeeded.

use engine::TimeNs;

const FIRST_NS: u64 = 10_000_000;
const LONGEST_NS: u64 = 1_000_000_000;

/// The pauses between attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackOff {
    pause_ns: u64,
    due: TimeNs,
}

impl BackOff {
    /// The first attempt is due at once.
    pub(super) const fn new() -> Self {
        Self { pause_ns: FIRST_NS, due: TimeNs::new(0) }
    }

    /// An attempt, or the connection it led to, failed.
    pub(super) fn failed(&mut self, now: TimeNs) {
        self.due = TimeNs::new(now.get().saturating_add(self.pause_ns));
        self.pause_ns = self.pause_ns.saturating_mul(2).min(LONGEST_NS);
    }

    /// A logon succeeded.
    pub(super) const fn succeeded(&mut self) {
        self.pause_ns = FIRST_NS;
    }

    /// When the next attempt is due.
    pub(super) const fn due(&self) -> TimeNs {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let mut back_off = BackOff::new();
        assert_eq!(back_off.due(), TimeNs::new(0));
        let mut pauses = Vec::new();
        for _ in 0..9 {
            back_off.failed(TimeNs::new(5));
            pauses.push((back_off.due().get() - 5).div_euclid(1_000_000));
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
        back_off.succeeded();
        back_off.failed(TimeNs::new(0));
        assert_eq!(back_off.due().get(), FIRST_NS);
    }
}
