//! What clients ask, at random: sound, refused by the engine, refused by the door.

use engine::{ClientOrderId, KeyId, OrderId, OrderRef};
use gateway::client::{Query, Request, request};
use gateway::wire::private::{
    AccountCreate, AdminMassCancel, IndexPrice, KeyRegister, KeyRevoke, NewOrder, SetAccountStatus,
    SetLeverage, SetTradingState, Transfer,
};
use gateway::wire::types::{
    AccountStatus, Octets, OrdFlags, OrdType, Permissions, PostOnlyMode, SessionKind, Side, Tif, TimeNsN,
    TradingState, U32N,
};
use risk::{AccountId, InstrumentId, Mark, Money, Price, Qty};

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
        // The door refuses these: reserved, and not known.
        6 => order.ord_type = OrdType::StopLimit.into(),
        7 => order.user_tag = 1,
        8 => order.account_id = AccountId::new(FIRST_ACCOUNT + 40),
        9 => order.qty = Qty::new(0),
        _ => {}
    }
    order
}

fn trade(rng: &mut Rng, own: AccountId, last_name: u64) -> Request {
    match rng.below(40) {
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
            SetLeverage { cl_ord_id: NAME, account_id: own, instrument_id, leverage_e2 }.into()
        }
        38 => transfer(rng, 1).into(),
        _ => SetLeverage {
            cl_ord_id: NAME,
            account_id: AccountId::new(FIRST_ACCOUNT + 1),
            instrument_id: InstrumentId::new(0),
            leverage_e2: 500,
        }
        .into(),
    }
}

fn transfer(rng: &mut Rng, accounts: u32) -> Transfer {
    let amount = Money::new(rng.within(-40, 60) * 1_000_000);
    Transfer { request_id: NAME, account_id: account(rng, accounts), amount }
}

fn operate(rng: &mut Rng, accounts: u32) -> Request {
    match rng.below(16) {
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
            let state = if rng.once_in(3) { TradingState::CancelOnly } else { TradingState::Open };
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
        SessionKind::OrderEntry => Some(trade(rng, own, last_name)),
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
