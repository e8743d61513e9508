//! Deleveraging: offers, calls, plans of the worker and of the venue, cuts.

use engine::limits::{CUTS_PER_COMMAND, PLAN_ROUNDS_MAX};
use engine::{
    CancelReason, DeleveragingCall, DeleveragingCut, DeleveragingDecision, DeleveragingPlan, Event, Reject,
    Seq, TimeNs, TradingState,
};
use risk::deleveraging::{Cut, DeleveragingPolicy};
use risk::limits::NOTIONAL_MAX;
use risk::{AccountId, Activity, InstrumentId};

use super::arith::{NS_PER_MS, PPB, ceil, floor};
use super::sharing::{Asked, Sharer, Shares};
use super::state::Scope;
use super::{Hints, Model, Refusal, mark_of, money, position};

/// How far an offer is.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    Collecting,
    /// What a worker who is right answers, and how much of that was told.
    Asked {
        plan_by: u64,
        part: u32,
        shares: Shares,
        told: usize,
    },
    /// Of what is asked; whether the venue has begun to look at holders.
    Planning {
        asked: Asked,
        looked: bool,
    },
    Cutting {
        shares: Shares,
        done: usize,
    },
}

/// Positions that are offered together.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) request: u64,
    instrument: InstrumentId,
    position: i128,
    amount: i128,
    /// Of the call.
    given_up: i128,
    paid: i128,
    /// Of all calls.
    total: i128,
    dust: i128,
    round: u8,
    /// Calls in succession that gave nothing up.
    fruitless: u8,
    is_late: bool,
    pub(crate) basis: u64,
    pub(crate) stage: Stage,
}

impl Offer {
    /// What so much of the call costs.
    fn price_of(&self, part: i128) -> i128 {
        ceil(self.amount * part.abs(), self.position.abs())
    }

    fn is_like(&self, instrument: InstrumentId, position: i128) -> bool {
        self.instrument == instrument && (self.position > 0) == (position > 0)
    }

    const fn collects(&self) -> bool {
        matches!(self.stage, Stage::Collecting)
    }
}

impl Model {
    /// The holding account offers a position.
    pub(crate) fn offer(&mut self, instrument: InstrumentId, position: i128, amount: i128) {
        let waits = |offer: &&mut Offer| offer.collects() && offer.is_like(instrument, position);
        if let Some(offer) = self.offers.iter_mut().find(waits) {
            offer.position += position;
            offer.amount += amount;
            self.noted.push("offer joined");
            return;
        }
        self.requests += 1;
        self.offers.push(Offer {
            request: self.requests,
            instrument,
            position,
            amount,
            given_up: 0,
            paid: 0,
            total: 0,
            dust: 0,
            round: 0,
            fruitless: 0,
            is_late: false,
            basis: 0,
            stage: Stage::Collecting,
        });
    }

    fn next_to_cut(&self) -> Option<usize> {
        self.offers.iter().position(|offer| matches!(offer.stage, Stage::Cutting { .. }))
    }

    fn next_to_call(&self) -> Option<usize> {
        let busy = |one: &Offer| {
            self.offers.iter().any(|other| !other.collects() && other.is_like(one.instrument, one.position))
        };
        let callable = |offer: &Offer| {
            offer.collects() && !busy(offer) && self.trusts(offer.instrument, Activity::Liquidate)
        };
        self.offers.iter().position(callable)
    }

    pub(crate) fn has_offer_to_do(&self) -> bool {
        self.next_to_cut().is_some() || self.next_to_call().is_some()
    }

    pub(crate) fn is_planning(&self) -> bool {
        self.offers.iter().any(|offer| matches!(offer.stage, Stage::Planning { .. }))
    }

    /// What does not block: cuts, a call that a tick made due, a step of a liquidation, a call.
    pub(crate) fn backlog_on(&mut self) {
        if let Some(place) = self.next_to_cut() {
            self.cut_on(place);
            return;
        }
        let is_due = core::mem::take(&mut self.call_is_due);
        let callable = self.next_to_call();
        match callable.filter(|_| is_due || !self.has_case()) {
            Some(place) => {
                if self.has_case() {
                    self.noted.push("call before a liquidation");
                }
                self.call(place);
            }
            None if self.has_case() => self.liquidation_step(),
            None => self.complain("the venue goes on where nothing is left".to_owned()),
        }
    }

