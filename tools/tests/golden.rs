//! The golden log: a committed event log that every later build must replay to the same events and the same state.
//!
//! `golden/vN/` holds the log written under rules version N, `golden/vN.txt` what it held when it was written: counts,
//! checkpoint links, state digest, chain head.
//!
//! **It must never be regenerated to make this test pass.** Logs like this one lie on the disks of running venues, and
//! replaying them is how balances and positions are recovered. A build that replays it to another digest or another
//! link gives people other money than they were told, so under the same [`RULES_VERSION`] a difference is a defect of
//! the build: repair the build. Where other events are wanted, raise `RULES_VERSION` and write a new directory beside
//! the old one (`FULCRUM_GOLDEN_WRITE=1 cargo test -p tools --test golden`), so that a review sees both. The state
//! digest covers the layout of the state as well: a change of layout that keeps every event is no change of rules, and
//! shows as a digest that differs while every other line of the file agrees.
//!
//! Invariant: what is written depends on the seed alone. Time comes from a virtual clock and all roles run on one thread.
//! An existing version is never overwritten.

mod script;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use engine::{
    Action, AmendOrder, CancelOnLoss, CancelOrder, ClientOrderId, ClientSeq, Command, DeleveragingCall,
    Event, KeyId, KeyTerms, Logon, MassCancel, NewOrder, OrderId, OrderRef, Restriction, Seq, SessionId,
    SessionKind, Skip, TimeInForce, TimeNs, TradingState, Transfer,
};
use gateway::clock::VirtualClock;
use gateway::duty::DutyCycle;
use gateway::log::{
    CLOSED_FILE, Durability, EventLog, FORMAT_VERSION, LogError, LogOptions, LogReader, RULES_VERSION,
    RealDisk, Record,
};
use gateway::outcome::Outcome;
use gateway::process::{Config, QueueSizes, Roles, wire};
use gateway::recovery::recover;
use gateway::replay::replay;
use risk::{
    AccountId, Capacity, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Position, Price, Qty, Side,
};
use tools::flow::modelled::Size;
use tools::flow::random::Random;
use tools::flow::{Flow, ModelledFlow};

/// Set to write the log of a version that has none yet.
const WRITE: &str = "FULCRUM_GOLDEN_WRITE";
const SIZE: Size = Size { seed: 9, accounts: 40, orders: 2_200 };
const SEGMENT_BYTES: u64 = 96 * 1024;
/// What a checkout is asked to carry.
const BYTES_MAX: u64 = 400 * 1024;
/// 2023-11-14 22:13:20 UTC.
const BEGUN: TimeNs = TimeNs::new(1_700_000_000_000_000_000);
/// An account of this test, beside those of the flow.
const OWN: AccountId = AccountId::new(risk::limits::FIRST_USER_ACCOUNT + SIZE.accounts);
/// Its session.
const OWN_SESSION: SessionId = SessionId::new(2);
/// A key of that account, and the sessions it opens: two for orders.
const KEY: KeyId = KeyId::new(77);
const BOUND: [SessionId; 2] = [SessionId::new(3), SessionId::new(4)];
/// Its first order number, above any the flow gets to: the flow tells orders apart by number alone.
const OWN_NUMBERS: u64 = 1 << 40;
/// The flow's first accounts.
const MAKERS: u32 = 8;
/// Accounts of the script behind it that do not survive the slump.
const GAMBLERS: u32 = 27;
const DOLLAR: i64 = 1_000_000;
const ACTIONS: usize = 48;
const EVENTS: usize = 70;

fn directory(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("v{version}"))
}

fn read(directory: &Path) -> RealDisk {
    RealDisk::read_only(directory).expect("the directory is there")
}

