//! Takers, fills, trims, cancellations.

use engine::{
    CancelReason, ClientOrderId, Event, Fill, FillSide, OrderId, SelfTrade, SessionId, TimeInForce, TradeId,
    TradingState, TrimReason,
};
use risk::{AccountId, FillKind, InstrumentId, Side};

use super::arith::{PPB, ceil, floor};
use super::state::{Order, Outcome, Stage, Taker, crosses};
use super::{Model, money, position, price, qty};

/// +1 for a buyer, -1 for a seller.
pub(crate) fn sign(side: Side) -> i128 {
    if side == Side::Buy { 1 } else { -1 }
}

/// What one step of a liquidation closes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Closing {
    pub(crate) of: i128,
    /// What the account must receive for all of it.
    pub(crate) at_bankruptcy: i128,
    /// What the fund of the group may still add.
    pub(crate) allowance: i128,
    pub(crate) group: u8,
}

impl Model {
    /// Puts an order at the end of the queue of its price.
    pub(crate) fn join(&mut self, id: OrderId) {
        let Order { instrument, side, price, .. } = self.orders[&id];
        let book = &mut self.instruments[instrument.index()].book;
        book.queues(side).entry(price).or_default().push_back(id);
    }

    /// Takes an order out of its queue, if it is in one.
    pub(crate) fn leave(&mut self, id: OrderId) {
        let Order { instrument, side, price, .. } = self.orders[&id];
        let queues = self.instruments[instrument.index()].book.queues(side);
        if let Some(queue) = queues.get_mut(&price) {
            queue.retain(|&other| other != id);
            if queue.is_empty() {
                queues.remove(&price);
            }
        }
    }

    pub(crate) fn order_mut(&mut self, id: OrderId) -> &mut Order {
        self.orders.get_mut(&id).expect("only orders that are not gone change")
    }

    /// Whether one account's orders meet the other's as their own.
    pub(crate) fn same_owner(&self, one: AccountId, other: AccountId) -> bool {
        let group = |account| self.accounts[&account].group;
        one == other || (group(one).get() != 0 && group(one) == group(other))
    }

    /// Whether an order must go rather than trade, and why.
    pub(crate) fn barred(&self, order: &Order) -> Option<CancelReason> {
        if self.accounts[&order.account].liquidating {
            return Some(CancelReason::Liquidation);
        }
        let tripped = self.is_frozen(order.account, order.said.protection);
        tripped.then_some(CancelReason::Protection)
    }

    /// What is left of a taker; nothing where it is gone.
    pub(crate) fn left_of(&self, taker: &Taker) -> i128 {
        match taker.order {
            None => taker.left,
            Some(id) => self.orders.get(&id).map_or(0, |order| order.leaves),
        }
    }

    /// The worst price a taker may take at in this instrument now, whatever its own limit.
    pub(crate) fn pause_limit(&self, instrument: InstrumentId, side: Side) -> Option<i128> {
        let known = &self.instruments[instrument.index()];
        let mark = known.mark?;
        let band = known.terms.pause_band;
        let pauses = band > 0 && known.state == TradingState::Open;
        pauses.then(|| known.terms.inside(mark, band, side == Side::Buy))
    }

    /// Lets a taker take until it is done, or the work of the command is.
    pub(crate) fn take(&mut self, taker: &mut Taker) -> Outcome {
        let Taker { instrument, side, limit, .. } = *taker;
        loop {
            if self.left_of(taker) == 0 {
                return Outcome::Done;
            }
            let best = self.instruments[instrument.index()].book.best(side.opposite());
            let Some((best, maker)) = best.filter(|&(best, _)| crosses(side, limit, best)) else {
                return Outcome::Done;
            };
            if let Some(inner) = self.pause_limit(instrument, side)
                && !crosses(side, inner, best)
            {
                return Outcome::Limit(inner);
            }
            if self.work == 0 {
                return Outcome::Bound;
            }
            self.work -= 1;
            self.touch(taker, maker);
        }
    }

