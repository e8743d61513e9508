//! What became of commands, once the log covers it.
//!
//! Invariant: a logon takes effect here and nowhere else: its connection speaks for the session from its place in the
//! log on, and the one that spoke before is told so.

use engine::{Action, Event, KeyId, Logon, Reject, SessionId, TimeNs};

use super::connection::{Active, ConnectionId, Pause, Stage};
use super::projection::Place;
use super::resend::Reader;
use super::{Door, later};
use crate::outcome::Outcome;
use crate::wire::codes::ErrorCode;
use crate::wire::private::{GapFill, LogonAck, Logout};
use crate::wire::types::{CodMode, Code, Millis, TermCode};

/// Why the engine refuses a logon, in the gateway's own codes.
const REFUSALS: [(Reject, ErrorCode); 4] = [
    (Reject::UnknownKey, ErrorCode::UnknownKey),
    (Reject::KeyExpired, ErrorCode::KeyExpired),
    (Reject::NoPermission, ErrorCode::NoPermission),
    (Reject::TooManySessions, ErrorCode::TooManySessions),
];

impl Door {
    /// Takes the next outcome that the log covers, from whoever the command came.
    #[inline]
    pub fn outcome(&mut self, outcome: &Outcome<'_>, now: TimeNs) {
        self.tell(now);
        self.projection.apply(outcome);
        for index in 0..self.projection.touched().len() {
            let place = self.projection.touched()[index];
            // A desk comes with the logon, so a session may have frames before it has one here.
            if let Some(owner) = self.desks.get(place.index()).and_then(|desk| desk.owner) {
                self.end_overrun(owner);
                self.make_ready(owner);
            }
        }
        if let Action::Logon(logon) = &outcome.command.action {
            self.furnish();
            self.logon_decided(logon, outcome.events);
        } else if let Action::Logoff { session, .. } = &outcome.command.action {
            self.logged_off(*session);
        } else if let Action::RevokeKey { key } = &outcome.command.action
            && matches!(outcome.events, [Event::KeyRevoked { .. }, ..])
        {
            self.revoke(*key);
        }
    }

    fn logon_decided(&mut self, logon: &Logon, events: &[Event]) {
        let Some((id, _)) = self.logons.pop_front_if(|(_, first)| first == logon) else { return };
        let name = (logon.key, logon.tag, logon.kind as u8);
        let claims = self.claims.get_mut(&name).map_or(0, |claims| {
            *claims -= 1;
            *claims
        });
        if claims == 0 {
            self.claims.remove(&name);
        }
        let place = self.projection.place_of_name(name);
        match events.first() {
            Some(Event::LoggedOn { last_client_seq, .. }) => {
                let Some(place) = place else { return };
                self.desks[place.index()].submitted = last_client_seq.get();
                self.take_up(id, place);
                if claims > 0 {
                    self.pause_owner(place);
                }
            }
            Some(Event::Rejected { reject, .. }) => {
                let ours = REFUSALS.iter().find(|(theirs, _)| theirs == reject).map(|(_, ours)| ours);
                let words = ours.map_or("the engine refuses the logon", |code| code.words());
                self.refuse_logon(id, ours.map_or(reject.code(), |code| code.code()), words);
                if claims == 0
                    && let Some(owner) = place.and_then(|place| self.desks[place.index()].owner)
                {
                    self.unpause(owner);
                }
            }
            _ => {}
        }
    }

    /// A connection speaks for a session from now on.
    fn take_up(&mut self, id: ConnectionId, place: Place) {
        self.end_grace(place);
        if let Some(before) = self.desks[place.index()].owner {
            self.terminate(before, TermCode::TakenOver);
        }
        let is_here = self
            .connections
            .get(id)
            .is_some_and(|connection| matches!(connection.stage, Stage::AwaitSequenced(_)));
        if !is_here || self.shutting_down {
            self.begin_grace(place);
            return;
        }
        let session = self.projection.at(place);
        let (next, oldest) = (session.next_number(), session.oldest_number());
        let number = session.session;
        let Some(connection) = self.connections.get_mut(id) else { return };
        let Stage::AwaitSequenced(handshake) = &connection.stage else { return };
        let heartbeat_ms = handshake.heartbeat_ms(&self.config);
        let asked = handshake.hello.next_expected_seq_no;
        let from = if asked == 0 { oldest } else { asked.max(oldest) };
        let reader = Reader { next: from, live_from: next, resend: None };
        connection.stage = Stage::Active(Active { place, session: number, reader });
        connection.heartbeat_ms = heartbeat_ms;
        (connection.heard, connection.sent) = (self.now, self.now);
        self.strangers -= 1;
        self.stats.logged_on += 1;
        self.stats.logons += 1;
        self.desks[place.index()].owner = Some(id);
        self.acknowledge_logon(id, place, heartbeat_ms);
        if asked != 0 && asked < from {
            let code = ErrorCode::ResendOutOfRange.code();
            self.say_at_once(id, &GapFill { from_seq_no: asked, to_seq_no: from - 1, code });
        }
        self.set_alarm(id, later(self.now, heartbeat_ms));
    }

    fn acknowledge_logon(&mut self, id: ConnectionId, place: Place, heartbeat_ms: u32) {
        let session = self.projection.at(place);
        let acknowledgement = LogonAck {
            session_id: u64::from(session.session.get()),
            engine_epoch: self.engine_epoch,
            server_time: self.now,
            next_venue_seq_no: session.next_number(),
            last_client_seq_no: session.last_client_seq,
            last_cl_ord_id: session.last_client_order_id,
            oldest_retained: session.oldest_number(),
            heartbeat: Millis::new(heartbeat_ms),
            cod_grace: Millis::new(session.grace_ms),
            bucket_capacity: self.config.requests.capacity,
            bucket_rate: self.config.requests.rate,
            max_frame: self.config.frame_max,
            cod_mode: Code::of(match session.on_loss {
                engine::CancelOnLoss::Off => CodMode::Off,
                engine::CancelOnLoss::All => CodMode::CancelAll,
                engine::CancelOnLoss::KeepProtection => CodMode::KeepProtection,
            }),
            durability: Code::of(self.durability),
        };
        self.say_at_once(id, &acknowledgement);
    }

    /// A session ended in order: its connection hears of it behind everything that came before.
    fn logged_off(&mut self, session: SessionId) {
        let Some(place) = self.projection.place(session) else { return };
        let Some(id) = self.desks.get(place.index()).and_then(|desk| desk.owner) else { return };
        let Some(Stage::LoggingOff(active)) = self.connections.get(id).map(|connection| &connection.stage)
        else {
            return;
        };
        let active = *active;
        self.say(id, &Logout { code: Code::of(TermCode::Finished), cancel_orders: 0 });
        self.leave(id, place);
        self.close(id, self.now, Some(active));
    }

    /// Ends the connections of a key.
    fn revoke(&mut self, key: KeyId) {
        for index in 0..self.desks.len() {
            if self.projection.sessions()[index].key == key
                && let Some(owner) = self.desks[index].owner
            {
                self.terminate(owner, TermCode::Unauthorised);
            }
        }
    }

    /// Reads nothing more from a session's connection: another one is about to take it up.
    pub(super) fn pause_owner(&mut self, place: Place) {
        if let Some(owner) = self.desks[place.index()].owner
            && let Some(connection) = self.connections.get_mut(owner)
        {
            connection.pause = Pause::TakeOver;
        }
    }

    /// Reads from a connection again. Its silence meanwhile was the door's doing.
    pub(super) fn unpause(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.pause = Pause::None;
            connection.heard = self.now;
            self.make_ready(id);
        }
    }
}
