//! LOBSTER files made by hand, and broken ones.

use std::io::Write;

use super::{Folder, error, figures, fulcrum, reasons, report};

const LOBSTER: &[&str] = &["--format", "lobster"];

/// A queue jumped and then left, a level that comes up, one that changed out of sight, an order nobody told of, a hidden
/// execution, a halt.
const MESSAGES: &str = "\
34200.1,1,10,100,1000000,1
34200.2,1,11,40,1000000,1
34200.3,4,10,100,1000000,1
34200.4,1,12,5,1000000,1
34200.5,4,12,5,1000000,1
34200.6,3,11,40,1000000,1
34200.7,2,77,10,1000200,-1
34200.8,5,0,7,1000100,1
34200.9,1,20,15,1000100,-1
34201.0,4,20,15,1000100,-1
34201.1,7,0,0,-1,-1
";
const BOOK: &str = "\
1000200,50,1000000,100,1000300,20,999900,30
1000200,50,1000000,140,1000300,20,999900,30
1000200,50,1000000,40,1000300,20,999900,30
1000200,50,1000000,45,1000300,20,999900,30
1000200,50,1000000,40,1000300,20,999900,30
1000200,50,999900,30,1000300,20,999800,70
1000200,40,999900,30,1000300,20,999800,70
1000200,40,999900,30,1000300,20,999800,70
1000100,15,999900,30,1000200,40,999800,70
1000200,40,999900,30,1000300,25,999800,70
1000200,40,999900,30,1000300,25,999800,70
";
const FIGURES: [&str; 7] =
    ["messages", "rows", "bbo_equal", "book_equal", "steps_equal", "executions", "fifo_head"];

#[test]
fn a_made_up_hour_is_told_apart() {
    let folder = Folder::new();
    let (messages, book) = (folder.write("m.csv", MESSAGES), folder.write("b.csv", BOOK));
    let report = report(LOBSTER, &[("--messages", &messages), ("--book", &book)], 0);
    assert_eq!(figures(&report, FIGURES), [11, 11, 11, 9, 11, 3, 2]);
    assert_eq!(figures(&report, ["untold", "refused", "oversized", "crossed_out"]), [0, 0, 0, 0]);
    assert_eq!((&report["row_by_row"], &report["explained"]), (&true.into(), &true.into()));
    assert_eq!(reasons(&report, "book"), [("surfaced".to_owned(), 1), ("changed_unseen".to_owned(), 1)]);
    assert_eq!(reasons(&report, "fifo"), [("passed_then_cancelled".to_owned(), 1)]);
    let first = &report["disagreements"][0];
    assert_eq!((first["check"].as_str(), first["row"].as_u64()), (Some("fifo"), Some(4)));
    assert_eq!(first["line"], 5);
    assert_eq!(first["found"], "order 11 is first, 1 before order 12");
    let last = &report["disagreements"][2];
    assert_eq!(
        (last["expected"].as_str(), last["found"].as_str()),
        (Some("ask 2: 1000300,25"), Some("ask 2: 1000300,20"))
    );
}

#[test]
fn the_table_names_every_reason() {
    let folder = Folder::new();
    let (messages, book) = (folder.write("m.csv", MESSAGES), folder.write("b.csv", BOOK));
    let output = fulcrum(LOBSTER, &[("--messages", &messages), ("--book", &book)]);
    let printed = String::from_utf8(output.stdout).unwrap();
    for expected in
        ["all levels equal                               9 of 11", "surfaced", "passed_then_cancelled"]
    {
        assert!(printed.contains(expected), "{expected} in {printed}");
    }
}

