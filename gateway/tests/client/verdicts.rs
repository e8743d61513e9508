//! What is known of a request, whatever becomes of the connection.

use engine::{ClientOrderId, Seq};
use gateway::client::request::{cancel, limit_order};
use gateway::client::{Answered, Incoming, Request, SendError, Session, Ticket};
use gateway::wire::frame::{self, Flags};
use gateway::wire::private::{
    AccountCreate, AdminAck, AdvancedOrder, FromClient, MassQuote, MassQuoteAck, NewOrder, OrderBatch,
    OrderFilled,
};
use gateway::wire::types::{BatchMode, FillKind, Liquidity, Side, TimeNsN};
use gateway::wire::{Group, Prefix};
use risk::{Money, Price, Qty};

use crate::peer::{
    ACCOUNT, INSTRUMENT, NOW, Peer, accepted, canceled, frames, incoming, log_on, output, take, terms,
};

fn order(session: &mut Session) -> Ticket {
    let order = limit_order(ACCOUNT, INSTRUMENT, Side::Buy, Qty::new(1), Price::new(100));
    session.send(order.into(), NOW).expect("there is room")
}

fn ready() -> (Session, Peer) {
    let mut session = Session::new(terms(), None);
    let peer = Peer::new();
    drop(log_on(&mut session, &peer));
    drop(incoming(&mut session));
    (session, peer)
}

fn settled(incoming: &[Incoming]) -> Vec<(u64, Answered)> {
    let settled = incoming.iter().filter_map(|incoming| match incoming {
        Incoming::Settled { ticket, answered } => Some((ticket.seq_no.get(), *answered)),
        Incoming::LoggedOn(_)
        | Incoming::Event(_)
        | Incoming::GapFill { .. }
        | Incoming::Answer(_)
        | Incoming::Refused(_)
        | Incoming::LoggedOut => None,
    });
    settled.collect()
}

fn rejected(code: u16) -> Answered {
    Answered::Rejected { code, short: None }
}

#[test]
fn each_answer_settles_its_request() {
    let (mut session, mut peer) = ready();
    let tickets: Vec<Ticket> = (0..8).map(|_| order(&mut session)).collect();
    assert!(tickets.iter().all(|ticket| session.standing(*ticket) == Some(Answered::Waiting)));
    let stream =
        [peer.accept(1), peer.reject(2_330), peer.session_reject(1_007), peer.throttle(3), peer.accept(7)];
    let incoming = take(&mut session, &stream.concat());
    let short = Some(Money::new(77));
    let expected = [
        (1, Answered::Accepted),
        (2, Answered::Rejected { code: 2_330, short }),
        (3, rejected(1_007)),
        (4, rejected(1_110)),
        (5, rejected(1_110)),
        (6, rejected(1_110)),
        (7, Answered::Accepted),
    ];
    assert_eq!(settled(&incoming), expected);
    for (ticket, (_, answered)) in tickets.iter().zip(expected) {
        assert_eq!(session.standing(*ticket), Some(answered));
    }
    assert_eq!(session.standing(tickets[7]), Some(Answered::Waiting));
    assert_eq!(session.unsettled(), 1);
}

#[test]
fn an_acceptance_is_told_with_the_last_frame_of_its_event() {
    let (mut session, mut peer) = ready();
    let ticket = order(&mut session);
    // What others do to the session's orders meanwhile says nothing of the request.
    assert!(settled(&take(&mut session, &peer.event(&canceled(9, None)))).is_empty());
    peer.last = 1;
    assert!(settled(&take(&mut session, &peer.part(&accepted(1), false))).is_empty());
    assert_eq!(session.standing(ticket), Some(Answered::Waiting));
    let incoming = take(&mut session, &peer.event(&canceled(1, Some(1))));
    assert_eq!(settled(&incoming), [(1, Answered::Accepted)]);
    assert!(matches!(incoming[0], Incoming::Event(_)), "the event comes before what follows from it");
}

