//! Market-maker protection.
//!
//! Invariant: a group that tripped has no order in a book once its sweep is through.

use super::{Venue, Verdict};
use crate::command::{Command, Protection, ProtectionId};
use crate::event::Events;
use crate::reject::Reject;
use risk::AccountId;

impl Venue {
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
