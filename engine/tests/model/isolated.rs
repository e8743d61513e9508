//! Isolated positions: accounts of their own that act for another in one instrument.

use engine::limits::{ACCOUNTS_PER_GROUP_MAX, ISOLATED_PER_ACCOUNT_MAX};
use engine::{Event, MoveMargin, MovementReason, OrderId, Reject, TradingState};
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, AssetId, InstrumentId, OwnerGroupId, Restriction};
use std::collections::BTreeSet;

use super::state::{Account, Isolation, Order, Stage};
use super::{Model, Refusal};

impl Model {
    /// Who acts where `account` is named.
    pub(crate) fn acting(&self, account: AccountId, instrument: InstrumentId) -> Result<AccountId, Refusal> {
        if self.is_isolated(account) {
            return Err(Reject::IsolatedAccount.into());
        }
        let isolation = self.isolated.get(&(account, instrument));
        Ok(isolation.filter(|isolation| isolation.on).map_or(account, |isolation| isolation.account))
    }

    pub(crate) fn is_isolated(&self, account: AccountId) -> bool {
        self.isolated.values().any(|isolation| isolation.account == account)
    }

    /// Who is named where `account` acts.
    pub(crate) fn principal(&self, account: AccountId) -> AccountId {
        let own = self.isolated.iter().find(|(_, isolation)| isolation.account == account);
        own.map_or(account, |(&(parent, _), _)| parent)
    }

    /// An account's isolated positions, by instrument.
    pub(crate) fn isolated_of(&self, parent: AccountId) -> Vec<AccountId> {
        let own = self.isolated.iter().filter(|((account, _), _)| *account == parent);
        own.map(|(_, isolation)| isolation.account).collect()
    }

    /// Whether an account has a position or orders in an instrument.
    fn is_busy(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let ordered = self.orders_of(account).iter().any(|order| order.instrument == instrument);
        ordered || self.leg(account, instrument).position != 0
    }

    pub(crate) fn set_margin_mode(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        isolated: bool,
    ) -> Result<(), Refusal> {
        self.user_account(account)?;
        self.known_instrument(instrument)?;
        if self.instruments[instrument.index()].state == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        self.free_account(account)?;
        let place = (account, instrument);
        let known = self.isolated.get(&place).map(|isolation| isolation.account);
        let in_use =
            known.is_some_and(|one| self.is_busy(one, instrument) || self.accounts[&one].liquidating);
        if in_use || self.is_busy(account, instrument) {
            return Err(Reject::MarginModeInUse.into());
        }
        let acting = match known {
            Some(one) => Some(one),
            None if isolated => Some(self.open_isolated(account)?),
            None => None,
        };
        if let Some(one) = acting {
            self.isolated.insert(place, Isolation { account: one, on: isolated });
        }
        let acting = acting.filter(|_| isolated).unwrap_or(account);
        self.out.push(Event::MarginModeSet { account, instrument, isolated, acting });
        Ok(())
    }

    /// Opens an account for an isolated position: the number after the highest.
    fn open_isolated(&mut self, parent: AccountId) -> Result<AccountId, Refusal> {
        let highest = self.accounts.keys().next_back().map_or(0, |account| account.get());
        let number = AccountId::new((highest + 1).max(FIRST_USER_ACCOUNT));
        let own = self.accounts[&parent].group;
        let alone = own.get() == 0;
        let in_group = self.accounts.values().filter(|known| !alone && known.group == own).count().max(1);
        if number.get() >= self.capacity.accounts
            || self.isolated_of(parent).len() >= ISOLATED_PER_ACCOUNT_MAX
            || in_group >= ACCOUNTS_PER_GROUP_MAX
        {
            return Err(Reject::TooManyAccounts.into());
        }
        self.accounts.insert(number, Account::default());
        self.out.push(Event::AccountOpened { account: number });
        let group = if alone { Self::group_alone(parent) } else { own };
        if alone {
            self.regroup(parent, group);
        }
        self.regroup(number, group);
        let restriction = self.accounts[&parent].restriction;
        if restriction != Restriction::None {
            self.restrict(number, restriction);
        }
        let tier = self.accounts[&parent].fee_tier;
        if tier != 0 {
            self.give_fee_tier(number, tier);
        }
        Ok(number)
    }

    /// The group of an account that has none but isolated positions.
    pub(crate) fn group_alone(parent: AccountId) -> OwnerGroupId {
        OwnerGroupId::new((1 << 31) + parent.get())
    }

    pub(crate) fn regroup(&mut self, account: AccountId, group: OwnerGroupId) {
        self.account_mut(account).group = group;
        self.out.push(Event::OwnerGroupSet { account, group });
    }

