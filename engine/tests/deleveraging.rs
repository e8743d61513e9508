//! What deleveraging does to whom, over many small worlds: nobody ends below zero by it, nobody who holds nothing pays, what is
//! lost and what is given up add up, and it does not matter who plans.
//!
//! `FULCRUM_SEED` plays one world instead of all. A failure prints the line that repeats it.

#[path = "campaign/rng.rs"]
mod rng;

use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::{
    Action, ClientOrderId, Command, DeleveragingCut, DeleveragingPlan, Event, Events, NewOrder, Seq, Stamp,
    TimeInForce, TimeNs, Transfer, Venue,
};
use risk::deleveraging::{Cut, DeleveragingPolicy, allocate};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{
    AccountId, AccountState, AdaptiveTerms, AssetId, Capacity, ContractTerms, FeeRate, FundingTerms,
    InstrumentId, InstrumentSpec, Money, Position, Price, PricingTerms, Qty, Rate, RiskGroupTerms, Side,
    Tier, UnderlyingId,
};

use rng::Rng;

const WORLDS: u64 = 400;
const ACCOUNTS: u32 = 9;
const BANKRUPT: AccountId = AccountId::new(FIRST_USER_ACCOUNT);
const FIRST: InstrumentId = InstrumentId::new(0);
const HEDGE: InstrumentId = InstrumentId::new(1);
const HOME: i64 = 1_000;

/// Who plans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Planner {
    Venue,
    /// The worker, in parts of so many cuts.
    Worker(usize),
}

fn tiers(rate: u32) -> Vec<Tier> {
    vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }]
}

