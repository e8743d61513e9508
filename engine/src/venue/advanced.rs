//! Orders with instructions, and batches of orders.
//!
//! Invariant: an order is checked in the order of rejects, whatever it came by.

use super::{Venue, Verdict};
use crate::command::{AdvancedOrder, ClientOrderId, OrderBatch, SessionId};
use crate::event::Events;
use crate::reject::Reject;

impl Venue {
    pub(super) fn advanced_order(
        &mut self,
        _session: SessionId,
        _client_order_id: ClientOrderId,
        _advanced: &AdvancedOrder,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }

    pub(super) fn order_batch(
        &mut self,
        _session: SessionId,
        _client_order_id: ClientOrderId,
        _batch: &OrderBatch,
        _events: &mut Events,
    ) -> Verdict {
        Err(Reject::BadParameter.into())
    }
}
