//! Collateral assets: their definition, debts that are paid out of other assets, interest on debts.
//!
//! Invariant: a debt above what its asset admits does not outlive the command that made it, as long as the account has
//! anything to pay it with; interest is charged once for every hour, to whoever owes at its end.

use super::{Venue, Verdict};
use crate::command::TimeNs;
use crate::event::{ConversionReason, Event, Events};
use crate::limits::INTEREST_PER_COMMAND;
use crate::reject::Reject;
use risk::limits::ASSETS_MAX;
use risk::{AccountId, AssetId, AssetSpec, DebtTerms, Money};

/// Interest is charged this often.
const INTEREST_INTERVAL_NS: u64 = 3_600_000_000_000;

/// Interest, and how far its charging is.
#[derive(Clone, Copy, Debug, Default, bincode::Encode)]
pub(super) struct Interest {
    /// Up to when it has been charged; 0 before the first tick.
    through: TimeNs,
    /// For how long it is being charged.
    elapsed_ns: u64,
    /// Places of the list of debtors below this are still to be charged; taken from the end, so that whoever leaves the
    /// list is replaced by one already charged.
    pub(super) left: u32,
}

impl Venue {
    #[cold]
    pub(super) fn define_asset(&mut self, asset: AssetId, spec: &AssetSpec, events: &mut Events) -> Verdict {
        let priced_by = self.ledger.find_instrument(spec.priced_by).ok_or(Reject::UnknownInstrument)?;
        if asset.get() != self.ledger.asset_numbers() {
            return Err(Reject::AlreadyExists.into());
        }
        if asset.index() > ASSETS_MAX {
            return Err(Reject::BadParameter.into());
        }
        let compiled = spec.clone().compile(priced_by).map_err(|_| Reject::BadParameter)?;

        self.ledger.define_asset(compiled);
        events.push(Event::AssetDefined { asset });
        Ok(())
    }

    #[cold]
    pub(super) fn set_debt_terms(
        &mut self,
        asset: AssetId,
        terms: DebtTerms,
        events: &mut Events,
    ) -> Verdict {
        self.check_asset(asset)?;
        if !terms.are_sound() {
            return Err(Reject::BadParameter.into());
        }

        self.ledger.set_debt_terms(asset, terms);
        events.push(Event::DebtTermsSet { asset, terms });
        Ok(())
    }

    /// Pays debts that are above what their assets admit out of what the account has, in the order of spending.
    #[cold]
    pub(super) fn pay_excessive_debts(&mut self, account: AccountId, events: &mut Events) {
        for owed in (0..self.ledger.asset_numbers()).map(AssetId::new) {
            if self.ledger.is_debt_excessive(account, owed) {
                self.pay_debt(account, owed, ConversionReason::DebtAboveMax, events);
            }
        }
    }

    /// Pays all debts of an account without positions, as far as it has anything to pay them with.
    pub(super) fn pay_all_debts(&mut self, account: AccountId, events: &mut Events) {
        for owed in (0..self.ledger.asset_numbers()).map(AssetId::new) {
            self.pay_debt(account, owed, ConversionReason::Liquidation, events);
        }
    }

    /// Pays one debt, as far as there is anything to pay it with.
    fn pay_debt(&mut self, account: AccountId, owed: AssetId, reason: ConversionReason, events: &mut Events) {
        while let Some(conversion) = self.ledger.next_conversion(account, owed) {
            self.ledger.convert(account, &conversion);
            events.push(Event::Converted { account, conversion, reason });
        }
    }

    /// Begins to charge interest where an hour has passed.
    pub(super) fn charge_interest_if_due(&mut self, events: &mut Events) {
        let now = self.last.time.get();
        if self.interest.through == TimeNs::default() {
            self.interest.through = TimeNs::new(now);
        }
        let through = self.interest.through.get();
        let hours = (now - through).div_euclid(INTEREST_INTERVAL_NS);
        if hours == 0 {
            return;
        }
        let elapsed_ns = hours * INTEREST_INTERVAL_NS;
        let left = u32::try_from(self.ledger.debtors()).expect("accounts are fewer than 2^32");
        self.interest = Interest { through: TimeNs::new(through + elapsed_ns), elapsed_ns, left };
        self.go_on_charging_interest(events);
    }

    /// Charges some debtors; the rest waits.
    pub(super) fn go_on_charging_interest(&mut self, events: &mut Events) {
        for _ in 0..INTEREST_PER_COMMAND {
            let Some(place) = self.interest.left.checked_sub(1) else { return };
            self.interest.left = place;
            if let Some(account) = self.ledger.debtor_at(place as usize) {
                self.charge_interest(account, events);
            }
        }
        self.left_over = true;
    }

    /// What an account owes grows by its interest, in the same asset; the insurance account receives it.
    fn charge_interest(&mut self, account: AccountId, events: &mut Events) {
        if account.is_system() {
            return;
        }
        for asset in (0..self.ledger.asset_numbers()).map(AssetId::new) {
            let amount = self.ledger.interest_due(account, asset, self.interest.elapsed_ns);
            if amount > Money::ZERO {
                let [balance, _] = self.ledger.move_cash(account, AccountId::INSURANCE, asset, amount);
                events.push(Event::InterestCharged { account, asset, amount, balance });
            }
        }
        self.tend_balance(account, events);
    }
}
