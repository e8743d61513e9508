//! The index: one price out of several sources, and how far it may be trusted.
//!
//! Invariant: the index is the median of what live sources say, by weight; no source, and no set of sources with less than
//! half of the weight, moves it past what the others say. What is not trusted is said by a state, and one table says what a
//! state still admits. Time is the command's. Source: `MARGIN.md` 11.

use alloc::vec::Vec;

use crate::byte_enum;
use crate::ema::{Ema, weight_q32};
use crate::limits::{INDEX_SOURCES_MAX, PPB};
use crate::terms::PricingTerms;
use crate::units::{Mark, Rate};

/// Time constant of the slow average that a wild index is told by: five minutes.
pub const SLOW_TAU_NS: u64 = 300_000_000_000;

byte_enum!(
    /// How far an index may be trusted.
    OracleState {
        /// Wholly.
        Valid = 1,
        /// Too few sources are live; the index is the last there was.
        Stale = 2,
        /// The sources disagree.
        Uncertain = 3,
        /// It is far from where it was a short while ago, and not confirmed.
        Wild = 4,
        /// The sources say nothing above zero; the index is the last there was.
        NonPositive = 5,
    }
);

byte_enum!(
    /// What needs a price to be trusted.
    Activity {
        /// Orders that raise risk.
        OpenRisk = 1,
        /// Orders that only close.
        Reduce = 2,
        /// Closing the positions of an account below maintenance margin.
        Liquidate = 3,
        /// Taking money out of an account that holds a position there.
        Withdraw = 4,
        /// Sampling premiums and paying funding.
        Funding = 5,
    }
);

impl OracleState {
    /// Whether this much trust is enough. Source: `MARGIN.md` 11, the table.
    #[inline]
    #[must_use]
    pub const fn admits(self, activity: Activity) -> bool {
        match self {
            Self::Valid => true,
            Self::Stale | Self::Uncertain => matches!(activity, Activity::Reduce | Activity::Liquidate),
            Self::Wild => matches!(activity, Activity::Reduce),
            Self::NonPositive => false,
        }
    }

    /// Whether the mark stands but for its frozen step.
    #[must_use]
    pub const fn freezes(self) -> bool {
        matches!(self, Self::Stale | Self::Wild | Self::NonPositive)
    }
}

/// One source of an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Source {
    /// Its number.
    pub number: u16,
    /// What it counts against the others; 0 is not at all.
    pub weight: u16,
    /// What it said last, and when in nanoseconds; `None` before the first.
    pub said: Option<(Mark, u64)>,
}

/// Weighed prices, ascending.
#[derive(Clone, Copy, Debug)]
struct Said {
    list: [(Mark, u32); INDEX_SOURCES_MAX],
    len: usize,
}

impl Said {
    fn as_slice(&self) -> &[(Mark, u32)] {
        &self.list[..self.len]
    }

    fn insert(&mut self, price: Mark, weight: u32) {
        let at = self.as_slice().partition_point(|(other, _)| *other <= price);
        self.list.copy_within(at..self.len, at + 1);
        self.list[at] = (price, weight);
        self.len += 1;
    }
}

fn weight_of(said: &[(Mark, u32)]) -> u32 {
    said.iter().map(|(_, weight)| weight).sum()
}

/// The price that half of the weight lies at or below and half at or above; half way between two where both are such,
/// rounded down. `said` ascends and is not empty.
#[must_use]
pub fn weighted_median(said: &[(Mark, u32)]) -> Mark {
    let all = weight_of(said);
    let mut below = 0;
    for (place, &(price, weight)) in said.iter().enumerate() {
        below += weight;
        if 2 * below > all {
            return price;
        }
        if 2 * below == all
            && let Some((next, _)) = said.get(place + 1)
        {
            return crate::mark_price::between(price, *next);
        }
    }
    Mark::default()
}

