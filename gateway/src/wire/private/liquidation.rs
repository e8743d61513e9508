//! Liquidation, and who stands behind it: what the operator sets, and what accounts and operators are told.
//!
//! Invariant: what is told of a step suffices to compute it again; amounts are in the asset the instrument settles in,
//! equity and maintenance margin in the unit of account, unless a field says otherwise.

use engine::ClientOrderId;
use risk::{AccountId, InstrumentId, Money};

use crate::wire::message::messages;
use crate::wire::types::{Code, DeleveragingPolicy, U32N};

messages! {
    /// Sets the terms of a risk group: how positions of its instruments are liquidated, and who bears what is left. Admin to
    /// venue.
    434 SetRiskGroup {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// One that is known, or the next number; group 0 is always there.
        group: u8,
        /// The insurance fund: account 1, or an account that is nothing else.
        fund_account_id: AccountId,
        /// Most the fund gives for one account in one liquidation, in the unit of account.
        fund_account_max: Money,
        /// Part of the highest balance in the window that may be given within it, in parts per billion.
        fund_share: u32,
        /// Length of the window, in nanoseconds; above 0.
        fund_window_ns: u64,
        /// How far beyond the mark a fill may be that the fund adds to, in parts per billion of the value.
        fund_spread: u32,
        /// The account that takes over at the mark what the book does not take; none where there is none.
        backstop_account_id: U32N,
        /// Most initial margin that the backstop account may come to need by a takeover.
        backstop_margin_max: Money,
        /// Equity over maintenance margin below which the book is given up, in parts per billion.
        backstop_at: u32,
        /// Equity over maintenance margin that steps restore, in parts per billion.
        target: u32,
        /// Distress of an account with no equity, in parts per billion.
        adjust: u32,
        /// What each step adds to distress, in parts per billion.
        urgency: u32,
        /// Part of a position's maintenance margin that is given up at full distress, in parts per billion.
        spread: u32,
        /// Part of the resting depth that one step may take, in parts per billion.
        step_share: u32,
        /// Notional that a step may take whatever rests, in the unit of account.
        step_min: Money,
        /// Steps after which the book is given up.
        steps_max: u16,
        /// How the holders of the other side share what nobody takes.
        policy: Code<DeleveragingPolicy>,
        /// How long the deleveraging worker has for its plan, in milliseconds; 0 lets the venue plan at once.
        plan_within_ms: u32,
    }
    /// Puts an instrument into a risk group. Admin to venue.
    435 AssignRiskGroup {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Which instrument.
        instrument_id: InstrumentId,
        /// Which group.
        group: u8,
    }
}
