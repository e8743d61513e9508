//! The venue's own plan, where no worker answers: the same allocation over the same holders, a bounded piece per command.
//!
//! Invariant: from its basis on, until it is made, no other command is taken, so that it is of one state.

use alloc::boxed::Box;

use super::{Deleveraging, Stage};
use crate::command::TimeNs;
use crate::event::{DeleveragingDecision, Event, Events};
use crate::limits::{HOLDER_LOOKS_PER_COMMAND, HOLDERS_PER_COMMAND, PLAN_STEPS_PER_COMMAND};
use crate::venue::Venue;
use risk::AccountId;
use risk::deleveraging::{Allocation, DeleveragingPolicy};

impl Venue {
    /// Begins a plan of the venue's own.
    pub(super) fn plan_here(&mut self, place: usize, events: &mut Events) {
        self.say_called(place, TimeNs::default(), events);
        let Deleveraging { instrument, position, amount, .. } = self.deleveragings.open[place];
        let demand = self.ledger.demand_for(instrument, position, amount);
        let allocation = Box::new(Allocation::new(self.policy_of(place), demand));
        self.deleveragings.open[place].stage = Stage::Planning { allocation, next: 0 };
        self.left_over = true;
    }

    fn policy_of(&self, place: usize) -> DeleveragingPolicy {
        self.ledger.risk_terms_of(self.deleveragings.open[place].instrument).policy
    }

    /// Goes on with the first plan that is being made.
    pub(in crate::venue) fn go_on_planning(&mut self, events: &mut Events) {
        let open = &self.deleveragings.open;
        let Some(place) = open.iter().position(|one| matches!(one.stage, Stage::Planning { .. })) else {
            return;
        };
        let stage = core::mem::replace(&mut self.deleveragings.open[place].stage, Stage::Collecting);
        let Stage::Planning { mut allocation, mut next } = stage else { return };
        let all = self.ledger.account_numbers();
        let stage = if next < all {
            self.gather(place, &mut allocation, &mut next);
            if next == all {
                allocation.end_of_holders();
            }
            Stage::Planning { allocation, next }
        } else if allocation.work(PLAN_STEPS_PER_COMMAND) {
            self.say_planned(place, &allocation, events);
            Stage::Cutting { allocation, done: 0 }
        } else {
            Stage::Planning { allocation, next }
        };
        self.deleveragings.open[place].stage = stage;
        self.left_over = true;
    }

    /// Adds some holders to a plan.
    fn gather(&self, place: usize, allocation: &mut Allocation, next: &mut u32) {
        let Deleveraging { instrument, position, .. } = self.deleveragings.open[place];
        let (all, policy) = (self.ledger.account_numbers(), self.policy_of(place));
        let mut left = HOLDERS_PER_COMMAND;
        for _ in 0..HOLDER_LOOKS_PER_COMMAND {
            if *next == all || left == 0 {
                return;
            }
            if let Some(holder) = self.holder(AccountId::new(*next), instrument, position, policy) {
                allocation.add(holder);
                left -= 1;
            }
            *next += 1;
        }
    }

    fn say_planned(&self, place: usize, allocation: &Allocation, events: &mut Events) {
        let Deleveraging { request, basis, .. } = self.deleveragings.open[place];
        let (lots, equity) = allocation.sums();
        events.push(Event::DeleveragingPlanned(DeleveragingDecision {
            request,
            basis,
            by_worker: false,
            level: allocation.level().map(|level| (level.over(), level.under())),
            holders: u32::try_from(allocation.holders()).unwrap_or(u32::MAX),
            lots,
            equity,
            commitment: [0; 32],
        }));
    }
}
