//! Collateral assets: what an operator says of one, and what a balance in it counts for.
//!
//! Invariant: an [`Asset`] exists only through [`AssetSpec::compile`]; the worth of a balance is saturated, never wrapped,
//! so no amount leads out of range. Credits round down, debits up. Source: `MARGIN.md` 10.

use alloc::vec::Vec;

use crate::contract::Scale;
use crate::haircut::{Schedule, ScheduleError, Slice, asset_value};
use crate::holdings::CashSums;
use crate::instrument::Instrument;
use crate::limits::{MONEY_MAX, NOTIONAL_MAX, PPB};
use crate::rounding::{div_floor, wide_mul};
use crate::terms::ContractKind;
use crate::units::{AssetId, InstrumentId, Mark, Money, Rate};

/// Terms of debts in an asset, the unit of account included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct DebtTerms {
    /// A debt above this, in the asset's smallest unit, is paid at once out of the other assets.
    pub max: Money,
    /// Interest, a year of 365 days.
    pub interest: Rate,
}

impl DebtTerms {
    /// Any debt, without interest.
    pub const FREE: Self = Self { max: Money::new(MONEY_MAX), interest: Rate::new(0) };

    /// Whether they are in range: interest at most 400 % a year.
    #[must_use]
    pub const fn are_sound(&self) -> bool {
        self.max.get() >= 0 && self.max.get() <= MONEY_MAX && self.interest.get() <= 4_000_000_000
    }
}

/// What an operator says of a collateral asset. Logged with the command that carries it.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct AssetSpec {
    /// Name shown to people, ASCII, zero padded.
    pub symbol: [u8; 16],
    /// Decimals of the smallest unit.
    pub decimals: u8,
    /// The instrument whose index is the price of one whole unit; linear and settled in the unit of account. It need not
    /// trade.
    pub priced_by: InstrumentId,
    /// What part counts of each slice of the value, in money of the unit of account; above the last nothing does.
    pub weights: Vec<Slice>,
    /// What a debt counts for, at least 100 %.
    pub liability_weight: Rate,
    /// Part of the value that does not count for initial margin as far as longs of the same underlying stand against it:
    /// such collateral falls with the position.
    pub wrong_way: Rate,
    /// Above this value of all balances together, weights for initial margin shrink in proportion; 0 is never.
    pub full_weight_total: Money,
    /// Largest sum of deposits less withdrawals, in the asset's smallest unit.
    pub deposit_max: Money,
    /// What is sold to pay a debt in another asset fetches its index price less this.
    pub conversion_haircut: Rate,
    /// Terms of debts in it.
    pub debt: DebtTerms,
    /// Assets are spent in ascending rank, among equals by number.
    pub spend_rank: u8,
}

/// First rule an asset's specification breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssetError {
    /// Its price comes from an instrument that is inverse, settles in another asset, or has no index price yet.
    Price,
    /// Decimals that no value can be computed with, or amounts out of range.
    Range,
    /// The weights are not a concave schedule of at most 100 %.
    Weights(ScheduleError),
    /// A weight of debts below 100 %, or another rate out of range.
    Rates,
}

/// A validated asset, with the sums over all balances in it.
#[derive(Clone, Debug, bincode::Encode)]
pub struct Asset {
    /// As specified.
    pub spec: AssetSpec,
    scale: Scale,
    weights: Schedule,
    /// Sums over all accounts.
    pub(crate) sums: CashSums,
    /// How far weights are shrunk for initial margin.
    pub(crate) concentration: Rate,
}

