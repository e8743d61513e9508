//! Every bound of the margin arithmetic in one place, with the relations between them asserted at compile time.
//!
//! Invariant: an instrument that passes [`crate::InstrumentSpec::compile`] keeps every product below in range, so no
//! formula on the order path can overflow.

/// Binary digits of a [`crate::Mark`] below one price unit: marks carry 2^10 sub-units.
pub const MARK_SHIFT: u32 = 10;
/// Sub-units of a mark in one price unit.
pub const MARK_ONE: i64 = 1 << MARK_SHIFT;
/// Parts per billion in one: rates and [`crate::Requirement`] fractions.
pub const PPB: i64 = 1_000_000_000;
/// Largest money amount any command may carry, and the largest sum of deposits the venue accepts.
pub const MONEY_MAX: i64 = 1 << 60;
/// Largest price mantissa.
pub const PRICE_MAX: i64 = 1 << 40;
/// Largest quantity mantissa of an order, a position or the open interest.
pub const QTY_MAX: i64 = 1 << 52;
/// Largest value of the open interest of one instrument, in money units.
pub const NOTIONAL_MAX: i64 = 1 << 58;
/// Largest quantity times an instrument's value multiplier; half of what i64 holds, since an order may add to it.
pub const SCALED_MAX: i64 = 1 << 61;
/// Tiers in one margin table.
pub const TIERS_MAX: usize = 16;
/// Legs (instruments with a position, an order or a leverage setting) of one account.
pub const LEGS_PER_ACCOUNT_MAX: u32 = 64;
/// Resting orders of one account in one instrument: bounds the walk over an account's own orders.
pub const ORDERS_PER_LEG_MAX: u32 = 1024;
/// Account numbers run below this; storage grows to the highest number opened.
pub const ACCOUNTS_MAX: u32 = 1 << 21;
/// Assets beside the unit of account.
pub const ASSETS_MAX: usize = 15;
/// Instrument numbers run below this.
pub const INSTRUMENTS_MAX: u32 = 1 << 12;
/// Risk groups.
pub const RISK_GROUPS_MAX: usize = 16;
/// Numbers below this belong to the venue's own accounts.
pub const FIRST_USER_ACCOUNT: u32 = 16;
/// Sources of index prices of one instrument.
pub const INDEX_SOURCES_MAX: usize = 16;
/// A funding rate is at most this many times (ppb) the distance between initial and maintenance margin.
pub const FUNDING_FACTOR_MAX: u64 = 6_000_000_000;
/// Longest period a funding rate is quoted for, in seconds: three days.
pub const RATE_PERIOD_MAX_S: u32 = 259_200;
/// Fee tiers, the instrument's own fees counted in.
pub const FEE_TIERS_MAX: usize = 16;
/// A withdrawal leaves at least this share of gross notional in the account (10 %).
pub const WITHDRAWAL_FLOOR_PPB: u32 = 100_000_000;

// A scaled quantity times a mark (with its sub-units, and at twice the highest price) stays inside i128.
const _: () = assert!(SCALED_MAX.ilog2() + 1 + PRICE_MAX.ilog2() + 1 + MARK_SHIFT < 126);
const _: () = assert!(QTY_MAX < SCALED_MAX);
// The value of a lot in money times 2^32, times a rate, times seconds: its product with the rate alone is an accrual, so
// below 2^62 money times 2^32 billionths.
const _: () = assert!(62 + 30 + RATE_PERIOD_MAX_S.ilog2() + 1 < 126);
// The value of a position plus its cost plus a balance stays inside i64.
const _: () = assert!(NOTIONAL_MAX.ilog2() + 2 <= MONEY_MAX.ilog2());
const _: () = assert!(MONEY_MAX.ilog2() + 2 <= 62);
// What all assets of an account count for, each saturated, stays inside i64.
const _: () = assert!(ASSETS_MAX < 16, "a bit each in 16");
const _: () = assert!(NOTIONAL_MAX.ilog2() + (ASSETS_MAX + 1).ilog2() <= 62);
