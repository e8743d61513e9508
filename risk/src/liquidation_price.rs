//! Where a position stands when equity has sunk to maintenance margin, in the one form all contracts share: notional.
//!
//! Invariant: maintenance is the maximum of lines `N r - c`, so the notional is the tightest root of any line. No bracket
//! is looked up and none can be wrong. Source: `MARGIN.md` 6.

use crate::fraction::Fraction;
use crate::units::Side;

/// The notional at which a position's signed value is `need` plus its maintenance margin, exactly.
///
/// `need` is what the rest leaves to be covered: cost of the position, less cash, plus the maintenance margin of
/// everything else; with maintenance left out (no rate, no deduction) the notional is that of bankruptcy. It counts in
/// parts of a money unit, `one` of them a unit; lines are rate, in parts of `one` and below it, and deduction, in the same
/// parts of a money unit. The result is in money units.
///
/// `side` says which way the position gains: [`Side::Buy`] as notional rises. That is a long of a linear contract, and a
/// **short** of an inverse one, whose notional `size / price` falls as the price rises. A linear price is notional over
/// size, an inverse one size over notional.
///
/// For `Buy`, `N = max (need - c) / (1 - r)`; for `Sell`, `N = min (c - need) / (1 + r)`, below zero where no price will
/// do. `None` without lines.
#[inline]
#[must_use]
pub fn edge_notional(
    side: Side,
    need: i128,
    one: i64,
    lines: impl Iterator<Item = (i64, i128)>,
) -> Option<Fraction> {
    let roots = lines.map(|(rate, cut)| match side {
        Side::Buy => Fraction::new(need - cut, i128::from(one - rate)),
        Side::Sell => Fraction::new(cut - need, i128::from(one + rate)),
    });
    // Need is below 2^94 and the divisor below 2^32: the products fit.
    roots.reduce(|tightest, root| {
        let above = root.over() * tightest.under() > tightest.over() * root.under();
        if above == (side == Side::Buy) { root } else { tightest }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_the_wrong_bracket_is_never_taken() {
        // Long 100 at 100 on cash of 800; 5 % up to 9,500 and 10 % beyond: the first line's root, 9,684, lies beyond it.
        let lines = [(5, 0), (10, 47_500)];
        let notional = edge_notional(Side::Buy, 920_000, 100, lines.into_iter());
        assert_eq!(notional, Some(Fraction::new(872_500, 90)));
        assert_eq!(edge_notional(Side::Buy, 1, 100, [].into_iter()), None);
    }

    #[test]
    fn a_short_stands_where_cash_is_used_up() {
        // Short sold for 1,000 on cash of 100, at 10 %: N = 1,100 / 1.1.
        let notional = edge_notional(Side::Sell, -1_100 * 10, 10, [(1, 0)].into_iter());
        assert_eq!(notional, Some(Fraction::whole(1_000)));
        // A debt beyond what the sale brought: no notional will do.
        let beyond = edge_notional(Side::Sell, 10, 10, [(1, 0)].into_iter()).expect("a line");
        assert!(beyond < Fraction::whole(0));
    }
}
