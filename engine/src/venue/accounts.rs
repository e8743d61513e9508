//! Accounts, money in and out, leverage settings, what the operator forbids.
//!
//! Invariant: money enters and leaves only here; everything else moves it between accounts.

use alloc::vec::Vec;

use super::checks::Checks;
use super::sweep::Scope;
use super::transfers::Receipt;
use super::{Venue, Verdict};
use crate::command::{TradingState, Transfer};
use crate::event::{CancelReason, Event, Events};
use crate::reject::Reject;
use risk::{AccountForm, AccountId, AccountState, InstrumentId, Leverage, Money, Restriction};

/// Lowest leverage that can be set, in hundredths: 1x.
const LEVERAGE_MIN: Leverage = Leverage::new(100);

impl Venue {
    #[cold]
    pub(super) fn open_account(&mut self, account: AccountId, events: &mut Events) -> Verdict {
        if account.is_system() {
            return Err(Reject::SystemAccount.into());
        }
        if self.ledger.account(account).is_some() {
            return Err(Reject::AlreadyExists.into());
        }
        if account.get() >= self.capacity.accounts.min(risk::limits::ACCOUNTS_MAX) {
            return Err(Reject::BadParameter.into());
        }
        self.ledger.open_account(account);
        events.push(Event::AccountOpened { account });
        Ok(())
    }

    #[inline(never)]
    pub(super) fn deposit(&mut self, transfer: &Transfer, events: &mut Events) -> Verdict {
        let Transfer { account, asset, amount, .. } = *transfer;
        let known = self.ledger.account(account).ok_or(Reject::UnknownAccount)?;
        if known.form == AccountForm::Isolated {
            return Err(Reject::IsolatedAccount.into());
        }
        let receipt = Receipt::of_deposit(transfer);
        if self.answer_repeated(&receipt, events)? {
            return Ok(());
        }
        self.check_asset(asset)?;
        if !self.ledger.admits_deposit(asset, amount) {
            return Err(Reject::BadParameter.into());
        }

        self.keep_receipt(receipt);
        let balance = self.ledger.transfer(account, asset, amount);
        events.push(Event::Transferred { account, asset, amount, balance });
        self.restate(account, events);
        self.tend_balance(account, events);
        self.resume_one(account, events);
        Ok(())
    }

    #[inline(never)]
    pub(super) fn withdraw(&mut self, transfer: &Transfer, events: &mut Events) -> Verdict {
        let Transfer { account, asset, amount, .. } = *transfer;
        self.user(account)?;
        let receipt = Receipt::of_withdrawal(transfer);
        if self.answer_repeated(&receipt, events)? {
            return Ok(());
        }
        self.check_asset(asset)?;
        self.check_free(account)?;
        self.check_withdrawable(account, asset, amount)?;
        if amount <= Money::ZERO {
            return Err(Reject::BadParameter.into());
        }

        self.keep_receipt(receipt);
        let balance = self.ledger.transfer(account, asset, -amount);
        events.push(Event::Transferred { account, asset, amount: -amount, balance });
        self.tend_balance(account, events);
        Ok(())
    }

    /// Whether a trading account that a command may name is neither in liquidation nor suspended.
    pub(super) fn check_free(&self, account: AccountId) -> Result<(), Reject> {
        self.user(account)?;
        self.check_trader_free(account)
    }

    fn check_trader_free(&self, account: AccountId) -> Result<(), Reject> {
        let account = self.trader(account)?;
        if account.state == AccountState::Liquidating {
            return Err(Reject::AccountLiquidating);
        }
        if account.restriction == Restriction::Suspended { Err(Reject::AccountSuspended) } else { Ok(()) }
    }

    /// The operator's switch. `cancel_orders` asks for what a lifted restriction has no reason for.
    #[cold]
    pub(super) fn set_restriction(
        &mut self,
        account: AccountId,
        restriction: Restriction,
        cancel_orders: bool,
        events: &mut Events,
    ) -> Verdict {
        self.user(account)?;
        if cancel_orders && restriction == Restriction::None {
            return Err(Reject::BadCombination.into());
        }

        self.restrict(account, restriction, events);
        let isolated: Vec<AccountId> = self.isolated.of(account).collect();
        for one in isolated {
            self.restrict(one, restriction, events);
        }
        if cancel_orders {
            self.start_sweep(Scope::of_family(account, CancelReason::Suspended), events);
        }
        Ok(())
    }

    /// Sets what an account is forbidden, and tells it.
    pub(super) fn restrict(&mut self, account: AccountId, restriction: Restriction, events: &mut Events) {
        self.ledger.set_restriction(account, restriction);
        events.push(Event::RestrictionSet { account, restriction });
        self.restate(account, events);
    }

    #[inline(never)]
    pub(super) fn set_leverage(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        leverage: Leverage,
        events: &mut Events,
    ) -> Verdict {
        self.user(account)?;
        if self.trading_state(instrument).ok_or(Reject::UnknownInstrument)? == TradingState::Settled {
            return Err(Reject::NotTrading.into());
        }
        let leverage_max = self.ledger.instrument(instrument).leverage_max();
        let account = self.acting_account(account, instrument)?;
        self.check_trader_free(account)?;
        if !self.ledger.has_room_for_leg(account, instrument) {
            return Err(Reject::TooManyLegs.into());
        }
        if leverage > leverage_max {
            return Err(Reject::LeverageTooHigh.into());
        }
        let feed = match self.ledger.admit_leverage(account, instrument, leverage) {
            Ok(()) => Money::ZERO,
            Err(short) => self.feed_for(account, short)?,
        };
        if leverage != Leverage::default() && leverage < LEVERAGE_MIN {
            return Err(Reject::BadParameter.into());
        }

        self.feed(account, feed, events);
        let leg = self.ledger.leg_for(account, instrument);
        self.ledger.set_leverage(leg, leverage);
        self.drop_leg_if_empty(leg);
        events.push(Event::LeverageSet { account, instrument, leverage });
        Ok(())
    }
}
