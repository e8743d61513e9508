//! One holder's part of a deleveraging, step by step.
//!
//! Invariant: every figure is of the basis; the cut is the plan's.

use engine::DeleveragingDecision;
use gateway::deleveraging::commitment::{Occasion, Tree};
use gateway::deleveraging::secret::Secret;
use risk::deleveraging::{Allocation, Demand, Holder};
use serde::Serialize;

use super::proof::ProofFile;

/// See the module's documentation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HolderAudit {
    /// Who.
    pub account: u32,
    /// Value of a lot at the mark.
    pub value: i64,
    /// What a lot costs beyond it.
    pub haircut: i64,
    /// Lots held.
    pub held: i64,
    /// Of these, lots that nothing hedges.
    pub open: i64,
    /// Equity.
    pub equity: i64,
    /// Value of the open lots over equity, in hundredths.
    pub leverage: i128,
    /// Leverage that holders are cut to, in hundredths; `None` in a queue, and where nothing was levelled.
    pub level: Option<i128>,
    /// The exact cut to that level: over, under.
    pub exact: Option<(i128, i128)>,
    /// Lots that its equity bears the haircut of.
    pub bearable: i64,
    /// Open lots of the plan.
    pub planned: i64,
    /// Hedged lots of the plan.
    pub planned_hedged: i64,
    /// That it was counted, where the plan commits to its holders and the secret lies beside the log.
    pub proof: Option<ProofFile>,
}

impl HolderAudit {
    pub(super) fn of(
        holder: &Holder,
        demand: &Demand,
        allocation: &Allocation,
        decision: &DeleveragingDecision,
        secret: Option<&Secret>,
        holders: &[Holder],
    ) -> Self {
        let planned = |hedged| {
            let cuts = allocation.cuts().iter();
            let own = cuts.filter(|cut| cut.account == holder.account && cut.hedged == hedged);
            own.map(|cut| cut.lots).sum()
        };
        let worth = i128::from(holder.open) * i128::from(demand.value.get());
        let hundredths = |over: i128, under: i128| (over * 100).div_euclid(under.max(1));
        let occasion = Occasion { request: decision.request, basis: decision.basis };
        let commits = decision.commitment != [0; 32];
        let tree = secret.filter(|_| commits).map(|secret| Tree::build(secret, occasion, holders));
        Self {
            account: holder.account.get(),
            value: demand.value.get(),
            haircut: demand.haircut.get(),
            held: holder.held,
            open: holder.open,
            equity: holder.equity.get(),
            leverage: hundredths(worth, i128::from(holder.equity.get())),
            level: allocation.level().map(|level| hundredths(level.over(), level.under())),
            exact: allocation.level().map(|level| {
                let exact = demand.exact_cut(level, holder);
                (exact.over(), exact.under())
            }),
            bearable: demand.bearable(holder),
            planned: planned(false),
            planned_hedged: planned(true),
            proof: tree.as_ref().and_then(|tree| ProofFile::of(tree, occasion, holder)),
        }
    }
}
