//! kill -9 of `fulcrum serve` under load from several clients, over and over; the clients outlive it and resume.
//!
//! After each kill, before the venue starts again: its log verifies; every request a client was told the outcome of is in
//! it once, with that outcome; what a client was told of its fills is the beginning of what the log says, in order. At
//! the end of a round the venue is asked to stop: every request ever sent is in the log exactly once, every fill was told
//! exactly once, and the digest the venue printed is that of an independent replay.
//!
//! `FULCRUM_SERVE_KILLS=300 cargo test -p tools --test serve_kill -- --nocapture` is the campaign; a failure prints the
//! line that repeats its round. The seed repeats what is sent and when it is killed, not what the scheduler made of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engine::{Action, ClientOrderId, Event, OrderRef, Reject, SessionId};
use gateway::client::{Answered, Incoming, Key, Many, Request, request};
use gateway::clock::Stopwatch;
use gateway::log::RealDisk;
use gateway::outcome::Outcome;
use gateway::replay::replay;
use gateway::wire::private::{FromVenue, NewOrder};
use gateway::wire::types::{SessionKind, Side, Tif};
use risk::{AccountId, Price, Qty};
use tools::flow::random::Random;
use tools::load::venue::{Market, Wanted, set_up, terms};
use tools::serve::admin_key_path;

/// How many kills.
const KILLS: &str = "FULCRUM_SERVE_KILLS";
const KILLS_BY_DEFAULT: u64 = 25;
/// Seed of the first round; the others count up from it.
const SEED: &str = "FULCRUM_SERVE_KILL_SEED";
/// Kills of one directory.
const KILLS_PER_ROUND: u64 = 13;
/// Clients, an account and a session each.
const CLIENTS: u32 = 6;
/// Requests a client has out at most.
const WINDOW: usize = 48;
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
const TURN: Duration = Duration::from_millis(1);

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// What a campaign came upon.
#[derive(Default, Debug)]
struct Figures {
    kills: u64,
    commands: u64,
    requests: u64,
    fills: u64,
    /// Most requests without a last word when the venue was killed.
    unsettled_at_kill: usize,
    /// Requests the log held at a kill whose client had no word of them.
    logged_unheard: u64,
    reconnects: u64,
    torn: u64,
}

#[test]
fn clients_outlive_every_kill_without_a_lost_or_doubled_request() {
    let (first, kills) = (number(SEED, 1), number(KILLS, KILLS_BY_DEFAULT));
    let mut figures = Figures::default();
    let mut left = kills;
    for seed in first.. {
        if left == 0 {
            break;
        }
        let cycles = left.min(KILLS_PER_ROUND);
        left -= cycles;
        let round = catch_unwind(AssertUnwindSafe(|| Round::begin(seed).run(cycles, &mut figures)));
        if let Err(panic) = round {
            println!("repeat with: {SEED}={seed} {KILLS}={cycles} cargo test -p tools --test serve_kill");
            resume_unwind(panic);
        }
    }
    println!("{figures:?}");
    assert!(kills < KILLS_BY_DEFAULT || figures.fills > 100, "hardly anything was traded: {figures:?}");
}

/// The usual configuration, with so long a stage until trading is open again.
fn configured(restart_ms: u32) -> String {
    let usual = Command::new(env!("CARGO_BIN_EXE_fulcrum"))
        .args(["serve", "--print-config"])
        .output()
        .expect("it runs");
    let usual = String::from_utf8(usual.stdout).expect("it is text");
    let lines = usual.lines().map(|line| match line.split_once(" = ") {
        Some((name @ ("cancel_only_ms" | "auction_ms"), _)) => format!("{name} = {restart_ms}\n"),
        Some(_) | None => format!("{line}\n"),
    });
    lines.collect()
}

/// A running `fulcrum serve`.
struct Served {
    child: Child,
    said: PathBuf,
}

