//! The stream of events: pieces, repetitions, holes, silence, rubbish.

use engine::TimeNs;
use gateway::client::{Fault, Incoming, Phase, Session};
use gateway::wire::private::{FromClient, Logout, SessionReject, TestRequest};
use gateway::wire::types::{TermCode, U16N};

use crate::peer::{NOW, Peer, accepted, frames, incoming, log_on, numbers, output, take, terms};

const MS: u64 = 1_000_000;

fn ready() -> (Session, Peer) {
    let mut session = Session::new(terms(), None);
    let peer = Peer::new();
    drop(log_on(&mut session, &peer));
    drop(incoming(&mut session));
    (session, peer)
}

#[test]
fn events_are_the_same_in_whatever_pieces_they_come() {
    let (mut whole, mut peer) = ready();
    let stream: Vec<u8> = (1..=4).flat_map(|number| peer.event(&accepted(number))).collect();
    let expected = take(&mut whole, &stream);
    assert_eq!(numbers(&expected), [1, 2, 3, 4]);
    for at in 0..=stream.len() {
        let (mut session, _) = ready();
        let (first, second) = stream.split_at(at);
        let mut came = take(&mut session, first);
        came.extend(take(&mut session, second));
        assert_eq!(came, expected, "split at {at}");
    }
    let (mut session, _) = ready();
    let came: Vec<Incoming> = stream.iter().flat_map(|octet| take(&mut session, &[*octet])).collect();
    assert_eq!(came, expected);
}

#[test]
fn what_comes_twice_is_dropped_and_what_comes_early_is_asked_for_once() {
    let (mut session, mut peer) = ready();
    let events: Vec<Vec<u8>> = (1..=6).map(|number| peer.event(&accepted(number))).collect();
    let stream = [&events[0], &events[1], &events[0], &events[1], &events[3], &events[4]];
    assert_eq!(numbers(&take(&mut session, &stream.map(Vec::as_slice).concat())), [1, 2]);
    assert_eq!(session.duplicates(), 2);
    let asked = frames(&output(&mut session));
    let [(_, FromClient::ResendRequest(asked))] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((asked.from_seq_no, asked.count), (3, 0));
    let again = events[2..].concat();
    assert_eq!(numbers(&take(&mut session, &again)), [3, 4, 5, 6]);
    assert!(session.output().is_empty());
}

#[test]
fn a_hole_that_is_not_filled_ends_the_connection() {
    let (mut session, mut peer) = ready();
    drop(peer.event(&accepted(1)));
    drop(take(&mut session, &peer.event(&accepted(2))));
    let refused = SessionReject {
        ref_seq_no: engine::ClientSeq::new(0),
        ref_template_id: 8,
        code: 1107,
        field_id: U16N::NONE,
    };
    let fault = session.receive(&peer.unnumbered(&refused), NOW).unwrap_err();
    assert!(!fault.is_final());
}

#[test]
fn declared_holes_move_the_numbers_on() {
    let (mut session, mut peer) = ready();
    drop((peer.event(&accepted(1)), peer.event(&accepted(2))));
    let came = take(&mut session, &[peer.gap_fill(1, 2), peer.event(&accepted(3))].concat());
    assert_eq!(came[0], Incoming::GapFill { from: 1, to: 2, code: 1107 });
    assert_eq!(numbers(&came), [3]);
    // One that is past, one that begins in the past, one that leaves a hole before it.
    assert!(take(&mut session, &peer.gap_fill(1, 3)).is_empty());
    let came = take(&mut session, &peer.gap_fill(2, 8));
    assert_eq!(came, [Incoming::GapFill { from: 4, to: 8, code: 1107 }]);
    assert!(take(&mut session, &peer.gap_fill(12, 13)).is_empty());
    assert_eq!(frames(&output(&mut session)).len(), 1);
}

#[test]
fn silence_is_broken_tested_and_given_up() {
    let (mut session, peer) = ready();
    let at = |ms: u64| TimeNs::new(NOW.get() + ms * MS);
    session.tick(at(999)).unwrap();
    assert!(session.output().is_empty());
    assert_eq!(session.next_tick(), Some(at(1_000)));
    session.tick(at(1_000)).unwrap();
    let beat = frames(&output(&mut session));
    assert!(matches!(beat.as_slice(), [(_, FromClient::Heartbeat(_))]), "{beat:?}");
    session.tick(at(2_000)).unwrap();
    let test = frames(&output(&mut session));
    assert!(matches!(test.as_slice(), [(_, FromClient::TestRequest(_))]), "{test:?}");
    session.tick(at(2_500)).unwrap();
    assert!(session.output().is_empty(), "one test is enough");
    assert_eq!(session.tick(at(3_000)), Err(Fault::Lapsed { silence_ms: 3_000 }));
    session.receive(&peer.unnumbered(&TestRequest { token: 4, send_time: at(5) }), at(3_000)).unwrap();
    let beat = frames(&output(&mut session));
    let [(_, FromClient::Heartbeat(beat))] = beat.as_slice() else { panic!("{beat:?}") };
    assert_eq!(beat.echo_time, at(5));
    session.tick(at(3_999)).unwrap();
}

#[test]
fn a_logon_that_is_not_answered_lapses() {
    let mut session = Session::new(terms(), None);
    assert_eq!(session.next_tick(), None);
    session.connected(NOW, [0; 32]);
    let due = session.next_tick().unwrap();
    session.tick(TimeNs::new(due.get() - 1)).unwrap();
    assert!(matches!(session.tick(due), Err(Fault::Lapsed { .. })));
}

#[test]
fn a_session_ends_in_order() {
    let (mut session, peer) = ready();
    session.log_out(true, NOW);
    let asked = frames(&output(&mut session));
    let [(_, FromClient::Logout(asked))] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(asked.cancel_orders, 1);
    let farewell = Logout { code: TermCode::Finished.into(), cancel_orders: 0 };
    assert_eq!(take(&mut session, &peer.unnumbered(&farewell)), [Incoming::LoggedOut]);
    assert_eq!((session.phase(), session.next_tick()), (Phase::LoggedOut, None));
    drop(log_on(&mut session, &peer));
    assert_eq!(session.phase(), Phase::Active);
}

#[test]
fn no_octets_of_a_venue_make_a_session_panic() {
    let seed: u64 = std::env::var("FULCRUM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    for round in 0..5_000_u64 {
        let (mut session, mut peer) = ready();
        let mut stream = [
            peer.event(&accepted(1)),
            peer.gap_fill(2, 3),
            peer.throttle(2),
            peer.session_reject(1_007),
            peer.reject(2_000),
            peer.unnumbered(&TestRequest { token: 1, send_time: NOW }),
        ]
        .concat();
        let flips = 1 + random() % 4;
        for _ in 0..flips {
            let at = usize::try_from(random()).unwrap() % stream.len();
            stream[at] = u8::try_from(random() & 0xFF).unwrap();
        }
        if random() % 4 == 0 {
            let at = 8 * usize::try_from(random() % 4).unwrap();
            stream[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        }
        for piece in stream.chunks(1 + usize::try_from(random() % 90).unwrap()) {
            if session.receive(piece, NOW).is_err() {
                session.disconnected();
                break;
            }
        }
        let _unread = session.tick(TimeNs::new(NOW.get() + round * MS)).is_ok();
    }
}
