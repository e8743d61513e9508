//! What the model remembers: plain maps and queues, nothing derived.

use std::collections::{BTreeMap, VecDeque};

use engine::{
    CancelOnLoss, CancelReason, ClientOrderId, Instructions, KeyId, OrderId, OrderTag, Pricing, Protection,
    ProtectionId, SelfTrade, SessionId, SessionKind, TimeInForce, TradingState,
};
use risk::limits::ASSETS_MAX;
use risk::{AccountId, InstrumentId, InstrumentSpec, OwnerGroupId, Restriction, Side, Standing};

use super::arith::Terms;
use super::matching::Closing;
use super::prices::Feed;
use super::stable::Stable;

/// An open account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    /// By asset, the unit of account first.
    pub(crate) balances: [i128; ASSETS_MAX + 1],
    pub(crate) liquidating: bool,
    pub(crate) restriction: Restriction,
    /// What it is in one word, as last told.
    pub(crate) standing: Standing,
    /// Owner group; 0 is none.
    pub(crate) group: OwnerGroupId,
    pub(crate) fee_tier: u8,
}

impl Default for Account {
    fn default() -> Self {
        let group = OwnerGroupId::new(0);
        let (restriction, standing) = (Restriction::None, Standing::Active);
        let balances = [0; ASSETS_MAX + 1];
        Self { balances, liquidating: false, restriction, standing, group, fee_tier: 0 }
    }
}

/// An isolated position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Isolation {
    pub(crate) account: AccountId,
    /// Whether it acts for its parent now.
    pub(crate) on: bool,
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
    pub(crate) suspended: bool,
}

/// Position, cost and leverage setting of an account in an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) position: i128,
    pub(crate) cost: i128,
    pub(crate) leverage: i128,
    /// The payment up to which its funding is booked; 0 while it is flat.
    pub(crate) funded: usize,
}

/// Where an order is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Belongs to an entry that has not traded yet.
    Held,
    /// Waits for its trigger.
    Dormant,
    /// Waits for its turn; one that fired reserves nothing until then.
    Waiting,
    /// Takes, or rests in a queue.
    Live,
}

/// An order that is not gone.
#[expect(clippy::struct_excessive_bools, reason = "what an order says is many yes and no")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) client: ClientOrderId,
    pub(crate) session: SessionId,
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    /// Worst price; 0 of a market order that sleeps.
    pub(crate) price: i128,
    /// What remains, shown or not.
    pub(crate) leaves: i128,
    /// What of it is not shown.
    pub(crate) hidden: i128,
    /// Filled since it was accepted.
    pub(crate) filled: i128,
    pub(crate) reduce_only: bool,
    pub(crate) persistent: bool,
    pub(crate) post_only: bool,
    pub(crate) time_in_force: TimeInForce,
    pub(crate) stage: Stage,
    /// A trigger fired it.
    pub(crate) fired: bool,
    /// The account's own order of things: rises with acceptance, with a new place and with activation.
    pub(crate) placed: u64,
    /// Breaks ties of triggers.
    pub(crate) serial: u64,
    /// What it said beyond the plain order, the end of day resolved to a time.
    pub(crate) said: Instructions,
    /// Best watched price, with sub-units, of a trailing stop.
    pub(crate) best: Option<i128>,
    /// A price has crossed its trigger; it follows no more.
    pub(crate) crossed: bool,
    pub(crate) partner: Option<OrderId>,
    /// The entry it came with, while that is not gone.
    pub(crate) parent: Option<OrderId>,
    /// Take-profit, stop.
    pub(crate) exits: [Option<OrderId>; 2],
}

impl Order {
    pub(crate) fn shown(&self) -> i128 {
        self.leaves - self.hidden
    }

    /// Whether margin and limits count it.
    pub(crate) fn weighs(&self) -> bool {
        match self.stage {
            Stage::Held | Stage::Dormant => false,
            Stage::Waiting => !self.fired,
            Stage::Live => true,
        }
    }

    /// How long it lives: a fired market order takes at once or not at all.
    pub(crate) fn life(&self) -> TimeInForce {
        let market = self.price == 0 && self.said.pricing != Pricing::MarketToLimit;
        if market && self.time_in_force == TimeInForce::GoodTillCancel {
            TimeInForce::ImmediateOrCancel
        } else {
            self.time_in_force
        }
    }

    /// How many orders it is together with the exits it asks for.
    pub(crate) fn with_exits(&self) -> usize {
        1 + [self.said.take_profit, self.said.stop_loss].into_iter().flatten().count()
    }

    /// Shows a fresh part of an iceberg.
    pub(crate) fn show_anew(&mut self) {
        let display = i128::from(self.said.display.get());
        self.hidden = if display == 0 { 0 } else { self.leaves - display.min(self.leaves) };
    }

