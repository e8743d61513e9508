//! The pre-trade check: does equity cover the initial margin of everything, this order filled in the worst way?
//!
//! Invariant: an admitted order can fill at any time, in any part, at its limit or better, without taking equity below
//! the initial margin of what it leaves, at the marks it was admitted at. Source: `MARGIN.md` 4.

use crate::account::{Leg, LegId};
use crate::assessment::OpenOrders;
use crate::ledger::Ledger;
use crate::limits::LEGS_PER_ACCOUNT_MAX;
use crate::reservation::OrderSlot;
use crate::units::{AccountId, InstrumentId, Leverage, Money, Price, Qty, Requirement, Side};

/// An order as risk sees it before it exists.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Who.
    pub account: AccountId,
    /// Where.
    pub instrument: InstrumentId,
    /// The account's leg there, if it has one.
    pub leg: Option<LegId>,
    /// Side.
    pub side: Side,
    /// Worst price it may trade at.
    pub price: Price,
    /// Quantity.
    pub qty: Qty,
    /// Reserves no fee and no margin of its own; only closes.
    pub reduce_only: bool,
    /// The resting order it takes the place of.
    pub replaces: Option<OrderSlot>,
}

/// Initial margin that is missing, rounded up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MarginShort(pub Money);

const _: () = assert!(LEGS_PER_ACCOUNT_MAX <= 64, "admission is linear in the legs");

impl Ledger {
    /// The largest position the account could reach in the instrument if every open order and the candidate filled on
    /// one side.
    #[must_use]
    pub fn worst_position(&self, candidate: &Candidate) -> Qty {
        let leg = self.leg_or_empty(candidate);
        self.orders_with(candidate, &leg).worst_position(leg.position)
    }

    /// [`Self::worst_position`] without the candidate, and with the order it would replace.
    #[must_use]
    pub fn worst_position_now(&self, candidate: &Candidate) -> Qty {
        let unchanged = Candidate { qty: Qty::ZERO, replaces: None, ..*candidate };
        self.worst_position(&unchanged)
    }

    /// Admits a candidate, or says how much initial margin is missing.
    ///
    /// Admitted when equity covers the requirement after it; or when it does not raise its instrument's requirement
    /// and equity is not negative, so that an account short of margin can always reduce.
    ///
    /// # Errors
    /// [`MarginShort`].
    pub fn admit(&mut self, candidate: &Candidate) -> Result<(), MarginShort> {
        let leg = self.leg_or_empty(candidate);
        let mark = self.mark_of(candidate.instrument);
        let (before, distance) = match candidate.leg {
            None => (Requirement::ZERO, 0),
            Some(leg_id) => {
                let remembered = leg.valuation;
                let valuation =
                    if remembered.mark == mark { remembered } else { self.value_leg(leg_id, mark) };
                (valuation.requirement, self.open_loss_distance(leg_id, mark))
            }
        };
        let mut orders = self.orders_with(candidate, &leg);
        orders.fees_reserved += leg.fees_reserved;
        orders.distance += distance;
        let after = self.requirement_with(&leg, mark, &orders);
        self.cover(candidate.account, before, after)
    }

    /// Admits a leverage setting.
    ///
    /// # Errors
    /// [`MarginShort`].
    pub fn admit_leverage(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        leverage: Leverage,
    ) -> Result<(), MarginShort> {
        let Some(leg_id) = self.find_leg(account, instrument) else { return Ok(()) };
        let leg = *self.leg(leg_id);
        let mark = self.mark_of(instrument);
        let before = self.leg_requirement(leg_id, &leg, mark);
        let changed = Leg { user_rate: leverage.initial_rate(), ..leg };
        self.cover(account, before, self.leg_requirement(leg_id, &changed, mark))
    }

    /// Whether equity covers the account's requirement once one leg's goes from `before` to `after`.
    fn cover(
        &mut self,
        account: AccountId,
        before: Requirement,
        after: Requirement,
    ) -> Result<(), MarginShort> {
        let (equity, initial) = self.equity_and_initial(account);
        let required = initial - before + after;
        let reduces = after <= before && equity >= Money::ZERO;
        let equity = Requirement::of_money(equity);
        if equity >= required || reduces { Ok(()) } else { Err(MarginShort((required - equity).ceil())) }
    }

    fn leg_or_empty(&self, candidate: &Candidate) -> Leg {
        match candidate.leg {
            Some(leg_id) => *self.leg(leg_id),
            None => Leg::new(candidate.account, candidate.instrument, LegId::NONE),
        }
    }

    /// The leg's order quantities with the candidate in and the replaced order out; fees and distance as changes.
    fn orders_with(&self, candidate: &Candidate, leg: &Leg) -> OpenOrders {
        let mark = self.mark_of(candidate.instrument);
        let Leg { buy_qty, sell_qty, reduce_only_qty, .. } = *leg;
        let mut orders =
            OpenOrders { buy_qty, sell_qty, reduce_only_qty, fees_reserved: Requirement::ZERO, distance: 0 };
        if let Some(slot) = candidate.replaces {
            let old = self.reservation(slot);
            if old.reduce_only {
                orders.reduce_only_qty -= old.qty;
            } else {
                match old.side {
                    Side::Buy => orders.buy_qty -= old.qty,
                    Side::Sell => orders.sell_qty -= old.qty,
                }
                orders.fees_reserved -= self.fees_of(candidate.instrument, old.price, old.qty);
                orders.distance -=
                    self.distance_of(candidate.instrument, mark, (old.side, old.price, old.qty));
            }
        }
        if candidate.reduce_only {
            orders.reduce_only_qty += candidate.qty;
        } else {
            let Candidate { instrument, side, price, qty, .. } = *candidate;
            match side {
                Side::Buy => orders.buy_qty += qty,
                Side::Sell => orders.sell_qty += qty,
            }
            orders.fees_reserved += self.fees_of(instrument, price, qty);
            orders.distance += self.distance_of(instrument, mark, (side, price, qty));
        }
        orders
    }
}
