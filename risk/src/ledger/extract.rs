//! One account, with its isolated positions, taken out of a ledger: anything may be assumed of it.
//!
//! Invariant: an extract is a [`Ledger`] whose figures for the accounts taken out are those of the ledger they were taken
//! from, found by the same code; what is done to it is done to nothing else. The first account is [`SUBJECT`] there, the
//! others have the numbers after it, and whoever takes the other side of their fills is [`REST`]; instruments, assets and
//! sums of open interest keep their numbers. An extract is asked, never kept and never verified: other accounts are
//! missing from it. Source: `MARGIN.md` 15.

use alloc::vec::Vec;

use super::Ledger;
use crate::account::{Account, Leg, LegId};
use crate::admission::Candidate;
use crate::holdings::{DebtorPlace, HoldingId};
use crate::instrument::{Instrument, InstrumentSpec};
use crate::ledger::Capacity;
use crate::limits::{FIRST_USER_ACCOUNT, PPB};
use crate::prices::Prices;
use crate::reservation::{OrderSlot, Weight};
use crate::rounding::{div_floor, wide_mul};
use crate::units::{AccountId, AssetId, InstrumentId, Mark, Money, Position, Price, Qty, Rate, Side};

/// The other side of everything that is traded in an extract.
pub const REST: AccountId = AccountId::new(FIRST_USER_ACCOUNT);
/// The first account that was taken out; the others follow.
pub const SUBJECT: AccountId = AccountId::new(FIRST_USER_ACCOUNT + 1);

/// Prices that are gone back to. What follows from open interest and from balances is found with each price, from what they
/// are then, so it is kept beside.
#[derive(Clone, Debug)]
pub struct Kept {
    instruments: Vec<(InstrumentId, Prices, Rate)>,
    concentrations: Vec<Rate>,
}

impl Instrument {
    /// The instrument without what only its definition needs, and of its payments of funding only those since `epoch`.
    fn slim(&self, epoch: u32) -> Self {
        let last = self.funding[self.funding.len() - 1];
        let spec = InstrumentSpec { initial_tiers: Vec::new(), maintenance_tiers: Vec::new(), ..self.spec };
        let funding = Vec::from([self.funding[epoch as usize], last]);
        self.with_spec_and_funding(spec, funding)
    }
}

impl Ledger {
    /// Takes open accounts out. O(instruments + legs and orders of the accounts).
    #[must_use]
    pub fn extract(&self, accounts: &[AccountId]) -> Self {
        let used = self.legs.len() - self.free_legs.len();
        let own: u32 = accounts.iter().map(|account| self.accounts[account.index()].legs).sum();
        // As many legs may be opened as where they come from.
        let left = (self.leg_capacity as usize).saturating_sub(used);
        let legs = u32::try_from(left).unwrap_or(u32::MAX).saturating_add(own);
        let mut copy = Self::bare(legs);
        copy.instruments = self.instruments.iter().map(|terms| terms.slim(terms.funding_epoch)).collect();
        copy.revisions.clone_from(&self.revisions);
        copy.sums.clone_from(&self.sums);
        copy.assets.clone_from(&self.assets);
        (copy.base, copy.base_debt) = (self.base, self.base_debt);
        copy.fee_tiers.clone_from(&self.fee_tiers);
        copy.open_account(REST);
        for (&account, to) in accounts.iter().zip(SUBJECT.get()..) {
            self.copy_account(account, AccountId::new(to), &mut copy);
        }
        copy
    }

    /// Copies an account with its balances, legs and orders.
    fn copy_account(&self, account: AccountId, to: AccountId, copy: &mut Self) {
        copy.open_account(to);
        let known = self.accounts[account.index()];
        // All it is, but for where its legs and balances are kept.
        copy.accounts[to.index()] = Account {
            balance: Money::ZERO,
            first_leg: LegId::NONE,
            legs: 0,
            first_holding: HoldingId::NONE,
            debtor: DebtorPlace::NONE,
            ..known
        };
        for holding in self.holdings_of(account) {
            copy.holding_for(to, holding.asset);
            copy.place_cash(to, holding.asset, holding.balance);
        }
        copy.place_cash(to, AssetId::BASE, known.balance);
        for (leg_id, leg) in self.legs_of(account) {
            self.copy_leg(leg_id, leg, to, copy);
        }
    }

    /// An empty ledger without room kept for what an extract never has.
    fn bare(leg_capacity: u32) -> Self {
        let mut bare = Self::new(Capacity { accounts: 0, legs: 0, orders: 0 });
        bare.leg_capacity = leg_capacity;
        bare
    }

    /// Puts a balance where it is: no money moves.
    fn place_cash(&mut self, account: AccountId, asset: AssetId, balance: Money) {
        self.post_cash(account, asset, balance);
        // The sums are those of the whole ledger, which already know of it.
        if asset == AssetId::BASE {
            self.base.balances -= balance.get();
        } else {
            self.cash_mut(asset).balances -= balance.get();
        }
    }

