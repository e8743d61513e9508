//! Batches: several orders at once, each for itself or all together.
//!
//! Invariant: of a batch whose orders belong together all are accepted or none. Accepted orders take one after another,
//! in their order, each when its turn comes.

use super::checks::Ahead;
use super::instructions::places;
use super::new_order::{Checked, OrderChecks};
use super::{Refusal, Venue, Verdict};
use crate::command::{AdvancedOrder, BatchMode, BatchedOrder, OrderBatch, SessionId};
use crate::event::{Event, Events};
use crate::limits::BATCH_ORDERS_MAX;
use crate::orders::Terms;
use crate::reject::Reject;
use risk::{Candidate, LegId, OrderSlot};

/// The legs of the orders of a batch that do not sleep.
type Legs = [Option<LegId>; BATCH_ORDERS_MAX];

/// What came of the checks of orders that belong together.
type Together = [Option<(AdvancedOrder, Checked)>; BATCH_ORDERS_MAX];

impl Venue {
    #[inline(never)]
    pub(super) fn order_batch(
        &mut self,
        session: SessionId,
        batch: &OrderBatch,
        events: &mut Events,
    ) -> Verdict {
        self.user(batch.account)?;
        if !is_sound(batch) {
            return Err(Reject::BadCombination.into());
        }
        let mut legs: Legs = [None; BATCH_ORDERS_MAX];
        match batch.mode {
            BatchMode::Each => {
                for (leg, one) in legs.iter_mut().zip(&batch.orders) {
                    *leg = self.accept_alone(session, one, events);
                }
            }
            BatchMode::Atomic | BatchMode::OneCancelsOther => {
                let mut checked: Together = [None; BATCH_ORDERS_MAX];
                if let Err(failed) = self.check_together(&batch.orders, &mut checked, events) {
                    refuse_together(session, &batch.orders, failed, events);
                    return Ok(());
                }
                let pair = self.accept_together(session, batch, &checked, &mut legs, events);
                if batch.mode == BatchMode::OneCancelsOther {
                    self.pair(pair);
                }
            }
        }
        for leg in legs.into_iter().flatten() {
            self.trim_reduce_only(leg, events);
        }
        Ok(())
    }

    /// One order of a batch, on top of those before it; its leg, unless it was refused or sleeps.
    fn accept_alone(&mut self, session: SessionId, one: &BatchedOrder, events: &mut Events) -> Option<LegId> {
        let advanced = self.resolved(&self.acting_order(&one.order).ok()?);
        match self.check_and_admit(&advanced) {
            Ok((checked, feed)) => {
                self.feed(advanced.order.account, feed, events);
                let terms = Terms::new(session, one.client_order_id);
                self.accept_batched(terms, &advanced, &checked, events).1
            }
            Err(refusal) => {
                events.push(refused(session, one, refusal));
                None
            }
        }
    }

    /// Checks each order by itself, room for it with those before it; then limits and margin of all together. The place
    /// of the first that fails.
    fn check_together(
        &mut self,
        orders: &[BatchedOrder],
        checked: &mut Together,
        events: &mut Events,
    ) -> Result<(), (usize, Refusal)> {
        let mut candidates: [Option<Candidate>; BATCH_ORDERS_MAX] = [None; BATCH_ORDERS_MAX];
        for (place, one) in orders.iter().enumerate() {
            let advanced = self.acting_order(&one.order).map_err(|reject| (place, reject.into()))?;
            let advanced = self.resolved(&advanced);
            let ahead = self.ahead_of(&orders[..place], &advanced);
            let found = self.check_order(&advanced.order, &advanced.instructions, ahead);
            let found = found.map_err(|reject| (place, reject.into()))?;
            checked[place] = Some((advanced, found));
            let sleeps = advanced.instructions.trigger.is_some();
            candidates[place] = (!sleeps).then(|| found.candidate(&advanced.order));
        }
        self.admit_some(&candidates, events)
    }

    /// Limits and margin of those that take part in trading at once; the place among all of the one refused. Isolated
    /// positions get what they need for them.
    fn admit_some(
        &mut self,
        candidates: &[Option<Candidate>; BATCH_ORDERS_MAX],
        events: &mut Events,
    ) -> Result<(), (usize, Refusal)> {
        let Some(filler) = candidates.iter().flatten().next() else { return Ok(()) };
        let (mut list, mut at, mut count) = ([*filler; BATCH_ORDERS_MAX], [0; BATCH_ORDERS_MAX], 0);
        for (place, candidate) in candidates.iter().enumerate() {
            let Some(candidate) = candidate else { continue };
            (list[count], at[count]) = (*candidate, place);
            count += 1;
        }
        self.admit_together(&list[..count]).map_err(|(place, refusal)| (at[place], refusal))?;

        self.feed_family(&list[..count], events);
        Ok(())
    }

