//! Recovery: the venue in a directory as its log says, or a new one.
//!
//! Invariant: the log is locked before it is read, and open for appending behind the last command the venue has seen.

use std::time::Duration;

use engine::{Stamp, TimeNs, Venue};

use crate::clock::{Clock, Stopwatch};
use crate::log::{EventLog, Genesis, LogError, LogReader, RealDisk};
use crate::process::Config;
use crate::replay::{Rebuild, read_genesis};

/// What a start found in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recovery {
    /// Under what the log was begun.
    pub genesis: Genesis,
    /// Whether it was begun just now.
    pub created: bool,
    /// Commands replayed.
    pub commands: u64,
    /// Stamp of the last of them.
    pub last: Stamp,
    /// Whether the venue goes on with work left over before it takes commands.
    pub pending: bool,
    /// What was cut off the end of the log, in words. It was never acknowledged.
    pub cut: Option<String>,
    /// Time taken.
    pub elapsed: Duration,
}

/// A recovered venue with its log.
#[derive(Debug)]
pub struct Recovered<L> {
    /// The venue after its last logged command.
    pub venue: Venue,
    /// Its log, open behind that command.
    pub log: L,
}

/// Recovers the venue in `config.directory`, or begins one.
///
/// # Errors
/// [`LogError`]: the log is damaged, locked, or cannot be read or written.
pub fn recover<C: Clock>(
    config: &Config,
    clock: &mut C,
) -> Result<(Recovered<EventLog<RealDisk>>, Recovery), LogError> {
    // The lock comes first; what is read after it does not change under us.
    let disk = RealDisk::open(&config.directory)?;
    let reader = LogReader::open(RealDisk::read_only(&config.directory)?);
    match reader.and_then(|mut reader| read_genesis(&mut reader)) {
        Ok(genesis) => resume(config, disk, &genesis),
        Err(LogError::Absent) => begin(config, disk, clock.now()),
        Err(error) => Err(error),
    }
}

fn begin(
    config: &Config,
    disk: RealDisk,
    now: TimeNs,
) -> Result<(Recovered<EventLog<RealDisk>>, Recovery), LogError> {
    let watch = Stopwatch::start();
    let genesis = Genesis::new(config.build.clone(), now, config.capacity);
    let log = EventLog::create(disk, config.log, &genesis)?;
    let venue = Venue::new(genesis.capacity);
    let last = Stamp::default();
    let (pending, elapsed) = (venue.pending(), watch.elapsed());
    let recovery = Recovery { genesis, created: true, commands: 0, last, pending, cut: None, elapsed };
    Ok((Recovered { venue, log }, recovery))
}

fn resume(
    config: &Config,
    disk: RealDisk,
    genesis: &Genesis,
) -> Result<(Recovered<EventLog<RealDisk>>, Recovery), LogError> {
    let watch = Stopwatch::start();
    let mut rebuild = Rebuild::new(genesis);
    let (log, opened) = EventLog::open(disk, config.log, &mut |logged, checkpoints| {
        rebuild.apply(&logged, checkpoints);
        Ok(())
    })?;
    let (commands, last) = (rebuild.commands(), rebuild.last());
    let venue = rebuild.into_venue();
    let recovery = Recovery {
        genesis: opened.genesis,
        created: false,
        commands,
        last,
        pending: venue.pending(),
        cut: opened.cut,
        elapsed: watch.elapsed(),
    };
    Ok((Recovered { venue, log }, recovery))
}
