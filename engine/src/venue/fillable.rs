//! What an order would find: the makers it would touch, in order, as far as that can be told beforehand.
//!
//! Invariant: reading only, at most as many makers as one command touches. What it counts is met by the matcher but for
//! what these very fills bring about: an account that falls below maintenance, a protection group that trips, and a
//! reduce-only iceberg whose hidden part comes after other orders of its account.

use core::ops::ControlFlow;

use super::{Market, Venue};
use crate::command::SelfTrade;
use crate::limits::FOK_MAKERS_MAX;
use risk::{AccountId, InstrumentId, LegId, Money, OrderSlot, OwnerGroupId, Qty, Side};

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

/// What the positions of the makers' accounts still hold as a walk goes on. Most walks meet nothing that only reduces
/// and keep none.
#[derive(Debug)]
struct Held {
    legs: [(LegId, Qty); FOK_MAKERS_MAX],
    count: usize,
}

impl Held {
    const NOTHING: Self = Self { legs: [(LegId::new(0), Qty::ZERO); FOK_MAKERS_MAX], count: 0 };

    /// Takes what a maker shows or hides off the position behind it, which was `size` at first; what it held until then.
    fn take(&mut self, leg: LegId, size: Qty, qty: Qty) -> Qty {
        let known = self.legs[..self.count].iter().position(|(other, _)| *other == leg);
        let place = known.unwrap_or_else(|| {
            self.legs[self.count] = (leg, size);
            self.count += 1;
            self.count - 1
        });
        let left = &mut self.legs[place].1;
        let before = *left;
        *left -= before.min(qty);
        before
    }
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
        let (mut level, mut held) = (None, None);
        let ends = |first: Option<OrderSlot>, next: Option<OrderSlot>| {
            let key = |slot: OrderSlot| self.orders.get(slot).key;
            first.is_some() && first.map(key) != next.map(key)
        };
        for _ in 0..FOK_MAKERS_MAX {
            if ends(level, next) {
                if self.walk_hidden(walk, level, &mut held, &mut show).is_break() {
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
                let found = self.found(slot, walk, false, &mut held);
                if found > Qty::ZERO && show(self.orders.get(slot).key, found).is_break() {
                    return;
                }
            }
            next = book.behind(&self.orders, slot, walk.side, walk.key);
        }
        // Where the makers were too many, more of this level may be shown.
        if ends(level, next) {
            let _ended: ControlFlow<()> = self.walk_hidden(walk, level, &mut held, &mut show);
        }
    }

    /// Shows what is hidden at the price of the first order of a level.
    fn walk_hidden(
        &self,
        walk: &Walk,
        first: Option<OrderSlot>,
        held: &mut Option<Held>,
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
                let found = self.found(slot, walk, true, held);
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
    fn found(&self, slot: OrderSlot, walk: &Walk, hidden: bool, held: &mut Option<Held>) -> Qty {
        let order = self.orders.get(slot);
        let wanted = if hidden { self.orders.leaves(slot) - order.leaves } else { order.leaves };
        if wanted == Qty::ZERO || (held.is_none() && !order.reduce_only()) {
            return wanted;
        }
        let held = held.get_or_insert_with(|| self.held_before(slot, walk, hidden));
        let left = self.take_held(held, slot, wanted);
        if order.reduce_only() { wanted.min(left) } else { wanted }
    }

    fn take_held(&self, held: &mut Held, slot: OrderSlot, qty: Qty) -> Qty {
        let leg = self.ledger.reservation(slot).leg;
        held.take(leg, self.ledger.leg(leg).position.size(), qty)
    }

    /// What positions still hold when the walk comes to the first maker that only reduces, or to what it hides.
    #[cold]
    fn held_before(&self, slot: OrderSlot, walk: &Walk, hidden: bool) -> Held {
        let key = self.orders.get(slot).key;
        let book = &self.markets[walk.instrument.index()].book;
        let (mut next, mut has_come) = (book.front(walk.side, walk.key), false);
        let mut held = Held::NOTHING;
        while let Some(met) = next {
            let at = self.orders.get(met);
            has_come |= met == slot;
            if has_come && (at.key != key || !hidden) {
                break;
            }
            if !self.is_own(met, walk) && !self.is_passed_over(met) {
                let is_behind = at.key == key && (has_come || !hidden);
                let gone = if is_behind { at.leaves } else { self.orders.leaves(met) };
                self.take_held(&mut held, met, gone);
            }
            next = book.behind(&self.orders, met, walk.side, walk.key);
        }
        held
    }
}
