//! What does the margin check of an order cost, by positions of its account, and what share of the whole order is that?
#![expect(clippy::print_stdout, reason = "a bench prints")]

use benches::margin::{Before, Options, run, run_once};
use benches::report::show;
use clap::Parser;

/// Times margin checks of accounts with few and many positions.
#[derive(Debug, Parser)]
struct Args {
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Accounts.
    #[arg(long, default_value_t = 1_000)]
    accounts: u32,
    /// Numbers of positions.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 3, 5, 10, 20])]
    legs: Vec<u32>,
    /// Orders of each account.
    #[arg(long, default_value_t = 30)]
    orders: u32,
    /// Set up, check one order of each account after this and print nothing but their number: for callgrind and perf.
    #[arg(long)]
    once: Option<Before>,
    /// The core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, accounts, legs, orders, once, core } = Args::parse();
    if let Some(before) = once {
        let counts = legs.iter().map(|&legs| run_once(accounts, legs, before));
        println!("{}", counts.sum::<usize>());
        return Ok(());
    }
    let options =
        if quick { Options { core, ..Options::quick() } } else { Options { accounts, legs, orders, core } };
    show(&run(&options), json)
}
