//! Uncrossing: one price for all, found by trying every one of them.

use engine::{Event, Fill, OrderId, TradeId, TradingState, TriggerSource};
use risk::{AccountId, FillKind, InstrumentId, Side};

use super::arith::{MARKS, floor};
use super::{Model, money, price, qty};

/// Volume, surplus, distance and price, so that the least is the best; and price, volume and surplus.
type Tried = ((i128, i128, i128, i128), (i128, i128, i128));

/// An uncrossing that is not through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uncrossing {
    instrument: InstrumentId,
    /// The state that follows.
    target: TradingState,
    /// Price of its matches; `None` where it is to be found anew.
    price: Option<i128>,
    /// Price of its last match.
    last: Option<i128>,
}

impl Model {
    /// Price, quantity and surplus of an uncrossing: every tick from best ask to best bid is tried.
    pub(crate) fn auction_price(&self, instrument: InstrumentId) -> (i128, i128, i128) {
        let known = &self.instruments[instrument.index()];
        let leaves = |ids: &std::collections::VecDeque<OrderId>| -> i128 {
            ids.iter().map(|id| self.orders[id].leaves).sum()
        };
        let bids: Vec<(i128, i128)> = known.book.bids.iter().map(|(&at, ids)| (at, leaves(ids))).collect();
        let asks: Vec<(i128, i128)> = known.book.asks.iter().map(|(&at, ids)| (at, leaves(ids))).collect();
        let (bid, ask) = (bids[bids.len() - 1].0, asks[0].0);
        let step = known.terms.tick;
        let reference = floor(self.mark(instrument), MARKS * step) * step;
        let mut best: Option<Tried> = None;
        let mut at = ask;
        while at <= bid {
            let bought: i128 = bids.iter().filter(|&&(limit, _)| limit >= at).map(|&(_, qty)| qty).sum();
            let sold: i128 = asks.iter().filter(|&&(limit, _)| limit <= at).map(|&(_, qty)| qty).sum();
            let (volume, surplus) = (bought.min(sold), bought - sold);
            let rank = (-volume, surplus.abs(), (at - reference).abs(), at);
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, (at, volume, surplus)));
            }
            at += step;
        }
        best.expect("a crossed book has a price").1
    }

    /// Begins to uncross; the state changes when it is through.
    pub(crate) fn uncross(&mut self, instrument: InstrumentId, target: TradingState) {
        self.uncross_on(Uncrossing { instrument, target, price: None, last: None });
    }

    /// Goes on, as far as the command's work goes.
    pub(crate) fn uncross_on(&mut self, mut uncrossing: Uncrossing) {
        let Uncrossing { instrument, target, .. } = uncrossing;
        while self.is_crossed(instrument) {
            if uncrossing.price.is_none() {
                if !self.sweeps.is_empty() {
                    self.uncrossing = Some(uncrossing);
                    return;
                }
                uncrossing.price = Some(self.find_price(instrument));
            }
            let at = uncrossing.price.expect("just found");
            let Some(pair) = self.pair_at(instrument, at) else {
                self.noted.push("uncrossed anew");
                uncrossing.price = None;
                continue;
            };
            if self.work == 0 {
                self.uncrossing = Some(uncrossing);
                return;
            }
            self.work -= 1;
            if self.uncross_pair(pair, at) {
                uncrossing.last = Some(at);
            }
        }
        self.enter(instrument, target, None);
        if let Some(at) = uncrossing.last {
            self.watch(instrument, TriggerSource::Last, at * MARKS);
        }
    }

    fn find_price(&mut self, instrument: InstrumentId) -> i128 {
        let (at, volume, surplus) = self.auction_price(instrument);
        self.out.push(Event::Uncrossed {
            instrument,
            price: price(at),
            qty: qty(volume),
            surplus: i64::try_from(surplus).expect("quantities are bounded"),
        });
        at
    }

    /// Best bid and best ask, each first come, where both limits admit the price.
    fn pair_at(&self, instrument: InstrumentId, at: i128) -> Option<(OrderId, OrderId)> {
        let book = &self.instruments[instrument.index()].book;
        let ((bid, buy), (ask, sell)) = (book.best(Side::Buy)?, book.best(Side::Sell)?);
        (bid >= at && ask <= at).then_some((buy, sell))
    }

    /// Lets a pair meet; whether it traded.
    fn uncross_pair(&mut self, (bid, ask): (OrderId, OrderId), at: i128) -> bool {
        let (buy, sell) = (self.orders[&bid], self.orders[&ask]);
        for order in [buy, sell] {
            if let Some(reason) = self.barred(&order) {
                self.cancel(order.id, reason);
                return false;
            }
        }
        let matched = buy.shown().min(sell.shown());
        if self.same_owner(buy.account, sell.account) {
            self.decrement(bid, matched);
            self.decrement(ask, matched);
            return false;
        }
        self.auction_fill((bid, ask), matched, at);
        true
    }

    fn auction_fill(&mut self, (bid, ask): (OrderId, OrderId), matched: i128, at: i128) {
        let (buyer, seller) = (self.orders[&bid].account, self.orders[&ask].account);
        let instrument = self.orders[&bid].instrument;
        self.book_funding(buyer, instrument);
        self.book_funding(seller, instrument);
        let value = self.exchange(instrument, matched, at, (buyer, seller));
        for id in [bid, ask] {
            let order = self.order_mut(id);
            order.leaves -= matched;
            order.filled += matched;
        }
        let [bought, sold] = [buyer, seller].map(|account| {
            self.instruments[instrument.index()].terms.fee_of_maker(value, self.tier_of(account))
        });
        let asset = self.settlement(instrument);
        self.pay(buyer, AccountId::FEES, asset, bought);
        self.pay(seller, AccountId::FEES, asset, sold);
        self.trades += 1;
        self.out.push(Event::Fill(Fill {
            trade: TradeId::new(self.trades),
            instrument,
            side: Side::Buy,
            kind: FillKind::Auction,
            price: price(at),
            qty: qty(matched),
            value: money(value),
            taker: self.side_of_fill(Some(bid), (buyer, instrument), 0, bought),
            maker: self.side_of_fill(Some(ask), (seller, instrument), 0, sold),
        }));
        self.note_match(instrument, at);
        // Nothing fires before the state changes, but trailing stops follow.
        self.watch(instrument, TriggerSource::Last, at * MARKS);
        for id in [bid, ask] {
            if self.orders.contains_key(&id) {
                self.after_fill(id, matched);
            }
        }
    }
}
