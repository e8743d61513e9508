//! Bad input: each kind has its answer, and nobody else hears of it.

use crate::harness::*;
use engine::Action;
use gateway::door::{Allowance, DoorConfig, Standing};
use gateway::wire::codes::ErrorCode;
use gateway::wire::private::{FromVenue, Hello, InstrumentDefine, InstrumentQuery, Logout};
use gateway::wire::types::{Code, Side, TermCode};

/// Bytes of a frame changed at a place.
fn changed(mut frame: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

fn good(number: u64) -> Vec<u8> {
    numbered(number, &order(number, Side::Buy, MARK - 5, 0))
}

/// Frames that end a connection wherever they come, and why before the logon.
fn broken() -> Vec<(u16, Vec<u8>)> {
    vec![
        (1001, changed(good(1), 4, &[0x51])),
        (1001, changed(good(1), 5, &[0xEA])),
        (1002, changed(good(1), 0, &[31, 0, 0, 0])),
        (1002, changed(good(1), 0, &4_097_u32.to_le_bytes())),
        (1002, changed(good(1), 0, &u32::MAX.to_le_bytes())),
        (1002, [&0_u32.to_le_bytes()[..], &[0x50, 0xEB]].concat()),
        (1001, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
    ]
}

fn terminated(client: &Client, world: &mut World) -> Option<TermCode> {
    let heard = client.messages(world);
    heard.iter().find_map(|message| {
        let FromVenue::Terminate(end) = message else { return None };
        end.code.get()
    })
}

#[test]
fn broken_frames_end_a_connection_and_no_other() {
    for (code, bytes) in broken() {
        let mut world = World::new();
        let (mut alice, mut bob, mut stranger) =
            (world.client(ALICE), world.client(BOB), world.connect(ALICE));
        alice.send(&mut world, &bytes);
        stranger.send(&mut world, &bytes);
        assert_eq!(terminated(&alice, &mut world), Some(TermCode::ProtocolError));
        let heard = stranger.messages(&mut world);
        assert!(matches!(&heard[..], [FromVenue::LogonReject(no)] if no.code == code), "{code}: {heard:?}");
        for client in [&mut alice, &mut stranger] {
            assert_eq!(world.door.state(client.id), Standing::CloseAfterFlush);
            client.send(&mut world, &good(1));
            assert!(
                client.left.is_empty() && client.messages(&mut world).is_empty(),
                "nothing is read any more"
            );
        }
        bob.bid(&mut world, 1, 1);
        world.settle();
        assert!(matches!(bob.messages(&mut world)[..], [FromVenue::OrderAccepted(_)]));
    }
}

#[test]
fn sound_frames_before_a_broken_one_are_taken() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    alice.send(&mut world, &[good(1), good(2), vec![0xFF; 40]].concat());
    world.settle();
    assert_eq!(world.resting(ALICE), 2);
}

#[test]
fn what_is_framed_but_cannot_be_read_costs_its_number_only() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let short = changed(good(3), 24, &[79, 0]);
    let mut longer = good(5);
    longer.push(0);
    longer[0] += 1;
    let frames = [
        (1005, changed(good(1), 26, &[0x0F, 0x27])),
        (1003, changed(good(2), 28, &[1, 0])),
        (1006, short),
        (1004, changed(good(4), 30, &[4, 0])),
        (1002, longer),
        // What only the venue says.
        (1005, changed(good(6), 26, &[200, 0])),
        // Without a body.
        (1006, changed(good(7)[..32].to_vec(), 0, &[32, 0, 0, 0])),
    ];
    for (number, (code, frame)) in (1..).zip(frames) {
        alice.send(&mut world, &frame);
        world.settle();
        let heard = alice.hear(&mut world);
        let [(prefix, FromVenue::SessionReject(no))] = &heard[..] else { panic!("{code}: {heard:?}") };
        assert_eq!(
            (no.code, no.ref_seq_no.get(), prefix.seq_no, prefix.ack_seq_no),
            (code, number, number, number)
        );
    }
    alice.next = 8;
    alice.bid(&mut world, 1, 1);
    world.settle();
    assert!(matches!(alice.messages(&mut world)[..], [FromVenue::OrderAccepted(_)]));
}

#[test]
fn a_group_that_does_not_fit_its_frame_is_refused() {
    let mut world = World::new();
    let mut operator = world.client(OPERATOR);
    let mut define =
        vec![0; 32 + usize::from(<InstrumentDefine as gateway::wire::Message>::LAYOUT.block_length)];
    let block = u16::try_from(define.len() - 32).expect("short");
    define.extend_from_slice(&[13, 0, 0xFF, 0xFF]);
    let length = u32::try_from(define.len()).expect("short");
    for (at, bytes) in [
        (0, &length.to_le_bytes()[..]),
        (4, &0xEB50_u16.to_le_bytes()),
        (8, &1_u64.to_le_bytes()),
        (24, &block.to_le_bytes()),
        (26, &400_u16.to_le_bytes()),
        (28, &701_u16.to_le_bytes()),
    ] {
        define = changed(define, at, bytes);
    }
    operator.send(&mut world, &define);
    world.settle();
    let heard = operator.messages(&mut world);
    assert!(matches!(&heard[..], [FromVenue::SessionReject(no)] if no.code == 1009), "{heard:?}");
}

