//! What a quantity is worth at a price: the arithmetic of linear and inverse contracts.
//!
//! Invariant: a buyer's cost rises by the value of a match and the seller's falls by it, whatever the contract; so
//! `value of the position less its cost` is the profit for both kinds. An inverse contract's value is negative: whoever
//! is long of it is short of coin. Every function rounds once. Source: `MARGIN.md` 2.

use crate::accrual::FUNDING_SHIFT;
use crate::limits::{MARK_ONE, MARK_SHIFT, MONEY_MAX, NOTIONAL_MAX, PRICE_MAX, QTY_MAX, SCALED_MAX};
use crate::rounding::{div_ceil, div_floor, wide_mul};
use crate::terms::ContractKind;
use crate::units::{Mark, Money, Position, Price, Qty, Side};

/// Money units of a quantity unit per price unit (linear) or times a price unit (inverse), as a reduced fraction.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub struct Scale {
    kind: ContractKind,
    mul: i64,
    div: i64,
}

const FACTOR_MAX: i64 = 1 << 40;

impl Scale {
    /// `10^exponent x multiplier` as a fraction with one side a power of ten; `None` where a side leaves its range.
    #[must_use]
    pub fn new(kind: ContractKind, exponent: i32, multiplier: u32) -> Option<Self> {
        let power = 10_i64.checked_pow(exponent.unsigned_abs())?;
        let multiplier = i64::from(multiplier);
        if exponent >= 0 {
            let mul = power.checked_mul(multiplier)?;
            return (mul <= FACTOR_MAX).then_some(Self { kind, mul, div: 1 });
        }
        let shared = gcd(power, multiplier);
        let (mul, div) = (multiplier.div_euclid(shared), power.div_euclid(shared));
        (div <= FACTOR_MAX).then_some(Self { kind, mul, div })
    }

    /// Whether the open interest stays in range at every price from `lowest` to `highest`.
    #[must_use]
    pub fn admits(&self, open_interest: Qty, lowest: Price, highest: Price) -> bool {
        let scaled = wide_mul(open_interest.get(), self.mul);
        let (over, under) = match self.kind {
            ContractKind::Linear => {
                let Some(value) = scaled.checked_mul(i128::from(highest.get())) else { return false };
                (value, i128::from(self.div))
            }
            ContractKind::Inverse => (scaled, wide_mul(lowest.get(), self.div)),
        };
        scaled <= i128::from(SCALED_MAX) && div_ceil(over, under) <= i128::from(NOTIONAL_MAX)
    }

    /// `size x raw` in units of money / 2^shift, before division.
    #[inline]
    fn product(&self, size: i64, raw: i64) -> i128 {
        // `admits` has seen that the largest size times the multiplier fits.
        wide_mul(size * self.mul, raw)
    }

    /// A quantity of coin per price unit, before division by `price x div`.
    #[inline]
    fn coin(&self, size: i64) -> i128 {
        i128::from(size * self.mul) << MARK_SHIFT
    }

    #[inline]
    fn under(&self, mark: i64) -> i128 {
        wide_mul(mark, self.div)
    }

