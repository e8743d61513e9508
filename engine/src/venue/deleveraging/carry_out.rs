//! Carrying a plan out: each holder takes some of the offered position over, which makes its own smaller.
//!
//! Invariant: a cut is never more than the plan says, than the holder has now, than its equity bears now, and, where there is a
//! level, than brings it there now. What a lot costs is the same for all holders of a call, rounded up for each; the dust
//! account receives the rounding.

use super::{Deleveraging, Stage};
use crate::command::{TimeNs, TradingState};
use crate::event::{CancelReason, DeleveragingCut, Event, Events};
use crate::limits::{CUTS_PER_COMMAND, PLAN_ROUNDS_MAX};
use crate::venue::Venue;
use crate::venue::sweep::{Scope, Spared, Sweep};
use risk::deleveraging::{Cut, Demand, Holder, recap};
use risk::{AccountId, AccountState, Fraction, InstrumentId, Leg, Money, Position};

/// Calls in succession that gave nothing up, after which one more makes what is left a bad position.
const FRUITLESS_MAX: u8 = 2 * PLAN_ROUNDS_MAX;
/// Lots by which rounding may cost a holder more than the haircut says.
const ROUNDING_LOTS: i64 = 3;

impl Venue {
    /// Carries out some of the venue's own plan.
    pub(super) fn carry_out_plan(&mut self, place: usize, events: &mut Events) {
        let stage = core::mem::replace(&mut self.deleveragings.open[place].stage, Stage::Collecting);
        let Stage::Cutting { allocation, done } = stage else { return };
        let first = done as usize;
        let next = allocation.cuts().len().min(first + CUTS_PER_COMMAND);
        for cut in &allocation.cuts()[first..next] {
            self.cut(place, allocation.level(), cut, events);
        }
        if next < allocation.cuts().len() {
            let done = u32::try_from(next).expect("a plan names each account twice at most");
            self.deleveragings.open[place].stage = Stage::Cutting { allocation, done };
            return;
        }
        self.end_own_plan(place, allocation.unallocated(), events);
    }

    /// The venue's own plan was carried out. What it found nobody to bear, or what round after round nobody gave up, is a bad
    /// position; what else is left, since holders changed meanwhile, is offered anew.
    fn end_own_plan(&mut self, place: usize, unallocated: i64, events: &mut Events) {
        let Deleveraging { instrument, fruitless, given_up, .. } = self.deleveragings.open[place];
        let is_stuck = given_up == Position::ZERO && fruitless >= FRUITLESS_MAX;
        self.settle_call(place);
        let left = self.deleveragings.open[place].position;
        if left == Position::ZERO {
            self.end_deleveraging(place, left, events);
        } else if is_stuck || left.size() <= self.ledger.qty_of_lots(instrument, unallocated) {
            self.book_bad_position(place, events);
            // One that is closed stands still already, and is to be settled.
            if self.trading_state(instrument) != Some(TradingState::Closed) {
                self.set_state(instrument, TradingState::Halted, TimeNs::default(), events);
            }
        }
    }

    /// One cut, as far as it still stands.
    pub(super) fn cut(&mut self, place: usize, level: Option<Fraction>, cut: &Cut, events: &mut Events) {
        let Deleveraging { instrument, position, .. } = self.deleveragings.open[place];
        let policy = self.ledger.risk_terms_of(instrument).policy;
        let Some(holder) = self.holder(cut.account, instrument, position, policy) else { return };
        let demand = self.demand_now(place);
        let lots = recap(level, &demand, &holder, cut).min(demand.lots);
        // A haircut per lot leaves out what rounding its price and its value costs: the last units are looked at exactly.
        let bearable = (lots - ROUNDING_LOTS..=lots).rev().find(|lots| self.bears(place, cut.account, *lots));
        if let Some(lots) = bearable.filter(|lots| *lots > 0) {
            self.take_from_offer(place, &holder, lots, events);
        }
    }

    /// Whether an account that takes so many lots over is worth nothing less than nothing after it.
    fn bears(&self, place: usize, account: AccountId, lots: i64) -> bool {
        let one = &self.deleveragings.open[place];
        let position = self.part_of(place, lots);
        let then = self.ledger.assess_after(account, one.instrument, position, one.price_of(position));
        then.equity >= Money::ZERO
    }

