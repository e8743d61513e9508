//! Entries in sorted runs of bounded length, merged in order through a heap of runs.
//!
//! Invariant: no call looks at more than one run of entries or one path of the heap, however many entries there are. The
//! order given must be the same in all calls between two rewinds, and total: no two entries are equal in it.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// Entries in one run.
const RUN: usize = 256;

/// Which entry comes first: the lesser.
pub(super) type Order<T> = fn(&T, &T) -> Ordering;

/// The entries.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode)]
pub(super) struct Runs<T> {
    /// Each of [`RUN`] entries, but the last.
    sorted: Vec<Vec<T>>,
    /// How many entries of each run that takes part in the merge are taken.
    taken: Vec<u32>,
    /// Runs that have entries left, by number, the one whose next entry comes first on top.
    heap: Vec<u32>,
}

impl<T: Copy> Runs<T> {
    pub(super) const fn new() -> Self {
        Self { sorted: Vec::new(), taken: Vec::new(), heap: Vec::new() }
    }

    /// All entries there are.
    pub(super) fn len(&self) -> usize {
        self.sorted.last().map_or(0, |last| (self.sorted.len() - 1) * RUN + last.len())
    }

    /// Puts an entry in; sorts a run that it fills.
    pub(super) fn push(&mut self, entry: T, order: Order<T>) {
        match self.sorted.last_mut() {
            Some(run) if run.len() < RUN => run.push(entry),
            _ => {
                let mut run = Vec::with_capacity(RUN);
                run.push(entry);
                self.sorted.push(run);
            }
        }
        if let Some(run) = self.sorted.last_mut().filter(|run| run.len() == RUN) {
            run.sort_unstable_by(order);
        }
    }

    /// Sorts the last run, which no entry has filled. No entry may be put in any more.
    pub(super) fn seal(&mut self, order: Order<T>) {
        if let Some(run) = self.sorted.last_mut() {
            run.sort_unstable_by(order);
        }
    }

    /// Ends the merge, so that another can begin.
    pub(super) fn rewind(&mut self) {
        self.taken.clear();
        self.heap.clear();
    }

    /// Sorts the next run that does not take part in the merge yet; how many entries it has.
    pub(super) fn sort_next(&mut self, order: Order<T>) -> usize {
        self.sorted.get_mut(self.taken.len()).map_or(0, |run| {
            run.sort_unstable_by(order);
            run.len()
        })
    }

    /// Lets the next run take part in the merge; false when all do.
    pub(super) fn join(&mut self, order: Order<T>) -> bool {
        let run = self.taken.len();
        if run == self.sorted.len() {
            return false;
        }
        self.taken.push(0);
        self.heap.push(u32::try_from(run).expect("runs are fewer than accounts, whose numbers are 32 bits"));
        let mut place = self.heap.len() - 1;
        while place > 0 {
            let parent = (place - 1) >> 1;
            if !self.comes_first(place, parent, order) {
                break;
            }
            self.heap.swap(place, parent);
            place = parent;
        }
        true
    }

    /// The next entry in order, once all runs take part.
    pub(super) fn peek(&self) -> Option<&T> {
        self.heap.first().map(|&run| self.next_of(run))
    }

    /// Takes the next entry in order; its place is good for [`Self::at`] until a run is sorted again.
    pub(super) fn pop(&mut self, order: Order<T>) -> Option<(u32, T)> {
        let run = *self.heap.first()?;
        let entry = *self.next_of(run);
        let (number, taken) = (run as usize, &mut self.taken[run as usize]);
        let place = number * RUN + *taken as usize;
        *taken += 1;
        if *taken as usize == self.sorted[number].len() {
            self.heap.swap_remove(0);
        }
        self.sink(order);
        Some((u32::try_from(place).expect("entries are at most one an account"), entry))
    }

    /// The entry at a place.
    pub(super) fn at(&self, place: u32) -> &T {
        let place = place as usize;
        &self.sorted[place.div_euclid(RUN)][place.rem_euclid(RUN)]
    }

    fn sink(&mut self, order: Order<T>) {
        let mut place = 0;
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            if left >= self.heap.len() {
                return;
            }
            let child =
                if right < self.heap.len() && self.comes_first(right, left, order) { right } else { left };
            if !self.comes_first(child, place, order) {
                return;
            }
            self.heap.swap(child, place);
            place = child;
        }
    }

    fn comes_first(&self, a: usize, b: usize, order: Order<T>) -> bool {
        order(self.next_of(self.heap[a]), self.next_of(self.heap[b])) == Ordering::Less
    }

    fn next_of(&self, run: u32) -> &T {
        &self.sorted[run as usize][self.taken[run as usize] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_in_order_however_they_were_put_in() {
        for count in [0_u32, 1, 2, 255, 256, 257, 512, 3_000] {
            // 7,919 is a prime and no divisor of any count, so that all remainders come up once.
            let entries: Vec<u32> = (0..count).map(|number| number * 7_919 % count).collect();
            let mut runs = Runs::new();
            for &entry in &entries {
                runs.push(entry, u32::cmp);
            }
            runs.seal(u32::cmp);
            assert_eq!(runs.len(), entries.len());
            while runs.join(u32::cmp) {}
            for expected in 0..count {
                assert_eq!(runs.peek(), Some(&expected));
                let (place, entry) = runs.pop(u32::cmp).unwrap();
                assert_eq!((entry, *runs.at(place)), (expected, expected));
            }
            assert_eq!(runs.pop(u32::cmp), None);
            runs.rewind();
            let falling: Order<u32> = |a, b| b.cmp(a);
            let mut sorted = 0;
            loop {
                sorted += runs.sort_next(falling);
                if !runs.join(falling) {
                    break;
                }
            }
            assert_eq!(sorted, entries.len());
            let again: Vec<u32> = core::iter::from_fn(|| runs.pop(falling)).map(|(_, entry)| entry).collect();
            assert_eq!(again, (0..count).rev().collect::<Vec<_>>());
        }
    }
}
