//! The roles on their threads, over a log in memory: order, back-pressure, failure, end and restart.
//!
//! Invariant: what a client sees is what the log holds, in the same order, each command exactly once.

mod flow;

use std::sync::{Arc, Mutex};

use engine::{Action, Command, MassCancel, Seq, SessionId, TimeNs, Venue};
use gateway::clock::{Clock, VirtualClock, WallClock};
use gateway::duty::DutyCycle;
use gateway::idle::Idle;
use gateway::in_process::{Client, Refused};
use gateway::log::{CheckpointHasher, Genesis, LoggedCommand};
use gateway::log_role::CommandLog;
use gateway::outcome::Outcome;
use gateway::process::{Layout, Process, QueueSizes, wire};
use gateway::progress::Failure;
use gateway::recovery::Recovered;
use gateway::replay::Rebuild;
use gateway::runner::Mode;
use risk::AccountId;

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the disk is on fire")]
struct OnFire;

/// What the log did when told to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Serve,
    FailFrom(Seq),
    PanicAt(Seq),
}

/// A log in memory, shared with the test.
#[derive(Clone, Debug)]
struct MemoryLog {
    committed: Arc<Mutex<Vec<LoggedCommand>>>,
    written: Vec<LoggedCommand>,
    fate: Fate,
}

impl MemoryLog {
    fn new(fate: Fate) -> Self {
        Self { committed: Arc::default(), written: Vec::new(), fate }
    }

    fn panic_if_told(&self, seq: Seq) {
        assert!(self.fate != Fate::PanicAt(seq), "as told");
    }

    fn committed(&self) -> Vec<LoggedCommand> {
        self.committed.lock().expect("no test panics with the lock").clone()
    }

    /// The venue after the first `count` commands.
    fn rebuild(&self, count: usize) -> Venue {
        let genesis = Genesis::new(String::new(), TimeNs::new(0), flow::CAPACITY);
        let (mut rebuild, mut hasher) = (Rebuild::new(&genesis), CheckpointHasher::new());
        for logged in self.committed().iter().take(count) {
            rebuild.apply(logged, &mut hasher);
        }
        rebuild.into_venue()
    }
}

impl CommandLog for MemoryLog {
    type Error = OnFire;

    fn write(&mut self, outcome: &Outcome<'_>) -> Result<(), OnFire> {
        self.panic_if_told(outcome.stamp.seq);
        self.written.push(LoggedCommand {
            stamp: outcome.stamp,
            received_ns: outcome.received.get(),
            command: outcome.command.clone(),
        });
        Ok(())
    }

    fn commit(&mut self) -> Result<Seq, OnFire> {
        let last = self.written.last().expect("only called when something was written").stamp.seq;
        if matches!(self.fate, Fate::FailFrom(seq) if last >= seq) {
            return Err(OnFire);
        }
        self.committed.lock().expect("no test panics with the lock").append(&mut self.written);
        Ok(last)
    }

    fn waits(&self) -> bool {
        false
    }

    fn prepare_ahead(&mut self) -> Result<bool, OnFire> {
        Ok(false)
    }

    fn close(self) -> Result<(), OnFire> {
        if self.written.is_empty() { Ok(()) } else { Err(OnFire) }
    }
}

const TINY: QueueSizes = QueueSizes { commands: 2, reserved_for_cancels: 1, log: 1, client: 1 };

fn layout(mode: Mode, queues: QueueSizes) -> Layout {
    // Tests run beside each other; pinned, they would queue up on one core.
    Layout { mode, pin: false, queues, ..Layout::default() }
}

fn launch<C: Clock>(log: &MemoryLog, venue: Venue, clock: C, layout: Layout) -> (Process, Client<C>) {
    Process::launch(Recovered { venue, log: log.clone() }, clock, layout).expect("threads start")
}

/// What the client saw: sequence, time, command.
type Seen = Vec<(Seq, TimeNs, Command)>;

fn note(seen: &mut Seen, outcome: &Outcome<'_>) {
    seen.push((outcome.stamp.seq, outcome.stamp.time, outcome.command.clone()));
}

