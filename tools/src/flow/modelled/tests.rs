//! Modelled flow against a venue: repeatable, and in the proportions it promises.

use std::collections::BTreeMap;

use super::*;
use crate::flow::inline::{Played, play};
use engine::Reject;

fn played(seed: u64, orders: u64, lag: usize) -> Played {
    play(&mut ModelledFlow::new(Size { seed, accounts: 120, orders }), lag)
}

fn count(played: &Played, of: impl Fn(&Event) -> bool) -> usize {
    played.events.iter().filter(|event| of(event)).count()
}

#[test]
fn same_seed_gives_same_commands_and_another_seed_others() {
    let (one, two, other) = (played(5, 4_000, 64), played(5, 4_000, 64), played(6, 4_000, 64));
    assert_eq!(one.commands, two.commands);
    assert_eq!(one.venue.digest(), two.venue.digest());
    assert_ne!(one.commands, other.commands);
}

#[test]
fn the_slump_liquidates_and_insurance_takes_over() {
    let played = played(1, 40_000, 256);
    played.venue.ledger().check();
    let started = count(&played, |event| matches!(event, Event::LiquidationStarted { .. }));
    let ended = count(&played, |event| matches!(event, Event::LiquidationEnded { .. }));
    let taken_over = count(&played, |event| matches!(event, Event::TakenOver { .. }));
    assert!(started >= 10, "{started} liquidations");
    assert_eq!(started, ended);
    assert!(taken_over > 0);
}

#[test]
fn proportions_are_those_of_recorded_flow() {
    let played = played(2, 60_000, 256);
    let mut rejects: BTreeMap<Reject, usize> = BTreeMap::new();
    for event in &played.events {
        if let Event::Rejected { reject, .. } = event {
            *rejects.entry(*reject).or_default() += 1;
        }
    }
    let share = |of: &dyn Fn(&Action) -> bool| {
        let of_kind = played.commands.iter().filter(|command| of(&command.action)).count();
        (1000 * of_kind).div_euclid(played.commands.len())
    };
    let rests = |order: &NewOrder| order.time_in_force == TimeInForce::GoodTillCancel;
    let adds = share(&|action| matches!(action, Action::NewOrder(order) if rests(order)));
    let takes = share(&|action| matches!(action, Action::NewOrder(order) if !rests(order)));
    let cancels = share(&|action| matches!(action, Action::CancelOrder(_) | Action::AmendOrder(_)));
    let fills = count(&played, |event| matches!(event, Event::Fill(_)));
    let refused: usize = rejects.values().sum();
    let picture = format!("adds {adds} takes {takes} cancels {cancels} fills {fills} rejects {rejects:?}");
    assert!((430..=560).contains(&adds), "{picture}");
    assert!((25..=70).contains(&takes), "{picture}");
    assert!((370..=480).contains(&cancels), "{picture}");
    assert!(fills > 2_000, "{picture}");
    assert!(refused * 10 < played.commands.len(), "{picture}");
    assert!(rejects.keys().all(|reject| *reject >= Reject::AccountLiquidating), "{picture}");
}
