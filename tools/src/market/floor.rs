//! One instrument of a real venue that recorded order flow is played on.
//!
//! Orders go the way any client's go: [`Venue::apply`] validates, admits, matches and settles them. Buys and sells come
//! from accounts of their own, so that no order ever meets its own account's, and every account is rich, so that margin
//! never decides.
//!
//! Invariant: what is said of a command's outcome is read from its events. This is the only file of the market tool that
//! knows how commands and events are made.

use engine::{
    Action, AmendOrder, CancelOrder, ClientOrderId, Command, Event, Events, NewOrder, OrderRef, Reject, Seq,
    SessionId, Stamp, TimeInForce, TimeNs, Transfer, Venue,
};
use risk::limits::{NOTIONAL_MAX, PRICE_MAX, QTY_MAX};
use risk::{AccountId, Capacity, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Side};

use crate::flow::recorded::{self, Decimals};

const INSTRUMENT: InstrumentId = InstrumentId::new(0);
const SESSION: SessionId = SessionId::new(1);
/// Decimals that price and quantity together may have more than money.
const DECIMALS_BELOW_MONEY: u8 = 12;
/// Quantity that may rest in all, so that every sum of it can be counted.
const RESTING_MAX: Qty = Qty::new(1 << 62);
/// More than any recorded flow loses.
const DEPOSIT: Money = Money::new(10_000_000_000_000);
/// Orders an account holds on average where many rest; it may hold twice as many.
const ORDERS_PER_ACCOUNT: usize = 512;
/// The index price is looked at once per so many orders.
const INDEX_INTERVAL: u64 = 64;

/// What the instrument must admit.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Decimals of a price.
    pub price_decimals: u8,
    /// Decimals of a quantity.
    pub qty_decimals: u8,
    /// Prices are multiples of it.
    pub tick: Price,
    /// Highest price that is played.
    pub price_high: Price,
    /// The first index price.
    pub first_price: Price,
    /// Most orders that rest at one time.
    pub resting_max: usize,
}

/// How an order is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Rests, and is refused where it would take.
    PostOnly,
    /// Takes, and what is left rests.
    Rest,
    /// Takes, and what is left is cancelled.
    Immediate,
}

/// An order to place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Buy or sell.
    pub side: Side,
    /// Limit price; none is a market order.
    pub limit: Option<Price>,
    /// Quantity.
    pub qty: Qty,
    /// How it is meant.
    pub way: Way,
}

/// A match with a resting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Match {
    /// The order that rested.
    pub maker: ClientOrderId,
    /// At its price.
    pub price: Price,
    /// How much.
    pub qty: Qty,
}

/// What became of an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Its number.
    pub number: ClientOrderId,
    /// What it took, first to last.
    pub matches: Vec<Match>,
    /// What rests of it.
    pub rests: Qty,
    /// Why it was refused.
    pub refused: Option<Reject>,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Floor {
    venue: Venue,
    events: Events,
    seq: u64,
    last_number: u64,
    /// Accounts of each side.
    accounts: u32,
    index: Option<Mark>,
    /// What rests in all.
    resting: Qty,
}

impl Terms {
    /// Highest price the ladder of ticks and the venue's arithmetic admit.
    #[must_use]
    pub fn price_limit(&self) -> Price {
        let ticks = i64::from(engine::limits::LADDER_KEYS_MAX) - 1;
        let most = ticks.saturating_mul(self.tick.get()).min(PRICE_MAX);
        Price::new(most - most.rem_euclid(self.tick.get()))
    }

    fn spec(&self) -> InstrumentSpec {
        let tick = self.tick.get();
        let wished = self.price_high.get().saturating_mul(4).min(self.price_limit().get());
        let price_max = (wished - wished.rem_euclid(tick)).max(tick);
        // Money is counted as coarsely as it can be: its rounding is of no concern here, its range is.
        let money_decimals = (self.price_decimals + self.qty_decimals).saturating_sub(DECIMALS_BELOW_MONEY);
        let scale = 10_i128.pow(u32::from(self.price_decimals + self.qty_decimals - money_decimals));
        let most = (i128::from(NOTIONAL_MAX) * scale).div_euclid(i128::from(price_max) * 2);
        let open_interest = Qty::new(i64::try_from(most).unwrap_or(i64::MAX).min(QTY_MAX));
        let decimals = Decimals { price: self.price_decimals, qty: self.qty_decimals, money: money_decimals };
        recorded::instrument("RECORDED", &decimals, self.tick, Price::new(price_max), open_interest)
    }
}

