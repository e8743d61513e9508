//! Money that goes from one account to another.
//!
//! Invariant: what the one gives the other receives.

use risk::{AccountId, AssetId, Money, byte_enum};

byte_enum!(
    /// Why money went from one account to another.
    MovementReason {
        /// Its owner asked for it.
        Requested = 1,
        /// An isolated position was short of margin for an order.
        MarginShort = 2,
        /// Its owner moved margin into or out of an isolated position.
        MarginMoved = 3,
        /// An isolated position is over.
        PositionOver = 4,
    }
);

/// Money that went from one account to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Movement {
    /// Who gave.
    pub from: AccountId,
    /// Who received.
    pub to: AccountId,
    /// What.
    pub asset: AssetId,
    /// How much.
    pub amount: Money,
    /// Balance of the giver after it.
    pub from_balance: Money,
    /// Balance of the receiver after it.
    pub to_balance: Money,
    /// The giver's number for it; 0 is none.
    pub external_id: u64,
    /// Why.
    pub reason: MovementReason,
}
