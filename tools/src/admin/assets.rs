//! Money and collateral as an operator handles them: transfers, assets, terms of debts, sources of an index.
//!
//! Invariant: amounts are decimals of their asset, rates are percentages; what is not said stays as it is.

use std::io::Write;
use std::path::Path;

use gateway::client::{Query, Request};
use gateway::wire::Group;
use gateway::wire::private::{
    AssetDef, AssetDefine, FeeTierDefine, SetDebtTerms, SetFeeTier, SetIndexSource, Transfer,
    TransferBetween, WeightRow,
};
use gateway::wire::types::{Chars16, IdN, TimeNsN};
use risk::{AccountId, AssetId, Money};

use super::CHOSEN;
use super::args::{DebtArgs, FeeTierAction, MoneyArgs, SourceArgs, TransferArgs};
use crate::config::asset::PricedBy;
use crate::config::read_asset;
use crate::desk::Desk;
use crate::desk::assets::{asset_symbol, show_amount};
use crate::desk::instruments::show_mark;
use crate::desk::table::{Align, Table};
use crate::format::{mantissa, parts_per_billion, percent};

/// Money into an account (`sign` 1) or out of it (-1).
pub(super) fn transfer(desk: &Desk, args: &MoneyArgs, sign: i64) -> anyhow::Result<Transfer> {
    let (asset_id, amount) = desk.instruments.parse_amount(args.asset.as_deref(), &args.amount)?;
    anyhow::ensure!(
        amount > Money::ZERO,
        "an amount is above zero; `deposit` and `withdraw` say which way it goes"
    );
    Ok(Transfer {
        request_id: CHOSEN,
        account_id: AccountId::new(args.account),
        amount: Money::new(amount.get() * sign),
        asset_id,
        external_id: IdN::from(args.number),
    })
}

/// Money from one account to another of the same owner; `from` 0 is the session's own.
pub(crate) fn between(desk: &Desk, from: u32, args: &TransferArgs) -> anyhow::Result<TransferBetween> {
    let (asset_id, amount) = desk.instruments.parse_amount(args.asset.as_deref(), &args.amount)?;
    Ok(TransferBetween {
        cl_ord_id: CHOSEN,
        account_id: AccountId::new(from),
        to_account_id: AccountId::new(args.to),
        asset_id,
        amount,
        external_id: IdN::from(args.number),
        valid_until: TimeNsN::NONE,
    })
}

/// The request that defines the next asset as a file says.
pub(super) fn define(desk: &Desk, file: &Path) -> anyhow::Result<AssetDefine> {
    let money_decimals = desk.instruments.money_decimals()?;
    let find = |name: &str| {
        let def = desk.instruments.find(name).ok()?;
        Some(PricedBy { instrument: def.instrument_id, money_decimals })
    };
    let spec = read_asset(file, find)?;
    let next = desk.instruments.assets.iter().map(|def| def.asset_id.get() + 1).max().unwrap_or(1);
    let row = |slice: &risk::Slice| WeightRow { cap: slice.cap, weight: slice.weight.get() };
    Ok(AssetDefine {
        request_id: CHOSEN,
        asset_id: AssetId::new(next),
        priced_by: spec.priced_by,
        liability_weight: spec.liability_weight.get(),
        wrong_way: spec.wrong_way.get(),
        full_weight_total: spec.full_weight_total,
        deposit_max: spec.deposit_max,
        conversion_haircut: spec.conversion_haircut.get(),
        debt_max: spec.debt.max,
        debt_interest: spec.debt.interest.get(),
        decimals: spec.decimals,
        spend_rank: spec.spend_rank,
        symbol: Chars16(spec.symbol),
        weights: Group(spec.weights.iter().map(row).collect()),
    })
}

/// The request that sets the terms of debts.
pub(super) fn debt(desk: &Desk, args: &DebtArgs) -> anyhow::Result<SetDebtTerms> {
    let def = desk.instruments.find_asset(&args.asset)?;
    let max = |text: &String| mantissa(text, def.decimals).map(Money::new);
    let interest = |text: &String| anyhow::Ok(u32::try_from(parts_per_billion(text)?)?);
    Ok(SetDebtTerms {
        request_id: CHOSEN,
        asset_id: def.asset_id,
        debt_max: args.max.as_ref().map_or(Ok(def.debt_max), max)?,
        debt_interest: args.interest.as_ref().map_or(Ok(def.debt_interest), interest)?,
    })
}

/// The request that sets what a source counts.
pub(super) fn source(desk: &Desk, args: &SourceArgs) -> anyhow::Result<SetIndexSource> {
    let instrument_id = desk.instruments.find(&args.instrument)?.instrument_id;
    Ok(SetIndexSource { request_id: CHOSEN, instrument_id, source_id: args.source, weight: args.weight })
}

/// The request about a tier of fees.
pub(super) fn fee_tier(action: &FeeTierAction) -> anyhow::Result<Request> {
    let share = |text: &String| anyhow::Ok(u32::try_from(parts_per_billion(text)?)?);
    Ok(match action {
        FeeTierAction::Define { tier, taker, maker, rebate } => FeeTierDefine {
            request_id: CHOSEN,
            tier: *tier,
            taker: share(taker)?,
            maker: share(maker)?,
            rebate: share(rebate)?,
        }
        .into(),
        FeeTierAction::Set { account, tier } => {
            SetFeeTier { request_id: CHOSEN, account_id: AccountId::new(*account), tier: *tier }.into()
        }
    })
}

/// Prints the assets; the exit code.
pub(super) fn list(desk: &mut Desk, json: bool, output: &mut dyn Write) -> anyhow::Result<u8> {
    let assets = desk.ask(Query::Assets)?.assets;
    let mut table = Table::new(&[
        ("number", Align::Right),
        ("name", Align::Left),
        ("index", Align::Right),
        ("weights", Align::Left),
        ("deposits", Align::Right),
        ("debt up to", Align::Right),
        ("interest", Align::Right),
    ]);
    for def in &assets {
        let cells = cells(desk, def);
        if json {
            let names = ["number", "name", "index", "weights", "deposits", "debt_max", "debt_interest"];
            let row = names.into_iter().map(str::to_owned).zip(cells.map(Into::into)).collect();
            writeln!(output, "{}", serde_json::Value::Object(row))?;
        } else {
            table.push(cells.to_vec());
        }
    }
    if !json {
        write!(output, "{table}")?;
    }
    Ok(0)
}

fn cells(desk: &Desk, def: &AssetDef) -> [String; 7] {
    let priced_by =
        def.priced_by.get().and_then(|number| desk.instruments.get(risk::InstrumentId::new(number)));
    let index = priced_by.zip(def.index.get()).map(|(by, index)| show_mark(by, index));
    let weight = |row: &WeightRow| {
        format!("{} to {}", percent(i64::from(row.weight)), desk.instruments.amount(AssetId::BASE, row.cap))
    };
    let weights: Vec<_> = def.weights.0.iter().map(weight).collect();
    [
        def.asset_id.to_string(),
        asset_symbol(def),
        index.unwrap_or_else(|| "-".to_owned()),
        if weights.is_empty() { "100%".to_owned() } else { weights.join(", ") },
        show_amount(def.decimals, def.deposits),
        show_amount(def.decimals, def.debt_max),
        percent(i64::from(def.debt_interest)),
    ]
}
