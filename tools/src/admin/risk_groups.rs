//! Risk groups as an operator handles them.
//!
//! Invariant: every figure is the venue's own; rates are percentages, money has the decimals of the unit of account.

use std::io::Write;

use gateway::client::{Query, Request, request};
use gateway::wire::private::{AssignRiskGroup, OpenDeleveraging, RiskGroup};
use risk::Money;
use serde::Serialize;

use super::args::{AssignArgs, RiskGroupAction};
use crate::config::read_risk_group;
use crate::desk::Desk;
use crate::desk::instruments::Instruments;
use crate::desk::told::word;
use crate::format::{group_whole, percent};

/// The request about a group: its terms are set as a file says.
pub(super) fn request(desk: &Desk, action: &RiskGroupAction) -> anyhow::Result<Request> {
    match action {
        RiskGroupAction::Set { group, file } => {
            let terms = read_risk_group(file, desk.instruments.money_decimals()?)?;
            Ok(request::set_risk_group(*group, &terms).into())
        }
        RiskGroupAction::Show { .. } => anyhow::bail!("what is shown is no request"),
    }
}

/// The request that puts an instrument into a group.
pub(super) fn assign(desk: &Desk, args: &AssignArgs) -> anyhow::Result<AssignRiskGroup> {
    let instrument = desk.instruments.find(&args.instrument)?.instrument_id;
    Ok(request::assign_risk_group(instrument, args.group))
}

/// A risk group as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct GroupReport {
    group: u8,
    fund: u32,
    fund_balance: String,
    fund_peak: String,
    fund_may_give: String,
    fund_account_max: String,
    fund_share: String,
    fund_window_s: u64,
    fund_spread: String,
    backstop: Option<u32>,
    backstop_equity: Option<String>,
    backstop_initial_margin: Option<String>,
    backstop_margin_max: String,
    backstop_at: String,
    target: String,
    adjust: String,
    urgency: String,
    spread: String,
    step_share: String,
    step_min: String,
    steps_max: u16,
    policy: String,
    plan_within_ms: u32,
    groups: u8,
    liquidations: u32,
    deleveragings: Vec<DeleveragingReport>,
}

/// A deleveraging that is not over, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct DeleveragingReport {
    request: u64,
    instrument: String,
    position: String,
    given_up: String,
    round: u8,
    stage: String,
}

impl DeleveragingReport {
    fn of(row: &OpenDeleveraging, instruments: &Instruments) -> Self {
        Self {
            request: row.request,
            instrument: instruments.name(row.instrument_id),
            position: instruments.qty(row.instrument_id, row.position_qty),
            given_up: instruments.qty(row.instrument_id, row.given_up_qty),
            round: row.round,
            stage: word(row.stage),
        }
    }
}

impl GroupReport {
    fn of(row: &RiskGroup, open: &[OpenDeleveraging], instruments: &Instruments) -> Self {
        let money = |amount: Money| instruments.money(amount);
        let part = |parts_per_billion: u32| percent(i64::from(parts_per_billion));
        Self {
            group: row.group,
            fund: row.fund_account_id.get(),
            fund_balance: money(row.fund_balance),
            fund_peak: money(row.fund_peak),
            fund_may_give: money(row.fund_allowance),
            fund_account_max: money(row.fund_account_max),
            fund_share: part(row.fund_share),
            fund_window_s: row.fund_window_ns.div_euclid(1_000_000_000),
            fund_spread: part(row.fund_spread),
            backstop: row.backstop_account_id.get(),
            backstop_equity: row.backstop_equity.get().map(money),
            backstop_initial_margin: row.backstop_initial_margin.get().map(money),
            backstop_margin_max: money(row.backstop_margin_max),
            backstop_at: part(row.backstop_at),
            target: part(row.target),
            adjust: part(row.adjust),
            urgency: part(row.urgency),
            spread: part(row.spread),
            step_share: part(row.step_share),
            step_min: money(row.step_min),
            steps_max: row.steps_max,
            policy: word(row.policy),
            plan_within_ms: row.plan_within_ms,
            groups: row.groups,
            liquidations: row.liquidating,
            deleveragings: open.iter().map(|one| DeleveragingReport::of(one, instruments)).collect(),
        }
    }

    /// Names and values, as they are printed.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let or_none =
            |text: &Option<String>| text.as_ref().map_or_else(|| "none".to_owned(), |text| group_whole(text));
        vec![
            ("fund", format!("account {}", self.fund)),
            ("has", group_whole(&self.fund_balance)),
            ("most in the window", group_whole(&self.fund_peak)),
            ("may give now", group_whole(&self.fund_may_give)),
            ("for one account", group_whole(&self.fund_account_max)),
            ("in a window", format!("{} in {} s", self.fund_share, self.fund_window_s)),
            ("beyond the mark", self.fund_spread.clone()),
            (
                "backstop",
                self.backstop.map_or_else(|| "none".to_owned(), |account| format!("account {account}")),
            ),
            ("its equity", or_none(&self.backstop_equity)),
            ("its initial margin", or_none(&self.backstop_initial_margin)),
            ("at most", group_whole(&self.backstop_margin_max)),
            ("book given up at", self.backstop_at.clone()),
            ("target", self.target.clone()),
            ("adjust", self.adjust.clone()),
            ("urgency", self.urgency.clone()),
            ("spread", self.spread.clone()),
            ("step", format!("{} of the depth", self.step_share)),
            ("at least", group_whole(&self.step_min)),
            ("steps", self.steps_max.to_string()),
            ("policy", self.policy.clone()),
            ("plan within", format!("{} ms", self.plan_within_ms)),
            ("liquidations", self.liquidations.to_string()),
        ]
    }
}

/// Prints a group; the exit code.
pub(super) fn show(desk: &mut Desk, group: u8, json: bool, output: &mut dyn Write) -> anyhow::Result<u8> {
    let answer = desk.ask(Query::RiskGroup { group })?;
    let row = answer.risk_group.as_ref();
    let row = row.ok_or_else(|| anyhow::anyhow!("there is no risk group {group}; the first is 0"))?;
    let report = GroupReport::of(row, &answer.deleveragings, &desk.instruments);
    if json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
        return Ok(0);
    }
    writeln!(output, "risk group {group} of {}, as of command {}\n", report.groups, answer.seq.get())?;
    for (name, value) in report.rows() {
        writeln!(output, "  {name:<20} {value:>24}")?;
    }
    for one in &report.deleveragings {
        let DeleveragingReport { request, instrument, position, given_up, round, stage } = one;
        writeln!(
            output,
            "\n  deleveraging {request}: {position} {instrument}, given up {given_up}, call {round}, {stage}"
        )?;
    }
    Ok(0)
}
