//! Conversations by hand. The hashes of the first are the reference engine's own (`tracebook-conformance` 0.6.0).

use std::io::Cursor;

use serde_json::{Value, json};

use super::converse;

/// What is answered to some lines, and whether all was sound.
fn answers(lines: &[String]) -> (Vec<Value>, bool) {
    let mut output = Vec::new();
    let input = lines.join("\n");
    let is_sound = converse(&mut Cursor::new(input), &mut output).unwrap();
    let text = String::from_utf8(output).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), is_sound)
}

fn hello(algorithm: &str, policy: &str) -> String {
    json!({
        "type": "hello", "protocol": "tracebook.conformance", "protocol_version": 1,
        "config": {
            "matching_algorithm": algorithm, "tick_size": "0.01", "self_trade_policy": policy,
            "quantity_decimal_places": 12,
        },
    })
    .to_string()
}

/// A conversation about these events, with a snapshot and a finish at its end.
fn conversation(algorithm: &str, policy: &str, events: &[Value]) -> Vec<Value> {
    let mut lines = vec![hello(algorithm, policy)];
    for (index, event) in (1..).zip(events) {
        lines.push(json!({ "type": "event", "index": index, "event": event }).to_string());
    }
    lines.push(json!({ "type": "snapshot", "index": events.len() }).to_string());
    lines.push(json!({ "type": "finish", "event_count": events.len() }).to_string());
    let (answers, is_sound) = answers(&lines);
    assert!(is_sound, "{answers:?}");
    assert_eq!(answers.len(), events.len() + 3);
    answers
}

fn new(order: u64, side: &str, kind: &str, price: f64, quantity: f64, owner: i64) -> Value {
    let price = if kind == "MARKET" { Value::Null } else { json!(price) };
    json!({
        "op": "new", "symbol": "A", "order_id": order, "side": side, "order_type": kind, "price": price,
        "quantity": quantity, "owner": owner, "timestamp_ns": 1,
    })
}

fn lifecycle() -> Vec<Value> {
    let below_the_grid = json!({
        "op": "new", "symbol": "B", "order_id": 1, "side": "SELL", "price": 0.004, "quantity": 1, "owner": 1,
    });
    vec![
        new(1, "SELL", "LIMIT", 100.004, 2.0, 1),
        new(2, "SELL", "LIMIT", 100.0, 1.5, 2),
        new(1, "BUY", "LIMIT", 99.0, 1.0, 3),
        new(3, "BUY", "FOK", 100.0, 4.0, 3),
        new(4, "BUY", "IOC", 100.0, 2.5, 1),
        json!({ "op": "reduce", "symbol": "A", "order_id": 2, "quantity": 0.25 }),
        new(5, "SELL", "LIMIT", 100.0, 1.0, 7),
        json!({ "op": "replace", "symbol": "A", "order_id": 2, "price": 100.0, "quantity": 0.5 }),
        new(6, "BUY", "MARKET", 0.0, 1.25, 9),
        json!({ "op": "cancel", "symbol": "A", "order_id": 6 }),
        json!({ "op": "replace", "symbol": "A", "order_id": 2, "price": 1000.0 }),
        json!({ "op": "cancel", "symbol": "NONE", "order_id": 2 }),
        below_the_grid,
        json!({ "op": "clear", "symbol": "A" }),
    ]
}

