//! The end of an instrument: its orders go, its positions are settled at one price.
//!
//! Invariant: what longs receive, shorts pay; rounding goes to the dust account.

use super::{Venue, Verdict};
use crate::event::Events;
use crate::reject::Reject;
use risk::{InstrumentId, Mark};

impl Venue {
    pub(super) fn settle(
        &mut self,
        _instrument: InstrumentId,
        _price: Mark,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }
}
