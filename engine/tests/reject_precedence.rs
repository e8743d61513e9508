//! Where a command breaks several rules, the reject is the smallest number among them.
//!
//! For each pair of rules of a new order and of an amendment a command is built that breaks both, or it is said why
//! there is none; the other commands stand in a table. Played on the venue beside the model, and on the model alone.

#[path = "story/machine.rs"]
mod machine;
mod model;
mod precedence;

use engine::limits::INDEX_SOURCES_MAX;
use engine::{Action, Command, Event, Reject};
use machine::{Machine, ModelAlone, VenueAlone, VenueBesideModel};
use precedence::others::{of_keys, others};
use precedence::owners::{BY_SUSPENDED, of_isolated, of_quotes, of_suspended, of_switches, owners, quoting};
use precedence::phases::phases;
use precedence::scene::{Scene, TRADED, TRADER};
use precedence::special::{self, SPECIAL_ORDER};
use risk::{AccountId, AssetId, Capacity};

type Make<'m> = &'m dyn Fn(Capacity) -> Box<dyn Machine>;

/// Rules of a new order, ascending.
const NEW_ORDER: &[Reject] = &[
    Reject::VenuePending,
    Reject::UnknownSession,
    Reject::SequenceReplayed,
    Reject::SequenceGap,
    Reject::DuplicateClientOrderId,
    Reject::Expired,
    Reject::NoPermission,
    Reject::UnknownAccount,
    Reject::SystemAccount,
    Reject::UnknownInstrument,
    Reject::NotTrading,
    Reject::AccountSuspended,
    Reject::AccountReduceOnly,
    Reject::BadCombination,
    Reject::BadQuantity,
    Reject::QuantityTooLarge,
    Reject::BadPrice,
    Reject::NoMarkPrice,
    Reject::PriceBand,
    Reject::NotionalTooLarge,
    Reject::TooManyOrders,
    Reject::TooManyLegs,
    Reject::ReduceOnlyWouldIncrease,
    Reject::PostOnlyWouldCross,
    Reject::FokNotFillable,
    Reject::IndexNotTrusted,
    Reject::PositionLimit,
    Reject::OwnerPositionLimit,
    Reject::OpenInterestLimit,
    Reject::InsufficientMargin,
];

/// Rules of an amendment, ascending. Resting orders were admitted, so there is a mark and a leg; a reduce-only order
/// that rests always closes.
const AMEND_ORDER: &[Reject] = &[
    Reject::VenuePending,
    Reject::UnknownSession,
    Reject::SequenceReplayed,
    Reject::SequenceGap,
    Reject::DuplicateClientOrderId,
    Reject::Expired,
    Reject::NoPermission,
    Reject::UnknownAccount,
    Reject::SystemAccount,
    Reject::NotTrading,
    Reject::AccountSuspended,
    Reject::AccountReduceOnly,
    Reject::UnknownOrder,
    Reject::BadQuantity,
    Reject::QuantityTooLarge,
    Reject::BadPrice,
    Reject::PriceBand,
    Reject::NotionalTooLarge,
    Reject::PostOnlyWouldCross,
    Reject::IndexNotTrusted,
    Reject::PositionLimit,
    Reject::OwnerPositionLimit,
    Reject::OpenInterestLimit,
    Reject::InsufficientMargin,
];

/// Rejects that no command can show.
const HIDDEN: &[(Reject, &str)] = &[
    (
        Reject::AccountLiquidating,
        "while it is being liquidated the venue is pending; while that waits: scenarios/liquidation_held_paid.txt",
    ),
    (
        Reject::WithdrawalsHeld,
        "while an account is bankrupt the venue is pending: shown by a test beside the transfers",
    ),
    (Reject::BatchAborted, "it stands beside the reject of another order: scenarios/batch_atomic.txt"),
];

