//! Requests as commands.
//!
//! Invariant: what is well framed either becomes a command or is refused with a code and the field at fault; nothing is
//! guessed. Whether the account is the session's own is for the engine to say, from the log.

use engine::limits::{BATCH_ORDERS_MAX, QUOTES_MAX};
use engine::{
    Action, AmendOrder, AmendTrigger, BatchMode, BatchedOrder, CancelOrder, ClientOrderId, MassCancel,
    MassQuote, OrderBatch, OrderId, OrderRef, OrderTag, Protection, ProtectionId, Quote, SessionKind, Skip,
    TimeNs,
};
use risk::{AccountId, InstrumentId, Leverage, Side};

use super::terms::{self, Fault};
use crate::wire::Frame;
use crate::wire::codes::ErrorCode;
use crate::wire::message::{Message, Refusal};
use crate::wire::private::{self, FromClient};
use crate::wire::types::{self, IdN, PostOnlyMode, TimeNsN};

/// A refusal for a field of a message, whose number is looked up when this is compiled.
macro_rules! refusal {
    ($message:ty, $code:ident, $field:literal) => {
        Refusal {
            code: ErrorCode::$code,
            field: Some(const { <$message as Message>::LAYOUT.number_of($field) }),
        }
    };
}

mod money;
mod operator;
mod risk_groups;

/// No field is at fault.
pub(super) const NO_FIELD: u16 = u16::MAX;

/// The record of one refused number.
pub(super) fn skip(refusal: Refusal, template: u16) -> Skip {
    let field = refusal.field.unwrap_or(NO_FIELD);
    Skip { count: 1, template, code: refusal.code.code(), field, retry_after_ns: 0 }
}

/// A request that could be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Request {
    pub(super) client_order_id: ClientOrderId,
    pub(super) valid_until: TimeNs,
    pub(super) action: Action,
}

impl Request {
    /// Whether it takes risk away and so is never throttled.
    pub(super) const fn is_free(&self) -> bool {
        matches!(self.action, Action::CancelOrder(_) | Action::MassCancel(_) | Action::CancelAllAfter { .. })
    }
}

/// What a client's frame is, by its template.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// Carries a number.
    Request,
    /// Carries none: about the connection.
    Session,
    /// Carries none: about state.
    Query,
    /// Nothing that a client sends.
    Unknown,
}

pub(super) const fn class(template: u16) -> Class {
    match template {
        100..=107 | 110..=112 | 301 | 350..=352 | 400..=405 | 408..=418 | 430..=435 | 450 => Class::Request,
        1 | 3 | 6 | 7 | 8 | 10 => Class::Session,
        120..=125 | 300 | 330..=337 => Class::Query,
        _ => Class::Unknown,
    }
}

/// Whether a session of `kind` may send a request at all.
const fn is_allowed(template: u16, kind: SessionKind) -> bool {
    match kind {
        SessionKind::OrderEntry => matches!(template, 100..=107 | 110..=112 | 301 | 350..=352),
        SessionKind::Admin => matches!(template, 350 | 400..=405 | 408..=418 | 430..=435),
        SessionKind::Oracle => template == 450,
        SessionKind::DropCopy | SessionKind::Local => false,
    }
}

