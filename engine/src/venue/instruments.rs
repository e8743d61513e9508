//! Instruments: definition, and the numbers of their index prices.
//!
//! Invariant: an instrument's number is its place; instruments are never removed. Per instrument and source the numbers
//! of index prices rise, so that a late one moves nothing.

use alloc::vec::Vec;

use super::funding::Funding;
use super::maturity::{Average, is_timed};
use super::phases::Reach;
use super::pricing::Pricing;
use super::{Market, Venue, Verdict};
use crate::book::Book;
use crate::command::{TimeNs, TradingState};
use crate::event::{Event, Events};
use crate::limits::{INDEX_SOURCES_MAX, LADDER_KEYS_MAX};
use crate::reject::Reject;
use crate::triggers::Triggers;
use risk::limits::INSTRUMENTS_MAX;
use risk::{InstrumentId, InstrumentSpec};

/// The sources of an instrument's index prices with their last numbers, in the order they first came.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Sources {
    list: Vec<(u16, u64)>,
}

impl Sources {
    /// Whether the number of a price rises, and its source is not one too many.
    pub(super) fn check(&self, source: u16, number: u64) -> Result<(), Reject> {
        match self.list.iter().find(|(known, _)| *known == source) {
            Some((_, last)) if number <= *last => Err(Reject::StalePrice),
            None if self.list.len() >= INDEX_SOURCES_MAX => Err(Reject::BadParameter),
            Some(_) | None => Ok(()),
        }
    }

    /// Notes the number of a price, where it has one.
    pub(super) fn take(&mut self, source: u16, number: u64) {
        if number == 0 {
            return;
        }
        match self.list.iter_mut().find(|(known, _)| *known == source) {
            Some((_, last)) => *last = number,
            None => self.list.push((source, number)),
        }
    }
}

impl Venue {
    #[cold]
    pub(super) fn define_instrument(
        &mut self,
        instrument: InstrumentId,
        spec: &InstrumentSpec,
        events: &mut Events,
    ) -> Verdict {
        self.check_asset(spec.contract.settlement)?;
        if instrument.get() != self.ledger.instruments() {
            return Err(Reject::AlreadyExists.into());
        }
        if instrument.get() >= INSTRUMENTS_MAX {
            return Err(Reject::BadParameter.into());
        }
        self.check_settlement(spec)?;
        let compiled = spec.clone().compile().map_err(|_| Reject::BadParameter)?;
        if !self.ledger.admits_fees(spec) {
            return Err(Reject::BadParameter.into());
        }
        let ticks = spec.price_max.get().div_euclid(spec.tick.get());
        let keys = u32::try_from(ticks + 1).ok().filter(|&keys| keys <= LADDER_KEYS_MAX);
        let keys = keys.ok_or(Reject::BadParameter)?;
        let tick = spec.tick;

        self.index.define(spec.price_max.to_mark());
        self.ledger.define(compiled);
        self.markets.push(Market {
            book: Book::new(keys),
            state: TradingState::Open,
            reach: Reach::ALL,
            until: TimeNs::default(),
            call_ms: 0,
            sources: Sources::default(),
            pricing: Pricing::new(&spec.pricing),
            funding: Funding::new(&spec.funding, self.last.time),
            average: Average::default(),
            last: 0,
            triggers: Triggers::new(tick, keys - 1),
            is_followed: false,
        });
        if is_timed(spec) {
            self.timed.push(instrument);
        }
        self.state_timers.reserve(self.markets.len() - self.state_timers.len());
        self.crossed.reserve(self.markets.len() - self.crossed.len());
        events.push(Event::InstrumentDefined { instrument });
        Ok(())
    }

    /// An instrument settles in the unit of account, or in the coin it is about and in its smallest units: nothing is
    /// settled in a third asset.
    fn check_settlement(&self, spec: &InstrumentSpec) -> Result<(), Reject> {
        let terms = &spec.contract;
        let Some(asset) = self.ledger.find_asset(terms.settlement) else { return Ok(()) };
        let about = self.ledger.instrument(asset.spec.priced_by).spec.contract.underlying;
        let fits = about == terms.underlying && asset.spec.decimals == spec.money_decimals;
        if fits { Ok(()) } else { Err(Reject::BadParameter) }
    }
}
