//! What do connections that never read cost the others?
//!
//! Three runs of the same crowd: `A` without them, `B` with them, `C` with the same connections reading. They are copies
//! of what one busy account does. In B that account is pushed before anything is measured until the system takes nothing
//! more for them; then they are full all the time until their rings overrun them, within the measured time.
//!
//! Invariant: while it is measured, A, B and C send the same requests at the same times, the busy account's included.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, ensure};
use gateway::client::{Many, Phase, Session, SessionTerms};
use gateway::clock::{Clock, WallClock};
use gateway::wire::types::SessionKind;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use serde::Serialize;

use super::host::{Figures, Host};
use super::open_loop::{Measured, Stream, Trader, push, run};
use super::setup::{PATIENCE, Who, set_up, terms};
use super::system::send_queues;
use super::{COUNTED, Options, rest, stand};

/// Requests of the busy account between two looks at the send queues.
const CHUNK: u64 = 200;
/// Of these unanswered at once.
const WINDOW: usize = 64;
/// Looks without growth after which the queues count as full.
const UNCHANGED: u32 = 2;
/// Below this in each of them they do not.
const FILLED_BYTES: u64 = 32 << 10;
/// Longest silence that may be agreed: who never reads says nothing for so long either, and is not ended for that.
const SILENT_MS: u32 = 60_000;
/// Room that the system is to have for what is not read: said, or it would find up to 32 MiB for each.
const RECEIVE_BYTES: usize = 64 << 10;
/// How often the others are heard of.
const HEARTBEAT_MS: u32 = 10_000;

/// What the connections in question do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Way {
    /// They are copies of an account to which nothing happens, and read.
    Without,
    /// They never read.
    NeverRead,
    /// They read.
    Read,
}

impl Way {
    /// In the order of the table.
    pub const ALL: [Self; 3] = [Self::Without, Self::NeverRead, Self::Read];

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Without => "A: without",
            Self::NeverRead => "B: never read",
            Self::Read => "C: read",
        }
    }
}

/// One run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Run {
    /// What the connections in question did.
    pub way: Way,
    /// The active sessions.
    pub others: Measured,
    /// The busy account's own session.
    pub busy: Measured,
    /// Octets in the venue's send queues when the measurement began.
    pub queued: u64,
    /// Requests of the busy account before that.
    pub pushed: u64,
    /// Sessions that lost their connection, those in question left out.
    pub broken: u64,
    /// Logged on at the beginning and at the end.
    pub logged_on: [u64; 2],
    /// CPU time of the venue while it was measured, warm-up included, in nanoseconds.
    pub cpu_ns: u64,
    /// At the end.
    pub figures: Figures,
}

/// Indices of the accounts.
struct Cast {
    active: u32,
    busy: u32,
    silent: u32,
}

impl Cast {
    const fn of(options: &Options) -> Self {
        let active = options.active;
        Self { active, busy: active, silent: active + 1 }
    }
}

impl Run {
    /// CPU time of the venue per request, in nanoseconds: what a way costs, the spinning between requests included.
    #[must_use]
    pub fn cpu_ns_per_request(&self) -> u64 {
        let requests = self.others.count.sent + self.busy.count.sent;
        self.cpu_ns.checked_div(requests).unwrap_or_default()
    }
}

