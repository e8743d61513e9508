//! What does a payment of funding cost: when it comes due, when an account books it, and for accounts behind sentinels?

use benches::funding::{Options, run};
use benches::report::show;
use clap::Parser;

/// Times payments of funding and what they entail.
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
    /// Accounts that book what was paid, and accounts behind sentinels.
    #[arg(long, default_value_t = 1_000)]
    booking: u32,
    /// Payments per venue.
    #[arg(long, default_value_t = 500)]
    payments: usize,
    /// The core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, accounts, booking, payments, core } = Args::parse();
    let options = if quick {
        Options { core, ..Options::quick() }
    } else {
        Options { accounts, booking, payments, core }
    };
    show(&run(&options), json)
}
