//! Who must give up how many lots when nobody else takes a bankrupt position: leverage water-filling, and the queues
//! other venues use instead.
//!
//! Invariant: nobody is cut beyond what he holds or what his equity bears, and the cuts and the lots nobody can bear sum
//! to what was asked for. Everything here counts whole lots. Source: `MARGIN.md` 13.

mod allocation;
mod ranks;
mod runs;

pub use allocation::{Allocation, allocate};
pub use ranks::{leveraged_profit, product_score, profit_rank, raised_by_share, score};

use crate::byte_enum;
use crate::fraction::Fraction;
use crate::limits::{MONEY_MAX, NOTIONAL_MAX, QTY_MAX};
use crate::rounding::{div_floor, wide_mul};
use crate::units::{AccountId, Money};

byte_enum!(
    /// How the holders of the other side share.
    DeleveragingPolicy {
        /// The most leveraged are cut to one level of leverage.
        Water = 1,
        /// A queue by profit and leverage, as `BitMEX` ranks: [`profit_rank`].
        Profit = 2,
        /// A queue by profit and margin ratio, as Binance ranks: [`leveraged_profit`].
        LeveragedProfit = 3,
    }
);

/// One who holds the other side of a bankrupt position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Holder {
    /// Who.
    pub account: AccountId,
    /// Lots held on the other side, above 0.
    pub held: i64,
    /// Of these, the lots that no other position in the same underlying hedges: from 0 to `held`. What leverage counts.
    pub open: i64,
    /// Equity in money units, above 0 and below 2^61.
    pub equity: Money,
    /// Rank in a queue, the highest first, in parts of 2^32; not read where leverage decides.
    pub score: i128,
}

/// What is to be given up, and at what price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Demand {
    /// Lots to be given up; nothing is asked for where it is not above 0. Together with `haircut` it is less than 2^62.
    pub lots: i64,
    /// Value of a lot at the mark in money units, at least 1. All lots held are worth at most [`NOTIONAL_MAX`].
    pub value: Money,
    /// Money units that a lot costs who gives it up, against its value at the mark; zero or less where it gains.
    pub haircut: Money,
}

/// What one holder gives up.
///
/// A plan may name an account twice: for its open lots and, where all open lots of all holders do not suffice, for
/// hedged ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Cut {
    /// Who.
    pub account: AccountId,
    /// How many lots, above 0.
    pub lots: i64,
    /// Whether these are lots that other positions hedge. False of a queue, which does not tell them apart.
    pub hedged: bool,
}

impl Demand {
    /// The most lots a holder can give up: what he holds, and no more than his equity pays the haircut of, rounded down.
    #[must_use]
    pub fn bearable(&self, holder: &Holder) -> i64 {
        let held = holder.held.max(0);
        if self.haircut <= Money::ZERO {
            return held;
        }
        let lots = div_floor(i128::from(holder.equity.get()), i128::from(self.haircut.get()));
        i64::try_from(lots.max(0)).unwrap_or(i64::MAX).min(held)
    }

    /// Whether giving up open lots leaves this holder as leveraged as he is, or more: leverage at or above `value / haircut`.
    #[must_use]
    pub fn is_beyond_relief(&self, holder: &Holder) -> bool {
        wide_mul(holder.open, self.haircut.get()) >= i128::from(holder.equity.get())
    }

    /// The open lots a holder gives up when cut to a level of leverage, exactly:
    /// `(open x value - level x equity) / (value - level x haircut)`. Nothing where he stands at the level or below, all
    /// open lots where he is beyond relief. All that are in between have the same divisor.
    ///
    /// `level` is one of a plan: [`is_level`].
    #[must_use]
    pub fn exact_cut(&self, level: Fraction, holder: &Holder) -> Fraction {
        let worth = wide_mul(holder.open, self.value.get()) * level.under();
        let kept = level.over() * i128::from(holder.equity.get());
        if worth <= kept {
            return Fraction::whole(0);
        }
        if self.is_beyond_relief(holder) {
            return Fraction::whole(holder.open.into());
        }
        // With `open value > level equity` and `equity > open haircut` it is above zero.
        let divisor =
            i128::from(self.value.get()) * level.under() - level.over() * i128::from(self.haircut.get());
        Fraction::new(worth - kept, divisor)
    }
}

/// Most that a level's numerator is: the value of some lots.
const LEVEL_OVER_MAX: i128 = 1 << 58;
/// Most that a level's divisor is: a sum of equities with what the lots demanded gain.
const LEVEL_UNDER_MAX: i128 = 1 << 63;

const _: () = assert!(NOTIONAL_MAX as i128 <= LEVEL_OVER_MAX && EQUITIES_BITS < 64);

/// Whether a fraction can be the level of a plan, whoever says so: not below 0, and of a size that [`Allocation::level`] gives
/// and cuts can be computed with.
#[must_use]
pub const fn is_level(over: i128, under: i128) -> bool {
    over >= 0 && over <= LEVEL_OVER_MAX && under > 0 && under <= LEVEL_UNDER_MAX
}

/// What of a planned cut still stands for a holder as he is now, in lots, 0 or more. A plan is made at one moment and carried
/// out after it, piece by piece; the holder may have traded, paid in or lost since.
///
/// Never more than was planned, than he holds or than his equity bears. Where a `level` was found, and the cut is not of hedged
/// lots, also no more than brings him to that level, rounded up: who has become less leveraged since gives up less, and who
/// has no open lots left gives up none. A holder who is as he was when the plan was made gives up what was planned.
#[must_use]
pub fn recap(level: Option<Fraction>, demand: &Demand, holder: &Holder, cut: &Cut) -> i64 {
    let lots = cut.lots.min(demand.bearable(holder));
    match level {
        Some(level) if !cut.hedged => {
            let needed = demand.exact_cut(level, holder).ceil();
            i64::try_from(needed).map_or(lots, |needed| needed.min(lots)).max(0)
        }
        _ => lots.max(0),
    }
}

/// Binary digits of a sum of equities less what is lost: the equities of one side are below 2^62 together, as what all
/// deposited and what open positions can be worth is, and so is what all the lots demanded lose or gain.
const EQUITIES_BITS: u32 = MONEY_MAX.ilog2() + 3;
/// Binary digits of one equity, or one haircut.
const EQUITY_BITS: u32 = MONEY_MAX.ilog2() + 1;

// The value of lots, below that of the open interest, times equities; less a level's numerator, itself such a value, times
// an equity or a haircut.
const _: () = assert!(NOTIONAL_MAX.ilog2() + EQUITIES_BITS + 1 < 126 && EQUITY_BITS < EQUITIES_BITS);
// Lots times equities, as two leverages are compared, and as one is with the level.
const _: () = assert!(QTY_MAX.ilog2() + 1 + EQUITIES_BITS < 126);
