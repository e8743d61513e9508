//! The protocol's operations as commands of the venue; the table is in the module above.
//!
//! Invariant: what is refused here has changed nothing; what the venue refuses unexpectedly ends the conversation.

use std::collections::BTreeMap;

use engine::{Reject, TimeInForce};
use risk::{AccountId, Price, Qty, Side};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Failure;
use super::matching::{Match, Matching, Told, Wanted, open_interest_max};
use super::message::{Algorithm, Config, Kind, MarketEvent, NewEvent, Op, SelfTrade};
use super::number::{exact, exceeds, quantity};
use super::resting::{Book, Listing};
use crate::format::hex;

/// Orders without an owner trade with each other.
const NOBODY: i64 = -1;
/// Most decimals of quantities, and as many as the protocol compares.
const QTY_DECIMALS_MAX: u8 = 12;
/// The open interest has room for so many orders as large as the first.
const ORDERS_OF_ROOM: i64 = 400;

/// A match in the protocol's words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Trade {
    symbol: String,
    buy_order_id: u64,
    sell_order_id: u64,
    price: String,
    quantity: String,
}

/// The protocol's reasons.
const NOT_ACTIVE: &str = "ORDER_NOT_ACTIVE";
const DUPLICATE: &str = "DUPLICATE_ORDER_ID";
const INVALID_ORDER: &str = "INVALID_ORDER";
const INVALID_REPLACEMENT: &str = "INVALID_REPLACEMENT";

/// Why an event came to nothing.
#[derive(Debug)]
pub(super) enum Stop {
    /// Refused, as the protocol expects.
    Rejected(&'static str, String),
    /// The conversation cannot go on.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What came of an event: its matches, or why there is nothing.
pub(super) type Verdict = Result<Vec<Trade>, Stop>;

/// An order on its way into the venue.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) symbol: String,
    pub(super) source: u64,
    pub(super) owner: i64,
    pub(super) side: Side,
    pub(super) qty: Qty,
    pub(super) limit: Option<Price>,
    pub(super) time_in_force: TimeInForce,
}

impl Incoming {
    /// Whether it trades at a price.
    pub(super) fn crosses(&self, price: Price) -> bool {
        self.limit.is_none_or(|limit| match self.side {
            Side::Buy => limit >= price,
            Side::Sell => limit <= price,
        })
    }
}

/// What is told of one event.
#[derive(Debug)]
pub(super) struct Observed {
    /// Reason and words of a rejection.
    pub(super) rejected: Option<(&'static str, String)>,
    pub(super) trades: Vec<Trade>,
    pub(super) state_hash: String,
    pub(super) resting: usize,
}

/// A conversation's venue, and the source's names in it.
#[derive(Debug)]
pub(super) struct Adapter {
    pub(super) config: Config,
    pub(super) matching: Matching,
    books: BTreeMap<String, Book>,
    /// Accounts by owner; by side too where an owner may trade with himself, because the venue never lets an account.
    seats: BTreeMap<(i64, Option<Side>), AccountId>,
}

impl Adapter {
    /// An empty venue under these rules.
    pub(super) fn new(config: Config) -> Result<Self, Failure> {
        if config.algorithm == Algorithm::ProRata && config.self_trade != SelfTrade::Allowed {
            return Err(Failure::Unsupported("pro_rata together with self-trade prevention"));
        }
        Ok(Self { config, matching: Matching::new()?, books: BTreeMap::new(), seats: BTreeMap::new() })
    }

    /// Applies one event.
    pub(super) fn apply(&mut self, event: &MarketEvent) -> Result<Observed, Failure> {
        let opens = match event.op {
            Op::New(_) | Op::Clear => true,
            Op::Cancel | Op::Reduce(_) | Op::Replace { .. } => false,
        };
        let known = self.books.remove(&event.symbol).or_else(|| opens.then(Book::default));
        let verdict = match known {
            None => Err(not_active(event.order)),
            Some(mut book) => {
                let verdict = self.ask(&mut book, event);
                book.refresh(&event.symbol, &self.matching, &self.config)?;
                self.books.insert(event.symbol.clone(), book);
                verdict
            }
        };
        let (rejected, trades) = match verdict {
            Ok(trades) => (None, trades),
            Err(Stop::Rejected(reason, words)) => (Some((reason, words)), Vec::new()),
            Err(Stop::Failed(failure)) => return Err(failure),
        };
        let state_hash = hex(&Sha256::digest(self.state()));
        Ok(Observed { rejected, trades, state_hash, resting: self.books.values().map(Book::len).sum() })
    }

