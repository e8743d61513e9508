//! LOBSTER message files, read as a stream: csv, gzip, or the vendor's zip, told apart by their first octets.
//!
//! Invariant: memory does not grow with the file, and whatever the octets are, the outcome is a message, the end, or an
//! error that names file and line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::{DeflateDecoder, MultiGzDecoder};
use zip::{CompressionMethod, ZipArchive};

use super::message::{LINE_BYTES_MAX, Message};
use crate::flow::FlowError;

/// Messages of a file, one after the other.
pub struct Messages {
    path: PathBuf,
    input: Box<dyn BufRead>,
    line: u64,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Messages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Messages").field("path", &self.path).field("line", &self.line).finish_non_exhaustive()
    }
}

impl Messages {
    /// Opens a file at its first message.
    ///
    /// # Errors
    /// [`FlowError`] when it cannot be read, or is an archive without exactly one message file.
    pub fn open(path: &Path) -> Result<Self, FlowError> {
        let read = |source| FlowError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read)?;
        let mut magic = [0_u8; 4];
        let length = file.read(&mut magic).map_err(read)?;
        file.seek(SeekFrom::Start(0)).map_err(read)?;
        let input: Box<dyn BufRead> = match &magic[..length] {
            [0x1f, 0x8b, ..] => Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file)))),
            [b'P', b'K', ..] => open_archive(path, file)?,
            _ => Box::new(BufReader::new(file)),
        };
        Ok(Self::from_reader(path, input))
    }

    /// Reads messages from anything; `path` is what errors name.
    #[must_use]
    pub fn from_reader(path: &Path, input: Box<dyn BufRead>) -> Self {
        Self { path: path.to_owned(), input, line: 0, buffer: Vec::with_capacity(LINE_BYTES_MAX + 1) }
    }

    /// The next message, or `None` at the end.
    ///
    /// # Errors
    /// [`FlowError`] that names the line.
    pub fn next_message(&mut self) -> Result<Option<Message>, FlowError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let limit = u64::try_from(LINE_BYTES_MAX + 1).unwrap_or(u64::MAX);
            let length = self
                .input
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut self.buffer)
                .map_err(|source| self.malformed(format!("cannot go on reading: {source}")))?;
            if length == 0 {
                return Ok(None);
            }
            let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
            if line.len() > LINE_BYTES_MAX {
                let reason = format!("longer than {LINE_BYTES_MAX} octets; is this a LOBSTER message file?");
                return Err(self.malformed(reason));
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            return Message::parse(line).map(Some).map_err(|reason| self.malformed(reason));
        }
    }

    fn malformed(&self, reason: String) -> FlowError {
        FlowError::Malformed { path: self.path.clone(), line: self.line, reason }
    }
}

/// Finds the message file beside the orderbook file, and reads it in place without unpacking.
fn open_archive(path: &Path, file: File) -> Result<Box<dyn BufRead>, FlowError> {
    let read = |source| FlowError::Read { path: path.to_owned(), source };
    let unusable = |reason: String| FlowError::Unusable { path: path.to_owned(), reason };
    let mut archive = ZipArchive::new(BufReader::new(file.try_clone().map_err(read)?))
        .map_err(|error| unusable(format!("not a readable zip archive: {error}")))?;
    let is_csv =
        |name: &str| Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let is_message = |name: &str| name.contains("_message_") && is_csv(name);
    let names: Vec<String> =
        archive.file_names().filter(|name| is_message(name)).map(str::to_owned).collect();
    let [name] = names.as_slice() else {
        let found = archive.file_names().take(8).collect::<Vec<_>>().join(", ");
        return Err(unusable(format!(
            "expected one file named *_message_*.csv in the archive, found: {found}"
        )));
    };
    let (start, length, method) = {
        let entry =
            archive.by_name(name).map_err(|error| unusable(format!("cannot read {name}: {error}")))?;
        (entry.data_start(), entry.compressed_size(), entry.compression())
    };
    let mut file = file;
    file.seek(SeekFrom::Start(start)).map_err(read)?;
    let packed = BufReader::new(file.take(length));
    if method == CompressionMethod::Stored {
        return Ok(Box::new(packed));
    }
    if method == CompressionMethod::Deflated {
        return Ok(Box::new(BufReader::new(DeflateDecoder::new(packed))));
    }
    Err(unusable(format!("{name} is packed by {method}; unpack it and give the csv file")))
}
