//! Reduce-only orders: never more than the position they close.
//!
//! Invariant (I10): between commands a leg's reduce-only orders stand on its closing side and sum to at most the size
//! of its position. What is too much is cut from the order that is farthest from the touch, so that the nearest keeps
//! its size; among equals from the one that joined its queue last.

use super::Venue;
use crate::event::{CancelReason, Events, TrimReason};
use risk::{LegId, OrderSlot, Price, Qty, Side, Weight};

impl Venue {
    /// Restores the invariant after the position of `leg` changed.
    #[inline]
    pub(super) fn trim_reduce_only(&mut self, leg: LegId, events: &mut Events) {
        if self.ledger.leg(leg).reduce_only_qty > Qty::ZERO {
            self.trim(leg, events);
        }
    }

    #[cold]
    fn trim(&mut self, leg: LegId, events: &mut Events) {
        while let Some(slot) = self.farthest_reduce_only(leg) {
            let order = *self.orders.get(slot);
            let excess = self.excess(leg, order.side());
            if excess == Qty::ZERO {
                return;
            }
            if excess >= self.orders.leaves(slot) {
                // One match may cut many orders of its maker's account; they are part of the command's work.
                self.work = self.work.saturating_sub(1);
                self.cancel_resting(slot, CancelReason::ReduceOnly, events);
                continue;
            }
            self.reduce_hidden_first(slot, excess);
            events.push(self.trimmed(slot, TrimReason::ReduceOnly));
        }
    }

    /// By how much the reduce-only orders of `leg`, which stand on `side`, exceed what `side` can close.
    fn excess(&self, leg: LegId, side: Side) -> Qty {
        let leg = self.ledger.leg(leg);
        let closable =
            if Side::closing(leg.position) == Some(side) { leg.position.size() } else { Qty::ZERO };
        leg.reduce_only_qty - leg.reduce_only_qty.min(closable)
    }

    /// The reduce-only order of a leg with the worst price, the latest among equals.
    fn farthest_reduce_only(&self, leg: LegId) -> Option<OrderSlot> {
        let mut farthest: Option<(Price, OrderSlot)> = None;
        for (slot, order) in
            self.ledger.orders_of(leg).filter(|(_, order)| order.weight == Weight::ReduceOnly)
        {
            let farther = match (farthest, order.side) {
                (None, _) => true,
                (Some((price, _)), Side::Buy) => order.price < price,
                (Some((price, _)), Side::Sell) => order.price > price,
            };
            if farther {
                farthest = Some((order.price, slot));
            }
        }
        farthest.map(|(_, slot)| slot)
    }
}
