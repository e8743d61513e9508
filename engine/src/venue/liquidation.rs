//! Liquidation in its plain form, one bounded step per command: cancel the account's orders, close its largest leg
//! through the book no worse than the bankruptcy price, hand what is left to the insurance account.
//!
//! Invariant: an account in liquidation has no trigger and takes no command; it leaves with its equity at or above
//! maintenance, or without positions and without debt. Nobody without an order in the book is touched.

use super::Venue;
use super::matching::{Purpose, Taker, WalkEnd};
use super::sweep::Scope;
use crate::event::{CancelReason, Event, Events, MarginState};
use risk::{AccountId, AccountState, Activity, AssetId, LegId, Money, Qty, Side};

impl Venue {
    /// The next step for the account that was found first, and what it makes of its standing.
    pub(super) fn liquidation_step(&mut self, account: AccountId, events: &mut Events) {
        self.step(account, events);
        self.restate(account, events);
    }

    fn step(&mut self, account: AccountId, events: &mut Events) {
        if self.ledger.first_order(account, None).is_some() {
            // What is left of it the next step begins anew: everything goes, so the first is always next.
            self.cancel_some(Scope::of_account(account, CancelReason::Liquidation), events);
            return;
        }
        match self.ledger.largest_leg(account) {
            None => self.close_account_debt(account, events),
            Some(_) if !self.ledger.assess(account).is_below_maintenance() => {
                self.end_liquidation(account, Money::ZERO, events);
            }
            Some(_) => match self.leg_to_close(account) {
                Some(leg) => self.close_leg(account, leg, events),
                None => self.hold(account, events),
            },
        }
    }

    /// The largest leg among those whose index is trusted enough to close it.
    fn leg_to_close(&self, account: AccountId) -> Option<LegId> {
        self.ledger.largest_leg_in(account, |instrument| self.is_trusted_for(instrument, Activity::Liquidate))
    }

    /// No position is left: what is owed is paid out of what there is, and the insurance account pays the rest.
    fn close_account_debt(&mut self, account: AccountId, events: &mut Events) {
        self.pay_all_debts(account, events);
        for asset in (1..self.ledger.asset_numbers()).map(AssetId::new) {
            let amount = self.ledger.cover_deficit(account, asset);
            if amount > Money::ZERO {
                events.push(Event::DeficitCovered { account, asset, amount });
            }
        }
        let covered = self.ledger.cover_deficit(account, AssetId::BASE);
        self.end_liquidation(account, covered, events);
    }

    fn end_liquidation(&mut self, account: AccountId, covered: Money, events: &mut Events) {
        self.liquidating.pop_front();
        self.ledger.set_state(account, AccountState::Active);
        self.note_over(account);
        let equity = self.ledger.assess(account).equity;
        events.push(Event::LiquidationEnded { account, equity, covered });
        self.tell_margin_state(account, MarginState::Healthy, events);
        self.restate(account, events);
        self.look(account, events);
    }

    /// Sells or buys back one leg; what the book does not take at the bankruptcy price or better goes to the insurance
    /// account, unless what it did take has made the account sound. Where the book may not match all of it goes there.
    fn close_leg(&mut self, account: AccountId, leg: LegId, events: &mut Events) {
        if self.liquidates_in_book(self.ledger.leg(leg).instrument)
            && self.take_for(account, leg, events) == WalkEnd::Bound
        {
            return;
        }
        let open = self.ledger.leg(leg).position.size() > Qty::ZERO;
        if open && self.ledger.assess(account).is_below_maintenance() {
            self.hand_to_insurance(account, leg, events);
        }
        self.drop_leg_if_empty(leg);
    }

    fn take_for(&mut self, account: AccountId, leg_id: LegId, events: &mut Events) -> WalkEnd {
        self.book_funding(leg_id, events);
        let leg = *self.ledger.leg(leg_id);
        let amount = self.ledger.bankruptcy_amount(leg_id);
        let price = self.ledger.bankruptcy_price(leg_id, amount);
        let (Some(limit), Some(side)) = (price, Side::closing(leg.position)) else { return WalkEnd::Done };
        let mut taker = Taker {
            account,
            group: self.group_of(account),
            instrument: leg.instrument,
            leg: leg_id,
            side,
            key: self.key_of(leg.instrument, limit),
            leaves: leg.position.size(),
            traded: false,
            first: 0,
            last: 0,
            purpose: Purpose::Liquidation,
        };
        let end = self.take(&mut taker, events);
        if taker.traded {
            self.traded(taker.instrument, taker.first, taker.last);
        }
        if end == WalkEnd::LimitState {
            self.enter_limit_state(taker.instrument, side, taker.key, events);
            self.pause(taker.instrument, events);
        }
        end
    }

    /// The insurance account takes the rest of a leg for its bankruptcy amount. The seam of backstop and deleveraging.
    fn hand_to_insurance(&mut self, account: AccountId, leg_id: LegId, events: &mut Events) {
        self.book_funding(leg_id, events);
        let leg = *self.ledger.leg(leg_id);
        let amount = self.ledger.bankruptcy_amount(leg_id);
        let insurance = self.ledger.leg_for(AccountId::INSURANCE, leg.instrument);
        self.book_funding(insurance, events);
        self.ledger.transfer_position(leg_id, insurance, leg.position, amount);
        self.drop_leg_if_empty(insurance);
        events.push(Event::TakenOver { account, instrument: leg.instrument, position: leg.position, amount });
    }
}
