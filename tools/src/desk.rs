//! A desk: one session by hand, for the length of a command.
//!
//! Invariant: a request is saved beside its key before it leaves, so a command that was cut short is finished by the
//! next one, never done twice. The session ends in order, and what rests stays: cancel-on-disconnect is off.

pub mod assets;
pub mod instruments;
pub mod table;
pub mod told;

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use gateway::client::{
    Answer, Answered, ClientError, Connection, Fault, Incoming, Key, Query, Request, Resume, SessionTerms,
    Ticket,
};
use gateway::wire::codes::ErrorCode;
use gateway::wire::private::FromVenue;
use gateway::wire::types::{CodMode, SessionKind};
use serde_json::Value;

use self::instruments::Instruments;
use self::told::{advice, code_name, told};

/// Where a venue listens when not said otherwise.
pub const ADDRESS: &str = "127.0.0.1:7401";
/// How long a connection, a logon or an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// By which key, at which venue.
#[derive(Clone, Debug, Args)]
pub struct Access {
    /// Key file, as `fulcrum keygen` writes it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Address of the venue
    #[arg(long, value_name = "ADDR", env = "FULCRUM_CONNECT", default_value = ADDRESS)]
    pub connect: String,
    /// Which of the key's sessions: orders are known to the session they came by
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub tag: u32,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Why a desk does not open, or a request failed.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The address is none.
    #[error("`{address}` is no address: {reason}; write --connect HOST:PORT")]
    Address {
        /// As given.
        address: String,
        /// What the system said.
        reason: String,
    },
    /// The connection.
    #[error("at {address}: {source}")]
    Connection {
        /// Which venue.
        address: SocketAddr,
        /// What happened.
        source: ClientError,
    },
    /// The saved state belongs to another log.
    #[error("{source}; the saved state is {}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: ClientError,
    },
    /// The key is used by another command.
    #[error("cannot lock {}: {source}", path.display())]
    Lock {
        /// The key file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A query was refused.
    #[error("the venue does not answer: {0}")]
    Unanswered(String),
    /// No last word came in time.
    #[error(
        "no answer within {} s: whether the request was done is unknown; the same command again asks for it first",
        PATIENCE.as_secs()
    )]
    Unknown,
}

/// One session by hand.
#[derive(Debug)]
pub struct Desk {
    connection: Connection,
    /// Every instrument.
    pub instruments: Instruments,
    address: SocketAddr,
    state: Option<PathBuf>,
    /// Held while the desk is open.
    _lock: Option<File>,
    is_json: bool,
}

/// What a request came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Done {
    /// Its last word.
    pub answered: Answered,
    /// What it brought about here, in order.
    pub events: Vec<FromVenue>,
}

/// A path with something appended to its name.
fn beside(key: &Path, suffix: &str) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn kind_word(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::OrderEntry => "orders",
        SessionKind::DropCopy => "copies",
        SessionKind::MarketData => "data",
        SessionKind::Admin => "admin",
        SessionKind::Oracle => "oracle",
    }
}

/// The first address a name stands for.
///
/// # Errors
/// [`DeskError::Address`].
pub fn resolve(address: &str) -> Result<SocketAddr, DeskError> {
    let failed = |reason: String| DeskError::Address { address: address.to_owned(), reason };
    let mut found = address.to_socket_addrs().map_err(|error| failed(error.to_string()))?;
    found.next().ok_or_else(|| failed("nobody has it".to_owned()))
}

