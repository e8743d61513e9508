//! Time: heartbeats, silence, logons that take too long, grace, the engine's ticks, and what a full queue put off.
//!
//! Invariant: every connection has one alarm set; looking at the time costs what is due, not what is connected. Nobody
//! is blamed for silence while the door itself did not listen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use engine::{Action, CancelOnLoss, Command, TimeNs};

use super::connection::{Connection, ConnectionId, Pause, Stage};
use super::output::has_output;
use super::projection::Place;
use super::{Door, Gate, later};
use crate::outcome::Arrival;
use crate::wire::codes::ErrorCode;
use crate::wire::private::Heartbeat;
use crate::wire::types::TermCode;

/// Alarms looked at in one call of `tick`.
const ALARMS_PER_ROUND: usize = 1_024;
/// Sessions given up in one call of `tick`.
const LOSSES_PER_ROUND: usize = 64;
/// A session whose grace is over while somebody logs on to it waits this much longer, in milliseconds.
const CLAIMED_MS: u32 = 10;
/// Heartbeats of silence that end a connection.
const SILENCES: u32 = 3;

/// When to look at which connection.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    heap: BinaryHeap<Reverse<(TimeNs, ConnectionId)>>,
}

impl Alarms {
    fn due(&mut self, now: TimeNs) -> Option<(TimeNs, ConnectionId)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(alarm)| alarm)
    }
}

impl Door {
    /// Does what is due; how much. To be called in every round, at least every few milliseconds.
    pub fn tick<G: Gate>(&mut self, now: TimeNs, gate: &mut G) -> usize {
        self.tell(now);
        self.proofs_left = self.config.proofs_per_round;
        let mut work = 0;
        if self.next_tick.is_none() {
            self.await_former();
            self.next_tick = Some(self.now);
        }
        for _ in 0..ALARMS_PER_ROUND {
            let Some((at, id)) = self.alarms.due(self.now) else { break };
            self.alarm(id, at);
            work += 1;
        }
        if !self.shutting_down {
            work += self.give_up();
            work += usize::from(self.pay(gate) && self.tick_engine(gate));
        }
        work + self.unblock()
    }

    /// Sets a connection's alarm, if it is not set for earlier.
    pub(super) fn set_alarm(&mut self, id: ConnectionId, at: TimeNs) {
        if let Some(connection) = self.connections.get_mut(id)
            && at < connection.alarm
        {
            connection.alarm = at;
            self.alarms.heap.push(Reverse((at, id)));
        }
    }

    /// Hands over what the door itself owes the engine; whether nothing is left.
    pub(super) fn pay<G: Gate>(&mut self, gate: &mut G) -> bool {
        while let Some(command) = self.owed.pop_front() {
            let arrival = Arrival { received: self.now, command };
            if let Err(refused) = gate.submit(arrival) {
                let (crate::in_process::Refused::Full(command)
                | crate::in_process::Refused::Stopped(command)) = refused;
                self.owed.push_front(command);
                return false;
            }
        }
        true
    }

    /// Sessions that were logged on when the server ended are waited for from its start.
    fn await_former(&mut self) {
        for index in 0..self.desks.len() {
            let session = &self.projection.sessions()[index];
            if session.is_logged_on
                && session.on_loss != CancelOnLoss::Off
                && let Ok(place) = u32::try_from(index)
            {
                self.begin_grace(Place::new(place));
            }
        }
    }

    fn alarm(&mut self, id: ConnectionId, at: TimeNs) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.alarm != at {
            return;
        }
        connection.alarm = TimeNs::new(u64::MAX);
        match &connection.stage {
            Stage::AwaitHello | Stage::AwaitProof(_) => {
                if self.now >= later(connection.opened, self.config.logon_ms) {
                    self.refuse_stranger(id, ErrorCode::NotLoggedOn);
                }
            }
            Stage::AwaitSequenced(_) | Stage::LoggingOff(_) => {}
            Stage::Active(_) => self.beat(id),
            Stage::Closing(closing) => {
                let at_latest = closing.at_latest;
                if at_latest > self.now {
                    self.set_alarm(id, at_latest);
                }
                self.make_ready(id);
            }
        }
    }

    /// Says that the venue is there, or that the client is not.
    fn beat(&mut self, id: ConnectionId) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(id) else { return };
        if connection.pause != Pause::None {
            connection.heard = now;
        }
        let lapses = lapse(connection);
        if now >= lapses {
            self.terminate(id, TermCode::HeartbeatLapsed);
            return;
        }
        let mut speaks = later(connection.sent, connection.heartbeat_ms);
        if now >= speaks {
            // Frames that wait are as good a sign of life.
            let is_silent = !has_output(connection, &self.projection);
            connection.sent = now;
            speaks = later(now, connection.heartbeat_ms);
            if is_silent {
                self.say(id, &Heartbeat { send_time: now, echo_time: TimeNs::default() });
            }
        }
        self.set_alarm(id, speaks.min(lapses));
    }

    /// Has the engine give up sessions whose grace is over.
    fn give_up(&mut self) -> usize {
        let mut work = 0;
        for _ in 0..LOSSES_PER_ROUND {
            let Some(place) = self.grace.over(self.now) else { break };
            let session = self.projection.at(place);
            work += 1;
            if self.claims.contains_key(&session.name()) {
                let until = later(self.now, CLAIMED_MS);
                self.desks[place.index()].lost_at = Some(until);
                self.grace.wait(place, until);
                continue;
            }
            self.owed.push_back(Command::venue(Action::SessionLost { session: session.session }));
            self.desks[place.index()].lost_at = None;
            self.stats.losses += 1;
        }
        work
    }

    fn tick_engine<G: Gate>(&mut self, gate: &mut G) -> bool {
        if self.next_tick.is_some_and(|due| due > self.now) {
            return false;
        }
        let arrival = Arrival { received: self.now, command: Command::venue(Action::Tick) };
        if gate.submit(arrival).is_err() {
            return false;
        }
        self.next_tick = Some(later(self.now, self.config.tick_ms));
        true
    }

    /// Reads again from connections that a full queue stopped.
    fn unblock(&mut self) -> usize {
        let count = self.blocked.len();
        for index in 0..count {
            let id = self.blocked[index];
            if self.connections.get(id).is_some_and(|connection| connection.pause == Pause::Queue) {
                self.unpause(id);
            }
        }
        self.blocked.clear();
        count
    }
}

/// When a connection's silence has lasted too long.
const fn lapse(connection: &Connection) -> TimeNs {
    later(connection.heard, connection.heartbeat_ms.saturating_mul(SILENCES))
}
