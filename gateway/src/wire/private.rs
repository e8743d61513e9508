//! The private schema: every message between a client and the venue.
//!
//! Invariant: fields are only ever appended to a block, with a new version; numbers of templates and fields are never
//! used twice. What a field is called in the schema is its name here in camel case; fields count from 1.

use engine::{ClientOrderId, ClientSeq, KeyId, OrderId, Seq, TimeNs, TradeId};
use risk::{AccountId, InstrumentId, Mark, Money, Price, Qty};

use super::message::{Group, Text, messages, rows};
use super::types::{
    AccountStatus, CancelReason, Chars16, Code, CodMode, Durability, FillKind, I64N, IdN, Liquidity, MarkN, Millis,
    MoneyN, Octets, OrdFlags, OrdType, Permissions, PostOnlyMode, PriceN, QtyN, SessionKind, Side, Stp, TermCode, Tif,
    TimeNsN, TradingState, TriggerSrc, U16N, U32N,
};

messages! {
    /// First frame of a connection: who comes, for which session, and what it has. Client to venue.
    1 Hello {
        /// Version of this protocol: 1.
        protocol_version: u32,
        /// Which key will sign.
        key_id: KeyId,
        /// Tells sessions of one key and kind apart.
        session_tag: u32,
        /// What for.
        kind: Code<SessionKind>,
        /// What is cancelled when the session is lost.
        cod_mode: Code<CodMode>,
        /// How long after the connection is gone.
        cod_grace: Millis,
        /// Longest silence of either side.
        heartbeat: Millis,
        /// Number of the client's next request, as it believes.
        next_send_seq_no: ClientSeq,
        /// First venue number wanted; 0 is all that is kept.
        next_expected_seq_no: u64,
        /// Fresh random octets.
        client_nonce: Octets<32>,
    }
    /// What the client has to sign. Venue to client.
    2 Challenge {
        /// The venue's time.
        server_time: TimeNs,
        /// Names the venue's log.
        engine_epoch: u64,
        /// Fresh random octets.
        server_nonce: Octets<32>,
    }
    /// The signature. Client to venue.
    3 LogonProof {
        /// As in Hello.
        key_id: KeyId,
        /// Ed25519 over the domain, the Hello block, the Challenge block and 32 zero octets.
        signature: Octets<64>,
    }
    /// The session is taken up. Venue to client.
    4 LogonAck {
        /// The venue's number of the session.
        session_id: u64,
        /// Names the venue's log.
        engine_epoch: u64,
        /// The venue's time.
        server_time: TimeNs,
        /// Number of the next event.
        next_venue_seq_no: u64,
        /// Last number of this session in the log.
        last_client_seq_no: ClientSeq,
        /// Last client order number of this session in the log.
        last_cl_ord_id: ClientOrderId,
        /// First event that can be sent again.
        oldest_retained: u64,
        /// Longest silence of either side, as agreed.
        heartbeat: Millis,
        /// Grace, as agreed.
        cod_grace: Millis,
        /// Requests that may come at once.
        bucket_capacity: u32,
        /// Requests a second after that.
        bucket_rate: u32,
        /// Longest frame the venue takes.
        max_frame: u32,
        /// As agreed.
        cod_mode: Code<CodMode>,
        /// What it takes before an event leaves the venue.
        durability: Code<Durability>,
    }
    /// No session; the connection ends. Venue to client.
    5 LogonReject {
        /// The venue's time.
        server_time: TimeNs,
        /// Why.
        code: u16,
    } [
        /// Why, in words.
        text: Text
    ]
    /// A sign of life. Both directions.
    6 Heartbeat {
        /// The sender's time.
        send_time: TimeNs,
        /// `send_time` of the TestRequest or Heartbeat answered; 0 when none is.
        echo_time: TimeNs,
    }
    /// Asks for a heartbeat at once. Both directions.
    7 TestRequest {
        /// Free.
        token: u64,
        /// The sender's time.
        send_time: TimeNs,
    }
    /// Asks for events again. Client to venue.
    8 ResendRequest {
        /// The first.
        from_seq_no: u64,
        /// How many; 0 is all that follow.
        count: u32,
    }
    /// Events that are no longer kept. Venue to client.
    9 GapFill {
        /// The first.
        from_seq_no: u64,
        /// The last.
        to_seq_no: u64,
        /// Why.
        code: u16,
    }
    /// Ends the session in order. Both directions.
    10 Logout {
        /// Why.
        code: Code<TermCode>,
        /// 1: the session's orders go as when it is lost. 0: they stay.
        cancel_orders: u8,
    }
    /// The venue ends the connection. Venue to client.
    11 Terminate {
        /// The venue's time.
        server_time: TimeNs,
        /// Number of the next event.
        next_venue_seq_no: u64,
        /// Last number of this session in the log.
        last_client_seq_no: ClientSeq,
        /// Why.
        code: Code<TermCode>,
    } [
        /// Why, in words.
        text: Text
    ]
    /// A well-framed request that could not be read or may not be asked. Venue to client, numbered where the request was.
    12 SessionReject {
        /// Number of the request.
        ref_seq_no: ClientSeq,
        /// Its template.
        ref_template_id: u16,
        /// Why.
        code: u16,
        /// Number of the field at fault, from 1.
        field_id: U16N,
    }
    /// Requests that came too fast: the numbers `ref_seq_no - count + 1` to `ref_seq_no`. Venue to client.
    13 ThrottleReject {
        /// Number of the last of them.
        ref_seq_no: ClientSeq,
        /// How many.
        count: u32,
        /// When there is room for one.
        retry_after_ns: u64,
        /// Template of the last of them.
        ref_template_id: u16,
    }
    /// A new order. Client to venue.
    100 NewOrder {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Limit price; none for a market order.
        price: PriceN,
        /// Total quantity.
        qty: Qty,
        /// Reserved: none.
        display_qty: QtyN,
        /// Reserved: none.
        trigger_price: PriceN,
        /// Reserved: none.
        expire_time: TimeNsN,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
        /// Reserved: 0.
        user_tag: u64,
        /// Bits.
        flags: OrdFlags,
        /// Side.
        side: Code<Side>,
        /// Type.
        ord_type: Code<OrdType>,
        /// Life time.
        tif: Code<Tif>,
        /// Self-trade prevention.
        stp: Code<Stp>,
        /// Reserved: any value.
        trigger_src: Code<TriggerSrc>,
        /// Whether it must not take.
        post_only: Code<PostOnlyMode>,
    }
    /// Cancels one order. Client to venue.
    101 CancelOrder {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Which, by the venue's number.
        order_id: IdN,
        /// Which, by the client's number in this session; used when there is no order number.
        orig_cl_ord_id: IdN,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
    }
    /// Changes one resting order. Client to venue.
    102 AmendOrder {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Which, by the venue's number.
        order_id: IdN,
        /// Which, by the client's number in this session; used when there is no order number.
        orig_cl_ord_id: IdN,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// New limit price.
        new_price: PriceN,
        /// New total quantity, filled quantity included.
        new_total_qty: QtyN,
        /// Reserved: none.
        new_trigger_price: PriceN,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
        /// Whether it must not take.
        post_only: Code<PostOnlyMode>,
    }
    /// Cancels all orders of an account, or those in one instrument. Client to venue.
    103 MassCancel {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Which; none is all.
        instrument_id: U32N,
    }
    /// Arms or disarms the session's dead-man timer. Client to venue.
    104 CancelAllAfter {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// From the time of sequencing; 0 disarms.
        timeout: Millis,
        /// 1: reduce-only orders stay.
        keep_reduce_only: u8,
    }
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
    /// An order was accepted. Venue to client.
    200 OrderAccepted {
        /// The venue's number of the order.
        order_id: OrderId,
        /// The client's number of the order.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Worst price it trades at.
        price: Price,
        /// Total quantity, after a reduce-only cut.
        qty: Qty,
        /// Bits.
        flags: OrdFlags,
        /// Side.
        side: Code<Side>,
        /// Life time.
        tif: Code<Tif>,
    }
    /// A request was refused. Venue to client.
    201 RequestRejected {
        /// The client's name for the request.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Number of the request.
        ref_seq_no: ClientSeq,
        /// How much is missing, where money is.
        short: MoneyN,
        /// Template of the request.
        ref_template_id: u16,
        /// The broken rule.
        code: u16,
    }
    /// A match, with the account after it. Venue to client.
    202 OrderFilled {
        /// The venue's number of the order.
        order_id: OrderId,
        /// The client's number of the order.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Number of the match.
        trade_id: TradeId,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Price.
        last_px: Price,
        /// Quantity.
        last_qty: Qty,
        /// What remains of the order.
        leaves_qty: Qty,
        /// Fee; negative is a rebate.
        fee: Money,
        /// Position after it; short is negative.
        position_qty: i64,
        /// Cost of the position: the sum of its signed fill values.
        position_cost: Money,
        /// Balance after it.
        balance: Money,
        /// Side of this order.
        side: Code<Side>,
        /// Maker or taker.
        liquidity: Code<Liquidity>,
        /// Ordinary, or of a liquidation.
        fill_kind: Code<FillKind>,
    }
    /// An order, or its rest, is gone. Venue to client.
    203 OrderCanceled {
        /// The venue's number of the order.
        order_id: OrderId,
        /// The client's number of the order.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Quantity cancelled.
        canceled_qty: Qty,
        /// The request of this session that brought it about, if one did.
        request_id: IdN,
        /// Why.
        reason: Code<CancelReason>,
    }
    /// A resting order was changed. Venue to client.
    204 OrderAmended {
        /// The venue's number of the order.
        order_id: OrderId,
        /// The client's number of the order.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Limit price from now on.
        price: Price,
        /// Total quantity from now on.
        total_qty: Qty,
        /// What remains to fill.
        leaves_qty: Qty,
        /// The request of this session that brought it about, if one did.
        request_id: IdN,
        /// 1: it kept its place in the queue.
        priority_kept: u8,
    }
    /// A reduce-only order was cut to what is left of the position. Venue to client.
    207 OrderTrimmed {
        /// The venue's number of the order.
        order_id: OrderId,
        /// The client's number of the order.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// What remains to fill.
        leaves_qty: Qty,
    }
    /// A mass cancel is done. Venue to client.
    210 MassCancelAck {
        /// The client's name for the request.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// How many orders.
        canceled: u32,
    }
    /// The dead-man timer was armed or disarmed. Venue to client.
    213 CancelAllAfterAck {
        /// The client's name for the request.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// When it runs out; none when disarmed.
        deadline: TimeNsN,
        /// Whose.
        account_id: AccountId,
    }
    /// The session's dead-man timer ran out; cancellations follow. Venue to client.
    214 DeadManFired {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
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
        /// Limit price.
        price: Price,
        /// What remains to fill.
        leaves_qty: Qty,
        /// Filled since acceptance.
        cum_qty: Qty,
        /// Bits.
        flags: OrdFlags,
        /// Side.
        side: Code<Side>,
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
    /// Sets an account's leverage in one instrument. Client to venue.
    301 SetLeverage {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// In hundredths; 0 leaves it to the instrument's table.
        leverage_e2: u32,
    }
    /// An account: a row of an answer. Venue to client.
    310 AccountState {
        /// The client's number of the query.
        query_id: u64,
        /// Whose.
        account_id: AccountId,
        /// Cash.
        balance: Money,
        /// Unrealised profit and loss, rounded down.
        unrealized_pnl: Money,
        /// Balance plus unrealised profit and loss.
        equity: Money,
        /// Required for positions and open orders, rounded up.
        initial_margin: Money,
        /// Below it the account is liquidated; rounded up.
        maintenance_margin: Money,
        /// Equity left for new initial margin, rounded down.
        available: Money,
        /// What may be withdrawn.
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
    }
    /// Money came in or went out. Venue to client.
    313 BalanceChange {
        /// The request of this session that brought it about, if one did.
        request_id: IdN,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Signed amount.
        amount: Money,
        /// Balance after it.
        balance: Money,
    }
    /// The account is below maintenance margin. Venue to client.
    315 LiquidationStart {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Equity, rounded down.
        equity: Money,
        /// Maintenance margin, rounded up.
        maintenance_margin: Money,
    }
    /// A leverage setting changed. Venue to client.
    317 LeverageSet {
        /// The request of this session that brought it about, if one did.
        request_id: IdN,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// From now on.
        leverage_e2: u32,
    }
    /// The insurance account took over what the book would not take. Venue to client.
    318 PositionTakenOver {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Position taken over.
        position_qty: i64,
        /// What the account received for it.
        amount: Money,
    }
    /// The liquidation is over. Venue to client.
    319 LiquidationEnd {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Equity, rounded down.
        equity: Money,
        /// Paid by the insurance account.
        covered: Money,
    }
    /// The operator changed what the account may do. Venue to client.
    320 AccountStatusChanged {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// From now on.
        status: Code<AccountStatus>,
    }
    /// Defines an instrument. Admin to venue.
    400 InstrumentDefine {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
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
        /// Largest position.
        position_max: Qty,
        /// Largest open interest.
        open_interest_max: Qty,
        /// Quote currency per contract and price unit.
        multiplier: u32,
        /// Band around the mark, in parts per billion.
        price_band: u32,
        /// Collar of market orders, in parts per billion.
        market_collar: u32,
        /// Largest move of the mark per index price, in parts per billion.
        mark_step_max: u32,
        /// Parts per billion; negative is a rebate.
        maker_fee: i32,
        /// Parts per billion.
        taker_fee: u32,
        /// Parts per billion.
        liquidation_fee: u32,
        /// Decimals of a price.
        price_decimals: u8,
        /// Decimals of a quantity.
        qty_decimals: u8,
        /// Decimals of money.
        money_decimals: u8,
        /// Name.
        symbol: Chars16,
    } [
        /// Margin brackets.
        tiers: Group<TierRow>
    ]
    /// Changes what an instrument admits. Admin to venue.
    401 SetTradingState {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// From now on.
        state: Code<TradingState>,
    }
    /// Opens an account. Admin to venue.
    402 AccountCreate {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
    }
    /// Money into an account, or out of it. Admin to venue.
    403 Transfer {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Positive in, negative out.
        amount: Money,
    }
    /// The operator's switch for an account: Active, ReduceOnly or Suspended. Admin to venue.
    404 SetAccountStatus {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// From now on.
        status: Code<AccountStatus>,
        /// 1: its resting orders go at once.
        cancel_orders: u8,
    }
    /// Registers a public key. Admin to venue.
    405 KeyRegister {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// A number not in use.
        key_id: KeyId,
        /// Whose.
        account_id: AccountId,
        /// Kinds of session it may open.
        permissions: Permissions,
        /// From then on it opens no session.
        expires: TimeNsN,
        /// Ed25519 public key.
        public_key: Octets<32>,
    }
    /// Ends what a key admits to, its connections included. Admin to venue.
    408 KeyRevoke {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Which.
        key_id: KeyId,
    }
    /// Cancels all orders of an account. Admin to venue.
    409 AdminMassCancel {
        /// The client's name for the request; above every one its session has used.
        request_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Which; none is all.
        instrument_id: U32N,
    }
    /// An admin request is done or refused. Venue to client.
    420 AdminAck {
        /// The client's name for the request.
        request_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Template of the request.
        ref_template_id: u16,
        /// 0, or the broken rule.
        code: u16,
    }
    /// An index price. Oracle to venue.
    450 IndexPrice {
        /// Rises per source and instrument.
        source_seq: u64,
        /// Where.
        instrument_id: InstrumentId,
        /// Price with 1,024 sub-units to a price unit.
        price: Mark,
        /// Where it comes from.
        source_id: u16,
    }
    /// An index price was taken or refused. Venue to client.
    451 OracleAck {
        /// As sent.
        source_seq: u64,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Where.
        instrument_id: InstrumentId,
        /// Mark from now on.
        mark: MarkN,
        /// 0, or the broken rule.
        code: u16,
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
    /// A margin bracket.
    TierRow {
        /// Notional at which it begins.
        floor: Money,
        /// Marginal rate in parts per billion.
        rate: u32,
        /// 1 initial margin, 2 maintenance margin.
        table: u8,
    }
}
