//! Orders with instructions: acceptance, with their exits.
//!
//! Invariant: a special order has its conditions from its acceptance on. One that sleeps reserves nothing but its place
//! among the account's orders.

use super::checks::{Ahead, Checks};
use super::instructions::is_market;
use super::new_order::{Checked, OrderChecks};
use super::{Refusal, Venue, Verdict};
use crate::command::{
    AdvancedOrder, ClientOrderId, Exit, Instructions, NewOrder, SessionId, TimeInForce, Trigger, TriggerKind,
};
use crate::conditions::{Conditions, Stage};
use crate::deadlines::HeapPlace;
use crate::event::Events;
use crate::orders::Terms;
use crate::reject::Reject;
use risk::{Money, OrderSlot, OwnerGroupId, Price, Qty};

impl Venue {
    #[inline(never)]
    pub(super) fn advanced_order(
        &mut self,
        session: SessionId,
        client_order_id: ClientOrderId,
        advanced: &AdvancedOrder,
        events: &mut Events,
    ) -> Verdict {
        let advanced = self.resolved(&self.acting_order(advanced)?);
        let (checked, feed) = self.check_and_admit(&advanced)?;

        self.feed(advanced.order.account, feed, events);
        let terms = Terms::new(session, client_order_id);
        let slot = self.accept_special(terms, &advanced, &checked, events);
        if advanced.instructions.trigger.is_none() {
            self.orders.conditions_mut(slot).stage = Stage::Live;
            self.take_order(slot, events);
        }
        Ok(())
    }

    /// An order as the account that acts for its own gives it.
    pub(super) fn acting_order(&self, advanced: &AdvancedOrder) -> Result<AdvancedOrder, Reject> {
        let AdvancedOrder { mut order, instructions } = *advanced;
        order.account = self.acting_account(order.account, order.instrument)?;
        Ok(AdvancedOrder { order, instructions })
    }

    /// Everything about an order with instructions, and what its isolated position gets for it; one that sleeps needs no
    /// margin yet.
    pub(super) fn check_and_admit(&mut self, advanced: &AdvancedOrder) -> Result<(Checked, Money), Refusal> {
        let AdvancedOrder { order, instructions } = advanced;
        let checked = self.check_order(order, instructions, Ahead::default())?;
        if instructions.trigger.is_some() {
            return Ok((checked, Money::ZERO));
        }
        let feed = self.admit(&checked.candidate(order))?;
        Ok((checked, feed))
    }

    /// Stores an order that passed all checks with its conditions and its exits. One with a trigger sleeps from now on;
    /// another waits for its turn, in no queue yet.
    pub(super) fn accept_special(
        &mut self,
        terms: Terms,
        advanced: &AdvancedOrder,
        checked: &Checked,
        events: &mut Events,
    ) -> OrderSlot {
        let AdvancedOrder { order, instructions } = advanced;
        let sleeps = instructions.trigger.is_some();
        let shown = as_it_takes(order, instructions);
        let (slot, _) = self.accept(terms, &shown, instructions, checked, events);
        let stage = if sleeps { Stage::Dormant } else { Stage::Waiting };
        self.keep_conditions(slot, order, instructions, stage);
        if sleeps {
            self.arm(slot, events);
        }
        let (profit, stop) = (instructions.take_profit, instructions.stop_loss);
        if profit.is_some() || stop.is_some() {
            self.accept_exits(slot, advanced, [profit, stop], events);
        }
        slot
    }

    /// Gives an accepted order its conditions.
    pub(super) fn keep_conditions(
        &mut self,
        slot: OrderSlot,
        order: &NewOrder,
        instructions: &Instructions,
        stage: Stage,
    ) {
        let serial = self.orders.next_serial();
        let conditions = Conditions {
            instructions: *instructions,
            stage,
            time_in_force: order.time_in_force,
            post_only: order.post_only,
            is_market: is_market(order, instructions),
            serial,
            hidden: Qty::ZERO,
            partner: OrderSlot::NONE,
            parent: OrderSlot::NONE,
            exits: [OrderSlot::NONE; 2],
            expiry: HeapPlace::NOWHERE,
        };
        self.orders.set_conditions(slot, conditions);
        self.schedule_expiry(slot);
    }

    /// Stores the exits of an entry, held until it fills, and links what belongs together.
    fn accept_exits(
        &mut self,
        entry: OrderSlot,
        advanced: &AdvancedOrder,
        exits: [Option<Exit>; 2],
        events: &mut Events,
    ) {
        let mut slots = [OrderSlot::NONE; 2];
        let kinds = [TriggerKind::TakeProfit, TriggerKind::Stop];
        for (place, (exit, kind)) in (0..).zip(exits.into_iter().zip(kinds)) {
            let Some(exit) = exit else { continue };
            let number = self.orders.terms(entry).client_order_id.get() + 1 + place;
            let terms = Terms::new(self.orders.terms(entry).session, ClientOrderId::new(number));
            let slot = self.accept_exit(terms, advanced, exit, kind, events);
            self.orders.conditions_mut(slot).parent = entry;
            slots[usize::from(kind == TriggerKind::Stop)] = slot;
        }
        for (slot, partner) in [(slots[0], slots[1]), (slots[1], slots[0])] {
            if let Some(slot) = slot.some() {
                self.orders.conditions_mut(slot).partner = partner;
            }
        }
        self.orders.conditions_mut(entry).exits = slots;
    }

    /// Stores one exit: on the other side, only reducing, without a quantity.
    fn accept_exit(
        &mut self,
        terms: Terms,
        entry: &AdvancedOrder,
        exit: Exit,
        kind: TriggerKind,
        events: &mut Events,
    ) -> OrderSlot {
        let Exit { source, trigger, limit } = exit;
        let time_in_force =
            if limit.is_some() { TimeInForce::GoodTillCancel } else { TimeInForce::ImmediateOrCancel };
        let order = NewOrder {
            side: entry.order.side.opposite(),
            qty: Qty::ZERO,
            limit,
            time_in_force,
            post_only: false,
            reduce_only: true,
            ..entry.order
        };
        let instructions = Instructions {
            self_trade: entry.instructions.self_trade,
            tag: entry.instructions.tag,
            trigger: Some(Trigger { source, kind, price: trigger }),
            ..Instructions::PLAIN
        };
        let checked = Checked {
            limit: limit.unwrap_or(Price::new(0)),
            qty: Qty::ZERO,
            leg: self.ledger.find_leg(order.account, order.instrument),
            group: OwnerGroupId::default(),
        };
        let (slot, _) = self.accept(terms, &order, &instructions, &checked, events);
        self.keep_conditions(slot, &order, &instructions, Stage::Held);
        self.arm(slot, events);
        slot
    }
}

/// An order as its acceptance shows it: a market order that sleeps takes at once or not at all when it fires.
fn as_it_takes(order: &NewOrder, instructions: &Instructions) -> NewOrder {
    if order.time_in_force.rests() && is_market(order, instructions) {
        return NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..*order };
    }
    *order
}
