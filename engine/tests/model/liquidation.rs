//! The steps of a liquidation.

use engine::{CancelReason, ConversionReason, Event, MarginState};
use risk::{AccountId, Activity, AssetId, InstrumentId};

use super::arith::{PPB, ceil, floor};
use super::state::{Outcome, Scope};
use super::{Model, money, position, price};

impl Model {
    /// What the account must receive for its position in `instrument`: its value less the equity's share, which is turned
    /// into the asset it settles in.
    fn bankruptcy_amount(&self, account: AccountId, instrument: InstrumentId) -> i128 {
        let whole = |place| ceil(self.maintenance_in_base(account, place), PPB);
        let total: i128 = self.positions_of(account).map(whole).sum();
        let share = floor(self.equity(account) * whole(instrument), total);
        let asset = self.settlement(instrument);
        let share = if asset == AssetId::BASE {
            share
        } else {
            let (over, under) = self.amount_of(asset, share);
            floor(over, under)
        };
        let held = self.leg(account, instrument).position;
        self.instruments[instrument.index()].terms.position_value(held, self.mark(instrument)) - share
    }

    fn end_liquidation(&mut self, account: AccountId, covered: i128) {
        self.account_mut(account).liquidating = false;
        self.queue.pop_front();
        let equity = money(self.equity(account));
        self.out.push(Event::LiquidationEnded { account, equity, covered: money(covered) });
        self.tell_margin_state(account, MarginState::Healthy);
        self.restate(account);
        self.look(account);
    }

    /// Nothing is left to close: debts are paid out of what there is, the rest is covered.
    fn end_without_positions(&mut self, account: AccountId) {
        for owed in self.all_assets() {
            self.pay_debt(account, owed, ConversionReason::Liquidation);
        }
        for asset in self.all_assets().skip(1) {
            let deficit = (-self.balance(account, asset)).max(0);
            if deficit > 0 {
                self.pay(AccountId::INSURANCE, account, asset, deficit);
                self.out.push(Event::DeficitCovered { account, asset, amount: money(deficit) });
            }
        }
        let deficit = (-self.balance(account, AssetId::BASE)).max(0);
        self.pay(AccountId::INSURANCE, account, AssetId::BASE, deficit);
        self.end_liquidation(account, deficit);
    }

    /// One step of the liquidation at the head of the queue.
    pub(crate) fn liquidation_step(&mut self) {
        let account = *self.queue.front().expect("a step has an account");
        self.step_for(account);
        self.restate(account);
    }

    fn step_for(&mut self, account: AccountId) {
        if !self.orders_of(account).is_empty() {
            let waiting = self.sweeps.len();
            self.start_sweep(Scope::of_account(account, CancelReason::Liquidation), None);
            // The next step finds what is left by itself.
            if self.sweeps.len() > waiting {
                self.sweeps.pop_front();
            }
            return;
        }
        if self.positions_of(account).next().is_none() {
            self.end_without_positions(account);
            return;
        }
        if !self.below_maintenance(account) {
            self.end_liquidation(account, 0);
            return;
        }
        let closable = |place: &InstrumentId| self.trusts(*place, Activity::Liquidate);
        let Some(mut largest) = self.positions_of(account).find(closable) else {
            self.hold(account);
            return;
        };
        for place in self.positions_of(account).filter(closable) {
            if self.maintenance_in_base(account, place) > self.maintenance_in_base(account, largest) {
                largest = place;
            }
        }
        let held = self.leg(account, largest).position;
        let through_book = self.liquidates_through_book(largest);
        if through_book {
            self.book_funding(account, largest);
        }
        let amount = self.bankruptcy_amount(account, largest);
        let limit = self.instruments[largest.index()].terms.bankruptcy_price(held, amount);
        if !through_book {
            self.noted.push("liquidation past the book");
        }
        if let Some(limit) = limit.filter(|_| through_book) {
            let mut taker = Self::liquidator(account, largest, held, limit);
            let outcome = self.take(&mut taker);
            if let Outcome::Limit(limit) = outcome {
                self.noted.push("liquidation paused its instrument");
                self.out.push(Event::LimitStateEntered { instrument: largest, limit: price(limit) });
                self.pause(largest);
            }
            self.watch_taker(&taker);
            if outcome == Outcome::Bound {
                return;
            }
        }
        let held = self.leg(account, largest).position;
        if held != 0 && self.below_maintenance(account) {
            self.book_funding(account, largest);
            let amount = self.bankruptcy_amount(account, largest);
            self.book_funding(AccountId::INSURANCE, largest);
            self.book(account, largest, -held, -amount);
            self.book(AccountId::INSURANCE, largest, held, amount);
            self.out.push(Event::TakenOver {
                account,
                instrument: largest,
                position: position(held),
                amount: money(amount),
            });
        }
    }
}
