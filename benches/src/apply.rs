//! What does the whole venue cost per command: validation, margin, matching, settlement, events?
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "means and shares of a report")]

use std::hint::black_box;

use engine::ahead::{Distance, FAR, NEAR};
use engine::{Command, Events};
use serde::Serialize;

use crate::flow::{Flow, Kind, record};
use crate::measure::{Latency, Spread, cpu_ns_per_op, now, sample_ns};
use crate::population::{Feeder, Population, Terms};
use crate::report::{Report, Setting, table};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Venues.
    pub terms: Vec<Terms>,
    /// Commands per run.
    pub commands: usize,
    /// Only commands of this kind.
    pub only: Option<Kind>,
    /// Runs, interleaved over venues.
    pub runs: usize,
    /// The core to run on.
    pub core: usize,
}

/// Accounts in three of eight instruments.
pub const THREE_LEGS: Terms = Terms {
    accounts: 1_000,
    instruments: 8,
    legs: 3,
    resting: 10_000,
    room: 10_000,
    fixed_qty: None,
    seed: 11,
};

/// Accounts in twenty of thirty-two instruments.
pub const TWENTY_LEGS: Terms = Terms { instruments: 32, legs: 20, seed: 12, ..THREE_LEGS };

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick() -> Self {
        let shrink = |terms: Terms| Terms { accounts: 50, resting: 300, ..terms };
        Self {
            terms: vec![shrink(THREE_LEGS), shrink(TWENTY_LEGS)],
            commands: 3_000,
            only: None,
            runs: 1,
            core: 1,
        }
    }
}

/// One venue under the flow.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Legs of each account.
    pub legs: u32,
    /// Instruments.
    pub instruments: u32,
    /// Resting orders after set-up.
    pub resting: u32,
    /// Commands timed in each run.
    pub commands: usize,
    /// Matches among them.
    pub fills: u64,
    /// Refused commands; a sound run has none.
    pub rejects: u64,
    /// CPU nanoseconds per command.
    pub ns_per_command: Spread,
    /// What an empty loop with the same stamps costs in the latencies below.
    pub stamp: Latency,
    /// Nanoseconds of single commands, the stamp included.
    pub latency: Latency,
    /// The same by kind; kinds that do not occur are left out.
    pub by_kind: Vec<(Kind, Latency)>,
    /// Digest of the venue afterwards, equal in every run.
    pub digest: String,
}

/// All venues.
#[derive(Clone, Debug, Serialize)]
pub struct ApplyReport {
    /// Machine.
    pub setting: Setting,
    /// Accounts in each venue.
    pub accounts: u32,
    /// Venues.
    pub lines: Vec<Line>,
}

/// The commands to time, apart from everything else, so that a profiler can be told to look at nothing but this.
#[inline(never)]
pub fn timed_section(feeder: &mut Feeder, flow: &Flow, events: &mut Events) {
    for (at, (_, command)) in flow.commands.iter().enumerate() {
        for (distance, ahead) in [(Distance::Far, FAR), (Distance::Near, NEAR)] {
            if let Some((_, waiting)) = flow.commands.get(at + ahead) {
                feeder.venue.announce(waiting, distance);
            }
        }
        apply(feeder, command, events);
    }
}

#[inline]
fn apply(feeder: &mut Feeder, command: &Command, events: &mut Events) {
    events.clear();
    let stamp = feeder.stamp();
    feeder.venue.apply(stamp, command, events);
    black_box(events.as_slice());
}

/// Figures of one venue as they come in.
struct Runs {
    flow: Flow,
    ns: Vec<f64>,
    latency: Vec<Latency>,
    stamp: Vec<Latency>,
    by_kind: [Vec<Latency>; 5],
}

impl Runs {
    fn new(terms: Terms, options: &Options) -> Self {
        let flow = record(terms, options.commands, options.only);
        let (ns, latency, stamp) = (Vec::new(), Vec::new(), Vec::new());
        Self { flow, ns, latency, stamp, by_kind: Default::default() }
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
        let mut feeder = Population::build(self.flow.terms).feeder;
        let count = self.flow.commands.len();
        self.ns.push(cpu_ns_per_op(count, || timed_section(&mut feeder, &self.flow, &mut events)));
        assert_eq!(feeder.venue.digest(), self.flow.digest, "the same commands end in the same state");
        self.latencies(&mut events);
    }

    fn latencies(&mut self, events: &mut Events) {
        let mut feeder = Population::build(self.flow.terms).feeder;
        let samples = stamps(&self.flow.commands, |command| apply(&mut feeder, command, events));
        let empty = stamps(&self.flow.commands, |command| {
            black_box(command);
        });
        self.latency.push(Latency::of(samples.iter().copied()));
        self.stamp.push(Latency::of(empty.into_iter()));
        for (kind, latencies) in Kind::ALL.into_iter().zip(&mut self.by_kind) {
            let of_kind = samples.iter().zip(&self.flow.commands).filter(|(_, (of, _))| *of == kind);
            latencies.push(Latency::of(of_kind.map(|(&sample, _)| sample)));
        }
    }

