//! The venue a cascade is played on: commands in virtual time, with the venue's own continuations between them as the
//! engine role injects them.
//!
//! Invariant: this is the only file of the cascade that makes commands. After every command, and its events told to the
//! watch, one continuation follows while a backlog is pending, and as many as it takes while the venue is blocked.

use std::collections::VecDeque;

use anyhow::bail;
use engine::{
    Action, ClientOrderId, Command, DeleveragingPlan, Event, Events, MassCancel, NewOrder, Seq, SessionId,
    Stamp, TimeInForce, TimeNs, Transfer, Venue,
};
use gateway::clock::Stopwatch;
use risk::deleveraging::allocate;
use risk::limits::{FIRST_USER_ACCOUNT, NOTIONAL_MAX, QTY_MAX};
use risk::{
    AccountId, Capacity, InstrumentId, InstrumentSpec, Money, Price, Qty, Rate, RiskGroupTerms, Side, Tier,
    UnderlyingId,
};

use super::latency::Latency;
use super::watch::Watch;
use crate::flow::recorded::{Decimals, instrument};

const SESSION: SessionId = SessionId::new(1);
/// One dollar: money has six decimals.
pub(super) const DOLLAR: i64 = 1_000_000;
pub(super) const SECOND_NS: u64 = 1_000_000_000;
/// Index prices and ticks come in this interval.
pub(super) const STEP_NS: u64 = 100_000_000;
/// Begin of virtual time.
const START_NS: u64 = 1_700_000_000 * SECOND_NS;
/// How long the worker has.
const PLAN_WITHIN_MS: u32 = 1_000;

/// A perpetual, a dated future of the same underlying, and a perpetual of another.
pub(super) const PERP: InstrumentId = InstrumentId::new(0);
pub(super) const DATED: InstrumentId = InstrumentId::new(1);
pub(super) const OTHER: InstrumentId = InstrumentId::new(2);
pub(super) const INSTRUMENTS: [InstrumentId; 3] = [PERP, DATED, OTHER];
/// First prices, in cents.
pub(super) const PRICES: [i64; 3] = [6_000_000, 6_000_000, 300_000];
const NAMES: [&str; 3] = ["BTC-PERP", "BTC-DATED", "ETH-PERP"];
const UNDERLYINGS: [u16; 3] = [1, 1, 2];

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) venue: Venue,
    pub(super) watch: Watch,
    events: Events,
    seq: u64,
    time_ns: u64,
    numbers: u64,
    /// Plans of the worker on their way, where there is one.
    answers: VecDeque<DeleveragingPlan>,
    has_worker: bool,
    pub(super) latency: Option<Latency>,
}

impl Desk {
    /// A venue with three instruments at their first prices.
    pub(super) fn open(accounts: u32, watch: Watch, has_worker: bool) -> anyhow::Result<Self> {
        let numbers = accounts + FIRST_USER_ACCOUNT + 16;
        let mut desk = Self {
            venue: Venue::new(Capacity {
                accounts: numbers,
                legs: numbers.saturating_mul(4),
                orders: 1 << 14,
            }),
            watch,
            events: Events::default(),
            seq: 0,
            time_ns: START_NS,
            numbers: 0,
            answers: VecDeque::new(),
            has_worker,
            latency: None,
        };
        desk.must(Action::OpenSession { session: SESSION })?;
        for (place, id) in INSTRUMENTS.into_iter().enumerate() {
            desk.must(Action::DefineInstrument { instrument: id, spec: Box::new(spec(place)) })?;
        }
        desk.index(PRICES);
        Ok(desk)
    }

    /// Opens an account with money.
    pub(super) fn fund(&mut self, account: AccountId, money: Money) -> anyhow::Result<()> {
        self.must(Action::OpenAccount { account })?;
        self.must(Action::Deposit(Transfer::new(account, money)))
    }

    /// More money for an account.
    pub(super) fn deposit(&mut self, account: AccountId, money: Money) -> anyhow::Result<()> {
        self.must(Action::Deposit(Transfer::new(account, money)))
    }

    /// Sets the terms by which all is liquidated.
    pub(super) fn terms(&mut self, terms: RiskGroupTerms) -> anyhow::Result<()> {
        let plan_within_ms = if self.has_worker { PLAN_WITHIN_MS } else { 0 };
        let terms = RiskGroupTerms { plan_within_ms, ..terms };
        self.must(Action::SetRiskGroup { group: 0, terms: Box::new(terms) })
    }

    /// Two accounts trade with each other at a price, in a book where nothing else rests.
    pub(super) fn trade(
        &mut self,
        (buyer, seller): (AccountId, AccountId),
        instrument: InstrumentId,
        qty: Qty,
    ) -> anyhow::Result<()> {
        let price = Price::new(PRICES[instrument.index()]);
        self.order(seller, instrument, (Side::Sell, price, qty), TimeInForce::GoodTillCancel);
        self.order(buyer, instrument, (Side::Buy, price, qty), TimeInForce::ImmediateOrCancel);
        match self.watch.first_reject() {
            Some(reject) => bail!("the venue refuses an order of the set-up: {reject:?}"),
            None => Ok(()),
        }
    }

