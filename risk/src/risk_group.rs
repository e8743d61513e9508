//! Risk groups: who stands behind the liquidations of which instruments, how they proceed, and how much an insurance fund
//! may give in a time.
//!
//! Invariant: every instrument is in one group, group 0 until it is put into another. What a fund may give never exceeds its
//! balance, what is left of the account's own maximum, or what may go of the highest balance seen in the window. Source:
//! `MARGIN.md` 7 and 8.

use alloc::vec::Vec;

use crate::account::{AccountForm, AccountState};
use crate::deleveraging::DeleveragingPolicy;
use crate::ledger::Ledger;
use crate::limits::{MONEY_MAX, RISK_GROUPS_MAX};
use crate::units::{AccountId, AssetId, InstrumentId, Money, Rate};

/// How positions of a group are liquidated, and who bears what is left. Logged with the command that sets it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct RiskGroupTerms {
    /// The insurance fund: the venue's own insurance account, or an account that is nothing else.
    pub fund: AccountId,
    /// Most the fund gives for one account in one liquidation.
    pub fund_account_max: Money,
    /// Part of the highest balance in the window that may be given within it.
    pub fund_share: Rate,
    /// Length of the window, in nanoseconds; above 0.
    pub fund_window_ns: u64,
    /// How far beyond the mark, as a part of value, a fill may be that the fund adds to.
    pub fund_spread: Rate,
    /// The account that takes over at the mark what the book does not take; `None` where there is none.
    pub backstop: Option<AccountId>,
    /// Most initial margin that the backstop account may come to need by a takeover, whatever equity it has.
    pub backstop_margin_max: Money,
    /// Equity over maintenance margin below which the book is given up once it has not taken a whole step; at most 100 %.
    pub backstop_at: Rate,
    /// Equity over maintenance margin that steps restore; 100 % or more.
    pub target: Rate,
    /// Distress of an account with no equity; at most 100 %.
    pub adjust: Rate,
    /// What each step adds to distress.
    pub urgency: Rate,
    /// Part of a leg's maintenance margin that is given up at full distress.
    pub spread: Rate,
    /// Part of the resting depth, down to the price asked, that one step may take; above 0.
    pub step_share: Rate,
    /// Notional that a step may take whatever rests; at least a lot.
    pub step_min: Money,
    /// Steps after which the book is given up; above 0.
    pub steps_max: u16,
    /// How the holders of the other side share what nobody takes.
    pub policy: DeleveragingPolicy,
    /// How long the deleveraging worker has for its plan, in milliseconds; 0 lets the venue plan at once.
    pub plan_within_ms: u32,
}

impl RiskGroupTerms {
    /// Those of a group that nobody has set.
    pub const DEFAULT: Self = Self {
        fund: AccountId::INSURANCE,
        fund_account_max: Money::new(MONEY_MAX),
        fund_share: Rate::new(300_000_000),
        fund_window_ns: 8 * 3_600_000_000_000,
        fund_spread: Rate::new(15_000_000),
        backstop: None,
        backstop_margin_max: Money::ZERO,
        backstop_at: Rate::new(666_666_667),
        target: Rate::new(1_250_000_000),
        adjust: Rate::ONE,
        urgency: Rate::new(100_000_000),
        spread: Rate::ONE,
        step_share: Rate::new(250_000_000),
        step_min: Money::ZERO,
        steps_max: 20,
        policy: DeleveragingPolicy::Water,
        plan_within_ms: 0,
    };

    /// Whether every figure is in its range.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let money = |amount: Money| (0..=MONEY_MAX).contains(&amount.get());
        let part = |rate: Rate| rate <= Rate::ONE;
        let amounts = money(self.fund_account_max) && money(self.backstop_margin_max) && money(self.step_min);
        let parts = [self.fund_share, self.fund_spread, self.backstop_at, self.adjust, self.urgency];
        amounts
            && parts.into_iter().chain([self.spread, self.step_share]).all(part)
            && self.target >= Rate::ONE
            && self.target <= Rate::new(4_000_000_000)
            && self.step_share > Rate::new(0)
            && self.steps_max > 0
            && self.fund_window_ns > 0
            && self.backstop != Some(self.fund)
    }
}

