//! Worlds of several assets: a coin with a linear and an inverse perpetual, the same coin in coarse units, and another
//! coin whose instrument never trades; and what is done with them.

use engine::{Action, Command, SessionId, TimeInForce, TradingState, Transfer, TransferBetween};
use risk::limits::{FIRST_USER_ACCOUNT, MONEY_MAX};
use risk::{
    AccountId, AdaptiveTerms, AssetId, AssetSpec, ContractKind, ContractTerms, DebtTerms, FundingTerms,
    InstrumentId, InstrumentSpec, Money, Price, PricingTerms, Qty, Rate, Side, Slice, UnderlyingId,
};

use super::Step;
use super::generate::Generator;
use super::view::View;
use super::worlds::{LOT_VALUE, Traded, coarse, rebated};

/// An asset with the amount that is worth about a quarter of a lot.
#[derive(Clone, Debug)]
pub(crate) struct Collateral {
    pub(crate) spec: AssetSpec,
    pub(crate) quarter: i64,
}

const COIN: UnderlyingId = UnderlyingId::new(1);
const OTHER: UnderlyingId = UnderlyingId::new(2);
/// Coin units of a lot of the inverse contract at its home.
const COIN_LOT: i64 = 100_000;
const SECOND_NS: u64 = 1_000_000_000;

const fn percent(rate: u32) -> Rate {
    Rate::new(rate * 10_000_000)
}

/// The coin's linear perpetual: crowded, concentrated, half of a profit counts, a stable price, funding every ten seconds.
fn linear() -> Traded {
    let traded = rebated();
    let contract = ContractTerms { underlying: COIN, ..ContractTerms::LINEAR_PERPETUAL };
    let adaptive = AdaptiveTerms {
        oi_lower: Money::new(LOT_VALUE * 60),
        oi_upper: Money::new(LOT_VALUE * 4_000),
        depth: Money::new(LOT_VALUE * 30),
        concentration_free: 1_000_000_000,
        concentration_slope: percent(2),
        profit_weight: percent(50),
    };
    let funding = FundingTerms {
        interval_ns: 10 * SECOND_NS,
        rate_period_ns: 60 * SECOND_NS,
        impact_notional: Money::new(LOT_VALUE * 2),
        interest: Rate::new(1_000_000),
        interest_clamp: Rate::new(500_000),
        rate_max: Rate::new(30_000_000),
    };
    let pricing = PricingTerms { stable_step: Rate::new(300_000), ..PricingTerms::DIRECT };
    Traded { spec: InstrumentSpec { contract, adaptive, funding, pricing, ..traded.spec }, ..traded }
}

/// What prices the other coin.
fn other() -> Traded {
    let contract = ContractTerms { underlying: OTHER, ..ContractTerms::LINEAR_PERPETUAL };
    let spec = InstrumentSpec {
        price_decimals: 4,
        tick: Price::new(10),
        price_max: Price::new(1_000_000),
        contract,
        ..rebated().spec
    };
    Traded { spec, home: 25_000, trades: false }
}

/// The coin's inverse perpetual: a contract is worth what a lot elsewhere is, settled in coin.
fn inverse() -> Traded {
    let traded = rebated();
    let contract = ContractTerms {
        kind: ContractKind::Inverse,
        settlement: AssetId::new(1),
        underlying: COIN,
        ..ContractTerms::LINEAR_PERPETUAL
    };
    let adaptive = AdaptiveTerms {
        oi_lower: Money::new(COIN_LOT * 100),
        oi_upper: Money::new(COIN_LOT * 6_000),
        depth: Money::new(COIN_LOT * 50),
        concentration_free: 500_000_000,
        concentration_slope: percent(3),
        profit_weight: percent(80),
    };
    let in_coin = |tiers: Vec<risk::Tier>| -> Vec<risk::Tier> {
        let floor = |tier: &risk::Tier| Money::new(tier.floor.get().div_euclid(LOT_VALUE) * COIN_LOT);
        tiers.iter().map(|tier| risk::Tier { floor: floor(tier), ..*tier }).collect()
    };
    let spec = InstrumentSpec {
        money_decimals: 8,
        qty_decimals: 0,
        multiplier: 50,
        initial_tiers: in_coin(traded.spec.initial_tiers.clone()),
        maintenance_tiers: in_coin(traded.spec.maintenance_tiers.clone()),
        contract,
        adaptive,
        ..traded.spec
    };
    Traded { spec, ..traded }
}

