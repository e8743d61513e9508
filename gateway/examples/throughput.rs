//! How many commands a second pass through engine and log in one process, and where the time goes.
//!
//! Invariant: every figure is measured from the first submission to the release of the last outcome; commands are made
//! beforehand. Run with `cargo run --release -p gateway --example throughput`.
#![expect(clippy::print_stdout, reason = "a report for a person")]

#[path = "../tests/flow/mod.rs"]
mod flow;

use std::path::Path;
use std::time::Duration;

use engine::{Action, Command, Events, Seq, Stamp, TimeNs, Venue};
use gateway::clock::{Clock, Stopwatch, WallClock};
use gateway::duty::DutyCycle;
use gateway::in_process::{Client, Refused};
use gateway::log::{Durability, LogOptions, RealDisk};
use gateway::log_role::CommandLog;
use gateway::outcome::Outcome;
use gateway::process::{Config, Layout, Process, QueueSizes, wire};
use gateway::recovery::Recovered;
use gateway::replay::replay;
use gateway::runner::Mode;

const COMMANDS: usize = 1_000_000;

/// A log that keeps nothing.
#[derive(Debug, Default)]
struct NoLog(Seq);

impl CommandLog for NoLog {
    type Error = std::fmt::Error;

    fn write(&mut self, outcome: &Outcome<'_>) -> Result<(), Self::Error> {
        self.0 = outcome.stamp.seq;
        Ok(())
    }

    fn commit(&mut self) -> Result<Seq, Self::Error> {
        Ok(self.0)
    }

    fn prepare_ahead(&mut self) -> Result<bool, Self::Error> {
        Ok(false)
    }

    fn close(self) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn ticks() -> Vec<Command> {
    vec![Command::venue(Action::Tick); COMMANDS]
}

fn mix() -> Vec<Command> {
    let mut flow = flow::Flow::new(1);
    let mut commands = flow::opening();
    commands.extend((0..COMMANDS).map(|_| flow.command()));
    commands
}

fn report(what: &str, count: usize, elapsed: Duration) {
    let nanoseconds = elapsed.as_nanos().max(1);
    let count = u128::try_from(count).expect("small");
    let each = nanoseconds.checked_div(count).expect("not zero");
    let rate = (count * 1_000_000_000).checked_div(nanoseconds).expect("not zero");
    println!("{what:<58} {each:>6} ns each {rate:>10} commands/s");
}

/// Processor time of this thread: what a measurement on a busy machine can rely on.
fn processor_time() -> Duration {
    processor_time_in(Path::new("/proc/thread-self"))
}

fn processor_time_in(task: &Path) -> Duration {
    let counters = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    let first = counters.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(first.unwrap_or(0))
}

/// Processor time of the venue's threads so far, waiting by spinning included.
fn report_threads(count: usize) {
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.starts_with("fulcrum") {
            report(&format!("    processor time of {}", name.trim()), count, processor_time_in(&task.path()));
        }
    }
}

/// Submits as fast as the venue takes it, polling as it goes.
fn flood<C: Clock>(
    client: &mut Client<C>,
    commands: Vec<Command>,
    mut see: impl FnMut(&mut WallClock, &Outcome<'_>),
) {
    let mut clock = WallClock::default();
    for (index, command) in commands.into_iter().enumerate() {
        let mut next = Some(command);
        while let Some(command) = next.take() {
            if let Err(Refused::Full(command)) = client.submit(command) {
                let released = client.poll(|outcome| see(&mut clock, outcome));
                client.wait(released);
                next = Some(command);
            }
        }
        if index % 256 == 0 {
            client.poll(|outcome| see(&mut clock, outcome));
        }
    }
    client.flush();
}

fn through_directory(what: &str, commands: Vec<Command>, mode: Mode, durability: Durability) {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    let mut config = Config::new(directory.path().to_path_buf(), flow::CAPACITY);
    config.layout = Layout { mode, ..Layout::default() };
    config.log = LogOptions { durability, ..LogOptions::default() };
    let (process, mut client, _) = Process::start(&config, WallClock::default()).expect("starts");
    let count = commands.len();
    let mut latencies: Vec<u64> = Vec::with_capacity(2 * count);
    let watch = Stopwatch::start();
    let mut note = |clock: &mut WallClock, outcome: &Outcome<'_>| {
        latencies.push(clock.now().get().saturating_sub(outcome.received.get()));
    };
    flood(&mut client, commands, &mut note);
    let mut clock = WallClock::default();
    let target = u64::try_from(count).expect("small");
    while client.progress().durable().get() < target {
        let released = client.poll(|outcome| note(&mut clock, outcome));
        client.wait(released);
    }
    report(&format!("{what}, {mode:?}, durability {durability:?}"), count, watch.elapsed());
    report_threads(count);
    process.stop(client, |_| ()).expect("no failure");
    latencies.sort_unstable();
    let at = |per_mille: usize| {
        let index = (latencies.len() * per_mille).checked_div(1_000).expect("not zero");
        latencies.get(index).copied().unwrap_or(0)
    };
    println!(
        "    submit to release under flood: p50 {} ns, p99 {} ns, p99.9 {} ns",
        at(500),
        at(990),
        at(999)
    );
    let disk = RealDisk::read_only(directory.path()).expect("is there");
    let replayed = replay(disk, None, |_| ()).expect("verifies");
    report("    replay, verified", usize::try_from(replayed.commands).expect("small"), replayed.elapsed);
}

