//! A venue over a directory: recovered or begun, its roles on their threads, ended gracefully or killed.
//!
//! Invariant: the state is what the log says, nothing else is kept. So killing the process at any point loses nothing
//! that was released, and a start after a kill is the same as a start after a graceful end.

use std::path::PathBuf;
use std::sync::Arc;

use engine::{Capacity, Reject};

use crate::clock::Clock;
use crate::deleveraging::hire::{Ends, Hired, hire};
use crate::deleveraging::proposals::Proposed;
use crate::deleveraging::shelter::Sheltered;
use crate::deleveraging::worker::Standing;
use crate::duty::DutyCycle;
use crate::engine_role::{EngineRole, Outlets};
use crate::follower::FollowerFeed;
use crate::idle::{Idle, Patience, Waker};
use crate::in_process::Client;
use crate::log::{LogError, LogOptions};
use crate::log_role::{CommandLog, LogRole};
use crate::outcome::Outcome;
use crate::progress::{Conclusion, Failure, Progress};
use crate::queue::batches;
use crate::recovery::{Recovered, Recovery, recover};
use crate::release::Release;
use crate::runner::{self, Mode, Running};

/// Boxes of 64 messages per queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueSizes {
    /// To the engine; what is reserved for cancels included.
    pub commands: usize,
    /// Of those, how many only cancels may take.
    pub reserved_for_cancels: usize,
    /// From the engine to the log.
    pub log: usize,
    /// From the engine to the client. Outcomes wait here until they are durable, so not less than to the log.
    pub client: usize,
}

impl Default for QueueSizes {
    fn default() -> Self {
        // A box may travel with a single message in it: 256 of them are what 1 ms of sync lets pass at 256,000
        // commands a second that come one by one.
        Self { commands: 64, reserved_for_cancels: 8, log: 256, client: 256 }
    }
}

/// How the roles are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Which thread runs what.
    pub mode: Mode,
    /// Whether threads ask for a core of their own.
    pub pin: bool,
    /// Queues between them.
    pub queues: QueueSizes,
    /// Whether a worker plans deleveragings beside the engine. Where the log cannot be read again there is none.
    pub deleveraging_worker: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            mode: Mode::for_this_machine(),
            pin: true,
            queues: QueueSizes::default(),
            deleveraging_worker: true,
        }
    }
}

impl Layout {
    /// How its threads wait.
    #[must_use]
    pub fn patience(&self) -> Patience {
        // A thread that spins on a core it was promised and does not have keeps a peer from working.
        let alone = self.mode == Mode::Dedicated && Mode::for_this_machine() == Mode::Dedicated;
        if alone { Patience::DEDICATED } else { Patience::SHARED }
    }
}

/// How a venue is run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// Where its log is.
    pub directory: PathBuf,
    /// How the log is kept.
    pub log: LogOptions,
    /// Room of a new venue. One that exists keeps what its genesis names: it decides rejects, so it is state.
    pub capacity: Capacity,
    /// Build, for the genesis record.
    pub build: String,
    /// How the roles are laid out.
    pub layout: Layout,
    /// How trading begins again after an end that was not graceful; `None` goes on at once.
    pub comeback: Option<Comeback>,
}

/// After a failure every instrument that traded is cancel-only, then in auction, then open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Comeback {
    /// How long only cancels are admitted, in milliseconds.
    pub cancel_only_ms: u32,
    /// How long orders are collected, in milliseconds.
    pub call_ms: u32,
}

impl Config {
    /// The usual way to run a venue in `directory`.
    #[must_use]
    pub fn new(directory: PathBuf, capacity: Capacity) -> Self {
        let build = env!("CARGO_PKG_VERSION").to_owned();
        Self {
            directory,
            log: LogOptions::default(),
            capacity,
            build,
            layout: Layout::default(),
            comeback: None,
        }
    }
}

/// Why a venue does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A command that a new venue was to begin with is refused; nothing was written.
    #[error("the venue cannot begin: its command {number}, {action}, is refused as {reject:?}")]
    Opening {
        /// Its number among them, from 1.
        number: usize,
        /// What it asks for, in words.
        action: String,
        /// The broken rule.
        reject: Reject,
    },
    /// The system has no thread for us.
    #[error("cannot start a thread: {0}; raise the limit on processes (ulimit -u) and start again")]
    Thread(#[from] std::io::Error),
}

