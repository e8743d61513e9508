//! Plays LOBSTER messages as orders on a venue, from the state a book row shows.
//!
//! | type | played as |
//! |---|---|
//! | 1 add | post-only limit order, so that the venue says where it would have traded |
//! | 2 partial cancel | amendment to a smaller total |
//! | 3 delete | cancel |
//! | 4 execution | immediate-or-cancel order from the other side; the venue's fill says who was first |
//! | 5, 6, 7 | nothing: they do not change the visible book |
//!
//! What a row shows and no message told of rests as one order per level, without a number of the exchange and without a
//! known place in the queue. A message about an order that is not held takes from it.
//!
//! Where the venue fills another order than the one the file names, the level is put back as the file has it: its orders
//! are cancelled and placed again in their order, so that one disagreement does not bring about the next.
//!
//! Invariant: what is held here is what the files say; what is counted as agreement is what the venue did.

use risk::{Price, Qty, Side};
use serde::Serialize;

use super::held::{Held, Order};
use super::passed::{Passed, Place};
use super::reason::Reason;
use super::row::Row;
use crate::flow::lobster::message::{Kind, Message};
use crate::market::floor::{Floor, Wanted, Way};

/// What was played, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// Executions of orders that a message added and whose level has been in sight since.
    pub executions: u64,
    /// Those the venue filled first in the queue of the best price.
    pub fifo_head: u64,
    /// Executions of other orders.
    pub executions_untold: u64,
    /// Messages about orders that are not held, at a price where too little rests that they could be about.
    pub untold: u64,
    /// Executions before which size without a known place was put behind.
    pub place_unknown: u64,
    /// Orders cancelled because an add would have met them.
    pub crossed_out: u64,
    /// Messages that take more off an order than remains of it.
    pub oversized: u64,
    /// Commands the venue refused against expectation.
    pub refused: u64,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Replay {
    pub(super) floor: Floor,
    pub(super) held: Held,
    /// Levels in sight.
    window: usize,
    /// Whether the rows say after each message what is in sight.
    pub(super) follows: bool,
    /// For each side the best price that has ever been the last in sight: what is worse has been out of sight.
    last_in_sight: [Option<Price>; 2],
    /// What was played, and how.
    pub counts: Counts,
    /// Executions out of turn.
    pub passed: Passed,
}

const fn index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

impl Replay {
    /// Places what `seed` shows, the state after the message `first`.
    ///
    /// # Errors
    /// Why the replay cannot start there.
    pub fn start(floor: Floor, seed: &Row, first: &Message, follows: bool) -> Result<Self, String> {
        let mut replay = Self {
            floor,
            held: Held::default(),
            window: seed.levels,
            follows,
            last_in_sight: [None; 2],
            counts: Counts::default(),
            passed: Passed::default(),
        };
        if seed.is_crossed() {
            return Err(
                "the best bid is not below the best ask; a matching book cannot start there".to_owned()
            );
        }
        let added = (first.kind == Kind::Add && !seed.hides(first.side, first.price)).then_some(first);
        let mut found = added.is_none();
        for side in [Side::Sell, Side::Buy] {
            for &(price, size) in seed.side(side) {
                let add = added.filter(|add| add.side == side && add.price == price && add.size <= size);
                let rest = add.map_or(size, |add| size - add.size);
                replay.adopt(side, price, rest);
                if let Some(add) = add {
                    found = true;
                    replay.add(add);
                }
            }
        }
        if !found {
            return Err(format!(
                "does not show the first message, an order of {} at {}; are the two files of the same stock, day \
                 and time?",
                first.size, first.price
            ));
        }
        replay.look();
        Ok(replay)
    }

    /// Plays a message.
    pub fn play(&mut self, message: &Message, place: Place) {
        match message.kind {
            Kind::Add => self.add(message),
            Kind::PartialCancel | Kind::Delete => self.cancel(message),
            Kind::Execution => self.execute(message, place),
            Kind::HiddenExecution | Kind::Cross | Kind::Halt => {}
        }
        self.look();
    }

    fn add(&mut self, message: &Message) {
        let (side, price, qty) = (message.side, message.price, message.size);
        for met in self.held.better(side.opposite(), price, true) {
            self.counts.crossed_out += self.drop_level(side.opposite(), met);
        }
        self.rest(side, price, qty, Some(message.order), true);
    }

