//! Requests that leave when they were meant to, and how long each took from then.
//!
//! Invariant: a latency counts from the intended send time. Whoever falls behind, venue or sender, the delay shows; how
//! much of it is the sender's own stands beside it.

use std::collections::VecDeque;
use std::time::Duration;

use engine::{ClientOrderId, OrderRef, TimeNs};
use gateway::client::{Answered, Incoming, Many, Request, request};
use gateway::clock::{Clock, WallClock};
use gateway::wire::types::Side;
use risk::{AccountId, Price, Qty};
use serde::Serialize;

use super::setup::INSTRUMENT;
use crate::measure::Latency;
use crate::population::{BASE, TICK};

const SECOND_NS: u64 = 1_000_000_000;
/// The poll's timer counts milliseconds; what is due sooner is waited for without it.
const TIMER: Duration = Duration::from_millis(1);
/// Longest wait for what is still unanswered at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(10);
/// Prices that orders are spread over.
const LEVELS: u32 = 40;

/// Who sends: a session that has one order resting at most, and adds and cancels in turn.
#[derive(Debug)]
pub struct Trader {
    link: usize,
    account: AccountId,
    price: Price,
    resting: Option<ClientOrderId>,
    waiting: VecDeque<Sent>,
}

#[derive(Clone, Copy, Debug)]
struct Sent {
    seq_no: u64,
    intended: TimeNs,
    is_measured: bool,
}

impl Trader {
    /// The session `link` of the account at `index`; its orders rest.
    #[must_use]
    pub fn new(link: usize, index: u32) -> Self {
        let below = TICK * (1 + i64::from(index.rem_euclid(LEVELS)));
        let account = crate::population::account_at(index);
        let price = Price::new(BASE - below);
        Self { link, account, price, resting: None, waiting: VecDeque::new() }
    }

    /// Its next request.
    fn next(&mut self, many: &mut Many) -> Option<u64> {
        let is_order = self.resting.is_none();
        let wish: Request = match self.resting.take() {
            Some(order) => request::cancel(self.account, INSTRUMENT, OrderRef::Client(order)).into(),
            None => request::limit_order(self.account, INSTRUMENT, Side::Buy, Qty::new(1), self.price).into(),
        };
        let ticket = many.send(self.link, wish).ok()?;
        self.resting = is_order.then_some(ticket.cl_ord_id);
        Some(ticket.seq_no.get())
    }
}

/// Traders that send in turn, evenly over time.
#[derive(Debug)]
pub struct Stream {
    traders: Vec<Trader>,
    /// Requests a second, all of them together.
    rate: u64,
    /// Requests that were due by now.
    sent: u64,
    samples: Vec<u32>,
    delays: Vec<u32>,
    count: Counts,
}

/// What became of a stream's requests, warm-up included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// Sent.
    pub sent: u64,
    /// Refused by the venue.
    pub refused: u64,
    /// Without an answer at the end, or never sent.
    pub unanswered: u64,
}

/// One stream, measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measured {
    /// From the intended send time to the answer.
    pub latency: Latency,
    /// From the intended send time to the actual one.
    pub delay: Latency,
    /// What became of the requests.
    pub count: Counts,
}

impl Stream {
    /// `rate` requests a second.
    #[must_use]
    pub const fn new(traders: Vec<Trader>, rate: u64) -> Self {
        let count = Counts { sent: 0, refused: 0, unanswered: 0 };
        Self { traders, rate, sent: 0, samples: Vec::new(), delays: Vec::new(), count }
    }

    /// When request `number` is due, counted from the start.
    fn due(&self, number: u64) -> u64 {
        let offset = (u128::from(number) * u128::from(SECOND_NS)).checked_div(u128::from(self.rate));
        offset.and_then(|offset| u64::try_from(offset).ok()).unwrap_or(u64::MAX)
    }

    /// Sends what is due `elapsed` after `start`.
    fn send_due(&mut self, many: &mut Many, start: TimeNs, elapsed: u64, warm_up: u64) {
        let count = self.traders.len().max(1);
        while self.due(self.sent) <= elapsed && !self.traders.is_empty() {
            let offset = self.due(self.sent);
            let place = usize::try_from(self.sent).unwrap_or_default().rem_euclid(count);
            let intended = TimeNs::new(start.get() + offset);
            let is_measured = offset >= warm_up;
            self.sent += 1;
            let trader = &mut self.traders[place];
            let Some(seq_no) = trader.next(many) else {
                self.count.unanswered += 1;
                continue;
            };
            self.count.sent += 1;
            trader.waiting.push_back(Sent { seq_no, intended, is_measured });
            if is_measured {
                self.delays.push(span(intended, many.now()));
            }
        }
    }

