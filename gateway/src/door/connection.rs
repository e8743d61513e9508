//! Connections: how far each has come, what waits to be sent, and the table that holds them.
//!
//! Invariant: a connection only ever goes forward through its stages. A [`ConnectionId`] names one connection for ever:
//! its place is used again, its generation is not. What waits for a connection is bounded.

use engine::{SessionId, TimeNs};

use super::logon::Handshake;
use super::projection::Place;
use super::resend::Reader;

/// Names a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnectionId {
    slot: u32,
    generation: u32,
}

impl ConnectionId {
    /// Its place among the connections; used again when the connection is gone.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.slot
    }

    /// As one number, which is never used again.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        (self.generation as u64) << 32 | self.slot as u64
    }

    /// Back from [`Self::to_u64`].
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "two halves")]
    pub const fn from_u64(number: u64) -> Self {
        Self { slot: number as u32, generation: (number >> 32) as u32 }
    }
}

/// What the server is to do with a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Keep it.
    Open,
    /// Close it as soon as `fill` gives nothing more and the socket has taken everything.
    CloseAfterFlush,
    /// Close it at this time, whatever is still unsent.
    CloseAt(TimeNs),
    /// It is not known, or no longer: close it.
    Gone,
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing has come.
    AwaitHello,
    /// The challenge was sent.
    AwaitProof(Box<Handshake>),
    /// The proof holds; the logon is on its way through the log.
    AwaitSequenced(Box<Handshake>),
    /// Logged on.
    Active(Active),
    /// A logout is on its way through the log.
    LoggingOff(Active),
    /// Its last frame was written.
    Closing(Closing),
}

/// A connection that is logged on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active {
    pub(super) place: Place,
    pub(super) session: SessionId,
    pub(super) reader: Reader,
}

/// The end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    /// Not closed before, although everything is sent.
    pub(super) not_before: TimeNs,
    /// Closed then, although not everything is sent.
    pub(super) at_latest: TimeNs,
    /// Numbered frames that are still sent, up to the last frame.
    pub(super) rest: Option<Active>,
}

/// Why nothing is read from a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pause {
    /// Something is.
    None,
    /// The engine's queue is full, or enough signatures were checked for one round.
    Queue,
    /// Another connection takes up its session.
    TakeOver,
}

/// Unnumbered frames that wait. Each carries the number of the numbered frame it stands before.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    bytes: Vec<u8>,
    taken: usize,
}

/// Space that a connection keeps when nothing waits.
const KEPT_BYTES: usize = 512;

