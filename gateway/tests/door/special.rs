//! Orders with instructions, batches, quotes and protection: what a request becomes, and what its session hears.

use crate::harness::*;
use engine::{
    Action, BatchMode, ClientOrderId, ClientSeq, Instructions, MassCancel, OrderTag, Pricing, Protection,
    ProtectionId, SelfTrade, TimeNs, Trigger, TriggerKind, TriggerSource,
};
use gateway::wire::private::{
    AdvancedOrder, AmendOrder, CancelMany, FromVenue, MassQuote, OpenOrder, OpenOrdersQuery, OrderBatch,
    QuoteRow, ResetProtection, SetProtection,
};
use gateway::wire::types::{
    self, CancelReason, Code, IdN, Millis, OrdFlags, OrdType, OrderStage, PostOnlyMode, PriceN, QtyN, Side,
    Stp, Tif, TimeNsN, TriggerSrc, TrimReason, U32N,
};
use gateway::wire::{Group, Message};
use risk::{AccountId, InstrumentId, Money, Price, Qty};

const OWN: AccountId = AccountId::new(0);
const TEST: InstrumentId = InstrumentId::new(0);

fn name(number: u64) -> ClientOrderId {
    ClientOrderId::new(number)
}

fn full(number: u64, side: Side, away: i64) -> AdvancedOrder {
    order(number, side, MARK + away * 5, 0).in_full()
}

/// A buy that takes profit ten ticks above the mark and stops ten below.
fn bracket(number: u64) -> AdvancedOrder {
    AdvancedOrder {
        take_profit_trigger: Price::new(MARK + 50).into(),
        stop_loss_trigger: Price::new(MARK - 50).into(),
        stop_loss_price: Price::new(MARK - 60).into(),
        ..full(number, Side::Buy, -1)
    }
}

fn batch(number: u64, mode: types::BatchMode, orders: &[AdvancedOrder]) -> OrderBatch {
    let orders = Group(orders.iter().map(AdvancedOrder::batched).collect());
    OrderBatch {
        cl_ord_id: name(number),
        account_id: OWN,
        valid_until: TimeNsN::NONE,
        mode: mode.into(),
        orders,
    }
}

fn quote(level: u8, away: i64, qty: i64) -> QuoteRow {
    QuoteRow {
        instrument_id: TEST,
        bid_px: Price::new(MARK - away * 5),
        bid_qty: Qty::new(qty),
        ask_px: Price::new(MARK + away * 5),
        ask_qty: Qty::new(qty),
        level,
    }
}

fn quotes(number: u64, protection_group: u16, rows: &[QuoteRow]) -> MassQuote {
    MassQuote {
        cl_ord_id: name(number),
        account_id: OWN,
        valid_until: TimeNsN::NONE,
        protection_group,
        all_or_none: 0,
        quotes: Group(rows.to_vec()),
    }
}

fn protection(number: u64, fills_limit: u32) -> SetProtection {
    SetProtection {
        cl_ord_id: name(number),
        account_id: OWN,
        qty_limit: Qty::new(0),
        delta_limit: Qty::new(0),
        fills_limit,
        window: Millis::new(1_000),
        frozen: Millis::new(0),
        protection_group: 7,
        valid_until: TimeNsN::NONE,
    }
}

fn cancel_many(number: u64, side: u8, tag: Option<u64>) -> CancelMany {
    CancelMany {
        cl_ord_id: name(number),
        account_id: OWN,
        instrument_id: U32N::NONE,
        user_tag: IdN::from(tag),
        side,
        valid_until: TimeNsN::NONE,
    }
}

/// An octet that is no value of its enumeration.
fn unknown<E>() -> Code<E> {
    engine::codec::decode(&[99]).expect("any octet is one").0
}

/// What the newest command asks for.
fn newest(world: &World) -> Action {
    world.log.last().expect("something was sequenced").command.action.clone()
}

fn templates(heard: &[FromVenue]) -> Vec<u16> {
    heard.iter().map(FromVenue::template).collect()
}

