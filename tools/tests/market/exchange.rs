//! A naive exchange that writes LOBSTER files of as many levels as wanted, and the comparison of what it wrote.
//!
//! Invariant: the exchange is ordered maps of queues and knows nothing of the engine. As the vendor does, it writes only
//! what touches the levels shown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use tools::flow::random::Random;
use tools::market::lobster::{Files, Options, run};

use super::{Folder, figures, reasons, report};

/// Orders (number, size) by price; prices of bids are negative, so that the best is first on both sides.
type Side = BTreeMap<i64, Vec<(u64, u64)>>;

#[derive(Default)]
struct Exchange {
    sides: [Side; 2],
    levels: usize,
    messages: String,
    rows: String,
    last_number: u64,
    written: u64,
}

impl Exchange {
    fn new(levels: usize) -> Self {
        Self { levels, ..Self::default() }
    }

    /// Whether `key` is among the levels shown, or would be.
    fn shows(&self, side: usize, key: i64) -> bool {
        self.sides[side].keys().take(self.levels).take_while(|&&at| at < key).count() < self.levels
    }

    fn write(&mut self, kind: u8, number: u64, size: u64, side: usize, key: i64) {
        self.written += 1;
        let direction = if side == 0 { 1 } else { -1 };
        writeln!(self.messages, "{},{kind},{number},{size},{},{direction}", self.written, key.abs())
            .expect("into memory");
        let level = |side: usize, place: usize| {
            let found = self.sides[side].iter().nth(place);
            let empty = if side == 0 { -9_999_999_999 } else { 9_999_999_999 };
            found.map_or((empty, 0), |(key, queue)| {
                (key.abs(), queue.iter().map(|order| order.1).sum::<u64>())
            })
        };
        for place in 0..self.levels {
            let (ask, bid) = (level(1, place), level(0, place));
            let comma = if place == 0 { "" } else { "," };
            write!(self.rows, "{comma}{},{},{},{}", ask.0, ask.1, bid.0, bid.1).expect("into memory");
        }
        self.rows.push('\n');
    }

    fn add(&mut self, random: &mut Random) {
        let side = random.index(2);
        let price = 1_000_000
            + 100 * i64::try_from(random.below(12)).expect("below 12") * if side == 0 { -1 } else { 1 };
        let price = if side == 1 { price + 100 } else { price };
        let key = if side == 0 { -price } else { price };
        let (shown, size) = (self.shows(side, key), 1 + random.below(50));
        self.last_number += 1;
        self.sides[side].entry(key).or_default().push((self.last_number, size));
        if shown {
            self.write(1, self.last_number, size, side, key);
        }
    }

    /// Cancels an order, or a part of it.
    fn cancel(&mut self, random: &mut Random) {
        let side = random.index(2);
        let keys: Vec<i64> = self.sides[side].keys().copied().collect();
        if keys.len() < 2 {
            return;
        }
        let key = keys[random.index(keys.len())];
        let queue = &self.sides[side][&key];
        let place = random.index(queue.len());
        let whole = random.below(3) > 0 || queue[place].1 == 1;
        self.take(if whole { 3 } else { 2 }, side, key, place, whole);
    }

    /// Executes the first order of the best price, or the last where `first_in` is not the rule.
    fn execute(&mut self, random: &mut Random, first_in: bool) {
        let side = random.index(2);
        if self.sides[side].len() < 2 {
            return;
        }
        let (&key, queue) = self.sides[side].first_key_value().expect("two levels at least");
        let place = if first_in { 0 } else { queue.len() - 1 };
        self.take(4, side, key, place, random.below(2) == 0 || queue[place].1 == 1);
    }

    fn take(&mut self, kind: u8, side: usize, key: i64, place: usize, whole: bool) {
        let shown = self.shows(side, key);
        let queue = self.sides[side].get_mut(&key).expect("a level");
        let (number, held) = queue[place];
        let size = if whole { held } else { held.div_ceil(2).min(held - 1) };
        queue[place].1 -= size;
        if whole {
            queue.remove(place);
        }
        if queue.is_empty() {
            self.sides[side].remove(&key);
        }
        if shown {
            self.write(kind, number, size, side, key);
        }
    }

