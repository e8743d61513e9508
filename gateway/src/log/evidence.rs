//! What intact headers behind a misfit say about it.
//!
//! Invariant: a header is believed only when it passes its CRC and names its own place and log; what it says was true
//! when it was written, whatever became of the bytes around it.

use super::format::{
    ALIGN, BATCH_HEADER_BYTES, BATCH_MAGIC, BatchHeader, Place, SEGMENT_HEADER_BYTES, SegmentHeader,
    segment_name, wide,
};
use super::reader::LogReader;
use super::store::Named;
use super::{Disk, LogError};

/// The latest place that any intact header behind the valid part says was durable.
pub(super) fn strongest_claim<D: Disk>(reader: &mut LogReader<D>) -> Result<Place, LogError> {
    let mut best = Place { segment: 0, offset: 0 };
    let from = reader.valid;
    let later = reader.segments.iter().copied().filter(|segment| *segment >= from.segment);
    for segment in later.collect::<Vec<_>>() {
        let file = reader.store.open(segment_name(segment))?;
        reader.window.clear();
        let start = if segment == from.segment { from.offset } else { 0 };
        if start == 0 {
            let head = reader.window.view(&mut reader.store, &file, 0, SEGMENT_HEADER_BYTES)?;
            if let Ok(header) = SegmentHeader::decode(head)
                && header.segment == segment
                && header.log_id == reader.header.log_id
            {
                best = Place::max(best, header.synced);
            }
        }
        best = Place::max(best, claims_in(reader, &file, Place { segment, offset: start })?);
    }
    reader.window.clear();
    Ok(best)
}

/// The latest claim of the batch headers in one file.
fn claims_in<D: Disk>(
    reader: &mut LogReader<D>,
    file: &Named<D::File>,
    from: Place,
) -> Result<Place, LogError> {
    let mut best = Place { segment: 0, offset: 0 };
    let mut place = from;
    loop {
        let head = reader.window.view(&mut reader.store, file, place.offset, BATCH_HEADER_BYTES)?;
        if head.len() < BATCH_HEADER_BYTES {
            return Ok(best);
        }
        if head[..BATCH_MAGIC.len()] == BATCH_MAGIC
            && let Ok(header) = BatchHeader::decode(head)
            && header.place == place
            && header.log_id == reader.header.log_id
        {
            best = Place::max(best, header.synced);
        }
        place.offset += wide(ALIGN);
    }
}
