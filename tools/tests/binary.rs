//! The `fulcrum` binary as a person or a script runs it: standard output, exit codes, pipes, kill -9.
//!
//! Invariant: a result on standard output is never mixed with anything else.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use gateway::log::RULES_VERSION;

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
    assert!(line.contains("key_registered"), "{line}");
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

/// A copy of the golden log, which has several segments.
fn golden(into: &Path) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/v{RULES_VERSION}"));
    std::fs::create_dir(into).expect("writable");
    for entry in std::fs::read_dir(golden).expect("readable") {
        let entry = entry.expect("readable");
        std::fs::copy(entry.path(), into.join(entry.file_name())).expect("readable");
    }
}

/// Exit code 1, nothing on standard output, one line on standard error that names `path` and holds all of `said`.
fn assert_refused(subcommand: &str, path: &Path, said: &[&str]) {
    let refused = output(&[subcommand, path.to_str().expect("a path in UTF-8")]);
    let error = text(&refused.stderr);
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(1), String::new()), "{error}");
    assert!(error.starts_with("error: ") && error.lines().count() == 1 && error.ends_with('\n'), "{error}");
    for part in said.iter().chain([&path.to_str().expect("a path in UTF-8")]) {
        assert!(error.contains(part), "{subcommand}: no {part:?} in {error}");
    }
}

#[test]
fn what_is_no_log_is_refused_with_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    std::fs::create_dir(at("empty")).unwrap();
    std::fs::create_dir(at("foreign")).unwrap();
    for foreign in ["notes.txt", "1.seg", "00000001.seg.bak", "00000001.new", "LOCK"] {
        std::fs::write(at("foreign").join(foreign), "no log").unwrap();
    }
    std::fs::write(at("file"), "no log").unwrap();
    for subcommand in ["verify", "replay"] {
        let absent = ["there is no log here (00000001.seg is missing)", "name the right directory"];
        assert_refused(subcommand, &at("empty"), &absent);
        assert_refused(subcommand, &at("foreign"), &absent);
        assert_refused(subcommand, &at("missing"), &["does not exist", "name the directory of a log"]);
        let file = ["is not a directory", "name the directory that holds the log"];
        assert_refused(subcommand, &at("file"), &file);
    }
    // A segment by its name only.
    std::fs::write(at("foreign").join("00000001.seg"), "no log").unwrap();
    let said = ["00000001.seg is damaged at byte 0", "keep this directory as evidence"];
    assert_refused("verify", &at("foreign"), &said);
}

/// Files of others beside a log do not concern it.
#[test]
fn foreign_files_beside_a_log_are_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("log");
    golden(&log);
    std::fs::write(log.join("notes.txt"), "seen by us").unwrap();
    let verify = output(&["verify", log.to_str().unwrap()]);
    assert_eq!(verify.status.code(), Some(0), "{}", text(&verify.stderr));
    assert!(text(&verify.stdout).starts_with("verified") && verify.stderr.is_empty());
}

#[test]
fn damage_is_refused_with_its_place() {
    let place = tempfile::tempdir().unwrap();
    let evidence = "keep this directory as evidence and restore";
    for segment in ["00000001.seg", "00000003.seg"] {
        let flipped = place.path().join(format!("flipped-{segment}"));
        golden(&flipped);
        let mut octets = std::fs::read(flipped.join(segment)).unwrap();
        octets[40_000] ^= 1;
        std::fs::write(flipped.join(segment), octets).unwrap();
        assert_refused("verify", &flipped, &[&format!("{segment} is damaged at byte "), evidence]);
        let removed = place.path().join(format!("removed-{segment}"));
        golden(&removed);
        std::fs::remove_file(removed.join(segment)).unwrap();
        let what = [&format!("{segment} is damaged at byte 0: "), "missing", evidence];
        assert_refused("verify", &removed, &what);
    }
    let mark = place.path().join("mark");
    golden(&mark);
    let mut octets = std::fs::read(mark.join("CLOSED")).unwrap();
    octets[20] ^= 1;
    std::fs::write(mark.join("CLOSED"), octets).unwrap();
    assert_refused("verify", &mark, &["CLOSED is damaged at byte ", evidence]);
}
