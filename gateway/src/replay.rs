//! Replay: the venue rebuilt from its log, and proof that it is the one that was logged.
//!
//! Invariant: replay applies exactly the logged commands under their logged stamps; it injects nothing and reads no
//! clock. Every checkpoint is recomputed from the events and compared.

use std::ops::ControlFlow;
use std::time::Duration;

use engine::{Events, Seq, Stamp, TimeNs, Venue};

use crate::clock::Stopwatch;
use crate::log::{
    Checkpoint, CheckpointHasher, Disk, Genesis, LogEnd, LogError, LogReader, LoggedCommand, Record,
};
use crate::outcome::Outcome;
use crate::read_ahead::read_ahead;

/// A venue while it is rebuilt.
#[derive(Debug)]
pub struct Rebuild {
    venue: Venue,
    commands: u64,
    events: u64,
    scratch: Events,
}

impl Rebuild {
    /// The venue before its first command.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        Self {
            venue: Venue::new(genesis.capacity),
            commands: 0,
            events: 0,
            scratch: Events::with_capacity(engine::limits::EVENTS_PER_COMMAND),
        }
    }

    /// Applies the next command and notes its events for the checkpoint chain.
    pub fn apply<'a>(
        &'a mut self,
        logged: &'a LoggedCommand,
        checkpoints: &mut CheckpointHasher,
    ) -> Outcome<'a> {
        let LoggedCommand { stamp, received_ns, ref command } = *logged;
        self.scratch.clear();
        self.venue.apply(stamp, command, &mut self.scratch);
        let events = self.scratch.as_slice();
        checkpoints.note(stamp.seq, events);
        self.commands += 1;
        self.events += events.len() as u64;
        Outcome { stamp, received: TimeNs::new(received_ns), command, events }
    }

    /// Commands applied so far.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.commands
    }

    /// Stamp of the last command.
    #[must_use]
    pub fn last(&self) -> Stamp {
        self.venue.last_stamp()
    }

    /// The venue as far as it is rebuilt.
    #[must_use]
    pub fn into_venue(self) -> Venue {
        self.venue
    }
}

/// What a replay found.
#[derive(Debug)]
pub struct Replayed {
    /// Under what the log was begun.
    pub genesis: Genesis,
    /// The venue after the last command applied.
    pub venue: Venue,
    /// Its digest.
    pub digest: u128,
    /// Stamp of the last command applied.
    pub last: Stamp,
    /// Commands applied.
    pub commands: u64,
    /// Events they brought about.
    pub events: u64,
    /// Checkpoints compared.
    pub checkpoints: u64,
    /// Where and how the log ends; `None` when replay stopped, or was told to, before.
    pub end: Option<LogEnd>,
    /// Time taken, reading and verifying included, the digest not.
    pub elapsed: Duration,
}

impl Replayed {
    /// Commands per second.
    #[must_use]
    pub fn rate(&self) -> u64 {
        let nanoseconds = self.elapsed.as_nanos().max(1);
        let rate = (u128::from(self.commands) * 1_000_000_000).checked_div(nanoseconds);
        rate.map_or(0, |rate| u64::try_from(rate).unwrap_or(u64::MAX))
    }
}

/// Rebuilds the venue from the log on `disk`, up to and including `until` where given; `see` gets every command with
/// its stamp and events.
///
/// # Errors
/// [`LogError`]: the log is damaged, or this build brings about other events than the one that wrote it.
pub fn replay<D: Disk>(
    disk: D,
    until: Option<Seq>,
    mut see: impl FnMut(&Outcome<'_>),
) -> Result<Replayed, LogError>
where
    LogReader<D>: Send,
{
    replay_while(disk, until, |outcome| {
        see(outcome);
        ControlFlow::Continue(())
    })
}

/// As [`replay`], for a reader that may have enough: after a `Break` nothing more is read, and what is returned is the
/// venue after the command `see` was given last.
///
/// # Errors
/// As [`replay`]; what lies behind the command that `see` broke off at is not looked at.
pub fn replay_while<D: Disk>(
    disk: D,
    until: Option<Seq>,
    mut see: impl FnMut(&Outcome<'_>) -> ControlFlow<()>,
) -> Result<Replayed, LogError>
where
    LogReader<D>: Send,
{
    let watch = Stopwatch::start();
    let mut reader = LogReader::open(disk)?;
    let genesis = read_genesis(&mut reader)?;
    let mut rebuild = Rebuild::new(&genesis);
    let mut hasher = CheckpointHasher::new();
    let mut checkpoints = 0;
    let (reached_end, end) = read_ahead(reader, |ahead| {
        while until.is_none_or(|until| rebuild.last().seq < until) {
            let Some(located) = ahead.next_record()? else { return Ok(true) };
            match located.record {
                Record::Command(logged) => {
                    if see(&rebuild.apply(&logged, &mut hasher)).is_break() {
                        break;
                    }
                }
                Record::Checkpoint(logged) => {
                    compare(logged, &hasher)?;
                    checkpoints += 1;
                }
                Record::Genesis(_) | Record::Closed { .. } => {}
            }
        }
        Ok(false)
    })?;
    let elapsed = watch.elapsed();
    let Rebuild { venue, commands, events, .. } = rebuild;
    let last = venue.last_stamp();
    let digest = venue.digest();
    // The reader may have been at the end long before us, or not.
    let end = end.filter(|_| reached_end);
    Ok(Replayed { genesis, venue, digest, last, commands, events, checkpoints, end, elapsed })
}

/// The first record of a log.
///
/// # Errors
/// [`LogError`]: there is no log, or it does not begin as one.
pub fn read_genesis<D: Disk>(reader: &mut LogReader<D>) -> Result<Genesis, LogError> {
    let found = match reader.next_record()? {
        Some(first) => match first.record {
            Record::Genesis(genesis) => return Ok(genesis),
            Record::Command(_) => "a command",
            Record::Checkpoint(_) => "a checkpoint",
            Record::Closed { .. } => "an end",
        },
        None => "nothing",
    };
    Err(LogError::Replay {
        seq: Seq::new(0),
        reason: format!("the log begins with {found}, not with its genesis"),
    })
}

fn compare(logged: Checkpoint, hasher: &CheckpointHasher) -> Result<(), LogError> {
    if hasher.last() == logged {
        return Ok(());
    }
    let reason = "the events of the sequences up to here are not those of the live run; replay with the build that \
                  wrote the log, and compare";
    Err(LogError::Replay { seq: logged.seq, reason: reason.to_owned() })
}
