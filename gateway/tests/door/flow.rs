//! Requests and what comes of them: numbers, refusals, throttle, a full queue, who hears what.

use crate::harness::*;
use engine::{Action, Command, KeyId, OrderRef, Skip};
use gateway::door::{Allowance, DoorConfig};
use gateway::wire::frame::Flags;
use gateway::wire::private::{
    AccountCreate, AdminMassCancel, BookQuery, CancelOrder, FromVenue, IndexPrice, InstrumentQuery,
    KeyRegister, MassCancel, OpenOrdersQuery, OrderStatusQuery, RiskQuery, SetAccountStatus, SetLeverage,
    Transfer,
};
use gateway::wire::types::{
    AccountStatus, Code, IdN, Octets, OrdFlags, OrdType, Permissions, PriceN, Side, Stp, Tif, TimeNsN, U32N,
};
use risk::{AccountId, InstrumentId, Mark, Money, Price};

fn cancel(name: u64, of: u64) -> CancelOrder {
    CancelOrder {
        cl_ord_id: engine::ClientOrderId::new(name),
        order_id: IdN::NONE,
        orig_cl_ord_id: IdN::from(of),
        account_id: AccountId::new(0),
        instrument_id: InstrumentId::new(0),
        valid_until: TimeNsN::NONE,
    }
}

fn skips(world: &World) -> Vec<Skip> {
    let skip = |action: &Action| if let Action::Skip(skip) = action { Some(*skip) } else { None };
    world.actions().iter().filter_map(skip).collect()
}

#[test]
fn nothing_leaves_before_the_log_covers_it() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    world.delay = 5 * MS;
    alice.bid(&mut world, 1, 1);
    alice.say(
        &mut world,
        &OpenOrdersQuery { query_id: 9, account_id: AccountId::new(0), instrument_id: U32N::NONE },
    );
    world.pass(4);
    assert_eq!(alice.hear(&mut world), []);
    world.pass(2);
    let heard = alice.hear(&mut world);
    let [
        (first, FromVenue::OrderAccepted(_)),
        (row, FromVenue::OpenOrder(_)),
        (end, FromVenue::QueryEnd(done)),
    ] = &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!((first.seq_no, first.ack_seq_no, first.flags.0), (1, 1, Flags::END_OF_EVENT));
    assert_eq!((row.seq_no, end.seq_no, end.flags.0), (2, 2, Flags::UNSEQUENCED), "before the next event");
    assert_eq!((done.query_id, done.rows, done.code), (9, 1, 0));
}

#[test]
fn the_last_frame_of_a_command_says_so() {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.client(ALICE), world.client(BOB));
    for name in 1..=3 {
        alice.bid(&mut world, name, 1);
    }
    world.settle();
    alice.hear(&mut world);
    let mut sell = order(1, Side::Sell, MARK - 5, 0);
    (sell.qty, sell.tif) = (risk::Qty::new(50), Tif::IOC.into());
    bob.ask(&mut world, &sell);
    world.settle();
    let ends =
        |heard: &[Heard]| -> Vec<bool> { heard.iter().map(|(prefix, _)| prefix.flags.has(2)).collect() };
    assert_eq!(ends(&alice.hear(&mut world)), [false, false, true]);
    let heard = bob.hear(&mut world);
    assert_eq!(ends(&heard), [false, false, false, false, true]);
    assert!(matches!(&heard[4].1, FromVenue::OrderCanceled(gone) if gone.request_id == IdN::from(1)));
}

#[test]
fn a_number_counts_once() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let frame = numbered(1, &order(1, Side::Buy, MARK - 5, 0));
    for _ in 0..3 {
        alice.send(&mut world, &frame);
    }
    world.settle();
    for _ in 0..3 {
        alice.send(&mut world, &frame);
    }
    world.settle();
    assert_eq!(world.resting(ALICE), 1);
    assert_eq!(alice.messages(&mut world).len(), 1);
    assert_eq!(world.door.stats().dropped_resends, 5);
}

#[test]
fn frames_come_in_any_pieces() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let mut octets = numbered(1, &order(1, Side::Buy, MARK - 5, 0));
    octets.extend(unnumbered(2, &InstrumentQuery { query_id: 1 }));
    octets.extend(numbered(2, &cancel(2, 1)));
    for octet in octets {
        alice.send(&mut world, &[octet]);
    }
    world.settle();
    let heard = alice.messages(&mut world);
    assert!(matches!(
        heard[..],
        [
            FromVenue::OrderAccepted(_),
            FromVenue::InstrumentDef(_),
            FromVenue::QueryEnd(_),
            FromVenue::OrderCanceled(_)
        ]
    ));
}

