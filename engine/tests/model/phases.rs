//! Trading states and how one follows another; the pause of an instrument whose price moved too far.

use engine::{Event, Reject, TradingState};
use risk::{InstrumentId, Side, TradingLimits};

use super::arith::NS_PER_MS;
use super::state::{Instrument, crosses};
use super::timers::until_of;
use super::{Model, Refusal};

impl Model {
    /// Whether best bid and best ask would trade.
    pub(crate) fn is_crossed(&self, instrument: InstrumentId) -> bool {
        let book = &self.instruments[instrument.index()].book;
        match (book.best(Side::Buy), book.best(Side::Sell)) {
            (Some((bid, _)), Some((ask, _))) => crosses(Side::Buy, bid, ask),
            _ => false,
        }
    }

    /// An instrument is in a state from now on; what its prices cross is looked at where it opens.
    pub(crate) fn enter(&mut self, instrument: InstrumentId, state: TradingState, until: Option<(u64, u64)>) {
        let known = &mut self.instruments[instrument.index()];
        (known.state, known.until) = (state, until);
        self.out.push(Event::TradingStateSet { instrument, state, until: until_of(until) });
        self.forget_crossed(instrument);
        if state == TradingState::Open {
            self.watch_opening(instrument);
        }
    }

    /// An instrument is to be in a state, after uncrossing where that state wants it.
    pub(crate) fn move_to(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
        until: Option<(u64, u64)>,
    ) {
        let wants = matches!(state, TradingState::Open | TradingState::PostOnly | TradingState::ReduceOnly);
        if wants && self.is_crossed(instrument) {
            // The time of the state it is in ends with it.
            self.instruments[instrument.index()].until = None;
            self.uncross(instrument, state);
        } else {
            self.enter(instrument, state, until);
        }
    }

    pub(crate) fn set_trading_state(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
    ) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        let now = self.instruments[instrument.index()].state;
        if now == TradingState::Settled || state == TradingState::Settled {
            return Err(Reject::BadParameter.into());
        }
        self.move_to(instrument, state, None);
        Ok(())
    }

    pub(crate) fn start_auction(&mut self, instrument: InstrumentId, call_ms: u32) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        match self.instruments[instrument.index()].state {
            TradingState::Auction | TradingState::Closed | TradingState::Settled => {
                return Err(Reject::NotTrading.into());
            }
            TradingState::Open
            | TradingState::CancelOnly
            | TradingState::PreOpen
            | TradingState::PostOnly
            | TradingState::ReduceOnly
            | TradingState::Halted => {}
        }
        if call_ms == 0 {
            return Err(Reject::BadParameter.into());
        }
        self.enter(instrument, TradingState::Auction, Some((self.in_ms(call_ms), 0)));
        Ok(())
    }

    pub(crate) fn restarted(&mut self, cancel_only_ms: u32, call_ms: u32) -> Result<(), Refusal> {
        if cancel_only_ms == 0 && call_ms == 0 {
            return Err(Reject::BadParameter.into());
        }
        for place in self.all_instruments() {
            let Instrument { state, until, .. } = &self.instruments[place.index()];
            let returns = match state {
                TradingState::Open | TradingState::PostOnly | TradingState::ReduceOnly => true,
                TradingState::Auction => until.is_some(),
                TradingState::CancelOnly
                | TradingState::PreOpen
                | TradingState::Halted
                | TradingState::Closed
                | TradingState::Settled => false,
            };
            if !returns {
                continue;
            }
            let call = u64::from(call_ms) * NS_PER_MS;
            if cancel_only_ms > 0 {
                let until = Some((self.in_ms(cancel_only_ms), call));
                self.enter(place, TradingState::CancelOnly, until);
            } else {
                self.enter_call(place, call, self.now);
            }
        }
        Ok(())
    }

    /// The auction after a cancel-only time, from `now` on, or none.
    fn enter_call(&mut self, instrument: InstrumentId, call: u64, now: u64) {
        if call > 0 {
            self.enter(instrument, TradingState::Auction, Some((now + call, 0)));
        } else {
            self.move_to(instrument, TradingState::Open, None);
        }
    }

    /// The time of a state is over by the tick at `now`.
    pub(crate) fn end_state(&mut self, instrument: InstrumentId, now: u64) {
        let known = &mut self.instruments[instrument.index()];
        let (_, call) = known.until.take().expect("only a state with a time ends");
        if known.state == TradingState::CancelOnly {
            self.enter_call(instrument, call, now);
        } else {
            self.move_to(instrument, TradingState::Open, None);
        }
    }

    /// A taker came to the limit of what the price may move.
    pub(crate) fn pause(&mut self, instrument: InstrumentId) {
        let call = self.instruments[instrument.index()].terms.pause_call;
        self.enter(instrument, TradingState::Auction, Some((self.now + call, 0)));
    }

    pub(crate) fn set_limits(
        &mut self,
        instrument: InstrumentId,
        limits: &TradingLimits,
    ) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        let known = &mut self.instruments[instrument.index()];
        if !limits.admitted_by(&known.spec) {
            return Err(Reject::BadParameter.into());
        }
        known.terms = known.terms.clone().limited(limits);
        self.out.push(Event::LimitsSet { instrument, limits: *limits });
        Ok(())
    }

    /// Whether liquidations go through the book.
    pub(crate) fn liquidates_through_book(&self, instrument: InstrumentId) -> bool {
        match self.instruments[instrument.index()].state {
            TradingState::Open | TradingState::PostOnly | TradingState::ReduceOnly => true,
            TradingState::CancelOnly => !self.is_crossed(instrument),
            TradingState::PreOpen
            | TradingState::Auction
            | TradingState::Halted
            | TradingState::Closed
            | TradingState::Settled => false,
        }
    }
}
