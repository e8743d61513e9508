//! How much memory does a resting order take, a book spread over many prices, and an account with one position?

use benches::memory::{Options, run};
use benches::report::show;
use clap::Parser;

/// Fills a venue and looks at how the resident set of this process grows.
#[derive(Debug, Parser)]
struct Args {
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Orders to rest.
    #[arg(long, default_value_t = 1_000_000)]
    orders: u32,
    /// Accounts to open, each with one position.
    #[arg(long, default_value_t = 1_000_000)]
    accounts: u32,
    /// Prices that bare books are spread over.
    #[arg(long, default_value_t = 1_000_000)]
    prices: u32,
    /// The core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, orders, accounts, prices, core } = Args::parse();
    let options =
        if quick { Options { core, ..Options::quick() } } else { Options { orders, accounts, prices, core } };
    show(&run(&options)?, json)
}
