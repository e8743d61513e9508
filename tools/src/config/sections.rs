//! The sections of a configuration that are plain numbers and switches.
//!
//! Invariant: every default is the library's own, so a setting left out means what the library means.

use engine::Capacity;
use gateway::door::{Allowance, DoorConfig, RING_BYTES};
use gateway::log::{Durability, LogOptions, SEGMENT_BYTES_MAX};
use gateway::process::{Comeback, Layout, QueueSizes};
use gateway::runner::Mode;
use serde::{Deserialize, Serialize};

use super::instrument::{Fault, Place};

const KIB: usize = 1024;
const MIB: u64 = 1024 * 1024;

/// When a command is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DurabilityWord {
    /// Once handed to the system.
    None,
    /// Once on the disk.
    Local,
}

impl From<DurabilityWord> for Durability {
    fn from(word: DurabilityWord) -> Self {
        match word {
            DurabilityWord::None => Self::None,
            DurabilityWord::Local => Self::Local,
        }
    }
}

/// Which thread runs what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModeWord {
    /// As the machine has cores.
    Auto,
    /// Few cores.
    Shared,
    /// A core for each role.
    Dedicated,
}

/// `[log]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// When a command is acknowledged.
    pub durability: DurabilityWord,
    /// Size of a segment file.
    pub segment_mib: u64,
}

impl Default for LogSection {
    fn default() -> Self {
        let LogOptions { segment_bytes, durability: _ } = LogOptions::default();
        Self { durability: DurabilityWord::Local, segment_mib: segment_bytes.div_euclid(MIB) }
    }
}

fn fault(section: &'static str, key: &'static str, what: &str) -> Fault {
    Fault { at: Place::Setting(section, key), reason: format!("{section}.{key} {what}") }
}

fn outside(section: &'static str, key: &'static str, value: usize, least: usize, most: usize) -> Fault {
    fault(section, key, &format!("is {value}; take {least} to {most}"))
}

impl LogSection {
    /// What it means.
    #[must_use]
    pub fn options(&self) -> LogOptions {
        LogOptions { segment_bytes: self.segment_mib * MIB, durability: self.durability.into() }
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let most = SEGMENT_BYTES_MAX.div_euclid(MIB);
        if (1..=most).contains(&self.segment_mib) {
            return Ok(());
        }
        Err(fault("log", "segment_mib", &format!("is {}; take 1 to {most}", self.segment_mib)))
    }
}

/// `[threads]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThreadSection {
    /// Which thread runs what.
    pub mode: ModeWord,
    /// Whether threads ask for a core of their own.
    pub pin: bool,
}

impl Default for ThreadSection {
    fn default() -> Self {
        Self { mode: ModeWord::Auto, pin: Layout::default().pin }
    }
}

impl ThreadSection {
    /// The mode on this machine.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self.mode {
            ModeWord::Auto => Mode::for_this_machine(),
            ModeWord::Shared => Mode::Shared,
            ModeWord::Dedicated => Mode::Dedicated,
        }
    }
}

/// `[capacity]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapacitySection {
    /// Account numbers run below this.
    pub accounts: u32,
    /// Accounts times the instruments each of them uses.
    pub legs: u32,
    /// Resting orders.
    pub orders: u32,
}

impl Default for CapacitySection {
    fn default() -> Self {
        Self { accounts: 65_536, legs: 131_072, orders: 262_144 }
    }
}

impl CapacitySection {
    /// What it means.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        Capacity { accounts: self.accounts, legs: self.legs, orders: self.orders }
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let within = |name, value: u32, least: u32, most: u32| {
            let fits = (least..=most).contains(&value);
            fits.then_some(()).ok_or_else(|| outside("capacity", name, wide(value), wide(least), wide(most)))
        };
        let first = risk::limits::FIRST_USER_ACCOUNT;
        within("accounts", self.accounts, first + 1, risk::limits::ACCOUNTS_MAX)?;
        within("legs", self.legs, 1, 1 << 24)?;
        within("orders", self.orders, 1, engine::limits::ORDER_SLOTS_MAX)
    }
}

/// `[queues]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueSection {
    /// To the engine.
    pub commands: usize,
    /// Of those, how many only cancels may take.
    pub reserved_for_cancels: usize,
    /// From the engine to the log.
    pub log: usize,
    /// From the engine to the sessions.
    pub client: usize,
}

impl Default for QueueSection {
    fn default() -> Self {
        let QueueSizes { commands, reserved_for_cancels, log, client } = QueueSizes::default();
        Self { commands, reserved_for_cancels, log, client }
    }
}

impl QueueSection {
    /// What it means.
    #[must_use]
    pub fn sizes(&self) -> QueueSizes {
        let Self { commands, reserved_for_cancels, log, client } = *self;
        QueueSizes { commands, reserved_for_cancels, log, client }
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let Self { commands, reserved_for_cancels, log, client } = *self;
        let sizes = [("commands", commands), ("log", log), ("client", client)];
        if let Some((name, size)) = sizes.into_iter().find(|(_, size)| !(2..=65_536).contains(size)) {
            return Err(outside("queues", name, size, 2, 65_536));
        }
        if reserved_for_cancels >= commands {
            return Err(fault("queues", "reserved_for_cancels", "must be below queues.commands"));
        }
        if client < log {
            return Err(fault("queues", "client", "must not be below queues.log"));
        }
        Ok(())
    }
}

