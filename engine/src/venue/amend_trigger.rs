//! Amendments of orders that wait for a price.
//!
//! Invariant: an amended trigger is one that the rules of acceptance admit; a refused amendment leaves it as it was.

use super::checks::check_restriction;
use super::instructions::is_market;
use super::{Venue, Verdict};
use crate::command::{AdvancedOrder, AmendTrigger, Instructions, NewOrder, SessionId, TimeNs, Trigger};
use crate::conditions::{Conditions, Stage};
use crate::event::Events;
use crate::reject::Reject;
use risk::{Account, AccountState, OrderSlot, Restriction, Weight};

impl Venue {
    #[inline(never)]
    pub(super) fn amend_trigger(
        &mut self,
        session: SessionId,
        amend: &AmendTrigger,
        events: &mut Events,
    ) -> Verdict {
        let slot = self.check_trigger_owner(session, amend)?;
        let group = self.group_of(amend.account);
        let amended = self.amended_trigger(slot, amend)?;
        // The amendment states no time, so none is refused.
        let stated = Instructions { expires: TimeNs::default(), ..amended.instructions };
        self.special_terms(&amended.order, &stated, group)?;

        self.disarm(slot);
        let AdvancedOrder { order, instructions } = &amended;
        let limit = order.limit.unwrap_or_default();
        let leg = self.ledger.reservation(slot).leg;
        self.ledger.release(slot);
        self.orders.reprice(slot, self.key_of(order.instrument, limit), order.qty);
        self.ledger.reserve(slot, leg, order.side, limit, order.qty, Weight::None);
        let serial = self.orders.next_serial();
        let conditions = self.orders.conditions_mut(slot);
        conditions.instructions = *instructions;
        conditions.is_market = is_market(order, instructions);
        conditions.serial = serial;
        self.schedule_expiry(slot);
        self.arm(slot, events);
        Ok(())
    }

    /// Owner and instrument state of a trigger that is to be amended.
    fn check_trigger_owner(&self, session: SessionId, amend: &AmendTrigger) -> Result<OrderSlot, Reject> {
        self.user(amend.account)?;
        let slot = self.find_order(session, amend.account, amend.order);
        let owner = slot.map_or(amend.account, |slot| self.orders.get(slot).account);
        let &Account { state, restriction, .. } = self.trader(owner)?;
        if let Some(slot) = slot {
            self.check_trigger_change(self.orders.get(slot).instrument())?;
        }
        if state == AccountState::Liquidating {
            return Err(Reject::AccountLiquidating);
        }
        if restriction != Restriction::None {
            check_restriction(restriction, slot.is_none_or(|slot| self.orders.get(slot).reduce_only()))?;
        }
        slot.ok_or(Reject::UnknownOrder)
    }

    /// The order as it would stand. One that does not wait for a trigger cannot be amended so, and what belongs to an
    /// order counts on its quantity.
    fn amended_trigger(&self, slot: OrderSlot, amend: &AmendTrigger) -> Result<AdvancedOrder, Reject> {
        let order = *self.orders.get(slot);
        let conditions = self.orders.conditions(slot).ok_or(Reject::BadCombination)?;
        let &Conditions { mut instructions, stage, partner, time_in_force, post_only, .. } = conditions;
        let trigger = instructions.trigger.filter(|_| stage == Stage::Dormant);
        let trigger = trigger.ok_or(Reject::BadCombination)?;
        if partner.some().is_some() && amend.qty != order.leaves {
            return Err(Reject::BadCombination);
        }
        instructions.trigger = Some(Trigger { price: amend.trigger, ..trigger });
        let order = NewOrder {
            account: order.account,
            instrument: order.instrument(),
            side: order.side(),
            qty: amend.qty,
            limit: amend.limit,
            time_in_force,
            post_only,
            reduce_only: order.reduce_only(),
            persistent: order.persistent(),
        };
        Ok(self.resolved(&AdvancedOrder { order, instructions }))
    }
}
