//! Liquidation, one bounded step per command: cancel the account's orders; reduce leg by leg through the book, no more at a
//! time than the book bears; where the book is given up, hand the leg over.
//!
//! Invariant: an account in liquidation has no trigger and takes no command but money in; it leaves sound, or without
//! positions and without debt. Every step but one that waits takes away orders, positions or steps that are left, and adds
//! to none, so that every liquidation ends: [`Measure`]. Nobody without an order in the book is touched.

use alloc::collections::BTreeMap;

use super::Venue;
use super::matching::{Purpose, Taker, WalkEnd};
use super::sweep::Scope;
use crate::event::{CancelReason, Event, Events, LiquidationStep, MarginState};
use crate::limits::{DEPTH_LEVELS_MAX, SCAN_MAX};
use risk::limits::PPB;
use risk::liquidation_size::Standing;
use risk::rounding::{div_ceil, wide_mul};
use risk::{
    AccountId, AccountState, Activity, AssetId, Closing, Leg, LegId, Mark, Money, OracleState, Position,
    Price, Qty, Rate, Requirement, RiskGroupTerms, Side,
};

/// A stale index lets a step take this part of what the depth admits.
const STALE_PART: i64 = 4;

/// A liquidation, and how far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub(super) struct Case {
    pub(super) account: AccountId,
    /// Steps taken through the book.
    pub(super) steps: u16,
    /// The risk group of the leg handled last.
    pub(super) group: u8,
    /// What funds have given for it, in the unit of account.
    pub(super) given: Money,
}

impl Case {
    pub(super) const fn new(account: AccountId) -> Self {
        Self { account, steps: 0, group: 0, given: Money::ZERO }
    }
}

/// Liquidations that wait for the next tick.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Paced {
    /// Until the next tick.
    waiting: BTreeMap<AccountId, Case>,
    /// Since a tick has come, the lowest account first.
    due: BTreeMap<AccountId, Case>,
}

impl Paced {
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.due.len()
    }

    pub(super) fn is_due(&self) -> bool {
        !self.due.is_empty()
    }

    fn remove(&mut self, account: AccountId) -> Option<Case> {
        self.waiting.remove(&account).or_else(|| self.due.remove(&account))
    }
}

/// What is left of a liquidation, compared in this order; it falls with every step that does not wait for the outside.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Measure {
    orders: u32,
    open: i128,
    steps: u16,
}

/// What became of a step through the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum StepEnd {
    /// It met the bound of a command and goes on in the next.
    Bound,
    /// The book took all that was needed.
    Whole,
    /// The book took all that it may be asked for at once.
    Capped,
    /// The book took less, or was not asked.
    Short,
}

/// What comes after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// The next one, when its turn comes.
    Again,
    /// The same one goes on: it met the bound of a command, and orders of the book are gone.
    Bound,
    /// Nothing before the next tick.
    Tick,
    /// Nothing before the next tick, since what could be closed hedges what cannot.
    Unhedged,
    /// Nothing before an index is trusted.
    Trust,
    /// It is over.
    End,
}

/// Where a liquidation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LiquidationStage {
    /// Its next step comes when its turn does.
    Queued,
    /// It has done what it may before the next tick.
    Paced,
    /// It waits for an index that can be trusted.
    Held,
}

/// A liquidation, as others may see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiquidationView {
    /// Where it is.
    pub stage: LiquidationStage,
    /// Steps taken through the book; 0 of one so far behind in the queue that it was not looked for.
    pub steps: u16,
}

impl Venue {
    /// Liquidations that go on, whatever they wait for.
    #[must_use]
    pub fn liquidations(&self) -> usize {
        self.liquidating.len() + self.paced.len() + self.held.len()
    }

    /// The liquidation of an account; `None` where there is none.
    #[must_use]
    pub fn liquidation_of(&self, account: AccountId) -> Option<LiquidationView> {
        if !self.is_liquidating(account) {
            return None;
        }
        if let Some(case) = self.held.get(&account) {
            return Some(LiquidationView { stage: LiquidationStage::Held, steps: case.steps });
        }
        if let Some(case) = self.paced.waiting.get(&account) {
            return Some(LiquidationView { stage: LiquidationStage::Paced, steps: case.steps });
        }
        let due = self.paced.due.get(&account);
        let queued =
            due.or_else(|| self.liquidating.iter().take(SCAN_MAX).find(|case| case.account == account));
        let steps = queued.map_or(0, |case| case.steps);
        Some(LiquidationView { stage: LiquidationStage::Queued, steps })
    }

    /// The liquidation whose step comes next: first found first, then those that waited for a tick.
    pub(super) fn next_case(&mut self) -> Option<Case> {
        let waited = |venue: &mut Self| venue.paced.due.pop_first().map(|(_, case)| case);
        self.liquidating.pop_front().or_else(|| waited(self))
    }

