//! Verification of an event log: every byte against its checksums and chain, every command replayed, every checkpoint
//! recomputed.
//!
//! Invariant: the log is opened for reading only, and the same log gives the same digest on every machine.

use std::fmt;
use std::path::{Path, PathBuf};

use gateway::log::{LogEnd, LogError, RealDisk};
use gateway::replay::{Replayed, replay};
use serde::{Deserialize, Serialize};

use crate::format::{grouped, hex, utc};
use crate::progress::Progress;

/// Progress is shown once per so many commands.
const SHOW_INTERVAL: u64 = 16_384;

/// Where a log that was not closed ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Torn {
    /// Segment file.
    pub file: String,
    /// End of the valid part.
    pub offset: u64,
    /// What was found there.
    pub reason: String,
}

/// What a verification found. Serialised as it stands for `--json`. The default is that nothing was found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Verification {
    /// Whether everything fits.
    pub verified: bool,
    /// What does not, with file and offset.
    pub error: Option<String>,
    /// Commands replayed.
    pub commands: u64,
    /// Events they brought about.
    pub events: u64,
    /// Checkpoints compared.
    pub checkpoints: u64,
    /// Digest of the state after the last command.
    pub digest: Option<String>,
    /// Chain value after the last batch: commits to every byte of the log.
    pub head: Option<String>,
    /// Commands replayed per second.
    pub rate_per_s: u64,
    /// Last sequence.
    pub last_seq: u64,
    /// Its time, nanoseconds since the Unix epoch.
    pub last_time_ns: u64,
    /// Version of the venue's rules the log was written under.
    pub rules: Option<u32>,
    /// Whether the log was closed properly.
    pub closed: bool,
    /// What lies beyond its end.
    pub torn: Option<Torn>,
}

/// Why a path cannot be that of a log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoDirectory {
    /// Nothing is there.
    #[error("{} does not exist; name the directory of a log, such as `fulcrum demo --data DIR` leaves", .0.display())]
    Missing(PathBuf),
    /// Something else is there.
    #[error("{} is not a directory; name the directory that holds the log, not a file in it", .0.display())]
    Other(PathBuf),
}

impl NoDirectory {
    /// Looks whether there is a directory.
    ///
    /// # Errors
    /// When there is none.
    pub fn check(path: &Path) -> Result<(), Self> {
        match (path.is_dir(), path.exists()) {
            (true, _) => Ok(()),
            (false, true) => Err(Self::Other(path.to_owned())),
            (false, false) => Err(Self::Missing(path.to_owned())),
        }
    }
}

/// Verifies the log in `directory`; failures are in the outcome.
#[must_use]
pub fn run(directory: &Path) -> Verification {
    if let Err(error) = NoDirectory::check(directory) {
        return Verification::failed(error.to_string());
    }
    match replay_all(directory) {
        Ok(replayed) => Verification::of(&replayed),
        Err(error) => Verification::failed(format!("{}: {error}", directory.display())),
    }
}

fn replay_all(directory: &Path) -> Result<Replayed, LogError> {
    let mut progress = Progress::start("verifying", None);
    let replayed = replay(RealDisk::read_only(directory)?, None, |outcome| {
        if outcome.stamp.seq.get().is_multiple_of(SHOW_INTERVAL) {
            progress.at(outcome.stamp.seq.get(), "commands");
        }
    });
    progress.finish();
    replayed
}

impl Verification {
    fn of(replayed: &Replayed) -> Self {
        let end = replayed.end.as_ref();
        let torn = end.and_then(|end| end.torn.as_ref());
        Self {
            verified: true,
            error: None,
            commands: replayed.commands,
            events: replayed.events,
            checkpoints: replayed.checkpoints,
            digest: Some(format!("{:032x}", replayed.digest)),
            head: end.map(|end: &LogEnd| hex(&end.head)),
            rate_per_s: replayed.rate(),
            last_seq: replayed.last.seq.get(),
            last_time_ns: replayed.last.time.get(),
            rules: Some(replayed.genesis.rules),
            closed: end.is_some_and(|end| end.closed),
            torn: torn.map(|torn| Torn {
                file: torn.file.clone(),
                offset: torn.offset,
                reason: torn.reason.clone(),
            }),
        }
    }

    fn failed(error: String) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(digest) = &self.digest else { return Ok(()) };
        let (commands, events) = (grouped(self.commands.into()), grouped(self.events.into()));
        writeln!(f, "verified      {commands} commands, {events} events, {} checkpoints", self.checkpoints)?;
        writeln!(f, "rate          {} commands/s", grouped(self.rate_per_s.into()))?;
        writeln!(f, "last command  {} at {}", self.last_seq, utc(self.last_time_ns))?;
        writeln!(f, "state digest  {digest}")?;
        if let Some(head) = &self.head {
            writeln!(f, "chain head    {head}")?;
        }
        match (&self.torn, self.closed) {
            (Some(Torn { file, offset, reason }), _) => writeln!(
                f,
                "end           torn at byte {offset} of {file}: {reason}; nothing beyond was acknowledged, and the \
                 next start cuts it off"
            ),
            (None, true) => writeln!(f, "end           closed properly"),
            (None, false) => writeln!(f, "end           not closed: the venue was killed, or still runs"),
        }
    }
}
