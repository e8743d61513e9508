//! The table of the commands that are neither new orders nor amendments.

use engine::{
    Action, AmendTrigger, CancelOrder, KeyId, KeyTerms, MarginChange, MassCancel, OrderId, OrderRef, Reject,
    SessionId, SessionKind, Skip, TimeNs, TradingState, Transfer, TransferBetween,
};
use risk::{
    AccountId, AssetId, AssetSpec, ContractKind, ContractTerms, DebtTerms, FeeTier, InstrumentId,
    InstrumentSpec, Leverage, MarginTerms, Mark, Money, Price, Qty, Rate, Restriction, Tier,
};

use super::scene::{
    FULL_KEY, KEY, MAKER, NO_SESSION, NOBODY, NOBODY_OF_THE_VENUE, NOWHERE, SESSION, SOURCE, TRADED, TRADER,
    WEALTH, logon, spec,
};

/// Actions that are neither new orders nor amendments, each with the rules it breaks in a suitable scene.
pub(crate) fn others() -> Vec<(Action, Vec<Reject>)> {
    let mut all = of_trading();
    all.extend(of_money());
    all.extend(of_transfers());
    all.extend(of_fees());
    all.extend(of_margin());
    all.extend(of_assets());
    all.extend(of_sessions());
    all.extend(of_restrictions());
    all
}

