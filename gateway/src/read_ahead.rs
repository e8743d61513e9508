//! Reading ahead: one thread reads and verifies a log while another applies what was read.
//!
//! Invariant: records arrive in their order, none twice and none left out; what cannot be read arrives as an error behind
//! all that could.

use std::thread::Builder;
use std::vec::IntoIter;

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::log::{Disk, Located, LogEnd, LogError, LogReader};

/// Records handed over together: enough that handing over costs nothing, few enough to stay in cache.
const RECORDS_PER_CHUNK: usize = 256;
/// Chunks that may wait.
const CHUNKS_AHEAD: usize = 8;

type Chunk = Result<Vec<Located>, LogError>;

/// Records as they come from the reading thread.
pub(crate) struct Ahead {
    chunks: Receiver<Chunk>,
    current: IntoIter<Located>,
}

impl Ahead {
    /// The next record; `None` at the end of the log.
    #[inline]
    pub(crate) fn next_record(&mut self) -> Result<Option<Located>, LogError> {
        loop {
            if let Some(located) = self.current.next() {
                return Ok(Some(located));
            }
            match self.chunks.recv() {
                Ok(chunk) => self.current = chunk?.into_iter(),
                // The reading thread has said all.
                Err(_) => return Ok(None),
            }
        }
    }
}

/// Runs `work` over the records of `reader`, which another thread reads ahead; what `work` came to, and the end of the
/// log if it was reached.
pub(crate) fn read_ahead<D: Disk, R>(
    reader: LogReader<D>,
    work: impl FnOnce(&mut Ahead) -> Result<R, LogError>,
) -> Result<(R, Option<LogEnd>), LogError>
where
    LogReader<D>: Send,
{
    std::thread::scope(|scope| {
        let (sender, chunks) = bounded(CHUNKS_AHEAD);
        let mut reader = reader;
        let name = "fulcrum-reader".to_owned();
        let reading = Builder::new().name(name).spawn_scoped(scope, move || {
            read(&mut reader, &sender);
            reader.end().cloned()
        });
        let reading = reading.map_err(LogError::Thread)?;
        let mut ahead = Ahead { chunks, current: Vec::new().into_iter() };
        let worked = work(&mut ahead);
        // A reader that is still sending learns that nobody listens any more.
        drop(ahead);
        let end = match reading.join() {
            Ok(end) => end,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        Ok((worked?, end))
    })
}

/// Sends all of the log, or the error that ends it, until nobody listens.
fn read<D: Disk>(reader: &mut LogReader<D>, sender: &Sender<Chunk>) {
    loop {
        let mut chunk = Vec::with_capacity(RECORDS_PER_CHUNK);
        let end = fill(reader, &mut chunk);
        let is_last = chunk.is_empty();
        if !is_last && sender.send(Ok(chunk)).is_err() {
            return;
        }
        match end {
            Err(error) => {
                // Where nobody listens any more, nobody wants to know.
                drop(sender.send(Err(error)));
                return;
            }
            Ok(()) if is_last => return,
            Ok(()) => {}
        }
    }
}

fn fill<D: Disk>(reader: &mut LogReader<D>, chunk: &mut Vec<Located>) -> Result<(), LogError> {
    while chunk.len() < RECORDS_PER_CHUNK {
        match reader.next_record()? {
            Some(located) => chunk.push(located),
            None => break,
        }
    }
    Ok(())
}
