//! What does the bare book cost per operation, beside other engines on the same flow?
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "ratios and shares of a report")]

use std::path::PathBuf;

use serde::Serialize;

use crate::drivers::{self, Entry, OURS, Outcome, Part};
use crate::measure::{Latency, Spread};
use crate::recorded::Recording;
use crate::reference::Expected;
use crate::report::{Report, Setting, table};
use crate::workload::{KINDS, Kind, Shape, Workload};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Generated flows.
    pub shapes: Vec<Shape>,
    /// Recorded flows.
    pub recordings: Vec<Recording>,
    /// Timed operations per run of a recorded flow, rounded up to whole rounds.
    pub recorded_ops: usize,
    /// Where recordings lie.
    pub data: PathBuf,
    /// Runs of each driver, interleaved over drivers.
    pub runs: usize,
    /// Only drivers whose name contains this.
    pub only: Option<String>,
    /// The core to run on.
    pub core: usize,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick() -> Self {
        let shrink = |shape: Shape| Shape { resting: shape.resting.min(2_000), ops: 5_000, ..shape };
        Self {
            shapes: Shape::SIZES.map(shrink).to_vec(),
            recordings: Recording::ALL.to_vec(),
            recorded_ops: 1,
            data: PathBuf::from("../shared/data"),
            runs: 1,
            only: None,
            core: 1,
        }
    }
}

/// One driver on one flow.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Driver.
    pub driver: &'static str,
    /// Timed operations.
    pub ops: usize,
    /// Fewer operations than the flow has, because the engine is slow.
    pub partial: bool,
    /// CPU nanoseconds per operation.
    pub ns_per_op: Spread,
    /// Our median goes into its median so many times.
    pub times_ours: Option<f64>,
    /// Whether trades, resting orders and digest are those of the reference book.
    pub agrees: bool,
    /// Hash of the resting orders.
    pub digest: Option<String>,
    /// Nanoseconds of single operations, the stamp included.
    pub latency: Latency,
    /// The same by kind of operation.
    pub by_kind: Vec<(Kind, Latency)>,
}

/// One flow.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// Target of resting orders.
    pub flow: &'static str,
    /// Seed of the generator, or the file.
    pub origin: String,
    /// Resting orders at the end.
    pub resting: u64,
    /// Operations by kind, in the order of `Kind::ALL`.
    pub mix: [usize; KINDS],
    /// Trades, prefill included.
    pub trades: u64,
    /// Hash of the reference's resting orders.
    pub digest: String,
    /// Drivers.
    pub lines: Vec<Line>,
}

/// All flows.
#[derive(Clone, Debug, Serialize)]
pub struct BookReport {
    /// Machine.
    pub setting: Setting,
    /// Flows.
    pub sections: Vec<Section>,
    /// Recorded flows that could not be read, and why.
    pub absent: Vec<String>,
}

impl BookReport {
    /// Whether every driver agreed with the reference book.
    #[must_use]
    pub fn all_agree(&self) -> bool {
        self.sections.iter().flat_map(|section| &section.lines).all(|line| line.agrees)
    }
}

/// Figures of one driver as they come in.
struct Runs<'a> {
    entry: Entry,
    part: Part<'a>,
    expected: Expected,
    partial: bool,
    ns: Vec<f64>,
    latency: Vec<Latency>,
    by_kind: [Vec<Latency>; KINDS],
    outcomes: Vec<Outcome>,
}

impl<'a> Runs<'a> {
    fn new(entry: Entry, workload: &'a Workload) -> Self {
        let timed = workload.all.len() - workload.prefill;
        let ops = (entry.ops_max)(workload.resting).min(timed);
        let (all, expected) = workload.first(ops);
        let part = Part::of(workload, all);
        let partial = ops < timed;
        let (ns, latency, outcomes) = (Vec::new(), Vec::new(), Vec::new());
        Self { entry, part, expected, partial, ns, latency, by_kind: Default::default(), outcomes }
    }

    fn run(&mut self) {
        let (ns, outcome) = (self.entry.throughput)(&self.part);
        self.ns.push(ns);
        self.outcomes.push(outcome);
        let (samples, outcome) = (self.entry.latency)(&self.part);
        self.outcomes.push(outcome);
        self.latency.push(Latency::of(samples.iter().copied()));
        let timed = &self.part.all[self.part.prefill..];
        for (kind, latencies) in Kind::ALL.into_iter().zip(&mut self.by_kind) {
            let of_kind = samples.iter().zip(timed).filter(|(_, op)| op.kind == kind);
            latencies.push(Latency::of(of_kind.map(|(&sample, _)| sample)));
        }
    }

    fn line(&self, ours: Option<f64>) -> Line {
        let is_null = self.entry.name == "null";
        let ns_per_op = Spread::of(&self.ns);
        let digest = self.outcomes.last().and_then(|outcome| outcome.digest);
        let latencies = Kind::ALL.into_iter().zip(&self.by_kind);
        Line {
            driver: self.entry.name,
            ops: self.part.timed(),
            partial: self.partial,
            ns_per_op,
            times_ours: ours.filter(|_| !is_null).map(|ours| ns_per_op.median / ours),
            agrees: is_null || self.outcomes.iter().all(|outcome| outcome.agrees(&self.expected)),
            digest: digest.map(|digest| format!("{digest:016x}")),
            latency: Latency::median_of(&self.latency),
            by_kind: latencies.map(|(kind, runs)| (kind, Latency::median_of(runs))).collect(),
        }
    }
}

