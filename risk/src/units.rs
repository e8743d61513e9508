//! Unit types: a number here always knows what it counts.
//!
//! Invariant: only the products and quotients written in this crate exist; adding a price to a quantity does not
//! compile. All values are integers; all encodings are fixed-width little-endian.

use bincode::de::{Decode, Decoder};
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use crate::limits::{MARK_ONE, MARK_SHIFT, PPB};
use crate::rounding::{div_ceil, div_floor, wide_mul};

/// Declares a transparent newtype over an integer.
#[macro_export]
macro_rules! unit {
    ($(#[$meta:meta])* $name:ident($inner:ty)) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, bincode::Encode, bincode::Decode,
        )]
        #[repr(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Wraps a raw integer.
            #[inline]
            #[must_use]
            pub const fn new(raw: $inner) -> Self {
                Self(raw)
            }

            /// The raw integer.
            #[inline]
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

/// Declares a place in a store: a [`unit!`] with a value for "none".
#[macro_export]
macro_rules! place {
    ($(#[$meta:meta])* $name:ident) => {
        $crate::unit!($(#[$meta])* $name(u32));

        impl $name {
            /// No place.
            pub const NONE: Self = Self(u32::MAX);

            /// As an index.
            #[inline]
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// `None` for [`Self::NONE`].
            #[inline]
            #[must_use]
            pub fn some(self) -> Option<Self> {
                (self != Self::NONE).then_some(self)
            }
        }
    };
}

/// Declares a field-less enum that travels as one octet; an unknown octet is a decode error, never a panic.
#[macro_export]
macro_rules! byte_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $value:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant = $value,)+ }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
        }

        impl bincode::Encode for $name {
            fn encode<E: bincode::enc::Encoder>(&self, encoder: &mut E) -> Result<(), bincode::error::EncodeError> {
                bincode::Encode::encode(&(*self as u8), encoder)
            }
        }

        impl<C> bincode::Decode<C> for $name {
            fn decode<D: bincode::de::Decoder<Context = C>>(
                decoder: &mut D,
            ) -> Result<Self, bincode::error::DecodeError> {
                let octet: u8 = bincode::Decode::decode(decoder)?;
                match octet {
                    $($value => Ok(Self::$variant),)+
                    _ => Err(bincode::error::DecodeError::Other(concat!("unknown ", stringify!($name)))),
                }
            }
        }
        bincode::impl_borrow_decode!($name);
    };
}

unit!(
    /// Price mantissa: `price x 10^price_decimals`.
    Price(i64)
);
unit!(
    /// Quantity mantissa, never negative: `contracts x 10^qty_decimals`.
    Qty(i64)
);
unit!(
    /// Signed position in the same unit as [`Qty`]; long is positive.
    Position(i64)
);
unit!(
    /// Money in the settlement asset's smallest unit.
    Money(i64)
);
unit!(
    /// Index or mark price: a price mantissa with 2^10 sub-units.
    Mark(i64)
);
unit!(
    /// Rate in parts per billion; 1e9 is 100 %.
    Rate(u32)
);
unit!(
    /// Fee rate in parts per billion; negative is a rebate.
    FeeRate(i32)
);
unit!(
    /// Leverage in hundredths: 2,000 is 20x. Zero means the instrument's own table decides.
    Leverage(u32)
);
unit!(
    /// Account number.
    AccountId(u32)
);
unit!(
    /// Instrument number.
    InstrumentId(u32)
);
unit!(
    /// Accounts of one owner, which never trade with each other. 0: the account stands alone.
    OwnerGroupId(u32)
);

unit!(
    /// Asset number.
    AssetId(u16)
);
unit!(
    /// What several instruments are about.
    UnderlyingId(u16)
);

/// An exact requirement or credit in billionths of a money unit, so that rates need no division until displayed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Requirement(i128);

byte_enum!(
    /// Side of an order or of a fill's taker.
    Side {
        /// Bids; a fill makes the position longer.
        Buy = 0,
        /// Asks; a fill makes the position shorter.
        Sell = 1,
    }
);

impl Side {
    /// The other side.
    #[inline]
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The side an account trades on to close this position; `None` when flat.
    #[inline]
    #[must_use]
    pub const fn closing(position: Position) -> Option<Self> {
        match position.0 {
            0 => None,
            1.. => Some(Self::Sell),
            _ => Some(Self::Buy),
        }
    }
}

