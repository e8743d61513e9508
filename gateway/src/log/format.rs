//! The bytes of segments, batches and records, in both directions.
//!
//! Invariant: every offset of the format is written down here once; nothing else in the log knows where a field lies.

use engine::codec::{self, VALUE_BYTES_MAX};
use engine::{Action, Capacity, ClientOrderId, ClientSeq, Command, Seq, SessionId, Stamp, TimeNs};
use risk::AccountId;

use super::{Checkpoint, Genesis, LoggedCommand, Record};

pub(super) const SEGMENT_HEADER_BYTES: usize = 128;
pub(super) const BATCH_HEADER_BYTES: usize = 64;
pub(super) const LINK_BYTES: usize = 32;
pub(super) const RECORD_HEADER_BYTES: usize = 52;
pub(super) const CRC_BYTES: usize = 4;
pub(super) const CLOSED_BYTES: usize = 72;
/// Longest batch, its header and link included.
pub(super) const BATCH_BYTES_MAX: usize = 16 * 1024;
/// Batches start at multiples of this; a search for batches steps by it.
pub(super) const ALIGN: usize = 8;

const SEGMENT_MAGIC: [u8; 8] = *b"FULCRUML";
const CLOSED_MAGIC: [u8; 8] = *b"FULCRUMC";
pub(super) const BATCH_MAGIC: [u8; 4] = *b"FBAT";

const _: () = assert!(
    BATCH_HEADER_BYTES + RECORD_HEADER_BYTES + VALUE_BYTES_MAX + CRC_BYTES + ALIGN + LINK_BYTES
        <= BATCH_BYTES_MAX
);
const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(ALIGN) && BATCH_HEADER_BYTES.is_multiple_of(ALIGN));
const _: () = assert!(super::SEGMENT_BYTES_MIN >= wide(SEGMENT_HEADER_BYTES + BATCH_BYTES_MAX));

/// Kinds of records.
const GENESIS: u8 = 1;
const COMMAND: u8 = 2;
const CHECKPOINT: u8 = 3;
const CLOSED: u8 = 4;

/// A byte of the log, ordered by age.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) offset: u64,
}

/// Name of a segment file.
pub(super) fn segment_name(segment: u32) -> String {
    format!("{segment:08}.seg")
}

/// Name of a segment file while it is prepared.
pub(super) fn preparing_name(segment: u32) -> String {
    format!("{segment:08}.new")
}

/// The number in a segment file's name.
pub(super) fn segment_of(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(".seg")?;
    if digits.len() < 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|segment| segment_name(*segment) == name)
}

/// A length in memory as a length on disk.
pub(super) const fn wide(bytes: usize) -> u64 {
    bytes as u64
}

/// A length on disk as a length in memory.
pub(super) fn narrow(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a segment fits the address space of a 64-bit machine")
}

/// A length inside a batch as the format writes it.
pub(super) fn short(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("nothing inside a batch is longer than a batch")
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("a slice of four"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("a slice of eight"))
}

