//! How does a crowd come to a venue? An operator opens accounts and registers keys over the wire, an oracle gives the
//! price.
//!
//! Invariant: the same number is always the same account and key; an operator stays below its throttle.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use engine::{Action, ClientOrderId, Command, KeyTerms, TimeNs};
use gateway::client::{Answered, Connection, Key, Request, SessionTerms, Ticket};
use gateway::wire::private::{AccountCreate, IndexPrice, KeyRegister, Transfer};
use gateway::wire::types::{CodMode, IdN, Octets, Permissions, SessionKind, TimeNsN};
use risk::{AccountId, AssetId, InstrumentId, Money, Price};

use super::rest;
use crate::measure::now;
use crate::population::{BASE, account_at, spec};

/// The only instrument.
pub const INSTRUMENT: InstrumentId = InstrumentId::new(0);
/// What an account that trades is given.
const DEPOSIT: i64 = 500_000_000_000;
/// How long a logon or an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Requests of the operator a second: the usual throttle lets 10,000 pass.
const PACE: u64 = 8_000;
/// Requests of the operator before their answers are looked at.
const TOGETHER: usize = 200;
const CHOSEN: ClientOrderId = ClientOrderId::new(0);

/// Whose key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// The operator.
    Admin,
    /// The source of the price.
    Oracle,
    /// The account at an index.
    Account(u32),
}

/// A key that both processes know without telling each other. It guards a venue on loopback that lives for seconds.
#[must_use]
pub fn key(who: Who) -> Key {
    let (kind, index) = match who {
        Who::Admin => (1, 0),
        Who::Oracle => (2, 0),
        Who::Account(index) => (3, index),
    };
    let mut secret = [kind; 32];
    secret[..4].copy_from_slice(&index.to_le_bytes());
    Key::from_secret(secret)
}

/// The terms of a session; what rests stays when it ends.
#[must_use]
pub fn terms(who: Who, kind: SessionKind, tag: u32, heartbeat_ms: u32) -> SessionTerms {
    SessionTerms { tag, cod: CodMode::Off, heartbeat_ms, ..SessionTerms::new(key(who), kind) }
}

/// What a venue begins with: an instrument and the operator's key.
#[must_use]
pub fn opening() -> Vec<Command> {
    let admin = key(Who::Admin);
    let terms = KeyTerms {
        public: admin.public(),
        account: AccountId::new(0),
        kinds: 1 << engine::SessionKind::Admin as u8,
        expires: TimeNs::default(),
    };
    vec![
        Command::venue(Action::DefineInstrument { instrument: INSTRUMENT, spec: Box::new(spec()) }),
        Command::venue(Action::RegisterKey { key: admin.id(), terms: Box::new(terms) }),
    ]
}

/// Opens accounts `0..accounts` with a key each, money for the first `funded` of them, and gives the price.
///
/// # Errors
/// What the venue refused, or why it cannot be reached.
pub fn set_up(address: SocketAddr, accounts: u32, funded: u32) -> anyhow::Result<()> {
    let mut requests: Vec<Request> = vec![register(Who::Oracle, AccountId::new(0), &[SessionKind::Oracle])];
    for index in 0..accounts {
        let account_id = account_at(index);
        requests.push(AccountCreate { request_id: CHOSEN, account_id }.into());
        if index < funded {
            let (amount, asset_id, external_id) = (Money::new(DEPOSIT), AssetId::BASE, IdN::NONE);
            requests.push(Transfer { request_id: CHOSEN, account_id, amount, asset_id, external_id }.into());
        }
        let kinds = [SessionKind::OrderEntry, SessionKind::DropCopy];
        requests.push(register(Who::Account(index), account_id, &kinds));
    }
    let usual = 1_000;
    let mut operator =
        Connection::connect(address, terms(Who::Admin, SessionKind::Admin, 0, usual), PATIENCE)?;
    carry_out(&mut operator, requests)?;
    operator.log_out(false)?;
    let mut oracle =
        Connection::connect(address, terms(Who::Oracle, SessionKind::Oracle, 0, usual), PATIENCE)?;
    let price = Price::new(BASE).to_mark();
    let told =
        oracle.request(IndexPrice { source_seq: 1, instrument_id: INSTRUMENT, price, source_id: 1 })?;
    ensure!(told == Answered::Accepted, "the price was not taken: {told:?}");
    oracle.log_out(false)?;
    Ok(())
}

fn register(who: Who, account_id: AccountId, kinds: &[SessionKind]) -> Request {
    let key = key(who);
    KeyRegister {
        request_id: CHOSEN,
        key_id: key.id(),
        account_id,
        permissions: Permissions(kinds.iter().fold(0, |bits, kind| bits | Permissions::of(*kind))),
        expires: TimeNsN::NONE,
        public_key: Octets(key.public()),
    }
    .into()
}

fn carry_out(operator: &mut Connection, requests: Vec<Request>) -> anyhow::Result<()> {
    let mut start = now();
    let mut waiting: Vec<Ticket> = Vec::with_capacity(TOGETHER);
    let mut requests = requests.into_iter().peekable();
    while let Some(request) = requests.next() {
        waiting.push(operator.submit(request)?);
        if waiting.len() < TOGETHER && requests.peek().is_some() {
            continue;
        }
        // Each batch has its own time: nobody catches up, which would be too fast.
        let due = Duration::from_nanos(waiting.len() as u64 * 1_000_000_000_u64.div_ceil(PACE));
        for ticket in waiting.drain(..) {
            let answered = operator.wait(ticket)?;
            ensure!(
                answered == Answered::Accepted,
                "the operator's request {} came to {answered:?}",
                ticket.cl_ord_id
            );
        }
        rest(due.saturating_sub(now().duration_since(start)));
        start = now();
    }
    Ok(())
}
