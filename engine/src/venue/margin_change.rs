//! Changes of an instrument's margin: scheduled, weighed against every account, taken by steps.
//!
//! Invariant: a step is taken only where it puts nobody below maintenance margin at the marks of that moment. Weighing and
//! arming anew pass a bounded number of accounts per command; while either is left over, marks and positions stand still.
//! An instrument has at most one change scheduled.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Venue, Verdict};
use crate::command::{MarginChange, TimeNs, TradingState};
use crate::event::{Event, Events};
use crate::limits::{WEIGH_LOOKS_PER_COMMAND, WEIGHED_PER_COMMAND};
use crate::reject::Reject;
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, Instrument, InstrumentId, MarginTerms, Position, Tier};

/// A change that is not through.
#[derive(Clone, Debug, bincode::Encode)]
struct Scheduled {
    instrument: InstrumentId,
    /// When its next step is due.
    due: TimeNs,
    /// Steps that were taken.
    taken: u16,
    /// Maintenance brackets before the first step.
    from: Vec<Tier>,
    change: MarginChange,
}

impl Scheduled {
    /// The terms its next step brings.
    fn next_terms(&self) -> MarginTerms {
        self.change.terms.at_step(&self.from, self.taken + 1, self.change.steps)
    }

    const fn is_last_step(&self) -> bool {
        self.taken + 1 >= self.change.steps
    }
}

/// Why accounts are passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
enum Stage {
    /// To tell whom a change would put below maintenance margin; it is not due.
    Announcing,
    /// To find out whether the step that is due may be taken.
    Weighing,
    /// To arm anew whom the step concerns that was taken.
    Arming,
}

/// A pass over the accounts, and how far it is.
#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Pass {
    instrument: InstrumentId,
    stage: Stage,
    /// Accounts with numbers below this are through.
    next: AccountId,
    /// Accounts that would fall below maintenance margin.
    found: u32,
}

/// What is scheduled, and the pass at work.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct MarginChanges {
    /// By instrument, ascending.
    scheduled: Vec<Scheduled>,
    pass: Option<Pass>,
}

impl MarginChanges {
    fn place(&self, instrument: InstrumentId) -> Result<usize, usize> {
        self.scheduled.binary_search_by_key(&instrument, |one| one.instrument)
    }

    fn of(&self, instrument: InstrumentId) -> Option<&Scheduled> {
        self.place(instrument).ok().map(|place| &self.scheduled[place])
    }

    fn remove(&mut self, instrument: InstrumentId) -> bool {
        self.place(instrument).map(|place| self.scheduled.remove(place)).is_ok()
    }

    /// The first instrument of which a step is due.
    fn due(&self, now: TimeNs) -> Option<InstrumentId> {
        self.scheduled.iter().filter(|one| one.due <= now).min_by_key(|one| one.due).map(|one| one.instrument)
    }

    /// Whether accounts are being passed.
    pub(super) const fn has_work(&self) -> bool {
        self.pass.is_some()
    }

    /// Whether accounts are being armed anew, so that some are still armed by what held before.
    pub(super) fn is_arming(&self) -> bool {
        self.pass.is_some_and(|pass| pass.stage == Stage::Arming)
    }
}

impl Venue {
    #[cold]
    pub(super) fn schedule_margin(
        &mut self,
        instrument: InstrumentId,
        change: &MarginChange,
        events: &mut Events,
    ) -> Verdict {
        if self.trading_state(instrument).ok_or(Reject::UnknownInstrument)? == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        if !is_sound(self.ledger.instrument(instrument), change) {
            return Err(Reject::BadParameter.into());
        }

        let from = self.ledger.instrument(instrument).spec.maintenance_tiers.clone();
        let due = change.effective.max(self.last.time);
        let scheduled = Scheduled { instrument, due, taken: 0, from, change: change.clone() };
        match self.margin_changes.place(instrument) {
            Ok(place) => self.margin_changes.scheduled[place] = scheduled,
            Err(place) => self.margin_changes.scheduled.insert(place, scheduled),
        }
        events.push(Event::MarginScheduled { instrument, due });
        let stage = if due <= self.last.time { Stage::Weighing } else { Stage::Announcing };
        self.begin_pass(instrument, stage);
        Ok(())
    }

    #[cold]
    pub(super) fn cancel_margin(&mut self, instrument: InstrumentId, events: &mut Events) -> Verdict {
        if self.ledger.find_instrument(instrument).is_none() {
            return Err(Reject::UnknownInstrument.into());
        }
        if !self.margin_changes.remove(instrument) {
            return Err(Reject::NothingScheduled.into());
        }
        events.push(Event::MarginChangeEnded { instrument });
        Ok(())
    }

    /// A tick: a step may be due.
    pub(super) fn look_at_margin_changes(&mut self) {
        if !self.margin_changes.scheduled.is_empty() && !self.margin_changes.has_work() {
            self.begin_what_is_due();
        }
    }

    fn begin_what_is_due(&mut self) {
        if let Some(instrument) = self.margin_changes.due(self.last.time) {
            self.begin_pass(instrument, Stage::Weighing);
        }
    }

    /// Passes begin with the first account in a continuation, when nothing of higher rank is left over.
    fn begin_pass(&mut self, instrument: InstrumentId, stage: Stage) {
        let next = AccountId::new(FIRST_USER_ACCOUNT);
        self.margin_changes.pass = Some(Pass { instrument, stage, next, found: 0 });
        self.left_over = true;
    }