    /// Whether every value is exact, so that values of parts add up to the value of the whole.
    #[inline]
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.div == 1 && matches!(self.kind, ContractKind::Linear)
    }

    /// Whether it is an inverse contract.
    #[inline]
    #[must_use]
    pub const fn is_inverse(&self) -> bool {
        matches!(self.kind, ContractKind::Inverse)
    }

    /// Size of the value of `qty` at `price`, rounded down, once per match.
    #[inline]
    #[must_use]
    pub fn size_of_value(&self, qty: Qty, price: Price) -> Money {
        if self.is_exact() {
            return Money::from_wide(self.product(qty.get(), price.get()));
        }
        self.rounded_size(qty, price)
    }

    #[inline(never)]
    fn rounded_size(&self, qty: Qty, price: Price) -> Money {
        if self.is_inverse() {
            let over = i128::from(qty.get() * self.mul);
            return Money::from_wide(div_floor(over, self.under(price.get())));
        }
        Money::from_wide(div_floor(self.product(qty.get(), price.get()), i128::from(self.div)))
    }

    /// Size of the value of `qty` at a mark in money times 2^32, rounded down: what funding is a rate of.
    #[must_use]
    pub fn fine_value(&self, qty: Qty, mark: Mark) -> i128 {
        let (over, under) = match self.kind {
            ContractKind::Linear => (self.product(qty.get(), mark.get()), i128::from(self.div) << MARK_SHIFT),
            ContractKind::Inverse => (self.coin(qty.get()), self.under(mark.get())),
        };
        // Whole money and its fraction apart: the product shifted at once might not fit.
        let (whole, part) = (div_floor(over, under), over.rem_euclid(under));
        (whole << FUNDING_SHIFT) + div_floor(part << FUNDING_SHIFT, under)
    }

    /// What a buyer of `qty` at `price` pays: [`Self::size_of_value`], negative for an inverse contract.
    #[inline]
    #[must_use]
    pub fn value(&self, qty: Qty, price: Price) -> Money {
        let size = self.size_of_value(qty, price);
        if self.is_inverse() { -size } else { size }
    }

    /// Signed value of `position` at `mark`, rounded down.
    #[inline]
    #[must_use]
    pub fn position_value(&self, position: Position, mark: Mark) -> Money {
        if self.is_exact() {
            return Money::from_wide(self.product(position.get(), mark.get()) >> MARK_SHIFT);
        }
        self.rounded_position_value(position, mark)
    }

    #[inline(never)]
    fn rounded_position_value(&self, position: Position, mark: Mark) -> Money {
        if self.is_inverse() {
            return Money::from_wide(div_floor(-self.coin(position.get()), self.under(mark.get())));
        }
        let product = self.product(position.get(), mark.get());
        Money::from_wide(div_floor(product, i128::from(self.div) << MARK_SHIFT))
    }

    /// Value of an amount at a mark, rounded down, for amounts that no limit bounds; of a linear scale with factor one.
    pub(crate) fn wide_value(&self, amount: Money, mark: Mark) -> i128 {
        debug_assert!(self.mul == 1 && !self.is_inverse());
        div_floor(wide_mul(amount.get(), mark.get()), i128::from(self.div) << MARK_SHIFT)
    }

    /// What has [`Self::wide_value`] `money`, times the mark.
    pub(crate) fn wide_money(&self, money: Money) -> i128 {
        wide_mul(money.get(), self.div) << MARK_SHIFT
    }

    /// Notional of `size` at `mark`, rounded up: the base of every requirement.
    #[inline]
    #[must_use]
    pub fn notional(&self, size: Qty, mark: Mark) -> Money {
        if self.is_exact() {
            let product = self.product(size.get(), mark.get());
            return Money::from_wide((product + i128::from(MARK_ONE - 1)) >> MARK_SHIFT);
        }
        self.rounded_notional(size, mark)
    }

    #[inline(never)]
    fn rounded_notional(&self, size: Qty, mark: Mark) -> Money {
        if self.is_inverse() {
            return Money::from_wide(div_ceil(self.coin(size.get()), self.under(mark.get())));
        }
        let product = self.product(size.get(), mark.get());
        Money::from_wide(div_ceil(product, i128::from(self.div) << MARK_SHIFT))
    }

    /// The largest quantity whose notional at `price` money pays for, lots not minded.
    #[must_use]
    pub fn payable(&self, money: Money, price: Price) -> Qty {
        // The notional is rounded up, and money is whole: it pays for what is not above it before the rounding.
        let (over, under) = match self.kind {
            ContractKind::Linear => (wide_mul(money.get(), self.div), wide_mul(price.get(), self.mul)),
            ContractKind::Inverse => {
                let each = self.under(price.get());
                let fits = i128::MAX.div_euclid(each);
                (i128::from(money.get()).min(fits) * each, i128::from(self.mul))
            }
        };
        let exact = div_floor(over, under);
        Qty::new(i64::try_from(exact).unwrap_or(QTY_MAX).min(QTY_MAX))
    }

    /// Loss of `qty` between two marks, `above >= below`, in units that [`Self::open_loss`] turns into money: exact for a
    /// linear contract, rounded up to money for an inverse one.
    #[inline]
    pub(crate) fn distance(&self, qty: Qty, above: i64, below: i64) -> i128 {
        if self.is_inverse() {
            return self.coin_distance(qty, above, below);
        }
        self.product(qty.get(), above - below)
    }

    #[inline(never)]
    fn coin_distance(&self, qty: Qty, above: i64, below: i64) -> i128 {
        // An order that is not through the mark loses nothing, and not what rounding its two ends apart would make of it.
        if above == below {
            return 0;
        }
        let coin = self.coin(qty.get());
        div_ceil(coin, self.under(below)) - div_floor(coin, self.under(above))
    }

    /// Rounds a sum of [`Self::distance`]s up to money.
    #[inline]
    pub(crate) fn open_loss(&self, distance: i128) -> Money {
        if self.is_inverse() {
            return Money::from_wide(distance);
        }
        Money::from_wide(div_ceil(distance, i128::from(self.div) << MARK_SHIFT))
    }

    /// How many sub-units of the mark change the value of `qty` by `amount` (money x 2^32, not negative), rounded up; of a
    /// linear contract.
    pub(crate) fn marks_of(&self, amount: i64, qty: Qty) -> i128 {
        let over = div_ceil(wide_mul(amount, self.div), 1 << (FUNDING_SHIFT - MARK_SHIFT));
        div_ceil(over, wide_mul(qty.get(), self.mul))
    }

    /// The mark at which `size` has exactly `notional` (above 0), as a fraction.
    pub(crate) fn mark_of_notional(&self, notional: i128, size: Qty) -> (i128, i128) {
        match self.kind {
            ContractKind::Linear => {
                ((notional * i128::from(self.div)) << MARK_SHIFT, wide_mul(size.get(), self.mul))
            }
            ContractKind::Inverse => (self.coin(size.get()), notional * i128::from(self.div)),
        }
    }

    /// The worst price, a multiple of `tick`, at which an account that trades `qty` on `side` still receives `amount`
    /// (negative: pays no more than that); `None` when no positive price gives it that much.
    #[must_use]
    pub fn worst_price(&self, side: Side, qty: Qty, amount: Money, tick: Price) -> Option<i128> {
        let tick = i128::from(tick.get());
        let (size, given) = (wide_mul(qty.get(), self.mul), i128::from(amount.get().abs()));
        let receives = amount > Money::ZERO;
        match (self.kind, side) {
            // Whoever sells at more than 0 receives something: any price will do where nothing is asked for.
            (ContractKind::Linear, Side::Sell) if !receives => Some(tick),
            (ContractKind::Linear, Side::Sell) => {
                Some((div_ceil(given * i128::from(self.div), size * tick) * tick).max(tick))
            }
            // Whoever buys pays something.
            (ContractKind::Linear, Side::Buy) if receives => None,
            (ContractKind::Linear, Side::Buy) => {
                Some(div_floor(given * i128::from(self.div), size * tick) * tick)
            }
            // Selling an inverse contract pays coin, the less the higher the price.
            (ContractKind::Inverse, Side::Sell) if receives || given == 0 => None,
            (ContractKind::Inverse, Side::Sell) => {
                Some((div_ceil(size, given * i128::from(self.div) * tick) * tick).max(tick))
            }
            // Buying one receives coin.
            (ContractKind::Inverse, Side::Buy) if !receives => Some(i128::from(MONEY_MAX)),
            (ContractKind::Inverse, Side::Buy) => {
                Some(div_floor(size, given * i128::from(self.div) * tick) * tick)
            }
        }
    }
}

const fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

// `mark_of_notional` shifts a notional that `MONEY_MAX` bounds, times a divisor of at most 2^40.
const _: () = assert!(62 + FACTOR_MAX.ilog2() + MARK_SHIFT < 126);
// What is left over of a division by a mark and a divisor, with the digits of funding.
const _: () = assert!(PRICE_MAX.ilog2() + 1 + MARK_SHIFT + FACTOR_MAX.ilog2() + FUNDING_SHIFT < 126);
// A scaled quantity with the sub-units of a mark stays inside i128.
const _: () = assert!(SCALED_MAX.ilog2() + 1 + MARK_SHIFT < 126);

#[cfg(test)]
mod tests {
    use super::*;

    /// One dollar a contract, coin in 1e-8, whole prices, whole contracts.
    fn inverse() -> Scale {
        Scale::new(ContractKind::Inverse, 8, 1).expect("in range")
    }

    #[test]
    fn an_inverse_match_rounds_once_for_both_sides() {
        // PNL-INVERSE-TWO-SIDED: 100 contracts at 30,001.
        let (qty, price) = (Qty::new(100), Price::new(30_001));
        assert_eq!(inverse().size_of_value(qty, price), Money::new(333_322));
        assert_eq!(inverse().value(qty, price), Money::new(-333_322));
    }

    #[test]
    fn inverse_profit_is_quantity_times_difference_of_reciprocals() {
        // 60,000 contracts from 50,000 to 48,000: 60,000 x (1/50,000 - 1/48,000) = -0.05.
        let cost = inverse().value(Qty::new(60_000), Price::new(50_000));
        let mark = Price::new(48_000).to_mark();
        assert_eq!(inverse().position_value(Position::new(60_000), mark) - cost, Money::new(-5_000_000));
        assert_eq!(
            inverse().position_value(Position::new(-60_000), mark) - -cost,
            Money::new(5_000_000),
            "the short has what the long lost"
        );
    }

    #[test]
    fn a_fine_value_is_the_value_with_its_fraction() {
        let linear = Scale::new(ContractKind::Linear, -2, 3).expect("in range");
        let mark = Mark::new((7 << MARK_SHIFT) + 1);
        // 5 x 7 1/1024 x 3 / 100, with 32 binary digits.
        let exact = div_floor((5 * 3 * i128::from(mark.get())) << FUNDING_SHIFT, 100 << MARK_SHIFT);
        assert_eq!(linear.fine_value(Qty::new(5), mark), exact);
        let coin = inverse().fine_value(Qty::new(100), Price::new(30_001).to_mark());
        assert_eq!(coin, div_floor(10_000_000_000 << FUNDING_SHIFT, 30_001));
        assert_eq!(coin >> FUNDING_SHIFT, 333_322);
    }

    #[test]
    fn worst_prices_never_give_less_than_asked() {
        let linear = Scale::new(ContractKind::Linear, 0, 1).expect("in range");
        for scale in [linear, inverse()] {
            for side in [Side::Buy, Side::Sell] {
                for amount in [-777_i64, -10, 10, 777, 1_000_000] {
                    let (qty, amount) = (Qty::new(7), Money::new(amount));
                    let Some(price) = scale.worst_price(side, qty, amount, Price::new(3)) else { continue };
                    let Some(price) = i64::try_from(price).ok().filter(|price| *price > 0) else { continue };
                    let paid = scale.value(qty, Price::new(price));
                    let received = if side == Side::Buy { -paid } else { paid };
                    assert!(received >= amount, "{scale:?} {side:?} {amount} at {price}");
                }
            }
        }
    }
}
