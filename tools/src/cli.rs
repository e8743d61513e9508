//! The command line of `fulcrum`.
//!
//! Invariant: exit codes are 0 for success, 1 for failure, 2 for a command line that makes no sense, 130 for an
//! interrupted run. Results go to standard output, everything else to standard error.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gateway::log::Durability;
use gateway::process::Layout;
use gateway::runner::Mode;

use crate::account::{self, AccountArgs};
use crate::admin::{self, args::AdminArgs};
use crate::at_risk::{self, RiskArgs};
use crate::audit::{self, AuditArgs};
use crate::book::{self, BookArgs};
use crate::cascade::{self, CascadeArgs};
use crate::demo::{self, Source};
use crate::flow::modelled::Size;
use crate::interrupt::{INTERRUPTED, Interrupt};
use crate::keygen::{self, KeygenArgs};
use crate::load::{self, LoadArgs};
use crate::margin::{self, MarginArgs};
use crate::market::{self, MarketArgs};
use crate::order::{self, args::OrderArgs};
use crate::progress::say;
use crate::replay::{self, Format};
use crate::serve::{self, ServeArgs};
use crate::tracebook;
use crate::verify;
use crate::whatif::{self, WhatIfArgs};

/// Order commands of modelled flow when not said otherwise.
const ORDERS: u64 = 200_000;

/// A matching and margin engine for leveraged derivatives, with an event log from which everything can be replayed.
///
/// Start with `fulcrum demo`: it needs no arguments and leaves nothing behind.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "fulcrum",
    version,
    max_term_width = 110,
    after_help = "\
Examples:
  fulcrum demo                             play seeded order flow, liquidations included, and verify the log
  fulcrum demo --data /tmp/venue           the same, and keep the log
  fulcrum verify /tmp/venue                check every byte of it and replay it
  fulcrum replay /tmp/venue | head         see what happened, one event per line
  fulcrum serve --data /tmp/open           run a venue; README.md walks through trading at it by hand
  fulcrum replay /tmp/venue --format csv --output events.csv

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Subcommands,
}

/// What `fulcrum` does.
#[derive(Clone, Debug, Subcommand)]
pub enum Subcommands {
    /// Start a venue, play order flow through it, print a summary, verify its log
    ///
    /// The venue runs in this process, with its event log on disk, and is traded at over TCP: a session for every account,
    /// one of the operator, one of the oracle. The same commands are then run in process and compared. The flow comes from makers and leveraged takers in
    /// three perpetuals, with a slump that liquidates, or from a recorded LOBSTER file. Ctrl-C ends it gracefully and
    /// still prints the summary.
    Demo(DemoArgs),
    /// Run a venue that others trade at, over TCP
    ///
    /// The first start on a directory begins a venue with the configured instruments; every other one recovers it.
    /// Prints `listening on ADDR` when clients are let in. SIGTERM or Ctrl-C ends it gracefully: what is queued is
    /// finished, logged and sent.
    Serve(ServeArgs),
    /// Make a key
    Keygen(KeygenArgs),
    /// Operate a venue by hand: accounts, keys, money, instruments, index prices
    Admin(AdminArgs),
    /// Trade by hand
    Order(OrderArgs),
    /// Show an account: equity, margins, leverage, positions with liquidation and bankruptcy prices
    Account(AccountArgs),
    /// Ask what an account would be after prices moved, trades were done and orders were placed
    ///
    /// By the code that decides: figures, margins and liquidation prices before and after, and the answer each order would get.
    /// Nothing changes.
    #[command(name = "whatif")]
    WhatIf(WhatIfArgs),
    /// Show how an account answers to prices and how far it is from liquidation; what an instrument or the venue risks
    Risk(RiskArgs),
    /// Show the best levels of a book
    Book(BookArgs),
    /// Load a venue: requests at a rate, latency from the intended send time
    Load(LoadArgs),
    /// Replay a recorded market through the engine and compare with what was recorded
    ///
    /// LOBSTER: best bid and offer and all levels after each message, and whether executions hit the head of the queue.
    /// Bitstamp: whether price-time matching brings the same makers and takers together. Every disagreement is counted
    /// under a reason; exit code 1 when one has none.
    Market(MarketArgs),
    /// Check an event log: every byte, the chain, and the checkpoints by a full replay
    ///
    /// The log is opened for reading only. A log that does not fit is reported with file and offset, and exit code 1.
    Verify(VerifyArgs),
    /// Replay an event log and print or export its events
    ///
    /// One line per event. Prices, quantities and money are raw integers (mantissas) in CSV and JSON lines, decimals in
    /// text. The digest of the state reached is printed to standard error at the end.
    Replay(ReplayArgs),
    /// Let `tracebook-conformance` examine the matching
    ///
    /// Answers its protocol, JSON lines, on standard input and output: `tracebook-conformance campaign --candidate-cmd
    /// 'fulcrum tracebook'`. Nothing is kept. The exit code is 1 when a line made no sense.
    Tracebook,
    /// Check worked margin examples and published leverage brackets with the venue's own functions
    Margin(MarginArgs),
    /// Let prices fall through a venue full of leveraged accounts, and verify what liquidation and deleveraging guarantee
    ///
    /// Everything is drawn from the seed, in virtual time. Balances and positions are folded from the events and compared
    /// with the venue's; each liquidation must come nearer to its end with every step; nobody without an opposite position
    /// is cut, nobody below zero. Exit code 1 when a guarantee does not hold, with the line that repeats it.
    Cascade(CascadeArgs),
    /// Compute liquidations and deleveragings of an event log again, and explain them
    Audit(AuditArgs),
}

