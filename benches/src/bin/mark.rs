//! What does a mark tick cost when it crosses nobody's trigger, does it grow with the number of accounts, and what do those
//! cost that it concerns?

use benches::mark::{Options, run};
use benches::near;
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
    /// Accounts of the venues in which ticks cross nothing.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    accounts: Vec<u32>,
    /// Positions of each account.
    #[arg(long, default_value_t = 4)]
    legs: u32,
    /// Instruments they are in; one of them ticks.
    #[arg(long, default_value_t = 8)]
    instruments: u32,
    /// Accounts on the hot list; given as 0, accounts that ticks concern are left out.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    hot: Vec<u32>,
    /// Accounts with hedged positions, and with several assets.
    #[arg(long, default_value_t = 10_000)]
    walkers: u32,
    /// Ticks per run of the venues in which they concern somebody.
    #[arg(long, default_value_t = 2_000)]
    near_ticks: usize,
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
    let Args { quick, json, accounts, legs, instruments, hot, walkers, near_ticks, ticks, runs, core } =
        Args::parse();
    let near = near::Options { accounts: hot, walkers, ticks: near_ticks, runs };
    let near = (near.accounts != [0]).then_some(near);
    let mut options = Options { accounts, legs, instruments, near, ticks, runs, core };
    if quick {
        options = Options { core, ..Options::quick() };
    }
    show(&run(&options), json)
}
