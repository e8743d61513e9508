//! LOBSTER flow on made-up files, in each of the three containers, and on a recorded one where it is there.

use std::io::Write;
use std::path::PathBuf;

use super::*;
use crate::flow::inline::{Played, play};
use crate::flow::random::Random;

/// Two sides, a partial cancel, two executions, a delete, a hidden execution, a halt, and ids never added.
const MADE_UP: &str = "\
34200.1,1,10,100,1000000,1
34200.2,1,11,50,1000200,-1
34200.3,1,12,70,1000200,-1
34200.4,2,10,40,1000000,1
34200.5,4,11,50,1000200,-1
34200.6,4,12,20,1000200,-1
34200.7,5,0,5,1000100,1
34200.8,3,10,60,1000000,1
34200.9,3,99,10,1000000,1
34201.0,7,0,0,-1,-1
34201.1,4,98,10,1000300,-1
";

fn written(name: &str, octets: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, octets).unwrap();
    (directory, path)
}

fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn notes(flow: &LobsterFlow) -> Vec<(&'static str, u64)> {
    flow.notes().into_iter().map(|note| (note.key, note.count)).filter(|(_, count)| *count > 0).collect()
}

fn fills(played: &Played) -> Vec<(i64, i64)> {
    let mut list = Vec::new();
    for event in &played.events {
        if let Event::Fill(fill) = event {
            list.push((fill.price.get(), fill.qty.get()));
        }
    }
    list
}

#[test]
fn every_message_is_played_or_counted() {
    let (_directory, path) = written("made_up.csv", MADE_UP.as_bytes());
    let mut flow = LobsterFlow::open(&path, None).unwrap();
    let played = play(&mut flow, 2);
    assert_eq!(fills(&played), [(1_000_200, 50), (1_000_200, 20)]);
    assert_eq!(
        notes(&flow),
        [("messages", 11), ("skipped_hidden", 1), ("skipped_halts", 1), ("never_added", 2)]
    );
    assert!(!played.events.iter().any(|event| matches!(event, Event::Rejected { .. })));
    let rest: Vec<_> = flow.view.orders().map(|(_, order)| order.leaves.get()).collect();
    assert_eq!(rest, [50], "of order 12 there remain 70 less 20");
    played.venue.ledger().check();
}

#[test]
fn the_container_makes_no_difference() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(MADE_UP.as_bytes()).unwrap();
    let archive =
        zipped(&[("X_orderbook_5.csv", "1,2,3,4\n"), ("X_message_5.csv", MADE_UP), ("readme.txt", "")]);
    let plain = written("made_up.csv", MADE_UP.as_bytes());
    let expected = play(&mut LobsterFlow::open(&plain.1, None).unwrap(), 0).commands;
    for octets in [packed.finish().unwrap(), archive] {
        let (_directory, path) = written("packed", &octets);
        assert_eq!(play(&mut LobsterFlow::open(&path, None).unwrap(), 0).commands, expected);
    }
}

#[test]
fn orders_out_of_sight_are_cancelled_before_they_trade() {
    let text = "1,1,1,100,1000000,-1\n2,1,2,10,1000100,1\n3,3,1,100,1000000,-1\n";
    let (_directory, path) = written("gone.csv", text.as_bytes());
    let mut flow = LobsterFlow::open(&path, None).unwrap();
    let played = play(&mut flow, 0);
    assert!(fills(&played).is_empty());
    assert_eq!(notes(&flow), [("messages", 3), ("gone_before", 1), ("out_of_sight", 1)]);
}

#[test]
fn errors_name_file_and_line() {
    let cases = [
        ("1,1,1,1,100,1\n1,1,x,1,100,1\n", "line 2: order is 'x'"),
        ("time,type,order,size,price,direction\n", "line 1: time is 'time'"),
        ("1,7,0,0,-1,-1\n", "no order in it"),
        ("1,1,1,1,1000000000000,1\n1,1,2,1,1,1\n", "out of the venue's range"),
    ];
    for (text, expected) in cases {
        let (_directory, path) = written("broken.csv", text.as_bytes());
        let error = LobsterFlow::open(&path, None).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("broken.csv"), "{error}");
    }
    let error = LobsterFlow::open(Path::new("/nowhere/x.csv"), None).unwrap_err().to_string();
    assert!(error.contains("cannot read /nowhere/x.csv"), "{error}");
    let (_directory, path) = written("a.zip", &zipped(&[("other.txt", "")]));
    let error = LobsterFlow::open(&path, None).unwrap_err().to_string();
    assert!(error.contains("found: other.txt"), "{error}");
}

/// Whole files of garbage, some of them beginning like an archive: an error or a flow, never a panic.
#[test]
fn garbage_never_panics() {
    let mut random = Random::new(0xdead);
    let archive = zipped(&[("X_message_5.csv", MADE_UP)]);
    for _ in 0..300 {
        let mut octets = match random.below(3) {
            0 => archive.clone(),
            1 => MADE_UP.as_bytes().to_vec(),
            _ => [&[0x1f, 0x8b][..], MADE_UP.as_bytes()].concat(),
        };
        for _ in 0..random.below(20) {
            let place = random.index(octets.len());
            octets[place] = u8::try_from(random.below(256)).unwrap();
        }
        let (_directory, path) = written("garbage", &octets);
        if let Ok(mut flow) = LobsterFlow::open(&path, None) {
            play(&mut flow, 1).venue.ledger().check();
        }
    }
}

#[test]
fn the_recorded_hour_plays_to_its_end() {
    // Beside the repository, or where FULCRUM_DATA says.
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = std::env::var_os("FULCRUM_DATA")
        .map_or_else(beside, PathBuf::from)
        .join("lobster_aapl/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz");
    if !path.exists() {
        eprintln!("skipped: {} is not on this machine", path.display());
        return;
    }
    let mut flow = LobsterFlow::open(&path, None).unwrap();
    assert_eq!(flow.survey().messages, 91_997);
    assert!(flow.survey().whole_cents);
    let played = play(&mut flow, 256);
    played.venue.ledger().check();
    assert_eq!(flow.progress(), (91_997, 91_997));
    let filled = fills(&played).len();
    // 4,055 visible executions are of orders the file added.
    assert!((4_000..4_300).contains(&filled), "{filled} fills");
    let counts = notes(&flow);
    assert_eq!(
        counts[..3],
        [("messages", 91_997), ("skipped_hidden", 2_201), ("never_added", 84)],
        "{counts:?}"
    );
    let rejects = played.events.iter().filter(|event| matches!(event, Event::Rejected { .. })).count();
    assert!(rejects < 200, "{rejects} rejects");
    assert!(counts.iter().all(|(key, count)| *key != "out_of_sight" || *count < 1_000), "{counts:?}");
}
