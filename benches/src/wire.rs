//! How long is it from an order to its acknowledgement over loopback, beside a bare echo and the raw disk?
//!
//! One session, closed loop: the next order is sent when the acknowledgement of the last is here. The client is the same
//! for all: it writes one frame and polls its socket without pause until a whole one has come back. The echo is a mio
//! server that polls with a timeout of zero and writes back what it reads, on the core on which the venue's server runs.
//! After each order that is timed a cancellation follows that is not, so that the book stays as it is.
#![expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "ratios of a report")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use ed25519_dalek::{Signer, SigningKey};
use engine::{
    Action, Capacity, ClientOrderId, ClientSeq, Command, KeyId, KeyTerms, SessionKind, TimeNs, Transfer,
};
use gateway::clock::WallClock;
use gateway::door::{CHALLENGE_BYTES, HELLO_BYTES, signed_octets};
use gateway::log::Durability;
use gateway::process::Config;
use gateway::runner::Mode;
use gateway::serve::{ServeConfig, Served, start};
use gateway::wire::frame::{self, Flags, Prefix};
use gateway::wire::message::Message;
use gateway::wire::private::{CancelOrder, FromVenue, Hello, LogonProof, NewOrder};
use gateway::wire::types::{
    self, CodMode, Code, IdN, Millis, Octets, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, Stp, Tif,
    TimeNsN, TriggerSrc,
};
use mio::{Events, Interest, Poll, Token};
use risk::{AccountId, InstrumentId, Money, Price, Qty};
use serde::Serialize;

use crate::log::{Fresh, raw_syncs};
use crate::measure::{Latency, now, pin, sample_ns};
use crate::population::{BASE, TICK, account_at, spec};
use crate::report::{Report, Setting, table};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where logs are written; a directory on the disk to be measured.
    pub directory: PathBuf,
    /// Orders per way and run.
    pub orders: usize,
    /// Orders before those, not counted.
    pub warm_up: usize,
    /// Raw syncs per run.
    pub syncs: usize,
    /// Runs of each; every figure is the median of the runs'.
    pub runs: usize,
    /// Only ways whose name contains this.
    pub only: String,
    /// Whether threads ask for a core of their own: the client the first, the server the last.
    pub pin: bool,
}

impl Options {
    /// A run of a moment, for tests.
    #[must_use]
    pub fn quick(directory: &Path) -> Self {
        Self {
            directory: directory.to_path_buf(),
            orders: 40,
            warm_up: 10,
            syncs: 5,
            runs: 1,
            only: String::new(),
            pin: false,
        }
    }
}

/// Polls of the client, or of the echo, before whoever else waits for the core gets it.
const POLLS_PER_YIELD: u32 = 8;
/// The client's core.
const CLIENT_CORE: usize = 0;

/// One way an order may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Way {
    mode: Mode,
    durability: Durability,
}

const WAYS: [Way; 4] = [
    Way { mode: Mode::Shared, durability: Durability::None },
    Way { mode: Mode::Dedicated, durability: Durability::None },
    Way { mode: Mode::Shared, durability: Durability::Local },
    Way { mode: Mode::Dedicated, durability: Durability::Local },
];

impl Way {
    fn name(self) -> String {
        format!("{:?}, durability {:?}", self.mode, self.durability).to_lowercase()
    }
}

/// One way's figures.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Which way.
    pub way: String,
    /// From the write of the order to the last octet of its acknowledgement.
    pub latency: Latency,
    /// What it is measured against: the echo, or the echo and two raw syncs.
    pub reference: String,
    /// Median over the reference's.
    pub p50_ratio: f64,
    /// 99th percentile over the reference's.
    pub p99_ratio: f64,
}

/// The echo, the disk, and every way.
#[derive(Clone, Debug, Serialize)]
pub struct WireReport {
    /// Machine.
    pub setting: Setting,
    /// Orders per run.
    pub orders: usize,
    /// Runs.
    pub runs: usize,
    /// A frame of an order's length, there and back.
    pub echo: Latency,
    /// A write and `fdatasync` of 4 KiB over a file written before.
    pub raw_sync: Latency,
    /// The venue.
    pub lines: Vec<Line>,
}

