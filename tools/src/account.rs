//! `fulcrum account`: what an account has, owes and risks.
//!
//! Invariant: every figure is the venue's own; nothing is computed here but the point where its decimals stand.

use std::fmt;
use std::io::Write;

use clap::Args;
use gateway::client::{Answer, Query};
use gateway::wire::private::{AccountState, AssetBalance, PositionState};
use gateway::wire::types::SessionKind;
use risk::{AccountId, Mark, Money};
use serde::Serialize;

use crate::desk::assets::show_amount;
use crate::desk::instruments::{Instruments, show_mark, show_price, show_qty};
use crate::desk::table::{Align, Table};
use crate::desk::told::word;
use crate::desk::{Access, Desk};
use crate::format::{decimal, group_whole, trimmed};

/// Arguments of `fulcrum account`.
#[derive(Clone, Debug, Args)]
pub struct AccountArgs {
    /// By which key, at which venue.
    #[command(flatten)]
    pub access: Access,
    /// Whose, by a key of the operator [default: the key's own account]
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
}

/// An account as it is shown. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AccountReport {
    /// Number.
    pub account: u32,
    /// What it may do.
    pub status: String,
    /// Equity against maintenance margin.
    pub margin_state: String,
    /// Where its liquidation is; absent where there is none.
    pub liquidation: Option<String>,
    /// Steps that its liquidation has taken through the book.
    pub liquidation_steps: u16,
    /// The state after this command.
    pub seq: u64,
    /// Cash.
    pub balance: String,
    /// Unrealised profit and loss, and what other assets count for.
    pub unrealized: String,
    /// Balance, unrealised profit and loss, and what other assets count for.
    pub equity: String,
    /// What of it counts for initial margin.
    pub initial_equity: String,
    /// Required for positions and open orders.
    pub initial_margin: String,
    /// Below it the account is liquidated.
    pub maintenance_margin: String,
    /// Equity left for new initial margin.
    pub available: String,
    /// What may be withdrawn.
    pub withdrawable: String,
    /// Gross notional.
    pub exposure: String,
    /// Exposure over equity; absent when equity is not positive.
    pub leverage: Option<String>,
    /// Maintenance margin over equity, in percent; at 100 it is liquidated. Absent when equity is not positive.
    pub margin_ratio_percent: Option<String>,
    /// Positions, isolated ones included.
    pub positions: Vec<PositionReport>,
    /// What it has in each asset, isolated positions included.
    pub assets: Vec<AssetReport>,
}

/// A balance as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AssetReport {
    /// The account, or the one that acts for an isolated position.
    pub account: u32,
    /// Name.
    pub asset: String,
    /// Negative where it is owed.
    pub balance: String,
    /// What it counts for, in the unit of account.
    pub collateral: String,
    /// What may be withdrawn of it.
    pub withdrawable: String,
}

/// A position as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PositionReport {
    /// Name.
    pub instrument: String,
    /// Short is negative.
    pub quantity: String,
    /// The sum of its signed fill values.
    pub cost: String,
    /// Mark price.
    pub mark: Option<String>,
    /// Size at mark.
    pub notional: String,
    /// Unrealised profit and loss.
    pub unrealized: String,
    /// Of this position.
    pub maintenance_margin: String,
    /// Mark at which the account is liquidated, if only this mark moves.
    pub liquidation: Option<String>,
    /// Price at which closing it would use up its share of the equity.
    pub bankruptcy: Option<String>,
    /// The account's setting.
    pub leverage_setting: Option<String>,
    /// Funding owed and not booked yet, counted in the unrealised profit and loss; negative where it is to come.
    pub funding_owed: String,
    /// Whole lots that no other position of the same underlying hedges.
    pub unhedged_lots: i64,
    /// Their value over the account's equity: a deleveraging cuts it when its level falls below this. Absent when equity is
    /// not positive.
    pub level: Option<String>,
    /// The asset that its amounts are counted in.
    pub settlement: String,
    /// The account that acts for it, where it is isolated.
    pub isolated: Option<u32>,
}