    fn cancel(&mut self, message: &Message) {
        let Some(order) = self.held.by_exchange(message.order).copied().filter(|order| order.placed) else {
            self.take_untold(message);
            return;
        };
        let whole = message.kind == Kind::Delete;
        self.counts.oversized += u64::from(message.size > order.leaves);
        self.cut(&order, if whole { order.leaves } else { message.size });
    }

    fn execute(&mut self, message: &Message, place: Place) {
        self.passed.traded(message.order);
        let Some(order) = self.held.by_exchange(message.order).copied().filter(|order| order.placed) else {
            self.counts.executions_untold += 1;
            self.take_untold(message);
            return;
        };
        self.counts.executions += 1;
        self.counts.oversized += u64::from(message.size > order.leaves);
        let size = message.size.min(order.leaves);
        let expected = format!("order {} first at {}", message.order, order.price);
        let better = self.held.better(order.side, order.price, false);
        if let Some(best) = better.first() {
            let found = format!("a better price, {best}");
            let reason = self.why_better(order.side, &better);
            self.passed.note(place, expected, found, reason);
            self.cut(&order, size);
            return;
        }
        self.put_unplaced_behind(&order);
        if self.fills(&order, size) {
            self.counts.fifo_head += 1;
            return;
        }
        let before: Vec<u64> = self.before(&order).iter().filter_map(|one| one.exchange).collect();
        self.passed.note_passed(place, expected, message.order, &before);
        self.restore(&order, size);
    }

    /// Whether better prices were seen in the files; those that were not are dropped, for the market traded through them.
    fn why_better(&mut self, side: Side, better: &[Price]) -> Reason {
        let unseen =
            |price: &Price| self.held.level(side, *price).is_some_and(|level| level.left) && !self.follows;
        if !better.iter().all(unseen) {
            return Reason::BetterShown;
        }
        for &price in better {
            self.drop_level(side, price);
        }
        Reason::BetterUnseen
    }

    /// Takes from what rests at the message's price without a known place: first from the order it names, then from the size
    /// nobody told of, then from orders of a level that has been out of sight, where they may have been exchanged for
    /// others.
    fn take_untold(&mut self, message: &Message) {
        let mut size = message.size;
        let mut unplaced = self.held.queue(message.side, message.price);
        unplaced.retain(|order| !order.placed);
        unplaced.sort_by_key(|order| (order.exchange != Some(message.order), order.exchange.is_some()));
        for order in unplaced {
            let part = size.min(order.leaves);
            if part == Qty::ZERO {
                break;
            }
            if message.kind == Kind::Execution {
                self.take(&order, part);
            } else {
                self.cut(&order, part);
            }
            size -= part;
        }
        self.counts.untold += u64::from(size > Qty::ZERO);
    }

    /// Executes an order whose place is not known: as a trade where it is first, else as a cut.
    fn take(&mut self, order: &Order, size: Qty) {
        let is_best = self.held.prices(order.side).next() == Some(order.price);
        if !(is_best && self.before(order).is_empty()) {
            self.cut(order, size);
        } else if !self.fills(order, size) {
            self.counts.refused += 1;
            self.restore(order, size);
        }
    }

    /// Sends a taker for `size` at the order's price; whether the venue filled this order with all of it.
    fn fills(&mut self, order: &Order, size: Qty) -> bool {
        let side = order.side.opposite();
        let taker = Wanted { side, limit: Some(order.price), qty: size, way: Way::Immediate };
        let outcome = self.floor.place(taker);
        self.counts.refused += u64::from(outcome.refused.is_some());
        let first = outcome.matches.first();
        if !first.is_some_and(|first| first.maker == order.number && first.qty == size) {
            return false;
        }
        if let Some(held) = self.held.order_mut(order.number) {
            held.leaves -= size;
            held.filled += size;
            if held.leaves == Qty::ZERO {
                self.forget(order);
            }
        }
        true
    }

    /// The orders before one in its queue.
    fn before(&self, order: &Order) -> Vec<Order> {
        let queue = self.held.queue(order.side, order.price);
        queue.into_iter().take_while(|other| other.number != order.number).collect()
    }

    /// Nobody knows that size without a known place stands before this order, so it is put behind.
    fn put_unplaced_behind(&mut self, order: &Order) {
        let unplaced: Vec<Order> = self.before(order).into_iter().filter(|other| !other.placed).collect();
        self.counts.place_unknown += u64::from(!unplaced.is_empty());
        for other in unplaced {
            self.withdraw(&other);
            self.rest(other.side, other.price, other.leaves, other.exchange, false);
        }
    }

