//! What is refused, with which code, and for which field.
//!
//! Invariant: a frame that was cut out soundly costs a refusal and nothing else.

#[path = "wire/hex.rs"]
mod hex;

use gateway::wire::codes::ErrorCode;
use gateway::wire::frame::split;
use gateway::wire::message::Layout;
use gateway::wire::private::{FromClient, FromVenue, InstrumentDefine, LogonReject, NewOrder, Transfer};
use gateway::wire::types::{Code, ContractKind, IdN, OrdFlags, Side};
use gateway::wire::{Message, Refusal};
use risk::AssetId;

/// The committed frame of a message.
fn golden(name: &str) -> Vec<u8> {
    let lines = include_str!("../schema/frames.txt").lines();
    let frame = lines.filter_map(|line| line.split_once(' ')).find_map(|(_, line)| line.strip_prefix(name));
    hex::octets(frame.expect("a committed frame").trim())
}

/// A frame with a word in its header or body changed, and its length put right.
fn with(name: &str, at: usize, word: u16, behind: &[u8]) -> Vec<u8> {
    let mut octets = [&golden(name), behind].concat();
    octets[at..at + 2].copy_from_slice(&word.to_le_bytes());
    let length = u32::try_from(octets.len()).expect("short");
    octets[..4].copy_from_slice(&length.to_le_bytes());
    octets
}

fn from_client(octets: &[u8]) -> Result<FromClient, Refusal> {
    FromClient::decode(&split(octets, 4096).expect("a frame").expect("all of it").0)
}

fn from_venue(octets: &[u8]) -> Result<FromVenue, Refusal> {
    FromVenue::decode(&split(octets, 4096).expect("a frame").expect("all of it").0)
}

fn refused(code: ErrorCode, field: Option<u16>) -> Refusal {
    Refusal { code, field }
}

const BLOCK_LENGTH: usize = 24;
const TEMPLATE: usize = 26;
const SCHEMA: usize = 28;
const VERSION: usize = 30;

#[test]
fn a_request_that_is_not_ours_is_refused_by_its_header() {
    let order = "NewOrder values";
    for (at, word, code) in [
        (SCHEMA, 702, ErrorCode::UnknownSchema),
        (VERSION, 4, ErrorCode::UnsupportedVersion),
        (TEMPLATE, 99, ErrorCode::UnknownTemplate),
        // One that only the venue sends.
        (TEMPLATE, 200, ErrorCode::UnknownTemplate),
        (BLOCK_LENGTH, 79, ErrorCode::ShortBlock),
        (BLOCK_LENGTH, 81, ErrorCode::ShortBlock),
    ] {
        assert_eq!(
            from_client(&with(order, at, word, &[])).expect_err("refused"),
            refused(code, None),
            "{at} is {word}"
        );
    }
}

#[test]
fn a_request_with_more_than_its_message_is_refused() {
    let longer_block = with("NewOrder values", BLOCK_LENGTH, 81, &[0]);
    let behind = with("NewOrder values", BLOCK_LENGTH, 80, &[0]);
    let behind_rows = with("InstrumentDefine values", VERSION, 0, &[0]);
    for octets in [longer_block, behind, behind_rows] {
        assert_eq!(from_client(&octets).expect_err("refused"), refused(ErrorCode::BadLength, None));
    }
}

/// The frame of a peer of version 1, which has not the fields that were appended since.
fn older(name: &str, layout: &Layout) -> Vec<u8> {
    let mut octets = golden(name);
    let known = layout.block_length_at(1);
    octets.drain(32 + known..32 + usize::from(layout.block_length));
    octets[VERSION] = 1;
    octets[BLOCK_LENGTH..BLOCK_LENGTH + 2]
        .copy_from_slice(&u16::try_from(known).expect("short").to_le_bytes());
    let length = u32::try_from(octets.len()).expect("short");
    octets[..4].copy_from_slice(&length.to_le_bytes());
    octets
}

#[test]
fn a_request_of_an_older_version_means_what_it_did() {
    let Ok(FromClient::Transfer(now)) = from_client(&golden("Transfer values")) else { panic!("a transfer") };
    let expected = Transfer { asset_id: AssetId::BASE, external_id: IdN::NONE, ..now };
    assert_eq!(from_client(&older("Transfer values", &Transfer::LAYOUT)), Ok(expected.into()));

    let define = from_client(&older("InstrumentDefine values", &InstrumentDefine::LAYOUT));
    let Ok(FromClient::InstrumentDefine(define)) = define else { panic!("a definition") };
    assert_eq!(define.contract_kind, Code::of(ContractKind::Linear));
    assert_eq!((define.settlement_asset, define.profit_weight), (AssetId::BASE, 1_000_000_000));
    assert_eq!((define.interval_ns, define.sources_min, define.tiers.0.len()), (0, 0, 2));

    // A newer one has the fields, and one that says it is older has none of them.
    let mut short = older("Transfer values", &Transfer::LAYOUT);
    short[VERSION] = 2;
    assert_eq!(from_client(&short), Err(refused(ErrorCode::BadLength, None)));
    assert_eq!(
        from_client(&with("Transfer values", VERSION, 1, &[])),
        Err(refused(ErrorCode::BadLength, None))
    );
}

