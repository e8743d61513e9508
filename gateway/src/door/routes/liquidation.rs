//! Who hears of liquidation and deleveraging.
//!
//! Invariant: a liquidated account hears of every step, a holder of what it gave up, a backstop account of what it took, each of
//! nobody else. Operators hear of calls, decisions and bad debts without asking.

use engine::Event;

use crate::door::projection::Projection;
use crate::door::translate::liquidation;
use crate::outcome::Outcome;
use crate::wire::types::I64N;

impl Projection {
    /// What an account hears of its liquidation, or of its part in a deleveraging.
    pub(super) fn route_liquidation(&mut self, outcome: &Outcome<'_>, event: &Event) {
        let Some(account) = liquidation::account_of(event) else { return };
        let is_told_to_operators = matches!(event, Event::BadDebtBooked { .. });
        if self.audience(account).is_none() && !is_told_to_operators {
            return;
        }
        if !self.stage_step(outcome, event) {
            return;
        }
        self.give_traders(account, None);
        self.give_copies(account);
        if is_told_to_operators {
            self.give_operators();
        }
    }

    fn stage_step(&mut self, outcome: &Outcome<'_>, event: &Event) -> bool {
        if let Some(message) = liquidation::stepped(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = liquidation::paced(outcome, event) {
            self.stage(&message);
        } else if let Event::Deleveraged(cut) = event
            && let Some(message) = liquidation::deleveraged(outcome, event, self.level_of(cut.request))
        {
            self.stage(&message);
        } else if let Some(message) = liquidation::bad_debt(outcome, event) {
            self.stage(&message);
        } else {
            return false;
        }
        true
    }

    /// What a backstop account hears of what it took over.
    pub(super) fn route_assumed(&mut self, outcome: &Outcome<'_>, event: &Event) {
        let Some(message) = liquidation::assumed(outcome, event) else { return };
        let account = message.account_id;
        if self.audience(account).is_some() {
            self.stage(&message);
            self.give_traders(account, None);
            self.give_copies(account);
        }
    }

    /// What operators hear of a deleveraging.
    pub(super) fn route_deleveraging(&mut self, outcome: &Outcome<'_>, event: &Event) {
        if let Some(message) = liquidation::asked(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = liquidation::planned(outcome, event) {
            self.set_level(message.request, message.level_e9);
            self.stage(&message);
        } else if let Some(message) = liquidation::ended(outcome, event) {
            self.set_level(message.request, I64N::NONE);
            self.stage(&message);
        } else {
            return;
        }
        self.give_operators();
    }
}
