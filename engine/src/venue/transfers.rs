//! Transfers between accounts of one owner, and the numbers that make repeating a transfer harmless.
//!
//! Invariant: the numbers of an account rise. The last [`RECEIPTS_PER_ACCOUNT`] are remembered with their terms, so a
//! repeated one moves nothing, and one that is forgotten is refused rather than carried out twice.

use alloc::collections::{BTreeMap, VecDeque};

use super::{Refusal, Venue, Verdict};
use crate::command::{Transfer, TransferBetween};
use crate::event::{Event, Events, Movement, MovementReason};
use crate::limits::RECEIPTS_PER_ACCOUNT;
use crate::reject::Reject;
use risk::{AccountId, AssetId, Ledger, Money};

/// Where the money went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
enum Way {
    In,
    Out,
    To(AccountId),
}

/// What an account asked for under a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode)]
pub(super) struct Receipt {
    account: AccountId,
    external_id: u64,
    way: Way,
    asset: AssetId,
    amount: Money,
}

impl Receipt {
    const fn of(transfer: &Transfer, way: Way) -> Self {
        let Transfer { account, asset, amount, external_id } = *transfer;
        Self { account, external_id, way, asset, amount }
    }

    /// Of money that comes in.
    pub(super) const fn of_deposit(transfer: &Transfer) -> Self {
        Self::of(transfer, Way::In)
    }

    /// Of money that goes out.
    pub(super) const fn of_withdrawal(transfer: &Transfer) -> Self {
        Self::of(transfer, Way::Out)
    }

    const fn of_transfer(transfer: &TransferBetween) -> Self {
        let TransferBetween { from, to, asset, amount, external_id } = *transfer;
        Self { account: from, external_id, way: Way::To(to), asset, amount }
    }
}

/// The remembered transfers of all accounts, oldest first.
#[derive(Debug, Default, bincode::Encode)]
pub(super) struct Receipts {
    kept: BTreeMap<AccountId, VecDeque<Receipt>>,
}

impl Receipts {
    /// Whether this was done before. One without a number never was.
    fn is_repeated(&self, asked: &Receipt) -> Result<bool, Reject> {
        let Some(kept) = self.kept.get(&asked.account).filter(|_| asked.external_id != 0) else {
            return Ok(false);
        };
        match kept.iter().find(|known| known.external_id == asked.external_id) {
            Some(known) if known == asked => Ok(true),
            Some(_) => Err(Reject::TransferMismatch),
            None if kept.back().is_some_and(|last| asked.external_id < last.external_id) => {
                Err(Reject::TransferTooOld)
            }
            None => Ok(false),
        }
    }

    fn keep(&mut self, done: Receipt) {
        if done.external_id == 0 {
            return;
        }
        let kept = self.kept.entry(done.account).or_default();
        if kept.len() == RECEIPTS_PER_ACCOUNT {
            kept.pop_front();
        }
        kept.push_back(done);
    }

    /// Verifies that numbers rise and what is remembered is bounded.
    pub(super) fn check(&self, ledger: &Ledger) {
        for (account, kept) in &self.kept {
            assert!(ledger.account(*account).is_some(), "who has receipts is open");
            assert!(!kept.is_empty() && kept.len() <= RECEIPTS_PER_ACCOUNT, "receipts are bounded");
            let rises = kept.iter().zip(kept.iter().skip(1));
            assert!(
                rises.into_iter().all(|(before, after)| before.external_id < after.external_id),
                "numbers of transfers rise"
            );
        }
    }
}

impl Venue {
    /// Whether a transfer was done before; if so, that is told and nothing is left to do.
    pub(super) fn answer_repeated(&self, asked: &Receipt, events: &mut Events) -> Result<bool, Reject> {
        let is_repeated = self.receipts.is_repeated(asked)?;
        if is_repeated {
            let (account, external_id) = (asked.account, asked.external_id);
            let balance = self.ledger.balance(account, asked.asset);
            events.push(Event::TransferRepeated { account, external_id, balance });
        }
        Ok(is_repeated)
    }

    /// Remembers a transfer that was done.
    pub(super) fn keep_receipt(&mut self, done: Receipt) {
        self.receipts.keep(done);
    }

