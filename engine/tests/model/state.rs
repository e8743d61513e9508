//! What the model remembers: plain maps and queues, nothing derived.

use std::collections::{BTreeMap, VecDeque};

use engine::{
    CancelOnLoss, CancelReason, ClientOrderId, KeyId, OrderId, SessionId, SessionKind, TimeInForce,
    TradingState,
};
use risk::{AccountId, FillKind, InstrumentId, Restriction, Side};

use super::arith::Terms;

/// An open account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) balance: i128,
    pub(crate) liquidating: bool,
    pub(crate) restriction: Restriction,
}

impl Default for Account {
    fn default() -> Self {
        Self { balance: 0, liquidating: false, restriction: Restriction::None }
    }
}

/// A session; by default one in the same process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Session {
    /// Last number of its commands.
    pub(crate) number: u64,
    /// Last name of its requests.
    pub(crate) client: ClientOrderId,
    pub(crate) kind: SessionKind,
    pub(crate) account: AccountId,
    pub(crate) key: KeyId,
    pub(crate) tag: u32,
    pub(crate) on_loss: CancelOnLoss,
    pub(crate) grace_ms: u32,
    pub(crate) logged_on: bool,
    /// When its dead-man timer runs out; 0 is never.
    pub(crate) deadline: u64,
    pub(crate) keep_reduce_only: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            number: 0,
            client: ClientOrderId::new(0),
            kind: SessionKind::Local,
            account: AccountId::new(0),
            key: KeyId::new(0),
            tag: 0,
            on_loss: CancelOnLoss::Off,
            grace_ms: 0,
            logged_on: false,
            deadline: 0,
            keep_reduce_only: true,
        }
    }
}

/// A registered key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    pub(crate) public: [u8; 32],
    pub(crate) account: AccountId,
    pub(crate) kinds: u32,
    pub(crate) expires: u64,
    pub(crate) revoked: bool,
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
    pub(crate) persistent: bool,
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

/// Which orders of an account go, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) account: AccountId,
    pub(crate) instrument: Option<InstrumentId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) spares_reduce_only: bool,
    pub(crate) spares_persistent: bool,
    pub(crate) reason: CancelReason,
}

impl Scope {
    pub(crate) fn of_account(account: AccountId, reason: CancelReason) -> Self {
        let (instrument, session) = (None, None);
        Self { account, instrument, session, spares_reduce_only: false, spares_persistent: false, reason }
    }
}

/// A sweep that is not through.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    pub(crate) scope: Scope,
    /// Who is told when it is.
    pub(crate) asked: Option<(SessionId, ClientOrderId)>,
    /// Orders to look at, the next first.
    pub(crate) left: VecDeque<OrderId>,
    pub(crate) count: u32,
}

/// What is left of what one command may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) looks: usize,
    pub(crate) cancels: usize,
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
    /// Last number of each source of index prices.
    pub(crate) sources: BTreeMap<u16, u64>,
    pub(crate) book: Book,
}

/// Whether an order of `side` at `limit` trades with the opposite side at `price`.
pub(crate) fn crosses(side: Side, limit: i128, price: i128) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}
