//! Matching: a taker walks the other side of the book, best price first, oldest order first.
//!
//! Invariant: each maker met is filled, or cancelled because its owner is in liquidation or its protection group
//! tripped, or dealt with as the taker's own. Money moves only through the ledger's settlement, once per match.

use super::Venue;
use crate::command::{ClientOrderId, OrderId, SessionId, TradingState};
use crate::event::{CancelReason, Event, Events, Fill, FillSide, TradeId};
use risk::{
    AccountId, Closing, FillKind, InstrumentId, LegId, Money, OrderSlot, OwnerGroupId, Price, Qty,
    Settlement, Side,
};

/// Somebody who takes from the book.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Taker {
    pub(super) account: AccountId,
    /// Owner group; 0 where the account stands alone.
    pub(super) group: OwnerGroupId,
    pub(super) instrument: InstrumentId,
    pub(super) leg: LegId,
    pub(super) side: Side,
    /// Worst price, in ticks.
    pub(super) key: u32,
    pub(super) leaves: Qty,
    /// Whether it has traded, in this command or a former one.
    pub(super) traded: bool,
    /// Price of its first match, in ticks.
    pub(super) first: u32,
    /// Price of its last match so far, in ticks.
    pub(super) last: u32,
    pub(super) purpose: Purpose,
}

/// Why it takes.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) enum Purpose {
    /// An order; what is left of it rests or is cancelled.
    Order { slot: OrderSlot, rests: bool },
    /// A step of a liquidation.
    Liquidation { closing: Closing },
}

/// Why a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WalkEnd {
    /// Nothing is left of the taker, or nothing in the book crosses.
    Done,
    /// The next maker is the taker's own order, and the rest of the taker is to go.
    SelfTrade,
    /// The taker's order is gone already: cancelled by what it met.
    Gone,
    /// The bound of one command; more would cross.
    Bound,
    /// More would cross, but not at a price that may be taken now.
    LimitState,
}

impl Venue {
    /// Takes, or resumes taking; then lets the rest of an order rest, be cancelled, or wait for the next command. Where
    /// matching pauses what rests may cross.
    pub(super) fn take_and_settle(&mut self, mut taker: Taker, events: &mut Events) {
        let end = self.take(&mut taker, events);
        let Purpose::Order { slot, rests } = taker.purpose else { return };
        if end == WalkEnd::LimitState {
            self.enter_limit_state(taker.instrument, taker.side, taker.key, events);
        }
        match end {
            WalkEnd::Bound => {
                self.suspended = Some(taker);
                self.left_over = true;
                return;
            }
            WalkEnd::Gone => {}
            WalkEnd::Done if taker.leaves == Qty::ZERO => self.forget_filled(slot, events),
            WalkEnd::Done | WalkEnd::LimitState if rests => {
                self.ledger.begin_resting(slot);
                if self.orders.get(slot).is_special() {
                    self.show_part(slot);
                }
                self.markets[taker.instrument.index()].book.rest(&mut self.orders, slot);
            }
            WalkEnd::Done => self.cancel(slot, CancelReason::Immediate, events),
            WalkEnd::SelfTrade => self.cancel(slot, CancelReason::SelfTrade, events),
            WalkEnd::LimitState => self.cancel(slot, CancelReason::TradingState, events),
        }
        if end == WalkEnd::LimitState {
            self.pause(taker.instrument, events);
        }
        self.trim_reduce_only(taker.leg, events);
        if taker.traded {
            self.traded(taker.instrument, taker.first, taker.last);
            self.tend(taker.account, taker.leg, events);
        }
        self.drop_leg_if_empty(taker.leg);
    }

    /// Takes from the book what crosses.
    #[inline]
    pub(super) fn take(&mut self, taker: &mut Taker, events: &mut Events) -> WalkEnd {
        let market = &self.markets[taker.instrument.index()];
        let key = market.reach.cut(taker.side, taker.key);
        if market.book.crosses(taker.side, key) {
            self.take_down_to(taker, key, events)
        } else {
            self.end_of_reach(taker, key)
        }
    }

    /// Walks the book until the taker is filled, nothing crosses `key`, or a bound is met.
    #[inline(never)]
    fn take_down_to(&mut self, taker: &mut Taker, key: u32, events: &mut Events) -> WalkEnd {
        while self.work > 0 {
            let Some(maker) = self.next_maker(taker, key) else { return self.end_of_reach(taker, key) };
            self.work -= 1;
            let met = self.orders.get(maker);
            let (owner, is_special) = (met.account, met.is_special());
            if self.is_of_owner(owner, (taker.account, taker.group)) {
                if let Some(end) = self.meet_own(taker, maker, events) {
                    return end;
                }
            } else if self.is_liquidating(owner) {
                self.cancel_and_drop_leg(maker, CancelReason::Liquidation, events);
            } else if is_special && self.protection_tripped(maker) {
                self.cancel_and_drop_leg(maker, CancelReason::Protection, events);
            } else {
                self.fill(taker, maker, events);
            }
        }
        if self.next_maker(taker, key).is_some() { WalkEnd::Bound } else { self.end_of_reach(taker, key) }
    }

    /// Why nothing more may be taken down to `key`, a limit that the instrument may have cut.
    #[inline]
    fn end_of_reach(&self, taker: &Taker, key: u32) -> WalkEnd {
        if key == taker.key { WalkEnd::Done } else { self.end_of_cut_reach(taker) }
    }