    /// So many lots of what is offered.
    fn part_of(&self, place: usize, lots: i64) -> Position {
        let one = &self.deleveragings.open[place];
        let size = self.ledger.qty_of_lots(one.instrument, lots.max(0)).get();
        Position::new(if one.position.get() > 0 { size } else { -size })
    }

    /// What is left of a call, at what a lot costs and is worth now.
    fn demand_now(&self, place: usize) -> Demand {
        let one = &self.deleveragings.open[place];
        let lot = self.ledger.instrument(one.instrument).spec.lot;
        let lots = one.left().size().get().div_euclid(lot.get());
        Demand { lots, ..self.ledger.demand_for(one.instrument, one.position, one.amount) }
    }

    /// The holder takes so many lots over.
    fn take_from_offer(&mut self, place: usize, holder: &Holder, lots: i64, events: &mut Events) {
        let Deleveraging { instrument, request, .. } = self.deleveragings.open[place];
        let account = holder.account;
        let leg_id = self.ledger.leg_for(account, instrument);
        let from = self.ledger.leg_for(AccountId::DELEVERAGING, instrument);
        self.book_funding(leg_id, events);
        self.book_funding(from, events);
        let position = self.part_of(place, lots);
        let amount = self.deleveragings.open[place].price_of(position);
        self.ledger.transfer_position(from, leg_id, position, amount);
        self.drop_leg_if_empty(from);
        let one = &mut self.deleveragings.open[place];
        one.given_up += position;
        one.paid += amount;

        let Leg { position: left, cost, .. } = *self.ledger.leg(leg_id);
        let asset = self.ledger.instrument(instrument).settlement();
        events.push(Event::Deleveraged(DeleveragingCut {
            request,
            account,
            instrument,
            position,
            amount,
            mark: self.mark(instrument).unwrap_or_default(),
            held: holder.held,
            open: holder.open,
            equity: holder.equity,
            left,
            cost,
            balance: self.ledger.balance(account, asset),
        }));
        self.after_cut(account, instrument, events);
    }

    /// What a smaller position asks for: reduce-only orders are trimmed, orders that margin no longer covers go.
    fn after_cut(&mut self, account: AccountId, instrument: InstrumentId, events: &mut Events) {
        let Some(leg) = self.ledger.find_leg(account, instrument) else { return };
        self.trim_reduce_only(leg, events);
        self.tend(account, leg, events);
        let is_active = self.ledger.account(account).is_some_and(|known| known.state == AccountState::Active);
        let has_orders = self.ledger.leg(leg).orders > 0;
        if is_active && has_orders && self.ledger.assess(account).free_margin() < Money::ZERO {
            let scope = Scope::of_account(account, CancelReason::Deleveraged);
            let scope = Scope { instrument: Some(instrument), spared: Spared::ReduceOnly, ..scope };
            // Each is a sweep of its own: there may be as many as cuts.
            self.sweeps.push_back(Sweep::of(scope));
            self.left_over = true;
        }
        self.restate(account, events);
        self.drop_leg_if_empty(leg);
    }

    /// What nobody can bear, or is settled before anybody had to: the bad-debt account holds it.
    pub(super) fn book_bad_position(&mut self, place: usize, events: &mut Events) {
        let Deleveraging { instrument, position, amount, .. } = self.deleveragings.open[place];
        let from = self.ledger.leg_for(AccountId::DELEVERAGING, instrument);
        let to = self.ledger.leg_for(AccountId::BAD_DEBT, instrument);
        self.book_funding(from, events);
        self.book_funding(to, events);
        self.ledger.transfer_position(from, to, position, amount);
        self.drop_leg_if_empty(to);
        self.end_deleveraging(place, position, events);
    }

    /// A deleveraging is over; the dust account receives what rounding left with the holding account.
    pub(super) fn end_deleveraging(&mut self, place: usize, left: Position, events: &mut Events) {
        let Deleveraging { request, instrument, total, dust, .. } = self.deleveragings.open.remove(place);
        let asset = self.ledger.instrument(instrument).settlement();
        if dust > Money::ZERO {
            self.ledger.move_cash(AccountId::DELEVERAGING, AccountId::DUST, asset, dust);
        }
        if let Some(leg) = self.ledger.find_leg(AccountId::DELEVERAGING, instrument) {
            self.drop_leg_if_empty(leg);
        }
        events.push(Event::DeleveragingEnded { request, instrument, given_up: total, left, dust });
    }
}
