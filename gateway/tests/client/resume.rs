//! A session that goes on in another process.

use gateway::client::request::limit_order;
use gateway::client::{Answered, Fault, Incoming, Resume, Session, Ticket};
use gateway::wire::frame::Flags;
use gateway::wire::types::Side;
use risk::{Price, Qty};

use crate::peer::{
    ACCOUNT, INSTRUMENT, NOW, Peer, accepted, canceled, frames, incoming, log_on, output, take, terms,
};

fn order(session: &mut Session) -> Ticket {
    let order = limit_order(ACCOUNT, INSTRUMENT, Side::Buy, Qty::new(1), Price::new(100));
    session.send(order.into(), NOW).expect("there is room")
}

/// Through a file and into a new session.
fn reborn(session: &Session) -> Session {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("session");
    session.resume().expect("it was logged on").save(&path).expect("a place");
    let resume = Resume::load(&path).expect("a whole file").expect("it was saved");
    let reborn = Session::new(terms(), Some(&resume));
    assert_eq!(reborn.resume().as_ref(), Some(&resume), "nothing is lost on the way");
    reborn
}

#[test]
fn open_requests_are_sent_again_and_settled() {
    let mut session = Session::new(terms(), None);
    let mut peer = Peer::new();
    drop(log_on(&mut session, &peer));
    let tickets: Vec<Ticket> = (0..4).map(|_| order(&mut session)).collect();
    drop(take(&mut session, &peer.accept(1)));
    let sent = output(&mut session);
    let unseen = peer.accept(2);
    let mut session = reborn(&session);
    assert_eq!(session.open().collect::<Vec<_>>(), tickets[1..]);
    assert_eq!(session.standing(tickets[2]), Some(Answered::Unknown));
    let again = log_on(&mut session, &peer);
    let numbers: Vec<u64> = frames(&again).iter().map(|(prefix, _)| prefix.seq_no).collect();
    assert_eq!(numbers, [3, 4]);
    assert!(
        frames(&again)
            .iter()
            .all(|(prefix, _)| prefix.flags == Flags(Flags::RESEND) && prefix.ack_seq_no == 1)
    );
    assert_eq!(again[32..112], sent[2 * 112 + 32..3 * 112], "the message is the one that was sent");
    drop(take(&mut session, &[unseen, peer.reject(2_200), peer.accept(4)].concat()));
    assert_eq!(session.unsettled(), 0);
    assert_eq!(order(&mut session).seq_no.get(), 5);
    assert_eq!(session.standing(tickets[1]), Some(Answered::Accepted));
}

#[test]
fn a_state_older_than_the_last_frames_is_overtaken_by_the_log() {
    let mut session = Session::new(terms(), None);
    let mut peer = Peer::new();
    drop(log_on(&mut session, &peer));
    let first = order(&mut session);
    let mut old = reborn(&session);
    let later = order(&mut session);
    let answers = [peer.accept(first.cl_ord_id.get()), peer.accept(later.cl_ord_id.get())].concat();
    peer.last_cl_ord_id = later.cl_ord_id.get();
    assert!(frames(&log_on(&mut old, &peer)).is_empty(), "the log has it all");
    drop(take(&mut old, &answers));
    assert_eq!(old.standing(first), Some(Answered::Accepted));
    let next = order(&mut old);
    assert_eq!((next.seq_no.get(), next.cl_ord_id.get()), (3, later.cl_ord_id.get() + 1));
    // Once a logon has confirmed the numbers, nobody else may use them.
    drop(take(&mut old, &peer.accept(next.cl_ord_id.get())));
    old.disconnected();
    peer.last += 1;
    old.connected(NOW, [0; 32]);
    let fault = old.receive(&[peer.challenge(), peer.ack()].concat(), NOW).unwrap_err();
    assert_eq!(fault, Fault::NumbersTaken { ours: 3, theirs: 4 });
}

#[test]
fn doubt_about_a_hole_survives() {
    for is_seen in [false, true] {
        let mut session = Session::new(terms(), None);
        let mut peer = Peer::new();
        drop(log_on(&mut session, &peer));
        let ticket = order(&mut session);
        drop(peer.accept(ticket.cl_ord_id.get()));
        drop(take(&mut session, &peer.gap_fill(1, 1)));
        let mut behind = peer.part(&accepted(77), false);
        if is_seen {
            drop(take(&mut session, &behind));
            behind.clear();
        }
        let mut session = reborn(&session);
        behind.extend(peer.event(&canceled(90, None)));
        drop(log_on(&mut session, &peer));
        let came = take(&mut session, &behind);
        let settled = Incoming::Settled { ticket, answered: Answered::Sequenced };
        assert!(came.contains(&settled), "{came:?}");
    }
}

#[test]
fn a_session_never_logged_on_has_nothing_to_save() {
    let mut session = Session::new(terms(), None);
    assert_eq!(session.resume(), None);
    drop(log_on(&mut session, &Peer::new()));
    assert!(session.resume().is_some());
    assert_eq!(incoming(&mut session).len(), 1);
}
