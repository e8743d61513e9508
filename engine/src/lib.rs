//! Order books, matching and the venue.
//!
//! Invariant: [`Venue::apply`] is the only function that changes state. Same commands with same stamps give the same
//! events and the same digest, on every build and machine: no clock, no I/O, no randomness, no float, no unordered
//! iteration, no `unsafe`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

pub mod ahead;
mod bitmap;
pub mod book;
mod client_index;
pub mod codec;
pub mod command;
mod deadlines;
pub mod event;
mod ladder;
pub mod limits;
mod liquidation_index;
pub mod orders;
pub mod reject;
pub mod venue;

pub use command::{
    Action, AmendOrder, CancelOnLoss, CancelOrder, ClientOrderId, ClientSeq, Command, KeyId, KeyTerms, Logon,
    MassCancel, NewOrder, OrderId, OrderRef, Seq, SessionId, SessionKind, Skip, Stamp, TimeInForce, TimeNs,
    TradingState, Transfer,
};
pub use event::{CancelReason, Event, Events, Fill, FillSide, TradeId};
pub use reject::Reject;
pub use risk::{Capacity, Restriction};
pub use venue::{Key, OpenOrderView, Session, Venue};