/// Whether two marks lie further apart than `rate` of `of`.
fn is_apart(a: Mark, b: Mark, rate: Rate, of: Mark) -> bool {
    let distance = i128::from(a.get().abs_diff(b.get()));
    distance * i128::from(PPB) > i128::from(of.get().unsigned_abs()) * i128::from(rate.get())
}

/// The sources of an index and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Oracle {
    sources: Vec<Source>,
    state: OracleState,
    index: Option<Mark>,
    /// The slow average and when it was led last, in nanoseconds.
    slow: Option<(Ema, u64)>,
    is_wild: bool,
    /// Prices inside the limit since it was last outside.
    confirmed: u8,
}

impl Oracle {
    /// One that has heard nothing. Where each price is taken as it comes there is nothing to mistrust.
    #[must_use]
    pub const fn new(terms: &PricingTerms) -> Self {
        let state = if terms.sources_min == 0 { OracleState::Valid } else { OracleState::Stale };
        Self { sources: Vec::new(), state, index: None, slow: None, is_wild: false, confirmed: 0 }
    }

    /// How far the index may be trusted.
    #[inline]
    #[must_use]
    pub const fn state(&self) -> OracleState {
        self.state
    }

    /// The last index there was.
    #[must_use]
    pub const fn index(&self) -> Option<Mark> {
        self.index
    }

    /// The sources, in the order they first came.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether a source is known, or one more may be.
    #[must_use]
    pub fn has_room_for(&self, number: u16) -> bool {
        self.sources.len() < INDEX_SOURCES_MAX || self.sources.iter().any(|source| source.number == number)
    }

    fn source(&mut self, number: u16) -> Option<&mut Source> {
        if !self.has_room_for(number) {
            return None;
        }
        let place = self.sources.iter().position(|source| source.number == number);
        let place = place.unwrap_or_else(|| {
            self.sources.push(Source { number, weight: 1, said: None });
            self.sources.len() - 1
        });
        self.sources.get_mut(place)
    }

    /// Sets what a source counts. The caller has asked [`Self::has_room_for`] it.
    pub fn weigh(&mut self, number: u16, weight: u16) {
        if let Some(source) = self.source(number) {
            source.weight = weight;
        }
    }

    /// Takes what a source says, and looks at all of them. The caller has asked [`Self::has_room_for`] it. Where prices are
    /// taken as they come, all sources are one.
    pub fn take(&mut self, number: u16, price: Mark, terms: &PricingTerms, now_ns: u64) -> OracleState {
        let number = if terms.sources_min == 0 { 0 } else { number };
        if let Some(source) = self.source(number) {
            source.said = Some((price, now_ns));
        }
        let (state, found) = self.assess(terms, now_ns);
        if let Some(index) = found {
            self.follow(index, terms, now_ns);
        }
        self.conclude(state, found)
    }

    /// The same where [`PricingTerms::DIRECT`] holds: the index is what was said last, and always trusted. It is in range.
    #[inline]
    pub fn take_direct(&mut self, price: Mark, now_ns: u64) {
        let said = Some((price, now_ns));
        match self.sources.first_mut() {
            Some(source) => source.said = said,
            None => self.sources.push(Source { number: 0, weight: 1, said }),
        }
        self.index = Some(price);
    }

    /// Looks at all sources after time passed or a weight changed.
    pub fn look(&mut self, terms: &PricingTerms, now_ns: u64) -> OracleState {
        let (state, found) = self.assess(terms, now_ns);
        self.conclude(state, found)
    }

    fn conclude(&mut self, state: OracleState, found: Option<Mark>) -> OracleState {
        self.index = found.or(self.index);
        self.state = match state {
            OracleState::Valid | OracleState::Uncertain if self.is_wild => OracleState::Wild,
            OracleState::Valid
            | OracleState::Stale
            | OracleState::Uncertain
            | OracleState::Wild
            | OracleState::NonPositive => state,
        };
        self.state
    }

