//! Made-up examples: what passes, what fails and says why, and files that are none.

use std::path::Path;

use serde_json::{Value, json};

use super::{error, fulcrum, object, printed, written};

#[expect(clippy::needless_pass_by_value, reason = "called with what `json!` has just made")]
fn example(id: &str, formula: &str, inputs: Value, expected: Value) -> Value {
    json!({ "id": id, "group": "made", "formula": formula, "inputs": inputs, "expected": expected, "tolerance": "0", "use": "margin" })
}

fn file(examples: &[Value]) -> String {
    json!({ "schema": "margin-examples/1", "examples": examples }).to_string()
}

/// Formulas with inputs of their own.
fn made_up() -> Vec<Value> {
    let short = json!({ "cash": "200", "size": "100", "entry": "10", "floors": ["0", "1100"], "rates": ["0.05", "0.1"] });
    let tiers =
        json!({ "qty": "6000", "price": "20000", "floors": ["0", "110e6"], "weights": ["1", "0.95"] });
    vec![
        // (200 + 1,000 + 55) / 1.1 = 1,140.9 lies in the second bracket.
        example("SHORT-TIERED", "liq_short_tiered", short, json!({ "lp": "1255/110" })),
        example(
            "THIRDS",
            "tier_mm",
            json!({ "floors": ["0", "1/3"], "rates": ["1/7", "1/3"], "notional": "1" }),
            json!({ "mm": "17/63" }),
        ),
        example("HAIRCUT", "haircut_tiers", tiers, json!({ "value": "119500000" })),
        example(
            "BANKRUPT-SHORT",
            "inv_bankrupt_short",
            json!({ "entry": "100", "lev": "5" }),
            json!({ "bp": "125" }),
        ),
        example(
            "WITHDRAW",
            "withdrawable",
            json!({ "equity": "100", "im": "30", "notional": "400" }),
            json!({ "withdrawable": "60" }),
        ),
        example(
            "EMA",
            "ema_q32",
            json!({ "series": ["1000000", "1000000"], "alpha": "0.25" }),
            json!({ "ema": ["250000", "437500"] }),
        ),
        example(
            "CLAMP",
            "mark_clamp",
            json!({ "index": "1000", "price": "1100", "band": "0.05" }),
            json!({ "mark": "1050" }),
        ),
        // Whatever one figure is called.
        example(
            "ONE-FIGURE",
            "gross_up",
            json!({ "amount": "39", "ratio": "0.975" }),
            json!({ "needed": "40" }),
        ),
        // A loss for which closing more only loses more: everything goes.
        example(
            "CLOSE-ALL",
            "partial_liq",
            json!({ "equity": "1", "mm": "10", "rate": "0.1", "mark": "10", "slip": "2", "fee": "0", "target": "1.25", "lot": "1", "size": "10" }),
            json!({ "lots": "10" }),
        ),
    ]
}

#[test]
fn made_up_examples_pass() {
    let file = written(file(&made_up()));
    let report = object(&fulcrum("check", &file.path, &["--json"]), 0);
    assert_eq!(report["failed"], json!([]), "{report}");
    assert_eq!(report["counts"], json!({ "passed": made_up().len(), "failed": 0, "not_applicable": 0 }));
}

