//! What the roles tell each other: how far the log is durable, that somebody asked to stop, that something failed.
//!
//! Invariant: `durable` only rises, and not at all after `settle`. A failure is published once, the first one stays,
//! and whoever sees it takes no further command.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam::utils::CachePadded;
use engine::{Seq, Stamp};

use crate::idle::Waker;

/// Why the venue stopped by itself.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Failure {
    /// The log could not be written.
    #[error("the event log failed after sequence {durable}, nothing beyond it was acknowledged: {reason}")]
    Log {
        /// What the log said.
        reason: String,
        /// Last sequence that is durable.
        durable: Seq,
    },
    /// A thread ended by a panic: an invariant does not hold.
    #[error("thread {thread} ended by a panic; the message is on standard error")]
    Panic {
        /// Which thread.
        thread: String,
    },
}

/// The venue at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conclusion {
    /// Stamp of the last command applied. After a failure the log may end before it.
    pub last: Stamp,
    /// Digest of the state after it.
    pub digest: u128,
}

/// The roles' common knowledge.
#[derive(Debug)]
pub struct Progress {
    durable: CachePadded<AtomicU64>,
    settled: AtomicBool,
    stop: AtomicBool,
    failure: OnceLock<Failure>,
    conclusion: OnceLock<Conclusion>,
    /// Whoever releases what is durable.
    releaser: Waker,
    everybody: Vec<Waker>,
}

impl Progress {
    /// At the start everything up to `durable` is in the log.
    #[must_use]
    pub fn new(durable: Seq, releaser: Waker, everybody: Vec<Waker>) -> Self {
        Self {
            durable: CachePadded::new(AtomicU64::new(durable.get())),
            settled: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            failure: OnceLock::new(),
            conclusion: OnceLock::new(),
            releaser,
            everybody,
        }
    }

    /// Every command up to this one is in the log, as durable as the configuration asks.
    #[inline]
    #[must_use]
    pub fn durable(&self) -> Seq {
        Seq::new(self.durable.load(Ordering::Acquire))
    }

    /// Everything up to `seq` may be seen outside.
    pub(crate) fn publish_durable(&self, seq: Seq) {
        self.durable.store(seq.get(), Ordering::Release);
        self.releaser.wake();
    }

    /// Whether [`Self::durable`] will not rise any more.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    pub(crate) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
        self.releaser.wake();
    }

    /// Asks for a graceful end: what was submitted is finished, synced and released.
    pub fn request_stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake_everybody();
    }

    /// Whether a graceful end was asked for.
    #[inline]
    #[must_use]
    pub fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Why the venue stopped by itself, if it did.
    #[inline]
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    pub(crate) fn fail(&self, failure: Failure) {
        // The first failure is the cause; what follows from it is not reported.
        let _published = self.failure.set(failure).is_ok();
        self.wake_everybody();
    }

    pub(crate) fn conclude(&self, conclusion: Conclusion) {
        let _first = self.conclusion.set(conclusion).is_ok();
    }

    /// The venue at its end, once the engine has ended.
    #[must_use]
    pub fn conclusion(&self) -> Option<Conclusion> {
        self.conclusion.get().copied()
    }

    fn wake_everybody(&self) {
        for waker in &self.everybody {
            waker.wake();
        }
    }
}
