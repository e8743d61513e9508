//! Waking: after a mark moved, look at every account whose trigger it crossed and at the hot list.
//!
//! Invariant: once no wake is left over, no account that is not in liquidation is below maintenance margin.

use super::Venue;
use super::liquidation::Case;
use crate::event::{Event, Events, MarginState};
use crate::limits::{SENTINELS_PER_COMMAND, WAKES_PER_COMMAND};
use crate::liquidation_index::Verdict;
use risk::{Account, AccountId, AccountState, InstrumentId, Leg, LegId, Position};

/// A change of prices, or a payment of funding, that has not woken all it must.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Wake {
    instrument: InstrumentId,
    /// Places of the hot list below this are still to be looked at; taken from the end, so that an account leaving the
    /// list is replaced by one already looked at.
    hot_left: u32,
    /// After a payment: places of sentinels below this are still to be looked at, since boxes know nothing of funding.
    /// What is armed meanwhile is armed after the payment.
    places_left: u32,
}

/// Warned accounts looked at on each price, by turns, for whether they have recovered.
const WARNED_PER_PRICE: usize = 4;

impl Venue {
    /// Begins to wake what the new prices of `instrument` crossed.
    #[inline]
    pub(super) fn wake(&mut self, instrument: InstrumentId, events: &mut Events) {
        self.ledger.observe_mark(instrument, self.last.time.get());
        let is_quiet = |mark| self.wakes.is_empty() && self.index.is_quiet(instrument, mark);
        if !self.mark(instrument).is_some_and(is_quiet) {
            self.wake_crossed(instrument, events);
        }
    }

    #[inline(never)]
    fn wake_crossed(&mut self, instrument: InstrumentId, events: &mut Events) {
        for _ in 0..WARNED_PER_PRICE {
            let Some(account) = self.index.next_warned() else { break };
            self.look(account, events);
        }
        self.begin_waking(instrument, 0, events);
    }

    /// Accrues a payment of funding: `per_lot` in money x 2^32, positive where longs pay. Accounts book it when they are
    /// touched; only those near liquidation, and those behind sentinels, are looked at now.
    pub(super) fn accrue_funding(&mut self, instrument: InstrumentId, per_lot: i64, events: &mut Events) {
        self.ledger.accrue_funding(instrument, per_lot);
        self.index.shift_edges(&self.ledger, instrument, per_lot);
        self.begin_waking(instrument, self.index.sentinels().places(), events);
    }

    fn begin_waking(&mut self, instrument: InstrumentId, places_left: u32, events: &mut Events) {
        let hot_left = u32::try_from(self.index.hot_count()).expect("accounts are fewer than 2^32");
        let wake = Wake { instrument, hot_left, places_left };
        // Wakes take turns: what an earlier one has not come to may rest on prices that are newer by now, never older.
        if self.wakes.is_empty() {
            self.go_on_waking(wake, events);
        } else {
            self.wakes.push_back(wake);
        }
    }

    /// Wakes up to the bound of a command; the rest waits.
    pub(super) fn go_on_waking(&mut self, mut wake: Wake, events: &mut Events) {
        let mut scans = SENTINELS_PER_COMMAND;
        for _ in 0..WAKES_PER_COMMAND {
            match self.next_to_wake(&mut wake, &mut scans) {
                Some(account) => self.look(account, events),
                None if scans > 0 => return,
                None => break,
            }
        }
        self.wakes.push_front(wake);
        self.left_over = true;
    }

    /// The next account that a wake concerns; `None` when it is through, or has scanned enough for one command.
    fn next_to_wake(&mut self, wake: &mut Wake, scans: &mut u32) -> Option<AccountId> {
        let mark = self.mark(wake.instrument)?;
        if let Some(account) = self.index.crossed(&self.ledger, wake.instrument, mark) {
            return Some(account);
        }
        while let Some(place) = wake.hot_left.checked_sub(1) {
            wake.hot_left = place;
            if let Some(account) = self.index.hot_at(place as usize) {
                return Some(account);
            }
        }
        while let Some(place) = wake.places_left.checked_sub(1).filter(|_| *scans > 0) {
            (wake.places_left, *scans) = (place, *scans - 1);
            if let Some(account) = self.index.sentinels().watcher_at(place, wake.instrument) {
                return Some(account);
            }
        }
        None
    }

