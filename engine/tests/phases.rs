//! Random commands over every trading state: auctions, pauses, restarts, limits and settlements between orders of every
//! kind. The venue verifies itself after each command, an auction begins at the price that was shown for it, a second
//! venue that is told the same comes to the same state, and in the end no money is missing.

#[path = "story/machine.rs"]
#[expect(dead_code, reason = "the scenarios use the rest")]
mod machine;
mod model;

use engine::limits::EVENTS_PER_COMMAND;
use engine::{
    Action, AdvancedOrder, AmendOrder, ClientOrderId, Command, Event, Events, Instructions, MassCancel,
    NewOrder, OrderRef, SelfTrade, Seq, SessionId, Stamp, TimeInForce, TimeNs, TradingLimits, TradingState,
    Transfer, Trigger, TriggerKind, TriggerSource, Venue,
};
use machine::{Machine, VenueBesideModel};
use risk::{
    AccountId, Capacity, FeeRate, InstrumentId, InstrumentSpec, Mark, Money, Price, Qty, Rate, Side, Tier,
};

const SEEDS: u64 = 6;
const COMMANDS: u32 = 8_000;
/// Commands of a stream that the model, which recomputes everything, is told too.
const MODELLED: u32 = 1_500;
const ACCOUNTS: u32 = 12;
const INSTRUMENTS: u32 = 3;

fn spec() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: *b"PHASES\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(2_000),
        order_qty_max: Qty::new(1_000),
        position_max: Qty::new(10_000),
        open_interest_max: Qty::new(100_000),
        price_band: Rate::new(200_000_000),
        market_collar: Rate::new(100_000_000),
        mark_step_max: Rate::new(100_000_000),
        maker_fee: FeeRate::new(-100_000),
        taker_fee: Rate::new(500_000),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: tier(50_000_000),
        maintenance_tiers: tier(30_000_000),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// A stream of commands.
struct Stream {
    random: u64,
    client: u64,
}

impl Stream {
    fn below(&mut self, bound: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u32::try_from((self.random >> 11) % u64::from(bound)).expect("below a u32")
    }

    fn account(&mut self) -> AccountId {
        AccountId::new(16 + self.below(ACCOUNTS))
    }

    fn instrument(&mut self) -> InstrumentId {
        InstrumentId::new(self.below(INSTRUMENTS))
    }

    fn price(&mut self) -> Price {
        Price::new(990 + i64::from(self.below(21)))
    }

    fn order(&mut self) -> NewOrder {
        let time_in_force = match self.below(8) {
            0 => TimeInForce::ImmediateOrCancel,
            1 => TimeInForce::FillOrKill,
            _ => TimeInForce::GoodTillCancel,
        };
        let rests = time_in_force.rests();
        let price = self.price();
        NewOrder {
            account: self.account(),
            instrument: self.instrument(),
            side: if self.below(2) == 0 { Side::Buy } else { Side::Sell },
            qty: Qty::new(1 + i64::from(self.below(40))),
            limit: (rests || self.below(3) > 0).then_some(price),
            time_in_force,
            post_only: rests && self.below(8) == 0,
            reduce_only: self.below(6) == 0,
            persistent: false,
        }
    }

    fn special(&mut self) -> AdvancedOrder {
        let mut order = NewOrder { post_only: false, ..self.order() };
        let mut instructions =
            Instructions { self_trade: SelfTrade::ALL[self.below(4) as usize], ..Instructions::PLAIN };
        match self.below(3) {
            0 if order.time_in_force.rests() => {
                instructions.display = Qty::new(1 + i64::from(self.below(5))).min(order.qty);
            }
            1 => {
                order.reduce_only = false;
                let price = self.price();
                let source =
                    [TriggerSource::Last, TriggerSource::Mark, TriggerSource::Index][self.below(3) as usize];
                instructions.trigger = Some(Trigger { source, kind: TriggerKind::Stop, price });
            }
            _ => {}
        }
        AdvancedOrder { order, instructions }
    }

    fn state(&mut self) -> TradingState {
        let states = [
            TradingState::Open,
            TradingState::Open,
            TradingState::Open,
            TradingState::PreOpen,
            TradingState::PreOpen,
            TradingState::Auction,
            TradingState::PostOnly,
            TradingState::ReduceOnly,
            TradingState::CancelOnly,
            TradingState::Halted,
            TradingState::Closed,
        ];
        states[self.below(11) as usize]
    }

