//! The assets as the venue tells them: what turns names and decimals into amounts, and back.
//!
//! Invariant: exact both ways, as of instruments. Asset 0, the unit of account, is called `money`.

use gateway::wire::private::AssetDef;
use risk::{AssetId, Money};

use super::instruments::Instruments;
use crate::format::{decimal, mantissa};

/// What the unit of account is called.
pub const BASE_NAME: &str = "money";

/// The name of an asset.
#[must_use]
pub fn asset_symbol(def: &AssetDef) -> String {
    if def.asset_id == AssetId::BASE {
        return BASE_NAME.to_owned();
    }
    String::from_utf8_lossy(def.symbol.characters()).into_owned()
}

impl Instruments {
    /// Finds an asset by its name, in any case, or by its number.
    ///
    /// # Errors
    /// When there is none.
    pub fn find_asset(&self, name: &str) -> anyhow::Result<&AssetDef> {
        let number = name.parse().ok().map(AssetId::new);
        let is_it =
            |def: &&AssetDef| asset_symbol(def).eq_ignore_ascii_case(name) || number == Some(def.asset_id);
        let known = || self.assets.iter().map(asset_symbol).collect::<Vec<_>>().join(", ");
        self.assets
            .iter()
            .find(is_it)
            .ok_or_else(|| anyhow::anyhow!("there is no asset {name}; this venue has {}", known()))
    }

    /// The one with a number.
    #[must_use]
    pub fn asset(&self, asset: AssetId) -> Option<&AssetDef> {
        self.assets.iter().find(|def| def.asset_id == asset)
    }

    /// The name of the one with a number.
    #[must_use]
    pub fn asset_name(&self, asset: AssetId) -> String {
        self.asset(asset).map_or_else(|| asset.to_string(), asset_symbol)
    }

    /// Names of the assets beside the unit of account, by number.
    #[must_use]
    pub fn asset_symbols(&self) -> Vec<String> {
        self.assets.iter().skip(1).map(asset_symbol).collect()
    }

    /// An amount of an asset as programs read it.
    #[must_use]
    pub fn amount(&self, asset: AssetId, amount: Money) -> String {
        self.asset(asset).map_or_else(|| amount.to_string(), |def| show_amount(def.decimals, amount))
    }

    /// The asset of a name, the unit of account without one, and an amount of it as people write it.
    ///
    /// # Errors
    /// When there is no such asset, or the amount does not fit its decimals.
    pub fn parse_amount(&self, asset: Option<&str>, text: &str) -> anyhow::Result<(AssetId, Money)> {
        let Some(name) = asset else { return Ok((AssetId::BASE, self.parse_money(text)?)) };
        let def = self.find_asset(name)?;
        Ok((def.asset_id, Money::new(mantissa(text, def.decimals)?)))
    }
}

/// An amount with its decimals.
#[must_use]
pub fn show_amount(decimals: u8, amount: Money) -> String {
    decimal(i128::from(amount.get()), decimals)
}