    #[cold]
    fn end_of_cut_reach(&self, taker: &Taker) -> WalkEnd {
        let market = &self.markets[taker.instrument.index()];
        let pauses = market.state == TradingState::Open
            && taker.leaves > Qty::ZERO
            && market.book.crosses(taker.side, taker.key);
        if pauses { WalkEnd::LimitState } else { WalkEnd::Done }
    }

    #[inline]
    fn next_maker(&self, taker: &Taker, key: u32) -> Option<OrderSlot> {
        if taker.leaves == Qty::ZERO {
            return None;
        }
        self.markets[taker.instrument.index()].book.front(taker.side, key)
    }

    /// One match: orders, money, event, then what the maker's new position asks for.
    fn fill(&mut self, taker: &mut Taker, maker: OrderSlot, events: &mut Events) {
        let resting = *self.orders.get(maker);
        let qty = taker.leaves.min(resting.leaves);
        let price = self.price_of(taker.instrument, resting.key);
        let maker_leg = self.ledger.reservation(maker).leg;
        if self.ledger.funding_is_due_of(taker.leg, maker_leg) {
            self.book_funding_of([taker.leg, maker_leg], events);
        }

        let settlement = match &mut taker.purpose {
            Purpose::Order { slot, .. } => {
                let slot = *slot;
                self.orders.fill(slot, qty);
                self.ledger.reduce_reservation(slot, qty);
                self.ledger.settle_trade(taker.leg, maker_leg, taker.side, price, qty)
            }
            Purpose::Liquidation { closing } => {
                self.ledger.settle_liquidation(taker.leg, maker_leg, taker.side, price, qty, closing)
            }
        };
        taker.leaves -= qty;
        if !taker.traded {
            (taker.traded, taker.first) = (true, resting.key);
        }
        taker.last = resting.key;
        let book = &mut self.markets[taker.instrument.index()].book;
        let maker_leaves = if resting.is_special() {
            book.reduce(resting.side(), resting.key, qty);
            self.orders.fill(maker, qty)
        } else {
            book.fill(&mut self.orders, maker, qty)
        };
        events.push(self.fill_event(taker, maker, maker_leg, price, qty, settlement));

        if resting.is_special() {
            self.after_maker_fill(maker, qty, events);
        } else if maker_leaves == Qty::ZERO {
            self.forget(maker);
        } else {
            self.ledger.reduce_reservation(maker, qty);
        }
        self.trim_reduce_only(maker_leg, events);
        self.tend(resting.account, maker_leg, events);
        self.drop_leg_if_empty(maker_leg);
        if let Purpose::Order { slot, .. } = taker.purpose
            && self.orders.get(slot).is_special()
        {
            self.after_special_fill(slot, qty, events);
        }
    }

    #[cold]
    fn book_funding_of(&mut self, legs: [LegId; 2], events: &mut Events) {
        for leg in legs {
            self.book_funding(leg, events);
        }
    }

    #[expect(clippy::inline_always, reason = "the event is written where it stays, not copied there")]
    #[inline(always)]
    fn fill_event(
        &mut self,
        taker: &Taker,
        maker: OrderSlot,
        maker_leg: LegId,
        price: Price,
        qty: Qty,
        settlement: Settlement,
    ) -> Event {
        self.last_trade = TradeId::new(self.last_trade.get() + 1);
        let (order, kind) = match taker.purpose {
            Purpose::Order { slot, .. } => (Some(slot), FillKind::Trade),
            Purpose::Liquidation { .. } => (None, FillKind::Liquidation),
        };
        Event::Fill(Fill {
            trade: self.last_trade,
            instrument: taker.instrument,
            side: taker.side,
            kind,
            price,
            qty,
            value: settlement.value,
            taker: self.fill_side(order, taker.leg, taker.leaves, settlement.taker_fee),
            maker: self.fill_side(Some(maker), maker_leg, self.orders.leaves(maker), settlement.maker_fee),
        })
    }

    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    pub(super) fn fill_side(
        &self,
        order: Option<OrderSlot>,
        leg: LegId,
        leaves: Qty,
        fee: Money,
    ) -> FillSide {
        let leg = self.ledger.leg(leg);
        let (order, client_order_id, session) = match order {
            None => (OrderId::default(), ClientOrderId::default(), SessionId::default()),
            Some(slot) => {
                let terms = self.orders.terms(slot);
                (self.orders.id(slot), terms.client_order_id, terms.session)
            }
        };
        FillSide {
            order,
            client_order_id,
            session,
            account: leg.account,
            leaves,
            fee,
            position: leg.position,
            cost: leg.cost,
            balance: self.ledger.balance(leg.account, self.ledger.instrument(leg.instrument).settlement()),
        }
    }

    /// Forgets an order that was filled whole.
    #[inline]
    fn forget_filled(&mut self, slot: OrderSlot, events: &mut Events) {
        if self.orders.get(slot).is_special() {
            self.forget_special(slot, None, events);
        } else {
            self.forget(slot);
        }
    }

    /// Forgets an order with conditions that was cancelled for a reason or filled whole, and tells what belongs to it.
    #[cold]
    pub(super) fn forget_special(
        &mut self,
        slot: OrderSlot,
        reason: Option<CancelReason>,
        events: &mut Events,
    ) {
        self.before_forgetting(slot, reason, events);
        self.leave_timers_and_sweeps(slot);
        self.forget(slot);
    }

    /// Forgets an order that is in no book any more, and that nothing refers to.
    pub(super) fn forget(&mut self, slot: OrderSlot) {
        let terms = *self.orders.terms(slot);
        self.clients.remove(terms.session, terms.client_order_id, slot);
        self.ledger.release(slot);
        self.orders.free(slot);
    }
}
