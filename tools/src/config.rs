//! The configuration of a venue: a TOML file, or the commented example, which is the default.
//!
//! Invariant: numbers of money, price and quantity are texts and exact; a name that means nothing is refused, so a
//! misspelt setting never passes for its default. What is refused is refused with file, line and what to do.

pub mod asset;
pub mod groups;
pub mod instrument;
pub mod risk_group;
pub mod sections;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use risk::{AssetSpec, InstrumentSpec, RiskGroupTerms};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use self::asset::{Asset, AssetTerms, PricedBy};
use self::instrument::{Fault, InstrumentTerms, Place};
use self::risk_group::{RiskGroup, RiskGroupSection};
pub use self::sections::{
    CapacitySection, LogSection, QueueSection, RestartSection, SessionSection, ThreadSection,
};
use crate::format::octets;

/// The commented example; what `serve` runs with where no file is named.
pub const EXAMPLE: &str = include_str!("../fulcrum.example.toml");

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}; check the path given with --config", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file says something that it must not.
    #[error("{}, line {line}: {reason}", path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// How a venue is run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VenueConfig {
    /// Address the venue listens on.
    pub listen: Spanned<String>,
    /// Directory of the event log.
    pub data: PathBuf,
    /// How the log is kept.
    pub log: LogSection,
    /// Threads.
    pub threads: ThreadSection,
    /// Room of a new venue.
    pub capacity: CapacitySection,
    /// Queues between the threads.
    pub queues: QueueSection,
    /// Connections and sessions.
    pub sessions: SessionSection,
    /// How trading begins again after a failure.
    pub restart: RestartSection,
    /// The operator.
    pub operator: OperatorSection,
    /// Instruments of a new venue, numbered from 0.
    #[serde(rename = "instrument")]
    pub instruments: Vec<InstrumentTerms>,
    /// Assets of a new venue beside its unit of account, numbered from 1.
    #[serde(rename = "asset", skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetTerms>,
    /// Risk groups of a new venue, numbered from 0.
    #[serde(rename = "risk_group", skip_serializing_if = "Vec::is_empty")]
    pub risk_groups: Vec<RiskGroupSection>,
}

impl Default for VenueConfig {
    fn default() -> Self {
        Self {
            listen: Spanned::new(0..0, "127.0.0.1:7401".to_owned()),
            data: PathBuf::from("fulcrum-data"),
            log: LogSection::default(),
            threads: ThreadSection::default(),
            capacity: CapacitySection::default(),
            queues: QueueSection::default(),
            sessions: SessionSection::default(),
            restart: RestartSection::default(),
            operator: OperatorSection::default(),
            instruments: Vec::new(),
            assets: Vec::new(),
            risk_groups: Vec::new(),
        }
    }
}

/// The operator.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperatorSection {
    /// Ed25519 public key of a new venue's first administrator, 64 hexadecimal digits. Without one the first start
    /// makes a key and leaves it beside the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_key: Option<Spanned<String>>,
}

/// A configuration that was checked, with what it means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// As written.
    pub config: VenueConfig,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The first administrator's public key.
    pub admin_key: Option<[u8; 32]>,
    /// Instruments of a new venue.
    pub instruments: Vec<InstrumentSpec>,
    /// Assets of a new venue beside its unit of account.
    pub assets: Vec<Asset>,
    /// Risk groups of a new venue.
    pub risk_groups: Vec<RiskGroup>,
}

impl Checked {
    /// Reads a configuration, or the default where none is named.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::parse(EXAMPLE, Path::new("the default configuration")) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Checks a configuration that `path` is named for.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub fn of(config: VenueConfig, path: &Path) -> Result<Self, ConfigError> {
        config.check().map_err(|fault| wrong(path, "", fault))
    }

    /// Reads a configuration from `text`, which `path` is named for.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let checked = from_toml::<VenueConfig>(text).and_then(VenueConfig::check);
        checked.map_err(|fault| wrong(path, text, fault))
    }
}

/// Reads the terms of one instrument from a file, where the assets have these symbols, numbered from 1.
///
/// # Errors
/// [`ConfigError`].
pub fn read_instrument(path: &Path, assets: &[String]) -> Result<InstrumentSpec, ConfigError> {
    let text = text_of(path)?;
    let terms = from_toml::<InstrumentTerms>(&text).and_then(|terms| terms.spec(assets));
    terms.map_err(|fault| wrong(path, &text, fault))
}

