//! The engine's duty cycle: takes commands, stamps them, applies them, passes on what they brought about; answers
//! questions in their place among them.
//!
//! Invariant: one total order. Sequences rise by one, time never runs backward, and nothing is applied before there is
//! room for its outcome with the log and the client; while there is none the cycle does nothing, it does not wait.
//! While the venue is pending the only command applied is `Continue`, so recovery, too, continues before it takes input.

use std::sync::Arc;

use engine::ahead::{Distance, FAR, NEAR};
use engine::{Action, Command, Seq, Stamp, TimeNs, Venue};

use crate::clock::Clock;
use crate::duty::DutyCycle;
use crate::follower::FollowerFeed;
use crate::outcome::{Arrival, Arrivals, Outcomes, Task};
use crate::progress::{Conclusion, Progress};
use crate::query;
use crate::queue::{BatchReceiver, BatchSender};

/// Commands applied and questions answered before other roles of the thread get their turn.
const TASKS_PER_ROUND: usize = 256;

/// Where the outcomes go.
#[derive(Debug)]
pub struct Outlets {
    log: BatchSender<Outcomes>,
    /// `None` when the client has gone: nobody waits for it then.
    client: Option<BatchSender<Outcomes>>,
    followers: Vec<FollowerFeed>,
}

impl Outlets {
    /// One queue per consumer.
    #[must_use]
    pub fn new(
        log: BatchSender<Outcomes>,
        client: BatchSender<Outcomes>,
        followers: Vec<FollowerFeed>,
    ) -> Self {
        Self { log, client: Some(client), followers }
    }

    /// Reserves room for one outcome with everybody who is waited for; whether there is.
    #[inline]
    fn reserve(&mut self) -> bool {
        if self.log.space(0).is_none() {
            return false;
        }
        let Some(client) = &mut self.client else { return true };
        if client.space(0).is_some() {
            return true;
        }
        if client.is_abandoned() {
            self.client = None;
        }
        self.client.is_none()
    }

    fn flush(&mut self) {
        // The log first: it is what the others wait for.
        self.log.flush();
        if let Some(client) = &mut self.client {
            client.flush();
        }
        for follower in &mut self.followers {
            follower.flush();
        }
    }
}

/// The engine's duty cycle.
#[derive(Debug)]
pub struct EngineRole<C> {
    venue: Venue,
    clock: C,
    arrivals: BatchReceiver<Arrivals>,
    /// The batch being worked off, and the next task in it.
    current: Option<(Box<Arrivals>, usize)>,
    /// Time of the current batch.
    now: TimeNs,
    /// `None` at the end. Boxed: they are taken out for every round.
    outlets: Option<Box<Outlets>>,
    progress: Arc<Progress>,
}

impl<C: Clock> EngineRole<C> {
    /// Goes on after the last command `venue` has seen.
    #[must_use]
    pub fn new(
        venue: Venue,
        mut clock: C,
        arrivals: BatchReceiver<Arrivals>,
        outlets: Outlets,
        progress: Arc<Progress>,
    ) -> Self {
        let now = venue.last_stamp().time;
        clock.never_before(now);
        Self { venue, clock, arrivals, current: None, now, outlets: Some(Box::new(outlets)), progress }
    }

    /// Takes up the next batch, and the time with it: one reading per batch.
    fn take_up(&mut self) {
        if self.current.is_some() {
            return;
        }
        if self.venue.pending() {
            self.now = self.clock.now();
        } else if let Some(batch) = self.arrivals.receive() {
            self.now = self.clock.now();
            self.current = Some((batch, 0));
        }
    }

    /// Works off what the current batch holds and what the venue leaves over; the work done, in commands.
    fn advance(&mut self, outlets: &mut Outlets) -> usize {
        let mut done = 0;
        while done < TASKS_PER_ROUND && outlets.reserve() {
            if self.venue.pending() {
                let command = Command::venue(Action::Continue);
                self.apply(outlets, &Arrival { received: self.now, command });
            } else if let Some((batch, next)) = self.current.take() {
                self.look_ahead(&batch, next);
                match batch.0.get(next) {
                    Some(Task::Command(arrival)) => self.apply(outlets, arrival),
                    Some(Task::Query(query)) => done += self.answer(outlets, query),
                    None => {
                        self.arrivals.give_back(batch);
                        return done;
                    }
                }
                self.current = Some((batch, next + 1));
            } else {
                return done;
            }
            done += 1;
        }
        done
    }

    /// Announces what waits behind the task at `next`.
    #[inline]
    fn look_ahead(&self, batch: &Arrivals, next: usize) {
        for (distance, ahead) in [(Distance::Far, FAR), (Distance::Near, NEAR)] {
            if let Some(Task::Command(arrival)) = batch.0.get(next + ahead) {
                self.venue.announce(&arrival.command, distance);
            }
        }
    }

    /// Answers a question; what that cost beyond one command.
    fn answer(&self, outlets: &mut Outlets, query: &query::Query) -> usize {
        let Some(client) = &mut outlets.client else { return 0 };
        let answer = query::answer(&self.venue, query);
        let cost = answer.rows.cost();
        client.filling().expect("reserved by the caller").answer(answer);
        cost
    }

    #[inline]
    fn apply(&mut self, outlets: &mut Outlets, arrival: &Arrival) {
        let last = self.venue.last_stamp();
        let stamp = Stamp { seq: Seq::new(last.seq.get() + 1), time: self.now.max(last.time) };
        let log = outlets.log.filling().expect("reserved by the caller");
        let outcome = log.apply(&mut self.venue, stamp, arrival);
        if let Some(client) = &mut outlets.client {
            client.filling().expect("reserved by the caller").copy(&outcome);
        }
        for follower in &mut outlets.followers {
            follower.feed(&outcome);
        }
    }

    /// Nothing is left of a graceful end, or it is over at once.
    fn should_close(&self, done: usize) -> bool {
        let idle = done == 0 && self.current.is_none() && !self.venue.pending();
        idle && self.progress.stop_requested() && self.arrivals.is_empty()
    }
}

impl<C: Clock> DutyCycle for EngineRole<C> {
    fn do_work(&mut self) -> usize {
        let Some(mut outlets) = self.outlets.take() else { return 0 };
        if self.progress.failure().is_some() {
            // Dropped outlets tell the log and the client that nothing follows.
            return 1;
        }
        self.take_up();
        let done = self.advance(&mut outlets);
        if done > 0 {
            outlets.flush();
        }
        if self.should_close(done) {
            return 1;
        }
        self.outlets = Some(outlets);
        done
    }

    fn is_finished(&self) -> bool {
        self.outlets.is_none()
    }

    fn on_close(&mut self) {
        self.progress.conclude(Conclusion { last: self.venue.last_stamp(), digest: self.venue.digest() });
    }
}
