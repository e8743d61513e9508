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
mod auction;
mod bitmap;
pub mod book;
mod client_index;
pub mod codec;
pub mod command;
pub mod conditions;
mod deadlines;
pub mod event;
mod ladder;
pub mod limits;
mod liquidation_index;
pub mod orders;
mod queue;
pub mod reject;
mod sentinels;
mod triggers;
pub mod venue;

pub use command::{
    Action, AdvancedOrder, AmendOrder, AmendTrigger, BatchMode, BatchedOrder, CancelOnLoss, CancelOrder,
    ClientOrderId, ClientSeq, Command, DeleveragingPlan, Exit, Instructions, KeyId, KeyTerms, Logon,
    MarginChange, MassCancel, MassQuote, MoveMargin, NewOrder, OrderBatch, OrderId, OrderRef, OrderTag,
    Pricing, Protection, ProtectionId, Quote, SelfTrade, Seq, SessionId, SessionKind, Skip, Stamp,
    TimeInForce, TimeNs, TradingState, Transfer, TransferBetween, Trigger, TriggerKind, TriggerSource,
};
pub use conditions::Stage;
pub use event::{
    CancelReason, ConversionReason, DeleveragingCall, DeleveragingCut, DeleveragingDecision, Event, Events,
    Fill, FillSide, LiquidationStep, MarginState, Movement, MovementReason, TradeId, TrimReason,
};
pub use reject::Reject;
pub use risk::{Capacity, OwnerGroupId, Restriction, TradingLimits};
pub use venue::{
    DeleveragingRank, DeleveragingStage, DeleveragingView, LiquidationMap, LiquidationStage, LiquidationView,
    MapStep,
};
pub use venue::{Denial, LEVERAGE_BOUNDS, LEVERAGE_BUCKETS, Move, Picture, Scope, Step, Survey, WhatIf};
pub use venue::{
    Indicative, Key, OpenCall, OpenOrderView, ProtectionView, Session, SpecialView, Venue, Window,
};
