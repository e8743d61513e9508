//! Terms of an instrument as a person writes them: decimals and percentages as texts, turned into exact integers.
//!
//! Invariant: no float is involved and nothing is rounded; a text that does not fit the instrument's decimals is
//! refused with its place in the file.

use std::ops::Range;
use std::path::PathBuf;

use risk::tiers::TierError;
use risk::{FeeRate, InstrumentSpec, Money, Price, Qty, Rate, SpecError, Tier};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::groups::{AdaptiveSection, ContractSection, FundingSection, PricingSection};
use crate::format::{NumberError, mantissa, parts_per_billion};
use crate::margin::brackets::BracketFile;

/// Where in a configuration something is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Octets of the text.
    Octets(Range<usize>),
    /// A setting of a section.
    Setting(&'static str, &'static str),
}

impl Place {
    /// The line, counted from 1; 1 where the setting is not in the text.
    #[must_use]
    pub fn line(&self, text: &str) -> usize {
        match self {
            Self::Octets(range) => text.bytes().take(range.start).filter(|octet| *octet == b'\n').count() + 1,
            Self::Setting(section, key) => {
                let header = format!("[{section}]");
                let is_key = |line: &str| line.split('=').next().is_some_and(|name| name.trim() == *key);
                let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim() != header);
                lines.find(|(_, line)| is_key(line)).map_or(1, |(place, _)| place + 1)
            }
        }
    }
}

/// What is wrong, and where in the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where.
    pub at: Place,
    /// What is wrong and what to do.
    pub reason: String,
}

/// One instrument.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentTerms {
    /// Name, at most 16 ASCII characters.
    pub symbol: Spanned<String>,
    /// Decimals of a price.
    pub price_decimals: u8,
    /// Decimals of a quantity.
    pub quantity_decimals: u8,
    /// Decimals of the asset it settles in.
    pub money_decimals: u8,
    /// Quote currency per contract and price unit.
    #[serde(default = "one")]
    pub multiplier: u32,
    /// Prices are multiples of it.
    pub tick: Spanned<String>,
    /// Quantities are multiples of it.
    pub lot: Spanned<String>,
    /// Highest order price.
    pub price_max: Spanned<String>,
    /// Largest order.
    pub order_max: Spanned<String>,
    /// Largest position of an account.
    pub position_max: Spanned<String>,
    /// Largest open interest.
    pub open_interest_max: Spanned<String>,
    /// Limit orders further from the mark are refused.
    pub price_band: Spanned<String>,
    /// How far from the mark a market order may trade.
    pub market_collar: Spanned<String>,
    /// Largest move of the mark at one index price.
    pub mark_step_max: Spanned<String>,
    /// Fee of the resting side; negative is a rebate.
    pub maker_fee: Spanned<String>,
    /// Fee of the side that comes.
    pub taker_fee: Spanned<String>,
    /// Highest fee of a liquidation.
    pub liquidation_fee: Spanned<String>,
    /// Brackets of initial margin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initial_margin: Vec<Bracket>,
    /// Brackets of maintenance margin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maintenance_margin: Vec<Bracket>,
    /// What is traded and what it settles in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractSection>,
    /// What moves initial margin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive: Option<AdaptiveSection>,
    /// How the mark comes about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<PricingSection>,
    /// What keeps a perpetual near its index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<FundingSection>,
    /// Both, from a file, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brackets: Option<PublishedBrackets>,
}

/// Leverage brackets in a file of their own, as `fulcrum margin brackets` reads it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedBrackets {
    /// Which file; a relative path begins where the venue is started.
    pub file: Spanned<PathBuf>,
    /// The symbol in it.
    pub symbol: Spanned<String>,
}

/// A margin bracket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bracket {
    /// Notional at which it begins.
    pub from: Spanned<String>,
    /// Rate above that.
    pub rate: Spanned<String>,
}

const fn one() -> u32 {
    1
}

pub(super) fn at(text: &Spanned<String>, reason: &impl ToString) -> Fault {
    Fault { at: Place::Octets(text.span()), reason: reason.to_string() }
}

pub(super) fn number(text: &Spanned<String>, decimals: u8) -> Result<i64, Fault> {
    mantissa(text.get_ref(), decimals).map_err(|error| at(text, &error))
}

pub(super) fn rate(text: &Spanned<String>) -> Result<Rate, Fault> {
    let wrong = |reason: String| at(text, &reason);
    let parts = parts_per_billion(text.get_ref()).map_err(|error: NumberError| wrong(error.to_string()))?;
    let rate =
        u32::try_from(parts).map_err(|_| wrong(format!("{} is no rate from 0% to 100%", text.get_ref())))?;
    Ok(Rate::new(rate))
}

fn fee(text: &Spanned<String>) -> Result<FeeRate, Fault> {
    let parts = parts_per_billion(text.get_ref()).map_err(|error| at(text, &error))?;
    i32::try_from(parts).map(FeeRate::new).map_err(|_| at(text, &format!("{} is no fee", text.get_ref())))
}

