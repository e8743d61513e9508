//! Many sessions in one thread, without blocking: for load, for the demo, for programs with a loop of their own.
//!
//! Invariant: nothing here waits but [`Many::turn`], and that no longer than it is told. Requests are written when they
//! are sent, or as soon as the socket takes them; when they were meant to be sent is the caller's to know.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use engine::TimeNs;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::back_off::BackOff;
use super::fault::{Fault, SendError};
use super::incoming::{Incoming, Ticket};
use super::query::Query;
use super::request::Request;
use super::resume::Resume;
use super::session::{Phase, Session, SessionTerms};
use crate::clock::{Clock, WallClock};

const BUFFER_BYTES: usize = 65_536;
const EVENTS: usize = 1_024;
/// How often connections are looked at for their heartbeats and for another attempt.
const ROUND_NS: u64 = 5_000_000;
/// Reads of one connection before the others have their turn.
const READS_MAX: usize = 8;

/// One session and its connection.
#[derive(Debug)]
struct Link {
    address: SocketAddr,
    session: Session,
    stream: Option<TcpStream>,
    /// There may be more to read.
    is_readable: bool,
    /// There is output that the socket may take.
    is_due: bool,
    /// Not to be connected again.
    is_over: bool,
    back_off: BackOff,
    fault: Option<Fault>,
}

/// Sessions, by the order they were added in.
#[derive(Debug)]
pub struct Many {
    poll: Poll,
    events: Events,
    links: Vec<Link>,
    clock: WallClock,
    buffer: Box<[u8]>,
    /// Links with something to write.
    due: Vec<usize>,
    /// Links with something left to read.
    readable: Vec<usize>,
    next_round: TimeNs,
}

impl Many {
    /// No sessions yet.
    ///
    /// # Errors
    /// When the system gives no poll.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
            links: Vec::new(),
            clock: WallClock::default(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            due: Vec::new(),
            readable: Vec::new(),
            next_round: TimeNs::default(),
        })
    }

    /// Adds a session; its number here. It is connected with the next turns, and again whenever its connection breaks.
    ///
    /// # Panics
    /// When the state is another session's; see [`Resume::is_of`].
    pub fn add(&mut self, address: SocketAddr, terms: SessionTerms, resume: Option<&Resume>) -> usize {
        self.links.push(Link {
            address,
            session: Session::new(terms, resume),
            stream: None,
            is_readable: false,
            is_due: false,
            is_over: false,
            back_off: BackOff::new(),
            fault: None,
        });
        self.next_round = TimeNs::default();
        self.links.len() - 1
    }

    /// Sessions added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether none was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The time, as intended send times may be compared with.
    pub fn now(&mut self) -> TimeNs {
        self.clock.now()
    }

    /// A session.
    ///
    /// # Panics
    /// When there is none with this number.
    #[must_use]
    pub fn session(&self, link: usize) -> &Session {
        &self.links[link].session
    }

    /// Why a session's last connection ended, if by a fault. A final one is not tried again.
    #[must_use]
    pub fn fault(&self, link: usize) -> Option<&Fault> {
        self.links[link].fault.as_ref()
    }

    /// Whether every session is logged on.
    #[must_use]
    pub fn is_standing(&self) -> bool {
        self.links.iter().all(|link| link.session.phase() == Phase::Active)
    }

    /// Sends a request without waiting for anything. It is written with the next [`Self::flush`] or [`Self::turn`].
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&mut self, link: usize, request: impl Into<Request>) -> Result<Ticket, SendError> {
        let now = self.clock.now();
        let ticket = self.links[link].session.send(request.into(), now)?;
        self.mark_due(link);
        Ok(ticket)
    }

    /// Asks a query; `None` while the session is not logged on. It is lost with the connection.
    pub fn ask(&mut self, link: usize, query: Query) -> Option<u64> {
        let now = self.clock.now();
        let query_id = self.links[link].session.ask(query, now);
        self.mark_due(link);
        query_id
    }

    /// Ends a session in order; it is not connected again. Where its connection breaks before the venue has confirmed it,
    /// the session ends as a lost one: without [`Incoming::LoggedOut`], after its grace.
    pub fn log_out(&mut self, link: usize, cancel_orders: bool) {
        let now = self.clock.now();
        let ended = &mut self.links[link];
        ended.session.log_out(cancel_orders, now);
        ended.is_over = true;
        self.mark_due(link);
    }

    /// Cuts a session's connection, as if the network had; it is connected again.
    pub fn cut(&mut self, link: usize) {
        let now = self.clock.now();
        self.links[link].break_off(now);
    }

    fn mark_due(&mut self, link: usize) {
        if !self.links[link].is_due {
            self.links[link].is_due = true;
            self.due.push(link);
        }
    }

    /// Writes what is due.
    pub fn flush(&mut self) {
        let now = self.clock.now();
        while let Some(at) = self.due.pop() {
            let link = &mut self.links[at];
            link.is_due = false;
            if link.write().is_err() {
                link.break_off(now);
            }
        }
    }

    /// Writes what is due, waits at most `timeout` for something to come, and hands it to `see` with the number of its
    /// session; how much there was.
    ///
    /// # Errors
    /// When the system's poll fails.
    pub fn turn(&mut self, timeout: Duration, mut see: impl FnMut(usize, Incoming)) -> io::Result<usize> {
        self.flush();
        let now = self.clock.now();
        let wait = if self.readable.is_empty() {
            timeout.min(Duration::from_nanos(self.next_round.get().saturating_sub(now.get())))
        } else {
            Duration::ZERO
        };
        match self.poll.poll(&mut self.events, Some(wait)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            Err(error) => return Err(error),
        }
        self.look();
        let mut seen = 0;
        for at in core::mem::take(&mut self.readable) {
            self.read(at);
            while let Some(incoming) = self.links[at].session.next_incoming() {
                if let Incoming::LoggedOn(_) = incoming {
                    self.links[at].back_off.succeeded();
                }
                see(at, incoming);
                seen += 1;
            }
            self.links[at].end_in_order();
        }
        // After reading: what already waits in a socket is no silence, however late this thread comes.
        let now = self.clock.now();
        if now >= self.next_round {
            self.next_round = TimeNs::new(now.get().saturating_add(ROUND_NS));
            self.round(now)?;
        }
        self.flush();
        Ok(seen)
    }

    /// Heartbeats, and attempts to connect.
    fn round(&mut self, now: TimeNs) -> io::Result<()> {
        for at in 0..self.links.len() {
            let link = &mut self.links[at];
            if link.stream.is_none() {
                if !link.is_over && now >= link.back_off.due() {
                    link.dial(now, &self.poll, Token(at))?;
                }
                continue;
            }
            if let Err(fault) = link.session.tick(now) {
                link.fail(now, fault);
            } else if !link.session.output().is_empty() {
                self.mark_due(at);
            }
        }
        Ok(())
    }

    /// Notes who can be read and written.
    fn look(&mut self) {
        let now = self.clock.now();
        for event in &self.events {
            let Token(at) = event.token();
            let link = &mut self.links[at];
            if !link.is_up() && link.rise(now).is_err() {
                link.break_off(now);
            }
            if !link.is_up() {
                continue;
            }
            if !link.is_due && !link.session.output().is_empty() {
                link.is_due = true;
                self.due.push(at);
            }
            if !link.is_readable && (event.is_readable() || event.is_read_closed() || event.is_error()) {
                link.is_readable = true;
                self.readable.push(at);
            }
        }
    }

    fn read(&mut self, at: usize) {
        let link = &mut self.links[at];
        link.is_readable = false;
        for _ in 0..READS_MAX {
            let Some(stream) = &mut link.stream else { return };
            match stream.read(&mut self.buffer) {
                Ok(0) => {
                    link.break_off(self.clock.now());
                    return;
                }
                Ok(read) => {
                    let now = self.clock.now();
                    if let Err(fault) = link.session.receive(&self.buffer[..read], now) {
                        link.fail(now, fault);
                        return;
                    }
                    if !link.is_due && !link.session.output().is_empty() {
                        link.is_due = true;
                        self.due.push(at);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    link.break_off(self.clock.now());
                    return;
                }
            }
        }
        link.is_readable = true;
        self.readable.push(at);
    }
}

