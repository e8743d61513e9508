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

use crate::wire::codes::ErrorCode;
use crate::wire::frame::SCHEMA_PRIVATE;
use crate::wire::message::Message;
use crate::wire::private;
use crate::wire::types::{self, AccountStatus, IdN, OrdFlags, OrdType, PostOnlyMode, Stp, Tif, TimeNsN};
use crate::wire::{DecodeError, Frame};

/// No field is at fault.
pub(super) const NO_FIELD: u16 = u16::MAX;

/// Why a frame is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    /// Number of the field at fault, from 1; [`NO_FIELD`] where none is.
    pub(super) field: u16,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, field: NO_FIELD }
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        Self::from(match error {
            DecodeError::ShortBlock => ErrorCode::ShortBlock,
            DecodeError::BadGroup => ErrorCode::BadGroup,
            DecodeError::BadText => ErrorCode::BadUtf8,
        })
    }
}

impl Refusal {
    /// The record of one refused number.
    pub(super) const fn skip(self, template: u16) -> Skip {
        Skip { count: 1, template, code: self.code.code(), field: self.field, retry_after_ns: 0 }
    }
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

/// Number of a field, from 1, in the order of the block; what follows the block comes after its last field.
fn field_number<M: Message>(name: &str) -> u16 {
    let fields = M::LAYOUT.fields;
    let index = fields.iter().position(|field| field.name == name).unwrap_or(fields.len());
    u16::try_from(index + 1).unwrap_or(NO_FIELD)
}

fn refuse<M: Message>(code: ErrorCode, field: &str) -> Refusal {
    Refusal { code, field: field_number::<M>(field) }
}

fn require<M: Message>(holds: bool, code: ErrorCode, field: &str) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refuse::<M>(code, field)) }
}

/// Decodes a frame's message.
pub(super) fn decode<M: Message>(frame: &Frame<'_>) -> Result<M, Refusal> {
    Ok(M::decode(frame.body, frame.block_length)?)
}

/// Reads a numbered request of a session of `kind` that acts for `own`.
pub(super) fn read(frame: &Frame<'_>, kind: SessionKind, own: AccountId) -> Result<Request, Refusal> {
    if frame.schema != SCHEMA_PRIVATE {
        return Err(ErrorCode::UnknownSchema.into());
    }
    if class(frame.template) != Class::Request {
        return Err(ErrorCode::UnknownTemplate.into());
    }
    if !is_allowed(frame.template, kind) {
        return Err(ErrorCode::NoPermission.into());
    }
    match frame.template {
        100 => new_order(&decode(frame)?, own),
        101 => cancel_order(&decode(frame)?, own),
        102 => amend_order(&decode(frame)?, own),
        103 => mass_cancel(&decode(frame)?, own),
        104 => cancel_all_after(&decode(frame)?, own),
        301 => set_leverage(&decode(frame)?, own),
        400 => define_instrument(decode(frame)?),
        401 => set_trading_state(&decode(frame)?),
        402 => account_create(&decode(frame)?),
        403 => transfer(&decode(frame)?),
        404 => set_account_status(&decode(frame)?),
        405 => key_register(&decode(frame)?),
        408 => key_revoke(&decode(frame)?),
        409 => admin_mass_cancel(&decode(frame)?),
        _ => index_price(&decode(frame)?),
    }
}

/// A request with a name and without a deadline.
fn named<M: Message>(name: ClientOrderId, field: &str, action: Action) -> Result<Request, Refusal> {
    timed::<M>(name, field, TimeNsN::NONE, action)
}

fn timed<M: Message>(
    name: ClientOrderId,
    field: &str,
    valid_until: TimeNsN,
    action: Action,
) -> Result<Request, Refusal> {
    require::<M>(name != ClientOrderId::default(), ErrorCode::NullInRequired, field)?;
    // In the engine 0 is no deadline; on the wire it is one that has passed.
    let valid_until = valid_until.get().map_or(TimeNs::default(), |time| time.max(TimeNs::new(1)));
    Ok(Request { client_order_id: name, valid_until, action })
}

/// Account 0 is the session's own.
fn account_or(account: AccountId, own: AccountId) -> AccountId {
    if account == AccountId::default() { own } else { account }
}

fn flag<M: Message>(octet: u8, field: &str) -> Result<bool, Refusal> {
    require::<M>(octet <= 1, ErrorCode::BadEnum, field)?;
    Ok(octet == 1)
}

