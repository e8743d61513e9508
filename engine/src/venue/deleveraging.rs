//! Deleveraging: what nobody takes over is offered to the holders of the other side, at the amount that leaves the bankrupt
//! account with nothing.
//!
//! Invariant: what is offered in an instrument is what the holding account has there. At most one call of an instrument and
//! side is open; what comes meanwhile waits and is offered together. A call is answered by a plan of the worker in time, else
//! by the venue's own; each cut is weighed against the state it meets. A deleveraging ends with nothing left, or with what
//! nobody can bear as a named bad debt and the instrument halted. Source: `risk/MARGIN.md` 13, `ARCHITECTURE.md`.

mod carry_out;
mod fallback;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Venue, Verdict};
use crate::command::{DeleveragingPlan, Seq, TimeNs};
use crate::event::{DeleveragingCall, DeleveragingDecision, Event, Events};
use crate::limits::{CUTS_PER_COMMAND, PLAN_ROUNDS_MAX};
use crate::reject::Reject;
use risk::deleveraging::{Allocation, DeleveragingPolicy, Demand, Holder, is_level};
use risk::rounding::{div_ceil, wide_mul};
use risk::{AccountId, Activity, Fraction, InstrumentId, Money, Position};

/// How far a deleveraging is.
#[derive(Debug, bincode::Encode)]
enum Stage {
    /// It waits to be offered, with whatever joins it.
    Collecting,
    /// The worker has until then for its next part.
    Asked { plan_by: TimeNs, part: u32 },
    /// The venue plans: accounts below `next` were looked at.
    Planning { allocation: Box<Allocation>, next: u32 },
    /// The venue carries its own plan out: so many of its cuts are done.
    Cutting { allocation: Box<Allocation>, done: u32 },
}

/// Positions that are offered together.
#[derive(Debug, bincode::Encode)]
struct Deleveraging {
    request: u64,
    instrument: InstrumentId,
    /// What the current call offers, and what all of it costs; while it collects, all there is.
    position: Position,
    amount: Money,
    /// What of the call was given up so far, and for how much.
    given_up: Position,
    paid: Money,
    /// What all its calls gave up, and the rounding they left.
    total: Position,
    dust: Money,
    round: u8,
    /// Calls in succession that gave nothing up.
    fruitless: u8,
    /// Whether the worker has let the time of a call pass: the next plan is the venue's own.
    is_late: bool,
    basis: Seq,
    stage: Stage,
}

impl Deleveraging {
    /// What of the call is left.
    fn left(&self) -> Position {
        self.position - self.given_up
    }

    /// What `part` of the call costs, rounded up.
    fn price_of(&self, part: Position) -> Money {
        let over = wide_mul(self.amount.get(), part.size().get());
        Money::from_wide(div_ceil(over, i128::from(self.position.size().get())))
    }

    const fn is_of(&self, instrument: InstrumentId, is_long: bool) -> bool {
        self.instrument.get() == instrument.get() && (self.position.get() > 0) == is_long
    }
}

/// All that are not over, the oldest first.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Deleveragings {
    last: u64,
    open: Vec<Deleveraging>,
    /// Whether a tick has come since the last call: the next one comes before the next step of a liquidation.
    is_call_due: bool,
}

/// A call that waits for a plan, as the worker sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenCall {
    /// Which deleveraging.
    pub request: u64,
    /// The command after which the state is what a plan must be of.
    pub basis: Seq,
    /// Where.
    pub instrument: InstrumentId,
    /// What is offered; positive is a long, and shorts give up.
    pub position: Position,
    /// In the terms of an allocation.
    pub demand: Demand,
    /// By which rule.
    pub policy: DeleveragingPolicy,
}

/// How far a deleveraging is, as others may see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeleveragingStage {
    /// It waits to be offered, with whatever joins it.
    Collecting,
    /// The worker has until then for its plan.
    Asked {
        /// When the venue plans by itself.
        plan_by: TimeNs,
    },
    /// The venue plans.
    Planning,
    /// The venue carries its own plan out.
    Cutting,
}

