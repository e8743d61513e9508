//! Liquidation and deleveraging over the wire: who hears of what, who may ask what, what an operator may set.

use crate::harness::*;
use engine::{Action, ClientOrderId, Command, Reject, Transfer};
use gateway::client::request;
use gateway::wire::Message;
use gateway::wire::codes::ErrorCode;
use gateway::wire::private::{
    AssignRiskGroup, DeleveragingRankQuery, FromVenue, LiquidationMapQuery, NewOrder, RiskGroupQuery,
    RiskQuery, SetRiskGroup,
};
use gateway::wire::types::{Code, DeleveragingPolicy, LiquidationStage, Side, U32N};
use risk::{AccountId, InstrumentId, Mark, Money, Qty, Rate, RiskGroupTerms};

const TEST: InstrumentId = InstrumentId::new(0);
const DOLLAR: i64 = 1_000_000;

fn name(number: u64) -> ClientOrderId {
    ClientOrderId::new(number)
}

fn sized(number: u64, side: Side, qty: i64) -> NewOrder {
    NewOrder { qty: Qty::new(qty), ..order(number, side, MARK, 0) }
}

fn templates(heard: &[FromVenue]) -> Vec<u16> {
    heard.iter().map(FromVenue::template).collect()
}

fn group(number: u64, group: u8, terms: &RiskGroupTerms) -> SetRiskGroup {
    SetRiskGroup { request_id: name(number), ..request::set_risk_group(group, terms) }
}

fn assign(number: u64, group: u8) -> AssignRiskGroup {
    AssignRiskGroup { request_id: name(number), ..request::assign_risk_group(TEST, group) }
}

fn rank(key: u8) -> DeleveragingRankQuery {
    let account_id = if key == 0 { AccountId::default() } else { account(key) };
    DeleveragingRankQuery { query_id: 3, account_id, instrument_id: TEST, from_account: AccountId::default() }
}

/// The first row of an answer, and the code of its end.
fn row<M: Message>(client: &mut Client, world: &mut World, query: &M) -> (Option<FromVenue>, u16) {
    client.say(world, query);
    world.settle();
    let mut heard = client.messages(world);
    let Some(FromVenue::QueryEnd(end)) = heard.pop() else { panic!("{heard:?}") };
    (heard.into_iter().next(), end.code)
}

/// Alice has bought a whole contract at 50,000 from Bob, with 1,075 of equity left.
fn begun() -> (World, Client, Client, Client) {
    let mut world = World::new();
    let (mut alice, mut bob, operator) = (world.client(ALICE), world.client(BOB), world.client(OPERATOR));
    let most = Transfer::new(account(ALICE), Money::new(998_900 * DOLLAR));
    world.operator(Command::venue(Action::Withdraw(most)));
    bob.ask(&mut world, &sized(1, Side::Sell, 1_000));
    alice.ask(&mut world, &sized(1, Side::Buy, 1_000));
    world.settle();
    for client in [&alice, &bob, &operator] {
        drop(client.messages(&mut world));
    }
    (world, alice, bob, operator)
}

fn fall(world: &mut World, price: i64) {
    world.now += MS;
    world.operator(Command::venue(Action::index_price(TEST, Mark::new(price * 1024))));
    world.settle();
}

