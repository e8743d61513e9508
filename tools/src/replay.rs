//! Replay of an event log: rebuilds the venue up to a sequence and prints or exports what happened on the way.
//!
//! Invariant: the log is opened for reading only and verified while it is read, checkpoints included, up to where the
//! replay stops. What is printed are the events replay brings about, which are those of the live run.

pub mod export;
pub mod row;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use engine::{Seq, Stamp};
use gateway::log::{CheckpointHasher, LogError, LogReader, RealDisk, Record};
use gateway::outcome::Outcome;
use gateway::replay::{Rebuild, read_genesis};

pub use self::export::Format;

use self::export::Exporter;
use crate::progress::Progress;

/// Progress is shown once per so many commands.
const SHOW_INTERVAL: u64 = 16_384;

/// What is replayed, and how it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// Directory of the log.
    pub directory: PathBuf,
    /// First sequence whose events are shown.
    pub from: Option<u64>,
    /// Last sequence that is replayed.
    pub to: Option<u64>,
    /// How events are shown.
    pub format: Format,
    /// File they are written to.
    pub output: Option<PathBuf>,
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log.
    #[error("{}: {source}", directory.display())]
    Log {
        /// Which.
        directory: PathBuf,
        /// What is wrong with it.
        source: LogError,
    },
    /// There is no such directory.
    #[error("{} is not a directory; name that of a log", .0.display())]
    NoDirectory(PathBuf),
    /// The log ends before the sequence asked for.
    #[error(
        "the log ends at sequence {last}, before {asked}; name a sequence up to {last}, or none for the end"
    )]
    Beyond {
        /// As asked.
        asked: u64,
        /// Last sequence of the log.
        last: u64,
    },
    /// Events cannot be written.
    #[error("cannot write {what}: {source}; check free space and permissions")]
    Write {
        /// Where to.
        what: String,
        /// What the system said.
        source: io::Error,
    },
}

impl ReplayError {
    /// Whether whoever reads our output has gone, as `| head` does: no error to speak of.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Where a replay ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End {
    /// Last command replayed.
    pub last: Stamp,
    /// Digest of the state after it.
    pub digest: u128,
    /// Events shown.
    pub rows: u64,
}

/// Replays and shows.
///
/// # Errors
/// [`ReplayError`].
pub fn run(options: &Options, standard_output: &mut dyn Write) -> Result<End, ReplayError> {
    if !options.directory.is_dir() {
        return Err(ReplayError::NoDirectory(options.directory.clone()));
    }
    let Some(path) = &options.output else {
        let failed = |source| ReplayError::Write { what: "to standard output".to_owned(), source };
        let end = replay_to(options, standard_output)?;
        return standard_output.flush().map(|()| end).map_err(failed);
    };
    let failed = |source| ReplayError::Write { what: path.display().to_string(), source };
    // A device or a pipe is written to; a file appears whole or not at all.
    if path.exists() && !path.is_file() {
        let mut file = io::BufWriter::new(std::fs::File::options().write(true).open(path).map_err(failed)?);
        let end = replay_to(options, &mut file)?;
        return file.flush().map(|()| end).map_err(failed);
    }
    let beside = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let temporary = tempfile::NamedTempFile::new_in(beside).map_err(failed)?;
    let mut file = io::BufWriter::with_capacity(1 << 16, temporary);
    let end = replay_to(options, &mut file)?;
    let temporary = file.into_inner().map_err(|error| failed(error.into_error()))?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(path).map_err(|error| failed(error.error))?;
    Ok(end)
}

fn replay_to(options: &Options, output: &mut dyn Write) -> Result<End, ReplayError> {
    let log = |source| ReplayError::Log { directory: options.directory.clone(), source };
    let written = |source| ReplayError::Write { what: "the events".to_owned(), source };
    let mut reader = RealDisk::read_only(&options.directory).and_then(LogReader::open).map_err(log)?;
    let genesis = read_genesis(&mut reader).map_err(log)?;
    let mut rebuild = Rebuild::new(&genesis);
    let mut checkpoints = CheckpointHasher::new();
    let mut exporter = Exporter::new(options.format, output);
    let mut progress = options.output.is_some().then(|| Progress::start("replaying", options.to));
    exporter.header().map_err(written)?;
    let (from, to) = (options.from.unwrap_or(1), options.to.unwrap_or(u64::MAX));
    while rebuild.last().seq.get() < to {
        let Some(located) = reader.next_record().map_err(log)? else { break };
        match located.record {
            Record::Command(logged) => {
                let outcome = rebuild.apply(&logged, &mut checkpoints);
                exporter.take(&outcome, outcome.stamp.seq.get() >= from).map_err(written)?;
                show(&mut progress, &outcome);
            }
            Record::Checkpoint(logged) if logged != checkpoints.last() => {
                let reason = "the events up to here are not those of the live run; replay with the build that wrote \
                              the log";
                return Err(log(LogError::Replay { seq: logged.seq, reason: reason.to_owned() }));
            }
            Record::Checkpoint(_) | Record::Genesis(_) | Record::Closed { .. } => {}
        }
    }
    if let Some(progress) = progress {
        progress.finish();
    }
    let rows = exporter.rows();
    let last = rebuild.last();
    match options.to {
        Some(asked) if last.seq < Seq::new(asked) => Err(ReplayError::Beyond { asked, last: last.seq.get() }),
        _ => Ok(End { last, digest: rebuild.into_venue().digest(), rows }),
    }
}

fn show(progress: &mut Option<Progress>, outcome: &Outcome<'_>) {
    if let Some(progress) = progress
        && outcome.stamp.seq.get().is_multiple_of(SHOW_INTERVAL)
    {
        progress.at(outcome.stamp.seq.get(), "commands");
    }
}
