//! Events of money, margin and collateral as messages.
//!
//! Invariant: as of every message: a pure function of one event and of the command that brought it about. Each function
//! is `None` for other events.

use engine::{ConversionReason, Event, MarginState, Movement, MovementReason};
use risk::{AccountId, Requirement, Standing};

use crate::outcome::Outcome;
use crate::wire::private;
use crate::wire::types::{self, AccountStatus, Code, I64N, IdN};

/// Whom an event of margin or collateral is about.
pub(in crate::door) fn account_of(event: &Event) -> Option<AccountId> {
    if let Event::MarginStateChanged { account, .. }
    | Event::FundingBooked { account, .. }
    | Event::Converted { account, .. }
    | Event::InterestCharged { account, .. }
    | Event::StandingChanged { account, .. }
    | Event::DeficitCovered { account, .. }
    | Event::FeeTierSet { account, .. }
    | Event::WouldLiquidate { account, .. }
    | Event::LiquidationHeld { account }
    | Event::LiquidationResumed { account } = *event
    {
        Some(account)
    } else {
        None
    }
}

pub(crate) const fn status_of(standing: Standing) -> AccountStatus {
    match standing {
        Standing::Active => AccountStatus::Active,
        Standing::ReduceOnly => AccountStatus::ReduceOnly,
        Standing::Suspended => AccountStatus::Suspended,
        Standing::Liquidating => AccountStatus::Liquidating,
        Standing::Bankrupt => AccountStatus::Bankrupt,
    }
}

pub(crate) const fn margin_state(state: MarginState) -> types::MarginState {
    match state {
        MarginState::Healthy => types::MarginState::Healthy,
        MarginState::Warned => types::MarginState::Warned,
        MarginState::Liquidating => types::MarginState::Liquidating,
    }
}

pub(in crate::door) fn movement(
    outcome: &Outcome<'_>,
    movement: &Movement,
    side: AccountId,
    request_id: IdN,
) -> private::Movement {
    let gave = side == movement.from;
    let reason = match movement.reason {
        MovementReason::Requested => types::MovementReason::Requested,
        MovementReason::MarginShort => types::MovementReason::MarginShort,
        MovementReason::MarginMoved => types::MovementReason::MarginMoved,
        MovementReason::PositionOver => types::MovementReason::PositionOver,
    };
    private::Movement {
        request_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: side,
        from_account_id: movement.from,
        to_account_id: movement.to,
        asset_id: movement.asset,
        amount: movement.amount,
        balance: if gave { movement.from_balance } else { movement.to_balance },
        external_id: IdN::from((movement.external_id != 0).then_some(movement.external_id)),
        reason: Code::of(reason),
    }
}

pub(in crate::door) fn repeated(outcome: &Outcome<'_>, event: &Event) -> Option<private::TransferRepeated> {
    let Event::TransferRepeated { account, external_id, balance } = *event else { return None };
    Some(private::TransferRepeated {
        request_id: super::request_id(outcome.command.client_order_id),
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        external_id,
        balance,
    })
}

pub(in crate::door) fn margin_mode(
    outcome: &Outcome<'_>,
    event: &Event,
    request_id: IdN,
) -> Option<private::MarginModeChanged> {
    let Event::MarginModeSet { account, instrument, isolated, acting } = *event else { return None };
    let mode = if isolated { types::MarginMode::Isolated } else { types::MarginMode::Cross };
    Some(private::MarginModeChanged {
        request_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        acting_account_id: acting,
        mode: Code::of(mode),
    })
}

pub(in crate::door) fn margin_state_changed(
    outcome: &Outcome<'_>,
    event: &Event,
) -> Option<private::MarginStateChanged> {
    let Event::MarginStateChanged { account, state, equity, exposure, initial, maintenance } = *event else {
        return None;
    };
    Some(private::MarginStateChanged {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        equity,
        exposure,
        initial_margin: initial,
        maintenance_margin: maintenance,
        leverage_e9: I64N::ratio(Requirement::of_money(exposure), equity),
        margin_ratio_e9: I64N::ratio(Requirement::of_money(maintenance), equity),
        state: Code::of(margin_state(state)),
    })
}

pub(in crate::door) fn funding(outcome: &Outcome<'_>, event: &Event) -> Option<private::FundingBooked> {
    let Event::FundingBooked { account, instrument, paid, balance } = *event else { return None };
    Some(private::FundingBooked {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        paid,
        balance,
    })
}

pub(in crate::door) fn converted(outcome: &Outcome<'_>, event: &Event) -> Option<private::Converted> {
    let Event::Converted { account, conversion, reason } = *event else { return None };
    let reason = match reason {
        ConversionReason::DebtAboveMax => types::ConversionReason::DebtAboveMax,
        ConversionReason::Liquidation => types::ConversionReason::Liquidation,
    };
    Some(private::Converted {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        sold_asset_id: conversion.sold,
        given: conversion.given,
        bought_asset_id: conversion.bought,
        received: conversion.received,
        reason: Code::of(reason),
    })
}

pub(in crate::door) fn interest(outcome: &Outcome<'_>, event: &Event) -> Option<private::InterestCharged> {
    let Event::InterestCharged { account, asset, amount, balance } = *event else { return None };
    Some(private::InterestCharged {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        asset_id: asset,
        amount,
        balance,
    })
}

pub(in crate::door) fn standing(outcome: &Outcome<'_>, event: &Event) -> Option<private::StandingChanged> {
    let Event::StandingChanged { account, standing } = *event else { return None };
    Some(private::StandingChanged {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        status: Code::of(status_of(standing)),
    })
}

pub(in crate::door) fn covered(outcome: &Outcome<'_>, event: &Event) -> Option<private::DeficitCovered> {
    let Event::DeficitCovered { account, asset, amount } = *event else { return None };
    Some(private::DeficitCovered {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        asset_id: asset,
        amount,
    })
}

pub(in crate::door) fn fee_tier(outcome: &Outcome<'_>, event: &Event) -> Option<private::FeeTierSet> {
    let Event::FeeTierSet { account, tier } = *event else { return None };
    Some(private::FeeTierSet {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        tier,
    })
}

pub(in crate::door) fn would_liquidate(
    outcome: &Outcome<'_>,
    event: &Event,
) -> Option<private::WouldLiquidate> {
    let Event::WouldLiquidate { account, instrument, equity, maintenance } = *event else { return None };
    Some(private::WouldLiquidate {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        equity,
        maintenance_margin: maintenance,
    })
}

pub(in crate::door) fn held(outcome: &Outcome<'_>, event: &Event) -> Option<private::LiquidationHeld> {
    let (Event::LiquidationHeld { account } | Event::LiquidationResumed { account }) = *event else {
        return None;
    };
    Some(private::LiquidationHeld {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        held: u8::from(matches!(event, Event::LiquidationHeld { .. })),
    })
}
