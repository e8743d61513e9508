//! The demonstration: a venue is started, played with over TCP, stopped, and its log verified; then the same commands are
//! run once more in process, and fills, books and digest are compared.
//!
//! Invariant: what the summary says of money is recomputed from the replayed log, not taken from the live run. What the
//! sessions were told is counted apart and compared with what the log says they had to be told. Played in process, the
//! orders are counted from the events the client has seen.
//!
//! A demonstration begins a log and never goes on with one: a flow draws its commands from what it has seen since its
//! first, which no log tells it. So a directory with anything in it, a killed demonstration's log included, is refused
//! before anything in it is opened, and stays as it is, byte for byte.

pub mod acks;
pub mod again;
pub mod drive;
pub mod heard;
pub mod report;
pub mod tally;
pub mod tcp;
pub mod translate;

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::TimeNs;
use gateway::client::{Fault, KeyError, SendError};
use gateway::clock::WallClock;
use gateway::log::{LogError, LogOptions, RealDisk};
use gateway::process::{Config, Layout, Process, StartError};
use gateway::progress::{Conclusion, Failure};
use gateway::replay::{Replayed, replay};
use gateway::serve::ServeError;
use hdrhistogram::Histogram;
use risk::{AccountId, Ledger};

pub use self::report::Summary;

use self::acks::Acks;
use self::again::{AgainError, Course};
use self::drive::Observed;
use self::heard::{Heard, Owed};
use self::report::Receipt;
use self::tally::Tally;
use crate::audit;
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
    /// File the acknowledged sequences are appended to.
    pub acks: Option<PathBuf>,
    /// Without sockets and sessions.
    pub in_process: bool,
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
    /// The venue was not served.
    #[error("the venue did not start: {0}")]
    Serve(#[from] ServeError),
    /// No key for a session.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A session took no request.
    #[error("a session of the demonstration took no request: {0}")]
    Send(#[from] SendError),
    /// A session ended.
    #[error("a session of the demonstration ended: {0}")]
    Session(Fault),
    /// Nothing came for too long.
    #[error(
        "the venue did not answer its sessions; see whether the machine is overloaded, or play fewer --accounts"
    )]
    Silent,
    /// A command for an account that was never opened.
    #[error("the flow has a command for account {0}, which it never opened; this is a defect of the flow")]
    NoSession(AccountId),
    /// Sockets cannot be waited for.
    #[error("cannot wait for sockets: {0}; raise the limit on open files (ulimit -n), or play --in-process")]
    Poll(std::io::Error),
    /// The venue stopped.
    #[error("the venue stopped by itself: {0}")]
    Venue(Failure),
    /// The directory is in use.
    #[error(
        "{} is not empty; name a new directory, or look at the log in it with `fulcrum verify {}`",
        .0.display(), .0.display()
    )]
    NotEmpty(PathBuf),
    /// The trail of acknowledgements cannot be written.
    #[error("cannot append to {}: {source}; name another file with --acks", path.display())]
    Acks {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
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
    /// Counts of what the client has seen; over TCP they come from the log.
    tally: Option<Tally>,
    latency_ns: Histogram<u64>,
    last_seen: TimeNs,
    conclusion: Conclusion,
    started: TimeNs,
    interrupted: bool,
    /// What sessions were told, over TCP.
    heard: Option<Heard>,
    sessions: usize,
}

/// What the log says.
#[derive(Debug)]
struct Read {
    replayed: Replayed,
    tally: Tally,
    /// What sessions had to be told.
    owed: Heard,
    course: Course,
}

/// What comparing the run, its log and the run in process came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Verdict {
    verified: bool,
    /// `None` where nothing was compared: the run was in process itself.
    agrees: Option<bool>,
}