#[test]
fn an_order_becomes_what_it_says() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let said = AdvancedOrder {
        display_qty: Qty::new(4).into(),
        min_qty: QtyN::NONE,
        expire_time: TimeNsN::from(TimeNs::new(world.now + 9 * MS)),
        user_tag: 77,
        protection_group: 0,
        tif: Tif::GTD.into(),
        stp: Stp::Decrement.into(),
        post_only: PostOnlyMode::Slide.into(),
        ..full(1, Side::Buy, -1)
    };
    alice.ask(&mut world, &said);
    world.settle();
    let Action::AdvancedOrder(became) = newest(&world) else { panic!("{:?}", newest(&world)) };
    let expected = Instructions {
        self_trade: SelfTrade::Decrement,
        slides: true,
        display: Qty::new(4),
        expires: TimeNs::new(world.now + 9 * MS),
        tag: OrderTag::new(77),
        ..Instructions::PLAIN
    };
    assert_eq!(became.instructions, expected);
    assert!(became.order.post_only && became.order.account == account(ALICE));
    let heard = alice.messages(&mut world);
    let [FromVenue::OrderAccepted(accepted)] = &heard[..] else { panic!("{heard:?}") };
    let told = (accepted.display_qty, accepted.expire_time, accepted.user_tag);
    assert_eq!(told, (said.display_qty, said.expire_time, 77));
    alice.ask(&mut world, &full(2, Side::Buy, -1));
    world.settle();
    assert!(matches!(newest(&world), Action::NewOrder(_)), "who says nothing beyond the plain order gets it");
}

#[test]
fn every_type_of_order_is_read() {
    let price = |ticks: i64| PriceN::from(Price::new(MARK + ticks * 5));
    let trigger = |kind, ticks: i64| {
        Some(Trigger { source: TriggerSource::Mark, kind, price: Price::new(MARK + ticks * 5) })
    };
    let (stop, profit, trailing) = (TriggerKind::Stop, TriggerKind::TakeProfit, TriggerKind::Trailing);
    let market = (PriceN::NONE, Tif::IOC);
    let limit = (price(0), Tif::GTC);
    let cases = [
        (OrdType::StopMarket, market, Pricing::Stated, trigger(stop, 9)),
        (OrdType::StopLimit, limit, Pricing::Stated, trigger(stop, 9)),
        (OrdType::TakeProfitMarket, market, Pricing::Stated, trigger(profit, 9)),
        (OrdType::TakeProfitLimit, limit, Pricing::Stated, trigger(profit, 9)),
        (OrdType::TrailingStop, limit, Pricing::Stated, trigger(trailing, 9)),
        (OrdType::TrailingStop, market, Pricing::Stated, trigger(trailing, 9)),
        (OrdType::MarketToLimit, (PriceN::NONE, Tif::GTC), Pricing::MarketToLimit, None),
        (OrdType::QuoteNotional, market, Pricing::QuoteNotional, None),
    ];
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    for (number, (kind, (price, tif), pricing, trigger)) in (1..).zip(cases) {
        let trigger_price = PriceN::from(trigger.map(|trigger| trigger.price));
        let said = full(number, Side::Buy, 0);
        let (ord_type, tif) = (kind.into(), tif.into());
        alice.ask(&mut world, &AdvancedOrder { ord_type, tif, price, trigger_price, ..said });
        world.settle();
        let Action::AdvancedOrder(became) = newest(&world) else { panic!("{kind:?}") };
        let understood = (became.order.limit, became.instructions.pricing, became.instructions.trigger);
        assert_eq!(understood, (price.get(), pricing, trigger), "{kind:?}");
    }
    let flags = OrdFlags(OrdFlags::REDUCE_ONLY | OrdFlags::CLOSE_POSITION);
    let (ord_type, tif) = (OrdType::StopMarket.into(), Tif::IOC.into());
    let close = AdvancedOrder { flags, ord_type, tif, qty: Qty::new(0), ..full(20, Side::Sell, 0) };
    let trigger_price = Price::new(MARK - 100).into();
    drop(alice.messages(&mut world));
    alice.ask(&mut world, &AdvancedOrder { price: PriceN::NONE, trigger_price, ..close });
    world.settle();
    let Action::AdvancedOrder(became) = newest(&world) else { panic!("an order with instructions") };
    assert_eq!(became.instructions.pricing, Pricing::ClosePosition);
    let heard = alice.messages(&mut world);
    let [FromVenue::OrderAccepted(accepted), FromVenue::OrderArmed(armed)] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((accepted.flags, armed.leaves_qty, armed.price), (flags, Qty::new(0), PriceN::NONE));
}

