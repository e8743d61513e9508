//! One session of a client: the protocol without sockets and without a clock.
//!
//! Invariant: requests are numbered once, when they are taken. What the venue's log does not hold after a logon is sent
//! again as it was, but for the flag that says so and the acknowledgement in its prefix; what the log holds never is.
//! Events are handed on by rising number, without a gap but those the venue declares.

mod receive;

use std::collections::VecDeque;

use engine::limits::QUOTE_NUMBERS;
use engine::{ClientOrderId, ClientSeq, TimeNs};

use super::fault::{Fault, SendError};
use super::incoming::{Answered, Incoming, Ticket};
use super::key::Key;
use super::query::Query;
use super::request::Request;
use super::resume::Resume;
use super::window::Window;
use crate::wire::frame::{self, Flags};
use crate::wire::private::{Heartbeat, Hello, Logout, TestRequest};
use crate::wire::types::{CodMode, Code, Millis, Octets, SessionKind, TermCode};
use crate::wire::{Message, Prefix};

/// Version of the protocol spoken here.
pub const PROTOCOL_VERSION: u32 = 1;
/// What every signature of a logon begins with.
pub const LOGON_DOMAIN: &[u8] = b"venue-logon-v1\0";
/// What stands for a channel binding where there is none.
pub const NO_BINDING: [u8; 32] = [0; 32];
/// Longest frame taken from a venue.
pub const FRAME_MAX: usize = 65_536;
/// Requests that may be unanswered at once.
pub const WINDOW_MAX: usize = 65_536;
/// Longest frame sent before the venue has said what it takes.
const SEND_MAX: usize = 4_096;
/// How long a logon may take.
const LOGON_NS: u64 = 10_000_000_000;
const NS_PER_MS: u64 = 1_000_000;

/// Whose session, and what is agreed about it.
#[derive(Clone, Debug)]
pub struct SessionTerms {
    /// Who.
    pub key: Key,
    /// Tells sessions of one key and kind apart.
    pub tag: u32,
    /// What for.
    pub kind: SessionKind,
    /// What is cancelled when the session is lost.
    pub cod: CodMode,
    /// How long after the connection is gone, in milliseconds.
    pub cod_grace_ms: u32,
    /// Longest silence of either side, in milliseconds, 100 to 60,000; 0 leaves it to the venue.
    pub heartbeat_ms: u32,
}

impl SessionTerms {
    /// The first session of a key: when it is lost, after 5 s, all orders go but those that protect a position.
    #[must_use]
    pub const fn new(key: Key, kind: SessionKind) -> Self {
        Self { key, tag: 0, kind, cod: CodMode::KeepProtection, cod_grace_ms: 5_000, heartbeat_ms: 1_000 }
    }
}

/// Where a session stands with its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// No connection.
    Down,
    /// The challenge is awaited.
    Challenged,
    /// The venue's verdict on the logon is awaited.
    Proved,
    /// Logged on.
    Active,
    /// The end was asked for.
    LoggingOut,
    /// The session ended in order; the connection is to be closed.
    LoggedOut,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    terms: SessionTerms,
    phase: Phase,
    window: Window,
    /// Number of the next request; 0 while unknown.
    next_seq_no: u64,
    /// Number of the next event; 0 while unknown.
    next_expected: u64,
    last_cl_ord_id: u64,
    /// The log that the numbers belong to.
    engine_epoch: Option<u64>,
    /// No logon has told or confirmed the numbers yet.
    is_unconfirmed: bool,
    /// At the last logon: our last number in the venue's log, and the number of the event after all it brought about.
    replay: (u64, u64),
    /// A resend was asked for and the first of it has not come.
    is_asking: bool,
    /// The last request whose frame was ever written.
    written_through: u64,
    heartbeat_ns: u64,
    send_max: usize,
    last_sent: TimeNs,
    last_received: TimeNs,
    /// The peer's silence was answered by a test.
    is_testing: bool,
    hello: Vec<u8>,
    out: Vec<u8>,
    carry: Vec<u8>,
    scratch: Vec<u8>,
    incoming: VecDeque<Incoming>,
    last_query_id: u64,
    duplicates: u64,
}

impl Session {
    /// A session that is not connected. Without `resume` it learns its numbers from the venue and sees the events that
    /// the venue still keeps.
    ///
    /// # Panics
    /// When the state is another session's; see [`Resume::is_of`].
    #[must_use]
    pub fn new(terms: SessionTerms, resume: Option<&Resume>) -> Self {
        let mut session = Self {
            terms,
            phase: Phase::Down,
            window: Window::default(),
            next_seq_no: 0,
            next_expected: 0,
            last_cl_ord_id: 0,
            engine_epoch: None,
            is_unconfirmed: true,
            replay: (0, 0),
            is_asking: false,
            written_through: 0,
            heartbeat_ns: 0,
            send_max: SEND_MAX,
            last_sent: TimeNs::default(),
            last_received: TimeNs::default(),
            is_testing: false,
            hello: Vec::new(),
            out: Vec::new(),
            carry: Vec::new(),
            scratch: Vec::new(),
            incoming: VecDeque::new(),
            last_query_id: 0,
            duplicates: 0,
        };
        if let Some(resume) = resume {
            assert!(resume.is_of(&session.terms), "the saved state is another session's");
            session.take_up(resume);
        }
        session
    }