    #[inline(never)]
    pub(super) fn transfer_between(&mut self, transfer: &TransferBetween, events: &mut Events) -> Verdict {
        let TransferBetween { from, to, asset, amount, external_id } = *transfer;
        let group = self.user(from)?.group;
        self.user(to)?;
        let receipt = Receipt::of_transfer(transfer);
        if self.answer_repeated(&receipt, events)? {
            return Ok(());
        }
        if !self.is_of_owner(to, (from, group)) {
            return Err(Reject::OtherOwner.into());
        }
        self.check_asset(asset)?;
        self.check_free(from)?;
        self.check_withdrawable(from, asset, amount)?;
        if amount <= Money::ZERO || from == to {
            return Err(Reject::BadParameter.into());
        }

        self.receipts.keep(receipt);
        self.move_money((from, to), asset, amount, (MovementReason::Requested, external_id), events);
        Ok(())
    }

    /// Whether an account may give so much: the rule of withdrawals. Source: `MARGIN.md` 5.
    pub(super) fn check_withdrawable(
        &self,
        account: AccountId,
        asset: AssetId,
        amount: Money,
    ) -> Result<(), Refusal> {
        self.check_trust_of(account)?;
        if self.bankrupt > 0 {
            return Err(Reject::WithdrawalsHeld.into());
        }
        let may_give = self.ledger.withdrawable(account, asset);
        if amount > may_give {
            return Err(Refusal { reject: Reject::InsufficientFunds, short: amount - may_give });
        }
        Ok(())
    }

    /// Whether there is such an asset.
    pub(super) fn check_asset(&self, asset: AssetId) -> Result<(), Reject> {
        if asset == AssetId::BASE || self.ledger.find_asset(asset).is_some() {
            Ok(())
        } else {
            Err(Reject::UnknownAsset)
        }
    }

    /// Moves money between accounts: the giver's triggers are kept sound, and a warned receiver may recover; one in
    /// liquidation is looked at by its next step.
    pub(super) fn move_money(
        &mut self,
        (from, to): (AccountId, AccountId),
        asset: AssetId,
        amount: Money,
        (reason, external_id): (MovementReason, u64),
        events: &mut Events,
    ) {
        let [from_balance, to_balance] = self.ledger.move_cash(from, to, asset, amount);
        events.push(Event::Moved(Movement {
            from,
            to,
            asset,
            amount,
            from_balance,
            to_balance,
            external_id,
            reason,
        }));
        self.restate(to, events);
        self.tend_balance(from, events);
        self.tend_balance(to, events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Action, Command, Seq, Stamp};
    use risk::Capacity;

    fn answer(venue: &mut Venue, seq: u64, action: Action) -> Event {
        let mut events = Events::default();
        let stamp = Stamp { seq: Seq::new(seq), ..Stamp::default() };
        venue.apply(stamp, &Command::venue(action), &mut events);
        events.as_slice()[0]
    }

    #[test]
    fn no_money_leaves_while_an_account_is_bankrupt() {
        let mut venue = Venue::new(Capacity { accounts: 32, legs: 8, orders: 8 });
        let (one, other) = (AccountId::new(16), AccountId::new(17));
        let transfer = |account, amount| Transfer::new(account, Money::new(amount));
        answer(&mut venue, 1, Action::OpenAccount { account: one });
        answer(&mut venue, 2, Action::OpenAccount { account: other });
        answer(&mut venue, 3, Action::Deposit(transfer(one, 100)));
        venue.bankrupt = 1;
        let refused = |event| matches!(event, Event::Rejected { reject: Reject::WithdrawalsHeld, .. });
        // Also one that is more than there is: the held withdrawal is the smaller number.
        assert!(refused(answer(&mut venue, 4, Action::Withdraw(transfer(one, 101)))));
        let between = TransferBetween {
            from: one,
            to: one,
            asset: AssetId::BASE,
            amount: Money::new(1),
            external_id: 0,
        };
        assert!(refused(answer(&mut venue, 5, Action::TransferBetween(between))));
        assert!(!refused(answer(&mut venue, 6, Action::Deposit(transfer(other, 1)))), "money still comes in");
        venue.bankrupt = 0;
        assert!(!refused(answer(&mut venue, 7, Action::Withdraw(transfer(one, 100)))));
    }
}
