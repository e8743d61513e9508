//! The one table of formulas: by which function of the product each is computed.
//!
//! Invariant: a formula is a name, the path of a production function, and the reading of inputs into its units; what it
//! answers is the function's answer.

mod collateral;
mod contracts;
mod deleveraging;
mod edges;
mod ledger;
mod liquidation;
mod pricing;
mod tables;

use std::io::Write;

use serde::Serialize;

use super::example::{Inputs, Outcome};
use crate::desk::table::{Align, Table};

/// A formula examples may name.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Formula {
    /// Its name; `a|b` is either.
    name: &'static str,
    /// The function of the product that computes it.
    pub(super) function: &'static str,
    /// What goes in, by name; `a|b` is either.
    inputs: &'static str,
    /// Reads the inputs and calls the function.
    #[serde(skip)]
    pub(super) compute: fn(Inputs<'_>) -> Outcome,
}

impl Formula {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.name.split('|')
    }
}

const fn formula(
    name: &'static str,
    function: &'static str,
    inputs: &'static str,
    compute: fn(Inputs<'_>) -> Outcome,
) -> Formula {
    Formula { name, function, inputs, compute }
}

/// All of them, by topic.
const FORMULAS: &[Formula] = &[
    formula("cum_table", "risk::TierTable::lines", "floors rates", tables::constants),
    formula("tier_lookup", "risk::TierTable::line_at", "floors rates notional", tables::lookup),
    formula("tier_mm", "risk::TierTable::requirement", "floors rates notional", tables::requirement),
    formula("dydx_oimf_ppm", "risk::open_interest::ramp", "im_ppm lower upper oi", tables::ramp_ppm),
    formula(
        "dydx_im",
        "risk::open_interest::ramp, Rate::of_ceil",
        "im_ppm qq lower upper oi",
        tables::ramp_margin,
    ),
    formula(
        "depth_oimf",
        "risk::open_interest::{depth_bounds, ramp}",
        "base depth k_lower k_upper oi",
        tables::ramp_by_depth,
    ),
    formula(
        "binance_liq",
        "risk::liquidation_price::edge_notional",
        "wb tmm upnl cum side size entry mmr",
        edges::one_line,
    ),
    formula("binance_liq_cross", "risk::liquidation_price::edge_notional", "wb target others", edges::cross),
    formula(
        "hl_liq_isolated",
        "risk::liquidation_price::edge_notional",
        "entry side size collateral max_lev",
        edges::isolated,
    ),
    formula(
        "liq_long_tiered",
        "risk::liquidation_price::edge_notional",
        "cash size entry floors rates",
        edges::long_tiered,
    ),
    formula(
        "liq_short_tiered",
        "risk::liquidation_price::edge_notional",
        "cash size entry floors rates",
        edges::short_tiered,
    ),
    formula(
        "bybit_inverse_liq",
        "risk::liquidation_price::edge_notional",
        "qty entry lev mmr side",
        edges::inverse_isolated,
    ),
    formula(
        "bybit_inverse_cross",
        "risk::liquidation_price::edge_notional",
        "qty entry balance mmr fee",
        edges::inverse_cross,
    ),
    formula(
        "inv_bankrupt_long",
        "risk::liquidation_price::edge_notional",
        "entry lev",
        edges::inverse_bankrupt_long,
    ),
    formula(
        "inv_bankrupt_short",
        "risk::liquidation_price::edge_notional",
        "entry lev",
        edges::inverse_bankrupt_short,
    ),
    formula(
        "slack_split",
        "risk::liquidation_price::edge_notional",
        "slack legs split tick",
        edges::split_slack,
    ),
    formula("gross_up", "risk::haircut::gross_up", "amount ratio", collateral::gross_up),
    formula("equity_multi", "risk::haircut::asset_value", "balances upnl", collateral::equity),
    formula(
        "haircut_tiers|tiered_haircut|haircut_tiered",
        "risk::haircut::Schedule::weigh",
        "amount|qty price|px caps|floors weights|ratios",
        collateral::schedule,
    ),
    formula("open_size_imr", "risk::Ledger::assess", "pos buys sells imf mark", ledger::open_size),
    formula(
        "own_worst_case",
        "risk::Ledger::assess",
        "pos buys sells mark imf taker_fee",
        ledger::worst_case,
    ),
    formula(
        "binance_cost",
        "risk::Ledger::assess, Instrument::initial",
        "side qty price mark lev",
        ledger::cost,
    ),
    formula(
        "withdrawable|hl_withdrawable|hl_withdraw|withdraw",
        "risk::Assessment::free_to_withdraw",
        "equity im|initial notional|exposure",
        ledger::withdrawable,
    ),
    formula("inverse_two_sided", "risk::contract::Scale::value", "qty px scale", contracts::two_sided),
    formula(
        "inverse_pnl|pnl_inverse|inverse_upnl",
        "risk::contract::Scale::{value, position_value}",
        "qty entry mark|exit side",
        contracts::profit,
    ),
    formula("conserve", "risk::Ledger::{settle_trade, assess}", "cash fills mark", ledger::conserve),
    formula("hl_funding_rate", "risk::funding::rate", "premium interest clamp", pricing::funding_rate),
    formula("hl_funding_pay", "risk::funding::accrual", "size oracle rate8h", pricing::funding_payment),
    formula(
        "dydx_funding_clamp",
        "risk::funding::rate_bound",
        "factor im_ppm mf_ppm",
        pricing::funding_bound,
    ),
    formula(
        "dydx_funding_index",
        "risk::funding::accrual",
        "ar exp price rate_ppm secs",
        pricing::funding_index,
    ),
    formula("funding_dust", "risk::accrual::payment", "delta pos", pricing::funding_dust),
    formula("bitmex_fair", "risk::mark_price::fair_price", "index rate left interval", pricing::fair_mark),
    formula(
        "binance_mark",
        "risk::mark_price::{fair_price, Components::mark}",
        "index rate left basis last",
        pricing::median_mark,
    ),
    formula("median3", "risk::mark_price::median", "a b c", pricing::median_of_three),
    formula(
        "mark_clamp",
        "risk::mark_price::Components::mark",
        "index price|mark|raw band",
        pricing::clamped,
    ),
    formula("ema_q32|mark_ema_q32|ema", "risk::ema::Ema::lead", "series alpha_q32|alpha", pricing::average),
    formula(
        "mango_stable_step",
        "risk::stable_price::stable_step",
        "stable delay oracle dt limit",
        pricing::stable,
    ),
    formula(
        "dydx_bankruptcy",
        "risk::bankruptcy::bankruptcy_amount",
        "quote positions target delta im_ppm mf_ppm",
        liquidation::bankruptcy,
    ),
    formula(
        "dydx_fillable",
        "risk::bankruptcy::{distress, fillable_amount}",
        "quote positions target ba_ppm smmr_ppm im_ppm mf_ppm",
        liquidation::fillable,
    ),
    formula(
        "dydx_if_delta",
        "risk::bankruptcy::insurance_delta",
        "side fill_quote bankrupt_quote max_fee_ppm",
        liquidation::insurance,
    ),
    formula(
        "partial_liq",
        "risk::liquidation_size::Standing::lots_to_restore",
        "equity mm rate mark slip fee target lot size",
        liquidation::partial,
    ),
    formula("adl_queue", "risk::deleveraging::{score, allocate}", "accounts need", deleveraging::queue),
    formula(
        "bitmex_rank",
        "risk::deleveraging::profit_rank",
        "size entry mark bankrupt",
        deleveraging::profit_rank,
    ),
    formula(
        "binance_levpnl",
        "risk::deleveraging::leveraged_profit",
        "upnl wallet margin_ratio",
        deleveraging::leveraged_profit,
    ),
    formula(
        "waterfill",
        "risk::deleveraging::{allocate, Demand::exact_cut}",
        "accounts mark haircut need",
        deleveraging::water_filling,
    ),
    formula("waterfill_closed", "risk::deleveraging::allocate", "q e mark haircut need", deleveraging::level),
    formula(
        "capacity_check",
        "risk::deleveraging::raised_by_share",
        "caps alpha budget",
        deleveraging::capacity,
    ),
];

/// The formula of this name.
pub(super) fn find(name: &str) -> Option<&'static Formula> {
    FORMULAS.iter().find(|formula| formula.names().any(|known| known == name))
}

/// Prints the table.
pub(super) fn print(json: bool, output: &mut dyn Write) -> anyhow::Result<u8> {
    if json {
        writeln!(output, "{}", serde_json::json!({ "formulas": FORMULAS }))?;
    } else {
        let columns = [("formula", Align::Left), ("computed by", Align::Left), ("inputs", Align::Left)];
        let mut table = Table::new(&columns);
        for formula in FORMULAS {
            table.push([formula.name, formula.function, formula.inputs].map(str::to_owned).to_vec());
        }
        write!(output, "{table}")?;
    }
    output.flush()?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names: Vec<_> = FORMULAS.iter().flat_map(Formula::names).collect();
        for (place, name) in names.iter().enumerate() {
            assert!(!names[..place].contains(name), "{name}");
        }
    }
}
