//! A log under test beside the list of what was appended to it.
//!
//! Invariant: `acked` never passes what a commit returned.

use engine::{Capacity, TimeNs};
use gateway::log::{
    CheckpointHasher, Durability, Entry, EventLog, Genesis, LogError, LogOptions, LoggedCommand, Opened,
};

use crate::disk::CrashDisk;
use crate::random::{command, events};

/// The genesis record of all tests.
pub(crate) fn genesis() -> Genesis {
    Genesis::new("test".to_owned(), TimeNs::new(1), Capacity { accounts: 1, legs: 2, orders: 3 })
}

/// Small segments, synced.
pub(crate) fn options(segment_bytes: u64) -> LogOptions {
    LogOptions { segment_bytes, durability: Durability::Local }
}

/// Opens a log of the run `seed`; what it holds is put into `commands`.
pub(crate) fn open(
    disk: &CrashDisk,
    options: LogOptions,
    seed: u64,
    commands: &mut Vec<LoggedCommand>,
) -> Result<(EventLog<CrashDisk>, Opened), LogError> {
    commands.clear();
    EventLog::open(disk.clone(), options, &mut |logged, checkpoints: &mut CheckpointHasher| {
        let seq = logged.stamp.seq;
        checkpoints.note(seq, &events(seed, seq.get()));
        commands.push(logged);
        Ok(())
    })
}

/// A log with its history.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) log: EventLog<CrashDisk>,
    /// Commands handed to `append`, successfully or not.
    pub(crate) appended: u64,
    pub(crate) acked: u64,
}

impl Run {
    pub(crate) fn create(disk: &CrashDisk, options: LogOptions, seed: u64) -> Result<Self, LogError> {
        let log = EventLog::create(disk.clone(), options, &genesis())?;
        Ok(Self { seed, log, appended: 0, acked: 0 })
    }

    /// Appends `count` commands with their events.
    pub(crate) fn append(&mut self, count: u64) -> Result<(), LogError> {
        for _ in 0..count {
            self.appended += 1;
            let logged = command(self.seed, self.appended);
            let entry =
                Entry { stamp: logged.stamp, received_ns: logged.received_ns, command: &logged.command };
            self.log.append(&entry)?;
            self.log.note_events(logged.stamp.seq, &events(self.seed, self.appended));
        }
        Ok(())
    }

    #[expect(
        clippy::panic_in_result_fn,
        reason = "the errors are the faults of the disk, the assertions are the test"
    )]
    pub(crate) fn commit(&mut self) -> Result<(), LogError> {
        self.acked = self.log.commit()?.get();
        assert_eq!(self.acked, self.appended, "a commit covers everything appended");
        assert_eq!(self.log.durable().get(), self.acked);
        Ok(())
    }
}

/// Whether `commands` are the first ones of the run `seed`, `acked` of them at least and `appended` at most.
pub(crate) fn check(commands: &[LoggedCommand], seed: u64, acked: u64, appended: u64) -> Result<(), String> {
    let count = commands.len() as u64;
    if count < acked {
        return Err(format!("{acked} commands were acknowledged, {count} are left"));
    }
    if count > appended {
        return Err(format!("{appended} commands were appended, {count} came back"));
    }
    for (seq, logged) in (1..).zip(commands) {
        if *logged != command(seed, seq) {
            return Err(format!("the command of sequence {seq} came back as another"));
        }
    }
    Ok(())
}
