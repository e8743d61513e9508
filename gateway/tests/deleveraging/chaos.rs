//! Workers that die, stop, come late, or lie, while the market moves.
//!
//! Invariant: each run ends, with everything the judge knows of true. A failing run prints the line that repeats it.

use engine::DeleveragingPlan;
use gateway::duty::DutyCycle;
use risk::AccountId;
use risk::deleveraging::Cut;

use super::judge::{LIE, assert_over, judge};
use super::world::{Dice, FIRST_ACCOUNT, Setting, World, index_at};

const PAIRS: u32 = 120;
const TURNS: u32 = 150;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Dropped,
    Stopped,
    Late,
    Garbage,
    Stale,
    Blind,
}

const FATES: [Fate; 6] = [Fate::Dropped, Fate::Stopped, Fate::Late, Fate::Garbage, Fate::Stale, Fate::Blind];

/// A part that nobody in his right mind would send.
fn garbage(world: &mut World) -> Option<DeleveragingPlan> {
    let (request, basis) = world.called?;
    let dice = &mut world.dice;
    let level = match dice.below(5) {
        0 => None,
        1 => Some((0, 1)),
        2 => Some((i128::MAX, i128::MAX)),
        3 => Some((-1, 1)),
        _ => Some((i128::from(dice.below(1_000_000)), i128::from(1 + dice.below(1_000)))),
    };
    let cuts = (0..dice.below(140)).map(|_| {
        let account = match dice.below(10) {
            0 => AccountId::new(u32::MAX),
            1 => AccountId::new(dice.below(FIRST_ACCOUNT)),
            _ => AccountId::new(FIRST_ACCOUNT + dice.below(2 * PAIRS)),
        };
        let lots = match dice.below(4) {
            0 => i64::MAX,
            1 => i64::MIN,
            2 => 0,
            _ => i64::from(dice.below(300)),
        };
        Cut { account, lots, hedged: dice.below(2) == 0 }
    });
    let cuts = cuts.collect();
    let part = dice.below(2) * dice.below(3);
    Some(DeleveragingPlan {
        request,
        basis,
        part,
        is_last: dice.below(3) == 0,
        level,
        holders: dice.below(1_000),
        lots: i128::MIN,
        equity: i128::MAX,
        commitment: LIE,
        cuts,
    })
}

/// What the worker does in a turn after its fate has come upon it.
fn suffer(world: &mut World, fate: Fate, turn: u32) {
    match fate {
        Fate::Dropped => {
            world.worker = None;
            world.run();
        }
        Fate::Stopped | Fate::Blind => world.run_venue(),
        Fate::Late => {
            world.run_venue();
            if turn.is_multiple_of(9)
                && let Some(worker) = &mut world.worker
            {
                worker.do_work();
            }
        }
        Fate::Garbage => {
            for _ in 0..3 {
                if let Some(part) = garbage(world) {
                    let _full = world.proposer.send(Box::new(part)).is_err();
                }
                world.turn();
            }
            // Lies come first.
            if turn.is_multiple_of(15) { world.run() } else { world.run_venue() }
        }
        Fate::Stale => {
            for _ in 0..3 {
                let count = u32::try_from(world.seen.len()).expect("a run is short");
                if count > 0 {
                    let place = world.dice.below(count) as usize;
                    let part = world.seen[place].clone();
                    let _full = world.proposer.send(Box::new(part)).is_err();
                }
                world.turn();
            }
            world.run();
        }
    }
}

fn run(seed: u64) -> (Fate, World) {
    let mut dice = Dice::new(seed);
    let fate = FATES[dice.below(6) as usize];
    let from = dice.below(TURNS >> 1);
    let setting = Setting {
        boxes: if dice.below(2) == 0 { 1 } else { 64 },
        parts: 1 + dice.below(4) as usize,
        plan_within_ms: 40 + dice.below(200),
        // It needs the log once, as it wakes up; one that cannot read it is silent from the start.
        is_readable: fate != Fate::Blind,
        worker: true,
    };
    let mut world = World::new(seed, setting);
    world.populate(PAIRS);
    let mut thousandths = 1_000;
    for turn in 0..TURNS {
        if turn % 10 == 0 && thousandths > 880 {
            thousandths -= 15 + i64::from(dice.below(20));
            world.send(index_at(thousandths));
        }
        if turn < 100 && dice.below(2) == 0 {
            world.disturb(PAIRS);
        }
        world.tick(20);
        if turn < from {
            world.run();
        } else {
            suffer(&mut world, fate, turn);
        }
    }
    // The market rests; whatever waits for a plan waits for its time three times at most.
    for turn in 0..200 {
        world.tick(20);
        suffer(&mut world, fate, turn);
    }
    (fate, world)
}

/// Says how to repeat a run, if that panics.
struct Repeat(u64);

#[expect(clippy::print_stdout, reason = "a failing run says how to repeat it")]
impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(seed) = self;
            println!("repeat: FULCRUM_SEED={seed} cargo test -p gateway --test deleveraging whatever");
        }
    }
}

#[test]
fn whatever_becomes_of_the_worker_the_venue_is_unharmed() {
    let only = std::env::var("FULCRUM_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(1_000..1_100, |seed: u64| seed..seed + 1);
    let (mut cuts, mut refused, mut lies) = (0, 0, 0);
    let (mut by_worker, mut by_venue, mut between) = (0, 0, 0);
    let is_all = only.is_none();
    for seed in seeds {
        let repeat = Repeat(seed);
        let (_, world) = run(seed);
        let judged = judge(&world.log.committed());
        assert_over(&judged.venue);
        cuts += judged.cuts;
        refused += judged.refused_parts;
        lies += judged.lies;
        between += judged.between;
        by_worker += world.worker_plans;
        by_venue += world.venue_plans;
        drop(repeat);
    }
    println!(
        "{cuts} cuts, {refused} parts refused, {lies} lies, plans {by_worker} + {by_venue}, {between} between steps"
    );
    // The runs reach what they are for.
    let is_enough =
        cuts > 1_000 && refused > 100 && lies > 20 && by_worker > 50 && by_venue > 50 && between > 500;
    assert!(!is_all || is_enough);
}
