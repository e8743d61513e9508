//! How fast is a venue rebuilt from its log, every checkpoint verified?

use std::time::Duration;

use anyhow::ensure;
use gateway::log::{Durability, RealDisk};
use gateway::replay::replay;
use serde::Serialize;

use crate::log::{Fresh, Options, commands, through_log};
use crate::measure::{Spread, thread_cpu_ns};
use crate::report::{Report, Setting};

/// Replays of one log.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayReport {
    /// Machine.
    pub setting: Setting,
    /// Commands in the log.
    pub commands: u64,
    /// Events they brought about.
    pub events: u64,
    /// Checkpoints compared in each replay.
    pub checkpoints: u64,
    /// Commands per second of wall time, reading and verifying included.
    pub commands_per_second: Spread,
    /// CPU nanoseconds per command, the final digest included.
    pub cpu_ns_per_command: Spread,
    /// Digest of the rebuilt venue, equal in every run.
    pub digest: String,
}

/// Writes one log and replays it several times; one thread reads and verifies, another applies.
///
/// # Errors
/// When the log cannot be written or does not verify.
///
/// # Panics
/// Never: at least one replay is run.
pub fn run(options: &Options) -> anyhow::Result<ReplayReport> {
    let directory = Fresh::new(&options.directory, "replay")?;
    let (set_up, commands) = commands(options.terms, options.commands);
    through_log(&directory.0, options, Durability::None, &set_up, &commands)?;
    let setting = Setting::unpinned();
    let (mut rates, mut cpu) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    for _ in 0..options.runs.max(1) {
        let start = thread_cpu_ns();
        let replayed = replay(RealDisk::read_only(&directory.0)?, None, |_| ())?;
        let cpu_seconds = Duration::from_nanos(thread_cpu_ns() - start).as_secs_f64();
        rates.push(rate(replayed.commands, replayed.elapsed.as_secs_f64()));
        cpu.push(cpu_seconds);
        found.push((replayed.digest, replayed.commands, replayed.events, replayed.checkpoints));
    }
    ensure!(found.windows(2).all(|pair| pair[0] == pair[1]), "every replay ends in the same state");
    let (digest, commands, events, checkpoints) = found[0];
    let digest = format!("{digest:032x}");
    let commands_per_second = Spread::of(&rates);
    let cpu_ns_per_command = per_command(&cpu, commands);
    Ok(ReplayReport {
        setting,
        commands,
        events,
        checkpoints,
        commands_per_second,
        cpu_ns_per_command,
        digest,
    })
}

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a rate of a report")]
fn rate(commands: u64, seconds: f64) -> f64 {
    commands as f64 / seconds
}

#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a quotient of a report")]
fn per_command(cpu_seconds: &[f64], commands: u64) -> Spread {
    let each = |seconds: &f64| seconds * 1e9 / commands.max(1) as f64;
    Spread::of(&cpu_seconds.iter().map(each).collect::<Vec<f64>>())
}

impl Report for ReplayReport {
    fn text(&self) -> String {
        let Self { setting, commands, events, checkpoints, digest, .. } = self;
        let (rate, cpu) = (self.commands_per_second, self.cpu_ns_per_command);
        format!(
            "{}\nreplay, verified: {:.0} commands/s ({:.0}-{:.0}), {:.0} ns of CPU each on the applying thread ({:.0}-{:.0}); {commands} commands, {events} events, \
             {checkpoints} checkpoints compared\ndigest {digest}\n",
            setting.line(),
            rate.median,
            rate.min,
            rate.max,
            cpu.median,
            cpu.min,
            cpu.max,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_replays() {
        let report = run(&Options::quick(&std::env::temp_dir())).expect("the log verifies");
        assert!(report.commands > 5_000 && report.checkpoints > 0, "{}", report.text());
    }
}
