//! What does the whole venue cost per command: validation, margin, matching, settlement, events?
#![expect(clippy::print_stdout, reason = "a bench prints")]

use benches::apply::{Options, THREE_LEGS, TWENTY_LEGS, run, run_once};
use benches::flow::Kind;
use benches::population::Terms;
use benches::report::show;
use clap::Parser;

/// Times `Venue::apply` with accounts that hold three and twenty positions.
#[derive(Debug, Parser)]
struct Args {
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Runs of each venue.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Commands per run.
    #[arg(long, default_value_t = 1_000_000)]
    commands: usize,
    /// Only the venue whose accounts have so many legs: 3 or 20.
    #[arg(long)]
    legs: Option<u32>,
    /// Only commands of this kind. Give at most half as many cancels or crossings as orders rest.
    #[arg(long)]
    only: Option<Kind>,
    /// Resting orders after set-up.
    #[arg(long)]
    resting: Option<u32>,
    /// Every order has this quantity, so that a crossing order takes exactly one maker.
    #[arg(long)]
    fixed_qty: Option<i64>,
    /// Set up, run the commands once and print nothing but their number: for callgrind and perf.
    #[arg(long)]
    once: bool,
    /// The core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let room = if args.only == Some(Kind::Rest) { u32::try_from(args.commands)? } else { 10_000 };
    let terms = |terms: Terms| Terms {
        resting: args.resting.unwrap_or(terms.resting),
        fixed_qty: args.fixed_qty,
        room,
        ..terms
    };
    let chosen = |terms: &Terms| args.legs.is_none_or(|legs| legs == terms.legs);
    let mut options = Options {
        terms: [THREE_LEGS, TWENTY_LEGS].into_iter().filter(chosen).map(terms).collect(),
        commands: args.commands,
        only: args.only,
        runs: args.runs,
        core: args.core,
    };
    if args.quick {
        options = Options { core: args.core, ..Options::quick() };
    }
    if args.once {
        let counts = options.terms.iter().map(|&terms| run_once(terms, options.commands, options.only));
        println!("{}", counts.sum::<usize>());
        return Ok(());
    }
    show(&run(&options), args.json)
}
