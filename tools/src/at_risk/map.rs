//! `fulcrum risk --map`: what would be liquidated as a mark moves away, step by step, beside what rests in the book.
//!
//! Invariant: every figure is the venue's own; only pages are added up here. A bar is as long as its part of the longest.

use std::fmt;
use std::io::Write;

use gateway::client::Query;
use gateway::wire::private::{LiquidationMap, MapStep};
use gateway::wire::types::Side;
use risk::{InstrumentId, Mark};
use serde::Serialize;

use super::RiskArgs;
use crate::desk::Desk;
use crate::desk::instruments::{Instruments, show_mark};
use crate::format::parts_per_billion;
use crate::whatif::desk_for;

/// Characters of the longest bar.
const BAR: i64 = 30;

/// A step as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct StepReport {
    /// The mark at its far end.
    to: Option<String>,
    /// Positions that would be liquidated.
    liquidated: String,
    /// How many they are.
    positions: u32,
    /// What rests in the book that would take them.
    depth: String,
    /// Length of its bar, and of the depth's.
    #[serde(skip)]
    bars: [usize; 2],
}

/// A map as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct MapReport {
    /// The state after this command; of a map in pages, the last.
    seq: u64,
    /// Which instrument.
    instrument: String,
    /// The mark that steps are counted from.
    mark: Option<String>,
    /// Shorts, from the mark up.
    shorts: Vec<StepReport>,
    /// Longs, from the mark down.
    longs: Vec<StepReport>,
}

/// All pages of a map, added up; each counts from the mark of its own moment, and the first one's is shown.
fn whole(
    desk: &mut Desk,
    instrument: InstrumentId,
    width_e9: u32,
    steps: u16,
) -> anyhow::Result<(u64, LiquidationMap)> {
    let mut sum: Option<LiquidationMap> = None;
    let mut from = 0;
    loop {
        let answer = desk.ask(Query::LiquidationMap { instrument, width_e9, steps, from })?;
        let page = answer.liquidation_map.ok_or_else(|| {
            anyhow::anyhow!(
                "there is no map of it: it has no mark yet, or the step is not above 0 and at most 100%"
            )
        })?;
        let next = page.next.get();
        let sum = match &mut sum {
            Some(sum) => {
                add(sum, &page);
                sum
            }
            None => sum.insert(page),
        };
        match next {
            Some(next) => from = next,
            None => return Ok((answer.seq.get(), sum.clone())),
        }
    }
}

fn add(sum: &mut LiquidationMap, page: &LiquidationMap) {
    for (step, more) in sum.steps.0.iter_mut().zip(&page.steps.0) {
        step.qty += more.qty;
        step.positions += more.positions;
        step.depth += more.depth;
    }
}

impl MapReport {
    fn of(seq: u64, map: &LiquidationMap, instruments: &Instruments) -> Self {
        let id = map.instrument_id;
        let def = instruments.get(id);
        let shown = |mark: Mark| def.map(|def| show_mark(def, mark));
        let most = map.steps.0.iter().map(|step| step.qty.max(step.depth).get()).max().unwrap_or(0).max(1);
        let bar = |qty: i64| {
            let scaled = i128::from(qty) * i128::from(BAR);
            let length = scaled.div_euclid(i128::from(most)).max(i128::from(qty > 0));
            usize::try_from(length).unwrap_or_default()
        };
        let step = |step: &MapStep| StepReport {
            to: shown(step.to),
            liquidated: instruments.qty(id, step.qty.get()),
            positions: step.positions,
            depth: instruments.qty(id, step.depth.get()),
            bars: [bar(step.qty.get()), bar(step.depth.get())],
        };
        let of = |side: Side| {
            let steps = map.steps.0.iter().filter(move |step| step.side.get() == Some(side));
            steps.map(step).collect::<Vec<_>>()
        };
        let (longs, shorts) = (of(Side::Buy), of(Side::Sell));
        Self { seq, instrument: instruments.name(id), mark: map.mark.get().and_then(shown), shorts, longs }
    }
}

impl fmt::Display for StepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = self.to.as_deref().unwrap_or("-");
        let [liquidated, depth] = self.bars.map(|length| "#".repeat(length));
        writeln!(f, "  {to:>16} {:>16} {:>9}  {liquidated}", self.liquidated, self.positions)?;
        writeln!(f, "  {:>16} {:>16} {:>9}  {}", "book", self.depth, "", depth.replace('#', "."))
    }
}

impl fmt::Display for MapReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = self.mark.as_deref().unwrap_or("none");
        writeln!(f, "{} liquidated as its mark moves away, as of command {}\n", self.instrument, self.seq)?;
        writeln!(f, "  {:>16} {:>16} {:>9}", "to", "quantity", "positions")?;
        self.shorts.iter().rev().try_for_each(|step| write!(f, "{step}"))?;
        writeln!(f, "  {mark:>16} ---- mark")?;
        self.longs.iter().try_for_each(|step| write!(f, "{step}"))
    }
}

/// Asks for a map, and prints it; the exit code.
pub(super) fn run(args: &RiskArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let width_e9 = u32::try_from(parts_per_billion(&args.step)?)?;
    let mut desk = desk_for(&args.access, None)?;
    let name = args.instrument.as_deref().unwrap_or_default();
    let instrument = desk.instruments.find(name)?.instrument_id;
    let found = whole(&mut desk, instrument, width_e9, args.steps);
    let report = found.map(|(seq, map)| MapReport::of(seq, &map, &desk.instruments));
    desk.close()?;
    let report = report?;
    if args.access.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    Ok(0)
}
