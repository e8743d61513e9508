//! The event log: every command in its order, durable before anybody hears of it.
//!
//! Invariant: what [`EventLog::commit`] returned as durable is read back byte for byte by [`EventLog::open`], or the
//! opening is refused with file, offset and reason.
//!
//! # Files
//!
//! | name | what |
//! |---|---|
//! | `00000001.seg`, `00000002.seg`, ... | segments of a fixed size, zero where nothing was written |
//! | `NNNNNNNN.new` | a segment being prepared; swept away at the next opening |
//! | `CLOSED` | where the log ends; present from a graceful stop to the next opening |
//! | `LOCK` | locked by the process that writes (`flock`); its content means nothing |
//!
//! A segment is written with zeros to its full size and synced before it gets its name, because a file that grows
//! doubles the price of `fdatasync`; the next one is prepared in slices while the current one fills. With
//! [`Durability::None`] it is only given its size. The first segment gets its name when the genesis record in it is
//! durable, so a directory holds a log or none.
//!
//! # Bytes
//!
//! All integers are little-endian. CRC is CRC-32C (`CRC-32/ISCSI`). A CRC inside a header is computed as if zero stood
//! in its place. A *place* is a segment number and a byte offset in it. All bytes not named are zero.
//!
//! **Segment header**, 128 bytes at offset 0:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | `FULCRUML` |
//! | 8 | 4 | [`FORMAT_VERSION`] |
//! | 12 | 4 | number of this segment, from 1 |
//! | 16 | 8 | log id: first 8 bytes of BLAKE3 over the genesis block |
//! | 24 | 8 | size of the segment |
//! | 32 | 8 | last sequence before it |
//! | 40 | 8 | sequence of the last checkpoint record before it |
//! | 48 | 32 | link of that checkpoint |
//! | 80 | 4 | synced: segment |
//! | 84 | 4 | CRC of the header |
//! | 88 | 8 | synced: offset |
//! | 96 | 32 | chain value before it; zero in the first segment |
//!
//! **Batch**, from 104 to 16,384 bytes, a multiple of 8; one follows the other. A batch begins only where the longest
//! one would fit, otherwise the next segment does:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | `FBAT` |
//! | 4 | 4 | length of the batch |
//! | 8 | 4 | number of records, at least 1 |
//! | 12 | 4 | number of this segment |
//! | 16 | 8 | log id |
//! | 24 | 8 | offset of this batch in the segment |
//! | 32 | 8 | last sequence before it |
//! | 40 | 4 | synced: segment |
//! | 48 | 8 | synced: offset |
//! | 56 | 4 | CRC of the first 64 bytes |
//! | 64 | | records, then zeros up to a multiple of 8 |
//! | length - 32 | 32 | chain value: BLAKE3 over the 32 bytes before the batch and the batch up to here |
//!
//! The 32 bytes before a batch are the chain value of the batch before it, or the end of the segment header, which
//! repeats the chain value of the last batch of the segment before. The chain so covers every byte written.
//!
//! **Record**, 56 bytes and its block:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 4 | length of the record |
//! | 4 | 4 | number of this segment |
//! | 8 | 1 | kind: 1 genesis, 2 command, 3 checkpoint, 4 closed |
//! | 12 | 4 | session of the command |
//! | 16 | 4 | account the command names |
//! | 20 | 8 | sequence: of the command, of the checkpoint's window, of the last command before closing |
//! | 28 | 8 | time of sequencing; of creation in the genesis record |
//! | 36 | 8 | time of receipt |
//! | 44 | 8 | the session's number of the command |
//! | 52 | | block |
//! | length - 4 | 4 | CRC of the record up to here |
//!
//! The block of a command is its client order number, its deadline and its action through [`engine::codec`], at most
//! 4,096 bytes: session and number stand in the record's head, the account there again for searching; of a checkpoint
//! its link; of the genesis record, through the same codec, format, rules, time of creation, capacity and
//! build; of a closing record nothing. The first record is the genesis record. Sequences of commands run from 1 without
//! a gap. The checkpoint of a window comes behind its last command and before 4,096 further ones.
//!
//! **`CLOSED`**, 72 bytes: `FULCRUMC`, log id (8), end segment (4), CRC (4), end offset (8), last sequence (8), chain
//! value (32).
//!
//! # Torn tail or damage
//!
//! A commit is one write of all its batches, then one sync. Until the sync returns, the disk may keep any of these
//! sectors and lose any others: an image may hold the second batch of a commit and not the first. That an intact batch
//! follows is therefore no proof of damage. Every header instead says up to which place the log was **synced when the
//! header was written**; a header that passes its CRC and names its own place and log is believed, since what it says
//! was true then. Reading goes on until the first place that does not fit. All bytes behind it are searched for
//! headers:
//!
//! * One says that more was synced than fits: acknowledged bytes were changed. The opening is refused with file and
//!   offset.
//! * None does: nothing behind the valid part was acknowledged with a later commit building on it. It is cut off, with
//!   a message: later segments are removed, the rest of the last one is zeroed, all of it synced before anything is
//!   appended, so that no leftover is ever taken for a batch.
//!
//! So (a) an acknowledged commit is never lost to a crash: its sync covered it. (b) Every crash image opens: a header
//! in it promises only what an earlier sync covered. (c) Every change of bytes in front of the last commit is refused.
//! A change within the very last commit of a log that was not closed looks like a torn write and is cut, told with its
//! place: nothing on the disk could tell them apart but another sync per commit. A graceful stop takes this doubt away:
//! `CLOSED` says where the log ends and with which chain value, and while it is there every misfit is damage, zeros
//! behind the end included. Bytes missing at the end of a file count as zeros.
//!
//! What was recovered is written again where no header proves it synced, and synced, before the log goes on: the former
//! process may have died before its sync, or at a failed one, after which the system takes pages for clean that never
//! reached the disk. For the same reason a failed call is never repeated; the log is poisoned.
//!
//! With [`Durability::None`] nothing is synced between opening and closing: a power loss may take back everything since
//! the opening, and a change of bytes behind it cannot be told from that unless the log was closed. A process that dies
//! loses nothing that was committed.

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
pub const FORMAT_VERSION: u32 = 5;
/// Version of the venue's rules: raised whenever the same commands would bring about other events.
pub const RULES_VERSION: u32 = 5;

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
