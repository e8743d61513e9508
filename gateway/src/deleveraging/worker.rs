//! The worker: follows the venue in a mirror of it and plans for every call, at exactly the state the call names.
//!
//! Invariant: the venue never waits for it and never trusts it. What it missed it reads again from the log; where it cannot,
//! it says why once and is silent from then on, and the venue plans by itself when the time of a call is over.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use engine::{Action, Capacity, Command, DeleveragingPlan, Event, OpenCall, Seq, Stamp, TimeNs, Venue};

use super::mirror::{Mirror, Plan};
use super::proposals::Proposer;
use super::ranks::{Ranker, Ranks};
use super::secret::Secret;
use crate::archive::Archive;
use crate::duty::DutyCycle;
use crate::follower::Following;
use crate::outcome::{Outcome, Outcomes};
use crate::progress::Progress;

/// Commands followed before parts are sent again.
const OUTCOMES_PER_ROUND: usize = 256;

/// What can be seen of the worker from other threads.
#[derive(Debug, Default)]
pub struct Standing {
    plans: AtomicU64,
    catch_ups: AtomicU64,
    followed: AtomicU64,
    fault: OnceLock<String>,
    ranks: Ranks,
}

impl Standing {
    /// Plans it has made.
    #[must_use]
    pub fn plans(&self) -> u64 {
        self.plans.load(Ordering::Relaxed)
    }

    /// How often it read the log again.
    #[must_use]
    pub fn catch_ups(&self) -> u64 {
        self.catch_ups.load(Ordering::Relaxed)
    }

    /// The last command that its mirror has seen.
    #[must_use]
    pub fn followed(&self) -> Seq {
        Seq::new(self.followed.load(Ordering::Acquire))
    }

    /// Why it is silent, if it is.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.get().map(String::as_str)
    }

    /// Which part of the holders stands before whom.
    #[must_use]
    pub const fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    pub(super) fn fail(&self, why: String) {
        // The first reason is the one that counts.
        let _first = self.fault.set(why).is_ok();
    }
}

/// Whether any call of `venue` would wait for a plan: else there is no reason to follow it.
#[must_use]
pub fn is_asked(venue: &Venue) -> bool {
    let terms = (0..=u8::MAX).map_while(|group| venue.ledger().risk_group(group));
    terms.into_iter().any(|terms| terms.plan_within_ms > 0)
}

/// Whether an outcome is one from which on calls may wait for a plan.
#[must_use]
pub fn begins_to_ask(outcome: &Outcome<'_>) -> bool {
    let asks = |event: &Event| matches!(event, Event::RiskGroupSet { terms, .. } if terms.plan_within_ms > 0);
    matches!(outcome.command.action, Action::SetRiskGroup { .. }) && outcome.events.iter().any(asks)
}

/// What a worker is made of.
#[derive(Debug)]
pub struct WorkerParts {
    /// Capacity of the venue it follows.
    pub capacity: Capacity,
    /// Where it is fed.
    pub following: Following,
    /// Where its plans go.
    pub proposer: Proposer,
    /// Where it reads what it was not fed.
    pub archive: Box<dyn Archive>,
    /// What its commitments are salted with.
    pub secret: Secret,
    /// How far the log is.
    pub progress: Arc<Progress>,
    /// The last command before it was begun.
    pub began: Stamp,
}

/// The worker.
#[derive(Debug)]
pub struct Worker {
    mirror: Mirror,
    following: Following,
    proposer: Proposer,
    archive: Box<dyn Archive>,
    secret: Secret,
    progress: Arc<Progress>,
    standing: Arc<Standing>,
    /// The batch being worked off, and the next outcome in it.
    current: Option<(Box<Outcomes>, usize)>,
    /// Whether it has looked at what was in the log before it was fed.
    has_begun: bool,
    /// Whether it holds no place in the log.
    is_resting: bool,
    /// The log is being read up to there.
    reading_to: Option<Seq>,
    /// The latest time it knows of: who was called to answer before it need not be answered.
    present: TimeNs,
    /// Parts not sent yet, the next first.
    unsent: VecDeque<Box<DeleveragingPlan>>,
    ranker: Ranker,
}

impl Worker {
    /// It knows nothing yet, and begins with the log.
    #[must_use]
    pub fn new(parts: WorkerParts) -> Self {
        let WorkerParts { capacity, following, proposer, archive, secret, progress, began } = parts;
        Self {
            mirror: Mirror::new(capacity),
            following,
            proposer,
            archive,
            secret,
            progress,
            standing: Arc::default(),
            current: None,
            has_begun: false,
            is_resting: true,
            reading_to: None,
            present: began.time,
            unsent: VecDeque::new(),
            ranker: Ranker::default(),
        }
    }

    /// What can be seen of it from other threads.
    #[must_use]
    pub const fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// The venue as far as it was followed.
    #[must_use]
    pub const fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// Whether nothing it does matters any more.
    fn is_over(&self) -> bool {
        let progress = &self.progress;
        self.standing.fault().is_some() || progress.failure().is_some() || progress.conclusion().is_some()
    }

