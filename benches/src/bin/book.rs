//! What does the bare book cost per operation, beside other engines on the same flow?
#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::path::PathBuf;

use benches::book::{Options, run, run_once};
use benches::recorded::Recording;
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
    /// Only these flows: 1k, 100k, 1M, aapl, quantcup.
    #[arg(long, value_delimiter = ',')]
    flow: Vec<String>,
    /// Timed operations per run.
    #[arg(long, default_value_t = 3_000_000)]
    ops: usize,
    /// Where recorded flows lie.
    #[arg(long, default_value = "../shared/data")]
    data: PathBuf,
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
    let Args { quick, json, runs, flow, ops, data, only, once, core } = Args::parse();
    let chosen = |name: &str| flow.is_empty() || flow.iter().any(|chosen| chosen == name);
    let shapes = Shape::SIZES.into_iter().filter(|shape| chosen(shape.name));
    let shapes: Vec<Shape> = shapes.map(|shape| Shape { ops, ..shape }).collect();
    let recordings = Recording::ALL.into_iter().filter(|recording| chosen(recording.name())).collect();
    if let Some(kind) = once {
        println!("{}", shapes.into_iter().map(|shape| run_once(shape, kind)).sum::<usize>());
        return Ok(());
    }
    let options = if quick {
        Options { only, core, data, ..Options::quick() }
    } else {
        Options { shapes, recordings, recorded_ops: ops, data, runs, only, core }
    };
    let report = run(&options);
    show(&report, json)?;
    anyhow::ensure!(report.all_agree(), "a driver differs from the reference book");
    Ok(())
}
