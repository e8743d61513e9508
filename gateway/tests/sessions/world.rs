//! One world: a server, its clients, the network between them, and what goes wrong.

use engine::{Action, Command, KeyTerms, TimeNs, Transfer};
use gateway::client::{Fault, Key, Phase, SessionTerms};
use gateway::door::{Allowance, DoorConfig, RING_BYTES_MIN, Standing};
use gateway::wire::types::{CodMode, Permissions, SessionKind, TermCode};
use risk::{AccountId, FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Tier};

use crate::network::{self, Wire};
use crate::requests::{self, FIRST_ACCOUNT, HOME, TICK};
use crate::rng::Rng;
use crate::server::Server;
use crate::tally::Tally;
use crate::trader::Trader;

const MS: u64 = 1_000_000;
const STEPS: u32 = 260;
/// Octets on their way to a client beyond which its socket takes no more.
const SOCKET_BYTES: usize = 2_000;
/// A quiet world settles well within this many steps of 10 ms.
const STEPS_TO_SETTLE: u32 = 2_000;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) traders: Vec<Trader>,
    rng: Rng,
    now: TimeNs,
    wires: Vec<Option<Wire>>,
    accounts: u32,
    is_perfect: bool,
    tally: Tally,
}

fn spec() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::new(0), rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: *b"WIRE\0\0\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(TICK),
        lot: Qty::new(1),
        price_max: Price::new(4 * HOME),
        order_qty_max: Qty::new(400),
        position_max: Qty::new(20_000),
        open_interest_max: Qty::new(1_000_000),
        price_band: Rate::new(50_000_000),
        market_collar: Rate::new(10_000_000),
        mark_step_max: Rate::new(50_000_000),
        maker_fee: FeeRate::new(-50_000),
        taker_fee: Rate::new(500_000),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: tier(20_000_000),
        maintenance_tiers: tier(10_000_000),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

fn config(rng: &mut Rng) -> DoorConfig {
    let small = |rng: &mut Rng, high: u64| u32::try_from(1 + rng.below(high)).expect("small");
    DoorConfig {
        read_quota: small(rng, 12),
        proofs_per_round: small(rng, 4),
        requests: Allowance { capacity: 4 + small(rng, 30), rate: 100 + small(rng, 900) },
        queries: Allowance { capacity: 1 + small(rng, 9), rate: 100 },
        tick_ms: 5 + small(rng, 60),
        ..DoorConfig::default()
    }
}

/// Who there is: for every account one or more traders, some read copies; an operator; an oracle.
fn traders(rng: &mut Rng, accounts: u32) -> Vec<Trader> {
    let cods = [CodMode::Off, CodMode::CancelAll, CodMode::KeepProtection];
    let terms = |rng: &mut Rng, key: &Key, tag: u32, kind: SessionKind| SessionTerms {
        key: key.clone(),
        tag,
        kind,
        cod: cods[rng.index(3)],
        cod_grace_ms: u32::try_from(rng.below(400)).expect("small"),
        heartbeat_ms: 100 + u32::try_from(rng.below(400)).expect("small"),
    };
    let mut traders = Vec::new();
    for number in 0..accounts {
        let account = AccountId::new(FIRST_ACCOUNT + number);
        let key = Key::from_secret(rng.octets());
        for tag in 0..=u32::from(rng.once_in(2)) + u32::from(rng.once_in(4)) {
            traders.push(Trader::new(terms(rng, &key, tag, SessionKind::OrderEntry), account));
        }
        if rng.once_in(3) {
            traders.push(Trader::new(terms(rng, &key, 0, SessionKind::DropCopy), account));
        }
    }
    for kind in [SessionKind::Admin, SessionKind::Oracle] {
        let key = Key::from_secret(rng.octets());
        traders.push(Trader::new(terms(rng, &key, 9, kind), AccountId::new(0)));
    }
    traders
}

