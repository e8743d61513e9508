//! The generator: requests leave when they were meant to, whatever the venue does.
//!
//! Invariant: a request's latency counts from the moment it was intended to be sent. A generator that falls behind sends
//! what is due at once and lets the delay show, so no slow moment of the venue hides the requests it held up.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use engine::{ClientOrderId, OrderRef, TimeNs};
use gateway::client::{Answered, Incoming, Many, Request, request};
use gateway::wire::private::{FromVenue, InstrumentDef, NewOrder};
use gateway::wire::types::{PostOnlyMode, Side, Tif};
use hdrhistogram::Histogram;
use risk::{AccountId, Mark, Price, Qty};

use crate::flow::random::Random;
use crate::interrupt::Interrupt;
use crate::progress::Progress;

const SECOND_NS: u64 = 1_000_000_000;
/// The poll's timer counts milliseconds; what is due sooner is waited for without it.
const TIMER: Duration = Duration::from_millis(1);
/// Longest wait for what is still unanswered at the end.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// Latencies are recorded up to here with three digits.
const LATENCY_MAX_NS: u64 = 60 * SECOND_NS;
/// Resting orders a session aims at: below it adds, above it cancels.
const RESTING: usize = 16;
/// How far from the mark orders rest at most, in ticks.
const DEPTH_TICKS: i64 = 40;

/// How much is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Requests a second, all sessions together.
    pub rate: u64,
    /// For how long.
    pub duration: Duration,
    /// The first part of it, which is not measured.
    pub warm_up: Duration,
    /// Immediate orders among requests, per mille; the others add and cancel in turn.
    pub takes_per_mille: u64,
    /// What is drawn from.
    pub seed: u64,
}

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// Nanoseconds from the intended send time to the answer.
    pub latency_ns: Histogram<u64>,
    /// Nanoseconds from the intended send time to the actual one: the generator's own delay.
    pub delay_ns: Histogram<u64>,
    /// Requests sent, warm-up left out like everywhere here.
    pub sent: u64,
    /// Requests answered.
    pub answered: u64,
    /// Of these refused, by code.
    pub rejected: BTreeMap<u16, u64>,
    /// Requests without an answer at the end.
    pub unanswered: u64,
    /// Connections that broke.
    pub broken: u64,
    /// From the first measured send to the last.
    pub elapsed: Duration,
    /// Whether somebody interrupted the run.
    pub interrupted: bool,
}

/// A request on its way.
#[derive(Clone, Copy, Debug)]
struct Sent {
    seq_no: u64,
    intended: TimeNs,
    is_measured: bool,
}

/// What one session has out.
#[derive(Debug, Default)]
struct Trader {
    link: usize,
    waiting: VecDeque<Sent>,
    /// Orders believed to rest, oldest first.
    resting: VecDeque<ClientOrderId>,
}

/// Sends by a plan.
#[derive(Debug)]
pub struct Generator {
    plan: Plan,
    instrument: InstrumentDef,
    mark: Mark,
    traders: Vec<Trader>,
    /// Traders by the number of their link.
    by_link: BTreeMap<usize, usize>,
    random: Random,
    measured: Measured,
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("constant bounds are admitted")
}

impl Generator {
    /// A generator for sessions that are logged on. Orders lie around `mark`.
    #[must_use]
    pub fn new(plan: Plan, instrument: InstrumentDef, mark: Mark, links: &[usize]) -> Self {
        let traders: Vec<_> = links.iter().map(|link| Trader { link: *link, ..Trader::default() }).collect();
        let by_link = links.iter().enumerate().map(|(place, link)| (*link, place)).collect();
        let measured = Measured {
            latency_ns: histogram(),
            delay_ns: histogram(),
            sent: 0,
            answered: 0,
            rejected: BTreeMap::new(),
            unanswered: 0,
            broken: 0,
            elapsed: Duration::ZERO,
            interrupted: false,
        };
        Self { plan, instrument, mark, traders, by_link, random: Random::new(plan.seed), measured }
    }

    /// Sends until the plan is done, then waits for the answers.
    ///
    /// # Errors
    /// When the system's poll fails.
    pub fn run(mut self, many: &mut Many, interrupt: &Interrupt) -> std::io::Result<Measured> {
        let total = whole(self.plan.duration, self.plan.rate);
        let warm_up = whole(self.plan.warm_up, self.plan.rate).min(total);
        let mut progress = Progress::start("requests", Some(total));
        let (start, rate) = (many.now(), u128::from(self.plan.rate));
        let due = |number: u64| {
            let offset = (u128::from(number) * u128::from(SECOND_NS)).checked_div(rate);
            TimeNs::new(start.get() + offset.and_then(|offset| u64::try_from(offset).ok()).unwrap_or(0))
        };
        let mut number = 0;
        while number < total && !interrupt.is_asked() {
            let now = many.now();
            while number < total && due(number) <= now {
                let is_measured = number >= warm_up;
                self.send(many, number, due(number), is_measured);
                number += 1;
            }
            progress.at(number, "");
            let gap = Duration::from_nanos(due(number).get().saturating_sub(many.now().get()));
            self.turn(many, gap.saturating_sub(TIMER))?;
        }
        self.measured.elapsed = Duration::from_nanos(many.now().get().saturating_sub(due(warm_up).get()));
        self.measured.interrupted = interrupt.is_asked();
        progress.finish();
        self.await_answers(many)?;
        Ok(self.measured)
    }

