//! What does the margin check of an order cost, by positions of its account, and what share of the whole order is that?
//!
//! The check is risk's alone: what an order would make of its account, and whether equity covers it. It is asked of a
//! ledger of its own; what it admits is then reserved, not timed, so that every check finds what a venue's would.
#![expect(clippy::float_arithmetic, reason = "shares of a report")]

use std::hint::black_box;

use engine::Events;
use risk::{
    AccountId, AssetId, AssetSpec, Candidate, Capacity, DebtTerms, InstrumentId, Ledger, Mark, Money,
    OrderSlot, Price, Prices, Qty, Rate, Side, Slice, Weight,
};
use serde::Serialize;

use crate::apply::timed_section;
use crate::flow::{Kind, record};
use crate::measure::{Spread, cpu_ns_per_op};
use crate::population::{BASE, Population, TICK, Terms, account_at, spec};
use crate::random::Random;
use crate::report::{Report, Setting, table};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Accounts.
    pub accounts: u32,
    /// Numbers of positions.
    pub legs: Vec<u32>,
    /// Orders of each account that are checked.
    pub orders: u32,
    /// The core to run on.
    pub core: usize,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick() -> Self {
        Self { accounts: 20, legs: vec![1, 20], orders: 3, core: 1 }
    }
}

/// What has happened before an order is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, clap::ValueEnum)]
pub enum Before {
    /// Nothing but the account's last order: its legs are remembered.
    Nothing,
    /// A price of every instrument: every leg is valued anew.
    Prices,
    /// The same, and the account has a second asset, so that it is assessed whole.
    Assets,
}

impl Before {
    const ALL: [Self; 3] = [Self::Nothing, Self::Prices, Self::Assets];
}

/// By number of positions.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Positions of each account.
    pub legs: u32,
    /// CPU nanoseconds per check, in the order of [`Before`].
    pub ns_per_check: [Spread; 3],
    /// CPU nanoseconds of a whole order that rests, in a venue whose accounts have as many positions.
    pub ns_per_order: Spread,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub struct MarginReport {
    /// Machine.
    pub setting: Setting,
    /// Accounts.
    pub accounts: u32,
    /// By number of positions.
    pub lines: Vec<Line>,
}

const COIN: AssetId = AssetId::new(1);
const LOTS: Qty = Qty::new(10);

/// Accounts with positions, and the orders they ask for.
struct Desk {
    ledger: Ledger,
    random: Random,
    accounts: u32,
    legs: u32,
    next_slot: u32,
}

/// Checks that are timed and what they were asked.
struct Round {
    candidates: Vec<Candidate>,
}

impl Desk {
    fn new(accounts: u32, legs: u32, orders: u32, has_coins: bool) -> Self {
        let capacity = Capacity {
            accounts: account_at(accounts + 1).get(),
            legs: (accounts + 1) * legs,
            orders: accounts * orders,
        };
        let mut ledger = Ledger::new(capacity);
        for number in 0..legs {
            ledger.define(spec().compile().expect("a valid instrument"));
            ledger.set_index(InstrumentId::new(number), Price::new(BASE).to_mark());
        }
        if has_coins {
            ledger.define_asset(
                coin().compile(ledger.instrument(InstrumentId::new(0))).expect("a valid asset"),
            );
        }
        let mut desk = Self { ledger, random: Random::new(41), accounts, legs, next_slot: 0 };
        for index in 0..=accounts {
            desk.ledger.open_account(account_at(index));
            desk.ledger.transfer(account_at(index), AssetId::BASE, Money::new(1 << 45));
            if has_coins {
                desk.ledger.transfer(account_at(index), COIN, Money::new(1 << 30));
            }
        }
        for index in 0..accounts {
            desk.take_positions(account_at(index));
        }
        desk
    }

    /// Trades with the last account, which stands against all.
    fn take_positions(&mut self, account: AccountId) {
        for number in 0..self.legs {
            let instrument = InstrumentId::new(number);
            let taker = self.ledger.leg_for(account, instrument);
            let maker = self.ledger.leg_for(account_at(self.accounts), instrument);
            let side = if self.random.coin() { Side::Buy } else { Side::Sell };
            self.ledger.settle_trade(taker, maker, side, Price::new(BASE), LOTS);
            self.ledger.assert_conserved();
        }
    }

    /// A price of every instrument, near the last.
    fn move_prices(&mut self) {
        for number in 0..self.legs {
            let price = Price::new(BASE).to_mark().get() + i64::from(self.random.below(2_000));
            let (index, mark) = (Mark::new(price), Mark::new(price));
            self.ledger.set_prices(InstrumentId::new(number), Prices { index, mark, stable: None });
        }
    }

    /// An order of every account, below the mark.
    fn round(&mut self) -> Round {
        let candidate = |index| {
            let (account, instrument) = (account_at(index), InstrumentId::new(self.random.below(self.legs)));
            let price = Price::new(BASE - TICK * i64::from(1 + self.random.below(100)));
            let leg = self.ledger.find_leg(account, instrument);
            let (side, qty) = (Side::Buy, LOTS);
            Candidate { account, instrument, leg, side, price, qty, reduce_only: false, replaces: None }
        };
        Round { candidates: (0..self.accounts).map(candidate).collect() }
    }

