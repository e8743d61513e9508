//! Who hears of money between accounts, of margin, and of collateral.
//!
//! Invariant: of a movement each side hears its own balance and no other. What a session asked for names its request.

use engine::{Action, Event, Movement, SessionKind};
use risk::AccountId;

use crate::door::projection::Projection;
use crate::door::translate::{self, collateral};
use crate::outcome::Outcome;
use crate::wire::types::IdN;

impl Projection {
    /// What an account hears of its margin and its collateral, whoever brought it about.
    pub(super) fn route_margin(&mut self, outcome: &Outcome<'_>, event: &Event) {
        let Some(account) = collateral::account_of(event) else { return };
        if self.audience(account).is_none() {
            return;
        }
        self.stage_margin(outcome, event);
        self.give_traders(account, None);
        self.give_copies(account);
    }

    fn stage_margin(&mut self, outcome: &Outcome<'_>, event: &Event) {
        if let Some(message) = collateral::margin_state_changed(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = collateral::funding(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = collateral::converted(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = collateral::interest(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = collateral::standing(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = collateral::covered(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = collateral::fee_tier(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = collateral::would_liquidate(outcome, event) {
            self.stage(&message);
        } else if let Some(message) = collateral::held(outcome, event) {
            self.stage(&message);
        }
    }

    /// Money between two accounts: each hears its side; an operator who asked for it is answered.
    pub(super) fn route_movement(&mut self, outcome: &Outcome<'_>, movement: &Movement) {
        self.route_side(outcome, movement, movement.from);
        self.route_side(outcome, movement, movement.to);
        if matches!(outcome.command.action, Action::TransferBetween(_)) {
            self.acknowledge(outcome);
        }
    }

    fn route_side(&mut self, outcome: &Outcome<'_>, movement: &Movement, account: AccountId) {
        if self.audience(account).is_none() {
            return;
        }
        let asked =
            self.commander(outcome, SessionKind::OrderEntry).filter(|place| self.acts_for(*place, account));
        self.stage(&collateral::movement(outcome, movement, account, IdN::NONE));
        self.give_traders(account, asked);
        self.give_copies(account);
        if let Some(place) = asked {
            let request = translate::request_id(outcome.command.client_order_id);
            self.stage(&collateral::movement(outcome, movement, account, request));
            self.give(place);
        }
    }

    /// A transfer that was done before: only who asked again is told.
    pub(super) fn route_repeated(&mut self, outcome: &Outcome<'_>, event: &Event) {
        self.acknowledge(outcome);
        if let Some(place) = self.commander(outcome, SessionKind::OrderEntry)
            && let Some(message) = collateral::repeated(outcome, event)
        {
            self.stage(&message);
            self.give(place);
        }
    }
}
