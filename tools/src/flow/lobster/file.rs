//! LOBSTER message files, read as a stream: csv, gzip, or the vendor's zip.
//!
//! Invariant: memory does not grow with the file, and whatever the octets are, the outcome is a message, the end, or an
//! error that names file and line.

use std::path::Path;

use super::message::{LINE_BYTES_MAX, Message};
use crate::flow::FlowError;
use crate::flow::lines::{Lines, Member};

/// The message file in a vendor's archive.
pub const MESSAGES: Member = Member { contains: "_message_", line_max: LINE_BYTES_MAX };

/// Messages of a file, one after the other.
#[derive(Debug)]
pub struct Messages {
    lines: Lines,
}

impl Messages {
    /// Opens a file at its first message.
    ///
    /// # Errors
    /// [`FlowError`] when it cannot be read, or is an archive without exactly one message file.
    pub fn open(path: &Path) -> Result<Self, FlowError> {
        Ok(Self { lines: Lines::open(path, MESSAGES)? })
    }

    /// Passes over a line of column names, where the file begins with one.
    #[must_use]
    pub fn without_header(self) -> Self {
        Self { lines: self.lines.without_header() }
    }

    /// The next message, or `None` at the end.
    ///
    /// # Errors
    /// [`FlowError`] that names the line.
    pub fn next_message(&mut self) -> Result<Option<Message>, FlowError> {
        let parsed = match self.lines.next_line()? {
            None => return Ok(None),
            Some(line) => Message::parse(line),
        };
        parsed.map(Some).map_err(|reason| self.lines.malformed(reason))
    }

    /// The lines it reads.
    #[must_use]
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }
}
