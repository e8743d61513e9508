//! Bitstamp files made by hand, and broken ones.

use super::{Folder, error, figures, reasons, report};

const BITSTAMP: &[&str] = &["--format", "bitstamp"];

/// A sweep over two makers with a third before them that had long gone, a post-only order that crosses, a market order
/// by value, a market order that sells, and a maker that is changed by its owner.
const ORDERS: &str = "\
id,timestamp,exchange_timestamp,price,volume,action,direction
1,1,1,100.5,1.0,created,ask
2,1,1,100.5,0.5,created,ask
9,1,1,100,3e-1,created,ask
8,1,1,99,2.0,created,bid
3,2,2,100.5,1.2,created,bid
3,2,2,100.5,0.0,deleted,bid
1,2,2,100.5,0.0,deleted,ask
2,2,2,100.5,0.3,changed,ask
4,3,3,101,1.0,created,bid
4,3,3,101,1.0,deleted,bid
5,4,4,999999999,0.0,created,bid
5,4,4,100.5,0.0,deleted,bid
8,5,5,99,1.5,changed,bid
7,5,5,99.5,0.2,created,bid
6,6,6,0,0.2,created,ask
6,6,6,99.5,0.0,deleted,ask
7,6,6,99.5,0.0,deleted,bid
9,9,9,100,0.3,deleted,ask
8,9,9,99,1.5,deleted,bid
";
const TRADES: &str = "\
trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side
1,2,2,100.5,1.0,3,1,buy
2,2,2,100.5,2e-01,3,2,buy
3,4,4,100.5,0.1,5,2,buy
4,6,6,99.5,0.2,7,6,sell
";

#[test]
fn made_up_pairs_are_told_apart() {
    let folder = Folder::new();
    let (orders, trades) = (folder.write("o.csv", ORDERS), folder.write("t.csv", TRADES));
    let report = report(BITSTAMP, &[("--orders", &orders), ("--trades", &trades)], 0);
    let names = ["messages", "rows", "executions", "fifo_head", "pairs_expected", "pairs_reproduced"];
    assert_eq!(figures(&report, names), [19, 4, 4, 2, 4, 2]);
    let names = ["prices_equal", "quantities_equal", "pairs_unexpected", "pairs_reproduced_without_stale"];
    assert_eq!(figures(&report, names), [2, 1, 1, 3]);
    assert_eq!(figures(&report, ["post_only_rejects", "without_quantity", "refused"]), [1, 1, 0]);
    assert_eq!(report["stale_orders"], serde_json::json!([9]));
    assert_eq!((&report["bbo_equal"], &report["book_equal"]), (&().into(), &().into()));
    let pairs = [("stale_before".to_owned(), 1), ("without_quantity".to_owned(), 1)];
    assert_eq!(reasons(&report, "pair"), pairs);
    assert_eq!(reasons(&report, "quantity"), [("knock_on".to_owned(), 1)]);
    assert_eq!(reasons(&report, "unexpected"), [("stale_before".to_owned(), 1)]);
    let first = &report["disagreements"][0];
    assert_eq!((first["check"].as_str(), first["row"].as_u64()), (Some("quantity"), Some(0)));
    let missing =
        report["disagreements"].as_array().unwrap().iter().find(|one| one["check"] == "pair").unwrap();
    assert_eq!((missing["expected"].as_str(), missing["line"].as_u64()), (Some("maker 2, taker 3"), Some(3)));
    assert_eq!(missing["found"], "maker 1 and 1 others");
}

/// Columns in another order, and no names at all.
#[test]
fn columns_are_found_by_name() {
    let folder = Folder::new();
    let turned = |text: &str| {
        let lines = text.lines().map(|line| line.rsplit(',').collect::<Vec<_>>().join(","));
        lines.collect::<Vec<_>>().join("\r\n")
    };
    let bare = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    let expected = {
        let (orders, trades) = (folder.write("o.csv", ORDERS), folder.write("t.csv", TRADES));
        report(BITSTAMP, &[("--orders", &orders), ("--trades", &trades)], 0)
    };
    for (orders, trades) in [(turned(ORDERS), turned(TRADES)), (bare(ORDERS), bare(TRADES))] {
        let (orders, trades) = (folder.write("o2.csv", orders), folder.write("t2.csv", trades));
        let found = report(BITSTAMP, &[("--orders", &orders), ("--trades", &trades)], 0);
        assert_eq!(found["pairs_reproduced"], expected["pairs_reproduced"]);
        assert_eq!(found["reasons"].as_array().unwrap().len(), expected["reasons"].as_array().unwrap().len());
    }
}

#[test]
fn errors_are_one_line_with_file_and_line() {
    let later = |text: &str| text.replace("1,1,1,100.5", "1,1,1,x");
    let cases = [
        (TRADES.to_owned(), TRADES.to_owned(), "o.csv, line 1: no column 'id'"),
        (ORDERS.to_owned(), ORDERS.to_owned(), "t.csv, line 1: no column 'amount'"),
        (later(ORDERS), TRADES.to_owned(), "o.csv, line 2: price is 'x'"),
        (ORDERS.replace("created", "made"), TRADES.to_owned(), "o.csv, line 2: action is 'made'"),
        (ORDERS.replace(",bid", ",up"), TRADES.to_owned(), "o.csv, line 5: direction is 'up'"),
        (ORDERS.to_owned(), TRADES.replace(",buy\n", ",up\n"), "t.csv, line 2: side is 'up'"),
        (ORDERS.to_owned(), TRADES.lines().next().unwrap().to_owned(), "t.csv: no trade in it"),
        (ORDERS.lines().next().unwrap().to_owned(), TRADES.to_owned(), "o.csv: no order in it"),
        (
            "77,1,1,1,1,created,bid\n".to_owned(),
            TRADES.to_owned(),
            "none of its orders is in the trades file",
        ),
        (
            format!("{ORDERS}3,2\n"),
            TRADES.to_owned(),
            "o.csv, line 21: field 'exchange_timestamp' is missing",
        ),
    ];
    for (orders, trades, expected) in cases {
        let folder = Folder::new();
        let (orders, trades) = (folder.write("o.csv", orders), folder.write("t.csv", trades));
        let said = error(BITSTAMP, &[("--orders", &orders), ("--trades", &trades)]);
        assert!(said.contains(expected), "{expected}: {said}");
    }
}