    /// A taker meets a maker.
    fn touch(&mut self, taker: &mut Taker, maker: OrderId) {
        let Order { account, .. } = self.orders[&maker];
        if self.same_owner(taker.account, account) {
            self.meet_itself(taker, maker);
        } else if let Some(reason) = self.barred(&self.orders[&maker]) {
            self.cancel(maker, reason);
        } else {
            self.match_with(taker, maker);
        }
    }

    /// The taker's mode decides.
    fn meet_itself(&mut self, taker: &mut Taker, maker: OrderId) {
        match taker.self_trade {
            SelfTrade::CancelTaker => self.end_taker(taker),
            SelfTrade::CancelMaker => self.cancel(maker, CancelReason::SelfTrade),
            SelfTrade::CancelBoth => {
                self.cancel(maker, CancelReason::SelfTrade);
                self.end_taker(taker);
            }
            SelfTrade::Decrement => {
                if self.orders[&maker].hidden > 0 {
                    self.noted.push("iceberg met its own");
                }
                let cut = self.left_of(taker).min(self.orders[&maker].shown());
                self.decrement(maker, cut);
                if let Some(id) = taker.order {
                    self.decrement(id, cut);
                }
            }
        }
    }

    fn end_taker(&mut self, taker: &mut Taker) {
        taker.left = 0;
        if let Some(id) = taker.order
            && self.orders.contains_key(&id)
        {
            self.cancel(id, CancelReason::SelfTrade);
        }
    }

