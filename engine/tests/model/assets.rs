//! Balances in several assets, their definition, and what they count for.

use engine::{Event, Reject};
use risk::limits::ASSETS_MAX;
use risk::{AccountId, AssetId, AssetSpec, DebtTerms, Money};

use super::arith::{MARKS, PPB, ceil, floor};
use super::{Model, Refusal, mark_of};

/// A worth is cut off at this.
const WORTH_MAX: i128 = 1 << 58;

/// A collateral asset beside the unit of account.
#[derive(Clone, Debug)]
pub(crate) struct Asset {
    pub(crate) spec: AssetSpec,
    /// `10^(price decimals + decimals - money decimals)`.
    pub(crate) div: i128,
    /// What part of a credit counts for initial margin because of what all accounts hold, in billionths.
    pub(crate) share: i128,
}

impl Asset {
    /// What an amount is worth at a price, rounded down.
    pub(crate) fn worth(&self, amount: i128, price: i128) -> i128 {
        floor(amount * price, self.div * MARKS).clamp(-WORTH_MAX, WORTH_MAX)
    }

    /// The same, rounded up.
    pub(crate) fn worth_up(&self, amount: i128, price: i128) -> i128 {
        ceil(amount * price, self.div * MARKS).clamp(-WORTH_MAX, WORTH_MAX)
    }

    /// What a balance counts for.
    pub(crate) fn counts(&self, balance: i128, price: i128) -> i128 {
        let worth = self.worth(balance, price);
        if balance < 0 {
            return -ceil(-worth * i128::from(self.spec.liability_weight.get()), PPB);
        }
        let (mut sum, mut before) = (0, 0);
        for slice in &self.spec.weights {
            let cap = i128::from(slice.cap.get());
            sum += (worth.min(cap) - before).max(0) * i128::from(slice.weight.get());
            before = cap;
        }
        floor(sum, PPB)
    }
}

impl Model {
    /// Every asset number, the unit of account first.
    pub(crate) fn all_assets(&self) -> impl Iterator<Item = AssetId> + use<> {
        let count = u16::try_from(self.assets.len() + 1).expect("few assets");
        (0..count).map(AssetId::new)
    }

    /// An asset beside the unit of account.
    pub(crate) fn asset(&self, asset: AssetId) -> Option<&Asset> {
        self.assets.get(asset.index().checked_sub(1)?)
    }

    pub(crate) fn known_asset(&self, asset: AssetId) -> Result<(), Refusal> {
        if asset.index() <= self.assets.len() { Ok(()) } else { Err(Reject::UnknownAsset.into()) }
    }

    /// The index that prices an asset.
    pub(crate) fn price_of(&self, asset: &Asset) -> i128 {
        self.instruments[asset.spec.priced_by.index()].index.expect("an asset is defined after its price")
    }

    pub(crate) fn balance(&self, account: AccountId, asset: AssetId) -> i128 {
        self.accounts[&account].balances[asset.index()]
    }

    /// Whether a balance of the account is below zero.
    pub(crate) fn owes(&self, account: AccountId) -> bool {
        self.accounts[&account].balances.iter().any(|&balance| balance < 0)
    }

    /// Changes a balance; who begins to owe joins the end of the list of debtors, and the last takes the place of who
    /// ceases to.
    pub(crate) fn post(&mut self, account: AccountId, asset: AssetId, amount: i128) {
        self.account_mut(account).balances[asset.index()] += amount;
        let place = self.debtors.iter().position(|&other| other == account);
        match (place, self.owes(account)) {
            (None, true) => self.debtors.push(account),
            (Some(place), false) => {
                self.debtors.swap_remove(place);
            }
            _ => {}
        }
    }

    /// Moves an amount of an asset between accounts.
    pub(crate) fn pay(&mut self, from: AccountId, to: AccountId, asset: AssetId, amount: i128) {
        self.post(from, asset, -amount);
        self.post(to, asset, amount);
    }

    pub(crate) fn define_asset(&mut self, asset: AssetId, spec: &AssetSpec) -> Result<(), Refusal> {
        self.known_instrument(spec.priced_by)?;
        if asset.index() != self.assets.len() + 1 {
            return Err(Reject::AlreadyExists.into());
        }
        let priced_by = &self.instruments[spec.priced_by.index()];
        let units = &priced_by.spec;
        let mut compiled = units.clone().compile().expect("it was defined");
        compiled.index = priced_by.index.map(mark_of);
        // What makes a specification sound is the asset's own affair and has its own tests.
        if asset.index() > ASSETS_MAX || spec.clone().compile(&compiled).is_err() {
            return Err(Reject::BadParameter.into());
        }
        let places = u32::from(units.price_decimals) + u32::from(spec.decimals);
        let div = 10_i128.pow(places - u32::from(units.money_decimals));
        self.assets.push(Asset { spec: spec.clone(), div, share: PPB });
        self.out.push(Event::AssetDefined { asset });
        Ok(())
    }

    pub(crate) fn debt_terms(&self, asset: AssetId) -> DebtTerms {
        self.asset(asset).map_or(self.base_debt, |asset| asset.spec.debt)
    }

    pub(crate) fn set_debt_terms(&mut self, asset: AssetId, terms: DebtTerms) -> Result<(), Refusal> {
        self.known_asset(asset)?;
        if terms.max < Money::ZERO || !terms.are_sound() {
            return Err(Reject::BadParameter.into());
        }
        match asset.index().checked_sub(1) {
            None => self.base_debt = terms,
            Some(place) => self.assets[place].spec.debt = terms,
        }
        self.out.push(Event::DebtTermsSet { asset, terms });
        Ok(())
    }

    /// A price of an instrument came: what is taken anew with each.
    pub(crate) fn adapt(&mut self, instrument: risk::InstrumentId) {
        let open = self.open_interest(instrument);
        let mark = self.mark(instrument);
        let known = &mut self.instruments[instrument.index()];
        known.crowded = known.terms.crowded_rate(known.terms.notional(open, mark));
        for place in 0..self.assets.len() {
            let asset = &self.assets[place];
            if asset.spec.priced_by != instrument {
                continue;
            }
            let held: i128 = self.accounts.values().map(|account| account.balances[place + 1]).sum();
            let total = asset.worth(held.max(0), self.price_of(asset));
            let full = i128::from(asset.spec.full_weight_total.get());
            self.assets[place].share =
                if full == 0 || total <= full { PPB } else { floor(full * PPB, total) };
        }
    }
}
