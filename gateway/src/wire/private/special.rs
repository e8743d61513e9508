//! Orders with instructions, batches, quotes and market-maker protection: requests, and what becomes of them.
//!
//! Invariant: an order is described by the same fields in the same order, whatever it comes by.

use engine::{ClientOrderId, OrderId, Seq, TimeNs};
use risk::{AccountId, InstrumentId, Mark, Price, Qty};

use super::NewOrder;
use crate::wire::message::{Group, messages, rows};
use crate::wire::types::{
    BatchMode, Code, IdN, Millis, MoneyN, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, Side, Stp, Tif,
    TimeNsN, TriggerKind, TriggerSrc, U32N,
};

messages! {
    /// Several orders at once. Client to venue.
    105 OrderBatch {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
        /// How they belong together.
        mode: Code<BatchMode>,
    } [
        /// The orders, in the order they are taken.
        orders: Group<BatchRow>
    ]
    /// A new order with everything an order may say. Client to venue.
    106 AdvancedOrder {
        /// The client's name for the request; above every one its session has used. With exits the next two numbers are
        /// theirs: the take-profit's, then the stop's.
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
        /// Least quantity that must trade at once; none is none.
        min_qty: QtyN,
        /// Price that fires a stop or a take-profit; distance of a trailing stop.
        trigger_price: PriceN,
        /// When a `GTD` order is gone.
        expire_time: TimeNsN,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
        /// The client's own mark on its orders; 0 is none.
        user_tag: u64,
        /// Price that fires the take-profit that comes with the order; none without.
        take_profit_trigger: PriceN,
        /// Limit price of the take-profit; none is a market order.
        take_profit_price: PriceN,
        /// Price that fires the stop that comes with the order; none without.
        stop_loss_trigger: PriceN,
        /// Limit price of the stop; none is a market order.
        stop_loss_price: PriceN,
        /// Market-maker protection group; 0 is none.
        protection_group: u16,
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
        /// Which price fires the trigger.
        trigger_src: Code<TriggerSrc>,
        /// Which price fires the exits.
        exit_src: Code<TriggerSrc>,
        /// Whether it must not take.
        post_only: Code<PostOnlyMode>,
    }
    /// Cancels the orders of an account that fit every condition. Client to venue.
    107 CancelMany {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Which instrument; none is all.
        instrument_id: U32N,
        /// Which tag; none is every tag, and none.
        user_tag: IdN,
        /// 0 both sides, 1 buy, 2 sell.
        side: u8,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
    }
    /// Several quotes at once; each replaces what the session quoted before at that level. Client to venue.
    110 MassQuote {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
        /// Market-maker protection group of all of them; 0 is none.
        protection_group: u16,
        /// 1: all are taken or none.
        all_or_none: u8,
    } [
        /// The quotes.
        quotes: Group<QuoteRow>
    ]
    /// Sets the limits of a market-maker protection group. Client to venue.
    111 SetProtection {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Trips when the quantity filled in a window reaches it; 0 is no limit.
        qty_limit: Qty,
        /// Trips when the size of the net quantity filled in a window reaches it; 0 is no limit.
        delta_limit: Qty,
        /// Trips when the number of fills in a window reaches it; 0 is no limit.
        fills_limit: u32,
        /// How long fills are counted together; 0 ends the group.
        window: Millis,
        /// How long it stays frozen after it tripped; 0 is until reset.
        frozen: Millis,
        /// Which group; not 0.
        protection_group: u16,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
    }
    /// Unfreezes a protection group and forgets what it has counted. Client to venue.
    112 ResetProtection {
        /// The client's name for the request; above every one its session has used.
        cl_ord_id: ClientOrderId,
        /// Whose.
        account_id: AccountId,
        /// Which group.
        protection_group: u16,
        /// Refused when sequenced after this time.
        valid_until: TimeNsN,
    }
    /// A trigger fired; the order takes its turn. Venue to client.
    205 OrderTriggered {
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
        /// The price it waited for.
        trigger_price: Price,
        /// The price that fired it.
        watched: Mark,
    }
    /// An order waits for its trigger from now on. Venue to client.
    206 OrderArmed {
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
        /// The price that fires it as things stand.
        trigger_price: Price,
        /// Limit price once fired; none is a market order.
        price: PriceN,
        /// What remains to fill; 0 is the position at the time it fires.
        leaves_qty: Qty,
        /// The request of this session that brought it about, if one did.
        request_id: IdN,
        /// Which way the price must go.
        trigger_kind: Code<TriggerKind>,
        /// Which price.
        trigger_src: Code<TriggerSrc>,
    }
    /// An order that fired is an order like any other from now on. Venue to client.
    208 OrderActivated {
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
        /// What remains to fill.
        leaves_qty: Qty,
    }
    /// An iceberg order shows its next part. Venue to client.
    209 OrderRefreshed {
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
        /// Shown from now on.
        shown_qty: Qty,
        /// What remains to fill, shown and hidden.
        leaves_qty: Qty,
    }
    /// A mass quote is done. Venue to client.
    211 MassQuoteAck {
        /// The client's name for the request.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Sides that were taken.
        taken: u32,
        /// Sides that were refused.
        refused: u32,
    }
    /// A protection group tripped; cancellations follow. Venue to client.
    212 ProtectionTripped {
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Until when it admits nothing; none is until reset.
        frozen_until: TimeNsN,
        /// Whose.
        account_id: AccountId,
        /// Which group.
        protection_group: u16,
    }
    /// One side of a quote was refused; what stood there is withdrawn. Venue to client.
    215 QuoteRefused {
        /// The client's name for the request.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Where.
        instrument_id: InstrumentId,
        /// How much margin is missing, where it is.
        short: MoneyN,
        /// The broken rule.
        code: u16,
        /// Which quote.
        level: u8,
        /// Which side.
        side: Code<Side>,
    }
    /// A protection group was set, ended or reset. Venue to client.
    216 ProtectionAck {
        /// The client's name for the request.
        cl_ord_id: ClientOrderId,
        /// Place of the command in the venue's total order.
        engine_seq: Seq,
        /// Time of sequencing.
        transact_time: TimeNs,
        /// Whose.
        account_id: AccountId,
        /// Which group.
        protection_group: u16,
    }
}

