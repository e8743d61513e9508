//! What an instrument admits, and when that changes by itself.
//!
//! Invariant: a book may be crossed only while its instrument collects orders.

use super::{Venue, Verdict};
use crate::event::Events;
use crate::reject::Reject;
use risk::{InstrumentId, TradingLimits};

impl Venue {
    pub(super) fn set_limits(
        &mut self,
        _instrument: InstrumentId,
        _limits: &TradingLimits,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }

    pub(super) fn start_auction(
        &mut self,
        _instrument: InstrumentId,
        _call_ms: u32,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }

    pub(super) fn restarted(&mut self, _cancel_only_ms: u32, _call_ms: u32, _events: &mut Events) -> Verdict {
        Err(Reject::BadParameter.into())
    }
}
