//! Calls to the disk with their failures said in the log's words.
//!
//! Invariant: a call is made once; a short write is a failure.

use super::format::{narrow, wide};
use super::{Disk, LogError};

/// Bytes read from the disk at a time.
const WINDOW_BYTES: usize = 128 * 1024;

/// What unused space looks like.
static ZEROS: [u8; WINDOW_BYTES] = [0; WINDOW_BYTES];

/// An open file with its name.
#[derive(Debug)]
pub(super) struct Named<F> {
    pub(super) name: String,
    pub(super) file: F,
}

/// The disk, with errors that name file and offset.
#[derive(Debug)]
pub(super) struct Store<D: Disk> {
    disk: D,
}

fn failed(doing: &'static str, file: &str, offset: u64) -> impl FnOnce(std::io::Error) -> LogError {
    move |source| LogError::Io { doing, file: file.to_owned(), offset, source }
}

impl<D: Disk> Store<D> {
    pub(super) fn new(disk: D) -> Self {
        Self { disk }
    }

    pub(super) fn path(&self) -> Option<&std::path::Path> {
        self.disk.path()
    }

    pub(super) fn list(&mut self) -> Result<Vec<String>, LogError> {
        self.disk.list().map_err(failed("list", "the log directory", 0))
    }

    pub(super) fn open(&mut self, name: String) -> Result<Named<D::File>, LogError> {
        let file = self.disk.open(&name).map_err(failed("open", &name, 0))?;
        Ok(Named { name, file })
    }

    pub(super) fn create(&mut self, name: String) -> Result<Named<D::File>, LogError> {
        let file = self.disk.create(&name).map_err(failed("create", &name, 0))?;
        Ok(Named { name, file })
    }

    pub(super) fn length(&mut self, at: &Named<D::File>) -> Result<u64, LogError> {
        self.disk.length(&at.file).map_err(failed("measure", &at.name, 0))
    }

    pub(super) fn set_length(&mut self, at: &Named<D::File>, length: u64) -> Result<(), LogError> {
        self.disk.set_length(&at.file, length).map_err(failed("extend", &at.name, length))
    }

    pub(super) fn read(
        &mut self,
        at: &Named<D::File>,
        offset: u64,
        into: &mut [u8],
    ) -> Result<usize, LogError> {
        self.disk.read_at(&at.file, offset, into).map_err(failed("read", &at.name, offset))
    }

    pub(super) fn write(&mut self, at: &Named<D::File>, offset: u64, bytes: &[u8]) -> Result<(), LogError> {
        let written =
            self.disk.write_at(&at.file, offset, bytes).map_err(failed("write", &at.name, offset))?;
        if written == bytes.len() {
            return Ok(());
        }
        Err(LogError::ShortWrite { file: at.name.clone(), offset, written, asked: bytes.len() })
    }

    pub(super) fn sync(&mut self, at: &Named<D::File>) -> Result<(), LogError> {
        self.disk.sync_data(&at.file).map_err(failed("sync", &at.name, 0))
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), LogError> {
        self.disk.rename(from, to).map_err(failed("rename", from, 0))
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<(), LogError> {
        self.disk.remove(name).map_err(failed("remove", name, 0))
    }

    pub(super) fn sync_dir(&mut self) -> Result<(), LogError> {
        self.disk.sync_dir().map_err(failed("sync", "the log directory", 0))
    }
}

/// A sliding view of one file, so that small batches cost no call each.
#[derive(Debug)]
pub(super) struct Window {
    bytes: Box<[u8]>,
    start: u64,
    filled: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; WINDOW_BYTES].into_boxed_slice(), start: 0, filled: 0 }
    }

    /// Forgets what was read: another file comes, or this one changed.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }

    /// `length` bytes at `offset`, fewer at the end of the file.
    pub(super) fn view<D: Disk>(
        &mut self,
        store: &mut Store<D>,
        at: &Named<D::File>,
        offset: u64,
        length: usize,
    ) -> Result<&[u8], LogError> {
        let inside = offset >= self.start && offset + wide(length) <= self.start + wide(self.filled);
        if !inside {
            self.filled = 0;
            self.start = offset;
            self.filled = store.read(at, offset, &mut self.bytes)?;
        }
        let from = narrow(offset - self.start);
        let to = usize::min(from + length, self.filled);
        Ok(&self.bytes[from..to])
    }

    /// First byte from `offset` on that is not zero.
    pub(super) fn first_set<D: Disk>(
        &mut self,
        store: &mut Store<D>,
        at: &Named<D::File>,
        mut offset: u64,
    ) -> Result<Option<u64>, LogError> {
        loop {
            self.start = offset;
            self.filled = store.read(at, offset, &mut self.bytes)?;
            if self.filled == 0 {
                return Ok(None);
            }
            if self.bytes[..self.filled] != ZEROS[..self.filled] {
                let ahead = self.bytes.iter().position(|byte| *byte != 0).expect("the slices differ");
                return Ok(Some(offset + wide(ahead)));
            }
            offset += wide(self.filled);
        }
    }
}
