//! New orders, amendments and cancellations: every rule in its published order, then the taker.

use engine::limits::FOK_MAKERS_MAX;
use engine::{
    AmendOrder, CancelOrder, CancelReason, ClientOrderId, Event, NewOrder, OrderId, OrderRef, Reject,
    SessionId, TimeInForce, TradingState,
};
use risk::limits::{LEGS_PER_ACCOUNT_MAX, ORDERS_PER_LEG_MAX};
use risk::{AccountId, FillKind, InstrumentId, Restriction, Side};
use std::collections::BTreeSet;

use super::arith::{MARKS, Terms, wide};
use super::state::{Instrument, Order, Taker, crosses};
use super::{Model, Refusal, price, qty};

impl Model {
    pub(crate) fn user_account(&self, account: AccountId) -> Result<(), Refusal> {
        if !self.accounts.contains_key(&account) {
            return Err(Reject::UnknownAccount.into());
        }
        if account.is_system() { Err(Reject::SystemAccount.into()) } else { Ok(()) }
    }

    /// Whether the operator lets the account place or change an order that only lessens its position, or any other.
    fn unrestricted(&self, account: AccountId, lessens: bool) -> Result<(), Refusal> {
        match self.accounts[&account].restriction {
            Restriction::Suspended => Err(Reject::AccountSuspended.into()),
            Restriction::ReduceOnly if !lessens => Err(Reject::AccountReduceOnly.into()),
            Restriction::ReduceOnly | Restriction::None => Ok(()),
        }
    }

    pub(crate) fn known_instrument(&self, instrument: InstrumentId) -> Result<(), Refusal> {
        let known = instrument.index() < self.instruments.len();
        if known { Ok(()) } else { Err(Reject::UnknownInstrument.into()) }
    }

    /// Whether the account may have a leg in the instrument.
    pub(crate) fn leg_fits(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let resting = |order: &Order| (order.account, order.instrument) == (account, instrument);
        if self.legs.contains_key(&(account, instrument)) || self.orders.values().any(resting) {
            return true;
        }
        let of_orders = self.orders.values().map(|order| (order.account, order.instrument));
        let all: BTreeSet<_> = self.legs.keys().copied().chain(of_orders).collect();
        let own = all.iter().filter(|&&(owner, _)| owner == account).count();
        let stored = u32::try_from(all.len()).expect("few legs");
        own < LEGS_PER_ACCOUNT_MAX as usize && stored < self.capacity.legs
    }

    fn in_band(&self, instrument: InstrumentId, side: Side, limit: i128) -> bool {
        let (low, high) =
            Terms::around(self.mark(instrument), self.instruments[instrument.index()].terms.band);
        match side {
            Side::Buy => limit * MARKS <= high,
            Side::Sell => limit * MARKS >= low,
        }
    }

    fn would_cross(&self, instrument: InstrumentId, side: Side, limit: i128) -> bool {
        let best = self.instruments[instrument.index()].book.best(side.opposite());
        best.is_some_and(|(best, _)| crosses(side, limit, best))
    }

    fn open_interest(&self, instrument: InstrumentId) -> i128 {
        let of_instrument = self.legs.iter().filter(|((_, place), _)| *place == instrument);
        of_instrument.map(|(_, leg)| leg.position.max(0)).sum()
    }

    fn fillable(&self, order: &Order) -> bool {
        let mut reached = 0;
        for (touched, maker) in
            self.instruments[order.instrument.index()].book.walk(order.side.opposite()).iter().enumerate()
        {
            let maker = &self.orders[maker];
            let goes_on = touched < FOK_MAKERS_MAX
                && crosses(order.side, order.price, maker.price)
                && maker.account != order.account
                && reached < order.leaves;
            if !goes_on {
                break;
            }
            if !self.accounts[&maker.account].liquidating {
                reached += maker.leaves;
            }
        }
        reached >= order.leaves
    }

