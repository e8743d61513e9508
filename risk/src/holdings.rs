//! Balances in assets other than the unit of account: one holding per account and asset, and the list of who owes.
//!
//! Invariant: an account's holdings form one chain in ascending asset number; one exists for every asset that one of its
//! legs settles in. An account is on the list of debtors exactly when one of its balances is below zero.

use alloc::vec::Vec;

use crate::ledger::Ledger;
use crate::place;
use crate::units::{AccountId, AssetId, Money};

place!(
    /// Place of a holding in the store of holdings.
    HoldingId
);
place!(
    /// Place in the list of debtors.
    DebtorPlace
);

/// A balance in one asset.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub struct Holding {
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub asset: AssetId,
    /// In the asset's smallest unit. May be negative while the rest of the account covers it.
    pub balance: Money,
    pub(crate) next: HoldingId,
}

/// Sums of one asset over all accounts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, bincode::Encode)]
pub struct CashSums {
    /// Balances.
    pub(crate) balances: i64,
    /// Deposits less withdrawals.
    pub(crate) deposits: i64,
    /// Costs settled to balances over all instruments that settle in it.
    pub(crate) settled: i64,
}

impl CashSums {
    /// I3: balances are deposits less settled costs.
    #[inline]
    pub(crate) const fn is_conserved(&self) -> bool {
        self.balances + self.settled == self.deposits
    }
}

/// All holdings, and who owes.
#[derive(Debug, bincode::Encode)]
pub(crate) struct Holdings {
    pub(crate) list: Vec<Holding>,
    pub(crate) debtors: Vec<AccountId>,
}

impl Holdings {
    /// None yet, with room for every account to owe: the first debt of one comes on the order path.
    pub(crate) fn with_room_for(accounts: u32) -> Self {
        Self { list: Vec::new(), debtors: Vec::with_capacity(accounts as usize) }
    }
}