/// Submits everything, polling when the queue is full; commands that were not taken because the venue stopped.
fn play<C: Clock>(client: &mut Client<C>, commands: Vec<Command>, seen: &mut Seen) -> usize {
    let mut left = commands.len();
    for command in commands {
        let mut next = Some(command);
        while let Some(command) = next.take() {
            match client.submit(command) {
                Ok(()) => left -= 1,
                Err(Refused::Stopped(_)) => return left,
                Err(Refused::Full(command)) => {
                    next = Some(command);
                    let released = client.poll(|outcome| note(seen, outcome));
                    client.wait(released);
                }
            }
        }
    }
    left
}

fn commands(count: usize, seed: u64) -> Vec<Command> {
    let mut flow = flow::Flow::new(seed);
    let mut commands = flow::opening();
    commands.extend((0..count).map(|_| flow.command()));
    commands
}

fn assert_same(seen: &Seen, logged: &[LoggedCommand]) {
    assert_eq!(seen.len(), logged.len());
    for ((seq, time, command), logged) in seen.iter().zip(logged) {
        assert_eq!((*seq, *time, command), (logged.stamp.seq, logged.stamp.time, &logged.command));
    }
    assert!(logged.iter().zip(1..).all(|(logged, seq)| logged.stamp.seq == Seq::new(seq)), "no gap");
    assert!(logged.is_sorted_by_key(|logged| logged.stamp.time), "time never runs backward");
}

fn plays_through(mode: Mode, queues: QueueSizes, count: usize) {
    let log = MemoryLog::new(Fate::Serve);
    let (process, mut client) =
        launch(&log, Venue::new(flow::CAPACITY), WallClock::default(), layout(mode, queues));
    let submitted = commands(count, 11);
    let mut seen = Seen::new();
    assert_eq!(play(&mut client, submitted.clone(), &mut seen), 0);
    let conclusion = process.stop(client, |outcome| note(&mut seen, outcome)).expect("no failure");
    let logged = log.committed();
    assert_same(&seen, &logged);
    let own = |command: &Command| command.action == Action::Continue;
    let came: Vec<Command> =
        seen.into_iter().map(|(_, _, command)| command).filter(|command| !own(command)).collect();
    assert_eq!(came, submitted, "nothing is lost, doubled or overtaken");
    assert_eq!(conclusion.last, logged.last().expect("commands were logged").stamp);
    assert_eq!(log.rebuild(usize::MAX).digest(), conclusion.digest, "replay gives the live state");
}

#[test]
fn back_pressure_loses_nothing() {
    plays_through(Mode::Shared, TINY, 20_000);
    plays_through(Mode::Dedicated, TINY, 20_000);
}

#[test]
fn ample_queues_give_the_same() {
    plays_through(Mode::Shared, QueueSizes::default(), 60_000);
    plays_through(Mode::Dedicated, QueueSizes::default(), 60_000);
}

/// A client as a role: plays its commands, then asks the venue to stop.
#[derive(Debug)]
struct Player {
    client: Client<WallClock>,
    commands: std::vec::IntoIter<Command>,
    next: Option<Command>,
    seen: Arc<Mutex<Seen>>,
}

impl DutyCycle for Player {
    fn do_work(&mut self) -> usize {
        let mut work = 0;
        while let Some(command) = self.next.take().or_else(|| self.commands.next()) {
            match self.client.submit(command) {
                Ok(()) => work += 1,
                Err(Refused::Full(command) | Refused::Stopped(command)) => {
                    self.next = Some(command);
                    break;
                }
            }
        }
        let mut seen = self.seen.lock().expect("no test panics with the lock");
        work += self.client.poll(|outcome| note(&mut seen, outcome));
        if self.next.is_none() && self.commands.len() == 0 && !self.client.progress().stop_requested() {
            self.client.progress().request_stop();
            work += 1;
        }
        work
    }

    fn is_finished(&self) -> bool {
        self.client.is_finished()
    }
}

#[test]
fn a_client_role_shares_the_engine_thread_or_has_its_own() {
    for mode in [Mode::Shared, Mode::Dedicated] {
        for queues in [TINY, QueueSizes::default()] {
            let log = MemoryLog::new(Fate::Serve);
            let recovered = Recovered { venue: Venue::new(flow::CAPACITY), log: log.clone() };
            let seen = Arc::<Mutex<Seen>>::default();
            let idle = Idle::new(layout(mode, queues).patience());
            let process =
                Process::launch_with(recovered, WallClock::default(), layout(mode, queues), idle, |client| {
                    let commands = commands(10_000, 5).into_iter();
                    Box::new(Player { client, commands, next: None, seen: Arc::clone(&seen) })
                });
            let conclusion = process.expect("threads start").join().expect("no failure");
            assert_same(&seen.lock().expect("no test panics with the lock"), &log.committed());
            assert_eq!(log.rebuild(usize::MAX).digest(), conclusion.digest);
        }
    }
}

