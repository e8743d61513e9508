//! Reservations: what risk knows of a resting order, and the walk over an account's own orders.
//!
//! Invariant: a leg's `buy_qty`, `sell_qty`, `reduce_only_qty`, `fees_reserved` and `orders` are the exact sums over
//! its chain of reservations, kept in O(1) per change.

use crate::account::{Leg, LegId, Remembered};
use crate::instrument::Instrument;
use crate::ledger::Ledger;
use crate::units::{AccountId, InstrumentId, Mark, Price, Qty, Requirement, Side};
use crate::{byte_enum, place};

place!(
    /// Place of an order in the order store; the reservation of an order has the same place.
    OrderSlot
);

byte_enum!(
    /// What an order counts for in its leg.
    Weight {
        /// Margin and fees.
        Full = 1,
        /// Nothing but the room it takes from other reduce-only orders: it only closes.
        ReduceOnly = 2,
        /// Nothing: it waits for a trigger or for the order it belongs to.
        None = 3,
    }
);

impl Weight {
    /// Of an order that takes part in trading.
    #[inline]
    #[must_use]
    pub const fn of(reduce_only: bool) -> Self {
        if reduce_only { Self::ReduceOnly } else { Self::Full }
    }
}

/// What risk knows of a resting order: half a cache line, never astride two.
#[derive(Clone, Copy, Debug, bincode::Encode)]
#[repr(align(32))]
pub struct Reservation {
    /// Its leg.
    pub leg: LegId,
    /// Its limit price.
    pub price: Price,
    /// What remains of it.
    pub qty: Qty,
    /// Its side.
    pub side: Side,
    /// What it counts for.
    pub weight: Weight,
    next: OrderSlot,
    prev: OrderSlot,
}

const _: () = assert!(size_of::<Reservation>() == 32);

impl Reservation {
    pub(crate) const NONE: Self = Self {
        leg: LegId::NONE,
        price: Price::new(0),
        qty: Qty::ZERO,
        side: Side::Buy,
        weight: Weight::None,
        next: OrderSlot::NONE,
        prev: OrderSlot::NONE,
    };
}

impl Ledger {
    /// The reservation of an order.
    #[inline]
    #[must_use]
    pub fn reservation(&self, slot: OrderSlot) -> &Reservation {
        &self.reservations[slot.index()]
    }

    /// Books an accepted order. `slot` must be free. What is left of it after matching begins to rest, or is released.
    pub fn reserve(
        &mut self,
        slot: OrderSlot,
        leg_id: LegId,
        side: Side,
        price: Price,
        qty: Qty,
        weight: Weight,
    ) {
        while self.reservations.len() <= slot.index() {
            self.reservations.push(Reservation::NONE);
        }
        let first = self.legs[leg_id.index()].first_order;
        self.reservations[slot.index()] =
            Reservation { leg: leg_id, price, qty, side, weight, next: first, prev: OrderSlot::NONE };
        if let Some(first) = first.some() {
            self.reservations[first.index()].prev = slot;
        }
        // One that sleeps may have no price yet.
        let fees = match weight {
            Weight::Full => self.fees_reserved_for(leg_id, price, qty),
            Weight::ReduceOnly | Weight::None => Requirement::ZERO,
        };
        self.orders += 1;
        let leg = self.leg_orders_mut(leg_id);
        leg.first_order = slot;
        leg.orders += 1;
        match weight {
            Weight::Full => {}
            Weight::ReduceOnly => {
                leg.reduce_only_qty += qty;
                return;
            }
            Weight::None => return,
        }
        leg.fees_reserved += fees;
        match side {
            Side::Buy => leg.buy_qty += qty,
            Side::Sell => leg.sell_qty += qty,
        }
    }

    /// An order with a reservation begins to rest, or to wait for its turn: only now may its price count against the mark.
    /// One that only takes never widens the bounds.
    #[inline]
    pub fn begin_resting(&mut self, slot: OrderSlot) {
        let Reservation { leg, price, side, weight, .. } = self.reservations[slot.index()];
        if weight != Weight::Full {
            return;
        }
        let leg = &mut self.legs[leg.index()];
        match side {
            Side::Buy if price > leg.buy_top => leg.buy_top = price,
            Side::Sell if price < leg.sell_bottom => leg.sell_bottom = price,
            Side::Buy | Side::Sell => return,
        }
        // What the leg was last found to require may have been found while the order did not count. It counts where it is
        // through the mark.
        let mark = self.instruments[leg.instrument.index()].mark.unwrap_or_default();
        let is_through = match side {
            Side::Buy => price.to_mark() > mark,
            Side::Sell => price < mark.ceil_price(),
        };
        if is_through {
            leg.valued_at = Remembered(leg.valued_at.0.but_for_orders());
        }
    }

