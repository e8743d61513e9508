//! What does a mark tick cost when it crosses nobody's trigger, and does it grow with the number of accounts?

use benches::mark::{Options, run};
use benches::report::show;
use clap::Parser;

/// Times index prices that wake nobody.
#[derive(Debug, Parser)]
struct Args {
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Accounts, each with one position.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    accounts: Vec<u32>,
    /// Ticks per run.
    #[arg(long, default_value_t = 200_000)]
    ticks: usize,
    /// Runs on each venue.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// The core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, accounts, ticks, runs, core } = Args::parse();
    let options =
        if quick { Options { core, ..Options::quick() } } else { Options { accounts, ticks, runs, core } };
    show(&run(&options), json)
}
