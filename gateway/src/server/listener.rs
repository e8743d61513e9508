//! Where connections come in.
//!
//! Invariant: what one connection's coming costs does not keep the others from being served: few are let in per round,
//! and where the system has none to give it is left alone for a while.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use engine::TimeNs;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

/// Time for which the system is left alone after it could not give a connection.
const REST: Duration = Duration::from_millis(100);

/// Its event: no connection's number.
pub(super) const TOKEN: Token = Token(usize::MAX - 1);

/// A listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    /// Edge-triggered: there may be a connection until the system says otherwise.
    may_have: bool,
    rests_until: TimeNs,
    has_complained: bool,
}

/// What asking for a connection brought.
#[derive(Debug)]
pub(super) enum Coming {
    /// A connection.
    Connection(TcpStream),
    /// None for now.
    Nobody,
    /// One that was gone before its turn came.
    Aborted,
    /// The system could not give one. Told once.
    Complaint(Option<String>),
}

impl Listener {
    /// Listens on `address`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address)?;
        Ok(Self { socket, may_have: true, rests_until: TimeNs::default(), has_complained: false })
    }

    /// Where it listens, the port filled in.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Has it polled.
    ///
    /// # Errors
    /// When the system has no room for another socket to be polled.
    pub fn register(&mut self, registry: &Registry) -> io::Result<()> {
        registry.register(&mut self.socket, TOKEN, Interest::READABLE)
    }

    /// Notes an event.
    pub(super) fn note(&mut self) {
        self.may_have = true;
    }

    /// The next connection that waits.
    pub(super) fn accept(&mut self, now: TimeNs) -> Coming {
        if !self.may_have || now < self.rests_until {
            return Coming::Nobody;
        }
        match self.socket.accept() {
            Ok((stream, _)) => Coming::Connection(stream),
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {
                Coming::Aborted
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.may_have = false;
                Coming::Nobody
            }
            Err(error) => {
                self.rests_until = super::after(now, REST);
                Coming::Complaint(self.complain(&error))
            }
        }
    }

    fn complain(&mut self, error: &io::Error) -> Option<String> {
        if self.has_complained {
            return None;
        }
        self.has_complained = true;
        Some(format!(
            "the system gives no further connection: {error}; those that are open are served on, new ones wait. Raise \
             the limit on open files (ulimit -n) and start again"
        ))
    }
}
