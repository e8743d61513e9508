//! Random commands into the venue and the reference model: the same events, the same balances, positions and orders.
//!
//! `FULCRUM_COMMANDS` sets how many commands, continuations counted in; `FULCRUM_SEED` plays one seed instead of the
//! fixed ones. A failure prints the line that repeats it and a script cut down to what is needed; where it stays long
//! only its end is shown.

mod agreement;
mod campaign;
mod model;

use std::time::Instant;

use agreement::worlds::world;
use agreement::{Pair, SCANS, TURNS, guarded, run, shrink::shrink};
use campaign::coverage::Coverage;
use campaign::generate::Generator;
use campaign::rng::Rng;
use campaign::{Step, configured};
use model::arith::{MARKS, PPB, Terms, ceil, floor};
use num_rational::BigRational;
use risk::Side;

/// Seeds of a default run; the remainder by 7 picks the world.
const SEEDS: [u64; 14] = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];
const COMMANDS: u64 = 1_400_000;
/// Steps of a script that went wrong that are printed.
const STEPS_SHOWN: usize = 400;
/// Below this a run is too short to reach everything.
const COMMANDS_FOR_COVERAGE: u64 = 500_000;

#[test]
#[expect(clippy::disallowed_methods, reason = "the rate of a test run is measured, nothing depends on it")]
fn venue_and_model_agree() {
    let total = configured("FULCRUM_COMMANDS", COMMANDS);
    let given = std::env::var("FULCRUM_SEED").ok().map(|_| configured("FULCRUM_SEED", 0));
    let seeds = given.map_or_else(|| SEEDS.to_vec(), |seed| vec![seed]);
    let each = total.div_ceil(seeds.len() as u64);
    let mut coverage = Coverage::default();
    let start = Instant::now();
    let mut done = 0;
    for &seed in &seeds {
        done += play(seed, each, &mut coverage);
    }
    let micros = start.elapsed().as_micros().max(1);
    let rate = (u128::from(done) * 1_000_000).div_euclid(micros);
    println!("{done} commands, {rate} commands/s, seeds {seeds:?}\n{}", coverage.table());
    println!("{} prices, after each all accounts held against their states, none missed", coverage.of(SCANS));
    if given.is_none() && total >= COMMANDS_FOR_COVERAGE {
        let missing = coverage.missing(&TURNS);
        assert!(missing.is_empty(), "never reached: {missing:?}\n{}", coverage.table());
    }
}

/// Plays one seed; how many commands it was.
fn play(seed: u64, commands: u64, coverage: &mut Coverage) -> u64 {
    let world = world(seed);
    let capacity = world.capacity;
    let mut generator = Generator::new(world, seed);
    let mut pair = Pair::new(capacity);
    core::mem::swap(&mut pair.coverage, coverage);
    let mut script = Vec::new();
    let went = guarded(|| {
        while pair.commands < commands {
            let step = generator.next(&pair.view);
            script.push(step);
            pair.step(script.last().expect("just added"))?;
        }
        pair.finish()
    });
    core::mem::swap(&mut pair.coverage, coverage);
    if let Err(text) = went {
        report(seed, commands, capacity, &script, &text);
    }
    pair.commands
}

/// Prints how to repeat a failure and the shortest script that shows it, and fails.
fn report(seed: u64, commands: u64, capacity: risk::Capacity, script: &[Step], text: &str) -> ! {
    let repeat =
        format!("FULCRUM_SEED={seed} FULCRUM_COMMANDS={commands} cargo test -p engine --test model_agrees");
    // Not through `println!`, which the harness would hold back until the shrinking is over.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let short = shrink(capacity, script);
    let again = run(capacity, &short).wrong;
    std::panic::set_hook(hook);
    let shown = short.iter().skip(short.len().saturating_sub(STEPS_SHOWN));
    let lines: Vec<String> = shown.map(|step| format!("  {}", describe(step))).collect();
    panic!(
        "repeat with: {repeat}\n{text}\n\nshrunk from {} to {} steps ({capacity:?}):\n{}\n{}",
        script.len(),
        short.len(),
        lines.join("\n"),
        again.unwrap_or_default()
    );
}

