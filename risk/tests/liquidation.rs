//! Liquidation prices, triggers and bankruptcy amounts against the definitions they invert, on random accounts.
//!
//! A failure prints the seed; `FULCRUM_SEED=... cargo test -p risk --test liquidation` repeats it.

#![expect(clippy::print_stdout, reason = "a failure says how to repeat it")]

use risk::{
    AccountId, Assessment, Capacity, FeeRate, InstrumentId, InstrumentSpec, Ledger, LegId, Level, Mark,
    Money, Position, Price, Qty, Rate, Requirement, Tier,
};

const USER: AccountId = AccountId::new(16);
const OTHER: AccountId = AccountId::new(17);
const PRICE_MAX: i64 = 1_000_000;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low + 1).expect("low is below high");
        low + i64::try_from(self.next() % span).expect("within the span")
    }
}

fn tiers(random: &mut Random, factor: i64) -> Vec<Tier> {
    let mut rate = 4_000_000;
    let mut floor = 0;
    let mut tiers = Vec::new();
    for _ in 0..random.between(1, 6) {
        let row = Tier {
            floor: Money::new(floor),
            rate: Rate::new(u32::try_from(rate * factor).expect("below 100 %")),
        };
        tiers.push(row);
        floor += random.between(1_000_000, 40_000_000_000);
        rate += random.between(0, 30_000_000);
    }
    tiers
}

