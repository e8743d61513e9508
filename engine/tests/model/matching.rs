//! Takers, fills, trims, cancellations.

use engine::limits::MATCHES_PER_COMMAND;
use engine::{
    CancelReason, ClientOrderId, Event, Fill, FillSide, OrderId, SessionId, TimeInForce, TradeId, TrimReason,
};
use risk::{AccountId, FillKind, InstrumentId, Side};

use super::arith::{PPB, ceil};
use super::state::{Order, Outcome, Taker, crosses};
use super::{Model, money, position, price, qty};

impl Model {
    /// Puts an order at the end of the queue of its price.
    pub(crate) fn join(&mut self, mut order: Order) {
        self.joins += 1;
        order.joined = self.joins;
        let book = &mut self.instruments[order.instrument.index()].book;
        book.queues(order.side).entry(order.price).or_default().push_back(order.id);
        self.orders.insert(order.id, order);
    }

    /// Takes an order out of its queue.
    pub(crate) fn leave(&mut self, id: OrderId) -> Order {
        let order = self.orders.remove(&id).expect("only resting orders leave");
        let queues = self.instruments[order.instrument.index()].book.queues(order.side);
        let queue = queues.get_mut(&order.price).expect("a resting order is in a queue");
        queue.retain(|&other| other != id);
        if queue.is_empty() {
            queues.remove(&order.price);
        }
        order
    }

    pub(crate) fn emit_cancelled(&mut self, order: &Order, reason: CancelReason) {
        self.out.push(Event::Cancelled {
            order: order.id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            instrument: order.instrument,
            qty: qty(order.leaves),
            reason,
        });
    }

    /// Cancels a resting order.
    pub(crate) fn cancel(&mut self, id: OrderId, reason: CancelReason) {
        let order = self.leave(id);
        self.emit_cancelled(&order, reason);
    }

    /// Lets a taker take until it is done, meets itself or touched as many makers as one command may.
    pub(crate) fn take(&mut self, taker: &mut Taker) -> Outcome {
        let Order { instrument, side, price: limit, account, .. } = taker.order;
        let mut touched = 0;
        while taker.order.leaves > 0 {
            let best = self.instruments[instrument.index()].book.best(side.opposite());
            let Some((_, maker)) = best.filter(|&(best, _)| crosses(side, limit, best)) else {
                return Outcome::Done;
            };
            if touched == MATCHES_PER_COMMAND {
                return Outcome::Bound;
            }
            touched += 1;
            let maker = self.orders[&maker];
            if maker.account == account {
                return Outcome::SelfTrade;
            }
            if self.accounts[&maker.account].liquidating {
                self.cancel(maker.id, CancelReason::Liquidation);
                continue;
            }
            self.fill(taker, maker.id);
            self.trim(maker.account, instrument);
            self.flag_if_below(maker.account);
        }
        Outcome::Done
    }

    fn fill(&mut self, taker: &mut Taker, maker_id: OrderId) {
        let Order { instrument, side, .. } = taker.order;
        let terms = self.instruments[instrument.index()].terms.clone();
        let mut maker = self.orders[&maker_id];
        let matched = taker.order.leaves.min(maker.leaves);
        let value = terms.value(matched, maker.price);
        for order in [&mut taker.order, &mut maker] {
            order.leaves -= matched;
            order.filled += matched;
        }
        if maker.leaves == 0 {
            self.leave(maker_id);
        } else {
            self.orders.insert(maker_id, maker);
        }
        let sign = if side == Side::Buy { 1 } else { -1 };
        self.book(taker.order.account, instrument, sign * matched, sign * value);
        self.book(maker.account, instrument, -sign * matched, -sign * value);
        let (taker_fee, to) = match taker.kind {
            FillKind::Trade | FillKind::Auction => (terms.fee_of_taker(value), AccountId::FEES),
            FillKind::Liquidation => {
                let surplus = sign * (terms.value(matched, taker.order.price) - value);
                let fee = ceil(value * terms.liquidation_fee, PPB);
                (fee.min(surplus.max(0)), AccountId::INSURANCE)
            }
        };
        let maker_fee = terms.fee_of_maker(value);
        self.pay(taker.order.account, to, taker_fee);
        self.pay(maker.account, AccountId::FEES, maker_fee);
        self.trades += 1;
        let fill = Fill {
            trade: TradeId::new(self.trades),
            instrument,
            side,
            kind: taker.kind,
            price: price(maker.price),
            qty: qty(matched),
            value: money(value),
            taker: self.side_of_fill(&taker.order, taker_fee),
            maker: self.side_of_fill(&maker, maker_fee),
        };
        self.out.push(Event::Fill(fill));
    }

