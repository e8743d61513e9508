//! The next segment file, prepared in slices while the current one fills.
//!
//! Invariant: a file carries a segment's name only when all its bytes are zero and, with `Local`, durable.

use super::format::{narrow, preparing_name, segment_name, wide};
use super::store::{Named, Store};
use super::{Disk, Durability, LogError, LogOptions};

/// Bytes prepared at a time, in large segments: about a third of a millisecond with its sync.
const SLICE_BYTES_MAX: u64 = 256 * 1024;
/// Slices of a small segment, as a shift.
const SLICES_SHIFT: u32 = 3;

/// The next segment.
#[derive(Debug)]
pub(super) struct Ahead<F> {
    segment: u32,
    bytes: u64,
    durability: Durability,
    zeros: Box<[u8]>,
    file: Option<Named<F>>,
    done: u64,
}

impl<F: std::fmt::Debug> Ahead<F> {
    /// Nothing prepared of `segment`.
    pub(super) fn new(segment: u32, options: LogOptions) -> Self {
        let slice = u64::min(SLICE_BYTES_MAX, options.segment_bytes >> SLICES_SHIFT);
        Self {
            segment,
            bytes: options.segment_bytes,
            durability: options.durability,
            zeros: vec![0; narrow(slice)].into_boxed_slice(),
            file: None,
            done: 0,
        }
    }

    /// `file` is the segment, prepared by an earlier run.
    pub(super) fn adopt(&mut self, file: Named<F>) {
        self.file = Some(file);
        self.done = self.bytes;
    }

    /// Whether so little is done that a segment filled up to `filled` would have to wait for it.
    pub(super) fn is_behind(&self, filled: u64) -> bool {
        self.done < u64::min(filled, self.bytes)
    }

    /// Whether a slice is due, for a segment filled up to `filled`: twice the pace, and a little before.
    pub(super) fn is_due(&self, filled: u64) -> bool {
        self.is_behind(2 * filled + 4 * wide(self.zeros.len()))
    }

    /// One slice of work.
    pub(super) fn step<D: Disk<File = F>>(&mut self, store: &mut Store<D>) -> Result<(), LogError> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(store.create(preparing_name(self.segment))?),
        };
        match self.durability {
            Durability::None => {
                store.set_length(file, self.bytes)?;
                self.done = self.bytes;
            }
            Durability::Local => {
                let slice = usize::min(self.zeros.len(), narrow(self.bytes - self.done));
                store.write(file, self.done, &self.zeros[..slice])?;
                store.sync(file)?;
                self.done += wide(slice);
            }
        }
        if self.done < self.bytes {
            return Ok(());
        }
        store.rename(&preparing_name(self.segment), &segment_name(self.segment))?;
        if self.durability == Durability::Local {
            store.sync_dir()?;
        }
        self.file = self.file.take().map(|file| Named { name: segment_name(self.segment), file: file.file });
        Ok(())
    }

    /// Writes all of `file`, for the one segment that nothing runs ahead of.
    pub(super) fn fill<D: Disk<File = F>>(
        &self,
        store: &mut Store<D>,
        file: &Named<F>,
    ) -> Result<(), LogError> {
        let mut done = 0;
        while done < self.bytes {
            let slice = usize::min(self.zeros.len(), narrow(self.bytes - done));
            store.write(file, done, &self.zeros[..slice])?;
            done += wide(slice);
        }
        Ok(())
    }

    /// The finished segment; from now on the one after it is prepared.
    pub(super) fn take<D: Disk<File = F>>(&mut self, store: &mut Store<D>) -> Result<Named<F>, LogError> {
        loop {
            if self.done == self.bytes
                && let Some(file) = self.file.take()
            {
                self.segment += 1;
                self.done = 0;
                return Ok(file);
            }
            self.step(store)?;
        }
    }
}
