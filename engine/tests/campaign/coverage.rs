//! How often a campaign met each reject, event and reason.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::{CancelReason, Event, Reject, TrimReason};
use risk::FillKind;

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    counts: BTreeMap<String, u64>,
}

const KINDS: [&str; 46] = [
    "Accepted",
    "Fill",
    "Amended kept",
    "Amended requeued",
    "Trimmed",
    "MassCancelled",
    "Marked",
    "SessionOpened",
    "AccountOpened",
    "Transferred",
    "LeverageSet",
    "InstrumentDefined",
    "TradingStateSet",
    "Ticked",
    "LiquidationStarted",
    "TakenOver",
    "LiquidationEnded",
    "KeyRegistered",
    "KeyRevoked",
    "LoggedOn",
    "LoggedOff",
    "Skipped",
    "DeadManSet",
    "DeadManFired",
    "RestrictionSet",
    "Trimmed by itself",
    "Trimmed by its pair",
    "Armed",
    "Triggered",
    "Activated",
    "Refreshed",
    "MassQuoted",
    "QuoteRefused",
    "ProtectionSet",
    "ProtectionTripped",
    "ProtectionReset",
    "OwnerGroupSet",
    "GroupRestrictionSet",
    "KeySuspended",
    "LimitsSet",
    "LimitStateEntered",
    "Uncrossed",
    "PositionSettled",
    "InstrumentSettled",
    "fill of an auction",
    "rounding of a settlement",
];

const TURNS: [&str; 7] = [
    "fill of a liquidation",
    "liquidation fee",
    "maker rebate",
    "deficit covered",
    "position flat",
    "command of more than 64 events",
    "continued",
];

impl Coverage {
    pub(crate) fn count(&mut self, what: &str) {
        if let Some(count) = self.counts.get_mut(what) {
            *count += 1;
        } else {
            self.counts.insert(what.to_owned(), 1);
        }
    }

    /// Counts an event and what is special about it.
    pub(crate) fn event(&mut self, event: &Event) {
        let kind = match *event {
            Event::Rejected { reject, .. } => {
                self.count(&format!("{reject:?}"));
                return;
            }
            Event::Cancelled { reason, .. } => {
                self.count(&format!("cancelled: {reason:?}"));
                return;
            }
            Event::Accepted { .. } => "Accepted",
            Event::Fill(fill) => {
                if fill.kind == FillKind::Liquidation {
                    self.count("fill of a liquidation");
                    if fill.taker.fee.get() > 0 {
                        self.count("liquidation fee");
                    }
                }
                if fill.kind == FillKind::Auction {
                    self.count("fill of an auction");
                }
                if fill.maker.fee.get() < 0 {
                    self.count("maker rebate");
                }
                if fill.maker.position.get() == 0 || fill.taker.position.get() == 0 {
                    self.count("position flat");
                }
                "Fill"
            }
            Event::Amended { priority_kept: true, .. } => "Amended kept",
            Event::Amended { .. } => "Amended requeued",
            Event::Trimmed { reason: TrimReason::ReduceOnly, .. } => "Trimmed",
            Event::Trimmed { reason: TrimReason::SelfTrade, .. } => "Trimmed by itself",
            Event::Trimmed { reason: TrimReason::Contingent, .. } => "Trimmed by its pair",
            Event::MassCancelled { .. } => "MassCancelled",
            Event::Marked { .. } => "Marked",
            Event::SessionOpened { .. } => "SessionOpened",
            Event::AccountOpened { .. } => "AccountOpened",
            Event::Transferred { .. } => "Transferred",
            Event::LeverageSet { .. } => "LeverageSet",
            Event::InstrumentDefined { .. } => "InstrumentDefined",
            Event::TradingStateSet { .. } => "TradingStateSet",
            Event::Ticked => "Ticked",
            Event::KeyRegistered { .. } => "KeyRegistered",
            Event::KeyRevoked { .. } => "KeyRevoked",
            Event::LoggedOn { .. } => "LoggedOn",
            Event::LoggedOff { .. } => "LoggedOff",
            Event::Skipped { .. } => "Skipped",
            Event::DeadManSet { .. } => "DeadManSet",
            Event::DeadManFired { .. } => "DeadManFired",
            Event::RestrictionSet { .. } => "RestrictionSet",
            Event::Armed { .. } => "Armed",
            Event::Triggered { .. } => "Triggered",
            Event::Activated { .. } => "Activated",
            Event::Refreshed { .. } => "Refreshed",
            Event::MassQuoted { .. } => "MassQuoted",
            Event::ProtectionSet { .. } => "ProtectionSet",
            Event::ProtectionTripped { .. } => "ProtectionTripped",
            Event::ProtectionReset { .. } => "ProtectionReset",
            Event::OwnerGroupSet { .. } => "OwnerGroupSet",
            Event::GroupRestrictionSet { .. } => "GroupRestrictionSet",
            Event::KeySuspended { .. } => "KeySuspended",
            Event::LimitsSet { .. } => "LimitsSet",
            Event::LimitStateEntered { .. } => "LimitStateEntered",
            Event::Uncrossed { .. } => "Uncrossed",
            Event::PositionSettled { covered, .. } => {
                if covered.get() > 0 {
                    self.count("deficit covered at a settlement");
                }
                "PositionSettled"
            }
            Event::InstrumentSettled { dust, .. } => {
                if dust.get() != 0 {
                    self.count("rounding of a settlement");
                }
                "InstrumentSettled"
            }
            Event::QuoteRefused { reject, .. } => {
                self.count(&format!("{reject:?}"));
                "QuoteRefused"
            }
            Event::LiquidationStarted { .. } => "LiquidationStarted",
            Event::TakenOver { .. } => "TakenOver",
            Event::LiquidationEnded { covered, .. } => {
                if covered.get() > 0 {
                    self.count("deficit covered");
                }
                "LiquidationEnded"
            }
        };
        self.count(kind);
    }

    /// Every name a campaign is to reach, of the venue alone.
    fn wanted() -> Vec<String> {
        // While an account is under liquidation the venue is pending and refuses with `VenuePending` first, so
        // `AccountLiquidating` cannot be seen from outside.
        let rejects = Reject::ALL.iter().filter(|&&reject| reject != Reject::AccountLiquidating);
        let mut wanted: Vec<String> = rejects.map(|reject| format!("{reject:?}")).collect();
        wanted.extend(CancelReason::ALL.iter().map(|reason| format!("cancelled: {reason:?}")));
        wanted.extend(KINDS.iter().chain(&TURNS).map(|&name| name.to_owned()));
        wanted
    }

    /// What was never met, of the venue's vocabulary and of `also`.
    pub(crate) fn missing(&self, also: &[&str]) -> Vec<String> {
        let mut wanted = Self::wanted();
        wanted.extend(also.iter().map(|&name| name.to_owned()));
        wanted.retain(|name| !self.counts.contains_key(name));
        wanted
    }

    /// The counts as text, a line each.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for (name, count) in &self.counts {
            writeln!(text, "{count:>10}  {name}").expect("writing to a string");
        }
        text
    }
}