#[test]
fn an_account_is_checked_by_the_engine() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let mut spoof = order(1, Side::Buy, MARK - 5, 0);
    spoof.account_id = account(BOB);
    alice.ask(&mut world, &spoof);
    spoof.account_id = account(ALICE);
    spoof.cl_ord_id = engine::ClientOrderId::new(2);
    alice.ask(&mut world, &spoof);
    world.settle();
    let heard = alice.messages(&mut world);
    let [FromVenue::RequestRejected(no), FromVenue::OrderAccepted(_)] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((no.code, no.ref_seq_no.get(), no.ref_template_id), (2030, 1, 100));
    assert_eq!((world.resting(BOB), world.resting(ALICE)), (0, 1));
}

#[test]
fn every_field_that_may_not_be_so_is_named() {
    type Change = fn(&mut gateway::wire::private::NewOrder);
    let cases: [(u16, u16, Change); 13] = [
        (1008, 1, |order| order.cl_ord_id = engine::ClientOrderId::new(0)),
        (1008, 4, |order| order.price = PriceN::NONE),
        (1011, 4, |order| order.ord_type = OrdType::Market.into()),
        (1008, 5, |order| order.qty = risk::Qty::new(i64::MIN)),
        (1011, 7, |order| order.trigger_price = Price::new(1).into()),
        (1011, 8, |order| order.expire_time = TimeNsN::from(engine::TimeNs::new(1))),
        (1011, 11, |order| order.flags = OrdFlags(4)),
        (1008, 7, |order| order.ord_type = OrdType::StopLimit.into()),
        (1008, 8, |order| order.tif = Tif::GTD.into()),
        (1011, 15, |order| order.stp = Stp::None.into()),
        (1007, 12, |_| ()),
        (1007, 13, |_| ()),
        (1007, 17, |_| ()),
    ];
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    for (code, field, change) in cases {
        let mut message = order(1, Side::Buy, MARK - 5, 0);
        change(&mut message);
        let mut frame = numbered(alice.next, &message);
        if code == 1007 {
            // Side, type, and post-only mode as octets that mean nothing.
            let at = 32 + 74 + usize::from(field) - 12;
            frame[at] = 77;
        }
        alice.next += 1;
        alice.send(&mut world, &frame);
        world.settle();
        let heard = alice.messages(&mut world);
        let [FromVenue::SessionReject(no)] = &heard[..] else { panic!("{code} {field}: {heard:?}") };
        assert_eq!((no.code, no.field_id.get(), no.ref_template_id), (code, Some(field), 100));
    }
    alice.bid(&mut world, 1, 1);
    world.settle();
    assert!(matches!(alice.messages(&mut world)[..], [FromVenue::OrderAccepted(_)]), "no name was used up");
    assert_eq!(world.door.stats().refused_frames, 13);
}

#[test]
fn kinds_keep_to_their_requests() {
    let mut world = World::new();
    let create = AccountCreate { request_id: engine::ClientOrderId::new(1), account_id: AccountId::new(20) };
    for key in [ALICE, READER, ORACLE] {
        let mut client = world.client(key);
        client.ask(&mut world, &create);
        world.settle();
        let heard = client.messages(&mut world);
        assert!(matches!(&heard[..], [FromVenue::SessionReject(no)] if no.code == 1104), "{heard:?}");
    }
    let mut operator = world.client(OPERATOR);
    operator.bid(&mut world, 1, 1);
    world.settle();
    assert!(matches!(&operator.messages(&mut world)[..], [FromVenue::SessionReject(no)] if no.code == 1104));
}

