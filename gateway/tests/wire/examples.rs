//! The frames that the protocol's description shows: one conversation, made of real values.
//!
//! Invariant: every octet is fixed, the signature included; Ed25519 signs without randomness.

use ed25519_dalek::{Signer, SigningKey};
use engine::{ClientOrderId, ClientSeq, KeyId, OrderId, Seq, TimeNs, TradeId};
use gateway::wire::private::{
    AdvancedOrder, BookLevels, BookQuery, CancelOrder, Challenge, FromClient, FromVenue, GapFill, Heartbeat,
    Hello, Level, LogonAck, LogonProof, MarginStateChanged, MassQuote, MassQuoteAck, Movement, NewOrder,
    OrderAccepted, OrderArmed, OrderBatch, OrderCanceled, OrderFilled, QueryEnd, QuoteRow, RequestRejected,
    SessionReject, Terminate, TransferBetween,
};
use gateway::wire::types::{
    BatchMode, CancelReason, CodMode, Code, Durability, FillKind, I64N, IdN, Liquidity, MarginState, Millis,
    MoneyN, MovementReason, Octets, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, SessionKind, Side, Stp,
    TermCode, Tif, TimeNsN, TriggerKind, TriggerSrc, U16N,
};
use gateway::wire::{Flags, Group, Message, Prefix, Text};
use risk::{AccountId, AssetId, InstrumentId, Money, Price, Qty, Requirement};

use crate::samples::Sample;

const LIVE: u16 = 0;
const LAST: u16 = Flags::END_OF_EVENT;
const UNNUMBERED: u16 = Flags::UNSEQUENCED;

const NOON: u64 = 1_767_268_800_000_000_000;
const ACCOUNT: AccountId = AccountId::new(16);
const BTC: InstrumentId = InstrumentId::new(1);

/// The frames: one conversation, then some requests of others with what comes of them.
pub(crate) fn examples() -> Vec<Sample> {
    [logon(), trading(), trouble(), answers(), bracket(), batch(), quotes(), margin()]
        .into_iter()
        .flatten()
        .collect()
}

fn client(flags: u16, seq_no: u64, ack_seq_no: u64, message: impl Into<FromClient>) -> Sample {
    let (message, mut octets) = (message.into(), Vec::new());
    message.append(Prefix { flags: Flags(flags), seq_no, ack_seq_no }, &mut octets);
    Sample { name: format!("{} example", message.name()), template: message.template(), octets }
}

fn venue(flags: u16, seq_no: u64, ack_seq_no: u64, message: impl Into<FromVenue>) -> Sample {
    let (message, mut octets) = (message.into(), Vec::new());
    message.append(Prefix { flags: Flags(flags), seq_no, ack_seq_no }, &mut octets);
    Sample { name: format!("{} example", message.name()), template: message.template(), octets }
}

/// The key of the examples: its 32 secret octets are 1.
fn signing_key() -> (SigningKey, KeyId) {
    let key = SigningKey::from_bytes(&[1; 32]);
    let public = key.verifying_key().to_bytes();
    let id = public.first_chunk().expect("32 octets");
    (key, KeyId::new(u64::from_le_bytes(*id)))
}

fn hello() -> Hello {
    Hello {
        protocol_version: 1,
        key_id: signing_key().1,
        session_tag: 1,
        kind: Code::of(SessionKind::OrderEntry),
        cod_mode: Code::of(CodMode::CancelAll),
        cod_grace: Millis::new(5_000),
        heartbeat: Millis::new(1_000),
        next_send_seq_no: ClientSeq::new(9),
        next_expected_seq_no: 4,
        client_nonce: Octets([0xC1; 32]),
    }
}

fn challenge() -> Challenge {
    Challenge {
        server_time: TimeNs::new(NOON),
        engine_epoch: 0x0123_4567_89AB_CDEF,
        server_nonce: Octets([0x5E; 32]),
    }
}

