//! `fulcrum book`: the best levels of an instrument's book.
//!
//! Invariant: what is shown is one moment of the venue, the one the answer names.

use std::fmt;
use std::io::Write;

use clap::Args;
use gateway::client::{Answer, Query};
use gateway::wire::private::{BookLevels, InstrumentDef, Level};
use serde::Serialize;

use crate::desk::instruments::{show_mark, show_price, show_qty, symbol};
use crate::desk::table::{Align, Table};
use crate::desk::told::word;
use crate::desk::{Access, Desk};
use crate::format::percent;

/// Arguments of `fulcrum book`.
#[derive(Clone, Debug, Args)]
pub struct BookArgs {
    /// By which key, at which venue.
    #[command(flatten)]
    pub access: Access,
    /// By name or number
    #[arg(value_name = "INSTRUMENT")]
    pub instrument: String,
    /// Levels of each side
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub levels: u16,
}

/// A level as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LevelReport {
    /// Price.
    pub price: String,
    /// Quantity resting there.
    pub quantity: String,
}

/// A book as it is shown. Serialised as it stands for `--json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BookReport {
    /// Name.
    pub instrument: String,
    /// What it admits.
    pub state: String,
    /// The state after this command.
    pub seq: u64,
    /// Index price.
    pub index: Option<String>,
    /// Mark price.
    pub mark: Option<String>,
    /// Open interest.
    pub open_interest: String,
    /// Prices are multiples of it.
    pub tick: String,
    /// Quantities are multiples of it.
    pub lot: String,
    /// Fee of the resting side.
    pub maker_fee: String,
    /// Fee of the side that comes.
    pub taker_fee: String,
    /// Best first.
    pub bids: Vec<LevelReport>,
    /// Best first.
    pub offers: Vec<LevelReport>,
}

impl BookReport {
    /// Of the venue's answer.
    #[must_use]
    pub fn of(answer: &Answer, def: &InstrumentDef) -> Self {
        let level = |level: &Level| LevelReport {
            price: show_price(def, level.price),
            quantity: show_qty(def, level.qty.get()),
        };
        let side = |side: &Option<BookLevels>| -> Vec<LevelReport> {
            side.iter().flat_map(|side| side.levels.0.iter().map(level)).collect()
        };
        Self {
            instrument: symbol(def),
            state: word(def.state),
            seq: answer.seq.get(),
            index: def.index.get().map(|mark| show_mark(def, mark)),
            mark: def.mark.get().map(|mark| show_mark(def, mark)),
            open_interest: show_qty(def, def.open_interest.get()),
            tick: show_price(def, def.tick),
            lot: show_qty(def, def.lot.get()),
            maker_fee: percent(i64::from(def.maker_fee)),
            taker_fee: percent(i64::from(def.taker_fee)),
            bids: side(&answer.bids),
            offers: side(&answer.offers),
        }
    }
}

impl fmt::Display for BookReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = || "none".to_owned();
        writeln!(
            f,
            "{}, {}: mark {}, index {}, open interest {}, tick {}, lot {}, fees {} maker and {} taker",
            self.instrument,
            self.state,
            self.mark.clone().unwrap_or_else(none),
            self.index.clone().unwrap_or_else(none),
            self.open_interest,
            self.tick,
            self.lot,
            self.maker_fee,
            self.taker_fee,
        )?;
        if self.bids.is_empty() && self.offers.is_empty() {
            return writeln!(f, "  nobody bids or offers");
        }
        let right = |name| (name, Align::Right);
        let mut table =
            Table::new(&[right("bid quantity"), right("bid"), right("offer"), right("offer quantity")]);
        for place in 0..self.bids.len().max(self.offers.len()) {
            let cells = |level: Option<&LevelReport>| {
                level.map_or_else(Default::default, |level| (level.price.clone(), level.quantity.clone()))
            };
            let (bid, bid_quantity): (String, String) = cells(self.bids.get(place));
            let (offer, offer_quantity): (String, String) = cells(self.offers.get(place));
            table.push(vec![bid_quantity, bid, offer, offer_quantity]);
        }
        write!(f, "{table}")
    }
}

/// Prints the book; the exit code.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &BookArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let mut desk = Desk::open_for_questions(&args.access)?;
    let report = report(&mut desk, args);
    desk.close()?;
    let report = report?;
    if args.access.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    Ok(0)
}

fn report(desk: &mut Desk, args: &BookArgs) -> anyhow::Result<BookReport> {
    let def = desk.instruments.find(&args.instrument)?.clone();
    let answer = desk.ask(Query::Book { instrument: def.instrument_id, depth: args.levels })?;
    Ok(BookReport::of(&answer, &def))
}