    pub(super) fn order(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        (side, price, qty): (Side, Price, Qty),
        time_in_force: TimeInForce,
    ) {
        self.numbers += 1;
        let order = NewOrder {
            account,
            instrument,
            side,
            qty,
            limit: Some(price),
            time_in_force,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        self.apply(&Command::order(SESSION, ClientOrderId::new(self.numbers), order));
    }

    /// An account's orders in an instrument go.
    pub(super) fn withdraw(&mut self, account: AccountId, instrument: InstrumentId) {
        let cancel = MassCancel { instrument: Some(instrument), ..MassCancel::of_account(account) };
        self.apply(&Command::venue(Action::MassCancel(cancel)));
    }

    /// Index prices of all instruments.
    pub(super) fn index(&mut self, prices: [i64; 3]) {
        for (id, price) in INSTRUMENTS.into_iter().zip(prices) {
            self.apply(&Command::venue(Action::index_price(id, Price::new(price).to_mark())));
        }
    }

    /// The next interval begins: the worker's plans of the last arrive, then logical time passes.
    pub(super) fn tick(&mut self) {
        self.time_ns += STEP_NS;
        for plan in std::mem::take(&mut self.answers) {
            self.apply(&Command::venue(Action::Deleverage(Box::new(plan))));
        }
        self.apply(&Command::venue(Action::Tick));
    }

    /// The rest of an interval: the venue does all it can.
    pub(super) fn drain(&mut self) {
        while self.venue.pending() {
            self.step(&Command::venue(Action::Continue));
        }
    }

    fn must(&mut self, action: Action) -> anyhow::Result<()> {
        self.apply(&Command::venue(action));
        match self.watch.first_reject() {
            Some(reject) => bail!("the venue refuses a command of the set-up: {reject:?}"),
            None => Ok(()),
        }
    }

    /// An unrelated order or cancel, whose time is measured where somebody measures.
    pub(super) fn unrelated(&mut self, command: impl FnOnce(&mut Self)) {
        let seq = self.seq;
        if let Some(latency) = &mut self.latency {
            latency.begin(seq + 1);
        }
        command(self);
    }

    fn apply(&mut self, command: &Command) {
        self.step(command);
        if self.venue.pending() && !self.venue.is_blocked() {
            self.step(&Command::venue(Action::Continue));
        }
        while self.venue.is_blocked() {
            self.step(&Command::venue(Action::Continue));
        }
    }

    fn step(&mut self, command: &Command) {
        self.seq += 1;
        let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.time_ns) };
        self.events.clear();
        match &mut self.latency {
            None => self.venue.apply(stamp, command, &mut self.events),
            Some(latency) => {
                let was_blocked = self.venue.is_blocked();
                let began = Stopwatch::start();
                self.venue.apply(stamp, command, &mut self.events);
                let took = began.elapsed();
                latency.applied(self.seq, took);
                if was_blocked {
                    latency.blocked(took, self.venue.is_blocked());
                } else if command.action == Action::Continue {
                    latency.stepped(took);
                }
            }
        }
        self.watch.told(&self.venue, self.events.as_slice());
        if self.has_worker {
            self.answer();
        }
    }

    /// The worker plans by the state that the call names.
    fn answer(&mut self) {
        for event in self.events.as_slice() {
            let Event::DeleveragingAsked(call) = event else { continue };
            let open = self.venue.open_calls().find(|open| open.request == call.request);
            if let Some(open) = open.filter(|open| open.basis.get() == self.seq) {
                let holders = self.venue.holders_against(open.instrument, open.position, open.policy);
                let plan = allocate(open.policy, open.demand, holders);
                self.answers.extend(open.parts(&plan, [0; 32]));
            }
        }
    }

    /// Commands given so far, continuations counted in.
    pub(super) const fn commands(&self) -> u64 {
        self.seq
    }

    /// Whether plans of the worker are on their way, or are waited for.
    pub(super) fn awaits_plans(&self) -> bool {
        !self.answers.is_empty() || self.venue.open_calls().next().is_some()
    }
}

/// Two percent to ten of initial margin, half of that of maintenance margin.
fn spec(place: usize) -> InstrumentSpec {
    let decimals = Decimals { price: 2, qty: 4, money: 6 };
    let price_max = Price::new(PRICES[place] * 4);
    let most = NOTIONAL_MAX.div_euclid(price_max.get() * 2).min(QTY_MAX);
    let mut spec = instrument(NAMES[place], &decimals, Price::new(10), price_max, Qty::new(most));
    (spec.taker_fee, spec.liquidation_fee) = (Rate::new(500_000), Rate::new(5_000_000));
    spec.contract.underlying = UnderlyingId::new(UNDERLYINGS[place]);
    if INSTRUMENTS[place] == DATED {
        spec.contract.expiry_ns = START_NS + 90 * 86_400 * SECOND_NS;
    }
    (spec.initial_tiers, spec.maintenance_tiers) = (tiers(2), tiers(1));
    spec
}

fn tiers(factor: u32) -> Vec<Tier> {
    let row = |(floor, rate): (i64, u32)| Tier {
        floor: Money::new(floor * DOLLAR),
        rate: Rate::new(rate * factor),
    };
    [(0, 10_000_000), (10_000_000, 15_000_000), (100_000_000, 25_000_000)].map(row).to_vec()
}