#[test]
fn orders_are_throttled_together_and_cancels_never() {
    let config = DoorConfig { requests: Allowance { capacity: 3, rate: 10 }, ..DoorConfig::default() };
    let mut world = World::with(config, 1 << 14);
    let mut alice = world.client(ALICE);
    let mut burst = Vec::new();
    for name in 1..=7 {
        burst.extend(numbered(name, &order(name, Side::Buy, MARK - 5, 0)));
    }
    burst.extend(numbered(8, &cancel(8, 1)));
    burst.extend(numbered(9, &order(9, Side::Buy, MARK - 5, 0)));
    alice.send(&mut world, &burst);
    assert!(alice.left.is_empty());
    world.settle();
    assert_eq!(skips(&world).iter().map(|skip| skip.count).collect::<Vec<_>>(), [4, 1]);
    let heard = alice.messages(&mut world);
    let [
        FromVenue::OrderAccepted(_),
        FromVenue::OrderAccepted(_),
        FromVenue::OrderAccepted(_),
        FromVenue::ThrottleReject(four),
        FromVenue::OrderCanceled(_),
        FromVenue::ThrottleReject(one),
    ] = &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!((four.ref_seq_no.get(), four.count, four.retry_after_ns), (7, 4, 100 * MS));
    assert_eq!((one.ref_seq_no.get(), one.count), (9, 1));
    world.pass(100);
    alice.next = 10;
    alice.bid(&mut world, 10, 1);
    world.settle();
    assert!(matches!(&alice.messages(&mut world)[..], [FromVenue::OrderAccepted(_)]));
    assert_eq!(world.door.stats().throttled, 5);
}

#[test]
fn a_full_queue_uses_up_nothing() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    world.queue.capacity = 2;
    let mut burst = Vec::new();
    for name in 1..=4 {
        burst.extend(numbered(name, &order(name, Side::Buy, MARK - 5, 0)));
    }
    burst.extend(numbered(5, &cancel(5, 1)));
    alice.send(&mut world, &burst);
    assert_eq!(alice.left.len(), 2 * 112 + 72, "the cancel waits behind the orders");
    assert!(!world.door.wants_read(alice.id));
    for left in [112, 0] {
        world.queue.capacity = 2;
        world.settle();
        // The tick's own command must not take the place.
        world.queue.capacity = 0;
        world.round();
        assert!(world.door.drain_ready().any(|id| id == alice.id) && world.door.wants_read(alice.id));
        world.queue.capacity = if left == 0 { 2 } else { 1 };
        alice.push(&mut world);
        assert_eq!(alice.left.len(), if left == 0 { 0 } else { 112 + 72 });
    }
    world.queue.capacity = 9;
    world.settle();
    let heard = alice.hear(&mut world);
    assert_eq!(heard.len(), 5);
    assert_eq!(world.door.stats().dropped_resends, 0);
}

#[test]
fn throttled_numbers_wait_for_the_queue_too() {
    let config = DoorConfig { requests: Allowance { capacity: 1, rate: 1 }, ..DoorConfig::default() };
    let mut world = World::with(config, 1 << 14);
    let mut alice = world.client(ALICE);
    world.queue.capacity = 1;
    let mut burst = Vec::new();
    for name in 1..=3 {
        burst.extend(numbered(name, &order(name, Side::Buy, MARK - 5, 0)));
    }
    alice.send(&mut world, &burst);
    assert_eq!(alice.left.len(), 2 * 112);
    world.settle();
    alice.push(&mut world);
    assert!(alice.left.is_empty());
    world.settle();
    assert!(matches!(
        &alice.messages(&mut world)[..],
        [FromVenue::OrderAccepted(_), FromVenue::ThrottleReject(no)] if (no.ref_seq_no.get(), no.count) == (3, 2)
    ));
}

#[test]
fn one_connection_has_its_quota_a_round() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let mut burst = Vec::new();
    for name in 1..=100 {
        burst.extend(numbered(name, &order(name, Side::Buy, MARK - 5, 0)));
    }
    alice.send(&mut world, &burst);
    assert_eq!(alice.left.len(), 36 * 112);
    assert!(world.door.wants_read(alice.id) && world.door.has_more(alice.id));
    assert!(world.door.drain_ready().any(|id| id == alice.id));
    alice.push(&mut world);
    assert!(alice.left.is_empty() && !world.door.has_more(alice.id));
    world.settle();
    assert_eq!(alice.hear(&mut world).len(), 100);
}

