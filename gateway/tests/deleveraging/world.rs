//! A venue whose prices fall: longs with little margin, shorts of every leverage, hardly a book; its roles and the worker
//! driven by hand, in one thread and in virtual time.
//!
//! Invariant: the same seed gives the same commands.

use std::path::Path;
use std::sync::{Arc, Mutex};

use engine::{
    Action, Capacity, ClientOrderId, Command, DeleveragingPlan, Event, NewOrder, Seq, SessionId, Stamp,
    TimeInForce, TimeNs, Transfer, Venue,
};
use gateway::archive::Archive;
use gateway::clock::VirtualClock;
use gateway::deleveraging::proposals::{Proposer, proposals};
use gateway::deleveraging::secret::Secret;
use gateway::deleveraging::worker::{Worker, WorkerParts, begins_to_ask, is_asked};
use gateway::duty::DutyCycle;
use gateway::follower::sleeper;
use gateway::idle::{Idle, Patience};
use gateway::log::{CheckpointHasher, Genesis, LoggedCommand};
use gateway::log_role::CommandLog;
use gateway::outcome::Outcome;
use gateway::process::{QueueSizes, Roles, wire};
use gateway::recovery::Recovered;
use gateway::replay::Rebuild;
use risk::{
    AccountId, FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, RiskGroupTerms, Side,
    Tier,
};

pub(crate) const CAPACITY: Capacity = Capacity { accounts: 2_048, legs: 4_096, orders: 8_192 };
pub(crate) const HERE: InstrumentId = InstrumentId::new(0);
pub(crate) const FIRST_ACCOUNT: u32 = 16;
const SESSION: SessionId = SessionId::new(1);
const TICK: i64 = 5;
const HOME_TICKS: i64 = 100_000;
/// Value of a lot at home, in money units.
const LOT_VALUE: i64 = 50_000_000;

/// Numbers below a bound, by xorshift*.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        u32::try_from((high * u64::from(bound)) >> 32).expect("below a u32")
    }
}

/// The log in memory, which can be read again.
#[derive(Clone, Debug, Default)]
pub(crate) struct MemoryLog {
    committed: Arc<Mutex<Vec<LoggedCommand>>>,
    written: Vec<LoggedCommand>,
}

impl MemoryLog {
    pub(crate) fn committed(&self) -> Vec<LoggedCommand> {
        self.committed.lock().expect("no test panics with the lock").clone()
    }
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("never")]
pub(crate) struct Never;

impl CommandLog for MemoryLog {
    type Error = Never;

    fn write(&mut self, outcome: &Outcome<'_>) -> Result<(), Never> {
        let Outcome { stamp, received, command, .. } = *outcome;
        self.written.push(LoggedCommand { stamp, received_ns: received.get(), command: command.clone() });
        Ok(())
    }

    fn commit(&mut self) -> Result<Seq, Never> {
        let last = self.written.last().expect("only called when something was written").stamp.seq;
        self.committed.lock().expect("no test panics with the lock").append(&mut self.written);
        Ok(last)
    }

    fn waits(&self) -> bool {
        false
    }

    fn prepare_ahead(&mut self) -> Result<bool, Never> {
        Ok(false)
    }

    fn close(self) -> Result<(), Never> {
        Ok(())
    }
}

/// The log in memory as a worker reads it; or a log that cannot be read.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) log: Option<MemoryLog>,
    pub(crate) next: usize,
}

impl Archive for Memory {
    fn rewind(&mut self, after: Seq) -> Result<(), String> {
        self.next = usize::try_from(after.get()).expect("a test is short");
        if self.log.is_some() { Ok(()) } else { Err("it is gone".to_owned()) }
    }

    fn next_command(&mut self) -> Result<Option<(Stamp, Command)>, String> {
        let Some(log) = &self.log else { return Err("it is gone".to_owned()) };
        let committed = log.committed.lock().expect("no test panics with the lock");
        let next = committed.get(self.next).map(|logged| (logged.stamp, logged.command.clone()));
        self.next += 1;
        Ok(next)
    }

    fn rest(&mut self) {}

    fn directory(&self) -> Option<&Path> {
        None
    }
}

/// How much the worker is given to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Setting {
    /// Whether there is one.
    pub(crate) worker: bool,
    /// Boxes of the queue that feeds it.
    pub(crate) boxes: usize,
    /// Parts that may wait for the engine.
    pub(crate) parts: usize,
    /// How long a call waits.
    pub(crate) plan_within_ms: u32,
    /// Whether its log can be read again.
    pub(crate) is_readable: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self { worker: true, boxes: 64, parts: 8, plan_within_ms: 500, is_readable: true }
    }
}

