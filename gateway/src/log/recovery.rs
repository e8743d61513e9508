//! Opening a log for appending: replay, cut what was never acknowledged, make sure of the rest.
//!
//! Invariant: nothing is appended before everything handed to the caller is durable, the cut is durable, and the
//! closing mark of an earlier run is durably gone.

use super::ahead::Ahead;
use super::format::{Place, narrow, segment_name, wide};
use super::reader::LogReader;
use super::stage::{Resume, Stage};
use super::store::Named;
use super::writer::Parts;
use super::{
    CLOSED_FILE, CheckpointHasher, Disk, Genesis, LogEnd, LogError, LogOptions, LoggedCommand, Opened, Record,
};

/// Bytes rewritten or zeroed at a time.
const CHUNK_BYTES: u64 = 256 * 1024;

/// Whether an interrupted preparation left this file.
pub(super) fn is_leftover(name: &str) -> bool {
    name.strip_suffix(".new").is_some()
}

type Each<'a> = dyn FnMut(LoggedCommand, &mut CheckpointHasher) -> Result<(), LogError> + 'a;

/// Reads, settles and takes up a log.
pub(super) fn recover<D: Disk>(
    disk: D,
    options: LogOptions,
    each: &mut Each<'_>,
) -> Result<(Parts<D>, Opened), LogError> {
    let mut reader = LogReader::open(disk)?;
    let (genesis, checkpoints) = replay(&mut reader, each)?;
    let end = reader.end().cloned().ok_or(LogError::Absent)?;
    let cut = settle(&mut reader, &end)?;
    let mut ahead = Ahead::new(end.segment + 1, options);
    if let Some(file) = prepared(&mut reader, end.segment + 1, options)? {
        ahead.adopt(file);
    }
    let resume = Resume {
        format: reader.header.format,
        log_id: reader.header.log_id,
        at: reader.valid,
        segment_bytes: reader.header.segment_bytes,
        last: end.last,
        checkpoint: end.checkpoint,
        chain: reader.chain,
    };
    let mut stage = Stage::resume(&resume, options.segment_bytes);
    if checkpoints.last() != end.checkpoint {
        // The command that ends the window became durable, its checkpoint did not.
        stage.checkpoint(checkpoints.last());
    }
    let LogReader { store, current, .. } = reader;
    let parts = Parts { store, stage, checkpoints, current, current_segment: end.segment, ahead };
    Ok((parts, Opened { genesis, end, cut }))
}

/// Hands every command to `each` and compares checkpoints.
fn replay<D: Disk>(
    reader: &mut LogReader<D>,
    each: &mut Each<'_>,
) -> Result<(Genesis, CheckpointHasher), LogError> {
    let mut checkpoints = CheckpointHasher::new();
    let mut begun = None;
    while let Some(located) = reader.next_record()? {
        match located.record {
            Record::Genesis(genesis) => begun = Some(genesis),
            Record::Closed { .. } => {}
            Record::Command(logged) => {
                let seq = logged.stamp.seq;
                each(logged, &mut checkpoints)?;
                if checkpoints.noted() != seq {
                    let reason = format!("events are noted up to sequence {}", checkpoints.noted());
                    return Err(LogError::Replay { seq, reason });
                }
            }
            Record::Checkpoint(logged) => {
                if checkpoints.last() != logged {
                    let reason =
                        "the events differ from those of the live run since the checkpoint before".to_owned();
                    return Err(LogError::Replay { seq: logged.seq, reason });
                }
            }
        }
    }
    let genesis = begun.ok_or(LogError::Absent)?;
    Ok((genesis, checkpoints))
}

/// Brings the directory into the state a writer leaves behind; what was cut, in words.
fn settle<D: Disk>(reader: &mut LogReader<D>, end: &LogEnd) -> Result<Option<String>, LogError> {
    for name in reader.store.list()? {
        if is_leftover(&name) {
            reader.store.remove(&name)?;
        }
    }
    let cut = if end.torn.is_some() { Some(cut_tail(reader, end)?) } else { None };
    let length = reader.store.length(&reader.current)?;
    if length < reader.header.segment_bytes {
        reader.store.set_length(&reader.current, reader.header.segment_bytes)?;
    }
    make_durable(reader)?;
    if reader.store.list()?.iter().any(|name| name == CLOSED_FILE) {
        reader.store.remove(CLOSED_FILE)?;
    }
    reader.store.sync_dir()?;
    Ok(cut)
}

