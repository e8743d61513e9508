//! Counts over everything a venue did while it was played.
//!
//! Invariant: a tally is a fold over outcomes, each seen once and in order.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Action, CancelReason, Event, MarginState, Reject};
use gateway::outcome::Outcome;
use hdrhistogram::Histogram;
use risk::{AccountId, AssetId, FillKind};

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

/// What liquidated accounts lacked, and who bore it.
#[derive(Debug, Default)]
pub struct Shared {
    /// Steps of liquidations through the books.
    pub steps: u64,
    /// What the fund paid.
    pub insurance_used: i128,
    /// Deleveragings that were asked for.
    pub requests: BTreeSet<u64>,
    /// Accounts that were cut.
    pub hit: BTreeSet<AccountId>,
    /// Lots, or quantity where a lot is more than one, that they gave up.
    pub given_up: i128,
    /// Plans that the worker made.
    pub by_worker: u64,
    /// Leverage that holders were cut to by the last plan that levelled any, in hundredths.
    pub level: Option<i128>,
    /// The first cut: the command, and whose.
    pub first_cut: Option<(u64, AccountId)>,
    /// What nobody paid.
    pub bad_debt: i128,
}

impl Shared {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events tell of something else")]
    fn count(&mut self, event: &Event) {
        match *event {
            Event::LiquidationStepped(_) => self.steps += 1,
            Event::Fill(fill) if fill.kind == FillKind::Liquidation => {
                self.insurance_used += i128::from((-fill.taker.fee.get()).max(0));
            }
            Event::TakenOver { added, .. } => self.insurance_used += i128::from(added.get()),
            Event::LiquidationEnded { covered, .. } => self.insurance_used += i128::from(covered.get()),
            Event::DeleveragingAsked(call) => {
                self.requests.insert(call.request);
            }
            Event::DeleveragingPlanned(plan) => {
                self.by_worker += u64::from(plan.by_worker);
                let level = plan.level.map(|(over, under)| (over * 100).div_euclid(under.max(1)));
                self.level = level.or(self.level);
            }
            Event::Deleveraged(cut) => {
                self.hit.insert(cut.account);
                self.given_up += i128::from(cut.position.size().get());
            }
            Event::BadDebtBooked { amount, .. } => self.bad_debt += i128::from(amount.get()),
            _ => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events tell of something else")]
    fn note_first(&mut self, outcome: &Outcome<'_>) {
        let cuts = outcome.events.iter().filter_map(|event| match event {
            Event::Deleveraged(cut) => Some((outcome.stamp.seq.get(), cut.account)),
            _ => None,
        });
        self.first_cut = self.first_cut.or_else(|| cuts.min());
    }
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
    /// Positions that the backstop account took over.
    pub takeovers: u64,
    /// What happened of insurance and deleveraging.
    pub shared: Shared,
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
            shared: Shared::default(),
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
        self.shared.note_first(outcome);
        for event in outcome.events {
            self.count_event(event);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events are only counted as events")]
    fn count_event(&mut self, event: &Event) {
        self.events += 1;
        self.shared.count(event);
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
            Event::TakenOver { by, .. } if by != AccountId::DELEVERAGING => {
                self.takeovers += 1;
            }
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