#[test]
fn an_operators_request_is_settled_by_its_acknowledgement() {
    for (code, answered) in [(0, Answered::Accepted), (2_400, rejected(2_400))] {
        let (mut session, mut peer) = ready();
        let request = AccountCreate { request_id: ClientOrderId::new(0), account_id: ACCOUNT };
        let ticket = session.send(request.into(), NOW).unwrap();
        peer.last = 1;
        let ack = AdminAck {
            request_id: ticket.cl_ord_id,
            engine_seq: Seq::new(1),
            transact_time: NOW,
            ref_template_id: 402,
            code,
        };
        assert_eq!(settled(&take(&mut session, &peer.event(&ack))), [(1, answered)]);
    }
}

#[test]
fn after_a_break_every_open_request_is_unknown_until_the_replay() {
    let (mut session, mut peer) = ready();
    let first = order(&mut session);
    let second = order(&mut session);
    let sent = output(&mut session);
    // The venue took the first and its answer is on the way when the connection breaks.
    let answer = peer.accept(1);
    session.disconnected();
    for ticket in [first, second] {
        assert_eq!(session.standing(ticket), Some(Answered::Unknown));
    }
    let again = log_on(&mut session, &peer);
    assert_eq!(session.standing(first), Some(Answered::Unknown), "its answer has not been replayed");
    assert_eq!(session.standing(second), Some(Answered::Waiting), "it was sent again");
    let (unchanged, flags) = (frames(&sent), frames(&again));
    let ([_, (before, order)], [(after, same)]) = (unchanged.as_slice(), flags.as_slice()) else {
        panic!("only the second goes again: {flags:?}")
    };
    assert_eq!((before.seq_no, order), (after.seq_no, same));
    assert_eq!((before.flags.0, after.flags.0), (0, Flags::RESEND));
    assert_eq!(again[32..], sent[sent.len() - again.len() + 32..], "not one octet of the message differs");
    assert_eq!(settled(&take(&mut session, &answer)), [(1, Answered::Accepted)]);
    assert_eq!(settled(&take(&mut session, &peer.reject(2_200))).len(), 1);
    assert_eq!(session.unsettled(), 0);
}

#[test]
fn a_request_taken_without_a_connection_goes_out_once_with_the_next() {
    let (mut session, peer) = ready();
    session.disconnected();
    let ticket = order(&mut session);
    assert_eq!(session.standing(ticket), Some(Answered::Unknown));
    let sent = frames(&log_on(&mut session, &peer));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, Prefix { flags: Flags(0), seq_no: 1, ack_seq_no: 0 }, "it was never sent before");
    session.disconnected();
    let again = frames(&log_on(&mut session, &peer));
    assert_eq!(again[0].0.flags, Flags(Flags::RESEND));
}

#[test]
fn an_answer_lost_in_a_hole_leaves_its_request_sequenced() {
    let (mut session, mut peer) = ready();
    let tickets: Vec<Ticket> = (0..3).map(|_| order(&mut session)).collect();
    drop((peer.accept(1), peer.reject(2_200), peer.accept(3)));
    session.disconnected();
    drop(log_on(&mut session, &peer));
    let incoming = take(&mut session, &peer.gap_fill(1, 3));
    assert_eq!(incoming[1], Incoming::GapFill { from: 1, to: 3, code: 1107 });
    assert_eq!(settled(&incoming), [1, 2, 3].map(|seq_no| (seq_no, Answered::Sequenced)));
    assert!(tickets.iter().all(|ticket| session.standing(*ticket) == Some(Answered::Sequenced)));
    let next = order(&mut session);
    assert_eq!(settled(&take(&mut session, &peer.accept(4))), [(next.seq_no.get(), Answered::Accepted)]);
}

#[test]
fn behind_a_hole_only_what_names_the_request_answers_it() {
    // The event behind the hole may be of another command than the request it acknowledges.
    for (behind, answered) in [
        (canceled(90, None), Answered::Sequenced),
        (canceled(90, Some(2)), Answered::Accepted),
        (canceled(2, Some(7)), Answered::Sequenced),
    ] {
        let (mut session, mut peer) = ready();
        let _tickets: Vec<Ticket> = (0..3).map(|_| order(&mut session)).collect();
        drop((peer.accept(1), peer.accept(2)));
        // A hole in the middle of a connection: none that a logon would tell of.
        let mut stream = peer.gap_fill(1, 2);
        stream.extend(peer.event(&behind));
        stream.extend(peer.accept(3));
        let expected = [(1, Answered::Sequenced), (2, answered), (3, Answered::Accepted)];
        assert_eq!(settled(&take(&mut session, &stream)), expected);
    }
}

