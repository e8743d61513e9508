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
    /// The members.
    bottom: Box<[u64]>,
    /// What lies above them, each level above the one before.
    upper: Vec<Box<[u64]>>,
    /// Highest key.
    last: u32,
}

impl Bitmap {
    /// An empty set over `0..keys`.
    pub(crate) fn new(keys: u32) -> Self {
        let level = |words: u32| vec![0_u64; words as usize].into_boxed_slice();
        let mut words = keys.div_ceil(64).max(1);
        let (bottom, mut upper) = (level(words), Vec::new());
        while words > 1 {
            words = words.div_ceil(64);
            upper.push(level(words));
        }
        Self { bottom, upper, last: keys.max(1) - 1 }
    }

    /// Adds `key`.
    #[inline]
    pub(crate) fn insert(&mut self, key: u32) {
        let word = &mut self.bottom[(key >> WORD_SHIFT) as usize];
        let was_empty = *word == 0;
        *word |= 1 << (key & WORD_MASK);
        if was_empty {
            self.set_above(key >> WORD_SHIFT);
        }
    }

    /// Above the members, marks that there are some below `at`.
    #[inline(never)]
    fn set_above(&mut self, mut at: u32) {
        for level in &mut self.upper {
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
        let word = &mut self.bottom[(key >> WORD_SHIFT) as usize];
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
        for level in &mut self.upper {
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
        let words = &self.bottom;
        words[first..words.len().min(first + 8)].iter().all(|&word| word == 0)
    }

    /// The lowest member at or above `key`.
    #[inline]
    pub(crate) fn at_or_above(&self, key: u32) -> Option<u32> {
        let index = key >> WORD_SHIFT;
        let word = self.bottom.get(index as usize)? & (!0 << (key & WORD_MASK));
        if word == 0 {
            return self.first_under(index + 1);
        }
        Some((index << WORD_SHIFT) + word.trailing_zeros())
    }

    /// The lowest member in the words from `at` on.
    #[inline(never)]
    fn first_under(&self, mut at: u32) -> Option<u32> {
        for (depth, level) in (0..self.upper.len()).zip(&self.upper) {
            let index = at >> WORD_SHIFT;
            let word = level.get(index as usize)? & (!0 << (at & WORD_MASK));
            if word != 0 {
                return Some(self.descend_low(depth, (index << WORD_SHIFT) + word.trailing_zeros()));
            }
            at = index + 1;
        }
        None
    }

    /// The highest member at or below `key`.
    #[inline]
    pub(crate) fn at_or_below(&self, key: u32) -> Option<u32> {
        let key = key.min(self.last);
        let index = key >> WORD_SHIFT;
        let word = self.bottom[index as usize] & (!0 >> (WORD_MASK - (key & WORD_MASK)));
        if word == 0 {
            return self.last_under(index.checked_sub(1)?);
        }
        Some((index << WORD_SHIFT) + WORD_MASK - word.leading_zeros())
    }

    /// The highest member in the words up to `at`.
    #[inline(never)]
    fn last_under(&self, mut at: u32) -> Option<u32> {
        for (depth, level) in (0..self.upper.len()).zip(&self.upper) {
            let index = at >> WORD_SHIFT;
            let word = level[index as usize] & (!0 >> (WORD_MASK - (at & WORD_MASK)));
            if word != 0 {
                let found = (index << WORD_SHIFT) + WORD_MASK - word.leading_zeros();
                return Some(self.descend_high(depth, found));
            }
            at = index.checked_sub(1)?;
        }
        None
    }

    #[inline(never)]
    fn descend_low(&self, depth: usize, found: u32) -> u32 {
        self.descend(depth, found, u64::trailing_zeros)
    }

    #[inline(never)]
    fn descend_high(&self, depth: usize, found: u32) -> u32 {
        self.descend(depth, found, |word| WORD_MASK - word.leading_zeros())
    }

    /// From a set bit on `depth` of the upper levels down to the member it stands for, taking the extreme bit of each
    /// word.
    #[inline]
    fn descend(&self, depth: usize, found: u32, extreme: impl Fn(u64) -> u32) -> u32 {
        let step = |at: u32, level: &[u64]| (at << WORD_SHIFT) + extreme(level[at as usize]);
        let above = self.upper[..depth].iter().rev().fold(found, |at, level| step(at, level));
        step(above, &self.bottom)
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