#[test]
fn a_failed_log_stops_acknowledgement() {
    for mode in [Mode::Shared, Mode::Dedicated] {
        let log = MemoryLog::new(Fate::FailFrom(Seq::new(5_000)));
        let (process, mut client) =
            launch(&log, Venue::new(flow::CAPACITY), WallClock::default(), layout(mode, TINY));
        let mut seen = Seen::new();
        let left = play(&mut client, commands(20_000, 3), &mut seen);
        assert!(left > 0, "submission ends with the log");
        client.drain(|outcome| note(&mut seen, outcome));
        assert_same(&seen, &log.committed());
        assert!(seen.len() < 5_000);
        assert!(matches!(client.submit(Command::venue(Action::Tick)), Err(Refused::Stopped(_))));
        let durable = client.progress().durable();
        let failure = process.join().expect_err("the log failed");
        assert_eq!(failure, Failure::Log { reason: OnFire.to_string(), durable });
        assert_eq!(durable, Seq::new(seen.len() as u64));
    }
}

#[test]
fn a_thread_that_panics_is_a_failure() {
    let log = MemoryLog::new(Fate::PanicAt(Seq::new(3_000)));
    let (process, mut client) =
        launch(&log, Venue::new(flow::CAPACITY), WallClock::default(), layout(Mode::Shared, TINY));
    let mut seen = Seen::new();
    assert!(play(&mut client, commands(20_000, 3), &mut seen) > 0);
    client.drain(|outcome| note(&mut seen, outcome));
    assert_same(&seen, &log.committed());
    assert!(matches!(process.join(), Err(Failure::Panic { thread }) if thread == "fulcrum-log"));
}

#[test]
fn a_client_that_goes_does_not_hold_the_venue_up() {
    let log = MemoryLog::new(Fate::Serve);
    let (process, mut client) =
        launch(&log, Venue::new(flow::CAPACITY), WallClock::default(), layout(Mode::Shared, TINY));
    let mut seen = Seen::new();
    let commands = commands(2_000, 9);
    let count = commands.len();
    assert_eq!(play(&mut client, commands, &mut seen), 0);
    client.flush();
    drop(client);
    process.progress().request_stop();
    let conclusion = process.join().expect("no failure");
    assert_eq!(log.committed().len() as u64, conclusion.last.seq.get());
    assert!(log.committed().len() >= count);
}

#[test]
fn a_restart_continues_sequence_and_time() {
    let clock = VirtualClock::at(TimeNs::new(5_000_000));
    let log = MemoryLog::new(Fate::Serve);
    let (process, mut client) =
        launch(&log, Venue::new(flow::CAPACITY), clock.clone(), layout(Mode::Shared, TINY));
    let mut seen = Seen::new();
    assert_eq!(play(&mut client, commands(3_000, 2), &mut seen), 0);
    let before = process.stop(client, |_| ()).expect("no failure");

    // The system's time stepped back while the venue was down.
    let clock = VirtualClock::at(TimeNs::new(1_000));
    let venue = log.rebuild(usize::MAX);
    assert_eq!(venue.last_stamp(), before.last);
    let (process, mut client) = launch(&log, venue, clock, layout(Mode::Shared, TINY));
    assert!(client.now() >= before.last.time);
    assert_eq!(play(&mut client, vec![Command::venue(Action::Tick); 100], &mut Seen::new()), 0);
    let after = process.stop(client, |_| ()).expect("no failure");
    assert_eq!(after.last.seq.get(), before.last.seq.get() + 100);
    let logged = log.committed();
    assert!(logged.is_sorted_by_key(|logged| (logged.stamp.time, logged.stamp.seq)));
}

