//! `fulcrum load`: an open-loop load generator against a running venue.
//!
//! Invariant: see [`generator`]: latency counts from the intended send time, so nothing is omitted.

pub mod generator;
pub mod report;
pub mod venue;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use gateway::client::{Key, Many};
use gateway::wire::types::SessionKind;

use self::generator::{Generator, Measured, Plan};
use self::report::{LoadReport, write_distribution};
use self::venue::{Market, Wanted, market, set_up, terms};
use crate::cli::{DurabilityName, ModeName};
use crate::config::Checked;
use crate::desk::{ADDRESS, PATIENCE, resolve};
use crate::interrupt::{INTERRUPTED, Interrupt};
use crate::progress::say;
use crate::serve::{ServeArgs, admin_key_path};

/// Arguments of `fulcrum load`.
#[derive(Clone, Debug, Args)]
pub struct LoadArgs {
    /// Address of the venue
    #[arg(long, value_name = "ADDR", env = "FULCRUM_CONNECT", default_value = ADDRESS)]
    pub connect: String,
    /// Key files to trade by, a session each; their accounts have money already
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present_any = ["admin", "self_test"])]
    pub key: Vec<PathBuf>,
    /// Key of an operator: accounts, keys and a price are made for the run
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "self_test"])]
    pub admin: Option<PathBuf>,
    /// Key of an oracle, with --admin [default: a new one is registered]
    #[arg(long, value_name = "FILE", requires = "admin", conflicts_with_all = ["key", "self_test"])]
    pub oracle: Option<PathBuf>,
    /// Start a venue in this process, on loopback and a temporary directory, and load that
    #[arg(long, conflicts_with_all = ["key", "admin"])]
    pub self_test: bool,
    /// Sessions, an account each, with --admin or --self-test
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub sessions: u32,
    /// Number of the first account, with --admin
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub first_account: u32,
    /// What each account is credited with, with --admin or --self-test
    #[arg(long, value_name = "AMOUNT", default_value = "10000000")]
    pub deposit: String,
    /// What is traded
    #[arg(long, value_name = "INSTRUMENT", default_value = "0")]
    pub instrument: String,
    /// Index price, with --admin or --self-test [default: the instrument's, or 60000]
    #[arg(long, value_name = "PRICE")]
    pub price: Option<String>,
    /// Requests a second, all sessions together
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub rate: u64,
    /// For how many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub duration: u64,
    /// Seconds at the beginning that are not measured
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    pub warm_up: u64,
    /// Immediate orders among requests, per mille; the others add and cancel
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(0..=1_000))]
    pub takes: u64,
    /// Seed of what is sent
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// When the venue of --self-test acknowledges
    #[arg(long, value_enum, default_value_t = DurabilityName::Local)]
    pub durability: DurabilityName,
    /// Which thread of the venue of --self-test runs what
    #[arg(long, value_enum)]
    pub mode: Option<ModeName>,
    /// Write the percentile distribution of the latencies, in microseconds, to this file
    #[arg(long, value_name = "FILE")]
    pub hdr: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Loads a venue and prints what was measured; the exit code.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &LoadArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let interrupt = Interrupt::listen();
    let (report, measured) = if args.self_test {
        self_test(args, &interrupt)?
    } else {
        load(args, resolve(&args.connect)?, &interrupt)?
    };
    if let Some(path) = &args.hdr {
        let write = || {
            let mut out = BufWriter::new(File::create(path)?);
            write_distribution(&measured.latency_ns, &mut out)?;
            out.flush()
        };
        write().map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()))?;
    }
    if args.json {
        writeln!(output, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(output, "{report}")?;
    }
    Ok(if report.interrupted { INTERRUPTED } else { u8::from(report.unanswered > 0) })
}

impl LoadArgs {
    const fn plan(&self) -> Plan {
        Plan {
            rate: self.rate,
            duration: Duration::from_secs(self.duration + self.warm_up),
            warm_up: Duration::from_secs(self.warm_up),
            takes_per_mille: self.takes,
            seed: self.seed,
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            sessions: self.sessions,
            first_account: self.first_account,
            deposit: self.deposit.clone(),
            instrument: self.instrument.clone(),
            price: self.price.clone(),
            oracle: self.oracle.clone(),
        }
    }
}

