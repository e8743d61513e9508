//! The core's only door to the world: threads, clock, queues, event log.
//!
//! Invariant: whatever leaves the process is already in the log.

pub mod log;
