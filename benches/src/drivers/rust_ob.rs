//! How does `rust_ob` 2.5.3 run the mix? Decimal prices; a move is a cancel and a new order.

use risk::Side;
use rust_ob::{Decimal, OrderBook, OrderMatch};

use super::{Driver, Outcome, Part};
use crate::reference::Totals;
use crate::workload::{Kind, Op};

/// The crate's book, and what it reported.
pub(super) struct RustOb {
    book: OrderBook<u64>,
    totals: Totals,
}

const fn side_of(side: Side) -> rust_ob::Side {
    match side {
        Side::Buy => rust_ob::Side::Buy,
        Side::Sell => rust_ob::Side::Sell,
    }
}

fn units(decimal: Decimal) -> u64 {
    u64::try_from(decimal.mantissa().unsigned_abs()).expect("prices and quantities are small whole numbers")
}

impl RustOb {
    /// The last match of a list is the taker's own summary.
    fn count(&mut self, matches: &[OrderMatch<u64>]) {
        let Some((_, makers)) = matches.split_last() else { return };
        for maker in makers {
            self.totals.trades += 1;
            self.totals.qty += units(maker.quantity);
            self.totals.notional = self.totals.notional.wrapping_add(units(maker.cost));
        }
    }

    fn limit(&mut self, op: &Op) {
        let (price, qty) = (Decimal::from(op.price), Decimal::from(op.qty));
        if let Ok(matches) = self.book.process_limit_order(u64::from(op.id), side_of(op.side), price, qty) {
            self.count(&matches);
        }
    }
}

impl Driver for RustOb {
    type Input = Op;
    const REDUCES: bool = false;

    fn prepare(part: &Part<'_>) -> Vec<Op> {
        part.all.to_vec()
    }

    fn new(_: &Part<'_>) -> Self {
        Self { book: OrderBook::new(), totals: Totals::default() }
    }

    fn apply(&mut self, op: &Op) {
        let id = u64::from(op.id);
        match op.kind {
            Kind::Add => self.limit(op),
            Kind::Immediate => {
                let matches = self.book.process_market_order(id, side_of(op.side), Decimal::from(op.qty));
                self.count(&matches.unwrap_or_default());
            }
            Kind::Cancel => {
                drop(self.book.cancel_order(id));
            }
            Kind::Reduce => unreachable!("spared"),
            Kind::Move => {
                drop(self.book.cancel_order(id));
                self.limit(op);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        Outcome { totals: self.totals, resting: None, digest: None }
    }
}
