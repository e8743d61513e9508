//! Appending: records into batches, batches into segments, one write and one sync per commit.
//!
//! Invariant: `durable` never passes what was written and, with [`Durability::Local`], synced; after the first failure
//! it never moves again.

use engine::codec::VALUE_BYTES_MAX;
use engine::{Event, Seq};

use super::ahead::Ahead;
use super::format::{self, BUILD_BYTES_MAX, ClosedMark, preparing_name, segment_name};
use super::recovery;
use super::stage::Stage;
use super::store::{Named, Store};
use super::{
    CHECKPOINT_EVERY, CLOSED_FILE, CLOSING_FILE, CheckpointHasher, Disk, Durability, Entry, Genesis,
    LogError, LogOptions, LoggedCommand, Opened, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN,
};

/// A log open for appending.
#[derive(Debug)]
pub struct EventLog<D: Disk> {
    store: Store<D>,
    options: LogOptions,
    stage: Stage,
    checkpoints: CheckpointHasher,
    current: Named<D::File>,
    current_segment: u32,
    /// End of what was written to the current segment.
    filled: u64,
    ahead: Ahead<D::File>,
    durable: Seq,
    block: Box<[u8]>,
    poisoned: Option<String>,
}

/// What a log needs to go on.
pub(super) struct Parts<D: Disk> {
    pub(super) store: Store<D>,
    pub(super) stage: Stage,
    pub(super) checkpoints: CheckpointHasher,
    pub(super) current: Named<D::File>,
    pub(super) current_segment: u32,
    pub(super) ahead: Ahead<D::File>,
}

impl<D: Disk> EventLog<D> {
    /// Begins a log in an empty directory. What an interrupted creation left behind is swept away first.
    pub fn create(disk: D, options: LogOptions, genesis: &Genesis) -> Result<Self, LogError> {
        check_options(options)?;
        if genesis.build.len() > BUILD_BYTES_MAX {
            return Err(LogError::BuildName { bytes: genesis.build.len() });
        }
        let mut store = Store::new(disk);
        let names = store.list()?;
        if let Some(file) = names.iter().find(|name| !recovery::is_leftover(name)) {
            return Err(LogError::NotEmpty { file: file.clone() });
        }
        for name in &names {
            store.remove(name)?;
        }
        let mut stage = Stage::begin(genesis, options.segment_bytes);
        let file = store.create(preparing_name(1))?;
        store.set_length(&file, options.segment_bytes)?;
        if options.durability == Durability::Local {
            Ahead::<D::File>::new(1, options).fill(&mut store, &file)?;
        }
        let (place, bytes) = stage.span(0);
        store.write(&file, place.offset, bytes)?;
        store.sync(&file)?;
        store.rename(&preparing_name(1), &segment_name(1))?;
        store.sync_dir()?;
        stage.written(true);
        let current = Named { name: segment_name(1), file: file.file };
        let ahead = Ahead::new(2, options);
        let parts =
            Parts { store, stage, checkpoints: CheckpointHasher::new(), current, current_segment: 1, ahead };
        Ok(Self::assemble(parts, options))
    }

    /// Verifies a log and goes on behind its last valid batch. `each` gets every command in order; it applies it and
    /// feeds its events to the hasher with [`CheckpointHasher::note`], so that checkpoints are compared on the way.
    pub fn open(
        disk: D,
        options: LogOptions,
        each: &mut dyn FnMut(LoggedCommand, &mut CheckpointHasher) -> Result<(), LogError>,
    ) -> Result<(Self, Opened), LogError> {
        check_options(options)?;
        let (parts, opened) = recovery::recover(disk, options, each)?;
        Ok((Self::assemble(parts, options), opened))
    }

    fn assemble(parts: Parts<D>, options: LogOptions) -> Self {
        let Parts { store, stage, checkpoints, current, current_segment, ahead } = parts;
        let (durable, filled) = (stage.last(), stage.at().offset);
        let block = vec![0; VALUE_BYTES_MAX].into_boxed_slice();
        let poisoned = None;
        Self {
            store,
            options,
            stage,
            checkpoints,
            current,
            current_segment,
            filled,
            ahead,
            durable,
            block,
            poisoned,
        }
    }

