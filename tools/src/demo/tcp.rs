//! The demonstration over TCP: a venue on loopback, a session for every account, one of the operator and one of the
//! oracle, all driven from here.
//!
//! Invariant: an account's first command goes out after the operator's answer to its opening, and every command after the
//! answers to what the operator was asked before it. Events reach the flow in the venue's order as far as it is known: up
//! to the newest command before which everything is answered.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use engine::{Action, ClientOrderId, Command, Event, KeyTerms, TimeNs};
use gateway::client::{Incoming, Key, Many, Request, SessionTerms};
use gateway::clock::WallClock;
use gateway::door::{Allowance, DoorConfig};
use gateway::log::LogOptions;
use gateway::process::Config;
use gateway::serve::{self, ServeConfig};
use gateway::wire::types::{CodMode, SessionKind};
use hdrhistogram::Histogram;
use risk::AccountId;

use super::acks::Acks;
use super::drive::WINDOW;
use super::heard::Heard;
use super::tally::latencies;
use super::translate::{Route, engine_seq, event, request, route};
use super::{DemoError, Live, Options, SEGMENT_BYTES};
use crate::flow::Flow;
use crate::interrupt::Interrupt;
use crate::load::venue::registration;
use crate::progress::{Progress, say};

/// Progress is shown once per so many commands.
const SHOW_INTERVAL: u64 = 1024;
/// Longest wait for anything the venue owes.
const PATIENCE_NS: u64 = 30_000_000_000;
/// Commands between two looks at what has come.
const SENDS_PER_LOOK: u64 = 8;
/// One turn waits this long for something to come.
const TURN: Duration = Duration::from_millis(1);
/// Nobody here is too fast.
const UNLIMITED: Allowance = Allowance { capacity: 1_000_000, rate: 1_000_000_000 };
/// Octets of frames kept per session.
const RING_BYTES: usize = 1 << 20;

/// A request on its way.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// Its place among the requests of the demonstration.
    place: u64,
    sent: TimeNs,
}

/// The sessions, and what is on its way.
struct Floor {
    many: Many,
    address: SocketAddr,
    admin: usize,
    oracle: usize,
    /// Links of accounts.
    accounts: BTreeMap<AccountId, usize>,
    /// Keys that are registered and have no link yet.
    keys: BTreeMap<AccountId, Key>,
    /// Numbers of orders: the flow's and the session's.
    wire_names: BTreeMap<ClientOrderId, ClientOrderId>,
    flow_names: BTreeMap<(usize, ClientOrderId), ClientOrderId>,
    waiting: BTreeMap<(usize, u64), Waiting>,
    /// Of those, the operator's.
    admin_waiting: u64,
    /// Requests sent.
    sent: u64,
    /// Everything before this place is answered.
    answered: u64,
    /// Answered behind that, and by which of the venue's sequences.
    ahead: BTreeMap<u64, u64>,
    /// Highest sequence of the answers before `answered`.
    settled_seq: u64,
    /// Events the flow was not told yet, by sequence and arrival.
    events: BTreeMap<(u64, u64), Event>,
    arrivals: u64,
    /// The sequence of each link's last event.
    last_seq: BTreeMap<usize, u64>,
    highest_seq: u64,
    source_seq: u64,
    heard: Heard,
    /// Sessions that ended in order.
    out: usize,
    latency_ns: Histogram<u64>,
    last_seen: TimeNs,
    acks: Option<Acks>,
}

