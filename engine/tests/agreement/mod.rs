//! Two machines under one script: the venue and the model, compared after every command.

pub(crate) mod plans;
pub(crate) mod shrink;
pub(crate) mod worlds;

use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::limits::{CANCELS_PER_COMMAND, EVENTS_PER_COMMAND, MATCHES_PER_COMMAND};
use engine::{
    Action, CancelReason, Command, ConversionReason, Event, Events, MarginState, Seq, Stamp, TimeNs, Venue,
};
use risk::Capacity;

use crate::campaign::coverage::Coverage;
use crate::campaign::view::View;
use crate::campaign::{Step, time_of};
use crate::model::{Hints, Model};

/// Commands between two comparisons of the whole state.
const COMPARE_EVERY: u64 = 64;
/// Commands between two complete checks of the venue by itself.
const CHECK_EVERY: u64 = 1_000;
/// Continuations one command may need.
const CONTINUATIONS_MAX: u32 = 100_000;

/// The venue beside the model.
#[derive(Debug)]
pub(crate) struct Pair {
    venue: Venue,
    model: Model,
    events: Events,
    pub(crate) view: View,
    pub(crate) coverage: Coverage,
    pub(crate) commands: u64,
    /// Triggers fired since the last command that was not a continuation.
    fired: usize,
    /// Time that passed beside the commands' own.
    waited_ns: u64,
    scans: u64,
}

impl Pair {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self {
            venue: Venue::new(capacity),
            model: Model::new(capacity, Hints::Venue),
            events: Events::default(),
            view: View::default(),
            coverage: Coverage::default(),
            commands: 0,
            fired: 0,
            waited_ns: 0,
            scans: 0,
        }
    }

    /// Takes one step: works off what is left over first, unless the step barges in.
    pub(crate) fn step(&mut self, step: &Step) -> Result<(), String> {
        if !step.barges {
            self.drain(step.backlog)?;
        }
        self.waited_ns += step.waits_ns;
        let mut command = self.view.named(step);
        if let Some(plan) = step.plan.and_then(|kind| self.model.plan_of_worker(kind)) {
            command.action = Action::Deleverage(Box::new(plan));
        }
        self.apply(&command)
    }

    /// Injects continuations until nothing is left over but what other commands may come between, of which it takes so many
    /// steps.
    pub(crate) fn drain(&mut self, mut backlog: u32) -> Result<(), String> {
        let mut count = 0;
        while self.venue.is_blocked() || (self.venue.pending() && backlog > 0) {
            backlog -= u32::from(!self.venue.is_blocked());
            self.apply(&Command::venue(Action::Continue))?;
            count += 1;
            if count > CONTINUATIONS_MAX {
                return Err("the venue never comes to rest".to_owned());
            }
        }
        // Also what no price move caused: fills, money, settings.
        if self.commands.is_multiple_of(COMPARE_EVERY)
            && let Some(account) = self.model.missed()
        {
            return Err(format!("account {account} is below maintenance and not under liquidation"));
        }
        Ok(())
    }

    fn apply(&mut self, command: &Command) -> Result<(), String> {
        self.commands += 1;
        self.events.clear();
        let stamp = Stamp {
            seq: Seq::new(self.commands),
            time: TimeNs::new(time_of(self.commands).get() + self.waited_ns),
        };
        self.venue.apply(stamp, command, &mut self.events);
        let events = self.events.as_slice();
        let expected = self.model.apply(stamp.time, command, events);
        if let Some(text) = first_difference(events, &expected) {
            return Err(format!("{command:?}\n{text}"));
        }
        self.model.settle(&self.venue);
        if let Some(complaint) = self.model.complaint() {
            return Err(format!("{command:?}\n{complaint}"));
        }
        if events.len() > EVENTS_PER_COMMAND {
            return Err(format!("{command:?}\n{} events of one command", events.len()));
        }
        self.note(command);
        self.view.sent(stamp, command, self.events.as_slice());
        for event in self.events.as_slice() {
            self.coverage.event(event);
        }
        // After a continuation that said nothing the model may be behind by a portion that showed nothing.
        if self.commands.is_multiple_of(COMPARE_EVERY) && !self.model.quiet {
            self.compare(command)?;
        }
        if self.commands.is_multiple_of(CHECK_EVERY) {
            self.venue.check();
        }
        Ok(())
    }

    /// Holds the states against each other.
    fn compare(&self, command: &Command) -> Result<(), String> {
        self.model.difference(&self.venue).map_or(Ok(()), |text| Err(format!("after {command:?}\n{text}")))
    }

    /// Compares the states at the end of a script.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        self.drain(u32::MAX)?;
        self.compare(&Command::venue(Action::Tick))
    }

    /// Counts what only shows in the state.
    fn note(&mut self, command: &Command) {
        let events = self.events.as_slice();
        let went_on =
            command.action == Action::Continue && !matches!(events.first(), Some(Event::Rejected { .. }));
        let first = events.first();
        let fired = events.iter().filter(|event| matches!(event, Event::Triggered { .. })).count();
        self.fired = if command.action == Action::Continue { self.fired + fired } else { fired };
        let follows = self.model.has_follow_up();
        let sweep_of = |reason| self.model.sweeps.front().is_some_and(|sweep| sweep.scope.reason == reason);
        let turns = [
            (
                "liquidation cancelled as much as a command may",
                went_on
                    && events.len() >= CANCELS_PER_COMMAND
                    && matches!(first, Some(Event::Cancelled { reason: CancelReason::Liquidation, .. })),
            ),
            (
                "liquidation matched as much as a command may",
                went_on
                    && events.len() >= MATCHES_PER_COMMAND
                    && matches!(first, Some(Event::LiquidationStepped(_))),
            ),
            ("price move suspended", self.model.waking),
            ("interest suspended", self.model.interest.left > 0),
            ("taker suspended", self.model.suspended.is_some()),
            ("mass cancel suspended", sweep_of(CancelReason::MassCancel)),
            ("loss suspended", sweep_of(CancelReason::SessionLost)),
            ("dead man suspended", sweep_of(CancelReason::DeadMan)),
            ("several dead men wait", self.model.firing.is_some()),
            (
                "command between the steps of a backlog",
                command.action != Action::Continue && self.model.has_case() && !self.model.blocked(),
            ),
            ("several accounts wait for liquidation", self.model.queue.len() > 1),
            ("protection suspended", sweep_of(CancelReason::Protection)),
            ("group restriction suspended", self.model.restricting.is_some()),
            ("settlement suspended", self.model.settling.is_some()),
            ("uncrossing suspended", self.model.uncrossing.is_some()),
            ("follow-up suspended", follows),
            ("follow-up held up", follows && self.model.held_up()),
            ("cascade of fifty", self.fired >= 50),
            ("continued", went_on),
            ("continued without an event", went_on && events.is_empty()),
            ("command of more than 64 events", events.len() > 64),
        ];
        if self.model.scans.0 > self.scans {
            self.scans = self.model.scans.0;
            self.coverage.count(SCANS);
        }
        for event in self.events.as_slice() {
            if let Some(name) = of_margin(event) {
                self.coverage.count(name);
            }
        }
        for name in &self.model.noted {
            self.coverage.count(name);
        }
        for (name, _) in turns.iter().filter(|(_, happened)| *happened) {
            self.coverage.count(name);
        }
    }
}

