//! What an instrument admits, and when that changes by itself.
//!
//! Invariant: a book is crossed only in a state in which nobody takes from it. At most one instrument uncrosses, is
//! restarted or is settled at a time. Between commands, unless work is left over, no state's time lies at or before the
//! last tick.

use super::auction::Uncrossing;
use super::settle::Settling;
use super::sweep::Budget;
use super::{Venue, Verdict};
use crate::auction::Discovery;
use crate::command::{Instructions, NewOrder, TimeNs, TradingState, TriggerSource};
use crate::event::{Event, Events};
use crate::limits::RESTARTS_PER_COMMAND;
use crate::reject::Reject;
use risk::{Instrument, InstrumentId, Mark, OrderSlot, Rate, Side, TradingLimits};

/// The prices at which somebody may take, in ticks. Derived from state, limits and mark, so that a taker's limit is cut
/// once and its walk asks nothing more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reach {
    /// Buyers take up to this.
    highest: u32,
    /// Sellers take down to this.
    lowest: u32,
}

impl Reach {
    /// Any price.
    pub(super) const ALL: Self = Self { highest: u32::MAX, lowest: 0 };
    /// No price.
    const NOTHING: Self = Self { highest: 0, lowest: u32::MAX };

    /// The limit of a taker, cut to what it may take.
    #[inline]
    pub(super) fn cut(self, side: Side, key: u32) -> u32 {
        match side {
            Side::Buy => key.min(self.highest),
            Side::Sell => key.max(self.lowest),
        }
    }

    /// `mark x (1 +- band)`, rounded inward to a tick.
    fn around(mark: Mark, band: Rate, tick: i64) -> Self {
        let highest = mark.raised_by(band).floor_price().get().div_euclid(tick);
        let lowest = (mark.lowered_by(band).ceil_price().get() + tick - 1).div_euclid(tick);
        let key = |ticks| u32::try_from(ticks).unwrap_or(u32::MAX);
        Self { highest: key(highest), lowest: key(lowest) }
    }
}

/// What of a change of states is left over.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) enum PhaseWork {
    /// A book that trades at one price before its state changes.
    Uncross(Uncrossing),
    /// Instruments that have not begun anew after a failure.
    Restart(Restart),
    /// An instrument whose orders and positions go.
    Settle(Settling),
}

impl PhaseWork {
    /// Whether it comes before timers, price moves and orders whose turn comes.
    pub(super) const fn is_urgent(&self) -> bool {
        match self {
            Self::Uncross(_) | Self::Restart(_) => true,
            Self::Settle(_) => false,
        }
    }
}

/// The instruments begin anew after a failure.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Restart {
    next: InstrumentId,
    cancel_only_ms: u32,
    call_ms: u32,
}

/// Whether takers may meet makers, so that the book must not be crossed.
const fn is_matching(state: TradingState) -> bool {
    match state {
        TradingState::Open | TradingState::PostOnly | TradingState::ReduceOnly => true,
        TradingState::CancelOnly
        | TradingState::PreOpen
        | TradingState::Auction
        | TradingState::Halted
        | TradingState::Closed
        | TradingState::Settled => false,
    }
}

/// Whether a state other than Open admits a new order.
#[cold]
fn admits_new(state: TradingState, order: &NewOrder, instructions: Option<&Instructions>) -> bool {
    let sleeps = instructions.is_some_and(|wish| wish.trigger.is_some());
    match state {
        TradingState::Open => true,
        TradingState::PreOpen | TradingState::Auction => {
            let has_least = instructions.is_some_and(|wish| wish.min_qty.get() != 0);
            let joins = order.limit.is_some() && order.time_in_force.rests() && !order.post_only;
            sleeps || (joins && !has_least)
        }
        TradingState::PostOnly => order.post_only && !sleeps,
        TradingState::ReduceOnly => order.reduce_only && !sleeps,
        TradingState::CancelOnly | TradingState::Halted | TradingState::Closed | TradingState::Settled => {
            false
        }
    }
}

/// What an amendment is, as far as a state asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// It only takes from the order, which stays where it is.
    pub(super) keeps_place: bool,
    /// It must not take.
    pub(super) post_only: bool,
    /// The order only reduces.
    pub(super) reduce_only: bool,
}

