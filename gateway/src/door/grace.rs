//! Grace: how long a session without a connection is waited for.
//!
//! Invariant: a session waits at most once, and no longer once it was taken up again.

use std::collections::BTreeSet;

use engine::TimeNs;

use super::projection::Place;

/// Sessions that wait, by when they are given up.
#[derive(Debug, Default)]
pub(super) struct Grace {
    waiting: BTreeSet<(TimeNs, Place)>,
}

impl Grace {
    /// Waits for a session until `until`.
    pub(super) fn wait(&mut self, place: Place, until: TimeNs) {
        self.waiting.insert((until, place));
    }

    /// Waits no longer for a session that was waited for until `until`.
    pub(super) fn end(&mut self, place: Place, until: TimeNs) {
        self.waiting.remove(&(until, place));
    }

    /// Takes a session whose time is over.
    pub(super) fn over(&mut self, now: TimeNs) -> Option<Place> {
        let (until, place) = *self.waiting.first()?;
        (until <= now && self.waiting.remove(&(until, place))).then_some(place)
    }
}
