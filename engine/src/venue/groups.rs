//! Owner groups, and the kill switches of groups and keys.
//!
//! Invariant: a group lists the accounts that name it, ascending; a group without accounts does not exist. An account
//! changes its group only while it has no orders, so who is one's own never changes under a resting order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::isolated::own_group;
use super::keys::Key;
use super::sweep::{Budget, Origin, Scope, Sweep};
use super::{Venue, Verdict};
use crate::command::KeyId;
use crate::event::{CancelReason, Event, Events};
use crate::limits::{ACCOUNTS_PER_GROUP_MAX, OWN_GROUPS, RESTRICTIONS_PER_COMMAND};
use crate::reject::Reject;
use risk::{AccountId, Ledger, OwnerGroupId, Restriction};

/// The accounts of each owner group.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Groups {
    members: BTreeMap<OwnerGroupId, Vec<AccountId>>,
}

impl Groups {
    /// Accounts of a group, ascending; none where there is no such group.
    fn of(&self, group: OwnerGroupId) -> &[AccountId] {
        self.members.get(&group).map_or(&[], Vec::as_slice)
    }

    fn leave(&mut self, account: AccountId, group: OwnerGroupId) {
        let Some(members) = self.members.get_mut(&group) else { return };
        members.retain(|member| *member != account);
        if members.is_empty() {
            self.members.remove(&group);
        }
    }

    fn join(&mut self, account: AccountId, group: OwnerGroupId) {
        let members = self.members.entry(group).or_default();
        let place = members.partition_point(|member| *member < account);
        members.insert(place, account);
    }

    /// Verifies that groups and accounts name each other.
    pub(super) fn check(&self, ledger: &Ledger) {
        let mut listed = 0;
        for (group, members) in &self.members {
            assert!(*group != OwnerGroupId::default(), "0 is no group");
            assert!(!members.is_empty() && members.len() <= ACCOUNTS_PER_GROUP_MAX, "groups are bounded");
            assert!(members.is_sorted_by(|before, after| before < after), "accounts of a group ascend");
            let named =
                |member: &AccountId| ledger.account(*member).is_some_and(|known| known.group == *group);
            assert!(members.iter().all(named), "a group's accounts name it");
            listed += members.len();
        }
        let named = ledger.accounts().filter(|(_, account)| account.group != OwnerGroupId::default()).count();
        assert!(named == listed, "an account is in its group's list once");
    }
}

/// A restriction of a group that has not come to all its accounts.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Restricting {
    group: OwnerGroupId,
    restriction: Restriction,
    cancel_orders: bool,
    /// Accounts it has come to.
    done: u32,
}

impl Venue {
    #[cold]
    pub(super) fn set_owner_group(
        &mut self,
        account: AccountId,
        group: OwnerGroupId,
        events: &mut Events,
    ) -> Verdict {
        let before = self.user(account)?.group;
        let mut family: Vec<AccountId> = core::iter::once(account).chain(self.isolated.of(account)).collect();
        let places = self.groups.of(group).len() + family.len();
        let is_full = group != OwnerGroupId::default() && group != before && places > ACCOUNTS_PER_GROUP_MAX;
        let has_orders = family.iter().any(|&one| self.ledger.first_order(one, None).is_some());
        if has_orders || is_full || group.get() >= OWN_GROUPS {
            return Err(Reject::BadParameter.into());
        }

        let stands_alone = group == OwnerGroupId::default() && family.len() > 1;
        let group = if stands_alone { own_group(account) } else { group };
        for one in family.drain(..) {
            self.put_into_group(one, group, events);
        }
        Ok(())
    }

    /// Puts an account into another group, or into none, and tells it.
    pub(super) fn put_into_group(&mut self, account: AccountId, group: OwnerGroupId, events: &mut Events) {
        self.groups.leave(account, self.group_of(account));
        if group != OwnerGroupId::default() {
            self.groups.join(account, group);
        }
        self.ledger.set_group(account, group);
        events.push(Event::OwnerGroupSet { account, group });
    }

    /// The operator's switch for a group. `cancel_orders` asks for what a lifted restriction has no reason for.
    #[cold]
    pub(super) fn set_group_restriction(
        &mut self,
        group: OwnerGroupId,
        restriction: Restriction,
        cancel_orders: bool,
        events: &mut Events,
    ) -> Verdict {
        if self.groups.of(group).is_empty() {
            return Err(Reject::UnknownAccount.into());
        }
        if cancel_orders && restriction == Restriction::None {
            return Err(Reject::BadCombination.into());
        }

        events.push(Event::GroupRestrictionSet { group, restriction });
        self.go_on_restricting(Restricting { group, restriction, cancel_orders, done: 0 }, events);
        Ok(())
    }

    /// Restricts the next accounts of a group, up to the bound of a command; the rest waits.
    #[cold]
    pub(super) fn go_on_restricting(&mut self, mut at: Restricting, events: &mut Events) {
        let Restricting { group, restriction, cancel_orders, .. } = at;
        let mut budget = Budget::of_command();
        for _ in 0..RESTRICTIONS_PER_COMMAND {
            let Some(&account) = self.groups.of(group).get(at.done as usize) else { return };
            at.done += 1;
            self.restrict(account, restriction, events);
            if cancel_orders {
                let scope = Scope::of_account(account, CancelReason::Suspended);
                self.sweep_within(Sweep::of(scope), &mut budget, events);
            }
            if !self.sweeps.is_empty() {
                break;
            }
        }
        let is_left = self.groups.of(group).len() > at.done as usize;
        self.restricting = is_left.then_some(at);
        self.left_over |= is_left;
    }

    /// The operator's switch for a key. `cancel_orders` asks for what a key admitted again has no reason for.
    #[cold]
    pub(super) fn suspend_key(
        &mut self,
        key: KeyId,
        suspended: bool,
        cancel_orders: bool,
        events: &mut Events,
    ) -> Verdict {
        let account = self.usable_key(key).ok_or(Reject::UnknownKey)?.account;
        if cancel_orders && !suspended {
            return Err(Reject::BadCombination.into());
        }

        for session in self.keys.suspend(key, suspended) {
            self.sessions[session.get() as usize].is_suspended = suspended;
        }
        events.push(Event::KeySuspended { key, suspended });
        if cancel_orders {
            let scope = Scope::of_family(account, CancelReason::Suspended);
            self.start_sweep(Scope { origin: Origin::Key(key), ..scope }, events);
        }
        Ok(())
    }

    /// A key that is known and not revoked.
    pub(super) fn usable_key(&self, key: KeyId) -> Option<&Key> {
        self.key(key).filter(|key| !key.revoked)
    }

    /// The owner group of an account; 0 where it stands alone or is not known.
    #[must_use]
    pub fn owner_group(&self, account: AccountId) -> OwnerGroupId {
        self.group_of(account)
    }

    /// Accounts of an owner group, ascending.
    #[must_use]
    pub fn accounts_of(&self, group: OwnerGroupId) -> &[AccountId] {
        self.groups.of(group)
    }
}