#[test]
fn a_newer_venue_is_read_as_far_as_it_is_known() {
    let plain = from_venue(&golden("QueryEnd values")).expect("a message");
    let mut longer = with("QueryEnd values", BLOCK_LENGTH, 24, &[1, 2]);
    longer[VERSION] = 3;
    assert_eq!(from_venue(&longer), Ok(plain));

    // Rows of 18 octets, two of them not known.
    let plain = from_venue(&golden("BookLevels values")).expect("a message");
    let mut octets = golden("BookLevels values");
    let rows = octets.split_off(32 + 13 + 4);
    octets[45] = 18;
    rows.chunks(16).for_each(|row| octets.extend(row.iter().copied().chain([9, 9])));
    let octets = [octets, vec![7, 7, 7]].concat();
    let mut whole = octets.clone();
    whole[..4].copy_from_slice(&u32::try_from(octets.len()).expect("short").to_le_bytes());
    assert_eq!(from_venue(&whole), Ok(plain));
}

#[test]
fn a_group_or_text_at_fault_is_named() {
    let group = Some(InstrumentDefine::LAYOUT.number_of("tiers"));
    let at = 32 + usize::from(InstrumentDefine::LAYOUT.block_length);
    // Rows too short; more rows than there are.
    for (at, word) in [(at, 12), (at + 2, 3), (at + 2, u16::MAX)] {
        let octets = with("InstrumentDefine values", at, word, &[]);
        assert_eq!(
            from_client(&octets).expect_err("refused"),
            refused(ErrorCode::BadGroup, group),
            "{at} is {word}"
        );
    }
    // Longer rows, of which there are none.
    let octets = with("InstrumentDefine nulls", at, 14, &[]);
    assert_eq!(from_client(&octets).expect_err("refused"), refused(ErrorCode::BadGroup, group));

    let text = Some(LogonReject::LAYOUT.number_of("text"));
    let at = 32 + usize::from(LogonReject::LAYOUT.block_length);
    for (at, word) in [(at, 1025), (at, 100), (at + 2, 0xFFFF)] {
        let octets = with("LogonReject values", at, word, &[]);
        assert_eq!(
            from_venue(&octets).expect_err("refused"),
            refused(ErrorCode::BadUtf8, text),
            "{at} is {word}"
        );
    }
}

#[test]
fn an_octet_that_is_no_value_is_told_apart_and_keeps_its_number() {
    let side = 32 + 74;
    let mut octets = golden("NewOrder values");
    for octet in [0, 3, 255] {
        octets[side] = octet;
        let Ok(FromClient::NewOrder(order)) = from_client(&octets) else { panic!("an order") };
        assert_eq!((order.side.get(), order.side.octet()), (None, octet));
    }
    assert_eq!(NewOrder::LAYOUT.number_of("side"), 12);
}

#[test]
fn messages_print_as_a_person_reads_them() {
    let order = from_client(&golden("NewOrder nulls")).expect("an order");
    let printed = format!("{order:?}");
    assert!(printed.contains("price: None") && printed.contains("side: Buy"), "{printed}");
    let define = from_client(&golden("InstrumentDefine values")).expect("a definition");
    assert!(format!("{define:?}").contains(r#"symbol: "TUVWXYZ"#), "{define:?}");
    assert_eq!((define.name(), define.template()), ("InstrumentDefine", 400));
    assert_eq!(format!("{:?}", Code::<Side>::of(Side::Sell)), "Sell");
    assert_eq!(OrdFlags::KNOWN, 0b1011);
}

#[test]
fn a_block_is_what_a_signature_covers() {
    let octets = golden("Hello values");
    let Ok(FromClient::Hello(hello)) = from_client(&octets) else { panic!("a hello") };
    assert_eq!(hello.block(), octets[32..]);
    let octets = golden("InstrumentDefine values");
    let Ok(FromClient::InstrumentDefine(define)) = from_client(&octets) else { panic!("a definition") };
    assert_eq!(define.block(), octets[32..32 + usize::from(InstrumentDefine::LAYOUT.block_length)]);
}