impl Floor {
    /// A venue with the instrument, an index price, and accounts for as many orders as the terms say.
    ///
    /// # Errors
    /// What the venue refuses, in words.
    pub fn open(terms: &Terms) -> Result<Self, String> {
        if terms.price_high > terms.price_limit() || terms.first_price.get() <= 0 {
            return Err(format!(
                "a price of {} is out of the venue's range, 1 to {}",
                terms.price_high.max(terms.first_price),
                terms.price_limit()
            ));
        }
        let accounts = terms.resting_max.div_ceil(ORDERS_PER_ACCOUNT).saturating_add(8);
        let accounts = u32::try_from(accounts).unwrap_or(u32::MAX).min(1 << 14);
        let orders = u32::try_from(terms.resting_max.saturating_add(1 << 14)).unwrap_or(u32::MAX);
        let all = risk::limits::FIRST_USER_ACCOUNT + 2 * accounts;
        let orders = orders.min(engine::limits::ORDER_SLOTS_MAX);
        let venue = Venue::new(Capacity { accounts: all, legs: all, orders });
        let mut floor = Self {
            venue,
            events: Events::default(),
            seq: 0,
            last_number: 0,
            accounts,
            index: None,
            resting: Qty::ZERO,
        };
        floor.must(Action::OpenSession { session: SESSION })?;
        floor.must(Action::DefineInstrument { instrument: INSTRUMENT, spec: Box::new(terms.spec()) })?;
        floor.must(Action::index_price(INSTRUMENT, terms.first_price.to_mark()))?;
        for place in 0..2 * accounts {
            let account = AccountId::new(risk::limits::FIRST_USER_ACCOUNT + place);
            floor.must(Action::OpenAccount { account })?;
            floor.must(Action::Deposit(Transfer::new(account, DEPOSIT)))?;
        }
        Ok(floor)
    }

    /// Places an order.
    pub fn place(&mut self, wanted: Wanted) -> Outcome {
        self.last_number += 1;
        let number = ClientOrderId::new(self.last_number);
        if wanted.qty > RESTING_MAX - self.resting {
            let refused = Some(Reject::QuantityTooLarge);
            return Outcome { number, matches: Vec::new(), rests: Qty::ZERO, refused };
        }
        let order = NewOrder {
            account: self.account(number, wanted.side),
            instrument: INSTRUMENT,
            side: wanted.side,
            qty: wanted.qty,
            limit: wanted.limit,
            time_in_force: match wanted.way {
                Way::PostOnly | Way::Rest => TimeInForce::GoodTillCancel,
                Way::Immediate => TimeInForce::ImmediateOrCancel,
            },
            post_only: wanted.way == Way::PostOnly,
            reduce_only: false,
            persistent: false,
        };
        self.apply(&Command::order(SESSION, number, order));
        let outcome = self.outcome(number, wanted.qty);
        self.resting += outcome.rests;
        for one in &outcome.matches {
            self.resting -= one.qty;
        }
        if self.last_number.is_multiple_of(INDEX_INTERVAL) {
            self.follow_middle();
        }
        outcome
    }

    /// Cuts a resting order to a smaller total, filled parts counted in; it keeps its place.
    ///
    /// # Errors
    /// Why the venue refuses.
    pub fn cut(&mut self, number: ClientOrderId, side: Side, limit: Price, total: Qty) -> Result<(), Reject> {
        let (account, order) = (self.account(number, side), OrderRef::Client(number));
        let amend = AmendOrder { account, order, limit, qty: total, post_only: false };
        let before = self.leaves(number, side);
        self.apply(&Command::client(SESSION, Action::AmendOrder(amend)));
        self.resting -= before - self.leaves(number, side);
        self.refusal().map_or(Ok(()), Err)
    }

    /// Cancels a resting order.
    ///
    /// # Errors
    /// Why the venue refuses.
    pub fn cancel(&mut self, number: ClientOrderId, side: Side) -> Result<(), Reject> {
        let cancel = CancelOrder { account: self.account(number, side), order: OrderRef::Client(number) };
        self.resting -= self.leaves(number, side);
        self.apply(&Command::client(SESSION, Action::CancelOrder(cancel)));
        self.refusal().map_or(Ok(()), Err)
    }

