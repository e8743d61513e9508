//! The groups of an instrument's terms that may be left out: contract, what adapts, pricing, funding.
//!
//! Invariant: a group that is left out is switched off, and so is a setting of it.

use risk::{
    AdaptiveTerms, AssetId, ContractKind, ContractTerms, FundingTerms, Money, PricingTerms, Rate,
    UnderlyingId,
};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::instrument::{Fault, at, number, rate};

const NS_PER_S: u64 = 1_000_000_000;
const NS_PER_MS: u64 = 1_000_000;
/// Decimals of a number of depths.
const DEPTH_DECIMALS: u8 = 9;

/// A text of a group that may be left out.
type Text = Option<Spanned<String>>;

fn rate_or(text: &Text, otherwise: Rate) -> Result<Rate, Fault> {
    text.as_ref().map_or(Ok(otherwise), rate)
}

fn money_or_none(text: &Text, decimals: u8) -> Result<Money, Fault> {
    text.as_ref().map_or(Ok(Money::ZERO), |text| number(text, decimals).map(Money::new))
}

/// How price and quantity make a value.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KindWord {
    /// Quantity times price.
    #[default]
    Linear,
    /// Quantity over price, in the coin.
    Inverse,
}

/// What is traded and what it settles in.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContractSection {
    /// Linear or inverse.
    pub kind: KindWord,
    /// Symbol of the asset it settles in; without one the unit of account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settlement: Text,
    /// Instruments of one underlying hedge each other.
    pub underlying: u16,
    /// When a dated future ends, in seconds since 1970; 0 is a perpetual.
    pub expires_s: u64,
    /// The settlement price is the average of the index over so long before, in seconds; 0 is the last index.
    pub averaging_s: u64,
}

impl ContractSection {
    /// What it means, where the assets have these symbols, numbered from 1.
    pub(super) fn terms(&self, assets: &[String]) -> Result<ContractTerms, Fault> {
        let settlement = match &self.settlement {
            None => AssetId::BASE,
            Some(text) => {
                let place = assets.iter().position(|symbol| symbol == text.get_ref());
                let number = place.and_then(|place| u16::try_from(place + 1).ok());
                AssetId::new(number.ok_or_else(|| at(text, &no_asset(text.get_ref(), assets)))?)
            }
        };
        Ok(ContractTerms {
            kind: match self.kind {
                KindWord::Linear => ContractKind::Linear,
                KindWord::Inverse => ContractKind::Inverse,
            },
            settlement,
            underlying: UnderlyingId::new(self.underlying),
            expiry_ns: self.expires_s.saturating_mul(NS_PER_S),
            averaging_ns: self.averaging_s.saturating_mul(NS_PER_S),
        })
    }
}

fn no_asset(name: &str, assets: &[String]) -> String {
    if assets.is_empty() {
        return format!("there is no asset {name}, nor any other; define it as an [[asset]] before");
    }
    format!("there is no asset {name}; there are {}", assets.join(", "))
}

/// What moves initial margin.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptiveSection {
    /// Open interest from which the initial rate rises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_interest_from: Text,
    /// Open interest at which the initial rate is 100 %.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_interest_full: Text,
    /// Depth of the book.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Text,
    /// How many depths of notional are free of the add-on for concentration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_depths: Text,
    /// Rate per depth beyond that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slope: Text,
    /// What part of unrealised profit counts for initial margin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profit_weight: Text,
}

impl AdaptiveSection {
    pub(super) fn terms(&self, money_decimals: u8) -> Result<AdaptiveTerms, Fault> {
        let free = self.free_depths.as_ref().map_or(Ok(0), |text| {
            let parts = number(text, DEPTH_DECIMALS)?;
            u64::try_from(parts).map_err(|_| at(text, &"a number of depths is not negative"))
        });
        Ok(AdaptiveTerms {
            oi_lower: money_or_none(&self.open_interest_from, money_decimals)?,
            oi_upper: money_or_none(&self.open_interest_full, money_decimals)?,
            depth: money_or_none(&self.depth, money_decimals)?,
            concentration_free: free?,
            concentration_slope: rate_or(&self.slope, Rate::new(0))?,
            profit_weight: rate_or(&self.profit_weight, Rate::ONE)?,
        })
    }
}

/// How the index comes of its sources, and the mark of index and book.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PricingSection {
    /// Sources that must be live; 0 takes each index price as it comes.
    pub sources: u8,
    /// A source's price is stale after so long, in milliseconds; 0 is never.
    pub stale_ms: u64,
    /// A source further from the median is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier: Text,
    /// Sources that disagree by more make the index uncertain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncertain: Text,
    /// An index further from its slow average is wild.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wild: Text,
    /// Ticks of the index inside the limit that end that.
    pub confirmations: u8,
    /// Band around the index for what makes the mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_band: Text,
    /// Time constant of the average of book less index, in seconds.
    pub basis_s: u64,
    /// The stable price moves at most so much a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_step: Text,
    /// While the index is stale the mark moves at most so much a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen_step: Text,
}

impl PricingSection {
    pub(super) fn terms(&self) -> Result<PricingTerms, Fault> {
        let part = |text: &Text| rate_or(text, Rate::new(0));
        Ok(PricingTerms {
            sources_min: self.sources,
            stale_ns: self.stale_ms.saturating_mul(NS_PER_MS),
            outlier: part(&self.outlier)?,
            uncertain: part(&self.uncertain)?,
            wild: part(&self.wild)?,
            confirmations: self.confirmations,
            component_band: part(&self.component_band)?,
            basis_tau_ns: self.basis_s.saturating_mul(NS_PER_S),
            stable_step: part(&self.stable_step)?,
            frozen_step: part(&self.frozen_step)?,
        })
    }
}

/// Funding of a perpetual.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FundingSection {
    /// Time between payments, in seconds; 0 is no funding.
    pub interval_s: u64,
    /// Time the rate is quoted for, in seconds.
    pub rate_period_s: u64,
    /// Notional that the impact prices are taken for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impact_notional: Text,
    /// Interest part of the rate, a period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interest: Text,
    /// It pulls the premium by at most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interest_clamp: Text,
    /// Bound of the rate, a period, in either direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_max: Text,
}

impl FundingSection {
    pub(super) fn terms(&self, money_decimals: u8) -> Result<FundingTerms, Fault> {
        let part = |text: &Text| rate_or(text, Rate::new(0));
        Ok(FundingTerms {
            interval_ns: self.interval_s.saturating_mul(NS_PER_S),
            rate_period_ns: self.rate_period_s.saturating_mul(NS_PER_S),
            impact_notional: money_or_none(&self.impact_notional, money_decimals)?,
            interest: part(&self.interest)?,
            interest_clamp: part(&self.interest_clamp)?,
            rate_max: part(&self.rate_max)?,
        })
    }
}
