//! Questions of what would be and of what is at risk: who may ask, what comes, what makes no sense.

use crate::harness::*;
use engine::Reject;
use gateway::wire::Group;
use gateway::wire::codes::ErrorCode;
use gateway::wire::private::{
    FromVenue, InstrumentRiskQuery, SensitivityQuery, ShockRow, StepRow, StressQuery, VenueRiskQuery,
    WhatIfQuery,
};
use gateway::wire::types::{
    Code, I64N, MarginState, MarkN, Millis, OrdFlags, PictureOf, PriceN, ShockScope, Side, StepKind, Tif,
    U16N, U32N,
};
use risk::{AccountId, InstrumentId, Price, Qty};

const OWN: AccountId = AccountId::new(0);
const FIRST: InstrumentId = InstrumentId::new(0);
const DAY: Millis = Millis::new(86_400_000);

fn buy(qty: i64, price: i64) -> StepRow {
    StepRow {
        kind: StepKind::Order.into(),
        scope: ShockScope::All.into(),
        instrument_id: FIRST.get().into(),
        underlying: U16N::NONE,
        rate_e9: I64N::NONE,
        mark: MarkN::NONE,
        side: Side::Buy.into(),
        price: PriceN::from(Price::new(price)),
        qty: Qty::new(qty),
        tif: Tif::GTC.into(),
        post_only: 0,
        flags: OrdFlags(0),
    }
}

fn what_if(query_id: u64, account_id: AccountId, steps: Vec<StepRow>) -> WhatIfQuery {
    WhatIfQuery { query_id, account_id, steps: Group(steps) }
}

/// Numbers, rows and codes of the answers that ended.
fn ends(heard: &[FromVenue]) -> Vec<(u64, u32, u16)> {
    let end = |message: &FromVenue| {
        let FromVenue::QueryEnd(end) = message else { return None };
        Some((end.query_id, end.rows, end.code))
    };
    heard.iter().filter_map(end).collect()
}

#[test]
fn an_account_is_told_what_would_become_of_it() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let shock = StepRow { kind: StepKind::Shock.into(), rate_e9: I64N::from(-10_000_000), ..buy(0, 0) };
    let fill = StepRow { kind: StepKind::Fill.into(), ..buy(1, MARK) };
    // The last one is no multiple of the tick or above the band: as an order would be refused.
    let steps = vec![shock, fill, buy(1, MARK - 50_000), buy(1, 1 << 41)];
    alice.say(&mut world, &what_if(1, OWN, steps));
    world.settle();
    let heard = alice.messages(&mut world);
    let verdicts: Vec<_> = heard
        .iter()
        .filter_map(|message| {
            let FromVenue::StepVerdict(verdict) = message else { return None };
            Some((verdict.place, verdict.code))
        })
        .collect();
    assert_eq!(verdicts, [(0, 0), (1, 0), (2, 0), (3, Reject::BadPrice.code())]);
    let of: Vec<_> = heard
        .iter()
        .filter_map(|message| {
            let FromVenue::AccountPicture(picture) = message else { return None };
            assert_eq!(
                (picture.account_id, picture.level.get()),
                (account(ALICE), Some(MarginState::Healthy))
            );
            Some((picture.of.get(), picture.exposure.get() > 0))
        })
        .collect();
    assert_eq!(of, [(Some(PictureOf::Before), false), (Some(PictureOf::After), true)]);
    let [leg] = heard
        .iter()
        .filter_map(|message| if let FromVenue::PositionPicture(leg) = message { Some(leg) } else { None })
        .collect::<Vec<_>>()[..]
    else {
        panic!("one leg, after: {heard:?}")
    };
    assert_eq!((leg.qty, leg.buy_qty, leg.of.get()), (1, Qty::new(1), Some(PictureOf::After)));
    assert!(leg.leverage_e9.get().is_some_and(|ratio| ratio > 0));
    assert_eq!(ends(&heard), [(1, 7, 0)]);
    assert_eq!(world.resting(ALICE), 0, "nothing has happened");
}

