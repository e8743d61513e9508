//! What a comparison with a recorded market found, for people and for programs.
//!
//! Invariant: every disagreement is counted under one reason; the list shows the first of them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::desk::table::{Align, Table};
use crate::format::grouped;

/// A place where the venue and the recording disagree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Disagreement {
    /// What was compared.
    pub check: &'static str,
    /// Records of the file before it: 0 is the first, from which a replay of LOBSTER messages starts.
    pub row: u64,
    /// Line of the file, counted from 1.
    pub line: u64,
    /// What the recording says.
    pub expected: String,
    /// What the venue has.
    pub found: String,
    /// Key of the reason.
    pub reason: &'static str,
}

/// Disagreements of one check with one reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ReasonCount {
    /// What was compared.
    pub check: &'static str,
    /// Key of the reason.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
    /// Row of the first.
    pub first_row: u64,
    /// What the reason rests on.
    pub evidence: &'static str,
}

/// Counts by check and reason, and the first of each check.
#[derive(Clone, Debug)]
pub struct Disagreements {
    limit: usize,
    counts: BTreeMap<(&'static str, &'static str), ReasonCount>,
    first: BTreeMap<&'static str, Vec<Disagreement>>,
}

impl Disagreements {
    /// Keeps at most `limit` of each check.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, counts: BTreeMap::new(), first: BTreeMap::new() }
    }

    /// Counts one, and lists it if it is among the first.
    pub fn note(&mut self, disagreement: Disagreement, evidence: &'static str) {
        let Disagreement { check, row, reason, .. } = disagreement;
        self.count(check, row, reason, evidence);
        let first = self.first.entry(check).or_default();
        if first.len() < self.limit {
            first.push(disagreement);
        }
    }

    /// Counts one that is listed elsewhere.
    pub fn count(&mut self, check: &'static str, row: u64, reason: &'static str, evidence: &'static str) {
        let count = self.counts.entry((check, reason)).or_insert(ReasonCount {
            check,
            reason,
            count: 0,
            first_row: row,
            evidence,
        });
        count.count += 1;
        count.first_row = count.first_row.min(row);
    }

    /// By check, the first first.
    #[must_use]
    pub fn reasons(&self) -> Vec<ReasonCount> {
        let mut reasons: Vec<_> = self.counts.values().cloned().collect();
        reasons.sort_by_key(|reason| (reason.check, reason.first_row, reason.reason));
        reasons
    }

    /// The first of all checks, in the order of the rows.
    #[must_use]
    pub fn first(&self) -> Vec<Disagreement> {
        let mut first: Vec<_> = self.first.values().flatten().cloned().collect();
        first.sort_by_key(|one| (one.row, one.check));
        first
    }
}

/// The two tables of disagreements, or that there are none.
///
/// # Errors
/// Those of the formatter.
pub fn show_disagreements(
    f: &mut fmt::Formatter<'_>,
    reasons: &[ReasonCount],
    first: &[Disagreement],
) -> fmt::Result {
    if reasons.is_empty() {
        return writeln!(f, "\n  no disagreement");
    }
    let mut table = Table::new(&[
        ("disagree on", Align::Left),
        ("times", Align::Right),
        ("first row", Align::Right),
        ("because", Align::Left),
        ("evidence", Align::Left),
    ]);
    for reason in reasons {
        table.push(vec![
            reason.check.to_owned(),
            grouped(reason.count.into()),
            grouped(reason.first_row.into()),
            reason.reason.to_owned(),
            reason.evidence.to_owned(),
        ]);
    }
    write!(f, "\n{table}")?;
    let mut table = Table::new(&[
        ("row", Align::Right),
        ("line", Align::Right),
        ("on", Align::Left),
        ("recorded", Align::Left),
        ("at the venue", Align::Left),
        ("because", Align::Left),
    ]);
    for one in first {
        table.push(vec![
            one.row.to_string(),
            one.line.to_string(),
            one.check.to_owned(),
            one.expected.clone(),
            one.found.clone(),
            one.reason.to_owned(),
        ]);
    }
    if table.is_empty() { Ok(()) } else { write!(f, "\n{table}") }
}

/// A count out of all, as `91,907 of 91,997`.
#[must_use]
pub fn out_of(count: u64, all: u64) -> String {
    format!("{} of {}", grouped(count.into()), grouped(all.into()))
}
