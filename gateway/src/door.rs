//! The door: the server's sessions, without sockets and without a clock.
//!
//! Octets come in with a time and go out into a buffer; commands leave through a [`Gate`], what became of them comes back
//! as outcomes that the log covers. So everything a server decides can be tested in one thread with the time of a test.
//!
//! Invariant: what leaves is in the log, or speaks of nothing that is not. A client's number is used up when the queue
//! has taken it and not before; nothing that one connection sends, or fails to read, holds up another.
//!
//! # States of a connection
//!
//! | state | what is read | what comes | then |
//! |---|---|---|---|
//! | `AwaitHello` | `Hello` | `Challenge` | `AwaitProof` |
//! | `AwaitProof` | `LogonProof` | `Logon` goes to the engine; the session's other connection is not read meanwhile | `AwaitSequenced` |
//! | `AwaitSequenced` | nothing | the engine admits it: `LogonAck`, a `GapFill` if frames are gone, the frames asked for | Active |
//! | Active | requests, queries, session messages | frames as they become durable | `LoggingOff`, Closing |
//! | `LoggingOff` | nothing more | the engine has it: the frames up to there, `Logout` | Closing |
//! | Closing | nothing more | what is left of its last frame | gone |
//!
//! # States of a session
//!
//! | what happens to its connection | then |
//! |---|---|
//! | the peer closes, lapses, does not read, breaks the protocol, floods, leaves out a number; its key is revoked | the grace begins; after it `SessionLost` goes to the engine |
//! | another connection logs on to the session | `Terminate(TakenOver)`; no grace |
//! | `Logout` | `Logoff` goes to the engine; no grace |
//! | the server shuts down | `Terminate(ServerShutdown)`; no grace |
//! | the server starts, and the log has the session logged on, with orders to cancel on its loss | the grace begins with the first tick |
//!
//! # Answers to bad input
//!
//! | input | before the logon | when logged on |
//! |---|---|---|
//! | not a frame: wrong constant; a length below 32 or above the limit | `LogonReject` 1001, 1002; close | `Terminate(ProtocolError)`; close |
//! | more than 4 KiB | `LogonReject` 1002; close | |
//! | nothing, or not all of a logon, for 3 s | `LogonReject` 1109; close | |
//! | any frame but the one that is due | `LogonReject` 1109; close | `Hello`, `LogonProof`: `Terminate(ProtocolError)` |
//! | unknown key, wrong or replayed signature, another key's number | `LogonReject` 1102, 1101; close after 1 s | |
//! | expired key, kind not admitted, too many sessions | `LogonReject` 1103, 1104, 1105; close | |
//! | numbers from the future in `next_expected_seq_no` | `LogonReject` 1107; close | |
//! | unknown template, unknown schema, numbered | as any frame | number used up, `SessionReject` 1005, 1003 |
//! | the same, unsequenced | as any frame | unnumbered `SessionReject` |
//! | short block, bad group, bad enumeration, null, reserved field | `LogonReject` with the code; close | number used up, `SessionReject` with code and field |
//! | request of another kind of session | as any frame | number used up, `SessionReject` 1104 |
//! | another's account | | refused by the engine: number used up, `NoPermission` |
//! | a number used before | | dropped and counted |
//! | a number left out | | `Terminate(SequenceGap)`; close |
//! | too fast | | numbers used up, `ThrottleReject`; queries: `QueryEnd` 1110; cancels are never too fast |
//! | 10,000 refused frames in a row | | `Terminate(Throttled)`; close |
//! | silence of three heartbeats | | `Terminate(HeartbeatLapsed)`; close |
//! | a reader that its ring overruns, or that lets 1 MiB of answers wait | | `Terminate(SlowConsumer)`; close |
//! | one connection too many | not accepted | |

mod config;
mod connection;
mod grace;
mod logon;
mod output;
mod projection;
mod receive;
mod requests;
mod resend;
mod ring;
mod routes;
mod sequenced;
mod speak;
mod talk;
mod terms;
mod throttle;
mod timers;
pub(crate) mod translate;

pub use config::{DoorConfig, DoorStats, RING_BYTES};
pub use connection::{ConnectionId, Standing};
pub use logon::{CHALLENGE_BYTES, DOMAIN, HELLO_BYTES, PROTOCOL_VERSION, SIGNED_BYTES, signed_octets};
pub use projection::{Key, LoggedSession, Place, Projection, SessionName};
pub use ring::RING_BYTES_MIN;
pub use throttle::Allowance;

