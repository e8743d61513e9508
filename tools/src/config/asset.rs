//! Terms of a collateral asset as a person writes them.
//!
//! Invariant: as of an instrument: texts that are exact, refused with their place where they do not fit. The rules that
//! need the venue's prices are checked by the venue.

use risk::{AssetSpec, DebtTerms, InstrumentId, InstrumentSpec, Mark, Money, Price, Slice};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::instrument::{Fault, at, number, rate, symbol_octets};

/// One asset beside the unit of account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetTerms {
    /// Name, at most 16 ASCII characters.
    pub symbol: Spanned<String>,
    /// Decimals of the smallest unit.
    pub decimals: u8,
    /// Symbol of the linear instrument whose index is the price of one whole unit.
    pub priced_by: Spanned<String>,
    /// That index to begin with: an asset has a price from the first on. Only in the configuration of a new venue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Spanned<String>>,
    /// What part counts of each slice of the value.
    pub weights: Vec<Weight>,
    /// What a debt counts for.
    #[serde(default = "whole")]
    pub liability_weight: Spanned<String>,
    /// Part of the value that does not count against longs of the same underlying.
    #[serde(default = "none")]
    pub wrong_way: Spanned<String>,
    /// Above this value of all balances together, weights for initial margin shrink; 0 is never.
    #[serde(default = "none")]
    pub full_weight_total: Spanned<String>,
    /// Largest sum of deposits less withdrawals, in the asset.
    pub deposit_max: Spanned<String>,
    /// What a conversion takes off.
    #[serde(default = "none")]
    pub conversion_haircut: Spanned<String>,
    /// A debt above this is paid at once out of other assets.
    #[serde(default = "none")]
    pub debt_max: Spanned<String>,
    /// Interest on debts, a year.
    #[serde(default = "none")]
    pub debt_interest: Spanned<String>,
    /// Assets are spent in ascending rank.
    #[serde(default)]
    pub spend_rank: u8,
}

/// A slice of the value of a balance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// The slice ends at this value, in the unit of account.
    pub to: Spanned<String>,
    /// Part of the slice that counts.
    pub weight: Spanned<String>,
}

fn whole() -> Spanned<String> {
    Spanned::new(0..0, "100%".to_owned())
}

fn none() -> Spanned<String> {
    Spanned::new(0..0, "0".to_owned())
}

/// The instrument that prices an asset, with what its decimals say of money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PricedBy {
    /// Number.
    pub instrument: InstrumentId,
    /// Decimals of the unit of account.
    pub money_decimals: u8,
}

impl AssetTerms {
    /// The specification, where `find` knows the instruments.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that is wrong.
    pub fn spec(&self, find: impl Fn(&str) -> Option<PricedBy>) -> Result<AssetSpec, Fault> {
        let name = self.priced_by.get_ref();
        let priced_by = find(name).ok_or_else(|| {
            at(&self.priced_by, &format!("there is no instrument {name} whose index could be the price"))
        })?;
        let amount = |text: &Spanned<String>| number(text, self.decimals).map(Money::new);
        let money = |text: &Spanned<String>| number(text, priced_by.money_decimals).map(Money::new);
        let slice = |slice: &Weight| Ok(Slice { cap: money(&slice.to)?, weight: rate(&slice.weight)? });
        Ok(AssetSpec {
            symbol: symbol_octets(&self.symbol)?,
            decimals: self.decimals,
            priced_by: priced_by.instrument,
            weights: self.weights.iter().map(slice).collect::<Result<_, _>>()?,
            liability_weight: rate(&self.liability_weight)?,
            wrong_way: rate(&self.wrong_way)?,
            full_weight_total: money(&self.full_weight_total)?,
            deposit_max: amount(&self.deposit_max)?,
            conversion_haircut: rate(&self.conversion_haircut)?,
            debt: DebtTerms { max: amount(&self.debt_max)?, interest: rate(&self.debt_interest)? },
            spend_rank: self.spend_rank,
        })
    }
}

/// An asset of a new venue: what the venue is told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asset {
    /// Its terms.
    pub spec: AssetSpec,
    /// The first index of the instrument that prices it.
    pub index: Mark,
}

/// The assets of a new venue, numbered from 1, priced by instruments that are numbered from 0.
pub(super) fn assets(terms: &[AssetTerms], instruments: &[InstrumentSpec]) -> Result<Vec<Asset>, Fault> {
    terms.iter().map(|asset| one(asset, instruments)).collect()
}

fn one(terms: &AssetTerms, instruments: &[InstrumentSpec]) -> Result<Asset, Fault> {
    let place = |name: &str| instruments.iter().position(|spec| is_called(spec, name));
    let spec = terms.spec(|name| {
        let place = place(name)?;
        let instrument = InstrumentId::new(u32::try_from(place).ok()?);
        Some(PricedBy { instrument, money_decimals: instruments[place].money_decimals })
    })?;
    let priced_by = &instruments[spec.priced_by.index()];
    let text = terms.index.as_ref().ok_or_else(|| {
        at(
            &terms.symbol,
            &format!("{} has no `index`: the price that it begins with", terms.symbol.get_ref()),
        )
    })?;
    let index = Price::new(number(text, priced_by.price_decimals)?);
    if index <= Price::new(0) {
        return Err(at(text, &"a price is above zero"));
    }
    if priced_by.pricing.sources_min != 0 {
        let reason = "the price of an asset that a venue begins with comes from an instrument without `sources`; define \
                      this one with `fulcrum admin asset add` once its sources have spoken";
        return Err(at(&terms.priced_by, &reason));
    }
    let mut compiled =
        priced_by.clone().compile().map_err(|_| at(&terms.priced_by, &"it has broken terms"))?;
    compiled.index = Some(index.to_mark());
    match spec.clone().compile(&compiled) {
        Ok(_) => Ok(Asset { spec, index: index.to_mark() }),
        Err(error) => Err(at(&terms.symbol, &format!("{}: {}", terms.symbol.get_ref(), broken_rule(error)))),
    }
}

pub(super) fn is_called(spec: &InstrumentSpec, name: &str) -> bool {
    let end = spec.symbol.iter().position(|octet| *octet == 0).unwrap_or(spec.symbol.len());
    spec.symbol[..end].eq_ignore_ascii_case(name.as_bytes())
}

/// What to change.
const fn broken_rule(error: risk::AssetError) -> &'static str {
    match error {
        risk::AssetError::Price => "priced_by must be linear and settle in the unit of account",
        risk::AssetError::Range => {
            "decimals must be at least the money decimals less the price decimals of the instrument, and amounts at \
             most 2^60 units"
        }
        risk::AssetError::Weights(_) => {
            "weights are 1 to 16 slices with rising ends and parts that fall from at most 100%"
        }
        risk::AssetError::Rates => {
            "liability_weight is 100% to 200%, wrong_way at most 100%, conversion_haircut at most 50%, interest at most \
             400%, and no amount is negative"
        }
    }
}
