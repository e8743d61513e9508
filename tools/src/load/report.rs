//! What a load run measured, as a table, as JSON, and as a percentile distribution.
//!
//! Invariant: the JSON keys are stable; new ones may be added. Floats are shown here and computed with nowhere.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::generator::{Measured, Plan};
use crate::desk::told::code_name;
use crate::format::grouped;

/// Latency in microseconds.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Latency {
    /// Half are below.
    pub p50: f64,
    /// 90 % are below.
    pub p90: f64,
    /// 99 % are below.
    pub p99: f64,
    /// 99.9 % are below.
    pub p99_9: f64,
    /// 99.99 % are below.
    pub p99_99: f64,
    /// The longest.
    pub max: f64,
}

#[expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a latency, shown to people; no money"
)]
fn microseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}

impl Latency {
    /// Of a histogram of nanoseconds.
    #[must_use]
    pub fn of(nanoseconds: &Histogram<u64>) -> Self {
        let at = |quantile| microseconds(nanoseconds.value_at_quantile(quantile));
        let max = microseconds(nanoseconds.max());
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p99_9: at(0.999), p99_99: at(0.9999), max }
    }
}

/// What a load run found. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LoadReport {
    /// Where.
    pub venue: String,
    /// Sessions.
    pub sessions: usize,
    /// Requests a second, as intended.
    pub rate_per_s: u64,
    /// Requests a second, as answered.
    pub achieved_per_s: u64,
    /// Requests sent.
    pub sent: u64,
    /// Requests answered.
    pub answered: u64,
    /// Requests without an answer 5 s after the last was sent.
    pub unanswered: u64,
    /// Requests refused.
    pub rejected: u64,
    /// By reason.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// Connections that broke and were made again.
    pub broken: u64,
    /// Microseconds from the intended send time to the answer.
    pub latency_us: Latency,
    /// Microseconds from the intended send time to the actual one: the generator's own part of it.
    pub delay_us: Latency,
    /// Whether somebody interrupted the run.
    pub interrupted: bool,
}

impl LoadReport {
    /// Of what was measured.
    #[must_use]
    pub fn new(venue: String, sessions: usize, plan: &Plan, measured: &Measured) -> Self {
        let nanoseconds = measured.elapsed.as_nanos();
        let achieved = (u128::from(measured.answered) * 1_000_000_000).checked_div(nanoseconds).unwrap_or(0);
        let by_reason = measured.rejected.iter().filter(|(_, count)| **count > 0);
        Self {
            venue,
            sessions,
            rate_per_s: plan.rate,
            achieved_per_s: u64::try_from(achieved).unwrap_or(u64::MAX),
            sent: measured.sent,
            answered: measured.answered,
            unanswered: measured.unanswered,
            rejected: measured.rejected.values().sum(),
            rejected_by_reason: by_reason.map(|(code, count)| (code_name(*code), *count)).collect(),
            broken: measured.broken,
            latency_us: Latency::of(&measured.latency_ns),
            delay_us: Latency::of(&measured.delay_ns),
            interrupted: measured.interrupted,
        }
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: u64) -> fmt::Result {
    writeln!(f, "  {name:<40} {:>22}", grouped(value.into()))
}

fn latency_row(f: &mut fmt::Formatter<'_>, name: &str, latency: Latency) -> fmt::Result {
    let Latency { p50, p90, p99, p99_9, p99_99, max } = latency;
    let figures = [p50, p90, p99, p99_9, p99_99, max].map(|figure| format!("{figure:>11.1}")).concat();
    writeln!(f, "  {name:<21}{figures}")
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} sessions at {}", self.sessions, self.venue)?;
        writeln!(f)?;
        row(f, "intended, requests/s", self.rate_per_s)?;
        row(f, "achieved, requests/s", self.achieved_per_s)?;
        row(f, "sent", self.sent)?;
        row(f, "answered", self.answered)?;
        row(f, "unanswered", self.unanswered)?;
        row(f, "rejected", self.rejected)?;
        for (reason, count) in &self.rejected_by_reason {
            row(f, &format!("  {reason}"), *count)?;
        }
        row(f, "broken connections", self.broken)?;
        writeln!(f)?;
        let names =
            ["p50", "p90", "p99", "p99.9", "p99.99", "max"].map(|name| format!("{name:>11}")).concat();
        writeln!(f, "  {:<21}{names}", "us from intended")?;
        latency_row(f, "to the answer", self.latency_us)?;
        latency_row(f, "to the send", self.delay_us)?;
        if self.interrupted {
            writeln!(f, "\ninterrupted: this is what was sent until then")?;
        }
        Ok(())
    }
}

/// Writes a percentile distribution as the tools of `HdrHistogram` plot it (`.hgrm`), in microseconds.
///
/// # Errors
/// When the file cannot be written.
#[expect(clippy::float_arithmetic, reason = "a distribution, shown to people; no money")]
pub fn write_distribution(nanoseconds: &Histogram<u64>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let mut total = 0;
    for step in nanoseconds.iter_quantiles(5) {
        total += step.count_since_last_iteration();
        let (value, quantile) = (microseconds(step.value_iterated_to()), step.quantile_iterated_to());
        let inverse = 1.0 / (1.0 - quantile);
        if inverse.is_finite() {
            writeln!(out, "{value:>12.3} {quantile:>14.12} {total:>10} {inverse:>14.2}")?;
        } else {
            writeln!(out, "{value:>12.3} {quantile:>14.12} {total:>10}")?;
        }
    }
    let (mean, deviation) = (nanoseconds.mean() / 1000.0, nanoseconds.stdev() / 1000.0);
    writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]")?;
    writeln!(
        out,
        "#[Max     = {:>12.3}, Total count    = {:>12}]",
        microseconds(nanoseconds.max()),
        nanoseconds.len()
    )
}