fn link_at(bytes: &[u8], at: usize) -> [u8; 32] {
    bytes[at..at + LINK_BYTES].try_into().expect("a slice of a link")
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

fn crc(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// CRC of a header that carries it at `at`: as if zero stood there.
fn crc_around<const N: usize>(bytes: &[u8], at: usize) -> u32 {
    let mut copy = [0; N];
    copy.copy_from_slice(&bytes[..N]);
    put(&mut copy, at, [0; CRC_BYTES]);
    crc(&copy)
}

/// First bytes of a segment file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct SegmentHeader {
    pub(super) format: u32,
    pub(super) segment: u32,
    pub(super) log_id: u64,
    pub(super) segment_bytes: u64,
    pub(super) last: Seq,
    pub(super) checkpoint: Checkpoint,
    pub(super) synced: Place,
    pub(super) chain: [u8; 32],
}

impl SegmentHeader {
    const CRC_AT: usize = 84;

    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        put(&mut bytes, 0, SEGMENT_MAGIC);
        put(&mut bytes, 8, self.format.to_le_bytes());
        put(&mut bytes, 12, self.segment.to_le_bytes());
        put(&mut bytes, 16, self.log_id.to_le_bytes());
        put(&mut bytes, 24, self.segment_bytes.to_le_bytes());
        put(&mut bytes, 32, self.last.get().to_le_bytes());
        put(&mut bytes, 40, self.checkpoint.seq.get().to_le_bytes());
        put(&mut bytes, 48, self.checkpoint.link);
        put(&mut bytes, 80, self.synced.segment.to_le_bytes());
        put(&mut bytes, 88, self.synced.offset.to_le_bytes());
        put(&mut bytes, 96, self.chain);
        let sum = crc_around::<SEGMENT_HEADER_BYTES>(&bytes, Self::CRC_AT);
        put(&mut bytes, Self::CRC_AT, sum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() < SEGMENT_HEADER_BYTES {
            return Err("the file is too short for a segment header");
        }
        if bytes[..8] != SEGMENT_MAGIC {
            return Err("this is not the start of a segment");
        }
        if u32_at(bytes, Self::CRC_AT) != crc_around::<SEGMENT_HEADER_BYTES>(bytes, Self::CRC_AT) {
            return Err("the segment header fails its CRC");
        }
        Ok(Self {
            format: u32_at(bytes, 8),
            segment: u32_at(bytes, 12),
            log_id: u64_at(bytes, 16),
            segment_bytes: u64_at(bytes, 24),
            last: Seq::new(u64_at(bytes, 32)),
            checkpoint: Checkpoint { seq: Seq::new(u64_at(bytes, 40)), link: link_at(bytes, 48) },
            synced: Place { segment: u32_at(bytes, 80), offset: u64_at(bytes, 88) },
            chain: link_at(bytes, 96),
        })
    }
}

/// First bytes of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BatchHeader {
    /// Whole batch, header and link included.
    pub(super) bytes: u32,
    pub(super) records: u32,
    pub(super) log_id: u64,
    /// Where the batch lies.
    pub(super) place: Place,
    /// Last command before it.
    pub(super) last: Seq,
    /// Everything before this place was durable when the header was written.
    pub(super) synced: Place,
}

impl BatchHeader {
    const CRC_AT: usize = 56;

    pub(super) fn encode(&self) -> [u8; BATCH_HEADER_BYTES] {
        let mut bytes = [0; BATCH_HEADER_BYTES];
        put(&mut bytes, 0, BATCH_MAGIC);
        put(&mut bytes, 4, self.bytes.to_le_bytes());
        put(&mut bytes, 8, self.records.to_le_bytes());
        put(&mut bytes, 12, self.place.segment.to_le_bytes());
        put(&mut bytes, 16, self.log_id.to_le_bytes());
        put(&mut bytes, 24, self.place.offset.to_le_bytes());
        put(&mut bytes, 32, self.last.get().to_le_bytes());
        put(&mut bytes, 40, self.synced.segment.to_le_bytes());
        put(&mut bytes, 48, self.synced.offset.to_le_bytes());
        let sum = crc(&bytes);
        put(&mut bytes, Self::CRC_AT, sum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() < BATCH_HEADER_BYTES {
            return Err("the file is too short for a batch header");
        }
        if bytes[..4] != BATCH_MAGIC {
            return Err("this is not the start of a batch");
        }
        if u32_at(bytes, Self::CRC_AT) != crc_around::<BATCH_HEADER_BYTES>(bytes, Self::CRC_AT) {
            return Err("the batch header fails its CRC");
        }
        Ok(Self {
            bytes: u32_at(bytes, 4),
            records: u32_at(bytes, 8),
            log_id: u64_at(bytes, 16),
            place: Place { segment: u32_at(bytes, 12), offset: u64_at(bytes, 24) },
            last: Seq::new(u64_at(bytes, 32)),
            synced: Place { segment: u32_at(bytes, 40), offset: u64_at(bytes, 48) },
        })
    }
}

/// Content of the file that says the log was closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ClosedMark {
    pub(super) log_id: u64,
    pub(super) end: Place,
    pub(super) last: Seq,
    pub(super) chain: [u8; 32],
}

