//! Who must give up how much when nobody else takes a bankrupt position: leverage water-filling, and the rankings other
//! venues use instead.
//!
//! Invariant: no counterparty is cut below zero equity, and what is cut sums to what was asked for or the market is said
//! to be insolvent. Source: `MARGIN.md` 13.

use alloc::vec::Vec;

use crate::fraction::Fraction;
use crate::limits::PPB;
use crate::rounding::{div_floor, wide_mul};
use crate::units::{AccountId, Money, Qty, Rate, Requirement};

/// One who holds the other side of a bankrupt position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Who.
    pub account: AccountId,
    /// Lots held, above zero.
    pub lots: Qty,
    /// Equity, above zero.
    pub equity: Money,
}

/// What is to be given up, and at what price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Demand {
    /// Lots of the bankrupt position.
    pub lots: Qty,
    /// Value of a lot at the mark.
    pub value: Money,
    /// What a lot is given up for less than that, at the bankruptcy price.
    pub haircut: Money,
}

/// The holders cannot absorb the position: too few lots, or too little equity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Insolvent;

impl Demand {
    /// The leverage to which these holders, all of them above it, are cut together:
    /// `value (sum of lots - demanded) / (sum of equity - demanded x haircut)`.
    ///
    /// # Errors
    /// [`Insolvent`].
    pub fn level(&self, above: &[Holder]) -> Result<Fraction, Insolvent> {
        let lots: i64 = above.iter().map(|holder| holder.lots.get()).sum();
        let equity: i128 = above.iter().map(|holder| i128::from(holder.equity.get())).sum();
        let left = equity - wide_mul(self.lots.get(), self.haircut.get());
        if lots < self.lots.get() || left <= 0 {
            return Err(Insolvent);
        }
        Ok(Fraction::new(wide_mul(self.value.get(), lots - self.lots.get()), left))
    }

    /// The lots a holder gives up when cut to a level, exactly: `(lots x value - level x equity) / (value - level x
    /// haircut)`, nothing where it stands below the level, and all where each lot given up leaves it more leveraged.
    #[must_use]
    pub fn cut(&self, level: Fraction, holder: &Holder) -> Fraction {
        let worth = wide_mul(holder.lots.get(), self.value.get()) * level.under();
        let kept = level.over() * i128::from(holder.equity.get());
        let step =
            i128::from(self.value.get()) * level.under() - level.over() * i128::from(self.haircut.get());
        if worth <= kept {
            Fraction::whole(0)
        } else if step <= 0 {
            Fraction::whole(holder.lots.get().into())
        } else {
            Fraction::new(worth - kept, step)
        }
    }

    /// The level over all holders: that of the fewest of the most leveraged that are cut to no less than the next one's
    /// leverage. Sorts the holders by falling leverage, account among equals; the second figure is how many are above the level.
    ///
    /// # Errors
    /// [`Insolvent`].
    pub fn level_of(&self, holders: &mut [Holder]) -> Result<(Fraction, usize), Insolvent> {
        holders.sort_unstable_by(|a, b| leverage(b).cmp(&leverage(a)).then(a.account.cmp(&b.account)));
        for count in 1..=holders.len() {
            let Ok(level) = self.level(&holders[..count]) else { continue };
            let next = holders.get(count).map(|holder| self.leverage_of(holder));
            if next.is_none_or(|next| level >= next) {
                return Ok((level, count));
            }
        }
        Err(Insolvent)
    }

    /// Value of the position at the mark over equity.
    fn leverage_of(&self, holder: &Holder) -> Fraction {
        Fraction::new(wide_mul(holder.lots.get(), self.value.get()), i128::from(holder.equity.get()))
    }

    /// The most lots a holder's equity pays the haircut of.
    fn bearable(&self, holder: &Holder) -> i64 {
        if self.haircut <= Money::ZERO {
            return holder.lots.get();
        }
        let lots = div_floor(i128::from(holder.equity.get()), i128::from(self.haircut.get()));
        holder.lots.get().min(i64::try_from(lots).unwrap_or(i64::MAX))
    }

    /// Whole lots to cut from each holder: each exact cut rounded down, what is left over one lot each to the largest
    /// parts, account among equals; none beyond what its equity bears. The cuts sum to the demand.
    ///
    /// # Errors
    /// [`Insolvent`].
    pub fn cuts(&self, holders: &[Holder]) -> Result<Vec<(AccountId, Qty)>, Insolvent> {
        let mut open = holders.to_vec();
        let mut rest = *self;
        let mut cuts = Vec::with_capacity(open.len());
        // Those whose equity bears no more than so many lots are cut by that and leave; what remains is a smaller demand
        // on fewer, so another may now be at its bound. Each round settles one at least.
        let level = loop {
            let (level, _) = rest.level_of(&mut open)?;
            let (bound, free): (Vec<_>, Vec<_>) = open
                .iter()
                .copied()
                .partition(|holder| rest.cut(level, holder) > Fraction::whole(rest.bearable(holder).into()));
            if bound.is_empty() {
                break level;
            }
            for holder in bound {
                let lots = Qty::new(rest.bearable(&holder));
                rest.lots -= lots;
                cuts.push((holder.account, lots));
            }
            open = free;
        };
        let mut exact: Vec<_> = open.iter().map(|holder| (rest.cut(level, holder), holder)).collect();
        exact.sort_unstable_by(|(a, first), (b, second)| {
            b.part().cmp(&a.part()).then(first.account.cmp(&second.account))
        });
        let floors = exact.iter().map(|(cut, holder)| {
            let lots = i64::try_from(cut.floor()).unwrap_or(holder.lots.get());
            (holder.account, lots, rest.bearable(holder))
        });
        let mut floors: Vec<_> = floors.collect();
        let mut over = rest.lots.get() - floors.iter().map(|(_, lots, _)| lots).sum::<i64>();
        for (_, lots, bearable) in &mut floors {
            if over > 0 && *lots < *bearable {
                *lots += 1;
                over -= 1;
            }
        }
        if over > 0 {
            return Err(Insolvent);
        }
        cuts.extend(floors.into_iter().map(|(account, lots, _)| (account, Qty::new(lots))));
        cuts.sort_unstable();
        Ok(cuts)
    }
}

