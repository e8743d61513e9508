//! Between a flow and the wire: its commands as requests, the venue's messages as the events they tell of.
//!
//! Invariant: a fill told to one side becomes a fill whose other side is nobody's, so a flow that folds both halves
//! learns what the whole would have told it.

use engine::{
    Action, AmendOrder, CancelOrder, CancelReason, ClientOrderId, Event, Fill, FillSide, NewOrder, OrderId,
    OrderRef, Reject, Seq, SessionId, TimeInForce, TrimReason,
};
use gateway::client::{Request, request};
use gateway::wire::private::{
    self, AccountCreate, FromVenue, IndexPrice, LiquidationEnd, LiquidationStart, OrderAccepted,
    OrderAmended, OrderCanceled, OrderFilled, OrderTrimmed, PositionTakenOver, RequestRejected, SetLeverage,
    Transfer,
};
use gateway::wire::types::{self, IdN, Liquidity, OrdFlags, OrdType, PostOnlyMode, Tif, TimeNsN};
use risk::{AccountId, FillKind, InstrumentId, Money, Position, Price, Qty, Side};

use crate::admin::definition;
use crate::flow::SESSION;

/// The number is chosen by the session.
const CHOSEN: ClientOrderId = ClientOrderId::new(0);

/// By whose session a command goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// The operator's.
    Admin,
    /// The oracle's.
    Oracle,
    /// The account's.
    Account(AccountId),
    /// Nobody's: sessions open by their logons.
    Nobody,
}

/// By whose session an action goes.
#[must_use]
pub fn route(action: &Action) -> Route {
    match action {
        Action::NewOrder(_)
        | Action::CancelOrder(_)
        | Action::AmendOrder(_)
        | Action::MassCancel(_)
        | Action::SetLeverage { .. }
        | Action::AdvancedOrder(_)
        | Action::OrderBatch(_)
        | Action::MassQuote(_)
        | Action::AmendTrigger(_)
        | Action::SetProtection(_)
        | Action::ResetProtection { .. }
        | Action::CancelAllAfter { .. } => Route::Account(action.account()),
        Action::OpenAccount { .. }
        | Action::Deposit(_)
        | Action::Withdraw(_)
        | Action::DefineInstrument { .. }
        | Action::SetTradingState { .. }
        | Action::RegisterKey { .. }
        | Action::RevokeKey { .. }
        | Action::SetOwnerGroup { .. }
        | Action::ScheduleMargin { .. }
        | Action::CancelMargin { .. }
        | Action::DefineFeeTier { .. }
        | Action::SetFeeTier { .. }
        | Action::SetMarginMode { .. }
        | Action::MoveMargin { .. }
        | Action::TransferBetween { .. }
        | Action::DefineAsset { .. }
        | Action::SetDebtTerms { .. }
        | Action::SetRiskGroup { .. }
        | Action::AssignRiskGroup { .. }
        | Action::SetGroupRestriction { .. }
        | Action::SuspendKey { .. }
        | Action::SetLimits { .. }
        | Action::StartAuction { .. }
        | Action::Settle { .. }
        | Action::SetIndexSource { .. }
        | Action::SetRestriction { .. } => Route::Admin,
        Action::IndexPrice { .. } => Route::Oracle,
        Action::Continue
        | Action::Tick
        | Action::OpenSession { .. }
        | Action::Logon(_)
        | Action::Logoff { .. }
        | Action::SessionLost { .. }
        | Action::Restarted { .. }
        | Action::Deleverage(_)
        | Action::Skip(_) => Route::Nobody,
    }
}

