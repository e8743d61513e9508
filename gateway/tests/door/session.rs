//! Sessions and connections: replay, resend, take-over, heartbeats, slow readers, the end.

use crate::harness::*;
use engine::TimeNs;
use gateway::door::{DoorConfig, Projection, Standing};
use gateway::wire::private::{FromVenue, Heartbeat, InstrumentQuery, Logout, ResendRequest, TestRequest};
use gateway::wire::types::{CodMode, Code, Side, TermCode};

fn numbers(heard: &[Heard]) -> Vec<u64> {
    heard.iter().filter(|(prefix, _)| !prefix.flags.has(8)).map(|(prefix, _)| prefix.seq_no).collect()
}

fn is_terminated(heard: &[Heard], code: TermCode) -> bool {
    matches!(heard.last(), Some((_, FromVenue::Terminate(end))) if end.code == Code::of(code))
}

/// Rests and cancels orders until the session has `count` frames.
fn fill_ring(world: &mut World, alice: &mut Client, count: u64) {
    for name in 0..count {
        alice.bid(world, alice.next, 1 + i64::try_from(name % 50).expect("small"));
        world.round();
        alice.hear(world);
    }
}

#[test]
fn what_was_missed_is_sent_again_from_where_the_client_says() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    fill_ring(&mut world, &mut alice, 10);
    world.door.peer_closed(alice.id, world.time());
    alice.expected = 7;
    let heard = alice.reconnect(&mut world);
    assert!(matches!(heard[0], (prefix, FromVenue::LogonAck(_)) if prefix.seq_no == 7));
    assert_eq!(numbers(&heard), [7, 8, 9, 10]);
    assert!(heard[1..].iter().all(|(prefix, _)| prefix.flags.has(1)), "flagged as sent before");
    fill_ring(&mut world, &mut alice, 1);
    alice.expected = 12;
    assert_eq!(numbers(&alice.reconnect(&mut world)), [0_u64; 0], "nothing is missing");
}

#[test]
fn what_is_gone_is_named() {
    let mut world = World::with(DoorConfig::default(), 0);
    let mut alice = world.client(ALICE);
    fill_ring(&mut world, &mut alice, 200);
    let oldest = world.door.projection().sessions()[0].oldest_number();
    assert!(oldest > 100);
    alice.expected = 3;
    let heard = alice.reconnect(&mut world);
    let [(_, FromVenue::LogonAck(ack)), (prefix, FromVenue::GapFill(gap)), events @ ..] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((ack.oldest_retained, ack.next_venue_seq_no), (oldest, 201));
    assert_eq!((gap.from_seq_no, gap.to_seq_no, gap.code, prefix.seq_no), (3, oldest - 1, 1107, oldest));
    assert_eq!(numbers(events), (oldest..=200).collect::<Vec<_>>());
    alice.expected = 0;
    let heard = alice.reconnect(&mut world);
    assert_eq!(numbers(&heard).len(), heard.len() - 1, "whoever asks for all that is kept misses nothing");
}

#[test]
fn a_restart_has_the_same_frames() {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.client(ALICE), world.client(BOB));
    world.client(READER);
    for name in 1..40 {
        alice.bid(&mut world, name, 1);
        bob.ask(&mut world, &order(name, Side::Sell, MARK - 5, 0));
        world.settle();
    }
    let mut octets = Vec::new();
    for _ in 0..2 {
        for key in [ALICE, READER, BOB] {
            let mut client = world.connect(key);
            let hello = client.hello();
            client.say(&mut world, &hello);
            let proof = client.proof(&mut world);
            client.say(&mut world, &proof);
            world.settle();
            let all = client.octets(&mut world);
            octets.push(all[110..].to_vec());
        }
        world.restart();
        world.settle();
    }
    assert!(octets[0].len() > 4_000 && octets[1].len() > octets[0].len() - 200);
    assert_eq!(octets[..3], octets[3..]);
    let mut live = Projection::new(1 << 14);
    for logged in &world.log {
        live.apply(&logged.outcome());
    }
    assert_eq!(format!("{live:?}"), format!("{:?}", world.door.projection()));
}

#[test]
fn events_can_be_asked_for_again() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    fill_ring(&mut world, &mut alice, 10);
    alice.say(&mut world, &ResendRequest { from_seq_no: 4, count: 3 });
    alice.say(&mut world, &ResendRequest { from_seq_no: 1, count: 1 });
    alice.bid(&mut world, 11, 1);
    world.settle();
    let heard = alice.hear(&mut world);
    assert_eq!(numbers(&heard), [4, 5, 6, 11]);
    assert_eq!(count(&heard, |(prefix, _)| prefix.flags.has(1)), 3);
    assert_eq!(
        count(&heard, |(_, message)| matches!(message, FromVenue::SessionReject(no) if no.code == 1108)),
        1
    );
    alice.say(&mut world, &ResendRequest { from_seq_no: 10, count: 0 });
    assert_eq!(numbers(&alice.hear(&mut world)), [10, 11]);
    for from_seq_no in [0, 12] {
        alice.say(&mut world, &ResendRequest { from_seq_no, count: 0 });
        let heard = alice.messages(&mut world);
        assert!(matches!(&heard[..], [FromVenue::SessionReject(no)] if no.code == 1107));
    }
}

