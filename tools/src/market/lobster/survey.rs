//! The first pass over a message file and its book file: what they hold, whether they fit each other, and what the venue
//! needs for them.
//!
//! Invariant: files that pass have no malformed line anywhere and no row without a message, so nothing can fail in the
//! replay but the agreement.

use std::collections::BTreeMap;

use risk::{Price, Qty, Side};
use serde::Serialize;

use super::Files;
use super::row::{Row, Rows};
use super::step::{Step, is_played, step};
use crate::flow::FlowError;
use crate::flow::lobster::file::Messages;
use crate::flow::lobster::message::{Kind, Message};
use crate::market::floor::Terms;

/// One cent.
const CENT: i64 = 100;

/// Rows show less than the messages speak of where more than one of so many messages is about a price behind them.
const DEEPER_PART: u64 = 20;

/// Messages by type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Kinds {
    /// 1.
    pub adds: u64,
    /// 2.
    pub partial_cancels: u64,
    /// 3.
    pub deletes: u64,
    /// 4.
    pub executions: u64,
    /// 5: not played, the book does not show them.
    pub hidden_executions: u64,
    /// 6: not played.
    pub crosses: u64,
    /// 7: not played.
    pub halts: u64,
}

/// What the files hold.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Messages.
    pub messages: u64,
    /// Messages by type.
    pub kinds: Kinds,
    /// Rows.
    pub rows: u64,
    /// Levels of a row.
    pub levels: usize,
    /// The first row.
    pub first: Row,
    /// Rows that follow from the row before and their message; the first counts in.
    pub steps_equal: u64,
    /// Line of the first row that does not.
    pub contradiction: Option<u64>,
    /// Messages about prices behind the levels the rows show.
    pub deeper: u64,
    first_price: Option<Price>,
    price_high: Price,
    in_cents: bool,
    resting: BTreeMap<u64, Qty>,
    resting_max: usize,
}

impl Survey {
    /// Reads both files to their ends.
    ///
    /// # Errors
    /// [`FlowError`] with the first malformed line, or why the two do not belong together.
    pub fn of(files: &Files) -> Result<Self, FlowError> {
        let mut messages = Messages::open(&files.messages)?.without_header();
        let mut rows = Rows::open(&files.book)?;
        let mut survey = Self { in_cents: true, ..Self::default() };
        let mut before: Option<Row> = None;
        while let Some(message) = messages.next_message()? {
            survey.take_message(&message);
            let Some(row) = rows.next_row()? else { continue };
            survey.take_row(before.as_ref(), &message, &row, rows.lines().line());
            before = Some(row);
        }
        let unusable = |path: &std::path::Path, reason: &str| FlowError::Unusable {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        if survey.messages == 0 {
            let reason = "no message in it; expected a LOBSTER message file";
            return Err(unusable(messages.lines().path(), reason));
        }
        if rows.next_row()?.is_some() {
            return Err(rows.lines().malformed(format!(
                "a row without a message: {} has only {}; are the two of the same stock, day and time?",
                messages.lines().path().display(),
                survey.messages
            )));
        }
        if survey.rows == 0 {
            return Err(unusable(rows.lines().path(), "no row in it; expected a LOBSTER orderbook file"));
        }
        if survey.rows > 2 && survey.steps_equal.saturating_mul(2) < survey.rows {
            let reason = format!(
                "only {} of {} rows follow from the messages of {}; are the two of the same stock, day and time?",
                survey.steps_equal,
                survey.rows,
                messages.lines().path().display()
            );
            return Err(unusable(rows.lines().path(), &reason));
        }
        Ok(survey)
    }

    fn take_message(&mut self, message: &Message) {
        self.messages += 1;
        let kinds = &mut self.kinds;
        *match message.kind {
            Kind::Add => &mut kinds.adds,
            Kind::PartialCancel => &mut kinds.partial_cancels,
            Kind::Delete => &mut kinds.deletes,
            Kind::Execution => &mut kinds.executions,
            Kind::HiddenExecution => &mut kinds.hidden_executions,
            Kind::Cross => &mut kinds.crosses,
            Kind::Halt => &mut kinds.halts,
        } += 1;
        if !is_played(message.kind) {
            return;
        }
        if message.kind == Kind::Add {
            self.resting.insert(message.order, message.size);
            self.resting_max = self.resting_max.max(self.resting.len());
        } else if let Some(leaves) = self.resting.get_mut(&message.order) {
            *leaves -= message.size;
            if message.kind == Kind::Delete || *leaves <= Qty::ZERO {
                self.resting.remove(&message.order);
            }
        }
        self.first_price.get_or_insert(message.price);
        self.take_price(message.price);
    }

    fn take_row(&mut self, before: Option<&Row>, message: &Message, row: &Row, line: u64) {
        self.rows += 1;
        for side in [Side::Buy, Side::Sell] {
            for level in row.side(side) {
                self.take_price(level.0);
            }
        }
        let Some(before) = before else {
            (self.levels, self.first, self.steps_equal) = (row.levels, row.clone(), 1);
            return;
        };
        match step(before, message, row) {
            Step::Follows => self.steps_equal += 1,
            Step::Deeper => {
                self.steps_equal += 1;
                self.deeper += 1;
            }
            Step::Contradicts => {
                self.contradiction.get_or_insert(line);
            }
        }
    }

    fn take_price(&mut self, price: Price) {
        self.price_high = self.price_high.max(price);
        self.in_cents &= price.get() % CENT == 0;
    }

    /// Whether the rows show all that the messages speak of, but for the odd one.
    #[must_use]
    pub const fn rows_show_all(&self) -> bool {
        self.deeper.saturating_mul(DEEPER_PART) <= self.rows
    }

    /// What the venue must admit, for a replay that starts from `seed`.
    #[must_use]
    pub fn terms(&self, seed: &Row) -> Terms {
        let prices = [&seed.bids, &seed.asks].into_iter().flatten().map(|level| level.0);
        let in_cents = self.in_cents && prices.clone().all(|price| price.get() % CENT == 0);
        let price_high = prices.fold(self.price_high, Price::max);
        let middle = match (seed.bids.first(), seed.asks.first()) {
            (Some(bid), Some(ask)) => Some(Price::new((bid.0.get() + ask.0.get()) >> 1)),
            (one, other) => one.or(other).map(|level| level.0),
        };
        Terms {
            price_decimals: 4,
            qty_decimals: 0,
            tick: Price::new(if in_cents { CENT } else { 1 }),
            price_high,
            first_price: middle.or(self.first_price).unwrap_or(Price::new(1)),
            resting_max: self.resting_max + 4 * seed.levels,
        }
    }
}
