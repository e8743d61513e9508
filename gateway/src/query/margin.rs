//! Answers about assets, terms and margin.
//!
//! Invariant: a row tells what the ledger holds; nothing is computed here that decides anything.

use engine::Venue;
use risk::{
    Account, AccountId, AccountState, Assessment, AssetId, ContractKind, InstrumentId, Level, Mark, Money,
    OracleState, Tier,
};

use crate::wire::Group;
use crate::wire::private::{AssetBalance, AssetDef, InstrumentTerms, TierRow, WeightRow};
use crate::wire::types::{self, Chars16, Code, I64N, TimeNsN, U32N};

/// Decimals of the unit of account: as the instruments that settle in it say; 0 before there is one.
pub(super) fn base_decimals(venue: &Venue) -> u8 {
    let ledger = venue.ledger();
    let mut instruments =
        (0..ledger.instruments()).map(|number| ledger.instrument(InstrumentId::new(number)));
    let first = instruments.find(|instrument| instrument.settlement() == AssetId::BASE);
    first.map_or(0, |instrument| instrument.spec.money_decimals)
}

/// What an account has in each asset, the unit of account first.
pub(super) fn balances(
    venue: &Venue,
    query_id: u64,
    account: AccountId,
    holder: &Account,
) -> Vec<AssetBalance> {
    let ledger = venue.ledger();
    let base = AssetBalance {
        query_id,
        account_id: account,
        asset_id: AssetId::BASE,
        balance: holder.balance,
        collateral: holder.balance,
        withdrawable: ledger.withdrawable(account, AssetId::BASE),
        decimals: base_decimals(venue),
    };
    let held = ledger.holdings_of(account).filter_map(|held| {
        let asset = ledger.find_asset(held.asset)?;
        let index = ledger.instrument(asset.spec.priced_by).index.unwrap_or_default();
        Some(AssetBalance {
            query_id,
            account_id: account,
            asset_id: held.asset,
            balance: held.balance,
            collateral: asset.collateral(held.balance, index),
            withdrawable: ledger.withdrawable(account, held.asset),
            decimals: asset.spec.decimals,
        })
    });
    [base].into_iter().chain(held).collect()
}

/// Equity against maintenance margin, as it is now.
pub(super) fn margin_state(holder: &Account, assessment: &Assessment) -> Code<types::MarginState> {
    let is_liquidating = holder.state == AccountState::Liquidating;
    let state = if is_liquidating || assessment.is_below(Level::Maintenance) {
        types::MarginState::Liquidating
    } else if assessment.is_below(Level::Warning) {
        types::MarginState::Warned
    } else {
        types::MarginState::Healthy
    };
    Code::of(state)
}

/// Every asset, the unit of account first.
pub(super) fn assets(venue: &Venue, query_id: u64) -> Vec<AssetDef> {
    (0..venue.ledger().asset_numbers())
        .map(|number| asset_row(venue, query_id, AssetId::new(number)))
        .collect()
}

fn asset_row(venue: &Venue, query_id: u64, asset_id: AssetId) -> AssetDef {
    let ledger = venue.ledger();
    let debt = ledger.debt_terms(asset_id);
    let Some(asset) = ledger.find_asset(asset_id) else { return base_row(venue, query_id) };
    let spec = &asset.spec;
    let weights = spec.weights.iter().map(|slice| WeightRow { cap: slice.cap, weight: slice.weight.get() });
    AssetDef {
        query_id,
        asset_id,
        priced_by: U32N::from(spec.priced_by.get()),
        index: ledger.instrument(spec.priced_by).index.into(),
        liability_weight: spec.liability_weight.get(),
        wrong_way: spec.wrong_way.get(),
        full_weight_total: spec.full_weight_total,
        deposit_max: spec.deposit_max,
        deposits: Money::new(asset.deposits()),
        conversion_haircut: spec.conversion_haircut.get(),
        debt_max: debt.max,
        debt_interest: debt.interest.get(),
        decimals: spec.decimals,
        spend_rank: spec.spend_rank,
        symbol: Chars16(spec.symbol),
        weights: Group(weights.collect()),
    }
}

