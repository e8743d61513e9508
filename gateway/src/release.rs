//! Release: outcomes leave the process when the log covers them, and not before.
//!
//! Invariant: an outcome a client has seen is in the log. Outcomes are released in order, each exactly once.

use std::sync::Arc;

use crate::outcome::{Outcome, Outcomes};
use crate::progress::Progress;
use crate::queue::BatchReceiver;

/// Holds outcomes back until they are durable.
#[derive(Debug)]
pub struct Release {
    outcomes: BatchReceiver<Outcomes>,
    /// The batch being released, and the next outcome in it.
    current: Option<(Box<Outcomes>, usize)>,
    progress: Arc<Progress>,
}

impl Release {
    /// Releases what arrives as far as `progress` says that it is durable.
    #[must_use]
    pub fn new(outcomes: BatchReceiver<Outcomes>, progress: Arc<Progress>) -> Self {
        Self { outcomes, current: None, progress }
    }

    /// Hands every outcome that is durable by now to `see`; how many.
    pub fn release(&mut self, mut see: impl FnMut(&Outcome<'_>)) -> usize {
        let durable = self.progress.durable();
        let mut released = 0;
        loop {
            let Some((batch, next)) = self.current.take().or_else(|| Some((self.outcomes.receive()?, 0)))
            else {
                return released;
            };
            match batch.get(next) {
                None => self.outcomes.give_back(batch),
                Some(outcome) if outcome.stamp.seq <= durable => {
                    see(&outcome);
                    released += 1;
                    self.current = Some((batch, next + 1));
                }
                Some(_) => {
                    self.current = Some((batch, next));
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
        let waiting = self.current.as_ref().and_then(|(batch, next)| batch.get(*next));
        settled
            && match waiting {
                Some(outcome) => outcome.stamp.seq > self.progress.durable(),
                // A box between two outcomes, or in the queue, is looked at by the next call of `release`.
                None => self.current.is_none() && self.outcomes.is_empty(),
            }
    }
}
