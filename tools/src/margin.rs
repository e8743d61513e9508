//! `fulcrum margin`: worked examples and published leverage brackets held against what the venue computes with.
//!
//! Invariant: no formula is written here. Numbers are put into the units of the product's own functions, and what those
//! answer is compared exactly.

pub mod brackets;
pub mod check;
pub mod exact;
pub mod example;
mod formulas;
pub mod stress;

use std::io::Write;

use clap::{Args, Subcommand};

/// Arguments of `fulcrum margin`.
#[derive(Clone, Debug, Args)]
pub struct MarginArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: MarginCommand,
}

/// What `fulcrum margin` does.
#[derive(Clone, Debug, Subcommand)]
pub enum MarginCommand {
    /// Compute worked examples with the venue's own functions, and compare
    ///
    /// The file is JSON: an object with a list `examples`, each with `id`, `group`, `formula`, `inputs`, `expected`,
    /// `tolerance` and `use`. Numbers are texts, decimals or fractions such as `8725/90`, and are compared exactly.
    /// `fulcrum margin formulas` lists the formulas. Exit code 1 when an example fails.
    Check(check::CheckArgs),
    /// List the formulas that examples may name, with the function of the venue that each is computed by
    Formulas(FormulasArgs),
    /// Check published leverage brackets: joints, rates, constants, distance of initial and maintenance margin
    ///
    /// The file is JSON, plain or .gz: brackets by symbol as Binance publishes them. Exit code 1 when an instrument could
    /// not be defined with those of a symbol.
    Brackets(brackets::BracketsArgs),
    /// Drive recorded prices through index and mark of a venue full of leveraged accounts
    ///
    /// Prints a row a day: leverage, margin calls, liquidations, insurance; then whether anybody was missed and whether
    /// money was conserved. Exit code 1 when an account below maintenance margin was not found.
    Stress(stress::StressArgs),
}

/// Arguments of `fulcrum margin formulas`.
#[derive(Clone, Debug, Args)]
pub struct FormulasArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Runs the command; the exit code.
///
/// # Errors
/// What is wrong with the file, and what to do.
pub fn run(args: &MarginArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    match &args.command {
        MarginCommand::Check(args) => check::run(args, output),
        MarginCommand::Formulas(args) => formulas::print(args.json, output),
        MarginCommand::Brackets(args) => brackets::run(args, output),
        MarginCommand::Stress(args) => stress::run(args, output),
    }
}
