//! One instrument's order book: two ladders and the best price of each.
//!
//! Invariant: the book is crossed only where orders joined it without taking; within a level, orders stand in the order they joined it.
//! The book knows prices in ticks and quantities; it knows nothing of accounts' money.

use crate::ladder::{Ladder, NIL};
use crate::orders::Orders;
use risk::{OrderSlot, Qty, Side};

/// Order book of one instrument.
#[derive(Debug)]
pub struct Book {
    bids: Ladder,
    asks: Ladder,
    best_bid: Option<u32>,
    best_ask: Option<u32>,
}

impl Book {
    /// An empty book for prices below `keys` ticks.
    pub fn new(keys: u32) -> Self {
        Self { bids: Ladder::new(keys), asks: Ladder::new(keys), best_bid: None, best_ask: None }
    }

    /// Best price of a side, in ticks.
    #[inline]
    pub const fn best(&self, side: Side) -> Option<u32> {
        match side {
            Side::Buy => self.best_bid,
            Side::Sell => self.best_ask,
        }
    }

    /// Whether an order on `side` limited to `limit` ticks would meet resting orders.
    #[inline]
    pub fn crosses(&self, side: Side, limit: u32) -> bool {
        match side {
            Side::Buy => self.best_ask.is_some_and(|ask| ask <= limit),
            Side::Sell => self.best_bid.is_some_and(|bid| bid >= limit),
        }
    }

    /// Whether its own orders would match with each other.
    pub(crate) fn is_crossed(&self) -> bool {
        matches!((self.best_bid, self.best_ask), (Some(bid), Some(ask)) if bid >= ask)
    }

    /// The first of the best bids and of the best asks, where both admit a match at `key`.
    pub(crate) fn pair_at(&self, key: u32) -> Option<(OrderSlot, OrderSlot)> {
        let bid = self.best_bid.filter(|&bid| bid >= key)?;
        let ask = self.best_ask.filter(|&ask| ask <= key)?;
        let (buy, sell) = (self.bids.head(bid), self.asks.head(ask));
        (buy != NIL && sell != NIL).then(|| (OrderSlot::new(buy), OrderSlot::new(sell)))
    }

    /// The order that a taker on `side` limited to `limit` ticks meets next.
    #[inline]
    pub fn front(&self, side: Side, limit: u32) -> Option<OrderSlot> {
        if !self.crosses(side, limit) {
            return None;
        }
        let resting = side.opposite();
        let head = self.ladder(resting).head(self.best(resting)?);
        (head != NIL).then(|| OrderSlot::new(head))
    }

    /// The order behind `slot` in a taker's way: next in its level, else first of the next worse level.
    pub fn behind(&self, orders: &Orders, slot: OrderSlot, side: Side, limit: u32) -> Option<OrderSlot> {
        let next = orders.next_of(slot);
        if next != NIL {
            return Some(OrderSlot::new(next));
        }
        let key = orders.get(slot).key;
        let level = match side {
            Side::Buy => self.asks.at_or_above(key.checked_add(1)?).filter(|&ask| ask <= limit),
            Side::Sell => self.bids.at_or_below(key.checked_sub(1)?).filter(|&bid| bid >= limit),
        }?;
        let head = self.ladder(side.opposite()).head(level);
        (head != NIL).then(|| OrderSlot::new(head))
    }

    /// Puts an order at the end of its level.
    #[inline]
    pub fn rest(&mut self, orders: &mut Orders, slot: OrderSlot) {
        let order = orders.get(slot);
        let (side, key, leaves) = (order.side(), order.key, order.leaves.get());
        orders.set_resting(slot, true);
        match side {
            Side::Buy => {
                self.bids.push_back(key, slot.get(), leaves, orders);
                self.best_bid = self.best_bid.max(Some(key));
            }
            Side::Sell => {
                self.asks.push_back(key, slot.get(), leaves, orders);
                self.best_ask = Some(self.best_ask.map_or(key, |best| best.min(key)));
            }
        }
    }

    /// Takes an order out of the book.
    #[inline]
    pub fn remove(&mut self, orders: &mut Orders, slot: OrderSlot) {
        let order = orders.get(slot);
        let (side, key, leaves) = (order.side(), order.key, order.leaves.get());
        orders.set_resting(slot, false);
        match side {
            Side::Buy => {
                if self.bids.remove(key, slot.get(), leaves, orders) && self.best_bid == Some(key) {
                    self.best_bid = self.bids.at_or_below(key);
                }
            }
            Side::Sell => {
                if self.asks.remove(key, slot.get(), leaves, orders) && self.best_ask == Some(key) {
                    self.best_ask = self.asks.at_or_above(key);
                }
            }
        }
    }

    /// Takes `qty` off a resting order, fill or not, and keeps its place; the caller changes the order itself.
    #[inline]
    pub fn reduce(&mut self, side: Side, key: u32, qty: Qty) {
        match side {
            Side::Buy => self.bids.reduce(key, qty.get()),
            Side::Sell => self.asks.reduce(key, qty.get()),
        }
    }

    pub(crate) const fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// Verifies levels and best prices. Whether it may be crossed, its instrument's state says.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub(crate) fn check(&self, orders: &mut Orders) -> u32 {
        use crate::ladder::Nodes;
        let mut count = 0;
        for side in [Side::Buy, Side::Sell] {
            for (key, head, qty) in self.ladder(side).occupied() {
                let (mut at, mut prev, mut sum) = (head, NIL, 0);
                while at != NIL {
                    let order = *orders.get(OrderSlot::new(at));
                    assert!(
                        order.is_resting() && order.side() == side && order.key == key,
                        "order in its level"
                    );
                    assert!(order.leaves > Qty::ZERO, "no empty order rests");
                    let link = *orders.link(at);
                    assert!(link.prev == prev, "links agree");
                    (prev, at) = (at, link.next);
                    sum += order.leaves.get();
                    count += 1;
                }
                assert!(sum == qty && sum > 0, "level quantity");
            }
        }
        assert!(self.best_bid == self.bids.at_or_below(u32::MAX), "best bid");
        assert!(self.best_ask == self.asks.at_or_above(0), "best ask");
        count
    }
}
