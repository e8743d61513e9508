//! Risk groups, liquidation and deleveraging: words into commands, and events into words.

use engine::{Action, DeleveragingCall, DeleveragingCut, DeleveragingPlan, Event, LiquidationStep, Seq};
use risk::deleveraging::{Cut, DeleveragingPolicy};
use risk::{InstrumentId, Money, RiskGroupTerms};

use super::Story;
use super::read::{number, rate, settings, small};
use super::write::after_start;

const NS_PER_MS: u64 = 1_000_000;

impl Story<'_> {
    /// `risk_group N settings...`: what is not said is as in a group that nobody has set.
    pub(crate) fn risk_group(&self, group: &str, words: &[&str]) -> Result<Action, String> {
        let group = u8::try_from(small(group)?).map_err(|error| error.to_string())?;
        let mut terms = RiskGroupTerms::DEFAULT;
        for (name, value) in settings(words)? {
            match name {
                "fund" => terms.fund = self.account(value)?,
                "account_max" => terms.fund_account_max = Money::new(number(value)?),
                "fund_share" => terms.fund_share = rate(value)?,
                "window" => terms.fund_window_ns = number(value)?.unsigned_abs() * NS_PER_MS,
                "fund_spread" => terms.fund_spread = rate(value)?,
                "backstop" => terms.backstop = Some(self.account(value)?),
                "margin_max" => terms.backstop_margin_max = Money::new(number(value)?),
                "backstop_at" => terms.backstop_at = rate(value)?,
                "target" => terms.target = rate(value)?,
                "adjust" => terms.adjust = rate(value)?,
                "urgency" => terms.urgency = rate(value)?,
                "spread" => terms.spread = rate(value)?,
                "share" => terms.step_share = rate(value)?,
                "step_min" => terms.step_min = Money::new(number(value)?),
                "steps" => {
                    terms.steps_max = u16::try_from(small(value)?).map_err(|error| error.to_string())?;
                }
                "policy" => terms.policy = policy(value)?,
                "plan_within" => terms.plan_within_ms = small(value)?,
                _ => return Err(format!("no setting {name}")),
            }
        }
        Ok(Action::SetRiskGroup { group, terms: Box::new(terms) })
    }

    /// `assign INSTRUMENT GROUP`.
    pub(crate) fn assign(instrument: &str, group: &str) -> Result<Action, String> {
        let group = u8::try_from(small(group)?).map_err(|error| error.to_string())?;
        Ok(Action::AssignRiskGroup { instrument: InstrumentId::new(small(instrument)?), group })
    }

    /// `plan REQUEST [stale] [part=N] [more] [level=A/B] NAME:LOTS[:hedged]...`: of the state after the command that asked,
    /// or `stale` of the one before.
    pub(crate) fn plan(&self, request: &str, words: &[&str]) -> Result<Action, String> {
        let request = number(request)?.unsigned_abs();
        let asked = self.bases.get(&request).copied().unwrap_or(0);
        let mut plan = DeleveragingPlan {
            request,
            basis: Seq::new(asked),
            part: 0,
            is_last: true,
            level: None,
            holders: 0,
            lots: 0,
            equity: 0,
            commitment: [0; 32],
            cuts: Vec::new(),
        };
        for &word in words {
            if let Some(part) = word.strip_prefix("part=") {
                plan.part = small(part)?;
            } else if let Some(level) = word.strip_prefix("level=") {
                let (over, under) = level.split_once('/').ok_or("a level is a fraction")?;
                plan.level = Some((number(over)?.into(), number(under)?.into()));
            } else if word == "stale" {
                plan.basis = Seq::new(asked.saturating_sub(1));
            } else if word == "more" {
                plan.is_last = false;
            } else {
                plan.cuts.push(self.cut(word)?);
            }
        }
        Ok(Action::Deleverage(Box::new(plan)))
    }

    fn cut(&self, word: &str) -> Result<Cut, String> {
        let (name, lots) = word.split_once(':').ok_or_else(|| format!("{word} is not a cut"))?;
        let (lots, hedged) = lots.split_once(':').map_or((lots, false), |(lots, _)| (lots, true));
        Ok(Cut { account: self.account(name)?, lots: number(lots)?, hedged })
    }

    /// What happens to an account below maintenance.
    pub(crate) fn of_liquidation(&self, event: &Event) -> String {
        if let Event::LiquidationStarted { account, equity, maintenance } = *event {
            let account = self.owner(account);
            format!("liquidation of {account} begins equity {equity} maintenance {maintenance}")
        } else if let Event::LiquidationStepped(step) = event {
            self.of_step(step)
        } else if let Event::LiquidationPaced { account, step } = *event {
            format!("liquidation of {} rests after step {step}", self.owner(account))
        } else if let Event::TakenOver { account, by, position, amount, added, .. } = *event {
            let aid = if added == Money::ZERO { String::new() } else { format!(" fund adds {added}") };
            format!("{} takes {position} from {} for {amount}{aid}", self.owner(by), self.owner(account))
        } else if let Event::LiquidationEnded { account, equity, covered } = *event {
            format!("liquidation of {} ends equity {equity} covered {covered}", self.owner(account))
        } else if let Event::BadDebtBooked { account, asset, amount } = *event {
            format!("bad debt of {} {amount}{}", self.owner(account), self.of_asset(asset))
        } else {
            self.of_deleveraging(event)
        }
    }

    fn of_step(&self, step: &LiquidationStep) -> String {
        let LiquidationStep { position, qty, needed, depth_cap, asked, at_bankruptcy, .. } = *step;
        let account = self.owner(step.account);
        let of = format!("step {} of {account} {qty} of {position}", step.step);
        let sizes = format!("needed {needed} depth {depth_cap}");
        let aid =
            if step.allowance == Money::ZERO { String::new() } else { format!(" aid {}", step.allowance) };
        format!("{of} {sizes} asked {asked} bankrupt {at_bankruptcy}{aid} limit {}", step.limit)
    }

    fn of_deleveraging(&self, event: &Event) -> String {
        if let Event::DeleveragingAsked(call) = *event {
            let DeleveragingCall { request, round, position, amount, value, haircut, plan_by, .. } = call;
            let by = if plan_by.get() == 0 {
                "at once".to_owned()
            } else {
                format!("by {}", after_start(plan_by))
            };
            let what = format!("{position} for {amount}, a lot {value} and {haircut}");
            format!("deleveraging {request} call {round} of {what}, {by}")
        } else if let Event::DeleveragingPlanned(plan) = event {
            let by = if plan.by_worker { "worker" } else { "venue" };
            let level = plan.level.map_or("none".to_owned(), |(over, under)| format!("{over}/{under}"));
            let sums = format!("{} holders {} lots {} equity", plan.holders, plan.lots, plan.equity);
            format!("deleveraging {} planned by {by} level {level} of {sums}", plan.request)
        } else if let Event::Deleveraged(cut) = *event {
            let DeleveragingCut { account, position, amount, left, balance, .. } = cut;
            format!("{} gives up {position} for {amount} left {left} balance {balance}", self.owner(account))
        } else if let Event::DeleveragingEnded { request, given_up, left, dust, .. } = *event {
            format!("deleveraging {request} ends given up {given_up} left {left} dust {dust}")
        } else if let Event::RiskGroupSet { group, .. } = *event {
            format!("risk group {group}")
        } else if let Event::RiskGroupAssigned { instrument, group } = *event {
            format!("risk group of {instrument} is {group}")
        } else {
            event.name().to_owned()
        }
    }
}

fn policy(word: &str) -> Result<DeleveragingPolicy, String> {
    Ok(match word {
        "water" => DeleveragingPolicy::Water,
        "profit" => DeleveragingPolicy::Profit,
        "leveraged" => DeleveragingPolicy::LeveragedProfit,
        _ => return Err(format!("no policy {word}")),
    })
}
