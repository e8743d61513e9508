//! Amendments: smaller at the same price keeps the place; anything else is a new place.

use engine::{AmendOrder, Event, OrderId, Reject, SessionId, TradingState};

use super::arith::wide;
use super::state::{Order, Stage};
use super::{Model, Refusal, price, qty};

impl Model {
    /// Whether the instrument's state admits an amendment.
    fn admits_amendment(&self, order: &Order, keeps_place: bool, post_only: bool) -> bool {
        match self.instruments[order.instrument.index()].state {
            TradingState::Open | TradingState::PreOpen | TradingState::Auction => true,
            TradingState::PostOnly => keeps_place || post_only,
            TradingState::ReduceOnly => keeps_place || order.reduce_only,
            TradingState::CancelOnly
            | TradingState::Halted
            | TradingState::Closed
            | TradingState::Settled => false,
        }
    }

    /// Every rule an amendment can break; the order as it will be, and whether it keeps its place.
    fn check_amend(&self, session: SessionId, amend: &AmendOrder) -> Result<(Order, bool), Refusal> {
        self.user_account(amend.account)?;
        let known = self.resolve(session, amend.account, amend.order);
        let (limit, total) = (wide(amend.limit), i128::from(amend.qty.get()));
        let shrinks = |old: &Order| limit == old.price && total - old.filled <= old.leaves;
        if let Some(old) = &known
            && !self.admits_amendment(old, shrinks(old), amend.post_only)
        {
            return Err(Reject::NotTrading.into());
        }
        let owner = known.map_or(amend.account, |old| old.account);
        self.not_liquidating(owner)?;
        let lessens = |old: &Order| old.reduce_only || shrinks(old);
        self.unrestricted(owner, known.as_ref().is_none_or(lessens))?;
        if let Some(old) = &known
            && !shrinks(old)
        {
            self.check_protection(old.account, old.said.protection)?;
        }
        let Some(old) = known else { return Err(Reject::UnknownOrder.into()) };
        let bound = old.partner.is_some() || old.exits.iter().any(Option::is_some);
        let sleeps = matches!(old.stage, Stage::Held | Stage::Dormant);
        if sleeps || (bound && total != old.filled + old.leaves) {
            return Err(Reject::BadCombination.into());
        }
        self.check_amended_terms(&old, limit, total)?;
        let mut order = old;
        (order.price, order.leaves) = (limit, total - old.filled);
        if shrinks(&old) {
            order = old;
            let mut leaves = total - old.filled;
            if old.reduce_only {
                leaves = leaves.min(self.leg(old.account, old.instrument).position.abs());
            }
            order.lessen(old.leaves - leaves);
            return Ok((order, true));
        }
        if old.reduce_only {
            order.leaves = order.leaves.min(self.leg(old.account, old.instrument).position.abs());
        }
        if amend.post_only && self.would_cross(old.instrument, old.side, limit) {
            return Err(Reject::PostOnlyWouldCross.into());
        }
        let now = self.weighing(old.account);
        self.check_exposure(&order, &now, Some(old.id))?;
        self.check_margin(&order, &now, Some(old.id))?;
        Ok((order, false))
    }

    /// The rules on an amendment's quantity and price.
    fn check_amended_terms(&self, old: &Order, limit: i128, total: i128) -> Result<(), Refusal> {
        let terms = &self.instruments[old.instrument.index()].terms;
        if total <= 0 || total % terms.lot != 0 || total <= old.filled {
            return Err(Reject::BadQuantity.into());
        }
        if total > terms.order_qty_max {
            return Err(Reject::QuantityTooLarge.into());
        }
        if !terms.admits_price(limit) {
            return Err(Reject::BadPrice.into());
        }
        if self.instruments[old.instrument.index()].mark.is_none() {
            return Err(Reject::NoMarkPrice.into());
        }
        if limit == old.price && total - old.filled <= old.leaves {
            return Ok(());
        }
        if !self.in_band(old.instrument, old.side, limit) {
            return Err(Reject::PriceBand.into());
        }
        let most = terms.order_notional_max;
        if most > 0 && terms.value(total, limit) > most {
            return Err(Reject::NotionalTooLarge.into());
        }
        Ok(())
    }

    pub(crate) fn emit_amended(&mut self, id: OrderId, priority_kept: bool) {
        let order = &self.orders[&id];
        self.out.push(Event::Amended {
            order: id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            limit: price(order.price),
            qty: qty(order.filled + order.leaves),
            leaves: qty(order.leaves),
            priority_kept,
        });
    }

    pub(crate) fn amend_order(&mut self, session: SessionId, amend: &AmendOrder) -> Result<(), Refusal> {
        let (order, priority_kept) = self.check_amend(session, amend)?;
        if priority_kept {
            self.orders.insert(order.id, order);
            self.emit_amended(order.id, true);
            return Ok(());
        }
        self.feed_order(&order, Some(order.id));
        self.requeue(order);
        self.start_taker(order.id);
        Ok(())
    }

    /// Gives an order its new terms; it is in no queue from now on.
    pub(crate) fn requeue(&mut self, mut order: Order) {
        self.leave(order.id);
        order.placed = self.next_place();
        self.orders.insert(order.id, order);
        self.emit_amended(order.id, false);
    }
}