impl ClosedMark {
    const CRC_AT: usize = 20;

    pub(super) fn encode(&self) -> [u8; CLOSED_BYTES] {
        let mut bytes = [0; CLOSED_BYTES];
        put(&mut bytes, 0, CLOSED_MAGIC);
        put(&mut bytes, 8, self.log_id.to_le_bytes());
        put(&mut bytes, 16, self.end.segment.to_le_bytes());
        put(&mut bytes, 24, self.end.offset.to_le_bytes());
        put(&mut bytes, 32, self.last.get().to_le_bytes());
        put(&mut bytes, 40, self.chain);
        let sum = crc(&bytes);
        put(&mut bytes, Self::CRC_AT, sum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() != CLOSED_BYTES {
            return Err("the closing mark has another length");
        }
        if bytes[..8] != CLOSED_MAGIC {
            return Err("this is not a closing mark");
        }
        if u32_at(bytes, Self::CRC_AT) != crc_around::<CLOSED_BYTES>(bytes, Self::CRC_AT) {
            return Err("the closing mark fails its CRC");
        }
        Ok(Self {
            log_id: u64_at(bytes, 8),
            end: Place { segment: u32_at(bytes, 16), offset: u64_at(bytes, 24) },
            last: Seq::new(u64_at(bytes, 32)),
            chain: link_at(bytes, 40),
        })
    }
}

/// The fields of a record before its block.
#[derive(Clone, Copy, Default, Debug)]
struct RecordHeader {
    segment: u32,
    kind: u8,
    session: u32,
    account: u32,
    seq: u64,
    time: u64,
    received: u64,
    client_seq: u64,
}

impl RecordHeader {
    fn write(&self, block: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let mut head = [0; RECORD_HEADER_BYTES];
        put(&mut head, 0, short(RECORD_HEADER_BYTES + block.len() + CRC_BYTES).to_le_bytes());
        put(&mut head, 4, self.segment.to_le_bytes());
        head[8] = self.kind;
        put(&mut head, 12, self.session.to_le_bytes());
        put(&mut head, 16, self.account.to_le_bytes());
        put(&mut head, 20, self.seq.to_le_bytes());
        put(&mut head, 28, self.time.to_le_bytes());
        put(&mut head, 36, self.received.to_le_bytes());
        put(&mut head, 44, self.client_seq.to_le_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(block);
        let sum = crc(&out[start..]);
        out.extend_from_slice(&sum.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        Self {
            segment: u32_at(bytes, 4),
            kind: bytes[8],
            session: u32_at(bytes, 12),
            account: u32_at(bytes, 16),
            seq: u64_at(bytes, 20),
            time: u64_at(bytes, 28),
            received: u64_at(bytes, 36),
            client_seq: u64_at(bytes, 44),
        }
    }
}

/// Writes what the record of a command carries beside its header; the length.
pub(super) fn encode_block(command: &Command, buffer: &mut [u8]) -> usize {
    codec::encode(&(command.client_order_id, command.valid_until, &command.action), buffer)
}

/// Appends the record of a command whose block is `block`.
pub(super) fn write_command(segment: u32, entry: &super::Entry<'_>, block: &[u8], out: &mut Vec<u8>) {
    let header = RecordHeader {
        segment,
        kind: COMMAND,
        session: entry.command.session.get(),
        // Beside the block, so that a search by account need not know the commands.
        account: entry.command.action.account().get(),
        seq: entry.stamp.seq.get(),
        time: entry.stamp.time.get(),
        received: entry.received_ns,
        client_seq: entry.command.client_seq.get(),
    };
    header.write(block, out);
}

/// Appends the record of a checkpoint.
pub(super) fn write_checkpoint(segment: u32, checkpoint: &Checkpoint, out: &mut Vec<u8>) {
    let header =
        RecordHeader { segment, kind: CHECKPOINT, seq: checkpoint.seq.get(), ..RecordHeader::default() };
    header.write(&checkpoint.link, out);
}

/// Appends the record that closes a run.
pub(super) fn write_closed(segment: u32, seq: Seq, out: &mut Vec<u8>) {
    RecordHeader { segment, kind: CLOSED, seq: seq.get(), ..RecordHeader::default() }.write(&[], out);
}

/// Appends the first record.
pub(super) fn write_genesis(genesis: &Genesis, out: &mut Vec<u8>) {
    let block = genesis_block(genesis);
    RecordHeader { segment: 1, kind: GENESIS, time: genesis.created.get(), ..RecordHeader::default() }
        .write(&block, out);
}

/// Longest name of a build.
pub(super) const BUILD_BYTES_MAX: usize = 1024;

fn genesis_block(genesis: &Genesis) -> Vec<u8> {
    let fields = (genesis.format, genesis.rules, genesis.created, genesis.capacity, genesis.build.as_str());
    let mut block = Vec::new();
    codec::encode_to(&fields, |bytes| block.extend_from_slice(bytes));
    block
}

/// Tells the files of one log from those of any other.
pub(super) fn log_id(genesis: &Genesis) -> u64 {
    u64_at(blake3::hash(&genesis_block(genesis)).as_bytes(), 0)
}

/// Reads the record at the start of `bytes`, which end where the batch's records end; the record and its length.
pub(super) fn read_record(bytes: &[u8], segment: u32) -> Result<(Record, usize), &'static str> {
    let length = record_length(bytes)?;
    let header = RecordHeader::read(bytes);
    if header.segment != segment {
        return Err("the record belongs to another segment");
    }
    if bytes[9..12] != [0; 3] {
        return Err("reserved bytes of the record are set");
    }
    let block = &bytes[RECORD_HEADER_BYTES..length - CRC_BYTES];
    let record = match header.kind {
        GENESIS => read_genesis(block)?,
        COMMAND => read_command(&header, block)?,
        CHECKPOINT => {
            let link = block.try_into().map_err(|_| "the checkpoint has no link")?;
            Record::Checkpoint(Checkpoint { seq: Seq::new(header.seq), link })
        }
        CLOSED if block.is_empty() => Record::Closed { seq: Seq::new(header.seq) },
        _ => return Err("the record is of no known kind"),
    };
    Ok((record, length))
}

/// Length of the record at the start of `bytes`, once its CRC was found right.
pub(super) fn record_length(bytes: &[u8]) -> Result<usize, &'static str> {
    if bytes.len() < RECORD_HEADER_BYTES + CRC_BYTES {
        return Err("the batch ends inside a record");
    }
    let length = narrow(u64::from(u32_at(bytes, 0)));
    if length < RECORD_HEADER_BYTES + CRC_BYTES || length > bytes.len() {
        return Err("the record's length is not possible");
    }
    let body = length - CRC_BYTES;
    if crc(&bytes[..body]) != u32_at(bytes, body) {
        return Err("the record fails its CRC");
    }
    Ok(length)
}

fn read_genesis(block: &[u8]) -> Result<Record, &'static str> {
    let ((format, rules, created, capacity, build), used) =
        codec::decode::<(u32, u32, TimeNs, Capacity, String)>(block)
            .map_err(|_| "the genesis record is malformed")?;
    if used != block.len() {
        return Err("the genesis record is malformed");
    }
    Ok(Record::Genesis(Genesis { format, rules, build, created, capacity }))
}

fn read_command(header: &RecordHeader, block: &[u8]) -> Result<Record, &'static str> {
    let ((client_order_id, valid_until, action), used) =
        codec::decode::<(ClientOrderId, TimeNs, Action)>(block)
            .map_err(|_| "the command block is malformed")?;
    if used != block.len() {
        return Err("the command block is longer than its command");
    }
    if action.account() != AccountId::new(header.account) {
        return Err("the account of the record is not that of its command");
    }
    let stamp = Stamp { seq: Seq::new(header.seq), time: TimeNs::new(header.time) };
    let (session, client_seq) = (SessionId::new(header.session), ClientSeq::new(header.client_seq));
    let command = Command { session, client_seq, client_order_id, valid_until, action };
    Ok(Record::Command(LoggedCommand { stamp, received_ns: header.received, command }))
}
