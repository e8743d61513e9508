//! Market-maker protection: a group of one account's orders that goes when too much of it is filled in too short a time.
//!
//! Invariant: a group that tripped has no order left once its sweep is through, and gets none before it is thawed. Only
//! orders that name a group are ever looked up here.

use alloc::collections::BTreeMap;

use super::sweep::{SWEEPS_AT_ONCE, Scope, Sweep};
use super::{Venue, Verdict};
use crate::command::{Command, Protection, ProtectionId, TimeNs};
use crate::event::{CancelReason, Event, Events};
use crate::limits::PROTECTIONS_PER_ACCOUNT_MAX;
use crate::reject::Reject;
use risk::{AccountId, OrderSlot, Qty, Side};

const NO_GROUP: ProtectionId = ProtectionId::new(0);

/// What was filled in a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub struct Window {
    /// Time of its first fill.
    pub start: TimeNs,
    /// Quantity filled.
    pub qty: Qty,
    /// Bought less sold.
    pub delta: i64,
    /// Number of fills.
    pub fills: u32,
}

/// Why a group admits nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
struct Trip {
    /// When it ends; 0 is when it is reset.
    until: TimeNs,
    /// Whether the sweep of its orders is not through.
    is_sweeping: bool,
}

impl Trip {
    fn holds(self, now: TimeNs) -> bool {
        self.is_sweeping || self.until == TimeNs::default() || now < self.until
    }
}

/// A configured group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
struct Group {
    limits: Protection,
    window: Option<Window>,
    trip: Option<Trip>,
}

impl Group {
    /// With its counts at zero, and not frozen.
    const fn new(limits: Protection) -> Self {
        Self { limits, window: None, trip: None }
    }

    fn is_frozen(&self, now: TimeNs) -> bool {
        self.trip.is_some_and(|trip| trip.holds(now))
    }

    /// Counts a fill; whether a limit is reached.
    fn count(&mut self, now: TimeNs, side: Side, qty: Qty) -> bool {
        let open = self.window.filter(|window| now < window.start.later(self.limits.window_ms));
        let mut window = open.unwrap_or(Window { start: now, qty: Qty::ZERO, delta: 0, fills: 0 });
        // A sum at the end of its range is beyond every limit, so it may stay there.
        window.qty = Qty::new(window.qty.get().saturating_add(qty.get()));
        window.delta = match side {
            Side::Buy => window.delta.saturating_add(qty.get()),
            Side::Sell => window.delta.saturating_sub(qty.get()),
        };
        window.fills = window.fills.saturating_add(1);
        self.window = Some(window);
        let Protection { qty_limit, delta_limit, fills_limit, .. } = self.limits;
        (qty_limit > Qty::ZERO && window.qty >= qty_limit)
            || (delta_limit > Qty::ZERO && window.delta.unsigned_abs() >= delta_limit.get().unsigned_abs())
            || (fills_limit > 0 && window.fills >= fills_limit)
    }

    /// Freezes it and closes its window; until when.
    fn trip(&mut self, now: TimeNs) -> TimeNs {
        let wait = self.limits.frozen_ms;
        let until = if wait == 0 { TimeNs::default() } else { now.later(wait) };
        (self.window, self.trip) = (None, Some(Trip { until, is_sweeping: true }));
        until
    }
}

/// The configured groups of all accounts.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Protections {
    groups: BTreeMap<(AccountId, ProtectionId), Group>,
}

impl Protections {
    fn of(&self, account: AccountId) -> impl Iterator<Item = &Group> + '_ {
        let (first, last) = ((account, NO_GROUP), (account, ProtectionId::new(u16::MAX)));
        self.groups.range(first..=last).map(|(_, group)| group)
    }
}

/// What a protection group admits and has counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProtectionView {
    /// Its limits.
    pub limits: Protection,
    /// Whether it admits nothing now.
    pub is_frozen: bool,
    /// When it admits again by itself; 0 is when it is reset, or where it is not frozen.
    pub frozen_until: TimeNs,
    /// What was filled since the window opened; none is open where nothing was, or its time is over.
    pub window: Option<Window>,
}

impl Venue {
    #[cold]
    pub(super) fn set_protection(
        &mut self,
        command: &Command,
        protection: Protection,
        events: &mut Events,
    ) -> Verdict {
        let Protection { account, group, .. } = protection;
        self.check_free(account)?;
        let is_known = self.protections.groups.contains_key(&(account, group));
        if protection.window_ms == 0 && !is_known {
            return Err(Reject::UnknownProtection.into());
        }
        if protection.window_ms != 0 {
            let is_full = !is_known && self.protections.of(account).count() >= PROTECTIONS_PER_ACCOUNT_MAX;
            if is_full || !is_sound(&protection) {
                return Err(Reject::BadParameter.into());
            }
        }

        if protection.window_ms == 0 {
            self.protections.groups.remove(&(account, group));
        } else {
            self.protections.groups.insert((account, group), Group::new(protection));
            // Each group has at most one sweep in the queue, so tripping never allocates.
            self.sweeps.reserve(self.protections.groups.len() + SWEEPS_AT_ONCE);
        }
        let Command { session, client_order_id, .. } = *command;
        events.push(Event::ProtectionSet { session, client_order_id, protection });
        Ok(())
    }