#[test]
fn each_hears_its_side_of_a_liquidation_that_nobody_takes() {
    let (mut world, alice, bob, operator) = begun();
    let reader = world.client(READER);
    drop(reader.messages(&mut world));
    // 1,075 less 1,200.
    fall(&mut world, 488_000);
    let heard = alice.messages(&mut world);
    // Found, three words of what it is, a step, and that the book has nothing.
    assert_eq!(templates(&heard)[0], 315, "{heard:?}");
    let step = heard.iter().find_map(|message| {
        if let FromVenue::LiquidationStepped(step) = message { Some(step) } else { None }
    });
    let step = step.expect("a step");
    assert_eq!((step.account_id, step.step, step.position_qty), (account(ALICE), 1, 1_000));
    assert_eq!((step.mark, step.equity), (Mark::new(488_000 * 1024), Money::new(-125 * DOLLAR)));
    assert_eq!((step.needed_qty, step.maintenance_margin), (Qty::new(1_000), Money::new(488 * DOLLAR)));
    let taken = heard.iter().find_map(|message| {
        if let FromVenue::PositionTakenOver(taken) = message { Some(taken) } else { None }
    });
    let taken = taken.expect("a takeover");
    // It receives 50,000 less what it had, so that nothing is left; the fund is empty.
    assert_eq!((taken.amount, taken.added), (Money::new(48_925 * DOLLAR), Money::ZERO));
    assert_eq!(taken.by_account_id, AccountId::DELEVERAGING);
    assert_eq!(templates(&heard).iter().filter(|template| **template == 319).count(), 1);
    assert_eq!(templates(&reader.messages(&mut world)), templates(&heard));

    let told = bob.messages(&mut world);
    let [FromVenue::Deleveraged(cut)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((cut.account_id, cut.qty, cut.amount), (account(BOB), 1_000, taken.amount));
    assert_eq!((cut.held_lots, cut.open_lots, cut.position_qty), (1_000, 1_000, 0));
    assert_eq!(cut.level_e9.get(), Some(0), "all that anybody holds is given up");
    let told = operator.messages(&mut world);
    assert_eq!(templates(&told), [377, 378, 379], "{told:?}");
    let FromVenue::DeleveragingEnded(ended) = &told[2] else { panic!("{told:?}") };
    assert_eq!((ended.request, ended.given_up_qty, ended.left_qty), (cut.request, 1_000, 0));
}

#[test]
fn a_holder_learns_its_level_and_its_place() {
    let (mut world, mut alice, mut bob, mut operator) = begun();
    let (answer, code) = row(&mut alice, &mut world, &rank(0));
    let Some(FromVenue::DeleveragingRank(told)) = answer else { panic!("{code}: {answer:?}") };
    assert_eq!((told.held_lots, told.open_lots), (1_000, 1_000));
    assert_eq!((told.ahead, told.holders, told.next_account), (0, 1, U32N::NONE));
    assert_eq!(told.policy, DeleveragingPolicy::Water.into());
    // 50,000 over 1,075, rounded up.
    assert_eq!(told.level_e9.get(), Some(46_511_627_907));
    let query = RiskQuery { query_id: 4, account_id: AccountId::default() };
    alice.say(&mut world, &query);
    world.settle();
    let heard = alice.messages(&mut world);
    let position = heard.iter().find_map(|message| {
        let FromVenue::PositionState(position) = message else { return None };
        Some((position.unhedged_lots, position.level_e9))
    });
    assert_eq!(position, Some((1_000, told.level_e9)));
    let stage = heard.iter().find_map(|message| {
        let FromVenue::AccountState(state) = message else { return None };
        Some((state.liquidation, state.liquidation_steps))
    });
    assert_eq!(stage, Some((Code::of(LiquidationStage::None), 0)));
    // Another's is an operator's to know.
    assert_eq!(row(&mut bob, &mut world, &rank(ALICE)), (None, ErrorCode::NoPermission.code()));
    let (answer, code) = row(&mut operator, &mut world, &rank(BOB));
    assert!(matches!(answer, Some(FromVenue::DeleveragingRank(_))) && code == 0);
}

#[test]
fn a_map_counts_a_position_where_it_is_liquidated() {
    let (mut world, _alice, mut bob, _operator) = begun();
    let map = |width_e9, steps, from| LiquidationMapQuery {
        query_id: 5,
        instrument_id: TEST,
        width_e9,
        steps,
        from,
    };
    let (answer, code) = row(&mut bob, &mut world, &map(10_000_000, 3, 0));
    let Some(FromVenue::LiquidationMap(told)) = answer else { panic!("{code}: {answer:?}") };
    assert_eq!((told.mark.get(), told.next.get()), (Some(Mark::new(MARK * 1024)), None));
    // 50,000 - 1,075 is covered by a hundredth of itself at 49,419: in the second per cent below the mark.
    let steps: Vec<_> = told.steps.0.iter().map(|step| (step.side, step.qty.get(), step.positions)).collect();
    let (long, short) = (Code::of(Side::Buy), Code::of(Side::Sell));
    assert_eq!(
        steps,
        [(long, 0, 0), (long, 1_000, 1), (long, 0, 0), (short, 0, 0), (short, 0, 0), (short, 0, 0)]
    );
    for wrong in [map(0, 3, 0), map(10_000_000, 0, 0), map(10_000_000, 33, 0), map(10_000_000, 3, u64::MAX)] {
        assert_eq!(row(&mut bob, &mut world, &wrong), (None, Reject::BadParameter.code()));
    }
}

#[test]
fn an_operator_sets_groups_and_learns_what_stands_behind_them() {
    let (mut world, mut alice, bob, mut operator) = begun();
    let backstop = Some(account(BOB));
    let terms = RiskGroupTerms {
        backstop,
        backstop_margin_max: Money::new(5_000 * DOLLAR),
        step_share: Rate::new(123_000_000),
        policy: risk::deleveraging::DeleveragingPolicy::Profit,
        ..RiskGroupTerms::DEFAULT
    };
    world.operator(Command::venue(Action::Deposit(Transfer::new(
        AccountId::INSURANCE,
        Money::new(70 * DOLLAR),
    ))));
    operator.ask(&mut world, &group(1, 1, &terms));
    operator.ask(&mut world, &assign(2, 1));
    operator.ask(&mut world, &assign(3, 2));
    operator.ask(&mut world, &group(4, 3, &terms));
    let wrong =
        SetRiskGroup { policy: Code::of(DeleveragingPolicy::Water), step_share: 0, ..group(5, 1, &terms) };
    operator.ask(&mut world, &wrong);
    world.settle();
    let heard = operator.messages(&mut world);
    let acks: Vec<_> = heard
        .iter()
        .map(|message| {
            let FromVenue::AdminAck(ack) = message else { panic!("{message:?}") };
            (ack.request_id.get(), ack.ref_template_id, ack.code)
        })
        .collect();
    let bad = Reject::BadParameter.code();
    assert_eq!(acks, [(1, 434, 0), (2, 435, 0), (3, 435, bad), (4, 434, bad), (5, 434, bad)]);
    let set = world.actions().into_iter().find_map(|action| {
        if let Action::SetRiskGroup { group: 1, terms } = action { Some(*terms) } else { None }
    });
    assert_eq!(set, Some(terms), "every field arrives");

    let query = RiskGroupQuery { query_id: 6, group: 1 };
    let (answer, _) = row(&mut operator, &mut world, &query);
    let Some(FromVenue::RiskGroup(told)) = answer else { panic!("{answer:?}") };
    assert_eq!((told.fund_balance, told.fund_peak), (Money::new(70 * DOLLAR), Money::new(70 * DOLLAR)));
    assert_eq!(told.fund_allowance, Money::new(21 * DOLLAR), "30 % of the highest balance");
    assert_eq!((told.groups, told.liquidating, told.step_share), (2, 0, 123_000_000));
    assert_eq!(told.policy, DeleveragingPolicy::Profit.into());
    assert!(told.backstop_equity.get().is_some_and(|equity| equity > Money::ZERO));
    let (answer, _) = row(&mut alice, &mut world, &query);
    let Some(FromVenue::RiskGroup(seen)) = answer else { panic!("{answer:?}") };
    assert_eq!((seen.backstop_equity.get(), seen.backstop_initial_margin.get()), (None, None));
    let unknown = RiskGroupQuery { query_id: 7, group: 2 };
    assert_eq!(row(&mut alice, &mut world, &unknown), (None, bad));

    // 15 is left of 1,075: more than the value, so that the backstop account takes the position against its own short.
    fall(&mut world, 489_400);
    let heard = bob.messages(&mut world);
    let [FromVenue::PositionAssumed(assumed)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((assumed.account_id, assumed.qty), (account(BOB), 1_000));
    assert_eq!(assumed.amount, Money::new(48_925 * DOLLAR), "the mark less what was left");
}