impl AssetSpec {
    /// Validates the specification against the instrument that prices it.
    ///
    /// # Errors
    /// [`AssetError`], first rule broken.
    pub fn compile(self, priced_by: &Instrument) -> Result<Asset, AssetError> {
        let contract = &priced_by.spec.contract;
        let priced = contract.kind == ContractKind::Linear && contract.settlement == AssetId::BASE;
        if !priced || priced_by.index.is_none() {
            return Err(AssetError::Price);
        }
        let units = &priced_by.spec;
        let exponent =
            i32::from(units.money_decimals) - i32::from(units.price_decimals) - i32::from(self.decimals);
        // A factor above one would let a balance times a mark leave the range of the arithmetic.
        let scale = Scale::new(ContractKind::Linear, exponent.min(0), 1).filter(|_| exponent <= 0);
        let scale = scale.ok_or(AssetError::Range)?;
        let within = |money: Money| money >= Money::ZERO && money.get() <= MONEY_MAX;
        if !(within(self.full_weight_total) && within(self.deposit_max)) {
            return Err(AssetError::Range);
        }
        let weights = Schedule::new(&self.weights).map_err(AssetError::Weights)?;
        let half = Rate::new(500_000_000);
        let proper = self.liability_weight >= Rate::ONE
            && self.liability_weight.get() <= 2 * Rate::ONE.get()
            && self.wrong_way <= Rate::ONE
            && self.conversion_haircut <= half
            && self.debt.are_sound();
        if !proper {
            return Err(AssetError::Rates);
        }
        Ok(Asset { spec: self, scale, weights, sums: CashSums::default(), concentration: Rate::ONE })
    }
}

impl Asset {
    /// What an amount is worth at a price, rounded down: a debt is worth more, not less, than it is.
    #[must_use]
    pub fn worth(&self, amount: Money, price: Mark) -> Money {
        saturated(self.scale.wide_value(amount, price))
    }

    /// What an amount (not negative) is worth at a price, rounded up.
    #[must_use]
    pub fn worth_up(&self, amount: Money, price: Mark) -> Money {
        -self.worth(-amount, price)
    }

    /// The amount that is worth `value` (not negative) at a price, rounded up.
    #[must_use]
    pub fn amount_worth(&self, value: Money, price: Mark) -> Money {
        saturated(-div_floor(-self.scale.wide_money(value), i128::from(price.get())))
    }

    /// The amount that is worth no more than `value` (not negative) at a price.
    #[must_use]
    pub fn amount_within(&self, value: Money, price: Mark) -> Money {
        saturated(div_floor(self.scale.wide_money(value), i128::from(price.get())))
    }

    /// What a balance counts for: a credit by its weights, a debt by its own.
    #[must_use]
    pub fn collateral(&self, balance: Money, price: Mark) -> Money {
        asset_value(self.worth(balance, price), &self.weights, self.spec.liability_weight).floor()
    }

    /// As [`Self::collateral`], with the weights shrunk by what all accounts together hold.
    #[must_use]
    pub fn initial_collateral(&self, balance: Money, price: Mark) -> Money {
        let counted = self.collateral(balance, price);
        if counted > Money::ZERO { self.concentration.of_floor(counted) } else { counted }
    }

    /// Shrinks the weights for initial margin where all balances together are worth more than what counts in full.
    pub(crate) fn concentrate(&mut self, price: Mark) {
        let total = self.worth(Money::new(self.sums.balances.max(0)), price).get();
        let full = self.spec.full_weight_total.get();
        self.concentration = if full == 0 || total <= full {
            Rate::ONE
        } else {
            let part = div_floor(wide_mul(full, PPB), i128::from(total));
            Rate::new(u32::try_from(part).unwrap_or(Rate::ONE.get()))
        };
    }

    /// Whether a deposit keeps the asset's sum in range.
    #[must_use]
    pub fn admits_deposit(&self, amount: Money) -> bool {
        Money::ZERO < amount
            && amount <= self.spec.deposit_max
            && self.sums.deposits + amount.get() <= self.spec.deposit_max.get()
    }

    /// Deposits less withdrawals.
    #[must_use]
    pub const fn deposits(&self) -> i64 {
        self.sums.deposits
    }
}

/// What fits: at most the largest value of an instrument's open interest, so that sums of all assets stay in range.
fn saturated(value: i128) -> Money {
    let most = i128::from(NOTIONAL_MAX);
    Money::from_wide(value.clamp(-most, most))
}
