//! Threads: named, pinned where the system lets us, each running the duty cycles it was given until all have finished.
//!
//! Invariant: no thread of the venue starts anywhere else, and none ends unnoticed: one that panics publishes a failure
//! before it is gone.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, JoinHandle};

use core_affinity::CoreId;

use crate::duty::DutyCycle;
use crate::idle::Idle;
use crate::progress::{Failure, Progress};

/// Which thread runs what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// A core for each role.
    Dedicated,
    /// One thread that spins, then sleeps, for all that never waits: engine, client, and a log without durability. A log
    /// that waits for its device has its own.
    Shared,
}

/// Cores a dedicated layout wants: client, engine, log, and one for the rest of the system.
const CORES_FOR_DEDICATED: usize = 4;

impl Mode {
    /// Dedicated where there are cores for it.
    #[must_use]
    pub fn for_this_machine() -> Self {
        if cores().len() >= CORES_FOR_DEDICATED { Self::Dedicated } else { Self::Shared }
    }
}

/// The cores this process may use.
#[must_use]
pub fn cores() -> Vec<CoreId> {
    core_affinity::get_core_ids().unwrap_or_default()
}

/// A thread of the venue.
#[derive(Debug)]
pub struct Running {
    thread: JoinHandle<()>,
    refused: Option<CoreId>,
}

/// Publishes a failure if its thread unwinds.
struct Watch {
    name: &'static str,
    progress: Arc<Progress>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.progress.fail(Failure::Panic { thread: self.name.to_owned() });
        }
    }
}

/// Starts a thread that runs `cycles` in turn, on `core` if given and granted, waiting as `idle` says.
///
/// # Errors
/// When the system has no thread for us.
pub fn start(
    name: &'static str,
    core: Option<CoreId>,
    mut idle: Idle,
    mut cycles: Vec<Box<dyn DutyCycle>>,
    progress: &Arc<Progress>,
) -> io::Result<Running> {
    let watch = Watch { name, progress: Arc::clone(progress) };
    let (report, pinning) = sync_channel(1);
    let thread = Builder::new().name(name.to_owned()).spawn(move || {
        // Declared before the cycles are moved in: on a panic the failure is published first, then queues close.
        let mut cycles = std::mem::take(&mut cycles);
        let watch = watch;
        let granted = core.is_none_or(core_affinity::set_for_current);
        // Fails only if the thread that started us is gone; then nobody wants to know.
        let _told = report.send(granted).is_ok();
        run(&mut idle, &mut cycles);
        drop(watch);
    })?;
    let granted = pinning.recv().unwrap_or(false);
    Ok(Running { thread, refused: core.filter(|_| !granted) })
}

fn run(idle: &mut Idle, cycles: &mut [Box<dyn DutyCycle>]) {
    loop {
        let mut work = 0;
        let mut finished = true;
        for cycle in &mut *cycles {
            work += cycle.do_work();
            finished &= cycle.is_finished();
        }
        if finished {
            break;
        }
        idle.round(work);
    }
    for cycle in cycles {
        cycle.on_close();
    }
}

impl Running {
    /// The core the system would not give.
    #[must_use]
    pub fn refused(&self) -> Option<CoreId> {
        self.refused
    }

    /// Waits for the end of the thread. A panic in it was published as a failure.
    pub fn join(self) {
        let _ended = self.thread.join().is_ok();
    }
}
