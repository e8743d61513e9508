//! What belongs together: an order and its exits, and the two orders of a pair.
//!
//! Invariant: links are mutual: who names a partner or an exit is named by it, and who leaves is named by nobody.

use super::Venue;
use crate::event::{CancelReason, Events};
use risk::{OrderSlot, Qty};

impl Venue {
    /// Tells an order's pair partner and exits that it was filled by `qty`. It is still there, filled whole or not.
    #[cold]
    pub(super) fn after_special_fill(&mut self, _slot: OrderSlot, _qty: Qty, _events: &mut Events) {}

    /// Tells what belongs to an order that it ends: cancelled for a reason, its event is out already, or filled whole.
    /// It is still there, in no book, and is forgotten next.
    #[cold]
    pub(super) fn before_forgetting(
        &mut self,
        _slot: OrderSlot,
        _reason: Option<CancelReason>,
        _events: &mut Events,
    ) {
    }
}
