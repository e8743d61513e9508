//! What moves money (in, out, and between accounts) and what is asked of it.
//!
//! Invariant: as for every command, field order here is the format of the log.

use risk::{AccountId, AssetId, InstrumentId, MarginTerms, Money};

use super::TimeNs;

/// Money in or out of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Transfer {
    /// Whose.
    pub account: AccountId,
    /// What.
    pub asset: AssetId,
    /// How much; above zero.
    pub amount: Money,
    /// The account's number for it, which makes repeating it harmless; rises per account. 0 is none.
    pub external_id: u64,
}

impl Transfer {
    /// In the unit of account, without a number.
    #[must_use]
    pub const fn new(account: AccountId, amount: Money) -> Self {
        Self { account, asset: AssetId::BASE, amount, external_id: 0 }
    }
}

/// Money from one account to another of the same owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct TransferBetween {
    /// Who gives.
    pub from: AccountId,
    /// Who receives.
    pub to: AccountId,
    /// What.
    pub asset: AssetId,
    /// How much; above zero.
    pub amount: Money,
    /// The giver's number for it, which makes repeating it harmless; rises per account. 0 is none.
    pub external_id: u64,
}

/// Money between an account and its isolated position in an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct MoveMargin {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub instrument: InstrumentId,
    /// Into the position (positive) or out of it; not zero.
    pub amount: Money,
}

/// A change of an instrument's margin.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct MarginChange {
    /// What is asked for in the end.
    pub terms: MarginTerms,
    /// From the first tick at or past this time; a time that is over is at once.
    pub effective: TimeNs,
    /// In so many steps maintenance margin goes there; initial margin is there with the first. 1 is at once.
    pub steps: u16,
    /// Time from one step to the next, in milliseconds; 0 with one step.
    pub step_ms: u32,
}