    /// The rules on position, open interest and margin for `order` resting in place of `replaces`.
    fn limits(&self, order: &Order, replaces: Option<OrderId>) -> Result<(), Refusal> {
        let Order { account, instrument, side, leaves, reduce_only, .. } = *order;
        let terms = &self.instruments[instrument.index()].terms;
        let leg = self.leg(account, instrument);
        let now = self.orders_of(account);
        let mut then = now.clone();
        then.retain(|other| Some(other.id) != replaces);
        then.push(*order);
        let worst = self.worst(account, instrument, &then);
        if worst > terms.position_max && worst > self.worst(account, instrument, &now) {
            return Err(Reject::PositionLimit.into());
        }
        let closes = (leg.position > 0 && side == Side::Sell) || (leg.position < 0 && side == Side::Buy);
        let closing = if closes { leaves.min(leg.position.abs()) } else { 0 };
        if !reduce_only && self.open_interest(instrument) + leaves - closing > terms.open_interest_max {
            return Err(Reject::OpenInterestLimit.into());
        }
        match self.margin_short(account, instrument, &then, leg.leverage) {
            None => Ok(()),
            Some(short) => Err(Refusal { reject: Reject::InsufficientMargin, short }),
        }
    }

    /// Every rule a new order can break; the order with its effective price and quantity.
    fn check_new(&self, session: SessionId, client: ClientOrderId, new: &NewOrder) -> Result<Order, Refusal> {
        let NewOrder { account, instrument, side, time_in_force, .. } = *new;
        self.user_account(account)?;
        self.known_instrument(instrument)?;
        let Instrument { terms, state, mark, .. } = &self.instruments[instrument.index()];
        if *state != TradingState::Open {
            return Err(Reject::NotTrading.into());
        }
        if self.accounts[&account].liquidating {
            return Err(Reject::AccountLiquidating.into());
        }
        self.unrestricted(account, new.reduce_only)?;
        let good_till_cancel = time_in_force == TimeInForce::GoodTillCancel;
        let lasting_market = new.limit.is_none() && good_till_cancel;
        if lasting_market || (new.post_only && !(new.limit.is_some() && good_till_cancel)) {
            return Err(Reject::BadCombination.into());
        }
        let asked = i128::from(new.qty.get());
        if asked <= 0 || asked % terms.lot != 0 {
            return Err(Reject::BadQuantity.into());
        }
        if asked > terms.order_qty_max {
            return Err(Reject::QuantityTooLarge.into());
        }
        if new.limit.is_some_and(|limit| !terms.admits_price(wide(limit))) {
            return Err(Reject::BadPrice.into());
        }
        let Some(mark) = *mark else { return Err(Reject::NoMarkPrice.into()) };
        if new.limit.is_some_and(|limit| !self.in_band(instrument, side, wide(limit))) {
            return Err(Reject::PriceBand.into());
        }
        let own = self.orders_of(account).iter().filter(|order| order.instrument == instrument).count();
        if own >= ORDERS_PER_LEG_MAX as usize || self.orders.len() >= self.capacity.orders as usize {
            return Err(Reject::TooManyOrders.into());
        }
        if !self.leg_fits(account, instrument) {
            return Err(Reject::TooManyLegs.into());
        }
        let held = self.leg(account, instrument).position;
        let mut leaves = asked;
        if new.reduce_only {
            let closes = (held > 0 && side == Side::Sell) || (held < 0 && side == Side::Buy);
            if !closes {
                return Err(Reject::ReduceOnlyWouldIncrease.into());
            }
            leaves = leaves.min(held.abs());
        }
        let order = Order {
            id: OrderId::new(0),
            client,
            session,
            account,
            instrument,
            side,
            price: new.limit.map_or_else(|| terms.market_limit(mark, side == Side::Buy), wide),
            leaves,
            filled: 0,
            reduce_only: new.reduce_only,
            persistent: new.persistent,
            joined: 0,
        };
        if new.post_only && self.would_cross(instrument, side, order.price) {
            return Err(Reject::PostOnlyWouldCross.into());
        }
        if time_in_force == TimeInForce::FillOrKill && !self.fillable(&order) {
            return Err(Reject::FokNotFillable.into());
        }
        self.limits(&order, None)?;
        Ok(order)
    }

