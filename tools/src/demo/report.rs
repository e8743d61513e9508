//! The summary of a demonstration, as a table for people and as one JSON object for programs.
//!
//! Invariant: the JSON keys are stable; new ones may be added. Floats are shown here and computed with nowhere.

use std::collections::BTreeMap;
use std::fmt;

use engine::Venue;
use gateway::log::Durability;
use gateway::replay::Replayed;
use gateway::runner::Mode;
use hdrhistogram::Histogram;
use risk::{InstrumentId, Rate};
use serde::Serialize;

use super::heard::Heard;
use super::tally::Tally;
use super::{Live, Options, Read, Source, Verdict, insurance, is_conserved, played_for};
use crate::flow::{Flow, Note};
use crate::format::{decimal, group_whole, grouped};

/// Latency in microseconds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Percentiles {
    /// Half are below.
    pub p50: f64,
    /// 90 % are below.
    pub p90: f64,
    /// 99 % are below.
    pub p99: f64,
    /// 99.9 % are below.
    pub p99_9: f64,
    /// The longest.
    pub max: f64,
}

impl Percentiles {
    fn of(latency_ns: &Histogram<u64>) -> Self {
        let at = |quantile| microseconds(latency_ns.value_at_quantile(quantile));
        let max = microseconds(latency_ns.max());
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p99_9: at(0.999), max }
    }
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a latency, shown to people; no money"
)]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

/// A holder's cut, computed again by `fulcrum audit`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Receipt {
    /// The command that cut it.
    pub seq: u64,
    /// Whose.
    pub account: u32,
    /// Lots it gave up then.
    pub lots: i64,
    /// What it paid beyond value, in millionths of a dollar.
    pub haircut: i64,
    /// Cuts of the log that were computed again.
    pub compared: u64,
    /// Whether everything is what the rule gives, its proof included where the plan commits to its holders.
    pub verified: bool,
    /// Whether there was a proof.
    pub proven: bool,
}

/// What would be liquidated while the mark of an instrument moves by so much.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct MapRow {
    /// Which.
    pub instrument: u32,
    /// Percent of the mark; below zero it falls and longs are liquidated.
    pub percent: i64,
    /// Positions liquidated on the way from the step before.
    pub positions: u32,
    /// Their quantity.
    pub quantity: i64,
    /// What rests in the book there that would take it.
    pub resting: i64,
}

/// Steps of the map on each side, of so many percent each.
const MAP_STEPS: u16 = 4;
const MAP_PERCENT: i64 = 5;

fn map_of(venue: &Venue) -> Vec<MapRow> {
    let width = Rate::new(50_000_000);
    let mut rows = Vec::new();
    for number in 0..venue.ledger().instruments() {
        let mut sides: Vec<MapRow> = Vec::new();
        let mut from = Some(0);
        while let Some(page) = from {
            let Ok(map) = venue.liquidation_map(InstrumentId::new(number), width, MAP_STEPS, page) else {
                break;
            };
            let longs = map.longs.iter().zip(1_i64..).map(|(step, at)| (-at, step));
            let shorts = map.shorts.iter().zip(1_i64..);
            let steps = longs.chain(shorts.map(|(step, at)| (at, step)));
            for (place, (at, step)) in steps.enumerate() {
                if sides.len() == place {
                    let (percent, resting) = (at * MAP_PERCENT, step.depth.get());
                    sides.push(MapRow { instrument: number, percent, positions: 0, quantity: 0, resting });
                }
                sides[place].positions += step.positions;
                sides[place].quantity += step.qty.get();
            }
            from = map.next;
        }
        sides.sort_by_key(|row| row.percent);
        rows.extend(sides);
    }
    rows
}

