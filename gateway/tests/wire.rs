//! The wire as others see it: golden octets, the committed schema, the committed documents.
//!
//! Invariant: nothing here is taken from the code under test but what it writes; what is compared is committed text.

use engine::{ClientOrderId, TimeNs};
use gateway::wire::frame::{append, split};
use gateway::wire::private::{FromClient, NewOrder};
use gateway::wire::types::{
    Code, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, Side, Stp, Tif, TimeNsN, TriggerSrc,
};
use gateway::wire::{Flags, Prefix};
use risk::{AccountId, InstrumentId, Price, Qty};

/// Made by another encoder from the schema alone.
const NEW_ORDER: &str = "7000000050eb00000900000000000000030000000000000050006400bd020000\
                         05000000000000000700000001000000a02e6300000000000a00000000000000\
                         00000000000000800000000000000080ffffffffffffffffffffffffffffffff\
                         00000000000000000100010102010101";

fn octets(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn new_order() -> (Prefix, NewOrder) {
    let order = NewOrder {
        cl_ord_id: ClientOrderId::new(5),
        account_id: AccountId::new(7),
        instrument_id: InstrumentId::new(1),
        price: PriceN::from(Price::new(6_500_000)),
        qty: Qty::new(10),
        display_qty: QtyN::NONE,
        trigger_price: PriceN::NONE,
        expire_time: TimeNsN::NONE,
        valid_until: TimeNsN::from(None::<TimeNs>),
        user_tag: 0,
        flags: OrdFlags(OrdFlags::REDUCE_ONLY),
        side: Code::of(Side::Buy),
        ord_type: Code::of(OrdType::Limit),
        tif: Code::of(Tif::IOC),
        stp: Code::of(Stp::CancelTaker),
        trigger_src: Code::of(TriggerSrc::Last),
        post_only: Code::of(PostOnlyMode::Reject),
    };
    (Prefix { flags: Flags(0), seq_no: 9, ack_seq_no: 3 }, order)
}

#[test]
fn an_order_is_written_and_read_as_another_encoder_writes_it() {
    let expected = octets(NEW_ORDER);
    let (prefix, order) = new_order();
    let mut written = Vec::new();
    append(prefix, &order, &mut written);
    assert_eq!(written, expected);

    let (frame, length) = split(&expected, 4096).expect("a frame").expect("all of it");
    assert_eq!((length, frame.prefix), (112, prefix));
    assert_eq!(FromClient::decode(&frame), Ok(FromClient::NewOrder(order)));
}
