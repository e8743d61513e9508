//! The audit: what the clients know, held against the log.

use std::collections::BTreeMap;

use engine::{Action, ClientOrderId, Event, Reject, Seq, SessionId};
use gateway::client::{Answered, Request};
use gateway::wire::private::{FromVenue, OrderFilled};
use risk::{Price, Qty};

use crate::model::{Due, Model, is_taken};
use crate::server::Entry;
use crate::trader::Trader;
use crate::world::World;

/// Where each number of a session was used up.
fn numbers(log: &[Entry]) -> BTreeMap<SessionId, BTreeMap<u64, &Entry>> {
    let mut numbers: BTreeMap<SessionId, BTreeMap<u64, &Entry>> = BTreeMap::new();
    for entry in log {
        let command = &entry.command;
        let replayed = entry.events.iter().any(|event| {
            matches!(event, Event::Rejected { reject: Reject::SequenceReplayed | Reject::SequenceGap, .. })
        });
        assert!(!replayed, "the door hands no number to the engine twice, and leaves none out: {entry:?}");
        if !is_taken(entry) {
            continue;
        }
        let count = if let Action::Skip(skip) = &command.action { u64::from(skip.count) } else { 1 };
        let used = numbers.entry(command.session).or_default();
        let last = command.client_seq.get();
        for number in last + 1 - count..=last {
            assert_eq!(number, used.len() as u64 + 1, "numbers are used up one after the other");
            let _first = used.insert(number, entry);
        }
    }
    numbers
}

/// What the log says of a request.
fn verdict(entry: &Entry) -> Answered {
    if let Event::Rejected { reject, client_order_id, .. } = entry.events[0]
        // That of one order of a batch is no word on the batch.
        && client_order_id == entry.command.client_order_id
    {
        Answered::Rejected { code: reject.code(), short: None }
    } else if let Event::Skipped { skip, .. } = entry.events[0] {
        Answered::Rejected { code: skip.code, short: None }
    } else {
        Answered::Accepted
    }
}

/// Whether a command is the request that was sent under its number.
fn is_of(entry: &Entry, name: ClientOrderId, request: &Request) -> bool {
    let command = &entry.command;
    if let Action::Skip(skip) = &command.action {
        return skip.count > 1 || skip.template == request.template();
    }
    if let Request::IndexPrice(sent) = request {
        let (seq, price) = (sent.source_seq, sent.price);
        return matches!(command.action, Action::IndexPrice { source_seq, price: logged, .. }
            if (source_seq, logged) == (seq, price));
    }
    ordered(&command.action) == asked(request) && command.client_order_id == name
}

/// Quantity and limit of a single order.
fn ordered(action: &Action) -> Option<(Qty, Option<Price>)> {
    if let Action::NewOrder(order) = action {
        return Some((order.qty, order.limit));
    }
    let Action::AdvancedOrder(advanced) = action else { return None };
    Some((advanced.order.qty, advanced.order.limit))
}

fn asked(request: &Request) -> Option<(Qty, Option<Price>)> {
    if let Request::NewOrder(sent) = request {
        return Some((sent.qty, sent.price.get()));
    }
    let Request::AdvancedOrder(sent) = request else { return None };
    Some((sent.qty, sent.price.get()))
}

/// Whether part of the answer to a request lay in a hole.
fn is_hidden(trader: &Trader, due: &[Due], number: u64) -> bool {
    let first = due.iter().position(|due| due.through >= number).expect("every request is answered");
    let length = due[first..].iter().position(|due| due.is_end).expect("every event ends");
    let event = first as u64 + 1..=(first + length) as u64 + 1;
    event.into_iter().any(|number| trader.holes.contains(&number))
}