/// Measures echo, disk and venue, interleaved.
///
/// # Errors
/// When a socket or directory cannot be had, or a venue does not do what it should.
pub fn run(options: &Options) -> anyhow::Result<WireReport> {
    let mut setting = Setting::unpinned();
    setting.pinned = options.pin.then_some(CLIENT_CORE);
    let (mut echoes, mut syncs) = (Vec::new(), Vec::new());
    let chosen: Vec<Way> = WAYS.into_iter().filter(|way| way.name().contains(&options.only)).collect();
    let mut ways = vec![Vec::new(); chosen.len()];
    for run in 0..options.runs.max(1) {
        syncs.push(raw_syncs(&options.directory, options.syncs, run)?);
        echoes.push(through_echo(options)?);
        for (&way, taken) in chosen.iter().zip(&mut ways) {
            taken.push(through_venue(options, way, run)?);
        }
    }
    let (echo, raw_sync) = (Latency::median_of(&echoes), Latency::median_of(&syncs));
    let lines = chosen.iter().zip(&ways).map(|(way, taken)| {
        let latency = Latency::median_of(taken);
        let (reference, p50, p99) = match way.durability {
            Durability::None => ("echo", echo.p50, echo.p99),
            Durability::Local => ("echo + 2 syncs", echo.p50 + 2 * raw_sync.p50, echo.p99 + 2 * raw_sync.p99),
        };
        Line {
            way: way.name(),
            latency,
            reference: reference.to_owned(),
            p50_ratio: latency.p50 as f64 / p50.max(1) as f64,
            p99_ratio: latency.p99 as f64 / p99.max(1) as f64,
        }
    });
    let lines = lines.collect();
    Ok(WireReport { setting, orders: options.orders, runs: options.runs, echo, raw_sync, lines })
}

/// The measuring client: writes a frame, polls without pause until a whole one is here.
#[derive(Debug)]
struct Caller {
    stream: TcpStream,
    came: Vec<u8>,
    space: Box<[u8]>,
}

