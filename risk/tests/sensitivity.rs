//! Sensitivities and distances beside the formulas they stand for, worked by hand, for a linear account and for one that
//! holds coins and trades inverse contracts.

use risk::normal::SIGMAS_SHIFT;
use risk::{
    AccountId, AssetId, AssetSpec, Capacity, ContractKind, ContractTerms, DebtTerms, FeeRate, Horizon,
    InstrumentId, InstrumentSpec, Ledger, Level, Money, Price, Prices, Qty, Rate, Requirement, Side, Slice,
    Tier, UnderlyingId,
};

const MILLION: i64 = 1_000_000;
const USER: AccountId = AccountId::new(16);
const OTHER: AccountId = AccountId::new(17);
const PERPETUAL: InstrumentId = InstrumentId::new(0);
const INVERSE: InstrumentId = InstrumentId::new(1);
const COIN: AssetId = AssetId::new(1);
const SECOND_NS: u64 = 1_000_000_000;
const HOUR: Horizon = Horizon { now_ns: 0, length_ns: 3_600 * SECOND_NS };

/// Prices in cents, thousandths of a contract, millionths of money; 1 % of maintenance margin.
fn linear() -> InstrumentSpec {
    let tier = |rate| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
    InstrumentSpec {
        symbol: [b'L'; 16],
        price_decimals: 2,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(10),
        lot: Qty::new(1),
        price_max: Price::new(100_000_000),
        order_qty_max: Qty::new(100_000),
        position_max: Qty::new(1_000_000),
        open_interest_max: Qty::new(1_000_000),
        price_band: Rate::new(100_000_000),
        market_collar: Rate::new(50_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: tier(20_000_000),
        maintenance_tiers: tier(10_000_000),
        contract: ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// One dollar a contract, settled in 1e-8 of a coin.
fn inverse() -> InstrumentSpec {
    InstrumentSpec {
        symbol: [b'I'; 16],
        qty_decimals: 0,
        money_decimals: 8,
        order_qty_max: Qty::new(1_000_000),
        position_max: Qty::new(1_000_000),
        open_interest_max: Qty::new(1_000_000),
        contract: ContractTerms { kind: ContractKind::Inverse, settlement: COIN, ..linear().contract },
        ..linear()
    }
}

fn coin(weight: u32) -> AssetSpec {
    AssetSpec {
        symbol: [b'X'; 16],
        decimals: 8,
        priced_by: PERPETUAL,
        weights: vec![Slice { cap: Money::new(1 << 50), weight: Rate::new(weight) }],
        liability_weight: Rate::ONE,
        wrong_way: Rate::new(0),
        full_weight_total: Money::ZERO,
        deposit_max: Money::new(1 << 50),
        conversion_haircut: Rate::new(0),
        debt: DebtTerms::FREE,
        spend_rank: 1,
    }
}

/// Both instruments at 50,000.00, nobody has anything.
fn ledger(weight: u32) -> Ledger {
    let mut ledger = Ledger::new(Capacity { accounts: 32, legs: 64, orders: 16 });
    ledger.open_account(USER);
    ledger.open_account(OTHER);
    ledger.define(linear().compile().expect("sound"));
    ledger.set_index(PERPETUAL, Price::new(5_000_000).to_mark());
    let asset = coin(weight).compile(ledger.instrument(PERPETUAL)).expect("sound");
    ledger.define_asset(asset);
    ledger.define(inverse().compile().expect("sound"));
    ledger.set_index(INVERSE, Price::new(5_000_000).to_mark());
    ledger
}

fn trade(ledger: &mut Ledger, instrument: InstrumentId, side: Side, qty: i64) {
    let (user, other) = (ledger.leg_for(USER, instrument), ledger.leg_for(OTHER, instrument));
    ledger.settle_trade(user, other, side, Price::new(5_000_000), Qty::new(qty));
    ledger.assert_conserved();
}

#[test]
fn a_linear_position_answers_by_its_size() {
    let mut ledger = ledger(1_000_000_000);
    ledger.transfer(USER, AssetId::BASE, Money::new(10_000 * MILLION));
    trade(&mut ledger, PERPETUAL, Side::Buy, 2_000);
    let found = ledger.sensitivities(USER, HOUR);
    let [one] = found.as_slice() else { panic!("one underlying: {found:?}") };
    assert_eq!((one.underlying, one.instrument), (UnderlyingId::new(0), PERPETUAL));
    assert_eq!(one.delta, Money::new(1_000 * MILLION), "1 % of 100,000");
    assert_eq!(one.unit_delta, Money::new(2 * MILLION), "two contracts");
    assert_eq!(one.gamma, Money::ZERO);
    // 2p x 99 % = 100,000 - 10,000: p = 45,454.545..., a fall of 9.0909 %.
    let fall = one.fall.expect("it can fall");
    assert_eq!(fall.rate, -90_909_090);
    assert_eq!((fall.sigmas, fall.probability), (None, None), "nothing has moved yet");
    assert_eq!(one.rise, None, "no rise liquidates a long");

    let legs = ledger.leg_distances(USER, HOUR);
    let distance = legs[0].distance.expect("it can be liquidated");
    assert!((fall.rate - distance.rate).abs() <= 1, "alone in its underlying, the two are one");
}

#[test]
fn a_short_is_liquidated_by_a_rise() {
    let mut ledger = ledger(1_000_000_000);
    ledger.transfer(USER, AssetId::BASE, Money::new(10_000 * MILLION));
    trade(&mut ledger, PERPETUAL, Side::Sell, 2_000);
    let one = ledger.sensitivities(USER, HOUR)[0];
    assert_eq!((one.delta, one.unit_delta), (Money::new(-1_000 * MILLION), Money::new(-2 * MILLION)));
    assert_eq!(one.fall, None);
    // 2p x 101 % = 110,000: p = 54,455.4455..., a rise of 8.9108 %.
    assert_eq!(one.rise.expect("it can rise").rate, 89_108_910);
}

#[test]
fn coins_and_inverse_contracts_are_counted() {
    // Two coins at 95 %: half of them hedged by 50,000 contracts of one dollar sold short.
    let mut ledger = ledger(950_000_000);
    ledger.transfer(USER, COIN, Money::new(200 * MILLION));
    trade(&mut ledger, INVERSE, Side::Sell, 50_000);
    let one = ledger.sensitivities(USER, HOUR)[0];
    // A short gains `K x (1/p - 1/entry)` coins, worth `K - K p/entry` dollars: of two coins one is left to move with the
    // price, 950 dollars a coin and per cent with the weight counted.
    assert_eq!(one.instrument, INVERSE, "where it has a position");
    let whole = 95_000 * MILLION;
    let expected = Money::new(whole.div_euclid(200));
    // A hundred-millionth of a coin is 500 units of money, and each value rounds to one.
    assert!((one.delta - expected).get().abs() <= 500, "{:?}", one.delta);
    assert!(one.gamma.get().abs() <= 2_000, "both together are straight: {:?}", one.gamma);

    // Where coins count for less the more there are, equity is concave.
    let mut sliced = ledger_with_slices();
    sliced.transfer(USER, COIN, Money::new(200 * MILLION));
    assert!(sliced.sensitivities(USER, HOUR)[0].gamma < Money::ZERO);
}

fn ledger_with_slices() -> Ledger {
    let mut ledger = ledger(950_000_000);
    let slice = |cap: i64, weight| Slice { cap: Money::new(cap * MILLION), weight: Rate::new(weight) };
    let spec =
        AssetSpec { weights: vec![slice(100_000, 950_000_000), slice(1_000_000, 500_000_000)], ..coin(0) };
    let asset = spec.compile(ledger.instrument(PERPETUAL)).expect("sound");
    // The second asset takes the place of the first in what follows.
    ledger.define_asset(asset);
    let second = AssetId::new(2);
    ledger.transfer(USER, second, Money::new(200 * MILLION));
    ledger
}

#[test]
fn hedged_prices_are_far_from_liquidation_together_and_near_alone() {
    let mut ledger = ledger(1_000_000_000);
    ledger.transfer(USER, AssetId::BASE, Money::new(5_000 * MILLION));
    ledger.transfer(USER, COIN, Money::new(100 * MILLION));
    trade(&mut ledger, PERPETUAL, Side::Buy, 2_000);
    trade(&mut ledger, INVERSE, Side::Sell, 100_000);
    let one = ledger.sensitivities(USER, HOUR)[0];
    for distance in ledger.leg_distances(USER, HOUR) {
        let alone = distance.distance.expect("alone each can liquidate").rate.abs();
        let together = one.fall.map_or(i64::MAX, |fall| fall.rate.abs());
        assert!(together > alone, "{together} {alone}");
    }
}

#[test]
fn what_is_found_is_the_edge() {
    let mut ledger = ledger(900_000_000);
    ledger.transfer(USER, AssetId::BASE, Money::new(1_000 * MILLION));
    ledger.transfer(USER, COIN, Money::new(50 * MILLION));
    trade(&mut ledger, INVERSE, Side::Buy, 80_000);
    trade(&mut ledger, PERPETUAL, Side::Buy, 500);
    let one = ledger.sensitivities(USER, HOUR)[0];
    let edge = one.fall.expect("a long falls").rate;
    let mut moved = |rate: i64| {
        for instrument in [PERPETUAL, INVERSE] {
            let mark = Price::new(5_000_000).to_mark();
            let prices = Prices { index: mark, mark, stable: None };
            ledger.set_prices(instrument, prices.moved_by(rate, ledger.highest_mark(instrument)));
        }
        ledger.slack(USER, Level::Maintenance) >= Requirement::ZERO
    };
    assert!(moved(edge) && !moved(edge - 1), "{edge}");
}

#[test]
fn distances_count_in_standard_deviations_of_the_mark() {
    let mut ledger = ledger(1_000_000_000);
    ledger.transfer(USER, AssetId::BASE, Money::new(10_000 * MILLION));
    trade(&mut ledger, PERPETUAL, Side::Buy, 2_000);
    // Up and down by 0.01 % a second for an hour.
    let mut now = SECOND_NS;
    for second in 0..3_600 {
        let price = if second % 2 == 0 { 5_000_000 } else { 5_000_500 };
        ledger.set_index(PERPETUAL, Price::new(price).to_mark());
        ledger.observe_mark(PERPETUAL, now);
        now += SECOND_NS;
    }
    ledger.set_index(PERPETUAL, Price::new(5_000_000).to_mark());
    let horizon = Horizon { now_ns: now - SECOND_NS, length_ns: 3_600 * SECOND_NS };
    let one = ledger.sensitivities(USER, horizon)[0];
    // The root of 3,600 seconds is 60, and the fast average has seen six half-lives.
    assert!((590_000..=6_000_000).contains(&one.sigma) && one.sigma > 5_900_000, "{}", one.sigma);
    let fall = one.fall.expect("it can fall");
    let sigmas = fall.sigmas.expect("it has moved") >> SIGMAS_SHIFT;
    assert_eq!(sigmas, 15, "9.09 % over 0.6 %");
    assert_eq!(fall.probability, Some(1), "rounded up from nothing");
    let leg = ledger.leg_distances(USER, horizon)[0];
    assert_eq!(leg.sigma, one.sigma);
    // Over a day one is 2.9 %.
    let day = Horizon { length_ns: 86_400 * SECOND_NS, ..horizon };
    let probability = ledger.leg_distances(USER, day)[0].distance.and_then(|distance| distance.probability);
    assert!(
        probability.is_some_and(|probability| (1_000_000..=3_000_000).contains(&probability)),
        "{probability:?}"
    );
}

#[test]
fn whoever_is_below_already_is_at_no_distance() {
    let mut ledger = ledger(1_000_000_000);
    ledger.transfer(USER, AssetId::BASE, Money::new(10_000 * MILLION));
    trade(&mut ledger, PERPETUAL, Side::Buy, 2_000);
    ledger.set_index(PERPETUAL, Price::new(4_500_000).to_mark());
    let distance = ledger.leg_distances(USER, HOUR)[0].distance.expect("none is a distance");
    assert_eq!((distance.rate, distance.probability), (0, Some(1_000_000_000)));
    assert_eq!(ledger.sensitivities(USER, HOUR)[0].fall.map(|fall| fall.rate), Some(0));
}
