//! `fulcrum tracebook`: the matching, held against somebody else's idea of it.
//!
//! `tracebook-conformance` 0.6.0 plays order flow into a reference engine of its own and into a candidate, and
//! compares every outcome, every match and the hash of every resting order after every event. This is the candidate: it
//! reads one JSON object per line, sends the venue's own commands through `Venue::apply`, and answers with what the
//! events say. `tools/tests/tracebook.sh` runs the suite.
//!
//! | the protocol's | is here |
//! |---|---|
//! | symbol | an instrument whose price counts ticks, without fees, with bands and limits as wide as the venue admits |
//! | price, a double | the nearest tick, halves to the even one; refused (`INVALID_ORDER`) where that is not above zero |
//! | quantity, a double | digit by digit, 12 decimals; fewer where 400 orders like the symbol's first would not fit the largest open interest |
//! | owner | a rich account; two, one per side, where he may trade with himself, because the venue never lets an account |
//! | `new` LIMIT, IOC, FOK | a limit order good-till-cancel, immediate-or-cancel, fill-or-kill |
//! | `new` MARKET | a market order. The venue bounds it by a collar around the mark, the protocol does not: index prices first lead the mark near enough; likewise for a limit outside the band |
//! | a FOK that cannot be filled | the venue refuses it; the protocol has it applied without matches |
//! | order number in use | refused here (`DUPLICATE_ORDER_ID`); the venue's own numbers only rise, the protocol's come back |
//! | `cancel` | a cancel |
//! | `reduce` | an amendment to less, which keeps its place; a cancel when nothing would be left |
//! | `replace` | an amendment where it costs the place at the venue too; else a cancel and a new order, because at the venue less at the same price would keep it and here it must not |
//! | `clear` | a mass cancel for every account with orders in the symbol |
//! | `CANCEL_INCOMING` | the venue's rule |
//! | `CANCEL_RESTING` | not the rule of plain orders, which are what is certified: each time a taker ends at an order of its own, that order is cancelled and the rest of the taker sent again; whether a FOK can be filled is counted here |
//! | `pro_rata` | not the venue's rule: shares are computed here, to the twelfth decimal, and each is sent as an order of its own; the reference shares doubles, so thirds may differ in the last decimal |
//! | state | prices and quantities as the venue has them, in the order its events let orders join the queue; each side must add up to the venue's depth |
//!
//! So the FIFO profiles certify the venue's matching; the suite's cases of `CANCEL_RESTING` and pro-rata certify that the
//! venue's commands are enough to build these rules on, and no more.
//!
//! What the venue cannot do is said, never guessed: a price above 67,108,863 ticks, a quantity finer than its symbol's
//! decimals, an order beyond a limit of the venue (1,024 resting orders of an account in an instrument; the largest open
//! interest, since a clear closes no positions) end the conversation with an `error`. One limit cannot be told from the
//! rule: a FOK that would need more than 256 makers is not filled.
//!
//! Invariant: a line is answered by one line. One that makes no sense is answered by an `error` and changes nothing; the
//! conversation goes on, and the exit code is 1. Nothing is kept, so Ctrl-C simply ends it.

mod adapter;
mod matching;
mod message;
mod number;
mod resting;
mod taking;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, IsTerminal, Read, Write};

use engine::Reject;
use serde_json::{Value, json};

use self::adapter::{Adapter, Observed};
use self::message::{Malformed, PROTOCOL, PROTOCOL_VERSION, Request};
use crate::progress::say;

/// A longer line is refused, so that none makes memory grow.
const LINE_MAX: u64 = 1 << 20;

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A configuration the adapter has no translation for.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// More than the venue admits.
    #[error("out of the venue's range: {0}")]
    OutOfRange(String),
    /// The venue refused what the protocol takes for granted.
    #[error("the venue refused a command: {0:?}")]
    Refused(Reject),
    /// The adapter and the venue do not mean the same.
    #[error("the adapter and the venue disagree: {0}")]
    Disagrees(String),
}

impl Failure {
    const fn code(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "UNSUPPORTED",
            Self::OutOfRange(_) => "OUT_OF_RANGE",
            Self::Refused(_) => "REFUSED",
            Self::Disagrees(_) => "ADAPTER_ERROR",
        }
    }
}

/// What becomes of the conversation after a line.
enum Next {
    Answer(String),
    Last(String),
    Malformed(Malformed),
    Failed(Failure),
}

