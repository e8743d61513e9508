//! Octets from a connection: frames, and what each is taken for.
//!
//! Invariant: octets are consumed when what they ask for was submitted, refused for good, or dropped as sent before. A
//! full queue leaves them where they are, and stops the connection, not the door.

use engine::{Action, ClientOrderId, ClientSeq, Command, SessionKind, Skip, TimeNs};
use risk::AccountId;

use super::connection::{Active, ConnectionId, Pause, Stage};
use super::requests::{self, Class, NO_FIELD, Request};
use super::{Door, Gate};
use crate::in_process::Refused;
use crate::outcome::Arrival;
use crate::wire::codes::ErrorCode;
use crate::wire::frame::{self, Flags, Frame, FrameError, SCHEMA_PRIVATE};
use crate::wire::message::Refusal;
use crate::wire::private::SessionReject;
use crate::wire::types::{TermCode, U16N};

/// What became of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// It is done with.
    Done,
    /// It waits for room in the queue.
    Full,
    /// The connection reads nothing more for now, or for ever.
    Stop,
}

/// One call of [`Door::receive`].
#[derive(Debug)]
pub(super) struct Round {
    /// Octets of frames that were looked at.
    at: usize,
    /// Octets of frames that are done with; frames between are throttled and not yet recorded.
    done: usize,
    /// The record of throttled frames; its count is 0 while there is none.
    throttled: Skip,
}

impl Round {
    const fn new() -> Self {
        let throttled = Skip {
            count: 0,
            template: 0,
            code: ErrorCode::Throttled.code(),
            field: NO_FIELD,
            retry_after_ns: 0,
        };
        Self { at: 0, done: 0, throttled }
    }
}

/// A connection's frame in its session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Speaker {
    pub(super) id: ConnectionId,
    pub(super) active: Active,
    pub(super) kind: SessionKind,
    pub(super) account: AccountId,
}

impl Door {
    /// Takes frames from the start of `bytes`; how many octets were consumed. The caller keeps the rest and gives it
    /// again, with what has come behind it: when more came, or when the connection comes up in
    /// [`Self::drain_ready`]. See [`Self::wants_read`].
    pub fn receive<G: Gate>(&mut self, id: ConnectionId, bytes: &[u8], now: TimeNs, gate: &mut G) -> usize {
        self.tell(now);
        let now = self.now;
        let Some(connection) = self.connections.get_mut(id) else { return bytes.len() };
        if connection.pause == Pause::TakeOver {
            return 0;
        }
        connection.pause = Pause::None;
        connection.has_more = false;
        if !bytes.is_empty() {
            connection.heard = now;
        }
        match connection.stage {
            Stage::AwaitHello | Stage::AwaitProof(_) => self.receive_early(id, bytes, gate),
            Stage::AwaitSequenced(_) => 0,
            Stage::Active(active) => {
                let session = self.projection.at(active.place);
                let speaker = Speaker { id, active, kind: session.kind, account: session.account };
                self.receive_active(speaker, bytes, gate)
            }
            Stage::LoggingOff(_) | Stage::Closing(_) => bytes.len(),
        }
    }

    /// Frames of a connection that is not logged on.
    fn receive_early<G: Gate>(&mut self, id: ConnectionId, bytes: &[u8], gate: &mut G) -> usize {
        let mut at = 0;
        loop {
            let (frame, length) = match frame::split(&bytes[at..], self.frame_max()) {
                Ok(Some(cut)) => cut,
                Ok(None) => return at,
                Err(error) => {
                    self.refuse_stranger(id, code_of(error));
                    return bytes.len();
                }
            };
            let Some(connection) = self.connections.get_mut(id) else { return bytes.len() };
            if connection.early_bytes + length > self.config.early_bytes_max {
                self.refuse_stranger(id, ErrorCode::BadLength);
                return bytes.len();
            }
            match self.log_on(id, &frame, gate) {
                Taken::Done => at += length,
                Taken::Full => {
                    self.block(id);
                    return at;
                }
                Taken::Stop => {
                    let is_closing =
                        self.connections.get(id).is_none_or(|connection| !connection.is_stranger());
                    return if is_closing { bytes.len() } else { at + length };
                }
            }
            if let Some(connection) = self.connections.get_mut(id) {
                connection.early_bytes += length;
            }
        }
    }