fn genesis(traders: &[Trader], accounts: u32) -> Vec<Command> {
    let mut actions = Vec::new();
    for instrument in [0, 1].map(InstrumentId::new) {
        actions.push(Action::DefineInstrument { instrument, spec: Box::new(spec()) });
        actions.push(Action::index_price(instrument, Mark::new(HOME * 1_024)));
    }
    for number in 0..accounts {
        let account = AccountId::new(FIRST_ACCOUNT + number);
        actions.push(Action::OpenAccount { account });
        // Little enough for a far mark to bring some below maintenance.
        actions.push(Action::Deposit(Transfer::new(account, Money::new(4_000_000))));
    }
    let mut known = Vec::new();
    for trader in traders {
        let key = trader.terms.key.id();
        if known.contains(&key) {
            continue;
        }
        known.push(key);
        let kinds = [SessionKind::OrderEntry, SessionKind::DropCopy, SessionKind::Admin, SessionKind::Oracle];
        let kinds = match trader.terms.kind {
            SessionKind::OrderEntry | SessionKind::DropCopy => &kinds[..2],
            SessionKind::Admin => &kinds[2..3],
            SessionKind::Oracle | SessionKind::MarketData => &kinds[3..],
        };
        let terms = KeyTerms {
            public: trader.terms.key.public(),
            account: trader.account,
            kinds: kinds.iter().map(|kind| u32::from(Permissions::of(*kind))).sum(),
            expires: TimeNs::default(),
        };
        actions.push(Action::RegisterKey { key, terms: Box::new(terms) });
    }
    actions.into_iter().map(Command::venue).collect()
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let now = TimeNs::new(1_700_000_000_000_000_000);
        let accounts = 2 + u32::from(rng.once_in(2));
        let traders = traders(&mut rng, accounts);
        let config = config(&mut rng);
        let server = Server::new(config, RING_BYTES_MIN, genesis(&traders, accounts), rng.octets(), now);
        let tally = Tally { sessions: traders.len() as u64, ..Tally::default() };
        let wires = Vec::new();
        Self { server, traders, rng, now, wires, accounts, is_perfect: false, tally }
    }

    /// Everything goes wrong.
    pub(crate) fn run(&mut self) {
        for _ in 0..STEPS {
            for at in 0..self.traders.len() {
                self.act(at);
            }
            self.step();
            if self.rng.once_in(90) {
                self.crash();
            }
        }
    }

    /// Nothing goes wrong any more, until everybody knows everything.
    pub(crate) fn settle(&mut self) {
        self.is_perfect = true;
        // A frame that was lost whole shows by the next one only; no stream loses one and goes on.
        (0..self.traders.len()).for_each(|at| self.hang_up(at));
        for _ in 0..STEPS_TO_SETTLE {
            for at in 0..self.traders.len() {
                self.stand(at);
            }
            self.step();
            if self.is_settled() {
                return;
            }
        }
        let stand = |trader: &Trader| {
            let open: Vec<_> = trader.session.open().collect();
            (trader.session_id, trader.session.phase(), trader.session.next_expected(), open)
        };
        let stands: Vec<_> = self.traders.iter().map(stand).collect();
        panic!("the world does not settle: {stands:?}, {:?}", self.server.door.stats());
    }

    fn is_settled(&self) -> bool {
        let knows = |trader: &Trader| {
            let session = &trader.session;
            let venue = trader.session_id.and_then(|id| u32::try_from(id).ok()).map(engine::SessionId::new);
            let venue = venue.and_then(|id| self.server.door.projection().session(id));
            session.phase() == Phase::Active
                && session.unsettled() == 0
                && venue.is_some_and(|venue| venue.next_number() == session.next_expected())
        };
        self.server.is_idle() && self.traders.iter().all(knows)
    }

    pub(crate) fn tally(&self) -> Tally {
        let mut tally = self.tally;
        tally.count(self.server.door.stats());
        tally.duplicates = self.traders.iter().map(|trader| trader.session.duplicates()).sum();
        tally.requests = self.traders.iter().map(|trader| trader.sent.len() as u64).sum();
        tally.commands = self.server.log.len() as u64;
        tally
    }

    fn dial(&mut self, at: usize) {
        let Ok(id) = self.server.door.open(self.now) else { return };
        self.wires.push(Some(Wire::new(id)));
        self.tally.connections += 1;
        let trader = &mut self.traders[at];
        trader.link = Some(self.wires.len() - 1);
        trader.session.connected(self.now, self.rng.octets());
    }

    /// A trader leaves its connection: the network may go on delivering what is on its way.
    fn hang_up(&mut self, at: usize) {
        let trader = &mut self.traders[at];
        trader.session.disconnected();
        if let Some(wire) = trader.link.take().and_then(|link| self.wires[link].as_mut()) {
            wire.close_client(&mut self.rng);
        }
        let pause = if self.rng.once_in(8) { 800 } else { 40 };
        self.traders[at].next_dial = TimeNs::new(self.now.get() + self.rng.below(pause) * MS);
    }

    /// Connects where there is no connection.
    fn stand(&mut self, at: usize) {
        let trader = &self.traders[at];
        if trader.link.is_none() && (self.is_perfect || self.now >= trader.next_dial) {
            self.dial(at);
        }
    }

    fn act(&mut self, at: usize) {
        self.stand(at);
        if self.rng.once_in(45) {
            self.hang_up(at);
        } else if self.rng.once_in(120) {
            // Another connection while the former one stands.
            self.traders[at].link = None;
            self.dial(at);
        } else if self.rng.once_in(300) {
            let cancel_orders = self.rng.once_in(2);
            self.traders[at].session.log_out(cancel_orders, self.now);
        } else if self.rng.once_in(150) {
            self.replace_process(at);
        }
        if self.rng.once_in(250) {
            self.traders[at].deaf_for = self.rng.below(250);
        }
        if self.rng.once_in(40) {
            self.traders[at].saved = self.traders[at].session.resume();
        }
        if self.rng.once_in(30) {
            let trader = &mut self.traders[at];
            let query = requests::query(&mut self.rng, trader.account, trader.last_name);
            let _asked = trader.session.ask(query, self.now);
        }
        let burst = if self.rng.once_in(60) { 40 } else { u64::from(self.rng.once_in(3)) };
        for _ in 0..burst {
            let trader = &mut self.traders[at];
            let request = requests::request(
                &mut self.rng,
                trader.terms.kind,
                trader.account,
                self.accounts,
                trader.last_name,
                &mut trader.source_seq,
            );
            if let Some(request) = request {
                trader.send(request, self.now);
            }
        }
    }

    /// The client's process ends and another one takes its place.
    fn replace_process(&mut self, at: usize) {
        self.hang_up(at);
        let trader = &mut self.traders[at];
        match self.rng.below(4) {
            0 => {
                self.tally.states_lost += 1;
                trader.fall_back(None);
            }
            1 => {
                if let Some(saved) = trader.saved.take() {
                    self.tally.states_lost += 1;
                    trader.fall_back(Some(&saved));
                }
            }
            _ => {
                self.tally.client_restarts += 1;
                trader.restart();
            }
        }
    }

    fn crash(&mut self) {
        let kept = self.rng.index(self.server.at_stake() + 1);
        self.tally.crashes += 1;
        self.tally.entries_lost += (self.server.at_stake() - kept) as u64;
        self.tally.count(self.server.door.stats());
        for wire in self.wires.iter_mut().flatten() {
            if !wire.server_closed {
                wire.close_server(&mut self.rng);
            }
        }
        self.server.crash(kept, self.rng.octets());
    }

    fn step(&mut self) {
        let pause = match self.rng.below(24) {
            _ if self.is_perfect => 10,
            0 => self.rng.below(150),
            _ => self.rng.below(5),
        };
        self.now = TimeNs::new(self.now.get() + pause * MS);
        self.speak();
        self.serve();
        self.listen();
    }

    /// What the clients have to say goes onto the wires.
    fn speak(&mut self) {
        for trader in &mut self.traders {
            let Some(wire) = trader.link.and_then(|link| self.wires[link].as_mut()) else { continue };
            if let Err(fault) = trader.session.tick(self.now) {
                end(trader, wire, &fault, &mut self.rng);
                continue;
            }
            let mut written = Vec::new();
            trader.session.take_output(&mut written);
            if self.is_perfect {
                wire.to_server.extend_from_slice(&written);
            } else {
                network::disturb_requests(
                    &written,
                    &mut trader.former_requests,
                    &mut self.rng,
                    &mut wire.to_server,
                );
            }
            if wire.server_closed {
                wire.to_server.clear();
            }
        }
    }

    /// One round of the server.
    fn serve(&mut self) {
        let (rng, now, perfect) = (&mut self.rng, self.now, self.is_perfect);
        self.server.queue.room = if perfect { usize::MAX } else { rng.index(60) };
        for at in 0..self.wires.len() {
            let Some(wire) = self.wires[at].as_mut().filter(|wire| !wire.server_closed) else { continue };
            let came = network::some(&mut wire.to_server, rng, perfect);
            wire.at_server.extend_from_slice(&came);
            if !wire.at_server.is_empty() && self.server.door.wants_read(wire.id) {
                let used = self.server.door.receive(wire.id, &wire.at_server, now, &mut self.server.queue);
                drop(wire.at_server.drain(..used));
            }
            let is_told = wire.client_closed && !wire.is_silent && wire.to_server.is_empty();
            if is_told && (perfect || rng.once_in(4)) {
                self.server.door.peer_closed(wire.id, now);
                wire.close_server(rng);
            }
        }
        // The log falls behind, and catches up now and then.
        let entries = if rng.once_in(12) { rng.index(200) } else { rng.index(6) };
        let (tasks, entries) = if perfect { (usize::MAX, usize::MAX) } else { (rng.index(30), entries) };
        self.server.work(tasks, now);
        self.server.sync(entries);
        self.server.release(now);
        let _work = self.server.door.tick(now, &mut self.server.queue);
        if perfect {
            self.server.work(usize::MAX, now);
            self.server.sync(usize::MAX);
            self.server.release(now);
        }
        self.server.door.drain_ready().for_each(drop);
        self.fill();
    }

    /// What the server has to say goes onto the wires.
    fn fill(&mut self) {
        let (rng, now) = (&mut self.rng, self.now);
        for at in 0..self.wires.len() {
            let Some(wire) = self.wires[at].as_mut().filter(|wire| !wire.server_closed) else { continue };
            let limit = if self.is_perfect { 1 << 20 } else { 64 + rng.index(4_000) };
            let is_full = wire.to_client.len() > SOCKET_BYTES && !self.is_perfect;
            let limit = if is_full { 0 } else { limit };
            let mut written = Vec::new();
            self.server.door.fill(wire.id, &mut written, limit);
            assert!(written.len() <= limit, "{} octets in a room of {limit}", written.len());
            let reader = self.traders.iter_mut().find(|trader| trader.link == Some(at));
            match reader {
                Some(trader) if !self.is_perfect => {
                    network::disturb_events(&written, &mut trader.former_events, rng, &mut wire.to_client);
                }
                Some(_) => wire.to_client.extend_from_slice(&written),
                None => {}
            }
            let is_over = match self.server.door.state(wire.id) {
                Standing::Open => false,
                Standing::CloseAfterFlush => !self.server.door.has_output(wire.id),
                Standing::CloseAt(time) => now >= time,
                Standing::Gone => true,
            };
            if is_over {
                self.server.door.peer_closed(wire.id, now);
                wire.server_closed = true;
            }
        }
    }

    /// The clients take in what has come.
    fn listen(&mut self) {
        for trader in &mut self.traders {
            let Some(link) = trader.link else { continue };
            let Some(wire) = self.wires[link].as_mut() else { continue };
            if trader.deaf_for > 0 && !self.is_perfect {
                trader.deaf_for -= 1;
                continue;
            }
            let came = network::some(&mut wire.to_client, &mut self.rng, self.is_perfect);
            let received = trader.session.receive(&came, self.now);
            let venue = trader.session_id.and_then(|id| u32::try_from(id).ok()).map(engine::SessionId::new);
            let venue = venue.and_then(|id| self.server.door.projection().session(id));
            let oldest = venue.map_or(u64::MAX, gateway::door::LoggedSession::oldest_number);
            trader.take(oldest, &mut self.tally);
            if let Err(fault) = received {
                end(trader, wire, &fault, &mut self.rng);
            } else if trader.session.phase() == Phase::LoggedOut
                || (wire.server_closed && wire.to_client.is_empty())
            {
                trader.session.disconnected();
                trader.link = None;
                wire.close_client(&mut self.rng);
            }
        }
        for wire in &mut self.wires {
            if wire.as_ref().is_some_and(|wire| wire.client_closed && wire.server_closed) {
                *wire = None;
            }
        }
    }
}

/// A fault ends a connection; none may be final but that of a former connection of one's own that came late.
fn end(trader: &mut Trader, wire: &mut Wire, fault: &Fault, rng: &mut Rng) {
    let is_late = matches!(fault, Fault::Terminated { code: Some(TermCode::TakenOver), .. });
    assert!(is_late || !fault.is_final(), "{fault}");
    trader.session.disconnected();
    trader.link = None;
    wire.close_client(rng);
}