fn perpetual() -> InstrumentSpec {
    InstrumentSpec {
        symbol: *b"SHARED\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 0,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(100_000),
        order_qty_max: Qty::new(100_000),
        position_max: Qty::new(100_000),
        open_interest_max: Qty::new(1_000_000),
        price_band: Rate::new(500_000_000),
        market_collar: Rate::new(500_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: tiers(50_000_000),
        maintenance_tiers: tiers(25_000_000),
        contract: ContractTerms { underlying: UnderlyingId::new(1), ..ContractTerms::LINEAR_PERPETUAL },
        adaptive: AdaptiveTerms::OFF,
        pricing: PricingTerms::DIRECT,
        funding: FundingTerms::NONE,
    }
}

/// A venue and everything it said.
struct Played {
    venue: Venue,
    seq: u64,
    said: Vec<Event>,
    /// Of every account before the last command: equity, and positions.
    before: Vec<(Money, [Position; 2])>,
}

impl Played {
    fn apply(&mut self, action: Action) {
        self.seq += 1;
        let ledger = self.venue.ledger();
        let all = (0..ledger.account_numbers()).map(AccountId::new);
        self.before = all
            .map(|account| match ledger.account(account) {
                Some(_) => (ledger.assess(account).equity, positions(&self.venue, account)),
                None => (Money::ZERO, [Position::ZERO; 2]),
            })
            .collect();
        let mut command = Command::venue(action);
        if matches!(command.action, Action::NewOrder(_)) {
            command.client_order_id = ClientOrderId::new(self.seq);
        }
        let mut events = Events::default();
        let stamp = Stamp { seq: Seq::new(self.seq), time: TimeNs::new(1_000_000 + self.seq) };
        self.venue.apply(stamp, &command, &mut events);
        self.venue.check();
        self.hold_against_the_rules(events.as_slice());
        self.said.extend_from_slice(events.as_slice());
    }

    /// What every command that deleverages must keep to.
    fn hold_against_the_rules(&self, events: &[Event]) {
        let cuts: Vec<DeleveragingCut> = cuts_of(events).collect();
        if cuts.is_empty() {
            return;
        }
        let ledger = self.venue.ledger();
        for (account, _) in ledger.accounts().filter(|(account, _)| !account.is_system()) {
            let (equity, mut held) = self.before[account.index()];
            let now = ledger.assess(account).equity;
            let own: Vec<&DeleveragingCut> = cuts.iter().filter(|cut| cut.account == account).collect();
            assert!(!own.is_empty() || now == equity, "{account} gave up nothing and pays {equity} to {now}");
            assert!(own.is_empty() || now >= Money::ZERO, "{account} comes below zero: {equity} to {now}");
            for cut in own {
                let left = &mut held[cut.instrument.index()];
                assert!(cut.equity > Money::ZERO && cut.position != Position::ZERO, "{cut:?}");
                assert!(cut.position.size() <= left.size(), "more than is held: {cut:?}");
                assert!(
                    (cut.position.get() > 0) == (left.get() < 0),
                    "it makes the position smaller: {cut:?}"
                );
                *left += cut.position;
                assert!(cut.left == *left, "{cut:?}");
            }
            assert!(positions(&self.venue, account) == held, "nothing is gone but what was cut");
        }
    }

    /// Lets everything come to rest; the worker answers whatever is asked.
    fn drain(&mut self, planner: Planner) {
        for _ in 0..10_000 {
            if self.venue.pending() {
                self.apply(Action::Continue);
                continue;
            }
            let Planner::Worker(size) = planner else { return };
            let parts = self.parts(size);
            if parts.is_empty() {
                return;
            }
            for part in parts {
                self.apply(Action::Deleverage(Box::new(part)));
            }
        }
        panic!("it never comes to rest");
    }

    /// What the worker answers to the first call that is open.
    fn parts(&self, size: usize) -> Vec<DeleveragingPlan> {
        let Some(call) = self.venue.open_calls().next() else { return Vec::new() };
        let holders = self.venue.holders_against(call.instrument, call.position, call.policy);
        let plan = allocate(call.policy, call.demand, holders);
        let (lots, equity) = plan.sums();
        let parts: Vec<Vec<Cut>> = plan.cuts().chunks(size).map(<[Cut]>::to_vec).collect();
        let parts = if parts.is_empty() { vec![Vec::new()] } else { parts };
        let last = parts.len() - 1;
        let part_of = |(part, cuts)| DeleveragingPlan {
            request: call.request,
            basis: call.basis,
            part: u32::try_from(part).expect("few parts"),
            is_last: part == last,
            level: plan.level().map(|level| (level.over(), level.under())),
            holders: u32::try_from(plan.holders()).expect("few"),
            lots,
            equity,
            commitment: [0; 32],
            cuts,
        };
        parts.into_iter().enumerate().map(part_of).collect()
    }

    fn trade(
        &mut self,
        instrument: InstrumentId,
        (seller, buyer): (AccountId, AccountId),
        lots: i64,
        at: i64,
    ) {
        for (account, side) in [(seller, Side::Sell), (buyer, Side::Buy)] {
            self.apply(Action::NewOrder(NewOrder {
                account,
                instrument,
                side,
                qty: Qty::new(lots),
                limit: Some(Price::new(at)),
                time_in_force: TimeInForce::GoodTillCancel,
                post_only: false,
                reduce_only: false,
                persistent: false,
            }));
        }
    }
}

fn cuts_of(events: &[Event]) -> impl Iterator<Item = DeleveragingCut> + '_ {
    events.iter().filter_map(|event| if let Event::Deleveraged(cut) = event { Some(*cut) } else { None })
}

fn positions(venue: &Venue, account: AccountId) -> [Position; 2] {
    [FIRST, HEDGE].map(|instrument| venue.ledger().position(account, instrument))
}

fn user(number: u32) -> AccountId {
    AccountId::new(FIRST_USER_ACCOUNT + number)
}

