//! New orders: every rule in its published order, then the taker.

use engine::limits::FOK_MAKERS_MAX;
use engine::{
    AdvancedOrder, CancelOrder, CancelReason, ClientOrderId, Event, Exit, Instructions, OrderId, OrderRef,
    Pricing, Reject, SelfTrade, SessionId, TimeInForce, TradingState, Trigger, TriggerKind,
};
use risk::limits::LEGS_PER_ACCOUNT_MAX;
use risk::{AccountId, InstrumentId, Restriction, Side};
use std::collections::{BTreeMap, BTreeSet};

use super::arith::{MARKS, Terms, wide};
use super::matching::sign;
use super::state::{Order, Stage, crosses};
use super::{Model, Refusal, price, qty};

/// A session and its name for the request.
pub(crate) type Request = (SessionId, ClientOrderId);

impl Model {
    pub(crate) fn user_account(&self, account: AccountId) -> Result<(), Refusal> {
        if !self.accounts.contains_key(&account) {
            return Err(Reject::UnknownAccount.into());
        }
        if account.is_system() || self.is_fund(account) {
            return Err(Reject::SystemAccount.into());
        }
        if self.is_isolated(account) { Err(Reject::IsolatedAccount.into()) } else { Ok(()) }
    }

    pub(crate) fn not_liquidating(&self, account: AccountId) -> Result<(), Refusal> {
        if self.accounts[&account].liquidating { Err(Reject::AccountLiquidating.into()) } else { Ok(()) }
    }

