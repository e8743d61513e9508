//! What orders say beyond the plain one, and what comes several at once: instructions, batches, quotes, protection.
//!
//! Invariant: as for every command, field order here is the format of the log.

use alloc::vec::Vec;
use risk::{AccountId, InstrumentId, Price, Qty, byte_enum};

use super::{ClientOrderId, NewOrder, OrderTag, ProtectionId, TimeNs};

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