#[test]
fn every_field_that_may_not_be_so_is_named() {
    type Change = fn(&mut AdvancedOrder);
    let cases: [(u16, &str, Change); 20] = [
        (1008, "cl_ord_id", |order| order.cl_ord_id = name(0)),
        (1008, "price", |order| order.price = PriceN::NONE),
        (1011, "price", |order| order.ord_type = OrdType::MarketToLimit.into()),
        (1008, "qty", |order| order.qty = Qty::new(i64::MIN)),
        (1011, "display_qty", |order| order.display_qty = Qty::new(0).into()),
        (1008, "trigger_price", |order| order.ord_type = OrdType::TakeProfitLimit.into()),
        (1011, "trigger_price", |order| order.trigger_price = Price::new(5).into()),
        (1008, "expire_time", |order| order.tif = Tif::GTD.into()),
        (1011, "expire_time", |order| order.expire_time = TimeNsN::from(TimeNs::new(1))),
        (1011, "take_profit_price", |order| order.take_profit_price = Price::new(5).into()),
        (1011, "stop_loss_price", |order| order.stop_loss_price = Price::new(5).into()),
        (1011, "flags", |order| order.flags = OrdFlags(4)),
        (1011, "flags", |order| {
            order.flags = OrdFlags(OrdFlags::CLOSE_POSITION);
            (order.ord_type, order.price) = (OrdType::QuoteNotional.into(), PriceN::NONE);
        }),
        (1007, "side", |order| order.side = unknown()),
        (1007, "ord_type", |order| order.ord_type = unknown()),
        (1007, "tif", |order| order.tif = unknown()),
        (1007, "stp", |order| order.stp = unknown()),
        (1007, "trigger_src", |order| {
            (order.ord_type, order.trigger_price) = (OrdType::StopLimit.into(), Price::new(5).into());
            order.trigger_src = unknown();
        }),
        (1007, "exit_src", |order| {
            (order.stop_loss_trigger, order.exit_src) = (Price::new(5).into(), unknown());
        }),
        (1007, "post_only", |order| order.post_only = unknown()),
    ];
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    for (code, field, change) in cases {
        let mut said = full(1, Side::Buy, -1);
        change(&mut said);
        alice.ask(&mut world, &said);
        let number = AdvancedOrder::LAYOUT.number_of(field);
        assert_refused(&mut world, &alice, (106, code, Some(number)));
        if field != "cl_ord_id" {
            // In a batch the rows share the number of their group.
            alice.ask(&mut world, &batch(1, types::BatchMode::Each, &[full(2, Side::Buy, -1), said]));
            let number = OrderBatch::LAYOUT.number_of("orders");
            assert_refused(&mut world, &alice, (105, code, Some(number)));
        }
    }
    alice.bid(&mut world, 1, 1);
    world.settle();
    assert!(matches!(alice.messages(&mut world)[..], [FromVenue::OrderAccepted(_)]), "no name was used up");
}

fn assert_refused(world: &mut World, client: &Client, expected: (u16, u16, Option<u16>)) {
    world.settle();
    let heard = client.messages(world);
    let [FromVenue::SessionReject(no)] = &heard[..] else { panic!("{expected:?}: {heard:?}") };
    assert_eq!((no.ref_template_id, no.code, no.field_id.get()), expected);
}

#[test]
fn what_the_other_requests_may_not_say_is_named() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let row = || full(2, Side::Buy, -1);
    let mut unnamed = batch(0, types::BatchMode::Each, &[row()]);
    alice.ask(&mut world, &unnamed);
    assert_refused(&mut world, &alice, (105, 1008, Some(1)));
    (unnamed.cl_ord_id, unnamed.mode) = (name(1), unknown());
    alice.ask(&mut world, &unnamed);
    assert_refused(&mut world, &alice, (105, 1007, Some(OrderBatch::LAYOUT.number_of("mode"))));
    alice.ask(&mut world, &batch(1, types::BatchMode::Each, &vec![row(); 17]));
    assert_refused(&mut world, &alice, (105, 1009, Some(OrderBatch::LAYOUT.number_of("orders"))));
    alice.ask(&mut world, &quotes(1, 0, &vec![quote(0, 1, 1); 17]));
    assert_refused(&mut world, &alice, (110, 1009, Some(MassQuote::LAYOUT.number_of("quotes"))));
    alice.ask(&mut world, &MassQuote { all_or_none: 2, ..quotes(1, 0, &[]) });
    assert_refused(&mut world, &alice, (110, 1007, Some(MassQuote::LAYOUT.number_of("all_or_none"))));
    alice.ask(&mut world, &quotes(0, 0, &[]));
    assert_refused(&mut world, &alice, (110, 1008, Some(1)));
    alice.ask(&mut world, &protection(0, 1));
    assert_refused(&mut world, &alice, (111, 1008, Some(1)));
    alice.ask(
        &mut world,
        &ResetProtection {
            cl_ord_id: name(0),
            account_id: OWN,
            protection_group: 7,
            valid_until: TimeNsN::NONE,
        },
    );
    assert_refused(&mut world, &alice, (112, 1008, Some(1)));
    alice.ask(&mut world, &cancel_many(1, 3, None));
    assert_refused(&mut world, &alice, (107, 1007, Some(CancelMany::LAYOUT.number_of("side"))));
    alice.ask(&mut world, &cancel_many(0, 0, None));
    assert_refused(&mut world, &alice, (107, 1008, Some(1)));
}

