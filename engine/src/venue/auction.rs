//! Uncrossing: a crossed book trades at one price, pair by pair, before its state changes.
//!
//! Invariant: at the price of an uncrossing nobody trades beyond its limit. Pairs that fall out (own orders, accounts in
//! liquidation, reduce-only orders cut) may leave a crossed book behind that price; then a price is found anew. While a
//! search is left over nothing else touches the book: one begins only when no sweep waits.

use super::Venue;
use super::phases::PhaseWork;
use super::sweep::Budget;
use crate::auction::{Discovery, Found};
use crate::command::{TimeNs, TradingState};
use crate::event::{CancelReason, Event, Events, Fill, TradeId};
use risk::{FillKind, InstrumentId, LegId, OrderSlot, Price, Qty, Side};

/// A book on its way to a state in which it may not be crossed.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Uncrossing {
    instrument: InstrumentId,
    /// The state that follows.
    then: TradingState,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, bincode::Encode)]
enum Stage {
    /// The price is not known yet.
    Searching(Discovery),
    /// Pairs match at this price, in ticks.
    Pairing(u32),
}

impl Uncrossing {
    pub(super) const fn new(instrument: InstrumentId, then: TradingState, discovery: Discovery) -> Self {
        Self { instrument, then, stage: Stage::Searching(discovery) }
    }
}

/// What an auction would bring about as the book stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Indicative {
    /// Price of every match.
    pub price: Price,
    /// Quantity that matches.
    pub qty: Qty,
    /// What remains at that price: bought less sold.
    pub surplus: i64,
}

impl Venue {
    /// Price, quantity and surplus of an auction if it ended now; `None` while the book is not crossed.
    #[must_use]
    pub fn indicative(&self, instrument: InstrumentId) -> Option<Indicative> {
        let book = &self.markets.get(instrument.index())?.book;
        let reference = self.reference(instrument);
        let found = Discovery::begin(book)?.go_on(book, &self.orders, reference, &mut { usize::MAX })?;
        let Found { key, qty, surplus } = found;
        Some(Indicative { price: self.price_of(instrument, key), qty: Qty::new(qty), surplus })
    }

    /// What an auction's price stays near: the mark, down to a tick. An order was only admitted where there is one.
    fn reference(&self, instrument: InstrumentId) -> u32 {
        self.mark(instrument).map_or(0, |mark| self.key_of(instrument, mark.floor_price()))
    }

    /// Finds prices and matches pairs until the book does not cross, then changes the state; or up to the bound of a
    /// command, and the rest waits.
    pub(super) fn uncross(&mut self, mut at: Uncrossing, budget: &mut Budget, events: &mut Events) {
        let instrument = at.instrument;
        loop {
            at.stage = match at.stage {
                Stage::Searching(mut discovery) => {
                    let book = &self.markets[instrument.index()].book;
                    let reference = self.reference(instrument);
                    let found = discovery.go_on(book, &self.orders, reference, &mut budget.auction_looks);
                    let Some(Found { key, qty, surplus }) = found else {
                        at.stage = Stage::Searching(discovery);
                        break;
                    };
                    let (price, qty) = (self.price_of(instrument, key), Qty::new(qty));
                    events.push(Event::Uncrossed { instrument, price, qty, surplus });
                    Stage::Pairing(key)
                }
                Stage::Pairing(key) => {
                    if !self.match_pairs(instrument, key, events) {
                        break;
                    }
                    match Discovery::begin(&self.markets[instrument.index()].book) {
                        None => {
                            self.set_state(instrument, at.then, TimeNs::default(), events);
                            return;
                        }
                        Some(_) if !self.sweeps.is_empty() => break,
                        Some(discovery) => Stage::Searching(discovery),
                    }
                }
            };
        }
        self.phase = Some(PhaseWork::Uncross(at));
        self.left_over = true;
    }

    /// Matches best bids with best asks while both admit the price; `false` when the work of the command is used up.
    fn match_pairs(&mut self, instrument: InstrumentId, key: u32, events: &mut Events) -> bool {
        while let Some((buy, sell)) = self.markets[instrument.index()].book.pair_at(key) {
            if self.work == 0 {
                return false;
            }
            self.work -= 1;
            self.match_pair(buy, sell, key, events);
        }
        true
    }

    /// One pair: an order that must not trade any more goes instead, own orders lose what they would have matched.
    fn match_pair(&mut self, buy: OrderSlot, sell: OrderSlot, key: u32, events: &mut Events) {
        for slot in [buy, sell] {
            if let Some(reason) = self.falls_out(slot) {
                self.cancel_and_drop_leg(slot, reason, events);
                return;
            }
        }
        let [bid, ask] = [buy, sell].map(|slot| *self.orders.get(slot));
        let qty = bid.leaves.min(ask.leaves);
        if self.is_of_owner(bid.account, (ask.account, self.group_of(ask.account))) {
            let other = self.orders.id(sell);
            self.decrement_resting(buy, qty, events);
            // A pair of which both orders met went with the first.
            if self.orders.find(other).is_some() {
                self.decrement_resting(sell, qty, events);
            }
        } else {
            self.fill_pair(buy, sell, (key, qty), events);
        }
    }

    /// Why an order must not trade any more, where it must not.
    fn falls_out(&self, slot: OrderSlot) -> Option<CancelReason> {
        let order = self.orders.get(slot);
        if self.is_liquidating(order.account) {
            return Some(CancelReason::Liquidation);
        }
        (order.is_special() && self.protection_tripped(slot)).then_some(CancelReason::Protection)
    }

    /// One match: orders, money, event; then what each side's new position asks for, the buyer's first.
    fn fill_pair(&mut self, buy: OrderSlot, sell: OrderSlot, (key, qty): (u32, Qty), events: &mut Events) {
        let instrument = self.orders.get(buy).instrument();
        let price = self.price_of(instrument, key);
        let legs = [buy, sell].map(|slot| self.ledger.reservation(slot).leg);
        for leg in legs {
            self.book_funding(leg, events);
        }
        let settlement = self.ledger.settle_auction(legs[0], legs[1], price, qty);
        for slot in [buy, sell] {
            let order = *self.orders.get(slot);
            self.orders.fill(slot, qty);
            self.markets[instrument.index()].book.reduce(order.side(), order.key, qty);
        }
        self.last_trade = TradeId::new(self.last_trade.get() + 1);
        events.push(Event::Fill(Fill {
            trade: self.last_trade,
            instrument,
            side: Side::Buy,
            kind: FillKind::Auction,
            price,
            qty,
            value: settlement.value,
            taker: self.fill_side(Some(buy), legs[0], self.orders.leaves(buy), settlement.taker_fee),
            maker: self.fill_side(Some(sell), legs[1], self.orders.leaves(sell), settlement.maker_fee),
        }));
        self.traded(instrument, key, key);
        for (slot, leg) in [buy, sell].into_iter().zip(legs) {
            self.settle_side(slot, leg, qty, events);
        }
    }

    /// What a match leaves of an order and asks of its account.
    fn settle_side(&mut self, slot: OrderSlot, leg: LegId, qty: Qty, events: &mut Events) {
        let order = *self.orders.get(slot);
        if order.is_special() {
            self.after_maker_fill(slot, qty, events);
        } else if order.leaves == Qty::ZERO {
            self.markets[order.instrument().index()].book.remove(&mut self.orders, slot);
            self.forget(slot);
        } else {
            self.ledger.reduce_reservation(slot, qty);
        }
        self.trim_reduce_only(leg, events);
        self.tend(order.account, leg, events);
        self.drop_leg_if_empty(leg);
    }
}
