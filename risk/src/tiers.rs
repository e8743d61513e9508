//! Convex margin tables: a rate per notional bracket, joined without jumps by a continuity constant.
//!
//! Invariant: rates never fall with size, so the requirement is `max over k of N r_k - c_k`: continuous, convex and
//! non-decreasing. `c_k = c_{k-1} + floor_k (r_k - r_{k-1})` is kept unrounded. Source: `MARGIN.md` 3.

use alloc::vec::Vec;

use crate::limits::{MONEY_MAX, TIERS_MAX};
use crate::rounding::wide_mul;
use crate::units::{Money, Rate, Requirement};

/// One bracket: from `floor` upward the marginal rate is `rate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Tier {
    /// Notional at which the bracket begins, in money units; the first is 0.
    pub floor: Money,
    /// Marginal rate of the bracket, above 0 and at most 100 %, not below the bracket before. Maintenance rates stay
    /// below 80 %, since initial margin is at least 5/4 of them.
    pub rate: Rate,
}

/// Why a list of brackets is not a margin table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TierError {
    /// No bracket, or more than [`TIERS_MAX`].
    Count,
    /// The first floor is not 0, or floors do not rise.
    Floors,
    /// A rate is 0, above 100 %, or below the one before it.
    Rates,
}

/// A validated table with its continuity constants.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode)]
pub struct TierTable {
    rows: Vec<Row>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
struct Row {
    floor: i64,
    rate: i64,
    /// `c_k` in billionths of a money unit.
    deduction: i128,
}

impl TierTable {
    /// Validates the brackets and computes the continuity constants.
    ///
    /// # Errors
    /// [`TierError`], first rule broken.
    pub fn new(tiers: &[Tier]) -> Result<Self, TierError> {
        if tiers.is_empty() || tiers.len() > TIERS_MAX {
            return Err(TierError::Count);
        }
        let mut rows: Vec<Row> = Vec::with_capacity(tiers.len());
        for tier in tiers {
            let (floor, rate) = (tier.floor.get(), i64::from(tier.rate.get()));
            let deduction = match rows.last() {
                None if floor != 0 => return Err(TierError::Floors),
                None => 0,
                Some(last) if floor <= last.floor || floor > MONEY_MAX => return Err(TierError::Floors),
                Some(last) if rate < last.rate => return Err(TierError::Rates),
                Some(last) => last.deduction + i128::from(floor) * i128::from(rate - last.rate),
            };
            if rate <= 0 || rate > i64::from(Rate::ONE.get()) {
                return Err(TierError::Rates);
            }
            rows.push(Row { floor, rate, deduction });
        }
        Ok(Self { rows })
    }

    /// The requirement at `notional` (not negative), exact: `N r_k - c_k` with the last bracket at or below `N`.
    #[inline]
    #[must_use]
    pub fn requirement(&self, notional: Money) -> Requirement {
        let (rate, deduction) = self.line_at(notional);
        Requirement::from_ppb(wide_mul(notional.get(), rate) - deduction)
    }

    /// Marginal rate and continuity constant (billionths of a money unit) at `notional` (not negative): those of the last
    /// bracket at or below it.
    #[inline]
    #[must_use]
    pub fn line_at(&self, notional: Money) -> (i64, i128) {
        let mut row = &self.rows[0];
        for next in &self.rows[1..] {
            if next.floor > notional.get() {
                break;
            }
            row = next;
        }
        (row.rate, row.deduction)
    }

    /// The rate of the first bracket, which bounds leverage.
    #[must_use]
    pub fn base_rate(&self) -> Rate {
        Rate::new(u32::try_from(self.rows[0].rate).expect("a rate up to 10^9 fits u32"))
    }

    /// Marginal rate and continuity constant (billionths of a money unit) of each bracket, ascending.
    pub fn lines(&self) -> impl Iterator<Item = (i64, i128)> + '_ {
        self.rows.iter().map(|row| (row.rate, row.deduction))
    }

    /// Whether `self >= 5/4 x other` for every notional: compared at every corner of both tables and in the slope
    /// beyond the last. Initial margin must keep this distance from maintenance margin.
    #[must_use]
    pub fn covers_five_quarters_of(&self, other: &Self) -> bool {
        let covered = |notional: i64| {
            let notional = Money::new(notional);
            4 * self.requirement(notional).ppb() >= 5 * other.requirement(notional).ppb()
        };
        let corners =
            self.rows.iter().chain(&other.rows).all(|row| covered(row.floor) && covered(row.floor + 1));
        let slopes = match (self.rows.last(), other.rows.last()) {
            (Some(own), Some(other)) => 4 * own.rate >= 5 * other.rate,
            _ => false,
        };
        corners && slopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn table(rows: &[(i64, u32)]) -> TierTable {
        let tiers: Vec<_> = rows
            .iter()
            .map(|&(floor, rate)| Tier { floor: Money::new(floor), rate: Rate::new(rate) })
            .collect();
        TierTable::new(&tiers).expect("valid rows")
    }

    #[test]
    fn constants_reproduce_published_brackets() {
        // Binance ADA: 2.5 % from 0, 5 % from 100k, 10 % from 500k, 15 % from 1M, 25 % from 2M, 50 % from 5M.
        let ada = table(&[
            (0, 25_000_000),
            (100_000, 50_000_000),
            (500_000, 100_000_000),
            (1_000_000, 150_000_000),
            (2_000_000, 250_000_000),
            (5_000_000, 500_000_000),
        ]);
        let cum: Vec<i128> = ada.lines().map(|(_, deduction)| deduction.div_euclid(1_000_000_000)).collect();
        assert_eq!(cum, [0, 2_500, 27_500, 77_500, 277_500, 1_527_500]);
    }

    #[test]
    fn requirement_is_continuous_at_each_floor() {
        let table = table(&[(0, 5_000_000), (50_000, 10_000_000), (250_000, 25_000_000)]);
        for floor in [50_000, 250_000] {
            let below = table.requirement(Money::new(floor - 1)).ppb();
            let at = table.requirement(Money::new(floor)).ppb();
            let above = table.requirement(Money::new(floor + 1)).ppb();
            assert!(below < at && at < above && above - at >= at - below, "convex and continuous at {floor}");
        }
    }

    #[test]
    fn bad_tables_are_refused() {
        let tier = |floor, rate| Tier { floor: Money::new(floor), rate: Rate::new(rate) };
        assert_eq!(TierTable::new(&[]), Err(TierError::Count));
        assert_eq!(TierTable::new(&[tier(1, 5)]), Err(TierError::Floors));
        assert_eq!(TierTable::new(&[tier(0, 5), tier(0, 6)]), Err(TierError::Floors));
        assert_eq!(TierTable::new(&[tier(0, 5), tier(9, 4)]), Err(TierError::Rates));
        assert_eq!(TierTable::new(&[tier(0, 1_000_000_001)]), Err(TierError::Rates));
        assert_eq!(TierTable::new(&vec![tier(0, 1); TIERS_MAX + 1]), Err(TierError::Count));
    }
}