#[test]
fn a_resend_beyond_the_ring_is_named() {
    let mut world = World::with(DoorConfig::default(), 0);
    let mut alice = world.client(ALICE);
    fill_ring(&mut world, &mut alice, 200);
    let oldest = world.door.projection().sessions()[0].oldest_number();
    alice.say(&mut world, &ResendRequest { from_seq_no: oldest - 9, count: 10 });
    let heard = alice.hear(&mut world);
    let [(_, FromVenue::GapFill(gap)), (last, _)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((gap.from_seq_no, gap.to_seq_no, last.seq_no), (oldest - 9, oldest - 1, oldest));
}

#[test]
fn a_small_buffer_gets_whole_frames_in_order() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    for name in 1..=20 {
        alice.bid(&mut world, name, 1);
        if name % 5 == 0 {
            alice.say(&mut world, &InstrumentQuery { query_id: name });
        }
    }
    world.settle();
    let (mut heard, mut calls) = (Vec::new(), 0);
    while world.door.has_output(alice.id) {
        let mut out = vec![7; 3];
        world.door.fill(alice.id, &mut out, 250);
        assert!(out.len() <= 253 && out.len() > 3, "{}", out.len());
        heard.extend(frames(&out[3..]));
        calls += 1;
    }
    assert!(calls > 10);
    assert_eq!(numbers(&heard), (1..=20).collect::<Vec<_>>());
    let answered: Vec<u64> = heard
        .iter()
        .filter(|(_, message)| matches!(message, FromVenue::QueryEnd(_)))
        .map(|(prefix, _)| prefix.seq_no)
        .collect();
    assert_eq!(answered, [6, 11, 16, 21], "an answer stands behind what it has seen");
}

#[test]
fn a_take_over_leaves_no_number_behind() {
    let mut world = World::new();
    let mut old = world.client(ALICE);
    world.delay = 3 * MS;
    old.bid(&mut world, 1, 1);
    let mut new = old.clone();
    new.id = world.door.open(world.time()).expect("there is room");
    let hello = new.hello();
    new.say(&mut world, &hello);
    let proof = new.proof(&mut world);
    new.say(&mut world, &proof);
    // From here on nothing of the old connection is read.
    assert!(!world.door.wants_read(old.id) && !world.door.wants_read(new.id));
    old.bid(&mut world, 2, 1);
    assert_eq!(old.left.len(), 112);
    world.pass(5);
    assert!(is_terminated(&old.hear(&mut world), TermCode::TakenOver));
    let heard = new.messages(&mut world);
    let [FromVenue::LogonAck(ack), FromVenue::OrderAccepted(_)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(ack.last_client_seq_no.get(), 1, "what was queued before is before the logon");
    new.next = 2;
    new.bid(&mut world, 2, 1);
    world.pass(5);
    assert_eq!(world.resting(ALICE), 2);
    assert_eq!(new.hear(&mut world).len(), 1);
}

#[test]
fn two_at_once_and_the_last_one_has_it() {
    let mut world = World::new();
    world.delay = 3 * MS;
    let mut clients: Vec<Client> = (0..3)
        .map(|_| {
            let mut alice = world.connect(ALICE);
            let hello = alice.hello();
            alice.say(&mut world, &hello);
            let proof = alice.proof(&mut world);
            alice.say(&mut world, &proof);
            alice
        })
        .collect();
    world.door.peer_closed(clients[1].id, world.time());
    world.pass(5);
    assert!(is_terminated(&clients[0].hear(&mut world), TermCode::TakenOver));
    assert_eq!(world.door.state(clients[1].id), Standing::Gone);
    let heard = clients[2].messages(&mut world);
    assert!(matches!(heard[..], [FromVenue::LogonAck(_)]));
    assert!(world.door.wants_read(clients[2].id));
    clients[2].bid(&mut world, 1, 1);
    world.pass(5);
    assert_eq!(world.resting(ALICE), 1);
    assert_eq!(world.door.stats().logged_on, 1);
}

#[test]
fn a_refused_take_over_disturbs_nobody() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let mut thief = world.connect(ALICE);
    let hello = thief.hello();
    thief.say(&mut world, &hello);
    thief.octets(&mut world);
    let forged = Client { key: NOBODY, ..thief.clone() }.proof_of(&[0; 48]);
    thief.say(&mut world, &gateway::wire::private::LogonProof { key_id: key_id(ALICE), ..forged });
    assert!(world.door.wants_read(alice.id));
    alice.bid(&mut world, 1, 1);
    world.settle();
    assert_eq!(numbers(&alice.hear(&mut world)), [1]);
}

