//! The crowd needs a venue in a process of its own, so it is run as the program it is.

use std::process::Command;

use serde_json::Value;

#[test]
fn a_small_crowd_is_served() {
    let output = Command::new(env!("CARGO_BIN_EXE_crowd"))
        .args(["--quick", "--json", "--directory"])
        .arg(std::env::temp_dir())
        .output()
        .expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    let runs = report["stall"].as_array().expect("runs");
    assert_eq!(runs.len(), 3);
    for run in runs {
        assert_eq!(run["logged_on"], serde_json::json!([24, 24]), "{run}");
        let count = &run["others"]["count"];
        assert_eq!((&count["refused"], &count["unanswered"]), (&Value::from(0), &Value::from(0)), "{run}");
        assert!(run["others"]["latency"]["count"].as_u64().is_some_and(|samples| samples > 100), "{run}");
    }
    let runs = report["idle"].as_array().expect("runs");
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run["held"] == 40), "{runs:?}");
}