#[test]
fn a_life_cycle_is_what_the_reference_makes_of_it() {
    let answers = conversation("fifo", "NONE", &lifecycle());
    assert_eq!(answers[0]["engine"]["name"], "fulcrum");
    let outcomes: Vec<&str> =
        answers[1..15].iter().map(|answer| answer["outcome"]["reason"].as_str().unwrap_or("")).collect();
    let expected = [
        (3, "DUPLICATE_ORDER_ID"),
        (10, "ORDER_NOT_ACTIVE"),
        (12, "ORDER_NOT_ACTIVE"),
        (13, "INVALID_ORDER"),
    ];
    for (index, &outcome) in (1..).zip(&outcomes) {
        let reason =
            expected.iter().find(|(rejected, _)| *rejected == index).map_or("", |(_, reason)| reason);
        assert_eq!(outcome, reason, "event {index}");
    }
    let trade = |buy: u64, sell: u64, quantity: &str| {
        json!({
            "symbol": "A", "buy_order_id": buy, "sell_order_id": sell, "price": "100", "quantity": quantity,
        })
    };
    assert_eq!(answers[4]["trades"], json!([]));
    assert_eq!(answers[5]["trades"], json!([trade(4, 1, "2"), trade(4, 2, "0.5")]));
    assert_eq!(answers[9]["trades"], json!([trade(6, 5, "1"), trade(6, 2, "0.25")]));
    for (index, hash) in [
        (1, "502d0a657f41253a6f48d4bd2aee1044eb8ce7091dc6109825619655ebdb57ee"),
        (6, "2efd433bee684b9668dd1247b270c93f7d5a2240bfa833b60cdece931b4a8836"),
        (8, "97cebc28937990648ff0c715816e1073f0ec1be2f90a4e805fb5beda0a0909af"),
        (11, "558af42afcfc4431d7ec0a179fe436e68a6b22e246081c28fd2c564972f1d190"),
        (13, "37aa13093d5ea1e4d2d686dd782b557374dea55f7e596793a4cea4bab505b990"),
        (14, "eded94521d294508271aa4566dd1e71fe1246ca9c4501124c171536d7504f978"),
    ] {
        assert_eq!(answers[index]["state_hash"], hash, "event {index}");
    }
    let empty = |symbol: &str| json!({ "symbol": symbol, "bids": [], "asks": [] });
    assert_eq!(answers[15]["state"], json!({ "books": [empty("A"), empty("B")] }));
    assert_eq!(answers[16], json!({ "type": "complete", "event_count": 14 }));
}

/// Two orders of owner 7 around one of owner 8, and a taker of owner 7.
fn meeting_oneself(kind: &str) -> Vec<Value> {
    vec![
        new(1, "SELL", "LIMIT", 100.0, 5.0, 8),
        new(2, "SELL", "LIMIT", 100.0, 5.0, 7),
        new(3, "SELL", "LIMIT", 101.0, 5.0, 8),
        new(4, "BUY", kind, 101.0, 7.0, 7),
    ]
}

fn traded(answer: &Value) -> Vec<(u64, &str)> {
    let trades = answer["trades"].as_array().unwrap().iter();
    trades
        .map(|trade| (trade["sell_order_id"].as_u64().unwrap(), trade["quantity"].as_str().unwrap()))
        .collect()
}

#[test]
fn self_trades_follow_the_policy() {
    let free = conversation("fifo", "NONE", &meeting_oneself("LIMIT"));
    assert_eq!(traded(&free[4]), [(1, "5"), (2, "2")]);

    let incoming = conversation("fifo", "CANCEL_INCOMING", &meeting_oneself("LIMIT"));
    assert_eq!(traded(&incoming[4]), [(1, "5")]);
    assert_eq!(incoming[4]["resting_order_count"], 2);

    for kind in ["LIMIT", "IOC", "FOK"] {
        let resting = conversation("fifo", "CANCEL_RESTING", &meeting_oneself(kind));
        assert_eq!(traded(&resting[4]), [(1, "5"), (3, "2")], "{kind}");
        assert_eq!(resting[4]["resting_order_count"], 1);
    }
    for policy in ["CANCEL_INCOMING", "CANCEL_RESTING"] {
        let mut events = meeting_oneself("LIMIT");
        events[3] = new(4, "BUY", "FOK", 101.0, 11.0, 7);
        let whole = conversation("fifo", policy, &events);
        assert_eq!(traded(&whole[4]), [], "{policy}");
        assert_eq!(whole[4]["resting_order_count"], 3, "nothing yields to an order that cannot be filled");
    }
}