    fn take_up(&mut self, resume: &Resume) {
        self.next_seq_no = resume.next_seq_no;
        self.next_expected = resume.next_expected;
        self.last_cl_ord_id = resume.last_cl_ord_id;
        self.engine_epoch = Some(resume.engine_epoch);
        // Whether the last of them were ever written is not saved, so they count as written.
        self.written_through = resume.next_seq_no.saturating_sub(1);
        self.window = Window::restored(resume);
    }

    /// What to keep so that another session value can go on from here; `None` before the first logon.
    #[must_use]
    pub fn resume(&self) -> Option<Resume> {
        let mut resume = Resume {
            key: self.terms.key.id(),
            tag: self.terms.tag,
            kind: Code::of(self.terms.kind).octet(),
            engine_epoch: self.engine_epoch?,
            next_seq_no: self.next_seq_no,
            next_expected: self.next_expected,
            last_cl_ord_id: self.last_cl_ord_id,
            ..Resume::default()
        };
        self.window.save(&mut resume);
        Some(resume)
    }

    /// Where it stands with its connection.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Number of the next event it expects; 0 while unknown.
    #[must_use]
    pub const fn next_expected(&self) -> u64 {
        self.next_expected
    }

    /// Requests without a last word.
    #[must_use]
    pub const fn unsettled(&self) -> usize {
        self.window.unsettled()
    }