    fn call(&mut self, place: usize) {
        let Offer { instrument, position, .. } = self.offers[place];
        let is_late = core::mem::take(&mut self.offers[place].is_late);
        for later in (place + 1..self.offers.len()).rev() {
            if !is_late && self.offers[later].is_like(instrument, position) {
                let later = self.offers.remove(later);
                let first = &mut self.offers[place];
                (first.position, first.amount) =
                    (first.position + later.position, first.amount + later.amount);
                (first.total, first.dust) = (first.total + later.total, first.dust + later.dust);
                self.noted.push("offer joined later");
            }
        }
        let (within, policy) =
            (self.risk_terms(instrument).plan_within_ms, self.risk_terms(instrument).policy);
        let offer = &mut self.offers[place];
        offer.round = offer.round.saturating_add(1);
        if within == 0 || is_late || offer.fruitless >= PLAN_ROUNDS_MAX {
            self.plan_here(place);
            return;
        }
        let plan_by = self.now.saturating_add(u64::from(within) * NS_PER_MS);
        let Offer { position, amount, .. } = *offer;
        let asked = self.asked_for(instrument, position, amount);
        let shares = asked.share(policy, self.sharers(instrument, position));
        self.offers[place].stage = Stage::Asked { plan_by, part: 0, shares, told: 0 };
        self.say_called(place, plan_by);
    }

    /// What is asked for so much of an offer at the mark.
    fn asked_for(&self, instrument: InstrumentId, position: i128, amount: i128) -> Asked {
        let terms = &self.instruments[instrument.index()].terms;
        let lots = floor(position.abs(), terms.lot);
        let lost = amount - terms.position_value(position, self.mark(instrument));
        let haircut = ceil(self.in_base(instrument, lost), lots.max(1));
        let open = floor(self.open_interest(instrument), terms.lot);
        let value = self.lot_value(instrument).min(floor(NOTIONAL_MAX.into(), open.max(1)));
        Asked { lots, value, haircut }
    }

    fn say_called(&mut self, place: usize, plan_by: u64) {
        let basis = self.commands;
        let offer = &mut self.offers[place];
        offer.basis = basis;
        let (request, round) = (offer.request, offer.round);
        let (instrument, held, amount) = (offer.instrument, offer.position, offer.amount);
        let asked = self.asked_for(instrument, held, amount);
        self.out.push(Event::DeleveragingAsked(DeleveragingCall {
            request,
            round,
            instrument,
            position: position(held),
            amount: money(amount),
            mark: mark_of(self.mark(instrument)),
            value: money(asked.value),
            haircut: money(asked.haircut),
            plan_by: TimeNs::new(plan_by),
        }));
    }

    fn plan_here(&mut self, place: usize) {
        self.say_called(place, 0);
        let offer = &self.offers[place];
        let asked = self.asked_for(offer.instrument, offer.position, offer.amount);
        self.offers[place].stage = Stage::Planning { asked, looked: false };
    }

    /// A tick: calls that were not answered in time.
    pub(crate) fn answer_late_calls(&mut self) {
        self.call_is_due = !self.offers.is_empty();
        for place in 0..self.offers.len() {
            if matches!(self.offers[place].stage, Stage::Asked { plan_by, .. } if plan_by <= self.now) {
                self.noted.push("late worker");
                self.settle_call(place);
                self.offers[place].is_late = true;
            }
        }
    }

    fn settle_call(&mut self, place: usize) {
        let offer = &mut self.offers[place];
        offer.fruitless = if offer.given_up == 0 { offer.fruitless.saturating_add(1) } else { 0 };
        let exact = offer.price_of(offer.given_up);
        offer.dust += offer.paid - exact;
        offer.total += offer.given_up;
        offer.position -= offer.given_up;
        offer.amount -= exact;
        (offer.given_up, offer.paid, offer.stage) = (0, 0, Stage::Collecting);
    }

    /// Whoever gives up against a position.
    fn sharer(&self, account: AccountId, instrument: InstrumentId, against: i128) -> Option<Sharer> {
        let leg = self.leg(account, instrument);
        let equity = self.equity(account);
        if account.is_system() || leg.position * against >= 0 || equity <= 0 {
            return None;
        }
        let held = floor(leg.position.abs(), self.instruments[instrument.index()].terms.lot);
        let open = self.unhedged_lots(account, instrument);
        Some(Sharer { account, held, open, equity, score: self.score(account, instrument) })
    }

    fn sharers(&self, instrument: InstrumentId, against: i128) -> Vec<Sharer> {
        self.accounts.keys().filter_map(|&account| self.sharer(account, instrument, against)).collect()
    }