#[test]
fn behind_a_hole_any_frame_of_the_event_may_name_the_request() {
    let (mut session, mut peer) = ready();
    let ticket = order(&mut session);
    drop(peer.event(&accepted(90)));
    peer.last = 1;
    let stream = [
        peer.gap_fill(1, 1),
        peer.part(&accepted(ticket.cl_ord_id.get()), false),
        // Another order of the account goes with it.
        peer.event(&canceled(90, None)),
    ];
    assert_eq!(settled(&take(&mut session, &stream.concat())), [(1, Answered::Accepted)]);
}

#[test]
fn a_fill_behind_a_hole_names_the_order() {
    let (mut session, mut peer) = ready();
    let ticket = order(&mut session);
    drop(peer.accept(1));
    let fill = OrderFilled {
        order_id: engine::OrderId::new(501),
        cl_ord_id: ticket.cl_ord_id,
        engine_seq: Seq::new(2),
        transact_time: NOW,
        trade_id: engine::TradeId::new(1),
        account_id: ACCOUNT,
        instrument_id: INSTRUMENT,
        last_px: Price::new(100),
        last_qty: Qty::new(1),
        leaves_qty: Qty::new(0),
        fee: Money::new(0),
        position_qty: 1,
        position_cost: Money::new(0),
        balance: Money::new(0),
        side: Side::Buy.into(),
        liquidity: Liquidity::Maker.into(),
        fill_kind: FillKind::Normal.into(),
    };
    let stream = [peer.gap_fill(1, 1), peer.event(&fill)].concat();
    assert_eq!(settled(&take(&mut session, &stream)), [(1, Answered::Accepted)]);
}

#[test]
fn requests_settled_long_ago_are_forgotten_and_open_ones_never() {
    let (mut session, mut peer) = ready();
    let first = order(&mut session);
    let mut tickets = vec![first];
    for _ in 0..3_000 {
        tickets.push(order(&mut session));
    }
    assert!(tickets.iter().all(|ticket| session.standing(*ticket) == Some(Answered::Waiting)));
    let stream: Vec<u8> = tickets.iter().flat_map(|ticket| peer.accept(ticket.cl_ord_id.get())).collect();
    assert_eq!(settled(&take(&mut session, &stream)).len(), tickets.len());
    for _ in 0..2_000 {
        let ticket = order(&mut session);
        drop(take(&mut session, &peer.accept(ticket.cl_ord_id.get())));
    }
    assert_eq!(session.standing(first), None);
    let cancels = cancel(ACCOUNT, INSTRUMENT, engine::OrderRef::Client(first.cl_ord_id));
    assert_eq!(session.send(cancels.into(), NOW).unwrap().seq_no.get(), 5_002);
}

fn full(cl_ord_id: u64) -> AdvancedOrder {
    let order = limit_order(ACCOUNT, INSTRUMENT, Side::Buy, Qty::new(1), Price::new(100));
    NewOrder { cl_ord_id: ClientOrderId::new(cl_ord_id), ..order }.in_full()
}

fn bracket(cl_ord_id: u64) -> AdvancedOrder {
    AdvancedOrder { stop_loss_trigger: Price::new(90).into(), ..full(cl_ord_id) }
}

fn batch(orders: &[AdvancedOrder]) -> OrderBatch {
    OrderBatch {
        cl_ord_id: ClientOrderId::new(0),
        account_id: ACCOUNT,
        valid_until: TimeNsN::NONE,
        mode: BatchMode::Each.into(),
        orders: Group(orders.iter().map(AdvancedOrder::batched).collect()),
    }
}

/// Numbers of the batch that was written last, and of its orders.
fn numbers(session: &mut Session) -> Vec<u64> {
    let octets = output(session);
    let (frame, _) = frame::split(&octets, 1 << 16).expect("a frame").expect("all of it");
    let sent = FromClient::decode(&frame).expect("a message");
    let FromClient::OrderBatch(sent) = sent else { panic!("{sent:?}") };
    let rows = sent.orders.0.iter().map(|row| row.cl_ord_id.get());
    std::iter::once(sent.cl_ord_id.get()).chain(rows).collect()
}

