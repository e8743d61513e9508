//! Order events and trades as Bitstamp's live feeds give them, from csv.
//!
//! Invariant: any octets give a record or an error that names file and line. Columns are found by the names in the first
//! line; without names they are taken in the order of the feeds' recorders.

use std::path::Path;

use crate::flow::FlowError;
use crate::flow::lines::{Lines, Member};
use risk::Side;

/// Columns of an orders file, in their order where it has no names.
const ORDER_COLUMNS: [&str; 6] = ["id", "exchange_timestamp", "price", "volume", "action", "direction"];
const ORDER_PLACES: [usize; 6] = [0, 2, 3, 4, 5, 6];
/// Columns of a trades file, in their order where it has no names.
const TRADE_COLUMNS: [&str; 6] =
    ["exchange_timestamp", "price", "amount", "buy_order_id", "sell_order_id", "side"];
const TRADE_PLACES: [usize; 6] = [2, 3, 4, 5, 6, 7];
const LINE_MAX: usize = 1_024;
/// Decimals beyond which nothing is traded.
const DECIMALS_MAX: u32 = 12;

/// A number as written: `mantissa` times ten to the minus `decimals`, without trailing zeros.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Decimal {
    /// Digits.
    pub mantissa: i64,
    /// Decimals of them.
    pub decimals: u32,
}

impl Decimal {
    /// Reads `78318.0` or `6.405e-05`; not below zero.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().ok().filter(|exponent: &i32| exponent.abs() <= 30)?;
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{part}");
        if all.is_empty() || !all.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        let mut mantissa: i128 = all.parse().ok().filter(|&mantissa: &i128| mantissa < 1 << 80)?;
        let mut decimals = i32::try_from(part.len()).ok()? - exponent;
        while mantissa % 10 == 0 && decimals > 0 {
            (mantissa, decimals) = (mantissa.div_euclid(10), decimals - 1);
        }
        if decimals < 0 {
            mantissa = mantissa.checked_mul(10_i128.checked_pow(decimals.unsigned_abs())?)?;
        }
        let decimals = if mantissa == 0 { 0 } else { decimals.max(0).unsigned_abs() };
        let mantissa = i64::try_from(mantissa).ok()?;
        (decimals <= DECIMALS_MAX).then_some(Self { mantissa, decimals })
    }

    /// The mantissa at `decimals` decimals, of which it must have no more; none where it does not fit.
    #[must_use]
    pub fn at(self, decimals: u32) -> Option<i64> {
        self.mantissa.checked_mul(10_i64.checked_pow(decimals.checked_sub(self.decimals)?)?)
    }
}

/// What happened to an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// It arrived.
    Created,
    /// Its volume is another: it traded, or was changed.
    Changed,
    /// It is gone.
    Deleted,
}

/// A line of the orders file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderEvent {
    /// The exchange's number.
    pub id: u64,
    /// The exchange's time, in its own unit.
    pub time: u64,
    /// Limit price; of a trade, its price.
    pub price: Decimal,
    /// What remains.
    pub volume: Decimal,
    /// What happened.
    pub action: Action,
    /// Buy or sell.
    pub side: Side,
}

/// A line of the trades file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// The exchange's time, in its own unit.
    pub time: u64,
    /// Price.
    pub price: Decimal,
    /// How much.
    pub amount: Decimal,
    /// The order that rested.
    pub maker: u64,
    /// The order that came.
    pub taker: u64,
    /// Its line.
    pub line: u64,
}

/// Records of a file.
#[derive(Debug)]
pub struct Records {
    lines: Lines,
    names: [&'static str; 6],
    places: [usize; 6],
    begun: bool,
}

impl Records {
    /// Opens an orders file.
    ///
    /// # Errors
    /// [`FlowError`] when it cannot be read.
    pub fn orders(path: &Path) -> Result<Self, FlowError> {
        let member = Member { contains: "orders", line_max: LINE_MAX };
        Ok(Self::new(Lines::open(path, member)?, ORDER_COLUMNS, ORDER_PLACES))
    }

    /// Opens a trades file.
    ///
    /// # Errors
    /// [`FlowError`] when it cannot be read.
    pub fn trades(path: &Path) -> Result<Self, FlowError> {
        let member = Member { contains: "trades", line_max: LINE_MAX };
        Ok(Self::new(Lines::open(path, member)?, TRADE_COLUMNS, TRADE_PLACES))
    }