#[test]
fn exits_are_told_with_their_own_numbers_and_terms() {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.client(ALICE), world.client(BOB));
    let reader = world.client(READER);
    let entry = AdvancedOrder {
        user_tag: 5,
        display_qty: Qty::new(4).into(),
        flags: OrdFlags(OrdFlags::PERSIST),
        ..bracket(10)
    };
    alice.ask(&mut world, &entry);
    world.settle();
    let heard = alice.messages(&mut world);
    assert_eq!(templates(&heard), [200, 200, 206, 200, 206]);
    assert_eq!(templates(&reader.messages(&mut world)), [200, 200, 206, 200, 206]);
    let accepted: Vec<_> = heard
        .iter()
        .filter_map(|message| if let FromVenue::OrderAccepted(order) = message { Some(order) } else { None })
        .collect();
    let told = |at: usize| {
        let order = accepted[at];
        (order.cl_ord_id.get(), order.qty.get(), order.display_qty.get(), order.flags.0, order.user_tag)
    };
    assert_eq!(told(0), (10, 10, Some(Qty::new(4)), OrdFlags::PERSIST, 5));
    let held = OrdFlags::PERSIST | OrdFlags::REDUCE_ONLY;
    assert_eq!([told(1), told(2)], [(11, 0, None, held, 5), (12, 0, None, held, 5)]);

    let sell = AdvancedOrder { tif: Tif::IOC.into(), ..full(1, Side::Sell, -1) };
    bob.ask(&mut world, &sell);
    world.settle();
    // Three shown parts, filled one after the other; with each both exits grow.
    let heard = alice.messages(&mut world);
    assert_eq!(count(&heard, |message| matches!(message, FromVenue::OrderFilled(_))), 3);
    assert_eq!(count(&heard, |message| matches!(message, FromVenue::OrderRefreshed(_))), 2);
    let grown: Vec<_> = heard
        .iter()
        .filter_map(|message| {
            let FromVenue::OrderArmed(armed) = message else { return None };
            Some((armed.cl_ord_id.get(), armed.leaves_qty.get(), armed.request_id.get()))
        })
        .collect();
    assert_eq!(grown[4..], [(11, 10, None), (12, 10, None)]);
    world.operator(engine::Command::venue(Action::index_price(TEST, risk::Mark::new((MARK + 50) * 1024))));
    world.settle();
    let heard = alice.messages(&mut world);
    // The take-profit fires, takes the stop with it, and finds no bid.
    assert_eq!(templates(&heard)[..2], [205, 203]);
    let [FromVenue::OrderTriggered(fired), FromVenue::OrderCanceled(stop), ..] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((fired.cl_ord_id.get(), fired.trigger_price), (11, Price::new(MARK + 50)));
    assert_eq!((stop.cl_ord_id.get(), stop.reason), (12, CancelReason::Contingent.into()));
    assert!(matches!(&heard[2], FromVenue::OrderActivated(now) if now.cl_ord_id == name(11)), "{heard:?}");
}

