//! Requests as commands.
//!
//! Invariant: what is well framed either becomes a command or is refused with a code and the field at fault; nothing is
//! guessed. Whether the account is the session's own is for the engine to say, from the log.

use engine::{
    Action, AmendOrder, CancelOrder, ClientOrderId, KeyTerms, MassCancel, NewOrder, OrderId, OrderRef,
    SessionKind, Skip, TimeInForce, TimeNs, TradingState, Transfer,
};
use risk::{
    AccountId, FeeRate, InstrumentId, InstrumentSpec, Leverage, Mark, Money, Rate, Restriction, Side, Tier,
};

use crate::wire::Frame;
use crate::wire::codes::ErrorCode;
use crate::wire::message::{Message, Refusal};
use crate::wire::private::{self, FromClient};
use crate::wire::types::{self, AccountStatus, IdN, OrdFlags, OrdType, PostOnlyMode, Stp, Tif, TimeNsN};

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
        100..=104 | 301 | 400..=405 | 408 | 409 | 450 => Class::Request,
        1 | 3 | 6 | 7 | 8 | 10 => Class::Session,
        120..=123 | 300 => Class::Query,
        _ => Class::Unknown,
    }
}

/// Whether a session of `kind` may send a request at all.
const fn is_allowed(template: u16, kind: SessionKind) -> bool {
    match kind {
        SessionKind::OrderEntry => matches!(template, 100..=104 | 301),
        SessionKind::Admin => matches!(template, 400..=405 | 408 | 409),
        SessionKind::Oracle => template == 450,
        SessionKind::DropCopy | SessionKind::Local => false,
    }
}