    /// Every resting order in the order of matching, as JSON without spaces and with sorted names.
    pub(super) fn state(&self) -> String {
        let books: Vec<&str> = self.books.values().map(Book::text).collect();
        format!("{{\"books\":[{}]}}", books.join(","))
    }

    fn ask(&mut self, book: &mut Book, event: &MarketEvent) -> Verdict {
        let symbol = &event.symbol;
        match event.op {
            Op::New(new) => self.new_order(symbol, book, event.order, &new),
            Op::Clear => self.clear(book),
            Op::Cancel => {
                let order = book.find(&self.matching, event.order).ok_or_else(|| not_active(event.order))?;
                self.matching.cancel(order.named.account, order.number)?;
                Ok(Vec::new())
            }
            Op::Reduce(by) => self.reduce(book, event.order, by),
            Op::Replace { price, quantity } => self.replace(symbol, book, event.order, price, quantity),
        }
    }

    fn new_order(&mut self, symbol: &str, book: &mut Book, source: u64, new: &NewEvent) -> Verdict {
        if book.find(&self.matching, source).is_some() {
            return Err(Stop::Rejected(DUPLICATE, format!("order {source} is already active")));
        }
        let (price, time_in_force) = match new.kind {
            Kind::Limit(price) => (Some(price), TimeInForce::GoodTillCancel),
            Kind::Market => (None, TimeInForce::ImmediateOrCancel),
            Kind::Immediate(price) => (Some(price), TimeInForce::ImmediateOrCancel),
            Kind::FillOrKill(price) => (Some(price), TimeInForce::FillOrKill),
        };
        let limit = price.map(|price| self.price(price, INVALID_ORDER)).transpose()?;
        check_quantity(new.quantity, INVALID_ORDER)?;
        let qty = self.listing(book, new.quantity)?.qty(new.quantity)?;
        let (owner, side, symbol) = (new.owner, new.side, symbol.to_owned());
        let incoming = Incoming { symbol, source, owner, side, qty, limit, time_in_force };
        self.take(book, incoming)
    }

    fn reduce(&mut self, book: &Book, source: u64, by: f64) -> Verdict {
        let order = book.find(&self.matching, source).ok_or_else(|| not_active(source))?;
        let listing = listed(book)?;
        if exceeds(by, order.leaves.get(), listing.qty_decimals) {
            return Err(Stop::Rejected(INVALID_ORDER, format!("less remains of order {source} than that")));
        }
        let by = listing.qty(by)?;
        if by == order.leaves {
            self.matching.cancel(order.named.account, order.number)?;
            return Ok(Vec::new());
        }
        let leaves = order.leaves - by;
        let told = self.matching.amend(order.named.account, order.number, order.price, leaves)?;
        if !told.priority_kept {
            return Err(Failure::Disagrees(format!("order {source} lost its place by a reduction")).into());
        }
        Ok(Vec::new())
    }

    fn replace(
        &mut self,
        symbol: &str,
        book: &mut Book,
        source: u64,
        price: Option<f64>,
        quantity: Option<f64>,
    ) -> Verdict {
        let order = book.find(&self.matching, source).ok_or_else(|| not_active(source))?;
        let limit = price.map_or(Ok(order.price), |price| self.price(price, INVALID_REPLACEMENT))?;
        let qty = match quantity {
            None => order.leaves,
            Some(quantity) => {
                check_quantity(quantity, INVALID_REPLACEMENT)?;
                listed(book)?.qty(quantity)?
            }
        };
        let (owner, account, side) = (order.named.owner, order.named.account, order.side);
        let time_in_force = TimeInForce::GoodTillCancel;
        let (symbol, worst) = (symbol.to_owned(), Some(limit));
        let incoming = Incoming { symbol, source, owner, side, qty, limit: worst, time_in_force };
        let would_keep_place = limit == order.price && qty <= order.leaves;
        if would_keep_place || self.config.algorithm == Algorithm::ProRata {
            self.matching.cancel(account, order.number)?;
            return self.take(book, incoming);
        }
        let told = self.matching.amend(account, order.number, limit, qty)?;
        book.rejoin(order.number);
        self.go_on(book, incoming, told)
    }

    fn clear(&mut self, book: &Book) -> Verdict {
        if let Some(listing) = book.listing {
            for account in book.accounts() {
                self.matching.mass_cancel(account, listing.instrument)?;
            }
        }
        Ok(Vec::new())
    }

