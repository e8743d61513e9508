//! What must every engine arrive at? A naive book that is too simple to be wrong.
//!
//! Invariant: each level is a map from arrival number to order, so that price-time priority is the order of the map.

use std::collections::BTreeMap;

use risk::Side;

use crate::random::mix;
use crate::workload::{Kind, Op};

/// Sums over all trades.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct Totals {
    /// Matches.
    pub trades: u64,
    /// Quantity matched.
    pub qty: u64,
    /// Price times quantity matched.
    pub notional: u64,
}

impl Totals {
    /// Adds a trade.
    #[inline]
    pub const fn add(&mut self, price: u64, qty: u64) {
        self.trades += 1;
        self.qty += qty;
        self.notional = self.notional.wrapping_add(price.wrapping_mul(qty));
    }
}

/// A hash of resting orders in priority order, buys first. Engines that can list their orders must agree on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Digest(u64);

impl Digest {
    /// Takes in the next order.
    pub const fn add(&mut self, side: Side, price: u64, id: u32, qty: u64) {
        self.0 = mix(self.0 ^ ((id as u64) << 1 | side as u64));
        self.0 = mix(self.0 ^ price);
        self.0 = mix(self.0 ^ qty);
    }

    /// The hash.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What a run must end in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expected {
    /// Trades, those of the prefill counted in.
    pub totals: Totals,
    /// Resting orders.
    pub resting: u64,
    /// Which ones.
    pub digest: u64,
}

/// A resting order.
#[derive(Clone, Copy, Debug)]
pub struct Resting {
    /// Side.
    pub side: Side,
    /// Limit.
    pub price: i64,
    /// What remains.
    pub qty: u32,
    arrival: u64,
}

/// The naive book.
#[derive(Debug)]
pub struct Reference {
    buys: BTreeMap<i64, BTreeMap<u64, u32>>,
    sells: BTreeMap<i64, BTreeMap<u64, u32>>,
    orders: Vec<Option<Resting>>,
    counts: [u32; 2],
    arrivals: u64,
    totals: Totals,
    last: i64,
    filled: Vec<u32>,
}

impl Reference {
    /// An empty book; `last` stands in for the price of the last trade.
    #[must_use]
    pub const fn new(last: i64) -> Self {
        Self {
            buys: BTreeMap::new(),
            sells: BTreeMap::new(),
            orders: Vec::new(),
            counts: [0; 2],
            arrivals: 0,
            totals: Totals { trades: 0, qty: 0, notional: 0 },
            last,
            filled: Vec::new(),
        }
    }

    /// Applies an operation; what remains unfilled of it.
    ///
    /// # Panics
    /// When an order is moved or reduced that does not rest; no flow does that.
    pub fn apply(&mut self, op: &Op) -> u32 {
        self.filled.clear();
        match op.kind {
            Kind::Add => {
                let rest = self.take(op.side, op.price, op.qty);
                self.rest(op.id, op.side, op.price, rest);
                rest
            }
            Kind::Immediate => self.take(op.side, op.price, op.qty),
            Kind::Cancel => self.remove(op.id).map_or(0, |order| order.qty),
            Kind::Reduce => {
                let order =
                    self.orders[op.id as usize].as_mut().expect("the generator reduces resting orders only");
                order.qty -= op.qty;
                order.qty
            }
            Kind::Move => {
                let order = self.remove(op.id).expect("the generator moves resting orders only");
                let rest = self.take(order.side, op.price, order.qty);
                self.rest(op.id, order.side, op.price, rest);
                rest
            }
        }
    }

