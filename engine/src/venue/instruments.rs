//! Instruments: definition, index prices.
//!
//! Invariant: an instrument's number is its place; instruments are never removed. Per instrument and source the numbers
//! of index prices rise, so that a late one moves nothing.

use alloc::vec::Vec;

use super::phases::Reach;
use super::{Market, Venue, Verdict};
use crate::book::Book;
use crate::command::{TimeNs, TradingState};
use crate::event::{Event, Events};
use crate::limits::{INDEX_SOURCES_MAX, LADDER_KEYS_MAX};
use crate::reject::Reject;
use crate::triggers::Triggers;
use risk::limits::INSTRUMENTS_MAX;
use risk::{AssetId, InstrumentId, InstrumentSpec, Mark};

/// The sources of an instrument's index prices with their last numbers, in the order they first came.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Sources {
    list: Vec<(u16, u64)>,
}

impl Sources {
    /// Notes the number of a price; refused where it does not rise, or the source is one too many.
    fn take(&mut self, source: u16, number: u64) -> Result<(), Reject> {
        if let Some((_, last)) = self.list.iter_mut().find(|(known, _)| *known == source) {
            if number <= *last {
                return Err(Reject::StalePrice);
            }
            *last = number;
        } else if self.list.len() < INDEX_SOURCES_MAX {
            self.list.push((source, number));
        } else {
            return Err(Reject::BadParameter);
        }
        Ok(())
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
        if instrument.get() != self.ledger.instruments() {
            return Err(Reject::AlreadyExists.into());
        }
        if instrument.get() >= INSTRUMENTS_MAX {
            return Err(Reject::BadParameter.into());
        }
        self.check_settlement(spec)?;
        let compiled = spec.clone().compile().map_err(|_| Reject::BadParameter)?;
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
            last: 0,
            triggers: Triggers::new(tick, keys - 1),
            is_followed: false,
        });
        self.state_timers.reserve(self.markets.len() - self.state_timers.len());
        self.crossed.reserve(self.markets.len() - self.crossed.len());
        events.push(Event::InstrumentDefined { instrument });
        Ok(())
    }

    /// An instrument settles in the unit of account, or in the coin it is about: nothing is settled in a third asset.
    fn check_settlement(&self, spec: &InstrumentSpec) -> Result<(), Reject> {
        let terms = &spec.contract;
        if terms.settlement == AssetId::BASE {
            return Ok(());
        }
        let asset = self.ledger.find_asset(terms.settlement).ok_or(Reject::UnknownAsset)?;
        let about = self.ledger.instrument(asset.spec.priced_by).spec.contract.underlying;
        if about == terms.underlying { Ok(()) } else { Err(Reject::BadParameter) }
    }

    pub(super) fn index_price(
        &mut self,
        instrument: InstrumentId,
        (source, number): (u16, u64),
        index: Mark,
        events: &mut Events,
    ) -> Verdict {
        let state = self.trading_state(instrument).ok_or(Reject::UnknownInstrument)?;
        if state == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        let price_max = self.ledger.instrument(instrument).spec.price_max;
        if index.get() <= 0 || index > price_max.to_mark() {
            return Err(Reject::BadPrice.into());
        }
        if number != 0 {
            self.markets[instrument.index()].sources.take(source, number)?;
        }
        if matches!(state, TradingState::Halted | TradingState::Closed) {
            self.index_moves_alone(instrument, index, events);
            return Ok(());
        }
        let mark = self.ledger.set_index(instrument, index);
        events.push(Event::Marked { instrument, index, mark });
        self.wake(instrument, events);
        if self.markets[instrument.index()].is_followed {
            self.mark_moved(instrument);
        }
        Ok(())
    }

    /// While an instrument stands still, so does its mark.
    #[cold]
    fn index_moves_alone(&mut self, instrument: InstrumentId, index: Mark, events: &mut Events) {
        let mark = self.ledger.note_index(instrument, index);
        events.push(Event::Marked { instrument, index, mark });
        self.index_moved(instrument);
    }
}