/// All of it.
pub(crate) struct World {
    pub(crate) roles: Roles<MemoryLog, VirtualClock>,
    pub(crate) worker: Option<Worker>,
    pub(crate) proposer: Proposer,
    pub(crate) clock: VirtualClock,
    pub(crate) log: MemoryLog,
    pub(crate) dice: Dice,
    /// Parts of plans that were carried out, for whoever wants to send them again.
    pub(crate) seen: Vec<DeleveragingPlan>,
    /// The latest call: which deleveraging, and its basis.
    pub(crate) called: Option<(u64, Seq)>,
    pub(crate) calls: u32,
    pub(crate) worker_plans: u32,
    pub(crate) venue_plans: u32,
    next_order: u64,
}

pub(crate) fn spec() -> InstrumentSpec {
    let tier = |floor, rate| Tier { floor: Money::new(floor), rate: Rate::new(rate) };
    InstrumentSpec {
        symbol: *b"FALL\0\0\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(TICK),
        lot: Qty::new(1),
        price_max: Price::new(2_000_000),
        order_qty_max: Qty::new(4_000),
        position_max: Qty::new(20_000),
        open_interest_max: Qty::new(4_000_000),
        price_band: Rate::new(50_000_000),
        market_collar: Rate::new(10_000_000),
        mark_step_max: Rate::new(50_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: vec![tier(0, 20_000_000)],
        maintenance_tiers: vec![tier(0, 10_000_000)],
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

pub(crate) fn index_at(thousandths: i64) -> Command {
    let ticks = (HOME_TICKS * thousandths).div_euclid(1_000);
    Command::venue(Action::index_price(HERE, Mark::new(ticks * TICK * 1024)))
}

impl World {
    /// An empty venue.
    pub(crate) fn new(seed: u64, setting: Setting) -> Self {
        let mut world = Self::over(MemoryLog::default(), Venue::new(CAPACITY), seed, setting);
        world.open(setting.plan_within_ms);
        world
    }

    /// The venue that a log says, begun anew.
    pub(crate) fn restart(log: MemoryLog, seed: u64, setting: Setting) -> Self {
        let genesis = Genesis::new(String::new(), TimeNs::new(0), CAPACITY);
        let (mut rebuild, mut hasher) = (Rebuild::new(&genesis), CheckpointHasher::new());
        for logged in log.committed() {
            rebuild.apply(&logged, &mut hasher);
        }
        Self::over(log, rebuild.into_venue(), seed, setting)
    }

    fn over(log: MemoryLog, venue: Venue, seed: u64, setting: Setting) -> Self {
        let idle = Idle::new(Patience::SHARED);
        let clock = VirtualClock::at(TimeNs::new(1_000_000).max(venue.last_stamp().time));
        let (began, sleeps) = (venue.last_stamp(), !is_asked(&venue));
        let recovered = Recovered { venue, log: log.clone() };
        let (feed, following) = sleeper(setting.boxes, idle.waker(), idle.waker(), sleeps, begins_to_ask);
        let queues = QueueSizes::default();
        let feeds = if setting.worker { vec![feed] } else { Vec::new() };
        let mut roles = wire(recovered, clock.clone(), queues, feeds);
        let (proposer, proposed) = proposals(setting.parts, idle.waker());
        roles.engine.hear(proposed);
        let worker = setting.worker.then(|| {
            Worker::new(WorkerParts {
                capacity: CAPACITY,
                following,
                proposer: proposer.clone(),
                archive: Box::new(Memory { log: setting.is_readable.then(|| log.clone()), next: 0 }),
                secret: Secret::new([5; 32]),
                progress: Arc::clone(&roles.progress),
                began,
            })
        });
        Self {
            roles,
            worker,
            proposer,
            clock,
            log,
            dice: Dice::new(seed),
            seen: Vec::new(),
            called: None,
            calls: 0,
            worker_plans: 0,
            venue_plans: 0,
            next_order: 1 + began.seq.get(),
        }
    }

    fn open(&mut self, plan_within_ms: u32) {
        self.send(Command::venue(Action::DefineInstrument { instrument: HERE, spec: Box::new(spec()) }));
        self.send(index_at(1_000));
        self.send(Command::venue(Action::OpenSession { session: SESSION }));
        let terms = RiskGroupTerms { plan_within_ms, steps_max: 2, ..RiskGroupTerms::DEFAULT };
        self.send(Command::venue(Action::SetRiskGroup { group: 0, terms: Box::new(terms) }));
        self.run();
    }

    pub(crate) fn send(&mut self, command: Command) {
        self.roles.client.submit(command).expect("a test sends less than there is room for");
    }

    pub(crate) fn open_account(&mut self, account: AccountId, deposit: i64) {
        self.send(Command::venue(Action::OpenAccount { account }));
        self.send(Command::venue(Action::Deposit(Transfer::new(account, Money::new(deposit)))));
    }

    pub(crate) fn order(&mut self, account: AccountId, side: Side, qty: i64, thousandths: i64) {
        let order = NewOrder {
            account,
            instrument: HERE,
            side,
            qty: Qty::new(qty),
            limit: Some(Price::new((HOME_TICKS * thousandths).div_euclid(1_000) * TICK)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        self.send(Command::order(SESSION, ClientOrderId::new(self.next_order), order));
        self.next_order += 1;
    }

    /// Opens `pairs` of a long with little margin and a short with any.
    pub(crate) fn populate(&mut self, pairs: u32) {
        for pair in 0..pairs {
            let (long, short) = (FIRST_ACCOUNT + 2 * pair, FIRST_ACCOUNT + 2 * pair + 1);
            let (long, short) = (AccountId::new(long), AccountId::new(short));
            let lots = 50 + i64::from(self.dice.below(1_000));
            let percent = 3 + i64::from(self.dice.below(9));
            self.open_account(long, (lots * LOT_VALUE * percent).div_euclid(100));
            let percent = 3 + i64::from(self.dice.below(120));
            self.open_account(short, (lots * LOT_VALUE * percent).div_euclid(100));
            self.order(short, Side::Sell, lots, 1_000);
            self.order(long, Side::Buy, lots, 1_000);
            if pair % 8 == 7 {
                self.run();
            }
        }
        self.run();
    }

    /// One turn of the venue's own roles; the work done.
    pub(crate) fn turn(&mut self) -> usize {
        self.roles.client.flush();
        let mut work = self.roles.engine.do_work();
        work += self.roles.log.do_work();
        let Self { roles, seen, called, calls, worker_plans, venue_plans, .. } = self;
        work += roles.client.poll(|outcome| {
            if let Action::Deleverage(plan) = &outcome.command.action {
                seen.push((**plan).clone());
            }
            for event in outcome.events {
                if let Event::DeleveragingAsked(call) = event {
                    *called = Some((call.request, outcome.stamp.seq));
                    *calls += u32::from(call.plan_by > TimeNs::default());
                } else if let Event::DeleveragingPlanned(plan) = event {
                    *(if plan.by_worker { &mut *worker_plans } else { &mut *venue_plans }) += 1;
                }
            }
        });
        work
    }

    /// Turns of everybody until nobody has work.
    pub(crate) fn run(&mut self) {
        while self.turn() + self.worker.as_mut().map_or(0, DutyCycle::do_work) > 0 {}
    }

    /// Turns of everybody until nobody has work or a part of a plan that is not its last is through.
    pub(crate) fn run_until_part(&mut self) {
        while self.seen.iter().all(|part| part.is_last)
            && self.turn() + self.worker.as_mut().map_or(0, DutyCycle::do_work) > 0
        {}
    }

    /// Turns of the venue alone until it has no work.
    pub(crate) fn run_venue(&mut self) {
        while self.turn() > 0 {}
    }

    /// Orders and prices as they come.
    pub(crate) fn disturb(&mut self, pairs: u32) {
        for _ in 0..self.dice.below(6) {
            let account = AccountId::new(FIRST_ACCOUNT + self.dice.below(2 * pairs));
            let side = if self.dice.below(2) == 0 { Side::Buy } else { Side::Sell };
            let lots = 1 + i64::from(self.dice.below(200));
            let thousandths = 870 + i64::from(self.dice.below(60));
            self.order(account, side, lots, thousandths);
        }
        if self.dice.below(4) == 0 {
            let thousandths = 880 + i64::from(self.dice.below(30));
            self.send(index_at(thousandths));
        }
    }

    pub(crate) fn tick(&mut self, ms: u64) {
        self.clock.advance(ms * 1_000_000);
        self.send(Command::venue(Action::Tick));
    }
}