#[test]
fn unnumbered_frames_that_cannot_be_read_cost_nothing() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let query = unnumbered(1, &InstrumentQuery { query_id: 1 });
    let logout = Logout { code: Code::of(TermCode::Finished), cancel_orders: 2 };
    let frames = [
        (1005, changed(query.clone(), 26, &[0x0F, 0x27])),
        (1003, changed(query.clone(), 28, &[1, 0])),
        (1006, changed(query, 24, &[7, 0])),
        (1007, unnumbered(1, &logout)),
    ];
    for (code, frame) in frames {
        alice.send(&mut world, &frame);
        let heard = alice.hear(&mut world);
        let [(prefix, FromVenue::SessionReject(no))] = &heard[..] else { panic!("{code}: {heard:?}") };
        assert_eq!((no.code, prefix.flags.0, prefix.seq_no), (code, 8, 1));
    }
    alice.bid(&mut world, 1, 1);
    world.settle();
    assert_eq!(world.resting(ALICE), 1);
}

#[test]
fn before_the_logon_nothing_else_is_taken() {
    let mut world = World::new();
    let hello = world.connect(ALICE).hello();
    let cases: [(u16, Vec<u8>); 5] = [
        (1109, good(1)),
        (1109, unnumbered(1, &InstrumentQuery { query_id: 1 })),
        (1007, changed(unnumbered(1, &hello), 32 + 16, &[99])),
        (1006, changed(unnumbered(1, &hello), 24, &[73, 0])),
        (1109, changed(unnumbered(1, &hello), 28, &[1, 0])),
    ];
    for (code, frame) in cases {
        let mut alice = world.connect(ALICE);
        alice.send(&mut world, &frame);
        let heard = alice.messages(&mut world);
        assert!(matches!(&heard[..], [FromVenue::LogonReject(no)] if no.code == code), "{code}: {heard:?}");
        assert_eq!(world.door.state(alice.id), Standing::CloseAfterFlush);
    }
    // A second Hello is not a proof.
    let mut alice = world.connect(ALICE);
    alice.say(&mut world, &hello);
    alice.say(&mut world, &hello);
    let heard = alice.messages(&mut world);
    assert!(matches!(&heard[..], [FromVenue::Challenge(_), FromVenue::LogonReject(no)] if no.code == 1109));
}

#[test]
fn a_hello_when_logged_on_ends_the_connection() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let hello: Hello = alice.hello();
    alice.say(&mut world, &hello);
    assert_eq!(terminated(&alice, &mut world), Some(TermCode::ProtocolError));
}

#[test]
fn too_much_before_the_logon_is_refused() {
    let config = DoorConfig { early_bytes_max: 150, ..DoorConfig::default() };
    let mut world = World::with(config, 0);
    let mut alice = world.connect(ALICE);
    let heard = alice.try_log_on(&mut world);
    assert!(matches!(&heard[..], [(_, FromVenue::LogonReject(no))] if no.code == 1002));
}

#[test]
fn connections_that_never_log_on_are_let_go() {
    let mut world = World::new();
    let silent = world.connect(ALICE);
    let mut half = world.connect(ALICE);
    let hello = half.hello();
    half.say(&mut world, &hello);
    // A byte now and then is not a logon.
    let mut slow = world.connect(ALICE);
    for octet in unnumbered(1, &hello).into_iter().take(30) {
        slow.send(&mut world, &[octet]);
        world.pass(100);
    }
    for client in [&silent, &half, &slow] {
        let heard = client.messages(&mut world);
        assert!(matches!(heard.last(), Some(FromVenue::LogonReject(no)) if no.code == 1109), "{heard:?}");
        assert_eq!(world.door.state(client.id), Standing::CloseAfterFlush);
    }
}

#[test]
fn connections_are_bounded_and_those_not_logged_on_more_so() {
    let config = DoorConfig { connections_max: 4, strangers_max: 2, ..DoorConfig::default() };
    let mut world = World::with(config, 0);
    let clients = [world.client(ALICE), world.client(BOB)];
    let strangers = [world.connect(ALICE), world.connect(ALICE)];
    assert_eq!(world.door.open(world.time()), Err(ErrorCode::TooManyConnections));
    world.door.peer_closed(clients[0].id, world.time());
    assert_eq!(world.door.open(world.time()), Err(ErrorCode::TooManyConnections), "two are not logged on");
    world.door.peer_closed(strangers[0].id, world.time());
    assert!(world.door.open(world.time()).is_ok());
    assert_eq!(world.door.stats().connections, 3);
}

