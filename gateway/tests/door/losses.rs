//! What cancels a session's orders when its connection is gone, and what does not: one test for each.

use crate::harness::*;
use engine::TimeNs;
use engine::{Action, Command};
use gateway::door::{DoorConfig, Standing};
use gateway::wire::private::{CancelAllAfter, FromVenue, Heartbeat, Logout};
use gateway::wire::types::{CodMode, Code, Millis, OrdFlags, Side, TermCode, TimeNsN};
use risk::AccountId;

/// A client with one order that goes with its session and one that stays.
fn resting(world: &mut World, cod: CodMode, grace: u32) -> Client {
    let mut alice = world.connect(ALICE);
    (alice.cod, alice.grace) = (cod, grace);
    alice.log_on(world);
    alice.bid(world, 1, 1);
    alice.ask(world, &order(2, Side::Buy, MARK - 10, OrdFlags::PERSIST));
    world.settle();
    alice.hear(world);
    assert_eq!(world.resting(ALICE), 2);
    alice
}

fn losses(world: &World) -> usize {
    count(&world.actions(), |action| matches!(action, Action::SessionLost { .. }))
}

/// Whether the grace of 500 ms leads to the loss, and the loss to the cancellation.
fn assert_lost_after_grace(world: &mut World) {
    world.pass(499);
    assert_eq!((losses(world), world.resting(ALICE)), (0, 2), "in the grace");
    world.pass(1);
    assert_eq!((losses(world), world.resting(ALICE)), (1, 1), "only the persistent order stays");
    world.pass(1_000);
    assert_eq!(losses(world), 1);
}

fn assert_kept(world: &mut World) {
    world.pass(5_000);
    assert_eq!((losses(world), world.resting(ALICE)), (0, 2));
}

fn terminated(client: &Client, world: &mut World) -> TermCode {
    let heard = client.messages(world);
    match heard.last() {
        Some(FromVenue::Terminate(end)) => end.code.get().expect("a known code"),
        other => panic!("no Terminate but {other:?}"),
    }
}

#[test]
fn trigger_the_peer_closes() {
    let mut world = World::new();
    let alice = resting(&mut world, CodMode::KeepProtection, 500);
    world.door.peer_closed(alice.id, world.time());
    assert_lost_after_grace(&mut world);
}

#[test]
fn trigger_the_peer_lapses() {
    let mut world = World::new();
    let alice = resting(&mut world, CodMode::KeepProtection, 500);
    world.pass(2_999);
    assert_eq!(world.door.state(alice.id), Standing::Open);
    world.pass(1);
    assert_eq!(terminated(&alice, &mut world), TermCode::HeartbeatLapsed);
    assert_eq!(world.door.state(alice.id), Standing::CloseAfterFlush);
    assert_lost_after_grace(&mut world);
    assert_eq!(world.door.stats().lapses, 1);
}

#[test]
fn trigger_the_peer_does_not_read() {
    let config = DoorConfig { unsent_bytes_max: 250, ..DoorConfig::default() };
    let mut world = World::with(config, 1 << 14);
    let mut alice = resting(&mut world, CodMode::KeepProtection, 500);
    for token in 0..3 {
        let test = gateway::wire::private::TestRequest { token, send_time: TimeNs::new(1) };
        alice.say(&mut world, &test);
    }
    alice.say(&mut world, &gateway::wire::private::InstrumentQuery { query_id: 1 });
    world.settle();
    assert_eq!(terminated(&alice, &mut world), TermCode::SlowConsumer);
    assert_lost_after_grace(&mut world);
}

#[test]
fn trigger_the_peer_breaks_the_protocol() {
    let mut world = World::new();
    let mut alice = resting(&mut world, CodMode::KeepProtection, 500);
    alice.send(&mut world, &[0xFF; 64]);
    assert_eq!(terminated(&alice, &mut world), TermCode::ProtocolError);
    assert_lost_after_grace(&mut world);
}

#[test]
fn trigger_the_peer_leaves_out_a_number() {
    let mut world = World::new();
    let mut alice = resting(&mut world, CodMode::KeepProtection, 500);
    alice.next += 1;
    alice.bid(&mut world, 5, 1);
    assert_eq!(terminated(&alice, &mut world), TermCode::SequenceGap);
    assert_lost_after_grace(&mut world);
}

#[test]
fn trigger_the_key_is_revoked() {
    let mut world = World::new();
    let alice = resting(&mut world, CodMode::KeepProtection, 500);
    world.operator(Command::venue(Action::RevokeKey { key: key_id(ALICE) }));
    world.settle();
    assert_eq!(terminated(&alice, &mut world), TermCode::Unauthorised);
    assert_lost_after_grace(&mut world);
}

#[test]
fn trigger_the_server_restarts() {
    let mut world = World::new();
    resting(&mut world, CodMode::KeepProtection, 500);
    world.now += 60_000 * MS;
    world.restart();
    world.round();
    assert_lost_after_grace(&mut world);
}

#[test]
fn trigger_the_server_stops_and_starts() {
    let mut world = World::new();
    let alice = resting(&mut world, CodMode::KeepProtection, 500);
    world.door.shut_down(world.time());
    assert_eq!(terminated(&alice, &mut world), TermCode::ServerShutdown);
    world.door.peer_closed(alice.id, world.time());
    world.pass(1_000);
    assert_eq!(losses(&world), 0, "a server that stops gives nobody up");
    assert!(world.door.open(world.time()).is_err());
    world.restart();
    world.round();
    assert_lost_after_grace(&mut world);
}

