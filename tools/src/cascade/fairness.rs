//! Whom the same cascade hits under each policy, and for how much.
//!
//! Invariant: leverage is that of the position before its first cut: value at the mark over the account's equity.

use std::fmt;

use serde::Serialize;

use super::Victims;
use super::report::{Report, dollars};
use super::watch::Victim;
use crate::desk::table::{Align, Table};
use crate::format::{decimal, grouped};

/// Where a band of leverage begins, in hundredths, with its name.
const BANDS: [(i64, &str); 6] = [
    (0, "below 1"),
    (100, "1 to 2"),
    (200, "2 to 5"),
    (500, "5 to 10"),
    (1_000, "10 to 20"),
    (2_000, "20 and more"),
];

/// Accounts of a band of leverage that were cut.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Band {
    /// Leverage.
    pub(super) leverage: String,
    /// How many.
    pub(super) victims: u64,
    /// What they gave up.
    pub(super) lots: i64,
    /// What they paid beyond value; negative is a gain.
    pub(super) haircut: i64,
    /// The same for each, rounded down.
    pub(super) mean_haircut: i64,
}

/// One policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Column {
    /// Which.
    pub(super) policy: String,
    /// Accounts cut.
    pub(super) accounts_hit: usize,
    /// Lots cut.
    pub(super) lots: i64,
    /// Lots cut beyond what had to be.
    pub(super) overshoot: i64,
    /// What all paid beyond value.
    pub(super) haircuts: i64,
    /// Accounts whose hedge was cut while what it hedged stayed.
    pub(super) hedges_broken: u64,
    /// Leverage of the account in the middle, in hundredths; 0 where nobody was cut.
    pub(super) median_leverage: i64,
    /// Accounts that went below maintenance margin.
    pub(super) liquidated: usize,
    /// By leverage.
    pub(super) bands: Vec<Band>,
}

/// See the module's documentation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Fairness {
    /// One after the other.
    pub(super) policies: Vec<Column>,
}

impl Column {
    pub(super) fn of(policy: &str, report: &Report, victims: &Victims) -> Self {
        let mut leverages: Vec<i64> = victims.values().map(|victim| victim.leverage).collect();
        leverages.sort_unstable();
        Self {
            policy: policy.to_owned(),
            accounts_hit: victims.len(),
            lots: report.adl_lots,
            overshoot: report.adl_lots - report.adl_lots_minimum,
            haircuts: report.haircuts,
            hedges_broken: victims.values().filter(|victim| victim.hedge_broken).count() as u64,
            median_leverage: leverages.get(leverages.len() >> 1).copied().unwrap_or(0),
            liquidated: report.liquidated,
            bands: (0..BANDS.len()).map(|place| band(place, victims)).collect(),
        }
    }
}

fn band(place: usize, victims: &Victims) -> Band {
    let (from, name) = BANDS[place];
    let to = BANDS.get(place + 1).map_or(i64::MAX, |next| next.0);
    let within = |victim: &&Victim| (from..to).contains(&victim.leverage);
    let of: Vec<&Victim> = victims.values().filter(within).collect();
    let haircut: i64 = of.iter().map(|victim| victim.haircut).sum();
    let count = i64::try_from(of.len()).unwrap_or(i64::MAX);
    Band {
        leverage: name.to_owned(),
        victims: of.len() as u64,
        lots: of.iter().map(|victim| victim.lots).sum(),
        haircut,
        mean_haircut: haircut.div_euclid(count.max(1)),
    }
}

impl fmt::Display for Fairness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [
            "policy",
            "hit",
            "lots",
            "overshoot",
            "haircuts",
            "hedges broken",
            "median leverage",
            "liquidated",
        ];
        let mut table =
            Table::new(&head.map(|name| (name, if name == "policy" { Align::Left } else { Align::Right })));
        for of in &self.policies {
            table.push(vec![
                of.policy.clone(),
                grouped(of.accounts_hit as i128),
                grouped(of.lots.into()),
                grouped(of.overshoot.into()),
                dollars(of.haircuts),
                grouped(of.hedges_broken.into()),
                decimal(of.median_leverage.into(), 2),
                grouped(of.liquidated as i128),
            ]);
        }
        write!(f, "{table}")?;
        writeln!(f)?;
        let head = ["policy", "leverage", "hit", "lots", "haircuts", "mean"];
        let mut table = Table::new(&head.map(|name| {
            (name, if ["policy", "leverage"].contains(&name) { Align::Left } else { Align::Right })
        }));
        for of in &self.policies {
            for band in &of.bands {
                table.push(vec![
                    of.policy.clone(),
                    band.leverage.clone(),
                    grouped(band.victims.into()),
                    grouped(band.lots.into()),
                    dollars(band.haircut),
                    dollars(band.mean_haircut),
                ]);
            }
        }
        write!(f, "{table}")
    }
}