impl InstrumentTerms {
    /// The specification, validated, where the assets have these symbols, numbered from 1.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that is wrong.
    pub fn spec(&self, assets: &[String]) -> Result<InstrumentSpec, Fault> {
        let symbol = symbol_octets(&self.symbol)?;
        let price = |text| number(text, self.price_decimals).map(Price::new);
        let qty = |text| number(text, self.quantity_decimals).map(Qty::new);
        let (initial_tiers, maintenance_tiers) = self.margin_tables()?;
        let spec = InstrumentSpec {
            symbol,
            price_decimals: self.price_decimals,
            qty_decimals: self.quantity_decimals,
            money_decimals: self.money_decimals,
            multiplier: self.multiplier,
            tick: price(&self.tick)?,
            lot: qty(&self.lot)?,
            price_max: price(&self.price_max)?,
            order_qty_max: qty(&self.order_max)?,
            position_max: qty(&self.position_max)?,
            open_interest_max: qty(&self.open_interest_max)?,
            price_band: rate(&self.price_band)?,
            market_collar: rate(&self.market_collar)?,
            mark_step_max: rate(&self.mark_step_max)?,
            maker_fee: fee(&self.maker_fee)?,
            taker_fee: rate(&self.taker_fee)?,
            liquidation_fee: rate(&self.liquidation_fee)?,
            initial_tiers,
            maintenance_tiers,
            contract: self.contract.clone().unwrap_or_default().terms(assets)?,
            adaptive: self.adaptive.clone().unwrap_or_default().terms(self.money_decimals)?,
            pricing: self.pricing.clone().unwrap_or_default().terms()?,
            funding: self.funding.clone().unwrap_or_default().terms(self.money_decimals)?,
        };
        match spec.clone().compile() {
            Ok(_) => Ok(spec),
            Err(error) => {
                Err(at(&self.symbol, &format!("{}: {}", self.symbol.get_ref(), broken_rule(error))))
            }
        }
    }

    /// Initial and maintenance brackets, written out or from a file.
    fn margin_tables(&self) -> Result<(Vec<Tier>, Vec<Tier>), Fault> {
        let Some(PublishedBrackets { file, symbol }) = &self.brackets else {
            return Ok((self.tiers(&self.initial_margin)?, self.tiers(&self.maintenance_margin)?));
        };
        let wrong = |reason: String| at(symbol, &reason);
        if !(self.initial_margin.is_empty() && self.maintenance_margin.is_empty()) {
            return Err(wrong("brackets come from the file or are written here, not both".to_owned()));
        }
        let published = BracketFile::open(file.get_ref()).map_err(wrong)?;
        let table = published.table(symbol.get_ref(), self.money_decimals);
        let table = table.map_err(|reason| wrong(format!("{}: {reason}", symbol.get_ref())))?;
        Ok((table.initial_tiers(), table.maintenance_tiers()))
    }

    fn tiers(&self, brackets: &[Bracket]) -> Result<Vec<Tier>, Fault> {
        let tier = |bracket: &Bracket| {
            let floor = Money::new(number(&bracket.from, self.money_decimals)?);
            Ok(Tier { floor, rate: rate(&bracket.rate)? })
        };
        brackets.iter().map(tier).collect()
    }
}

/// A name of 1 to 16 printable characters, filled up with zeros.
pub(super) fn symbol_octets(name: &Spanned<String>) -> Result<[u8; 16], Fault> {
    let text = name.get_ref();
    let mut symbol = [0; 16];
    if text.is_empty() || text.len() > symbol.len() || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(at(name, &format!("`{text}` is no symbol; take 1 to 16 printable ASCII characters")));
    }
    symbol[..text.len()].copy_from_slice(text.as_bytes());
    Ok(symbol)
}

/// What to change.
const fn broken_rule(error: SpecError) -> &'static str {
    match error {
        SpecError::Units => {
            "tick, lot and multiplier must be above zero, price_max a multiple of tick, the quantities multiples of \
             lot, and order_max <= position_max <= open_interest_max"
        }
        SpecError::Decimals => "money_decimals and price_decimals + quantity_decimals are too far apart",
        SpecError::Settlement => {
            "a linear contract settles in the unit of account, an inverse one in the coin it is about"
        }
        SpecError::Range => {
            "open_interest_max at price_max is worth more than 2^58 money units; lower one of them"
        }
        SpecError::Rates => {
            "price_band, market_collar and mark_step_max must be above 0% and at most 50%, fees at most 10%, and the \
             maker's fee or rebate no larger than the taker's fee"
        }
        SpecError::Tiers(TierError::Count) => "a margin table has 1 to 16 brackets",
        SpecError::Tiers(TierError::Floors) => {
            "the first bracket begins at 0, and every other above the one before"
        }
        SpecError::Tiers(TierError::Rates) => "margin rates are above 0%, at most 100%, and never fall",
        SpecError::MarginGap => "initial margin must be at least 5/4 of maintenance margin everywhere",
        SpecError::Pricing => {
            "the shares of index and mark must be at most 50% (wild at most 100%, stable_step at most 1%), a wild limit \
             needs confirmations, a band its time constant, and an index has at most 16 sources"
        }
        SpecError::Funding => {
            "funding needs whole seconds, no more of them between payments than its rate is quoted for, and that at most \
             three days; rate_max is at most six times what initial and maintenance margin lie apart, and a dated future has none"
        }
        SpecError::Contract => "a future cannot average its settlement price over longer than it lives",
    }
}
