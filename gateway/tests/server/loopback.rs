//! Orders over loopback: logon, order, acknowledgement; restarts.

use gateway::log::Durability;
use gateway::runner::Mode;
use gateway::wire::Flags;
use gateway::wire::private::{FromVenue, RiskQuery};
use gateway::wire::types::{Side, Tif};

use crate::peer::{Peer, Received};
use crate::venue::{self, HOME, serve, serving};

fn numbers(frames: &[Received]) -> Vec<u64> {
    frames.iter().map(|frame| frame.prefix.seq_no).collect()
}

#[test]
fn an_order_is_acknowledged_in_every_mode() {
    for mode in [Mode::Shared, Mode::Dedicated] {
        for durability in [Durability::None, Durability::Local] {
            let directory = tempfile::tempdir().expect("a directory");
            let served = serve(directory.path(), mode, durability, &serving());
            assert_ne!(served.address().port(), 0, "the system chose");
            let (mut peer, ack) = Peer::log_on(served.address(), 0);
            assert_eq!((ack.last_client_seq_no.get(), ack.next_venue_seq_no), (0, 1));
            assert_eq!(ack.engine_epoch, served.recovery().log_id);
            for number in 1..=100 {
                peer.send_order(Side::Buy, HOME - 500, Tif::GTC);
                let Received { prefix, message } = peer.receive();
                let FromVenue::OrderAccepted(accepted) = message else { panic!("{message:?}") };
                assert_eq!((prefix.seq_no, prefix.ack_seq_no), (number, number));
                assert!(prefix.flags.has(Flags::END_OF_EVENT));
                assert_eq!(accepted.cl_ord_id.get(), number);
            }
            served.stop().expect("no failure");
        }
    }
}

#[test]
fn two_sides_trade_and_each_hears_its_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving());
    let (mut maker, _) = Peer::log_on(served.address(), 0);
    let (mut taker, _) = Peer::log_on(served.address(), 1);
    maker.send_order(Side::Buy, HOME, Tif::GTC);
    assert!(matches!(maker.receive().message, FromVenue::OrderAccepted(_)));
    taker.send_order(Side::Sell, HOME, Tif::IOC);
    assert!(matches!(taker.receive().message, FromVenue::OrderAccepted(_)));
    let FromVenue::OrderFilled(sold) = taker.receive().message else { panic!("no fill") };
    let FromVenue::OrderFilled(bought) = maker.receive().message else { panic!("no fill") };
    assert_eq!((sold.trade_id, sold.position_qty), (bought.trade_id, -bought.position_qty));
    // An answer comes behind what was asked before it, with the state after it.
    taker.send(0, true, &RiskQuery { query_id: 9, account_id: venue::account(1) });
    let FromVenue::AccountState(state) = taker.receive().message else { panic!("no answer") };
    assert_eq!((state.query_id, state.balance), (9, sold.balance));
    let FromVenue::PositionState(position) = taker.receive().message else { panic!("no position") };
    assert_eq!(position.qty, sold.position_qty);
    assert!(matches!(taker.receive().message, FromVenue::AssetBalance(row) if row.balance == state.balance));
    assert!(matches!(taker.receive().message, FromVenue::QueryEnd(end) if end.rows == 3 && end.code == 0));
    served.stop().expect("no failure");
}

