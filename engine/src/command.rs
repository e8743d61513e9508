//! Commands: everything that may change state.
//!
//! Invariant: a command says what somebody asked for; it never carries a result. Its bytes in the log are these
//! structs through [`crate::codec`], so field order here is the format.

use alloc::boxed::Box;
use alloc::vec::Vec;
use risk::{
    AccountId, InstrumentId, InstrumentSpec, Leverage, Mark, Money, OwnerGroupId, Price, Qty, Restriction,
    Side, TradingLimits, byte_enum, unit,
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
unit!(
    /// The number a session gives to a command it sends; rises by one. 0 is unnumbered: a client in the same process.
    ClientSeq(u64)
);
unit!(
    /// A public key by number.
    KeyId(u64)
);

unit!(
    /// What a client writes on its orders to find them again; 0 is none.
    OrderTag(u64)
);
unit!(
    /// A market-maker protection group of an account; 0 is none.
    ProtectionId(u16)
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

impl TimeInForce {
    /// Whether what is left of an order rests.
    #[inline]
    #[must_use]
    pub fn rests(self) -> bool {
        self == Self::GoodTillCancel
    }
}

byte_enum!(
    /// What a session is for: it decides what the session may ask.
    SessionKind {
        /// In the same process: everything.
        Local = 0,
        /// Orders, and settings of its own account.
        OrderEntry = 1,
        /// Reads what happens to its account.
        DropCopy = 2,
        /// Instruments, accounts, keys, money, trading states.
        Admin = 4,
        /// Index prices.
        Oracle = 5,
    }
);

byte_enum!(
    /// Which of a session's resting orders go when it is lost.
    CancelOnLoss {
        /// None.
        Off = 0,
        /// All.
        All = 1,
        /// All but persistent and reduce-only ones: what protects a position stays.
        KeepProtection = 2,
    }
);

byte_enum!(
    /// What an instrument admits.
    TradingState {
        /// Everything.
        Open = 1,
        /// Cancels only. Positions are still marked and liquidated.
        CancelOnly = 2,
        /// Orders that rest are collected; nothing matches.
        PreOpen = 3,
        /// As before opening, and it ends by uncrossing at one price.
        Auction = 4,
        /// Orders that cannot take, and cancels.
        PostOnly = 5,
        /// Orders that only reduce, and cancels.
        ReduceOnly = 6,
        /// Cancels only; no matching, no liquidation through the book, the mark stands still.
        Halted = 7,
        /// As halted, without a return but by the operator's word; may be settled.
        Closed = 8,
        /// Over: no positions, no orders, nothing is admitted.
        Settled = 9,
    }
);

/// A new order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct NewOrder {
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
    /// Stays when its session is lost under [`CancelOnLoss::KeepProtection`].
    pub persistent: bool,
}

byte_enum!(
    /// What happens when a taker meets an order of its own owner group. The taker's mode decides.
    SelfTrade {
        /// The rest of the taker is cancelled.
        CancelTaker = 1,
        /// The maker is cancelled, the taker goes on.
        CancelMaker = 2,
        /// Both are cancelled.
        CancelBoth = 3,
        /// Both lose what they would have matched, without a trade.
        Decrement = 4,
    }
);

byte_enum!(
    /// Which price a trigger watches.
    TriggerSource {
        /// Price of the last match.
        Last = 1,
        /// Mark price.
        Mark = 2,
        /// Index price.
        Index = 3,
    }
);

byte_enum!(
    /// Which way the watched price must go.
    TriggerKind {
        /// Against the holder: a buy fires at or above the trigger, a sell at or below it.
        Stop = 1,
        /// For the holder: a buy fires at or below the trigger, a sell at or above it.
        TakeProfit = 2,
        /// A stop whose trigger follows the best watched price since acceptance at a distance.
        Trailing = 3,
    }
);

byte_enum!(
    /// Where an order's price and quantity come from.
    Pricing {
        /// As stated: limit, or market where there is no limit.
        Stated = 1,
        /// The limit is the best price of the other side at arrival; what does not trade rests there.
        MarketToLimit = 2,
        /// A market order whose quantity is the most that `qty`, read as money, pays for as the book stands.
        QuoteNotional = 3,
        /// The quantity is the position at the time it takes; reduce-only.
        ClosePosition = 4,
    }
);

/// A condition on a price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Trigger {
    /// The watched price.
    pub source: TriggerSource,
    /// Which way it must go.
    pub kind: TriggerKind,
    /// The price that fires; for a trailing stop its distance from the best watched price. A multiple of the tick.
    pub price: Price,
}

/// A protective order that comes with an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Exit {
    /// The watched price.
    pub source: TriggerSource,
    /// The price that fires.
    pub trigger: Price,
    /// Limit price once fired; `None` is a market order.
    pub limit: Option<Price>,
}