/// Decimals of the ratios on the wire, and those that are shown.
const RATIO_DECIMALS: u8 = 9;

/// A ratio with four decimals, rounded up: shown riskier than it is, never safer.
pub(crate) fn ratio(billionths: i64, shift: u8) -> String {
    let unit = 10_i64.pow(u32::from(RATIO_DECIMALS - 4 - shift));
    decimal(i128::from(billionths.div_euclid(unit) + i64::from(billionths.rem_euclid(unit) > 0)), 4)
}

impl AccountReport {
    /// Of the venue's answer; `None` where it holds no account.
    #[must_use]
    pub fn of(answer: &Answer, instruments: &Instruments) -> Option<Self> {
        let state: &AccountState = answer.account.as_ref()?;
        let money = |amount: Money| decimal(i128::from(amount.get()), state.money_decimals);
        let positions = answer.positions.iter();
        let positions = positions.map(|position| PositionReport::of(position, state, instruments));
        let balance = |row: &AssetBalance| AssetReport {
            account: row.account_id.get(),
            asset: instruments.asset_name(row.asset_id),
            balance: show_amount(row.decimals, row.balance),
            collateral: money(row.collateral),
            withdrawable: show_amount(row.decimals, row.withdrawable),
        };
        Some(Self {
            account: state.account_id.get(),
            status: word(state.status),
            margin_state: word(state.margin_state),
            liquidation: Some(state.liquidation).filter(|stage| stage.octet() != 0).map(word),
            liquidation_steps: state.liquidation_steps,
            seq: answer.seq.get(),
            balance: money(state.balance),
            unrealized: money(state.unrealized_pnl),
            equity: money(state.equity),
            initial_equity: money(state.initial_equity),
            initial_margin: money(state.initial_margin),
            maintenance_margin: money(state.maintenance_margin),
            available: money(state.available),
            withdrawable: money(state.withdrawable),
            exposure: money(state.exposure),
            leverage: state.leverage_e9.get().map(|ratio_e9| ratio(ratio_e9, 0)),
            margin_ratio_percent: state.margin_ratio_e9.get().map(|ratio_e9| ratio(ratio_e9, 2)),
            positions: positions.collect(),
            assets: answer.balances.iter().map(balance).collect(),
        })
    }
}

impl PositionReport {
    fn of(position: &PositionState, state: &AccountState, instruments: &Instruments) -> Self {
        let def = instruments.get(position.instrument_id);
        let decimals = def.map_or(state.money_decimals, |def| def.money_decimals);
        let money = |amount: Money| show_amount(decimals, amount);
        let mark = |mark: Option<Mark>| def.zip(mark).map(|(def, mark)| show_mark(def, mark));
        let leverage = (position.leverage_e2 > 0).then(|| decimal(i128::from(position.leverage_e2), 2));
        Self {
            instrument: instruments.name(position.instrument_id),
            quantity: def.map_or_else(|| position.qty.to_string(), |def| show_qty(def, position.qty)),
            cost: money(position.cost),
            mark: mark(position.mark.get()),
            notional: money(position.notional),
            unrealized: money(position.unrealized_pnl),
            maintenance_margin: money(position.maintenance_margin),
            liquidation: mark(position.liquidation_mark.get()),
            bankruptcy: def.zip(position.bankruptcy_px.get()).map(|(def, price)| show_price(def, price)),
            leverage_setting: leverage.map(|text| trimmed(&text).to_owned()),
            funding_owed: money(position.funding_owed),
            unhedged_lots: position.unhedged_lots,
            level: position.level_e9.get().map(|level| ratio(level, 0)),
            settlement: instruments.asset_name(position.settlement_asset),
            isolated: (position.account_id != state.account_id).then_some(position.account_id.get()),
        }
    }
}

