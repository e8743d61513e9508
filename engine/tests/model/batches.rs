//! Several orders at once: each for itself, or all or none.

use engine::limits::BATCH_ORDERS_MAX;
use engine::{BatchMode, BatchedOrder, Event, OrderBatch, OrderId, Reject, SessionId};

use super::state::{Order, Stage};
use super::{Model, Refusal, money};

impl Model {
    pub(crate) fn order_batch(&mut self, session: SessionId, batch: &OrderBatch) -> Result<(), Refusal> {
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
        match batch.mode {
            BatchMode::Each => {
                for order in orders {
                    match self.check_new((session, order.client_order_id), &order.order) {
                        Ok(checked) => {
                            self.accept_waiting(checked);
                        }
                        Err(refusal) => self.refuse_one(session, order, refusal),
                    }
                }
            }
            BatchMode::Atomic | BatchMode::OneCancelsOther => self.all_or_none(session, batch),
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

    fn all_or_none(&mut self, session: SessionId, batch: &OrderBatch) {
        match self.check_all(session, batch) {
            Err((failed, refusal)) => {
                for (place, order) in batch.orders.iter().enumerate() {
                    let aborted = Refusal::from(Reject::BatchAborted);
                    self.refuse_one(session, order, if place == failed { refusal } else { aborted });
                }
            }
            Ok(checked) => {
                let ids: Vec<OrderId> = checked.into_iter().map(|order| self.accept_waiting(order)).collect();
                if let (BatchMode::OneCancelsOther, [one, other]) = (batch.mode, &ids[..]) {
                    self.order_mut(*one).partner = Some(*other);
                    self.order_mut(*other).partner = Some(*one);
                }
            }
        }
    }

    /// Each by itself, then all together; the orders, or which failed and why.
    fn check_all(&self, session: SessionId, batch: &OrderBatch) -> Result<Vec<Order>, (usize, Refusal)> {
        let mut checked = Vec::new();
        for (place, order) in batch.orders.iter().enumerate() {
            let request = (session, order.client_order_id);
            checked.push(self.check_new(request, &order.order).map_err(|refusal| (place, refusal))?);
        }
        let mut now = self.weighing(batch.account);
        for (place, order) in checked.iter().enumerate() {
            self.check_together(&checked[..=place], &now).map_err(|refusal| (place, refusal))?;
            if order.stage != Stage::Dormant {
                now.push(order);
            }
        }
        Ok(checked)
    }

    /// Whether the last of some orders fits beside those before it, which `now` counts already.
    fn check_together(&self, orders: &[Order], now: &[&Order]) -> Result<(), Refusal> {
        let Some(order) = orders.last() else { return Ok(()) };
        let mut own = self.orders_of(order.account);
        own.retain(|other| other.instrument == order.instrument);
        let same = orders.iter().filter(|other| other.instrument == order.instrument);
        let in_instrument = own.len() + same.map(Order::with_exits).sum::<usize>();
        let all = self.orders.len() + orders.iter().map(Order::with_exits).sum::<usize>();
        let most = self.instruments[order.instrument.index()].terms.orders_max;
        if in_instrument > most || all > self.capacity.orders as usize {
            return Err(Reject::TooManyOrders.into());
        }
        if order.stage != Stage::Dormant {
            self.check_exposure(order, now, None)?;
            self.check_margin(order, now, None)?;
        }
        Ok(())
    }
}
