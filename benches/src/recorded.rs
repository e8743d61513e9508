//! Which recorded flows run on the book, and how does a file become operations?
//!
//! A recording is short, so it is played several times over; a round begins by cancelling whatever still rests.
//! The first round is prefill: it warms the memory up and is not timed. Operations name only orders that rest in the
//! reference book at that point, so every engine can follow.
//!
//! LOBSTER: 1 adds, 2 reduces in place, 3 deletes, 4 is an immediate order from the other side at that price and size;
//! the rest is left out. Orders that rested before the file began, or left its levels, are not known to it: what names
//! them is left out, and what the file adds across such a remnant matches it. `QuantCup`: an order, or with price 0 a
//! cancel of the order whose number stands in the size; most of its cancels name an order that is gone and are left out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use risk::Side;

use crate::reference::Reference;
use crate::workload::{Kind, Op, Workload};

/// A recorded flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recording {
    /// An hour of AAPL on NASDAQ, order by order.
    Lobster,
    /// The feed of the `QuantCup` contest.
    QuantCup,
}

/// What a line of a recording says; orders by the file's own number.
#[derive(Clone, Copy, Debug)]
enum Said {
    Add { side: Side, qty: u32, price: i64, name: u64 },
    Immediate { side: Side, qty: u32, price: i64, name: u64 },
    Reduce { qty: u32, name: u64 },
    Cancel { name: u64 },
}

impl Recording {
    /// Every recording.
    pub const ALL: [Self; 2] = [Self::Lobster, Self::QuantCup];

    /// As printed and chosen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lobster => "aapl",
            Self::QuantCup => "quantcup",
        }
    }

    /// Where it lies below the data's directory.
    const fn file(self) -> &'static str {
        match self {
            Self::Lobster => "lobster_aapl/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz",
            Self::QuantCup => "quantcup/quantcup_score_feed.csv.gz",
        }
    }

    /// The flow, with at least `timed` operations behind its first round.
    ///
    /// # Errors
    /// Where the file is not there or does not read as what it should be.
    pub fn workload(self, data: &Path, timed: usize) -> anyhow::Result<Workload> {
        let path = data.join(self.file());
        let said = self.read(&path).with_context(|| format!("cannot use {}", path.display()))?;
        let mut player = Player::default();
        player.round(&said);
        let (prefill, resting) = (player.ops.len(), player.resting_max);
        while player.ops.len() < prefill + timed.max(1) {
            player.round(&said);
        }
        let Player { book, ops, next_id, .. } = player;
        Ok(Workload {
            name: self.name(),
            origin: format!("{prefill} operations a round"),
            resting,
            base: 0,
            price_max: ops.iter().map(|op| op.price).max().unwrap_or(0),
            all: ops,
            prefill,
            expected: book.expected(),
            ids: next_id,
        })
    }

    fn read(self, path: &Path) -> anyhow::Result<Vec<Said>> {
        let file = File::open(path)?;
        let mut said = Vec::new();
        let mut orders = 0;
        for (number, line) in BufReader::new(GzDecoder::new(file)).lines().enumerate() {
            let line = line?;
            let fields: Vec<&str> = line.trim().split(',').collect();
            let next = match self {
                Self::Lobster => lobster_line(&fields),
                Self::QuantCup => quantcup_line(&fields, &mut orders),
            };
            said.extend(next.with_context(|| format!("line {}: {line}", number + 1))?);
        }
        ensure!(!said.is_empty(), "it is empty");
        Ok(said)
    }
}

/// Time, type, order, size, price in 10^-4 dollars, direction of the resting order.
fn lobster_line(fields: &[&str]) -> anyhow::Result<Option<Said>> {
    let [_, kind, name, qty, price, direction] = *fields else { anyhow::bail!("six fields are expected") };
    let (name, qty): (u64, u32) = (name.parse()?, qty.parse()?);
    let ten_thousandths: i64 = price.parse()?;
    let side = if direction == "1" { Side::Buy } else { Side::Sell };
    // Visible orders stand at whole cents.
    let price = ten_thousandths.div_euclid(100);
    Ok(match kind {
        "1" => Some(Said::Add { side, qty, price, name }),
        "2" => Some(Said::Reduce { qty, name }),
        "3" => Some(Said::Cancel { name }),
        "4" => Some(Said::Immediate { side: side.opposite(), qty, price, name }),
        _ => None,
    })
}