    /// A tick has come: those that waited for it go on, unless some that waited for the last still do.
    pub(super) fn let_paced_go_on(&mut self) {
        if self.paced.due.is_empty() {
            core::mem::swap(&mut self.paced.due, &mut self.paced.waiting);
        }
    }

    /// Takes a liquidation out of those that wait for a tick.
    pub(super) fn unpace(&mut self, account: AccountId) -> Option<Case> {
        self.paced.remove(account)
    }

    /// One step, and what it makes of the account's standing.
    pub(super) fn liquidation_step(&mut self, mut case: Case, events: &mut Events) {
        let before = self.measure(&case);
        let next = self.step(&mut case, events);
        let falls = self.measure(&case) < before;
        let is_exempt = !matches!(next, Next::Again | Next::Tick);
        assert!(falls || is_exempt, "a liquidation comes nearer to its end");
        match next {
            Next::Again | Next::Bound => self.liquidating.push_front(case),
            Next::Tick | Next::Unhedged => {
                events.push(Event::LiquidationPaced { account: case.account, step: case.steps });
                self.paced.waiting.insert(case.account, case);
            }
            Next::Trust => self.hold(case, events),
            Next::End => {}
        }
        self.restate(case.account, events);
    }

    fn measure(&self, case: &Case) -> Measure {
        let (mut orders, mut open) = (0, 0);
        for (_, leg) in self.ledger.legs_of(case.account) {
            orders += leg.orders;
            open += i128::from(leg.position.size().get());
        }
        Measure { orders, open, steps: u16::MAX - case.steps }
    }

    fn step(&mut self, case: &mut Case, events: &mut Events) -> Next {
        let account = case.account;
        if self.ledger.first_order(account, None).is_some() {
            // What is left of it the next step begins anew: everything goes, so the first is always next.
            self.cancel_some(Scope::of_account(account, CancelReason::Liquidation), events);
            return Next::Again;
        }
        if self.ledger.legs_of(account).all(|(_, leg)| leg.position == Position::ZERO) {
            self.close_account_debt(case, events);
            return Next::End;
        }
        let Some(leg) = self.leg_to_reduce(account) else {
            return self.without_leg_to_reduce(case, events);
        };
        case.group = self.ledger.risk_group_of(self.ledger.leg(leg).instrument);
        if self.is_sound(case, case.group) {
            return self.end_sound(account, events);
        }
        self.close_leg(case, leg, events)
    }

    /// No position may be reduced: the account waits for a trusted index, or until what hedges the rest no longer does.
    fn without_leg_to_reduce(&mut self, case: &Case, events: &mut Events) -> Next {
        if self.is_sound(case, case.group) {
            return self.end_sound(case.account, events);
        }
        let mut open = self.ledger.legs_of(case.account).filter(|(_, leg)| leg.position != Position::ZERO);
        let is_trusted = open.any(|(_, leg)| self.is_trusted_for(leg.instrument, Activity::Liquidate));
        if is_trusted { Next::Unhedged } else { Next::Trust }
    }

    /// Whether the account needs no step: before the first its equity covers maintenance margin, after it the target.
    fn is_sound(&self, case: &Case, group: u8) -> bool {
        let now = self.ledger.assess(case.account);
        let target = self.ledger.risk_group(group).map_or(Rate::ONE, |terms| terms.target);
        let target = if case.steps == 0 { Rate::ONE } else { target };
        let (equity, maintenance) = (Requirement::of_money(now.equity), now.maintenance);
        Standing { equity, maintenance }.reaches(target)
    }

    /// The leg to reduce next, of those whose index is trusted enough.
    fn leg_to_reduce(&self, account: AccountId) -> Option<LegId> {
        let trusted = |instrument| self.is_trusted_for(instrument, Activity::Liquidate);
        self.ledger.leg_to_reduce(account, trusted, |leg| self.slippage(leg))
    }

    /// How far the best price of the book lies from the mark, as a part of it rounded up; `None` where nothing rests.
    fn slippage(&self, leg: &Leg) -> Option<Rate> {
        let side = Side::closing(leg.position)?;
        let (best, _) = self.best(leg.instrument, side.opposite())?;
        let mark = self.mark(leg.instrument)?;
        Some(distance(mark, best.to_mark(), side))
    }

    fn end_sound(&mut self, account: AccountId, events: &mut Events) -> Next {
        self.end_liquidation(account, Money::ZERO, events);
        Next::End
    }

