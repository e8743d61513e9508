//! The log read again while it is written, by a role that missed something or begins late.
//!
//! Invariant: only what is known to be durable is asked for, so that what is read is never at the place being written.

use std::path::{Path, PathBuf};

use engine::{Command, Seq, Stamp};

use crate::log::{LogReader, LoggedCommand, RealDisk, Record};

/// A log that can be read from its beginning as often as one likes.
pub trait Archive: Send + std::fmt::Debug {
    /// Prepares to give the command behind `after` next: goes on where that is the last one given, else begins again.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn rewind(&mut self, after: Seq) -> Result<(), String>;

    /// The next command; `None` at the end.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    fn next_command(&mut self) -> Result<Option<(Stamp, Command)>, String>;

    /// Lets go of what reading holds; the next [`Self::rewind`] begins again.
    fn rest(&mut self);

    /// Where what belongs to the log is kept, if anywhere.
    fn directory(&self) -> Option<&Path>;
}

/// The log in a directory.
#[derive(Debug)]
pub struct DirectoryArchive {
    path: PathBuf,
    /// `None` while it rests.
    reader: Option<LogReader<RealDisk>>,
    /// The last command given, or passed over.
    last: Seq,
}

impl DirectoryArchive {
    /// Of the log in `path`. Nothing is opened yet.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, reader: None, last: Seq::new(0) }
    }
}

impl Archive for DirectoryArchive {
    fn rewind(&mut self, after: Seq) -> Result<(), String> {
        let prepared = match &mut self.reader {
            Some(reader) if self.last == after => reader.look_again(),
            _ => RealDisk::read_only(&self.path).and_then(LogReader::open).map(|reader| {
                self.reader = Some(reader);
                self.last = after;
            }),
        };
        prepared.map_err(|error| error.to_string())
    }

    fn next_command(&mut self) -> Result<Option<(Stamp, Command)>, String> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        while let Some(located) = reader.next_record().map_err(|error| error.to_string())? {
            if let Record::Command(LoggedCommand { stamp, command, .. }) = located.record
                && stamp.seq > self.last
            {
                self.last = stamp.seq;
                return Ok(Some((stamp, command)));
            }
        }
        Ok(None)
    }

    fn rest(&mut self) {
        self.reader = None;
    }

    fn directory(&self) -> Option<&Path> {
        Some(&self.path)
    }
}