/// The highest balance of a fund in its window.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, bincode::Encode)]
struct Window {
    began_ns: u64,
    peak: Money,
}

#[derive(Clone, Copy, Debug, bincode::Encode)]
struct Group {
    terms: RiskGroupTerms,
    window: Window,
}

/// The groups by number, and each instrument's.
#[derive(Clone, Debug, bincode::Encode)]
pub(crate) struct RiskGroups {
    groups: Vec<Group>,
    of: Vec<u8>,
}

impl RiskGroups {
    pub(crate) fn new() -> Self {
        let first = Group { terms: RiskGroupTerms::DEFAULT, window: Window::default() };
        Self { groups: Vec::from([first]), of: Vec::new() }
    }

    pub(crate) fn fund_of(&self, group: u8) -> AccountId {
        self.groups[usize::from(group)].terms.fund
    }
}

impl Ledger {
    /// The terms of a group; `None` where there is none.
    #[must_use]
    pub fn risk_group(&self, group: u8) -> Option<&RiskGroupTerms> {
        self.risk_groups.groups.get(usize::from(group)).map(|group| &group.terms)
    }

    /// The group of an instrument.
    #[must_use]
    pub fn risk_group_of(&self, instrument: InstrumentId) -> u8 {
        self.risk_groups.of.get(instrument.index()).copied().unwrap_or(0)
    }

    /// The terms that an instrument's positions are liquidated by.
    #[must_use]
    pub fn risk_terms_of(&self, instrument: InstrumentId) -> &RiskGroupTerms {
        &self.risk_groups.groups[usize::from(self.risk_group_of(instrument))].terms
    }

    /// Whether a group may have these terms: its number is known or the next, the fund is the venue's own or an account
    /// that is a fund or idle, the backstop an ordinary account.
    #[must_use]
    pub fn admits_risk_group(&self, group: u8, terms: &RiskGroupTerms) -> bool {
        let known = self.risk_groups.groups.len();
        let is_fund = terms.fund == AccountId::INSURANCE || self.may_be_fund(terms.fund);
        let backstop = terms.backstop.is_none_or(|account| self.may_be_backstop(account));
        usize::from(group) <= known
            && usize::from(group) < RISK_GROUPS_MAX
            && terms.is_sound()
            && is_fund
            && backstop
    }

    fn may_be_fund(&self, account: AccountId) -> bool {
        let Some(known) = self.account(account).filter(|_| !account.is_system()) else { return false };
        let is_idle = known.state == AccountState::Active
            && known.form == AccountForm::Plain
            && self.legs_of(account).next().is_none()
            && !self.owes(account)
            && !self.is_backstop(account);
        known.form == AccountForm::Fund || is_idle
    }

    /// Where an isolated position acts for it, it takes nothing over.
    fn may_be_backstop(&self, account: AccountId) -> bool {
        let known = self.account(account).filter(|_| !account.is_system());
        known.is_some_and(|known| matches!(known.form, AccountForm::Plain | AccountForm::Parent))
    }

    /// Whether an account stands behind the liquidations of some group.
    #[must_use]
    pub fn is_backstop(&self, account: AccountId) -> bool {
        self.risk_groups.groups.iter().any(|group| group.terms.backstop == Some(account))
    }

    /// Sets the terms of a group that [`Self::admits_risk_group`]. An account that becomes a fund is nothing else any more.
    pub fn set_risk_group(&mut self, group: u8, terms: RiskGroupTerms) {
        if !terms.fund.is_system() {
            self.set_form(terms.fund, AccountForm::Fund);
        }
        let window = Window::default();
        let groups = &mut self.risk_groups.groups;
        match groups.get_mut(usize::from(group)) {
            Some(known) if known.terms.fund == terms.fund => known.terms = terms,
            Some(known) => *known = Group { terms, window },
            None => groups.push(Group { terms, window }),
        }
    }

    /// Puts an instrument into a group that is known.
    pub fn assign_risk_group(&mut self, instrument: InstrumentId, group: u8) {
        let of = &mut self.risk_groups.of;
        if of.len() <= instrument.index() {
            of.resize(instrument.index() + 1, 0);
        }
        of[instrument.index()] = group;
    }

