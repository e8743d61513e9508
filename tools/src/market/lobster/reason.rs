//! Why a replay and the files disagree.
//!
//! Invariant: a reason is given only on the evidence its text names; what has none of it is unexplained.

/// A class of disagreements.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reason {
    /// A level that had been behind the levels in sight shows, and no message told of it.
    Surfaced,
    /// A level that had been behind the levels in sight is not what it was when it left them.
    ChangedUnseen,
    /// The row does not follow from the row before and the message, or one before it did not.
    Contradiction,
    /// The row's best bid is not below its best ask.
    CrossedRow,
    /// The order is older at the exchange than those that stood before it, though its message came later.
    NumberedBefore,
    /// Those before it were passed over, and all were cancelled without a trade after it.
    PassedThenCancelled,
    /// Those before it were passed over, and one of them traded after it.
    PassedThenTraded,
    /// Those before it were passed over, and rested when the messages ended or their level left sight.
    PassedThenLost,
    /// Only levels that had been behind the levels in sight stood at a better price.
    BetterUnseen,
    /// The files, too, show a better price at that moment.
    BetterShown,
    /// None of this.
    Unexplained,
}

impl Reason {
    /// Stable key, in lower case with underscores.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Surfaced => "surfaced",
            Self::ChangedUnseen => "changed_unseen",
            Self::Contradiction => "contradiction",
            Self::CrossedRow => "crossed_row",
            Self::NumberedBefore => "numbered_before",
            Self::PassedThenCancelled => "passed_then_cancelled",
            Self::PassedThenTraded => "passed_then_traded",
            Self::PassedThenLost => "passed_then_lost",
            Self::BetterUnseen => "better_unseen",
            Self::BetterShown => "better_shown",
            Self::Unexplained => "unexplained",
        }
    }

    /// What it rests on, for people.
    #[must_use]
    pub const fn evidence(self) -> &'static str {
        match self {
            Self::Surfaced => "a level from behind the levels in sight shows; no message told of it",
            Self::ChangedUnseen => "a level that had been behind the levels in sight changed there, untold",
            Self::Contradiction => "the row, or one before it, does not follow from its message",
            Self::CrossedRow => {
                "the row's best bid is not below its best ask; no matching book can hold that"
            }
            Self::NumberedBefore => "its exchange number is below all before it: older, though shown later",
            Self::PassedThenCancelled => "those before it were passed over and cancelled without a trade",
            Self::PassedThenTraded => "those before it were passed over, one of them traded after it",
            Self::PassedThenLost => "those before it were passed over and rested to the end, or left sight",
            Self::BetterUnseen => "only levels that had been behind the levels in sight had a better price",
            Self::BetterShown => "the files show a better price at that moment, too",
            Self::Unexplained => "none of the evidence above",
        }
    }
}
