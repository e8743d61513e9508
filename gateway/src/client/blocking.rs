//! One session over a blocking socket, for tools and programs that trade by hand.
//!
//! Invariant: a call returns by its deadline. A connection that breaks is taken up again within the calls that need it;
//! what was sent is then sent again unchanged, what was asked is asked anew. Between calls nothing runs: who stays away
//! for longer than three heartbeats loses the connection, and finds the session again with the next call.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use engine::{OrderRef, TimeNs};
use risk::{AccountId, InstrumentId};

use super::back_off::BackOff;
use super::fault::{Fault, SendError};
use super::incoming::{Answered, Incoming, Ticket};
use super::query::{Answer, Query, Rows};
use super::request::Request;
use super::resume::Resume;
use super::session::{Phase, Session, SessionTerms};
use crate::clock::{Clock, WallClock};
use crate::wire::codes;
use crate::wire::private::{AccountState, BookLevels, InstrumentDef, OpenOrder, PositionState};

/// What came in and was not taken by [`Connection::next_event`]; beyond, the oldest is dropped.
const KEPT_MAX: usize = 65_536;
const BUFFER_BYTES: usize = 65_536;
/// Longest a single attempt to connect may take.
const DIAL_MAX: Duration = Duration::from_secs(5);
/// Shortest wait that a socket takes.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No logon came about in time.
    #[error(
        "no session at {address} in time ({reason}): check the address and that the venue runs, then try again"
    )]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// What the last attempt met.
        reason: String,
    },
    /// A query was not answered in time.
    #[error("no answer in time: ask again")]
    Deadline,
    /// Connecting again cannot help.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The request was not taken.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The venue refused a query.
    #[error("the venue refuses the query: {code}{}", codes::name(*code).map_or_else(String::new, |name| format!(" {name}")))]
    Refused {
        /// Wire error code.
        code: u16,
    },
    /// The saved state is of another key, tag or kind.
    #[error(
        "the saved state belongs to another session: give the key, tag and kind it was saved with, or remove it"
    )]
    OtherSession,
    /// The system gives no random octets.
    #[error("the system gives no random octets: {0}")]
    Random(getrandom::Error),
}

/// Why an exchange ended a connection.
#[derive(Debug)]
enum Broken {
    Io(io::Error),
    Fault(Fault),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A query under way.
#[derive(Debug)]
struct Asked {
    rows: Rows,
    is_complete: bool,
    refused: Option<u16>,
}

/// A session and its connection.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    session: Session,
    stream: Option<TcpStream>,
    clock: WallClock,
    /// How long a call may take.
    patience: Duration,
    back_off: BackOff,
    buffer: Box<[u8]>,
    kept: VecDeque<Incoming>,
    dropped: u64,
    asked: Option<Asked>,
    reason: String,
}

impl Connection {
    /// Connects and logs on. Every later call may take `patience` too.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when there was no logon in time; a final [`Fault`].
    pub fn connect(
        address: SocketAddr,
        terms: SessionTerms,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        Self::take_up(address, terms, None, patience)
    }