#[test]
fn the_golden_log_replays_to_what_it_was() {
    let log = directory(RULES_VERSION);
    let constants = log.with_extension("txt");
    if std::env::var_os(WRITE).is_some() {
        for path in [&log, &constants] {
            assert!(
                !path.exists(),
                "{} exists and is never overwritten: raise RULES_VERSION",
                path.display()
            );
        }
        write(&log);
        std::fs::write(&constants, describe(&log)).unwrap();
    }
    let written = std::fs::read_to_string(&constants)
        .unwrap_or_else(|error| panic!("{}: {error}; run once with {WRITE}=1", constants.display()));
    let found = describe(&log);
    assert_eq!(found, written, "this build does not replay the golden log to what it was: see golden.rs");
    for (kind, count) in [("command", ACTIONS), ("event", EVENTS)] {
        let kinds = found.lines().filter(|line| line.split(' ').next() == Some(kind)).count();
        assert_eq!(kinds, count, "kinds of {kind} in\n{found}");
    }
    assert!(bytes(&log) < BYTES_MAX, "{} bytes", bytes(&log));
}

/// A log of former rules is refused with its version, not replayed by other rules.
#[test]
fn logs_of_former_rules_are_refused() {
    for version in (1..).take_while(|version| *version < RULES_VERSION) {
        let replayed = replay(read(&directory(version)), None, |_| ());
        assert!(
            matches!(replayed, Err(LogError::OtherVersion { found, .. }) if found == version),
            "v{version}"
        );
    }
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
    for log in [&one, &two] {
        write(log);
    }
    let names = files(&one);
    assert_eq!(names, files(&two));
    for name in names {
        assert!(std::fs::read(one.join(&name)).unwrap() == std::fs::read(two.join(&name)).unwrap(), "{name}");
    }
}

/// What happened can be read event by event, whatever it was.
#[test]
fn every_kind_of_event_is_exported() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    write(&log);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fulcrum"))
        .args(["replay", "--format", "csv"])
        .arg(&log)
        .output()
        .expect("the binary was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("it is text");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let column = head.iter().position(|name| *name == "event").expect("it has an event column");
    let mut seen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in lines {
        assert_eq!(line.len(), head.len(), "{line:?}");
        let said = seen.entry(line[column]).or_insert_with(|| vec![""; head.len()]);
        for (cell, word) in said.iter_mut().zip(line).filter(|(_, word)| !word.is_empty()) {
            *cell = word;
        }
    }
    assert_eq!(seen.len(), EVENTS, "{:?}", seen.keys());
    for (event, said) in seen.iter().filter(|(event, _)| **event != "ticked") {
        // Beyond place, time and name.
        assert!(said.iter().filter(|cell| !cell.is_empty()).count() > 3, "{event} says nothing: {said:?}");
    }
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("readable");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("readable").file_name().into_string().expect("our names are ASCII"))
        .collect();
    names.sort();
    names
}

fn bytes(directory: &Path) -> u64 {
    files(directory).iter().map(|name| std::fs::metadata(directory.join(name)).expect("readable").len()).sum()
}

/// What a log holds, one fact per line.
fn describe(log: &Path) -> String {
    let mut kinds: BTreeMap<(&str, String), u64> = BTreeMap::new();
    let replayed = replay(read(log), None, |outcome| {
        *kinds.entry(("command", name(&outcome.command.action))).or_default() += 1;
        for event in outcome.events {
            *kinds.entry(("event", name(event))).or_default() += 1;
        }
    })
    .unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let end = replayed.end.as_ref().expect("read to its end");
    assert!(end.closed && end.torn.is_none(), "{end:?}");
    let mut text = format!("format {}\nrules {}\n", replayed.genesis.format, replayed.genesis.rules);
    let facts = [
        ("last_seq", replayed.last.seq.to_string()),
        ("last_time_ns", replayed.last.time.to_string()),
        ("events", replayed.events.to_string()),
        ("state_digest", format!("{:032x}", replayed.digest)),
        ("chain_head", hex(&end.head)),
    ];
    for (key, value) in facts {
        writeln!(text, "{key} {value}").expect("into memory");
    }
    let mut reader = LogReader::open(read(log)).expect("it has just been replayed");
    while let Some(located) = reader.next_record().expect("it has just been replayed") {
        if let Record::Checkpoint(checkpoint) = located.record {
            writeln!(text, "checkpoint {} {}", checkpoint.seq, hex(&checkpoint.link)).expect("into memory");
        }
    }
    for ((sort, kind), count) in kinds {
        writeln!(text, "{sort} {kind} {count}").expect("into memory");
    }
    text
}

