//! The deleveraging worker: plans who gives up how much, beside the engine and ahead of the log, and commits to whom it
//! looked at.
//!
//! Invariant: the venue neither waits for it nor trusts it. Every cut it proposes is weighed against the state the venue finds,
//! and what it does not propose in time the venue plans by itself.

pub mod commitment;
pub mod hire;
pub mod holders;
pub mod mirror;
pub mod proposals;
pub mod ranks;
pub mod secret;
pub mod shelter;
pub mod worker;
