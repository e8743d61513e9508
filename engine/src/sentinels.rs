//! Sentinels: what an account with several assets sleeps behind. Its slack is no sum of one function per price, so it
//! gets a box: bounds on every mark and index it depends on, chosen so that its slack cannot fall below zero inside.
//!
//! Invariant: while no sentinel of an account is crossed, every mark and index it depends on lies strictly inside the
//! bounds its slack was bounded for. Source: `MARGIN.md` 6.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ladder::{Ladder, Link, NIL, Nodes};
use risk::{AccountId, InstrumentId, Mark};

/// Which price of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub(crate) enum Coordinate {
    Mark,
    Index,
}

/// One bound.
#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Sentinel {
    link: Link,
    account: AccountId,
    instrument: InstrumentId,
    coordinate: Coordinate,
    /// Whether it is crossed from above.
    is_below: bool,
    bucket: u32,
    /// The account's next, or the next free place.
    next: u32,
}

/// Ladders of one price: bounds below it and above it.
#[derive(Debug)]
struct Bounds {
    below: Ladder,
    above: Ladder,
}

/// Bounds of one instrument, made when the first is set.
#[derive(Debug, Default)]
struct Watched {
    mark: Option<Box<Bounds>>,
    index: Option<Box<Bounds>>,
    shift: u32,
    buckets: u32,
}

/// All sentinels.
#[derive(Debug)]
pub(crate) struct Sentinels {
    watched: Vec<Watched>,
    list: Vec<Sentinel>,
    free: u32,
}

struct SentinelNodes<'a>(&'a mut [Sentinel]);

impl Nodes for SentinelNodes<'_> {
    #[inline]
    fn link(&mut self, node: u32) -> &mut Link {
        &mut self.0[node as usize].link
    }
}

impl Default for Sentinels {
    fn default() -> Self {
        Self { watched: Vec::new(), list: Vec::new(), free: NIL }
    }
}

impl Sentinels {
    /// Adds the next instrument, whose prices fall in so many buckets of `2^shift`.
    pub(crate) fn define(&mut self, shift: u32, buckets: u32) {
        self.watched.push(Watched { mark: None, index: None, shift, buckets });
    }

    /// How many places sentinels have been given so far.
    pub(crate) fn places(&self) -> u32 {
        u32::try_from(self.list.len()).expect("bounded by accounts times legs")
    }

    /// The account of the sentinel at a place, if it watches the mark of this instrument.
    pub(crate) fn watcher_at(&self, place: u32, instrument: InstrumentId) -> Option<AccountId> {
        let sentinel = self.list.get(place as usize).filter(|sentinel| sentinel.bucket != NIL)?;
        let watches = sentinel.instrument == instrument && sentinel.coordinate == Coordinate::Mark;
        watches.then_some(sentinel.account)
    }

    /// The account of the sentinel at a place, if it watches the mark of this instrument, and whether it watches it fall.
    pub(crate) fn bound_at(&self, place: u32, instrument: InstrumentId) -> Option<(AccountId, bool)> {
        let account = self.watcher_at(place, instrument)?;
        self.list.get(place as usize).map(|sentinel| (account, sentinel.is_below))
    }

    /// Sets a bound on one side of a price: crossed before the price passes `bound`. `false` where the price is too near.
    pub(crate) fn set(
        &mut self,
        first: &mut u32,
        account: AccountId,
        (instrument, coordinate, is_below): (InstrumentId, Coordinate, bool),
        price: Mark,
        bound: Mark,
    ) -> bool {
        let watched = &mut self.watched[instrument.index()];
        let now = watched.bucket_of(price);
        // The bucket the bound is in is crossed as a whole: it is left out of the box.
        let bucket = watched.bucket_of(bound);
        let is_near = if is_below { bucket >= now } else { bucket <= now };
        if is_near {
            return false;
        }
        let sentinel =
            Sentinel { link: Link::LOOSE, account, instrument, coordinate, is_below, bucket, next: *first };
        let place = self.free;
        let place = if place == NIL {
            self.list.push(sentinel);
            self.places() - 1
        } else {
            self.free = core::mem::replace(&mut self.list[place as usize], sentinel).next;
            place
        };
        *first = place;
        let ladder = self.watched[instrument.index()].ladder_mut(coordinate, is_below);
        ladder.push_back(bucket, place, 0, &mut SentinelNodes(&mut self.list));
        true
    }

