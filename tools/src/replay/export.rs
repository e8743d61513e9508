//! Events as text for people, as CSV and as JSON lines.
//!
//! Invariant: one line per event in every format; CSV and JSON lines hold the same cells (`row.rs`), raw integers. The
//! text shows prices and quantities with the decimals of their instrument.

use std::collections::BTreeMap;
use std::io::{self, Write};

use engine::{Action, Event};
use gateway::outcome::Outcome;
use risk::{InstrumentId, InstrumentSpec};

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
    rows: u64,
}

impl std::fmt::Debug for Exporter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("format", &self.format).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<'a> Exporter<'a> {
    /// Writes to `output`.
    pub fn new(format: Format, output: &'a mut dyn Write) -> Self {
        Self { format, output, specs: BTreeMap::new(), rows: 0 }
    }

    /// Events written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The first line, where the format has one.
    ///
    /// # Errors
    /// Of the output.
    pub fn header(&mut self) -> io::Result<()> {
        if self.format == Format::Csv { writeln!(self.output, "{}", COLUMNS.join(",")) } else { Ok(()) }
    }

    /// Learns of instruments; for every command, shown or not.
    pub fn note(&mut self, outcome: &Outcome<'_>) {
        if let Action::DefineInstrument { instrument, spec } = &outcome.command.action {
            self.specs.entry(*instrument).or_insert_with(|| spec.as_ref().clone());
        }
    }

    /// Writes the events of one command.
    ///
    /// # Errors
    /// Of the output.
    pub fn write(&mut self, outcome: &Outcome<'_>) -> io::Result<()> {
        for event in outcome.events {
            let row = Row::of(outcome.stamp, event);
            match self.format {
                Format::Text => self.write_text(&row, event)?,
                Format::Csv => self.write_csv(&row)?,
                Format::Jsonl => self.write_json(&row)?,
            }
            self.rows += 1;
        }
        Ok(())
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
                Cell::Number(number) => show(name, *number, event, spec),
            };
            write!(self.output, " {}={shown}", name.replace('_', "-"))?;
        }
        writeln!(self.output)
    }
}

/// A number with the decimals of its column; money, and prices without a known instrument, stay raw.
fn show(column: &str, number: i128, event: &Event, spec: Option<&InstrumentSpec>) -> String {
    let Some(spec) = spec else { return number.to_string() };
    let is_mark = matches!(event, Event::Marked { .. });
    match column {
        "instrument" => {
            let end = spec.symbol.iter().position(|octet| *octet == 0).unwrap_or(spec.symbol.len());
            String::from_utf8_lossy(&spec.symbol[..end]).into_owned()
        }
        // Marks carry 2^10 sub-units; people see the price unit below.
        "price" | "mark" if is_mark => decimal(number >> risk::limits::MARK_SHIFT, spec.price_decimals),
        "price" => decimal(number, spec.price_decimals),
        "qty" | "leaves" | "maker_leaves" | "position" | "maker_position" => decimal(number, spec.qty_decimals),
        "value" | "fee" | "cost" | "balance" | "maker_fee" | "maker_cost" | "maker_balance" => {
            decimal(number, spec.money_decimals)
        }
        "amount" if matches!(event, Event::TakenOver { .. }) => decimal(number, spec.money_decimals),
        "amount" if matches!(event, Event::LeverageSet { .. }) => format!("{}x", decimal(number, 2)),
        _ => number.to_string(),
    }
}
