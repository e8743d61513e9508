//! A long campaign without the model: thousands of accounts, every invariant checked by the venue itself.
//!
//! `FULCRUM_INVARIANT_COMMANDS` sets how many commands, continuations counted in, `FULCRUM_SEED` which. What is
//! conserved the venue asserts after each command; `check` recomputes all the rest every 4,096.

#[expect(dead_code, reason = "other worlds are asked for by other campaigns")]
mod campaign;

use std::time::Instant;

use campaign::collateral::{coined, coins};
use campaign::coverage::Coverage;
use campaign::generate::Generator;
use campaign::view::View;
use campaign::worlds::{Traded, World, all, coarse, dated, indexed};
use campaign::{Step, configured, time_of};
use engine::limits::EVENTS_PER_COMMAND;
use engine::{Action, Command, Events, Seq, Stamp, Venue};
use risk::{Capacity, Qty};

const COMMANDS: u64 = 3_000_000;
const CHECK_EVERY: u64 = 4_096;
/// Continuations one command may need.
const CONTINUATIONS_MAX: u32 = 1_000_000;

/// Stores are roomy here, every instrument trades, and what is counted beside the venue is not; the comparison with the model reaches them.
const BEYOND: [&str; 7] = [
    "TooManyAccounts",
    "NoTriggerPrice",
    "TooManyOrders",
    "TooManyLegs",
    "OpenInterestLimit",
    "command of more than 64 events",
    "continued",
];

/// Thousands of accounts with room for their positions: with one asset and one index each; with an index of several sources
/// and a future that ends; with collateral in several assets.
fn large() -> [World; 3] {
    let widened = |mut instruments: Vec<Traded>| {
        for traded in &mut instruments {
            let widest = traded.spec.open_interest_max.get() * 100;
            traded.spec.open_interest_max = Qty::new(widest);
        }
        instruments
    };
    let capacity = Capacity { accounts: 8_192, legs: 32_768, orders: 65_536 };
    let plain = |instruments, accounts, assets| World {
        capacity,
        accounts,
        sessions: 64,
        instruments,
        assets,
        bursts: true,
    };
    [
        plain(widened(all()), 4_000, Vec::new()),
        plain(widened(vec![indexed(), dated(), coarse()]), 4_000, Vec::new()),
        plain(coined(), 1_000, coins()),
    ]
}

/// The venue with an onlooker.
struct Watched {
    venue: Venue,
    events: Events,
    view: View,
    coverage: Coverage,
    commands: u64,
}

impl Watched {
    fn apply(&mut self, command: &Command) {
        self.commands += 1;
        self.events.clear();
        let stamp = Stamp { seq: Seq::new(self.commands), time: time_of(self.commands) };
        self.venue.apply(stamp, command, &mut self.events);
        let events = self.events.as_slice();
        assert!(events.len() <= EVENTS_PER_COMMAND, "{} events of {command:?}", events.len());
        self.view.sent(stamp, command, self.events.as_slice());
        for event in self.events.as_slice() {
            self.coverage.event(event);
        }
        if self.commands.is_multiple_of(CHECK_EVERY) {
            self.venue.check();
        }
    }

    fn step(&mut self, step: &Step) {
        let mut count = 0;
        while !step.barges && self.venue.pending() {
            self.apply(&Command::venue(Action::Continue));
            count += 1;
            assert!(count < CONTINUATIONS_MAX, "the venue never comes to rest");
        }
        self.apply(&self.view.named(step));
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the rate of a test run is measured, nothing depends on it")]
fn invariants_hold_in_a_long_campaign() {
    let total = configured("FULCRUM_INVARIANT_COMMANDS", COMMANDS);
    let seed = configured("FULCRUM_SEED", 1);
    println!(
        "repeat with: FULCRUM_SEED={seed} FULCRUM_INVARIANT_COMMANDS={total} cargo test -p engine --test invariants"
    );
    let start = Instant::now();
    let (mut coverage, mut commands) = (Coverage::default(), 0);
    let worlds = large();
    let each = total.div_ceil(worlds.len() as u64);
    for world in worlds {
        let mut watched = Watched {
            venue: Venue::new(world.capacity),
            events: Events::with_capacity(EVENTS_PER_COMMAND),
            view: View::default(),
            coverage,
            commands: 0,
        };
        let mut generator = Generator::new(world, seed);
        while watched.commands < each {
            let step = generator.next(&watched.view);
            watched.step(&step);
        }
        watched.venue.check();
        commands += watched.commands;
        coverage = watched.coverage;
    }
    let micros = start.elapsed().as_micros().max(1);
    let rate = (u128::from(commands) * 1_000_000).div_euclid(micros);
    println!("{commands} commands, {rate} commands/s\n{}", coverage.table());
    if total >= COMMANDS {
        let missing = coverage.missing(&[]);
        let unexpected: Vec<_> = missing.iter().filter(|name| !BEYOND.contains(&name.as_str())).collect();
        assert!(unexpected.is_empty(), "never reached: {unexpected:?}");
    }
}
