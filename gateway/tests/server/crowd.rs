//! Many connections, and bad ones among them.

use std::time::Duration;

use gateway::clock::Stopwatch;
use gateway::log::Durability;
use gateway::runner::Mode;
use gateway::serve::Served;
use gateway::wire::private::FromVenue;
use gateway::wire::types::{Side, Tif};

use crate::peer::{Peer, append};
use crate::venue::{ACCOUNTS, HOME, serve, serving};

/// Octets of an order's frame.
const FRAME: usize = 112;

/// Waits until what the server counts is as it should be.
fn await_stats(served: &Served, is_so: impl Fn(&gateway::server::ServerStats) -> bool) {
    let watch = Stopwatch::start();
    while !is_so(&served.stats()) {
        assert!(watch.elapsed() < Duration::from_secs(20), "{:?}", served.stats());
        std::thread::yield_now();
    }
}

/// Orders and their cancellations, one after the other.
fn send_and_check(peer: &mut Peer, orders: u64) {
    for _ in 0..orders {
        peer.send_order(Side::Buy, HOME - 500, Tif::GTC);
        let FromVenue::OrderAccepted(accepted) = peer.receive().message else { panic!("not accepted") };
        assert_eq!(accepted.cl_ord_id.get(), peer.last_order);
        peer.cancel(peer.last_order);
        let FromVenue::OrderCanceled(canceled) = peer.receive().message else { panic!("not cancelled") };
        assert_eq!(canceled.order_id, accepted.order_id);
    }
}

#[test]
fn two_hundred_are_served_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving());
    let mut peers: Vec<Peer> = (0..200).map(|index| Peer::log_on(served.address(), index).0).collect();
    for round in 1..=10 {
        for peer in &mut peers {
            peer.send_order(Side::Buy, HOME - 500, Tif::GTC);
        }
        for peer in &mut peers {
            let frame = peer.receive();
            let FromVenue::OrderAccepted(accepted) = frame.message else { panic!("{frame:?}") };
            assert_eq!((frame.prefix.seq_no, accepted.cl_ord_id.get()), (round, round));
        }
    }
    await_stats(&served, |stats| stats.door.connections == 200 && stats.accepted == 200);
    drop(peers);
    await_stats(&served, |stats| stats.door.connections == 0);
    served.stop().expect("no failure");
}

#[test]
fn half_open_connections_hold_nobody_up_and_are_closed() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut serving = serving();
    serving.door.logon_ms = 300;
    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving);
    let (mut peer, _) = Peer::log_on(served.address(), 0);
    let mut strangers: Vec<Peer> = (0..100).map(|_| Peer::connect(served.address())).collect();
    for (number, stranger) in strangers.iter_mut().enumerate() {
        // Half a header, or nothing at all.
        if number % 2 == 0 {
            stranger.send_octets(&[106, 0, 0, 0, 0x50, 0xEB, 0]);
        }
    }
    send_and_check(&mut peer, 50);
    for stranger in &mut strangers {
        let last = stranger.receive_all().pop();
        assert!(last.is_none_or(|last| matches!(last.message, FromVenue::LogonReject(_))));
    }
    send_and_check(&mut peer, 50);
    await_stats(&served, |stats| stats.door.connections == 1);
    served.stop().expect("no failure");
}

#[test]
fn bursts_go_through_the_quota_in_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut serving = serving();
    serving.door.requests.capacity = 100_000;
    serving.door.requests.rate = 1_000_000;
    for mode in [Mode::Shared, Mode::Dedicated] {
        let served = serve(directory.path(), mode, Durability::None, &serving);
        let mut peers: Vec<Peer> = (0..4).map(|index| Peer::log_on(served.address(), index).0).collect();
        std::thread::scope(|scope| {
            for peer in &mut peers {
                scope.spawn(|| burst(peer, 5_000));
            }
        });
        served.stop().expect("no failure");
        std::fs::remove_dir_all(directory.path()).expect("ours");
    }
}

/// Sends many orders in one piece, takers that find nothing; reads while it sends.
fn burst(peer: &mut Peer, orders: u64) {
    let mut octets = Vec::new();
    for _ in 0..orders {
        let order = peer.order(Side::Buy, HOME - 500, Tif::IOC);
        let number = peer.next_number();
        append(number, false, &order, &mut octets);
    }
    let mut rest = octets.as_slice();
    let mut expected = 1;
    while expected <= orders {
        let (piece, behind) = rest.split_at(rest.len().min(8 << 10));
        peer.send_octets(piece);
        rest = behind;
        // Some 600 orders are on their way at a time.
        let sent = octets.len() - rest.len();
        let settled = |expected: u64| usize::try_from(expected).expect("few") * FRAME + (64 << 10) >= sent;
        while expected <= orders && (rest.is_empty() || !settled(expected)) {
            // Two frames an order; the numbers of both directions rise without a gap.
            let accepted = peer.receive();
            let FromVenue::OrderAccepted(order) = accepted.message else { panic!("{accepted:?}") };
            assert_eq!((order.cl_ord_id.get(), accepted.prefix.seq_no), (expected, 2 * expected - 1));
            let gone = peer.receive();
            assert!(
                matches!(gone.message, FromVenue::OrderCanceled(_)) && gone.prefix.seq_no == 2 * expected
            );
            expected += 1;
        }
    }
}

#[test]
fn a_reader_that_never_reads_disturbs_nobody_and_is_ended() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut serving = serving();
    serving.ring_bytes = 64 << 10;
    serving.door.requests.capacity = 1_000_000;
    serving.door.requests.rate = 10_000_000;
    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving);
    let (mut deaf, _) = Peer::log_on(served.address(), 0);
    let (mut peer, _) = Peer::log_on(served.address(), 1);
    let mut octets = Vec::new();
    for _ in 0..800 {
        octets.clear();
        for _ in 0..500 {
            let order = deaf.order(Side::Buy, HOME - 500, Tif::IOC);
            let number = deaf.next_number();
            append(number, false, &order, &mut octets);
        }
        deaf.send_octets(&octets);
        send_and_check(&mut peer, 1);
        if served.stats().door.slow_consumers > 0 {
            break;
        }
    }
    await_stats(&served, |stats| stats.door.slow_consumers == 1);
    send_and_check(&mut peer, 100);
    served.stop().expect("no failure");
}

#[test]
fn peers_that_vanish_leave_nothing_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving());
    let (mut peer, _) = Peer::log_on(served.address(), 0);
    for index in 1..ACCOUNTS.min(64) {
        let (mut other, _) = Peer::log_on(served.address(), index);
        // Gone with octets unread on both sides: a reset.
        other.send_order(Side::Buy, HOME - 500, Tif::GTC);
        other.send_octets(&[112, 0, 0, 0]);
        drop(other);
    }
    send_and_check(&mut peer, 100);
    await_stats(&served, |stats| stats.door.connections == 1);
    served.stop().expect("no failure");
}

#[test]
fn connections_beyond_the_limit_are_turned_away() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut serving = serving();
    serving.door.connections_max = 3;
    let served = serve(directory.path(), Mode::Shared, Durability::None, &serving);
    let (mut peer, _) = Peer::log_on(served.address(), 0);
    let _others: Vec<Peer> = (0..2).map(|_| Peer::connect(served.address())).collect();
    await_stats(&served, |stats| stats.accepted == 3);
    assert_eq!(Peer::connect(served.address()).receive_all(), []);
    await_stats(&served, |stats| stats.turned_away == 1);
    send_and_check(&mut peer, 10);
    served.stop().expect("no failure");
}
