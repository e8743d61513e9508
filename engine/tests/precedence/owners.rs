//! The tables of owner groups, kill switches, protection and quotes.

use engine::{
    Action, ClientOrderId, Command, Event, KeyId, KeyTerms, MassQuote, MoveMargin, NewOrder, Protection,
    ProtectionId, Quote, Reject, SessionKind, TimeInForce, TimeNs, Transfer,
};
use risk::{AccountId, InstrumentId, Money, OwnerGroupId, Price, Qty, Restriction, Side};

use super::scene::{
    ISOLATED, KEY, MAKER, NOBODY_OF_THE_VENUE, NOWHERE, SESSION, Scene, TRADED, TRADER, UNPRICED, WEALTH,
    logon,
};

/// A protection group of the trader, and one of nobody.
const GROUP: ProtectionId = ProtectionId::new(3);
const NO_GROUP: ProtectionId = ProtectionId::new(4);

/// Limits of a group that trips at the first fill.
fn guard(account: AccountId, window_ms: u32, fills_limit: u32) -> Protection {
    Protection {
        account,
        group: GROUP,
        window_ms,
        frozen_ms: 0,
        qty_limit: Qty::ZERO,
        delta_limit: Qty::ZERO,
        fills_limit,
    }
}

fn reset(account: AccountId) -> Action {
    Action::ResetProtection { account, group: NO_GROUP }
}

/// Actions that are refused without preparation, each with the rules it breaks.
pub(crate) fn owners() -> Vec<(Action, Vec<Reject>)> {
    let group = |account| Action::SetOwnerGroup { account, group: OwnerGroupId::new(1) };
    let protect = |account, window, fills| Action::SetProtection(guard(account, window, fills));
    let of_group = |cancel_orders| Action::SetGroupRestriction {
        group: OwnerGroupId::new(9),
        restriction: Restriction::None,
        cancel_orders,
    };
    let unknown = [Reject::UnknownAccount, Reject::SystemAccount].to_vec();
    let (suspended, no_group) = (Reject::AccountSuspended, Reject::UnknownProtection);
    vec![
        (group(NOBODY_OF_THE_VENUE), unknown.clone()),
        (group(AccountId::FEES), vec![Reject::SystemAccount]),
        (of_group(true), vec![Reject::UnknownAccount, Reject::BadCombination]),
        (of_group(false), vec![Reject::UnknownAccount]),
        (protect(NOBODY_OF_THE_VENUE, 0, 0), unknown.clone()),
        (protect(AccountId::FEES, 0, 0), vec![Reject::SystemAccount, no_group]),
        (protect(TRADER, 0, 0), vec![suspended, no_group]),
        (protect(TRADER, 5, 0), vec![suspended, Reject::BadParameter]),
        (protect(TRADER, 0, 0), vec![no_group]),
        (protect(TRADER, 5, 0), vec![Reject::BadParameter]),
        (reset(NOBODY_OF_THE_VENUE), unknown),
        (reset(AccountId::FEES), vec![Reject::SystemAccount, no_group]),
        (reset(TRADER), vec![suspended, no_group]),
        (reset(TRADER), vec![no_group]),
    ]
}