    pub(crate) fn new_order(
        &mut self,
        session: SessionId,
        client: ClientOrderId,
        new: &NewOrder,
        hints: &[Event],
    ) -> Result<(), Refusal> {
        let mut order = self.check_new(session, client, new)?;
        order.id = self.number_order(hints);
        self.by_client.insert((session, order.client), order.id);
        self.out.push(Event::Accepted {
            order: order.id,
            client_order_id: order.client,
            session,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            limit: price(order.price),
            qty: qty(order.leaves),
            time_in_force: new.time_in_force,
            reduce_only: order.reduce_only,
        });
        self.run_taker(Taker { order, time_in_force: new.time_in_force, kind: FillKind::Trade });
        Ok(())
    }

    /// The number of an accepted order: the venue's where it is followed, but never one used before.
    fn number_order(&mut self, hints: &[Event]) -> OrderId {
        let hinted = hints
            .iter()
            .find_map(|event| if let Event::Accepted { order, .. } = event { Some(*order) } else { None });
        let own = OrderId::new(self.used_numbers.len() as u64 + 1);
        let number = hinted.unwrap_or(own);
        if number.get() == 0 || !self.used_numbers.insert(number) {
            self.complain(format!("order number {number} is zero or was used before"));
        }
        number
    }

    /// A resting order of the account.
    fn resolve(&self, session: SessionId, account: AccountId, order: OrderRef) -> Option<Order> {
        let id = match order {
            OrderRef::Id(id) => id,
            OrderRef::Client(client) => *self.by_client.get(&(session, client))?,
        };
        self.orders.get(&id).filter(|order| order.account == account).copied()
    }

    pub(crate) fn cancel_order(&mut self, session: SessionId, cancel: &CancelOrder) -> Result<(), Refusal> {
        self.user_account(cancel.account)?;
        let Some(order) = self.resolve(session, cancel.account, cancel.order) else {
            return Err(Reject::UnknownOrder.into());
        };
        self.cancel(order.id, CancelReason::Requested);
        Ok(())
    }

    /// Every rule an amendment can break; the order as it will be, and whether it keeps its place.
    fn check_amend(&self, session: SessionId, amend: &AmendOrder) -> Result<(Order, bool), Refusal> {
        self.user_account(amend.account)?;
        let known = self.resolve(session, amend.account, amend.order);
        let state = known.map(|order| self.instruments[order.instrument.index()].state);
        if state.is_some_and(|state| state != TradingState::Open) {
            return Err(Reject::NotTrading.into());
        }
        if self.accounts[&amend.account].liquidating {
            return Err(Reject::AccountLiquidating.into());
        }
        let lessens = |old: Order| {
            let same_price = wide(amend.limit) == old.price;
            old.reduce_only || (same_price && i128::from(amend.qty.get()) - old.filled <= old.leaves)
        };
        self.unrestricted(amend.account, known.is_none_or(lessens))?;
        let Some(old) = known else { return Err(Reject::UnknownOrder.into()) };
        let terms = &self.instruments[old.instrument.index()].terms;
        let (limit, total) = (wide(amend.limit), i128::from(amend.qty.get()));
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
        let mut leaves = total - old.filled;
        let shrinks = limit == old.price && leaves <= old.leaves;
        if !shrinks && !self.in_band(old.instrument, old.side, limit) {
            return Err(Reject::PriceBand.into());
        }
        if old.reduce_only {
            leaves = leaves.min(self.leg(old.account, old.instrument).position.abs());
        }
        let order = Order { price: limit, leaves, ..old };
        // What was asked for decides, before any cut to the position.
        if shrinks {
            return Ok((order, true));
        }
        if amend.post_only && self.would_cross(old.instrument, old.side, limit) {
            return Err(Reject::PostOnlyWouldCross.into());
        }
        self.limits(&order, Some(old.id))?;
        Ok((order, false))
    }

    pub(crate) fn amend_order(&mut self, session: SessionId, amend: &AmendOrder) -> Result<(), Refusal> {
        let (order, priority_kept) = self.check_amend(session, amend)?;
        self.out.push(Event::Amended {
            order: order.id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            limit: price(order.price),
            qty: qty(order.filled + order.leaves),
            leaves: qty(order.leaves),
            priority_kept,
        });
        if priority_kept {
            self.orders.insert(order.id, order);
            return Ok(());
        }
        self.leave(order.id);
        self.run_taker(Taker { order, time_in_force: TimeInForce::GoodTillCancel, kind: FillKind::Trade });
        Ok(())
    }
}