/// One command outstanding: what a hand-over costs.
fn one_at_a_time(mode: Mode, durability: Durability) {
    let directory = tempfile::tempdir_in(".").expect("a directory");
    let mut config = Config::new(directory.path().to_path_buf(), flow::CAPACITY);
    config.layout = Layout { mode, ..Layout::default() };
    config.log = LogOptions { durability, ..LogOptions::default() };
    let (process, mut client, _) = Process::start(&config, WallClock::default()).expect("starts");
    let count = 20_000;
    let mut latencies = Vec::with_capacity(count);
    for _ in 0..count {
        let watch = Stopwatch::start();
        assert!(client.submit(Command::venue(Action::Tick)).is_ok(), "room for one");
        let mut released = 0;
        while released == 0 {
            released = client.poll(|_| ());
            client.wait(released);
        }
        latencies.push(watch.elapsed().as_nanos());
    }
    process.stop(client, |_| ()).expect("no failure");
    latencies.sort_unstable();
    let (p50, p99) = (latencies[10_000], latencies[19_800]);
    println!("one outstanding, {mode:?}, durability {durability:?}: p50 {p50} ns, p99 {p99} ns");
}

/// All roles in turn on one thread: the work without the hand-over between cores.
fn on_one_thread(what: &str, commands: Vec<Command>) {
    let recovered = Recovered { venue: Venue::new(flow::CAPACITY), log: NoLog::default() };
    let mut roles = wire(recovered, WallClock::default(), QueueSizes::default(), Vec::new());
    let count = commands.len();
    let before = processor_time();
    let mut commands = commands.into_iter();
    while commands.len() > 0 {
        for command in commands.by_ref().take(64) {
            assert!(roles.client.submit(command).is_ok(), "room");
        }
        roles.client.flush();
        while roles.engine.do_work() > 0 {}
        roles.log.do_work();
        roles.client.poll(|_| ());
    }
    report(
        &format!("{what}, client and engine on one thread, no log"),
        count,
        processor_time().saturating_sub(before),
    );
}

fn venue_alone(what: &str, commands: &[Command]) {
    let mut venue = Venue::new(flow::CAPACITY);
    let mut events = Events::with_capacity(4_096);
    let before = processor_time();
    let mut apply = |venue: &mut Venue, command: &Command| {
        let stamp = Stamp { seq: Seq::new(venue.last_stamp().seq.get() + 1), time: TimeNs::new(1) };
        events.clear();
        venue.apply(stamp, command, &mut events);
    };
    for command in commands {
        apply(&mut venue, command);
        while venue.pending() {
            apply(&mut venue, &Command::venue(Action::Continue));
        }
    }
    report(&format!("{what}, Venue::apply alone"), commands.len(), processor_time().saturating_sub(before));
}

fn main() {
    println!(
        "{} cores; one thread in processor time, several threads in wall time",
        gateway::runner::cores().len()
    );
    venue_alone("ticks", &ticks());
    venue_alone("mix", &mix());
    on_one_thread("ticks", ticks());
    on_one_thread("mix", mix());
    for mode in [Mode::Shared, Mode::Dedicated] {
        for durability in [Durability::None, Durability::Local] {
            through_directory("ticks", ticks(), mode, durability);
            through_directory("mix", mix(), mode, durability);
            one_at_a_time(mode, durability);
        }
    }
}