/// Symbol, trader, side, price in dollars, size; orders are numbered as they come, from 1.
fn quantcup_line(fields: &[&str], orders: &mut u64) -> anyhow::Result<Option<Said>> {
    let [_, _, side, price, size] = *fields else { anyhow::bail!("five fields are expected") };
    let price = cents(price)?;
    if price == 0 {
        return Ok(Some(Said::Cancel { name: size.parse()? }));
    }
    *orders += 1;
    let side = if side == "0" { Side::Buy } else { Side::Sell };
    Ok(Some(Said::Add { side, qty: size.parse()?, price, name: *orders }))
}

fn cents(dollars: &str) -> anyhow::Result<i64> {
    let (whole, part) = dollars.split_once('.').unwrap_or((dollars, ""));
    ensure!(part.len() <= 2, "more than two decimals");
    Ok(format!("{whole}{part:0<2}").parse()?)
}

/// Turns what is said into operations that hit.
struct Player {
    book: Reference,
    ops: Vec<Op>,
    next_id: u32,
    /// First number of the current round.
    first_id: u32,
    resting_max: u32,
}

impl Default for Player {
    fn default() -> Self {
        Self { book: Reference::new(0), ops: Vec::new(), next_id: 1, first_id: 1, resting_max: 0 }
    }
}

impl Player {
    fn round(&mut self, said: &[Said]) {
        for id in self.first_id..self.next_id {
            if let Some(cancel) = self.cancel(id) {
                self.push(cancel);
            }
        }
        self.first_id = self.next_id;
        let mut ids = BTreeMap::new();
        for said in said {
            if let Some(op) = self.op(said, &mut ids) {
                self.push(op);
            }
        }
    }

    fn op(&mut self, said: &Said, ids: &mut BTreeMap<u64, u32>) -> Option<Op> {
        match *said {
            Said::Add { side, qty, price, name } => {
                let id = self.number();
                ids.insert(name, id);
                Some(Op { kind: Kind::Add, side, qty, id, price })
            }
            Said::Immediate { side, qty, price, name } => {
                self.book.order(*ids.get(&name)?)?;
                Some(Op { kind: Kind::Immediate, side, qty, id: self.number(), price })
            }
            Said::Reduce { qty, name } => {
                let id = *ids.get(&name)?;
                let order = *self.book.order(id)?;
                let reduce = Op { kind: Kind::Reduce, side: order.side, qty, id, price: order.price };
                if qty < order.qty { Some(reduce) } else { self.cancel(id) }
            }
            Said::Cancel { name } => self.cancel(*ids.get(&name)?),
        }
    }

    const fn number(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn cancel(&self, id: u32) -> Option<Op> {
        let order = self.book.order(id)?;
        Some(Op { kind: Kind::Cancel, side: order.side, qty: order.qty, id, price: order.price })
    }

    fn push(&mut self, op: Op) {
        self.book.apply(&op);
        self.ops.push(op);
        self.resting_max = self.resting_max.max(self.book.count(Side::Buy) + self.book.count(Side::Sell));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_they_should() {
        let fields = ["34200.1", "4", "7", "18", "5853300", "1"];
        let said = lobster_line(&fields).expect("well formed");
        assert!(matches!(said, Some(Said::Immediate { side: Side::Sell, qty: 18, price: 58_533, name: 7 })));
        let mut orders = 0;
        let said = quantcup_line(&["SYM", "ID8", "1", "47.9", "500"], &mut orders).expect("well formed");
        assert!(matches!(said, Some(Said::Add { side: Side::Sell, qty: 500, price: 4_790, name: 1 })));
        assert!(lobster_line(&["34200.1", "4"]).is_err());
        assert!(cents("1.234").is_err());
    }

    #[test]
    fn a_round_begins_with_an_empty_book() {
        let add = |side, price, name| Said::Add { side, qty: 10, price, name };
        let said = [
            add(Side::Buy, 100, 1),
            add(Side::Buy, 99, 2),
            Said::Reduce { qty: 4, name: 1 },
            Said::Immediate { side: Side::Sell, qty: 2, price: 100, name: 1 },
            Said::Cancel { name: 3 },
            add(Side::Sell, 100, 4),
        ];
        let mut player = Player::default();
        player.round(&said);
        assert_eq!(player.book.expected().resting, 2);
        let of_first = player.ops.len();
        player.round(&[]);
        assert_eq!(player.ops.len(), of_first + 2);
        let kinds: Vec<Kind> = player.ops.iter().map(|op| op.kind).collect();
        let expected =
            [Kind::Add, Kind::Add, Kind::Reduce, Kind::Immediate, Kind::Add, Kind::Cancel, Kind::Cancel];
        assert_eq!(kinds, expected);
        assert_eq!((player.book.expected().resting, player.book.expected().totals.qty), (0, 6));
    }
}