/// Runs a demonstration.
///
/// # Errors
/// [`DemoError`]. A log that does not verify is not an error here: the summary says so.
pub fn run(options: &Options, interrupt: &Interrupt) -> Result<Summary, DemoError> {
    let mut flow = open(&options.source)?;
    let (directory, temporary) = prepare(options.directory.as_deref())?;
    let live = if options.in_process {
        play(flow.as_mut(), options, &directory, interrupt)?
    } else {
        tcp::play(flow.as_mut(), options, &directory, interrupt)?
    };
    let read = verify(&directory, live.conclusion.last.seq.get());
    let verdict = match &read {
        Ok(read) => judge(read, &live, &directory),
        Err(error) => {
            say(&format!("the log in {} does not verify: {error}", directory.display()));
            Verdict { verified: false, agrees: None }
        }
    };
    let receipt = read.as_ref().ok().and_then(|read| receipt(read, &directory));
    let summary = Summary::new(options, flow.as_ref(), &live, read.as_ref().ok(), verdict, receipt);
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
    let mut observed = Observed::new(options.acks.as_deref().map(Acks::open).transpose()?);
    let started = client.now();
    let driven = drive::drive(flow, &mut client, &mut observed, interrupt);
    let stopped = process.stop(client, |outcome| observed.see(outcome));
    let interrupted = driven?;
    observed.acknowledge()?;
    let conclusion = stopped.map_err(DemoError::Venue)?;
    let Observed { tally, latency_ns, last_seen, .. } = observed;
    let (tally, heard, sessions) = (Some(tally), None, 1);
    Ok(Live { tally, latency_ns, last_seen, conclusion, started, interrupted, heard, sessions })
}

fn verify(directory: &Path, commands: u64) -> Result<Read, LogError> {
    let mut progress = Progress::start("verifying the log", Some(commands));
    let (mut tally, mut owed, mut course) = (Tally::new(), Owed::default(), Course::default());
    let replayed = replay(RealDisk::read_only(directory)?, None, |outcome| {
        tally.count(outcome);
        owed.expect(outcome);
        course.note(outcome);
        if outcome.stamp.seq.get().is_multiple_of(SHOW_INTERVAL) {
            progress.at(outcome.stamp.seq.get(), "");
        }
    })?;
    progress.finish();
    course.books = Course::books_of(&replayed.venue);
    Ok(Read { replayed, tally, owed: owed.heard(), course })
}

/// The log, replayed, is the run we saw: same last command, same events, same state, and every session was told what
/// concerns it. Over TCP the same commands in process come to the same fills, books and state.
fn judge(read: &Read, live: &Live, directory: &Path) -> Verdict {
    let Read { replayed, tally, owed, .. } = read;
    let seen = live.tally.as_ref().is_none_or(|seen| seen.events == tally.events);
    let told = live.heard.is_none_or(|heard| heard == *owed);
    if let Some(heard) = live.heard.filter(|_| !told) {
        say(&format!("sessions were told {heard:?}, the log says {owed:?}"));
    }
    let is_same_state = replayed.last == live.conclusion.last && replayed.digest == live.conclusion.digest;
    let agrees = live.heard.map(|_| match compare(read, directory) {
        Ok(agrees) => agrees,
        Err(error) => {
            say(&format!("the same commands in process: {error}"));
            false
        }
    });
    Verdict { verified: is_same_state && seen && told, agrees }
}

/// The first cut of a deleveraging, computed again from the log; `None` where there was none.
fn receipt(read: &Read, directory: &Path) -> Option<Receipt> {
    let (seq, account) = read.tally.shared.first_cut?;
    let audited = match audit::deleveragings(directory, Some((engine::Seq::new(seq), account))) {
        Ok(audited) => audited,
        Err(error) => {
            say(&format!("the deleveragings cannot be audited: {error}"));
            return None;
        }
    };
    for difference in &audited.differences {
        say(&format!("audit: {difference}"));
    }
    let call = audited.calls.iter().find(|call| call.seqs.contains(&seq))?;
    let cut = call.cuts.iter().find(|cut| cut.seq == seq && cut.account == account.get())?;
    let proof = call.holder.as_ref().and_then(|holder| holder.proof.as_ref());
    let is_proven = proof.is_some_and(audit::ProofFile::verifies);
    Some(Receipt {
        seq,
        account: account.get(),
        lots: cut.lots,
        haircut: cut.haircut,
        compared: audited.compared,
        verified: audited.differences.is_empty() && (proof.is_none() || is_proven),
        proven: is_proven,
    })
}

fn compare(read: &Read, directory: &Path) -> Result<bool, AgainError> {
    let Read { replayed, course, .. } = read;
    let disk = RealDisk::read_only(directory)?;
    let (again, digest) = again::run(disk, replayed.genesis.capacity, replayed.commands)?;
    let same = [
        ("fills", again.fills == course.fills),
        ("books", again.books == course.books),
        ("digest", digest == replayed.digest),
    ];
    for (name, _) in same.iter().filter(|(_, agrees)| !agrees) {
        say(&format!("the same commands in process come to another {name}"));
    }
    Ok(same.iter().all(|(_, agrees)| *agrees))
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
    Duration::from_nanos(live.last_seen.get().saturating_sub(live.started.get()))
}

#[cfg(test)]
mod tests;
