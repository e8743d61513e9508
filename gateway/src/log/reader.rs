//! Reading a log from its first record to its end, verifying every byte, changing none.
//!
//! Invariant: a record is handed out only after its batch's chain value was verified. The first place that does not fit
//! is either damage (something later proves that it was durable) or the end.

use engine::{Seq, TimeNs};

use super::evidence;
use super::format::{
    self, BATCH_BYTES_MAX, BATCH_HEADER_BYTES, BatchHeader, CLOSED_BYTES, ClosedMark, LINK_BYTES, Place,
    SEGMENT_HEADER_BYTES, SegmentHeader, narrow, segment_name, segment_of, wide,
};
use super::store::{Named, Store, Window};
use super::{
    CHECKPOINT_EVERY, CLOSED_FILE, Checkpoint, Disk, FORMAT_VERSION, Located, LogEnd, LogError,
    RULES_VERSION, Record, TornTail,
};

/// Read-only iteration over a log.
#[derive(Debug)]
pub struct LogReader<D: Disk> {
    pub(super) store: Store<D>,
    pub(super) window: Window,
    /// Numbers of the segment files present, ascending.
    pub(super) segments: Vec<u32>,
    /// The segment being read.
    pub(super) current: Named<D::File>,
    pub(super) header: SegmentHeader,
    /// Behind the last valid batch.
    pub(super) valid: Place,
    /// Everything before this place is known to be durable.
    pub(super) proven: Place,
    pub(super) chain: [u8; 32],
    last: Seq,
    last_time: TimeNs,
    checkpoint: Checkpoint,
    closed: Option<ClosedMark>,
    after_close: bool,
    /// The link before the batch, the batch without its own link.
    batch: Vec<u8>,
    batch_place: Place,
    cursor: usize,
    records: u32,
    end: Option<LogEnd>,
}

/// What `next_batch` came upon.
enum Found {
    /// A valid batch is loaded.
    Batch,
    /// A valid segment begins.
    Segment,
    /// Nothing more was ever written.
    End,
    /// Bytes that do not fit.
    Misfit(Misfit),
}

/// Bytes that do not fit, before it is decided what they mean.
pub(super) struct Misfit {
    file: String,
    offset: u64,
    reason: String,
}

impl Misfit {
    fn new(file: &str, offset: u64, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), offset, reason: reason.into() }
    }

    fn into_damage(self) -> LogError {
        LogError::Damaged { file: self.file, offset: self.offset, reason: self.reason }
    }
}

impl<D: Disk> LogReader<D> {
    /// Starts at the genesis record.
    pub fn open(disk: D) -> Result<Self, LogError> {
        let mut store = Store::new(disk);
        let names = store.list()?;
        let mut segments: Vec<u32> = names.iter().filter_map(|name| segment_of(name)).collect();
        segments.sort_unstable();
        if segments.is_empty() {
            return Err(LogError::Absent);
        }
        let closed =
            if names.iter().any(|name| name == CLOSED_FILE) { Some(read_mark(&mut store)?) } else { None };
        let first = segment_name(1);
        if segments[0] != 1 {
            return Err(Misfit::new(&first, 0, "the file is missing").into_damage());
        }
        let current = store.open(first)?;
        let mut window = Window::new();
        let header = SegmentHeader::decode(window.view(&mut store, &current, 0, SEGMENT_HEADER_BYTES)?)
            .map_err(|reason| Misfit::new(&current.name, 0, reason).into_damage())?;
        let valid = Place { segment: 1, offset: wide(SEGMENT_HEADER_BYTES) };
        let reader = Self {
            store,
            window,
            segments,
            current,
            header,
            valid,
            proven: valid,
            chain: header.chain,
            last: Seq::new(0),
            last_time: TimeNs::new(0),
            checkpoint: Checkpoint::ZERO,
            closed,
            after_close: false,
            batch: Vec::with_capacity(LINK_BYTES + BATCH_BYTES_MAX),
            batch_place: valid,
            cursor: 0,
            records: 0,
            end: None,
        };
        reader.check_first_segment()?;
        Ok(reader)
    }

    /// The next record; `None` at the end of the log, which [`LogReader::end`] then describes.
    pub fn next_record(&mut self) -> Result<Option<Located>, LogError> {
        while self.end.is_none() {
            if self.records > 0 {
                return self.take_record().map(Some);
            }
            match self.next_batch()? {
                Found::Batch | Found::Segment => {}
                Found::End => self.finish(None)?,
                Found::Misfit(misfit) => self.judge(misfit)?,
            }
        }
        Ok(None)
    }

