//! Owner groups, and the kill switches of groups and keys.

use engine::limits::ACCOUNTS_PER_GROUP_MAX;
use engine::{CancelReason, Event, KeyId, Reject, SessionId};
use risk::{AccountId, OwnerGroupId, Restriction};

use super::state::{Budget, Restricting, Scope};
use super::{Model, Refusal};

/// Accounts one command may restrict.
const RESTRICTED_PER_COMMAND: usize = 256;

impl Model {
    fn accounts_of(&self, group: OwnerGroupId) -> Vec<AccountId> {
        let own = self.accounts.iter().filter(|(_, known)| known.group == group);
        own.map(|(&account, _)| account).collect()
    }

    pub(crate) fn set_owner_group(&mut self, account: AccountId, group: OwnerGroupId) -> Result<(), Refusal> {
        self.user_account(account)?;
        let mut family = vec![account];
        family.extend(self.isolated_of(account));
        let mut others = if group.get() == 0 { Vec::new() } else { self.accounts_of(group) };
        others.retain(|other| !family.contains(other));
        let busy = family.iter().any(|&one| !self.orders_of(one).is_empty());
        let full = group.get() > 0 && others.len() + family.len() > ACCOUNTS_PER_GROUP_MAX;
        if busy || full || group.get() >= 1 << 31 {
            return Err(Reject::BadParameter.into());
        }
        let alone = group.get() == 0 && family.len() > 1;
        let group = if alone { Self::group_alone(account) } else { group };
        for one in family {
            self.regroup(one, group);
        }
        Ok(())
    }

    pub(crate) fn set_group_restriction(
        &mut self,
        group: OwnerGroupId,
        restriction: Restriction,
        cancel_orders: bool,
    ) -> Result<(), Refusal> {
        let accounts = self.accounts_of(group);
        if group.get() == 0 || accounts.is_empty() {
            return Err(Reject::UnknownAccount.into());
        }
        if restriction == Restriction::None && cancel_orders {
            return Err(Reject::BadCombination.into());
        }
        self.out.push(Event::GroupRestrictionSet { group, restriction });
        self.restrict_on(Restricting { left: accounts.into(), restriction, cancel_orders });
        Ok(())
    }

    /// Restricts the next accounts, as far as one command may.
    pub(crate) fn restrict_on(&mut self, mut restricting: Restricting) {
        let Restricting { restriction, cancel_orders, .. } = restricting;
        let mut budget = Budget::default();
        for _ in 0..RESTRICTED_PER_COMMAND {
            let Some(account) = restricting.left.pop_front() else { break };
            self.restrict(account, restriction);
            if cancel_orders {
                let scope = Scope::of_account(account, CancelReason::Suspended);
                self.sweep_on(Self::sweep_of(scope, None), &mut budget);
            }
            if !self.sweeps.is_empty() {
                break;
            }
        }
        if !restricting.left.is_empty() {
            self.restricting = Some(restricting);
        }
    }

    pub(crate) fn suspend_key(
        &mut self,
        key: KeyId,
        suspended: bool,
        cancel_orders: bool,
    ) -> Result<(), Refusal> {
        self.known_key(key)?;
        if !suspended && cancel_orders {
            return Err(Reject::BadCombination.into());
        }
        let known = self.keys.get_mut(&key).expect("just found");
        known.suspended = suspended;
        let account = known.account;
        self.out.push(Event::KeySuspended { key, suspended });
        if cancel_orders {
            let own = (0..).map(SessionId::new).zip(&self.sessions);
            let own = own.filter(|(_, session)| session.key == key).map(|(id, _)| id).collect();
            let scope = Scope::of_family(account, CancelReason::Suspended);
            self.start_sweep(Scope { sessions: Some(own), ..scope }, None);
        }
        Ok(())
    }
}
