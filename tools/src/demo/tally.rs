//! Counts over everything a venue did while it was played.
//!
//! Invariant: a tally is a fold over outcomes, each seen once and in order.

use std::collections::BTreeMap;

use engine::{Action, CancelReason, Event, MarginState, Reject};
use gateway::outcome::Outcome;
use hdrhistogram::Histogram;
use risk::{AssetId, FillKind};

/// Latencies are recorded up to here with three digits; above it they count as this.
const LATENCY_MAX_NS: u64 = 60_000_000_000;

/// Room for latencies in nanoseconds.
///
/// # Panics
/// Never: the bounds of the histogram are constants it admits.
#[must_use]
pub fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("constant bounds are admitted")
}

/// Counts.
#[derive(Debug)]
pub struct Tally {
    /// Commands that were submitted.
    pub commands: u64,
    /// Continuations the venue injected.
    pub continuations: u64,
    /// New orders, those of batches counted one by one; quotes are none.
    pub orders: u64,
    /// Cancels of single orders.
    pub cancels: u64,
    /// Amendments.
    pub amendments: u64,
    /// Index prices.
    pub index_prices: u64,
    /// Events of all kinds.
    pub events: u64,
    /// Matches.
    pub fills: u64,
    /// Of those, matches that closed a liquidated position.
    pub liquidation_fills: u64,
    /// Accounts that came below five quarters of their maintenance margin.
    pub warnings: u64,
    /// Liquidations that began.
    pub liquidations: u64,
    /// Of the cancelled orders, those cancelled by liquidations.
    pub liquidation_cancels: u64,
    /// Positions the insurance account took over.
    pub takeovers: u64,
    /// Deposits less withdrawals of the unit of account, from events alone.
    pub deposits: i128,
    /// Rejects by reason.
    pub rejects: BTreeMap<Reject, u64>,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            commands: 0,
            continuations: 0,
            orders: 0,
            cancels: 0,
            amendments: 0,
            index_prices: 0,
            events: 0,
            fills: 0,
            liquidation_fills: 0,
            warnings: 0,
            liquidations: 0,
            liquidation_cancels: 0,
            takeovers: 0,
            deposits: 0,
            rejects: BTreeMap::new(),
        }
    }

    /// Rejects of all kinds.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejects.values().sum()
    }

    /// Counts one outcome.
    pub fn count(&mut self, outcome: &Outcome<'_>) {
        match &outcome.command.action {
            Action::Continue => self.continuations += 1,
            Action::NewOrder(_) | Action::AdvancedOrder(_) => self.orders += 1,
            Action::CancelOrder(_) => self.cancels += 1,
            Action::OrderBatch(batch) => self.orders += batch.orders.len() as u64,
            Action::AmendOrder(_) | Action::AmendTrigger(_) => self.amendments += 1,
            Action::IndexPrice { .. } => self.index_prices += 1,
            Action::MassCancel(_)
            | Action::Tick
            | Action::OpenSession { .. }
            | Action::OpenAccount { .. }
            | Action::Deposit(_)
            | Action::Withdraw(_)
            | Action::SetLeverage { .. }
            | Action::DefineInstrument { .. }
            | Action::SetTradingState { .. }
            | Action::RegisterKey { .. }
            | Action::RevokeKey { .. }
            | Action::Logon(_)
            | Action::Logoff { .. }
            | Action::SessionLost { .. }
            | Action::Skip(_)
            | Action::CancelAllAfter { .. }
            | Action::MassQuote(_)
            | Action::SetProtection(_)
            | Action::ResetProtection { .. }
            | Action::SetOwnerGroup { .. }
            | Action::ScheduleMargin { .. }
            | Action::CancelMargin { .. }
            | Action::DefineFeeTier { .. }
            | Action::SetFeeTier { .. }
            | Action::SetMarginMode { .. }
            | Action::MoveMargin { .. }
            | Action::TransferBetween { .. }
            | Action::DefineAsset { .. }
            | Action::SetDebtTerms { .. }
            | Action::SetRiskGroup { .. }
            | Action::AssignRiskGroup { .. }
            | Action::Deleverage(_)
            | Action::SetGroupRestriction { .. }
            | Action::SuspendKey { .. }
            | Action::SetLimits { .. }
            | Action::StartAuction { .. }
            | Action::Restarted { .. }
            | Action::Settle { .. }
            | Action::SetIndexSource { .. }
            | Action::SetRestriction { .. } => {}
        }
        if outcome.command.action != Action::Continue {
            self.commands += 1;
        }
        for event in outcome.events {
            self.count_event(event);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events are only counted as events")]
    fn count_event(&mut self, event: &Event) {
        self.events += 1;
        match *event {
            Event::Rejected { reject, .. } => *self.rejects.entry(reject).or_default() += 1,
            Event::Fill(fill) => {
                self.fills += 1;
                self.liquidation_fills += u64::from(fill.kind == FillKind::Liquidation);
            }
            Event::Cancelled { reason, .. } => {
                self.liquidation_cancels += u64::from(reason == CancelReason::Liquidation);
            }
            Event::LiquidationStarted { .. } => self.liquidations += 1,
            Event::TakenOver { .. } => self.takeovers += 1,
            Event::Transferred { asset: AssetId::BASE, amount, .. } => {
                self.deposits += i128::from(amount.get());
            }
            Event::MarginStateChanged { state, .. } => {
                self.warnings += u64::from(state == MarginState::Warned);
            }
            _ => {}
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}
