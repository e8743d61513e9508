//! How does lobster 0.7.0 run the mix? Limit, market and cancel; a move is a cancel and a new order.

use lobster::{FillMetadata, OrderBook, OrderEvent, OrderType};
use risk::Side;

use super::{Driver, Outcome, Part};
use crate::reference::Totals;
use crate::workload::{Kind, Op};

/// The crate's book, and what it reported.
pub(super) struct Lobster {
    book: OrderBook,
    totals: Totals,
}

const fn side_of(side: Side) -> lobster::Side {
    match side {
        Side::Buy => lobster::Side::Bid,
        Side::Sell => lobster::Side::Ask,
    }
}

impl Lobster {
    fn execute(&mut self, order: OrderType) {
        match self.book.execute(order) {
            OrderEvent::Filled { fills, .. } | OrderEvent::PartiallyFilled { fills, .. } => {
                for FillMetadata { qty, price, .. } in fills {
                    self.totals.add(price, qty);
                }
            }
            OrderEvent::Unfilled { .. } | OrderEvent::Placed { .. } | OrderEvent::Canceled { .. } => {}
        }
    }

    fn limit(&mut self, op: &Op) {
        let (id, qty) = (u128::from(op.id), u64::from(op.qty));
        self.execute(OrderType::Limit { id, side: side_of(op.side), qty, price: op.price.unsigned_abs() });
    }
}

impl Driver for Lobster {
    type Input = Op;
    const REDUCES: bool = false;

    fn prepare(part: &Part<'_>) -> Vec<Op> {
        part.all.to_vec()
    }

    fn new(part: &Part<'_>) -> Self {
        let arena = (part.prefill + (part.prefill >> 2)).max(10_000);
        Self { book: OrderBook::new(arena, 10, false), totals: Totals::default() }
    }

    fn apply(&mut self, op: &Op) {
        let id = u128::from(op.id);
        match op.kind {
            Kind::Add => self.limit(op),
            Kind::Immediate => {
                self.execute(OrderType::Market { id, side: side_of(op.side), qty: u64::from(op.qty) });
            }
            Kind::Cancel => self.execute(OrderType::Cancel { id }),
            Kind::Reduce => unreachable!("spared"),
            Kind::Move => {
                self.execute(OrderType::Cancel { id });
                self.limit(op);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        Outcome { totals: self.totals, resting: None, digest: None }
    }
}
