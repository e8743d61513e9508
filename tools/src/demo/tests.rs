//! The demonstration, verification and replay end to end, in this process, with small numbers.

use std::path::Path;

use gateway::log::Durability;
use gateway::process::Layout;
use gateway::runner::Mode;

use super::*;
use crate::replay::{self, Format, ReplayError};
use crate::verify;

fn options(orders: u64, directory: Option<&Path>) -> Options {
    let layout = Layout { mode: Mode::Shared, pin: false, ..Layout::default() };
    let source = Source::Modelled(Size { seed: 3, accounts: 60, orders });
    Options {
        source,
        directory: directory.map(Path::to_owned),
        durability: Durability::None,
        layout,
        acks: None,
        in_process: true,
    }
}

fn over_tcp(orders: u64, directory: Option<&Path>) -> Options {
    Options { in_process: false, ..options(orders, directory) }
}

fn replayed(directory: &Path, format: Format, from: Option<u64>, to: Option<u64>) -> (String, replay::End) {
    let options = replay::Options { directory: directory.to_owned(), from, to, format, output: None };
    let mut output = Vec::new();
    let end = replay::run(&options, &mut output).unwrap();
    (String::from_utf8(output).unwrap(), end)
}

#[test]
fn summary_has_its_keys_and_the_log_verifies() {
    let summary = run(&options(20_000, None), &Interrupt::default()).unwrap();
    assert!(summary.verified && summary.conserved && !summary.interrupted);
    assert!(summary.fills > 500 && summary.liquidations > 0 && summary.checkpoints > 0, "{summary}");
    let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&summary).unwrap()).unwrap();
    for key in ["orders", "fills", "rejects", "liquidations", "throughput_per_s", "commands", "seed"] {
        assert!(json[key].is_u64(), "{key}: {json}");
    }
    for key in ["p50", "p90", "p99", "p99_9", "max"] {
        assert!(json["ack_latency_us"][key].is_f64(), "{key}: {json}");
    }
    assert_eq!((&json["conserved"], &json["verified"]), (&true.into(), &true.into()));
    assert!(
        json["rejects_by_reason"].is_object() && json["digest"].is_string() && json["flow"] == "modelled"
    );
}

/// Over TCP: the log is what was answered, every session was told what concerns it and nothing else, and the commands
/// come to the same in process.
#[test]
fn sessions_over_tcp_are_told_what_the_log_says() {
    let summary = run(&over_tcp(20_000, None), &Interrupt::default()).unwrap();
    assert!(summary.verified && summary.conserved && !summary.interrupted, "{summary}");
    assert_eq!((summary.in_process_agrees, summary.transport, summary.sessions), (Some(true), "tcp", 62));
    assert!(summary.fills > 500 && summary.liquidations > 0, "{summary}");
    let told = summary.told.unwrap();
    assert!(told.accepted > 5_000 && told.fill_sides > summary.fills && told.missed == 0, "{told:?}");
}

#[test]
fn an_interrupted_run_over_tcp_still_verifies() {
    let interrupt = Interrupt::default();
    interrupt.ask();
    let summary = run(&over_tcp(20_000, None), &interrupt).unwrap();
    assert!(summary.verified && summary.conserved && summary.interrupted);
    assert_eq!(summary.in_process_agrees, Some(true));
}

#[test]
fn the_same_seed_gives_the_same_orders() {
    let [one, two] = [(); 2].map(|()| run(&options(5_000, None), &Interrupt::default()).unwrap());
    assert_eq!(one.commands, two.commands);
    assert_eq!((one.fills, one.rejects, one.events), (two.fills, two.rejects, two.events));
    assert_eq!(one.rejects_by_reason, two.rejects_by_reason);
}

#[test]
fn an_interrupted_run_still_verifies() {
    let interrupt = Interrupt::default();
    interrupt.ask();
    let summary = run(&options(20_000, None), &interrupt).unwrap();
    assert!(summary.verified && summary.conserved && summary.interrupted);
}