/// Why no command breaks both rules, where none does.
fn apart(lower: Reject, higher: Reject) -> Option<&'static str> {
    const OF_ACCOUNT: [Reject; 6] = [
        Reject::AccountSuspended,
        Reject::AccountReduceOnly,
        Reject::TooManyLegs,
        Reject::PositionLimit,
        Reject::OwnerPositionLimit,
        Reject::InsufficientMargin,
    ];
    const OF_SESSION: [Reject; 3] = [Reject::SequenceReplayed, Reject::SequenceGap, Reject::NoPermission];
    const OF_SIZE: [Reject; 5] = [
        Reject::IndexNotTrusted,
        Reject::PositionLimit,
        Reject::OwnerPositionLimit,
        Reject::OpenInterestLimit,
        Reject::InsufficientMargin,
    ];
    const OF_INSTRUMENT: [Reject; 12] = [
        Reject::NotTrading,
        Reject::QuantityTooLarge,
        Reject::NoMarkPrice,
        Reject::PriceBand,
        Reject::NotionalTooLarge,
        Reject::TooManyLegs,
        Reject::PostOnlyWouldCross,
        Reject::PositionLimit,
        Reject::OwnerPositionLimit,
        Reject::OpenInterestLimit,
        Reject::InsufficientMargin,
        Reject::UnknownOrder,
    ];
    const OF_MARK: [Reject; 5] = [
        Reject::PriceBand,
        Reject::PostOnlyWouldCross,
        Reject::PositionLimit,
        Reject::OpenInterestLimit,
        Reject::InsufficientMargin,
    ];
    let reasons: [(&[Reject], &[Reject], &'static str); 11] = [
        (&[Reject::UnknownSession], &OF_SESSION, "a session that is not open has no numbers and no kind"),
        (&[Reject::SequenceReplayed], &[Reject::SequenceGap], "a number is too low or too high"),
        (&[Reject::AccountSuspended], &[Reject::AccountReduceOnly], "an account has one restriction"),
        (
            &[Reject::AccountReduceOnly],
            &[Reject::UnknownOrder, Reject::ReduceOnlyWouldIncrease],
            "what is not known, or only reduces, raises nothing",
        ),
        (
            &[Reject::UnknownAccount, Reject::SystemAccount],
            &OF_ACCOUNT,
            "the account has neither legs nor margin, and cannot be restricted",
        ),
        (&[Reject::UnknownInstrument], &OF_INSTRUMENT, "the instrument has no terms and no book"),
        (&[Reject::NotTrading], &[Reject::UnknownOrder], "an unknown order names no instrument"),
        (&[Reject::NoMarkPrice], &OF_MARK, "nothing rests or is held where there is no mark"),
        (&[Reject::TooManyLegs], &[Reject::PositionLimit], "one order alone stays within the limit"),
        (
            &[Reject::ReduceOnlyWouldIncrease],
            &OF_SIZE,
            "a reduce-only order that closes nothing counts for nothing",
        ),
        (
            &[Reject::PostOnlyWouldCross],
            &[Reject::FokNotFillable],
            "the two contradict each other, a smaller number",
        ),
    ];
    let mut found = reasons.iter().filter(|(low, high, _)| low.contains(&lower) && high.contains(&higher));
    found.next().map(|(_, _, reason)| *reason)
}

/// What a command is refused with; a refusal changes nothing.
fn refusal(scene: &mut Scene, command: &Command) -> Option<Reject> {
    let state = |machine: &dyn Machine| {
        let everybody = (0..64).map(AccountId::new);
        let held = |account| (machine.balance(account, AssetId::BASE), machine.held(account, TRADED));
        (machine.pending(), machine.resting(), everybody.map(held).collect::<Vec<_>>())
    };
    let before = state(&*scene.machine);
    let events = scene.machine.apply(command);
    let [Event::Rejected { reject, .. }] = events.as_slice() else { return None };
    assert_eq!(before, state(&*scene.machine), "a refusal of {command:?} changes nothing");
    Some(*reject)
}

/// Holds each rule alone and each pair of rules against the order of numbers; how many pairs were played.
fn walk(make: Make<'_>, rules: &[Reject], command: fn(&mut Scene) -> Command) -> usize {
    assert!(rules.is_sorted_by(|lower, higher| lower < higher), "rules ascend");
    let play = |broken: &[Reject]| {
        let mut scene = Scene::new(make, broken);
        let command = command(&mut scene);
        let found = refusal(&mut scene, &command);
        assert_eq!(found, broken.first().copied(), "{command:?} breaks {broken:?}");
    };
    play(&[]);
    let mut pairs = 0;
    for (index, &lower) in rules.iter().enumerate() {
        play(&[lower]);
        for &higher in &rules[index + 1..] {
            if apart(lower, higher).or_else(|| special::apart(lower, higher)).is_none() {
                play(&[lower, higher]);
                pairs += 1;
            }
        }
    }
    pairs
}

fn walk_keys(make: Make<'_>) {
    for (action, broken) in of_keys().into_iter().chain(of_switches()) {
        let mut scene = Scene::new(make, &broken);
        let command = Command::venue(action);
        let found = refusal(&mut scene, &command);
        assert_eq!(found, broken.first().copied(), "{command:?} breaks {broken:?}");
    }
}

