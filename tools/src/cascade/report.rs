//! What a cascade came to.
//!
//! Invariant: amounts are in the smallest unit of money, millionths of a dollar; quantities in lots.

use std::fmt;

use serde::Serialize;

use super::desk::Desk;
use super::latency::{Latencies, Quantiles};
use super::watch::Outcome;
use super::{CascadeArgs, INTERVAL_MS};
use crate::format::{decimal, group_whole, grouped};

/// See the module's documentation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// Accounts with leveraged positions.
    pub accounts: u32,
    /// Seed.
    pub seed: u64,
    /// How holders share.
    pub policy: String,
    /// What rests in the books.
    pub depth: String,
    /// The line that repeats it.
    pub repeat: String,
    /// Whether money and positions sum to what came in, and every account is what events made it.
    pub conserved: bool,
    /// Accounts that end with equity below zero.
    pub below_zero: u64,
    /// Accounts that went below maintenance margin.
    pub liquidated: usize,
    /// How often one did.
    pub liquidations: u64,
    /// Steps taken through books.
    pub steps: u64,
    /// Matches of these.
    pub liquidation_fills: u64,
    /// Positions that the backstop account took over.
    pub backstop_takeovers: u64,
    /// Deleveragings.
    pub requests: u64,
    /// Calls for a plan; more than deleveragings where a plan left something.
    pub calls: u64,
    /// Plans of the worker.
    pub plans_by_worker: u64,
    /// Plans of the venue itself.
    pub plans_by_venue: u64,
    /// Cuts.
    pub cuts: u64,
    /// Lots cut.
    pub adl_lots: i64,
    /// Lots of the positions that were handed to deleveraging, after book, fund and backstop account were tried, less those
    /// that nobody could bear.
    pub adl_lots_minimum: i64,
    /// Accounts that were cut.
    pub accounts_hit: usize,
    /// Cuts of accounts that held nothing on the other side.
    pub untouched_violations: u64,
    /// What bankrupt accounts lacked.
    pub deficit: i64,
    /// What the fund paid of it.
    pub insurance_used: i64,
    /// What the fund received as liquidation fees.
    pub insurance_earned: i64,
    /// What handed-over positions cost beyond their value when they were handed over, after the fund; negative where they
    /// cost less.
    pub offered_loss: i64,
    /// What they lost with the mark until they were cut.
    pub drift: i64,
    /// What cut accounts paid beyond the value of what they took over, at the mark of each cut.
    pub haircuts: i64,
    /// What nobody paid.
    pub bad_debt: i64,
    /// Lots that nobody could bear.
    pub unbearable_lots: i64,
    /// Instruments that were halted.
    pub halted: usize,
    /// Simulated time until the venue was at rest, in milliseconds.
    pub simulated_ms: u64,
    /// Commands, continuations counted in.
    pub commands: u64,
    /// Events.
    pub events: u64,
    /// Orders refused after the set-up.
    pub rejects: u64,
    /// Guarantees that did not hold.
    pub violated: u64,
    /// The first of them in words.
    pub violations: Vec<String>,
    /// State at the end.
    pub digest: String,
    /// Times of unrelated orders, where they were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latencies>,
}

impl Report {
    /// Whether every guarantee held.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.conserved
            && self.below_zero == 0
            && self.untouched_violations == 0
            && self.violated == 0
            && self.adl_lots == self.adl_lots_minimum
    }

    fn show_haircuts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  haircuts     {} paid for {} offered beyond value and {} lost until the cuts",
            dollars(self.haircuts),
            dollars(self.offered_loss),
            dollars(self.drift)
        )
    }
}

