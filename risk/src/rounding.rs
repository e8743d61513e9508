//! The rounding law in two functions: requirements and debits up, credits down, never toward zero.
//!
//! Invariant: Rust's `/` truncates toward zero and is banned on money by lint; every division names its direction by
//! calling one of these. Source: `MARGIN.md`, Law R.

/// The exact product of two 64-bit numbers.
///
/// It cannot overflow, which the compiler does not see through the overflow check of a 128-bit product: unchecked it is
/// one instruction, checked some thirty.
#[inline]
#[must_use]
pub const fn wide_mul(a: i64, b: i64) -> i128 {
    (a as i128).wrapping_mul(b as i128)
}

/// Quotient rounded toward minus infinity. `divisor` must be positive.
#[inline]
#[must_use]
pub fn div_floor(dividend: i128, divisor: i128) -> i128 {
    debug_assert!(divisor > 0);
    // A 64-bit division is several times cheaper than the 128-bit library call, and nearly every value fits.
    if let (Ok(dividend), Ok(divisor)) = (i64::try_from(dividend), i64::try_from(divisor)) {
        return i128::from(dividend.div_euclid(divisor));
    }
    dividend.div_euclid(divisor)
}

/// Quotient rounded toward plus infinity. `divisor` must be positive.
#[inline]
#[must_use]
pub fn div_ceil(dividend: i128, divisor: i128) -> i128 {
    -div_floor(-dividend, divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_and_ceil_do_not_truncate_toward_zero() {
        assert_eq!((div_floor(7, 2), div_ceil(7, 2)), (3, 4));
        assert_eq!((div_floor(-7, 2), div_ceil(-7, 2)), (-4, -3));
        assert_eq!((div_floor(-8, 2), div_ceil(-8, 2)), (-4, -4));
        let wide = 1_i128 << 100;
        assert_eq!((div_floor(-wide - 1, 2), div_ceil(wide + 1, 2)), (-(wide >> 1) - 1, (wide >> 1) + 1));
    }
}
