//! What the `fulcrum` binary is made of: order flow, the demonstration, verification and replay of event logs.
//!
//! Invariant: nothing here changes a venue but through the commands any client could send; money is never computed
//! here, only shown.

pub mod flow;
