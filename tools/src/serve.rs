//! `fulcrum serve`: runs a venue that others trade at.
//!
//! Invariant: standard output carries one line, `listening on ADDRESS`, when clients are let in; everything else goes to
//! standard error. What a kill leaves in the directory is a venue that starts again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use engine::{Action, Command, KeyTerms, TimeNs};
use gateway::client::{Key, KeyError, key::key_id};
use gateway::clock::{Stopwatch, WallClock};
use gateway::log::LogError;
use gateway::process::{Comeback, Config, Layout, StartError};
use gateway::runner::Mode;
use gateway::serve::{self, ServeConfig, ServeError, Served};
use gateway::wire::types::SessionKind;
use risk::{AccountId, AssetId, InstrumentId};

use crate::cli::{DurabilityName, ModeName};
use crate::config::asset::Asset;
use crate::config::sections::{DurabilityWord, ModeWord};
use crate::config::{Checked, ConfigError, VenueConfig, risk_group};
use crate::format::{grouped, utc};
use crate::interrupt::Interrupt;
use crate::progress::say;

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long a directory may be held by another process before that is an error.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

/// Arguments of `fulcrum serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Directory of the event log, made where there is none [default: as configured]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address to listen on; port 0 takes any that is free [default: as configured]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Configuration [default: the one that --print-config prints]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// When a command is acknowledged [default: as configured]
    #[arg(long, value_enum)]
    pub durability: Option<DurabilityName>,
    /// Which thread runs what [default: as configured]
    #[arg(long, value_enum)]
    pub mode: Option<ModeName>,
    /// Print the effective configuration as TOML, and do nothing else
    #[arg(long)]
    pub print_config: bool,
}

/// Why a venue is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeFailure {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The start.
    #[error("cannot serve {}: {source}", directory.display())]
    Start {
        /// Directory of the log.
        directory: PathBuf,
        /// What is in the way.
        source: ServeError,
    },
    /// The directory cannot be used.
    #[error("cannot use {} for the log: {source}; name another directory with --data", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The first administrator's key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The configuration cannot be printed.
    #[error("the configuration cannot be printed: {0}")]
    Print(#[from] toml::ser::Error),
    /// The venue stopped by itself.
    #[error("the venue stopped by itself: {0}")]
    Venue(gateway::progress::Failure),
}

/// Serves until somebody asks to stop; the exit code.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &ServeArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let checked = args.effective()?;
    if args.print_config {
        write!(output, "{}", toml::to_string(&checked.config).map_err(ServeFailure::Print)?)?;
        return Ok(0);
    }
    let interrupt = Interrupt::listen();
    let served = start(&checked)?;
    say_start(&checked, &served);
    writeln!(output, "listening on {}", served.address())?;
    output.flush()?;
    wait(&served, &interrupt);
    finish(served)?;
    Ok(0)
}

impl ServeArgs {
    /// The configuration with what the command line says otherwise.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn effective(&self) -> Result<Checked, ConfigError> {
        let mut config = Checked::load(self.config.as_deref())?.config;
        if let Some(data) = &self.data {
            config.data.clone_from(data);
        }
        if let Some(listen) = &self.listen {
            config.listen = toml::Spanned::new(0..0, listen.clone());
        }
        if let Some(durability) = self.durability {
            config.log.durability = match durability {
                DurabilityName::None => DurabilityWord::None,
                DurabilityName::Local => DurabilityWord::Local,
            };
        }
        if let Some(mode) = self.mode {
            config.threads.mode = match mode {
                ModeName::Shared => ModeWord::Shared,
                ModeName::Dedicated => ModeWord::Dedicated,
            };
        }
        Checked::of(config, Path::new("the command line"))
    }
}

/// What a new venue begins with.
#[must_use]
pub fn opening(checked: &Checked, admin: Option<[u8; 32]>) -> Vec<Command> {
    let Some(public) = admin else { return Vec::new() };
    let kinds = [SessionKind::Admin].into_iter().fold(0, |bits, kind| bits | 1_u32 << kind as u8);
    let terms = KeyTerms { public, account: AccountId::new(0), kinds, expires: TimeNs::new(0) };
    let key = Action::RegisterKey { key: key_id(&public), terms: Box::new(terms) };
    [vec![key], definitions(checked), risk_group::opening(&checked.risk_groups)]
        .concat()
        .into_iter()
        .map(Command::venue)
        .collect()
}

/// Instruments and assets in the order in which they need each other: the price of an asset comes from an instrument,
/// and other instruments settle in it.
fn definitions(checked: &Checked) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut assets = (1..).zip(&checked.assets).peekable();
    for (number, spec) in (0..).zip(&checked.instruments) {
        while let Some((asset, terms)) = assets.next_if(|(asset, _)| *asset <= spec.contract.settlement.get())
        {
            actions.extend(asset_definition(asset, terms));
        }
        let (instrument, spec) = (InstrumentId::new(number), Box::new(spec.clone()));
        actions.push(Action::DefineInstrument { instrument, spec });
    }
    for (asset, terms) in assets {
        actions.extend(asset_definition(asset, terms));
    }
    actions
}

fn asset_definition(number: u16, terms: &Asset) -> [Action; 2] {
    let (asset, spec) = (AssetId::new(number), Box::new(terms.spec.clone()));
    [Action::index_price(spec.priced_by, terms.index), Action::DefineAsset { asset, spec }]
}