/// One source more than there may be.
fn walk_sources(make: Make<'_>) {
    let mut scene = Scene::new(make, &[]);
    let price = |source: usize| Action::IndexPrice {
        instrument: TRADED,
        source: u16::try_from(source).expect("few"),
        source_seq: 1,
        price: risk::Price::new(1_000).to_mark(),
    };
    for source in 0..INDEX_SOURCES_MAX {
        scene.venue(price(source));
    }
    let command = scene.other(price(INDEX_SOURCES_MAX));
    assert_eq!(refusal(&mut scene, &command), Some(Reject::BadParameter));
}

fn walk_others(make: Make<'_>) {
    for (action, broken) in others().into_iter().chain(owners()).chain(of_isolated()) {
        let mut scene = Scene::new(make, &broken);
        let command = scene.other(action);
        let found = refusal(&mut scene, &command);
        assert_eq!(found, broken.first().copied(), "{command:?} breaks {broken:?}");
    }
}

/// Quotes that belong together.
fn walk_quotes(make: Make<'_>) {
    for (quotes, broken) in of_quotes() {
        let mut scene = Scene::new(make, &broken);
        let command = quoting(&mut scene, &quotes);
        let found = refusal(&mut scene, &command);
        assert_eq!(found, broken.first().copied(), "{command:?} breaks {broken:?}");
    }
}

/// What depends on an instrument's state.
fn walk_phases(make: Make<'_>) {
    for (state, action, broken) in phases() {
        let mut scene = Scene::new(make, &[]);
        scene.bring_to(state);
        let command = Command::venue(action);
        let found = refusal(&mut scene, &command);
        assert_eq!(found, broken.first().copied(), "{command:?} in {state:?} breaks {broken:?}");
    }
}

fn walk_suspended(make: Make<'_>) {
    let mut scene = Scene::new(make, &[]);
    for (command, reject) in of_suspended(&mut scene) {
        assert!(BY_SUSPENDED.contains(&reject), "{reject:?} is said to be shown");
        assert_eq!(refusal(&mut scene, &command), Some(reject), "{command:?}");
    }
}

/// Orders with instructions by themselves and in pairs of rules, and batches that are refused as a whole.
fn walk_special(make: Make<'_>) {
    let pairs = walk(make, SPECIAL_ORDER, Scene::special_order);
    assert!(pairs > 150, "{pairs} pairs were played");
    let mut scene = Scene::new(make, &[]);
    for (command, reject) in scene.batches() {
        assert_eq!(refusal(&mut scene, &command), Some(reject), "{command:?}");
    }
}

/// A leverage setting that costs more margin than there is, and is out of range besides.
fn walk_leverage(make: Make<'_>) {
    let broken = [Reject::InsufficientMargin, Reject::BadParameter];
    let mut scene = Scene::new(make, &broken);
    scene.rest(TRADER, risk::Side::Buy, 2, 990);
    let leverage = risk::Leverage::new(50);
    let command = scene.other(Action::SetLeverage { account: TRADER, instrument: TRADED, leverage });
    assert_eq!(refusal(&mut scene, &command), Some(Reject::InsufficientMargin));
}

fn walk_all(make: Make<'_>) {
    let new_orders = walk(make, NEW_ORDER, Scene::new_order);
    let amendments = walk(make, AMEND_ORDER, Scene::amend_order);
    assert!(new_orders > 150 && amendments > 80, "{new_orders} and {amendments} pairs were played");
    walk_others(make);
    walk_keys(make);
    walk_sources(make);
    walk_leverage(make);
    walk_special(make);
    walk_quotes(make);
    walk_suspended(make);
    walk_phases(make);
}

#[test]
fn the_smaller_number_wins_in_the_venue_alone() {
    walk_all(&|capacity| Box::new(VenueAlone::new(capacity)));
}

#[test]
fn the_smaller_number_wins_in_the_venue() {
    walk_all(&|capacity| Box::new(VenueBesideModel::new(capacity)));
}

#[test]
fn the_smaller_number_wins_in_the_model() {
    walk_all(&|capacity| Box::new(ModelAlone::new(capacity)));
}

#[test]
fn every_reject_is_met_or_explained() {
    let all = others().into_iter().chain(of_keys()).chain(owners()).chain(of_switches()).chain(of_isolated());
    let of_quotes = of_quotes().into_iter().flat_map(|(_, broken)| broken);
    let of_others: Vec<Reject> = all.flat_map(|(_, broken)| broken).chain(of_quotes).collect();
    let hidden = HIDDEN.iter().map(|(reject, _)| reject);
    let met: Vec<&Reject> = NEW_ORDER
        .iter()
        .chain(AMEND_ORDER)
        .chain(SPECIAL_ORDER)
        .chain(&of_others)
        .chain(BY_SUSPENDED)
        .chain(hidden)
        .collect();
    for reject in Reject::ALL {
        assert!(met.contains(&reject), "{reject:?} is neither in a table nor explained");
    }
}