/// The request for an action; `None` for those a flow has no wish for. `wire_name` turns a flow's number of an order into
/// that of its session; `source_seq` numbers index prices.
#[expect(clippy::wildcard_enum_match_arm, reason = "a flow has no wish for the other actions")]
pub fn request(
    action: &Action,
    wire_name: impl Fn(ClientOrderId) -> Option<ClientOrderId>,
    source_seq: u64,
) -> Option<Request> {
    let named = |order: OrderRef| match order {
        OrderRef::Id(id) => OrderRef::Id(id),
        // An order that was never sent is unknown to the venue as well.
        OrderRef::Client(number) => {
            OrderRef::Client(wire_name(number).unwrap_or(ClientOrderId::new(u64::MAX - 1)))
        }
    };
    // Cancels and amendments name the order; the venue knows where it rests.
    let anywhere = InstrumentId::new(0);
    Some(match *action {
        Action::NewOrder(ref order) => new_order(order).into(),
        Action::CancelOrder(CancelOrder { account, order }) => {
            request::cancel(account, anywhere, named(order)).into()
        }
        Action::AmendOrder(AmendOrder { account, order, limit, qty, post_only }) => {
            let amend = request::amend(account, anywhere, named(order), limit, qty);
            private::AmendOrder { post_only: mode(post_only).into(), ..amend }.into()
        }
        Action::MassCancel(cancel) => request::mass_cancel(cancel.account, cancel.instrument).into(),
        Action::SetLeverage { account, instrument, leverage } => SetLeverage {
            cl_ord_id: CHOSEN,
            account_id: account,
            instrument_id: instrument,
            leverage_e2: leverage.get(),
            valid_until: TimeNsN::NONE,
        }
        .into(),
        Action::OpenAccount { account } => AccountCreate { request_id: CHOSEN, account_id: account }.into(),
        Action::Deposit(ref transfer) => money(transfer, transfer.amount).into(),
        Action::Withdraw(ref transfer) => money(transfer, -transfer.amount).into(),
        Action::DefineInstrument { instrument, ref spec } => definition(instrument, spec).into(),
        Action::IndexPrice { instrument, price, .. } => {
            IndexPrice { source_seq, instrument_id: instrument, price, source_id: 1 }.into()
        }
        Action::SetRiskGroup { group, ref terms } => request::set_risk_group(group, terms).into(),
        Action::AssignRiskGroup { instrument, group } => request::assign_risk_group(instrument, group).into(),
        _ => return None,
    })
}

const fn mode(post_only: bool) -> PostOnlyMode {
    if post_only { PostOnlyMode::Reject } else { PostOnlyMode::Off }
}

fn new_order(order: &NewOrder) -> private::NewOrder {
    let side = match order.side {
        Side::Buy => types::Side::Buy,
        Side::Sell => types::Side::Sell,
    };
    let tif = match order.time_in_force {
        TimeInForce::GoodTillCancel => Tif::GTC,
        TimeInForce::ImmediateOrCancel => Tif::IOC,
        TimeInForce::FillOrKill => Tif::FOK,
    };
    let bit = |is_set: bool, bit: u16| if is_set { bit } else { 0 };
    let flags = bit(order.reduce_only, OrdFlags::REDUCE_ONLY) | bit(order.persistent, OrdFlags::PERSIST);
    let ord_type = if order.limit.is_some() { OrdType::Limit } else { OrdType::Market };
    let limit = order.limit.unwrap_or(Price::new(0));
    private::NewOrder {
        price: order.limit.into(),
        flags: OrdFlags(flags),
        ord_type: ord_type.into(),
        tif: tif.into(),
        post_only: mode(order.post_only).into(),
        ..request::limit_order(order.account, order.instrument, side, order.qty, limit)
    }
}

fn side(side: types::Code<types::Side>) -> Side {
    if side.get() == Some(types::Side::Sell) { Side::Sell } else { Side::Buy }
}

fn tif(tif: types::Code<Tif>) -> TimeInForce {
    match tif.get() {
        Some(Tif::IOC) => TimeInForce::ImmediateOrCancel,
        Some(Tif::FOK) => TimeInForce::FillOrKill,
        Some(Tif::GTC | Tif::GTD | Tif::Day) | None => TimeInForce::GoodTillCancel,
    }
}

fn money(transfer: &engine::Transfer, amount: Money) -> Transfer {
    let external_id = IdN::from((transfer.external_id != 0).then_some(transfer.external_id));
    Transfer { asset_id: transfer.asset, external_id, ..request::transfer(transfer.account, amount) }
}

