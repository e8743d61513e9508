//! The product's own venue, driven in this process: the one place that knows the engine's commands and events.
//!
//! Invariant: nothing is matched here. Every order, amendment and cancellation is a command to [`Venue::apply`], stamped
//! and taken up by continuations as the sequencer does it; what comes back is what its events say.

use engine::limits::LADDER_KEYS_MAX;
use engine::{
    Action, AmendOrder, CancelOrder, CancelReason, Capacity, ClientOrderId, Command, Event, Events,
    MassCancel, NewOrder, OpenOrderView, OrderRef, Reject, Seq, SessionId, Stamp, TimeInForce, TimeNs,
    Transfer, Venue,
};
use risk::limits::{FIRST_USER_ACCOUNT, INSTRUMENTS_MAX, NOTIONAL_MAX, QTY_MAX};
use risk::{AccountId, FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Side, Tier};

use super::Failure;

/// The session orders come by.
const SESSION: SessionId = SessionId::new(1);
/// Accounts that may be opened; each gets [`DEPOSIT`], together what the venue accepts.
const ACCOUNTS_MAX: u32 = 4096;
/// So much that margin never decides.
const DEPOSIT: Money = Money::new(risk::limits::MONEY_MAX >> 12);
/// Orders that may rest at once.
const ORDERS: u32 = 1 << 18;
/// As wide as a band, a collar and a step of the mark may be.
const HALF: Rate = Rate::new(500_000_000);
/// Highest price in ticks.
const TICKS_MAX: i64 = LADDER_KEYS_MAX as i64 - 1;
/// Index prices that lead the mark anywhere: each moves it by half of itself.
const STEPS_MAX: usize = 128;

const _: () = assert!(DEPOSIT.get() * (ACCOUNTS_MAX as i64) <= risk::limits::MONEY_MAX);

/// An order to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) account: AccountId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) qty: Qty,
    /// In ticks; `None` is a market order.
    pub(super) limit: Option<Price>,
    pub(super) time_in_force: TimeInForce,
}

/// A match as the taker sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub(super) maker: ClientOrderId,
    pub(super) taker_side: Side,
    pub(super) price: Price,
    pub(super) qty: Qty,
}

/// What a command brought about.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) matches: Vec<Match>,
    /// What was cancelled of the taker because it met an order of its own account.
    pub(super) self_trade: Qty,
    /// Whether an amended order kept its place.
    pub(super) priority_kept: bool,
    pub(super) refused: Option<Reject>,
}

impl Told {
    /// What was told of a command whose taker, or target, is `order`.
    fn of(events: &[Event], order: ClientOrderId) -> Self {
        let mut told = Self::default();
        for event in events {
            if let Event::Fill(fill) = event {
                told.matches.push(Match {
                    maker: fill.maker.client_order_id,
                    taker_side: fill.side,
                    price: fill.price,
                    qty: fill.qty,
                });
            } else if let Event::Cancelled { client_order_id, qty, reason: CancelReason::SelfTrade, .. } =
                event
            {
                if *client_order_id == order {
                    told.self_trade = *qty;
                }
            } else if let Event::Amended { priority_kept, .. } = event {
                told.priority_kept = *priority_kept;
            } else if let Event::Rejected { reject, .. } = event {
                told.refused = Some(*reject);
            }
        }
        told
    }

    /// Nothing was refused.
    fn accepted(self) -> Result<Self, Failure> {
        self.refused.map_or(Ok(self), |reject| Err(Failure::Refused(reject)))
    }
}

/// The venue and the numbers its commands need.
#[derive(Debug)]
pub(super) struct Matching {
    venue: Venue,
    events: Events,
    seq: u64,
    last_order: u64,
    accounts: u32,
}

impl Matching {
    /// An empty venue with one session.
    pub(super) fn new() -> Result<Self, Failure> {
        let accounts = FIRST_USER_ACCOUNT + ACCOUNTS_MAX;
        let capacity = Capacity { accounts, legs: 4 * accounts, orders: ORDERS };
        let events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
        let mut matching = Self { venue: Venue::new(capacity), events, seq: 0, last_order: 0, accounts: 0 };
        matching.operate(Action::OpenSession { session: SESSION })?;
        Ok(matching)
    }

    /// Opens one more account and makes it rich.
    pub(super) fn open_account(&mut self) -> Result<AccountId, Failure> {
        if self.accounts >= ACCOUNTS_MAX {
            return Err(Failure::OutOfRange(format!("more than {ACCOUNTS_MAX} accounts are needed")));
        }
        let account = AccountId::new(FIRST_USER_ACCOUNT + self.accounts);
        self.accounts += 1;
        self.operate(Action::OpenAccount { account })?;
        self.operate(Action::Deposit(Transfer::new(account, DEPOSIT)))?;
        Ok(account)
    }

    /// Defines an instrument whose prices count ticks.
    pub(super) fn list(&mut self, qty_decimals: u8) -> Result<InstrumentId, Failure> {
        let instrument = InstrumentId::new(self.venue.ledger().instruments());
        if instrument.get() >= INSTRUMENTS_MAX {
            return Err(Failure::OutOfRange(format!("more than {INSTRUMENTS_MAX} symbols are needed")));
        }
        let spec = Box::new(spec(qty_decimals));
        self.operate(Action::DefineInstrument { instrument, spec })?;
        Ok(instrument)
    }

