//! Live orders by session and client order number: open addressing, one probe in the common case.
//!
//! Invariant: holds exactly the live orders; at most half full, never rehashed, so no operation ever stalls. Removal
//! shifts entries back, so there are no tombstones. Iteration is not offered: its order would mean nothing.

use alloc::vec;
use alloc::vec::Vec;

use crate::command::{ClientOrderId, SessionId};
use crate::orders::Orders;
use risk::OrderSlot;

/// `hash << 32 | slot + 1`; 0 is free.
#[derive(Debug)]
pub(crate) struct ClientIndex {
    entries: Vec<u64>,
    mask: u64,
}

/// Multiplicative hash; the constant is 2^64 over the golden ratio, odd.
#[inline]
const fn hash(session: SessionId, client: ClientOrderId) -> u64 {
    let mixed = client.get() ^ (session.get() as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_right(32)
}

impl ClientIndex {
    /// Room for `orders` live orders.
    pub(crate) fn with_capacity(orders: u32) -> Self {
        let size = (u64::from(orders.max(8)) * 2).next_power_of_two();
        Self { entries: vec![0; usize::try_from(size).expect("2^25 entries at most")], mask: size - 1 }
    }

    /// Adds a live order.
    #[inline]
    pub(crate) fn insert(&mut self, session: SessionId, client: ClientOrderId, slot: OrderSlot) {
        let hash = hash(session, client);
        let mut at = hash & self.mask;
        while self.entry(at) != 0 {
            at = (at + 1) & self.mask;
        }
        *self.entry_mut(at) = entry_of(hash, slot);
    }

    /// The live order of this name.
    #[inline]
    pub(crate) fn find(
        &self,
        orders: &Orders,
        session: SessionId,
        client: ClientOrderId,
    ) -> Option<OrderSlot> {
        let hash = hash(session, client);
        let mut at = hash & self.mask;
        loop {
            let entry = self.entry(at);
            if entry == 0 {
                return None;
            }
            if entry >> 32 == hash & 0xFFFF_FFFF {
                let slot = slot_of(entry);
                let terms = orders.terms(slot);
                if terms.session == session && terms.client_order_id == client {
                    return Some(slot);
                }
            }
            at = (at + 1) & self.mask;
        }
    }

    /// Removes a live order.
    #[inline]
    pub(crate) fn remove(&mut self, session: SessionId, client: ClientOrderId, slot: OrderSlot) {
        let hash = hash(session, client);
        let wanted = entry_of(hash, slot);
        let mut hole = hash & self.mask;
        while self.entry(hole) != wanted {
            if self.entry(hole) == 0 {
                return;
            }
            hole = (hole + 1) & self.mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & self.mask;
            let entry = self.entry(at);
            if entry == 0 {
                break;
            }
            // The table is smaller than 2^32, so the half of the hash in the entry tells its home.
            let home = (entry >> 32) & self.mask;
            // Move the entry into the hole unless its home lies after the hole.
            if (at.wrapping_sub(home) & self.mask) >= (at.wrapping_sub(hole) & self.mask) {
                *self.entry_mut(hole) = entry;
                hole = at;
            }
        }
        *self.entry_mut(hole) = 0;
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "masked to the length of the table, which is a usize"
    )]
    fn entry(&self, at: u64) -> u64 {
        self.entries[at as usize]
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "masked to the length of the table, which is a usize"
    )]
    fn entry_mut(&mut self, at: u64) -> &mut u64 {
        &mut self.entries[at as usize]
    }
}

#[inline]
const fn entry_of(hash: u64, slot: OrderSlot) -> u64 {
    hash << 32 | (slot.get() as u64 + 1)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low half of an entry is a slot number plus one")]
const fn slot_of(entry: u64) -> OrderSlot {
    OrderSlot::new((entry as u32).wrapping_sub(1))
}