/// Whether a state other than Open admits an amendment.
#[cold]
fn admits_change(state: TradingState, change: Change) -> bool {
    match state {
        TradingState::Open | TradingState::PreOpen | TradingState::Auction => true,
        TradingState::PostOnly => change.keeps_place || change.post_only,
        TradingState::ReduceOnly => change.keeps_place || change.reduce_only,
        TradingState::CancelOnly | TradingState::Halted | TradingState::Closed | TradingState::Settled => {
            false
        }
    }
}

impl Venue {
    /// Whether the instrument exists and admits this order now.
    #[inline]
    pub(super) fn check_market(
        &self,
        order: &NewOrder,
        instructions: Option<&Instructions>,
    ) -> Result<(), Reject> {
        let state = self.trading_state(order.instrument).ok_or(Reject::UnknownInstrument)?;
        let admitted = state == TradingState::Open || admits_new(state, order, instructions);
        if admitted { Ok(()) } else { Err(Reject::NotTrading) }
    }

    /// Whether the instrument admits the amendment of an order now.
    pub(super) fn check_change(&self, instrument: InstrumentId, change: Change) -> Result<(), Reject> {
        let state = self.markets[instrument.index()].state;
        if admits_change(state, change) { Ok(()) } else { Err(Reject::NotTrading) }
    }

    /// Whether the instrument admits that an order that waits for a price changes.
    pub(super) fn check_trigger_change(&self, instrument: InstrumentId) -> Result<(), Reject> {
        match self.markets[instrument.index()].state {
            TradingState::Open | TradingState::PreOpen | TradingState::Auction => Ok(()),
            TradingState::PostOnly
            | TradingState::ReduceOnly
            | TradingState::CancelOnly
            | TradingState::Halted
            | TradingState::Closed
            | TradingState::Settled => Err(Reject::NotTrading),
        }
    }

    /// Whether the instrument admits an accepted order now that its turn has come.
    pub(super) fn admits_turn(&self, slot: OrderSlot) -> bool {
        let order = self.orders.get(slot);
        let (instrument, side) = (order.instrument(), order.side());
        let state = self.markets[instrument.index()].state;
        let Some(conditions) = self.orders.conditions(slot).filter(|_| state != TradingState::Open) else {
            return state == TradingState::Open;
        };
        // A market order has no limit yet, and no more has one that takes its limit from the book when it fired.
        let has_limit = !conditions.is_market && order.key != 0;
        let limit = has_limit.then(|| self.price_of(instrument, order.key));
        let said = Instructions { trigger: None, ..conditions.instructions };
        let turn = NewOrder {
            account: order.account,
            instrument,
            side,
            qty: order.leaves,
            limit,
            time_in_force: conditions.time_in_force,
            post_only: conditions.post_only,
            reduce_only: order.reduce_only(),
            persistent: order.persistent(),
        };
        admits_new(state, &turn, Some(&said))
    }

    /// Whether takers may meet makers in this instrument now.
    pub(super) fn is_matching(&self, instrument: InstrumentId) -> bool {
        is_matching(self.markets[instrument.index()].state)
    }

    /// Whether a liquidation may go through the book now.
    pub(super) fn liquidates_in_book(&self, instrument: InstrumentId) -> bool {
        let market = &self.markets[instrument.index()];
        is_matching(market.state) || (market.state == TradingState::CancelOnly && !market.book.is_crossed())
    }

    #[cold]
    pub(super) fn set_limits(
        &mut self,
        instrument: InstrumentId,
        limits: &TradingLimits,
        events: &mut Events,
    ) -> Verdict {
        let known = self.ledger.find_instrument(instrument).ok_or(Reject::UnknownInstrument)?;
        if !limits.admitted_by(&known.spec) {
            return Err(Reject::BadParameter.into());
        }

        self.ledger.set_limits(instrument, *limits);
        self.refresh_reach(instrument);
        self.refresh_followers(instrument);
        events.push(Event::LimitsSet { instrument, limits: *limits });
        Ok(())
    }

    /// The operator's word. The state of a settled instrument stands for ever.
    #[cold]
    pub(super) fn set_trading_state(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
        events: &mut Events,
    ) -> Verdict {
        let now = self.trading_state(instrument).ok_or(Reject::UnknownInstrument)?;
        if now == TradingState::Settled || state == TradingState::Settled {
            return Err(Reject::BadParameter.into());
        }

        self.change_state(instrument, state, &mut Budget::of_command(), events);
        Ok(())
    }

