//! Commands: everything that may change state.
//!
//! Invariant: a command says what somebody asked for; it never carries a result. Its bytes in the log are these
//! structs through [`crate::codec`], so field order here is the format.

use alloc::boxed::Box;
use risk::{
    AccountId, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Price, Qty, Side, byte_enum, unit,
};

unit!(
    /// Position of a command in the one total order; the first is 1.
    Seq(u64)
);
unit!(
    /// Nanoseconds since the Unix epoch, UTC, as stamped by the sequencer.
    TimeNs(u64)
);
unit!(
    /// Order number: 24 bits of slot, 40 bits of generation; never reused.
    OrderId(u64)
);
unit!(
    /// The client's own order number; rises strictly per session.
    ClientOrderId(u64)
);
unit!(
    /// A logical session; 0 is the venue itself.
    SessionId(u32)
);

/// When and where in the order a command was taken. Time never runs backward.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, bincode::Encode, bincode::Decode)]
pub struct Stamp {
    /// Place in the total order.
    pub seq: Seq,
    /// Time of sequencing.
    pub time: TimeNs,
}

byte_enum!(
    /// How long an order lives.
    TimeInForce {
        /// Until cancelled.
        GoodTillCancel = 1,
        /// Takes what it can at once; the rest is cancelled.
        ImmediateOrCancel = 2,
        /// Takes all at once or nothing.
        FillOrKill = 3,
    }
);

byte_enum!(
    /// What an instrument admits.
    TradingState {
        /// Everything.
        Open = 1,
        /// Cancels only. Positions are still marked and liquidated.
        CancelOnly = 2,
    }
);

/// A new order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct NewOrder {
    /// The client's number; above every number its session has used.
    pub client_order_id: ClientOrderId,
    /// Who trades.
    pub account: AccountId,
    /// What.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Total quantity.
    pub qty: Qty,
    /// Limit price; `None` is a market order, which trades no worse than the collar.
    pub limit: Option<Price>,
    /// Life time. A market order must not be good-till-cancel.
    pub time_in_force: TimeInForce,
    /// Refuse rather than take. Only with good-till-cancel.
    pub post_only: bool,
    /// Only ever reduces the position; quantity is cut to it.
    pub reduce_only: bool,
}

/// How a client names a resting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub enum OrderRef {
    /// By the venue's number.
    Id(OrderId),
    /// By the client's number in the commanding session.
    Client(ClientOrderId),
}

/// Cancels one order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct CancelOrder {
    /// Owner.
    pub account: AccountId,
    /// Which.
    pub order: OrderRef,
}

/// Changes a resting order in place. A smaller quantity at the same price keeps priority; anything else loses it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct AmendOrder {
    /// Owner.
    pub account: AccountId,
    /// Which.
    pub order: OrderRef,
    /// New limit price.
    pub limit: Price,
    /// New total quantity, what has already been filled included.
    pub qty: Qty,
    /// Refuse the amendment rather than take. The order stays as it was.
    pub post_only: bool,
}

/// Cancels all orders of an account, or those in one instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct MassCancel {
    /// Owner.
    pub account: AccountId,
    /// `None` means every instrument.
    pub instrument: Option<InstrumentId>,
}

/// Money in or out of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Transfer {
    /// Whose.
    pub account: AccountId,
    /// How much; above zero.
    pub amount: Money,
}

/// What a command asks for.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub enum Action {
    /// New order.
    NewOrder(NewOrder),
    /// Cancel one order.
    CancelOrder(CancelOrder),
    /// Amend one order.
    AmendOrder(AmendOrder),
    /// Cancel many orders.
    MassCancel(MassCancel),
    /// Index price of an instrument, from which its mark follows.
    IndexPrice {
        /// Which instrument.
        instrument: InstrumentId,
        /// The price, with sub-units; above zero.
        price: Mark,
    },
    /// Takes up work a former command left over. Injected by the sequencer while the venue is pending, logged like any
    /// other command, never sent by a client.
    Continue,
    /// Logical time passes.
    Tick,
    /// Opens a session's number space.
    OpenSession {
        /// The next free session number.
        session: SessionId,
    },
    /// Opens an account.
    OpenAccount {
        /// A number not in use.
        account: AccountId,
    },
    /// Credits an account from outside.
    Deposit(Transfer),
    /// Pays out of an account.
    Withdraw(Transfer),
    /// Sets an account's leverage in one instrument.
    SetLeverage {
        /// Whose.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// In hundredths; 0 leaves it to the instrument's table.
        leverage: Leverage,
    },
    /// Defines an instrument. Boxed: it is ten times any other command and rare.
    DefineInstrument {
        /// The next free instrument number.
        instrument: InstrumentId,
        /// Its terms.
        spec: Box<InstrumentSpec>,
    },
    /// Changes what an instrument admits.
    SetTradingState {
        /// Which instrument.
        instrument: InstrumentId,
        /// From now on.
        state: TradingState,
    },
}

/// A command with its origin.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Command {
    /// The session it came by; 0 for the venue's own.
    pub session: SessionId,
    /// What it asks for.
    pub action: Action,
}

impl Command {
    /// A command of the venue itself: operator, oracle or sequencer.
    #[must_use]
    pub const fn venue(action: Action) -> Self {
        Self { session: SessionId::new(0), action }
    }

    /// A command that came by a session.
    #[must_use]
    pub const fn client(session: SessionId, action: Action) -> Self {
        Self { session, action }
    }
}
