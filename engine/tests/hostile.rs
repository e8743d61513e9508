//! Commands nobody in their right mind sends: sound ones with octets overwritten by extremes. Whatever can be decoded
//! meets a typed reject or is carried out; nothing overflows, and every invariant holds after it.
//!
//! `FULCRUM_HOSTILE_COMMANDS` sets how many commands, `FULCRUM_SEED` the first seed. A failure prints the line that repeats
//! it.

#[expect(dead_code, reason = "coverage is asked for by other campaigns")]
mod campaign;

use campaign::generate::Generator;
use campaign::rng::Rng;
use campaign::view::View;
use campaign::worlds::{World, all};
use campaign::{configured, time_of};
use engine::codec::{VALUE_BYTES_MAX, decode, encode};
use engine::limits::EVENTS_PER_COMMAND;
use engine::{Action, Command, Event, Events, Seq, Stamp, Venue};
use risk::Capacity;

const COMMANDS: u64 = 400_000;
/// A world does not live long among such commands.
const COMMANDS_PER_WORLD: u64 = 8_000;
const CHECK_EVERY: u64 = 64;

/// Octets that stand for the ends of every width of integer, and for what lies beside them.
const EXTREMES: [[u8; 8]; 8] = [
    i64::MAX.to_le_bytes(),
    i64::MIN.to_le_bytes(),
    (-1_i64).to_le_bytes(),
    0_i64.to_le_bytes(),
    1_i64.to_le_bytes(),
    (1_i64 << 40).to_le_bytes(),
    (1_i64 << 58).to_le_bytes(),
    (i64::MAX - 1).to_le_bytes(),
];

fn world() -> World {
    let capacity = Capacity { accounts: 64, legs: 128, orders: 512 };
    World { capacity, accounts: 24, sessions: 6, instruments: all(), assets: Vec::new(), bursts: false }
}

/// An action with some of its octets overwritten; `None` where that is none any more.
fn disfigured(rng: &mut Rng, action: &Action) -> Option<Action> {
    let mut octets = [0; VALUE_BYTES_MAX];
    let length = encode(action, &mut octets);
    for _ in 0..=rng.below(2) {
        let width = rng.pick(&[1, 2, 4, 8]);
        let extreme = rng.pick(&EXTREMES);
        let at = usize::try_from(rng.below(length as u64)).expect("short");
        let end = (at + width).min(length);
        octets[at..end].copy_from_slice(&extreme[..end - at]);
    }
    decode(&octets[..length]).ok().map(|(action, _)| action)
}

/// What was met.
#[derive(Debug, Default)]
struct Met {
    disfigured: u64,
    refused: u64,
    carried_out: u64,
}

fn play(seed: u64, commands: u64, met: &mut Met) {
    let world = world();
    let mut venue = Venue::new(world.capacity);
    let mut events = Events::with_capacity(EVENTS_PER_COMMAND);
    let (mut view, mut rng) = (View::default(), Rng::new(!seed));
    let mut generator = Generator::new(world, seed);
    let mut seq = 0;
    while seq < commands {
        let step = generator.next(&view);
        let mut command = view.named(&step);
        let mut is_disfigured = false;
        if venue.pending() {
            command = Command::venue(Action::Continue);
        } else if rng.permille(300)
            && let Some(action) = disfigured(&mut rng, &command.action)
        {
            is_disfigured = action != command.action;
            command.action = action;
        }
        seq += 1;
        events.clear();
        let stamp = Stamp { seq: Seq::new(seq), time: time_of(seq) };
        venue.apply(stamp, &command, &mut events);
        view.sent(stamp, &command, events.as_slice());
        if seq.is_multiple_of(CHECK_EVERY) || is_disfigured {
            venue.check();
        }
        if is_disfigured {
            met.disfigured += 1;
            let is_refused = matches!(events.as_slice(), [Event::Rejected { .. }]);
            *(if is_refused { &mut met.refused } else { &mut met.carried_out }) += 1;
        }
    }
}

#[test]
fn no_decodable_command_breaks_the_venue() {
    let total = configured("FULCRUM_HOSTILE_COMMANDS", COMMANDS);
    let first = configured("FULCRUM_SEED", 1);
    let mut met = Met::default();
    for seed in first..first + total.div_ceil(COMMANDS_PER_WORLD) {
        println!(
            "repeat with: FULCRUM_SEED={seed} FULCRUM_HOSTILE_COMMANDS=1 cargo test -p engine --test hostile"
        );
        play(seed, COMMANDS_PER_WORLD, &mut met);
    }
    println!("{met:?}");
    assert!(4 * met.refused > met.disfigured && 20 * met.carried_out > met.disfigured, "{met:?}");
}
