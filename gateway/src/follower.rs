//! The engine's end and the reader's end of a queue to a follower: a role that may run ahead of the log but acts on
//! nothing outside (deleveraging worker, snapshotter).
//!
//! Invariant: a follower that is too slow is marked stale and fed no further; it is never waited for. It clears the
//! mark when it has caught up from the log, and sees by the sequence numbers what it must still read there. One that sleeps
//! is not fed before an outcome comes that it must see.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::idle::Waker;
use crate::outcome::{Outcome, Outcomes};
use crate::queue::{BatchReceiver, BatchSender, batches};

/// The engine's end.
#[derive(Debug)]
pub struct FollowerFeed {
    outcomes: BatchSender<Outcomes>,
    stale: Arc<AtomicBool>,
    asleep: Arc<AtomicBool>,
    /// Whether an outcome wakes the follower up.
    wakes: fn(&Outcome<'_>) -> bool,
}

/// The follower's end.
#[derive(Debug)]
pub struct Following {
    /// Where outcomes arrive, not yet durable.
    pub outcomes: BatchReceiver<Outcomes>,
    stale: Arc<AtomicBool>,
    asleep: Arc<AtomicBool>,
}

/// A queue of `slots` boxes to a follower.
#[must_use]
pub fn follower(slots: usize, engine: Waker, follower: Waker) -> (FollowerFeed, Following) {
    sleeper(slots, engine, follower, false, |_| true)
}

/// A queue of `slots` boxes to a follower that is fed, if it is `asleep`, from the first outcome on that `wakes` it.
#[must_use]
pub fn sleeper(
    slots: usize,
    engine: Waker,
    follower: Waker,
    asleep: bool,
    wakes: fn(&Outcome<'_>) -> bool,
) -> (FollowerFeed, Following) {
    let stale = Arc::new(AtomicBool::new(false));
    let asleep = Arc::new(AtomicBool::new(asleep));
    let (sender, outcomes) = batches(slots, engine, follower);
    let following = Following { outcomes, stale: Arc::clone(&stale), asleep: Arc::clone(&asleep) };
    (FollowerFeed { outcomes: sender, stale, asleep, wakes }, following)
}

impl FollowerFeed {
    /// Feeds one outcome, or marks the follower stale.
    #[inline]
    pub(crate) fn feed(&mut self, outcome: &Outcome<'_>) {
        if self.stale.load(Ordering::Acquire) || self.is_asleep(outcome) {
            return;
        }
        match self.outcomes.space(0) {
            Some(batch) => batch.copy(outcome),
            None => self.stale.store(true, Ordering::Release),
        }
    }

    /// Whether the follower sleeps on.
    #[inline]
    fn is_asleep(&self, outcome: &Outcome<'_>) -> bool {
        if !self.asleep.load(Ordering::Acquire) {
            return false;
        }
        let sleeps_on = !(self.wakes)(outcome);
        if !sleeps_on {
            self.asleep.store(false, Ordering::Release);
        }
        sleeps_on
    }

    pub(crate) fn flush(&mut self) {
        self.outcomes.flush();
    }
}

impl Following {
    /// Whether outcomes were left out.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    /// Whether nothing has come yet that it must see.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Acquire)
    }

    /// Asks to be fed again, after everything up to some sequence was read from the log.
    pub fn resume(&self) {
        self.stale.store(false, Ordering::Release);
    }
}
