//! What does the measuring itself cost? A driver that reads each operation and does nothing.

use std::hint::black_box;

use super::{Driver, Outcome, Part};
use crate::reference::Totals;
use crate::workload::Op;

/// Does nothing.
#[derive(Debug)]
pub(super) struct Null;

impl Driver for Null {
    type Input = Op;
    const REDUCES: bool = true;

    fn prepare(part: &Part<'_>) -> Vec<Op> {
        part.all.to_vec()
    }

    fn new(_: &Part<'_>) -> Self {
        Self
    }

    #[inline]
    fn apply(&mut self, op: &Op) {
        black_box(op.price);
    }

    fn outcome(&mut self) -> Outcome {
        Outcome { totals: Totals::default(), resting: None, digest: None }
    }
}