fn of_trading() -> Vec<(Action, Vec<Reject>)> {
    let leverage = |account, instrument, hundredths| Action::SetLeverage {
        account,
        instrument,
        leverage: Leverage::new(hundredths),
    };
    let sweep = |account, instrument| {
        Action::MassCancel(MassCancel { account, instrument: Some(instrument), side: None, tag: None })
    };
    let cancel = |account| {
        let order = OrderRef::Id(OrderId::new(u64::MAX));
        Action::CancelOrder(CancelOrder { account, order })
    };
    let amend_trigger = |account| {
        let order = OrderRef::Id(OrderId::new(u64::MAX));
        Action::AmendTrigger(AmendTrigger {
            account,
            order,
            trigger: Price::new(0),
            limit: None,
            qty: Qty::ZERO,
        })
    };
    vec![
        (Action::Tick, vec![Reject::VenuePending, Reject::UnknownSession]),
        (Action::Continue, vec![Reject::NothingPending, Reject::UnknownSession]),
        (
            cancel(NOBODY_OF_THE_VENUE),
            vec![Reject::UnknownAccount, Reject::SystemAccount, Reject::UnknownOrder],
        ),
        (cancel(AccountId::FEES), vec![Reject::SystemAccount, Reject::UnknownOrder]),
        (cancel(TRADER), vec![Reject::UnknownOrder]),
        (
            amend_trigger(NOBODY_OF_THE_VENUE),
            vec![Reject::UnknownAccount, Reject::SystemAccount, Reject::UnknownOrder],
        ),
        (amend_trigger(AccountId::FEES), vec![Reject::SystemAccount, Reject::UnknownOrder]),
        (amend_trigger(TRADER), vec![Reject::UnknownOrder, Reject::BadQuantity, Reject::BadTrigger]),
        (sweep(NOBODY_OF_THE_VENUE, NOWHERE), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (sweep(AccountId::FEES, NOWHERE), vec![Reject::SystemAccount, Reject::UnknownInstrument]),
        (sweep(TRADER, NOWHERE), vec![Reject::UnknownInstrument]),
        (Action::index_price(NOWHERE, Mark::new(0)), vec![Reject::UnknownInstrument, Reject::BadPrice]),
        (Action::index_price(TRADED, Mark::new(0)), vec![Reject::BadPrice]),
        (leverage(NOBODY_OF_THE_VENUE, NOWHERE, 5_000), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (leverage(AccountId::FEES, NOWHERE, 5_000), vec![Reject::SystemAccount, Reject::UnknownInstrument]),
        (leverage(TRADER, NOWHERE, 5_000), vec![Reject::UnknownInstrument, Reject::LeverageTooHigh]),
        (leverage(TRADER, TRADED, 5_000), vec![Reject::TooManyLegs, Reject::LeverageTooHigh]),
        (leverage(TRADER, TRADED, 50), vec![Reject::TooManyLegs, Reject::BadParameter]),
        (leverage(TRADER, TRADED, 5_000), vec![Reject::LeverageTooHigh]),
        (leverage(TRADER, TRADED, 50), vec![Reject::BadParameter]),
    ]
}

fn of_money() -> Vec<(Action, Vec<Reject>)> {
    let amount = |account, amount| Transfer::new(account, Money::new(amount));
    let unsound = Box::new(InstrumentSpec { tick: Price::new(0), ..spec() });
    vec![
        (Action::Deposit(amount(NOBODY, 0)), vec![Reject::UnknownAccount, Reject::BadParameter]),
        (Action::Deposit(amount(TRADER, 0)), vec![Reject::BadParameter]),
        (
            Action::Withdraw(amount(NOBODY_OF_THE_VENUE, 1)),
            vec![Reject::UnknownAccount, Reject::SystemAccount],
        ),
        (
            Action::Withdraw(amount(AccountId::FEES, 1)),
            vec![Reject::SystemAccount, Reject::InsufficientFunds],
        ),
        (Action::Withdraw(amount(TRADER, WEALTH + 1)), vec![Reject::InsufficientFunds]),
        (Action::Withdraw(amount(TRADER, 0)), vec![Reject::BadParameter]),
        (
            Action::OpenAccount { account: AccountId::FEES },
            vec![Reject::SystemAccount, Reject::AlreadyExists],
        ),
        (Action::OpenAccount { account: TRADER }, vec![Reject::AlreadyExists]),
        (Action::OpenAccount { account: AccountId::new(64) }, vec![Reject::BadParameter]),
        (
            Action::OpenSession { session: SessionId::new(u32::MAX) },
            vec![Reject::AlreadyExists, Reject::BadParameter],
        ),
        (
            Action::DefineInstrument { instrument: TRADED, spec: unsound.clone() },
            vec![Reject::AlreadyExists, Reject::BadParameter],
        ),
        (
            Action::DefineInstrument { instrument: InstrumentId::new(3), spec: unsound },
            vec![Reject::BadParameter],
        ),
        (
            Action::SetTradingState { instrument: NOWHERE, state: TradingState::Open },
            vec![Reject::UnknownInstrument],
        ),
    ]
}

fn of_transfers() -> Vec<(Action, Vec<Reject>)> {
    let numbered = |external_id| Transfer { external_id, ..Transfer::new(TRADER, Money::new(0)) };
    let between = |from, to, amount, external_id| {
        let (asset, amount) = (AssetId::BASE, Money::new(amount));
        Action::TransferBetween(TransferBetween { from, to, asset, amount, external_id })
    };
    let (used, older) = (Reject::TransferMismatch, Reject::TransferTooOld);
    vec![
        (Action::Deposit(numbered(5)), vec![used, Reject::BadParameter]),
        (Action::Deposit(numbered(4)), vec![older, Reject::BadParameter]),
        (Action::Withdraw(numbered(5)), vec![used, Reject::AccountSuspended]),
        (Action::Withdraw(numbered(4)), vec![older, Reject::AccountSuspended]),
        (
            Action::Deposit(Transfer { asset: AssetId::new(9), ..Transfer::new(TRADER, Money::new(1)) }),
            vec![Reject::UnknownAsset],
        ),
        (between(NOBODY_OF_THE_VENUE, TRADER, 1, 0), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (between(TRADER, NOBODY, 1, 0), vec![Reject::UnknownAccount]),
        (between(AccountId::FEES, TRADER, 1, 0), vec![Reject::SystemAccount, Reject::OtherOwner]),
        (between(TRADER, AccountId::FEES, 1, 5), vec![Reject::SystemAccount, used]),
        (between(TRADER, MAKER, 1, 5), vec![used, Reject::OtherOwner]),
        (between(TRADER, MAKER, 1, 4), vec![older, Reject::OtherOwner]),
        (between(TRADER, MAKER, 1, 0), vec![Reject::OtherOwner, Reject::AccountSuspended]),
        (between(TRADER, TRADER, WEALTH + 1, 0), vec![Reject::AccountSuspended, Reject::InsufficientFunds]),
        (between(TRADER, TRADER, WEALTH + 1, 0), vec![Reject::InsufficientFunds, Reject::BadParameter]),
        (between(TRADER, TRADER, 1, 0), vec![Reject::BadParameter]),
    ]
}

/// About fee tiers.
fn of_fees() -> Vec<(Action, Vec<Reject>)> {
    let set = |account, tier| Action::SetFeeTier { account, tier };
    let terms = |share| FeeTier { taker: Rate::new(share), ..FeeTier::FULL };
    vec![
        (set(NOBODY_OF_THE_VENUE, 9), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (set(AccountId::FEES, 9), vec![Reject::SystemAccount, Reject::BadParameter]),
        (set(TRADER, 9), vec![Reject::BadParameter]),
        (Action::DefineFeeTier { tier: 0, terms: FeeTier::FULL }, vec![Reject::BadParameter]),
        (Action::DefineFeeTier { tier: 1, terms: terms(1_000_000_001) }, vec![Reject::BadParameter]),
    ]
}

/// About changes of margin.
fn of_margin() -> Vec<(Action, Vec<Reject>)> {
    let change = |instrument, rate| {
        let terms = MarginTerms {
            maintenance_tiers: vec![Tier { floor: Money::ZERO, rate: Rate::new(rate) }],
            ..MarginTerms::of(&spec())
        };
        let change = MarginChange { terms, effective: TimeNs::new(0), steps: 1, step_ms: 0 };
        Action::ScheduleMargin { instrument, change: Box::new(change) }
    };
    let (nowhere, sound, above) = (Reject::UnknownInstrument, 50_000_000, 90_000_000);
    vec![
        (change(NOWHERE, above), vec![Reject::NoPermission, nowhere]),
        (change(NOWHERE, above), vec![nowhere, Reject::BadParameter]),
        // Initial margin is 10 %, less than five quarters of 9 %.
        (change(TRADED, above), vec![Reject::BadParameter]),
        (change(TRADED, sound), vec![Reject::NoPermission]),
        (Action::CancelMargin { instrument: NOWHERE }, vec![nowhere, Reject::NothingScheduled]),
        (Action::CancelMargin { instrument: TRADED }, vec![Reject::NothingScheduled]),
    ]
}

fn of_assets() -> Vec<(Action, Vec<Reject>)> {
    let (unknown, asset) = (AssetId::new(9), AssetId::new(1));
    let of_unknown =
        |account, amount| Transfer { asset: unknown, ..Transfer::new(account, Money::new(amount)) };
    let define = |asset, priced_by| {
        let (weights, half) = (Vec::new(), Rate::new(500_000_000));
        let spec = AssetSpec {
            symbol: [0; 16],
            decimals: 0,
            priced_by,
            weights,
            liability_weight: half,
            wrong_way: half,
            full_weight_total: Money::ZERO,
            deposit_max: Money::ZERO,
            conversion_haircut: half,
            debt: DebtTerms::FREE,
            spend_rank: 0,
        };
        Action::DefineAsset { asset, spec: Box::new(spec) }
    };
    let owes = |asset| {
        let terms = DebtTerms { max: Money::new(-1), ..DebtTerms::FREE };
        Action::SetDebtTerms { asset, terms }
    };
    let contract =
        ContractTerms { settlement: unknown, kind: ContractKind::Inverse, ..ContractTerms::LINEAR_PERPETUAL };
    let coin_settled = Box::new(InstrumentSpec { contract, ..spec() });
    let between =
        TransferBetween { from: TRADER, to: TRADER, asset: unknown, amount: Money::new(1), external_id: 0 };
    vec![
        (Action::Deposit(of_unknown(NOBODY, 1)), vec![Reject::UnknownAccount, Reject::UnknownAsset]),
        (Action::Deposit(of_unknown(TRADER, 0)), vec![Reject::UnknownAsset, Reject::BadParameter]),
        (Action::Withdraw(of_unknown(TRADER, 1)), vec![Reject::UnknownAsset, Reject::AccountSuspended]),
        (Action::Withdraw(of_unknown(TRADER, 1)), vec![Reject::UnknownAsset, Reject::InsufficientFunds]),
        (Action::TransferBetween(between), vec![Reject::UnknownAsset, Reject::AccountSuspended]),
        (Action::TransferBetween(between), vec![Reject::UnknownAsset, Reject::BadParameter]),
        (
            Action::DefineInstrument { instrument: TRADED, spec: coin_settled },
            vec![Reject::UnknownAsset, Reject::AlreadyExists],
        ),
        (define(AssetId::BASE, NOWHERE), vec![Reject::UnknownInstrument, Reject::AlreadyExists]),
        (define(AssetId::BASE, TRADED), vec![Reject::AlreadyExists, Reject::BadParameter]),
        (define(asset, TRADED), vec![Reject::BadParameter]),
        (owes(unknown), vec![Reject::UnknownAsset, Reject::BadParameter]),
        (owes(AssetId::BASE), vec![Reject::BadParameter]),
        (define(asset, NOWHERE), vec![Reject::NoPermission, Reject::UnknownInstrument]),
        (owes(unknown), vec![Reject::NoPermission, Reject::UnknownAsset]),
    ]
}

fn of_sessions() -> Vec<(Action, Vec<Reject>)> {
    let skip = |count| Action::Skip(Skip { count, template: 100, code: 1_007, field: 0, retry_after_ns: 0 });
    let guard = Action::CancelAllAfter { account: TRADER, timeout_ms: 5, keep_reduce_only: false };
    let (numbers, permission) = ([Reject::SequenceReplayed, Reject::SequenceGap], Reject::NoPermission);
    let lost = |session| Action::SessionLost { session };
    let off = |session| Action::Logoff { session, cancel_orders: true };
    vec![
        (Action::Tick, vec![numbers[0], Reject::Expired]),
        (Action::Tick, vec![numbers[1], Reject::Expired]),
        (Action::Tick, vec![Reject::Expired, permission]),
        (Action::Tick, vec![permission]),
        (logon(KEY, 0, SessionKind::OrderEntry), vec![permission]),
        (lost(NO_SESSION), vec![permission]),
        (guard, vec![permission]),
        (skip(1), vec![numbers[1]]),
        (skip(0), vec![Reject::BadParameter]),
        // Unnumbered.
        (skip(1), vec![Reject::BadParameter]),
        (lost(NO_SESSION), vec![Reject::UnknownSession]),
        (off(NO_SESSION), vec![Reject::UnknownSession]),
        // Nobody has logged on to it.
        (lost(SESSION), vec![Reject::BadParameter]),
        (off(SESSION), vec![Reject::BadParameter]),
        (
            Action::DefineInstrument { instrument: TRADED, spec: Box::new(spec()) },
            vec![permission, Reject::AlreadyExists],
        ),
        (Action::index_price(NOWHERE, Mark::new(0)), vec![permission, Reject::UnknownInstrument]),
        (Action::Restarted { cancel_only_ms: 0, call_ms: 0 }, vec![permission, Reject::BadParameter]),
        (
            Action::Settle { instrument: NOWHERE, price: Mark::new(0) },
            vec![permission, Reject::UnknownInstrument],
        ),
    ]
}

fn of_restrictions() -> Vec<(Action, Vec<Reject>)> {
    let restrict =
        |account| Action::SetRestriction { account, restriction: Restriction::None, cancel_orders: true };
    let withdraw = Action::Withdraw(Transfer::new(TRADER, Money::new(WEALTH + 1)));
    let leverage =
        Action::SetLeverage { account: TRADER, instrument: TRADED, leverage: Leverage::new(5_000) };
    let price = |index| Action::IndexPrice {
        instrument: TRADED,
        source: SOURCE,
        source_seq: 10,
        price: Mark::new(index),
    };
    vec![
        (restrict(NOBODY_OF_THE_VENUE), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (restrict(AccountId::FEES), vec![Reject::SystemAccount, Reject::BadCombination]),
        (restrict(TRADER), vec![Reject::BadCombination]),
        (withdraw, vec![Reject::AccountSuspended, Reject::InsufficientFunds]),
        (leverage, vec![Reject::AccountSuspended, Reject::LeverageTooHigh]),
        (price(0), vec![Reject::BadPrice, Reject::StalePrice]),
        (price(1_024), vec![Reject::StalePrice]),
    ]
}

/// What only the venue's own session asks about keys, each with the rules it breaks.
pub(crate) fn of_keys() -> Vec<(Action, Vec<Reject>)> {
    let register = |key, account, kinds| {
        let terms = Box::new(KeyTerms { public: [2; 32], account, kinds, expires: TimeNs::new(0) });
        Action::RegisterKey { key: KeyId::new(key), terms }
    };
    let (used, orders) = (KEY.get(), 1 << SessionKind::OrderEntry as u8);
    let unknown = KeyId::new(77);
    vec![
        (register(used, NOBODY_OF_THE_VENUE, orders), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (register(used, AccountId::FEES, orders), vec![Reject::SystemAccount, Reject::AlreadyExists]),
        (register(used, TRADER, 0), vec![Reject::AlreadyExists, Reject::BadParameter]),
        (register(9, TRADER, 0), vec![Reject::BadParameter]),
        (register(9, TRADER, 1), vec![Reject::BadParameter]),
        (register(9, TRADER, 1 << 3), vec![Reject::BadParameter]),
        (register(0, TRADER, orders), vec![Reject::BadParameter]),
        (Action::RevokeKey { key: unknown }, vec![Reject::UnknownKey]),
        (logon(unknown, 0, SessionKind::OrderEntry), vec![Reject::UnknownKey]),
        (logon(FULL_KEY, 0, SessionKind::Local), vec![Reject::NoPermission, Reject::KeyExpired]),
        (logon(FULL_KEY, 99, SessionKind::Admin), vec![Reject::NoPermission, Reject::TooManySessions]),
        (logon(FULL_KEY, 99, SessionKind::OrderEntry), vec![Reject::KeyExpired, Reject::TooManySessions]),
        (logon(FULL_KEY, 0, SessionKind::OrderEntry), vec![Reject::KeyExpired]),
        (logon(FULL_KEY, 99, SessionKind::OrderEntry), vec![Reject::TooManySessions]),
    ]
}