/// Removes later segments and zeroes what follows the valid part of the last one.
fn cut_tail<D: Disk>(reader: &mut LogReader<D>, end: &LogEnd) -> Result<String, LogError> {
    let mut bytes = 0;
    while let Some(segment) = reader.segments.pop_if(|segment| *segment > end.segment) {
        let file = reader.store.open(segment_name(segment))?;
        bytes += set_span(reader, &file, 0)?.map_or(0, |(from, to)| to - from);
        drop(file);
        reader.store.remove(&segment_name(segment))?;
    }
    // Later segments must be gone for good before other batches are written in their place.
    reader.store.sync_dir()?;
    let file = reader.store.open(reader.current.name.clone())?;
    if let Some((from, to)) = set_span(reader, &file, end.offset)? {
        bytes += to - from;
        let zeros = vec![0; narrow(CHUNK_BYTES)];
        let mut at = from;
        while at < to {
            let length = u64::min(CHUNK_BYTES, to - at);
            reader.store.write(&file, at, &zeros[..narrow(length)])?;
            at += length;
        }
        // The sync of `make_durable` covers these zeros as well.
    }
    let torn = end
        .torn
        .as_ref()
        .map_or_else(String::new, |torn| format!("{} at byte {}: {}", torn.file, torn.offset, torn.reason));
    Ok(format!(
        "cut {bytes} bytes behind sequence {} ({} byte {}) that were never acknowledged: {torn}",
        end.last, reader.current.name, end.offset
    ))
}

/// From the first to behind the last byte that is not zero.
fn set_span<D: Disk>(
    reader: &mut LogReader<D>,
    file: &Named<D::File>,
    from: u64,
) -> Result<Option<(u64, u64)>, LogError> {
    let Some(first) = reader.window.first_set(&mut reader.store, file, from)? else {
        return Ok(None);
    };
    let length = reader.store.length(file)?;
    let mut chunk = vec![0; narrow(CHUNK_BYTES)];
    let (mut at, mut behind) = (first, first);
    while at < length {
        let filled = reader.store.read(file, at, &mut chunk)?;
        if let Some(last) = chunk[..filled].iter().rposition(|byte| *byte != 0) {
            behind = at + wide(last) + 1;
        }
        at += CHUNK_BYTES;
    }
    Ok(Some((first, behind)))
}

/// Writes again, and syncs, what no later header proves durable. A former process may have died before its sync, or at
/// a failed one, after which the system holds pages that it takes for clean though they never reached the disk.
fn make_durable<D: Disk>(reader: &mut LogReader<D>) -> Result<(), LogError> {
    let Place { segment, offset } = reader.proven;
    for earlier in segment..reader.valid.segment {
        let file = reader.store.open(segment_name(earlier))?;
        reader.store.sync(&file)?;
    }
    let mut at = if segment == reader.valid.segment { offset } else { 0 };
    let mut chunk = vec![0; narrow(CHUNK_BYTES)];
    while at < reader.valid.offset {
        let length = narrow(u64::min(CHUNK_BYTES, reader.valid.offset - at));
        let filled = reader.store.read(&reader.current, at, &mut chunk[..length])?;
        reader.store.write(&reader.current, at, &chunk[..filled])?;
        at += wide(filled);
        if filled == 0 {
            break;
        }
    }
    reader.store.sync(&reader.current)
}

/// The segment file that an earlier run prepared for use after the current one, if it is as it must be.
fn prepared<D: Disk>(
    reader: &mut LogReader<D>,
    segment: u32,
    options: LogOptions,
) -> Result<Option<Named<D::File>>, LogError> {
    let mut kept = None;
    while let Some(later) = reader.segments.pop_if(|later| *later >= segment) {
        let file = reader.store.open(segment_name(later))?;
        if later == segment && reader.store.length(&file)? == options.segment_bytes {
            kept = Some(file);
        } else {
            drop(file);
            reader.store.remove(&segment_name(later))?;
            reader.store.sync_dir()?;
        }
    }
    Ok(kept)
}
