//! Fee tiers: which there are, and who has which.
//!
//! Invariant: an account's tier is defined; a parent and its isolated positions have the same.

use alloc::vec::Vec;

use super::{Venue, Verdict};
use crate::event::{Event, Events};
use crate::reject::Reject;
use risk::{AccountId, FeeTier};

impl Venue {
    #[cold]
    pub(super) fn define_fee_tier(&mut self, tier: u8, terms: FeeTier, events: &mut Events) -> Verdict {
        if !self.ledger.admits_fee_tier(tier, &terms) {
            return Err(Reject::BadParameter.into());
        }

        self.ledger.define_fee_tier(tier, terms);
        events.push(Event::FeeTierDefined { tier, terms });
        Ok(())
    }

    #[cold]
    pub(super) fn set_fee_tier(&mut self, account: AccountId, tier: u8, events: &mut Events) -> Verdict {
        self.user(account)?;
        if self.ledger.fee_tier(tier).is_none() {
            return Err(Reject::BadParameter.into());
        }

        let family: Vec<AccountId> = core::iter::once(account).chain(self.isolated.of(account)).collect();
        for one in family {
            self.give_fee_tier(one, tier, events);
        }
        Ok(())
    }

    /// Gives an account a tier, and tells it.
    pub(super) fn give_fee_tier(&mut self, account: AccountId, tier: u8, events: &mut Events) {
        self.ledger.set_fee_tier(account, tier);
        events.push(Event::FeeTierSet { account, tier });
    }

    /// Verifies that tiers are defined and families have one.
    pub(super) fn check_fee_tiers(&self) {
        for (account, known) in self.ledger.accounts() {
            assert!(self.ledger.fee_tier(known.fee_tier).is_some(), "a tier that is defined");
            let parent = self.ledger.account(self.principal(account)).map(|parent| parent.fee_tier);
            assert!(parent == Some(known.fee_tier), "one tier in a family");
        }
    }
}
