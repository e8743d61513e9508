//! `fulcrum whatif`: what an account would be after prices moved, trades were done and orders were placed.
//!
//! Invariant: every figure is the venue's own; asking changes nothing there.

mod wish;

use std::fmt;
use std::io::Write;

use clap::Args;
use gateway::client::{Answer, Query};
use gateway::wire::private::{AccountPicture, PositionPicture, StepRow, StepVerdict};
use gateway::wire::types::{PictureOf, SessionKind};
use risk::{AccountId, Mark, Money};
use serde::Serialize;

use crate::account::ratio;
use crate::desk::instruments::{Instruments, show_mark, show_price};
use crate::desk::table::{Align, Table};
use crate::desk::told::{code_name, word};
use crate::desk::{Access, Desk};
use crate::format::{group_whole, percent};

/// Arguments of `fulcrum whatif`.
#[derive(Clone, Debug, Args)]
pub struct WhatIfArgs {
    /// By which key, at which venue.
    #[command(flatten)]
    pub access: Access,
    /// Whose, by a key of the operator [default: the key's own account]
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
    /// Prices move first: `all=-10%`, `underlying:1=-10%`, `BTC-PERP=-10%`, `BTC-PERP=54000`; may be given often
    #[arg(long, value_name = "SHOCK", allow_hyphen_values = true)]
    pub shock: Vec<String>,
    /// Then the account trades: `buy 5 @ 101 in BTC-PERP`; may be given often
    #[arg(long, value_name = "TRADE")]
    pub fill: Vec<String>,
    /// Then it places an order: `buy 5 @ 101 in BTC-PERP`, `sell 5 market in BTC-PERP reduce-only`; may be given often
    #[arg(long, value_name = "ORDER")]
    pub order: Vec<String>,
    /// Instead of all that: how the account stands each of these moves of every price, such as `-30%,-10%,10%`
    #[arg(
        long,
        value_name = "MOVES",
        allow_hyphen_values = true,
        conflicts_with_all = ["shock", "fill", "order"]
    )]
    pub stress: Option<String>,
}

/// An account as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PictureReport {
    /// Number.
    pub account: u32,
    /// `Before`, `After`, or the move of every price.
    pub of: String,
    /// What its margin is like.
    pub level: String,
    /// Worth at marks.
    pub equity: String,
    /// What of it counts for initial margin.
    pub initial_equity: String,
    /// Required for positions and open orders.
    pub initial_margin: String,
    /// Below it the account is liquidated.
    pub maintenance_margin: String,
    /// Gross notional.
    pub exposure: String,
    /// Left for new initial margin.
    pub available: String,
    /// What may be withdrawn.
    pub withdrawable: String,
    /// Exposure over equity; absent when equity is not positive.
    pub leverage: Option<String>,
    /// Maintenance margin over equity, in percent.
    pub margin_ratio_percent: Option<String>,
}

/// A position as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LegReport {
    /// Whose.
    pub account: u32,
    /// `Before` or `After`.
    pub of: String,
    /// Name.
    pub instrument: String,
    /// Short is negative.
    pub quantity: String,
    /// Mark price.
    pub mark: Option<String>,
    /// Its notional over the account's equity.
    pub leverage: Option<String>,
    /// Its maintenance margin over the account's equity, in percent.
    pub margin_ratio_percent: Option<String>,
    /// Mark at which the account is liquidated, if only this mark moves.
    pub liquidation: Option<String>,
    /// Price at which closing it would use up its share of the equity.
    pub bankruptcy: Option<String>,
}

/// What came of a step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct VerdictReport {
    /// As it was written.
    pub step: String,
    /// `accepted`, or the reject.
    pub verdict: String,
    /// Initial margin that is missing.
    pub short: Option<String>,
}

/// The answer as it is shown. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct WhatIfReport {
    /// The state after this command.
    pub seq: u64,
    /// Accounts, before and after.
    pub accounts: Vec<PictureReport>,
    /// Their positions.
    pub positions: Vec<LegReport>,
    /// What came of the steps.
    pub steps: Vec<VerdictReport>,
}

impl PictureReport {
    fn of(picture: &AccountPicture, of: String, instruments: &Instruments) -> Self {
        let money = |amount: Money| instruments.money(amount);
        Self {
            account: picture.account_id.get(),
            of,
            level: word(picture.level),
            equity: money(picture.equity),
            initial_equity: money(picture.initial_equity),
            initial_margin: money(picture.initial_margin),
            maintenance_margin: money(picture.maintenance_margin),
            exposure: money(picture.exposure),
            available: money(picture.available),
            withdrawable: money(picture.withdrawable),
            leverage: picture.leverage_e9.get().map(|ratio_e9| ratio(ratio_e9, 0)),
            margin_ratio_percent: picture.margin_ratio_e9.get().map(|ratio_e9| ratio(ratio_e9, 2)),
        }
    }
}

impl LegReport {
    fn of(leg: &PositionPicture, instruments: &Instruments) -> Self {
        let def = instruments.get(leg.instrument_id);
        let mark = |mark: Option<Mark>| def.zip(mark).map(|(def, mark)| show_mark(def, mark));
        Self {
            account: leg.account_id.get(),
            of: word(leg.of),
            instrument: instruments.name(leg.instrument_id),
            quantity: instruments.qty(leg.instrument_id, leg.qty),
            mark: mark(leg.mark.get()),
            leverage: leg.leverage_e9.get().map(|ratio_e9| ratio(ratio_e9, 0)),
            margin_ratio_percent: leg.margin_ratio_e9.get().map(|ratio_e9| ratio(ratio_e9, 2)),
            liquidation: mark(leg.liquidation_mark.get()),
            bankruptcy: def.zip(leg.bankruptcy_px.get()).map(|(def, price)| show_price(def, price)),
        }
    }
}