/// A refusal for a field of a message, whose number is looked up when this is compiled.
macro_rules! refusal {
    ($message:ty, $code:ident, $field:literal) => {
        Refusal {
            code: ErrorCode::$code,
            field: Some(const { <$message as Message>::LAYOUT.number_of($field) }),
        }
    };
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
        FromClient::SetLeverage(message) => set_leverage(&message, own),
        FromClient::InstrumentDefine(message) => define_instrument(&message),
        FromClient::SetTradingState(message) => set_trading_state(&message),
        FromClient::AccountCreate(message) => account_create(&message),
        FromClient::Transfer(message) => transfer(&message),
        FromClient::SetAccountStatus(message) => set_account_status(&message),
        FromClient::KeyRegister(message) => key_register(&message),
        FromClient::KeyRevoke(message) => key_revoke(&message),
        FromClient::AdminMassCancel(message) => admin_mass_cancel(&message),
        FromClient::IndexPrice(message) => index_price(&message),
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
        | FromClient::RiskQuery(_) => Err(ErrorCode::UnknownTemplate.into()),
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

fn new_order(message: &private::NewOrder, own: AccountId) -> Result<Request, Refusal> {
    type M = private::NewOrder;
    require(message.display_qty.get().is_none(), refusal!(M, Unsupported, "display_qty"))?;
    require(message.trigger_price.get().is_none(), refusal!(M, Unsupported, "trigger_price"))?;
    require(message.expire_time.get().is_none(), refusal!(M, Unsupported, "expire_time"))?;
    require(message.user_tag == 0, refusal!(M, Unsupported, "user_tag"))?;
    require(message.flags.0 & !OrdFlags::KNOWN == 0, refusal!(M, Unsupported, "flags"))?;
    require(message.qty.get() != i64::MIN, refusal!(M, NullInRequired, "qty"))?;
    let limit = match message.ord_type.get().ok_or(refusal!(M, BadEnum, "ord_type"))? {
        OrdType::Limit => Some(message.price.get().ok_or(refusal!(M, NullInRequired, "price"))?),
        OrdType::Market => {
            require(message.price.get().is_none(), refusal!(M, Unsupported, "price"))?;
            None
        }
        OrdType::StopMarket | OrdType::StopLimit | OrdType::TakeProfitMarket | OrdType::TakeProfitLimit => {
            return Err(refusal!(M, Unsupported, "ord_type"));
        }
    };
    let time_in_force = match message.tif.get().ok_or(refusal!(M, BadEnum, "tif"))? {
        Tif::GTC => TimeInForce::GoodTillCancel,
        Tif::IOC => TimeInForce::ImmediateOrCancel,
        Tif::FOK => TimeInForce::FillOrKill,
        Tif::GTD | Tif::Day => return Err(refusal!(M, Unsupported, "tif")),
    };
    let stp = message.stp.get().ok_or(refusal!(M, BadEnum, "stp"))?;
    require(stp == Stp::CancelTaker, refusal!(M, Unsupported, "stp"))?;
    let order = NewOrder {
        account: account_or(message.account_id, own),
        instrument: message.instrument_id,
        side: side(message.side.get().ok_or(refusal!(M, BadEnum, "side"))?),
        qty: message.qty,
        limit,
        time_in_force,
        post_only: post_only::<M>(message.post_only)?,
        reduce_only: message.flags.0 & OrdFlags::REDUCE_ONLY != 0,
        persistent: message.flags.0 & OrdFlags::PERSIST != 0,
    };
    timed(
        message.cl_ord_id,
        refusal!(M, NullInRequired, "cl_ord_id"),
        message.valid_until,
        Action::NewOrder(order),
    )
}

const fn side(side: types::Side) -> Side {
    match side {
        types::Side::Buy => Side::Buy,
        types::Side::Sell => Side::Sell,
    }
}

fn post_only<M: Message>(mode: types::Code<PostOnlyMode>) -> Result<bool, Refusal> {
    match mode.get().ok_or(refusal!(M, BadEnum, "post_only"))? {
        PostOnlyMode::Off => Ok(false),
        PostOnlyMode::Reject => Ok(true),
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
    named(
        message.cl_ord_id,
        refusal!(M, NullInRequired, "cl_ord_id"),
        Action::CancelOrder(CancelOrder { account, order }),
    )
}

fn amend_order(message: &private::AmendOrder, own: AccountId) -> Result<Request, Refusal> {
    type M = private::AmendOrder;
    require(message.new_trigger_price.get().is_none(), refusal!(M, Unsupported, "new_trigger_price"))?;
    let amend = AmendOrder {
        account: account_or(message.account_id, own),
        order: order_ref(message.order_id, message.orig_cl_ord_id).ok_or(refusal!(
            M,
            NullInRequired,
            "order_id"
        ))?,
        limit: message.new_price.get().ok_or(refusal!(M, NullInRequired, "new_price"))?,
        qty: message.new_total_qty.get().ok_or(refusal!(M, NullInRequired, "new_total_qty"))?,
        post_only: post_only::<M>(message.post_only)?,
    };
    timed(
        message.cl_ord_id,
        refusal!(M, NullInRequired, "cl_ord_id"),
        message.valid_until,
        Action::AmendOrder(amend),
    )
}

fn mass_cancel(message: &private::MassCancel, own: AccountId) -> Result<Request, Refusal> {
    let instrument = message.instrument_id.get().map(InstrumentId::new);
    let action = Action::MassCancel(MassCancel { account: account_or(message.account_id, own), instrument, side: None, tag: None });
    named(message.cl_ord_id, refusal!(private::MassCancel, NullInRequired, "cl_ord_id"), action)
}

fn cancel_all_after(message: &private::CancelAllAfter, own: AccountId) -> Result<Request, Refusal> {
    type M = private::CancelAllAfter;
    let action = Action::CancelAllAfter {
        account: account_or(message.account_id, own),
        timeout_ms: message.timeout.get(),
        keep_reduce_only: flag(message.keep_reduce_only, refusal!(M, BadEnum, "keep_reduce_only"))?,
    };
    named(message.cl_ord_id, refusal!(M, NullInRequired, "cl_ord_id"), action)
}

fn set_leverage(message: &private::SetLeverage, own: AccountId) -> Result<Request, Refusal> {
    let action = Action::SetLeverage {
        account: account_or(message.account_id, own),
        instrument: message.instrument_id,
        leverage: Leverage::new(message.leverage_e2),
    };
    named(message.cl_ord_id, refusal!(private::SetLeverage, NullInRequired, "cl_ord_id"), action)
}

fn define_instrument(message: &private::InstrumentDefine) -> Result<Request, Refusal> {
    type M = private::InstrumentDefine;
    let (mut initial_tiers, mut maintenance_tiers) = (Vec::new(), Vec::new());
    for row in &message.tiers.0 {
        let tier = Tier { floor: row.floor, rate: Rate::new(row.rate) };
        match row.table {
            1 => initial_tiers.push(tier),
            2 => maintenance_tiers.push(tier),
            _ => return Err(refusal!(M, BadEnum, "tiers")),
        }
    }
    let spec = InstrumentSpec {
        symbol: message.symbol.0,
        price_decimals: message.price_decimals,
        qty_decimals: message.qty_decimals,
        money_decimals: message.money_decimals,
        multiplier: message.multiplier,
        tick: message.tick,
        lot: message.lot,
        price_max: message.price_max,
        order_qty_max: message.order_qty_max,
        position_max: message.position_max,
        open_interest_max: message.open_interest_max,
        price_band: Rate::new(message.price_band),
        market_collar: Rate::new(message.market_collar),
        mark_step_max: Rate::new(message.mark_step_max),
        maker_fee: FeeRate::new(message.maker_fee),
        taker_fee: Rate::new(message.taker_fee),
        liquidation_fee: Rate::new(message.liquidation_fee),
        initial_tiers,
        maintenance_tiers,
    };
    let action = Action::DefineInstrument { instrument: message.instrument_id, spec: Box::new(spec) };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

fn set_trading_state(message: &private::SetTradingState) -> Result<Request, Refusal> {
    type M = private::SetTradingState;
    let state = match message.state.get().ok_or(refusal!(M, BadEnum, "state"))? {
        types::TradingState::Open => TradingState::Open,
        types::TradingState::CancelOnly => TradingState::CancelOnly,
    };
    let action = Action::SetTradingState { instrument: message.instrument_id, state };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

fn account_create(message: &private::AccountCreate) -> Result<Request, Refusal> {
    let action = Action::OpenAccount { account: message.account_id };
    named(message.request_id, refusal!(private::AccountCreate, NullInRequired, "request_id"), action)
}

fn transfer(message: &private::Transfer) -> Result<Request, Refusal> {
    type M = private::Transfer;
    let (account, amount) = (message.account_id, message.amount.get());
    let size = amount.checked_abs().ok_or(refusal!(M, NullInRequired, "amount"))?;
    let transfer = Transfer { account, amount: Money::new(size) };
    let action = if amount < 0 { Action::Withdraw(transfer) } else { Action::Deposit(transfer) };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

fn set_account_status(message: &private::SetAccountStatus) -> Result<Request, Refusal> {
    type M = private::SetAccountStatus;
    let restriction = match message.status.get().ok_or(refusal!(M, BadEnum, "status"))? {
        AccountStatus::Active => Restriction::None,
        AccountStatus::ReduceOnly => Restriction::ReduceOnly,
        AccountStatus::Suspended => Restriction::Suspended,
        AccountStatus::Liquidating => return Err(refusal!(M, Unsupported, "status")),
    };
    let cancel_orders = flag(message.cancel_orders, refusal!(M, BadEnum, "cancel_orders"))?;
    let action = Action::SetRestriction { account: message.account_id, restriction, cancel_orders };
    named(message.request_id, refusal!(M, NullInRequired, "request_id"), action)
}

fn key_register(message: &private::KeyRegister) -> Result<Request, Refusal> {
    let terms = KeyTerms {
        public: message.public_key.0,
        account: message.account_id,
        kinds: u32::from(message.permissions.0),
        expires: message.expires.get().unwrap_or_default(),
    };
    let action = Action::RegisterKey { key: message.key_id, terms: Box::new(terms) };
    named(message.request_id, refusal!(private::KeyRegister, NullInRequired, "request_id"), action)
}

fn key_revoke(message: &private::KeyRevoke) -> Result<Request, Refusal> {
    let action = Action::RevokeKey { key: message.key_id };
    named(message.request_id, refusal!(private::KeyRevoke, NullInRequired, "request_id"), action)
}

fn admin_mass_cancel(message: &private::AdminMassCancel) -> Result<Request, Refusal> {
    let instrument = message.instrument_id.get().map(InstrumentId::new);
    let action = Action::MassCancel(MassCancel { account: message.account_id, instrument, side: None, tag: None });
    named(message.request_id, refusal!(private::AdminMassCancel, NullInRequired, "request_id"), action)
}

fn index_price(message: &private::IndexPrice) -> Result<Request, Refusal> {
    type M = private::IndexPrice;
    // In the engine 0 is unnumbered and never stale; a client's prices are numbered.
    require(message.source_seq != 0, refusal!(M, NullInRequired, "source_seq"))?;
    require(message.price != Mark::new(i64::MIN), refusal!(M, NullInRequired, "price"))?;
    let action = Action::IndexPrice {
        instrument: message.instrument_id,
        source: message.source_id,
        source_seq: message.source_seq,
        price: message.price,
    };
    Ok(Request { client_order_id: ClientOrderId::default(), valid_until: TimeNs::default(), action })
}
