//! What the server and whoever started it tell each other.
//!
//! Invariant: a request to stop is never taken back; what is counted only rises, connections aside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::door::DoorStats;
use crate::idle::Waker;

/// What a server has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ServerStats {
    /// What the door has counted.
    pub door: DoorStats,
    /// Connections taken in.
    pub accepted: u64,
    /// Connections sent away because there were too many.
    pub turned_away: u64,
    /// Times the system could not give a connection: out of file descriptors or memory.
    pub accept_errors: u64,
}

#[derive(Debug, Default)]
struct Shared {
    stats: ServerStats,
    notices: Vec<String>,
}

/// The server's end and its owner's end are the same.
#[derive(Debug)]
pub struct Control {
    stop: AtomicBool,
    server: Waker,
    shared: Mutex<Shared>,
}

impl Control {
    /// For a server whose thread `server` wakes.
    #[must_use]
    pub fn new(server: Waker) -> Self {
        Self { stop: AtomicBool::new(false), server, shared: Mutex::default() }
    }

    /// Asks for a graceful end: nobody is let in or read any more, what was submitted is finished and sent, everybody is
    /// told, and the venue stops.
    pub fn request_stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.server.wake();
    }

    pub(super) fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// What was counted, as of a moment ago.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        self.shared().stats
    }

    /// What is worth telling a person, each thing once; what was taken here is not given again.
    #[must_use]
    pub fn take_notices(&self) -> Vec<String> {
        std::mem::take(&mut self.shared().notices)
    }

    pub(super) fn report(&self, stats: ServerStats) {
        self.shared().stats = stats;
    }

    pub(super) fn notice(&self, notice: String) {
        self.shared().notices.push(notice);
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Plain values: whoever panicked left them whole.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
