//! Brackets that are not what they say, and brackets in a venue's configuration.

use std::path::Path;

use serde_json::{Value, json};
use tools::config;

use super::{error, fulcrum, object, printed, written};

fn bracket(from: u64, to: u64, rate: f64, leverage: u32, cum: f64) -> Value {
    json!({ "notionalFloor": from, "notionalCap": to, "maintMarginRatio": rate, "initialLeverage": leverage, "cum": cum })
}

fn sound() -> Vec<Value> {
    vec![
        bracket(0, 50_000, 0.004, 125, 0.0),
        bracket(50_000, 250_000, 0.0050, 100, 50.0),
        bracket(250_000, 1_000_000, 0.0165, 21, 2_925.0),
        bracket(1_000_000, 2_000_000, 0.5, 1, 486_425.0),
    ]
}

/// As the venue itself lists them, and as collections do.
fn listed(brackets: &[Value]) -> String {
    json!([{ "symbol": "COINUSDT", "brackets": brackets }]).to_string()
}

fn collected(brackets: &[Value]) -> String {
    let rows: Vec<_> = brackets.iter().map(|bracket| json!({ "tier": 1.0, "info": bracket })).collect();
    json!({ "COINUSDT": rows }).to_string()
}

#[test]
fn both_forms_are_read() {
    for text in [listed(&sound()), collected(&sound())] {
        let file = written(text);
        let summary = object(&fulcrum("brackets", &file.path, &["--json"]), 0);
        assert_eq!((&summary["sound"], &summary["continuous"]), (&json!(1), &json!(3)));
        let rows = object(&fulcrum("brackets", &file.path, &["--json", "--symbol", "COINUSDT"]), 0);
        let third = &rows["brackets"][2];
        assert_eq!(third["initial_rate"], "4.7619048%");
        assert_eq!(third["maintenance_at_cap"], "13575");
        let text = printed(&fulcrum("brackets", &file.path, &[]), 0);
        assert!(text.contains("continuous   3 of 3"), "{text}");
    }
}

#[test]
fn what_differs_is_named() {
    let broken = |place: usize, key: &str, value: Value| {
        let mut brackets = sound();
        brackets[place][key] = value;
        let file = written(listed(&brackets));
        let summary = object(&fulcrum("brackets", &file.path, &["--json"]), 1);
        summary["differing"][0]["reason"].as_str().expect("a reason").to_owned()
    };
    for (place, key, value, says) in [
        (1, "notionalFloor", json!(49_999), "bracket 2: it does not begin where"),
        (3, "notionalCap", json!(1_000_000), "bracket 4: it does not end above"),
        (2, "maintMarginRatio", json!(0.001), "bracket 3: its maintenance rate"),
        (2, "initialLeverage", json!(101), "bracket 3: its leverage"),
        (2, "cum", json!(2_925.01), "bracket 3: its constant"),
        (0, "maintMarginRatio", json!(0.00000000001), "is finer than a billionth"),
    ] {
        let reason = broken(place, key, value);
        assert!(reason.contains(says), "{reason}");
    }
}

#[test]
fn margins_too_near_each_other_are_not_taken() {
    let mut brackets = sound();
    brackets[2]["initialLeverage"] = json!(60);
    let file = written(listed(&brackets));
    let summary = object(&fulcrum("brackets", &file.path, &["--json"]), 0);
    let reason = summary["too_near"][0]["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("bracket 3: its initial margin is below 5/4"), "{reason}");
    assert!(error(&fulcrum("brackets", &file.path, &["--symbol", "COINUSDT"])).contains("bracket 3"));
}

#[test]
fn files_that_are_none_are_one_line() {
    for text in ["", "{", "{}", "[]", "7", "{\"A\":[{}]}", "[{\"symbol\":\"A\"}]"] {
        let file = written(text);
        let line = error(&fulcrum("brackets", &file.path, &[]));
        assert!(line.contains("file.json"), "{line}");
    }
    let file = written(listed(&sound()));
    assert!(error(&fulcrum("brackets", &file.path, &["--symbol", "NONE"])).contains("no symbol NONE"));
    assert!(error(&fulcrum("brackets", Path::new("/nowhere/file"), &[])).contains("/nowhere/file"));
}

/// The example's first instrument with brackets from a file in place of its own.
fn configured(brackets: &str) -> String {
    let (head, rest) = config::EXAMPLE.split_once("\ninitial_margin = [").expect("a table");
    let (_, tail) = rest.split_once("\n]\nmaintenance_margin = [").expect("a table");
    let (_, tail) = tail.split_once("\n]").expect("its end");
    format!("{head}\n{brackets}{tail}")
}

#[test]
fn an_instrument_takes_its_tables_from_a_file() {
    let file = written(listed(&sound()));
    let path = file.path.display();
    let venue = |text: &str| {
        let place = written(text);
        config::Checked::load(Some(&place.path)).map(|_| ()).map_err(|error| error.to_string())
    };
    let good = configured(&format!("brackets = {{ file = \"{path}\", symbol = \"COINUSDT\" }}"));
    assert_eq!(venue(&good), Ok(()));
    let unknown = configured(&format!("brackets = {{ file = \"{path}\", symbol = \"NONE\" }}"));
    assert!(venue(&unknown).is_err_and(|error| error.contains("no symbol NONE") && error.contains("line")));
    let both = configured(&format!(
        "brackets = {{ file = \"{path}\", symbol = \"COINUSDT\" }}\ninitial_margin = [{{ from = \"0\", rate = \"2%\" }}]"
    ));
    assert!(venue(&both).is_err_and(|error| error.contains("not both")));
    assert!(venue(&configured("")).is_err_and(|error| error.contains("1 to 16 brackets")));
}
