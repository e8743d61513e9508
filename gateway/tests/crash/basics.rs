//! Round trips, rotation, refusals.
//!
//! Invariant: a log reads back as it was written, on a real directory as on a disk in memory.

use engine::{Capacity, Event, Seq, TimeNs};
use gateway::log::{
    CHECKPOINT_EVERY, Durability, Entry, EventLog, FORMAT_VERSION, Genesis, LogError, LogOptions, LogReader,
    RULES_VERSION, RealDisk, Record,
};

use crate::disk::{CrashDisk, Lie};
use crate::random::{command, events};
use crate::run::{Run, check, genesis, open, options};

const SEED: u64 = 3;

#[test]
fn a_log_reads_back_over_many_segments_and_restarts() {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(32 * 1024), SEED).expect("a fresh disk takes a log");
    let mut commands = Vec::new();
    for round in 0..6 {
        run.append(2500).and_then(|()| run.commit()).expect("a sound disk takes commands");
        let head = run.log.head();
        let acked = run.acked;
        if round % 2 == 0 {
            run.log.close().expect("a sound disk closes");
        }
        let (log, opened) = open(&disk, options(32 * 1024), SEED, &mut commands).expect("a sound log");
        check(&commands, SEED, acked, acked).expect("all commands");
        assert_eq!(opened.genesis, genesis());
        assert_eq!(opened.cut, None);
        assert_eq!(opened.end.closed, round % 2 == 0);
        assert_eq!(
            opened.end.head == head,
            round % 2 == 1,
            "only the closing record comes behind the last commit"
        );
        assert_eq!(opened.end.checkpoint.seq.get(), acked - acked % CHECKPOINT_EVERY);
        assert_eq!(opened.end.last_time, command(SEED, acked).stamp.time);
        run = Run { seed: SEED, log, appended: acked, acked };
    }
    assert!(disk.names().len() > 20, "many segments: {:?}", disk.names());
}

#[test]
fn the_bytes_of_a_log_are_pinned() {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(64 * 1024), SEED).expect("a fresh disk takes a log");
    run.append(100).and_then(|()| run.commit()).expect("a sound disk takes commands");
    run.log.close().expect("a sound disk closes");
    let hash = blake3::hash(&disk.content("00000001.seg"));
    // A change here is a change of FORMAT_VERSION, or of the commands' own bytes.
    assert_eq!(hash.to_hex().as_str(), "10732689e4ac7fbf0036e64b6ad1fa097d318d3614b16aea49ccbb7a61a367f2");
}

#[test]
fn records_follow_each_other_without_gaps() {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(64 * 1024), SEED).expect("a fresh disk takes a log");
    run.append(CHECKPOINT_EVERY + 1).and_then(|()| run.commit()).expect("a sound disk takes commands");
    run.log.close().expect("a sound disk closes");
    let mut reader = LogReader::open(disk).expect("a sound log");
    let mut kinds = Vec::new();
    while let Some(located) = reader.next_record().expect("a sound log") {
        match located.record {
            Record::Genesis(first) => assert_eq!(first, genesis()),
            Record::Command(logged) => kinds.push(logged.stamp.seq.get()),
            Record::Checkpoint(checkpoint) => assert_eq!(checkpoint.seq.get(), CHECKPOINT_EVERY),
            Record::Closed { seq } => assert_eq!(seq.get(), CHECKPOINT_EVERY + 1),
        }
    }
    assert_eq!(kinds, (1..=CHECKPOINT_EVERY + 1).collect::<Vec<_>>());
}

#[test]
fn other_events_than_the_live_run_had_are_refused() {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(64 * 1024), SEED).expect("a fresh disk takes a log");
    run.append(CHECKPOINT_EVERY).and_then(|()| run.commit()).expect("a sound disk takes commands");
    let opened = EventLog::open(disk, options(64 * 1024), &mut |logged, checkpoints| {
        let seq = logged.stamp.seq.get();
        let mut list = events(SEED, seq);
        if seq == 17 {
            list.push(Event::Ticked);
        }
        checkpoints.note(logged.stamp.seq, &list);
        Ok(())
    });
    let error = opened.expect_err("the checkpoint does not fit").to_string();
    assert!(error.contains("4096") && error.contains("events differ"), "{error}");
}

#[test]
fn a_checkpoint_that_was_not_written_is_made_up_for() {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(64 * 1024), SEED).expect("a fresh disk takes a log");
    run.append(CHECKPOINT_EVERY - 1).and_then(|()| run.commit()).expect("a sound disk takes commands");
    let logged = command(SEED, CHECKPOINT_EVERY);
    let entry = Entry { stamp: logged.stamp, received_ns: 0, command: &logged.command };
    run.log.append(&entry).expect("in order");
    run.log.commit().expect("a sound disk takes commands");
    let mut commands = Vec::new();
    let (mut log, opened) = open(&disk, options(64 * 1024), SEED, &mut commands).expect("a sound log");
    assert_eq!(opened.end.checkpoint.seq.get(), 0);
    log.commit().expect("a sound disk takes commands");
    let (_, opened) = open(&disk, options(64 * 1024), SEED, &mut commands).expect("a sound log");
    assert_eq!(opened.end.checkpoint.seq.get(), CHECKPOINT_EVERY);
}

