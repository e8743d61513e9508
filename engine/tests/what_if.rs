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
    FeeTier, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Price, Qty, Rate, Side, Slice, Tier,
    UnderlyingId,
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
        let [venue, behind] =
            [(); 2].map(|()| Venue::new(Capacity { accounts: 10_000, legs: 128, orders: 512 }));
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
        let half = Rate::new(500_000_000);
        let terms = FeeTier { taker: half, maker: half, rebate: half };
        world.must(Action::DefineFeeTier { tier: 1, terms });
        world.must(Action::SetFeeTier { account: AccountId::new(17), tier: 1 });
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
        let price = if is_wild {
            i64::from(self.below(4_100))
        } else {
            (mark + (mark * away).div_euclid(400)).max(1)
        };
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

#[test]
fn an_isolated_position_is_asked_about_with_its_account() {
    let mut world = World::new(1);
    let (account, instrument) = (AccountId::new(17), InstrumentId::new(0));
    world.must(Action::SetMarginMode { account, instrument, isolated: true });
    let order = NewOrder {
        account,
        instrument,
        side: Side::Buy,
        qty: Qty::new(20),
        limit: Some(Price::new(990)),
        time_in_force: TimeInForce::GoodTillCancel,
        post_only: false,
        reduce_only: false,
        persistent: false,
    };
    let foretold = world.venue.what_if(account, &[Step::Order(order)]).expect("a trading account");
    assert_eq!(foretold.verdicts, [Ok(())]);
    assert_eq!(foretold.before.len(), 2, "the account, and the position that acts for it");
    world.orders += 1;
    world.apply(&Command::order(SESSION, ClientOrderId::new(world.orders), order));
    let real = world.venue.what_if(account, &[]).expect("a trading account").before;
    assert_eq!(foretold.after, real, "the account has given what the position needs");
    assert!(real[1].figures.balance > Money::ZERO && real[1].legs.len() == 1 && real[0].legs.is_empty());

    // More than the account can give: refused with what is missing, as the order would be.
    let too_much = NewOrder { qty: Qty::new(200), limit: Some(Price::new(1_200)), ..order };
    world.must(Action::Withdraw(Transfer::new(account, Money::new(38_000))));
    let foretold = world.venue.what_if(account, &[Step::Order(too_much)]).expect("a trading account");
    let denial = foretold.verdicts[0].expect_err("it is too much");
    world.orders += 1;
    let events = world.apply(&Command::order(SESSION, ClientOrderId::new(world.orders), too_much));
    let Some(Event::Rejected { reject, short, .. }) = events.first() else { panic!("{events:?}") };
    assert_eq!((denial.reject, denial.short), (*reject, *short));

    let acting = real[1].account;
    assert_eq!(world.venue.what_if(acting, &[]), Err(Reject::IsolatedAccount), "it is not named");
}

#[test]
fn a_grid_of_shocks_is_each_of_them_alone() {
    let mut world = World::new(2);
    for _ in 0..600 {
        world.order();
    }
    let (all, one) = (Scope::All, Scope::Instrument(INVERSE));
    let underlying = Scope::Underlying(UnderlyingId::new(1));
    let shocks =
        [(all, -300_000_000), (one, 50_000_000), (all, 0), (underlying, 120_000_000), (all, i64::MIN)];
    for account in (0..ACCOUNTS).map(|index| AccountId::new(16 + index)) {
        let found = world.venue.stress(account, &[], &shocks).expect("a trading account");
        for ((scope, rate), (figures, state)) in shocks.into_iter().zip(found) {
            let step = Step::Shock { scope, to: Move::By(rate) };
            let alone = only(world.venue.what_if(account, &[step]).expect("a trading account").after);
            assert_eq!((figures, state), (alone.figures, alone.state), "{account} {scope:?} {rate}");
        }
    }
    let many = [(all, 1); engine::limits::STRESSES_MAX + 1];
    assert_eq!(world.venue.stress(AccountId::new(16), &[], &many), Err(Reject::BadParameter));
}

