//! Modelled order flow: makers and leveraged takers in three perpetuals, a slump and a rebound.
//!
//! Makers add, amend and cancel with distances, sizes and lives drawn from recorded flow (the figures and how they
//! were measured: `figures.rs`). Takers are directional: they borrow 2x to 50x and trade towards their budget by
//! market and immediate-or-cancel orders, place reduce-only orders to take profit, and some come back after they were
//! liquidated. Index prices wander by up to 2 basis points per step; in the slump (50 to 70 % of the flow) every
//! instrument jumps down six times by 2 to 3.5 %, in the rebound (70 to 85 %) up four times by two thirds of that. Jumps
//! are larger than the initial margin of the most leveraged accounts, so some end below bankruptcy and the insurance
//! fund pays. It is funded by a deposit. At its first jump makers withdraw all their orders and prices fall three times as
//! far at once: books are empty, a maker that stands behind liquidations takes positions over as far as its limit goes,
//! and what is left is shared among the holders of the other side.
//!
//! Invariant: the commands depend on the seed, the sizes given and the events told, and on nothing else.

mod figures;
mod markets;
mod takers;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use engine::{
    Action, AmendOrder, CancelOrder, ClientOrderId, Command, Event, MassCancel, NewOrder, OrderRef,
    TimeInForce, Transfer,
};
use risk::{AccountId, Capacity, Money, Price, Qty, RiskGroupTerms, Side};

use self::markets::{DOLLAR, Market, markets};
use self::takers::{Intention, Takers};
use super::book_view::KnownOrder;
use super::random::Random;
use super::{BookView, Flow, FlowError, Note, SESSION};

/// Insurance account's deposit.
const INSURANCE: Money = Money::new(200_000 * DOLLAR);
/// Most initial margin that the first maker takes positions over for.
const BACKSTOP_MARGIN: Money = Money::new(20_000 * DOLLAR);
/// How long the deleveraging worker has for a plan, in milliseconds.
const PLAN_WITHIN_MS: u32 = 500;
/// The jump of the slump at which makers withdraw everything.
const CRASH: u64 = 1;
/// A maker's deposit.
const MAKER_DEPOSIT: Money = Money::new(50_000_000 * DOLLAR);
/// One account in so many is a maker.
const ACCOUNTS_PER_MAKER: u32 = 10;
/// Fewest makers: resting orders must spread, 1,024 fit an account and instrument.
const MAKERS_MIN: u32 = 8;
/// Order commands between two index prices; instruments take turns.
const INDEX_INTERVAL: u64 = 60;
/// Orders per instrument that only add, before anybody takes.
const SEEDING_ADDS: u64 = 300;
/// Most stale quotes withdrawn at one index price.
const WITHDRAWALS_MAX: usize = 40;

/// How large a modelled flow is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// What everything random is drawn from.
    pub seed: u64,
    /// Client accounts, makers and takers.
    pub accounts: u32,
    /// Order commands: new orders, amendments, cancels.
    pub orders: u64,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct ModelledFlow {
    size: Size,
    random: Random,
    markets: Vec<Market>,
    makers: u32,
    takers: Takers,
    view: BookView,
    queue: VecDeque<Command>,
    /// When which of the makers' orders ends, in order commands.
    ends: BinaryHeap<Reverse<(u64, ClientOrderId, AccountId)>>,
    /// Orders a cancel is on its way for.
    leaving: BTreeSet<ClientOrderId>,
    next_number: u64,
    sent: u64,
    /// Index prices published.
    steps: u64,
    jumps_done: u64,
    phase: Phase,
}

/// What the flow is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Calm,
    Slump,
    Rebound,
    Recovery,
}

const SLUMP_JUMPS: u64 = 6;
const REBOUND_JUMPS: u64 = 4;

