//! Questions about the venue's state, and their answers.
//!
//! Invariant: a question changes nothing and is not logged. It is answered on the engine's thread in its place among the
//! commands, so a client that asks after an order sees the order; the answer leaves when the log covers the command it
//! was taken after. Figures are exact and rounded once, to the side that flatters nobody; none of them decides anything.

pub(crate) mod backing;
mod margin;

use engine::conditions::Stage;
use engine::{OpenOrderView, OrderRef, Reject, Seq, SessionId, TimeNs, TradingState, Venue};
use risk::{
    Account, AccountId, Assessment, InstrumentId, Leg, LegId, Leverage, Money, Position, Requirement, Side,
};

use crate::door::translate;
use crate::door::translate::collateral::status_of;
use crate::insight::{self, Finding, Inquiry};
use crate::wire::Group;
use crate::wire::codes::ErrorCode;
use crate::wire::private::{
    AccountState, AssetBalance, AssetDef, BookLevels, InstrumentDef, InstrumentTerms, Level, OpenOrder,
    PositionState,
};
use crate::wire::types::{self, Chars16, Code, I64N, Millis, OrdFlags};

/// Orders, or instruments, of one answer.
pub const ROWS_MAX: usize = 1024;
/// Levels of a side in one answer.
pub const LEVELS_MAX: usize = 100;
/// What a question of what would be, or of what is at risk, looks at.
const INSIGHT_COST: usize = 1024;

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// An account's resting orders.
    OpenOrders {
        /// Whose.
        account: AccountId,
        /// `None` means every instrument.
        instrument: Option<InstrumentId>,
    },
    /// One resting order.
    Order {
        /// Whose.
        account: AccountId,
        /// The session whose numbers `order` may use.
        session: SessionId,
        /// Which.
        order: OrderRef,
    },
    /// Every instrument.
    Instruments,
    /// The best levels of a book.
    Book {
        /// Which.
        instrument: InstrumentId,
        /// Levels of each side.
        depth: u16,
    },
    /// An account and its positions.
    Account {
        /// Whose.
        account: AccountId,
    },
    /// Every asset.
    Assets,
    /// All terms of an instrument.
    Terms {
        /// Which.
        instrument: InstrumentId,
    },
    /// What would be, or how much is at risk.
    Insight(Inquiry),
}

/// A question on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// Who gets the answer: a handle of the asker's own.
    pub asker: u64,
    /// The client's number of it.
    pub query_id: u64,
    /// What is asked.
    pub question: Question,
}

/// What is answered.
#[derive(Clone, PartialEq, Debug)]
pub enum Rows {
    /// Nothing: see the code.
    None,
    /// Resting orders.
    OpenOrders(Vec<OpenOrder>),
    /// Instruments.
    Instruments(Vec<InstrumentDef>),
    /// Bids and offers.
    Book([BookLevels; 2]),
    /// An account and its positions.
    Account {
        /// The account.
        state: Box<AccountState>,
        /// What it has in each asset.
        balances: Vec<AssetBalance>,
        /// Its positions.
        positions: Vec<PositionState>,
    },
    /// Assets.
    Assets(Vec<AssetDef>),
    /// All terms of an instrument.
    Terms(Box<InstrumentTerms>),
    /// What would be, or how much is at risk.
    Insight(Vec<Finding>),
}

impl Rows {
    /// How many messages it is.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::None => 0,
            Self::OpenOrders(rows) => rows.len(),
            Self::Instruments(rows) => rows.len(),
            Self::Book(sides) => sides.len(),
            Self::Account { balances, positions, .. } => 1 + balances.len() + positions.len(),
            Self::Assets(rows) => rows.len(),
            Self::Terms(_) => 1,
            Self::Insight(findings) => findings.len(),
        }
    }

    /// About how many commands could have been applied while it was found.
    pub(crate) fn cost(&self) -> usize {
        let looked_at = match self {
            Self::None => 0,
            Self::OpenOrders(rows) => rows.len(),
            Self::Instruments(rows) => rows.len(),
            Self::Book(sides) => sides.iter().map(|side| side.levels.0.len()).sum(),
            // For every position the whole account is looked at, and for every asset as often as a bisection takes.
            Self::Account { balances, positions, .. } => {
                (positions.len() + (balances.len() - 1) * 64) * positions.len().max(1)
            }
            Self::Assets(rows) => rows.len(),
            Self::Terms(_) => 1,
            // An account is taken out of the ledger, or thousands are passed: a turn's worth, whatever it was.
            Self::Insight(_) => INSIGHT_COST,
        };
        looked_at >> 2
    }
}

