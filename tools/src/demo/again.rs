//! The same commands once more, in process: no sockets, no sessions' frames, one thread.
//!
//! Invariant: the run takes nothing over but the commands, continuations among them, and the times they were sequenced at. What it brings about is
//! compared with the log's own replay: every fill, the books as a query shows them, and the digest of the state.

use engine::{Event, Fill, TimeNs, Venue};
use gateway::clock::VirtualClock;
use gateway::duty::DutyCycle;
use gateway::log::{Durability, EventLog, LogError, LogOptions, RealDisk};
use gateway::outcome::{Arrival, Outcome, Released};
use gateway::process::{Config, Roles, StartError, wire};
use gateway::query::{self, Query, Question, Rows};
use gateway::recovery::recover;
use risk::{Capacity, InstrumentId};

use super::SEGMENT_BYTES;
use crate::progress::Progress;

/// Levels of each side that are compared; the digest covers the others.
const DEPTH: u16 = 100;
/// Progress is shown once per so many commands.
const SHOW_INTERVAL: u64 = 4096;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Course {
    /// Every match, in order.
    pub fills: Vec<Fill>,
    /// The books at the end.
    pub books: Vec<Rows>,
}

impl Course {
    /// Notes the matches of an outcome.
    pub fn note(&mut self, outcome: &Outcome<'_>) {
        for event in outcome.events {
            if let Event::Fill(fill) = event {
                self.fills.push(*fill);
            }
        }
    }

    /// The books of a venue.
    #[must_use]
    pub fn books_of(venue: &Venue) -> Vec<Rows> {
        let instruments = venue.ledger().instruments();
        (0..instruments).map(|number| query::answer(venue, &book_query(number)).rows).collect()
    }
}

fn book_query(number: u32) -> Query {
    let question = Question::Book { instrument: InstrumentId::new(number), depth: DEPTH };
    Query { asker: 0, query_id: u64::from(number), question }
}

/// Why the run in process came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum AgainError {
    /// Its venue did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The log it takes the commands from.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No directory for its log.
    #[error("no temporary directory: {0}")]
    Directory(#[from] std::io::Error),
    /// It refused a command, or did not answer.
    #[error("the venue in process stopped taking commands at sequence {0}")]
    Stopped(u64),
}

/// A venue whose roles are turned by hand.
struct Hand {
    roles: Roles<EventLog<RealDisk>, VirtualClock>,
    clock: VirtualClock,
    course: Course,
}

/// Runs the commands of the log on `disk` in process; what it came to, and the digest.
///
/// # Errors
/// [`AgainError`].
pub fn run(disk: RealDisk, capacity: Capacity, commands: u64) -> Result<(Course, u128), AgainError> {
    let directory = tempfile::Builder::new().prefix("fulcrum-again-").tempdir()?;
    let mut config = Config::new(directory.path().to_owned(), capacity);
    config.log = LogOptions { segment_bytes: SEGMENT_BYTES, durability: Durability::None };
    let mut clock = VirtualClock::at(TimeNs::new(1));
    let (recovered, _recovery) = recover(&config, &mut clock, &[], &mut |_| ())?;
    let mut roles = wire(recovered, clock.clone(), config.layout.queues, Vec::new());
    roles.engine.take_continuations_as_they_come();
    let mut hand = Hand { roles, clock, course: Course::default() };
    let mut progress = Progress::start("the same commands in process", Some(commands));
    let mut stopped = None;
    gateway::replay::replay_while(disk, None, |outcome| {
        let seq = outcome.stamp.seq.get();
        if seq.is_multiple_of(SHOW_INTERVAL) {
            progress.at(seq, "");
        }
        if hand.take(outcome) {
            std::ops::ControlFlow::Continue(())
        } else {
            stopped = Some(seq);
            std::ops::ControlFlow::Break(())
        }
    })?;
    progress.finish();
    match stopped {
        Some(seq) => Err(AgainError::Stopped(seq)),
        None => hand.finish(),
    }
}

impl Hand {
    /// Gives the venue a logged command at its logged time. Whether the venue took it.
    fn take(&mut self, outcome: &Outcome<'_>) -> bool {
        self.clock.set(outcome.stamp.time);
        let arrival = Arrival { received: outcome.received, command: outcome.command.clone() };
        let is_taken = self.roles.client.submit_arrival(arrival).is_ok();
        self.turn();
        is_taken
    }

    /// Lets every role work until there is nothing to do.
    fn turn(&mut self) {
        let Self { roles, course, .. } = self;
        loop {
            roles.client.flush();
            let mut work = roles.engine.do_work();
            work += roles.log.do_work();
            work += roles.client.receive(|released| match released {
                Released::Outcome(outcome) => course.note(outcome),
                Released::Answer(answer) => course.books.push(answer.rows.clone()),
            });
            if work == 0 {
                return;
            }
        }
    }

    fn finish(mut self) -> Result<(Course, u128), AgainError> {
        let mut number = 0;
        // One more than there are is answered with nothing.
        loop {
            if self.roles.client.ask(book_query(number)).is_err() {
                return Err(AgainError::Stopped(0));
            }
            self.turn();
            if self.course.books.last().is_none_or(|rows| *rows == Rows::None) {
                let _beyond = self.course.books.pop();
                break;
            }
            number += 1;
        }
        self.roles.progress.request_stop();
        let Roles { engine, log, client, progress } = &mut self.roles;
        while !engine.is_finished() || !log.is_finished() {
            let _worked = engine.do_work() + log.do_work() + client.poll(|_| ());
        }
        engine.on_close();
        let conclusion = progress.conclusion().ok_or(AgainError::Stopped(0))?;
        Ok((self.course, conclusion.digest))
    }
}
