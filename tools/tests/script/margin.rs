//! Margin beyond one asset and one account: collateral, debts, an inverse contract, an index of several sources, funding,
//! isolated positions, transfers, fee tiers, margin that changes.
//!
//! Invariant: it trades in instruments of its own but for the one that prices the coin, with accounts of its own.

use engine::{MarginChange, MoveMargin, TransferBetween};
use risk::{
    AssetId, AssetSpec, ContractKind, ContractTerms, DebtTerms, FeeTier, FundingTerms, MarginTerms,
    OwnerGroupId, PricingTerms, Rate, Slice,
};

use super::*;

const COIN: AssetId = AssetId::new(1);
/// A linear instrument whose index prices the coin.
const LINEAR: InstrumentId = InstrumentId::new(3);
const INVERSE: InstrumentId = InstrumentId::new(4);
const SOURCED: InstrumentId = InstrumentId::new(5);
/// Two accounts of one owner, and one they trade with.
const HOLDER: AccountId = AccountId::new(OWN.get() + 2 + GAMBLERS);
const SECOND: AccountId = AccountId::new(HOLDER.get() + 1);
const COUNTER: AccountId = AccountId::new(HOLDER.get() + 2);
const OWNERS: OwnerGroupId = OwnerGroupId::new(6);
const SECOND_NS: u64 = 1_000_000_000;
/// One coin.
const WHOLE: i64 = 100_000_000;

impl Play {
    /// Everything, one after the other.
    pub(crate) fn margins(&mut self) {
        self.open_owner();
        self.define_coin();
        self.trade_inverse();
        self.hear_sources();
        self.isolate();
        self.owe();
        self.change_margin();
    }

    fn open_owner(&mut self) {
        for account in [HOLDER, SECOND, COUNTER] {
            self.venue(Action::OpenAccount { account });
        }
        for account in [HOLDER, SECOND] {
            self.venue(Action::SetOwnerGroup { account, group: OWNERS });
        }
        self.venue(Action::Deposit(Transfer::new(COUNTER, Money::new(10_000_000 * DOLLAR))));
        let deposit = Transfer { external_id: 1, ..Transfer::new(HOLDER, Money::new(20_000 * DOLLAR)) };
        for _ in 0..2 {
            self.venue(Action::Deposit(deposit));
        }
        let between = TransferBetween {
            from: HOLDER,
            to: SECOND,
            asset: AssetId::BASE,
            amount: Money::new(5_000 * DOLLAR),
            external_id: 2,
        };
        self.venue(Action::TransferBetween(between));
        self.venue(Action::TransferBetween(TransferBetween { to: COUNTER, external_id: 3, ..between }));
        let terms = FeeTier { taker: Rate::new(800_000_000), ..FeeTier::FULL };
        self.venue(Action::DefineFeeTier { tier: 1, terms });
        self.venue(Action::SetFeeTier { account: HOLDER, tier: 1 });
        self.commit();
    }

    fn define_coin(&mut self) {
        let spec = AssetSpec {
            symbol: *b"COIN\0\0\0\0\0\0\0\0\0\0\0\0",
            decimals: 8,
            priced_by: LINEAR,
            weights: vec![Slice { cap: Money::new(1_000_000 * DOLLAR), weight: Rate::new(900_000_000) }],
            liability_weight: Rate::new(1_100_000_000),
            wrong_way: Rate::new(50_000_000),
            full_weight_total: Money::new(10_000_000 * DOLLAR),
            deposit_max: Money::new(10_000 * WHOLE),
            conversion_haircut: Rate::new(10_000_000),
            debt: DebtTerms { max: Money::new(WHOLE), interest: Rate::new(50_000_000) },
            spend_rank: 1,
        };
        self.venue(Action::DefineAsset { asset: COIN, spec: Box::new(spec) });
        let terms = DebtTerms { max: Money::new(500 * DOLLAR), interest: Rate::new(100_000_000) };
        self.venue(Action::SetDebtTerms { asset: AssetId::BASE, terms });
        for account in [HOLDER, COUNTER, AccountId::CONVERSION] {
            let amount = Money::new(40 * WHOLE);
            self.venue(Action::Deposit(Transfer { asset: COIN, ..Transfer::new(account, amount) }));
        }
        let base = Transfer::new(AccountId::CONVERSION, Money::new(1_000_000 * DOLLAR));
        self.venue(Action::Deposit(base));
        let amount = Money::new(WHOLE);
        self.venue(Action::Withdraw(Transfer { asset: COIN, ..Transfer::new(HOLDER, amount) }));
        self.commit();
    }

    /// A contract of one dollar, settled in the coin.
    fn trade_inverse(&mut self) {
        let flow = self.seen.spec.clone().expect("the flow has defined instruments");
        let most = Qty::new(1_000_000);
        let spec = InstrumentSpec {
            qty_decimals: 0,
            money_decimals: 8,
            multiplier: 1,
            lot: Qty::new(1),
            order_qty_max: most,
            position_max: most,
            open_interest_max: most,
            contract: ContractTerms {
                kind: ContractKind::Inverse,
                settlement: COIN,
                ..ContractTerms::LINEAR_PERPETUAL
            },
            ..flow
        };
        self.venue(Action::DefineInstrument { instrument: INVERSE, spec: Box::new(spec) });
        self.venue(Action::index_price(INVERSE, Price::new(600_000).to_mark()));
        self.commit();
        self.cross(INVERSE, (HOLDER, COUNTER), 3_000);
        let fallen = Mark::new((self.seen.marks[&INVERSE].get() * 97).div_euclid(100));
        self.venue(Action::index_price(INVERSE, fallen));
        self.commit();
        self.cross(INVERSE, (COUNTER, HOLDER), 1_000);
    }