#[test]
fn the_end_of_the_day_is_told_as_a_time() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    alice.ask(&mut world, &AdvancedOrder { tif: Tif::Day.into(), ..full(1, Side::Buy, -1) });
    world.settle();
    let heard = alice.messages(&mut world);
    let [FromVenue::OrderAccepted(accepted)] = &heard[..] else { panic!("{heard:?}") };
    let day = 86_400_000 * MS;
    let midnight = (world.now.div_euclid(day) + 1) * day;
    assert_eq!(accepted.expire_time.get(), Some(TimeNs::new(midnight)));
    assert_eq!(open_orders(&mut world, &mut alice)[0].expire_time, accepted.expire_time);
    world.now = midnight;
    world.operator(engine::Command::venue(Action::Tick));
    world.settle();
    let heard = alice.messages(&mut world);
    let expired = |message: &FromVenue| matches!(message, FromVenue::OrderCanceled(gone) if gone.reason == CancelReason::Expired.into());
    assert_eq!(count(&heard, expired), 1, "{heard:?}");
}

fn open_orders(world: &mut World, client: &mut Client) -> Vec<OpenOrder> {
    let query = OpenOrdersQuery { query_id: 1, account_id: OWN, instrument_id: U32N::NONE };
    client.say(world, &query);
    world.settle();
    let rows = client.messages(world).into_iter();
    rows.filter_map(|row| if let FromVenue::OpenOrder(row) = row { Some(row) } else { None }).collect()
}

#[test]
fn an_open_order_says_what_it_waits_for_and_what_it_shows() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let iceberg = AdvancedOrder { display_qty: Qty::new(3).into(), user_tag: 8, ..bracket(1) };
    alice.ask(&mut world, &iceberg);
    let stop = AdvancedOrder {
        ord_type: OrdType::StopLimit.into(),
        trigger_price: Price::new(MARK + 500).into(),
        trigger_src: TriggerSrc::Index.into(),
        ..full(4, Side::Buy, -1)
    };
    alice.ask(&mut world, &stop);
    world.settle();
    drop(alice.messages(&mut world));
    let mut rows = open_orders(&mut world, &mut alice);
    rows.sort_by_key(|row| row.cl_ord_id);
    let told: Vec<_> =
        rows.iter().map(|row| (row.leaves_qty.get(), row.shown_qty.get(), row.user_tag, row.stage)).collect();
    let (live, held, dormant) =
        (OrderStage::Live.into(), OrderStage::Held.into(), OrderStage::Dormant.into());
    assert_eq!(told, [(10, 3, 8, live), (0, 0, 8, held), (0, 0, 8, held), (10, 0, 0, dormant)]);
    let kinds: Vec<_> = rows.iter().map(|row| row.trigger_kind).collect();
    let (none, profit, stop) =
        (types::TriggerKind::None, types::TriggerKind::TakeProfit, types::TriggerKind::Stop);
    assert_eq!(kinds, [none, profit, stop, stop].map(Code::of));
    assert_eq!(rows[3].trigger_src, TriggerSrc::Index.into());
    assert_eq!(rows[3].trigger_price.get(), Some(Price::new(MARK + 500)));
}

#[test]
fn a_batch_is_answered_order_by_order() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let rows = |by: u64| {
        let bad = AdvancedOrder { qty: Qty::new(5_000), ..full(3 + by, Side::Buy, -1) };
        [full(2 + by, Side::Buy, -1), bad, full(4 + by, Side::Buy, -2)]
    };
    alice.ask(&mut world, &batch(1, types::BatchMode::Each, &rows(0)));
    world.settle();
    let heard = alice.messages(&mut world);
    let [FromVenue::OrderAccepted(two), FromVenue::RequestRejected(three), FromVenue::OrderAccepted(four)] =
        &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!([two.cl_ord_id, three.cl_ord_id, four.cl_ord_id], [2, 3, 4].map(name));
    assert_eq!((three.code, three.ref_template_id, three.ref_seq_no), (2130, 105, ClientSeq::new(1)));

    alice.ask(&mut world, &batch(5, types::BatchMode::Atomic, &rows(4)));
    world.settle();
    let codes = |heard: &[FromVenue]| -> Vec<(u64, u16)> {
        heard
            .iter()
            .map(|message| {
                let FromVenue::RequestRejected(no) = message else { panic!("{message:?}") };
                (no.cl_ord_id.get(), no.code)
            })
            .collect()
    };
    assert_eq!(codes(&alice.messages(&mut world)), [(6, 2350), (7, 2130), (8, 2350)]);

    // About the batch as a whole: three are no pair, and numbers that do not rise.
    alice.ask(&mut world, &batch(9, types::BatchMode::OneCancelsOther, &rows(8)));
    alice.ask(&mut world, &batch(20, types::BatchMode::Each, &[full(20, Side::Buy, -1)]));
    world.settle();
    assert_eq!(codes(&alice.messages(&mut world)), [(9, 2110), (20, 2020)]);
}

