//! Terms of a risk group as a person writes them.
//!
//! Invariant: a setting left out means what a group has that nobody has set.

use engine::Action;
use risk::deleveraging::DeleveragingPolicy;
use risk::limits::{FIRST_USER_ACCOUNT, RISK_GROUPS_MAX};
use risk::{AccountId, InstrumentId, InstrumentSpec, Money, Rate, RiskGroupTerms};
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::asset::is_called;
use super::instrument::{Fault, Place, at, number, rate};

const NS_PER_S: u64 = 1_000_000_000;

/// A text that may be left out.
type Text = Option<Spanned<String>>;

/// How the holders of the other side share what nobody takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyWord {
    /// The most leveraged are cut to one level of leverage.
    Water,
    /// A queue by profit and leverage.
    Profit,
    /// A queue by profit and margin ratio.
    LeveragedProfit,
}

/// One risk group.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskGroupSection {
    /// Symbols of the instruments in it; those that no group names are in the first. Only in the configuration of a new venue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instruments: Vec<Spanned<String>>,
    /// Account of the insurance fund, which is opened with a new venue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fund: Option<u32>,
    /// Most the fund gives for one account in one liquidation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fund_account_max: Text,
    /// Part of the highest balance in the window that may be given within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fund_share: Text,
    /// Length of the window, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fund_window_s: Option<u64>,
    /// How far beyond the mark a fill may be that the fund adds to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fund_spread: Text,
    /// Account that takes over at the mark what the book does not take, which is opened with a new venue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backstop: Option<u32>,
    /// Most initial margin that it may come to need by a takeover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backstop_margin_max: Text,
    /// Equity over maintenance margin below which the book is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backstop_at: Text,
    /// Equity over maintenance margin that steps restore.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Text,
    /// Distress of an account with no equity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjust: Text,
    /// What each step adds to distress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Text,
    /// Part of a position's maintenance margin that is given up at full distress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Text,
    /// Part of the resting depth that one step may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_share: Text,
    /// Notional that a step may take whatever rests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step_min: Text,
    /// Steps after which the book is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_max: Option<u16>,
    /// How the holders of the other side share what nobody takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyWord>,
    /// How long the deleveraging worker has for its plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_within_ms: Option<u32>,
}

/// A risk group of a new venue: what the venue is told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RiskGroup {
    /// Its terms.
    pub terms: RiskGroupTerms,
    /// The instruments in it.
    pub instruments: Vec<InstrumentId>,
}

impl RiskGroupSection {
    /// What it means, where the unit of account has so many decimals.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that is wrong.
    pub fn terms(&self, money_decimals: u8) -> Result<RiskGroupTerms, Fault> {
        let money = |text: &Text, otherwise: Money| {
            text.as_ref().map_or(Ok(otherwise), |text| number(text, money_decimals).map(Money::new))
        };
        let part = |text: &Text, otherwise: Rate| text.as_ref().map_or(Ok(otherwise), rate);
        let usual = RiskGroupTerms::DEFAULT;
        let window_ns = self.fund_window_s.map(|seconds| seconds.saturating_mul(NS_PER_S));
        let terms = RiskGroupTerms {
            fund: self.fund.map_or(usual.fund, AccountId::new),
            fund_account_max: money(&self.fund_account_max, usual.fund_account_max)?,
            fund_share: part(&self.fund_share, usual.fund_share)?,
            fund_window_ns: window_ns.unwrap_or(usual.fund_window_ns),
            fund_spread: part(&self.fund_spread, usual.fund_spread)?,
            backstop: self.backstop.map(AccountId::new),
            backstop_margin_max: money(&self.backstop_margin_max, usual.backstop_margin_max)?,
            backstop_at: part(&self.backstop_at, usual.backstop_at)?,
            target: part(&self.target, usual.target)?,
            adjust: part(&self.adjust, usual.adjust)?,
            urgency: part(&self.urgency, usual.urgency)?,
            spread: part(&self.spread, usual.spread)?,
            step_share: part(&self.step_share, usual.step_share)?,
            step_min: money(&self.step_min, usual.step_min)?,
            steps_max: self.steps_max.unwrap_or(usual.steps_max),
            policy: self.policy.map_or(usual.policy, PolicyWord::policy),
            plan_within_ms: self.plan_within_ms.unwrap_or(usual.plan_within_ms),
        };
        let is_own = |account: AccountId| account.get() < FIRST_USER_ACCOUNT;
        let is_backed = terms.backstop.is_none_or(|account| !is_own(account));
        let is_funded = terms.fund == AccountId::INSURANCE || !is_own(terms.fund);
        if terms.is_sound() && is_backed && is_funded {
            return Ok(terms);
        }
        let reason = format!(
            "this risk group makes no sense: target is 100% to 400%, every other part at most 100%, step_share, steps_max \
             and fund_window_s are above 0, amounts are not negative, fund is 1 or an account from {FIRST_USER_ACCOUNT} on, \
             backstop another one"
        );
        Err(Fault { at: self.place(), reason })
    }

