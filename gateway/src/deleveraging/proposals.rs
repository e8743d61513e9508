//! The way back: parts of plans from the worker to the engine, over a lock-free queue of its own.
//!
//! Invariant: neither end waits. A full queue is a value, and the part comes back; an end that is gone leaves the other one
//! with a queue that stays full, or empty.

use std::sync::Arc;

use crossbeam::queue::ArrayQueue;
use engine::DeleveragingPlan;

use crate::idle::Waker;

/// Parts that may wait for the engine.
pub const PARTS_AHEAD: usize = 32;

/// The worker's end.
#[derive(Clone, Debug)]
pub struct Proposer {
    parts: Arc<ArrayQueue<Box<DeleveragingPlan>>>,
    engine: Waker,
}

/// The engine's end.
#[derive(Debug)]
pub struct Proposed {
    parts: Arc<ArrayQueue<Box<DeleveragingPlan>>>,
}

/// A queue for `parts` parts.
///
/// # Panics
/// When `parts` is zero.
#[must_use]
pub fn proposals(parts: usize, engine: Waker) -> (Proposer, Proposed) {
    let parts = Arc::new(ArrayQueue::new(parts));
    (Proposer { parts: Arc::clone(&parts), engine }, Proposed { parts })
}

impl Proposer {
    /// Sends a part, or gives it back where there is no room.
    ///
    /// # Errors
    /// The part.
    pub fn send(&self, part: Box<DeleveragingPlan>) -> Result<(), Box<DeleveragingPlan>> {
        self.parts.push(part)?;
        self.engine.wake();
        Ok(())
    }
}

impl Proposed {
    /// The oldest part.
    pub(crate) fn take(&self) -> Option<Box<DeleveragingPlan>> {
        self.parts.pop()
    }
}
