//! The price of a call auction, found over the occupied levels of a crossed book.
//!
//! Between two occupied levels volume and surplus do not change, so the best prices form one range, or two that touch.
//! Both sides are counted from the best price on, always the side that is short; where neither side goes on crossing,
//! the range is known. Invariant: the search looks only at levels that trade and at the first one behind them, and it
//! can stop after any order. Icebergs count whole.

use crate::book::Book;
use crate::ladder::NIL;
use crate::orders::Orders;
use risk::{OrderSlot, Side};

/// A price and what matches there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    /// The price, in ticks.
    pub(crate) key: u32,
    /// Quantity that matches.
    pub(crate) qty: i64,
    /// What remains at the price: bought less sold.
    pub(crate) surplus: i64,
}

/// The levels of one side from the best price on, counted.
#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Count {
    side: Side,
    /// The level it has come to, in ticks.
    key: u32,
    /// Quantity of the levels up to this one; of this one what stands before `next`.
    qty: i64,
    /// The order of this level that is counted next, or none.
    next: OrderSlot,
}

impl Count {
    fn begin(book: &Book, side: Side, key: u32) -> Self {
        Self { side, key, qty: 0, next: head(book, side, key) }
    }

    /// Goes on to a level further from the touch.
    fn enter(&mut self, book: &Book, key: u32) {
        (self.key, self.next) = (key, head(book, self.side, key));
    }

    /// Counts the level to its end; `false` when there are not enough looks.
    fn finish_level(&mut self, orders: &Orders, looks: &mut usize) -> bool {
        while let Some(slot) = self.next.some() {
            if *looks == 0 {
                return false;
            }
            *looks -= 1;
            self.qty = self.qty.saturating_add(orders.leaves(slot).get());
            self.next = orders.next_in_level(slot);
        }
        true
    }

    /// The next level further from the touch.
    fn worse(&self, book: &Book) -> Option<u32> {
        match self.side {
            Side::Buy => self.key.checked_sub(1).and_then(|below| book.ladder(Side::Buy).at_or_below(below)),
            Side::Sell => {
                self.key.checked_add(1).and_then(|above| book.ladder(Side::Sell).at_or_above(above))
            }
        }
    }
}

fn head(book: &Book, side: Side, key: u32) -> OrderSlot {
    let head = book.ladder(side).head(key);
    if head == NIL { OrderSlot::NONE } else { OrderSlot::new(head) }
}

/// The levels that trade, and what they match, where the next level of each side is looked at too.
#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Tie {
    bid: u32,
    ask: u32,
    matched: i64,
}

/// A search, and how far it is.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(crate) struct Discovery {
    bids: Count,
    asks: Count,
    /// Both sides match whole, and no price lies between the levels behind them.
    tie: Option<Tie>,
}

impl Discovery {
    /// A search in a crossed book.
    pub(crate) fn begin(book: &Book) -> Option<Self> {
        let (bid, ask) = (book.best(Side::Buy)?, book.best(Side::Sell)?);
        let count = |side, key| Count::begin(book, side, key);
        (bid >= ask).then(|| Self { bids: count(Side::Buy, bid), asks: count(Side::Sell, ask), tie: None })
    }

    /// Goes on until the price nearest to `reference` is found, or the looks at orders are used up.
    pub(crate) fn go_on(
        &mut self,
        book: &Book,
        orders: &Orders,
        reference: u32,
        looks: &mut usize,
    ) -> Option<Found> {
        while self.bids.finish_level(orders, looks) && self.asks.finish_level(orders, looks) {
            let found = match self.tie {
                Some(tie) => Some(self.break_tie(book, tie, reference)),
                None => self.extend(book, reference),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Lets the side that is short count one level more where that still crosses; else the price.
    fn extend(&mut self, book: &Book, reference: u32) -> Option<Found> {
        let (bid, ask) = (self.bids.key, self.asks.key);
        let (lower, higher) = (self.bids.worse(book), self.asks.worse(book));
        let (demand, supply) = (self.bids.qty, self.asks.qty);
        match (lower, higher) {
            (Some(lower), _) if demand < supply && lower >= ask => self.bids.enter(book, lower),
            (_, Some(higher)) if supply < demand && higher <= bid => self.asks.enter(book, higher),
            // Nothing is left over so far, and the levels behind match with each other or leave no price between them.
            (Some(lower), Some(higher)) if demand == supply && lower + 1 >= higher => {
                self.tie = (lower < higher).then_some(Tie { bid, ask, matched: demand });
                self.bids.enter(book, lower);
                self.asks.enter(book, higher);
            }
            _ => {
                let from = lower.map_or(ask, |key| ask.max(key + 1));
                let to = higher.map_or(bid, |key| bid.min(key - 1));
                let key = reference.clamp(from, to);
                return Some(Found { key, qty: demand.min(supply), surplus: demand - supply });
            }
        }
        None
    }

    /// Every price leaves something over: what the next bids have more, or the next asks.
    fn break_tie(&self, book: &Book, tie: Tie, reference: u32) -> Found {
        let Tie { bid, ask, matched } = tie;
        let from = self.bids.worse(book).map_or(ask, |key| ask.max(key + 1));
        let to = self.asks.worse(book).map_or(bid, |key| bid.min(key - 1));
        let low = reference.clamp(from, self.bids.key);
        let high = reference.clamp(self.asks.key, to);
        let (bought, sold) = (self.bids.qty - matched, self.asks.qty - matched);
        let left = (bought, low.abs_diff(reference));
        let right = (sold, high.abs_diff(reference));
        if left <= right {
            Found { key: low, qty: matched, surplus: bought }
        } else {
            Found { key: high, qty: matched, surplus: -sold }
        }
    }
}

#[cfg(test)]
mod tests;
