//! What clients ask, at random: sound, refused by the engine, refused by the door.

use engine::{ClientOrderId, KeyId, OrderId, OrderRef};
use gateway::client::{Query, Request, request};
use gateway::wire::Group;
use gateway::wire::private::{
    AccountCreate, AdminMassCancel, AdvancedOrder, CancelMany, IndexPrice, KeyRegister, KeyRevoke, MassQuote,
    MoveMargin, NewOrder, OrderBatch, QuoteRow, ResetProtection, SetAccountStatus, SetLeverage,
    SetMarginMode, SetOwnerGroup, SetProtection, SetTradingState, StartAuction, Transfer, TransferBetween,
};
use gateway::wire::types::{
    AccountStatus, BatchMode, IdN, MarginMode, Millis, Octets, OrdFlags, OrdType, Permissions, PostOnlyMode,
    SessionKind, Side, Stp, Tif, TimeNsN, TradingState, TriggerSrc, U32N,
};
use risk::{AccountId, AssetId, InstrumentId, Mark, Money, Price, Qty};

use crate::rng::Rng;

pub(crate) const TICK: i64 = 5;
pub(crate) const HOME: i64 = 10_000;
pub(crate) const FIRST_ACCOUNT: u32 = 16;

const NAME: ClientOrderId = ClientOrderId::new(0);

fn instrument(rng: &mut Rng) -> InstrumentId {
    // The third does not exist.
    InstrumentId::new(if rng.once_in(40) { 2 } else { u32::from(rng.once_in(3)) })
}

fn account(rng: &mut Rng, accounts: u32) -> AccountId {
    AccountId::new(FIRST_ACCOUNT + u32::try_from(rng.below(u64::from(accounts))).expect("few accounts"))
}

fn price(rng: &mut Rng) -> Price {
    Price::new(HOME + TICK * rng.within(-8, 8) + i64::from(rng.once_in(50)))
}

/// One of the session's orders, or what never was one.
fn order_ref(rng: &mut Rng, last_name: u64) -> OrderRef {
    if rng.once_in(12) {
        return OrderRef::Id(OrderId::new(rng.below(400)));
    }
    OrderRef::Client(ClientOrderId::new(last_name.saturating_sub(rng.below(12)).max(1)))
}

fn new_order(rng: &mut Rng, own: AccountId) -> NewOrder {
    let side = if rng.once_in(2) { Side::Buy } else { Side::Sell };
    let mut order = request::limit_order(own, instrument(rng), side, Qty::new(rng.within(1, 9)), price(rng));
    match rng.below(24) {
        0 => {
            order = request::market_order(own, order.instrument_id, side, order.qty);
        }
        1 => order.tif = Tif::IOC.into(),
        2 => order.post_only = PostOnlyMode::Reject.into(),
        3 => order.flags = OrdFlags(OrdFlags::REDUCE_ONLY),
        4 => order.flags = OrdFlags(OrdFlags::PERSIST),
        5 => order.valid_until = TimeNsN::from(engine::TimeNs::new(1)),
        // The door refuses this: a stop without the price that fires it.
        6 => order.ord_type = OrdType::StopLimit.into(),
        7 => order.user_tag = 1 + rng.below(3),
        10 => order.display_qty = Qty::new(1).into(),
        11 => order.stp = Stp::Decrement.into(),
        12 => order.post_only = PostOnlyMode::Slide.into(),
        13 => order.tif = Tif::Day.into(),
        14 => {
            order.ord_type = OrdType::StopLimit.into();
            order.trigger_price = price(rng).into();
            order.trigger_src = TriggerSrc::Mark.into();
        }
        8 => order.account_id = AccountId::new(FIRST_ACCOUNT + 40),
        9 => order.qty = Qty::new(0),
        _ => {}
    }
    order
}

/// An entry with the orders that protect it.
fn bracket(rng: &mut Rng, own: AccountId) -> Request {
    let order = new_order(rng, own);
    let (above, below) = (price(rng), price(rng));
    AdvancedOrder {
        take_profit_trigger: above.into(),
        stop_loss_trigger: below.into(),
        exit_src: TriggerSrc::Last.into(),
        ..order.in_full()
    }
    .into()
}

fn batch(rng: &mut Rng, own: AccountId) -> Request {
    let orders = (0..rng.within(0, 3)).map(|_| new_order(rng, own).in_full().batched()).collect();
    let mode = match rng.below(3) {
        0 => BatchMode::Each,
        1 => BatchMode::Atomic,
        _ => BatchMode::OneCancelsOther,
    };
    OrderBatch {
        cl_ord_id: NAME,
        account_id: own,
        valid_until: TimeNsN::NONE,
        mode: mode.into(),
        orders: Group(orders),
    }
    .into()
}

