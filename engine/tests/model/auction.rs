//! Uncrossing: one price for all, found by trying every one of them.

use engine::{CancelReason, Event, Fill, OrderId, TradeId, TradingState, TriggerSource};
use risk::{AccountId, FillKind, InstrumentId, Side};

use super::arith::{MARKS, floor};
use super::{Model, money, price, qty};

/// An uncrossing that is not through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uncrossing {
    instrument: InstrumentId,
    /// The state that follows.
    target: TradingState,
    price: i128,
    matched: bool,
}

impl Model {
    /// The price from which an auction stays least far away.
    fn reference(&self, instrument: InstrumentId, bid: i128, ask: i128) -> i128 {
        let known = &self.instruments[instrument.index()];
        match (known.mark, known.last) {
            (Some(mark), _) => floor(mark, MARKS * known.terms.tick) * known.terms.tick,
            (None, Some(last)) => last,
            (None, None) => floor(bid + ask, 2),
        }
    }

    /// Price, quantity and surplus of an uncrossing: every tick from best ask to best bid is tried.
    fn auction_price(&self, instrument: InstrumentId) -> (i128, i128, i128) {
        let known = &self.instruments[instrument.index()];
        let leaves = |ids: &std::collections::VecDeque<OrderId>| -> i128 {
            ids.iter().map(|id| self.orders[id].leaves).sum()
        };
        let bids: Vec<(i128, i128)> = known.book.bids.iter().map(|(&at, ids)| (at, leaves(ids))).collect();
        let asks: Vec<(i128, i128)> = known.book.asks.iter().map(|(&at, ids)| (at, leaves(ids))).collect();
        let (bid, ask) = (bids[bids.len() - 1].0, asks[0].0);
        let reference = self.reference(instrument, bid, ask);
        let mut best: Option<((i128, i128, i128, i128), (i128, i128, i128))> = None;
        let mut at = ask;
        while at <= bid {
            let bought: i128 = bids.iter().filter(|&&(limit, _)| limit >= at).map(|&(_, qty)| qty).sum();
            let sold: i128 = asks.iter().filter(|&&(limit, _)| limit <= at).map(|&(_, qty)| qty).sum();
            let (volume, surplus) = (bought.min(sold), bought - sold);
            let rank = (-volume, surplus.abs(), (at - reference).abs(), at);
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, (at, volume, surplus)));
            }
            at += known.terms.tick;
        }
        best.expect("a crossed book has a price").1
    }

    /// Begins to uncross; the state changes when it is through.
    pub(crate) fn uncross(&mut self, instrument: InstrumentId, target: TradingState) {
        let (at, volume, surplus) = self.auction_price(instrument);
        self.out.push(Event::Uncrossed {
            instrument,
            price: price(at),
            qty: qty(volume),
            surplus: i64::try_from(surplus).expect("quantities are bounded"),
        });
        self.uncross_on(Uncrossing { instrument, target, price: at, matched: false });
    }

    /// Goes on, as far as the command's work goes.
    pub(crate) fn uncross_on(&mut self, mut uncrossing: Uncrossing) {
        let instrument = uncrossing.instrument;
        while self.is_crossed(instrument) {
            if self.work == 0 {
                self.uncrossing = Some(uncrossing);
                return;
            }
            self.work -= 1;
            uncrossing.matched |= self.uncross_pair(instrument, uncrossing.price);
        }
        self.enter(instrument, uncrossing.target, None);
        if uncrossing.matched {
            self.watch(instrument, TriggerSource::Last, uncrossing.price * MARKS);
        }
    }

    /// Best bid and best ask, each first come; whether they traded.
    fn uncross_pair(&mut self, instrument: InstrumentId, at: i128) -> bool {
        let best = |model: &Self, side| {
            let book = &model.instruments[instrument.index()].book;
            book.best(side).expect("a crossed book has both").1
        };
        let (bid, ask) = (best(self, Side::Buy), best(self, Side::Sell));
        let (buy, sell) = (self.orders[&bid], self.orders[&ask]);
        let matched = buy.shown().min(sell.shown());
        if self.same_owner(buy.account, sell.account) {
            self.decrement(bid, matched);
            self.decrement(ask, matched);
            return false;
        }
        let barred: Vec<(OrderId, CancelReason)> =
            [buy, sell].iter().filter_map(|order| Some((order.id, self.barred(order)?))).collect();
        if !barred.is_empty() {
            for (id, reason) in barred {
                if self.orders.contains_key(&id) {
                    self.cancel(id, reason);
                }
            }
            return false;
        }
        self.auction_fill((bid, ask), matched, at);
        true
    }

    fn auction_fill(&mut self, (bid, ask): (OrderId, OrderId), matched: i128, at: i128) {
        let (buyer, seller) = (self.orders[&bid].account, self.orders[&ask].account);
        let instrument = self.orders[&bid].instrument;
        let value = self.exchange(instrument, matched, at, (buyer, seller));
        for id in [bid, ask] {
            let order = self.order_mut(id);
            order.leaves -= matched;
            order.filled += matched;
        }
        let fee = self.instruments[instrument.index()].terms.fee_of_maker(value);
        self.pay(buyer, AccountId::FEES, fee);
        self.pay(seller, AccountId::FEES, fee);
        self.trades += 1;
        self.out.push(Event::Fill(Fill {
            trade: TradeId::new(self.trades),
            instrument,
            side: Side::Buy,
            kind: FillKind::Auction,
            price: price(at),
            qty: qty(matched),
            value: money(value),
            taker: self.side_of_fill(Some(bid), (buyer, instrument), 0, fee),
            maker: self.side_of_fill(Some(ask), (seller, instrument), 0, fee),
        }));
        self.note_match(instrument, at);
        for id in [bid, ask] {
            if self.orders.contains_key(&id) {
                self.after_fill(id, matched);
            }
        }
    }
}