    /// Passes some accounts; the rest waits.
    #[cold]
    pub(super) fn go_on_with_margin(&mut self, events: &mut Events) {
        let Some(mut pass) = self.margin_changes.pass.take() else { return };
        let Some(under) = self.weighed_instrument(&pass) else { return };
        let mut left = WEIGHED_PER_COMMAND;
        for _ in 0..WEIGH_LOOKS_PER_COMMAND {
            if pass.next.get() >= self.ledger.account_numbers() || left == 0 {
                break;
            }
            let account = pass.next;
            pass.next = AccountId::new(account.get() + 1);
            if self.is_open_in(account, pass.instrument) && !self.is_liquidating(account) {
                left -= 1;
                self.pass_account(account, &mut pass, &under, events);
            }
        }
        if pass.next.get() < self.ledger.account_numbers() {
            self.margin_changes.pass = Some(pass);
        } else {
            self.end_pass(&pass, events);
        }
        self.left_over |= self.margin_changes.has_work();
    }

    /// The instrument as the next step would have it; as it is where the step was taken.
    fn weighed_instrument(&self, pass: &Pass) -> Option<Box<Instrument>> {
        let known = self.ledger.instrument(pass.instrument);
        if pass.stage == Stage::Arming {
            return Some(Box::new(known.clone()));
        }
        known.under(&self.margin_changes.of(pass.instrument)?.next_terms()).map(Box::new)
    }

    fn is_open_in(&self, account: AccountId, instrument: InstrumentId) -> bool {
        let is_open = self.ledger.account(account).is_some();
        is_open && self.ledger.position(account, instrument) != Position::ZERO
    }

    fn pass_account(&mut self, account: AccountId, pass: &mut Pass, under: &Instrument, events: &mut Events) {
        let instrument = pass.instrument;
        if pass.stage == Stage::Arming {
            self.look(account, events);
            return;
        }
        let then = self.ledger.assess_under(account, instrument, under.maintenance_table());
        if then.is_below_maintenance() {
            pass.found += 1;
            let (equity, maintenance) = (then.equity, then.maintenance.ceil());
            events.push(Event::WouldLiquidate { account, instrument, equity, maintenance });
        }
    }

    /// Every account was passed.
    fn end_pass(&mut self, pass: &Pass, events: &mut Events) {
        let Pass { instrument, stage, found: accounts, .. } = *pass;
        match stage {
            Stage::Announcing => events.push(Event::MarginWeighed { instrument, accounts }),
            Stage::Weighing if accounts > 0 => self.hold_step(instrument, accounts, events),
            Stage::Weighing => {
                self.take_step(instrument, events);
                self.begin_pass(instrument, Stage::Arming);
                return;
            }
            Stage::Arming => {}
        }
        self.begin_what_is_due();
    }

    /// A step is not taken: a change in one step is over, one of several waits.
    fn hold_step(&mut self, instrument: InstrumentId, accounts: u32, events: &mut Events) {
        let Ok(place) = self.margin_changes.place(instrument) else { return };
        let scheduled = &mut self.margin_changes.scheduled[place];
        let mut due = TimeNs::default();
        if scheduled.change.steps > 1 {
            scheduled.due = self.last.time.later(scheduled.change.step_ms);
            due = scheduled.due;
        } else {
            self.margin_changes.remove(instrument);
        }
        events.push(Event::MarginHeld { instrument, accounts, due });
    }

    fn take_step(&mut self, instrument: InstrumentId, events: &mut Events) {
        let Ok(place) = self.margin_changes.place(instrument) else { return };
        let scheduled = &mut self.margin_changes.scheduled[place];
        let (terms, is_last, mut due) = (scheduled.next_terms(), scheduled.is_last_step(), TimeNs::default());
        scheduled.taken += 1;
        let step = scheduled.taken;
        if is_last {
            self.margin_changes.remove(instrument);
        } else {
            scheduled.due = self.last.time.later(scheduled.change.step_ms);
            due = scheduled.due;
        }
        self.ledger.set_margin(instrument, &terms);
        events.push(Event::MarginChanged { instrument, step, due });
    }

    /// A settled instrument asks for no margin.
    pub(super) fn forget_margin_change(&mut self, instrument: InstrumentId, events: &mut Events) {
        if self.margin_changes.remove(instrument) {
            events.push(Event::MarginChangeEnded { instrument });
        }
    }

    /// When the next step of a change of an instrument's margin is due, if one is scheduled.
    #[must_use]
    pub fn margin_change_due(&self, instrument: InstrumentId) -> Option<TimeNs> {
        self.margin_changes.of(instrument).map(|scheduled| scheduled.due)
    }

    /// Verifies that what is scheduled can be.
    pub(super) fn check_margin_changes(&self) {
        let scheduled = &self.margin_changes.scheduled;
        assert!(scheduled.is_sorted_by(|one, next| one.instrument < next.instrument), "one an instrument");
        for one in scheduled {
            assert!(one.taken < one.change.steps, "steps are left");
            let known = self.ledger.instrument(one.instrument);
            assert!(known.under(&one.next_terms()).is_some(), "the next step is admitted");
        }
    }
}

/// Whether an instrument admits a change: the terms at its end and at each step, and steps with a time between them.
fn is_sound(known: &Instrument, change: &MarginChange) -> bool {
    let MarginChange { terms, steps, step_ms, .. } = change;
    let from = &known.spec.maintenance_tiers;
    if *steps == 0 || (*steps == 1) != (*step_ms == 0) || known.under(terms).is_none() {
        return false;
    }
    // Rates on the way lie between the first and the last, so initial margin that covers both covers them.
    *steps == 1 || (terms.goes_by_steps_from(from) && known.under(&terms.at_step(from, 0, *steps)).is_some())
}
