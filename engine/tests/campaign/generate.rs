//! A seeded stream of commands that reaches every rule: mostly plausible trading around the mark, some of it wrong in
//! every way, with jumps, bursts and impatience.

use std::collections::{BTreeMap, VecDeque};

use engine::{
    Action, AmendOrder, CancelOrder, ClientOrderId, Command, MassCancel, NewOrder, OrderId, OrderRef,
    OrderTag, SessionId, SessionKind, TimeInForce, TimeNs, TradingState, Transfer,
};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, InstrumentId, InstrumentSpec, Money, OwnerGroupId, Price, Qty, Side};

use super::rng::Rng;
use super::view::{Alive, View};
use super::worlds::{LOT_VALUE, World};
use super::{Numbering, STEP_NS, Step};

/// Money comes in portions of about this much.
pub(super) const QUARTER_LOT: i64 = LOT_VALUE >> 2;

/// The stream.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    pub(super) world: World,
    pub(super) rng: Rng,
    /// Next client number of each session.
    clients: BTreeMap<SessionId, u64>,
    /// Keys registered since the start.
    pub(super) keys: u64,
    /// Prices of sources that number them.
    pub(super) prices: u64,
    /// Instruments settled since the start.
    pub(super) settlements: u32,
    /// Numbers of transfers used since the start.
    pub(super) transfers: u64,
    /// The transfer that was sent last.
    pub(super) last_transfer: Option<Action>,
    /// Steps that come before any other.
    pub(super) ahead: VecDeque<Step>,
}

impl Generator {
    pub(crate) fn new(world: World, seed: u64) -> Self {
        let (rng, clients, ahead) = (Rng::new(seed), BTreeMap::new(), VecDeque::new());
        let mut generator = Self {
            world,
            rng,
            clients,
            keys: 0,
            prices: 0,
            settlements: 0,
            transfers: 0,
            last_transfer: None,
            ahead,
        };
        generator.open();
        generator
    }

    /// Sessions, instruments and accounts; the last instrument has no price yet.
    fn open(&mut self) {
        let mut actions = Vec::new();
        for session in 1..=self.world.sessions {
            actions.push(Action::OpenSession { session: SessionId::new(session) });
        }
        actions.extend(self.first_instruments());
        for account in 0..self.world.accounts {
            let account = AccountId::new(FIRST_USER_ACCOUNT + account);
            let amount = Money::new(QUARTER_LOT * self.rng.within(2, 24));
            actions.push(Action::OpenAccount { account });
            actions.push(self.first_deposit(account, amount));
        }
        actions.extend(self.first_standby());
        actions.extend(self.first_keys());
        actions.extend(self.first_groups());
        self.ahead.extend(actions.into_iter().map(|action| Step::from(Command::venue(action))));
    }

    /// The next step.
    pub(crate) fn next(&mut self, view: &View) -> Step {
        if let Some(step) = self.ahead.pop_front() {
            return step;
        }
        if let Some(step) = self.stand_by(view) {
            return step;
        }
        let locals = u64::from(self.world.sessions) + 1;
        let mut session = SessionId::new(u32::try_from(self.rng.below(locals)).expect("small"));
        if self.rng.permille(400)
            && let Some(bound) = self.bound(view)
        {
            session = bound;
        }
        let mut by_number = false;
        let action = self.action(view, &mut session, &mut by_number);
        let mut command = Command::client(session, action);
        let is_bound = view.bound.contains_key(&session);
        self.name(&mut command, is_bound);
        if self.rng.permille(30) {
            command.valid_until = TimeNs::new(view.now + STEP_NS * self.rng.below(4));
        }
        let numbers = if is_bound { 1000 } else { 20 };
        let numbering = if self.rng.permille(numbers) { self.numbering() } else { Numbering::None };
        let barges = self.rng.permille(100);
        let hurries = self.rng.permille(250);
        let backlog = if hurries { u32::try_from(self.rng.below(4)).expect("small") } else { u32::MAX };
        Step { by_number, numbering, barges, backlog, waits_ns: self.wait(), ..Step::from(command) }
    }

