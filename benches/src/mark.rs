//! What does a mark tick cost when it crosses nobody's trigger, and does it grow with the number of accounts?
#![expect(clippy::float_arithmetic, reason = "ratios of a report")]

use std::hint::black_box;

use engine::{Action, Command, Events};
use risk::{InstrumentId, Mark, Price};
use serde::Serialize;

use crate::measure::{Latency, Spread, cpu_ns_per_op, now, sample_ns};
use crate::near;
use crate::population::{BASE, Population, Terms};
use crate::report::{Report, Setting, table};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Numbers of accounts.
    pub accounts: Vec<u32>,
    /// Positions of each.
    pub legs: u32,
    /// Instruments they are in; the first one ticks.
    pub instruments: u32,
    /// Accounts that ticks concern; `None` leaves them out.
    pub near: Option<near::Options>,
    /// Ticks per run.
    pub ticks: usize,
    /// Runs on each venue.
    pub runs: usize,
    /// The core to run on.
    pub core: usize,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick() -> Self {
        let near = Some(near::Options::quick());
        Self { accounts: vec![100, 1_000], legs: 4, instruments: 8, near, ticks: 500, runs: 1, core: 1 }
    }
}

/// One venue under mark ticks.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Accounts.
    pub accounts: u32,
    /// CPU nanoseconds per tick.
    pub ns_per_tick: Spread,
    /// Its median over that of the smallest venue.
    pub times_smallest: f64,
    /// Nanoseconds of single ticks, the stamp included.
    pub latency: Latency,
}

/// All venues.
#[derive(Clone, Debug, Serialize)]
pub struct MarkReport {
    /// Machine.
    pub setting: Setting,
    /// Ticks per run.
    pub ticks: usize,
    /// Positions of each account.
    pub legs: u32,
    /// Instruments they are in.
    pub instruments: u32,
    /// Venues in which a tick crosses nothing.
    pub lines: Vec<Line>,
    /// Venues in which it does.
    pub near: Vec<near::Line>,
}

/// Measures every venue.
///
/// # Panics
/// When a tick wakes anybody: then it measures something else.
#[must_use]
pub fn run(options: &Options) -> MarkReport {
    let setting = Setting::prepare(options.core);
    let mut lines: Vec<Line> = Vec::new();
    for &accounts in &options.accounts {
        let (ns_per_tick, latency) = measure(accounts, options);
        let smallest = lines.first().map_or(ns_per_tick.median, |line| line.ns_per_tick.median);
        lines.push(Line { accounts, ns_per_tick, times_smallest: ns_per_tick.median / smallest, latency });
    }
    let near = options.near.as_ref().map(near::run).unwrap_or_default();
    let Options { ticks, legs, instruments, .. } = *options;
    MarkReport { setting, ticks, legs, instruments, lines, near }
}

fn measure(accounts: u32, options: &Options) -> (Spread, Latency) {
    let Options { instruments, legs, .. } = *options;
    let terms = Terms { accounts, instruments, legs, resting: 0, room: 0, fixed_qty: None, seed: 21 };
    let mut population = Population::with_positions(terms);
    let ticks: Vec<Command> = (0..options.ticks).map(|_| tick(&mut population)).collect();
    let mut feeder = population.feeder;
    assert_eq!(feeder.rejects, 0, "the venue took everything");
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let (mut ns, mut latency) = (Vec::new(), Vec::new());
    for _ in 0..options.runs.max(1) {
        let mut apply = |tick: &Command| {
            events.clear();
            let stamp = feeder.stamp();
            feeder.venue.apply(stamp, tick, &mut events);
            assert_eq!(events.as_slice().len(), 1, "a tick that crosses nothing is one event");
            black_box(events.as_slice());
        };
        ns.push(cpu_ns_per_op(ticks.len(), || ticks.iter().for_each(&mut apply)));
        let mut before = now();
        latency.push(Latency::of(ticks.iter().map(|tick| {
            apply(tick);
            let after = now();
            sample_ns(std::mem::replace(&mut before, after), after)
        })));
    }
    (Spread::of(&ns), Latency::median_of(&latency))
}

/// The mark wanders within a basis point: hundreds of basis points from anybody's trigger.
fn tick(population: &mut Population) -> Command {
    let base = Price::new(BASE).to_mark().get();
    let half = base.div_euclid(10_000);
    let width = u32::try_from(2 * half).expect("a basis point of the base");
    let price = Mark::new(base - half + i64::from(population.random.below(width)));
    Command::venue(Action::index_price(InstrumentId::new(0), price))
}

impl Report for MarkReport {
    fn text(&self) -> String {
        let mut rows = vec![
            ["accounts", "ns/tick", "min-max", "x smallest", "p50/p99/p99.9"].map(str::to_owned).to_vec(),
        ];
        rows.extend(self.lines.iter().map(|line| {
            let Line { accounts, ns_per_tick, times_smallest, latency } = line;
            vec![
                accounts.to_string(),
                format!("{:.1}", ns_per_tick.median),
                format!("{:.1}-{:.1}", ns_per_tick.min, ns_per_tick.max),
                format!("{times_smallest:.2}"),
                format!("{}/{}/{}", latency.p50, latency.p99, latency.p999),
            ]
        }));
        let title = format!(
            "mark tick, nothing crossed, {} positions per account in {} instruments; ns/tick: thread CPU, median of runs",
            self.legs, self.instruments
        );
        let quiet = format!("{}\n{title} of {} ticks\n{}", self.setting.line(), self.ticks, table(&rows));
        if self.near.is_empty() { quiet } else { format!("{quiet}\n{}", near::text(&self.near)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_wake_nobody() {
        let report = run(&Options::quick());
        assert_eq!(report.lines.len(), 2, "{}", report.text());
    }
}