/// The name of a variant.
fn name(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split(|sign: char| !sign.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").expect("into memory");
        text
    })
}

/// Writes the log into `target`, which must not exist.
fn write(target: &Path) {
    let directory = tempfile::tempdir().expect("a directory");
    Play::begin(directory.path()).play();
    std::fs::create_dir_all(target).expect("writable");
    for name in files(directory.path()) {
        if name == CLOSED_FILE || Path::new(&name).extension() == Some("seg".as_ref()) {
            let mut octets = std::fs::read(directory.path().join(&name)).expect("readable");
            // Bytes missing at the end of a file count as zeros: the repository need not carry them.
            let used = octets.iter().rposition(|octet| *octet != 0).map_or(0, |last| last + 1);
            octets.truncate(used);
            std::fs::write(target.join(&name), octets).expect("writable");
        }
    }
}

/// A venue on one thread, played by the modelled flow and by a script that does what the flow never does.
struct Play {
    roles: Roles<EventLog<RealDisk>, VirtualClock>,
    clock: VirtualClock,
    random: Random,
    flow: ModelledFlow,
    queue: Vec<Command>,
    seen: Seen,
    next_number: u64,
}

/// A call for a plan of a deleveraging.
#[derive(Clone, Copy)]
struct Call {
    request: u64,
    basis: Seq,
    position: Position,
}

/// What the script goes by.
#[derive(Default)]
struct Seen {
    marks: BTreeMap<InstrumentId, Mark>,
    spec: Option<InstrumentSpec>,
    /// The script's newest order.
    order: OrderId,
    /// The newest call for a plan.
    call: Option<Call>,
}

impl Seen {
    /// Takes an outcome, tells the flow what concerns it.
    fn see(&mut self, outcome: &Outcome<'_>, flow: &mut ModelledFlow) {
        if let Action::DefineInstrument { spec, .. } = &outcome.command.action {
            self.spec.get_or_insert_with(|| spec.as_ref().clone());
        }
        let is_own = outcome.command.session >= OWN_SESSION;
        for event in outcome.events {
            if let Event::Marked { instrument, mark, .. } = *event {
                self.marks.insert(instrument, mark);
            } else if let Event::Accepted { order, session: OWN_SESSION, .. } = *event {
                self.order = order;
            } else if let Event::DeleveragingAsked(DeleveragingCall { request, position, plan_by, .. }) =
                *event
                && plan_by != TimeNs::new(0)
            {
                self.call = Some(Call { request, basis: outcome.stamp.seq, position });
            }
            if !is_own || matches!(event, Event::Fill(_)) {
                flow.learn(event);
            }
        }
    }
}

impl Play {
    fn begin(directory: &Path) -> Self {
        let flow = ModelledFlow::new(SIZE);
        let room = flow.capacity();
        let room =
            Capacity { accounts: room.accounts + 16 + GAMBLERS, legs: room.legs + 32 + GAMBLERS, ..room };
        let mut config = Config::new(directory.to_owned(), room);
        config.log = LogOptions { segment_bytes: SEGMENT_BYTES, durability: Durability::Local };
        config.build = format!("golden, format {FORMAT_VERSION}, rules {RULES_VERSION}");
        let mut clock = VirtualClock::at(BEGUN);
        let (recovered, recovery) = recover(&config, &mut clock, &[], &mut |_| ()).expect("begins");
        assert!(recovery.created);
        let roles = wire(recovered, clock.clone(), QueueSizes::default(), Vec::new());
        let random = Random::new(SIZE.seed);
        Self {
            roles,
            clock,
            random,
            flow,
            queue: Vec::new(),
            seen: Seen::default(),
            next_number: OWN_NUMBERS,
        }
    }

