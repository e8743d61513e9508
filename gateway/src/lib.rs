//! The core's only door to the world: threads, clock, queues, event log.
//!
//! Invariant: whatever leaves the process is already in the log.

pub mod archive;
pub mod client;
pub mod clock;
pub mod deleveraging;
pub mod door;
pub mod duty;
pub mod engine_role;
pub mod follower;
pub mod idle;
pub mod in_process;
pub mod insight;
pub mod log;
pub mod log_role;
pub mod outcome;
pub mod process;
pub mod progress;
pub mod query;
pub mod queue;
mod read_ahead;
pub mod recovery;
pub mod release;
pub mod replay;
pub mod runner;
pub mod serve;
pub mod server;
pub mod wire;
