//! How fast is a venue rebuilt from its log, every checkpoint verified?

use std::path::PathBuf;

use benches::apply::THREE_LEGS;
use benches::log::Options;
use benches::replay::run;
use benches::report::show;
use clap::Parser;

/// Times verified replays of a log written beforehand.
#[derive(Debug, Parser)]
struct Args {
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Where the log is written.
    #[arg(long, default_value = "target")]
    directory: PathBuf,
    /// Commands in the log, set-up not counted.
    #[arg(long, default_value_t = 1_000_000)]
    commands: usize,
    /// Replays.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, directory, commands, runs } = Args::parse();
    let options = if quick {
        Options::quick(&directory)
    } else {
        Options { directory, terms: THREE_LEGS, commands, segment_bytes: 64 << 20, syncs: 0, runs }
    };
    show(&run(&options)?, json)
}
