//! How long does the deleveraging worker take for a plan, by part, beside one sort of the same holders?
//!
//! The mirror is the worker's own, built from commands: every holder sold to one of a few who bought from all. What is timed is
//! what happens between a call and the first part of its plan.
#![expect(clippy::float_arithmetic, reason = "milliseconds of a report")]

use std::hint::black_box;

use engine::{
    Action, ClientOrderId, Command, NewOrder, OpenCall, Seq, SessionId, Stamp, TimeInForce, TimeNs, Transfer,
};
use gateway::deleveraging::commitment::{Occasion, Tree};
use gateway::deleveraging::mirror::Mirror;
use gateway::deleveraging::secret::Secret;
use risk::deleveraging::{DeleveragingPolicy, Holder, allocate};
use risk::rounding::wide_mul;
use risk::{AccountId, Capacity, InstrumentId, Money, Position, Price, Qty, Side};
use serde::Serialize;

use crate::measure::{Spread, cpu_ns_per_op};
use crate::population::{BASE, account_at, spec};
use crate::random::Random;
use crate::report::{Report, Setting, table};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Numbers of holders.
    pub holders: Vec<u32>,
    /// Plans of each.
    pub runs: usize,
    /// The core to run on.
    pub core: usize,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick() -> Self {
        Self { holders: vec![300], runs: 3, core: 1 }
    }
}

/// One number of holders; CPU nanoseconds each.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Holders.
    pub holders: u32,
    /// Cuts of the plan.
    pub cuts: usize,
    /// The plan with all its parts.
    pub plan: Spread,
    /// Of that: weighing the holders.
    pub weighing: Spread,
    /// The tree that commits to them.
    pub tree: Spread,
    /// The allocation.
    pub allocation: Spread,
    /// One sort of the holders by leverage.
    pub sort: Spread,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub struct DeleveragingReport {
    /// Machine.
    pub setting: Setting,
    /// By number of holders.
    pub lines: Vec<Line>,
}

const HERE: InstrumentId = InstrumentId::new(0);
const SESSION: SessionId = SessionId::new(1);
/// Who bought from all.
const BUYERS: u32 = 8;

struct Feed {
    mirror: Mirror,
    seq: u64,
    orders: u64,
}