    /// Puts the order's level back as the file has it after the order was executed.
    fn restore(&mut self, executed: &Order, size: Qty) {
        let (side, price) = (executed.side, executed.price);
        let left = self.held.level(side, price).is_some_and(|level| level.left);
        let queue = self.held.queue(side, price);
        for order in &queue {
            // The taker may have filled it whole.
            let _gone = self.floor.cancel(order.number, side).is_err();
            self.held.remove(order.number);
        }
        for order in queue {
            let leaves = if order.number == executed.number { order.leaves - size } else { order.leaves };
            if leaves > Qty::ZERO {
                self.rest(side, price, leaves, order.exchange, order.placed);
            } else if let Some(exchange) = order.exchange {
                self.passed.gone(exchange);
            }
        }
        if let Some(level) = self.held.level_mut(side, price) {
            level.left = left;
        }
    }

    /// Takes `size` off an order without a trade; all of it, and the order is cancelled.
    fn cut(&mut self, order: &Order, size: Qty) {
        if size >= order.leaves {
            self.counts.refused += u64::from(self.floor.cancel(order.number, order.side).is_err());
            self.forget(order);
            return;
        }
        let leaves = order.leaves - size;
        let cut = self.floor.cut(order.number, order.side, order.price, order.filled + leaves);
        self.counts.refused += u64::from(cut.is_err());
        if let Some(held) = self.held.order_mut(order.number) {
            held.leaves = leaves;
        }
    }

    /// The file ended the order.
    fn forget(&mut self, order: &Order) {
        self.held.remove(order.number);
        if let Some(exchange) = order.exchange {
            self.passed.gone(exchange);
        }
    }

    fn withdraw(&mut self, order: &Order) {
        self.counts.refused += u64::from(self.floor.cancel(order.number, order.side).is_err());
        self.held.remove(order.number);
    }

    /// Places a resting order at the end of its level.
    fn rest(&mut self, side: Side, price: Price, qty: Qty, exchange: Option<u64>, placed: bool) {
        let is_new = self.held.level(side, price).is_none();
        let outcome = self.floor.place(Wanted { side, limit: Some(price), qty, way: Way::PostOnly });
        if outcome.refused.is_some() {
            self.counts.refused += 1;
            return;
        }
        let (number, leaves, filled) = (outcome.number, qty, Qty::ZERO);
        self.held.insert(Order { number, exchange, side, price, leaves, filled, placed });
        if is_new {
            self.push_out(side, price);
        }
    }

    /// Size that a row shows and no message told of.
    pub(super) fn adopt(&mut self, side: Side, price: Price, qty: Qty) {
        if qty > Qty::ZERO {
            self.rest(side, price, qty, None, false);
        }
    }

    /// Cancels all orders of a level; how many.
    pub(super) fn drop_level(&mut self, side: Side, price: Price) -> u64 {
        let mut count = 0;
        for order in self.held.queue(side, price) {
            self.withdraw(&order);
            if let Some(exchange) = order.exchange {
                self.passed.lost(exchange);
            }
            count += 1;
        }
        count
    }

    /// A new level at `price` pushes the last level in sight out of it, or is out of sight itself.
    fn push_out(&mut self, side: Side, price: Price) {
        let better = self.held.prices(side).take(self.window).take_while(|&at| at != price).count();
        let out = if better >= self.window { Some(price) } else { self.held.prices(side).nth(self.window) };
        let Some(out) = out else { return };
        let Some(level) = self.held.level_mut(side, out) else { return };
        if std::mem::replace(&mut level.left, true) || !self.follows {
            return;
        }
        for number in level.queue.clone() {
            if let Some(order) = self.held.order_mut(number) {
                order.placed = false;
            }
        }
    }

    /// Notes how far one can see now.
    pub(super) fn look(&mut self) {
        for side in [Side::Buy, Side::Sell] {
            let Some(last) = self.held.prices(side).nth(self.window.saturating_sub(1)) else { continue };
            let known = &mut self.last_in_sight[index(side)];
            *known = Some(known.map_or(last, |before| match side {
                Side::Buy => before.max(last),
                Side::Sell => before.min(last),
            }));
        }
    }

    /// Whether `price` has been behind the levels in sight at some time.
    pub(super) fn was_out_of_sight(&self, side: Side, price: Price) -> bool {
        self.last_in_sight[index(side)].is_some_and(|last| super::row::is_better(side, last, price))
    }
}