    fn levels(&mut self, side: Side) -> &mut BTreeMap<i64, BTreeMap<u64, u32>> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    fn take(&mut self, side: Side, limit: i64, mut qty: u32) -> u32 {
        while qty > 0 {
            let best = match side {
                Side::Buy => self.sells.first_key_value().filter(|level| *level.0 <= limit),
                Side::Sell => self.buys.last_key_value().filter(|level| *level.0 >= limit),
            };
            let Some((&price, queue)) = best else { break };
            let (_, &id) = queue.first_key_value().expect("no empty level is kept");
            let maker = self.orders[id as usize].as_mut().expect("queued orders rest");
            let matched = qty.min(maker.qty);
            maker.qty -= matched;
            qty -= matched;
            let is_filled = maker.qty == 0;
            self.last = price;
            self.totals.add(price.unsigned_abs(), u64::from(matched));
            if is_filled {
                self.remove(id);
                self.filled.push(id);
            }
        }
        qty
    }

    fn rest(&mut self, id: u32, side: Side, price: i64, qty: u32) {
        if qty == 0 {
            return;
        }
        self.arrivals += 1;
        let arrival = self.arrivals;
        if self.orders.len() <= id as usize {
            self.orders.resize(id as usize + 1, None);
        }
        self.orders[id as usize] = Some(Resting { side, price, qty, arrival });
        self.counts[side as usize] += 1;
        self.levels(side).entry(price).or_default().insert(arrival, id);
    }

    fn remove(&mut self, id: u32) -> Option<Resting> {
        let order = self.orders.get_mut(id as usize)?.take()?;
        self.counts[order.side as usize] -= 1;
        let levels = self.levels(order.side);
        let queue = levels.get_mut(&order.price).expect("a resting order has a level");
        queue.remove(&order.arrival);
        if queue.is_empty() {
            levels.remove(&order.price);
        }
        Some(order)
    }

    /// A resting order.
    #[must_use]
    pub fn order(&self, id: u32) -> Option<&Resting> {
        self.orders.get(id as usize)?.as_ref()
    }

    /// Resting orders of a side.
    #[must_use]
    pub const fn count(&self, side: Side) -> u32 {
        self.counts[side as usize]
    }

    /// Price of the last trade.
    #[must_use]
    pub const fn last(&self) -> i64 {
        self.last
    }

    /// Makers the last operation filled.
    #[must_use]
    pub fn filled(&self) -> &[u32] {
        &self.filled
    }

    /// What an engine that got the same operations must have arrived at.
    ///
    /// # Panics
    /// Never: queued orders rest.
    #[must_use]
    pub fn expected(&self) -> Expected {
        let mut digest = Digest::default();
        let buys = self.buys.values().rev().flat_map(BTreeMap::values);
        let sells = self.sells.values().flat_map(BTreeMap::values);
        for &id in buys.chain(sells) {
            let order = self.order(id).expect("queued orders rest");
            digest.add(order.side, order.price.unsigned_abs(), id, u64::from(order.qty));
        }
        let resting = u64::from(self.counts[0]) + u64::from(self.counts[1]);
        Expected { totals: self.totals, resting, digest: digest.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(kind: Kind, side: Side, id: u32, price: i64, qty: u32) -> Op {
        Op { kind, side, qty, id, price }
    }

    #[test]
    fn matching_is_by_price_then_time_and_a_move_loses_time() {
        let mut book = Reference::new(100);
        book.apply(&op(Kind::Add, Side::Sell, 1, 102, 5));
        book.apply(&op(Kind::Add, Side::Sell, 2, 101, 5));
        book.apply(&op(Kind::Add, Side::Sell, 3, 101, 5));
        book.apply(&op(Kind::Move, Side::Sell, 2, 101, 5));
        assert_eq!(book.apply(&op(Kind::Immediate, Side::Buy, 4, 101, 7)), 0);
        assert_eq!(book.filled(), [3]);
        assert_eq!(book.order(2).map(|order| order.qty), Some(3));
        assert_eq!(book.apply(&op(Kind::Immediate, Side::Buy, 5, 101, 9)), 6);
        assert_eq!(book.expected().totals, Totals { trades: 3, qty: 10, notional: 1010 });
        assert_eq!(book.expected().resting, 1);
    }
}
