//! What does the bare book cost per operation, beside other engines on the same flow?
#![expect(clippy::print_stdout, reason = "a bench prints")]

use benches::book::{Options, run, run_once};
use benches::report::show;
use benches::workload::{Kind, Shape};
use clap::Parser;

/// Times the bare book and its references on the exchange-core mix.
#[derive(Debug, Parser)]
struct Args {
    /// Tiny parameters: shows that everything runs, measures nothing.
    #[arg(long)]
    quick: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Runs of each driver.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only these flows: 1k, 100k, 1M.
    #[arg(long, value_delimiter = ',')]
    flow: Vec<String>,
    /// Timed operations per run.
    #[arg(long, default_value_t = 3_000_000)]
    ops: usize,
    /// Only drivers whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Run each flow on our own book once, printing only how many operations of this kind there were: for callgrind.
    #[arg(long)]
    once: Option<Kind>,
    /// The core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, runs, flow, ops, only, once, core } = Args::parse();
    let chosen = |shape: &Shape| flow.is_empty() || flow.iter().any(|name| name == shape.name);
    let shapes: Vec<Shape> =
        Shape::SIZES.into_iter().filter(chosen).map(|shape| Shape { ops, ..shape }).collect();
    if let Some(kind) = once {
        println!("{}", shapes.into_iter().map(|shape| run_once(shape, kind)).sum::<usize>());
        return Ok(());
    }
    let options =
        if quick { Options { only, core, ..Options::quick() } } else { Options { shapes, runs, only, core } };
    let report = run(&options);
    show(&report, json)?;
    anyhow::ensure!(report.all_agree(), "a driver differs from the reference book");
    Ok(())
}
