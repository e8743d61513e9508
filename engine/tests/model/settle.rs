//! The end of an instrument: its orders go, its positions are settled at one price.

use engine::limits::SETTLES_PER_COMMAND;
use engine::{CancelReason, Event, OrderId, Reject, TradingState};
use risk::{AccountId, InstrumentId, Mark, Side};

use super::arith::MARKS;
use super::state::{Leg, Settling};
use super::{Model, Refusal, mark_of, money, position};

impl Model {
    pub(crate) fn settle_instrument(&mut self, instrument: InstrumentId, price: Mark) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        let known = &self.instruments[instrument.index()];
        if known.state != TradingState::Closed {
            return Err(Reject::NotTrading.into());
        }
        let given = i128::from(price.get());
        if given <= 0 || given > known.terms.price_max * MARKS {
            return Err(Reject::BadPrice.into());
        }
        self.settle_on(Settling { instrument, price: given, dust: 0 });
        Ok(())
    }

    /// Orders of an instrument: bids, asks, then what sleeps.
    fn orders_in(&self, instrument: InstrumentId) -> Vec<OrderId> {
        let book = &self.instruments[instrument.index()].book;
        let mut all = book.walk(Side::Buy);
        all.extend(book.walk(Side::Sell));
        let mut asleep: Vec<_> = self
            .orders
            .values()
            .filter(|order| order.instrument == instrument && !all.contains(&order.id))
            .map(|order| (order.serial, order.id))
            .collect();
        asleep.sort_unstable();
        all.extend(asleep.into_iter().map(|(_, id)| id));
        all
    }

    /// Cancels and settles as many as one command may.
    pub(crate) fn settle_on(&mut self, mut settling: Settling) {
        let instrument = settling.instrument;
        let mut left = SETTLES_PER_COMMAND;
        for id in self.orders_in(instrument) {
            if left == 0 {
                break;
            }
            if self.orders.contains_key(&id) {
                self.cancel(id, CancelReason::Settled);
                left -= 1;
            }
        }
        let holders: Vec<AccountId> =
            self.legs.iter().filter(|((_, place), leg)| *place == instrument && leg.position != 0).map(|((account, _), _)| *account).collect();
        let (own, users): (Vec<AccountId>, Vec<AccountId>) =
            holders.into_iter().partition(|account| account.is_system());
        let mut holders = users.into_iter().chain(own);
        while left > 0
            && let Some(account) = holders.next()
        {
            left -= 1;
            settling.dust += self.settle_position(account, instrument, settling.price);
        }
        let through = self.orders_in(instrument).is_empty() && holders.next().is_none();
        if !through {
            self.settling = Some(settling);
            return;
        }
        let all: Vec<AccountId> = self.accounts.keys().copied().collect();
        for account in all {
            let leg = Leg { leverage: 0, ..self.leg(account, instrument) };
            self.store_leg(account, instrument, leg);
        }
        self.enter(instrument, TradingState::Settled, None);
        let (price, dust) = (mark_of(settling.price), money(settling.dust));
        self.out.push(Event::InstrumentSettled { instrument, price, dust });
    }

    /// Settles one position; what the dust account received for it.
    fn settle_position(&mut self, account: AccountId, instrument: InstrumentId, price: i128) -> i128 {
        let held = self.leg(account, instrument).position;
        let amount = self.instruments[instrument.index()].terms.position_value(held, price);
        self.book(account, instrument, -held, -amount);
        self.account_mut(AccountId::DUST).balance -= amount;
        let flat = self.positions_of(account).next().is_none();
        let mut covered = 0;
        if flat && !account.is_system() {
            covered = (-self.accounts[&account].balance).max(0);
            self.pay(AccountId::INSURANCE, account, covered);
        }
        self.out.push(Event::PositionSettled {
            account,
            instrument,
            position: position(held),
            amount: money(amount),
            balance: money(self.accounts[&account].balance),
            covered: money(covered),
        });
        if !flat {
            self.flag_if_below(account);
        }
        -amount
    }
}
