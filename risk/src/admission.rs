//! The pre-trade check: does equity cover the initial margin of everything, this order filled in the worst way?
//!
//! Invariant: an admitted order can fill at any time, in any part, at its limit or better, without taking equity below
//! the initial margin of what it leaves, at the marks it was admitted at. Source: `MARGIN.md` 4.

use crate::account::{Leg, LegId};
use crate::assessment::OpenOrders;
use crate::ledger::Ledger;
use crate::limits::LEGS_PER_ACCOUNT_MAX;
use crate::reservation::{OrderSlot, Weight};
use crate::units::{AccountId, InstrumentId, Leverage, Mark, Money, Position, Price, Qty, Requirement, Side};

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

/// A leg as it is and as it would be with a candidate's order.
#[derive(Clone, Copy, Debug)]
pub struct Prospect {
    account: AccountId,
    instrument: InstrumentId,
    leg: Option<LegId>,
    position: Position,
    leverage: Leverage,
    mark: Mark,
    now: OpenOrders,
    then: OpenOrders,
}

impl Prospect {
    /// The account's position as it is.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// The largest position the account could reach in the instrument if all its open orders filled on one side.
    #[must_use]
    pub fn worst_now(&self) -> Qty {
        self.now.worst_position(self.position)
    }

    /// [`Self::worst_now`] with the candidate in.
    #[must_use]
    pub fn worst_then(&self) -> Qty {
        self.then.worst_position(self.position)
    }
}

impl Ledger {
    /// What a candidate would make of its leg.
    #[inline]
    #[must_use]
    pub fn prospect(&self, candidate: &Candidate) -> Prospect {
        let mark = self.mark_of(candidate.instrument);
        let (position, leverage, now) = match candidate.leg {
            None => (Position::ZERO, Leverage::default(), OpenOrders::NONE),
            Some(leg_id) => {
                let leg = self.leg(leg_id);
                (leg.position, leg.leverage, self.open_orders(leg_id, leg, mark))
            }
        };
        let then = self.orders_with(candidate, mark, now);
        let Candidate { account, instrument, leg, .. } = *candidate;
        Prospect { account, instrument, leg, position, leverage, mark, now, then }
    }

    /// What several candidates of one account, of which `one` is one, would together make of the leg of `one`.
    #[cold]
    #[must_use]
    pub fn prospect_together(&self, one: &Candidate, all: &[Candidate]) -> Prospect {
        let mut prospect = self.prospect(one);
        prospect.then = prospect.now;
        for candidate in all.iter().filter(|candidate| candidate.instrument == one.instrument) {
            prospect.then = self.orders_with(candidate, prospect.mark, prospect.then);
        }
        prospect
    }

    /// Admits those of several candidates that are of one account together, or says how much initial margin is missing:
    /// what they change in all instruments is compared once. Source: `MARGIN.md` 4.
    ///
    /// # Errors
    /// [`MarginShort`].
    #[cold]
    pub fn admit_all(&mut self, account: AccountId, candidates: &[Candidate]) -> Result<(), MarginShort> {
        let (before, after) = self.requirements_of(account, candidates);
        self.cover(account, before, after)
    }

    /// The most an account may give away once its candidates stand. What they would free is not free yet.
    #[cold]
    #[must_use]
    pub fn withdrawable_with(&mut self, account: AccountId, candidates: &[Candidate]) -> Money {
        let (before, after) = self.requirements_of(account, candidates);
        let mut then = self.assess(account);
        then.initial += (after - before).max(Requirement::ZERO);
        then.withdrawable(self.accounts[account.index()].balance)
    }

    /// What the legs that an account's candidates are in require as they are, and with the candidates.
    fn requirements_of(
        &mut self,
        account: AccountId,
        candidates: &[Candidate],
    ) -> (Requirement, Requirement) {
        let (mut before, mut after) = (Requirement::ZERO, Requirement::ZERO);
        for (place, one) in candidates.iter().enumerate() {
            if one.account != account {
                continue;
            }
            let has_come = |earlier: &Candidate| earlier.instrument == one.instrument;
            if candidates[..place].iter().any(has_come) {
                continue;
            }
            let Prospect { instrument, position, leverage, mark, then, leg, .. } =
                self.prospect_together(one, candidates);
            if let Some(leg_id) = leg {
                before += self.valuation_of(leg_id, mark).requirement;
            }
            after += self.requirement_with(instrument, position, leverage, mark, &then);
        }
        (before, after)
    }

    /// Admits a candidate, or says how much initial margin is missing.
    ///
    /// Admitted when equity covers the requirement after it; or when it does not raise its instrument's requirement
    /// and equity is not negative, so that an account short of margin can always reduce.
    ///
    /// # Errors
    /// [`MarginShort`].
    pub fn admit(&mut self, prospect: &Prospect) -> Result<(), MarginShort> {
        let Prospect { instrument, position, leverage, mark, .. } = *prospect;
        let before = match prospect.leg {
            None => Requirement::ZERO,
            Some(leg_id) => self.valuation_of(leg_id, mark).requirement,
        };
        let after = self.requirement_with(instrument, position, leverage, mark, &prospect.then);
        self.cover(prospect.account, before, after)
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
        let changed = Leg { leverage, ..leg };
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

    /// `orders` with the candidate in and the order it replaces out.
    #[inline]
    fn orders_with(&self, candidate: &Candidate, mark: Mark, mut orders: OpenOrders) -> OpenOrders {
        let Candidate { instrument, side, price, qty, .. } = *candidate;
        if let Some(slot) = candidate.replaces {
            let old = self.reservation(slot);
            match old.weight {
                Weight::None => {}
                Weight::ReduceOnly => orders.reduce_only_qty -= old.qty,
                Weight::Full => {
                    match old.side {
                        Side::Buy => orders.buy_qty -= old.qty,
                        Side::Sell => orders.sell_qty -= old.qty,
                    }
                    orders.fees_reserved -= self.fees_of(instrument, old.price, old.qty);
                    orders.distance -= self.distance_of(instrument, mark, (old.side, old.price, old.qty));
                }
            }
        }
        if candidate.reduce_only {
            orders.reduce_only_qty += qty;
            return orders;
        }
        match side {
            Side::Buy => orders.buy_qty += qty,
            Side::Sell => orders.sell_qty += qty,
        }
        orders.fees_reserved += self.fees_of(instrument, price, qty);
        orders.distance += self.distance_of(instrument, mark, (side, price, qty));
        orders
    }
}
