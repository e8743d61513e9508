//! The engine's duty cycle allocates nothing after warm-up: counted, not estimated.
//!
//! Invariant: only the thread that runs the engine role counts, and only while it does; log and client run between.

mod counting;
mod flow;

use engine::{Action, Event, Seq, TimeNs, Venue};
use gateway::clock::{Clock, VirtualClock};
use gateway::duty::DutyCycle;
use gateway::in_process::Client;
use gateway::log_role::CommandLog;
use gateway::outcome::Outcome;
use gateway::process::{QueueSizes, Roles, wire};
use gateway::recovery::Recovered;

use counting::{ALLOCATIONS, COUNTING};

/// Forgets everything: what is measured is the engine.
#[derive(Debug, Default)]
struct NoLog {
    last: Seq,
}

impl CommandLog for NoLog {
    type Error = std::fmt::Error;

    fn write(&mut self, outcome: &Outcome<'_>) -> Result<(), Self::Error> {
        self.last = outcome.stamp.seq;
        Ok(())
    }

    fn commit(&mut self) -> Result<Seq, Self::Error> {
        Ok(self.last)
    }

    fn waits(&self) -> bool {
        false
    }

    fn prepare_ahead(&mut self) -> Result<bool, Self::Error> {
        Ok(false)
    }

    fn close(self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Seen {
    commands: u64,
    continuations: u64,
    fills: u64,
    rejects: u64,
    /// Events of what is not on the order path.
    beside: u64,
    /// Rounds with such events, whose allocations do not count.
    left_out: u64,
}

/// A liquidation that waits is kept in a map, and a plan of the venue's own takes room for its holders: neither is on the way of
/// an order.
fn is_beside_orders(event: &Event) -> bool {
    matches!(
        event,
        Event::LiquidationPaced { .. } | Event::DeleveragingAsked(_) | Event::DeleveragingPlanned(_)
    )
}

impl Seen {
    fn note(&mut self, outcome: &Outcome<'_>) {
        self.commands += 1;
        self.continuations += u64::from(outcome.command.action == Action::Continue);
        for event in outcome.events {
            self.fills += u64::from(matches!(event, Event::Fill(_)));
            self.rejects += u64::from(matches!(event, Event::Rejected { .. }));
            self.beside += u64::from(is_beside_orders(event));
        }
    }
}

/// Lets the roles work off what was submitted; only the engine's allocations count.
fn settle<C: Clock>(roles: &mut Roles<NoLog, C>, seen: &mut Seen) {
    let (counted, beside) = (ALLOCATIONS.get(), seen.beside);
    loop {
        roles.client.flush();
        COUNTING.set(true);
        let applied = roles.engine.do_work();
        COUNTING.set(false);
        let logged = roles.log.do_work();
        let released = roles.client.poll(|outcome| seen.note(outcome));
        if applied + logged + released == 0 {
            if seen.beside > beside {
                ALLOCATIONS.set(counted);
                seen.left_out += 1;
            }
            return;
        }
    }
}

fn submit<C: Clock>(client: &mut Client<C>, command: engine::Command) {
    assert!(client.submit(command).is_ok(), "settled after every batch, so there is room");
}

fn drive<C: Clock>(roles: &mut Roles<NoLog, C>, flow: &mut flow::Flow, batches: usize, seen: &mut Seen) {
    for round in 0..batches {
        for _ in 0..=round % 64 {
            submit(&mut roles.client, flow.command());
        }
        settle(roles, seen);
    }
}

#[test]
fn the_engine_allocates_nothing_after_warm_up() {
    let clock = VirtualClock::at(TimeNs::new(1));
    let recovered = Recovered { venue: Venue::new(flow::CAPACITY), log: NoLog::default() };
    let queues = QueueSizes { commands: 8, reserved_for_cancels: 1, log: 8, client: 8 };
    let mut roles = wire(recovered, clock, queues, Vec::new());
    let mut seen = Seen::default();
    for command in flow::opening() {
        submit(&mut roles.client, command);
        settle(&mut roles, &mut seen);
    }
    let mut flow = flow::Flow::new(7);
    drive(&mut roles, &mut flow, 500, &mut seen);

    let mut seen = Seen::default();
    ALLOCATIONS.set(0);
    drive(&mut roles, &mut flow, 6_400, &mut seen);
    assert!(seen.commands > 200_000, "{seen:?}");
    assert!(seen.fills > 10_000 && seen.continuations > 100, "the mix must trade and liquidate: {seen:?}");
    assert!(seen.commands - seen.rejects > 100_000, "most of the mix must be accepted: {seen:?}");
    assert!(seen.left_out < 200, "rounds of 6,400 do not count: {seen:?}");
    assert_eq!(ALLOCATIONS.get(), 0, "allocations while {seen:?}");

    // The counter counts: a control, for a test that asserts zero passes also when nothing is measured.
    COUNTING.set(true);
    drop(std::hint::black_box(Box::new(1_u64)));
    COUNTING.set(false);
    assert_eq!(ALLOCATIONS.get(), 1);
}