    #[cold]
    pub(super) fn reset_protection(
        &mut self,
        command: &Command,
        account: AccountId,
        group: ProtectionId,
        events: &mut Events,
    ) -> Verdict {
        self.check_free(account)?;
        let known = self.protections.groups.get_mut(&(account, group)).ok_or(Reject::UnknownProtection)?;

        *known = Group::new(known.limits);
        let Command { session, client_order_id, .. } = *command;
        events.push(Event::ProtectionReset { session, client_order_id, account, group });
        Ok(())
    }

    /// Whether a group admits orders; none always does.
    #[inline]
    pub(super) fn check_protection(&self, account: AccountId, group: ProtectionId) -> Result<(), Reject> {
        if group == NO_GROUP {
            return Ok(());
        }
        let account = self.principal(account);
        let known = self.protections.groups.get(&(account, group)).ok_or(Reject::UnknownProtection)?;
        if known.is_frozen(self.last.time) { Err(Reject::ProtectionFrozen) } else { Ok(()) }
    }

    /// Whether the group of an order tripped, so that nobody may meet it any more.
    #[cold]
    pub(super) fn protection_tripped(&self, slot: OrderSlot) -> bool {
        let group = self.protection_of(slot);
        if group == NO_GROUP {
            return false;
        }
        let account = self.principal(self.orders.get(slot).account);
        let known = self.protections.groups.get(&(account, group));
        known.is_some_and(|known| known.is_frozen(self.last.time))
    }

    /// Counts the fill of a maker of a group, which may trip; its sweep waits behind the others.
    #[cold]
    pub(super) fn count_protection(
        &mut self,
        account: AccountId,
        group: ProtectionId,
        (side, qty): (Side, Qty),
        events: &mut Events,
    ) {
        if group == NO_GROUP {
            return;
        }
        let (now, account) = (self.last.time, self.principal(account));
        let Some(known) = self.protections.groups.get_mut(&(account, group)) else { return };
        if !known.count(now, side, qty) {
            return;
        }
        let frozen_until = known.trip(now);
        events.push(Event::ProtectionTripped { account, group, frozen_until });
        let scope = Scope::of_family(account, CancelReason::Protection);
        self.sweeps.push_back(Sweep::of(Scope { protection: Some(group), ..scope }));
        self.left_over = true;
    }

    /// The sweep of a group that tripped is through.
    pub(super) fn end_protection_sweep(&mut self, account: AccountId, group: ProtectionId) {
        let known = self.protections.groups.get_mut(&(account, group));
        if let Some(trip) = known.and_then(|known| known.trip.as_mut()) {
            trip.is_sweeping = false;
        }
    }

    /// The protection groups of an account, ascending.
    pub fn protections(&self, account: AccountId) -> impl Iterator<Item = ProtectionView> + '_ {
        let now = self.last.time;
        self.protections.of(account).map(move |group| {
            let trip = group.trip.filter(|trip| trip.holds(now));
            ProtectionView {
                limits: group.limits,
                is_frozen: trip.is_some(),
                frozen_until: trip.map_or_else(TimeNs::default, |trip| trip.until),
                window: group.window.filter(|window| now < window.start.later(group.limits.window_ms)),
            }
        })
    }

    /// Verifies that groups are sound, and that what tripped is swept or being swept.
    pub(super) fn check_protections(&self) {
        let now = self.last.time;
        for ((account, id), group) in &self.protections.groups {
            assert!((group.limits.account, group.limits.group) == (*account, *id), "a group by its name");
            assert!(group.limits.window_ms != 0 && is_sound(&group.limits), "limits are sound");
            assert!(
                self.protections.of(*account).count() <= PROTECTIONS_PER_ACCOUNT_MAX,
                "groups are bounded"
            );
            let scope = Scope::of_family(*account, CancelReason::Protection);
            let scope = Scope { protection: Some(*id), ..scope };
            let queued = self.sweeps.iter().filter(|sweep| sweep.scope == scope).count();
            let is_sweeping = group.trip.is_some_and(|trip| trip.is_sweeping);
            assert!(queued == usize::from(is_sweeping), "a group that tripped has one sweep");
            if group.is_frozen(now) && !is_sweeping {
                let own = |slot, owner| self.principal(owner) == *account && self.protection_of(slot) == *id;
                let left = self.orders.live().any(|(slot, order)| own(slot, order.account));
                assert!(!left, "a frozen group has no orders");
            }
        }
    }
}

/// Whether a group may have these limits.
fn is_sound(limits: &Protection) -> bool {
    let Protection { group, qty_limit, delta_limit, fills_limit, .. } = *limits;
    let has_limit = qty_limit > Qty::ZERO || delta_limit > Qty::ZERO || fills_limit > 0;
    group != NO_GROUP && qty_limit >= Qty::ZERO && delta_limit >= Qty::ZERO && has_limit
}