/// Lots over equity: the order of leverages at any mark.
fn leverage(holder: &Holder) -> Fraction {
    Fraction::new(holder.lots.get().into(), holder.equity.get().into())
}

/// The most that a share of these capacities raises, exactly.
#[must_use]
pub fn raised_by_share(capacities: &[Money], share: Rate) -> Requirement {
    capacities.iter().fold(Requirement::ZERO, |sum, capacity| sum + share.of(*capacity))
}

/// A queue by rank: the highest first, the lower place among equals. What each gives up until `need` is reached.
#[must_use]
pub fn queue(ranks: &[Fraction], lots: &[Qty], need: Qty) -> Vec<(usize, Qty)> {
    let mut order: Vec<usize> = (0..ranks.len().min(lots.len())).collect();
    order.sort_unstable_by(|&a, &b| ranks[b].cmp(&ranks[a]).then(a.cmp(&b)));
    let mut left = need;
    let take = |place: usize| {
        let given = lots[place].min(left);
        left -= given;
        (place, given)
    };
    order.into_iter().map(take).collect()
}

/// The rank `BitMEX` uses: profit over entry value, times effective leverage for a profit, over it for a loss. All values are
/// signed like the position; leverage is `|mark value| / (mark value - bankruptcy value)`. `None` where the position is
/// not above its bankruptcy value or has no value.
#[must_use]
pub fn profit_rank(entry: Money, mark: Money, bankruptcy: Money) -> Option<Fraction> {
    let profit = i128::from((mark - entry).get());
    let size = i128::from(entry.get().abs());
    let value = i128::from(mark.get().abs());
    let margin = i128::from((mark - bankruptcy).get());
    if margin <= 0 || size == 0 || value == 0 {
        return None;
    }
    Some(if profit > 0 {
        Fraction::new(profit * value, size * margin)
    } else {
        Fraction::new(profit * margin, size * value)
    })
}

/// The rank Binance uses, as its two factors: profit over wallet balance, of which at least `unit` is counted, and maintenance
/// margin over equity. Nothing for a loss or without equity.
#[must_use]
pub fn leveraged_profit(
    profit: Money,
    wallet: Money,
    unit: Money,
    maintenance: Requirement,
) -> [Fraction; 2] {
    let equity = wallet + profit;
    if profit <= Money::ZERO || equity <= Money::ZERO {
        return [Fraction::whole(0); 2];
    }
    let share = Fraction::new(profit.get().into(), wallet.max(unit).get().max(1).into());
    [share, Fraction::new(maintenance.ppb(), wide_mul(equity.get(), PPB))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn holders(of: &[(i64, i64)]) -> Vec<Holder> {
        let holder = |(number, &(lots, equity)): (u32, &(i64, i64))| Holder {
            account: AccountId::new(number),
            lots: Qty::new(lots),
            equity: Money::new(equity),
        };
        (16..).zip(of).map(holder).collect()
    }

    fn demand(lots: i64, value: i64, haircut: i64) -> Demand {
        Demand { lots: Qty::new(lots), value: Money::new(value), haircut: Money::new(haircut) }
    }

    #[test]
    fn whole_cuts_sum_to_the_demand_and_spare_the_least_leveraged() {
        let cuts = demand(70, 100, 2).cuts(&holders(&[(40, 2_000), (60, 1_200), (100, 1_000)]));
        let lots = |account, lots| (AccountId::new(account), Qty::new(lots));
        assert_eq!(cuts, Ok(vec![lots(16, 0), lots(17, 8), lots(18, 62)]));
    }

    #[test]
    fn nobody_is_cut_below_zero() {
        // The first could pay for 3 lots at most.
        let of = [(50, 30), (50, 1_000), (9, 1_000)];
        for lots in 1..=90 {
            let Ok(cuts) = demand(lots, 100, 10).cuts(&holders(&of)) else { continue };
            assert_eq!(cuts.iter().map(|(_, lots)| lots.get()).sum::<i64>(), lots);
            for ((_, cut), (held, equity)) in cuts.iter().zip(of) {
                assert!(cut.get() <= held && cut.get() * 10 <= equity, "{cuts:?}");
            }
        }
        assert_eq!(demand(110, 100, 0).cuts(&holders(&of)), Err(Insolvent));
        assert_eq!(demand(50, 100, 60).cuts(&holders(&[(100, 1_000)])), Err(Insolvent));
        assert_eq!(demand(1, 100, 0).cuts(&[]), Err(Insolvent));
    }
}
