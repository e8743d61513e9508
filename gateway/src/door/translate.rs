//! Events as messages.
//!
//! Invariant: a message is a pure function of one event and of the command that brought it about.

pub(crate) mod collateral;
pub(super) mod liquidation;

use engine::{
    Action, AdvancedOrder, CancelReason, ClientOrderId, Command, Event, Fill, FillSide, Instructions,
    Pricing, Reject, SessionKind, Skip, TimeInForce, TimeNs, TriggerKind, TriggerSource, TrimReason,
};
use risk::{AccountId, Mark, Money, Price, Qty, Restriction};

use crate::outcome::Outcome;
use crate::wire::message::Message;
use crate::wire::private::{self, AdminAck, OracleAck, OrderAccepted, OrderFilled, RequestRejected};
use crate::wire::types::{
    self, AccountStatus, Code, IdN, Liquidity, MarkN, MoneyN, OrdFlags, PriceN, QtyN, Tif, TimeNsN, U16N,
};

/// Template of a request that becomes `action` in a session of `kind`; 0 for what no client sends. Where several do, it is
/// the one that has the fields the action needs: the log does not keep which of them came.
pub(super) const fn template_of(action: &Action, kind: SessionKind) -> u16 {
    match action {
        Action::NewOrder(_) => private::NewOrder::LAYOUT.template,
        Action::CancelOrder(_) => private::CancelOrder::LAYOUT.template,
        Action::AmendOrder(_) | Action::AmendTrigger(_) => private::AmendOrder::LAYOUT.template,
        Action::MassCancel(_) if matches!(kind, SessionKind::Admin) => {
            private::AdminMassCancel::LAYOUT.template
        }
        Action::MassCancel(cancel) if cancel.side.is_some() || cancel.tag.is_some() => {
            private::CancelMany::LAYOUT.template
        }
        Action::MassCancel(_) => private::MassCancel::LAYOUT.template,
        Action::AdvancedOrder(_) => private::AdvancedOrder::LAYOUT.template,
        Action::OrderBatch(_) => private::OrderBatch::LAYOUT.template,
        Action::MassQuote(_) => private::MassQuote::LAYOUT.template,
        Action::SetProtection(_) => private::SetProtection::LAYOUT.template,
        Action::ResetProtection { .. } => private::ResetProtection::LAYOUT.template,
        Action::SetOwnerGroup { .. } => private::SetOwnerGroup::LAYOUT.template,
        Action::SetGroupRestriction { .. } => private::SetGroupStatus::LAYOUT.template,
        Action::SuspendKey { .. } => private::KeySuspend::LAYOUT.template,
        Action::SetLimits { .. } => private::SetLimits::LAYOUT.template,
        Action::StartAuction { .. } => private::StartAuction::LAYOUT.template,
        Action::Settle { .. } => private::SettleInstrument::LAYOUT.template,
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
        Action::TransferBetween(_) => private::TransferBetween::LAYOUT.template,
        Action::DefineAsset { .. } => private::AssetDefine::LAYOUT.template,
        Action::SetDebtTerms { .. } => private::SetDebtTerms::LAYOUT.template,
        Action::SetIndexSource { .. } => private::SetIndexSource::LAYOUT.template,
        Action::SetMarginMode { .. } => private::SetMarginMode::LAYOUT.template,
        Action::DefineFeeTier { .. } => private::FeeTierDefine::LAYOUT.template,
        Action::SetFeeTier { .. } => private::SetFeeTier::LAYOUT.template,
        Action::ScheduleMargin { .. } => private::ScheduleMargin::LAYOUT.template,
        Action::CancelMargin { .. } => private::CancelMargin::LAYOUT.template,
        Action::MoveMargin(_) => private::MoveMargin::LAYOUT.template,
        Action::SetRiskGroup { .. } => private::SetRiskGroup::LAYOUT.template,
        Action::AssignRiskGroup { .. } => private::AssignRiskGroup::LAYOUT.template,
        Action::Deleverage(_)
        | Action::Continue
        | Action::Tick
        | Action::OpenSession { .. }
        | Action::Logon(_)
        | Action::Logoff { .. }
        | Action::Restarted { .. }
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
        CancelReason::Expired => types::CancelReason::Expired,
        CancelReason::PostOnly => types::CancelReason::PostOnlyCross,
        CancelReason::Unfillable => types::CancelReason::Unfillable,
        CancelReason::Margin => types::CancelReason::Margin,
        CancelReason::Limit => types::CancelReason::RiskLimit,
        CancelReason::Contingent => types::CancelReason::Contingent,
        CancelReason::Protection => types::CancelReason::Protection,
        CancelReason::TradingState => types::CancelReason::TradingState,
        CancelReason::Replaced => types::CancelReason::Replaced,
        CancelReason::Settled => types::CancelReason::Settled,
        CancelReason::Deleveraged => types::CancelReason::Deleveraged,
    }
}