#[test]
fn other_versions_are_refused_with_their_build() {
    for (format, rules, what) in [(99, RULES_VERSION, "format"), (FORMAT_VERSION, 77, "rules")] {
        let disk = CrashDisk::new(Lie::None);
        let other = Genesis { format, rules, build: "old".to_owned(), ..genesis() };
        drop(EventLog::create(disk.clone(), options(32 * 1024), &other).expect("a fresh disk takes a log"));
        let error =
            open(&disk, options(32 * 1024), SEED, &mut Vec::new()).expect_err("another version").to_string();
        assert!(error.contains(what) && (error.contains("99") || error.contains("77")), "{error}");
    }
}

#[test]
fn a_build_of_another_name_is_let_in() {
    let disk = CrashDisk::new(Lie::None);
    let other = Genesis { build: "another".to_owned(), ..genesis() };
    drop(EventLog::create(disk.clone(), options(32 * 1024), &other).expect("a fresh disk takes a log"));
    let (_, opened) =
        open(&disk, options(32 * 1024), SEED, &mut Vec::new()).expect("the build is for people only");
    assert_eq!(opened.genesis.build, "another");
}

#[test]
fn defects_of_the_caller_are_refused() {
    let disk = CrashDisk::new(Lie::None);
    for segment_bytes in [0, 4096, 32 * 1024 + 1, 1 << 40] {
        let created = EventLog::create(disk.clone(), options(segment_bytes), &genesis());
        assert!(matches!(created, Err(LogError::Options { .. })), "{segment_bytes}");
    }
    assert!(matches!(open(&disk, options(32 * 1024), SEED, &mut Vec::new()), Err(LogError::Absent)));
    let mut run = Run::create(&disk, options(32 * 1024), SEED).expect("a fresh disk takes a log");
    let again = Run::create(&disk, options(32 * 1024), SEED);
    assert!(matches!(again, Err(LogError::NotEmpty { file }) if file == "00000001.seg"));
    let logged = command(SEED, 2);
    let entry = Entry { stamp: logged.stamp, received_ns: 0, command: &logged.command };
    assert!(matches!(run.log.append(&entry), Err(LogError::OutOfOrder { .. })), "1 comes first");
    assert!(matches!(run.log.commit(), Err(LogError::Poisoned { .. })));
}

#[test]
fn commands_do_not_run_away_from_their_events() {
    let disk = CrashDisk::new(Lie::None);
    let mut log = EventLog::create(disk, options(32 * 1024), &genesis()).expect("a fresh disk takes a log");
    for seq in 1..=CHECKPOINT_EVERY + 1 {
        let logged = command(SEED, seq);
        let entry = Entry { stamp: logged.stamp, received_ns: 0, command: &logged.command };
        let result = log.append(&entry);
        assert_eq!(result.is_ok(), seq <= CHECKPOINT_EVERY, "{seq}: {result:?}");
    }
}

#[test]
fn a_real_directory_holds_a_log_for_one_process() {
    let directory = tempfile::tempdir().expect("a directory");
    for durability in [Durability::Local, Durability::None] {
        let path = directory.path().join(format!("{durability:?}"));
        let options = LogOptions { segment_bytes: 64 * 1024, durability };
        let disk = RealDisk::open(&path).expect("a new directory");
        assert!(matches!(RealDisk::open(&path), Err(LogError::Locked { .. })), "one process only");
        let mut log = EventLog::create(disk, options, &genesis()).expect("an empty directory takes a log");
        for seq in 1..=3000 {
            let logged = command(SEED, seq);
            let entry =
                Entry { stamp: logged.stamp, received_ns: logged.received_ns, command: &logged.command };
            log.append(&entry).expect("in order");
            log.note_events(Seq::new(seq), &[]);
            if seq % 100 == 0 {
                assert_eq!(log.commit().expect("a sound disk").get(), seq);
                log.prepare_ahead().expect("a sound disk");
            }
        }
        assert_eq!(log.close().expect("a sound disk").get(), 3000);
        let mut reader =
            LogReader::open(RealDisk::read_only(&path).expect("it is there")).expect("a sound log");
        let mut next = 1;
        while let Some(located) = reader.next_record().expect("a sound log") {
            if let Record::Command(logged) = located.record {
                assert_eq!(logged, command(SEED, next));
                next += 1;
            }
        }
        assert_eq!(next, 3001);
        assert!(reader.end().is_some_and(|end| end.closed && end.torn.is_none()));
        let disk = RealDisk::open(&path).expect("the lock is free again");
        let (_, opened) = EventLog::open(disk, options, &mut |logged, checkpoints| {
            checkpoints.note(logged.stamp.seq, &[]);
            Ok(())
        })
        .expect("a sound log");
        assert_eq!(opened.end.last.get(), 3000);
    }
}

#[test]
fn a_genesis_record_keeps_what_it_was_given() {
    let capacity = Capacity { accounts: 7, legs: 8, orders: 9 };
    let first = Genesis::new("1.2.3 (abc)".to_owned(), TimeNs::new(5), capacity);
    let disk = CrashDisk::new(Lie::None);
    drop(EventLog::create(disk.clone(), options(32 * 1024), &first).expect("a fresh disk takes a log"));
    let mut reader = LogReader::open(disk).expect("a sound log");
    let located = reader.next_record().expect("a sound log").expect("a first record");
    assert_eq!(located.record, Record::Genesis(first));
    assert_eq!(reader.next_record().expect("a sound log"), None);
}
