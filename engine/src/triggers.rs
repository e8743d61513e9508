//! Orders of one instrument that wait for a price: which of them a price fires, and in which order.
//!
//! Every watched price has two flanks: triggers it fires by rising, and by falling. A flank exists only once an order has
//! waited there. Everything in a flank is written as if it fired by falling (a rising trigger by its mirror image), so
//! that the nearest trigger is the highest and there is one piece of code.
//!
//! Invariant: between commands, unless a crossing is left over, the price of the moment crosses no flank's nearest trigger
//! while the instrument is open.
//! Cost: joining and leaving are O(1) for plain triggers and O(log n) for trailing stops. A price that crosses nothing
//! costs two comparisons in each of the two flanks, however many orders wait there, and O(log n) more where it is a new
//! peak, however many trailing stops follow it.

mod flank;
mod scale;
#[cfg(test)]
mod tests;
mod trail;

use alloc::boxed::Box;

use crate::command::{TriggerKind, TriggerSource};
use crate::orders::Orders;
use flank::Flank;
use risk::{Mark, OrderSlot, Price};
use scale::{Scale, Way};
use trail::Trailing;

pub(crate) use trail::Trails;

/// How an order waits, as its conditions say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Watch {
    source: TriggerSource,
    way: Way,
    /// Of a plain trigger the price, of a trailing stop its distance.
    price: Price,
    trails: bool,
    serial: u64,
}

impl Watch {
    pub(crate) const fn source(&self) -> TriggerSource {
        self.source
    }

    /// Of an order with a trigger.
    pub(crate) fn of(orders: &Orders, slot: OrderSlot) -> Option<Self> {
        let conditions = orders.conditions(slot)?;
        let trigger = conditions.instructions.trigger?;
        Some(Self {
            source: trigger.source,
            way: Way::of(orders.get(slot).side(), trigger.kind),
            price: trigger.price,
            trails: trigger.kind == TriggerKind::Trailing,
            serial: conditions.serial,
        })
    }
}

/// A trigger that fires.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fired {
    pub(crate) slot: OrderSlot,
    /// The price it waited for.
    pub(crate) trigger: Price,
    /// The farthest price that crossed it.
    pub(crate) at: Mark,
}

/// The triggers of one instrument.
#[derive(Debug)]
pub(crate) struct Triggers {
    scale: Scale,
    /// By source and way, in the order of firing.
    flanks: [[Option<Box<Flank>>; 2]; 3],
}

const fn place(source: TriggerSource) -> usize {
    match source {
        TriggerSource::Last => 0,
        TriggerSource::Mark => 1,
        TriggerSource::Index => 2,
    }
}

impl Triggers {
    /// Of an instrument with this tick, whose highest price is `top` ticks.
    pub(crate) fn new(tick: Price, top: u32) -> Self {
        Self { scale: Scale { tick: tick.get(), top }, flanks: Default::default() }
    }

    /// Whether an order has ever waited for this price.
    #[inline]
    pub(crate) const fn watches(&self, source: TriggerSource) -> bool {
        let [rising, falling] = &self.flanks[place(source)];
        rising.is_some() || falling.is_some()
    }

    /// An order begins to wait; a trailing stop follows from `now`, which is known then. The price that fires it as things
    /// stand.
    pub(crate) fn join(
        &mut self,
        slot: OrderSlot,
        watch: Watch,
        now: Option<Mark>,
        orders: &mut Orders,
        trails: &mut Trails,
    ) -> Price {
        let Watch { source, way, price, serial, .. } = watch;
        let scale = self.scale;
        let flank = &mut self.flanks[place(source)][way.place()];
        let flank = flank.get_or_insert_with(|| Box::new(Flank::new(way, scale)));
        let distance = scale.ticks(price);
        if !watch.trails {
            flank.join(scale.image(way, distance), slot, orders);
            return price;
        }
        let peak = now.map_or(0, |now| scale.peak(way, now));
        let trailing = Trailing { slot, serial, distance, peak };
        trails.join(&mut flank.trail, trailing);
        scale.price(way, trailing.trigger())
    }

    /// An order that waits does no longer.
    pub(crate) fn leave(&mut self, slot: OrderSlot, watch: Watch, orders: &mut Orders, trails: &mut Trails) {
        let Watch { source, way, price, serial, .. } = watch;
        let Some(flank) = &mut self.flanks[place(source)][way.place()] else { return };
        if watch.trails {
            trails.leave(&mut flank.trail, serial);
        } else {
            flank.leave(self.scale.image(way, self.scale.ticks(price)), slot, orders);
        }
    }

