//! What follows up on a command: crossed triggers fire, then the orders whose turn comes take, one by one.

use engine::{CancelReason, Event, OrderId, Pricing};
use risk::Restriction;

use super::Model;
use super::state::{Order, Stage};
use super::{price, qty};

impl Model {
    /// Whether a crossed trigger or an order waits.
    pub(crate) fn has_follow_up(&self) -> bool {
        !self.crossed.is_empty() || !self.waiting.is_empty()
    }

    /// Whether something of higher rank is left over.
    pub(crate) fn held_up(&self) -> bool {
        self.suspended.is_some()
            || !self.sweeps.is_empty()
            || self.uncrossing.is_some()
            || self.firing.is_some()
            || self.waking
    }

    /// Fires and lets take, as far as the command's work goes.
    pub(crate) fn follow_up(&mut self) {
        while self.work > 0 && !self.held_up() {
            if let Some(id) = self.next_crossed() {
                self.work -= 1;
                self.fire(id);
            } else if let Some(id) = self.waiting.pop_front() {
                self.work -= 1;
                self.turn(id);
            } else {
                break;
            }
        }
        self.forget_crossings();
    }

    /// An order's turn: checked anew, then it takes.
    fn turn(&mut self, id: OrderId) {
        if let Err(reason) = self.check_turn(id).and_then(|()| self.check_take(id)) {
            self.cancel(id, reason);
            return;
        }
        self.start_taker(id);
    }

    /// What an order may still be at its turn; one that fired becomes an order like any other.
    fn check_turn(&mut self, id: OrderId) -> Result<(), CancelReason> {
        let order = self.orders[&id];
        let owner = self.accounts[&order.account];
        if owner.liquidating {
            return Err(CancelReason::Liquidation);
        }
        let forbidden = match owner.restriction {
            Restriction::Suspended => true,
            Restriction::ReduceOnly => !order.reduce_only,
            Restriction::None => false,
        };
        if forbidden {
            return Err(CancelReason::Suspended);
        }
        if !self.admits(&order) {
            return Err(CancelReason::TradingState);
        }
        if order.fired { self.activate(order) } else { Ok(()) }
    }

    /// Gives an order that fired its price and quantity, and holds it against the limits.
    fn activate(&mut self, mut order: Order) -> Result<(), CancelReason> {
        let held = self.leg(order.account, order.instrument).position;
        if order.said.pricing == Pricing::ClosePosition {
            order.leaves = held.abs();
        }
        if order.reduce_only {
            if !self.closes(&order) {
                return Err(CancelReason::ReduceOnly);
            }
            order.leaves = order.leaves.min(held.abs());
        }
        let market = order.price == 0;
        order.time_in_force = order.life();
        order.price = self.effective_price(&order).ok_or(CancelReason::Unfillable)?;
        self.check_size(&order, market).map_err(|_| CancelReason::Limit)?;
        let now = self.weighing(order.account);
        self.check_exposure(&order, &now, None).map_err(|_| CancelReason::Limit)?;
        self.check_margin(&order, &now, None).map_err(|_| CancelReason::Margin)?;
        self.feed_order(&order, None);
        order.fired = false;
        order.placed = self.next_place();
        self.orders.insert(order.id, order);
        self.out.push(Event::Activated {
            order: order.id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            instrument: order.instrument,
            limit: price(order.price),
            leaves: qty(order.leaves),
        });
        Ok(())
    }

    /// What depends on the book as it stands at an order's turn.
    fn check_take(&mut self, id: OrderId) -> Result<(), CancelReason> {
        let order = self.orders[&id];
        if order.post_only && self.would_cross(order.instrument, order.side, order.price) {
            let slid = self.slid_price(&order).ok_or(CancelReason::PostOnly)?;
            let placed = self.next_place();
            let order = self.order_mut(id);
            (order.price, order.placed) = (slid, placed);
            self.emit_amended(id, false);
        }
        if self.check_fillable(&order).is_err() {
            return Err(CancelReason::Unfillable);
        }
        Ok(())
    }

    /// A trigger fires: its pair partner goes, and it waits for its turn.
    fn fire(&mut self, id: OrderId) {
        let order = self.orders[&id];
        let at = self.crossing_price(&order);
        self.out.push(Event::Triggered {
            order: id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            instrument: order.instrument,
            trigger: price(self.trigger_price(&order)),
            at: super::mark_of(at),
        });
        let entry = order.parent.and_then(|parent| self.orders.get(&parent));
        if entry.is_some_and(|entry| entry.leaves > 0) {
            self.noted.push("exit fired before its entry was filled");
        }
        self.asleep.remove(&(order.instrument, id));
        let known = self.order_mut(id);
        (known.stage, known.fired) = (Stage::Waiting, true);
        if let Some(partner) = order.partner {
            self.cancel(partner, CancelReason::Contingent);
        }
        self.waiting.push_back(id);
    }
}
