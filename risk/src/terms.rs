//! What an instrument is beside its units and tables: contract, pricing, funding, and what moves its initial margin.
//!
//! Invariant: every group of terms has a value that switches it off, and an instrument with all of them off is a linear
//! perpetual without funding whose mark follows one index price. All of it is logged with the command that carries it.

use crate::byte_enum;
use crate::limits::{INDEX_SOURCES_MAX, MONEY_MAX, NOTIONAL_MAX, PPB, RATE_PERIOD_MAX_S};
use crate::rounding::div_floor;
use crate::units::{AssetId, Money, Rate, UnderlyingId};

byte_enum!(
    /// How price and quantity make a value. Source: `MARGIN.md` 2.
    ContractKind {
        /// Quantity times price, in the quote asset.
        Linear = 1,
        /// Quantity over price, in the coin: a contract is worth a fixed amount of the quote currency.
        Inverse = 2,
    }
);

/// What is traded and what it settles in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct ContractTerms {
    /// Linear or inverse.
    pub kind: ContractKind,
    /// The asset profits, fees and requirements are counted in.
    pub settlement: AssetId,
    /// Instruments of one underlying hedge each other in the shown sensitivities.
    pub underlying: UnderlyingId,
    /// When a dated future ends, in nanoseconds since 1970; 0 is a perpetual.
    pub expiry_ns: u64,
    /// The settlement price of a dated future is the average of the index over this time before its end; 0 is the last
    /// index.
    pub averaging_ns: u64,
}

impl ContractTerms {
    /// A linear perpetual settled in the venue's own unit of account.
    pub const LINEAR_PERPETUAL: Self = Self {
        kind: ContractKind::Linear,
        settlement: AssetId::BASE,
        underlying: UnderlyingId::new(0),
        expiry_ns: 0,
        averaging_ns: 0,
    };
}

/// What moves initial margin, and only initial margin. Source: `MARGIN.md` 3.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct AdaptiveTerms {
    /// Open interest, in money, from which the initial rate rises; 0 with `oi_upper` 0 is never.
    pub oi_lower: Money,
    /// Open interest, in money, at which the initial rate is 100 %.
    pub oi_upper: Money,
    /// Measured depth of the book, in money; 0 switches the concentration add-on off.
    pub depth: Money,
    /// Notional, in multiples of the depth (ppb), that is free of the concentration add-on.
    pub concentration_free: u64,
    /// Slope of the concentration add-on: rate per depth beyond what is free.
    pub concentration_slope: Rate,
    /// What part of unrealised profit counts as initial margin.
    pub profit_weight: Rate,
}

impl AdaptiveTerms {
    /// The table and the account's own leverage decide; profit counts in full.
    pub const OFF: Self = Self {
        oi_lower: Money::ZERO,
        oi_upper: Money::ZERO,
        depth: Money::ZERO,
        concentration_free: 0,
        concentration_slope: Rate::new(0),
        profit_weight: Rate::ONE,
    };

    /// Notional that is free of the concentration add-on; `None` where the terms are out of range.
    #[must_use]
    pub fn unconcentrated(&self) -> Option<Money> {
        let within = |money: Money| money >= Money::ZERO && money.get() <= NOTIONAL_MAX;
        let ramp =
            self.oi_lower < self.oi_upper || self.oi_upper == Money::ZERO && self.oi_lower == Money::ZERO;
        let sound = within(self.oi_lower) && within(self.oi_upper) && within(self.depth) && ramp;
        if !sound || self.profit_weight > Rate::ONE {
            return None;
        }
        if self.depth == Money::ZERO || self.concentration_slope.get() == 0 {
            return Some(Money::new(i64::MAX));
        }
        let free = i128::from(self.depth.get()) * i128::from(self.concentration_free);
        i64::try_from(div_floor(free, i128::from(PPB))).ok().map(Money::new)
    }
}

/// How the index comes of its sources and the mark of index and book. Source: `MARGIN.md` 11.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct PricingTerms {
    /// Sources that must be live for the index to be valid; 0 takes each index price as it comes.
    pub sources_min: u8,
    /// A source's price is stale after this time; 0 is never.
    pub stale_ns: u64,
    /// A source further than this from the median is left out; 0 is none.
    pub outlier: Rate,
    /// Sources that disagree by more than this make the index uncertain; 0 is never.
    pub uncertain: Rate,
    /// An index further than this from its slow average is wild; 0 is never.
    pub wild: Rate,
    /// Ticks of the index inside the limit that end a wild state.
    pub confirmations: u8,
    /// Each component of the mark is clamped to this band around the index; 0 leaves the mark to the index alone.
    pub component_band: Rate,
    /// Time constant of the average of book less index, in nanoseconds.
    pub basis_tau_ns: u64,
    /// The stable price moves at most this share of itself a second; 0 is no stable price.
    pub stable_step: Rate,
    /// While the index is stale the mark moves at most this share a minute.
    pub frozen_step: Rate,
}

