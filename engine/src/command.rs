//! Commands: everything that may change state.
//!
//! Invariant: a command says what somebody asked for; it never carries a result. Its bytes in the log are these
//! structs through [`crate::codec`], so field order here is the format.

mod deleveraging;
mod money;
mod special;

use alloc::boxed::Box;
use risk::{
    AccountId, AssetId, AssetSpec, DebtTerms, FeeTier, InstrumentId, InstrumentSpec, Leverage, Mark,
    OwnerGroupId, Price, Qty, Restriction, RiskGroupTerms, Side, TradingLimits, byte_enum, unit,
};

pub use deleveraging::DeleveragingPlan;
pub use money::{MarginChange, MoveMargin, Transfer, TransferBetween};
pub use special::{
    AdvancedOrder, BatchMode, BatchedOrder, Exit, Instructions, MassQuote, OrderBatch, Pricing, Protection,
    Quote, SelfTrade, Trigger, TriggerKind, TriggerSource,
};

unit!(
    /// Position of a command in the one total order; the first is 1.
    Seq(u64)
);
unit!(
    /// Nanoseconds since the Unix epoch, UTC, as stamped by the sequencer.
    TimeNs(u64)
);
impl TimeNs {
    /// So many milliseconds later, at most the end of time.
    #[must_use]
    pub const fn later(self, ms: u32) -> Self {
        Self::new(self.get().saturating_add(ms as u64 * 1_000_000))
    }
}

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
        /// The price, with sub-units; above zero where prices are taken as they come.
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
    /// Sets what a source counts in an instrument's index. One that was never named counts 1.
    SetIndexSource {
        /// Which instrument.
        instrument: InstrumentId,
        /// Which source.
        source: u16,
        /// Against the weights of the others; 0 is not at all.
        weight: u16,
    },
    /// Moves money between two accounts of one owner.
    TransferBetween(TransferBetween),
    /// Isolates an account's position in an instrument, or lets it share the account's margin again.
    SetMarginMode {
        /// Whose.
        account: AccountId,
        /// Where. The account has neither a position nor orders there.
        instrument: InstrumentId,
        /// From now on.
        isolated: bool,
    },
    /// Moves money into an isolated position, or out of it.
    MoveMargin(MoveMargin),
    /// Defines, or defines anew, a tier of fees.
    DefineFeeTier {
        /// Which, from 1; 0 is the instrument's own fees.
        tier: u8,
        /// From now on.
        terms: FeeTier,
    },
    /// Gives an account a tier of fees.
    SetFeeTier {
        /// Whose.
        account: AccountId,
        /// Which; 0 is the instrument's own fees.
        tier: u8,
    },
    /// Schedules a change of an instrument's margin, in place of one that is scheduled.
    ScheduleMargin {
        /// Where.
        instrument: InstrumentId,
        /// What, when and in how many steps. Boxed: rare.
        change: Box<MarginChange>,
    },
    /// Takes back what is scheduled of an instrument's margin; steps that were taken stay.
    CancelMargin {
        /// Where.
        instrument: InstrumentId,
    },
    /// Defines a collateral asset.
    DefineAsset {
        /// The next free asset number; the unit of account is 0.
        asset: AssetId,
        /// Its terms. Boxed: rare.
        spec: Box<AssetSpec>,
    },
    /// Sets the terms of debts in an asset.
    SetDebtTerms {
        /// Which; 0 is the unit of account.
        asset: AssetId,
        /// From now on.
        terms: DebtTerms,
    },
    /// Sets the terms of a risk group.
    SetRiskGroup {
        /// One that is known, or the next number.
        group: u8,
        /// From now on. Boxed: rare.
        terms: Box<RiskGroupTerms>,
    },
    /// Puts an instrument into a risk group.
    AssignRiskGroup {
        /// Which instrument.
        instrument: InstrumentId,
        /// Which group.
        group: u8,
    },
    /// What the deleveraging worker found. Boxed: rare.
    Deleverage(Box<DeleveragingPlan>),
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
            | Self::SetMarginMode { account, .. }
            | Self::SetFeeTier { account, .. }
            | Self::SetRestriction { account, .. } => *account,
            Self::AdvancedOrder(advanced) => advanced.order.account,
            Self::OrderBatch(batch) => batch.account,
            Self::MassQuote(quotes) => quotes.account,
            Self::AmendTrigger(amend) => amend.account,
            Self::SetProtection(protection) => protection.account,
            Self::TransferBetween(transfer) => transfer.from,
            Self::MoveMargin(moved) => moved.account,
            Self::SetGroupRestriction { .. }
            | Self::DefineFeeTier { .. }
            | Self::ScheduleMargin { .. }
            | Self::CancelMargin { .. }
            | Self::SuspendKey { .. }
            | Self::SetLimits { .. }
            | Self::StartAuction { .. }
            | Self::Restarted { .. }
            | Self::Settle { .. }
            | Self::SetIndexSource { .. }
            | Self::DefineAsset { .. }
            | Self::SetDebtTerms { .. }
            | Self::SetRiskGroup { .. }
            | Self::AssignRiskGroup { .. }
            | Self::Deleverage(_)
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