impl ModelledFlow {
    /// Draws the accounts.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let mut random = Random::new(size.seed);
        let makers = size.accounts.div_euclid(ACCOUNTS_PER_MAKER).max(MAKERS_MIN);
        let first = risk::limits::FIRST_USER_ACCOUNT;
        let takers = Takers::draw(first + makers, size.accounts.saturating_sub(makers), &mut random);
        let mut flow = Self {
            size,
            random,
            markets: markets(),
            makers,
            takers,
            view: BookView::default(),
            queue: VecDeque::new(),
            ends: BinaryHeap::new(),
            leaving: BTreeSet::new(),
            next_number: 1,
            sent: 0,
            steps: 0,
            jumps_done: 0,
            phase: Phase::Calm,
        };
        flow.push_opening();
        flow
    }

    fn push_opening(&mut self) {
        self.queue.push_back(Command::venue(Action::OpenSession { session: SESSION }));
        for market in &self.markets {
            let (instrument, spec) = (market.instrument, Box::new(market.spec.clone()));
            self.queue.push_back(Command::venue(Action::DefineInstrument { instrument, spec }));
            self.queue.push_back(market.index_command());
        }
        let deposit = |account, amount| Command::venue(Action::Deposit(Transfer::new(account, amount)));
        self.queue.push_back(deposit(AccountId::INSURANCE, INSURANCE));
        for account in (0..self.makers).map(|place| AccountId::new(risk::limits::FIRST_USER_ACCOUNT + place))
        {
            self.queue.push_back(Command::venue(Action::OpenAccount { account }));
            self.queue.push_back(deposit(account, MAKER_DEPOSIT));
        }
        let terms = RiskGroupTerms {
            backstop: Some(AccountId::new(risk::limits::FIRST_USER_ACCOUNT)),
            backstop_margin_max: BACKSTOP_MARGIN,
            plan_within_ms: PLAN_WITHIN_MS,
            ..RiskGroupTerms::DEFAULT
        };
        self.queue.push_back(Command::venue(Action::SetRiskGroup { group: 0, terms: Box::new(terms) }));
        for taker in self.takers.list() {
            self.queue.extend(taker.opening(&self.markets));
        }
    }

    /// Fills the queue with what comes next: one order command, an index price before it when due.
    fn step(&mut self) {
        if self.sent.is_multiple_of(INDEX_INTERVAL) {
            self.move_index();
        }
        self.sent += 1;
        if let Some(&Reverse((due, number, account))) = self.ends.peek()
            && due <= self.sent
        {
            self.ends.pop();
            if self.end_life(number, account) {
                return;
            }
        }
        let seeding = self.sent < SEEDING_ADDS * u64::try_from(self.markets.len()).unwrap_or(1);
        if seeding || !self.random.chance(figures::TAKE_PER_MILLE) || !self.take() {
            self.add();
        }
    }

    fn move_index(&mut self) {
        self.enter_phase();
        let place = usize::try_from(self.steps).unwrap_or(0) % self.markets.len();
        self.steps += 1;
        self.markets[place].wander(&mut self.random);
        self.queue.push_back(self.markets[place].index_command());
        // Where the gateway serves sockets it says itself when time has passed.
        self.queue.push_back(Command::venue(Action::Tick));
        self.withdraw_stale(place);
    }

    /// Jumps are spread evenly over their phase.
    fn enter_phase(&mut self) {
        let at = |percent: u64| (self.size.orders * percent).div_euclid(100);
        let (slump, rebound, recovery) = (at(50), at(70), at(85));
        let (phase, from, to, jumps) = match self.sent {
            sent if sent < slump => (Phase::Calm, 0, slump, 0),
            sent if sent < rebound => (Phase::Slump, slump, rebound, SLUMP_JUMPS),
            sent if sent < recovery => (Phase::Rebound, rebound, recovery, REBOUND_JUMPS),
            _ => (Phase::Recovery, recovery, self.size.orders, 0),
        };
        if phase != self.phase {
            (self.phase, self.jumps_done) = (phase, 0);
        }
        let due = ((self.sent - from) * jumps).div_euclid((to - from).max(1));
        if jumps > 0 && due >= self.jumps_done && self.jumps_done < jumps {
            self.jumps_done += 1;
            if phase == Phase::Slump && self.jumps_done == CRASH {
                self.withdraw_all();
                self.jump_all(false);
                self.jump_all(false);
            }
            self.jump_all(phase == Phase::Rebound);
        }
    }

    fn jump_all(&mut self, up: bool) {
        for place in 0..self.markets.len() {
            self.markets[place].jump(&mut self.random, up);
            self.queue.push_back(self.markets[place].index_command());
            self.withdraw_stale(place);
        }
    }

    /// Makers want no part of it.
    fn withdraw_all(&mut self) {
        let makers = (0..self.makers).map(|place| AccountId::new(risk::limits::FIRST_USER_ACCOUNT + place));
        let cancels = makers.map(|maker| Action::MassCancel(MassCancel::of_account(maker)));
        self.queue.extend(cancels.map(|cancel| Command::client(SESSION, cancel)));
    }

    /// Makers withdraw quotes that the fair price has passed; what they are too slow for is picked off.
    fn withdraw_stale(&mut self, place: usize) {
        let market = &self.markets[place];
        let fair = market.fair_tick();
        let first_taker = risk::limits::FIRST_USER_ACCOUNT + self.makers;
        let is_stale = |order: &KnownOrder| {
            let through = match order.side {
                Side::Buy => order.price.get() - fair,
                Side::Sell => fair - order.price.get(),
            };
            through > 2 * market.tick && order.account.get() < first_taker
        };
        let touched = self.view.best(market.instrument, Side::Buy).is_some_and(|best| best.get() > fair)
            || self.view.best(market.instrument, Side::Sell).is_some_and(|best| best.get() < fair);
        if !touched {
            return;
        }
        let orders = self.view.orders().filter(|(_, order)| order.instrument == market.instrument);
        let stale: Vec<_> = orders
            .filter(|(number, order)| is_stale(order) && !self.leaving.contains(number))
            .take(WITHDRAWALS_MAX)
            .map(|(number, order)| (number, order.account))
            .collect();
        for (number, account) in stale {
            self.push_cancel(number, account);
        }
    }

    /// A maker's order has lived: cancelled, seldom cut in half first. Whether there was anything to do.
    fn end_life(&mut self, number: ClientOrderId, account: AccountId) -> bool {
        if self.leaving.contains(&number) {
            return false;
        }
        let Some(known) = self.view.order(number).copied() else {
            let on_its_way = self.view.is_unheard(number);
            if on_its_way {
                self.push_cancel(number, account);
            }
            return on_its_way;
        };
        let half = Qty::new(known.leaves.get() >> 1);
        if half > Qty::ZERO && self.random.chance(figures::PARTIAL_PER_MILLE) {
            let amend = AmendOrder {
                account,
                order: OrderRef::Client(number),
                limit: known.price,
                qty: known.total - half,
                post_only: false,
            };
            self.queue.push_back(Command::client(SESSION, Action::AmendOrder(amend)));
            self.schedule_end(number, account);
        } else {
            self.push_cancel(number, account);
        }
        true
    }

    fn push_cancel(&mut self, number: ClientOrderId, account: AccountId) {
        self.leaving.insert(number);
        let cancel = CancelOrder { account, order: OrderRef::Client(number) };
        self.queue.push_back(Command::client(SESSION, Action::CancelOrder(cancel)));
    }

    /// Lives are measured in messages of one instrument; the instruments share the flow evenly.
    fn schedule_end(&mut self, number: ClientOrderId, account: AccountId) {
        let life = u64::try_from(self.random.quantile(figures::LIFE)).unwrap_or(1);
        let instruments = u64::try_from(self.markets.len()).unwrap_or(1);
        self.ends.push(Reverse((self.sent + life * instruments, number, account)));
    }

    /// A maker adds.
    fn add(&mut self) {
        let place = self.random.index(self.markets.len());
        let side = if self.random.chance(500) { Side::Buy } else { Side::Sell };
        let post_only = self.random.chance(850);
        let price = self.quote(place, side, post_only);
        let shares = if self.random.chance(figures::ROUND_PER_MILLE) {
            figures::ROUND_SIZE
        } else {
            self.random.quantile(figures::ADD_SIZE)
        };
        let maker = u32::try_from(self.random.below(u64::from(self.makers))).unwrap_or(0);
        let account = AccountId::new(risk::limits::FIRST_USER_ACCOUNT + maker);
        let market = &self.markets[place];
        let order = NewOrder {
            account,
            instrument: market.instrument,
            side,
            qty: Qty::new(shares * market.share),
            limit: Some(Price::new(price)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only,
            reduce_only: false,
            persistent: false,
        };
        let number = self.push_order(order);
        self.schedule_end(number, account);
    }

    /// A price relative to the best of the own side, as far as that is near the fair price.
    fn quote(&mut self, place: usize, side: Side, post_only: bool) -> i64 {
        let market = &self.markets[place];
        let (fair, tick) = (market.fair_tick(), market.tick);
        let farthest = figures::SPREAD_TICKS_MAX.div_euclid(2) * tick;
        let best = |side| self.view.best(market.instrument, side).map(Price::get);
        // Towards the other side is `up` for a buy and `-up` for a sell.
        let (up, touch) = match side {
            Side::Buy => (1, best(Side::Buy).unwrap_or(fair - farthest).clamp(fair - farthest, fair)),
            Side::Sell => {
                (-1, best(Side::Sell).unwrap_or(fair + farthest).clamp(fair + tick, fair + farthest))
            }
        };
        let opposite = best(side.opposite()).unwrap_or(touch + up * 2 * farthest);
        let room = ((opposite - touch) * up).div_euclid(tick) - 1;
        let random = &mut self.random;
        let ticks = if post_only && random.chance(figures::THROUGH_PER_MILLE) {
            -(room.max(0) + random.between(1, 3))
        } else if random.chance(figures::INSIDE_PER_MILLE) {
            -random.between(1, room.clamp(0, figures::INSIDE_TICKS_MAX)).min(room.max(0))
        } else {
            // The table's first part stands for what is inside; draw from the rest.
            random.quantile(figures::DISTANCE)
        };
        self.markets[place].on_tick(touch - up * ticks * tick)
    }

    /// A taker acts; whether one did.
    fn take(&mut self) -> bool {
        let shares = self.random.quantile(figures::TAKE_SIZE);
        let Some(taker) = self.takers.pick(&mut self.random) else { return false };
        let place = taker.markets[self.random.index(taker.markets.len())];
        let account = taker.account;
        match taker.decide(place, &self.markets[place], shares, &mut self.random) {
            Intention::Wait => return false,
            Intention::ComeBack => {
                let commands = taker.come_back(&self.markets);
                self.queue.extend(commands);
            }
            Intention::Enlarge(side, qty) => {
                let market_order = self.random.chance(300);
                let limit = (!market_order).then(|| self.through(place, side, 10));
                let order = self.taker_order(account, place, side, qty, limit);
                self.push_order(order);
            }
            Intention::Reduce(side, qty) if self.random.chance(300) => {
                // Take profit: 1 to 10 per mille away, by the tick.
                let ticks = self.random.between(60, 600);
                let limit = Some(self.through(place, side, -ticks));
                let order = self.taker_order(account, place, side, qty, limit);
                let time_in_force = TimeInForce::GoodTillCancel;
                self.push_order(NewOrder { time_in_force, reduce_only: true, ..order });
            }
            Intention::Reduce(side, qty) => {
                let part = self.random.between(qty >> 2, qty).max(1);
                let order = self.taker_order(account, place, side, part, None);
                self.push_order(NewOrder { reduce_only: true, ..order });
            }
        }
        true
    }

    /// A price so many ticks beyond the fair price, seen from `side`; negative is the passive direction.
    fn through(&self, place: usize, side: Side, ticks: i64) -> Price {
        let market = &self.markets[place];
        let up = if side == Side::Buy { 1 } else { -1 };
        Price::new(market.on_tick(market.fair_tick() + up * ticks * market.tick))
    }

    fn taker_order(
        &self,
        account: AccountId,
        place: usize,
        side: Side,
        qty: i64,
        limit: Option<Price>,
    ) -> NewOrder {
        NewOrder {
            account,
            instrument: self.markets[place].instrument,
            side,
            qty: Qty::new(qty),
            limit,
            time_in_force: TimeInForce::ImmediateOrCancel,
            post_only: false,
            reduce_only: false,
            persistent: false,
        }
    }

    fn push_order(&mut self, order: NewOrder) -> ClientOrderId {
        let client_order_id = ClientOrderId::new(self.next_number);
        self.next_number += 1;
        self.queue.push_back(Command::order(SESSION, client_order_id, order));
        client_order_id
    }
}

