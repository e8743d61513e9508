//! The event log: every command in its order, durable before anybody hears of it.
//!
//! Invariant: what [`EventLog::commit`] returned as durable is read back byte for byte by [`EventLog::open`], or the
//! opening is refused with file, offset and reason.

mod ahead;
mod checkpoint;
mod disk;
mod error;
mod evidence;
mod format;
mod reader;
mod recovery;
mod stage;
mod store;
mod writer;

use engine::{Capacity, Command, Seq, Stamp, TimeNs};

pub use checkpoint::{CHECKPOINT_EVERY, Checkpoint, CheckpointHasher};
pub use disk::{Disk, LOCK_FILE, RealDisk};
pub use error::LogError;
pub use reader::LogReader;
pub use writer::EventLog;

/// Version of the bytes described above.
pub const FORMAT_VERSION: u32 = 1;
/// Version of the venue's rules: raised whenever the same commands would bring about other events.
pub const RULES_VERSION: u32 = 1;

/// File that says where the log ends, present while nothing was written since.
pub const CLOSED_FILE: &str = "CLOSED";
/// Its name until it is complete.
const CLOSING_FILE: &str = "CLOSED.new";

/// When a command counts as durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Once handed to the operating system: survives the process, not the machine.
    None,
    /// Once `fdatasync` returned.
    Local,
}

/// How the log is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogOptions {
    /// Size of a new segment file: a multiple of 4,096 from [`SEGMENT_BYTES_MIN`] to [`SEGMENT_BYTES_MAX`].
    pub segment_bytes: u64,
    /// When a command counts as durable.
    pub durability: Durability,
}

/// Smallest segment.
pub const SEGMENT_BYTES_MIN: u64 = 32 * 1024;
/// Largest segment.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 32;

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 * 1024 * 1024, durability: Durability::Local }
    }
}

/// The first record: under what the log was begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Genesis {
    /// [`FORMAT_VERSION`] of the writer.
    pub format: u32,
    /// [`RULES_VERSION`] of the writer.
    pub rules: u32,
    /// Build of the writer, for people.
    pub build: String,
    /// When.
    pub created: TimeNs,
    /// Room the venue was given.
    pub capacity: Capacity,
}

impl Genesis {
    /// A log begun by this build.
    #[must_use]
    pub fn new(build: String, created: TimeNs, capacity: Capacity) -> Self {
        Self { format: FORMAT_VERSION, rules: RULES_VERSION, build, created, capacity }
    }
}

/// A command to be logged.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its place and time; sequences follow each other without a gap, from 1.
    pub stamp: Stamp,
    /// When its bytes came in; 0 for the venue's own.
    pub received_ns: u64,
    /// The session's number of it; 0 for the venue's own.
    pub client_seq: u64,
    /// What was asked for.
    pub command: &'a Command,
}

/// A command as read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedCommand {
    /// Its place and time.
    pub stamp: Stamp,
    /// When its bytes came in; 0 for the venue's own.
    pub received_ns: u64,
    /// The session's number of it; 0 for the venue's own.
    pub client_seq: u64,
    /// What was asked for.
    pub command: Command,
}

/// What a log holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// The first record.
    Genesis(Genesis),
    /// A command.
    Command(LoggedCommand),
    /// What the events up to a sequence must hash to.
    Checkpoint(Checkpoint),
    /// The log was closed here.
    Closed {
        /// Last command before it.
        seq: Seq,
    },
}

/// A record and where it lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Located {
    /// Segment number.
    pub segment: u32,
    /// Byte offset of the record in its segment file.
    pub offset: u64,
    /// The record.
    pub record: Record,
}

/// What follows the last valid batch and was never acknowledged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// Segment file.
    pub file: String,
    /// Where the valid part ends in it.
    pub offset: u64,
    /// What was found there.
    pub reason: String,
}

/// Where and how a log ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogEnd {
    /// Last command.
    pub last: Seq,
    /// Time of the last command; the clock goes on from here.
    pub last_time: TimeNs,
    /// Chain value after the last batch: commits to every byte of the log.
    pub head: [u8; 32],
    /// Newest checkpoint record.
    pub checkpoint: Checkpoint,
    /// Last segment in use.
    pub segment: u32,
    /// End of the last batch in it.
    pub offset: u64,
    /// Whether the log was closed and not written since.
    pub closed: bool,
    /// What lies beyond the end, if anything.
    pub torn: Option<TornTail>,
}

/// What opening a log found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// The first record.
    pub genesis: Genesis,
    /// Where the log ended; the next command is the sequence after `end.last`.
    pub end: LogEnd,
    /// What was cut off, in words; `None` when the log ended cleanly.
    pub cut: Option<String>,
}