/// Reads the terms of one asset from a file, where `find` knows the instruments.
///
/// # Errors
/// [`ConfigError`].
pub fn read_asset(path: &Path, find: impl Fn(&str) -> Option<PricedBy>) -> Result<AssetSpec, ConfigError> {
    let text = text_of(path)?;
    let terms = from_toml::<AssetTerms>(&text).and_then(|terms| terms.spec(find));
    terms.map_err(|fault| wrong(path, &text, fault))
}

/// Reads the terms of one risk group from a file, where the unit of account has so many decimals.
///
/// # Errors
/// [`ConfigError`].
pub fn read_risk_group(path: &Path, money_decimals: u8) -> Result<RiskGroupTerms, ConfigError> {
    let text = text_of(path)?;
    let terms = from_toml::<RiskGroupSection>(&text).and_then(|section| {
        let reason = "an instrument is put into a group with `fulcrum admin assign-risk-group`";
        let named = section.instruments.first().map(|name| instrument::at(name, &reason));
        named.map_or_else(|| section.terms(money_decimals), Err)
    });
    terms.map_err(|fault| wrong(path, &text, fault))
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

fn wrong(path: &Path, text: &str, fault: Fault) -> ConfigError {
    ConfigError::Wrong { path: path.to_owned(), line: fault.at.line(text), reason: fault.reason }
}

fn from_toml<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    toml::from_str(text).map_err(|error| {
        let reason = format!(
            "{}; the default, printed by `fulcrum serve --print-config`, shows every setting",
            error.message().replace('\n', " ")
        );
        Fault { at: Place::Octets(error.span().unwrap_or(0..0)), reason }
    })
}

impl VenueConfig {
    fn check(self) -> Result<Checked, Fault> {
        let listen = address(&self.listen)?;
        let admin_key = match &self.operator.admin_key {
            None => None,
            Some(text) => Some(octets::<32>(text.get_ref()).ok_or_else(|| {
                Fault {
                    at: Place::Octets(text.span()),
                    reason:
                        "admin_key is not 64 hexadecimal digits; `fulcrum keygen FILE` prints a public key"
                            .to_owned(),
                }
            })?),
        };
        self.log.check()?;
        self.queues.check()?;
        self.capacity.check()?;
        self.sessions.check()?;
        let symbols: Vec<String> = self.assets.iter().map(|asset| asset.symbol.get_ref().clone()).collect();
        let instruments: Vec<_> =
            self.instruments.iter().map(|terms| terms.spec(&symbols)).collect::<Result<_, _>>()?;
        let assets = asset::assets(&self.assets, &instruments)?;
        self.check_order(&instruments, &assets)?;
        let risk_groups = risk_group::risk_groups(&self.risk_groups, &instruments)?;
        Ok(Checked { config: self, listen, admin_key, instruments, assets, risk_groups })
    }
}

impl VenueConfig {
    /// An asset is priced by an instrument, and others settle in it: what needs something comes behind it.
    fn check_order(&self, instruments: &[InstrumentSpec], assets: &[Asset]) -> Result<(), Fault> {
        for ((place, spec), terms) in instruments.iter().enumerate().zip(&self.instruments) {
            let needed = usize::from(spec.contract.settlement.get());
            let prices = assets.iter().take(needed).map(|asset| asset.spec.priced_by.index());
            if prices.into_iter().any(|priced_by| priced_by >= place) {
                let name = terms.symbol.get_ref();
                let reason =
                    format!("{name} settles in an asset whose price comes later; put {name} behind it");
                return Err(Fault { at: Place::Octets(terms.symbol.span()), reason });
            }
        }
        Ok(())
    }
}

fn address(text: &Spanned<String>) -> Result<SocketAddr, Fault> {
    text.get_ref().parse().map_err(|_| Fault {
        at: Place::Octets(text.span()),
        reason: format!("`{}` is no address; write it as 127.0.0.1:7401 or [::1]:7401", text.get_ref()),
    })
}

#[cfg(test)]
mod tests;
