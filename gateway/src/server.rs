//! The server's duty cycle: sockets in, sockets out, and between them the door and the engine's queue.
//!
//! Invariant: nothing here blocks, and nobody is waited for. Per round a connection is read once and written once; what
//! does not fit its bounds stays in the socket, where it slows its sender down. Sockets are edge-triggered: one that
//! still has something to read when its turn is over stays listed and needs no event. A frame is handed to the system
//! only after the log covers it, since that is when the door gets it.

mod control;
mod lingering;
mod listener;
mod socket;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use engine::TimeNs;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::clock::Clock;
use crate::door::{ConnectionId, Door, Standing};
use crate::duty::DutyCycle;
use crate::idle::ALARM;
use crate::in_process::Client;
use crate::outcome::Released;

pub use control::{Control, ServerStats};
use lingering::Lingering;
use listener::Coming;
pub use listener::Listener;
use socket::{Input, Output, Socket};

/// Octets read from one connection per round.
const READ_BYTES: usize = 16 << 10;
/// Octets of frames written to one connection per round.
const WRITE_BYTES: usize = 64 << 10;
/// Connections let in per round.
const ACCEPTS_PER_ROUND: usize = 16;
/// How long a connection that was sent its last frame is kept for its peer to close first.
const LINGER: Duration = Duration::from_secs(1);
/// Events taken per round.
const EVENTS_PER_ROUND: usize = 1024;
/// Time for the last frames to be taken by their readers when the venue stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// Time between two looks at what is counted.
const REPORT: Duration = Duration::from_millis(100);

/// Where the server is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    /// It serves.
    Open,
    /// It reads no more; what was submitted is finished and sent.
    Draining,
    /// Everybody has been told; until then at the latest it waits for the sockets.
    Farewell(TimeNs),
    /// It is over.
    Closed,
}

/// A connection of the door with its socket.
#[derive(Debug)]
struct Entry {
    id: ConnectionId,
    socket: Socket,
    /// Whether it stands in the list of those to be read.
    is_listed: bool,
    /// Whether it stands in the list of those to be written.
    is_due: bool,
}

/// The server's duty cycle.
#[derive(Debug)]
pub struct Server<C> {
    poll: Poll,
    /// Taken out while they are looked at.
    events: Option<Events>,
    listener: Option<Listener>,
    door: Door,
    client: Client<C>,
    /// By the slot of the connection.
    entries: Vec<Option<Entry>>,
    lingering: Lingering,
    /// Connections that may have something to read.
    listed: VecDeque<ConnectionId>,
    /// Connections that may have something to write, or are to be closed.
    due: VecDeque<ConnectionId>,
    ready: Vec<ConnectionId>,
    input: Box<[u8]>,
    output: Vec<u8>,
    control: Arc<Control>,
    stats: ServerStats,
    reported: TimeNs,
    stage: Stage,
}

/// Whether `octets` begin with a whole frame.
fn has_whole_frame(octets: &[u8]) -> bool {
    let length = octets.first_chunk::<4>().map(|length| u32::from_le_bytes(*length));
    length.is_some_and(|length| usize::try_from(length).is_ok_and(|length| octets.len() >= length))
}

