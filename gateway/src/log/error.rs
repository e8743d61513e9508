//! What can go wrong with a log, said so that an operator knows where to look and what to do next.
//!
//! Invariant: an error about bytes names the file and the offset.

use std::io;

use engine::Seq;

/// Why the log cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused a call.
    #[error(
        "cannot {doing} {file} at byte {offset}: {source}; check the disk, its free space and permissions, then start \
         again: what was acknowledged is in the log"
    )]
    Io {
        /// The call, as a verb.
        doing: &'static str,
        /// File inside the log directory.
        file: String,
        /// Where in it.
        offset: u64,
        /// The system's reason.
        source: io::Error,
    },
    /// The system has no thread for reading ahead.
    #[error("cannot start a thread: {0}; raise the limit on processes (ulimit -u) and start again")]
    Thread(#[source] io::Error),
    /// A write took fewer bytes than it was given.
    #[error(
        "write to {file} at byte {offset} took {written} of {asked} bytes; check free space and file size limits, then \
         start again: what was acknowledged is in the log"
    )]
    ShortWrite {
        /// File inside the log directory.
        file: String,
        /// Where in it.
        offset: u64,
        /// Bytes taken.
        written: usize,
        /// Bytes given.
        asked: usize,
    },
    /// Bytes that were acknowledged are not what was written, or a byte is set where nothing was written.
    #[error(
        "{file} is damaged at byte {offset}: {reason}; keep this directory as evidence and restore {file} from a copy"
    )]
    Damaged {
        /// File inside the log directory.
        file: String,
        /// Where in it.
        offset: u64,
        /// What does not fit.
        reason: String,
    },
    /// The log was written under another format or other rules.
    #[error(
        "{file} was written under {what} version {found} by build {build}, this build reads {what} version {ours}; \
         open it with a build of {what} version {found}"
    )]
    OtherVersion {
        /// File inside the log directory.
        file: String,
        /// `format` or `rules`.
        what: &'static str,
        /// Version in the log.
        found: u32,
        /// Version of this build.
        ours: u32,
        /// Build that wrote it; empty when not known.
        build: String,
    },
    /// A new log was asked for where files are.
    #[error(
        "a new log needs an empty directory, but {file} is there; open the log or name another directory"
    )]
    NotEmpty {
        /// One of the files.
        file: String,
    },
    /// There is no log.
    #[error("there is no log here (00000001.seg is missing); create one, or name the right directory")]
    Absent,
    /// Another process has the log.
    #[error("{path} is locked by another process; stop that process or name another directory")]
    Locked {
        /// The lock file.
        path: String,
    },
    /// The log failed before and takes nothing more.
    #[error("the log stopped at its first failure ({first}); restart the venue once the cause is removed")]
    Poisoned {
        /// The first failure.
        first: String,
    },
    /// A command does not follow the one before it.
    #[error("sequence {found} was appended where {expected} follows; this is a defect of the caller")]
    OutOfOrder {
        /// The next sequence.
        expected: Seq,
        /// The one given.
        found: Seq,
    },
    /// Commands run too far ahead of their events.
    #[error(
        "the command of sequence {seq} was appended while events are noted only up to {noted}; this is a defect of the \
         caller"
    )]
    EventsBehind {
        /// The command.
        seq: Seq,
        /// Last sequence whose events are known.
        noted: Seq,
    },
    /// The name of the build does not fit into the first record.
    #[error("the build name has {bytes} bytes; take a shorter one")]
    BuildName {
        /// Its length.
        bytes: usize,
    },
    /// The options make no log.
    #[error(
        "segments of {segment_bytes} bytes are not possible; take a multiple of 4096 from {min} to {max}"
    )]
    Options {
        /// As asked.
        segment_bytes: u64,
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// Replay gave another result than the live run, or its caller refused a command.
    #[error("replay stopped at sequence {seq}: {reason}; keep this directory as evidence")]
    Replay {
        /// Where.
        seq: Seq,
        /// Why.
        reason: String,
    },
}