/// What a demonstration found. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// `modelled` or `lobster:FILE`.
    pub flow: String,
    /// Seed of modelled flow.
    pub seed: Option<u64>,
    /// `none` or `local`.
    pub durability: &'static str,
    /// `shared` or `dedicated`.
    pub mode: &'static str,
    /// `tcp` or `in process`.
    pub transport: &'static str,
    /// Sessions: over TCP one for every account, one of the operator, one of the oracle.
    pub sessions: usize,
    /// Commands submitted.
    pub commands: u64,
    /// Continuations the venue injected.
    pub continuations: u64,
    /// Events of all kinds.
    pub events: u64,
    /// New orders.
    pub orders: u64,
    /// Cancels.
    pub cancels: u64,
    /// Amendments.
    pub amendments: u64,
    /// Index prices.
    pub index_prices: u64,
    /// Matches.
    pub fills: u64,
    /// Rejects.
    pub rejects: u64,
    /// Rejects by reason.
    pub rejects_by_reason: BTreeMap<String, u64>,
    /// Warnings of accounts that came near their maintenance margin.
    pub warnings: u64,
    /// Liquidations.
    pub liquidations: u64,
    /// Matches of liquidations.
    pub liquidation_fills: u64,
    /// Orders cancelled by liquidations.
    pub liquidation_cancels: u64,
    /// Steps of liquidations through the books.
    pub liquidation_steps: u64,
    /// Positions that the backstop account took over.
    pub takeovers: u64,
    /// What the insurance fund paid, an exact decimal; absent when the log did not verify.
    pub insurance_used: Option<String>,
    /// Deleveragings.
    pub deleveragings: usize,
    /// Plans for them that the worker made.
    pub deleveraging_plans_by_worker: u64,
    /// Quantity that holders of the other side gave up.
    pub deleveraged_quantity: i64,
    /// Holders who gave up something.
    pub accounts_hit: usize,
    /// Leverage that they were cut to by the last plan that levelled any.
    pub deleveraging_level: Option<String>,
    /// What nobody paid.
    pub bad_debt: Option<String>,
    /// What would be liquidated as the mark of each instrument moves; absent when the log did not verify.
    pub liquidation_map: Option<Vec<MapRow>>,
    /// A holder's cut, computed again from the log.
    pub receipt: Option<Receipt>,
    /// Insurance account's balance, an exact decimal; absent when the log did not verify.
    pub insurance_balance: Option<String>,
    /// Its equity: the balance and what the positions it took over are worth.
    pub insurance_equity: Option<String>,
    /// Whether money and positions are conserved.
    pub conserved: bool,
    /// Whether the log replays to the same events and the same state.
    pub verified: bool,
    /// What the sessions were told over TCP, the same as the log says they had to be told where it is verified.
    pub told: Option<Heard>,
    /// Whether the same commands in process come to the same fills, books and digest; absent where the run was in process
    /// itself, or the log did not verify.
    pub in_process_agrees: Option<bool>,
    /// Whether somebody interrupted the run.
    pub interrupted: bool,
    /// Commands per second, from the first submission to the last durable outcome.
    pub throughput_per_s: u64,
    /// Microseconds from request to answer (in process: from submission to durability) with at most [`super::drive::WINDOW`] commands in flight.
    pub ack_latency_us: Percentiles,
    /// Digest of the final state.
    pub digest: String,
    /// Checkpoints compared by the verification.
    pub checkpoints: u64,
    /// Commands per second of the verification.
    pub replay_per_s: u64,
    /// Milliseconds of play.
    pub elapsed_ms: u64,
    /// Where the log was kept.
    pub log: Option<String>,
    /// What the flow counted itself.
    #[serde(flatten)]
    pub notes: BTreeMap<&'static str, u64>,
}