    fn run(mut self, seed: u64, steps: u64, first_in: bool) -> (String, String) {
        let mut random = Random::new(seed);
        for _ in 0..steps {
            match random.below(10) {
                0..=4 => self.add(&mut random),
                5..=7 => self.cancel(&mut random),
                _ => self.execute(&mut random, first_in),
            }
        }
        (self.messages, self.rows)
    }
}

fn compared(levels: usize, seed: u64, first_in: bool) -> Value {
    let (messages, rows) = Exchange::new(levels).run(seed, 3_000, first_in);
    let folder = Folder::new();
    let (messages, book) = (folder.write("m.csv", messages), folder.write("b.csv", rows));
    report(&["--format", "lobster"], &[("--messages", &messages), ("--book", &book)], 0)
}

/// Nothing is ever out of sight, so everything agrees.
#[test]
fn a_whole_book_agrees_on_every_row() {
    for (levels, seed) in [(12, 1), (50, 2), (50, 3)] {
        let report = compared(levels, seed, true);
        let [rows, bbo, book, steps] = figures(&report, ["rows", "bbo_equal", "book_equal", "steps_equal"]);
        assert!(rows > 2_500 && [bbo, book, steps] == [rows; 3], "{report}");
        let [executions, head, untold] = figures(&report, ["executions", "fifo_head", "untold"]);
        assert!(executions > 200 && executions == head && untold == 0, "{report}");
        assert_eq!(report["reasons"], serde_json::json!([]));
    }
}

/// Levels come and go unseen: every disagreement is put down to that, and first in stays first out.
#[test]
fn a_cut_book_is_explained() {
    for (levels, seed) in [(1, 1), (2, 2), (5, 3), (10, 4)] {
        let report = compared(levels, seed, true);
        let [rows, steps, refused] = figures(&report, ["rows", "steps_equal", "refused"]);
        assert_eq!((steps, refused), (rows, 0), "{levels} levels");
        let [executions, head, untold] = figures(&report, ["executions", "fifo_head", "untold"]);
        assert!(executions > 20 && executions == head && untold == 0, "{levels} levels: {report}");
        let known = ["surfaced", "changed_unseen"];
        assert!(
            reasons(&report, "book").iter().all(|(reason, _)| known.contains(&reason.as_str())),
            "{report}"
        );
        let [bbo, book] = figures(&report, ["bbo_equal", "book_equal"]);
        assert!(bbo >= book && book < rows, "{levels} levels: {report}");
        if levels > 2 {
            assert_eq!(bbo, rows, "{levels} levels");
        }
    }
}

/// Files with octets exchanged and lines doubled or lost: a report or an error, never a panic.
#[test]
fn garbage_never_panics() {
    let mut random = Random::new(0xfeed);
    for round in 0..150 {
        let levels = [1, 2, 5][random.index(3)];
        let (messages, rows) = Exchange::new(levels).run(round, 60, true);
        let folder = Folder::new();
        let [messages, book] = [("m.csv", messages), ("b.csv", rows)].map(|(name, text)| {
            let mut lines: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
            for _ in 0..random.below(4) {
                let (line, octet) = (random.index(lines.len()), b"0123456789,-.\n\xff"[random.index(15)]);
                let place = random.index(lines[line].len());
                match random.below(4) {
                    0 => drop(lines.remove(line)),
                    1 => lines.insert(line, lines[line].clone()),
                    2 => lines[line].insert(place, octet),
                    _ => lines[line][place] = octet,
                }
            }
            folder.write(name, lines.join(&b'\n'))
        });
        let files = Files { messages, book, seed: None };
        // Either outcome is right.
        let _outcome = run(&Options { files, levels: None, list: 5 });
    }
}

/// An exchange that executes the last order first is found out, and the levels are nevertheless the same.
#[test]
fn last_in_first_out_is_found() {
    let report = compared(50, 5, false);
    let [rows, book, executions, head] = figures(&report, ["rows", "book_equal", "executions", "fifo_head"]);
    assert_eq!(book, rows);
    assert!(head < executions, "{report}");
    let found: u64 = reasons(&report, "fifo").iter().map(|(_, count)| count).sum();
    assert_eq!(found, executions - head);
}
