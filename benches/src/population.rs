//! What does a venue look like before it is measured? Instruments, sessions, funded accounts with positions, a book.
//!
//! Invariant: everything is sent as commands, so the venue is one that its own log could rebuild; the same terms always
//! give the same venue.

use engine::{
    Action, Capacity, ClientOrderId, Command, Event, Events, NewOrder, Seq, SessionId, Stamp, TimeInForce,
    TimeNs, Transfer, Venue,
};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Side, Tier};

use crate::random::Random;

/// Price all instruments start at.
pub const BASE: i64 = 1_000_000;
/// Their tick.
pub const TICK: i64 = 10;
/// What every account is given: enough that nothing here comes near its maintenance margin.
const DEPOSIT: i64 = 500_000_000_000;

/// How large the venue is.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Accounts, each with its own session.
    pub accounts: u32,
    /// Instruments.
    pub instruments: u32,
    /// Instruments in which each account holds a position.
    pub legs: u32,
    /// Resting orders after set-up.
    pub resting: u32,
    /// Orders that may rest beyond that.
    pub room: u32,
    /// The same quantity for every resting order, or sizes of 1 to 126.
    pub fixed_qty: Option<i64>,
    /// Seed.
    pub seed: u64,
}

impl Terms {
    /// Room a venue of these terms needs.
    #[must_use]
    pub const fn capacity(&self) -> Capacity {
        Capacity {
            accounts: FIRST_USER_ACCOUNT + self.accounts,
            legs: self.accounts * (self.legs + 1) + self.instruments,
            orders: self.resting + self.room + 1_024,
        }
    }
}

/// A venue and the one who feeds it.
#[derive(Debug)]
pub struct Feeder {
    /// The venue.
    pub venue: Venue,
    /// Refused commands so far.
    pub rejects: u64,
    /// Liquidations begun so far.
    pub liquidations: u64,
    /// Continuations injected so far.
    pub continuations: u64,
    seq: u64,
    /// Time beyond a microsecond per command.
    ahead_ns: u64,
    events: Events,
    kept: Option<Vec<Command>>,
}

impl Feeder {
    /// An empty venue.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        let events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
        Self {
            venue: Venue::new(capacity),
            rejects: 0,
            liquidations: 0,
            continuations: 0,
            seq: 0,
            ahead_ns: 0,
            events,
            kept: None,
        }
    }

    /// The next stamp: a microsecond per command.
    #[inline]
    pub const fn stamp(&mut self) -> Stamp {
        self.seq += 1;
        Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.seq * 1_000 + self.ahead_ns) }
    }

    /// Lets time pass without a command.
    pub const fn let_pass(&mut self, ns: u64) {
        self.ahead_ns += ns;
    }

    /// Applies one command and what it leaves over, for a timed loop: nothing is counted or kept.
    #[inline]
    pub fn drive(&mut self, command: &Command, events: &mut Events) {
        events.clear();
        let stamp = self.stamp();
        self.venue.apply(stamp, command, events);
        while self.venue.pending() {
            let stamp = self.stamp();
            self.venue.apply(stamp, &Command::venue(Action::Continue), events);
        }
    }

    /// Applies one command as a sequencer does, what it leaves over included. Its events.
    pub fn send(&mut self, command: &Command) -> &[Event] {
        self.events.clear();
        let stamp = self.stamp();
        self.venue.apply(stamp, command, &mut self.events);
        while self.venue.pending() {
            let stamp = self.stamp();
            self.venue.apply(stamp, &Command::venue(Action::Continue), &mut self.events);
            self.continuations += 1;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(command.clone());
        }
        for event in self.events.as_slice() {
            self.rejects += u64::from(matches!(event, Event::Rejected { .. }));
            self.liquidations += u64::from(matches!(event, Event::LiquidationStarted { .. }));
        }
        self.events.as_slice()
    }

    /// Applies a command of the venue's own session.
    pub fn admin(&mut self, action: Action) {
        self.send(&Command::venue(action));
    }
}

/// A populated venue and the numbers needed to go on trading in it.
#[derive(Debug)]
pub struct Population {
    /// The venue.
    pub feeder: Feeder,
    /// How it was made.
    pub terms: Terms,
    /// Source of everything random that follows.
    pub random: Random,
    /// Highest client number each session has used.
    client_ids: Vec<u64>,
}

