//! Instruments: the specification an operator sends, and the validated instrument the core uses.
//!
//! Invariant: an [`Instrument`] exists only through [`InstrumentSpec::compile`], which proves that value, notional and
//! requirement arithmetic stays in range for every price, mark and position the limits admit.

use alloc::vec::Vec;

use crate::contract::Scale;
use crate::funding::{ACCRUAL_MAX, rate_bound};
use crate::limits::{FUNDING_FACTOR_MAX, PPB, PRICE_MAX, QTY_MAX};
use crate::open_interest::concentration;
use crate::rounding::div_ceil;
use crate::terms::{AdaptiveTerms, ContractKind, ContractTerms, FundingTerms, PricingTerms};
use crate::tiers::{Tier, TierError, TierTable};
use crate::trading_limits::TradingLimits;
use crate::units::{AssetId, FeeRate, Leverage, Mark, Money, Position, Price, Qty, Rate, Requirement};
use crate::volatility::Volatility;

/// What an operator says of an instrument. Everything here is logged with the command that carries it.
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
    /// A linear contract that does not settle in the unit of account, or an inverse one that does.
    Settlement,
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
    scale: Scale,
    initial: TierTable,
    maintenance: TierTable,
    /// Last accepted index price; `None` before the first.
    pub index: Option<Mark>,
    /// Mark price; `None` before the first index price.
    pub mark: Option<Mark>,
    /// Slow price for initial margin; `None` where the instrument has none.
    pub stable: Option<Mark>,
    /// Initial rate that open interest asks for; 0 where it asks for none.
    pub(crate) adaptive_rate: Rate,
    /// Notional that is free of the concentration add-on.
    unconcentrated: Money,
    /// See [`Instrument::is_direct`].
    is_direct: bool,
    /// The last payment of funding; each leg names the one up to which it has paid.
    pub(crate) funding_epoch: u32,
    /// Funding paid per lot since the beginning, after each payment: money x 2^32, positive where longs pay. The first
    /// is 0, before any payment.
    pub(crate) funding: Vec<i128>,
    /// How much its mark moves; shown only.
    pub volatility: Volatility,
}

impl InstrumentSpec {
    /// Validates the specification.
    ///
    /// # Errors
    /// [`SpecError`], first rule broken.
    pub fn compile(self) -> Result<Instrument, SpecError> {
        self.check_units()?;
        self.check_rates()?;
        let is_inverse = self.contract.kind == ContractKind::Inverse;
        if is_inverse == (self.contract.settlement == AssetId::BASE) {
            return Err(SpecError::Settlement);
        }
        let scale = self.scale()?;
        let initial = TierTable::new(&self.initial_tiers).map_err(SpecError::Tiers)?;
        let maintenance = TierTable::new(&self.maintenance_tiers).map_err(SpecError::Tiers)?;
        if !initial.covers_five_quarters_of(&maintenance) {
            return Err(SpecError::MarginGap);
        }
        // Marks may rise above the highest order price by the widest band; twice that price bounds both.
        let highest = Price::new(self.price_max.get() * 2);
        if !scale.admits(self.open_interest_max, self.tick, highest) {
            return Err(SpecError::Range);
        }
        self.check_terms(&scale)?;
        let unconcentrated = self.adaptive.unconcentrated().ok_or(SpecError::Rates)?;
        let is_direct = self.pricing == PricingTerms::DIRECT
            && self.contract.expiry_ns == 0
            && self.funding.interval_ns == 0;
        Ok(Instrument {
            limits: TradingLimits::of(&self),
            spec: self,
            scale,
            initial,
            maintenance,
            adaptive_rate: Rate::new(0),
            unconcentrated,
            is_direct,
            index: None,
            mark: None,
            stable: None,
            funding_epoch: 0,
            funding: Vec::from([0]),
            volatility: Volatility::default(),
        })
    }

    fn check_terms(&self, scale: &Scale) -> Result<(), SpecError> {
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
        let bounded = self.funding.rate_max <= most && !is_dated && self.is_payable(scale);
        if self.funding.is_sound() && (!funds || bounded) { Ok(()) } else { Err(SpecError::Funding) }
    }