    #[cold]
    pub(super) fn start_auction(
        &mut self,
        instrument: InstrumentId,
        call_ms: u32,
        events: &mut Events,
    ) -> Verdict {
        match self.trading_state(instrument).ok_or(Reject::UnknownInstrument)? {
            TradingState::Open
            | TradingState::PreOpen
            | TradingState::PostOnly
            | TradingState::ReduceOnly
            | TradingState::CancelOnly
            | TradingState::Halted => {}
            TradingState::Auction | TradingState::Closed | TradingState::Settled => {
                return Err(Reject::NotTrading.into());
            }
        }
        if call_ms == 0 {
            return Err(Reject::BadParameter.into());
        }

        let until = self.last.time.later(call_ms);
        self.set_state(instrument, TradingState::Auction, until, events);
        Ok(())
    }

    #[cold]
    pub(super) fn restarted(&mut self, cancel_only_ms: u32, call_ms: u32, events: &mut Events) -> Verdict {
        if cancel_only_ms == 0 && call_ms == 0 {
            return Err(Reject::BadParameter.into());
        }

        let next = InstrumentId::new(0);
        self.go_on_restarting(Restart { next, cancel_only_ms, call_ms }, events);
        Ok(())
    }

    /// Begins some instruments anew; the rest waits.
    pub(super) fn go_on_restarting(&mut self, mut restart: Restart, events: &mut Events) {
        for _ in 0..RESTARTS_PER_COMMAND {
            let instrument = restart.next;
            let Some(market) = self.markets.get_mut(instrument.index()) else { return };
            restart.next = InstrumentId::new(instrument.get() + 1);
            let is_in_call = market.state == TradingState::Auction && market.until != TimeNs::default();
            if !is_matching(market.state) && !is_in_call {
                continue;
            }
            market.call_ms = restart.call_ms;
            let (state, ms) = if restart.cancel_only_ms == 0 {
                (TradingState::Auction, restart.call_ms)
            } else {
                (TradingState::CancelOnly, restart.cancel_only_ms)
            };
            self.set_state(instrument, state, self.last.time.later(ms), events);
        }
        if restart.next.index() < self.markets.len() {
            self.phase = Some(PhaseWork::Restart(restart));
            self.left_over = true;
        }
    }

    /// The instrument whose state's time is over first, if that is at or before `now`.
    #[inline]
    pub(super) fn state_due(&self, now: TimeNs) -> Option<InstrumentId> {
        self.state_timers.last().filter(|(until, _)| *until <= now).map(|(_, instrument)| *instrument)
    }

    /// The state that follows by itself.
    #[cold]
    pub(super) fn next_state(
        &mut self,
        instrument: InstrumentId,
        now: TimeNs,
        budget: &mut Budget,
        events: &mut Events,
    ) {
        // Each of a tick's auctions is in another instrument.
        self.ledger.assert_conserved();
        let market = &self.markets[instrument.index()];
        if market.state == TradingState::CancelOnly && market.call_ms > 0 {
            let until = now.later(market.call_ms);
            self.set_state(instrument, TradingState::Auction, until, events);
        } else {
            self.change_state(instrument, TradingState::Open, budget, events);
        }
    }

    /// Changes the state for good; where makers and takers may meet then, what crosses trades first.
    fn change_state(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
        budget: &mut Budget,
        events: &mut Events,
    ) {
        let crossed = Discovery::begin(&self.markets[instrument.index()].book);
        if let Some(discovery) = crossed.filter(|_| is_matching(state)) {
            self.set_timer(instrument, TimeNs::default());
            self.uncross(Uncrossing::new(instrument, state, discovery), budget, events);
        } else {
            self.set_state(instrument, state, TimeNs::default(), events);
        }
    }

    /// The state from now on; `until` when the next follows by itself, or zero.
    pub(super) fn set_state(
        &mut self,
        instrument: InstrumentId,
        state: TradingState,
        until: TimeNs,
        events: &mut Events,
    ) {
        let market = &mut self.markets[instrument.index()];
        let before = core::mem::replace(&mut market.state, state);
        self.set_timer(instrument, until);
        self.refresh_reach(instrument);
        events.push(Event::TradingStateSet { instrument, state, until });
        if state == TradingState::Open && before != TradingState::Open {
            self.opened(instrument);
        }
    }

