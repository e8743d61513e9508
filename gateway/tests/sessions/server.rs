//! A server without sockets: door, queue, engine, and a log that becomes durable when it likes.

use std::collections::VecDeque;

use engine::{Action, Capacity, Command, Event, Events, Stamp, TimeNs, Venue};
use gateway::door::{Door, DoorConfig, Gate, Projection};
use gateway::in_process::Refused;
use gateway::outcome::{Arrival, Outcome, Task};
use gateway::query::{self, Answer, Query};
use gateway::wire::types::Durability;

pub(crate) const EPOCH: u64 = 0xF00D;
const CAPACITY: Capacity = Capacity { accounts: 64, legs: 128, orders: 2_048 };

/// A logged command and what it brought about.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    pub(crate) received: TimeNs,
    pub(crate) command: Command,
    pub(crate) events: Vec<Event>,
}

impl Entry {
    pub(crate) fn outcome(&self) -> Outcome<'_> {
        Outcome { stamp: self.stamp, received: self.received, command: &self.command, events: &self.events }
    }
}

/// The queue to the engine.
#[derive(Debug)]
pub(crate) struct Queue {
    tasks: VecDeque<Task>,
    pub(crate) room: usize,
}

impl Gate for Queue {
    fn submit(&mut self, arrival: Arrival) -> Result<(), Refused> {
        if self.tasks.len() >= self.room {
            return Err(Refused::Full(arrival.command));
        }
        self.tasks.push_back(Task::Command(arrival));
        Ok(())
    }

    fn ask(&mut self, query: Query) -> Result<(), Query> {
        if self.tasks.len() >= self.room {
            return Err(query);
        }
        self.tasks.push_back(Task::Query(query));
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) door: Door,
    pub(crate) queue: Queue,
    pub(crate) log: Vec<Entry>,
    config: DoorConfig,
    ring_bytes: usize,
    venue: Venue,
    /// Entries that a crash leaves.
    durable: usize,
    /// Entries that the door has seen.
    told: usize,
    answers: VecDeque<Answer>,
}

fn door_of(config: &DoorConfig, projection: Projection, seed: [u8; 32]) -> Door {
    Door::new(config.clone(), projection, EPOCH, Durability::Local, seed)
}

impl Server {
    pub(crate) fn new(
        config: DoorConfig,
        ring_bytes: usize,
        genesis: Vec<Command>,
        seed: [u8; 32],
        now: TimeNs,
    ) -> Self {
        let door = door_of(&config, Projection::new(ring_bytes), seed);
        let queue = Queue { tasks: VecDeque::new(), room: usize::MAX };
        let mut server = Self {
            door,
            queue,
            log: Vec::new(),
            config,
            ring_bytes,
            venue: Venue::new(CAPACITY),
            durable: 0,
            told: 0,
            answers: VecDeque::new(),
        };
        for command in genesis {
            server.apply(now, now, command);
            let refused =
                server.log.last().is_some_and(|entry| matches!(entry.events[0], Event::Rejected { .. }));
            assert!(!refused, "{:?}", server.log.last());
        }
        server.sync(usize::MAX);
        server.release(now);
        server
    }

    fn apply(&mut self, now: TimeNs, received: TimeNs, command: Command) {
        let last = self.venue.last_stamp();
        let stamp = Stamp { seq: engine::Seq::new(last.seq.get() + 1), time: now.max(last.time) };
        let mut events = Events::default();
        self.venue.apply(stamp, &command, &mut events);
        self.log.push(Entry { stamp, received, command, events: events.as_slice().to_vec() });
    }

    /// The engine takes up at most `tasks`.
    pub(crate) fn work(&mut self, tasks: usize, now: TimeNs) {
        for _ in 0..tasks {
            match self.queue.tasks.pop_front() {
                None => break,
                Some(Task::Query(query)) => self.answers.push_back(query::answer(&self.venue, &query)),
                Some(Task::Command(Arrival { received, command })) => {
                    self.apply(now, received, command);
                    while self.venue.pending() {
                        self.apply(now, now, Command::venue(Action::Continue));
                    }
                }
            }
        }
    }

    /// At most `entries` more become durable.
    pub(crate) fn sync(&mut self, entries: usize) {
        self.durable = self.durable.saturating_add(entries).min(self.log.len());
    }

    /// Hands what is durable to the door.
    pub(crate) fn release(&mut self, now: TimeNs) {
        loop {
            let at = self.told as u64;
            while let Some(answer) = self.answers.pop_front_if(|answer| answer.seq.get() <= at) {
                self.door.answer(&answer, now);
            }
            if self.told == self.durable {
                break;
            }
            self.door.outcome(&self.log[self.told].outcome(), now);
            self.told += 1;
        }
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.tasks.is_empty() && self.told == self.log.len() && self.answers.is_empty()
    }

    /// Entries that were written and are not durable.
    pub(crate) const fn at_stake(&self) -> usize {
        self.log.len() - self.durable
    }

    /// The server is killed; of what was not durable the first `kept` entries are still found. It starts again.
    pub(crate) fn crash(&mut self, kept: usize, seed: [u8; 32]) {
        self.log.truncate(self.durable + kept);
        self.durable = self.log.len();
        self.told = self.log.len();
        self.queue.tasks.clear();
        self.answers.clear();
        let found = core::mem::take(&mut self.log);
        self.venue = Venue::new(CAPACITY);
        for Entry { stamp, received, command, .. } in &found {
            self.apply(stamp.time, *received, command.clone());
        }
        assert_eq!(self.log, found, "the same commands bring about the same events");
        let mut projection = Projection::new(self.ring_bytes);
        self.log.iter().for_each(|entry| projection.apply(&entry.outcome()));
        self.door = door_of(&self.config, projection, seed);
    }
}
