//! Which engines run the mix, and how is one run timed?
//!
//! A driver turns the operations into its engine's own input before the clock starts; engines number orders themselves
//! or take the client's numbers, whichever is native to them.

mod btree;
mod fulcrum;
#[cfg(feature = "peers")]
mod lobster;
mod null;
#[cfg(feature = "peers")]
mod orderbook_rs;
#[cfg(feature = "peers")]
mod rust_ob;

use crate::measure::{cpu_ns_per_op, now, sample_ns};
use crate::reference::{Expected, Totals};
use crate::workload::{Kind, Op, Workload};

/// Name of our own driver in reports.
pub const OURS: &str = "fulcrum";

/// What an engine arrived at, as far as it can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Trades.
    pub totals: Totals,
    /// Resting orders.
    pub resting: Option<u64>,
    /// Hash of the resting orders in priority order.
    pub digest: Option<u64>,
}

impl Outcome {
    /// Whether everything that can be asked is as expected.
    #[must_use]
    pub fn agrees(&self, expected: &Expected) -> bool {
        self.totals == expected.totals
            && self.resting.is_none_or(|resting| resting == expected.resting)
            && self.digest.is_none_or(|digest| digest == expected.digest)
    }
}

/// Operations to run: the first `prefill` are not timed.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// No price is above.
    pub price_max: i64,
    /// Prefill and timed operations.
    pub all: &'a [Op],
    /// How many are prefill.
    pub prefill: usize,
    /// Orders are numbered below this.
    pub ids: u32,
}

impl<'a> Part<'a> {
    /// Of a flow, as far as `all` goes.
    #[must_use]
    pub const fn of(workload: &'a Workload, all: &'a [Op]) -> Self {
        let Workload { price_max, prefill, ids, .. } = *workload;
        Self { price_max, all, prefill, ids }
    }

    /// How many operations are timed.
    #[must_use]
    pub const fn timed(&self) -> usize {
        self.all.len() - self.prefill
    }
}

/// An engine under the mix.
trait Driver: Sized {
    /// An operation in the engine's own form.
    type Input;
    /// Whether it can take something off an order in place; else it is spared flows that do.
    const REDUCES: bool;
    /// Converts all operations; not timed.
    fn prepare(part: &Part<'_>) -> Vec<Self::Input>;
    /// An empty engine.
    fn new(part: &Part<'_>) -> Self;
    /// Runs one operation.
    fn apply(&mut self, input: &Self::Input);
    /// Looks ahead at the operations behind `at`, which wait already; part of what is timed.
    #[inline]
    fn announce(&self, _: &[Self::Input], _: usize) {}
    /// What it arrived at.
    fn outcome(&mut self) -> Outcome;
}

/// A driver that can be chosen at run time; the loop inside is compiled for it.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As printed.
    pub name: &'static str,
    /// Whether it can take something off an order in place.
    pub reduces: bool,
    /// Operations it gets at most with so many resting orders: slow engines would take hours.
    pub ops_max: fn(u32) -> usize,
    /// Times all operations at once: nanoseconds of CPU per operation.
    pub throughput: fn(&Part<'_>) -> (f64, Outcome),
    /// Times each operation: nanoseconds, stamp included.
    pub latency: fn(&Part<'_>) -> (Vec<u32>, Outcome),
}

impl Entry {
    const fn of<D: Driver>(name: &'static str, ops_max: fn(u32) -> usize) -> Self {
        Self { name, reduces: D::REDUCES, ops_max, throughput: throughput::<D>, latency: latency::<D> }
    }
}

/// Every driver of this build: the null driver first, ours second.
#[must_use]
pub fn all() -> Vec<Entry> {
    let unlimited = |_| usize::MAX;
    let mut entries = vec![Entry::of::<null::Null>("null", unlimited)];
    entries.push(Entry::of::<fulcrum::Fulcrum>(OURS, unlimited));
    entries.push(Entry::of::<btree::Baseline>("btree baseline", unlimited));
    #[cfg(feature = "peers")]
    entries.extend([
        Entry::of::<rust_ob::RustOb>("rust_ob 2.5.3", unlimited),
        Entry::of::<lobster::Lobster>("lobster 0.7.0", unlimited),
        Entry::of::<orderbook_rs::OrderbookRs>("orderbook-rs 0.15.3", orderbook_rs::ops_max),
    ]);
    entries
}

fn start<D: Driver>(part: &Part<'_>) -> (D, Vec<D::Input>) {
    let inputs = D::prepare(part);
    let mut driver = D::new(part);
    for input in &inputs[..part.prefill] {
        driver.apply(input);
    }
    (driver, inputs)
}

#[inline]
fn step<D: Driver>(driver: &mut D, inputs: &[D::Input], at: usize) {
    driver.announce(inputs, at);
    driver.apply(&inputs[at]);
}

fn throughput<D: Driver>(part: &Part<'_>) -> (f64, Outcome) {
    let (mut driver, inputs) = start::<D>(part);
    let ns = cpu_ns_per_op(part.timed(), || {
        for at in part.prefill..inputs.len() {
            step::<D>(&mut driver, &inputs, at);
        }
    });
    (ns, driver.outcome())
}

fn latency<D: Driver>(part: &Part<'_>) -> (Vec<u32>, Outcome) {
    let (mut driver, inputs) = start::<D>(part);
    // Written once before, so that the timed loop takes no page faults here.
    let mut samples = vec![1; part.timed()];
    let mut before = now();
    for (at, sample) in (part.prefill..inputs.len()).zip(&mut samples) {
        step::<D>(&mut driver, &inputs, at);
        let after = now();
        *sample = sample_ns(before, after);
        before = after;
    }
    (samples, driver.outcome())
}

/// Runs the flow on our own book and passes the operations of `kind`, and no others, through `timed_section`, for a
/// profiler that counts nothing else; how many there were.
#[must_use]
pub fn run_once(part: &Part<'_>, kind: Kind) -> usize {
    let (mut book, inputs) = start::<fulcrum::Fulcrum>(part);
    let timed = &part.all[part.prefill..];
    for (op, input) in timed.iter().zip(&inputs[part.prefill..]) {
        if op.kind == kind {
            timed_section(&mut book, input);
        } else {
            book.apply(input);
        }
    }
    timed.iter().filter(|op| op.kind == kind).count()
}

/// One operation, apart from everything else, so that a profiler can be told to look at nothing but this.
#[inline(never)]
fn timed_section(book: &mut fulcrum::Fulcrum, input: &fulcrum::Input) {
    book.apply(input);
}
