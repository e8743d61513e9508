//! A venue over a directory: begun, stopped, restarted, killed, replayed, and a disk that fails.
//!
//! Invariant: whatever a client has seen is found again by the next start and by replay, with the same digest.

mod flow;

use std::io::{self, BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command as Child, Stdio};

use engine::{Action, Command, Seq, TimeNs, Venue};
use gateway::clock::{Clock, VirtualClock, WallClock};
use gateway::in_process::{Client, Refused};
use gateway::log::{Disk, Durability, EventLog, Genesis, LogOptions, RealDisk};
use gateway::outcome::Outcome;
use gateway::process::{Comeback, Config, Layout, Process};
use gateway::progress::Failure;
use gateway::recovery::Recovered;
use gateway::replay::{replay, replay_while};
use gateway::runner::Mode;

fn config(directory: &Path, mode: Mode, durability: Durability) -> Config {
    let mut config = Config::new(directory.to_path_buf(), flow::CAPACITY);
    config.layout = Layout { mode, pin: false, ..Layout::default() };
    config.log = LogOptions { segment_bytes: 1 << 20, durability };
    config
}

/// Submits everything, polling when the queue is full; the last sequence seen, or `None` when the venue stopped.
fn play<C: Clock>(
    client: &mut Client<C>,
    commands: impl IntoIterator<Item = Command>,
    seen: &mut Seq,
) -> bool {
    for command in commands {
        let mut next = Some(command);
        while let Some(command) = next.take() {
            match client.submit(command) {
                Ok(()) => {}
                Err(Refused::Stopped(_)) => return false,
                Err(Refused::Full(command)) => {
                    next = Some(command);
                    let released = client.poll(|outcome| *seen = outcome.stamp.seq);
                    client.wait(released);
                }
            }
        }
    }
    true
}

fn read(directory: &Path) -> RealDisk {
    RealDisk::read_only(directory).expect("the directory is there")
}

/// A reader that has enough at `seq` gets the venue as of `seq`, and nothing after it.
fn assert_early_end(directory: &Path, seq: Seq) {
    let mut shown = Seq::new(0);
    let broken = replay_while(read(directory), None, |outcome| {
        shown = outcome.stamp.seq;
        if shown == seq { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .expect("verifies");
    let bounded = replay(read(directory), Some(seq), |_| ()).expect("verifies");
    assert_eq!((shown, broken.last, broken.commands), (seq, bounded.last, bounded.commands));
    assert_eq!((broken.digest, broken.events), (bounded.digest, bounded.events));
    assert!(broken.end.is_none());
}

#[test]
fn a_stopped_venue_replays_and_restarts_with_the_same_digest() {
    for (mode, durability) in [
        (Mode::Shared, Durability::None),
        (Mode::Dedicated, Durability::None),
        (Mode::Shared, Durability::Local),
        (Mode::Dedicated, Durability::Local),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path(), mode, durability);
        let (process, mut client, recovery) = Process::start(&config, WallClock::default()).expect("starts");
        assert!(recovery.created);
        let mut flow = flow::Flow::new(21);
        let mut seen = Seq::new(0);
        assert!(play(&mut client, flow::opening(), &mut seen));
        assert!(play(&mut client, (0..20_000).map(|_| flow.command()), &mut seen));
        let end = process.stop(client, |outcome| seen = outcome.stamp.seq).expect("no failure");
        assert_eq!(seen, end.last.seq);

        let replayed = replay(read(directory.path()), None, |_| ()).expect("verifies");
        assert_eq!((replayed.digest, replayed.last), (end.digest, end.last));
        assert!(replayed.checkpoints >= 4 && replayed.commands == end.last.seq.get());
        assert!(replayed.end.expect("read to its end").closed);
        let half = Seq::new(10_000);
        assert_eq!(replay(read(directory.path()), Some(half), |_| ()).expect("verifies").last.seq, half);
        assert_early_end(directory.path(), half);

        let (process, mut client, recovery) =
            Process::start(&config, WallClock::default()).expect("restarts");
        assert_eq!((recovery.last, recovery.commands), (end.last, end.last.seq.get()));
        assert!(!recovery.created && recovery.cut.is_none());
        assert!(play(&mut client, (0..5_000).map(|_| flow.command()), &mut seen));
        let end = process.stop(client, |_| ()).expect("no failure");
        assert_eq!(replay(read(directory.path()), None, |_| ()).expect("verifies").digest, end.digest);
    }
}

/// Names the directory in which [`the_victim`] runs a venue; the test does nothing where it is not set.
const VICTIM: &str = "FULCRUM_TEST_VICTIM";

/// Not a test by itself: the process that `a_kill_loses_nothing_that_was_seen` kills.
#[test]
fn the_victim() {
    let Some(directory) = std::env::var_os(VICTIM) else { return };
    let config = config(Path::new(&directory), Mode::Shared, Durability::Local);
    let (_process, mut client, recovery) = Process::start(&config, WallClock::default()).expect("starts");
    let mut flow = flow::Flow::new(recovery.last.seq.get());
    let mut seen = Seq::new(0);
    if recovery.created {
        assert!(play(&mut client, flow::opening(), &mut seen));
    }
    loop {
        let before = seen;
        assert!(play(&mut client, (0..100).map(|_| flow.command()), &mut seen));
        let released = client.poll(|outcome| seen = outcome.stamp.seq);
        client.wait(released);
        if seen > before {
            println!("seen {seen}");
        }
    }
}

/// Runs the victim until it has seen `enough` sequences, then kills it; the last one it said it has seen.
fn kill_after(directory: &Path, enough: Seq) -> Seq {
    let mut victim = Child::new(std::env::current_exe().expect("this test runs"))
        .args(["--exact", "the_victim", "--nocapture"])
        .env(VICTIM, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the same binary runs again");
    let said = BufReader::new(victim.stdout.take().expect("piped"));
    let mut seen = Seq::new(0);
    for line in said.lines() {
        let line = line.expect("text");
        // The first line shares its line with the name of the test.
        if let Some((_, number)) = line.split_once("seen ") {
            seen = Seq::new(number.parse().expect("a number"));
        }
        if seen >= enough {
            break;
        }
    }
    victim.kill().expect("it runs for ever");
    victim.wait().expect("killed");
    seen
}

#[test]
fn a_kill_loses_nothing_that_was_seen() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut config = config(directory.path(), Mode::Shared, Durability::Local);
    let comeback = Some(Comeback { cancel_only_ms: 1, call_ms: 1 });
    config.comeback = comeback;
    for life in 1..=3 {
        let seen = kill_after(directory.path(), Seq::new(life * 20_000));
        assert!(seen >= Seq::new(life * 20_000), "the victim ended by itself");
        let (process, client, recovery) = Process::start(&config, WallClock::default()).expect("recovers");
        assert!(recovery.last.seq >= seen, "{recovery:?} lost what was seen up to {seen}");
        assert_eq!(recovery.comeback, comeback, "the end before was no graceful one");
        let end = process.stop(client, |_| ()).expect("no failure");
        let mut restarts = 0;
        let count = |outcome: &Outcome<'_>| {
            restarts += u64::from(matches!(outcome.command.action, Action::Restarted { .. }));
        };
        assert_eq!(replay(read(directory.path()), None, count).expect("verifies").digest, end.digest);
        assert_eq!(restarts, life, "trading began again in stages once a kill");
    }
    let (process, client, recovery) = Process::start(&config, WallClock::default()).expect("restarts");
    assert_eq!(recovery.comeback, None, "after a graceful end trading goes on");
    process.stop(client, |_| ()).expect("no failure");
}

#[test]
fn the_clock_goes_on_from_the_log() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = config(directory.path(), Mode::Shared, Durability::None);
    let late = VirtualClock::at(TimeNs::new(9_000_000));
    let (process, mut client, _) = Process::start(&config, late).expect("starts");
    client.submit(Command::venue(Action::Tick)).expect("room");
    let before = process.stop(client, |_| ()).expect("no failure");
    let early = VirtualClock::at(TimeNs::new(1));
    let (process, mut client, _) = Process::start(&config, early).expect("restarts");
    client.submit(Command::venue(Action::Tick)).expect("room");
    let after = process.stop(client, |_| ()).expect("no failure");
    assert_eq!((before.last.seq, after.last.seq), (Seq::new(1), Seq::new(2)));
    assert_eq!(after.last.time, before.last.time);
}

