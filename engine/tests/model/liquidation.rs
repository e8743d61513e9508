//! The steps of a liquidation.

use engine::{CancelReason, ConversionReason, Event, MarginState};
use risk::{AccountId, Activity, AssetId, InstrumentId};

use super::arith::PPB;
use super::matching::Closing;
use super::state::{Outcome, Scope};
use super::{Model, money, price};

/// A liquidation, and how far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Case {
    pub(crate) account: AccountId,
    pub(crate) steps: u16,
    /// Of the position handled last.
    pub(crate) group: u8,
    /// By funds, in the unit of account.
    pub(crate) given: i128,
}

/// What a step through the book came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Came {
    Bound,
    Whole,
    Capped,
    Short,
}

/// When the next step is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    Now,
    Tick,
    Trust,
    Never,
}

impl Case {
    pub(crate) const fn new(account: AccountId) -> Self {
        Self { account, steps: 0, group: 0, given: 0 }
    }
}

impl Model {
    /// Whether a liquidation can go on.
    pub(crate) fn has_case(&self) -> bool {
        !self.queue.is_empty() || !self.due.is_empty()
    }

    /// A tick: those that waited for it go on, unless some of before still do.
    pub(crate) fn let_go_on(&mut self) {
        if self.due.is_empty() {
            self.due = core::mem::take(&mut self.paced);
        }
    }

    /// One step of the liquidation whose turn it is.
    pub(crate) fn liquidation_step(&mut self) {
        let first_due = |model: &mut Self| model.due.pop_first().map(|(_, case)| case);
        let Some(mut case) = self.queue.pop_front().or_else(|| first_due(self)) else { return };
        match self.step_for(&mut case) {
            Next::Now => self.queue.push_front(case),
            Next::Tick => {
                self.paced.insert(case.account, case);
                self.out.push(Event::LiquidationPaced { account: case.account, step: case.steps });
            }
            Next::Trust => {
                self.held.insert(case.account, case);
                self.out.push(Event::LiquidationHeld { account: case.account });
            }
            Next::Never => {}
        }
        self.restate(case.account);
    }

    fn step_for(&mut self, case: &mut Case) -> Next {
        let account = case.account;
        if !self.orders_of(account).is_empty() {
            let waiting = self.sweeps.len();
            self.start_sweep(Scope::of_account(account, CancelReason::Liquidation), None);
            // The next step finds what is left by itself.
            if self.sweeps.len() > waiting {
                self.sweeps.pop_front();
            }
            return Next::Now;
        }
        if self.positions_of(account).next().is_none() {
            self.end_without_positions(case);
            return Next::Never;
        }
        let chosen = self.position_to_reduce(account);
        if let Some(place) = chosen {
            case.group = self.group_number(place);
        }
        if self.is_sound(case) {
            self.end_liquidation(account, 0);
            return Next::Never;
        }
        if let Some(place) = chosen {
            return self.reduce(case, place);
        }
        if self.positions_of(account).any(|place| self.trusts(place, Activity::Liquidate)) {
            self.noted.push("unhedged wait");
            return Next::Tick;
        }
        Next::Trust
    }

    /// Whether equity covers maintenance margin, after the first step the target.
    fn is_sound(&self, case: &Case) -> bool {
        let target =
            if case.steps == 0 { PPB } else { i128::from(self.terms_of_group(case.group).target.get()) };
        self.covers(case.account, target)
    }

    fn covers(&self, account: AccountId, part: i128) -> bool {
        let now = self.worth_of_positions(account);
        now.equity * PPB * PPB >= now.maintenance * part
    }

    fn reduce(&mut self, case: &mut Case, place: InstrumentId) -> Next {
        let terms = self.risk_terms(place);
        let mut came = Came::Short;
        if case.steps < terms.steps_max {
            case.steps += 1;
            if self.liquidates_through_book(place) {
                came = self.step_through_book(case, place);
            } else {
                self.noted.push("liquidation past the book");
            }
        }
        if came == Came::Bound {
            case.steps -= 1;
            return Next::Now;
        }
        self.noted.push(match came {
            Came::Capped => "capped step",
            Came::Short => "short step",
            Came::Whole | Came::Bound => "whole step",
        });
        if self.leg(case.account, place).position == 0 || self.is_sound(case) || came == Came::Whole {
            return Next::Now;
        }
        let is_far_gone = !self.covers(case.account, i128::from(terms.backstop_at.get()));
        if came == Came::Short && (is_far_gone || case.steps >= terms.steps_max) {
            self.hand_over(case, place);
            return Next::Now;
        }
        Next::Tick
    }

    fn step_through_book(&mut self, case: &mut Case, place: InstrumentId) -> Came {
        self.book_funding(case.account, place);
        let step = self.plan_step(case, place);
        self.out.push(Event::LiquidationStepped(step));
        if step.limit.get() == 0 {
            return Came::Short;
        }
        let wide = i128::from;
        let closing = Closing {
            of: wide(step.qty.get()),
            at_bankruptcy: wide(step.at_bankruptcy.get()),
            allowance: wide(step.allowance.get()),
            group: case.group,
        };
        let held = self.leg(case.account, place).position;
        let mut taker = Self::liquidator(case.account, place, held, wide(step.limit.get()));
        (taker.left, taker.closing) = (closing.of, Some(closing));
        let outcome = self.take(&mut taker);
        if let Outcome::Limit(limit) = outcome {
            self.noted.push("liquidation paused its instrument");
            self.out.push(Event::LimitStateEntered { instrument: place, limit: price(limit) });
            self.pause(place);
        }
        self.watch_taker(&taker);
        let added = closing.allowance - taker.closing.map_or(0, |closing| closing.allowance);
        if added > 0 {
            self.noted.push("assisted fill");
        }
        if self.settlement(place) == AssetId::BASE {
            case.given += added;
        }
        if outcome == Outcome::Bound {
            Came::Bound
        } else if taker.left > 0 {
            Came::Short
        } else if step.qty < step.needed {
            Came::Capped
        } else {
            Came::Whole
        }
    }

    fn end_liquidation(&mut self, account: AccountId, covered: i128) {
        self.account_mut(account).liquidating = false;
        let equity = money(self.equity(account));
        self.out.push(Event::LiquidationEnded { account, equity, covered: money(covered) });
        self.tell_margin_state(account, MarginState::Healthy);
        self.restate(account);
        self.look(account);
    }

    /// Nothing is left to close: debts are paid out of what there is, the rest is covered.
    fn end_without_positions(&mut self, case: &Case) {
        let account = case.account;
        for owed in self.all_assets() {
            self.pay_debt(account, owed, ConversionReason::Liquidation);
        }
        for asset in self.all_assets().skip(1) {
            let amount = self.cover(account, asset, (case.group, 0));
            if amount > 0 {
                self.out.push(Event::DeficitCovered { account, asset, amount: money(amount) });
            }
        }
        let covered = self.cover(account, AssetId::BASE, (case.group, case.given));
        self.end_liquidation(account, covered);
    }

    /// What an account owes in an asset the fund pays as far as it may, and the venue bears the rest; what the fund paid.
    pub(crate) fn cover(&mut self, account: AccountId, asset: AssetId, (group, given): (u8, i128)) -> i128 {
        let owed = (-self.balance(account, asset)).max(0);
        let paid = owed.min(self.fund_may(group, asset, given));
        self.fund_gives(group, account, asset, paid);
        if owed > paid {
            self.pay(AccountId::BAD_DEBT, account, asset, owed - paid);
            self.out.push(Event::BadDebtBooked { account, asset, amount: money(owed - paid) });
        }
        paid
    }
}
