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

    /// Shows the price in ticks and the quantity of each maker that would be filled: at each price first what is shown,
    /// then what is hidden, for a part that shows later stands at the end of the level.
    fn walk(&self, walk: &Walk, mut show: impl FnMut(u32, Qty) -> ControlFlow<()>) {
        let Market { book, reach, .. } = &self.markets[walk.instrument.index()];
        let walk = &Walk { key: reach.cut(walk.side, walk.key), ..*walk };
        let mut next = book.front(walk.side, walk.key);
        let mut level = None;
        let ends = |first: Option<OrderSlot>, next: Option<OrderSlot>| {
            let key = |slot: OrderSlot| self.orders.get(slot).key;
            first.is_some() && first.map(key) != next.map(key)
        };
        for _ in 0..FOK_MAKERS_MAX {
            if ends(level, next) {
                if self.walk_hidden(walk, level, &mut show).is_break() {
                    return;
                }
                level = None;
            }
            let Some(slot) = next else { return };
            level = level.or(next);
            if self.is_own(slot, walk) {
                if walk.mode != SelfTrade::CancelMaker {
                    return;
                }
            } else if !self.is_passed_over(slot) {
                let found = self.found(slot, walk, false);
                if found > Qty::ZERO && show(self.orders.get(slot).key, found).is_break() {
                    return;
                }
            }
            next = book.behind(&self.orders, slot, walk.side, walk.key);
        }
        // Where the makers were too many, more of this level may be shown.
        if ends(level, next) {
            let _ended: ControlFlow<()> = self.walk_hidden(walk, level, &mut show);
        }
    }

    /// Shows what is hidden at the price of the first order of a level.
    fn walk_hidden(
        &self,
        walk: &Walk,
        first: Option<OrderSlot>,
        show: &mut impl FnMut(u32, Qty) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let book = &self.markets[walk.instrument.index()].book;
        let mut next = first;
        while let Some(slot) = next {
            let order = self.orders.get(slot);
            if first.is_some_and(|first| self.orders.get(first).key != order.key) {
                break;
            }
            if order.is_special() && !self.is_own(slot, walk) && !self.is_passed_over(slot) {
                let found = self.found(slot, walk, true);
                if found > Qty::ZERO {
                    show(order.key, found)?;
                }
            }
            next = book.behind(&self.orders, slot, walk.side, walk.key);
        }
        ControlFlow::Continue(())
    }

    fn is_own(&self, slot: OrderSlot, walk: &Walk) -> bool {
        self.is_of_owner(self.orders.get(slot).account, (walk.account, walk.group))
    }

    /// Whether the matcher would cancel it.
    fn is_passed_over(&self, slot: OrderSlot) -> bool {
        let order = self.orders.get(slot);
        self.is_liquidating(order.account) || (order.is_special() && self.protection_tripped(slot))
    }

    /// What a maker shows, or hides, for the walk; of one that only reduces, no more than the position still holds after
    /// what the walk has met of the same account.
    fn found(&self, slot: OrderSlot, walk: &Walk, hidden: bool) -> Qty {
        let shown = self.orders.get(slot).leaves;
        let wanted = if hidden { self.orders.leaves(slot) - shown } else { shown };
        if wanted == Qty::ZERO || !self.orders.get(slot).reduce_only() {
            return wanted;
        }
        wanted.min(self.held(slot, walk, hidden))
    }

    /// What an account's position still holds when the walk comes to what its maker shows, or hides.
    fn held(&self, slot: OrderSlot, walk: &Walk, hidden: bool) -> Qty {
        let order = self.orders.get(slot);
        let book = &self.markets[walk.instrument.index()].book;
        let mut held = self.ledger.leg(self.ledger.reservation(slot).leg).position.size();
        let (mut next, mut has_come) = (book.front(walk.side, walk.key), false);
        while let Some(met) = next {
            let at = self.orders.get(met);
            has_come |= met == slot;
            if has_come && (at.key != order.key || !hidden) {
                break;
            }
            if at.account == order.account && !self.is_passed_over(met) {
                let is_behind = at.key == order.key && (has_come || !hidden);
                let gone = if is_behind { at.leaves } else { self.orders.leaves(met) };
                held -= held.min(gone);
            }
            next = book.behind(&self.orders, met, walk.side, walk.key);
        }
        held
    }
}