impl Caller {
    fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, came: Vec::new(), space: vec![0; 16 << 10].into_boxed_slice() })
    }

    /// Sends a frame and takes the next one; nanoseconds between.
    fn call(&mut self, octets: &[u8]) -> anyhow::Result<(u32, FromVenue)> {
        let start = now();
        self.stream.write_all(octets)?;
        let length = self.await_frame()?;
        let taken = sample_ns(start, now());
        Ok((taken, self.take(length)?))
    }

    /// Polls until a frame is here, heartbeats left out; its length.
    fn await_frame(&mut self) -> anyhow::Result<usize> {
        let mut polls = 0_u32;
        loop {
            if let Some(length) = self.came.first_chunk::<4>().map(|length| u32::from_le_bytes(*length)) {
                let length = usize::try_from(length)?;
                if self.came.len() >= length {
                    return Ok(length);
                }
            }
            match self.stream.read(&mut self.space) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(octets) => self.came.extend_from_slice(&self.space[..octets]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    polls += 1;
                    // It stands for another machine: whatever of the venue is ready to run on this core comes first.
                    if polls.is_multiple_of(POLLS_PER_YIELD) {
                        std::thread::yield_now();
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take(&mut self, length: usize) -> anyhow::Result<FromVenue> {
        let (frame, _) = frame::split(&self.came[..length], length)
            .ok()
            .flatten()
            .with_context(|| format!("no frame in {length} octets"))?;
        let message = FromVenue::decode(&frame).ok().context("no message of ours")?;
        self.came.drain(..length);
        Ok(message)
    }
}

/// Runs the client on its core. In a thread of its own: threads started by a pinned one would see one core only.
fn measure(
    options: &Options,
    client: impl FnOnce() -> anyhow::Result<Vec<u32>> + Send,
) -> anyhow::Result<Latency> {
    let samples = std::thread::scope(|scope| {
        let measured = scope.spawn(|| {
            // Where that is refused, the figures say so.
            let _granted = options.pin.then(|| pin(CLIENT_CORE));
            client()
        });
        measured.join().map_err(|_| anyhow!("the client failed"))?
    })?;
    Ok(Latency::of(samples.into_iter().skip(options.warm_up)))
}

fn through_echo(options: &Options) -> anyhow::Result<Latency> {
    let stop = Arc::new(AtomicBool::new(false));
    let (address, echo) = start_echo(options, &stop)?;
    let latency = measure(options, || {
        let mut caller = Caller::connect(address)?;
        let mut samples = Vec::with_capacity(options.orders);
        let octets = framed(1, 0, &order(1));
        for _ in 0..options.warm_up + options.orders {
            let start = now();
            caller.stream.write_all(&octets)?;
            let length = caller.await_frame()?;
            samples.push(sample_ns(start, now()));
            caller.came.drain(..length);
        }
        Ok(samples)
    })?;
    stop.store(true, Ordering::Relaxed);
    ensure!(echo.join().is_ok_and(|ended| ended.is_ok()), "the echo failed");
    Ok(latency)
}

/// A thread that writes back what it reads from one connection, on the last core.
fn start_echo(
    options: &Options,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<(SocketAddr, JoinHandle<std::io::Result<()>>)> {
    let mut listener = mio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = listener.local_addr()?;
    let core = options.pin.then(|| gateway::runner::cores().last().copied()).flatten();
    let stop = Arc::clone(stop);
    let echo = std::thread::Builder::new().name("echo".to_owned()).spawn(move || {
        if let Some(core) = core {
            core_affinity::set_for_current(core);
        }
        let mut poll = Poll::new()?;
        poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
        let mut events = Events::with_capacity(64);
        let mut connection: Option<mio::net::TcpStream> = None;
        let mut space = [0; 16 << 10];
        let mut idle = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            poll.poll(&mut events, Some(Duration::ZERO))?;
            idle = if events.is_empty() { idle + 1 } else { 0 };
            if idle > 0 && idle.is_multiple_of(POLLS_PER_YIELD) {
                std::thread::yield_now();
            }
            for event in &events {
                if event.token() == Token(0) {
                    let (mut stream, _) = listener.accept()?;
                    stream.set_nodelay(true)?;
                    poll.registry().register(&mut stream, Token(1), Interest::READABLE)?;
                    connection = Some(stream);
                } else if let Some(stream) = &mut connection {
                    match stream.read(&mut space) {
                        Ok(octets) => stream.write_all(&space[..octets])?,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    });
    Ok((address, echo?))
}

fn through_venue(options: &Options, way: Way, run: usize) -> anyhow::Result<Latency> {
    let name = format!("wire-{run}-{:?}-{:?}", way.mode, way.durability);
    let directory = Fresh::new(&options.directory, &name)?;
    let served = serve(options, way, &directory.0)?;
    let latency = measure(options, || trade(options, served.address()))?;
    served.stop()?;
    Ok(latency)
}

/// Orders and cancellations, one after the other; nanoseconds of the orders.
fn trade(options: &Options, address: SocketAddr) -> anyhow::Result<Vec<u32>> {
    let mut caller = Caller::connect(address)?;
    log_on(&mut caller)?;
    let mut samples = Vec::with_capacity(options.warm_up + options.orders);
    for index in 0..options.warm_up + options.orders {
        // The number of the frame and the name of the order rise together, twice per round.
        let number = 2 * index as u64 + 1;
        let (taken, message) = caller.call(&framed(number, 0, &order(number)))?;
        ensure!(matches!(message, FromVenue::OrderAccepted(_)), "not accepted: {message:?}");
        samples.push(taken);
        let (_, message) = caller.call(&framed(number + 1, 0, &cancel(number)))?;
        ensure!(matches!(message, FromVenue::OrderCanceled(_)), "not cancelled: {message:?}");
    }
    Ok(samples)
}

fn serve(options: &Options, way: Way, directory: &Path) -> anyhow::Result<Served> {
    let capacity = Capacity { accounts: 1_024, legs: 4_096, orders: 65_536 };
    let mut config = Config::new(directory.to_path_buf(), capacity);
    config.log.durability = way.durability;
    config.layout.mode = way.mode;
    config.layout.pin = options.pin;
    let mut serving = ServeConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    serving.door.requests.capacity = 1_000_000;
    serving.door.requests.rate = 1_000_000;
    Ok(start(&config, &serving, &opening(), WallClock::default())?)
}

const INSTRUMENT: InstrumentId = InstrumentId::new(0);

fn account() -> AccountId {
    account_at(0)
}

fn key() -> (SigningKey, KeyId) {
    let key = SigningKey::from_bytes(&[9; 32]);
    let public = key.verifying_key().to_bytes();
    let number = public.first_chunk().map_or(0, |octets| u64::from_le_bytes(*octets));
    (key, KeyId::new(number))
}

/// One instrument, one account with money, its key.
fn opening() -> Vec<Command> {
    let (signing, key) = key();
    let terms = KeyTerms {
        public: signing.verifying_key().to_bytes(),
        account: account(),
        kinds: 1 << SessionKind::OrderEntry as u8,
        expires: TimeNs::default(),
    };
    let amount = Money::new(1_000_000_000_000);
    [
        Action::DefineInstrument { instrument: INSTRUMENT, spec: Box::new(spec()) },
        Action::index_price(INSTRUMENT, Price::new(BASE).to_mark()),
        Action::OpenAccount { account: account() },
        Action::Deposit(Transfer::new(account(), amount)),
        Action::RegisterKey { key, terms: Box::new(terms) },
    ]
    .map(Command::venue)
    .to_vec()
}

fn framed<M: Message>(seq_no: u64, flags: u16, message: &M) -> Vec<u8> {
    let mut octets = Vec::with_capacity(256);
    frame::append(Prefix { flags: Flags(flags), seq_no, ack_seq_no: 0 }, message, &mut octets);
    octets
}

fn log_on(caller: &mut Caller) -> anyhow::Result<()> {
    let (signing, key_id) = key();
    let hello = Hello {
        protocol_version: 1,
        key_id,
        session_tag: 1,
        kind: Code::of(types::SessionKind::OrderEntry),
        cod_mode: Code::of(CodMode::Off),
        cod_grace: Millis::new(0),
        heartbeat: Millis::new(60_000),
        next_send_seq_no: ClientSeq::new(1),
        next_expected_seq_no: 1,
        client_nonce: Octets([1; 32]),
    };
    let (_, message) = caller.call(&framed(0, Flags::UNSEQUENCED, &hello))?;
    let FromVenue::Challenge(challenge) = message else { bail!("no challenge: {message:?}") };
    let (mut said, mut heard) = (Vec::new(), Vec::new());
    hello.encode(&mut said);
    challenge.encode(&mut heard);
    let said: &[u8; HELLO_BYTES] = said.first_chunk().context("a block has its length")?;
    let heard: &[u8; CHALLENGE_BYTES] = heard.first_chunk().context("a block has its length")?;
    let signature = signing.sign(&signed_octets(said, heard)).to_bytes();
    let proof = LogonProof { key_id, signature: Octets(signature) };
    let (_, message) = caller.call(&framed(0, Flags::UNSEQUENCED, &proof))?;
    ensure!(matches!(message, FromVenue::LogonAck(_)), "no logon: {message:?}");
    Ok(())
}

fn order(name: u64) -> NewOrder {
    NewOrder {
        cl_ord_id: ClientOrderId::new(name),
        account_id: account(),
        instrument_id: INSTRUMENT,
        price: PriceN::from(Price::new(BASE - 100 * TICK)),
        qty: Qty::new(1),
        display_qty: QtyN::NONE,
        trigger_price: PriceN::NONE,
        expire_time: TimeNsN::NONE,
        valid_until: TimeNsN::NONE,
        user_tag: 0,
        flags: OrdFlags::default(),
        side: Code::of(types::Side::Buy),
        ord_type: Code::of(OrdType::Limit),
        tif: Code::of(Tif::GTC),
        stp: Code::of(Stp::CancelTaker),
        trigger_src: Code::of(TriggerSrc::Last),
        post_only: Code::of(PostOnlyMode::Off),
    }
}

/// Cancels the order of a name; its own name is the next.
fn cancel(order: u64) -> CancelOrder {
    CancelOrder {
        cl_ord_id: ClientOrderId::new(order + 1),
        order_id: IdN::NONE,
        orig_cl_ord_id: order.into(),
        account_id: account(),
        instrument_id: INSTRUMENT,
        valid_until: TimeNsN::NONE,
    }
}

impl Report for WireReport {
    fn text(&self) -> String {
        let head = ["", "p50", "p99", "p99.9", "beside", "p50 x", "p99 x"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        let microseconds = |ns: u64| format!("{:.1}", ns as f64 / 1e3);
        let mut row = |name: &str, latency: &Latency, beside: [String; 3]| {
            let Latency { p50, p99, p999, .. } = *latency;
            let mut cells = vec![name.to_owned()];
            cells.extend([p50, p99, p999].map(microseconds));
            cells.extend(beside);
            rows.push(cells);
        };
        row("echo", &self.echo, Default::default());
        row("raw write + fdatasync", &self.raw_sync, Default::default());
        for Line { way, latency, reference, p50_ratio, p99_ratio } in &self.lines {
            row(way, latency, [reference.clone(), format!("{p50_ratio:.2}"), format!("{p99_ratio:.2}")]);
        }
        format!(
            "{}\norder to acknowledgement over loopback, one session, closed loop; microseconds; {} orders, medians of \
             {} runs\n{}",
            self.setting.line(),
            self.orders,
            self.runs,
            table(&rows)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_answers() {
        let report = run(&Options::quick(&std::env::temp_dir())).expect("the venue answers");
        assert_eq!(report.lines.len(), WAYS.len());
        assert!(report.lines.iter().all(|line| line.latency.count == 40), "{}", report.text());
    }
}
