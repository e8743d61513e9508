//! How much of a position to close so that what is left stands on sound margin.
//!
//! Invariant: closing the size found restores the target, or nothing of the position is left. Source: `MARGIN.md` 7.

use crate::limits::PPB;
use crate::rounding::div_ceil;
use crate::units::{Rate, Requirement};

/// What closing one lot does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PerLot {
    /// Maintenance margin it releases: the marginal rate of the bracket the position stands in, times a lot's value.
    pub released: Requirement,
    /// Equity it loses: slippage and liquidation fee.
    pub lost: Requirement,
}

/// An account before and after a part of a position is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Equity.
    pub equity: Requirement,
    /// Maintenance margin of all positions.
    pub maintenance: Requirement,
}

impl Standing {
    /// Whether equity covers maintenance `target` (100 % or more) times.
    #[must_use]
    pub fn reaches(&self, target: Rate) -> bool {
        self.equity.ppb() * i128::from(PPB) >= self.maintenance.ppb() * i128::from(target.get())
    }

    /// After closing so many lots.
    #[must_use]
    pub fn after(&self, lots: i64, lot: PerLot) -> Self {
        let closed = |amount: Requirement| Requirement::from_ppb(amount.ppb() * i128::from(lots));
        Self { equity: self.equity - closed(lot.lost), maintenance: self.maintenance - closed(lot.released) }
    }

    /// The fewest lots to close so that equity covers maintenance `target` times, at most the `held` ones:
    /// `ceil((target x maintenance - equity) / (target x released - lost))`. All where a lot loses more than it helps.
    #[must_use]
    pub fn lots_to_restore(&self, target: Rate, lot: PerLot, held: i64) -> i64 {
        let weighed = |margin: Requirement, money: Requirement| {
            margin.ppb() * i128::from(target.get()) - money.ppb() * i128::from(PPB)
        };
        let missing = weighed(self.maintenance, self.equity);
        if missing <= 0 {
            return 0;
        }
        let helps = weighed(lot.released, lot.lost);
        if helps <= 0 {
            return held;
        }
        i64::try_from(div_ceil(missing, helps)).unwrap_or(held).min(held)
    }
}

// Maintenance in billionths, times a target below 2^32.
const _: () = assert!(crate::limits::MONEY_MAX.ilog2() + PPB.ilog2() + 1 + 32 < 126);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Money;

    fn money(units: i64) -> Requirement {
        Requirement::of_money(Money::new(units))
    }

    #[test]
    fn the_fewest_lots_restore_the_target() {
        let target = Rate::new(1_100_000_000);
        let standing = Standing { equity: money(900), maintenance: money(1_000) };
        for lost in 0..12 {
            let lot = PerLot { released: money(10), lost: money(lost) };
            let lots = standing.lots_to_restore(target, lot, 100);
            let enough = standing.after(lots, lot).reaches(target);
            assert!(enough || lots == 100, "{lots} lots at a loss of {lost}");
            assert!(lots == 0 || lost > 10 || !standing.after(lots - 1, lot).reaches(target), "no lot more");
        }
        let sound = Standing { equity: money(1_100), maintenance: money(1_000) };
        let lot = PerLot { released: money(10), lost: money(0) };
        assert_eq!(sound.lots_to_restore(target, lot, 100), 0);
    }
}
