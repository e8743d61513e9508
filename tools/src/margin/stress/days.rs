//! A row a day: what all accounts hold and owe, and what happened since the row before.
//!
//! Invariant: once an hour every account is looked at, and one below maintenance margin that is not in liquidation is
//! counted as missed.

use risk::{AccountState, Money, Requirement};
use serde::Serialize;

use super::desk::{Counts, DOLLAR, Desk};
use crate::format::utc;

const HOUR_NS: u64 = 3_600_000_000_000;
const DAY_NS: u64 = 24 * HOUR_NS;

/// A day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Day {
    /// Date, UTC.
    pub(super) date: String,
    /// Accounts with a position.
    pub(super) exposed: u64,
    /// Their exposure, in dollars.
    pub(super) exposure: i64,
    /// Their equity, in dollars.
    pub(super) equity: i64,
    /// Exposure over equity, in thousandths.
    pub leverage_e3: i64,
    /// Of them, warned ones.
    pub(super) warned: u64,
    /// Warnings since the day before.
    pub(super) warnings: u64,
    /// Liquidations begun since then.
    pub(super) liquidations: u64,
    /// Legs the insurance account took over.
    pub(super) takeovers: u64,
    /// What it paid for debts, in dollars.
    pub(super) covered: i64,
    /// What the insurance account is worth, in dollars.
    pub(super) insurance: i64,
}

/// Days as they pass.
#[derive(Debug)]
pub(super) struct Days {
    pub(super) rows: Vec<Day>,
    /// Accounts looked at by scans.
    pub(super) scanned: u64,
    /// Of them, those that the venue should have found.
    pub(super) missed: u64,
    hour: u64,
    day: u64,
    before: Counts,
}

impl Days {
    pub(super) fn new(desk: &Desk) -> Self {
        Self { rows: Vec::new(), scanned: 0, missed: 0, hour: 0, day: 0, before: desk.counts }
    }

    /// Time has come to here.
    pub(super) fn at(&mut self, time_ns: u64, desk: &mut Desk) {
        let (hour, day) = (time_ns.div_euclid(HOUR_NS), time_ns.div_euclid(DAY_NS));
        if hour != self.hour {
            self.hour = hour;
            let row = self.scan(time_ns, desk);
            if day != self.day {
                self.day = day;
                self.rows.push(row);
                self.before = desk.counts;
            }
        }
    }

    /// Looks at every account.
    pub(super) fn scan(&mut self, time_ns: u64, desk: &Desk) -> Day {
        let ledger = desk.venue.ledger();
        let (mut exposed, mut exposure, mut equity, mut warned) = (0, 0_i128, 0_i128, 0);
        for (account, known) in ledger.accounts().filter(|(account, _)| !account.is_system()) {
            let now = ledger.assess(account);
            self.scanned += 1;
            let is_watched = known.state == AccountState::Active;
            self.missed += u64::from(is_watched && now.is_below_maintenance());
            // The market maker is rich beyond measure, and would hide the others.
            if now.exposure == Money::ZERO || account == super::desk::MAKER {
                continue;
            }
            exposed += 1;
            exposure += i128::from(now.exposure.get());
            equity += i128::from(now.equity.get());
            warned += u64::from(now.slack(risk::Level::Warning) < Requirement::ZERO);
        }
        let since = |now: u64, before: u64| now - before;
        let (counts, before) = (&desk.counts, &self.before);
        let insurance = ledger.assess(risk::AccountId::INSURANCE).equity;
        let dollars = |money: i128| i64::try_from(money.div_euclid(i128::from(DOLLAR))).unwrap_or(i64::MAX);
        Day {
            date: utc(time_ns).chars().take(10).collect(),
            exposed,
            exposure: dollars(exposure),
            equity: dollars(equity),
            leverage_e3: i64::try_from((exposure * 1_000).div_euclid(equity.max(1))).unwrap_or(i64::MAX),
            warned,
            warnings: since(counts.warnings, before.warnings),
            liquidations: since(counts.liquidations, before.liquidations),
            takeovers: since(counts.takeovers, before.takeovers),
            covered: dollars(i128::from(counts.covered - before.covered)),
            insurance: dollars(i128::from(insurance.get())),
        }
    }
}