fn new_order(message: &private::NewOrder, own: AccountId) -> Result<Request, Refusal> {
    type M = private::NewOrder;
    let reserved = message.display_qty.get().is_none();
    require::<M>(reserved, ErrorCode::Unsupported, "display_qty")?;
    require::<M>(message.trigger_price.get().is_none(), ErrorCode::Unsupported, "trigger_price")?;
    require::<M>(message.expire_time.get().is_none(), ErrorCode::Unsupported, "expire_time")?;
    require::<M>(message.user_tag == 0, ErrorCode::Unsupported, "user_tag")?;
    require::<M>(message.flags.0 & !OrdFlags::KNOWN == 0, ErrorCode::Unsupported, "flags")?;
    require::<M>(message.qty.get() != i64::MIN, ErrorCode::NullInRequired, "qty")?;
    let bad = |field| refuse::<M>(ErrorCode::BadEnum, field);
    let limit = match message.ord_type.get().ok_or_else(|| bad("ord_type"))? {
        OrdType::Limit => {
            Some(message.price.get().ok_or_else(|| refuse::<M>(ErrorCode::NullInRequired, "price"))?)
        }
        OrdType::Market => {
            require::<M>(message.price.get().is_none(), ErrorCode::Unsupported, "price")?;
            None
        }
        OrdType::StopMarket | OrdType::StopLimit | OrdType::TakeProfitMarket | OrdType::TakeProfitLimit => {
            return Err(refuse::<M>(ErrorCode::Unsupported, "ord_type"));
        }
    };
    let time_in_force = match message.tif.get().ok_or_else(|| bad("tif"))? {
        Tif::GTC => TimeInForce::GoodTillCancel,
        Tif::IOC => TimeInForce::ImmediateOrCancel,
        Tif::FOK => TimeInForce::FillOrKill,
        Tif::GTD | Tif::Day => return Err(refuse::<M>(ErrorCode::Unsupported, "tif")),
    };
    let stp = message.stp.get().ok_or_else(|| bad("stp"))?;
    require::<M>(stp == Stp::CancelTaker, ErrorCode::Unsupported, "stp")?;
    let order = NewOrder {
        account: account_or(message.account_id, own),
        instrument: message.instrument_id,
        side: side(message.side.get().ok_or_else(|| bad("side"))?),
        qty: message.qty,
        limit,
        time_in_force,
        post_only: post_only::<M>(message.post_only)?,
        reduce_only: message.flags.0 & OrdFlags::REDUCE_ONLY != 0,
        persistent: message.flags.0 & OrdFlags::PERSIST != 0,
    };
    timed::<M>(message.cl_ord_id, "cl_ord_id", message.valid_until, Action::NewOrder(order))
}

const fn side(side: types::Side) -> Side {
    match side {
        types::Side::Buy => Side::Buy,
        types::Side::Sell => Side::Sell,
    }
}

