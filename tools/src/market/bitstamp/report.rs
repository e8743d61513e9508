//! What a Bitstamp comparison found.
//!
//! Invariant: `pairs_expected` less `pairs_reproduced` is the sum of the reasons under `pair`; so for `pairs_unexpected`
//! and `unexpected`, and for `pairs_reproduced` less `quantities_equal` and `quantity`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::replay::{Counts, Pair, Replay, Traded};
use super::survey::Survey;
use crate::format::grouped;
use crate::market::report::{Disagreement, Disagreements, ReasonCount, out_of, show_disagreements};

/// Why a pair is not as recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reason {
    NotRecorded,
    WithoutQuantity,
    StaleBefore,
    MakerMetStale,
    KnockOn,
    Unexplained,
}

impl Reason {
    const fn key(self) -> &'static str {
        match self {
            Self::NotRecorded => "not_recorded",
            Self::WithoutQuantity => "without_quantity",
            Self::StaleBefore => "stale_before",
            Self::MakerMetStale => "maker_met_stale",
            Self::KnockOn => "knock_on",
            Self::Unexplained => "unexplained",
        }
    }

    const fn evidence(self) -> &'static str {
        match self {
            Self::NotRecorded => "maker or taker does not arrive within the recording",
            Self::WithoutQuantity => "a taker that was recorded without a quantity: a market order by value",
            Self::StaleBefore => {
                "the taker met a stale order: it never traded, and only the recording's end ends it"
            }
            Self::MakerMetStale => "the maker had met a stale order when it arrived, and was filled",
            Self::KnockOn => "as recorded once the stale orders are left out",
            Self::Unexplained => "none of the evidence above",
        }
    }
}

/// See the module's documentation. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// `bitstamp`.
    pub format: &'static str,
    /// Order events played.
    pub messages: u64,
    /// Trades compared.
    pub rows: u64,
    /// Not compared: the recording has no book.
    pub bbo_equal: Option<u64>,
    /// Not compared: the recording has no book.
    pub book_equal: Option<u64>,
    /// Pairs of maker and taker recorded.
    pub executions: u64,
    /// Those whose maker was first for the taker at the venue, too.
    pub fifo_head: u64,
    /// The same as `executions`.
    pub pairs_expected: u64,
    /// The same as `fifo_head`.
    pub pairs_reproduced: u64,
    /// Pairs reproduced at the recorded price.
    pub prices_equal: u64,
    /// Pairs reproduced with the recorded quantity.
    pub quantities_equal: u64,
    /// Pairs at the venue that were not recorded.
    pub pairs_unexpected: u64,
    /// Orders that were no longer there though the recording has them.
    pub stale_orders: Vec<u64>,
    /// Pairs reproduced once those are left out.
    pub pairs_reproduced_without_stale: u64,
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

/// What the reasons are found from.
struct Evidence<'a> {
    survey: &'a Survey,
    expected: BTreeMap<Pair, Traded>,
    first: &'a BTreeMap<Pair, Traded>,
    /// The pairs once stale orders are left out.
    last: &'a BTreeMap<Pair, Traded>,
    stale: &'a BTreeSet<u64>,
    /// Takers that met a stale order.
    met_stale: BTreeSet<u64>,
}

impl Evidence<'_> {
    fn why_missing(&self, (maker, taker): Pair) -> Reason {
        if [maker, taker].iter().any(|order| !self.survey.created.contains(order)) {
            Reason::NotRecorded
        } else if self.survey.without_quantity.contains(&taker) {
            Reason::WithoutQuantity
        } else if !self.last.contains_key(&(maker, taker)) {
            Reason::Unexplained
        } else if self.met_stale.contains(&taker) {
            Reason::StaleBefore
        } else if self.met_stale.contains(&maker) {
            Reason::MakerMetStale
        } else {
            Reason::KnockOn
        }
    }

    fn why_unexpected(&self, pair: Pair) -> Reason {
        if self.stale.contains(&pair.0) {
            Reason::StaleBefore
        } else if self.last.contains_key(&pair) {
            Reason::Unexplained
        } else {
            Reason::KnockOn
        }
    }

    fn why_other_quantity(&self, pair: Pair, recorded: Traded) -> Reason {
        if self.last.get(&pair).is_some_and(|traded| traded.qty == recorded.qty) {
            return Reason::KnockOn;
        }
        // A taker without a quantity was not played, so what it took is still there for the next.
        let shares =
            |&&(maker, taker): &&Pair| maker == pair.0 && self.survey.without_quantity.contains(&taker);
        if self.expected.keys().any(|other| shares(&other)) {
            Reason::WithoutQuantity
        } else {
            Reason::Unexplained
        }
    }

    fn note_all(&self, notes: &mut Disagreements) {
        let mut note = |check, at: &Traded, expected: String, found: String, reason: Reason| {
            let (row, line) = (at.row, at.line);
            let one = Disagreement { check, row, line, expected, found, reason: reason.key() };
            notes.note(one, reason.evidence());
        };
        let mut recorded: Vec<_> = self.expected.iter().collect();
        recorded.sort_by_key(|(_, expected)| expected.row);
        for (&pair, expected) in recorded {
            let shown = show(pair);
            match self.first.get(&pair) {
                None => note("pair", expected, shown, self.makers_of(pair.1), self.why_missing(pair)),
                Some(found) if found.price != expected.price => {
                    let shown = format!("{shown}, at {}", expected.price);
                    note("price", expected, shown, found.price.to_string(), Reason::Unexplained);
                }
                Some(found) if found.qty != expected.qty => {
                    let reason = self.why_other_quantity(pair, *expected);
                    let shown = format!("{shown}, {}", expected.qty);
                    note("quantity", expected, shown, found.qty.to_string(), reason);
                }
                Some(_) => {}
            }
        }
        let mut unexpected: Vec<_> =
            self.first.iter().filter(|(pair, _)| !self.expected.contains_key(pair)).collect();
        unexpected.sort_by_key(|(_, found)| found.row);
        for (&pair, found) in unexpected {
            note("unexpected", found, "no such pair".to_owned(), show(pair), self.why_unexpected(pair));
        }
    }

    /// Whom a taker met at the venue.
    fn makers_of(&self, taker: u64) -> String {
        let mut met = self.first.iter().filter(|((_, other), _)| *other == taker);
        let Some(((first, _), _)) = met.next() else { return "taker met nobody".to_owned() };
        match met.count() {
            0 => format!("maker {first}"),
            more => format!("maker {first} and {more} others"),
        }
    }
}

