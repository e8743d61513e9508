//! What a campaign plays on: capacities, and instruments chosen so that every rule of the venue comes into play.
//!
//! A lot of each instrument is worth about [`LOT_VALUE`], so that accounts move between them; value is exact in all.

use risk::{
    Capacity, ContractTerms, FeeRate, FundingTerms, InstrumentSpec, Money, Price, PricingTerms, Qty, Rate,
    Tier,
};

use super::STEP_NS;

use super::collateral::Collateral;

/// About the value of a lot in money units.
pub(crate) const LOT_VALUE: i64 = 50_000_000;

/// Where a campaign plays.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) capacity: Capacity,
    /// User accounts.
    pub(crate) accounts: u32,
    pub(crate) sessions: u32,
    pub(crate) instruments: Vec<Traded>,
    /// Assets beside the unit of account.
    pub(crate) assets: Vec<Collateral>,
    /// Room for bursts of hundreds of orders.
    pub(crate) bursts: bool,
}

/// An instrument with the price it lives around.
#[derive(Clone, Debug)]
pub(crate) struct Traded {
    pub(crate) spec: InstrumentSpec,
    pub(crate) home: i64,
    /// Whether it is ever open.
    pub(crate) trades: bool,
}

pub(super) fn tiers(rows: &[(i64, u32)]) -> Vec<Tier> {
    let tier = |&(lots, rate)| Tier { floor: Money::new(lots * LOT_VALUE), rate: Rate::new(rate) };
    rows.iter().map(tier).collect()
}

/// A linear perpetual with a rebate and three brackets, fine ticks.
pub(crate) fn rebated() -> Traded {
    let spec = InstrumentSpec {
        symbol: *b"REBATE\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 1,
        qty_decimals: 3,
        money_decimals: 6,
        multiplier: 1,
        tick: Price::new(5),
        lot: Qty::new(1),
        price_max: Price::new(2_000_000),
        order_qty_max: Qty::new(400),
        position_max: Qty::new(500),
        open_interest_max: Qty::new(2_500),
        price_band: Rate::new(50_000_000),
        market_collar: Rate::new(10_000_000),
        mark_step_max: Rate::new(50_000_000),
        maker_fee: FeeRate::new(-50_000),
        taker_fee: Rate::new(500_000),
        liquidation_fee: Rate::new(5_000_000),
        initial_tiers: tiers(&[(0, 20_000_000), (50, 50_000_000), (200, 100_000_000)]),
        maintenance_tiers: tiers(&[(0, 10_000_000), (50, 25_000_000), (150, 60_000_000)]),
        contract: ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: PricingTerms::DIRECT,
        funding: FundingTerms::NONE,
    };
    Traded { spec, home: 500_000, trades: true }
}

/// Decimals below the money's (divisor 100), initial margin exactly 5/4 of maintenance.
fn divided() -> Traded {
    let spec = InstrumentSpec {
        symbol: *b"DIVIDED\0\0\0\0\0\0\0\0\0",
        price_decimals: 4,
        qty_decimals: 4,
        tick: Price::new(10),
        lot: Qty::new(200_000),
        price_max: Price::new(100_000),
        order_qty_max: Qty::new(30_000_000),
        position_max: Qty::new(40_000_000),
        open_interest_max: Qty::new(100_000_000),
        price_band: Rate::new(100_000_000),
        market_collar: Rate::new(30_000_000),
        mark_step_max: Rate::new(100_000_000),
        maker_fee: FeeRate::new(200_000),
        taker_fee: Rate::new(600_000),
        initial_tiers: tiers(&[(0, 50_000_000), (100, 125_000_000)]),
        maintenance_tiers: tiers(&[(0, 40_000_000), (100, 100_000_000)]),
        contract: ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: PricingTerms::DIRECT,
        funding: FundingTerms::NONE,
        ..rebated().spec
    };
    Traded { spec, home: 25_000, trades: true }
}