impl Population {
    /// Builds a venue: instruments and accounts, then positions, then resting orders.
    #[must_use]
    pub fn build(terms: Terms) -> Self {
        let mut population = Self::with_positions(terms);
        population.rest_orders();
        population
    }

    /// Builds a venue in which every account holds its positions and nothing rests.
    #[must_use]
    pub fn with_positions(terms: Terms) -> Self {
        let mut population = Self::without_accounts(terms);
        population.open_accounts();
        population.trade_positions();
        population
    }

    /// Builds a venue that has instruments only.
    #[must_use]
    pub fn without_accounts(terms: Terms) -> Self {
        Self::begin(terms, &spec(), None)
    }

    /// The same with instruments of this specification.
    #[must_use]
    pub fn of_spec(terms: Terms, spec: &InstrumentSpec) -> Self {
        Self::begin(terms, spec, None)
    }

    /// The commands that [`Self::build`] sends.
    #[must_use]
    pub fn commands(terms: Terms) -> Vec<Command> {
        let mut population = Self::begin(terms, &spec(), Some(Vec::new()));
        population.open_accounts();
        population.trade_positions();
        population.rest_orders();
        population.feeder.kept.unwrap_or_default()
    }

    fn begin(terms: Terms, spec: &InstrumentSpec, kept: Option<Vec<Command>>) -> Self {
        let mut feeder = Feeder { kept, ..Feeder::new(terms.capacity()) };
        for number in 0..terms.instruments {
            let instrument = InstrumentId::new(number);
            feeder.admin(Action::DefineInstrument { instrument, spec: Box::new(spec.clone()) });
            feeder.admin(Action::index_price(instrument, Price::new(BASE).to_mark()));
        }
        let client_ids = vec![0; terms.accounts as usize];
        Self { feeder, terms, random: Random::new(terms.seed), client_ids }
    }

    fn rest_orders(&mut self) {
        for _ in 0..self.terms.resting {
            let order = self.passive_order();
            self.feeder.send(&order);
        }
    }

    /// Opens and funds every account, each with its session.
    pub fn open_accounts(&mut self) {
        for index in 0..self.terms.accounts {
            self.open_account(index, Money::new(DEPOSIT));
        }
    }

    /// Opens and funds the next account, with its session.
    pub fn open_account(&mut self, index: u32, deposit: Money) {
        let account = account_at(index);
        self.feeder.admin(Action::OpenSession { session: session_at(index) });
        self.feeder.admin(Action::OpenAccount { account });
        self.feeder.admin(Action::Deposit(Transfer::new(account, deposit)));
    }

    /// One account takes from another at a price.
    pub fn trade(&mut self, taker: u32, maker: u32, instrument: InstrumentId, side: Side, qty: Qty) {
        let limit = Price::new(BASE);
        let rests = self.order(maker, instrument, side.opposite(), qty, limit, TimeInForce::GoodTillCancel);
        self.feeder.send(&rests);
        let takes = self.order(taker, instrument, side, qty, limit, TimeInForce::ImmediateOrCancel);
        self.feeder.send(&takes);
    }

    /// Pairs neighbours in every instrument both are in: one sells to the other, roles alternating.
    pub fn trade_positions(&mut self) {
        for index in (0..self.terms.accounts.saturating_sub(1)).step_by(2) {
            for leg in 0..self.terms.legs {
                let instrument = self.instrument_of(index, leg);
                let qty = Qty::new(100 + i64::from(self.random.below(400)));
                let is_long = self.random.coin();
                let (buyer, seller) = if is_long { (index, index + 1) } else { (index + 1, index) };
                let limit = Price::new(BASE);
                let rests = TimeInForce::GoodTillCancel;
                let sell = self.order(seller, instrument, Side::Sell, qty, limit, rests);
                self.feeder.send(&sell);
                let takes = TimeInForce::ImmediateOrCancel;
                let buy = self.order(buyer, instrument, Side::Buy, qty, limit, takes);
                self.feeder.send(&buy);
            }
        }
    }

    /// The instrument of an account's leg: neighbours of a pair share theirs, pairs are spread over all.
    #[must_use]
    pub fn instrument_of(&self, index: u32, leg: u32) -> InstrumentId {
        let first = (index >> 1).wrapping_mul(7);
        InstrumentId::new((first + leg).rem_euclid(self.terms.instruments))
    }