/// The instruments; the last has no price in the beginning.
pub(crate) fn coined() -> Vec<Traded> {
    let mut thin = coarse();
    thin.spec.open_interest_max = Qty::new(2_000);
    vec![linear(), other(), inverse(), thin]
}

/// The coin, the other coin, and the coin in units that are worth much.
pub(crate) fn coins() -> Vec<Collateral> {
    let slice = |lots: i64, rate| Slice { cap: Money::new(LOT_VALUE * lots), weight: percent(rate) };
    let coin = AssetSpec {
        symbol: *b"COIN\0\0\0\0\0\0\0\0\0\0\0\0",
        decimals: 8,
        priced_by: InstrumentId::new(0),
        weights: vec![slice(2, 95), slice(8, 80), slice(60, 50)],
        liability_weight: percent(105),
        wrong_way: percent(30),
        full_weight_total: Money::new(LOT_VALUE * 40),
        deposit_max: Money::new(MONEY_MAX >> 4),
        conversion_haircut: percent(1),
        debt: DebtTerms { max: Money::new(COIN_LOT >> 1), interest: percent(400) },
        spend_rank: 2,
    };
    let alt = AssetSpec {
        symbol: *b"ALT\0\0\0\0\0\0\0\0\0\0\0\0\0",
        decimals: 6,
        priced_by: InstrumentId::new(1),
        weights: vec![slice(3, 90), slice(9, 60)],
        liability_weight: percent(120),
        wrong_way: percent(50),
        full_weight_total: Money::new(LOT_VALUE * 60),
        conversion_haircut: percent(5),
        debt: DebtTerms { max: Money::ZERO, interest: Rate::new(0) },
        spend_rank: 1,
        ..coin.clone()
    };
    let wrapped = AssetSpec {
        symbol: *b"WRAPPED\0\0\0\0\0\0\0\0\0",
        decimals: 5,
        weights: vec![slice(20, 70)],
        liability_weight: percent(200),
        wrong_way: percent(100),
        full_weight_total: Money::ZERO,
        conversion_haircut: percent(50),
        debt: DebtTerms { max: Money::ZERO, interest: percent(400) },
        spend_rank: 1,
        ..coin.clone()
    };
    vec![
        Collateral { spec: coin, quarter: 25_000 },
        Collateral { spec: alt, quarter: 5_000_000 },
        Collateral { spec: wrapped, quarter: 25 },
    ]
}

impl Generator {
    /// Instruments with their prices, but for the last one's, and assets before what settles in them.
    pub(super) fn first_instruments(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut assets = (1..).map(AssetId::new).zip(&self.world.assets);
        let last = self.world.instruments.len() - 1;
        for (place, traded) in self.world.instruments.iter().enumerate() {
            if traded.spec.contract.settlement != AssetId::BASE || place == last {
                let define = |(asset, known): (AssetId, &Collateral)| Action::DefineAsset {
                    asset,
                    spec: Box::new(known.spec.clone()),
                };
                actions.extend(assets.by_ref().map(define));
            }
            let instrument = InstrumentId::new(u32::try_from(place).expect("few"));
            actions.push(Action::DefineInstrument { instrument, spec: Box::new(traded.spec.clone()) });
            if place < last {
                actions.push(Action::index_price(instrument, Price::new(traded.home).to_mark()));
            }
            if !traded.trades {
                actions.push(Action::SetTradingState { instrument, state: TradingState::Halted });
            }
        }
        actions
    }

    /// What an account begins with: money; where there are coins two of three have nothing else, and owe their first fee.
    pub(super) fn first_deposit(&mut self, account: AccountId, amount: Money) -> Action {
        let money = Transfer::new(account, amount);
        let Some(coin) = self.world.assets.first().filter(|_| !account.get().is_multiple_of(3)) else {
            return Action::Deposit(money);
        };
        let amount = Money::new(coin.quarter * self.rng.within(4, 24));
        Action::Deposit(Transfer { asset: AssetId::new(1), amount, ..money })
    }

