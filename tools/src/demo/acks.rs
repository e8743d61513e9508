//! A trail of what was acknowledged, for whoever kills a demonstration and then asks what the log must hold.
//!
//! Invariant: a sequence is in the file before the client goes on, and only after the client has seen its outcome, so
//! it is at most the last sequence of the log, at whatever moment the process dies. Each record is handed to the system
//! by one write and survives a kill; it is not synced, so a power cut may shorten the trail. The log is what must last.
//!
//! The file is a sequence of records of 8 bytes: the highest sequence seen, little-endian, rising. A kill may cut the
//! last record short.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use engine::Seq;

use super::DemoError;

/// Bytes of a record.
const RECORD_BYTES: usize = 8;

/// The trail, open for appending.
#[derive(Debug)]
pub struct Acks {
    path: PathBuf,
    file: File,
    noted: Seq,
}

impl Acks {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// [`DemoError::Acks`].
    pub fn open(path: &Path) -> Result<Self, DemoError> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| DemoError::Acks { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, noted: Seq::new(0) })
    }

    /// Appends `seq` where it is above what was appended before.
    pub(super) fn note(&mut self, seq: Seq) -> Result<(), DemoError> {
        if seq <= self.noted {
            return Ok(());
        }
        self.noted = seq;
        self.file
            .write_all(&seq.get().to_le_bytes())
            .map_err(|source| DemoError::Acks { path: self.path.clone(), source })
    }
}

/// The sequences in the bytes of a trail; what a kill left of a last record is not one.
pub fn read(octets: &[u8]) -> impl Iterator<Item = u64> {
    octets.as_chunks::<RECORD_BYTES>().0.iter().map(|record| u64::from_le_bytes(*record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_rises_and_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("acks");
        for rising in [[1, 1, 7], [9, 8, 12]] {
            let mut acks = Acks::open(&path).unwrap();
            for seq in rising {
                acks.note(Seq::new(seq)).unwrap();
            }
        }
        let mut octets = std::fs::read(&path).unwrap();
        octets.push(3);
        assert_eq!(read(&octets).collect::<Vec<_>>(), [1, 7, 9, 12]);
    }

    #[test]
    fn a_trail_that_cannot_be_written_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let error = Acks::open(directory.path()).unwrap_err().to_string();
        assert!(error.contains("--acks"), "{error}");
    }
}
