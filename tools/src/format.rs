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

#[cfg(test)]
mod tests {
    use super::*;

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
