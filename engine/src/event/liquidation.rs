//! What liquidation and deleveraging did, with everything needed to compute it again: the receipts.
//!
//! Invariant: figures are those the decision was made by, before it changed anything, unless they say otherwise. Amounts
//! are in the asset the instrument settles in, equity and maintenance margin in the unit of account.

use risk::{AccountId, InstrumentId, Mark, Money, Position, Price, Qty};

use crate::command::{Seq, TimeNs};

/// A step of a liquidation through the book. Source: `risk/MARGIN.md` 7.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct LiquidationStep {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub instrument: InstrumentId,
    /// Which step, from 1.
    pub step: u16,
    /// Position before it.
    pub position: Position,
    /// How much is to be closed: the least of the next two.
    pub qty: Qty,
    /// What restores the target, or all.
    pub needed: Qty,
    /// What the depth of the book admits.
    pub depth_cap: Qty,
    /// The mark.
    pub mark: Mark,
    /// Equity of the account, rounded down.
    pub equity: Money,
    /// Maintenance margin of the account, rounded up.
    pub maintenance: Money,
    /// What is asked for the quantity at the account's distress.
    pub asked: Money,
    /// What the account must receive for it so that it uses up its share of equity and no more.
    pub at_bankruptcy: Money,
    /// What the fund may add.
    pub allowance: Money,
    /// Worst price; 0 where no price of the instrument's range gives that much, and nothing is taken.
    pub limit: Price,
}

/// What is offered to the holders of the other side. The state after the command that says so is the basis of the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct DeleveragingCall {
    /// Number of the deleveraging; a later call of the same number asks anew for what is left.
    pub request: u64,
    /// Which call of it, from 1.
    pub round: u8,
    /// Where.
    pub instrument: InstrumentId,
    /// What is offered; positive is a long, and shorts give up.
    pub position: Position,
    /// What all of it costs the holders.
    pub amount: Money,
    /// The mark.
    pub mark: Mark,
    /// Value of a lot at the mark, in the unit of account, rounded up.
    pub value: Money,
    /// What a lot costs over its value, in the unit of account, rounded up; negative where the holders gain.
    pub haircut: Money,
    /// When the venue plans by itself; 0 where it does so at once.
    pub plan_by: TimeNs,
}

/// How the holders share what is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct DeleveragingDecision {
    /// Which deleveraging.
    pub request: u64,
    /// The command after which the state was what the plan is of.
    pub basis: Seq,
    /// Whether the worker planned; else the venue did.
    pub by_worker: bool,
    /// The leverage to which holders are cut, as a fraction; `None` in a queue, and where nothing was levelled.
    pub level: Option<(i128, i128)>,
    /// Holders looked at.
    pub holders: u32,
    /// Lots they hold.
    pub lots: i128,
    /// Their equity.
    pub equity: i128,
    /// Root of the tree that commits to every holder's lots and equity; zeros where none was built.
    pub commitment: [u8; 32],
}

/// What a holder gave up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct DeleveragingCut {
    /// Which deleveraging.
    pub request: u64,
    /// Whose position became smaller.
    pub account: AccountId,
    /// Where.
    pub instrument: InstrumentId,
    /// What the account took over, against its own position; signed.
    pub position: Position,
    /// What it paid for that; negative where it received.
    pub amount: Money,
    /// The mark.
    pub mark: Mark,
    /// Lots it held before.
    pub held: i64,
    /// Of these, lots that nothing hedged.
    pub open: i64,
    /// Its equity before, rounded down.
    pub equity: Money,
    /// Position after it.
    pub left: Position,
    /// Cost of the position after it.
    pub cost: Money,
    /// Balance after it, in the settlement asset.
    pub balance: Money,
}