use std::collections::{BTreeMap, VecDeque};

use engine::{Command, Logon, TimeNs};

use crate::in_process::Refused;
use crate::outcome::Arrival;
use crate::query::Query;
use crate::wire::codes::ErrorCode;
use crate::wire::types::Durability;
use connection::{Connections, Pause, Stage};
use grace::Grace;
use logon::Nonces;
use throttle::Bucket;
use timers::Alarms;

/// The way to the engine.
pub trait Gate {
    /// Submits a command.
    ///
    /// # Errors
    /// [`Refused`], with the command.
    fn submit(&mut self, arrival: Arrival) -> Result<(), Refused>;

    /// Submits a question, in its place among the commands.
    ///
    /// # Errors
    /// The question, when the queue is full or the venue has stopped.
    fn ask(&mut self, query: Query) -> Result<(), Query>;
}

/// What the door knows of a session beside the log.
#[derive(Debug)]
struct Desk {
    /// The connection that speaks for it.
    owner: Option<ConnectionId>,
    /// Highest number submitted.
    submitted: u64,
    requests: Bucket,
    queries: Bucket,
    /// When it is given up.
    lost_at: Option<TimeNs>,
}

/// The sessions' side of a server.
#[derive(Debug)]
pub struct Door {
    config: DoorConfig,
    projection: Projection,
    /// By the projection's places.
    desks: Vec<Desk>,
    connections: Connections,
    /// Connections that may have something to do.
    ready: Vec<ConnectionId>,
    /// Connections that wait for room in the queue.
    blocked: Vec<ConnectionId>,
    alarms: Alarms,
    grace: Grace,
    nonces: Nonces,
    engine_epoch: u64,
    durability: Durability,
    /// Commands of the door's own that wait for room in the queue, first owed first.
    owed: VecDeque<Command>,
    /// Logons on their way through the log, in their order.
    logons: VecDeque<(ConnectionId, Logon)>,
    /// How many of them there are by session.
    claims: BTreeMap<SessionName, u32>,
    /// Connections that are not logged on.
    strangers: usize,
    proofs_left: u32,
    /// When the engine's next tick is due; `None` before the first call of [`Self::tick`].
    next_tick: Option<TimeNs>,
    /// The latest time that was told.
    now: TimeNs,
    shutting_down: bool,
    stats: DoorStats,
}

impl Door {
    /// A door onto what `projection` has folded so far. `seed` must be random: the challenges follow from it.
    #[must_use]
    pub fn new(
        config: DoorConfig,
        projection: Projection,
        engine_epoch: u64,
        durability: Durability,
        seed: [u8; 32],
    ) -> Self {
        let proofs_left = config.proofs_per_round;
        let mut door = Self {
            config,
            projection,
            desks: Vec::new(),
            connections: Connections::default(),
            ready: Vec::new(),
            blocked: Vec::new(),
            alarms: Alarms::default(),
            grace: Grace::default(),
            nonces: Nonces::new(seed),
            engine_epoch,
            durability,
            owed: VecDeque::new(),
            logons: VecDeque::new(),
            claims: BTreeMap::new(),
            strangers: 0,
            proofs_left,
            next_tick: None,
            now: TimeNs::default(),
            shutting_down: false,
            stats: DoorStats::default(),
        };
        door.furnish();
        door
    }

    /// Its limits.
    #[must_use]
    pub const fn config(&self) -> &DoorConfig {
        &self.config
    }

    /// Keys, sessions and frames.
    #[must_use]
    pub const fn projection(&self) -> &Projection {
        &self.projection
    }

    /// What it has counted.
    #[must_use]
    pub fn stats(&self) -> DoorStats {
        DoorStats { connections: self.connections.len() as u64, ..self.stats }
    }

    /// Takes a new connection.
    ///
    /// # Errors
    /// [`ErrorCode::TooManyConnections`], [`ErrorCode::ShuttingDown`]: close it at once.
    pub fn open(&mut self, now: TimeNs) -> Result<ConnectionId, ErrorCode> {
        self.tell(now);
        if self.shutting_down {
            return Err(ErrorCode::ShuttingDown);
        }
        let is_full = self.connections.len() >= self.config.connections_max;
        if is_full || self.strangers >= self.config.strangers_max {
            return Err(ErrorCode::TooManyConnections);
        }
        let id = self.connections.open(now);
        self.strangers += 1;
        self.set_alarm(id, later(now, self.config.logon_ms));
        Ok(id)
    }

