//! Collateral assets and contracts that settle in them: words into commands, and events into words.

use engine::{Action, ConversionReason, Event, MarginState};
use risk::{
    AssetId, AssetSpec, ContractKind, DebtTerms, InstrumentId, InstrumentSpec, Money, Rate, Slice,
    UnderlyingId,
};

use super::Story;
use super::read::{number, rate, settings, small};

/// `1000:95%,5000:50%`: slices with the value they end at.
fn slices(word: &str) -> Result<Vec<Slice>, String> {
    let slice = |text: &str| {
        let (cap, weight) = text.split_once(':').ok_or_else(|| format!("{text} is not a slice"))?;
        Ok(Slice { cap: Money::new(number(cap)?), weight: rate(weight)? })
    };
    word.split(',').map(slice).collect()
}

/// A setting of what an instrument is beside its units; whether it is one.
pub(crate) fn contract_setting(
    spec: &mut InstrumentSpec,
    (name, value): (&str, &str),
) -> Result<bool, String> {
    match name {
        "inverse" => {
            spec.contract.kind = ContractKind::Inverse;
            spec.contract.settlement = AssetId::new(u16::try_from(number(value)?).expect("few"));
        }
        "underlying" => {
            spec.contract.underlying = UnderlyingId::new(u16::try_from(number(value)?).expect("few"));
        }
        "money_decimals" => spec.money_decimals = u8::try_from(number(value)?).expect("few"),
        "oi" => {
            let (lower, upper) = value.split_once(':').ok_or("two bounds of open interest")?;
            spec.adaptive.oi_lower = Money::new(number(lower)?);
            spec.adaptive.oi_upper = Money::new(number(upper)?);
        }
        "depth" => spec.adaptive.depth = Money::new(number(value)?),
        "free" => spec.adaptive.concentration_free = number(value)?.unsigned_abs() * 1_000_000_000,
        "slope" => spec.adaptive.concentration_slope = rate(value)?,
        "profit_weight" => spec.adaptive.profit_weight = rate(value)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The plainest asset, priced by instrument 0: it counts in full, debts at what they are, without bound or interest.
fn plain() -> AssetSpec {
    AssetSpec {
        symbol: [0; 16],
        decimals: 0,
        priced_by: InstrumentId::new(0),
        weights: vec![Slice { cap: Money::new(1 << 60), weight: Rate::ONE }],
        liability_weight: Rate::ONE,
        wrong_way: Rate::new(0),
        full_weight_total: Money::ZERO,
        deposit_max: Money::new(1 << 60),
        conversion_haircut: Rate::new(0),
        debt: DebtTerms::FREE,
        spend_rank: 0,
    }
}

impl Story<'_> {
    /// An asset by its name.
    pub(crate) fn asset(&self, name: &str) -> Result<AssetId, String> {
        let place = self.assets.iter().position(|known| known == name);
        let place = place.ok_or_else(|| format!("no asset {name}"))?;
        Ok(AssetId::new(u16::try_from(place).expect("few assets")))
    }

    /// `asset NAME settings...`.
    pub(crate) fn define_asset(&mut self, name: &str, words: &[&str]) -> Result<(), String> {
        let asset = AssetId::new(u16::try_from(self.assets.len()).expect("few assets"));
        let mut spec = plain();
        for (name, value) in settings(words)? {
            match name {
                "decimals" => spec.decimals = u8::try_from(number(value)?).expect("few"),
                "price" => spec.priced_by = InstrumentId::new(small(value)?),
                "weights" => spec.weights = slices(value)?,
                "liability" => spec.liability_weight = rate(value)?,
                "wrong_way" => spec.wrong_way = rate(value)?,
                "full_total" => spec.full_weight_total = Money::new(number(value)?),
                "deposit_max" => spec.deposit_max = Money::new(number(value)?),
                "haircut" => spec.conversion_haircut = rate(value)?,
                "debt_max" => spec.debt.max = Money::new(number(value)?),
                "interest" => spec.debt.interest = rate(value)?,
                "rank" => spec.spend_rank = u8::try_from(number(value)?).expect("small"),
                _ => return Err(format!("no setting {name}")),
            }
        }
        self.assets.push(name.to_owned());
        self.apply(Action::DefineAsset { asset, spec: Box::new(spec) });
        Ok(())
    }

    /// `debt-terms ASSET [max=N] [interest=N%]`.
    pub(crate) fn debt_terms(&self, asset: &str, words: &[&str]) -> Result<Action, String> {
        let mut terms = DebtTerms::FREE;
        for (name, value) in settings(words)? {
            match name {
                "max" => terms.max = Money::new(number(value)?),
                "interest" => terms.interest = rate(value)?,
                _ => return Err(format!("no setting {name}")),
            }
        }
        Ok(Action::SetDebtTerms { asset: self.asset(asset)?, terms })
    }

    fn called(&self, asset: AssetId) -> String {
        self.assets.get(asset.index()).cloned().unwrap_or_else(|| asset.to_string())
    }

    /// ` of NAME`, but for the unit of account.
    pub(crate) fn of_asset(&self, asset: AssetId) -> String {
        if asset == AssetId::BASE { String::new() } else { format!(" of {}", self.called(asset)) }
    }

    /// What happens to margin, collateral and debts.
    pub(crate) fn of_collateral(&self, event: &Event) -> String {
        if let Event::MarginStateChanged { account, state, equity, exposure, initial, maintenance } = *event {
            let state = match state {
                MarginState::Healthy => "healthy",
                MarginState::Warned => "warned",
                MarginState::Liquidating => "liquidating",
            };
            let figures = format!("exposure {exposure} initial {initial} maintenance {maintenance}");
            format!("margin of {} {state} equity {equity} {figures}", self.owner(account))
        } else if let Event::FundingBooked { account, instrument, paid, balance } = *event {
            format!("funding of {} in {instrument} {paid} balance {balance}", self.owner(account))
        } else if let Event::AssetDefined { asset } = *event {
            format!("asset {}", self.called(asset))
        } else if let Event::DebtTermsSet { asset, terms } = *event {
            format!("debt terms of {} max {} interest {}", self.called(asset), terms.max, terms.interest)
        } else if let Event::Converted { account, conversion, reason } = *event {
            let why = if reason == ConversionReason::DebtAboveMax { "" } else { " liquidation" };
            let (sold, bought) = (self.called(conversion.sold), self.called(conversion.bought));
            let (given, received) = (conversion.given, conversion.received);
            format!("converted {} {given} of {sold} into {received} of {bought}{why}", self.owner(account))
        } else if let Event::DeficitCovered { account, asset, amount } = *event {
            format!("insurance covers {amount} of {} of {}", self.called(asset), self.owner(account))
        } else if let Event::InterestCharged { account, asset, amount, balance } = *event {
            format!("interest of {} {amount}{} balance {balance}", self.owner(account), self.of_asset(asset))
        } else {
            self.of_margin(event)
        }
    }
}
