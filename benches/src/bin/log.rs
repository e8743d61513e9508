//! How many commands a second pass through engine and log in one process, beside what the disk alone can do?

use std::path::PathBuf;

use benches::apply::THREE_LEGS;
use benches::log::{Options, run};
use benches::report::show;
use clap::Parser;

/// Times engine and log together, with and without fdatasync, beside raw syncs.
#[derive(Debug, Parser)]
struct Args {
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// A directory on the disk to measure.
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// Commands per run.
    #[arg(long, default_value_t = 1_000_000)]
    commands: usize,
    /// Raw syncs per run.
    #[arg(long, default_value_t = 500)]
    syncs: usize,
    /// Runs of each.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, directory, commands, syncs, runs } = Args::parse();
    let options = if quick {
        Options::quick(&directory)
    } else {
        Options { directory, terms: THREE_LEGS, commands, segment_bytes: 64 << 20, syncs, runs }
    };
    show(&run(&options)?, json)
}
