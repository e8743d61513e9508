//! Liquidations that wait until an index is trusted again.
//!
//! Invariant: an account is held only while none of its positions may be closed; between commands, unless work is left over,
//! every other account in liquidation is through. A held account has no orders and takes no command but money in.

use super::Venue;
use crate::event::{Event, Events};
use crate::limits::RESUMES_PER_COMMAND;
use risk::{AccountId, AccountState, Activity, Position};

impl Venue {
    /// No position of the account found first may be closed now: it waits.
    pub(super) fn hold(&mut self, account: AccountId, events: &mut Events) {
        self.liquidating.pop_front();
        self.held.insert(account);
        events.push(Event::LiquidationHeld { account });
    }

    /// Lets those that wait join the others again: an index is trusted, or an instrument is gone.
    pub(super) fn resume_liquidations(&mut self) {
        self.resuming = !self.held.is_empty();
        self.left_over |= self.resuming;
    }

    /// Lets some join; the rest waits.
    pub(super) fn go_on_resuming(&mut self, events: &mut Events) {
        for _ in 0..RESUMES_PER_COMMAND {
            let Some(account) = self.held.pop_first() else { break };
            self.rejoin(account, events);
        }
        self.resuming = !self.held.is_empty();
    }

    /// An account that waits got money: it may be sound.
    pub(super) fn resume_one(&mut self, account: AccountId, events: &mut Events) {
        if self.held.remove(&account) {
            self.rejoin(account, events);
            self.left_over = true;
        }
    }

    fn rejoin(&mut self, account: AccountId, events: &mut Events) {
        self.liquidating.push_back(account);
        events.push(Event::LiquidationResumed { account });
    }

    /// Verifies that who waits must.
    pub(super) fn check_held(&self) {
        for &account in &self.held {
            let known = self.ledger.account(account);
            assert!(
                known.is_some_and(|known| known.state == AccountState::Liquidating),
                "who waits is in liquidation"
            );
            assert!(self.ledger.first_order(account, None).is_none(), "who waits has no orders");
            let mut open = self.ledger.legs_of(account).filter(|(_, leg)| leg.position != Position::ZERO);
            let waits = open.all(|(_, leg)| !self.is_trusted_for(leg.instrument, Activity::Liquidate));
            assert!(waits || self.left_over, "nobody waits without a reason");
        }
    }
}