/// What a client signs, put together as the protocol says.
pub(crate) fn signed() -> Vec<u8> {
    [b"venue-logon-v1\0".as_slice(), &hello().block(), &challenge().block(), &[0; 32]].concat()
}

fn logon() -> Vec<Sample> {
    let (key, key_id) = signing_key();
    let signature = Octets(key.sign(&signed()).to_bytes());
    let ack = LogonAck {
        session_id: 3,
        engine_epoch: 0x0123_4567_89AB_CDEF,
        server_time: TimeNs::new(NOON + 1_000_000),
        next_venue_seq_no: 4,
        last_client_seq_no: ClientSeq::new(8),
        last_cl_ord_id: ClientOrderId::new(4),
        oldest_retained: 1,
        heartbeat: Millis::new(1_000),
        cod_grace: Millis::new(5_000),
        bucket_capacity: 100,
        bucket_rate: 50,
        max_frame: 4096,
        cod_mode: Code::of(CodMode::CancelAll),
        durability: Code::of(Durability::Local),
    };
    vec![
        client(UNNUMBERED, 9, 3, hello()),
        venue(UNNUMBERED, 0, 0, challenge()),
        client(UNNUMBERED, 9, 3, LogonProof { key_id, signature }),
        venue(UNNUMBERED, 4, 8, ack),
    ]
}

fn new_order() -> NewOrder {
    NewOrder {
        cl_ord_id: ClientOrderId::new(5),
        account_id: ACCOUNT,
        instrument_id: BTC,
        price: PriceN::from(Price::new(6_500_000)),
        qty: Qty::new(10),
        display_qty: QtyN::NONE,
        trigger_price: PriceN::NONE,
        expire_time: TimeNsN::NONE,
        valid_until: TimeNsN::from(TimeNs::new(NOON + 5_000_000_000)),
        user_tag: 0,
        flags: OrdFlags(OrdFlags::PERSIST),
        side: Code::of(Side::Buy),
        ord_type: Code::of(OrdType::Limit),
        tif: Code::of(Tif::GTC),
        stp: Code::of(Stp::CancelTaker),
        trigger_src: Code::of(TriggerSrc::Last),
        post_only: Code::of(PostOnlyMode::Off),
    }
}

fn accepted() -> OrderAccepted {
    OrderAccepted {
        order_id: OrderId::new(16_777_217),
        cl_ord_id: ClientOrderId::new(5),
        engine_seq: Seq::new(1_000),
        transact_time: TimeNs::new(NOON + 2_000_000),
        account_id: ACCOUNT,
        instrument_id: BTC,
        price: Price::new(6_500_000),
        qty: Qty::new(10),
        flags: OrdFlags(OrdFlags::PERSIST),
        side: Code::of(Side::Buy),
        tif: Code::of(Tif::GTC),
        display_qty: QtyN::NONE,
        expire_time: TimeNsN::NONE,
        user_tag: 0,
    }
}

fn filled() -> OrderFilled {
    OrderFilled {
        order_id: OrderId::new(16_777_217),
        cl_ord_id: ClientOrderId::new(5),
        engine_seq: Seq::new(1_000),
        transact_time: TimeNs::new(NOON + 2_000_000),
        trade_id: TradeId::new(42),
        account_id: ACCOUNT,
        instrument_id: BTC,
        last_px: Price::new(6_499_900),
        last_qty: Qty::new(4),
        leaves_qty: Qty::new(6),
        fee: Money::new(12_999_800),
        position_qty: 4,
        position_cost: Money::new(25_999_600_000),
        balance: Money::new(999_987_000_200),
        side: Code::of(Side::Buy),
        liquidity: Code::of(Liquidity::Taker),
        fill_kind: Code::of(FillKind::Normal),
    }
}

