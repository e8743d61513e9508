//! The liquidation map: what would be liquidated in an instrument as its mark moves away, beside what rests in the book.
//!
//! Invariant: reading only, and bounded: a page passes about [`SCAN_MAX`] legs and says where the next one goes on. Each
//! position counts at the exact mark at which its account comes to maintenance margin while every other price stands still.
//! Who would be liquidated is found by triggers, which lie nearer than that mark, on the hot list and behind sentinels, so
//! nobody is missed; who is in liquidation already is not counted.

use alloc::vec::Vec;

use super::Venue;
use crate::limits::{MAP_STEPS_MAX, SCAN_MAX};
use crate::liquidation_index::Seen;
use crate::reject::Reject;
use risk::limits::PPB;
use risk::rounding::{div_floor, wide_mul};
use risk::{AccountId, AssetId, InstrumentId, LegId, Mark, Qty, Rate, Side};

/// What lies between the mark and a mark farther away, beyond the steps before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapStep {
    /// The far end.
    pub to: Mark,
    /// Positions that would be liquidated.
    pub qty: Qty,
    /// How many they are.
    pub positions: u32,
    /// Quantity resting in the book that would take them; on the first page alone.
    pub depth: Qty,
}

/// A page of a map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiquidationMap {
    /// The mark that steps are counted from.
    pub mark: Mark,
    /// Longs, from the mark down.
    pub longs: Vec<MapStep>,
    /// Shorts, from the mark up.
    pub shorts: Vec<MapStep>,
    /// Where the next page begins; `None` when all have been passed.
    pub next: Option<u64>,
}

/// A search for the liquidation mark of a leg that settles in another asset looks at its account so often.
const SEARCH_COST: usize = 64;

/// Where a page begins, in the order in which pages pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Behind a trigger of this side; `None` is before all.
    Armed(Side, Option<Seen>),
    /// At a place of the hot list.
    Hot(u32),
    /// At a place of the sentinels.
    Sentinel(u32),
}

/// Bits of a leg in a number that a page begins at; above them the bucket, then which list.
const LEG_BITS: u32 = 32;
const LIST_SHIFT: u32 = 60;

impl Place {
    const FIRST: Self = Self::Armed(Side::Sell, None);

    fn to_number(self) -> u64 {
        let (list, rest) = match self {
            Self::Armed(side, seen) => {
                // Legs are counted from 1, so that 0 is before all.
                let within = seen
                    .map_or(0, |seen| (u64::from(seen.bucket) << LEG_BITS) | (u64::from(seen.leg.get()) + 1));
                (u64::from(side != Side::Sell), within)
            }
            Self::Hot(place) => (2, u64::from(place)),
            Self::Sentinel(place) => (3, u64::from(place)),
        };
        (list << LIST_SHIFT) | rest
    }

    fn of_number(number: u64) -> Option<Self> {
        let rest = number & ((1 << LIST_SHIFT) - 1);
        let low = u32::try_from(rest & u64::from(u32::MAX)).ok()?;
        let bucket = u32::try_from(rest >> LEG_BITS).ok()?;
        let seen = low.checked_sub(1).map(|leg| Seen { bucket, leg: LegId::new(leg) });
        match number >> LIST_SHIFT {
            0 => Some(Self::Armed(Side::Sell, seen)),
            1 => Some(Self::Armed(Side::Buy, seen)),
            2 => Some(Self::Hot(low)),
            3 => Some(Self::Sentinel(low)),
            _ => None,
        }
    }
}

/// A page that is being filled.
struct Page<'a> {
    venue: &'a Venue,
    instrument: InstrumentId,
    width: i64,
    map: LiquidationMap,
    passed: usize,
}

