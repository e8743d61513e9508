//! How do the figures of a crowd stand beside each other?
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "rates and ratios of a report")]

use super::idle::{self, Idle};
use super::stall::{self, Way};
use crate::measure::{Latency, Spread};
use crate::report::table;

fn us(ns: u64) -> String {
    format!("{:.1}", ns as f64 / 1e3)
}

fn kib(octets: u64, count: u32) -> String {
    format!("{:.2}", octets as f64 / 1024.0 / f64::from(count.max(1)))
}

/// The middle one of some figures.
fn middle(figures: impl Iterator<Item = u64>) -> u64 {
    let mut sorted: Vec<u64> = figures.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() >> 1).copied().unwrap_or_default()
}

/// One row of the first table.
fn stall_row(way: Way, runs: &[&stall::Run]) -> Vec<String> {
    let of = |latency: fn(&stall::Run) -> Latency| {
        Latency::median_of(&runs.iter().map(|run| latency(run)).collect::<Vec<_>>())
    };
    let others = of(|run| run.others.latency);
    let busy = of(|run| run.busy.latency);
    let delay = of(|run| run.others.delay);
    let sum = |figure: fn(&stall::Run) -> u64| middle(runs.iter().map(|run| figure(run))).to_string();
    vec![
        way.words().to_owned(),
        us(others.p50),
        us(others.p99),
        us(others.p999),
        us(others.max),
        us(busy.p99),
        us(delay.p99),
        us(middle(runs.iter().map(|run| run.cpu_ns_per_request()))),
        sum(|run| run.queued >> 10),
        sum(|run| run.figures.slow_consumers),
        sum(|run| run.figures.lapses + run.figures.offenders + run.broken),
        sum(|run| run.others.count.refused + run.others.count.unanswered),
    ]
}

/// How the runs of a way compare with those of `A` beside them.
fn ratio(name: &str, runs: &[stall::Run], way: Way, figure: fn(&Latency) -> u64) -> Option<String> {
    let of = |way| -> Vec<f64> {
        let runs = runs.iter().filter(|run| run.way == way);
        runs.map(|run| figure(&run.others.latency).max(1) as f64).collect()
    };
    let (without, with) = (of(Way::Without), of(way));
    if without.is_empty() || without.len() != with.len() {
        return None;
    }
    let pairs: Vec<f64> = with.iter().zip(&without).map(|(with, without)| with / without).collect();
    let medians = Spread::of(&with).median / Spread::of(&without).median;
    let Spread { median, min, max, runs } = Spread::of(&pairs);
    Some(format!("  {name}: medians {medians:.3}; {runs} pairs {median:.3} ({min:.3}-{max:.3})\n"))
}

/// What those that never read cost the others.
pub(super) fn stalls(runs: &[stall::Run]) -> String {
    let head = [
        "the copies",
        "p50 us",
        "p99",
        "p99.9",
        "max",
        "busy p99",
        "own delay p99",
        "CPU us/request",
        "queued KiB",
        "ended as slow",
        "ended else",
        "not done",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for way in Way::ALL {
        let of: Vec<&stall::Run> = runs.iter().filter(|run| run.way == way).collect();
        rows.push(stall_row(way, &of));
    }
    let mut text = table(&rows);
    for (name, way) in [("B/A", Way::NeverRead), ("C/A", Way::Read)] {
        for (figure, of) in
            [("p50", (|l| l.p50) as fn(&Latency) -> u64), ("p99", |l| l.p99), ("p99.9", |l| l.p999)]
        {
            text.extend(ratio(&format!("{name} {figure}"), runs, way, of));
        }
    }
    text
}

/// One row of the second table: runs of one kind.
fn idle_row(idle: Idle, runs: &[&idle::Run]) -> Vec<String> {
    let count = runs.first().map_or(0, |run| run.count);
    let of = |figure: &dyn Fn(&idle::Run) -> Option<u64>| {
        let known: Vec<u64> = runs.iter().filter_map(|run| figure(run)).collect();
        (!known.is_empty()).then(|| middle(known.into_iter()))
    };
    let each = |figure: Option<u64>| figure.map_or("-".to_owned(), |octets| kib(octets, count));
    let percent = |ns: Option<u64>| ns.map_or("-".to_owned(), |ns| format!("{:.1}", ns as f64 / 1e7));
    let pair = |figure: fn(&Latency) -> u64| {
        let with = of(&|run| run.with.map(|look| figure(&look.trader.latency)));
        let before = of(&|run| run.before.map(|look| figure(&look.trader.latency)));
        before.zip(with).map_or("-".to_owned(), |(before, with)| format!("{} / {}", us(before), us(with)))
    };
    let seconds = |ns: Option<u64>| ns.map_or("-".to_owned(), |ns| format!("{:.2}", ns as f64 / 1e9));
    let name = match idle {
        Idle::LoggedOn(heartbeat_ms) => format!("logged on, heartbeat {heartbeat_ms} ms"),
        Idle::Strangers => "not logged on".to_owned(),
    };
    vec![
        name,
        count.to_string(),
        of(&|run| Some(run.held)).unwrap_or_default().to_string(),
        of(&|run| Some(run.broken)).unwrap_or_default().to_string(),
        seconds(of(&|run| Some(run.came_ns))),
        each(of(&|run| Some(run.resident))),
        each(of(&|run| run.kernel.slab)),
        each(of(&|run| run.kernel.buffers)),
        percent(of(&|run| run.before.map(|look| look.idle_cpu_ns))),
        percent(of(&|run| run.with.map(|look| look.idle_cpu_ns))),
        pair(|latency| latency.p50),
        pair(|latency| latency.p99),
        seconds(of(&|run| run.sent_away_ns)),
    ]
}

/// What those that say nothing cost.
pub(super) fn idles(runs: &[idle::Run]) -> String {
    let head = [
        "the idle",
        "count",
        "held",
        "broken",
        "came in s",
        "venue KiB each",
        "slab KiB",
        "buffers KiB",
        "CPU % without",
        "with",
        "p50 us without / with",
        "p99",
        "gone after s",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let mut kinds: Vec<Idle> = Vec::new();
    for run in runs {
        if !kinds.contains(&run.idle) {
            kinds.push(run.idle);
        }
    }
    for idle in kinds {
        let of: Vec<&idle::Run> = runs.iter().filter(|run| run.idle == idle).collect();
        rows.push(idle_row(idle, &of));
    }
    table(&rows)
}