    /// Reserves what was admitted.
    fn reserve(&mut self, round: &Round) {
        for candidate in &round.candidates {
            let Some(leg) = candidate.leg else { continue };
            let slot = OrderSlot::new(self.next_slot);
            self.next_slot += 1;
            let Candidate { side, price, qty, .. } = *candidate;
            self.ledger.reserve(slot, leg, side, price, qty, Weight::Full);
            self.ledger.stands_as_admitted(leg);
            self.ledger.begin_resting(slot);
        }
    }

    fn prepare(&mut self, before: Before) -> Round {
        if before != Before::Nothing {
            self.move_prices();
        }
        self.round()
    }
}

/// The checks to time, apart from everything else, so that a profiler can be told to look at nothing but this.
#[inline(never)]
fn check_timed_section(desk: &mut Desk, round: &Round) {
    for candidate in &round.candidates {
        let prospect = desk.ledger.prospect(candidate);
        let admitted = black_box(desk.ledger.admit(&prospect));
        assert!(admitted.is_ok(), "there is margin for all of them");
    }
}

fn coin() -> AssetSpec {
    AssetSpec {
        symbol: *b"COIN\0\0\0\0\0\0\0\0\0\0\0\0",
        decimals: 8,
        priced_by: InstrumentId::new(0),
        weights: vec![Slice { cap: Money::new(1 << 50), weight: Rate::new(950_000_000) }],
        liability_weight: Rate::ONE,
        wrong_way: Rate::new(0),
        full_weight_total: Money::ZERO,
        deposit_max: Money::new(1 << 55),
        conversion_haircut: Rate::new(50_000_000),
        debt: DebtTerms::FREE,
        spend_rank: 1,
    }
}

/// One round that is not timed, then `orders`; nanoseconds per check of each.
fn checks(accounts: u32, legs: u32, orders: u32, before: Before) -> Spread {
    let mut desk = Desk::new(accounts, legs, orders + 1, before == Before::Assets);
    let mut ns = Vec::new();
    for _ in 0..=orders {
        let round = desk.prepare(before);
        ns.push(cpu_ns_per_op(round.candidates.len(), || check_timed_section(&mut desk, &round)));
        desk.reserve(&round);
    }
    Spread::of(&ns[1..])
}

/// Whole orders that rest, in a venue.
fn whole_orders(accounts: u32, legs: u32, orders: u32) -> Spread {
    let count = accounts * orders;
    let (instruments, resting) = (legs.max(8), accounts);
    let terms = Terms { accounts, instruments, legs, resting, room: count, fixed_qty: Some(10), seed: 43 };
    let flow = record(terms, count as usize, Some(Kind::Rest));
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let run = || {
        let mut feeder = Population::build(terms).feeder;
        cpu_ns_per_op(flow.commands.len(), || timed_section(&mut feeder, &flow, &mut events))
    };
    let ns: Vec<f64> = std::iter::repeat_with(run).take(3).collect();
    Spread::of(&ns)
}

/// Measures every number of positions.
#[must_use]
pub fn run(options: &Options) -> MarginReport {
    let setting = Setting::prepare(options.core);
    let Options { accounts, orders, .. } = *options;
    let line = |&legs: &u32| Line {
        legs,
        ns_per_check: Before::ALL.map(|before| checks(accounts, legs, orders, before)),
        ns_per_order: whole_orders(accounts, legs, orders),
    };
    MarginReport { setting, accounts, lines: options.legs.iter().map(line).collect() }
}

/// Checks one order of each account after one that is not counted, for a profiler; how many it checked.
#[must_use]
pub fn run_once(accounts: u32, legs: u32, before: Before) -> usize {
    let mut desk = Desk::new(accounts, legs, 2, before == Before::Assets);
    let round = desk.prepare(before);
    for candidate in &round.candidates {
        let prospect = desk.ledger.prospect(candidate);
        assert!(desk.ledger.admit(&prospect).is_ok(), "there is margin for all of them");
    }
    desk.reserve(&round);
    let round = desk.prepare(before);
    check_timed_section(&mut desk, &round);
    round.candidates.len()
}

impl Report for MarginReport {
    fn text(&self) -> String {
        let heads =
            ["positions", "remembered", "after prices", "two assets", "whole order", "share, remembered"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        let spread = |of: &Spread| format!("{:.1} ({:.1}-{:.1})", of.median, of.min, of.max);
        rows.extend(self.lines.iter().map(|line| {
            let [remembered, prices, assets] = &line.ns_per_check;
            let share = 100.0 * remembered.median / line.ns_per_order.median;
            let whole = spread(&line.ns_per_order);
            vec![
                line.legs.to_string(),
                spread(remembered),
                spread(prices),
                spread(assets),
                whole,
                format!("{share:.0} %"),
            ]
        }));
        format!(
            "{}\nmargin check of an order, {} accounts; CPU ns per order, median of rounds (min-max)\n{}",
            self.setting.line(),
            self.accounts,
            table(&rows)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_admits() {
        let report = run(&Options::quick());
        assert_eq!(report.lines.len(), 2, "{}", report.text());
        assert_eq!(Before::ALL.map(|before| run_once(20, 3, before)), [20; 3]);
    }

    #[test]
    fn what_is_remembered_is_what_is_required() {
        // An odd number, so that the account against all is flat nowhere.
        let mut desk = Desk::new(21, 3, 4, false);
        for _ in 0..4 {
            let round = desk.prepare(Before::Nothing);
            check_timed_section(&mut desk, &round);
            desk.reserve(&round);
            desk.ledger.check();
        }
    }
}
