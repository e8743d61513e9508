//! Several candidates admitted together are admitted as the orders they would become, and money pays for whole lots.

use risk::{
    AccountId, Candidate, Capacity, FeeRate, InstrumentId, InstrumentSpec, Ledger, Leverage, Money,
    OrderSlot, Price, Qty, Rate, Side, Tier, Weight,
};

const USER: AccountId = AccountId::new(16);
const INSTRUMENTS: u32 = 2;

/// Value is price times quantity over ten, so that single orders round.
fn spec() -> InstrumentSpec {
    let tiers = |rates: [u32; 2]| {
        let floors = [0, 5_000];
        floors
            .into_iter()
            .zip(rates)
            .map(|(floor, rate)| Tier { floor: Money::new(floor), rate: Rate::new(rate) })
    };
    InstrumentSpec {
        symbol: *b"TOGETHER\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(100_000),
        order_qty_max: Qty::new(1_000),
        position_max: Qty::new(10_000),
        open_interest_max: Qty::new(100_000),
        price_band: Rate::new(500_000_000),
        market_collar: Rate::new(500_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(1_234_567),
        liquidation_fee: Rate::new(0),
        initial_tiers: tiers([100_000_000, 200_000_000]).collect(),
        maintenance_tiers: tiers([50_000_000, 100_000_000]).collect(),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    }
}

/// An account with this much money, and nothing else.
fn ledger(money: i64) -> Ledger {
    let mut ledger = Ledger::new(Capacity { accounts: 32, legs: 64, orders: 64 });
    ledger.open_account(USER);
    for instrument in 0..INSTRUMENTS {
        ledger.define(spec().compile().expect("a sound specification"));
        ledger.set_index(InstrumentId::new(instrument), Price::new(1_000).to_mark());
    }
    ledger.transfer(USER, risk::AssetId::BASE, Money::new(money));
    ledger
}

/// A pseudo-random number below a bound (`splitmix64`).
fn below(state: &mut u64, bound: u64) -> i64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    i64::try_from((mixed ^ (mixed >> 31)) % bound).expect("small")
}

fn candidate(state: &mut u64) -> Candidate {
    Candidate {
        account: USER,
        instrument: InstrumentId::new(u32::try_from(below(state, u64::from(INSTRUMENTS))).expect("few")),
        leg: None,
        side: if below(state, 2) == 0 { Side::Buy } else { Side::Sell },
        price: Price::new(900 + below(state, 200)),
        qty: Qty::new(1 + below(state, 60)),
        reduce_only: false,
        replaces: None,
    }
}

/// Initial margin of the account once all of these are its orders, in money units rounded up.
fn required(candidates: &[Candidate]) -> Money {
    let mut ledger = ledger(1_000_000);
    for (slot, one) in (0..).map(OrderSlot::new).zip(candidates) {
        let leg = ledger.leg_for(USER, one.instrument);
        ledger.reserve(slot, leg, one.side, one.price, one.qty, Weight::Full);
        ledger.begin_resting(slot);
    }
    ledger.check();
    ledger.assess(USER).initial.ceil()
}

#[test]
fn candidates_are_admitted_together_as_the_orders_they_become() {
    let mut state = 7;
    for round in 0..2_000 {
        let candidates: Vec<Candidate> = (0..=below(&mut state, 16)).map(|_| candidate(&mut state)).collect();
        let needed = required(&candidates);
        let short = Money::new(1);
        assert_eq!(ledger(needed.get()).admit_all(USER, &candidates), Ok(()), "round {round}");
        let refused =
            ledger((needed - short).get()).admit_all(USER, &candidates).expect_err("one unit is missing");
        assert_eq!(refused.0, short, "round {round}");
    }
}

#[test]
fn one_candidate_alone_is_admitted_as_by_itself() {
    let mut state = 11;
    for _ in 0..500 {
        let one = candidate(&mut state);
        for money in [0, required(&[one]).get() - 1, required(&[one]).get()] {
            let (mut alone, mut together) = (ledger(money), ledger(money));
            let prospect = alone.prospect(&one);
            assert_eq!(alone.admit(&prospect), together.admit_all(USER, &[one]));
        }
    }
}

#[test]
fn what_raises_nothing_over_all_instruments_is_admitted_without_margin() {
    // 10 bought in one instrument, the account then left with less than they require.
    let mut ledger = ledger(150);
    let seller = AccountId::new(17);
    ledger.open_account(seller);
    let (leg, other) =
        (ledger.leg_for(USER, InstrumentId::new(0)), ledger.leg_for(seller, InstrumentId::new(0)));
    ledger.settle_trade(leg, other, Side::Buy, Price::new(1_000), Qty::new(10));
    ledger.set_index(InstrumentId::new(0), Price::new(900).to_mark());
    let close = Candidate {
        account: USER,
        instrument: InstrumentId::new(0),
        leg: Some(leg),
        side: Side::Sell,
        price: Price::new(900),
        qty: Qty::new(10),
        reduce_only: true,
        replaces: None,
    };
    let open = Candidate { leg: None, instrument: InstrumentId::new(1), reduce_only: false, ..close };
    assert_eq!(ledger.admit_all(USER, &[close]), Ok(()));
    assert!(ledger.admit_all(USER, &[close, open]).is_err(), "closing one does not pay for opening another");
    assert_eq!(ledger.admit_all(USER, &[]), Ok(()));
    assert!(ledger.leg(leg).leverage == Leverage::default());
}

#[test]
fn money_pays_for_what_its_notional_does_not_exceed() {
    let instrument = spec().compile().expect("a sound specification");
    let mut state = 3;
    for _ in 0..20_000 {
        let (money, price) = (below(&mut state, 100_000), 1 + below(&mut state, 100_000));
        let qty = instrument.payable(Money::new(money), Price::new(price));
        let costs = |qty: i64| instrument.notional(Qty::new(qty), Price::new(price).to_mark()).get();
        assert!(
            costs(qty.get()) <= money && costs(qty.get() + 1) > money,
            "{money} at {price} pays for {qty}"
        );
    }
}
