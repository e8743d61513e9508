//! The wire as others see it: golden octets, the committed schema, the committed description.
//!
//! Invariant: what is compared is committed text; `FULCRUM_SCHEMA_WRITE=1 cargo test -p gateway --test wire` writes it
//! anew, so that a review sees both.

#[path = "wire/annotated.rs"]
mod annotated;
#[path = "wire/committed.rs"]
mod committed;
#[path = "wire/examples.rs"]
mod examples;
#[path = "wire/hex.rs"]
mod hex;
#[path = "wire/samples.rs"]
mod samples;
#[path = "wire/tables.rs"]
mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use ed25519_dalek::{Signature, SigningKey};
use engine::ClientOrderId;
use gateway::wire::frame::{append, split};
use gateway::wire::message::Layout;
use gateway::wire::private::{FromClient, FromVenue, NewOrder, layouts};
use gateway::wire::types::{
    Code, OrdFlags, OrdType, PostOnlyMode, PriceN, QtyN, Side, Stp, Tif, TimeNsN, TriggerSrc,
};
use gateway::wire::{Flags, Frame, Prefix};
use risk::{AccountId, InstrumentId, Price, Qty};

use annotated::hex;
use hex::octets;
use samples::Sample;

const SCHEMA: &str = "schema/fulcrum_private.xml";
const FRAMES: &str = "schema/frames.txt";
const DESCRIPTION: &str = "PROTOCOL.md";

/// Made by another encoder, `PyPI`'s `sbe`, from a schema alone; since then only the version in it was raised to 3.
const NEW_ORDER: &str = "7000000050eb00000900000000000000030000000000000050006400bd020300\
                         05000000000000000700000001000000a02e6300000000000a00000000000000\
                         00000000000000800000000000000080ffffffffffffffffffffffffffffffff\
                         00000000000000000100010101020101";

#[test]
fn an_order_is_written_and_read_as_another_encoder_writes_it() {
    let order = NewOrder {
        cl_ord_id: ClientOrderId::new(5),
        account_id: AccountId::new(7),
        instrument_id: InstrumentId::new(1),
        price: PriceN::from(Price::new(6_500_000)),
        qty: Qty::new(10),
        display_qty: QtyN::NONE,
        trigger_price: PriceN::NONE,
        expire_time: TimeNsN::NONE,
        valid_until: TimeNsN::NONE,
        user_tag: 0,
        flags: OrdFlags(OrdFlags::REDUCE_ONLY),
        side: Code::of(Side::Buy),
        ord_type: Code::of(OrdType::Limit),
        tif: Code::of(Tif::GTC),
        stp: Code::of(Stp::CancelMaker),
        trigger_src: Code::of(TriggerSrc::Last),
        post_only: Code::of(PostOnlyMode::Reject),
    };
    let prefix = Prefix { flags: Flags(0), seq_no: 9, ack_seq_no: 3 };
    let expected = octets(NEW_ORDER);
    let mut written = Vec::new();
    append(prefix, &order, &mut written);
    assert_eq!(written, expected);

    let (frame, length) = split(&expected, 4096).expect("a frame").expect("all of it");
    assert_eq!((length, frame.prefix), (112, prefix));
    assert_eq!(FromClient::decode(&frame), Ok(FromClient::NewOrder(order)));
}

#[test]
fn the_committed_schema_is_the_declared_one() {
    committed::check(SCHEMA, &gateway::wire::schema::xml());
}

fn frames() -> Vec<Sample> {
    let reference =
        Sample { name: "NewOrder reference".to_owned(), template: 100, octets: octets(NEW_ORDER) };
    let mut frames = samples::samples();
    frames.push(reference);
    frames.extend(examples::examples());
    frames
}

#[test]
fn the_committed_frames_are_the_written_ones() {
    let mut text = String::from(
        "# A frame a line: template, message, which, octets.\n\
         # values: field n of template t holds 100 t + n, negative where the type is signed and n is odd; one octet\n\
         # holds n; an enumeration its value n, counted around from 0; a set its choices of even bits; an array the\n\
         # octets from 65 + n up, characters ending after twelve. Row r of a group counts as template t + r.\n\
         # nulls: what may be none is none, a text is empty, a group has no rows.\n\
         # example: as in PROTOCOL.md. reference: made by PyPI sbe.\n",
    );
    for Sample { name, template, octets } in frames() {
        writeln!(text, "{template} {name} {}", hex(&octets)).expect("a string");
    }
    committed::check(FRAMES, &text);
}

/// The message of a frame as text, and the frame written again, by whichever side sends it.
fn again(frame: &Frame<'_>) -> (String, Vec<u8>) {
    let mut out = Vec::new();
    if FromClient::LAYOUTS.iter().any(|layout| layout.template == frame.template) {
        let message = FromClient::decode(frame).expect("a message");
        message.append(frame.prefix, &mut out);
        (format!("{message:?}"), out)
    } else {
        let message = FromVenue::decode(frame).expect("a message");
        message.append(frame.prefix, &mut out);
        (format!("{message:?}"), out)
    }
}

#[test]
fn every_golden_frame_is_read_and_written_again() {
    for Sample { name, octets, .. } in frames() {
        let (frame, _) = split(&octets, 4096).expect("a frame").expect("all of it");
        assert_eq!(again(&frame).1, octets, "{name}");
    }
}