    /// Evaluates an account exactly: arms it anew or begins its liquidation.
    pub(super) fn look(&mut self, account: AccountId, events: &mut Events) {
        if self.ledger.excessive_debt(account).is_some() {
            self.pay_excessive_debts(account, events);
            self.note_over(account);
        }
        let verdict = self.index.look(&self.ledger, account);
        self.judge(account, verdict, events);
    }

    /// Keeps the no-miss invariant after an account's leg changed.
    #[inline]
    pub(super) fn tend(&mut self, account: AccountId, leg: LegId, events: &mut Events) {
        let Some(known) = self.ledger.account(account) else { return };
        if account.is_system() || known.state == AccountState::Liquidating {
            return;
        }
        if known.has_holdings() {
            self.look(account, events);
            return;
        }
        let verdict = self.index.tend(&self.ledger, account, leg);
        if verdict != Verdict::Safe {
            self.judge(account, verdict, events);
        }
    }

    /// Keeps the no-miss invariant after an account's balance changed.
    pub(super) fn tend_balance(&mut self, account: AccountId, events: &mut Events) {
        if account.is_system() || self.is_liquidating(account) {
            return;
        }
        if self.ledger.account(account).is_some_and(Account::has_holdings) {
            self.look(account, events);
            return;
        }
        let verdict = self.index.tend_balance(&self.ledger, account);
        self.judge(account, verdict, events);
    }

    fn judge(&mut self, account: AccountId, verdict: Verdict, events: &mut Events) {
        match verdict {
            Verdict::Safe => {}
            Verdict::Warned => self.tell_margin_state(account, MarginState::Warned, events),
            Verdict::Recovered => self.tell_margin_state(account, MarginState::Healthy, events),
            Verdict::BelowMaintenance => self.start_liquidation(account, events),
        }
    }

    /// What an account's margin is like from now on, with the figures it was decided by.
    #[cold]
    pub(super) fn tell_margin_state(&self, account: AccountId, state: MarginState, events: &mut Events) {
        let now = self.ledger.assess(account);
        let (equity, exposure) = (now.equity, now.exposure);
        let (initial, maintenance) = (now.initial.ceil(), now.maintenance.ceil());
        events.push(Event::MarginStateChanged { account, state, equity, exposure, initial, maintenance });
    }

    #[cold]
    fn start_liquidation(&mut self, account: AccountId, events: &mut Events) {
        let now = self.ledger.assess(account);
        self.ledger.set_state(account, AccountState::Liquidating);
        self.liquidating.push_back(Case::new(account));
        let (equity, maintenance) = (now.equity, now.maintenance.ceil());
        events.push(Event::LiquidationStarted { account, equity, maintenance });
        self.tell_margin_state(account, MarginState::Liquidating, events);
        self.restate(account, events);
    }

    /// Books what a leg owes of funding, before its position changes.
    #[inline]
    pub(super) fn book_funding(&mut self, leg: LegId, events: &mut Events) {
        if self.ledger.funding_is_due(leg) {
            self.settle_funding(leg, events);
        }
    }

    #[cold]
    fn settle_funding(&mut self, leg: LegId, events: &mut Events) {
        if let Some(paid) = self.ledger.settle_funding(leg) {
            let Leg { account, instrument, .. } = *self.ledger.leg(leg);
            let asset = self.ledger.instrument(instrument).settlement();
            if account == AccountId::DELEVERAGING {
                // No holder's price has it in: while a position is on offer its funding is the venue's.
                self.ledger.move_cash(AccountId::BAD_DEBT, account, asset, paid);
            }
            let balance = self.ledger.balance(account, asset);
            events.push(Event::FundingBooked { account, instrument, paid, balance });
        }
    }

    /// Drops a leg that holds nothing any more, with its trigger.
    #[inline]
    pub(super) fn drop_leg_if_empty(&mut self, leg: LegId) {
        let known = self.ledger.leg(leg);
        if known.orders == 0 && known.position == Position::ZERO {
            self.end_leg(leg);
        }
    }

    /// A leg holds neither position nor orders any more.
    #[inline(never)]
    fn end_leg(&mut self, leg: LegId) {
        self.note_over(self.ledger.leg(leg).account);
        if self.ledger.leg(leg).is_empty() {
            self.index.forget_leg(&self.ledger, leg);
            self.ledger.drop_leg(leg);
        }
    }
}
