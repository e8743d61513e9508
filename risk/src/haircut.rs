//! What collateral counts for: weights that fall with the value held, liabilities that count for more than they are,
//! and what must be sold to pay an amount.
//!
//! Invariant: weights never rise with size, so a holding counts for less the larger it is, and for more than a smaller
//! one. A credit is rounded down and a debit up, which is down in both cases for a signed value. Source: `MARGIN.md` 10.

use alloc::vec::Vec;

use crate::fraction::Fraction;
use crate::limits::{MONEY_MAX, PPB, TIERS_MAX};
use crate::rounding::wide_mul;
use crate::units::{Money, Rate, Requirement};

/// What a holding counts for up to a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Slice {
    /// The slice ends at this value of the holding; what lies above the last counts for nothing.
    pub cap: Money,
    /// Part of the slice that counts.
    pub weight: Rate,
}

/// Why a list of slices is no schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScheduleError {
    /// No slice, or more than [`TIERS_MAX`].
    Count,
    /// Caps do not rise from above zero, or are too large.
    Caps,
    /// A weight is above 100 % or above the one before it.
    Weights,
}

/// A validated schedule of weights.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Schedule {
    slices: Vec<Slice>,
}

impl Schedule {
    /// Validates the slices.
    ///
    /// # Errors
    /// [`ScheduleError`], first rule broken.
    pub fn new(slices: &[Slice]) -> Result<Self, ScheduleError> {
        if slices.is_empty() || slices.len() > TIERS_MAX {
            return Err(ScheduleError::Count);
        }
        let mut before = Slice { cap: Money::ZERO, weight: Rate::ONE };
        for slice in slices {
            if slice.cap <= before.cap || slice.cap.get() > MONEY_MAX {
                return Err(ScheduleError::Caps);
            }
            if slice.weight > before.weight {
                return Err(ScheduleError::Weights);
            }
            before = *slice;
        }
        Ok(Self { slices: slices.to_vec() })
    }

    /// What a holding of this value (not negative) counts for, exactly: each slice at its own weight.
    #[must_use]
    pub fn weigh(&self, value: Money) -> Requirement {
        let mut counted = Requirement::ZERO;
        let mut from = Money::ZERO;
        for slice in &self.slices {
            let within = value.min(slice.cap) - from;
            if within <= Money::ZERO {
                break;
            }
            counted += slice.weight.of(within);
            from = slice.cap;
        }
        counted
    }
}

/// What a balance of this value counts for, exactly, and below zero as a debit: a holding by its schedule, a liability
/// at `liability` (100 % or more) of what it is. Round it down.
#[must_use]
pub fn asset_value(value: Money, schedule: &Schedule, liability: Rate) -> Requirement {
    if value >= Money::ZERO {
        return schedule.weigh(value);
    }
    Requirement::from_ppb(wide_mul(value.get(), i64::from(liability.get())))
}

/// Value that must be given up so that `amount` is left of it at `weight` (above zero): `amount / weight`. Round it up.
#[must_use]
pub fn gross_up(amount: Money, weight: Rate) -> Fraction {
    Fraction::new(wide_mul(amount.get(), PPB), i128::from(weight.get()).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(cap: i64, percent: u32) -> Slice {
        Slice { cap: Money::new(cap), weight: Rate::new(percent * 10_000_000) }
    }

    #[test]
    fn each_slice_counts_at_its_own_weight() {
        let schedule = Schedule::new(&[slice(100, 100), slice(150, 90), slice(200, 50)]).expect("valid");
        let counted = |value| schedule.weigh(Money::new(value)).floor().get();
        let values = [0, 100, 110, 150, 200, 1_000];
        assert_eq!(values.map(counted), [0, 100, 109, 145, 170, 170]);
        let debit = asset_value(Money::new(-3), &schedule, Rate::new(1_050_000_000));
        assert_eq!(debit.floor(), Money::new(-4));
        assert_eq!(asset_value(Money::new(110), &schedule, Rate::ONE), schedule.weigh(Money::new(110)));
    }

    #[test]
    fn bad_schedules_are_refused() {
        assert_eq!(Schedule::new(&[]), Err(ScheduleError::Count));
        assert_eq!(Schedule::new(&[slice(0, 90)]), Err(ScheduleError::Caps));
        assert_eq!(Schedule::new(&[slice(9, 90), slice(9, 80)]), Err(ScheduleError::Caps));
        assert_eq!(Schedule::new(&[slice(9, 90), slice(10, 91)]), Err(ScheduleError::Weights));
        assert_eq!(Schedule::new(&[slice(9, 101)]), Err(ScheduleError::Weights));
    }

    #[test]
    fn what_is_sold_covers_the_amount() {
        let sold = gross_up(Money::new(20_000), Rate::new(975_000_000)).ceil();
        assert_eq!(sold, 20_513);
        let left = |sold: i64| Rate::new(975_000_000).of(Money::new(sold)).floor().get();
        assert!(left(20_513) >= 20_000 && left(20_512) < 20_000);
    }
}
