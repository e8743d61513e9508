//! Sweeps: many orders of one account go, a bounded piece per command.
//!
//! Invariant: a sweep looks at each order in its scope once, legs by ascending instrument, in a leg the latest to join
//! first; those of isolated positions after the account's own. Only the first of the queue has begun. While one waits no other command is taken, and an order that goes
//! because of another one moves the place of the sweep at work on, so the order it goes on with is still there.

use super::Venue;
use crate::command::{ClientOrderId, KeyId, OrderTag, ProtectionId, SessionId};
use crate::event::{CancelReason, Event, Events};
use crate::limits::{AUCTION_LOOKS_PER_COMMAND, CANCELS_PER_COMMAND, LOOKS_PER_COMMAND};
use risk::{AccountId, InstrumentId, OrderSlot, Side};

/// Which orders stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub(super) enum Spared {
    /// None.
    Nothing,
    /// Those that only reduce.
    ReduceOnly,
    /// Those that only reduce, and persistent ones.
    Protection,
}

/// By which sessions orders came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub(super) enum Origin {
    /// Any.
    Any,
    /// This one.
    Session(SessionId),
    /// Those of this key.
    Key(KeyId),
}

/// Which orders go, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub(super) struct Scope {
    pub(super) account: AccountId,
    /// Whether the account's isolated positions are swept after it.
    pub(super) isolated_too: bool,
    /// `None`: in every instrument.
    pub(super) instrument: Option<InstrumentId>,
    /// `None`: both sides.
    pub(super) side: Option<Side>,
    /// `None`: whatever tag, and without one.
    pub(super) tag: Option<OrderTag>,
    /// `None`: of whatever protection group, and of none.
    pub(super) protection: Option<ProtectionId>,
    pub(super) origin: Origin,
    pub(super) spared: Spared,
    pub(super) reason: CancelReason,
}

impl Scope {
    /// Everything an account and its isolated positions have.
    pub(super) const fn of_family(account: AccountId, reason: CancelReason) -> Self {
        Self { isolated_too: true, ..Self::of_account(account, reason) }
    }

    /// Everything an account has.
    pub(super) const fn of_account(account: AccountId, reason: CancelReason) -> Self {
        Self {
            account,
            isolated_too: false,
            instrument: None,
            side: None,
            tag: None,
            protection: None,
            origin: Origin::Any,
            spared: Spared::Nothing,
            reason,
        }
    }
}

/// Who is told when a mass cancel is done.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Asked {
    pub(super) session: SessionId,
    pub(super) client_order_id: ClientOrderId,
}

/// Sweeps there is room for beside those of protection groups: what a command begins, and one a liquidation works with.
pub(super) const SWEEPS_AT_ONCE: usize = 2;

/// A sweep, and how far it is.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Sweep {
    pub(super) scope: Scope,
    asked: Option<Asked>,
    has_begun: bool,
    /// Whose orders are looked at.
    at: AccountId,
    /// The order to look at next.
    next: Option<OrderSlot>,
    /// Cancelled so far.
    count: u32,
}

impl Sweep {
    /// A sweep that has looked at nothing yet.
    pub(super) const fn of(scope: Scope) -> Self {
        Self { scope, asked: None, has_begun: false, at: scope.account, next: None, count: 0 }
    }

    /// The same, and somebody is told when it is done.
    pub(super) const fn asked_by(scope: Scope, asked: Asked) -> Self {
        Self { asked: Some(asked), ..Self::of(scope) }
    }
}

/// What is left of the work one command may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    looks: usize,
    cancels: usize,
    /// Orders an auction may look at.
    pub(super) auction_looks: usize,
}

impl Budget {
    /// All of it.
    pub(super) const fn of_command() -> Self {
        Self {
            looks: LOOKS_PER_COMMAND,
            cancels: CANCELS_PER_COMMAND,
            auction_looks: AUCTION_LOOKS_PER_COMMAND,
        }
    }
}

impl Venue {
    /// Sweeps up to the bound of a command; the rest waits.
    pub(super) fn start_sweep(&mut self, scope: Scope, events: &mut Events) {
        self.sweep_within(Sweep::of(scope), &mut Budget::of_command(), events);
    }