impl Served {
    fn start(place: &Path, address: SocketAddr, durability: &str, mode: &str, restart_ms: u32) -> Self {
        let said = place.join("said");
        let config = place.join("venue.toml");
        std::fs::write(&config, configured(restart_ms)).expect("writable");
        let mut child = Command::new(env!("CARGO_BIN_EXE_fulcrum"))
            .args([
                "serve",
                "--durability",
                durability,
                "--mode",
                mode,
                "--listen",
                &address.to_string(),
                "--data",
            ])
            .arg(place.join("log"))
            .arg("--config")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&said).expect("writable"))
            .spawn()
            .expect("the binary was built");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("readable");
        let words = || std::fs::read_to_string(&said).unwrap_or_default();
        assert_eq!(line, format!("listening on {address}\n"), "{}", words());
        Self { child, said }
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// SIGTERM; the digest it prints.
    fn end(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("there is a kill").success());
        let status = self.child.wait().expect("it is our child");
        let said = std::fs::read_to_string(&self.said).expect("readable");
        assert!(status.success(), "{said}");
        let digest =
            said.lines().find_map(|line| line.split_once("state digest ")).expect("it prints its digest").1;
        digest.to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Of no effect on one that has ended.
        let _killed = self.child.kill().is_ok();
        let _waited = self.child.wait().is_ok();
    }
}

/// What one client was told.
#[derive(Default)]
struct Client {
    session: Option<SessionId>,
    sent: u64,
    settled: BTreeMap<u64, Answered>,
    orders: Vec<ClientOrderId>,
    /// Trade, order and whether as maker.
    fills: Vec<(u64, u64)>,
    /// Number of its last event.
    last_event: u64,
    logons: u64,
    is_out: bool,
}

/// What the log says of one session.
#[derive(Default)]
struct Logged {
    /// Outcomes of its requests.
    requests: BTreeMap<u64, Result<(), u16>>,
    fills: Vec<(u64, u64)>,
}

struct Round {
    seed: u64,
    random: Random,
    place: tempfile::TempDir,
    address: SocketAddr,
    durability: &'static str,
    mode: &'static str,
    /// How long each stage takes until trading is open again after a kill; 0 goes on at once.
    restart_ms: u32,
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound")
}

impl Round {
    fn begin(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let durability = if seed.is_multiple_of(2) { "none" } else { "local" };
        let mode = if random.chance(700) { "shared" } else { "dedicated" };
        let restart_ms = if random.chance(500) { 0 } else { 2 };
        let place = tempfile::tempdir().expect("a directory");
        Self { seed, random, place, address: free_address(), durability, mode, restart_ms }
    }

    fn serve(&self) -> Served {
        Served::start(self.place.path(), self.address, self.durability, self.mode, self.restart_ms)
    }

    fn run(mut self, kills: u64, figures: &mut Figures) {
        let mut served = self.serve();
        let admin =
            Key::read(&admin_key_path(&self.place.path().join("log"))).expect("the first start made it");
        let wanted = Wanted {
            sessions: CLIENTS,
            first_account: 100,
            deposit: "100000000".to_owned(),
            instrument: "BTC-PERP".to_owned(),
            price: None,
            oracle: None,
        };
        let (keys, market) = set_up(self.address, admin, &wanted).expect("a new venue takes it");
        let mut floor = Floor::open(self.address, keys, market);
        for _ in 0..kills {
            let span = Duration::from_micros(self.random.below(150_000));
            floor.trade(span, &mut self.random);
            served.kill();
            figures.kills += 1;
            figures.unsettled_at_kill = figures.unsettled_at_kill.max(floor.unsettled());
            self.check(&floor, false, figures);
            served = self.serve();
            floor.resume();
        }
        floor.finish();
        let digest = served.end();
        let replayed = self.check(&floor, true, figures);
        assert_eq!(digest, replayed, "the venue's digest and that of the replay, seed {}", self.seed);
        figures.requests += floor.clients.iter().map(|client| client.sent).sum::<u64>();
        figures.fills += floor.clients.iter().map(|client| client.fills.len() as u64).sum::<u64>();
        figures.reconnects += floor.clients.iter().map(|client| client.logons - 1).sum::<u64>();
    }

