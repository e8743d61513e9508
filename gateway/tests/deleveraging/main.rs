//! The deleveraging worker beside a venue whose prices fall: what it plans, and that the venue needs none of it.
//!
//! Invariant: whatever becomes of the worker, everything that was true of the venue is true, and everything ends.

mod chaos;
mod judge;
mod rest;
mod threads;
mod world;

use engine::{Action, Event, Events, OpenCall, Seq, Stamp, Venue};
use gateway::deleveraging::commitment::{Claim, Commitment, Occasion, Tree, verify};
use gateway::deleveraging::secret::Secret;
use gateway::duty::DutyCycle;
use gateway::log::LoggedCommand;
use risk::deleveraging::{DeleveragingPolicy, Holder};
use risk::{AccountId, Money, Position, Side};

use judge::{assert_over, judge};
use world::{CAPACITY, FIRST_ACCOUNT, HERE, Setting, World, index_at};

/// Prices fall at once; then the market rests, and time passes until all is over.
fn fall_and_rest(world: &mut World, mut at_turn: impl FnMut(&mut World, u32)) {
    for thousandths in [965, 930, 900] {
        world.send(index_at(thousandths));
    }
    for turn in 0..400 {
        world.tick(20);
        at_turn(world, turn);
    }
}

/// Everybody works.
fn all_work(world: &mut World, _: u32) {
    world.run();
}

/// A venue that is given a log up to a sequence.
fn replayed(log: &[LoggedCommand], until: Seq) -> Venue {
    let mut venue = Venue::new(CAPACITY);
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    for LoggedCommand { stamp, command, .. } in log.iter().take_while(|logged| logged.stamp.seq <= until) {
        events.clear();
        venue.apply(*stamp, command, &mut events);
    }
    venue
}

#[test]
fn the_worker_answers_and_replay_needs_none() {
    let mut world = World::new(1, Setting::default());
    world.populate(200);
    fall_and_rest(&mut world, all_work);
    let log = world.log.committed();
    let judged = judge(&log);
    assert_over(&judged.venue);
    assert!(world.worker_plans > 0 && world.venue_plans == 0, "{} calls", world.calls);
    assert_eq!(world.worker_plans, world.calls, "every call is answered");
    assert!(judged.cuts > 0 && judged.refused_parts == 0);
    let mirror = world.worker.as_ref().expect("nobody killed it").mirror();
    assert_eq!(mirror.last(), judged.venue.last_stamp(), "followed to the end");
    assert_eq!(mirror.venue().digest(), judged.venue.digest());
}

#[test]
fn who_holds_what_is_known_without_asking_everybody() {
    let mut world = World::new(2, Setting::default());
    world.populate(150);
    fall_and_rest(&mut world, |world, turn| {
        if turn < 200 {
            world.disturb(150);
        }
        world.run();
        let mirror = world.worker.as_ref().expect("nobody killed it").mirror();
        for side in [1, -1] {
            let (position, policy) = (Position::new(side), DeleveragingPolicy::Profit);
            let demand = mirror.venue().ledger().demand_for(HERE, position, Money::ZERO);
            let (request, basis) = (1, mirror.last().seq);
            let call = OpenCall { request, basis, instrument: HERE, position, demand, policy };
            let known: Vec<Holder> = mirror.holders_against(&call).collect();
            let asked: Vec<Holder> = mirror.venue().holders_against(HERE, position, policy).collect();
            assert_eq!(known, asked, "at turn {turn}");
            assert!(mirror.holder_count(HERE, side < 0) >= known.len());
        }
    });
}

#[test]
fn a_worker_that_is_fed_too_fast_reads_the_log_again() {
    let mut world = World::new(3, Setting { boxes: 1, ..Setting::default() });
    world.populate(200);
    fall_and_rest(&mut world, |world, turn| {
        world.run_venue();
        if turn % 7 == 0 {
            world.run();
        }
    });
    world.run();
    let judged = judge(&world.log.committed());
    assert_over(&judged.venue);
    let worker = world.worker.as_ref().expect("nobody killed it");
    assert!(worker.standing().catch_ups() > 1, "it was left behind");
    assert!(world.worker_plans > 0, "and answered all the same");
    assert_eq!(worker.mirror().venue().digest(), judged.venue.digest());
    assert_eq!(worker.standing().fault(), None);
    assert_eq!(worker.standing().followed(), judged.venue.last_stamp().seq);
}

