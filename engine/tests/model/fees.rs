//! Tiers of fees.

use engine::{Event, Reject};
use risk::{AccountId, FeeTier, InstrumentSpec, Rate};
use std::collections::BTreeMap;

use super::arith::{PPB, ceil, floor};
use super::{Model, Refusal};

/// Tiers there may be, the instruments' own fees counted in.
const TIERS: u8 = 16;
const OWN: FeeTier = FeeTier { taker: Rate::ONE, maker: Rate::ONE, rebate: Rate::ONE };

impl Model {
    pub(crate) fn tier_of(&self, account: AccountId) -> FeeTier {
        self.tiers.get(&self.accounts[&account].fee_tier).copied().unwrap_or(OWN)
    }

    /// Whether the least that anybody pays for taking covers the most that anybody is paid for resting.
    fn pays_for_itself(spec: &InstrumentSpec, tiers: &BTreeMap<u8, FeeTier>) -> bool {
        let share = |share: Rate| i128::from(share.get());
        let (taker, maker) = (i128::from(spec.taker_fee.get()), i128::from(spec.maker_fee.get()));
        let all = || tiers.values().chain(core::iter::once(&OWN));
        let least = all().map(|tier| ceil(taker * share(tier.taker), PPB)).min();
        let most = all().map(|tier| floor(-maker * share(tier.rebate), PPB)).max();
        maker >= 0 || least >= most
    }

    pub(crate) fn fees_fit(&self, spec: &InstrumentSpec) -> bool {
        Self::pays_for_itself(spec, &self.tiers)
    }

    pub(crate) fn define_fee_tier(&mut self, tier: u8, terms: FeeTier) -> Result<(), Refusal> {
        let above = [terms.taker, terms.maker, terms.rebate].iter().any(|share| *share > Rate::ONE);
        let mut then = self.tiers.clone();
        then.insert(tier, terms);
        let sound = self.instruments.iter().all(|known| Self::pays_for_itself(&known.spec, &then));
        if !(1..TIERS).contains(&tier) || above || !sound {
            return Err(Reject::BadParameter.into());
        }
        self.tiers = then;
        self.out.push(Event::FeeTierDefined { tier, terms });
        Ok(())
    }

    pub(crate) fn set_fee_tier(&mut self, account: AccountId, tier: u8) -> Result<(), Refusal> {
        self.user_account(account)?;
        if tier != 0 && !self.tiers.contains_key(&tier) {
            return Err(Reject::BadParameter.into());
        }
        let mut family = vec![account];
        family.extend(self.isolated_of(account));
        for one in family {
            self.give_fee_tier(one, tier);
        }
        Ok(())
    }

    pub(crate) fn give_fee_tier(&mut self, account: AccountId, tier: u8) {
        self.account_mut(account).fee_tier = tier;
        self.out.push(Event::FeeTierSet { account, tier });
    }
}
