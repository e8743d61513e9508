//! A seeded stream of commands that reaches every rule: mostly plausible trading around the mark, some of it wrong in
//! every way, with jumps, bursts and impatience.

use std::collections::VecDeque;

use engine::{
    Action, AmendOrder, CancelOrder, ClientOrderId, Command, MassCancel, NewOrder, OrderId, OrderRef,
    SessionId, TimeInForce, TradingState, Transfer,
};
use risk::limits::{FIRST_USER_ACCOUNT, MONEY_MAX};
use risk::{AccountId, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Price, Qty, Side};

use super::Step;
use super::rng::Rng;
use super::view::{Alive, View};
use super::worlds::{LOT_VALUE, World};

/// Money comes in portions of about this much.
const QUARTER_LOT: i64 = LOT_VALUE >> 2;

/// The stream.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    world: World,
    rng: Rng,
    /// Next client number of each session.
    clients: Vec<u64>,
    /// Steps that come before any other.
    ahead: VecDeque<Step>,
    steps: u64,
}

impl Generator {
    pub(crate) fn new(world: World, seed: u64) -> Self {
        let clients = vec![1; world.sessions as usize + 1];
        let mut generator = Self { world, rng: Rng::new(seed), clients, ahead: VecDeque::new(), steps: 0 };
        generator.open();
        generator
    }

    /// Sessions, instruments and accounts; the last instrument has no price yet.
    fn open(&mut self) {
        let mut actions = Vec::new();
        for session in 1..=self.world.sessions {
            actions.push(Action::OpenSession { session: SessionId::new(session) });
        }
        for (number, traded) in (0..).zip(&self.world.instruments) {
            let spec = Box::new(traded.spec.clone());
            actions.push(Action::DefineInstrument { instrument: InstrumentId::new(number), spec });
        }
        for account in 0..self.world.accounts {
            let account = AccountId::new(FIRST_USER_ACCOUNT + account);
            let amount = Money::new(QUARTER_LOT * self.rng.within(2, 24));
            actions.push(Action::OpenAccount { account });
            actions.push(Action::Deposit(Transfer { account, amount }));
        }
        let priced = self.world.instruments.len() - 1;
        for (number, traded) in (0..).zip(&self.world.instruments[..priced]) {
            let price = Price::new(traded.home).to_mark();
            actions.push(Action::IndexPrice { instrument: InstrumentId::new(number), price });
        }
        self.ahead.extend(actions.into_iter().map(|action| Step::from(Command::venue(action))));
    }

    /// The next step.
    pub(crate) fn next(&mut self, view: &View) -> Step {
        if let Some(step) = self.ahead.pop_front() {
            return step;
        }
        self.steps += 1;
        let session =
            SessionId::new(u32::try_from(self.rng.below(self.clients.len() as u64)).expect("small"));
        let mut by_number = false;
        let action = match self.rng.below(1000) {
            0..520 => self.order(view, session),
            520..580 => {
                by_number = self.rng.permille(500);
                self.cancel(view)
            }
            580..690 => {
                by_number = self.rng.permille(300);
                self.amend(view)
            }
            690..694 => Action::MassCancel(MassCancel {
                account: self.account(),
                instrument: self.rng.permille(600).then(|| self.instrument()),
            }),
            694..830 => self.price(view),
            830..900 => self.money(view),
            900..925 => self.leverage(),
            925..945 => self.state(view),
            945..990 => self.odd(view, session),
            _ => {
                self.burst(view, session);
                Action::Tick
            }
        };
        // Client numbers count in the session that used them.
        let session =
            if let Action::CancelOrder(CancelOrder { account, order: OrderRef::Client(client) })
            | Action::AmendOrder(AmendOrder { account, order: OrderRef::Client(client), .. }) = &action
            {
                Self::home(view, *account, *client).unwrap_or(session)
            } else {
                session
            };
        Step { command: Command::client(session, action), by_number, barges: self.rng.permille(100) }
    }

    /// The session an order named by its client number came by.
    fn home(view: &View, account: AccountId, client: ClientOrderId) -> Option<SessionId> {
        let all = view.alive.values().chain(view.gone.iter().map(|(_, order)| order));
        let mut named = all.filter(|order| order.account == account && order.client == client);
        named.next().map(|order| order.session)
    }

    fn account(&mut self) -> AccountId {
        if self.rng.permille(4) {
            return AccountId::new(self.rng.pick(&[0, 1, 2, 3, 15, 1_000_000, u32::MAX]));
        }
        let number = u32::try_from(self.rng.below(u64::from(self.world.accounts))).expect("small");
        AccountId::new(FIRST_USER_ACCOUNT + number)
    }

    fn instrument(&mut self) -> InstrumentId {
        let count = self.world.instruments.len() as u64;
        let number = if self.rng.permille(3) { count + self.rng.below(3) } else { self.rng.below(count) };
        InstrumentId::new(u32::try_from(number).expect("small"))
    }