/// Arguments of `fulcrum demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Seed of the modelled flow; the same seed gives the same commands
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Client accounts of the modelled flow, a tenth of them makers
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    pub accounts: u32,
    /// Order commands of the modelled flow [default: 200000], or messages of a recorded file [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub orders: Option<u64>,
    /// Where orders come from: `modelled`, or `lobster:FILE` with a LOBSTER message file (.csv, .csv.gz, vendor's .zip)
    #[arg(long, value_name = "FLOW", default_value = "modelled", value_parser = parse_flow)]
    pub flow: FlowName,
    /// Keep the log in this directory, which must be empty or new [default: a temporary one, removed at the end]
    ///
    /// A directory with anything in it is refused and left as it is: a demonstration begins a log, it never goes on with
    /// one.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Append the highest durable sequence the client has seen to this file whenever it rises
    ///
    /// Records of 8 bytes, little-endian, each written through to the system before the client goes on: whenever the
    /// process is killed, the log holds at least the last sequence in the file.
    #[arg(long, value_name = "FILE")]
    pub acks: Option<PathBuf>,
    /// When a command counts as durable and is acknowledged
    #[arg(long, value_enum, default_value_t = DurabilityName::Local)]
    pub durability: DurabilityName,
    /// Which thread runs what [default: dedicated with four cores or more, else shared]
    #[arg(long, value_enum)]
    pub mode: Option<ModeName>,
    /// Play without sockets and sessions, by a client in the venue's process
    #[arg(long)]
    pub in_process: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `fulcrum verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Directory of the log
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `fulcrum replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// Directory of the log
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Show events from this sequence on [default: the first]
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    pub from: Option<u64>,
    /// Stop after this sequence; the state digest is that of this moment [default: the end]
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    pub to: Option<u64>,
    /// How to show events
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Write to this file, which appears only when it is complete [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Value of `--flow`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FlowName {
    /// Seeded flow.
    Modelled,
    /// A recorded file.
    Lobster(PathBuf),
}

/// Value of `--durability`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DurabilityName {
    /// Once handed to the operating system: survives a kill, not a power cut
    None,
    /// Once fdatasync returned: survives a power cut
    Local,
}

/// Value of `--mode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ModeName {
    /// Threads spin shortly, then sleep; for few cores
    Shared,
    /// A core for each role; needs four
    Dedicated,
}

fn parse_flow(text: &str) -> Result<FlowName, String> {
    match text.split_once(':') {
        None if text == "modelled" => Ok(FlowName::Modelled),
        Some(("lobster", file)) if !file.is_empty() => Ok(FlowName::Lobster(PathBuf::from(file))),
        _ => Err("expected `modelled` or `lobster:FILE`".to_owned()),
    }
}