fn require(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// Reads a numbered request of a session of `kind` that acts for `own`.
pub(super) fn read(frame: &Frame<'_>, kind: SessionKind, own: AccountId) -> Result<Request, Refusal> {
    if class(frame.template) == Class::Request && !is_allowed(frame.template, kind) {
        return Err(ErrorCode::NoPermission.into());
    }
    match FromClient::decode(frame)? {
        FromClient::NewOrder(message) => new_order(&message, own),
        FromClient::CancelOrder(message) => cancel_order(&message, own),
        FromClient::AmendOrder(message) => amend_order(&message, own),
        FromClient::MassCancel(message) => mass_cancel(&message, own),
        FromClient::CancelAllAfter(message) => cancel_all_after(&message, own),
        FromClient::OrderBatch(message) => order_batch(&message, own),
        FromClient::AdvancedOrder(message) => advanced_order(&message, own),
        FromClient::CancelMany(message) => cancel_many(&message, own),
        FromClient::MassQuote(message) => mass_quote(&message, own),
        FromClient::SetProtection(message) => set_protection(&message, own),
        FromClient::ResetProtection(message) => reset_protection(&message, own),
        FromClient::SetOwnerGroup(message) => operator::set_owner_group(&message),
        FromClient::SetGroupStatus(message) => operator::set_group_status(&message),
        FromClient::KeySuspend(message) => operator::key_suspend(&message),
        FromClient::SetLimits(message) => operator::set_limits(&message),
        FromClient::StartAuction(message) => operator::start_auction(&message),
        FromClient::SettleInstrument(message) => operator::settle_instrument(&message),
        FromClient::SetLeverage(message) => set_leverage(&message, own),
        FromClient::InstrumentDefine(message) => operator::define_instrument(&message),
        FromClient::SetTradingState(message) => operator::set_trading_state(&message),
        FromClient::AccountCreate(message) => operator::account_create(&message),
        FromClient::Transfer(message) => operator::transfer(&message),
        FromClient::SetAccountStatus(message) => operator::set_account_status(&message),
        FromClient::KeyRegister(message) => operator::key_register(&message),
        FromClient::KeyRevoke(message) => operator::key_revoke(&message),
        FromClient::AdminMassCancel(message) => operator::admin_mass_cancel(&message),
        FromClient::IndexPrice(message) => operator::index_price(&message),
        FromClient::TransferBetween(message) => money::transfer_between(&message, own),
        FromClient::SetMarginMode(message) => money::set_margin_mode(&message, own),
        FromClient::MoveMargin(message) => money::move_margin(&message, own),
        FromClient::AssetDefine(message) => money::define_asset(&message),
        FromClient::SetDebtTerms(message) => money::set_debt_terms(&message),
        FromClient::SetIndexSource(message) => money::set_index_source(&message),
        FromClient::FeeTierDefine(message) => money::define_fee_tier(&message),
        FromClient::SetFeeTier(message) => money::set_fee_tier(&message),
        FromClient::ScheduleMargin(message) => operator::schedule_margin(&message),
        FromClient::CancelMargin(message) => operator::cancel_margin(&message),
        FromClient::SetRiskGroup(message) => risk_groups::set_risk_group(&message),
        FromClient::AssignRiskGroup(message) => risk_groups::assign_risk_group(&message),
        FromClient::Hello(_)
        | FromClient::LogonProof(_)
        | FromClient::Heartbeat(_)
        | FromClient::TestRequest(_)
        | FromClient::ResendRequest(_)
        | FromClient::Logout(_)
        | FromClient::OpenOrdersQuery(_)
        | FromClient::OrderStatusQuery(_)
        | FromClient::InstrumentQuery(_)
        | FromClient::BookQuery(_)
        | FromClient::AssetQuery(_)
        | FromClient::TermsQuery(_)
        | FromClient::RiskQuery(_)
        | FromClient::WhatIfQuery(_)
        | FromClient::StressQuery(_)
        | FromClient::SensitivityQuery(_)
        | FromClient::InstrumentRiskQuery(_)
        | FromClient::VenueRiskQuery(_)
        | FromClient::DeleveragingRankQuery(_)
        | FromClient::RiskGroupQuery(_)
        | FromClient::LiquidationMapQuery(_) => Err(ErrorCode::UnknownTemplate.into()),
    }
}

/// A request with a name and without a deadline.
fn named(name: ClientOrderId, unnamed: Refusal, action: Action) -> Result<Request, Refusal> {
    timed(name, unnamed, TimeNsN::NONE, action)
}

fn timed(
    name: ClientOrderId,
    unnamed: Refusal,
    valid_until: TimeNsN,
    action: Action,
) -> Result<Request, Refusal> {
    require(name != ClientOrderId::default(), unnamed)?;
    // In the engine 0 is no deadline; on the wire it is one that has passed.
    let valid_until = valid_until.get().map_or(TimeNs::default(), |time| time.max(TimeNs::new(1)));
    Ok(Request { client_order_id: name, valid_until, action })
}

/// Account 0 is the session's own.
fn account_or(account: AccountId, own: AccountId) -> AccountId {
    if account == AccountId::default() { own } else { account }
}

fn flag(octet: u8, refusal: Refusal) -> Result<bool, Refusal> {
    require(octet <= 1, refusal)?;
    Ok(octet == 1)
}

/// A fault in what an order says, with the field's number in the message.
fn at_fault<M: Message>(fault: Fault) -> Refusal {
    Refusal { code: fault.code, field: Some(M::LAYOUT.number_of(fault.field)) }
}

fn new_order(message: &private::NewOrder, own: AccountId) -> Result<Request, Refusal> {
    type M = private::NewOrder;
    let account = account_or(message.account_id, own);
    let action = terms::action(&message.in_full().batched(), account).map_err(at_fault::<M>)?;
    timed(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), message.valid_until, action)
}

