//! The ladder: FIFO lists by key (a price in ticks, a trigger bucket), with the next occupied key a few reads away.
//!
//! Invariant: a key is in the bitmap exactly when its level has a head; a level's quantity is the sum over its list.
//! Levels live in pages of 512 keys that exist only where something rests, so memory follows occupied keys.
//! Cost: push, remove and the head of the best level are O(1). Worst case: one order alone in each page of 8 KiB.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::select_unpredictable;

use crate::ahead::fetch;
use crate::bitmap::Bitmap;

/// No node.
pub(crate) const NIL: u32 = u32::MAX;
const PAGE_SHIFT: u32 = 9;
const PAGE_KEYS: usize = 1 << PAGE_SHIFT;
const PAGE_MASK: u32 = (1 << PAGE_SHIFT) - 1;
/// Pages whose room is reserved at the start; untouched room costs address space only.
const PAGES_RESERVED: usize = 512;

/// Neighbours of a node in its level's list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub(crate) struct Link {
    pub(crate) prev: u32,
    pub(crate) next: u32,
}

impl Link {
    pub(crate) const LOOSE: Self = Self { prev: NIL, next: NIL };
}

/// The store the nodes live in.
pub(crate) trait Nodes {
    fn link(&mut self, node: u32) -> &mut Link;
}

#[derive(Clone, Copy, Debug)]
struct Level {
    head: u32,
    tail: u32,
    qty: i64,
}

const EMPTY: Level = Level { head: NIL, tail: NIL, qty: 0 };

/// FIFO lists by key.
#[derive(Debug)]
pub(crate) struct Ladder {
    occupied: Bitmap,
    /// Page of each 512 keys, or `NIL`.
    directory: Vec<u32>,
    levels: Vec<Level>,
    free_pages: Vec<u32>,
}

impl Ladder {
    /// An empty ladder over `0..keys`.
    pub(crate) fn new(keys: u32) -> Self {
        let pages = keys.div_ceil(1 << PAGE_SHIFT) as usize;
        let reserved = pages.min(PAGES_RESERVED);
        Self {
            occupied: Bitmap::new(keys),
            directory: vec![NIL; pages],
            levels: Vec::with_capacity(reserved << PAGE_SHIFT),
            free_pages: Vec::with_capacity(reserved),
        }
    }

    /// The lowest occupied key at or above `key`.
    #[inline]
    pub(crate) fn at_or_above(&self, key: u32) -> Option<u32> {
        self.occupied.at_or_above(key)
    }

    /// The highest occupied key at or below `key`.
    #[inline]
    pub(crate) fn at_or_below(&self, key: u32) -> Option<u32> {
        self.occupied.at_or_below(key)
    }

    /// First node at `key`, or `NIL`.
    #[inline]
    pub(crate) fn head(&self, key: u32) -> u32 {
        self.level(key).map_or(NIL, |level| level.head)
    }

    /// Total quantity at `key`.
    #[inline]
    pub(crate) fn qty(&self, key: u32) -> i64 {
        self.level(key).map_or(0, |level| level.qty)
    }

    #[inline]
    fn level(&self, key: u32) -> Option<&Level> {
        let page = *self.directory.get((key >> PAGE_SHIFT) as usize)?;
        self.levels.get(slot_of(page, key))
    }

    #[inline]
    fn level_mut(&mut self, key: u32) -> &mut Level {
        let page = self.directory[(key >> PAGE_SHIFT) as usize];
        &mut self.levels[slot_of(page, key)]
    }

    /// Last node at `key`, or `NIL`.
    #[inline]
    pub(crate) fn tail(&self, key: u32) -> u32 {
        self.level(key).map_or(NIL, |level| level.tail)
    }

    /// Asks for the level at `key`, where there is a page for it.
    #[inline]
    pub(crate) fn fetch(&self, key: u32) {
        if let Some(level) = self.level(key) {
            fetch(level);
        }
    }

    /// Appends `node` to the list at `key`; whether the key was empty before.
    ///
    /// Whether a level holds other nodes is a coin toss in a thin book, and a wrong guess costs more than a store:
    /// where there is no neighbour, the node itself stands in for it and is overwritten last.
    #[inline]
    pub(crate) fn push_back(&mut self, key: u32, node: u32, qty: i64, nodes: &mut impl Nodes) -> bool {
        let mut page = self.directory[(key >> PAGE_SHIFT) as usize];
        if page == NIL {
            page = self.add_page(key >> PAGE_SHIFT);
        }
        let level = &mut self.levels[slot_of(page, key)];
        let tail = core::mem::replace(&mut level.tail, node);
        let was_empty = tail == NIL;
        level.head = select_unpredictable(was_empty, node, level.head);
        level.qty += qty;
        nodes.link(select_unpredictable(was_empty, node, tail)).next = node;
        *nodes.link(node) = Link { prev: tail, next: NIL };
        self.occupied.insert(key);
        was_empty
    }

    /// Takes `node` with `qty` out of the list at `key`; whether the key is empty now.
    #[inline]
    pub(crate) fn remove(&mut self, key: u32, node: u32, qty: i64, nodes: &mut impl Nodes) -> bool {
        let Link { prev, next } = *nodes.link(node);
        let (is_first, is_last) = (prev == NIL, next == NIL);
        let level = self.level_mut(key);
        level.qty -= qty;
        level.head = select_unpredictable(is_first, next, level.head);
        level.tail = select_unpredictable(is_last, prev, level.tail);
        nodes.link(select_unpredictable(is_first, node, prev)).next = next;
        nodes.link(select_unpredictable(is_last, node, next)).prev = prev;
        *nodes.link(node) = Link::LOOSE;
        let is_empty = is_first & is_last;
        if self.occupied.remove_if(key, is_empty) {
            self.drop_page_if_empty(key >> PAGE_SHIFT);
        }
        is_empty
    }

    /// Takes `qty` off a level whose node stays.
    #[inline]
    pub(crate) fn reduce(&mut self, key: u32, qty: i64) {
        self.level_mut(key).qty -= qty;
    }

    #[cold]
    fn add_page(&mut self, index: u32) -> u32 {
        // A page on the free list is all empty levels already: pages are freed when their last level empties.
        let page = self.free_pages.pop().unwrap_or_else(|| {
            let page = self.levels.len() >> PAGE_SHIFT;
            self.levels.resize(self.levels.len() + PAGE_KEYS, EMPTY);
            u32::try_from(page).expect("pages are fewer than keys")
        });
        self.directory[index as usize] = page;
        page
    }

    #[inline]
    fn drop_page_if_empty(&mut self, index: u32) {
        if self.occupied.page_is_empty(index) {
            let page = core::mem::replace(&mut self.directory[index as usize], NIL);
            self.free_pages.push(page);
        }
    }

    /// Occupied keys with head node and quantity, ascending.
    pub(crate) fn occupied(&self) -> impl Iterator<Item = (u32, u32, i64)> + '_ {
        let mut next = self.at_or_above(0);
        core::iter::from_fn(move || {
            let key = next?;
            next = key.checked_add(1).and_then(|above| self.at_or_above(above));
            Some((key, self.head(key), self.qty(key)))
        })
    }
}

#[inline]
const fn slot_of(page: u32, key: u32) -> usize {
    ((page as usize) << PAGE_SHIFT) | (key & PAGE_MASK) as usize
}
