//! The engine's duty cycle: takes commands, stamps them, applies them, passes on what they brought about; answers
//! questions in their place among them.
//!
//! Invariant: one total order. Sequences rise by one, time never runs backward, and nothing is applied before there is
//! room for its outcome with the log and the client; while there is none the cycle does nothing, it does not wait.
//! While the venue is blocked the only command applied is `Continue`. While it merely has a backlog, one is applied after each
//! other task and whenever nothing else waits, so that neither waits for more than one bounded step of the other; what a
//! restart finds pending is continued to its end before any input is taken.

use std::sync::Arc;

use engine::ahead::{Distance, FAR, NEAR};
use engine::{Action, Command, Seq, Stamp, TimeNs, Venue};

use crate::clock::Clock;
use crate::deleveraging::proposals::Proposed;
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
    /// Whether the venue's backlog comes before the next task.
    is_backlogs_turn: bool,
    /// Whether what a restart found pending is not done yet.
    is_recovering: bool,
    /// Whether it injects continuations; else they come with the other commands.
    injects: bool,
    /// Where the deleveraging worker proposes its plans, if there is one.
    proposed: Option<Proposed>,
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
        let is_recovering = venue.pending();
        Self {
            venue,
            clock,
            arrivals,
            current: None,
            now,
            is_backlogs_turn: false,
            is_recovering,
            injects: true,
            proposed: None,
            outlets: Some(Box::new(outlets)),
            progress,
        }
    }

    /// Takes the plans of the deleveraging worker from there, too: one part between two batches.
    pub fn hear(&mut self, proposed: Proposed) {
        self.proposed = Some(proposed);
    }

    /// Takes up the next batch, and the time with it: one reading per batch, or per command that comes from elsewhere.
    fn take_up(&mut self) {
        if self.current.is_some() {
            return;
        }
        if !self.must_continue()
            && let Some(batch) = self.arrivals.receive()
        {
            self.current = Some((batch, 0));
        }
        self.now = self.clock.now();
    }

    /// Whether only `Continue` may be applied.
    #[inline]
    fn must_continue(&self) -> bool {
        self.injects && (self.venue.is_blocked() || (self.is_recovering && self.venue.pending()))
    }

    /// From now on continuations come with the other commands, as those of a log do that is played again: where in between
    /// the backlog had its turn depended on when the others came.
    pub const fn take_continuations_as_they_come(&mut self) {
        self.injects = false;
    }

    fn apply_continue(&mut self, outlets: &mut Outlets) {
        self.is_backlogs_turn = false;
        let command = Command::venue(Action::Continue);
        self.apply(outlets, &Arrival { received: self.now, command });
    }

    /// Works off what the current batch holds and what the venue leaves over; the work done, in commands.
    fn advance(&mut self, outlets: &mut Outlets) -> usize {
        let mut done = 0;
        while done < TASKS_PER_ROUND && outlets.reserve() {
            if self.must_continue() || (self.injects && self.is_backlogs_turn && self.venue.pending()) {
                self.apply_continue(outlets);
            } else if let Some((batch, next)) = self.current.take() {
                self.look_ahead(&batch, next);
                match batch.0.get(next) {
                    Some(Task::Command(arrival)) => self.apply(outlets, arrival),
                    Some(Task::Query(query)) => done += self.answer(outlets, query),
                    None => {
                        self.arrivals.give_back(batch);
                        return done + self.apply_proposed(outlets);
                    }
                }
                self.is_backlogs_turn = true;
                self.current = Some((batch, next + 1));
            } else if self.apply_proposed(outlets) > 0 {
                self.is_backlogs_turn = true;
            } else if self.injects && self.venue.pending() {
                self.apply_continue(outlets);
                if !self.arrivals.is_empty() {
                    // What came meanwhile goes before the next one.
                    return done + 1;
                }
            } else {
                return done;
            }
            done += 1;
        }
        done
    }

    /// Applies the next part of a plan of the worker, if one waits; how many commands that is.
    fn apply_proposed(&mut self, outlets: &mut Outlets) -> usize {
        if self.proposed.is_none() || self.must_continue() || !outlets.reserve() {
            return 0;
        }
        let Some(plan) = self.proposed.as_ref().and_then(Proposed::take) else { return 0 };
        let command = Command::venue(Action::Deleverage(plan));
        self.apply(outlets, &Arrival { received: self.now, command });
        1
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
        self.is_recovering &= self.venue.pending();
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