fn trading() -> Vec<Sample> {
    let cancel = CancelOrder {
        cl_ord_id: ClientOrderId::new(6),
        order_id: IdN::NONE,
        orig_cl_ord_id: IdN::from(5),
        account_id: ACCOUNT,
        instrument_id: BTC,
        valid_until: TimeNsN::NONE,
    };
    let canceled = OrderCanceled {
        order_id: OrderId::new(16_777_217),
        cl_ord_id: ClientOrderId::new(5),
        engine_seq: Seq::new(1_001),
        transact_time: TimeNs::new(NOON + 3_000_000),
        account_id: ACCOUNT,
        instrument_id: BTC,
        canceled_qty: Qty::new(6),
        request_id: IdN::from(6),
        reason: Code::of(CancelReason::UserRequest),
    };
    vec![
        client(LIVE, 9, 3, new_order()),
        venue(LIVE, 4, 9, accepted()),
        venue(LAST, 5, 9, filled()),
        client(LIVE, 10, 5, cancel),
        venue(LAST, 6, 10, canceled),
    ]
}

fn trouble() -> Vec<Sample> {
    let rejected = RequestRejected {
        cl_ord_id: ClientOrderId::new(7),
        engine_seq: Seq::new(1_002),
        transact_time: TimeNs::new(NOON + 4_000_000),
        account_id: ACCOUNT,
        ref_seq_no: ClientSeq::new(11),
        short: MoneyN::from(Money::new(2_500_000)),
        ref_template_id: NewOrder::TEMPLATE,
        code: engine::Reject::InsufficientMargin.code(),
    };
    let unread = SessionReject {
        ref_seq_no: ClientSeq::new(12),
        ref_template_id: NewOrder::TEMPLATE,
        code: gateway::wire::codes::ErrorCode::BadEnum.code(),
        field_id: U16N::from(NewOrder::LAYOUT.number_of("side")),
    };
    let heartbeat = Heartbeat { send_time: TimeNs::new(NOON + 1_005_000_000), echo_time: TimeNs::new(0) };
    let terminate = Terminate {
        server_time: TimeNs::new(NOON + 6_000_000_000),
        next_venue_seq_no: 9,
        last_client_seq_no: ClientSeq::new(12),
        code: Code::of(TermCode::TakenOver),
        text: Text::new("taken over"),
    };
    vec![
        venue(LAST, 7, 11, rejected),
        venue(LAST, 8, 12, unread),
        venue(UNNUMBERED, 9, 12, heartbeat),
        venue(UNNUMBERED, 9, 12, GapFill { from_seq_no: 1, to_seq_no: 3, code: 0 }),
        venue(UNNUMBERED, 9, 12, terminate),
    ]
}

fn answers() -> Vec<Sample> {
    let level = |price, qty| Level { price: Price::new(price), qty: Qty::new(qty) };
    let levels = BookLevels {
        query_id: 1,
        instrument_id: BTC,
        side: Code::of(Side::Sell),
        levels: Group(vec![level(6_499_900, 3), level(6_500_000, 20)]),
    };
    let end = QueryEnd { query_id: 1, engine_seq: Seq::new(1_002), rows: 1, code: 0 };
    vec![
        client(UNNUMBERED, 13, 8, BookQuery { query_id: 1, instrument_id: BTC, depth: 2 }),
        venue(UNNUMBERED, 9, 12, levels),
        venue(UNNUMBERED, 9, 12, end),
    ]
}

/// A buy with a take-profit and a stop: three orders, of which two wait.
fn bracket() -> Vec<Sample> {
    let entry = AdvancedOrder {
        take_profit_trigger: PriceN::from(Price::new(6_600_000)),
        stop_loss_trigger: PriceN::from(Price::new(6_450_000)),
        stop_loss_price: PriceN::from(Price::new(6_445_000)),
        exit_src: Code::of(TriggerSrc::Mark),
        ..NewOrder { cl_ord_id: ClientOrderId::new(20), ..new_order() }.in_full()
    };
    let stop = OrderArmed {
        order_id: OrderId::new(16_777_220),
        cl_ord_id: ClientOrderId::new(22),
        engine_seq: Seq::new(1_010),
        transact_time: TimeNs::new(NOON + 7_000_000),
        account_id: ACCOUNT,
        instrument_id: BTC,
        trigger_price: Price::new(6_450_000),
        price: PriceN::from(Price::new(6_445_000)),
        leaves_qty: Qty::new(0),
        request_id: IdN::from(20),
        trigger_kind: Code::of(TriggerKind::Stop),
        trigger_src: Code::of(TriggerSrc::Mark),
    };
    vec![client(LIVE, 14, 8, entry), venue(LAST, 13, 14, stop)]
}