    /// What the orders before one of a batch take up, none of which is accepted yet.
    fn ahead_of(&self, before: &[BatchedOrder], one: &AdvancedOrder) -> Ahead {
        let mut ahead = Ahead::default();
        for (place, earlier) in before.iter().enumerate() {
            let (order, said) = (&earlier.order.order, &earlier.order.instructions);
            ahead.orders += places(said);
            if order.instrument == one.order.instrument {
                ahead.in_leg += places(said);
                continue;
            }
            let has_come =
                before[..place].iter().any(|other| other.order.order.instrument == order.instrument);
            let acting = self.acting_account(order.account, order.instrument).unwrap_or(order.account);
            if !has_come && self.ledger.find_leg(acting, order.instrument).is_none() {
                ahead.legs += u32::from(acting == one.order.account);
                ahead.all_legs += 1;
            }
        }
        ahead
    }

    /// Accepts all; the slots of the first two.
    fn accept_together(
        &mut self,
        session: SessionId,
        batch: &OrderBatch,
        checked: &Together,
        legs: &mut Legs,
        events: &mut Events,
    ) -> [OrderSlot; 2] {
        let mut pair = [OrderSlot::NONE; 2];
        for (place, (one, found)) in batch.orders.iter().zip(checked).enumerate() {
            let Some((advanced, checked)) = found else { continue };
            // An order before it may have opened the leg.
            let leg = self.ledger.find_leg(advanced.order.account, advanced.order.instrument);
            let checked = Checked { leg, ..*checked };
            let terms = Terms::new(session, one.client_order_id);
            let (slot, leg) = self.accept_batched(terms, advanced, &checked, events);
            legs[place] = leg;
            if let Some(half) = pair.get_mut(place) {
                *half = slot;
            }
        }
        pair
    }

    /// Accepts one order, which sleeps or waits for its turn; its slot, and its leg where it does not sleep.
    fn accept_batched(
        &mut self,
        terms: Terms,
        advanced: &AdvancedOrder,
        checked: &Checked,
        events: &mut Events,
    ) -> (OrderSlot, Option<LegId>) {
        let slot = self.accept_special(terms, advanced, checked, events);
        if advanced.instructions.trigger.is_some() {
            return (slot, None);
        }
        // Those behind it in the batch are admitted on top of it: the loss its price would bring counts already.
        self.ledger.begin_resting(slot);
        self.wait_for_turn(slot);
        (slot, Some(self.ledger.reservation(slot).leg))
    }

    /// Makes two orders a pair.
    fn pair(&mut self, [one, other]: [OrderSlot; 2]) {
        self.orders.conditions_mut(one).partner = other;
        self.orders.conditions_mut(other).partner = one;
    }
}

/// Whether the orders of a batch can belong to it.
fn is_sound(batch: &OrderBatch) -> bool {
    let orders = &batch.orders;
    let of_account = orders.iter().all(|one| one.order.order.account == batch.account);
    let is_pair = match batch.mode {
        BatchMode::Each | BatchMode::Atomic => true,
        BatchMode::OneCancelsOther => match orders.as_slice() {
            [one, other] => one.order.order.instrument == other.order.order.instrument,
            _ => false,
        },
    };
    !orders.is_empty() && orders.len() <= BATCH_ORDERS_MAX && of_account && is_pair
}

/// The one that fails gets its reject, the others are aborted.
fn refuse_together(
    session: SessionId,
    orders: &[BatchedOrder],
    (failed, refusal): (usize, Refusal),
    events: &mut Events,
) {
    for (place, one) in orders.iter().enumerate() {
        let refusal = if place == failed { refusal } else { Reject::BatchAborted.into() };
        events.push(refused(session, one, refusal));
    }
}

/// The refusal of one order of a batch.
const fn refused(session: SessionId, one: &BatchedOrder, Refusal { reject, short }: Refusal) -> Event {
    let (account, client_order_id) = (one.order.order.account, one.client_order_id);
    Event::Rejected { session, account, client_order_id, reject, short }
}
