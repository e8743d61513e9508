//! Crash images: power is lost at a random call of a random workload, again and again, also during recovery.
//!
//! Invariant: every image opens; what comes back is a prefix of what was appended and holds all that was acknowledged.

use gateway::log::{Durability, LogError, LogOptions};

use crate::disk::{CrashDisk, Fault, Lie};
use crate::random::Random;
use crate::run::{Run, check, open};

/// What a campaign came across, to show that it is no sham.
#[derive(Debug, Default)]
struct Seen {
    images: u64,
    cuts: u64,
    commands: u64,
    rotations: u64,
    during_recovery: u64,
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Works on the log until something fails, or long enough.
fn work(run: &mut Run, disk: &CrashDisk, options: LogOptions, random: &mut Random) -> Result<(), LogError> {
    let burst = [8, 80, 600][random.index(3)];
    for _ in 0..random.below(60) {
        match random.below(16) {
            0 => {
                // The process goes away without a word, the system stays.
                run.log.commit()?;
                run.acked = run.appended;
                run.append(random.below(burst))?;
                run.appended = run.acked;
                *run = reopened(disk, options, run)?;
            }
            1 => {
                let closing = std::mem::replace(run, placeholder(run.seed));
                let (appended, acked) = (closing.appended, closing.acked);
                run.appended = appended;
                run.acked = acked;
                run.acked = closing.log.close()?.get();
                *run = reopened(disk, options, run)?;
            }
            2..7 => {
                run.log.prepare_ahead()?;
            }
            _ => {
                run.append(random.below(burst))?;
                run.commit()?;
            }
        }
    }
    Ok(())
}

/// A log on a disk of its own, to stand in while the real one is closed.
fn placeholder(seed: u64) -> Run {
    let small = LogOptions { segment_bytes: 32 * 1024, durability: Durability::None };
    Run::create(&CrashDisk::new(Lie::None), small, seed).expect("a fresh disk takes a log")
}

fn reopened(disk: &CrashDisk, options: LogOptions, run: &Run) -> Result<Run, LogError> {
    let mut commands = Vec::new();
    let (log, _) = open(disk, options, run.seed, &mut commands)?;
    check(&commands, run.seed, run.acked, run.appended)
        .map_err(|reason| LogError::Replay { seq: engine::Seq::new(0), reason })?;
    let count = commands.len() as u64;
    Ok(Run { seed: run.seed, log, appended: count, acked: count })
}

/// One history with up to four power losses.
fn history(seed: u64, lie: Lie, durability: Durability, seen: &mut Seen) -> Result<(), String> {
    let mut random = Random::new(seed);
    let segment_bytes = [32, 36, 64, 96][random.index(4)] * 1024;
    let options = LogOptions { segment_bytes, durability };
    let mut disk = CrashDisk::new(lie);
    let (mut acked, mut appended) = (0, 0);
    let mut created = false;
    for round in 0..=random.below(4) {
        let horizon = 1 << random.below(10);
        disk.fail_at(1 + random.below(horizon), Fault::Death);
        let mut commands = Vec::new();
        let begun = if created {
            open(&disk, options, seed, &mut commands).map(|(log, _)| Run { seed, log, appended, acked })
        } else {
            Run::create(&disk, options, seed)
        };
        match begun {
            Ok(mut run) => {
                created = true;
                if round > 0 {
                    check(&commands, seed, acked, appended)?;
                    run.appended = commands.len() as u64;
                    run.acked = if durability == Durability::Local { run.appended } else { 0 };
                }
                let worked = work(&mut run, &disk, options, &mut random);
                (acked, appended) = (run.acked, run.appended);
                if let Err(error) = worked
                    && !disk.has_failed()
                {
                    return Err(format!("work failed without a fault: {error}"));
                }
            }
            Err(_) if disk.has_failed() => seen.during_recovery += u64::from(round > 0),
            Err(error) => return Err(format!("opening failed without a fault: {error}")),
        }
        if durability == Durability::None {
            acked = 0;
        }
        disk = disk.power_loss(&mut random);
        seen.images += 1;
        created = verify(&disk.power_loss(&mut random), options, seed, (acked, appended), created, seen)?;
    }
    Ok(())
}

/// Opens an image without further faults; whether it holds a log.
fn verify(
    image: &CrashDisk,
    options: LogOptions,
    seed: u64,
    (acked, appended): (u64, u64),
    created: bool,
    seen: &mut Seen,
) -> Result<bool, String> {
    let mut commands = Vec::new();
    let (mut log, opened) = match open(image, options, seed, &mut commands) {
        Ok(both) => both,
        Err(LogError::Absent) if !created => return Ok(false),
        Err(error) => return Err(format!("the image does not open: {error}")),
    };
    check(&commands, seed, acked, appended)?;
    seen.cuts += u64::from(opened.cut.is_some());
    seen.commands += commands.len() as u64;
    seen.rotations += u64::from(opened.end.segment - 1);
    // The log goes on and reads back as one piece.
    log.commit().map_err(|error| error.to_string())?;
    let count = commands.len() as u64;
    let mut run = Run { seed, log, appended: count, acked: count };
    run.append(3).and_then(|()| run.commit()).map_err(|error| error.to_string())?;
    drop(run);
    let (_, opened) = open(image, options, seed, &mut commands)
        .map_err(|error| format!("the continued image does not open: {error}"))?;
    if let Some(cut) = opened.cut {
        return Err(format!("the cut was not clean: {cut}"));
    }
    check(&commands, seed, count + 3, count + 3)?;
    Ok(true)
}

fn campaign(first: u64, count: u64, lie: Lie, durability: Durability) -> Result<Seen, String> {
    let mut seen = Seen::default();
    for seed in first..first + count {
        history(seed, lie, durability, &mut seen).map_err(|reason| {
            format!("{reason}\nSEED={seed} cargo test -p gateway --test crash every_image_recovers")
        })?;
    }
    Ok(seen)
}

#[test]
fn every_image_recovers() {
    if let Some(seed) = number("SEED") {
        campaign(seed, 1, Lie::None, Durability::Local).expect("this image recovers");
        return;
    }
    let wanted = number("FULCRUM_CRASH_IMAGES").unwrap_or(1000);
    let mut total = Seen::default();
    let mut seed = 1;
    while total.images < wanted {
        let seen = campaign(seed, 1, Lie::None, Durability::Local).unwrap_or_else(|line| panic!("{line}"));
        total.images += seen.images;
        total.cuts += seen.cuts;
        total.commands += seen.commands;
        total.rotations += seen.rotations;
        total.during_recovery += seen.during_recovery;
        seed += 1;
    }
    println!("{total:?}");
    assert!(total.cuts * 50 > total.images, "torn tails were met: {total:?}");
    assert!(total.rotations * 4 > total.images, "segments were filled: {total:?}");
    assert!(total.during_recovery > 0, "recovery itself was interrupted: {total:?}");
}

#[test]
fn without_sync_a_prefix_comes_back() {
    campaign(1, 200, Lie::None, Durability::None).unwrap_or_else(|line| panic!("{line}"));
}

#[test]
fn a_disk_that_does_not_sync_data_is_caught() {
    let line = campaign(1, 400, Lie::Data, Durability::Local).expect_err("a loss is found");
    assert!(line.contains("are left") || line.contains("open"), "{line}");
}

#[test]
fn a_disk_that_does_not_sync_its_directory_is_caught() {
    campaign(1, 400, Lie::Directory, Durability::Local).expect_err("a loss is found");
}
