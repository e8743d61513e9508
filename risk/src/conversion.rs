//! Debts: paying one asset's debt out of another, and interest.
//!
//! Invariant: a conversion moves two amounts between an account and the conversion account, so every asset's sum stays;
//! what is given is rounded up. Source: `MARGIN.md` 10.

use crate::asset::{Asset, DebtTerms};
use crate::haircut::gross_up;
use crate::ledger::Ledger;
use crate::limits::PPB;
use crate::rounding::div_ceil;
use crate::units::{AccountId, AssetId, Mark, Money, Rate};

/// Nanoseconds of a year of 365 days.
const YEAR_NS: i128 = 365 * 24 * 3_600 * 1_000_000_000;

/// One asset given for another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct Conversion {
    /// Given.
    pub sold: AssetId,
    /// How much of it.
    pub given: Money,
    /// Received.
    pub bought: AssetId,
    /// How much of it.
    pub received: Money,
}

/// Interest on a debt (not negative) for so long at a yearly rate, rounded up.
#[must_use]
pub fn interest_on(debt: Money, rate: Rate, elapsed_ns: u64) -> Money {
    // A debt times a rate, then times years in billionths: each rounded up, so that nothing leaves the range.
    let a_year = rate.of_ceil(debt);
    let share = div_ceil(i128::from(elapsed_ns) * i128::from(PPB), YEAR_NS);
    Money::from_wide(div_ceil(i128::from(a_year.get()) * share, i128::from(PPB)))
}

impl Ledger {
    /// Terms of debts in an asset.
    #[must_use]
    pub fn debt_terms(&self, asset: AssetId) -> DebtTerms {
        self.find_asset(asset).map_or(self.base_debt, |asset| asset.spec.debt)
    }

    /// Sets the terms of debts in an asset that exists.
    pub fn set_debt_terms(&mut self, asset: AssetId, terms: DebtTerms) {
        match asset.index().checked_sub(1) {
            None => self.base_debt = terms,
            Some(place) => self.assets[place].spec.debt = terms,
        }
    }

    /// The first asset in which an account owes more than it may, by number.
    #[must_use]
    pub fn excessive_debt(&self, account: AccountId) -> Option<AssetId> {
        (0..self.asset_numbers()).map(AssetId::new).find(|asset| self.is_debt_excessive(account, *asset))
    }

    /// Whether an account owes more in an asset than it may.
    #[must_use]
    pub fn is_debt_excessive(&self, account: AccountId, asset: AssetId) -> bool {
        -self.balance(account, asset) > self.debt_terms(asset).max
    }

    /// The next conversion that pays a debt of an account in `owed`: out of what it has most readily to spend, all of the
    /// debt or as much as that pays for. `None` where it owes nothing, or has nothing to give.
    #[must_use]
    pub fn next_conversion(&self, account: AccountId, owed: AssetId) -> Option<Conversion> {
        if self.balance(account, owed) >= Money::ZERO {
            return None;
        }
        let mut after = None;
        while let Some(sold) = self.next_to_spend(account, after) {
            if let Some(conversion) = self.conversion(account, sold, owed) {
                return Some(conversion);
            }
            // What is too little to pay for anything stays, and what comes after it is asked.
            after = Some(self.spending_place(sold));
        }
        None
    }

    /// What an account gives of one asset for its debt in another; `None` where all it has pays for nothing.
    fn conversion(&self, account: AccountId, sold: AssetId, owed: AssetId) -> Option<Conversion> {
        let debt = -self.balance(account, owed);
        let have = self.balance(account, sold);
        let value = self.worth_in_base(owed, debt);
        let needed = self.amount_for(sold, self.before_haircut(sold, value));
        if needed <= have {
            return Some(Conversion { sold, given: needed, bought: owed, received: debt });
        }
        let fetched = self.worth_of(sold, have) - self.haircut_of(sold).of_ceil(self.worth_of(sold, have));
        let received = self.amount_within(owed, fetched).min(debt);
        (received > Money::ZERO).then_some(Conversion { sold, given: have, bought: owed, received })
    }

    /// Value of what must be sold of an asset so that `value` is left of it, rounded up.
    fn before_haircut(&self, sold: AssetId, value: Money) -> Money {
        let kept = Rate::new(Rate::ONE.get() - self.haircut_of(sold).get());
        Money::from_wide(gross_up(value, kept).ceil())
    }

    /// What an account spends next, behind a place in the order of spending: the first positive balance.
    fn next_to_spend(&self, account: AccountId, after: Option<(u16, AssetId)>) -> Option<AssetId> {
        let held = self.holdings_of(account).map(|holding| holding.asset);
        let all = core::iter::once(AssetId::BASE).chain(held);
        let spends = |asset: &AssetId| {
            self.balance(account, *asset) > Money::ZERO
                && after.is_none_or(|after| self.spending_place(*asset) > after)
        };
        all.filter(spends).min_by_key(|asset| self.spending_place(*asset))
    }

    /// Where an asset stands in the order of spending: the unit of account before all others, then by rank and number.
    fn spending_place(&self, asset: AssetId) -> (u16, AssetId) {
        (self.find_asset(asset).map_or(0, |known| 1 + u16::from(known.spec.spend_rank)), asset)
    }

    /// Books a conversion.
    pub fn convert(&mut self, account: AccountId, conversion: &Conversion) {
        let Conversion { sold, given, bought, received } = *conversion;
        self.move_cash(account, AccountId::CONVERSION, sold, given);
        self.move_cash(AccountId::CONVERSION, account, bought, received);
    }

    /// Interest an account owes on its debt in an asset for so long; nothing where it owes nothing.
    #[must_use]
    pub fn interest_due(&self, account: AccountId, asset: AssetId, elapsed_ns: u64) -> Money {
        let debt = (-self.balance(account, asset)).max(Money::ZERO);
        interest_on(debt, self.debt_terms(asset).interest, elapsed_ns)
    }

    fn price_of(&self, asset: &Asset) -> Mark {
        self.asset_prices(asset).0
    }

    fn haircut_of(&self, asset: AssetId) -> Rate {
        self.find_asset(asset).map_or(Rate::new(0), |asset| asset.spec.conversion_haircut)
    }

    /// What an amount is worth in the unit of account, rounded down.
    fn worth_of(&self, asset: AssetId, amount: Money) -> Money {
        self.find_asset(asset).map_or(amount, |asset| asset.worth(amount, self.price_of(asset)))
    }

    /// The same, rounded up.
    fn worth_in_base(&self, asset: AssetId, amount: Money) -> Money {
        self.find_asset(asset).map_or(amount, |asset| asset.worth_up(amount, self.price_of(asset)))
    }

    /// The amount of an asset that is worth so much, rounded up.
    fn amount_for(&self, asset: AssetId, value: Money) -> Money {
        self.find_asset(asset).map_or(value, |asset| asset.amount_worth(value, self.price_of(asset)))
    }

    /// The same, rounded down.
    fn amount_within(&self, asset: AssetId, value: Money) -> Money {
        self.find_asset(asset).map_or(value, |asset| asset.amount_within(value, self.price_of(asset)))
    }
}
