//! Connections that were sent their last frame: they are read to their end, unheard.
//!
//! Invariant: bounded in number and time. A socket that is closed while octets of the peer wait in it is reset, and a
//! reset may take the last frame from the peer before it has read it; so the peer is given a moment to close first.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::net::Shutdown;

use engine::TimeNs;
use mio::net::TcpStream;

/// Connections that may linger; the oldest goes before there are more.
const LINGERING_MAX: usize = 1024;

/// Sockets and until when they are kept.
#[derive(Debug, Default)]
pub(super) struct Lingering {
    sockets: VecDeque<(TimeNs, TcpStream)>,
}

impl Lingering {
    /// Ends the venue's side of a connection and keeps it until the peer has ended its own, or `until`.
    pub(super) fn add(&mut self, stream: TcpStream, until: TimeNs) {
        // Fails where the peer was faster.
        if stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        if self.sockets.len() == LINGERING_MAX {
            self.sockets.pop_front();
        }
        self.sockets.push_back((until, stream));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Reads away what came; lets go of those that ended or have had their time.
    pub(super) fn look(&mut self, now: TimeNs, space: &mut [u8]) {
        self.sockets.retain_mut(|(until, stream)| {
            now < *until
                && match stream.read(space) {
                    Ok(0) => false,
                    Ok(_) => true,
                    Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
                }
        });
    }
}
