//! A worked account: what each query answers, by hand.
//!
//! One money unit is a millionth. 2 contracts bought at 50,000.00 with 10,000 deposited, marked 49,000.00.

use risk::{
    AccountId, Capacity, FeeRate, InstrumentId, InstrumentSpec, Ledger, LegId, Leverage, Money, Price, Qty,
    Rate, Ratio, Requirement, Side, Tier,
};

const MILLION: i64 = 1_000_000;
const USER: AccountId = AccountId::new(16);
const OTHER: AccountId = AccountId::new(17);
const PERPETUAL: InstrumentId = InstrumentId::new(0);

fn tier(floor: i64, per_mille: u32) -> Tier {
    Tier { floor: Money::new(floor * MILLION), rate: Rate::new(per_mille * 1_000_000) }
}

fn spec() -> InstrumentSpec {
    InstrumentSpec {
        symbol: *b"BTC-PERP\0\0\0\0\0\0\0\0",
        price_decimals: 2,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(10),
        lot: Qty::new(1),
        price_max: Price::new(100_000_000),
        order_qty_max: Qty::new(100_000),
        position_max: Qty::new(1_000_000),
        open_interest_max: Qty::new(10_000_000),
        price_band: Rate::new(100_000_000),
        market_collar: Rate::new(50_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(0),
        initial_tiers: vec![tier(0, 20), tier(50_000, 50)],
        maintenance_tiers: vec![tier(0, 10), tier(50_000, 25)],
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

fn ledger() -> (Ledger, LegId) {
    let mut ledger = Ledger::new(Capacity { accounts: 32, legs: 64, orders: 16 });
    ledger.open_account(USER);
    ledger.open_account(OTHER);
    ledger.define(spec().compile().expect("a sound specification"));
    ledger.set_index(PERPETUAL, Price::new(4_900_000).to_mark());
    ledger.transfer(USER, risk::AssetId::BASE, Money::new(10_000 * MILLION));
    let (user, other) = (ledger.leg_for(USER, PERPETUAL), ledger.leg_for(OTHER, PERPETUAL));
    ledger.settle_trade(user, other, Side::Buy, Price::new(5_000_000), Qty::new(2_000));
    (ledger, user)
}

#[test]
fn an_account_is_worth_and_requires_what_the_formulas_say() {
    let (ledger, leg) = ledger();
    let now = ledger.assess(USER);
    // 10,000 - 2 x 1,000.
    assert_eq!(now.equity, Money::new(8_000 * MILLION));
    assert_eq!(now.exposure, Money::new(98_000 * MILLION));
    // 98,000 x 2.5 % - 50,000 x (2.5 % - 1 %).
    assert_eq!(now.maintenance, Requirement::of_money(Money::new(1_700 * MILLION)));
    // 98,000 x 5 % - 50,000 x (5 % - 2 %).
    assert_eq!(now.initial, Requirement::of_money(Money::new(3_400 * MILLION)));
    assert_eq!(now.free_margin(), Money::new(4_600 * MILLION));
    assert!(!now.is_below_maintenance());

    let whole = |money: i64| Requirement::of_money(Money::new(money * MILLION));
    assert_eq!(now.leverage(), Ratio::new(whole(98_000), Money::new(8_000 * MILLION)), "12.25 x");
    assert_eq!(now.leverage().and_then(Ratio::to_fixed).expect("fits"), 12.25);
    assert_eq!(now.margin_ratio(), Ratio::new(whole(1_700), Money::new(8_000 * MILLION)), "21.25 %");

    // 2p x 97.5 % + 750 = 100,000 - 10,000: p = 45,769.2307..., shown rounded up to the mark's sub-unit.
    let mark = ledger.liquidation_mark(USER, leg).expect("can be liquidated");
    assert_eq!(mark.get(), (4_576_923 * 1_024) + 79);
}

#[test]
fn leverage_moves_initial_margin_only() {
    let (mut ledger, leg) = ledger();
    let before = ledger.assess(USER);
    assert_eq!(
        ledger.admit_leverage(USER, PERPETUAL, Leverage::new(2_000)),
        Ok(()),
        "5 % of 98,000 is covered"
    );
    assert!(ledger.admit_leverage(USER, PERPETUAL, Leverage::new(1_000)).is_err(), "10 % is not");
    ledger.set_leverage(leg, Leverage::new(2_000));
    let after = ledger.assess(USER);
    assert_eq!(after.initial, Requirement::of_money(Money::new(4_900 * MILLION)));
    assert_eq!((after.maintenance, after.equity), (before.maintenance, before.equity));
}

#[test]
fn profit_cannot_be_withdrawn_and_a_tenth_of_exposure_stays() {
    let (mut ledger, _) = ledger();
    assert_eq!(ledger.withdrawable(USER, risk::AssetId::BASE), Money::ZERO, "8,000 less 9,800");
    ledger.set_index(PERPETUAL, Price::new(5_500_000).to_mark());
    let now = ledger.assess(USER);
    assert_eq!(now.equity, Money::new(20_000 * MILLION));
    assert_eq!(
        ledger.withdrawable(USER, risk::AssetId::BASE),
        Money::ZERO,
        "10,000 less 11,000, profit not counted"
    );
    ledger.transfer(USER, risk::AssetId::BASE, Money::new(2_000 * MILLION));
    assert_eq!(ledger.withdrawable(USER, risk::AssetId::BASE), Money::new(1_000 * MILLION));
}
