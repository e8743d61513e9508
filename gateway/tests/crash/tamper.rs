//! Somebody edits a log with all its checksums in hand.
//!
//! Invariant: the chain breaks, and the first place that does not fit is named.

use gateway::log::{CLOSED_FILE, Located, LogError, LogReader, Record};

use crate::disk::{CrashDisk, Lie};
use crate::run::{Run, options};

const SEED: u64 = 13;
const NAME: &str = "00000001.seg";

/// A log of three commits without its closing mark, so that only the chain can tell; its records of the second commit.
fn log() -> (CrashDisk, Vec<Located>) {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(64 * 1024), SEED).expect("a fresh disk takes a log");
    for _ in 0..3 {
        run.append(20).and_then(|()| run.commit()).expect("a sound disk takes commands");
    }
    run.log.close().expect("a sound disk closes");
    disk.erase(CLOSED_FILE);
    let mut reader = LogReader::open(disk.clone()).expect("a sound log");
    let mut second = Vec::new();
    while let Some(located) = reader.next_record().expect("a sound log") {
        if matches!(&located.record, Record::Command(logged) if (21..=40).contains(&logged.stamp.seq.get())) {
            second.push(located);
        }
    }
    (disk, second)
}

fn at(located: &Located) -> usize {
    usize::try_from(located.offset).expect("test files are small")
}

fn u32_at(content: &[u8], at: usize) -> usize {
    let bytes = content[at..at + 4].try_into().expect("four bytes");
    usize::try_from(u32::from_le_bytes(bytes)).expect("a length")
}

fn refused(disk: &CrashDisk) -> (u64, String) {
    let mut reader = LogReader::open(disk.clone()).expect("the first segment begins as it should");
    loop {
        match reader.next_record() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the change went unnoticed: {:?}", reader.end()),
            Err(LogError::Damaged { file, offset, reason }) => {
                assert_eq!(file, NAME);
                return (offset, reason);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Changes a byte of the record's block and makes its CRC right again.
fn forge(content: &mut [u8], record: usize) {
    let end = record + u32_at(content, record) - 4;
    content[record + 36] ^= 1;
    let sum = crc_fast::crc32_iscsi(&content[record..end]);
    content[end..end + 4].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn a_forged_record_breaks_the_chain() {
    let (disk, records) = log();
    let batch = records[0].offset - 64;
    disk.edit(NAME, |content| forge(content, at(&records[5])));
    let (offset, reason) = refused(&disk);
    assert_eq!(offset, batch, "{reason}");
    assert!(reason.contains("chain value"), "{reason}");
}

#[test]
fn a_forged_batch_breaks_the_next_one() {
    let (disk, records) = log();
    let batch = at(&records[0]) - 64;
    let mut next = 0;
    disk.edit(NAME, |content| {
        forge(content, at(&records[5]));
        next = batch + u32_at(content, batch + 4);
        let link = blake3::hash(&content[batch - 32..next - 32]);
        content[next - 32..next].copy_from_slice(link.as_bytes());
    });
    let (offset, reason) = refused(&disk);
    assert_eq!(offset, next as u64, "{reason}");
}

#[test]
fn a_deleted_record_is_named() {
    let (disk, records) = log();
    let (from, to) = (at(&records[5]), at(&records[6]));
    let batch = at(&records[0]) - 64;
    disk.edit(NAME, |content| {
        let end = batch + u32_at(content, batch + 4);
        content.copy_within(to..end, from);
        content[end - (to - from)..end].fill(0);
    });
    let (offset, reason) = refused(&disk);
    assert!(offset >= batch as u64 && offset < to as u64 + 4096, "{offset}: {reason}");
}

#[test]
fn swapped_records_are_named() {
    let (disk, records) = log();
    let batch = records[0].offset - 64;
    let content = disk.content(NAME);
    let pair = records
        .windows(2)
        .find(|pair| u32_at(&content, at(&pair[0])) == u32_at(&content, at(&pair[1])))
        .expect("two neighbours of one length");
    let (first, second) = (at(&pair[0]), at(&pair[1]));
    let length = second - first;
    disk.edit(NAME, |content| content[first..second + length].rotate_left(length));
    let (offset, reason) = refused(&disk);
    assert_eq!(offset, batch, "{reason}");
}

#[test]
fn a_removed_segment_is_missed() {
    let disk = CrashDisk::new(Lie::None);
    let mut run = Run::create(&disk, options(32 * 1024), SEED).expect("a fresh disk takes a log");
    for _ in 0..30 {
        run.append(50).and_then(|()| run.commit()).expect("a sound disk takes commands");
    }
    disk.erase("00000002.seg");
    let mut reader = LogReader::open(disk).expect("the first segment is there");
    let error = loop {
        match reader.next_record() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the gap went unnoticed"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("00000002.seg"), "{error}");
}