    /// The price that fires an order that waits, as things stand.
    pub(crate) fn trigger(&self, watch: Watch, trails: &Trails) -> Price {
        let flank = self.flanks[place(watch.source)][watch.way.place()].as_ref().filter(|_| watch.trails);
        let trailing = flank.and_then(|flank| trails.find(&flank.trail, watch.serial));
        trailing.map_or(watch.price, |trailing| self.scale.price(watch.way, trailing.trigger()))
    }

    /// A watched price was at `price`. Whether a crossing begins; without `fires` trailing stops only follow.
    pub(crate) fn note(
        &mut self,
        source: TriggerSource,
        price: Mark,
        fires: bool,
        trails: &mut Trails,
    ) -> bool {
        let scale = self.scale;
        let mut begins = false;
        for flank in self.flanks[place(source)].iter_mut().flatten() {
            begins |= flank.note(price, fires, scale, trails);
        }
        begins
    }

    /// The crossed trigger that fires next: last before mark before index, rising before falling, nearest first, at one
    /// price by serial. Where there is none, all crossings are over.
    pub(crate) fn next(&mut self, orders: &Orders, trails: &mut Trails) -> Option<Fired> {
        let scale = self.scale;
        self.flanks.iter_mut().flatten().flatten().find_map(|flank| {
            let (nearest, at) = flank.next(scale, orders, trails)?;
            let trigger = scale.price(flank.way(), nearest.image);
            Some(Fired { slot: nearest.slot, trigger, at })
        })
    }

    /// What was crossed is forgotten.
    pub(crate) fn forget_crossings(&mut self, trails: &mut Trails) {
        for flank in self.flanks.iter_mut().flatten().flatten() {
            flank.end_crossing(trails);
        }
    }

    /// Whether anything was crossed and has not all fired.
    pub(crate) fn has_crossings(&self) -> bool {
        self.flanks.iter().flatten().flatten().any(|flank| flank.crossed.is_some())
    }

    /// What decides future events.
    pub(crate) fn encode_to(&self, trails: &Trails, mut write: impl FnMut(&[u8])) {
        for flank in self.flanks.iter().flatten().flatten() {
            flank.encode_to(trails, &mut write);
        }
    }

    /// Verifies every flank, that each order waits where its conditions say, and, where the prices of the moment are
    /// `settled`, that none of them crosses a trigger. How many plain triggers and trailing stops wait.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub(crate) fn check(
        &self,
        prices: [Option<Mark>; 3],
        settled: bool,
        orders: &mut Orders,
        trails: &Trails,
    ) -> (u32, u32) {
        let (mut plain, mut trailing) = (0, 0);
        for (source, flanks) in TriggerSource::ALL.iter().zip(&self.flanks) {
            let now = prices[place(*source)];
            for flank in flanks.iter().flatten() {
                flank.check(orders, trails);
                let way = flank.way();
                let is_here = |watch: Watch| (watch.source, watch.way) == (*source, way);
                flank.for_each_plain(orders, |image, slot, orders| {
                    let watch = Watch::of(orders, slot).expect("who waits has a trigger");
                    assert!(is_here(watch) && !watch.trails, "a trigger in its flank");
                    assert!(self.scale.image(way, self.scale.ticks(watch.price)) == image, "at its price");
                    plain += 1;
                });
                trails.for_each(&flank.trail, |member| {
                    let watch = Watch::of(orders, member.slot).expect("who waits has a trigger");
                    assert!(is_here(watch) && watch.trails, "a trailing stop in its flank");
                    let distance = self.scale.ticks(watch.price);
                    assert!((member.serial, member.distance) == (watch.serial, distance), "as it was given");
                    let followed = now.is_some_and(|now| self.scale.peak(way, now) <= member.peak);
                    assert!(followed || flank.crossed.is_some(), "a peak is no worse than the price");
                    trailing += 1;
                });
                let crosses = |now| flank.nearest_image(trails) >= Some(self.scale.bound(way, now));
                assert!(!settled || !now.is_some_and(crosses), "no crossed trigger waits");
            }
        }
        (plain, trailing)
    }
}
