//! Requests of operators about risk groups as commands.
//!
//! Invariant: every field of the terms is said; the engine judges them.

use engine::Action;
use risk::deleveraging::DeleveragingPolicy;
use risk::{AccountId, Rate, RiskGroupTerms};

use super::{Request, named};
use crate::wire::codes::ErrorCode;
use crate::wire::message::{Message, Refusal};
use crate::wire::{private, types};

pub(super) fn set_risk_group(message: &private::SetRiskGroup) -> Result<Request, Refusal> {
    type M = private::SetRiskGroup;
    let policy = match message.policy.get().ok_or(refusal!(M, BadEnum, "policy"))? {
        types::DeleveragingPolicy::Water => DeleveragingPolicy::Water,
        types::DeleveragingPolicy::Profit => DeleveragingPolicy::Profit,
        types::DeleveragingPolicy::LeveragedProfit => DeleveragingPolicy::LeveragedProfit,
    };
    let terms = RiskGroupTerms {
        fund: message.fund_account_id,
        fund_account_max: message.fund_account_max,
        fund_share: Rate::new(message.fund_share),
        fund_window_ns: message.fund_window_ns,
        fund_spread: Rate::new(message.fund_spread),
        backstop: message.backstop_account_id.get().map(AccountId::new),
        backstop_margin_max: message.backstop_margin_max,
        backstop_at: Rate::new(message.backstop_at),
        target: Rate::new(message.target),
        adjust: Rate::new(message.adjust),
        urgency: Rate::new(message.urgency),
        spread: Rate::new(message.spread),
        step_share: Rate::new(message.step_share),
        step_min: message.step_min,
        steps_max: message.steps_max,
        policy,
        plan_within_ms: message.plan_within_ms,
    };
    let action = Action::SetRiskGroup { group: message.group, terms: Box::new(terms) };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

pub(super) fn assign_risk_group(message: &private::AssignRiskGroup) -> Result<Request, Refusal> {
    let action = Action::AssignRiskGroup { instrument: message.instrument_id, group: message.group };
    named(message.request_id, refusal!(private::AssignRiskGroup, NullInRequired, "request_id"), action)
}
