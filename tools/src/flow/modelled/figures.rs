//! The figures behind modelled flow, measured on recorded flow.
//!
//! Measured on LOBSTER's sample files of 21 June 2012 (AAPL 09:30-10:30, 50 levels, 91,997 messages; AMZN whole day, 5
//! levels, 155,935 messages) and on Bitstamp BTC/USD of 2 May 2026 (30 minutes, 314,057 order events):
//!
//! | fact | AAPL | AMZN | Bitstamp |
//! |---|---|---|---|
//! | adds / cancels / visible executions, % of messages | 48.1 / 45.1 / 4.4 | 49.6 / 43.1 / 5.8 | 50.0 / 50.0 (fills included) / 0.1 |
//! | partial cancels, % of messages; median share cancelled | 0.51; 1/2 | 0.29; 1/2 | 0.08; - |
//! | executions per 100 adds and executions | 8.4 | 10.4 | 0.2 |
//! | orders that end by execution, % | 6.7 | 8.9 | - |
//! | adds inside the spread / at the touch, % | 20.2 / 7.9 | 17.6 / 18.4 | - |
//! | adds 1-2 / 3-5 / 6-10 / 11-25 / 26-50 / 51+ ticks behind it, % | 9.5 / 7.1 / 12.1 / 19.3 / 9.1 / 14.8 | 17.9 / 19.6 / 19.4 / 6.9 / 0.2 / 0 | - |
//! | life in messages, 5 / 10 / 25 / 50 / 75 / 90 / 95 / 99 % | 1 / 2 / 5 / 19 / 71 / 265 / 588 / 3,974 | 1 / 1 / 3 / 10 / 30 / 66 / 104 / 268 | half below 1 ms |
//! | size of adds, 10 / 25 / 50 / 75 / 90 / 99 % | 10 / 17 / 100 / 100 / 200 / 1,000 | 10 / 17 / 100 / 100 / 103 / 400 | 0.017 / 0.06 / 0.07 / 0.075 / 0.15 / 1.07 BTC |
//! | adds of exactly 100, % | 52.8 | 47.8 | - |
//! | size of executions, 10 / 25 / 50 / 75 / 90 / 99 % | 5 / 20 / 85 / 100 / 123 / 598 | 5 / 13 / 55 / 100 / 100 / 351 | - |
//! | spread in ticks, 10 / 50 / 90 / 99 % | 11 / 20 / 31 / 53 | 7 / 14 / 20 / 36 | - |
//! | most orders resting, of those the file shows | 413 | - | - |
//!
//! AAPL sets the parameters: its file shows 50 levels, so distances and lives are not cut off. Its tick was 0.17 basis
//! points of the price; the modelled instruments have ticks of 0.17 to 0.33. Bitstamp adds one fact: 79 % of its created
//! orders cross when they come, and those that never trade are refused post-only orders; we send 3 % post-only orders
//! through the touch, enough to see the refusals without drowning the flow in them.
//!
//! Invariant: every table rises in its first column.

/// Ticks from the best price of the own side, negative inside the spread: per-mille marks and values.
pub(super) const DISTANCE: &[(u64, i64)] = &[
    (202, 0),
    (281, 1),
    (376, 3),
    (447, 6),
    (568, 11),
    (761, 26),
    (852, 51),
    (900, 74),
    (990, 174),
    (1000, 400),
];
/// Adds inside the spread, per mille.
pub(super) const INSIDE_PER_MILLE: u64 = 202;
/// Deepest an add goes inside the spread, ticks: a tenth of AAPL's adds go 3 or more inside.
pub(super) const INSIDE_TICKS_MAX: i64 = 6;

/// Life in messages of the same instrument.
pub(super) const LIFE: &[(u64, i64)] =
    &[(50, 1), (100, 2), (250, 5), (500, 19), (750, 71), (900, 265), (950, 588), (990, 3974), (1000, 8000)];

/// Shares of an add that is not exactly 100.
pub(super) const ADD_SIZE: &[(u64, i64)] =
    &[(0, 1), (100, 8), (250, 14), (500, 20), (650, 60), (800, 200), (950, 400), (990, 1500), (1000, 5000)];
/// Adds of exactly [`ROUND_SIZE`] shares, per mille.
pub(super) const ROUND_PER_MILLE: u64 = 528;
/// The usual size.
pub(super) const ROUND_SIZE: i64 = 100;

/// Shares of an execution.
pub(super) const TAKE_SIZE: &[(u64, i64)] =
    &[(0, 1), (100, 5), (250, 20), (500, 85), (750, 100), (900, 123), (990, 598), (1000, 2000)];

/// Executions among adds and executions, per mille.
pub(super) const TAKE_PER_MILLE: u64 = 84;
/// Ends of life that are a partial cancel first, per mille: 0.51 against 44.57 % of messages.
pub(super) const PARTIAL_PER_MILLE: u64 = 11;
/// Post-only adds that aim through the touch, per mille.
pub(super) const THROUGH_PER_MILLE: u64 = 30;
/// Widest spread that the touch is taken for, in ticks: AAPL's 99th percentile.
pub(super) const SPREAD_TICKS_MAX: i64 = 53;

#[cfg(test)]
mod tests {
    #[test]
    fn tables_rise() {
        for table in [super::DISTANCE, super::LIFE, super::ADD_SIZE, super::TAKE_SIZE] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        }
    }
}
