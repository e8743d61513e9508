//! Mass quotes.
//!
//! Invariant: a session has at most one order per instrument, level and side by its quotes, and none of them takes.

use super::{Venue, Verdict};
use crate::command::{ClientOrderId, MassQuote, SessionId};
use crate::event::Events;
use crate::reject::Reject;

impl Venue {
    pub(super) fn mass_quote(
        &mut self,
        _session: SessionId,
        _client_order_id: ClientOrderId,
        _quotes: &MassQuote,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }
}
