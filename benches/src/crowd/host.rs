//! The venue in a process of its own, and the line to it.
//!
//! Invariant: the venue's process answers every line it is sent with one line, and ends gracefully when nobody can send
//! any more; so it never outlives the one who measures.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use engine::Capacity;
use gateway::clock::WallClock;
use gateway::log::{Durability, LogOptions};
use gateway::process::Config;
use gateway::runner::Mode;
use gateway::serve::{ServeConfig, Served, start};
use risk::limits::FIRST_USER_ACCOUNT;
use serde::{Deserialize, Serialize};

use super::setup::opening;
use super::system::{allow_files, process_cpu_ns};
use crate::memory::resident;

/// Orders that may rest.
const ORDERS: u32 = 65_536;

/// How a venue is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::Args)]
pub struct ServingArgs {
    /// An order is acknowledged when it is on the disk.
    #[arg(long)]
    pub sync: bool,
    /// A core for every thread of the venue.
    #[arg(long)]
    pub dedicated: bool,
}

/// The venue to be served.
#[derive(Clone, Debug, clap::Args)]
pub struct VenueArgs {
    /// Where its log is written.
    #[arg(long)]
    pub directory: PathBuf,
    /// User accounts there is room for.
    #[arg(long)]
    pub accounts: u32,
    /// Connections there must be files for.
    #[arg(long)]
    pub connections: u32,
    /// Octets of recent frames kept per session.
    #[arg(long)]
    pub ring: usize,
    /// How.
    #[command(flatten)]
    pub serving: ServingArgs,
}

/// What the venue's process says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Resident octets.
    pub resident: u64,
    /// CPU time of all its threads, in nanoseconds.
    pub cpu_ns: u64,
    /// Connections.
    pub connections: u64,
    /// Of these logged on.
    pub logged_on: u64,
    /// Logons refused or never completed.
    pub refused_logons: u64,
    /// Connections ended because they did not read.
    pub slow_consumers: u64,
    /// Connections ended because nothing was heard of them.
    pub lapses: u64,
    /// Connections ended for what they sent.
    pub offenders: u64,
    /// Requests that came too fast.
    pub throttled: u64,
    /// Connections sent away because there were too many.
    pub turned_away: u64,
}

impl Figures {
    fn of(served: &Served) -> anyhow::Result<Self> {
        let stats = served.stats();
        let door = stats.door;
        Ok(Self {
            resident: resident()?,
            cpu_ns: process_cpu_ns(),
            connections: door.connections,
            logged_on: door.logged_on,
            refused_logons: door.refused_logons,
            slow_consumers: door.slow_consumers,
            lapses: door.lapses,
            offenders: door.offenders,
            throttled: door.throttled,
            turned_away: stats.turned_away,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Listening {
    address: SocketAddr,
    notice: Option<String>,
}

/// Serves a new venue; answers every line of `input` on `output` until there is none.
///
/// # Errors
/// When the venue does not start, or stopped by itself.
pub fn serve(args: &VenueArgs, input: impl BufRead, mut output: impl Write) -> anyhow::Result<()> {
    allow_files(u64::from(args.connections))?;
    let accounts = FIRST_USER_ACCOUNT + args.accounts;
    let mut config =
        Config::new(args.directory.clone(), Capacity { accounts, legs: 2 * accounts, orders: ORDERS });
    let durability = if args.serving.sync { Durability::Local } else { Durability::None };
    config.log = LogOptions { durability, ..LogOptions::default() };
    config.layout.mode = if args.serving.dedicated { Mode::Dedicated } else { Mode::Shared };
    let mut serving = ServeConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    serving.ring_bytes = args.ring;
    let served = start(&config, &serving, &opening(), WallClock::default())?;
    let notice = served.notice().map(str::to_owned);
    say(&mut output, &Listening { address: served.address(), notice })?;
    for line in input.lines() {
        line?;
        say(&mut output, &Figures::of(&served)?)?;
    }
    served.stop()?;
    Ok(())
}

fn say(output: &mut impl Write, what: &impl Serialize) -> anyhow::Result<()> {
    writeln!(output, "{}", serde_json::to_string(what)?)?;
    output.flush()?;
    Ok(())
}

/// The venue's process, as the one who measures sees it.
#[derive(Debug)]
pub struct Host {
    child: Child,
    /// Closed to end it.
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
    address: SocketAddr,
    notice: Option<String>,
}

impl Host {
    /// Starts `program`, which is this program, with the arguments of a venue.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(program: &Path, args: &VenueArgs) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg("venue").arg("--directory").arg(&args.directory);
        command.args(["--accounts", &args.accounts.to_string()]);
        command.args(["--connections", &args.connections.to_string()]);
        command.args(["--ring", &args.ring.to_string()]);
        command.args(args.serving.sync.then_some("--sync"));
        command.args(args.serving.dedicated.then_some("--dedicated"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot execute {}", program.display()))?;
        let to = child.stdin.take();
        let mut from = BufReader::new(child.stdout.take().context("the pipe was asked for")?);
        let mut line = String::new();
        from.read_line(&mut line)?;
        let said = serde_json::from_str(&line).context("the venue did not start; it says why above");
        let Listening { address, notice } = said?;
        Ok(Self { child, to, from, address, notice })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is worth telling about how its threads run.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// What it says of itself, counts as of a tenth of a second ago.
    ///
    /// # Errors
    /// When it is gone.
    pub fn figures(&mut self) -> anyhow::Result<Figures> {
        let to = self.to.as_mut().context("the venue was stopped")?;
        writeln!(to)?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        serde_json::from_str(&line).context("the venue is gone; it says why above")
    }

    /// Ends it gracefully.
    ///
    /// # Errors
    /// When it failed.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.to = None;
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "the venue's process ended with {status}");
        Ok(())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Its input ends with this, and so does it.
        self.to = None;
        drop(self.child.wait());
    }
}