impl Link {
    /// Whether the connection stands; before, it is being made.
    const fn is_up(&self) -> bool {
        !matches!(self.session.phase(), Phase::Down)
    }

    /// Begins to connect; whether it came about is told by the poll.
    fn dial(&mut self, now: TimeNs, poll: &Poll, token: Token) -> io::Result<()> {
        match TcpStream::connect(self.address) {
            Ok(mut stream) => {
                poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                self.stream = Some(stream);
            }
            Err(_) => self.break_off(now),
        }
        Ok(())
    }

    /// Looks whether the connection stands, and begins the logon if so.
    fn rise(&mut self, now: TimeNs) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
            Err(error) => return Err(error),
        }
        stream.set_nodelay(true)?;
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
        self.fault = None;
        self.session.connected(now, nonce);
        Ok(())
    }

    /// Writes what the socket takes.
    fn write(&mut self) -> io::Result<()> {
        let is_up = self.is_up();
        let Some(stream) = self.stream.as_mut().filter(|_| is_up) else { return Ok(()) };
        while !self.session.output().is_empty() {
            match stream.write(self.session.output()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.session.wrote(written),
                // The poll tells when there is room again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn break_off(&mut self, now: TimeNs) {
        // Dropping a stream closes it and takes it out of the poll.
        self.stream = None;
        self.session.disconnected();
        self.back_off.failed(now);
    }

    fn fail(&mut self, now: TimeNs, fault: Fault) {
        self.is_over |= fault.is_final();
        self.fault = Some(fault);
        self.break_off(now);
    }

    /// Closes the connection of a session that ended in order.
    fn end_in_order(&mut self) {
        if self.session.phase() == Phase::LoggedOut {
            self.stream = None;
            self.is_over = true;
        }
    }
}