fn post_only<M: Message>(mode: types::Code<PostOnlyMode>) -> Result<bool, Refusal> {
    match mode.get().ok_or_else(|| refuse::<M>(ErrorCode::BadEnum, "post_only"))? {
        PostOnlyMode::Off => Ok(false),
        PostOnlyMode::Reject => Ok(true),
        PostOnlyMode::Slide => Err(refuse::<M>(ErrorCode::Unsupported, "post_only")),
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
    let order = order.ok_or_else(|| refuse::<M>(ErrorCode::NullInRequired, "order_id"))?;
    let account = account_or(message.account_id, own);
    named::<M>(message.cl_ord_id, "cl_ord_id", Action::CancelOrder(CancelOrder { account, order }))
}

fn amend_order(message: &private::AmendOrder, own: AccountId) -> Result<Request, Refusal> {
    type M = private::AmendOrder;
    let none = |field| refuse::<M>(ErrorCode::NullInRequired, field);
    require::<M>(message.new_trigger_price.get().is_none(), ErrorCode::Unsupported, "new_trigger_price")?;
    let amend = AmendOrder {
        account: account_or(message.account_id, own),
        order: order_ref(message.order_id, message.orig_cl_ord_id).ok_or_else(|| none("order_id"))?,
        limit: message.new_price.get().ok_or_else(|| none("new_price"))?,
        qty: message.new_total_qty.get().ok_or_else(|| none("new_total_qty"))?,
        post_only: post_only::<M>(message.post_only)?,
    };
    timed::<M>(message.cl_ord_id, "cl_ord_id", message.valid_until, Action::AmendOrder(amend))
}

fn mass_cancel(message: &private::MassCancel, own: AccountId) -> Result<Request, Refusal> {
    let instrument = message.instrument_id.get().map(InstrumentId::new);
    let action = Action::MassCancel(MassCancel { account: account_or(message.account_id, own), instrument });
    named::<private::MassCancel>(message.cl_ord_id, "cl_ord_id", action)
}

fn cancel_all_after(message: &private::CancelAllAfter, own: AccountId) -> Result<Request, Refusal> {
    type M = private::CancelAllAfter;
    let action = Action::CancelAllAfter {
        account: account_or(message.account_id, own),
        timeout_ms: message.timeout.get(),
        keep_reduce_only: flag::<M>(message.keep_reduce_only, "keep_reduce_only")?,
    };
    named::<M>(message.cl_ord_id, "cl_ord_id", action)
}

fn set_leverage(message: &private::SetLeverage, own: AccountId) -> Result<Request, Refusal> {
    let action = Action::SetLeverage {
        account: account_or(message.account_id, own),
        instrument: message.instrument_id,
        leverage: Leverage::new(message.leverage_e2),
    };
    named::<private::SetLeverage>(message.cl_ord_id, "cl_ord_id", action)
}

fn define_instrument(message: private::InstrumentDefine) -> Result<Request, Refusal> {
    type M = private::InstrumentDefine;
    let (mut initial_tiers, mut maintenance_tiers) = (Vec::new(), Vec::new());
    for row in &message.tiers.0 {
        let tier = Tier { floor: row.floor, rate: Rate::new(row.rate) };
        match row.table {
            1 => initial_tiers.push(tier),
            2 => maintenance_tiers.push(tier),
            _ => return Err(refuse::<M>(ErrorCode::BadEnum, "tiers")),
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
    named::<M>(message.request_id, "request_id", action)
}

fn set_trading_state(message: &private::SetTradingState) -> Result<Request, Refusal> {
    type M = private::SetTradingState;
    let state = match message.state.get().ok_or_else(|| refuse::<M>(ErrorCode::BadEnum, "state"))? {
        types::TradingState::Open => TradingState::Open,
        types::TradingState::CancelOnly => TradingState::CancelOnly,
    };
    let action = Action::SetTradingState { instrument: message.instrument_id, state };
    named::<M>(message.request_id, "request_id", action)
}

fn account_create(message: &private::AccountCreate) -> Result<Request, Refusal> {
    let action = Action::OpenAccount { account: message.account_id };
    named::<private::AccountCreate>(message.request_id, "request_id", action)
}

fn transfer(message: &private::Transfer) -> Result<Request, Refusal> {
    type M = private::Transfer;
    let (account, amount) = (message.account_id, message.amount.get());
    let size = amount.checked_abs().ok_or_else(|| refuse::<M>(ErrorCode::NullInRequired, "amount"))?;
    let transfer = Transfer { account, amount: Money::new(size) };
    let action = if amount < 0 { Action::Withdraw(transfer) } else { Action::Deposit(transfer) };
    named::<M>(message.request_id, "request_id", action)
}

fn set_account_status(message: &private::SetAccountStatus) -> Result<Request, Refusal> {
    type M = private::SetAccountStatus;
    let restriction = match message.status.get().ok_or_else(|| refuse::<M>(ErrorCode::BadEnum, "status"))? {
        AccountStatus::Active => Restriction::None,
        AccountStatus::ReduceOnly => Restriction::ReduceOnly,
        AccountStatus::Suspended => Restriction::Suspended,
        AccountStatus::Liquidating => return Err(refuse::<M>(ErrorCode::Unsupported, "status")),
    };
    let cancel_orders = flag::<M>(message.cancel_orders, "cancel_orders")?;
    let action = Action::SetRestriction { account: message.account_id, restriction, cancel_orders };
    named::<M>(message.request_id, "request_id", action)
}

fn key_register(message: &private::KeyRegister) -> Result<Request, Refusal> {
    let terms = KeyTerms {
        public: message.public_key.0,
        account: message.account_id,
        kinds: u32::from(message.permissions.0),
        expires: message.expires.get().unwrap_or_default(),
    };
    let action = Action::RegisterKey { key: message.key_id, terms: Box::new(terms) };
    named::<private::KeyRegister>(message.request_id, "request_id", action)
}

fn key_revoke(message: &private::KeyRevoke) -> Result<Request, Refusal> {
    let action = Action::RevokeKey { key: message.key_id };
    named::<private::KeyRevoke>(message.request_id, "request_id", action)
}

fn admin_mass_cancel(message: &private::AdminMassCancel) -> Result<Request, Refusal> {
    let instrument = message.instrument_id.get().map(InstrumentId::new);
    let action = Action::MassCancel(MassCancel { account: message.account_id, instrument });
    named::<private::AdminMassCancel>(message.request_id, "request_id", action)
}

fn index_price(message: &private::IndexPrice) -> Result<Request, Refusal> {
    type M = private::IndexPrice;
    // In the engine 0 is unnumbered and never stale; a client's prices are numbered.
    require::<M>(message.source_seq != 0, ErrorCode::NullInRequired, "source_seq")?;
    require::<M>(message.price != Mark::new(i64::MIN), ErrorCode::NullInRequired, "price")?;
    let action = Action::IndexPrice {
        instrument: message.instrument_id,
        source: message.source_id,
        source_seq: message.source_seq,
        price: message.price,
    };
    Ok(Request { client_order_id: ClientOrderId::default(), valid_until: TimeNs::default(), action })
}