    /// No position is left: what is owed is paid out of what there is, then by the fund as far as it may, and what is left of
    /// it is the venue's.
    fn close_account_debt(&mut self, case: &mut Case, events: &mut Events) {
        let account = case.account;
        self.pay_all_debts(account, events);
        for asset in (1..self.ledger.asset_numbers()).map(AssetId::new) {
            let amount = self.cover(account, asset, (case.group, Money::ZERO), events);
            if amount > Money::ZERO {
                events.push(Event::DeficitCovered { account, asset, amount });
            }
        }
        let covered = self.cover(account, AssetId::BASE, (case.group, case.given), events);
        self.end_liquidation(account, covered, events);
    }

    fn end_liquidation(&mut self, account: AccountId, covered: Money, events: &mut Events) {
        self.ledger.set_state(account, AccountState::Active);
        self.note_over(account);
        let equity = self.ledger.assess(account).equity;
        events.push(Event::LiquidationEnded { account, equity, covered });
        self.tell_margin_state(account, MarginState::Healthy, events);
        self.restate(account, events);
        self.look(account, events);
    }

    /// Reduces a leg through the book, or hands it over: when the book did not take the whole step and the account is too
    /// far gone or has used up its steps.
    fn close_leg(&mut self, case: &mut Case, leg: LegId, events: &mut Events) -> Next {
        let instrument = self.ledger.leg(leg).instrument;
        let terms = *self.ledger.risk_terms_of(instrument);
        let mut end = StepEnd::Short;
        if case.steps < terms.steps_max {
            case.steps += 1;
            if self.liquidates_in_book(instrument) {
                end = self.step_through_book(case, leg, events);
            }
        }
        if end == StepEnd::Bound {
            case.steps -= 1;
            return Next::Bound;
        }
        let is_over = self.ledger.leg(leg).position == Position::ZERO || self.is_sound(case, case.group);
        let next = match end {
            _ if is_over => Next::Again,
            StepEnd::Whole => Next::Again,
            StepEnd::Short if self.gives_up(case, &terms) => {
                self.hand_over(case, leg, events);
                Next::Again
            }
            StepEnd::Bound | StepEnd::Capped | StepEnd::Short => Next::Tick,
        };
        self.drop_leg_if_empty(leg);
        next
    }

    /// Whether the book is given up that did not take a whole step.
    fn gives_up(&self, case: &Case, terms: &RiskGroupTerms) -> bool {
        let now = self.ledger.assess(case.account);
        let (equity, maintenance) = (Requirement::of_money(now.equity), now.maintenance);
        case.steps >= terms.steps_max || !Standing { equity, maintenance }.reaches(terms.backstop_at)
    }

    /// Sells or buys back some of a leg.
    fn step_through_book(&mut self, case: &mut Case, leg_id: LegId, events: &mut Events) -> StepEnd {
        self.book_funding(leg_id, events);
        let step = self.plan_step(case, leg_id);
        events.push(Event::LiquidationStepped(step));
        let leg = *self.ledger.leg(leg_id);
        let Some(side) = Side::closing(leg.position).filter(|_| step.limit > Price::new(0)) else {
            return StepEnd::Short;
        };
        let LiquidationStep { qty, at_bankruptcy, allowance, .. } = step;
        let closing =
            Closing { qty, at_bankruptcy, allowance, group: case.group, now_ns: self.last.time.get() };
        let mut taker = Taker {
            account: leg.account,
            group: self.group_of(leg.account),
            instrument: leg.instrument,
            leg: leg_id,
            side,
            key: self.key_of(leg.instrument, step.limit),
            leaves: qty,
            traded: false,
            first: 0,
            last: 0,
            purpose: Purpose::Liquidation { closing },
        };
        let end = self.take(&mut taker, events);
        self.count_given(case, &taker, allowance);
        if taker.traded {
            self.traded(taker.instrument, taker.first, taker.last);
        }
        if end == WalkEnd::LimitState {
            self.enter_limit_state(taker.instrument, side, taker.key, events);
            self.pause(taker.instrument, events);
        }
        match end {
            WalkEnd::Bound => StepEnd::Bound,
            WalkEnd::Done | WalkEnd::SelfTrade | WalkEnd::Gone | WalkEnd::LimitState => {
                end_of_step(&step, taker.leaves)
            }
        }
    }

    /// Counts what the fund added to a step, where its maximum for an account counts.
    fn count_given(&self, case: &mut Case, taker: &Taker, allowance: Money) {
        let settles_in = self.ledger.instrument(taker.instrument).settlement();
        if let Purpose::Liquidation { closing } = taker.purpose
            && settles_in == AssetId::BASE
        {
            case.given += allowance - closing.allowance;
        }
    }