    /// Requests without a last word, by rising number.
    pub fn open(&self) -> impl Iterator<Item = Ticket> + '_ {
        self.window.open()
    }

    /// Events that came more than once and were dropped.
    #[must_use]
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Its terms.
    #[must_use]
    pub const fn terms(&self) -> &SessionTerms {
        &self.terms
    }

    /// Whether everything the venue had at the logon has come.
    #[must_use]
    pub const fn is_replayed(&self) -> bool {
        matches!(self.phase, Phase::Active | Phase::LoggingOut) && self.next_expected >= self.replay.1
    }

    /// What is known of a request; `None` where it was never sent, or settled long ago.
    #[must_use]
    pub fn standing(&self, ticket: Ticket) -> Option<Answered> {
        let seq_no = ticket.seq_no;
        if !self.window.knows(seq_no) {
            return None;
        }
        let open = match self.phase {
            Phase::Active | Phase::LoggingOut if self.is_replayed() || seq_no.get() > self.replay.0 => {
                Answered::Waiting
            }
            Phase::Active
            | Phase::LoggingOut
            | Phase::Down
            | Phase::Challenged
            | Phase::Proved
            | Phase::LoggedOut => Answered::Unknown,
        };
        Some(self.window.verdict(seq_no).unwrap_or(open))
    }

    // Connections.

    /// A connection stands: the first frame is ready to be written. `nonce` are fresh random octets.
    pub fn connected(&mut self, now: TimeNs, nonce: [u8; 32]) {
        self.disconnected();
        self.phase = Phase::Challenged;
        self.last_sent = now;
        self.last_received = now;
        let hello = Hello {
            protocol_version: PROTOCOL_VERSION,
            key_id: self.terms.key.id(),
            session_tag: self.terms.tag,
            kind: self.terms.kind.into(),
            cod_mode: self.terms.cod.into(),
            cod_grace: Millis::new(self.terms.cod_grace_ms),
            heartbeat: Millis::new(self.terms.heartbeat_ms),
            next_send_seq_no: ClientSeq::new(self.next_seq_no),
            next_expected_seq_no: self.next_expected,
            client_nonce: Octets(nonce),
        };
        self.hello.clear();
        hello.encode(&mut self.hello);
        self.append(&hello);
    }

    /// The connection is gone; so is what was not written. Every request without a last word is unknown until the next
    /// logon.
    pub fn disconnected(&mut self) {
        self.phase = Phase::Down;
        self.out.clear();
        self.carry.clear();
        self.is_asking = false;
        self.is_testing = false;
    }

    /// Octets to be written.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.out
    }

    /// The first `octets` of the output were written.
    pub fn wrote(&mut self, octets: usize) {
        if octets == self.out.len() {
            self.out.clear();
        } else {
            let _written = self.out.drain(..octets);
        }
    }

    /// Moves the output to `out`.
    pub fn take_output(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.out);
    }

    /// The next thing that came in.
    pub fn next_incoming(&mut self) -> Option<Incoming> {
        self.incoming.pop_front()
    }

    /// When [`Self::tick`] has something to do; `None` without a connection.
    #[must_use]
    pub fn next_tick(&self) -> Option<TimeNs> {
        let due = match self.phase {
            Phase::Down | Phase::LoggedOut => return None,
            Phase::Challenged | Phase::Proved => self.last_received.get().saturating_add(LOGON_NS),
            Phase::Active | Phase::LoggingOut => {
                let beats = if self.is_testing { 3 } else { 2 };
                let silence = self.last_received.get().saturating_add(beats * self.heartbeat_ns);
                silence.min(self.last_sent.get().saturating_add(self.heartbeat_ns))
            }
        };
        Some(TimeNs::new(due))
    }

    /// Time passes: heartbeats, and the end of patience.
    ///
    /// # Errors
    /// [`Fault::Lapsed`].
    pub fn tick(&mut self, now: TimeNs) -> Result<(), Fault> {
        let silence = now.get().saturating_sub(self.last_received.get());
        let lapsed = Err(Fault::Lapsed { silence_ms: silence.div_euclid(NS_PER_MS) });
        match self.phase {
            Phase::Down | Phase::LoggedOut => Ok(()),
            Phase::Challenged | Phase::Proved => {
                if silence >= LOGON_NS {
                    lapsed
                } else {
                    Ok(())
                }
            }
            Phase::Active | Phase::LoggingOut => {
                if silence >= 3 * self.heartbeat_ns {
                    return lapsed;
                }
                if silence >= 2 * self.heartbeat_ns && !self.is_testing {
                    self.is_testing = true;
                    self.append(&TestRequest { token: now.get(), send_time: now });
                    self.last_sent = now;
                }
                if now.get().saturating_sub(self.last_sent.get()) >= self.heartbeat_ns {
                    self.append(&Heartbeat { send_time: now, echo_time: TimeNs::default() });
                    self.last_sent = now;
                }
                Ok(())
            }
        }
    }

    /// Appends an unnumbered message.
    fn append<M: Message>(&mut self, message: &M) {
        frame::append(self.unnumbered(), message, &mut self.out);
    }

    const fn unnumbered(&self) -> Prefix {
        Prefix {
            flags: Flags(Flags::UNSEQUENCED),
            seq_no: self.next_seq_no,
            ack_seq_no: self.next_expected.saturating_sub(1),
        }
    }

    // Requests.

    /// Takes a request: numbers it, keeps its frame, and writes it if the session is logged on, else after the next
    /// logon.
    ///
    /// # Errors
    /// [`SendError`]; then nothing was taken.
    pub fn send(&mut self, mut request: Request, now: TimeNs) -> Result<Ticket, SendError> {
        // A saved state may be older than the last numbers that were used; only a logon tells.
        if self.is_unconfirmed {
            return Err(SendError::NumbersUnknown);
        }
        if self.window.unsettled() >= WINDOW_MAX {
            return Err(SendError::WindowFull(WINDOW_MAX));
        }
        let cl_ord_id = match request.name() {
            None => ClientOrderId::default(),
            Some(name) => {
                if name.get() == 0 {
                    *name = ClientOrderId::new(self.last_cl_ord_id.saturating_add(1));
                }
                if name.get() <= self.last_cl_ord_id {
                    return Err(SendError::IdNotRising { wanted: name.get(), last: self.last_cl_ord_id });
                }
                *name
            }
        };
        let last_used = request.number_parts(cl_ord_id);
        if last_used.get() >= QUOTE_NUMBERS {
            return Err(SendError::IdReserved { wanted: last_used.get() });
        }
        let seq_no = self.next_seq_no;
        let prefix = Prefix { flags: Flags::default(), seq_no, ..self.unnumbered() };
        self.scratch.clear();
        request.append(prefix, &mut self.scratch);
        if self.scratch.len() > self.send_max {
            return Err(SendError::TooLong { length: self.scratch.len(), limit: self.send_max });
        }
        let ticket = Ticket { seq_no: ClientSeq::new(seq_no), cl_ord_id };
        self.window.push(ticket, last_used, &self.scratch);
        self.next_seq_no += 1;
        self.last_cl_ord_id = self.last_cl_ord_id.max(last_used.get());
        if self.phase == Phase::Active {
            self.out.extend_from_slice(&self.scratch);
            self.written_through = seq_no;
            self.last_sent = now;
        }
        Ok(ticket)
    }

    /// Asks a query; its number, which the rows of the answer carry. It is lost with the connection.
    pub fn ask(&mut self, query: Query, now: TimeNs) -> Option<u64> {
        if self.phase != Phase::Active {
            return None;
        }
        self.last_query_id += 1;
        query.append(self.last_query_id, self.unnumbered(), &mut self.out);
        self.last_sent = now;
        Some(self.last_query_id)
    }

    /// Ends the session in order: it can be taken up again, but nothing is cancelled for its loss. With `cancel_orders`
    /// its orders go as if it were lost.
    pub fn log_out(&mut self, cancel_orders: bool, now: TimeNs) {
        if self.phase == Phase::Active {
            self.phase = Phase::LoggingOut;
            let cancel_orders = u8::from(cancel_orders);
            self.append(&Logout { code: TermCode::Finished.into(), cancel_orders });
            self.last_sent = now;
        }
    }
}