fn quotes(rng: &mut Rng, own: AccountId) -> Request {
    let quote = QuoteRow {
        instrument_id: instrument(rng),
        bid_px: Price::new(HOME - TICK * rng.within(1, 8)),
        bid_qty: Qty::new(rng.within(0, 4)),
        ask_px: Price::new(HOME + TICK * rng.within(1, 8)),
        ask_qty: Qty::new(rng.within(0, 4)),
        level: u8::from(rng.once_in(2)),
    };
    MassQuote {
        cl_ord_id: NAME,
        account_id: own,
        valid_until: TimeNsN::NONE,
        protection_group: u16::from(rng.once_in(2)),
        all_or_none: u8::from(rng.once_in(2)),
        quotes: Group(vec![quote]),
    }
    .into()
}

fn protection(rng: &mut Rng, own: AccountId) -> Request {
    if rng.once_in(2) {
        return ResetProtection {
            cl_ord_id: NAME,
            account_id: own,
            protection_group: 1,
            valid_until: TimeNsN::NONE,
        }
        .into();
    }
    SetProtection {
        cl_ord_id: NAME,
        account_id: own,
        qty_limit: Qty::new(rng.within(1, 9)),
        delta_limit: Qty::new(0),
        fills_limit: 0,
        window: Millis::new(1_000),
        frozen: Millis::new(500),
        protection_group: 1,
        valid_until: TimeNsN::NONE,
    }
    .into()
}

fn special(rng: &mut Rng, own: AccountId) -> Request {
    match rng.below(5) {
        0 => bracket(rng, own),
        1 => batch(rng, own),
        2 => quotes(rng, own),
        3 => protection(rng, own),
        _ => CancelMany {
            cl_ord_id: NAME,
            account_id: own,
            instrument_id: U32N::NONE,
            user_tag: IdN::from(Some(1)),
            side: u8::from(rng.once_in(2)),
            valid_until: TimeNsN::NONE,
        }
        .into(),
    }
}

fn trade(rng: &mut Rng, own: AccountId, accounts: u32, last_name: u64) -> Request {
    match rng.below(52) {
        46..=48 => between(rng, own, accounts),
        49 | 50 => {
            let mode = if rng.once_in(3) { MarginMode::Cross } else { MarginMode::Isolated };
            let (instrument_id, valid_until) = (instrument(rng), TimeNsN::NONE);
            SetMarginMode { cl_ord_id: NAME, account_id: own, instrument_id, mode: mode.into(), valid_until }
                .into()
        }
        51 => {
            let (instrument_id, valid_until) = (instrument(rng), TimeNsN::NONE);
            let amount = Money::new(rng.within(-30, 40) * 100_000);
            MoveMargin { cl_ord_id: NAME, account_id: own, instrument_id, amount, valid_until }.into()
        }
        40..=45 => special(rng, own),
        0..=24 => new_order(rng, own).into(),
        25..=30 => request::cancel(own, instrument(rng), order_ref(rng, last_name)).into(),
        31..=34 => {
            let total = Qty::new(rng.within(1, 9));
            request::amend(own, instrument(rng), order_ref(rng, last_name), price(rng), total).into()
        }
        35 => request::mass_cancel(own, rng.once_in(2).then(|| instrument(rng))).into(),
        36 => {
            let timeout_ms =
                if rng.once_in(3) { 0 } else { 1 + u32::try_from(rng.below(300)).expect("small") };
            request::cancel_all_after(own, timeout_ms).into()
        }
        37 => {
            let leverage_e2 = 100 * u32::try_from(rng.below(60)).expect("small");
            let instrument_id = instrument(rng);
            SetLeverage {
                cl_ord_id: NAME,
                account_id: own,
                instrument_id,
                leverage_e2,
                valid_until: TimeNsN::NONE,
            }
            .into()
        }
        38 => transfer(rng, 1).into(),
        _ => SetLeverage {
            cl_ord_id: NAME,
            account_id: AccountId::new(FIRST_ACCOUNT + 1),
            instrument_id: InstrumentId::new(0),
            leverage_e2: 500,
            valid_until: TimeNsN::NONE,
        }
        .into(),
    }
}

