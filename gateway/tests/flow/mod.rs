//! Order flow for tests: a venue with a few accounts, then a seeded mix of everything clients and oracle send.
//!
//! Invariant: the same seed gives the same commands.

use engine::{
    Action, AmendOrder, CancelOrder, Capacity, ClientOrderId, Command, MassCancel, NewOrder, OrderRef,
    SessionId, TimeInForce, Transfer,
};
use risk::{
    AccountId, FeeRate, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Price, Qty, Rate, Side, Tier,
};

const SESSIONS: u32 = 4;
const ACCOUNTS: u32 = 64;
const FIRST_ACCOUNT: u32 = 16;
const INSTRUMENTS: u32 = 2;
const HOME_TICKS: i64 = 100_000;
const TICK: i64 = 5;
/// Client numbers that may still rest; cancels and amendments aim at these.
const RECENT: u64 = 400;

/// Room for the flow.
pub(crate) const CAPACITY: Capacity = Capacity { accounts: 256, legs: 1024, orders: 65_536 };

fn spec() -> InstrumentSpec {
    let tier = |floor, rate| Tier { floor: Money::new(floor), rate: Rate::new(rate) };
    InstrumentSpec {
        symbol: *b"FLOW\0\0\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(TICK),
        lot: Qty::new(1),
        price_max: Price::new(2_000_000),
        order_qty_max: Qty::new(400),
        position_max: Qty::new(20_000),
        open_interest_max: Qty::new(1_000_000),
        price_band: Rate::new(50_000_000),
        market_collar: Rate::new(10_000_000),
        mark_step_max: Rate::new(50_000_000),
        maker_fee: FeeRate::new(-50_000),
        taker_fee: Rate::new(500_000),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: vec![tier(0, 20_000_000), tier(50_000_000_000, 50_000_000)],
        maintenance_tiers: vec![tier(0, 10_000_000), tier(50_000_000_000, 25_000_000)],
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// Opens everything the flow needs.
pub(crate) fn opening() -> Vec<Command> {
    let mut commands = Vec::new();
    let mut venue = |action| commands.push(Command::venue(action));
    for instrument in (0..INSTRUMENTS).map(InstrumentId::new) {
        venue(Action::DefineInstrument { instrument, spec: Box::new(spec()) });
        venue(Action::index_price(instrument, Mark::new(HOME_TICKS * TICK * 1024)));
    }
    for session in 1..=SESSIONS {
        venue(Action::OpenSession { session: SessionId::new(session) });
    }
    for account in (FIRST_ACCOUNT..FIRST_ACCOUNT + ACCOUNTS).map(AccountId::new) {
        venue(Action::OpenAccount { account });
        venue(Action::Deposit(Transfer::new(account, Money::new(3_000_000_000))));
    }
    commands
}

/// The mix.
#[derive(Debug)]
pub(crate) struct Flow {
    state: u64,
    next_client_order_id: u64,
    mark_ticks: [i64; INSTRUMENTS as usize],
}

impl Flow {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(2).wrapping_add(1),
            next_client_order_id: 1,
            mark_ticks: [HOME_TICKS; INSTRUMENTS as usize],
        }
    }

    /// A number below `bound`, by xorshift*.
    fn below(&mut self, bound: u32) -> u32 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let high = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        u32::try_from((high * u64::from(bound)) >> 32).expect("below a u32")
    }

    fn account(&mut self) -> AccountId {
        AccountId::new(FIRST_ACCOUNT + self.below(ACCOUNTS))
    }

    fn price(&mut self, instrument: InstrumentId) -> Price {
        let away = i64::from(self.below(201)) - 100;
        Price::new((self.mark_ticks[instrument.index()] + away) * TICK)
    }

    /// Owner and session follow from the number, so that cancels mostly find what they name.
    fn owner(client_order_id: u64) -> (SessionId, AccountId) {
        let session = 1 + u32::try_from(client_order_id % u64::from(SESSIONS)).expect("below SESSIONS");
        let account =
            FIRST_ACCOUNT + u32::try_from(client_order_id % u64::from(ACCOUNTS)).expect("below ACCOUNTS");
        (SessionId::new(session), AccountId::new(account))
    }

    fn recent(&mut self) -> u64 {
        let back = u64::from(self.below(u32::try_from(RECENT).expect("small")));
        self.next_client_order_id.saturating_sub(1 + back).max(1)
    }

    fn new_order(&mut self) -> Command {
        let client_order_id = self.next_client_order_id;
        self.next_client_order_id += 1;
        let (session, account) = Self::owner(client_order_id);
        let instrument = InstrumentId::new(self.below(INSTRUMENTS));
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let kind = self.below(10);
        let order = NewOrder {
            account,
            instrument,
            side,
            qty: Qty::new(1 + i64::from(self.below(60))),
            limit: if kind == 0 { None } else { Some(self.price(instrument)) },
            time_in_force: if kind < 2 {
                TimeInForce::ImmediateOrCancel
            } else {
                TimeInForce::GoodTillCancel
            },
            post_only: kind == 9,
            reduce_only: kind == 8,
            persistent: false,
        };
        Command::order(session, ClientOrderId::new(client_order_id), order)
    }

    fn amend_order(&mut self) -> Command {
        let number = self.recent();
        let (session, account) = Self::owner(number);
        let order = OrderRef::Client(ClientOrderId::new(number));
        let limit = self.price(InstrumentId::new(0));
        let qty = Qty::new(1 + i64::from(self.below(60)));
        Command::client(
            session,
            Action::AmendOrder(AmendOrder { account, order, limit, qty, post_only: false }),
        )
    }

    fn cancel_order(&mut self) -> Command {
        let number = self.recent();
        let (session, account) = Self::owner(number);
        let order = OrderRef::Client(ClientOrderId::new(number));
        Command::client(session, Action::CancelOrder(CancelOrder { account, order }))
    }

    fn index_price(&mut self) -> Command {
        let instrument = InstrumentId::new(self.below(INSTRUMENTS));
        // A shock now and then, so that accounts are liquidated; drawn back to where it began.
        let step = if self.below(80) == 0 { 8_000 } else { 100 };
        let ticks = &mut self.mark_ticks[instrument.index()];
        let pull = (HOME_TICKS - *ticks).div_euclid(20);
        *ticks += pull;
        let drift = i64::from(self.below(2 * step + 1)) - i64::from(step);
        let ticks = &mut self.mark_ticks[instrument.index()];
        *ticks += drift;
        let price = Mark::new(*ticks * TICK * 1024);
        Command::venue(Action::index_price(instrument, price))
    }

    /// The next command.
    pub(crate) fn command(&mut self) -> Command {
        match self.below(100) {
            0..45 => self.new_order(),
            45..75 => self.cancel_order(),
            75..88 => self.amend_order(),
            88..93 => self.index_price(),
            93 => Command::venue(Action::Tick),
            94 => {
                let account = self.account();
                Command::venue(Action::MassCancel(MassCancel {
                    account,
                    instrument: None,
                    side: None,
                    tag: None,
                }))
            }
            95..98 => {
                let amount = Money::new(1 + i64::from(self.below(10_000_000)));
                Command::venue(Action::Deposit(Transfer::new(self.account(), amount)))
            }
            98 => {
                let amount = Money::new(1 + i64::from(self.below(20_000_000)));
                Command::venue(Action::Withdraw(Transfer::new(self.account(), amount)))
            }
            _ => {
                let (account, instrument) = (self.account(), InstrumentId::new(self.below(INSTRUMENTS)));
                let leverage = Leverage::new(500 + self.below(4_000));
                Command::venue(Action::SetLeverage { account, instrument, leverage })
            }
        }
    }
}