#[test]
fn trigger_a_logout_that_wishes_it() {
    let mut world = World::new();
    let mut alice = resting(&mut world, CodMode::KeepProtection, 500);
    alice.say(&mut world, &Logout { code: Code::of(TermCode::Finished), cancel_orders: 1 });
    world.settle();
    let heard = alice.messages(&mut world);
    assert!(matches!(&heard[..], [FromVenue::OrderCanceled(_), FromVenue::Logout(_)]), "{heard:?}");
    assert_eq!(world.resting(ALICE), 1);
    world.pass(5_000);
    assert_eq!(losses(&world), 0);
}

#[test]
fn trigger_the_dead_man_timer() {
    let mut world = World::new();
    let mut alice = resting(&mut world, CodMode::KeepProtection, 500);
    let arm = CancelAllAfter {
        cl_ord_id: engine::ClientOrderId::new(3),
        account_id: AccountId::new(0),
        timeout: Millis::new(700),
        keep_reduce_only: 1,
        valid_until: TimeNsN::NONE,
    };
    alice.ask(&mut world, &arm);
    world.settle();
    assert!(matches!(&alice.messages(&mut world)[..], [FromVenue::CancelAllAfterAck(_)]));
    world.pass(699);
    assert_eq!(world.resting(ALICE), 2);
    world.pass(101);
    assert_eq!(world.resting(ALICE), 0, "at the first tick from then on; persistent ones too");
    let heard = alice.messages(&mut world);
    assert!(matches!(
        &heard[..],
        [FromVenue::DeadManFired(_), FromVenue::OrderCanceled(_), FromVenue::OrderCanceled(_)]
    ));
    assert_eq!(world.door.state(alice.id), Standing::Open);
}

#[test]
fn no_trigger_a_take_over() {
    let mut world = World::new();
    let mut alice = resting(&mut world, CodMode::KeepProtection, 500);
    let old = alice.clone();
    alice.reconnect(&mut world);
    assert_eq!(terminated(&old, &mut world), TermCode::TakenOver);
    world.door.peer_closed(old.id, world.time());
    for _ in 0..10 {
        world.pass(500);
        alice.say(&mut world, &Heartbeat { send_time: TimeNs::new(1), echo_time: TimeNs::new(0) });
    }
    assert_eq!((losses(&world), world.resting(ALICE)), (0, 2));
    assert_eq!(world.door.stats().take_overs, 1);
}

#[test]
fn no_trigger_a_reconnect_within_the_grace() {
    let mut world = World::new();
    let mut alice = resting(&mut world, CodMode::KeepProtection, 500);
    world.door.peer_closed(alice.id, world.time());
    world.pass(499);
    alice.reconnect(&mut world);
    world.pass(2_000);
    assert_eq!((losses(&world), world.resting(ALICE)), (0, 2));
}

#[test]
fn no_trigger_a_reconnect_that_the_log_is_slow_with() {
    let mut world = World::new();
    let mut alice = resting(&mut world, CodMode::KeepProtection, 500);
    world.door.peer_closed(alice.id, world.time());
    world.pass(499);
    world.delay = 100 * MS;
    alice.id = world.door.open(world.time()).expect("there is room");
    assert_eq!(alice.try_log_on(&mut world), [], "the log has not covered it");
    world.pass(200);
    assert_eq!(
        (losses(&world), world.resting(ALICE)),
        (0, 2),
        "the grace ends while the logon is on its way"
    );
    assert!(matches!(&alice.messages(&mut world)[..], [FromVenue::LogonAck(_), ..]));
}

#[test]
fn no_trigger_a_clean_logout() {
    let mut world = World::new();
    let mut alice = resting(&mut world, CodMode::CancelAll, 500);
    alice.say(&mut world, &Logout { code: Code::of(TermCode::Finished), cancel_orders: 0 });
    assert_eq!(alice.hear(&mut world), [], "the log has the word");
    world.settle();
    assert!(matches!(&alice.messages(&mut world)[..], [FromVenue::Logout(_)]));
    assert_eq!(world.door.state(alice.id), Standing::CloseAfterFlush);
    world.door.peer_closed(alice.id, world.time());
    assert_kept(&mut world);
    world.restart();
    assert_kept(&mut world);
}

#[test]
fn no_trigger_the_mode_is_off() {
    let mut world = World::new();
    let alice = resting(&mut world, CodMode::Off, 500);
    world.door.peer_closed(alice.id, world.time());
    world.pass(5_000);
    assert_eq!((losses(&world), world.resting(ALICE)), (1, 2), "the end is logged, and takes nothing");
}

#[test]
fn no_trigger_a_restart_where_the_mode_is_off() {
    let mut world = World::new();
    resting(&mut world, CodMode::Off, 500);
    world.restart();
    assert_kept(&mut world);
}

#[test]
fn a_loss_waits_for_room_in_the_queue() {
    let mut world = World::new();
    let alice = resting(&mut world, CodMode::CancelAll, 0);
    world.door.peer_closed(alice.id, world.time());
    world.queue.capacity = 0;
    world.pass(10);
    assert_eq!((losses(&world), world.resting(ALICE)), (0, 2));
    world.queue.capacity = 10;
    world.pass(1);
    assert_eq!((losses(&world), world.resting(ALICE)), (1, 0));
}