impl Summary {
    pub(super) fn new(
        options: &Options,
        flow: &dyn Flow,
        live: &Live,
        read: Option<&Read>,
        verdict: Verdict,
        receipt: Option<Receipt>,
    ) -> Self {
        let none = Tally::new();
        let tally = live.tally.as_ref().or(read.map(|read| &read.tally)).unwrap_or(&none);
        let replayed = read.map(|read| &read.replayed);
        let ledger = replayed.map(|replayed| replayed.venue.ledger());
        let decimals = ledger
            .and_then(|ledger| ledger.find_instrument(InstrumentId::new(0)))
            .map_or(0, |instrument| instrument.spec.money_decimals);
        let shown = |amount: i64| decimal(i128::from(amount), decimals);
        let elapsed = played_for(live);
        let rate = (u128::from(tally.commands) * 1_000_000_000).checked_div(elapsed.as_nanos()).unwrap_or(0);
        Self {
            flow: match &options.source {
                Source::Modelled(_) => "modelled".to_owned(),
                Source::Lobster(path, _) => format!("lobster:{}", path.display()),
            },
            seed: match &options.source {
                Source::Modelled(size) => Some(size.seed),
                Source::Lobster(..) => None,
            },
            durability: durability_name(options.durability),
            mode: mode_name(options.layout.mode),
            transport: if options.in_process { "in process" } else { "tcp" },
            sessions: live.sessions,
            commands: tally.commands,
            continuations: tally.continuations,
            events: tally.events,
            orders: tally.orders,
            cancels: tally.cancels,
            amendments: tally.amendments,
            index_prices: tally.index_prices,
            fills: tally.fills,
            rejects: tally.rejected(),
            rejects_by_reason: tally.rejects.iter().map(|(reject, n)| (format!("{reject:?}"), *n)).collect(),
            warnings: tally.warnings,
            liquidations: tally.liquidations,
            liquidation_fills: tally.liquidation_fills,
            liquidation_cancels: tally.liquidation_cancels,
            liquidation_steps: tally.shared.steps,
            takeovers: tally.takeovers,
            insurance_used: ledger.map(|_| decimal(tally.shared.insurance_used, decimals)),
            deleveragings: tally.shared.requests.len(),
            deleveraging_plans_by_worker: tally.shared.by_worker,
            deleveraged_quantity: i64::try_from(tally.shared.given_up).unwrap_or(i64::MAX),
            accounts_hit: tally.shared.hit.len(),
            deleveraging_level: tally.shared.level.map(|level| decimal(level, 2)),
            bad_debt: ledger.map(|_| decimal(tally.shared.bad_debt, decimals)),
            liquidation_map: replayed.map(|replayed| map_of(&replayed.venue)),
            receipt,
            insurance_balance: ledger.map(|ledger| shown(insurance(ledger).0)),
            insurance_equity: ledger.map(|ledger| shown(insurance(ledger).1)),
            conserved: ledger.is_some_and(|ledger| is_conserved(ledger, tally.deposits)),
            verified: verdict.verified,
            told: live.heard,
            in_process_agrees: verdict.agrees,
            interrupted: live.interrupted,
            throughput_per_s: u64::try_from(rate).unwrap_or(u64::MAX),
            ack_latency_us: Percentiles::of(&live.latency_ns),
            digest: format!("{:032x}", live.conclusion.digest),
            checkpoints: replayed.map_or(0, |replayed| replayed.checkpoints),
            replay_per_s: replayed.map_or(0, Replayed::rate),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            log: options.directory.as_ref().map(|path| path.display().to_string()),
            notes: flow.notes().into_iter().map(|Note { key, count }| (key, count)).collect(),
        }
    }

    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "commands", &grouped(self.commands.into()))?;
        row(f, "  orders", &grouped(self.orders.into()))?;
        row(f, "  cancels", &grouped(self.cancels.into()))?;
        row(f, "  amendments", &grouped(self.amendments.into()))?;
        row(f, "  index prices", &grouped(self.index_prices.into()))?;
        for (key, count) in &self.notes {
            row(f, &format!("  {}", key.replace('_', " ")), &grouped((*count).into()))?;
        }
        row(f, "fills", &grouped(self.fills.into()))?;
        row(f, "rejects", &grouped(self.rejects.into()))?;
        for (reason, count) in &self.rejects_by_reason {
            row(f, &format!("  {reason}"), &grouped((*count).into()))?;
        }
        Ok(())
    }

    fn write_risk(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "margin warnings", &grouped(self.warnings.into()))?;
        row(f, "liquidations", &grouped(self.liquidations.into()))?;
        row(f, "  orders cancelled", &grouped(self.liquidation_cancels.into()))?;
        row(f, "  fills", &grouped(self.liquidation_fills.into()))?;
        row(f, "  steps", &grouped(self.liquidation_steps.into()))?;
        row(f, "  backstop takeovers", &grouped(self.takeovers.into()))?;
        let shown = |amount: &Option<String>| amount.as_deref().map_or("unknown".to_owned(), group_whole);
        row(f, "deleveragings", &grouped(self.deleveragings as i128))?;
        row(f, "  planned by the worker", &grouped(self.deleveraging_plans_by_worker.into()))?;
        row(f, "  quantity given up", &grouped(self.deleveraged_quantity.into()))?;
        row(f, "  accounts hit", &grouped(self.accounts_hit as i128))?;
        row(f, "  leverage they are cut to", self.deleveraging_level.as_deref().unwrap_or("none"))?;
        row(f, "bad debt", &shown(&self.bad_debt))?;
        row(f, "insurance used", &shown(&self.insurance_used))?;
        self.write_map(f)?;
        row(f, "insurance balance", &shown(&self.insurance_balance))?;
        row(f, "insurance equity", &shown(&self.insurance_equity))?;
        row(f, "money and positions", if self.conserved { "conserved" } else { "NOT CONSERVED" })
    }

    fn write_map(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.liquidation_map.iter().flatten();
        for (number, chunk) in
            rows.collect::<Vec<_>>().chunk_by(|one, two| one.instrument == two.instrument).enumerate()
        {
            let steps = chunk.iter().map(|row| format!("{:+}%: {}", row.percent, row.positions));
            writeln!(f, "  liquidated in {number} if it moves   {}", steps.collect::<Vec<_>>().join("  "))?;
        }
        Ok(())
    }

    fn write_speed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Percentiles { p50, p90, p99, p99_9, max } = self.ack_latency_us;
        row(f, "throughput", &format!("{} commands/s", grouped(self.throughput_per_s.into())))?;
        writeln!(f)?;
        let names = ["p50", "p90", "p99", "p99.9", "max"].map(|name| format!("{name:>11}")).concat();
        let what = if self.transport == "tcp" { "request to answer, us" } else { "submit to durable, us" };
        writeln!(f, "  {what}{names}")?;
        let figures = [p50, p90, p99, p99_9, max].map(|figure| format!("{figure:>11.1}")).concat();
        writeln!(f, "  {:<21}{figures}", format!("{} in flight", super::drive::WINDOW))
    }
}