    fn limits(&mut self) -> TradingLimits {
        let mut limits = TradingLimits::of(&spec());
        if self.below(3) > 0 {
            limits.limit_state_band = Rate::new(1_000_000 * (1 + self.below(8)));
            limits.limit_state_call_ms = 1 + self.below(30);
        }
        limits
    }

    fn amend(&mut self) -> Action {
        let back = u64::from(1 + self.below(60));
        let order = OrderRef::Client(ClientOrderId::new(self.client.saturating_sub(back).max(1)));
        let account = self.account();
        let qty = Qty::new(1 + i64::from(self.below(40)));
        Action::AmendOrder(AmendOrder { account, order, limit: self.price(), qty, post_only: false })
    }

    fn next(&mut self) -> Command {
        let action = match self.below(100) {
            0..46 => Action::NewOrder(self.order()),
            46..62 => Action::AdvancedOrder(self.special()),
            62..68 => self.amend(),
            68..71 => Action::MassCancel(MassCancel::of_account(self.account())),
            71..81 => {
                let mark = Mark::new((960 << 10) + i64::from(self.below(80 << 10)));
                Action::index_price(self.instrument(), mark)
            }
            81..89 => Action::Tick,
            89..94 => Action::SetTradingState { instrument: self.instrument(), state: self.state() },
            94..97 => Action::StartAuction { instrument: self.instrument(), call_ms: 1 + self.below(20) },
            97..99 => Action::SetLimits { instrument: self.instrument(), limits: Box::new(self.limits()) },
            _ => Action::Restarted { cancel_only_ms: self.below(8), call_ms: self.below(8) },
        };
        let is_order = matches!(action, Action::NewOrder(_) | Action::AdvancedOrder(_));
        self.client += u64::from(is_order);
        let client_order_id = ClientOrderId::new(if is_order { self.client } else { 0 });
        Command { client_order_id, ..Command::venue(action) }
    }
}

/// What was met.
#[derive(Default)]
struct Met {
    uncrossed: u32,
    auction_fills: u32,
    limit_states: u32,
    liquidations: u32,
    refreshed: u32,
    triggered: u32,
    settled: u32,
    continued: u32,
}

/// Instruments with a mark, poor accounts and rich ones.
fn opening() -> Vec<Action> {
    let mut actions = Vec::new();
    for instrument in (0..INSTRUMENTS).map(InstrumentId::new) {
        actions.push(Action::DefineInstrument { instrument, spec: Box::new(spec()) });
        actions.push(Action::index_price(instrument, Price::new(1_000).to_mark()));
    }
    for number in 0..ACCOUNTS {
        let account = AccountId::new(16 + number);
        let amount = Money::new(if number % 3 == 0 { 700 } else { 40_000 });
        actions.push(Action::OpenAccount { account });
        actions.push(Action::Deposit(Transfer::new(account, amount)));
    }
    actions
}

/// Every instrument is closed and settled.
fn ending() -> Vec<Action> {
    let end = |number| {
        let instrument = InstrumentId::new(number);
        let price = Mark::new((997 << 10) + 333 * i64::from(number));
        let state = TradingState::Closed;
        [Action::SetTradingState { instrument, state }, Action::Settle { instrument, price }]
    };
    (0..INSTRUMENTS).flat_map(end).collect()
}

/// Two venues that are told the same.
struct Twins {
    venues: [Venue; 2],
    commands: u64,
    time: u64,
    met: Met,
}

impl Twins {
    fn new() -> Self {
        let capacity = Capacity { accounts: 64, legs: 128, orders: 4_096 };
        let venues = [Venue::new(capacity), Venue::new(capacity)];
        Self { venues, commands: 0, time: 1, met: Met::default() }
    }

    fn apply(&mut self, command: &Command) -> Events {
        self.commands += 1;
        self.time += 400_000;
        let stamp = Stamp { seq: Seq::new(self.commands), time: TimeNs::new(self.time) };
        let [mut events, mut again] = [Events::default(), Events::default()];
        let shown = (0..INSTRUMENTS).map(|number| self.venues[0].indicative(InstrumentId::new(number)));
        let shown: Vec<_> = shown.collect();
        self.venues[0].apply(stamp, command, &mut events);
        self.venues[1].apply(stamp, command, &mut again);
        assert_eq!(events.as_slice(), again.as_slice());
        assert!(events.as_slice().len() <= EVENTS_PER_COMMAND);
        self.venues[0].check();
        if self.commands.is_multiple_of(64) {
            assert_eq!(self.venues[0].digest(), self.venues[1].digest(), "after {command:?}");
        }
        // Whatever else a command does to a book, an operator's word begins with it as it stood.
        if let (
            Action::SetTradingState { instrument, .. },
            Some(Event::Uncrossed { price, qty, surplus, .. }),
        ) = (&command.action, events.as_slice().first())
        {
            let shown = shown[instrument.get() as usize].expect("a crossed book shows a price");
            assert_eq!((shown.price, shown.qty, shown.surplus), (*price, *qty, *surplus));
        }
        self.count(&events);
        events
    }