fn show((maker, taker): Pair) -> String {
    format!("maker {maker}, taker {taker}")
}

impl Report {
    pub(super) fn of(
        survey: &Survey,
        replay: &Replay<'_>,
        last: Option<&BTreeMap<Pair, Traded>>,
        stale: &BTreeSet<u64>,
        list: usize,
    ) -> Self {
        let met_stale =
            replay.pairs.keys().filter(|(maker, _)| stale.contains(maker)).map(|(_, taker)| *taker);
        let evidence = Evidence {
            survey,
            expected: survey.pairs(),
            first: &replay.pairs,
            last: last.unwrap_or(&replay.pairs),
            stale,
            met_stale: met_stale.collect(),
        };
        let mut notes = Disagreements::new(list);
        evidence.note_all(&mut notes);
        let reasons = notes.reasons();
        let unexplained = reasons.iter().any(|reason| reason.reason == Reason::Unexplained.key());
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let reproduced = |pairs: &BTreeMap<Pair, Traded>, agrees: fn(Traded, Traded) -> bool| {
            let is_so = |(pair, expected): &(&Pair, &Traded)| {
                pairs.get(pair).is_some_and(|found| agrees(**expected, *found))
            };
            size(evidence.expected.iter().filter(is_so).count())
        };
        let (expected, found) = (size(evidence.expected.len()), reproduced(evidence.first, |_, _| true));
        Self {
            format: "bitstamp",
            messages: survey.events,
            rows: size(survey.trades.len()),
            bbo_equal: None,
            book_equal: None,
            executions: expected,
            fifo_head: found,
            pairs_expected: expected,
            pairs_reproduced: found,
            prices_equal: reproduced(evidence.first, |one, other| one.price == other.price),
            quantities_equal: reproduced(evidence.first, |one, other| one.qty == other.qty),
            pairs_unexpected: size(replay.pairs.len()) - found,
            stale_orders: stale.iter().copied().collect(),
            pairs_reproduced_without_stale: reproduced(evidence.last, |_, _| true),
            counts: replay.counts,
            explained: !unexplained && replay.counts.refused == 0,
            reasons,
            disagreements: notes.first(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        writeln!(f, "bitstamp, orders in no trade are post-only\n")?;
        let line =
            |f: &mut fmt::Formatter<'_>, name: &str, text: String| writeln!(f, "  {name:<40}{text:>14}");
        line(f, "order events", grouped(self.messages.into()))?;
        line(f, "  refused as post-only that would cross", grouped(counts.post_only_rejects.into()))?;
        line(f, "  market orders that never trade", grouped(counts.market_without_trade.into()))?;
        line(f, "  without a quantity", grouped(counts.without_quantity.into()))?;
        line(f, "  out of the venue's range", grouped(counts.out_of_range.into()))?;
        line(f, "trades", grouped(self.rows.into()))?;
        line(f, "maker and taker as recorded", out_of(self.pairs_reproduced, self.pairs_expected))?;
        line(f, "  at the recorded price", out_of(self.prices_equal, self.pairs_reproduced))?;
        line(f, "  with the recorded quantity", out_of(self.quantities_equal, self.pairs_reproduced))?;
        line(f, "pairs that were not recorded", grouped(self.pairs_unexpected.into()))?;
        let without = out_of(self.pairs_reproduced_without_stale, self.pairs_expected);
        line(f, &format!("  with {} stale orders left out", self.stale_orders.len()), without)?;
        line(f, "refused by the venue", grouped(counts.refused.into()))?;
        show_disagreements(f, &self.reasons, &self.disagreements)
    }
}
