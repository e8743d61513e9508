//! Market-maker protection.
//!
//! Invariant: a group that tripped has no order in a book once its sweep is through.

use super::{Venue, Verdict};
use crate::command::{Command, Protection, ProtectionId};
use crate::event::Events;
use crate::reject::Reject;
use risk::{AccountId, OrderSlot, Qty, Side};

impl Venue {
    /// Whether the account may place an order of this group.
    pub(super) const fn check_protection(
        &self,
        _account: AccountId,
        group: ProtectionId,
    ) -> Result<(), Reject> {
        if group.get() == 0 { Ok(()) } else { Err(Reject::UnknownProtection) }
    }

    /// Whether the protection group of this special order tripped and its sweep has not come to it yet.
    #[cold]
    pub(super) const fn protection_tripped(&self, _slot: OrderSlot) -> bool {
        false
    }

    /// Counts a fill of a maker with its protection group; the group may trip.
    #[cold]
    pub(super) const fn count_protection(
        &mut self,
        _account: AccountId,
        _group: ProtectionId,
        _fill: (Side, Qty),
        _events: &mut Events,
    ) {
    }

    pub(super) fn set_protection(
        &mut self,
        _command: &Command,
        _protection: Protection,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }

    pub(super) fn reset_protection(
        &mut self,
        _command: &Command,
        _account: AccountId,
        _group: ProtectionId,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }
}