    /// Forgets what was seen of the log beyond the records handed out: it has grown since.
    pub fn look_again(&mut self) -> Result<(), LogError> {
        self.window.clear();
        let names = self.store.list()?;
        self.segments = names.iter().filter_map(|name| segment_of(name)).collect();
        self.segments.sort_unstable();
        Ok(())
    }

    /// Where and how the log ends, once [`LogReader::next_record`] has returned `None`.
    #[must_use]
    pub fn end(&self) -> Option<&LogEnd> {
        self.end.as_ref()
    }

    fn check_first_segment(&self) -> Result<(), LogError> {
        let name = &self.current.name;
        if self.header.format != FORMAT_VERSION {
            return Err(LogError::OtherVersion {
                file: name.clone(),
                what: "format",
                found: self.header.format,
                ours: FORMAT_VERSION,
                build: "unknown".to_owned(),
            });
        }
        let expected = SegmentHeader {
            format: FORMAT_VERSION,
            segment: 1,
            log_id: self.header.log_id,
            segment_bytes: self.header.segment_bytes,
            last: Seq::new(0),
            checkpoint: Checkpoint::ZERO,
            synced: Place { segment: 1, offset: 0 },
            chain: [0; 32],
        };
        if self.header != expected {
            return Err(Misfit::new(name, 0, "this is not the first segment of a log").into_damage());
        }
        Ok(())
    }

    /// Whether a batch could begin at the place reached; writers begin one only where the longest would fit.
    fn room(&self) -> bool {
        self.valid.offset + wide(BATCH_BYTES_MAX) <= self.header.segment_bytes
    }

    fn next_batch(&mut self) -> Result<Found, LogError> {
        if !self.room() {
            return self.next_segment();
        }
        let head = self.window.view(&mut self.store, &self.current, self.valid.offset, BATCH_HEADER_BYTES)?;
        if head.iter().all(|byte| *byte == 0) {
            return self.expect_nothing();
        }
        let header = match BatchHeader::decode(head) {
            Ok(header) => header,
            Err(reason) => {
                return Ok(Found::Misfit(Misfit::new(&self.current.name, self.valid.offset, reason)));
            }
        };
        self.load_batch(&header)
    }

    fn load_batch(&mut self, header: &BatchHeader) -> Result<Found, LogError> {
        let at = self.valid.offset;
        let bytes = narrow(u64::from(header.bytes));
        let fits = (BATCH_HEADER_BYTES + LINK_BYTES..=BATCH_BYTES_MAX).contains(&bytes);
        if !fits || header.place != self.valid || header.log_id != self.header.log_id {
            let reason = "the batch was written for another place, or for another log";
            return Ok(Found::Misfit(Misfit::new(&self.current.name, at, reason)));
        }
        let before = at - wide(LINK_BYTES);
        let view = self.window.view(&mut self.store, &self.current, before, LINK_BYTES + bytes)?;
        self.batch.clear();
        self.batch.extend_from_slice(&view[..usize::min(bytes, view.len())]);
        let stored = view.get(bytes..);
        let link = *blake3::hash(&self.batch).as_bytes();
        if stored != Some(&link[..]) || self.batch[..LINK_BYTES] != self.chain {
            return Ok(Found::Misfit(self.diagnose(header.records)));
        }
        if header.last != self.last {
            let reason =
                format!("the batch follows sequence {}, the one before ends with {}", header.last, self.last);
            return Err(Misfit::new(&self.current.name, at, reason).into_damage());
        }
        self.chain = link;
        self.proven = Place::max(self.proven, header.synced);
        self.batch_place = self.valid;
        self.valid.offset += wide(bytes);
        self.cursor = LINK_BYTES + BATCH_HEADER_BYTES;
        self.records = header.records;
        if self.records == 0 {
            return Err(Misfit::new(&self.current.name, at, "the batch is empty").into_damage());
        }
        Ok(Found::Batch)
    }