fn check_requests(trader: &Trader, used: &BTreeMap<u64, &Entry>, due: &[Due]) {
    let who = (trader.session_id, trader.terms.kind);
    for (number, (ticket, request)) in &trader.sent {
        let entry = used.get(number);
        let answered = trader.verdicts.get(number);
        let Some(entry) = entry else {
            assert!(trader.orphans.contains(number), "{who:?}: request {number} is lost");
            assert!(answered.is_none(), "{who:?}: request {number} was {answered:?} and is not in the log");
            continue;
        };
        assert!(is_of(entry, ticket.cl_ord_id, request), "{who:?}: {request:?} became {entry:?}");
        match (answered, verdict(entry)) {
            (None, _) => {
                assert!(trader.orphans.contains(number), "{who:?}: request {number} has no last word");
            }
            (Some(Answered::Sequenced), _) => {
                assert!(is_hidden(trader, due, *number), "{who:?}: no hole hid the answer to {number}");
            }
            (Some(Answered::Rejected { code, .. }), Answered::Rejected { code: logged, .. }) => {
                assert_eq!(*code, logged, "{who:?}: request {number}");
            }
            (Some(answered), logged) => assert_eq!(*answered, logged, "{who:?}: request {number}"),
        }
    }
}

fn check_events(trader: &Trader, due: &[Due], log: &[Entry]) {
    let who = (trader.session_id, trader.terms.kind);
    let last = due.len() as u64;
    assert_eq!(trader.expected, last + 1, "{who:?} was told everything");
    assert!(trader.seen.keys().next_back().is_none_or(|number| *number <= last));
    for (number, due) in (1_u64..).zip(due) {
        let Some(seen) = trader.seen.get(&number) else {
            assert!(
                trader.holes.contains(&number),
                "{who:?} misses event {number} and was not told of a hole"
            );
            continue;
        };
        let came = Due { template: seen.message.template(), through: seen.through, is_end: seen.is_end };
        assert_eq!(came, *due, "{who:?}: event {number}");
        check_content(&seen.message, log);
    }
}

/// What was said of an order is what the log says.
fn check_content(message: &FromVenue, log: &[Entry]) {
    let entry = |seq: Seq| &log[usize::try_from(seq.get() - 1).expect("short logs")];
    let said = |seq: Seq, is_it: &dyn Fn(&Event) -> bool| entry(seq).events.iter().any(is_it);
    let is_so = if let FromVenue::OrderAccepted(seen) = message {
        let words = (seen.order_id, seen.cl_ord_id, seen.account_id, seen.price, seen.qty);
        said(seen.engine_seq, &|event| {
            matches!(*event, Event::Accepted { order, client_order_id, account, limit, qty, .. }
                if (order, client_order_id, account, limit, qty) == words)
        })
    } else if let FromVenue::OrderFilled(seen) = message {
        said(seen.engine_seq, &|event| is_fill(seen, event))
    } else if let FromVenue::OrderCanceled(seen) = message {
        let words = (seen.order_id, seen.cl_ord_id, seen.account_id, seen.canceled_qty);
        said(seen.engine_seq, &|event| {
            matches!(*event, Event::Cancelled { order, client_order_id, account, qty, .. }
                if (order, client_order_id, account, qty) == words)
        })
    } else {
        true
    };
    assert!(is_so, "the log does not say {message:?}");
}

fn is_fill(seen: &OrderFilled, event: &Event) -> bool {
    let Event::Fill(fill) = event else { return false };
    // In an auction neither side is the maker.
    let side = if fill.maker.order == seen.order_id { fill.maker } else { fill.taker };
    fill.trade == seen.trade_id
        && (fill.price, fill.qty) == (seen.last_px, seen.last_qty)
        && (side.order, side.client_order_id, side.account)
            == (seen.order_id, seen.cl_ord_id, seen.account_id)
        && (side.leaves, side.fee, side.balance) == (seen.leaves_qty, seen.fee, seen.balance)
}

/// Holds everything the clients know against the log.
pub(crate) fn audit(world: &World) {
    let log = &world.server.log;
    let used = numbers(log);
    let due = Model::of(log);
    for trader in &world.traders {
        let id = trader.session_id.and_then(|id| u32::try_from(id).ok()).map(SessionId::new);
        let id = id.expect("everybody is logged on");
        let nothing = BTreeMap::new();
        let due = due.get(&id).expect("the log knows the session");
        check_requests(trader, used.get(&id).unwrap_or(&nothing), due);
        check_events(trader, due, log);
    }
}
