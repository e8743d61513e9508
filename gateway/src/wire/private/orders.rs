//! Orders: requests, and what becomes of them.
//!
//! Invariant: every event of an order names it by the venue's number and by the client's.

use engine::{ClientOrderId, ClientSeq, OrderId, Seq, TimeNs, TradeId};
use risk::{AccountId, InstrumentId, Money, Price, Qty};

use crate::wire::message::messages;
use crate::wire::types::{
    CancelReason, Code, FillKind, IdN, Liquidity, Millis, MoneyN, OrdFlags, OrdType, PostOnlyMode, PriceN,
    QtyN, Side, Stp, Tif, TimeNsN, TriggerSrc, TrimReason, U32N,
};

messages! {
    /// A new order. Client to venue.
    100 NewOrder {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// Limit price; none for types without one.
        price: PriceN,
        /// Total quantity; money for `QuoteNotional`, 0 with `ClosePosition`.
        qty: Qty,
        /// Shown quantity of an iceberg order; none shows all.
        display_qty: QtyN,
        /// Price that fires a stop or a take-profit; distance of a trailing stop.
        trigger_price: PriceN,
        /// When a `GTD` order is gone.
        expire_time: TimeNsN,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
        /// The client's own mark on its orders; 0 is none.
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
        /// Which price fires the trigger; any value without one.
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
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
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
        /// New limit price; of an order that waits for its trigger none makes it a market order.
        new_price: PriceN,
        /// New total quantity, filled quantity included.
        new_total_qty: QtyN,
        /// New trigger price, or distance, of an order that waits for its trigger; none for any other.
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
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
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
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
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
        /// Worst price it trades at; 0 of a market order that waits for its trigger.
        price: Price,
        /// Total quantity, after a reduce-only cut.
        qty: Qty,
        /// Bits.
        flags: OrdFlags,
        /// Side.
        side: Code<Side>,
        /// Life time.
        tif: Code<Tif>,
        /// Shown quantity of an iceberg order.
        display_qty: QtyN,
        /// When it is gone by itself.
        expire_time: TimeNsN,
        /// The client's own mark on it; 0 is none.
        user_tag: u64,
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
    /// An order became smaller without a fill. Venue to client.
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
        /// Why.
        reason: Code<TrimReason>,
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
}
