//! Records gathered into batches, byte for byte as they will lie on disk.
//!
//! Invariant: the last 32 bytes of the buffer, while no batch is open, are the chain value; what follows them in the
//! file follows them here, so that a batch is hashed together with the link before it in one piece.

use engine::Seq;

use super::format::{
    self, ALIGN, BATCH_BYTES_MAX, BATCH_HEADER_BYTES, BatchHeader, CRC_BYTES, LINK_BYTES, Place,
    RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, SegmentHeader, short, wide,
};
use super::{Checkpoint, Entry, Genesis};

/// Room before the first growth: a good deal more than a busy venue gathers in one sync.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Rotations within one commit before the first growth.
const SPANS: usize = 64;

/// A contiguous run of bytes of one segment.
#[derive(Clone, Copy, Debug)]
struct Span {
    place: Place,
    from: usize,
}

/// A batch that takes records.
#[derive(Clone, Copy, Debug)]
struct OpenBatch {
    from: usize,
    records: u32,
    last: Seq,
}

/// What is appended and not yet written.
#[derive(Debug)]
pub(super) struct Stage {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    open: Option<OpenBatch>,
    /// Where the next batch begins, or the open one did.
    at: Place,
    /// Size of the segment `at` lies in.
    segment_bytes: u64,
    /// Size of segments begun from now on.
    next_segment_bytes: u64,
    format: u32,
    log_id: u64,
    last: Seq,
    checkpoint: Checkpoint,
    synced: Place,
}

/// Where a stage goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resume {
    pub(super) format: u32,
    pub(super) log_id: u64,
    pub(super) at: Place,
    pub(super) segment_bytes: u64,
    pub(super) last: Seq,
    pub(super) checkpoint: Checkpoint,
    pub(super) chain: [u8; 32],
}

impl Stage {
    /// Goes on behind `resume.at`, before which everything is durable.
    pub(super) fn resume(resume: &Resume, next_segment_bytes: u64) -> Self {
        let mut bytes = Vec::with_capacity(BUFFER_BYTES);
        bytes.extend_from_slice(&resume.chain);
        Self {
            bytes,
            spans: Vec::with_capacity(SPANS),
            open: None,
            at: resume.at,
            segment_bytes: resume.segment_bytes,
            next_segment_bytes,
            format: resume.format,
            log_id: resume.log_id,
            last: resume.last,
            checkpoint: resume.checkpoint,
            synced: resume.at,
        }
    }

    /// Begins a log.
    pub(super) fn begin(genesis: &Genesis, segment_bytes: u64) -> Self {
        let nowhere = Resume {
            format: genesis.format,
            log_id: format::log_id(genesis),
            at: Place { segment: 0, offset: 0 },
            segment_bytes: 0,
            last: Seq::new(0),
            checkpoint: Checkpoint::ZERO,
            chain: [0; 32],
        };
        let mut stage = Self::resume(&nowhere, segment_bytes);
        stage.synced = Place { segment: 1, offset: 0 };
        stage.reserve(BATCH_BYTES_MAX - BATCH_HEADER_BYTES - LINK_BYTES - ALIGN);
        format::write_genesis(genesis, &mut stage.bytes);
        stage.seal();
        stage
    }

    /// Takes a command whose canonical bytes are `block`.
    pub(super) fn command(&mut self, entry: &Entry<'_>, block: &[u8]) {
        let segment = self.reserve(RECORD_HEADER_BYTES + block.len() + CRC_BYTES);
        format::write_command(segment, entry, block, &mut self.bytes);
        self.last = entry.stamp.seq;
    }

    /// Takes a checkpoint.
    pub(super) fn checkpoint(&mut self, checkpoint: Checkpoint) {
        let segment = self.reserve(RECORD_HEADER_BYTES + LINK_BYTES + CRC_BYTES);
        format::write_checkpoint(segment, &checkpoint, &mut self.bytes);
        self.checkpoint = checkpoint;
    }

