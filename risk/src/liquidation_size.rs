//! How much of a position to close so that what is left stands on sound margin.
//!
//! Invariant: closing the size found restores the target, or nothing of the position is left. Source: `MARGIN.md` 7.

use crate::limits::PPB;
use crate::rounding::div_ceil;
use crate::tiers::TierTable;
use crate::units::{Money, Rate, Requirement};

/// What closing one lot does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PerLot {
    /// Maintenance margin it releases: the marginal rate of the bracket the position stands in, times a lot's value.
    pub released: Requirement,
    /// Equity it loses: slippage and liquidation fee.
    pub lost: Requirement,
}

/// An account before and after a part of a position is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Equity.
    pub equity: Requirement,
    /// Maintenance margin of all positions.
    pub maintenance: Requirement,
}

impl Standing {
    /// Whether equity covers maintenance `target` (100 % or more) times.
    #[must_use]
    pub fn reaches(&self, target: Rate) -> bool {
        self.equity.ppb() * i128::from(PPB) >= self.maintenance.ppb() * i128::from(target.get())
    }

    /// After closing so many lots.
    #[must_use]
    pub fn after(&self, lots: i64, lot: PerLot) -> Self {
        let closed = |amount: Requirement| Requirement::from_ppb(amount.ppb() * i128::from(lots));
        Self { equity: self.equity - closed(lot.lost), maintenance: self.maintenance - closed(lot.released) }
    }

    /// The fewest lots to close so that equity covers maintenance `target` times, at most the `held` ones:
    /// `ceil((target x maintenance - equity) / (target x released - lost))`. All where a lot loses more than it helps.
    #[must_use]
    pub fn lots_to_restore(&self, target: Rate, lot: PerLot, held: i64) -> i64 {
        let weighed = |margin: Requirement, money: Requirement| {
            margin.ppb() * i128::from(target.get()) - money.ppb() * i128::from(PPB)
        };
        let missing = weighed(self.maintenance, self.equity);
        if missing <= 0 {
            return 0;
        }
        let helps = weighed(lot.released, lot.lost);
        if helps <= 0 {
            return held;
        }
        i64::try_from(div_ceil(missing, helps)).unwrap_or(held).min(held)
    }
}

/// A position whose maintenance margin is what a table asks for at its notional.
#[derive(Clone, Copy, Debug)]
pub struct Bracketed<'a, N> {
    /// Lots held, 0 or more.
    pub held: i64,
    /// Its maintenance table.
    pub tiers: &'a TierTable,
    /// Notional of so many lots, 0 or more: proportional to them but for being rounded to a money unit.
    pub notional: N,
    /// Equity that closing a lot loses: slippage and liquidation fee, 0 or more. All lots together lose an amount in range.
    pub lost: Requirement,
}

/// How many lots around the one found are tried in turn; see [`Bracketed::lots_to_restore`].
const AROUND: i64 = 64;

impl<N: Fn(i64) -> Money> Bracketed<'_, N> {
    /// The fewest lots to close so that equity covers maintenance `target` times, all where no number of them does.
    /// `account` is the account as it stands, this position counted in.
    ///
    /// Every number of lots is judged exactly, by [`Self::after`]. Among the lots whose closing helps, those of the
    /// upper brackets, the more are closed the better the account stands, so the first number that suffices is found by
    /// halving; beyond them each lot makes it worse. That holds but for the rounding of a notional, which is worth up
    /// to `target x rate` money units: no earlier number is missed where each lot helps by a 64th of that, as it does
    /// unless its loss comes to just what it helps, or it is worth a small part of a money unit.
    /// Else what is found is still enough, and one lot fewer would not be, or it is all of them.
    #[must_use]
    pub fn lots_to_restore(&self, account: Standing, target: Rate) -> i64 {
        let is_enough = |lots| self.after(account, lots).reaches(target);
        let helpful = self.held - first(0, self.held, |left| self.helps(target, left));
        let found = first(0, helpful, is_enough);
        let (from, to) = ((found - AROUND).max(0), (found + AROUND).min(self.held));
        (from..=to).find(|&lots| is_enough(lots)).unwrap_or(self.held)
    }

    /// The account after closing so many lots, at most those held: the table is asked at the notional of those left.
    #[must_use]
    pub fn after(&self, account: Standing, lots: i64) -> Standing {
        let lost = Requirement::from_ppb(self.lost.ppb() * i128::from(lots));
        let released = self.margin(self.held) - self.margin(self.held - lots);
        Standing { equity: account.equity - lost, maintenance: account.maintenance - released }
    }

    /// Whether closing a lot of so many helps: what it releases in their bracket, `target` times, is more than it loses.
    /// So of any more lots where it is so of these, since rates do not fall.
    fn helps(&self, target: Rate, lots: i64) -> bool {
        let (rate, _) = self.tiers.line_at((self.notional)(lots));
        // Both sides times the lots held: a lot is worth the notional over them.
        let whole = (self.notional)(self.held);
        let released = i128::from(target.get()) * i128::from(rate) * i128::from(whole.get());
        released > self.lost.ppb() * i128::from(PPB) * i128::from(self.held)
    }

    fn margin(&self, lots: i64) -> Requirement {
        self.tiers.requirement((self.notional)(lots))
    }
}

