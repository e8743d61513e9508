//! Exact numbers of examples, and the units in which the product's integers count them.
//!
//! Invariant: nothing is rounded. A number that is no whole multiple of its unit, or larger than the product's integers,
//! is refused with a reason.

use num_rational::BigRational;
use risk::{Fraction, Rate};

/// An exact number.
pub type Exact = BigRational;

/// Parts of a rate in one.
const PPB: i64 = 1_000_000_000;
/// Counts stay below this, so that sums over a list of an example fit the product's money.
const COUNT_MAX: i64 = 1 << 56;
/// Wide counts stay below this: amounts in parts of a rate.
const WIDE_MAX: i128 = 1 << 92;
/// Parts per billion stay below this.
const PPB_MAX: i64 = 1 << 40;
/// Longest text of a number, and largest exponent: bounds the work on a file.
const DIGITS_MAX: usize = 200;

/// The number a text means: `-12.5`, `1e-6` or a fraction of two such, `8725/90`.
#[must_use]
pub fn parse(text: &str) -> Option<Exact> {
    match text.split_once('/') {
        None => decimal(text),
        Some((over, under)) => {
            let under = decimal(under).filter(|under| *under != whole(0))?;
            Some(decimal(over)? / under)
        }
    }
}

fn decimal(text: &str) -> Option<Exact> {
    if text.len() > DIGITS_MAX {
        return None;
    }
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (negative, unsigned) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (before, after) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    if !digits(before) || !digits(after) || exponent.unsigned_abs() as usize > DIGITS_MAX {
        return None;
    }
    let mantissa = Exact::from_integer(format!("{before}{after}").parse().ok()?);
    let places = exponent - i32::try_from(after.len()).ok()?;
    let value = mantissa * whole(10).pow(places);
    Some(if negative { -value } else { value })
}

/// A whole number.
#[must_use]
pub fn whole(number: i128) -> Exact {
    Exact::from_integer(number.into())
}

/// A fraction the product answered.
#[must_use]
pub fn fraction(fraction: Fraction) -> Exact {
    whole(fraction.over()) / whole(fraction.under())
}

/// A number as a fraction of the product's integers.
pub fn to_fraction(number: &Exact) -> Result<Fraction, String> {
    let part = |part: &Exact| i128::try_from(part.to_integer()).map_err(|_| too_large(number));
    let (over, under) = (number.numer().clone(), number.denom().clone());
    Ok(Fraction::new(part(&Exact::from_integer(over))?, part(&Exact::from_integer(under))?))
}

/// Equal parts of one, so small that each of several numbers is a whole count of them.
#[derive(Clone, Debug)]
pub struct Unit {
    parts: Exact,
}

impl Unit {
    /// The largest unit in which all these are whole.
    #[must_use]
    pub fn of<'a, I: IntoIterator<Item = &'a Exact>>(numbers: I) -> Self {
        let mut parts = whole(1);
        for number in numbers {
            parts *= Exact::from_integer((number * &parts).denom().clone());
        }
        Self { parts }
    }

    /// How many of it make one.
    pub fn one(&self) -> Result<i64, String> {
        self.count(&whole(1))
    }

    /// A number as a count.
    pub fn count(&self, number: &Exact) -> Result<i64, String> {
        let count = self.wide(number)?;
        i64::try_from(count).ok().filter(|count| count.abs() < COUNT_MAX).ok_or_else(|| too_large(number))
    }

    /// A number as a wide count.
    pub fn wide(&self, number: &Exact) -> Result<i128, String> {
        let counted = number * &self.parts;
        if !counted.is_integer() {
            return Err(format!("{number} is too fine for the venue's integers"));
        }
        let count = i128::try_from(counted.to_integer()).ok();
        count.filter(|count| count.unsigned_abs() < WIDE_MAX.unsigned_abs()).ok_or_else(|| too_large(number))
    }

    /// A count as a number.
    #[must_use]
    pub fn number(&self, count: i128) -> Exact {
        whole(count) / &self.parts
    }

    /// A fraction of counts as a number.
    #[must_use]
    pub fn fraction(&self, count: Fraction) -> Exact {
        fraction(count) / &self.parts
    }
}

fn too_large(number: &Exact) -> String {
    format!("{number} is too large for the venue's integers")
}

/// A rate, exactly.
pub fn rate(number: &Exact) -> Result<Rate, String> {
    let parts = ppb(number)?;
    u32::try_from(parts).map(Rate::new).map_err(|_| format!("{number} is no rate from 0 to 4.29"))
}

/// A number in parts per billion, exactly.
pub fn ppb(number: &Exact) -> Result<i64, String> {
    let parts = number * whole(PPB.into());
    if !parts.is_integer() {
        return Err(format!("{number} is finer than a billionth"));
    }
    let parts = i64::try_from(parts.to_integer()).ok();
    parts.filter(|parts| parts.abs() < PPB_MAX).ok_or_else(|| too_large(number))
}

/// A rate as a number.
#[must_use]
pub fn of_rate(rate: Rate) -> Exact {
    whole(rate.get().into()) / whole(PPB.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_mean_exact_numbers() {
        for (text, over, under) in [
            ("0", 0, 1),
            ("-12.50", -25, 2),
            ("8725/90", 1745, 18),
            ("8.9e-06", 89, 10_000_000),
            ("1E3", 1000, 1),
            ("0.5/0.25", 2, 1),
        ] {
            assert_eq!(parse(text), Some(whole(over) / whole(under)), "{text}");
        }
        for wrong in ["", "-", ".5", "1.", "1/0", "1/", "1e", "1e999", "+1", "1_0", "0x1", "NaN", "1/2/3"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse(&"9".repeat(DIGITS_MAX + 1)), None);
    }

    #[test]
    fn units_hold_every_number_whole() {
        let numbers = ["1/50", "1/30", "2.5"].map(|text| parse(text).unwrap());
        let unit = Unit::of(&numbers);
        assert_eq!(unit.one(), Ok(150));
        assert_eq!(numbers.map(|number| unit.count(&number).unwrap()), [3, 5, 375]);
        assert_eq!(unit.number(375), parse("2.5").unwrap());
        assert!(unit.count(&parse("1/7").unwrap()).is_err() && unit.count(&parse("1e30").unwrap()).is_err());
    }
}