fn spec(random: &mut Random) -> InstrumentSpec {
    let maintenance_tiers = tiers(random, 1);
    let double = |tier: &Tier| Tier { rate: Rate::new(tier.rate.get() * 2), ..*tier };
    InstrumentSpec {
        symbol: [b'X'; 16],
        price_decimals: 2,
        qty_decimals: 3,
        // Sometimes values are not whole money units at the mark, sometimes not even at the tick.
        money_decimals: u8::try_from(random.between(4, 6)).expect("small"),
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(PRICE_MAX),
        order_qty_max: Qty::new(1_000_000),
        position_max: Qty::new(1_000_000),
        open_interest_max: Qty::new(10_000_000),
        price_band: Rate::new(100_000_000),
        market_collar: Rate::new(100_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: maintenance_tiers.iter().map(double).collect(),
        maintenance_tiers,
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// A ledger in which `USER` holds a random position in each instrument against `OTHER`.
fn ledger(random: &mut Random, instruments: u32) -> Ledger {
    let mut ledger = Ledger::new(Capacity { accounts: 32, legs: 64, orders: 0 });
    ledger.open_account(USER);
    ledger.open_account(OTHER);
    let mut exposure = 0;
    for number in 0..instruments {
        let instrument = InstrumentId::new(number);
        ledger.define(spec(random).compile().expect("a sound specification"));
        let mark = Mark::new(random.between(100_000, 800_000) * 1_024 + random.between(0, 1_023));
        ledger.set_index(instrument, mark);
        let size = random.between(1, 200_000) * if random.next().is_multiple_of(2) { 1 } else { -1 };
        let (from, to) = (ledger.leg_for(OTHER, instrument), ledger.leg_for(USER, instrument));
        let value = ledger.instrument(instrument).position_value(Position::new(size), mark);
        ledger.transfer_position(from, to, Position::new(size), value);
        ledger.assert_conserved();
        exposure += value.get().abs();
    }
    let balance = exposure.div_euclid(random.between(2, 80)) + random.between(1, 1_000);
    ledger.transfer(USER, risk::AssetId::BASE, Money::new(balance));
    ledger.check();
    ledger
}

fn slack_at(ledger: &mut Ledger, instrument: InstrumentId, mark: Mark) -> Requirement {
    let before = ledger.instrument(instrument).mark.expect("has a mark");
    move_to(ledger, instrument, mark);
    let now = ledger.assess(USER);
    move_to(ledger, instrument, before);
    Requirement::of_money(now.equity) - now.maintenance
}

/// The mark follows an index by half per step at most.
fn move_to(ledger: &mut Ledger, instrument: InstrumentId, mark: Mark) {
    while ledger.set_index(instrument, mark) != mark {}
}

fn user_leg(ledger: &Ledger, instrument: InstrumentId) -> LegId {
    ledger.find_leg(USER, instrument).expect("holds a position")
}

fn for_random_seeds(test: impl Fn(&mut Random)) {
    let from_environment = std::env::var("FULCRUM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds: Vec<u64> = from_environment.map_or_else(|| (0..400).collect(), |seed| vec![seed]);
    for seed in seeds {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&mut Random(seed))));
        if let Err(panic) = result {
            println!("repeat: FULCRUM_SEED={seed} cargo test -p risk --test liquidation");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn liquidation_mark_is_where_slack_runs_out() {
    for_random_seeds(|random| {
        let instruments = u32::try_from(random.between(1, 4)).expect("small");
        let mut ledger = ledger(random, instruments);
        if ledger.assess(USER).is_below_maintenance() {
            return;
        }
        for number in 0..instruments {
            let instrument = InstrumentId::new(number);
            let leg = user_leg(&ledger, instrument);
            let Some(mark) = ledger.liquidation_mark(USER, leg) else { continue };
            if mark >= Price::new(PRICE_MAX).to_mark() {
                continue;
            }
            // Rounding of value and notional is worth at most two units, on either side.
            let two_units = Requirement::of_money(Money::new(2));
            assert!(
                slack_at(&mut ledger, instrument, mark) >= Requirement::ZERO - two_units,
                "shown too late"
            );
            let worse = if ledger.leg(leg).position.get() > 0 { -1 } else { 1 };
            let per_sub_unit = Money::new(4 + ledger.leg(leg).position.get().abs().div_euclid(10));
            let beyond = Mark::new(mark.get() + worse);
            assert!(
                slack_at(&mut ledger, instrument, beyond) <= Requirement::of_money(per_sub_unit),
                "too early"
            );
        }
    });
}

#[test]
fn safety_stays_above_the_floor_on_the_safe_side_of_a_trigger() {
    for_random_seeds(|random| {
        let ledger = ledger(random, 1);
        let instrument = InstrumentId::new(0);
        let leg = *ledger.leg(user_leg(&ledger, instrument));
        let mark = ledger.instrument(instrument).mark.expect("has a mark");
        let level = if random.between(0, 1) == 0 { Level::Maintenance } else { Level::Warning };
        let share = random.between(1, leg.cost.get().abs().div_euclid(3) + 1);
        let floor = ledger.safety(&leg, mark, level) - Requirement::of_money(Money::new(share));
        let Some(trigger) = ledger.trigger(&leg, floor, level) else { return };
        let long = leg.position.get() > 0;
        for _ in 0..200 {
            let distance = random.between(0, mark.get());
            let near = random.between(0, 2_048);
            for offset in [0, 1, near, distance] {
                let probe = trigger.get() + if long { offset } else { -offset };
                if probe > 0 {
                    assert!(ledger.safety(&leg, Mark::new(probe), level) >= floor, "floor broken at {probe}");
                }
            }
        }
        let far = Mark::new((trigger.get() + if long { -2_048 } else { 2_048 }).max(1));
        let unit = Requirement::of_money(Money::new(5));
        assert!(ledger.safety(&leg, far, level) < floor + unit, "the trigger is not needlessly early");
    });
}

#[test]
fn closing_every_leg_at_its_bankruptcy_amount_ends_at_zero() {
    for_random_seeds(|random| {
        let instruments = u32::try_from(random.between(1, 4)).expect("small");
        let mut ledger = ledger(random, instruments);
        // Also accounts that are under water.
        let drain = ledger.assess(USER).equity.get() + random.between(-1_000, 1_000_000);
        ledger.transfer(USER, risk::AssetId::BASE, Money::new(-drain));
        let mut closings = 0;
        while let Some(leg_id) = ledger.leg_to_reduce(USER, |_| true, |_| Some(Rate::new(0))) {
            let leg = *ledger.leg(leg_id);
            let size = leg.position.size();
            let lot = ledger.instrument(leg.instrument).spec.lot.get();
            let lots = random.between(1, size.get().div_euclid(lot));
            let qty = if random.between(0, 2) == 0 { Qty::new(lots * lot) } else { size };
            let before = ledger.assess(USER);
            let amount = ledger.bankruptcy_amount_of(leg_id, qty);
            if let Some(price) = ledger.closing_price(leg_id, qty, amount) {
                let value = ledger.instrument(leg.instrument).size_of_value(qty, price);
                let received = if leg.position.get() > 0 { value } else { -value };
                assert!(received >= amount || price == Price::new(1), "the price yields at least the amount");
            }
            let other = ledger.leg_for(AccountId::DELEVERAGING, leg.instrument);
            let part = if leg.position.get() > 0 { qty.get() } else { -qty.get() };
            ledger.transfer_position(leg_id, other, Position::new(part), amount);
            ledger.assert_conserved();
            let after = ledger.assess(USER);
            // Maintenance margin is rounded up leg by leg, which a unit for each leg is the most that it moves.
            let ratio = |one: &Assessment, other: &Assessment, slack: i64| {
                i128::from(one.equity.get() + slack) * other.maintenance.ppb()
            };
            if before.equity >= Money::ZERO {
                let slack = 2 + i64::from(instruments);
                assert!(
                    ratio(&after, &before, slack) >= ratio(&before, &after, 0),
                    "no worse: {before:?} {after:?}"
                );
            }
            closings += 1;
        }
        let left = ledger.account(USER).expect("open").balance.get();
        assert!((0..=closings).contains(&left), "ends at zero, rounding in its favour: {left}");
    });
}
