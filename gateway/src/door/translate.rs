//! Events as messages.
//!
//! Invariant: a message is a pure function of one event and of the command that brought it about.

use engine::{
    Action, CancelReason, ClientOrderId, Event, Fill, FillSide, Reject, SessionKind, Skip, TimeInForce,
    TimeNs,
};
use risk::{AccountId, Mark, Money, Restriction};

use crate::outcome::Outcome;
use crate::wire::message::Message;
use crate::wire::private::{self, AdminAck, OracleAck, OrderAccepted, OrderFilled, RequestRejected};
use crate::wire::types::{
    self, AccountStatus, Code, IdN, Liquidity, MarkN, MoneyN, OrdFlags, Tif, TimeNsN, U16N,
};

/// Template of the request that became `action` in a session of `kind`; 0 for what no client sends.
pub(super) const fn template_of(action: &Action, kind: SessionKind) -> u16 {
    match action {
        Action::NewOrder(_) => private::NewOrder::LAYOUT.template,
        Action::CancelOrder(_) => private::CancelOrder::LAYOUT.template,
        Action::AmendOrder(_) => private::AmendOrder::LAYOUT.template,
        Action::MassCancel(_) if matches!(kind, SessionKind::Admin) => {
            private::AdminMassCancel::LAYOUT.template
        }
        Action::MassCancel(_) => private::MassCancel::LAYOUT.template,
        Action::CancelAllAfter { .. } => private::CancelAllAfter::LAYOUT.template,
        Action::SetLeverage { .. } => private::SetLeverage::LAYOUT.template,
        Action::DefineInstrument { .. } => private::InstrumentDefine::LAYOUT.template,
        Action::SetTradingState { .. } => private::SetTradingState::LAYOUT.template,
        Action::OpenAccount { .. } => private::AccountCreate::LAYOUT.template,
        Action::Deposit(_) | Action::Withdraw(_) => private::Transfer::LAYOUT.template,
        Action::SetRestriction { .. } => private::SetAccountStatus::LAYOUT.template,
        Action::RegisterKey { .. } => private::KeyRegister::LAYOUT.template,
        Action::RevokeKey { .. } => private::KeyRevoke::LAYOUT.template,
        Action::IndexPrice { .. } => private::IndexPrice::LAYOUT.template,
        Action::Skip(skip) => skip.template,
        Action::Continue
        | Action::Tick
        | Action::OpenSession { .. }
        | Action::Logon(_)
        | Action::Logoff { .. }
        | Action::SessionLost { .. } => 0,
    }
}

/// A request's name where the receiver's own request brought the event about.
pub(super) fn request_id(name: ClientOrderId) -> IdN {
    IdN::from((name != ClientOrderId::default()).then_some(name.get()))
}

pub(super) const fn side(side: risk::Side) -> types::Side {
    match side {
        risk::Side::Buy => types::Side::Buy,
        risk::Side::Sell => types::Side::Sell,
    }
}

const fn tif(life: TimeInForce) -> Tif {
    match life {
        TimeInForce::GoodTillCancel => Tif::GTC,
        TimeInForce::ImmediateOrCancel => Tif::IOC,
        TimeInForce::FillOrKill => Tif::FOK,
    }
}

const fn reason(reason: CancelReason) -> types::CancelReason {
    match reason {
        CancelReason::Requested => types::CancelReason::UserRequest,
        CancelReason::MassCancel => types::CancelReason::MassCancel,
        CancelReason::Immediate => types::CancelReason::IocRemainder,
        CancelReason::SelfTrade => types::CancelReason::SelfTrade,
        CancelReason::ReduceOnly => types::CancelReason::ReduceOnly,
        CancelReason::Liquidation => types::CancelReason::Liquidation,
        CancelReason::SessionLost => types::CancelReason::Disconnect,
        CancelReason::DeadMan => types::CancelReason::DeadMan,
        CancelReason::Suspended => types::CancelReason::Suspended,
    }
}

const fn fill_kind(kind: risk::FillKind) -> types::FillKind {
    match kind {
        risk::FillKind::Trade => types::FillKind::Normal,
        risk::FillKind::Liquidation => types::FillKind::Liquidation,
    }
}

pub(super) const fn status(restriction: Restriction) -> AccountStatus {
    match restriction {
        Restriction::None => AccountStatus::Active,
        Restriction::ReduceOnly => AccountStatus::ReduceOnly,
        Restriction::Suspended => AccountStatus::Suspended,
    }
}