    /// Whether the operator lets the account place or change an order that only lessens its position, or any other.
    pub(crate) fn unrestricted(&self, account: AccountId, lessens: bool) -> Result<(), Refusal> {
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

    /// Whether the account may have a leg in the instrument, beside those the orders `ahead` open.
    pub(crate) fn leg_fits(&self, account: AccountId, instrument: InstrumentId, ahead: &[&Order]) -> bool {
        let mut own = self.legs_of(account);
        if own.contains(&instrument) {
            return true;
        }
        own.extend(ahead.iter().filter(|order| order.account == account).map(|order| order.instrument));
        own.insert(instrument);
        let of_orders = self.orders.values().chain(ahead.iter().copied());
        let of_orders = of_orders.map(|order| (order.account, order.instrument));
        let mut all: BTreeSet<_> = self.legs.keys().copied().chain(of_orders).collect();
        all.insert((account, instrument));
        let stored = u32::try_from(all.len()).expect("few legs");
        own.len() <= LEGS_PER_ACCOUNT_MAX as usize && stored <= self.capacity.legs
    }

    /// Instruments in which the account holds, orders or has set a leverage.
    pub(crate) fn legs_of(&self, account: AccountId) -> BTreeSet<InstrumentId> {
        let from = (account, InstrumentId::new(0));
        let held = self.legs.range(from..=(account, InstrumentId::new(u32::MAX)));
        let ordered = self.orders_of(account).into_iter().map(|order| order.instrument);
        held.map(|(&(_, instrument), _)| instrument).chain(ordered).collect()
    }

    pub(crate) fn in_band(&self, instrument: InstrumentId, side: Side, limit: i128) -> bool {
        let (low, high) =
            Terms::around(self.mark(instrument), self.instruments[instrument.index()].terms.band);
        match side {
            Side::Buy => limit * MARKS <= high,
            Side::Sell => limit * MARKS >= low,
        }
    }

    pub(crate) fn would_cross(&self, instrument: InstrumentId, side: Side, limit: i128) -> bool {
        let best = self.instruments[instrument.index()].book.best(side.opposite());
        best.is_some_and(|(best, _)| crosses(side, limit, best))
    }

    /// The price next to the other side's best at which nothing is taken, where there is one.
    pub(crate) fn slid_price(&self, order: &Order) -> Option<i128> {
        let known = &self.instruments[order.instrument.index()];
        let (best, _) = known.book.best(order.side.opposite())?;
        let slid = best - sign(order.side) * known.terms.tick;
        (order.said.slides && known.terms.admits_price(slid)).then_some(slid)
    }

    pub(crate) fn open_interest(&self, instrument: InstrumentId) -> i128 {
        let of_instrument = self.legs.iter().filter(|((_, place), _)| *place == instrument);
        of_instrument.map(|(_, leg)| leg.position.max(0)).sum()
    }

    /// Whether the order stands on the side that closes the account's position.
    pub(crate) fn closes(&self, order: &Order) -> bool {
        self.leg(order.account, order.instrument).position * sign(order.side) < 0
    }

    /// The makers an order would touch, in order: at each price first as they show themselves, then icebergs once more.
    fn touched(&self, order: &Order) -> Vec<(&Order, bool)> {
        let Order { instrument, side, price: limit, .. } = *order;
        let inner = self.pause_limit(instrument, side).unwrap_or(limit);
        let makers = self.instruments[instrument.index()].book.walk(side.opposite());
        let makers: Vec<&Order> = makers.iter().map(|id| &self.orders[id]).collect();
        let reachable =
            |maker: &&Order| crosses(side, limit, maker.price) && crosses(side, inner, maker.price);
        let reachable: Vec<&Order> = makers.into_iter().take_while(reachable).collect();
        let mut all = Vec::new();
        let mut level: Vec<&Order> = Vec::new();
        for (place, maker) in reachable.iter().take(FOK_MAKERS_MAX).enumerate() {
            level.push(maker);
            all.push((*maker, false));
            // A level of which not all was touched may have more to show.
            let next = reachable.get(place + 1);
            if next.is_none_or(|next| next.price != maker.price) {
                all.extend(level.drain(..).filter(|maker| maker.hidden > 0).map(|maker| (maker, true)));
            }
        }
        all
    }

    /// What an order could take from each maker it would touch, with the maker's price.
    pub(crate) fn reach(&self, order: &Order) -> Vec<(i128, i128)> {
        let mut positions: BTreeMap<AccountId, i128> = BTreeMap::new();
        let mut all = Vec::new();
        for (maker, hides) in self.touched(order) {
            if self.same_owner(maker.account, order.account) {
                if order.said.self_trade == SelfTrade::CancelMaker {
                    continue;
                }
                break;
            }
            if self.barred(maker).is_some() {
                continue;
            }
            let held = positions
                .entry(maker.account)
                .or_insert_with(|| self.leg(maker.account, order.instrument).position);
            let mut counts = if hides { maker.hidden } else { maker.shown() };
            if maker.reduce_only {
                counts = counts.min((-*held * sign(maker.side)).max(0));
            }
            *held += sign(maker.side) * counts;
            if counts > 0 {
                all.push((counts, maker.price));
            }
        }
        all
    }

    /// Fill-or-kill and minimum quantity.
    pub(crate) fn check_fillable(&self, order: &Order) -> Result<(), Refusal> {
        let minimum = i128::from(order.said.min_qty.get());
        let all = order.time_in_force == TimeInForce::FillOrKill;
        if !all && minimum == 0 {
            return Ok(());
        }
        let reached: i128 = self.reach(order).iter().map(|&(counts, _)| counts).sum();
        if all && reached < order.leaves {
            return Err(Reject::FokNotFillable.into());
        }
        if reached.min(order.leaves) < minimum {
            return Err(Reject::MinQtyNotFillable.into());
        }
        Ok(())
    }

    /// Band, largest value and largest quantity. A market order's price is its own.
    pub(crate) fn check_size(&self, order: &Order, market: bool) -> Result<(), Refusal> {
        let terms = &self.instruments[order.instrument.index()].terms;
        let banded = !market || order.said.pricing == Pricing::MarketToLimit;
        if order.leaves > terms.order_qty_max {
            return Err(Reject::QuantityTooLarge.into());
        }
        if banded && !self.in_band(order.instrument, order.side, order.price) {
            return Err(Reject::PriceBand.into());
        }
        let most = terms.order_notional_max;
        if most > 0 && terms.value(order.leaves, order.price) > most {
            return Err(Reject::NotionalTooLarge.into());
        }
        Ok(())
    }

    /// Position and open interest for `order` beside `now`, in place of `replaces`.
    pub(crate) fn check_exposure(
        &self,
        order: &Order,
        now: &[&Order],
        replaces: Option<OrderId>,
    ) -> Result<(), Refusal> {
        let Order { account, instrument, reduce_only, .. } = *order;
        let terms = &self.instruments[instrument.index()].terms;
        let then = with(order, now, replaces);
        self.check_trust(order, &then)?;
        let worst = self.worst(account, instrument, &then);
        if worst > terms.position_max && worst > self.worst(account, instrument, now) {
            return Err(Reject::PositionLimit.into());
        }
        if self.owner_reaches_too_far(account, instrument, (now, &then)) {
            return Err(Reject::OwnerPositionLimit.into());
        }
        let opening = self.opening(account, instrument, &[order]);
        if !reduce_only && self.opens_too_much(instrument, opening) {
            return Err(Reject::OpenInterestLimit.into());
        }
        Ok(())
    }

    /// Whether all accounts of an owner could together reach more than they may if `then` stood instead of `now`, and more
    /// than before.
    pub(crate) fn owner_reaches_too_far(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        (now, then): (&[&Order], &[&Order]),
    ) -> bool {
        let most = self.instruments[instrument.index()].terms.owner_position_max;
        let (before, after) = (self.worst(account, instrument, now), self.worst(account, instrument, then));
        let all = self.accounts.keys().filter(|&&other| self.same_owner(other, account));
        let together: i128 = all.map(|&other| self.worst(other, instrument, &self.weighing(other))).sum();
        most > 0 && after > before && together - before + after > most
    }

    /// How much more than they close some orders of an account open.
    pub(crate) fn opening(&self, account: AccountId, instrument: InstrumentId, orders: &[&Order]) -> i128 {
        let (mut total, mut closing) = (0, 0);
        for order in orders {
            total += order.leaves;
            closing += if self.closes(order) { order.leaves } else { 0 };
        }
        total - closing.min(self.leg(account, instrument).position.abs())
    }

    /// Whether the open interest would pass its limit; what opens nothing never does.
    pub(crate) fn opens_too_much(&self, instrument: InstrumentId, opening: i128) -> bool {
        let most = self.instruments[instrument.index()].terms.open_interest_max;
        opening > 0 && self.open_interest(instrument) + opening > most
    }

    /// Margin for `order` beside `now`, in place of `replaces`.
    pub(crate) fn check_margin(
        &self,
        order: &Order,
        now: &[&Order],
        replaces: Option<OrderId>,
    ) -> Result<(), Refusal> {
        let then = with(order, now, replaces);
        match self.margin_short(order.account, (now, &then), None) {
            None => Ok(()),
            Some(short) if self.can_feed(order.account, short) => Ok(()),
            Some(short) => Err(Refusal { reject: Reject::InsufficientMargin, short }),
        }
    }

    /// Whether the instrument's state admits the order as new.
    pub(crate) fn admits(&self, order: &Order) -> bool {
        let sleeps = order.said.trigger.is_some() && order.stage == Stage::Dormant;
        let limited = order.price != 0;
        let lasting = order.time_in_force == TimeInForce::GoodTillCancel;
        let minimum = order.said.min_qty.get() != 0;
        match self.instruments[order.instrument.index()].state {
            TradingState::Open => true,
            TradingState::PreOpen | TradingState::Auction => {
                sleeps || (limited && lasting && !order.post_only && !minimum)
            }
            TradingState::PostOnly => !sleeps && order.post_only,
            TradingState::ReduceOnly => !sleeps && order.reduce_only,
            TradingState::CancelOnly
            | TradingState::Halted
            | TradingState::Closed
            | TradingState::Settled => false,
        }
    }

    /// The price an order takes at worst: its limit, the other side's best, or the collar.
    pub(crate) fn effective_price(&self, order: &Order) -> Option<i128> {
        let known = &self.instruments[order.instrument.index()];
        if order.price != 0 {
            return Some(order.price);
        }
        if order.said.pricing == Pricing::MarketToLimit {
            return known.book.best(order.side.opposite()).map(|(best, _)| best);
        }
        known.mark.map(|mark| known.terms.market_limit(mark, order.side == Side::Buy))
    }

    /// How many lots money pays for as the book stands.
    fn affordable(&self, order: &Order, mut money: i128) -> i128 {
        let terms = &self.instruments[order.instrument.index()].terms;
        let mut total = 0;
        for (counts, at) in self.reach(order) {
            let taken = terms.payable(money, at, counts);
            total += taken;
            money -= terms.cost(taken, at);
            if taken < counts {
                break;
            }
        }
        total
    }

    /// An order as it was asked for, before any rule has looked at it.
    pub(crate) fn drafted(&self, (session, client): Request, advanced: &AdvancedOrder) -> Order {
        let new = &advanced.order;
        let sleeps = advanced.instructions.trigger.is_some();
        Order {
            id: OrderId::new(0),
            client,
            session,
            account: self.acting(new.account, new.instrument).unwrap_or(new.account),
            instrument: new.instrument,
            side: new.side,
            price: new.limit.map_or(0, wide),
            leaves: i128::from(new.qty.get()),
            hidden: 0,
            filled: 0,
            reduce_only: new.reduce_only,
            persistent: new.persistent,
            post_only: new.post_only,
            time_in_force: new.time_in_force,
            stage: if sleeps { Stage::Dormant } else { Stage::Live },
            fired: false,
            placed: 0,
            serial: 0,
            said: self.resolved(&advanced.instructions),
            best: None,
            crossed: false,
            partner: None,
            parent: None,
            exits: [None; 2],
        }
    }

    /// Every rule a new order can break; the order with its effective price and quantity.
    pub(crate) fn check_new(&self, request: Request, advanced: &AdvancedOrder) -> Result<Order, Refusal> {
        let order = self.check_alone(request, advanced, &[])?;
        if order.stage != Stage::Dormant {
            let now = self.weighing(order.account);
            self.check_exposure(&order, &now, None)?;
            self.check_margin(&order, &now, None)?;
        }
        Ok(order)
    }

    /// The same but for the account's limits and margin; room is also taken by the orders `ahead`.
    pub(crate) fn check_alone(
        &self,
        request: Request,
        advanced: &AdvancedOrder,
        ahead: &[&Order],
    ) -> Result<Order, Refusal> {
        let mut order = self.drafted(request, advanced);
        let limit = advanced.order.limit.map(wide);
        self.user_account(advanced.order.account)?;
        self.known_instrument(order.instrument)?;
        if !self.admits(&Order { price: limit.map_or(0, |_| 1), ..order }) {
            return Err(Reject::NotTrading.into());
        }
        self.not_liquidating(order.account)?;
        self.unrestricted(order.account, order.reduce_only)?;
        self.check_protection(order.account, order.said.protection)?;
        Self::check_kind(&order, limit.is_some())?;
        self.check_qty(&order, order.leaves)?;
        self.check_prices(&order, limit)?;
        self.check_expiry(&order)?;
        if self.instruments[order.instrument.index()].mark.is_none() {
            return Err(Reject::NoMarkPrice.into());
        }
        self.check_trigger_price(&order)?;
        if order.stage == Stage::Dormant {
            self.check_room(&order, ahead)?;
            return Ok(order);
        }
        self.price_and_size(&mut order, limit.is_none())?;
        self.check_room(&order, ahead)?;
        self.check_take_now(&mut order)?;
        Ok(order)
    }

    /// Gives an order that takes at once its price and quantity.
    fn price_and_size(&self, order: &mut Order, market: bool) -> Result<(), Refusal> {
        let held = self.leg(order.account, order.instrument).position;
        if Self::closes_position(order) {
            order.leaves = if self.closes(order) { held.abs() } else { 0 };
        }
        order.price = self.effective_price(order).ok_or(Reject::NoLiquidity)?;
        if order.said.pricing == Pricing::QuoteNotional {
            order.leaves = self.affordable(order, order.leaves);
            if order.leaves == 0 {
                return Err(Reject::NoLiquidity.into());
            }
        }
        self.check_size(order, market)
    }

    /// Stores and limits leave room for the order and its exits, behind those `ahead` of it.
    pub(crate) fn check_room(&self, order: &Order, ahead: &[&Order]) -> Result<(), Refusal> {
        let same = |other: &&Order| other.instrument == order.instrument;
        let count = |orders: &[&Order]| orders.iter().map(|other| other.with_exits()).sum::<usize>();
        let before: Vec<&Order> = ahead.iter().copied().filter(same).collect();
        let own = self.orders_of(order.account).into_iter().filter(same).count();
        let most = self.instruments[order.instrument.index()].terms.orders_max;
        let more = order.with_exits();
        let full = self.orders.len() + count(ahead) + more > self.capacity.orders as usize;
        if own + count(&before) + more > most || full {
            return Err(Reject::TooManyOrders.into());
        }
        if !self.leg_fits(order.account, order.instrument, ahead) {
            return Err(Reject::TooManyLegs.into());
        }
        Ok(())
    }

    /// What depends on the position and the book as they stand.
    pub(crate) fn check_take_now(&self, order: &mut Order) -> Result<(), Refusal> {
        if order.reduce_only {
            if !self.closes(order) {
                return Err(Reject::ReduceOnlyWouldIncrease.into());
            }
            let held = self.leg(order.account, order.instrument).position;
            order.leaves = order.leaves.min(held.abs());
        }
        if order.post_only && self.would_cross(order.instrument, order.side, order.price) {
            order.price = self.slid_price(order).ok_or(Reject::PostOnlyWouldCross)?;
        }
        self.check_fillable(order)
    }

    pub(crate) fn new_order(&mut self, request: Request, advanced: &AdvancedOrder) -> Result<(), Refusal> {
        let order = self.check_new(request, advanced)?;
        self.feed_order(&order, None);
        let id = self.accept(order);
        if self.orders[&id].stage != Stage::Dormant {
            self.start_taker(id);
        }
        Ok(())
    }

    /// Accepts an order that was checked, and its exits.
    pub(crate) fn accept(&mut self, mut order: Order) -> OrderId {
        order.id = self.number_order();
        order.placed = self.next_place();
        order.serial = self.next_serial();
        order.time_in_force = order.life();
        if let Some(trigger) = order.said.trigger {
            order.best = self.watched(order.instrument, trigger.source);
        }
        self.emit_accepted(&order);
        self.store(&order);
        if order.stage == Stage::Dormant {
            self.emit_armed(order.id);
            self.look_at_trigger(order.id);
        }
        self.accept_exits(&order);
        order.id
    }

    fn emit_accepted(&mut self, order: &Order) {
        self.out.push(Event::Accepted {
            order: order.id,
            client_order_id: order.client,
            session: order.session,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            limit: price(order.price),
            qty: qty(order.leaves),
            time_in_force: order.time_in_force,
            reduce_only: order.reduce_only,
        });
    }

    fn accept_exits(&mut self, entry: &Order) {
        let asked =
            [(entry.said.take_profit, TriggerKind::TakeProfit), (entry.said.stop_loss, TriggerKind::Stop)];
        let mut ids = [None; 2];
        for (place, (exit, kind)) in asked.into_iter().enumerate() {
            let Some(exit) = exit else { continue };
            let number = entry.client.get() + place as u64 + 1;
            let held = self.exit_of(entry, exit, kind, ClientOrderId::new(number));
            self.emit_accepted(&held);
            self.store(&held);
            self.emit_armed(held.id);
            ids[place] = Some(held.id);
        }
        self.order_mut(entry.id).exits = ids;
        if let [Some(profit), Some(stop)] = ids {
            self.order_mut(profit).partner = Some(stop);
            self.order_mut(stop).partner = Some(profit);
        }
    }

    fn exit_of(&mut self, entry: &Order, exit: Exit, kind: TriggerKind, client: ClientOrderId) -> Order {
        let said = Instructions {
            self_trade: entry.said.self_trade,
            tag: entry.said.tag,
            trigger: Some(Trigger { source: exit.source, kind, price: exit.trigger }),
            ..Instructions::PLAIN
        };
        let lasting = exit.limit.is_some();
        Order {
            id: self.number_order(),
            client,
            side: entry.side.opposite(),
            price: exit.limit.map_or(0, wide),
            leaves: 0,
            hidden: 0,
            reduce_only: true,
            post_only: false,
            time_in_force: if lasting { TimeInForce::GoodTillCancel } else { TimeInForce::ImmediateOrCancel },
            stage: Stage::Held,
            placed: self.next_place(),
            serial: self.next_serial(),
            said,
            best: None,
            crossed: false,
            parent: Some(entry.id),
            ..*entry
        }
    }

    /// An order of the account that is not gone.
    pub(crate) fn resolve(&self, session: SessionId, account: AccountId, order: OrderRef) -> Option<Order> {
        let id = match order {
            OrderRef::Id(id) => id,
            OrderRef::Client(client) => *self.by_client.get(&(session, client))?,
        };
        let own = |order: &&Order| order.account == account || self.principal(order.account) == account;
        self.orders.get(&id).filter(own).copied()
    }

    pub(crate) fn cancel_order(&mut self, session: SessionId, cancel: &CancelOrder) -> Result<(), Refusal> {
        self.user_account(cancel.account)?;
        let Some(order) = self.resolve(session, cancel.account, cancel.order) else {
            return Err(Reject::UnknownOrder.into());
        };
        self.cancel(order.id, CancelReason::Requested);
        Ok(())
    }
}

/// `now` with `order` in place of `replaces`.
fn with<'a>(order: &'a Order, now: &[&'a Order], replaces: Option<OrderId>) -> Vec<&'a Order> {
    let mut then = now.to_vec();
    then.retain(|other| Some(other.id) != replaces);
    then.push(order);
    then
}
