//! The end: what was submitted is delivered, everybody is told.

use gateway::log::Durability;
use gateway::runner::Mode;
use gateway::wire::private::FromVenue;
use gateway::wire::types::{Side, TermCode, Tif};

use crate::peer::{Peer, append};
use crate::venue::{HOME, serve, serving};

#[test]
fn a_graceful_end_delivers_what_was_taken_and_says_so() {
    for mode in [Mode::Shared, Mode::Dedicated] {
        let directory = tempfile::tempdir().expect("a directory");
        let served = serve(directory.path(), mode, Durability::Local, &serving());
        let (mut peer, _) = Peer::log_on(served.address(), 0);
        let mut octets = Vec::new();
        for _ in 0..50 {
            let order = peer.order(Side::Buy, HOME - 500, Tif::GTC);
            let number = peer.next_number();
            append(number, false, &order, &mut octets);
        }
        peer.send_octets(&octets);
        // At least the first has been taken when the end begins.
        assert!(matches!(peer.receive().message, FromVenue::OrderAccepted(_)));
        let conclusion = served.stop().expect("no failure");
        let mut rest = peer.receive_all();
        let Some(FromVenue::Terminate(end)) = rest.pop().map(|frame| frame.message) else {
            panic!("{rest:?}")
        };
        assert_eq!(end.code.get(), Some(TermCode::ServerShutdown));
        assert!(rest.iter().all(|frame| matches!(frame.message, FromVenue::OrderAccepted(_))));
        let acknowledged = 1 + rest.len() as u64;
        assert_eq!(end.last_client_seq_no.get(), acknowledged, "everything in the log was sent");
        assert!(conclusion.last.seq.get() > acknowledged);

        let served = serve(directory.path(), mode, Durability::Local, &serving());
        let (_, ack) = Peer::log_on(served.address(), 0);
        assert_eq!(ack.last_client_seq_no.get(), acknowledged);
        served.stop().expect("no failure");
    }
}

#[test]
fn a_reader_that_does_not_read_does_not_hold_the_end_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving());
    let (_silent, _) = Peer::log_on(served.address(), 0);
    let _stranger = Peer::connect(served.address());
    // Until it has been let in.
    while served.stats().accepted < 2 {
        std::thread::yield_now();
    }
    served.stop().expect("no failure");
}

#[test]
fn the_address_is_free_again_and_nobody_is_let_in_any_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving());
    let address = served.address();
    let (mut peer, _) = Peer::log_on(address, 0);
    served.stop().expect("no failure");
    assert!(matches!(peer.receive().message, FromVenue::Terminate(_)));
    assert!(std::net::TcpStream::connect(address).is_err());
    let mut serving = serving();
    serving.listen = address;
    serve(directory.path(), Mode::Shared, Durability::None, &serving).stop().expect("no failure");
}