/// Fewer levels, and the same files in the other containers, with column names, blank lines and carriage returns.
#[test]
fn the_container_makes_no_difference() {
    let folder = Folder::new();
    let plain = (folder.write("m.csv", MESSAGES), folder.write("b.csv", BOOK));
    let expected = report(LOBSTER, &[("--messages", &plain.0), ("--book", &plain.1)], 0);
    let packed = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [("X_orderbook_2.csv", BOOK), ("X_message_2.csv", MESSAGES), ("readme.txt", "")] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    let archive = folder.write("X.zip", archive.finish().unwrap().into_inner());
    let dressed =
        |names: &str, text: &str| format!("\u{feff}{names}\r\n\r\n{}\r\n\n", text.replace('\n', "\r\n"));
    let others = [
        vec![("--messages", archive.clone())],
        vec![("--messages", archive.clone()), ("--book", archive)],
        vec![
            ("--messages", folder.write("m.gz", packed(MESSAGES))),
            ("--book", folder.write("b.gz", packed(BOOK))),
        ],
        vec![
            (
                "--messages",
                folder.write("d.csv", dressed("Time,Type,OrderID,Size,Price,Direction", MESSAGES)),
            ),
            ("--book", folder.write("e.csv", dressed("AskPrice1,AskSize1,BidPrice1,BidSize1", BOOK))),
        ],
    ];
    for files in &others {
        let files: Vec<_> = files.iter().map(|(name, path)| (*name, path.as_path())).collect();
        let found = report(LOBSTER, &files, 0);
        assert_eq!(figures(&found, FIGURES), figures(&expected, FIGURES), "{files:?}");
        assert_eq!(found["reasons"], expected["reasons"]);
    }
    let narrow = report(
        &["--format", "lobster", "--levels", "1"],
        &[("--messages", &plain.0), ("--book", &plain.1)],
        0,
    );
    assert_eq!(figures(&narrow, FIGURES), [11, 11, 11, 11, 11, 3, 2]);
}

/// A row that says something else than its message is the file's contradiction, and does not spoil what comes after.
#[test]
fn a_row_that_does_not_follow_is_found() {
    let folder = Folder::new();
    let wrong = BOOK.replace("1000000,45", "1000000,46");
    let (messages, book) = (folder.write("m.csv", MESSAGES), folder.write("b.csv", wrong));
    let report = report(LOBSTER, &[("--messages", &messages), ("--book", &book)], 0);
    assert_eq!(figures(&report, ["bbo_equal", "steps_equal"]), [9, 9]);
    assert_eq!(reasons(&report, "bbo"), [("contradiction".to_owned(), 2)]);
    assert_eq!(report["disagreements"][0]["expected"], "1000200,50,1000000,46");
    assert_eq!(report["disagreements"][0]["found"], "1000200,50,1000000,45");
}

/// Best bid and offer only, beside messages that go deeper: the start is a wider file's first row where there is one.
#[test]
fn a_wider_file_is_started_from() {
    let messages = "1,1,1,10,100,1\n2,1,2,5,99,1\n3,3,1,10,100,1\n4,4,2,2,99,1\n";
    let bbo = "101,1,100,10\n101,1,100,10\n101,1,99,12\n101,1,99,10\n";
    let wider = "101,1,100,10,102,1,99,7\n";
    let folder = Folder::new();
    let (m, b) = (folder.write("m.csv", messages), folder.write("b.csv", bbo));
    let narrow = report(LOBSTER, &[("--messages", &m), ("--book", &b)], 0);
    assert_eq!((narrow["row_by_row"].as_bool(), narrow["seed_levels"].as_u64()), (Some(false), Some(1)));
    assert_eq!(figures(&narrow, ["bbo_equal", "executions", "fifo_head"]), [2, 1, 1]);
    assert_eq!(reasons(&narrow, "bbo"), [("changed_unseen".to_owned(), 2)]);
    let seed = folder.write("w.csv", wider);
    let given = report(LOBSTER, &[("--messages", &m), ("--book", &b), ("--seed", &seed)], 0);
    assert_eq!(figures(&given, ["bbo_equal", "seed_levels", "fifo_head"]), [4, 2, 1]);
    let beside = folder.write("X_message_2.csv", messages);
    folder.write("X_orderbook_2_first.csv", wider);
    folder.write("X_orderbook_20.csv", "nothing");
    let found = report(LOBSTER, &[("--messages", &beside), ("--book", &b)], 0);
    assert_eq!(figures(&found, ["bbo_equal", "seed_levels"]), [4, 2]);
    let other = folder.write("o.csv", "101,1,98,10,102,1,97,7\n");
    let said = error(LOBSTER, &[("--messages", &m), ("--book", &b), ("--seed", &other)]);
    assert!(said.contains("its first row is not that of the book file"), "{said}");
}