    /// Where it is, as far as one of its texts tells.
    fn place(&self) -> Place {
        let texts = [&self.target, &self.step_share, &self.fund_share, &self.backstop_at, &self.step_min];
        let first = texts.into_iter().flatten().next().or_else(|| self.instruments.first());
        Place::Octets(first.map_or(0..0, Spanned::span))
    }
}

impl PolicyWord {
    const fn policy(self) -> DeleveragingPolicy {
        match self {
            Self::Water => DeleveragingPolicy::Water,
            Self::Profit => DeleveragingPolicy::Profit,
            Self::LeveragedProfit => DeleveragingPolicy::LeveragedProfit,
        }
    }
}

/// The risk groups of a new venue, numbered from 0, with instruments that are numbered from 0.
pub(super) fn risk_groups(
    sections: &[RiskGroupSection],
    instruments: &[InstrumentSpec],
) -> Result<Vec<RiskGroup>, Fault> {
    if sections.len() > RISK_GROUPS_MAX {
        let reason = format!("there are at most {RISK_GROUPS_MAX} risk groups");
        return Err(Fault { at: sections[RISK_GROUPS_MAX].place(), reason });
    }
    let base = instruments.iter().find(|spec| spec.contract.settlement == risk::AssetId::BASE);
    let money_decimals = base.map_or(0, |spec| spec.money_decimals);
    let mut taken = vec![false; instruments.len()];
    let group = |section: &RiskGroupSection| {
        let mut members = Vec::new();
        for name in &section.instruments {
            let place = instruments.iter().position(|spec| is_called(spec, name.get_ref()));
            let place =
                place.ok_or_else(|| at(name, &format!("there is no instrument {}", name.get_ref())))?;
            if std::mem::replace(&mut taken[place], true) {
                return Err(at(name, &format!("{} is in two risk groups", name.get_ref())));
            }
            let number = u32::try_from(place).map_err(|_| at(name, &"there are too many instruments"))?;
            members.push(InstrumentId::new(number));
        }
        Ok(RiskGroup { terms: section.terms(money_decimals)?, instruments: members })
    };
    sections.iter().map(group).collect()
}

/// What a new venue is told: the accounts that stand behind the groups are opened first.
pub(crate) fn opening(groups: &[RiskGroup]) -> Vec<Action> {
    let backing = groups.iter().flat_map(|group| [Some(group.terms.fund), group.terms.backstop]).flatten();
    let mut accounts: Vec<AccountId> = backing.filter(|account| !account.is_system()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut actions: Vec<Action> =
        accounts.into_iter().map(|account| Action::OpenAccount { account }).collect();
    for (number, group) in (0..).zip(groups) {
        actions.push(Action::SetRiskGroup { group: number, terms: Box::new(group.terms) });
    }
    for (number, group) in (0..).zip(groups).filter(|(number, _)| *number > 0) {
        let members = group.instruments.iter();
        actions.extend(members.map(|&instrument| Action::AssignRiskGroup { instrument, group: number }));
    }
    actions
}
