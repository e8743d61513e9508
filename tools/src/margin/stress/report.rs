//! What a stress run found.
//!
//! Invariant: amounts are dollars rounded down; sums that must be nothing are counted to the last unit.

use std::fmt;

use risk::{AssetId, Mark};
use serde::Serialize;

use super::days::{Day, Days};
use super::desk::Desk;
use super::recorded::{Recording, Symbol};
use super::{IndexOf, StressArgs};
use crate::format::{decimal, grouped, hex};

/// Who was liquidated here and who with the perpetual's own price.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Comparison {
    /// Liquidated by the perpetual's own price.
    pub(super) liquidated_there: usize,
    /// Liquidated here only.
    pub(super) only_here: usize,
    /// When that first happened, and to how many.
    pub(super) only_here_at: Vec<(String, usize)>,
    /// Liquidated there only.
    pub(super) only_there: usize,
    /// Lowest mark of each instrument there.
    pub(super) lowest_marks: Vec<String>,
    /// State of the other run at its end.
    pub(super) digest: String,
}

/// See the module's documentation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Report {
    /// Accounts with portfolios.
    pub(super) accounts: u32,
    /// Seed.
    pub(super) seed: u64,
    /// What the index was made of.
    pub(super) index: String,
    /// Instruments.
    pub(super) symbols: Vec<String>,
    /// Prices played, four a bar.
    pub(super) steps: usize,
    /// Commands applied.
    pub(super) commands: u64,
    /// A row a day, and one for the end.
    pub(super) days: Vec<Day>,
    /// Accounts liquidated.
    pub(super) liquidated: usize,
    /// Warnings.
    pub(super) warnings: u64,
    /// Matches of liquidations.
    pub(super) liquidation_fills: u64,
    /// Liquidations that waited for a trusted index.
    pub(super) held: u64,
    /// Payments of funding.
    pub(super) funding_payments: u64,
    /// Refusals, by reason: who had not the margin for a position at the start.
    pub(super) rejects: Vec<(String, u64)>,
    /// Lowest mark of each instrument.
    pub(super) lowest_marks: Vec<String>,
    /// Accounts looked at by hourly scans of all.
    pub(super) scanned: u64,
    /// Of them, below maintenance margin and not found by the venue.
    pub(super) missed: u64,
    /// Balances less deposits plus settled costs, in money units: nothing where money is conserved.
    pub(super) unaccounted: i128,
    /// State at the end.
    pub(super) digest: String,
    /// Beside the perpetual's own price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) compared: Option<Comparison>,
}

/// Puts it together; verifies every kept sum of the venue.
pub(super) fn of(
    args: &StressArgs,
    index: IndexOf,
    recording: &Recording,
    desk: &mut Desk,
    mut days: Days,
) -> Report {
    let end = recording.steps.last().map_or(0, |step| step.time_ns);
    let last = days.scan(end, desk);
    days.rows.push(last);
    desk.venue.check();
    let ledger = desk.venue.ledger();
    let balances: i128 =
        ledger.accounts().map(|(account, _)| i128::from(ledger.balance(account, AssetId::BASE).get())).sum();
    let costs: i128 = ledger
        .accounts()
        .flat_map(|(account, _)| ledger.legs_of(account))
        .map(|(_, leg)| i128::from(leg.cost.get()))
        .sum();
    // Costs of open positions and costs settled to balances sum to nothing, so what balances lack is in open positions.
    let unaccounted = balances - i128::from(ledger.deposits()) - costs;
    Report {
        accounts: args.accounts,
        seed: args.seed,
        index: format!("{index:?}").to_lowercase(),
        symbols: recording.symbols.iter().map(|symbol| symbol.name.clone()).collect(),
        steps: recording.steps.len(),
        commands: desk.counts.commands,
        days: days.rows,
        liquidated: desk.liquidated.len(),
        warnings: desk.counts.warnings,
        liquidation_fills: desk.counts.liquidation_fills,
        held: desk.counts.held,
        funding_payments: desk.counts.funding_payments,
        rejects: desk.rejects.iter().map(|(reject, count)| (format!("{reject:?}"), *count)).collect(),
        lowest_marks: lowest(recording, desk),
        scanned: days.scanned,
        missed: days.missed,
        unaccounted,
        digest: hex(&desk.venue.digest().to_le_bytes()),
        compared: None,
    }
}

fn lowest(recording: &Recording, desk: &Desk) -> Vec<String> {
    let shown = |(symbol, mark): (&Symbol, &Mark)| {
        decimal(i128::from(mark.ceil_price().get()), symbol.price_decimals)
    };
    recording.symbols.iter().zip(&desk.lowest).map(shown).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: u64| grouped(i128::from(number));
        let dollars = |number: i64| grouped(i128::from(number));
        writeln!(f, "symbols      {}", self.symbols.join(" "))?;
        writeln!(f, "index        {}", self.index)?;
        writeln!(f, "accounts     {}, seed {}", number(u64::from(self.accounts)), self.seed)?;
        writeln!(
            f,
            "played       {} prices a symbol, {} commands",
            number(self.steps as u64),
            number(self.commands)
        )?;
        writeln!(
            f,
            "\n{:<10} {:>8} {:>15} {:>14} {:>8} {:>7} {:>8} {:>8} {:>8} {:>11} {:>15}",
            "date",
            "exposed",
            "exposure $",
            "equity $",
            "leverage",
            "warned",
            "calls",
            "liquid.",
            "taken",
            "covered $",
            "insurance $"
        )?;
        for day in &self.days {
            writeln!(
                f,
                "{:<10} {:>8} {:>15} {:>14} {:>8} {:>7} {:>8} {:>8} {:>8} {:>11} {:>15}",
                day.date,
                number(day.exposed),
                dollars(day.exposure),
                dollars(day.equity),
                format!(
                    "{}.{:02}",
                    day.leverage_e3.div_euclid(1_000),
                    day.leverage_e3.rem_euclid(1_000).div_euclid(10)
                ),
                number(day.warned),
                number(day.warnings),
                number(day.liquidations),
                number(day.takeovers),
                dollars(day.covered),
                dollars(day.insurance),
            )?;
        }
        self.write_end(f)
    }
}

impl Report {
    fn write_end(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: u64| grouped(i128::from(number));
        writeln!(
            f,
            "\nliquidated   {} accounts, {} matches in the book",
            self.liquidated,
            number(self.liquidation_fills)
        )?;
        writeln!(f, "lowest marks {}", self.lowest_marks.join(" "))?;
        writeln!(f, "held         {} until an index was trusted", number(self.held))?;
        writeln!(f, "funding      {} payments", number(self.funding_payments))?;
        for (reject, count) in &self.rejects {
            writeln!(f, "refused      {} x {reject}", number(*count))?;
        }
        writeln!(
            f,
            "missed       {} of {} looks at all accounts, hourly",
            self.missed,
            number(self.scanned)
        )?;
        writeln!(f, "conserved    {} money units unaccounted for", self.unaccounted)?;
        if let Some(compared) = &self.compared {
            writeln!(
                f,
                "perp price   liquidates {}; {} only here, {} only there",
                compared.liquidated_there, compared.only_here, compared.only_there
            )?;
            writeln!(f, "             lowest marks {}", compared.lowest_marks.join(" "))?;
            for (time, count) in &compared.only_here_at {
                writeln!(f, "             {count} only here at {time}")?;
            }
        }
        writeln!(f, "digest       {}", self.digest)
    }
}