    /// What a group's fund may give of an asset at `now_ns`, of which `given` was already given for the account. The window
    /// and the account's maximum bound the unit of account; of another asset the fund may give what it has.
    #[must_use]
    pub fn fund_allowance(&self, group: u8, asset: AssetId, given: Money, now_ns: u64) -> Money {
        let Group { terms, .. } = &self.risk_groups.groups[usize::from(group)];
        let balance = self.balance(terms.fund, asset);
        if asset != AssetId::BASE {
            return balance.max(Money::ZERO);
        }
        let peak = self.window_of(group, now_ns).peak;
        let kept = peak - terms.fund_share.of_floor(peak);
        (balance - kept).min(terms.fund_account_max - given).min(balance).max(Money::ZERO)
    }

    /// The highest balance that a group's fund was seen to have in its window at `now_ns`, in the unit of account.
    #[must_use]
    pub fn fund_peak(&self, group: u8, now_ns: u64) -> Money {
        self.window_of(group, now_ns).peak
    }

    /// How many groups there are.
    #[must_use]
    pub fn risk_groups(&self) -> u8 {
        u8::try_from(self.risk_groups.groups.len()).unwrap_or(u8::MAX)
    }

    /// The window at `now_ns`: a new one where the last is over.
    fn window_of(&self, group: u8, now_ns: u64) -> Window {
        let Group { terms, window } = &self.risk_groups.groups[usize::from(group)];
        let balance = self.balance(terms.fund, AssetId::BASE).max(Money::ZERO);
        if now_ns.saturating_sub(window.began_ns) >= terms.fund_window_ns {
            return Window { began_ns: now_ns, peak: balance };
        }
        Window { peak: window.peak.max(balance), ..*window }
    }

    /// A group's fund gives an account so much, no more than it may.
    pub(crate) fn give_from_fund(
        &mut self,
        group: u8,
        account: AccountId,
        asset: AssetId,
        amount: Money,
        now_ns: u64,
    ) {
        if amount <= Money::ZERO {
            return;
        }
        let window = self.window_of(group, now_ns);
        let known = &mut self.risk_groups.groups[usize::from(group)];
        known.window = window;
        let fund = known.terms.fund;
        self.move_cash(fund, account, asset, amount);
    }

    /// Verifies that groups are what [`Self::admits_risk_group`] admitted.
    pub(crate) fn check_risk_groups(&self) {
        let groups = &self.risk_groups.groups;
        assert!((1..=RISK_GROUPS_MAX).contains(&groups.len()), "the first group is always there");
        assert!(self.risk_groups.of.iter().all(|group| usize::from(*group) < groups.len()), "known groups");
        for Group { terms, .. } in groups {
            assert!(terms.is_sound(), "terms are in range");
            let is_fund = terms.fund == AccountId::INSURANCE || self.form_of(terms.fund) == AccountForm::Fund;
            assert!(is_fund, "a fund is nothing else");
            assert!(self.balance(terms.fund, AssetId::BASE) >= Money::ZERO, "I7: no fund owes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Capacity;

    #[test]
    fn a_fund_gives_no_more_than_its_window_and_the_account_admit() {
        let mut ledger = Ledger::new(Capacity { accounts: 32, legs: 8, orders: 8 });
        ledger.open_account(AccountId::new(16));
        ledger.transfer(AccountId::INSURANCE, AssetId::BASE, Money::new(1_000));
        let terms = RiskGroupTerms {
            fund_account_max: Money::new(250),
            fund_window_ns: 100,
            ..RiskGroupTerms::DEFAULT
        };
        assert!(ledger.admits_risk_group(0, &terms));
        ledger.set_risk_group(0, terms);
        let may = |ledger: &Ledger, given, now| {
            ledger.fund_allowance(0, AssetId::BASE, Money::new(given), now).get()
        };
        // 30 % of 1,000, of which one account gets 250.
        assert_eq!(may(&ledger, 0, 5), 250);
        assert_eq!(may(&ledger, 240, 5), 10);
        ledger.give_from_fund(0, AccountId::new(16), AssetId::BASE, Money::new(250), 200);
        assert_eq!(may(&ledger, 0, 299), 50, "of the window's 300");
        // A new window counts from what is left.
        assert_eq!(may(&ledger, 0, 300), 225);
    }
}
