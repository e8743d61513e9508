//! Logon: what is signed, which numbers follow, and when there is no going on.

use ed25519_dalek::{Signature, VerifyingKey};
use engine::{ClientOrderId, ClientSeq, TimeNs};
use gateway::client::request::limit_order;
use gateway::client::{Fault, Key, Phase, SendError, Session, SessionTerms};
use gateway::wire::private::{Challenge, FromClient, FromVenue, LogonReject, Terminate};
use gateway::wire::types::{Octets, SessionKind, Side, TermCode};
use gateway::wire::{Message, Text};
use risk::{Price, Qty};

use crate::peer::{
    ACCOUNT, EPOCH, INSTRUMENT, NOW, Peer, frames, log_on, output, take, terms, venue_message,
};

fn order() -> gateway::wire::private::NewOrder {
    limit_order(ACCOUNT, INSTRUMENT, Side::Buy, Qty::new(1), Price::new(100))
}

#[test]
fn the_proof_signs_every_octet_of_both_blocks() {
    let mut session = Session::new(terms(), None);
    let peer = Peer::new();
    session.connected(NOW, [4; 32]);
    let hello = output(&mut session);
    assert_eq!(hello.len(), 32 + 74);
    let challenge = peer.challenge();
    assert_eq!(challenge.len(), 32 + 48);
    session.receive(&challenge, NOW).unwrap();
    let proof = frames(&output(&mut session));
    let [(_, FromClient::LogonProof(proof))] = proof.as_slice() else { panic!("{proof:?}") };
    let signed = [b"venue-logon-v1\0".as_slice(), &hello[32..], &challenge[32..], &[0; 32]].concat();
    let key = VerifyingKey::from_bytes(&terms().key.public()).unwrap();
    assert!(key.verify_strict(&signed, &Signature::from_bytes(&proof.signature.0)).is_ok());
    for at in 0..signed.len() {
        let mut other = signed.clone();
        other[at] ^= 1;
        assert!(key.verify_strict(&other, &Signature::from_bytes(&proof.signature.0)).is_err());
    }
}

