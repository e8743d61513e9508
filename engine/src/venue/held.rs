//! Liquidations that wait until an index is trusted again.
//!
//! Invariant: an account is held only while none of its positions may be closed; between commands, unless work is left over,
//! every other account in liquidation is through. A held account has no orders and takes no command but money in.

use super::Venue;
use super::liquidation::Case;
use crate::event::{Event, Events};
use crate::limits::RESUMES_PER_COMMAND;
use risk::{AccountId, AccountState, Activity, Position};

impl Venue {
    /// No position that may be closed has a trusted index: the liquidation waits.
    pub(super) fn hold(&mut self, case: Case, events: &mut Events) {
        self.held.insert(case.account, case);
        events.push(Event::LiquidationHeld { account: case.account });
    }

    /// Lets those that wait join the others again: an index is trusted, or an instrument is gone.
    pub(super) fn resume_liquidations(&mut self) {
        self.resuming = !self.held.is_empty();
        self.left_over |= self.resuming;
    }

    /// Lets some join; the rest waits.
    pub(super) fn go_on_resuming(&mut self, events: &mut Events) {
        for _ in 0..RESUMES_PER_COMMAND {
            let Some((_, case)) = self.held.pop_first() else { break };
            self.rejoin(case, events);
        }
        self.resuming = !self.held.is_empty();
    }

    /// An account that waits got money: it may be sound.
    pub(super) fn resume_one(&mut self, account: AccountId, events: &mut Events) {
        if let Some(case) = self.held.remove(&account).or_else(|| self.unpace(account)) {
            self.rejoin(case, events);
        }
    }

    fn rejoin(&mut self, case: Case, events: &mut Events) {
        self.liquidating.push_back(case);
        events.push(Event::LiquidationResumed { account: case.account });
    }

    /// Verifies that who waits must.
    pub(super) fn check_held(&self) {
        for &account in self.held.keys() {
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
