//! Every shared example by its name, and every shared bracket.

use serde_json::Value;
use tools::margin::check::{Report, Verdict, judge};
use tools::margin::exact::{Exact, parse};
use tools::margin::example::{self, Example, Use};

use super::{fulcrum, object, printed, shared};

const EXAMPLES: &str = "../reference/margin-examples.json";

fn examples() -> Option<Vec<Example>> {
    let text = std::fs::read_to_string(shared(EXAMPLES)?).expect("readable");
    Some(example::read(&text).expect("examples"))
}

const fn is_ours(example: &Example) -> bool {
    matches!(example.used, Use::Margin | Use::Liquidation)
}

#[test]
fn every_example_of_ours_passes() {
    let Some(examples) = examples() else { return };
    assert_eq!(examples.len(), 107);
    let report = Report::of(&examples);
    let ours: Vec<_> = examples.iter().filter(|example| is_ours(example)).map(|one| one.id.clone()).collect();
    assert_eq!(report.passed, ours, "{:#?}", report.failed);
    let others: Vec<_> = examples.iter().filter(|example| !is_ours(example)).map(|one| &one.id).collect();
    assert_eq!(report.not_applicable.iter().map(|one| &one.id).collect::<Vec<_>>(), others);
    for example in examples.iter().filter(|example| !is_ours(example)) {
        let reason = if example.used == Use::Reference { "another venue's rule" } else { "not built yet" };
        assert_eq!(judge(example), Verdict::NotApplicable(reason.to_owned()), "{}", example.id);
    }
}

#[test]
fn the_binary_says_the_same() {
    let Some(path) = shared(EXAMPLES) else { return };
    let examples = examples().expect("they are there");
    let report = object(&fulcrum("check", &path, &["--json"]), 0);
    let names = |key: &str| {
        let list = report[key].as_array().expect("a list").iter();
        list.map(|one| one["id"].as_str().or(one.as_str()).expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let all = names("passed").len() + names("not_applicable").len();
    assert_eq!((all, names("failed")), (examples.len(), Vec::new()));
    let text = printed(&fulcrum("check", &path, &[]), 0);
    assert!(text.contains("liq_price"), "{text}");
}

/// Each number an example expects, moved beyond its tolerance either way, and each word changed, makes it fail.
#[test]
fn no_expected_value_can_be_another() {
    let Some(examples) = examples() else { return };
    let mut changed = 0;
    for example in examples.iter().filter(|example| is_ours(example)) {
        let tolerance = parse(example.tolerance.as_str().expect("a text")).expect("a number");
        for (name, expected) in &example.expected {
            for wrong in perturbed(expected, &tolerance) {
                let mut other = example.clone();
                other.expected.insert(name.clone(), wrong.clone());
                assert!(matches!(judge(&other), Verdict::Failed(_)), "{} with {name} {wrong}", example.id);
                changed += 1;
            }
        }
    }
    assert!(changed > 200, "{changed}");
}

/// The value with one number or word in it changed, in every place and either way.
fn perturbed(value: &Value, tolerance: &Exact) -> Vec<Value> {
    match value {
        Value::String(text) => match parse(text) {
            None => vec![Value::from("other")],
            Some(number) => {
                let step = tolerance + tolerance + parse("1e-12").expect("a number");
                [&number + &step, number - step].map(|number| Value::from(number.to_string())).to_vec()
            }
        },
        Value::Array(list) => {
            let mut all = vec![Value::from(list[..list.len() - 1].to_vec())];
            for (place, one) in list.iter().enumerate() {
                for wrong in perturbed(one, tolerance) {
                    let mut other = list.clone();
                    other[place] = wrong;
                    all.push(Value::from(other));
                }
            }
            all
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            panic!("{value} is not expected")
        }
    }
}

#[test]
fn every_published_bracket_is_continuous() {
    let Some(path) = shared("leverage_tiers/binance_leverage_tiers_2026-09.json.gz") else { return };
    let summary = object(&fulcrum("brackets", &path, &["--json"]), 0);
    let figures = ["symbols", "brackets", "boundaries", "continuous", "sound", "brackets_most"];
    let figures = figures.map(|name| summary[name].as_u64().expect("a number"));
    assert_eq!(figures, [907, 7_276, 6_369, 6_369, 906, 12]);
    assert_eq!(summary["differing"], Value::from(Vec::<Value>::new()));
    let near = &summary["too_near"];
    assert_eq!(
        (near.as_array().map(Vec::len), near[0]["symbol"].as_str()),
        (Some(1), Some("VINE/USDT:USDT"))
    );
    assert!(near[0]["reason"].as_str().is_some_and(|reason| reason.starts_with("bracket 1: ")));
    let text = printed(&fulcrum("brackets", &path, &["--symbol", "BTC/USDT:USDT"]), 0);
    assert_eq!(text.lines().count(), 2 + 12, "{text}");
}
