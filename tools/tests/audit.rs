//! `fulcrum audit` on the log of a demonstration: deleveragings, a holder's part of one, its proof, and liquidations.
//!
//! Invariant: the log is one the product wrote; what the audit says of it is compared with its exit code.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn fulcrum(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fulcrum")).args(arguments).output().expect("the binary runs")
}

/// What a run printed as JSON; it must end with this code.
fn json(arguments: &[&str], code: i32) -> Value {
    let output = fulcrum(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {errors}"))
}

#[test]
fn a_demonstration_is_audited_to_the_last_cut_and_step() {
    let home = tempfile::tempdir().expect("a directory");
    let log = home.path().join("log");
    let log = log.to_str().expect("a name in UTF-8");
    let summary = json(&["demo", "--in-process", "--orders", "60000", "--data", log, "--json"], 0);
    assert_eq!(summary["receipt"]["verified"], true, "{summary}");
    for what in ["liquidations", "deleveragings", "accounts_hit", "deleveraged_quantity"] {
        assert!(summary[what].as_u64() > Some(0), "{what}: {summary}");
    }

    let all = json(&["audit", "adl", log, "--json"], 0);
    assert_eq!(all["differences"], Value::Array(Vec::new()));
    let calls = all["calls"].as_array().expect("a list");
    assert!(calls.iter().any(|call| call["deficit"].as_i64() != Some(0)), "somebody was bankrupt");
    let given_up: i64 = calls.iter().filter_map(|call| call["given_up"].as_i64()).sum();
    assert_eq!(Some(given_up), summary["deleveraged_quantity"].as_i64(), "a lot is one here");

    let steps = json(&["audit", "liquidation", log, "--json"], 0);
    assert_eq!(steps["compared"], summary["liquidation_steps"]);
    assert_eq!(steps["differences"], Value::Array(Vec::new()));
    one_holder(home.path(), log, &summary["receipt"]);
}

/// The part of one holder, and its proof; a changed one is refused.
fn one_holder(home: &Path, log: &str, receipt: &Value) {
    let [seq, account] = ["seq", "account"].map(|key| receipt[key].to_string());
    let shown = json(&["audit", "adl", log, "--seq", &seq, "--account", &account, "--json"], 0);
    let mut holders = shown["calls"].as_array().expect("a list").iter().map(|call| &call["holder"]);
    let holder = holders.find(|holder| !holder.is_null()).expect("a holder");
    assert_eq!(holder["account"].to_string(), account);
    let text = fulcrum(&["audit", "adl", log, "--seq", &seq, "--account", &account]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("bearable"), "explained in words");

    let file = home.join("proof.json");
    let mut proof = holder["proof"].clone();
    let name = file.to_str().expect("a name in UTF-8");
    std::fs::write(&file, proof.to_string()).expect("written");
    assert_eq!(json(&["audit", "proof", name, "--json"], 0)["verified"], true);
    std::fs::write(&file, shown.to_string()).expect("written");
    assert_eq!(json(&["audit", "proof", name, "--json"], 0)["verified"], true, "as it is printed");
    let held = proof["held"].as_i64().expect("a number");
    proof["held"] = Value::from(held + 1);
    std::fs::write(&file, proof.to_string()).expect("written");
    assert_eq!(json(&["audit", "proof", name, "--json"], 1)["verified"], false);
    let beyond = fulcrum(&["audit", "adl", log, "--seq", "1"]);
    assert_eq!(beyond.status.code(), Some(1), "the first command concerns none");
}