    fn side_of_fill(&self, order: &Order, fee: i128) -> FillSide {
        let leg = self.leg(order.account, order.instrument);
        FillSide {
            order: order.id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            leaves: qty(order.leaves),
            fee: money(fee),
            position: position(leg.position),
            cost: money(leg.cost),
            balance: money(self.accounts[&order.account].balance),
        }
    }

    /// Changes a position; one that becomes flat is settled to the balance.
    pub(crate) fn book(&mut self, account: AccountId, instrument: InstrumentId, delta: i128, cost: i128) {
        let mut leg = self.leg(account, instrument);
        leg.position += delta;
        leg.cost += cost;
        if leg.position == 0 {
            self.account_mut(account).balance -= leg.cost;
            leg.cost = 0;
        }
        self.store_leg(account, instrument, leg);
    }

    /// Moves money between accounts.
    pub(crate) fn pay(&mut self, from: AccountId, to: AccountId, amount: i128) {
        self.account_mut(from).balance -= amount;
        self.account_mut(to).balance += amount;
    }

    /// Cuts the account's reduce-only orders to the position that is left, worst price and last joined first.
    pub(crate) fn trim(&mut self, account: AccountId, instrument: InstrumentId) {
        loop {
            let position = self.leg(account, instrument).position;
            let mut reducing = self.orders_of(account);
            reducing.retain(|order| order.instrument == instrument && order.reduce_only);
            let closing = |order: &Order| (position > 0) == (order.side == Side::Sell) && position != 0;
            let total: i128 = reducing.iter().map(|order| order.leaves).sum();
            let excess = if reducing.iter().all(closing) { total - position.abs() } else { total };
            if excess <= 0 {
                return;
            }
            let badness = |order: &Order| match order.side {
                Side::Buy => (-order.price, order.joined),
                Side::Sell => (order.price, order.joined),
            };
            let mut worst = reducing.into_iter().max_by_key(badness).expect("an excess has an order");
            if worst.leaves <= excess {
                self.cancel(worst.id, CancelReason::ReduceOnly);
                continue;
            }
            worst.leaves -= excess;
            self.orders.insert(worst.id, worst);
            self.out.push(Event::Trimmed {
                order: worst.id,
                client_order_id: worst.client,
                session: worst.session,
                account,
                leaves: qty(worst.leaves),
                reason: TrimReason::ReduceOnly,
            });
        }
    }

    /// Runs a client's taker as far as one command may and finishes it if it is through.
    pub(crate) fn run_taker(&mut self, mut taker: Taker) {
        let outcome = self.take(&mut taker);
        if outcome == Outcome::Bound {
            self.suspended = Some(taker);
            return;
        }
        let order = taker.order;
        if outcome == Outcome::SelfTrade {
            self.emit_cancelled(&order, CancelReason::SelfTrade);
        } else if order.leaves > 0 {
            match taker.time_in_force {
                TimeInForce::GoodTillCancel => self.join(order),
                TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill => {
                    self.emit_cancelled(&order, CancelReason::Immediate);
                }
            }
        }
        self.trim(order.account, order.instrument);
        self.flag_if_below(order.account);
    }

    /// The venue's own taker of a liquidation.
    pub(crate) fn liquidator(account: AccountId, instrument: InstrumentId, held: i128, limit: i128) -> Taker {
        let order = Order {
            id: OrderId::new(0),
            client: ClientOrderId::new(0),
            session: SessionId::new(0),
            account,
            instrument,
            side: if held > 0 { Side::Sell } else { Side::Buy },
            price: limit,
            leaves: held.abs(),
            filled: 0,
            reduce_only: true,
            persistent: false,
            joined: 0,
        };
        Taker { order, time_in_force: TimeInForce::ImmediateOrCancel, kind: FillKind::Liquidation }
    }
}