impl Desk {
    /// Logs on, finishes what an earlier command left unfinished, and learns the instruments.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn open(access: &Access, kind: SessionKind, output: &mut dyn Write) -> anyhow::Result<Self> {
        let key = Key::read(&access.key)?;
        let address = resolve(&access.connect)?;
        // Two commands with one session would take it from each other. Copies are kept by whoever watches.
        let is_shared = kind == SessionKind::DropCopy;
        let lock = if is_shared { None } else { Some(lock(&access.key)?) };
        let state = beside(&access.key, &format!(".{}-{}", kind_word(kind), access.tag));
        let resume = if is_shared { None } else { Resume::load(&state)? };
        let terms = SessionTerms { tag: access.tag, cod: CodMode::Off, ..SessionTerms::new(key, kind) };
        let connected = Connection::take_up(address, terms, resume.as_ref(), PATIENCE);
        let connection = connected.map_err(|source| match (&source, &resume) {
            (ClientError::Fault(fault), Some(_)) if fault.is_final() => {
                DeskError::State { path: state.clone(), source }
            }
            _ => DeskError::Connection { address, source },
        })?;
        let state = (!is_shared).then_some(state);
        let instruments = Instruments::default();
        let mut desk = Self { connection, instruments, address, state, _lock: lock, is_json: access.json };
        let (defs, assets) = (desk.ask(Query::Instruments)?.instruments, desk.ask(Query::Assets)?.assets);
        desk.instruments = Instruments { defs, assets };
        desk.finish_earlier(resume.is_some(), output)?;
        Ok(desk)
    }

    /// Logs on for questions only, by whatever kind of session the key admits to.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn open_for_questions(access: &Access) -> anyhow::Result<Self> {
        let kinds = [SessionKind::DropCopy, SessionKind::OrderEntry, SessionKind::Admin];
        for kind in kinds {
            match Self::open(access, kind, &mut std::io::sink()) {
                Err(error) if is_forbidden(&error) => {}
                opened => return opened,
            }
        }
        Self::open(access, SessionKind::Oracle, &mut std::io::sink())
    }

    fn failed(&self, source: ClientError) -> DeskError {
        DeskError::Connection { address: self.address, source }
    }

    /// Waits for the last word on requests an earlier command left, and tells what happened since.
    fn finish_earlier(&mut self, tell: bool, output: &mut dyn Write) -> anyhow::Result<()> {
        let open: Vec<Ticket> = self.connection.session().open().collect();
        for ticket in open {
            let answered = self.connection.wait(ticket).map_err(|source| self.failed(source))?;
            self.say(output, "earlier", &format!("request {} {}", ticket.cl_ord_id, in_words(answered)))?;
        }
        while !self.connection.session().is_replayed() {
            if self.tell_one(Duration::from_millis(10), tell.then_some("since"), output)?.is_none() {
                return Err(DeskError::Unknown.into());
            }
        }
        while self.tell_one(Duration::ZERO, tell.then_some("since"), output)?.is_some() {}
        self.save()
    }

    /// Takes in one thing, and tells it with a word before it.
    fn tell_one(
        &mut self,
        timeout: Duration,
        word: Option<&str>,
        output: &mut dyn Write,
    ) -> anyhow::Result<Option<()>> {
        let Some(incoming) = self.connection.next_event(timeout).map_err(|source| self.failed(source))?
        else {
            return Ok(None);
        };
        if let Some(word) = word {
            self.tell(&incoming, word, output)?;
        }
        Ok(Some(()))
    }

    fn tell(&self, incoming: &Incoming, word: &str, output: &mut dyn Write) -> anyhow::Result<()> {
        match incoming {
            Incoming::Event(event) => {
                let said = event.message.as_ref().and_then(|message| told(message, &self.instruments));
                match said {
                    Some(said) if self.is_json => writeln!(output, "{}", Value::from(said))?,
                    Some(said) if word.is_empty() => writeln!(output, "{said}")?,
                    Some(said) => writeln!(output, "{word}: {said}")?,
                    None => {}
                }
            }
            Incoming::GapFill { from, to, .. } => {
                self.say(
                    output,
                    "gap",
                    &format!("events {from} to {to} are no longer kept; look at the account"),
                )?;
            }
            Incoming::LoggedOn(_)
            | Incoming::Settled { .. }
            | Incoming::Answer(_)
            | Incoming::Refused(_)
            | Incoming::LoggedOut => {}
        }
        Ok(())
    }

    fn say(&self, output: &mut dyn Write, word: &str, what: &str) -> anyhow::Result<()> {
        if self.is_json {
            writeln!(output, "{}", serde_json::json!({ "event": word, "what": what }))?;
        } else {
            writeln!(output, "{word}: {what}")?;
        }
        Ok(())
    }

    fn save(&self) -> anyhow::Result<()> {
        if let (Some(path), Some(resume)) = (&self.state, self.connection.resume()) {
            resume.save(path)?;
        }
        Ok(())
    }

    /// Sends a request, saved before it leaves, and waits for its last word and its events.
    ///
    /// # Errors
    /// [`DeskError`]; [`DeskError::Unknown`] when there was no last word in time.
    pub fn request(&mut self, request: impl Into<Request>) -> anyhow::Result<Done> {
        let ticket = self.connection.submit(request)?;
        self.save()?;
        let answered = self.connection.wait(ticket).map_err(|source| self.failed(source))?;
        if !answered.is_settled() {
            return Err(DeskError::Unknown.into());
        }
        let events = self.events_through(ticket)?;
        self.save()?;
        Ok(Done { answered, events })
    }

    /// What came of a request that has its last word: the rest of its command's events is on its way at most.
    fn events_through(&mut self, ticket: Ticket) -> anyhow::Result<Vec<FromVenue>> {
        let mut events = Vec::new();
        let mut is_whole = false;
        loop {
            let timeout = if is_whole { Duration::ZERO } else { Duration::from_secs(1) };
            let Some(incoming) = self.connection.next_event(timeout).map_err(|source| self.failed(source))?
            else {
                return Ok(events);
            };
            if let Incoming::Event(event) = incoming {
                let is_ours = event.prefix.ack_seq_no >= ticket.seq_no.get();
                is_whole |= is_ours && event.prefix.flags.has(gateway::wire::Flags::END_OF_EVENT);
                events.extend(event.message);
            }
        }
    }

    /// Prints what came of a request: its events, or why it was refused. The exit code.
    ///
    /// # Errors
    /// When nothing can be printed.
    pub fn show(&self, done: &Done, output: &mut dyn Write) -> anyhow::Result<u8> {
        for message in &done.events {
            let Some(said) = told(message, &self.instruments) else { continue };
            if self.is_json {
                writeln!(output, "{}", Value::from(said))?;
            } else {
                writeln!(output, "{said}")?;
            }
        }
        let Answered::Rejected { code, short } = done.answered else { return Ok(0) };
        let short =
            short.map_or_else(String::new, |short| format!("{} short: ", self.instruments.money(short)));
        crate::progress::say(&format!("error: refused: {short}{}", in_full(code)));
        Ok(1)
    }

    /// Asks the venue.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn ask(&mut self, query: Query) -> Result<Answer, DeskError> {
        let answer = self.connection.query(query).map_err(|source| self.failed(source))?;
        match answer.code {
            0 => Ok(answer),
            code if code == ErrorCode::QueryTooLarge.code() => {
                crate::progress::say("note: there is more than one answer holds; these are the first");
                Ok(answer)
            }
            code => Err(DeskError::Unanswered(in_full(code))),
        }
    }

    /// Prints what comes until `is_over` says so.
    ///
    /// # Errors
    /// [`DeskError`]; when nothing can be printed.
    pub fn watch(&mut self, is_over: impl Fn() -> bool, output: &mut dyn Write) -> anyhow::Result<()> {
        while !is_over() {
            let wait = Duration::from_millis(200);
            let Some(incoming) = self.connection.next_event(wait).map_err(|source| self.failed(source))?
            else {
                continue;
            };
            self.tell(&incoming, "", output)?;
            output.flush()?;
        }
        Ok(())
    }

    /// Ends the session in order; what rests stays.
    ///
    /// # Errors
    /// [`DeskError`].
    pub fn close(self) -> anyhow::Result<()> {
        let Self { connection, address, state, .. } = self;
        if let (Some(path), Some(resume)) = (&state, connection.resume()) {
            resume.save(path)?;
        }
        let ended = connection.log_out(false);
        ended.map_err(|source| DeskError::Connection { address, source })?;
        Ok(())
    }
}

/// Whether a key does not admit to a kind of session.
fn is_forbidden(error: &anyhow::Error) -> bool {
    let Some(DeskError::Connection { source: ClientError::Fault(fault), .. }) =
        error.downcast_ref::<DeskError>()
    else {
        return false;
    };
    let codes = [ErrorCode::NoPermission.code(), engine::Reject::NoPermission.code()];
    matches!(fault, Fault::LogonRejected { code, .. } if codes.contains(code))
}

/// A code with its name and what to do.
fn in_full(code: u16) -> String {
    advice(code).map_or_else(|| code_name(code), |advice| format!("{}; {advice}", code_name(code)))
}

fn in_words(answered: Answered) -> String {
    match answered {
        Answered::Accepted => "was done".to_owned(),
        Answered::Rejected { code, .. } => format!("was refused: {}", code_name(code)),
        Answered::Sequenced => "was sequenced; its answer is no longer kept".to_owned(),
        Answered::Waiting | Answered::Unknown => "has no answer yet; the next command asks again".to_owned(),
    }
}

fn lock(path: &Path) -> Result<File, DeskError> {
    let failed = |source| DeskError::Lock { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}
