//! Looks at accounts: who is warned, who recovers, whose liquidation begins; and what a price move makes one look at.

use engine::{ConversionReason, Event, MarginState, Venue};
use risk::AccountId;

use super::arith::{PPB, ceil};
use super::liquidation::Case;
use super::{Hints, Model, money};

/// Warned accounts looked at with each price.
const TURNS_PER_PRICE: usize = 4;

/// The account of an event that a look at it may begin with.
pub(crate) fn told_by_a_look(event: &Event) -> Option<AccountId> {
    if let Event::LiquidationStarted { account, .. }
    | Event::MarginStateChanged { account, .. }
    | Event::Converted { account, reason: ConversionReason::DebtAboveMax, .. } = *event
    {
        return Some(account);
    }
    None
}

impl Model {
    /// Looks at an account: excessive debts are paid, then its margin state is what its equity says.
    pub(crate) fn look(&mut self, account: AccountId) {
        let watched =
            !account.is_system() && self.accounts.get(&account).is_some_and(|known| !known.liquidating);
        if !watched {
            return;
        }
        self.pay_excessive_debts(account);
        let now = self.worth_of_positions(account);
        let is_warned = !now.below_maintenance() && now.below_warning();
        let was_warned = self.set_warned(account, is_warned);
        if now.below_maintenance() {
            self.start_liquidation(account);
        } else if is_warned != was_warned {
            let state = if is_warned { MarginState::Warned } else { MarginState::Healthy };
            self.tell_margin_state(account, state);
        }
    }

    fn start_liquidation(&mut self, account: AccountId) {
        self.account_mut(account).liquidating = true;
        self.queue.push_back(Case::new(account));
        let now = self.worth_of_positions(account);
        let (equity, maintenance) = (money(now.equity), money(ceil(now.maintenance, PPB)));
        self.out.push(Event::LiquidationStarted { account, equity, maintenance });
        self.tell_margin_state(account, MarginState::Liquidating);
        self.restate(account);
    }

    pub(crate) fn tell_margin_state(&mut self, account: AccountId, state: MarginState) {
        let now = self.worth(account);
        self.out.push(Event::MarginStateChanged {
            account,
            state,
            equity: money(now.equity),
            exposure: money(now.exposure),
            initial: money(ceil(now.initial, PPB)),
            maintenance: money(ceil(now.maintenance, PPB)),
        });
    }

    /// Lists an account as warned or takes it off, the last taking its place; whether it was.
    fn set_warned(&mut self, account: AccountId, is_warned: bool) -> bool {
        let place = self.warned.iter().position(|&other| other == account);
        match (place, is_warned) {
            (None, true) => self.warned.push(account),
            (Some(place), false) => {
                self.warned.swap_remove(place);
            }
            _ => {}
        }
        place.is_some()
    }

    /// Somebody whom a look would change: below maintenance or, where not warned, below five quarters of it.
    pub(crate) fn missed(&self) -> Option<AccountId> {
        let active =
            self.accounts.iter().filter(|(account, known)| !account.is_system() && !known.liquidating);
        active.map(|(&account, _)| account).find(|account| {
            let now = self.worth_of_positions(*account);
            now.below_maintenance() || (now.below_warning() && !self.warned.contains(account))
        })
    }

    /// With each price a few warned accounts are looked at, by turns.
    fn look_at_warned(&mut self) {
        for _ in 0..TURNS_PER_PRICE {
            if self.warned.is_empty() {
                return;
            }
            let turn = self.warned_turn % self.warned.len();
            self.warned_turn = turn + 1;
            self.look(self.warned[turn]);
        }
    }

    /// A price came: warned accounts have their turn, then whoever it concerns is looked at.
    pub(crate) fn wake_on_price(&mut self, hints: &[Event]) {
        self.look_at_warned();
        self.wake(hints);
    }

    /// Looks after a price move. The order is the venue's own and is taken from its events; what each look comes to is
    /// decided here, and [`Model::settle`] decides whether any is missing.
    pub(crate) fn wake(&mut self, hints: &[Event]) {
        if self.hints == Hints::Own {
            let all: Vec<AccountId> = self.accounts.keys().copied().collect();
            for account in all {
                self.look(account);
            }
            return;
        }
        self.waking = true;
        while let Some(account) = hints.get(self.out.len()).and_then(told_by_a_look) {
            let said = self.out.len();
            self.look(account);
            if self.out.len() == said {
                self.complain(format!("account {account} was looked at and there was nothing to tell"));
                return;
            }
        }
        // What follows up on the price move begins when its wakes are done; a call that is late is answered at the tick.
        let mut rest = hints.iter().skip(self.out.len());
        if rest.any(|event| !matches!(event, Event::DeleveragingAsked(_))) {
            self.end_waking();
        }
    }

    /// The venue says whether work is left over, and whether that goes before any other command; where it does not, nobody
    /// may be missing.
    pub(crate) fn settle(&mut self, venue: &Venue) {
        let (venue_pending, venue_blocked) = (venue.pending(), venue.is_blocked());
        if self.waking && !venue_blocked {
            self.end_waking();
            if core::mem::take(&mut self.quiet) {
                while self.interest.left > 0 {
                    self.charge_interest_on();
                }
                self.go_round(&[]);
            }
            if !self.out.is_empty() {
                self.complain(format!("the venue said nothing of {:?}", self.out));
            }
        }
        if !self.waking && (self.pending(), self.blocked()) != (venue_pending, venue_blocked) {
            let (pending, blocked) = (self.pending(), self.blocked());
            self.complain(format!(
                "pending: venue {venue_pending}, model {pending}; blocked: venue {venue_blocked}, model {blocked}"
            ));
        }
    }

    /// All wakes are done: whoever a look would change was looked at.
    pub(crate) fn end_waking(&mut self) {
        self.waking = false;
        let watched = self.accounts.len() as u64;
        self.scans = (self.scans.0 + 1, self.scans.1 + watched);
        if let Some(account) = self.missed() {
            self.complain(format!("account {account} is below what its state says and was missed"));
        }
    }
}
