//! Queries: questions about state, and their answers put together from rows.
//!
//! Invariant: an answer is complete, or says by its code that it is not.

use engine::{ClientOrderId, OrderId, OrderRef, Seq};
use risk::{AccountId, InstrumentId};

use crate::wire::private::{
    self, AccountState, AssetBalance, AssetDef, BookLevels, FromVenue, InstrumentDef, InstrumentTerms,
    OpenOrder, PositionState, QueryEnd,
};
use crate::wire::types::{IdN, Side, U32N};
use crate::wire::{Prefix, frame};

/// A question. It changes nothing and may be asked again at will.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Query {
    /// An account's resting orders.
    OpenOrders {
        /// Whose.
        account: AccountId,
        /// `None` means every instrument.
        instrument: Option<InstrumentId>,
    },
    /// One resting order.
    Order {
        /// Whose.
        account: AccountId,
        /// Which.
        order: OrderRef,
    },
    /// Every instrument.
    Instruments,
    /// The best levels of a book.
    Book {
        /// Which.
        instrument: InstrumentId,
        /// Levels of each side.
        depth: u16,
    },
    /// An account and its positions.
    Account {
        /// Whose.
        account: AccountId,
    },
    /// Every asset.
    Assets,
    /// All terms of an instrument.
    Terms {
        /// Which.
        instrument: InstrumentId,
    },
}

impl Query {
    /// Appends its frame.
    pub(super) fn append(self, query_id: u64, prefix: Prefix, out: &mut Vec<u8>) {
        match self {
            Self::OpenOrders { account: account_id, instrument } => {
                let instrument_id = U32N::from(instrument.map(InstrumentId::get));
                frame::append(prefix, &private::OpenOrdersQuery { query_id, account_id, instrument_id }, out);
            }
            Self::Order { account: account_id, order } => {
                let (order_id, cl_ord_id) = match order {
                    OrderRef::Id(id) => (Some(OrderId::get(id)), None),
                    OrderRef::Client(id) => (None, Some(ClientOrderId::get(id))),
                };
                let (order_id, cl_ord_id) = (IdN::from(order_id), IdN::from(cl_ord_id));
                let query = private::OrderStatusQuery { query_id, account_id, order_id, cl_ord_id };
                frame::append(prefix, &query, out);
            }
            Self::Instruments => frame::append(prefix, &private::InstrumentQuery { query_id }, out),
            Self::Book { instrument: instrument_id, depth } => {
                frame::append(prefix, &private::BookQuery { query_id, instrument_id, depth }, out);
            }
            Self::Account { account: account_id } => {
                frame::append(prefix, &private::RiskQuery { query_id, account_id }, out);
            }
            Self::Assets => frame::append(prefix, &private::AssetQuery { query_id }, out),
            Self::Terms { instrument: instrument_id } => {
                frame::append(prefix, &private::TermsQuery { query_id, instrument_id }, out);
            }
        }
    }
}

/// The answer to one query.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Answer {
    /// The answer is the state after this command.
    pub seq: Seq,
    /// 0, or why there is no answer, or not all of it.
    pub code: u16,
    /// Resting orders.
    pub open_orders: Vec<OpenOrder>,
    /// Instruments.
    pub instruments: Vec<InstrumentDef>,
    /// Bids of a book.
    pub bids: Option<BookLevels>,
    /// Offers of a book.
    pub offers: Option<BookLevels>,
    /// The account.
    pub account: Option<AccountState>,
    /// Its positions.
    pub positions: Vec<PositionState>,
    /// What it has in each asset.
    pub balances: Vec<AssetBalance>,
    /// Assets.
    pub assets: Vec<AssetDef>,
    /// All terms of an instrument.
    pub terms: Option<InstrumentTerms>,
}

/// Puts the rows of one query together.
#[derive(Debug)]
pub struct Rows {
    query_id: u64,
    answer: Answer,
}

impl Rows {
    /// Nothing yet of the query with this number.
    #[must_use]
    pub fn new(query_id: u64) -> Self {
        Self { query_id, answer: Answer::default() }
    }

    /// Takes a message if it belongs to the query; whether the answer is complete.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other message is no row, those to come included"
    )]
    pub fn take(&mut self, message: &FromVenue) -> bool {
        let Self { query_id, answer } = self;
        match message {
            FromVenue::OpenOrder(row) if row.query_id == *query_id => answer.open_orders.push(row.clone()),
            FromVenue::InstrumentDef(row) if row.query_id == *query_id => {
                answer.instruments.push(row.clone());
            }
            FromVenue::BookLevels(row) if row.query_id == *query_id => match row.side.get() {
                Some(Side::Buy) => answer.bids = Some(row.clone()),
                Some(Side::Sell) => answer.offers = Some(row.clone()),
                None => {}
            },
            FromVenue::AccountState(row) if row.query_id == *query_id => answer.account = Some(row.clone()),
            FromVenue::PositionState(row) if row.query_id == *query_id => answer.positions.push(row.clone()),
            FromVenue::AssetBalance(row) if row.query_id == *query_id => answer.balances.push(row.clone()),
            FromVenue::AssetDef(row) if row.query_id == *query_id => answer.assets.push(row.clone()),
            FromVenue::InstrumentTerms(row) if row.query_id == *query_id => answer.terms = Some(row.clone()),
            FromVenue::QueryEnd(QueryEnd { query_id: ended, engine_seq, code, .. }) if ended == query_id => {
                answer.seq = *engine_seq;
                answer.code = *code;
                return true;
            }
            _ => {}
        }
        false
    }

    /// The answer, once [`Self::take`] said that it is complete.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        self.answer
    }
}
