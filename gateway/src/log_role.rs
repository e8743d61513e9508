//! The log's duty cycle: writes what the engine applied, makes it durable, and says how far.
//!
//! Invariant: `durable` is published after the write it speaks of has succeeded, never before. On the first error the
//! role stops acknowledging, publishes why, and never touches the log again.

use std::sync::Arc;

use engine::Seq;

use crate::archive::{Archive, DirectoryArchive};
use crate::duty::DutyCycle;
use crate::log::{Disk, Durability, Entry, EventLog, LogError};
use crate::outcome::{Outcome, Outcomes};
use crate::progress::{Failure, Progress};
use crate::queue::BatchReceiver;

/// Where commands are kept. The local log is one; a replicated one may be another.
pub trait CommandLog: Send {
    /// Why it failed.
    type Error: std::error::Error;

    /// Takes one outcome; it need not be durable yet.
    fn write(&mut self, outcome: &Outcome<'_>) -> Result<(), Self::Error>;

    /// Makes everything written durable; the last durable sequence.
    fn commit(&mut self) -> Result<Seq, Self::Error>;

    /// Whether [`Self::commit`] waits for a device, so that its thread shall have nothing else to do.
    fn waits(&self) -> bool;

    /// Does one slice of work on the space to be written next, off the way of any commit; whether there was any.
    fn prepare_ahead(&mut self) -> Result<bool, Self::Error>;

    /// A way to read it again while it is written; `None` where there is none.
    fn archive(&self) -> Option<Box<dyn Archive>> {
        None
    }

    /// Ends the log properly.
    fn close(self) -> Result<(), Self::Error>;
}

impl<D: Disk> CommandLog for EventLog<D>
where
    Self: Send,
{
    type Error = LogError;

    #[inline]
    fn write(&mut self, outcome: &Outcome<'_>) -> Result<(), LogError> {
        let Outcome { stamp, received, command, events } = *outcome;
        self.append(&Entry { stamp, received_ns: received.get(), command })?;
        self.note_events(stamp.seq, events);
        Ok(())
    }

    fn commit(&mut self) -> Result<Seq, LogError> {
        Self::commit(self)
    }

    fn waits(&self) -> bool {
        self.durability() != Durability::None
    }

    fn prepare_ahead(&mut self) -> Result<bool, LogError> {
        Self::prepare_ahead(self)
    }

    fn archive(&self) -> Option<Box<dyn Archive>> {
        Some(Box::new(DirectoryArchive::new(self.path()?.to_path_buf())))
    }

    fn close(self) -> Result<(), LogError> {
        Self::close(self).map(|_last| ())
    }
}

/// The log's duty cycle.
#[derive(Debug)]
pub struct LogRole<L: CommandLog> {
    /// `None` at the end. Boxed: it is taken out for every round, and large.
    log: Option<Box<L>>,
    outcomes: BatchReceiver<Outcomes>,
    /// Boxes taken before a commit: all that can be waiting, so that a fast engine cannot put the commit off for ever.
    boxes_per_commit: usize,
    progress: Arc<Progress>,
}

impl<L: CommandLog> LogRole<L> {
    /// Whether it waits for a device: it shall then not keep anybody else from working.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.waits())
    }

    /// Writes to `log` what arrives, up to `boxes_per_commit` boxes at a time.
    #[must_use]
    pub fn new(
        log: L,
        outcomes: BatchReceiver<Outcomes>,
        boxes_per_commit: usize,
        progress: Arc<Progress>,
    ) -> Self {
        Self { log: Some(Box::new(log)), outcomes, boxes_per_commit, progress }
    }

    /// Group commit: the batch is whatever is waiting.
    fn write_waiting(&mut self, log: &mut L) -> Result<usize, L::Error> {
        let mut written = 0;
        for _ in 0..self.boxes_per_commit {
            let Some(batch) = self.outcomes.receive() else { break };
            for outcome in batch.iter() {
                log.write(&outcome)?;
            }
            written += batch.len();
            self.outcomes.give_back(batch);
        }
        if written > 0 {
            self.progress.publish_durable(log.commit()?);
        }
        // After publishing: nobody waits for this.
        let prepared = log.prepare_ahead()?;
        Ok(written + usize::from(prepared))
    }

    fn fail(&self, error: &L::Error) {
        self.progress.fail(Failure::Log { reason: error.to_string(), durable: self.progress.durable() });
    }
}

impl<L: CommandLog> DutyCycle for LogRole<L> {
    fn do_work(&mut self) -> usize {
        let Some(mut log) = self.log.take() else { return 0 };
        match self.write_waiting(&mut log) {
            Err(error) => {
                self.fail(&error);
                self.progress.settle();
                1
            }
            Ok(0) if self.outcomes.is_finished() => {
                if let Err(error) = log.close() {
                    self.fail(&error);
                }
                self.progress.settle();
                1
            }
            Ok(written) => {
                self.log = Some(log);
                written
            }
        }
    }

    fn is_finished(&self) -> bool {
        self.log.is_none()
    }
}

impl<L: CommandLog> Drop for LogRole<L> {
    fn drop(&mut self) {
        // Also when the thread unwinds: whoever waits for durability must learn that none will come.
        self.progress.settle();
    }
}
