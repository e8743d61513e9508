//! What is said would be, is: the verdict on an assumed order is the one the order gets, and the figures after assumed
//! prices, trades and orders are those the venue has once they have come about.
//!
//! Random commands over linear, rounding and inverse instruments and two assets. Before each command its effect is asked
//! for; afterwards the two are compared to the last unit wherever nothing but that command touched the account.

use engine::{
    Action, ClientOrderId, Command, Event, Events, Fill, MarginState, Move, NewOrder, Picture, Reject, Scope,
    SessionId, Stamp, Step, TimeInForce, TimeNs, Transfer, Venue,
};
use risk::{
    AccountId, AdaptiveTerms, AssetId, AssetSpec, Capacity, ContractKind, ContractTerms, DebtTerms, FeeRate,
    InstrumentId, InstrumentSpec, Leverage, Mark, Money, Price, Qty, Rate, Side, Slice, Tier, UnderlyingId,
};

const SEEDS: u64 = 6;
const COMMANDS: u32 = 4_000;
const ACCOUNTS: u32 = 8;
/// A linear instrument of a coin, a linear one of another whose values round, an inverse one of the first.
const INSTRUMENTS: u32 = 3;
const INVERSE: InstrumentId = InstrumentId::new(2);
const COIN: AssetId = AssetId::new(1);
const SESSION: SessionId = SessionId::new(0);
const SECOND_NS: u64 = 1_000_000_000;