fn describe(step: &Step) -> String {
    let number = if step.by_number { " (by the venue's number)" } else { "" };
    let barges = if step.barges { " (without waiting)" } else { "" };
    format!("{} {:?}{number}{barges}", step.command.session, step.command.action)
}

fn rational(numerator: i128, denominator: i128) -> BigRational {
    format!("{numerator}/{denominator}").parse().expect("a fraction")
}

#[test]
fn rationals_of_any_size_agree() {
    let worlds = campaign::worlds::all();
    let mut rng = Rng::new(1);
    for round in 0..20_000 {
        let traded = &worlds[round % worlds.len()];
        let terms = Terms::new(&traded.spec);
        let position =
            i128::from(rng.within(-traded.spec.position_max.get(), traded.spec.position_max.get()));
        let mark = i128::from(rng.within(1, traded.spec.price_max.get() << 10));
        // Scale of the value from the specification, once more and in rationals.
        let ten = |power: u8| 10_i128.pow(u32::from(power));
        let scale = rational(
            i128::from(traded.spec.multiplier) * ten(traded.spec.money_decimals),
            ten(traded.spec.price_decimals) * ten(traded.spec.qty_decimals),
        );
        let exact = rational(position, 1) * rational(mark, 1024) * scale;
        let whole = |value: i128| rational(value, 1);
        assert_eq!(whole(terms.position_value(position, mark)), exact.floor());
        let size = if position < 0 { -exact.clone() } else { exact.clone() };
        assert_eq!(whole(terms.notional(position.abs(), mark)), size.ceil());
        // A convex table is the highest of its lines: each rate applied above its floor, below it the rates before.
        let notional = terms.notional(position.abs(), mark);
        let mut bracketed = rational(0, 1);
        for (index, &(bracket, rate)) in terms.maintenance.iter().enumerate() {
            let end = terms.maintenance.get(index + 1).map_or(notional, |next| next.0.min(notional));
            bracketed += rational((end - bracket).max(0), 1) * rational(rate, 1);
        }
        assert_eq!(whole(terms.maintenance_of(notional)), bracketed);
        let (small, divisor) = (position * 7919, mark);
        assert_eq!(whole(floor(small, divisor)), rational(small, divisor).floor());
        assert_eq!(whole(ceil(small, divisor)), rational(small, divisor).ceil());
    }
}

/// A resting order of a small book: buys or sells, limit, quantity, whether it only reduces.
type Resting = (Side, i128, i128, bool);

/// What a position with these orders requires, in billionths. Orders that only reduce stand on its closing side.
fn required(terms: &Terms, mark: i128, position: i128, orders: &[Resting]) -> i128 {
    let sum = |of: Side, reduces: bool| -> i128 {
        orders
            .iter()
            .filter(|(side, _, _, only)| *side == of && *only == reduces)
            .map(|(_, _, qty, _)| qty)
            .sum()
    };
    let reducing = |of: Side, closes: bool| if closes { sum(of, true).min(position.abs()) } else { 0 };
    let bought = position + sum(Side::Buy, false) + reducing(Side::Buy, position < 0);
    let sold = position - sum(Side::Sell, false) - reducing(Side::Sell, position > 0);
    let worst = bought.abs().max(sold.abs());
    let plain = || orders.iter().filter(|(_, _, _, only)| !only);
    let is_through = |side: Side, limit: i128| match side {
        Side::Buy => limit * MARKS > mark,
        Side::Sell => limit * MARKS < mark,
    };
    let through: Vec<(i128, i128)> = plain()
        .filter(|(side, limit, _, _)| is_through(*side, *limit))
        .map(|&(_, limit, qty, _)| (qty, limit))
        .collect();
    let fees: i128 = plain().map(|&(_, limit, qty, _)| terms.value(qty, limit) * terms.taker_fee).sum();
    let notional = if worst == 0 { 0 } else { terms.notional(worst, mark) };
    terms.initial_of(notional, 0, 0) + PPB * terms.open_loss(&through, mark) + fees
}

