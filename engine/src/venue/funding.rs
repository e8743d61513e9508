//! Funding: samples of the premium, and what a rate makes longs and shorts owe each other at the end of an interval.
//!
//! Invariant: intervals are counted from 1970, so that a venue pays at the same times whatever its ticks; an interval is paid
//! once, or not at all where the index was not trusted at its end or nothing was sampled in it. O(1) an instrument.

use super::Venue;
use crate::command::TimeNs;
use crate::event::{Event, Events};
use crate::limits::IMPACT_LEVELS_MAX;
use risk::funding::{self, Premiums};
use risk::{Activity, FundingRate, FundingTerms, InstrumentId, Mark, Price, Side};

/// Time between samples.
const SAMPLE_NS: u64 = 1_000_000_000;

/// The funding of an instrument.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Funding {
    premiums: Premiums,
    sampled: Option<TimeNs>,
    /// Where the interval began that has not ended yet.
    began: TimeNs,
    /// Rate of the last interval.
    rate: FundingRate,
}

/// The beginning of the interval a time lies in.
const fn interval_of(terms: &FundingTerms, now: u64) -> TimeNs {
    if terms.interval_ns == 0 {
        return TimeNs::new(0);
    }
    TimeNs::new(now - now.rem_euclid(terms.interval_ns))
}

impl Funding {
    /// The funding of an instrument that is defined now.
    pub(super) fn new(terms: &FundingTerms, now: TimeNs) -> Self {
        Self { began: interval_of(terms, now.get()), ..Self::default() }
    }

    /// The rate of the last interval.
    pub(super) const fn rate(&self) -> FundingRate {
        self.rate
    }

    /// Nanoseconds until the interval ends.
    pub(super) const fn left(&self, terms: &FundingTerms, now: u64) -> u64 {
        self.began.get().saturating_add(terms.interval_ns).saturating_sub(now)
    }
}

impl Venue {
    /// Rate of the last funding interval of an instrument; 0 before the first.
    #[must_use]
    pub fn funding_rate(&self, instrument: InstrumentId) -> Option<FundingRate> {
        self.markets.get(instrument.index()).map(|market| market.funding.rate())
    }

    /// Takes a sample of the premium, at most one a second.
    pub(super) fn sample_premium(&mut self, instrument: InstrumentId, now: u64) {
        let terms = self.ledger.instrument(instrument).spec.funding;
        if terms.interval_ns == 0 {
            return;
        }
        let sampled = self.markets[instrument.index()].funding.sampled;
        let is_due = sampled.is_none_or(|sampled| now >= sampled.get().saturating_add(SAMPLE_NS));
        if !is_due || !self.is_matching(instrument) || !self.is_trusted_for(instrument, Activity::Funding) {
            return;
        }
        let Some(index) = self.markets[instrument.index()].pricing.oracle.index() else { return };
        let bid = self.impact_price(instrument, Side::Buy, index, &terms);
        let ask = self.impact_price(instrument, Side::Sell, index, &terms);
        let funding = &mut self.markets[instrument.index()].funding;
        funding.premiums.take(funding::premium(bid, ask, index));
        funding.sampled = Some(TimeNs::new(now));
    }

    /// What a side of the book gives, on average, for what the impact notional buys at the index.
    fn impact_price(
        &self,
        instrument: InstrumentId,
        side: Side,
        index: Mark,
        terms: &FundingTerms,
    ) -> Option<Mark> {
        let price = index.floor_price().max(Price::new(1));
        let qty = self.ledger.instrument(instrument).payable(terms.impact_notional, price);
        funding::impact(side, self.depth(instrument, side).take(IMPACT_LEVELS_MAX), qty)
    }

    /// Pays for the intervals that are over, as one, for a rate period at most; whether it did.
    pub(super) fn fund(&mut self, instrument: InstrumentId, now: u64, events: &mut Events) -> bool {
        let terms = self.ledger.instrument(instrument).spec.funding;
        let began = interval_of(&terms, now);
        let trusted = self.is_trusted_for(instrument, Activity::Funding);
        let funding = &mut self.markets[instrument.index()].funding;
        if began == funding.began {
            return false;
        }
        let elapsed_ns = began.get().saturating_sub(funding.began.get()).min(terms.rate_period_ns);
        let average = core::mem::take(&mut funding.premiums).average();
        funding.began = began;
        funding.rate = FundingRate::default();
        let Some(average) = average.filter(|_| trusted) else { return false };
        funding.rate = funding::rate(average, &terms);
        let rate = funding.rate;
        let elapsed_s = u32::try_from(elapsed_ns.div_euclid(1_000_000_000)).unwrap_or(u32::MAX);
        self.pay_funding(instrument, rate, elapsed_s, events);
        true
    }

    fn pay_funding(
        &mut self,
        instrument: InstrumentId,
        rate: FundingRate,
        elapsed_s: u32,
        events: &mut Events,
    ) {
        let known = self.ledger.instrument(instrument);
        let Some(index) = self.markets[instrument.index()].pricing.oracle.index() else { return };
        let (value, period_s) = (known.lot_value(index), known.spec.funding.period_s());
        let per_lot = funding::accrual_of_lot(value, rate, elapsed_s, period_s);
        events.push(Event::FundingPaid { instrument, rate, per_lot, index });
        self.accrue_funding(instrument, per_lot, events);
    }
}
