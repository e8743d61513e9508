//! Reservations and settlements of an instrument whose values are rounded: a price has a decimal more than money.

use risk::{
    AccountId, Capacity, FeeRate, InstrumentId, InstrumentSpec, Ledger, LegId, Mark, Money, OrderSlot,
    Position, Price, Qty, Rate, Requirement, Side, Tier, Weight,
};

const ROUNDED: InstrumentId = InstrumentId::new(0);
const BUYER: AccountId = AccountId::new(16);
const SELLER: AccountId = AccountId::new(17);
const THIRD: AccountId = AccountId::new(18);

fn ledger() -> (Ledger, [LegId; 3]) {
    let tier = |rate| vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }];
    let spec = InstrumentSpec {
        symbol: *b"ROUNDED\0\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 0,
        money_decimals: 0,
        multiplier: 1,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(10_000),
        order_qty_max: Qty::new(1_000),
        position_max: Qty::new(1_000),
        open_interest_max: Qty::new(1_000),
        price_band: Rate::new(100_000_000),
        market_collar: Rate::new(100_000_000),
        mark_step_max: Rate::new(100_000_000),
        maker_fee: FeeRate::new(1_000_000),
        taker_fee: Rate::new(2_000_000),
        liquidation_fee: Rate::new(0),
        initial_tiers: tier(100_000_000),
        maintenance_tiers: tier(50_000_000),
        contract: risk::ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: risk::PricingTerms::DIRECT,
        funding: risk::FundingTerms::NONE,
    };
    let mut ledger = Ledger::new(Capacity { accounts: 32, legs: 8, orders: 8 });
    ledger.define(spec.compile().expect("a sound specification"));
    ledger.set_index(ROUNDED, Price::new(1_000).to_mark());
    for account in [BUYER, SELLER, THIRD] {
        ledger.open_account(account);
        ledger.transfer(account, risk::AssetId::BASE, Money::new(100_000));
    }
    let legs = [BUYER, SELLER, THIRD].map(|account| ledger.leg_for(account, ROUNDED));
    (ledger, legs)
}

/// Ten contracts at 100.5 are worth 1,005, but one is worth 100.
#[test]
fn fees_of_an_order_are_those_of_what_remains_of_it() {
    let (mut ledger, [leg, ..]) = ledger();
    let slot = OrderSlot::new(0);
    ledger.reserve(slot, leg, Side::Buy, Price::new(1_005), Qty::new(10), Weight::Full);
    ledger.begin_resting(slot);
    let rate = Rate::new(2_000_000);
    assert_eq!(ledger.leg(leg).fees_reserved, rate.of(Money::new(1_005)));
    for (left, value) in (0..10).rev().zip([904, 804, 703, 603, 502, 402, 301, 201, 100, 0]) {
        ledger.reduce_reservation(slot, Qty::new(1));
        assert_eq!(ledger.leg(leg).fees_reserved, rate.of(Money::new(value)), "{left} left");
    }
    ledger.release(slot);
    assert_eq!(ledger.leg(leg).fees_reserved, Requirement::ZERO);
}

#[test]
fn both_sides_of_an_auction_pay_the_maker_fee() {
    let (mut ledger, [buyer, seller, _]) = ledger();
    let settlement = ledger.settle_auction(buyer, seller, Price::new(1_000), Qty::new(60));
    let paid = (settlement.value, settlement.taker_fee, settlement.maker_fee);
    assert_eq!(paid, (Money::new(6_000), Money::new(6), Money::new(6)));
    let balance = |account| ledger.account(account).expect("open").balance.get();
    assert_eq!([BUYER, SELLER, AccountId::FEES].map(balance), [99_994, 99_994, 12]);
    ledger.assert_conserved();
    assert_eq!(ledger.open_interest(ROUNDED), Qty::new(60));
}

/// Each account gets its value rounded down; what that leaves is the dust account's.
#[test]
fn a_settlement_leaves_the_rounding_to_the_dust_account() {
    let (mut ledger, [buyer, seller, third]) = ledger();
    ledger.settle_auction(buyer, seller, Price::new(1_000), Qty::new(3));
    ledger.settle_auction(third, seller, Price::new(1_000), Qty::new(4));
    let dust = ledger.leg_for(AccountId::DUST, ROUNDED);
    // At 101.0999: 3 are worth 303.29.., 4 are worth 404.39.., 7 are worth 707.69..
    let price = Mark::new((1_010 << 10) + 1_023);
    let amounts = [buyer, seller, third].map(|leg| {
        let amount = ledger.settle_position(leg, dust, price);
        ledger.assert_conserved();
        amount.get()
    });
    assert_eq!(amounts, [303, -708, 404]);
    assert_eq!(ledger.leg(dust).position, Position::ZERO);
    assert_eq!(ledger.account(AccountId::DUST).expect("open").balance, Money::new(1));
    assert_eq!(ledger.open_interest(ROUNDED), Qty::ZERO);
    for leg in [buyer, seller, third, dust] {
        ledger.drop_leg(leg);
    }
    ledger.check();
}