/// Where nothing says what is left of the book, an execution through a better price takes that price away, and so does an
/// order that rests where it would have traded.
#[test]
fn what_the_market_traded_through_is_gone() {
    let messages = "\
1,1,1,10,100,1\n2,1,2,5,99,1\n3,3,1,10,100,1\n4,4,2,5,99,1\n5,1,5,3,95,1\n6,4,55,4,96,1\n7,4,5,1,95,1\n8,1,8,1,102,1\n";
    let bbo = "\
101,1,100,10\n101,1,100,10\n101,1,99,5\n101,1,96,4\n101,1,96,4\n101,1,95,3\n101,1,95,2\n105,1,102,1\n";
    let folder = Folder::new();
    let seed = folder.write("w.csv", "101,1,100,10,102,1,97,7\n");
    let (m, b) = (folder.write("m.csv", messages), folder.write("b.csv", bbo));
    let report = report(LOBSTER, &[("--messages", &m), ("--book", &b), ("--seed", &seed)], 0);
    assert_eq!(figures(&report, ["rows", "bbo_equal", "steps_equal"]), [8, 4, 7]);
    assert_eq!(figures(&report, ["executions", "fifo_head", "executions_untold", "untold"]), [2, 1, 1, 1]);
    // The asks at 101 and 102 rest here, and an order to buy at 102 did not meet them.
    assert_eq!(figures(&report, ["crossed_out", "refused"]), [2, 0]);
    assert_eq!(reasons(&report, "bbo"), [("changed_unseen".to_owned(), 3), ("surfaced".to_owned(), 1)]);
    assert_eq!(reasons(&report, "fifo"), [("better_unseen".to_owned(), 1)]);
}

#[test]
fn errors_are_one_line_with_file_and_line() {
    let cases = [
        (MESSAGES, "1,1,1\n", "b.csv, line 1: 3 fields, expected 4 for each level"),
        (MESSAGES, MESSAGES, "b.csv, line 1: 6 fields"),
        (BOOK, MESSAGES, "m.csv, line 1: type is '50'"),
        (MESSAGES, "", "b.csv: no row in it"),
        ("\n\n", BOOK, "m.csv: no message in it"),
        ("time,type\ntime,type\n", BOOK, "m.csv, line 2: time is 'time'"),
        ("1,1,1,1,1000,1\n", BOOK, "b.csv, line 2: a row without a message"),
        ("1,1,1,1,1000050,1\n", "1000200,50,1000000,100\n", "its first row does not show the first message"),
        ("1,1,1,1,1000000,1\n", "1000000,50,1000000,100\n", "the best bid is not below the best ask"),
        (
            MESSAGES,
            "1000200,50,1000000,100\n1000200,50,1000000,100,1000300,1,1,1\n",
            "line 2: 2 levels, the rows before have 1",
        ),
        ("1,1,1,1,1000000000000,1\n", "1000200,50,1000000,100\n", "out of the venue's range"),
        (
            "1,1,1,1,100,1\n1,1,2,1,100,1\n1,1,3,1,100,1\n",
            "110,1,100,1\n109,1,100,1\n108,1,100,1\n",
            "only 1 of 3 rows follow",
        ),
    ];
    for (messages, book, expected) in cases {
        let folder = Folder::new();
        let (m, b) = (folder.write("m.csv", messages), folder.write("b.csv", book));
        let said = error(LOBSTER, &[("--messages", &m), ("--book", &b)]);
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let folder = Folder::new();
    let messages = folder.write("m.csv", MESSAGES);
    let said = error(LOBSTER, &[("--messages", &messages)]);
    assert!(said.contains("give the orderbook file with --book"), "{said}");
    let said = error(LOBSTER, &[("--messages", "/nowhere".as_ref()), ("--book", &messages)]);
    assert!(said.contains("cannot read /nowhere"), "{said}");
    let cut = folder.write("cut.gz", [0x1f, 0x8b, 8, 0]);
    let said = error(LOBSTER, &[("--messages", &cut), ("--book", &messages)]);
    assert!(said.contains("cut.gz, line 1: cannot go on reading"), "{said}");
}

#[test]
fn wrong_usage_ends_with_two() {
    let folder = Folder::new();
    let file = folder.write("m.csv", MESSAGES);
    let usages: [&[&str]; 5] = [
        &["--format", "lobster"],
        &["--format", "bitstamp"],
        &["--format", "itch"],
        &[],
        &["--format", "lobster", "--messages", file.to_str().unwrap(), "--levels", "0"],
    ];
    for usage in usages {
        assert_eq!(fulcrum(usage, &[]).status.code(), Some(2), "{usage:?}");
    }
    let mixed = fulcrum(LOBSTER, &[("--messages", &file), ("--orders", &file), ("--trades", &file)]);
    assert_eq!(mixed.status.code(), Some(2));
}
