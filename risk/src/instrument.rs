//! Linear perpetuals: the specification an operator sends, and the validated instrument the core uses.
//!
//! Invariant: an [`Instrument`] exists only through [`InstrumentSpec::compile`], which proves that value, notional and
//! requirement arithmetic stays in range for every price, mark and position the limits admit.

use alloc::vec::Vec;

use crate::funding::{ACCRUAL_MAX, ACCRUAL_SHIFT, rate_bound};
use crate::limits::{
    FUNDING_FACTOR_MAX, MARK_ONE, MARK_SHIFT, NOTIONAL_MAX, PPB, PRICE_MAX, QTY_MAX, SCALED_MAX,
};
use crate::rounding::{div_ceil, div_floor, wide_mul};
use crate::terms::{AdaptiveTerms, ContractTerms, FundingTerms, PricingTerms};
use crate::tiers::{Tier, TierError, TierTable};
use crate::trading_limits::TradingLimits;
use crate::units::{FeeRate, Leverage, Mark, Money, Position, Price, Qty, Rate, Requirement};

/// What an operator says of a linear perpetual. Everything here is logged with the command that carries it.
#[derive(Clone, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct InstrumentSpec {
    /// Name shown to people, ASCII, zero padded.
    pub symbol: [u8; 16],
    /// A price mantissa counts `10^-price_decimals` of the quote currency.
    pub price_decimals: u8,
    /// A quantity mantissa counts `10^-qty_decimals` contracts.
    pub qty_decimals: u8,
    /// Decimals of the settlement asset's smallest unit.
    pub money_decimals: u8,
    /// Quote currency per contract and price unit; 1 for most.
    pub multiplier: u32,
    /// Order prices are multiples of this.
    pub tick: Price,
    /// Order quantities are multiples of this.
    pub lot: Qty,
    /// Highest order price.
    pub price_max: Price,
    /// Largest quantity of one order.
    pub order_qty_max: Qty,
    /// Largest position an account may reach, its open orders counted in.
    pub position_max: Qty,
    /// Largest open interest.
    pub open_interest_max: Qty,
    /// Limit buys above `mark x (1 + band)` and sells below `mark x (1 - band)` are refused.
    pub price_band: Rate,
    /// A market order's worst price lies this far from the mark.
    pub market_collar: Rate,
    /// The mark moves at most this much per index price.
    pub mark_step_max: Rate,
    /// Fee of the resting side; negative is a rebate.
    pub maker_fee: FeeRate,
    /// Fee of the taking side; also what open orders reserve.
    pub taker_fee: Rate,
    /// Upper bound of the liquidation fee, taken only from what closing above the bankruptcy price leaves over.
    pub liquidation_fee: Rate,
    /// Initial-margin brackets.
    pub initial_tiers: Vec<Tier>,
    /// Maintenance-margin brackets.
    pub maintenance_tiers: Vec<Tier>,
    /// What is traded and what it settles in.
    pub contract: ContractTerms,
    /// What moves initial margin.
    pub adaptive: AdaptiveTerms,
    /// How the mark comes about.
    pub pricing: PricingTerms,
    /// What keeps a perpetual near its index.
    pub funding: FundingTerms,
}

/// First rule a specification breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpecError {
    /// Tick, lot, multiplier or a maximum is zero, negative, out of range or not a multiple.
    Units,
    /// Decimals that no value can be computed with.
    Decimals,
    /// The largest open interest at the highest mark would not fit the arithmetic.
    Range,
    /// A band, collar, step or fee is out of range, or a rebate exceeds the taker fee.
    Rates,
    /// A margin table is not convex and ascending.
    Tiers(TierError),
    /// Initial margin is below 5/4 of maintenance margin somewhere.
    MarginGap,
    /// The terms of index and mark contradict each other or are out of range.
    Pricing,
    /// The terms of funding are out of range, or its rate could pass what initial and maintenance margin lie apart.
    Funding,
    /// The contract averages its settlement price over longer than it lives.
    Contract,
}

/// A validated instrument.
#[derive(Clone, Debug, bincode::Encode)]
pub struct Instrument {
    /// As specified.
    pub spec: InstrumentSpec,
    /// What orders and positions may reach now.
    pub limits: TradingLimits,
    /// Money units per price unit and quantity unit, numerator.
    value_mul: i64,
    /// Money units per price unit and quantity unit, denominator.
    value_div: i64,
    initial: TierTable,
    maintenance: TierTable,
    /// Last accepted index price; `None` before the first.
    pub index: Option<Mark>,
    /// Mark price; `None` before the first index price.
    pub mark: Option<Mark>,
}

const fn power_of_ten(exponent: u32) -> Option<i64> {
    10_i64.checked_pow(exponent)
}