impl Flow for ModelledFlow {
    fn next_command(&mut self) -> Result<Option<Command>, FlowError> {
        while self.queue.is_empty() && self.sent < self.size.orders {
            self.step();
        }
        Ok(self.queue.pop_front())
    }

    fn learn(&mut self, event: &Event) {
        self.view.learn(event);
        self.takers.learn(event);
        if let Event::Cancelled { client_order_id, .. } | Event::Rejected { client_order_id, .. } = event {
            self.leaving.remove(client_order_id);
        }
        if let Event::Fill(fill) = event
            && fill.maker.leaves == Qty::ZERO
        {
            self.leaving.remove(&fill.maker.client_order_id);
        }
    }

    fn progress(&self) -> (u64, u64) {
        (self.sent, self.size.orders)
    }

    fn phase(&self) -> &'static str {
        match self.phase {
            Phase::Calm => "calm",
            Phase::Slump => "slump",
            Phase::Rebound => "rebound",
            Phase::Recovery => "recovery",
        }
    }

    fn capacity(&self) -> Capacity {
        let accounts = risk::limits::FIRST_USER_ACCOUNT + self.size.accounts.max(self.makers);
        let legs = accounts.saturating_mul(u32::try_from(self.markets.len()).unwrap_or(1));
        Capacity { accounts, legs, orders: 1 << 16 }
    }

    fn notes(&self) -> Vec<Note> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