#[test]
fn what_makes_no_sense_is_denied_and_changes_nothing() {
    let world = World::new(3);
    let account = AccountId::new(16);
    let nowhere = InstrumentId::new(INSTRUMENTS);
    let fill = |instrument, price, qty| Step::Fill {
        instrument,
        side: Side::Buy,
        price: Price::new(price),
        qty: Qty::new(qty),
    };
    let to =
        |mark| Step::Shock { scope: Scope::Instrument(InstrumentId::new(0)), to: Move::To(Mark::new(mark)) };
    let steps = [
        (fill(nowhere, 1_000, 1), Reject::UnknownInstrument),
        (fill(InstrumentId::new(0), 0, 1), Reject::BadPrice),
        (fill(InstrumentId::new(0), 1_000, 0), Reject::BadQuantity),
        (fill(InstrumentId::new(0), 1_000, 1 << 50), Reject::BadQuantity),
        (to(0), Reject::BadPrice),
        (to(i64::MAX), Reject::BadPrice),
        (Step::Shock { scope: Scope::Instrument(nowhere), to: Move::By(0) }, Reject::UnknownInstrument),
    ];
    let answer = world.venue.what_if(account, &steps.map(|(step, _)| step)).expect("a trading account");
    for ((step, reject), verdict) in steps.into_iter().zip(&answer.verdicts) {
        assert_eq!(verdict.expect_err("denied").reject, reject, "{step:?}");
    }
    assert_eq!(answer.before, answer.after);
    let many = [to(1 << 20); engine::limits::STEPS_MAX + 1];
    assert_eq!(world.venue.what_if(account, &many), Err(Reject::BadParameter));
    assert_eq!(world.venue.what_if(AccountId::new(1), &[]), Err(Reject::SystemAccount));
    assert_eq!(world.venue.what_if(AccountId::new(63), &[]), Err(Reject::UnknownAccount));
}

#[test]
fn surveys_count_every_account_once_and_page_after_their_bound() {
    let mut world = World::new(4);
    for step in 0..1_500 {
        if step % 8 == 0 { world.shock() } else { world.order() }
    }
    // Accounts beyond the bound of one survey.
    for number in [5_000, 9_000] {
        world.must(Action::OpenAccount { account: AccountId::new(number) });
    }
    let ledger = world.venue.ledger();
    for instrument in core::iter::once(None).chain((0..INSTRUMENTS).map(|at| Some(InstrumentId::new(at)))) {
        let (mut exposed, mut exposure, mut equity, mut pages) = (0, 0, 0, 0);
        let mut from = Some(AccountId::new(0));
        let mut states = 0;
        while let Some(next) = from {
            let page = world.venue.survey(instrument, next);
            exposed += page.accounts;
            (exposure, equity) = (exposure + page.exposure, equity + page.equity);
            states += page.healthy + page.warned + page.liquidating;
            assert_eq!(page.buckets.iter().sum::<u32>(), page.accounts);
            assert_eq!(page.highest.is_some(), page.accounts > page.buckets[engine::LEVERAGE_BUCKETS - 1]);
            (from, pages) = (page.next, pages + 1);
        }
        let holds = |account: AccountId| {
            ledger.legs_of(account).any(|(_, leg)| {
                leg.position.get() != 0 && instrument.is_none_or(|instrument| leg.instrument == instrument)
            })
        };
        let users: Vec<AccountId> = ledger.accounts().map(|(account, _)| account).collect();
        let users: Vec<AccountId> =
            users.into_iter().filter(|&user| !user.is_system() && holds(user)).collect();
        assert!(!users.is_empty() && pages == 3, "{pages} pages");
        assert_eq!((exposed, states), (u32::try_from(users.len()).expect("few"), exposed));
        let sum: i128 = users.iter().map(|&user| i128::from(ledger.assess(user).equity.get())).sum();
        assert_eq!(equity, sum);
        if instrument.is_none() {
            let sum: i128 = users.iter().map(|&user| i128::from(ledger.assess(user).exposure.get())).sum();
            assert_eq!(exposure, sum);
        }
    }
}
