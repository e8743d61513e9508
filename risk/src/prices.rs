//! Prices come in: index, mark and stable price of an instrument, and what follows from them for its legs.
//!
//! Invariant: whatever changes what a leg is worth or requires without touching the leg raises its instrument's revision,
//! so that nothing remembered outlives what it was found from.

use crate::account::{Remembered, Revision};
use crate::ledger::Ledger;
use crate::open_interest::scaled_rate;
use crate::terms::AdaptiveTerms;
use crate::units::{InstrumentId, Mark, Money};

/// An instrument's prices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prices {
    /// From outside.
    pub index: Mark,
    /// Used for equity and maintenance margin.
    pub mark: Mark,
    /// Used for initial margin where it is worse than the mark; `None` where the instrument has none.
    pub stable: Option<Mark>,
}

impl Ledger {
    /// Sets an instrument's prices.
    #[inline]
    pub fn set_prices(&mut self, instrument: InstrumentId, prices: Prices) {
        let Prices { index, mark, stable } = prices;
        let terms = &mut self.instruments[instrument.index()];
        let moved = terms.mark != Some(mark) || terms.stable != stable;
        (terms.index, terms.mark, terms.stable) = (Some(index), Some(mark), stable);
        for asset in self.assets.iter_mut().filter(|asset| asset.spec.priced_by == instrument) {
            asset.concentrate(index);
        }
        let scales = self.instrument(instrument).spec.adaptive.oi_upper != Money::ZERO;
        if scales && self.scale_initial_rate(instrument) || moved {
            self.revise(instrument);
        }
    }

    /// The mark led toward `target` by at most the instrument's step; the first one is there at once.
    #[inline]
    #[must_use]
    pub fn mark_toward(&self, instrument: InstrumentId, target: Mark) -> Mark {
        let terms = self.instrument(instrument);
        let step = terms.spec.mark_step_max;
        terms.mark.map_or(target, |mark| target.clamp(mark.lowered_by(step), mark.raised_by(step)))
    }

    /// Takes an index price: the mark follows it by at most the instrument's step. Returns the new mark.
    #[inline]
    pub fn set_index(&mut self, instrument: InstrumentId, index: Mark) -> Mark {
        let mark = self.mark_toward(instrument, index);
        let stable = self.instrument(instrument).stable;
        self.set_prices(instrument, Prices { index, mark, stable });
        mark
    }

    /// Takes the initial rate that open interest asks for; whether it changed. Source: `MARGIN.md` 3.
    #[inline(never)]
    pub(crate) fn scale_initial_rate(&mut self, instrument: InstrumentId) -> bool {
        let terms = self.instrument(instrument);
        let AdaptiveTerms { oi_lower, oi_upper, .. } = terms.spec.adaptive;
        if oi_upper == Money::ZERO {
            return false;
        }
        let open = terms.notional(self.open_interest(instrument), terms.mark.unwrap_or_default());
        let rate = scaled_rate(terms.base_rate(), open, oi_lower, oi_upper);
        core::mem::replace(&mut self.instruments[instrument.index()].adaptive_rate, rate) != rate
    }

    /// The legs of an instrument are worth or require something else from now on.
    #[inline]
    pub(crate) fn revise(&mut self, instrument: InstrumentId) {
        let revision = &mut self.revisions[instrument.index()];
        match revision.next() {
            Some(next) => *revision = next,
            None => self.begin_revisions_anew(instrument),
        }
    }

    /// Once in 2^31 changes numbers begin anew, and nothing may be remembered from before.
    #[cold]
    fn begin_revisions_anew(&mut self, instrument: InstrumentId) {
        self.revisions[instrument.index()] = Revision::FIRST;
        for leg in &mut self.legs {
            leg.valued_at = Remembered(Revision::default());
        }
    }
}
