//! Recovery: the venue in a directory as its log says, or a new one.
//!
//! Invariant: the log is locked before it is read, and open for appending behind the last command the venue has seen.

use std::time::Duration;

use engine::{Action, Command, Event, Events, Seq, Stamp, TimeNs, Venue};

use crate::clock::{Clock, Stopwatch};
use crate::log::{EventLog, Genesis, LogError, LogReader, RealDisk};
use crate::log_role::CommandLog;
use crate::outcome::Outcome;
use crate::process::{Comeback, Config, StartError};
use crate::replay::{Rebuild, read_genesis};

/// What a start found in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recovery {
    /// Under what the log was begun.
    pub genesis: Genesis,
    /// The log's name: different for every log ever begun.
    pub log_id: u64,
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
    /// How trading begins again, where the end before was not graceful.
    pub comeback: Option<Comeback>,
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

/// Recovers the venue in `config.directory`, or begins one with the commands of `opening`; an opening that was cut short
/// is finished. `see` gets every outcome from the first one on, replayed or new.
///
/// # Errors
/// [`StartError::Log`]: the log is damaged, locked, or cannot be read or written. [`StartError::Opening`]: a new venue
/// would refuse a command of its opening; nothing was written then.
pub fn recover<C: Clock>(
    config: &Config,
    clock: &mut C,
    opening: &[Command],
    see: &mut dyn FnMut(&Outcome<'_>),
) -> Result<(Recovered<EventLog<RealDisk>>, Recovery), StartError> {
    // The lock comes first; what is read after it does not change under us.
    let disk = RealDisk::open(&config.directory)?;
    let reader = LogReader::open(RealDisk::read_only(&config.directory)?);
    match reader.and_then(|mut reader| read_genesis(&mut reader)) {
        Ok(genesis) => Ok(resume(config, disk, &genesis, clock, opening, see)?),
        Err(LogError::Absent) => begin(config, disk, clock, opening, see),
        Err(error) => Err(error.into()),
    }
}

fn begin<C: Clock>(
    config: &Config,
    disk: RealDisk,
    clock: &mut C,
    opening: &[Command],
    see: &mut dyn FnMut(&Outcome<'_>),
) -> Result<(Recovered<EventLog<RealDisk>>, Recovery), StartError> {
    let watch = Stopwatch::start();
    rehearse(config, opening)?;
    let genesis = Genesis::new(config.build.clone(), clock.now(), config.capacity);
    let log = EventLog::create(disk, config.log, &genesis)?;
    let mut recovered = Recovered { venue: Venue::new(genesis.capacity), log };
    carry_out(&mut recovered, clock, opening, see)?;
    let recovery = Recovery {
        genesis,
        log_id: recovered.log.id(),
        created: true,
        commands: 0,
        last: recovered.venue.last_stamp(),
        pending: recovered.venue.pending(),
        cut: None,
        comeback: None,
        elapsed: watch.elapsed(),
    };
    Ok((recovered, recovery))
}

fn resume<C: Clock>(
    config: &Config,
    disk: RealDisk,
    genesis: &Genesis,
    clock: &mut C,
    opening: &[Command],
    see: &mut dyn FnMut(&Outcome<'_>),
) -> Result<(Recovered<EventLog<RealDisk>>, Recovery), LogError> {
    let watch = Stopwatch::start();
    let mut rebuild = Rebuild::new(genesis);
    let mut opened_with = OpeningSeen::default();
    let (log, opened) = EventLog::open(disk, config.log, &mut |logged, checkpoints| {
        let outcome = rebuild.apply(&logged, checkpoints);
        opened_with.note(outcome.command, opening);
        see(&outcome);
        Ok(())
    })?;
    let commands = rebuild.commands();
    let mut recovered = Recovered { venue: rebuild.into_venue(), log };
    carry_out(&mut recovered, clock, opened_with.left_of(opening), see)?;
    let comeback = config.comeback.filter(|_| !opened.end.closed);
    if let Some(Comeback { cancel_only_ms, call_ms }) = comeback {
        let restarted = Command::venue(Action::Restarted { cancel_only_ms, call_ms });
        carry_out(&mut recovered, clock, &[restarted], see)?;
    }
    let recovery = Recovery {
        genesis: opened.genesis,
        log_id: recovered.log.id(),
        created: false,
        commands,
        last: recovered.venue.last_stamp(),
        pending: recovered.venue.pending(),
        cut: opened.cut,
        comeback,
        elapsed: watch.elapsed(),
    };
    Ok((recovered, recovery))
}

/// How much of an opening a log holds. While the log holds nothing else, the process that began it died over its opening:
/// nobody is let in before that is logged.
#[derive(Debug, Default)]
struct OpeningSeen {
    commands: usize,
    others: bool,
}

impl OpeningSeen {
    #[inline]
    fn note(&mut self, command: &Command, opening: &[Command]) {
        if self.others || command.action == Action::Continue {
            return;
        }
        if opening.get(self.commands) == Some(command) {
            self.commands += 1;
        } else {
            self.others = true;
        }
    }

    fn left_of<'a>(&self, opening: &'a [Command]) -> &'a [Command] {
        if self.others { &[] } else { &opening[self.commands..] }
    }
}

/// Applies `commands`, and what they leave over, under the next stamps, and logs them.
fn carry_out<L: CommandLog, C: Clock>(
    recovered: &mut Recovered<L>,
    clock: &mut C,
    commands: &[Command],
    see: &mut dyn FnMut(&Outcome<'_>),
) -> Result<(), L::Error> {
    let Recovered { venue, log } = recovered;
    clock.never_before(venue.last_stamp().time);
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let mut apply = |venue: &mut Venue, log: &mut L, command: &Command| {
        let (seq, time) = (Seq::new(venue.last_stamp().seq.get() + 1), clock.now());
        let stamp = Stamp { seq, time };
        events.clear();
        venue.apply(stamp, command, &mut events);
        let outcome = Outcome { stamp, received: time, command, events: events.as_slice() };
        log.write(&outcome)?;
        see(&outcome);
        Ok(())
    };
    for command in commands {
        // What the end before left over comes first: until it is done no command is taken.
        while venue.pending() {
            apply(venue, log, &Command::venue(Action::Continue))?;
        }
        apply(venue, log, command)?;
        while venue.pending() {
            apply(venue, log, &Command::venue(Action::Continue))?;
        }
    }
    if !commands.is_empty() {
        log.commit()?;
    }
    Ok(())
}

/// Finds out whether a new venue would take every command of its opening.
fn rehearse(config: &Config, opening: &[Command]) -> Result<(), StartError> {
    let mut venue = Venue::new(config.capacity);
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let mut seq = 0;
    let mut apply = |venue: &mut Venue, command: &Command| {
        seq += 1;
        events.clear();
        venue.apply(Stamp { seq: Seq::new(seq), time: TimeNs::new(1) }, command, &mut events);
        events
            .as_slice()
            .iter()
            .find_map(|event| if let Event::Rejected { reject, .. } = event { Some(*reject) } else { None })
    };
    for (number, command) in (1..).zip(opening) {
        if let Some(reject) = apply(&mut venue, command) {
            return Err(StartError::Opening { number, action: format!("{:?}", command.action), reject });
        }
        while venue.pending() {
            let _continued = apply(&mut venue, &Command::venue(Action::Continue));
        }
    }
    Ok(())
}
