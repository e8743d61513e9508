//! The README's walk-through, run as it stands: paths and the port are replaced, nothing else.
//!
//! Every `sh` block between the markers goes through one shell, as if it had been pasted; the first command that fails
//! ends it. Every line of the `text` blocks must be in what was printed, places in the total order left out: they depend
//! on how often time passed meanwhile.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

const README: &str = include_str!("../../README.md");
const BEGIN: &str = "<!-- walk-through:";
const END: &str = "<!-- end of the walk-through -->";
const BINARY: &str = env!("CARGO_BIN_EXE_fulcrum");

/// The blocks of a language between the markers.
fn blocks(language: &str) -> String {
    let begin = README.find(BEGIN).expect("the walk-through begins");
    let end = README.find(END).expect("the walk-through ends");
    let fence = format!("```{language}");
    let mut inside = false;
    let mut text = String::new();
    for line in README[begin..end].lines() {
        if line.starts_with("```") {
            inside = line == fence;
        } else if inside {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// A line without the place in the total order at its end.
fn stable(line: &str) -> &str {
    line.split_once(" seq ").map_or(line, |(before, _)| before).trim_end()
}

fn replaced(script: &str, from: &str, to: &str) -> String {
    assert!(script.contains(from), "the walk-through no longer says {from:?}");
    script.replace(from, to)
}

/// A port that was free a moment ago.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound").to_string()
}

/// Ends what a shell left running, by its process group.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0);
        let _ended = Command::new("kill").args(["-9", "--", &group]).stderr(Stdio::null()).status().is_ok();
    }
}

#[test]
fn the_walk_through_does_what_it_says() {
    let place = tempfile::tempdir().expect("a directory");
    let address = free_address();
    let binaries = Path::new(BINARY).parent().expect("a directory").to_str().expect("a path in UTF-8");
    let mut script = blocks("sh");
    script = replaced(&script, "cargo build --release\n", "");
    script = replaced(&script, "$PWD/target/release", binaries);
    script = replaced(&script, "/tmp/fulcrum", place.path().join("walk").to_str().expect("a path in UTF-8"));
    script = replaced(&script, "127.0.0.1:7401", &address);
    let shell = Command::new("timeout")
        .args(["120", "bash", "-e", "-o", "pipefail", "-c", &script])
        .env("FULCRUM_CONNECT", &address)
        .current_dir(place.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let _group = Group(shell.id());
    let ended = shell.wait_with_output().expect("it is our child");
    let printed = String::from_utf8_lossy(&ended.stdout);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}\n{printed}\n{said}", ended.status);
    for line in blocks("text").lines().filter(|line| !line.is_empty()) {
        assert!(
            printed.lines().any(|other| stable(other) == stable(line)),
            "no line {line:?} in\n{printed}\n{said}"
        );
    }
    assert!(said.contains("InsufficientMargin") && said.contains(" short"), "{said}");
    assert!(printed.contains("end           closed properly"), "{printed}");
}

/// `timeout` must not keep the background processes of the shell alive, and pasting needs no shell options.
#[test]
fn the_walk_through_needs_nothing_special() {
    let script = blocks("sh");
    for foreign in ["set -", "sudo", "http", "jq "] {
        assert!(!script.contains(foreign), "{foreign}");
    }
    assert!(script.lines().count() > 30, "the blocks were found");
}
