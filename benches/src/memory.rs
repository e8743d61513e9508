//! How much memory does a resting order take, a book that is spread over many prices, and an account with one position?
//!
//! Measured as the growth of this process's resident set while the venue is filled through commands, so it counts what
//! the machine has to hold: pages once touched, room reserved and never touched left out.
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "bytes per item are quotients")]

use std::fs;

use anyhow::Context;
use engine::book::Book;
use engine::orders::{NewSlot, Orders, Terms as OrderTerms};
use engine::{ClientOrderId, SessionId};
use risk::{AccountId, InstrumentId, Qty, Side};
use serde::Serialize;

use crate::population::{Population, Terms};
use crate::report::{Report, Setting, table};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Orders to rest.
    pub orders: u32,
    /// Accounts to open, each with one position.
    pub accounts: u32,
    /// Prices a book is spread over.
    pub prices: u32,
    /// The core to run on.
    pub core: usize,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub const fn quick() -> Self {
        Self { orders: 2_000, accounts: 2_000, prices: 10_000, core: 1 }
    }
}

/// Bytes per item of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What was added.
    pub what: &'static str,
    /// How many.
    pub count: u32,
    /// Resident bytes each added.
    pub bytes_each: f64,
}

/// All figures.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryReport {
    /// Machine.
    pub setting: Setting,
    /// Prices a book is spread over.
    pub prices: u32,
    /// Figures.
    pub lines: Vec<Line>,
}

/// Measures all.
///
/// # Errors
/// Where `/proc/self/status` does not say how much is resident.
pub fn run(options: &Options) -> anyhow::Result<MemoryReport> {
    let setting = Setting::prepare(options.core);
    // Kept to the end: memory given back would hide the growth of what comes after.
    let (every, _every) = spread("order, one at each of the prices", options.prices, 1)?;
    let (sparse, _sparse) = spread("order, one at each 512th of the prices", options.prices, 512)?;
    let lines = vec![per_order(options.orders)?, per_account(options.accounts)?, every, sparse];
    Ok(MemoryReport { setting, prices: options.prices, lines })
}

/// A bare book over `prices`, with an order at one in `step` of them: buys below the middle, sells from there on.
fn spread(what: &'static str, prices: u32, step: u32) -> anyhow::Result<(Line, (Book, Orders))> {
    let count = prices.div_ceil(step);
    let before = resident()?;
    let (mut book, mut orders) = (Book::new(prices), Orders::with_capacity(count));
    for index in 0..count {
        let key = index * step;
        let slot = orders.allocate(&NewSlot {
            instrument: InstrumentId::new(0),
            account: AccountId::new(16),
            side: if key < prices >> 1 { Side::Buy } else { Side::Sell },
            key,
            qty: Qty::new(1),
            reduce_only: false,
            persistent: false,
            terms: OrderTerms::new(SessionId::new(1), ClientOrderId::new(u64::from(index) + 1)),
        });
        book.rest(&mut orders, slot);
    }
    Ok((line(what, count, before, resident()?), (book, orders)))
}

fn per_order(orders: u32) -> anyhow::Result<Line> {
    let (accounts, instruments, legs) = (1_000, 8, 3);
    let terms = Terms { accounts, instruments, legs, resting: orders, room: 0, fixed_qty: None, seed: 31 };
    let mut population = Population::with_positions(terms);
    let before = resident()?;
    for _ in 0..orders {
        let order = population.passive_order();
        population.feeder.send(&order);
    }
    let after = resident()?;
    anyhow::ensure!(population.feeder.rejects == 0, "every order rests");
    Ok(line("resting order", orders, before, after))
}

fn per_account(accounts: u32) -> anyhow::Result<Line> {
    let terms = Terms { accounts, instruments: 8, legs: 1, resting: 0, room: 0, fixed_qty: None, seed: 32 };
    let mut population = Population::without_accounts(terms);
    let before = resident()?;
    population.open_accounts();
    population.trade_positions();
    let after = resident()?;
    anyhow::ensure!(population.feeder.rejects == 0, "every position was traded");
    Ok(line("account with one position and its session", accounts, before, after))
}

fn line(what: &'static str, count: u32, before: u64, after: u64) -> Line {
    Line { what, count, bytes_each: after.saturating_sub(before) as f64 / f64::from(count.max(1)) }
}

/// Resident bytes of this process.
pub(crate) fn resident() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("the resident set is read from /proc")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS line")?;
    let kib: u64 = line.split_whitespace().nth(1).context("VmRSS without a number")?.parse()?;
    Ok(kib * 1024)
}

impl Report for MemoryReport {
    fn text(&self) -> String {
        let mut rows = vec![["what", "count", "bytes each"].map(str::to_owned).to_vec()];
        rows.extend(self.lines.iter().map(|line| {
            vec![line.what.to_owned(), line.count.to_string(), format!("{:.0}", line.bytes_each)]
        }));
        format!(
            "memory: growth of the resident set; books spread over {} prices\n{}",
            self.prices,
            table(&rows)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_taken() {
        assert_eq!(run(&Options::quick()).expect("Linux has /proc").lines.len(), 4);
    }
}
