//! The message tables and code tables of the protocol's description.
//!
//! Invariant: everything in them comes from the declarations; nothing is written by hand.

use std::fmt::Write;

use engine::Reject;
use gateway::wire::codes::ErrorCode;
use gateway::wire::message::{Field, Layout, TailKind};
use gateway::wire::private::{FromClient, FromVenue, is_request, layouts};
use gateway::wire::schema::{camel, prose};
use gateway::wire::types::{Description, descriptions};

/// One table of all messages, then one of the fields of each.
pub(crate) fn messages() -> String {
    let mut out = String::from("| template | message | from | block | number |\n|---|---|---|---|---|\n");
    for layout in layouts() {
        let Layout { template, name, block_length, .. } = layout;
        let more = if layout.tail.is_some() { "+" } else { "" };
        let (from, numbered) = (from(&layout), if is_numbered(template) { "yes" } else { "" });
        writeln!(
            out,
            "| {template} | [{name}](#{template}-{}) | {from} | {block_length}{more} | {numbered} |",
            name.to_lowercase()
        )
        .expect("a string");
    }
    for layout in layouts() {
        message(&layout, &mut out);
    }
    out
}

fn from(layout: &Layout) -> &'static str {
    match (FromClient::LAYOUTS.contains(layout), FromVenue::LAYOUTS.contains(layout)) {
        (true, false) => "client",
        (false, true) => "venue",
        (true, true) => "both",
        (false, false) => unreachable!("messages are listed where they are sent"),
    }
}

/// Requests, and what the log gives a session.
fn is_numbered(template: u16) -> bool {
    is_request(template) || matches!(template, 12 | 13 | 200..=216 | 313..=321 | 360..=379 | 420 | 451)
}

fn message(layout: &Layout, out: &mut String) {
    let Layout { template, name, .. } = layout;
    write!(out, "\n#### {template} {name}\n\n{}\n\n", prose(layout.words)).expect("a string");
    out.push_str("| field | offset | name | type | meaning |\n|---|---|---|---|---|\n");
    rows(layout.fields, out);
    let Some(tail) = layout.tail else { return };
    let (number, length, name, words) =
        (layout.number_of(tail.name), layout.block_length, camel(tail.name), prose(tail.words));
    match tail.kind {
        TailKind::Text => {
            writeln!(out, "| {number} | {length} | {name} | text | {words} |").expect("a string");
        }
        TailKind::Group { size, fields } => {
            writeln!(out, "| {number} | {length} | {name} | group | {words} |").expect("a string");
            write!(out, "\nA row of `{name}`, {size} octets:\n\n").expect("a string");
            out.push_str("| field | offset | name | type | meaning |\n|---|---|---|---|---|\n");
            rows(fields, out);
        }
    }
}

fn rows(fields: &[Field], out: &mut String) {
    let mut offset = 0;
    for (number, field) in (1..).zip(fields) {
        let (name, mut words) = (camel(field.name), prose(field.words));
        if field.since != 0 {
            write!(words, " Since version {}.", field.since).expect("a string");
        }
        writeln!(out, "| {number} | {offset} | {name} | {} | {words} |", field.kind).expect("a string");
        offset += field.size;
    }
}

/// Every type of a field.
pub(crate) fn types() -> String {
    let mut out = String::from("| type | octets are | none is | values |\n|---|---|---|---|\n");
    for description in descriptions() {
        match description {
            Description::Scalar { name, primitive } => writeln!(out, "| {name} | {primitive} | | |"),
            Description::Optional { name, primitive, null } => {
                writeln!(out, "| {name} | {primitive} | {null} | |")
            }
            Description::Array { name, primitive, length } => {
                writeln!(out, "| {name} | {length} {primitive} | | |")
            }
            Description::Enumeration { name, values } => {
                let values: Vec<_> = values.iter().map(|(name, octet)| format!("{octet} {name}")).collect();
                writeln!(out, "| {name} | uint8 | | {} |", values.join(", "))
            }
            Description::Set { name, choices } => {
                let choices: Vec<_> = choices.iter().map(|(name, bit)| format!("bit {bit} {name}")).collect();
                writeln!(out, "| {name} | uint16 | | {} |", choices.join(", "))
            }
        }
        .expect("a string");
    }
    out
}

/// Every code: the gateway's, with its words, then the engine's.
pub(crate) fn codes() -> String {
    let mut out = String::from("| code | name | meaning |\n|---|---|---|\n| 0 | | Done. |\n");
    for code in ErrorCode::ALL {
        writeln!(out, "| {} | {} | {} |", code.code(), code.name(), prose(code.words())).expect("a string");
    }
    let words = reject_words();
    for reject in Reject::ALL {
        let name = format!("{reject:?}");
        let (_, words) = words.iter().find(|(known, _)| *known == name).expect("every reject is documented");
        writeln!(out, "| {} | {name} | {words} |", reject.code()).expect("a string");
    }
    out
}

/// The engine keeps its words in comments; they are read from its source.
fn reject_words() -> Vec<(String, String)> {
    let source = include_str!("../../../engine/src/reject.rs");
    let body = source.split_once("pub enum Reject {").and_then(|(_, rest)| rest.split_once("\n}\n"));
    let (mut words, mut all) = (String::new(), Vec::new());
    for line in body.expect("the enumeration").0.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            words.push_str(comment);
        } else if let Some((name, _)) = line.split_once(" = ") {
            all.push((name.to_owned(), prose(&std::mem::take(&mut words))));
        }
    }
    all
}
