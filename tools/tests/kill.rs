//! kill -9: `fulcrum demo --in-process` is killed at a random moment, over and over; what it had acknowledged must be in its log.
//!
//! After each kill: `fulcrum verify` succeeds; the last sequence in the trail of `--acks` and every order count on
//! standard error are covered by the log; a summary, where the run had come to one, names the digest that verification
//! finds; a second `fulcrum demo --data` on the directory is refused and changes not a byte; and a venue started on the
//! directory goes on with the next sequence and closes a log that verifies. Killed before its genesis record was
//! durable, a run leaves no log: then nothing was acknowledged, and the directory still begins a venue.
//!
//! `FULCRUM_KILLS=300 cargo test -p tools --test kill -- --nocapture` is the campaign; a failure prints the line that
//! repeats its cycle. The seed repeats flow, mode, durability and delay, not what the scheduler made of them.

use std::ffi::OsStr;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command as Child, Output, Stdio};
use std::time::Duration;

use engine::{Action, Capacity, Command};
use gateway::clock::WallClock;
use gateway::log::{Durability, LogOptions};
use gateway::process::{Config, Layout, Process};
use gateway::runner::Mode;
use tools::demo::acks;
use tools::demo::drive::WINDOW;
use tools::flow::random::Random;
use tools::verify::{self, Verification};

/// How many cycles.
const KILLS: &str = "FULCRUM_KILLS";
const KILLS_BY_DEFAULT: u64 = 25;
/// Seed of the first cycle; the others count up from it.
const SEED: &str = "FULCRUM_KILL_SEED";

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// What a campaign came upon.
#[derive(Default, Debug)]
struct Figures {
    kills: u64,
    /// Runs that had ended by themselves before the kill.
    ended: u64,
    without_log: u64,
    torn: u64,
    closed: u64,
    /// Logs of more than one segment.
    segments: u64,
    commands: u64,
    acknowledged: u64,
    /// Most commands a log held beyond what was acknowledged.
    beyond: u64,
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let (first, kills) = (number(SEED, 1), number(KILLS, KILLS_BY_DEFAULT));
    let mut figures = Figures::default();
    for seed in first..first + kills {
        let cycle = catch_unwind(AssertUnwindSafe(|| Cycle::draw(seed).run(&mut figures)));
        if let Err(panic) = cycle {
            println!("repeat with: {SEED}={seed} {KILLS}=1 cargo test -p tools --test kill");
            resume_unwind(panic);
        }
    }
    println!("{figures:?}");
    assert!(
        kills < KILLS_BY_DEFAULT || figures.acknowledged > 0,
        "nothing was ever acknowledged: {figures:?}"
    );
}

/// One run and its end.
#[derive(Debug)]
struct Cycle {
    seed: u64,
    durability: &'static str,
    mode: &'static str,
    orders: u64,
    delay: Duration,
}