#[test]
fn orders_of_nobody_trade_with_each_other() {
    let events = [new(1, "SELL", "LIMIT", 100.0, 1.0, -1), new(2, "BUY", "LIMIT", 100.0, 1.0, -1)];
    for policy in ["NONE", "CANCEL_INCOMING", "CANCEL_RESTING"] {
        assert_eq!(traded(&conversation("fifo", policy, &events)[2]), [(1, "1")], "{policy}");
    }
}

#[test]
fn a_level_shared_in_proportion_keeps_its_order() {
    let events = [
        new(1, "SELL", "LIMIT", 100.0, 6.0, 1),
        new(2, "SELL", "LIMIT", 100.0, 3.0, 2),
        new(3, "SELL", "LIMIT", 100.0, 1.0, 3),
        new(4, "BUY", "LIMIT", 100.0, 5.0, 4),
        new(5, "BUY", "FOK", 100.0, 6.0, 5),
    ];
    let answers = conversation("pro_rata", "NONE", &events);
    assert_eq!(traded(&answers[4]), [(1, "3"), (2, "1.5"), (3, "0.5")]);
    assert_eq!(traded(&answers[5]), []);
    let asks = answers[6]["state"]["books"][0]["asks"].as_array().unwrap();
    let queue: Vec<u64> = asks.iter().map(|order| order["order_id"].as_u64().unwrap()).collect();
    assert_eq!(queue, [1, 2, 3]);
}

#[test]
fn prices_far_apart_and_more_orders_than_an_account_may_have_are_taken() {
    let mut events = vec![new(1, "SELL", "LIMIT", 100.0, 1.0, 1), new(2, "SELL", "LIMIT", 5000.0, 1.0, 2)];
    events.push(new(3, "BUY", "MARKET", 0.0, 2.0, 3));
    events.extend((4..1104).map(|order| new(order, "BUY", "LIMIT", 0.01, 1.0, 9)));
    let answers = conversation("fifo", "NONE", &events);
    assert_eq!(traded(&answers[3]), [(1, "1"), (2, "1")]);
    assert_eq!(answers[1103]["resting_order_count"], 1100);
}

#[test]
fn lines_that_make_no_sense_are_answered_and_change_nothing() {
    let event =
        |index: u64, event: Value| json!({ "type": "event", "index": index, "event": event }).to_string();
    let order = new(1, "SELL", "LIMIT", 100.0, 1.0, 1);
    let mut sideways = order.clone();
    sideways["side"] = json!("SIDEWAYS");
    let mut priceless = order.clone();
    priceless["price"] = Value::Null;
    let cases = [
        (event(1, order.clone()), "first message must be a hello"),
        (hello("lifo", "NONE"), "matching_algorithm"),
        (hello("fifo", "PRAY"), "self_trade_policy"),
        (hello("fifo", "NONE").replace("0.01", "-1"), "tick_size"),
        (hello("fifo", "NONE"), ""),
        (hello("fifo", "NONE"), "already answered"),
        ("{".to_owned(), "not JSON"),
        ("[]".to_owned(), "must be a JSON object"),
        ("{}".to_owned(), "type must be a string"),
        ("\u{0}\u{1}".to_owned(), "not JSON"),
        (json!({ "type": "dance" }).to_string(), "\"dance\" is not one of"),
        (format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)), "not JSON"),
        ("x".repeat(3 << 20), "longer than"),
        (event(2, order.clone()), "next event's index is 1"),
        (event(1, json!({ "op": "new" })), "symbol must be a string"),
        (event(1, json!({ "op": "fly", "symbol": "A", "order_id": 1 })), "\"fly\" is not one of"),
        (event(1, json!({ "op": "cancel", "symbol": "A", "order_id": 0 })), "order_id"),
        (event(1, json!({ "op": "cancel", "symbol": "A", "order_id": true })), "order_id"),
        (event(1, json!({ "op": "reduce", "symbol": "A", "order_id": 1, "quantity": -1 })), "quantity"),
        (event(1, json!({ "op": "replace", "symbol": "A", "order_id": 1 })), "replace needs"),
        (event(1, sideways), "side must be"),
        (event(1, priceless), "price must be"),
        (json!({ "type": "snapshot", "index": 1 }).to_string(), "index must be 0"),
        (json!({ "type": "finish", "event_count": 7 }).to_string(), "event_count must be 0"),
        (event(1, order), ""),
    ];
    let lines: Vec<String> = cases.iter().map(|(line, _)| line.clone()).collect();
    let (answers, is_sound) = answers(&lines);
    assert!(!is_sound);
    assert_eq!(answers.len(), cases.len());
    for (answer, (line, said)) in answers.iter().zip(&cases) {
        if said.is_empty() {
            assert_ne!(answer["type"], "error", "{answer}");
        } else {
            assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!("PROTOCOL_ERROR")));
            let message = answer["message"].as_str().unwrap();
            assert!(message.contains(said), "{}: {message}", &line[..line.len().min(80)]);
        }
    }
    assert_eq!(answers.last().unwrap()["resting_order_count"], 1);
}