    pub(crate) fn move_margin(&mut self, asked: &MoveMargin) -> Result<(), Refusal> {
        let MoveMargin { account, instrument, amount } = *asked;
        self.user_account(account)?;
        self.known_instrument(instrument)?;
        self.free_account(account)?;
        let amount = i128::from(amount.get());
        let isolated = self.acting(account, instrument)?;
        if amount <= 0 && isolated != account {
            self.not_liquidating(isolated)?;
        }
        if isolated == account || !self.is_busy(isolated, instrument) {
            return Err(Reject::NoIsolatedPosition.into());
        }
        let (from, to) = if amount > 0 { (account, isolated) } else { (isolated, account) };
        self.check_trust_of(from)?;
        let most = self.withdrawable(from, AssetId::BASE);
        // The amount of one command is a 64-bit number, and so is what is missing of it.
        let size = amount.abs().min(i128::from(i64::MAX));
        if size > most {
            return Err(Refusal { reject: Reject::InsufficientFunds, short: size - most });
        }
        if amount == 0 {
            return Err(Reject::BadParameter.into());
        }
        self.move_money((from, to), AssetId::BASE, size, (MovementReason::MarginMoved, 0));
        Ok(())
    }

    /// Whether its parent can give an isolated position what it is short of.
    pub(crate) fn can_feed(&self, account: AccountId, short: i128) -> bool {
        let parent = self.principal(account);
        parent != account
            && !self.accounts[&parent].liquidating
            && self.check_trust_of(parent).is_ok()
            && self.withdrawable(parent, AssetId::BASE) >= short
    }

    /// Gives an isolated position what it is short of.
    pub(crate) fn endow(&mut self, account: AccountId, short: Option<i128>) {
        if let Some(short) = short {
            let parent = self.principal(account);
            self.move_money((parent, account), AssetId::BASE, short, (MovementReason::MarginShort, 0));
        }
    }

    /// Gives an isolated position what an order that was admitted, and counts at once, is short of.
    pub(crate) fn feed_order(&mut self, order: &Order, replaces: Option<OrderId>) {
        if order.stage == Stage::Dormant || !self.is_isolated(order.account) {
            return;
        }
        let now = self.weighing(order.account);
        let mut then = now.clone();
        then.retain(|other| Some(other.id) != replaces);
        then.push(order);
        let short = self.margin_short(order.account, (&now, &then), None);
        self.endow(order.account, short);
    }

    /// What is missing for an account to have those of `orders` that are its own, without those in `replaced`.
    fn short_together(
        &self,
        account: AccountId,
        replaced: &BTreeSet<OrderId>,
        orders: &[&Order],
    ) -> Option<i128> {
        let now = self.weighing(account);
        let then = self.then(account, replaced, orders);
        self.margin_short(account, (&now, &then), None)
    }

    /// The orders of an account that count once `orders` stand instead of those in `replaced`.
    pub(crate) fn then<'a>(
        &'a self,
        account: AccountId,
        replaced: &BTreeSet<OrderId>,
        orders: &[&'a Order],
    ) -> Vec<&'a Order> {
        let mut then = self.weighing(account);
        then.retain(|order| !replaced.contains(&order.id));
        then.extend(orders.iter().filter(|order| order.account == account));
        then
    }

    /// The isolated positions among the owners of orders, in the order they first come.
    fn isolated_among(&self, orders: &[&Order]) -> Vec<AccountId> {
        let mut all: Vec<AccountId> = Vec::new();
        for order in orders {
            if self.is_isolated(order.account) && !all.contains(&order.account) {
                all.push(order.account);
            }
        }
        all
    }

    /// What is missing, if anything, for an account and its isolated positions to have these orders together.
    pub(crate) fn family_short(
        &self,
        parent: AccountId,
        replaced: &BTreeSet<OrderId>,
        orders: &[&Order],
    ) -> Option<i128> {
        if orders.iter().any(|order| order.account == parent)
            && let Some(short) = self.short_together(parent, replaced, orders)
        {
            return Some(short);
        }
        let gives = !self.accounts[&parent].liquidating && self.check_trust_of(parent).is_ok();
        let then = self.then(parent, replaced, orders);
        let mut left = if gives { self.withdrawable_after(parent, &then) } else { 0 };
        for account in self.isolated_among(orders) {
            let Some(short) = self.short_together(account, replaced, orders) else { continue };
            if short > left {
                return Some(short);
            }
            left -= short;
        }
        None
    }

    pub(crate) fn feed_family(&mut self, replaced: &BTreeSet<OrderId>, orders: &[Order]) {
        let orders: Vec<&Order> = orders.iter().filter(|order| order.stage != Stage::Dormant).collect();
        for account in self.isolated_among(&orders) {
            let short = self.short_together(account, replaced, &orders);
            self.endow(account, short);
        }
    }

    /// What isolated positions hold that are over goes back.
    pub(crate) fn give_back(&mut self) {
        let mut all: Vec<(AccountId, AccountId)> =
            self.isolated.iter().map(|(&(parent, _), isolation)| (isolation.account, parent)).collect();
        all.sort_unstable();
        for (account, parent) in all {
            let known = self.accounts[&account];
            let flat = self.positions_of(account).next().is_none() && self.orders_of(account).is_empty();
            if !flat || known.liquidating || self.owes(account) {
                continue;
            }
            for asset in self.all_assets() {
                let held = self.balance(account, asset);
                if held > 0 {
                    self.move_money((account, parent), asset, held, (MovementReason::PositionOver, 0));
                }
            }
        }
    }
}
