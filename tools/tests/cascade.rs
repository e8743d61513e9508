//! Cascades: every depth, way of sharing and size of the fund, with and without a worker, a backstop account and a whale.
//!
//! Invariant: a guarantee that does not hold fails the test with the line that repeats the run. `FULCRUM_CASCADE_SEEDS` says
//! how many seeds each is run with; one, where it is not set.

use clap::Parser;
use tools::cascade::{Report, report_of};
use tools::cli::{Cli, Subcommands};

/// Runs the command line after `fulcrum cascade`; every guarantee must hold.
fn cascade(line: &str) -> Report {
    let line = format!("fulcrum cascade {line}");
    let cli = Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|error| panic!("{line}: {error}"));
    let Subcommands::Cascade(args) = cli.command else { panic!("another command: {line}") };
    let report = report_of(&args).unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(report.is_sound(), "{}\n{:#?}", args.line(), report.violations);
    report
}

fn seeds() -> u64 {
    std::env::var("FULCRUM_CASCADE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1)
}

#[test]
fn every_depth_policy_and_fund_keeps_the_guarantees() {
    for seed in 1..=seeds() {
        for depth in ["empty", "thin", "deep"] {
            for policy in ["water", "bitmex", "binance"] {
                for insurance in ["0", "1u", "50000000"] {
                    let report = cascade(&format!(
                        "--accounts 2000 --depth {depth} --policy {policy} --insurance {insurance} --seconds 2 \
                         --seed {seed}"
                    ));
                    assert!(report.liquidated > 100, "{}", report.repeat);
                    assert!(
                        depth != "empty" || report.adl_lots > 0,
                        "nobody else takes it: {}",
                        report.repeat
                    );
                }
            }
        }
    }
}

#[test]
fn a_worker_answers_and_the_venue_does_where_it_must() {
    for seed in 1..=seeds() {
        for shock in ["-40%", "35%"] {
            let worker =
                cascade(&format!("--accounts 2000 --depth empty --shock {shock} --seed {seed} --worker"));
            assert!(worker.plans_by_worker > 0 && worker.cuts > 0, "{}", worker.repeat);
            let venue = cascade(&format!("--accounts 2000 --depth empty --shock {shock} --seed {seed}"));
            assert_eq!(venue.plans_by_worker, 0, "{}", venue.repeat);
            assert_eq!(venue.drift, 0, "the venue cuts at the mark it planned at: {}", venue.repeat);
        }
    }
}

#[test]
fn one_account_may_hold_a_whole_side() {
    for seed in 1..=seeds() {
        for depth in ["empty", "thin"] {
            for policy in ["water", "bitmex", "binance"] {
                let report = cascade(&format!(
                    "--accounts 1000 --depth {depth} --policy {policy} --whale --seconds 2 --seed {seed}"
                ));
                assert!(report.accounts_hit > 500, "nearly all are on the other side: {}", report.repeat);
            }
        }
    }
}

#[test]
fn fund_and_backstop_come_before_the_holders() {
    for seed in 1..=seeds() {
        let line = format!("--accounts 2000 --depth thin --seconds 2 --seed {seed} --insurance");
        let without = cascade(&format!("{line} 0"));
        assert!(without.deficit > 0 && without.haircuts > 0, "{}", without.repeat);
        let behind = cascade(&format!("{line} 50000000 --backstop 1000000000"));
        assert!(behind.backstop_takeovers > 0 && behind.insurance_used > 0, "{}", behind.repeat);
        assert_eq!((behind.adl_lots, behind.bad_debt), (0, 0), "{}", behind.repeat);
    }
}

#[test]
fn the_same_seed_gives_the_same_digest() {
    let line = "--accounts 500 --depth thin --seconds 2 --worker --insurance 1000 --seed";
    let one = cascade(&format!("{line} 7"));
    assert_eq!(one, cascade(&format!("{line} 7")));
    assert_ne!(one.digest, cascade(&format!("{line} 8")).digest);
}

#[test]
fn a_run_is_repeated_by_the_line_it_prints() {
    let report = cascade(
        "--accounts 300 --depth thin --insurance 12.5 --shock -25.5% --seconds 3 --policy binance --seed 3",
    );
    let line = report.repeat.strip_prefix("fulcrum cascade ").expect("the whole line");
    assert_eq!(cascade(line), report);
}
