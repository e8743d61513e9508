//! Transfers and their numbers, and what an account is in one word.

use engine::limits::RECEIPTS_PER_ACCOUNT;
use engine::{Event, Movement, MovementReason, Reject, TransferBetween};
use risk::{AccountId, AssetId, Restriction, Standing};

use super::{Model, Refusal, money};

/// What an account asked for: to whom or in or out, what and how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    pub(crate) external_id: u64,
    /// `None` is from or to outside, in by a positive amount.
    pub(crate) to: Option<AccountId>,
    pub(crate) asset: AssetId,
    pub(crate) amount: i128,
    pub(crate) pays_in: bool,
}

impl Model {
    /// Whether the account has done this already under the number it names.
    pub(crate) fn was_done(&mut self, account: AccountId, asked: &Asked) -> Result<bool, Refusal> {
        if asked.external_id == 0 {
            return Ok(false);
        }
        let done: Vec<Asked> =
            self.done.iter().filter(|(who, _)| *who == account).map(|(_, what)| *what).collect();
        let remembered = &done[done.len().saturating_sub(RECEIPTS_PER_ACCOUNT)..];
        if let Some(before) = remembered.iter().find(|before| before.external_id == asked.external_id) {
            if before != asked {
                return Err(Reject::TransferMismatch.into());
            }
            let balance = money(self.balance(account, asked.asset));
            self.out.push(Event::TransferRepeated { account, external_id: asked.external_id, balance });
            return Ok(true);
        }
        let passed = done.iter().any(|before| before.external_id >= asked.external_id);
        if passed { Err(Reject::TransferTooOld.into()) } else { Ok(false) }
    }

    pub(crate) fn note_done(&mut self, account: AccountId, asked: &Asked) {
        if asked.external_id != 0 {
            self.done.push((account, *asked));
        }
    }

    /// Money leaves no account while one is bankrupt, and none more than it may give.
    pub(crate) fn may_leave(&self, account: AccountId, asset: AssetId, amount: i128) -> Result<(), Refusal> {
        self.check_trust_of(account)?;
        if self.accounts.values().any(|known| known.standing == Standing::Bankrupt) {
            return Err(Reject::WithdrawalsHeld.into());
        }
        let most = self.withdrawable(account, asset);
        if amount > most {
            return Err(Refusal { reject: Reject::InsufficientFunds, short: amount - most });
        }
        Ok(())
    }

    pub(crate) fn transfer_between(&mut self, asked: &TransferBetween) -> Result<(), Refusal> {
        let TransferBetween { from, to, asset, amount, external_id } = *asked;
        self.user_account(from)?;
        self.user_account(to)?;
        let amount = i128::from(amount.get());
        let done = Asked { external_id, to: Some(to), asset, amount, pays_in: false };
        if self.was_done(from, &done)? {
            return Ok(());
        }
        if !self.same_owner(from, to) {
            return Err(Reject::OtherOwner.into());
        }
        self.known_asset(asset)?;
        self.free_account(from)?;
        self.may_leave(from, asset, amount)?;
        if amount <= 0 || from == to {
            return Err(Reject::BadParameter.into());
        }
        self.note_done(from, &done);
        self.move_money((from, to), asset, amount, (MovementReason::Requested, external_id));
        Ok(())
    }

    pub(crate) fn move_money(
        &mut self,
        (from, to): (AccountId, AccountId),
        asset: AssetId,
        amount: i128,
        (reason, external_id): (MovementReason, u64),
    ) {
        self.pay(from, to, asset, amount);
        self.out.push(Event::Moved(Movement {
            from,
            to,
            asset,
            amount: money(amount),
            from_balance: money(self.balance(from, asset)),
            to_balance: money(self.balance(to, asset)),
            external_id,
            reason,
        }));
        self.restate(to);
        self.look(from);
        self.look(to);
    }

    /// What an account is in one word.
    pub(crate) fn standing_now(&self, account: AccountId) -> Standing {
        let known = &self.accounts[&account];
        match (known.liquidating, known.restriction) {
            (true, _) if self.equity(account) < 0 => Standing::Bankrupt,
            (true, _) => Standing::Liquidating,
            (false, Restriction::Suspended) => Standing::Suspended,
            (false, Restriction::ReduceOnly) => Standing::ReduceOnly,
            (false, Restriction::None) => Standing::Active,
        }
    }

    /// Tells what an account is where that changed.
    pub(crate) fn restate(&mut self, account: AccountId) {
        let standing = self.standing_now(account);
        if self.accounts[&account].standing != standing {
            self.account_mut(account).standing = standing;
            self.out.push(Event::StandingChanged { account, standing });
        }
    }
}