impl InstrumentSpec {
    /// Validates the specification.
    ///
    /// # Errors
    /// [`SpecError`], first rule broken.
    pub fn compile(self) -> Result<Instrument, SpecError> {
        self.check_units()?;
        self.check_rates()?;
        let (value_mul, value_div) = self.value_scale()?;
        let initial = TierTable::new(&self.initial_tiers).map_err(SpecError::Tiers)?;
        let maintenance = TierTable::new(&self.maintenance_tiers).map_err(SpecError::Tiers)?;
        if !initial.covers_five_quarters_of(&maintenance) {
            return Err(SpecError::MarginGap);
        }
        self.check_terms()?;
        let limits = TradingLimits::of(&self);
        let (index, mark) = (None, None);
        let instrument =
            Instrument { spec: self, limits, value_mul, value_div, initial, maintenance, index, mark };
        // Marks may rise above the highest order price by the widest band; twice that price bounds both.
        let highest = i128::from(instrument.spec.price_max.get()) * 2;
        let value = highest * i128::from(instrument.spec.open_interest_max.get()) * i128::from(value_mul);
        let scaled = wide_mul(instrument.spec.open_interest_max.get(), value_mul);
        if div_ceil(value, i128::from(value_div)) > i128::from(NOTIONAL_MAX)
            || scaled > i128::from(SCALED_MAX)
        {
            return Err(SpecError::Range);
        }
        instrument.check_accrual()?;
        Ok(instrument)
    }

    fn check_terms(&self) -> Result<(), SpecError> {
        if !self.pricing.is_sound() {
            return Err(SpecError::Pricing);
        }
        if self.contract.averaging_ns > self.contract.expiry_ns {
            return Err(SpecError::Contract);
        }
        let base = |tiers: &[Tier]| tiers.first().map_or(Rate::new(0), |tier| tier.rate);
        let most = rate_bound(FUNDING_FACTOR_MAX, base(&self.initial_tiers), base(&self.maintenance_tiers));
        let is_dated = self.contract.expiry_ns != 0;
        let funds = self.funding.interval_ns != 0;
        let bounded = self.funding.rate_max <= most && !is_dated;
        if self.funding.is_sound() && (!funds || bounded) { Ok(()) } else { Err(SpecError::Funding) }
    }

    fn check_units(&self) -> Result<(), SpecError> {
        let multiple = |value: i64, unit: i64, max: i64| value >= unit && value <= max && value % unit == 0;
        let sound = self.multiplier > 0
            && self.tick.get() > 0
            && self.lot.get() > 0
            && multiple(self.price_max.get(), self.tick.get(), PRICE_MAX)
            && multiple(self.order_qty_max.get(), self.lot.get(), QTY_MAX)
            && multiple(self.position_max.get(), self.lot.get(), QTY_MAX)
            && multiple(self.open_interest_max.get(), self.lot.get(), QTY_MAX)
            && self.order_qty_max <= self.position_max
            && self.position_max <= self.open_interest_max;
        if sound { Ok(()) } else { Err(SpecError::Units) }
    }

    fn check_rates(&self) -> Result<(), SpecError> {
        let half = Rate::new(500_000_000);
        let tenth = Rate::new(100_000_000);
        let proper = |rate: Rate, max: Rate| rate.get() > 0 && rate <= max;
        let sound = proper(self.price_band, half)
            && proper(self.market_collar, half)
            && proper(self.mark_step_max, half)
            && self.taker_fee <= tenth
            && self.liquidation_fee <= tenth
            && self.maker_fee.get().unsigned_abs() <= self.taker_fee.get();
        if sound { Ok(()) } else { Err(SpecError::Rates) }
    }

    /// `10^(money - price - qty) x multiplier` as a fraction with one side a power of ten.
    fn value_scale(&self) -> Result<(i64, i64), SpecError> {
        let exponent =
            i32::from(self.money_decimals) - i32::from(self.price_decimals) - i32::from(self.qty_decimals);
        let power = power_of_ten(exponent.unsigned_abs()).ok_or(SpecError::Decimals)?;
        let multiplier = i64::from(self.multiplier);
        if exponent >= 0 {
            let mul = power.checked_mul(multiplier).ok_or(SpecError::Decimals)?;
            return if mul <= 1 << 40 { Ok((mul, 1)) } else { Err(SpecError::Decimals) };
        }
        let shared = gcd(power, multiplier);
        let (mul, div) = (multiplier.div_euclid(shared), power.div_euclid(shared));
        if div <= 1 << 40 { Ok((mul, div)) } else { Err(SpecError::Decimals) }
    }
}

const fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Instrument {
    /// `size x raw` in units of money / 2^shift, before division.
    #[inline]
    fn product(&self, size: i64, raw: i64) -> i128 {
        // `compile` has seen that the largest size times the multiplier fits.
        wide_mul(size * self.value_mul, raw)
    }

    /// Whether every value is exact, so that values of parts add up to the value of the whole.
    #[inline]
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.value_div == 1
    }

    /// Value of `qty` at `price`: exact where the decimals allow, else rounded down, once per match; the two sides
    /// of a match book it with opposite signs.
    #[inline]
    #[must_use]
    pub fn value(&self, qty: Qty, price: Price) -> Money {
        let product = self.product(qty.get(), price.get());
        if self.value_div == 1 {
            return Money::from_wide(product);
        }
        Money::from_wide(div_floor(product, i128::from(self.value_div)))
    }

    /// Signed value of `position` at `mark`, rounded down.
    #[inline]
    #[must_use]
    pub fn position_value(&self, position: Position, mark: Mark) -> Money {
        let product = self.product(position.get(), mark.get());
        if self.value_div == 1 {
            return Money::from_wide(product >> MARK_SHIFT);
        }
        Money::from_wide(div_floor(product, i128::from(self.value_div) << MARK_SHIFT))
    }

    /// Notional of `size` at `mark`, rounded up: the base of every requirement.
    #[inline]
    #[must_use]
    pub fn notional(&self, size: Qty, mark: Mark) -> Money {
        let product = self.product(size.get(), mark.get());
        if self.value_div == 1 {
            return Money::from_wide((product + i128::from(MARK_ONE - 1)) >> MARK_SHIFT);
        }
        Money::from_wide(div_ceil(product, i128::from(self.value_div) << MARK_SHIFT))
    }

    /// The largest quantity whose notional at `price` money pays for, lots not minded.
    #[must_use]
    pub fn payable(&self, money: Money, price: Price) -> Qty {
        // The notional is rounded up, and money is whole: it pays for what is not above it before the rounding.
        let exact = div_floor(
            i128::from(money.get()) * i128::from(self.value_div),
            i128::from(price.get()) * i128::from(self.value_mul),
        );
        Qty::new(i64::try_from(exact).unwrap_or(QTY_MAX).min(QTY_MAX))
    }

    /// Loss of `qty` bought at `price` (or sold, `against` swapped) when marked, unrounded: numerator over
    /// [`Self::open_loss`]'s divisor.
    #[inline]
    pub(crate) fn distance(&self, qty: Qty, above: i64, below: i64) -> i128 {
        self.product(qty.get(), above - below)
    }

    /// Rounds a sum of [`Self::distance`]s up to money.
    #[inline]
    pub(crate) fn open_loss(&self, distance: i128) -> Money {
        Money::from_wide(div_ceil(distance, i128::from(self.value_div) << MARK_SHIFT))
    }

    /// The mark at which `size` has exactly `notional`, as a fraction: `notional x div x 2^10 / (size x mul)`.
    pub(crate) fn mark_of_notional(&self, notional: i128, size: Qty) -> (i128, i128) {
        (
            (notional * i128::from(self.value_div)) << MARK_SHIFT,
            i128::from(size.get()) * i128::from(self.value_mul),
        )
    }

    /// The price at which `size` is worth exactly `value`, as a fraction.
    pub(crate) fn price_of_value(&self, value: i128, size: Qty) -> (i128, i128) {
        (value * i128::from(self.value_div), i128::from(size.get()) * i128::from(self.value_mul))
    }

    /// Value of one lot at `index` in money times 2^32, rounded down: what funding is a rate of.
    #[must_use]
    pub fn lot_value(&self, index: Mark) -> i128 {
        let product = self.product(self.spec.lot.get(), index.get());
        let divisor = i128::from(self.value_div) << MARK_SHIFT;
        // Whole money and its fraction apart: the product shifted at once might not fit.
        let (whole, part) = (div_floor(product, divisor), product.rem_euclid(divisor));
        (whole << ACCRUAL_SHIFT) + div_floor(part << ACCRUAL_SHIFT, divisor)
    }

    /// Whether the largest payment a lot can come to owe at once is in range.
    fn check_accrual(&self) -> Result<(), SpecError> {
        let highest = Mark::new(self.spec.price_max.to_mark().get() * 2);
        let most =
            div_ceil(self.lot_value(highest), i128::from(PPB)) * i128::from(self.spec.funding.rate_max.get());
        if most <= i128::from(ACCRUAL_MAX) { Ok(()) } else { Err(SpecError::Funding) }
    }

    /// Initial margin of `notional` at an account's leverage setting: `max(table, notional x ceil(1/leverage))`.
    #[inline]
    #[must_use]
    pub fn initial(&self, notional: Money, user_rate: Rate) -> Requirement {
        self.initial.requirement(notional).max(user_rate.of(notional))
    }

    /// Maintenance margin of `notional`.
    #[inline]
    #[must_use]
    pub fn maintenance(&self, notional: Money) -> Requirement {
        self.maintenance.requirement(notional)
    }

    /// The maintenance table.
    #[must_use]
    pub fn maintenance_table(&self) -> &TierTable {
        &self.maintenance
    }

    /// Highest leverage setting: `floor(100 x 10^9 / base rate)` hundredths.
    #[must_use]
    pub fn leverage_max(&self) -> Leverage {
        let hundredths = 100_000_000_000_u64.div_euclid(u64::from(self.initial.base_rate().get()));
        Leverage::new(u32::try_from(hundredths).unwrap_or(u32::MAX))
    }

    /// The symbol as text.
    #[must_use]
    pub fn symbol(&self) -> &str {
        let end = self.spec.symbol.iter().position(|&octet| octet == 0).unwrap_or(self.spec.symbol.len());
        core::str::from_utf8(&self.spec.symbol[..end]).unwrap_or("?")
    }
}
