//! What an operator may ask: owner groups, keys, limits, states and settlement.

use crate::harness::*;
use engine::{Action, ClientOrderId, Command, TradingState};
use gateway::door::DoorConfig;
use gateway::wire::Message;
use gateway::wire::private::{
    CancelMany, FromVenue, KeySuspend, ResetProtection, SetGroupStatus, SetLimits, SetOwnerGroup,
    SetTradingState, SettleInstrument, StartAuction,
};
use gateway::wire::types::{
    self, AccountStatus, CancelReason, Code, IdN, Liquidity, Millis, Side, TimeNsN, U32N,
};
use risk::{AccountId, InstrumentId, Mark, Money, OwnerGroupId, Qty, Rate, Restriction, TradingLimits};

const TEST: InstrumentId = InstrumentId::new(0);

fn name(number: u64) -> ClientOrderId {
    ClientOrderId::new(number)
}

fn group(number: u64, key: u8, group_id: u32) -> SetOwnerGroup {
    SetOwnerGroup { request_id: name(number), account_id: account(key), group_id }
}

fn group_status(number: u64, status: AccountStatus, cancel_orders: u8) -> SetGroupStatus {
    SetGroupStatus { request_id: name(number), group_id: 3, status: status.into(), cancel_orders }
}

fn suspend(number: u64, suspended: u8, cancel_orders: u8) -> KeySuspend {
    KeySuspend { request_id: name(number), key_id: key_id(ALICE), suspended, cancel_orders }
}

fn limits(number: u64) -> SetLimits {
    SetLimits {
        request_id: name(number),
        instrument_id: TEST,
        order_qty_max: Qty::new(500),
        order_notional_max: Money::new(9_000_000_000),
        position_max: Qty::new(10_000),
        open_interest_max: Qty::new(900_000),
        orders_max: 20,
        price_band: 40_000_000,
        market_collar: 9_000_000,
        limit_state_band: 8_000_000,
        limit_state_call: Millis::new(250),
        owner_position_max: Qty::new(30_000),
    }
}

fn state(number: u64, state: types::TradingState) -> SetTradingState {
    SetTradingState { request_id: name(number), instrument_id: TEST, state: state.into() }
}

fn auction(number: u64, call: u32) -> StartAuction {
    StartAuction { request_id: name(number), instrument_id: TEST, call: Millis::new(call) }
}

fn settle(number: u64, price: i64) -> SettleInstrument {
    SettleInstrument { request_id: name(number), instrument_id: TEST, price: Mark::new(price) }
}

fn newest(world: &World) -> Action {
    world.log.last().expect("something was sequenced").command.action.clone()
}

/// Request number, template and code of each acknowledgement.
fn acks(client: &Client, world: &mut World) -> Vec<(u64, u16, u16)> {
    world.settle();
    let heard = client.messages(world);
    let ack = |message: &FromVenue| {
        let FromVenue::AdminAck(ack) = message else { panic!("{message:?}") };
        (ack.request_id.get(), ack.ref_template_id, ack.code)
    };
    heard.iter().map(ack).collect()
}

fn templates(heard: &[FromVenue]) -> Vec<u16> {
    heard.iter().map(FromVenue::template).collect()
}

#[test]
fn requests_become_what_they_say() {
    let mut world = World::new();
    let mut operator = world.client(OPERATOR);
    let owners = OwnerGroupId::new(3);
    let set = TradingLimits {
        price_band: Rate::new(40_000_000),
        market_collar: Rate::new(9_000_000),
        limit_state_band: Rate::new(8_000_000),
        limit_state_call_ms: 250,
        order_qty_max: Qty::new(500),
        order_notional_max: Money::new(9_000_000_000),
        position_max: Qty::new(10_000),
        open_interest_max: Qty::new(900_000),
        orders_max: 20,
        owner_position_max: Qty::new(30_000),
    };
    operator.ask(&mut world, &group(1, ALICE, 3));
    world.settle();
    assert_eq!(newest(&world), Action::SetOwnerGroup { account: account(ALICE), group: owners });
    operator.ask(&mut world, &group_status(2, AccountStatus::ReduceOnly, 0));
    world.settle();
    let restriction = Restriction::ReduceOnly;
    let expected = Action::SetGroupRestriction { group: owners, restriction, cancel_orders: false };
    assert_eq!(newest(&world), expected);
    operator.ask(&mut world, &suspend(3, 1, 0));
    world.settle();
    let key = key_id(ALICE);
    assert_eq!(newest(&world), Action::SuspendKey { key, suspended: true, cancel_orders: false });
    operator.ask(&mut world, &limits(4));
    world.settle();
    assert_eq!(newest(&world), Action::SetLimits { instrument: TEST, limits: Box::new(set) });
    operator.ask(&mut world, &auction(5, 30));
    world.settle();
    assert_eq!(newest(&world), Action::StartAuction { instrument: TEST, call_ms: 30 });
    operator.ask(&mut world, &settle(6, MARK * 1024));
    world.settle();
    assert_eq!(newest(&world), Action::Settle { instrument: TEST, price: Mark::new(MARK * 1024) });
    let expected = [(1, 410, 0), (2, 411, 0), (3, 412, 0), (4, 413, 0), (5, 414, 0), (6, 415, 2070)];
    assert_eq!(acks(&operator, &mut world), expected);
}

