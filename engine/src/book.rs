//! One instrument's order book: two ladders and the best price of each.
//!
//! Invariant: the book is crossed only where orders joined it without taking; within a level, orders stand in the order they joined it.
//! The book knows prices in ticks and quantities; it knows nothing of accounts' money.

use crate::ahead::Distance;
use crate::command::OrderId;
use crate::ladder::{Ladder, NIL};
use crate::orders::Orders;
use risk::{OrderSlot, Qty, Side};

/// Order book of one instrument.
#[derive(Debug)]
pub struct Book {
    /// By side: which one an operation goes to is a coin toss, so it chooses an address and not a branch.
    ladders: [Ladder; 2],
    /// Rank of the best price of each side.
    best: [u64; 2],
}

/// Rank of the best price of an empty side: behind every price.
const NONE: u64 = u64::MAX;

/// Turns a price into its rank on a side and back: ranks fall as prices get better.
#[inline]
const fn flip(side: Side, key: u32) -> u32 {
    match side {
        Side::Buy => !key,
        Side::Sell => key,
    }
}

#[inline]
fn rank(side: Side, key: u32) -> u64 {
    u64::from(flip(side, key))
}

impl Book {
    /// An empty book for prices below `keys` ticks.
    pub fn new(keys: u32) -> Self {
        Self { ladders: [Ladder::new(keys), Ladder::new(keys)], best: [NONE; 2] }
    }

    /// Best price of a side, in ticks.
    #[inline]
    pub fn best(&self, side: Side) -> Option<u32> {
        u32::try_from(self.best[side as usize]).ok().map(|rank| flip(side, rank))
    }

    /// Whether an order on `side` limited to `limit` ticks would meet resting orders.
    #[inline]
    pub fn crosses(&self, side: Side, limit: u32) -> bool {
        let resting = side.opposite();
        self.best[resting as usize] <= rank(resting, limit)
    }

    /// Whether its own orders would match with each other.
    pub(crate) fn is_crossed(&self) -> bool {
        matches!((self.best(Side::Buy), self.best(Side::Sell)), (Some(bid), Some(ask)) if bid >= ask)
    }

    /// The first of the best bids and of the best asks, where both admit a match at `key`.
    pub(crate) fn pair_at(&self, key: u32) -> Option<(OrderSlot, OrderSlot)> {
        let bid = self.best(Side::Buy).filter(|&bid| bid >= key)?;
        let ask = self.best(Side::Sell).filter(|&ask| ask <= key)?;
        let (buy, sell) = (self.ladder(Side::Buy).head(bid), self.ladder(Side::Sell).head(ask));
        (buy != NIL && sell != NIL).then(|| (OrderSlot::new(buy), OrderSlot::new(sell)))
    }

    /// The order that a taker on `side` limited to `limit` ticks meets next.
    #[inline]
    pub fn front(&self, side: Side, limit: u32) -> Option<OrderSlot> {
        let resting = side.opposite();
        let best = self.best[resting as usize];
        if best > rank(resting, limit) {
            return None;
        }
        let head = self.ladder(resting).head(flip(resting, u32::try_from(best).ok()?));
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
            Side::Buy => self.ladder(Side::Sell).at_or_above(key.checked_add(1)?).filter(|&ask| ask <= limit),
            Side::Sell => self.ladder(Side::Buy).at_or_below(key.checked_sub(1)?).filter(|&bid| bid >= limit),
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
        self.ladders[side as usize].push_back(key, slot.get(), leaves, orders);
        let best = &mut self.best[side as usize];
        *best = rank(side, key).min(*best);
    }

    /// Takes an order out of the book.
    #[inline]
    pub fn remove(&mut self, orders: &mut Orders, slot: OrderSlot) {
        let order = orders.get(slot);
        let (side, key, leaves) = (order.side(), order.key, order.leaves.get());
        orders.set_resting(slot, false);
        let is_empty = self.ladders[side as usize].remove(key, slot.get(), leaves, orders);
        if is_empty & (self.best[side as usize] == rank(side, key)) {
            self.best[side as usize] = self.next_best(side, key);
        }
    }

    /// Rank of the best price of a side whose best was `key` so far.
    #[inline(never)]
    fn next_best(&self, side: Side, key: u32) -> u64 {
        let ladder = self.ladder(side);
        let next = match side {
            Side::Buy => ladder.at_or_below(key),
            Side::Sell => ladder.at_or_above(key),
        };
        next.map_or(NONE, |next| rank(side, next))
    }

    /// Takes `qty` off a resting order, fill or not, and keeps its place; the caller changes the order itself.
    #[inline]
    pub fn reduce(&mut self, side: Side, key: u32, qty: Qty) {
        self.ladders[side as usize].reduce(key, qty.get());
    }

    /// Takes a match of `qty` off a resting order that shows all it has; filled whole, it leaves. What remains.
    #[inline]
    pub fn fill(&mut self, orders: &mut Orders, slot: OrderSlot, qty: Qty) -> Qty {
        let order = orders.get(slot);
        let (side, key) = (order.side(), order.key);
        if order.leaves == qty {
            self.remove(orders, slot);
        } else {
            self.reduce(side, key, qty);
        }
        orders.fill(slot, qty)
    }

    /// Announces that the order of this number will leave its level.
    #[inline]
    pub fn announce_removal(&self, orders: &Orders, id: OrderId, distance: Distance) {
        match distance {
            Distance::Far => orders.fetch(id),
            Distance::Near => {
                if let Some(order) = orders.fetch_neighbours(id) {
                    self.ladder(order.side()).fetch(order.key);
                }
            }
        }
    }

    /// Announces that an order will come to rest on `side` at `key`.
    #[inline]
    pub fn announce_rest(&self, orders: &Orders, side: Side, key: u32, distance: Distance) {
        match distance {
            Distance::Far => self.ladder(side).fetch(key),
            Distance::Near => orders.fetch_slot(self.ladder(side).tail(key)),
        }
    }

    pub(crate) const fn ladder(&self, side: Side) -> &Ladder {
        &self.ladders[side as usize]
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
        let (bid, ask) = (self.best(Side::Buy), self.best(Side::Sell));
        assert!(bid == self.ladder(Side::Buy).at_or_below(u32::MAX), "best bid");
        assert!(ask == self.ladder(Side::Sell).at_or_above(0), "best ask");
        count
    }
}