/// What an order may say beyond the plain one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Instructions {
    /// Where price and quantity come from.
    pub pricing: Pricing,
    /// What happens when it meets an order of its own owner group.
    pub self_trade: SelfTrade,
    /// With post-only: moved to the nearest price that does not take, instead of refused.
    pub slides: bool,
    /// Market-maker protection group.
    pub protection: ProtectionId,
    /// Shown quantity of an iceberg order; 0 shows all.
    pub display: Qty,
    /// Least quantity that must trade at once; 0 is none.
    pub min_qty: Qty,
    /// Gone at the first tick at or after this time; 0 is never. [`Instructions::END_OF_DAY`] is the next midnight UTC.
    pub expires: TimeNs,
    /// What the client finds it by.
    pub tag: OrderTag,
    /// Sleeps until a price fires it.
    pub trigger: Option<Trigger>,
    /// Take-profit that comes with it.
    pub take_profit: Option<Exit>,
    /// Stop that comes with it.
    pub stop_loss: Option<Exit>,
}

impl Instructions {
    /// Nothing beyond the plain order.
    pub const PLAIN: Self = Self {
        pricing: Pricing::Stated,
        self_trade: SelfTrade::CancelTaker,
        slides: false,
        protection: ProtectionId::new(0),
        display: Qty::ZERO,
        min_qty: Qty::ZERO,
        expires: TimeNs::new(0),
        tag: OrderTag::new(0),
        trigger: None,
        take_profit: None,
        stop_loss: None,
    };
    /// Expires at the next midnight UTC after sequencing.
    pub const END_OF_DAY: TimeNs = TimeNs::new(u64::MAX);
    const DAY_NS: u64 = 86_400_000_000_000;

    /// When an order sequenced at `time` is gone by itself, the end of the day resolved; 0 is never.
    #[must_use]
    pub const fn expires_at(&self, time: TimeNs) -> TimeNs {
        if self.expires.get() != Self::END_OF_DAY.get() {
            return self.expires;
        }
        TimeNs::new((time.get().div_euclid(Self::DAY_NS) + 1).saturating_mul(Self::DAY_NS))
    }
}

/// A new order with instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct AdvancedOrder {
    /// The order.
    pub order: NewOrder,
    /// What it says beyond.
    pub instructions: Instructions,
}

byte_enum!(
    /// How the orders of a batch belong together.
    BatchMode {
        /// Each stands for itself.
        Each = 1,
        /// All are accepted or none.
        Atomic = 2,
        /// As atomic; two orders of which each takes from the other what it fills, and ends the other when it fires or ends.
        OneCancelsOther = 3,
    }
);

/// One order of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct BatchedOrder {
    /// The client's number of it; rises within the batch and above the batch's own.
    pub client_order_id: ClientOrderId,
    /// The order. Its account is the batch's.
    pub order: AdvancedOrder,
}

/// Several orders at once.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct OrderBatch {
    /// Who trades.
    pub account: AccountId,
    /// How they belong together.
    pub mode: BatchMode,
    /// The orders, in the order they are taken.
    pub orders: Vec<BatchedOrder>,
}

/// Both sides of a market maker's price in one instrument. A quantity of 0 withdraws the side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Quote {
    /// Where.
    pub instrument: InstrumentId,
    /// Tells several quotes in one instrument apart.
    pub level: u8,
    /// Price of the buy side.
    pub bid: Price,
    /// Quantity of the buy side.
    pub bid_qty: Qty,
    /// Price of the sell side.
    pub ask: Price,
    /// Quantity of the sell side.
    pub ask_qty: Qty,
}

/// Several quotes at once; each replaces what the session quoted before at that level.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct MassQuote {
    /// Who quotes.
    pub account: AccountId,
    /// Protection group of all of them.
    pub protection: ProtectionId,
    /// Whether all are taken or none; else each side stands for itself.
    pub all_or_none: bool,
    /// The quotes.
    pub quotes: Vec<Quote>,
}

/// Limits of a market-maker protection group. A limit of 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Protection {
    /// Whose.
    pub account: AccountId,
    /// Which group; not 0.
    pub group: ProtectionId,
    /// How long fills are counted together, in milliseconds; 0 ends the group.
    pub window_ms: u32,
    /// How long it stays frozen after it tripped, in milliseconds; 0 is until reset.
    pub frozen_ms: u32,
    /// Trips when the quantity filled in a window reaches it.
    pub qty_limit: Qty,
    /// Trips when the size of the net quantity filled in a window reaches it.
    pub delta_limit: Qty,
    /// Trips when the number of fills in a window reaches it.
    pub fills_limit: u32,
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

