//! How many commands a second pass through engine and log in one process, beside what the disk alone can do?
//!
//! From the first submission to the release of the last outcome, wall time: the venue's threads share the work. The
//! commands are recorded beforehand. The disk's own figure is a write and `fdatasync` of 4 KiB at a time to a file that
//! was written before, taken in the same run.
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "rates and ratios of a report")]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use engine::Command;
use gateway::clock::WallClock;
use gateway::in_process::{Client, Refused};
use gateway::log::{Durability, LogOptions};
use gateway::process::{Config, Process};
use serde::Serialize;

use crate::flow::record;
use crate::measure::{Latency, Spread, now, sample_ns};
use crate::population::{Population, Terms};
use crate::report::{Report, Setting, table};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where logs are written; a directory on the disk to be measured.
    pub directory: PathBuf,
    /// The venue.
    pub terms: Terms,
    /// Commands per run, set-up not counted.
    pub commands: usize,
    /// Size of a log segment.
    pub segment_bytes: u64,
    /// Raw syncs per run.
    pub syncs: usize,
    /// Runs of each.
    pub runs: usize,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick(directory: &Path) -> Self {
        let terms = Terms { accounts: 50, resting: 300, ..crate::apply::THREE_LEGS };
        let directory = directory.to_path_buf();
        Self { directory, terms, commands: 5_000, segment_bytes: 1 << 20, syncs: 5, runs: 1 }
    }
}

/// One way of keeping the log.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// When a command counts as durable.
    pub durability: String,
    /// Commands per second.
    pub commands_per_second: Spread,
    /// Nanoseconds per command.
    pub ns_per_command: Spread,
}

/// The venue and the disk.
#[derive(Clone, Debug, Serialize)]
pub struct LogReport {
    /// Machine.
    pub setting: Setting,
    /// Commands per run.
    pub commands: usize,
    /// Ways of keeping the log.
    pub lines: Vec<Line>,
    /// Nanoseconds of one write and `fdatasync` of 4 KiB to a prewritten file.
    pub raw_sync: Latency,
}

/// Measures both durabilities and the raw disk, interleaved.
///
/// # Errors
/// When a directory cannot be made, a venue does not start, or it stops by itself.
pub fn run(options: &Options) -> anyhow::Result<LogReport> {
    let setting = Setting::unpinned();
    let (set_up, commands) = commands(options.terms, options.commands);
    let ways = [Durability::None, Durability::Local];
    let mut seconds = [Vec::new(), Vec::new()];
    let mut syncs = Vec::new();
    for run in 0..options.runs.max(1) {
        syncs.push(raw_syncs(&options.directory, options.syncs, run)?);
        for (durability, taken) in ways.into_iter().zip(&mut seconds) {
            let directory = Fresh::new(&options.directory, &format!("log-{run}-{durability:?}"))?;
            taken.push(through_log(&directory.0, options, durability, &set_up, &commands)?);
        }
    }
    let lines = ways.into_iter().zip(&seconds).map(|(durability, seconds)| {
        let per_run = |figure: &dyn Fn(f64) -> f64| {
            Spread::of(&seconds.iter().map(|&seconds| figure(seconds)).collect::<Vec<f64>>())
        };
        let count = commands.len() as f64;
        Line {
            durability: format!("{durability:?}").to_lowercase(),
            commands_per_second: per_run(&|seconds| count / seconds),
            ns_per_command: per_run(&|seconds| seconds * 1e9 / count),
        }
    });
    let raw_sync = Latency::median_of(&syncs);
    Ok(LogReport { setting, commands: commands.len(), lines: lines.collect(), raw_sync })
}

/// The commands that populate a venue, and those to time.
#[must_use]
pub fn commands(terms: Terms, count: usize) -> (Vec<Command>, Vec<Command>) {
    let set_up = Population::commands(terms);
    let flow = record(terms, count, None);
    let timed = flow.commands.into_iter().map(|(_, command)| command);
    (set_up, timed.collect())
}

/// A directory of this run, removed at its end.
#[derive(Debug)]
pub struct Fresh(pub PathBuf);

