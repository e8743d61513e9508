//! What is told of money between accounts, of margin and of collateral.
//!
//! Invariant: as of every fact: people and programs read the same decimals.

use gateway::wire::private::{
    Converted, DeficitCovered, FeeTierSet, FundingBooked, InterestCharged, LiquidationHeld,
    MarginModeChanged, MarginStateChanged, Movement, StandingChanged, TransferRepeated, WouldLiquidate,
};
use gateway::wire::types::I64N;
use risk::{AssetId, Money};

use super::{Teller, word};
use crate::format::decimal;

/// Decimals of a ratio on the wire.
pub(super) const RATIO_DECIMALS: u8 = 9;

impl Teller<'_> {
    /// An amount of an asset, with the asset's decimals.
    pub(super) fn amount(&mut self, name: &'static str, asset: AssetId, amount: Money) -> &mut Self {
        let shown = self.instruments.amount(asset, amount);
        self.put(name, shown)
    }

    pub(super) fn asset(&mut self, name: &'static str, asset: AssetId) -> &mut Self {
        let shown = self.instruments.asset_name(asset);
        self.put(name, shown)
    }

    pub(super) fn ratio(&mut self, name: &'static str, billionths: I64N, decimals: u8) -> &mut Self {
        match billionths.get() {
            Some(ratio) => self.put(name, decimal(i128::from(ratio), decimals)),
            None => self.put(name, "none"),
        }
    }

    pub(super) fn movement(&mut self, event: &Movement) -> &'static str {
        let asset = event.asset_id;
        self.put("from", event.from_account_id.get()).put("to", event.to_account_id.get());
        self.asset("asset", asset).amount("amount", asset, event.amount);
        self.put("account", event.account_id.get()).amount("balance", asset, event.balance);
        if let Some(number) = event.external_id.get() {
            self.put("number", number);
        }
        self.put("reason", word(event.reason)).put("seq", event.engine_seq.get());
        "moved"
    }

    pub(super) fn repeated(&mut self, event: &TransferRepeated) -> &'static str {
        self.put("account", event.account_id.get()).put("number", event.external_id);
        self.put("seq", event.engine_seq.get());
        "done before"
    }

    pub(super) fn margin_state(&mut self, event: &MarginStateChanged) -> &'static str {
        self.put("account", event.account_id.get()).put("state", word(event.state));
        self.money("equity", event.equity).money("exposure", event.exposure);
        self.money("initial", event.initial_margin).money("maintenance", event.maintenance_margin);
        self.ratio("leverage", event.leverage_e9, RATIO_DECIMALS);
        // A percentage has its point two places further right.
        self.ratio("margin_ratio_percent", event.margin_ratio_e9, RATIO_DECIMALS - 2);
        self.put("seq", event.engine_seq.get());
        "margin"
    }

    pub(super) fn funding(&mut self, event: &FundingBooked) -> &'static str {
        let at = event.instrument_id;
        let asset = self.instruments.settlement(at);
        let name = self.instruments.name(at);
        self.put("account", event.account_id.get()).put("instrument", name);
        self.amount("paid", asset, event.paid).amount("balance", asset, event.balance);
        self.put("seq", event.engine_seq.get());
        "funding"
    }

    pub(super) fn converted(&mut self, event: &Converted) -> &'static str {
        let (sold, bought) = (event.sold_asset_id, event.bought_asset_id);
        self.put("account", event.account_id.get());
        self.asset("sold", sold).amount("given", sold, event.given);
        self.asset("bought", bought).amount("received", bought, event.received);
        self.put("reason", word(event.reason)).put("seq", event.engine_seq.get());
        "converted"
    }

    pub(super) fn interest(&mut self, event: &InterestCharged) -> &'static str {
        let asset = event.asset_id;
        self.put("account", event.account_id.get()).asset("asset", asset);
        self.amount("amount", asset, event.amount).amount("balance", asset, event.balance);
        self.put("seq", event.engine_seq.get());
        "interest"
    }

    pub(super) fn standing(&mut self, event: &StandingChanged) -> &'static str {
        self.put("account", event.account_id.get()).put("status", word(event.status));
        self.put("seq", event.engine_seq.get());
        "standing"
    }

    pub(super) fn covered(&mut self, event: &DeficitCovered) -> &'static str {
        let asset = event.asset_id;
        self.put("account", event.account_id.get());
        self.asset("asset", asset).amount("amount", asset, event.amount);
        self.put("seq", event.engine_seq.get());
        "covered"
    }

    pub(super) fn margin_mode(&mut self, event: &MarginModeChanged) -> &'static str {
        let name = self.instruments.name(event.instrument_id);
        self.put("account", event.account_id.get()).put("instrument", name);
        self.put("mode", word(event.mode)).put("acting", event.acting_account_id.get());
        self.put("seq", event.engine_seq.get());
        "margin mode"
    }

    pub(super) fn fee_tier(&mut self, event: &FeeTierSet) -> &'static str {
        self.put("account", event.account_id.get()).put("tier", event.tier);
        self.put("seq", event.engine_seq.get());
        "fee tier"
    }

    pub(super) fn would_liquidate(&mut self, event: &WouldLiquidate) -> &'static str {
        let name = self.instruments.name(event.instrument_id);
        self.put("account", event.account_id.get()).put("instrument", name);
        self.money("equity", event.equity).money("maintenance", event.maintenance_margin);
        self.put("seq", event.engine_seq.get());
        "too little"
    }

    pub(super) fn held(&mut self, event: &LiquidationHeld) -> &'static str {
        self.put("account", event.account_id.get()).put("seq", event.engine_seq.get());
        if event.held == 0 { "resumed" } else { "held" }
    }
}
