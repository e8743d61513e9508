//! The venue's book beside a row of the book file: whether they agree, why not, and what is taken over from the row.
//!
//! Invariant: a row is compared before anything is taken over from it.

use risk::{Price, Qty, Side};

use super::reason::Reason;
use super::replay::Replay;
use super::row::{Level, Row, is_better};

/// The sides in the order of a row's columns.
const SIDES: [Side; 2] = [Side::Sell, Side::Buy];

/// A difference between a row and the venue's book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What the row says.
    pub expected: String,
    /// What the venue has.
    pub found: String,
    /// Why.
    pub reason: Reason,
}

/// The outcome for one row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// Best bid and offer, price and size.
    pub bbo: Option<Difference>,
    /// All levels compared.
    pub book: Option<Difference>,
}

/// Compares `levels` levels. `contradicted` says that this row, or with rows that are not followed one before it, does
/// not follow from its message.
#[must_use]
pub fn compare(replay: &Replay, row: &Row, levels: usize, contradicted: bool) -> Verdict {
    let ours = SIDES.map(|side| replay.floor.depth(side).take(levels).collect::<Vec<Level>>());
    let theirs = SIDES.map(|side| &row.side(side)[..row.side(side).len().min(levels)]);
    let mut first: Option<(usize, usize)> = None;
    for (place, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let differs = (0..ours.len().max(theirs.len())).find(|&level| ours.get(level) != theirs.get(level));
        if let Some(level) = differs
            && first.is_none_or(|(best, _)| level < best)
        {
            first = Some((level, place));
        }
    }
    let Some((level, place)) = first else { return Verdict::default() };
    let (our, their) = (ours[place].get(level).copied(), theirs[place].get(level).copied());
    let reason = if row.is_crossed() {
        Reason::CrossedRow
    } else {
        why(replay, SIDES[place], our, their, contradicted)
    };
    let name = if SIDES[place] == Side::Sell { "ask" } else { "bid" };
    let show = |at: Option<Level>| at.map_or("nothing".to_owned(), |at| format!("{},{}", at.0, at.1));
    let book = Difference {
        expected: format!("{name} {}: {}", level + 1, show(their)),
        found: format!("{name} {}: {}", level + 1, show(our)),
        reason,
    };
    let bbo = (level == 0).then(|| Difference {
        expected: best(theirs[0].first(), theirs[1].first()),
        found: best(ours[0].first(), ours[1].first()),
        reason,
    });
    Verdict { bbo, book: Some(book) }
}

/// Best ask and bid as a row spells them.
fn best(ask: Option<&Level>, bid: Option<&Level>) -> String {
    let (ask, bid) = (
        ask.map_or((9_999_999_999, 0), |ask| (ask.0.get(), ask.1.get())),
        bid.map_or((-9_999_999_999, 0), |bid| (bid.0.get(), bid.1.get())),
    );
    format!("{},{},{},{}", ask.0, ask.1, bid.0, bid.1)
}

/// Why the venue has `our` level where the row has `their`, the first difference of a side.
fn why(replay: &Replay, side: Side, our: Option<Level>, their: Option<Level>, contradicted: bool) -> Reason {
    let price_at_issue = match (our, their) {
        (Some(our), Some(their)) if is_better(side, our.0, their.0) => our.0,
        (_, Some(their)) => their.0,
        (Some(our), None) => our.0,
        (None, None) => return Reason::Unexplained,
    };
    if replay.follows && contradicted {
        return Reason::Contradiction;
    }
    if let Some(level) = replay.held.level(side, price_at_issue)
        && level.left
    {
        return Reason::ChangedUnseen;
    }
    let is_missing = replay.held.level(side, price_at_issue).is_none();
    if is_missing && replay.was_out_of_sight(side, price_at_issue) {
        return Reason::Surfaced;
    }
    if contradicted { Reason::Contradiction } else { Reason::Unexplained }
}

/// Takes over from a row that shows all that the messages speak of: levels that came into sight are what it says they
/// are, levels it does not show are gone.
pub fn take_over(replay: &mut Replay, row: &Row, differs: bool) {
    for side in SIDES {
        let shown = row.side(side);
        if differs {
            drop_unshown(replay, row, side);
        }
        // Where nothing differs, only the last level can have come into sight.
        let looked_at = if differs { 0 } else { shown.len().saturating_sub(1) };
        for &(price, size) in &shown[looked_at..] {
            see(replay, side, price, size);
        }
    }
    if differs {
        for side in SIDES {
            for &(price, size) in row.side(side) {
                if replay.held.level(side, price).is_none() {
                    replay.adopt(side, price, size);
                }
            }
        }
        replay.look();
    }
}

fn drop_unshown(replay: &mut Replay, row: &Row, side: Side) {
    let shown = row.side(side);
    let in_sight: Vec<Price> = match shown.last().filter(|_| row.is_full(side)) {
        Some(&(last, _)) => replay.held.better(side, last, true),
        None => replay.held.prices(side).collect(),
    };
    for price in in_sight {
        if shown.iter().all(|level| level.0 != price) {
            replay.drop_level(side, price);
        }
    }
}

/// A level in sight: kept where it has the size shown, else dropped.
fn see(replay: &mut Replay, side: Side, price: Price, size: Qty) {
    if replay.held.level(side, price).is_none() {
        return;
    }
    if replay.held.size(side, price) != size {
        replay.drop_level(side, price);
    } else if let Some(level) = replay.held.level_mut(side, price) {
        level.left = false;
    }
}
