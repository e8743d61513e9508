//! What does an idle connection cost: memory of the venue, memory of the kernel, CPU time, and the one who trades
//! meanwhile?
//!
//! Invariant: the accounts and keys of the idle are there before the first look, so the difference is the connection and
//! its session. The idle are held by a thread that is seldom awake.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use gateway::client::{Incoming, Many};
use gateway::wire::types::SessionKind;
use serde::Serialize;

use super::host::{Figures, Host};
use super::open_loop::{Measured, Stream, Trader, run};
use super::setup::{PATIENCE, Who, set_up, terms};
use super::system::Kernel;
use super::{COUNTED, Options, rest, stand};
use crate::measure::now;

/// Connections that are begun before those begun earlier stand.
const TOGETHER: u32 = 256;
/// How long the holder of idle connections sleeps at a time.
const NAP: Duration = Duration::from_millis(20);
/// The index of the account that trades.
const TRADER: u32 = 0;

/// Who is idle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub enum Idle {
    /// Sessions that are logged on and agreed on a longest silence, in milliseconds.
    LoggedOn(u32),
    /// Connections that send nothing at all.
    Strangers,
}

/// What was looked at, with and without the idle.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Look {
    /// CPU time of the venue in a second in which nobody trades, in nanoseconds.
    pub idle_cpu_ns: u64,
    /// The one who trades.
    pub trader: Measured,
}

/// One run.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Run {
    /// Who is idle.
    pub idle: Idle,
    /// How many there are.
    pub count: u32,
    /// Until all of them stood, in nanoseconds.
    pub came_ns: u64,
    /// Growth of the venue's resident set, in octets.
    pub resident: u64,
    /// Growth of the kernel's memory of sockets, both ends of each connection.
    pub kernel: Kernel,
    /// Without them; strangers leave too soon to be looked at for long.
    pub before: Option<Look>,
    /// With them.
    pub with: Option<Look>,
    /// Connections that the venue had when they were held.
    pub held: u64,
    /// Connections that broke and came again.
    pub broken: u64,
    /// From the last one's coming until the venue had sent all away, in nanoseconds; strangers only.
    pub sent_away_ns: Option<u64>,
    /// When they had been held.
    pub figures: Figures,
}

/// Holds idle connections once, in a venue of their own.
///
/// # Errors
/// When the venue does not start, lets somebody not in, or fails.
pub fn run_once(options: &Options, idle: Idle, number: u32) -> anyhow::Result<Run> {
    let (count, accounts) = match idle {
        Idle::LoggedOn(_) => (options.idle, options.idle + 1),
        Idle::Strangers => (options.strangers, 1),
    };
    let (_directory, mut host) = options.venue(&format!("idle-{number}"), accounts, count + 1)?;
    set_up(host.address(), accounts, 1)?;
    let run = match idle {
        Idle::LoggedOn(heartbeat_ms) => logged_on(options, &mut host, heartbeat_ms),
        Idle::Strangers => strangers(options, &mut host),
    };
    host.stop()?;
    run
}

/// One session that trades while the idle do nothing.
fn look(options: &Options, host: &mut Host) -> anyhow::Result<Look> {
    let before = host.figures()?;
    let start = now();
    rest(options.hold);
    let cpu_ns = host.figures()?.cpu_ns.saturating_sub(before.cpu_ns);
    let elapsed_ms = u64::try_from(now().duration_since(start).as_millis())?.max(1);
    let idle_cpu_ns = (cpu_ns * 1_000).div_euclid(elapsed_ms);
    let mut many = Many::new()?;
    let mine = terms(Who::Account(TRADER), SessionKind::OrderEntry, 0, 1_000);
    let link = many.add(host.address(), mine, None);
    stand(&mut many)?;
    let stream = Stream::new(vec![Trader::new(link, TRADER)], options.idle_rate);
    let [trader] = run(&mut many, [stream], options.warm_up, options.hold)?;
    many.log_out(link, true);
    many.turn(Duration::from_millis(50), |_, _| ())?;
    Ok(Look { idle_cpu_ns, trader })
}

/// What the holder of idle connections tells.
#[derive(Debug, Default)]
struct Held {
    stop: AtomicBool,
    standing: AtomicU64,
}

