//! Orders that wait for a price.
//!
//! Invariant: between commands, unless work is left over, no crossed trigger waits.

use super::{Venue, Verdict};
use crate::command::{AmendTrigger, SessionId};
use crate::event::Events;
use crate::reject::Reject;
use risk::InstrumentId;

impl Venue {
    /// The instrument is open from now on: the prices of this moment count.
    pub(super) fn opened(&mut self, _instrument: InstrumentId) {}

    pub(super) fn amend_trigger(
        &mut self,
        _session: SessionId,
        _amend: &AmendTrigger,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }
}