fn advanced_order(message: &private::AdvancedOrder, own: AccountId) -> Result<Request, Refusal> {
    type M = private::AdvancedOrder;
    let account = account_or(message.account_id, own);
    let action = terms::action(&message.batched(), account).map_err(at_fault::<M>)?;
    timed(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), message.valid_until, action)
}

fn order_batch(message: &private::OrderBatch, own: AccountId) -> Result<Request, Refusal> {
    type M = private::OrderBatch;
    require(message.orders.0.len() <= BATCH_ORDERS_MAX, refusal!(M, BadGroup, "orders"))?;
    let account = account_or(message.account_id, own);
    let mode = match message.mode.get().ok_or(refusal!(M, BadEnum, "mode"))? {
        types::BatchMode::Each => BatchMode::Each,
        types::BatchMode::Atomic => BatchMode::Atomic,
        types::BatchMode::OneCancelsOther => BatchMode::OneCancelsOther,
    };
    let batched = |said: &private::BatchRow| {
        let order = terms::advanced(said, account);
        // The rows share one number: the group's.
        let order = order.map_err(|fault| Refusal { code: fault.code, ..refusal!(M, BadGroup, "orders") })?;
        Ok(BatchedOrder { client_order_id: said.cl_ord_id, order })
    };
    let orders = message.orders.0.iter().map(batched).collect::<Result<Vec<_>, Refusal>>()?;
    let action = Action::OrderBatch(Box::new(OrderBatch { account, mode, orders }));
    timed(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), message.valid_until, action)
}

fn mass_quote(message: &private::MassQuote, own: AccountId) -> Result<Request, Refusal> {
    type M = private::MassQuote;
    require(message.quotes.0.len() <= QUOTES_MAX, refusal!(M, BadGroup, "quotes"))?;
    let quote = |row: &private::QuoteRow| Quote {
        instrument: row.instrument_id,
        level: row.level,
        bid: row.bid_px,
        bid_qty: row.bid_qty,
        ask: row.ask_px,
        ask_qty: row.ask_qty,
    };
    let quotes = MassQuote {
        account: account_or(message.account_id, own),
        protection: ProtectionId::new(message.protection_group),
        all_or_none: flag(message.all_or_none, refusal!(M, BadEnum, "all_or_none"))?,
        quotes: message.quotes.0.iter().map(quote).collect(),
    };
    let action = Action::MassQuote(Box::new(quotes));
    timed(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), message.valid_until, action)
}

fn set_protection(message: &private::SetProtection, own: AccountId) -> Result<Request, Refusal> {
    let protection = Protection {
        account: account_or(message.account_id, own),
        group: ProtectionId::new(message.protection_group),
        window_ms: message.window.get(),
        frozen_ms: message.frozen.get(),
        qty_limit: message.qty_limit,
        delta_limit: message.delta_limit,
        fills_limit: message.fills_limit,
    };
    let unnamed = refusal!(private::SetProtection, NullInRequired, "cl_ord_id");
    timed(message.cl_ord_id, unnamed, message.valid_until, Action::SetProtection(protection))
}

fn reset_protection(message: &private::ResetProtection, own: AccountId) -> Result<Request, Refusal> {
    let account = account_or(message.account_id, own);
    let action = Action::ResetProtection { account, group: ProtectionId::new(message.protection_group) };
    timed(
        message.cl_ord_id,
        refusal!(private::ResetProtection, NullInRequired, "cl_ord_id"),
        message.valid_until,
        action,
    )
}