/// A disk whose writes fail after a while.
#[derive(Debug)]
struct FailingDisk {
    disk: RealDisk,
    writes_left: u32,
}

impl Disk for FailingDisk {
    type File = <RealDisk as Disk>::File;

    fn list(&mut self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
    fn open(&mut self, name: &str) -> io::Result<Self::File> {
        self.disk.open(name)
    }
    fn create(&mut self, name: &str) -> io::Result<Self::File> {
        self.disk.create(name)
    }
    fn length(&mut self, file: &Self::File) -> io::Result<u64> {
        self.disk.length(file)
    }
    fn set_length(&mut self, file: &Self::File, length: u64) -> io::Result<()> {
        self.disk.set_length(file, length)
    }
    fn read_at(&mut self, file: &Self::File, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.disk.read_at(file, offset, bytes)
    }
    fn write_at(&mut self, file: &Self::File, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.writes_left = self.writes_left.saturating_sub(1);
        if self.writes_left == 0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.disk.write_at(file, offset, bytes)
    }
    fn sync_data(&mut self, file: &Self::File) -> io::Result<()> {
        self.disk.sync_data(file)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn sync_dir(&mut self) -> io::Result<()> {
        self.disk.sync_dir()
    }
}

#[test]
fn a_disk_that_fails_stops_acknowledgement_and_loses_nothing_seen() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = config(directory.path(), Mode::Shared, Durability::Local);
    let disk = RealDisk::open(directory.path()).expect("opens");
    let disk = FailingDisk { disk, writes_left: 400 };
    let genesis = Genesis::new(String::new(), TimeNs::new(0), flow::CAPACITY);
    let log = EventLog::create(disk, config.log, &genesis).expect("begins");
    let recovered = Recovered { venue: Venue::new(flow::CAPACITY), log };
    let (process, mut client) =
        Process::launch(recovered, WallClock::default(), config.layout).expect("threads start");
    let mut flow = flow::Flow::new(8);
    let mut seen = Seq::new(0);
    assert!(play(&mut client, flow::opening(), &mut seen));
    assert!(!play(&mut client, (0..1_000_000).map(|_| flow.command()), &mut seen), "submission ends");
    client.drain(|outcome| seen = outcome.stamp.seq);
    assert_eq!(seen, client.progress().durable());
    drop(client);
    assert!(matches!(process.join(), Err(Failure::Log { durable, .. }) if durable == seen));

    let (process, client, recovery) = Process::start(&config, WallClock::default()).expect("recovers");
    assert!(recovery.last.seq >= seen);
    process.stop(client, |_| ()).expect("no failure");
}