/// One who goes bankrupt, long in the first instrument, against holders of every leverage, some of them hedged.
fn play(seed: u64, planner: Planner) -> Played {
    let mut rng = Rng::new(seed);
    let venue = Venue::new(Capacity { accounts: 64, legs: 256, orders: 256 });
    let mut world = Played { venue, seq: 0, said: Vec::new(), before: Vec::new() };
    let fund = user(ACCOUNTS);
    world.apply(Action::OpenAccount { account: fund });
    let has = rng.pick(&[0, 1, 50, 100_000]);
    if has > 0 {
        world.apply(Action::Deposit(Transfer::new(fund, Money::new(has))));
    }
    let policy = rng.pick(&[
        DeleveragingPolicy::Water,
        DeleveragingPolicy::Water,
        DeleveragingPolicy::Profit,
        DeleveragingPolicy::LeveragedProfit,
    ]);
    let plan_within_ms = if planner == Planner::Venue { 0 } else { 1_000 };
    let terms = Box::new(RiskGroupTerms {
        fund,
        fund_share: Rate::ONE,
        steps_max: 1,
        policy,
        plan_within_ms,
        ..RiskGroupTerms::DEFAULT
    });
    world.apply(Action::SetRiskGroup { group: 0, terms });
    for instrument in [FIRST, HEDGE] {
        world.apply(Action::DefineInstrument { instrument, spec: Box::new(perpetual()) });
        world.apply(Action::index_price(instrument, Price::new(HOME).to_mark()));
    }
    for number in 0..ACCOUNTS {
        world.apply(Action::OpenAccount { account: user(number) });
    }
    let counterparty = user(ACCOUNTS - 1);
    world.apply(Action::Deposit(Transfer::new(counterparty, Money::new(100_000_000))));
    let (mut taken, sides) = (0, (1..ACCOUNTS - 1).collect::<Vec<u32>>());
    for number in sides {
        let lots = rng.within(1, 60);
        let times = rng.within(1, 15);
        world.apply(Action::Deposit(Transfer::new(
            user(number),
            Money::new((lots * HOME).div_euclid(times) + HOME),
        )));
        world.trade(FIRST, (user(number), counterparty), lots, HOME);
        if rng.permille(300) {
            world.trade(HEDGE, (counterparty, user(number)), rng.within(1, lots), HOME);
        }
        taken += lots;
    }
    let lots = rng.within(1, taken);
    world.apply(Action::Deposit(Transfer::new(BANKRUPT, Money::new((lots * HOME).div_euclid(15) + 10))));
    world.trade(FIRST, (counterparty, BANKRUPT), lots, HOME);
    world.said.clear();
    // It falls below maintenance margin, or far below nothing.
    let fall = rng.within(45, 200);
    world.apply(Action::index_price(FIRST, Price::new(HOME - fall).to_mark()));
    world.drain(planner);
    if rng.permille(500) {
        let hedge = HOME - rng.within(0, 200);
        world.apply(Action::index_price(HEDGE, Price::new(hedge).to_mark()));
        world.drain(planner);
    }
    world
}

fn seeds() -> Vec<u64> {
    let given = std::env::var("FULCRUM_SEED").ok().map(|text| text.parse().expect("a number"));
    given.map_or_else(|| (0..WORLDS).collect(), |seed| vec![seed])
}

/// Plays a world for a test; where it goes wrong there, it says how to repeat it.
fn on_every_world(test: &str, mut of: impl FnMut(u64)) {
    for seed in seeds() {
        let went = catch_unwind(AssertUnwindSafe(|| of(seed)));
        let repeat =
            format!("repeat with: FULCRUM_SEED={seed} cargo test -p engine --test deleveraging {test}");
        assert!(went.is_ok(), "{repeat}");
    }
}

#[test]
fn nobody_pays_who_gives_up_nothing_and_nobody_ends_below_zero() {
    let (mut cut, mut hedged, mut lost) = (0_u32, 0_u32, 0_u32);
    on_every_world("nobody_pays", |seed| {
        // The rules are held against every command on the way.
        let world = play(seed, Planner::Venue);
        let ledger = world.venue.ledger();
        let known = ledger.account(BANKRUPT).expect("open");
        assert!(known.state == AccountState::Active && known.balance >= Money::ZERO, "it is over");
        assert!(ledger.position(AccountId::DELEVERAGING, FIRST) == Position::ZERO, "nothing stays on offer");
        assert!(ledger.balance(AccountId::DELEVERAGING, AssetId::BASE) == Money::ZERO, "nor does money");
        cut += u32::try_from(cuts_of(&world.said).count()).expect("few");
        hedged += u32::try_from(cuts_of(&world.said).filter(|cut| cut.open < cut.held).count()).expect("few");
        lost += u32::try_from(cuts_of(&world.said).filter(|cut| lost_by(cut) > 0).count()).expect("few");
    });
    if seeds().len() > 1 {
        assert!(
            cut > 1_000 && hedged > 100 && lost > 100,
            "{cut} cuts, {hedged} of hedged, {lost} at a loss"
        );
    }
}

