//! Recorded files, where they are there: the figures they are known for.

use std::path::{Path, PathBuf};

use tools::progress::say;

use super::{figures, reasons, report};

/// The files in a folder of recorded data, or none, and a word about it.
fn recorded<const N: usize>(names: [&str; N]) -> Option<[PathBuf; N]> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = std::env::var_os("FULCRUM_DATA").map_or_else(beside, PathBuf::from);
    let paths = names.map(|name| data.join(name));
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        say(&format!("skipped: {} is not on this machine", missing.display()));
        return None;
    }
    Some(paths)
}

const FIGURES: [&str; 7] =
    ["messages", "rows", "bbo_equal", "book_equal", "steps_equal", "executions", "fifo_head"];

fn counted(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
}

#[test]
fn an_hour_of_fifty_levels() {
    let Some([messages, bbo, book]) = recorded([
        "lobster_aapl/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz",
        "lobster_aapl/AAPL_2012-06-21_34200000_37800000_bbo_after_each_message_50.csv.gz",
        "lobster_aapl/AAPL_2012-06-21_34200000_37800000_orderbook_50_first672rows.csv.gz",
    ]) else {
        return;
    };
    let free = report(&["--format", "lobster"], &[("--messages", &messages), ("--book", &bbo)], 0);
    assert_eq!(figures(&free, FIGURES), [91_997, 91_997, 91_907, 91_907, 91_997, 4_055, 4_031]);
    assert_eq!(reasons(&free, "bbo"), counted(&[("changed_unseen", 90)]));
    let passed = counted(&[("passed_then_cancelled", 7), ("numbered_before", 15), ("passed_then_traded", 2)]);
    assert_eq!(reasons(&free, "fifo"), passed);
    let first = free["disagreements"].as_array().unwrap().iter().find(|one| one["check"] == "bbo").unwrap();
    assert_eq!((first["row"].as_u64(), first["line"].as_u64()), (Some(54_606), Some(54_607)));
    let rows = report(&["--format", "lobster"], &[("--messages", &messages), ("--book", &book)], 0);
    assert_eq!(figures(&rows, FIGURES), [91_997, 672, 672, 671, 672, 4_055, 4_031]);
    assert_eq!(reasons(&rows, "book"), counted(&[("surfaced", 1)]));
}

#[test]
fn a_day_of_five_levels() {
    let Some([archive]) = recorded(["lobster_amzn/LOBSTER_SampleFile_AMZN_2012-06-21_5.zip"]) else { return };
    let report = report(&["--format", "lobster"], &[("--messages", &archive)], 0);
    let expected = [155_935, 155_935, 155_935, 143_884, 155_935, 7_307, 7_298];
    assert_eq!(figures(&report, FIGURES), expected);
    assert_eq!(reasons(&report, "book"), counted(&[("surfaced", 2_399), ("changed_unseen", 9_652)]));
    assert_eq!(reasons(&report, "fifo"), counted(&[("passed_then_traded", 9)]));
}

#[test]
fn a_day_of_one_level() {
    let Some([archive]) = recorded(["lobster_aapl/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip"]) else { return };
    let report = report(&["--format", "lobster"], &[("--messages", &archive)], 0);
    let expected = [118_497, 118_497, 101_246, 101_246, 118_497, 10_938, 10_915];
    assert_eq!(figures(&report, FIGURES), expected);
    assert_eq!(report["explained"], true);
}

#[test]
fn half_an_hour_of_bitstamp() {
    let Some([orders, trades]) = recorded([
        "bitstamp_l3/bitstamp_btcusd_2026-05-02_orders.csv.gz",
        "bitstamp_l3/bitstamp_btcusd_2026-05-02_trades.csv.gz",
    ]) else {
        return;
    };
    let report = report(&["--format", "bitstamp"], &[("--orders", &orders), ("--trades", &trades)], 0);
    let names =
        ["messages", "rows", "pairs_expected", "pairs_reproduced", "prices_equal", "pairs_unexpected"];
    assert_eq!(figures(&report, names), [314_057, 284, 284, 265, 265, 21]);
    assert_eq!(figures(&report, ["pairs_reproduced_without_stale", "post_only_rejects"]), [282, 100_594]);
    let pairs = counted(&[("stale_before", 12), ("maker_met_stale", 5), ("without_quantity", 2)]);
    assert_eq!(reasons(&report, "pair"), pairs);
    assert_eq!(report["stale_orders"].as_array().unwrap().len(), 2);
}
