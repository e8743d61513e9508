//! The private schema: every message between a client and the venue.
//!
//! Invariant: fields are only ever appended to a block, with a new version; numbers of templates and fields are never
//! used twice. What a field is called in the schema is its name here in camel case; fields count from 1. A frame that
//! [`FromClient::decode`] takes is the only frame of its message: written again, it is the same octets, but for the
//! fields that the sender's version had not.

mod accounts;
mod insight;
mod liquidation;
mod margin;
mod operator;
mod orders;
mod queries;
mod session;
mod special;
mod terms;

pub use accounts::*;
pub use insight::*;
pub use liquidation::*;
pub use margin::*;
pub use operator::*;
pub use orders::*;
pub use queries::*;
pub use session::*;
pub use special::*;
pub use terms::*;

use super::codes::ErrorCode;
use super::frame::{self, Frame, Prefix, SCHEMA_PRIVATE, SCHEMA_VERSION};
use super::message::{self, Layout, Message, Refusal, directions};

directions! {
    /// What a client sends. The sender's version may be older than ours, not newer: a field that we do not know could
    /// mean something.
    FromClient by check_request, message::read_exactly {
        Hello LogonProof Heartbeat TestRequest ResendRequest Logout
        NewOrder CancelOrder AmendOrder MassCancel CancelAllAfter
        OrderBatch AdvancedOrder CancelMany MassQuote SetProtection ResetProtection
        OpenOrdersQuery OrderStatusQuery InstrumentQuery BookQuery RiskQuery SetLeverage
        InstrumentDefine SetTradingState AccountCreate Transfer SetAccountStatus KeyRegister KeyRevoke AdminMassCancel
        SetOwnerGroup SetGroupStatus KeySuspend SetLimits StartAuction SettleInstrument
        IndexPrice
        TransferBetween SetMarginMode MoveMargin AssetQuery TermsQuery AssetDefine SetDebtTerms SetIndexSource
        FeeTierDefine SetFeeTier ScheduleMargin CancelMargin SetRiskGroup AssignRiskGroup
        WhatIfQuery StressQuery SensitivityQuery InstrumentRiskQuery VenueRiskQuery
        DeleveragingRankQuery RiskGroupQuery LiquidationMapQuery
    }
    /// What the venue sends. A newer version is read as far as we know it.
    FromVenue by check_schema, message::read {
        Challenge LogonAck LogonReject Heartbeat TestRequest GapFill Logout Terminate SessionReject ThrottleReject
        OrderAccepted RequestRejected OrderFilled OrderCanceled OrderAmended OrderTrimmed
        OrderTriggered OrderArmed OrderActivated OrderRefreshed
        MassCancelAck MassQuoteAck ProtectionTripped CancelAllAfterAck DeadManFired QuoteRefused ProtectionAck
        OpenOrder QueryEnd InstrumentDef BookLevels AccountState PositionState
        BalanceChange LiquidationStart LeverageSet PositionTakenOver LiquidationEnd AccountStatusChanged PositionSettled
        AdminAck OracleAck
        Movement MarginStateChanged FundingBooked Converted InterestCharged StandingChanged DeficitCovered
        TransferRepeated LiquidationHeld MarginModeChanged FeeTierSet WouldLiquidate
        LiquidationStepped LiquidationPaced Deleveraged BadDebtBooked PositionAssumed
        DeleveragingAsked DeleveragingPlanned DeleveragingEnded
        AssetDef InstrumentTerms AssetBalance
        AccountPicture PositionPicture StepVerdict UnderlyingRisk PositionRisk InstrumentRisk RiskSurvey
        DeleveragingRank RiskGroup OpenDeleveraging LiquidationMap
    }
}

fn check_schema(frame: &Frame<'_>) -> Result<(), Refusal> {
    if frame.schema == SCHEMA_PRIVATE { Ok(()) } else { Err(ErrorCode::UnknownSchema.into()) }
}

fn check_request(frame: &Frame<'_>) -> Result<(), Refusal> {
    check_schema(frame)?;
    if frame.version > SCHEMA_VERSION { Err(ErrorCode::UnsupportedVersion.into()) } else { Ok(()) }
}

/// Whether a client numbers this message.
#[must_use]
pub const fn is_request(template: u16) -> bool {
    matches!(template, 100..=107 | 110..=112 | 301 | 350..=352 | 400..=418 | 430..=435 | 450)
}

/// How every message is laid out, by rising template.
#[must_use]
pub fn layouts() -> Vec<Layout> {
    let mut all = [FromClient::LAYOUTS, FromVenue::LAYOUTS].concat();
    all.sort_unstable_by_key(|layout| layout.template);
    // Some are sent by both.
    all.dedup();
    all
}
