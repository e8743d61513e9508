//! `fulcrum market`: made-up files whose outcome is known, files of a naive exchange, broken files, and recorded ones
//! where they are there.
//!
//! Invariant: nothing here is a slice of recorded data. Recorded files are looked for beside the repository, or where
//! `FULCRUM_DATA` says, and tests that need them are skipped where they are not.

#[path = "market/bitstamp.rs"]
mod bitstamp;
#[path = "market/exchange.rs"]
mod exchange;
#[path = "market/lobster.rs"]
mod lobster;
#[path = "market/recorded.rs"]
mod recorded;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// Files in a directory that goes away.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn write(&self, name: &str, octets: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, octets).expect("writable");
        path
    }
}

fn fulcrum(arguments: &[&str], files: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fulcrum"));
    command.arg("market").args(arguments).stdin(Stdio::null());
    for (name, path) in files {
        command.arg(name).arg(path);
    }
    command.output().expect("the binary was built")
}

/// The one JSON object of a comparison that ended with `code`.
fn report(arguments: &[&str], files: &[(&str, &Path)], code: i32) -> Value {
    let mut all = vec!["--json"];
    all.extend(arguments);
    let output = fulcrum(&all, files);
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
    serde_json::from_str(&printed).expect("one object")
}

/// The one line of an error.
fn error(arguments: &[&str], files: &[(&str, &Path)]) -> String {
    let output = fulcrum(arguments, files);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    let errors: Vec<_> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{said}");
    errors[0].to_owned()
}

fn word(value: &Value) -> String {
    value.as_str().expect("a word").to_owned()
}

/// Reasons of one check with their counts.
fn reasons(report: &Value, check: &str) -> Vec<(String, u64)> {
    let reasons =
        report["reasons"].as_array().expect("a list").iter().filter(|reason| reason["check"] == check);
    reasons.map(|reason| (word(&reason["reason"]), reason["count"].as_u64().expect("a number"))).collect()
}

/// The figures named, in their order.
fn figures<const N: usize>(report: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}")))
}