    fn spec(&self, instrument: InstrumentId) -> InstrumentSpec {
        let last = self.world.instruments.len() - 1;
        self.world.instruments[instrument.index().min(last)].spec.clone()
    }

    fn side(&mut self) -> Side {
        self.rng.pick(&[Side::Buy, Side::Sell])
    }

    /// A number of the session; now and then one it has used.
    fn client(&mut self, session: SessionId) -> ClientOrderId {
        let next = &mut self.clients[session.get() as usize];
        if self.rng.permille(5) {
            return ClientOrderId::new(*next - 1);
        }
        *next += 1 + u64::from(self.rng.permille(50)) * self.rng.below(100);
        ClientOrderId::new(*next - 1)
    }

    /// A price near the mark, more often on the order's own side of it.
    fn limit(&mut self, view: &View, instrument: InstrumentId, side: Side) -> Price {
        let spec = self.spec(instrument);
        let mark =
            view.marks.get(&instrument).map_or(spec.price_max.get() >> 2, |mark| mark.floor_price().get());
        let (tick, outward) = (spec.tick.get(), if side == Side::Buy { -1 } else { 1 });
        let offset = match self.rng.below(1000) {
            0..850 => self.rng.within(-3, 8),
            850..960 => self.rng.within(-20, 60),
            960..980 => self.rng.within(-3000, 3000),
            980..990 => {
                return Price::new(self.rng.pick(&[0, -tick, i64::MIN, i64::MAX, spec.price_max.get()]));
            }
            _ => return Price::new(mark + self.rng.within(-2, 2)),
        };
        Price::new((mark.div_euclid(tick) + outward * offset) * tick)
    }

