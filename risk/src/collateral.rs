//! Collateral in several assets: what an account's holdings and the legs that settle in them add to its assessment, and
//! what of an asset may leave.
//!
//! Invariant: profits of legs join the balance of the asset they settle in before it is weighted; requirements in an
//! asset are rounded up in it, and up again when they are valued. Source: `MARGIN.md` 10.

use crate::account::Leg;
use crate::assessment::Assessment;
use crate::asset::Asset;
use crate::ledger::Ledger;
use crate::limits::ASSETS_MAX;
use crate::units::{AccountId, AssetId, Mark, Money, Requirement, UnderlyingId};

/// What is assumed of an account beside what is booked, by asset.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// Added to balances.
    pub(crate) cash: [Money; ASSETS_MAX + 1],
    /// Added to the initial margin of the legs that settle in the asset.
    pub(crate) initial: [Requirement; ASSETS_MAX + 1],
    /// Added to their maintenance margin.
    pub(crate) maintenance: [Requirement; ASSETS_MAX + 1],
}

impl Change {
    pub(crate) const NONE: Self = Self {
        cash: [Money::ZERO; ASSETS_MAX + 1],
        initial: [Requirement::ZERO; ASSETS_MAX + 1],
        maintenance: [Requirement::ZERO; ASSETS_MAX + 1],
    };
}

impl Change {
    /// Whether it needs margin in an asset beside the unit of account.
    pub(crate) fn opens_an_asset(&self) -> bool {
        self.initial[1..].iter().any(|initial| *initial != Requirement::ZERO)
    }
}

impl Ledger {
    /// Adds every asset of an account beside the unit of account, with what is assumed of it.
    #[cold]
    pub(crate) fn add_assets(&self, account: AccountId, change: &Change, sum: &mut Assessment) {
        for asset in (1..self.asset_numbers()).map(AssetId::new) {
            let mut within =
                Assessment::of_balance(self.balance(account, asset) + change.cash[asset.index()]);
            within.initial = change.initial[asset.index()];
            within.maintenance = change.maintenance[asset.index()];
            for (leg_id, leg) in self.legs_in(account, asset) {
                self.add_leg(leg_id, leg, &mut within);
            }
            if within != Assessment::default() {
                self.add_asset(account, asset, &within, sum);
            }
        }
    }

    /// Values what is within an asset and adds it: equity at the index, what counts for initial margin and withdrawals at
    /// the prudent price, requirements rounded up.
    fn add_asset(&self, account: AccountId, asset: AssetId, within: &Assessment, sum: &mut Assessment) {
        let asset = self.asset(asset);
        let (index, low, high) = self.asset_prices(asset);
        sum.equity += asset.collateral(within.equity, index);
        sum.maintenance += Requirement::of_money(asset.worth_up(within.maintenance.ceil(), index));
        sum.exposure += asset.worth_up(within.exposure, index);
        sum.initial += Requirement::of_money(asset.worth_up(within.initial.ceil(), high));
        let longs = self.longs_against(account, asset);
        let prudent = |balance: Money| {
            let price = if balance < Money::ZERO { high } else { low };
            let counted = asset.initial_collateral(balance, price);
            let matched = asset.worth(balance, price).min(longs).max(Money::ZERO);
            let lost = asset.spec.wrong_way.of_ceil(matched);
            if counted > Money::ZERO { (counted - lost).max(Money::ZERO) } else { counted }
        };
        sum.initial_equity += prudent(within.initial_equity);
        sum.withdrawal_equity += prudent(within.withdrawal_equity);
    }

    /// An asset's index price, and the lower and the higher of it and the stable price.
    pub(crate) fn asset_prices(&self, asset: &Asset) -> (Mark, Mark, Mark) {
        let priced_by = self.instrument(asset.spec.priced_by);
        let index = priced_by.index.unwrap_or_default();
        let stable = priced_by.stable.unwrap_or(index);
        (index, index.min(stable), index.max(stable))
    }

    /// Net long exposure to what an asset is, where holding it is weighted for that: it would fall with the position.
    fn longs_against(&self, account: AccountId, asset: &Asset) -> Money {
        if asset.spec.wrong_way.get() == 0 {
            return Money::ZERO;
        }
        let underlying = self.instrument(asset.spec.priced_by).spec.contract.underlying;
        self.net_exposure(account, underlying).max(Money::ZERO)
    }

    /// Net exposure to an underlying at the marks, in money of the unit of account: longs less shorts.
    #[must_use]
    pub fn net_exposure(&self, account: AccountId, underlying: UnderlyingId) -> Money {
        let mut net = Money::ZERO;
        for (_, leg) in self.legs_of(account) {
            if self.instrument(leg.instrument).spec.contract.underlying == underlying {
                net += self.exposure_of(leg);
            }
        }
        net
    }

    /// What a leg adds to the net exposure to its underlying.
    pub(crate) fn exposure_of(&self, leg: &Leg) -> Money {
        let instrument = self.instrument(leg.instrument);
        let notional = instrument.notional(leg.position.size(), self.mark_of(leg.instrument));
        let notional = match self.find_asset(instrument.settlement()) {
            None => notional,
            Some(asset) => asset.worth(notional, self.asset_prices(asset).0),
        };
        if leg.position.get() < 0 { -notional } else { notional }
    }

    /// Most of an asset that may leave an account: of what is there, as much as leaves withdrawal equity above the larger
    /// of initial margin and a tenth of exposure. Rounded down. Source: `MARGIN.md` 5.
    #[must_use]
    pub fn withdrawable(&self, account: AccountId, asset: AssetId) -> Money {
        let now = self.assess(account);
        let balance = self.balance(account, asset);
        if asset == AssetId::BASE {
            return now.free_to_withdraw().min(balance).max(Money::ZERO);
        }
        // What an asset counts for is concave in its amount, so what is left falls with what goes: bisect.
        let mut change = Change::NONE;
        let (mut goes, mut stays) = (0, balance.get().max(0) + 1);
        if now.free_to_withdraw() < Money::ZERO {
            return Money::ZERO;
        }
        while stays - goes > 1 {
            let half = goes + ((stays - goes) >> 1);
            change.cash[asset.index()] = Money::new(-half);
            let without = self.assess_with(account, &change);
            if without.free_to_withdraw() >= Money::ZERO { goes = half } else { stays = half }
        }
        Money::new(goes)
    }
}