/// An answer on its way back.
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// Who asked.
    pub asker: u64,
    /// The client's number of the query.
    pub query_id: u64,
    /// The answer is the state after this command.
    pub seq: Seq,
    /// 0, or why there is no answer, or not all of it.
    pub code: u16,
    /// The answer.
    pub rows: Rows,
}

/// Rows, and 0 or why they are not all there are.
type Found = (u16, Rows);

/// Answers a question from the state as it is. Bounded: at most [`ROWS_MAX`] rows and [`LEVELS_MAX`] levels of a side;
/// where there are more, the first ones come with the code of `QueryTooLarge`.
#[must_use]
pub fn answer(venue: &Venue, query: &Query) -> Answer {
    let Query { asker, query_id, ref question } = *query;
    let found = match *question {
        Question::OpenOrders { account, instrument } => open_orders(venue, query_id, account, instrument),
        Question::Order { account, session, order } => one_order(venue, query_id, account, session, order),
        Question::Instruments => Ok(instruments(venue, query_id)),
        Question::Book { instrument, depth } => book(venue, query_id, instrument, depth),
        Question::Account { account } => account_rows(venue, query_id, account),
        Question::Assets => Ok((0, Rows::Assets(margin::assets(venue, query_id)))),
        Question::Terms { instrument } => terms(venue, query_id, instrument),
        Question::Insight(ref inquiry) => {
            insight::answer(venue, query_id, inquiry).map(|findings| (0, Rows::Insight(findings)))
        }
    };
    let (code, rows) = found.unwrap_or_else(|reject| (reject.code(), Rows::None));
    Answer { asker, query_id, seq: venue.last_stamp().seq, code, rows }
}

/// The first `max` of `rows`, and whether there were more.
fn first<T>(mut rows: impl Iterator<Item = T>, max: usize) -> (u16, Vec<T>) {
    let kept: Vec<T> = rows.by_ref().take(max).collect();
    let code = if rows.next().is_some() { ErrorCode::QueryTooLarge.code() } else { 0 };
    (code, kept)
}

fn known(venue: &Venue, account: AccountId) -> Result<&Account, Reject> {
    venue.ledger().account(account).ok_or(Reject::UnknownAccount)
}

fn terms(venue: &Venue, query_id: u64, instrument: InstrumentId) -> Result<Found, Reject> {
    venue.ledger().find_instrument(instrument).ok_or(Reject::UnknownInstrument)?;
    Ok((0, Rows::Terms(Box::new(margin::terms(venue, query_id, instrument)))))
}

fn instruments(venue: &Venue, query_id: u64) -> Found {
    let numbers = (0..venue.ledger().instruments()).map(InstrumentId::new);
    let (code, rows) = first(numbers.map(|number| instrument_row(venue, query_id, number)), ROWS_MAX);
    (code, Rows::Instruments(rows))
}

fn instrument_row(venue: &Venue, query_id: u64, number: InstrumentId) -> InstrumentDef {
    let instrument = venue.ledger().instrument(number);
    let (spec, limits) = (&instrument.spec, &instrument.limits);
    let state = trading_state(venue.trading_state(number).unwrap_or(TradingState::CancelOnly));
    InstrumentDef {
        query_id,
        instrument_id: number,
        tick: spec.tick,
        lot: spec.lot,
        price_max: spec.price_max,
        order_qty_max: limits.order_qty_max,
        index: instrument.index.into(),
        mark: instrument.mark.into(),
        open_interest: venue.ledger().open_interest(number),
        leverage_max_e2: instrument.leverage_max().get(),
        maker_fee: spec.maker_fee.get(),
        taker_fee: spec.taker_fee.get(),
        price_decimals: spec.price_decimals,
        qty_decimals: spec.qty_decimals,
        money_decimals: spec.money_decimals,
        state: Code::of(state),
        symbol: Chars16(spec.symbol),
        order_notional_max: limits.order_notional_max,
        position_max: limits.position_max,
        open_interest_max: limits.open_interest_max,
        orders_max: limits.orders_max,
        price_band: limits.price_band.get(),
        market_collar: limits.market_collar.get(),
        limit_state_band: limits.limit_state_band.get(),
        limit_state_call: Millis::new(limits.limit_state_call_ms),
        settlement_asset: spec.contract.settlement,
        contract_kind: Code::of(margin::contract_kind(spec.contract.kind)),
        expiry: margin::expiry(spec.contract.expiry_ns),
        owner_position_max: limits.owner_position_max,
    }
}

