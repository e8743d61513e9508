//! Limits of the door, and what it counts.
//!
//! Invariant: everything a peer can make the door hold is bounded by a number here.

use super::throttle::Allowance;

/// Limits of the door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoorConfig {
    /// Connections at once.
    pub connections_max: usize,
    /// Connections at once that are not logged on.
    pub strangers_max: usize,
    /// Longest frame taken, in octets.
    pub frame_max: u32,
    /// Octets a connection may send before it is logged on.
    pub early_bytes_max: usize,
    /// Octets of unnumbered frames that may wait for one connection.
    pub unsent_bytes_max: usize,
    /// Octets that one call of `fill` should be given room for: what a connection may have unsent in the server.
    pub fill_limit: usize,
    /// Time to log on, in milliseconds.
    pub logon_ms: u32,
    /// How long a connection that was refused for its signature stays open, in milliseconds.
    pub refusal_ms: u32,
    /// How long a connection may take to read its last frame, in milliseconds.
    pub linger_ms: u32,
    /// Longest silence, in milliseconds, where the client names none.
    pub heartbeat_ms: u32,
    /// Shortest longest silence that may be agreed, in milliseconds.
    pub heartbeat_ms_min: u32,
    /// Longest that may be agreed, in milliseconds.
    pub heartbeat_ms_max: u32,
    /// Longest grace that may be agreed, in milliseconds.
    pub grace_ms_max: u32,
    /// Frames taken from one connection in one call of `receive`.
    pub read_quota: u32,
    /// Signatures checked between two calls of `tick`.
    pub proofs_per_round: u32,
    /// Requests that cost: orders, amendments, settings, what operators and oracles send, and what cannot be read.
    pub requests: Allowance,
    /// Queries, resends and test requests.
    pub queries: Allowance,
    /// Frames refused in a row that end a connection.
    pub refusals_max: u32,
    /// Time between two ticks of the engine, in milliseconds.
    pub tick_ms: u32,
}

impl Default for DoorConfig {
    fn default() -> Self {
        Self {
            connections_max: 16_384,
            strangers_max: 4_096,
            frame_max: 4_096,
            early_bytes_max: 4_096,
            unsent_bytes_max: 1 << 20,
            fill_limit: 64 << 10,
            logon_ms: 3_000,
            refusal_ms: 1_000,
            linger_ms: 2_000,
            heartbeat_ms: 1_000,
            heartbeat_ms_min: 100,
            heartbeat_ms_max: 60_000,
            grace_ms_max: 86_400_000,
            read_quota: 64,
            proofs_per_round: 16,
            requests: Allowance { capacity: 1_000, rate: 10_000 },
            queries: Allowance { capacity: 100, rate: 1_000 },
            refusals_max: 10_000,
            tick_ms: 100,
        }
    }
}

/// Octets of recent frames kept per session, unless told otherwise.
pub const RING_BYTES: usize = 256 << 10;

/// What the door has counted since it was opened; the first two are as of now.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct DoorStats {
    /// Connections.
    pub connections: u64,
    /// Of these logged on.
    pub logged_on: u64,
    /// Logons that were acknowledged.
    pub logons: u64,
    /// Logons that were refused or never completed.
    pub refused_logons: u64,
    /// Connections that another one of the same session replaced.
    pub take_overs: u64,
    /// Frames that were refused: unreadable, or not allowed.
    pub refused_frames: u64,
    /// Requests that were sent again and dropped.
    pub dropped_resends: u64,
    /// Requests and queries that came too fast.
    pub throttled: u64,
    /// Connections ended because they did not read.
    pub slow_consumers: u64,
    /// Connections ended because nothing was heard of them.
    pub lapses: u64,
    /// Connections ended for what they sent: broken frames, gaps, floods.
    pub offenders: u64,
    /// Sessions given up after their grace.
    pub losses: u64,
}
