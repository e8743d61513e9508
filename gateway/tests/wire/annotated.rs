//! Frames with every octet explained, as the protocol's description shows them.
//!
//! Invariant: what a line says of its octets is read from the layouts; the check goes the other way, from the text to
//! the codec.

use std::fmt::Write;

use gateway::wire::message::{Field, Layout, TailKind};
use gateway::wire::schema::camel;
use gateway::wire::types::{Description, descriptions};

/// Hexadecimal digits on one line.
const DIGITS: usize = 32;

/// Hexadecimal digits of octets.
pub(crate) fn hex(octets: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).expect("four bits");
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}

/// Takes octets off a frame and writes a line about them.
struct Pen<'a> {
    rest: &'a [u8],
    out: String,
}

impl Pen<'_> {
    fn line(&mut self, name: &str, size: usize, words: impl Fn(&[u8]) -> String) -> usize {
        let (octets, rest) = self.rest.split_at(size);
        self.rest = rest;
        let digits = hex(octets);
        let mut lines = digits.as_bytes().chunks(DIGITS).map(|line| str::from_utf8(line).expect("digits"));
        let first = lines.next().unwrap_or("-");
        let words = words(octets);
        writeln!(self.out, "{first:DIGITS$}  {name:21} {words}").expect("a string");
        lines.for_each(|line| writeln!(self.out, "{line}").expect("a string"));
        usize::try_from(number(octets, false)).unwrap_or(0)
    }

    fn fields(&mut self, prefix: &str, fields: &[Field]) {
        for field in fields {
            self.line(&format!("{prefix}{}", camel(field.name)), field.size, |octets| meaning(field, octets));
        }
    }
}

/// The lines of a frame.
pub(crate) fn annotated(layout: &Layout, frame: &[u8]) -> String {
    let mut pen = Pen { rest: frame, out: String::new() };
    let plain = |octets: &[u8]| number(octets, false).to_string();
    pen.line("messageLength", 4, plain);
    pen.line("encodingType", 2, |octets| format!("0x{:04X}", number(octets, false)));
    pen.line("flags", 2, flags);
    for (name, size) in [
        ("seqNo", 8),
        ("ackSeqNo", 8),
        ("blockLength", 2),
        ("templateId", 2),
        ("schemaId", 2),
        ("version", 2),
    ] {
        pen.line(name, size, plain);
    }
    pen.fields("", layout.fields);
    let Some(tail) = layout.tail else { return pen.out };
    match tail.kind {
        TailKind::Text => {
            let length = pen.line(&format!("{}.length", tail.name), 2, plain);
            pen.line(tail.name, length, |octets| format!("\"{}\"", String::from_utf8_lossy(octets)));
        }
        TailKind::Group { fields, .. } => {
            pen.line(&format!("{}.blockLength", tail.name), 2, plain);
            let rows = pen.line(&format!("{}.numInGroup", tail.name), 2, plain);
            for row in 0..rows {
                pen.fields(&format!("{}[{row}].", tail.name), fields);
            }
        }
    }
    assert!(pen.rest.is_empty(), "every octet is explained");
    pen.out
}

fn flags(octets: &[u8]) -> String {
    let bits = number(octets, false);
    let names = [(0, "Resend"), (1, "EndOfEvent"), (3, "Unsequenced")];
    with_names(bits, names.iter().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| *name))
}

fn with_names(bits: i128, names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { bits.to_string() } else { format!("{bits} ({})", names.join(", ")) }
}

fn number(octets: &[u8], is_signed: bool) -> i128 {
    let mut wide = [0; 16];
    let width = octets.len().min(8);
    wide[..width].copy_from_slice(&octets[..width]);
    if is_signed && octets.last().is_some_and(|top| top & 0x80 != 0) {
        wide[width..].fill(0xFF);
    }
    i128::from_le_bytes(wide)
}

/// What the octets of a field say.
fn meaning(field: &Field, octets: &[u8]) -> String {
    let is_it = |name: &str| name == field.kind;
    let found = descriptions().find_map(|description| match description {
        Description::Scalar { name, primitive } if is_it(name) => {
            Some(number(octets, primitive.starts_with('i')).to_string())
        }
        Description::Optional { name, primitive, null } if is_it(name) => {
            let value = number(octets, primitive.starts_with('i')).to_string();
            Some(if value == null { "none".to_owned() } else { value })
        }
        Description::Array { name, primitive, length } if is_it(name) => Some(if primitive == "char" {
            String::from_utf8_lossy(octets).trim_end_matches('\0').to_owned()
        } else {
            format!("{length} octets")
        }),
        Description::Enumeration { name, values } if is_it(name) => {
            let known = values.iter().find(|(_, value)| *value == octets[0]);
            Some(format!("{} ({})", known.map_or("unknown", |(name, _)| name), octets[0]))
        }
        Description::Set { name, choices } if is_it(name) => {
            let bits = number(octets, false);
            Some(with_names(
                bits,
                choices.iter().filter(|(_, bit)| bits >> bit & 1 == 1).map(|(name, _)| *name),
            ))
        }
        Description::Scalar { .. }
        | Description::Optional { .. }
        | Description::Array { .. }
        | Description::Enumeration { .. }
        | Description::Set { .. } => None,
    });
    found.expect("every type is described")
}