#[test]
fn the_longest_batch_fits_its_frame_and_its_record() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let orders: Vec<_> = (0..16).map(|at| bracket(2 + 3 * at)).collect();
    let longest = batch(1, types::BatchMode::Each, &orders);
    let frame = numbered(alice.next, &longest);
    assert!(frame.len() <= 4_096, "{}", frame.len());
    alice.ask(&mut world, &longest);
    world.settle();
    let Action::OrderBatch(became) = newest(&world) else { panic!("{:?}", newest(&world)) };
    assert_eq!((became.mode, became.orders.len()), (BatchMode::Each, 16));
    let mut octets = [0; engine::codec::VALUE_BYTES_MAX];
    let action = Action::OrderBatch(became);
    let length = engine::codec::encode(&action, &mut octets);
    assert_eq!(engine::codec::decode::<Action>(&octets[..length]), Ok((action, length)));
    assert_eq!(
        count(&alice.messages(&mut world), |message| matches!(message, FromVenue::OrderAccepted(_))),
        48
    );
}

#[test]
fn a_pair_tells_what_the_other_filled() {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.client(ALICE), world.client(BOB));
    let pair = [full(2, Side::Buy, -1), full(3, Side::Buy, -2)];
    alice.ask(&mut world, &batch(1, types::BatchMode::OneCancelsOther, &pair));
    world.settle();
    assert_eq!(templates(&alice.messages(&mut world)), [200, 200]);
    let sell = AdvancedOrder { qty: Qty::new(4), tif: Tif::IOC.into(), ..full(1, Side::Sell, -1) };
    bob.ask(&mut world, &sell);
    world.settle();
    let heard = alice.messages(&mut world);
    let [FromVenue::OrderFilled(filled), FromVenue::OrderTrimmed(cut)] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((filled.cl_ord_id, cut.cl_ord_id), (name(2), name(3)));
    assert_eq!((cut.leaves_qty, cut.reason), (Qty::new(6), TrimReason::Contingent.into()));
}

#[test]
fn a_trigger_is_amended_by_the_message_that_amends_orders() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let stop = AdvancedOrder {
        ord_type: OrdType::StopLimit.into(),
        trigger_price: Price::new(MARK + 500).into(),
        ..full(1, Side::Buy, -1)
    };
    alice.ask(&mut world, &stop);
    let amend = AmendOrder {
        cl_ord_id: name(2),
        order_id: IdN::NONE,
        orig_cl_ord_id: IdN::from(1),
        account_id: OWN,
        instrument_id: TEST,
        new_price: Price::new(MARK).into(),
        new_total_qty: Qty::new(7).into(),
        new_trigger_price: Price::new(MARK + 400).into(),
        valid_until: TimeNsN::NONE,
        post_only: PostOnlyMode::Off.into(),
    };
    alice.ask(&mut world, &amend);
    let plain = AmendOrder { cl_ord_id: name(3), new_trigger_price: PriceN::NONE, ..amend };
    alice.ask(&mut world, &plain);
    alice
        .ask(&mut world, &AmendOrder { cl_ord_id: name(4), post_only: PostOnlyMode::Reject.into(), ..amend });
    world.settle();
    let heard = alice.messages(&mut world);
    let [
        _,
        FromVenue::OrderArmed(first),
        FromVenue::OrderArmed(second),
        FromVenue::RequestRejected(no),
        FromVenue::SessionReject(both),
    ] = &heard[..]
    else {
        panic!("{heard:?}")
    };
    assert_eq!((first.request_id, second.request_id), (IdN::from(1), IdN::from(2)));
    assert_eq!((second.trigger_price, second.leaves_qty), (Price::new(MARK + 400), Qty::new(7)));
    assert_eq!((no.cl_ord_id, no.code, no.ref_template_id), (name(3), 2110, 102));
    assert_eq!((both.code, both.field_id.get()), (1011, Some(AmendOrder::LAYOUT.number_of("post_only"))));
}