    /// Price levels of a side, best first.
    pub fn depth(&self, side: Side) -> impl Iterator<Item = (Price, Qty)> + '_ {
        self.venue.depth(INSTRUMENT, side)
    }

    /// What remains of an order; nothing where it does not rest.
    #[must_use]
    pub fn leaves(&self, number: ClientOrderId, side: Side) -> Qty {
        let open = self.venue.find_open(SESSION, self.account(number, side), OrderRef::Client(number));
        open.map_or(Qty::ZERO, |open| open.leaves)
    }

    /// Verifies every kept sum of the venue.
    ///
    /// # Panics
    /// With the rule that does not hold.
    #[cfg(test)]
    pub fn check(&self) {
        self.venue.ledger().check();
    }

    fn account(&self, number: ClientOrderId, side: Side) -> AccountId {
        let place = u32::try_from(number.get() % u64::from(self.accounts)).unwrap_or(0);
        let first = risk::limits::FIRST_USER_ACCOUNT;
        AccountId::new(match side {
            Side::Buy => first + place,
            Side::Sell => first + self.accounts + place,
        })
    }

    /// Keeps the bands around the market.
    fn follow_middle(&mut self) {
        let (Some((bid, _)), Some((ask, _))) = (self.depth(Side::Buy).next(), self.depth(Side::Sell).next())
        else {
            return;
        };
        let middle = Mark::new((bid.to_mark().get() + ask.to_mark().get()) >> 1);
        if self.index != Some(middle) {
            self.index = Some(middle);
            self.apply(&Command::venue(Action::index_price(INSTRUMENT, middle)));
        }
    }

    fn must(&mut self, action: Action) -> Result<(), String> {
        self.apply(&Command::venue(action));
        self.refusal().map_or(Ok(()), |reject| Err(format!("the venue cannot be set up for it: {reject:?}")))
    }

    fn apply(&mut self, command: &Command) {
        self.events.clear();
        self.step(command);
        while self.venue.pending() {
            self.step(&Command::venue(Action::Continue));
        }
    }

    fn step(&mut self, command: &Command) {
        self.seq += 1;
        let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.seq) };
        self.venue.apply(stamp, command, &mut self.events);
    }

    fn refusal(&self) -> Option<Reject> {
        self.events
            .as_slice()
            .iter()
            .find_map(|event| if let Event::Rejected { reject, .. } = event { Some(*reject) } else { None })
    }

    /// Reads what became of an order of `qty` from the events of its command.
    fn outcome(&self, number: ClientOrderId, qty: Qty) -> Outcome {
        let refused = self.refusal();
        let mut outcome = Outcome { number, matches: Vec::new(), rests: qty, refused };
        for event in self.events.as_slice() {
            if let Event::Fill(fill) = event {
                outcome.matches.push(Match {
                    maker: fill.maker.client_order_id,
                    price: fill.price,
                    qty: fill.qty,
                });
                outcome.rests = fill.taker.leaves;
            }
            if let Event::Cancelled { client_order_id, .. } = event
                && *client_order_id == number
            {
                outcome.rests = Qty::ZERO;
            }
        }
        if refused.is_some() {
            outcome.rests = Qty::ZERO;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor() -> Floor {
        Floor::open(&Terms {
            price_decimals: 2,
            qty_decimals: 0,
            tick: Price::new(1),
            price_high: Price::new(2_000),
            first_price: Price::new(1_000),
            resting_max: 10,
        })
        .unwrap()
    }

    fn wanted(side: Side, price: i64, qty: i64, way: Way) -> Wanted {
        Wanted { side, limit: Some(Price::new(price)), qty: Qty::new(qty), way }
    }

    #[test]
    fn what_is_said_is_what_the_venue_did() {
        let mut floor = floor();
        let first = floor.place(wanted(Side::Buy, 1_000, 5, Way::PostOnly));
        let second = floor.place(wanted(Side::Buy, 1_000, 5, Way::Rest));
        assert_eq!((first.rests, first.refused), (Qty::new(5), None));
        let crossing = floor.place(wanted(Side::Sell, 1_000, 1, Way::PostOnly));
        assert_eq!((crossing.refused, crossing.rests), (Some(Reject::PostOnlyWouldCross), Qty::ZERO));
        let taker = floor.place(wanted(Side::Sell, 999, 7, Way::Immediate));
        let met: Vec<_> = taker.matches.iter().map(|one| (one.maker, one.qty.get())).collect();
        assert_eq!(met, [(first.number, 5), (second.number, 2)]);
        assert_eq!(floor.leaves(second.number, Side::Buy), Qty::new(3));
        floor.cut(second.number, Side::Buy, Price::new(1_000), Qty::new(4)).unwrap();
        assert_eq!(floor.depth(Side::Buy).collect::<Vec<_>>(), [(Price::new(1_000), Qty::new(2))]);
        floor.cancel(second.number, Side::Buy).unwrap();
        assert_eq!(floor.cancel(second.number, Side::Buy), Err(Reject::UnknownOrder));
        assert_eq!(floor.resting, Qty::ZERO);
        floor.check();
    }

    #[test]
    fn an_immediate_order_leaves_nothing_behind() {
        let mut floor = floor();
        floor.place(wanted(Side::Sell, 1_000, 2, Way::Rest));
        let taker = floor.place(Wanted { limit: None, ..wanted(Side::Buy, 0, 9, Way::Immediate) });
        assert_eq!((taker.matches.len(), taker.rests), (1, Qty::ZERO));
        assert_eq!(floor.depth(Side::Buy).count() + floor.depth(Side::Sell).count(), 0);
    }

    #[test]
    fn prices_beyond_the_ladder_are_refused() {
        let terms = Terms {
            price_decimals: 2,
            qty_decimals: 0,
            tick: Price::new(1),
            price_high: Price::new(i64::MAX),
            first_price: Price::new(1),
            resting_max: 0,
        };
        assert!(Floor::open(&terms).unwrap_err().contains("out of the venue's range"));
    }
}
