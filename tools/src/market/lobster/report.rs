//! What a LOBSTER comparison found.
//!
//! Invariant: `rows` less `bbo_equal` is the sum of the reasons under `bbo`; so for `book_equal` and `book`, and for
//! `executions` less `fifo_head` and `fifo`.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::replay::Counts;
use super::row::Row;
use super::survey::{Kinds, Survey};
use super::{Reason, Run};
use crate::format::grouped;
use crate::market::report::{Disagreement, ReasonCount, out_of, show_disagreements};

/// See the module's documentation. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// `lobster`.
    pub format: &'static str,
    /// Messages played.
    pub messages: u64,
    /// Messages by type.
    pub kinds: Kinds,
    /// Rows compared.
    pub rows: u64,
    /// Levels of the book file.
    pub book_levels: usize,
    /// Levels compared.
    pub levels: usize,
    /// Whether what came into sight was taken over from each row after it was compared.
    pub row_by_row: bool,
    /// The file the replay started from.
    pub seed: String,
    /// Levels of its first row.
    pub seed_levels: usize,
    /// Rows whose best bid and offer, price and size, are the venue's.
    pub bbo_equal: u64,
    /// Rows all of whose levels compared are the venue's.
    pub book_equal: u64,
    /// Rows that follow from the row before and their message as far as their levels tell: a check of the files alone.
    pub steps_equal: u64,
    /// What was played, and how.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether every disagreement has a reason and the venue refused nothing.
    pub explained: bool,
    /// Disagreements by reason.
    pub reasons: Vec<ReasonCount>,
    /// The first disagreements of each check.
    pub disagreements: Vec<Disagreement>,
}

impl Report {
    pub(super) fn of(mut run: Run, survey: &Survey, follows: bool, seed: (&Path, &Row)) -> Self {
        for one in std::mem::take(&mut run.replay.passed).finish() {
            let reason = one.reason.unwrap_or(Reason::Unexplained);
            run.note("fifo", one.place, one.expected, one.found, reason);
        }
        let counts = run.replay.counts;
        let reasons = run.disagreements.reasons();
        let unexplained = reasons.iter().any(|reason| reason.reason == Reason::Unexplained.key());
        Self {
            format: "lobster",
            messages: survey.messages,
            kinds: survey.kinds,
            rows: run.equal.rows,
            book_levels: survey.levels,
            levels: run.levels,
            row_by_row: follows,
            seed: seed.0.display().to_string(),
            seed_levels: seed.1.levels,
            bbo_equal: run.equal.bbo,
            book_equal: run.equal.book,
            steps_equal: survey.steps_equal,
            explained: !unexplained && counts.refused == 0,
            counts,
            disagreements: run.disagreements.first(),
            reasons,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        let how = if self.row_by_row { "row by row" } else { "free" };
        let levels = if self.levels == 1 { "level" } else { "levels" };
        writeln!(f, "lobster, {} {levels}, {how}, from row 1 of {}\n", self.levels, self.seed)?;
        let line =
            |f: &mut fmt::Formatter<'_>, name: &str, text: String| writeln!(f, "  {name:<34}{text:>20}");
        line(f, "messages", grouped(self.messages.into()))?;
        line(f, "  hidden executions, not played", grouped(self.kinds.hidden_executions.into()))?;
        line(f, "  about orders never told of", grouped(counts.untold.into()))?;
        if self.rows < self.messages {
            line(f, "  without a row", grouped((self.messages - self.rows).into()))?;
        }
        line(f, "best bid and offer equal", out_of(self.bbo_equal, self.rows))?;
        line(f, "all levels equal", out_of(self.book_equal, self.rows))?;
        line(f, "rows that follow from the last", out_of(self.steps_equal, self.rows))?;
        line(f, "executions at the FIFO head", out_of(counts.fifo_head, counts.executions))?;
        line(f, "  of orders never told of", grouped(counts.executions_untold.into()))?;
        line(f, "refused by the venue", grouped(counts.refused.into()))?;
        show_disagreements(f, &self.reasons, &self.disagreements)
    }
}
