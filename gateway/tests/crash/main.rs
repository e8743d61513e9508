//! The event log against crashes, failing calls, flipped bits and tampering.
//!
//! Invariant: what was acknowledged is read back byte for byte, or the opening says which file is damaged and where.

mod basics;
mod calls;
mod disk;
mod flips;
mod images;
mod random;
mod run;
mod tamper;