/// Changes an order that waits for its trigger. It joins the end of its new trigger price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct AmendTrigger {
    /// Owner.
    pub account: AccountId,
    /// Which.
    pub order: OrderRef,
    /// New trigger price, or distance.
    pub trigger: Price,
    /// New limit price; `None` makes it a market order.
    pub limit: Option<Price>,
    /// New quantity.
    pub qty: Qty,
}

/// Cancels all orders of an account that fit every condition given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct MassCancel {
    /// Owner.
    pub account: AccountId,
    /// `None` means every instrument.
    pub instrument: Option<InstrumentId>,
    /// `None` means both sides.
    pub side: Option<Side>,
    /// `None` means every tag, and none.
    pub tag: Option<OrderTag>,
}

impl MassCancel {
    /// All orders of an account.
    #[must_use]
    pub const fn of_account(account: AccountId) -> Self {
        Self { account, instrument: None, side: None, tag: None }
    }
}

/// Money in or out of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Transfer {
    /// Whose.
    pub account: AccountId,
    /// How much; above zero.
    pub amount: Money,
}

/// A public key and what it admits to.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct KeyTerms {
    /// Ed25519 public key. The engine keeps it and never looks at it.
    pub public: [u8; 32],
    /// The account its sessions act for; 0 for keys of the operator and of oracles.
    pub account: AccountId,
    /// Kinds of session it may open: bit `kind as u8`.
    pub kinds: u32,
    /// From then on it opens no session; 0 is never.
    pub expires: TimeNs,
}

/// A connection proved its key and takes up its session, which is opened if it is new.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Logon {
    /// By which key.
    pub key: KeyId,
    /// Tells sessions of one key and kind apart.
    pub tag: u32,
    /// What for.
    pub kind: SessionKind,
    /// What is cancelled when it is lost.
    pub on_loss: CancelOnLoss,
    /// How long after its connection a session is lost, in milliseconds. The gateway measures it.
    pub grace_ms: u32,
}

/// Numbers of a session that never became commands: frames the gateway refused. The reasons are kept, so that the
/// refusals are repeated from the log like any other answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Skip {
    /// How many, the last of them the command's own.
    pub count: u32,
    /// Template of the last refused frame.
    pub template: u16,
    /// Wire error code of the refusal.
    pub code: u16,
    /// Number of the field at fault; 65,535 where none is.
    pub field: u16,
    /// For a throttled request: when there is room again; else 0.
    pub retry_after_ns: u64,
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
        /// Where it comes from.
        source: u16,
        /// The source's number of it, rising per source and instrument; 0 is unnumbered, from the same process.
        source_seq: u64,
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
    /// Registers a public key.
    RegisterKey {
        /// A number not in use.
        key: KeyId,
        /// The key. Boxed: it is larger than any order.
        terms: Box<KeyTerms>,
    },
    /// Ends what a key admits to. Its number stays taken.
    RevokeKey {
        /// Which.
        key: KeyId,
    },
    /// Takes up or opens the session of a key.
    Logon(Logon),
    /// A session ended in order.
    Logoff {
        /// Which.
        session: SessionId,
        /// Whether its orders go, as when it is lost.
        cancel_orders: bool,
    },
    /// A session's connection is gone and its grace is over.
    SessionLost {
        /// Which.
        session: SessionId,
    },
    /// Uses up numbers of the commanding session that never became commands.
    Skip(Skip),
    /// Arms, or disarms, the commanding session's dead-man timer: at the first tick at or past the deadline its orders
    /// are cancelled.
    CancelAllAfter {
        /// Whose session.
        account: AccountId,
        /// From the time of sequencing, in milliseconds; 0 disarms.
        timeout_ms: u32,
        /// Whether reduce-only orders stay.
        keep_reduce_only: bool,
    },
    /// The operator's switch for an account.
    SetRestriction {
        /// Whose.
        account: AccountId,
        /// From now on.
        restriction: Restriction,
        /// Whether its resting orders go at once.
        cancel_orders: bool,
    },
    /// New order with instructions.
    AdvancedOrder(AdvancedOrder),
    /// Several orders at once.
    OrderBatch(Box<OrderBatch>),
    /// Several quotes at once.
    MassQuote(Box<MassQuote>),
    /// Amends an order that waits for its trigger.
    AmendTrigger(AmendTrigger),
    /// Sets the limits of a market-maker protection group.
    SetProtection(Protection),
    /// Unfreezes a protection group and forgets what it has counted.
    ResetProtection {
        /// Whose.
        account: AccountId,
        /// Which.
        group: ProtectionId,
    },
    /// Puts an account into an owner group; only while it has no orders.
    SetOwnerGroup {
        /// Whose.
        account: AccountId,
        /// Which; 0 lets it stand alone.
        group: OwnerGroupId,
    },
    /// The operator's switch for every account of an owner group.
    SetGroupRestriction {
        /// Whose.
        group: OwnerGroupId,
        /// From now on.
        restriction: Restriction,
        /// Whether their resting orders go at once.
        cancel_orders: bool,
    },
    /// The operator's switch for a key: while it is suspended its sessions may only cancel.
    SuspendKey {
        /// Which.
        key: KeyId,
        /// From now on.
        suspended: bool,
        /// Whether the orders of its sessions go at once.
        cancel_orders: bool,
    },
    /// Changes the trading limits of an instrument.
    SetLimits {
        /// Which instrument.
        instrument: InstrumentId,
        /// From now on. Boxed: rare.
        limits: Box<TradingLimits>,
    },
    /// Begins a call auction that uncrosses by itself at the first tick after its time.
    StartAuction {
        /// Which instrument.
        instrument: InstrumentId,
        /// How long orders are collected, in milliseconds; above 0.
        call_ms: u32,
    },
    /// The venue came back after a failure: every open instrument is cancel-only, then in auction, then open.
    Restarted {
        /// How long only cancels are admitted, in milliseconds.
        cancel_only_ms: u32,
        /// How long orders are collected, in milliseconds.
        call_ms: u32,
    },
    /// Ends a closed instrument: its orders go, and every position is settled at this price.
    Settle {
        /// Which instrument.
        instrument: InstrumentId,
        /// With sub-units; above zero.
        price: Mark,
    },
}