const fn trading_state(state: TradingState) -> types::TradingState {
    match state {
        TradingState::Open => types::TradingState::Open,
        TradingState::CancelOnly => types::TradingState::CancelOnly,
        TradingState::PreOpen => types::TradingState::PreOpen,
        TradingState::Auction => types::TradingState::Auction,
        TradingState::PostOnly => types::TradingState::PostOnly,
        TradingState::ReduceOnly => types::TradingState::ReduceOnly,
        TradingState::Halted => types::TradingState::Halted,
        TradingState::Closed => types::TradingState::Closed,
        TradingState::Settled => types::TradingState::Settled,
    }
}

fn book(venue: &Venue, query_id: u64, instrument: InstrumentId, depth: u16) -> Result<Found, Reject> {
    venue.ledger().find_instrument(instrument).ok_or(Reject::UnknownInstrument)?;
    let asked = usize::from(depth);
    let mut code = 0;
    let sides = [Side::Buy, Side::Sell].map(|side| {
        let levels = venue.depth(instrument, side).map(|(price, qty)| Level { price, qty });
        let (more, levels) = first(levels.take(asked), LEVELS_MAX);
        code = code.max(more);
        BookLevels { query_id, instrument_id: instrument, side: wire_side(side), levels: Group(levels) }
    });
    Ok((code, Rows::Book(sides)))
}

fn account_rows(venue: &Venue, query_id: u64, account: AccountId) -> Result<Found, Reject> {
    let holder = known(venue, account)?;
    let ledger = venue.ledger();
    let state = account_row(venue, query_id, account, holder, &ledger.assess(account));
    let mut balances = margin::balances(venue, query_id, account, holder);
    let mut positions = Vec::new();
    for one in family(venue, account) {
        let legs = ledger.legs_of(one);
        let held =
            legs.filter(|(_, leg)| leg.position != Position::ZERO || leg.leverage != Leverage::default());
        let equity = ledger.assess(one).equity;
        positions.extend(held.map(|(leg_id, leg)| position_row(venue, query_id, equity, leg_id, leg)));
        if let Some(isolated) = ledger.account(one).filter(|_| one != account) {
            balances.extend(margin::balances(venue, query_id, one, isolated));
        }
    }
    Ok((0, Rows::Account { state: Box::new(state), balances, positions }))
}

/// An account, then its isolated positions that act for it, by ascending instrument.
fn family(venue: &Venue, account: AccountId) -> impl Iterator<Item = AccountId> + '_ {
    let isolated = venue.isolated_positions(account);
    let isolated = isolated.filter(|(_, _, is_on)| *is_on).map(|(_, acting, _)| acting);
    core::iter::once(account).chain(isolated)
}

fn account_row(
    venue: &Venue,
    query_id: u64,
    account: AccountId,
    holder: &Account,
    assessment: &Assessment,
) -> AccountState {
    let liquidation = venue.liquidation_of(account);
    AccountState {
        query_id,
        account_id: account,
        balance: holder.balance,
        unrealized_pnl: assessment.equity - holder.balance,
        equity: assessment.equity,
        initial_margin: assessment.initial.ceil(),
        maintenance_margin: assessment.maintenance.ceil(),
        available: assessment.free_margin(),
        withdrawable: venue.ledger().withdrawable(account, risk::AssetId::BASE),
        exposure: assessment.exposure,
        leverage_e9: I64N::ratio(Requirement::of_money(assessment.exposure), assessment.equity),
        margin_ratio_e9: I64N::ratio(assessment.maintenance, assessment.equity),
        money_decimals: margin::base_decimals(venue),
        status: Code::of(status_of(venue.ledger().standing_of(account))),
        initial_equity: assessment.initial_equity,
        margin_state: margin::margin_state(holder, assessment),
        liquidation: Code::of(backing::liquidation_stage(liquidation.map(|one| one.stage))),
        liquidation_steps: liquidation.map_or(0, |one| one.steps),
    }
}

