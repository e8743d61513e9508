//! The search against a look at every tick.

use super::*;
use crate::command::{ClientOrderId, Instructions, SessionId, TimeInForce};
use crate::conditions::{Conditions, Stage};
use crate::deadlines::HeapPlace;
use crate::orders::{NewSlot, Terms};
use risk::{AccountId, InstrumentId, Qty};
use std::vec::Vec;

const CASES: u64 = 100_000;
const KEYS: u32 = 48;

/// A book with orders, and the same orders as a list: side, key, whole quantity.
struct Scene {
    book: Book,
    orders: Orders,
    list: Vec<(Side, u32, i64)>,
}

impl Scene {
    fn new() -> Self {
        Self { book: Book::new(KEYS), orders: Orders::with_capacity(64), list: Vec::new() }
    }

    fn rest(&mut self, side: Side, key: u32, shown: i64, hidden: i64) {
        let slot = self.orders.allocate(&NewSlot {
            instrument: InstrumentId::new(0),
            account: AccountId::new(16),
            side,
            key,
            qty: Qty::new(shown),
            reduce_only: false,
            persistent: false,
            terms: Terms::new(SessionId::new(1), ClientOrderId::new(1)),
        });
        if hidden > 0 {
            let conditions = Conditions {
                instructions: Instructions { display: Qty::new(shown), ..Instructions::PLAIN },
                stage: Stage::Live,
                time_in_force: TimeInForce::GoodTillCancel,
                post_only: false,
                is_market: false,
                serial: self.orders.next_serial(),
                hidden: Qty::new(hidden),
                partner: OrderSlot::NONE,
                parent: OrderSlot::NONE,
                exits: [OrderSlot::NONE; 2],
                expiry: HeapPlace::NOWHERE,
            };
            self.orders.set_conditions(slot, conditions);
        }
        self.book.rest(&mut self.orders, slot);
        self.list.push((side, key, shown + hidden));
    }

    fn sum(&self, counts: impl Fn(Side, u32) -> bool) -> i64 {
        self.list.iter().filter(|(side, key, _)| counts(*side, *key)).map(|(_, _, qty)| qty).sum()
    }

    /// Every tick from the best ask to the best bid, by the rule as it is written.
    fn every_tick(&self, reference: u32) -> Option<Found> {
        let bid = self.list.iter().filter(|order| order.0 == Side::Buy).map(|order| order.1).max()?;
        let ask = self.list.iter().filter(|order| order.0 == Side::Sell).map(|order| order.1).min()?;
        let mut best = None;
        for key in ask..=bid {
            let demand = self.sum(|side, limit| side == Side::Buy && limit >= key);
            let supply = self.sum(|side, limit| side == Side::Sell && limit <= key);
            let (qty, surplus) = (demand.min(supply), demand - supply);
            let rank = (-qty, surplus.abs(), key.abs_diff(reference), key);
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, Found { key, qty, surplus }));
            }
        }
        best.map(|(_, found)| found)
    }

    /// The search, interrupted after every `looks` orders.
    fn search(&self, reference: u32, looks: usize) -> Option<Found> {
        let mut discovery = Discovery::begin(&self.book)?;
        loop {
            let found = discovery.go_on(&self.book, &self.orders, reference, &mut { looks });
            if found.is_some() {
                return found;
            }
        }
    }
}

fn below(random: &mut u64, bound: u32) -> u32 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    u32::try_from((*random >> 11) % u64::from(bound)).expect("below a u32")
}

/// A book of a random shape: narrow or wide, sparse or dense, with quantities that often are equal.
fn random_scene(random: &mut u64) -> Scene {
    let mut scene = Scene::new();
    let width = [2, 4, 8, 20, KEYS - 2][below(random, 5) as usize];
    let first = 1 + below(random, KEYS - 1 - width);
    let sizes = [1, 2, 3, 9][below(random, 4) as usize];
    let sides = [5, 5, 5, 5, 1, 9][below(random, 6) as usize];
    for _ in 0..below(random, 14) {
        let side = if below(random, 10) < sides { Side::Buy } else { Side::Sell };
        let key = first + below(random, width);
        let shown = 1 + i64::from(below(random, sizes));
        let hidden = if below(random, 6) == 0 { 1 + i64::from(below(random, 5)) } else { 0 };
        scene.rest(side, key, shown, hidden);
    }
    scene
}

#[test]
fn the_search_agrees_with_every_tick() {
    let mut random = 88_172_645_463_325_252_u64;
    let (mut crossed, mut ties, mut between, mut one_sided) = (0_u64, 0_u64, 0_u64, 0_u64);
    for case in 0..CASES {
        let scene = random_scene(&mut random);
        let reference = below(&mut random, KEYS);
        let expected = scene.every_tick(reference);
        for looks in [1, 3, 4_096] {
            let found = scene.search(reference, looks);
            assert_eq!(found, expected, "case {case}, reference {reference}: {:?}", scene.list);
        }
        one_sided += u64::from(scene.list.windows(2).all(|pair| pair[0].0 == pair[1].0));
        let Some(found) = expected else { continue };
        crossed += 1;
        between += u64::from(scene.list.iter().all(|(_, key, _)| *key != found.key));
        ties += u64::from(found.surplus != 0 && found.key != reference);
    }
    let shapes = [crossed, ties, between, one_sided];
    assert!(shapes.iter().all(|&count| count > CASES >> 7), "every shape is met: {shapes:?}");
}

/// Bids of 10 at 12 and 5 at 10, asks of 10 at 9 and `more` at 11: every price from 9 to 12 matches 10.
fn touching(more: i64) -> Scene {
    let mut scene = Scene::new();
    scene.rest(Side::Buy, 12, 10, 0);
    scene.rest(Side::Buy, 10, 5, 0);
    scene.rest(Side::Sell, 9, 10, 0);
    scene.rest(Side::Sell, 11, more, 0);
    scene
}

#[test]
fn where_every_price_leaves_something_over_the_lesser_surplus_wins_then_the_reference_then_the_lower_price() {
    let found = |more, reference| {
        let scene = touching(more);
        let found = scene.search(reference, 1);
        assert_eq!(found, scene.every_tick(reference));
        found.map(|found| (found.key, found.surplus))
    };
    assert_eq!(found(6, 12), Some((10, 5)));
    assert_eq!(found(4, 9), Some((11, -4)));
    assert_eq!(found(5, 12), Some((12, -5)));
    assert_eq!(found(5, 3), Some((9, 5)));
    assert_eq!(found(5, 10), Some((10, 5)));
    let mut wide = touching(5);
    wide.rest(Side::Buy, 11, 1, 0);
    wide.rest(Side::Sell, 10, 1, 0);
    assert_eq!(wide.search(10, 1), wide.every_tick(10));
}

#[test]
fn a_book_that_does_not_cross_has_no_price() {
    let mut scene = Scene::new();
    assert!(Discovery::begin(&scene.book).is_none());
    scene.rest(Side::Buy, 10, 1, 0);
    assert!(Discovery::begin(&scene.book).is_none());
    scene.rest(Side::Sell, 11, 1, 0);
    assert!(Discovery::begin(&scene.book).is_none());
    scene.rest(Side::Sell, 10, 1, 3);
    assert_eq!(scene.search(40, 1), Some(Found { key: 10, qty: 1, surplus: -3 }));
}
