//! Seeded random numbers for order flow.
//!
//! Invariant: integers only, and the same seed gives the same sequence on every machine and build. This is splitmix64,
//! which is good enough to vary orders and is no source of secrets.

/// A sequence of random numbers.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 64 random bits.
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `bound - 1`; 0 when `bound` is 0. The bias of the multiplication is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u64::try_from(wide).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included; `low` when the range is empty.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            return low;
        }
        let offset = self.below(high.abs_diff(low).saturating_add(1));
        low.saturating_add_unsigned(offset)
    }

    /// Whether something that happens `per_mille` times in a thousand happens now.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// An index into a list of `len` elements; 0 when it is empty.
    pub fn index(&mut self, len: usize) -> usize {
        let bound = u64::try_from(len).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// A value of a distribution given by its quantiles: rising per-mille marks with the value at each, straight
    /// between them. Below the first mark the first value is returned, above the last the last.
    pub fn quantile(&mut self, table: &[(u64, i64)]) -> i64 {
        let at = self.below(1000);
        let Some(after) = table.iter().position(|&(mark, _)| mark > at) else {
            return table.last().map_or(0, |&(_, value)| value);
        };
        let (high_mark, high) = table[after];
        let Some(&(low_mark, low)) = after.checked_sub(1).and_then(|before| table.get(before)) else {
            return high;
        };
        let span = i64::try_from(high_mark - low_mark).unwrap_or(1);
        let done = i64::try_from(at - low_mark).unwrap_or(0);
        low + ((high - low) * done).div_euclid(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_sequence() {
        let (mut one, mut two) = (Random::new(7), Random::new(7));
        assert!((0..1000).all(|_| one.next() == two.next()));
        assert_ne!(Random::new(7).next(), Random::new(8).next());
    }

    #[test]
    fn bounds_hold_at_their_edges() {
        let mut random = Random::new(1);
        assert_eq!(random.below(0), 0);
        assert_eq!(random.between(5, 5), 5);
        assert_eq!(random.between(5, 4), 5);
        assert_eq!(random.index(0), 0);
        for _ in 0..1000 {
            assert!((-3..=4).contains(&random.between(-3, 4)));
            let _any_but_a_panic = random.between(i64::MIN, i64::MAX);
        }
    }

    #[test]
    fn quantiles_are_met() {
        let table = [(0, 0), (500, 10), (900, 100), (1000, 1000)];
        let mut random = Random::new(3);
        let mut drawn: Vec<i64> = (0..10_000).map(|_| random.quantile(&table)).collect();
        drawn.sort_unstable();
        assert!((9..=11).contains(&drawn[5000]));
        assert!((90..=130).contains(&drawn[9000]));
        assert_eq!(random.quantile(&[]), 0);
    }
}
