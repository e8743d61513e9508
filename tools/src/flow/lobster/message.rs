//! One line of a LOBSTER message file.
//!
//! Invariant: any octets give a [`Message`] or a reason, never a panic. The six fields are: time in seconds after
//! midnight, type, order id, size, price x 10^4, direction; for executions the direction is that of the resting order.

use risk::{Price, Qty, Side};

/// Longest line accepted; real ones stay below 80 octets.
pub const LINE_BYTES_MAX: usize = 256;

/// What a message says happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 1: a new limit order.
    Add,
    /// 2: part of an order was cancelled.
    PartialCancel,
    /// 3: an order was deleted.
    Delete,
    /// 4: a visible order was executed.
    Execution,
    /// 5: a hidden order was executed.
    HiddenExecution,
    /// 6: a cross trade, an auction for instance.
    Cross,
    /// 7: a trading halt or its end.
    Halt,
}

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Message {
    /// Nanoseconds after midnight.
    pub time_ns: u64,
    /// What happened.
    pub kind: Kind,
    /// The exchange's order id.
    pub order: u64,
    /// Shares.
    pub size: Qty,
    /// Dollars x 10^4.
    pub price: Price,
    /// Side of the order spoken of.
    pub side: Side,
}

impl Message {
    /// Parses a line without its line feed.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(line).map_err(|_| {
            "not text; expected a LOBSTER message file (csv, .csv.gz or the vendor's .zip)".to_owned()
        })?;
        let mut fields = text.trim_end_matches('\r').split(',');
        let mut next = |name: &str| {
            fields.next().map(str::trim).ok_or_else(|| {
                format!("field '{name}' is missing; expected 6 fields: time,type,order,size,price,direction")
            })
        };
        let time_ns = parse_time(next("time")?)?;
        let kind = parse_kind(next("type")?)?;
        let order = parse_number::<u64>("order", next("order")?)?;
        let size = parse_number::<i64>("size", next("size")?)?;
        let price = parse_number::<i64>("price", next("price")?)?;
        let side = match next("direction")? {
            "1" => Side::Buy,
            "-1" => Side::Sell,
            other => return Err(format!("direction is '{}', expected 1 or -1", shorten(other))),
        };
        if fields.next().is_some() {
            return Err(
                "more than 6 fields; is this the orderbook file? the message file is needed".to_owned()
            );
        }
        let message = Self { time_ns, kind, order, size: Qty::new(size), price: Price::new(price), side };
        message.check()
    }

    /// Prices and sizes of what is played must be positive; a halt carries codes in their place.
    fn check(self) -> Result<Self, String> {
        let played = matches!(self.kind, Kind::Add | Kind::PartialCancel | Kind::Delete | Kind::Execution);
        if played && (self.size.get() <= 0 || self.size.get() > risk::limits::QTY_MAX) {
            return Err(format!("size is {}, expected 1 to {}", self.size, risk::limits::QTY_MAX));
        }
        if played && (self.price.get() <= 0 || self.price.get() > risk::limits::PRICE_MAX) {
            return Err(format!("price is {}, expected 1 to {}", self.price, risk::limits::PRICE_MAX));
        }
        Ok(self)
    }
}

fn parse_kind(field: &str) -> Result<Kind, String> {
    Ok(match field {
        "1" => Kind::Add,
        "2" => Kind::PartialCancel,
        "3" => Kind::Delete,
        "4" => Kind::Execution,
        "5" => Kind::HiddenExecution,
        "6" => Kind::Cross,
        "7" => Kind::Halt,
        other => return Err(format!("type is '{}', expected 1 to 7", shorten(other))),
    })
}

fn parse_number<T: std::str::FromStr>(name: &str, field: &str) -> Result<T, String> {
    field.parse().map_err(|_| format!("{name} is '{}', expected a whole number", shorten(field)))
}

/// Seconds with any number of decimals; what is finer than a nanosecond is cut off.
fn parse_time(field: &str) -> Result<u64, String> {
    let wrong =
        || format!("time is '{}', expected seconds after midnight such as 34200.017459617", shorten(field));
    let (seconds, fraction) = field.split_once('.').unwrap_or((field, ""));
    if !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds: u64 = seconds.parse().map_err(|_| wrong())?;
    let digits = fraction.get(..fraction.len().min(9)).unwrap_or("");
    let nanoseconds: u64 = format!("{digits:0<9}").parse().map_err(|_| wrong())?;
    seconds.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(nanoseconds)).ok_or_else(wrong)
}

fn shorten(field: &str) -> String {
    field.chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::random::Random;

    #[test]
    fn reads_the_six_fields() {
        let message = Message::parse(b"34200.5,1,42,18,1234500,-1\r").unwrap();
        assert_eq!(message.time_ns, 34_200_500_000_000);
        assert_eq!((message.kind, message.order), (Kind::Add, 42));
        assert_eq!(
            (message.size, message.price, message.side),
            (Qty::new(18), Price::new(1_234_500), Side::Sell)
        );
    }

    #[test]
    fn time_is_cut_to_nanoseconds() {
        assert_eq!(parse_time("1.0000000019").unwrap(), 1_000_000_001);
        assert_eq!(parse_time("7").unwrap(), 7_000_000_000);
        for wrong in ["", ".", "1.x", "-1", "99999999999999999999", "1.5.5"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let cases = [
            ("time,type,order,size,price,direction", "time is 'time'"),
            ("1,9,1,1,1,1", "type is '9'"),
            ("1,1,1,1", "field 'price' is missing"),
            ("1,1,1,x,1,1", "size is 'x'"),
            ("1,1,1,0,1,1", "size is 0"),
            ("1,1,1,1,-5,1", "price is -5"),
            ("1,1,1,1,1,2", "direction is '2'"),
            ("1,1,1,1,1,1,1", "more than 6 fields"),
        ];
        for (line, expected) in cases {
            let reason = Message::parse(line.as_bytes()).unwrap_err();
            assert!(reason.contains(expected), "{line}: {reason}");
        }
    }

    #[test]
    fn halts_may_carry_codes() {
        assert_eq!(Message::parse(b"36023.0,7,0,0,-1,-1").unwrap().kind, Kind::Halt);
        assert_eq!(Message::parse(b"36023.0,7,0,0,1,-1").unwrap().kind, Kind::Halt);
    }

    /// Random octets, and valid lines with octets exchanged: a message or a reason.
    #[test]
    fn garbage_never_panics() {
        let mut random = Random::new(0x10b5);
        for _ in 0..200_000 {
            let mut line = b"34200.017459617,5,0,1,2238200,-1".to_vec();
            for _ in 0..random.below(6) {
                let place = random.index(line.len());
                line[place] = u8::try_from(random.below(256)).unwrap();
            }
            line.truncate(random.index(line.len() + 1));
            let _outcome = Message::parse(&line);
        }
    }
}
