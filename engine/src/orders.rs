//! The order store: a slab whose slots carry a generation, so that an order number is never reused and a cancel needs
//! no hash.
//!
//! Invariant: a slot is live, on the free list, or retired (its generation is used up); free-list order is state,
//! because it decides future order numbers. What the matcher reads is 32 bytes; the rest is kept apart.

use alloc::vec::Vec;

use crate::ahead::fetch;
use crate::command::{ClientOrderId, OrderId, SessionId};
use crate::conditions::{Conditions, ConditionsId, ConditionsStore};
use crate::ladder::{Link, NIL, Nodes};
use crate::limits::{GENERATION_MAX, ORDER_SLOTS_MAX};
use risk::{AccountId, InstrumentId, OrderSlot, Qty, Side};

const SLOT_BITS: u32 = 24;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

/// Orders in less memory than this are mostly found in a core's own caches (1 to 2 MiB, today); asking for them costs
/// more than it saves.
const CACHED_BYTES: usize = 2 << 20;

/// What the matcher reads of an order: half a cache line, never astride two.
#[derive(Clone, Copy, Debug, bincode::Encode)]
#[repr(align(32))]
pub struct Order {
    link: Link,
    /// Price in ticks.
    pub key: u32,
    /// Owner.
    pub account: AccountId,
    /// What remains to fill.
    pub leaves: Qty,
    /// Generation, instrument, side and flags: `generation << 24 | instrument << 8 | flags`.
    tag: u64,
}

const _: () = assert!(size_of::<Order>() == 32);

const FLAG_SELL: u64 = 1;
const FLAG_REDUCE_ONLY: u64 = 2;
const FLAG_LIVE: u64 = 4;
const FLAG_RESTING: u64 = 8;
const FLAG_PERSISTENT: u64 = 16;
const FLAG_SPECIAL: u64 = 32;

impl Order {
    /// Its side.
    #[inline]
    pub const fn side(&self) -> Side {
        if self.tag & FLAG_SELL == 0 { Side::Buy } else { Side::Sell }
    }

    /// Whether it only reduces.
    #[inline]
    pub const fn reduce_only(&self) -> bool {
        self.tag & FLAG_REDUCE_ONLY != 0
    }

    /// Whether it stays when its session is lost and what protects a position is kept.
    #[inline]
    pub const fn persistent(&self) -> bool {
        self.tag & FLAG_PERSISTENT != 0
    }

    /// Whether it is in a book; an order being matched is not yet.
    #[inline]
    pub const fn is_resting(&self) -> bool {
        self.tag & FLAG_RESTING != 0
    }

    /// Whether it has [`Conditions`].
    #[inline]
    pub const fn is_special(&self) -> bool {
        self.tag & FLAG_SPECIAL != 0
    }

    /// Its instrument.
    #[inline]
    pub fn instrument(&self) -> InstrumentId {
        InstrumentId::new(u32::from(u16::try_from((self.tag >> 8) & 0xFFFF).unwrap_or(u16::MAX)))
    }

    const fn is_live(&self) -> bool {
        self.tag & FLAG_LIVE != 0
    }

    const fn generation(&self) -> u64 {
        self.tag >> SLOT_BITS
    }
}

const _: () = assert!(risk::limits::INSTRUMENTS_MAX <= 1 << 16);

/// What only acceptance, events and amendments read.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub struct Terms {
    /// The client's number.
    pub client_order_id: ClientOrderId,
    /// Filled since acceptance.
    pub filled: Qty,
    /// Session it came by.
    pub session: SessionId,
    /// Its conditions, where it has any.
    pub(crate) conditions: ConditionsId,
}

impl Terms {
    /// Of a new order without conditions.
    pub const fn new(session: SessionId, client_order_id: ClientOrderId) -> Self {
        Self { client_order_id, filled: Qty::ZERO, session, conditions: ConditionsId::NONE }
    }
}

const _: () = assert!(size_of::<Terms>() == 24);

/// A new order's facts.
#[derive(Clone, Copy, Debug)]
pub struct NewSlot {
    /// Where.
    pub instrument: InstrumentId,
    /// Owner.
    pub account: AccountId,
    /// Its side.
    pub side: Side,
    /// Price in ticks.
    pub key: u32,
    /// Quantity to fill.
    pub qty: Qty,
    /// Whether it only reduces.
    pub reduce_only: bool,
    /// Whether it stays when its session is lost.
    pub persistent: bool,
    /// The rarely read part.
    pub terms: Terms,
}

/// The slot an order number carries.
#[inline]
fn slot_of(id: OrderId) -> u32 {
    u32::try_from(id.get() & SLOT_MASK).unwrap_or(u32::MAX)
}

/// The order store.
#[derive(Debug, bincode::Encode)]
pub struct Orders {
    hot: Vec<Order>,
    terms: Vec<Terms>,
    free: Vec<OrderSlot>,
    capacity: u32,
    conditions: ConditionsStore,
}

