//! One bit of a log is flipped, at every byte of every file.
//!
//! Invariant: a flip is an error that names file and place, or, in the last commit of a log that was not closed, a cut
//! that is told.

use gateway::log::{CLOSED_FILE, EventLog, LogEnd, LogError, LogReader, Record};

use crate::disk::{CrashDisk, Lie};
use crate::random::events;
use crate::run::{Run, options};

const SEED: u64 = 11;

fn log_of(segments: u64, segment_bytes: u64) -> (CrashDisk, Run) {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(segment_bytes), SEED).expect("a fresh disk takes a log");
    while disk.names().iter().filter(|name| name.strip_suffix(".seg").is_some()).count() as u64 <= segments {
        run.append(1 + run.acked % 60).and_then(|()| run.commit()).expect("a sound disk takes commands");
    }
    (disk, run)
}

/// Reads to the end; the sequences read and how the log ended.
fn read(disk: &CrashDisk) -> Result<(u64, LogEnd), LogError> {
    let mut reader = LogReader::open(disk.clone())?;
    let mut last = 0;
    while let Some(located) = reader.next_record()? {
        if let Record::Command(logged) = located.record {
            last = logged.stamp.seq.get();
        }
    }
    Ok((last, reader.end().expect("the end was reached").clone()))
}

fn flip(disk: &CrashDisk, name: &str, at: usize) {
    disk.edit(name, |content| content[at] ^= 1 << (at & 7));
}

#[test]
fn every_flip_in_a_closed_log_is_found() {
    let bytes =
        std::env::var("FULCRUM_FLIP_BYTES").ok().and_then(|value| value.parse().ok()).unwrap_or(64 * 1024);
    let (disk, run) = log_of(bytes >> 15, 32 * 1024);
    run.log.close().expect("a sound disk closes");
    read(&disk).expect("the log is sound");
    let mut flips = 0;
    for name in disk.names() {
        for at in 0..disk.content(&name).len() {
            flip(&disk, &name, at);
            match read(&disk) {
                Err(LogError::Damaged { file, offset, .. }) if name == CLOSED_FILE => {
                    assert_eq!((file.as_str(), offset), (CLOSED_FILE, 0));
                }
                Err(LogError::Damaged { file, offset, .. }) => {
                    let near = offset <= at as u64 && at as u64 - offset < 16 * 1024;
                    assert!(
                        file == name && near,
                        "the flip of {name} byte {at} is reported at {file} byte {offset}"
                    );
                }
                other => panic!("the flip of {name} byte {at} gave {other:?}"),
            }
            flip(&disk, &name, at);
            flips += 1;
        }
    }
    assert!(flips >= bytes, "{flips} flips");
    read(&disk).expect("every flip was undone");
}

#[test]
fn opening_refuses_what_reading_refuses_and_changes_nothing() {
    let (disk, run) = log_of(2, 32 * 1024);
    run.log.close().expect("a sound disk closes");
    for name in disk.names() {
        let content = disk.content(&name);
        for at in (0..content.len()).step_by(97) {
            flip(&disk, &name, at);
            let flipped = disk.content(&name);
            let opened = EventLog::open(disk.clone(), options(32 * 1024), &mut |logged, checkpoints| {
                checkpoints.note(logged.stamp.seq, &events(SEED, logged.stamp.seq.get()));
                Ok(())
            });
            let error = opened.expect_err("a flip is refused").to_string();
            assert!(error.contains(&name) && error.contains("byte"), "{error}");
            assert_eq!(disk.content(&name), flipped, "evidence is left alone");
            flip(&disk, &name, at);
        }
    }
}

#[test]
fn a_flip_in_an_open_log_is_damage_before_the_last_commit_and_a_told_cut_in_it() {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(64 * 1024), SEED).expect("a fresh disk takes a log");
    for count in [5, 60, 4] {
        run.append(count).and_then(|()| run.commit()).expect("a sound disk takes commands");
    }
    let (_, before) = read(&disk).expect("the log is sound");
    run.append(150).and_then(|()| run.commit()).expect("a sound disk takes commands");
    let (_, end) = read(&disk).expect("the log is sound");
    assert_eq!(before.segment, end.segment);
    let name = format!("{:08}.seg", end.segment);
    let mut cuts = 0_u64;
    for at in (0..64 * 1024).step_by(3) {
        flip(&disk, &name, at);
        let place = at as u64;
        match read(&disk) {
            Err(LogError::Damaged { file, offset, .. }) => {
                assert!(place < before.offset && file == name && offset <= place, "byte {at}");
            }
            Ok((last, torn)) => {
                let tail = torn.torn.expect("a flip is told");
                assert!(place >= before.offset, "the flip of byte {at} was cut off");
                assert!(tail.offset <= place && torn.last.get() == last && last >= 69);
                cuts += 1;
            }
            Err(error) => panic!("the flip of byte {at} gave {error}"),
        }
        flip(&disk, &name, at);
    }
    assert!(cuts * 3 >= 64 * 1024 - before.offset);
}