/// Fills those of the orders whose bit is set, each at its limit; the position, what that cost, fees, and what rests then.
fn filled(
    terms: &Terms,
    mut position: i128,
    orders: &[Resting],
    set: usize,
) -> (i128, i128, i128, Vec<Resting>) {
    let (mut cost, mut fees, mut left) = (0, 0, Vec::new());
    for (place, &(side, limit, qty, only_reduces)) in orders.iter().enumerate() {
        if set & (1 << place) == 0 {
            left.push((side, limit, qty, only_reduces));
            continue;
        }
        let sign = if side == Side::Buy { 1 } else { -1 };
        let closes = position * sign < 0;
        let qty = match only_reduces {
            true if closes => qty.min(position.abs()),
            true => 0,
            false => qty,
        };
        let value = terms.value(qty, limit);
        position += sign * qty;
        cost += sign * terms.cost_of_buying(value);
        // What an order that only reduces pays is not reserved.
        fees += if only_reduces { 0 } else { ceil(value * terms.taker_fee, PPB) };
    }
    // What would only reduce and does not any more is cancelled.
    left.retain(|&(side, _, _, only_reduces)| {
        !only_reduces || (side == Side::Buy) == (position < 0) && position != 0
    });
    (position, cost, fees, left)
}

#[test]
fn every_subset_of_fills_is_covered() {
    let worlds: Vec<_> = campaign::worlds::all().into_iter().chain(campaign::collateral::coined()).collect();
    let mut rng = Rng::new(2);
    let mut subsets = 0_u64;
    for round in 0..8_000 {
        let traded = &worlds[round % worlds.len()];
        let terms = Terms::new(&traded.spec);
        let lots = |rng: &mut Rng, most: i64| i128::from(rng.within(1, most)) * terms.lot;
        let mark = i128::from(traded.home) * MARKS + i128::from(rng.within(-700, 700));
        let held = i128::from(rng.within(-80, 80)) * terms.lot;
        let closing = if held > 0 { Side::Sell } else { Side::Buy };
        let count = rng.within(1, 7);
        let orders: Vec<Resting> = (0..count)
            .map(|_| {
                let only_reduces = held != 0 && rng.permille(250);
                let side = if only_reduces { closing } else { rng.pick(&[Side::Buy, Side::Sell]) };
                // Nor what it loses through the mark: it stands on its own side.
                let away = i128::from(rng.within(if only_reduces { 1 } else { -12 }, 12));
                let away = if side == Side::Buy { -away } else { away };
                let ticks =
                    floor(mark, MARKS * terms.tick) + i128::from(only_reduces && side == Side::Sell) + away;
                (side, ticks.max(1) * terms.tick, lots(&mut rng, 60), only_reduces)
            })
            .collect();
        let before = required(&terms, mark, held, &orders);
        for set in 0..1_usize << orders.len() {
            subsets += 1;
            let (position, cost, fees, left) = filled(&terms, held, &orders, set);
            let gained =
                terms.position_value(position, mark) - terms.position_value(held, mark) - cost - fees;
            let after = required(&terms, mark, position, &left);
            // Each match rounds its value and its fee, and each valuation once.
            let rounding = 2 * i128::from(set.count_ones()) + 2;
            assert!(
                (gained + rounding) * PPB >= after - before,
                "{} held {held} at {mark}: {orders:?}, {set:b} filled: {before} before, {after} after, {gained} gained",
                traded.spec.multiplier
            );
        }
    }
    println!("{subsets} subsets of fills covered");
}
