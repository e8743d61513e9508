//! Drives a venue with a flow: submits what the flow says, tells it what came of it.
//!
//! Invariant: before it gives its command `n` the flow is told exactly the events of the commands up to
//! `n - WINDOW - 1` and of the continuations behind them, no matter when they arrived. So the same flow gives the same
//! commands in every run, while the venue always has a window of commands to work on.

use std::collections::VecDeque;

use engine::{Action, Event, Seq, TimeNs};
use gateway::clock::{Clock, WallClock};
use gateway::in_process::{Client, Refused};
use gateway::outcome::Outcome;
use hdrhistogram::Histogram;

use super::DemoError;
use super::acks::Acks;
use super::tally::{Tally, latencies};
use crate::flow::{Flow, SESSION};
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// Commands in flight.
pub const WINDOW: u64 = 128;
/// Progress is shown once per so many commands.
const SHOW_INTERVAL: u64 = 1024;

/// What came back: counted at once, told to the flow when it is due.
#[derive(Debug)]
pub struct Observed {
    /// Counts so far.
    pub tally: Tally,
    /// Nanoseconds from submission to durability, of client commands.
    pub latency_ns: Histogram<u64>,
    clock: WallClock,
    events: VecDeque<Event>,
    /// Events of each command not told yet, its continuations' included.
    groups: VecDeque<usize>,
    /// Commands whose outcome came back.
    answered: u64,
    /// Commands whose events were told.
    told: u64,
    /// When the newest outcome was seen.
    pub last_seen: TimeNs,
    /// Highest sequence seen: outcomes come in order.
    last_seq: Seq,
    acks: Option<Acks>,
}

impl Observed {
    /// Nothing yet. What is seen is told to `acks`.
    #[must_use]
    pub fn new(acks: Option<Acks>) -> Self {
        Self {
            tally: Tally::new(),
            latency_ns: latencies(),
            clock: WallClock::default(),
            events: VecDeque::new(),
            groups: VecDeque::new(),
            answered: 0,
            told: 0,
            last_seen: TimeNs::default(),
            last_seq: Seq::new(0),
            acks,
        }
    }

    /// Takes one outcome.
    pub fn see(&mut self, outcome: &Outcome<'_>) {
        self.last_seen = self.clock.now();
        self.last_seq = outcome.stamp.seq;
        self.tally.count(outcome);
        if outcome.command.session == SESSION {
            let latency = self.last_seen.get().saturating_sub(outcome.received.get());
            self.latency_ns.saturating_record(latency);
        }
        if outcome.command.action != Action::Continue {
            self.answered += 1;
            self.groups.push_back(0);
        }
        if let Some(group) = self.groups.back_mut() {
            *group += outcome.events.len();
            self.events.extend(outcome.events);
        }
    }

    /// Notes in the trail of acknowledgements how far outcomes were seen.
    pub(super) fn acknowledge(&mut self) -> Result<(), DemoError> {
        match &mut self.acks {
            Some(acks) => acks.note(self.last_seq),
            None => Ok(()),
        }
    }

    /// Tells the flow of the commands before the `upto`-th that were not told yet.
    fn tell(&mut self, flow: &mut dyn Flow, upto: u64) {
        while self.told < upto {
            let Some(group) = self.groups.pop_front() else { return };
            for event in self.events.drain(..group) {
                flow.learn(&event);
            }
            self.told += 1;
        }
    }
}

/// Plays the flow to its end, or until interrupted; whether it was interrupted. Outcomes may still be on their way.
///
/// # Errors
/// [`DemoError`] when the flow's source is damaged or the venue stopped by itself.
pub fn drive(
    flow: &mut dyn Flow,
    client: &mut Client<WallClock>,
    observed: &mut Observed,
    interrupt: &Interrupt,
) -> Result<bool, DemoError> {
    let mut progress = Progress::start("orders", Some(flow.progress().1));
    let mut sent = 0_u64;
    while !interrupt.is_asked() {
        let due = sent.saturating_sub(WINDOW);
        while observed.answered < due {
            poll(client, observed)?;
        }
        observed.tell(flow, due.saturating_sub(1));
        let Some(mut command) = flow.next_command()? else { break };
        while let Err(refused) = client.submit(command) {
            command = match refused {
                Refused::Full(command) | Refused::Stopped(command) => command,
            };
            poll(client, observed)?;
        }
        sent += 1;
        if sent.is_multiple_of(SHOW_INTERVAL) {
            progress.at(flow.progress().0, flow.phase());
        }
    }
    progress.finish();
    client.flush();
    Ok(interrupt.is_asked())
}

/// Sees what came back, acknowledges it, waits where there was nothing.
fn poll(client: &mut Client<WallClock>, observed: &mut Observed) -> Result<(), DemoError> {
    let released = client.poll(|outcome| observed.see(outcome));
    observed.acknowledge()?;
    if let Some(failure) = client.failure() {
        return Err(DemoError::Venue(failure.clone()));
    }
    client.wait(released);
    Ok(())
}
