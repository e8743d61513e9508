//! One connection's socket: what was read and not yet taken, what was to be written and is not yet.
//!
//! Invariant: what is kept of either is bounded, and a connection with nothing under way keeps no memory for it.

use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;

/// What is known of the peer's octets. Edge-triggered: the system says once that some have come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    /// Everything that came was read; the next octet is another event.
    Drained,
    /// There may be something to read.
    Flowing,
    /// The peer writes no more: reading goes on to the end without another event.
    Ending,
}

/// A socket with what is under way.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    /// Read and not taken yet: part of a frame, or frames that must wait.
    held: Vec<u8>,
    /// To be written before anything else.
    unsent: Vec<u8>,
    source: Source,
    /// What is held begins with a whole frame.
    is_stalled: bool,
    /// The system takes nothing until it says otherwise.
    is_full: bool,
}

/// What reading brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Input {
    /// Octets to be looked at.
    Octets {
        /// How many, those held before included.
        all: usize,
        /// How many of them are new.
        new: usize,
    },
    /// Nothing new.
    Nothing,
    /// The peer is gone.
    Gone,
}

/// What writing came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Output {
    /// The system took everything.
    Done,
    /// It took a part; the rest is kept.
    Full,
    /// The peer is gone.
    Gone,
}

impl Socket {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            held: Vec::new(),
            unsent: Vec::new(),
            source: Source::Drained,
            is_stalled: false,
            is_full: false,
        }
    }

    /// Notes an event.
    pub(super) fn note(&mut self, event: &mio::event::Event) {
        if event.is_read_closed() || event.is_error() {
            self.source = Source::Ending;
        } else if event.is_readable() && self.source == Source::Drained {
            self.source = Source::Flowing;
        }
        if event.is_writable() {
            self.is_full = false;
        }
    }

    /// Whether there may be something to read, or something read that was not taken.
    pub(super) fn wants_read(&self) -> bool {
        self.source != Source::Drained || self.is_stalled
    }

    /// Whether what is to be written waits for the system.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether something of a former write is left.
    pub(super) const fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Puts what is held at the beginning of `space` and, unless whole frames are among it, what one read brings
    /// behind it. `room` is how much may be read.
    pub(super) fn read(&mut self, space: &mut [u8], room: usize) -> Input {
        let held = self.held.len();
        space[..held].copy_from_slice(&self.held);
        if self.is_stalled {
            return Input::Octets { all: held, new: 0 };
        }
        if self.source == Source::Drained {
            return Input::Nothing;
        }
        match self.stream.read(&mut space[held..held + room]) {
            Ok(0) => Input::Gone,
            Ok(octets) => {
                // A read that is cut short has emptied the socket.
                if octets < room && self.source == Source::Flowing {
                    self.source = Source::Drained;
                }
                Input::Octets { all: held + octets, new: octets }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.source = Source::Drained;
                Input::Nothing
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Input::Nothing,
            Err(_) => Input::Gone,
        }
    }

    /// Keeps what of `octets` was not taken; `is_whole` if a whole frame is among it.
    pub(super) fn hold(&mut self, octets: &[u8], is_whole: bool) {
        self.is_stalled = is_whole;
        self.held.clear();
        if octets.is_empty() && self.held.capacity() > 0 {
            self.held = Vec::new();
        }
        self.held.extend_from_slice(octets);
    }

    /// Writes what is left of a former write.
    pub(super) fn write_unsent(&mut self) -> Output {
        let unsent = std::mem::take(&mut self.unsent);
        self.write(&unsent)
    }

    /// Writes `octets` in one call; nothing of a former write may be left.
    pub(super) fn write(&mut self, octets: &[u8]) -> Output {
        let written = match self.stream.write(octets) {
            Ok(written) => written,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            Err(_) => return Output::Gone,
        };
        let Some(rest) = octets.get(written..).filter(|rest| !rest.is_empty()) else { return Output::Done };
        self.unsent = rest.to_vec();
        self.is_full = true;
        Output::Full
    }

    /// The stream, for what follows the last frame.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }
}
