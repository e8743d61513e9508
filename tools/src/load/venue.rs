//! What load needs of a venue: accounts with money, keys to trade by, an instrument with a price.
//!
//! Invariant: everything is set up by requests any operator could send; keys made here live as long as the run.

use std::net::SocketAddr;
use std::path::PathBuf;

use engine::{ClientOrderId, Reject};
use gateway::client::{Answered, Connection, Key, Query};
use gateway::client::{Request, SessionTerms, Ticket, request};
use gateway::clock::{Clock, WallClock};
use gateway::wire::private::{AccountCreate, IndexPrice, InstrumentDef, KeyRegister};
use gateway::wire::types::{CodMode, Octets, Permissions, SessionKind, TimeNsN};
use risk::{AccountId, Mark};

use crate::desk::PATIENCE;
use crate::desk::instruments::{Instruments, parse_price};
use crate::desk::told::code_name;

const CHOSEN: ClientOrderId = ClientOrderId::new(0);
/// Requests sent before their answers are looked at: below what the throttle lets pass at once.
const TOGETHER: usize = 200;

/// What the operator has to do for a run.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Accounts, one session each.
    pub sessions: u32,
    /// Number of the first account.
    pub first_account: u32,
    /// Decimal amount each is credited with.
    pub deposit: String,
    /// The instrument.
    pub instrument: String,
    /// Its index price; where it has a mark it keeps that one if nothing is said.
    pub price: Option<String>,
    /// Key of the oracle; a new one is registered where none is named.
    pub oracle: Option<PathBuf>,
}

/// Price of an instrument nobody has priced.
const USUAL_PRICE: &str = "60000";

/// What is traded, and around which price.
#[derive(Clone, Debug)]
pub struct Market {
    /// The instrument.
    pub instrument: InstrumentDef,
    /// Its mark.
    pub mark: Mark,
}

/// A session with the usual terms; what rests stays when it ends.
#[must_use]
pub fn terms(key: Key, kind: SessionKind) -> SessionTerms {
    SessionTerms { cod: CodMode::Off, ..SessionTerms::new(key, kind) }
}

/// Opens accounts with money and registers a new key for each; the keys.
///
/// # Errors
/// What the venue refused, or why it cannot be reached.
pub fn set_up(address: SocketAddr, admin: Key, wanted: &Wanted) -> anyhow::Result<(Vec<Key>, Market)> {
    let mut operator = Connection::connect(address, terms(admin, SessionKind::Admin), PATIENCE)?;
    let instruments =
        Instruments { defs: operator.query(Query::Instruments)?.instruments, assets: Vec::new() };
    let def = instruments.find(&wanted.instrument)?.clone();
    let amount = instruments.parse_money(&wanted.deposit)?;
    let mut keys = Vec::new();
    let mut requests: Vec<Request> = Vec::new();
    for number in 0..wanted.sessions {
        let account_id = AccountId::new(wanted.first_account + number);
        let key = Key::generate()?;
        requests.push(AccountCreate { request_id: CHOSEN, account_id }.into());
        requests.push(request::transfer(account_id, amount).into());
        requests.push(registration(&key, account_id, &[SessionKind::OrderEntry]).into());
        keys.push(key);
    }
    let oracle = if let Some(path) = &wanted.oracle {
        Key::read(path)?
    } else {
        let key = Key::generate()?;
        requests.push(registration(&key, AccountId::new(0), &[SessionKind::Oracle]).into());
        key
    };
    carry_out(&mut operator, requests)?;
    operator.log_out(false)?;
    let market = price(address, oracle, def, wanted.price.as_deref())?;
    Ok((keys, market))
}

/// The request that registers a key for an account.
#[must_use]
pub fn registration(key: &Key, account_id: AccountId, kinds: &[SessionKind]) -> KeyRegister {
    KeyRegister {
        request_id: CHOSEN,
        key_id: key.id(),
        account_id,
        permissions: Permissions(kinds.iter().fold(0, |bits, kind| bits | Permissions::of(*kind))),
        expires: TimeNsN::NONE,
        public_key: Octets(key.public()),
    }
}

/// Carries requests out in order; an account that is open already is used as it is.
fn carry_out(operator: &mut Connection, requests: Vec<Request>) -> anyhow::Result<()> {
    let mut waiting: Vec<Ticket> = Vec::new();
    for request in requests {
        waiting.push(operator.submit(request)?);
        if waiting.len() >= TOGETHER {
            await_all(operator, &mut waiting)?;
        }
    }
    await_all(operator, &mut waiting)
}

fn await_all(operator: &mut Connection, waiting: &mut Vec<Ticket>) -> anyhow::Result<()> {
    for ticket in waiting.drain(..) {
        match operator.wait(ticket)? {
            Answered::Rejected { code, .. } if code != Reject::AlreadyExists.code() => {
                anyhow::bail!("the operator's request {} was refused: {}", ticket.cl_ord_id, code_name(code));
            }
            Answered::Waiting | Answered::Unknown => {
                anyhow::bail!("the venue did not answer the operator in time; look whether it is busy")
            }
            Answered::Accepted | Answered::Rejected { .. } | Answered::Sequenced => {}
        }
    }
    Ok(())
}

/// The instrument with a price: that it has, or a new one.
fn price(
    address: SocketAddr,
    oracle: Key,
    instrument: InstrumentDef,
    price: Option<&str>,
) -> anyhow::Result<Market> {
    if let (None, Some(mark)) = (price, instrument.mark.get()) {
        return Ok(Market { instrument, mark });
    }
    let mark = parse_price(&instrument, price.unwrap_or(USUAL_PRICE))?.to_mark();
    let mut source = Connection::connect(address, terms(oracle, SessionKind::Oracle), PATIENCE)?;
    let source_seq = WallClock::default().now().get();
    let index = IndexPrice { source_seq, instrument_id: instrument.instrument_id, price: mark, source_id: 1 };
    if let Answered::Rejected { code, .. } = source.request(index)? {
        anyhow::bail!("the index price was refused: {}", code_name(code));
    }
    let instruments = source.query(Query::Instruments)?.instruments;
    source.log_out(false)?;
    // The mark follows the index in steps.
    let now = instruments.into_iter().find(|def| def.instrument_id == instrument.instrument_id);
    let mark = now.and_then(|def| def.mark.get()).unwrap_or(mark);
    Ok(Market { instrument, mark })
}

/// The instrument as it is, asked by a trader's own session.
///
/// # Errors
/// When there is none of this name, or it has no price yet.
pub fn market(address: SocketAddr, key: Key, name: &str) -> anyhow::Result<Market> {
    let mut trader = Connection::connect(address, terms(key, SessionKind::OrderEntry), PATIENCE)?;
    let instruments = Instruments { defs: trader.query(Query::Instruments)?.instruments, assets: Vec::new() };
    trader.log_out(false)?;
    let instrument = instruments.find(name)?.clone();
    let mark = instrument.mark.get();
    let mark =
        mark.ok_or_else(|| anyhow::anyhow!("{name} has no price yet; give one with `fulcrum admin index`"))?;
    Ok(Market { instrument, mark })
}