rows! {
    /// One order of a batch.
    BatchRow {
        /// The client's number of it; rises, above the request's own.
        cl_ord_id: ClientOrderId,
        /// Where.
        instrument_id: InstrumentId,
        /// Limit price; none for types without one.
        price: PriceN,
        /// Total quantity; money for `QuoteNotional`, 0 with `ClosePosition`.
        qty: Qty,
        /// Shown quantity of an iceberg order; none shows all.
        display_qty: QtyN,
        /// Least quantity that must trade at once; none is none.
        min_qty: QtyN,
        /// Price that fires a stop or a take-profit; distance of a trailing stop.
        trigger_price: PriceN,
        /// When a `GTD` order is gone.
        expire_time: TimeNsN,
        /// The client's own mark on its orders; 0 is none.
        user_tag: u64,
        /// Price that fires the take-profit that comes with the order; none without.
        take_profit_trigger: PriceN,
        /// Limit price of the take-profit; none is a market order.
        take_profit_price: PriceN,
        /// Price that fires the stop that comes with the order; none without.
        stop_loss_trigger: PriceN,
        /// Limit price of the stop; none is a market order.
        stop_loss_price: PriceN,
        /// Market-maker protection group; 0 is none.
        protection_group: u16,
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
        /// Which price fires the trigger.
        trigger_src: Code<TriggerSrc>,
        /// Which price fires the exits.
        exit_src: Code<TriggerSrc>,
        /// Whether it must not take.
        post_only: Code<PostOnlyMode>,
    }
    /// Both sides of a price. A quantity of 0 withdraws the side.
    QuoteRow {
        /// Where.
        instrument_id: InstrumentId,
        /// Price of the buy side.
        bid_px: Price,
        /// Quantity of the buy side.
        bid_qty: Qty,
        /// Price of the sell side.
        ask_px: Price,
        /// Quantity of the sell side.
        ask_qty: Qty,
        /// Tells several quotes in one instrument apart; below 16.
        level: u8,
    }
}

impl NewOrder {
    /// The same order in the message that has room for everything.
    #[must_use]
    pub fn in_full(&self) -> AdvancedOrder {
        AdvancedOrder {
            cl_ord_id: self.cl_ord_id,
            account_id: self.account_id,
            instrument_id: self.instrument_id,
            price: self.price,
            qty: self.qty,
            display_qty: self.display_qty,
            min_qty: QtyN::NONE,
            trigger_price: self.trigger_price,
            expire_time: self.expire_time,
            valid_until: self.valid_until,
            user_tag: self.user_tag,
            take_profit_trigger: PriceN::NONE,
            take_profit_price: PriceN::NONE,
            stop_loss_trigger: PriceN::NONE,
            stop_loss_price: PriceN::NONE,
            protection_group: 0,
            flags: self.flags,
            side: self.side,
            ord_type: self.ord_type,
            tif: self.tif,
            stp: self.stp,
            trigger_src: self.trigger_src,
            exit_src: self.trigger_src,
            post_only: self.post_only,
        }
    }
}

impl AdvancedOrder {
    /// The same order as one of a batch.
    #[must_use]
    pub fn batched(&self) -> BatchRow {
        BatchRow {
            cl_ord_id: self.cl_ord_id,
            instrument_id: self.instrument_id,
            price: self.price,
            qty: self.qty,
            display_qty: self.display_qty,
            min_qty: self.min_qty,
            trigger_price: self.trigger_price,
            expire_time: self.expire_time,
            user_tag: self.user_tag,
            take_profit_trigger: self.take_profit_trigger,
            take_profit_price: self.take_profit_price,
            stop_loss_trigger: self.stop_loss_trigger,
            stop_loss_price: self.stop_loss_price,
            protection_group: self.protection_group,
            flags: self.flags,
            side: self.side,
            ord_type: self.ord_type,
            tif: self.tif,
            stp: self.stp,
            trigger_src: self.trigger_src,
            exit_src: self.exit_src,
            post_only: self.post_only,
        }
    }
}
