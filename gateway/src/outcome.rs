//! What travels between the roles: commands and questions inward, outcomes and answers outward.
//!
//! Invariant: an outcome is one stamped command with all of its events, contiguous and never split over batches. A
//! batch reports room only while the largest outcome the engine may produce still fits, so filling it with outcomes never
//! allocates. An answer stands where its question stood among the commands.

use engine::limits::EVENTS_PER_COMMAND;
use engine::{Command, Event, Events, Stamp, TimeNs, Venue};

use crate::query::{Answer, Query};
use crate::queue::Batch;

/// Messages in one box.
pub const MESSAGES_PER_BATCH: usize = 64;
/// Events of ordinary commands that fit a box before it travels early; eight per command.
const EVENTS_SHORT: usize = 8 * MESSAGES_PER_BATCH;
const EVENTS_CAPACITY: usize = EVENTS_SHORT + EVENTS_PER_COMMAND;
/// Rows of answers in a box before it travels early: questions are few, and a box shall not become a hoard.
const ROWS_SHORT: usize = 512;

/// A command on its way to the engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// When it was received, or when its sender intended to send it. Latency is counted from here.
    pub received: TimeNs,
    /// What was asked.
    pub command: Command,
}

/// What the engine is given to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Task {
    /// Apply a command.
    Command(Arrival),
    /// Answer a question.
    Query(Query),
}

/// Commands and questions on their way to the engine, first come first served.
#[derive(Debug)]
pub struct Arrivals(pub(crate) Vec<Task>);

impl Batch for Arrivals {
    fn with_space() -> Self {
        Self(Vec::with_capacity(MESSAGES_PER_BATCH))
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.0.len() < MESSAGES_PER_BATCH
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// One command and everything it brought about.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// Place in the order, and time of sequencing.
    pub stamp: Stamp,
    /// When the command was received; for a continuation, when it was injected.
    pub received: TimeNs,
    /// What was asked.
    pub command: &'a Command,
    /// What followed.
    pub events: &'a [Event],
}

#[derive(Debug)]
struct Record {
    stamp: Stamp,
    arrival: Arrival,
    /// Where its events end; they begin where those of the record before it end.
    events_end: usize,
}

/// What a client is given.
#[derive(Clone, Copy, Debug)]
pub enum Released<'a> {
    /// A command and what it brought about.
    Outcome(Outcome<'a>),
    /// An answer to one of its questions.
    Answer(&'a Answer),
}

#[derive(Debug)]
struct Placed {
    /// Outcomes of the same batch that come before it.
    behind: usize,
    answer: Answer,
}

/// Outcomes and answers on their way from the engine.
#[derive(Debug)]
pub struct Outcomes {
    records: Vec<Record>,
    events: Events,
    answers: Vec<Placed>,
    /// Rows of the answers.
    rows: usize,
}

/// Reads a batch of outcomes and answers in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cursor {
    record: usize,
    answer: usize,
}

impl Cursor {
    /// The next outcome or answer of `batch`, and the place behind it.
    #[inline]
    #[must_use]
    pub fn next(self, batch: &Outcomes) -> Option<(Released<'_>, Self)> {
        let Self { record, answer } = self;
        if let Some(placed) = batch.answers.get(answer)
            && placed.behind <= record
        {
            return Some((Released::Answer(&placed.answer), Self { record, answer: answer + 1 }));
        }
        Some((Released::Outcome(batch.get(record)?), Self { record: record + 1, answer }))
    }
}

impl Batch for Outcomes {
    fn with_space() -> Self {
        Self {
            records: Vec::with_capacity(MESSAGES_PER_BATCH),
            events: Events::with_capacity(EVENTS_CAPACITY),
            answers: Vec::new(),
            rows: 0,
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.answers.is_empty()
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.records.len() + self.answers.len() < MESSAGES_PER_BATCH
            && self.events.as_slice().len() <= EVENTS_SHORT
            && self.rows <= ROWS_SHORT
    }

    fn clear(&mut self) {
        self.records.clear();
        self.events.clear();
        self.answers.clear();
        self.rows = 0;
    }
}

impl Outcomes {
    /// Outcomes in the batch.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The outcome at `index`.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Outcome<'_>> {
        let Record { stamp, arrival, events_end } = self.records.get(index)?;
        let events_start = index.checked_sub(1).map_or(0, |before| self.records[before].events_end);
        Some(Outcome {
            stamp: *stamp,
            received: arrival.received,
            command: &arrival.command,
            events: &self.events.as_slice()[events_start..*events_end],
        })
    }

    /// Every outcome, in order.
    pub fn iter(&self) -> impl Iterator<Item = Outcome<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Applies a command; its events are written where they travel.
    #[inline]
    pub(crate) fn apply(&mut self, venue: &mut Venue, stamp: Stamp, arrival: &Arrival) -> Outcome<'_> {
        venue.apply(stamp, &arrival.command, &mut self.events);
        let events_end = self.events.as_slice().len();
        self.records.push(Record { stamp, arrival: arrival.clone(), events_end });
        self.get(self.records.len() - 1).expect("pushed the line before")
    }

    /// Adds a copy of an outcome.
    #[inline]
    pub(crate) fn copy(&mut self, outcome: &Outcome<'_>) {
        for event in outcome.events {
            self.events.push(*event);
        }
        let Outcome { stamp, received, command, .. } = *outcome;
        let events_end = self.events.as_slice().len();
        let arrival = Arrival { received, command: command.clone() };
        self.records.push(Record { stamp, arrival, events_end });
    }

    /// Adds an answer: the state after the outcomes added so far.
    pub(crate) fn answer(&mut self, answer: Answer) {
        self.rows += answer.rows.count();
        self.answers.push(Placed { behind: self.records.len(), answer });
    }
}
