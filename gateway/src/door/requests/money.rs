//! Requests that move money or set terms of collateral, as commands.
//!
//! Invariant: account 0 is the session's own; of an operator's session it is none, which the engine refuses.

use engine::{Action, MoveMargin, TransferBetween};
use risk::{AccountId, AssetSpec, DebtTerms, FeeTier, Rate, Slice};

use super::{Request, account_or, named, timed};
use crate::wire::codes::ErrorCode;
use crate::wire::message::{Message, Refusal};
use crate::wire::private;
use crate::wire::types::MarginMode;

pub(super) fn transfer_between(
    message: &private::TransferBetween,
    own: AccountId,
) -> Result<Request, Refusal> {
    let action = Action::TransferBetween(TransferBetween {
        from: account_or(message.account_id, own),
        to: message.to_account_id,
        asset: message.asset_id,
        amount: message.amount,
        external_id: message.external_id.get().unwrap_or(0),
    });
    let unnamed = refusal!(private::TransferBetween, NullInRequired, "cl_ord_id");
    timed(message.cl_ord_id, unnamed, message.valid_until, action)
}

pub(super) fn set_margin_mode(message: &private::SetMarginMode, own: AccountId) -> Result<Request, Refusal> {
    type M = private::SetMarginMode;
    let isolated = match message.mode.get().ok_or(refusal!(M, BadEnum, "mode"))? {
        MarginMode::Cross => false,
        MarginMode::Isolated => true,
    };
    let account = account_or(message.account_id, own);
    let action = Action::SetMarginMode { account, instrument: message.instrument_id, isolated };
    timed(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), message.valid_until, action)
}

pub(super) fn move_margin(message: &private::MoveMargin, own: AccountId) -> Result<Request, Refusal> {
    let account = account_or(message.account_id, own);
    let action =
        Action::MoveMargin(MoveMargin { account, instrument: message.instrument_id, amount: message.amount });
    let unnamed = refusal!(private::MoveMargin, NullInRequired, "cl_ord_id");
    timed(message.cl_ord_id, unnamed, message.valid_until, action)
}

pub(super) fn define_asset(message: &private::AssetDefine) -> Result<Request, Refusal> {
    let slice = |row: &private::WeightRow| Slice { cap: row.cap, weight: Rate::new(row.weight) };
    let spec = AssetSpec {
        symbol: message.symbol.0,
        decimals: message.decimals,
        priced_by: message.priced_by,
        weights: message.weights.0.iter().map(slice).collect(),
        liability_weight: Rate::new(message.liability_weight),
        wrong_way: Rate::new(message.wrong_way),
        full_weight_total: message.full_weight_total,
        deposit_max: message.deposit_max,
        conversion_haircut: Rate::new(message.conversion_haircut),
        debt: DebtTerms { max: message.debt_max, interest: Rate::new(message.debt_interest) },
        spend_rank: message.spend_rank,
    };
    let action = Action::DefineAsset { asset: message.asset_id, spec: Box::new(spec) };
    named(message.request_id, refusal!(private::AssetDefine, NullInRequired, "request_id"), action)
}

pub(super) fn set_debt_terms(message: &private::SetDebtTerms) -> Result<Request, Refusal> {
    let terms = DebtTerms { max: message.debt_max, interest: Rate::new(message.debt_interest) };
    let action = Action::SetDebtTerms { asset: message.asset_id, terms };
    named(message.request_id, refusal!(private::SetDebtTerms, NullInRequired, "request_id"), action)
}

pub(super) fn define_fee_tier(message: &private::FeeTierDefine) -> Result<Request, Refusal> {
    let terms = FeeTier {
        taker: Rate::new(message.taker),
        maker: Rate::new(message.maker),
        rebate: Rate::new(message.rebate),
    };
    let action = Action::DefineFeeTier { tier: message.tier, terms };
    named(message.request_id, refusal!(private::FeeTierDefine, NullInRequired, "request_id"), action)
}

pub(super) fn set_fee_tier(message: &private::SetFeeTier) -> Result<Request, Refusal> {
    let action = Action::SetFeeTier { account: message.account_id, tier: message.tier };
    named(message.request_id, refusal!(private::SetFeeTier, NullInRequired, "request_id"), action)
}

pub(super) fn set_index_source(message: &private::SetIndexSource) -> Result<Request, Refusal> {
    let action = Action::SetIndexSource {
        instrument: message.instrument_id,
        source: message.source_id,
        weight: message.weight,
    };
    named(message.request_id, refusal!(private::SetIndexSource, NullInRequired, "request_id"), action)
}
