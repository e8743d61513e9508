//! Lines of the protocol `tracebook.conformance`, version 1: one JSON object each.
//!
//! Invariant: a line is understood whole or refused with words that name the field; nothing is assumed of it.

use risk::Side;
use serde_json::{Map, Value};

use super::number::Grid;

/// Name of the protocol.
pub(super) const PROTOCOL: &str = "tracebook.conformance";
/// Its version.
pub(super) const PROTOCOL_VERSION: u64 = 1;
/// Most decimals of a quantity that the protocol knows.
const PLACES_MAX: u64 = 18;

/// What stands against a line, in words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) String);

/// How a level is shared among its orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Algorithm {
    /// First come, first served.
    Fifo,
    /// In proportion to what remains of each.
    ProRata,
}

/// What happens when an owner would trade with himself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SelfTrade {
    /// He trades.
    Allowed,
    /// The resting order goes, the incoming one goes on.
    CancelResting,
    /// What is left of the incoming one goes.
    CancelIncoming,
}

/// The rules of one conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Config {
    pub(super) algorithm: Algorithm,
    pub(super) grid: Grid,
    pub(super) self_trade: SelfTrade,
    /// Decimals that quantities are written with.
    pub(super) places: u8,
}

/// How long an order lives, and whether it names a price.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Kind {
    Limit(f64),
    Market,
    Immediate(f64),
    FillOrKill(f64),
}

/// A new order.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct NewEvent {
    pub(super) side: Side,
    pub(super) kind: Kind,
    pub(super) quantity: f64,
    /// Negative one is nobody.
    pub(super) owner: i64,
}

/// What an event asks for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Op {
    New(NewEvent),
    Cancel,
    /// Takes this much from it.
    Reduce(f64),
    Replace {
        price: Option<f64>,
        quantity: Option<f64>,
    },
    /// Every order of the symbol goes.
    Clear,
}

/// One event of a trace.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct MarketEvent {
    pub(super) symbol: String,
    /// The source's number of the order; 0 for a clear.
    pub(super) order: u64,
    pub(super) op: Op,
}

/// A line that asks for something.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Hello(Config),
    Event { index: u64, event: MarketEvent },
    Snapshot { index: u64 },
    Finish { count: u64 },
}

impl Request {
    /// Understands a line.
    ///
    /// # Errors
    /// [`Malformed`], first thing wrong.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let value: Value = serde_json::from_slice(line)
            .map_err(|error| Malformed(format!("the line is not JSON: {error}")))?;
        let Value::Object(fields) = value else {
            return Err(Malformed("a message must be a JSON object".to_owned()));
        };
        match text(&fields, "type")? {
            "hello" => hello(&fields).map(Self::Hello),
            "event" => {
                let event = market_event(object(&fields, "event")?)?;
                Ok(Self::Event { index: positive(&fields, "index")?, event })
            }
            "snapshot" => Ok(Self::Snapshot { index: count(&fields, "index")? }),
            "finish" => Ok(Self::Finish { count: count(&fields, "event_count")? }),
            other => Err(Malformed(format!(
                "type {other:?} is not one of \"hello\", \"event\", \"snapshot\", \"finish\""
            ))),
        }
    }
}

type Fields = Map<String, Value>;

/// A field that is there and not null.
fn given<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn wrong(name: &str, wanted: &str) -> Malformed {
    Malformed(format!("{name} must be {wanted}"))
}

fn text<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Malformed> {
    given(fields, name).and_then(Value::as_str).ok_or_else(|| wrong(name, "a string"))
}

fn object<'a>(fields: &'a Fields, name: &str) -> Result<&'a Fields, Malformed> {
    given(fields, name).and_then(Value::as_object).ok_or_else(|| wrong(name, "an object"))
}

fn count(fields: &Fields, name: &str) -> Result<u64, Malformed> {
    given(fields, name).and_then(Value::as_u64).ok_or_else(|| wrong(name, "an integer that is not negative"))
}

fn positive(fields: &Fields, name: &str) -> Result<u64, Malformed> {
    count(fields, name).ok().filter(|&number| number > 0).ok_or_else(|| wrong(name, "a positive integer"))
}

fn number(fields: &Fields, name: &str) -> Result<Option<f64>, Malformed> {
    given(fields, name).map(|value| value.as_f64().ok_or_else(|| wrong(name, "a number"))).transpose()
}