    /// The first record of the loaded batch that fails its CRC, or else the batch as a whole.
    fn diagnose(&self, records: u32) -> Misfit {
        let mut cursor = LINK_BYTES + BATCH_HEADER_BYTES;
        for _ in 0..records {
            match format::record_length(&self.batch[usize::min(cursor, self.batch.len())..]) {
                Ok(length) => cursor += length,
                Err(reason) => {
                    let offset = self.valid.offset + wide(cursor - LINK_BYTES);
                    return Misfit::new(&self.current.name, offset, reason);
                }
            }
        }
        Misfit::new(
            &self.current.name,
            self.valid.offset,
            "the batch's chain value does not follow from the bytes before it",
        )
    }

    fn take_record(&mut self) -> Result<Located, LogError> {
        let offset = self.batch_place.offset + wide(self.cursor - LINK_BYTES);
        let damaged = |reason: String| {
            Misfit::new(&segment_name(self.batch_place.segment), offset, reason).into_damage()
        };
        let (record, length) = format::read_record(&self.batch[self.cursor..], self.batch_place.segment)
            .map_err(|reason| damaged(reason.to_owned()))?;
        self.check_order(&record, offset).map_err(damaged)?;
        match &record {
            Record::Genesis(genesis) if genesis.rules != RULES_VERSION => {
                return Err(LogError::OtherVersion {
                    file: segment_name(1),
                    what: "rules",
                    found: genesis.rules,
                    ours: RULES_VERSION,
                    build: genesis.build.clone(),
                });
            }
            Record::Genesis(_) | Record::Closed { .. } => {}
            Record::Command(logged) => {
                self.last = logged.stamp.seq;
                self.last_time = logged.stamp.time;
            }
            Record::Checkpoint(checkpoint) => self.checkpoint = *checkpoint,
        }
        self.after_close = matches!(record, Record::Closed { .. });
        self.cursor += length;
        self.records -= 1;
        if self.records == 0 && self.batch[self.cursor..].iter().any(|byte| *byte != 0) {
            let offset = self.batch_place.offset + wide(self.cursor - LINK_BYTES);
            return Err(
                Misfit::new(&self.current.name, offset, "bytes are set behind the last record").into_damage()
            );
        }
        Ok(Located { segment: self.batch_place.segment, offset, record })
    }

    /// Whether `record` may follow what came before.
    fn check_order(&self, record: &Record, offset: u64) -> Result<(), String> {
        let first =
            self.batch_place.segment == 1 && offset == wide(SEGMENT_HEADER_BYTES + BATCH_HEADER_BYTES);
        match record {
            Record::Genesis(genesis) if first => {
                if format::log_id(genesis) == self.header.log_id {
                    return Ok(());
                }
                Err("the segment belongs to another genesis record".to_owned())
            }
            _ if first => Err("the log does not begin with a genesis record".to_owned()),
            Record::Genesis(_) => Err("a second genesis record".to_owned()),
            Record::Command(logged) if logged.stamp.seq.get() == self.last.get() + 1 => Ok(()),
            Record::Command(logged) => {
                Err(format!("sequence {} follows sequence {}", logged.stamp.seq, self.last))
            }
            Record::Checkpoint(checkpoint) => {
                let due = self.checkpoint.seq.get() + CHECKPOINT_EVERY;
                if checkpoint.seq.get() == due && due <= self.last.get() {
                    return Ok(());
                }
                Err(format!("the checkpoint of sequence {} is out of place", checkpoint.seq))
            }
            Record::Closed { seq } if *seq == self.last => Ok(()),
            Record::Closed { seq } => Err(format!("closed at sequence {seq}, the last one is {}", self.last)),
        }
    }

