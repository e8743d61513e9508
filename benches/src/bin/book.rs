//! What does the bare book cost per operation, beside other engines on the same flow?

use benches::book::{Options, run};
use benches::report::show;
use benches::workload::Shape;
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
    /// The core to run on.
    #[arg(long, default_value_t = 1)]
    core: usize,
}

fn main() -> anyhow::Result<()> {
    let Args { quick, json, runs, flow, ops, only, core } = Args::parse();
    let chosen = |shape: &Shape| flow.is_empty() || flow.iter().any(|name| name == shape.name);
    let shapes = Shape::SIZES.into_iter().filter(chosen).map(|shape| Shape { ops, ..shape }).collect();
    let options =
        if quick { Options { only, core, ..Options::quick() } } else { Options { shapes, runs, only, core } };
    let report = run(&options);
    show(&report, json)?;
    anyhow::ensure!(report.all_agree(), "a driver differs from the reference book");
    Ok(())
}
