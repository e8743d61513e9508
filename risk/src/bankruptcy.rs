//! What closing a position may cost: the bankruptcy amount, the price a liquidation asks for before it comes to that, and
//! who gets the difference.
//!
//! Invariant: what is closed for its bankruptcy amount leaves the account no worse in equity per maintenance margin, and
//! all of it closed so leaves exactly nothing. Source: `MARGIN.md` 7.

use crate::limits::PPB;
use crate::rounding::{div_ceil, div_floor, wide_mul};
use crate::units::{Money, Rate};

/// The amount an account must receive (negative: may pay) for giving up `value` of positions: the value less the share
/// of equity that `released` is of the maintenance margin `total`. Rounded up, in the account's favour, so that closing
/// exactly there never needs the insurance account. Equity may be negative.
#[must_use]
pub fn bankruptcy_amount(value: Money, equity: Money, released: Money, total: Money) -> Money {
    let share = wide_mul(equity.get(), released.get());
    value - Money::from_wide(div_floor(share, i128::from(total.get().max(1))))
}

/// How far an account has gone from no distress to bankruptcy, at most all of it: `adjust x (1 - equity / maintenance)`
/// from 0 to 100 %, rounded down.
#[must_use]
pub fn distress(equity: Money, maintenance: Money, adjust: Rate) -> Rate {
    let missing = wide_mul((maintenance - equity).get(), i64::from(adjust.get()));
    let share = div_floor(missing, i128::from(maintenance.get().max(1))).clamp(0, i128::from(PPB));
    Rate::new(u32::try_from(share).unwrap_or(u32::MAX))
}

/// The amount a liquidation asks for a whole position of this signed value: the value, less a part of its maintenance
/// margin that grows with distress up to `spread`. Rounded up, in the account's favour.
#[must_use]
pub fn fillable_amount(value: Money, maintenance: Money, distress: Rate, spread: Rate) -> Money {
    let most = wide_mul(maintenance.get(), i64::from(spread.get()));
    let given = div_floor(div_floor(most, i128::from(PPB)) * i128::from(distress.get()), i128::from(PPB));
    value - Money::from_wide(given)
}

/// What a liquidation fill moves between the account and the insurance account: above zero a fee, never more than the
/// surplus over the bankruptcy amount nor than `rate` of the value exchanged, rounded up; below zero what the insurance
/// account pays so that the account gets the bankruptcy amount.
#[must_use]
pub fn insurance_delta(received: Money, at_bankruptcy: Money, rate: Rate) -> Money {
    let surplus = received - at_bankruptcy;
    if surplus < Money::ZERO {
        return surplus;
    }
    let fee = div_ceil(wide_mul(received.get().abs(), i64::from(rate.get())), i128::from(PPB));
    surplus.min(Money::from_wide(fee))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn money(units: i64) -> Money {
        Money::new(units)
    }

    #[test]
    fn parts_closed_at_bankruptcy_use_up_all_equity() {
        // Two legs worth 70 and -30 on equity 7; maintenance 2 and 1.
        let first = bankruptcy_amount(money(70), money(7), money(2), money(3));
        assert_eq!(first, money(66));
        let left = money(7) - (money(70) - first);
        let second = bankruptcy_amount(money(-30), left, money(1), money(1));
        assert_eq!(left - (money(-30) - second), Money::ZERO);
    }

    #[test]
    fn the_asked_amount_falls_with_distress_and_stops() {
        let asked = |equity| {
            let distress = distress(money(equity), money(500), Rate::ONE);
            fillable_amount(money(5_000), money(500), distress, Rate::new(100_000_000)).get()
        };
        assert_eq!([600, 500, 250, 0, -500].map(asked), [5_000, 5_000, 4_975, 4_950, 4_950]);
    }

    #[test]
    fn a_fee_is_taken_only_from_the_surplus() {
        let rate = Rate::new(5_000_000);
        assert_eq!(insurance_delta(money(5_610), money(5_100), rate), money(29));
        assert_eq!(insurance_delta(money(-4_410), money(-4_415), rate), money(5));
        assert_eq!(insurance_delta(money(5_100), money(5_100), rate), Money::ZERO);
        assert_eq!(insurance_delta(money(5_000), money(5_100), rate), money(-100));
    }
}
