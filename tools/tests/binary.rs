//! The `fulcrum` binary as a person or a script runs it: standard output, exit codes, pipes, kill -9.
//!
//! Invariant: a result on standard output is never mixed with anything else.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn fulcrum(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fulcrum"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    fulcrum(arguments).output().expect("the binary was built")
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn demo_prints_one_json_object_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let log = log.to_str().unwrap();
    let demo = output(&["demo", "--json", "--orders", "6000", "--durability", "none", "--data", log]);
    assert_eq!(demo.status.code(), Some(0), "{}", text(&demo.stderr));
    let printed = text(&demo.stdout);
    assert_eq!(printed.lines().count(), 1);
    let summary: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&summary["conserved"], &summary["verified"]), (&true.into(), &true.into()));
    let verify = output(&["verify", log, "--json"]);
    assert_eq!(verify.status.code(), Some(0), "{}", text(&verify.stderr));
    let verification: serde_json::Value = serde_json::from_str(&text(&verify.stdout)).unwrap();
    assert_eq!((&verification["digest"], &verification["closed"]), (&summary["digest"], &true.into()));
    let replay = output(&["replay", log, "--to", "10"]);
    assert!(text(&replay.stderr).contains("state digest at sequence 10: "), "{}", text(&replay.stderr));
}

#[test]
fn exit_codes_tell_failure_from_wrong_usage() {
    let usage: [&[&str]; 5] = [
        &["demo", "--flow", "itch:x"],
        &["demo", "--accounts", "1"],
        &["replay", "x", "--to", "0"],
        &["verify"],
        &["nothing"],
    ];
    for arguments in usage {
        assert_eq!(output(arguments).status.code(), Some(2), "{arguments:?}");
    }
    for arguments in [["verify", "/nowhere"], ["replay", "/nowhere"], ["demo", "--flow=lobster:/nowhere"]] {
        let failed = output(&arguments);
        assert_eq!(failed.status.code(), Some(1), "{arguments:?}");
        assert!(text(&failed.stderr).contains("error: ") && failed.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(output(&["--help"]).status.code(), Some(0));
}

/// What `| head` does: the reader goes away after a line.
#[test]
fn a_broken_pipe_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let log = log.to_str().unwrap();
    assert!(output(&["demo", "--orders", "6000", "--durability", "none", "--data", log]).status.success());
    let mut replay = fulcrum(&["replay", log]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(replay.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("session_opened"), "{line}");
    let ended = replay.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(0), String::new()));
}

#[test]
fn a_killed_run_leaves_a_log_that_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    let log = log.to_str().unwrap();
    let mut demo = fulcrum(&["demo", "--orders", "100000000", "--durability", "none", "--data", log])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line of progress comes after a thousand commands.
    let mut lines = BufReader::new(demo.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("orders: ")));
    demo.kill().unwrap();
    demo.wait().unwrap();
    let verification = tools::verify::run(Path::new(log));
    assert!(verification.verified && !verification.closed, "{verification:?}");
    assert!(verification.commands > 500, "{verification:?}");
}
