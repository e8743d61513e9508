//! How long is it from an order to its acknowledgement over loopback, beside a bare echo and the raw disk?

use std::path::PathBuf;

use benches::report::show;
use benches::wire::{Options, run};
use clap::Parser;

/// Times orders over loopback in a closed loop, in both layouts, with and without fdatasync.
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
    /// Orders per way and run.
    #[arg(long, default_value_t = 20_000)]
    orders: usize,
    /// Raw syncs per run.
    #[arg(long, default_value_t = 500)]
    syncs: usize,
    /// Runs of each.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only ways whose name contains this, such as "shared" or "shared, durability none".
    #[arg(long, default_value = "")]
    only: String,
    /// Leave every thread where the system puts it.
    #[arg(long)]
    no_pin: bool,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, directory, orders, syncs, runs, only, no_pin } = Args::parse();
    let options = if quick {
        Options::quick(&directory)
    } else {
        Options { directory, orders, warm_up: 2_000, syncs, runs, only, pin: !no_pin }
    };
    show(&run(&options)?, json)
}