impl From<Malformed> for Next {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<Failure> for Next {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Answers standard input until it ends.
///
/// # Errors
/// When it cannot be read, or standard output not written.
pub fn run(output: &mut dyn Write) -> anyhow::Result<u8> {
    let input = io::stdin();
    if input.is_terminal() {
        say("note: this reads JSON lines from `tracebook-conformance`; see its --candidate-cmd");
    }
    let is_sound = converse(&mut input.lock(), output)?;
    Ok(u8::from(!is_sound))
}

/// Whether every line was understood and could be done.
fn converse(input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<bool> {
    let mut conversation = Conversation::default();
    let mut line = Vec::new();
    let mut is_sound = true;
    while let Some(is_whole) = read_line(input, &mut line)? {
        if is_whole && line.trim_ascii().is_empty() {
            continue;
        }
        let next = if is_whole {
            conversation.answer(&line)
        } else {
            Malformed(format!("a line is longer than {LINE_MAX} octets")).into()
        };
        let (answer, is_last) = match next {
            Next::Answer(answer) => (answer, false),
            Next::Last(answer) => (answer, true),
            Next::Malformed(malformed) => {
                is_sound = false;
                (error_text("PROTOCOL_ERROR", &malformed.to_string()), false)
            }
            Next::Failed(failure) => {
                is_sound = false;
                (error_text(failure.code(), &failure.to_string()), true)
            }
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
        if is_last {
            break;
        }
    }
    Ok(is_sound)
}

fn error_text(code: &str, message: &str) -> String {
    json!({ "type": "error", "code": code, "message": message }).to_string()
}

/// Reads a line without its end; `None` at the end of the input, `false` for one that is too long and was passed over.
fn read_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    if input.take(LINE_MAX).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    let is_whole = line.ends_with(b"\n") || input.fill_buf()?.is_empty();
    if !is_whole {
        pass_over(input)?;
    }
    Ok(Some(is_whole))
}

/// Reads to the end of a line.
fn pass_over(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let waiting = input.fill_buf()?;
        let end = waiting.iter().position(|&octet| octet == b'\n');
        let (used, is_end) = end.map_or((waiting.len(), waiting.is_empty()), |place| (place + 1, true));
        input.consume(used);
        if is_end {
            return Ok(());
        }
    }
}

/// One conversation: a hello, events numbered from 1, snapshots in between, a finish.
#[derive(Debug, Default)]
struct Conversation {
    adapter: Option<Adapter>,
    last: u64,
}

impl Conversation {
    fn answer(&mut self, line: &[u8]) -> Next {
        self.try_answer(line).unwrap_or_else(|next| next)
    }

    fn try_answer(&mut self, line: &[u8]) -> Result<Next, Next> {
        let request = Request::parse(line)?;
        let adapter = match (&request, &mut self.adapter) {
            (Request::Hello(_), Some(_)) => {
                return Err(Malformed("a hello was already answered".to_owned()).into());
            }
            (Request::Hello(config), none) => {
                *none = Some(Adapter::new(*config)?);
                return Ok(Next::Answer(ready()));
            }
            (_, None) => return Err(Malformed("the first message must be a hello".to_owned()).into()),
            (_, Some(adapter)) => adapter,
        };
        match request {
            Request::Hello(_) => Err(Malformed("a hello was already answered".to_owned()).into()),
            Request::Event { index, event } => {
                if index != self.last + 1 {
                    return Err(Malformed(format!("the next event's index is {}", self.last + 1)).into());
                }
                let observed = adapter.apply(&event)?;
                self.last = index;
                Ok(Next::Answer(observation(index, &observed)))
            }
            Request::Snapshot { index } => {
                self.check_last("index", index)?;
                let state = self.adapter.as_ref().map(Adapter::state).unwrap_or_default();
                Ok(Next::Answer(format!("{{\"type\":\"snapshot\",\"index\":{index},\"state\":{state}}}")))
            }
            Request::Finish { count } => {
                self.check_last("event_count", count)?;
                Ok(Next::Last(json!({ "type": "complete", "event_count": count }).to_string()))
            }
        }
    }

    fn check_last(&self, name: &str, number: u64) -> Result<(), Malformed> {
        if number == self.last {
            Ok(())
        } else {
            Err(Malformed(format!("{name} must be {}, the last event's index", self.last)))
        }
    }
}

fn ready() -> String {
    json!({
        "type": "ready",
        "protocol": PROTOCOL,
        "protocol_version": PROTOCOL_VERSION,
        "engine": { "name": "fulcrum", "version": env!("CARGO_PKG_VERSION"), "language": "Rust" },
    })
    .to_string()
}

fn observation(index: u64, observed: &Observed) -> String {
    let outcome = match &observed.rejected {
        None => json!({ "status": "applied", "reason": Value::Null, "message": Value::Null }),
        Some((reason, words)) => json!({ "status": "rejected", "reason": reason, "message": words }),
    };
    json!({
        "type": "observation",
        "index": index,
        "outcome": outcome,
        "trades": observed.trades,
        "state_hash": observed.state_hash,
        "resting_order_count": observed.resting,
    })
    .to_string()
}