fn linear(symbol: u8, price_decimals: u8, underlying: u16) -> InstrumentSpec {
    let tiers = |rates: [u32; 2]| {
        [0, 20_000]
            .into_iter()
            .zip(rates)
            .map(|(floor, rate)| Tier { floor: Money::new(floor), rate: Rate::new(rate) })
    };
    InstrumentSpec {
        symbol: [symbol; 16],
        price_decimals,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(4_000),
        order_qty_max: Qty::new(200),
        position_max: Qty::new(400),
        open_interest_max: Qty::new(1_500),
        price_band: Rate::new(200_000_000),
        market_collar: Rate::new(100_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(100_000),
        taker_fee: Rate::new(1_234_567),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: tiers([50_000_000, 100_000_000]).collect(),
        maintenance_tiers: tiers([25_000_000, 50_000_000]).collect(),
        contract: ContractTerms {
            underlying: UnderlyingId::new(underlying),
            ..ContractTerms::LINEAR_PERPETUAL
        },
        adaptive: AdaptiveTerms {
            oi_lower: Money::new(100_000),
            oi_upper: Money::new(4_000_000),
            profit_weight: Rate::new(700_000_000),
            ..AdaptiveTerms::OFF
        },
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

fn inverse() -> InstrumentSpec {
    InstrumentSpec {
        money_decimals: 4,
        order_qty_max: Qty::new(100_000),
        position_max: Qty::new(200_000),
        open_interest_max: Qty::new(1_000_000),
        contract: ContractTerms {
            kind: ContractKind::Inverse,
            settlement: COIN,
            underlying: UnderlyingId::new(1),
            ..ContractTerms::LINEAR_PERPETUAL
        },
        adaptive: AdaptiveTerms { profit_weight: Rate::new(700_000_000), ..AdaptiveTerms::OFF },
        ..linear(b'C', 0, 1)
    }
}

fn coin() -> AssetSpec {
    let slice = |cap, weight| Slice { cap: Money::new(cap), weight: Rate::new(weight) };
    AssetSpec {
        symbol: [b'X'; 16],
        decimals: 4,
        priced_by: InstrumentId::new(0),
        weights: vec![slice(50_000, 950_000_000), slice(10_000_000, 800_000_000)],
        liability_weight: Rate::new(1_050_000_000),
        wrong_way: Rate::new(100_000_000),
        full_weight_total: Money::new(2_000_000),
        deposit_max: Money::new(1 << 40),
        conversion_haircut: Rate::new(20_000_000),
        debt: DebtTerms::FREE,
        spend_rank: 1,
    }
}

/// A venue, a stream of random numbers, and what was compared.
struct World {
    venue: Venue,
    /// The same venue before the commands it has missed.
    behind: Venue,
    missed: Vec<(Stamp, Command)>,
    random: u64,
    now: u64,
    orders: u64,
    tally: Tally,
}

/// How often each kind of comparison was made: a test that compares nothing must not pass.
#[derive(Debug, Default)]
struct Tally {
    admitted: u32,
    refused: u32,
    short: u32,
    rested: u32,
    filled: u32,
    shocked: u32,
    warned: u32,
    liquidated: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let [venue, behind] = [(); 2].map(|()| Venue::new(Capacity { accounts: 64, legs: 128, orders: 512 }));
        let mut world = Self {
            venue,
            behind,
            missed: Vec::new(),
            random: 0x9e37_79b9 + seed * 7919,
            now: SECOND_NS,
            orders: 0,
            tally: Tally::default(),
        };
        for (number, spec) in [linear(b'A', 0, 1), linear(b'B', 1, 2)].into_iter().enumerate() {
            let instrument = InstrumentId::new(u32::try_from(number).expect("two"));
            world.must(Action::DefineInstrument { instrument, spec: Box::new(spec) });
            world.must(Action::index_price(instrument, Price::new(1_000).to_mark()));
        }
        world.must(Action::DefineAsset { asset: COIN, spec: Box::new(coin()) });
        world.must(Action::DefineInstrument { instrument: INVERSE, spec: Box::new(inverse()) });
        world.must(Action::index_price(INVERSE, Price::new(1_000).to_mark()));
        for account in (0..ACCOUNTS).map(|index| AccountId::new(16 + index)) {
            world.must(Action::OpenAccount { account });
            world.must(Action::Deposit(Transfer::new(account, Money::new(40_000))));
            let coins = Transfer { asset: COIN, ..Transfer::new(account, Money::new(600_000)) };
            if account.get() % 2 == 0 {
                world.must(Action::Deposit(coins));
            }
        }
        world
    }

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

    /// Applies a command and the work it leaves over.
    fn apply(&mut self, command: &Command) -> Vec<Event> {
        let mut all = Vec::new();
        let mut next = command.clone();
        loop {
            let mut events = Events::default();
            let seq = engine::Seq::new(self.venue.last_stamp().seq.get() + 1);
            let stamp = Stamp { seq, time: TimeNs::new(self.now) };
            self.venue.apply(stamp, &next, &mut events);
            self.missed.push((stamp, next));
            all.extend_from_slice(events.as_slice());
            if !self.venue.pending() {
                return all;
            }
            next = Command::venue(Action::Continue);
        }
    }

    fn must(&mut self, action: Action) {
        let events = self.apply(&Command::venue(action));
        assert!(!events.iter().any(|event| matches!(event, Event::Rejected { .. })), "{events:?}");
    }

    fn picture(&self, account: AccountId) -> Picture {
        only(self.venue.what_if(account, &[]).expect("an open account").before)
    }

    fn some_order(&mut self) -> NewOrder {
        let instrument = self.instrument();
        let mark = self.venue.ledger().instrument(instrument).mark.expect("marked").floor_price().get();
        let (side, away) =
            (if self.below(2) == 0 { Side::Buy } else { Side::Sell }, i64::from(self.below(61)) - 30);
        let size = if instrument == INVERSE { 20_000 } else { 40 };
        let is_wild = self.below(12) == 0;
        let price = if is_wild { i64::from(self.below(4_100)) } else { (mark + mark * away / 400).max(1) };
        let rests = self.below(4) > 0;
        NewOrder {
            account: self.account(),
            instrument,
            side,
            qty: Qty::new(i64::from(self.below(size * if is_wild { 12 } else { 1 }))),
            limit: (rests || self.below(2) == 0).then(|| Price::new(price)),
            time_in_force: match (rests, self.below(3)) {
                (true, _) => TimeInForce::GoodTillCancel,
                (false, 0) => TimeInForce::FillOrKill,
                (false, _) => TimeInForce::ImmediateOrCancel,
            },
            post_only: rests && self.below(6) == 0,
            reduce_only: self.below(6) == 0,
            persistent: false,
        }
    }

    /// Places an order, and compares what was foretold with what came of it.
    fn order(&mut self) {
        let order = self.some_order();
        let foretold = self.venue.what_if(order.account, &[Step::Order(order)]).expect("a trading account");
        assert_eq!(foretold.before, [self.picture(order.account)]);
        self.orders += 1;
        let before = self.venue.digest();
        let events = self.apply(&Command::order(SESSION, ClientOrderId::new(self.orders), order));
        let [verdict] = foretold.verdicts.as_slice() else { panic!("one step, one verdict") };
        match events.first() {
            Some(Event::Rejected { reject, short, .. }) => {
                let denial = verdict.expect_err("it is refused");
                assert_eq!((denial.reject, denial.short), (*reject, *short), "{order:?}");
                assert_eq!(foretold.after, foretold.before, "what is refused changes nothing");
                self.tally.refused += 1;
                self.tally.short += u32::from(*reject == Reject::InsufficientMargin);
            }
            Some(Event::Accepted { .. }) => {
                assert_eq!(*verdict, Ok(()), "{order:?}");
                assert_ne!(before, self.venue.digest());
                self.tally.admitted += 1;
                if events.len() == 1 && order.time_in_force == TimeInForce::GoodTillCancel {
                    assert_eq!(foretold.after, [self.picture(order.account)], "{order:?} rests");
                    self.tally.rested += 1;
                }
            }
            other => panic!("{order:?}: {other:?}"),
        }
    }

    /// Lets an account without orders take, and compares with the same trades assumed.
    fn take(&mut self) {
        let order = NewOrder {
            limit: None,
            time_in_force: TimeInForce::ImmediateOrCancel,
            post_only: false,
            reduce_only: false,
            qty: Qty::new(1 + i64::from(self.below(30))),
            ..self.some_order()
        };
        if self.venue.open_orders(order.account).next().is_some() {
            return;
        }
        self.catch_up();
        self.orders += 1;
        let events = self.apply(&Command::order(SESSION, ClientOrderId::new(self.orders), order));
        let steps: Vec<Step> = events.iter().filter_map(|event| step_of(event, order.account)).collect();
        let stopped = events.iter().any(|event| matches!(event, Event::LiquidationStarted { .. }));
        if steps.is_empty() || stopped {
            return;
        }
        let foretold = self.behind.what_if(order.account, &steps).expect("a trading account");
        assert!(foretold.verdicts.iter().all(Result::is_ok), "{foretold:?}");
        assert_eq!(foretold.after, [self.picture(order.account)], "{order:?} {steps:?}");
        self.tally.filled += 1;
    }

    /// Brings the venue that stays behind up to date.
    fn catch_up(&mut self) {
        for (stamp, command) in self.missed.drain(..) {
            self.behind.apply(stamp, &command, &mut Events::default());
        }
        assert_eq!(self.behind.digest(), self.venue.digest(), "nothing that was asked left a trace");
    }

    /// Lets a price move, and compares with the same move assumed.
    fn shock(&mut self) {
        let instrument = self.instrument();
        let rate = 4_000_000 * (i64::from(self.below(41)) - 20);
        let mark = self.venue.ledger().instrument(instrument).mark.expect("marked").get();
        let moved = i128::from(mark) * i128::from(1_000_000_000 + rate);
        let target = Mark::new(i64::try_from(moved.div_euclid(1_000_000_000)).expect("in range"));
        if target.get() < 300 * 1024 || target > Price::new(3_000).to_mark() {
            return;
        }
        let to = if self.below(2) == 0 { Move::By(rate) } else { Move::To(target) };
        let step = Step::Shock { scope: Scope::Instrument(instrument), to };
        let accounts = || (0..ACCOUNTS).map(|index| AccountId::new(16 + index));
        let foretold: Vec<Picture> = accounts()
            .map(|account| only(self.venue.what_if(account, &[step]).expect("a trading account").after))
            .collect();
        let events = self.apply(&Command::venue(Action::index_price(instrument, target)));
        assert!(matches!(events[0], Event::Marked { mark, .. } if mark == target));
        let stays = |event: &Event| matches!(event, Event::Marked { .. } | Event::MarginStateChanged { .. });
        if let Some(first) = events.iter().find(|event| !stays(event)) {
            // A liquidation touches other accounts too, so that only the first one was foretold.
            if let Event::LiquidationStarted { account, .. } = first {
                assert_eq!(foretold[account.index() - 16].state, MarginState::Liquidating);
                self.tally.liquidated += 1;
            }
            return;
        }
        for (account, foretold) in accounts().zip(foretold) {
            assert_eq!(foretold, self.picture(account), "{account} after {step:?}");
            self.tally.warned += u32::from(foretold.state == MarginState::Warned);
        }
        self.tally.shocked += 1;
    }

    fn other(&mut self) {
        let account = self.account();
        let action = match self.below(4) {
            0 => Action::Deposit(Transfer::new(account, Money::new(1 + i64::from(self.below(9_000))))),
            1 => Action::Withdraw(Transfer::new(account, Money::new(1 + i64::from(self.below(9_000))))),
            2 => {
                let leverage = Leverage::new(100 * self.below(21));
                Action::SetLeverage { account, instrument: self.instrument(), leverage }
            }
            _ => Action::MassCancel(engine::MassCancel { account, instrument: None, side: None, tag: None }),
        };
        self.apply(&Command::venue(action));
    }
}

/// The one picture of an account without isolated positions.
fn only(mut pictures: Vec<Picture>) -> Picture {
    assert_eq!(pictures.len(), 1);
    pictures.remove(0)
}

/// The fill of an account that took, as a step.
fn step_of(event: &Event, account: AccountId) -> Option<Step> {
    let Event::Fill(fill) = event else { return None };
    let Fill { instrument, side, price, qty, taker, .. } = *fill;
    (taker.account == account).then_some(Step::Fill { instrument, side, price, qty })
}

#[test]
fn what_is_foretold_comes_about() {
    let mut tally = Tally::default();
    for seed in 1..=SEEDS {
        let mut world = World::new(seed);
        world.tally = tally;
        for _ in 0..COMMANDS {
            world.now += u64::from(world.below(3)) * SECOND_NS;
            match world.below(20) {
                0..=10 => world.order(),
                11..=14 => world.take(),
                15..=17 => world.shock(),
                _ => world.other(),
            }
        }
        world.venue.check();
        tally = world.tally;
    }
    println!("{tally:?}");
    let Tally { admitted, refused, short, rested, filled, shocked, warned, liquidated } = tally;
    for count in [admitted, refused, short, rested, filled, shocked, warned, liquidated] {
        assert!(count >= 20, "every comparison is made often: {tally:?}");
    }
}