    /// Replays the log and compares it with what the clients were told; the digest.
    fn check(&self, floor: &Floor, is_end: bool, figures: &mut Figures) -> String {
        let disk = RealDisk::read_only(&self.place.path().join("log")).expect("it is there");
        let mut sessions: BTreeMap<SessionId, Logged> = BTreeMap::new();
        let replayed = replay(disk, None, |outcome| note(&mut sessions, outcome)).expect("the log verifies");
        let torn = replayed.end.as_ref().is_some_and(|end| end.torn.is_some());
        figures.torn += u64::from(torn);
        figures.commands = figures.commands.max(replayed.commands);
        for client in &floor.clients {
            let Some(session) = client.session else { continue };
            let none = Logged::default();
            let logged = sessions.get(&session).unwrap_or(&none);
            self.check_client(client, logged, is_end);
            figures.logged_unheard += (logged.requests.len() - client.settled.len()) as u64;
        }
        format!("{:032x}", replayed.digest)
    }

    fn check_client(&self, client: &Client, logged: &Logged, is_end: bool) {
        let seed = self.seed;
        for (number, answered) in &client.settled {
            let found = logged.requests.get(number);
            match answered {
                Answered::Accepted => assert_eq!(found, Some(&Ok(())), "request {number}, seed {seed}"),
                Answered::Rejected { code, .. } => {
                    assert_eq!(found, Some(&Err(*code)), "request {number}, seed {seed}");
                }
                Answered::Sequenced => assert!(found.is_some(), "request {number}, seed {seed}"),
                Answered::Waiting | Answered::Unknown => panic!("that is no last word"),
            }
        }
        assert!(
            logged.requests.keys().copied().eq(1..=logged.requests.len() as u64),
            "numbers have holes, seed {seed}"
        );
        assert!(logged.fills.starts_with(&client.fills), "fills told are not those logged, seed {seed}");
        if is_end {
            assert_eq!(logged.requests.len() as u64, client.sent, "requests logged and sent, seed {seed}");
            assert_eq!(client.settled.len() as u64, client.sent, "requests settled and sent, seed {seed}");
            assert_eq!(logged.fills, client.fills, "seed {seed}");
        }
    }
}

fn note(sessions: &mut BTreeMap<SessionId, Logged>, outcome: &Outcome<'_>) {
    let command = outcome.command;
    let reject_of =
        |event: &Event| if let Event::Rejected { reject, .. } = event { Some(*reject) } else { None };
    let rejected = outcome.events.iter().find_map(reject_of);
    let is_counted = !matches!(rejected, Some(Reject::SequenceReplayed | Reject::SequenceGap));
    if command.client_seq.get() > 0 && is_counted {
        let logged = sessions.entry(command.session).or_default();
        let (count, verdict) = if let Action::Skip(skip) = &command.action {
            (u64::from(skip.count), Err(skip.code))
        } else {
            (1, rejected.map_or(Ok(()), |reject| Err(reject.code())))
        };
        let last = command.client_seq.get();
        for number in last + 1 - count..=last {
            assert_eq!(logged.requests.insert(number, verdict), None, "request {number} is logged twice");
        }
    }
    for event in outcome.events {
        if let Event::Fill(fill) = event {
            for side in [&fill.maker, &fill.taker] {
                let logged = sessions.entry(side.session).or_default();
                logged.fills.push((fill.trade.get(), side.order.get()));
            }
        }
    }
}

/// The clients.
struct Floor {
    many: Many,
    clients: Vec<Client>,
    market: Market,
}

impl Floor {
    fn open(address: SocketAddr, keys: Vec<Key>, market: Market) -> Self {
        let mut many = Many::new().expect("the system has a poll");
        let clients = keys.iter().map(|_| Client::default()).collect();
        for key in keys {
            many.add(address, terms(key, SessionKind::OrderEntry), None);
        }
        let mut floor = Self { many, clients, market };
        floor.turn_until(|floor| floor.many.is_standing());
        floor
    }

    fn unsettled(&self) -> usize {
        (0..self.many.len()).map(|link| self.many.session(link).unsettled()).sum()
    }

    /// Waits until every client has found the venue that came after the one it was connected to.
    fn resume(&mut self) {
        let before: Vec<_> = self.clients.iter().map(|client| client.logons).collect();
        self.turn_until(|floor| {
            floor.clients.iter().zip(&before).all(|(client, before)| client.logons > *before)
        });
    }

