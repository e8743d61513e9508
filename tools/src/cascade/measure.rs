//! The decreasing measure of each liquidation: orders, open lots, steps that are left.
//!
//! Invariant: compared in this order it falls with every command in which the account's liquidation did something; a step
//! that met the bound of a command may leave it as it is, and goes on.

use std::collections::BTreeMap;

use engine::{CancelReason, Event, Venue};
use risk::AccountId;

/// Commands in a row that may leave a measure as it is: each removed orders of others.
const STILL_MAX: u32 = 4096;

/// How far a liquidation is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Measure {
    orders: u32,
    open: i128,
    steps_left: u16,
}

/// What a liquidation did in a command.
#[derive(Clone, Copy, Debug)]
struct Did {
    /// The step it took, where it took one.
    step: Option<u16>,
}

/// Each liquidation's, with how often it stood still.
#[derive(Default, Debug)]
pub(super) struct Measures {
    of: BTreeMap<AccountId, (Measure, u32)>,
}

impl Measures {
    /// Takes the events of a command in, after it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events tell of something else")]
    pub(super) fn after(
        &mut self,
        venue: &Venue,
        events: &[Event],
        violations: &mut Vec<String>,
        violated: &mut u64,
    ) {
        let mut did: BTreeMap<AccountId, Did> = BTreeMap::new();
        for event in events {
            self.note(event, &mut did);
        }
        for (account, did) in did {
            let Some((before, still)) = self.of.get(&account).copied() else { continue };
            let now = measure(venue, account, did.step.map_or(before.steps_left, |step| u16::MAX - step));
            if now > before || (now == before && still >= STILL_MAX) {
                *violated += 1;
                violations.push(format!("liquidation of account {account}: {before:?} became {now:?}"));
            }
            self.of.insert(account, (now, if now == before { still + 1 } else { 0 }));
        }
        for event in events {
            match *event {
                Event::LiquidationStarted { account, .. } => {
                    self.of.insert(account, (measure(venue, account, u16::MAX), 0));
                }
                Event::LiquidationEnded { account, .. } => {
                    self.of.remove(&account);
                }
                _ => {}
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other events are no doing of a liquidation")]
    fn note(&self, event: &Event, did: &mut BTreeMap<AccountId, Did>) {
        match *event {
            Event::LiquidationStepped(step) => {
                did.insert(step.account, Did { step: Some(step.step) });
            }
            Event::TakenOver { account, .. }
            | Event::Cancelled { account, reason: CancelReason::Liquidation, .. }
                if self.of.contains_key(&account) =>
            {
                did.entry(account).or_insert(Did { step: None });
            }
            _ => {}
        }
    }
}

fn measure(venue: &Venue, account: AccountId, steps_left: u16) -> Measure {
    let (mut orders, mut open) = (0, 0);
    for (_, leg) in venue.ledger().legs_of(account) {
        orders += leg.orders;
        open += i128::from(leg.position.size().get());
    }
    Measure { orders, open, steps_left }
}
