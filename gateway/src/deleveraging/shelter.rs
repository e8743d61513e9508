//! A role that the venue can do without, run so that its end by a panic is its own and nobody else's.
//!
//! Invariant: a panic is caught where the build unwinds; then the role is dropped, its queues are seen to be abandoned, and
//! the venue goes on. Where a panic aborts, it aborts here as everywhere.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::worker::{Standing, Worker};
use crate::duty::DutyCycle;
use std::sync::Arc;

/// The worker, sheltered.
#[derive(Debug)]
pub struct Sheltered {
    worker: Option<Box<Worker>>,
    standing: Arc<Standing>,
}

impl Sheltered {
    /// Shelters a worker.
    #[must_use]
    pub fn new(worker: Worker) -> Self {
        let standing = Arc::clone(worker.standing());
        Self { worker: Some(Box::new(worker)), standing }
    }
}

impl DutyCycle for Sheltered {
    fn do_work(&mut self) -> usize {
        let Some(mut worker) = self.worker.take() else { return 0 };
        // Nobody sees the worker again after a panic, so nothing half done is seen.
        let done = catch_unwind(AssertUnwindSafe(move || {
            let done = worker.do_work();
            (worker, done)
        }));
        let Ok((worker, done)) = done else {
            self.standing.fail("it ended by a panic; the message is on standard error".to_owned());
            return 1;
        };
        self.worker = Some(worker);
        done
    }

    fn is_finished(&self) -> bool {
        self.worker.as_ref().is_none_or(|worker| worker.is_finished())
    }
}
