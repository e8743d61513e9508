//! The client's session against a scripted venue.
//!
//! Invariant: what is known of a request after any break of the connection is what the venue's log says, or is said to
//! be unknown.

mod logon;
mod peer;
mod resume;
mod sockets;
mod stream;
mod verdicts;
