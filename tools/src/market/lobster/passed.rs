//! Executions of known orders that were not first in their queue, and what then became of those before them.
//!
//! Invariant: each gets one reason, and one that depends on what comes later gets it when that is known, or at the end.

use std::collections::BTreeMap;

use super::reason::Reason;

/// Where in the files something happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// Messages before it; the first row, which the replay starts from, is 0.
    pub row: u64,
    /// Line of the file, counted from 1.
    pub line: u64,
}

/// An execution out of turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutOfTurn {
    /// Its message.
    pub place: Place,
    /// What the file says.
    pub expected: String,
    /// What the venue has.
    pub found: String,
    /// Why.
    pub reason: Option<Reason>,
    /// Orders before it that still rest.
    resting: usize,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Passed {
    list: Vec<OutOfTurn>,
    /// By the exchange's number of an order that was passed over.
    watched: BTreeMap<u64, Vec<usize>>,
}

impl Passed {
    /// Notes an execution whose reason is known.
    pub fn note(&mut self, place: Place, expected: String, found: String, reason: Reason) {
        self.list.push(OutOfTurn { place, expected, found, reason: Some(reason), resting: 0 });
    }

    /// Notes an execution of the order with number `exchange` though the orders `before` stood before it.
    pub fn note_passed(&mut self, place: Place, expected: String, exchange: u64, before: &[u64]) {
        let Some((first, oldest)) = before.first().zip(before.iter().min()) else {
            self.note(place, expected, "no order before it".to_owned(), Reason::Unexplained);
            return;
        };
        let found = format!("order {first} is first, {} before order {exchange}", before.len());
        let known = (exchange < *oldest).then_some(Reason::NumberedBefore);
        let entry = self.list.len();
        self.list.push(OutOfTurn { place, expected, found, reason: known, resting: before.len() });
        if known.is_none() {
            for order in before {
                self.watched.entry(*order).or_default().push(entry);
            }
        }
    }

    /// An order traded.
    pub fn traded(&mut self, exchange: u64) {
        for &entry in self.watched.get(&exchange).into_iter().flatten() {
            self.list[entry].reason.get_or_insert(Reason::PassedThenTraded);
        }
    }

    /// An order is gone.
    pub fn gone(&mut self, exchange: u64) {
        for entry in self.watched.remove(&exchange).unwrap_or_default() {
            let passed = &mut self.list[entry];
            passed.resting = passed.resting.saturating_sub(1);
            if passed.resting == 0 {
                passed.reason.get_or_insert(Reason::PassedThenCancelled);
            }
        }
    }

    /// The level of an order left sight, where nothing more is known of it.
    pub fn lost(&mut self, exchange: u64) {
        self.watched.remove(&exchange);
    }

    /// All, in the order of the messages.
    #[must_use]
    pub fn finish(self) -> Vec<OutOfTurn> {
        let mut list = self.list;
        for passed in &mut list {
            passed.reason.get_or_insert(Reason::PassedThenLost);
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(passed: Passed) -> Vec<Option<Reason>> {
        passed.finish().into_iter().map(|one| one.reason).collect()
    }

    #[test]
    fn what_becomes_of_those_before_decides() {
        let mut passed = Passed::default();
        let mut note = |exchange, before: &[u64]| {
            passed.note_passed(Place::default(), String::new(), exchange, before);
        };
        note(5, &[6, 7]);
        note(9, &[6, 7]);
        note(9, &[7]);
        note(9, &[8]);
        note(9, &[]);
        passed.gone(7);
        passed.traded(6);
        passed.gone(6);
        assert_eq!(
            reasons(passed),
            [
                Some(Reason::NumberedBefore),
                Some(Reason::PassedThenTraded),
                Some(Reason::PassedThenCancelled),
                Some(Reason::PassedThenLost),
                Some(Reason::Unexplained),
            ]
        );
    }
}