impl PricingTerms {
    /// Whether the terms are in range and those that need each other are there.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let (none, half) = (Rate::new(0), Rate::new(500_000_000));
        let small = |rate: Rate| rate <= half;
        usize::from(self.sources_min) <= INDEX_SOURCES_MAX
            && small(self.outlier)
            && small(self.uncertain)
            && self.wild <= Rate::ONE
            && small(self.component_band)
            && small(self.frozen_step)
            && self.stable_step <= Rate::new(10_000_000)
            && (self.wild == none || self.confirmations > 0)
            && (self.component_band == none || self.basis_tau_ns > 0)
    }

    /// The mark follows each index price by at most the instrument's step.
    pub const DIRECT: Self = Self {
        sources_min: 0,
        stale_ns: 0,
        outlier: Rate::new(0),
        uncertain: Rate::new(0),
        wild: Rate::new(0),
        confirmations: 0,
        component_band: Rate::new(0),
        basis_tau_ns: 0,
        stable_step: Rate::new(0),
        frozen_step: Rate::new(0),
    };
}

/// Funding of a perpetual. Source: `MARGIN.md` 12.
#[derive(Clone, Copy, PartialEq, Eq, Debug, bincode::Encode, bincode::Decode)]
pub struct FundingTerms {
    /// Time between payments, in nanoseconds; 0 is no funding.
    pub interval_ns: u64,
    /// Time the rate is quoted for, in nanoseconds.
    pub rate_period_ns: u64,
    /// Notional that the impact prices are taken for.
    pub impact_notional: Money,
    /// Interest part of the rate, a period.
    pub interest: Rate,
    /// The interest part pulls the premium by at most this.
    pub interest_clamp: Rate,
    /// Bound of the rate, a period, in either direction.
    pub rate_max: Rate,
}

impl FundingTerms {
    /// Time the rate is quoted for, in seconds.
    #[must_use]
    pub fn period_s(&self) -> u32 {
        whole_seconds(self.rate_period_ns).unwrap_or(0)
    }

    /// Whether the terms are in range: whole seconds, and no more of them between payments than a rate is quoted for.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        if self.interval_ns == 0 {
            return true;
        }
        let (Some(interval), Some(period)) =
            (whole_seconds(self.interval_ns), whole_seconds(self.rate_period_ns))
        else {
            return false;
        };
        interval <= period
            && period <= RATE_PERIOD_MAX_S
            && self.rate_max <= Rate::ONE
            && self.interest <= self.rate_max
            && self.impact_notional >= Money::ZERO
            && self.impact_notional.get() <= MONEY_MAX
    }

    /// None.
    pub const NONE: Self = Self {
        interval_ns: 0,
        rate_period_ns: 0,
        impact_notional: Money::ZERO,
        interest: Rate::new(0),
        interest_clamp: Rate::new(0),
        rate_max: Rate::new(0),
    };
}

/// Nanoseconds as seconds, where they are whole and some.
fn whole_seconds(ns: u64) -> Option<u32> {
    let (seconds, rest) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    u32::try_from(seconds).ok().filter(|&seconds| rest == 0 && seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_that_need_each_other_come_together() {
        assert!(PricingTerms::DIRECT.is_sound() && FundingTerms::NONE.is_sound());
        let share = Rate::new(100_000_000);
        let unsound = [
            PricingTerms { sources_min: 17, ..PricingTerms::DIRECT },
            PricingTerms { wild: share, ..PricingTerms::DIRECT },
            PricingTerms { component_band: share, ..PricingTerms::DIRECT },
            PricingTerms { outlier: Rate::new(500_000_001), ..PricingTerms::DIRECT },
            PricingTerms { stable_step: share, ..PricingTerms::DIRECT },
        ];
        assert!(unsound.iter().all(|terms| !terms.is_sound()));
        let wild = PricingTerms { wild: share, confirmations: 1, ..PricingTerms::DIRECT };
        let banded = PricingTerms { component_band: share, basis_tau_ns: 1, ..PricingTerms::DIRECT };
        assert!(wild.is_sound() && banded.is_sound());
    }

    #[test]
    fn funding_counts_whole_seconds_of_a_bounded_period() {
        const SECOND: u64 = 1_000_000_000;
        let hourly = FundingTerms {
            interval_ns: 3_600 * SECOND,
            rate_period_ns: 28_800 * SECOND,
            rate_max: Rate::new(1_000),
            ..FundingTerms::NONE
        };
        assert!(hourly.is_sound());
        assert_eq!(hourly.period_s(), 28_800);
        let unsound = [
            FundingTerms { interval_ns: SECOND + 1, ..hourly },
            FundingTerms { rate_period_ns: 0, ..hourly },
            FundingTerms { interval_ns: 28_801 * SECOND, ..hourly },
            FundingTerms { rate_period_ns: 259_201 * SECOND, ..hourly },
            FundingTerms { interest: Rate::new(1_001), ..hourly },
            FundingTerms { impact_notional: Money::new(-1), ..hourly },
        ];
        assert!(unsound.iter().all(|terms| !terms.is_sound()));
    }
}
