//! Plays Bitstamp order events as orders on a venue.
//!
//! | event | played as |
//! |---|---|
//! | created, an order that trades | limit order that takes, and rests with what is left; a market order where its price is 0 or beyond any |
//! | created, an order that never trades | post-only order: what would have taken is refused by the venue |
//! | changed, an order that never trades | amendment to a smaller total |
//! | changed, an order that trades | nothing: the venue's own fills change it |
//! | deleted | cancel |
//!
//! Invariant: which orders trade is the trades file's word; who trades with whom is the venue's.

use std::collections::{BTreeMap, BTreeSet};

use engine::{ClientOrderId, Reject};
use risk::{Price, Qty, Side};
use serde::Serialize;

use super::read::{Action, OrderEvent};
use super::survey::Survey;
use crate::market::floor::{Floor, Match, Outcome, Wanted, Way};

/// What was played, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Counts {
    /// Orders that arrived.
    pub created: u64,
    /// Changes.
    pub changed: u64,
    /// Ends.
    pub deleted: u64,
    /// Orders the venue refused because they would have taken, and that never trade.
    pub post_only_rejects: u64,
    /// Market orders that never trade; not played.
    pub market_without_trade: u64,
    /// Orders created without a quantity; not played.
    pub without_quantity: u64,
    /// Orders at a price out of the venue's range; not played.
    pub out_of_range: u64,
    /// Ends of orders that did not rest at the venue.
    pub deleted_unknown: u64,
    /// Matches at the venue.
    pub matches: u64,
    /// Commands the venue refused against expectation.
    pub refused: u64,
}

/// A maker and a taker, by the exchange's numbers.
pub type Pair = (u64, u64);

/// What a maker and a taker traded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traded {
    /// First price.
    pub price: i64,
    /// In all.
    pub qty: i64,
    /// Records of its file before the first.
    pub row: u64,
    /// Line of the first.
    pub line: u64,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    number: ClientOrderId,
    side: Side,
    price: Price,
    filled: Qty,
    leaves: Qty,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Replay<'a> {
    survey: &'a Survey,
    floor: Floor,
    left_out: &'a BTreeSet<u64>,
    live: BTreeMap<u64, Live>,
    numbers: BTreeMap<ClientOrderId, u64>,
    row: u64,
    line: u64,
    /// What was played, and how.
    pub counts: Counts,
    /// Who traded with whom.
    pub pairs: BTreeMap<Pair, Traded>,
    /// Makers that never trade by the trades file, with the time of their end by the orders file.
    pub suspects: BTreeMap<u64, Option<u64>>,
}

impl<'a> Replay<'a> {
    /// An empty book. Orders in `left_out` are not played.
    ///
    /// # Errors
    /// What the venue refuses, in words.
    pub fn start(survey: &'a Survey, left_out: &'a BTreeSet<u64>) -> Result<Self, String> {
        Ok(Self {
            survey,
            floor: Floor::open(&survey.terms())?,
            left_out,
            live: BTreeMap::new(),
            numbers: BTreeMap::new(),
            row: 0,
            line: 0,
            counts: Counts::default(),
            pairs: BTreeMap::new(),
            suspects: BTreeMap::new(),
        })
    }

    /// Plays the event at `line` of its file.
    pub fn play(&mut self, event: &OrderEvent, line: u64) {
        self.line = line;
        match event.action {
            Action::Created => {
                self.counts.created += 1;
                if !self.left_out.contains(&event.id) {
                    self.create(event);
                }
            }
            Action::Changed => {
                self.counts.changed += 1;
                self.change(event);
            }
            Action::Deleted => {
                self.counts.deleted += 1;
                self.delete(event);
            }
        }
        self.row += 1;
    }

    fn create(&mut self, event: &OrderEvent) {
        let trades = self.survey.traders.contains(&event.id);
        let Some(qty) = self.survey.qty(event.volume).filter(|&qty| qty > Qty::ZERO) else {
            self.counts.without_quantity += 1;
            return;
        };
        let is_market = match event.side {
            Side::Buy => self.survey.is_beyond(event.price),
            Side::Sell => event.price.mantissa == 0,
        };
        let playable = self.survey.price(event.price).filter(|price| price.get() > 0);
        let limit = match (is_market, playable, trades) {
            (true, _, false) => {
                self.counts.market_without_trade += 1;
                return;
            }
            (true, _, true) => None,
            (false, Some(price), _) => Some(price),
            (false, None, _) => {
                self.counts.out_of_range += 1;
                return;
            }
        };
        let way = match (limit, trades) {
            (None, _) => Way::Immediate,
            (Some(_), true) => Way::Rest,
            (Some(_), false) => Way::PostOnly,
        };
        let mut outcome = self.floor.place(Wanted { side: event.side, limit, qty, way });
        if outcome.refused == Some(Reject::PriceBand) && trades {
            // So far through the market that it is a market order in all but name.
            let wanted = Wanted { side: event.side, limit: None, qty, way: Way::Immediate };
            outcome = self.floor.place(wanted);
        }
        self.settle(event, limit.unwrap_or_default(), qty, &outcome);
    }

    fn settle(&mut self, event: &OrderEvent, price: Price, qty: Qty, outcome: &Outcome) {
        match outcome.refused {
            None => {}
            // Outside the band on the side that takes: it would have met the whole book.
            Some(Reject::PostOnlyWouldCross | Reject::PriceBand) => self.counts.post_only_rejects += 1,
            Some(_) => self.counts.refused += 1,
        }
        for one in &outcome.matches {
            self.note(event.id, *one);
        }
        if outcome.rests > Qty::ZERO {
            let (number, side, leaves) = (outcome.number, event.side, outcome.rests);
            self.live.insert(event.id, Live { number, side, price, filled: qty - leaves, leaves });
            self.numbers.insert(number, event.id);
        }
    }

    fn note(&mut self, taker: u64, one: Match) {
        self.counts.matches += 1;
        let Some(&maker) = self.numbers.get(&one.maker) else {
            self.counts.refused += 1;
            return;
        };
        let new = Traded { price: one.price.get(), qty: 0, row: self.row, line: self.line };
        let traded = self.pairs.entry((maker, taker)).or_insert(new);
        traded.qty += one.qty.get();
        if !self.survey.traders.contains(&maker) {
            self.suspects.entry(maker).or_insert(None);
        }
        if let Some(live) = self.live.get_mut(&maker) {
            live.leaves -= one.qty;
            live.filled += one.qty;
            if live.leaves <= Qty::ZERO {
                self.live.remove(&maker);
                self.numbers.remove(&one.maker);
            }
        }
    }

    fn change(&mut self, event: &OrderEvent) {
        if self.survey.traders.contains(&event.id) {
            return;
        }
        let volume = self.survey.qty(event.volume);
        let (Some(live), Some(volume)) = (self.live.get_mut(&event.id), volume) else { return };
        if volume > Qty::ZERO && volume < live.leaves {
            let cut = self.floor.cut(live.number, live.side, live.price, live.filled + volume);
            live.leaves = volume;
            self.counts.refused += u64::from(cut.is_err());
        }
    }

    fn delete(&mut self, event: &OrderEvent) {
        if let Some(end) = self.suspects.get_mut(&event.id) {
            *end = Some(event.time);
        }
        let Some(live) = self.live.remove(&event.id) else {
            self.counts.deleted_unknown += 1;
            return;
        };
        self.numbers.remove(&live.number);
        self.counts.refused += u64::from(self.floor.cancel(live.number, live.side).is_err());
    }
}