/// Runs the command; the exit code. Results go to `output`.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(cli: &Cli, output: &mut dyn Write) -> anyhow::Result<u8> {
    let outcome = match &cli.command {
        Subcommands::Demo(args) => run_demo(args, output),
        Subcommands::Serve(args) => serve::run(args, output),
        Subcommands::Keygen(args) => keygen::run(args, output),
        Subcommands::Admin(args) => admin::run(args, output),
        Subcommands::Order(args) => order::run(args, output),
        Subcommands::Account(args) => account::run(args, output),
        Subcommands::WhatIf(args) => whatif::run(args, output),
        Subcommands::Risk(args) => at_risk::run(args, output),
        Subcommands::Book(args) => book::run(args, output),
        Subcommands::Load(args) => load::run(args, output),
        Subcommands::Market(args) => market::run(args, output),
        Subcommands::Verify(args) => run_verify(args, output),
        Subcommands::Replay(args) => run_replay(args, output),
        Subcommands::Tracebook => tracebook::run(output),
        Subcommands::Margin(args) => margin::run(args, output),
        Subcommands::Cascade(args) => cascade::run(args, output),
        Subcommands::Audit(args) => audit::run(args, output),
    };
    match outcome {
        Err(error) if is_broken_pipe(&error) => Ok(0),
        outcome => outcome,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let by_replay =
        error.downcast_ref::<replay::ReplayError>().is_some_and(replay::ReplayError::is_broken_pipe);
    let by_output =
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    by_replay || by_output
}

impl DemoArgs {
    /// The options these arguments mean.
    #[must_use]
    pub fn options(&self) -> demo::Options {
        let mut layout = Layout::default();
        if let Some(mode) = self.mode {
            layout.mode = match mode {
                ModeName::Shared => Mode::Shared,
                ModeName::Dedicated => Mode::Dedicated,
            };
        }
        let source = match &self.flow {
            FlowName::Modelled => Source::Modelled(Size {
                seed: self.seed,
                accounts: self.accounts,
                orders: self.orders.unwrap_or(ORDERS),
            }),
            FlowName::Lobster(path) => Source::Lobster(path.clone(), self.orders),
        };
        let durability = match self.durability {
            DurabilityName::None => Durability::None,
            DurabilityName::Local => Durability::Local,
        };
        let (directory, acks, in_process) = (self.data.clone(), self.acks.clone(), self.in_process);
        demo::Options { source, directory, durability, layout, acks, in_process }
    }
}

fn run_demo(args: &DemoArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let interrupt = Interrupt::listen();
    let summary = demo::run(&args.options(), &interrupt)?;
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&summary)?)?;
    } else {
        write!(output, "{summary}")?;
    }
    output.flush()?;
    let is_sound = summary.verified && summary.conserved && summary.in_process_agrees != Some(false);
    Ok(match (is_sound, summary.interrupted) {
        (false, _) => 1,
        (true, true) => INTERRUPTED,
        (true, false) => 0,
    })
}

fn run_verify(args: &VerifyArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let verification = verify::run(&args.directory);
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&verification)?)?;
    } else {
        write!(output, "{verification}")?;
    }
    output.flush()?;
    if let Some(error) = &verification.error {
        say(&format!("error: {error}"));
    }
    Ok(u8::from(!verification.verified))
}

fn run_replay(args: &ReplayArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let end = replay::run(
        &replay::Options {
            directory: args.directory.clone(),
            from: args.from,
            to: args.to,
            format: args.format,
            output: args.output.clone(),
        },
        output,
    )?;
    say(&format!("{} events; state digest at sequence {}: {:032x}", end.rows, end.last.seq, end.digest));
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn flows_are_named() {
        assert_eq!(parse_flow("modelled"), Ok(FlowName::Modelled));
        assert_eq!(parse_flow("lobster:a:b.csv"), Ok(FlowName::Lobster(PathBuf::from("a:b.csv"))));
        for wrong in ["", "lobster", "lobster:", "modelled:x", "itch:x"] {
            assert!(parse_flow(wrong).is_err(), "{wrong}");
        }
    }
}