fn required(fields: &Fields, name: &str) -> Result<f64, Malformed> {
    number(fields, name)?.ok_or_else(|| wrong(name, "a number"))
}

fn hello(fields: &Fields) -> Result<Config, Malformed> {
    if text(fields, "protocol")? != PROTOCOL {
        return Err(wrong("protocol", &format!("{PROTOCOL:?}")));
    }
    if count(fields, "protocol_version")? != PROTOCOL_VERSION {
        return Err(wrong("protocol_version", &PROTOCOL_VERSION.to_string()));
    }
    let config = object(fields, "config")?;
    let algorithm = match text(config, "matching_algorithm")? {
        "fifo" => Algorithm::Fifo,
        "pro_rata" => Algorithm::ProRata,
        _ => return Err(wrong("matching_algorithm", "\"fifo\" or \"pro_rata\"")),
    };
    let self_trade = match text(config, "self_trade_policy")? {
        "NONE" => SelfTrade::Allowed,
        "CANCEL_RESTING" => SelfTrade::CancelResting,
        "CANCEL_INCOMING" => SelfTrade::CancelIncoming,
        _ => {
            return Err(wrong("self_trade_policy", "\"NONE\", \"CANCEL_RESTING\" or \"CANCEL_INCOMING\""));
        }
    };
    let tick = match given(config, "tick_size") {
        Some(Value::String(text)) => text.parse().ok(),
        other => other.and_then(Value::as_f64),
    };
    let grid = tick
        .and_then(Grid::new)
        .ok_or_else(|| wrong("tick_size", "a number above zero with at most 12 decimals"))?;
    let places = count(config, "quantity_decimal_places")?;
    let places =
        u8::try_from(places.min(PLACES_MAX + 1)).ok().filter(|&places| u64::from(places) <= PLACES_MAX);
    let places = places.ok_or_else(|| wrong("quantity_decimal_places", "between 0 and 18"))?;
    Ok(Config { algorithm, grid, self_trade, places })
}

fn market_event(fields: &Fields) -> Result<MarketEvent, Malformed> {
    let symbol = text(fields, "symbol")?.trim();
    if symbol.is_empty() {
        return Err(wrong("symbol", "a string that is not empty"));
    }
    let op = match text(fields, "op")? {
        "new" => Op::New(new_event(fields)?),
        "cancel" => Op::Cancel,
        "reduce" => {
            let quantity = required(fields, "quantity")?;
            Op::Reduce(Some(quantity).filter(|&by| by > 0.0).ok_or_else(|| wrong("quantity", "above zero"))?)
        }
        "replace" => replace(fields)?,
        "clear" => Op::Clear,
        other => {
            return Err(Malformed(format!(
                "op {other:?} is not one of \"new\", \"cancel\", \"reduce\", \"replace\", \"clear\""
            )));
        }
    };
    let order = if op == Op::Clear { 0 } else { positive(fields, "order_id")? };
    Ok(MarketEvent { symbol: symbol.to_owned(), order, op })
}

fn replace(fields: &Fields) -> Result<Op, Malformed> {
    let (price, quantity) = (number(fields, "price")?, number(fields, "quantity")?);
    if price.is_none() && quantity.is_none() {
        return Err(Malformed("replace needs a price, a quantity or both".to_owned()));
    }
    Ok(Op::Replace { price, quantity })
}

fn new_event(fields: &Fields) -> Result<NewEvent, Malformed> {
    let side = match text(fields, "side")? {
        "BUY" => Side::Buy,
        "SELL" => Side::Sell,
        _ => return Err(wrong("side", "\"BUY\" or \"SELL\"")),
    };
    let kind = match given(fields, "order_type").map_or(Some("LIMIT"), Value::as_str) {
        Some("LIMIT") => Kind::Limit(required(fields, "price")?),
        Some("MARKET") => Kind::Market,
        Some("IOC") => Kind::Immediate(required(fields, "price")?),
        Some("FOK") => Kind::FillOrKill(required(fields, "price")?),
        _ => return Err(wrong("order_type", "\"LIMIT\", \"MARKET\", \"IOC\" or \"FOK\"")),
    };
    let owner = given(fields, "owner").map_or(Some(-1), Value::as_i64);
    let owner = owner.ok_or_else(|| wrong("owner", "an integer of 64 bits"))?;
    Ok(NewEvent { side, kind, quantity: required(fields, "quantity")?, owner })
}
