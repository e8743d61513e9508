//! How long unrelated orders take while a cascade runs, and how long they wait for continuations that let nobody between.
//!
//! Invariant: only measures; nothing of the run depends on it.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::demo::tally::latencies;

/// Times of one phase, in nanoseconds.
#[derive(Debug)]
struct Phase {
    apply: Histogram<u64>,
    stepped: Histogram<u64>,
    blocked: Histogram<u64>,
}

impl Phase {
    fn new() -> Self {
        Self { apply: latencies(), stepped: latencies(), blocked: latencies() }
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Latency {
    before: Phase,
    during: Phase,
    is_during: bool,
    /// The unrelated command that is measured next.
    measured: u64,
    /// How long the venue has been blocked.
    held: Duration,
}

/// Quantiles, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Quantiles {
    /// How many were measured.
    pub count: u64,
    /// Half are below.
    pub p50: u64,
    /// 99 % are below.
    pub p99: u64,
    /// 99.9 % are below.
    pub p999: u64,
    /// The longest.
    pub max: u64,
}

/// What was measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Latencies {
    /// Applying an unrelated order or cancel while nothing is liquidated.
    pub apply_before: Quantiles,
    /// The same while liquidations or deleveragings are under way.
    pub apply_during: Quantiles,
    /// A step of a liquidation, a call or cuts: what an order waits for at most that comes between them.
    pub step: Quantiles,
    /// Continuations in a row before which nobody is let in, while nothing is liquidated.
    pub blocked_before: Quantiles,
    /// The same while liquidations or deleveragings are under way; plans of the venue's own are among them.
    pub blocked_during: Quantiles,
}

impl Latency {
    pub(super) fn new() -> Self {
        let (before, during) = (Phase::new(), Phase::new());
        Self { before, during, is_during: false, measured: 0, held: Duration::ZERO }
    }

    /// Whether the cascade is under way.
    pub(super) const fn phase(&mut self, is_during: bool) {
        self.is_during = is_during;
    }

    /// The command of this sequence is an unrelated one.
    pub(super) const fn begin(&mut self, seq: u64) {
        self.measured = seq;
    }

    pub(super) fn applied(&mut self, seq: u64, took: Duration) {
        if seq == self.measured {
            self.phase_mut().apply.saturating_record(nanos(took));
        }
    }

    /// A continuation that lets others come after it.
    pub(super) fn stepped(&mut self, took: Duration) {
        self.phase_mut().stepped.saturating_record(nanos(took));
    }

    /// A continuation before which nobody else was let in, and whether still nobody is.
    pub(super) fn blocked(&mut self, took: Duration, is_still: bool) {
        self.held += took;
        if !is_still {
            let held = std::mem::take(&mut self.held);
            self.phase_mut().blocked.saturating_record(nanos(held));
        }
    }

    const fn phase_mut(&mut self) -> &mut Phase {
        if self.is_during { &mut self.during } else { &mut self.before }
    }

    pub(super) fn figures(&self) -> Latencies {
        Latencies {
            apply_before: quantiles(&self.before.apply),
            apply_during: quantiles(&self.during.apply),
            step: quantiles(&self.during.stepped),
            blocked_before: quantiles(&self.before.blocked),
            blocked_during: quantiles(&self.during.blocked),
        }
    }
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

fn quantiles(of: &Histogram<u64>) -> Quantiles {
    Quantiles {
        count: of.len(),
        p50: of.value_at_quantile(0.5),
        p99: of.value_at_quantile(0.99),
        p999: of.value_at_quantile(0.999),
        max: of.max(),
    }
}
