//! The triggers of an instrument in the order in which a mark that moves away would cross them.
//!
//! Invariant: reading only. A walk resumes behind a leg as long as that leg's trigger is where it was; else behind its bucket.

use super::{LiquidationIndex, Triggers};
use crate::ladder::{Ladder, NIL};
use risk::{InstrumentId, LegId, Mark, Side};

/// Where a walk is: a bucket, and the leg there that was seen last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) bucket: u32,
    pub(crate) leg: LegId,
}

impl Triggers {
    const fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Sell => &self.longs,
            Side::Buy => &self.shorts,
        }
    }

    /// The nearest occupied bucket behind `bucket`, seen from the mark; `None` is the nearest of all.
    fn behind(&self, side: Side, bucket: Option<u32>) -> Option<u32> {
        match (side, bucket) {
            (Side::Sell, None) => self.longs.at_or_below(u32::MAX),
            (Side::Sell, Some(bucket)) => self.longs.at_or_below(bucket.checked_sub(1)?),
            (Side::Buy, None) => self.shorts.at_or_above(0),
            (Side::Buy, Some(bucket)) => self.shorts.at_or_above(bucket.checked_add(1)?),
        }
    }

    /// Whether a mark that comes to `far` may cross the triggers of a bucket.
    fn is_within(&self, side: Side, bucket: u32, far: Mark) -> bool {
        match side {
            Side::Sell => bucket >= self.long_now(far),
            Side::Buy => bucket <= self.short_now(far),
        }
    }
}

impl LiquidationIndex {
    /// The leg behind the one that was seen last, on the side that closes it, whose trigger a mark on its way to `far` may
    /// cross.
    pub(crate) fn next_armed(
        &self,
        instrument: InstrumentId,
        side: Side,
        far: Mark,
        seen: Option<Seen>,
    ) -> Option<Seen> {
        let triggers = self.instruments.get(instrument.index())?;
        let in_bucket = seen.and_then(|seen| {
            let trigger = self.triggers.get(seen.leg.index())?;
            let stays = trigger.bucket == seen.bucket && trigger.side == Some(side);
            (stays && trigger.link.next != NIL)
                .then(|| Seen { bucket: seen.bucket, leg: LegId::new(trigger.link.next) })
        });
        let next = in_bucket.or_else(|| {
            let bucket = triggers.behind(side, seen.map(|seen| seen.bucket))?;
            Some(Seen { bucket, leg: LegId::new(triggers.ladder(side).head(bucket)) })
        });
        next.filter(|next| triggers.is_within(side, next.bucket, far))
    }
}
