//! Events of liquidation and of deleveraging as messages.
//!
//! Invariant: as of every message: a pure function of one event and of the command that brought it about; a cut also says
//! the level of the decision before it. Each function is `None` for other events.

use engine::Event;
use risk::{AccountId, Money, Price};

use crate::outcome::Outcome;
use crate::wire::private;
use crate::wire::types::{I64N, Octets, PriceN};

/// Whom an event of these is about; `None` where it is about no account.
pub(in crate::door) fn account_of(event: &Event) -> Option<AccountId> {
    if let Event::LiquidationStepped(ref step) = *event {
        Some(step.account)
    } else if let Event::Deleveraged(ref cut) = *event {
        Some(cut.account)
    } else if let Event::LiquidationPaced { account, .. } | Event::BadDebtBooked { account, .. } = *event {
        Some(account)
    } else {
        None
    }
}

pub(in crate::door) fn stepped(outcome: &Outcome<'_>, event: &Event) -> Option<private::LiquidationStepped> {
    let Event::LiquidationStepped(ref step) = *event else { return None };
    Some(private::LiquidationStepped {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: step.account,
        instrument_id: step.instrument,
        position_qty: step.position.get(),
        qty: step.qty,
        needed_qty: step.needed,
        depth_qty: step.depth_cap,
        mark: step.mark,
        equity: step.equity,
        maintenance_margin: step.maintenance,
        asked: step.asked,
        at_bankruptcy: step.at_bankruptcy,
        allowance: step.allowance,
        limit_px: PriceN::from((step.limit != Price::new(0)).then_some(step.limit)),
        step: step.step,
    })
}

pub(in crate::door) fn paced(outcome: &Outcome<'_>, event: &Event) -> Option<private::LiquidationPaced> {
    let Event::LiquidationPaced { account, step } = *event else { return None };
    Some(private::LiquidationPaced {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        step,
    })
}

pub(in crate::door) fn deleveraged(
    outcome: &Outcome<'_>,
    event: &Event,
    level_e9: I64N,
) -> Option<private::Deleveraged> {
    let Event::Deleveraged(ref cut) = *event else { return None };
    Some(private::Deleveraged {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        request: cut.request,
        account_id: cut.account,
        instrument_id: cut.instrument,
        qty: cut.position.get(),
        amount: cut.amount,
        mark: cut.mark,
        held_lots: cut.held,
        open_lots: cut.open,
        equity: cut.equity,
        level_e9,
        position_qty: cut.left.get(),
        position_cost: cut.cost,
        balance: cut.balance,
    })
}

pub(in crate::door) fn bad_debt(outcome: &Outcome<'_>, event: &Event) -> Option<private::BadDebtBooked> {
    let Event::BadDebtBooked { account, asset, amount } = *event else { return None };
    Some(private::BadDebtBooked {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        asset_id: asset,
        amount,
    })
}

/// What a backstop account hears of a takeover.
pub(in crate::door) fn assumed(outcome: &Outcome<'_>, event: &Event) -> Option<private::PositionAssumed> {
    let Event::TakenOver { by, instrument, position, amount, .. } = *event else { return None };
    Some(private::PositionAssumed {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: by,
        instrument_id: instrument,
        qty: position.get(),
        amount,
    })
}

pub(in crate::door) fn asked(outcome: &Outcome<'_>, event: &Event) -> Option<private::DeleveragingAsked> {
    let Event::DeleveragingAsked(ref call) = *event else { return None };
    Some(private::DeleveragingAsked {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        request: call.request,
        instrument_id: call.instrument,
        position_qty: call.position.get(),
        amount: call.amount,
        mark: call.mark,
        lot_value: call.value,
        haircut: call.haircut,
        plan_by: super::deadline(call.plan_by),
        round: call.round,
    })
}

pub(in crate::door) fn planned(outcome: &Outcome<'_>, event: &Event) -> Option<private::DeleveragingPlanned> {
    let Event::DeleveragingPlanned(ref decision) = *event else { return None };
    let cut_off = |sum: i128| i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN + 1 } else { i64::MAX });
    Some(private::DeleveragingPlanned {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        request: decision.request,
        basis_seq: decision.basis,
        level_e9: I64N::leverage(decision.level),
        holders: decision.holders,
        lots: cut_off(decision.lots),
        equity: Money::new(cut_off(decision.equity)),
        commitment: Octets(decision.commitment),
        by_worker: u8::from(decision.by_worker),
    })
}

pub(in crate::door) fn ended(outcome: &Outcome<'_>, event: &Event) -> Option<private::DeleveragingEnded> {
    let Event::DeleveragingEnded { request, instrument, given_up, left, dust } = *event else { return None };
    Some(private::DeleveragingEnded {
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        request,
        instrument_id: instrument,
        given_up_qty: given_up.get(),
        left_qty: left.get(),
        dust,
    })
}