/// The event a message tells of, as a flow learns it, with its place in the venue's order; `None` for what a flow does
/// not learn from. `flow_name` turns a session's number into the flow's.
#[expect(clippy::wildcard_enum_match_arm, reason = "a flow learns nothing from the other messages")]
pub fn event(message: &FromVenue, flow_name: impl Fn(ClientOrderId) -> ClientOrderId) -> Option<Event> {
    let told = match message {
        FromVenue::OrderAccepted(accepted) => accepted_event(accepted, flow_name(accepted.cl_ord_id)),
        FromVenue::RequestRejected(rejected) => rejected_event(rejected, flow_name(rejected.cl_ord_id))?,
        FromVenue::OrderFilled(filled) => Event::Fill(half_fill(filled, flow_name(filled.cl_ord_id))),
        FromVenue::OrderCanceled(canceled) => canceled_event(canceled, flow_name(canceled.cl_ord_id)),
        FromVenue::OrderAmended(amended) => amended_event(amended, flow_name(amended.cl_ord_id)),
        FromVenue::OrderTrimmed(trimmed) => trimmed_event(trimmed, flow_name(trimmed.cl_ord_id)),
        FromVenue::LiquidationStart(LiquidationStart { account_id, equity, maintenance_margin, .. }) => {
            Event::LiquidationStarted {
                account: *account_id,
                equity: *equity,
                maintenance: *maintenance_margin,
            }
        }
        FromVenue::PositionTakenOver(PositionTakenOver {
            account_id,
            instrument_id,
            position_qty,
            amount,
            by_account_id,
            added,
            ..
        }) => Event::TakenOver {
            account: *account_id,
            by: *by_account_id,
            instrument: *instrument_id,
            position: Position::new(*position_qty),
            amount: *amount,
            added: *added,
        },
        FromVenue::LiquidationEnd(LiquidationEnd { account_id, equity, covered, .. }) => {
            Event::LiquidationEnded { account: *account_id, equity: *equity, covered: *covered }
        }
        _ => return None,
    };
    Some(told)
}

fn accepted_event(accepted: &OrderAccepted, client_order_id: ClientOrderId) -> Event {
    Event::Accepted {
        order: accepted.order_id,
        client_order_id,
        session: SESSION,
        account: accepted.account_id,
        instrument: accepted.instrument_id,
        side: side(accepted.side),
        limit: accepted.price,
        qty: accepted.qty,
        time_in_force: tif(accepted.tif),
        reduce_only: accepted.flags.0 & OrdFlags::REDUCE_ONLY != 0,
    }
}

/// `None` for a code that is not the engine's.
fn rejected_event(rejected: &RequestRejected, client_order_id: ClientOrderId) -> Option<Event> {
    let reject = *Reject::ALL.iter().find(|reject| reject.code() == rejected.code)?;
    let short = rejected.short.get().unwrap_or(Money::ZERO);
    Some(Event::Rejected { session: SESSION, account: rejected.account_id, client_order_id, reject, short })
}

fn canceled_event(canceled: &OrderCanceled, client_order_id: ClientOrderId) -> Event {
    Event::Cancelled {
        order: canceled.order_id,
        client_order_id,
        session: SESSION,
        account: canceled.account_id,
        instrument: canceled.instrument_id,
        qty: canceled.canceled_qty,
        // No flow asks why.
        reason: CancelReason::Requested,
    }
}

fn amended_event(amended: &OrderAmended, client_order_id: ClientOrderId) -> Event {
    Event::Amended {
        order: amended.order_id,
        client_order_id,
        session: SESSION,
        account: amended.account_id,
        limit: amended.price,
        qty: amended.total_qty,
        leaves: amended.leaves_qty,
        priority_kept: amended.priority_kept == 1,
    }
}

fn trimmed_event(trimmed: &OrderTrimmed, client_order_id: ClientOrderId) -> Event {
    Event::Trimmed {
        order: trimmed.order_id,
        client_order_id,
        session: SESSION,
        account: trimmed.account_id,
        leaves: trimmed.leaves_qty,
        // No flow asks why.
        reason: TrimReason::ReduceOnly,
    }
}

const NOBODY: FillSide = FillSide {
    order: OrderId::new(0),
    client_order_id: ClientOrderId::new(0),
    session: SessionId::new(0),
    account: AccountId::FEES,
    leaves: Qty::ZERO,
    fee: Money::ZERO,
    position: Position::ZERO,
    cost: Money::ZERO,
    balance: Money::ZERO,
};

fn half_fill(filled: &OrderFilled, client_order_id: ClientOrderId) -> Fill {
    let ours = FillSide {
        order: filled.order_id,
        client_order_id,
        session: SESSION,
        account: filled.account_id,
        leaves: filled.leaves_qty,
        fee: filled.fee,
        position: Position::new(filled.position_qty),
        cost: filled.position_cost,
        balance: filled.balance,
    };
    let is_maker = filled.liquidity.get() == Some(Liquidity::Maker);
    let (maker, taker) = if is_maker { (ours, NOBODY) } else { (NOBODY, ours) };
    let own = side(filled.side);
    Fill {
        trade: filled.trade_id,
        instrument: filled.instrument_id,
        side: if is_maker { own.opposite() } else { own },
        kind: if filled.fill_kind.get() == Some(types::FillKind::Liquidation) {
            FillKind::Liquidation
        } else {
            FillKind::Trade
        },
        price: filled.last_px,
        qty: filled.last_qty,
        // The wire leaves it to price and quantity.
        value: Money::ZERO,
        taker,
        maker,
    }
}