fn position_row(venue: &Venue, query_id: u64, equity: Money, leg_id: LegId, leg: &Leg) -> PositionState {
    let ledger = venue.ledger();
    let instrument = ledger.instrument(leg.instrument);
    let mark = instrument.mark.unwrap_or_default();
    let is_open = leg.position != Position::ZERO;
    let bankruptcy = is_open
        .then(|| ledger.closing_price(leg_id, leg.position.size(), ledger.bankruptcy_amount(leg_id)))
        .flatten();
    let unhedged_lots = ledger.unhedged_lots(leg);
    let value = i128::from(ledger.lot_in_base(leg.instrument).get()) * i128::from(unhedged_lots);
    let level = (equity > Money::ZERO).then(|| (value, i128::from(equity.get())));
    PositionState {
        query_id,
        account_id: leg.account,
        instrument_id: leg.instrument,
        qty: leg.position.get(),
        cost: leg.cost,
        mark: instrument.mark.into(),
        liquidation_mark: ledger.liquidation_mark(leg.account, leg_id).into(),
        bankruptcy_px: bankruptcy.into(),
        unrealized_pnl: ledger.unrealised(leg, mark),
        maintenance_margin: ledger.maintenance_of(leg).ceil(),
        notional: instrument.notional(leg.position.size(), mark),
        leverage_e2: leg.leverage.get(),
        funding_owed: ledger.funding_owed(leg),
        settlement_asset: instrument.settlement(),
        unhedged_lots,
        level_e9: I64N::leverage(level),
    }
}

fn wire_side(side: Side) -> Code<types::Side> {
    Code::of(match side {
        Side::Buy => types::Side::Buy,
        Side::Sell => types::Side::Sell,
    })
}

fn open_orders(
    venue: &Venue,
    query_id: u64,
    account: AccountId,
    instrument: Option<InstrumentId>,
) -> Result<Found, Reject> {
    known(venue, account)?;
    let orders = family(venue, account).flat_map(|one| {
        venue.open_orders_in(one, instrument).map(move |order| order_row(query_id, one, &order))
    });
    let (code, rows) = first(orders, ROWS_MAX);
    Ok((code, Rows::OpenOrders(rows)))
}

fn one_order(
    venue: &Venue,
    query_id: u64,
    account: AccountId,
    session: SessionId,
    order: OrderRef,
) -> Result<Found, Reject> {
    known(venue, account)?;
    let found = venue.find_open(session, account, order).ok_or(Reject::UnknownOrder)?;
    let acting = venue.isolated_positions(account).find(|(at, _, is_on)| *is_on && *at == found.instrument);
    let account = acting.map_or(account, |(_, acting, _)| acting);
    Ok((0, Rows::OpenOrders(vec![order_row(query_id, account, &found)])))
}

fn order_row(query_id: u64, account: AccountId, order: &OpenOrderView) -> OpenOrder {
    let bit = |is_set: bool, bit: u16| if is_set { bit } else { 0 };
    let trigger = order.special.and_then(|special| special.trigger);
    OpenOrder {
        query_id,
        order_id: order.id,
        cl_ord_id: order.client_order_id,
        session_id: u64::from(order.session.get()),
        account_id: account,
        instrument_id: order.instrument,
        price: order.price,
        leaves_qty: order.leaves,
        cum_qty: order.filled,
        flags: OrdFlags(
            bit(order.reduce_only, OrdFlags::REDUCE_ONLY) | bit(order.persistent, OrdFlags::PERSIST),
        ),
        side: wire_side(order.side),
        shown_qty: order.special.map_or(order.leaves, |special| special.shown),
        trigger_price: trigger.map(|trigger| trigger.price).into(),
        expire_time: translate::deadline(
            order.special.map_or_else(TimeNs::default, |special| special.expires),
        ),
        user_tag: order.special.map_or(0, |special| special.tag.get()),
        protection_group: order.special.map_or(0, |special| special.protection.get()),
        trigger_kind: Code::of(
            trigger.map_or(types::TriggerKind::None, |trigger| translate::trigger_kind(trigger.kind)),
        ),
        trigger_src: Code::of(
            trigger.map_or(types::TriggerSrc::Last, |trigger| translate::trigger_src(trigger.source)),
        ),
        stage: Code::of(order.special.map_or(types::OrderStage::Live, |special| stage(special.stage))),
    }
}

const fn stage(stage: Stage) -> types::OrderStage {
    match stage {
        Stage::Held => types::OrderStage::Held,
        Stage::Dormant => types::OrderStage::Dormant,
        Stage::Waiting => types::OrderStage::Waiting,
        Stage::Live => types::OrderStage::Live,
    }
}