#[test]
fn an_order_is_told_to_its_session_to_who_touched_it_and_to_copies() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let mut other = world.connect(ALICE);
    other.tag = 1;
    other.log_on(&mut world);
    let reader = world.client(READER);
    let bob = world.client(BOB);
    alice.bid(&mut world, 1, 1);
    world.settle();
    assert_eq!((alice.hear(&mut world).len(), other.hear(&mut world).len()), (1, 0));
    let copies = reader.messages(&mut world);
    let [FromVenue::OrderAccepted(accepted)] = &copies[..] else { panic!("{copies:?}") };

    let mut by_id = cancel(5, 0);
    by_id.order_id = IdN::from(accepted.order_id.get());
    other.ask(&mut world, &by_id);
    world.settle();
    let request = |client: &Client, world: &mut World| {
        let heard = client.messages(world);
        let [FromVenue::OrderCanceled(gone)] = &heard[..] else { panic!("{heard:?}") };
        gone.request_id
    };
    assert_eq!(request(&alice, &mut world), IdN::NONE);
    assert_eq!(request(&reader, &mut world), IdN::NONE);
    assert_eq!(request(&other, &mut world), IdN::from(5));
    assert_eq!(bob.hear(&mut world), []);
}

#[test]
fn an_operator_is_answered_and_the_account_hears() {
    let mut world = World::new();
    let (mut alice, mut operator) = (world.client(ALICE), world.client(OPERATOR));
    alice.bid(&mut world, 1, 1);
    let name = engine::ClientOrderId::new;
    operator.ask(&mut world, &AccountCreate { request_id: name(1), account_id: AccountId::new(20) });
    operator.ask(&mut world, &AccountCreate { request_id: name(2), account_id: AccountId::new(20) });
    let transfer = |number, amount| Transfer {
        request_id: name(number),
        ..gateway::client::request::transfer(account(ALICE), Money::new(amount))
    };
    operator.ask(&mut world, &transfer(3, 500));
    operator.ask(&mut world, &transfer(4, -200));
    operator.ask(
        &mut world,
        &AdminMassCancel { request_id: name(5), account_id: account(ALICE), instrument_id: U32N::NONE },
    );
    let suspended = Code::of(AccountStatus::Suspended);
    operator.ask(
        &mut world,
        &SetAccountStatus {
            request_id: name(6),
            account_id: account(ALICE),
            status: suspended,
            cancel_orders: 1,
        },
    );
    let key = KeyRegister {
        request_id: name(7),
        key_id: KeyId::new(77),
        account_id: AccountId::new(20),
        permissions: Permissions(0b10),
        expires: TimeNsN::NONE,
        public_key: Octets(secret(77).verifying_key().to_bytes()),
    };
    operator.ask(&mut world, &key);
    world.settle();
    let heard = operator.messages(&mut world);
    let acks: Vec<_> = heard
        .iter()
        .map(|message| {
            let FromVenue::AdminAck(ack) = message else { panic!("{message:?}") };
            (ack.request_id.get(), ack.ref_template_id, ack.code)
        })
        .collect();
    let expected =
        [(1, 402, 0), (2, 402, 2400), (3, 403, 0), (4, 403, 0), (5, 409, 0), (6, 404, 0), (7, 405, 0)];
    assert_eq!(acks, expected);
    let heard = alice.messages(&mut world);
    let [
        FromVenue::OrderAccepted(_),
        FromVenue::BalanceChange(first),
        FromVenue::BalanceChange(second),
        FromVenue::OrderCanceled(_),
        FromVenue::AccountStatusChanged(status),
        FromVenue::StandingChanged(standing),
    ] = &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!((first.amount.get(), second.amount.get(), status.status), (500, -200, suspended));
    assert_eq!(standing.status, suspended);
}

#[test]
fn an_oracle_is_answered() {
    let mut world = World::new();
    let mut oracle = world.client(ORACLE);
    let price = |number| IndexPrice {
        source_seq: number,
        instrument_id: InstrumentId::new(0),
        price: Mark::new(MARK * 1024),
        source_id: 3,
    };
    for number in [5, 5, 6, 0] {
        oracle.ask(&mut world, &price(number));
    }
    world.settle();
    let heard = oracle.messages(&mut world);
    let [
        FromVenue::OracleAck(taken),
        FromVenue::OracleAck(stale),
        FromVenue::OracleAck(next),
        FromVenue::SessionReject(zero),
    ] = &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!((taken.code, stale.code, next.code, zero.code), (0, 2155, 0, 1008));
    assert_eq!((taken.mark.get(), stale.mark.get()), (Some(Mark::new(MARK * 1024)), None));
}

