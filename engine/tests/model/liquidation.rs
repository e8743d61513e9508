//! Who is flagged after a price move, and the steps of a liquidation.

use engine::{CancelReason, Event};
use risk::{AccountId, Activity};

use super::arith::{PPB, ceil, floor};
use super::state::{Outcome, Scope};
use super::{Hints, Model, money, position, price};

impl Model {
    /// Flags a user account that is active and below maintenance; whether it did.
    pub(crate) fn flag_if_below(&mut self, account: AccountId) -> bool {
        let watched =
            !account.is_system() && self.accounts.get(&account).is_some_and(|known| !known.liquidating);
        if !watched || !self.below_maintenance(account) {
            return false;
        }
        self.account_mut(account).liquidating = true;
        self.queue.push_back(account);
        let equity = money(self.equity(account));
        let maintenance = money(ceil(self.maintenance_total(account), PPB));
        self.out.push(Event::LiquidationStarted { account, equity, maintenance });
        self.restate(account);
        true
    }

    /// Active user accounts below maintenance: those a price move must flag before anything else happens.
    pub(crate) fn unflagged(&self) -> Option<AccountId> {
        let active =
            self.accounts.iter().filter(|(account, known)| !account.is_system() && !known.liquidating);
        active.map(|(&account, _)| account).find(|&account| self.below_maintenance(account))
    }

    /// Flags after a price move. The order is the venue's own and is taken from its events; whether each of them is
    /// due is decided here, and [`Model::settle`] decides whether any is missing.
    pub(crate) fn wake(&mut self, hints: &[Event]) {
        if self.hints == Hints::Own {
            let all: Vec<AccountId> = self.accounts.keys().copied().collect();
            for account in all {
                self.flag_if_below(account);
            }
            return;
        }
        self.waking = true;
        let says = |event: &&Event| !matches!(event, Event::Marked { .. } | Event::StandingChanged { .. });
        let mut rest = hints.iter().skip(self.out.len()).filter(says).peekable();
        while let Some(Event::LiquidationStarted { account, .. }) = rest.peek() {
            if !self.flag_if_below(*account) {
                self.complain(format!("account {account} was flagged without being below maintenance"));
            }
            rest.next();
        }
        // What follows up on the price move begins when its wakes are done.
        if rest.peek().is_some() {
            self.end_waking();
        }
    }

    /// The venue says whether work is left over; where none is, nobody may be missing.
    pub(crate) fn settle(&mut self, venue_pending: bool) {
        if self.waking && !venue_pending {
            self.end_waking();
            if core::mem::take(&mut self.quiet) {
                self.go_round(&[]);
            }
        }
        if !self.waking && self.pending() != venue_pending {
            self.complain(format!("pending: venue {venue_pending}, model {}", self.pending()));
        }
    }

    /// All wakes are done: whoever is below maintenance has been flagged.
    pub(crate) fn end_waking(&mut self) {
        self.waking = false;
        if let Some(account) = self.unflagged() {
            self.complain(format!("account {account} is below maintenance and was not flagged"));
        }
    }

    /// What the account must receive for its position in `instrument`: its value less the equity's share.
    fn bankruptcy_amount(&self, account: AccountId, instrument: risk::InstrumentId) -> i128 {
        let whole = |place| ceil(self.maintenance(account, place), PPB);
        let total: i128 = self.positions_of(account).map(whole).sum();
        let share = floor(self.equity(account) * whole(instrument), total);
        let held = self.leg(account, instrument).position;
        self.instruments[instrument.index()].terms.position_value(held, self.mark(instrument)) - share
    }

    fn end_liquidation(&mut self, account: AccountId, covered: i128) {
        self.account_mut(account).liquidating = false;
        self.queue.pop_front();
        let equity = money(self.equity(account));
        self.out.push(Event::LiquidationEnded { account, equity, covered: money(covered) });
        self.restate(account);
    }

    /// One step of the liquidation at the head of the queue.
    pub(crate) fn liquidation_step(&mut self) {
        let account = *self.queue.front().expect("a step has an account");
        self.step_for(account);
        self.restate(account);
    }

    fn step_for(&mut self, account: AccountId) {
        if !self.orders_of(account).is_empty() {
            let waiting = self.sweeps.len();
            self.start_sweep(Scope::of_account(account, CancelReason::Liquidation), None);
            // The next step finds what is left by itself.
            if self.sweeps.len() > waiting {
                self.sweeps.pop_front();
            }
            return;
        }
        if self.positions_of(account).next().is_none() {
            let deficit = (-self.accounts[&account].balance).max(0);
            self.pay(AccountId::INSURANCE, account, deficit);
            self.end_liquidation(account, deficit);
            return;
        }
        if !self.below_maintenance(account) {
            self.end_liquidation(account, 0);
            return;
        }
        let closable = |place: &risk::InstrumentId| self.trusts(*place, Activity::Liquidate);
        let Some(mut largest) = self.positions_of(account).find(closable) else {
            self.hold(account);
            return;
        };
        for place in self.positions_of(account).filter(closable) {
            if self.maintenance(account, place) > self.maintenance(account, largest) {
                largest = place;
            }
        }
        let held = self.leg(account, largest).position;
        let amount = self.bankruptcy_amount(account, largest);
        let limit = self.instruments[largest.index()].terms.bankruptcy_price(held, amount);
        if !self.liquidates_through_book(largest) {
            self.noted.push("liquidation past the book");
        }
        if let Some(limit) = limit.filter(|_| self.liquidates_through_book(largest)) {
            let mut taker = Self::liquidator(account, largest, held, limit);
            let outcome = self.take(&mut taker);
            if let Outcome::Limit(limit) = outcome {
                self.noted.push("liquidation paused its instrument");
                self.out.push(Event::LimitStateEntered { instrument: largest, limit: price(limit) });
                self.pause(largest);
            }
            self.watch_taker(&taker);
            if outcome == Outcome::Bound {
                return;
            }
        }
        let held = self.leg(account, largest).position;
        if held != 0 && self.below_maintenance(account) {
            let amount = self.bankruptcy_amount(account, largest);
            self.book(account, largest, -held, -amount);
            self.book(AccountId::INSURANCE, largest, held, amount);
            self.out.push(Event::TakenOver {
                account,
                instrument: largest,
                position: position(held),
                amount: money(amount),
            });
        }
    }
}