/// Plays the flow at a venue of our own; what came of it.
///
/// # Errors
/// [`DemoError`].
pub(super) fn play(
    flow: &mut dyn Flow,
    options: &Options,
    directory: &Path,
    interrupt: &Interrupt,
) -> Result<Live, DemoError> {
    let mut config = Config::new(directory.to_owned(), flow.capacity());
    config.log = LogOptions { segment_bytes: SEGMENT_BYTES, durability: options.durability };
    config.layout = options.layout;
    let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let door = DoorConfig { requests: UNLIMITED, queries: UNLIMITED, ..DoorConfig::default() };
    let serve_config = ServeConfig { listen, door, ring_bytes: RING_BYTES };
    let (admin, oracle) = (Key::generate()?, Key::generate()?);
    let opening =
        [(&admin, SessionKind::Admin), (&oracle, SessionKind::Oracle)].map(|(key, kind)| opening(key, kind));
    let served = serve::start(&config, &serve_config, &opening, WallClock::default())?;
    if let Some(notice) = served.notice() {
        say(&format!("note: {notice}"));
    }
    let acks = options.acks.as_deref().map(Acks::open).transpose()?;
    let played = Floor::open(served.address(), admin, oracle, acks).and_then(|mut floor| {
        let started = floor.many.now();
        let interrupted = floor.play(flow, interrupt)?;
        floor.close()?;
        Ok((floor, started, interrupted))
    });
    // Whatever came of it, the venue ends in order; its own failure explains more than a session's.
    let conclusion = served.stop().map_err(DemoError::Venue)?;
    let (floor, started, interrupted) = played?;
    Ok(Live {
        tally: None,
        latency_ns: floor.latency_ns,
        last_seen: floor.last_seen,
        conclusion,
        started,
        interrupted,
        heard: Some(floor.heard),
        sessions: floor.accounts.len() + 2,
    })
}

fn opening(key: &Key, kind: SessionKind) -> Command {
    let terms = KeyTerms {
        public: key.public(),
        account: AccountId::new(0),
        kinds: 1 << kind as u8,
        expires: TimeNs::new(0),
    };
    Command::venue(Action::RegisterKey { key: key.id(), terms: Box::new(terms) })
}

fn terms(key: Key, kind: SessionKind) -> SessionTerms {
    SessionTerms { cod: CodMode::Off, heartbeat_ms: 10_000, ..SessionTerms::new(key, kind) }
}

impl Floor {
    fn open(address: SocketAddr, admin: Key, oracle: Key, acks: Option<Acks>) -> Result<Self, DemoError> {
        let mut many = Many::new().map_err(DemoError::Poll)?;
        let admin = many.add(address, terms(admin, SessionKind::Admin), None);
        let oracle = many.add(address, terms(oracle, SessionKind::Oracle), None);
        let last_seen = many.now();
        let mut floor = Self {
            many,
            address,
            admin,
            oracle,
            accounts: BTreeMap::new(),
            keys: BTreeMap::new(),
            wire_names: BTreeMap::new(),
            flow_names: BTreeMap::new(),
            waiting: BTreeMap::new(),
            admin_waiting: 0,
            sent: 0,
            answered: 0,
            ahead: BTreeMap::new(),
            settled_seq: 0,
            events: BTreeMap::new(),
            arrivals: 0,
            last_seq: BTreeMap::new(),
            highest_seq: 0,
            source_seq: 0,
            heard: Heard::default(),
            out: 0,
            latency_ns: latencies(),
            last_seen,
            acks,
        };
        floor.wait_until(|floor| floor.many.is_standing())?;
        Ok(floor)
    }

    /// Plays the flow to its end, or until interrupted; whether it was interrupted.
    fn play(&mut self, flow: &mut dyn Flow, interrupt: &Interrupt) -> Result<bool, DemoError> {
        let mut held = self.set_up(flow)?;
        let mut progress = Progress::start("orders", Some(flow.progress().1));
        let mut commands = 0_u64;
        while !interrupt.is_asked() {
            self.wait_until(|floor| floor.sent - floor.answered < WINDOW)?;
            self.tell(flow);
            let Some(command) = held.take().map_or_else(|| flow.next_command(), |held| Ok(Some(held)))?
            else {
                break;
            };
            self.send(&command)?;
            commands += 1;
            if commands.is_multiple_of(SENDS_PER_LOOK) {
                let _came = self.turn(Duration::ZERO)?;
            }
            if commands.is_multiple_of(SHOW_INTERVAL) {
                progress.at(flow.progress().0, flow.phase());
            }
        }
        progress.finish();
        Ok(interrupt.is_asked())
    }

