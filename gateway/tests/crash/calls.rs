//! Every call to the disk fails once, in every way.
//!
//! Invariant: after the first failure nothing is acknowledged, and what was acknowledged before is still there.

use gateway::log::LogError;

use crate::disk::{CrashDisk, Fault, Lie};
use crate::random::Random;
use crate::run::{Run, check, open, options};

const SEED: u64 = 7;
const SEGMENT: u64 = 32 * 1024;

/// What became of the fixed workload.
struct Outcome {
    created: bool,
    acked: u64,
    appended: u64,
    failed: Option<LogError>,
}

/// Fills several segments in commits of rising size, closes, opens again and goes on.
fn workload(disk: &CrashDisk) -> Outcome {
    let mut outcome = Outcome { created: false, acked: 0, appended: 0, failed: None };
    let mut run = match Run::create(disk, options(SEGMENT), SEED) {
        Ok(run) => run,
        Err(error) => return Outcome { failed: Some(error), ..outcome },
    };
    outcome.created = true;
    for half in 0..2 {
        for count in [1, 10, 100, 250, 90, 3] {
            let result = run.append(count).and_then(|()| run.commit()).and_then(|()| run.log.prepare_ahead());
            (outcome.acked, outcome.appended) = (run.acked, run.appended);
            if let Err(error) = result {
                assert_poisoned(&mut run);
                return Outcome { failed: Some(error), ..outcome };
            }
        }
        if let Err(error) = run.log.close() {
            return Outcome { failed: Some(error), ..outcome };
        }
        if half == 1 {
            return outcome;
        }
        let mut commands = Vec::new();
        match open(disk, options(SEGMENT), SEED, &mut commands) {
            Ok((log, _)) => run = Run { seed: SEED, log, appended: outcome.appended, acked: outcome.acked },
            Err(error) => return Outcome { failed: Some(error), ..outcome },
        }
    }
    outcome
}

fn assert_poisoned(run: &mut Run) {
    let before = run.log.durable();
    assert_eq!(before.get(), run.acked, "a failed commit acknowledges nothing");
    for _ in 0..3 {
        assert!(
            matches!(run.append(1), Err(LogError::Poisoned { .. })),
            "nothing is appended after a failure"
        );
        assert!(
            matches!(run.log.commit(), Err(LogError::Poisoned { .. })),
            "nothing is committed after a failure"
        );
        assert!(matches!(run.log.prepare_ahead(), Err(LogError::Poisoned { .. })));
        assert_eq!(run.log.durable(), before);
    }
}

fn every_call_fails_with(fault: Fault) {
    let mut random = Random::new(SEED);
    let mut nth = 0;
    loop {
        nth += 1;
        let disk = CrashDisk::new(Lie::None);
        disk.fail_at(nth, fault);
        let outcome = workload(&disk);
        if !disk.has_failed() {
            assert!(outcome.failed.is_none() && nth > 100, "the workload makes {nth} calls");
            return;
        }
        assert!(outcome.failed.is_some(), "{fault:?} of call {nth} went unnoticed");
        disk.restart();
        let image = disk.power_loss(&mut random);
        for survivor in [disk, image] {
            let mut commands = Vec::new();
            match open(&survivor, options(SEGMENT), SEED, &mut commands) {
                Ok(_) => check(&commands, SEED, outcome.acked, outcome.appended)
                    .unwrap_or_else(|reason| panic!("{fault:?} of call {nth}: {reason}")),
                Err(LogError::Absent) if !outcome.created => {}
                Err(error) => panic!("{fault:?} of call {nth}: {error}"),
            }
            // What the second process was shown must outlive a power loss, though a sync of the first one failed.
            let shown = commands.len() as u64;
            match open(&survivor.power_loss(&mut random), options(SEGMENT), SEED, &mut commands) {
                Ok(_) => check(&commands, SEED, shown, shown).unwrap_or_else(|reason| {
                    panic!("{fault:?} of call {nth}, power lost after reopening: {reason}")
                }),
                Err(LogError::Absent) if !outcome.created => {}
                Err(error) => panic!("{fault:?} of call {nth}, power lost after reopening: {error}"),
            }
        }
    }
}

#[test]
fn no_space_poisons() {
    every_call_fails_with(Fault::NoSpace);
}

#[test]
fn a_device_error_poisons() {
    every_call_fails_with(Fault::Io);
}

#[test]
fn a_short_write_poisons() {
    every_call_fails_with(Fault::Short);
}