    /// Connects and logs on with a session's saved state.
    ///
    /// # Errors
    /// As [`Self::connect`]; [`ClientError::OtherSession`].
    pub fn take_up(
        address: SocketAddr,
        terms: SessionTerms,
        resume: Option<&Resume>,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        if resume.is_some_and(|resume| !resume.is_of(&terms)) {
            return Err(ClientError::OtherSession);
        }
        let mut connection = Self {
            address,
            session: Session::new(terms, resume),
            stream: None,
            clock: WallClock::default(),
            patience,
            back_off: BackOff::new(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            kept: VecDeque::new(),
            dropped: 0,
            asked: None,
            reason: "no attempt was made".to_owned(),
        };
        let deadline = connection.deadline(patience);
        connection.stand(deadline)?;
        Ok(connection)
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// What to save so that another process can go on from here.
    #[must_use]
    pub fn resume(&self) -> Option<Resume> {
        self.session.resume()
    }

    /// Events dropped because nobody took them.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes a request and returns at once; it is written with the next call that waits.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn submit(&mut self, request: impl Into<Request>) -> Result<Ticket, SendError> {
        let now = self.clock.now();
        self.session.send(request.into(), now)
    }

    /// Waits for a request's last word. [`Answered::Unknown`] says that there was none in time: wait again, and do not
    /// send the same wish under a new number before.
    ///
    /// # Errors
    /// A final [`Fault`]; the request is then unknown.
    pub fn wait(&mut self, ticket: Ticket) -> Result<Answered, ClientError> {
        let deadline = self.deadline(self.patience);
        loop {
            let standing = self.session.standing(ticket).unwrap_or(Answered::Unknown);
            if standing.is_settled() {
                return Ok(standing);
            }
            if self.clock.now() >= deadline {
                return Ok(Answered::Unknown);
            }
            self.turn(deadline)?;
        }
    }

    /// Sends a request and waits for its last word, as [`Self::wait`] does.
    ///
    /// # Errors
    /// [`SendError`]; a final [`Fault`].
    pub fn request(&mut self, request: impl Into<Request>) -> Result<Answered, ClientError> {
        let ticket = self.submit(request)?;
        self.wait(ticket)
    }

    /// The next thing that came in; `None` when nothing did in time.
    ///
    /// # Errors
    /// A final [`Fault`].
    pub fn next_event(&mut self, timeout: Duration) -> Result<Option<Incoming>, ClientError> {
        let deadline = self.deadline(timeout);
        loop {
            if let Some(incoming) = self.kept.pop_front() {
                return Ok(Some(incoming));
            }
            self.turn(deadline)?;
            if self.kept.is_empty() && self.clock.now() >= deadline {
                return Ok(None);
            }
        }
    }

    /// Asks a query; anew where the connection breaks before the answer is complete.
    ///
    /// # Errors
    /// [`ClientError::Deadline`]; [`ClientError::Refused`] where the venue gives no answer; a final [`Fault`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is asked anew where the connection breaks; nobody asks twice"
    )]
    pub fn query(&mut self, query: Query) -> Result<Answer, ClientError> {
        let deadline = self.deadline(self.patience);
        loop {
            self.stand(deadline)?;
            let now = self.clock.now();
            if let Some(query_id) = self.session.ask(query.clone(), now) {
                let rows = Rows::new(query_id);
                self.asked = Some(Asked { rows, is_complete: false, refused: None });
                if let Some(answer) = self.await_answer(deadline)? {
                    return Ok(answer);
                }
            }
        }
    }

    /// The answer to the query under way; `None` when the connection broke.
    fn await_answer(&mut self, deadline: TimeNs) -> Result<Option<Answer>, ClientError> {
        while self.session.phase() == Phase::Active {
            self.turn(deadline)?;
            if let Some(asked) = self.asked.take_if(|asked| asked.is_complete) {
                return Ok(Some(asked.rows.into_answer()));
            }
            if let Some(code) = self.asked.as_ref().and_then(|asked| asked.refused) {
                self.asked = None;
                return Err(ClientError::Refused { code });
            }
            if self.clock.now() >= deadline {
                return Err(ClientError::Deadline);
            }
        }
        Ok(None)
    }

    /// An account's resting orders, or those in one instrument.
    ///
    /// # Errors
    /// As [`Self::query`]; where there are too many for one answer, [`ClientError::Refused`].
    pub fn open_orders(
        &mut self,
        account: AccountId,
        instrument: Option<InstrumentId>,
    ) -> Result<Vec<OpenOrder>, ClientError> {
        Ok(whole(self.query(Query::OpenOrders { account, instrument })?)?.open_orders)
    }

    /// One resting order; `None` where it does not rest.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn order(&mut self, account: AccountId, order: OrderRef) -> Result<Option<OpenOrder>, ClientError> {
        let answer = self.query(Query::Order { account, order })?;
        if answer.code == engine::Reject::UnknownOrder.code() {
            return Ok(None);
        }
        Ok(whole(answer)?.open_orders.pop())
    }

    /// Every instrument.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn instruments(&mut self) -> Result<Vec<InstrumentDef>, ClientError> {
        Ok(whole(self.query(Query::Instruments)?)?.instruments)
    }

    /// The best levels of a book: bids and offers, best first.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn book(
        &mut self,
        instrument: InstrumentId,
        depth: u16,
    ) -> Result<(BookLevels, BookLevels), ClientError> {
        let answer = whole(self.query(Query::Book { instrument, depth })?)?;
        answer.bids.zip(answer.offers).ok_or(ClientError::Refused { code: answer.code })
    }

    /// An account and its positions.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn account(&mut self, account: AccountId) -> Result<(AccountState, Vec<PositionState>), ClientError> {
        let answer = whole(self.query(Query::Account { account })?)?;
        let state = answer.account.ok_or(ClientError::Refused { code: answer.code })?;
        Ok((state, answer.positions))
    }

    /// Ends the session in order; its orders go if `cancel_orders`.
    ///
    /// # Errors
    /// [`ClientError::Deadline`] when the venue did not confirm it; a final [`Fault`].
    pub fn log_out(mut self, cancel_orders: bool) -> Result<Vec<Incoming>, ClientError> {
        let deadline = self.deadline(self.patience);
        loop {
            self.stand(deadline)?;
            let now = self.clock.now();
            self.session.log_out(cancel_orders, now);
            while self.session.phase() == Phase::LoggingOut {
                self.turn(deadline)?;
                if self.clock.now() >= deadline {
                    return Err(ClientError::Deadline);
                }
            }
            if self.session.phase() == Phase::LoggedOut {
                return Ok(self.kept.into());
            }
        }
    }

    fn deadline(&mut self, timeout: Duration) -> TimeNs {
        let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
        TimeNs::new(self.clock.now().get().saturating_add(timeout))
    }

    /// Turns until the session is logged on.
    fn stand(&mut self, deadline: TimeNs) -> Result<(), ClientError> {
        while self.session.phase() != Phase::Active {
            if self.clock.now() >= deadline {
                return Err(ClientError::Unreachable { address: self.address, reason: self.reason.clone() });
            }
            self.turn(deadline)?;
        }
        Ok(())
    }

    /// Connects if need be, writes what is due, takes in what comes until `deadline` or the first of it.
    fn turn(&mut self, deadline: TimeNs) -> Result<(), ClientError> {
        let exchanged = match self.stream.take() {
            None => return self.dial(deadline),
            Some(mut stream) => {
                let exchanged = self.exchange(&mut stream, deadline);
                self.stream = Some(stream);
                exchanged
            }
        };
        self.collect();
        match exchanged {
            Ok(()) => {
                if self.session.phase() == Phase::LoggedOut {
                    self.stream = None;
                }
                Ok(())
            }
            Err(Broken::Io(error)) => {
                self.break_off(error.to_string());
                Ok(())
            }
            Err(Broken::Fault(fault)) => {
                self.break_off(fault.to_string());
                if fault.is_final() { Err(fault.into()) } else { Ok(()) }
            }
        }
    }

    fn break_off(&mut self, reason: String) {
        self.stream = None;
        self.session.disconnected();
        self.reason = reason;
        self.back_off.failed(self.clock.now());
    }

    fn dial(&mut self, deadline: TimeNs) -> Result<(), ClientError> {
        let due = self.back_off.due().min(deadline);
        loop {
            let pause = due.get().saturating_sub(self.clock.now().get());
            if pause == 0 {
                break;
            }
            // May return early; the clock decides.
            thread::park_timeout(Duration::from_nanos(pause));
        }
        let left = Duration::from_nanos(deadline.get().saturating_sub(self.clock.now().get()));
        if left.is_zero() {
            return Ok(());
        }
        let dialled = TcpStream::connect_timeout(&self.address, left.min(DIAL_MAX))
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        match dialled {
            Ok(stream) => {
                let mut nonce = [0; 32];
                getrandom::fill(&mut nonce).map_err(ClientError::Random)?;
                self.session.connected(self.clock.now(), nonce);
                self.stream = Some(stream);
            }
            Err(error) => self.break_off(error.to_string()),
        }
        Ok(())
    }

    fn exchange(&mut self, stream: &mut TcpStream, deadline: TimeNs) -> Result<(), Broken> {
        self.session.tick(self.clock.now())?;
        stream.set_write_timeout(Some(self.patience.max(WAIT_MIN)))?;
        let due = self.session.output();
        stream.write_all(due)?;
        self.session.wrote(due.len());
        let until = self.session.next_tick().unwrap_or(deadline).min(deadline);
        let wait = Duration::from_nanos(until.get().saturating_sub(self.clock.now().get()));
        stream.set_read_timeout(Some(wait.max(WAIT_MIN)))?;
        match stream.read(&mut self.buffer) {
            Ok(0) => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(read) => {
                let now = self.clock.now();
                Ok(self.session.receive(&self.buffer[..read], now)?)
            }
            Err(error) => {
                let kind = error.kind();
                let in_vain =
                    [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut, io::ErrorKind::Interrupted];
                if in_vain.contains(&kind) { Ok(()) } else { Err(error.into()) }
            }
        }
    }

    /// Takes over what came in.
    fn collect(&mut self) {
        while let Some(incoming) = self.session.next_incoming() {
            match (&incoming, &mut self.asked) {
                (Incoming::LoggedOn(_), _) => self.back_off.succeeded(),
                (Incoming::Answer(row), Some(asked)) => {
                    asked.is_complete |= asked.rows.take(row);
                    continue;
                }
                (Incoming::Refused(reject), Some(asked)) => {
                    asked.refused = Some(reject.code);
                    continue;
                }
                (
                    Incoming::Answer(_)
                    | Incoming::Refused(_)
                    | Incoming::Event(_)
                    | Incoming::Settled { .. }
                    | Incoming::GapFill { .. }
                    | Incoming::LoggedOut,
                    _,
                ) => {}
            }
            if self.kept.len() >= KEPT_MAX {
                let _oldest = self.kept.pop_front();
                self.dropped += 1;
            }
            self.kept.push_back(incoming);
        }
    }
}

/// An answer that is all of it.
fn whole(answer: Answer) -> Result<Answer, ClientError> {
    if answer.code == 0 { Ok(answer) } else { Err(ClientError::Refused { code: answer.code }) }
}