fn after(now: TimeNs, span: Duration) -> TimeNs {
    TimeNs::new(now.get().saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
}

fn token_of(id: ConnectionId) -> Token {
    Token(usize::try_from(id.to_u64()).expect("a machine of 64 bits"))
}

impl<C: Clock> Server<C> {
    /// A server that takes what comes by `listener`. `poll` is what its thread sleeps over; the listener is registered
    /// with it.
    #[must_use]
    pub fn new(poll: Poll, listener: Listener, door: Door, client: Client<C>, control: Arc<Control>) -> Self {
        let frame_max = usize::try_from(door.config().frame_max).unwrap_or(usize::MAX);
        Self {
            poll,
            events: Some(Events::with_capacity(EVENTS_PER_ROUND)),
            listener: Some(listener),
            door,
            client,
            entries: Vec::new(),
            lingering: Lingering::default(),
            listed: VecDeque::new(),
            due: VecDeque::new(),
            ready: Vec::new(),
            input: vec![0; READ_BYTES + frame_max].into_boxed_slice(),
            output: Vec::with_capacity(WRITE_BYTES),
            control,
            stats: ServerStats::default(),
            reported: TimeNs::default(),
            stage: Stage::Open,
        }
    }

    fn entry(&mut self, id: ConnectionId) -> Option<&mut Entry> {
        let slot = usize::try_from(id.slot()).ok()?;
        self.entries.get_mut(slot)?.as_mut().filter(|entry| entry.id == id)
    }

    /// Takes what the log covers by now and passes it on to the door.
    fn take_released(&mut self, now: TimeNs) -> usize {
        let door = &mut self.door;
        self.client.receive(|released| match released {
            Released::Outcome(outcome) => door.outcome(outcome, now),
            Released::Answer(answer) => door.answer(answer, now),
        })
    }

    /// Lists every connection of which the door says that something may be done.
    fn list_ready(&mut self) {
        // Swapped out, so that the door can be asked about each while it is listed.
        let mut ready = std::mem::take(&mut self.ready);
        ready.extend(self.door.drain_ready());
        for id in ready.drain(..) {
            self.list_write(id);
            self.list_read(id);
        }
        self.ready = ready;
    }

    fn list_write(&mut self, id: ConnectionId) {
        if let Some(entry) = self.entry(id)
            && !entry.is_due
        {
            entry.is_due = true;
            self.due.push_back(id);
        }
    }

    fn list_read(&mut self, id: ConnectionId) {
        if let Some(entry) = self.entry(id)
            && !entry.is_listed
            && entry.socket.wants_read()
        {
            entry.is_listed = true;
            self.listed.push_back(id);
        }
    }

    /// Writes once to every connection that may have something to write, and closes what is to be closed.
    fn write_due(&mut self, now: TimeNs) -> usize {
        let mut work = 0;
        for _ in 0..self.due.len() {
            let Some(id) = self.due.pop_front() else { break };
            work += self.write(id, now);
        }
        work
    }

    fn write(&mut self, id: ConnectionId, now: TimeNs) -> usize {
        let mut output = std::mem::take(&mut self.output);
        output.clear();
        let written = self.write_through(id, &mut output);
        self.output = output;
        match written {
            None => 0,
            Some(Output::Gone) => {
                self.forget(id, now);
                1
            }
            Some(Output::Full) => {
                self.close_if_told(id, now);
                1
            }
            Some(Output::Done) => {
                if self.door.has_output(id) {
                    self.list_write(id);
                } else {
                    self.close_if_told(id, now);
                }
                1
            }
        }
    }

    /// One write of what is left, or else of what the door has; `None` where the connection is gone.
    fn write_through(&mut self, id: ConnectionId, output: &mut Vec<u8>) -> Option<Output> {
        let slot = usize::try_from(id.slot()).ok()?;
        let entry = self.entries.get_mut(slot)?.as_mut().filter(|entry| entry.id == id)?;
        entry.is_due = false;
        let socket = &mut entry.socket;
        if socket.is_full() {
            return Some(Output::Full);
        }
        if socket.has_unsent() {
            return Some(socket.write_unsent());
        }
        self.door.fill(id, output, WRITE_BYTES);
        Some(if output.is_empty() { Output::Done } else { socket.write(output) })
    }

    /// Closes a connection of which the door says so.
    fn close_if_told(&mut self, id: ConnectionId, now: TimeNs) {
        let has_unsent = self.entry(id).is_some_and(|entry| entry.socket.has_unsent());
        match self.door.state(id) {
            Standing::Open => {}
            Standing::CloseAfterFlush if has_unsent => {}
            Standing::CloseAt(time) if now < time => {}
            Standing::CloseAfterFlush => {
                if let Some(socket) = self.forget(id, now) {
                    self.lingering.add(socket.into_stream(), after(now, LINGER));
                }
            }
            Standing::CloseAt(_) | Standing::Gone => drop(self.forget(id, now)),
        }
    }

    /// A connection is over: the door forgets it, its socket is given back.
    fn forget(&mut self, id: ConnectionId, now: TimeNs) -> Option<Socket> {
        self.door.peer_closed(id, now);
        let slot = usize::try_from(id.slot()).ok()?;
        let entry = self.entries.get_mut(slot)?.take_if(|entry| entry.id == id)?;
        Some(entry.socket)
    }

    /// Takes events without waiting for any. Every one counts as work, the alarm too.
    fn take_events(&mut self) -> usize {
        let Some(mut events) = self.events.take() else { return 0 };
        // Where it is interrupted the events are still there.
        if self.poll.poll(&mut events, Some(Duration::ZERO)).is_err() {
            events.clear();
        }
        let mut work = 0;
        for event in &events {
            work += 1;
            match event.token() {
                ALARM => {}
                listener::TOKEN => self.listener.iter_mut().for_each(Listener::note),
                token => self.take_event(token, event),
            }
        }
        self.events = Some(events);
        work
    }

    fn take_event(&mut self, token: Token, event: &Event) {
        let id = ConnectionId::from_u64(token.0 as u64);
        let Some(Entry { socket, .. }) = self.entry(id) else { return };
        socket.note(event);
        let writes = socket.has_unsent() && !socket.is_full();
        self.list_read(id);
        if writes {
            self.list_write(id);
        }
    }

    /// Lets connections in, a few per round.
    fn accept(&mut self, now: TimeNs) -> usize {
        for accepted in 0..ACCEPTS_PER_ROUND {
            let Some(listener) = &mut self.listener else { return accepted };
            match listener.accept(now) {
                Coming::Nobody => return accepted,
                Coming::Aborted => {}
                Coming::Connection(stream) => self.let_in(stream, now),
                Coming::Complaint(words) => {
                    self.stats.accept_errors += 1;
                    if let Some(words) = words {
                        self.control.notice(words);
                    }
                    return accepted;
                }
            }
        }
        ACCEPTS_PER_ROUND
    }

    fn let_in(&mut self, mut stream: TcpStream, now: TimeNs) {
        let Ok(id) = self.door.open(now) else {
            self.stats.turned_away += 1;
            return;
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        let ready = stream
            .set_nodelay(true)
            .and_then(|()| self.poll.registry().register(&mut stream, token_of(id), interest));
        if ready.is_err() {
            // Gone already, or the system has no room: as if it had never come.
            self.door.peer_closed(id, now);
            self.stats.turned_away += 1;
            return;
        }
        self.stats.accepted += 1;
        let slot = usize::try_from(id.slot()).expect("the number of connections is bounded");
        if self.entries.len() <= slot {
            self.entries.resize_with(slot + 1, || None);
        }
        self.entries[slot] = Some(Entry { id, socket: Socket::new(stream), is_listed: false, is_due: false });
    }

    /// Reads once from every connection that may have something to read.
    fn read_listed(&mut self, now: TimeNs) -> usize {
        let mut work = 0;
        for _ in 0..self.listed.len() {
            let Some(id) = self.listed.pop_front() else { break };
            work += self.read(id, now);
        }
        work
    }

    /// Reads once from a connection; what that is worth as work.
    fn read(&mut self, id: ConnectionId, now: TimeNs) -> usize {
        let may_read = self.door.wants_read(id);
        let mut input = std::mem::take(&mut self.input);
        let Some(entry) = self.entry(id) else {
            self.input = input;
            return 0;
        };
        entry.is_listed = false;
        // Where the door wants nothing, it says so when that changes.
        let came = if may_read { entry.socket.read(&mut input, READ_BYTES) } else { Input::Nothing };
        let work = match came {
            Input::Nothing => 0,
            Input::Gone => {
                drop(self.forget(id, now));
                1
            }
            Input::Octets { all, new } => {
                let taken = self.door.receive(id, &input[..all], now, &mut self.client);
                let rest = &input[taken..all];
                if let Some(entry) = self.entry(id) {
                    entry.socket.hold(rest, has_whole_frame(rest));
                }
                // What a full queue stopped is no work until it is taken.
                usize::from(taken > 0 || new > 0)
            }
        };
        self.input = input;
        if may_read {
            self.list_read(id);
        }
        work
    }

    fn report(&mut self, now: TimeNs) {
        self.reported = now;
        self.stats.door = self.door.stats();
        self.control.report(self.stats);
    }

    /// One round of serving.
    fn serve(&mut self, now: TimeNs) -> usize {
        // What the log covers is sent before anything is read: it has waited longer.
        let mut work = self.take_released(now);
        self.list_ready();
        work += self.write_due(now);
        work += self.take_events();
        work += self.accept(now);
        work += self.read_listed(now);
        self.door.tick(now, &mut self.client);
        self.client.flush();
        if now >= after(self.reported, REPORT) {
            self.lingering.look(now, &mut self.input);
            self.report(now);
        }
        if self.control.stop_requested() || self.client.has_stopped() {
            // What was submitted is on its way; the engine ends behind it.
            self.listener = None;
            self.client.progress().request_stop();
            self.stage = Stage::Draining;
            work += 1;
        }
        work
    }

    /// What was submitted is finished and sent; then everybody is told.
    fn drain(&mut self, now: TimeNs) -> usize {
        let mut work = self.take_released(now) + self.take_events();
        self.list_ready();
        work += self.write_due(now);
        if self.client.is_finished() {
            self.door.shut_down(now);
            self.stage = Stage::Farewell(after(now, FAREWELL));
            work += 1;
        }
        work
    }

    /// The last frames leave; whoever does not take them in time does not get them.
    fn say_farewell(&mut self, now: TimeNs, until: TimeNs) -> usize {
        self.list_ready();
        let work = self.take_events() + self.write_due(now);
        self.lingering.look(now, &mut self.input);
        let is_over = self.entries.iter().all(Option::is_none) && self.lingering.is_empty();
        if is_over || now >= until {
            self.report(now);
            self.entries.clear();
            self.lingering = Lingering::default();
            self.stage = Stage::Closed;
            return 1;
        }
        work
    }
}

impl<C: Clock> DutyCycle for Server<C> {
    fn do_work(&mut self) -> usize {
        let now = self.client.now();
        match self.stage {
            Stage::Open => self.serve(now),
            Stage::Draining => self.drain(now),
            Stage::Farewell(until) => self.say_farewell(now, until),
            Stage::Closed => 0,
        }
    }

    fn is_finished(&self) -> bool {
        self.stage == Stage::Closed
    }
}
