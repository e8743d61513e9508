//! `fulcrum margin stress`: recorded prices driven through index and mark of a venue full of leveraged accounts.
//!
//! Every account is opened, funded, filled, watched and liquidated by the product's own commands; nothing is computed
//! beside it but sums of what the venue answers.
//!
//! Invariant: with the same file, options and seed the run and its digest are the same.

mod days;
mod desk;
mod portfolios;
mod recorded;
mod report;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use risk::AccountId;

use crate::flow::random::Random;
use crate::format::utc;
use crate::progress::Progress;

use desk::Desk;
use recorded::{Recording, Step};
use report::{Comparison, Report};

/// What the index of an instrument is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum IndexOf {
    /// The perpetual's own recorded price, taken as it comes
    Perp,
    /// The spot price alone, taken as it comes
    Spot,
    /// Three sources, spot, perpetual and the venue's recorded mark: median without outliers, then the median mark
    Sources,
}

/// Arguments of `fulcrum margin stress`.
#[derive(Clone, Debug, Args)]
pub struct StressArgs {
    /// Recorded bars, csv or .csv.gz: `venue,symbol,series,ts_ms,open,high,low,close,volume`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Venue whose perpetuals are played
    #[arg(long, value_name = "NAME", default_value = "okx")]
    pub venue: String,
    /// Series that is played
    #[arg(long, value_name = "NAME", default_value = "1m")]
    pub series: String,
    /// Symbols, separated by commas [default: all of the venue's series]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub symbols: Vec<String>,
    /// Accounts with random leveraged portfolios
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub accounts: u32,
    /// Seed of the portfolios
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// What the index is made of; the other two need the venue's `_spot` series
    #[arg(long, value_enum, default_value = "perp")]
    pub index: IndexOf,
    /// Money, in dollars, that a market maker shows within half a percent on each side, renewed with each price
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    pub depth: u32,
    /// Published leverage brackets to take the margin tables from, as `fulcrum margin brackets` reads them
    #[arg(long, value_name = "FILE")]
    pub brackets: Option<PathBuf>,
    /// Play the perpetual's own price too, with the same accounts, and list who was liquidated here and not there
    #[arg(long)]
    pub compare: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Plays the recording, and prints what happened.
///
/// # Errors
/// What is wrong with the file, and what to do.
pub fn run(args: &StressArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let recording = Recording::read(args)?;
    let (mut report, liquidated) = play(args, args.index, &recording)?;
    if args.compare {
        let (other, there) = play(args, IndexOf::Perp, &recording)?;
        report.compared = Some(compare(&liquidated, &there, &other));
    }
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    output.flush()?;
    Ok(u8::from(report.missed > 0))
}

fn compare(here: &Liquidated, there: &Liquidated, other: &Report) -> Comparison {
    let only_here = here.iter().filter(|(account, _)| !there.contains_key(account));
    let mut times: BTreeMap<u64, usize> = BTreeMap::new();
    for (_, time_ns) in only_here.clone() {
        *times.entry(*time_ns).or_default() += 1;
    }
    Comparison {
        liquidated_there: there.len(),
        only_here: only_here.count(),
        only_here_at: times.into_iter().map(|(time_ns, count)| (utc(time_ns), count)).collect(),
        only_there: there.keys().filter(|account| !here.contains_key(account)).count(),
        lowest_marks: other.lowest_marks.clone(),
        digest: other.digest.clone(),
    }
}

/// Accounts that were liquidated, with the time it first happened.
type Liquidated = BTreeMap<AccountId, u64>;

/// One run; who was liquidated in it.
fn play(args: &StressArgs, index: IndexOf, recording: &Recording) -> anyhow::Result<(Report, Liquidated)> {
    let mut desk = Desk::open(args, index, recording).context("the venue cannot be set up for it")?;
    let mut random = Random::new(args.seed);
    portfolios::fill(&mut desk, args.accounts, recording.symbols.len(), &mut random)?;
    let mut days = days::Days::new(&desk);
    let mut progress = Progress::start("prices", Some(recording.steps.len() as u64));
    for (done, step) in (0..).zip(&recording.steps) {
        play_step(&mut desk, step);
        days.at(step.time_ns, &mut desk);
        progress.at(done, "");
    }
    progress.finish();
    let report = report::of(args, index, recording, &mut desk, days);
    Ok((report, desk.liquidated))
}

fn play_step(desk: &mut Desk, step: &Step) {
    desk.advance(step.time_ns);
    for (place, quote) in step.quotes.iter().enumerate() {
        if let Some(quote) = quote {
            desk.price(place, quote);
        }
    }
    desk.tick();
}
