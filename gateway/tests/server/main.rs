//! A served venue from outside: sockets that speak frames by hand, and questions answered inside.
//!
//! Invariant: whatever one peer does or does not do, the others are served, and nothing that was acknowledged is lost.

mod crowd;
mod end;
mod loopback;
mod peer;
mod queries;
mod venue;
