//! The worlds in which the model is compared: small, so that accounts meet.

use risk::Capacity;

use crate::campaign::worlds::{World, all};

/// One of them: roomy, with cramped stores, or with few accounts in two instruments.
pub(crate) fn world(seed: u64) -> World {
    match seed % 3 {
        0 => World {
            capacity: Capacity { accounts: 64, legs: 256, orders: 1_500 },
            accounts: 24,
            sessions: 6,
            instruments: all(),
            bursts: true,
        },
        1 => World {
            capacity: Capacity { accounts: 48, legs: 84, orders: 72 },
            accounts: 28,
            sessions: 4,
            instruments: all(),
            bursts: false,
        },
        _ => {
            let mut instruments = all().split_off(2);
            instruments.reverse();
            let capacity = Capacity { accounts: 32, legs: 64, orders: 1_200 };
            World { capacity, accounts: 12, sessions: 3, instruments, bursts: true }
        }
    }
}