    /// The connection's socket is gone, whoever closed it. Its number is not known any more.
    pub fn peer_closed(&mut self, id: ConnectionId, now: TimeNs) {
        self.tell(now);
        let Some(connection) = self.connections.remove(id) else { return };
        match connection.stage {
            Stage::AwaitHello | Stage::AwaitProof(_) | Stage::AwaitSequenced(_) => {
                self.strangers -= 1;
                self.stats.refused_logons += 1;
            }
            Stage::Active(active) => {
                self.leave(id, active.place);
                self.begin_grace(active.place);
            }
            Stage::LoggingOff(active) => self.leave(id, active.place),
            Stage::Closing(_) => {}
        }
    }

    /// What is to be done with a connection.
    #[must_use]
    pub fn state(&self, id: ConnectionId) -> Standing {
        let Some(connection) = self.connections.get(id) else { return Standing::Gone };
        match &connection.stage {
            Stage::Closing(closing) if closing.not_before > self.now => Standing::CloseAt(closing.not_before),
            Stage::Closing(closing) if closing.at_latest <= self.now => Standing::CloseAt(closing.at_latest),
            Stage::Closing(_) => Standing::CloseAfterFlush,
            Stage::AwaitHello
            | Stage::AwaitProof(_)
            | Stage::AwaitSequenced(_)
            | Stage::Active(_)
            | Stage::LoggingOff(_) => Standing::Open,
        }
    }

    /// Whether octets of a connection should be read and given to [`Self::receive`], those left from the last call
    /// included. Where not, the connection comes up in [`Self::drain_ready`] when that changes.
    #[must_use]
    pub fn wants_read(&self, id: ConnectionId) -> bool {
        self.connections.get(id).is_some_and(|connection| {
            connection.pause == Pause::None && !matches!(connection.stage, Stage::AwaitSequenced(_))
        })
    }

    /// Whether the read quota left whole frames of a connection unread: give [`Self::receive`] what is left in the next
    /// round, also when nothing new has come. Such a connection comes up in [`Self::drain_ready`].
    #[must_use]
    pub fn has_more(&self, id: ConnectionId) -> bool {
        self.connections.get(id).is_some_and(|connection| connection.has_more)
    }

    /// Connections that may have something to send, to read again, or that are to be closed; each once.
    pub fn drain_ready(&mut self) -> impl Iterator<Item = ConnectionId> + '_ {
        for id in &self.ready {
            if let Some(connection) = self.connections.get_mut(*id) {
                connection.is_ready = false;
            }
        }
        self.ready.drain(..)
    }

    /// The server stops: every connection is told, nobody's grace begins, nothing more is submitted.
    pub fn shut_down(&mut self, now: TimeNs) {
        self.tell(now);
        self.shutting_down = true;
        let ids: Vec<ConnectionId> = self.connections.ids().collect();
        for id in ids {
            self.dismiss(id);
        }
    }

    /// Time never runs backward here.
    #[inline]
    fn tell(&mut self, now: TimeNs) {
        self.now = self.now.max(now);
    }

    /// A desk for every session the projection has.
    #[inline]
    fn furnish(&mut self) {
        for session in &self.projection.sessions()[self.desks.len()..] {
            self.desks.push(Desk {
                owner: None,
                submitted: session.last_client_seq.get(),
                requests: Bucket::default(),
                queries: Bucket::default(),
                lost_at: None,
            });
        }
    }

    /// Puts a connection among those that may have something to do.
    #[inline]
    fn make_ready(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id)
            && !connection.is_ready
        {
            connection.is_ready = true;
            self.ready.push(id);
        }
    }

    /// A connection speaks for its session no longer.
    fn leave(&mut self, id: ConnectionId, place: Place) {
        self.stats.logged_on -= 1;
        let desk = &mut self.desks[place.index()];
        if desk.owner == Some(id) {
            desk.owner = None;
        }
    }
}

/// A time some milliseconds after another.
const fn later(time: TimeNs, ms: u32) -> TimeNs {
    TimeNs::new(time.get().saturating_add(ms as u64 * 1_000_000))
}