    /// Sets or takes away the time of a state. The timers are sorted, the earliest last; there is room for all.
    fn set_timer(&mut self, instrument: InstrumentId, until: TimeNs) {
        let before = core::mem::replace(&mut self.markets[instrument.index()].until, until);
        let place = |timers: &[(TimeNs, InstrumentId)], timer| timers.partition_point(|other| *other > timer);
        if before != TimeNs::default() {
            let at = place(&self.state_timers, (before, instrument));
            self.state_timers.remove(at);
        }
        if until != TimeNs::default() {
            let at = place(&self.state_timers, (until, instrument));
            self.state_timers.insert(at, (until, instrument));
        }
    }

    /// Derives anew what takers may take, after state, limits or mark changed.
    pub(super) fn refresh_reach(&mut self, instrument: InstrumentId) {
        self.markets[instrument.index()].reach = self.reach_of(instrument);
    }

    /// Derives anew whether a moved mark or index concerns more than accounts, after limits or triggers changed.
    pub(super) fn refresh_followers(&mut self, instrument: InstrumentId) {
        self.markets[instrument.index()].is_followed = self.has_followers(instrument);
    }

    fn has_followers(&self, instrument: InstrumentId) -> bool {
        let triggers = &self.markets[instrument.index()].triggers;
        self.has_limit_state(instrument)
            || triggers.watches(TriggerSource::Mark)
            || triggers.watches(TriggerSource::Index)
    }

    /// Whether matching pauses at a distance from the mark.
    fn has_limit_state(&self, instrument: InstrumentId) -> bool {
        self.ledger.instrument(instrument).limits.limit_state_band != Rate::new(0)
    }

    /// Mark and index of a followed instrument moved, or one of them.
    #[cold]
    pub(super) fn mark_moved(&mut self, instrument: InstrumentId) {
        if self.has_limit_state(instrument) {
            self.refresh_reach(instrument);
        }
        self.index_moved(instrument);
    }

    pub(super) fn reach_of(&self, instrument: InstrumentId) -> Reach {
        let Instrument { spec, limits, mark, .. } = self.ledger.instrument(instrument);
        match (self.markets[instrument.index()].state, *mark) {
            (TradingState::Open, Some(mark)) if limits.limit_state_band != Rate::new(0) => {
                Reach::around(mark, limits.limit_state_band, spec.tick.get())
            }
            (
                TradingState::Open
                | TradingState::PostOnly
                | TradingState::ReduceOnly
                | TradingState::CancelOnly,
                _,
            ) => Reach::ALL,
            (
                TradingState::PreOpen
                | TradingState::Auction
                | TradingState::Halted
                | TradingState::Closed
                | TradingState::Settled,
                _,
            ) => Reach::NOTHING,
        }
    }

    /// A taker came to the last price it may take, and more would trade: says so.
    #[cold]
    pub(super) fn enter_limit_state(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        key: u32,
        events: &mut Events,
    ) {
        let last = self.markets[instrument.index()].reach.cut(side, key);
        let limit = self.price_of(instrument, last);
        events.push(Event::LimitStateEntered { instrument, limit });
    }

    /// Matching pauses, and goes on by an auction.
    #[cold]
    pub(super) fn pause(&mut self, instrument: InstrumentId, events: &mut Events) {
        let call_ms = self.ledger.instrument(instrument).limits.limit_state_call_ms;
        let until = self.last.time.later(call_ms);
        self.set_state(instrument, TradingState::Auction, until, events);
    }

    /// Verifies what is derived of states: timers, and what takers may take.
    pub(super) fn check_phases(&self) {
        assert!(self.state_timers.is_sorted_by(|later, earlier| later > earlier), "the earliest is last");
        let mut timed = 0;
        for (instrument, market) in (0..).map(InstrumentId::new).zip(&self.markets) {
            assert!(market.reach == self.reach_of(instrument), "what takers may take");
            assert!(market.is_followed == self.has_followers(instrument), "who follows the mark");
            assert!(
                !(is_matching(market.state) && market.book.is_crossed()),
                "nobody takes from a crossed book"
            );
            if market.until != TimeNs::default() {
                timed += 1;
                assert!(self.state_timers.contains(&(market.until, instrument)), "a state's time is known");
            }
        }
        assert!(timed == self.state_timers.len(), "one time an instrument");
    }
}
