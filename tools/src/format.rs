//! Numbers and times as people read them.
//!
//! Invariant: exact. Mantissas are shown with their decimals, nothing is rounded, no float is involved.

/// An integer with thousands separated by commas.
#[must_use]
pub fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len().div_ceil(3));
    if number < 0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A mantissa with `decimals` decimals.
#[must_use]
pub fn decimal(mantissa: i128, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let sign = if mantissa < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A decimal with the thousands of its whole part grouped.
#[must_use]
pub fn group_whole(decimal: &str) -> String {
    let (whole, part) = decimal.split_once('.').map_or((decimal, None), |(whole, part)| (whole, Some(part)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let whole = digits.parse().map_or_else(|_| digits.to_owned(), grouped);
    part.map_or_else(|| format!("{sign}{whole}"), |part| format!("{sign}{whole}.{part}"))
}

/// Nanoseconds since the Unix epoch as `2026-11-22T10:15:30.000000001Z`.
#[must_use]
pub fn utc(time_ns: u64) -> String {
    let (seconds, nanoseconds) = (time_ns.div_euclid(1_000_000_000), time_ns.rem_euclid(1_000_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (hour, minute) = (second.div_euclid(3600), second.div_euclid(60) % 60);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{nanoseconds:09}Z", second % 60)
}

/// Gregorian date of a number of days since 1970-01-01, by eras of 400 years that begin in March.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let leap_days = of_era.div_euclid(1_460) + of_era.div_euclid(146_096);
    let year_of_era = (of_era + of_era.div_euclid(36_524) - leap_days).div_euclid(365);
    let of_year = of_era - (365 * year_of_era + year_of_era.div_euclid(4) - year_of_era.div_euclid(100));
    let from_march = (5 * of_year + 2).div_euclid(153);
    let day = of_year - (153 * from_march + 2).div_euclid(5) + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// Why a text is not a number.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NumberError {
    /// Something else than an optional sign, digits and a point.
    #[error("`{0}` is no decimal number; write it as 1250 or -0.05, without separators or exponent")]
    Syntax(String),
    /// Digits that would be lost.
    #[error("`{text}` has more than {decimals} decimals; nothing is rounded here, so leave the rest out")]
    TooFine {
        /// As given.
        text: String,
        /// As many are kept.
        decimals: u8,
    },
    /// More than 64 bits.
    #[error("`{0}` is larger than any number the venue takes")]
    TooLarge(String),
}

/// The mantissa of a decimal number with `decimals` decimals, exactly.
///
/// # Errors
/// [`NumberError`].
pub fn mantissa(text: &str, decimals: u8) -> Result<i64, NumberError> {
    let syntax = || NumberError::Syntax(text.to_owned());
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(syntax());
    }
    let part = part.trim_end_matches('0');
    let kept = usize::from(decimals);
    if part.len() > kept {
        return Err(NumberError::TooFine { text: text.to_owned(), decimals });
    }
    let sign = if negative { "-" } else { "" };
    let shifted = format!("{sign}{whole}{part:0<kept$}");
    shifted.parse().map_err(|_| NumberError::TooLarge(text.to_owned()))
}

/// Decimals of a rate: parts per billion.
const RATE_DECIMALS: u8 = 9;

/// A rate in parts per billion, of a percentage (`0.045%`) or a fraction (`0.00045`), exactly.
///
/// # Errors
/// [`NumberError`].
pub fn parts_per_billion(text: &str) -> Result<i64, NumberError> {
    match text.strip_suffix('%') {
        Some(percent) => mantissa(percent.trim_end(), RATE_DECIMALS - 2),
        None => mantissa(text, RATE_DECIMALS),
    }
}

/// A rate in parts per billion as a percentage, without zeros at its end.
#[must_use]
pub fn percent(parts_per_billion: i64) -> String {
    format!("{}%", trimmed(&decimal(i128::from(parts_per_billion), RATE_DECIMALS - 2)))
}

/// A decimal without zeros at the end of its decimals.
#[must_use]
pub fn trimmed(decimal: &str) -> &str {
    if decimal.contains('.') { decimal.trim_end_matches('0').trim_end_matches('.') } else { decimal }
}

/// Octets as hexadecimal digits.
#[must_use]
pub fn hex(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::new(), |mut text, octet| {
        let _infallible = write!(text, "{octet:02x}").is_ok();
        text
    })
}

/// The octets of hexadecimal digits; `None` unless there are exactly twice as many digits.
#[must_use]
pub fn octets<const N: usize>(hex: &str) -> Option<[u8; N]> {
    if hex.len() != 2 * N || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut octets = [0; N];
    for (place, octet) in octets.iter_mut().enumerate() {
        *octet = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mantissas_are_exact_or_refused() {
        for (text, decimals, number) in [
            ("0.5", 1, 5),
            ("-0.05", 4, -500),
            ("60000", 1, 600_000),
            ("1.500", 1, 15),
            ("7", 0, 7),
            ("-0", 3, 0),
        ] {
            assert_eq!(mantissa(text, decimals), Ok(number), "{text}");
        }
        for text in ["", ".", "1.", ".5", "1e3", "1,000", "+1", "--1", " 1", "0x1", "1.2.3"] {
            assert!(matches!(mantissa(text, 3), Err(NumberError::Syntax(_))), "{text}");
        }
        assert!(matches!(mantissa("0.05", 1), Err(NumberError::TooFine { decimals: 1, .. })));
        assert!(matches!(mantissa("9223372036854775808", 0), Err(NumberError::TooLarge(_))));
        assert!(matches!(mantissa("99999999999999999", 3), Err(NumberError::TooLarge(_))));
    }

    #[test]
    fn rates_are_exact_both_ways() {
        for (text, rate) in
            [("2%", 20_000_000), ("0.045 %", 450_000), ("-0.005%", -50_000), ("0.1", 100_000_000)]
        {
            assert_eq!(parts_per_billion(text), Ok(rate), "{text}");
            assert_eq!(parts_per_billion(&percent(rate)), Ok(rate), "{text}");
        }
        assert!(parts_per_billion("0.00000001%").is_err() && parts_per_billion("%").is_err());
    }

    #[test]
    fn octets_and_hex_agree() {
        assert_eq!(octets::<2>(&hex(&[0, 0xAF])), Some([0, 0xAF]));
        for wrong in ["", "0", "00a", "00ag", "+0+0", "00aff0"] {
            assert_eq!(octets::<2>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal(-5, 4), "-0.0005");
        assert_eq!(decimal(600_001, 1), "60000.1");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(group_whole(&decimal(-1_999_999_999_999, 6)), "-1,999,999.999999");
        assert_eq!(group_whole("-0.5"), "-0.5");
        assert_eq!(group_whole("12345"), "12,345");
    }

    #[test]
    fn dates_are_right_at_their_edges() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(utc(951_782_400_000_000_001), "2000-02-29T00:00:00.000000001Z");
        assert_eq!(utc(1_767_225_599_999_999_999), "2025-12-31T23:59:59.999999999Z");
        assert_eq!(utc(u64::MAX), "2554-07-21T23:34:33.709551615Z");
    }
}