#[test]
fn whose_account_it_is_and_what_all_risk_is_not_everybody_s_to_ask() {
    let mut world = World::new();
    let (mut alice, mut operator) = (world.client(ALICE), world.client(OPERATOR));
    let survey = VenueRiskQuery { query_id: 2, from_account: OWN };
    let instrument =
        InstrumentRiskQuery { query_id: 3, instrument_id: FIRST, from_account: OWN, horizon: DAY };
    alice.say(&mut world, &what_if(1, account(BOB), Vec::new()));
    alice.say(&mut world, &survey);
    alice.say(&mut world, &instrument);
    alice.say(&mut world, &SensitivityQuery { query_id: 4, account_id: account(BOB), horizon: DAY });
    alice.say(&mut world, &SensitivityQuery { query_id: 5, account_id: OWN, horizon: DAY });
    world.settle();
    let mut found = ends(&alice.messages(&mut world));
    found.sort_unstable();
    let denied = ErrorCode::NoPermission.code();
    assert_eq!(found, [(1, 0, denied), (2, 0, denied), (3, 1, 0), (4, 0, denied), (5, 0, 0)]);

    operator.say(&mut world, &what_if(1, account(BOB), Vec::new()));
    operator.say(&mut world, &survey);
    operator.say(&mut world, &instrument);
    world.settle();
    let heard = operator.messages(&mut world);
    assert_eq!(ends(&heard), [(1, 2, 0), (2, 1, 0), (3, 2, 0)], "with its holders");
    let surveys = heard.iter().filter(|message| matches!(message, FromVenue::RiskSurvey(_)));
    assert_eq!(surveys.count(), 2);
}

#[test]
fn a_grid_is_answered_in_its_order_and_nonsense_is_refused() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let row = |rate_e9| ShockRow {
        scope: ShockScope::All.into(),
        instrument_id: U32N::NONE,
        underlying: U16N::NONE,
        rate_e9,
    };
    let shocks = Group(vec![row(-300_000_000), row(100_000_000)]);
    alice.say(&mut world, &StressQuery { query_id: 1, account_id: OWN, shocks });
    // A scope that names nothing, a step that is none, two places to move to, and one step too many.
    let nowhere = ShockRow { scope: ShockScope::Instrument.into(), ..row(1) };
    alice.say(&mut world, &StressQuery { query_id: 2, account_id: OWN, shocks: Group(vec![nowhere]) });
    let both = StepRow {
        kind: StepKind::Shock.into(),
        rate_e9: I64N::from(1),
        mark: MarkN::from(Price::new(MARK).to_mark()),
        ..buy(1, 1)
    };
    let dated = StepRow { tif: Tif::GTD.into(), ..buy(1, 1) };
    let odd = StepRow { post_only: 2, ..buy(1, 1) };
    for (query_id, steps) in [
        (3, vec![both]),
        (4, vec![dated]),
        (5, vec![odd]),
        (6, vec![buy(1, 1); engine::limits::STEPS_MAX + 1]),
    ] {
        alice.say(&mut world, &what_if(query_id, OWN, steps));
    }
    world.settle();
    let heard = alice.messages(&mut world);
    let places: Vec<_> = heard
        .iter()
        .filter_map(|message| {
            let FromVenue::AccountPicture(picture) = message else { return None };
            Some((picture.of, picture.place))
        })
        .collect();
    assert_eq!(places, [(Code::of(PictureOf::Shock), 0), (Code::of(PictureOf::Shock), 1)]);
    let refused = heard.iter().filter(
        |message| matches!(message, FromVenue::SessionReject(reject) if reject.code == ErrorCode::BadGroup.code()),
    );
    assert_eq!(refused.count(), 5);
    assert_eq!(ends(&heard), [(1, 2, 0)]);
}
