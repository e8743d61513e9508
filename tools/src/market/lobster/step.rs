//! Whether a row of a book file follows from the row before and the message between them, as far as its levels tell.
//!
//! Invariant: this is arithmetic on the two files and knows of no engine. It says what the files themselves claim, so a
//! disagreement of the replay is never put down to them without this evidence.

use risk::{Qty, Side};

use super::row::{Level, Row, is_better};
use crate::flow::lobster::message::{Kind, Message};

/// How a row follows from the one before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// It does.
    Follows,
    /// It does, and the message spoke of a price behind the levels shown: the messages go deeper than the rows.
    Deeper,
    /// It does not.
    Contradicts,
}

/// Compares a row with what the one before and the message make of it.
#[must_use]
pub fn step(before: &Row, message: &Message, after: &Row) -> Step {
    let mut deeper = false;
    for side in [Side::Sell, Side::Buy] {
        let mut levels = before.side(side).to_vec();
        if side == message.side && is_played(message.kind) {
            match change(&mut levels, before, message) {
                Some(hidden) => deeper = hidden,
                None => return Step::Contradicts,
            }
        }
        levels.truncate(before.levels);
        if !shows(before.is_full(side), &levels, after, side) {
            return Step::Contradicts;
        }
    }
    if deeper { Step::Deeper } else { Step::Follows }
}

/// Whether a message of this kind changes the visible book.
#[must_use]
pub const fn is_played(kind: Kind) -> bool {
    match kind {
        Kind::Add | Kind::PartialCancel | Kind::Delete | Kind::Execution => true,
        Kind::HiddenExecution | Kind::Cross | Kind::Halt => false,
    }
}

/// Applies the message to the levels of its side: whether its price is hidden, or none where it cannot be applied.
fn change(levels: &mut Vec<Level>, before: &Row, message: &Message) -> Option<bool> {
    let (side, price) = (message.side, message.price);
    let place = levels.partition_point(|level| is_better(side, level.0, price));
    let at_level = levels.get(place).is_some_and(|level| level.0 == price);
    if message.kind == Kind::Add {
        if at_level {
            levels[place].1 += message.size;
        } else if before.hides(side, price) {
            return Some(true);
        } else {
            levels.insert(place, (price, message.size));
        }
        return Some(false);
    }
    if !at_level {
        return before.hides(side, price).then_some(true);
    }
    levels[place].1 -= message.size;
    if levels[place].1 < Qty::ZERO {
        return None;
    }
    if levels[place].1 == Qty::ZERO {
        levels.remove(place);
    }
    Some(false)
}

/// Whether a row shows the levels expected and nothing else, but for one that comes up from behind a full side.
fn shows(was_full: bool, expected: &[Level], after: &Row, side: Side) -> bool {
    let shown = after.side(side);
    let Some(rest) = shown.strip_prefix(expected) else { return false };
    match rest {
        [] => true,
        [_] => was_full && expected.len() + 1 == after.levels,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        Row::parse(text.as_bytes()).unwrap()
    }

    fn message(text: &str) -> Message {
        Message::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn rows_follow_from_messages_or_not() {
        let before = row("105,10,100,20,106,1,99,5");
        let cases = [
            ("1,1,9,3,105,-1", "105,13,100,20,106,1,99,5", Step::Follows),
            ("1,1,9,3,104,-1", "104,3,100,20,105,10,99,5", Step::Follows),
            ("1,1,9,3,107,-1", "105,10,100,20,106,1,99,5", Step::Deeper),
            ("1,3,9,3,107,-1", "105,10,100,20,106,1,99,5", Step::Deeper),
            ("1,4,9,10,105,-1", "106,1,100,20,108,7,99,5", Step::Follows),
            ("1,4,9,10,105,-1", "106,1,100,20,9999999999,0,99,5", Step::Follows),
            ("1,2,9,4,100,1", "105,10,100,16,106,1,99,5", Step::Follows),
            ("1,5,9,4,100,1", "105,10,100,20,106,1,99,5", Step::Follows),
            ("1,5,9,4,100,1", "105,10,100,16,106,1,99,5", Step::Contradicts),
            ("1,4,9,11,105,-1", "106,1,100,20,108,7,99,5", Step::Contradicts),
            ("1,3,9,1,104,-1", "105,10,100,20,106,1,99,5", Step::Contradicts),
            ("1,1,9,3,105,-1", "105,12,100,20,106,1,99,5", Step::Contradicts),
        ];
        for (text, after, expected) in cases {
            assert_eq!(step(&before, &message(text), &row(after)), expected, "{text} {after}");
        }
    }

    #[test]
    fn nothing_comes_up_behind_a_side_that_was_not_full() {
        let before = row("105,10,100,20,9999999999,0,99,5");
        let after = row("105,10,100,20,106,1,99,5");
        assert_eq!(step(&before, &message("1,5,9,4,100,1"), &after), Step::Contradicts);
        assert_eq!(step(&before, &message("1,1,9,1,106,-1"), &after), Step::Follows);
    }
}