impl Page<'_> {
    /// The step on a side in which a mark lies; `None` beyond them.
    fn step_of(&mut self, side: Side, mark: Mark) -> Option<&mut MapStep> {
        let steps = if side == Side::Sell { &mut self.map.longs } else { &mut self.map.shorts };
        let (now, at) = (self.map.mark.get(), mark.get());
        let distance = if side == Side::Sell { now.saturating_sub(at) } else { at.saturating_sub(now) };
        // What a step ends at belongs to it.
        let place = distance.max(1).saturating_sub(1).div_euclid(self.width);
        steps.get_mut(usize::try_from(place).ok()?)
    }

    /// Counts a leg where its account would be liquidated.
    fn count(&mut self, leg_id: LegId, only: Option<Side>) {
        let ledger = &self.venue.ledger;
        let leg = ledger.leg(leg_id);
        let Some(side) = Side::closing(leg.position).filter(|side| only.is_none_or(|only| *side == only))
        else {
            return;
        };
        let settles_elsewhere = ledger.instrument(leg.instrument).settlement() != AssetId::BASE;
        let legs = ledger.legs_of(leg.account).count();
        self.passed += if settles_elsewhere { legs * SEARCH_COST } else { legs };
        let size = leg.position.size();
        let Some(mark) = ledger.liquidation_mark(leg.account, leg_id) else { return };
        if let Some(step) = self.step_of(side, mark) {
            step.qty = Qty::new(step.qty.get().saturating_add(size.get()));
            step.positions += 1;
        }
    }

    fn count_of(&mut self, account: AccountId, only: Option<Side>) {
        if let Some(leg) = self.venue.ledger.find_leg(account, self.instrument) {
            self.count(leg, only);
        }
    }

    /// What rests in the book on the way.
    fn count_depth(&mut self) {
        for (side, taken_by) in [(Side::Buy, Side::Sell), (Side::Sell, Side::Buy)] {
            for (price, qty) in self.venue.depth(self.instrument, side).take(SCAN_MAX) {
                let Some(step) = self.step_of(taken_by, price.to_mark()) else { break };
                step.depth = Qty::new(step.depth.get().saturating_add(qty.get()));
            }
        }
    }

    /// Passes what comes behind `place`, one at a time; where to go on.
    fn pass(&mut self, place: Place) -> Option<Place> {
        self.passed += 1;
        let index = &self.venue.index;
        match place {
            Place::Armed(side, seen) => {
                let steps = if side == Side::Sell { &self.map.longs } else { &self.map.shorts };
                let far = steps.last().map_or(self.map.mark, |step| step.to);
                if let Some(next) = index.next_armed(self.instrument, side, far, seen) {
                    self.count(next.leg, Some(side));
                    return Some(Place::Armed(side, Some(next)));
                }
                Some(if side == Side::Sell { Place::Armed(Side::Buy, None) } else { Place::Hot(0) })
            }
            Place::Hot(at) => {
                let Some(account) = index.hot_at(at as usize) else { return Some(Place::Sentinel(0)) };
                self.count_of(account, None);
                Some(Place::Hot(at + 1))
            }
            Place::Sentinel(at) => {
                let sentinels = index.sentinels();
                if at >= sentinels.places() {
                    return None;
                }
                // An account may be watched on both sides of a mark: it counts by the side that it loses to.
                if let Some((account, is_below)) = sentinels.bound_at(at, self.instrument) {
                    let side = if is_below { Side::Sell } else { Side::Buy };
                    self.count_of(account, Some(side));
                }
                Some(Place::Sentinel(at + 1))
            }
        }
    }
}

impl Venue {
    /// A page of the map of an instrument: so many steps of a width, as a part of the mark, on each side. `from` is where the
    /// page before said that the next begins, 0 at first.
    ///
    /// # Errors
    /// [`Reject`]: no such instrument, no mark, or what is asked makes no sense.
    pub fn liquidation_map(
        &self,
        instrument: InstrumentId,
        width: Rate,
        steps: u16,
        from: u64,
    ) -> Result<LiquidationMap, Reject> {
        self.ledger.find_instrument(instrument).ok_or(Reject::UnknownInstrument)?;
        let mark = self.mark(instrument).ok_or(Reject::NoMarkPrice)?;
        let is_sound = width > Rate::new(0) && width <= Rate::ONE && (1..=MAP_STEPS_MAX).contains(&steps);
        let place = Place::of_number(from).filter(|_| is_sound).ok_or(Reject::BadParameter)?;
        let width = div_floor(wide_mul(mark.get(), i64::from(width.get())), i128::from(PPB));
        let width = i64::try_from(width).unwrap_or(i64::MAX).max(1);
        let side = |sign: i64| {
            let ends = (1..=i64::from(steps)).map(|step| {
                let to = Mark::new(mark.get().saturating_add(sign * step.saturating_mul(width)).max(0));
                MapStep { to, qty: Qty::ZERO, positions: 0, depth: Qty::ZERO }
            });
            ends.collect::<Vec<_>>()
        };
        let map = LiquidationMap { mark, longs: side(-1), shorts: side(1), next: None };
        let mut page = Page { venue: self, instrument, width, map, passed: 0 };
        if place == Place::FIRST {
            page.count_depth();
        }
        let mut next = Some(place);
        while let Some(place) = next.filter(|_| page.passed < SCAN_MAX) {
            next = page.pass(place);
        }
        page.map.next = next.map(Place::to_number);
        Ok(page.map)
    }
}
