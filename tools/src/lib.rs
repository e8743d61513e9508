//! What the `fulcrum` binary is made of: order flow, the demonstration, verification and replay of event logs.
//!
//! Invariant: nothing here changes a venue but through the commands any client could send; money is never computed
//! here, only shown and added up to check the venue's own sums.

pub mod account;
pub mod admin;
pub mod at_risk;
pub mod audit;
pub mod book;
pub mod cascade;
pub mod cli;
pub mod config;
pub mod demo;
pub mod desk;
pub mod flow;
pub mod format;
pub mod interrupt;
pub mod keygen;
pub mod load;
pub mod margin;
pub mod market;
pub mod order;
pub mod progress;
pub mod replay;
pub mod serve;
pub mod tracebook;
pub mod verify;
pub mod whatif;