impl Fresh {
    /// Makes an empty directory `name` in `parent`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(parent: &Path, name: &str) -> anyhow::Result<Self> {
        let path = parent.join(format!("bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // What cannot be removed is left for a person to see.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Runs `commands` through a venue over `directory`; seconds from the first submission to the last release.
///
/// # Errors
/// When the venue does not start, or stops by itself.
pub fn through_log(
    directory: &Path,
    options: &Options,
    durability: Durability,
    set_up: &[Command],
    commands: &[Command],
) -> anyhow::Result<f64> {
    let mut config = Config::new(directory.to_path_buf(), options.terms.capacity());
    config.log = LogOptions { segment_bytes: options.segment_bytes, durability };
    let (process, mut client, _recovery) = Process::start(&config, WallClock::default())?;
    flood(&mut client, set_up)?;
    let owned = commands.to_vec();
    let start = now();
    flood(&mut client, &owned)?;
    let elapsed = now().duration_since(start).as_secs_f64();
    process.stop(client, |_| ())?;
    Ok(elapsed)
}

/// Submits as fast as the venue takes it and polls until everything is released.
fn flood(client: &mut Client<WallClock>, commands: &[Command]) -> anyhow::Result<()> {
    let (mut released, mut submitted) = (0, 0);
    for command in commands {
        let mut next = Some(command.clone());
        while let Some(command) = next.take() {
            match client.submit(command) {
                Ok(()) => submitted += 1,
                Err(Refused::Full(command)) => {
                    let now_released = count_own(client);
                    released += now_released;
                    client.wait(now_released);
                    next = Some(command);
                }
                Err(Refused::Stopped(_)) => anyhow::bail!("the venue stopped: {:?}", client.failure()),
            }
        }
        if submitted % 256 == 0 {
            released += count_own(client);
        }
    }
    while released < submitted {
        ensure!(!client.has_stopped(), "the venue stopped: {:?}", client.failure());
        let now_released = count_own(client);
        client.wait(now_released);
        released += now_released;
    }
    Ok(())
}

/// Polls; outcomes of submitted commands, injected continuations left out.
fn count_own(client: &mut Client<WallClock>) -> usize {
    let mut own = 0;
    client.poll(|outcome| own += usize::from(!matches!(outcome.command.action, engine::Action::Continue)));
    own
}

/// Writes and syncs 4 KiB at a time over a file written before.
///
/// # Errors
/// When the file cannot be made or written.
pub fn raw_syncs(parent: &Path, syncs: usize, run: usize) -> anyhow::Result<Latency> {
    let directory = Fresh::new(parent, &format!("raw-{run}"))?;
    let mut file = File::create(directory.0.join("prewritten"))?;
    let block = [0x5A_u8; 4096];
    for _ in 0..syncs {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let mut samples = Vec::with_capacity(syncs);
    for _ in 0..syncs {
        let start = now();
        file.write_all(&block)?;
        file.sync_data()?;
        samples.push(sample_ns(start, now()));
    }
    Ok(Latency::of(samples.into_iter()))
}

impl Report for LogReport {
    fn text(&self) -> String {
        let mut rows =
            vec![["durability", "commands/s", "min-max", "ns/command"].map(str::to_owned).to_vec()];
        rows.extend(self.lines.iter().map(|line| {
            let Line { durability, commands_per_second: rate, ns_per_command } = line;
            vec![
                durability.clone(),
                format!("{:.0}", rate.median),
                format!("{:.0}-{:.0}", rate.min, rate.max),
                format!("{:.0}", ns_per_command.median),
            ]
        }));
        let Latency { p50, p99, .. } = self.raw_sync;
        format!(
            "{}\n{} commands through engine and log, group commit; wall time, median of runs\n{}\
             raw write + fdatasync of 4 KiB, prewritten file: p50 {p50} ns, p99 {p99} ns\n",
            self.setting.line(),
            self.commands,
            table(&rows)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_comes_back_durable() {
        let report = run(&Options::quick(&std::env::temp_dir())).expect("the venue runs");
        assert_eq!((report.lines.len(), report.raw_sync.count), (2, 5), "{}", report.text());
    }
}
