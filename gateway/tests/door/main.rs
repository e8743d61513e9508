//! The door against a venue, with the time and the log of the test.
//!
//! Invariant: every test speaks only through octets and looks only at octets, standings and what the log has.

mod bad_input;
mod flow;
mod harness;
mod insight;
mod liquidation;
mod logon;
mod losses;
mod margin;
mod operator;
mod session;
mod special;