    pub(super) fn frame_max(&self) -> usize {
        usize::try_from(self.config.frame_max).unwrap_or(usize::MAX)
    }

    /// Frames of a connection that is logged on.
    fn receive_active<G: Gate>(&mut self, speaker: Speaker, bytes: &[u8], gate: &mut G) -> usize {
        let mut round = Round::new();
        let frame_max = self.frame_max();
        let mut left = self.config.read_quota;
        loop {
            let (frame, length) = match frame::split(&bytes[round.at..], frame_max) {
                Ok(Some(cut)) => cut,
                Ok(None) => break,
                Err(_) => {
                    self.record_throttled(&speaker, &mut round, gate);
                    self.terminate(speaker.id, TermCode::ProtocolError);
                    return bytes.len();
                }
            };
            if left == 0 {
                if let Some(connection) = self.connections.get_mut(speaker.id) {
                    connection.has_more = true;
                }
                self.make_ready(speaker.id);
                break;
            }
            left -= 1;
            match self.take(&speaker, &frame, &mut round, gate) {
                Taken::Done => round.at += length,
                Taken::Full => {
                    self.block(speaker.id);
                    return round.done;
                }
                Taken::Stop => return bytes.len(),
            }
            if round.throttled.count == 0 {
                round.done = round.at;
            }
        }
        if self.record_throttled(&speaker, &mut round, gate) == Taken::Full {
            self.block(speaker.id);
        }
        round.done
    }

    #[inline]
    fn take<G: Gate>(
        &mut self,
        speaker: &Speaker,
        frame: &Frame<'_>,
        round: &mut Round,
        gate: &mut G,
    ) -> Taken {
        let class =
            if frame.schema == SCHEMA_PRIVATE { requests::class(frame.template) } else { Class::Unknown };
        let is_numbered = match class {
            Class::Request => true,
            Class::Session | Class::Query => false,
            Class::Unknown => !frame.prefix.flags.has(Flags::UNSEQUENCED),
        };
        if is_numbered {
            return self.take_request(speaker, frame, round, gate);
        }
        if self.record_throttled(speaker, round, gate) == Taken::Full {
            return Taken::Full;
        }
        match class {
            Class::Session => self.take_session_message(speaker, frame, gate),
            Class::Query => self.take_query(speaker, frame, gate),
            Class::Request | Class::Unknown => {
                let known = frame.schema == SCHEMA_PRIVATE;
                let code = if known { ErrorCode::UnknownTemplate } else { ErrorCode::UnknownSchema };
                self.reject_unnumbered(speaker.id, frame, code.into())
            }
        }
    }

    /// A request: its number decides first, then its form, then the throttle.
    fn take_request<G: Gate>(
        &mut self,
        speaker: &Speaker,
        frame: &Frame<'_>,
        round: &mut Round,
        gate: &mut G,
    ) -> Taken {
        let desk = &self.desks[speaker.active.place.index()];
        let number = frame.prefix.seq_no;
        let due = desk.submitted + 1 + u64::from(round.throttled.count);
        if number < due {
            self.stats.dropped_resends += 1;
            return Taken::Done;
        }
        if number > due {
            self.record_throttled(speaker, round, gate);
            self.terminate(speaker.id, TermCode::SequenceGap);
            return Taken::Stop;
        }
        let request = requests::read(frame, speaker.kind, speaker.account);
        let mut bucket = desk.requests;
        if !request.as_ref().is_ok_and(Request::is_free)
            && let Err(wait) = bucket.take(self.config.requests, self.now)
        {
            return self.throttle(speaker, frame.template, wait, round, gate);
        }
        if self.record_throttled(speaker, round, gate) == Taken::Full {
            return Taken::Full;
        }
        let (command, is_refused) = match request {
            Ok(Request { client_order_id, valid_until, action }) => {
                let client_seq = ClientSeq::new(number);
                let session = speaker.active.session;
                (Command { session, client_seq, client_order_id, valid_until, action }, false)
            }
            Err(refusal) => (skip(speaker, number, requests::skip(refusal, frame.template)), true),
        };
        if self.submit(speaker, command, gate) == Taken::Full {
            return Taken::Full;
        }
        self.desks[speaker.active.place.index()].requests = bucket;
        if is_refused {
            return self.count_refusal(speaker.id);
        }
        if let Some(connection) = self.connections.get_mut(speaker.id) {
            connection.refusals = 0;
        }
        Taken::Done
    }

