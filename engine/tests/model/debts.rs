//! Debts: paid out of what else there is, and interest on them.

use engine::limits::INTEREST_PER_COMMAND;
use engine::{ConversionReason, Event};
use risk::{AccountId, AssetId, Conversion};

use super::arith::{PPB, ceil, floor};
use super::{Model, money};

const HOUR_NS: u64 = 3_600_000_000_000;
const YEAR_NS: i128 = 365 * 24 * HOUR_NS as i128;

/// Interest, and how far its charging is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Interest {
    /// Up to when it was charged; `None` before the first tick.
    pub(crate) through: Option<u64>,
    /// For how long it is being charged.
    elapsed: u64,
    /// Debtors at places below this are still to be charged, the last first.
    pub(crate) left: usize,
}

impl Model {
    fn value_up(&self, asset: AssetId, amount: i128) -> i128 {
        self.asset(asset).map_or(amount, |known| known.worth_up(amount, self.price_of(known)))
    }

    fn value_down(&self, asset: AssetId, amount: i128) -> i128 {
        self.asset(asset).map_or(amount, |known| known.worth(amount, self.price_of(known)))
    }

    /// The amount of an asset worth `value`, as a fraction.
    pub(crate) fn amount_of(&self, asset: AssetId, value: i128) -> (i128, i128) {
        self.asset(asset)
            .map_or((value, 1), |known| (value * known.div * super::arith::MARKS, self.price_of(known)))
    }

    /// What an account spends, in the order in which it does.
    fn spending(&self, account: AccountId) -> Vec<AssetId> {
        let rank = |asset: AssetId| self.asset(asset).map_or(-1, |known| i32::from(known.spec.spend_rank));
        let mut held: Vec<AssetId> =
            self.all_assets().filter(|&asset| self.balance(account, asset) > 0).collect();
        held.sort_by_key(|&asset| (rank(asset), asset));
        held
    }

    /// What an account gives of one asset for its debt in another, and what of the debt that pays.
    fn conversion(&self, account: AccountId, (sold, owed): (AssetId, AssetId)) -> (i128, i128) {
        let (debt, have) = (-self.balance(account, owed), self.balance(account, sold));
        let haircut = self.asset(sold).map_or(0, |known| i128::from(known.spec.conversion_haircut.get()));
        let value = ceil(self.value_up(owed, debt) * PPB, PPB - haircut);
        let (over, under) = self.amount_of(sold, value);
        let needed = ceil(over, under);
        if needed <= have {
            return (needed, debt);
        }
        let worth = self.value_down(sold, have);
        let (over, under) = self.amount_of(owed, worth - ceil(worth * haircut, PPB));
        (have, floor(over, under).min(debt))
    }

    /// Pays a debt as far as the account has anything to pay it with.
    pub(crate) fn pay_debt(&mut self, account: AccountId, owed: AssetId, reason: ConversionReason) {
        for sold in self.spending(account) {
            if self.balance(account, owed) >= 0 {
                return;
            }
            let (given, received) = self.conversion(account, (sold, owed));
            if received == 0 {
                continue;
            }
            self.pay(account, AccountId::CONVERSION, sold, given);
            self.pay(AccountId::CONVERSION, account, owed, received);
            let (given, received) = (money(given), money(received));
            let conversion = Conversion { sold, given, bought: owed, received };
            self.out.push(Event::Converted { account, conversion, reason });
        }
    }

    /// Pays debts above what their assets admit.
    pub(crate) fn pay_excessive_debts(&mut self, account: AccountId) {
        for owed in self.all_assets() {
            if -self.balance(account, owed) > i128::from(self.debt_terms(owed).max.get()) {
                self.pay_debt(account, owed, ConversionReason::DebtAboveMax);
            }
        }
    }

    /// A tick: interest for every full hour.
    pub(crate) fn charge_interest(&mut self) {
        let through = *self.interest.through.get_or_insert(self.now);
        let hours = (self.now - through).div_euclid(HOUR_NS);
        if hours == 0 {
            return;
        }
        let elapsed = hours * HOUR_NS;
        self.interest = Interest { through: Some(through + elapsed), elapsed, left: self.debtors.len() };
        self.charge_interest_on();
    }

    /// Charges as many debtors as one command may.
    pub(crate) fn charge_interest_on(&mut self) {
        for _ in 0..INTEREST_PER_COMMAND {
            let Some(place) = self.interest.left.checked_sub(1) else { return };
            self.interest.left = place;
            let Some(&account) = self.debtors.get(place) else { continue };
            if account.is_system() {
                continue;
            }
            for asset in self.all_assets() {
                self.charge(account, asset);
            }
            self.look(account);
        }
    }

    fn charge(&mut self, account: AccountId, asset: AssetId) {
        let debt = (-self.balance(account, asset)).max(0);
        let a_year = ceil(debt * i128::from(self.debt_terms(asset).interest.get()), PPB);
        let share = ceil(PPB * i128::from(self.interest.elapsed), YEAR_NS);
        let due = ceil(a_year * share, PPB);
        if due > 0 {
            self.pay(account, AccountId::INSURANCE, asset, due);
            let balance = money(self.balance(account, asset));
            self.out.push(Event::InterestCharged { account, asset, amount: money(due), balance });
        }
    }
}