    /// A price in ticks; refused where it is not above zero, on the grid too.
    fn price(&self, price: f64, reason: &'static str) -> Result<Price, Stop> {
        let beyond = || Failure::OutOfRange(format!("price {price} is beyond 64 bits of ticks"));
        let ticks = self.config.grid.ticks(price).ok_or_else(beyond)?;
        if price > 0.0 && ticks > 0 {
            Ok(Price::new(ticks))
        } else {
            Err(Stop::Rejected(reason, format!("price {price} is not above zero on the grid")))
        }
    }

    /// The symbol's instrument; defined now, with room for orders like this one, if it is new.
    fn listing(&mut self, book: &mut Book, first: f64) -> Result<Listing, Failure> {
        if let Some(listing) = book.listing {
            return Ok(listing);
        }
        let has_room = |decimals: &u8| {
            let mantissa = exact(first, *decimals).and_then(|mantissa| mantissa.checked_mul(ORDERS_OF_ROOM));
            mantissa.is_some_and(|mantissa| mantissa <= open_interest_max(*decimals))
        };
        let qty_decimals = (0..=QTY_DECIMALS_MAX).rev().find(has_room).ok_or_else(|| {
            Failure::OutOfRange(format!("no instrument has room for orders of quantity {first}"))
        })?;
        let listing = Listing { instrument: self.matching.list(qty_decimals)?, qty_decimals };
        book.listing = Some(listing);
        Ok(listing)
    }

    /// Matches in the protocol's words; the taker is order `source`.
    pub(super) fn trades(
        &self,
        book: &Book,
        incoming: &Incoming,
        told: &Told,
    ) -> Result<Vec<Trade>, Failure> {
        let listing = listed(book)?;
        let trade = |a_match: &Match| {
            let maker = book.source_of(a_match.maker)?;
            let (buy_order_id, sell_order_id) = match a_match.taker_side {
                Side::Buy => (incoming.source, maker),
                Side::Sell => (maker, incoming.source),
            };
            Ok(Trade {
                symbol: incoming.symbol.clone(),
                buy_order_id,
                sell_order_id,
                price: self.config.grid.price(a_match.price.get()),
                quantity: quantity(a_match.qty.get(), listing.qty_decimals, self.config.places),
            })
        };
        told.matches.iter().map(trade).collect()
    }

    /// Whether an owner may trade with himself.
    pub(super) fn is_free(&self, owner: i64) -> bool {
        owner == NOBODY || self.config.self_trade == SelfTrade::Allowed
    }

    /// The account of an owner's orders on a side; from now on a new one where `fresh`.
    fn seat(&mut self, owner: i64, side: Side, fresh: bool) -> Result<AccountId, Failure> {
        let key = (owner, self.is_free(owner).then_some(side));
        if let Some(&account) = self.seats.get(&key).filter(|_| !fresh) {
            return Ok(account);
        }
        let account = self.matching.open_account()?;
        self.seats.insert(key, account);
        Ok(account)
    }

    /// Sends an order. An account holds so many resting orders; one whose owner may trade with himself gets another.
    pub(super) fn place(&mut self, book: &mut Book, incoming: &Incoming) -> Result<Told, Failure> {
        let Incoming { side, qty, limit, time_in_force, .. } = *incoming;
        let instrument = listed(book)?.instrument;
        let mut fresh = false;
        loop {
            let account = self.seat(incoming.owner, side, fresh)?;
            let wanted = Wanted { account, instrument, side, qty, limit, time_in_force };
            let (number, told) = self.matching.order(&wanted)?;
            match told.refused {
                None => book.join(number, incoming.source, incoming.owner, account),
                Some(Reject::FokNotFillable) => {}
                Some(Reject::TooManyOrders) if !fresh && self.is_free(incoming.owner) => {
                    fresh = true;
                    continue;
                }
                Some(reject) => return Err(Failure::Refused(reject)),
            }
            return Ok(told);
        }
    }
}

/// The listing of a symbol that has orders.
pub(super) fn listed(book: &Book) -> Result<Listing, Failure> {
    book.listing.ok_or_else(|| Failure::Disagrees("a symbol has orders and no instrument".to_owned()))
}

fn not_active(source: u64) -> Stop {
    Stop::Rejected(NOT_ACTIVE, format!("order {source} is not active"))
}

fn check_quantity(quantity: f64, reason: &'static str) -> Result<(), Stop> {
    if quantity > 0.0 {
        Ok(())
    } else {
        Err(Stop::Rejected(reason, format!("quantity {quantity} is not above zero")))
    }
}
