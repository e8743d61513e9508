//! A market that rests: it is all the same who plans, and how much of a plan came through.
//!
//! Invariant: positions at the end are those of the venue's own plan; where a plan broke off, to a lot: the second plan rounds
//! to whole lots again what the first one rounded already.

use engine::Venue;
use gateway::duty::DutyCycle;
use risk::{AccountId, Position};

use super::judge::{assert_over, judge};
use super::world::{HERE, Setting, World};
use super::{all_work, fall_and_rest};

fn positions(venue: &Venue) -> Vec<(AccountId, Position)> {
    let all = venue.ledger().accounts().map(|(account, _)| account);
    all.map(|account| (account, venue.ledger().position(account, HERE))).collect()
}

/// Pairs enough for a plan of several parts.
const PAIRS: u32 = 500;

fn world_of(seed: u64, setting: Setting) -> World {
    let mut world = World::new(seed, setting);
    world.populate(PAIRS);
    world
}

#[test]
fn with_a_worker_and_without_positions_come_out_the_same() {
    for seed in 100..106 {
        let mut with = world_of(seed, Setting::default());
        fall_and_rest(&mut with, all_work);
        let mut without = world_of(seed, Setting { worker: false, ..Setting::default() });
        fall_and_rest(&mut without, all_work);
        let (with_judged, without_judged) = (judge(&with.log.committed()), judge(&without.log.committed()));
        assert_over(&with_judged.venue);
        assert_over(&without_judged.venue);
        assert!(with.worker_plans > 0 && without.venue_plans > 0);
        assert_eq!(positions(&with_judged.venue), positions(&without_judged.venue), "seed {seed}");
    }
}

/// A worker dies after the first part of its plan; the venue waits for the rest, then plans anew.
#[test]
fn a_plan_that_breaks_off_is_finished_by_the_venue() {
    for seed in 100..106 {
        let mut whole = world_of(seed, Setting::default());
        fall_and_rest(&mut whole, all_work);
        let mut killed = world_of(seed, Setting { parts: 1, ..Setting::default() });
        fall_and_rest(&mut killed, |world, _| {
            world.run_until_part();
            if world.seen.iter().any(|part| !part.is_last) {
                world.worker = None;
            }
            world.run();
        });
        assert!(killed.worker.is_none(), "seed {seed}: a plan had several parts");
        assert!(killed.venue_plans > 0, "seed {seed}: the venue went on");
        let (whole, killed) = (judge(&whole.log.committed()), judge(&killed.log.committed()));
        assert_over(&killed.venue);
        let (whole, killed) = (positions(&whole.venue), positions(&killed.venue));
        let off = whole.iter().zip(&killed).map(|(one, other)| {
            assert_eq!(one.0, other.0);
            (one.1 - other.1).get()
        });
        let off: Vec<i64> = off.collect();
        assert!(off.iter().all(|lots| lots.abs() <= 1), "seed {seed}: {off:?}");
        assert_eq!(off.iter().sum::<i64>(), 0, "seed {seed}");
        println!(
            "seed {seed}: {} of {} differ by a lot",
            off.iter().filter(|lots| **lots != 0).count(),
            off.len()
        );
    }
}

/// The venue ends after the first part of a plan; it and a new worker go on where they were.
#[test]
fn a_restart_in_the_middle_of_a_plan_sends_what_is_left_of_it() {
    for seed in 100..104 {
        let mut whole = world_of(seed, Setting::default());
        fall_and_rest(&mut whole, all_work);

        let setting = Setting { parts: 1, ..Setting::default() };
        let mut world = world_of(seed, setting);
        let mut restarts = 0;
        fall_and_rest(&mut world, |world, _| {
            world.run_until_part();
            if restarts == 0 && world.seen.iter().any(|part| !part.is_last) {
                restarts += 1;
                *world = World::restart(world.log.clone(), seed, setting);
            }
            world.run();
        });
        assert_eq!(restarts, 1, "seed {seed}: a plan had several parts");
        assert_eq!(world.venue_plans, 0, "seed {seed}: the venue never had to plan");
        assert!(world.worker.as_ref().is_some_and(|worker| !worker.is_finished()));
        let (whole, resumed) = (judge(&whole.log.committed()), judge(&world.log.committed()));
        assert_over(&resumed.venue);
        assert_eq!(resumed.refused_parts, 0, "seed {seed}: nothing is sent twice");
        assert_eq!(positions(&whole.venue), positions(&resumed.venue), "seed {seed}");
    }
}