    /// Sends what the operator and the oracle have to do before the first order, then connects every account; the
    /// command that comes after.
    fn set_up(&mut self, flow: &mut dyn Flow) -> Result<Option<Command>, DemoError> {
        let mut settings = Vec::new();
        let mut next = None;
        while let Some(command) = flow.next_command()? {
            match command.action {
                Action::SetLeverage { .. } => settings.push(command),
                Action::NewOrder(_)
                | Action::CancelOrder(_)
                | Action::AmendOrder(_)
                | Action::MassCancel(_)
                | Action::AdvancedOrder(_)
                | Action::OrderBatch(_)
                | Action::MassQuote(_)
                | Action::AmendTrigger(_)
                | Action::SetProtection(_)
                | Action::ResetProtection { .. } => {
                    next = Some(command);
                    break;
                }
                Action::IndexPrice { .. }
                | Action::Continue
                | Action::Tick
                | Action::OpenSession { .. }
                | Action::OpenAccount { .. }
                | Action::Deposit(_)
                | Action::Withdraw(_)
                | Action::DefineInstrument { .. }
                | Action::SetTradingState { .. }
                | Action::RegisterKey { .. }
                | Action::RevokeKey { .. }
                | Action::Logon(_)
                | Action::Logoff { .. }
                | Action::SessionLost { .. }
                | Action::Skip(_)
                | Action::CancelAllAfter { .. }
                | Action::SetOwnerGroup { .. }
                | Action::ScheduleMargin { .. }
                | Action::CancelMargin { .. }
                | Action::DefineFeeTier { .. }
                | Action::SetFeeTier { .. }
                | Action::SetMarginMode { .. }
                | Action::MoveMargin { .. }
                | Action::TransferBetween { .. }
                | Action::DefineAsset { .. }
                | Action::SetDebtTerms { .. }
                | Action::SetRiskGroup { .. }
                | Action::AssignRiskGroup { .. }
                | Action::Deleverage(_)
                | Action::SetGroupRestriction { .. }
                | Action::SuspendKey { .. }
                | Action::SetLimits { .. }
                | Action::StartAuction { .. }
                | Action::Restarted { .. }
                | Action::Settle { .. }
                | Action::SetIndexSource { .. }
                | Action::SetRestriction { .. } => {
                    self.wait_until(|floor| floor.sent - floor.answered < WINDOW)?;
                    self.send(&command)?;
                }
            }
        }
        self.connect()?;
        for command in settings {
            self.wait_until(|floor| floor.sent - floor.answered < WINDOW)?;
            self.send(&command)?;
        }
        Ok(next)
    }

    /// Connects every account that was opened since.
    fn connect(&mut self) -> Result<(), DemoError> {
        self.wait_until(|floor| floor.admin_waiting == 0)?;
        for (account, key) in std::mem::take(&mut self.keys) {
            let link = self.many.add(self.address, terms(key, SessionKind::OrderEntry), None);
            self.accounts.insert(account, link);
        }
        self.wait_until(|floor| floor.many.is_standing())
    }

    fn send(&mut self, command: &Command) -> Result<(), DemoError> {
        let link = match route(&command.action) {
            Route::Nobody => return Ok(()),
            // An index price counts for what comes after it, whoever sends that: it is named, not waited for.
            Route::Oracle => {
                self.wait_for_definitions()?;
                self.oracle
            }
            Route::Admin => self.admin,
            Route::Account(account) => {
                if self.keys.contains_key(&account) {
                    self.connect()?;
                }
                self.wait_until(|floor| floor.admin_waiting == 0)?;
                *self.accounts.get(&account).ok_or(DemoError::NoSession(account))?
            }
        };
        self.source_seq += 1;
        let names = &self.wire_names;
        let Some(wish) = request(&command.action, |number| names.get(&number).copied(), self.source_seq)
        else {
            return Ok(());
        };
        let name = self.post(link, wish)?;
        if let Action::NewOrder(_) = command.action {
            self.wire_names.insert(command.client_order_id, name);
            self.flow_names.insert((link, name), command.client_order_id);
        }
        if let Action::OpenAccount { account } = command.action {
            let key = Key::generate()?;
            let wish = registration(&key, account, &[SessionKind::OrderEntry]);
            self.keys.insert(account, key);
            let _name = self.post(self.admin, wish.into())?;
        }
        Ok(())
    }

    /// A price needs its instrument.
    fn wait_for_definitions(&mut self) -> Result<(), DemoError> {
        self.wait_until(|floor| floor.admin_waiting == 0)
    }

