//! Questions about the venue's state, and their answers.
//!
//! Invariant: a question changes nothing and is not logged. It is answered on the engine's thread in its place among the
//! commands, so a client that asks after an order sees the order; the answer leaves when the log covers the command it
//! was taken after.

use engine::{OrderRef, Seq, SessionId};
use risk::{AccountId, InstrumentId};

use crate::wire::private::{AccountState, BookLevels, InstrumentDef, OpenOrder, PositionState};

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
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
        /// The session whose numbers `order` may use.
        session: SessionId,
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
}

/// A question on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Query {
    /// Who gets the answer: a handle of the asker's own.
    pub asker: u64,
    /// The client's number of it.
    pub query_id: u64,
    /// What is asked.
    pub question: Question,
}

/// What is answered.
#[derive(Clone, PartialEq, Debug)]
pub enum Rows {
    /// Nothing: see the code.
    None,
    /// Resting orders.
    OpenOrders(Vec<OpenOrder>),
    /// Instruments.
    Instruments(Vec<InstrumentDef>),
    /// Bids and offers.
    Book([BookLevels; 2]),
    /// An account and its positions.
    Account {
        /// The account.
        state: AccountState,
        /// Its positions.
        positions: Vec<PositionState>,
    },
}

/// An answer on its way back.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// Who asked.
    pub asker: u64,
    /// The client's number of the query.
    pub query_id: u64,
    /// The answer is the state after this command.
    pub seq: Seq,
    /// 0, or why there is no answer, or not all of it.
    pub code: u16,
    /// The answer.
    pub rows: Rows,
}
