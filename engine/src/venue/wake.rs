//! Waking: after a mark moved, look at every account whose trigger it crossed and at the hot list.
//!
//! Invariant: once no wake is left over, no account that is not in liquidation is below maintenance margin.

use super::Venue;
use crate::event::{Event, Events};
use crate::limits::WAKES_PER_COMMAND;
use crate::liquidation_index::Verdict;
use risk::{AccountId, AccountState, InstrumentId, LegId, Position};

/// A price move that has not woken all it must.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Wake {
    instrument: InstrumentId,
    /// Places of the hot list below this are still to be looked at; taken from the end, so that an account leaving the
    /// list is replaced by one already looked at.
    hot_left: u32,
}

impl Venue {
    /// Begins to wake what the new mark of `instrument` crossed.
    pub(super) fn wake(&mut self, instrument: InstrumentId, events: &mut Events) {
        let hot_left = u32::try_from(self.index.hot_count()).expect("accounts are fewer than 2^32");
        self.go_on_waking(Wake { instrument, hot_left }, events);
    }

    /// Wakes up to the bound of a command; the rest waits.
    pub(super) fn go_on_waking(&mut self, mut wake: Wake, events: &mut Events) {
        let Some(mark) = self.mark(wake.instrument) else { return };
        for _ in 0..WAKES_PER_COMMAND {
            if let Some(leg) = self.index.crossed(wake.instrument, mark) {
                self.look(self.ledger.leg(leg).account, events);
            } else if let Some(place) = wake.hot_left.checked_sub(1) {
                wake.hot_left = place;
                if let Some(account) = self.index.hot_at(place as usize) {
                    self.look(account, events);
                }
            } else {
                return;
            }
        }
        self.wake = Some(wake);
        self.left_over = true;
    }

    /// Evaluates an account exactly: arms it anew or begins its liquidation.
    pub(super) fn look(&mut self, account: AccountId, events: &mut Events) {
        let verdict = self.index.look(&self.ledger, account);
        self.judge(account, verdict, events);
    }

    /// Keeps the no-miss invariant after an account's leg changed.
    #[inline]
    pub(super) fn tend(&mut self, account: AccountId, leg: LegId, events: &mut Events) {
        if account.is_system() || self.is_liquidating(account) {
            return;
        }
        let verdict = self.index.tend(&self.ledger, account, leg);
        self.judge(account, verdict, events);
    }

    /// Keeps the no-miss invariant after an account's balance went down.
    pub(super) fn tend_balance(&mut self, account: AccountId, events: &mut Events) {
        let verdict = self.index.tend_balance(&self.ledger, account);
        self.judge(account, verdict, events);
    }

    #[inline]
    fn judge(&mut self, account: AccountId, verdict: Verdict, events: &mut Events) {
        match verdict {
            Verdict::Safe => {}
            Verdict::BelowMaintenance => self.start_liquidation(account, events),
        }
    }

    #[cold]
    fn start_liquidation(&mut self, account: AccountId, events: &mut Events) {
        let now = self.ledger.assess(account);
        self.ledger.set_state(account, AccountState::Liquidating);
        self.liquidating.push_back(account);
        self.left_over = true;
        let (equity, maintenance) = (now.equity, now.maintenance.ceil());
        events.push(Event::LiquidationStarted { account, equity, maintenance });
        self.restate(account, events);
    }

    /// Drops a leg that holds nothing any more, with its trigger.
    #[inline]
    pub(super) fn drop_leg_if_empty(&mut self, leg: LegId) {
        let known = self.ledger.leg(leg);
        if known.orders == 0 && known.position == Position::ZERO {
            self.note_over(known.account);
        }
        if self.ledger.leg(leg).is_empty() {
            self.index.forget_leg(&self.ledger, leg);
            self.ledger.drop_leg(leg);
        }
    }
}