    /// Notes a request that came too fast; those of one round are recorded together.
    fn throttle<G: Gate>(
        &mut self,
        speaker: &Speaker,
        template: u16,
        wait: u64,
        round: &mut Round,
        gate: &mut G,
    ) -> Taken {
        let record = &mut round.throttled;
        record.count += 1;
        (record.template, record.retry_after_ns) = (template, wait);
        self.stats.throttled += 1;
        let taken = self.count_refusal(speaker.id);
        if taken == Taken::Stop {
            self.record_throttled(speaker, round, gate);
        }
        taken
    }

    /// Has the numbers of throttled requests used up, before anything that came behind them.
    fn record_throttled<G: Gate>(&mut self, speaker: &Speaker, round: &mut Round, gate: &mut G) -> Taken {
        if round.throttled.count == 0 {
            return Taken::Done;
        }
        let submitted = self.desks[speaker.active.place.index()].submitted;
        let last = submitted + u64::from(round.throttled.count);
        let taken = self.submit(speaker, skip(speaker, last, round.throttled), gate);
        if taken != Taken::Full {
            round.throttled.count = 0;
            round.done = round.at;
        }
        taken
    }

    /// Hands a command of a session to the engine; its number is used up only if the queue takes it.
    fn submit<G: Gate>(&mut self, speaker: &Speaker, command: Command, gate: &mut G) -> Taken {
        let number = command.client_seq.get();
        match gate.submit(Arrival { received: self.now, command }) {
            Ok(()) => {
                self.desks[speaker.active.place.index()].submitted = number;
                Taken::Done
            }
            Err(Refused::Full(_) | Refused::Stopped(_)) => Taken::Full,
        }
    }

    /// Tells a client of a frame that has no number and cannot be taken.
    pub(super) fn reject_unnumbered(
        &mut self,
        id: ConnectionId,
        frame: &Frame<'_>,
        refusal: Refusal,
    ) -> Taken {
        self.say(
            id,
            &SessionReject {
                ref_seq_no: ClientSeq::new(frame.prefix.seq_no),
                ref_template_id: frame.template,
                code: refusal.code.code(),
                field_id: U16N::from(refusal.field),
            },
        );
        self.count_refusal(id)
    }

    /// Counts a refused frame; enough of them in a row are a flood.
    pub(super) fn count_refusal(&mut self, id: ConnectionId) -> Taken {
        self.stats.refused_frames += 1;
        let refusals_max = self.config.refusals_max;
        let Some(connection) = self.connections.get_mut(id) else { return Taken::Stop };
        connection.refusals += 1;
        if connection.refusals >= refusals_max {
            self.terminate(id, TermCode::Throttled);
            return Taken::Stop;
        }
        self.end_overrun(id);
        let lives = self.connections.get(id).is_some_and(|connection| connection.active().is_some());
        if lives { Taken::Done } else { Taken::Stop }
    }

    /// Reads nothing more from a connection until there may be room in the queue.
    pub(super) fn block(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.pause = Pause::Queue;
            self.blocked.push(id);
        }
    }
}

const fn code_of(error: FrameError) -> ErrorCode {
    match error {
        FrameError::BadEncodingType => ErrorCode::BadEncodingType,
        FrameError::BadLength => ErrorCode::BadLength,
    }
}

/// The record of numbers that never become commands.
const fn skip(speaker: &Speaker, last: u64, skip: Skip) -> Command {
    Command {
        session: speaker.active.session,
        client_seq: ClientSeq::new(last),
        client_order_id: ClientOrderId::new(0),
        valid_until: TimeNs::new(0),
        action: Action::Skip(skip),
    }
}
