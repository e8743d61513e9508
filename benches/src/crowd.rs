//! What do many connections cost: those that never read, and those that say nothing?
//!
//! The venue is a process of its own on loopback; each run has a new one. Latencies are from the intended send time to
//! the answer.
pub mod host;
pub mod idle;
pub mod open_loop;
pub mod setup;
pub mod stall;
pub mod system;
mod tables;

use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::client::{Many, Phase};
use serde::Serialize;

use crate::log::Fresh;
use crate::measure::now;
use crate::report::{Report, Setting};
use host::{Host, ServingArgs, VenueArgs};
use idle::Idle;
use setup::PATIENCE;
use stall::Way;
use system::allow_files;

/// After this what a venue counts is told: it looks every tenth of a second.
const COUNTED: Duration = Duration::from_millis(200);

/// One of the questions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Part {
    /// Connections that never read.
    Stall,
    /// Connections that say nothing.
    Idle,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program that serves a venue when told to: this one.
    pub program: PathBuf,
    /// Where logs are written.
    pub directory: PathBuf,
    /// One question, or both.
    pub only: Option<Part>,
    /// Runs of each.
    pub runs: u32,
    /// Time before each measurement.
    pub warm_up: Duration,
    /// Time of a measurement with those that never read.
    pub duration: Duration,
    /// Connections.
    pub connections: u32,
    /// Of these active.
    pub active: u32,
    /// Of these never reading; at most 64.
    pub stalled: u32,
    /// Requests a second of the active.
    pub rate: u64,
    /// Requests a second of the account that those who never read are copies of.
    pub busy_rate: u64,
    /// Requests of that account at most before the measurement.
    pub push_max: u64,
    /// Octets of recent frames kept per session.
    pub ring: usize,
    /// Idle connections.
    pub idle: u32,
    /// Longest silences they agree on, in milliseconds.
    pub heartbeats: Vec<u32>,
    /// Requests a second of the one who trades meanwhile.
    pub idle_rate: u64,
    /// Time for each look at the idle.
    pub hold: Duration,
    /// Connections that never log on.
    pub strangers: u32,
    /// How the venue runs.
    pub serving: ServingArgs,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick(program: &Path, directory: &Path) -> Self {
        Self {
            program: program.to_path_buf(),
            directory: directory.to_path_buf(),
            only: None,
            runs: 1,
            warm_up: Duration::from_millis(50),
            duration: Duration::from_millis(300),
            connections: 24,
            active: 8,
            stalled: 3,
            rate: 500,
            busy_rate: 100,
            push_max: 400,
            ring: gateway::door::RING_BYTES,
            idle: 40,
            heartbeats: vec![200],
            idle_rate: 200,
            hold: Duration::from_millis(300),
            strangers: 40,
            serving: ServingArgs::default(),
        }
    }

    /// A new venue in a directory of its own; the directory goes with the first.
    fn venue(&self, name: &str, accounts: u32, connections: u32) -> anyhow::Result<(Fresh, Host)> {
        allow_files(u64::from(connections))?;
        let directory = Fresh::new(&self.directory, name)?;
        let args = VenueArgs {
            directory: directory.0.clone(),
            accounts,
            connections,
            ring: self.ring,
            serving: self.serving,
        };
        let host = Host::start(&self.program, &args)?;
        Ok((directory, host))
    }
}

/// Everything that was run.
#[derive(Clone, Debug, Serialize)]
pub struct CrowdReport {
    /// Machine.
    pub setting: Setting,
    /// What was asked for, in words.
    pub terms: [String; 2],
    /// Those that never read.
    pub stall: Vec<stall::Run>,
    /// Those that say nothing.
    pub idle: Vec<idle::Run>,
}

/// Runs both questions, ways interleaved.
///
/// # Errors
/// When a venue does not start, lets somebody not in, or fails.
pub fn run(options: &Options) -> anyhow::Result<CrowdReport> {
    let (mut stalls, mut idles) = (Vec::new(), Vec::new());
    for number in 0..options.runs {
        if options.only != Some(Part::Idle) {
            for way in Way::ALL {
                stalls.push(stall::run_once(options, way, number)?);
            }
        }
        if options.only != Some(Part::Stall) {
            for idle in options.idles() {
                idles.push(idle::run_once(options, idle, number)?);
            }
        }
    }
    let terms = [options.stall_terms(), options.idle_terms()];
    Ok(CrowdReport { setting: Setting::unpinned(), terms, stall: stalls, idle: idles })
}

impl Options {
    fn idles(&self) -> Vec<Idle> {
        let logged_on = self.heartbeats.iter().map(|heartbeat_ms| Idle::LoggedOn(*heartbeat_ms));
        logged_on.chain([Idle::Strangers]).collect()
    }

    fn venue_terms(&self) -> String {
        let durability = if self.serving.sync { "local" } else { "none" };
        let mode = if self.serving.dedicated { "dedicated" } else { "shared" };
        format!("durability {durability}, {mode}, ring {} KiB", self.ring >> 10)
    }

    fn stall_terms(&self) -> String {
        format!(
            "{} connections, {} active with {} requests/s together, {} copies of an account with {} requests/s; {}; \
             {:.1} s per run",
            self.connections,
            self.active,
            self.rate,
            self.stalled,
            self.busy_rate,
            self.venue_terms(),
            self.duration.as_secs_f64()
        )
    }

    fn idle_terms(&self) -> String {
        format!(
            "idle connections and one session with {} requests/s; {}; {:.1} s per look",
            self.idle_rate,
            self.venue_terms(),
            self.hold.as_secs_f64()
        )
    }
}

/// Waits without using the processor.
fn rest(time: Duration) {
    let start = now();
    while let Some(left) = time.checked_sub(now().duration_since(start)).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// Waits until every session is logged on.
fn stand(many: &mut Many) -> anyhow::Result<()> {
    let start = now();
    while !many.is_standing() {
        many.turn(Duration::from_millis(1), |_, _| ())?;
        let standing = || (0..many.len()).filter(|link| many.session(*link).phase() == Phase::Active).count();
        let fault = || (0..many.len()).find_map(|link| many.fault(link));
        anyhow::ensure!(
            now().duration_since(start) < PATIENCE,
            "{} of {} sessions are logged on: {:?}",
            standing(),
            many.len(),
            fault()
        );
    }
    Ok(())
}

impl Report for CrowdReport {
    fn text(&self) -> String {
        let [stall_terms, idle_terms] = &self.terms;
        let mut text = format!("{}; medians of runs, ways interleaved\n", self.setting.line());
        if !self.stall.is_empty() {
            text.extend([stall_terms, "\n", &tables::stalls(&self.stall)]);
        }
        if !self.idle.is_empty() {
            let kernel = "; slab and buffers are the kernel's, both ends together, on this machine\n";
            text.extend([idle_terms, kernel, &tables::idles(&self.idle)]);
        }
        text
    }
}