#[test]
fn recovery_continues_before_it_takes_input() {
    let log = MemoryLog::new(Fate::Serve);
    let (process, mut client) =
        launch(&log, Venue::new(flow::CAPACITY), WallClock::default(), layout(Mode::Shared, TINY));
    assert_eq!(play(&mut client, commands(60_000, 4), &mut Seen::new()), 0);
    process.stop(client, |_| ()).expect("no failure");

    // A kill between a price move and its liquidations: the log ends just before a continuation.
    let cut = log.committed().iter().position(|logged| logged.command.action == Action::Continue);
    let cut = cut.expect("the flow liquidates");
    let venue = log.rebuild(cut);
    assert!(venue.pending());
    let log = MemoryLog::new(Fate::Serve);
    let (process, mut client) = launch(&log, venue, WallClock::default(), layout(Mode::Shared, TINY));
    client.submit(Command::venue(Action::Tick)).expect("room");
    process.stop(client, |_| ()).expect("no failure");
    let logged = log.committed();
    let (last, before) = logged.split_last().expect("commands were logged");
    assert_eq!(last.command.action, Action::Tick);
    assert!(!before.is_empty() && before.iter().all(|logged| logged.command.action == Action::Continue));
    assert_eq!(before[0].stamp.seq.get(), cut as u64 + 1);
}

#[test]
fn cancels_are_admitted_when_orders_are_not() {
    let recovered = Recovered { venue: Venue::new(flow::CAPACITY), log: MemoryLog::new(Fate::Serve) };
    let queues = QueueSizes { commands: 4, reserved_for_cancels: 1, log: 4, client: 4 };
    let mut roles = wire(recovered, VirtualClock::default(), queues, Vec::new());
    let tick = Command::venue(Action::Tick);
    let taken = (0..1_000).take_while(|_| roles.client.submit(tick.clone()).is_ok()).count();
    assert_eq!(taken, 3 * 64);
    let cancel = MassCancel::of_account(AccountId::new(16));
    let cancel = Command::client(SessionId::new(1), Action::MassCancel(cancel));
    let taken = (0..1_000).take_while(|_| roles.client.submit(cancel.clone()).is_ok()).count();
    assert_eq!(taken, 64, "the reserved box");
    assert!(matches!(roles.client.submit(cancel), Err(Refused::Full(_))));
}

#[test]
fn nothing_is_seen_before_it_is_durable() {
    let log = MemoryLog::new(Fate::Serve);
    let recovered = Recovered { venue: Venue::new(flow::CAPACITY), log: log.clone() };
    let clock = VirtualClock::at(TimeNs::new(77));
    let mut roles = wire(recovered, clock.clone(), QueueSizes::default(), Vec::new());
    roles.client.submit(Command::venue(Action::Tick)).expect("room");
    roles.client.flush();
    clock.advance(3);
    assert_eq!(roles.engine.do_work(), 1);
    assert_eq!(roles.client.poll(|_| panic!("not durable")), 0);
    assert_eq!(roles.log.do_work(), 1);
    let mut latency = 0;
    let released = roles.client.poll(|outcome| latency = outcome.stamp.time.get() - outcome.received.get());
    assert_eq!((released, latency), (1, 3), "with the time it was submitted at");
}

#[test]
fn a_slow_follower_is_left_behind() {
    use gateway::follower::follower;
    use gateway::idle::{Idle, Patience};
    let idle = Idle::new(Patience::SHARED);
    let (feed, mut following) = follower(2, idle.waker(), idle.waker());
    let recovered = Recovered { venue: Venue::new(flow::CAPACITY), log: MemoryLog::new(Fate::Serve) };
    let mut roles = wire(recovered, VirtualClock::default(), QueueSizes::default(), vec![feed]);
    let mut next = 0;
    for round in 0..4 {
        for _ in 0..64 {
            roles.client.submit(Command::venue(Action::Tick)).expect("room");
        }
        roles.client.flush();
        assert_eq!(roles.engine.do_work(), 64, "nobody waits for a follower");
        roles.log.do_work();
        next += roles.client.poll(|_| ());
        assert_eq!(following.is_stale(), round >= 2);
    }
    assert_eq!(next, 256);
    // It reads what it missed from the log and asks to be fed again.
    while let Some(batch) = following.outcomes.receive() {
        following.outcomes.give_back(batch);
    }
    following.resume();
    roles.client.submit(Command::venue(Action::Tick)).expect("room");
    roles.client.flush();
    roles.engine.do_work();
    let batch = following.outcomes.receive().expect("fed again");
    assert_eq!(batch.get(0).expect("one outcome").stamp.seq, Seq::new(257));
}