    /// An order of account `index` with the next number of its session.
    pub fn order(
        &mut self,
        index: u32,
        instrument: InstrumentId,
        side: Side,
        qty: Qty,
        limit: Price,
        time_in_force: TimeInForce,
    ) -> Command {
        let client_id = &mut self.client_ids[index as usize];
        *client_id += 1;
        let order = NewOrder {
            account: account_at(index),
            instrument,
            side,
            qty,
            limit: Some(limit),
            time_in_force,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        Command::order(session_at(index), ClientOrderId::new(*client_id), order)
    }

    /// An order that rests, near the mark more likely than far from it.
    pub fn passive_order(&mut self) -> Command {
        let index = self.random.below(self.terms.accounts);
        let instrument = self.any_instrument_of(index);
        let side = self.any_side();
        let price = self.passive_price(side);
        let qty = self.any_qty();
        self.order(index, instrument, side, qty, price, TimeInForce::GoodTillCancel)
    }

    /// An order that takes what stands best, and does not rest.
    pub fn crossing_order(&mut self) -> Command {
        let index = self.random.below(self.terms.accounts);
        let instrument = self.any_instrument_of(index);
        let side = self.any_side();
        let reach = 2_100 * TICK;
        let limit = match side {
            Side::Buy => Price::new(BASE + reach),
            Side::Sell => Price::new(BASE - reach),
        };
        let qty = self.any_qty();
        self.order(index, instrument, side, qty, limit, TimeInForce::ImmediateOrCancel)
    }

    /// An index price a little off the base.
    pub fn index_price(&mut self) -> Command {
        let instrument = InstrumentId::new(self.random.below(self.terms.instruments));
        let offset = i64::from(self.random.below(2_000)) - 1_000;
        let price = Mark::new(Price::new(BASE).to_mark().get() + offset);
        Command::venue(Action::index_price(instrument, price))
    }

    /// A price at which an order of this side rests.
    pub fn passive_price(&mut self, side: Side) -> Price {
        let offset = TICK * (1 + i64::from(self.random.squared_below(2_000)));
        match side {
            Side::Buy => Price::new(BASE - offset),
            Side::Sell => Price::new(BASE + offset),
        }
    }

    /// One of the instruments an account is in.
    pub fn any_instrument_of(&mut self, index: u32) -> InstrumentId {
        let leg = self.random.below(self.terms.legs);
        self.instrument_of(index, leg)
    }

    const fn any_side(&mut self) -> Side {
        if self.random.coin() { Side::Buy } else { Side::Sell }
    }

    fn any_qty(&mut self) -> Qty {
        let draw = 1 + self.random.below(6) * self.random.below(6) * self.random.below(6);
        Qty::new(self.terms.fixed_qty.unwrap_or(i64::from(draw)))
    }
}

/// The account at an index.
#[must_use]
pub const fn account_at(index: u32) -> AccountId {
    AccountId::new(FIRST_USER_ACCOUNT + index)
}

/// Its session.
#[must_use]
pub const fn session_at(index: u32) -> SessionId {
    SessionId::new(1 + index)
}

fn tiers(rates: [u32; 3]) -> Vec<Tier> {
    let floors = [0, 1_000_000_000_000, 5_000_000_000_000];
    let pairs = floors.into_iter().zip(rates);
    pairs.map(|(floor, rate)| Tier { floor: Money::new(floor), rate: Rate::new(rate) }).collect()
}

/// A perpetual at 10,000.00 with a tick of 0.10, lots of a thousandth, 100x at most.
#[must_use]
pub fn spec() -> InstrumentSpec {
    InstrumentSpec {
        symbol: *b"BENCH-PERP\0\0\0\0\0\0",
        price_decimals: 2,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(TICK),
        lot: Qty::new(1),
        price_max: Price::new(10 * BASE),
        order_qty_max: Qty::new(1_000_000),
        position_max: Qty::new(100_000_000),
        open_interest_max: Qty::new(1_000_000_000),
        price_band: Rate::new(100_000_000),
        market_collar: Rate::new(50_000_000),
        mark_step_max: Rate::new(10_000_000),
        maker_fee: FeeRate::new(-50_000),
        taker_fee: Rate::new(500_000),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: tiers([10_000_000, 20_000_000, 50_000_000]),
        maintenance_tiers: tiers([5_000_000, 10_000_000, 25_000_000]),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instrument_is_valid() {
        assert!(spec().compile().is_ok());
    }
}
