//! The first pass over an orders file and its trades file: who trades, in which units, and what the venue needs.
//!
//! Invariant: files that pass have no malformed line anywhere, and every price and quantity is exact in the units found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use risk::{Price, Qty};

use super::read::{Action, Decimal, OrderEvent, Records, Trade};
use super::replay::{Pair, Traded};
use crate::flow::FlowError;
use crate::market::floor::Terms;

/// What the files hold.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Order events.
    pub events: u64,
    /// Trades, as recorded.
    pub trades: Vec<Trade>,
    /// Orders that trade.
    pub traders: BTreeSet<u64>,
    /// Those of them that arrive within the recording.
    pub created: BTreeSet<u64>,
    /// Those of them that arrive without a quantity.
    pub without_quantity: BTreeSet<u64>,
    /// Time of the last event.
    pub last_time: u64,
    price_decimals: u32,
    qty_decimals: u32,
    resting_max: usize,
}

impl Survey {
    /// Reads both files to their ends.
    ///
    /// # Errors
    /// [`FlowError`] with the first malformed line, or what is missing.
    pub fn of(orders: &Path, trades: &Path) -> Result<Self, FlowError> {
        let mut survey = Self::default();
        survey.read_trades(trades)?;
        survey.read_orders(orders)?;
        Ok(survey)
    }

    fn read_trades(&mut self, path: &Path) -> Result<(), FlowError> {
        let mut records = Records::trades(path)?;
        while let Some(trade) = records.next_trade()? {
            self.price_decimals = self.price_decimals.max(trade.price.decimals);
            self.qty_decimals = self.qty_decimals.max(trade.amount.decimals);
            self.traders.extend([trade.maker, trade.taker]);
            self.trades.push(trade);
        }
        if self.trades.is_empty() {
            let reason = "no trade in it; expected a Bitstamp trades file".to_owned();
            return Err(FlowError::Unusable { path: records.lines().path().to_owned(), reason });
        }
        Ok(())
    }

    fn read_orders(&mut self, path: &Path) -> Result<(), FlowError> {
        let mut records = Records::orders(path)?;
        let mut resting = BTreeSet::new();
        while let Some(event) = records.next_order()? {
            self.events += 1;
            self.last_time = self.last_time.max(event.time);
            self.qty_decimals = self.qty_decimals.max(event.volume.decimals);
            match event.action {
                Action::Created => {
                    resting.insert(event.id);
                    self.resting_max = self.resting_max.max(resting.len());
                    self.read_trader(&event);
                }
                Action::Changed => {}
                Action::Deleted => {
                    resting.remove(&event.id);
                }
            }
        }
        let reason = match (self.events, self.created.is_empty()) {
            (0, _) => "no order in it; expected a Bitstamp orders file",
            (_, true) => "none of its orders is in the trades file; are the two of the same market and time?",
            (_, false) => return Ok(()),
        };
        Err(FlowError::Unusable { path: records.lines().path().to_owned(), reason: reason.to_owned() })
    }

    fn read_trader(&mut self, event: &OrderEvent) {
        if !self.traders.contains(&event.id) {
            return;
        }
        self.created.insert(event.id);
        self.price_decimals = self.price_decimals.max(event.price.decimals);
        if event.volume.mantissa == 0 {
            self.without_quantity.insert(event.id);
        }
    }

    /// A price in the units found; none where it does not fit them.
    #[must_use]
    pub fn price(&self, price: Decimal) -> Option<Price> {
        price.at(self.price_decimals).map(Price::new).filter(|price| *price <= self.price_limit())
    }

    /// Whether a price is above any that can be played.
    #[must_use]
    pub fn is_beyond(&self, price: Decimal) -> bool {
        let scale = |decimals: u32| 10_i128.pow(decimals.min(24));
        i128::from(price.mantissa) * scale(self.price_decimals)
            > i128::from(self.price_limit().get()) * scale(price.decimals)
    }

    /// A quantity in the units found; none where it does not fit them.
    #[must_use]
    pub fn qty(&self, volume: Decimal) -> Option<Qty> {
        volume.at(self.qty_decimals).map(Qty::new).filter(|qty| qty.get() <= risk::limits::QTY_MAX)
    }

    fn price_limit(&self) -> Price {
        self.units(Price::new(1)).price_limit()
    }

    fn units(&self, first_price: Price) -> Terms {
        let narrow = |decimals: u32| u8::try_from(decimals).unwrap_or(u8::MAX);
        Terms {
            price_decimals: narrow(self.price_decimals),
            qty_decimals: narrow(self.qty_decimals),
            tick: Price::new(1),
            price_high: first_price,
            first_price,
            resting_max: self.resting_max,
        }
    }

    /// What the venue must admit: as much as it can, for orders far from the market rest, too.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let first = self.trades.first().and_then(|trade| trade.price.at(self.price_decimals)).unwrap_or(0);
        let terms = self.units(Price::new(first));
        Terms { price_high: terms.price_limit().max(Price::new(first)), ..terms }
    }

    /// Who traded with whom, by the trades file, in the units found.
    #[must_use]
    pub fn pairs(&self) -> BTreeMap<Pair, Traded> {
        let mut pairs = BTreeMap::new();
        for (row, trade) in (0..).zip(&self.trades) {
            let price = trade.price.at(self.price_decimals).unwrap_or(0);
            let new = Traded { price, qty: 0, row, line: trade.line };
            let traded: &mut Traded = pairs.entry((trade.maker, trade.taker)).or_insert(new);
            traded.qty += trade.amount.at(self.qty_decimals).unwrap_or(0);
        }
        pairs
    }
}