    /// Sends a new order; its number, and what came of it.
    pub(super) fn order(&mut self, wanted: &Wanted) -> Result<(ClientOrderId, Told), Failure> {
        let worst = match wanted.limit {
            Some(limit) if limit.get() > TICKS_MAX => {
                return Err(Failure::OutOfRange(format!("a price is above {TICKS_MAX} ticks")));
            }
            Some(limit) => limit,
            None => self.worst(wanted.instrument, wanted.side.opposite()),
        };
        self.lead_mark(wanted.instrument, wanted.side, worst)?;
        self.last_order += 1;
        let number = ClientOrderId::new(self.last_order);
        let order = NewOrder {
            account: wanted.account,
            instrument: wanted.instrument,
            side: wanted.side,
            qty: wanted.qty,
            limit: wanted.limit,
            time_in_force: wanted.time_in_force,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        Ok((number, self.apply(&Command::order(SESSION, number, order), number)))
    }

    /// Gives a resting order a new limit and a new quantity, what is filled not counted in.
    pub(super) fn amend(
        &mut self,
        account: AccountId,
        number: ClientOrderId,
        limit: Price,
        leaves: Qty,
    ) -> Result<Told, Failure> {
        let open = self.open(account, number).ok_or(Failure::Refused(Reject::UnknownOrder))?;
        if limit.get() > TICKS_MAX {
            return Err(Failure::OutOfRange(format!("a price is above {TICKS_MAX} ticks")));
        }
        self.lead_mark(open.instrument, open.side, limit)?;
        let order = OrderRef::Client(number);
        let amend = AmendOrder { account, order, limit, qty: open.filled + leaves, post_only: false };
        self.apply(&Command::client(SESSION, Action::AmendOrder(amend)), number).accepted()
    }

    /// Cancels a resting order.
    pub(super) fn cancel(&mut self, account: AccountId, number: ClientOrderId) -> Result<(), Failure> {
        let cancel = CancelOrder { account, order: OrderRef::Client(number) };
        self.apply(&Command::client(SESSION, Action::CancelOrder(cancel)), number).accepted().map(drop)
    }

    /// Cancels all orders of an account in an instrument.
    pub(super) fn mass_cancel(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Result<(), Failure> {
        let cancel = MassCancel { instrument: Some(instrument), ..MassCancel::of_account(account) };
        let command = Command::client(SESSION, Action::MassCancel(cancel));
        self.apply(&command, ClientOrderId::default()).accepted().map(drop)
    }

    /// A resting order as the venue has it.
    pub(super) fn open(&self, account: AccountId, number: ClientOrderId) -> Option<OpenOrderView> {
        self.venue.find_open(SESSION, account, OrderRef::Client(number))
    }

    /// Best price of a side.
    pub(super) fn best(&self, instrument: InstrumentId, side: Side) -> Option<Price> {
        self.venue.best(instrument, side).map(|(price, _)| price)
    }

    /// Everything that rests on a side.
    pub(super) fn total(&self, instrument: InstrumentId, side: Side) -> Qty {
        self.venue.depth(instrument, side).fold(Qty::ZERO, |sum, (_, qty)| sum + qty)
    }

    /// The price a market order must reach to meet everything on `side`.
    fn worst(&self, instrument: InstrumentId, side: Side) -> Price {
        self.venue.depth(instrument, side).last().map_or(Price::new(1), |(price, _)| price)
    }

    /// Moves the mark until band and collar admit a price. The venue lets it move by half of itself per index price.
    fn lead_mark(&mut self, instrument: InstrumentId, side: Side, price: Price) -> Result<(), Failure> {
        for _ in 0..STEPS_MAX {
            let mark = self.venue.ledger().instrument(instrument).mark;
            if mark.is_some_and(|mark| is_admitted(mark, side, price)) {
                return Ok(());
            }
            self.operate(Action::index_price(instrument, price.to_mark()))?;
        }
        Err(Failure::OutOfRange(format!("the mark cannot be led to {price} ticks")))
    }

    /// A command of the venue itself, which it must accept.
    fn operate(&mut self, action: Action) -> Result<(), Failure> {
        self.apply(&Command::venue(action), ClientOrderId::default()).accepted().map(drop)
    }

    fn apply(&mut self, command: &Command, order: ClientOrderId) -> Told {
        self.events.clear();
        self.step(command);
        while self.venue.pending() {
            self.step(&Command::venue(Action::Continue));
        }
        Told::of(self.events.as_slice(), order)
    }

    fn step(&mut self, command: &Command) {
        self.seq += 1;
        let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(self.seq) };
        self.venue.apply(stamp, command, &mut self.events);
    }
}

/// Whether the band admits a limit, and the collar lets a market order reach it.
fn is_admitted(mark: Mark, side: Side, price: Price) -> bool {
    match side {
        Side::Buy => mark.raised_by(HALF).floor_price() >= price,
        Side::Sell => mark.lowered_by(HALF).ceil_price() <= price,
    }
}

/// The largest open interest of an instrument whose quantities have so many decimals.
pub(super) fn open_interest_max(qty_decimals: u8) -> i64 {
    let contracts = NOTIONAL_MAX.div_euclid(2 * TICKS_MAX);
    let unit = 10_i64.saturating_pow(u32::from(qty_decimals));
    contracts.saturating_mul(unit).min(QTY_MAX)
}

/// Free of fees, as wide as the venue's own bounds admit.
fn spec(qty_decimals: u8) -> InstrumentSpec {
    let open_interest = Qty::new(open_interest_max(qty_decimals));
    let mut symbol = [0; 16];
    symbol[..9].copy_from_slice(b"TRACEBOOK");
    InstrumentSpec {
        symbol,
        price_decimals: 0,
        qty_decimals,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(TICKS_MAX),
        order_qty_max: open_interest,
        position_max: open_interest,
        open_interest_max: open_interest,
        price_band: HALF,
        market_collar: HALF,
        mark_step_max: HALF,
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: vec![Tier { floor: Money::ZERO, rate: Rate::new(20_000_000) }],
        maintenance_tiers: vec![Tier { floor: Money::ZERO, rate: Rate::new(10_000_000) }],
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}