#[test]
fn what_fails_says_why() {
    let lookup = |inputs: Value| example("LOOKUP", "cum_table", inputs, json!({ "cum": ["0"] }));
    let mut elsewhere = example("ELSEWHERE", "unheard_of", json!({}), json!({ "x": "1" }));
    elsewhere["use"] = json!("reference");
    for (example, says) in [
        (
            example(
                "WRONG",
                "gross_up",
                json!({ "amount": "39", "ratio": "0.975" }),
                json!({ "value": "41" }),
            ),
            "value is 40, expected",
        ),
        (
            example("UNKNOWN", "unheard_of", json!({}), json!({ "x": "1" })),
            "no function computes `unheard_of`",
        ),
        (
            example(
                "NAME",
                "tier_mm",
                json!({ "floors": ["0"], "rates": ["0.1"], "notional": "1" }),
                json!({ "im": "1", "mm": "0.1" }),
            ),
            "`im` is expected",
        ),
        (lookup(json!({ "rates": ["0.1"] })), "input `floors` is missing"),
        (lookup(json!({ "floors": ["0", "1"], "rates": ["0.1"] })), "not as many floors as rates"),
        (lookup(json!({ "floors": ["1"], "rates": ["0.1"] })), "no margin table"),
        (lookup(json!({ "floors": ["x"], "rates": ["0.1"] })), "a number of input `floors` is none"),
        (lookup(json!({ "floors": ["0", "1e40"], "rates": ["0.1", "0.2"] })), "too large"),
        (lookup(json!({ "floors": vec!["0"; 65], "rates": ["0.1"] })), "more than 64 entries"),
    ] {
        let file = written(file(&[example, elsewhere.clone()]));
        let report = object(&fulcrum("check", &file.path, &["--json"]), 1);
        let reason = report["failed"][0]["reason"].as_str().expect("a reason");
        assert!(reason.contains(says), "{reason}");
        assert_eq!(report["not_applicable"][0]["id"], "ELSEWHERE");
        assert!(printed(&fulcrum("check", &file.path, &[]), 1).contains(says));
    }
}

/// Numbers at the edge of every range fail with a reason or pass; nothing stops the program.
#[test]
fn no_number_stops_it() {
    let extremes =
        ["0", "-1", "1e-30", "1e12", "-1e12", "1e17", "-1e17", "1e27", "1e60", "4294967295", "1/3"];
    let mut examples = made_up();
    if let Some(path) = super::shared("../reference/margin-examples.json") {
        let text = std::fs::read_to_string(path).expect("readable");
        let all: Value = serde_json::from_str(&text).expect("JSON");
        examples.extend(all["examples"].as_array().expect("a list").iter().cloned());
    }
    let mut strange = Vec::new();
    for example in &examples {
        for (name, value) in example["inputs"].as_object().expect("inputs") {
            for extreme in extremes {
                let mut other = example.clone();
                other["id"] = json!(strange.len().to_string());
                other["inputs"][name] = replaced(value, extreme);
                strange.push(other);
            }
        }
    }
    let output = fulcrum("check", &written(file(&strange)).path, &["--json"]);
    let report = object(&output, 1);
    let count = |name: &str| report["counts"][name].as_u64().expect("a number");
    let all = count("passed") + count("failed") + count("not_applicable");
    assert_eq!(usize::try_from(all).ok(), Some(strange.len()));
}

/// Every number in a value replaced.
fn replaced(value: &Value, by: &str) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|one| replaced(one, by)).collect(),
        Value::Object(map) => map.iter().map(|(name, one)| (name.clone(), replaced(one, by))).collect(),
        Value::String(_) | Value::Number(_) | Value::Null | Value::Bool(_) => json!(by),
    }
}

#[test]
fn files_that_are_none_are_one_line() {
    let twice = file(&[made_up()[0].clone(), made_up()[0].clone()]);
    let nothing = file(&[example("NOTHING", "gross_up", json!({}), json!({}))]);
    let mut strange = made_up()[0].clone();
    strange["use"] = json!("fun");
    let mut loose = made_up()[0].clone();
    loose["tolerance"] = json!("-1");
    let texts = [
        String::new(),
        "{".to_owned(),
        "{}".to_owned(),
        file(&[]),
        twice,
        nothing,
        file(&[strange]),
        file(&[loose]),
    ];
    for text in texts {
        let file = written(text);
        let line = error(&fulcrum("check", &file.path, &[]));
        assert!(line.contains("file.json"), "{line}");
    }
    assert!(error(&fulcrum("check", Path::new("/nowhere/file"), &[])).contains("/nowhere/file"));
}

#[test]
fn formulas_are_listed_with_their_functions() {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_fulcrum")).args(["margin", "formulas"]).output();
    let text = printed(&output.expect("the binary was built"), 0);
    assert!(text.lines().any(|line| line.contains("cum_table") && line.contains("risk::TierTable::lines")));
}
