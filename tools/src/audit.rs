//! `fulcrum audit`: liquidations and deleveragings of an event log, computed again and explained.
//!
//! Invariant: the log is opened for reading only and verified while it is read. What a decision must be is computed from the
//! state that the replayed commands lead to, by the functions that state the rule, and compared with what the log says it was.

mod calls;
mod holder;
mod proof;
mod show;
mod steps;
mod walk;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use engine::Seq;
use risk::AccountId;

use crate::progress::say;

pub use calls::{Audited, CallAudit, CutAudit};
pub use proof::ProofFile;
pub use steps::{StepAudit, StepsAudit};

/// Arguments of `fulcrum audit`.
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// What to audit.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What `fulcrum audit` does.
#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// Compute deleveragings again from the state they are of: who held the other side, who had to give up how much
    ///
    /// Every cut is compared with the plan, and where it is smaller the reason is named; sums, the one price and what the
    /// bankrupt accounts end with are checked. Exit code 1 when anything differs.
    Adl(AdlArgs),
    /// Compute every step of liquidations again: how much, at what price, with how much of the fund
    Liquidation(LiquidationArgs),
    /// Verify a holder's proof with nothing but its file
    Proof(ProofArgs),
}

/// Arguments of `fulcrum audit adl`.
#[derive(Clone, Debug, Args)]
pub struct AdlArgs {
    /// Directory of the log
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// A command at which a deleveraging was asked for, planned or carried out [default: list all deleveragings]
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u64).range(1..))]
    pub seq: Option<u64>,
    /// Show how this holder's part comes about, step by step, with a proof where the plan commits to its holders
    #[arg(long, value_name = "N", requires = "seq")]
    pub account: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `fulcrum audit liquidation`.
#[derive(Clone, Debug, Args)]
pub struct LiquidationArgs {
    /// Directory of the log
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Whose steps are shown [default: all are computed, those that differ are shown]
    #[arg(long, value_name = "N")]
    pub account: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `fulcrum audit proof`.
#[derive(Clone, Debug, Args)]
pub struct ProofArgs {
    /// The file, as `fulcrum audit adl --account N --json` prints it under `proof`, or the whole of that
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Audits; the exit code.
///
/// # Errors
/// What is wrong with the log or the file, and what to do.
pub fn run(args: &AuditArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    match &args.command {
        AuditCommand::Adl(args) => run_adl(args, output),
        AuditCommand::Liquidation(args) => run_liquidation(args, output),
        AuditCommand::Proof(args) => proof::run(args, output),
    }
}

/// Audits the deleveragings of a log.
///
/// # Errors
/// What is wrong with the log.
pub fn deleveragings(directory: &Path, asked: Option<(Seq, AccountId)>) -> anyhow::Result<Audited> {
    calls::audit(directory, asked)
}

/// Audits the steps of liquidations of a log.
///
/// # Errors
/// What is wrong with the log.
pub fn liquidations(directory: &Path) -> anyhow::Result<StepsAudit> {
    steps::audit(directory)
}

fn run_adl(args: &AdlArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let account = args.account.map(AccountId::new);
    let asked = args.seq.zip(account).map(|(seq, account)| (Seq::new(seq), account));
    let mut audited = deleveragings(&args.directory, asked)?;
    if let Some(seq) = args.seq {
        audited.keep(seq)?;
    }
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&audited)?)?;
    } else if args.seq.is_some() {
        show::calls(&audited, account.is_none(), output)?;
    } else {
        show::list(&audited, output)?;
    }
    output.flush()?;
    tell(&audited.differences);
    Ok(u8::from(!audited.differences.is_empty()))
}

fn run_liquidation(args: &LiquidationArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let mut audited = liquidations(&args.directory)?;
    audited.keep(args.account);
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&audited)?)?;
    } else {
        show::steps(&audited, output)?;
    }
    output.flush()?;
    tell(&audited.differences);
    Ok(u8::from(!audited.differences.is_empty()))
}

fn tell(differences: &[String]) {
    for difference in differences {
        say(&format!("differs: {difference}"));
    }
}