    /// Gives a request its number, where it needs one or wishes one.
    fn name(&mut self, command: &mut Command, is_bound: bool) {
        let session = command.session;
        if let Action::OrderBatch(batch) = &mut command.action {
            // The batch comes before its orders.
            command.client_order_id = self.client(session);
            for order in &mut batch.orders {
                if !self.rng.permille(3) {
                    order.client_order_id = self.client_of(session, &order.order);
                }
            }
            return;
        }
        let wishes = self.rng.permille(if is_bound { 200 } else { 10 });
        if let Action::AdvancedOrder(order) = &command.action {
            command.client_order_id = self.client_of(session, order);
        } else if wishes || matches!(command.action, Action::NewOrder(_) | Action::MassQuote(_)) {
            command.client_order_id = self.client(session);
        }
    }

    /// What a session asks, mostly what its kind may.
    fn action(&mut self, view: &View, session: &mut SessionId, by_number: &mut bool) -> Action {
        let bound = view.bound.get(session).copied();
        let account = bound.map_or_else(|| self.account(), |bound| bound.account);
        let account = if self.rng.permille(20) { self.account() } else { account };
        match bound.map(|bound| bound.kind) {
            Some(SessionKind::Admin) if self.rng.permille(900) => {
                return if self.rng.permille(300) { self.restriction(view) } else { self.money(view) };
            }
            Some(SessionKind::Oracle) if self.rng.permille(900) => return self.price(view),
            Some(SessionKind::OrderEntry) if self.rng.permille(60) => return self.own_affair(view, account),
            _ => {}
        }
        match self.rng.below(1000) {
            0..260 => self.order(view, account),
            260..430 => self.special(view, account),
            430..460 => self.batch(view, *session, account).unwrap_or(Action::Tick),
            460..500 => self.quotes(view, self.quoting(*session, account)),
            500..512 => self.protection(account),
            512..575 => {
                *by_number = self.rng.permille(500);
                self.cancel(view, session)
            }
            575..670 => {
                *by_number = self.rng.permille(300);
                self.amend(view, session)
            }
            670..690 => {
                *by_number = self.rng.permille(300);
                self.amend_sleeper(view, session).unwrap_or(Action::Tick)
            }
            690..696 => self.mass_cancel(account),
            696..820 => self.price(view),
            820..875 => self.money(view),
            875..890 => self.leverage(account),
            890..902 => self.state(view),
            902..908 => self.limits(view),
            908..913 => self.switch(view),
            913..914 => self.settlement(view),
            914..918 => Action::Tick,
            918..922 => self.standby(view),
            922..923 => self.fee_tier(),
            923..925 => self.margin_change(view),
            925..930 => self.between(view),
            930..935 => self.isolation(view),
            935..960 => self.connection(view),
            960..968 => self.restriction(view),
            968..995 => self.odd(view),
            _ => {
                // Several accounts have a part in a burst.
                let local = if bound.is_some() { SessionId::new(0) } else { *session };
                self.burst(view, local);
                Action::Tick
            }
        }
    }

    /// A session in the same process quotes for the same account, mostly, so that its quotes replace each other.
    fn quoting(&self, session: SessionId, account: AccountId) -> AccountId {
        let numbered = session.get() > 0 && session.get() <= self.world.sessions;
        if numbered { AccountId::new(FIRST_USER_ACCOUNT + session.get()) } else { account }
    }

    fn mass_cancel(&mut self, account: AccountId) -> Action {
        Action::MassCancel(MassCancel {
            account,
            instrument: self.rng.permille(600).then(|| self.instrument()),
            side: self.rng.permille(300).then(|| self.side()),
            tag: self.rng.permille(300).then(|| OrderTag::new(self.rng.below(4))),
        })
    }

    /// Owner groups and protection groups there are from the start.
    fn first_groups(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for number in 0..self.world.accounts.min(64) {
            let account = AccountId::new(FIRST_USER_ACCOUNT + number);
            if number % 3 == 0 {
                let group = OwnerGroupId::new(1 + number.div_euclid(3) % 3);
                actions.push(Action::SetOwnerGroup { account, group });
            }
            for _ in 0..3 {
                actions.push(self.protection(account));
            }
        }
        actions
    }