    /// How much of a leg to close in this step, and for what. Source: `risk/MARGIN.md` 7.
    fn plan_step(&self, case: &Case, leg_id: LegId) -> LiquidationStep {
        let leg = *self.ledger.leg(leg_id);
        let Leg { account, instrument, position, .. } = leg;
        let spec = &self.ledger.instrument(instrument).spec;
        let least = spec.lot.min(position.size());
        let needed = self.ledger.size_to_restore(leg_id, self.slippage(&leg)).max(least);
        let depth_cap = self.depth_cap(leg_id);
        let qty = needed.min(depth_cap);
        let at_bankruptcy = self.ledger.bankruptcy_amount_of(leg_id, qty);
        let asked = self.ledger.asked_amount(leg_id, qty, case.steps);
        let (worst, allowance) = if asked >= at_bankruptcy {
            (asked, Money::ZERO)
        } else {
            self.aided_amount(case, &leg, qty, at_bankruptcy)
        };
        let limit = self.ledger.closing_price(leg_id, qty, worst).unwrap_or_default();
        let now = self.ledger.assess(account);
        LiquidationStep {
            account,
            instrument,
            step: case.steps,
            position,
            qty,
            needed,
            depth_cap,
            mark: self.mark(instrument).unwrap_or_default(),
            equity: now.equity,
            maintenance: now.maintenance.ceil(),
            asked,
            at_bankruptcy,
            allowance,
            limit,
        }
    }

    /// The least a step may yield where the fund adds to it, and what it may add: no more beyond the mark than its spread.
    fn aided_amount(&self, case: &Case, leg: &Leg, qty: Qty, at_bankruptcy: Money) -> (Money, Money) {
        let asset = self.ledger.instrument(leg.instrument).settlement();
        let allowance = self.fund_allowance(case, asset);
        let value = self.ledger.value_of(leg, qty);
        let size = Money::new(value.get().abs());
        let spread = self.ledger.risk_terms_of(leg.instrument).fund_spread;
        let nearest = value - spread.of_ceil(size);
        ((at_bankruptcy - allowance).max(nearest).min(at_bankruptcy), allowance)
    }

    /// The most one step may take: a part of what rests between the mark and the leg's bankruptcy price, a smaller one on a
    /// stale index, and at least the least step.
    fn depth_cap(&self, leg_id: LegId) -> Qty {
        let leg = *self.ledger.leg(leg_id);
        let Leg { instrument, position, .. } = leg;
        let terms = self.ledger.risk_terms_of(instrument);
        let lot = self.ledger.instrument(instrument).spec.lot;
        let worst = self.ledger.closing_price(leg_id, position.size(), self.ledger.bankruptcy_amount(leg_id));
        let resting = self.resting_to(&leg, worst);
        let share = terms.step_share.of_floor(Money::new(resting.get())).get();
        let is_stale = self.markets[instrument.index()].pricing.oracle.state() == OracleState::Stale;
        let share = if is_stale { share.div_euclid(STALE_PART) } else { share };
        let lot_value = self.ledger.lot_in_base(instrument).get();
        let least = terms.step_min.get().div_euclid(lot_value).max(1).saturating_mul(lot.get());
        let whole_lots = share - share.rem_euclid(lot.get());
        Qty::new(whole_lots.max(least))
    }

    /// What rests on the side that takes a leg, down to a price; of the first levels only.
    fn resting_to(&self, leg: &Leg, worst: Option<Price>) -> Qty {
        let Some(side) = Side::closing(leg.position) else { return Qty::ZERO };
        let reaches = |price: Price| match (worst, side) {
            (None, _) => true,
            (Some(worst), Side::Sell) => price >= worst,
            (Some(worst), Side::Buy) => price <= worst,
        };
        let levels = self.depth(leg.instrument, side.opposite()).take(DEPTH_LEVELS_MAX);
        let within = levels.take_while(|(price, _)| reaches(*price));
        Qty::new(within.fold(0_i64, |sum, (_, qty)| sum.saturating_add(qty.get())))
    }
}

/// What became of a step of which the book left so much.
fn end_of_step(step: &LiquidationStep, left: Qty) -> StepEnd {
    if left > Qty::ZERO {
        StepEnd::Short
    } else if step.qty < step.needed {
        StepEnd::Capped
    } else {
        StepEnd::Whole
    }
}

/// How far a price lies beyond the mark for who trades on `side`, as a part of the mark rounded up; 0 where it is better.
fn distance(mark: Mark, price: Mark, side: Side) -> Rate {
    let beyond = match side {
        Side::Sell => mark.get() - price.get(),
        Side::Buy => price.get() - mark.get(),
    };
    let part = div_ceil(wide_mul(beyond.max(0), PPB), i128::from(mark.get().max(1)));
    Rate::new(u32::try_from(part).unwrap_or(u32::MAX)).min(Rate::ONE)
}