    /// Takes what one of its sessions was answered; whether it was one of its own.
    fn see(&mut self, link: usize, incoming: &Incoming, now: TimeNs) -> bool {
        let Ok(place) = self.traders.binary_search_by_key(&link, |trader| trader.link) else { return false };
        let Incoming::Settled { ticket, answered } = incoming else { return true };
        let waiting = &mut self.traders[place].waiting;
        let at = waiting.iter().position(|sent| sent.seq_no == ticket.seq_no.get());
        let Some(sent) = at.and_then(|at| waiting.remove(at)) else { return true };
        self.count.refused += u64::from(*answered != Answered::Accepted);
        if sent.is_measured {
            self.samples.push(span(sent.intended, now));
        }
        true
    }

    fn is_answered(&self) -> bool {
        self.traders.iter().all(|trader| trader.waiting.is_empty())
    }

    fn finish(self) -> Measured {
        let unanswered: usize = self.traders.iter().map(|trader| trader.waiting.len()).sum();
        let count = Counts { unanswered: self.count.unanswered + unanswered as u64, ..self.count };
        let latency = Latency::of(self.samples.into_iter());
        Measured { latency, delay: Latency::of(self.delays.into_iter()), count }
    }
}

fn span(from: TimeNs, until: TimeNs) -> u32 {
    u32::try_from(until.get().saturating_sub(from.get())).unwrap_or(u32::MAX)
}

/// Has every stream send for `warm_up` and then for `duration`, and waits for the answers. The traders of a stream come
/// in the order of their links.
///
/// # Errors
/// When the system's poll fails.
pub fn run<const N: usize>(
    many: &mut Many,
    mut streams: [Stream; N],
    warm_up: Duration,
    duration: Duration,
) -> anyhow::Result<[Measured; N]> {
    let warm_up = u64::try_from(warm_up.as_nanos())?;
    let end = warm_up + u64::try_from(duration.as_nanos())?;
    let start = many.now();
    loop {
        let elapsed = many.now().get().saturating_sub(start.get());
        for stream in &mut streams {
            stream.send_due(many, start, elapsed.min(end), warm_up);
        }
        if elapsed >= end {
            break;
        }
        let next = streams.iter().map(|stream| stream.due(stream.sent)).min().unwrap_or(end);
        let gap = Duration::from_nanos(next.min(end).saturating_sub(elapsed));
        turn(many, &mut streams, gap.saturating_sub(TIMER))?;
    }
    let deadline = many.now().get() + u64::try_from(LAST_ANSWERS.as_nanos())?;
    while streams.iter().any(|stream| !stream.is_answered()) && many.now().get() < deadline {
        turn(many, &mut streams, TIMER)?;
    }
    Ok(streams.map(Stream::finish))
}

fn turn<const N: usize>(many: &mut Many, streams: &mut [Stream; N], wait: Duration) -> anyhow::Result<()> {
    let mut clock = WallClock::default();
    many.turn(wait, |link, incoming| {
        let now = clock.now();
        let _is_taken = streams.iter_mut().any(|stream| stream.see(link, &incoming, now));
    })?;
    Ok(())
}

/// Has one trader send `requests` as fast as at most `window` unanswered ones allow.
///
/// # Errors
/// When they are not answered in time.
pub fn push(many: &mut Many, trader: &mut Trader, requests: u64, window: usize) -> anyhow::Result<()> {
    let deadline = many.now().get() + u64::try_from(super::setup::PATIENCE.as_nanos())?;
    let mut sent = 0;
    while sent < requests || many.session(trader.link).unsettled() > 0 {
        while sent < requests && many.session(trader.link).unsettled() < window {
            anyhow::ensure!(trader.next(many).is_some(), "the session that fills the rings is gone");
            sent += 1;
        }
        many.turn(TIMER, |_, _| ())?;
        anyhow::ensure!(many.now().get() < deadline, "the venue does not answer");
    }
    Ok(())
}
