//! How does our own book run the mix? Order store and ladders as the venue uses them, without accounts and margin.
//!
//! A cancel or move names the order by the venue's number, as a client does who has read the acceptance; the numbers
//! come from a first run that is not timed.

use engine::ahead::{Distance, FAR, NEAR};
use engine::book::Book;
use engine::orders::{NewSlot, Orders, Terms};
use engine::{ClientOrderId, OrderId, SessionId};
use risk::{AccountId, InstrumentId, OrderSlot, Qty, Side};

use super::{Driver, Outcome, Part};
use crate::reference::{Digest, Totals};
use crate::workload::{Kind, Op};

/// An operation as our book takes it: prices in ticks above zero, the venue's number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    kind: Kind,
    side: Side,
    key: u32,
    client: u32,
    qty: Qty,
    id: OrderId,
}

/// Our book, and what its matches came to.
pub(super) struct Fulcrum {
    orders: Orders,
    book: Book,
    totals: Totals,
}

impl Fulcrum {
    #[inline]
    fn take(&mut self, side: Side, limit: u32, mut qty: Qty) -> Qty {
        while qty > Qty::ZERO {
            let Some(maker) = self.book.front(side, limit) else { break };
            let resting = *self.orders.get(maker);
            let matched = qty.min(resting.leaves);
            qty -= matched;
            let leaves = self.book.fill(&mut self.orders, maker, matched);
            self.totals.add(u64::from(resting.key), matched.get().unsigned_abs());
            if leaves == Qty::ZERO {
                self.orders.free(maker);
            }
        }
        qty
    }

    #[inline]
    fn add(&mut self, input: &Input) -> Option<OrderSlot> {
        let crosses = self.book.crosses(input.side, input.key);
        let qty = if crosses { self.take(input.side, input.key, input.qty) } else { input.qty };
        if qty == Qty::ZERO {
            return None;
        }
        let client_order_id = ClientOrderId::new(u64::from(input.client));
        let mut terms = Terms::new(SessionId::new(1), client_order_id);
        terms.filled = input.qty - qty;
        let slot = self.orders.allocate(&NewSlot {
            instrument: InstrumentId::new(0),
            account: AccountId::new(16),
            side: input.side,
            key: input.key,
            qty,
            reduce_only: false,
            persistent: false,
            terms,
        });
        self.book.rest(&mut self.orders, slot);
        Some(slot)
    }

    #[inline]
    fn cancel(&mut self, id: OrderId) {
        if let Some(slot) = self.orders.find(id) {
            self.book.remove(&mut self.orders, slot);
            self.orders.free(slot);
        }
    }

    #[inline]
    fn reduce(&mut self, id: OrderId, qty: Qty) {
        let Some(slot) = self.orders.find(id) else { return };
        let order = self.orders.get(slot);
        self.book.reduce(order.side(), order.key, qty);
        self.orders.reduce(slot, qty);
    }

    #[inline]
    fn shift(&mut self, id: OrderId, key: u32) {
        let Some(slot) = self.orders.find(id) else { return };
        self.book.remove(&mut self.orders, slot);
        let order = self.orders.get(slot);
        let (side, mut leaves) = (order.side(), order.leaves);
        if self.book.crosses(side, key) {
            leaves = self.take(side, key, leaves);
        }
        if leaves == Qty::ZERO {
            self.orders.free(slot);
        } else {
            self.orders.reprice(slot, key, leaves);
            self.book.rest(&mut self.orders, slot);
        }
    }

    #[inline]
    fn announce_one(&self, input: &Input, distance: Distance) {
        if matches!(input.kind, Kind::Cancel | Kind::Move | Kind::Reduce) {
            self.book.announce_removal(&self.orders, input.id, distance);
        }
        if matches!(input.kind, Kind::Add | Kind::Move) {
            self.book.announce_rest(&self.orders, input.side, input.key, distance);
        }
    }

    /// Runs an operation; the number of the order where one came to rest.
    #[inline]
    fn run(&mut self, input: &Input) -> Option<OrderSlot> {
        match input.kind {
            Kind::Add => return self.add(input),
            Kind::Immediate => {
                self.take(input.side, input.key, input.qty);
            }
            Kind::Cancel => self.cancel(input.id),
            Kind::Reduce => self.reduce(input.id, input.qty),
            Kind::Move => self.shift(input.id, input.key),
        }
        None
    }
}

impl Driver for Fulcrum {
    type Input = Input;
    const REDUCES: bool = true;

    fn prepare(part: &Part<'_>) -> Vec<Input> {
        let mut numbering = Self::new(part);
        let mut numbers = vec![OrderId::default(); part.ids as usize];
        let input = |op: &Op| {
            let key = u32::try_from(op.price).expect("prices of the flows are small and above zero");
            let id = numbers[op.id as usize];
            let Op { kind, side, id: client, .. } = *op;
            let input = Input { kind, side, key, client, qty: Qty::new(i64::from(op.qty)), id };
            if let Some(slot) = numbering.run(&input) {
                numbers[client as usize] = numbering.orders.id(slot);
            }
            input
        };
        part.all.iter().map(input).collect()
    }

    fn new(part: &Part<'_>) -> Self {
        let keys = u32::try_from(part.price_max + 1).expect("prices of the flows are small");
        let room = u32::try_from(part.prefill).expect("far below the slots of an order number");
        let orders = Orders::with_capacity(room + (room >> 1) + 1_024);
        Self { orders, book: Book::new(keys), totals: Totals::default() }
    }

    #[inline]
    fn apply(&mut self, input: &Input) {
        self.run(input);
    }

    #[inline]
    fn announce(&self, inputs: &[Input], at: usize) {
        if !self.orders.outgrow_caches() {
            return;
        }
        for (distance, ahead) in [(Distance::Far, FAR), (Distance::Near, NEAR)] {
            if let Some(input) = inputs.get(at + ahead) {
                self.announce_one(input, distance);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let mut digest = Digest::default();
        let mut resting = 0;
        for taker in [Side::Sell, Side::Buy] {
            let limit = if taker == Side::Sell { 0 } else { u32::MAX };
            let mut next = self.book.front(taker, limit);
            while let Some(slot) = next {
                let order = self.orders.get(slot);
                let client = self.orders.terms(slot).client_order_id.get();
                let client = u32::try_from(client).expect("numbered by the workload");
                digest.add(order.side(), u64::from(order.key), client, order.leaves.get().unsigned_abs());
                resting += 1;
                next = self.book.behind(&self.orders, slot, taker, limit);
            }
        }
        Outcome { totals: self.totals, resting: Some(resting), digest: Some(digest.get()) }
    }
}