/// The roles of a venue, wired and not yet on any thread. Tests and the simulator drive them by hand.
#[derive(Debug)]
pub struct Roles<L: CommandLog, C> {
    /// The engine.
    pub engine: EngineRole<C>,
    /// The log.
    pub log: LogRole<L>,
    /// The client.
    pub client: Client<C>,
    /// What they tell each other.
    pub progress: Arc<Progress>,
}

/// Who waits where.
#[derive(Debug)]
struct Wakers {
    engine: Waker,
    log: Waker,
    client: Waker,
}

/// Wires the roles of a recovered venue. `followers` are fed as far as they keep up. The roles wait by nobody's idle
/// strategy: call their `do_work` in turn.
#[must_use]
pub fn wire<L: CommandLog, C: Clock>(
    recovered: Recovered<L>,
    clock: C,
    queues: QueueSizes,
    followers: Vec<FollowerFeed>,
) -> Roles<L, C> {
    let nobody = Idle::new(Patience::SHARED).waker();
    let wakers = Wakers { engine: nobody.clone(), log: nobody.clone(), client: nobody };
    wire_with(recovered, clock, queues, followers, wakers, None)
}

fn wire_with<L: CommandLog, C: Clock>(
    recovered: Recovered<L>,
    mut clock: C,
    queues: QueueSizes,
    followers: Vec<FollowerFeed>,
    wakers: Wakers,
    client_idle: Option<Idle>,
) -> Roles<L, C> {
    let Recovered { venue, log } = recovered;
    let Wakers { engine: engine_waker, log: log_waker, client: client_waker } = wakers;
    let last = venue.last_stamp();
    clock.never_before(last.time);
    let everybody = vec![engine_waker.clone(), log_waker.clone(), client_waker.clone()];
    let progress = Arc::new(Progress::new(last.seq, client_waker.clone(), everybody));
    let (arrivals, to_engine) = batches(queues.commands, client_waker.clone(), engine_waker.clone());
    let (to_log, log_outcomes) = batches(queues.log, engine_waker.clone(), log_waker);
    let (to_client, client_outcomes) = batches(queues.client, engine_waker, client_waker);
    let outlets = Outlets::new(to_log, to_client, followers);
    let engine = EngineRole::new(venue, clock.clone(), to_engine, outlets, Arc::clone(&progress));
    let log = LogRole::new(log, log_outcomes, queues.log, Arc::clone(&progress));
    let release = Release::new(client_outcomes, Arc::clone(&progress));
    let reserved = queues.reserved_for_cancels;
    let client = Client::new(arrivals, release, clock, reserved, Arc::clone(&progress), client_idle);
    Roles { engine, log, client, progress }
}

/// A running venue.
#[derive(Debug)]
pub struct Process {
    threads: Vec<Running>,
    progress: Arc<Progress>,
    notice: Option<String>,
    /// What can be seen of the deleveraging worker, if there is one.
    deleveraging: Option<Arc<Standing>>,
}

