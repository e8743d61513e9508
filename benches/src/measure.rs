//! How are time, placement and spread measured?
//!
//! Throughput is thread CPU time, which leaves out preemption but not a disturbed cache. Latency is one monotonic stamp
//! after every operation; what the stamp itself costs is measured with a driver that does nothing.
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "nanoseconds per operation are quotients; nothing here is money"
)]

use std::time::Instant;

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// CPU time this thread has used.
#[must_use]
pub fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let ns = time.tv_sec * 1_000_000_000 + time.tv_nsec;
    ns.unsigned_abs()
}

/// A monotonic stamp.
#[inline]
#[must_use]
#[expect(clippy::disallowed_methods, reason = "measuring is what this crate reads the clock for")]
pub fn now() -> Instant {
    Instant::now()
}

/// Nanoseconds since `since`, as a sample.
#[inline]
#[must_use]
pub fn sample_ns(since: Instant, until: Instant) -> u32 {
    let elapsed = until.duration_since(since);
    u32::try_from(elapsed.as_nanos()).unwrap_or(u32::MAX)
}

/// Binds this thread to a core; the core, or `None` where that is refused.
#[must_use]
pub fn pin(core: usize) -> Option<usize> {
    let id = core_affinity::get_core_ids()?.into_iter().find(|id| id.id == core)?;
    core_affinity::set_for_current(id).then_some(core)
}

/// Nanoseconds of thread CPU time per operation of `count` operations done by `work`.
#[inline(never)]
pub fn cpu_ns_per_op(count: usize, work: impl FnOnce()) -> f64 {
    let start = thread_cpu_ns();
    work();
    (thread_cpu_ns() - start) as f64 / count.max(1) as f64
}

/// The median of several runs and how far they lie apart.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Spread {
    /// Middle one.
    pub median: f64,
    /// Fastest.
    pub min: f64,
    /// Slowest.
    pub max: f64,
    /// How many.
    pub runs: usize,
}

impl Spread {
    /// Of at least one figure.
    ///
    /// # Panics
    /// Without any.
    #[must_use]
    pub fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let upper = sorted[sorted.len() >> 1];
        let lower = sorted[(sorted.len() - 1) >> 1];
        Self {
            median: f64::midpoint(lower, upper),
            min: sorted[0],
            max: sorted[sorted.len() - 1],
            runs: sorted.len(),
        }
    }
}

/// Percentiles in nanoseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub struct Latency {
    /// Samples.
    pub count: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Half of the samples are not above.
    pub p50: u64,
    /// Nine in ten.
    pub p90: u64,
    /// 99 %.
    pub p99: u64,
    /// 99.9 %.
    pub p999: u64,
    /// All.
    pub max: u64,
}

impl Latency {
    /// Of samples in nanoseconds.
    ///
    /// # Panics
    /// Never: the bounds hold every sample.
    #[must_use]
    pub fn of(samples: impl Iterator<Item = u32>) -> Self {
        let bounds = Histogram::<u32>::new_with_bounds(1, u64::from(u32::MAX), 3);
        let mut histogram = bounds.expect("bounds are in range");
        for sample in samples {
            histogram.record(u64::from(sample).max(1)).expect("samples are in range");
        }
        Self {
            count: histogram.len(),
            mean: histogram.mean(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }

    /// The median of each figure over several runs.
    #[must_use]
    pub fn median_of(runs: &[Self]) -> Self {
        let median = |figure: fn(&Self) -> u64| {
            let mut sorted: Vec<u64> = runs.iter().map(figure).collect();
            sorted.sort_unstable();
            sorted.get(sorted.len() >> 1).copied().unwrap_or_default()
        };
        let means: Vec<f64> = runs.iter().map(|run| run.mean).collect();
        Self {
            count: median(|run| run.count),
            mean: if means.is_empty() { 0.0 } else { Spread::of(&means).median },
            p50: median(|run| run.p50),
            p90: median(|run| run.p90),
            p99: median(|run| run.p99),
            p999: median(|run| run.p999),
            max: median(|run| run.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle() {
        let spread = Spread::of(&[3.0, 1.0, 2.0]);
        assert_eq!(spread, Spread { median: 2.0, min: 1.0, max: 3.0, runs: 3 });
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).median.to_bits(), 2.5_f64.to_bits());
    }

    #[test]
    fn percentiles_are_those_of_the_samples() {
        let latency = Latency::of(1..=1000);
        assert_eq!((latency.count, latency.p50, latency.p99, latency.max), (1000, 500, 990, 1000));
    }

    #[test]
    fn thread_cpu_time_passes_with_work() {
        let ns = cpu_ns_per_op(1, || {
            std::hint::black_box((0..1_000_000_u64).fold(0, |sum, next| std::hint::black_box(sum ^ next)));
        });
        assert!(ns > 0.0);
    }
}
