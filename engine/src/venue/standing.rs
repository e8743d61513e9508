//! What an account is in one word, told whenever it changes.
//!
//! Invariant: between commands the word kept of an account is that of its state and its restriction; of one in
//! liquidation it is that of the last look at it. The venue counts those that are bankrupt.

use super::Venue;
use crate::event::{Event, Events};
use risk::{AccountId, AccountState, Standing};

impl Venue {
    /// What an account is in one word; `None` where there is no such account.
    #[must_use]
    pub fn account_standing(&self, account: AccountId) -> Option<Standing> {
        self.ledger.account(account).map(|account| account.standing)
    }

    /// Accounts in liquidation that were worth less than nothing when they were last looked at. While there are any, no
    /// money leaves an account.
    #[must_use]
    pub const fn bankrupt_accounts(&self) -> u32 {
        self.bankrupt
    }

    /// Finds an account's standing anew after its state, its restriction or, in liquidation, its worth changed.
    pub(super) fn restate(&mut self, account: AccountId, events: &mut Events) {
        let Some(before) = self.account_standing(account) else { return };
        let standing = self.ledger.standing_of(account);
        if standing == before {
            return;
        }
        self.bankrupt += u32::from(standing == Standing::Bankrupt);
        self.bankrupt -= u32::from(before == Standing::Bankrupt);
        self.ledger.set_standing(account, standing);
        events.push(Event::StandingChanged { account, standing });
    }

    /// Verifies that words and states agree.
    pub(super) fn check_standings(&self) {
        let mut bankrupt = 0;
        for (account, known) in self.ledger.accounts() {
            bankrupt += u32::from(known.standing == Standing::Bankrupt);
            let is_in_liquidation = matches!(known.standing, Standing::Liquidating | Standing::Bankrupt);
            if known.state == AccountState::Liquidating {
                assert!(is_in_liquidation, "in liquidation, and said so");
            } else {
                assert!(known.standing == self.ledger.standing_of(account), "the word of an account");
            }
        }
        assert!(bankrupt == self.bankrupt, "bankrupt accounts are counted");
    }
}
