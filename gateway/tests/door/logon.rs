//! Logon: the transcript to the octet, and every way to fail.

use crate::harness::*;
use engine::{Action, Command, Logon, TimeNs};
use gateway::door::{DoorConfig, Standing};
use gateway::wire::private::{FromVenue, Hello};
use gateway::wire::types::{CodMode, Code, Millis, SessionKind};

fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("four bits");
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}

/// The code of the one refusal that came.
fn refused(heard: &[Heard]) -> u16 {
    match heard {
        [(_, FromVenue::LogonReject(reject))] => reject.code,
        other => panic!("not one LogonReject: {other:?}"),
    }
}

#[test]
fn a_logon_is_these_octets() {
    let mut world = World::new();
    let mut alice = world.connect(ALICE);
    let hello = unnumbered(1, &alice.hello());
    alice.send(&mut world, &hello);
    let challenge = alice.octets(&mut world);
    let proof = unnumbered(1, &alice.proof_of(&challenge[32..]));
    alice.send(&mut world, &proof);
    world.settle();
    let ack = alice.octets(&mut world);
    let lines: Vec<String> = [hello, challenge, proof, ack].iter().map(|octets| hex(octets)).collect();
    let expected: Vec<&str> = include_str!("logon.txt").lines().collect();
    assert_eq!(lines, expected);
}

#[test]
fn terms_are_agreed_and_echoed() {
    let mut world = World::new();
    let mut alice = world.connect(ALICE);
    (alice.cod, alice.grace, alice.heartbeat) = (CodMode::CancelAll, 2_500, 7);
    let heard = alice.log_on(&mut world);
    let [(prefix, FromVenue::LogonAck(ack))] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((ack.heartbeat, ack.cod_grace), (Millis::new(100), Millis::new(2_500)));
    assert_eq!(ack.cod_mode, Code::of(CodMode::CancelAll));
    assert_eq!((ack.next_venue_seq_no, ack.oldest_retained, prefix.seq_no), (1, 1, 1));
    assert_eq!(world.door.stats().logged_on, 1);
}

#[test]
fn a_session_outlives_connections_and_restarts() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    alice.bid(&mut world, 7, 1);
    world.settle();
    assert_eq!(alice.hear(&mut world).len(), 1);
    world.restart();
    let heard = alice.reconnect(&mut world);
    let [(_, FromVenue::LogonAck(ack)), (again, FromVenue::OrderAccepted(order))] = &heard[..] else {
        panic!("{heard:?}")
    };
    assert_eq!((ack.last_client_seq_no.get(), ack.last_cl_ord_id.get(), ack.next_venue_seq_no), (1, 7, 2));
    assert_eq!((again.seq_no, again.ack_seq_no, again.flags.0), (1, 1, 3), "resend, end of event");
    assert_eq!(order.cl_ord_id.get(), 7);
}

#[test]
fn wrong_signatures_wait() {
    let mut world = World::new();
    for (octet, bit) in [(0, 0), (31, 7), (32, 0), (63, 7)] {
        let mut alice = world.connect(ALICE);
        let hello = alice.hello();
        alice.say(&mut world, &hello);
        let mut proof = alice.proof(&mut world);
        proof.signature.0[octet] ^= 1 << bit;
        alice.say(&mut world, &proof);
        assert_eq!(refused(&alice.hear(&mut world)), 1101);
        let close_at = TimeNs::new(world.now + 1_000 * MS);
        assert_eq!(
            world.door.state(alice.id),
            Standing::CloseAt(close_at),
            "guessing takes a second a guess"
        );
        world.pass(1_000);
        assert!(world.door.drain_ready().any(|id| id == alice.id));
        assert_eq!(world.door.state(alice.id), Standing::CloseAfterFlush);
        world.door.peer_closed(alice.id, world.time());
        assert_eq!(world.door.state(alice.id), Standing::Gone);
    }
    assert!(world.actions().iter().all(|action| !matches!(action, Action::Logon(_))));
}

