//! Replay of an event log: rebuilds the venue up to a sequence and prints or exports what happened on the way.
//!
//! Invariant: the log is opened for reading only and verified while it is read, checkpoints included, up to where the
//! replay stops. What is printed are the events replay brings about, which are those of the live run.

pub mod export;
pub mod row;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use engine::{Seq, Stamp};
use gateway::log::{LogError, RealDisk};
use gateway::outcome::Outcome;
use gateway::replay::replay_while;

pub use self::export::Format;

use self::export::Exporter;
use crate::progress::Progress;
use crate::verify::NoDirectory;

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
    #[error(transparent)]
    NoDirectory(#[from] NoDirectory),
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
    NoDirectory::check(&options.directory)?;
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
    let disk = RealDisk::read_only(&options.directory).map_err(log)?;
    let mut exporter = Exporter::new(options.format, output);
    let mut progress = options.output.is_some().then(|| Progress::start("replaying", options.to));
    let from = options.from.unwrap_or(1);
    let mut failure = None;
    let replayed = replay_while(disk, options.to.map(Seq::new), |outcome| {
        show(&mut progress, outcome);
        match exporter.take(outcome, outcome.stamp.seq.get() >= from) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(progress) = progress {
        progress.finish();
    }
    let replayed = replayed.map_err(log)?;
    failure.map_or(Ok(()), Err).and_then(|()| exporter.finish()).map_err(written)?;
    match options.to {
        Some(asked) if replayed.last.seq < Seq::new(asked) => {
            Err(ReplayError::Beyond { asked, last: replayed.last.seq.get() })
        }
        _ => Ok(End { last: replayed.last, digest: replayed.digest, rows: exporter.rows() }),
    }
}

fn show(progress: &mut Option<Progress>, outcome: &Outcome<'_>) {
    if let Some(progress) = progress
        && outcome.stamp.seq.get().is_multiple_of(SHOW_INTERVAL)
    {
        progress.at(outcome.stamp.seq.get(), "commands");
    }
}