    /// Remembers what a leg requires: the order that [`Ledger::admit`] admitted last is reserved, and nothing else has
    /// changed the leg since.
    #[inline]
    pub fn stands_as_admitted(&mut self, leg: LegId) {
        let leg = &mut self.legs[leg.index()];
        leg.valued_at = Remembered(leg.valued_at.0.with_orders());
    }

    /// Adds `qty` to an order that counts for nothing yet: an exit grows with its entry's fills.
    pub fn grow_sleeping(&mut self, slot: OrderSlot, qty: Qty) {
        let reservation = &mut self.reservations[slot.index()];
        debug_assert!(reservation.weight == Weight::None, "what counts is admitted first");
        reservation.qty += qty;
    }

    /// Takes `qty` off a reservation: a fill, or a quantity amended down.
    pub fn reduce_reservation(&mut self, slot: OrderSlot, qty: Qty) {
        self.take_off(slot, qty);
    }

    #[expect(
        clippy::inline_always,
        reason = "half of what forgetting an order is, which pays for no call here"
    )]
    #[inline(always)]
    fn take_off(&mut self, slot: OrderSlot, qty: Qty) {
        let reservation = &mut self.reservations[slot.index()];
        reservation.qty -= qty;
        let Reservation { leg: leg_id, price, side, weight, qty: left, .. } = *reservation;
        match weight {
            Weight::Full => {}
            Weight::ReduceOnly => {
                self.leg_orders_mut(leg_id).reduce_only_qty -= qty;
                return;
            }
            Weight::None => return,
        }
        let fees = self.fees_released_by(leg_id, price, qty, left);
        let leg = self.leg_orders_mut(leg_id);
        leg.fees_reserved -= fees;
        match side {
            Side::Buy => leg.buy_qty -= qty,
            Side::Sell => leg.sell_qty -= qty,
        }
    }

    /// Forgets an order: filled, cancelled or moved. The leg stays; see [`Ledger::drop_leg`].
    pub fn release(&mut self, slot: OrderSlot) {
        let rest = self.reservations[slot.index()].qty;
        if rest > Qty::ZERO {
            self.take_off(slot, rest);
        }
        let Reservation { leg: leg_id, next, prev, .. } = self.reservations[slot.index()];
        match prev.some() {
            Some(prev) => self.reservations[prev.index()].next = next,
            None => self.legs[leg_id.index()].first_order = next,
        }
        if let Some(next) = next.some() {
            self.reservations[next.index()].prev = prev;
        }
        self.reservations[slot.index()] = Reservation::NONE;
        self.orders -= 1;
        let leg = &mut self.legs[leg_id.index()];
        leg.orders -= 1;
        if leg.buy_qty == Qty::ZERO {
            leg.buy_top = Price::new(0);
        }
        if leg.sell_qty == Qty::ZERO {
            leg.sell_bottom = Price::new(i64::MAX);
        }
    }

    /// An account's own orders in one leg, newest first.
    pub fn orders_of(&self, leg: LegId) -> impl Iterator<Item = (OrderSlot, &Reservation)> + '_ {
        let mut next = self.legs[leg.index()].first_order;
        core::iter::from_fn(move || {
            let slot = next.some()?;
            let reservation = &self.reservations[slot.index()];
            next = reservation.next;
            Some((slot, reservation))
        })
    }

    /// The first of an account's orders, or of those in one instrument, as [`Self::order_after`] counts them.
    #[must_use]
    pub fn first_order(&self, account: AccountId, instrument: Option<InstrumentId>) -> Option<OrderSlot> {
        let mut legs = self.legs_of(account);
        match instrument {
            None => legs.find_map(|(_, leg)| leg.first_order.some()),
            Some(instrument) => {
                legs.find(|(_, leg)| leg.instrument == instrument).and_then(|(_, leg)| leg.first_order.some())
            }
        }
    }

    /// The account's order after this one: the next older of its leg; then, unless it is only about one instrument, the
    /// newest of the next leg that has any.
    #[must_use]
    pub fn order_after(&self, slot: OrderSlot, instrument: Option<InstrumentId>) -> Option<OrderSlot> {
        let Reservation { leg, next, .. } = self.reservations[slot.index()];
        if next.some().is_some() || instrument.is_some() {
            return next.some();
        }
        self.legs_from(self.legs[leg.index()].next).find_map(|(_, leg)| leg.first_order.some())
    }

    /// Fees an order reserves: `value x taker rate`, exact.
    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    fn fees_reserved_for(&self, leg: LegId, price: Price, qty: Qty) -> Requirement {
        self.instrument(self.legs[leg.index()].instrument).fees_of(price, qty)
    }

    /// Fees an order reserves no longer that is smaller by `qty` and has `left`. Where values are rounded, parts of an
    /// order are not worth what the whole is.
    #[expect(
        clippy::inline_always,
        reason = "half of what forgetting an order is, which pays for no call here"
    )]
    #[inline(always)]
    fn fees_released_by(&self, leg: LegId, price: Price, qty: Qty, left: Qty) -> Requirement {
        if self.instrument(self.legs[leg.index()].instrument).is_exact() {
            return self.fees_reserved_for(leg, price, qty);
        }
        self.rounded_fees_released_by(leg, price, qty, left)
    }

    #[inline(never)]
    fn rounded_fees_released_by(&self, leg: LegId, price: Price, qty: Qty, left: Qty) -> Requirement {
        self.fees_reserved_for(leg, price, left + qty) - self.fees_reserved_for(leg, price, left)
    }

    /// Loss at once if every resting order through the mark filled: `sum (p - m)+ over buys, (m - p)+ over sells`,
    /// rounded up once per leg. Source: `MARGIN.md` 4.
    ///
    /// O(1) while no own order can be through the mark, else a walk over the leg's orders.
    #[inline]
    pub(crate) fn open_loss_distance(&self, leg_id: LegId, mark: Mark) -> i128 {
        let leg = &self.legs[leg_id.index()];
        if leg.buy_top.to_mark() <= mark && leg.sell_bottom >= mark.ceil_price() {
            return 0;
        }
        self.walk_open_loss(leg_id, leg, mark)
    }

    #[cold]
    fn walk_open_loss(&self, leg_id: LegId, leg: &Leg, mark: Mark) -> i128 {
        let instrument = self.instrument(leg.instrument);
        let through = self.orders_of(leg_id).filter(|(_, reservation)| reservation.weight == Weight::Full);
        through
            .map(|(_, &Reservation { side, price, qty, .. })| {
                instrument.distance_of(mark, (side, price, qty))
            })
            .sum()
    }

    /// Makes the bounds of [`Leg::buy_top`] and [`Leg::sell_bottom`] exact again, when they are what forces a walk.
    pub(crate) fn tighten(&mut self, leg_id: LegId, mark: Mark) {
        let leg = &self.legs[leg_id.index()];
        if leg.buy_top.to_mark() <= mark && leg.sell_bottom >= mark.ceil_price() {
            return;
        }
        let (mut top, mut bottom) = (Price::new(0), Price::new(i64::MAX));
        for (_, reservation) in
            self.orders_of(leg_id).filter(|(_, reservation)| reservation.weight == Weight::Full)
        {
            match reservation.side {
                Side::Buy => top = top.max(reservation.price),
                Side::Sell => bottom = bottom.min(reservation.price),
            }
        }
        let leg = &mut self.legs[leg_id.index()];
        (leg.buy_top, leg.sell_bottom) = (top, bottom);
    }
}

impl Instrument {
    /// What an order of these terms would add to [`Ledger::open_loss_distance`].
    #[inline]
    pub(crate) fn distance_of(&self, mark: Mark, (side, price, qty): (Side, Price, Qty)) -> i128 {
        let (price, mark) = (price.to_mark().get(), mark.get());
        let (above, below) = match side {
            Side::Buy => (price, mark),
            Side::Sell => (mark, price),
        };
        if above > below { self.scale().distance(qty, above, below) } else { 0 }
    }

    /// Fees an order of these terms reserves.
    #[expect(clippy::inline_always, reason = "a plain order pays for no call here, whoever else calls it")]
    #[inline(always)]
    pub(crate) fn fees_of(&self, price: Price, qty: Qty) -> Requirement {
        self.spec.taker_fee.of(self.size_of_value(qty, price))
    }
}
