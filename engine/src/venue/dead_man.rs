//! The dead-man timer: a client that stays silent has its orders cancelled.
//!
//! Invariant: between commands, unless work is left over, no armed deadline lies at or before the last tick. Timers fire
//! by ascending deadline, among equals by session. A timer outlives its session's connection: it is the client's own
//! guard.

use super::sweep::{Budget, Scope, Spared};
use super::{Venue, Verdict};
use crate::command::{Command, SessionId, SessionKind, TimeNs};
use crate::event::{CancelReason, Event, Events};
use crate::limits::TIMERS_PER_COMMAND;
use crate::reject::Reject;

const NS_PER_MS: u64 = 1_000_000;

impl Venue {
    /// Arms or disarms the timer of the commanding session, which must be bound to an account.
    #[inline(never)]
    pub(super) fn cancel_all_after(
        &mut self,
        command: &Command,
        timeout_ms: u32,
        keep_reduce_only: bool,
        events: &mut Events,
    ) -> Verdict {
        let (time, id, client_order_id) = (self.last.time, command.session, command.client_order_id);
        let session = self.sessions.get_mut(id.get() as usize).ok_or(Reject::UnknownSession)?;
        if session.kind != SessionKind::OrderEntry {
            return Err(Reject::NoPermission.into());
        }

        let wait = u64::from(timeout_ms) * NS_PER_MS;
        session.deadline = TimeNs::new(if wait == 0 { 0 } else { time.get().saturating_add(wait) });
        session.keep_reduce_only = keep_reduce_only;
        let (account, deadline) = (session.account, session.deadline);
        self.deadlines.set(id, deadline);
        events.push(Event::DeadManSet { session: id, client_order_id, account, deadline });
        Ok(())
    }

    /// Logical time passes: timers may run out.
    #[inline(never)]
    pub(super) fn tick(&mut self, events: &mut Events) {
        events.push(Event::Ticked);
        self.fire_due(self.last.time, events);
    }

    /// Fires what ran out by `now`, up to the bound of a command; the rest waits.
    pub(super) fn fire_due(&mut self, now: TimeNs, events: &mut Events) {
        let mut budget = Budget::of_command();
        for _ in 0..TIMERS_PER_COMMAND {
            if let Some(session) = self.deadlines.due(now) {
                self.fire(session, &mut budget, events);
            } else if let Some(instrument) = self.state_due(now) {
                self.next_state(instrument, now, &mut budget, events);
            } else {
                return;
            }
            if !self.sweeps.is_empty() || self.phase.is_some() {
                break;
            }
        }
        let is_due = self.deadlines.due(now).is_some() || self.state_due(now).is_some();
        self.firing = is_due.then_some(now);
    }

    fn fire(&mut self, id: SessionId, budget: &mut Budget, events: &mut Events) {
        let session = &mut self.sessions[id.get() as usize];
        session.deadline = TimeNs::default();
        let account = session.account;
        let spared = if session.keep_reduce_only { Spared::ReduceOnly } else { Spared::Nothing };
        self.deadlines.set(id, TimeNs::default());
        events.push(Event::DeadManFired { session: id, account });
        let scope = Scope { session: Some(id), spared, ..Scope::of_account(account, CancelReason::DeadMan) };
        self.go_on_sweeping(self.sweep_of(scope), budget, events);
    }
}
