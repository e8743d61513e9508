//! Requests of operators and oracles as commands.
//!
//! Invariant: they name accounts; none means the session's own.

use engine::{
    Action, ClientOrderId, KeyTerms, MarginChange, MassCancel, OwnerGroupId, TimeNs, TradingLimits,
    TradingState, Transfer,
};
use risk::{
    AdaptiveTerms, ContractKind, ContractTerms, FeeRate, FundingTerms, InstrumentId, InstrumentSpec,
    MarginTerms, Mark, Money, PricingTerms, Rate, Restriction, Tier,
};

use super::{Request, flag, named, require};
use crate::wire::Group;
use crate::wire::codes::ErrorCode;
use crate::wire::message::{Message, Refusal};
use crate::wire::private;
use crate::wire::types::{self, AccountStatus};

pub(super) fn define_instrument(message: &private::InstrumentDefine) -> Result<Request, Refusal> {
    type M = private::InstrumentDefine;
    let tables = tables(&message.tiers).ok_or(refusal!(M, BadEnum, "tiers"))?;
    let [initial_tiers, maintenance_tiers] = tables;
    let spec = InstrumentSpec {
        symbol: message.symbol.0,
        price_decimals: message.price_decimals,
        qty_decimals: message.qty_decimals,
        money_decimals: message.money_decimals,
        multiplier: message.multiplier,
        tick: message.tick,
        lot: message.lot,
        price_max: message.price_max,
        order_qty_max: message.order_qty_max,
        position_max: message.position_max,
        open_interest_max: message.open_interest_max,
        price_band: Rate::new(message.price_band),
        market_collar: Rate::new(message.market_collar),
        mark_step_max: Rate::new(message.mark_step_max),
        maker_fee: FeeRate::new(message.maker_fee),
        taker_fee: Rate::new(message.taker_fee),
        liquidation_fee: Rate::new(message.liquidation_fee),
        initial_tiers,
        maintenance_tiers,
        contract: contract(message)?,
        adaptive: adaptive(message),
        pricing: pricing(message),
        funding: funding(message),
    };
    let action = Action::DefineInstrument { instrument: message.instrument_id, spec: Box::new(spec) };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

/// Initial and maintenance brackets; `None` where a row is of neither table.
fn tables(rows: &Group<private::TierRow>) -> Option<[Vec<Tier>; 2]> {
    let mut tables = [Vec::new(), Vec::new()];
    for row in &rows.0 {
        let table = tables.get_mut(usize::from(row.table.checked_sub(1)?))?;
        table.push(Tier { floor: row.floor, rate: Rate::new(row.rate) });
    }
    Some(tables)
}

pub(super) fn schedule_margin(message: &private::ScheduleMargin) -> Result<Request, Refusal> {
    type M = private::ScheduleMargin;
    let tables = tables(&message.tiers).ok_or(refusal!(M, BadEnum, "tiers"))?;
    let [initial_tiers, maintenance_tiers] = tables;
    let adaptive = AdaptiveTerms {
        oi_lower: message.oi_lower,
        oi_upper: message.oi_upper,
        depth: message.depth,
        concentration_free: message.concentration_free,
        concentration_slope: Rate::new(message.concentration_slope),
        profit_weight: Rate::new(message.profit_weight),
    };
    let change = MarginChange {
        terms: MarginTerms { initial_tiers, maintenance_tiers, adaptive },
        effective: message.effective.get().unwrap_or_default(),
        steps: message.steps,
        step_ms: message.step.get(),
    };
    let action = Action::ScheduleMargin { instrument: message.instrument_id, change: Box::new(change) };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

pub(super) fn cancel_margin(message: &private::CancelMargin) -> Result<Request, Refusal> {
    let action = Action::CancelMargin { instrument: message.instrument_id };
    named(message.request_id, refusal!(private::CancelMargin, NullInRequired, "request_id"), action)
}

fn contract(message: &private::InstrumentDefine) -> Result<ContractTerms, Refusal> {
    type M = private::InstrumentDefine;
    let kind = match message.contract_kind.get().ok_or(refusal!(M, BadEnum, "contract_kind"))? {
        types::ContractKind::Linear => ContractKind::Linear,
        types::ContractKind::Inverse => ContractKind::Inverse,
    };
    Ok(ContractTerms {
        kind,
        settlement: message.settlement_asset,
        underlying: message.underlying,
        expiry_ns: message.expiry.get().map_or(0, TimeNs::get),
        averaging_ns: message.averaging_ns,
    })
}

const fn adaptive(message: &private::InstrumentDefine) -> AdaptiveTerms {
    AdaptiveTerms {
        oi_lower: message.oi_lower,
        oi_upper: message.oi_upper,
        depth: message.depth,
        concentration_free: message.concentration_free,
        concentration_slope: Rate::new(message.concentration_slope),
        profit_weight: Rate::new(message.profit_weight),
    }
}

const fn pricing(message: &private::InstrumentDefine) -> PricingTerms {
    PricingTerms {
        sources_min: message.sources_min,
        stale_ns: message.stale_ns,
        outlier: Rate::new(message.outlier),
        uncertain: Rate::new(message.uncertain),
        wild: Rate::new(message.wild),
        confirmations: message.confirmations,
        component_band: Rate::new(message.component_band),
        basis_tau_ns: message.basis_tau_ns,
        stable_step: Rate::new(message.stable_step),
        frozen_step: Rate::new(message.frozen_step),
    }
}

const fn funding(message: &private::InstrumentDefine) -> FundingTerms {
    FundingTerms {
        interval_ns: message.interval_ns,
        rate_period_ns: message.rate_period_ns,
        impact_notional: message.impact_notional,
        interest: Rate::new(message.interest),
        interest_clamp: Rate::new(message.interest_clamp),
        rate_max: Rate::new(message.rate_max),
    }
}

pub(super) fn set_limits(message: &private::SetLimits) -> Result<Request, Refusal> {
    let limits = TradingLimits {
        price_band: Rate::new(message.price_band),
        market_collar: Rate::new(message.market_collar),
        limit_state_band: Rate::new(message.limit_state_band),
        limit_state_call_ms: message.limit_state_call.get(),
        order_qty_max: message.order_qty_max,
        order_notional_max: message.order_notional_max,
        position_max: message.position_max,
        open_interest_max: message.open_interest_max,
        orders_max: message.orders_max,
        owner_position_max: message.owner_position_max,
    };
    let action = Action::SetLimits { instrument: message.instrument_id, limits: Box::new(limits) };
    named(message.request_id, refusal!(private::SetLimits, NullInRequired, "request_id"), action)
}

pub(super) fn set_trading_state(message: &private::SetTradingState) -> Result<Request, Refusal> {
    type M = private::SetTradingState;
    let state = match message.state.get().ok_or(refusal!(M, BadEnum, "state"))? {
        types::TradingState::Open => TradingState::Open,
        types::TradingState::CancelOnly => TradingState::CancelOnly,
        types::TradingState::PreOpen => TradingState::PreOpen,
        types::TradingState::Auction => TradingState::Auction,
        types::TradingState::PostOnly => TradingState::PostOnly,
        types::TradingState::ReduceOnly => TradingState::ReduceOnly,
        types::TradingState::Halted => TradingState::Halted,
        types::TradingState::Closed => TradingState::Closed,
        types::TradingState::Settled => TradingState::Settled,
    };
    let action = Action::SetTradingState { instrument: message.instrument_id, state };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

pub(super) fn start_auction(message: &private::StartAuction) -> Result<Request, Refusal> {
    let action = Action::StartAuction { instrument: message.instrument_id, call_ms: message.call.get() };
    named(message.request_id, refusal!(private::StartAuction, NullInRequired, "request_id"), action)
}

pub(super) fn settle_instrument(message: &private::SettleInstrument) -> Result<Request, Refusal> {
    type M = private::SettleInstrument;
    require(message.price != Mark::new(i64::MIN), refusal!(M, NullInRequired, "price"))?;
    let action = Action::Settle { instrument: message.instrument_id, price: message.price };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

pub(super) fn account_create(message: &private::AccountCreate) -> Result<Request, Refusal> {
    let action = Action::OpenAccount { account: message.account_id };
    named(message.request_id, refusal!(private::AccountCreate, NullInRequired, "request_id"), action)
}

pub(super) fn transfer(message: &private::Transfer) -> Result<Request, Refusal> {
    type M = private::Transfer;
    let (account, amount) = (message.account_id, message.amount.get());
    let size = amount.checked_abs().ok_or(refusal!(M, NullInRequired, "amount"))?;
    let transfer = Transfer {
        account,
        asset: message.asset_id,
        amount: Money::new(size),
        external_id: message.external_id.get().unwrap_or(0),
    };
    let action = if amount < 0 { Action::Withdraw(transfer) } else { Action::Deposit(transfer) };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

pub(super) fn set_account_status(message: &private::SetAccountStatus) -> Result<Request, Refusal> {
    type M = private::SetAccountStatus;
    let restriction = restriction::<M>(message.status)?;
    let cancel_orders = flag(message.cancel_orders, refusal!(M, BadEnum, "cancel_orders"))?;
    let action = Action::SetRestriction { account: message.account_id, restriction, cancel_orders };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

pub(super) fn set_owner_group(message: &private::SetOwnerGroup) -> Result<Request, Refusal> {
    let group = OwnerGroupId::new(message.group_id);
    let action = Action::SetOwnerGroup { account: message.account_id, group };
    named(message.request_id, refusal!(private::SetOwnerGroup, NullInRequired, "request_id"), action)
}

pub(super) fn set_group_status(message: &private::SetGroupStatus) -> Result<Request, Refusal> {
    type M = private::SetGroupStatus;
    let restriction = restriction::<M>(message.status)?;
    let cancel_orders = flag(message.cancel_orders, refusal!(M, BadEnum, "cancel_orders"))?;
    let group = OwnerGroupId::new(message.group_id);
    let action = Action::SetGroupRestriction { group, restriction, cancel_orders };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

fn restriction<M: Message>(status: types::Code<AccountStatus>) -> Result<Restriction, Refusal> {
    match status.get().ok_or(refusal!(M, BadEnum, "status"))? {
        AccountStatus::Active => Ok(Restriction::None),
        AccountStatus::ReduceOnly => Ok(Restriction::ReduceOnly),
        AccountStatus::Suspended => Ok(Restriction::Suspended),
        AccountStatus::Liquidating | AccountStatus::Bankrupt => Err(refusal!(M, Unsupported, "status")),
    }
}

pub(super) fn key_register(message: &private::KeyRegister) -> Result<Request, Refusal> {
    let terms = KeyTerms {
        public: message.public_key.0,
        account: message.account_id,
        kinds: u32::from(message.permissions.0),
        expires: message.expires.get().unwrap_or_default(),
    };
    let action = Action::RegisterKey { key: message.key_id, terms: Box::new(terms) };
    named(message.request_id, refusal!(private::KeyRegister, NullInRequired, "request_id"), action)
}

pub(super) fn key_suspend(message: &private::KeySuspend) -> Result<Request, Refusal> {
    type M = private::KeySuspend;
    let suspended = flag(message.suspended, refusal!(M, BadEnum, "suspended"))?;
    let cancel_orders = flag(message.cancel_orders, refusal!(M, BadEnum, "cancel_orders"))?;
    let action = Action::SuspendKey { key: message.key_id, suspended, cancel_orders };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

pub(super) fn key_revoke(message: &private::KeyRevoke) -> Result<Request, Refusal> {
    let action = Action::RevokeKey { key: message.key_id };
    named(message.request_id, refusal!(private::KeyRevoke, NullInRequired, "request_id"), action)
}

pub(super) fn admin_mass_cancel(message: &private::AdminMassCancel) -> Result<Request, Refusal> {
    let instrument = message.instrument_id.get().map(InstrumentId::new);
    let action =
        Action::MassCancel(MassCancel { account: message.account_id, instrument, side: None, tag: None });
    named(message.request_id, refusal!(private::AdminMassCancel, NullInRequired, "request_id"), action)
}

pub(super) fn index_price(message: &private::IndexPrice) -> Result<Request, Refusal> {
    type M = private::IndexPrice;
    // In the engine 0 is unnumbered and never stale; a client's prices are numbered.
    require(message.source_seq != 0, refusal!(M, NullInRequired, "source_seq"))?;
    require(message.price != Mark::new(i64::MIN), refusal!(M, NullInRequired, "price"))?;
    let action = Action::IndexPrice {
        instrument: message.instrument_id,
        source: message.source_id,
        source_seq: message.source_seq,
        price: message.price,
    };
    Ok(Request { client_order_id: ClientOrderId::default(), valid_until: TimeNs::default(), action })
}