    /// Whether the largest payment that a lot can come to owe at once is in range.
    fn is_payable(&self, scale: &Scale) -> bool {
        let highest = Mark::new(self.price_max.to_mark().get() * 2);
        let value = if scale.is_inverse() { 0 } else { scale.fine_value(self.lot, highest) };
        let most = div_ceil(value, i128::from(PPB)) * i128::from(self.funding.rate_max.get());
        most <= i128::from(ACCRUAL_MAX)
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

    /// What a quantity unit is worth a price unit: `10^(money - price - qty) x multiplier`; for an inverse contract times
    /// a price unit, `10^(money + price - qty) x multiplier`.
    fn scale(&self) -> Result<Scale, SpecError> {
        let price = match self.contract.kind {
            ContractKind::Linear => -i32::from(self.price_decimals),
            ContractKind::Inverse => i32::from(self.price_decimals),
        };
        let exponent = i32::from(self.money_decimals) + price - i32::from(self.qty_decimals);
        Scale::new(self.contract.kind, exponent, self.multiplier).ok_or(SpecError::Decimals)
    }
}

impl Instrument {
    /// The same instrument with another specification and other payments of funding.
    pub(crate) fn with_spec_and_funding(&self, spec: InstrumentSpec, funding: Vec<i128>) -> Self {
        let (initial, maintenance) = (self.initial.clone(), self.maintenance.clone());
        let funding_epoch = u32::try_from(funding.len().saturating_sub(1)).unwrap_or(u32::MAX);
        Self { spec, initial, maintenance, funding_epoch, funding, ..*self }
    }

    /// Takes over the margin of another, which differs in nothing else.
    pub(crate) fn take_margin(&mut self, other: Self) {
        self.spec = other.spec;
        (self.initial, self.maintenance) = (other.initial, other.maintenance);
        (self.unconcentrated, self.adaptive_rate) = (other.unconcentrated, other.adaptive_rate);
    }

    /// The arithmetic of its contract.
    #[inline]
    #[must_use]
    pub const fn scale(&self) -> &Scale {
        &self.scale
    }

    /// Whether a price from outside is in range: above zero, for an inverse contract no lower than a tick, since the coin
    /// it is worth has no bound below, and at most the highest order price.
    #[must_use]
    pub fn admits_price(&self, price: Mark) -> bool {
        let lowest = if self.scale.is_inverse() { self.spec.tick.to_mark() } else { Mark::new(1) };
        (lowest..=self.spec.price_max.to_mark()).contains(&price)
    }

    /// Whether each index price is taken as it comes, and the engine does nothing with it but move the mark: no average of
    /// it, no funding.
    #[inline]
    #[must_use]
    pub const fn is_direct(&self) -> bool {
        self.is_direct
    }

    /// The asset it settles in.
    #[inline]
    #[must_use]
    pub const fn settlement(&self) -> AssetId {
        self.spec.contract.settlement
    }

    /// See [`Scale::is_exact`].
    #[inline]
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.scale.is_exact()
    }

    /// See [`Scale::size_of_value`].
    #[inline]
    #[must_use]
    pub fn size_of_value(&self, qty: Qty, price: Price) -> Money {
        self.scale.size_of_value(qty, price)
    }

    /// See [`Scale::position_value`].
    #[inline]
    #[must_use]
    pub fn position_value(&self, position: Position, mark: Mark) -> Money {
        self.scale.position_value(position, mark)
    }

    /// See [`Scale::notional`].
    #[inline]
    #[must_use]
    pub fn notional(&self, size: Qty, mark: Mark) -> Money {
        self.scale.notional(size, mark)
    }

    /// See [`Scale::payable`].
    #[must_use]
    pub fn payable(&self, money: Money, price: Price) -> Qty {
        self.scale.payable(money, price)
    }

    /// Value of one lot at `index` in money times 2^32. See [`Scale::fine_value`].
    #[must_use]
    pub fn lot_value(&self, index: Mark) -> i128 {
        self.scale.fine_value(self.spec.lot, index)
    }

    /// Initial margin of `notional` at an account's leverage setting:
    /// `max(table, notional x max(ceil(1/leverage), rate of the open interest)) + concentration`. Source: `MARGIN.md` 3.
    #[inline]
    #[must_use]
    pub fn initial(&self, notional: Money, user_rate: Rate) -> Requirement {
        let required = self.initial.requirement(notional).max(user_rate.max(self.adaptive_rate).of(notional));
        if notional > self.unconcentrated { required + self.concentration(notional) } else { required }
    }

    /// The add-on for a position that is large beside the depth of the book.
    #[cold]
    fn concentration(&self, notional: Money) -> Requirement {
        let AdaptiveTerms { concentration_slope, concentration_free, depth, .. } = self.spec.adaptive;
        concentration(notional, depth, concentration_free, concentration_slope)
    }

    /// The mark. Where there is none nobody holds anything, so that any mark above zero values it.
    #[inline]
    pub(crate) fn valuing_mark(&self) -> Mark {
        self.mark.unwrap_or(Mark::new(1))
    }

    /// The mark, or the stable price where it is worse for a position.
    #[inline]
    pub(crate) fn prudent_mark(&self, position: Position) -> Mark {
        let mark = self.valuing_mark();
        match self.stable {
            None => mark,
            Some(stable) if position.get() > 0 => mark.min(stable),
            Some(stable) => mark.max(stable),
        }
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

    /// Rate of the first initial-margin bracket.
    pub(crate) fn base_rate(&self) -> Rate {
        self.initial.base_rate()
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