    fn play(mut self) {
        let (mut slump, mut visit) = (true, 0);
        loop {
            // Commits of one record, of some, and of several batches.
            let most = if self.random.chance(100) { 300 } else { 40 };
            let wanted = self.random.below(most) + 1;
            let commands: Vec<_> =
                (0..wanted).map_while(|_| self.flow.next_command().expect("nothing is read")).collect();
            if commands.is_empty() {
                break;
            }
            self.queue.extend(commands);
            self.queue.extend([const { Command::venue(Action::Tick) }; 3]);
            self.commit();
            let (done, all) = self.flow.progress();
            if done * 12 >= all * (visit + 1) {
                self.visit(visit);
                visit += 1;
            }
            if slump && done * 3 >= all * 2 {
                self.slump();
                slump = false;
            }
        }
        self.roles.progress.request_stop();
        while !(self.roles.log.is_finished() && self.roles.client.is_finished()) {
            self.settle();
        }
        assert_eq!(self.roles.progress.failure(), None);
    }

    /// Submits what is queued; it becomes one commit.
    fn commit(&mut self) {
        for command in self.queue.drain(..) {
            self.roles.client.submit(command).expect("the queues are longer than any burst");
        }
        self.clock.advance(self.random.below(1_000_000) + 1);
        self.settle();
    }

    /// Lets everybody work until nothing is left to do.
    fn settle(&mut self) {
        loop {
            self.roles.client.flush();
            let (seen, flow) = (&mut self.seen, &mut self.flow);
            let work = self.roles.engine.do_work()
                + self.roles.log.do_work()
                + self.roles.client.poll(|outcome| seen.see(outcome, flow));
            if work == 0 || self.roles.log.is_finished() && self.roles.client.is_finished() {
                return;
            }
        }
    }

    fn venue(&mut self, action: Action) {
        self.queue.push(Command::venue(action));
    }

    fn own(&mut self, action: Action) {
        self.queue.push(Command::client(OWN_SESSION, action));
    }

    fn place(&mut self, order: NewOrder) {
        self.next_number += 1;
        self.queue.push(Command::order(OWN_SESSION, ClientOrderId::new(self.next_number), order));
    }

    /// The first instrument's makers withdraw, prices fall by 4 to 5 % four times and half as far back: where nobody
    /// quotes, the insurance account takes over.
    fn slump(&mut self) {
        let instrument = Some(InstrumentId::new(0));
        for maker in 0..MAKERS {
            let account = AccountId::new(risk::limits::FIRST_USER_ACCOUNT + maker);
            self.venue(Action::MassCancel(MassCancel { account, instrument, side: None, tag: None }));
        }
        self.commit();
        for per_cent in [95, 95, 96, 96, 105, 105] {
            for (instrument, mark) in self.seen.marks.clone() {
                let price = Mark::new((mark.get() * per_cent).div_euclid(100));
                self.venue(Action::index_price(instrument, price));
            }
            self.commit();
        }
    }

    fn visit(&mut self, visit: u64) {
        let instrument = InstrumentId::new(u32::try_from(visit % 3).expect("below 3"));
        match visit {
            0 => self.open_own(),
            1 => self.define_another(),
            3 => self.connect(),
            4 => self.fall_silent(),
            5 => self.restrict(),
            6 => self.gamble(),
            _ => self.act(visit),
        }
        self.quote(instrument, visit);
        self.trade(instrument);
        self.pay(visit);
        self.halt(instrument);
        self.commit();
    }

    fn open_own(&mut self) {
        self.venue(Action::OpenSession { session: OWN_SESSION });
        self.venue(Action::OpenAccount { account: OWN });
        self.venue(Action::OpenAccount { account: OWN });
        self.venue(Action::Deposit(Transfer::new(OWN, Money::new(10_000_000 * DOLLAR))));
        for (instrument, leverage) in [(0, 500), (1, 0), (2, 60_000)] {
            let (instrument, leverage) = (InstrumentId::new(instrument), Leverage::new(leverage));
            self.venue(Action::SetLeverage { account: OWN, instrument, leverage });
        }
        self.commit();
    }

    /// A numbered command of a bound session, with a deadline.
    fn bound(&mut self, session: SessionId, client_seq: u64, action: Action) {
        self.next_number += 1;
        let (client_seq, valid_until) = (ClientSeq::new(client_seq), TimeNs::new(BEGUN.get() << 1));
        let client_order_id = ClientOrderId::new(self.next_number);
        self.queue.push(Command { session, client_seq, client_order_id, valid_until, action });
    }