    /// Gives back unread what it is fed; what there was.
    fn discard(&mut self) -> usize {
        self.unsent.clear();
        let mut done = 0;
        while let Some((batch, _)) = self.take_batch() {
            done += batch.len();
            self.following.outcomes.give_back(batch);
        }
        done
    }

    fn take_batch(&mut self) -> Option<(Box<Outcomes>, usize)> {
        self.current.take().or_else(|| self.following.outcomes.receive().map(|batch| (batch, 0)))
    }

    /// Sends what the queue takes.
    fn send(&mut self) -> usize {
        let mut sent = 0;
        while let Some(part) = self.unsent.pop_front() {
            if let Err(part) = self.proposer.send(part) {
                self.unsent.push_front(part);
                break;
            }
            sent += 1;
        }
        sent
    }

    /// Works off what it is fed.
    fn follow(&mut self) -> usize {
        let mut done = 0;
        while done < OUTCOMES_PER_ROUND {
            let Some((batch, next)) = self.take_batch() else {
                // All it was fed is followed. What was left out of it shows by the next sequence.
                if self.following.is_stale() {
                    self.following.resume();
                    self.begin_reading(self.progress.durable());
                }
                return done;
            };
            let Some(outcome) = batch.get(next) else {
                self.following.outcomes.give_back(batch);
                continue;
            };
            let is_taken = self.take(&outcome);
            self.current = Some((batch, next + usize::from(is_taken)));
            if !is_taken {
                return done;
            }
            done += 1;
        }
        done
    }

    /// Takes the next outcome; false where what comes before it must be read first.
    fn take(&mut self, outcome: &Outcome<'_>) -> bool {
        let (seq, last) = (outcome.stamp.seq.get(), self.mirror.last().seq.get());
        self.present = self.present.max(outcome.stamp.time);
        if seq <= last {
            return true;
        }
        if seq > last + 1 {
            let durable = self.progress.durable();
            if durable.get() + 1 >= seq {
                self.begin_reading(durable);
            }
            return false;
        }
        if !self.is_resting {
            self.archive.rest();
            self.is_resting = true;
        }
        self.apply(outcome.stamp, outcome.command);
        self.ranker.follow(&self.mirror, &self.standing.ranks);
        true
    }

    fn begin_reading(&mut self, until: Seq) {
        let last = self.mirror.last().seq;
        if until <= last || self.standing.fault().is_some() {
            return;
        }
        match self.archive.rewind(last) {
            Ok(()) => {
                self.reading_to = Some(until);
                self.standing.catch_ups.fetch_add(1, Ordering::Relaxed);
            }
            Err(why) => self.standing.fail(why),
        }
    }

    /// Reads some of the log.
    fn read(&mut self, until: Seq) -> usize {
        for done in 1..=OUTCOMES_PER_ROUND {
            match self.archive.next_command() {
                Ok(Some((stamp, command))) => self.apply(stamp, &command),
                Ok(None) => self.standing.fail(format!("the log ends before sequence {until}")),
                Err(why) => self.standing.fail(why),
            }
            if self.standing.fault().is_some() || self.mirror.last().seq >= until {
                // The place in the log is kept: what was fed meanwhile may have been too much again.
                self.reading_to = None;
                self.is_resting = false;
                return done;
            }
        }
        OUTCOMES_PER_ROUND
    }

    /// Follows one command, and plans where it calls for a plan.
    fn apply(&mut self, stamp: Stamp, command: &Command) {
        let mut asked = Vec::new();
        let mut is_refused = false;
        for event in self.mirror.apply(stamp, command) {
            if let Event::DeleveragingAsked(call) = event {
                self.unsent.retain(|part| part.request != call.request);
                if call.plan_by > self.present.max(stamp.time) {
                    asked.push(call.request);
                }
            } else if let Event::DeleveragingEnded { request, .. } = event {
                self.unsent.retain(|part| part.request != *request);
            }
            is_refused |= matches!(event, Event::Rejected { .. });
        }
        if let Action::Deleverage(plan) = &command.action {
            // What was carried out before needs no sending; what was refused shows that the rest is of no use.
            self.unsent
                .retain(|part| part.request != plan.request || !(is_refused || part.part <= plan.part));
        }
        for request in asked {
            self.plan(request);
        }
        self.standing.followed.store(stamp.seq.get(), Ordering::Release);
    }

    fn plan(&mut self, request: u64) {
        let call: Option<OpenCall> = self.mirror.calls().find(|call| call.request == request);
        if let Some(call) = call {
            let Plan { parts, .. } = self.mirror.plan(&call, &self.secret);
            self.unsent.extend(parts);
            self.standing.plans.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl DutyCycle for Worker {
    fn do_work(&mut self) -> usize {
        if self.is_over() {
            return self.discard();
        }
        if self.following.is_asleep() {
            return 0;
        }
        // The first time there is all the log to read.
        if !self.has_begun {
            self.has_begun = true;
            self.begin_reading(self.progress.durable());
        }
        match self.reading_to {
            Some(until) => self.read(until) + self.send(),
            None => self.send() + self.follow() + self.send(),
        }
    }

    fn is_finished(&self) -> bool {
        let outcomes = &self.following.outcomes;
        (self.current.is_none() && outcomes.is_finished()) || self.is_over()
    }
}
