//! Audits in words.
//!
//! Invariant: amounts are in the smallest unit of the asset they are in; leverage has two decimals.

use std::io::Write;

use risk::deleveraging::DeleveragingPolicy;

use super::calls::{Audited, CallAudit};
use super::holder::HolderAudit;
use super::steps::StepsAudit;
use crate::desk::table::{Align, Table};
use crate::format::{decimal, grouped};

/// Cuts that are shown of a call.
const CUTS_SHOWN: usize = 20;

pub(super) const fn policy(policy: DeleveragingPolicy) -> &'static str {
    match policy {
        DeleveragingPolicy::Water => "water",
        DeleveragingPolicy::Profit => "profit",
        DeleveragingPolicy::LeveragedProfit => "leveraged profit",
    }
}

fn verdict(differences: &[String]) -> &'static str {
    if differences.is_empty() {
        "everything is what the rule gives"
    } else {
        "DIFFERS from what the rule gives"
    }
}

fn level(level: Option<(i128, i128)>) -> String {
    level.map_or_else(|| "none".to_owned(), |(over, under)| decimal((over * 100).div_euclid(under.max(1)), 2))
}

/// All deleveragings, one call a line.
pub(super) fn list(audited: &Audited, output: &mut dyn Write) -> anyhow::Result<()> {
    let head = [
        "basis",
        "request",
        "round",
        "instrument",
        "position",
        "planned",
        "by",
        "level",
        "holders",
        "cuts",
        "lots",
        "haircuts",
    ];
    let mut table =
        Table::new(&head.map(|name| (name, if name == "by" { Align::Left } else { Align::Right })));
    for call in &audited.calls {
        let hit = call.cuts.iter().filter(|cut| cut.lots > 0).count();
        table.push(vec![
            call.basis.to_string(),
            call.request.to_string(),
            call.round.to_string(),
            call.instrument.to_string(),
            grouped(call.position.into()),
            call.planned_at.map_or_else(|| "-".to_owned(), |seq| seq.to_string()),
            if call.by_worker { "worker".to_owned() } else { "venue".to_owned() },
            level(call.level),
            grouped(call.holders as i128),
            grouped(hit as i128),
            grouped(call.given_up.into()),
            grouped(call.haircuts.into()),
        ]);
    }
    write!(output, "{table}")?;
    let (calls, cuts) = (grouped(audited.calls.len() as i128), grouped(audited.compared.into()));
    writeln!(output, "{calls} calls and {cuts} cuts computed again: {}", verdict(&audited.differences))?;
    Ok(())
}

/// The calls of one deleveraging, with cuts where they are asked for.
pub(super) fn calls(audited: &Audited, with_cuts: bool, output: &mut dyn Write) -> anyhow::Result<()> {
    for call in &audited.calls {
        show_call(call, output)?;
        if let Some(holder) = &call.holder {
            show_holder(call, holder, output)?;
        } else if with_cuts {
            show_cuts(call, output)?;
        } else {
            writeln!(output, "  the account asked for held nothing of the other side, or had no equity")?;
        }
    }
    writeln!(output, "{}", verdict(&audited.differences))?;
    Ok(())
}

fn show_call(call: &CallAudit, output: &mut dyn Write) -> anyhow::Result<()> {
    let side = if call.position > 0 { "long" } else { "short" };
    writeln!(
        output,
        "deleveraging {}, call {}: after command {} a {side} of {} in instrument {} was offered for {}",
        call.request,
        call.round,
        call.basis,
        grouped(i128::from(call.position).abs()),
        call.instrument,
        grouped(call.amount.into())
    )?;
    writeln!(
        output,
        "  why        {} accounts were handed over since the call before; they lacked {}, of which the fund added {}",
        call.bankrupt.len(),
        grouped(call.deficit.into()),
        grouped(call.fund.into())
    )?;
    writeln!(
        output,
        "  price      a lot is worth {} at the mark and costs {} beyond it",
        grouped(call.value.into()),
        grouped(call.haircut.into())
    )?;
    let by = if call.by_worker { "the worker" } else { "the venue" };
    let planned =
        call.planned_at.map_or_else(|| "never".to_owned(), |seq| format!("at command {seq} by {by}"));
    writeln!(
        output,
        "  plan       {planned}: {} holders of {} lots with equity {}, by {}, level {}, {} lots nobody can bear",
        grouped(call.holders as i128),
        grouped(call.held),
        grouped(call.equity),
        call.policy,
        level(call.level),
        call.unallocated
    )?;
    if let Some(root) = &call.commitment {
        let verdict = match call.commitment_is_right {
            Some(true) => "built again from the holders",
            Some(false) => "NOT that of the holders",
            None => "not built again: the secret is not beside the log",
        };
        writeln!(output, "  commitment {root}, {verdict}")?;
    }
    let hit = call.cuts.iter().filter(|cut| cut.lots > 0).count();
    writeln!(
        output,
        "  outcome    {hit} cuts took {} lots over and paid {} beyond value",
        grouped(call.given_up.into()),
        grouped(call.haircuts.into())
    )?;
    Ok(())
}