#[test]
fn settings_and_mass_cancels_are_answered() {
    let mut world = World::with(DoorConfig::default(), 1 << 18);
    let mut alice = world.client(ALICE);
    for name in 1..=300 {
        alice.bid(&mut world, name, 1);
        world.settle();
    }
    alice.hear(&mut world);
    let name = engine::ClientOrderId::new;
    let (account_id, instrument_id) = (AccountId::new(0), InstrumentId::new(0));
    let leverage = SetLeverage {
        cl_ord_id: name(301),
        account_id,
        instrument_id,
        leverage_e2: 500,
        valid_until: TimeNsN::NONE,
    };
    alice.ask(&mut world, &leverage);
    alice.ask(
        &mut world,
        &MassCancel {
            cl_ord_id: name(302),
            account_id,
            instrument_id: U32N::NONE,
            valid_until: TimeNsN::NONE,
        },
    );
    world.settle();
    let heard = alice.messages(&mut world);
    assert!(matches!(&heard[0], FromVenue::LeverageSet(set) if set.request_id == IdN::from(301)));
    assert_eq!(heard.len(), 302, "300 cancellations, over two commands");
    assert!(
        matches!(&heard[301], FromVenue::MassCancelAck(ack) if (ack.canceled, ack.cl_ord_id) == (300, name(302)))
    );
}

#[test]
fn queries_keep_to_the_account_and_to_their_bucket() {
    let config = DoorConfig { queries: Allowance { capacity: 5, rate: 1 }, ..DoorConfig::default() };
    let mut world = World::with(config, 1 << 14);
    let mut alice = world.client(ALICE);
    alice.bid(&mut world, 1, 1);
    let own = AccountId::new(0);
    alice.say(&mut world, &RiskQuery { query_id: 1, account_id: own });
    alice.say(&mut world, &RiskQuery { query_id: 2, account_id: account(BOB) });
    alice.say(&mut world, &BookQuery { query_id: 3, instrument_id: InstrumentId::new(0), depth: 10 });
    let status =
        OrderStatusQuery { query_id: 4, account_id: own, order_id: IdN::NONE, cl_ord_id: IdN::from(1) };
    alice.say(&mut world, &status);
    for query_id in 5..=7 {
        alice.say(&mut world, &InstrumentQuery { query_id });
    }
    world.settle();
    let ends: Vec<_> = alice
        .messages(&mut world)
        .into_iter()
        .filter_map(|message| {
            let FromVenue::QueryEnd(end) = message else { return None };
            Some((end.query_id, end.rows, end.code))
        })
        .collect();
    let mut sorted = ends.clone();
    sorted.sort_unstable();
    // The account with its money, two sides of a book, an order, an instrument.
    let expected = [(1, 2, 0), (2, 0, 1104), (3, 2, 0), (4, 1, 0), (5, 1, 0), (6, 1, 0), (7, 0, 1110)];
    assert_eq!(sorted, expected);
    assert_eq!(ends.len(), 7);
}

#[test]
fn a_deadline_that_has_passed_is_kept() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    for (name, until) in [(1, world.now - 1), (2, world.now), (3, 0)] {
        let mut message = order(name, Side::Buy, MARK - 5, 0);
        message.valid_until = TimeNsN::from(engine::TimeNs::new(until));
        alice.ask(&mut world, &message);
    }
    world.settle();
    let heard = alice.messages(&mut world);
    assert!(matches!(
        &heard[..],
        [FromVenue::RequestRejected(a), FromVenue::OrderAccepted(_), FromVenue::RequestRejected(b)]
            if (a.code, b.code) == (2025, 2025)
    ));
}

#[test]
fn what_the_door_submits_is_what_was_asked() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    alice.ask(&mut world, &order(3, Side::Sell, MARK + 5, OrdFlags::PERSIST));
    alice.ask(&mut world, &cancel(4, 3));
    world.settle();
    let commands: Vec<Command> =
        world.log.iter().rev().take(2).map(|logged| logged.command.clone()).collect();
    let [cancel, new] = &commands[..] else { panic!("two commands") };
    let Action::NewOrder(order) = &new.action else { panic!("{new:?}") };
    assert!(order.persistent && !order.reduce_only && order.account == account(ALICE));
    assert_eq!((new.client_seq.get(), new.client_order_id.get()), (1, 3));
    let Action::CancelOrder(gone) = &cancel.action else { panic!("{cancel:?}") };
    assert_eq!(gone.order, OrderRef::Client(engine::ClientOrderId::new(3)));
}
