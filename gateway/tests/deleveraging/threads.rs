//! The worker on a thread of its own, over a directory; and what its end by a panic does.
//!
//! Invariant: nothing here depends on how fast the worker is, only on its answering in the end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::{Action, Capacity, Command, Event, Seq, Stamp};
use gateway::archive::{Archive, DirectoryArchive};
use gateway::clock::{Stopwatch, WallClock};
use gateway::deleveraging::proposals::proposals;
use gateway::deleveraging::secret::{SECRET_FILE, Secret};
use gateway::deleveraging::shelter::Sheltered;
use gateway::deleveraging::worker::{Worker, WorkerParts};
use gateway::duty::DutyCycle;
use gateway::follower::follower;
use gateway::idle::{Idle, Patience};
use gateway::in_process::{Client, Refused};
use gateway::log::{Durability, LogOptions, RealDisk, SEGMENT_BYTES_MIN};
use gateway::process::{Config, Layout, Process};
use gateway::progress::Progress;
use gateway::replay::replay;
use gateway::runner::Mode;

use super::world::{CAPACITY, Setting, World, index_at};

/// A log that panics whoever reads it.
#[derive(Debug)]
struct Cursed;

fn strike() -> ! {
    panic!("as told")
}

impl Archive for Cursed {
    fn rewind(&mut self, _: Seq) -> Result<(), String> {
        Ok(())
    }

    fn next_command(&mut self) -> Result<Option<(Stamp, Command)>, String> {
        strike()
    }

    fn rest(&mut self) {}

    fn directory(&self) -> Option<&Path> {
        None
    }
}

#[test]
fn a_worker_that_panics_ends_alone() {
    let idle = Idle::new(Patience::SHARED);
    let (feed, following) = follower(4, idle.waker(), idle.waker());
    let (proposer, _proposed) = proposals(1, idle.waker());
    let progress = Arc::new(Progress::new(Seq::new(3), idle.waker(), Vec::new()));
    let worker = Worker::new(WorkerParts {
        capacity: Capacity { accounts: 32, legs: 32, orders: 32 },
        following,
        proposer,
        archive: Box::new(Cursed),
        secret: Secret::new([1; 32]),
        progress: Arc::clone(&progress),
        began: Stamp::default(),
    });
    let standing = Arc::clone(worker.standing());
    let mut sheltered = Sheltered::new(worker);
    assert!(!sheltered.is_finished());
    assert_eq!(sheltered.do_work(), 1);
    assert!(sheltered.is_finished() && sheltered.do_work() == 0);
    assert!(standing.fault().is_some_and(|fault| fault.contains("panic")));
    assert_eq!(progress.failure(), None, "the venue goes on");
    drop(feed);
}

/// Submits all of it, waiting where there is no room.
fn play(client: &mut Client<WallClock>, commands: Vec<Command>, answered: &mut (u32, u32)) {
    for command in commands {
        let mut next = Some(command);
        while let Some(command) = next.take() {
            if let Err(Refused::Full(command) | Refused::Stopped(command)) = client.submit(command) {
                next = Some(command);
                let released = client.poll(|outcome| count(outcome.events, answered));
                client.wait(released);
            }
        }
    }
    client.flush();
}

fn count(events: &[Event], (planned, ended): &mut (u32, u32)) {
    for event in events {
        *planned += u32::from(matches!(event, Event::DeleveragingPlanned(plan) if plan.by_worker));
        *ended += u32::from(matches!(event, Event::DeleveragingEnded { .. }));
    }
}

/// What a world sent, without what the venue and its worker added, and with ample time for a plan.
fn commands_of(world: &World) -> Vec<Command> {
    let sent = world.log.committed().into_iter().map(|logged| logged.command);
    let sent = sent.filter(|command| !matches!(command.action, Action::Continue | Action::Deleverage(_)));
    sent.collect()
}

#[test]
fn a_worker_thread_answers_over_a_directory_and_after_a_restart() {
    let mut world = World::new(50, Setting { plan_within_ms: 60_000, ..Setting::default() });
    world.populate(60);
    let opening = commands_of(&world);
    let falls: Vec<Command> = [965, 930, 900].map(index_at).to_vec();
    for (mode, restarts) in [(Mode::Shared, false), (Mode::Dedicated, true)] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut config = Config::new(directory.path().to_path_buf(), CAPACITY);
        config.layout = Layout { mode, pin: false, ..Layout::default() };
        config.log = LogOptions { segment_bytes: 1 << 20, durability: Durability::None };
        let mut answered = (0, 0);
        let (mut process, mut client, _) = Process::start(&config, WallClock::default()).expect("starts");
        play(&mut client, opening.clone(), &mut answered);
        if restarts {
            process.stop(client, |_| ()).expect("no failure");
            (process, client, _) = Process::start(&config, WallClock::default()).expect("starts again");
        }
        play(&mut client, falls.clone(), &mut answered);
        let watch = Stopwatch::start();
        while answered.1 == 0 {
            assert!(watch.elapsed() < Duration::from_secs(50), "{mode:?}: {:?}", process.deleveraging());
            play(&mut client, vec![Command::venue(Action::Tick)], &mut answered);
            let released = client.poll(|outcome| count(outcome.events, &mut answered));
            client.wait(released);
        }
        assert!(answered.0 > 0, "the worker planned");
        let standing = Arc::clone(process.deleveraging().expect("one was wanted"));
        assert!(standing.plans() > 0 && standing.fault().is_none());
        assert!(standing.catch_ups() > 0, "it slept over the opening, or all before the restart");
        let conclusion = process.stop(client, |_| ()).expect("no failure");
        assert!(directory.path().join(SECRET_FILE).exists());
        let disk = RealDisk::read_only(directory.path()).expect("the directory is there");
        let replayed = replay(disk, None, |_| ()).expect("verifies");
        assert_eq!(replayed.digest, conclusion.digest);
    }
}

/// A reader goes on where it was, over the ends of segments, while the log is written.
#[test]
fn a_log_is_read_on_while_it_grows() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut config = Config::new(directory.path().to_path_buf(), CAPACITY);
    config.layout =
        Layout { mode: Mode::Shared, pin: false, deleveraging_worker: false, ..Layout::default() };
    config.log = LogOptions { segment_bytes: SEGMENT_BYTES_MIN, durability: Durability::None };
    let (process, mut client, _) = Process::start(&config, WallClock::default()).expect("starts");
    let mut archive = DirectoryArchive::new(directory.path().to_path_buf());
    let (mut last, mut answered) = (Seq::new(0), (0, 0));
    for round in 0..40 {
        play(&mut client, vec![Command::venue(Action::Tick); 500], &mut answered);
        while process.progress().durable().get() < 500 * (round + 1) {
            let released = client.poll(|_| ());
            client.wait(released);
        }
        archive.rewind(last).expect("it can be read");
        let until = process.progress().durable();
        while last < until {
            let (stamp, _) = archive.next_command().expect("it can be read").expect("it is durable");
            assert_eq!(stamp.seq.get(), last.get() + 1);
            last = stamp.seq;
        }
        if round % 7 == 6 {
            archive.rest();
        }
    }
    process.stop(client, |_| ()).expect("no failure");
    let segments = std::fs::read_dir(directory.path()).expect("the directory is there").count();
    assert!(segments > 5, "{segments} files: it was read over the ends of some");
}