/// `[restart]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestartSection {
    /// How long only cancels are admitted.
    pub cancel_only_ms: u32,
    /// How long orders are collected.
    pub auction_ms: u32,
}

impl Default for RestartSection {
    fn default() -> Self {
        Self { cancel_only_ms: 1_000, auction_ms: 1_000 }
    }
}

impl RestartSection {
    /// What it means; with both at 0 trading goes on at once.
    #[must_use]
    pub fn comeback(&self) -> Option<Comeback> {
        let Self { cancel_only_ms, auction_ms: call_ms } = *self;
        (cancel_only_ms > 0 || call_ms > 0).then_some(Comeback { cancel_only_ms, call_ms })
    }
}

/// `[sessions]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSection {
    /// Connections at once.
    pub connections_max: usize,
    /// Of those, connections that have not logged on.
    pub strangers_max: usize,
    /// Events kept per session for when it comes back.
    pub ring_kib: usize,
    /// Longest frame taken.
    pub frame_max: u32,
    /// Requests a session may send at once.
    pub requests_burst: u32,
    /// Requests a second after that.
    pub requests_rate: u32,
    /// Queries at once.
    pub queries_burst: u32,
    /// Queries a second after that.
    pub queries_rate: u32,
    /// Frames refused in a row that end a connection.
    pub refusals_max: u32,
    /// Time to log on.
    pub logon_ms: u32,
    /// Longest silence where the client names none.
    pub heartbeat_ms: u32,
    /// Shortest one that may be agreed.
    pub heartbeat_ms_min: u32,
    /// Longest one that may be agreed.
    pub heartbeat_ms_max: u32,
    /// Longest grace of cancel-on-disconnect.
    pub grace_ms_max: u32,
    /// Time between two ticks.
    pub tick_ms: u32,
}

impl Default for SessionSection {
    fn default() -> Self {
        let door = DoorConfig::default();
        Self {
            connections_max: door.connections_max,
            strangers_max: door.strangers_max,
            ring_kib: RING_BYTES.div_euclid(KIB),
            frame_max: door.frame_max,
            requests_burst: door.requests.capacity,
            requests_rate: door.requests.rate,
            queries_burst: door.queries.capacity,
            queries_rate: door.queries.rate,
            refusals_max: door.refusals_max,
            logon_ms: door.logon_ms,
            heartbeat_ms: door.heartbeat_ms,
            heartbeat_ms_min: door.heartbeat_ms_min,
            heartbeat_ms_max: door.heartbeat_ms_max,
            grace_ms_max: door.grace_ms_max,
            tick_ms: door.tick_ms,
        }
    }
}

impl SessionSection {
    /// What it means.
    #[must_use]
    pub fn door(&self) -> DoorConfig {
        DoorConfig {
            connections_max: self.connections_max,
            strangers_max: self.strangers_max,
            frame_max: self.frame_max,
            requests: Allowance { capacity: self.requests_burst, rate: self.requests_rate },
            queries: Allowance { capacity: self.queries_burst, rate: self.queries_rate },
            refusals_max: self.refusals_max,
            logon_ms: self.logon_ms,
            heartbeat_ms: self.heartbeat_ms,
            heartbeat_ms_min: self.heartbeat_ms_min,
            heartbeat_ms_max: self.heartbeat_ms_max,
            grace_ms_max: self.grace_ms_max,
            tick_ms: self.tick_ms,
            ..DoorConfig::default()
        }
    }

    /// Octets of events kept per session.
    #[must_use]
    pub fn ring_bytes(&self) -> usize {
        self.ring_kib * KIB
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let numbers = [
            ("ring_kib", self.ring_kib, 16, 1 << 20),
            ("connections_max", self.connections_max, 1, 1 << 20),
            ("strangers_max", self.strangers_max, 1, self.connections_max),
            ("frame_max", wide(self.frame_max), 1_024, 65_536),
            ("requests_burst", wide(self.requests_burst), 1, 1 << 30),
            ("requests_rate", wide(self.requests_rate), 1, 1 << 30),
            ("queries_burst", wide(self.queries_burst), 1, 1 << 30),
            ("queries_rate", wide(self.queries_rate), 1, 1 << 30),
            ("refusals_max", wide(self.refusals_max), 1, 1 << 30),
            ("logon_ms", wide(self.logon_ms), 100, 600_000),
            ("heartbeat_ms_min", wide(self.heartbeat_ms_min), 10, wide(self.heartbeat_ms_max)),
            ("heartbeat_ms_max", wide(self.heartbeat_ms_max), 100, 3_600_000),
            (
                "heartbeat_ms",
                wide(self.heartbeat_ms),
                wide(self.heartbeat_ms_min),
                wide(self.heartbeat_ms_max),
            ),
            ("tick_ms", wide(self.tick_ms), 1, 60_000),
        ];
        let wrong = numbers.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value));
        wrong.map_or(Ok(()), |(name, value, least, most)| Err(outside("sessions", name, value, least, most)))
    }
}

fn wide(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
