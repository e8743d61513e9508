//! The worlds in which the model is compared: small enough for the model, and for accounts to meet.

use risk::{Capacity, Qty, UnderlyingId};

use crate::campaign::collateral::{coined, coins};
use crate::campaign::worlds::{Traded, World, all, coarse, dated, indexed, rebated};

/// The same of one underlying, so that positions hedge each other; but for the third.
fn hedging(mut instruments: Vec<Traded>) -> Vec<Traded> {
    for (place, traded) in instruments.iter_mut().enumerate() {
        traded.spec.contract.underlying = UnderlyingId::new(if place == 2 { 0 } else { 7 });
    }
    instruments
}

/// One of them: roomy; with cramped stores; few accounts in two instruments; with an index of several sources and a future
/// that ends; with collateral in several assets; a crowd of such accounts; or a crowd in two instruments, hundreds of which
/// a jump of the price wakes at once.
pub(crate) fn world(seed: u64) -> World {
    match seed % 7 {
        0 => World {
            capacity: Capacity { accounts: 64, legs: 256, orders: 1_500 },
            accounts: 24,
            sessions: 6,
            instruments: hedging(all()),
            assets: Vec::new(),
            bursts: true,
        },
        1 => World {
            capacity: Capacity { accounts: 52, legs: 84, orders: 72 },
            accounts: 28,
            sessions: 4,
            instruments: all(),
            assets: Vec::new(),
            bursts: false,
        },
        2 => World {
            capacity: Capacity { accounts: 36, legs: 64, orders: 1_200 },
            accounts: 12,
            sessions: 3,
            instruments: vec![rebated(), coarse()],
            assets: Vec::new(),
            bursts: true,
        },
        4 => World {
            capacity: Capacity { accounts: 64, legs: 256, orders: 1_500 },
            accounts: 20,
            sessions: 4,
            instruments: coined(),
            assets: coins(),
            bursts: false,
        },
        5 => World {
            capacity: Capacity { accounts: 256, legs: 1_024, orders: 1_500 },
            accounts: 160,
            sessions: 4,
            instruments: coined(),
            assets: coins(),
            bursts: true,
        },
        3 => World {
            capacity: Capacity { accounts: 64, legs: 256, orders: 1_500 },
            accounts: 24,
            sessions: 6,
            instruments: vec![indexed(), dated(), coarse()],
            assets: Vec::new(),
            bursts: true,
        },
        _ => {
            let mut instruments = hedging(vec![rebated(), coarse()]);
            for traded in &mut instruments {
                let wide = traded.spec.open_interest_max.get() * 20;
                traded.spec.open_interest_max = Qty::new(wide);
            }
            let capacity = Capacity { accounts: 1_024, legs: 2_048, orders: 2_000 };
            World { capacity, accounts: 900, sessions: 8, instruments, assets: Vec::new(), bursts: true }
        }
    }
}
