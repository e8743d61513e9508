//! Liquidation, and who stands behind it: what the operator sets, and what accounts and operators are told.
//!
//! Invariant: what is told of a step suffices to compute it again; amounts are in the asset the instrument settles in,
//! equity and maintenance margin in the unit of account, unless a field says otherwise.

use engine::{ClientOrderId, Seq, TimeNs};
use risk::{AccountId, AssetId, InstrumentId, Mark, Money, Qty};

use crate::wire::message::messages;
use crate::wire::types::{Code, DeleveragingPolicy, I64N, Octets, PriceN, TimeNsN, U32N};

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
    /// A liquidation takes a step through the book; its fills follow. All of it is as it was before the step. Venue to client.
    372 LiquidationStepped {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Position; short is negative.
        position_qty: i64,
        /// How much is to be closed: the least of the next two.
        qty: Qty,
        /// What restores the target, or all.
        needed_qty: Qty,
        /// What the depth of the book admits.
        depth_qty: Qty,
        /// The mark.
        mark: Mark,
        /// Equity of the account, rounded down.
        equity: Money,
        /// Maintenance margin of the account, rounded up.
        maintenance_margin: Money,
        /// What is asked for the quantity at the account's distress.
        asked: Money,
        /// What the account must receive for it so that it uses up its share of equity and no more.
        at_bankruptcy: Money,
        /// What the insurance fund may add.
        allowance: Money,
        /// Worst price; none where no price gives that much, and nothing is taken.
        limit_px: PriceN,
        /// Which step, from 1.
        step: u16,
    }
    /// A liquidation has done what it may before the next tick. Venue to client.
    373 LiquidationPaced {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Steps taken.
        step: u16,
    }
    /// The account gave up some of a position, since nobody took over the other side of it from a bankrupt account. Venue to
    /// client.
    374 Deleveraged {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Number of the deleveraging.
        request: u64,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// What the account took over against its own position: bought is positive.
        qty: i64,
        /// What it paid for that; negative where it received.
        amount: Money,
        /// The mark.
        mark: Mark,
        /// Lots it held before.
        held_lots: i64,
        /// Of these, lots that nothing hedged.
        open_lots: i64,
        /// Its equity before, rounded down.
        equity: Money,
        /// The leverage to which all are cut, in billionths, rounded up: value of unhedged lots over equity. None in a
        /// queue, and where nothing was levelled.
        level_e9: I64N,
        /// Position after it; short is negative.
        position_qty: i64,
        /// The sum of its signed fill values, after it.
        position_cost: Money,
        /// Balance after it, in the asset the instrument settles in.
        balance: Money,
    }
    /// The venue bears what an account owes and no fund may pay. Venue to client and operators.
    375 BadDebtBooked {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose debt it was.
        account_id: AccountId,
        /// In what.
        asset_id: AssetId,
        /// How much.
        amount: Money,
    }
    /// The account took over a position, since it stands behind the liquidations of others. Venue to client.
    376 PositionAssumed {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Who took it.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// What it took; short is negative.
        qty: i64,
        /// What it paid for that; negative where it received.
        amount: Money,
    }
    /// Positions of bankrupt accounts are offered to the holders of the other side. Venue to operators.
    377 DeleveragingAsked {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Number of the deleveraging; a later call of the same number asks anew for what is left.
        request: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// What is offered; positive is a long, and shorts give up.
        position_qty: i64,
        /// What all of it costs the holders.
        amount: Money,
        /// The mark.
        mark: Mark,
        /// Value of a lot at the mark in the unit of account, rounded up.
        lot_value: Money,
        /// What a lot costs over its value, in the unit of account, rounded up; negative where the holders gain.
        haircut: Money,
        /// When the venue plans by itself; none where it does so at once.
        plan_by: TimeNsN,
        /// Which call of it, from 1.
        round: u8,
    }
    /// How the holders share what was offered is decided. Sums beyond 64 bits are cut off. Venue to operators.
    378 DeleveragingPlanned {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Number of the deleveraging.
        request: u64,
        /// The command after which the state was what the plan is of.
        basis_seq: Seq,
        /// The leverage to which holders are cut, in billionths, rounded up; none in a queue, and where nothing was levelled.
        level_e9: I64N,
        /// Holders looked at.
        holders: u32,
        /// Lots they hold.
        lots: i64,
        /// Their equity.
        equity: Money,
        /// 1 where the worker planned, 0 where the venue did.
        by_worker: u8,
        /// Root of the tree that commits to every holder's lots and equity; zeros where none was built.
        commitment: Octets<32>,
    }
    /// A deleveraging is over. Venue to operators.
    379 DeleveragingEnded {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Number of the deleveraging.
        request: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// What was given up, signed as what was offered.
        given_up_qty: i64,
        /// What nobody could bear; the venue holds it as a bad debt, and the instrument is halted.
        left_qty: i64,
        /// Rounding that the dust account received.
        dust: Money,
    }
}
