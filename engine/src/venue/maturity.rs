//! The end of dated futures, and the ticks by which time reaches instruments.
//!
//! Invariant: a tick looks at every instrument that time concerns, in ascending order, and a command that moves a mark, pays
//! funding or ends a future stops there: what one of them wakes is worked off before the next. A future past its end is closed by the first tick, and settled at the average
//! of its index before the end.

use super::Venue;
use super::phases::PhaseWork;
use super::settle::Settling;
use crate::command::{TimeNs, TradingState};
use crate::event::Events;
use crate::limits::PRICED_PER_COMMAND;
use risk::rounding::div_floor;
use risk::{InstrumentId, InstrumentSpec, Mark, PricingTerms};

/// A tick that has not reached every instrument that it concerns.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Round {
    /// Instruments below this are through.
    next: InstrumentId,
    /// The time of the tick, in nanoseconds.
    now: u64,
}

/// What time did to an instrument.
enum Passed {
    /// Nothing that anybody has to be woken for.
    Quietly,
    /// Funding came due. What else is due follows in another command.
    WithPayment,
    /// The mark moved, or a future ended.
    WithMove,
}

/// The average of an index over the time before its future ends.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Average {
    /// Index times nanoseconds.
    sum: i128,
    covered_ns: u64,
    /// Up to when it was taken.
    noted_ns: u64,
}

impl Average {
    /// Takes the index that held until now, for the part of the time that counts.
    fn note(&mut self, index: Option<Mark>, spec: &InstrumentSpec, now: u64) {
        let end = spec.contract.expiry_ns;
        let from = self.noted_ns.max(end - spec.contract.averaging_ns);
        let covered = now.min(end).saturating_sub(from);
        if let Some(index) = index {
            self.sum += i128::from(index.get()) * i128::from(covered);
            self.covered_ns += covered;
        }
        self.noted_ns = now;
    }

    /// The average, rounded down; `None` where there was no index.
    fn get(&self) -> Option<Mark> {
        let average = || div_floor(self.sum, i128::from(self.covered_ns));
        (self.covered_ns > 0).then(average).and_then(|average| i64::try_from(average).ok()).map(Mark::new)
    }
}

/// Whether time alone brings something about.
pub(super) fn is_timed(spec: &InstrumentSpec) -> bool {
    spec.pricing != PricingTerms::DIRECT || spec.funding.interval_ns != 0 || spec.contract.expiry_ns != 0
}

impl Venue {
    /// Time has reached the instruments that it concerns.
    pub(super) fn start_round(&mut self, now: TimeNs, events: &mut Events) {
        if self.timed.is_empty() {
            return;
        }
        let round = Round { next: InstrumentId::new(0), now: now.get() };
        let is_held_up = self.firing.is_some() || self.phase.is_some() || !self.sweeps.is_empty();
        if is_held_up || self.interest.left > 0 {
            self.round = Some(round);
            self.left_over = true;
        } else {
            self.go_on_with_round(round, events);
        }
    }

    /// Looks at some instruments; the rest waits.
    pub(super) fn go_on_with_round(&mut self, mut round: Round, events: &mut Events) {
        for _ in 0..PRICED_PER_COMMAND {
            let at = self.timed.partition_point(|instrument| *instrument < round.next);
            let Some(&instrument) = self.timed.get(at) else { return };
            match self.time_passed(instrument, round.now, events) {
                Passed::Quietly => round.next = InstrumentId::new(instrument.get() + 1),
                Passed::WithPayment => {
                    round.next = instrument;
                    break;
                }
                Passed::WithMove => {
                    round.next = InstrumentId::new(instrument.get() + 1);
                    break;
                }
            }
        }
        let last = self.timed.last().copied();
        if last.is_some_and(|last| round.next <= last) {
            self.round = Some(round);
            self.left_over = true;
        }
    }

    /// Sources go stale, funding is due, futures end, marks move. With a direct index no mark moves by time.
    fn time_passed(&mut self, instrument: InstrumentId, now: u64, events: &mut Events) -> Passed {
        self.look_at_sources(instrument, now, events);
        self.sample_premium(instrument, now);
        if self.fund(instrument, now, events) {
            return Passed::WithPayment;
        }
        let ended = self.mature(instrument, now, events);
        let is_direct = self.ledger.instrument(instrument).spec.pricing == PricingTerms::DIRECT;
        let moved = !is_direct && self.reprice(instrument, now, false, events);
        if ended || moved { Passed::WithMove } else { Passed::Quietly }
    }

    /// Keeps the average index of a future up to now, before its index changes.
    pub(super) fn average_index(&mut self, instrument: InstrumentId, now: u64) {
        let known = self.ledger.instrument(instrument);
        if known.spec.contract.expiry_ns != 0 {
            self.markets[instrument.index()].average.note(known.index, &known.spec, now);
        }
    }

    /// Closes a future whose end has come, and says whether it did; its settlement is what is left over then.
    fn mature(&mut self, instrument: InstrumentId, now: u64, events: &mut Events) -> bool {
        let expiry_ns = self.ledger.instrument(instrument).spec.contract.expiry_ns;
        if expiry_ns == 0 || now < expiry_ns {
            return false;
        }
        self.average_index(instrument, now);
        let known = self.ledger.instrument(instrument);
        // Without an index nobody can have traded, and any price settles nothing.
        let last = known.index.unwrap_or_else(|| known.spec.tick.to_mark());
        let price = self.markets[instrument.index()].average.get().unwrap_or(last);
        if self.markets[instrument.index()].state != TradingState::Closed {
            self.set_state(instrument, TradingState::Closed, TimeNs::default(), events);
        }
        self.end_deleveragings_in(instrument, events);
        self.phase = Some(PhaseWork::Settle(Settling::new(instrument, price)));
        self.left_over = true;
        true
    }

    /// A settled instrument is beyond time.
    pub(super) fn end_of_time(&mut self, instrument: InstrumentId) {
        self.timed.retain(|timed| *timed != instrument);
    }

    /// Verifies the list of instruments that time concerns.
    pub(super) fn check_timed(&self) {
        let timed = (0..).map(InstrumentId::new).zip(&self.markets).filter(|(instrument, market)| {
            is_timed(&self.ledger.instrument(*instrument).spec) && market.state != TradingState::Settled
        });
        assert!(timed.map(|(instrument, _)| instrument).eq(self.timed.iter().copied()), "whom time concerns");
    }
}