/// A pair of which one cancels the other.
fn batch() -> Vec<Sample> {
    let row = |number, price| {
        let order = NewOrder { cl_ord_id: ClientOrderId::new(number), ..new_order() };
        NewOrder { price: PriceN::from(Price::new(price)), ..order }.in_full().batched()
    };
    let pair = OrderBatch {
        cl_ord_id: ClientOrderId::new(30),
        account_id: ACCOUNT,
        valid_until: TimeNsN::NONE,
        mode: Code::of(BatchMode::OneCancelsOther),
        orders: Group(vec![row(31, 6_500_000), row(32, 6_490_000)]),
    };
    vec![client(LIVE, 15, 13, pair)]
}

/// Money to an account of the same owner, and an account that comes near its maintenance margin.
fn margin() -> Vec<Sample> {
    let give = TransferBetween {
        cl_ord_id: ClientOrderId::new(34),
        account_id: ACCOUNT,
        to_account_id: AccountId::new(17),
        asset_id: AssetId::BASE,
        amount: Money::new(250_000_000),
        external_id: IdN::from(7),
        valid_until: TimeNsN::NONE,
    };
    let moved = Movement {
        request_id: IdN::from(34),
        engine_seq: Seq::new(1_030),
        transact_time: TimeNs::new(NOON + 9_000_000),
        account_id: ACCOUNT,
        from_account_id: ACCOUNT,
        to_account_id: AccountId::new(17),
        asset_id: AssetId::BASE,
        amount: Money::new(250_000_000),
        balance: Money::new(750_000_000),
        external_id: IdN::from(7),
        reason: Code::of(MovementReason::Requested),
    };
    let (equity, exposure, maintenance) =
        (Money::new(580_000_000), Money::new(50_000_000_000), Money::new(500_000_000));
    let warned = MarginStateChanged {
        engine_seq: Seq::new(1_040),
        transact_time: TimeNs::new(NOON + 10_000_000),
        account_id: ACCOUNT,
        equity,
        exposure,
        initial_margin: Money::new(1_000_000_000),
        maintenance_margin: maintenance,
        leverage_e9: I64N::ratio(Requirement::of_money(exposure), equity),
        margin_ratio_e9: I64N::ratio(Requirement::of_money(maintenance), equity),
        state: Code::of(MarginState::Warned),
    };
    vec![client(LIVE, 17, 19, give), venue(LAST, 20, 17, moved), venue(LAST, 21, 17, warned)]
}

/// Two levels; the second one's sell side is withdrawn.
fn quotes() -> Vec<Sample> {
    let row = |level, bid, ask, ask_qty| QuoteRow {
        instrument_id: BTC,
        bid_px: Price::new(bid),
        bid_qty: Qty::new(10),
        ask_px: Price::new(ask),
        ask_qty: Qty::new(ask_qty),
        level,
    };
    let quotes = MassQuote {
        cl_ord_id: ClientOrderId::new(33),
        account_id: ACCOUNT,
        valid_until: TimeNsN::NONE,
        protection_group: 1,
        all_or_none: 0,
        quotes: Group(vec![row(0, 6_499_000, 6_501_000, 10), row(1, 6_498_000, 0, 0)]),
    };
    let done = MassQuoteAck {
        cl_ord_id: ClientOrderId::new(33),
        engine_seq: Seq::new(1_020),
        transact_time: TimeNs::new(NOON + 8_000_000),
        account_id: ACCOUNT,
        taken: 4,
        refused: 0,
    };
    vec![client(LIVE, 16, 15, quotes), venue(LAST, 19, 16, done)]
}