fn post_only<M: Message>(mode: types::Code<PostOnlyMode>) -> Result<bool, Refusal> {
    match mode.get().ok_or(refusal!(M, BadEnum, "post_only"))? {
        PostOnlyMode::Off => Ok(false),
        PostOnlyMode::Reject => Ok(true),
        // An order that rests has its price by its owner's word.
        PostOnlyMode::Slide => Err(refusal!(M, Unsupported, "post_only")),
    }
}

/// The venue's number goes before the client's.
pub(super) fn order_ref(order: IdN, client: IdN) -> Option<OrderRef> {
    let by_client = || client.get().map(|number| OrderRef::Client(ClientOrderId::new(number)));
    order.get().map(|number| OrderRef::Id(OrderId::new(number))).or_else(by_client)
}

fn cancel_order(message: &private::CancelOrder, own: AccountId) -> Result<Request, Refusal> {
    type M = private::CancelOrder;
    let order = order_ref(message.order_id, message.orig_cl_ord_id);
    let order = order.ok_or(refusal!(M, NullInRequired, "order_id"))?;
    let account = account_or(message.account_id, own);
    timed(
        message.cl_ord_id,
        refusal!(M, NullInRequired, "cl_ord_id"),
        message.valid_until,
        Action::CancelOrder(CancelOrder { account, order }),
    )
}

fn amend_order(message: &private::AmendOrder, own: AccountId) -> Result<Request, Refusal> {
    type M = private::AmendOrder;
    let account = account_or(message.account_id, own);
    let order = order_ref(message.order_id, message.orig_cl_ord_id);
    let order = order.ok_or(refusal!(M, NullInRequired, "order_id"))?;
    let qty = message.new_total_qty.get().ok_or(refusal!(M, NullInRequired, "new_total_qty"))?;
    let post_only = post_only::<M>(message.post_only)?;
    let action = if let Some(trigger) = message.new_trigger_price.get() {
        require(!post_only, refusal!(M, Unsupported, "post_only"))?;
        Action::AmendTrigger(AmendTrigger { account, order, trigger, limit: message.new_price.get(), qty })
    } else {
        let limit = message.new_price.get().ok_or(refusal!(M, NullInRequired, "new_price"))?;
        Action::AmendOrder(AmendOrder { account, order, limit, qty, post_only })
    };
    timed(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), message.valid_until, action)
}

fn cancel_many(message: &private::CancelMany, own: AccountId) -> Result<Request, Refusal> {
    type M = private::CancelMany;
    let side = match message.side {
        0 => None,
        1 => Some(Side::Buy),
        2 => Some(Side::Sell),
        _ => return Err(refusal!(M, BadEnum, "side")),
    };
    let action = Action::MassCancel(MassCancel {
        account: account_or(message.account_id, own),
        instrument: message.instrument_id.get().map(InstrumentId::new),
        side,
        tag: message.user_tag.get().map(OrderTag::new),
    });
    timed(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), message.valid_until, action)
}

fn mass_cancel(message: &private::MassCancel, own: AccountId) -> Result<Request, Refusal> {
    let instrument = message.instrument_id.get().map(InstrumentId::new);
    let action = Action::MassCancel(MassCancel {
        account: account_or(message.account_id, own),
        instrument,
        side: None,
        tag: None,
    });
    timed(
        message.cl_ord_id,
        refusal!(private::MassCancel, NullInRequired, "cl_ord_id"),
        message.valid_until,
        action,
    )
}

fn cancel_all_after(message: &private::CancelAllAfter, own: AccountId) -> Result<Request, Refusal> {
    type M = private::CancelAllAfter;
    let action = Action::CancelAllAfter {
        account: account_or(message.account_id, own),
        timeout_ms: message.timeout.get(),
        keep_reduce_only: flag(message.keep_reduce_only, refusal!(M, BadEnum, "keep_reduce_only"))?,
    };
    timed(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), message.valid_until, action)
}

fn set_leverage(message: &private::SetLeverage, own: AccountId) -> Result<Request, Refusal> {
    let action = Action::SetLeverage {
        account: account_or(message.account_id, own),
        instrument: message.instrument_id,
        leverage: Leverage::new(message.leverage_e2),
    };
    timed(
        message.cl_ord_id,
        refusal!(private::SetLeverage, NullInRequired, "cl_ord_id"),
        message.valid_until,
        action,
    )
}
