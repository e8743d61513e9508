//! A venue prepared so that one command breaks exactly the rules it is asked to break.

use engine::limits::SESSIONS_PER_KEY_MAX;
use engine::{
    Action, AmendOrder, CancelOnLoss, ClientOrderId, ClientSeq, Command, Event, KeyId, KeyTerms, Logon,
    NewOrder, OrderId, OrderRef, Reject, SessionId, SessionKind, Skip, TimeInForce, TimeNs, TradingState,
    Transfer,
};
use risk::{
    AccountId, Capacity, FeeRate, InstrumentId, InstrumentSpec, Leverage, Money, Price, Qty, Rate,
    Restriction, RiskGroupTerms, Side, Tier,
};

use crate::machine::Machine;

pub(crate) const TRADER: AccountId = AccountId::new(20);
pub(crate) const MAKER: AccountId = AccountId::new(16);
const VICTIM: AccountId = AccountId::new(17);
const CROWD: [AccountId; 4] =
    [AccountId::new(21), AccountId::new(22), AccountId::new(23), AccountId::new(24)];
/// The isolated position of the trader, where there is one.
pub(crate) const ISOLATED: AccountId = AccountId::new(25);
pub(crate) const NOBODY: AccountId = AccountId::new(63);
/// Unknown, and below the first user account.
pub(crate) const NOBODY_OF_THE_VENUE: AccountId = AccountId::new(9);

pub(crate) const TRADED: InstrumentId = InstrumentId::new(0);
pub(crate) const UNPRICED: InstrumentId = InstrumentId::new(1);
const ASIDE: InstrumentId = InstrumentId::new(2);
pub(crate) const NOWHERE: InstrumentId = InstrumentId::new(77);
/// The session of the trader, and one that is not open.
pub(crate) const SESSION: SessionId = SessionId::new(1);
pub(crate) const NO_SESSION: SessionId = SessionId::new(9);
/// A key of the maker, its session, and a key that has as many as it may have and ends at two seconds.
pub(crate) const KEY: KeyId = KeyId::new(5);
pub(crate) const OTHER: SessionId = SessionId::new(2);
pub(crate) const FULL_KEY: KeyId = KeyId::new(6);
const FULL_KEY_END: TimeNs = TimeNs::new(2_000_000_000);
/// A source of index prices that has come to ten.
pub(crate) const SOURCE: u16 = 7;

pub(crate) const WEALTH: i64 = 10_000_000;
const ORDERS: u32 = 16;
const LEGS: u32 = 24;

/// Lot 2, tick 2, orders up to 100, positions up to 150, open interest up to 200, 10 % band and initial margin.
pub(crate) fn spec() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: *b"PRECEDENCE\0\0\0\0\0\0",
        price_decimals: 0,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(2),
        lot: Qty::new(2),
        price_max: Price::new(4_000),
        order_qty_max: Qty::new(100),
        position_max: Qty::new(150),
        open_interest_max: Qty::new(200),
        price_band: Rate::new(100_000_000),
        market_collar: Rate::new(100_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: tier(100_000_000),
        maintenance_tiers: tier(50_000_000),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        // An index of 4,000 after one of 1,000 is wild, and the mark stands.
        pricing: risk::PricingTerms {
            wild: Rate::new(900_000_000),
            confirmations: 1,
            ..risk::PricingTerms::DIRECT
        },
        funding: risk::FundingTerms::NONE,
    }
}

/// A logon that cancels nothing when it is lost.
pub(crate) fn logon(key: KeyId, tag: u32, kind: SessionKind) -> Action {
    Action::Logon(Logon { key, tag, kind, on_loss: CancelOnLoss::Off, grace_ms: 0 })
}

/// A machine being prepared.
pub(crate) struct Scene {
    pub(crate) machine: Box<dyn Machine>,
    broken: Vec<Reject>,
    last: u64,
}