/// Measures every driver on every flow.
#[must_use]
pub fn run(options: &Options) -> BookReport {
    let setting = Setting::prepare(options.core);
    let generated = options.shapes.iter().map(|&shape| section(&Workload::generate(shape), options));
    let mut sections: Vec<Section> = generated.collect();
    let mut absent = Vec::new();
    for recording in &options.recordings {
        match recording.workload(&options.data, options.recorded_ops) {
            Ok(workload) => sections.push(section(&workload, options)),
            Err(error) => absent.push(format!("{}: not measured: {error:#}", recording.name())),
        }
    }
    BookReport { setting, sections, absent }
}

/// Runs one flow on our own book once, for a profiler that counts the operations of `kind`; how many it ran.
#[must_use]
pub fn run_once(shape: Shape, kind: Kind) -> usize {
    let workload = Workload::generate(shape);
    drivers::run_once(&Part::of(&workload, &workload.all), kind)
}

fn section(workload: &Workload, options: &Options) -> Section {
    let reduces = workload.reduces();
    let named = |entry: &Entry| options.only.as_ref().is_none_or(|only| entry.name.contains(only.as_str()));
    let entries = drivers::all().into_iter().filter(|entry| named(entry) && (entry.reduces || !reduces));
    let mut all: Vec<Runs<'_>> = entries.map(|entry| Runs::new(entry, workload)).collect();
    for _ in 0..options.runs.max(1) {
        for runs in &mut all {
            runs.run();
        }
    }
    let ours = all.iter().find(|runs| runs.entry.name == OURS).map(|runs| Spread::of(&runs.ns).median);
    Section {
        flow: workload.name,
        origin: workload.origin.clone(),
        resting: workload.expected.resting,
        mix: workload.mix(),
        trades: workload.expected.totals.trades,
        digest: format!("{:016x}", workload.expected.digest),
        lines: all.iter().map(|runs| runs.line(ours)).collect(),
    }
}

impl Section {
    fn text(&self) -> String {
        let total: usize = self.mix.iter().sum();
        let share = |count: usize| 100.0 * count as f64 / total.max(1) as f64;
        let mix: Vec<String> = Kind::ALL
            .iter()
            .zip(self.mix)
            .filter(|(_, count)| *count > 0)
            .map(|(kind, count)| format!("{} {:.1} %", kind.name(), share(count)))
            .collect();
        let title = format!(
            "book only, {} ({}), {} resting at the end, {} trades: {}\n",
            self.flow,
            self.origin,
            self.resting,
            self.trades,
            mix.join(", ")
        );
        let mut rows = vec![
            [
                "driver",
                "ops",
                "ns/op",
                "min-max",
                "x ours",
                "totals",
                "p50/p99/p99.9",
                "gtc",
                "ioc",
                "cancel",
                "move",
                "reduce",
            ]
            .map(str::to_owned)
            .to_vec(),
        ];
        rows.extend(self.lines.iter().map(Line::row));
        format!("{title}{}reference digest {}\n", table(&rows), self.digest)
    }
}

impl Line {
    fn row(&self) -> Vec<String> {
        let triple = |latency: &Latency| format!("{}/{}/{}", latency.p50, latency.p99, latency.p999);
        let verdict = match (self.agrees, self.driver, self.digest.is_some()) {
            (false, ..) => "BAD",
            (true, "null", _) => "-",
            (true, _, true) => "ok+digest",
            (true, _, false) => "ok",
        };
        let ops = if self.partial { format!("{} (partial)", self.ops) } else { self.ops.to_string() };
        let mut row = vec![
            self.driver.to_owned(),
            ops,
            format!("{:.1}", self.ns_per_op.median),
            format!("{:.1}-{:.1}", self.ns_per_op.min, self.ns_per_op.max),
            self.times_ours.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
            verdict.to_owned(),
            triple(&self.latency),
        ];
        let of_kind = |latency: &Latency| if latency.count > 0 { triple(latency) } else { "-".to_owned() };
        row.extend(self.by_kind.iter().map(|(_, latency)| of_kind(latency)));
        row
    }
}

impl Report for BookReport {
    fn text(&self) -> String {
        let sections: Vec<String> = self.sections.iter().map(Section::text).collect();
        let note =
            "ns/op: thread CPU, median of runs. Latencies: ns, one stamp included (see the null driver).";
        let absent = self.absent.join("\n");
        format!("{}\n{note}\n\n{}\n{absent}", self.setting.line(), sections.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_driver_agrees_with_the_reference() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
        let report = run(&Options { data, ..Options::quick() });
        assert!(report.all_agree(), "{}", report.text());
        assert_eq!(report.sections.len() + report.absent.len(), 5, "{}", report.text());
        for line in &report.absent {
            eprintln!("{line}");
        }
    }

    #[test]
    fn every_kind_is_counted_once() {
        let shape = Options::quick().shapes[0];
        let counted = Kind::ALL.map(|kind| run_once(shape, kind));
        assert_eq!(counted.iter().sum::<usize>(), shape.ops);
        assert!(counted[..4].iter().all(|&count| count > 0), "{counted:?}");
    }
}