    /// An order loses what it would have matched with its own.
    pub(crate) fn decrement(&mut self, id: OrderId, cut: i128) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        if order.leaves == cut {
            self.cancel(id, CancelReason::SelfTrade);
            return;
        }
        // What it would have matched is shown.
        order.leaves -= cut;
        self.emit_trimmed(id, TrimReason::SelfTrade);
        self.refresh_if_used_up(id);
    }

    /// An iceberg whose shown part is used up shows the next, at the end of the queue.
    pub(crate) fn refresh_if_used_up(&mut self, id: OrderId) {
        if self.orders[&id].shown() > 0 {
            return;
        }
        self.leave(id);
        self.order_mut(id).show_anew();
        self.join(id);
        let order = self.orders[&id];
        self.out.push(Event::Refreshed {
            order: id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            shown: qty(order.shown()),
            leaves: qty(order.leaves),
        });
    }

    pub(crate) fn emit_trimmed(&mut self, id: OrderId, reason: TrimReason) {
        let order = &self.orders[&id];
        self.out.push(Event::Trimmed {
            order: id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            leaves: qty(order.leaves),
            reason,
        });
    }

    /// A match of a taker with the maker it meets, and what comes of it for both.
    fn match_with(&mut self, taker: &mut Taker, maker: OrderId) {
        let Taker { instrument, side, .. } = *taker;
        let resting = self.orders[&maker];
        let matched = self.left_of(taker).min(resting.shown());
        self.book_funding(taker.account, instrument);
        self.book_funding(resting.account, instrument);
        let kind = if taker.order.is_some() { FillKind::Trade } else { FillKind::Liquidation };
        let value = self.exchange(instrument, matched, resting.price, {
            let (come, rested) = (taker.account, resting.account);
            if side == Side::Buy { (come, rested) } else { (rested, come) }
        });
        for id in [taker.order, Some(maker)].into_iter().flatten() {
            let order = self.order_mut(id);
            order.leaves -= matched;
            order.filled += matched;
        }
        taker.left -= matched.min(taker.left);
        let taker_fee = self.charge_taker(taker, matched, value);
        let tier = self.tier_of(resting.account);
        let maker_fee = self.instruments[instrument.index()].terms.fee_of_maker(value, tier);
        let asset = self.settlement(instrument);
        self.pay(resting.account, AccountId::FEES, asset, maker_fee);
        self.trades += 1;
        let fill = Fill {
            trade: TradeId::new(self.trades),
            instrument,
            side,
            kind,
            price: price(resting.price),
            qty: qty(matched),
            value: money(value),
            taker: self.side_of_fill(taker.order, (taker.account, instrument), taker.left, taker_fee),
            maker: self.side_of_fill(Some(maker), (resting.account, instrument), 0, maker_fee),
        };
        self.out.push(Event::Fill(fill));
        self.note_match(instrument, resting.price);
        let first = taker.prices.map_or(resting.price, |(first, _)| first);
        taker.prices = Some((first, resting.price));
        self.after_fill(maker, matched);
        if let Some(id) = taker.order {
            self.tell_of_fill(id, matched);
        }
    }

    /// What a taker pays for a match: an order its fee; a liquidation, out of what the price is better than its share of the
    /// bankruptcy amount, a fee to the fund, and what the price is worse the fund adds as far as it may.
    fn charge_taker(&mut self, taker: &mut Taker, matched: i128, value: i128) -> i128 {
        let asset = self.settlement(taker.instrument);
        let terms = &self.instruments[taker.instrument.index()].terms;
        let Some(mut closing) = taker.closing else {
            let fee = terms.fee_of_taker(value, self.tier_of(taker.account));
            self.pay(taker.account, AccountId::FEES, asset, fee);
            return fee;
        };
        let received = -sign(taker.side) * terms.cost_of_buying(value);
        let (low, high) = (
            floor(closing.at_bankruptcy * matched, closing.of),
            ceil(closing.at_bankruptcy * matched, closing.of),
        );
        if received >= high {
            let fee = ceil(received.abs() * terms.liquidation_fee, PPB).min(received - high);
            let fund = self.terms_of_group(closing.group).fund;
            self.pay(taker.account, fund, asset, fee);
            return fee;
        }
        let added = (low - received).min(closing.allowance).max(0);
        self.fund_gives(closing.group, taker.account, asset, added);
        closing.allowance -= added;
        taker.closing = Some(closing);
        -added
    }

    /// Moves a position between two accounts at a price; its value.
    pub(crate) fn exchange(
        &mut self,
        instrument: InstrumentId,
        matched: i128,
        at: i128,
        (buyer, seller): (AccountId, AccountId),
    ) -> i128 {
        let terms = &self.instruments[instrument.index()].terms;
        let value = terms.value(matched, at);
        let cost = terms.cost_of_buying(value);
        // Who gives comes first, which is the order in which debtors are listed.
        self.book(seller, instrument, -matched, -cost);
        self.book(buyer, instrument, matched, cost);
        value
    }

    /// What a match asks for of an order that rested.
    pub(crate) fn after_fill(&mut self, maker: OrderId, matched: i128) {
        let order = self.orders[&maker];
        self.tell_of_fill(maker, matched);
        self.settle_maker(maker);
        self.count_for_protection(&order, matched);
        self.trim(order.account, order.instrument);
        self.look(order.account);
    }

    /// A resting order after a match: forgotten, refreshed, or as it is.
    pub(crate) fn settle_maker(&mut self, maker: OrderId) {
        let Some(order) = self.orders.get(&maker) else { return };
        if order.leaves == 0 {
            self.leave(maker);
            self.forget(maker);
        } else {
            self.refresh_if_used_up(maker);
        }
    }

    /// One side of a match, of an order or of a liquidation with so much left.
    pub(crate) fn side_of_fill(
        &self,
        order: Option<OrderId>,
        (account, instrument): (AccountId, InstrumentId),
        left: i128,
        fee: i128,
    ) -> FillSide {
        let leg = self.leg(account, instrument);
        let known = order.map(|id| &self.orders[&id]);
        FillSide {
            order: order.unwrap_or(OrderId::new(0)),
            client_order_id: known.map_or(ClientOrderId::new(0), |order| order.client),
            session: known.map_or(SessionId::new(0), |order| order.session),
            account,
            leaves: qty(known.map_or(left, |order| order.leaves)),
            fee: money(fee),
            position: position(leg.position),
            cost: money(leg.cost),
            balance: money(self.balance(account, self.settlement(instrument))),
        }
    }

    /// Changes a position; one that becomes flat is settled to the balance.
    pub(crate) fn book(&mut self, account: AccountId, instrument: InstrumentId, delta: i128, cost: i128) {
        let mut leg = self.leg(account, instrument);
        if leg.position == 0 {
            leg.funded = self.instruments[instrument.index()].payments.len() - 1;
        }
        leg.position += delta;
        leg.cost += cost;
        if leg.position == 0 {
            self.post(account, self.settlement(instrument), -leg.cost);
            (leg.cost, leg.funded) = (0, 0);
        }
        self.store_leg(account, instrument, leg);
    }

    /// Cuts the account's reduce-only orders to the position that is left, worst price and last placed first.
    pub(crate) fn trim(&mut self, account: AccountId, instrument: InstrumentId) {
        loop {
            let position = self.leg(account, instrument).position;
            let mut reducing = self.weighing(account);
            reducing.retain(|order| order.instrument == instrument && order.reduce_only);
            let closing = |order: &&Order| (position > 0) == (order.side == Side::Sell) && position != 0;
            let total: i128 = reducing.iter().map(|order| order.leaves).sum();
            let excess = if reducing.iter().all(closing) { total - position.abs() } else { total };
            if excess <= 0 {
                return;
            }
            let badness = |order: &&Order| match order.side {
                Side::Buy => (-order.price, order.placed),
                Side::Sell => (order.price, order.placed),
            };
            let worst = *reducing.into_iter().max_by_key(badness).expect("an excess has an order");
            if worst.leaves <= excess {
                self.work = self.work.saturating_sub(1);
                self.cancel(worst.id, CancelReason::ReduceOnly);
                continue;
            }
            self.order_mut(worst.id).lessen(excess);
            self.emit_trimmed(worst.id, TrimReason::ReduceOnly);
        }
    }

    /// An order takes from the first maker on.
    pub(crate) fn start_taker(&mut self, id: OrderId) {
        let order = self.order_mut(id);
        (order.stage, order.hidden) = (Stage::Live, 0);
        let order = *order;
        self.run_taker(Taker {
            order: Some(id),
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            limit: order.price,
            left: 0,
            self_trade: order.said.self_trade,
            prices: None,
            closing: None,
        });
    }

    /// Runs an order's taker as far as one command may and finishes it if it is through.
    pub(crate) fn run_taker(&mut self, mut taker: Taker) {
        let state = self.instruments[taker.instrument.index()].state;
        let matches = matches!(state, TradingState::Open | TradingState::PostOnly | TradingState::ReduceOnly);
        let outcome = if matches { self.take(&mut taker) } else { Outcome::Done };
        if outcome == Outcome::Bound {
            self.suspended = Some(taker);
            return;
        }
        if let Some(order) = taker.order.and_then(|id| self.orders.get(&id)) {
            let whole = order.time_in_force == TimeInForce::FillOrKill && order.leaves > 0;
            if whole && outcome == Outcome::Done {
                self.noted.push("fill-or-kill left a rest");
            }
        }
        if let Outcome::Limit(limit) = outcome {
            self.out.push(Event::LimitStateEntered { instrument: taker.instrument, limit: price(limit) });
        }
        if let Some(id) = taker.order.filter(|id| self.orders.contains_key(id)) {
            self.finish(id, outcome);
        }
        if let Outcome::Limit(_) = outcome {
            self.pause(taker.instrument);
        }
        self.trim(taker.account, taker.instrument);
        self.watch_taker(&taker);
        if taker.prices.is_some() {
            self.look(taker.account);
        }
    }

    /// What is left of an order that took.
    fn finish(&mut self, id: OrderId, outcome: Outcome) {
        let order = self.orders[&id];
        if order.leaves == 0 {
            self.forget(id);
        } else if order.time_in_force == TimeInForce::GoodTillCancel {
            self.order_mut(id).show_anew();
            self.join(id);
        } else if outcome == Outcome::Done {
            self.cancel(id, CancelReason::Immediate);
        } else {
            self.cancel(id, CancelReason::TradingState);
        }
    }

    /// The venue's own taker of a liquidation.
    pub(crate) fn liquidator(account: AccountId, instrument: InstrumentId, held: i128, limit: i128) -> Taker {
        Taker {
            order: None,
            account,
            instrument,
            side: if held > 0 { Side::Sell } else { Side::Buy },
            limit,
            left: held.abs(),
            self_trade: SelfTrade::CancelMaker,
            prices: None,
            closing: None,
        }
    }
}