    /// Sends a request; its name.
    fn post(&mut self, link: usize, wish: Request) -> Result<ClientOrderId, DemoError> {
        let sent = self.many.now();
        let ticket = self.many.send(link, wish)?;
        self.waiting.insert((link, ticket.seq_no.get()), Waiting { place: self.sent, sent });
        self.admin_waiting += u64::from(link == self.admin);
        self.sent += 1;
        self.many.flush();
        Ok(ticket.cl_ord_id)
    }

    /// Turns until something is so.
    fn wait_until(&mut self, is_so: impl Fn(&Self) -> bool) -> Result<(), DemoError> {
        let mut deadline = None;
        while !is_so(self) {
            if self.turn(TURN)? > 0 {
                deadline = None;
                continue;
            }
            let now = self.many.now().get();
            if now >= *deadline.get_or_insert(now.saturating_add(PATIENCE_NS)) {
                return Err(DemoError::Silent);
            }
            self.check_faults()?;
        }
        Ok(())
    }

    fn check_faults(&self) -> Result<(), DemoError> {
        let fault = (0..self.many.len()).find_map(|link| self.many.fault(link));
        fault.map_or(Ok(()), |fault| Err(DemoError::Session(fault.clone())))
    }

    fn turn(&mut self, timeout: Duration) -> Result<usize, DemoError> {
        let mut came = Vec::new();
        self.many.turn(timeout, |link, incoming| came.push((link, incoming))).map_err(DemoError::Poll)?;
        if came.is_empty() {
            return Ok(0);
        }
        self.last_seen = self.many.now();
        let count = came.len();
        for (link, incoming) in came {
            self.see(link, incoming);
        }
        if let Some(acks) = &mut self.acks {
            acks.note(engine::Seq::new(self.highest_seq))?;
        }
        Ok(count)
    }

    fn see(&mut self, link: usize, incoming: Incoming) {
        match incoming {
            Incoming::Event(told) => {
                if let Some(message) = &told.message {
                    self.learn(link, message);
                }
            }
            Incoming::Settled { ticket, .. } => {
                let Some(waiting) = self.waiting.remove(&(link, ticket.seq_no.get())) else { return };
                self.admin_waiting -= u64::from(link == self.admin);
                let latency = self.last_seen.get().saturating_sub(waiting.sent.get());
                self.latency_ns.saturating_record(latency);
                self.ahead.insert(waiting.place, self.last_seq.get(&link).copied().unwrap_or(0));
                while let Some(seq) = self.ahead.remove(&self.answered) {
                    self.answered += 1;
                    self.settled_seq = self.settled_seq.max(seq);
                }
            }
            Incoming::GapFill { from, to, .. } => self.heard.missed += to - from + 1,
            Incoming::LoggedOut => self.out += 1,
            Incoming::LoggedOn(_) | Incoming::Answer(_) | Incoming::Refused(_) => {}
        }
    }

    fn learn(&mut self, link: usize, message: &gateway::wire::private::FromVenue) {
        self.heard.hear(message);
        let seq = engine_seq(message).map_or(0, engine::Seq::get);
        self.last_seq.insert(link, seq);
        self.highest_seq = self.highest_seq.max(seq);
        let names = &self.flow_names;
        let flow_name = |name: ClientOrderId| names.get(&(link, name)).copied().unwrap_or_default();
        if let Some(event) = event(message, flow_name) {
            self.arrivals += 1;
            self.events.insert((seq, self.arrivals), event);
        }
    }

    /// Tells the flow what it has not been told, as far as the order is known.
    fn tell(&mut self, flow: &mut dyn Flow) {
        while let Some(first) = self.events.first_entry()
            && first.key().0 <= self.settled_seq
        {
            flow.learn(&first.remove());
        }
    }

    /// Waits for every answer, then ends every session in order: what it was to be told comes before its end.
    fn close(&mut self) -> Result<(), DemoError> {
        self.wait_until(|floor| floor.waiting.is_empty())?;
        for link in 0..self.many.len() {
            self.many.log_out(link, false);
        }
        self.wait_until(|floor| floor.out == floor.many.len())
    }
}
