//! Ranks: how soon a holder would be deleveraged.
//!
//! Invariant: reading only, and bounded as a survey is: a page passes at most [`SCAN_MAX`] account numbers and about as many
//! legs. The order is the one an allocation takes holders in.

use core::cmp::Ordering;

use super::Venue;
use crate::limits::SCAN_MAX;
use crate::reject::Reject;
use risk::deleveraging::{DeleveragingPolicy, Holder};
use risk::{AccountId, InstrumentId, Money, Position};

/// A holder among the holders of its side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeleveragingRank {
    /// The holder.
    pub holder: Holder,
    /// By which rule its side would be cut.
    pub policy: DeleveragingPolicy,
    /// Value of a lot at the mark, in the unit of account.
    pub lot_value: Money,
    /// Holders who come before it.
    pub ahead: u32,
    /// Holders of its side, itself counted in.
    pub holders: u32,
    /// Where the next page goes on; `None` when all have been looked at.
    pub next: Option<AccountId>,
}

impl DeleveragingRank {
    /// The holder's own level, as a fraction: value of its open lots over equity. Where the policy levels, it is cut when the
    /// level of a deleveraging falls below this.
    #[must_use]
    pub fn level(&self) -> (i128, i128) {
        let value = i128::from(self.lot_value.get()) * i128::from(self.holder.open);
        (value, i128::from(self.holder.equity.get()))
    }
}

impl Venue {
    /// Ranks a holder among the accounts from a number on. `None` where it holds nothing or has no equity.
    ///
    /// # Errors
    /// [`Reject`]: no such account or instrument.
    pub fn deleveraging_rank(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        from: AccountId,
    ) -> Result<Option<DeleveragingRank>, Reject> {
        self.ledger.find_instrument(instrument).ok_or(Reject::UnknownInstrument)?;
        self.ledger.account(account).ok_or(Reject::UnknownAccount)?;
        let policy = self.ledger.risk_terms_of(instrument).policy;
        let against = Position::ZERO - self.ledger.position(account, instrument);
        let Some(holder) = self.ledger.holder(account, instrument, against, policy) else { return Ok(None) };
        let lot_value = self.ledger.lot_in_base(instrument);
        let mut rank = DeleveragingRank { holder, policy, lot_value, ahead: 0, holders: 0, next: None };
        let mut passed = 0;
        for number in from.get()..self.ledger.account_numbers() {
            if passed >= SCAN_MAX {
                rank.next = Some(AccountId::new(number));
                break;
            }
            passed += 1;
            let other = AccountId::new(number);
            if self.ledger.account(other).is_none() {
                continue;
            }
            passed += self.ledger.legs_of(other).count();
            if let Some(other) = self.ledger.holder(other, instrument, against, policy) {
                rank.holders += 1;
                rank.ahead += u32::from(policy.order(&other, &holder) == Ordering::Less);
            }
        }
        Ok(Some(rank))
    }
}
