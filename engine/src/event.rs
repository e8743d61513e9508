//! Events: every fact a command brought about, in the order it came about.
//!
//! Invariant: events are facts with remaining quantities; folding them rebuilds every balance, position and order.
//! Their canonical bytes (through [`crate::codec`]) are what checkpoints commit to, so field order here is the format.

mod fill;
mod liquidation;
mod movement;
mod reason;

use alloc::vec::Vec;
use risk::{
    AccountId, AssetId, Conversion, DebtTerms, FeeTier, FundingRate, InstrumentId, Leverage, Mark, Money,
    OracleState, OwnerGroupId, Position, Price, Qty, Restriction, RiskGroupTerms, Side, Standing,
    TradingLimits, byte_enum, unit,
};

use crate::command::{
    CancelOnLoss, ClientOrderId, ClientSeq, KeyId, OrderId, Protection, ProtectionId, SessionId, SessionKind,
    Skip, TimeInForce, TimeNs, TradingState, Trigger,
};
use crate::reject::Reject;

pub use fill::{Fill, FillSide};
pub use liquidation::{DeleveragingCall, DeleveragingCut, DeleveragingDecision, LiquidationStep};
pub use movement::{Movement, MovementReason};
pub use reason::{CancelReason, TrimReason};

byte_enum!(
    /// What an account's equity is against its maintenance margin.
    MarginState {
        /// Above five quarters of it.
        Healthy = 1,
        /// Covers it, but not five quarters of it.
        Warned = 2,
        /// Does not cover it.
        Liquidating = 3,
    }
);
byte_enum!(
    /// Why a debt was paid out of another asset.
    ConversionReason {
        /// It had grown above what the asset admits.
        DebtAboveMax = 1,
        /// The account's liquidation had closed its positions.
        Liquidation = 2,
    }
);
unit!(
    /// Number of a match, rising by one.
    TradeId(u64)
);

