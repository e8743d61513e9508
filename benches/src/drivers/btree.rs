//! What does a straightforward book of the standard library reach? `BTreeMap` of `VecDeque`, a hash map from order to
//! place, a linear scan of the queue on removal.
#![expect(
    clippy::disallowed_types,
    reason = "the hash map is never iterated; it is what a straightforward book uses"
)]

use std::collections::{BTreeMap, HashMap, VecDeque};

use risk::Side;

use super::{Driver, Outcome, Part};
use crate::reference::{Digest, Totals};
use crate::workload::{Kind, Op};

struct Order {
    id: u32,
    qty: u64,
}

type Levels = BTreeMap<i64, VecDeque<Order>>;

/// The baseline.
#[derive(Default)]
pub(super) struct Baseline {
    buys: Levels,
    sells: Levels,
    places: HashMap<u32, (Side, i64)>,
    totals: Totals,
}

impl Baseline {
    const fn levels(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    fn take(&mut self, side: Side, limit: i64, mut qty: u64) -> u64 {
        while qty > 0 {
            let best = match side {
                Side::Buy => self.sells.first_entry().filter(|level| *level.key() <= limit),
                Side::Sell => self.buys.last_entry().filter(|level| *level.key() >= limit),
            };
            let Some(mut level) = best else { break };
            let price = level.key().unsigned_abs();
            let queue = level.get_mut();
            while qty > 0 {
                let Some(maker) = queue.front_mut() else { break };
                let matched = qty.min(maker.qty);
                maker.qty -= matched;
                qty -= matched;
                self.totals.add(price, matched);
                if maker.qty == 0 {
                    self.places.remove(&maker.id);
                    queue.pop_front();
                }
            }
            if queue.is_empty() {
                level.remove();
            }
        }
        qty
    }

    fn rest(&mut self, id: u32, side: Side, price: i64, qty: u64) {
        if qty > 0 {
            self.levels(side).entry(price).or_default().push_back(Order { id, qty });
            self.places.insert(id, (side, price));
        }
    }

    fn reduce(&mut self, id: u32, qty: u64) {
        let Some(&(side, price)) = self.places.get(&id) else { return };
        let queue = self.levels(side).get_mut(&price);
        if let Some(order) = queue.and_then(|queue| queue.iter_mut().find(|order| order.id == id)) {
            order.qty -= qty;
        }
    }

    fn remove(&mut self, id: u32) -> Option<(Side, u64)> {
        let (side, price) = self.places.remove(&id)?;
        let levels = self.levels(side);
        let queue = levels.get_mut(&price)?;
        let place = queue.iter().position(|order| order.id == id)?;
        let order = queue.remove(place)?;
        if queue.is_empty() {
            levels.remove(&price);
        }
        Some((side, order.qty))
    }
}

impl Driver for Baseline {
    type Input = Op;
    const REDUCES: bool = true;

    fn prepare(part: &Part<'_>) -> Vec<Op> {
        part.all.to_vec()
    }

    fn new(_: &Part<'_>) -> Self {
        Self::default()
    }

    fn apply(&mut self, op: &Op) {
        match op.kind {
            Kind::Add => {
                let rest = self.take(op.side, op.price, u64::from(op.qty));
                self.rest(op.id, op.side, op.price, rest);
            }
            Kind::Immediate => {
                self.take(op.side, op.price, u64::from(op.qty));
            }
            Kind::Cancel => {
                self.remove(op.id);
            }
            Kind::Reduce => self.reduce(op.id, u64::from(op.qty)),
            Kind::Move => {
                if let Some((side, qty)) = self.remove(op.id) {
                    let rest = self.take(side, op.price, qty);
                    self.rest(op.id, side, op.price, rest);
                }
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let mut digest = Digest::default();
        let mut resting = 0;
        let buys = self.buys.iter().rev().map(|level| (Side::Buy, level));
        let sells = self.sells.iter().map(|level| (Side::Sell, level));
        for (side, (price, queue)) in buys.chain(sells) {
            for order in queue {
                digest.add(side, price.unsigned_abs(), order.id, order.qty);
                resting += 1;
            }
        }
        Outcome { totals: self.totals, resting: Some(resting), digest: Some(digest.get()) }
    }
}
