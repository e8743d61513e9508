//! `fulcrum margin`: made-up examples and brackets whose outcome is known, broken files, and the shared ones where they
//! are there.
//!
//! Invariant: nothing here is a slice of shared data. It is looked for beside the repository, or where `FULCRUM_DATA`
//! says, and tests that need it are skipped where it is not.

#[path = "margin/brackets.rs"]
mod brackets;
#[path = "margin/examples.rs"]
mod examples;
#[path = "margin/shared.rs"]
mod shared;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tools::progress::say;

/// A file in a directory that goes away.
struct Written {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn written(octets: impl AsRef<[u8]>) -> Written {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("file.json");
    std::fs::write(&path, octets).expect("writable");
    Written { _folder: folder, path }
}

fn fulcrum(command: &str, path: &Path, more: &[&str]) -> Output {
    let mut all = Command::new(env!("CARGO_BIN_EXE_fulcrum"));
    all.args(["margin", command]).arg(path).args(more).stdin(Stdio::null());
    all.output().expect("the binary was built")
}

/// What it printed, after ending with `code`.
fn printed(output: &Output, code: i32) -> String {
    let (text, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}{text}");
    text.into_owned()
}

/// The one JSON object it printed, after ending with `code`.
fn object(output: &Output, code: i32) -> Value {
    let text = printed(output, code);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).expect("one object")
}

/// The one line of an error.
fn error(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty());
    assert_eq!(said.lines().count(), 1, "{said}");
    said.strip_prefix("error: ").expect("an error").trim_end().to_owned()
}

/// A shared file, or none and a word about it.
fn shared(name: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = std::env::var_os("FULCRUM_DATA").map_or_else(beside, PathBuf::from);
    let path = data.join(name);
    if path.exists() {
        return Some(path);
    }
    say(&format!("skipped: {} is not on this machine", path.display()));
    None
}
