//! What the model remembers: plain maps and queues, nothing derived.

use std::collections::{BTreeMap, VecDeque};

use engine::{ClientOrderId, OrderId, SessionId, TimeInForce, TradingState};
use risk::{AccountId, FillKind, InstrumentId, Side};

use super::arith::Terms;

/// An open account.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) balance: i128,
    pub(crate) liquidating: bool,
}

/// Position, cost and leverage setting of an account in an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) position: i128,
    pub(crate) cost: i128,
    pub(crate) leverage: i128,
}

/// A resting order, or one about to rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) client: ClientOrderId,
    pub(crate) session: SessionId,
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) price: i128,
    pub(crate) leaves: i128,
    /// Filled since it was accepted.
    pub(crate) filled: i128,
    pub(crate) reduce_only: bool,
    /// Rises with every joining of a queue.
    pub(crate) joined: u64,
}

/// An order that takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub(crate) order: Order,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) kind: FillKind,
}

/// How far a taker came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing left, or nothing left that crosses.
    Done,
    /// It met an order of its own account.
    SelfTrade,
    /// The bound of makers was reached while more would cross.
    Bound,
}

/// A mass cancel that is not through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sweep {
    pub(crate) session: SessionId,
    pub(crate) client: ClientOrderId,
    pub(crate) account: AccountId,
    pub(crate) instrument: Option<InstrumentId>,
    pub(crate) count: u32,
}

/// Queues by price; within a price in the order of joining.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    pub(crate) bids: BTreeMap<i128, VecDeque<OrderId>>,
    pub(crate) asks: BTreeMap<i128, VecDeque<OrderId>>,
}

impl Book {
    pub(crate) fn queues(&mut self, side: Side) -> &mut BTreeMap<i128, VecDeque<OrderId>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Best price of a side and the order that waits longest there.
    pub(crate) fn best(&self, side: Side) -> Option<(i128, OrderId)> {
        let (price, queue) = match side {
            Side::Buy => self.bids.last_key_value()?,
            Side::Sell => self.asks.first_key_value()?,
        };
        Some((*price, *queue.front().expect("an empty queue is removed")))
    }

    /// Orders of a side, best price first, longest waiting first.
    pub(crate) fn walk(&self, side: Side) -> Vec<OrderId> {
        match side {
            Side::Buy => self.bids.values().rev().flatten().copied().collect(),
            Side::Sell => self.asks.values().flatten().copied().collect(),
        }
    }
}

/// An instrument with its book.
#[derive(Clone, Debug)]
pub(crate) struct Instrument {
    pub(crate) terms: Terms,
    pub(crate) state: TradingState,
    pub(crate) mark: Option<i128>,
    pub(crate) book: Book,
}

/// Whether an order of `side` at `limit` trades with the opposite side at `price`.
pub(crate) fn crosses(side: Side, limit: i128, price: i128) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}