const fn fill_kind(kind: risk::FillKind) -> types::FillKind {
    match kind {
        risk::FillKind::Trade => types::FillKind::Normal,
        risk::FillKind::Liquidation => types::FillKind::Liquidation,
        risk::FillKind::Auction => types::FillKind::Auction,
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
    (account, name): (AccountId, ClientOrderId),
    reject: Reject,
    short: Money,
) -> RequestRejected {
    let has_short = matches!(reject, Reject::InsufficientMargin | Reject::InsufficientFunds);
    RequestRejected {
        cl_ord_id: name,
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
    let said = said_of(outcome.command, client_order_id);
    let persistent = said.is_some_and(|said| said.order.persistent);
    let instructions = said.map_or(Instructions::PLAIN, |said| said.instructions);
    let closes = instructions.pricing == Pricing::ClosePosition;
    let display = instructions.display;
    let bit = |set: bool, bit: u16| if set { bit } else { 0 };
    let flags = bit(reduce_only, OrdFlags::REDUCE_ONLY)
        | bit(closes, OrdFlags::CLOSE_POSITION)
        | bit(persistent, OrdFlags::PERSIST);
    Some(OrderAccepted {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        price: limit,
        qty,
        flags: OrdFlags(flags),
        side: Code::of(side(order_side)),
        tif: Code::of(tif(time_in_force)),
        display_qty: QtyN::from((display != Qty::ZERO).then_some(display)),
        expire_time: deadline(instructions.expires_at(outcome.stamp.time)),
        user_tag: instructions.tag.get(),
    })
}

/// What a command says of the order that it names; `None` where it says nothing, as of quotes.
fn said_of(command: &Command, name: ClientOrderId) -> Option<AdvancedOrder> {
    if let Action::NewOrder(order) = &command.action {
        Some(AdvancedOrder { order: *order, instructions: Instructions::PLAIN })
    } else if let Action::AdvancedOrder(said) = &command.action {
        Some(if name == command.client_order_id { *said } else { said_of_exit(said) })
    } else if let Action::OrderBatch(batch) = &command.action {
        // Numbers rise, and those of exits follow their entry's.
        let entry = batch.orders.iter().rfind(|batched| batched.client_order_id <= name)?;
        Some(if name == entry.client_order_id { entry.order } else { said_of_exit(&entry.order) })
    } else {
        None
    }
}

/// What an entry says of the exits that come with it.
fn said_of_exit(entry: &AdvancedOrder) -> AdvancedOrder {
    let instructions = Instructions { tag: entry.instructions.tag, ..Instructions::PLAIN };
    AdvancedOrder { order: entry.order, instructions }
}

pub(super) fn filled(
    outcome: &Outcome<'_>,
    fill: &Fill,
    own: &FillSide,
    liquidity: Liquidity,
) -> OrderFilled {
    let own_side = match liquidity {
        Liquidity::Taker => fill.side,
        Liquidity::Maker | Liquidity::Auction => fill.side.opposite(),
    };
    let liquidity = if fill.kind == risk::FillKind::Auction { Liquidity::Auction } else { liquidity };
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
    let Event::Trimmed { order, client_order_id, account, leaves, reason, session: _ } = *event else {
        return None;
    };
    Some(private::OrderTrimmed {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        leaves_qty: leaves,
        reason: Code::of(trim_reason(reason)),
    })
}

const fn trim_reason(reason: TrimReason) -> types::TrimReason {
    match reason {
        TrimReason::ReduceOnly => types::TrimReason::ReduceOnly,
        TrimReason::SelfTrade => types::TrimReason::SelfTrade,
        TrimReason::Contingent => types::TrimReason::Contingent,
    }
}

/// `None` for other events.
pub(super) fn armed(outcome: &Outcome<'_>, event: &Event, request: IdN) -> Option<private::OrderArmed> {
    let Event::Armed { order, client_order_id, account, instrument, trigger, limit, leaves, session: _ } =
        *event
    else {
        return None;
    };
    Some(private::OrderArmed {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        trigger_price: trigger.price,
        price: PriceN::from((limit != Price::new(0)).then_some(limit)),
        leaves_qty: leaves,
        request_id: request,
        trigger_kind: Code::of(trigger_kind(trigger.kind)),
        trigger_src: Code::of(trigger_src(trigger.source)),
    })
}

pub(crate) const fn trigger_kind(kind: TriggerKind) -> types::TriggerKind {
    match kind {
        TriggerKind::Stop => types::TriggerKind::Stop,
        TriggerKind::TakeProfit => types::TriggerKind::TakeProfit,
        TriggerKind::Trailing => types::TriggerKind::Trailing,
    }
}

pub(crate) const fn trigger_src(source: TriggerSource) -> types::TriggerSrc {
    match source {
        TriggerSource::Last => types::TriggerSrc::Last,
        TriggerSource::Mark => types::TriggerSrc::Mark,
        TriggerSource::Index => types::TriggerSrc::Index,
    }
}

/// `None` for other events.
pub(super) fn triggered(outcome: &Outcome<'_>, event: &Event) -> Option<private::OrderTriggered> {
    let Event::Triggered { order, client_order_id, account, instrument, trigger, at, session: _ } = *event
    else {
        return None;
    };
    Some(private::OrderTriggered {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        trigger_price: trigger,
        watched: at,
    })
}

/// `None` for other events.
pub(super) fn activated(outcome: &Outcome<'_>, event: &Event) -> Option<private::OrderActivated> {
    let Event::Activated { order, client_order_id, account, instrument, limit, leaves, session: _ } = *event
    else {
        return None;
    };
    Some(private::OrderActivated {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        instrument_id: instrument,
        price: limit,
        leaves_qty: leaves,
    })
}

/// `None` for other events.
pub(super) fn refreshed(outcome: &Outcome<'_>, event: &Event) -> Option<private::OrderRefreshed> {
    let Event::Refreshed { order, client_order_id, account, shown, leaves, session: _ } = *event else {
        return None;
    };
    Some(private::OrderRefreshed {
        order_id: order,
        cl_ord_id: client_order_id,
        engine_seq: outcome.stamp.seq,
        transact_time: outcome.stamp.time,
        account_id: account,
        shown_qty: shown,
        leaves_qty: leaves,
    })
}

pub(crate) fn deadline(time: TimeNs) -> TimeNsN {
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
