//! What is exported of the steps of liquidations, of deleveraging, and of who bears what is left.
//!
//! Invariant: as of every row: raw integers and fixed words. Equity is in `amount`, and what a position was given up for in
//! `value`, where both are said.

use engine::{DeleveragingCall, DeleveragingCut, DeleveragingDecision, Event, LiquidationStep};
use gateway::wire::types::I64N;
use risk::AssetId;

use super::{Column as C, Row};

impl Row {
    pub(super) fn fill_in_liquidation(&mut self, event: &Event) {
        if let Event::LiquidationStepped(ref step) = *event {
            self.fill_in_step(step);
        } else if let Event::LiquidationPaced { account, step } = *event {
            self.who(account);
            self.number(C::Step, step);
        } else if let Event::DeleveragingAsked(ref call) = *event {
            self.fill_in_call(call);
        } else if let Event::DeleveragingPlanned(ref decision) = *event {
            self.fill_in_decision(decision);
        } else if let Event::Deleveraged(ref cut) = *event {
            self.fill_in_cut(cut);
        } else if let Event::DeleveragingEnded { request, instrument, given_up, left, dust } = *event {
            self.at(instrument);
            self.number(C::Request, request);
            self.number(C::Position, given_up.get());
            self.number(C::Leaves, left.get());
            self.number(C::Amount, dust.get());
        } else if let Event::BadDebtBooked { account, asset, amount } = *event {
            self.who(account);
            if asset != AssetId::BASE {
                self.number(C::Asset, asset.get());
            }
            self.number(C::Amount, amount.get());
        } else if let Event::RiskGroupSet { group, terms } = *event {
            self.number(C::Group, group);
            self.number(C::ToAccount, terms.fund.get());
            if let Some(backstop) = terms.backstop {
                self.who(backstop);
            }
        } else if let Event::RiskGroupAssigned { instrument, group } = *event {
            self.at(instrument);
            self.number(C::Group, group);
        }
    }

    fn fill_in_step(&mut self, step: &LiquidationStep) {
        self.who(step.account);
        self.at(step.instrument);
        self.number(C::Step, step.step);
        self.number(C::Position, step.position.get());
        self.number(C::Qty, step.qty.get());
        self.number(C::Needed, step.needed.get());
        self.number(C::DepthCap, step.depth_cap.get());
        self.number(C::Mark, step.mark.get());
        self.number(C::Amount, step.equity.get());
        self.number(C::Maintenance, step.maintenance.get());
        self.number(C::Asked, step.asked.get());
        self.number(C::AtBankruptcy, step.at_bankruptcy.get());
        self.number(C::Allowance, step.allowance.get());
        self.number(C::Price, step.limit.get());
    }

    fn fill_in_call(&mut self, call: &DeleveragingCall) {
        self.at(call.instrument);
        self.number(C::Request, call.request);
        self.number(C::Round, call.round);
        self.number(C::Position, call.position.get());
        self.number(C::Value, call.amount.get());
        self.number(C::Mark, call.mark.get());
        self.number(C::Haircut, call.haircut.get());
        self.number(C::DeadlineNs, call.plan_by.get());
    }

    fn fill_in_decision(&mut self, decision: &DeleveragingDecision) {
        self.number(C::Request, decision.request);
        self.word(C::Detail, if decision.by_worker { "by_worker" } else { "by_venue" }.to_owned());
        if let Some(level) = I64N::leverage(decision.level).get() {
            self.number(C::LevelE9, level);
        }
        self.number(C::Holders, decision.holders);
        self.number(C::Lots, decision.lots);
        self.number(C::Amount, decision.equity);
    }

    fn fill_in_cut(&mut self, cut: &DeleveragingCut) {
        self.who(cut.account);
        self.at(cut.instrument);
        self.number(C::Request, cut.request);
        self.number(C::Qty, cut.position.get());
        self.number(C::Value, cut.amount.get());
        self.number(C::Mark, cut.mark.get());
        self.number(C::Lots, cut.held);
        self.number(C::Open, cut.open);
        self.number(C::Amount, cut.equity.get());
        self.number(C::Position, cut.left.get());
        self.number(C::Cost, cut.cost.get());
        self.number(C::Balance, cut.balance.get());
    }
}
