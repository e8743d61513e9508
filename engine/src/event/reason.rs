//! Why orders go or become smaller without a fill.
//!
//! Invariant: the numbers are the format of the log and never change their meaning.

use risk::byte_enum;

byte_enum!(
    /// Why an order left the book, or never rested.
    CancelReason {
        /// Its owner asked.
        Requested = 1,
        /// Its owner asked for all.
        MassCancel = 2,
        /// The unfilled rest of an immediate order.
        Immediate = 3,
        /// It met an order of its own owner group.
        SelfTrade = 4,
        /// A reduce-only order had nothing left to reduce.
        ReduceOnly = 5,
        /// The account went below maintenance margin.
        Liquidation = 6,
        /// Its session was lost, or ended with the wish to cancel.
        SessionLost = 7,
        /// Its session's dead-man timer ran out.
        DeadMan = 8,
        /// The operator suspended the account, its owner group or the key it came by.
        Suspended = 9,
        /// Its time was over.
        Expired = 10,
        /// It must not take, and would have when its turn came.
        PostOnly = 11,
        /// It could not be filled whole, or not by its minimum, when its turn came.
        Unfillable = 12,
        /// Margin did not cover it when it fired.
        Margin = 13,
        /// A limit of the account or the instrument stood against it when it fired.
        Limit = 14,
        /// The order it belongs to fired, was filled or ended.
        Contingent = 15,
        /// Its market-maker protection group tripped.
        Protection = 16,
        /// The instrument's state does not admit it.
        TradingState = 17,
        /// A newer quote took its place or withdrew it.
        Replaced = 18,
        /// Its instrument was settled.
        Settled = 19,
        /// The account gave up a position to a deleveraging, and margin no longer covers the order.
        Deleveraged = 20,
    }
);

byte_enum!(
    /// Why an order became smaller without a fill.
    TrimReason {
        /// A reduce-only order was cut to the position that is left.
        ReduceOnly = 1,
        /// It met an order of its own owner group.
        SelfTrade = 2,
        /// The other order of its pair was filled by as much.
        Contingent = 3,
    }
);