    /// Where in the file system it is, if it can be read there while it is written.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        self.store.path()
    }

    /// Takes a command into the current batch; no input or output happens.
    pub fn append(&mut self, entry: &Entry<'_>) -> Result<(), LogError> {
        self.check_alive()?;
        let (seq, last, noted) = (entry.stamp.seq, self.stage.last(), self.checkpoints.noted());
        if seq.get() != last.get() + 1 {
            return self.fail(LogError::OutOfOrder { expected: Seq::new(last.get() + 1), found: seq });
        }
        if seq.get() > noted.get() + CHECKPOINT_EVERY {
            return self.fail(LogError::EventsBehind { seq, noted });
        }
        let length = format::encode_block(entry.command, &mut self.block);
        self.stage.command(entry, &self.block[..length]);
        Ok(())
    }

    /// Takes the events of `seq`, in sequence order, after its command was appended and before 4,096 more are.
    ///
    /// # Panics
    /// When the events of a sequence are left out, or come before its command.
    pub fn note_events(&mut self, seq: Seq, events: &[Event]) {
        assert!(seq <= self.stage.last(), "events follow their command");
        if let Some(checkpoint) = self.checkpoints.note(seq, events) {
            self.stage.checkpoint(checkpoint);
        }
    }

    /// Writes everything appended and, with `Local`, syncs it; the last durable sequence.
    pub fn commit(&mut self) -> Result<Seq, LogError> {
        self.check_alive()?;
        match self.write_out(self.options.durability) {
            Ok(()) => Ok(self.durable),
            Err(error) => self.fail(error),
        }
    }

    /// When a command counts as durable.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.options.durability
    }

    /// The log's name: different for every log ever begun, the same for as long as it lives.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.stage.log_id()
    }

    /// The last durable sequence.
    #[must_use]
    pub fn durable(&self) -> Seq {
        self.durable
    }

    /// The chain value behind the last commit: commits to every byte of the log.
    #[must_use]
    pub fn head(&self) -> [u8; 32] {
        self.stage.chain()
    }

    /// Does one slice of the work on the next segment; whether there was any. Call it after publishing what `commit`
    /// returned: work not done here is done by later commits, before they return.
    pub fn prepare_ahead(&mut self) -> Result<bool, LogError> {
        self.check_alive()?;
        if !self.ahead.is_due(self.filled) {
            return Ok(false);
        }
        match self.ahead.step(&mut self.store) {
            Ok(()) => Ok(true),
            Err(error) => self.fail(error),
        }
    }

    /// Commits, then marks the end so that any later change of any byte is told from a torn tail.
    pub fn close(mut self) -> Result<Seq, LogError> {
        self.check_alive()?;
        self.commit()?;
        self.stage.closed();
        let unsynced = self.stage.synced().segment..self.current_segment;
        self.write_out(Durability::Local)?;
        for segment in unsynced {
            let file = self.store.open(segment_name(segment))?;
            self.store.sync(&file)?;
        }
        for name in self.store.list()? {
            if recovery::is_leftover(&name) {
                self.store.remove(&name)?;
            }
        }
        let mark = ClosedMark {
            log_id: self.stage.log_id(),
            end: self.stage.at(),
            last: self.stage.last(),
            chain: self.stage.chain(),
        };
        let file = self.store.create(CLOSING_FILE.to_owned())?;
        self.store.write(&file, 0, &mark.encode())?;
        self.store.sync(&file)?;
        self.store.rename(CLOSING_FILE, CLOSED_FILE)?;
        self.store.sync_dir()?;
        Ok(self.durable)
    }

    fn write_out(&mut self, durability: Durability) -> Result<(), LogError> {
        self.stage.seal();
        if self.stage.spans() == 0 {
            return Ok(());
        }
        // Before anything is written, so that a failure of this commit never comes after its sync.
        while self.ahead.is_behind(self.filled) {
            self.ahead.step(&mut self.store)?;
        }
        for index in 0..self.stage.spans() {
            let (place, bytes) = self.stage.span(index);
            if place.segment != self.current_segment {
                if durability == Durability::Local {
                    self.store.sync(&self.current)?;
                }
                self.current = self.ahead.take(&mut self.store)?;
                self.current_segment = place.segment;
            }
            self.store.write(&self.current, place.offset, bytes)?;
        }
        if durability == Durability::Local {
            self.store.sync(&self.current)?;
        }
        self.stage.written(durability == Durability::Local);
        self.filled = self.stage.at().offset;
        self.durable = self.stage.last();
        Ok(())
    }

    fn check_alive(&self) -> Result<(), LogError> {
        match &self.poisoned {
            None => Ok(()),
            Some(first) => Err(LogError::Poisoned { first: first.clone() }),
        }
    }

    fn fail<T>(&mut self, error: LogError) -> Result<T, LogError> {
        self.poisoned = Some(error.to_string());
        Err(error)
    }
}

fn check_options(options: LogOptions) -> Result<(), LogError> {
    let bytes = options.segment_bytes;
    if (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&bytes) && bytes.is_multiple_of(4096) {
        return Ok(());
    }
    Err(LogError::Options { segment_bytes: bytes, min: SEGMENT_BYTES_MIN, max: SEGMENT_BYTES_MAX })
}
