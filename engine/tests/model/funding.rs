//! Funding of legs: what each owes since it was last booked.

use engine::Event;
use risk::limits::NOTIONAL_MAX;
use risk::{AccountId, InstrumentId};

use super::arith::{ceil, floor};
use super::state::Leg;
use super::{Model, money};

/// Parts of a money unit that a payment counts.
const PARTS: i128 = 1 << 32;

impl Model {
    /// A payment: a lot of a long owes so many parts of a money unit, a lot of a short gets them.
    pub(crate) fn owe_funding(&mut self, instrument: InstrumentId, per_lot: i128) {
        let known = &mut self.instruments[instrument.index()];
        let lots = floor(i128::from(known.spec.open_interest_max.get()), known.terms.lot);
        let most = floor(i128::from(NOTIONAL_MAX) * PARTS, lots);
        let before = known.payments[known.payments.len() - 1];
        known.payments.push(before + per_lot.clamp(-most, most));
    }

    /// What a leg owes that is not booked; negative where it is owed.
    pub(crate) fn funding_owed(&self, leg: &Leg, instrument: InstrumentId) -> i128 {
        let known = &self.instruments[instrument.index()];
        let since = known.payments[known.payments.len() - 1] - known.payments[leg.funded];
        ceil(floor(leg.position, known.terms.lot) * since, PARTS)
    }

    /// Books what a leg owes, before its position changes.
    pub(crate) fn book_funding(&mut self, account: AccountId, instrument: InstrumentId) {
        let leg = self.leg(account, instrument);
        let last = self.instruments[instrument.index()].payments.len() - 1;
        if leg.position == 0 || leg.funded == last {
            return;
        }
        let paid = self.funding_owed(&leg, instrument);
        let asset = self.settlement(instrument);
        self.store_leg(account, instrument, Leg { funded: last, ..leg });
        self.pay(account, AccountId::FUNDING, asset, paid);
        if account == AccountId::DELEVERAGING {
            // While a position is on offer its funding is the venue's.
            self.noted.push("funding of what is on offer");
            self.pay(AccountId::BAD_DEBT, account, asset, paid);
        }
        let balance = money(self.balance(account, asset));
        self.out.push(Event::FundingBooked { account, instrument, paid: money(paid), balance });
    }
}