    pub(super) fn account(&mut self) -> AccountId {
        if self.rng.permille(4) {
            return AccountId::new(self.rng.pick(&[0, 1, 2, 3, 15, 1_000_000, u32::MAX]));
        }
        // In a large world a few accounts do much of the trading.
        let range = if self.rng.permille(400) { self.world.accounts.min(32) } else { self.world.accounts };
        let number = u32::try_from(self.rng.below(u64::from(range))).expect("small");
        AccountId::new(FIRST_USER_ACCOUNT + number)
    }

    pub(super) fn instrument(&mut self) -> InstrumentId {
        let count = self.world.instruments.len() as u64;
        // Those that came later took the place of some that are settled.
        let from = if self.rng.permille(900) { u64::from(self.settlements).min(count - 1) } else { 0 };
        let number = match self.rng.below(1000) {
            0..3 => count + self.rng.below(3),
            3..250 => 0,
            _ => from + self.rng.below(count - from),
        };
        InstrumentId::new(u32::try_from(number).expect("small"))
    }

    pub(super) fn spec(&self, instrument: InstrumentId) -> InstrumentSpec {
        let last = self.world.instruments.len() - 1;
        self.world.instruments[instrument.index().min(last)].spec.clone()
    }

    pub(super) fn side(&mut self) -> Side {
        self.rng.pick(&[Side::Buy, Side::Sell])
    }

    /// A number of the session; now and then one it has used.
    pub(super) fn client(&mut self, session: SessionId) -> ClientOrderId {
        let next = self.clients.entry(session).or_insert(1);
        if self.rng.permille(5) {
            return ClientOrderId::new(*next - 1);
        }
        *next += 1 + u64::from(self.rng.permille(50)) * self.rng.below(100);
        ClientOrderId::new(*next - 1)
    }

    /// Numbers of a session that its last request has taken beside its own.
    pub(super) fn skip_clients(&mut self, session: SessionId, count: u64) {
        *self.clients.entry(session).or_insert(1) += count;
    }

    /// A price near the mark, more often on the order's own side of it.
    pub(super) fn limit(&mut self, view: &View, instrument: InstrumentId, side: Side) -> Price {
        let spec = self.spec(instrument);
        let mark =
            view.marks.get(&instrument).map_or(spec.price_max.get() >> 2, |mark| mark.floor_price().get());
        let (tick, outward) = (spec.tick.get(), if side == Side::Buy { -1 } else { 1 });
        let offset = match self.rng.below(1000) {
            0..850 => self.rng.within(-3, 8),
            850..960 => self.rng.within(-20, 60),
            960..970 => self.rng.within(-3000, 3000),
            970..980 => {
                // At the edge of the band, or a tick beyond.
                let reach = i128::from(mark) * i128::from(spec.price_band.get());
                let reach = i64::try_from(reach.div_euclid(1_000_000_000)).expect("less than the mark");
                let edge = mark - outward * reach;
                return Price::new((edge.div_euclid(tick) + self.rng.within(-1, 1)) * tick);
            }
            980..990 => {
                return Price::new(self.rng.pick(&[0, -tick, i64::MIN, i64::MAX, spec.price_max.get()]));
            }
            _ => return Price::new(mark + self.rng.within(-2, 2)),
        };
        Price::new((mark.div_euclid(tick) + outward * offset) * tick)
    }

    /// A price well beyond the mark, inside the band.
    pub(super) fn far(&mut self, view: &View, instrument: InstrumentId, side: Side) -> Price {
        let tick = self.spec(instrument).tick.get();
        let mark = view.marks.get(&instrument).map_or(tick, |mark| mark.floor_price().get());
        let band = i64::from(self.spec(instrument).price_band.get()).div_euclid(10_000_000);
        let reach = mark.div_euclid(10_000) * band * self.rng.within(20, 95);
        let price = if side == Side::Buy { mark + reach } else { mark - reach };
        Price::new(price.div_euclid(tick) * tick)
    }

    fn qty(&mut self, instrument: InstrumentId) -> Qty {
        let spec = self.spec(instrument);
        let lot = spec.lot.get();
        Qty::new(match self.rng.below(1000) {
            0..700 => lot * self.rng.within(1, 12),
            700..950 => lot * self.rng.within(1, 60),
            950..985 => lot * self.rng.within(60, spec.order_qty_max.get().div_euclid(lot)),
            985..990 => spec.order_qty_max.get() + lot,
            990..995 => lot + self.rng.within(-1, 1),
            _ => self.rng.pick(&[0, -lot, i64::MIN, i64::MAX]),
        })
    }