#[test]
fn a_flood_of_refused_requests_ends() {
    let config = DoorConfig {
        requests: Allowance { capacity: 1, rate: 1 },
        refusals_max: 100,
        ..DoorConfig::default()
    };
    let mut world = World::with(config, 1 << 14);
    let (mut alice, mut bob) = (world.client(ALICE), world.client(BOB));
    let mut sent = 0;
    while world.door.state(alice.id) == Standing::Open {
        alice.bid(&mut world, alice.next, 1);
        sent += 1;
        assert!(sent < 200);
    }
    assert_eq!(sent, 101);
    world.settle();
    assert_eq!(terminated(&alice, &mut world), Some(TermCode::Throttled));
    assert!(world.actions().iter().any(|action| matches!(action, Action::Skip(_))));
    bob.bid(&mut world, 1, 1);
    world.settle();
    assert!(matches!(bob.messages(&mut world)[..], [FromVenue::OrderAccepted(_)]));
    assert_eq!(world.door.stats().offenders, 1);
    // What was used up stays used up.
    let next = alice.next;
    alice.reconnect(&mut world);
    assert_eq!(alice.next, next);
}

#[test]
fn a_flood_of_unreadable_frames_is_throttled_as_requests_are() {
    let config = DoorConfig { requests: Allowance { capacity: 5, rate: 1 }, ..DoorConfig::default() };
    let mut world = World::with(config, 1 << 14);
    let mut alice = world.client(ALICE);
    let mut burst = Vec::new();
    for number in 1..=60 {
        burst.extend(changed(good(number), 26, &[0x0F, 0x27]));
    }
    alice.send(&mut world, &burst);
    world.settle();
    let skips = count(&world.actions(), |action| matches!(action, Action::Skip(_)));
    assert_eq!(skips, 6, "five told apart, the others together");
    let heard = alice.messages(&mut world);
    assert!(matches!(heard.last(), Some(FromVenue::ThrottleReject(no)) if no.count == 55), "{heard:?}");
}

/// Octets at random, and sound frames with random changes: whatever comes, the door answers and goes on.
#[test]
fn noise_disturbs_nobody() {
    let seed = std::env::var("FULCRUM_DOOR_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    let rounds =
        std::env::var("FULCRUM_DOOR_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3_000_u32);
    println!("FULCRUM_DOOR_SEED={seed} FULCRUM_DOOR_ROUNDS={rounds} cargo test -p gateway --test door noise");
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut below = move |bound: u64| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    };
    let config = DoorConfig { refusals_max: 50, ..DoorConfig::default() };
    let mut world = World::with(config, 0);
    let mut bob = world.client(BOB);
    let mut alice = world.client(ALICE);
    let mut ended = 0;
    for round in 0..rounds {
        let mut octets = match below(4) {
            0 => unnumbered(alice.next, &alice.hello()),
            1 => unnumbered(alice.next, &InstrumentQuery { query_id: 1 }),
            _ => numbered(alice.next, &order(alice.next, Side::Buy, MARK - 5, 0)),
        };
        for _ in 0..below(4) {
            let at = usize::try_from(below(octets.len() as u64)).expect("small");
            octets[at] = u8::try_from(below(256)).expect("an octet");
        }
        octets.truncate(usize::try_from(below(octets.len() as u64 + 40)).expect("small"));
        alice.send(&mut world, &octets);
        world.now += MS;
        world.round();
        alice.octets(&mut world);
        if world.door.state(alice.id) != Standing::Open {
            world.door.peer_closed(alice.id, world.time());
            ended += 1;
            if ended % 3 == 0 {
                alice.id = world.door.open(world.time()).expect("there is room");
                alice.left.clear();
            } else {
                alice.reconnect(&mut world);
            }
        }
        if round % 50 == 0 {
            bob.bid(&mut world, bob.next, 1);
            world.round();
            let heard = bob.messages(&mut world);
            let answers = count(&heard, |message| !matches!(message, FromVenue::Heartbeat(_)));
            assert_eq!(answers, 1, "round {round}: {heard:?}");
            if world.resting(BOB) > 50 {
                let all = Action::MassCancel(engine::MassCancel::of_account(account(BOB)));
                world.operator(engine::Command::venue(all));
                world.settle();
                bob.octets(&mut world);
            }
        }
        assert!(world.venue.session(engine::SessionId::new(1)).is_some());
    }
    assert!(ended > 10);
    let session = |key| world.door.projection().sessions().iter().find(|session| session.key == key_id(key));
    for key in [ALICE, BOB] {
        let logged = session(key).expect("it has logged on");
        let engines = world.venue.session(logged.session).expect("it has logged on");
        assert_eq!(logged.last_client_seq, engines.last_client_seq);
    }
}
