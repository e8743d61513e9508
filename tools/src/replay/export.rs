//! Events as text for people, as CSV and as JSON lines.
//!
//! Invariant: one line per event in every format; CSV and JSON lines hold the same cells (`row.rs`), raw integers. The
//! text shows prices and quantities with the decimals of their instrument.

use std::collections::BTreeMap;
use std::io::{self, Write};

use engine::{Action, Event, OrderId, Stamp};
use gateway::outcome::Outcome;
use risk::{InstrumentId, InstrumentSpec, Qty, Side};

use super::row::{COLUMNS, Cell, Column, Row};
use crate::format::{decimal, utc};

/// How events are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Format {
    /// For people: decimals, symbols, only what an event says.
    Text,
    /// Comma-separated, a header line, raw integers.
    Csv,
    /// One JSON object per line, raw integers, empty cells left out.
    Jsonl,
}

/// Writes events.
pub struct Exporter<'a> {
    format: Format,
    output: &'a mut dyn Write,
    /// Terms of the instruments, learnt from the commands that define them.
    specs: BTreeMap<InstrumentId, InstrumentSpec>,
    /// Orders that may rest.
    open: BTreeMap<OrderId, (InstrumentId, Side)>,
    rows: u64,
    /// Whether the first line is written.
    begun: bool,
}

impl std::fmt::Debug for Exporter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter")
            .field("format", &self.format)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl<'a> Exporter<'a> {
    /// Writes to `output`.
    pub fn new(format: Format, output: &'a mut dyn Write) -> Self {
        Self { format, output, specs: BTreeMap::new(), open: BTreeMap::new(), rows: 0, begun: false }
    }

    /// Events written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The first line, where the format has one. It waits for the first command: of a log that does not open nothing
    /// is written.
    fn begin(&mut self) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        if self.format == Format::Csv { writeln!(self.output, "{}", COLUMNS.join(",")) } else { Ok(()) }
    }

    /// Completes the output; also that of a log without commands has its first line.
    ///
    /// # Errors
    /// Of the output.
    pub fn finish(&mut self) -> io::Result<()> {
        self.begin()
    }

    /// Takes one command with its events: learns from them, and writes them where `shown`.
    ///
    /// # Errors
    /// Of the output.
    pub fn take(&mut self, outcome: &Outcome<'_>, shown: bool) -> io::Result<()> {
        self.begin()?;
        if let Action::DefineInstrument { instrument, spec } = &outcome.command.action {
            self.specs.entry(*instrument).or_insert_with(|| spec.as_ref().clone());
        }
        for event in outcome.events {
            if shown {
                self.write(outcome.stamp, event)?;
            }
            self.learn(event);
        }
        Ok(())
    }

    /// Keeps the instrument and side of every order that may still be amended or trimmed.
    fn learn(&mut self, event: &Event) {
        if let Event::Accepted { order, instrument, side, .. } = *event {
            self.open.insert(order, (instrument, side));
        } else if let Event::Cancelled { order, .. } = *event {
            self.open.remove(&order);
        } else if let Event::Fill(fill) = event {
            for side in [&fill.taker, &fill.maker] {
                if side.leaves == Qty::ZERO {
                    self.open.remove(&side.order);
                }
            }
        } else if let Event::Trimmed { order, leaves: Qty::ZERO, .. } = *event {
            self.open.remove(&order);
        }
    }

    fn write(&mut self, stamp: Stamp, event: &Event) -> io::Result<()> {
        let mut row = Row::of(stamp, event);
        if let Event::Amended { order, .. } | Event::Trimmed { order, .. } | Event::Refreshed { order, .. } =
            event
            && let Some(&(instrument, side)) = self.open.get(order)
        {
            row.complete(instrument, side);
        }
        self.rows += 1;
        match self.format {
            Format::Text => self.write_text(&row, event),
            Format::Csv => self.write_csv(&row),
            Format::Jsonl => self.write_json(&row),
        }
    }

    fn write_csv(&mut self, row: &Row) -> io::Result<()> {
        for (place, (_, cell)) in row.cells().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            match cell {
                Cell::Empty => write!(self.output, "{comma}")?,
                Cell::Number(number) => write!(self.output, "{comma}{number}")?,
                Cell::Word(word) => write!(self.output, "{comma}{word}")?,
            }
        }
        writeln!(self.output)
    }

    fn write_json(&mut self, row: &Row) -> io::Result<()> {
        let mut before = "{";
        for (name, cell) in row.cells() {
            match cell {
                Cell::Empty => continue,
                Cell::Number(number) => write!(self.output, "{before}\"{name}\":{number}")?,
                Cell::Word(word) => write!(self.output, "{before}\"{name}\":\"{word}\"")?,
            }
            before = ",";
        }
        writeln!(self.output, "}}")
    }

    fn write_text(&mut self, row: &Row, event: &Event) -> io::Result<()> {
        let time = match row.cell(Column::TimeNs) {
            Cell::Number(time) => utc(u64::try_from(*time).unwrap_or(0)),
            Cell::Empty | Cell::Word(_) => String::new(),
        };
        let instrument = match row.cell(Column::Instrument) {
            Cell::Number(number) => u32::try_from(*number).ok().map(InstrumentId::new),
            Cell::Empty | Cell::Word(_) => None,
        };
        let spec = instrument.and_then(|instrument| self.specs.get(&instrument));
        // All instruments settle in one asset.
        let money_decimals = self.specs.values().next().map_or(0, |spec| spec.money_decimals);
        let word = |column| match row.cell(column) {
            Cell::Word(word) => word.clone(),
            Cell::Number(number) => number.to_string(),
            Cell::Empty => String::new(),
        };
        write!(self.output, "{:>10} {time} {:<19}", word(Column::Seq), word(Column::Event))?;
        for (name, cell) in row.cells().skip(3) {
            let shown = match cell {
                Cell::Empty => continue,
                Cell::Word(word) => word.clone(),
                Cell::Number(number) => show(name, *number, event, spec, money_decimals),
            };
            write!(self.output, " {}={shown}", name.replace('_', "-"))?;
        }
        writeln!(self.output)
    }
}

