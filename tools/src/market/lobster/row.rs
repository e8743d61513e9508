//! Rows of a LOBSTER book file: price and size of the best levels after each message.
//!
//! Invariant: any octets give a [`Row`] or a reason, never a panic. Levels stand best first, and empty ones (size 0, price
//! plus or minus 9999999999) are left out.

use std::path::Path;

use risk::{Price, Qty, Side};

use crate::flow::FlowError;
use crate::flow::lines::{Lines, Member};

/// Columns of a level: ask price, ask size, bid price, bid size.
const COLUMNS: usize = 4;

/// The book file in a vendor's archive. A row of 200 levels has 800 fields of at most 11 octets.
pub const ROWS: Member = Member { contains: "_orderbook_", line_max: 1 << 14 };

/// A price and what rests there.
pub type Level = (Price, Qty);

/// The book after a message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row {
    /// Levels a side can have here.
    pub levels: usize,
    /// Best first.
    pub asks: Vec<Level>,
    /// Best first.
    pub bids: Vec<Level>,
}

/// Whether `price` is better than `other` for an order that rests on `side`.
#[must_use]
pub fn is_better(side: Side, price: Price, other: Price) -> bool {
    match side {
        Side::Buy => price > other,
        Side::Sell => price < other,
    }
}

impl Row {
    /// Parses a line.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(line)
            .map_err(|_| "not text; expected a LOBSTER orderbook file (csv, .csv.gz or .zip)".to_owned())?;
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        if !fields.len().is_multiple_of(COLUMNS) {
            return Err(format!(
                "{} fields, expected 4 for each level: ask price,ask size,bid price,bid size; is it cut \
                 off, or no orderbook file?",
                fields.len()
            ));
        }
        let mut row = Self { levels: fields.len().div_euclid(COLUMNS), ..Self::default() };
        for level in fields.chunks_exact(COLUMNS) {
            row.push(Side::Sell, level[0], level[1])?;
            row.push(Side::Buy, level[2], level[3])?;
        }
        Ok(row)
    }

    fn push(&mut self, side: Side, price: &str, size: &str) -> Result<(), String> {
        let price = Price::new(number("price", price)?);
        let size = Qty::new(number("size", size)?);
        if size == Qty::ZERO {
            return Ok(());
        }
        if size < Qty::ZERO || size.get() > risk::limits::QTY_MAX {
            return Err(format!("size is {size}, expected 0 to {}", risk::limits::QTY_MAX));
        }
        if price.get() <= 0 || price.get() > risk::limits::PRICE_MAX {
            return Err(format!("price is {price}, expected 1 to {}", risk::limits::PRICE_MAX));
        }
        let levels = if side == Side::Sell { &mut self.asks } else { &mut self.bids };
        if let Some(&(before, _)) = levels.last()
            && !is_better(side, before, price)
        {
            let order = if side == Side::Sell { "asks must rise" } else { "bids must fall" };
            return Err(format!("price {price} stands behind {before}; {order} from level to level"));
        }
        levels.push((price, size));
        Ok(())
    }

    /// Levels of a side, best first.
    #[must_use]
    pub fn side(&self, side: Side) -> &[Level] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    /// Whether a side shows as many levels as it can: more may lie behind them.
    #[must_use]
    pub fn is_full(&self, side: Side) -> bool {
        self.side(side).len() == self.levels
    }

    /// Whether `price` lies behind the last level shown of a side, where nothing can be seen.
    #[must_use]
    pub fn hides(&self, side: Side, price: Price) -> bool {
        self.is_full(side) && self.side(side).last().is_none_or(|&(last, _)| is_better(side, last, price))
    }

    /// Whether the best bid is not below the best ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        matches!((self.bids.first(), self.asks.first()), (Some(bid), Some(ask)) if bid.0 >= ask.0)
    }
}

fn number(name: &str, field: &str) -> Result<i64, String> {
    field.parse().map_err(|_| {
        let shown: String = field.chars().take(24).collect();
        format!("{name} is '{shown}', expected a whole number")
    })
}

/// Rows of a file, one after the other; all have the same number of levels.
#[derive(Debug)]
pub struct Rows {
    lines: Lines,
    levels: Option<usize>,
}

impl Rows {
    /// Opens a file at its first row.
    ///
    /// # Errors
    /// [`FlowError`] when it cannot be read, or is an archive without exactly one book file.
    pub fn open(path: &Path) -> Result<Self, FlowError> {
        Ok(Self { lines: Lines::open(path, ROWS)?.without_header(), levels: None })
    }

    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// [`FlowError`] that names the line.
    pub fn next_row(&mut self) -> Result<Option<Row>, FlowError> {
        let parsed = match self.lines.next_line()? {
            None => return Ok(None),
            Some(line) => Row::parse(line),
        };
        let row = parsed.map_err(|reason| self.lines.malformed(reason))?;
        let levels = *self.levels.get_or_insert(row.levels);
        if row.levels != levels {
            let reason =
                format!("{} levels, the rows before have {levels}; is the file cut off?", row.levels);
            return Err(self.lines.malformed(reason));
        }
        Ok(Some(row))
    }

    /// The lines it reads.
    #[must_use]
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::random::Random;

    #[test]
    fn empty_levels_are_left_out() {
        let row = Row::parse(b"105,10,100,20,9999999999,0,99,5,9999999999,0,-9999999999,0").unwrap();
        assert_eq!(row.levels, 3);
        assert_eq!(row.asks, [(Price::new(105), Qty::new(10))]);
        assert_eq!(row.bids, [(Price::new(100), Qty::new(20)), (Price::new(99), Qty::new(5))]);
        assert!(!row.is_full(Side::Buy) && !row.hides(Side::Buy, Price::new(1)));
        let full = Row::parse(b"105,10,100,20").unwrap();
        assert!(full.hides(Side::Buy, Price::new(99)) && !full.hides(Side::Buy, Price::new(100)));
        assert!(!full.is_crossed());
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            ("34200.1,1,10,100,1000000,1", "6 fields"),
            ("34200.1,1,10,100", "price is '34200.1'"),
            ("1,1,1,x", "size is 'x'"),
            ("1,-1,1,1", "size is -1"),
            ("-1,1,1,1", "price is -1"),
            ("5,1,4,1,5,1,3,1", "asks must rise"),
            ("5,1,3,1,6,1,4,1", "bids must fall"),
        ];
        for (line, expected) in cases {
            let reason = Row::parse(line.as_bytes()).unwrap_err();
            assert!(reason.contains(expected), "{line}: {reason}");
        }
    }

    #[test]
    fn garbage_never_panics() {
        let mut random = Random::new(0xb00c);
        for _ in 0..50_000 {
            let mut line = b"1000200,100,1000000,100,1000300,5,9999999999,0".to_vec();
            for _ in 0..random.below(6) {
                let place = random.index(line.len());
                line[place] = u8::try_from(random.below(256)).unwrap();
            }
            line.truncate(random.index(line.len() + 1));
            let _outcome = Row::parse(&line);
        }
    }
}