#[test]
fn a_worker_whose_log_is_gone_says_why_and_is_silent() {
    let mut world = World::new(4, Setting { is_readable: false, ..Setting::default() });
    world.populate(100);
    fall_and_rest(&mut world, all_work);
    let worker = world.worker.as_ref().expect("nobody killed it");
    assert_eq!(worker.standing().fault(), Some("it is gone"), "it slept over what came before");
    assert!(worker.is_finished());
    assert!(world.worker_plans == 0 && world.venue_plans > 0);
    assert_over(&judge(&world.log.committed()).venue);
}

#[test]
fn nobody_follows_a_venue_that_never_asks() {
    let mut world = World::new(5, Setting { plan_within_ms: 0, ..Setting::default() });
    world.populate(50);
    fall_and_rest(&mut world, all_work);
    assert!(world.venue_plans > 0);
    let worker = world.worker.as_ref().expect("nobody killed it");
    assert_eq!(worker.mirror().last(), Stamp::default(), "it sleeps");
    assert_over(&judge(&world.log.committed()).venue);
}

#[test]
fn a_plan_commits_to_everybody_it_looked_at() {
    let mut world = World::new(6, Setting::default());
    world.populate(100);
    fall_and_rest(&mut world, all_work);
    let log = world.log.committed();
    let mut proven = 0;
    let mut venue = Venue::new(CAPACITY);
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    for LoggedCommand { stamp, command, .. } in &log {
        events.clear();
        venue.apply(*stamp, command, &mut events);
        for event in events.as_slice() {
            let Event::DeleveragingPlanned(plan) = event else { continue };
            let basis = replayed(&log, plan.basis);
            let call = basis.open_calls().find(|call| call.request == plan.request).expect("called");
            let holders: Vec<Holder> = basis.holders_against(HERE, call.position, call.policy).collect();
            let occasion = Occasion { request: plan.request, basis: plan.basis };
            let tree = Tree::build(&Secret::new([5; 32]), occasion, &holders);
            let &engine::DeleveragingDecision { commitment: root, holders: count, lots, equity, .. } = plan;
            let commitment = Commitment { root, holders: count, lots, equity };
            assert_eq!(tree.commitment(), commitment);
            for holder in &holders {
                let proof = tree.proof(holder.account).expect("a holder");
                assert!(verify(&commitment, occasion, &Claim::from(holder), &proof));
                proven += 1;
            }
        }
    }
    assert!(proven > 50, "{proven}");
}

#[test]
fn ranks_show_where_a_holder_stands() {
    let mut world = World::new(7, Setting::default());
    world.populate(150);
    fall_and_rest(&mut world, all_work);
    let worker = world.worker.as_ref().expect("nobody killed it");
    let table = worker.standing().ranks().table(HERE, false).expect("shorts are ranked");
    assert_eq!(table.holders, worker.mirror().holder_count(HERE, false));
    assert!(table.levels.len() == 100 && table.levels.is_sorted_by(|a, b| a >= b));
    assert_eq!(table.hundredths_before(u64::MAX), 0);
    assert_eq!(table.hundredths_before(0), 100, "all are leveraged");
    let middle = table.levels[50];
    // Those who were cut stand at one level, so that many are level with the middle one.
    let before = table.hundredths_before(middle);
    assert!(before <= 50 && table.levels[before] == middle, "{before}");
    assert!(worker.standing().ranks().table(HERE, true).is_some_and(|longs| longs.holders > 0));
}

#[test]
fn a_backlog_keeps_no_order_waiting_for_more_than_a_step() {
    let mut world = World::new(8, Setting::default());
    world.populate(120);
    // Two strangers trade while liquidations go on.
    let strangers = [0, 1].map(|number| AccountId::new(FIRST_ACCOUNT + 1_000 + number));
    for account in strangers {
        world.open_account(account, 100_000_000_000);
    }
    world.run();
    let before = world.log.committed().len();
    for thousandths in [965, 930, 900] {
        world.send(index_at(thousandths));
    }
    for order in 0..100 {
        world.order(strangers[order % 2], Side::Buy, 1, 870);
    }
    world.run();
    let log = world.log.committed();
    let mut venue = replayed(&log, Seq::new(before as u64));
    let mut events = Events::with_capacity(engine::limits::EVENTS_PER_COMMAND);
    let (mut orders, mut steps, mut between) = (0, 0, 0);
    for LoggedCommand { stamp, command, .. } in &log[before..] {
        let is_step = command.action == Action::Continue && !venue.is_blocked();
        if matches!(command.action, Action::NewOrder(_)) {
            assert!(steps <= 1, "{steps} steps before order {orders}");
            between += steps;
            orders += 1;
            steps = 0;
        } else if is_step && (1..100).contains(&orders) {
            steps += 1;
        }
        events.clear();
        venue.apply(*stamp, command, &mut events);
    }
    assert_eq!(orders, 100);
    assert!(between > 50, "the backlog had its turn, too: {between}");
}
