//! `fulcrum market`: recorded order flow of other exchanges replayed through the engine, and held against what they
//! recorded.
//!
//! Orders take the way of any client's order, through [`engine::Venue::apply`], so what agrees is the product and not a
//! model of it.
//!
//! Invariant: a comparison that ran to its end and left nothing unexplained is a success, whatever it found.

pub mod bitstamp;
pub mod floor;
pub mod lobster;
pub mod report;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

/// Value of `--format`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// Message and orderbook files of LOBSTER, plain, .gz, or the vendor's .zip with both
    Lobster,
    /// Order events and trades of Bitstamp's live feeds, as csv, plain, .gz or .zip
    Bitstamp,
}

/// Arguments of `fulcrum market`.
#[derive(Clone, Debug, Args)]
pub struct MarketArgs {
    /// What was recorded
    #[arg(long, value_enum)]
    pub format: Format,
    /// LOBSTER message file
    #[arg(long, value_name = "FILE", required_if_eq("format", "lobster"), conflicts_with_all = ["orders", "trades"])]
    pub messages: Option<PathBuf>,
    /// LOBSTER orderbook file, or best bid and offer in its first four columns [default: the one in the messages' .zip]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["orders", "trades"])]
    pub book: Option<PathBuf>,
    /// Orderbook file whose first row the replay starts from
    ///
    /// Used where the messages speak of more levels than the book file shows. Without it, a wider orderbook file beside
    /// the messages is looked for: for `X_message_50*`, a file `X_orderbook_50*`. Else the first row of the book file is taken.
    #[arg(long, value_name = "FILE", requires = "messages")]
    pub seed: Option<PathBuf>,
    /// Levels to compare at most [default: all that the book file has]
    #[arg(long, value_name = "N", requires = "messages", value_parser = clap::value_parser!(u16).range(1..))]
    pub levels: Option<u16>,
    /// Bitstamp order events, with columns `id,timestamp,exchange_timestamp,price,volume,action,direction`
    #[arg(long, value_name = "FILE", required_if_eq("format", "bitstamp"))]
    pub orders: Option<PathBuf>,
    /// Bitstamp trades, with columns `trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side`
    #[arg(long, value_name = "FILE", required_if_eq("format", "bitstamp"))]
    pub trades: Option<PathBuf>,
    /// Disagreements to list at most, of each check; all are counted
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub list: usize,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Compares, and prints what was found.
///
/// # Errors
/// What is wrong with the files, and what to do.
pub fn run(args: &MarketArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    match (args.format, &args.messages, &args.orders, &args.trades) {
        (Format::Lobster, Some(messages), _, _) => {
            let files = lobster::Files {
                messages: messages.clone(),
                book: args.book.clone().unwrap_or_else(|| messages.clone()),
                seed: args.seed.clone(),
            };
            if args.book.is_none() && !is_archive(messages) {
                anyhow::bail!(
                    "{} is no .zip with both files; give the orderbook file with --book",
                    messages.display()
                );
            }
            let levels = args.levels.map(usize::from);
            let report = lobster::run(&lobster::Options { files, levels, list: args.list })?;
            print(&report, report.explained, args.json, output)
        }
        (Format::Bitstamp, _, Some(orders), Some(trades)) => {
            let (orders, trades) = (orders.clone(), trades.clone());
            let report = bitstamp::run(&bitstamp::Options { orders, trades, list: args.list })?;
            print(&report, report.explained, args.json, output)
        }
        (Format::Lobster, ..) => anyhow::bail!("--format lobster needs --messages FILE"),
        (Format::Bitstamp, ..) => anyhow::bail!("--format bitstamp needs --orders FILE and --trades FILE"),
    }
}

/// Whether the file begins like a zip archive; one that cannot be read is found out later, with its error.
fn is_archive(path: &PathBuf) -> bool {
    let mut magic = [0_u8; 2];
    let read =
        std::fs::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic));
    read.is_err() || &magic == b"PK"
}

fn print<R: Serialize + std::fmt::Display>(
    report: &R,
    explained: bool,
    json: bool,
    output: &mut dyn Write,
) -> anyhow::Result<u8> {
    if json {
        writeln!(output, "{}", serde_json::to_string(report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    output.flush()?;
    Ok(u8::from(!explained))
}