impl fmt::Display for AccountReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, status, margin_state, seq, .. } = self;
        writeln!(f, "account {account}, {status}, margin {margin_state}, as of command {seq}")?;
        if let Some(stage) = &self.liquidation {
            writeln!(f, "in liquidation: {stage}, {} steps taken", self.liquidation_steps)?;
        }
        writeln!(f)?;
        let or_none = |text: &Option<String>, unit: &str| {
            text.as_ref().map_or_else(|| "none".to_owned(), |text| format!("{text}{unit}"))
        };
        let rows = [
            ("balance", self.balance.clone()),
            ("unrealised", self.unrealized.clone()),
            ("equity", self.equity.clone()),
            ("initial margin", self.initial_margin.clone()),
            ("maintenance margin", self.maintenance_margin.clone()),
            ("available", self.available.clone()),
            ("withdrawable", self.withdrawable.clone()),
            ("exposure", self.exposure.clone()),
            ("leverage ratio", or_none(&self.leverage, "x")),
            ("margin ratio", or_none(&self.margin_ratio_percent, "%")),
        ];
        for (name, value) in rows {
            writeln!(f, "  {name:<20} {:>24}", group_whole(&value))?;
        }
        writeln!(f)?;
        if self.positions.is_empty() {
            writeln!(f, "  no position")?;
        } else {
            self.write_positions(f)?;
        }
        // Money alone was told above.
        if self.assets.len() > 1 { self.write_assets(f) } else { Ok(()) }
    }
}

impl AccountReport {
    fn write_assets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = |name| (name, Align::Right);
        let mut table = Table::new(&[
            right("account"),
            ("asset", Align::Left),
            right("balance"),
            right("counts for"),
            right("withdrawable"),
        ]);
        for row in &self.assets {
            table.push(vec![
                row.account.to_string(),
                row.asset.clone(),
                group_whole(&row.balance),
                group_whole(&row.collateral),
                group_whole(&row.withdrawable),
            ]);
        }
        write!(f, "\n{table}")
    }

    fn write_positions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let right = |name| (name, Align::Right);
        let mut table = Table::new(&[
            ("instrument", Align::Left),
            right("position"),
            right("mark"),
            right("notional"),
            right("unrealised"),
            right("maintenance"),
            right("liquidation"),
            right("bankruptcy"),
            right("setting"),
            right("funding owed"),
            right("level"),
            ("in", Align::Left),
        ]);
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        for position in &self.positions {
            table.push(vec![
                position.instrument.clone(),
                position.quantity.clone(),
                or_dash(&position.mark),
                group_whole(&position.notional),
                group_whole(&position.unrealized),
                group_whole(&position.maintenance_margin),
                or_dash(&position.liquidation),
                or_dash(&position.bankruptcy),
                or_dash(&position.leverage_setting),
                group_whole(&position.funding_owed),
                position.level.as_ref().map_or_else(|| "-".to_owned(), |level| format!("{level}x")),
                position.isolated.map_or_else(
                    || position.settlement.clone(),
                    |acting| format!("{}, isolated as {acting}", position.settlement),
                ),
            ]);
        }
        write!(f, "{table}")
    }
}

/// Prints the account; the exit code.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &AccountArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let account = AccountId::new(args.account.unwrap_or(0));
    let mut desk = match args.account {
        Some(_) => Desk::open(&args.access, SessionKind::Admin, &mut std::io::sink())?,
        None => Desk::open_for_questions(&args.access)?,
    };
    let answer = desk.ask(Query::Account { account });
    let report = answer.map(|answer| AccountReport::of(&answer, &desk.instruments));
    desk.close()?;
    let report = report?.ok_or_else(|| {
        anyhow::anyhow!(
            "there is no account {account}; the operator opens it with `fulcrum admin account open`"
        )
    })?;
    if args.access.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    Ok(0)
}