/// A fact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub enum Event {
    /// A command was refused; nothing changed but the client's number being used up.
    Rejected {
        /// The session it came by.
        session: SessionId,
        /// Who asked; 0 where the command names no account.
        account: AccountId,
        /// The client's name for the request; 0 where it has none.
        client_order_id: ClientOrderId,
        /// The broken rule.
        reject: Reject,
        /// For `InsufficientMargin`, `InsufficientFunds`: how much is missing, rounded up.
        short: Money,
    },
    /// An order was accepted; fills follow, then it rests, is filled or is cancelled.
    Accepted {
        /// Its number from now on.
        order: OrderId,
        /// Client's number.
        client_order_id: ClientOrderId,
        /// Session.
        session: SessionId,
        /// Owner.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// Side.
        side: Side,
        /// Worst price it trades at.
        limit: Price,
        /// Total quantity, after a reduce-only cut.
        qty: Qty,
        /// Life time.
        time_in_force: TimeInForce,
        /// Whether it only reduces.
        reduce_only: bool,
    },
    /// A match.
    Fill(Fill),
    /// An order, or the rest of it, is gone.
    Cancelled {
        /// Order.
        order: OrderId,
        /// Client's number.
        client_order_id: ClientOrderId,
        /// Session of the order.
        session: SessionId,
        /// Owner.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// Quantity cancelled.
        qty: Qty,
        /// Why.
        reason: CancelReason,
    },
    /// A resting order was changed. Fills follow where the new price crosses.
    Amended {
        /// Order.
        order: OrderId,
        /// Client's number.
        client_order_id: ClientOrderId,
        /// Session of the order.
        session: SessionId,
        /// Owner.
        account: AccountId,
        /// Limit price from now on.
        limit: Price,
        /// Total quantity from now on.
        qty: Qty,
        /// What remains to fill.
        leaves: Qty,
        /// Whether it kept its place in the queue.
        priority_kept: bool,
    },
    /// An order became smaller without a fill; its place in the queue stays.
    Trimmed {
        /// Order.
        order: OrderId,
        /// Client's number.
        client_order_id: ClientOrderId,
        /// Session of the order.
        session: SessionId,
        /// Owner.
        account: AccountId,
        /// What remains to fill.
        leaves: Qty,
        /// Why.
        reason: TrimReason,
    },
    /// A mass cancel is done; its cancellations came before.
    MassCancelled {
        /// The session that asked.
        session: SessionId,
        /// The client's name for the request.
        client_order_id: ClientOrderId,
        /// Owner.
        account: AccountId,
        /// How many orders.
        count: u32,
    },
    /// The mark moved, or was confirmed.
    Marked {
        /// Where.
        instrument: InstrumentId,
        /// Index price as given.
        index: Mark,
        /// Mark from now on.
        mark: Mark,
    },
    /// A session's number space is open.
    SessionOpened {
        /// Which.
        session: SessionId,
    },
    /// An account is open.
    AccountOpened {
        /// Which.
        account: AccountId,
    },
    /// Money came in (positive) or went out.
    Transferred {
        /// Whose.
        account: AccountId,
        /// What.
        asset: AssetId,
        /// Signed amount.
        amount: Money,
        /// Balance after it.
        balance: Money,
    },
    /// A leverage setting changed.
    LeverageSet {
        /// Whose.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// From now on.
        leverage: Leverage,
    },
    /// An instrument exists.
    InstrumentDefined {
        /// Which.
        instrument: InstrumentId,
    },
    /// An instrument's state changed.
    TradingStateSet {
        /// Where.
        instrument: InstrumentId,
        /// From now on.
        state: TradingState,
        /// When the next state follows by itself; 0 is never.
        until: TimeNs,
    },
    /// Logical time passed.
    Ticked,
    /// An account is below maintenance margin and its liquidation begins.
    LiquidationStarted {
        /// Whose.
        account: AccountId,
        /// Equity when found, rounded down.
        equity: Money,
        /// Maintenance margin when found, rounded up.
        maintenance: Money,
    },
    /// The insurance account took over what the book would not take.
    TakenOver {
        /// From whom.
        account: AccountId,
        /// By whom: the backstop account, or the account that holds it until the other side has given up as much.
        by: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// Position taken over; positive is long.
        position: Position,
        /// What was paid for it.
        amount: Money,
        /// What the fund added, so that the account received the position's bankruptcy amount.
        added: Money,
    },
    /// A liquidation is over.
    LiquidationEnded {
        /// Whose.
        account: AccountId,
        /// Equity at the end, rounded down.
        equity: Money,
        /// Paid by the fund to bring the balance back to zero.
        covered: Money,
    },
    /// A key is known.
    KeyRegistered {
        /// Which.
        key: KeyId,
        /// The account its sessions act for.
        account: AccountId,
    },
    /// A key admits to nothing any more.
    KeyRevoked {
        /// Which.
        key: KeyId,
    },
    /// A session was taken up by a connection.
    LoggedOn {
        /// Which.
        session: SessionId,
        /// By which key.
        key: KeyId,
        /// The key's number for it.
        tag: u32,
        /// What for.
        kind: SessionKind,
        /// The account it acts for.
        account: AccountId,
        /// What is cancelled when it is lost.
        on_loss: CancelOnLoss,
        /// Grace in milliseconds.
        grace_ms: u32,
        /// Last number of the session that was sequenced.
        last_client_seq: ClientSeq,
        /// Last client order number of the session that was sequenced.
        last_client_order_id: ClientOrderId,
    },
    /// A session ended: in order or by loss. Cancellations may follow.
    LoggedOff {
        /// Which.
        session: SessionId,
        /// Whether it was lost.
        lost: bool,
    },
    /// Numbers of a session were used up by frames that never became commands.
    Skipped {
        /// Which session.
        session: SessionId,
        /// The last number.
        through: ClientSeq,
        /// How many and why.
        skip: Skip,
    },
    /// A dead-man timer was armed or disarmed.
    DeadManSet {
        /// Of which session.
        session: SessionId,
        /// The client's name for the request.
        client_order_id: ClientOrderId,
        /// Whose.
        account: AccountId,
        /// When; 0 when disarmed.
        deadline: TimeNs,
    },
    /// A dead-man timer ran out. Cancellations follow.
    DeadManFired {
        /// Of which session.
        session: SessionId,
        /// Whose.
        account: AccountId,
    },
    /// The operator changed what an account is forbidden. Cancellations may follow.
    RestrictionSet {
        /// Whose.
        account: AccountId,
        /// From now on.
        restriction: Restriction,
    },
    /// An order waits for its trigger from now on, or its trigger was amended.
    Armed {
        /// Order.
        order: OrderId,
        /// Client's number.
        client_order_id: ClientOrderId,
        /// Session of the order.
        session: SessionId,
        /// Owner.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// What it waits for; the price of a trailing stop is the one that fires as things stand.
        trigger: Trigger,
        /// Limit once fired; 0 is a market order.
        limit: Price,
        /// What remains to fill; 0 is the position at the time it fires.
        leaves: Qty,
    },
    /// A trigger fired; the order's turn comes in this command or a continuation.
    Triggered {
        /// Order.
        order: OrderId,
        /// Client's number.
        client_order_id: ClientOrderId,
        /// Session of the order.
        session: SessionId,
        /// Owner.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// The price it waited for.
        trigger: Price,
        /// The price that fired it.
        at: Mark,
    },
    /// An order that fired is an order like any other from now on: its terms, before it takes.
    Activated {
        /// Order.
        order: OrderId,
        /// Client's number.
        client_order_id: ClientOrderId,
        /// Session of the order.
        session: SessionId,
        /// Owner.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// Worst price it trades at.
        limit: Price,
        /// What remains to fill.
        leaves: Qty,
    },
    /// An iceberg order shows its next part, at the end of the queue.
    Refreshed {
        /// Order.
        order: OrderId,
        /// Client's number.
        client_order_id: ClientOrderId,
        /// Session of the order.
        session: SessionId,
        /// Owner.
        account: AccountId,
        /// Shown from now on.
        shown: Qty,
        /// What remains to fill, shown and hidden.
        leaves: Qty,
    },
    /// A mass quote is done; acceptances, amendments, cancellations and refusals came before.
    MassQuoted {
        /// The session that asked.
        session: SessionId,
        /// The client's name for the request.
        client_order_id: ClientOrderId,
        /// Owner.
        account: AccountId,
        /// Sides that were taken.
        taken: u32,
        /// Sides that were refused.
        refused: u32,
    },
    /// One side of a quote was refused; what stood there before is withdrawn.
    QuoteRefused {
        /// The session that asked.
        session: SessionId,
        /// The client's name for the request.
        client_order_id: ClientOrderId,
        /// Owner.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// Which quote.
        level: u8,
        /// Which side.
        side: Side,
        /// The broken rule.
        reject: Reject,
        /// For `InsufficientMargin`: how much is missing, rounded up.
        short: Money,
    },
    /// Limits of a protection group were set, or it was ended.
    ProtectionSet {
        /// The session that asked.
        session: SessionId,
        /// The client's name for the request.
        client_order_id: ClientOrderId,
        /// The group and its limits.
        protection: Protection,
    },
    /// A protection group tripped. Cancellations follow.
    ProtectionTripped {
        /// Whose.
        account: AccountId,
        /// Which.
        group: ProtectionId,
        /// Until when it admits nothing; 0 is until reset.
        frozen_until: TimeNs,
    },
    /// A protection group admits orders again.
    ProtectionReset {
        /// The session that asked.
        session: SessionId,
        /// The client's name for the request.
        client_order_id: ClientOrderId,
        /// Whose.
        account: AccountId,
        /// Which.
        group: ProtectionId,
    },
    /// An account belongs to an owner group.
    OwnerGroupSet {
        /// Whose.
        account: AccountId,
        /// Which; 0 is none.
        group: OwnerGroupId,
    },
    /// The operator changed what an owner group is forbidden; a restriction of each account follows.
    GroupRestrictionSet {
        /// Whose.
        group: OwnerGroupId,
        /// From now on.
        restriction: Restriction,
    },
    /// A key was suspended or admitted again. Cancellations may follow.
    KeySuspended {
        /// Which.
        key: KeyId,
        /// From now on.
        suspended: bool,
    },
    /// The trading limits of an instrument changed.
    LimitsSet {
        /// Where.
        instrument: InstrumentId,
        /// From now on.
        limits: TradingLimits,
    },
    /// A taker reached the limit of what the price may move: matching pauses for a call auction.
    LimitStateEntered {
        /// Where.
        instrument: InstrumentId,
        /// The last price that was still admitted.
        limit: Price,
    },
    /// An auction found its price; its fills follow.
    Uncrossed {
        /// Where.
        instrument: InstrumentId,
        /// Price of every match.
        price: Price,
        /// Quantity that matches.
        qty: Qty,
        /// What remains at that price: bought less sold.
        surplus: i64,
    },
    /// A position was settled.
    PositionSettled {
        /// Whose.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// Position that was settled; positive is long.
        position: Position,
        /// What the account received for it.
        amount: Money,
        /// Balance after it, and after what was covered.
        balance: Money,
        /// Paid by the insurance account to bring the balance of an account without positions back to zero.
        covered: Money,
    },
    /// An instrument is over; every position was settled.
    InstrumentSettled {
        /// Where.
        instrument: InstrumentId,
        /// At this price.
        price: Mark,
        /// Rounding that the dust account received; negative when it paid.
        dust: Money,
    },
    /// An account's margin came into another state. Amounts are in the unit of account; leverage is exposure over equity,
    /// the margin ratio maintenance over equity.
    MarginStateChanged {
        /// Whose.
        account: AccountId,
        /// From now on.
        state: MarginState,
        /// Equity, rounded down.
        equity: Money,
        /// Gross notional of its positions, rounded up.
        exposure: Money,
        /// Initial margin, open orders counted in, rounded up.
        initial: Money,
        /// Maintenance margin, rounded up.
        maintenance: Money,
    },
    /// Funding of a leg was booked.
    FundingBooked {
        /// Whose.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// What was paid, in the settlement asset; negative where it was received.
        paid: Money,
        /// Balance in that asset after it.
        balance: Money,
    },
    /// Money went from one account to another.
    Moved(Movement),
    /// A transfer was asked for once more and was done before; nothing moved.
    TransferRepeated {
        /// Whose number it is.
        account: AccountId,
        /// The number.
        external_id: u64,
        /// Balance, as it is now.
        balance: Money,
    },
    /// A collateral asset exists.
    AssetDefined {
        /// Which.
        asset: AssetId,
    },
    /// A debt in one asset was paid out of another.
    Converted {
        /// Whose.
        account: AccountId,
        /// What was given and what was paid.
        conversion: Conversion,
        /// Why.
        reason: ConversionReason,
    },
    /// A risk group's terms are set.
    RiskGroupSet {
        /// Which.
        group: u8,
        /// From now on.
        terms: RiskGroupTerms,
    },
    /// An instrument is in a risk group.
    RiskGroupAssigned {
        /// Which instrument.
        instrument: InstrumentId,
        /// From now on.
        group: u8,
    },
    /// A liquidation takes a step through the book; its fills follow.
    LiquidationStepped(LiquidationStep),
    /// A liquidation has done what it may before the next tick.
    LiquidationPaced {
        /// Whose.
        account: AccountId,
        /// Steps taken.
        step: u16,
    },
    /// The position of a bankrupt account, or several of them, is offered to the holders of the other side.
    DeleveragingAsked(DeleveragingCall),
    /// How the holders share it is decided.
    DeleveragingPlanned(DeleveragingDecision),
    /// A holder gave up some of a position.
    Deleveraged(DeleveragingCut),
    /// A deleveraging is over.
    DeleveragingEnded {
        /// Which.
        request: u64,
        /// Where.
        instrument: InstrumentId,
        /// What was given up, signed as what was offered.
        given_up: Position,
        /// What nobody could bear; the bad-debt account holds it.
        left: Position,
        /// Rounding that the dust account received.
        dust: Money,
    },
    /// The venue bears what an account owes and no fund may pay.
    BadDebtBooked {
        /// Whose debt it was.
        account: AccountId,
        /// In what.
        asset: AssetId,
        /// How much.
        amount: Money,
    },
    /// A fund paid what an account still owed, in an asset beside the unit of account.
    DeficitCovered {
        /// Whose.
        account: AccountId,
        /// In what.
        asset: AssetId,
        /// How much.
        amount: Money,
    },
    /// Terms of debts in an asset changed.
    DebtTermsSet {
        /// Of which.
        asset: AssetId,
        /// From now on.
        terms: DebtTerms,
    },
    /// Interest on a debt was booked.
    InterestCharged {
        /// Whose.
        account: AccountId,
        /// On what.
        asset: AssetId,
        /// How much; it is owed in the same asset.
        amount: Money,
        /// Balance after it.
        balance: Money,
    },
    /// What an account is in one word changed.
    StandingChanged {
        /// Whose.
        account: AccountId,
        /// From now on.
        standing: Standing,
    },
    /// An account's position in an instrument is isolated, or shares the account's margin.
    MarginModeSet {
        /// Whose.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// From now on.
        isolated: bool,
        /// The account that acts there from now on.
        acting: AccountId,
    },
    /// A tier of fees is defined.
    FeeTierDefined {
        /// Which.
        tier: u8,
        /// From now on.
        terms: FeeTier,
    },
    /// An account has a tier of fees.
    FeeTierSet {
        /// Whose.
        account: AccountId,
        /// From now on; 0 is the instrument's own fees.
        tier: u8,
    },
    /// A change of an instrument's margin is scheduled; whom it would put below maintenance margin as things stand
    /// follows.
    MarginScheduled {
        /// Where.
        instrument: InstrumentId,
        /// When its next step is due.
        due: TimeNs,
    },
    /// What was scheduled is taken back.
    MarginChangeEnded {
        /// Where.
        instrument: InstrumentId,
    },
    /// A change of an instrument's margin would put an account below maintenance margin.
    WouldLiquidate {
        /// Whose.
        account: AccountId,
        /// Where.
        instrument: InstrumentId,
        /// Equity, rounded down.
        equity: Money,
        /// Maintenance margin after the change, rounded up.
        maintenance: Money,
    },
    /// Every account was looked at for a change of margin that is not due.
    MarginWeighed {
        /// Where.
        instrument: InstrumentId,
        /// Accounts it would put below maintenance margin as things stand.
        accounts: u32,
    },
    /// A step of a change of margin is due and would put accounts below maintenance margin, so it is not taken: the change
    /// is over, or its step waits.
    MarginHeld {
        /// Where.
        instrument: InstrumentId,
        /// Such accounts.
        accounts: u32,
        /// When the step is due again; 0 where the change is over.
        due: TimeNs,
    },
    /// A step of a change of margin was taken.
    MarginChanged {
        /// Where.
        instrument: InstrumentId,
        /// Which step, from 1.
        step: u16,
        /// When the next step is due; 0 where this was the last.
        due: TimeNs,
    },
    /// How far an instrument's index may be trusted changed.
    OracleStateChanged {
        /// Where.
        instrument: InstrumentId,
        /// From now on.
        state: OracleState,
    },
    /// A source's price was taken, and there is no index yet.
    SourcePriceTaken {
        /// Where.
        instrument: InstrumentId,
        /// Which source.
        source: u16,
        /// What it said.
        price: Mark,
    },
    /// What a source counts in an index was set.
    IndexSourceSet {
        /// Where.
        instrument: InstrumentId,
        /// Which source.
        source: u16,
        /// From now on.
        weight: u16,
    },
    /// No position of an account in liquidation may be closed now: it waits until an index is trusted again.
    LiquidationHeld {
        /// Whose.
        account: AccountId,
    },
    /// A liquidation that waited goes on, behind those that have begun.
    LiquidationResumed {
        /// Whose.
        account: AccountId,
    },
    /// Funding came due: each lot of a long owes so much to each lot of a short.
    FundingPaid {
        /// Where.
        instrument: InstrumentId,
        /// Rate, a rate period.
        rate: FundingRate,
        /// What a lot owes for the time since the last payment, in money times 2^32.
        per_lot: i64,
        /// The index it was computed at.
        index: Mark,
    },
}