fn write_receipt(f: &mut fmt::Formatter<'_>, receipt: &Receipt) -> fmt::Result {
    let Receipt { seq, account, lots, compared, .. } = receipt;
    let (lots, compared) = (grouped((*lots).into()), grouped((*compared).into()));
    let verdict = if receipt.verified { "as the rule gives" } else { "NOT AS THE RULE GIVES" };
    let proof = if receipt.proven { ", its proof holds" } else { "" };
    writeln!(
        f,
        "receipt: at command {seq} account {account} gave up {lots} lots, {verdict}{proof}; {compared} cuts audited"
    )
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "  {name:<30} {value:>22}")
}

fn durability_name(durability: Durability) -> &'static str {
    match durability {
        Durability::None => "none",
        Durability::Local => "local",
    }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Shared => "shared",
        Mode::Dedicated => "dedicated",
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seed = self.seed.map_or(String::new(), |seed| format!(", seed {seed}"));
        writeln!(
            f,
            "flow {}{seed}, durability {}, mode {}, {} sessions {}",
            self.flow,
            self.durability,
            self.mode,
            self.sessions,
            if self.transport == "tcp" { "over TCP" } else { "in process" },
        )?;
        writeln!(f)?;
        self.write_counts(f)?;
        self.write_risk(f)?;
        self.write_speed(f)?;
        writeln!(f)?;
        if self.interrupted {
            writeln!(f, "interrupted: this is what was played until then")?;
        }
        if self.verified {
            let (events, rate) = (grouped(self.events.into()), grouped(self.replay_per_s.into()));
            writeln!(
                f,
                "log verified: {events} events replayed at {rate} commands/s, {} checkpoints and the digest agree",
                self.checkpoints
            )?;
        } else {
            writeln!(
                f,
                "LOG NOT VERIFIED: replay does not give what the venue answered; keep the log as evidence"
            )?;
        }
        match self.in_process_agrees {
            Some(true) => writeln!(f, "the same commands in process: fills, books and digest agree")?,
            Some(false) => writeln!(f, "THE SAME COMMANDS IN PROCESS COME TO SOMETHING ELSE")?,
            None => {}
        }
        if let Some(receipt) = &self.receipt {
            write_receipt(f, receipt)?;
        }
        writeln!(f, "digest {}", self.digest)?;
        if let Some(log) = &self.log {
            writeln!(f, "the log is in {log}; look at it with `fulcrum replay {log}`")?;
        }
        Ok(())
    }
}