#[test]
fn quotes_and_their_protection_are_answered() {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.client(ALICE), world.client(BOB));
    let reader = world.client(READER);
    alice.ask(&mut world, &protection(1, 1));
    world.settle();
    let set = Protection {
        account: account(ALICE),
        group: ProtectionId::new(7),
        window_ms: 1_000,
        frozen_ms: 0,
        qty_limit: Qty::ZERO,
        delta_limit: Qty::ZERO,
        fills_limit: 1,
    };
    assert_eq!(newest(&world), Action::SetProtection(set));
    alice.ask(&mut world, &quotes(2, 7, &[quote(0, 2, 5), quote(1, 3, 5_000)]));
    world.settle();
    let heard = alice.messages(&mut world);
    assert_eq!(templates(&heard), [216, 200, 200, 215, 215, 211], "{heard:?}");
    let FromVenue::QuoteRefused(refused) = &heard[3] else { panic!("{heard:?}") };
    assert_eq!((refused.cl_ord_id, refused.level, refused.side), (name(2), 1, Side::Buy.into()));
    assert_eq!(refused.code, 2130);
    assert!(matches!(&heard[5], FromVenue::MassQuoteAck(done) if (done.taken, done.refused) == (2, 2)));
    assert_eq!(templates(&reader.messages(&mut world)), [200, 200], "who only reads hears of orders");

    bob.ask(&mut world, &AdvancedOrder { qty: Qty::new(1), tif: Tif::IOC.into(), ..full(1, Side::Sell, -2) });
    world.settle();
    let heard = alice.messages(&mut world);
    assert_eq!(templates(&heard), [202, 212, 203, 203], "{heard:?}");
    assert!(matches!(&heard[1], FromVenue::ProtectionTripped(tripped)
        if (tripped.protection_group, tripped.frozen_until) == (7, TimeNsN::NONE)));
    assert!(
        matches!(&heard[2], FromVenue::OrderCanceled(gone) if gone.reason == CancelReason::Protection.into())
    );
    assert_eq!(templates(&reader.messages(&mut world)), [202, 212, 203, 203]);

    alice.ask(&mut world, &quotes(3, 7, &[quote(0, 2, 5)]));
    alice.ask(
        &mut world,
        &ResetProtection {
            cl_ord_id: name(4),
            account_id: OWN,
            protection_group: 7,
            valid_until: TimeNsN::NONE,
        },
    );
    alice.ask(&mut world, &quotes(5, 7, &[quote(0, 2, 5)]));
    world.settle();
    let heard = alice.messages(&mut world);
    assert_eq!(templates(&heard), [201, 216, 200, 200, 211]);
    assert!(
        matches!(&heard[0], FromVenue::RequestRejected(no) if (no.code, no.ref_template_id) == (2094, 110))
    );
}

#[test]
fn many_orders_are_cancelled_by_side_and_tag() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    for (number, side, tag) in [(1, Side::Buy, 5), (2, Side::Sell, 5), (3, Side::Buy, 6)] {
        let away = if side == Side::Buy { -1 } else { 1 };
        alice.ask(&mut world, &AdvancedOrder { user_tag: tag, ..full(number, side, away) });
    }
    alice.ask(&mut world, &cancel_many(4, 1, Some(5)));
    world.settle();
    let expected = MassCancel {
        side: Some(risk::Side::Buy),
        tag: Some(OrderTag::new(5)),
        ..MassCancel::of_account(account(ALICE))
    };
    assert_eq!(newest(&world), Action::MassCancel(expected));
    let heard = alice.messages(&mut world);
    assert_eq!(templates(&heard), [200, 200, 200, 203, 210]);
    assert!(matches!(&heard[3], FromVenue::OrderCanceled(gone) if gone.cl_ord_id == name(1)));
    assert_eq!(world.resting(ALICE), 2);
}

#[test]
fn margin_that_is_missing_for_a_quote_is_told() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let take = engine::Transfer::new(account(ALICE), Money::new(999_999_000_000));
    world.operator(engine::Command::venue(Action::Withdraw(take)));
    world.settle();
    drop(alice.messages(&mut world));
    alice.ask(&mut world, &quotes(1, 0, &[quote(0, 2, 1_000)]));
    world.settle();
    let heard = alice.messages(&mut world);
    let [FromVenue::QuoteRefused(no), ..] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(no.code, 2330);
    assert!(no.short.get().is_some_and(|short| short > Money::new(0)), "{no:?}");
}
