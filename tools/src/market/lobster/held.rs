//! What the replay has at the venue, order by order: the queue of each level, and which of its orders are known.
//!
//! Invariant: an order is in the queue of its level, and a level that is kept has an order. It is what the files say, while
//! the venue says who is first. Cost: O(log orders), and the length of one queue.

use std::collections::BTreeMap;

use engine::ClientOrderId;
use risk::{Price, Qty, Side};

use super::row::is_better;

/// An order at the venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Its number at the venue.
    pub number: ClientOrderId,
    /// The exchange's number; none for size that a row shows and no message told of.
    pub exchange: Option<u64>,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// What remains.
    pub leaves: Qty,
    /// Filled at the venue.
    pub filled: Qty,
    /// Whether its place in the queue is known: its level has been in sight ever since it was added.
    pub placed: bool,
}

/// A price with orders.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Level {
    /// First in, first out.
    pub queue: Vec<ClientOrderId>,
    /// Whether it has been behind the levels in sight, where orders come and go untold.
    pub left: bool,
}

/// The orders of both sides.
#[derive(Debug, Default)]
pub struct Held {
    orders: BTreeMap<ClientOrderId, Order>,
    numbers: BTreeMap<u64, ClientOrderId>,
    bids: BTreeMap<Price, Level>,
    asks: BTreeMap<Price, Level>,
}

impl Held {
    /// Puts an order at the end of its level.
    pub fn insert(&mut self, order: Order) {
        if let Some(exchange) = order.exchange {
            // A number that is added twice names the later order from now on.
            self.numbers.insert(exchange, order.number);
        }
        self.side_mut(order.side).entry(order.price).or_default().queue.push(order.number);
        self.orders.insert(order.number, order);
    }

    /// The order with this number at the exchange.
    #[must_use]
    pub fn by_exchange(&self, exchange: u64) -> Option<&Order> {
        self.orders.get(self.numbers.get(&exchange)?)
    }

    /// An order that can be changed; not its side or price.
    pub fn order_mut(&mut self, number: ClientOrderId) -> Option<&mut Order> {
        self.orders.get_mut(&number)
    }

    /// Forgets an order, and its level with the last.
    pub fn remove(&mut self, number: ClientOrderId) -> Option<Order> {
        let order = self.orders.remove(&number)?;
        if let Some(exchange) = order.exchange
            && self.numbers.get(&exchange) == Some(&number)
        {
            self.numbers.remove(&exchange);
        }
        let side = self.side_mut(order.side);
        if let Some(level) = side.get_mut(&order.price) {
            level.queue.retain(|&other| other != number);
            if level.queue.is_empty() {
                side.remove(&order.price);
            }
        }
        Some(order)
    }

    /// A level.
    #[must_use]
    pub fn level(&self, side: Side, price: Price) -> Option<&Level> {
        self.side(side).get(&price)
    }

    /// A level that can be marked.
    pub fn level_mut(&mut self, side: Side, price: Price) -> Option<&mut Level> {
        self.side_mut(side).get_mut(&price)
    }

    /// The orders of a level, first in the queue first.
    #[must_use]
    pub fn queue(&self, side: Side, price: Price) -> Vec<Order> {
        let numbers = self.level(side, price).map(|level| level.queue.as_slice()).unwrap_or_default();
        numbers.iter().filter_map(|number| self.orders.get(number)).copied().collect()
    }

    /// What rests at a price.
    #[must_use]
    pub fn size(&self, side: Side, price: Price) -> Qty {
        self.queue(side, price).iter().fold(Qty::ZERO, |sum, order| sum + order.leaves)
    }

    /// Prices of a side, best first.
    pub fn prices(&self, side: Side) -> Box<dyn Iterator<Item = Price> + '_> {
        match side {
            Side::Buy => Box::new(self.bids.keys().rev().copied()),
            Side::Sell => Box::new(self.asks.keys().copied()),
        }
    }

    /// Prices of a side that are better than `price`, or equal to it where `with_equal`, best first.
    #[must_use]
    pub fn better(&self, side: Side, price: Price, with_equal: bool) -> Vec<Price> {
        let is_met = |&at: &Price| is_better(side, at, price) || with_equal && at == price;
        self.prices(side).take_while(is_met).collect()
    }

    fn side(&self, side: Side) -> &BTreeMap<Price, Level> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<Price, Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}