pub(super) fn of(args: &CascadeArgs, desk: &Desk, outcome: &Outcome, intervals: u64) -> Report {
    let watch = &desk.watch;
    let sums = &watch.sums;
    Report {
        accounts: args.accounts,
        seed: args.seed,
        policy: args.policy.name().to_owned(),
        depth: args.depth.name().to_owned(),
        repeat: args.line(),
        conserved: outcome.conserved,
        below_zero: outcome.below_zero,
        liquidated: watch.liquidated(),
        liquidations: sums.liquidations,
        steps: sums.steps,
        liquidation_fills: sums.liquidation_fills,
        backstop_takeovers: sums.backstop_takeovers,
        requests: sums.requests,
        calls: sums.calls,
        plans_by_worker: sums.plans_by_worker,
        plans_by_venue: sums.plans_by_venue,
        cuts: sums.cuts,
        adl_lots: sums.adl_lots,
        adl_lots_minimum: sums.offered_lots - sums.unbearable_lots,
        accounts_hit: watch.victims.len(),
        untouched_violations: sums.untouched_violations,
        deficit: sums.deficit,
        insurance_used: sums.insurance_used,
        insurance_earned: sums.insurance_earned,
        offered_loss: sums.offered_loss,
        drift: sums.drift,
        haircuts: sums.haircuts,
        bad_debt: sums.bad_debt,
        unbearable_lots: sums.unbearable_lots,
        halted: watch.halted(),
        simulated_ms: intervals * INTERVAL_MS,
        commands: desk.commands(),
        events: sums.events,
        rejects: watch.rejects(),
        violated: watch.violated,
        violations: watch.violations.clone(),
        digest: format!("{:032x}", desk.venue.digest()),
        latency: desk.latency.as_ref().map(super::latency::Latency::figures),
    }
}

/// An amount in dollars.
pub(super) fn dollars(amount: i64) -> String {
    group_whole(&decimal(i128::from(amount), super::MONEY_DECIMALS))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: u64| grouped(i128::from(number));
        let lots = |number: i64| grouped(i128::from(number));
        writeln!(
            f,
            "cascade        {} accounts, {} depth, {} policy, seed {}; at rest after {} ms",
            count(self.accounts.into()),
            self.depth,
            self.policy,
            self.seed,
            count(self.simulated_ms)
        )?;
        writeln!(
            f,
            "liquidations   {} of {} accounts, {} steps, {} matches",
            count(self.liquidations),
            grouped(self.liquidated as i128),
            count(self.steps),
            count(self.liquidation_fills)
        )?;
        writeln!(
            f,
            "deficit        {} lacked; the fund paid {} and received {} in fees",
            dollars(self.deficit),
            dollars(self.insurance_used),
            dollars(self.insurance_earned)
        )?;
        writeln!(f, "backstop       {} positions taken over", count(self.backstop_takeovers))?;
        writeln!(
            f,
            "deleveraging   {} requests, {} calls, {} plans of the worker, {} of the venue, {} cuts",
            count(self.requests),
            count(self.calls),
            count(self.plans_by_worker),
            count(self.plans_by_venue),
            count(self.cuts)
        )?;
        writeln!(
            f,
            "  lots         {} cut of {} that had to be, {} accounts hit, {} of them wrongly",
            lots(self.adl_lots),
            lots(self.adl_lots_minimum),
            grouped(self.accounts_hit as i128),
            count(self.untouched_violations)
        )?;
        self.show_haircuts(f)?;
        writeln!(
            f,
            "bad debt       {}; {} lots nobody could bear, {} instruments halted",
            dollars(self.bad_debt),
            lots(self.unbearable_lots),
            self.halted
        )?;
        if let Some(latency) = &self.latency {
            show_latency(f, latency)?;
        }
        let conserved = if self.conserved { "conserved" } else { "NOT CONSERVED" };
        writeln!(
            f,
            "guarantees     {conserved}; {} accounts below zero; {} violated in {} commands, {} events",
            count(self.below_zero),
            count(self.violated),
            count(self.commands),
            count(self.events)
        )?;
        writeln!(f, "state digest   {}", self.digest)
    }
}

fn show_latency(f: &mut fmt::Formatter<'_>, latency: &Latencies) -> fmt::Result {
    let mut row = |name: &str, of: &Quantiles| {
        let [p50, p99, p999, max] = [of.p50, of.p99, of.p999, of.max].map(|nanos| grouped(nanos.into()));
        writeln!(
            f,
            "  {name:24} p50 {p50} ns, p99 {p99} ns, p99.9 {p999} ns, longest {max} ns ({})",
            of.count
        )
    };
    row("unrelated, before", &latency.apply_before)?;
    row("unrelated, during", &latency.apply_during)?;
    row("step between orders", &latency.step)?;
    row("others kept out, before", &latency.blocked_before)?;
    row("others kept out, during", &latency.blocked_during)
}