    /// The rank in a queue, in parts of 2^32 and rounded down.
    fn score(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let leg = self.leg(account, instrument);
        let size = leg.position.abs();
        let parts = |over: i128, under: i128| floor(over << 32, under);
        match self.risk_terms(instrument).policy {
            DeleveragingPolicy::Water => 0,
            DeleveragingPolicy::Profit => {
                let value = self.value_of_part(account, instrument, size);
                let (profit, entry) = (value - leg.cost, leg.cost.abs());
                let margin = value - self.bankruptcy_amount(account, instrument, size);
                if margin <= 0 || entry == 0 || value == 0 {
                    i128::MAX
                } else if profit > 0 {
                    parts(profit * value.abs(), entry * margin)
                } else {
                    parts(profit * margin, entry * value.abs())
                }
            }
            DeleveragingPolicy::LeveragedProfit => {
                let known = &self.instruments[instrument.index()];
                let wallet = self.balance(account, self.settlement(instrument));
                let profit = self.unrealised(account, instrument);
                let unit = 10_i128.pow(u32::from(known.spec.money_decimals));
                if profit <= 0 || wallet + profit <= 0 {
                    return 0;
                }
                let share = parts(profit, wallet.max(unit).max(1));
                let ratio = parts(self.maintenance(account, instrument), (wallet + profit) * PPB);
                share.checked_mul(ratio).expect("scores of small worlds") >> 32
            }
        }
    }

    /// The venue looks at holders, then says its plan. How many commands it takes for that is its own affair; nothing happens
    /// between.
    pub(crate) fn plan_on(&mut self, hints: &[Event]) {
        let planning = |offer: &Offer| matches!(offer.stage, Stage::Planning { .. });
        let Some(place) = self.offers.iter().position(planning) else { return };
        let offer = &mut self.offers[place];
        let (instrument, against) = (offer.instrument, offer.position);
        let Stage::Planning { asked, looked } = &mut offer.stage else { return };
        let waits = match self.hints {
            Hints::Venue => hints.is_empty(),
            Hints::Own => !*looked,
        };
        *looked = true;
        if waits {
            return;
        }
        let asked = *asked;
        let sharers = self.sharers(instrument, against);
        let (holders, lots) = (sharers.len(), sharers.iter().map(|sharer| sharer.held).sum());
        let equity = sharers.iter().map(|sharer| sharer.equity).sum();
        let shares = asked.share(self.risk_terms(instrument).policy, sharers);
        if shares.cuts.iter().any(|cut| cut.hedged) {
            self.noted.push("hedged cut planned");
        }
        let offer = &mut self.offers[place];
        self.out.push(Event::DeleveragingPlanned(DeleveragingDecision {
            request: offer.request,
            basis: Seq::new(offer.basis),
            by_worker: false,
            level: shares.level,
            holders: u32::try_from(holders).expect("few accounts"),
            lots,
            equity,
            commitment: [0; 32],
        }));
        offer.stage = Stage::Cutting { shares, done: 0 };
    }

    /// Carries out some of the venue's own plan.
    fn cut_on(&mut self, place: usize) {
        let stage = core::mem::replace(&mut self.offers[place].stage, Stage::Collecting);
        let Stage::Cutting { shares, done } = stage else { return };
        let next = shares.cuts.len().min(done + CUTS_PER_COMMAND);
        for cut in &shares.cuts[done..next] {
            self.cut(place, shares.level, cut);
        }
        if next < shares.cuts.len() {
            self.offers[place].stage = Stage::Cutting { shares, done: next };
            return;
        }
        let Offer { given_up, fruitless, .. } = self.offers[place];
        let is_stuck = given_up == 0 && fruitless >= 2 * PLAN_ROUNDS_MAX;
        self.settle_call(place);
        let Offer { instrument, position: left, .. } = self.offers[place];
        let lot = self.instruments[instrument.index()].terms.lot;
        if left == 0 {
            self.end_offer(place, 0);
        } else if is_stuck || left.abs() <= shares.unborne * lot {
            self.noted.push("bad position");
            self.book_bad_position(place);
            if self.instruments[instrument.index()].state != TradingState::Closed {
                self.enter(instrument, TradingState::Halted, None);
            }
        } else {
            self.noted.push("offered anew after an own plan");
        }
    }

    /// One cut, as far as it still stands.
    fn cut(&mut self, place: usize, level: Option<(i128, i128)>, cut: &Cut) {
        let Offer { instrument, position: offered, amount, given_up, request, .. } = self.offers[place];
        if !self.accounts.contains_key(&cut.account) {
            return;
        }
        let Some(sharer) = self.sharer(cut.account, instrument, offered) else { return };
        let lot = self.instruments[instrument.index()].terms.lot;
        let lots = floor((offered - given_up).abs(), lot);
        let asked = Asked { lots, ..self.asked_for(instrument, offered, amount) };
        let stands = asked.stands(level, &sharer, cut);
        // Rounding may cost a few units more than the haircut says: up to three lots fewer leave nobody below zero.
        let price = |model: &Self, lots: i128| model.offers[place].price_of(lots * lot);
        let stands = (0..=3)
            .map(|fewer| (stands - fewer).max(0))
            .find(|&lots| {
                let part = offered.signum() * lots * lot;
                self.equity_after(cut.account, instrument, part, price(self, lots)) >= 0
            })
            .unwrap_or(0);
        if stands < i128::from(cut.lots) {
            self.noted.push("recap less than planned");
        }
        if stands == 0 {
            return;
        }
        if cut.hedged {
            self.noted.push("hedged cut");
        }
        let account = cut.account;
        self.book_funding(account, instrument);
        self.book_funding(AccountId::DELEVERAGING, instrument);
        let part = offered.signum() * stands * lot;
        let offer = &mut self.offers[place];
        let paid = offer.price_of(part);
        offer.given_up += part;
        offer.paid += paid;
        self.book(AccountId::DELEVERAGING, instrument, -part, -paid);
        self.book(account, instrument, part, paid);
        let leg = self.leg(account, instrument);
        self.out.push(Event::Deleveraged(DeleveragingCut {
            request,
            account,
            instrument,
            position: position(part),
            amount: money(paid),
            mark: mark_of(self.mark(instrument)),
            held: i64::try_from(sharer.held).expect("lots are bounded"),
            open: i64::try_from(sharer.open).expect("lots are bounded"),
            equity: money(sharer.equity),
            left: position(leg.position),
            cost: money(leg.cost),
            balance: money(self.balance(account, self.settlement(instrument))),
        }));
        self.after_cut(account, instrument);
    }

