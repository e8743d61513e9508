//! Orders that belong together: pairs of which one cancels the other, and exits that come with an entry; and how an
//! order ends.

use engine::{CancelReason, Event, OrderId, TrimReason};

use super::state::{Order, Stage};
use super::{Model, price, qty};

impl Model {
    /// Stores an accepted order.
    pub(crate) fn store(&mut self, order: &Order) {
        self.by_client.insert((order.session, order.client), order.id);
        self.owned.insert((order.account, order.id));
        if order.stage == Stage::Dormant {
            self.asleep.insert((order.instrument, order.id));
        }
        self.orders.insert(order.id, *order);
    }

    /// An order is no more, and no event is due for itself: whoever belongs to it is told nothing.
    fn drop_order(&mut self, id: OrderId) -> Order {
        let order = self.orders.remove(&id).expect("only orders that are not gone end");
        self.owned.remove(&(order.account, id));
        self.asleep.remove(&(order.instrument, id));
        self.waiting.retain(|&other| other != id);
        if let Some(partner) = order.partner {
            self.order_mut(partner).partner = None;
        }
        for exit in order.exits.into_iter().flatten() {
            self.order_mut(exit).parent = None;
        }
        if let Some(parent) = order.parent {
            for exit in &mut self.order_mut(parent).exits {
                *exit = exit.filter(|&exit| exit != id);
            }
        }
        order
    }

    /// An order is filled; a partner that has no quantity of its own yet goes with it.
    pub(crate) fn forget(&mut self, id: OrderId) {
        let order = self.drop_order(id);
        if let Some(partner) = order.partner
            && self.orders[&partner].leaves == 0
        {
            self.cancel(partner, CancelReason::Contingent);
        }
    }

    /// Cancels an order wherever it is; then what falls with it.
    pub(crate) fn cancel(&mut self, id: OrderId, reason: CancelReason) {
        self.leave(id);
        let order = self.drop_order(id);
        self.out.push(Event::Cancelled {
            order: id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            instrument: order.instrument,
            qty: qty(order.leaves),
            reason,
        });
        if let Some(partner) = order.partner
            && reason != CancelReason::Contingent
        {
            self.cancel(partner, CancelReason::Contingent);
        }
        if order.filled == 0 {
            for exit in order.exits.into_iter().flatten() {
                if self.orders.contains_key(&exit) {
                    self.cancel(exit, CancelReason::Contingent);
                }
            }
        }
    }

    /// A fill of an order: its pair partner shrinks, its exits grow.
    pub(crate) fn tell_of_fill(&mut self, id: OrderId, matched: i128) {
        let Order { partner, exits, .. } = self.orders[&id];
        if let Some(partner) = partner {
            let leaves = self.orders[&partner].leaves;
            if leaves > 0 && leaves <= matched {
                self.cancel(partner, CancelReason::Contingent);
            } else if leaves > 0 {
                self.order_mut(partner).lessen(matched);
                self.emit_trimmed(partner, TrimReason::Contingent);
            }
        }
        for exit in exits.into_iter().flatten() {
            self.feed(exit, matched);
        }
    }

    /// An exit gets the quantity of a fill of its entry; with the first it begins to wait.
    fn feed(&mut self, exit: OrderId, matched: i128) {
        let order = self.order_mut(exit);
        if !matches!(order.stage, Stage::Held | Stage::Dormant) {
            return;
        }
        order.leaves += matched;
        let begins = order.stage == Stage::Held;
        order.stage = Stage::Dormant;
        let instrument = order.instrument;
        if begins {
            let serial = self.next_serial();
            self.order_mut(exit).serial = serial;
            self.asleep.insert((instrument, exit));
        }
        self.emit_armed(exit);
        if begins {
            self.look_at_trigger(exit);
        }
    }

    pub(crate) fn emit_armed(&mut self, id: OrderId) {
        let order = self.orders[&id];
        let mut trigger = order.said.trigger.expect("only triggers are armed");
        trigger.price = price(self.trigger_price(&order));
        self.out.push(Event::Armed {
            order: id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            instrument: order.instrument,
            trigger,
            limit: price(order.price),
            leaves: qty(order.leaves),
        });
    }
}
