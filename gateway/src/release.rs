//! Release: outcomes leave the process when the log covers them, and not before.
//!
//! Invariant: an outcome a client has seen is in the log, and so is the state an answer tells of. Both are released in
//! order, each exactly once.

use std::sync::Arc;

use engine::Seq;

use crate::outcome::{Cursor, Outcomes, Released};
use crate::progress::Progress;
use crate::queue::BatchReceiver;

/// Holds outcomes back until they are durable.
#[derive(Debug)]
pub struct Release {
    outcomes: BatchReceiver<Outcomes>,
    /// The batch being released, and the place in it.
    current: Option<(Box<Outcomes>, Cursor)>,
    progress: Arc<Progress>,
}

impl Release {
    /// Releases what arrives as far as `progress` says that it is durable.
    #[must_use]
    pub fn new(outcomes: BatchReceiver<Outcomes>, progress: Arc<Progress>) -> Self {
        Self { outcomes, current: None, progress }
    }

    /// Hands everything that is durable by now to `see`; how much.
    pub fn release(&mut self, mut see: impl FnMut(&Released<'_>)) -> usize {
        let durable = self.progress.durable();
        let mut released = 0;
        loop {
            let next = self.current.take();
            let Some((batch, cursor)) = next.or_else(|| Some((self.outcomes.receive()?, Cursor::default())))
            else {
                return released;
            };
            match cursor.next(&batch) {
                None => self.outcomes.give_back(batch),
                Some((item, behind)) if covered_by(&item) <= durable => {
                    see(&item);
                    released += 1;
                    self.current = Some((batch, behind));
                }
                Some(_) => {
                    self.current = Some((batch, cursor));
                    return released;
                }
            }
        }
    }

    /// Whether nothing will ever be released any more: the log is settled and everything it covers was released.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        // In this order: a log that is settled has published its last sequence before.
        let settled = self.progress.is_settled();
        let waiting = self.current.as_ref().and_then(|(batch, cursor)| cursor.next(batch));
        settled
            && match waiting {
                Some((item, _)) => covered_by(&item) > self.progress.durable(),
                // A box between two outcomes, or in the queue, is looked at by the next call of `release`.
                None => self.current.is_none() && self.outcomes.is_empty(),
            }
    }
}

/// The command the log must cover before this may be seen.
#[inline]
const fn covered_by(item: &Released<'_>) -> Seq {
    match item {
        Released::Outcome(outcome) => outcome.stamp.seq,
        Released::Answer(answer) => answer.seq,
    }
}