    /// Makes it smaller without a fill: what is hidden goes first.
    pub(crate) fn lessen(&mut self, cut: i128) {
        self.leaves -= cut;
        self.hidden -= cut.min(self.hidden);
    }
}

/// Who takes: an order, or the venue for an account in liquidation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    /// `None` is a liquidation.
    pub(crate) order: Option<OrderId>,
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) side: Side,
    pub(crate) limit: i128,
    /// What is left of a liquidation.
    pub(crate) left: i128,
    pub(crate) self_trade: SelfTrade,
    /// Prices of its first and its last match.
    pub(crate) prices: Option<(i128, i128)>,
    /// What a liquidation closes.
    pub(crate) closing: Option<Closing>,
}

/// How far a taker came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing left of it, or nothing left that crosses.
    Done,
    /// The bound of work was reached while more would cross.
    Bound,
    /// More would cross, but beyond the limit of the instrument; its last admitted price.
    Limit(i128),
}

/// Which orders of an account go, and why.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) account: AccountId,
    /// Its isolated positions follow.
    pub(crate) isolated_too: bool,
    pub(crate) instrument: Option<InstrumentId>,
    pub(crate) side: Option<Side>,
    pub(crate) tag: Option<OrderTag>,
    /// `None`: whatever session they came by.
    pub(crate) sessions: Option<Vec<SessionId>>,
    pub(crate) protection: Option<ProtectionId>,
    pub(crate) spares_reduce_only: bool,
    pub(crate) spares_persistent: bool,
    pub(crate) reason: CancelReason,
}

impl Scope {
    pub(crate) fn of_family(account: AccountId, reason: CancelReason) -> Self {
        Self { isolated_too: true, ..Self::of_account(account, reason) }
    }

    pub(crate) fn of_account(account: AccountId, reason: CancelReason) -> Self {
        Self {
            account,
            isolated_too: false,
            instrument: None,
            side: None,
            tag: None,
            sessions: None,
            protection: None,
            spares_reduce_only: false,
            spares_persistent: false,
            reason,
        }
    }
}

/// A sweep that is not through.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    pub(crate) scope: Scope,
    /// Who is told when it is.
    pub(crate) asked: Option<(SessionId, ClientOrderId)>,
    /// Orders to look at, the next first; `None` while it has not begun.
    pub(crate) left: Option<VecDeque<OrderId>>,
    pub(crate) count: u32,
}

/// What is left of what one command may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    pub(crate) looks: usize,
    pub(crate) cancels: usize,
}

/// A market-maker protection group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) limits: Protection,
    /// When the window that counts began.
    pub(crate) window: Option<u64>,
    pub(crate) qty: i128,
    /// Bought less sold.
    pub(crate) delta: i128,
    pub(crate) fills: i128,
    /// Until when it is frozen; 0 until reset.
    pub(crate) frozen: Option<u64>,
}

/// The highest price that crossed a rising trigger and the lowest that crossed a falling one, with sub-units.
pub(crate) type Crossing = (Option<i128>, Option<i128>);

/// An operator's restriction of an owner group that has not reached all of its accounts.
#[derive(Clone, Debug)]
pub(crate) struct Restricting {
    pub(crate) left: VecDeque<AccountId>,
    pub(crate) restriction: Restriction,
    pub(crate) cancel_orders: bool,
}

/// A settlement that is not through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settling {
    pub(crate) instrument: InstrumentId,
    pub(crate) price: i128,
    /// Received by the dust account so far.
    pub(crate) dust: i128,
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
    /// The specification, which says whether limits may be set.
    pub(crate) spec: InstrumentSpec,
    pub(crate) state: TradingState,
    /// When its state ends by itself, and for how long the auction after it lasts, in nanoseconds.
    pub(crate) until: Option<(u64, u64)>,
    pub(crate) mark: Option<i128>,
    /// Last index price.
    pub(crate) index: Option<i128>,
    /// Slow price for initial margin, where the terms ask for one.
    pub(crate) stable: Option<Stable>,
    /// Initial rate that the open interest asks for, as of the last price; 0 is none.
    pub(crate) crowded: i128,
    /// What a lot of a long has paid by each payment of funding, in 2^-32 of a money unit; 0 before the first.
    pub(crate) payments: Vec<i128>,
    /// Price of the last match.
    pub(crate) last: Option<i128>,
    /// What crossed triggers that have not all fired: by last, mark and index.
    pub(crate) crossed: [Crossing; 3],
    /// Last number of each source of index prices.
    pub(crate) sources: BTreeMap<u16, u64>,
    /// What index, mark, funding and end are made of.
    pub(crate) feed: Feed,
    pub(crate) book: Book,
}

/// Whether an order of `side` at `limit` trades with the opposite side at `price`.
pub(crate) fn crosses(side: Side, limit: i128, price: i128) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}
