//! Iceberg orders: a part is shown and trades; the rest is hidden and shows part by part.
//!
//! Invariant: an order in a book shows something; what it hides is more than nothing only while it shows no more than
//! its display quantity. Its reservation covers both.

use super::Venue;
use crate::event::{Event, Events};
use risk::{OrderSlot, Qty};

impl Venue {
    /// Hides what a special order that is about to rest does not show.
    #[cold]
    pub(super) fn show_part(&mut self, slot: OrderSlot) {
        let leaves = self.orders.leaves(slot);
        let display = self.orders.conditions_mut(slot).instructions.display;
        let shown = if display == Qty::ZERO { leaves } else { display.min(leaves) };
        self.orders.set_shown(slot, shown, leaves - shown);
    }

    /// A special maker was filled by `qty`, its shown part and its level are smaller by it already: what belongs to it
    /// is told, then it is forgotten, shows its next part or stays, and its protection group counts.
    #[cold]
    pub(super) fn after_maker_fill(&mut self, slot: OrderSlot, qty: Qty, events: &mut Events) {
        let (order, group) =
            (*self.orders.get(slot), self.orders.conditions_mut(slot).instructions.protection);
        self.ledger.reduce_reservation(slot, qty);
        self.after_special_fill(slot, qty, events);
        if self.orders.leaves(slot) == Qty::ZERO {
            self.markets[order.instrument().index()].book.remove(&mut self.orders, slot);
            self.forget_special(slot, None, events);
        } else if order.leaves == Qty::ZERO {
            self.refresh(slot, events);
        }
        self.count_protection(order.account, group, (order.side(), qty), events);
    }

    /// Shows the next part at the end of the level.
    pub(super) fn refresh(&mut self, slot: OrderSlot, events: &mut Events) {
        let instrument = self.orders.get(slot).instrument();
        let book = &mut self.markets[instrument.index()].book;
        book.remove(&mut self.orders, slot);
        self.show_part(slot);
        self.markets[instrument.index()].book.rest(&mut self.orders, slot);
        let (order, terms) = (self.orders.get(slot), self.orders.terms(slot));
        events.push(Event::Refreshed {
            order: self.orders.id(slot),
            client_order_id: terms.client_order_id,
            session: terms.session,
            account: order.account,
            shown: order.leaves,
            leaves: self.orders.leaves(slot),
        });
    }

    /// Takes `qty` off an order that rests, or off one that waits, hidden quantity first; it has more than that.
    pub(super) fn reduce_hidden_first(&mut self, slot: OrderSlot, qty: Qty) {
        let hidden = self.orders.conditions(slot).map_or(Qty::ZERO, |conditions| conditions.hidden);
        let from_hidden = qty.min(hidden);
        if from_hidden > Qty::ZERO {
            self.orders.conditions_mut(slot).hidden -= from_hidden;
            self.ledger.reduce_reservation(slot, from_hidden);
        }
        self.reduce_shown(slot, qty - from_hidden);
    }

    /// Takes `qty` off what an order shows, without a fill; its place in the queue stays.
    pub(super) fn reduce_shown(&mut self, slot: OrderSlot, qty: Qty) {
        let order = *self.orders.get(slot);
        if order.is_resting() {
            self.markets[order.instrument().index()].book.reduce(order.side(), order.key, qty);
        }
        self.orders.reduce(slot, qty);
        self.ledger.reduce_reservation(slot, qty);
    }
}