#[test]
fn silence_is_broken_and_frames_are_sign_enough() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    world.pass(999);
    assert_eq!(alice.hear(&mut world), []);
    world.pass(1);
    assert!(matches!(alice.messages(&mut world)[..], [FromVenue::Heartbeat(_)]));
    world.pass(500);
    alice.bid(&mut world, 1, 1);
    world.round();
    assert_eq!(alice.hear(&mut world).len(), 1);
    world.pass(999);
    assert_eq!(alice.hear(&mut world), []);
    world.pass(1);
    assert!(matches!(alice.messages(&mut world)[..], [FromVenue::Heartbeat(_)]));
    let test = TestRequest { token: 1, send_time: TimeNs::new(77) };
    alice.say(&mut world, &test);
    let heard = alice.messages(&mut world);
    assert!(matches!(&heard[..], [FromVenue::Heartbeat(beat)] if beat.echo_time == TimeNs::new(77)));
}

#[test]
fn a_client_that_speaks_does_not_lapse_and_one_not_listened_to_neither() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    for _ in 0..6 {
        world.pass(2_000);
        let beat = Heartbeat { send_time: world.time(), echo_time: TimeNs::new(0) };
        alice.say(&mut world, &beat);
    }
    assert_eq!(world.door.state(alice.id), Standing::Open);
    world.queue.capacity = 0;
    alice.bid(&mut world, 1, 1);
    for _ in 0..60 {
        world.pass(100);
        alice.push(&mut world);
    }
    assert_eq!(world.door.state(alice.id), Standing::Open, "the queue was full all the time");
    world.queue.capacity = 10;
    world.pass(1);
    alice.push(&mut world);
    world.settle();
    assert_eq!(world.resting(ALICE), 1);
}

#[test]
fn a_reader_that_never_reads_is_let_go_and_resumes() {
    let mut world = World::with(DoorConfig::default(), 0);
    let mut alice = world.connect(ALICE);
    alice.cod = CodMode::Off;
    alice.log_on(&mut world);
    let mut bob = world.client(BOB);
    let mut sent = 0;
    while world.door.state(alice.id) == Standing::Open {
        alice.bid(&mut world, alice.next, 1);
        world.round();
        sent += 1;
        assert!(sent < 1_000);
    }
    assert!(is_terminated(&alice.hear(&mut world), TermCode::SlowConsumer));
    assert_eq!(world.door.stats().slow_consumers, 1);
    world.pass(2_000);
    assert!(
        matches!(world.door.state(alice.id), Standing::CloseAt(_)),
        "it does not read its last frame either"
    );
    bob.bid(&mut world, 1, 9);
    world.settle();
    assert_eq!(count(&bob.messages(&mut world), |message| matches!(message, FromVenue::OrderAccepted(_))), 1);
    let heard = alice.reconnect(&mut world);
    assert_eq!(*numbers(&heard).last().expect("frames are kept"), sent);
}

#[test]
fn a_logout_comes_behind_what_came_before_it() {
    let mut world = World::new();
    let mut alice = world.connect(ALICE);
    alice.cod = CodMode::CancelAll;
    alice.log_on(&mut world);
    alice.bid(&mut world, 1, 1);
    alice.bid(&mut world, 2, 1);
    alice.say(&mut world, &Logout { code: Code::of(TermCode::Finished), cancel_orders: 1 });
    alice.bid(&mut world, 3, 1);
    world.settle();
    let mut out = Vec::new();
    world.door.fill(alice.id, &mut out, 300);
    let mut heard = frames(&out);
    heard.extend(alice.hear(&mut world));
    assert_eq!(numbers(&heard), [1, 2, 3, 4]);
    assert!(matches!(heard.last(), Some((prefix, FromVenue::Logout(_))) if prefix.seq_no == 5));
    assert_eq!((heard.len(), world.resting(ALICE)), (5, 0), "what came behind the logout was not read");
    assert_eq!(world.door.stats().logged_on, 0);
}

#[test]
fn everyone_is_told_that_the_server_stops() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let stranger = world.connect(BOB);
    alice.bid(&mut world, 1, 1);
    world.settle();
    world.door.shut_down(world.time());
    let heard = alice.hear(&mut world);
    assert_eq!(numbers(&heard), [1]);
    assert!(is_terminated(&heard, TermCode::ServerShutdown));
    let heard = stranger.messages(&mut world);
    assert!(matches!(&heard[..], [FromVenue::LogonReject(no)] if no.code == 1111));
    assert!(world.door.open(world.time()).is_err_and(|code| code.code() == 1111));
}
