//! What the door itself says to a connection, and how a connection ends.
//!
//! Invariant: unnumbered frames carry the number of the numbered frame they stand before. Whatever ends a connection
//! that was logged on either has its session waited for or is one of the named exceptions.

use engine::{ClientSeq, TimeNs};

use super::connection::{Closing, ConnectionId, Pause, Stage};
use super::projection::Place;
use super::{Door, later};
use crate::wire::codes::ErrorCode;
use crate::wire::frame::{self, Flags, Prefix};
use crate::wire::message::{Message, Text};
use crate::wire::private::{LogonReject, Terminate};
use crate::wire::types::{Code, TermCode};

impl Door {
    /// Says something, behind every numbered frame there is so far.
    pub(super) fn say<M: Message>(&mut self, id: ConnectionId, message: &M) {
        let Some(connection) = self.connections.get(id) else { return };
        let prefix = connection.active().map_or_else(unknown, |active| self.prefix_now(active.place));
        self.put(id, prefix, message);
    }

    /// Says something at once: before the numbered frames that wait.
    pub(super) fn say_at_once<M: Message>(&mut self, id: ConnectionId, message: &M) {
        let Some(connection) = self.connections.get(id) else { return };
        let prefix = connection.active().map_or_else(unknown, |active| Prefix {
            seq_no: active.reader.next,
            ..self.prefix_now(active.place)
        });
        self.put(id, prefix, message);
    }

    fn put<M: Message>(&mut self, id: ConnectionId, prefix: Prefix, message: &M) {
        if let Some(connection) = self.connections.get_mut(id) {
            frame::append(prefix, message, connection.unsent.space());
            self.make_ready(id);
        }
    }

    fn prefix_now(&self, place: Place) -> Prefix {
        let session = self.projection.at(place);
        Prefix {
            flags: Flags(Flags::UNSEQUENCED),
            seq_no: session.next_number(),
            ack_seq_no: session.last_client_seq.get(),
        }
    }

    /// Refuses a logon and ends the connection, at once or, where guessing must not pay, later.
    pub(super) fn refuse_logon(&mut self, id: ConnectionId, code: u16, words: &str) {
        let guessed = code == ErrorCode::BadSignature.code() || code == ErrorCode::UnknownKey.code();
        let not_before = if guessed { later(self.now, self.config.refusal_ms) } else { self.now };
        let Some(connection) = self.connections.get(id) else { return };
        if !connection.is_stranger() {
            return;
        }
        self.strangers -= 1;
        self.stats.refused_logons += 1;
        self.say(id, &LogonReject { server_time: self.now, code, text: Text::new(words) });
        self.close(id, not_before, None);
    }

    /// As [`Self::refuse_logon`], for a reason of the gateway's own.
    pub(super) fn refuse_stranger(&mut self, id: ConnectionId, code: ErrorCode) {
        self.refuse_logon(id, code.code(), code.words());
    }

    /// Ends a connection that is logged on; its session is waited for unless another connection has it.
    pub(super) fn terminate(&mut self, id: ConnectionId, code: TermCode) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let (active, is_logging_off) = match connection.stage {
            Stage::Active(active) => (active, false),
            Stage::LoggingOff(active) => (active, true),
            Stage::AwaitHello | Stage::AwaitProof(_) | Stage::AwaitSequenced(_) | Stage::Closing(_) => return,
        };
        match code {
            TermCode::SlowConsumer => {
                connection.unsent.clear();
                self.stats.slow_consumers += 1;
            }
            TermCode::HeartbeatLapsed => self.stats.lapses += 1,
            TermCode::ProtocolError | TermCode::Throttled | TermCode::SequenceGap => {
                self.stats.offenders += 1;
            }
            TermCode::TakenOver => self.stats.take_overs += 1,
            TermCode::Finished | TermCode::Unauthorised | TermCode::ServerShutdown => {}
        }
        let session = self.projection.at(active.place);
        let farewell = Terminate {
            server_time: self.now,
            next_venue_seq_no: session.next_number(),
            last_client_seq_no: session.last_client_seq,
            code: Code::of(code),
            text: Text::new(words(code)),
        };
        self.say(id, &farewell);
        self.leave(id, active.place);
        let in_order = code == TermCode::ServerShutdown;
        self.close(id, self.now, in_order.then_some(active));
        if !(in_order || is_logging_off || code == TermCode::TakenOver) {
            self.begin_grace(active.place);
        }
    }

    /// Ends a connection because the server stops.
    pub(super) fn dismiss(&mut self, id: ConnectionId) {
        self.refuse_stranger(id, ErrorCode::ShuttingDown);
        self.terminate(id, TermCode::ServerShutdown);
    }

    /// The last frame of a connection was said.
    pub(super) fn close(
        &mut self,
        id: ConnectionId,
        not_before: TimeNs,
        rest: Option<super::connection::Active>,
    ) {
        let at_latest = later(not_before.max(self.now), self.config.linger_ms);
        let Some(connection) = self.connections.get_mut(id) else { return };
        connection.stage = Stage::Closing(Closing { not_before, at_latest, rest });
        connection.pause = Pause::None;
        connection.has_more = false;
        let alarm = if not_before > self.now { not_before } else { at_latest };
        self.set_alarm(id, alarm);
        self.make_ready(id);
    }

    /// Waits for a session whose connection is gone.
    pub(super) fn begin_grace(&mut self, place: Place) {
        let until = later(self.now, self.projection.at(place).grace_ms);
        let desk = &mut self.desks[place.index()];
        if desk.owner.is_none() && desk.lost_at.is_none() {
            desk.lost_at = Some(until);
            self.grace.wait(place, until);
        }
    }

    /// Waits no longer: it was taken up.
    pub(super) fn end_grace(&mut self, place: Place) {
        if let Some(until) = self.desks[place.index()].lost_at.take() {
            self.grace.end(place, until);
        }
    }
}

/// Of a connection that no session is known of.
fn unknown() -> Prefix {
    Prefix { flags: Flags(Flags::UNSEQUENCED), seq_no: 0, ack_seq_no: ClientSeq::default().get() }
}

const fn words(code: TermCode) -> &'static str {
    match code {
        TermCode::Finished => "finished",
        TermCode::Unauthorised => "the key no longer admits to the session",
        TermCode::HeartbeatLapsed => "nothing was heard for three heartbeats",
        TermCode::SlowConsumer => "frames were not read fast enough",
        TermCode::ProtocolError => "what came is no frame, or may not come now",
        TermCode::ServerShutdown => "the venue stops",
        TermCode::TakenOver => "another connection took up the session",
        TermCode::Throttled => "too many refused frames in a row",
        TermCode::SequenceGap => "a number was left out",
    }
}