    /// The segment is full: goes on with the next one where that was begun.
    fn next_segment(&mut self) -> Result<Found, LogError> {
        let padding = self.window.first_set(&mut self.store, &self.current, self.valid.offset)?;
        let segment = self.valid.segment + 1;
        let name = segment_name(segment);
        if self.segments.binary_search(&segment).is_err() {
            return Ok(match self.expect_nothing()? {
                Found::Misfit(misfit) if misfit.file != self.current.name => {
                    Found::Misfit(Misfit::new(&name, 0, "the file is missing, but later ones are there"))
                }
                other @ (Found::Misfit(_) | Found::End | Found::Batch | Found::Segment) => other,
            });
        }
        let next = self.store.open(name)?;
        self.window.clear();
        let begun =
            SegmentHeader::decode(self.window.view(&mut self.store, &next, 0, SEGMENT_HEADER_BYTES)?);
        let header = match begun {
            Ok(header) => header,
            Err(reason) => {
                return Ok(match self.expect_nothing()? {
                    Found::Misfit(misfit) if misfit.file == next.name => {
                        Found::Misfit(Misfit::new(&next.name, 0, reason))
                    }
                    other @ (Found::Misfit(_) | Found::End | Found::Batch | Found::Segment) => other,
                });
            }
        };
        let follows = header.format == FORMAT_VERSION
            && header.segment == segment
            && header.log_id == self.header.log_id
            && header.last == self.last
            && header.checkpoint == self.checkpoint
            && header.chain == self.chain;
        if !follows {
            let reason = "the segment header does not follow from the segment before";
            return Ok(Found::Misfit(Misfit::new(&next.name, 0, reason)));
        }
        if let Some(offset) = padding {
            // The chain goes on behind these bytes: they were zero when the next segment began.
            return Err(Misfit::new(&self.current.name, offset, "bytes are set where nothing was written")
                .into_damage());
        }
        self.current = next;
        self.header = header;
        self.proven = Place::max(self.proven, header.synced);
        self.valid = Place { segment, offset: wide(SEGMENT_HEADER_BYTES) };
        Ok(Found::Segment)
    }

    /// Nothing begins here: every later byte must be zero.
    fn expect_nothing(&mut self) -> Result<Found, LogError> {
        let reason = "bytes are set where no batch begins";
        if let Some(offset) = self.window.first_set(&mut self.store, &self.current, self.valid.offset)? {
            return Ok(Found::Misfit(Misfit::new(&self.current.name, offset, reason)));
        }
        let later = self.segments.iter().copied().filter(|segment| *segment > self.valid.segment);
        for segment in later.collect::<Vec<_>>() {
            let file = self.store.open(segment_name(segment))?;
            if let Some(offset) = self.window.first_set(&mut self.store, &file, 0)? {
                return Ok(Found::Misfit(Misfit::new(&file.name, offset, reason)));
            }
        }
        self.window.clear();
        Ok(Found::End)
    }

    /// Damage, or a tail that was never acknowledged.
    fn judge(&mut self, misfit: Misfit) -> Result<(), LogError> {
        if self.closed.is_some() || self.before_genesis() {
            return Err(misfit.into_damage());
        }
        let proof = evidence::strongest_claim(self)?;
        if Place::max(self.proven, proof) > self.valid {
            return Err(misfit.into_damage());
        }
        self.finish(Some(TornTail { file: misfit.file, offset: misfit.offset, reason: misfit.reason }))
    }

    /// A log appears under its name only when its first batch is durable, so that one cannot be torn.
    fn before_genesis(&self) -> bool {
        self.valid == Place { segment: 1, offset: wide(SEGMENT_HEADER_BYTES) }
    }

    fn finish(&mut self, torn: Option<TornTail>) -> Result<(), LogError> {
        if self.before_genesis() {
            return Err(Misfit::new(&self.current.name, self.valid.offset, "the genesis record is missing")
                .into_damage());
        }
        if let Some(mark) = &self.closed {
            let found = ClosedMark {
                log_id: self.header.log_id,
                end: self.valid,
                last: self.last,
                chain: self.chain,
            };
            if *mark != found {
                let reason = format!(
                    "the log was closed at sequence {}, {} byte {}, but ends here at sequence {}",
                    mark.last,
                    segment_name(mark.end.segment),
                    mark.end.offset,
                    self.last
                );
                return Err(Misfit::new(&self.current.name, self.valid.offset, reason).into_damage());
            }
        }
        self.end = Some(LogEnd {
            last: self.last,
            last_time: self.last_time,
            head: self.chain,
            checkpoint: self.checkpoint,
            segment: self.valid.segment,
            offset: self.valid.offset,
            closed: self.after_close,
            torn,
        });
        Ok(())
    }
}

fn read_mark<D: Disk>(store: &mut Store<D>) -> Result<ClosedMark, LogError> {
    let file = store.open(CLOSED_FILE.to_owned())?;
    let mut bytes = [0; CLOSED_BYTES + 1];
    let length = store.read(&file, 0, &mut bytes)?;
    ClosedMark::decode(&bytes[..length]).map_err(|reason| Misfit::new(CLOSED_FILE, 0, reason).into_damage())
}