    /// Sweeps within a budget, before whatever sweeps wait; the rest waits.
    pub(super) fn sweep_within(&mut self, sweep: Sweep, budget: &mut Budget, events: &mut Events) {
        self.sweeps.push_front(sweep);
        self.left_over = true;
        self.go_on_sweeping(budget, events);
    }

    /// Cancels up to the bound of a command; the rest is the caller's.
    pub(super) fn cancel_some(&mut self, scope: Scope, events: &mut Events) {
        self.sweeps.push_front(Sweep::of(scope));
        self.advance(&mut Budget::of_command(), events);
        self.sweeps.pop_front();
    }

    /// Goes on with the first sweep within a budget; the rest waits.
    pub(super) fn go_on_sweeping(&mut self, budget: &mut Budget, events: &mut Events) {
        if !self.advance(budget, events) {
            return;
        }
        let Some(Sweep { scope, asked, count, .. }) = self.sweeps.pop_front() else { return };
        if let Some(group) = scope.protection {
            self.end_protection_sweep(scope.account, group);
        }
        if let Some(Asked { session, client_order_id }) = asked {
            let account = scope.account;
            events.push(Event::MassCancelled { session, client_order_id, account, count });
        }
    }

    /// Cancels of the first sweep what the budget admits; whether it is through.
    fn advance(&mut self, budget: &mut Budget, events: &mut Events) -> bool {
        let Some(sweep) = self.sweeps.front_mut() else { return true };
        if !sweep.has_begun {
            sweep.has_begun = true;
            sweep.next = self.ledger.first_order(sweep.scope.account, sweep.scope.instrument);
        }
        loop {
            if !self.advance_in_account(budget, events) {
                return false;
            }
            let Some(&Sweep { scope, at, .. }) = self.sweeps.front() else { return true };
            let follows = if scope.isolated_too { self.next_of_family(scope.account, at) } else { None };
            let (Some(sweep), Some(at)) = (self.sweeps.front_mut(), follows) else { return true };
            sweep.at = at;
            sweep.next = self.ledger.first_order(at, scope.instrument);
        }
    }

    /// The same for the account the sweep is at.
    fn advance_in_account(&mut self, budget: &mut Budget, events: &mut Events) -> bool {
        while let Some(Sweep { scope, next: Some(slot), .. }) = self.sweeps.front().copied() {
            if budget.looks == 0 || budget.cancels == 0 {
                return false;
            }
            budget.looks -= 1;
            self.pass_over(slot);
            if self.goes(slot, &scope) {
                budget.cancels -= 1;
                if let Some(sweep) = self.sweeps.front_mut() {
                    sweep.count += 1;
                }
                self.cancel_and_drop_leg(slot, scope.reason, events);
            }
        }
        true
    }

    /// The sweep at work, where it would look at this order next, looks at the one after it.
    pub(super) fn pass_over(&mut self, slot: OrderSlot) {
        if let Some(sweep) = self.sweeps.front_mut()
            && sweep.next == Some(slot)
        {
            sweep.next = self.ledger.order_after(slot, sweep.scope.instrument);
        }
    }

    fn goes(&self, slot: OrderSlot, scope: &Scope) -> bool {
        let order = self.orders.get(slot);
        let spared = match scope.spared {
            Spared::Nothing => false,
            Spared::ReduceOnly => order.reduce_only(),
            Spared::Protection => order.reduce_only() || order.persistent(),
        };
        let session = self.orders.terms(slot).session;
        let came_by = match scope.origin {
            Origin::Any => true,
            Origin::Session(wanted) => session == wanted,
            Origin::Key(key) => self.sessions[session.get() as usize].key == key,
        };
        !spared
            && came_by
            && scope.side.is_none_or(|side| order.side() == side)
            && scope.tag.is_none_or(|tag| self.tag(slot) == tag)
            && scope.protection.is_none_or(|group| self.protection_of(slot) == group)
    }

    /// What a client finds an order by; 0 where it wrote nothing on it.
    pub(super) fn tag(&self, slot: OrderSlot) -> OrderTag {
        self.orders.conditions(slot).map_or_else(OrderTag::default, |conditions| conditions.instructions.tag)
    }

    /// The market-maker protection group of an order; 0 where it has none.
    #[inline]
    pub(super) fn protection_of(&self, slot: OrderSlot) -> ProtectionId {
        let conditions = self.orders.conditions(slot);
        conditions.map_or_else(ProtectionId::default, |conditions| conditions.instructions.protection)
    }
}
