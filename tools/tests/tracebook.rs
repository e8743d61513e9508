//! `fulcrum tracebook` as a process: what it says, how it ends.
//!
//! Invariant: one line of JSON per line; the end of the input ends it with 0, with 1 where a line made no sense, and
//! Ctrl-C ends it while it waits.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A signal that nobody handled.
const INTERRUPT: i32 = 2;

const HELLO: &str = r#"{"type":"hello","protocol":"tracebook.conformance","protocol_version":1,"config":{"matching_algorithm":"fifo","tick_size":"0.01","self_trade_policy":"NONE","quantity_decimal_places":12}}"#;

struct Candidate {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<std::process::ChildStdout>,
}

impl Candidate {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fulcrum"))
            .arg("tracebook")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary was built");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let input = child.stdin.take();
        Self { child, input, output }
    }

    /// Sends a line and waits for its answer, which must come before anything else is sent.
    fn ask(&mut self, line: &str) -> serde_json::Value {
        writeln!(self.input.as_mut().expect("it is open"), "{line}").expect("it reads");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("readable");
        serde_json::from_str(&answer).expect("JSON")
    }

    fn end_of_input(mut self) -> Option<i32> {
        self.input = None;
        self.child.wait().expect("it ends").code()
    }
}

#[test]
fn each_line_is_answered_at_once_and_the_end_of_the_input_ends_it() {
    let mut candidate = Candidate::start();
    assert_eq!(candidate.ask(HELLO)["type"], "ready");
    let order = r#"{"type":"event","index":1,"event":{"op":"new","symbol":"A","order_id":1,"side":"BUY","order_type":"LIMIT","price":100.0,"quantity":1.0,"owner":1,"timestamp_ns":1}}"#;
    assert_eq!(candidate.ask(order)["resting_order_count"], 1);
    assert_eq!(candidate.end_of_input(), Some(0));
}

#[test]
fn a_line_that_makes_no_sense_costs_the_exit_code_only() {
    let mut candidate = Candidate::start();
    assert_eq!(candidate.ask("nonsense")["code"], "PROTOCOL_ERROR");
    assert_eq!(candidate.ask(HELLO)["type"], "ready");
    assert_eq!(candidate.ask(r#"{"type":"finish","event_count":0}"#)["type"], "complete");
    assert_eq!(candidate.end_of_input(), Some(1));
}

#[test]
fn ctrl_c_ends_it_while_it_waits() {
    let mut candidate = Candidate::start();
    assert_eq!(candidate.ask(HELLO)["type"], "ready");
    let signalled = Command::new("kill").args(["-INT", &candidate.child.id().to_string()]).status();
    assert!(signalled.expect("kill is there").success());
    assert_eq!(candidate.child.wait().expect("it ends").signal(), Some(INTERRUPT));
}