fn transfer(rng: &mut Rng, accounts: u32) -> Transfer {
    let amount = Money::new(rng.within(-40, 60) * 1_000_000);
    request::transfer(account(rng, accounts), amount)
}

/// Money to another account; some of it asked for twice.
fn between(rng: &mut Rng, own: AccountId, accounts: u32) -> Request {
    TransferBetween {
        cl_ord_id: NAME,
        account_id: own,
        to_account_id: account(rng, accounts),
        asset_id: AssetId::new(u16::from(rng.once_in(20))),
        amount: Money::new(rng.within(0, 20) * 100_000),
        external_id: IdN::from(rng.once_in(2).then(|| 1 + rng.below(4))),
        valid_until: TimeNsN::NONE,
    }
    .into()
}

fn operate(rng: &mut Rng, accounts: u32) -> Request {
    match rng.below(20) {
        16 | 17 => {
            let group_id = u32::from(!rng.once_in(4));
            SetOwnerGroup { request_id: NAME, account_id: account(rng, accounts), group_id }.into()
        }
        18 => {
            let own = account(rng, accounts);
            between(rng, own, accounts)
        }
        0..=5 => transfer(rng, accounts).into(),
        6 => AccountCreate { request_id: NAME, account_id: AccountId::new(FIRST_ACCOUNT + 20) }.into(),
        7 | 8 => {
            let status = match rng.below(6) {
                0 => AccountStatus::Suspended,
                1 => AccountStatus::ReduceOnly,
                // No status that an operator may set.
                2 => AccountStatus::Liquidating,
                _ => AccountStatus::Active,
            };
            let cancel_orders = u8::from(rng.once_in(2));
            let account_id = account(rng, accounts);
            SetAccountStatus { request_id: NAME, account_id, status: status.into(), cancel_orders }.into()
        }
        9 => {
            let state = match rng.below(8) {
                0 => TradingState::CancelOnly,
                1 => TradingState::Auction,
                2 => TradingState::PostOnly,
                _ => TradingState::Open,
            };
            SetTradingState { request_id: NAME, instrument_id: instrument(rng), state: state.into() }.into()
        }
        10 => KeyRegister {
            request_id: NAME,
            key_id: KeyId::new(1 + rng.below(4)),
            account_id: account(rng, accounts),
            permissions: Permissions(Permissions::of(SessionKind::OrderEntry)),
            expires: TimeNsN::NONE,
            public_key: Octets(rng.octets()),
        }
        .into(),
        13 => {
            let (instrument_id, call) = (instrument(rng), Millis::new(1 + u32::from(rng.once_in(2)) * 40));
            StartAuction { request_id: NAME, instrument_id, call }.into()
        }
        11 => KeyRevoke { request_id: NAME, key_id: KeyId::new(1 + rng.below(4)) }.into(),
        12 => AdminMassCancel {
            request_id: NAME,
            account_id: account(rng, accounts),
            instrument_id: U32N::NONE,
        }
        .into(),
        _ => SetTradingState {
            request_id: NAME,
            instrument_id: instrument(rng),
            state: TradingState::Open.into(),
        }
        .into(),
    }
}

/// The next request of a session, if its kind has any.
pub(crate) fn request(
    rng: &mut Rng,
    kind: SessionKind,
    own: AccountId,
    accounts: u32,
    last_name: u64,
    source_seq: &mut u64,
) -> Option<Request> {
    match kind {
        SessionKind::OrderEntry => Some(trade(rng, own, accounts, last_name)),
        SessionKind::Admin => Some(operate(rng, accounts)),
        SessionKind::Oracle => {
            if !rng.once_in(20) {
                *source_seq += 1;
            }
            let far = if rng.once_in(15) { 40 } else { 3 };
            let price = Mark::new((HOME + TICK * rng.within(-far, far)) * 1_024);
            let instrument_id = instrument(rng);
            Some(IndexPrice { source_seq: *source_seq, instrument_id, price, source_id: 1 }.into())
        }
        SessionKind::DropCopy | SessionKind::MarketData => None,
    }
}

/// A question.
pub(crate) fn query(rng: &mut Rng, own: AccountId, last_name: u64) -> Query {
    match rng.below(5) {
        0 => Query::OpenOrders { account: own, instrument: rng.once_in(2).then(|| instrument(rng)) },
        1 => Query::Order { account: own, order: order_ref(rng, last_name) },
        2 => Query::Instruments,
        3 => Query::Book { instrument: instrument(rng), depth: 5 },
        _ => Query::Account { account: own },
    }
}
