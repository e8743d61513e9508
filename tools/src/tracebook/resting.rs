//! What rests in one symbol: the source's names for the venue's orders, and the order in which they joined their queues.
//!
//! Invariant: prices and quantities are asked of the venue every time; an order the venue does not have is forgotten;
//! what is shown adds up, side by side, to the depth the venue shows.

use std::collections::BTreeMap;

use engine::ClientOrderId;
use risk::{AccountId, InstrumentId, Price, Qty, Side};
use serde::Serialize;

use super::Failure;
use super::matching::{Matching, open_interest_max};
use super::message::Config;
use super::number::{exact, quantity};

/// A symbol as the venue lists it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    pub(super) instrument: InstrumentId,
    pub(super) qty_decimals: u8,
}

impl Listing {
    /// A quantity in the instrument's units.
    pub(super) fn qty(self, value: f64) -> Result<Qty, Failure> {
        let most = open_interest_max(self.qty_decimals);
        let mantissa = exact(value, self.qty_decimals).filter(|&mantissa| mantissa <= most);
        mantissa.map(Qty::new).ok_or_else(|| {
            Failure::OutOfRange(format!(
                "quantity {value} has more than {} decimals or is above {}",
                self.qty_decimals,
                quantity(most, self.qty_decimals, self.qty_decimals)
            ))
        })
    }
}

/// Whose order it is, and when it joined its queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) source: u64,
    pub(super) owner: i64,
    pub(super) account: AccountId,
    joined: u64,
}

/// A resting order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) number: ClientOrderId,
    pub(super) named: Named,
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) leaves: Qty,
}

/// An order of a snapshot. Fields are in alphabetical order: the state's hash is taken over this text.
#[derive(Serialize)]
struct OrderText {
    order_id: u64,
    order_type: &'static str,
    owner: i64,
    price: String,
    remaining_quantity: String,
}

/// A symbol of a snapshot, in alphabetical order too.
#[derive(Serialize)]
struct BookText<'a> {
    asks: Vec<OrderText>,
    bids: Vec<OrderText>,
    symbol: &'a str,
}

/// One symbol.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) listing: Option<Listing>,
    by_source: BTreeMap<u64, ClientOrderId>,
    orders: BTreeMap<ClientOrderId, Named>,
    joins: u64,
    text: String,
}

impl Book {
    /// Takes note of an order that was sent.
    pub(super) fn join(&mut self, number: ClientOrderId, source: u64, owner: i64, account: AccountId) {
        self.joins += 1;
        self.by_source.insert(source, number);
        self.orders.insert(number, Named { source, owner, account, joined: self.joins });
    }

    /// Takes note of an order that went to the end of its queue.
    pub(super) fn rejoin(&mut self, number: ClientOrderId) {
        self.joins += 1;
        if let Some(named) = self.orders.get_mut(&number) {
            named.joined = self.joins;
        }
    }

    /// The source's number of an order.
    pub(super) fn source_of(&self, number: ClientOrderId) -> Result<u64, Failure> {
        let named = self.orders.get(&number);
        named.map(|named| named.source).ok_or_else(|| {
            Failure::Disagrees(format!(
                "the venue matched order {number}, which nobody sent or which had gone"
            ))
        })
    }

    /// A resting order by the source's number.
    pub(super) fn find(&self, matching: &Matching, source: u64) -> Option<Standing> {
        let number = *self.by_source.get(&source)?;
        standing(matching, number, *self.orders.get(&number)?)
    }

    /// A side in the order in which it is matched.
    pub(super) fn queue(&self, matching: &Matching, side: Side) -> Vec<Standing> {
        let all = self.orders.iter().filter_map(|(&number, &named)| standing(matching, number, named));
        let mut queue: Vec<Standing> = all.filter(|standing| standing.side == side).collect();
        queue.sort_unstable_by_key(|standing| {
            let ticks = standing.price.get();
            (if side == Side::Buy { -ticks } else { ticks }, standing.named.joined)
        });
        queue
    }

    /// The accounts that have orders here.
    pub(super) fn accounts(&self) -> Vec<AccountId> {
        let mut accounts: Vec<AccountId> = self.orders.values().map(|named| named.account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        accounts
    }

    /// Forgets what the venue does not have, and writes down the rest.
    pub(super) fn refresh(
        &mut self,
        symbol: &str,
        matching: &Matching,
        config: &Config,
    ) -> Result<(), Failure> {
        self.orders.retain(|&number, named| matching.open(named.account, number).is_some());
        self.by_source.retain(|_, number| self.orders.contains_key(number));
        let [bids, asks] = [Side::Buy, Side::Sell].map(|side| self.side_text(side, matching, config));
        let text = serde_json::to_string(&BookText { asks: asks?, bids: bids?, symbol });
        self.text = text.map_err(|error| Failure::Disagrees(error.to_string()))?;
        Ok(())
    }

    fn side_text(&self, side: Side, matching: &Matching, config: &Config) -> Result<Vec<OrderText>, Failure> {
        let Some(listing) = self.listing else { return Ok(Vec::new()) };
        let queue = self.queue(matching, side);
        let shown = queue.iter().fold(Qty::ZERO, |sum, standing| sum + standing.leaves);
        let total = matching.total(listing.instrument, side);
        if shown != total {
            return Err(Failure::Disagrees(format!(
                "the venue's depth is {total}, its orders add up to {shown}"
            )));
        }
        let write = |standing: &Standing| OrderText {
            order_id: standing.named.source,
            order_type: "LIMIT",
            owner: standing.named.owner,
            price: config.grid.price(standing.price.get()),
            remaining_quantity: quantity(standing.leaves.get(), listing.qty_decimals, config.places),
        };
        Ok(queue.iter().map(write).collect())
    }

    /// What was last written down.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How many orders rest.
    pub(super) fn len(&self) -> usize {
        self.orders.len()
    }
}

fn standing(matching: &Matching, number: ClientOrderId, named: Named) -> Option<Standing> {
    let open = matching.open(named.account, number)?;
    Some(Standing { number, named, side: open.side, price: open.price, leaves: open.leaves })
}