    /// Many who have nothing but coin pay a fee in money, so that all of them owe when an hour is over.
    pub(super) fn misery(&mut self, session: SessionId) {
        let (venue, traded) = (SessionId::new(0), InstrumentId::new(0));
        let seller = self.account();
        self.clear(traded, &[seller], 300);
        let home = Price::new(self.world.instruments[traded.index()].home);
        for _ in 0..12 {
            self.soon(venue, Action::index_price(traded, home.to_mark()));
        }
        let terms = DebtTerms { interest: percent(400), ..DebtTerms::FREE };
        self.soon(venue, Action::SetDebtTerms { asset: AssetId::BASE, terms });
        self.lots(session, (seller, traded), (Side::Sell, 160, home), TimeInForce::GoodTillCancel);
        let quarter = self.world.assets[0].quarter;
        for number in 0..self.world.accounts {
            let account = AccountId::new(FIRST_USER_ACCOUNT + number);
            let coin = Transfer { asset: AssetId::new(1), ..Transfer::new(account, Money::new(quarter * 8)) };
            self.soon(venue, Action::Deposit(coin));
            self.lots(session, (account, traded), (Side::Buy, 1, home), TimeInForce::ImmediateOrCancel);
        }
        let tick = Step::from(Command::venue(Action::Tick));
        self.ahead.push_back(Step { waits_ns: 3_700 * SECOND_NS, ..tick });
    }

    /// Whether an instrument is ever open.
    pub(super) fn trades(&self, instrument: InstrumentId) -> bool {
        self.world.instruments.get(instrument.index()).is_none_or(|traded| traded.trades)
    }

    /// Now and then time passes: a second, an interval of funding, an hour of interest.
    pub(super) fn wait(&mut self) -> u64 {
        if self.world.assets.is_empty() || !self.rng.permille(25) {
            return 0;
        }
        let seconds = self.rng.pick(&[1, 1, 1, 2, 5, 10, 65, 3_600, 7_300]);
        self.soon(SessionId::new(0), Action::Tick);
        seconds * SECOND_NS
    }

    /// Money in another asset, in or out or between accounts, or the terms of debts.
    pub(super) fn coin(&mut self, view: &View) -> Action {
        let count = self.world.assets.len() as u64;
        let beyond = u64::from(self.rng.permille(10));
        let number = 1 + self.rng.below(count + beyond);
        let asset = AssetId::new(u16::try_from(number).expect("few"));
        let known = self.world.assets.get(asset.index() - 1).map_or(1, |known| known.quarter);
        if self.rng.permille(40) {
            return self.debt_terms(known);
        }
        let account = self.account();
        let balance = view.coins.get(&(account, asset)).copied().unwrap_or(0);
        let amount = match self.rng.below(100) {
            0..60 => self.rng.within(1, known * 12),
            60..80 => balance.max(1) - self.rng.within(0, balance.max(1)),
            80..90 => balance,
            90..96 => balance + 1,
            _ => self.rng.pick(&[0, -1, i64::MIN, MONEY_MAX, i64::MAX]),
        };
        let (amount, external_id) = (Money::new(amount), self.external_id());
        if self.rng.permille(50) {
            let to = self.account();
            let given = TransferBetween { from: account, to, asset, amount, external_id };
            return self.sent_again(Action::TransferBetween(given));
        }
        let transfer = Transfer { account, asset, amount, external_id };
        let pays_out = self.rng.permille(if balance > known * 12 { 700 } else { 300 });
        self.sent_again(if pays_out { Action::Withdraw(transfer) } else { Action::Deposit(transfer) })
    }

    fn debt_terms(&mut self, quarter: i64) -> Action {
        let number = self.rng.below(self.world.assets.len() as u64 + 1);
        let quarter = if number == 0 { LOT_VALUE >> 2 } else { quarter };
        // Seldom are debts of money forbidden, so that many owe at a time.
        let max = if number == 0 && self.rng.permille(850) {
            MONEY_MAX
        } else {
            self.rng.pick(&[0, 1, quarter, quarter * 8, quarter * 40, MONEY_MAX, -1])
        };
        let interest = self.rng.pick(&[percent(0), percent(8), percent(400), Rate::new(4_000_000_001)]);
        let terms = DebtTerms { max: Money::new(max), interest };
        Action::SetDebtTerms { asset: AssetId::new(u16::try_from(number).expect("few")), terms }
    }
}
