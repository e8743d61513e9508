//! Rows about what stands behind liquidations: ranks, risk groups, deleveragings that are not over, and maps.
//!
//! Invariant: every figure is one that `risk` or `engine` found; here it only gets its place in a row.

use engine::{DeleveragingStage, LiquidationStage, MapStep, Reject, Venue};
use risk::deleveraging::DeleveragingPolicy;
use risk::{AccountId, AssetId, InstrumentId, Money, Rate};

use crate::door::translate;
use crate::insight::Finding;
use crate::wire::Group;
use crate::wire::private::{self, DeleveragingRank, LiquidationMap, OpenDeleveraging, RiskGroup};
use crate::wire::types::{self, Code, I64N, IdN, Side, TimeNsN};

pub(super) const fn liquidation_stage(stage: Option<LiquidationStage>) -> types::LiquidationStage {
    match stage {
        None => types::LiquidationStage::None,
        Some(LiquidationStage::Queued) => types::LiquidationStage::Queued,
        Some(LiquidationStage::Paced) => types::LiquidationStage::Paced,
        Some(LiquidationStage::Held) => types::LiquidationStage::Held,
    }
}

const fn policy_of(policy: DeleveragingPolicy) -> types::DeleveragingPolicy {
    match policy {
        DeleveragingPolicy::Water => types::DeleveragingPolicy::Water,
        DeleveragingPolicy::Profit => types::DeleveragingPolicy::Profit,
        DeleveragingPolicy::LeveragedProfit => types::DeleveragingPolicy::LeveragedProfit,
    }
}

/// How soon a holder would be deleveraged; no row where it holds nothing or has no equity.
///
/// # Errors
/// [`Reject`]: no such account or instrument.
pub(crate) fn rank_rows(
    venue: &Venue,
    query_id: u64,
    (account, instrument): (AccountId, InstrumentId),
    from: AccountId,
) -> Result<Vec<Finding>, Reject> {
    // An isolated position is held by an account of its own.
    let mut isolated = venue.isolated_positions(account);
    let acting = isolated.find(|(at, _, is_on)| *at == instrument && *is_on);
    let account = acting.map_or(account, |(_, acting, _)| acting);
    let rank = venue.deleveraging_rank(account, instrument, from)?;
    let row = rank.map(|rank| DeleveragingRank {
        query_id,
        account_id: account,
        instrument_id: instrument,
        held_lots: rank.holder.held,
        open_lots: rank.holder.open,
        equity: rank.holder.equity,
        level_e9: I64N::leverage(Some(rank.level())),
        policy: Code::of(policy_of(rank.policy)),
        ahead: rank.ahead,
        holders: rank.holders,
        next_account: rank.next.map(AccountId::get).into(),
    });
    Ok(row.map(Finding::Rank).into_iter().collect())
}

/// A risk group, and every deleveraging that is not over; what the backstop account has is an operator's to know.
///
/// # Errors
/// [`Reject`]: no such group.
pub(crate) fn group_rows(
    venue: &Venue,
    query_id: u64,
    group: u8,
    is_operator: bool,
) -> Result<Vec<Finding>, Reject> {
    let row = group_row(venue, query_id, group, is_operator).ok_or(Reject::BadParameter)?;
    let open = venue.deleveragings().map(|one| {
        let (stage, plan_by) = match one.stage {
            DeleveragingStage::Collecting => (types::DeleveragingStage::Collecting, TimeNsN::NONE),
            DeleveragingStage::Asked { plan_by } => {
                (types::DeleveragingStage::Asked, translate::deadline(plan_by))
            }
            DeleveragingStage::Planning => (types::DeleveragingStage::Planning, TimeNsN::NONE),
            DeleveragingStage::Cutting => (types::DeleveragingStage::Cutting, TimeNsN::NONE),
        };
        OpenDeleveraging {
            query_id,
            request: one.request,
            instrument_id: one.instrument,
            position_qty: one.position.get(),
            amount: one.amount,
            given_up_qty: one.given_up.get(),
            plan_by,
            round: one.round,
            stage: Code::of(stage),
        }
    });
    Ok(core::iter::once(Finding::Group(Box::new(row))).chain(open.map(Finding::Deleveraging)).collect())
}

fn group_row(venue: &Venue, query_id: u64, group: u8, is_operator: bool) -> Option<RiskGroup> {
    let ledger = venue.ledger();
    let terms = ledger.risk_group(group)?;
    let now_ns = venue.last_stamp().time.get();
    let backstop = terms.backstop.filter(|_| is_operator).map(|account| ledger.assess(account));
    Some(RiskGroup {
        query_id,
        group,
        fund_account_id: terms.fund,
        fund_account_max: terms.fund_account_max,
        fund_share: terms.fund_share.get(),
        fund_window_ns: terms.fund_window_ns,
        fund_spread: terms.fund_spread.get(),
        backstop_account_id: terms.backstop.map(AccountId::get).into(),
        backstop_margin_max: terms.backstop_margin_max,
        backstop_at: terms.backstop_at.get(),
        target: terms.target.get(),
        adjust: terms.adjust.get(),
        urgency: terms.urgency.get(),
        spread: terms.spread.get(),
        step_share: terms.step_share.get(),
        step_min: terms.step_min,
        steps_max: terms.steps_max,
        policy: Code::of(policy_of(terms.policy)),
        plan_within_ms: terms.plan_within_ms,
        fund_balance: ledger.balance(terms.fund, AssetId::BASE),
        fund_allowance: ledger.fund_allowance(group, AssetId::BASE, Money::ZERO, now_ns),
        fund_peak: ledger.fund_peak(group, now_ns),
        backstop_equity: backstop.as_ref().map(|now| now.equity).into(),
        backstop_initial_margin: backstop.map(|now| now.initial.ceil()).into(),
        groups: ledger.risk_groups(),
        liquidating: u32::try_from(venue.liquidations()).unwrap_or(u32::MAX),
    })
}

/// A page of a liquidation map.
///
/// # Errors
/// [`Reject`]: no such instrument, no mark, or what is asked makes no sense.
pub(crate) fn map_rows(
    venue: &Venue,
    query_id: u64,
    instrument: InstrumentId,
    (width, steps): (Rate, u16),
    from: u64,
) -> Result<Vec<Finding>, Reject> {
    let map = venue.liquidation_map(instrument, width, steps, from)?;
    let row = |side: Side| {
        move |step: &MapStep| private::MapStep {
            to: step.to,
            qty: step.qty,
            positions: step.positions,
            depth: step.depth,
            side: Code::of(side),
        }
    };
    let longs = map.longs.iter().map(row(Side::Buy));
    let rows = longs.chain(map.shorts.iter().map(row(Side::Sell)));
    Ok(vec![Finding::Map(LiquidationMap {
        query_id,
        instrument_id: instrument,
        mark: map.mark.into(),
        next: IdN::from(map.next),
        steps: Group(rows.collect()),
    })])
}