macro_rules! additive {
    ($($name:ident),+) => {$(
        impl Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self { Self(self.0 + other.0) }
        }
        impl Sub for $name {
            type Output = Self;
            #[inline]
            fn sub(self, other: Self) -> Self { Self(self.0 - other.0) }
        }
        impl AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) { self.0 += other.0; }
        }
        impl SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: Self) { self.0 -= other.0; }
        }
        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
        }
    )+};
}

additive!(Qty, Money, Requirement, Position);

impl Neg for Money {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Position {
    /// The size without its direction.
    #[inline]
    #[must_use]
    pub const fn size(self) -> Qty {
        Qty(self.0.abs())
    }

    /// The position after trading `qty` on `side`.
    #[inline]
    #[must_use]
    pub const fn after(self, side: Side, qty: Qty) -> Self {
        match side {
            Side::Buy => Self(self.0 + qty.0),
            Side::Sell => Self(self.0 - qty.0),
        }
    }
}

impl Price {
    /// The mark at exactly this price.
    #[inline]
    #[must_use]
    pub const fn to_mark(self) -> Mark {
        Mark(self.0 << MARK_SHIFT)
    }
}

impl Mark {
    /// The highest price not above this mark.
    #[inline]
    #[must_use]
    pub const fn floor_price(self) -> Price {
        Price(self.0 >> MARK_SHIFT)
    }

    /// The lowest price not below this mark.
    #[inline]
    #[must_use]
    pub const fn ceil_price(self) -> Price {
        Price((self.0 + (MARK_ONE - 1)) >> MARK_SHIFT)
    }

    /// The marks `2^-shift` of this one below and above it, both rounded toward it.
    #[must_use]
    pub const fn around(self, shift: u32) -> (Self, Self) {
        let width = self.0 >> shift;
        (Self(self.0 - width), Self(self.0 + width))
    }

    /// This mark moved up by `rate`, rounded down.
    #[inline]
    #[must_use]
    pub fn raised_by(self, rate: Rate) -> Self {
        Self(self.0 + rate.of_floor(Money(self.0)).0)
    }

    /// This mark moved down by `rate`, rounded up.
    #[inline]
    #[must_use]
    pub fn lowered_by(self, rate: Rate) -> Self {
        Self(self.0 - rate.of_floor(Money(self.0)).0)
    }
}

impl Rate {
    /// All of it.
    pub const ONE: Self = Self(1_000_000_000);

    /// `amount x rate`, rounded up; `amount` must not be negative.
    ///
    /// Exact without a 128-bit division: `(a 10^9 + b) r / 10^9 = a r + b r / 10^9`.
    #[inline]
    #[must_use]
    pub fn of_ceil(self, amount: Money) -> Money {
        let (whole, part) = (amount.0.div_euclid(PPB), amount.0.rem_euclid(PPB));
        Money(whole * i64::from(self.0) + (part * i64::from(self.0) + (PPB - 1)).div_euclid(PPB))
    }

    /// `amount x rate`, rounded down; `amount` must not be negative.
    #[inline]
    #[must_use]
    pub fn of_floor(self, amount: Money) -> Money {
        let (whole, part) = (amount.0.div_euclid(PPB), amount.0.rem_euclid(PPB));
        Money(whole * i64::from(self.0) + (part * i64::from(self.0)).div_euclid(PPB))
    }

    /// `amount x rate` exactly, as a requirement.
    #[inline]
    #[must_use]
    pub fn of(self, amount: Money) -> Requirement {
        Requirement(wide_mul(amount.0, i64::from(self.0)))
    }
}

impl FeeRate {
    /// The fee on `value`: a charge is rounded up, a rebate (negative) down in size. `value` must not be negative.
    #[inline]
    #[must_use]
    pub fn of(self, value: Money) -> Money {
        let rate = Rate(self.0.unsigned_abs());
        if self.0 < 0 { -rate.of_floor(value) } else { rate.of_ceil(value) }
    }
}

impl AssetId {
    /// The venue's unit of account, which everything else is valued in.
    pub const BASE: Self = Self(0);