    /// A price well beyond the mark, inside the narrowest band.
    fn far(&mut self, view: &View, instrument: InstrumentId, side: Side) -> Price {
        let tick = self.spec(instrument).tick.get();
        let mark = view.marks.get(&instrument).map_or(tick, |mark| mark.floor_price().get());
        let reach = mark.div_euclid(100) * self.rng.within(2, 4);
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

    fn order(&mut self, view: &View, session: SessionId) -> Action {
        let (account, instrument) = (self.account(), self.instrument());
        let poor = view.balances.get(&account).is_some_and(|&balance| balance < QUARTER_LOT);
        if poor && self.rng.permille(120) {
            let amount = Money::new(QUARTER_LOT * self.rng.within(1, 16));
            return Action::Deposit(Transfer { account, amount });
        }
        if view.closed.contains_key(&instrument) && self.rng.permille(150) {
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
        } else if reduce_only && self.rng.permille(80) {
            Some(self.far(view, instrument, side))
        } else {
            Some(self.limit(view, instrument, side))
        };
        Action::NewOrder(NewOrder {
            client_order_id: self.client(session),
            account,
            instrument,
            side,
            qty: self.qty(instrument),
            limit,
            time_in_force,
            post_only,
            reduce_only,
        })
    }

    /// Some order that rests, or was there a moment ago.
    fn known(&mut self, view: &View) -> Option<Alive> {
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
    fn owner(&mut self, order: &Alive) -> AccountId {
        if self.rng.permille(15) { self.account() } else { order.account }
    }

    fn cancel(&mut self, view: &View) -> Action {
        let Some(order) = self.known(view) else { return Action::Tick };
        Action::CancelOrder(CancelOrder {
            account: self.owner(&order),
            order: OrderRef::Client(order.client),
        })
    }

    fn amend(&mut self, view: &View) -> Action {
        let Some(order) = self.known(view) else { return Action::Tick };
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

    /// The index wanders around its home; now and then it jumps.
    fn price(&mut self, view: &View) -> Action {
        let instrument = self.instrument();
        let last = self.world.instruments.len() - 1;
        let home = self.world.instruments[instrument.index().min(last)].home << 10;
        if instrument.index() == last && !view.marks.contains_key(&instrument) && !self.rng.permille(20) {
            return Action::Tick;
        }
        let mark = view.marks.get(&instrument).map_or(home, |mark| mark.get());
        let share = |permille: i64| mark.div_euclid(1000) * permille;
        let pull = (home - mark).div_euclid(40);
        let moved = match self.rng.below(1000) {
            0..700 => share(self.rng.within(-2, 2)) + self.rng.within(-700, 700),
            700..880 => share(self.rng.within(-15, 15)),
            880..980 => share(self.rng.within(-120, 120)),
            980..994 => share(self.rng.within(-500, 900)),
            _ => {
                return Action::IndexPrice {
                    instrument,
                    price: Mark::new(self.rng.pick(&[0, -1, i64::MAX])),
                };
            }
        };
        Action::IndexPrice { instrument, price: Mark::new(mark + pull + moved) }
    }

    fn money(&mut self, view: &View) -> Action {
        let account = self.account();
        let balance = view.balances.get(&account).copied().unwrap_or(0);
        let amount = match self.rng.below(100) {
            0..50 => self.rng.within(1, QUARTER_LOT * 4),
            50..80 => balance.max(1) - self.rng.within(0, balance.max(1)),
            80..92 => balance,
            92..97 => balance + 1,
            _ => self.rng.pick(&[0, -1, i64::MIN, MONEY_MAX, i64::MAX]),
        };
        let transfer = Transfer { account, amount: Money::new(amount) };
        let rich = balance > QUARTER_LOT * 30;
        if self.rng.permille(if rich { 900 } else { 550 }) {
            Action::Withdraw(transfer)
        } else {
            Action::Deposit(transfer)
        }
    }

    fn leverage(&mut self) -> Action {
        let hundredths = match self.rng.below(100) {
            0..35 => 0,
            35..85 => u32::try_from(self.rng.within(100, 10_000)).expect("positive"),
            85..95 => u32::try_from(self.rng.within(1, 99)).expect("positive"),
            _ => self.rng.pick(&[10_001, 100_000, u32::MAX]),
        };
        let (account, instrument) = (self.account(), self.instrument());
        Action::SetLeverage { account, instrument, leverage: Leverage::new(hundredths) }
    }

    /// Closes an instrument rarely and opens it again soon.
    fn state(&mut self, view: &View) -> Action {
        if let Some((&instrument, _)) = view.closed.first_key_value() {
            return Action::SetTradingState { instrument, state: TradingState::Open };
        }
        let state = if self.rng.permille(60) { TradingState::CancelOnly } else { TradingState::Open };
        Action::SetTradingState { instrument: self.instrument(), state }
    }

    /// What hardly anybody sends.
    fn odd(&mut self, view: &View, session: SessionId) -> Action {
        match self.rng.below(8) {
            0 => Action::Continue,
            1 => Action::OpenSession { session: SessionId::new(self.rng.pick(&[0, 1, 7, u32::MAX])) },
            2 => Action::OpenAccount { account: AccountId::new(self.rng.pick(&[0, 9, 16, 17, 5_000_000])) },
            3 => {
                let number = self.rng.pick(&[0, 1, u32::MAX]);
                let spec = Box::new(self.spec(InstrumentId::new(0)));
                Action::DefineInstrument { instrument: InstrumentId::new(number), spec }
            }
            4 => {
                // Unsound: a rebate above the taker fee.
                let next = u32::try_from(self.world.instruments.len()).expect("few");
                let spec = self.spec(InstrumentId::new(0));
                let spec = InstrumentSpec { taker_fee: risk::Rate::new(0), ..spec };
                Action::DefineInstrument { instrument: InstrumentId::new(next), spec: Box::new(spec) }
            }
            5 => {
                let unknown = SessionId::new(self.world.sessions + 1);
                self.ahead.push_back(Step::from(Command::client(unknown, Action::Tick)));
                Action::Tick
            }
            6 => {
                let order = OrderRef::Id(OrderId::new(self.rng.next() >> self.rng.below(64)));
                Action::CancelOrder(CancelOrder { account: self.account(), order })
            }
            _ => self.order(view, session),
        }
    }

    /// Hundreds of small orders of one account, then something that meets them all.
    fn burst(&mut self, view: &View, session: SessionId) {
        if !self.world.bursts || !self.rng.permille(80) {
            return;
        }
        let (account, instrument, side) = (self.account(), self.instrument(), self.side());
        let lot = self.spec(instrument).lot;
        let count = if self.rng.permille(60) { 1_030 } else { self.rng.within(200, 560) };
        let wealth = Transfer { account, amount: Money::new(LOT_VALUE * 100) };
        self.ahead.push_back(Step::from(Command::venue(Action::Deposit(wealth))));
        for _ in 0..count {
            let order = NewOrder {
                client_order_id: self.client(session),
                account,
                instrument,
                side,
                qty: lot,
                limit: Some(self.limit(view, instrument, side)),
                time_in_force: TimeInForce::GoodTillCancel,
                post_only: true,
                reduce_only: false,
            };
            self.ahead.push_back(Step::from(Command::client(session, Action::NewOrder(order))));
        }
        let other = self.account();
        let other_wealth = Transfer { account: other, amount: Money::new(LOT_VALUE * 100) };
        let take = NewOrder {
            client_order_id: self.client(session),
            account: other,
            instrument,
            side: side.opposite(),
            qty: Qty::new(lot.get() * self.rng.within(257, 400)),
            limit: Some(self.far(view, instrument, side.opposite())),
            time_in_force: self.rng.pick(&[TimeInForce::ImmediateOrCancel, TimeInForce::FillOrKill]),
            post_only: false,
            reduce_only: false,
        };
        if self.rng.permille(600) {
            self.ahead.push_back(Step::from(Command::venue(Action::Deposit(other_wealth))));
            self.ahead.push_back(Step::from(Command::client(session, Action::NewOrder(take))));
        }
        if self.rng.permille(500) {
            let sweep = Action::MassCancel(MassCancel { account, instrument: None });
            self.ahead.push_back(Step::from(Command::client(session, sweep)));
        }
    }
}
