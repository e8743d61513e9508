//! What only some orders have: instructions beyond the plain order, and where such an order is in its life.
//!
//! Invariant: an order with [`crate::orders::Order::is_special`] has exactly one record here, another none. The matcher
//! reads this store only for such orders, so a plain order pays nothing for it. Free-list order is state, like that of
//! the order store.

use alloc::vec::Vec;

use crate::command::{Instructions, TimeInForce};
use crate::deadlines::HeapPlace;
use risk::{OrderSlot, Qty, byte_enum, place};

place!(
    /// Place of a record.
    ConditionsId
);

byte_enum!(
    /// Where an order with conditions is in its life.
    Stage {
        /// Waits for the entry it belongs to; it has no quantity yet.
        Held = 1,
        /// Waits for its trigger.
        Dormant = 2,
        /// Its turn to take comes in this command or a continuation.
        Waiting = 3,
        /// Takes, or rests in the book.
        Live = 4,
    }
);

/// What an order has beyond the plain one.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub struct Conditions {
    /// As given, the end of day resolved to a time.
    pub instructions: Instructions,
    /// Where it is in its life.
    pub stage: Stage,
    /// Life time once it takes.
    pub time_in_force: TimeInForce,
    /// Whether it must not take.
    pub post_only: bool,
    /// Whether it takes at any price inside the collar once fired.
    pub is_market: bool,
    /// Place among all orders with conditions by acceptance or last amendment of the trigger: breaks ties.
    pub serial: u64,
    /// Of an iceberg order: what is not shown yet. The order's `leaves` are what is shown.
    pub hidden: Qty,
    /// The other order of a pair of which one cancels the other.
    pub partner: OrderSlot,
    /// The entry it came with.
    pub parent: OrderSlot,
    /// Take-profit and stop that came with it.
    pub exits: [OrderSlot; 2],
    /// Where among the orders that expire.
    pub expiry: HeapPlace,
}

/// The records.
#[derive(Debug, bincode::Encode)]
pub(crate) struct ConditionsStore {
    records: Vec<Conditions>,
    free: Vec<ConditionsId>,
    last_serial: u64,
}

impl ConditionsStore {
    /// Room for one record an order.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { records: Vec::with_capacity(capacity), free: Vec::with_capacity(capacity), last_serial: 0 }
    }

    /// The next place among orders with conditions.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    pub(crate) fn insert(&mut self, record: Conditions) -> ConditionsId {
        if let Some(id) = self.free.pop() {
            self.records[id.index()] = record;
            return id;
        }
        self.records.push(record);
        ConditionsId::new(u32::try_from(self.records.len() - 1).expect("no more than orders"))
    }

    pub(crate) fn remove(&mut self, id: ConditionsId) {
        self.free.push(id);
    }

    pub(crate) fn get(&self, id: ConditionsId) -> &Conditions {
        &self.records[id.index()]
    }

    pub(crate) fn get_mut(&mut self, id: ConditionsId) -> &mut Conditions {
        &mut self.records[id.index()]
    }

    /// Records in use.
    pub(crate) fn len(&self) -> usize {
        self.records.len() - self.free.len()
    }
}