    fn turn(&mut self, many: &mut Many, timeout: Duration) -> std::io::Result<()> {
        let mut came = Vec::new();
        many.turn(timeout, |link, incoming| came.push((link, incoming)))?;
        let now = many.now();
        for (link, incoming) in came {
            self.see(link, &incoming, now);
        }
        Ok(())
    }

    fn await_answers(&mut self, many: &mut Many) -> std::io::Result<()> {
        let patience = u64::try_from(LAST_ANSWERS.as_nanos()).unwrap_or(u64::MAX);
        let deadline = many.now().get().saturating_add(patience);
        while self.traders.iter().any(|trader| !trader.waiting.is_empty()) && many.now().get() < deadline {
            self.turn(many, TIMER)?;
        }
        let waiting = self.traders.iter().flat_map(|trader| &trader.waiting);
        self.measured.unanswered = waiting.filter(|sent| sent.is_measured).count() as u64;
        Ok(())
    }

    fn send(&mut self, many: &mut Many, number: u64, intended: TimeNs, is_measured: bool) {
        let count = self.traders.len() as u64;
        let place = usize::try_from(number.rem_euclid(count.max(1))).unwrap_or(0);
        let (request, is_resting) = self.draw(place);
        let trader = &mut self.traders[place];
        // A full window is the venue's doing: the request counts as sent and never answered.
        self.measured.sent += u64::from(is_measured);
        let Ok(ticket) = many.send(trader.link, request) else {
            self.measured.unanswered += u64::from(is_measured);
            return;
        };
        trader.waiting.push_back(Sent { seq_no: ticket.seq_no.get(), intended, is_measured });
        if is_resting {
            trader.resting.push_back(ticket.cl_ord_id);
        }
        if is_measured {
            let delay = many.now().get().saturating_sub(intended.get());
            self.measured.delay_ns.saturating_record(delay);
        }
    }

    /// The next request of a trader, and whether it will rest.
    fn draw(&mut self, place: usize) -> (Request, bool) {
        let own = AccountId::new(0);
        let resting = &mut self.traders[place].resting;
        let take = self.random.chance(self.plan.takes_per_mille);
        let wish = self.random.below(2 * RESTING as u64);
        if !take
            && (resting.len() as u64) > wish
            && let Some(oldest) = resting.pop_front()
        {
            let order = OrderRef::Client(oldest);
            return (request::cancel(own, self.instrument.instrument_id, order).into(), false);
        }
        let side = if self.random.chance(500) { Side::Buy } else { Side::Sell };
        let ticks = self.random.between(1, DEPTH_TICKS);
        let (post_only, tif) =
            if take { (PostOnlyMode::Off, Tif::IOC) } else { (PostOnlyMode::Reject, Tif::GTC) };
        // Below the mark for a buy that rests and a sell that takes.
        let price = self.price(if (side == Side::Buy) == take { ticks } else { -ticks });
        let lots = self.random.between(1, 10);
        let qty = Qty::new(self.instrument.lot.get() * lots);
        let order = request::limit_order(own, self.instrument.instrument_id, side, qty, price);
        (NewOrder { post_only: post_only.into(), tif: tif.into(), ..order }.into(), !take)
    }

    fn price(&self, ticks: i64) -> Price {
        let tick = self.instrument.tick.get();
        let floor = self.mark.floor_price().get();
        Price::new((floor - floor.rem_euclid(tick) + ticks * tick).max(tick))
    }

    fn see(&mut self, link: usize, incoming: &Incoming, now: TimeNs) {
        let Some(trader) = self.by_link.get(&link).and_then(|place| self.traders.get_mut(*place)) else {
            return;
        };
        match incoming {
            Incoming::Settled { ticket, answered } => {
                let at = trader.waiting.iter().position(|sent| sent.seq_no == ticket.seq_no.get());
                let Some(sent) = at.and_then(|at| trader.waiting.remove(at)) else { return };
                if let Answered::Rejected { code, .. } = answered {
                    trader.resting.retain(|order| *order != ticket.cl_ord_id);
                    *self.measured.rejected.entry(*code).or_default() += u64::from(sent.is_measured);
                }
                if sent.is_measured {
                    self.measured.answered += 1;
                    self.measured.latency_ns.saturating_record(now.get().saturating_sub(sent.intended.get()));
                }
            }
            Incoming::Event(event) => {
                if let Some(FromVenue::OrderFilled(fill)) = &event.message
                    && fill.leaves_qty == Qty::ZERO
                {
                    trader.resting.retain(|order| *order != fill.cl_ord_id);
                }
            }
            // Only a connection that broke logs on again here.
            Incoming::LoggedOn(_) => self.measured.broken += 1,
            Incoming::GapFill { .. } | Incoming::Answer(_) | Incoming::Refused(_) | Incoming::LoggedOut => {}
        }
    }
}

/// Requests in a span.
fn whole(span: Duration, rate: u64) -> u64 {
    let requests = (span.as_nanos() * u128::from(rate)).checked_div(u128::from(SECOND_NS));
    requests.and_then(|requests| u64::try_from(requests).ok()).unwrap_or(u64::MAX)
}
