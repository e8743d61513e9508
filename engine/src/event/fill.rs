//! A match, and what it left of both sides.
//!
//! Invariant: position, cost and balance are those after the match, so folding fills needs no other event. Field order is
//! the format of the log.

use risk::{AccountId, FillKind, InstrumentId, Money, Position, Price, Qty, Side};

use super::TradeId;
use crate::command::{ClientOrderId, OrderId, SessionId};

/// One side of a match after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct FillSide {
    /// Order.
    pub order: OrderId,
    /// Client's number of the order; 0 for the venue's own.
    pub client_order_id: ClientOrderId,
    /// Session the order came by.
    pub session: SessionId,
    /// Owner.
    pub account: AccountId,
    /// What remains of the order.
    pub leaves: Qty,
    /// Fee paid; negative is a rebate. A liquidated account's fee is the liquidation fee.
    pub fee: Money,
    /// Position after the match.
    pub position: Position,
    /// Cost of the position after the match: the sum of its signed fill values; 0 when flat.
    pub cost: Money,
    /// Balance after the match.
    pub balance: Money,
}

/// A match.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Fill {
    /// Number of the match.
    pub trade: TradeId,
    /// Where.
    pub instrument: InstrumentId,
    /// Side of the taker; in an auction the buyer stands as taker.
    pub side: Side,
    /// Ordinary, of a liquidation or of an auction.
    pub kind: FillKind,
    /// The maker's price, or the auction's.
    pub price: Price,
    /// Matched quantity.
    pub qty: Qty,
    /// Value exchanged.
    pub value: Money,
    /// The side that came.
    pub taker: FillSide,
    /// The side that rested.
    pub maker: FillSide,
}