    fn new(lines: Lines, names: [&'static str; 6], places: [usize; 6]) -> Self {
        Self { lines, names, places, begun: false }
    }

    /// The next order event.
    ///
    /// # Errors
    /// [`FlowError`] that names the line.
    pub fn next_order(&mut self) -> Result<Option<OrderEvent>, FlowError> {
        let Some(fields) = self.next_fields()? else { return Ok(None) };
        Self::order(&fields).map(Some).map_err(|reason| self.lines.malformed(reason))
    }

    /// The next trade.
    ///
    /// # Errors
    /// [`FlowError`] that names the line.
    pub fn next_trade(&mut self) -> Result<Option<Trade>, FlowError> {
        let Some(fields) = self.next_fields()? else { return Ok(None) };
        self.trade(&fields).map(Some).map_err(|reason| self.lines.malformed(reason))
    }

    /// The lines it reads.
    #[must_use]
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The six fields of the next record.
    fn next_fields(&mut self) -> Result<Option<[String; 6]>, FlowError> {
        let text = match self.lines.next_line()? {
            None => return Ok(None),
            Some(line) => String::from_utf8_lossy(line).into_owned(),
        };
        let fields: Vec<&str> = text.split(',').map(|field| field.trim().trim_matches('"')).collect();
        let is_names = fields[0].starts_with(|first: char| first.is_ascii_alphabetic());
        if !std::mem::replace(&mut self.begun, true) && is_names {
            self.find_columns(&fields)?;
            return self.next_fields();
        }
        let mut record = <[String; 6]>::default();
        for ((field, &place), name) in record.iter_mut().zip(&self.places).zip(self.names) {
            let Some(found) = fields.get(place) else {
                let reason = format!(
                    "field '{name}' is missing: {} fields, expected it as number {}",
                    fields.len(),
                    place + 1
                );
                return Err(self.lines.malformed(reason));
            };
            (*found).clone_into(field);
        }
        Ok(Some(record))
    }

    fn find_columns(&mut self, names: &[&str]) -> Result<(), FlowError> {
        for (place, name) in self.places.iter_mut().zip(self.names) {
            let Some(found) = names.iter().position(|other| other.eq_ignore_ascii_case(name)) else {
                let (needed, shown) = (self.names.join(","), names.join(","));
                let shown: String = shown.chars().take(120).collect();
                let reason = format!("no column '{name}' among '{shown}'; needed are {needed}");
                return Err(self.lines.malformed(reason));
            };
            *place = found;
        }
        Ok(())
    }

    fn order(fields: &[String; 6]) -> Result<OrderEvent, String> {
        let [id, time, price, volume, action, direction] = fields;
        Ok(OrderEvent {
            id: whole("id", id)?,
            time: whole("exchange_timestamp", time)?,
            price: decimal("price", price)?,
            volume: decimal("volume", volume)?,
            action: match action.as_str() {
                "created" => Action::Created,
                "changed" => Action::Changed,
                "deleted" => Action::Deleted,
                other => return Err(wrong("action", other, "created, changed or deleted")),
            },
            side: match direction.as_str() {
                "bid" | "buy" | "0" => Side::Buy,
                "ask" | "sell" | "1" => Side::Sell,
                other => return Err(wrong("direction", other, "bid or ask")),
            },
        })
    }

    fn trade(&self, fields: &[String; 6]) -> Result<Trade, String> {
        let [time, price, amount, buy, sell, side] = fields;
        let (buy, sell) = (whole("buy_order_id", buy)?, whole("sell_order_id", sell)?);
        let (maker, taker) = match side.as_str() {
            "buy" | "0" => (sell, buy),
            "sell" | "1" => (buy, sell),
            other => return Err(wrong("side", other, "buy or sell, the taker's")),
        };
        Ok(Trade {
            time: whole("exchange_timestamp", time)?,
            price: decimal("price", price)?,
            amount: decimal("amount", amount)?,
            maker,
            taker,
            line: self.lines.line(),
        })
    }
}

fn wrong(name: &str, field: &str, expected: &str) -> String {
    let shown: String = field.chars().take(24).collect();
    format!("{name} is '{shown}', expected {expected}")
}

fn whole(name: &str, field: &str) -> Result<u64, String> {
    field.parse().map_err(|_| wrong(name, field, "a whole number"))
}

fn decimal(name: &str, field: &str) -> Result<Decimal, String> {
    Decimal::parse(field).ok_or_else(|| wrong(name, field, "a number such as 78318.5, not below zero"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::random::Random;

    #[test]
    fn numbers_are_read_exactly() {
        let cases = [
            ("78318.0", Some((78_318, 0))),
            ("0.112049", Some((112_049, 6))),
            ("6.405e-05", Some((6_405, 8))),
            ("1.39e-06", Some((139, 8))),
            ("2e3", Some((2_000, 0))),
            ("1.2500", Some((125, 2))),
            ("0.0", Some((0, 0))),
            ("", None),
            ("-1", None),
            (".", None),
            ("1.2.3", None),
            ("1e99", None),
            ("99999999999999999999", None),
            ("0.0000000000001", None),
        ];
        for (text, expected) in cases {
            let read = Decimal::parse(text).map(|decimal| (decimal.mantissa, decimal.decimals));
            assert_eq!(read, expected, "{text}");
        }
        assert_eq!(Decimal::parse("1.25").unwrap().at(4), Some(12_500));
        assert_eq!(Decimal::parse("1.25").unwrap().at(1), None);
    }

    #[test]
    fn garbage_never_panics() {
        let mut random = Random::new(0xb175);
        for _ in 0..50_000 {
            let mut text = b"123.456e-03".to_vec();
            for _ in 0..random.below(4) {
                let place = random.index(text.len());
                text[place] = u8::try_from(random.below(256)).unwrap();
            }
            let _read = Decimal::parse(&String::from_utf8_lossy(&text));
        }
    }
}