/// Actions about isolated positions, each with the rules it breaks in a suitable scene.
pub(crate) fn of_isolated() -> Vec<(Action, Vec<Reject>)> {
    let mode = |account, instrument| Action::SetMarginMode { account, instrument, isolated: true };
    let margin = |account, instrument| {
        let amount = Money::new(WEALTH + 1);
        Action::MoveMargin(MoveMargin { account, instrument, amount })
    };
    let nothing = |account| Transfer::new(account, Money::ZERO);
    let group = |group| Action::SetOwnerGroup { account: TRADER, group: OwnerGroupId::new(group) };
    let (isolated, in_use, full) =
        (Reject::IsolatedAccount, Reject::MarginModeInUse, Reject::TooManyAccounts);
    let terms = Box::new(KeyTerms { public: [2; 32], account: ISOLATED, kinds: 0, expires: TimeNs::new(0) });
    vec![
        (mode(NOBODY_OF_THE_VENUE, NOWHERE), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (mode(AccountId::FEES, NOWHERE), vec![Reject::SystemAccount, Reject::UnknownInstrument]),
        (mode(ISOLATED, NOWHERE), vec![isolated, Reject::UnknownInstrument]),
        (mode(TRADER, NOWHERE), vec![Reject::UnknownInstrument]),
        (mode(TRADER, TRADED), vec![Reject::AccountSuspended, in_use]),
        (mode(TRADER, TRADED), vec![in_use, full]),
        (mode(TRADER, TRADED), vec![full]),
        (margin(NOBODY_OF_THE_VENUE, NOWHERE), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (margin(AccountId::FEES, NOWHERE), vec![Reject::SystemAccount, Reject::UnknownInstrument]),
        (margin(ISOLATED, NOWHERE), vec![isolated, Reject::UnknownInstrument]),
        (margin(TRADER, NOWHERE), vec![Reject::UnknownInstrument, Reject::NoIsolatedPosition]),
        (margin(TRADER, TRADED), vec![Reject::AccountSuspended, Reject::NoIsolatedPosition]),
        (margin(TRADER, TRADED), vec![Reject::NoIsolatedPosition, Reject::InsufficientFunds]),
        (Action::Deposit(nothing(ISOLATED)), vec![isolated, Reject::BadParameter]),
        (Action::Withdraw(nothing(ISOLATED)), vec![isolated, Reject::BadParameter]),
        (Action::RegisterKey { key: KEY, terms }, vec![isolated, Reject::AlreadyExists]),
        (group(1 << 31), vec![Reject::BadParameter]),
    ]
}

/// What only the venue's own session asks about keys, each with the rules it breaks.
pub(crate) fn of_switches() -> Vec<(Action, Vec<Reject>)> {
    let admit = |key| Action::SuspendKey { key, suspended: false, cancel_orders: true };
    vec![
        (admit(KeyId::new(77)), vec![Reject::UnknownKey, Reject::BadCombination]),
        (admit(KEY), vec![Reject::BadCombination]),
    ]
}

/// One quote of the traded instrument that breaks nothing.
const SOUND: Quote = Quote {
    instrument: TRADED,
    level: 0,
    bid: Price::new(998),
    bid_qty: Qty::new(2),
    ask: Price::new(1_002),
    ask_qty: Qty::new(2),
};

fn request(account: AccountId, protection: ProtectionId, quotes: Vec<Quote>) -> MassQuote {
    MassQuote { account, protection, all_or_none: true, quotes }
}

/// Requests, all or none, each with the rules it breaks. What concerns the request comes before its sides.
pub(crate) fn of_quotes() -> Vec<(MassQuote, Vec<Reject>)> {
    let none = ProtectionId::new(0);
    let one = |quote| request(TRADER, none, vec![quote]);
    let odd = Quote { bid_qty: Qty::new(3), ..SOUND };
    let (bid, elsewhere) = (Price::new(1_200), |instrument: InstrumentId| Quote { instrument, ..odd });
    let far = Quote { bid, ask: Price::new(1_300), ..SOUND };
    vec![
        (request(NOBODY_OF_THE_VENUE, NO_GROUP, vec![]), vec![Reject::UnknownAccount, Reject::SystemAccount]),
        (request(AccountId::FEES, NO_GROUP, vec![]), vec![Reject::SystemAccount, Reject::UnknownProtection]),
        (request(TRADER, NO_GROUP, vec![]), vec![Reject::AccountSuspended, Reject::UnknownProtection]),
        (request(TRADER, NO_GROUP, vec![]), vec![Reject::AccountReduceOnly, Reject::UnknownProtection]),
        (request(TRADER, NO_GROUP, vec![]), vec![Reject::UnknownProtection, Reject::BadCombination]),
        (request(TRADER, GROUP, vec![]), vec![Reject::ProtectionFrozen, Reject::BadCombination]),
        (request(TRADER, none, vec![]), vec![Reject::BadCombination]),
        (request(TRADER, none, vec![odd, odd]), vec![Reject::BadCombination, Reject::BadQuantity]),
        (one(elsewhere(NOWHERE)), vec![Reject::UnknownInstrument, Reject::BadQuantity]),
        (one(odd), vec![Reject::NotTrading, Reject::BadQuantity]),
        (one(Quote { bid: Price::new(997), ..odd }), vec![Reject::BadQuantity, Reject::BadPrice]),
        (
            one(Quote { bid_qty: Qty::new(102), bid, ..far }),
            vec![Reject::QuantityTooLarge, Reject::PriceBand],
        ),
        (one(Quote { bid: Price::new(1_201), ..far }), vec![Reject::BadPrice, Reject::PriceBand]),
        (one(Quote { instrument: UNPRICED, ..far }), vec![Reject::NoMarkPrice]),
        (one(far), vec![Reject::PriceBand, Reject::TooManyOrders]),
        (one(SOUND), vec![Reject::TooManyOrders, Reject::PostOnlyWouldCross]),
        (one(SOUND), vec![Reject::TooManyLegs]),
        (
            one(Quote { bid: Price::new(1_000), ..SOUND }),
            vec![Reject::PostOnlyWouldCross, Reject::InsufficientMargin],
        ),
        (
            one(Quote { bid_qty: Qty::new(52), ..SOUND }),
            vec![Reject::PositionLimit, Reject::OpenInterestLimit],
        ),
        (
            one(Quote { bid_qty: Qty::new(52), ..SOUND }),
            vec![Reject::OpenInterestLimit, Reject::InsufficientMargin],
        ),
        (one(Quote { bid_qty: Qty::new(4), ..SOUND }), vec![Reject::InsufficientMargin]),
    ]
}

/// The command of a request, in a scene that breaks the rules on the venue's state which are to be broken.
pub(crate) fn quoting(scene: &mut Scene, quotes: &MassQuote) -> Command {
    if scene.breaks(Reject::ProtectionFrozen) {
        freeze(scene);
    }
    scene.surround(TRADED);
    let client_order_id = scene.number();
    let command = Command::client(SESSION, Action::MassQuote(Box::new(quotes.clone())));
    scene.sent(Command { client_order_id, ..command })
}

/// Trips the trader's group: one quote of it is filled.
fn freeze(scene: &mut Scene) {
    scene.venue(Action::SetProtection(guard(TRADER, 5, 1)));
    let quotes = MassQuote { all_or_none: false, ..request(TRADER, GROUP, vec![SOUND]) };
    let client_order_id = scene.number();
    let command = Command::client(SESSION, Action::MassQuote(Box::new(quotes)));
    scene.machine.apply(&Command { client_order_id, ..command });
    let client_order_id = scene.number();
    let order = NewOrder {
        account: MAKER,
        instrument: TRADED,
        side: Side::Sell,
        qty: Qty::new(2),
        limit: Some(SOUND.bid),
        time_in_force: TimeInForce::ImmediateOrCancel,
        post_only: false,
        reduce_only: false,
        persistent: false,
    };
    let events = scene.machine.apply(&Command::order(SESSION, client_order_id, order));
    let tripped = events.iter().any(|event| matches!(event, Event::ProtectionTripped { .. }));
    assert!(tripped, "the fill trips the group: {events:?}");
    while scene.machine.pending() {
        scene.machine.apply(&Command::venue(Action::Continue));
    }
}

/// What [`of_suspended`] shows.
pub(crate) const BY_SUSPENDED: &[Reject] =
    &[Reject::DuplicateClientOrderId, Reject::NoPermission, Reject::KeySuspended];

/// A session of a suspended key: what it may not ask at all, and what it may not ask because of that, with the rule that
/// is broken; its key is the maker's.
pub(crate) fn of_suspended(scene: &mut Scene) -> Vec<(Command, Reject)> {
    scene.venue(Action::SuspendKey { key: KEY, suspended: true, cancel_orders: false });
    let Event::LoggedOn { session, .. } = scene.venue(logon(KEY, 0, SessionKind::OrderEntry))[0] else {
        panic!("a suspended key opens sessions")
    };
    let number = scene.number();
    let quotes = |account| Action::MassQuote(Box::new(request(account, NO_GROUP, vec![])));
    let by = |client_order_id: ClientOrderId, action| Command {
        client_order_id,
        ..Command::client(session, action)
    };
    vec![
        (by(number, quotes(TRADER)), Reject::NoPermission),
        (by(scene.number(), quotes(MAKER)), Reject::KeySuspended),
        (by(ClientOrderId::new(0), reset(MAKER)), Reject::KeySuspended),
        (by(ClientOrderId::new(0), Action::SetProtection(guard(MAKER, 0, 0))), Reject::KeySuspended),
        (
            by(ClientOrderId::new(1), Action::SetProtection(guard(MAKER, 0, 0))),
            Reject::DuplicateClientOrderId,
        ),
        (by(ClientOrderId::new(1 << 63), Action::Tick), Reject::DuplicateClientOrderId),
    ]
}
