//! What belongs together: an order and its exits, and the two orders of a pair.
//!
//! Invariant: links are mutual: who names a partner or an exit is named by it, and who leaves is named by nobody. Linked
//! orders are of one account and one instrument, so their leg outlives each of them. What goes with an order goes right
//! after it: at most its partner, its exits and its partner's exits, because a contingent cancel does not reach further.

use super::Venue;
use crate::command::TriggerSource;
use crate::conditions::{Conditions, Stage};
use crate::event::{CancelReason, Events, TrimReason};
use risk::{OrderSlot, Qty};

impl Venue {
    /// Tells an order's pair partner and exits that it was filled by `qty`. It is still there, filled whole or not.
    #[cold]
    pub(super) fn after_special_fill(&mut self, slot: OrderSlot, qty: Qty, events: &mut Events) {
        let Some(&Conditions { partner, exits, .. }) = self.orders.conditions(slot) else { return };
        if let Some(partner) = partner.some() {
            self.take_from_partner(partner, qty, events);
        }
        for exit in exits.into_iter().filter_map(OrderSlot::some) {
            self.grow_exit(exit, qty, events);
        }
    }

    /// Takes off an order what its partner was filled by. One whose quantity is the position when it fires has none yet.
    fn take_from_partner(&mut self, slot: OrderSlot, qty: Qty, events: &mut Events) {
        let leaves = self.orders.leaves(slot);
        if leaves == Qty::ZERO {
            return;
        }
        if leaves <= qty {
            self.cancel_resting(slot, CancelReason::Contingent, events);
        } else {
            self.reduce_hidden_first(slot, qty);
            events.push(self.trimmed(slot, TrimReason::Contingent));
        }
    }

    /// Adds to an exit what its entry was filled by; at the first fill it begins to wait for its trigger. One that fired
    /// grows no more.
    fn grow_exit(&mut self, slot: OrderSlot, qty: Qty, events: &mut Events) {
        let (order, stage) = (*self.orders.get(slot), self.orders.conditions_mut(slot).stage);
        if !matches!(stage, Stage::Held | Stage::Dormant) {
            return;
        }
        self.orders.reprice(slot, order.key, order.leaves + qty);
        self.ledger.grow_sleeping(slot, qty);
        let mut begun = None;
        if stage == Stage::Held {
            let serial = self.orders.next_serial();
            let conditions = self.orders.conditions_mut(slot);
            (conditions.stage, conditions.serial) = (Stage::Dormant, serial);
            begun = self.watch(slot);
        }
        self.show_armed(slot, events);
        // Matches count when the walk that fills the entry is over.
        if let Some(source) = begun.filter(|&source| source != TriggerSource::Last) {
            self.compare(order.instrument(), source);
        }
    }

    /// Tells what belongs to an order that it ends: cancelled for a reason, its event is out already, or filled whole.
    /// It is still there, in no book, and is forgotten next.
    #[cold]
    pub(super) fn before_forgetting(
        &mut self,
        slot: OrderSlot,
        reason: Option<CancelReason>,
        events: &mut Events,
    ) {
        let Some(&Conditions { exits, .. }) = self.orders.conditions(slot) else { return };
        self.part_from_entry(slot);
        if let Some(partner) = self.part_from_partner(slot) {
            let goes = match reason {
                None => self.orders.leaves(partner) == Qty::ZERO,
                Some(reason) => reason != CancelReason::Contingent,
            };
            if goes {
                self.cancel_resting(partner, CancelReason::Contingent, events);
            }
        }
        let is_unfilled = self.orders.terms(slot).filled == Qty::ZERO;
        for exit in exits.into_iter().filter_map(OrderSlot::some) {
            self.part_from_entry(exit);
            if is_unfilled {
                self.cancel_resting(exit, CancelReason::Contingent, events);
            }
        }
    }

    /// Ends the link between an order and its pair partner, which is returned.
    pub(super) fn part_from_partner(&mut self, slot: OrderSlot) -> Option<OrderSlot> {
        let partner = self.orders.conditions(slot)?.partner.some()?;
        for half in [slot, partner] {
            self.orders.conditions_mut(half).partner = OrderSlot::NONE;
        }
        Some(partner)
    }

    /// Ends the link between an exit and its entry.
    pub(super) fn part_from_entry(&mut self, exit: OrderSlot) {
        let entry = self.orders.conditions(exit).and_then(|conditions| conditions.parent.some());
        let Some(entry) = entry else { return };
        self.orders.conditions_mut(exit).parent = OrderSlot::NONE;
        for named in &mut self.orders.conditions_mut(entry).exits {
            if *named == exit {
                *named = OrderSlot::NONE;
            }
        }
    }

    /// Verifies that an order with conditions and what it names name each other.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub(super) fn check_links(&self, slot: OrderSlot, conditions: &Conditions) {
        let order = self.orders.get(slot);
        let together = |other: OrderSlot| {
            let other = self.orders.get(other);
            (other.account, other.instrument()) == (order.account, order.instrument())
        };
        let named = |other: OrderSlot| {
            assert!(together(other), "linked orders are of one account and instrument");
            self.orders.conditions(other).expect("linked orders have conditions")
        };
        if let Some(partner) = conditions.partner.some() {
            assert!(named(partner).partner == slot, "partners name each other");
        }
        if let Some(entry) = conditions.parent.some() {
            assert!(named(entry).exits.contains(&slot), "an entry names its exits");
            let is_held = conditions.stage == Stage::Held;
            assert!(
                is_held == (self.orders.terms(entry).filled == Qty::ZERO),
                "exits wait once it is filled"
            );
        }
        for exit in conditions.exits.into_iter().filter_map(OrderSlot::some) {
            assert!(named(exit).parent == slot, "an exit names its entry");
        }
        assert!(
            conditions.stage != Stage::Held || conditions.parent.some().is_some(),
            "what is held has an entry"
        );
    }
}
