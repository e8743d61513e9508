//! Several orders at once: each for itself, or all or none.

use engine::limits::BATCH_ORDERS_MAX;
use engine::{BatchMode, BatchedOrder, ClientOrderId, Event, OrderBatch, OrderId, Reject, SessionId};
use risk::AccountId;
use std::collections::BTreeSet;

use super::state::{Order, Stage};
use super::{Model, Refusal, money};

impl Model {
    pub(crate) fn order_batch(&mut self, session: SessionId, batch: &OrderBatch) -> Result<(), Refusal> {
        self.user_account(batch.account)?;
        let orders = &batch.orders;
        let foreign = orders.iter().any(|order| order.order.order.account != batch.account);
        let pair = match &orders[..] {
            [one, other] => one.order.order.instrument == other.order.order.instrument,
            _ => false,
        };
        let odd = batch.mode == BatchMode::OneCancelsOther && !pair;
        if orders.is_empty() || orders.len() > BATCH_ORDERS_MAX || foreign || odd {
            return Err(Reject::BadCombination.into());
        }
        let mut accepted = Vec::new();
        match batch.mode {
            BatchMode::Each => {
                for order in orders {
                    match self.check_new((session, order.client_order_id), &order.order) {
                        Ok(checked) => {
                            self.feed_order(&checked, None);
                            accepted.push(self.accept_waiting(checked));
                        }
                        Err(refusal) => self.refuse_one(session, order, refusal),
                    }
                }
            }
            BatchMode::Atomic | BatchMode::OneCancelsOther => accepted = self.all_or_none(session, batch),
        }
        // Those that only reduce may together reduce more than there is.
        for id in accepted {
            if let Some(&Order { account, instrument, stage: Stage::Waiting, .. }) = self.orders.get(&id) {
                self.trim(account, instrument);
            }
        }
        Ok(())
    }

    /// Accepts an order whose turn comes in the follow-up, or that sleeps.
    fn accept_waiting(&mut self, mut order: Order) -> OrderId {
        if order.stage != Stage::Dormant {
            order.stage = Stage::Waiting;
        }
        let id = self.accept(order);
        if order.stage == Stage::Waiting {
            self.waiting.push_back(id);
        }
        id
    }

    fn refuse_one(&mut self, session: SessionId, order: &BatchedOrder, refusal: Refusal) {
        self.out.push(Event::Rejected {
            session,
            account: order.order.order.account,
            client_order_id: order.client_order_id,
            reject: refusal.reject,
            short: money(refusal.short),
        });
    }

    fn all_or_none(&mut self, session: SessionId, batch: &OrderBatch) -> Vec<OrderId> {
        match self.check_all(session, batch) {
            Err((failed, refusal)) => {
                for (place, order) in batch.orders.iter().enumerate() {
                    let aborted = Refusal::from(Reject::BatchAborted);
                    self.refuse_one(session, order, if place == failed { refusal } else { aborted });
                }
                Vec::new()
            }
            Ok(checked) => {
                self.feed_family(&BTreeSet::new(), &checked);
                let ids: Vec<OrderId> = checked.into_iter().map(|order| self.accept_waiting(order)).collect();
                if let (BatchMode::OneCancelsOther, [one, other]) = (batch.mode, &ids[..]) {
                    self.order_mut(*one).partner = Some(*other);
                    self.order_mut(*other).partner = Some(*one);
                }
                ids
            }
        }
    }

    /// Each by itself, then all together; the orders, or which failed and why.
    fn check_all(&self, session: SessionId, batch: &OrderBatch) -> Result<Vec<Order>, (usize, Refusal)> {
        let mut checked = Vec::new();
        for (place, order) in batch.orders.iter().enumerate() {
            let request = (session, order.client_order_id);
            let before = &batch.orders[..place];
            let ahead: Vec<Order> =
                before.iter().map(|one| self.drafted((session, one.client_order_id), &one.order)).collect();
            let ahead: Vec<&Order> = ahead.iter().collect();
            let order = self.check_alone(request, &order.order, &ahead);
            checked.push(order.map_err(|refusal| (place, refusal))?);
        }
        let taking: Vec<&Order> = checked.iter().filter(|order| order.stage != Stage::Dormant).collect();
        let place_of = |id: ClientOrderId| {
            batch.orders.iter().position(|order| order.client_order_id == id).expect("it is of the batch")
        };
        self.check_together(batch.account, &BTreeSet::new(), &taking)
            .map_err(|(failed, refusal)| (place_of(taking[failed].client), refusal))?;
        Ok(checked)
    }

    /// Limits, then margin, of several orders of an account together, without those in `replaced`; which is refused.
    pub(crate) fn check_together(
        &self,
        account: AccountId,
        replaced: &BTreeSet<OrderId>,
        orders: &[&Order],
    ) -> Result<(), (usize, Refusal)> {
        for (place, order) in orders.iter().enumerate() {
            let then = self.then(order.account, replaced, orders);
            self.check_trust(order, &then).map_err(|refusal| (place, refusal))?;
        }
        for (place, order) in orders.iter().enumerate() {
            let most = self.instruments[order.instrument.index()].terms.position_max;
            let now = self.weighing(order.account);
            let then = self.then(order.account, replaced, orders);
            let worst = self.worst(order.account, order.instrument, &then);
            if worst > most && worst > self.worst(order.account, order.instrument, &now) {
                return Err((place, Reject::PositionLimit.into()));
            }
        }
        for (place, order) in orders.iter().enumerate() {
            let now = self.weighing(order.account);
            let then = self.then(order.account, replaced, orders);
            if self.owner_reaches_too_far(order.account, order.instrument, (&now, &then)) {
                return Err((place, Reject::OwnerPositionLimit.into()));
            }
        }
        for (place, order) in orders.iter().enumerate() {
            let mut same = orders.to_vec();
            same.retain(|other| other.instrument == order.instrument && !other.reduce_only);
            let opening = self.opening(order.account, order.instrument, &same);
            if self.opens_too_much(order.instrument, opening) {
                return Err((place, Reject::OpenInterestLimit.into()));
            }
        }
        let Some(short) = self.family_short(account, replaced, orders) else { return Ok(()) };
        Err((orders.len().saturating_sub(1), Refusal { reject: Reject::InsufficientMargin, short }))
    }
}