fn show_cuts(call: &CallAudit, output: &mut dyn Write) -> anyhow::Result<()> {
    let head = ["command", "account", "planned", "lots", "paid", "beyond value", "why"];
    let mut table =
        Table::new(&head.map(|name| (name, if name == "why" { Align::Left } else { Align::Right })));
    for cut in call.cuts.iter().take(CUTS_SHOWN) {
        let hedged = if cut.hedged { ", hedged lots" } else { "" };
        table.push(vec![
            cut.seq.to_string(),
            cut.account.to_string(),
            grouped(cut.planned.into()),
            grouped(cut.lots.into()),
            grouped(cut.amount.into()),
            grouped(cut.haircut.into()),
            format!("{}{hedged}", cut.reason),
        ]);
    }
    write!(output, "{table}")?;
    if call.cuts.len() > CUTS_SHOWN {
        writeln!(output, "  and {} more; --json has all", call.cuts.len() - CUTS_SHOWN)?;
    }
    Ok(())
}

fn show_holder(call: &CallAudit, holder: &HolderAudit, output: &mut dyn Write) -> anyhow::Result<()> {
    let HolderAudit { account, held, open, equity, value, haircut, .. } = holder;
    writeln!(output, "  account {account}")?;
    writeln!(
        output,
        "    held      {held} lots, {open} of them unhedged, with equity {}",
        grouped((*equity).into())
    )?;
    writeln!(output, "    leverage  {open} x {value} / {equity} = {}", decimal(holder.leverage, 2))?;
    match (holder.level, holder.exact) {
        (Some(level), Some((over, under))) => {
            let level = decimal(level, 2);
            writeln!(output, "    level     {level}: above it open lots go, at or below it none")?;
            writeln!(
                output,
                "    exact     ({open} x {value} - {level} x {equity}) / ({value} - {level} x {haircut}) = {} lots",
                decimal((over * 1_000).div_euclid(under.max(1)), 3)
            )?;
        }
        _ => writeln!(output, "    level     none: the plan is a queue, or no open lots were levelled")?,
    }
    writeln!(output, "    bearable  {} lots at {haircut} each", holder.bearable)?;
    writeln!(output, "    planned   {} lots, and {} hedged ones", holder.planned, holder.planned_hedged)?;
    for cut in call.cuts.iter().filter(|cut| cut.account == *account) {
        writeln!(
            output,
            "    cut       {} lots at command {} for {}, {} beyond value: {}",
            cut.lots, cut.seq, cut.amount, cut.haircut, cut.reason
        )?;
    }
    if let Some(proof) = &holder.proof {
        writeln!(output, "    proof     {}", serde_json::to_string(proof)?)?;
    }
    Ok(())
}

/// Steps of liquidations.
pub(super) fn steps(audited: &StepsAudit, output: &mut dyn Write) -> anyhow::Result<()> {
    for step in &audited.steps {
        writeln!(
            output,
            "command {}: step {} of account {} in instrument {}: equity {} over maintenance margin {}",
            step.seq,
            step.step,
            step.account,
            step.instrument,
            grouped(step.equity.into()),
            grouped(step.maintenance.into())
        )?;
        writeln!(
            output,
            "  of {} held, {} restore the target and the book bears {}, so {} are closed",
            step.position, step.needed, step.depth_cap, step.qty
        )?;
        let limit = if step.limit == 0 {
            "no price gives that".to_owned()
        } else {
            format!("worst price {}", step.limit)
        };
        writeln!(
            output,
            "  asked for {}, of which {} uses up its equity and the fund may add {}: {limit}; filled {} with fee {}",
            step.asked, step.at_bankruptcy, step.allowance, step.filled, step.fee
        )?;
        if !step.differs.is_empty() {
            writeln!(output, "  DIFFERS: {}", step.differs)?;
        }
    }
    writeln!(
        output,
        "{} steps computed again: {}",
        grouped(audited.compared.into()),
        verdict(&audited.differences)
    )?;
    Ok(())
}