impl Unsent {
    /// Octets that wait.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Where frames are appended.
    pub(super) const fn space(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The first frame and the number it stands before.
    pub(super) fn first(&self) -> Option<(&[u8], u64)> {
        let rest = &self.bytes[self.taken..];
        let length = u32::from_le_bytes(*rest.first_chunk::<4>()?);
        let frame = rest.get(..usize::try_from(length).ok()?)?;
        let number = u64::from_le_bytes(*frame.get(8..)?.first_chunk::<8>()?);
        Some((frame, number))
    }

    /// Forgets the first `octets`.
    pub(super) fn take(&mut self, octets: usize) {
        self.taken += octets;
        if self.taken == self.bytes.len() {
            self.clear();
        } else if self.taken >= self.bytes.len() - self.taken {
            // Moves no more than was taken since the last time.
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.taken = 0;
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stage: Stage,
    pub(super) unsent: Unsent,
    pub(super) opened: TimeNs,
    /// When octets last came, or were last waited for.
    pub(super) heard: TimeNs,
    /// When octets were last handed out.
    pub(super) sent: TimeNs,
    /// When its alarm is set for.
    pub(super) alarm: TimeNs,
    /// Longest silence in milliseconds, as agreed.
    pub(super) heartbeat_ms: u32,
    /// Octets taken before it logged on.
    pub(super) early_bytes: usize,
    /// Frames refused in a row.
    pub(super) refusals: u32,
    pub(super) pause: Pause,
    /// Whether it is among those that may have something to do.
    pub(super) is_ready: bool,
    /// Whether frames may be left that the read quota stopped.
    pub(super) has_more: bool,
}

impl Connection {
    fn new(now: TimeNs) -> Self {
        Self {
            stage: Stage::AwaitHello,
            unsent: Unsent::default(),
            opened: now,
            heard: now,
            sent: now,
            alarm: TimeNs::new(u64::MAX),
            heartbeat_ms: 0,
            early_bytes: 0,
            refusals: 0,
            pause: Pause::None,
            is_ready: false,
            has_more: false,
        }
    }

    /// The session it speaks for.
    pub(super) const fn active(&self) -> Option<&Active> {
        match &self.stage {
            Stage::Active(active) | Stage::LoggingOff(active) => Some(active),
            Stage::AwaitHello | Stage::AwaitProof(_) | Stage::AwaitSequenced(_) | Stage::Closing(_) => None,
        }
    }

    /// Whether it has not logged on yet, or was refused.
    pub(super) const fn is_stranger(&self) -> bool {
        matches!(self.stage, Stage::AwaitHello | Stage::AwaitProof(_) | Stage::AwaitSequenced(_))
    }
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Connections {
    /// How many.
    pub(super) const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn open(&mut self, now: TimeNs) -> ConnectionId {
        let connection = Some(Connection::new(now));
        if let Some(slot) = self.free.pop() {
            let entry = &mut self.slots[slot as usize];
            entry.connection = connection;
            return ConnectionId { slot, generation: entry.generation };
        }
        let slot = u32::try_from(self.slots.len()).expect("the number of connections is bounded");
        self.slots.push(Slot { generation: 0, connection });
        ConnectionId { slot, generation: 0 }
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Connection> {
        let entry = self.slots.get_mut(id.slot as usize)?;
        let connection = entry.connection.take_if(|_| entry.generation == id.generation)?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(id.slot);
        Some(connection)
    }

    #[inline]
    pub(super) fn get(&self, id: ConnectionId) -> Option<&Connection> {
        let entry = self.slots.get(id.slot as usize)?;
        entry.connection.as_ref().filter(|_| entry.generation == id.generation)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        let entry = self.slots.get_mut(id.slot as usize)?;
        let generation = entry.generation;
        entry.connection.as_mut().filter(|_| generation == id.generation)
    }

    /// Every connection there is.
    pub(super) fn ids(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        (0_u32..)
            .zip(&self.slots)
            .filter(|(_, entry)| entry.connection.is_some())
            .map(|(slot, entry)| ConnectionId { slot, generation: entry.generation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        // With its handshake and its alarm, before it is logged on.
        let alarm = size_of::<(TimeNs, ConnectionId)>();
        let bytes = [size_of::<Slot>(), size_of::<Handshake>(), alarm];
        assert!(bytes.iter().sum::<usize>() < 512, "{bytes:?}");
        println!("slot, handshake, alarm: {bytes:?} octets");
    }

    #[test]
    fn a_number_names_one_connection_for_ever() {
        let mut connections = Connections::default();
        let first = connections.open(TimeNs::new(1));
        assert_eq!(ConnectionId::from_u64(first.to_u64()), first);
        assert!(connections.remove(first).is_some());
        let second = connections.open(TimeNs::new(2));
        assert_eq!(first.slot(), second.slot());
        assert!(connections.get(first).is_none() && connections.remove(first).is_none());
        assert!(connections.get_mut(second).is_some());
        assert_eq!(connections.len(), 1);
    }

    #[test]
    fn what_waits_comes_in_order_and_leaves_no_space_behind() {
        let mut unsent = Unsent::default();
        for number in 0..100_u8 {
            let mut frame = [0; 40];
            frame[0] = 40;
            frame[8] = number;
            unsent.space().extend_from_slice(&frame);
        }
        for number in 0..100_u64 {
            let (frame, before) = unsent.first().expect("a hundred were put");
            assert_eq!((frame.len(), before), (40, number));
            unsent.take(40);
        }
        assert_eq!((unsent.len(), unsent.bytes.capacity()), (0, 0));
    }
}