#[test]
fn what_the_venue_cannot_do_ends_the_conversation() {
    let mut fine = new(1, "SELL", "LIMIT", 100.0, 1.0, 1);
    fine["quantity"] = json!(0.000_000_000_000_1);
    for (first, event, code) in [
        (hello("pro_rata", "CANCEL_RESTING"), Value::Null, "UNSUPPORTED"),
        (hello("fifo", "NONE"), new(1, "SELL", "LIMIT", 1e9, 1.0, 1), "OUT_OF_RANGE"),
        (hello("fifo", "NONE"), new(1, "SELL", "LIMIT", 1e300, 1.0, 1), "OUT_OF_RANGE"),
        (hello("fifo", "NONE"), new(1, "SELL", "LIMIT", 100.0, 1e300, 1), "OUT_OF_RANGE"),
        (hello("fifo", "NONE"), fine, "OUT_OF_RANGE"),
    ] {
        let line = json!({ "type": "event", "index": 1, "event": event }).to_string();
        let (answers, is_sound) = answers(&[first, line.clone(), line]);
        assert!(!is_sound);
        assert_eq!(answers.last().unwrap()["code"], code, "{answers:?}");
        assert!(answers.len() <= 2);
    }
}

#[test]
fn quantities_beyond_an_order_or_the_venue_are_refused() {
    let reduce =
        |quantity: f64| json!({ "op": "reduce", "symbol": "A", "order_id": 1, "quantity": quantity });
    let events = [
        new(1, "SELL", "LIMIT", 100.0, 2.0, 1),
        new(2, "BUY", "IOC", 100.0, 1.0, 2),
        reduce(1e300),
        reduce(1.5),
        json!({ "op": "replace", "symbol": "A", "order_id": 1, "quantity": -1.0 }),
    ];
    let told = conversation("fifo", "NONE", &events);
    let reasons: Vec<&Value> = told[3..6].iter().map(|answer| &answer["outcome"]["reason"]).collect();
    assert_eq!(reasons, ["INVALID_ORDER", "INVALID_ORDER", "INVALID_REPLACEMENT"]);

    let mut lines = vec![hello("fifo", "NONE")];
    let huge = json!({ "op": "replace", "symbol": "A", "order_id": 1, "quantity": 9_223_372.0 });
    for (index, event) in (1..).zip(events[..2].iter().chain([&huge])) {
        lines.push(json!({ "type": "event", "index": index, "event": event }).to_string());
    }
    let (told, _) = answers(&lines);
    assert_eq!(told.last().unwrap()["code"], "OUT_OF_RANGE", "{told:?}");
}

#[test]
fn the_end_of_the_input_ends_it() {
    for lines in
        [vec![], vec![hello("fifo", "NONE")], vec![String::new(), hello("fifo", "NONE"), String::new()]]
    {
        let expected = lines.iter().filter(|line| !line.is_empty()).count();
        let (answers, is_sound) = answers(&lines);
        assert!(is_sound);
        assert_eq!(answers.len(), expected);
    }
}
