//! Drives a venue with a flow: submits what the flow says, tells it what came of it.
//!
//! Invariant: before it gives its command `n` the flow is told exactly the events of the commands up to
//! `n - WINDOW - 1` and of the continuations behind them, no matter when they arrived. So the same flow gives the same
//! commands in every run, while the venue always has a window of commands to work on.

use std::collections::VecDeque;

use engine::{Action, Event, TimeNs};
use gateway::clock::{Clock, WallClock};
use gateway::in_process::{Client, Refused};
use gateway::outcome::Outcome;

use super::DemoError;
use super::tally::Tally;
use crate::flow::Flow;
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
}

impl Default for Observed {
    fn default() -> Self {
        Self::new()
    }
}

impl Observed {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tally: Tally::new(),
            clock: WallClock::default(),
            events: VecDeque::new(),
            groups: VecDeque::new(),
            answered: 0,
            told: 0,
            last_seen: TimeNs::default(),
        }
    }

    /// Takes one outcome.
    pub fn see(&mut self, outcome: &Outcome<'_>) {
        self.last_seen = self.clock.now();
        self.tally.count(outcome, self.last_seen.get().saturating_sub(outcome.received.get()));
        if outcome.command.action != Action::Continue {
            self.answered += 1;
            self.groups.push_back(0);
        }
        if let Some(group) = self.groups.back_mut() {
            *group += outcome.events.len();
            self.events.extend(outcome.events);
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
            let released = client.poll(|outcome| observed.see(outcome));
            give_up_if_stopped(client)?;
            client.wait(released);
        }
        observed.tell(flow, due.saturating_sub(1));
        let Some(mut command) = flow.next_command()? else { break };
        while let Err(refused) = client.submit(command) {
            command = match refused {
                Refused::Full(command) | Refused::Stopped(command) => command,
            };
            let released = client.poll(|outcome| observed.see(outcome));
            give_up_if_stopped(client)?;
            client.wait(released);
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

fn give_up_if_stopped(client: &Client<WallClock>) -> Result<(), DemoError> {
    match client.failure() {
        Some(failure) => Err(DemoError::Venue(failure.clone())),
        None => Ok(()),
    }
}