impl Scene {
    /// Sessions, instruments and accounts; nothing rests yet.
    pub(crate) fn new(make: &dyn Fn(Capacity) -> Box<dyn Machine>, broken: &[Reject]) -> Self {
        let machine = make(Capacity { accounts: 64, legs: LEGS, orders: ORDERS });
        let mut scene = Self { machine, broken: broken.to_vec(), last: 0 };
        scene.venue(Action::OpenSession { session: SESSION });
        for instrument in [TRADED, UNPRICED, ASIDE] {
            scene.venue(Action::DefineInstrument { instrument, spec: Box::new(spec()) });
        }
        for instrument in [TRADED, ASIDE] {
            scene.venue(Action::index_price(instrument, Price::new(1_000).to_mark()));
        }
        // Enough for 100 that rest, and for what is amended; or for far more.
        let amounts = match (scene.breaks(Reject::InsufficientMargin), scene.breaks(Reject::PositionLimit)) {
            (false, _) => WEALTH,
            (true, false) => 200,
            (true, true) => 10_200,
        };
        let rich = [MAKER, CROWD[0], CROWD[1], CROWD[2], CROWD[3]].map(|account| (account, WEALTH));
        for (account, amount) in rich.into_iter().chain([(TRADER, amounts), (VICTIM, 2_000)]) {
            scene.venue(Action::OpenAccount { account });
            scene.venue(Action::Deposit(Transfer::new(account, Money::new(amount))));
        }
        scene.open_keys();
        if scene.breaks(Reject::IsolatedAccount) {
            scene.venue(Action::SetMarginMode { account: TRADER, instrument: ASIDE, isolated: true });
        }
        scene
    }

    /// Keys, and sessions that have used their first number.
    fn open_keys(&mut self) {
        for (key, expires) in [(KEY, TimeNs::new(0)), (FULL_KEY, FULL_KEY_END)] {
            let kinds = 1 << SessionKind::OrderEntry as u8;
            let terms = Box::new(KeyTerms { public: [1; 32], account: MAKER, kinds, expires });
            self.venue(Action::RegisterKey { key, terms });
        }
        self.venue(logon(KEY, 0, SessionKind::OrderEntry));
        self.skip_one(SESSION);
        self.skip_one(OTHER);
        if self.breaks(Reject::TooManySessions) {
            for tag in 0..u32::try_from(SESSIONS_PER_KEY_MAX).expect("few") {
                self.venue(logon(FULL_KEY, tag, SessionKind::OrderEntry));
            }
        }
        if self.breaks(Reject::KeyExpired) {
            self.machine.wait(5_000);
        }
    }

    /// Uses up a session's first number, and a client number.
    fn skip_one(&mut self, session: SessionId) {
        let skip = Skip { count: 1, template: 100, code: 1_007, field: 0, retry_after_ns: 0 };
        let command = Command::client(session, Action::Skip(skip));
        let client_order_id = self.number();
        self.admitted(&Command { client_seq: ClientSeq::new(1), client_order_id, ..command });
    }

    pub(crate) fn breaks(&self, reject: Reject) -> bool {
        self.broken.contains(&reject)
    }

    /// A command that must be admitted.
    pub(crate) fn venue(&mut self, action: Action) -> Vec<Event> {
        self.admitted(&Command::venue(action))
    }

    fn admitted(&mut self, command: &Command) -> Vec<Event> {
        let events = self.machine.apply(command);
        let refused = matches!(events.first(), Some(Event::Rejected { .. }));
        assert!(!refused, "{command:?} prepares {:?} but brought {events:?}", self.broken);
        events
    }

    /// The next number of the trader's session.
    pub(crate) fn number(&mut self) -> ClientOrderId {
        self.last += 1;
        ClientOrderId::new(self.last)
    }