/// A number as people read it: with the decimals of its instrument or of the settlement asset.
fn show(
    column: &str,
    number: i128,
    event: &Event,
    spec: Option<&InstrumentSpec>,
    money_decimals: u8,
) -> String {
    let of_spec = |decimals: fn(&InstrumentSpec) -> u8| decimal(number, spec.map_or(0, decimals));
    let is_mark = matches!(event, Event::Marked { .. } | Event::InstrumentSettled { .. });
    match column {
        "instrument" => spec.map_or_else(|| number.to_string(), symbol),
        // Marks carry 2^10 sub-units; people see the price unit below.
        "price" | "mark" if is_mark => {
            decimal(number >> risk::limits::MARK_SHIFT, spec.map_or(0, |spec| spec.price_decimals))
        }
        "watched" => decimal(number >> risk::limits::MARK_SHIFT, spec.map_or(0, |spec| spec.price_decimals)),
        "price" | "trigger" => of_spec(|spec| spec.price_decimals),
        "qty" | "leaves" | "maker_leaves" | "position" | "maker_position" => {
            of_spec(|spec| spec.qty_decimals)
        }
        "amount" if matches!(event, Event::LeverageSet { .. }) => format!("{}x", decimal(number, 2)),
        "value" | "fee" | "cost" | "balance" | "amount" | "maintenance" | "maker_fee" | "maker_cost"
        | "maker_balance" => decimal(number, money_decimals),
        _ => number.to_string(),
    }
}

fn symbol(spec: &InstrumentSpec) -> String {
    let end = spec.symbol.iter().position(|octet| *octet == 0).unwrap_or(spec.symbol.len());
    String::from_utf8_lossy(&spec.symbol[..end]).into_owned()
}
