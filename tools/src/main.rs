//! The `fulcrum` binary: parses the command line, runs it, turns errors into words and exit codes.
//!
//! Invariant: standard output carries results only, and a reader that goes away is no error.

use std::io::{BufWriter, stdout};
use std::process::ExitCode;

use clap::Parser;
use tools::cli::{Cli, run};
use tools::progress::say;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = BufWriter::with_capacity(1 << 16, stdout().lock());
    match run(&cli, &mut output) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
