//! Changes of an instrument's margin: other tables, other terms of what moves initial margin.
//!
//! Invariant: terms that are set have passed every rule of the specification they become part of.

use alloc::vec::Vec;

use crate::assessment::Assessment;
use crate::collateral::Change;
use crate::instrument::{Instrument, InstrumentSpec};
use crate::ledger::Ledger;
use crate::rounding::div_ceil;
use crate::terms::AdaptiveTerms;
use crate::tiers::{Tier, TierTable};
use crate::units::{AccountId, InstrumentId, Rate};

/// What margin an instrument asks for. Logged with the command that carries it.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct MarginTerms {
    /// Initial-margin brackets.
    pub initial_tiers: Vec<Tier>,
    /// Maintenance-margin brackets.
    pub maintenance_tiers: Vec<Tier>,
    /// What moves initial margin.
    pub adaptive: AdaptiveTerms,
}

impl MarginTerms {
    /// An instrument's own.
    #[must_use]
    pub fn of(spec: &InstrumentSpec) -> Self {
        Self {
            initial_tiers: spec.initial_tiers.clone(),
            maintenance_tiers: spec.maintenance_tiers.clone(),
            adaptive: spec.adaptive,
        }
    }

    /// The terms at step `step` of `steps` from maintenance brackets `from`, whose floors are the same: maintenance rates
    /// lie so far on their way, rounded up, everything else is there.
    #[must_use]
    pub fn at_step(&self, from: &[Tier], step: u16, steps: u16) -> Self {
        let (step, steps) = (i128::from(step), i128::from(steps));
        let on_the_way = |(new, old): (&Tier, &Tier)| {
            let [new_rate, old_rate] = [new, old].map(|tier| i128::from(tier.rate.get()));
            let rate = div_ceil(old_rate * (steps - step) + new_rate * step, steps);
            let rate = Rate::new(u32::try_from(rate).unwrap_or(u32::MAX));
            Tier { floor: new.floor, rate }
        };
        let maintenance_tiers = self.maintenance_tiers.iter().zip(from).map(on_the_way).collect();
        Self { maintenance_tiers, ..self.clone() }
    }

    /// Whether maintenance can go from brackets `from` to these by steps: the floors are the same.
    #[must_use]
    pub fn goes_by_steps_from(&self, from: &[Tier]) -> bool {
        let floors = |tiers: &[Tier]| tiers.iter().map(|tier| tier.floor).collect::<Vec<_>>();
        floors(&self.maintenance_tiers) == floors(from)
    }
}

impl Instrument {
    /// The instrument under other margin terms; `None` where its specification would not admit them.
    #[must_use]
    pub fn under(&self, terms: &MarginTerms) -> Option<Self> {
        let MarginTerms { initial_tiers, maintenance_tiers, adaptive } = terms.clone();
        let spec = InstrumentSpec { initial_tiers, maintenance_tiers, adaptive, ..self.spec.clone() };
        spec.compile().ok()
    }
}

impl Ledger {
    /// An account as it would be if an instrument's maintenance table were another.
    #[must_use]
    pub fn assess_under(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        table: &TierTable,
    ) -> Assessment {
        let mut change = Change::NONE;
        if let Some(leg_id) = self.find_leg(account, instrument) {
            let known = self.instrument(instrument);
            let notional = known.notional(self.leg(leg_id).position.size(), self.mark_of(instrument));
            change.maintenance[known.settlement().index()] =
                table.requirement(notional) - known.maintenance(notional);
        }
        self.assess_with(account, &change)
    }

    /// Gives an instrument other margin terms, which [`Instrument::under`] admits. Accounts with a position in it must be
    /// armed anew.
    pub fn set_margin(&mut self, instrument: InstrumentId, terms: &MarginTerms) {
        let Some(under) = self.instrument(instrument).under(terms) else { return };
        self.instruments[instrument.index()].take_margin(under);
        self.scale_initial_rate(instrument);
        self.revise(instrument);
    }
}
