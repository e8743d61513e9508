//! What an order would find: the makers it would touch, in order, as far as that can be told beforehand.
//!
//! Invariant: reading only, at most as many makers as one command touches. What it counts is met by the matcher but for
//! what these very fills bring about: an account that falls below maintenance, a protection group that trips, and a
//! reduce-only iceberg whose hidden part comes after other orders of its account.

use core::ops::ControlFlow;

use super::{Market, Venue};
use crate::command::SelfTrade;
use crate::limits::FOK_MAKERS_MAX;
use risk::{AccountId, InstrumentId, Money, OrderSlot, OwnerGroupId, Qty, Side};

/// Who would walk, and how far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    pub(super) account: AccountId,
    pub(super) group: OwnerGroupId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    /// Worst price, in ticks.
    pub(super) key: u32,
    pub(super) mode: SelfTrade,
}

impl Venue {
    /// Whether so much can be filled at once.
    pub(super) fn can_fill(&self, walk: &Walk, qty: Qty) -> bool {
        let mut left = qty;
        self.walk(walk, |_, found| {
            left -= left.min(found);
            if left == Qty::ZERO { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        left == Qty::ZERO
    }

    /// The most lots that money pays for, maker by maker, each maker's notional rounded up.
    pub(super) fn payable(&self, walk: &Walk, money: Money) -> Qty {
        let instrument = self.ledger.instrument(walk.instrument);
        let lot = instrument.spec.lot.get();
        let (mut left, mut total) = (money, Qty::ZERO);
        self.walk(walk, |key, found| {
            let price = self.price_of(walk.instrument, key);
            let paid_for = instrument.payable(left, price).min(found).get();
            let taken = Qty::new(paid_for.div_euclid(lot) * lot);
            left -= instrument.notional(taken, price.to_mark());
            total += taken;
            if taken == found { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        total
    }

    /// Shows the price in ticks and the quantity of each maker that would be filled.
    fn walk(&self, walk: &Walk, mut show: impl FnMut(u32, Qty) -> ControlFlow<()>) {
        let Market { book, reach, .. } = &self.markets[walk.instrument.index()];
        let limit = reach.cut(walk.side, walk.key);
        let mut next = book.front(walk.side, limit);
        for _ in 0..FOK_MAKERS_MAX {
            let Some(slot) = next else { return };
            if self.is_own(slot, walk) {
                if walk.mode != SelfTrade::CancelMaker {
                    return;
                }
            } else if !self.is_passed_over(slot) {
                let found = self.found(slot, walk);
                if found > Qty::ZERO && show(self.orders.get(slot).key, found).is_break() {
                    return;
                }
            }
            next = book.behind(&self.orders, slot, walk.side, limit);
        }
    }

    fn is_own(&self, slot: OrderSlot, walk: &Walk) -> bool {
        self.is_of_owner(self.orders.get(slot).account, (walk.account, walk.group))
    }

    /// Whether the matcher would cancel it.
    fn is_passed_over(&self, slot: OrderSlot) -> bool {
        let order = self.orders.get(slot);
        self.is_liquidating(order.account) || (order.is_special() && self.protection_tripped(slot))
    }

    /// What a maker has for the walk: all that is left of it; of one that only reduces, no more than the position
    /// still holds after what the walk has met of the same account.
    fn found(&self, slot: OrderSlot, walk: &Walk) -> Qty {
        let leaves = self.orders.leaves(slot);
        if !self.orders.get(slot).reduce_only() {
            return leaves;
        }
        let account = self.orders.get(slot).account;
        let book = &self.markets[walk.instrument.index()].book;
        let mut held = self.ledger.leg(self.ledger.reservation(slot).leg).position.size();
        let mut next = book.front(walk.side, walk.key);
        while let Some(met) = next.filter(|&met| met != slot) {
            if self.orders.get(met).account == account && !self.is_passed_over(met) {
                held -= held.min(self.orders.leaves(met));
            }
            next = book.behind(&self.orders, met, walk.side, walk.key);
        }
        leaves.min(held)
    }
}