#[test]
fn a_proof_is_good_for_one_challenge_and_one_key() {
    let mut world = World::new();
    let mut first = world.connect(ALICE);
    let hello = first.hello();
    first.say(&mut world, &hello);
    let old = first.proof(&mut world);
    first.say(&mut world, &old);
    world.settle();

    let mut second = world.connect(ALICE);
    second.say(&mut world, &hello);
    second.say(&mut world, &old);
    let heard = second.hear(&mut world);
    assert!(
        matches!(&heard[..], [(_, FromVenue::Challenge(_)), (_, FromVenue::LogonReject(no))] if no.code == 1101)
    );

    let mut third = world.connect(ALICE);
    third.say(&mut world, &hello);
    let mut proof = third.proof(&mut world);
    proof.key_id = key_id(BOB);
    third.say(&mut world, &proof);
    assert_eq!(refused(&third.hear(&mut world)), 1101);

    // A Hello changed on the way is not what was signed.
    let mut fourth = world.connect(ALICE);
    let mut changed = fourth.hello();
    changed.cod_mode = Code::of(CodMode::Off);
    fourth.say(&mut world, &changed);
    let proof = fourth.proof(&mut world);
    fourth.say(&mut world, &proof);
    assert_eq!(refused(&fourth.hear(&mut world)), 1101);
}

#[test]
fn keys_admit_to_what_they_admit_to() {
    let mut world = World::new();
    let mut nobody = world.connect(NOBODY);
    assert_eq!(refused(&nobody.try_log_on(&mut world)), 1102);

    let mut alice = world.connect(ALICE);
    alice.kind = SessionKind::Admin;
    assert_eq!(refused(&alice.try_log_on(&mut world)), 1104);

    world.operator(Command::venue(Action::RevokeKey { key: key_id(ALICE) }));
    world.settle();
    let mut alice = world.connect(ALICE);
    assert_eq!(refused(&alice.try_log_on(&mut world)), 1102);
    assert_eq!(world.door.stats().refused_logons, 3);
}

#[test]
fn the_engine_has_the_last_word() {
    let mut world = World::new();
    let mut alice = world.connect(ALICE);
    let hello = alice.hello();
    alice.say(&mut world, &hello);
    let proof = alice.proof(&mut world);
    // Revoked before the logon in the order, but not yet in the door's log when the proof is checked.
    world.operator(Command::venue(Action::RevokeKey { key: key_id(ALICE) }));
    alice.say(&mut world, &proof);
    world.settle();
    assert_eq!(refused(&alice.hear(&mut world)), 1102);
}

#[test]
fn a_key_has_so_many_sessions() {
    let mut world = World::new();
    for tag in 0..64 {
        let mut alice = world.connect(ALICE);
        alice.tag = tag;
        alice.log_on(&mut world);
        world.round();
    }
    let mut alice = world.connect(ALICE);
    alice.tag = 64;
    assert_eq!(refused(&alice.try_log_on(&mut world)), 1105);
}

#[test]
fn a_hello_that_cannot_be_is_refused() {
    type Change = fn(&mut Hello);
    let mut world = World::new();
    let cases: [(u16, Change); 3] = [
        (1004, |hello| hello.protocol_version = 2),
        (1011, |hello| hello.kind = Code::of(SessionKind::MarketData)),
        (1107, |hello| hello.next_expected_seq_no = 2),
    ];
    for (code, change) in cases {
        let mut alice = world.connect(ALICE);
        let mut hello = alice.hello();
        change(&mut hello);
        alice.expected = hello.next_expected_seq_no;
        alice.say(&mut world, &hello);
        if code == 1107 {
            let proof = alice.proof(&mut world);
            alice.say(&mut world, &proof);
        }
        assert_eq!(refused(&alice.hear(&mut world)), code);
        assert_eq!(world.door.state(alice.id), Standing::CloseAfterFlush);
    }
    assert!(world.actions().iter().all(|action| !matches!(action, Action::Logon(_))));
}

#[test]
fn signatures_are_checked_a_few_a_round() {
    let config = DoorConfig { proofs_per_round: 2, ..DoorConfig::default() };
    let mut world = World::with(config, 1 << 14);
    let mut clients: Vec<Client> = (0..5)
        .map(|tag| {
            let mut alice = world.connect(ALICE);
            alice.tag = tag;
            let hello = alice.hello();
            alice.say(&mut world, &hello);
            let proof = alice.proof(&mut world);
            alice.say(&mut world, &proof);
            alice
        })
        .collect();
    let logons =
        |world: &World| count(&world.actions(), |action| matches!(action, Action::Logon(Logon { .. })));
    for expected in [2, 4, 5] {
        world.settle();
        assert_eq!(logons(&world), expected);
        world.round();
        let ready: Vec<_> = world.door.drain_ready().collect();
        for client in clients.iter_mut().filter(|client| ready.contains(&client.id)) {
            client.push(&mut world);
        }
    }
}
