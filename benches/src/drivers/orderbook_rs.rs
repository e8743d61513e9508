//! How does orderbook-rs 0.15.3 run the mix? A concurrent book used by one thread; trades come to a listener.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orderbook_rs::{OrderBook, TradeResult};
use pricelevel::{Id, OrderUpdate, Price, TimeInForce};
use risk::Side;

use super::{Driver, Outcome, Part};
use crate::reference::Totals;
use crate::workload::{Kind, Op};

#[derive(Default)]
struct Counters {
    trades: AtomicU64,
    qty: AtomicU64,
    notional: AtomicU64,
}

/// The crate's book, and what its listener heard.
pub(super) struct OrderbookRs {
    book: OrderBook<()>,
    counters: Arc<Counters>,
}

/// It needs microseconds per operation, tens of them at a million orders.
pub(super) fn ops_max(resting: u32) -> usize {
    match resting {
        0..=10_000 => 200_000,
        10_001..=200_000 => 100_000,
        _ => 30_000,
    }
}

const fn side_of(side: Side) -> pricelevel::Side {
    match side {
        Side::Buy => pricelevel::Side::Buy,
        Side::Sell => pricelevel::Side::Sell,
    }
}

fn count(counters: &Counters, result: &TradeResult) {
    for trade in result.match_result.trades().as_vec() {
        let qty = trade.quantity().as_u64();
        let price = u64::try_from(trade.price().as_u128()).expect("prices are small");
        counters.trades.fetch_add(1, Ordering::Relaxed);
        counters.qty.fetch_add(qty, Ordering::Relaxed);
        counters.notional.fetch_add(qty.wrapping_mul(price), Ordering::Relaxed);
    }
}

impl Driver for OrderbookRs {
    type Input = Op;
    const REDUCES: bool = false;

    fn prepare(part: &Part<'_>) -> Vec<Op> {
        part.all.to_vec()
    }

    fn new(_: &Part<'_>) -> Self {
        let counters = Arc::new(Counters::default());
        let heard = Arc::clone(&counters);
        let listener = Arc::new(move |result: &TradeResult| count(&heard, result));
        Self { book: OrderBook::with_trade_listener("MIX", listener), counters }
    }

    fn apply(&mut self, op: &Op) {
        let id = Id::from_u64(u64::from(op.id));
        let price = u128::from(op.price.unsigned_abs());
        let add = |time_in_force| {
            let (qty, side) = (u64::from(op.qty), side_of(op.side));
            drop(self.book.add_limit_order(id, price, qty, side, time_in_force, None));
        };
        match op.kind {
            Kind::Add => add(TimeInForce::Gtc),
            Kind::Immediate => add(TimeInForce::Ioc),
            Kind::Cancel => {
                drop(self.book.cancel_order(id));
            }
            Kind::Reduce => unreachable!("spared"),
            Kind::Move => {
                let new_price = Price::new(price);
                drop(self.book.update_order(OrderUpdate::UpdatePrice { order_id: id, new_price }));
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { trades, qty, notional } = &*self.counters;
        let totals = Totals { trades: load(trades), qty: load(qty), notional: load(notional) };
        Outcome { totals, resting: None, digest: None }
    }
}