    fn log_on(&mut self, tag: u32, on_loss: CancelOnLoss) {
        let kind = SessionKind::OrderEntry;
        self.venue(Action::Logon(Logon { key: KEY, tag, kind, on_loss, grace_ms: 1_000 }));
    }

    /// A resting order of a bound session.
    fn bid(&mut self, session: SessionId, client_seq: u64, persistent: bool) {
        let instrument = InstrumentId::new(0);
        let limit = Some(self.price(instrument, -25));
        let order = Self::order(instrument, Side::Buy, 10, limit, TimeInForce::GoodTillCancel);
        self.bound(session, client_seq, Action::NewOrder(NewOrder { persistent, ..order }));
    }

    /// Keys and sessions: numbers repeated, left out and skipped, a loss that keeps some, a wish that keeps none.
    fn connect(&mut self) {
        let kinds = 1 << SessionKind::OrderEntry as u8;
        let terms = Box::new(KeyTerms { public: [5; 32], account: OWN, kinds, expires: TimeNs::new(0) });
        self.venue(Action::RegisterKey { key: KEY, terms });
        for tag in [0, 1, 0] {
            self.log_on(tag, CancelOnLoss::KeepProtection);
        }
        for (client_seq, persistent) in [(1, false), (1, false), (3, false), (2, true)] {
            self.bid(BOUND[0], client_seq, persistent);
        }
        let refused = Skip { count: 3, template: 100, code: 1_110, field: u16::MAX, retry_after_ns: 9_000 };
        self.bound(BOUND[0], 5, Action::Skip(refused));
        self.commit();
        self.venue(Action::SessionLost { session: BOUND[0] });
        self.log_on(0, CancelOnLoss::Off);
        self.venue(Action::Logoff { session: BOUND[0], cancel_orders: true });
        self.commit();
    }

    /// Two timers run out at one tick; more orders than one command may cancel.
    fn fall_silent(&mut self) {
        for client_seq in 1..=260 {
            self.bid(BOUND[1], client_seq, false);
        }
        self.bid(BOUND[0], 6, false);
        for (session, client_seq) in [(BOUND[1], 261), (BOUND[0], 7)] {
            let guard = Action::CancelAllAfter { account: OWN, timeout_ms: 1, keep_reduce_only: true };
            self.bound(session, client_seq, guard);
        }
        self.commit();
        self.clock.advance(2_000_000);
        self.venue(Action::Tick);
        self.commit();
    }

    /// The operator's switch both ways, the key's end, and a source that repeats itself.
    fn restrict(&mut self) {
        self.bid(BOUND[0], 8, false);
        for (restriction, cancel_orders) in
            [(Restriction::ReduceOnly, false), (Restriction::Suspended, true), (Restriction::None, false)]
        {
            self.venue(Action::SetRestriction { account: OWN, restriction, cancel_orders });
            let order =
                Self::order(InstrumentId::new(0), Side::Buy, 10, None, TimeInForce::ImmediateOrCancel);
            self.place(order);
        }
        self.venue(Action::RevokeKey { key: KEY });
        self.log_on(0, CancelOnLoss::All);
        let (instrument, price) = (InstrumentId::new(0), self.seen.marks[&InstrumentId::new(0)]);
        for source_seq in [4, 4, 5] {
            self.venue(Action::IndexPrice { instrument, source: 2, source_seq, price });
        }
        self.commit();
    }

    fn define_another(&mut self) {
        let spec = Box::new(self.seen.spec.clone().expect("the flow has defined instruments"));
        let instrument = InstrumentId::new(3);
        self.venue(Action::DefineInstrument { instrument, spec });
        self.venue(Action::index_price(instrument, Price::new(600_000).to_mark()));
        self.commit();
    }

