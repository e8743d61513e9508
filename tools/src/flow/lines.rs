//! Lines of recorded files, read as a stream: plain text, gzip, or a vendor's zip, told apart by their first octets.
//!
//! Invariant: memory does not grow with the file, and whatever the octets are, the outcome is a line, the end, or an
//! error that names file and line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::read::{DeflateDecoder, MultiGzDecoder};
use zip::{CompressionMethod, ZipArchive};

use super::FlowError;

/// Some programs put it before the first line of a text.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// What is looked for in an archive, and how long its lines may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// What the name of the member contains, beside ending in `.csv`.
    pub contains: &'static str,
    /// Longest line accepted, in octets.
    pub line_max: usize,
}

/// Lines of a file, one after the other.
pub struct Lines {
    path: PathBuf,
    input: Box<dyn BufRead>,
    line_max: usize,
    line: u64,
    header: bool,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("path", &self.path).field("line", &self.line).finish_non_exhaustive()
    }
}

impl Lines {
    /// Opens a file at its first line.
    ///
    /// # Errors
    /// [`FlowError`] when it cannot be read, or is an archive without exactly one such member.
    pub fn open(path: &Path, member: Member) -> Result<Self, FlowError> {
        let read = |source| FlowError::Read { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(read)?;
        let mut magic = [0_u8; 4];
        let length = file.read(&mut magic).map_err(read)?;
        file.seek(SeekFrom::Start(0)).map_err(read)?;
        let input: Box<dyn BufRead> = match &magic[..length] {
            [0x1f, 0x8b, ..] => Box::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file)))),
            [b'P', b'K', ..] => {
                let (name, input) = open_archive(path, file, member)?;
                return Ok(Self::from_reader(&path.join(name), input, member.line_max));
            }
            _ => Box::new(BufReader::new(file)),
        };
        Ok(Self::from_reader(path, input, member.line_max))
    }

    /// Reads lines from anything; `path` is what errors name.
    #[must_use]
    pub fn from_reader(path: &Path, input: Box<dyn BufRead>, line_max: usize) -> Self {
        Self {
            path: path.to_owned(),
            input,
            line_max,
            line: 0,
            header: false,
            buffer: Vec::with_capacity(256),
        }
    }

    /// Passes over the first line if it begins with a letter, as a line of column names does and no record of numbers.
    #[must_use]
    pub fn without_header(self) -> Self {
        Self { header: true, ..self }
    }

    /// The next line that is not blank, without its end, or `None` at the end.
    ///
    /// # Errors
    /// [`FlowError`] that names the line.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, FlowError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let limit = u64::try_from(self.line_max.saturating_add(1)).unwrap_or(u64::MAX);
            let length = self
                .input
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut self.buffer)
                .map_err(|source| self.malformed(format!("cannot go on reading: {source}")))?;
            if length == 0 {
                return Ok(None);
            }
            let ended = self.buffer.strip_suffix(b"\n").map_or(self.buffer.len(), <[u8]>::len);
            self.buffer.truncate(ended);
            if self.line == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
            }
            if self.buffer.len() > self.line_max {
                return Err(
                    self.malformed(format!("longer than {} octets; is this the right file?", self.line_max))
                );
            }
            let passed_over = std::mem::take(&mut self.header) && is_header(&self.buffer);
            if !passed_over && !self.buffer.trim_ascii().is_empty() {
                return Ok(Some(self.buffer.trim_ascii_end()));
            }
        }
    }

    /// Number of the line last read, counted from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The file, and in an archive the member, that errors name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The error that names the line last read.
    #[must_use]
    pub fn malformed(&self, reason: String) -> FlowError {
        FlowError::Malformed { path: self.path.clone(), line: self.line, reason }
    }
}

fn is_header(line: &[u8]) -> bool {
    line.trim_ascii_start().first().is_some_and(|first| first.is_ascii_alphabetic() || b"\"#".contains(first))
}

/// Finds the member, and reads it in place without unpacking.
fn open_archive(
    path: &Path,
    mut file: File,
    member: Member,
) -> Result<(String, Box<dyn BufRead>), FlowError> {
    let read = |source| FlowError::Read { path: path.to_owned(), source };
    let unusable = |reason: String| FlowError::Unusable { path: path.to_owned(), reason };
    let mut archive = ZipArchive::new(BufReader::new(file.try_clone().map_err(read)?))
        .map_err(|error| unusable(format!("not a readable zip archive: {error}")))?;
    let is_csv =
        |name: &str| Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let is_wanted = |name: &str| name.contains(member.contains) && is_csv(name);
    let names: Vec<String> = archive.file_names().filter(|name| is_wanted(name)).map(str::to_owned).collect();
    let [name] = names.as_slice() else {
        let found = archive.file_names().take(8).collect::<Vec<_>>().join(", ");
        return Err(unusable(format!(
            "expected one file named *{}*.csv in the archive, found: {found}",
            member.contains
        )));
    };
    let (start, length, method) = {
        let entry =
            archive.by_name(name).map_err(|error| unusable(format!("cannot read {name}: {error}")))?;
        (entry.data_start(), entry.compressed_size(), entry.compression())
    };
    file.seek(SeekFrom::Start(start)).map_err(read)?;
    let packed = BufReader::new(file.take(length));
    let input: Box<dyn BufRead> = if method == CompressionMethod::Stored {
        Box::new(packed)
    } else if method == CompressionMethod::Deflated {
        Box::new(BufReader::new(DeflateDecoder::new(packed)))
    } else {
        return Err(unusable(format!("{name} is packed by {method}; unpack it and give the csv file")));
    };
    Ok((name.clone(), input))
}