#[test]
fn arrays_and_texts_stand_last_and_names_are_used_once() {
    for layout in layouts() {
        let arrays = ["Bytes32", "Bytes64"];
        let (_, before) = layout.fields.split_last().expect("no message is empty");
        assert!(before.iter().all(|field| !arrays.contains(&field.kind)), "{}", layout.name);
        let names: BTreeSet<_> = layout.fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), layout.fields.len(), "{}", layout.name);
    }
    assert!(layouts().windows(2).all(|pair| pair[0].template < pair[1].template));
}

#[test]
fn the_example_logon_is_signed_over_what_the_description_says() {
    let examples = examples::examples();
    let body = |at: usize, from: usize, to: usize| examples[at].octets[32 + from..32 + to].to_vec();
    // Hello, Challenge, LogonProof: found by their place, cut by the numbers in the description.
    let signed = [b"venue-logon-v1\0".to_vec(), body(0, 0, 74), body(1, 0, 48), vec![0; 32]].concat();
    assert_eq!(signed, examples::signed());
    let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
    assert_eq!(body(0, 4, 12), key.to_bytes()[..8]);
    let signature = Signature::from_slice(&body(2, 8, 72)).expect("64 octets");
    assert!(key.verify_strict(&signed, &signature).is_ok());
}

fn layout_of(frame: &Frame<'_>) -> Layout {
    layouts().into_iter().find(|layout| layout.template == frame.template).expect("a known template")
}

#[test]
fn the_description_is_what_the_declarations_say() {
    let mut shown = String::new();
    for Sample { name, octets, .. } in examples::examples() {
        let (frame, length) = split(&octets, 4096).expect("a frame").expect("all of it");
        let name = name.trim_end_matches(" example");
        let lines = annotated::annotated(&layout_of(&frame), &octets);
        write!(shown, "\n{name}, {length} octets:\n\n```text\n{lines}```\n").expect("a string");
    }
    committed::check_part(DESCRIPTION, "types", &tables::types());
    committed::check_part(DESCRIPTION, "messages", &tables::messages());
    committed::check_part(DESCRIPTION, "codes", &tables::codes());
    committed::check_part(DESCRIPTION, "examples", &shown);
}

/// The other way: from the text of the description to octets, through the codec, to the values it shows.
#[test]
fn every_example_of_the_description_decodes_to_what_is_written_beside_it() {
    let text = committed::read(DESCRIPTION);
    let blocks =
        text.split("```text\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(block, _)| block);
    let mut seen = 0;
    for block in blocks.filter(|block| block.contains("messageLength")) {
        let digits: String =
            block.lines().filter_map(|line| line.split(' ').next()).filter(|part| *part != "-").collect();
        let octets = octets(&digits);
        let (frame, length) = split(&octets, 4096).expect("a frame").expect("all of it");
        assert_eq!(length, octets.len());
        let (message, written) = again(&frame);
        assert_eq!(written, octets);
        shows(block, &frame, &message);
        seen += 1;
    }
    assert_eq!(seen, examples::examples().len());
}

/// Every line of a block, in order, is in the message as the codec prints it.
fn shows(block: &str, frame: &Frame<'_>, message: &str) {
    let mut rest = message;
    for line in block.lines() {
        let mut parts = line.splitn(2, "  ");
        let (digits, Some(told)) = (parts.next().unwrap_or_default(), parts.next()) else { continue };
        let (name, value) = told.trim_start().split_once(' ').expect("a name and a value");
        let value = value.trim();
        let header = BTreeMap::from([
            ("seqNo", frame.prefix.seq_no),
            ("ackSeqNo", frame.prefix.ack_seq_no),
            ("templateId", u64::from(frame.template)),
            ("blockLength", u64::from(frame.block_length)),
        ]);
        if let Some(expected) = header.get(name) {
            assert_eq!(value, expected.to_string(), "{line}");
            continue;
        }
        let is_of_frame = ["messageLength", "encodingType", "flags", "schemaId", "version"].contains(&name);
        let is_size =
            name.ends_with(".length") || name.ends_with(".blockLength") || name.ends_with(".numInGroup");
        if (is_of_frame && rest == message) || is_size {
            continue;
        }
        let snake = snake(name.rsplit('.').next().unwrap_or(name));
        let (_, behind) =
            rest.split_once(&format!("{snake}: ")).unwrap_or_else(|| panic!("{line} in {message}"));
        let bare = bare(behind);
        let expected = match value {
            "none" => "None",
            _ if value.ends_with(" octets") => digits,
            _ if value.starts_with('"') => value,
            _ => value.split(" (").next().unwrap_or(value),
        };
        assert!(bare.starts_with(expected), "{line}: {bare}");
        rest = behind;
    }
}

fn snake(camel: &str) -> String {
    let letters = camel.chars().flat_map(|letter| {
        let lower = letter.to_ascii_lowercase();
        letter.is_ascii_uppercase().then_some('_').into_iter().chain([lower])
    });
    letters.collect()
}

/// A printed value without the names around it: `Some(Price(5))` begins with `5`.
fn bare(printed: &str) -> &str {
    match printed.split_once('(') {
        Some((name, inner))
            if name.chars().all(|letter| letter.is_ascii_alphanumeric()) && !name.is_empty() =>
        {
            bare(inner)
        }
        Some(_) | None => printed,
    }
}
