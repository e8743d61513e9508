//! The demonstration: a venue is started, played with, stopped, and its log verified.
//!
//! Invariant: what the summary says of money is recomputed from the replayed log, not taken from the live run; what it
//! says of orders is counted from the events a client has seen.

pub mod drive;
pub mod report;
pub mod tally;

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::TimeNs;
use gateway::clock::WallClock;
use gateway::log::{LogError, LogOptions, RealDisk};
use gateway::process::{Config, Layout, Process, StartError};
use gateway::progress::{Conclusion, Failure};
use gateway::replay::{Replayed, replay};
use risk::{AccountId, Ledger};

pub use self::report::Summary;

use self::drive::Observed;
use crate::flow::modelled::Size;
use crate::flow::{Flow, FlowError, LobsterFlow, ModelledFlow};
use crate::interrupt::Interrupt;
use crate::progress::{Progress, say};

/// Segments of the demonstration's log: a run of the usual length needs two or three, and a short one little space.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
/// Replay progress is shown once per so many commands.
const SHOW_INTERVAL: u64 = 4096;

/// Where the orders come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Seeded flow.
    Modelled(Size),
    /// A recorded file, of which at most so many messages are played.
    Lobster(PathBuf, Option<u64>),
}

/// How a demonstration is run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Where the orders come from.
    pub source: Source,
    /// Where the log is kept; a temporary directory that is removed at the end when not given.
    pub directory: Option<PathBuf>,
    /// When a command counts as durable.
    pub durability: gateway::log::Durability,
    /// Which thread runs what.
    pub layout: Layout,
}

/// Why a demonstration failed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The source of orders.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The venue did not start.
    #[error("the venue did not start: {0}")]
    Start(#[from] StartError),
    /// The venue stopped.
    #[error("the venue stopped by itself: {0}")]
    Venue(Failure),
    /// The directory is in use.
    #[error(
        "{} is not empty; name a new directory, or look at the log in it with `fulcrum verify {}`",
        .0.display(), .0.display()
    )]
    NotEmpty(PathBuf),
    /// The directory cannot be used.
    #[error("cannot use {} for the log: {source}; name another directory with --data", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What the live run left.
#[derive(Debug)]
struct Live {
    observed: Observed,
    conclusion: Conclusion,
    started: TimeNs,
    interrupted: bool,
}

/// Runs a demonstration.
///
/// # Errors
/// [`DemoError`]. A log that does not verify is not an error here: the summary says so.
pub fn run(options: &Options, interrupt: &Interrupt) -> Result<Summary, DemoError> {
    let mut flow = open(&options.source)?;
    let (directory, temporary) = prepare(options.directory.as_deref())?;
    let live = play(flow.as_mut(), options, &directory, interrupt)?;
    let replayed = verify(&directory, live.conclusion.last.seq.get());
    let verified = match &replayed {
        Ok(replayed) => agrees(replayed, &live),
        Err(error) => {
            say(&format!("the log in {} does not verify: {error}", directory.display()));
            false
        }
    };
    let summary = Summary::new(options, flow.as_ref(), &live, replayed.as_ref().ok(), verified);
    if let Some(temporary) = temporary {
        temporary.close().map_err(|source| DemoError::Directory { path: directory, source })?;
    }
    Ok(summary)
}

fn open(source: &Source) -> Result<Box<dyn Flow>, FlowError> {
    Ok(match source {
        Source::Modelled(size) => Box::new(ModelledFlow::new(*size)),
        Source::Lobster(path, limit) => {
            say(&format!("reading {}", path.display()));
            Box::new(LobsterFlow::open(path, *limit)?)
        }
    })
}

/// The directory of the log, and the guard that removes it where it is a temporary one.
fn prepare(asked: Option<&Path>) -> Result<(PathBuf, Option<tempfile::TempDir>), DemoError> {
    let Some(path) = asked else {
        let temporary = tempfile::Builder::new()
            .prefix("fulcrum-demo-")
            .tempdir()
            .map_err(|source| DemoError::Directory { path: std::env::temp_dir(), source })?;
        return Ok((temporary.path().to_owned(), Some(temporary)));
    };
    let failed = |source| DemoError::Directory { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(failed)?;
    let is_empty = std::fs::read_dir(path).map_err(failed)?.next().is_none();
    if is_empty { Ok((path.to_owned(), None)) } else { Err(DemoError::NotEmpty(path.to_owned())) }
}

fn play(
    flow: &mut dyn Flow,
    options: &Options,
    directory: &Path,
    interrupt: &Interrupt,
) -> Result<Live, DemoError> {
    let mut config = Config::new(directory.to_owned(), flow.capacity());
    config.log = LogOptions { segment_bytes: SEGMENT_BYTES, durability: options.durability };
    config.layout = options.layout;
    let (process, mut client, _recovery) = Process::start(&config, WallClock::default())?;
    if let Some(notice) = process.notice() {
        say(&format!("note: {notice}"));
    }
    let mut observed = Observed::new();
    let started = client.now();
    let driven = drive::drive(flow, &mut client, &mut observed, interrupt);
    let stopped = process.stop(client, |outcome| observed.see(outcome));
    let interrupted = driven?;
    let conclusion = stopped.map_err(DemoError::Venue)?;
    Ok(Live { observed, conclusion, started, interrupted })
}

fn verify(directory: &Path, commands: u64) -> Result<Replayed, LogError> {
    let mut progress = Progress::start("verifying the log", Some(commands));
    let replayed = replay(RealDisk::read_only(directory)?, None, |outcome| {
        if outcome.stamp.seq.get().is_multiple_of(SHOW_INTERVAL) {
            progress.at(outcome.stamp.seq.get(), "");
        }
    });
    progress.finish();
    replayed
}

/// The log, replayed, is the run we saw: same last command, same number of events, same state.
fn agrees(replayed: &Replayed, live: &Live) -> bool {
    replayed.last == live.conclusion.last
        && replayed.digest == live.conclusion.digest
        && replayed.events == live.observed.tally.events
}

/// Whether money and positions are conserved, by a recomputation of our own: balances less costs of open positions are
/// the deposits less the withdrawals that events told of, and positions sum to zero in every instrument.
#[must_use]
pub fn is_conserved(ledger: &Ledger, deposits: i128) -> bool {
    let instruments = usize::try_from(ledger.instruments()).unwrap_or(0);
    let mut positions = vec![0_i128; instruments];
    let mut worth = 0_i128;
    for (id, account) in ledger.accounts() {
        worth += i128::from(account.balance.get());
        for (_, leg) in ledger.legs_of(id) {
            worth -= i128::from(leg.cost.get());
            positions[leg.instrument.index()] += i128::from(leg.position.get());
        }
    }
    worth == deposits && positions.iter().all(|sum| *sum == 0)
}

/// Balance and equity of the insurance account.
#[must_use]
pub fn insurance(ledger: &Ledger) -> (i64, i64) {
    let balance = ledger.account(AccountId::INSURANCE).map_or(0, |account| account.balance.get());
    (balance, ledger.assess(AccountId::INSURANCE).equity.get())
}

/// Time from `started` to the last outcome seen.
fn played_for(live: &Live) -> Duration {
    Duration::from_nanos(live.observed.last_seen.get().saturating_sub(live.started.get()))
}

#[cfg(test)]
mod tests;
