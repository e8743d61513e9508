//! The end of an instrument: its orders go, its positions are settled at one price.

use engine::limits::SETTLES_PER_COMMAND;
use engine::{CancelReason, Event, Reject, TradingState};
use risk::{AccountId, InstrumentId, Mark};
use std::collections::BTreeSet;

use super::state::{Leg, Scope, Settling};
use super::{Model, Refusal, mark_of, money, position};

impl Model {
    pub(crate) fn settle_instrument(&mut self, instrument: InstrumentId, price: Mark) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        let known = &self.instruments[instrument.index()];
        if known.state != TradingState::Closed {
            return Err(Reject::NotTrading.into());
        }
        let given = i128::from(price.get());
        if !known.terms.admits_index(given) {
            return Err(Reject::BadPrice.into());
        }
        self.end_offers_in(instrument);
        self.settle_on(Settling { instrument, price: given, dust: 0 });
        Ok(())
    }

    /// Who has anything in an instrument: traders ascending, then the venue's own.
    fn parties(&self, instrument: InstrumentId) -> Vec<AccountId> {
        let orders = self.orders.values().filter(|order| order.instrument == instrument);
        let legs = self.legs.keys().filter(|(_, place)| *place == instrument);
        let all: BTreeSet<AccountId> =
            orders.map(|order| order.account).chain(legs.map(|&(account, _)| account)).collect();
        let (own, users): (Vec<AccountId>, Vec<AccountId>) = all
            .into_iter()
            .filter(|&account| account != AccountId::DUST)
            .partition(|account| account.is_system());
        users.into_iter().chain(own).collect()
    }

    /// Settles as much as one command may.
    pub(crate) fn settle_on(&mut self, mut settling: Settling) {
        let instrument = settling.instrument;
        let mut left = SETTLES_PER_COMMAND;
        for account in self.parties(instrument) {
            let scope =
                Scope { instrument: Some(instrument), ..Scope::of_account(account, CancelReason::Settled) };
            for id in self.swept(&scope) {
                if !self.orders.contains_key(&id) {
                    continue;
                }
                if left == 0 {
                    self.settling = Some(settling);
                    return;
                }
                left -= 1;
                self.cancel(id, CancelReason::Settled);
            }
            if self.leg(account, instrument).position != 0 {
                if left == 0 {
                    self.settling = Some(settling);
                    return;
                }
                left -= 1;
                settling.dust += self.settle_position(account, instrument, settling.price);
            }
            let leg = Leg { leverage: 0, ..self.leg(account, instrument) };
            self.store_leg(account, instrument, leg);
        }
        self.enter(instrument, TradingState::Settled, None);
        let (price, dust) = (mark_of(settling.price), money(settling.dust));
        if self.planned.remove(&instrument).is_some() {
            self.out.push(Event::MarginChangeEnded { instrument });
        }
        self.out.push(Event::InstrumentSettled { instrument, price, dust });
        self.resuming = !self.held.is_empty();
    }

    /// Settles one position; what the dust account received for it.
    fn settle_position(&mut self, account: AccountId, instrument: InstrumentId, price: i128) -> i128 {
        self.book_funding(account, instrument);
        self.book_funding(AccountId::DUST, instrument);
        let held = self.leg(account, instrument).position;
        let amount = self.instruments[instrument.index()].terms.position_value(held, price);
        self.book(account, instrument, -held, -amount);
        // Until all have settled the dust account stands in for those that have not.
        self.book(AccountId::DUST, instrument, held, amount);
        let asset = self.settlement(instrument);
        let flat = self.positions_of(account).next().is_none();
        let balances = &self.accounts[&account].balances;
        let alone = (0..).zip(balances).all(|(place, &balance)| place == asset.index() || balance == 0);
        let mut covered = 0;
        if flat && alone && !account.is_system() {
            covered = self.cover(account, asset, (self.group_number(instrument), 0));
        }
        self.out.push(Event::PositionSettled {
            account,
            instrument,
            position: position(held),
            amount: money(amount),
            balance: money(self.balance(account, asset)),
            covered: money(covered),
        });
        self.look(account);
        -amount
    }
}