#[test]
fn a_recorded_file_is_played() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("made_up_message_1.csv");
    std::fs::write(&path, "1,1,1,100,1000000,-1\n2,4,1,40,1000000,-1\n3,5,0,1,1000000,1\n").unwrap();
    for in_process in [true, false] {
        let source = Source::Lobster(path.clone(), None);
        let summary =
            run(&Options { source, in_process, ..options(0, None) }, &Interrupt::default()).unwrap();
        assert!(summary.verified && summary.conserved && summary.in_process_agrees != Some(false));
        assert_eq!((summary.fills, summary.notes["messages"], summary.notes["skipped_hidden"]), (1, 3, 1));
    }
}

#[test]
fn a_directory_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("x"), "").unwrap();
    let error = run(&options(10, Some(directory.path())), &Interrupt::default()).unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
}

#[test]
fn verify_finds_a_flipped_byte_and_names_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let summary = run(&options(5_000, Some(directory.path())), &Interrupt::default()).unwrap();
    let sound = verify::run(directory.path());
    assert!(sound.verified && sound.closed && sound.torn.is_none(), "{sound:?}");
    assert_eq!((sound.digest, sound.events), (Some(summary.digest), summary.events));
    let segment = directory.path().join("00000001.seg");
    let mut octets = std::fs::read(&segment).unwrap();
    octets[100_000] ^= 0x10;
    std::fs::write(&segment, octets).unwrap();
    let damaged = verify::run(directory.path());
    let error = damaged.error.unwrap();
    assert!(!damaged.verified && error.contains("00000001.seg") && error.contains("byte "), "{error}");
    let missing = verify::run(&directory.path().join("nowhere"));
    assert!(!missing.verified && missing.error.is_some());
}

/// Every format: a replay to N is a prefix of the whole, its digest that of a replay to N, and `--from` cuts the front.
#[test]
fn a_replay_to_a_sequence_is_a_prefix_of_the_whole() {
    let directory = tempfile::tempdir().unwrap();
    let summary = run(&options(4_000, Some(directory.path())), &Interrupt::default()).unwrap();
    let last = verify::run(directory.path()).last_seq;
    for format in [Format::Text, Format::Csv, Format::Jsonl] {
        let (whole, end) = replayed(directory.path(), format, None, None);
        assert_eq!((end.rows, end.last.seq.get()), (summary.events, last));
        assert_eq!(format!("{:032x}", end.digest), summary.digest);
        for to in [1, 2, 700, 3_000, last] {
            let (part, part_end) = replayed(directory.path(), format, None, Some(to));
            assert!(whole.starts_with(&part), "{format:?} to {to}");
            assert_eq!(part_end.last.seq.get(), to);
            let (rest, _) = replayed(directory.path(), format, Some(to + 1), None);
            let header = if format == Format::Csv { whole.find('\n').unwrap() + 1 } else { 0 };
            assert_eq!(format!("{part}{}", &rest[header..]), whole, "{format:?} from {to}");
        }
    }
    let (lines, _) = replayed(directory.path(), Format::Jsonl, None, Some(500));
    for line in lines.lines() {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(row["seq"].is_u64() && row["event"].is_string(), "{line}");
    }
    let options = replay::Options {
        directory: directory.path().to_owned(),
        from: None,
        to: Some(last + 1),
        format: Format::Text,
        output: None,
    };
    let beyond = replay::run(&options, &mut Vec::new()).unwrap_err();
    assert!(matches!(beyond, ReplayError::Beyond { .. }), "{beyond}");
}

#[test]
fn an_export_appears_whole() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("log");
    run(&options(1_000, Some(&log)), &Interrupt::default()).unwrap();
    let file = directory.path().join("events.csv");
    let options = replay::Options {
        directory: log.clone(),
        from: None,
        to: None,
        format: Format::Csv,
        output: Some(file.clone()),
    };
    replay::run(&options, &mut std::io::sink()).unwrap();
    let (text, _) = replayed(&log, Format::Csv, None, None);
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    assert!(
        text.starts_with("seq,time_ns,event,account,order,client_order_id,instrument,side,price,qty,leaves,")
    );
}
