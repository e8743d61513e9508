//! Wiring of the worker: its queues, its secret, and what it needs to know of the venue it begins beside.
//!
//! Invariant: a venue starts without a worker where one cannot be had, and says why.

use std::sync::Arc;

use engine::{Capacity, Stamp, Venue};

use super::proposals::{PARTS_AHEAD, Proposed, Proposer, proposals};
use super::secret::Secret;
use super::worker::{Worker, WorkerParts, begins_to_ask, is_asked};
use crate::archive::Archive;
use crate::follower::{FollowerFeed, Following, sleeper};
use crate::idle::Waker;
use crate::progress::Progress;

/// Boxes between the engine and the worker: as many as to the log, so that a plan may take as long as a sync.
const BOXES: usize = 256;

/// The venue's ends.
#[derive(Debug)]
pub struct Ends {
    /// Where the engine feeds the worker.
    pub feed: FollowerFeed,
    /// Where the engine takes its plans.
    pub proposed: Proposed,
}

/// A worker that knows everything but how far the log is.
#[derive(Debug)]
pub struct Hired {
    capacity: Capacity,
    began: Stamp,
    following: Following,
    proposer: Proposer,
    archive: Box<dyn Archive>,
    secret: Secret,
}

/// A worker for `venue`, whose log `archive` reads again. It sleeps until a call may wait for a plan.
///
/// # Errors
/// Why there is none, in words.
pub fn hire(
    venue: &Venue,
    archive: Box<dyn Archive>,
    engine: Waker,
    worker: Waker,
) -> Result<(Ends, Hired), String> {
    let secret = match archive.directory() {
        Some(directory) => Secret::of(directory).map_err(|error| error.to_string())?,
        None => Secret::random().map_err(|error| error.to_string())?,
    };
    let (feed, following) = sleeper(BOXES, engine.clone(), worker, !is_asked(venue), begins_to_ask);
    let (proposer, proposed) = proposals(PARTS_AHEAD, engine);
    let (capacity, began) = (venue.capacity(), venue.last_stamp());
    let hired = Hired { capacity, began, following, proposer, archive, secret };
    Ok((Ends { feed, proposed }, hired))
}

impl Hired {
    /// The worker.
    #[must_use]
    pub fn begin(self, progress: Arc<Progress>) -> Worker {
        let Self { capacity, began, following, proposer, archive, secret } = self;
        Worker::new(WorkerParts { capacity, following, proposer, archive, secret, progress, began })
    }
}