fn base_row(venue: &Venue, query_id: u64) -> AssetDef {
    let ledger = venue.ledger();
    let debt = ledger.debt_terms(AssetId::BASE);
    AssetDef {
        query_id,
        asset_id: AssetId::BASE,
        priced_by: U32N::NONE,
        index: None::<Mark>.into(),
        liability_weight: risk::Rate::ONE.get(),
        wrong_way: 0,
        full_weight_total: Money::ZERO,
        deposit_max: Money::new(risk::limits::MONEY_MAX),
        deposits: Money::new(ledger.deposits()),
        conversion_haircut: 0,
        debt_max: debt.max,
        debt_interest: debt.interest.get(),
        decimals: base_decimals(venue),
        spend_rank: 0,
        symbol: Chars16([0; 16]),
        weights: Group(Vec::new()),
    }
}

pub(super) const fn contract_kind(kind: ContractKind) -> types::ContractKind {
    match kind {
        ContractKind::Linear => types::ContractKind::Linear,
        ContractKind::Inverse => types::ContractKind::Inverse,
    }
}

pub(super) fn expiry(expiry_ns: u64) -> TimeNsN {
    TimeNsN::from((expiry_ns != 0).then(|| engine::TimeNs::new(expiry_ns)))
}

const fn oracle_state(state: OracleState) -> types::OracleState {
    match state {
        OracleState::Valid => types::OracleState::Valid,
        OracleState::Stale => types::OracleState::Stale,
        OracleState::Uncertain => types::OracleState::Uncertain,
        OracleState::Wild => types::OracleState::Wild,
        OracleState::NonPositive => types::OracleState::NonPositive,
    }
}

/// All terms of an instrument that exists.
pub(super) fn terms(venue: &Venue, query_id: u64, number: InstrumentId) -> InstrumentTerms {
    let instrument = venue.ledger().instrument(number);
    let spec = &instrument.spec;
    let (contract, adaptive, pricing, funding) =
        (&spec.contract, &spec.adaptive, &spec.pricing, &spec.funding);
    let rate = venue.funding_rate(number).filter(|_| funding.interval_ns != 0);
    let state = venue.oracle(number).map_or(OracleState::Stale, risk::oracle::Oracle::state);
    let rows = |tiers: &[Tier], table: u8| -> Vec<TierRow> {
        tiers.iter().map(|tier| TierRow { floor: tier.floor, rate: tier.rate.get(), table }).collect()
    };
    InstrumentTerms {
        query_id,
        instrument_id: number,
        multiplier: spec.multiplier,
        mark_step_max: spec.mark_step_max.get(),
        liquidation_fee: spec.liquidation_fee.get(),
        contract_kind: Code::of(contract_kind(contract.kind)),
        settlement_asset: contract.settlement,
        underlying: contract.underlying,
        expiry: expiry(contract.expiry_ns),
        averaging_ns: contract.averaging_ns,
        oi_lower: adaptive.oi_lower,
        oi_upper: adaptive.oi_upper,
        depth: adaptive.depth,
        concentration_free: adaptive.concentration_free,
        concentration_slope: adaptive.concentration_slope.get(),
        profit_weight: adaptive.profit_weight.get(),
        sources_min: pricing.sources_min,
        stale_ns: pricing.stale_ns,
        outlier: pricing.outlier.get(),
        uncertain: pricing.uncertain.get(),
        wild: pricing.wild.get(),
        confirmations: pricing.confirmations,
        component_band: pricing.component_band.get(),
        basis_tau_ns: pricing.basis_tau_ns,
        stable_step: pricing.stable_step.get(),
        frozen_step: pricing.frozen_step.get(),
        interval_ns: funding.interval_ns,
        rate_period_ns: funding.rate_period_ns,
        impact_notional: funding.impact_notional,
        interest: funding.interest.get(),
        interest_clamp: funding.interest_clamp.get(),
        rate_max: funding.rate_max.get(),
        stable: instrument.stable.into(),
        funding_rate: I64N::from(rate.map(risk::FundingRate::get)),
        oracle_state: Code::of(oracle_state(state)),
        tiers: Group([rows(&spec.initial_tiers, 1), rows(&spec.maintenance_tiers, 2)].concat()),
    }
}
