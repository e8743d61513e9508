//! The client of a venue in the same process: submits commands and questions, sees outcomes and answers once they are
//! durable.
//!
//! Invariant: nothing here blocks. A full queue and a stopped venue are values; a cancel is still admitted when other
//! commands no longer are. Any number of logical clients may share one handle, told apart by session.

use std::sync::Arc;

use engine::{Action, Command, TimeNs};

use crate::clock::Clock;
use crate::door::Gate;
use crate::idle::Idle;
use crate::outcome::{Arrival, Arrivals, Outcome, Released, Task};
use crate::progress::{Failure, Progress};
use crate::query::Query;
use crate::queue::BatchSender;
use crate::release::Release;

/// A command that was not taken; the caller has it back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The queue is full: poll, then try again.
    Full(Command),
    /// The venue has stopped, or is about to.
    Stopped(Command),
}

/// A handle to a running venue. Dropping it lets the venue run on; outcomes are then seen by nobody.
#[derive(Debug)]
pub struct Client<C> {
    arrivals: BatchSender<Arrivals>,
    release: Release,
    clock: C,
    /// Boxes that only cancels may take.
    reserved_for_cancels: usize,
    progress: Arc<Progress>,
    idle: Option<Idle>,
}

const fn is_cancel(action: &Action) -> bool {
    matches!(
        action,
        Action::CancelOrder(_)
            | Action::MassCancel(_)
            | Action::CancelAllAfter { .. }
            | Action::SessionLost { .. }
    )
}

impl<C: Clock> Client<C> {
    pub(crate) fn new(
        arrivals: BatchSender<Arrivals>,
        release: Release,
        clock: C,
        reserved_for_cancels: usize,
        progress: Arc<Progress>,
        idle: Option<Idle>,
    ) -> Self {
        Self { arrivals, release, clock, reserved_for_cancels, progress, idle }
    }

    /// The time, as the venue stamps it.
    #[inline]
    pub fn now(&mut self) -> TimeNs {
        self.clock.now()
    }

    /// Submits a command, received now.
    ///
    /// It is on its way with the next [`Self::flush`] or [`Self::poll`], or when 64 are together.
    ///
    /// # Errors
    /// [`Refused`], with the command.
    #[inline]
    pub fn submit(&mut self, command: Command) -> Result<(), Refused> {
        let received = self.clock.now();
        self.submit_arrival(Arrival { received, command })
    }

    /// Submits a command that was received, or was due, at some other time: latency is counted from there.
    ///
    /// # Errors
    /// [`Refused`], with the command.
    #[inline]
    pub fn submit_arrival(&mut self, arrival: Arrival) -> Result<(), Refused> {
        let reserved = if is_cancel(&arrival.command.action) { 0 } else { self.reserved_for_cancels };
        if let Some(batch) = self.arrivals.space(reserved) {
            batch.0.push(Task::Command(arrival));
            return Ok(());
        }
        let refused = if self.has_stopped() { Refused::Stopped } else { Refused::Full };
        Err(refused(arrival.command))
    }

    /// Asks a question, answered in its place among the commands. It is on its way as a command is.
    ///
    /// # Errors
    /// The question, when there is no room for it.
    pub fn ask(&mut self, query: Query) -> Result<(), Query> {
        match self.arrivals.space(self.reserved_for_cancels) {
            Some(batch) => batch.0.push(Task::Query(query)),
            None => return Err(query),
        }
        Ok(())
    }

    /// Sends what was submitted on its way.
    #[inline]
    pub fn flush(&mut self) {
        self.arrivals.flush();
    }

    /// Sends what was submitted on its way and hands everything that is durable by now to `see`; how much.
    #[inline]
    pub fn receive(&mut self, see: impl FnMut(&Released<'_>)) -> usize {
        self.arrivals.flush();
        self.release.release(see)
    }

    /// As [`Self::receive`], for a client that asks no questions.
    #[inline]
    pub fn poll(&mut self, mut see: impl FnMut(&Outcome<'_>)) -> usize {
        self.receive(|released| {
            if let Released::Outcome(outcome) = released {
                see(outcome);
            }
        })
    }

    /// Polls until nothing will come any more, waiting in between: for the end, after a stop was requested.
    pub fn drain(&mut self, mut see: impl FnMut(&Outcome<'_>)) -> usize {
        let mut seen = 0;
        while !self.is_finished() {
            let released = self.poll(&mut see);
            self.wait(released);
            seen += released;
        }
        seen
    }

    /// Waits a little if `work` is 0: spins, yields, then sleeps until there is something to poll or to submit. Does
    /// nothing where the handle lives on a thread of the venue, which waits by itself.
    pub fn wait(&mut self, work: usize) {
        if let Some(idle) = &mut self.idle {
            idle.round(work);
        }
    }

    /// Whether the venue takes no more commands, or soon will not: what is submitted after a stop was requested may
    /// find nobody, and then no outcome comes of it.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.progress.stop_requested() || self.arrivals.is_abandoned() || self.progress.failure().is_some()
    }

    /// Whether no outcome will come any more.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.release.is_finished()
    }

    /// Why the venue stopped by itself, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.progress.failure()
    }

    /// The venue's progress.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl<C: Clock> Gate for Client<C> {
    #[inline]
    fn submit(&mut self, arrival: Arrival) -> Result<(), Refused> {
        self.submit_arrival(arrival)
    }

    fn ask(&mut self, query: Query) -> Result<(), Query> {
        Self::ask(self, query)
    }
}
