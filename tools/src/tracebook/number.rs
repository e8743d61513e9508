//! Numbers of the protocol: doubles come in, canonical decimals go out, integers are in between.
//!
//! Invariant: a price is put on the grid exactly as the protocol's reference does it; a quantity is taken digit by digit
//! or refused, never rounded on its way in.

use crate::format::{decimal, mantissa, trimmed};

/// Most decimals of a tick.
const TICK_DECIMALS_MAX: u8 = 12;

/// The price grid: multiples of a tick.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    tick: f64,
    mantissa: i64,
    decimals: u8,
}

impl Grid {
    /// The grid of a tick; `None` where the tick is not above zero, or finer or larger than can be counted.
    pub(super) fn new(tick: f64) -> Option<Self> {
        let decimals = decimals_of(tick);
        if !(tick > 0.0 && decimals <= TICK_DECIMALS_MAX) {
            return None;
        }
        Some(Self { tick, mantissa: exact(tick, decimals)?, decimals })
    }

    /// The nearest number of ticks; `None` where there is no such 64-bit number.
    pub(super) fn ticks(&self, price: f64) -> Option<i64> {
        format!("{:.0}", quotient(price, self.tick)).parse().ok()
    }

    /// A price in ticks as the protocol writes it.
    pub(super) fn price(&self, ticks: i64) -> String {
        let text = decimal(i128::from(ticks) * i128::from(self.mantissa), self.decimals);
        trimmed(&text).to_owned()
    }
}

/// Ticks of a price: the quotient of two doubles, to the nearest integer, halves to the even one.
#[expect(
    clippy::float_arithmetic,
    reason = "the protocol defines its grid by this division; no money is involved"
)]
fn quotient(price: f64, tick: f64) -> f64 {
    (price / tick).round_ties_even()
}

/// Decimals of the shortest decimal that means this double.
fn decimals_of(value: f64) -> u8 {
    let text = value.to_string();
    text.split_once('.').map_or(0, |(_, part)| u8::try_from(part.len()).unwrap_or(u8::MAX))
}

/// The mantissa of that decimal; `None` where digits would be lost or 64 bits are too few.
pub(super) fn exact(value: f64, decimals: u8) -> Option<i64> {
    mantissa(&value.to_string(), decimals).ok()
}

/// Whether a double is above a quantity.
pub(super) fn exceeds(value: f64, mantissa: i64, decimals: u8) -> bool {
    decimal(i128::from(mantissa), decimals).parse().is_ok_and(|quantity: f64| value > quantity)
}

/// A quantity that is not negative, rounded to `places` decimals, halves to the even digit, as the protocol writes it.
pub(super) fn quantity(mantissa: i64, decimals: u8, places: u8) -> String {
    let kept = decimals.min(places);
    let unit = 10_i128.pow(u32::from(decimals - kept));
    let text = decimal(round_half_even(i128::from(mantissa), unit), kept);
    trimmed(&text).to_owned()
}

/// `numerator / denominator` to the nearest integer, halves to the even one. Neither is negative, the denominator above
/// zero.
pub(super) fn round_half_even(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let raised = match (2 * rest).cmp(&denominator) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => whole % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    whole + i128::from(raised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_go_to_the_nearest_tick_and_back() {
        let cents = Grid::new(0.01).unwrap();
        for (price, ticks, text) in [
            (100.0, 10_000, "100"),
            (100.004, 10_000, "100"),
            (100.006, 10_001, "100.01"),
            (0.004, 0, "0"),
            (0.29, 29, "0.29"),
            (-1.0, -100, "-1"),
        ] {
            assert_eq!(cents.ticks(price), Some(ticks), "{price}");
            assert_eq!(cents.price(ticks), text);
        }
        assert_eq!(cents.ticks(1e300), None);
        assert_eq!(Grid::new(1e-7).unwrap().price(15), "0.0000015");
        assert_eq!(Grid::new(25.0).unwrap().price(3), "75");
        for wrong in [0.0, -0.01, f64::NAN, f64::INFINITY, 1e-13, 1e30] {
            assert!(Grid::new(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn quantities_are_exact_or_refused() {
        assert_eq!(exact(0.1, 9), Some(100_000_000));
        assert_eq!(exact(0.30000000000000004, 9), None);
        assert_eq!(exact(1e300, 9), None);
        assert!(exceeds(1e300, i64::MAX, 0) && exceeds(0.2500001, 25, 2) && !exceeds(0.25, 25, 2));
        assert_eq!(decimals_of(0.015625), 6);
        assert_eq!(decimals_of(5.0), 0);
    }

    #[test]
    fn quantities_are_rounded_only_when_written() {
        assert_eq!(quantity(1_500_000_000, 9, 12), "1.5");
        assert_eq!(quantity(2_500, 3, 0), "2");
        assert_eq!(quantity(3_500, 3, 0), "4");
        assert_eq!(quantity(3_501, 3, 1), "3.5");
    }
}