impl Process {
    /// Recovers or begins the venue in `config.directory` and runs it; the caller's thread is the client.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start<C: Clock>(config: &Config, mut clock: C) -> Result<(Self, Client<C>, Recovery), StartError> {
        let (recovered, recovery) = recover(config, &mut clock, &[], &mut |_| ())?;
        let (process, client) = Self::launch(recovered, clock, config.layout)?;
        Ok((process, client, recovery))
    }

    /// Runs a recovered venue over any log; the caller's thread is the client.
    ///
    /// # Errors
    /// When the system has no thread for us.
    pub fn launch<L: CommandLog + 'static, C: Clock>(
        recovered: Recovered<L>,
        clock: C,
        layout: Layout,
    ) -> std::io::Result<(Self, Client<C>)> {
        let (engine_idle, log_idle, client_idle) = (idle(layout), idle(layout), idle(layout));
        let wakers =
            Wakers { engine: engine_idle.waker(), log: log_idle.waker(), client: client_idle.waker() };
        let (feeds, mut desk) = Desk::prepare(&recovered, layout, &wakers.engine);
        let roles = wire_with(recovered, clock, layout.queues, feeds, wakers, Some(client_idle));
        let Roles { mut engine, log, client, progress } = roles;
        desk.connect(&mut engine);
        let mut process = Self { threads: Vec::new(), progress, notice: None, deleveraging: None };
        process.run(ENGINE, layout, engine_idle, vec![Box::new(engine)])?;
        process.run(LOG, layout, log_idle, vec![Box::new(log)])?;
        process.notice = process.say_once(layout);
        process.open(desk, layout)?;
        Ok((process, client))
    }

    /// Runs a recovered venue over any log with a client role, which `make` builds around its handle: on the engine's
    /// thread in [`Mode::Shared`], else on its own. The role must finish when its handle has. Its thread waits
    /// by `client_idle`.
    ///
    /// # Errors
    /// When the system has no thread for us.
    pub fn launch_with<L: CommandLog + 'static, C: Clock>(
        recovered: Recovered<L>,
        clock: C,
        layout: Layout,
        client_idle: Idle,
        make: impl FnOnce(Client<C>) -> Box<dyn DutyCycle>,
    ) -> std::io::Result<Self> {
        let (engine_idle, log_idle) = (idle(layout), idle(layout));
        let shared = layout.mode == Mode::Shared;
        let joins = shared && !recovered.log.waits();
        let client_waker = client_idle.waker();
        let engine_waker = if shared { client_waker.clone() } else { engine_idle.waker() };
        let log_waker = if joins { client_waker.clone() } else { log_idle.waker() };
        let wakers = Wakers { engine: engine_waker, log: log_waker, client: client_waker };
        let (feeds, mut desk) = Desk::prepare(&recovered, layout, &wakers.engine);
        let roles = wire_with(recovered, clock, layout.queues, feeds, wakers, None);
        let Roles { mut engine, log, client, progress } = roles;
        let client = make(client);
        desk.connect(&mut engine);
        let mut process = Self { threads: Vec::new(), progress, notice: None, deleveraging: None };
        let (engine, log): (Box<dyn DutyCycle>, Box<dyn DutyCycle>) = (Box::new(engine), Box::new(log));
        // The client first: what it submits is applied, and where the log joins in, released, in the same round.
        if joins {
            process.run(ENGINE, layout, client_idle, vec![client, engine, log])?;
        } else if shared {
            process.run(ENGINE, layout, client_idle, vec![client, engine])?;
            process.run(LOG, layout, log_idle, vec![log])?;
        } else {
            process.run(ENGINE, layout, engine_idle, vec![engine])?;
            process.run(CLIENT, layout, client_idle, vec![client])?;
            process.run(LOG, layout, log_idle, vec![log])?;
        }
        process.notice = process.say_once(layout);
        process.open(desk, layout)?;
        Ok(process)
    }

    /// Lets the deleveraging worker begin, on a thread of its own.
    fn open(&mut self, desk: Desk, layout: Layout) -> std::io::Result<()> {
        let Desk { hired, idle, refused, .. } = desk;
        if let Some(why) = refused {
            let said = format!("no deleveraging worker: {why}");
            self.notice = Some(self.notice.take().map_or(said.clone(), |notice| format!("{notice}; {said}")));
        }
        let Some(hired) = hired else { return Ok(()) };
        let worker = hired.begin(Arc::clone(&self.progress));
        self.deleveraging = Some(Arc::clone(worker.standing()));
        self.run(DELEVERAGING, layout, idle, vec![Box::new(Sheltered::new(worker))])
    }

    fn run(
        &mut self,
        name: &'static str,
        layout: Layout,
        idle: Idle,
        cycles: Vec<Box<dyn DutyCycle>>,
    ) -> std::io::Result<()> {
        let core = core_for(name, layout);
        let started = runner::start(name, core, idle, cycles, &self.progress);
        // Threads that already run must not outlive a start that failed.
        self.threads.push(started.inspect_err(|_| self.progress.request_stop())?);
        Ok(())
    }

    /// What is worth telling about the threads, if anything.
    fn say_once(&self, layout: Layout) -> Option<String> {
        if !layout.pin {
            return None;
        }
        let refused: Vec<String> =
            self.threads.iter().filter_map(Running::refused).map(|core| core.id.to_string()).collect();
        if !refused.is_empty() {
            return Some(format!("the system refused to pin a thread to core {}", refused.join(" and ")));
        }
        let cores = runner::cores().len();
        (cores < self.threads.len())
            .then(|| format!("{cores} cores for {} threads: not all are pinned", self.threads.len()))
    }

    /// What is worth telling a person about how the threads run, if anything.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// What can be seen of the deleveraging worker, if there is one.
    #[must_use]
    pub fn deleveraging(&self) -> Option<&Arc<Standing>> {
        self.deleveraging.as_ref()
    }

    /// How far the venue is, and how to ask it to stop.
    #[must_use]
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Ends gracefully: finishes what was submitted, releases it to `see`, syncs and closes the log.
    ///
    /// # Errors
    /// [`Failure`], where the venue stopped by itself.
    pub fn stop<C: Clock>(
        self,
        mut client: Client<C>,
        see: impl FnMut(&Outcome<'_>),
    ) -> Result<Conclusion, Failure> {
        client.flush();
        self.progress.request_stop();
        client.drain(see);
        self.join()
    }

    /// Waits for the end, after a stop was requested or by a failure. Whoever holds the client must poll it or drop
    /// it: the engine waits for room for its outcomes.
    ///
    /// # Errors
    /// [`Failure`], where the venue stopped by itself.
    ///
    /// # Panics
    /// Never: an engine thread that ends without a failure has concluded.
    pub fn join(self) -> Result<Conclusion, Failure> {
        for thread in self.threads {
            thread.join();
        }
        if let Some(failure) = self.progress.failure() {
            return Err(failure.clone());
        }
        Ok(self.progress.conclusion().expect("an engine that did not panic has concluded"))
    }
}

