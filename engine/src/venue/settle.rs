//! The end of an instrument: its orders go, its positions are settled at one price, account by account.
//!
//! Invariant: what longs receive, shorts pay, and the dust account stands between them, so that money and positions are
//! conserved after every command. Each account gets the value of its position rounded down; the dust account keeps the
//! rounding.

use super::phases::PhaseWork;
use super::{Venue, Verdict};
use crate::command::{TimeNs, TradingState};
use crate::event::{CancelReason, Event, Events};
use crate::limits::{SETTLE_LOOKS_PER_COMMAND, SETTLES_PER_COMMAND};
use crate::reject::Reject;
use risk::limits::FIRST_USER_ACCOUNT;
use risk::{AccountId, InstrumentId, LegId, Leverage, Mark, Money, Position};

/// A settlement, and how far it is.
#[derive(Clone, Copy, Debug, bincode::Encode)]
pub(super) struct Settling {
    instrument: InstrumentId,
    price: Mark,
    /// Accounts that are through.
    done: u32,
    /// What the accounts received so far; the dust account paid it.
    paid: Money,
}

impl Settling {
    /// One that has come to nobody.
    pub(super) const fn new(instrument: InstrumentId, price: Mark) -> Self {
        Self { instrument, price, done: 0, paid: Money::ZERO }
    }
}

impl Venue {
    #[cold]
    pub(super) fn settle(&mut self, instrument: InstrumentId, price: Mark, events: &mut Events) -> Verdict {
        let state = self.trading_state(instrument).ok_or(Reject::UnknownInstrument)?;
        if state != TradingState::Closed {
            return Err(Reject::NotTrading.into());
        }
        if !self.ledger.instrument(instrument).admits_price(price) {
            return Err(Reject::BadPrice.into());
        }

        self.end_deleveragings_in(instrument, events);
        self.go_on_settling(Settling::new(instrument, price), events);
        Ok(())
    }

    /// Settles some accounts; the rest waits.
    pub(super) fn go_on_settling(&mut self, mut settling: Settling, events: &mut Events) {
        let mut left = SETTLES_PER_COMMAND;
        for _ in 0..SETTLE_LOOKS_PER_COMMAND {
            let Some(account) = self.account_to_settle(settling.done) else { break };
            if !self.settle_account(account, &mut settling, &mut left, events) {
                break;
            }
            settling.done += 1;
        }
        if let Some(leg) = self.ledger.find_leg(AccountId::DUST, settling.instrument) {
            self.drop_leg_if_empty(leg);
        }
        if self.account_to_settle(settling.done).is_some() {
            self.phase = Some(PhaseWork::Settle(settling));
            self.left_over = true;
        } else {
            self.end_settlement(&settling, events);
        }
    }

    /// The account after so many others: traders ascending, then the venue's own.
    fn account_to_settle(&self, done: u32) -> Option<AccountId> {
        let traders = self.ledger.account_numbers().saturating_sub(FIRST_USER_ACCOUNT);
        let number = done.checked_sub(traders).unwrap_or(done + FIRST_USER_ACCOUNT);
        (done < traders + FIRST_USER_ACCOUNT).then(|| AccountId::new(number))
    }

    /// The account's orders, its position and its leverage setting; `false` when the work of the command is used up.
    fn settle_account(
        &mut self,
        account: AccountId,
        settling: &mut Settling,
        left: &mut usize,
        events: &mut Events,
    ) -> bool {
        if self.ledger.account(account).is_none() || account == AccountId::DUST {
            return true;
        }
        let instrument = settling.instrument;
        while let Some(slot) = self.ledger.first_order(account, Some(instrument)) {
            if *left == 0 {
                return false;
            }
            *left -= 1;
            self.cancel_and_drop_leg(slot, CancelReason::Settled, events);
        }
        let Some(leg) = self.ledger.find_leg(account, instrument) else { return true };
        if self.ledger.leg(leg).position != Position::ZERO {
            if *left == 0 {
                return false;
            }
            *left -= 1;
            self.settle_position(account, leg, settling, events);
        }
        self.ledger.set_leverage(leg, Leverage::default());
        self.drop_leg_if_empty(leg);
        true
    }

    /// The position becomes money. An account left with nothing but a debt owes nothing after it; one that has other
    /// positions or assets is looked at.
    fn settle_position(
        &mut self,
        account: AccountId,
        leg: LegId,
        settling: &mut Settling,
        events: &mut Events,
    ) {
        let Settling { instrument, price, .. } = *settling;
        self.book_funding(leg, events);
        let position = self.ledger.leg(leg).position;
        let dust = self.ledger.leg_for(AccountId::DUST, instrument);
        self.book_funding(dust, events);
        let amount = self.ledger.settle_position(leg, dust, price);
        settling.paid += amount;
        let asset = self.ledger.instrument(instrument).settlement();
        let holds = self.ledger.legs_of(account).any(|(_, leg)| leg.position != Position::ZERO);
        let has_others = self.ledger.has_others_than(account, asset);
        let covered = if holds || has_others || account.is_system() {
            Money::ZERO
        } else {
            self.cover(account, asset, (self.ledger.risk_group_of(instrument), Money::ZERO), events)
        };
        let balance = self.ledger.balance(account, asset);
        events.push(Event::PositionSettled { account, instrument, position, amount, balance, covered });
        if !account.is_system() && !self.is_liquidating(account) {
            self.look(account, events);
        }
    }

    fn end_settlement(&mut self, settling: &Settling, events: &mut Events) {
        let Settling { instrument, price, paid, .. } = *settling;
        self.set_state(instrument, TradingState::Settled, TimeNs::default(), events);
        self.forget_margin_change(instrument, events);
        events.push(Event::InstrumentSettled { instrument, price, dust: -paid });
        self.end_of_time(instrument);
        self.resume_liquidations();
    }
}