/// Runs the crowd once, in a venue of its own.
///
/// # Errors
/// When the venue does not start, lets somebody not in, or fails.
pub fn run_once(options: &Options, way: Way, number: u32) -> anyhow::Result<Run> {
    let cast = Cast::of(options);
    let idle = options.connections.saturating_sub(options.active + options.stalled + 1);
    let accounts = cast.silent + 1 + idle;
    let (_directory, mut host) =
        options.venue(&format!("stall-{number}-{way:?}"), accounts, options.connections)?;
    set_up(host.address(), accounts, cast.busy + 1)?;
    let mut many = Many::new()?;
    let mut join = |who, kind, tag| many.add(host.address(), terms(who, kind, tag, HEARTBEAT_MS), None);
    let traders = (0..cast.active)
        .map(|index| Trader::new(join(Who::Account(index), SessionKind::OrderEntry, 0), index));
    let traders: Vec<Trader> = traders.collect();
    let mut busy = Trader::new(join(Who::Account(cast.busy), SessionKind::OrderEntry, 0), cast.busy);
    for index in cast.silent + 1..accounts {
        join(Who::Account(index), SessionKind::OrderEntry, 0);
    }
    let mut deaf = Vec::new();
    for tag in 0..options.stalled {
        match way {
            Way::Without => {
                join(Who::Account(cast.silent), SessionKind::DropCopy, tag);
            }
            Way::Read => {
                join(Who::Account(cast.busy), SessionKind::DropCopy, tag);
            }
            Way::NeverRead => {
                let terms = terms(Who::Account(cast.busy), SessionKind::DropCopy, tag, SILENT_MS);
                deaf.push(log_on(host.address(), terms, u64::from(tag))?);
            }
        }
    }
    stand(&mut many)?;
    let (pushed, queued) = match way {
        Way::NeverRead => fill_up(options, &mut many, &mut busy, &host)?,
        Way::Without | Way::Read => (0, 0),
    };
    rest(COUNTED);
    // What is counted is of a moment ago.
    rest(Duration::from_millis(200));
    let before = host.figures()?;
    let streams = [Stream::new(traders, options.rate), Stream::new(vec![busy], options.busy_rate)];
    let [others, busy] = run(&mut many, streams, options.warm_up, options.duration)?;
    rest(COUNTED);
    let figures = host.figures()?;
    let broken = (0..many.len()).filter(|link| many.session(*link).phase() != Phase::Active).count() as u64;
    drop((many, deaf));
    host.stop()?;
    let logged_on = [before.logged_on, figures.logged_on];
    let cpu_ns = figures.cpu_ns.saturating_sub(before.cpu_ns);
    Ok(Run { way, others, busy, queued, pushed, broken, logged_on, cpu_ns, figures })
}

/// Has the busy account act until the send queues grow no more; how often, and what waits then.
fn fill_up(options: &Options, many: &mut Many, busy: &mut Trader, host: &Host) -> anyhow::Result<(u64, u64)> {
    let port = host.address().port();
    let filled = u64::from(options.stalled) * FILLED_BYTES;
    let (mut pushed, mut queued, mut unchanged) = (0, 0, 0);
    while pushed < options.push_max && unchanged < UNCHANGED {
        push(many, busy, CHUNK, WINDOW)?;
        pushed += CHUNK;
        rest(Duration::from_millis(5));
        let now_queued = send_queues(port)?;
        unchanged = if now_queued > queued || now_queued < filled { 0 } else { unchanged + 1 };
        queued = queued.max(now_queued);
    }
    Ok((pushed, queued))
}

/// Logs on, and leaves it at that: nothing is read from the stream that comes back.
fn log_on(address: SocketAddr, terms: SessionTerms, number: u64) -> anyhow::Result<TcpStream> {
    let mut clock = WallClock::default();
    let mut stream = TcpStream::connect(address)?;
    set_socket_recv_buffer_size(&stream, RECEIVE_BYTES)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut session = Session::new(terms, None);
    let mut nonce = [0xD5; 32];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    session.connected(clock.now(), nonce);
    let mut octets = [0; 4_096];
    let mut output = Vec::new();
    while session.phase() != Phase::Active {
        session.take_output(&mut output);
        stream.write_all(&output)?;
        output.clear();
        let read = stream.read(&mut octets).context("no answer to a logon")?;
        ensure!(read > 0, "the venue closed a connection that logs on");
        session.receive(&octets[..read], clock.now())?;
        while session.next_incoming().is_some() {}
    }
    Ok(stream)
}