impl Cycle {
    fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let durability = if seed.is_multiple_of(2) { "none" } else { "local" };
        let mode = if random.chance(500) { "shared" } else { "dedicated" };
        // A short run may be killed while it stops, verifies and prints, or just after.
        let orders = if random.chance(250) { 3_000 } else { 100_000_000 };
        // Every third kill aims at the beginning, where the first segment is made.
        let most = if random.chance(333) { 60 } else { 600 };
        let delay = Duration::from_micros(random.below(most * 1_000));
        Self { seed, durability, mode, orders, delay }
    }

    fn run(&self, figures: &mut Figures) {
        let place = tempfile::tempdir().expect("a directory");
        let log = place.path().join("log");
        let left = self.kill(place.path(), &log);
        figures.kills += 1;
        figures.ended += u64::from(left.ended);
        if log.join("00000001.seg").exists() {
            let verification = self.verify(&log);
            assert_covered(&verification, &left);
            figures.torn += u64::from(verification.torn.is_some());
            figures.closed += u64::from(verification.closed);
            figures.segments += u64::from(log.join("00000002.seg").exists());
            figures.commands += verification.last_seq;
            figures.acknowledged += left.acknowledged;
            figures.beyond = figures.beyond.max(verification.last_seq - left.acknowledged);
            self.assert_refused(&log);
            self.assert_goes_on(&log, &verification);
        } else {
            figures.without_log += 1;
            assert_eq!((left.acknowledged, left.summary.as_str()), (0, ""), "{self:?}");
            if log.exists() {
                let verification = verify::run(&log);
                assert!(verification.error.unwrap_or_default().contains("there is no log here"), "{self:?}");
                self.assert_goes_on(&log, &Verification::default());
            }
        }
    }

    fn demo(&self, log: &Path) -> Child {
        let mut demo = Child::new(env!("CARGO_BIN_EXE_fulcrum"));
        demo.args([
            "demo",
            "--json",
            "--in-process",
            "--accounts",
            "50",
            "--mode",
            self.mode,
            "--durability",
            self.durability,
        ])
        .args(["--orders", &self.orders.to_string(), "--seed", &self.seed.to_string(), "--data"])
        .arg(log)
        .stdin(Stdio::null());
        demo
    }

    /// Starts a run and kills it.
    fn kill(&self, place: &Path, log: &Path) -> Left {
        let [acks, summary, said] = ["acks", "summary", "said"].map(|name| place.join(name));
        let file = |path: &PathBuf| File::create(path).expect("writable");
        let mut demo = self.demo(log);
        demo.arg("--acks").arg(&acks).stdout(file(&summary)).stderr(file(&said));
        let mut demo = demo.spawn().expect("the binary was built");
        wait(self.delay);
        let ended = demo.try_wait().expect("it is our child").is_some();
        // SIGKILL; of no effect on a run that has ended.
        demo.kill().expect("it is our child");
        demo.wait().expect("it is our child");
        let said = std::fs::read_to_string(said).expect("readable");
        // The file appears when the venue has started.
        let trail: Vec<_> = acks::read(&std::fs::read(&acks).unwrap_or_default()).collect();
        assert!(trail.is_sorted_by(|one, next| one < next), "{self:?}");
        Left {
            ended,
            acknowledged: trail.last().copied().unwrap_or(0),
            orders_said: said.lines().rev().find_map(orders_said).unwrap_or(0),
            summary: std::fs::read_to_string(summary).expect("readable"),
        }
    }

    fn verify(&self, log: &Path) -> Verification {
        let verify = fulcrum(&["verify".as_ref(), log.as_os_str(), "--json".as_ref()]);
        let said = String::from_utf8_lossy(&verify.stderr);
        assert_eq!(verify.status.code(), Some(0), "{self:?}: {said}");
        let verification: Verification = serde_json::from_slice(&verify.stdout).expect("one JSON object");
        assert!(verification.verified, "{self:?}");
        verification
    }

    /// A demonstration begins a log and never goes on with one.
    fn assert_refused(&self, log: &Path) {
        let before = Contents::of(log);
        let again = self.demo(log).output().expect("the binary was built");
        let said = String::from_utf8_lossy(&again.stderr);
        assert_eq!(again.status.code(), Some(1), "{self:?}: {said}");
        assert!(said.contains("is not empty; name a new directory") && said.lines().count() == 1, "{said}");
        assert!(again.stdout.is_empty() && before == Contents::of(log), "{self:?}");
    }

    /// A venue started here goes on behind the last command.
    fn assert_goes_on(&self, log: &Path, before: &Verification) {
        let mut config = Config::new(log.to_owned(), Capacity { accounts: 32, legs: 64, orders: 1_024 });
        let durability = if self.durability == "none" { Durability::None } else { Durability::Local };
        config.log = LogOptions { segment_bytes: 1 << 20, durability };
        config.layout = Layout { mode: Mode::Shared, pin: false, ..Layout::default() };
        let (process, mut client, recovery) = Process::start(&config, WallClock::default()).expect("starts");
        assert_eq!(recovery.last.seq.get(), before.last_seq, "{self:?}");
        assert_eq!(recovery.created, before.digest.is_none(), "{self:?}");
        client.submit(Command::venue(Action::Tick)).expect("there is room");
        // Work that was left over comes first.
        let mut last = None;
        let conclusion =
            process.stop(client, |outcome| last = Some(outcome.command.action.clone())).expect("no failure");
        assert_eq!(last, Some(Action::Tick), "{self:?}");
        let after = verify::run(log);
        assert!(after.verified && after.closed && after.last_seq > before.last_seq, "{self:?}: {after:?}");
        assert_eq!(after.digest, Some(format!("{:032x}", conclusion.digest)), "{self:?}");
    }
}

/// What a killed run left outside its log.
#[derive(Debug)]
struct Left {
    ended: bool,
    /// The last sequence of the trail.
    acknowledged: u64,
    /// Orders sent, as last printed.
    orders_said: u64,
    summary: String,
}

fn assert_covered(verification: &Verification, left: &Left) {
    let logged = verification.last_seq;
    assert!(left.acknowledged <= logged, "{} acknowledged, {logged} logged: {left:?}", left.acknowledged);
    // When a count is printed all but a window of the commands are acknowledged, the newest of them sent just now.
    assert!(left.orders_said <= logged + WINDOW + 1, "{left:?}, {logged} logged");
    if left.summary.ends_with('\n') {
        let summary: serde_json::Value = serde_json::from_str(&left.summary).expect("one JSON object");
        assert_eq!(summary["digest"].as_str(), verification.digest.as_deref());
        assert!(verification.closed && left.acknowledged == logged, "{left:?}, {logged} logged");
    } else {
        assert!(!left.ended && left.summary.is_empty(), "{left:?}");
    }
}

/// N of `orders: N of M (phase)`.
fn orders_said(line: &str) -> Option<u64> {
    line.strip_prefix("orders: ")?.split(' ').next()?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "the delay before a kill; nobody could wake us")]
fn wait(delay: Duration) {
    std::thread::sleep(delay);
}

fn fulcrum(arguments: &[&OsStr]) -> Output {
    Child::new(env!("CARGO_BIN_EXE_fulcrum"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the binary was built")
}

/// Every file of a directory, byte for byte.
#[derive(PartialEq, Eq)]
struct Contents(Vec<(String, Vec<u8>)>);

impl Contents {
    fn of(directory: &Path) -> Self {
        let entries = std::fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable"));
        let mut files: Vec<_> = entries
            .map(|entry| {
                (
                    entry.file_name().to_string_lossy().into_owned(),
                    std::fs::read(entry.path()).expect("readable"),
                )
            })
            .collect();
        files.sort();
        Self(files)
    }
}