    /// What a cut asks for of the holder's orders.
    fn after_cut(&mut self, account: AccountId, instrument: InstrumentId) {
        self.trim(account, instrument);
        self.look(account);
        let now = self.worth(account);
        let has_orders = self.orders_of(account).iter().any(|order| order.instrument == instrument);
        let is_short = now.initial_equity * PPB < now.initial;
        if !self.accounts[&account].liquidating && has_orders && is_short {
            let scope = Scope::of_account(account, CancelReason::Deleveraged);
            let scope = Scope { instrument: Some(instrument), spares_reduce_only: true, ..scope };
            self.sweeps.push_back(Self::sweep_of(scope, None));
        }
        self.restate(account);
    }

    fn book_bad_position(&mut self, place: usize) {
        let Offer { instrument, position: left, amount, .. } = self.offers[place];
        self.book_funding(AccountId::DELEVERAGING, instrument);
        self.book_funding(AccountId::BAD_DEBT, instrument);
        self.book(AccountId::DELEVERAGING, instrument, -left, -amount);
        self.book(AccountId::BAD_DEBT, instrument, left, amount);
        self.end_offer(place, left);
    }

    fn end_offer(&mut self, place: usize, left: i128) {
        let Offer { request, instrument, total, dust, .. } = self.offers.remove(place);
        if dust > 0 {
            self.pay(AccountId::DELEVERAGING, AccountId::DUST, self.settlement(instrument), dust);
        }
        self.out.push(Event::DeleveragingEnded {
            request,
            instrument,
            given_up: position(total),
            left: position(left),
            dust: money(dust),
        });
    }

    /// An instrument is about to be settled.
    pub(crate) fn end_offers_in(&mut self, instrument: InstrumentId) {
        while let Some(place) = self.offers.iter().position(|offer| offer.instrument == instrument) {
            self.noted.push("offer settled");
            self.settle_call(place);
            self.book_bad_position(place);
        }
    }

    /// A part of a plan of the worker.
    pub(crate) fn deleverage(&mut self, plan: &DeleveragingPlan) -> Result<(), Refusal> {
        let found = self.offers.iter().position(|offer| offer.request == plan.request);
        let place = found.ok_or(Reject::NothingPending)?;
        let offer = &mut self.offers[place];
        let Stage::Asked { part, told, shares, .. } = &mut offer.stage else {
            return Err(Reject::NothingPending.into());
        };
        let is_level =
            |(over, under): (i128, i128)| (0..=1 << 58).contains(&over) && (1..=1 << 63).contains(&under);
        if (plan.basis.get(), plan.part) != (offer.basis, *part)
            || !plan.level.is_none_or(is_level)
            || plan.cuts.len() > CUTS_PER_COMMAND
            || (!plan.is_last && plan.cuts.is_empty())
        {
            return Err(Reject::BadParameter.into());
        }
        if plan.level == shares.level && shares.cuts[*told..].starts_with(&plan.cuts) && !plan.cuts.is_empty()
        {
            self.noted.push("right part of a plan of the worker");
        }
        *part += 1;
        *told = (*told + plan.cuts.len()).min(shares.cuts.len());
        if plan.part == 0 {
            self.out.push(Event::DeleveragingPlanned(DeleveragingDecision {
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
        for cut in &plan.cuts {
            self.cut(place, plan.level, cut);
        }
        let offer = &self.offers[place];
        if plan.is_last || offer.given_up == offer.position {
            self.settle_call(place);
            if self.offers[place].position == 0 {
                self.noted.push("plan of the worker carried out");
                self.end_offer(place, 0);
            } else {
                self.noted.push("offered anew after a plan of the worker");
            }
        }
        Ok(())
    }
}
