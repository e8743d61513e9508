//! How long does the deleveraging worker take for a plan, by part, beside one sort of the same holders?

use benches::deleveraging::{Options, run};
use benches::report::show;
use clap::Parser;

/// Times plans over few and many holders.
#[derive(Debug, Parser)]
struct Args {
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Numbers of holders.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000])]
    holders: Vec<u32>,
    /// Plans of each number.
    #[arg(long, default_value_t = 15)]
    runs: usize,
    /// The core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, holders, runs, core } = Args::parse();
    let options = if quick { Options { core, ..Options::quick() } } else { Options { holders, runs, core } };
    show(&run(&options), json)
}