impl Action {
    /// An index price from the same process, unnumbered.
    #[must_use]
    pub const fn index_price(instrument: InstrumentId, price: Mark) -> Self {
        Self::IndexPrice { instrument, source: 0, source_seq: 0, price }
    }

    /// The account it names; 0 where it names none.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        match self {
            Self::NewOrder(order) => order.account,
            Self::CancelOrder(cancel) => cancel.account,
            Self::AmendOrder(amend) => amend.account,
            Self::MassCancel(cancel) => cancel.account,
            Self::Deposit(transfer) | Self::Withdraw(transfer) => transfer.account,
            Self::OpenAccount { account }
            | Self::SetLeverage { account, .. }
            | Self::CancelAllAfter { account, .. }
            | Self::ResetProtection { account, .. }
            | Self::SetOwnerGroup { account, .. }
            | Self::SetRestriction { account, .. } => *account,
            Self::AdvancedOrder(advanced) => advanced.order.account,
            Self::OrderBatch(batch) => batch.account,
            Self::MassQuote(quotes) => quotes.account,
            Self::AmendTrigger(amend) => amend.account,
            Self::SetProtection(protection) => protection.account,
            Self::SetGroupRestriction { .. }
            | Self::SuspendKey { .. }
            | Self::SetLimits { .. }
            | Self::StartAuction { .. }
            | Self::Restarted { .. }
            | Self::Settle { .. }
            | Self::IndexPrice { .. }
            | Self::Continue
            | Self::Tick
            | Self::OpenSession { .. }
            | Self::DefineInstrument { .. }
            | Self::SetTradingState { .. }
            | Self::RegisterKey { .. }
            | Self::RevokeKey { .. }
            | Self::Logon(_)
            | Self::Logoff { .. }
            | Self::SessionLost { .. }
            | Self::Skip(_) => AccountId::new(0),
        }
    }
}

/// A command with its origin and the numbers that make repeating it harmless.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Command {
    /// The session it came by; 0 for the venue's own.
    pub session: SessionId,
    /// The session's number of it. A number at or below the last is refused, one that leaves a gap too.
    pub client_seq: ClientSeq,
    /// The client's name for the request, and for the order it opens: above every one its session has used. 0 where
    /// the request has none.
    pub client_order_id: ClientOrderId,
    /// Refused when sequenced after this time; 0 is no deadline.
    pub valid_until: TimeNs,
    /// What it asks for.
    pub action: Action,
}

impl Command {
    /// A command of the venue itself: operator, oracle or sequencer.
    #[must_use]
    pub const fn venue(action: Action) -> Self {
        Self::client(SessionId::new(0), action)
    }

    /// A command that came by a session, unnumbered and without a deadline.
    #[must_use]
    pub const fn client(session: SessionId, action: Action) -> Self {
        Self {
            session,
            client_seq: ClientSeq::new(0),
            client_order_id: ClientOrderId::new(0),
            valid_until: TimeNs::new(0),
            action,
        }
    }

    /// A new order that came by a session, unnumbered and without a deadline.
    #[must_use]
    pub fn order(session: SessionId, client_order_id: ClientOrderId, order: NewOrder) -> Self {
        Self { client_order_id, ..Self::client(session, Action::NewOrder(order)) }
    }
}