    /// As an index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Leverage {
    /// The initial-margin rate this leverage asks for, rounded up: `ceil(100 x 10^9 / hundredths)`. Zero gives zero.
    #[must_use]
    pub fn initial_rate(self) -> Rate {
        if self.0 == 0 {
            return Rate(0);
        }
        let rate = (100 * PPB.unsigned_abs()).div_ceil(u64::from(self.0));
        Rate(u32::try_from(rate).unwrap_or(u32::MAX))
    }
}

impl Money {
    /// Narrows a wide intermediate result.
    ///
    /// # Panics
    /// Outside i64, which `limits.rs` makes unreachable: a panic here is a broken bound, and stops the venue.
    #[inline]
    #[must_use]
    pub fn from_wide(wide: i128) -> Self {
        Self(i64::try_from(wide).expect("money stays below 2^62 by the limits of limits.rs"))
    }
}

impl Requirement {
    /// Exactly this much money.
    #[inline]
    #[must_use]
    pub fn of_money(money: Money) -> Self {
        Self(wide_mul(money.0, PPB))
    }

    /// Wraps billionths of a money unit.
    #[inline]
    #[must_use]
    pub const fn from_ppb(ppb: i128) -> Self {
        Self(ppb)
    }

    /// Billionths of a money unit.
    #[inline]
    #[must_use]
    pub const fn ppb(self) -> i128 {
        self.0
    }

    /// Whole money units, rounded up: what a person is shown as required.
    #[must_use]
    pub fn ceil(self) -> Money {
        Money::from_wide(div_ceil(self.0, i128::from(PPB)))
    }

    /// Whole money units, rounded down: what a person is shown as available.
    #[must_use]
    pub fn floor(self) -> Money {
        Money::from_wide(div_floor(self.0, i128::from(PPB)))
    }
}

impl Encode for Requirement {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.0.encode(encoder)
    }
}

impl<C> Decode<C> for Requirement {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Ok(Self(i128::decode(decoder)?))
    }
}
bincode::impl_borrow_decode!(Requirement);

impl AccountId {
    /// Receives trading fees and pays rebates.
    pub const FEES: Self = Self(0);
    /// The insurance fund of every risk group that names no other: receives liquidation fees, and pays what liquidated accounts
    /// cannot, as far as it may. Never below zero.
    pub const INSURANCE: Self = Self(1);
    /// Receives rounding left-overs.
    pub const DUST: Self = Self(2);
    /// Stands between payers and receivers of funding; keeps what rounding leaves.
    pub const FUNDING: Self = Self(3);
    /// Buys and sells assets when a debt is paid out of another asset.
    pub const CONVERSION: Self = Self(4);
    /// Holds the positions of bankrupt accounts until the other side has given up as much.
    pub const DELEVERAGING: Self = Self(5);
    /// Bears what nobody else could: below zero by as much as the venue owes.
    pub const BAD_DEBT: Self = Self(6);
    /// The accounts that are open from the start.
    pub const OWN: [Self; 7] = [
        Self::FEES,
        Self::INSURANCE,
        Self::DUST,
        Self::FUNDING,
        Self::CONVERSION,
        Self::DELEVERAGING,
        Self::BAD_DEBT,
    ];

    /// Whether this is one of the venue's own accounts.
    #[must_use]
    pub const fn is_system(self) -> bool {
        self.0 < crate::limits::FIRST_USER_ACCOUNT
    }

    /// As an index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl InstrumentId {
    /// As an index.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_round_up_and_rebates_down() {
        let five_bp = FeeRate::new(500_000);
        assert_eq!(five_bp.of(Money::new(10_000)), Money::new(5));
        assert_eq!(five_bp.of(Money::new(10_001)), Money::new(6));
        assert_eq!(FeeRate::new(-500_000).of(Money::new(10_001)), Money::new(-5));
        assert_eq!(FeeRate::new(0).of(Money::new(10_001)), Money::ZERO);
    }

    #[test]
    fn split_multiplication_equals_the_wide_one() {
        let mut amount = 1_i64;
        for step in 0..60 {
            amount = amount.wrapping_mul(3).rem_euclid(1 << 58) + step;
            for rate in [1, 7, 500_000, 999_999_999, 1_000_000_000] {
                let wide = i128::from(amount) * i128::from(rate);
                let rate = Rate::new(rate);
                assert_eq!(i128::from(rate.of_ceil(Money(amount)).0), div_ceil(wide, i128::from(PPB)));
                assert_eq!(i128::from(rate.of_floor(Money(amount)).0), div_floor(wide, i128::from(PPB)));
            }
        }
    }

    #[test]
    fn leverage_rounds_the_margin_rate_up() {
        assert_eq!(Leverage::new(300).initial_rate(), Rate::new(333_333_334));
        assert_eq!(Leverage::new(2_000).initial_rate(), Rate::new(50_000_000));
        assert_eq!(Leverage::new(0).initial_rate(), Rate::new(0));
    }
}