#[test]
fn what_a_request_may_not_say_is_named() {
    let mut world = World::new();
    let mut operator = world.client(OPERATOR);
    let unknown = |world: &mut World, client: &Client, template: u16, code: u16, field: u16| {
        world.settle();
        let heard = client.messages(world);
        let [FromVenue::SessionReject(no)] = &heard[..] else { panic!("{template}: {heard:?}") };
        assert_eq!((no.ref_template_id, no.code, no.field_id.get()), (template, code, Some(field)));
    };
    macro_rules! refuse {
        ($message:expr, $type:ty, $code:literal, $field:literal) => {
            operator.ask(&mut world, &$message);
            unknown(&mut world, &operator, <$type>::TEMPLATE, $code, <$type>::LAYOUT.number_of($field));
        };
    }
    refuse!(group(0, ALICE, 3), SetOwnerGroup, 1008, "request_id");
    refuse!(group_status(0, AccountStatus::Active, 0), SetGroupStatus, 1008, "request_id");
    refuse!(group_status(1, AccountStatus::Active, 2), SetGroupStatus, 1007, "cancel_orders");
    refuse!(group_status(1, AccountStatus::Liquidating, 0), SetGroupStatus, 1011, "status");
    refuse!(suspend(0, 1, 0), KeySuspend, 1008, "request_id");
    refuse!(suspend(1, 2, 0), KeySuspend, 1007, "suspended");
    refuse!(suspend(1, 1, 2), KeySuspend, 1007, "cancel_orders");
    refuse!(limits(0), SetLimits, 1008, "request_id");
    refuse!(auction(0, 30), StartAuction, 1008, "request_id");
    refuse!(settle(0, 1), SettleInstrument, 1008, "request_id");
    refuse!(settle(1, i64::MIN), SettleInstrument, 1008, "price");
    let octet = engine::codec::decode(&[99]).expect("any octet is one").0;
    let odd: SetGroupStatus = SetGroupStatus { status: octet, ..group_status(1, AccountStatus::Active, 0) };
    refuse!(odd, SetGroupStatus, 1007, "status");
    let octet: Code<types::TradingState> = engine::codec::decode(&[99]).expect("any octet is one").0;
    refuse!(
        SetTradingState { state: octet, ..state(1, types::TradingState::Open) },
        SetTradingState,
        1007,
        "state"
    );
}

#[test]
fn only_operators_operate_and_only_traders_trade() {
    let mut world = World::new();
    for key in [ALICE, READER, ORACLE] {
        let mut client = world.client(key);
        client.ask(&mut world, &group(1, ALICE, 3));
        client.ask(&mut world, &group_status(1, AccountStatus::Active, 0));
        client.ask(&mut world, &suspend(1, 1, 0));
        client.ask(&mut world, &limits(1));
        client.ask(&mut world, &auction(1, 30));
        client.ask(&mut world, &settle(1, 1));
        world.settle();
        let heard = client.messages(&mut world);
        assert_eq!(
            count(&heard, |message| matches!(message, FromVenue::SessionReject(no) if no.code == 1104)),
            6
        );
    }
    let cancel = CancelMany {
        cl_ord_id: name(1),
        account_id: account(ALICE),
        instrument_id: U32N::NONE,
        user_tag: IdN::NONE,
        side: 0,
        valid_until: TimeNsN::NONE,
    };
    let reset = ResetProtection {
        cl_ord_id: name(1),
        account_id: account(ALICE),
        protection_group: 1,
        valid_until: TimeNsN::NONE,
    };
    for key in [OPERATOR, READER, ORACLE] {
        let mut client = world.client(key);
        client.ask(&mut world, &cancel);
        client.ask(&mut world, &reset);
        client.ask(&mut world, &order(1, Side::Buy, MARK, 0).in_full());
        world.settle();
        let heard = client.messages(&mut world);
        assert_eq!(
            count(&heard, |message| matches!(message, FromVenue::SessionReject(no) if no.code == 1104)),
            3
        );
    }
}

#[test]
fn a_group_is_stopped_at_once_and_each_account_hears() {
    let mut world = World::new();
    let (mut alice, bob, mut operator) = (world.client(ALICE), world.client(BOB), world.client(OPERATOR));
    operator.ask(&mut world, &group(1, ALICE, 3));
    operator.ask(&mut world, &group(2, BOB, 3));
    world.settle();
    alice.bid(&mut world, 1, 1);
    operator.ask(&mut world, &group_status(3, AccountStatus::Suspended, 1));
    assert_eq!(acks(&operator, &mut world), [(1, 410, 0), (2, 410, 0), (3, 411, 0)]);
    let heard = alice.messages(&mut world);
    assert_eq!(templates(&heard), [200, 320, 365, 203]);
    assert!(
        matches!(&heard[3], FromVenue::OrderCanceled(gone) if gone.reason == CancelReason::Suspended.into())
    );
    assert_eq!(templates(&bob.messages(&mut world)), [320, 365]);
}