impl Nodes for Orders {
    #[inline]
    fn link(&mut self, node: u32) -> &mut Link {
        &mut self.hot[node as usize].link
    }
}

impl Orders {
    /// Room for `capacity` live orders.
    pub fn with_capacity(capacity: u32) -> Self {
        let capacity = capacity.min(ORDER_SLOTS_MAX);
        Self {
            hot: Vec::with_capacity(capacity as usize),
            terms: Vec::with_capacity(capacity as usize),
            free: Vec::with_capacity(capacity as usize),
            capacity,
            conditions: ConditionsStore::with_capacity(capacity as usize),
        }
    }

    /// Whether so many more orders fit.
    #[inline]
    pub fn has_room_for(&self, orders: u32) -> bool {
        self.free.len() + self.capacity as usize - self.hot.len() >= orders as usize
    }

    /// Stores an order; the caller has asked [`Self::has_room_for`].
    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    pub fn allocate(&mut self, new: &NewSlot) -> OrderSlot {
        let (slot, generation) = match self.free.pop() {
            Some(slot) => (slot, self.hot[slot.index()].generation() + 1),
            None => (OrderSlot::new(u32::try_from(self.hot.len()).expect("below ORDER_SLOTS_MAX")), 1),
        };
        let side = if new.side == Side::Sell { FLAG_SELL } else { 0 };
        let reduce_only = if new.reduce_only { FLAG_REDUCE_ONLY } else { 0 };
        let persistent = if new.persistent { FLAG_PERSISTENT } else { 0 };
        let flags = side | reduce_only | persistent | FLAG_LIVE;
        let tag = generation << SLOT_BITS | u64::from(new.instrument.get()) << 8 | flags;
        let order = Order { link: Link::LOOSE, key: new.key, account: new.account, leaves: new.qty, tag };
        if slot.index() == self.hot.len() {
            self.hot.push(order);
            self.terms.push(new.terms);
        } else {
            self.hot[slot.index()] = order;
            self.terms[slot.index()] = new.terms;
        }
        slot
    }

    /// Forgets an order. Its slot is used again under the next generation, or retires.
    #[inline]
    pub fn free(&mut self, slot: OrderSlot) {
        let order = &mut self.hot[slot.index()];
        if order.is_special() {
            self.conditions.remove(self.terms[slot.index()].conditions);
        }
        order.tag &= !(FLAG_LIVE | FLAG_RESTING | FLAG_SPECIAL);
        if order.generation() < GENERATION_MAX {
            self.free.push(slot);
        }
    }

    /// The number of a live order.
    #[inline]
    pub fn id(&self, slot: OrderSlot) -> OrderId {
        OrderId::new(self.hot[slot.index()].generation() << SLOT_BITS | u64::from(slot.get()))
    }

    /// The slot of a live order.
    #[inline]
    pub fn find(&self, id: OrderId) -> Option<OrderSlot> {
        let slot = OrderSlot::new(slot_of(id));
        let order = self.hot.get(slot.index())?;
        (order.is_live() && order.generation() == id.get() >> SLOT_BITS).then_some(slot)
    }

    /// The slot of a live order of this account.
    #[inline]
    pub fn find_of(&self, id: OrderId, account: AccountId) -> Option<OrderSlot> {
        let slot = OrderSlot::new(slot_of(id));
        let order = self.hot.get(slot.index())?;
        let is_meant = order.is_live() && order.generation() == id.get() >> SLOT_BITS;
        (is_meant && order.account == account).then_some(slot)
    }

    /// An order.
    #[inline]
    pub fn get(&self, slot: OrderSlot) -> &Order {
        &self.hot[slot.index()]
    }

    /// The node behind an order in its level.
    #[inline]
    pub(crate) fn next_of(&self, slot: OrderSlot) -> u32 {
        self.hot[slot.index()].link.next
    }

    /// An order's rarely read part.
    #[inline]
    pub fn terms(&self, slot: OrderSlot) -> &Terms {
        &self.terms[slot.index()]
    }

    /// Gives a new order conditions.
    pub(crate) fn set_conditions(&mut self, slot: OrderSlot, conditions: Conditions) {
        self.terms[slot.index()].conditions = self.conditions.insert(conditions);
        self.hot[slot.index()].tag |= FLAG_SPECIAL;
    }

    /// An order's conditions, where it has any.
    #[inline]
    pub(crate) fn conditions(&self, slot: OrderSlot) -> Option<&Conditions> {
        self.hot[slot.index()].is_special().then(|| self.conditions.get(self.terms[slot.index()].conditions))
    }

    /// The conditions of an order that has them, about to change.
    pub(crate) fn conditions_mut(&mut self, slot: OrderSlot) -> &mut Conditions {
        let id = self.terms[slot.index()].conditions;
        self.conditions.get_mut(id)
    }

    /// The next place among orders with conditions.
    pub(crate) fn next_serial(&mut self) -> u64 {
        self.conditions.next_serial()
    }

    /// Orders with conditions.
    pub(crate) fn special(&self) -> usize {
        self.conditions.len()
    }

