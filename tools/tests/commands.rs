//! The commands that trade, operate and serve, given wrong input: what is said, and with which exit code.
//!
//! Invariant: 2 for a command line that makes no sense, 1 for everything else; one line on standard error begins with
//! `error: `, names what is wrong and says what to do; nothing of it is on standard output.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn fulcrum(place: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fulcrum"));
    command.args(arguments).current_dir(place).env_remove("FULCRUM_CONNECT").stdin(Stdio::null());
    command
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A venue on a port of its own, and its directory.
struct Venue {
    child: Child,
    place: tempfile::TempDir,
    address: String,
}

impl Venue {
    fn start() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let arguments = ["serve", "--data", "venue", "--listen", "127.0.0.1:0", "--durability", "none"];
        let mut child = fulcrum(place.path(), &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary was built");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("readable");
        let address = line.trim_end().strip_prefix("listening on ").expect("it listens").to_owned();
        Self { child, place, address }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Runs a line at this venue.
    fn run(&self, line: &str) -> Output {
        let arguments = words(line);
        let mut command = fulcrum(self.place.path(), &arguments);
        command.env("FULCRUM_CONNECT", &self.address).output().expect("the binary was built")
    }

    fn done(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn refused(&self, line: &str, said: &[&str]) {
        assert_refused(line, &self.run(line), said);
    }

    /// Two accounts with money and keys, and a price.
    fn furnish(&self) {
        for name in ["alice", "bob", "oracle", "nobody"] {
            self.done(&format!("keygen {name}.key"));
        }
        for line in [
            "account open 100",
            "account open 101",
            "deposit 100 50000",
            "deposit 101 1000.5",
            "key add --file alice.key --account 100",
            "key add --file bob.key --account 101",
            "key add --file oracle.key --kind oracle",
        ] {
            self.done(&format!("admin --key venue.admin.key {line}"));
        }
        self.done("admin --key oracle.key index BTC-PERP 60000");
    }
}

impl Drop for Venue {
    fn drop(&mut self) {
        let _killed = self.child.kill().is_ok();
        let _waited = self.child.wait().is_ok();
    }
}

fn assert_refused(line: &str, output: &Output, said: &[&str]) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line}: {error}{}", text(&output.stdout));
    let last = error.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: "), "{line}: {error}");
    for part in said {
        assert!(last.contains(part), "{line}: no {part:?} in {error}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_2() {
    let place = tempfile::tempdir().unwrap();
    for line in [
        "serve --durability maybe",
        "serve --mode fast",
        "keygen",
        "admin account open 100",
        "admin --key k account open x",
        "admin --key k key add",
        "admin --key k key add --account 1",
        "admin --key k key add --file f --account 1 --kind trader",
        "admin --key k state BTC-PERP settled",
        "admin --key k auction BTC-PERP --call-ms soon",
        "admin --key k limits BTC-PERP --pause-band 2",
        "admin --key k group 100",
        "order --key k buy",
        "order --key k buy 1 BTC-PERP @ 1 --market",
        "order --key k buy 1 BTC-PERP @ 1 --post-only --ioc",
        "order --key k buy 1 BTC-PERP @ 1 --fok --ioc",
        "order --key k cancel",
        "order --key k cancel 1 --client 2",
        "order --key k buy 1 BTC-PERP @ 1 --stop 1 --trail 1",
        "order --key k buy 1 BTC-PERP @ 1 --stop 1 --when 1",
        "order --key k buy 1 BTC-PERP @ 1 --good-for 1 --day",
        "order --key k buy 1 BTC-PERP @ 1 --good-for 1 --ioc",
        "order --key k buy 1 BTC-PERP @ 1 --slide --post-only",
        "order --key k buy 1 BTC-PERP --market --slide",
        "order --key k buy 1 BTC-PERP @ 1 --self-trade allow",
        "order --key k quote BTC-PERP 1@1",
        "order --key k protect 1",
        "order --key k protect 1 --reset --end",
        "order --key k cancel-all --side both",
        "account",
        "book --key k",
        "book --key k BTC-PERP --levels 0",
        "load",
        "load --self-test --key k",
        "load --self-test --rate 0",
        "load --key k --oracle o",
    ] {
        let output = fulcrum(place.path(), &words(line)).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{line}");
    }
}

#[test]
fn what_is_wrong_before_anything_is_sent_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    std::fs::write(at("bad.toml"), "[log]\ndurability = 1\n").unwrap();
    std::fs::write(at("open.key"), "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\n")
        .unwrap();
    std::fs::set_permissions(at("open.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(at("bad.key"), "abc\n").unwrap();
    std::fs::set_permissions(at("bad.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::create_dir(at("foreign")).unwrap();
    std::fs::write(at("foreign/notes.txt"), "mine").unwrap();
    let run = |line: &str| fulcrum(place.path(), &words(line)).output().unwrap();
    assert_eq!(run("keygen a.key").status.code(), Some(0));
    let cases: [(&str, &[&str]); 12] = [
        ("keygen a.key", &["a.key", "nothing is ever overwritten"]),
        ("serve --config nowhere.toml", &["cannot read nowhere.toml", "--config"]),
        ("serve --config bad.toml", &["bad.toml, line 2: ", "--print-config"]),
        ("serve --listen nowhere", &["`nowhere` is no address"]),
        ("serve --data foreign --listen 127.0.0.1:0", &["foreign", "needs an empty directory"]),
        (
            "serve --data data --listen 192.0.2.1:1",
            &["cannot listen on 192.0.2.1:1", "choose another address"],
        ),
        ("account --key nowhere.key", &["cannot read the key file nowhere.key"]),
        ("account --key open.key", &["open to others", "chmod 600 open.key"]),
        ("account --key bad.key", &["bad.key is no key file"]),
        ("account --key a.key --connect nowhere", &["`nowhere` is no address", "HOST:PORT"]),
        ("load --key nowhere.key --connect 127.0.0.1:1", &["cannot read the key file nowhere.key"]),
        (
            "account --key a.key --connect 127.0.0.1:1",
            &["127.0.0.1:1", "check the address and that the venue runs"],
        ),
    ];
    for (line, said) in cases {
        let output = run(line);
        assert_refused(line, &output, said);
        assert!(output.stdout.is_empty(), "{line}");
    }
    assert_eq!(std::fs::read_to_string(at("foreign/notes.txt")).unwrap(), "mine");
}

#[test]
fn what_the_venue_refuses_is_said_with_what_to_do() {
    let venue = Venue::start();
    venue.furnish();
    venue.done("order --key alice.key sell 1 BTC-PERP @ 60010");
    let admin = "admin --key venue.admin.key";
    for (line, said) in [
        ("account --key nobody.key".to_owned(), &["UnknownKey", "register"][..]),
        ("admin --key alice.key account open 102".to_owned(), &["NoPermission"]),
        ("order --key oracle.key list".to_owned(), &["NoPermission"]),
        (format!("{admin} account open 100"), &["AlreadyExists", "choose another"]),
        (format!("{admin} account open 3"), &["SystemAccount"]),
        (format!("{admin} deposit 300 1"), &["UnknownAccount", "account open"]),
        (format!("{admin} deposit 100 0"), &["above zero"]),
        (format!("{admin} deposit 100 1,000"), &["no decimal number"]),
        (format!("{admin} deposit 100 0.0000001"), &["more than 6 decimals"]),
        (format!("{admin} withdraw 101 5000"), &["InsufficientFunds", "fulcrum account"]),
        (format!("{admin} key add --file alice.key --account 101"), &["AlreadyExists"]),
        (format!("{admin} key add 12 --account 101"), &["64 hexadecimal digits"]),
        (format!("{admin} key revoke 12"), &["16 hexadecimal digits"]),
        (format!("{admin} state DOGE-PERP open"), &["no instrument DOGE-PERP", "BTC-PERP, ETH-PERP"]),
        (format!("{admin} instrument add nowhere.toml"), &["cannot read nowhere.toml"]),
        ("admin --key oracle.key index BTC-PERP 0.01".to_owned(), &["more than 1 decimals"]),
        ("order --key bob.key buy 1 DOGE-PERP @ 1".to_owned(), &["no instrument DOGE-PERP"]),
        ("order --key bob.key buy 0.01 BTC-PERP".to_owned(), &["a price is missing", "--market"]),
        ("order --key bob.key buy 0.01 BTC-PERP 60000".to_owned(), &["@ PRICE"]),
        ("order --key bob.key buy 0.00001 BTC-PERP @ 60000".to_owned(), &["more than 4 decimals"]),
        ("order --key bob.key buy 0.01 BTC-PERP @ 60000.3".to_owned(), &["BadPrice", "multiple of the tick"]),
        ("order --key bob.key buy 0.01 BTC-PERP @ 90000".to_owned(), &["PriceBand", "too far from the mark"]),
        ("order --key bob.key buy 5 BTC-PERP @ 60000".to_owned(), &["InsufficientMargin", " short"]),
        ("order --key bob.key buy 0.01 BTC-PERP @ 60020 --post-only".to_owned(), &["PostOnlyWouldCross"]),
        ("order --key bob.key buy 0.01 ETH-PERP @ 2500".to_owned(), &["NoMarkPrice", "admin index"]),
        ("order --key bob.key cancel 16777216".to_owned(), &["UnknownOrder", "order list"]),
        ("order --key bob.key leverage BTC-PERP 200".to_owned(), &["LeverageTooHigh"]),
        ("account --key venue.admin.key --account 300".to_owned(), &["UnknownAccount"]),
    ] {
        venue.refused(&line, said);
    }
    venue.done(&format!("{admin} suspend 101 --cancel-orders"));
    venue.refused("order --key bob.key buy 0.01 BTC-PERP @ 59000", &["AccountSuspended", "admin activate"]);
    venue.done(&format!("{admin} activate 101"));
    venue.done("order --key bob.key buy 0.01 BTC-PERP @ 59000");
    assert_eq!(venue.done("order --key alice.key list").lines().count(), 2);
}

#[test]
fn a_venue_is_served_once() {
    let venue = Venue::start();
    let again = "serve --data venue --listen 127.0.0.1:0";
    assert_refused(again, &venue.run(again), &["is locked by another process", "name another directory"]);
    let taken = format!("serve --data other --listen {}", venue.address);
    assert_refused(&taken, &venue.run(&taken), &["cannot listen on", "choose another address"]);
    assert!(venue.path("venue.admin.key").exists());
}

/// Programs read JSON; both say the same.
#[test]
fn json_is_json() {
    let venue = Venue::start();
    venue.furnish();
    let object = |line: &str| -> serde_json::Value {
        let printed = venue.done(line);
        serde_json::from_str(printed.lines().next().expect("a line"))
            .unwrap_or_else(|_| panic!("{line}: {printed}"))
    };
    let accepted = object("order --json --key alice.key sell 0.5 BTC-PERP @ 60010");
    assert_eq!((&accepted["event"], &accepted["quantity"]), (&"accepted".into(), &"0.5000".into()));
    assert_eq!(object("order --json --key alice.key list")["order"], accepted["order"]);
    let account = object("account --json --key bob.key");
    assert_eq!((&account["account"], &account["equity"]), (&101.into(), &"1000.500000".into()));
    let book = object("book --json --key bob.key btc-perp");
    assert_eq!(book["offers"][0]["price"], "60010.0");
    assert_eq!(object("admin --json --key venue.admin.key instrument list")["name"], "BTC-PERP");
    assert!(object("keygen --json extra.key")["public"].is_string());
}

/// Everything an order may say by hand, and what is said of it.
#[test]
fn orders_with_instructions_are_placed_by_hand() {
    let venue = Venue::start();
    venue.furnish();
    let alice = "order --key alice.key";
    let said = |line: &str, parts: &[&str]| {
        let printed = venue.done(line);
        assert!(parts.iter().all(|part| printed.contains(part)), "{line}: no {parts:?} in {printed}");
    };
    let bracket = "buy 0.1 BTC-PERP @ 59900 --take-profit 61000 --stop-loss 59000 --display 0.02 --tag 7";
    said(&format!("{alice} {bracket}"), &["accepted", "armed", "trigger 61000.0", "trigger 59000.0"]);
    said(&format!("{alice} sell 0.1 BTC-PERP --market --trail 500"), &["armed", "trigger 59500.0"]);
    said(&format!("{alice} sell 0.1 BTC-PERP @ 58900 --stop 59000 --on last"), &["armed", "when last"]);
    said(&format!("{alice} buy 0.1 BTC-PERP @ 59800 --good-for 3600"), &["accepted"]);
    said(&format!("{alice} buy 0.1 BTC-PERP @ 59800 --day --slide"), &["accepted"]);
    assert_eq!(venue.done(&format!("{alice} list")).lines().count(), 8, "a header and seven orders");
    said(&format!("{alice} cancel-all --tag 7"), &["cancelled", "contingent"]);
    said(&format!("{alice} protect 3 BTC-PERP --quantity 0.1"), &["protection", "group 3"]);
    said(&format!("{alice} quote BTC-PERP 0.1@59990 0.1@60010 --group 3"), &["quoted", "taken 2"]);
    said("order --key bob.key buy 1000 BTC-PERP --spend", &["filled", "price 60010.0"]);
    said("order --key bob.key sell 0 BTC-PERP --market --close", &["filled", "price 59990.0"]);
    for (line, parts) in [
        (format!("{alice} buy 0.1 BTC-PERP @ 59000 --display 0"), &["Unsupported"][..]),
        (format!("{alice} buy 0.1 BTC-PERP @ 59000 --at-least 0.1"), &["MinQtyNotFillable"]),
        (format!("{alice} buy 0.1 BTC-PERP @ 59000 --take-profit 58000 --stop-loss 59500"), &["BadTrigger"]),
        (format!("{alice} buy 0.1 BTC-PERP @ 59000 --group 9"), &["UnknownProtection"]),
        (format!("{alice} quote BTC-PERP 0.1 0.1@60010"), &["QUANTITY@PRICE"]),
    ] {
        venue.refused(&line, parts);
    }
    let admin = "admin --key venue.admin.key";
    for line in [
        "limits BTC-PERP --pause-band 1 --pause-ms 50",
        "group 101 4",
        "suspend-group 4 --cancel-orders",
        "activate-group 4",
        "auction BTC-PERP --call-ms 60000",
        "state BTC-PERP closed",
        "settle BTC-PERP 60000",
    ] {
        venue.done(&format!("{admin} {line}"));
    }
    venue.refused(&format!("{admin} settle BTC-PERP 60000"), &["NotTrading"]);
    let listed = venue.done(&format!("{alice} list"));
    assert!(listed.contains("reason settled") && listed.ends_with("no resting order\n"), "{listed}");
}

/// What rests stays when a command ends, and a session goes on where the last command left it.
#[test]
fn a_session_by_hand_goes_on() {
    let venue = Venue::start();
    venue.furnish();
    let placed = venue.done("order --key alice.key sell 0.5 BTC-PERP @ 60010 --post-only");
    assert!(placed.starts_with("accepted") && placed.contains(" client 1 "), "{placed}");
    let taken = venue.done("order --key bob.key buy 0.01 BTC-PERP --market");
    assert!(taken.contains("filled") && taken.contains("price 60010.0"), "{taken}");
    let since = venue.done("order --key alice.key amend 16777216 --quantity 0.3");
    assert!(since.contains("since: filled") && since.contains("place_kept true"), "{since}");
    let gone = venue.done("order --key alice.key cancel --client 1");
    assert!(gone.starts_with("cancelled"), "{gone}");
    assert_eq!(venue.done("order --key alice.key list"), "no resting order\n");
    // Without its file a session learns its numbers from the venue.
    std::fs::remove_file(venue.path("alice.key.orders-0")).unwrap();
    let again = venue.done("order --key alice.key sell 0.1 BTC-PERP @ 60011");
    assert!(again.contains("accepted"), "{again}");
}

#[test]
fn load_measures_a_venue_of_its_own_and_a_running_one() {
    let venue = Venue::start();
    let common = "--sessions 4 --rate 500 --duration 1 --warm-up 0 --json";
    for line in [
        format!("load --self-test --durability none {common} --hdr latency.hgrm"),
        format!("load --admin venue.admin.key {common}"),
        // The accounts are there by now.
        format!("load --admin venue.admin.key {common}"),
    ] {
        let report: serde_json::Value = serde_json::from_str(&venue.done(&line)).unwrap();
        assert_eq!((&report["sent"], &report["answered"]), (&500.into(), &500.into()), "{line}: {report}");
        assert!(report["latency_us"]["p99_99"].is_f64() && report["unanswered"] == 0, "{report}");
    }
    let distribution = std::fs::read_to_string(venue.path("latency.hgrm")).unwrap();
    assert!(distribution.contains("Percentile") && distribution.contains("#[Max"), "{distribution}");
}

#[test]
fn the_effective_configuration_is_printed() {
    let place = tempfile::tempdir().unwrap();
    let line = "serve --print-config --data here --listen [::1]:9 --durability none --mode dedicated";
    let output = fulcrum(place.path(), &words(line)).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let printed = text(&output.stdout);
    for setting in
        ["data = \"here\"", "listen = \"[::1]:9\"", "durability = \"none\"", "mode = \"dedicated\""]
    {
        assert!(printed.contains(setting), "{setting}: {printed}");
    }
    std::fs::write(place.path().join("again.toml"), &printed).unwrap();
    let again =
        fulcrum(place.path(), &["serve", "--print-config", "--config", "again.toml"]).output().unwrap();
    assert_eq!(text(&again.stdout), printed);
}