#[test]
fn a_restart_keeps_the_numbers_and_sends_again_what_was_sent() {
    let directory = tempfile::tempdir().expect("a directory");
    let served = serve(directory.path(), Mode::Shared, Durability::Local, &serving());
    let epoch = served.recovery().log_id;
    assert!(served.recovery().created);
    let (mut peer, first) = Peer::log_on(served.address(), 3);
    let mut sent = Vec::new();
    for step in 1..=20 {
        peer.send_order(Side::Buy, HOME - 5 * step, Tif::GTC);
        sent.push(peer.receive());
    }
    served.stop().expect("no failure");

    let served = serve(directory.path(), Mode::Shared, Durability::Local, &serving());
    assert!(!served.recovery().created && served.recovery().log_id == epoch);
    let (mut peer, ack) = Peer::log_on_from(served.address(), 3, 11);
    assert_eq!((ack.session_id, ack.engine_epoch), (first.session_id, epoch));
    assert_eq!((ack.last_client_seq_no.get(), ack.last_cl_ord_id.get()), (20, 20));
    assert_eq!((ack.next_venue_seq_no, ack.oldest_retained), (21, 1));
    let again: Vec<Received> = (11..=20).map(|_| peer.receive()).collect();
    assert_eq!(numbers(&again), (11..=20).collect::<Vec<u64>>());
    for (again, before) in again.iter().zip(&sent[10..]) {
        assert!(again.prefix.flags.has(Flags::RESEND));
        assert_eq!(again.message, before.message);
    }
    // What the client sends again is dropped; what is new is taken.
    peer.next_number = 20;
    peer.last_order = 19;
    peer.send_order(Side::Buy, HOME - 500, Tif::GTC);
    peer.send_order(Side::Buy, HOME - 500, Tif::GTC);
    let Received { prefix, message } = peer.receive();
    assert!(matches!(message, FromVenue::OrderAccepted(accepted) if accepted.cl_ord_id.get() == 21));
    assert_eq!((prefix.seq_no, prefix.ack_seq_no), (21, 21));
    served.stop().expect("no failure");
}

#[test]
fn an_opening_that_would_be_refused_leaves_nothing_behind() {
    use engine::{Action, Command, Reject};
    use gateway::clock::WallClock;
    use gateway::process::StartError;
    use gateway::serve::{ServeError, start};
    let directory = tempfile::tempdir().expect("a directory");
    let config = venue::config(directory.path(), Mode::Shared, Durability::Local);
    let mut opening = venue::opening();
    opening.push(Command::venue(Action::OpenAccount { account: venue::account(0) }));
    let refused = start(&config, &serving(), &opening, WallClock::default());
    let Err(ServeError::Start(StartError::Opening { number, reject, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((number, reject), (opening.len(), Reject::AlreadyExists));
    opening.pop();
    let served = start(&config, &serving(), &opening, WallClock::default()).expect("nothing is in the way");
    assert!(served.recovery().created);
    served.stop().expect("no failure");
}

#[test]
fn an_opening_that_was_cut_short_is_finished_and_a_finished_one_is_not_added_to() {
    use gateway::clock::WallClock;
    use gateway::recovery::recover;
    let directory = tempfile::tempdir().expect("a directory");
    let config = venue::config(directory.path(), Mode::Shared, Durability::None);
    let opening = venue::opening();
    let mut clock = WallClock::default();
    // The process dies over its opening: dropped, not closed.
    drop(recover(&config, &mut clock, &opening[..7], &mut |_| ()).expect("begins"));
    let mut seen = 0;
    let (recovered, recovery) = recover(&config, &mut clock, &opening, &mut |_| seen += 1).expect("goes on");
    assert_eq!((recovery.created, recovery.commands, seen), (false, 7, opening.len()));
    assert_eq!(recovered.venue.last_stamp().seq.get(), opening.len() as u64);
    drop(recovered);

    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving());
    let (commands, last) = (served.recovery().commands, served.recovery().last.seq.get());
    assert_eq!(commands, opening.len() as u64);
    assert_eq!(last, venue::opening_with_keys().len() as u64, "the keys were added to an unused venue");
    drop(Peer::log_on(served.address(), 0));
    served.stop().expect("no failure");
    let mut longer = venue::opening_with_keys();
    longer.push(engine::Command::venue(engine::Action::Tick));
    let (_, recovery) = recover(&config, &mut clock, &longer, &mut |_| ()).expect("goes on");
    assert_eq!(recovery.commands, recovery.last.seq.get(), "a used one is left as it is");
}