/// The first of `from..to` of which it is so, or else `to`: of a number it is so of, it is so of all above.
fn first(from: i64, to: i64, is_so: impl Fn(i64) -> bool) -> i64 {
    let (mut from, mut to) = (from, to);
    while from < to {
        let middle = from + ((to - from) >> 1);
        if is_so(middle) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    from
}

// Maintenance in billionths, times a target below 2^32.
const _: () = assert!(crate::limits::MONEY_MAX.ilog2() + PPB.ilog2() + 1 + 32 < 126);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tiers::Tier;
    use std::vec::Vec;

    fn money(units: i64) -> Requirement {
        Requirement::of_money(Money::new(units))
    }

    #[test]
    fn the_fewest_lots_restore_the_target() {
        let target = Rate::new(1_100_000_000);
        let standing = Standing { equity: money(900), maintenance: money(1_000) };
        for lost in 0..12 {
            let lot = PerLot { released: money(10), lost: money(lost) };
            let lots = standing.lots_to_restore(target, lot, 100);
            let enough = standing.after(lots, lot).reaches(target);
            assert!(enough || lots == 100, "{lots} lots at a loss of {lost}");
            assert!(lots == 0 || lost > 10 || !standing.after(lots - 1, lot).reaches(target), "no lot more");
        }
        let sound = Standing { equity: money(1_100), maintenance: money(1_000) };
        let lot = PerLot { released: money(10), lost: money(0) };
        assert_eq!(sound.lots_to_restore(target, lot, 100), 0);
    }

    fn table(rows: &[(i64, u32)]) -> TierTable {
        let tier = |&(floor, rate)| Tier { floor: Money::new(floor), rate: Rate::new(rate) };
        TierTable::new(&rows.iter().map(tier).collect::<Vec<_>>()).expect("valid rows")
    }

    #[test]
    fn lots_of_two_brackets_are_closed_where_those_of_one_do_not_suffice() {
        // 5 % up to 5,000, 10 % beyond; 100 lots worth 100 each: 750 of margin.
        let tiers = table(&[(0, 50_000_000), (5_000, 100_000_000)]);
        let leg =
            Bracketed { held: 100, tiers: &tiers, notional: |lots| Money::new(lots * 100), lost: money(0) };
        let target = Rate::new(1_000_000_000);
        let lots =
            |equity| leg.lots_to_restore(Standing { equity: money(equity), maintenance: money(750) }, target);
        // Ten a lot down to 50 lots, which is 250; then five a lot.
        assert_eq!([750, 740, 739, 250, 249, 245, 1, 0].map(lots), [0, 1, 2, 50, 51, 51, 100, 100]);
        assert_eq!(lots(-1), 100, "nothing suffices");
        // A loss of 7 a lot is more than the lower bracket releases: 50 lots lose 350 and release 500.
        let leg = Bracketed { lost: money(7), ..leg };
        let lots =
            |equity| leg.lots_to_restore(Standing { equity: money(equity), maintenance: money(750) }, target);
        assert_eq!([747, 600, 599, 0].map(lots), [1, 50, 100, 100]);
    }

    /// A pseudo-random number below a bound (`splitmix64`).
    fn below(state: &mut u64, bound: i64) -> i64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) >> 2).expect("62 bits").rem_euclid(bound)
    }

    #[test]
    fn no_number_of_lots_below_suffices() {
        let mut partial = 0;
        for seed in 0..20_000_u64 {
            let state = &mut seed.wrapping_mul(0x5851_f42d_4c95_7f2d);
            let held = 1 + below(state, 400);
            // What a lot is worth, in 64ths of a money unit; a notional is rounded up.
            let octaves = below(state, 8);
            let worth = 64 + below(state, 64 << octaves);
            let notional = |lots: i64| Money::new((lots * worth + 63) >> 6);
            let mut rows: Vec<(i64, u32)> = Vec::new();
            for _ in 0..=below(state, 4) {
                let (floor, rate) = rows.last().map_or((0, 5_000_000), |&(floor, rate)| {
                    (floor + 1 + below(state, notional(held).get()), rate)
                });
                rows.push((floor, rate + u32::try_from(below(state, 100_000_000)).expect("small")));
            }
            let tiers = table(&rows);
            // From nothing to what the highest rate releases and a little more.
            let released = (i128::from(worth) * i128::from(rows[rows.len() - 1].1)) >> 6;
            let lost = Requirement::from_ppb((released * i128::from(below(state, 12))) >> 3);
            let leg = Bracketed { held, tiers: &tiers, notional, lost };
            let maintenance = tiers.requirement(notional(held)) + money(below(state, 50));
            let equity = Requirement::from_ppb((maintenance.ppb() * i128::from(below(state, 1_200))) >> 10);
            let account = Standing { equity, maintenance };
            let target = Rate::new(1_000_000_000 + u32::try_from(below(state, 500_000_000)).expect("small"));
            let is_enough = |lots: &i64| leg.after(account, *lots).reaches(target);
            let fewest = (0..=held).find(is_enough).unwrap_or(held);
            let found = leg.lots_to_restore(account, target);
            assert!(found == held || is_enough(&found), "seed {seed}: {found} of {held} are not enough");
            assert_eq!(found, fewest, "seed {seed}: of {held} lots, {leg:?}", leg = (&tiers, lost, account));
            partial += u32::from(0 < found && found < held);
        }
        assert!(partial > 4_000, "{partial} cases end within the position");
    }
}