fn load(
    args: &LoadArgs,
    address: SocketAddr,
    interrupt: &Interrupt,
) -> anyhow::Result<(LoadReport, Measured)> {
    let (keys, market) = if let Some(path) = &args.admin {
        set_up(address, Key::read(path)?, &args.wanted())?
    } else {
        let keys = args.key.iter().map(|path| Key::read(path)).collect::<Result<Vec<_>, _>>()?;
        let first = keys.first().cloned().ok_or_else(|| anyhow::anyhow!("name a key file with --key"))?;
        let market = market(address, first, &args.instrument)?;
        (keys, market)
    };
    trade(args, address, keys, market, interrupt)
}

fn trade(
    args: &LoadArgs,
    address: SocketAddr,
    keys: Vec<Key>,
    market: Market,
    interrupt: &Interrupt,
) -> anyhow::Result<(LoadReport, Measured)> {
    let mut many = Many::new()?;
    let links: Vec<_> =
        keys.into_iter().map(|key| many.add(address, terms(key, SessionKind::OrderEntry), None)).collect();
    stand(&mut many)?;
    let plan = args.plan();
    let generator = Generator::new(plan, market.instrument, market.mark, &links);
    let measured = generator.run(&mut many, interrupt)?;
    for link in &links {
        many.log_out(*link, true);
    }
    many.flush();
    let report = LoadReport::new(address.to_string(), links.len(), &plan, &measured);
    Ok((report, measured))
}

/// Waits until every session is logged on and has what it missed.
fn stand(many: &mut Many) -> anyhow::Result<()> {
    let patience = u64::try_from(PATIENCE.as_nanos()).unwrap_or(u64::MAX);
    let deadline = many.now().get().saturating_add(patience);
    let is_ready = |many: &Many| (0..many.len()).all(|link| many.session(link).is_replayed());
    while !is_ready(many) {
        many.turn(Duration::from_millis(1), |_, _| ())?;
        let failed = (0..many.len()).find_map(|link| many.fault(link).filter(|fault| fault.is_final()));
        if let Some(fault) = failed {
            anyhow::bail!("a session cannot log on: {fault}");
        }
        if many.now().get() >= deadline {
            let up = (0..many.len()).filter(|link| many.session(*link).is_replayed()).count();
            anyhow::bail!(
                "{up} of {} sessions are logged on after {} s; see that the venue runs and admits so many",
                many.len(),
                PATIENCE.as_secs()
            );
        }
    }
    Ok(())
}

/// A venue in this process, on a directory that is removed at the end.
fn self_test(args: &LoadArgs, interrupt: &Interrupt) -> anyhow::Result<(LoadReport, Measured)> {
    let directory = tempfile::Builder::new().prefix("fulcrum-load-").tempdir()?;
    let log = directory.path().join("log");
    let serve = ServeArgs {
        data: Some(log.clone()),
        listen: Some("127.0.0.1:0".to_owned()),
        config: None,
        durability: Some(args.durability),
        mode: args.mode,
        print_config: false,
    };
    let checked: Checked = serve.effective()?;
    let served = crate::serve::start(&checked)?;
    let address = served.address();
    let admin = Key::read(&admin_key_path(&log))?;
    let done = set_up(address, admin, &args.wanted())
        .and_then(|(keys, market)| trade(args, address, keys, market, interrupt));
    let stopped = served.stop();
    let (mut report, measured) = done?;
    stopped.map_err(|failure| anyhow::anyhow!("the venue stopped by itself: {failure}"))?;
    let mode = if let Some(ModeName::Dedicated) = args.mode { "dedicated" } else { "shared" };
    report.venue = format!("{address}, in this process, {mode}");
    say("the venue of this test is gone; its directory was temporary");
    Ok((report, measured))
}