    /// What the sources say by now, wildness left aside.
    fn assess(&self, terms: &PricingTerms, now_ns: u64) -> (OracleState, Option<Mark>) {
        let live = self.live(terms, now_ns);
        let live = live.as_slice();
        if live.len() < usize::from(terms.sources_min.max(1)) {
            // Before the first price of a direct index nothing has gone stale.
            let is_new = terms.sources_min == 0 && self.index.is_none();
            return (if is_new { OracleState::Valid } else { OracleState::Stale }, None);
        }
        let near = without_outliers(live, terms.outlier);
        let kept = if near.is_empty() { live } else { near };
        let index = weighted_median(kept);
        if index.get() <= 0 {
            return (OracleState::NonPositive, None);
        }
        let (lowest, highest) = (kept[0].0, kept[kept.len() - 1].0);
        let is_split = 2 * weight_of(near) <= weight_of(live);
        let is_wide = terms.uncertain != Rate::new(0) && is_apart(lowest, highest, terms.uncertain, index);
        let state = if is_split || is_wide { OracleState::Uncertain } else { OracleState::Valid };
        (state, Some(index))
    }

    /// What sources that count have said and that is not stale.
    fn live(&self, terms: &PricingTerms, now_ns: u64) -> Said {
        let mut said = Said { list: [(Mark::new(0), 0); INDEX_SOURCES_MAX], len: 0 };
        for source in self.sources.iter().filter(|source| source.weight > 0) {
            let Some((price, time_ns)) = source.said else { continue };
            if terms.stale_ns == 0 || now_ns.saturating_sub(time_ns) <= terms.stale_ns {
                said.insert(price, u32::from(source.weight));
            }
        }
        said
    }

    /// Holds a new index against the slow average, then leads that toward it.
    fn follow(&mut self, index: Mark, terms: &PricingTerms, now_ns: u64) {
        if terms.wild == Rate::new(0) {
            return;
        }
        let Some((slow, led_ns)) = &mut self.slow else {
            self.slow = Some((Ema::at(index.get()), now_ns));
            return;
        };
        let average = Mark::new(slow.get());
        if is_apart(index, average, terms.wild, average) {
            (self.is_wild, self.confirmed) = (true, 0);
        } else if self.is_wild {
            self.confirmed = self.confirmed.saturating_add(1);
            self.is_wild = self.confirmed < terms.confirmations;
        }
        slow.lead(index.get(), weight_q32(now_ns.saturating_sub(*led_ns), SLOW_TAU_NS));
        *led_ns = now_ns;
    }
}

