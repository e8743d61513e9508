//! Risk groups: their terms, and what their funds may give.

use engine::{Event, Reject};
use risk::limits::RISK_GROUPS_MAX;
use risk::{AccountId, AssetId, InstrumentId, RiskGroupTerms};

use super::arith::{PPB, floor};
use super::{Model, Refusal};

/// A group, and the highest balance of its fund since its window began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RiskGroup {
    pub(crate) terms: RiskGroupTerms,
    began: u64,
    peak: i128,
}

impl RiskGroup {
    pub(crate) const FIRST: Self = Self { terms: RiskGroupTerms::DEFAULT, began: 0, peak: 0 };
}

impl Model {
    pub(crate) fn group_number(&self, instrument: InstrumentId) -> u8 {
        self.group_of.get(&instrument).copied().unwrap_or(0)
    }

    pub(crate) fn terms_of_group(&self, group: u8) -> RiskGroupTerms {
        self.risk_groups[usize::from(group)].terms
    }

    /// By which terms positions in an instrument are liquidated.
    pub(crate) fn risk_terms(&self, instrument: InstrumentId) -> RiskGroupTerms {
        self.terms_of_group(self.group_number(instrument))
    }

    pub(crate) fn is_fund(&self, account: AccountId) -> bool {
        self.funds.contains(&account)
    }

    fn may_be_fund(&self, account: AccountId) -> bool {
        let is_backstop = self.risk_groups.iter().any(|known| known.terms.backstop == Some(account));
        let is_plain = !self.is_isolated(account) && self.isolated_of(account).is_empty();
        let has_leg = self.legs.keys().any(|(owner, _)| *owner == account);
        let is_idle = !self.accounts[&account].liquidating
            && is_plain
            && !has_leg
            && self.orders_of(account).is_empty()
            && self.balance(account, AssetId::BASE) >= 0
            && !is_backstop;
        account == AccountId::INSURANCE || self.is_fund(account) || (is_idle && !account.is_system())
    }

    pub(crate) fn set_risk_group(&mut self, group: u8, terms: &RiskGroupTerms) -> Result<(), Refusal> {
        let named = core::iter::once(terms.fund).chain(terms.backstop);
        for account in named {
            if !self.accounts.contains_key(&account) {
                return Err(Reject::UnknownAccount.into());
            }
        }
        let place = usize::from(group);
        let is_known_or_next = place <= self.risk_groups.len() && place < RISK_GROUPS_MAX;
        let may_back =
            |account: AccountId| !account.is_system() && !self.is_isolated(account) && !self.is_fund(account);
        // What makes terms sound is their own affair and has its own tests.
        if !is_known_or_next
            || !terms.is_sound()
            || !self.may_be_fund(terms.fund)
            || !terms.backstop.is_none_or(may_back)
        {
            return Err(Reject::BadParameter.into());
        }
        if !terms.fund.is_system() {
            self.funds.insert(terms.fund);
        }
        if place == self.risk_groups.len() {
            self.risk_groups.push(RiskGroup::FIRST);
        }
        let known = &mut self.risk_groups[place];
        // Another fund has a window of its own.
        if known.terms.fund != terms.fund {
            (known.began, known.peak) = (0, 0);
        }
        known.terms = *terms;
        self.out.push(Event::RiskGroupSet { group, terms: *terms });
        Ok(())
    }

    pub(crate) fn assign_risk_group(&mut self, instrument: InstrumentId, group: u8) -> Result<(), Refusal> {
        self.known_instrument(instrument)?;
        if usize::from(group) >= self.risk_groups.len() {
            return Err(Reject::BadParameter.into());
        }
        self.group_of.insert(instrument, group);
        self.out.push(Event::RiskGroupAssigned { instrument, group });
        Ok(())
    }

    /// When the window of a group's fund began, and the highest balance in it.
    fn window(&self, group: u8) -> (u64, i128) {
        let known = &self.risk_groups[usize::from(group)];
        let balance = self.balance(known.terms.fund, AssetId::BASE);
        if self.now >= known.began + known.terms.fund_window_ns {
            return (self.now, balance);
        }
        (known.began, known.peak.max(balance))
    }

    /// What the fund of a group may give for an account that was given so much already.
    pub(crate) fn fund_may(&self, group: u8, asset: AssetId, given: i128) -> i128 {
        let terms = self.terms_of_group(group);
        let balance = self.balance(terms.fund, asset);
        if asset != AssetId::BASE {
            return balance.max(0);
        }
        let (_, peak) = self.window(group);
        let stays = peak - floor(peak * i128::from(terms.fund_share.get()), PPB);
        let most = i128::from(terms.fund_account_max.get()) - given;
        (balance - stays).min(most).min(balance).max(0)
    }

    /// The fund of a group gives.
    pub(crate) fn fund_gives(&mut self, group: u8, to: AccountId, asset: AssetId, amount: i128) {
        if amount == 0 {
            return;
        }
        let window = self.window(group);
        let known = &mut self.risk_groups[usize::from(group)];
        (known.began, known.peak) = window;
        let fund = known.terms.fund;
        self.pay(fund, to, asset, amount);
    }
}