    /// Takes the record that closes a run.
    pub(super) fn closed(&mut self) {
        let segment = self.reserve(RECORD_HEADER_BYTES + CRC_BYTES);
        format::write_closed(segment, self.last, &mut self.bytes);
    }

    /// Completes the open batch: length, CRC, link.
    pub(super) fn seal(&mut self) {
        let Some(batch) = self.open.take() else {
            return;
        };
        let padded = (self.bytes.len() - batch.from).next_multiple_of(ALIGN);
        self.bytes.resize(batch.from + padded, 0);
        let header = BatchHeader {
            bytes: short(padded + LINK_BYTES),
            records: batch.records,
            log_id: self.log_id,
            place: self.at,
            last: batch.last,
            synced: self.synced,
        };
        self.bytes[batch.from..batch.from + BATCH_HEADER_BYTES].copy_from_slice(&header.encode());
        let link = blake3::hash(&self.bytes[batch.from - LINK_BYTES..]);
        self.bytes.extend_from_slice(link.as_bytes());
        self.at.offset += wide(padded + LINK_BYTES);
    }

    /// Number of runs to write.
    pub(super) fn spans(&self) -> usize {
        self.spans.len()
    }

    /// A run to write, and where.
    pub(super) fn span(&self, index: usize) -> (Place, &[u8]) {
        let to = self.spans.get(index + 1).map_or(self.bytes.len(), |next| next.from);
        let span = self.spans[index];
        (span.place, &self.bytes[span.from..to])
    }

    /// Forgets what was written; `synced` where it is durable.
    pub(super) fn written(&mut self, synced: bool) {
        let link = self.bytes.len() - LINK_BYTES;
        self.bytes.copy_within(link.., 0);
        self.bytes.truncate(LINK_BYTES);
        self.spans.clear();
        if synced {
            self.synced = self.at;
        }
    }

    /// Last command taken.
    pub(super) fn last(&self) -> Seq {
        self.last
    }

    /// Behind the last sealed batch.
    pub(super) fn at(&self) -> Place {
        self.at
    }

    /// Before this place everything is durable.
    pub(super) fn synced(&self) -> Place {
        self.synced
    }

    /// Tells the files of this log.
    pub(super) fn log_id(&self) -> u64 {
        self.log_id
    }

    /// The chain value behind the last sealed batch.
    pub(super) fn chain(&self) -> [u8; 32] {
        self.bytes.last_chunk().copied().expect("the buffer always holds a link")
    }

    /// Makes room for a record of `length` bytes and counts it; the segment it goes to.
    fn reserve(&mut self, length: usize) -> u32 {
        if let Some(batch) = &self.open
            && self.bytes.len() - batch.from + length + ALIGN + LINK_BYTES > BATCH_BYTES_MAX
        {
            self.seal();
        }
        if self.open.is_none() {
            self.begin_batch();
        }
        if let Some(batch) = &mut self.open {
            batch.records += 1;
        }
        self.at.segment
    }

    fn begin_batch(&mut self) {
        if self.at.offset + wide(BATCH_BYTES_MAX) > self.segment_bytes {
            self.begin_segment();
        }
        if self.spans.is_empty() {
            self.spans.push(Span { place: self.at, from: self.bytes.len() });
        }
        self.open = Some(OpenBatch { from: self.bytes.len(), records: 0, last: self.last });
        self.bytes.extend_from_slice(&[0; BATCH_HEADER_BYTES]);
    }

    fn begin_segment(&mut self) {
        self.at = Place { segment: self.at.segment + 1, offset: 0 };
        self.segment_bytes = self.next_segment_bytes;
        self.spans.push(Span { place: self.at, from: self.bytes.len() });
        let header = SegmentHeader {
            format: self.format,
            segment: self.at.segment,
            log_id: self.log_id,
            segment_bytes: self.segment_bytes,
            last: self.last,
            checkpoint: self.checkpoint,
            synced: self.synced,
            chain: self.chain(),
        };
        self.bytes.extend_from_slice(&header.encode());
        self.at.offset = wide(SEGMENT_HEADER_BYTES);
    }
}
