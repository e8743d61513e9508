//! The dead-man timer: a client that stays silent has its orders cancelled.
//!
//! Invariant: between commands, unless work is left over, no armed deadline lies at or before the last tick. Timers fire
//! by ascending deadline, among equals by session. A timer outlives its session's connection: it is the client's own
//! guard.

use super::sweep::{Budget, Origin, Scope, Spared, Sweep};
use super::{Venue, Verdict};
use crate::command::{Command, SessionId, SessionKind, TimeNs};
use crate::event::{CancelReason, Event, Events};
use crate::reject::Reject;

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

        session.deadline = if timeout_ms == 0 { TimeNs::default() } else { time.later(timeout_ms) };
        session.keep_reduce_only = keep_reduce_only;
        let (account, deadline) = (session.account, session.deadline);
        self.deadlines.set(id, deadline);
        events.push(Event::DeadManSet { session: id, client_order_id, account, deadline });
        Ok(())
    }

    /// The orders of the session go but for what is spared, within the budget; the rest waits.
    pub(super) fn fire_dead_man(&mut self, id: SessionId, budget: &mut Budget, events: &mut Events) {
        let session = &mut self.sessions[id.get() as usize];
        session.deadline = TimeNs::default();
        let account = session.account;
        let spared = if session.keep_reduce_only { Spared::ReduceOnly } else { Spared::Nothing };
        self.deadlines.set(id, TimeNs::default());
        events.push(Event::DeadManFired { session: id, account });
        let scope = Scope::of_family(account, CancelReason::DeadMan);
        let scope = Scope { origin: Origin::Session(id), spared, ..scope };
        self.sweep_within(Sweep::of(scope), budget, events);
    }
}