impl Event {
    /// The kind of fact, as the enum spells it.
    #[expect(clippy::too_many_lines, reason = "a table: one line for each kind")]
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "Rejected",
            Self::Accepted { .. } => "Accepted",
            Self::Fill(_) => "Fill",
            Self::Cancelled { .. } => "Cancelled",
            Self::Amended { .. } => "Amended",
            Self::Trimmed { .. } => "Trimmed",
            Self::MassCancelled { .. } => "MassCancelled",
            Self::Marked { .. } => "Marked",
            Self::SessionOpened { .. } => "SessionOpened",
            Self::AccountOpened { .. } => "AccountOpened",
            Self::Transferred { .. } => "Transferred",
            Self::LeverageSet { .. } => "LeverageSet",
            Self::InstrumentDefined { .. } => "InstrumentDefined",
            Self::TradingStateSet { .. } => "TradingStateSet",
            Self::Ticked => "Ticked",
            Self::LiquidationStarted { .. } => "LiquidationStarted",
            Self::TakenOver { .. } => "TakenOver",
            Self::LiquidationEnded { .. } => "LiquidationEnded",
            Self::KeyRegistered { .. } => "KeyRegistered",
            Self::KeyRevoked { .. } => "KeyRevoked",
            Self::LoggedOn { .. } => "LoggedOn",
            Self::LoggedOff { .. } => "LoggedOff",
            Self::Skipped { .. } => "Skipped",
            Self::DeadManSet { .. } => "DeadManSet",
            Self::DeadManFired { .. } => "DeadManFired",
            Self::RestrictionSet { .. } => "RestrictionSet",
            Self::Armed { .. } => "Armed",
            Self::Triggered { .. } => "Triggered",
            Self::Activated { .. } => "Activated",
            Self::Refreshed { .. } => "Refreshed",
            Self::MassQuoted { .. } => "MassQuoted",
            Self::QuoteRefused { .. } => "QuoteRefused",
            Self::ProtectionSet { .. } => "ProtectionSet",
            Self::ProtectionTripped { .. } => "ProtectionTripped",
            Self::ProtectionReset { .. } => "ProtectionReset",
            Self::OwnerGroupSet { .. } => "OwnerGroupSet",
            Self::GroupRestrictionSet { .. } => "GroupRestrictionSet",
            Self::KeySuspended { .. } => "KeySuspended",
            Self::LimitsSet { .. } => "LimitsSet",
            Self::LimitStateEntered { .. } => "LimitStateEntered",
            Self::Uncrossed { .. } => "Uncrossed",
            Self::PositionSettled { .. } => "PositionSettled",
            Self::InstrumentSettled { .. } => "InstrumentSettled",
            Self::MarginStateChanged { .. } => "MarginStateChanged",
            Self::FundingBooked { .. } => "FundingBooked",
            Self::Moved(_) => "Moved",
            Self::TransferRepeated { .. } => "TransferRepeated",
            Self::AssetDefined { .. } => "AssetDefined",
            Self::Converted { .. } => "Converted",
            Self::RiskGroupSet { .. } => "RiskGroupSet",
            Self::RiskGroupAssigned { .. } => "RiskGroupAssigned",
            Self::LiquidationStepped(_) => "LiquidationStepped",
            Self::LiquidationPaced { .. } => "LiquidationPaced",
            Self::DeleveragingAsked(_) => "DeleveragingAsked",
            Self::DeleveragingPlanned(_) => "DeleveragingPlanned",
            Self::Deleveraged(_) => "Deleveraged",
            Self::DeleveragingEnded { .. } => "DeleveragingEnded",
            Self::BadDebtBooked { .. } => "BadDebtBooked",
            Self::DeficitCovered { .. } => "DeficitCovered",
            Self::DebtTermsSet { .. } => "DebtTermsSet",
            Self::InterestCharged { .. } => "InterestCharged",
            Self::StandingChanged { .. } => "StandingChanged",
            Self::MarginModeSet { .. } => "MarginModeSet",
            Self::FeeTierDefined { .. } => "FeeTierDefined",
            Self::FeeTierSet { .. } => "FeeTierSet",
            Self::MarginScheduled { .. } => "MarginScheduled",
            Self::MarginChangeEnded { .. } => "MarginChangeEnded",
            Self::WouldLiquidate { .. } => "WouldLiquidate",
            Self::MarginWeighed { .. } => "MarginWeighed",
            Self::MarginHeld { .. } => "MarginHeld",
            Self::MarginChanged { .. } => "MarginChanged",
            Self::OracleStateChanged { .. } => "OracleStateChanged",
            Self::SourcePriceTaken { .. } => "SourcePriceTaken",
            Self::IndexSourceSet { .. } => "IndexSourceSet",
            Self::LiquidationHeld { .. } => "LiquidationHeld",
            Self::LiquidationResumed { .. } => "LiquidationResumed",
            Self::FundingPaid { .. } => "FundingPaid",
        }
    }
}

/// Where a command's events are written; the caller keeps and reuses the space.
#[derive(Debug, Default)]
pub struct Events {
    list: Vec<Event>,
}

impl Events {
    /// Room for `capacity` events before the first growth.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { list: Vec::with_capacity(capacity) }
    }

    /// Appends a fact.
    #[inline]
    pub fn push(&mut self, event: Event) {
        self.list.push(event);
    }

    /// The facts so far.
    #[inline]
    #[must_use]
    pub fn as_slice(&self) -> &[Event] {
        &self.list
    }

    /// Forgets all, keeps the space.
    #[inline]
    pub fn clear(&mut self) {
        self.list.clear();
    }
}