    fn count(&mut self, events: &Events) {
        let met = &mut self.met;
        for event in events.as_slice() {
            match event.name() {
                "Uncrossed" => met.uncrossed += 1,
                "LimitStateEntered" => met.limit_states += 1,
                "LiquidationStarted" => met.liquidations += 1,
                "Refreshed" => met.refreshed += 1,
                "Triggered" => met.triggered += 1,
                "PositionSettled" => met.settled += 1,
                "Fill" => {
                    let is_auction =
                        matches!(event, Event::Fill(fill) if fill.kind == risk::FillKind::Auction);
                    met.auction_fills += u32::from(is_auction);
                }
                _ => {}
            }
        }
    }

    fn settle_down(&mut self) {
        while self.venues[0].pending() {
            self.met.continued += 1;
            self.apply(&Command::venue(Action::Continue));
        }
    }

    fn tell(&mut self, action: Action) -> Events {
        let events = self.apply(&Command::venue(action));
        self.settle_down();
        events
    }

    /// Every instrument is closed and settled; what is left is cash, and all of it.
    fn end(&mut self) {
        for action in ending() {
            let events = self.tell(action);
            assert!(!matches!(events.as_slice().first(), Some(Event::Rejected { .. })));
        }
        for instrument in (0..INSTRUMENTS).map(InstrumentId::new) {
            assert_eq!(self.venues[0].trading_state(instrument), Some(TradingState::Settled));
            assert_eq!(self.venues[0].ledger().open_interest(instrument), Qty::ZERO);
        }
        let ledger = self.venues[0].ledger();
        assert_eq!(ledger.order_count(), 0);
        let balances: i64 = ledger.accounts().map(|(_, account)| account.balance.get()).sum();
        assert_eq!(balances, ledger.deposits());
        let mut users = ledger.accounts().filter(|(id, _)| !id.is_system());
        assert!(users.all(|(_, account)| account.balance >= Money::ZERO), "nobody owes anything");
    }
}

#[test]
fn every_state_keeps_the_invariants() {
    let mut all = Met::default();
    for seed in 1..=SEEDS {
        let mut stream = Stream { random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), client: 0 };
        let mut twins = Twins::new();
        for action in opening() {
            twins.tell(action);
        }
        for _ in 0..COMMANDS {
            let command = stream.next();
            twins.apply(&command);
            twins.settle_down();
        }
        twins.end();
        let met = twins.met;
        all.uncrossed += met.uncrossed;
        all.auction_fills += met.auction_fills;
        all.limit_states += met.limit_states;
        all.liquidations += met.liquidations;
        all.refreshed += met.refreshed;
        all.triggered += met.triggered;
        all.settled += met.settled;
        all.continued += met.continued;
    }
    let Met { uncrossed, auction_fills, limit_states, liquidations, .. } = all;
    let Met { refreshed, triggered, settled, continued, .. } = all;
    let met =
        [uncrossed, auction_fills, limit_states, liquidations, refreshed, triggered, settled, continued];
    println!("{met:?}");
    assert!(met.iter().all(|&count| count > 20), "everything is met: {met:?}");
}

/// The same streams, held against the model command for command.
#[test]
fn the_model_agrees_in_every_state() {
    for seed in 1..=SEEDS {
        let mut stream = Stream { random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), client: 0 };
        let mut both = VenueBesideModel::new(Capacity { accounts: 64, legs: 128, orders: 4_096 });
        let mut tell = |command: &Command| {
            let mut all = both.apply(command);
            while both.pending() {
                all.extend(both.apply(&Command::venue(Action::Continue)));
            }
            both.wait(1);
            all
        };
        for action in opening() {
            tell(&Command::venue(action));
        }
        for _ in 0..MODELLED {
            tell(&stream.next());
        }
        for action in ending() {
            let events = tell(&Command::venue(action));
            assert!(!matches!(events.first(), Some(Event::Rejected { .. })), "the end is admitted");
        }
    }
}