/// A deleveraging that is not over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeleveragingView {
    /// Which.
    pub request: u64,
    /// Where.
    pub instrument: InstrumentId,
    /// What is offered; positive is a long, and shorts give up.
    pub position: Position,
    /// What all of it costs the holders.
    pub amount: Money,
    /// What of it was given up so far.
    pub given_up: Position,
    /// Calls so far.
    pub round: u8,
    /// How far it is.
    pub stage: DeleveragingStage,
}

impl OpenCall {
    /// A plan for the call in parts that a command can carry out, at least one: a plan without cuts says so.
    pub fn parts(&self, plan: &Allocation, commitment: [u8; 32]) -> impl Iterator<Item = DeleveragingPlan> {
        let (request, basis) = (self.request, self.basis);
        let level = plan.level().map(|level| (level.over(), level.under()));
        let holders = u32::try_from(plan.holders()).expect("accounts have 32-bit numbers");
        let (lots, equity) = plan.sums();
        let cuts = plan.cuts();
        let pieces = cuts.chunks(CUTS_PER_COMMAND).chain(cuts.is_empty().then_some(cuts));
        (0_u32..).zip(pieces).map(move |(part, piece)| DeleveragingPlan {
            request,
            basis,
            part,
            is_last: part as usize * CUTS_PER_COMMAND + piece.len() == cuts.len(),
            level,
            holders,
            lots,
            equity,
            commitment,
            cuts: piece.to_vec(),
        })
    }
}