    pub(super) fn order(&mut self, view: &View, account: AccountId) -> Action {
        let instrument = self.instrument();
        let poor = view.balances.get(&account).is_some_and(|&balance| balance < QUARTER_LOT);
        if poor && self.rng.permille(120) {
            let amount = Money::new(QUARTER_LOT * self.rng.within(1, 16));
            return Action::Deposit(Transfer::new(account, amount));
        }
        if view.closed.contains_key(&instrument) && self.trades(instrument) && self.rng.permille(60) {
            return Action::SetTradingState { instrument, state: TradingState::Open };
        }
        let held = view.positions.get(&(account, instrument)).copied().unwrap_or(0);
        let reduce_only = self.rng.permille(if held == 0 { 10 } else { 250 });
        let closing = if held > 0 { Side::Sell } else { Side::Buy };
        let side = if held != 0 && self.rng.permille(300 + 600 * u64::from(reduce_only)) {
            closing
        } else {
            self.side()
        };
        let time_in_force = match self.rng.below(100) {
            0..70 => TimeInForce::GoodTillCancel,
            70..90 => TimeInForce::ImmediateOrCancel,
            _ => TimeInForce::FillOrKill,
        };
        let lasts = time_in_force == TimeInForce::GoodTillCancel;
        let market = self.rng.permille(if lasts { 5 } else { 400 });
        let post_only = self.rng.permille(if lasts { 150 } else { 5 });
        let limit = if market {
            None
        } else if reduce_only && self.rng.permille(200) {
            Some(self.far(view, instrument, side))
        } else {
            Some(self.limit(view, instrument, side))
        };
        Action::NewOrder(NewOrder {
            account,
            instrument,
            side,
            qty: self.qty(instrument),
            limit,
            time_in_force,
            post_only,
            reduce_only,
            persistent: self.rng.permille(100),
        })
    }

    /// Some order that rests, or was there a moment ago.
    pub(super) fn known(&mut self, view: &View) -> Option<Alive> {
        if !view.gone.is_empty() && self.rng.permille(60) {
            let index = usize::try_from(self.rng.below(view.gone.len() as u64)).expect("small");
            return Some(view.gone[index].1);
        }
        let (&last, _) = view.alive.last_key_value()?;
        let from = match self.rng.below(2) {
            // Numbers carry a slot and a generation; either end of them may be the dense one.
            0 => self.rng.below(last.get() + 1),
            _ => self.rng.below((last.get() & 0xffff) + 1),
        };
        view.alive.range(OrderId::new(from)..).next().map(|(_, order)| *order)
    }

    /// The owner, or somebody else.
    pub(super) fn owner(&mut self, order: &Alive) -> AccountId {
        if self.rng.permille(15) { self.account() } else { order.account }
    }

    fn cancel(&mut self, view: &View, session: &mut SessionId) -> Action {
        let Some(order) = self.known(view) else { return Action::Tick };
        // Client numbers count in the session that used them.
        *session = order.session;
        Action::CancelOrder(CancelOrder {
            account: self.owner(&order),
            order: OrderRef::Client(order.client),
        })
    }

    fn amend(&mut self, view: &View, session: &mut SessionId) -> Action {
        let Some(order) = self.known(view) else { return Action::Tick };
        *session = order.session;
        let same_price = self.rng.permille(450);
        let limit =
            if same_price { Price::new(order.price) } else { self.limit(view, order.instrument, order.side) };
        let lot = self.spec(order.instrument).lot.get();
        let qty = match self.rng.below(100) {
            0..30 => Qty::new(order.qty),
            30..60 => Qty::new(order.qty - lot * self.rng.within(1, 5)),
            60..85 => Qty::new(order.qty + lot * self.rng.within(1, 10)),
            _ => self.qty(order.instrument),
        };
        let post_only = self.rng.permille(300);
        let account = self.owner(&order);
        Action::AmendOrder(AmendOrder {
            account,
            order: OrderRef::Client(order.client),
            limit,
            qty,
            post_only,
        })
    }
}
