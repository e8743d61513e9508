//! What do many connections cost: those that never read, and those that say nothing?

use std::path::PathBuf;
use std::time::Duration;

use benches::crowd::host::{ServingArgs, VenueArgs, serve};
use benches::crowd::{Options, Part, run};
use benches::report::show;
use clap::{Parser, Subcommand};

/// Serves a venue on loopback in a process of its own and comes to it with a crowd.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    inner: Option<Inner>,
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Where the venue's log is written.
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// One of the two questions.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Runs of each.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Seconds that are measured, per run.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections in the first question.
    #[arg(long, default_value_t = 1_000)]
    connections: u32,
    /// Of these active.
    #[arg(long, default_value_t = 200)]
    active: u32,
    /// Of these never reading.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=64))]
    stalled: u32,
    /// Requests a second, all active sessions together.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    rate: u64,
    /// Requests a second of the busy account beside that.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    busy_rate: u64,
    /// Idle connections in the second question.
    #[arg(long, default_value_t = 10_000)]
    idle: u32,
    /// Longest silence the idle agree on, in milliseconds; several are measured one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000])]
    heartbeats: Vec<u32>,
    /// Connections that never log on; 4,096 are admitted.
    #[arg(long, default_value_t = 4_000)]
    strangers: u32,
    /// How the venue runs.
    #[command(flatten)]
    way: ServingArgs,
}

#[derive(Debug, Subcommand)]
enum Inner {
    /// The venue's process; started by this program itself.
    #[command(hide = true)]
    Venue(VenueArgs),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(Inner::Venue(venue)) = &args.inner {
        return serve(venue, std::io::stdin().lock(), std::io::stdout());
    }
    show(&run(&args.options()?)?, args.json)
}

impl Args {
    fn options(&self) -> anyhow::Result<Options> {
        let program = std::env::current_exe()?;
        let quick = Options::quick(&program, &self.directory);
        if self.quick {
            return Ok(Options { only: self.only, serving: self.way, ..quick });
        }
        Ok(Options {
            program,
            directory: self.directory.clone(),
            only: self.only,
            runs: self.runs,
            warm_up: Duration::from_secs(1),
            duration: Duration::from_secs(self.seconds),
            connections: self.connections,
            active: self.active,
            stalled: self.stalled,
            rate: self.rate,
            busy_rate: self.busy_rate,
            push_max: 100_000,
            ring: gateway::door::RING_BYTES,
            idle: self.idle,
            heartbeats: self.heartbeats.clone(),
            idle_rate: 1_000,
            hold: Duration::from_secs(5),
            strangers: self.strangers,
            serving: self.way,
        })
    }
}