/// The same of what is told of liquidation and of deleveraging.
fn seq_of_backing(message: &FromVenue) -> Option<Seq> {
    if let FromVenue::LiquidationStepped(told) = message {
        Some(told.engine_seq)
    } else if let FromVenue::LiquidationPaced(told) = message {
        Some(told.engine_seq)
    } else if let FromVenue::Deleveraged(told) = message {
        Some(told.engine_seq)
    } else if let FromVenue::BadDebtBooked(told) = message {
        Some(told.engine_seq)
    } else if let FromVenue::PositionAssumed(told) = message {
        Some(told.engine_seq)
    } else if let FromVenue::DeleveragingAsked(told) = message {
        Some(told.engine_seq)
    } else if let FromVenue::DeleveragingPlanned(told) = message {
        Some(told.engine_seq)
    } else if let FromVenue::DeleveragingEnded(told) = message {
        Some(told.engine_seq)
    } else {
        None
    }
}

/// The place in the venue's order that a message names.
#[must_use]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other messages are those of `seq_of_backing`, or name no place"
)]
pub fn engine_seq(message: &FromVenue) -> Option<Seq> {
    match message {
        FromVenue::OrderAccepted(told) => Some(told.engine_seq),
        FromVenue::RequestRejected(told) => Some(told.engine_seq),
        FromVenue::OrderFilled(told) => Some(told.engine_seq),
        FromVenue::OrderCanceled(told) => Some(told.engine_seq),
        FromVenue::OrderAmended(told) => Some(told.engine_seq),
        FromVenue::OrderTrimmed(told) => Some(told.engine_seq),
        FromVenue::MassCancelAck(told) => Some(told.engine_seq),
        FromVenue::CancelAllAfterAck(told) => Some(told.engine_seq),
        FromVenue::DeadManFired(told) => Some(told.engine_seq),
        FromVenue::BalanceChange(told) => Some(told.engine_seq),
        FromVenue::LiquidationStart(told) => Some(told.engine_seq),
        FromVenue::LeverageSet(told) => Some(told.engine_seq),
        FromVenue::PositionTakenOver(told) => Some(told.engine_seq),
        FromVenue::LiquidationEnd(told) => Some(told.engine_seq),
        FromVenue::AccountStatusChanged(told) => Some(told.engine_seq),
        FromVenue::AdminAck(told) => Some(told.engine_seq),
        FromVenue::OracleAck(told) => Some(told.engine_seq),
        FromVenue::Movement(told) => Some(told.engine_seq),
        FromVenue::MarginStateChanged(told) => Some(told.engine_seq),
        FromVenue::FundingBooked(told) => Some(told.engine_seq),
        FromVenue::Converted(told) => Some(told.engine_seq),
        FromVenue::InterestCharged(told) => Some(told.engine_seq),
        FromVenue::StandingChanged(told) => Some(told.engine_seq),
        FromVenue::DeficitCovered(told) => Some(told.engine_seq),
        FromVenue::TransferRepeated(told) => Some(told.engine_seq),
        FromVenue::LiquidationHeld(told) => Some(told.engine_seq),
        FromVenue::WouldLiquidate(told) => Some(told.engine_seq),
        FromVenue::FeeTierSet(told) => Some(told.engine_seq),
        FromVenue::MarginModeChanged(told) => Some(told.engine_seq),
        FromVenue::OrderTriggered(told) => Some(told.engine_seq),
        FromVenue::OrderArmed(told) => Some(told.engine_seq),
        FromVenue::OrderActivated(told) => Some(told.engine_seq),
        FromVenue::OrderRefreshed(told) => Some(told.engine_seq),
        FromVenue::MassQuoteAck(told) => Some(told.engine_seq),
        FromVenue::ProtectionTripped(told) => Some(told.engine_seq),
        FromVenue::QuoteRefused(told) => Some(told.engine_seq),
        FromVenue::ProtectionAck(told) => Some(told.engine_seq),
        FromVenue::PositionSettled(told) => Some(told.engine_seq),
        _ => seq_of_backing(message),
    }
}