/// A venue that is told one thing after the other.
struct Alone {
    venue: Venue,
    commands: u64,
    client: u64,
}

impl Alone {
    fn new(instruments: u32) -> Self {
        let venue = Venue::new(Capacity { accounts: 64, legs: 128, orders: 8_192 });
        let mut alone = Self { venue, commands: 0, client: 0 };
        for number in 0..instruments {
            let instrument = InstrumentId::new(number);
            alone.tell(Action::DefineInstrument { instrument, spec: Box::new(spec()) });
        }
        alone
    }

    fn apply(&mut self, command: &Command) -> Vec<Event> {
        self.commands += 1;
        let mut events = Events::default();
        let stamp = Stamp { seq: Seq::new(self.commands), time: TimeNs::new(1_000) };
        self.venue.apply(stamp, command, &mut events);
        assert!(!matches!(events.as_slice().first(), Some(Event::Rejected { .. })), "{command:?}");
        events.as_slice().to_vec()
    }

    fn tell(&mut self, action: Action) -> Vec<Event> {
        self.apply(&Command::venue(action))
    }

    fn place(&mut self, account: AccountId, side: Side) {
        self.client += 1;
        let order = NewOrder {
            account,
            instrument: InstrumentId::new(0),
            side,
            qty: Qty::new(1),
            limit: Some(Price::new(1_000)),
            time_in_force: TimeInForce::GoodTillCancel,
            post_only: false,
            reduce_only: false,
            persistent: false,
        };
        self.apply(&Command::order(SessionId::new(0), ClientOrderId::new(self.client), order));
    }
}

#[test]
fn a_price_is_found_over_several_commands() {
    const ORDERS: u32 = 3_000;
    let mut alone = Alone::new(1);
    let instrument = InstrumentId::new(0);
    alone.tell(Action::index_price(instrument, Price::new(1_000).to_mark()));
    alone.tell(Action::SetTradingState { instrument, state: TradingState::PreOpen });
    for account in (16..22).map(AccountId::new) {
        alone.tell(Action::OpenAccount { account });
        alone.tell(Action::Deposit(Transfer::new(account, Money::new(1_000_000))));
        let side = if account.get() < 19 { Side::Buy } else { Side::Sell };
        (0..1_000).for_each(|_| alone.place(account, side));
    }
    let shown = alone.venue.indicative(instrument).expect("crossed");
    assert_eq!((shown.price, shown.qty, shown.surplus), (Price::new(1_000), Qty::new(3_000), 0));

    // 4,096 of 6,000 orders are counted; nothing has happened yet.
    let open = Action::SetTradingState { instrument, state: TradingState::Open };
    assert_eq!(alone.tell(open), Vec::new());
    alone.venue.check();
    let (mut fills, mut uncrossed) = (0, 0);
    while alone.venue.pending() {
        assert_eq!(alone.venue.trading_state(instrument), Some(TradingState::PreOpen));
        let events = alone.tell(Action::Continue);
        assert!(events.len() <= 258, "{} events", events.len());
        fills += events.iter().filter(|event| event.name() == "Fill").count();
        uncrossed += events.iter().filter(|event| event.name() == "Uncrossed").count();
    }
    alone.venue.check();
    assert_eq!((fills, uncrossed), (ORDERS as usize, 1));
    assert_eq!(alone.venue.trading_state(instrument), Some(TradingState::Open));
    assert_eq!(alone.venue.indicative(instrument), None);
}

#[test]
fn a_restart_comes_to_256_instruments_a_command() {
    let mut alone = Alone::new(300);
    let halted = InstrumentId::new(7);
    alone.tell(Action::SetTradingState { instrument: halted, state: TradingState::Halted });
    let events = alone.tell(Action::Restarted { cancel_only_ms: 5, call_ms: 0 });
    assert_eq!((events.len(), alone.venue.pending()), (255, true));
    alone.venue.check();
    assert_eq!(alone.tell(Action::Continue).len(), 44);
    assert!(!alone.venue.pending());
    alone.venue.check();
    let until = TimeNs::new(1_000 + 5_000_000);
    assert_eq!(alone.venue.state_until(InstrumentId::new(299)), Some(until));
    assert_eq!(alone.venue.state_until(halted), None);
}