impl Ledger {
    /// An account's holdings, by ascending asset; the unit of account is not among them.
    pub fn holdings_of(&self, account: AccountId) -> impl Iterator<Item = &Holding> + '_ {
        let mut next = self.accounts[account.index()].first_holding;
        core::iter::from_fn(move || {
            let holding = &self.holdings.list[next.some()?.index()];
            next = holding.next;
            Some(holding)
        })
    }

    /// An account's balance in an asset.
    #[inline]
    #[must_use]
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Money {
        if asset == AssetId::BASE {
            return self.accounts.get(account.index()).map_or(Money::ZERO, |account| account.balance);
        }
        self.held_balance(account, asset)
    }

    #[cold]
    fn held_balance(&self, account: AccountId, asset: AssetId) -> Money {
        self.holdings_of(account)
            .find(|holding| holding.asset == asset)
            .map_or(Money::ZERO, |holding| holding.balance)
    }

    /// Makes sure the account has a holding in an asset; its place.
    pub(crate) fn holding_for(&mut self, account: AccountId, asset: AssetId) -> HoldingId {
        let mut before = HoldingId::NONE;
        let mut after = self.accounts[account.index()].first_holding;
        while let Some(place) = after.some() {
            let holding = &self.holdings.list[place.index()];
            if holding.asset == asset {
                return place;
            }
            if holding.asset > asset {
                break;
            }
            (before, after) = (place, holding.next);
        }
        let place = HoldingId::new(
            u32::try_from(self.holdings.list.len()).expect("accounts times assets is below 2^32"),
        );
        self.holdings.list.push(Holding { account, asset, balance: Money::ZERO, next: after });
        match before.some() {
            Some(before) => self.holdings.list[before.index()].next = place,
            None => self.accounts[account.index()].first_holding = place,
        }
        place
    }

    /// Books a balance change; every caller books the counter-entry in the same command. The balance after it.
    #[inline]
    pub(crate) fn post_cash(&mut self, account: AccountId, asset: AssetId, amount: Money) -> Money {
        if asset != AssetId::BASE {
            return self.post_holding(account, asset, amount);
        }
        self.base.balances += amount.get();
        self.post_base(account, amount)
    }

    /// Books a change of a balance in the unit of account whose sum over all accounts is booked by the caller, or does not
    /// change. The balance after it.
    #[inline]
    fn post_base(&mut self, account: AccountId, amount: Money) -> Money {
        let entry = &mut self.accounts[account.index()];
        let before = entry.balance;
        entry.balance += amount;
        let after = entry.balance;
        if (before < Money::ZERO) != (after < Money::ZERO) {
            self.list_debtor(account);
        }
        after
    }

    /// Moves money from one account to another; the balances after it.
    #[inline]
    pub fn move_cash(&mut self, from: AccountId, to: AccountId, asset: AssetId, amount: Money) -> [Money; 2] {
        if asset != AssetId::BASE {
            return [self.post_holding(from, asset, -amount), self.post_holding(to, asset, amount)];
        }
        [self.post_base(from, -amount), self.post_base(to, amount)]
    }

    #[cold]
    fn post_holding(&mut self, account: AccountId, asset: AssetId, amount: Money) -> Money {
        let place = self.holding_for(account, asset);
        self.cash_mut(asset).balances += amount.get();
        let holding = &mut self.holdings.list[place.index()];
        holding.balance += amount;
        let after = holding.balance;
        self.list_debtor(account);
        after
    }

    /// Puts an account on the list of debtors, or takes it off: the last one moves into its place.
    #[cold]
    fn list_debtor(&mut self, account: AccountId) {
        let owes = self.owes(account);
        let place = self.accounts[account.index()].debtor;
        match place.some() {
            None if owes => {
                let place = u32::try_from(self.holdings.debtors.len()).expect("bounded by ACCOUNTS_MAX");
                self.accounts[account.index()].debtor = DebtorPlace::new(place);
                self.holdings.debtors.push(account);
            }
            Some(place) if !owes => {
                self.holdings.debtors.swap_remove(place.index());
                if let Some(moved) = self.holdings.debtors.get(place.index()) {
                    self.accounts[moved.index()].debtor = place;
                }
                self.accounts[account.index()].debtor = DebtorPlace::NONE;
            }
            None | Some(_) => {}
        }
    }

    /// Whether one of an account's balances is below zero.
    #[must_use]
    pub fn owes(&self, account: AccountId) -> bool {
        self.accounts[account.index()].balance < Money::ZERO
            || self.holdings_of(account).any(|holding| holding.balance < Money::ZERO)
    }

    /// Whether an account has or owes anything in another asset than this.
    #[must_use]
    pub fn has_others_than(&self, account: AccountId, asset: AssetId) -> bool {
        let base = asset != AssetId::BASE && self.accounts[account.index()].balance != Money::ZERO;
        base || self.holdings_of(account).any(|held| held.asset != asset && held.balance != Money::ZERO)
    }

    /// How many accounts owe.
    #[must_use]
    pub fn debtors(&self) -> usize {
        self.holdings.debtors.len()
    }

    /// The account at a place of the list of debtors.
    #[must_use]
    pub fn debtor_at(&self, place: usize) -> Option<AccountId> {
        self.holdings.debtors.get(place).copied()
    }

    /// Verifies an account's chain of holdings and its place among the debtors.
    ///
    /// # Panics
    /// With the rule that does not hold.
    pub(crate) fn check_holdings(&self, account: AccountId) {
        let mut last = AssetId::BASE;
        for holding in self.holdings_of(account) {
            assert!(holding.account == account, "a holding belongs to the account whose chain it is in");
            assert!(holding.asset > last, "holdings ascend by asset");
            last = holding.asset;
        }
        for (_, leg) in self.legs_of(account) {
            let asset = self.instrument(leg.instrument).settlement();
            let held = asset == AssetId::BASE || self.holdings_of(account).any(|held| held.asset == asset);
            assert!(held, "a leg's settlement asset is held");
        }
        let listed = self.accounts[account.index()].debtor.some();
        assert!(listed.is_some() == self.owes(account), "debtors are listed");
        if let Some(place) = listed {
            assert!(self.holdings.debtors.get(place.index()) == Some(&account), "at their place");
        }
    }
}