    /// Copies a leg with its orders, in their order. Of an account and its isolated positions one at most has a position in
    /// an instrument, so that the payments since it last paid are all that is asked for.
    fn copy_leg(&self, leg_id: LegId, leg: &Leg, to: AccountId, copy: &mut Self) {
        let instrument = leg.instrument;
        let is_open = leg.position != Position::ZERO;
        if is_open {
            copy.instruments[instrument.index()] = self.instrument(instrument).slim(leg.funding_epoch);
        }
        let copied = copy.leg_for(to, instrument);
        let orders: Vec<_> = self.orders_of(leg_id).map(|(_, reservation)| *reservation).collect();
        for order in orders.iter().rev() {
            let slot = copy.next_slot();
            copy.reserve(slot, copied, order.side, order.price, order.qty, order.weight);
        }
        let now = copy.instrument(instrument).funding_epoch;
        let copied = copy.leg_mut(copied);
        (copied.position, copied.cost, copied.leverage) = (leg.position, leg.cost, leg.leverage);
        (copied.buy_top, copied.sell_bottom) = (leg.buy_top, leg.sell_bottom);
        copied.funding_epoch = if is_open { 0 } else { now };
    }

    fn next_slot(&self) -> OrderSlot {
        OrderSlot::new(u32::try_from(self.reservations.len()).expect("bounded by the orders of one account"))
    }

    /// Assumes that an admitted order rests in full.
    pub fn suppose_order(&mut self, order: &Candidate) {
        let leg = self.leg_for(order.account, order.instrument);
        let slot = self.next_slot();
        self.reserve(slot, leg, order.side, order.price, order.qty, Weight::of(order.reduce_only));
        self.begin_resting(slot);
    }

    /// Assumes that an account trades as a taker. It has room for the leg.
    pub fn suppose_fill(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        (side, price, qty): (Side, Price, Qty),
    ) {
        // The other side needs a leg that nobody counts.
        if self.find_leg(REST, instrument).is_none() {
            self.leg_capacity = self.leg_capacity.saturating_add(1);
        }
        let (leg, rest) = (self.leg_for(account, instrument), self.leg_for(REST, instrument));
        self.settle_funding(leg);
        self.settle_trade(leg, rest, side, price, qty);
        self.touched = None;
        if self.leg(leg).is_empty() {
            self.drop_leg(leg);
        }
    }

    /// Assumes other prices of an instrument.
    pub fn suppose_prices(&mut self, instrument: InstrumentId, prices: Prices) {
        self.set_prices(instrument, prices);
    }

    /// An instrument's prices, where it has any.
    #[must_use]
    pub fn prices_of(&self, instrument: InstrumentId) -> Option<Prices> {
        let terms = self.instrument(instrument);
        let (index, mark) = (terms.index?, terms.mark?);
        Some(Prices { index, mark, stable: terms.stable })
    }

    /// All prices and what was last found of them, to go back to.
    #[must_use]
    pub fn keep_prices(&self) -> Kept {
        let numbers = (0..self.instruments()).map(InstrumentId::new);
        let priced =
            numbers.filter_map(|at| Some((at, self.prices_of(at)?, self.instrument(at).adaptive_rate)));
        Kept {
            instruments: priced.collect(),
            concentrations: self.assets.iter().map(|asset| asset.concentration).collect(),
        }
    }

    /// Goes back to what was kept.
    pub fn restore_prices(&mut self, kept: &Kept) {
        for &(instrument, prices, adaptive_rate) in &kept.instruments {
            self.set_prices(instrument, prices);
            self.instruments[instrument.index()].adaptive_rate = adaptive_rate;
            self.revise(instrument);
        }
        for (asset, concentration) in self.assets.iter_mut().zip(&kept.concentrations) {
            asset.concentration = *concentration;
        }
    }

    /// The highest mark there can be: twice the highest order price.
    #[must_use]
    pub fn highest_mark(&self, instrument: InstrumentId) -> Mark {
        Mark::new(2 * self.instrument(instrument).spec.price_max.to_mark().get())
    }
}

impl Prices {
    /// All of them moved by a rate in billionths, each rounded down; never below the smallest mark nor above `highest`.
    #[must_use]
    pub fn moved_by(&self, rate: i64, highest: Mark) -> Self {
        let moved = |mark: Mark| {
            let moved = div_floor(wide_mul(mark.get(), PPB.saturating_add(rate).max(0)), i128::from(PPB));
            Mark::new(i64::try_from(moved).unwrap_or(i64::MAX).clamp(1, highest.get()))
        };
        Self { index: moved(self.index), mark: moved(self.mark), stable: self.stable.map(moved) }
    }
}