fn logged_on(options: &Options, host: &mut Host, heartbeat_ms: u32) -> anyhow::Result<Run> {
    let before = look(options, host)?;
    let (address, count, held) = (host.address(), options.idle, Held::default());
    let first = (host.figures()?, Kernel::now());
    let start = now();
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let done = hold(address, count, heartbeat_ms, &held);
            held.stop.store(true, Ordering::Relaxed);
            done
        });
        while held.standing.load(Ordering::Relaxed) < u64::from(count) && !held.stop.load(Ordering::Relaxed) {
            rest(Duration::from_millis(1));
        }
        let came_ns = u64::try_from(now().duration_since(start).as_nanos())?;
        rest(COUNTED);
        let there = host.figures()?;
        let (resident, kernel) =
            (there.resident.saturating_sub(first.0.resident), Kernel::now().since(first.1));
        let with = look(options, host);
        let figures = host.figures()?;
        held.stop.store(true, Ordering::Relaxed);
        let joined =
            holder.join().map_err(|_panic| anyhow::anyhow!("the holder of idle connections panicked"))?;
        let broken = joined?;
        Ok(Run {
            idle: Idle::LoggedOn(heartbeat_ms),
            count,
            came_ns,
            resident,
            kernel,
            before: Some(before),
            with: Some(with?),
            held: there.logged_on,
            broken,
            sent_away_ns: None,
            figures,
        })
    })
}

/// Logs on as many and keeps them until told to stop; logons beyond the first of each: connections that broke.
fn hold(address: SocketAddr, count: u32, heartbeat_ms: u32, held: &Held) -> anyhow::Result<u64> {
    let mut many = Many::new()?;
    let mut standing = 0_u64;
    let mut broken = 0_u64;
    let patience = u64::try_from(PATIENCE.as_nanos())?;
    let mut see = |many: &mut Many, wait| -> anyhow::Result<u64> {
        many.turn(wait, |_, incoming| standing += u64::from(matches!(incoming, Incoming::LoggedOn(_))))?;
        Ok(standing)
    };
    let mut heard = many.now().get();
    let mut stood = 0;
    for index in 1..=count {
        many.add(address, terms(Who::Account(index), SessionKind::OrderEntry, 0, heartbeat_ms), None);
        let is_last = index == count;
        while u64::from(index) >= stood + if is_last { 1 } else { u64::from(TOGETHER) } {
            let now_standing = see(&mut many, Duration::from_millis(1))?;
            let now = many.now().get();
            if now_standing > stood {
                heard = now;
            }
            stood = now_standing;
            held.standing.store(stood, Ordering::Relaxed);
            ensure!(
                now < heard + patience,
                "{stood} of {count} are logged on and no more come: {}",
                why(&many)
            );
        }
    }
    while !held.stop.load(Ordering::Relaxed) {
        rest(NAP);
        broken = see(&mut many, Duration::ZERO)?.saturating_sub(u64::from(count));
    }
    Ok(broken)
}

/// Why the first of them that has a reason is not there.
fn why(many: &Many) -> String {
    let fault = (0..many.len()).find_map(|link| many.fault(link));
    fault.map_or("nobody says why".to_owned(), ToString::to_string)
}

fn strangers(options: &Options, host: &mut Host) -> anyhow::Result<Run> {
    let count = options.strangers;
    let first = (host.figures()?, Kernel::now());
    let start = now();
    let mut streams = Vec::new();
    for number in 1..=count {
        streams.push(TcpStream::connect(host.address())?);
        // More at once than the system queues for the venue would be put off for a second.
        if number.is_multiple_of(TOGETHER) {
            rest(NAP);
        }
    }
    let came = now();
    let came_ns = u64::try_from(came.duration_since(start).as_nanos())?;
    rest(COUNTED);
    let held = host.figures()?;
    let kernel = Kernel::now().since(first.1);
    let mut figures = held;
    while figures.connections > 0 {
        rest(Duration::from_millis(20));
        figures = host.figures()?;
        ensure!(
            now().duration_since(came) < PATIENCE,
            "the venue keeps those that never log on: {figures:?}"
        );
    }
    let sent_away_ns = Some(u64::try_from(now().duration_since(came).as_nanos())?);
    Ok(Run {
        idle: Idle::Strangers,
        count,
        came_ns,
        resident: held.resident.saturating_sub(first.0.resident),
        kernel,
        before: None,
        with: None,
        held: held.connections,
        broken: 0,
        sent_away_ns,
        figures,
    })
}