/// Every octet was worked out by another implementation, the one in section 6 of RFC 8032.
#[test]
fn a_logon_is_octet_for_octet_the_known_one() {
    let octets = |text: &str| -> Vec<u8> {
        let digits = text.as_bytes().chunks_exact(2);
        let pairs = digits.map(|pair| core::str::from_utf8(pair).expect("digits"));
        pairs.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect()
    };
    let secret = octets("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let key = Key::from_secret(secret.try_into().unwrap());
    let terms = SessionTerms { tag: 7, ..SessionTerms::new(key, SessionKind::OrderEntry) };
    let rising = |first: u8| core::array::from_fn(|at| first + u8::try_from(at).expect("few"));
    let mut session = Session::new(terms, None);
    session.connected(NOW, rising(0));
    let hello = "01000000d75a980182b10ab707000000010288130000e80300000000000000000000000000000000\
                 0000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    assert_eq!(output(&mut session)[32..], octets(hello));
    let challenge = Challenge {
        server_time: TimeNs::new(1_700_000_000_000_000_000),
        engine_epoch: 0x0123_4567_89ab_cdef,
        server_nonce: Octets(rising(32)),
    };
    session.receive(&Peer::new().unnumbered(&challenge), NOW).unwrap();
    let signature = "396c5004135f7f870bb3881f6b8eed31e4cfda52f51f23818b96c743fda96d2d\
                     d5d2ddc89e0b19dfa3075cb5295f36a800a0f3f48a59795309e9918ecbf8d305";
    assert_eq!(output(&mut session)[32 + 8..], octets(signature));
}

#[test]
fn a_session_without_numbers_learns_them_from_the_venue() {
    let mut session = Session::new(terms(), None);
    let now = NOW;
    assert_eq!(session.send(order().into(), now), Err(SendError::NumbersUnknown));
    let peer = Peer { next: 30, last: 7, last_cl_ord_id: 41, oldest: 21, ..Peer::new() };
    session.connected(now, [4; 32]);
    let hello = frames(&output(&mut session));
    let [(_, FromClient::Hello(hello))] = hello.as_slice() else { panic!("{hello:?}") };
    assert_eq!((hello.next_send_seq_no, hello.next_expected_seq_no), (ClientSeq::new(0), 0));
    session.receive(&[peer.challenge(), peer.ack()].concat(), now).unwrap();
    assert_eq!((session.phase(), session.next_expected()), (Phase::Active, 21));
    drop(output(&mut session));
    let ticket = session.send(order().into(), now).unwrap();
    assert_eq!((ticket.seq_no, ticket.cl_ord_id), (ClientSeq::new(8), ClientOrderId::new(42)));
    let sent = frames(&output(&mut session));
    let [(prefix, FromClient::NewOrder(sent))] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((prefix.flags.0, prefix.seq_no, prefix.ack_seq_no), (0, 8, 20));
    assert_eq!(sent.cl_ord_id, ClientOrderId::new(42));
}

#[test]
fn the_callers_own_numbers_must_rise() {
    let mut session = Session::new(terms(), None);
    drop(log_on(&mut session, &Peer::new()));
    let mut numbered = order();
    numbered.cl_ord_id = ClientOrderId::new(50);
    assert!(session.send(numbered.clone().into(), NOW).is_ok());
    let refused = session.send(numbered.into(), NOW);
    assert_eq!(refused, Err(SendError::IdNotRising { wanted: 50, last: 50 }));
    let next = session.send(order().into(), NOW).unwrap();
    assert_eq!((next.seq_no, next.cl_ord_id), (ClientSeq::new(2), ClientOrderId::new(51)));
}

#[test]
fn a_refused_logon_and_an_ended_connection_say_whether_to_come_back() {
    let text = Text::new("words");
    for (code, is_final) in
        [(1101, true), (1102, true), (1103, true), (1107, true), (1111, false), (1113, false)]
    {
        let mut session = Session::new(terms(), None);
        let peer = Peer::new();
        session.connected(NOW, [4; 32]);
        let reject = LogonReject { server_time: NOW, code, text: text.clone() };
        let fault = session.receive(&peer.unnumbered(&reject), NOW).unwrap_err();
        assert_eq!(fault, Fault::LogonRejected { code, text: "words".to_owned() });
        assert_eq!(fault.is_final(), is_final, "{code}");
        assert!(!fault.to_string().is_empty());
    }
    for (code, is_final) in [
        (TermCode::TakenOver, true),
        (TermCode::Unauthorised, true),
        (TermCode::SlowConsumer, false),
        (TermCode::ServerShutdown, false),
    ] {
        let mut session = Session::new(terms(), None);
        let peer = Peer::new();
        drop(log_on(&mut session, &peer));
        let end = Terminate {
            server_time: NOW,
            next_venue_seq_no: 1,
            last_client_seq_no: ClientSeq::new(0),
            code: code.into(),
            text: text.clone(),
        };
        assert!(matches!(venue_message(&peer.unnumbered(&end)), FromVenue::Terminate(_)));
        let fault = session.receive(&peer.unnumbered(&end), NOW).unwrap_err();
        assert_eq!(fault.is_final(), is_final, "{code:?}");
    }
}

#[test]
fn another_log_is_noticed_before_anything_is_signed() {
    let mut session = Session::new(terms(), None);
    drop(log_on(&mut session, &Peer::new()));
    session.disconnected();
    session.connected(NOW, [4; 32]);
    drop(output(&mut session));
    let other = Peer { epoch: EPOCH + 1, ..Peer::new() };
    let fault = session.receive(&other.challenge(), NOW).unwrap_err();
    assert_eq!(fault, Fault::OtherVenue { ours: EPOCH, theirs: EPOCH + 1 });
    assert!(fault.is_final() && session.output().is_empty());
}

#[test]
fn a_venue_that_lost_its_log_and_a_second_sender_are_noticed() {
    let mut session = Session::new(terms(), None);
    let mut peer = Peer::new();
    drop(log_on(&mut session, &peer));
    let ticket = session.send(order().into(), NOW).unwrap();
    drop(take(&mut session, &peer.accept(ticket.cl_ord_id.get())));
    let log_on_to = |session: &mut Session, peer: Peer| {
        session.disconnected();
        session.connected(NOW, [4; 32]);
        session.receive(&[peer.challenge(), peer.ack()].concat(), NOW)
    };
    for (next, last) in [(2, 0), (1, 1)] {
        let forgot = log_on_to(&mut session, Peer { next, last, ..Peer::new() });
        assert_eq!(forgot, Err(Fault::VenueForgot { client_seq: last, venue_seq: next }));
    }
    let taken = log_on_to(&mut session, Peer { next: 3, last: 2, ..Peer::new() });
    assert_eq!(taken, Err(Fault::NumbersTaken { ours: 1, theirs: 2 }));
    assert!(log_on_to(&mut session, peer).is_ok());
}

#[test]
fn what_may_not_come_before_the_logon_is_a_fault() {
    let mut peer = Peer::new();
    for octets in [peer.ack(), peer.accept(1), peer.gap_fill(1, 2)] {
        let mut session = Session::new(terms(), None);
        session.connected(NOW, [4; 32]);
        assert!(matches!(session.receive(&octets, NOW), Err(Fault::OutOfPlace { .. })));
    }
    assert_eq!(order().length(), 80);
}
