//! The ranks by which other venues queue, and what a share of capacities raises.
//!
//! Invariant: a rank is exact until [`score`] or [`product_score`] rounds it down, so equal ranks have equal scores.

use crate::fraction::Fraction;
use crate::limits::PPB;
use crate::rounding::wide_mul;
use crate::units::{Money, Rate, Requirement};

/// Binary digits of a score below one.
const SCORE_SHIFT: u32 = 32;

/// The most that a share of these capacities raises, exactly.
#[must_use]
pub fn raised_by_share(capacities: &[Money], share: Rate) -> Requirement {
    capacities.iter().fold(Requirement::ZERO, |sum, capacity| sum + share.of(*capacity))
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

/// A rank as a [`Holder::score`](super::Holder::score): 2^32 times it, rounded down, the nearest there is where that is out
/// of range.
#[must_use]
pub fn score(rank: Fraction) -> i128 {
    rank.floor_shifted(SCORE_SHIFT)
}

/// The product of two factors, neither below zero, as a [`Holder::score`](super::Holder::score): each factor is made a score,
/// their product rounded down again; the largest there is where that is out of range.
#[must_use]
pub fn product_score(factors: [Fraction; 2]) -> i128 {
    let [a, b] = factors.map(|factor| score(factor).max(0));
    // a b / 2^32 by halves of the factors, since a product of two wide numbers has no room.
    let low = |wide: i128| wide & ((1 << SCORE_SHIFT) - 1);
    let high = |wide: i128| wide >> SCORE_SHIFT;
    let crossed = low(a) * high(b) + ((low(a) * low(b)) >> SCORE_SHIFT);
    high(a).saturating_mul(b).saturating_add(crossed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i128 = 1 << SCORE_SHIFT;

    #[test]
    fn scores_round_down_and_saturate() {
        assert_eq!((score(Fraction::whole(3)), score(Fraction::whole(-3))), (3 * ONE, -3 * ONE));
        assert_eq!(score(Fraction::new(1, 3)), 1_431_655_765);
        assert_eq!(score(Fraction::new(-1, 3)), -1_431_655_766);
        assert_eq!(score(Fraction::new(-8, 6)), -5_726_623_062);
        let wide = i128::MAX;
        assert_eq!(score(Fraction::new(wide - 1, wide)), ONE - 1);
        assert_eq!((score(Fraction::whole(wide)), score(Fraction::whole(i128::MIN))), (wide, i128::MIN));
        assert_eq!(score(Fraction::whole((wide >> 32) + 1)), wide);
        assert_eq!(score(Fraction::new(wide, ONE)), wide);
    }

    #[test]
    fn products_of_scores_round_down_and_saturate() {
        let product = |a: (i128, i128), b: (i128, i128)| {
            product_score([Fraction::new(a.0, a.1), Fraction::new(b.0, b.1)])
        };
        assert_eq!(product((3, 2), (5, 2)), (15 * ONE) >> 2);
        assert_eq!(product((1, 3), (1, 3)), (1_431_655_765_i128 * 1_431_655_765) >> 32);
        assert_eq!(product((-1, 3), (1, 3)), 0);
        let wide = i128::MAX;
        assert_eq!(product((wide, 1), (wide, 1)), wide);
        assert_eq!(product((wide, 1), (1, ONE)), wide >> 32);
        assert_eq!(product((1, ONE), (wide, 1)), wide >> 32);
    }
}