/// A multiplier of 3 over a divisor of 100, wide price steps, dear liquidations.
fn multiplied() -> Traded {
    let spec = InstrumentSpec {
        symbol: *b"MULTIPLIED\0\0\0\0\0\0",
        price_decimals: 5,
        qty_decimals: 3,
        multiplier: 3,
        tick: Price::new(50),
        lot: Qty::new(10_000),
        price_max: Price::new(600_000),
        order_qty_max: Qty::new(4_000_000),
        position_max: Qty::new(4_000_000),
        open_interest_max: Qty::new(16_000_000),
        price_band: Rate::new(200_000_000),
        market_collar: Rate::new(5_000_000),
        mark_step_max: Rate::new(300_000_000),
        maker_fee: FeeRate::new(0),
        taker_fee: Rate::new(0),
        liquidation_fee: Rate::new(20_000_000),
        initial_tiers: tiers(&[(0, 100_000_000), (20, 150_000_000), (60, 250_000_000), (150, 500_000_000)]),
        maintenance_tiers: tiers(&[(0, 50_000_000), (40, 100_000_000), (120, 300_000_000)]),
        contract: ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: PricingTerms::DIRECT,
        funding: FundingTerms::NONE,
        ..rebated().spec
    };
    Traded { spec, home: 166_650, trades: true }
}

/// A coarse grid: one tick is 2 % and margins are thin, so that accounts go under water at a step.
pub(crate) fn coarse() -> Traded {
    let spec = InstrumentSpec {
        symbol: *b"COARSE\0\0\0\0\0\0\0\0\0\0",
        price_decimals: 0,
        qty_decimals: 0,
        tick: Price::new(1),
        lot: Qty::new(1),
        price_max: Price::new(200),
        order_qty_max: Qty::new(120),
        position_max: Qty::new(150),
        open_interest_max: Qty::new(400),
        price_band: Rate::new(500_000_000),
        market_collar: Rate::new(50_000_000),
        mark_step_max: Rate::new(500_000_000),
        maker_fee: FeeRate::new(100_000),
        taker_fee: Rate::new(1_000_000),
        initial_tiers: tiers(&[(0, 10_000_000), (30, 30_000_000)]),
        maintenance_tiers: tiers(&[(0, 5_000_000), (30, 20_000_000)]),
        contract: ContractTerms::LINEAR_PERPETUAL,
        adaptive: risk::AdaptiveTerms::OFF,
        pricing: PricingTerms::DIRECT,
        funding: FundingTerms::NONE,
        ..rebated().spec
    };
    Traded { spec, home: 50, trades: true }
}

/// Fine ticks, an index of several sources that go stale and disagree, a mark out of index and book, and funding.
pub(crate) fn indexed() -> Traded {
    let pricing = PricingTerms {
        sources_min: 3,
        stale_ns: 250 * STEP_NS,
        outlier: Rate::new(60_000_000),
        uncertain: Rate::new(50_000_000),
        wild: Rate::new(150_000_000),
        confirmations: 2,
        component_band: Rate::new(20_000_000),
        basis_tau_ns: 2_000 * STEP_NS,
        stable_step: Rate::new(300_000),
        frozen_step: Rate::new(500_000_000),
    };
    let funding = FundingTerms {
        interval_ns: 1_000_000_000,
        rate_period_ns: 4_000_000_000,
        impact_notional: Money::new(2 * LOT_VALUE),
        interest: Rate::new(100_000),
        interest_clamp: Rate::new(500_000),
        rate_max: Rate::new(20_000_000),
    };
    let spec = InstrumentSpec { symbol: *b"INDEXED\0\0\0\0\0\0\0\0\0", pricing, funding, ..rebated().spec };
    Traded { spec, home: 500_000, trades: true }
}

/// The coarse grid, for a time, settled at the average of its last while.
pub(crate) fn dated() -> Traded {
    let contract = ContractTerms {
        expiry_ns: 40_000 * STEP_NS,
        averaging_ns: 3_000 * STEP_NS,
        ..coarse().spec.contract
    };
    Traded {
        spec: InstrumentSpec { symbol: *b"DATED\0\0\0\0\0\0\0\0\0\0\0", contract, ..coarse().spec },
        ..coarse()
    }
}

/// All four.
pub(crate) fn all() -> Vec<Traded> {
    vec![rebated(), divided(), multiplied(), coarse()]
}
