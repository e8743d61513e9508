//! The pre-trade check: does equity cover the initial margin of everything, this order filled in the worst way?
//!
//! Invariant: an admitted order can fill at any time, in any part, at its limit or better, without taking equity below
//! the initial margin of what it leaves, at the marks it was admitted at. Source: `MARGIN.md` 4.

use crate::account::{Leg, LegId, Remembered, Revision};
use crate::assessment::OpenOrders;
use crate::collateral::Change;
use crate::ledger::Ledger;
use crate::limits::LEGS_PER_ACCOUNT_MAX;
use crate::reservation::{OrderSlot, Weight};
use crate::units::{
    AccountId, AssetId, InstrumentId, Leverage, Mark, Money, Position, Price, Qty, Requirement, Side,
};

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
    /// Of `then`.
    worst: Qty,
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
    pub const fn worst_then(&self) -> Qty {
        self.worst
    }

    /// Whether the orders of a side, the candidate's among them, could do more than close the position.
    #[must_use]
    pub fn opens(&self, side: Side) -> bool {
        let whole = match side {
            Side::Buy => self.then.buy_qty,
            Side::Sell => self.then.sell_qty,
        };
        Side::closing(self.position) != Some(side) || whole + self.then.reduce_only_qty > self.position.size()
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
        let worst = then.worst_position(position);
        let Candidate { account, instrument, leg, .. } = *candidate;
        Prospect { account, instrument, leg, position, leverage, mark, now, then, worst }
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
        prospect.worst = prospect.then.worst_position(prospect.position);
        prospect
    }

    /// Admits those of several candidates that are of one account together, or says how much initial margin is missing:
    /// what they change in all instruments is compared once. Source: `MARGIN.md` 4.
    ///
    /// # Errors
    /// [`MarginShort`].
    #[cold]
    pub fn admit_all(&mut self, account: AccountId, candidates: &[Candidate]) -> Result<(), MarginShort> {
        let change = self.change_by(account, candidates);
        if change.opens_an_asset() || self.accounts[account.index()].has_holdings() {
            return self.cover_in_assets(account, &change);
        }
        self.cover_in_base(account, change.initial[0])
    }

    /// The most of the unit of account that an account may give away once its candidates stand. What they would free is
    /// not free yet.
    #[cold]
    #[must_use]
    pub fn withdrawable_with(&mut self, account: AccountId, candidates: &[Candidate]) -> Money {
        let mut change = self.change_by(account, candidates);
        for initial in &mut change.initial {
            *initial = (*initial).max(Requirement::ZERO);
        }
        let free = self.assess_with(account, &change).free_to_withdraw();
        free.min(self.balance(account, AssetId::BASE)).max(Money::ZERO)
    }

    /// By how much an account's candidates change the initial margin of its legs, by settlement asset.
    fn change_by(&mut self, account: AccountId, candidates: &[Candidate]) -> Change {
        let mut change = Change::NONE;
        for (place, one) in candidates.iter().enumerate() {
            if one.account != account {
                continue;
            }
            let has_come = |earlier: &Candidate| earlier.instrument == one.instrument;
            if candidates[..place].iter().any(has_come) {
                continue;
            }
            let prospect = self.prospect_together(one, candidates);
            let (before, after) = self.requirements(&prospect);
            change.initial[self.instrument(one.instrument).settlement().index()] += after - before;
        }
        change
    }

    /// Admits a candidate, or says how much initial margin is missing.
    ///
    /// Admitted when equity covers the requirement after it; or when it does not raise its instrument's requirement
    /// and equity is not negative, so that an account short of margin can always reduce.
    ///
    /// # Errors
    /// [`MarginShort`].
    pub fn admit(&mut self, prospect: &Prospect) -> Result<(), MarginShort> {
        let (before, after) = self.requirements(prospect);
        let verdict = self.cover_one(prospect.account, prospect.instrument, before, after);
        if let Some(leg_id) = prospect.leg {
            match verdict {
                Ok(()) => self.foresee(leg_id, prospect, after),
                // Its parent's money may yet bring the order about, and nothing foresaw that.
                Err(_) => self.legs[leg_id.index()].valued_at = Remembered(Revision::default()),
            }
        }
        verdict
    }

    /// Notes what a leg will require once the admitted order is reserved, for [`Self::stands_as_admitted`]. Not where an
    /// order is through the mark: the candidate counts there only when it rests.
    #[inline]
    fn foresee(&mut self, leg_id: LegId, prospect: &Prospect, after: Requirement) {
        let leg = &mut self.legs[leg_id.index()];
        let known =
            if prospect.then.distance == 0 { leg.valued_at.0.but_for_orders() } else { Revision::default() };
        leg.valued_at = Remembered(known);
        leg.requirement = Remembered(after);
    }

    /// What the leg of a prospect requires, as it is and as it would be.
    #[inline]
    fn requirements(&mut self, prospect: &Prospect) -> (Requirement, Requirement) {
        let before = match prospect.leg {
            None => Requirement::ZERO,
            Some(leg_id) => self.requirement_of(leg_id),
        };
        let Prospect { instrument, worst, leverage, mark, .. } = *prospect;
        let after = self.instrument(instrument).requirement_with(worst, leverage, mark, &prospect.then);
        (before, after)
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
        let after = self.leg_requirement(leg_id, &changed, mark);
        self.cover_one(account, instrument, before, after)
    }

    /// Whether equity covers the account's requirement once one leg's goes from `before` to `after`.
    #[inline]
    fn cover_one(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        before: Requirement,
        after: Requirement,
    ) -> Result<(), MarginShort> {
        let settlement = self.instrument(instrument).settlement();
        if settlement == AssetId::BASE && !self.accounts[account.index()].has_holdings() {
            return self.cover_in_base(account, after - before);
        }
        self.cover_one_in_assets(account, settlement, after - before)
    }

    #[cold]
    fn cover_one_in_assets(
        &self,
        account: AccountId,
        settlement: AssetId,
        change: Requirement,
    ) -> Result<(), MarginShort> {
        let mut all = Change::NONE;
        all.initial[settlement.index()] = change;
        self.cover_in_assets(account, &all)
    }

    /// Whether the equity of an account with one asset covers its requirement once that changes by so much.
    #[inline]
    fn cover_in_base(&mut self, account: AccountId, change: Requirement) -> Result<(), MarginShort> {
        let (equity, initial) = self.equity_and_initial(account);
        let (credit, required) = (Requirement::of_money(equity), initial + change);
        if credit >= required || change <= Requirement::ZERO && self.is_solvent(account, equity) {
            return Ok(());
        }
        Err(MarginShort((required - credit).ceil()))
    }

    /// Whether equity is not negative. What counts for initial margin never counts for more than it.
    #[inline]
    fn is_solvent(&self, account: AccountId, initial_equity: Money) -> bool {
        initial_equity >= Money::ZERO || self.assess(account).equity >= Money::ZERO
    }

    /// As [`Self::cover_in_base`], for an account with several assets.
    fn cover_in_assets(&self, account: AccountId, change: &Change) -> Result<(), MarginShort> {
        let then = self.assess_with(account, change);
        let credit = Requirement::of_money(then.initial_equity);
        let reduces = then.equity >= Money::ZERO && then.initial <= self.assess(account).initial;
        if credit >= then.initial || reduces {
            return Ok(());
        }
        Err(MarginShort((then.initial - credit).ceil()))
    }

    /// `orders` with the candidate in and the order it replaces out.
    #[inline]
    fn orders_with(&self, candidate: &Candidate, mark: Mark, mut orders: OpenOrders) -> OpenOrders {
        let Candidate { side, price, qty, .. } = *candidate;
        let instrument = self.instrument(candidate.instrument);
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
                    orders.fees_reserved -= instrument.fees_of(old.price, old.qty);
                    orders.distance -= instrument.distance_of(mark, (old.side, old.price, old.qty));
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
        orders.fees_reserved += instrument.fees_of(price, qty);
        orders.distance += instrument.distance_of(mark, (side, price, qty));
        orders
    }
}
