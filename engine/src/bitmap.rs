//! A set of small integers that finds the next member above or below in a handful of word reads.
//!
//! Invariant: a bit on one level is set exactly when its word on the level below is not zero. Words of parts never
//! used are never touched, so resident memory follows the members, not the range.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

/// Keys per word, as a shift.
const WORD_SHIFT: u32 = 6;
const WORD_MASK: u32 = 63;

/// A 64-ary hierarchical bitmap over `0..keys`.
#[derive(Debug)]
pub(crate) struct Bitmap {
    levels: Vec<Box<[u64]>>,
    /// Highest key.
    last: u32,
}

impl Bitmap {
    /// An empty set over `0..keys`.
    pub(crate) fn new(keys: u32) -> Self {
        let mut levels = Vec::new();
        let mut words = keys.div_ceil(64).max(1);
        loop {
            levels.push(vec![0_u64; words as usize].into_boxed_slice());
            if words == 1 {
                return Self { levels, last: keys.max(1) - 1 };
            }
            words = words.div_ceil(64);
        }
    }

    /// Adds `key`.
    #[inline]
    pub(crate) fn insert(&mut self, key: u32) {
        let word = &mut self.levels[0][(key >> WORD_SHIFT) as usize];
        let was_empty = *word == 0;
        *word |= 1 << (key & WORD_MASK);
        if was_empty {
            self.set_above(key >> WORD_SHIFT);
        }
    }

    /// Above the members, marks that there are some below `at`.
    #[inline(never)]
    fn set_above(&mut self, mut at: u32) {
        for level in self.levels.iter_mut().skip(1) {
            let word = &mut level[(at >> WORD_SHIFT) as usize];
            let was_empty = *word == 0;
            *word |= 1 << (at & WORD_MASK);
            if !was_empty {
                return;
            }
            at >>= WORD_SHIFT;
        }
    }

    /// Removes the member `key` where it is `gone`; whether none of the 64 keys around it is a member now.
    #[inline]
    pub(crate) fn remove_if(&mut self, key: u32, gone: bool) -> bool {
        let word = &mut self.levels[0][(key >> WORD_SHIFT) as usize];
        *word &= !(u64::from(gone) << (key & WORD_MASK));
        if *word != 0 {
            return false;
        }
        self.clear_above(key >> WORD_SHIFT);
        true
    }

    /// Above the members, marks that there are none below `at`.
    #[inline(never)]
    fn clear_above(&mut self, mut at: u32) {
        for level in self.levels.iter_mut().skip(1) {
            let word = &mut level[(at >> WORD_SHIFT) as usize];
            *word &= !(1 << (at & WORD_MASK));
            if *word != 0 {
                return;
            }
            at >>= WORD_SHIFT;
        }
    }

    /// Whether any of the 512 keys of `page` is a member.
    #[inline]
    pub(crate) fn page_is_empty(&self, page: u32) -> bool {
        let first = (page << 3) as usize;
        let words = &self.levels[0];
        words[first..words.len().min(first + 8)].iter().all(|&word| word == 0)
    }

    /// The lowest member at or above `key`.
    #[inline]
    pub(crate) fn at_or_above(&self, key: u32) -> Option<u32> {
        let mut at = key;
        for (depth, level) in self.levels.iter().enumerate() {
            let index = at >> WORD_SHIFT;
            let word = level.get(index as usize)? & (!0 << (at & WORD_MASK));
            if word != 0 {
                return Some(self.descend(
                    depth,
                    (index << WORD_SHIFT) + word.trailing_zeros(),
                    u64::trailing_zeros,
                ));
            }
            at = index + 1;
        }
        None
    }

    /// The highest member at or below `key`.
    #[inline]
    pub(crate) fn at_or_below(&self, key: u32) -> Option<u32> {
        let mut at = key.min(self.last);
        for (depth, level) in self.levels.iter().enumerate() {
            let index = at >> WORD_SHIFT;
            let word = level[index as usize] & (!0 >> (WORD_MASK - (at & WORD_MASK)));
            if word != 0 {
                let found = (index << WORD_SHIFT) + WORD_MASK - word.leading_zeros();
                return Some(self.descend(depth, found, |word| WORD_MASK - word.leading_zeros()));
            }
            at = index.checked_sub(1)?;
        }
        None
    }

    /// From a set bit on `depth` down to the member it stands for, taking the extreme bit of each word.
    #[inline]
    fn descend(&self, depth: usize, found: u32, extreme: impl Fn(u64) -> u32) -> u32 {
        let below = self.levels[..depth].iter().rev();
        below.fold(found, |at, level| (at << WORD_SHIFT) + extreme(level[at as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn agrees_with_an_ordered_set() {
        for keys in [1, 64, 65, 5_000, 1 << 20] {
            let (mut bitmap, mut set) = (Bitmap::new(keys), BTreeSet::new());
            let mut random = 88_172_645_463_325_252_u64;
            for _ in 0..20_000 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let key = u32::try_from(random % u64::from(keys)).expect("below u32");
                if random & (1 << 40) == 0 {
                    bitmap.insert(key);
                    set.insert(key);
                } else {
                    bitmap.remove_if(key, true);
                    set.remove(&key);
                }
                let probe = u32::try_from((random >> 20) % u64::from(keys)).expect("below u32");
                assert_eq!(bitmap.at_or_above(probe), set.range(probe..).next().copied());
                assert_eq!(bitmap.at_or_below(probe), set.range(..=probe).next_back().copied());
            }
        }
    }
}