    /// Accounts with 30 times what they have, two thirds of them long.
    fn gamble(&mut self) {
        for number in 0..GAMBLERS {
            let account = AccountId::new(OWN.get() + 1 + number);
            let (instrument, qty) = [(0, 3_000), (1, 7_200), (2, 12_000)][number as usize % 3];
            let instrument = InstrumentId::new(instrument);
            let (side, away) = if number % 9 < 6 { (Side::Buy, 8) } else { (Side::Sell, -8) };
            let limit = Some(self.price(instrument, away));
            self.venue(Action::OpenAccount { account });
            self.venue(Action::Deposit(Transfer::new(account, Money::new(600 * DOLLAR))));
            let order = Self::order(instrument, side, qty, limit, TimeInForce::ImmediateOrCancel);
            self.place(NewOrder { account, ..order });
            self.commit();
        }
    }

    /// So many tenths of a per cent from the mark, on a tick of every instrument.
    fn price(&self, instrument: InstrumentId, away: i64) -> Price {
        let mark = self.seen.marks[&instrument].floor_price().get();
        let price = mark + (mark * away).div_euclid(1_000);
        Price::new(price - price.rem_euclid(10))
    }

    fn order(
        instrument: InstrumentId,
        side: Side,
        qty: i64,
        limit: Option<Price>,
        time_in_force: TimeInForce,
    ) -> NewOrder {
        NewOrder {
            account: OWN,
            instrument,
            side,
            qty: Qty::new(qty),
            limit,
            time_in_force,
            post_only: false,
            reduce_only: false,
            persistent: false,
        }
    }

    /// Orders that rest, are amended with and without losing their place, and are cancelled in every way.
    fn quote(&mut self, instrument: InstrumentId, visit: u64) {
        let limit = self.price(instrument, -20);
        for _ in 0..3 {
            let order = Self::order(instrument, Side::Buy, 50, Some(limit), TimeInForce::GoodTillCancel);
            self.place(NewOrder { post_only: true, ..order });
            self.commit();
        }
        let by_number = OrderRef::Client(ClientOrderId::new(self.next_number));
        let by_id = OrderRef::Id(self.seen.order);
        let lower = self.price(instrument, -30);
        for (order, limit, qty) in [(by_number, limit, 30), (by_id, lower, 40)] {
            let qty = Qty::new(qty);
            self.own(Action::AmendOrder(AmendOrder { account: OWN, order, limit, qty, post_only: false }));
            self.commit();
        }
        // The second finds nothing any more.
        for order in [by_id, by_number] {
            self.own(Action::CancelOrder(CancelOrder { account: OWN, order }));
        }
        let instrument = visit.is_multiple_of(2).then_some(instrument);
        self.own(Action::MassCancel(MassCancel { account: OWN, instrument, side: None, tag: None }));
    }

    /// A position is opened and closed, a reduce-only order shrinking with it.
    fn trade(&mut self, instrument: InstrumentId) {
        use TimeInForce::{FillOrKill, GoodTillCancel, ImmediateOrCancel};
        let through = Some(self.price(instrument, 40));
        for qty in [200, 4_000_000] {
            let order = Self::order(instrument, Side::Buy, qty, through, FillOrKill);
            self.place(order);
        }
        let away = Some(self.price(instrument, 50));
        for (qty, limit, time_in_force) in
            [(150, away, GoodTillCancel), (120, None, ImmediateOrCancel), (200, None, ImmediateOrCancel)]
        {
            let order = Self::order(instrument, Side::Sell, qty, limit, time_in_force);
            self.place(NewOrder { reduce_only: true, ..order });
        }
    }

    fn pay(&mut self, visit: u64) {
        let dollars = i64::try_from(visit).expect("few visits") + 1;
        for amount in [dollars * DOLLAR, 1_000_000_000 * DOLLAR] {
            self.venue(Action::Withdraw(Transfer::new(OWN, Money::new(amount))));
        }
        let amount = Money::new(3 * dollars * DOLLAR);
        self.venue(Action::Deposit(Transfer::new(OWN, amount)));
    }

    fn halt(&mut self, instrument: InstrumentId) {
        self.venue(Action::SetTradingState { instrument, state: TradingState::CancelOnly });
        let order = Self::order(instrument, Side::Sell, 10, None, TimeInForce::ImmediateOrCancel);
        self.place(order);
        self.venue(Action::SetTradingState { instrument, state: TradingState::Open });
    }
}