impl WhatIfReport {
    fn of(answer: &Answer, moves: &[i64], steps: &[String], instruments: &Instruments) -> Self {
        let accounts = answer.pictures.iter().map(|picture| {
            let of = match picture.of.get() {
                Some(PictureOf::Shock) => {
                    moves.get(usize::from(picture.place)).map_or_else(String::new, |rate| percent(*rate))
                }
                Some(PictureOf::Before | PictureOf::After) | None => word(picture.of),
            };
            PictureReport::of(picture, of, instruments)
        });
        let verdict = |(verdict, step): (&StepVerdict, &String)| VerdictReport {
            step: step.clone(),
            verdict: if verdict.code == 0 { "accepted".to_owned() } else { code_name(verdict.code) },
            short: verdict.short.get().map(|short| instruments.money(short)),
        };
        Self {
            seq: answer.seq.get(),
            accounts: accounts.collect(),
            positions: answer.position_pictures.iter().map(|leg| LegReport::of(leg, instruments)).collect(),
            steps: answer.verdicts.iter().zip(steps).map(verdict).collect(),
        }
    }
}

fn or_dash(text: Option<&String>, unit: &str) -> String {
    text.map_or_else(|| "-".to_owned(), |text| format!("{text}{unit}"))
}

impl fmt::Display for WhatIfReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "as of command {}; nothing of this has happened", self.seq)?;
        for VerdictReport { step, verdict, short } in &self.steps {
            let short = short.as_ref().map_or_else(String::new, |short| format!(", {short} short"));
            writeln!(f, "  {step}: {verdict}{short}")?;
        }
        writeln!(f)?;
        let right = |name| (name, Align::Right);
        let mut table = Table::new(&[
            ("account", Align::Left),
            ("", Align::Left),
            ("margin", Align::Left),
            right("equity"),
            right("initial"),
            right("maintenance"),
            right("available"),
            right("exposure"),
            right("leverage"),
            right("ratio"),
        ]);
        for one in &self.accounts {
            table.push(vec![
                one.account.to_string(),
                one.of.clone(),
                one.level.clone(),
                group_whole(&one.equity),
                group_whole(&one.initial_margin),
                group_whole(&one.maintenance_margin),
                group_whole(&one.available),
                group_whole(&one.exposure),
                or_dash(one.leverage.as_ref(), "x"),
                or_dash(one.margin_ratio_percent.as_ref(), "%"),
            ]);
        }
        write!(f, "{table}")?;
        if self.positions.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        let mut table = Table::new(&[
            ("instrument", Align::Left),
            ("", Align::Left),
            right("position"),
            right("mark"),
            right("liquidation"),
            right("bankruptcy"),
            right("leverage"),
            right("ratio"),
        ]);
        for leg in &self.positions {
            table.push(vec![
                leg.instrument.clone(),
                leg.of.clone(),
                leg.quantity.clone(),
                or_dash(leg.mark.as_ref(), ""),
                or_dash(leg.liquidation.as_ref(), ""),
                or_dash(leg.bankruptcy.as_ref(), ""),
                or_dash(leg.leverage.as_ref(), "x"),
                or_dash(leg.margin_ratio_percent.as_ref(), "%"),
            ]);
        }
        write!(f, "{table}")
    }
}

/// Opens a desk for a question about an account: by the operator's key where one is named.
///
/// # Errors
/// What went wrong, and what to do next.
pub(crate) fn desk_for(access: &Access, account: Option<u32>) -> anyhow::Result<Desk> {
    match account {
        Some(_) => Desk::open(access, SessionKind::Admin, &mut std::io::sink()),
        None => Desk::open_for_questions(access),
    }
}

/// The steps that are asked for, in their order.
fn steps(args: &WhatIfArgs, instruments: &Instruments) -> anyhow::Result<Vec<StepRow>> {
    let shocks = args.shock.iter().map(|text| wish::shock(text, instruments));
    let fills = args.fill.iter().map(|text| wish::fill(text, instruments));
    let orders = args.order.iter().map(|text| wish::order(text, instruments));
    shocks.chain(fills).chain(orders).collect()
}

/// Asks what would be, and prints it; the exit code.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &WhatIfArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let account = AccountId::new(args.account.unwrap_or(0));
    let mut desk = desk_for(&args.access, args.account)?;
    let (query, moves) = match &args.stress {
        Some(moves) => {
            let shocks = wish::grid(moves)?;
            let moves = shocks.iter().map(|shock| shock.rate_e9).collect();
            (Query::Stress { account, shocks }, moves)
        }
        None => (Query::WhatIf { account, steps: steps(args, &desk.instruments)? }, Vec::new()),
    };
    let answer = desk.ask(query);
    let written: Vec<String> = args.shock.iter().chain(&args.fill).chain(&args.order).cloned().collect();
    let report = answer.map(|answer| WhatIfReport::of(&answer, &moves, &written, &desk.instruments));
    desk.close()?;
    let report = report?;
    if args.access.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    Ok(0)
}