    pub(crate) fn plain(account: AccountId, instrument: InstrumentId) -> NewOrder {
        NewOrder {
            account,
            instrument,
            side: Side::Buy,
            qty: Qty::new(2),
            limit: Some(Price::new(1_000)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: false,
            reduce_only: false,
            persistent: false,
        }
    }

    /// Places an order that must be admitted.
    fn place(&mut self, order: NewOrder) -> Vec<Event> {
        let number = self.number();
        self.admitted(&Command::order(SESSION, number, order))
    }

    pub(crate) fn rest(&mut self, account: AccountId, side: Side, qty: i64, price: i64) -> OrderId {
        let plain = Self::plain(account, TRADED);
        let order = NewOrder { side, qty: Qty::new(qty), limit: Some(Price::new(price)), ..plain };
        let events = self.place(order);
        let Some(Event::Accepted { order, .. }) = events.first() else {
            panic!("an admitted order is accepted")
        };
        *order
    }

    /// Brings the venue to where the rules on its state are broken. `command` is already what breaks the others.
    pub(crate) fn surround(&mut self, instrument: InstrumentId) {
        if self.breaks(Reject::PositionLimit) {
            self.rest(TRADER, Side::Buy, 100, 990);
        }
        if self.breaks(Reject::OpenInterestLimit) {
            for (seller, buyer, qty) in [(CROWD[0], CROWD[1], 100), (CROWD[2], CROWD[3], 60)] {
                self.rest(seller, Side::Sell, qty, 1_000);
                self.rest(buyer, Side::Buy, qty, 1_000);
            }
        }
        if self.breaks(Reject::PostOnlyWouldCross) {
            self.rest(MAKER, Side::Sell, 2, 1_000);
        }
        if self.breaks(Reject::VenuePending) {
            let bid = NewOrder { qty: Qty::new(20), ..Self::plain(VICTIM, ASIDE) };
            let ask = NewOrder { qty: Qty::new(20), side: Side::Sell, ..Self::plain(MAKER, ASIDE) };
            for order in [bid, ask] {
                self.place(order);
            }
        }
        if self.breaks(Reject::TooManyOrders) {
            while self.machine.resting() < ORDERS {
                let order = NewOrder { limit: Some(Price::new(900)), ..Self::plain(MAKER, ASIDE) };
                self.place(order);
            }
        }
        if self.breaks(Reject::TooManyLegs) {
            self.exhaust_legs();
        }
        if self.breaks(Reject::NotTrading) {
            self.venue(Action::SetTradingState { instrument, state: TradingState::CancelOnly });
        }
        if self.breaks(Reject::StalePrice) {
            let price = Price::new(1_000).to_mark();
            self.venue(Action::IndexPrice { instrument: TRADED, source: SOURCE, source_seq: 10, price });
        }
        if self.breaks(Reject::MarginModeInUse) {
            self.rest(TRADER, Side::Buy, 2, 990);
        }
        if self.breaks(Reject::TooManyAccounts) {
            self.venue(Action::OpenAccount { account: NOBODY });
        }
        if self.breaks(Reject::TransferMismatch) || self.breaks(Reject::TransferTooOld) {
            let amount = Money::new(1);
            self.venue(Action::Deposit(Transfer { external_id: 5, ..Transfer::new(TRADER, amount) }));
        }
        if self.breaks(Reject::NotionalTooLarge) || self.breaks(Reject::OwnerPositionLimit) {
            self.limit_value(instrument);
        }
        for (reject, restriction) in [
            (Reject::AccountSuspended, Restriction::Suspended),
            (Reject::AccountReduceOnly, Restriction::ReduceOnly),
        ] {
            if self.breaks(reject) {
                self.venue(Action::SetRestriction { account: TRADER, restriction, cancel_orders: false });
            }
        }
        if self.breaks(Reject::IndexNotTrusted) {
            self.venue(Action::index_price(TRADED, Price::new(4_000).to_mark()));
        }
        if self.breaks(Reject::VenuePending) {
            self.plan();
        }
    }

    /// A liquidation goes as far as to a plan of the venue's own, which goes before any other command.
    fn plan(&mut self) {
        let terms = Box::new(RiskGroupTerms { steps_max: 1, ..RiskGroupTerms::DEFAULT });
        self.venue(Action::SetRiskGroup { group: 0, terms });
        self.venue(Action::index_price(ASIDE, Price::new(920).to_mark()));
        for _ in 0..16 {
            let action = if self.machine.pending() { Action::Continue } else { Action::Tick };
            let events = self.machine.apply(&Command::venue(action));
            if events.iter().any(|event| matches!(event, Event::DeleveragingAsked(_))) {
                return;
            }
        }
        panic!("no plan is made");
    }

    /// Leverage settings make legs until no more are admitted.
    fn exhaust_legs(&mut self) {
        for account in (30..50).map(AccountId::new) {
            self.venue(Action::OpenAccount { account });
            for instrument in [TRADED, UNPRICED, ASIDE] {
                let leverage = Leverage::new(900);
                let events = self.machine.apply(&Command::venue(Action::SetLeverage {
                    account,
                    instrument,
                    leverage,
                }));
                if let Some(Event::Rejected { reject, .. }) = events.first() {
                    assert_eq!(*reject, Reject::TooManyLegs, "legs run out");
                    return;
                }
            }
        }
        panic!("legs do not run out");
    }

    /// An account that breaks the rules on accounts which are to be broken.
    pub(crate) fn account(&self) -> AccountId {
        match (self.breaks(Reject::UnknownAccount), self.breaks(Reject::SystemAccount)) {
            (true, true) => NOBODY_OF_THE_VENUE,
            (true, false) => NOBODY,
            (false, true) => AccountId::FEES,
            (false, false) => TRADER,
        }
    }

    /// A quantity that breaks the rules on quantities which are to be broken.
    pub(crate) fn qty(&self) -> Qty {
        let many = self.breaks(Reject::PositionLimit) || self.breaks(Reject::OpenInterestLimit);
        let size = match (self.breaks(Reject::QuantityTooLarge), many) {
            (true, _) => 102,
            (false, true) => 52,
            // With the 200 of the poor, 2 are admitted and 4 are not.
            (false, false) => 4,
        };
        Qty::new(size + i64::from(self.breaks(Reject::BadQuantity)))
    }

    pub(crate) fn price(&self) -> Price {
        let price = if self.breaks(Reject::PriceBand) { 1_200 } else { 1_000 };
        Price::new(price + i64::from(self.breaks(Reject::BadPrice)))
    }

    /// A session that may not act for the trader, one that is not open, or the trader's.
    fn session(&self) -> SessionId {
        if self.breaks(Reject::UnknownSession) {
            NO_SESSION
        } else if self.breaks(Reject::NoPermission) {
            OTHER
        } else {
            SESSION
        }
    }

    /// The command, with session, number and deadline that break the rules on them which are to be broken.
    pub(crate) fn sent(&mut self, command: Command) -> Command {
        let (session, mut client_seq) = (self.session(), ClientSeq::new(0));
        if self.breaks(Reject::SequenceReplayed) {
            client_seq = ClientSeq::new(1);
        } else if self.breaks(Reject::SequenceGap) {
            client_seq = ClientSeq::new(7);
        }
        let valid_until = TimeNs::new(u64::from(self.breaks(Reject::Expired)));
        Command { session, client_seq, valid_until, ..command }
    }

    /// A new order that breaks exactly what is asked.
    pub(crate) fn new_order(&mut self) -> Command {
        let instrument = if self.breaks(Reject::UnknownInstrument) {
            NOWHERE
        } else if self.breaks(Reject::NoMarkPrice) {
            UNPRICED
        } else {
            TRADED
        };
        self.surround(instrument);
        let mut order = NewOrder {
            qty: self.qty(),
            limit: Some(self.price()),
            ..Self::plain(self.account(), instrument)
        };
        if self.breaks(Reject::FokNotFillable) {
            order.time_in_force = TimeInForce::FillOrKill;
        }
        order.post_only = self.breaks(Reject::PostOnlyWouldCross);
        if self.breaks(Reject::BadCombination) {
            order.post_only = true;
            if order.time_in_force == TimeInForce::GoodTillCancel {
                order.time_in_force = TimeInForce::ImmediateOrCancel;
            }
        }
        order.reduce_only = self.breaks(Reject::ReduceOnlyWouldIncrease);
        let duplicate = self.breaks(Reject::DuplicateClientOrderId);
        let number = if duplicate { ClientOrderId::new(1) } else { self.number() };
        self.sent(Command::order(SESSION, number, order))
    }

    /// An amendment that breaks exactly what is asked.
    pub(crate) fn amend_order(&mut self) -> Command {
        let resting = self.rest(TRADER, Side::Buy, 2, 990);
        self.surround(TRADED);
        let order = if self.breaks(Reject::UnknownOrder) { OrderId::new(u64::MAX) } else { resting };
        let amend = AmendOrder {
            account: self.account(),
            order: OrderRef::Id(order),
            limit: self.price(),
            qty: self.qty(),
            post_only: self.breaks(Reject::PostOnlyWouldCross),
        };
        let duplicate = self.breaks(Reject::DuplicateClientOrderId);
        let client_order_id = if duplicate { ClientOrderId::new(1) } else { self.number() };
        let command = Command::client(SESSION, Action::AmendOrder(amend));
        self.sent(Command { client_order_id, ..command })
    }

    /// Any other action, from the session that is to be wrong or not.
    pub(crate) fn other(&mut self, action: Action) -> Command {
        self.surround(TRADED);
        self.sent(Command::client(SESSION, action))
    }
}
