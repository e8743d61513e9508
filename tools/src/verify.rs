//! Verification of an event log: every byte against its checksums and chain, every command replayed, every checkpoint
//! recomputed.
//!
//! Invariant: the log is opened for reading only, and the same log gives the same digest on every machine.

use std::fmt;
use std::path::Path;

use gateway::log::{LogEnd, LogError, RealDisk};
use gateway::replay::{Replayed, replay};
use serde::Serialize;

use crate::format::{grouped, utc};
use crate::progress::Progress;

/// Progress is shown once per so many commands.
const SHOW_INTERVAL: u64 = 16_384;

/// Where a log that was not closed ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Torn {
    /// Segment file.
    pub file: String,
    /// End of the valid part.
    pub offset: u64,
    /// What was found there.
    pub reason: String,
}

/// What a verification found. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
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

/// Verifies the log in `directory`; failures are in the outcome.
#[must_use]
pub fn run(directory: &Path) -> Verification {
    if !directory.is_dir() {
        return Verification::failed(format!(
            "{} is not a directory; name that of a log",
            directory.display()
        ));
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

fn hex(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::new(), |mut text, octet| {
        let _infallible = write!(text, "{octet:02x}").is_ok();
        text
    })
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
        Self {
            verified: false,
            error: Some(error),
            commands: 0,
            events: 0,
            checkpoints: 0,
            digest: None,
            head: None,
            rate_per_s: 0,
            last_seq: 0,
            last_time_ns: 0,
            rules: None,
            closed: false,
            torn: None,
        }
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