    /// Sends as fast as the windows let it, whether the venue is there or not.
    fn trade(&mut self, span: Duration, random: &mut Random) {
        let watch = Stopwatch::start();
        while watch.elapsed() < span {
            for link in 0..self.many.len() {
                if self.many.session(link).unsettled() < WINDOW {
                    let request = self.draw(link, random);
                    let is_order = matches!(request, Request::NewOrder(_));
                    let ticket = self.many.send(link, request).expect("there is room");
                    let client = &mut self.clients[link];
                    client.sent += 1;
                    assert_eq!(ticket.seq_no.get(), client.sent, "numbers rise by one");
                    if is_order {
                        client.orders.push(ticket.cl_ord_id);
                    }
                }
            }
            self.turn(Duration::ZERO);
        }
    }

    fn draw(&self, link: usize, random: &mut Random) -> Request {
        let (own, instrument) = (AccountId::new(0), &self.market.instrument);
        let orders = &self.clients[link].orders;
        if !orders.is_empty() && random.chance(300) {
            let order = OrderRef::Client(orders[random.index(orders.len())]);
            return request::cancel(own, instrument.instrument_id, order).into();
        }
        let side = if random.chance(500) { Side::Buy } else { Side::Sell };
        let tick = instrument.tick.get();
        let middle = self.market.mark.floor_price().get();
        let price = Price::new(middle - middle.rem_euclid(tick) + random.between(-10, 10) * tick);
        let qty = Qty::new(random.between(1, 9) * instrument.lot.get());
        let order = request::limit_order(own, instrument.instrument_id, side, qty, price);
        let tif = if random.chance(300) { Tif::IOC } else { Tif::GTC };
        NewOrder { tif: tif.into(), ..order }.into()
    }

    fn turn(&mut self, timeout: Duration) {
        let clients = &mut self.clients;
        let turned = self.many.turn(timeout, |link, incoming| clients[link].see(&incoming));
        turned.expect("the poll works");
        let fault =
            (0..self.many.len()).find_map(|link| self.many.fault(link).filter(|fault| fault.is_final()));
        assert!(fault.is_none(), "{fault:?}");
    }

    fn turn_until(&mut self, is_so: impl Fn(&Self) -> bool) {
        let watch = Stopwatch::start();
        while !is_so(self) {
            self.turn(TURN);
            if watch.elapsed() > PATIENCE {
                let sessions =
                    (0..self.many.len()).map(|link| (self.many.session(link).phase(), self.many.fault(link)));
                panic!(
                    "{} requests without a last word; {:?}",
                    self.unsettled(),
                    sessions.collect::<Vec<_>>()
                );
            }
        }
    }

    /// Waits for every last word, then ends every session in order.
    fn finish(&mut self) {
        self.turn_until(|floor| floor.many.is_standing() && floor.unsettled() == 0);
        for link in 0..self.many.len() {
            self.many.log_out(link, false);
        }
        self.turn_until(|floor| floor.clients.iter().all(|client| client.is_out));
    }
}

impl Client {
    fn see(&mut self, incoming: &Incoming) {
        match incoming {
            Incoming::LoggedOn(ack) => {
                let session = SessionId::new(u32::try_from(ack.session_id).expect("sessions are few"));
                assert!(self.session.is_none_or(|known| known == session), "another session was given");
                self.session = Some(session);
                self.logons += 1;
            }
            Incoming::Event(event) => {
                assert_eq!(event.prefix.seq_no, self.last_event + 1, "events come in order, each once");
                self.last_event += 1;
                if let Some(FromVenue::OrderFilled(fill)) = &event.message {
                    self.fills.push((fill.trade_id.get(), fill.order_id.get()));
                }
            }
            Incoming::Settled { ticket, answered } => {
                let before = self.settled.insert(ticket.seq_no.get(), *answered);
                assert_eq!(before, None, "request {} was settled twice", ticket.seq_no);
            }
            Incoming::GapFill { from, to, .. } => panic!("events {from} to {to} were not kept"),
            Incoming::Refused(reject) => panic!("{reject:?}"),
            Incoming::LoggedOut => self.is_out = true,
            Incoming::Answer(_) => {}
        }
    }
}