/// What a holder lost by a cut, against the mark.
fn lost_by(cut: &DeleveragingCut) -> i64 {
    cut.amount.get() - cut.position.get() * cut.mark.floor_price().get()
}

#[test]
fn what_the_holders_lose_is_what_is_missing_less_what_the_fund_adds() {
    let mut rounded = 0;
    on_every_world("what_the_holders_lose", |seed| {
        let world = play(seed, Planner::Venue);
        let (mut offered, mut given_up, mut kept, mut cuts) = (0, 0, 0, 0_i64);
        for event in &world.said {
            if let Event::TakenOver { amount, by: AccountId::DELEVERAGING, .. } = event {
                offered += amount.get();
            } else if let Event::DeleveragingEnded { dust, .. } = event {
                kept += dust.get();
            }
        }
        for cut in cuts_of(&world.said) {
            given_up += cut.amount.get();
            cuts += 1;
        }
        // What the venue bears is the rest of it.
        let ledger = world.venue.ledger();
        let borne: i64 = [FIRST, HEDGE]
            .into_iter()
            .filter_map(|place| ledger.find_leg(AccountId::BAD_DEBT, place))
            .map(|leg| ledger.leg(leg).cost.get())
            .sum();
        let borne = borne - ledger.balance(AccountId::BAD_DEBT, AssetId::BASE).get() - bad_debts(&world.said);
        assert_eq!(offered + kept, given_up + borne, "amounts add up");
        assert!((0..=cuts).contains(&kept), "rounding is below a unit for each cut: {kept} of {cuts}");
        rounded += i64::from(kept > 0);
    });
    assert!(rounded > 0 || seeds().len() == 1, "something is rounded");
}

fn bad_debts(said: &[Event]) -> i64 {
    let booked = said.iter().filter_map(|event| {
        if let Event::BadDebtBooked { amount, .. } = event { Some(amount.get()) } else { None }
    });
    booked.sum()
}

#[test]
fn it_does_not_matter_who_plans_nor_in_how_many_parts() {
    let mut compared = 0;
    on_every_world("it_does_not_matter", |seed| {
        let of = |planner| {
            let world = play(seed, planner);
            let cuts: Vec<DeleveragingCut> = cuts_of(&world.said).collect();
            let ledger = world.venue.ledger();
            let all: Vec<(AccountId, Money, Position)> = ledger
                .accounts()
                .map(|(account, known)| (account, known.balance, ledger.position(account, FIRST)))
                .collect();
            (cuts, all)
        };
        let own = of(Planner::Venue);
        for size in [1, 3, 128] {
            let by_worker = of(Planner::Worker(size));
            assert_eq!(own, by_worker, "in parts of {size}");
        }
        compared += usize::from(own.0.len() > 1);
    });
    assert!(compared > 100 || seeds().len() == 1, "{compared} worlds with several cuts");
}

#[test]
fn a_cut_brings_no_holder_below_the_level_by_more_than_a_lot() {
    let mut levelled = 0;
    on_every_world("a_cut_brings", |seed| {
        let world = play(seed, Planner::Venue);
        let mut level = None;
        let mut call = None;
        for event in &world.said {
            if let Event::DeleveragingAsked(asked) = event {
                call = Some(*asked);
            } else if let Event::DeleveragingPlanned(plan) = event {
                level = plan.level;
            } else if let (Event::Deleveraged(cut), Some((over, under)), Some(call)) = (event, level, call) {
                if over == 0 {
                    continue;
                }
                // After it: open lots less the cut, equity less the haircut, a lot more would be below the level.
                let lots = i128::from(cut.position.size().get());
                let (value, haircut) = (i128::from(call.value.get()), i128::from(call.haircut.get()));
                let left = (i128::from(cut.open) - lots + 1) * value;
                let equity = i128::from(cut.equity.get()) - (lots - 1) * haircut;
                assert!(left * under >= over * equity, "cut too far at {over}/{under}: {cut:?}");
                levelled += 1;
            }
        }
    });
    assert!(levelled > 100 || seeds().len() == 1, "{levelled} cuts to a level");
}
