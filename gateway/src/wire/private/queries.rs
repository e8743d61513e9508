//! Questions and the rows of their answers.
//!
//! Invariant: none of them is numbered; an answer ends with a `QueryEnd` that names the
//! command it is the state after.

use engine::{ClientOrderId, OrderId, Seq};
use risk::{AccountId, AssetId, InstrumentId, Money, Price, Qty};

use crate::wire::message::{Group, messages, rows};
use crate::wire::types::{
    AccountStatus, Chars16, Code, ContractKind, I64N, IdN, LiquidationStage, MarginState, MarkN, Millis,
    OrdFlags, OrderStage, PriceN, Side, TimeNsN, TradingState, TriggerKind, TriggerSrc, U32N,
};

messages! {
    /// Asks for an account's resting orders. Client to venue.
    120 OpenOrdersQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Which; none is all.
        instrument_id: U32N,
    }
    /// Asks for one resting order. Client to venue.
    121 OrderStatusQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Which, by the venue's number.
        order_id: IdN,
        /// Which, by the client's number in this session; used when there is no order number.
        cl_ord_id: IdN,
    }
    /// Asks for every instrument. Client to venue.
    122 InstrumentQuery {
        /// The client's number of the query.
        query_id: u64,
    }
    /// Asks for the price levels of a book. Client to venue.
    123 BookQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// Levels of each side.
        depth: u16,
    }
    /// A resting order: a row of an answer. Venue to client.
    220 OpenOrder {
        /// The client's number of the query.
        query_id: u64,
        /// The venue's number of the order.
        order_id: OrderId,
        /// The client's number of the order.
        cl_ord_id: ClientOrderId,
        /// The session it came by.
        session_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Limit price; 0 of a market order that waits for its trigger.
        price: Price,
        /// What remains to fill.
        leaves_qty: Qty,
        /// Filled since acceptance.
        cum_qty: Qty,
        /// Bits.
        flags: OrdFlags,
        /// Side.
        side: Code<Side>,
        /// What others see of it in the book.
        shown_qty: Qty,
        /// What it waits for, or waited for: a price, or the distance of a trailing stop.
        trigger_price: PriceN,
        /// When it is gone by itself.
        expire_time: TimeNsN,
        /// The client's own mark on it; 0 is none.
        user_tag: u64,
        /// Market-maker protection group; 0 is none.
        protection_group: u16,
        /// Which way the price must go.
        trigger_kind: Code<TriggerKind>,
        /// Which price; any value without a trigger.
        trigger_src: Code<TriggerSrc>,
        /// Where it is in its life.
        stage: Code<OrderStage>,
    }
    /// An answer is complete. Venue to client.
    221 QueryEnd {
        /// The client's number of the query.
        query_id: u64,
        /// The answer is the state after this command.
        engine_seq: Seq,
        /// Messages it consists of, this one left out.
        rows: u32,
        /// 0, or why there is none.
        code: u16,
    }
    /// An instrument: a row of an answer. Venue to client.
    230 InstrumentDef {
        /// The client's number of the query.
        query_id: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// Prices are multiples of it.
        tick: Price,
        /// Quantities are multiples of it.
        lot: Qty,
        /// Highest order price.
        price_max: Price,
        /// Largest order.
        order_qty_max: Qty,
        /// Index price.
        index: MarkN,
        /// Mark price.
        mark: MarkN,
        /// Open interest.
        open_interest: Qty,
        /// Highest leverage, in hundredths.
        leverage_max_e2: u32,
        /// Maker fee in parts per billion; negative is a rebate.
        maker_fee: i32,
        /// Taker fee in parts per billion.
        taker_fee: u32,
        /// Decimals of a price.
        price_decimals: u8,
        /// Decimals of a quantity.
        qty_decimals: u8,
        /// Decimals of money.
        money_decimals: u8,
        /// What it admits.
        state: Code<TradingState>,
        /// Name.
        symbol: Chars16,
        /// Largest value of one order; 0 is no limit.
        order_notional_max: Money,
        /// Largest position.
        position_max: Qty,
        /// Largest open interest.
        open_interest_max: Qty,
        /// Most orders of one account.
        orders_max: u32,
        /// Band around the mark, in parts per billion.
        price_band: u32,
        /// Collar of market orders, in parts per billion.
        market_collar: u32,
        /// Matching pauses beyond this distance from the mark, in parts per billion; 0 is never.
        limit_state_band: u32,
        /// How long the auction lasts that ends such a pause.
        limit_state_call: Millis,
        /// The asset profits, fees and requirements are counted in; `money_decimals` are its.
        settlement_asset: AssetId,
        /// How price and quantity make a value.
        contract_kind: Code<ContractKind>,
        /// When a dated future ends; none is a perpetual.
        expiry: TimeNsN,
        /// Largest position of all accounts of one owner together; 0 is no limit.
        owner_position_max: Qty,
    }
    /// Price levels of one side, best first: a row of an answer. Venue to client.
    231 BookLevels {
        /// The client's number of the query.
        query_id: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// Side.
        side: Code<Side>,
    } [
        /// The levels.
        levels: Group<Level>
    ]
    /// Asks for an account and its positions. Client to venue.
    300 RiskQuery {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
    }
    /// An account: a row of an answer. Venue to client.
    310 AccountState {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Cash in the unit of account.
        balance: Money,
        /// Equity less the balance: profit and loss of positions and what other assets count for, rounded down.
        unrealized_pnl: Money,
        /// Balance plus unrealised profit and loss, and what other assets count for.
        equity: Money,
        /// Required for positions and open orders, rounded up.
        initial_margin: Money,
        /// Below it the account is liquidated; rounded up.
        maintenance_margin: Money,
        /// Equity left for new initial margin, rounded down.
        available: Money,
        /// What may be withdrawn in the unit of account.
        withdrawable: Money,
        /// Gross notional of the positions.
        exposure: Money,
        /// Exposure over equity, in billionths; none when equity is not positive.
        leverage_e9: I64N,
        /// Maintenance margin over equity, in billionths; none when equity is not positive.
        margin_ratio_e9: I64N,
        /// Decimals of money.
        money_decimals: u8,
        /// What it may do.
        status: Code<AccountStatus>,
        /// What of the equity counts for initial margin, rounded down.
        initial_equity: Money,
        /// Equity against maintenance margin.
        margin_state: Code<MarginState>,
        /// Where its liquidation is.
        liquidation: Code<LiquidationStage>,
        /// Steps that its liquidation has taken through the book.
        liquidation_steps: u16,
    }
    /// A position: a row of an answer. Venue to client.
    311 PositionState {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Position; short is negative.
        qty: i64,
        /// The sum of its signed fill values.
        cost: Money,
        /// Mark price.
        mark: MarkN,
        /// Mark at which the account is liquidated, if only this mark moves.
        liquidation_mark: MarkN,
        /// Price at which closing it now would use up its share of the equity.
        bankruptcy_px: PriceN,
        /// Unrealised profit and loss, rounded down.
        unrealized_pnl: Money,
        /// Of this position, rounded up.
        maintenance_margin: Money,
        /// Size at mark, rounded up.
        notional: Money,
        /// Setting in hundredths; 0 when there is none.
        leverage_e2: u32,
        /// Funding that is owed and not booked, counted in `unrealized_pnl`; negative where it is to be received.
        funding_owed: Money,
        /// The asset that all of this is counted in.
        settlement_asset: AssetId,
        /// Whole lots that no other position of the same underlying hedges.
        unhedged_lots: i64,
        /// Their value at the mark over the account's equity, in billionths, rounded up; none when equity is not positive. A
        /// deleveraging of the other side cuts it when its level falls below this.
        level_e9: I64N,
    }
}

rows! {
    /// A price level.
    Level {
        /// Price.
        price: Price,
        /// Quantity resting there.
        qty: Qty,
    }
}
