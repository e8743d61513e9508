//! Triggers of one watched price that fire one way: plain ones in a ladder, trailing stops in a trail.
//!
//! Invariant: at one price the ladder's list is by ascending serial, because whoever joins has the highest. A crossing sees
//! at most two prices, the first and the last of one taker's matches; no other price comes before all it crossed has fired.

use core::cmp::{Ordering, Reverse};

use super::scale::{Scale, Way};
use super::trail::{Trail, Trailing, Trails};
use crate::ladder::{Ladder, NIL, Nodes};
use crate::orders::Orders;
use risk::{Mark, OrderSlot};

/// Plain triggers, trailing stops, and what was crossed of them.
#[derive(Debug)]
pub(super) struct Flank {
    way: Way,
    plain: Ladder,
    /// Highest image in the ladder.
    nearest_plain: Option<u32>,
    pub(super) trail: Trail,
    /// The farthest price that crossed something here; what it crossed has not all fired.
    pub(super) crossed: Option<Mark>,
    /// The highest image of a peak since. Trailing stops take it over when the crossing is over: what was crossed fires at
    /// the trigger it had.
    peak_meanwhile: u32,
}

/// The nearest order of a flank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Nearest {
    pub(super) image: u32,
    pub(super) slot: OrderSlot,
}

impl From<Trailing> for Nearest {
    fn from(trailing: Trailing) -> Self {
        Self { image: trailing.trigger(), slot: trailing.slot }
    }
}

impl Flank {
    pub(super) fn new(way: Way, scale: Scale) -> Self {
        Self {
            way,
            plain: Ladder::new(scale.top + 1),
            nearest_plain: None,
            trail: Trail::EMPTY,
            crossed: None,
            peak_meanwhile: 0,
        }
    }

    pub(super) const fn way(&self) -> Way {
        self.way
    }

    pub(super) fn join(&mut self, image: u32, slot: OrderSlot, orders: &mut Orders) {
        self.plain.push_back(image, slot.get(), 1, orders);
        self.nearest_plain = self.nearest_plain.max(Some(image));
    }

    pub(super) fn leave(&mut self, image: u32, slot: OrderSlot, orders: &mut Orders) {
        if self.plain.remove(image, slot.get(), 1, orders) && self.nearest_plain == Some(image) {
            self.nearest_plain = self.plain.at_or_below(image);
        }
    }

    /// The image of the nearest trigger.
    pub(super) fn nearest_image(&self, trails: &Trails) -> Option<u32> {
        self.nearest_plain.max(trails.nearest_trigger(&self.trail))
    }

    /// The order that fires first: by price, then by serial.
    pub(super) fn nearest(&self, orders: &Orders, trails: &Trails) -> Option<Nearest> {
        let plain = self.nearest_plain;
        let plain = plain.map(|image| Nearest { image, slot: OrderSlot::new(self.plain.head(image)) });
        let Some(trailing) = trails.nearest(&self.trail) else { return plain };
        let Some(plain) = plain else { return Some(trailing.into()) };
        let plain_first = match plain.image.cmp(&trailing.trigger()) {
            Ordering::Less => false,
            Ordering::Equal => serial_of(orders, plain.slot) < trailing.serial,
            Ordering::Greater => true,
        };
        Some(if plain_first { plain } else { trailing.into() })
    }

    /// The watched price was at `price`. Whether a crossing begins; without `fires` trailing stops only follow.
    pub(super) fn note(&mut self, price: Mark, fires: bool, scale: Scale, trails: &mut Trails) -> bool {
        let peak = scale.peak(self.way, price);
        if let Some(farthest) = &mut self.crossed {
            *farthest = match self.way {
                Way::Rising => price.max(*farthest),
                Way::Falling => price.min(*farthest),
            };
            self.peak_meanwhile = self.peak_meanwhile.max(peak);
            return false;
        }
        // What this very price crosses has a higher peak and stays as it is.
        trails.follow(&mut self.trail, peak);
        let bound = scale.bound(self.way, price);
        let begins = fires && self.nearest_image(trails).is_some_and(|image| image >= bound);
        self.crossed = begins.then_some(price);
        begins
    }

    /// The order that fires next, and the price that crossed it. Where none does, the crossing is over.
    pub(super) fn next(
        &mut self,
        scale: Scale,
        orders: &Orders,
        trails: &mut Trails,
    ) -> Option<(Nearest, Mark)> {
        let price = self.crossed?;
        let bound = scale.bound(self.way, price);
        let nearest = self.nearest(orders, trails).filter(|nearest| nearest.image >= bound);
        if nearest.is_none() {
            self.end_crossing(trails);
        }
        nearest.map(|nearest| (nearest, price))
    }

    pub(super) fn end_crossing(&mut self, trails: &mut Trails) {
        self.crossed = None;
        trails.follow(&mut self.trail, core::mem::take(&mut self.peak_meanwhile));
    }

    /// Every order of the ladder with its image: by ascending image, at one price first come first.
    pub(super) fn for_each_plain(&self, orders: &mut Orders, mut visit: impl FnMut(u32, OrderSlot, &Orders)) {
        for (image, head, _) in self.plain.occupied() {
            let mut at = head;
            while at != NIL {
                visit(image, OrderSlot::new(at), orders);
                at = orders.link(at).next;
            }
        }
    }

    /// What decides future events.
    pub(super) fn encode_to(&self, trails: &Trails, mut write: impl FnMut(&[u8])) {
        crate::codec::encode_to(&(&self.crossed, &self.peak_meanwhile), &mut write);
        for level in self.plain.occupied() {
            crate::codec::encode_to(&level, &mut write);
        }
        trails.for_each(&self.trail, |member| {
            crate::codec::encode_to(&(member.slot, member.peak), &mut write);
        });
    }

    /// Verifies both structures and the nearest trigger.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub(super) fn check(&self, orders: &mut Orders, trails: &Trails) {
        trails.check(&self.trail);
        let mut count = 0;
        let mut before: Option<(u32, u64)> = None;
        let mut first: Option<(u32, Reverse<u64>, OrderSlot)> = None;
        let mut offer = |image, serial, slot| first = first.max(Some((image, Reverse(serial), slot)));
        self.for_each_plain(orders, |image, slot, orders| {
            let serial = serial_of(orders, slot);
            assert!(before.is_none_or(|before| before < (image, serial)), "by serial at one price");
            before = Some((image, serial));
            offer(image, serial, slot);
            count += 1;
        });
        trails.for_each(&self.trail, |member| offer(member.trigger(), member.serial, member.slot));
        let held: i64 = self.plain.occupied().map(|(_, _, orders)| orders).sum();
        assert!(held == count, "a price counts its triggers");
        let nearest = self.nearest(orders, trails).map(|nearest| (nearest.image, nearest.slot));
        assert!(nearest == first.map(|(image, _, slot)| (image, slot)), "the nearest trigger");
        assert!(nearest.map(|(image, _)| image) == self.nearest_image(trails), "its image");
        assert!(self.crossed.is_some() || self.peak_meanwhile == 0, "no peak waits without a crossing");
    }
}

fn serial_of(orders: &Orders, slot: OrderSlot) -> u64 {
    orders.conditions(slot).expect("who waits for a price has conditions").serial
}