#[test]
fn a_suspended_key_may_only_cancel() {
    let mut world = World::new();
    let (mut alice, mut operator) = (world.client(ALICE), world.client(OPERATOR));
    alice.bid(&mut world, 1, 1);
    alice.bid(&mut world, 2, 1);
    world.settle();
    drop(alice.messages(&mut world));
    operator.ask(&mut world, &suspend(1, 1, 0));
    world.settle();
    alice.bid(&mut world, 3, 1);
    let all = CancelMany {
        cl_ord_id: name(4),
        account_id: AccountId::new(0),
        instrument_id: U32N::NONE,
        user_tag: IdN::NONE,
        side: 1,
        valid_until: TimeNsN::NONE,
    };
    alice.ask(&mut world, &all);
    world.settle();
    let heard = alice.messages(&mut world);
    assert_eq!(templates(&heard), [201, 203, 203, 210]);
    assert!(matches!(&heard[0], FromVenue::RequestRejected(no) if no.code == 2042));
    operator.ask(&mut world, &suspend(2, 0, 0));
    world.settle();
    alice.bid(&mut world, 5, 1);
    world.settle();
    assert_eq!(templates(&alice.messages(&mut world)), [200]);
    operator.ask(&mut world, &suspend(3, 1, 1));
    assert_eq!(acks(&operator, &mut world), [(1, 412, 0), (2, 412, 0), (3, 412, 0)]);
    assert_eq!(templates(&alice.messages(&mut world)), [203]);
}

/// The operator hears that a state was asked for; that it is entered, when the auction has matched.
#[test]
fn a_state_that_is_entered_later_is_acknowledged_once() {
    let mut world = World::with(DoorConfig::default(), 1 << 18);
    let (mut alice, mut bob, mut operator) = (world.client(ALICE), world.client(BOB), world.client(OPERATOR));
    operator.ask(&mut world, &auction(1, 30));
    assert_eq!(acks(&operator, &mut world), [(1, 414, 0)]);
    // More pairs than one command matches.
    for number in 1..=300 {
        let mut buy = order(number, Side::Buy, MARK + 5, 0);
        let mut sell = order(number, Side::Sell, MARK - 5, 0);
        (buy.qty, sell.qty) = (Qty::new(1), Qty::new(1));
        alice.ask(&mut world, &buy);
        bob.ask(&mut world, &sell);
        world.settle();
    }
    assert_eq!((world.resting(ALICE), world.resting(BOB)), (300, 300));
    drop((alice.messages(&mut world), bob.messages(&mut world)));
    let before = world.log.len();
    operator.ask(&mut world, &state(2, types::TradingState::Open));
    assert_eq!(acks(&operator, &mut world), [(2, 401, 0)]);
    assert_eq!(world.venue.trading_state(TEST), Some(TradingState::Open));
    let commands: Vec<_> = world.log[before..].iter().map(|logged| &logged.command.action).collect();
    assert!(matches!(commands[..], [Action::SetTradingState { .. }, Action::Continue, ..]), "{commands:?}");
    let fills = |client: &Client, world: &mut World| {
        let heard = client.messages(world);
        let auction = Code::of(Liquidity::Auction);
        count(&heard, |message| matches!(message, FromVenue::OrderFilled(fill) if fill.liquidity == auction))
    };
    assert_eq!((fills(&alice, &mut world), fills(&bob, &mut world)), (300, 300));
}

#[test]
fn a_settled_position_is_told_to_its_account() {
    let mut world = World::new();
    let (mut alice, mut bob, mut operator) = (world.client(ALICE), world.client(BOB), world.client(OPERATOR));
    let reader = world.client(READER);
    alice.bid(&mut world, 1, 1);
    bob.ask(&mut world, &order(1, Side::Sell, MARK - 5, 0));
    alice.bid(&mut world, 2, 2);
    world.settle();
    for client in [&alice, &bob, &reader] {
        drop(client.messages(&mut world));
    }
    operator.ask(&mut world, &state(1, types::TradingState::Closed));
    operator.ask(&mut world, &settle(2, MARK * 1024));
    assert_eq!(acks(&operator, &mut world), [(1, 401, 0), (2, 415, 0)]);
    assert_eq!(world.venue.trading_state(TEST), Some(TradingState::Settled));
    let heard = alice.messages(&mut world);
    let [FromVenue::OrderCanceled(gone), FromVenue::PositionSettled(settled)] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((gone.cl_ord_id, gone.reason), (name(2), CancelReason::Settled.into()));
    assert_eq!((settled.account_id, settled.position_qty), (account(ALICE), 10));
    assert_eq!(templates(&reader.messages(&mut world)), [203, 321]);
    assert_eq!(templates(&bob.messages(&mut world)), [321]);
    world.operator(Command::venue(Action::SetTradingState { instrument: TEST, state: TradingState::Open }));
    world.settle();
    assert_eq!(world.venue.trading_state(TEST), Some(TradingState::Settled), "there is no way back");
}
