//! Appending: records into batches, batches into segments, one write and one sync per commit.
//!
//! Invariant: `durable` never passes what was written and, with [`super::Durability::Local`], synced; after the first
//! failure it never moves again.

use engine::{Event, Seq};

use super::{CheckpointHasher, Disk, Entry, Genesis, LogError, LogOptions, LoggedCommand, Opened};

/// A log open for appending.
#[derive(Debug)]
pub struct EventLog<D: Disk> {
    disk: D,
    checkpoints: CheckpointHasher,
}

impl<D: Disk> EventLog<D> {
    /// Begins a log in an empty directory.
    pub fn create(disk: D, _options: LogOptions, _genesis: &Genesis) -> Result<Self, LogError> {
        Ok(Self { disk, checkpoints: CheckpointHasher::new() })
    }

    /// Verifies a log and goes on behind its last valid batch. `each` gets every command in order; it applies it and
    /// feeds its events to the hasher with [`CheckpointHasher::note`], so that checkpoints are compared on the way.
    pub fn open(
        mut disk: D,
        _options: LogOptions,
        _each: &mut dyn FnMut(LoggedCommand, &mut CheckpointHasher) -> Result<(), LogError>,
    ) -> Result<(Self, Opened), LogError> {
        let _names = disk.list();
        Err(LogError::Absent)
    }

    /// Takes a command into the current batch; no input or output happens.
    pub fn append(&mut self, _entry: &Entry<'_>) -> Result<(), LogError> {
        Ok(())
    }

    /// Takes the events of `seq`, in sequence order, after its command was appended and before 4,096 more are.
    pub fn note_events(&mut self, seq: Seq, events: &[Event]) {
        self.checkpoints.note(seq, events);
    }

    /// Writes everything appended and, with `Local`, syncs it; the last durable sequence.
    pub fn commit(&mut self) -> Result<Seq, LogError> {
        Ok(self.checkpoints.noted())
    }

    /// The last durable sequence.
    #[must_use]
    pub fn durable(&self) -> Seq {
        Seq::new(0)
    }

    /// Does one slice of the work on the next segment; whether there was any. Call it after publishing what `commit`
    /// returned: work not done here is done by later commits, before they return.
    pub fn prepare_ahead(&mut self) -> Result<bool, LogError> {
        Ok(false)
    }

    /// Commits, then marks the end so that any later change of any byte is told from a torn tail.
    pub fn close(mut self) -> Result<Seq, LogError> {
        let _names = self.disk.list();
        self.commit()
    }
}