    /// The first buys of the second, at the mark.
    fn cross(&mut self, instrument: InstrumentId, (buyer, seller): (AccountId, AccountId), qty: i64) {
        let limit = Some(self.price(instrument, 0));
        for (account, side, life) in [
            (seller, Side::Sell, TimeInForce::GoodTillCancel),
            (buyer, Side::Buy, TimeInForce::ImmediateOrCancel),
        ] {
            let order = Self::order(instrument, side, qty, limit, life);
            self.place(NewOrder { account, ..order });
        }
        self.commit();
    }

    /// Three sources of which one goes astray, two fall silent and come back; funding at the end of a second.
    fn hear_sources(&mut self) {
        let flow = self.seen.spec.clone().expect("the flow has defined instruments");
        let pricing = PricingTerms {
            sources_min: 2,
            stale_ns: 10 * SECOND_NS,
            outlier: Rate::new(30_000_000),
            uncertain: Rate::new(20_000_000),
            wild: Rate::new(250_000_000),
            confirmations: 2,
            component_band: Rate::new(20_000_000),
            basis_tau_ns: 5 * SECOND_NS,
            stable_step: Rate::new(300_000),
            frozen_step: Rate::new(10_000_000),
        };
        let funding = FundingTerms {
            interval_ns: SECOND_NS,
            rate_period_ns: 4 * SECOND_NS,
            impact_notional: Money::new(100 * DOLLAR),
            interest: Rate::new(100_000),
            interest_clamp: Rate::new(500_000),
            rate_max: Rate::new(10_000_000),
        };
        let spec = InstrumentSpec { pricing, funding, ..flow };
        self.venue(Action::DefineInstrument { instrument: SOURCED, spec: Box::new(spec) });
        self.venue(Action::SetIndexSource { instrument: SOURCED, source: 3, weight: 2 });
        for (source, price) in [(1, 600_000), (2, 600_200), (3, 600_100), (1, 700_000)] {
            self.say_source(source, price);
        }
        self.commit();
        self.cross(SOURCED, (HOLDER, COUNTER), 400);
        for (side, away) in [(Side::Buy, -1), (Side::Sell, 2)] {
            let limit = Some(self.price(SOURCED, away));
            let order = Self::order(SOURCED, side, 20_000, limit, TimeInForce::GoodTillCancel);
            self.place(NewOrder { account: COUNTER, ..order });
        }
        for price in [600_300, 600_600] {
            self.say_source(2, price);
            self.wait(SECOND_NS);
        }
        self.wait(20 * SECOND_NS);
        self.cross(SOURCED, (HOLDER, COUNTER), 10);
        for source in [1, 2, 3] {
            self.say_source(source, 600_400);
        }
        self.commit();
        self.cross(SOURCED, (COUNTER, HOLDER), 400);
    }

    fn say_source(&mut self, source: u16, price: i64) {
        let price = Price::new(price).to_mark();
        self.venue(Action::IndexPrice { instrument: SOURCED, source, source_seq: 0, price });
    }

    /// Time passes.
    fn wait(&mut self, ns: u64) {
        self.commit();
        self.clock.advance(ns);
        self.venue(Action::Tick);
        self.commit();
    }

    /// A position of its own: fed, given more, given back.
    fn isolate(&mut self) {
        let mode = |isolated| Action::SetMarginMode { account: SECOND, instrument: LINEAR, isolated };
        self.venue(mode(true));
        self.commit();
        self.cross(LINEAR, (SECOND, COUNTER), 100);
        for dollars in [50, -20] {
            let amount = Money::new(dollars * DOLLAR);
            self.venue(Action::MoveMargin(MoveMargin { account: SECOND, instrument: LINEAR, amount }));
        }
        self.commit();
        self.cross(LINEAR, (COUNTER, SECOND), 100);
        self.venue(mode(false));
        self.commit();
    }

    /// A loss beyond the balance is owed, then paid in coin; what may be owed bears interest.
    fn owe(&mut self) {
        let balance = Money::new(15_000 * DOLLAR);
        self.venue(Action::Withdraw(Transfer::new(HOLDER, balance)));
        self.commit();
        for per_mille in [999, 900] {
            self.cross(LINEAR, (HOLDER, COUNTER), 3_000);
            let price = Mark::new((self.seen.marks[&LINEAR].get() * per_mille).div_euclid(1_000));
            for _ in 0..6 {
                self.venue(Action::index_price(LINEAR, price));
            }
            self.commit();
            self.cross(LINEAR, (COUNTER, HOLDER), 3_000);
            self.wait(3_600 * SECOND_NS);
        }
    }

    /// A change that comes, in two steps, and one that is taken back.
    fn change_margin(&mut self) {
        let flow = self.seen.spec.clone().expect("the flow has defined instruments");
        let mut terms = MarginTerms::of(&flow);
        for tier in terms.initial_tiers.iter_mut().chain(&mut terms.maintenance_tiers) {
            tier.rate = Rate::new(tier.rate.get() + 1_000_000);
        }
        let change = MarginChange { terms, effective: TimeNs::new(0), steps: 2, step_ms: 1_000 };
        for instrument in [LINEAR, INVERSE] {
            self.venue(Action::ScheduleMargin { instrument, change: Box::new(change.clone()) });
        }
        self.venue(Action::CancelMargin { instrument: INVERSE });
        for _ in 0..3 {
            self.wait(SECOND_NS);
        }
    }
}
