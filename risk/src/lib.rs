//! Money and nothing else: units, instruments' risk parameters, accounts, the ledger, margin requirements and
//! liquidation arithmetic.
//!
//! Invariant: no clock, no I/O, no float, no unordered iteration, no `unsafe`. This crate never sees a book, a queue
//! or a socket; it is told of orders (as reservations), fills, marks and transfers, and answers what they require.
//! The formulas, with their rounding, are in `MARGIN.md`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

pub mod account;
pub mod accrual;
pub mod admission;
pub mod assessment;
pub mod asset;
pub mod bankruptcy;
pub mod brackets;
pub mod collateral;
pub mod contract;
pub mod conversion;
pub mod deleveraging;
pub mod ema;
pub mod fee_tiers;
pub mod figures;
pub mod fraction;
pub mod funding;
pub mod haircut;
pub mod holders;
pub mod holdings;
pub mod instrument;
pub mod ledger;
pub mod limits;
pub mod liquidation;
pub mod liquidation_price;
pub mod liquidation_size;
pub mod margin_change;
pub mod mark_price;
pub mod normal;
pub mod open_interest;
pub mod oracle;
pub mod prices;
pub mod ratio;
pub mod reduction;
pub mod reservation;
pub mod risk_group;
pub mod rounding;
pub mod sensitivity;
pub mod settlement;
pub mod stable_price;
pub mod terms;
pub mod tiers;
pub mod trading_limits;
pub mod units;
pub mod volatility;

pub use account::{Account, AccountForm, AccountState, Leg, LegId, Restriction, Standing};
pub use admission::{Candidate, MarginShort, Prospect};
pub use assessment::Assessment;
pub use asset::{Asset, AssetError, AssetSpec, DebtTerms};
pub use brackets::{Bracket, BracketTable};
pub use contract::Scale;
pub use conversion::Conversion;
pub use fee_tiers::FeeTier;
pub use figures::{Figures, LegFigures};
pub use fraction::Fraction;
pub use funding::FundingRate;
pub use haircut::Slice;
pub use holdings::Holding;
pub use instrument::{Instrument, InstrumentSpec, SpecError};
pub use ledger::{Capacity, Ledger};
pub use liquidation::Level;
pub use margin_change::MarginTerms;
pub use oracle::{Activity, OracleState};
pub use prices::Prices;
pub use ratio::Ratio;
pub use reservation::{OrderSlot, Reservation, Weight};
pub use risk_group::RiskGroupTerms;
pub use sensitivity::{Distance, Horizon, LegDistance, Sensitivity};
pub use settlement::{Closing, FillKind, Settlement};
pub use terms::{AdaptiveTerms, ContractKind, ContractTerms, FundingTerms, PricingTerms};
pub use tiers::{Tier, TierTable};
pub use trading_limits::TradingLimits;
pub use units::{
    AccountId, AssetId, FeeRate, InstrumentId, Leverage, Mark, Money, OwnerGroupId, Position, Price, Qty,
    Rate, Requirement, Side, UnderlyingId,
};
pub use volatility::Volatility;