/// Those within `outlier` of their median; all where it is 0. They stand side by side, since `live` ascends. None may be,
/// where the median lies half way between two far apart.
fn without_outliers(live: &[(Mark, u32)], outlier: Rate) -> &[(Mark, u32)] {
    if outlier == Rate::new(0) {
        return live;
    }
    let median = weighted_median(live);
    let is_near = |said: &&(Mark, u32)| !is_apart(said.0, median, outlier, median);
    let first = live.iter().position(|said| is_near(&said)).unwrap_or(0);
    &live[first..first + live.iter().filter(is_near).count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    const TERMS: PricingTerms = PricingTerms {
        sources_min: 3,
        stale_ns: 10 * SECOND,
        outlier: Rate::new(30_000_000),
        uncertain: Rate::new(20_000_000),
        wild: Rate::new(250_000_000),
        confirmations: 2,
        ..PricingTerms::DIRECT
    };

    fn told(terms: &PricingTerms, said: &[(u16, i64, u64)]) -> (Oracle, OracleState) {
        let mut oracle = Oracle::new(terms);
        let mut state = oracle.state();
        for &(source, price, second) in said {
            state = oracle.take(source, Mark::new(price), terms, second * SECOND);
        }
        (oracle, state)
    }

    fn index(oracle: &Oracle) -> Option<i64> {
        oracle.index().map(Mark::get)
    }

    #[test]
    fn a_direct_price_does_what_looking_at_its_source_does() {
        let terms = PricingTerms::DIRECT;
        let (mut direct, mut looked) = (Oracle::new(&terms), Oracle::new(&terms));
        for (price, now_ns) in [(7, 1), (7_000_000, 2), (1, 3)] {
            direct.take_direct(Mark::new(price), now_ns);
            looked.take(4, Mark::new(price), &terms, now_ns);
            assert_eq!(direct, looked);
        }
    }

    /// The table of `MARGIN.md` 11, row by row.
    #[test]
    fn the_table_of_states() {
        use Activity::{Funding, Liquidate, OpenRisk, Reduce, Withdraw};
        let columns = [OpenRisk, Reduce, Liquidate, Withdraw, Funding];
        let table = [
            (OracleState::Valid, [true, true, true, true, true]),
            (OracleState::Stale, [false, true, true, false, false]),
            (OracleState::Uncertain, [false, true, true, false, false]),
            (OracleState::Wild, [false, true, false, false, false]),
            (OracleState::NonPositive, [false, false, false, false, false]),
        ];
        assert_eq!(table.map(|(state, _)| state), OracleState::ALL);
        assert_eq!(columns, Activity::ALL);
        for (state, row) in table {
            assert_eq!(columns.map(|activity| state.admits(activity)), row, "{state:?}");
        }
    }

    #[test]
    fn a_median_halves_the_weight() {
        let median = |said: &[(i64, u32)]| {
            let said: Vec<_> = said.iter().map(|&(price, weight)| (Mark::new(price), weight)).collect();
            weighted_median(&said).get()
        };
        assert_eq!(median(&[(7, 1)]), 7);
        assert_eq!(median(&[(7, 1), (9, 1), (100, 1)]), 9);
        assert_eq!(median(&[(7, 1), (10, 1)]), 8);
        assert_eq!(median(&[(7, 1), (9, 1), (100, 3)]), 100);
        assert_eq!(median(&[(7, 1), (9, 2), (100, 3)]), 54);
        assert_eq!(median(&[(-9, 1), (-4, 1)]), -7);
    }

    #[test]
    fn an_outlier_is_left_out_and_the_others_stand() {
        let (oracle, state) = told(&TERMS, &[(1, 1_000, 0), (2, 1_004, 0)]);
        assert_eq!((state, index(&oracle)), (OracleState::Stale, None));
        let (oracle, state) = told(&TERMS, &[(1, 1_000, 0), (2, 1_004, 0), (3, 1_400, 0)]);
        assert_eq!((state, index(&oracle)), (OracleState::Valid, Some(1_002)));
        let (oracle, state) = told(&TERMS, &[(1, 1_000, 0), (2, 1_004, 0), (3, 1_034, 0)]);
        assert_eq!((state, index(&oracle)), (OracleState::Uncertain, Some(1_004)), "near, but wide");
    }

    #[test]
    fn sources_without_a_majority_are_uncertain() {
        let (oracle, state) = told(&TERMS, &[(1, 1_000, 0), (2, 1_100, 0), (3, 1_200, 0)]);
        assert_eq!((state, index(&oracle)), (OracleState::Uncertain, Some(1_100)));
        let calm = PricingTerms { wild: Rate::new(0), ..TERMS };
        let (oracle, state) = told(&calm, &[(1, 1_000, 0), (2, 1_000, 0), (3, 2_000, 0), (4, 2_000, 0)]);
        assert_eq!((state, index(&oracle)), (OracleState::Uncertain, Some(1_500)));
    }

    #[test]
    fn a_source_goes_stale_by_time_alone() {
        let (mut oracle, state) = told(&TERMS, &[(1, 1_000, 0), (2, 1_002, 1), (3, 1_004, 2)]);
        assert_eq!(state, OracleState::Valid);
        assert_eq!(oracle.look(&TERMS, 10 * SECOND), OracleState::Valid);
        assert_eq!(oracle.look(&TERMS, 10 * SECOND + 1), OracleState::Stale);
        assert_eq!(index(&oracle), Some(1_002), "the last there was");
        assert_eq!(oracle.take(1, Mark::new(1_006), &TERMS, 11 * SECOND), OracleState::Valid);
        assert_eq!(index(&oracle), Some(1_004));
    }

    #[test]
    fn a_jump_is_wild_until_confirmed() {
        let calm = &[(1, 1_000, 0), (2, 1_000, 0), (3, 1_000, 0)];
        let (mut oracle, _) = told(&TERMS, calm);
        let mut at = |source, price, second| oracle.take(source, Mark::new(price), &TERMS, second * SECOND);
        assert_eq!(at(1, 1_300, 1), OracleState::Valid, "one source is an outlier");
        assert_eq!(at(2, 1_300, 1), OracleState::Wild);
        // Nothing is live for five minutes; the first index after them is held against the average of before, and leads
        // it near.
        assert_eq!([at(1, 1_300, 301), at(2, 1_300, 302)], [OracleState::Stale; 2]);
        assert_eq!(at(3, 1_300, 303), OracleState::Wild, "outside");
        assert_eq!(at(1, 1_300, 304), OracleState::Wild, "inside once");
        assert_eq!(at(2, 1_300, 305), OracleState::Valid);
    }

    #[test]
    fn a_wild_price_that_goes_back_needs_confirming_too() {
        let calm = &[(1, 1_000, 0), (2, 1_000, 0), (3, 1_000, 0)];
        let (mut oracle, _) = told(&TERMS, calm);
        let mut at = |source, price, second| oracle.take(source, Mark::new(price), &TERMS, second * SECOND);
        at(1, 1_300, 1);
        assert_eq!(at(2, 1_300, 2), OracleState::Wild);
        assert_eq!(at(2, 1_000, 3), OracleState::Wild);
        assert_eq!(at(1, 1_000, 4), OracleState::Valid);
    }

    #[test]
    fn what_is_not_above_zero_is_no_index() {
        let (mut oracle, state) = told(&TERMS, &[(1, 1_000, 0), (2, 1_000, 0), (3, 1_000, 0)]);
        assert_eq!(state, OracleState::Valid);
        oracle.take(1, Mark::new(-5), &TERMS, SECOND);
        assert_eq!(oracle.take(2, Mark::new(0), &TERMS, SECOND), OracleState::NonPositive);
        assert_eq!(index(&oracle), Some(1_000));
        assert_eq!(oracle.take(2, Mark::new(1_000), &TERMS, SECOND), OracleState::Valid);
    }

    #[test]
    fn weight_decides_and_none_is_none() {
        let (mut oracle, _) = told(&TERMS, &[(1, 1_000, 0), (2, 1_010, 0), (3, 1_012, 0)]);
        oracle.weigh(1, 3);
        assert_eq!(oracle.look(&TERMS, 0), OracleState::Valid);
        assert_eq!(index(&oracle), Some(1_000));
        oracle.weigh(1, 0);
        assert_eq!(oracle.look(&TERMS, 0), OracleState::Stale, "two are left");
        for number in 4..17 {
            oracle.weigh(number, 1);
        }
        assert!(oracle.has_room_for(16) && !oracle.has_room_for(17));
    }

    #[test]
    fn a_direct_index_takes_each_price_as_it_comes() {
        let terms = PricingTerms::DIRECT;
        let mut oracle = Oracle::new(&terms);
        assert_eq!(oracle.look(&terms, SECOND), OracleState::Valid);
        for (number, price) in [(1, 1_000), (2, 9_000), (1, 10)] {
            assert_eq!(oracle.take(number, Mark::new(price), &terms, SECOND), OracleState::Valid);
            assert_eq!(index(&oracle), Some(price));
        }
        assert_eq!(oracle.look(&terms, u64::MAX), OracleState::Valid);
    }
}
