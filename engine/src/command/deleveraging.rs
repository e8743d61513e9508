//! The plan of the deleveraging worker, in parts that a command can carry out.
//!
//! Invariant: a plan is a proposal. The venue weighs every cut against the state it finds, so a wrong, late or unfinished
//! plan costs nobody more than the rule admits.

use alloc::vec::Vec;
use risk::deleveraging::Cut;

use super::Seq;

/// A part of a plan.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct DeleveragingPlan {
    /// Which deleveraging.
    pub request: u64,
    /// The command after which the state was what the plan is of: the one that asked.
    pub basis: Seq,
    /// Which part, from 0.
    pub part: u32,
    /// Whether it is the last.
    pub is_last: bool,
    /// The leverage to which holders are cut, as a fraction; `None` in a queue, and where nothing was levelled.
    pub level: Option<(i128, i128)>,
    /// Holders looked at.
    pub holders: u32,
    /// Lots they hold.
    pub lots: i128,
    /// Their equity.
    pub equity: i128,
    /// Root of the tree that commits to every holder's lots and equity; zeros where none was built.
    pub commitment: [u8; 32],
    /// Who gives up how much, the most leveraged first; at most [`crate::limits::CUTS_PER_COMMAND`].
    pub cuts: Vec<Cut>,
}