impl Venue {
    /// The deleveragings that are not over, the oldest first.
    pub fn deleveragings(&self) -> impl Iterator<Item = DeleveragingView> + '_ {
        self.deleveragings.open.iter().map(|one| DeleveragingView {
            request: one.request,
            instrument: one.instrument,
            position: one.position,
            amount: one.amount,
            given_up: one.given_up,
            round: one.round,
            stage: match one.stage {
                Stage::Collecting => DeleveragingStage::Collecting,
                Stage::Asked { plan_by, .. } => DeleveragingStage::Asked { plan_by },
                Stage::Planning { .. } => DeleveragingStage::Planning,
                Stage::Cutting { .. } => DeleveragingStage::Cutting,
            },
        })
    }

    /// A position came to the holding account for `amount`: it is offered with what waits on its side.
    pub(super) fn offer(&mut self, instrument: InstrumentId, position: Position, amount: Money) {
        let is_long = position.get() > 0;
        let waiting = self
            .deleveragings
            .open
            .iter_mut()
            .find(|one| matches!(one.stage, Stage::Collecting) && one.is_of(instrument, is_long));
        if let Some(one) = waiting {
            one.position += position;
            one.amount += amount;
            return;
        }
        self.deleveragings.last += 1;
        self.deleveragings.open.push(Deleveraging {
            request: self.deleveragings.last,
            instrument,
            position,
            amount,
            given_up: Position::ZERO,
            paid: Money::ZERO,
            total: Position::ZERO,
            dust: Money::ZERO,
            round: 0,
            fruitless: 0,
            is_late: false,
            basis: Seq::default(),
            stage: Stage::Collecting,
        });
    }

    /// Whether a deleveraging can go on without anybody's answer.
    pub(super) fn has_deleveraging_to_do(&self) -> bool {
        self.next_to_cut().is_some() || self.next_to_call().is_some()
    }

    fn next_to_cut(&self) -> Option<usize> {
        self.deleveragings.open.iter().position(|one| matches!(one.stage, Stage::Cutting { .. }))
    }

    /// The first that waits to be offered while none of its instrument and side is, and whose index is trusted.
    fn next_to_call(&self) -> Option<usize> {
        let open = &self.deleveragings.open;
        let is_called = |one: &Deleveraging| {
            let is_long = one.position.get() > 0;
            let mut same = open.iter().filter(|other| other.is_of(one.instrument, is_long));
            same.any(|other| !matches!(other.stage, Stage::Collecting))
        };
        open.iter().position(|one| {
            matches!(one.stage, Stage::Collecting)
                && !is_called(one)
                && self.is_trusted_for(one.instrument, Activity::Liquidate)
        })
    }

    /// Carries out some of what is planned; else makes a call that waited for a tick, so that no stream of liquidations keeps
    /// it waiting. Whether there was any of these.
    pub(super) fn go_on_deleveraging(&mut self, events: &mut Events) -> bool {
        if let Some(place) = self.next_to_cut() {
            self.carry_out_plan(place, events);
            return true;
        }
        core::mem::take(&mut self.deleveragings.is_call_due) && self.call_next(events)
    }

    /// Makes the next call; whether there was one.
    pub(super) fn call_next(&mut self, events: &mut Events) -> bool {
        let place = self.next_to_call();
        if let Some(place) = place {
            self.call(place, events);
        }
        place.is_some()
    }

    /// What was collected while a call was open joins what that call has left.
    fn join(&mut self, place: usize) {
        let Deleveraging { instrument, position, .. } = self.deleveragings.open[place];
        let is_long = position.get() > 0;
        while let Some(later) =
            self.deleveragings.open.iter().skip(place + 1).position(|one| one.is_of(instrument, is_long))
        {
            let joined = self.deleveragings.open.remove(place + 1 + later);
            let one = &mut self.deleveragings.open[place];
            (one.position, one.amount) = (one.position + joined.position, one.amount + joined.amount);
            (one.total, one.dust) = (one.total + joined.total, one.dust + joined.dust);
        }
    }

    /// Offers what was collected: from now on the state is the basis of a plan.
    fn call(&mut self, place: usize, events: &mut Events) {
        let is_late = core::mem::take(&mut self.deleveragings.open[place].is_late);
        // What the worker was asked for is planned as it was asked for.
        if !is_late {
            self.join(place);
        }
        let one = &mut self.deleveragings.open[place];
        one.round = one.round.saturating_add(1);
        let within_ms = self.ledger.risk_terms_of(one.instrument).plan_within_ms;
        if within_ms == 0 || is_late || one.fruitless >= PLAN_ROUNDS_MAX {
            self.plan_here(place, events);
            return;
        }
        let plan_by = self.last.time.later(within_ms);
        one.stage = Stage::Asked { plan_by, part: 0 };
        self.say_called(place, plan_by, events);
    }

    fn say_called(&mut self, place: usize, plan_by: TimeNs, events: &mut Events) {
        let one = &mut self.deleveragings.open[place];
        one.basis = self.last.seq;
        let Deleveraging { request, round, instrument, position, amount, .. } = *one;
        let Demand { value, haircut, .. } = self.ledger.demand_for(instrument, position, amount);
        let mark = self.mark(instrument).unwrap_or_default();
        events.push(Event::DeleveragingAsked(DeleveragingCall {
            request,
            round,
            instrument,
            position,
            amount,
            mark,
            value,
            haircut,
            plan_by,
        }));
    }

    /// A tick has come: calls that were not answered in time are over, and the venue plans by itself when their turn comes. Not
    /// at once, since the tick may have other work left over, which a plan must not be in the middle of.
    pub(super) fn look_at_deleveragings(&mut self) {
        self.deleveragings.is_call_due = !self.deleveragings.open.is_empty();
        for place in 0..self.deleveragings.open.len() {
            let one = &self.deleveragings.open[place];
            if matches!(one.stage, Stage::Asked { plan_by, .. } if plan_by <= self.last.time) {
                self.settle_call(place);
                self.deleveragings.open[place].is_late = true;
            }
        }
    }

    /// What of a call was not given up becomes what there is to offer.
    fn settle_call(&mut self, place: usize) {
        let one = &mut self.deleveragings.open[place];
        let left = one.left();
        let exact = one.price_of(one.given_up);
        one.dust += one.paid - exact;
        one.fruitless = if one.given_up == Position::ZERO { one.fruitless.saturating_add(1) } else { 0 };
        one.total += one.given_up;
        (one.position, one.amount) = (left, one.amount - exact);
        (one.given_up, one.paid) = (Position::ZERO, Money::ZERO);
        one.stage = Stage::Collecting;
    }

    /// The calls that wait for a plan.
    pub fn open_calls(&self) -> impl Iterator<Item = OpenCall> + '_ {
        let asked = self.deleveragings.open.iter().filter(|one| matches!(one.stage, Stage::Asked { .. }));
        asked.map(|one| OpenCall {
            request: one.request,
            basis: one.basis,
            instrument: one.instrument,
            position: one.position,
            demand: self.ledger.demand_for(one.instrument, one.position, one.amount),
            policy: self.ledger.risk_terms_of(one.instrument).policy,
        })
    }

    /// The holders of the side that gives up against `position`, by ascending account. O(accounts).
    pub fn holders_against(
        &self,
        instrument: InstrumentId,
        position: Position,
        policy: DeleveragingPolicy,
    ) -> impl Iterator<Item = Holder> + '_ {
        let numbers = (0..self.ledger.account_numbers()).map(AccountId::new);
        numbers.filter_map(move |account| self.holder(account, instrument, position, policy))
    }

    fn holder(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        position: Position,
        policy: DeleveragingPolicy,
    ) -> Option<Holder> {
        self.ledger.account(account)?;
        self.ledger.holder(account, instrument, position, policy)
    }

    /// A part of the worker's plan.
    #[cold]
    pub(super) fn deleverage(&mut self, plan: &DeleveragingPlan, events: &mut Events) -> Verdict {
        let place = self.deleveragings.open.iter().position(|one| one.request == plan.request);
        let place = place.ok_or(Reject::NothingPending)?;
        let one = &self.deleveragings.open[place];
        let Stage::Asked { part, plan_by } = one.stage else { return Err(Reject::NothingPending.into()) };
        let is_next = one.basis == plan.basis && part == plan.part;
        let is_sound = plan.level.is_none_or(|(over, under)| is_level(over, under))
            && plan.cuts.len() <= CUTS_PER_COMMAND
            && (plan.is_last || !plan.cuts.is_empty());
        if !is_next || !is_sound {
            return Err(Reject::BadParameter.into());
        }

        self.deleveragings.open[place].stage = Stage::Asked { plan_by, part: part + 1 };
        if plan.part == 0 {
            events.push(Event::DeleveragingPlanned(DeleveragingDecision {
                request: plan.request,
                basis: plan.basis,
                by_worker: true,
                level: plan.level,
                holders: plan.holders,
                lots: plan.lots,
                equity: plan.equity,
                commitment: plan.commitment,
            }));
        }
        let level = plan.level.map(|(over, under)| Fraction::new(over, under));
        for cut in &plan.cuts {
            self.cut(place, level, cut, events);
        }
        // Nothing is left for further parts where a part gave up all of it.
        if plan.is_last || self.deleveragings.open[place].left() == Position::ZERO {
            self.end_call(place, events);
        }
        Ok(())
    }

    /// A plan was carried out: what it left is offered anew, and where nothing is left it is over.
    fn end_call(&mut self, place: usize, events: &mut Events) {
        self.settle_call(place);
        if self.deleveragings.open[place].position == Position::ZERO {
            self.end_deleveraging(place, Position::ZERO, events);
        }
    }

    /// An instrument is about to be settled: what is still on offer there is settled with the bad-debt account.
    pub(super) fn end_deleveragings_in(&mut self, instrument: InstrumentId, events: &mut Events) {
        while let Some(place) = self.deleveragings.open.iter().position(|one| one.instrument == instrument) {
            self.settle_call(place);
            self.book_bad_position(place, events);
        }
    }

    /// Verifies that what is on offer is what the holding account has.
    pub(super) fn check_deleveragings(&self) {
        for instrument in (0..self.ledger.instruments()).map(InstrumentId::new) {
            let of = self.deleveragings.open.iter().filter(|one| one.instrument == instrument);
            let offered = of.clone().fold(Position::ZERO, |sum, one| sum + one.left());
            let held = self.ledger.position(AccountId::DELEVERAGING, instrument);
            assert!(offered == held, "what is on offer is held");
            let called = of.filter(|one| !matches!(one.stage, Stage::Collecting));
            let longs = called.clone().filter(|one| one.position.get() > 0).count();
            assert!(longs <= 1 && called.count() - longs <= 1, "one call of a side at a time");
        }
        let is_empty = self.deleveragings.open.is_empty();
        for asset in (0..self.ledger.asset_numbers()).map(risk::AssetId::new) {
            let balance = self.ledger.balance(AccountId::DELEVERAGING, asset);
            assert!(!is_empty || balance == Money::ZERO, "nothing stays with the holding account");
        }
    }

    /// Whether a plan of the venue's own is being made.
    pub(super) fn is_planning(&self) -> bool {
        self.deleveragings.open.iter().any(|one| matches!(one.stage, Stage::Planning { .. }))
    }
}
