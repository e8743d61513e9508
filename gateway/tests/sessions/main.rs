//! Session truth: random clients and a door, with an engine whose log lags behind it, over a network that does what
//! networks do, and a server that is killed and started again.
//!
//! Invariant, after every run: each request is applied at most once, and every one that was answered exactly once, as it
//! was answered; each session's events come in order, without a hole but those it was told of, and are those of the log;
//! every client knows in the end what became of each of its requests.
//!
//! A run is one world with several sessions. `FULCRUM_SESSIONS` sets how many sessions there are over all worlds,
//! `FULCRUM_FIRST_SEED` where the seeds begin, and `FULCRUM_SEED` runs one world alone.

mod check;
mod model;
mod network;
mod requests;
mod rng;
mod server;
mod tally;
mod trader;
mod world;

use std::panic::{self, AssertUnwindSafe};

use tally::Tally;
use world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// One world from its beginning to its audit.
fn run(seed: u64) -> Tally {
    let mut world = World::new(seed);
    world.run();
    world.settle();
    check::audit(&world);
    world.tally()
}

#[test]
fn every_request_is_applied_at_most_once_and_every_event_comes_in_order() {
    if let Some(seed) = number("FULCRUM_SEED") {
        eprintln!("{:?}", run(seed));
        return;
    }
    let sessions = number("FULCRUM_SESSIONS").unwrap_or(1_000);
    let first = number("FULCRUM_FIRST_SEED").unwrap_or(1);
    let mut total = Tally::default();
    let mut seed = first;
    while total.sessions < sessions {
        let ran = panic::catch_unwind(AssertUnwindSafe(|| run(seed)));
        match ran {
            Ok(tally) => total.add(&tally),
            Err(panic) => {
                eprintln!("repeat: FULCRUM_SEED={seed} cargo test -p gateway --test sessions");
                panic::resume_unwind(panic);
            }
        }
        seed += 1;
    }
    eprintln!("{} worlds: {total:?}", seed - first);
    // A campaign in which nothing goes wrong shows nothing.
    assert!(sessions < 1_000 || total.is_eventful(), "{total:?}");
}