/// What prices are counted as after which every account was held against its state.
pub(crate) const SCANS: &str = "all accounts looked at after a price";

/// What is special about an event that concerns margin or debts.
fn of_margin(event: &Event) -> Option<&'static str> {
    if let Event::MarginStateChanged { state, .. } = *event {
        return Some(match state {
            MarginState::Healthy => "healthy again",
            MarginState::Warned => "warned",
            MarginState::Liquidating => "in liquidation",
        });
    }
    if let Event::Converted { conversion, reason, .. } = *event {
        return Some(match reason {
            ConversionReason::DebtAboveMax if conversion.sold == risk::AssetId::BASE => {
                "coin bought for money"
            }
            ConversionReason::DebtAboveMax => "coin sold for a debt",
            ConversionReason::Liquidation => "debt paid in a liquidation",
        });
    }
    None
}

/// Turns of the model a campaign is to reach.
pub(crate) const TURNS: [&str; 50] = [
    SCANS,
    "healthy again",
    "warned",
    "in liquidation",
    "coin bought for money",
    "coin sold for a debt",
    "debt paid in a liquidation",
    "Converted",
    "InterestCharged",
    "DeficitCovered",
    "DebtTermsSet",
    "FundingPaid",
    "FundingBooked",
    "interest suspended",
    "taker suspended",
    "mass cancel suspended",
    "loss suspended",
    "dead man suspended",
    "several dead men wait",
    "price move suspended",
    "several accounts wait for liquidation",
    "liquidation cancelled as much as a command may",
    "protection suspended",
    "group restriction suspended",
    "settlement suspended",
    "uncrossing suspended",
    "uncrossed anew",
    "follow-up suspended",
    "follow-up held up",
    "cascade of fifty",
    "exit fired before its entry was filled",
    "iceberg met its own",
    "liquidation paused its instrument",
    "liquidation past the book",
    "backstop takes over",
    "assisted fill",
    "whole step",
    "capped step",
    "short step",
    "unhedged wait",
    "offer joined",
    "offer joined later",
    "late worker",
    "recap less than planned",
    "hedged cut",
    "offered anew after a plan of the worker",
    "plan of the worker carried out",
    "right part of a plan of the worker",
    "command between the steps of a backlog",
    "money into a liquidation that waits",
];

/// Where two lists of events part.
fn first_difference(venue: &[Event], model: &[Event]) -> Option<String> {
    if venue == model {
        return None;
    }
    let longer = venue.len().max(model.len());
    let index = (0..longer).find(|&index| venue.get(index) != model.get(index)).expect("the lists differ");
    let around = |events: &[Event]| {
        let shown = events.iter().take(index + 3).skip(index.saturating_sub(6));
        let lines: Vec<String> = shown.map(|event| format!("\n    {event:?}")).collect();
        lines.concat()
    };
    Some(format!("event {index} differs:\n  venue{}\n  model{}", around(venue), around(model)))
}

/// How a script went.
pub(crate) struct Played {
    pub(crate) commands: u64,
    /// Steps taken, the one that went wrong counted in.
    pub(crate) steps: usize,
    /// A disagreement or a panic.
    pub(crate) wrong: Option<String>,
}

/// Plays a script from the start.
pub(crate) fn run(capacity: Capacity, script: &[Step]) -> Played {
    let mut pair = Pair::new(capacity);
    let mut steps = 0;
    let went = guarded(|| {
        for step in script {
            steps += 1;
            pair.step(step)?;
        }
        pair.finish()
    });
    Played { commands: pair.commands, steps, wrong: went.err() }
}

/// A panic becomes an error.
pub(crate) fn guarded(work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        Err(format!("panic: {text}"))
    })
}