impl Feed {
    fn send(&mut self, command: &Command) {
        self.seq += 1;
        let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.seq * 1_000) };
        let events = self.mirror.apply(stamp, command);
        assert!(!events.iter().any(|event| matches!(event, engine::Event::Rejected { .. })), "{events:?}");
        while self.mirror.venue().pending() {
            self.seq += 1;
            let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.seq * 1_000) };
            self.mirror.apply(stamp, &Command::venue(Action::Continue));
        }
    }

    fn open(&mut self, account: AccountId, deposit: i64) {
        self.send(&Command::venue(Action::OpenAccount { account }));
        self.send(&Command::venue(Action::Deposit(Transfer::new(account, Money::new(deposit)))));
    }

    fn order(&mut self, account: AccountId, side: Side, qty: i64) {
        self.orders += 1;
        let order = NewOrder {
            account,
            instrument: HERE,
            side,
            qty: Qty::new(qty),
            limit: Some(Price::new(BASE)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        self.send(&Command::order(SESSION, ClientOrderId::new(self.orders), order));
    }
}

/// A mirror in which so many accounts are short.
fn populate(holders: u32) -> Mirror {
    let accounts = account_at(holders + BUYERS).get();
    let capacity = Capacity { accounts, legs: accounts, orders: 64 };
    let mut feed = Feed { mirror: Mirror::new(capacity), seq: 0, orders: 0 };
    feed.send(&Command::venue(Action::DefineInstrument { instrument: HERE, spec: Box::new(spec()) }));
    feed.send(&Command::venue(Action::index_price(HERE, Price::new(BASE).to_mark())));
    feed.send(&Command::venue(Action::OpenSession { session: SESSION }));
    for buyer in 0..BUYERS {
        feed.open(account_at(buyer), 1 << 54);
    }
    let mut random = Random::new(29);
    let lot = feed.mirror.venue().ledger().demand_for(HERE, Position::new(1), Money::ZERO).value.get();
    for number in 0..holders {
        let account = account_at(BUYERS + number);
        let lots = 10 + i64::from(random.below(1_000));
        // From 50 times leverage to none.
        let percent = 2 + i64::from(random.below(100));
        feed.open(account, (lots * lot * percent).div_euclid(100));
        feed.order(account, Side::Sell, lots);
        feed.order(account_at(number % BUYERS), Side::Buy, lots);
    }
    feed.mirror
}

/// A call for one lot in ten, at a loss of a hundredth.
fn call_of(mirror: &Mirror) -> OpenCall {
    let ledger = mirror.venue().ledger();
    let offered = Position::new(ledger.open_interest(HERE).get().div_euclid(10));
    let whole = ledger.demand_for(HERE, offered, Money::ZERO);
    let worth = whole.value.get() * whole.lots;
    let amount = Money::new(worth + worth.div_euclid(100));
    let demand = ledger.demand_for(HERE, offered, amount);
    let (policy, basis) = (DeleveragingPolicy::Water, mirror.last().seq);
    OpenCall { request: 1, basis, instrument: HERE, position: offered, demand, policy }
}

fn line(holders: u32, runs: usize) -> Line {
    let mirror = populate(holders);
    let (call, secret) = (call_of(&mirror), Secret::new([1; 32]));
    let occasion = Occasion { request: call.request, basis: call.basis };
    let known: Vec<Holder> = mirror.holders_against(&call).collect();
    assert_eq!(known.len(), holders as usize, "everybody is a holder");
    let plan = allocate(call.policy, call.demand, known.iter().copied());
    assert_eq!(plan.unallocated(), 0, "they can bear it");
    let cuts = plan.cuts().len();
    let mut samples = [const { Vec::new() }; 5];
    for _ in 0..runs.max(1) {
        let timed = [
            cpu_ns_per_op(1, || drop(black_box(mirror.plan(&call, &secret)))),
            cpu_ns_per_op(1, || drop(black_box(mirror.holders_against(&call).collect::<Vec<_>>()))),
            cpu_ns_per_op(1, || drop(black_box(Tree::build(&secret, occasion, &known)))),
            cpu_ns_per_op(1, || {
                drop(black_box(allocate(call.policy, call.demand, known.iter().copied())));
            }),
            cpu_ns_per_op(1, || {
                let mut sorted = known.clone();
                sorted.sort_unstable_by(|a, b| {
                    let over = wide_mul(b.open, a.equity.get());
                    over.cmp(&wide_mul(a.open, b.equity.get())).then(a.account.cmp(&b.account))
                });
                drop(black_box(sorted));
            }),
        ];
        for (samples, sample) in samples.iter_mut().zip(timed) {
            samples.push(sample);
        }
    }
    let [plan, weighing, tree, allocation, sort] = samples.map(|samples| Spread::of(&samples));
    Line { holders, cuts, plan, weighing, tree, allocation, sort }
}

/// Measures.
#[must_use]
pub fn run(options: &Options) -> DeleveragingReport {
    let setting = Setting::prepare(options.core);
    let lines = options.holders.iter().map(|&holders| line(holders, options.runs)).collect();
    DeleveragingReport { setting, lines }
}

impl Report for DeleveragingReport {
    fn text(&self) -> String {
        let head = ["holders", "cuts", "plan", "weighing", "tree", "allocation", "one sort"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for line in &self.lines {
            let mut row = vec![line.holders.to_string(), line.cuts.to_string()];
            let ms = |spread: &Spread| {
                let [median, min, max] = [spread.median, spread.min, spread.max].map(|ns| ns / 1e6);
                format!("{median:.2} [{min:.2} {max:.2}]")
            };
            row.extend([&line.plan, &line.weighing, &line.tree, &line.allocation, &line.sort].map(ms));
            rows.push(row);
        }
        format!(
            "{}\na plan of the deleveraging worker; CPU milliseconds, median [min max]\n{}",
            self.setting.line(),
            table(&rows)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_made_and_shown() {
        let report = run(&Options::quick());
        assert!(report.lines[0].cuts > 10);
        assert!(report.text().contains("allocation"));
    }
}