    /// Takes a chain of sentinels out.
    pub(crate) fn clear(&mut self, first: &mut u32) {
        while *first != NIL {
            let place = *first;
            let Sentinel { instrument, coordinate, is_below, bucket, next, .. } = self.list[place as usize];
            let ladder = self.watched[instrument.index()].ladder_mut(coordinate, is_below);
            ladder.remove(bucket, place, 0, &mut SentinelNodes(&mut self.list));
            (self.list[place as usize].bucket, self.list[place as usize].next) = (NIL, self.free);
            self.free = place;
            *first = next;
        }
    }

    /// An account whose bound on this price is crossed: lower bounds from the highest down, then upper from the lowest up.
    #[inline]
    pub(crate) fn crossed(
        &self,
        instrument: InstrumentId,
        coordinate: Coordinate,
        price: Mark,
    ) -> Option<AccountId> {
        let watched = &self.watched[instrument.index()];
        let bounds = watched.bounds(coordinate)?;
        let now = watched.bucket_of(price);
        let place = if let Some(bucket) = bounds.below.at_or_above(now) {
            bounds.below.head(bounds.below.at_or_below(u32::MAX).unwrap_or(bucket))
        } else {
            let bucket = bounds.above.at_or_below(now)?;
            bounds.above.head(bounds.above.at_or_above(0).unwrap_or(bucket))
        };
        self.list.get(place as usize).map(|sentinel| sentinel.account)
    }

    /// Verifies that each sentinel of a chain belongs to the account and is not crossed.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub(crate) fn check(
        &self,
        first: u32,
        account: AccountId,
        price: impl Fn(InstrumentId, Coordinate) -> Option<Mark>,
    ) {
        let mut place = first;
        while place != NIL {
            let sentinel = &self.list[place as usize];
            assert!(sentinel.account == account, "a sentinel belongs to the account whose chain it is in");
            let now = price(sentinel.instrument, sentinel.coordinate).expect("what is watched has a price");
            let bucket = self.watched[sentinel.instrument.index()].bucket_of(now);
            let inside = if sentinel.is_below { sentinel.bucket < bucket } else { sentinel.bucket > bucket };
            assert!(inside, "the price is inside the bound");
            place = sentinel.next;
        }
    }

    /// Feeds all state to `sink`.
    pub(crate) fn encode_to(&self, mut sink: impl FnMut(&[u8])) {
        crate::codec::encode_to(&(&self.list, self.free), &mut sink);
        for watched in &self.watched {
            for bounds in [&watched.mark, &watched.index].into_iter().flatten() {
                for (key, head, _) in bounds.below.occupied().chain(bounds.above.occupied()) {
                    crate::codec::encode_to(&(key, head), &mut sink);
                }
            }
        }
    }
}

impl Watched {
    #[inline]
    fn bucket_of(&self, price: Mark) -> u32 {
        u32::try_from(price.get() >> self.shift).unwrap_or(self.buckets - 1).min(self.buckets - 1)
    }

    #[inline]
    fn bounds(&self, coordinate: Coordinate) -> Option<&Bounds> {
        match coordinate {
            Coordinate::Mark => self.mark.as_deref(),
            Coordinate::Index => self.index.as_deref(),
        }
    }

    fn ladder_mut(&mut self, coordinate: Coordinate, is_below: bool) -> &mut Ladder {
        let place = match coordinate {
            Coordinate::Mark => &mut self.mark,
            Coordinate::Index => &mut self.index,
        };
        let buckets = self.buckets;
        let bounds = place.get_or_insert_with(|| {
            Box::new(Bounds { below: Ladder::new(buckets), above: Ladder::new(buckets) })
        });
        if is_below { &mut bounds.below } else { &mut bounds.above }
    }
}