    /// What remains of an order, shown and hidden.
    #[inline]
    pub(crate) fn leaves(&self, slot: OrderSlot) -> Qty {
        let shown = self.hot[slot.index()].leaves;
        self.conditions(slot).map_or(shown, |conditions| shown + conditions.hidden)
    }

    /// The order behind one in its level, or none.
    #[inline]
    pub(crate) fn next_in_level(&self, slot: OrderSlot) -> OrderSlot {
        let next = self.hot[slot.index()].link.next;
        if next == NIL { OrderSlot::NONE } else { OrderSlot::new(next) }
    }

    /// Divides what remains of an order with conditions into what is shown and what is hidden.
    pub(crate) fn set_shown(&mut self, slot: OrderSlot, shown: Qty, hidden: Qty) {
        self.hot[slot.index()].leaves = shown;
        self.conditions_mut(slot).hidden = hidden;
    }

    /// Whether there are so many orders that an operation finds few of them in the caches, and reading ahead pays.
    #[inline]
    pub fn outgrow_caches(&self) -> bool {
        self.hot.len() * size_of::<Order>() >= CACHED_BYTES
    }

    /// Asks for the order of this number.
    #[inline]
    pub(crate) fn fetch(&self, id: OrderId) {
        self.fetch_slot(slot_of(id));
    }

    /// Asks for the order of this number and its terms.
    pub(crate) fn fetch_with_terms(&self, id: OrderId) {
        self.fetch(id);
        if let Some(terms) = self.terms.get(slot_of(id) as usize) {
            fetch(terms);
        }
    }

    /// What stands where the order of this number would, it or another.
    pub(crate) fn peek(&self, id: OrderId) -> Option<&Order> {
        self.hot.get(slot_of(id) as usize)
    }

    /// Asks for an order; `NIL` and beyond are nothing to ask for.
    #[inline]
    pub(crate) fn fetch_slot(&self, slot: u32) {
        if let Some(order) = self.hot.get(slot as usize) {
            fetch(order);
        }
    }

    /// Asks for the neighbours of the order of this number, which was asked for before; the order as it is now.
    #[inline]
    pub(crate) fn fetch_neighbours(&self, id: OrderId) -> Option<&Order> {
        let order = self.peek(id)?;
        self.fetch_slot(order.link.prev);
        self.fetch_slot(order.link.next);
        Some(order)
    }

    /// Books a fill on an order; what remains.
    #[inline]
    pub fn fill(&mut self, slot: OrderSlot, qty: Qty) -> Qty {
        self.terms[slot.index()].filled += qty;
        let order = &mut self.hot[slot.index()];
        order.leaves -= qty;
        order.leaves
    }

    /// Changes price and remaining quantity of an order that is in no book.
    pub fn reprice(&mut self, slot: OrderSlot, key: u32, leaves: Qty) {
        let order = &mut self.hot[slot.index()];
        (order.key, order.leaves) = (key, leaves);
    }

    /// Takes `qty` off what remains, without a fill.
    #[inline]
    pub fn reduce(&mut self, slot: OrderSlot, qty: Qty) {
        self.hot[slot.index()].leaves -= qty;
    }

    /// Marks an order as in a book or not; the book does this.
    #[inline]
    pub(crate) fn set_resting(&mut self, slot: OrderSlot, resting: bool) {
        let tag = &mut self.hot[slot.index()].tag;
        *tag = if resting { *tag | FLAG_RESTING } else { *tag & !FLAG_RESTING };
    }

    /// Live orders.
    pub fn live(&self) -> impl Iterator<Item = (OrderSlot, &Order)> + '_ {
        (0..).map(OrderSlot::new).zip(&self.hot).filter(|(_, order)| order.is_live())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_slot() -> NewSlot {
        NewSlot {
            instrument: InstrumentId::new(3),
            account: AccountId::new(20),
            side: Side::Sell,
            key: 7,
            qty: Qty::new(5),
            reduce_only: false,
            persistent: false,
            terms: Terms::new(SessionId::new(1), ClientOrderId::new(1)),
        }
    }

    #[test]
    fn a_freed_number_never_comes_back() {
        let mut orders = Orders::with_capacity(1);
        let first = orders.allocate(&new_slot());
        let first_id = orders.id(first);
        assert!(!orders.has_room_for(1));
        orders.free(first);
        assert_eq!(orders.find(first_id), None);
        let second = orders.allocate(&new_slot());
        assert_eq!((second, orders.find(first_id)), (first, None));
        assert_eq!(orders.find(orders.id(second)), Some(second));
        assert_eq!(orders.get(second).instrument(), InstrumentId::new(3));
    }

    #[test]
    fn a_slot_retires_when_its_generations_are_used_up() {
        let mut orders = Orders::with_capacity(1);
        let slot = orders.allocate(&new_slot());
        orders.hot[slot.index()].tag |= GENERATION_MAX << SLOT_BITS;
        assert_eq!(orders.find(orders.id(slot)), Some(slot));
        orders.free(slot);
        assert!(!orders.has_room_for(1));
    }
}
