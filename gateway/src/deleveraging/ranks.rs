//! Where a holder stands in the queue of those who would give up: a small table for each instrument and side, made by the
//! worker beside its following.
//!
//! Invariant: a table shows levels and a count, nobody's account or size. It is a moment old and says at what time it was
//! true; a plan never reads it.

use std::sync::{Arc, PoisonError, RwLock};

use engine::TimeNs;
use risk::rounding::{div_floor, wide_mul};
use risk::{InstrumentId, Money, Position};

use super::mirror::Mirror;
use risk::deleveraging::{DeleveragingPolicy, Holder};

/// Steps of a table: one for each hundredth of the holders.
const STEPS: usize = 100;
/// Holders looked at for one table, evenly spaced among all: the hundredths are right to a half of one.
const SAMPLES_MAX: usize = 4096;
/// Shortest time between two tables of one side, in milliseconds.
const EVERY_MS: u32 = 100;

/// Levels of leverage of the holders of a side, the highest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Table {
    /// When it was true.
    pub time: TimeNs,
    /// Accounts with a position of this side.
    pub holders: usize,
    /// The leverage, in thousandths, that this many hundredths of the holders are at or above: for 0, the highest.
    pub levels: Vec<u64>,
}

impl Table {
    /// Hundredths of the holders who stand before a level of leverage, in thousandths: 0 where nobody does.
    #[must_use]
    pub fn hundredths_before(&self, leverage: u64) -> usize {
        self.levels.partition_point(|level| *level > leverage)
    }

    fn of(mirror: &Mirror, instrument: InstrumentId, is_long: bool) -> Self {
        let holders = mirror.holder_count(instrument, is_long);
        let against = Position::new(if is_long { -1 } else { 1 });
        let spacing = holders.div_ceil(SAMPLES_MAX).max(1);
        let ledger = mirror.venue().ledger();
        let value = ledger.demand_for(instrument, against, Money::ZERO).value;
        let looked_at = mirror.accounts_against(instrument, against).step_by(spacing);
        let mut sample: Vec<u64> = looked_at
            .filter_map(|account| ledger.holder(account, instrument, against, DeleveragingPolicy::Water))
            .map(|holder| leverage(&holder, value))
            .collect();
        sample.sort_unstable_by(|a, b| b.cmp(a));
        let at = |step: usize| sample.get((step * sample.len()).div_euclid(STEPS)).copied();
        Self { time: mirror.last().time, holders, levels: (0..STEPS).map_while(at).collect() }
    }
}

/// Leverage in thousandths, rounded down.
#[must_use]
pub fn leverage(holder: &Holder, value: Money) -> u64 {
    let worth = wide_mul(holder.open, value.get()).saturating_mul(1_000);
    let leverage = div_floor(worth, i128::from(holder.equity.get().max(1)));
    u64::try_from(leverage).unwrap_or(if leverage < 0 { 0 } else { u64::MAX })
}

type Sides = [Option<Arc<Table>>; 2];

/// The tables, for readers on any thread.
#[derive(Debug, Default)]
pub struct Ranks(RwLock<Vec<Sides>>);

impl Ranks {
    /// The latest table of a side; `None` before there is one.
    #[must_use]
    pub fn table(&self, instrument: InstrumentId, is_long: bool) -> Option<Arc<Table>> {
        let tables = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tables.get(instrument.index())?[usize::from(is_long)].clone()
    }

    fn publish(&self, instrument: InstrumentId, is_long: bool, table: Table) {
        let table = Some(Arc::new(table));
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tables.len() <= instrument.index() {
            tables.resize_with(instrument.index() + 1, Sides::default);
        }
        tables[instrument.index()][usize::from(is_long)] = table;
    }
}

/// Makes the tables, one side at a time.
#[derive(Debug, Default)]
pub(super) struct Ranker {
    /// When the next table of each side is due: shorts, then longs, instrument by instrument.
    due: Vec<TimeNs>,
    next: usize,
}

impl Ranker {
    /// Another command was followed: makes the table whose turn it is, if it is due.
    pub(super) fn follow(&mut self, mirror: &Mirror, ranks: &Ranks) {
        let sides = 2 * mirror.venue().ledger().instruments() as usize;
        if self.next >= sides {
            self.due.resize(sides, TimeNs::default());
            self.next = 0;
            return;
        }
        let side = self.next;
        self.next += 1;
        let now = mirror.last().time;
        let Some(due) = self.due.get_mut(side).filter(|due| **due <= now) else { return };
        *due = now.later(EVERY_MS);
        let instrument = u32::try_from(side >> 1).expect("instruments have 32-bit numbers");
        let (instrument, is_long) = (InstrumentId::new(instrument), side % 2 == 1);
        if mirror.venue().ledger().instrument(instrument).mark.is_some() {
            ranks.publish(instrument, is_long, Table::of(mirror, instrument, is_long));
        }
    }
}