/// Where the first administrator's key is, where none is configured: `DIR.admin.key`, beside the directory of the log. A
/// log begins in an empty directory.
#[must_use]
pub fn admin_key_path(directory: &Path) -> PathBuf {
    let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let name = directory.file_name().or_else(|| whole.file_name()).unwrap_or_default().to_owned();
    let parent = if directory.file_name().is_some() { directory.parent() } else { whole.parent() };
    let mut key = name;
    key.push(".admin.key");
    parent.unwrap_or(Path::new("")).join(key)
}

/// Whether a log was begun in a directory.
fn has_log(directory: &Path) -> bool {
    directory.join("00000001.seg").exists()
}

/// The first administrator's public key: as configured, or of the key beside the log, which is made where there is none
/// and no log either.
fn admin_key(checked: &Checked) -> Result<Option<[u8; 32]>, ServeFailure> {
    if checked.admin_key.is_some() {
        return Ok(checked.admin_key);
    }
    let directory = &checked.config.data;
    let path = admin_key_path(directory);
    if path.exists() {
        return Ok(Some(Key::read(&path)?.public()));
    }
    if has_log(directory) {
        return Ok(None);
    }
    std::fs::create_dir_all(directory)
        .map_err(|source| ServeFailure::Directory { path: directory.clone(), source })?;
    let path = admin_key_path(directory);
    let key = Key::generate()?;
    key.write(&path)?;
    say(&format!("the first administrator's key is {}; keep it, and keep it to yourself", path.display()));
    Ok(Some(key.public()))
}

/// Starts the venue of a configuration.
///
/// # Errors
/// [`ServeFailure`].
pub fn start(checked: &Checked) -> Result<Served, ServeFailure> {
    let admin = admin_key(checked)?;
    let VenueConfig { data, log, threads, capacity, queues, sessions, restart, .. } = &checked.config;
    let mut config = Config::new(data.clone(), capacity.capacity());
    config.log = log.options();
    config.comeback = restart.comeback();
    config.layout =
        Layout { mode: threads.mode(), pin: threads.pin, queues: queues.sizes(), ..Layout::default() };
    let door =
        ServeConfig { listen: checked.listen, door: sessions.door(), ring_bytes: sessions.ring_bytes() };
    let opening = opening(checked, admin);
    let served = patiently(|| serve::start(&config, &door, &opening, WallClock::default()));
    served.map_err(|source| ServeFailure::Start { directory: data.clone(), source })
}

/// Tries again while another process holds the directory, but not for long: a venue that was killed a moment ago has it,
/// and then its address, until the system has cleared it away.
fn patiently(mut start: impl FnMut() -> Result<Served, ServeError>) -> Result<Served, ServeError> {
    let watch = Stopwatch::start();
    let mut was_locked = false;
    loop {
        let started = start();
        was_locked |= matches!(started, Err(ServeError::Start(StartError::Log(LogError::Locked { .. }))));
        if started.is_ok() || !was_locked || watch.elapsed() > LOCK_PATIENCE {
            return started;
        }
        std::thread::park_timeout(LOOK);
    }
}

fn say_start(checked: &Checked, served: &Served) {
    let directory = checked.config.data.display();
    let recovery = served.recovery();
    if recovery.created {
        say(&format!("began a new venue in {directory} with {} instruments", checked.instruments.len()));
    } else {
        say(&format!(
            "recovered {} commands from {directory} in {} ms; the last is of {}",
            grouped(recovery.commands.into()),
            recovery.elapsed.as_millis(),
            utc(recovery.last.time.get()),
        ));
    }
    if let Some(cut) = &recovery.cut {
        say(&format!("note: the end of the log was cut off, nothing of it was ever acknowledged: {cut}"));
    }
    if let Some(Comeback { cancel_only_ms, call_ms }) = recovery.comeback {
        say(&format!(
            "note: the end before was not graceful: cancels only for {cancel_only_ms} ms, then {call_ms} ms of auction, \
             then trading"
        ));
    }
    if let Some(notice) = served.notice() {
        say(&format!("note: {notice}"));
    }
    let durability = match checked.config.log.durability {
        DurabilityWord::None => "none",
        DurabilityWord::Local => "local",
    };
    let mode = match checked.config.threads.mode() {
        Mode::Shared => "shared",
        Mode::Dedicated => "dedicated",
    };
    say(&format!("durability {durability}, mode {mode}; Ctrl-C or SIGTERM ends it gracefully"));
}

fn wait(served: &Served, interrupt: &Interrupt) {
    while !interrupt.is_asked() && served.progress().failure().is_none() {
        for notice in served.control().take_notices() {
            say(&format!("note: {notice}"));
        }
        std::thread::park_timeout(LOOK);
    }
}

fn finish(served: Served) -> Result<(), ServeFailure> {
    let watch = Stopwatch::start();
    say("stopping: what is queued is finished first");
    let control = std::sync::Arc::clone(served.control());
    let conclusion = served.stop().map_err(ServeFailure::Venue)?;
    let stats = control.stats();
    say(&format!(
        "stopped in {} ms at command {}, state digest {:032x}",
        watch.elapsed().as_millis(),
        grouped(conclusion.last.seq.get().into()),
        conclusion.digest,
    ));
    say(&format!(
        "{} connections, {} logons, {} refused logons, {} refused frames, {} throttled, {} too slow to read",
        grouped(stats.accepted.into()),
        grouped(stats.door.logons.into()),
        grouped(stats.door.refused_logons.into()),
        grouped(stats.door.refused_frames.into()),
        grouped(stats.door.throttled.into()),
        grouped(stats.door.slow_consumers.into()),
    ));
    Ok(())
}
