//! What travels between the roles: commands inward, outcomes outward.
//!
//! Invariant: an outcome is one stamped command with all of its events, contiguous and never split over batches. A
//! batch reports room only while the largest outcome the engine may produce still fits, so filling it never allocates.

use engine::limits::EVENTS_PER_COMMAND;
use engine::{Command, Event, Events, Stamp, TimeNs, Venue};

use crate::queue::Batch;

/// Messages in one box.
pub const MESSAGES_PER_BATCH: usize = 64;
/// Events of ordinary commands that fit a box before it travels early; eight per command.
const EVENTS_SHORT: usize = 8 * MESSAGES_PER_BATCH;
const EVENTS_CAPACITY: usize = EVENTS_SHORT + EVENTS_PER_COMMAND;

/// A command on its way to the engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// When it was received, or when its sender intended to send it. Latency is counted from here.
    pub received: TimeNs,
    /// What was asked.
    pub command: Command,
}

/// Commands on their way to the engine.
#[derive(Debug)]
pub struct Arrivals(pub(crate) Vec<Arrival>);

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

/// Outcomes on their way from the engine.
#[derive(Debug)]
pub struct Outcomes {
    records: Vec<Record>,
    events: Events,
}

impl Batch for Outcomes {
    fn with_space() -> Self {
        Self {
            records: Vec::with_capacity(MESSAGES_PER_BATCH),
            events: Events::with_capacity(EVENTS_CAPACITY),
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.records.len() < MESSAGES_PER_BATCH && self.events.as_slice().len() <= EVENTS_SHORT
    }

    fn clear(&mut self) {
        self.records.clear();
        self.events.clear();
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
}