const ENGINE: &str = "fulcrum-engine";
const LOG: &str = "fulcrum-log";
const CLIENT: &str = "fulcrum-client";
const DELEVERAGING: &str = "fulcrum-adl";

/// The deleveraging worker before it has a thread.
#[derive(Debug)]
struct Desk {
    proposed: Option<Proposed>,
    hired: Option<Hired>,
    idle: Idle,
    /// Why there is none, though one is wanted.
    refused: Option<String>,
}

impl Desk {
    /// A worker where one is wanted and the log can be read again, and where the engine feeds it.
    fn prepare<L: CommandLog>(
        recovered: &Recovered<L>,
        layout: Layout,
        engine: &Waker,
    ) -> (Vec<FollowerFeed>, Self) {
        // It plans rarely and shall take nobody's core while it waits.
        let idle = Idle::new(Patience::SHARED);
        let nobody = Self { proposed: None, hired: None, idle, refused: None };
        let archive = if layout.deleveraging_worker { recovered.log.archive() } else { None };
        let Some(archive) = archive else { return (Vec::new(), nobody) };
        match hire(&recovered.venue, archive, engine.clone(), nobody.idle.waker()) {
            Ok((Ends { feed, proposed }, hired)) => {
                (vec![feed], Self { proposed: Some(proposed), hired: Some(hired), ..nobody })
            }
            Err(why) => (Vec::new(), Self { refused: Some(why), ..nobody }),
        }
    }

    fn connect<C: Clock>(&mut self, engine: &mut EngineRole<C>) {
        if let Some(proposed) = self.proposed.take() {
            engine.hear(proposed);
        }
    }
}

fn idle(layout: Layout) -> Idle {
    Idle::new(layout.patience())
}

/// The last cores are ours, the first ones are where a system keeps its interrupts.
fn core_for(name: &str, layout: Layout) -> Option<core_affinity::CoreId> {
    let cores = runner::cores();
    // On a single core pinning changes nothing.
    if !layout.pin || cores.len() < 2 {
        return None;
    }
    let from_last = match (layout.mode, name) {
        (_, ENGINE) => 0,
        // The worker may work beside any of them. The log mostly blocks where it does not have a core of its own.
        (_, DELEVERAGING) | (Mode::Shared, _) => return None,
        (Mode::Dedicated, LOG) => 1,
        (Mode::Dedicated, _) => 2,
    };
    cores.into_iter().rev().nth(from_last)
}
