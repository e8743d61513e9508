//! Market-maker protection: what fills of a group count in a window, and what trips it.

use engine::limits::PROTECTIONS_PER_ACCOUNT_MAX;
use engine::{CancelReason, Event, Protection, ProtectionId, Reject, TimeNs};
use risk::AccountId;

use super::arith::NS_PER_MS;
use super::matching::sign;
use super::orders::Request;
use super::state::{Group, Order, Scope};
use super::{Model, Refusal};

impl Model {
    /// Whether a group has tripped and its time is not over, or its sweep not through.
    pub(crate) fn is_frozen(&self, account: AccountId, group: ProtectionId) -> bool {
        let account = self.principal(account);
        let swept =
            |scope: &Scope| scope.account == account && scope.protection.is_some_and(|other| other == group);
        let Some(known) = self.groups.get(&(account, group)) else { return false };
        let timed = known.frozen.is_some_and(|until| until == 0 || self.now < until);
        timed || self.sweeps.iter().any(|sweep| swept(&sweep.scope))
    }

    /// Whether an order may name this group.
    pub(crate) fn check_protection(&self, account: AccountId, group: ProtectionId) -> Result<(), Refusal> {
        if group.get() == 0 {
            return Ok(());
        }
        if !self.groups.contains_key(&(self.principal(account), group)) {
            return Err(Reject::UnknownProtection.into());
        }
        if self.is_frozen(account, group) { Err(Reject::ProtectionFrozen.into()) } else { Ok(()) }
    }

    /// A fill of a maker counts for its group, which may trip.
    pub(crate) fn count_for_protection(&mut self, maker: &Order, matched: i128) {
        let (account, id, now) = (self.principal(maker.account), maker.said.protection, self.now);
        if self.is_frozen(account, id) {
            return;
        }
        let Some(group) = self.groups.get_mut(&(account, id)) else { return };
        let length = u64::from(group.limits.window_ms) * NS_PER_MS;
        group.frozen = None;
        if group.window.is_none_or(|start| now >= start + length) {
            (group.window, group.qty, group.delta, group.fills) = (Some(now), 0, 0, 0);
        }
        group.qty += matched;
        group.delta += sign(maker.side) * matched;
        group.fills += 1;
        let limits = group.limits;
        let reached = |count: i128, limit: i128| limit > 0 && count >= limit;
        let trips = reached(group.qty, i128::from(limits.qty_limit.get()))
            || reached(group.delta.abs(), i128::from(limits.delta_limit.get()))
            || reached(group.fills, i128::from(limits.fills_limit));
        if !trips {
            return;
        }
        let frozen = if limits.frozen_ms == 0 { 0 } else { now + u64::from(limits.frozen_ms) * NS_PER_MS };
        (group.window, group.frozen) = (None, Some(frozen));
        let frozen_until = TimeNs::new(frozen);
        self.out.push(Event::ProtectionTripped { account, group: id, frozen_until });
        let scope = Scope { protection: Some(id), ..Scope::of_family(account, CancelReason::Protection) };
        self.sweeps.push_back(Self::sweep_of(scope, None));
    }

    pub(crate) fn set_protection(&mut self, request: Request, asked: &Protection) -> Result<(), Refusal> {
        let place = (asked.account, asked.group);
        self.user_account(asked.account)?;
        self.free_account(asked.account)?;
        let known = self.groups.contains_key(&place);
        if asked.window_ms == 0 {
            if !known {
                return Err(Reject::UnknownProtection.into());
            }
            self.groups.remove(&place);
        } else {
            let limits = [asked.qty_limit.get(), asked.delta_limit.get(), i64::from(asked.fills_limit)];
            let sound = limits.iter().all(|&limit| limit >= 0) && limits.iter().any(|&limit| limit > 0);
            let own = self.groups.keys().filter(|(account, _)| *account == asked.account).count();
            let full = !known && own >= PROTECTIONS_PER_ACCOUNT_MAX;
            if !sound || full || asked.group.get() == 0 {
                return Err(Reject::BadParameter.into());
            }
            let group = Group { limits: *asked, window: None, qty: 0, delta: 0, fills: 0, frozen: None };
            self.groups.insert(place, group);
        }
        let (session, client_order_id) = request;
        self.out.push(Event::ProtectionSet { session, client_order_id, protection: *asked });
        Ok(())
    }

    pub(crate) fn reset_protection(
        &mut self,
        (session, client_order_id): Request,
        account: AccountId,
        group: ProtectionId,
    ) -> Result<(), Refusal> {
        self.user_account(account)?;
        self.free_account(account)?;
        let Some(known) = self.groups.get_mut(&(account, group)) else {
            return Err(Reject::UnknownProtection.into());
        };
        (known.window, known.frozen) = (None, None);
        self.out.push(Event::ProtectionReset { session, client_order_id, account, group });
        Ok(())
    }
}