pub(super) fn rejected(
    outcome: &Outcome<'_>,
    kind: SessionKind,
    account: AccountId,
    reject: Reject,
    short: Money,
) -> RequestRejected {
    let has_short = matches!(reject, Reject::InsufficientMargin | Reject::InsufficientFunds);
    RequestRejected {
        cl_ord_id: outcome.command.client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        ref_seq_no: outcome.command.client_seq,
        short: MoneyN::from(has_short.then_some(short)),
        ref_template_id: template_of(&outcome.command.action, kind),
        code: reject.code(),
    }
}

pub(super) fn admin_ack(outcome: &Outcome<'_>, request: ClientOrderId, template: u16, code: u16) -> AdminAck {
    AdminAck {
        request_id: request,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        ref_template_id: template,
        code,
    }
}

/// `None` where the command was no index price.
pub(super) fn oracle_ack(outcome: &Outcome<'_>, mark: Option<Mark>, code: u16) -> Option<OracleAck> {
    let Action::IndexPrice { instrument, source_seq, .. } = outcome.command.action else { return None };
    Some(OracleAck {
        source_seq,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        instrument_id: instrument,
        mark: MarkN::from(mark),
        code,
    })
}

/// `None` for other events.
pub(super) fn accepted(outcome: &Outcome<'_>, event: &Event) -> Option<OrderAccepted> {
    let Event::Accepted {
        order,
        client_order_id,
        account,
        instrument,
        side: order_side,
        limit,
        qty,
        time_in_force,
        reduce_only,
        session: _,
    } = *event
    else {
        return None;
    };
    let persistent = matches!(&outcome.command.action, Action::NewOrder(order) if order.persistent);
    let bit = |set: bool, bit: u16| if set { bit } else { 0 };
    Some(OrderAccepted {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        price: limit,
        qty,
        flags: OrdFlags(bit(reduce_only, OrdFlags::REDUCE_ONLY) | bit(persistent, OrdFlags::PERSIST)),
        side: Code::of(side(order_side)),
        tif: Code::of(tif(time_in_force)),
    })
}

pub(super) fn filled(
    outcome: &Outcome<'_>,
    fill: &Fill,
    own: &FillSide,
    liquidity: Liquidity,
) -> OrderFilled {
    let own_side = match liquidity {
        Liquidity::Taker => fill.side,
        Liquidity::Maker => fill.side.opposite(),
    };
    OrderFilled {
        order_id: own.order,
        cl_ord_id: own.client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        trade_id: fill.trade,
        account_id: own.account,
        instrument_id: fill.instrument,
        last_px: fill.price,
        last_qty: fill.qty,
        leaves_qty: own.leaves,
        fee: own.fee,
        position_qty: own.position.get(),
        position_cost: own.cost,
        balance: own.balance,
        side: Code::of(side(own_side)),
        liquidity: Code::of(liquidity),
        fill_kind: Code::of(fill_kind(fill.kind)),
    }
}

/// `None` for other events.
pub(super) fn canceled(outcome: &Outcome<'_>, event: &Event, request: IdN) -> Option<private::OrderCanceled> {
    let Event::Cancelled { order, client_order_id, account, instrument, qty, reason: why, session: _ } =
        *event
    else {
        return None;
    };
    Some(private::OrderCanceled {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        canceled_qty: qty,
        request_id: request,
        reason: Code::of(reason(why)),
    })
}

/// `None` for other events.
pub(super) fn amended(outcome: &Outcome<'_>, event: &Event, request: IdN) -> Option<private::OrderAmended> {
    let Event::Amended { order, client_order_id, account, limit, qty, leaves, priority_kept, session: _ } =
        *event
    else {
        return None;
    };
    Some(private::OrderAmended {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        price: limit,
        total_qty: qty,
        leaves_qty: leaves,
        request_id: request,
        priority_kept: u8::from(priority_kept),
    })
}

/// `None` for other events.
pub(super) fn trimmed(outcome: &Outcome<'_>, event: &Event) -> Option<private::OrderTrimmed> {
    let Event::Trimmed { order, client_order_id, account, leaves, session: _ } = *event else { return None };
    Some(private::OrderTrimmed {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        leaves_qty: leaves,
    })
}

pub(super) fn deadline(time: TimeNs) -> TimeNsN {
    TimeNsN::from((time != TimeNs::default()).then_some(time))
}

pub(super) fn session_reject(through: engine::ClientSeq, skip: &Skip) -> private::SessionReject {
    private::SessionReject {
        ref_seq_no: through,
        ref_template_id: skip.template,
        code: skip.code,
        field_id: U16N::from((skip.field != u16::MAX).then_some(skip.field)),
    }
}

pub(super) const fn throttle_reject(through: engine::ClientSeq, skip: &Skip) -> private::ThrottleReject {
    private::ThrottleReject {
        ref_seq_no: through,
        count: skip.count,
        retry_after_ns: skip.retry_after_ns,
        ref_template_id: skip.template,
    }
}