    fn line(&self) -> Line {
        let Terms { legs, instruments, resting, .. } = self.flow.terms;
        let by_kind = Kind::ALL.into_iter().zip(&self.by_kind);
        let by_kind = by_kind.map(|(kind, runs)| (kind, Latency::median_of(runs)));
        Line {
            legs,
            instruments,
            resting,
            commands: self.flow.commands.len(),
            fills: self.flow.fills,
            rejects: self.flow.rejects,
            ns_per_command: Spread::of(&self.ns),
            stamp: Latency::median_of(&self.stamp),
            latency: Latency::median_of(&self.latency),
            by_kind: by_kind.filter(|(_, latency)| latency.count > 0).collect(),
            digest: format!("{:032x}", self.flow.digest),
        }
    }
}

fn stamps(commands: &[(Kind, Command)], mut work: impl FnMut(&Command)) -> Vec<u32> {
    let mut samples = vec![1; commands.len()];
    let mut before = now();
    for ((_, command), sample) in commands.iter().zip(&mut samples) {
        work(command);
        let after = now();
        *sample = sample_ns(before, after);
        before = after;
    }
    samples
}

/// Measures every venue.
#[must_use]
pub fn run(options: &Options) -> ApplyReport {
    let setting = Setting::prepare(options.core);
    let mut all: Vec<Runs> = options.terms.iter().map(|&terms| Runs::new(terms, options)).collect();
    for _ in 0..options.runs.max(1) {
        for runs in &mut all {
            runs.run();
        }
    }
    let accounts = options.terms.first().map_or(0, |terms| terms.accounts);
    ApplyReport { setting, accounts, lines: all.iter().map(Runs::line).collect() }
}

/// Sets up one venue and runs the timed section once, for a profiler; how many commands it ran.
#[must_use]
pub fn run_once(terms: Terms, commands: usize, only: Option<Kind>) -> usize {
    let flow = record(terms, commands, only);
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let mut feeder = Population::build(terms).feeder;
    timed_section(&mut feeder, &flow, &mut events);
    flow.commands.len()
}

impl Report for ApplyReport {
    fn text(&self) -> String {
        let heads = ["venue", "ns/cmd", "min-max", "fills/cmd", "rejects", "stamp p50", "p50/p99/p99.9"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        rows[0].extend(Kind::ALL.map(|kind| kind.name().to_owned()));
        rows.extend(self.lines.iter().map(Line::row));
        let digests: Vec<String> =
            self.lines.iter().map(|line| format!("{} legs: digest {}", line.legs, line.digest)).collect();
        format!(
            "{}\nVenue::apply, {} accounts; ns/cmd: thread CPU, median of runs; latencies: ns, one stamp included\n\
             {}{}\n",
            self.setting.line(),
            self.accounts,
            table(&rows),
            digests.join("\n")
        )
    }
}

impl Line {
    fn row(&self) -> Vec<String> {
        let triple = |latency: &Latency| format!("{}/{}/{}", latency.p50, latency.p99, latency.p999);
        let name = format!("{} legs, {} instruments, {} resting", self.legs, self.instruments, self.resting);
        let mut row = vec![
            name,
            format!("{:.1}", self.ns_per_command.median),
            format!("{:.1}-{:.1}", self.ns_per_command.min, self.ns_per_command.max),
            format!("{:.3}", self.fills as f64 / self.commands.max(1) as f64),
            self.rejects.to_string(),
            self.stamp.p50.to_string(),
            triple(&self.latency),
        ];
        for kind in Kind::ALL {
            let found = self.by_kind.iter().find(|(of, _)| *of == kind);
            row.push(found.map_or("-".to_owned(), |(_, latency)| triple(latency)));
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_flow_is_taken_without_a_reject() {
        let report = run(&Options::quick());
        for line in &report.lines {
            assert_eq!(line.rejects, 0, "{}", report.text());
            assert!(line.fills > 0, "{}", report.text());
        }
    }

    #[test]
    fn one_kind_alone_runs() {
        for kind in Kind::ALL {
            let terms = Terms { accounts: 50, resting: 600, room: 600, fixed_qty: Some(10), ..THREE_LEGS };
            let flow = record(terms, 200, Some(kind));
            assert_eq!((flow.commands.len(), flow.rejects, flow.liquidations), (200, 0, 0), "{kind:?}");
            // A few takers meet an order of their own and match nothing.
            let fills = if kind == Kind::Cross { 180..=200 } else { 0..=0 };
            assert!(fills.contains(&flow.fills), "{kind:?}: {} fills", flow.fills);
            assert_eq!(run_once(terms, 200, Some(kind)), 200);
        }
    }
}