#[test]
fn orders_of_a_batch_and_exits_have_numbers_of_their_own() {
    let (mut session, _) = ready();
    // An entry with an exit takes three numbers, one without takes one.
    assert_eq!(session.send(bracket(0).into(), NOW).unwrap().cl_ord_id.get(), 1);
    assert_eq!(session.send(full(0).into(), NOW).unwrap().cl_ord_id.get(), 4);
    drop(output(&mut session));
    let ticket = session.send(batch(&[bracket(0), full(0), full(20), full(0)]).into(), NOW).unwrap();
    assert_eq!(ticket.cl_ord_id.get(), 5);
    assert_eq!(numbers(&mut session), [5, 6, 9, 20, 21]);
    assert_eq!(order(&mut session).cl_ord_id.get(), 22);
}

#[test]
fn the_numbers_of_quotes_are_never_taken() {
    let (mut session, _) = ready();
    let edge = 1 << 63;
    for request in [full(edge).into(), bracket(edge - 2).into(), Request::from(batch(&[full(edge)]))] {
        let refused = session.send(request, NOW);
        assert!(matches!(refused, Err(SendError::IdReserved { wanted }) if wanted >= edge), "{refused:?}");
    }
    assert!(matches!(session.send(full(u64::MAX).into(), NOW), Err(SendError::IdReserved { .. })));
    assert_eq!(order(&mut session).cl_ord_id.get(), 1, "nothing was used up");
}

#[test]
fn one_refused_order_of_a_batch_is_no_word_on_the_batch() {
    let (mut session, mut peer) = ready();
    let ticket = session.send(batch(&[full(0), full(0)]).into(), NOW).unwrap();
    peer.last = 1;
    let mut stream = peer.part(&accepted(2), false);
    let refused = peer.refusal(3, 2_130);
    stream.extend(peer.event(&refused));
    assert_eq!(settled(&take(&mut session, &stream)), [(1, Answered::Accepted)]);
    assert_eq!(session.standing(ticket), Some(Answered::Accepted));
    // Refused as a whole it carries the batch's own number.
    let ticket = session.send(batch(&[full(0)]).into(), NOW).unwrap();
    peer.last = 2;
    let refused = peer.refusal(ticket.cl_ord_id.get(), 2_110);
    let refused = peer.event(&refused);
    let short = Some(Money::new(77));
    let expected = (2, Answered::Rejected { code: 2_110, short });
    assert_eq!(settled(&take(&mut session, &refused)), [expected]);
}

#[test]
fn behind_a_hole_an_order_of_a_batch_answers_it() {
    for is_refused in [false, true] {
        let (mut session, mut peer) = ready();
        session.send(batch(&[full(0), full(0)]).into(), NOW).unwrap();
        let single = order(&mut session);
        drop(peer.event(&accepted(90)));
        peer.last = 1;
        let mut stream = peer.gap_fill(1, 1);
        let refused = peer.refusal(3, 2_130);
        stream.extend(if is_refused { peer.event(&refused) } else { peer.event(&accepted(3)) });
        assert_eq!(settled(&take(&mut session, &stream)), [(1, Answered::Accepted)]);
        assert_eq!(session.standing(single), Some(Answered::Waiting));
    }
}

#[test]
fn behind_a_hole_the_end_of_a_mass_quote_answers_it() {
    let (mut session, mut peer) = ready();
    let quote = MassQuote {
        cl_ord_id: ClientOrderId::new(0),
        account_id: ACCOUNT,
        valid_until: TimeNsN::NONE,
        protection_group: 0,
        all_or_none: 0,
        quotes: Group(Vec::new()),
    };
    let ticket = session.send(quote.into(), NOW).unwrap();
    drop(peer.event(&accepted(90)));
    peer.last = 1;
    let done = MassQuoteAck {
        cl_ord_id: ticket.cl_ord_id,
        engine_seq: Seq::new(1),
        transact_time: NOW,
        account_id: ACCOUNT,
        taken: 0,
        refused: 0,
    };
    let stream = [peer.gap_fill(1, 1), peer.event(&done)].concat();
    assert_eq!(settled(&take(&mut session, &stream)), [(1, Answered::Accepted)]);
}
