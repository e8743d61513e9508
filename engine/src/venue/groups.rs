//! Owner groups, and the kill switches of groups and keys.
//!
//! Invariant: accounts of one owner group never trade with each other.

use super::{Venue, Verdict};
use crate::command::KeyId;
use crate::event::Events;
use crate::reject::Reject;
use risk::{AccountId, OwnerGroupId, Restriction};

impl Venue {
    pub(super) fn set_owner_group(
        &mut self,
        _account: AccountId,
        _group: OwnerGroupId,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }

    pub(super) fn set_group_restriction(
        &mut self,
        _group: OwnerGroupId,
        _restriction: Restriction,
        _cancel_orders: bool,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }

    pub(super) fn suspend_key(
        &mut self,
        _key: KeyId,
        _suspended: bool,
        _cancel_orders: bool,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }
}
