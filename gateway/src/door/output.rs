//! Frames on their way to a connection.
//!
//! Invariant: frames leave whole, in order, and only into the room the caller has: a connection that does not read holds
//! nothing but its place in the ring.

use super::Door;
use super::connection::{Active, Connection, ConnectionId, Stage};
use super::projection::{LoggedSession, Projection};
use crate::insight::Finding;
use crate::query::{Answer, Rows};
use crate::wire::codes::ErrorCode;
use crate::wire::frame::{self, Flags, Prefix};
use crate::wire::message::Message;
use crate::wire::private::{GapFill, QueryEnd};
use crate::wire::types::TermCode;
use engine::TimeNs;

impl Door {
    /// Appends the frames that are due to a connection: whole ones, at most `limit` octets.
    pub fn fill(&mut self, id: ConnectionId, out: &mut Vec<u8>, limit: usize) {
        self.end_overrun(id);
        let Some(connection) = self.connections.get_mut(id) else { return };
        let start = out.len();
        fill(connection, &self.projection, out, limit);
        if out.len() > start {
            connection.sent = self.now;
        }
    }

    /// Whether frames are due to a connection.
    #[must_use]
    pub fn has_output(&self, id: ConnectionId) -> bool {
        self.connections.get(id).is_some_and(|connection| has_output(connection, &self.projection))
    }

    /// Ends a connection whose ring has gone on without it.
    pub(super) fn end_overrun(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get(id) else { return };
        let is_overrun = |active: &Active| active.reader.is_overrun(self.projection.at(active.place));
        if connection.active().is_some_and(is_overrun)
            || connection.unsent.len() > self.config.unsent_bytes_max
        {
            self.terminate(id, TermCode::SlowConsumer);
        }
    }

    /// Hands an answer to whoever asked, if it is still there.
    pub fn answer(&mut self, answer: &Answer, now: TimeNs) {
        self.tell(now);
        let id = ConnectionId::from_u64(answer.asker);
        if !self.connections.get(id).is_some_and(|connection| matches!(connection.stage, Stage::Active(_))) {
            return;
        }
        match &answer.rows {
            Rows::None => {}
            Rows::OpenOrders(rows) => self.say_all(id, rows),
            Rows::Instruments(rows) => self.say_all(id, rows),
            Rows::Book(sides) => self.say_all(id, sides),
            Rows::Account { state, balances, positions } => {
                self.say(id, state.as_ref());
                self.say_all(id, positions);
                self.say_all(id, balances);
            }
            Rows::Assets(rows) => self.say_all(id, rows),
            Rows::Terms(row) => self.say(id, row.as_ref()),
            Rows::Insight(findings) => self.say_findings(id, findings),
        }
        let rows = u32::try_from(answer.rows.count()).unwrap_or(u32::MAX);
        let end = QueryEnd { query_id: answer.query_id, engine_seq: answer.seq, rows, code: answer.code };
        self.say(id, &end);
        self.end_overrun(id);
    }

    fn say_findings(&mut self, id: ConnectionId, findings: &[Finding]) {
        for finding in findings {
            match finding {
                Finding::Account(row) => self.say(id, row),
                Finding::Position(row) => self.say(id, row),
                Finding::Verdict(row) => self.say(id, row),
                Finding::Underlying(row) => self.say(id, row),
                Finding::Distance(row) => self.say(id, row),
                Finding::Instrument(row) => self.say(id, row),
                Finding::Survey(row) => self.say(id, row),
                Finding::Rank(row) => self.say(id, row),
                Finding::Group(row) => self.say(id, row.as_ref()),
                Finding::Deleveraging(row) => self.say(id, row),
                Finding::Map(row) => self.say(id, row),
            }
        }
    }

    fn say_all<M: Message>(&mut self, id: ConnectionId, rows: &[M]) {
        for row in rows {
            self.say(id, row);
        }
    }
}

/// Whether frames are due.
pub(super) fn has_output(connection: &Connection, projection: &Projection) -> bool {
    connection.unsent.len() > 0
        || match &connection.stage {
            Stage::Active(active) | Stage::LoggingOff(active) => {
                active.reader.is_due(projection.at(active.place))
            }
            Stage::AwaitHello | Stage::AwaitProof(_) | Stage::AwaitSequenced(_) | Stage::Closing(_) => false,
        }
}

fn fill(connection: &mut Connection, projection: &Projection, out: &mut Vec<u8>, limit: usize) {
    let start = out.len();
    let (mut active, is_closing) = match &mut connection.stage {
        Stage::Active(active) | Stage::LoggingOff(active) => (Some(active), false),
        Stage::Closing(closing) => (closing.rest.as_mut(), true),
        Stage::AwaitHello | Stage::AwaitProof(_) | Stage::AwaitSequenced(_) => (None, false),
    };
    loop {
        let room = limit.saturating_sub(out.len() - start);
        let mut before = u64::MAX;
        if let Some((frame, number)) = connection.unsent.first() {
            if active.as_ref().is_none_or(|active| number <= active.reader.next) {
                if frame.len() > room {
                    return;
                }
                out.extend_from_slice(frame);
                let length = frame.len();
                connection.unsent.take(length);
                continue;
            }
            before = number;
        } else if is_closing {
            return;
        }
        let Some(active) = &mut active else { return };
        let session = projection.at(active.place);
        match put_gap(active, session, room, out) {
            Gap::Put => {}
            Gap::NoRoom => return,
            Gap::None => {
                if !active.reader.read(session, before, room, out) {
                    return;
                }
            }
        }
    }
}

/// What became of a gap.
enum Gap {
    None,
    Put,
    NoRoom,
}

/// Tells of frames that were asked for and that the ring has dropped, also while they were waited for.
fn put_gap(active: &mut Active, session: &LoggedSession, room: usize, out: &mut Vec<u8>) -> Gap {
    let Some(resend) = &mut active.reader.resend else { return Gap::None };
    let held_from = session.oldest_number().min(resend.end);
    if resend.next >= held_from {
        return Gap::None;
    }
    let code = ErrorCode::ResendOutOfRange.code();
    let gap = GapFill { from_seq_no: resend.next, to_seq_no: held_from - 1, code };
    let prefix = Prefix {
        flags: Flags(Flags::UNSEQUENCED),
        seq_no: active.reader.next,
        ack_seq_no: session.last_client_seq.get(),
    };
    let frame_at = out.len();
    frame::append(prefix, &gap, out);
    if out.len() - frame_at > room {
        out.truncate(frame_at);
        return Gap::NoRoom;
    }
    resend.next = held_from;
    Gap::Put
}
