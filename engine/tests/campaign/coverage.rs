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

const KINDS: [&str; 80] = [
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
    "LiquidationStepped",
    "LiquidationPaced",
    "RiskGroupSet",
    "RiskGroupAssigned",
    "DeleveragingAsked",
    "DeleveragingPlanned",
    "planned by the worker",
    "planned by the venue",
    "Deleveraged",
    "DeleveragingEnded",
    "BadDebtBooked",
    "fund adds to a takeover",
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
    "Moved",
    "TransferRepeated",
    "StandingChanged",
    "OracleStateChanged",
    "SourcePriceTaken",
    "IndexSourceSet",
    "LiquidationHeld",
    "LiquidationResumed",
    "FundingPaid",
    "FundingBooked",
    "MarginModeSet",
    "FeeTierDefined",
    "FeeTierSet",
    "MarginScheduled",
    "MarginChangeEnded",
    "WouldLiquidate",
    "MarginWeighed",
    "MarginHeld",
    "MarginChanged",
    "moved MarginShort",
    "moved MarginMoved",
    "moved PositionOver",
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
        self.special(event);
        if let Event::Rejected { reject, .. } = *event {
            self.count(&format!("{reject:?}"));
        } else if let Event::Cancelled { reason, .. } = *event {
            self.count(&format!("cancelled: {reason:?}"));
        } else if let Event::Trimmed { reason, .. } = *event {
            self.count(match reason {
                TrimReason::ReduceOnly => "Trimmed",
                TrimReason::SelfTrade => "Trimmed by itself",
                TrimReason::Contingent => "Trimmed by its pair",
            });
        } else if let Event::Amended { priority_kept, .. } = *event {
            self.count(if priority_kept { "Amended kept" } else { "Amended requeued" });
        } else {
            self.count(event.name());
        }
    }

    fn special(&mut self, event: &Event) {
        let mut turns = Vec::new();
        if let Event::Fill(fill) = event {
            let liquidates = fill.kind == FillKind::Liquidation;
            turns = vec![
                ("fill of a liquidation", liquidates),
                ("liquidation fee", liquidates && fill.taker.fee.get() > 0),
                ("fill of an auction", fill.kind == FillKind::Auction),
                ("maker rebate", fill.maker.fee.get() < 0),
                ("position flat", fill.maker.position.get() == 0 || fill.taker.position.get() == 0),
            ];
        } else if let Event::LiquidationEnded { covered, .. } = *event {
            turns.push(("deficit covered", covered.get() > 0));
        } else if let Event::TakenOver { added, .. } = *event {
            turns.push(("fund adds to a takeover", added.get() > 0));
        } else if let Event::DeleveragingPlanned(plan) = event {
            turns.push(("planned by the worker", plan.by_worker));
            turns.push(("planned by the venue", !plan.by_worker));
        } else if let Event::PositionSettled { covered, .. } = *event {
            turns.push(("deficit covered at a settlement", covered.get() > 0));
        } else if let Event::InstrumentSettled { dust, .. } = *event {
            turns.push(("rounding of a settlement", dust.get() != 0));
        } else if let Event::Moved(movement) = *event {
            self.count(&format!("moved {:?}", movement.reason));
        } else if let Event::QuoteRefused { reject, .. } = *event {
            self.count(&format!("{reject:?}"));
        }
        for (name, _) in turns.iter().filter(|(_, happened)| *happened) {
            self.count(name);
        }
    }

    /// How often something was met.
    pub(crate) fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Every name a campaign is to reach, of the venue alone.
    fn wanted() -> Vec<String> {
        let mut wanted: Vec<String> = Reject::ALL.iter().map(|reject| format!("{reject:?}")).collect();
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
