//! Sweeps: many orders of one account go, a bounded piece per command.
//!
//! Invariant: a sweep looks at each order in its scope once, legs by ascending instrument, in a leg the latest to join
//! first. While one waits no other command is taken, so the order it goes on with is still there.

use super::Venue;
use crate::command::{ClientOrderId, OrderTag, SessionId};
use crate::event::{CancelReason, Event, Events};
use crate::limits::{CANCELS_PER_COMMAND, LOOKS_PER_COMMAND};
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

/// Which orders go, and why.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Scope {
    pub(super) account: AccountId,
    /// `None`: in every instrument.
    pub(super) instrument: Option<InstrumentId>,
    /// `None`: both sides.
    pub(super) side: Option<Side>,
    /// `None`: whatever tag, and without one.
    pub(super) tag: Option<OrderTag>,
    /// `None`: whatever session they came by.
    pub(super) session: Option<SessionId>,
    pub(super) spared: Spared,
    pub(super) reason: CancelReason,
}

impl Scope {
    /// Everything an account has.
    pub(super) const fn of_account(account: AccountId, reason: CancelReason) -> Self {
        Self {
            account,
            instrument: None,
            side: None,
            tag: None,
            session: None,
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

/// A sweep, and how far it is.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Sweep {
    scope: Scope,
    pub(super) asked: Option<Asked>,
    /// The order to look at next.
    next: Option<OrderSlot>,
    /// Cancelled so far.
    count: u32,
}

/// Where a sweep goes on after the cancel at work. What goes with the cancelled order may be the one that comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    next: Option<OrderSlot>,
    instrument: Option<InstrumentId>,
}

impl Cursor {
    pub(super) const NOWHERE: Self = Self { next: None, instrument: None };
}

/// What is left of the work one command may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    looks: usize,
    cancels: usize,
}

impl Budget {
    /// All of it.
    pub(super) const fn of_command() -> Self {
        Self { looks: LOOKS_PER_COMMAND, cancels: CANCELS_PER_COMMAND }
    }
}

impl Venue {
    /// A sweep that has looked at nothing yet.
    pub(super) fn sweep_of(&self, scope: Scope) -> Sweep {
        let next = self.ledger.first_order(scope.account, scope.instrument);
        Sweep { scope, asked: None, next, count: 0 }
    }

    /// Sweeps up to the bound of a command; the rest waits.
    pub(super) fn start_sweep(&mut self, scope: Scope, events: &mut Events) {
        self.go_on_sweeping(self.sweep_of(scope), &mut Budget::of_command(), events);
    }

    /// Cancels up to the bound of a command; the rest is the caller's.
    pub(super) fn cancel_some(&mut self, scope: Scope, events: &mut Events) {
        let mut sweep = self.sweep_of(scope);
        self.advance(&mut sweep, &mut Budget::of_command(), events);
    }

    /// Goes on with a sweep within the budget; the rest waits.
    pub(super) fn go_on_sweeping(&mut self, mut sweep: Sweep, budget: &mut Budget, events: &mut Events) {
        self.advance(&mut sweep, budget, events);
        if sweep.next.is_some() {
            self.sweeps.push_front(sweep);
        } else if let Some(Asked { session, client_order_id }) = sweep.asked {
            let (account, count) = (sweep.scope.account, sweep.count);
            events.push(Event::MassCancelled { session, client_order_id, account, count });
        }
    }

    fn advance(&mut self, sweep: &mut Sweep, budget: &mut Budget, events: &mut Events) {
        while budget.looks > 0 && budget.cancels > 0 {
            let Some(slot) = sweep.next else { return };
            sweep.next = self.ledger.order_after(slot, sweep.scope.instrument);
            budget.looks -= 1;
            if self.goes(slot, &sweep.scope) {
                self.cursor = Cursor { next: sweep.next, instrument: sweep.scope.instrument };
                self.cancel_and_drop_leg(slot, sweep.scope.reason, events);
                sweep.next = core::mem::replace(&mut self.cursor, Cursor::NOWHERE).next;
                budget.cancels -= 1;
                sweep.count += 1;
            }
        }
    }

    /// Lets the sweep at work pass an order that goes with the one it cancels.
    pub(super) fn sweep_past(&mut self, slot: OrderSlot) {
        if self.cursor.next == Some(slot) {
            self.cursor.next = self.ledger.order_after(slot, self.cursor.instrument);
        }
    }

    fn goes(&self, slot: OrderSlot, scope: &Scope) -> bool {
        let order = self.orders.get(slot);
        let spared = match scope.spared {
            Spared::Nothing => false,
            Spared::ReduceOnly => order.reduce_only(),
            Spared::Protection => order.reduce_only() || order.persistent(),
        };
        !spared
            && scope.session.is_none_or(|session| self.orders.terms(slot).session == session)
            && scope.side.is_none_or(|side| order.side() == side)
            && scope.tag.is_none_or(|tag| self.tag(slot) == tag)
    }

    /// What a client finds an order by; 0 where it wrote nothing on it.
    pub(super) fn tag(&self, slot: OrderSlot) -> OrderTag {
        self.orders.conditions(slot).map_or_else(OrderTag::default, |conditions| conditions.instructions.tag)
    }
}
